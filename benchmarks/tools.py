"""
The tools that unwheel is measured against, whole: one process, one wheel.

Each is started the way its users start it, without network, cache or byte
code, on a wheel and a destination on the same file system.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
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
        command: From wheel and destination (an empty directory) to argv.
    """

    name: str
    checks: str
    command: Callable[[str, str], list[str]]


@dataclass(frozen=True)
class Sample:
    """One run: seconds of wall and CPU time, bytes of peak memory."""

    wall: float
    cpu: float
    memory: int


def _python(module: str, *arguments: str) -> list[str]:
    if importlib.util.find_spec(module) is None:
        raise ToolError(f"the module {module} is not installed")
    return [sys.executable, "-m", module, *arguments]


def _program(name: str, *arguments: str) -> list[str]:
    found = shutil.which(name, path=PATH)
    if found is None:
        raise ToolError(f"{name} is not installed")
    return [found, *arguments]


def _uv(wheel: str, dest: str, *arguments: str) -> list[str]:
    return _program(
        "uv",
        *("pip", "install", "--quiet", "--no-deps", "--no-index"),
        *("--offline", "--no-cache", "--python", sys.executable),
        *("--target", dest, *arguments, wheel),
    )


def _pip(wheel: str, dest: str) -> list[str]:
    return _python(
        "pip",
        *("install", "--quiet", "--no-deps", "--no-index", "--no-compile"),
        *("--no-cache-dir", "--disable-pip-version-check"),
        *("--target", dest, wheel),
    )


def _installer(wheel: str, dest: str, *arguments: str) -> list[str]:
    return _python(
        "installer",
        *("--destdir", dest, "--no-compile-bytecode", *arguments, wheel),
    )


def _floor(wheel: str, dest: str, threads: int) -> list[str]:
    return [_floor_program(), wheel, f"{dest}/tree", str(threads)]


def _floor_program() -> str:
    """Compile floor.c beside pytest's own rubbish, once per version of it."""
    source = HERE / "floor.c"
    program = HERE / ".benchmarks" / "floor"
    stale = (
        not program.exists()
        or program.stat().st_mtime < source.stat().st_mtime
    )
    if stale:
        program.parent.mkdir(exist_ok=True)
        compiler = subprocess.run(
            [
                *_program("cc", "-std=c11", "-O2", str(source)),
                *("-o", str(program), "-ldeflate", "-lcrypto", "-lpthread"),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if compiler.returncode:
            raise ToolError(f"floor.c: {compiler.stderr.strip()[-200:]}")
    return str(program)


def _unwheel(wheel: str, dest: str) -> list[str]:
    return _program(
        "unwheel", "extract", "--quiet", "--into", f"{dest}/tree", wheel
    )


ALL = (
    Tool("unwheel", "RECORD", _unwheel),
    Tool("floor", "SHA-256", lambda w, d: _floor(w, d, cores())),
    Tool("floor-1-thread", "SHA-256", lambda w, d: _floor(w, d, 1)),
    Tool("uv", "CRC-32", _uv),
    Tool("uv-copy", "CRC-32", lambda w, d: _uv(w, d, "--link-mode=copy")),
    Tool(
        "bsdtar", "CRC-32", lambda w, d: _program("bsdtar", "-xf", w, "-C", d)
    ),
    Tool("unzip", "CRC-32", lambda w, d: _program("unzip", "-q", w, "-d", d)),
    Tool("7z", "CRC-32", lambda w, d: _program("7z", "x", "-y", f"-o{d}", w)),
    Tool("zipfile", "CRC-32", lambda w, d: _python("zipfile", "-e", w, d)),
    Tool(
        "wheel-unpack",
        "RECORD",
        lambda w, d: _python("wheel", "unpack", "-d", d, w),
    ),
    Tool("installer", "CRC-32", _installer),
    Tool(
        "installer-validate",
        "RECORD",
        lambda w, d: _installer(w, d, "--validate-record", "all"),
    ),
    Tool("pip", "CRC-32", _pip),
)
TOOLS = {tool.name: tool for tool in ALL}


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
    tool.command("x.whl", "x")


def run(tool: Tool, wheel: Path, top: Path) -> Sample:
    """
    Extract *wheel* once with *tool*, into a new directory below *top*.

    Making and removing the directory is not timed.  Memory is that of the
    largest process, and not below that of the caller, which the kernel counts
    from before the program is loaded.

    Raises:
        ToolError: If it is missing or fails.
    """
    dest = top / "dest"
    argv = tool.command(str(wheel), str(dest))
    dest.mkdir()
    try:
        return _timed(tool.name, argv, _environment(top))
    finally:
        shutil.rmtree(dest)


def _environment(top: Path) -> dict[str, str]:
    return {
        **os.environ,
        "PATH": PATH,
        "LC_ALL": "C.UTF-8",
        "TMPDIR": str(top),
        "UV_CACHE_DIR": str(top / "uv-cache"),
    }


def _timed(name: str, argv: list[str], environment: dict[str, str]) -> Sample:
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
