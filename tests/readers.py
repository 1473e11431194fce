"""
Other readers of wheels, run on many of them at once, each into its own box.

A box is a directory with a destination in it, and `outside` beside that; a
reader that writes anywhere but in the destination has escaped.  Programs are
one process for each wheel; what is written in Python is one process for all,
which forks for each: ``python readers.py READER [BOX]`` with jobs as JSON on
stdin.

With a :class:`Box`, in a process that :mod:`boxes` has locked, a reader can do
no harm: it sees `outside` of its box where attacks aim at, and ``scratch`` is
for its own temporary files.
"""

from __future__ import annotations

import importlib
import json
import os
import shutil
import struct
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

Job = tuple[str, str, str]  # wheel, box, destination


class Box(NamedTuple):
    """
    What a reader is held to.

    Attributes:
        place: Where it sees the `outside` of its box.
        seconds: Of CPU time, after which it is ended.
        memory: Bytes of address space.
    """

    place: str
    seconds: int
    memory: int

    def enter(self, box: str) -> None:
        """Shut this process into the directory *box*, for good."""
        import boxes

        boxes.enter(
            f"{box}/outside",
            self.place,
            seconds=self.seconds,
            memory=self.memory,
        )
        os.environ["TMPDIR"] = f"{box}/scratch"
        os.chdir(f"{box}/scratch")


SCRIPTS = str(Path(sys.executable).parent)
PATH = os.pathsep.join((SCRIPTS, os.environ.get("PATH", os.defpath)))
# Nothing that the user has set may change what a reader does.
ENVIRONMENT = {
    "PATH": PATH,
    "LC_ALL": "C.UTF-8",
    "HOME": "/nonexistent",
    "PIP_CONFIG_FILE": os.devnull,
    "UV_NO_CONFIG": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
}

PROGRAMS: dict[str, Callable[[str, str], list[str]]] = {
    "unzip": lambda wheel, dest: ["unzip", "-q", "-o", wheel, "-d", dest],
    "bsdtar": lambda wheel, dest: ["bsdtar", "-xf", wheel, "-C", dest],
    "7z": lambda wheel, dest: ["7z", "x", "-y", f"-o{dest}", wheel],
    "busybox": lambda wheel, dest: [
        *("busybox", "unzip", "-q", "-o", wheel, "-d", dest)
    ],
    "uv": lambda wheel, dest: [
        *("uv", "pip", "install", "--no-deps", "--no-index", "--offline"),
        *("--no-cache", "--python", sys.executable, "--target", dest, wheel),
    ],
}
PACKAGES = {
    "unzip": "unzip",
    "bsdtar": "libarchive-tools",
    "7z": "p7zip-full",
    "busybox": "busybox",
}


def _zipfile(wheel: str, dest: str) -> None:
    import zipfile

    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(dest)


def _shutil(wheel: str, dest: str) -> None:
    shutil.unpack_archive(wheel, dest, "zip")


def _zipfile2(wheel: str, dest: str) -> None:
    import zipfile2

    with zipfile2.ZipFile(wheel) as archive:
        archive.extractall(dest)


def _libarchive(wheel: str, dest: str) -> None:
    import libarchive

    os.chdir(dest)  # it knows no other destination
    libarchive.extract_file(wheel)


def _libarchive_flags_0(wheel: str, dest: str) -> None:
    import libarchive

    os.chdir(dest)
    libarchive.extract_file(wheel, 0)


def _installer(wheel: str, dest: str, *, validate: bool = False) -> None:
    import installer
    from installer.destinations import SchemeDictionaryDestination
    from installer.sources import WheelFile

    schemes = dict.fromkeys(("purelib", "platlib", "headers"), dest)
    schemes |= {"scripts": f"{dest}/bin", "data": f"{dest}/data"}
    with WheelFile.open(Path(wheel)) as source:
        if validate:
            source.validate_record()
        installer.install(
            source,
            SchemeDictionaryDestination(
                schemes,
                sys.executable,
                "posix",
                bytecode_optimization_levels=(),
            ),
            {},
        )


def _installer_validate(wheel: str, dest: str) -> None:
    """As its command line does with ``--validate-record all``."""
    _installer(wheel, dest, validate=True)


def _unwheel(wheel: str, dest: str, backend: str = "native") -> None:
    import unwheel

    unwheel.extract(wheel, dest, threads=1, backend=backend)


def _unwheel_libarchive(wheel: str, dest: str) -> None:
    _unwheel(wheel, dest, "libarchive")


def _wheel_unpack(wheel: str, dest: str) -> None:
    """Unpack beside *dest*, which then is what was made there."""
    from wheel._commands import main

    sys.argv = ["wheel", "unpack", "-d", os.path.dirname(dest), wheel]
    if code := main():
        sys.exit(code)


def _pip(wheel: str, dest: str) -> None:
    from pip._internal.cli.main import main

    code = main(
        [
            *("install", "--no-deps", "--no-index", "--no-compile"),
            *("--no-cache-dir", "--disable-pip-version-check"),
            *("--target", dest, wheel),
        ]
    )
    if code:
        sys.exit(code)


