"""Threads of the core, and what becomes of a wheel when something fails."""

from __future__ import annotations

import os
import random
import shlex
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from builder import STORED, ArchiveBuilder
from internals import CSRC

NATIVE = Path(__file__).resolve().parent / "native"


def compiled(folder: Path, *flags: str) -> dict[str, Path]:
    """The programs in which calls of the core fail: ``native/fault_*.c``."""
    compiler = shlex.split(sysconfig.get_config_var("CC") or "cc")
    compiler += ["-std=c11", "-O1", "-g", "-pthread", f"-I{CSRC}", *flags]
    compiler += shlex.split(os.environ.get("UNWHEEL_CFLAGS", ""))
    core = [path for path in CSRC.glob("*.c") if "_win32" not in path.stem]
    subprocess.run(
        [*compiler, "-include", NATIVE / "faults.h", "-c", *core],
        check=True,
        cwd=folder,
    )
    objects = [f"{path.stem}.o" for path in core]
    programs = {}
    for name in ("fault_calls", "fault_crew"):
        sources = [NATIVE / f"{name}.c", NATIVE / "faults.c"]
        subprocess.run(
            [*compiler, "-o", name, *sources, *objects], check=True, cwd=folder
        )
        programs[name] = folder / name
    return programs


@pytest.fixture(scope="module")
def programs(tmp_path_factory) -> dict[str, Path]:
    """Both programs, by name."""
    return compiled(tmp_path_factory.mktemp("faults"))


@pytest.fixture
def memory(tmp_path) -> Iterator[Path]:
    """A folder in memory, if there is one: thousands of trees come and go."""
    shared = Path("/dev/shm")
    room = shared if os.access(shared, os.W_OK) else tmp_path
    with tempfile.TemporaryDirectory(dir=room) as folder:
        yield Path(folder)


def both_halves(folder: Path) -> Path:
    """Big members, packed and stored, small ones in directories, repeats."""
    chance = random.Random(1)
    words = [chance.randbytes(k % 9 + 2) for k in range(500)]
    archive = ArchiveBuilder()
    archive.file("big/packed", b"".join(chance.choices(words, k=95_000)))
    archive.file("big/stored", chance.randbytes(530_000), method=STORED)
    for index in range(12):
        archive.file(f"small/{index % 4}/{index}", b"x = 1\n" * index)
    archive.file("small/0/again", archive.members[1].data, method=STORED)
    for index in range(3):
        archive.file(f"small/{index}/same", chance.randbytes(9) * 1000)
        archive.file(f"big/same{index}", archive.members[-1].data)
    return archive.write(folder / "faults.zip")


@pytest.mark.skipif(
    sys.platform != "linux", reason="the calls that fail are those of Linux"
)
def test_survives_a_failure_of_any_call(programs, memory):
    """
    Memory, files, both halves of a member, copies: told, and nothing is lost.
    """
    wheel = both_halves(memory)

    subprocess.run(
        [programs["fault_crew"], wheel, memory / "tree", "2"],
        check=True,
        timeout=300,
    )


@pytest.mark.skipif(
    sys.platform != "linux", reason="the calls that fail are those of Linux"
)
def test_every_function_survives_a_failure_of_any_call(programs, memory):
    """
    Archives, readers, trees, probes: told, and nothing is lost or left.
    """
    wheel = both_halves(memory)

    told = subprocess.run(
        [programs["fault_calls"], wheel, memory / "tree"],
        check=True,
        timeout=300,
        capture_output=True,
        text=True,
    ).stdout

    print(told)
    assert 10 == len(told.splitlines())
