"""
The sdist is whole: the wheel that is built from it works.

Builds as users do, in clean environments, so it needs the package index.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("csrc", "src", "tests", "benchmarks")
FILES = ("README.md", "LICENSE", "pyproject.toml", "setup.py")
RUBBISH = re.compile(
    r"(^|/)(\.|__pycache__|[^/]*\.egg-info)|\.(so|o|py[cod])$"
)


class Built(NamedTuple):
    """What was built, and an environment that has it installed."""

    sdist: Path
    wheel: Path
    python: Path


@pytest.fixture(scope="module")
def built() -> Iterator[Built]:
    """
    Build project -> sdist -> wheel, and install the wheel.

    In a copy, because building leaves things behind in the source tree.
    """
    with tempfile.TemporaryDirectory(prefix="unwheel-packaging-") as top:
        room = Path(top)
        _copy(room / "project")
        _run(sys.executable, "-m", "venv", room / "venv")
        python = _python(room / "venv")
        build = (sys.executable, "-m", "build", "--outdir", room / "out")
        _run(*build, "--sdist", room / "project")
        (sdist,) = (room / "out").iterdir()
        pip = (python, "-m", "pip", "--disable-pip-version-check")
        _run(*pip, "wheel", "--no-deps", "-w", room / "wheels", sdist)
        (wheel,) = (room / "wheels").iterdir()
        _run(*pip, "install", wheel)
        yield Built(sdist, wheel, python)


def test_the_sdist_is_the_whole_project(built: Built) -> None:
    """
    Every file of every room, the other systems' too, and nothing besides.
    """
    with tarfile.open(built.sdist) as archive:
        names = {
            member.name.partition("/")[2]
            for member in archive.getmembers()
            if member.isfile()
        }
    made = {name for name in names if ".egg-info/" in name}

    assert {*FILES, *_project_files()} == names - made - {
        "PKG-INFO",
        "setup.cfg",
    }


def test_the_wheel_holds_the_package_and_nothing_else(built: Built) -> None:
    """
    No test, no C source; one extension module, for every Python from 3.10.
    """
    with zipfile.ZipFile(built.wheel) as archive:
        names = archive.namelist()
    modules = {
        path.relative_to(ROOT / "src").as_posix()
        for path in (ROOT / "src").rglob("*.py*")
        if path.suffix in (".py", ".pyi") or path.name == "py.typed"
    }
    modules |= {"unwheel/py.typed"}
    package = {name for name in names if ".dist-info/" not in name}
    (extension,) = package - modules

    assert modules | {extension} == package
    assert extension.startswith("unwheel/_native.")
    if not sysconfig.get_config_var("Py_GIL_DISABLED"):
        assert "-cp310-abi3-" in built.wheel.name
        assert ".abi3." in extension or extension.endswith(".pyd")


def test_the_wheel_works(built: Built) -> None:
    """
    Installed alone in a clean environment it extracts a wheel.
    """
    shown = _run(built.python, ROOT / "tests" / "smoke.py")

    assert "works" in shown


def _copy(target: Path) -> None:
    target.mkdir()
    for name in FILES:
        shutil.copy(ROOT / name, target)
    for room in ROOMS:
        shutil.copytree(ROOT / room, target / room)


def _project_files() -> Iterator[str]:
    for room in ROOMS:
        for path in (ROOT / room).rglob("*"):
            name = path.relative_to(ROOT).as_posix()
            if path.is_file() and not RUBBISH.search(name):
                yield name


def _python(venv: Path) -> Path:
    if sys.platform == "win32":
        return venv / "Scripts" / "python.exe"
    return venv / "bin" / "python"


def _run(*command: str | Path) -> str:
    done = subprocess.run(
        [*map(str, command)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.fail(f"{command}: {done.stderr[-3000:]}", pytrace=False)
    return done.stdout
