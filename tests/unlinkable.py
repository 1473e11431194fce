"""
Hosts that cannot make links, and one that can clone files: simulated or real.

Simulated, for processes that are started on it::

    with Worker(denying("symlink")) as worker:
        told = worker.extract(wheel, destination, policy)

Real, for whoever writes to it, if this machine can mount one::

    with mounted("exfat") as root: ...
"""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import pickle
import platform
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import unwheel
from unwheel.report import refusal_to_json

# The calls of each kind: their numbers, and the functions of the C library.
NUMBERS = {
    "x86_64": {"symlink": (88, 266), "link": (86, 265)},
    "aarch64": {"symlink": (36,), "link": (37,)},
}
FUNCTIONS = {
    "symlink": (
        "int symlink(const char *a, const char *b)",
        "int symlinkat(const char *a, int d, const char *b)",
    ),
    "link": (
        "int link(const char *a, const char *b)",
        "int linkat(int d, const char *a, int e, const char *b, int f)",
    ),
}
WAYS = ("seccomp", "preload")


@dataclass(frozen=True)
class Host:
    """
    How to start a process where calls fail; the default is this host, as is.

    Attributes:
        before: Called in the new process before the program is loaded.
        environment: What it needs to have in its environment.
    """

    before: Callable[[], None] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)

    def start(
        self, argv: Sequence[str], **options: Any
    ) -> subprocess.Popen[bytes]:
        """Start *argv* there; *options* as of `subprocess.Popen`."""
        environment = options.pop("env", os.environ)
        return subprocess.Popen(
            argv,
            preexec_fn=self.before,
            env={**environment, **self.environment},
            **options,
        )


def denying(*kinds: str, way: str = "seccomp") -> Host:
    """
    Give a host on which *kinds* of calls fail with EPERM, as on FAT.

    Args:
        kinds: Of "symlink" and "link".
        way: "seccomp": the kernel refuses; "preload": a library that is
            loaded first refuses, where filters are not for us.
    """
    if way == "preload":
        loaded = os.environ.get("LD_PRELOAD", "").split(":")
        shim = str(_shim(kinds))
        return Host(
            None, {"LD_PRELOAD": ":".join(filter(None, [*loaded, shim]))}
        )
    return Host(functools.partial(_deny, kinds))


def _deny(kinds: Sequence[str]) -> None:
    from trees import deny

    numbers = NUMBERS[platform.machine()]
    for kind in kinds:
        for number in numbers[kind]:
            deny(number, errno.EPERM)


@functools.cache
def _shim(kinds: tuple[str, ...]) -> Path:
    """Compile a library whose functions of these *kinds* only fail."""
    functions = [head for kind in kinds for head in FUNCTIONS[kind]]
    body = "".join(
        f"{head}\n{{\n\terrno = EPERM;\n\treturn -1;\n}}\n"
        for head in functions
    )
    library = Path(_room().name, "-".join(["shim", *kinds]) + ".so")
    compile_c("#include <errno.h>\n" + body, library, "-shared", "-fPIC")
    return library


@functools.cache
def _room() -> tempfile.TemporaryDirectory[str]:
    """Somewhere to put things that is gone when this process is."""
    return tempfile.TemporaryDirectory(prefix="unwheel-shim-")


def compile_c(source: str, out: Path, *options: str) -> None:
    """
    Compile the C program or library *out*.

    Raises:
        subprocess.CalledProcessError: If that fails.
    """
    compiler = shlex.split(sysconfig.get_config_var("CC") or "cc")
    subprocess.run(
        [*compiler, "-x", "c", "-", "-x", "none", "-o", str(out), *options],
        input=source.encode(),
        check=True,
        capture_output=True,
    )


def extract_told(
    wheel: str | os.PathLike[str],
    destination: str | os.PathLike[str],
    policy: unwheel.Policy,
) -> dict[str, Any]:
    """Extract, and give what ``unwheel extract --json --files`` would say."""
    try:
        report = unwheel.extract(wheel, destination, policy=policy, threads=1)
    except unwheel.UnwheelError as error:
        return refusal_to_json(error, action="extract", wheel=os.fspath(wheel))
    return report.to_json(files=True)


class Worker:
    """A process on a host, which extracts there as it is told."""

    def __init__(self, host: Host) -> None:
        """Start it."""
        self._process = host.start(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def __enter__(self) -> Worker:
        """Give the worker itself."""
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Let it end."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()

    def extract(
        self,
        wheel: str | os.PathLike[str],
        destination: str | os.PathLike[str],
        policy: unwheel.Policy,
    ) -> dict[str, Any]:
        """As `extract_told`, there."""
        assert self._process.stdin
        assert self._process.stdout
        job = os.fspath(wheel), os.fspath(destination), policy
        pickle.dump(job, self._process.stdin)
        self._process.stdin.flush()
        told: dict[str, Any] = pickle.load(self._process.stdout)
        return told


def _serve() -> None:
    """Do what comes on stdin until it ends."""
    while True:
        try:
            job = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        pickle.dump(extract_told(*job), sys.stdout.buffer)
        sys.stdout.buffer.flush()


class MountError(Exception):
    """This machine cannot mount such a file system; the message says why."""


# Size of the image; how it is formatted; how it is mounted.
FILE_SYSTEMS: dict[str, tuple[int, list[str], list[str]]] = {
    # No links of any kind: FUSE answers ENOSYS to symlink, EPERM to link.
    "exfat": (32 << 20, ["mkfs.exfat"], ["mount.exfat-fuse"]),
    # FICLONE works.
    "xfs": (320 << 20, ["mkfs.xfs", "-q"], ["mount"]),
}


@contextlib.contextmanager
def mounted(kind: str) -> Iterator[Path]:
    """
    Give the root of a new file system of one of the `FILE_SYSTEMS`.

    Raises:
        MountError: If this machine cannot.
    """
    size, make, mount = FILE_SYSTEMS[kind]
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        image, root = Path(folder, "image"), Path(folder, "root")
        root.mkdir()
        with image.open("wb") as file:
            file.truncate(size)
        _system(*make, str(image))
        device = _system("losetup", "--find", "--show", str(image)).strip()
        stack.callback(_system, "losetup", "--detach", device)
        _system(*mount, device, str(root))
        stack.callback(_system, "umount", str(root))
        yield root


@contextlib.contextmanager
def mounted_or_skipped(kind: str) -> Iterator[Path]:
    """As `mounted`; where it cannot be, the test is skipped and says why."""
    with contextlib.ExitStack() as stack:
        try:
            root = stack.enter_context(mounted(kind))
        except MountError as error:
            pytest.skip(f"no {kind} here: {error}")
        yield root


def _system(*argv: str) -> str:
    program = shutil.which(
        argv[0], path=f"{os.environ['PATH']}:/sbin:/usr/sbin"
    )
    if program is None:
        raise MountError(f"{argv[0]} is not installed")
    done = subprocess.run(
        [program, *argv[1:]], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise MountError(f"{argv[0]}: {done.stderr.strip()}")
    return done.stdout


if __name__ == "__main__":
    _serve()