MODULES: dict[str, tuple[Callable[[str, str], None], tuple[str, ...]]] = {
    "zipfile": (_zipfile, ("zipfile",)),
    "shutil": (_shutil, ("shutil",)),
    "zipfile2": (_zipfile2, ("zipfile2",)),
    "libarchive-c": (_libarchive, ("libarchive",)),
    "libarchive-c, flags 0": (_libarchive_flags_0, ("libarchive",)),
    "installer": (
        _installer,
        ("installer.destinations", "installer.sources"),
    ),
    "installer, validating": (
        _installer_validate,
        ("installer.destinations", "installer.sources"),
    ),
    "unwheel": (_unwheel, ("unwheel.linking", "unwheel.merge")),
    "unwheel, libarchive": (_unwheel_libarchive, ("unwheel.linking",)),
    "wheel": (_wheel_unpack, ("wheel._commands", "wheel._commands.unpack")),
    # Loading it takes longer than all that it does here.
    "pip": (_pip, ("pip._internal.commands.install",)),
}
READERS = (*PROGRAMS, *MODULES)


class ReaderError(Exception):
    """A reader is missing; the message says which, and whence to get it."""


# How a process ends in which an exception comes through that no caller can
# expect: one that Python has for mistakes of who wrote the reader.
MISTAKE = 70
_MISTAKES = (
    *(ArithmeticError, AssertionError, AttributeError, LookupError),
    *(MemoryError, NameError, RecursionError, TypeError, struct.error),
)


def run(
    reader: str,
    jobs: Sequence[Job],
    before: Callable[[], None] | None = None,
) -> list[bool]:
    """
    Have *reader* unpack every wheel; whether it said that it did.

    What it printed is in the file ``log`` of the box.  *before* is called in
    its process first.

    Raises:
        ReaderError: If it is not installed.
    """
    return [status == 0 for status in statuses(reader, jobs, before)]


def statuses(
    reader: str,
    jobs: Sequence[Job],
    before: Callable[[], None] | None = None,
    box: Box | None = None,
) -> list[int]:
    """
    Have *reader* unpack every wheel, each in a *box* if there is one.

    Returns:
        How each ended: its exit status, which is `MISTAKE` if something in
        Python had no answer; or a signal, negative.

    Raises:
        ReaderError: If it is not installed.
    """
    if reader in PROGRAMS:
        return [_run_program(reader, *job, before, box) for job in jobs]
    python = subprocess.run(
        [sys.executable, __file__, reader, *map(str, box or ())],
        input=json.dumps(jobs),
        capture_output=True,
        text=True,
        env=_environment(),
        preexec_fn=before,
        check=False,
    )
    if python.returncode:
        raise ReaderError(f"{reader}: {python.stderr[-2000:]}")
    answers: list[int] = json.loads(python.stdout)
    return answers


def _environment() -> dict[str, str]:
    """For Python: what it finds modules by is no setting of a user."""
    path = os.environ.get("PYTHONPATH")
    return ENVIRONMENT | ({"PYTHONPATH": path} if path else {})


def _run_program(
    reader: str,
    wheel: str,
    box: str,
    dest: str,
    before: Callable[[], None] | None,
    boxed: Box | None,
) -> int:
    argv = PROGRAMS[reader](wheel, dest)
    program = shutil.which(argv[0], path=PATH)
    if program is None:
        package = PACKAGES.get(reader, f"pip install {reader}")
        raise ReaderError(f"{reader} is not installed ({package})")
    enter = before if boxed is None else lambda: boxed.enter(box)
    with open(f"{box}/log", "wb") as log:
        return subprocess.run(
            [program, *argv[1:]],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=ENVIRONMENT | {"TMPDIR": f"{box}/scratch"}
            if boxed
            else ENVIRONMENT,
            preexec_fn=enter,
            check=False,
        ).returncode


def _serve(reader: str, box: Box | None) -> None:
    """Do the jobs on stdin, each in a fork."""
    extract, modules = MODULES[reader]
    for module in modules:
        importlib.import_module(module)
    jobs: Iterable[Job] = json.load(sys.stdin)
    answers = []
    for job in jobs:
        child = os.fork()
        if child == 0:
            _extract(extract, job, box)
        status = os.waitpid(child, 0)[1]
        answers.append(os.waitstatus_to_exitcode(status))
    print(json.dumps(answers))


def _extract(
    extract: Callable[[str, str], None], job: Job, boxed: Box | None
) -> None:
    """End this process, with 0 if *extract* did."""
    wheel, box, dest = job
    log = os.open(f"{box}/log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    os.dup2(log, 1)
    os.dup2(log, 2)
    status = 1
    try:
        if boxed:
            boxed.enter(box)
        extract(wheel, dest)
        status = 0
    except _MISTAKES:
        traceback.print_exc()
        status = MISTAKE
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _box(words: Sequence[str]) -> Box | None:
    if not words:
        return None
    place, seconds, memory = words
    return Box(place, int(seconds), int(memory))


if __name__ == "__main__":
    _serve(sys.argv[1], _box(sys.argv[2:]))
