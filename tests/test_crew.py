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


@pytest.fixture(scope="module")
def fault_crew(tmp_path_factory) -> Path:
    """The core with calls that fail when told to: ``native/fault_crew.c``."""
    folder = tmp_path_factory.mktemp("fault_crew")
    compiler = shlex.split(sysconfig.get_config_var("CC") or "cc")
    compiler += ["-std=c11", "-O1", "-pthread", f"-I{CSRC}"]
    compiler += shlex.split(os.environ.get("UNWHEEL_CFLAGS", ""))
    core = [path for path in CSRC.glob("*.c") if "_win32" not in path.stem]
    subprocess.run(
        [*compiler, "-include", NATIVE / "faults.h", "-c", *core],
        check=True,
        cwd=folder,
    )
    subprocess.run(
        [*compiler, "-o", "fault_crew", NATIVE / "fault_crew.c"]
        + [f"{path.stem}.o" for path in core],
        check=True,
        cwd=folder,
    )
    return folder / "fault_crew"


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
def test_survives_a_failure_of_any_call(fault_crew, memory):
    """
    Memory, files, both halves of a member, copies: told, and nothing is lost.
    """
    wheel = both_halves(memory)

    subprocess.run(
        [fault_crew, wheel, memory / "tree", "2"],
        check=True,
        timeout=300,
    )
