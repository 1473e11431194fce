"""
The tools that unwheel is measured against, whole: processes and wheels.

Each is started the way its users start it, without network, cache or byte
code, on wheels and a destination on the same file system.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

HERE = Path(__file__).resolve().parent
PATH = os.pathsep.join(
    (str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath))
)


class ToolError(Exception):
    """A tool is missing, or failed; the message says which and why."""


@dataclass(frozen=True)
class Tool:
    """
    A rival.

    Attributes:
        name: What the chart calls it.
        checks: The strongest of "nothing", "CRC-32", "SHA-256" (hashed, but
            compared with nothing) and "RECORD" that it does on the way.
        command: From destination (an empty directory) and wheels to argv.
        many: Whether a command takes many wheels; else it is one a wheel.
    """

    name: str
    checks: str
    command: Callable[..., list[str]]
    many: bool = False


@dataclass(frozen=True)
class Sample:
    """
    One run: seconds of wall and CPU time, bytes of peak memory.

    What it wrote was on the disk after *synced* seconds, where that was asked.
    """

    wall: float
    cpu: float
    memory: int
    synced: float | None = None


def python_module(module: str, *arguments: str) -> list[str]:
    if importlib.util.find_spec(module) is None:
        raise ToolError(f"the module {module} is not installed")
    return [sys.executable, "-m", module, *arguments]


def program(name: str, *arguments: str) -> list[str]:
    found = shutil.which(name, path=PATH)
    if found is None:
        raise ToolError(f"{name} is not installed")
    return [found, *arguments]


def _uv(dest: str, *wheels: str, link_mode: str | None = None) -> list[str]:
    return program(
        "uv",
        *("pip", "install", "--quiet", "--no-deps", "--no-index"),
        *("--offline", "--no-cache", "--python", sys.executable),
        *([f"--link-mode={link_mode}"] if link_mode else []),
        *("--target", dest, *wheels),
    )


def _pip(dest: str, *wheels: str) -> list[str]:
    return python_module(
        "pip",
        *("install", "--quiet", "--no-deps", "--no-index", "--no-compile"),
        *("--no-cache-dir", "--disable-pip-version-check"),
        *("--target", dest, *wheels),
    )


def _installer(dest: str, wheel: str, *arguments: str) -> list[str]:
    return python_module(
        "installer",
        *("--destdir", dest, "--no-compile-bytecode", *arguments, wheel),
    )


def _floor(dest: str, wheel: str, threads: int) -> list[str]:
    return [_floor_program(), wheel, f"{dest}/tree", str(threads)]


def _floor_program() -> str:
    """Compile floor.c beside pytest's own rubbish, once per version of it."""
    source = HERE / "floor.c"
    built = HERE / ".benchmarks" / "floor"
    stale = (
        not built.exists() or built.stat().st_mtime < source.stat().st_mtime
    )
    if stale:
        built.parent.mkdir(exist_ok=True)
        compiler = subprocess.run(
            [
                *program("cc", "-std=c11", "-O2", str(source)),
                *("-o", str(built), "-ldeflate", "-lcrypto", "-lpthread"),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if compiler.returncode:
            raise ToolError(f"floor.c: {compiler.stderr.strip()[-200:]}")
    return str(built)


def _unwheel(dest: str, *wheels: str) -> list[str]:
    return program("unwheel", "extract", "--quiet", "-d", dest, *wheels)


def _naive(dest: str, *wheels: str) -> list[str]:
    return [sys.executable, str(HERE / "naive.py"), dest, *wheels]


ALL = (
    Tool("unwheel", "RECORD", _unwheel, many=True),
    Tool("floor", "SHA-256", lambda d, w: _floor(d, w, cores())),
    Tool("floor-1-thread", "SHA-256", lambda d, w: _floor(d, w, 1)),
    Tool("naive", "RECORD", _naive, many=True),
    Tool("uv", "CRC-32", _uv, many=True),
    Tool("uv-copy", "CRC-32", partial(_uv, link_mode="copy"), many=True),
    Tool(
        "bsdtar", "CRC-32", lambda d, w: program("bsdtar", "-xf", w, "-C", d)
    ),
    Tool("unzip", "CRC-32", lambda d, w: program("unzip", "-q", w, "-d", d)),
    Tool("7z", "CRC-32", lambda d, w: program("7z", "x", "-y", f"-o{d}", w)),
    Tool(
        "zipfile", "CRC-32", lambda d, w: python_module("zipfile", "-e", w, d)
    ),
    Tool(
        "wheel-unpack",
        "RECORD",
        lambda d, w: python_module("wheel", "unpack", "-d", d, w),
    ),
    Tool("installer", "CRC-32", _installer),
    Tool(
        "installer-validate",
        "RECORD",
        lambda d, w: _installer(d, w, "--validate-record", "all"),
    ),
    Tool("pip", "CRC-32", _pip, many=True),
)
VARIANTS = (
    Tool("unwheel-loop", "RECORD", _unwheel),
    Tool(
        "unwheel-durable",
        "RECORD",
        lambda d, *w: [*_unwheel(d, *w), "--durable"],
        many=True,
    ),
)
TOOLS = {tool.name: tool for tool in (*ALL, *VARIANTS)}


def parser(doc: str | None) -> argparse.ArgumentParser:
    """One that shows a script's docstring as it stands."""
    return argparse.ArgumentParser(
        description=doc,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def cores() -> int:
    """Count the CPUs that this process may use."""
    return len(os.sched_getaffinity(0))


def default_where() -> Path:
    """Memory, where it is a file system; else the temporary directory."""
    memory = Path("/dev/shm")
    return memory if memory.is_dir() else Path(tempfile.gettempdir())


def check(tool: Tool) -> None:
    """
    See whether *tool* is there.

    Raises:
        ToolError: If it is not.
    """
    tool.command("x", "x.whl")


def run(
    tool: Tool,
    wheels: Sequence[Path],
    top: Path,
    *,
    sync: bool = False,
    least: int = 0,
) -> Sample:
    """
    Extract *wheels* once with *tool*, into a new directory below *top*.

    Making and removing the directory is not timed.  Memory is that of the
    largest process, and not below that of the caller, which the kernel counts
    from before the program is loaded.

    Args:
        tool: Run once for all of the wheels, or once for each.
        wheels: On the file system of *top*.
        top: Holds whatever is written.
        sync: Start when nothing is left to be written back, tell how long it
            takes until the new files are on the disk, and leave them in *top*,
            empty.
        least: Bytes that there must be then.

    Raises:
        ToolError: If it is missing, fails, or has not written so much.
    """
    room = Path(tempfile.mkdtemp(dir=top, prefix="run-"))
    try:
        commands = _commands(tool, [str(wheel) for wheel in wheels], room)
        if sync:
            _sync(top)
        surroundings = environment(top)
        runs = [timed(tool.name, argv, surroundings) for argv in commands]
        wall = sum(run.wall for run in runs)
        sample = Sample(
            wall,
            sum(run.cpu for run in runs),
            max(run.memory for run in runs),
            wall + _sync(top) if sync else None,
        )
        written = sum(path.lstat().st_size for path in _files(room))
        if written < least:
            raise ToolError(f"{tool.name} wrote {written} bytes, not {least}")
        return sample
    finally:
        if sync:
            _empty(room)
        else:
            shutil.rmtree(room)


def _commands(
    tool: Tool, wheels: Sequence[str], room: Path
) -> list[list[str]]:
    """One for all, or one for each into a directory of its own."""
    if tool.many:
        return [tool.command(str(room), *wheels)]
    commands = []
    for k, wheel in enumerate(wheels):
        dest = room / str(k)
        dest.mkdir()
        commands.append(tool.command(str(dest), wheel))
    return commands


def _sync(directory: Path) -> float:
    """Seconds until all of the file system is on the disk."""
    start = time.perf_counter()
    subprocess.run(["sync", "--file-system", directory], check=True)
    return time.perf_counter() - start


def _empty(directory: Path) -> None:
    """
    Give back the room on the disk, but keep the files.

    For minutes ext4 does not use the inode of a removed file again, and looks
    at each such inode whenever it makes a file: who comes after the removal of
    a large tree pays for it, up to a millisecond a file.
    """
    for path in _files(directory):
        if not path.is_symlink():
            os.truncate(path, 0)


def _files(directory: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(directory):
        for name in names:
            yield Path(parent, name)


def environment(top: Path) -> dict[str, str]:
    """What a tool finds in its environment: no other place than *top*."""
    return {
        **os.environ,
        "PATH": PATH,
        "LC_ALL": "C.UTF-8",
        "TMPDIR": str(top),
        "UV_CACHE_DIR": str(top / "uv-cache"),
    }


def timed(name: str, argv: list[str], environment: dict[str, str]) -> Sample:
    """
    Run *argv* once, nothing else in its environment than is told.

    Raises:
        ToolError: If it fails; the end of what it said is in it.
    """
    start = time.perf_counter()
    with subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=environment,
    ) as child:
        assert child.stderr is not None
        said = child.stderr.read()
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        text = said.decode(errors="replace").strip()[-300:]
        raise ToolError(f"{name} failed ({child.returncode}): {text}")
    return Sample(
        wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024
    )
