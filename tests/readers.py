"""
Other readers of wheels, run on many of them at once, each into its own box.

A box is a directory with a destination in it, and `outside` beside that; a
reader that writes anywhere but in the destination has escaped.  Programs are
one process for each wheel; what is written in Python is one process for all,
which forks for each: ``python readers.py READER`` with jobs as JSON on stdin.
"""

from __future__ import annotations

import importlib
import json
import os
import shutil
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

Job = tuple[str, str, str]  # wheel, box, destination

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


def _installer(wheel: str, dest: str) -> None:
    import installer
    from installer.destinations import SchemeDictionaryDestination
    from installer.sources import WheelFile

    schemes = dict.fromkeys(("purelib", "platlib", "headers"), dest)
    schemes |= {"scripts": f"{dest}/bin", "data": f"{dest}/data"}
    with WheelFile.open(Path(wheel)) as source:
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


def _wheel_unpack(wheel: str, dest: str) -> None:
    """Unpack beside *dest*, which then is what was made there."""
    from wheel._commands import main

    sys.argv = ["wheel", "unpack", "-d", f"{dest}/..", wheel]
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
    "wheel": (_wheel_unpack, ("wheel._commands", "wheel._commands.unpack")),
    # Loading it takes longer than all that it does here.
    "pip": (_pip, ("pip._internal.commands.install",)),
}
READERS = (*PROGRAMS, *MODULES)


class ReaderError(Exception):
    """A reader is missing; the message says which, and whence to get it."""


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
    if reader in PROGRAMS:
        return [_run_program(reader, *job, before) for job in jobs]
    python = subprocess.run(
        [sys.executable, __file__, reader],
        input=json.dumps(jobs),
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        preexec_fn=before,
        check=False,
    )
    if python.returncode:
        raise ReaderError(f"{reader}: {python.stderr[-2000:]}")
    answers: list[bool] = json.loads(python.stdout)
    return answers


def _run_program(
    reader: str,
    wheel: str,
    box: str,
    dest: str,
    before: Callable[[], None] | None,
) -> bool:
    argv = PROGRAMS[reader](wheel, dest)
    program = shutil.which(argv[0], path=PATH)
    if program is None:
        package = PACKAGES.get(reader, f"pip install {reader}")
        raise ReaderError(f"{reader} is not installed ({package})")
    with open(f"{box}/log", "wb") as log:
        return (
            subprocess.run(
                [program, *argv[1:]],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=ENVIRONMENT,
                preexec_fn=before,
                check=False,
            ).returncode
            == 0
        )


def _serve(reader: str) -> None:
    """Do the jobs on stdin, each in a fork."""
    extract, modules = MODULES[reader]
    for module in modules:
        importlib.import_module(module)
    jobs: Iterable[Job] = json.load(sys.stdin)
    answers = []
    for wheel, box, dest in jobs:
        child = os.fork()
        if child == 0:
            _extract(extract, wheel, box, dest)
        answers.append(os.waitpid(child, 0)[1] == 0)
    print(json.dumps(answers))


def _extract(
    extract: Callable[[str, str], None], wheel: str, box: str, dest: str
) -> None:
    """End this process, with 0 if *extract* did."""
    log = os.open(f"{box}/log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    os.dup2(log, 1)
    os.dup2(log, 2)
    status = 1
    try:
        extract(wheel, dest)
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    _serve(sys.argv[1])
