"""
PDM and Poetry as people have them: each in a venv of its own, with us in it.

The tools are the current releases, from the package index the first time, and
then from uv's cache, which is kept where real wheels are (see wheels.py).
What is tested of ours goes into them as a wheel, of what the tests import.
"""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import readers
from builder import WheelBuilder
from wheels import FetchError, storage

import unwheel

REQUIREMENTS = {"pdm": "pdm[locked]", "poetry": "poetry"}
# What `import unwheel.install` needs.
NEEDS = ("cffi", "installer", "packaging")

VERSION = "{}.{}".format(*sys.version_info[:2])
SITE = f"lib/python{VERSION}/site-packages"


def run(
    *argv: str | Path,
    env: Mapping[str, str],
    cwd: Path | None = None,
    check: bool = True,
) -> subprocess.CompletedProcess[str]:
    """Run a program; if it has to end well and does not, say what it said."""
    done = subprocess.run(
        argv,
        cwd=cwd,
        env=env,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    if check and done.returncode:
        raise AssertionError(
            f"{argv}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        )
    return done


def uv(*words: str | Path, online: bool = False) -> None:
    """
    Run uv, which makes a venv or installs a wheel in no time.

    Raises:
        FetchError: If what it needs is not at hand, or, *online*, cannot be
            had from the index.
    """
    # What says how to reach the index stays.
    env = {**os.environ, **readers.ENVIRONMENT}
    env["UV_CACHE_DIR"] = str(storage() / "uv")
    argv = ("uv", *words, *(() if online else ("--offline",)), "--quiet")
    done = run(*argv, env=env, check=False)
    if done.returncode:
        raise FetchError(f"{argv}: {done.stderr[-2000:]}")


def make_venv(root: Path) -> None:
    """Make an environment of this Python, with nothing in it."""
    uv("venv", "--no-project", "--clear", "--python", sys.executable, root)


@functools.cache
def tool(name: str) -> Path:
    """
    The Python of the venv of *name*, with us in it; for this process alone.

    Raises:
        FetchError: If the index cannot be reached.
    """
    venv = Path(_room().name, name)
    python = venv / "bin/python"
    make_venv(venv)
    # With bytecode: a tool is started many times.
    words = ("pip", "install", "--compile-bytecode", "--python", python)
    needed = (REQUIREMENTS[name], *NEEDS)
    try:
        uv(*words, *needed)
    except FetchError:
        uv(*words, *needed, online=True)
    uv(*words, "--no-deps", own_wheel(venv))
    return python


@functools.cache
def _room() -> tempfile.TemporaryDirectory[str]:
    """Somewhere to put things that is gone when this process is."""
    return tempfile.TemporaryDirectory(prefix="unwheel-tools-")


def native_wheel(project: str, folder: Path) -> Path:
    """
    The current wheel of *project* for this Python, in *folder*.

    Raises:
        FetchError: If the index cannot be reached.
    """
    room = storage() / f"native-{VERSION}"
    found = sorted(room.glob(f"{project}-*.whl"))
    if not found:
        _download(project, room)
        found = sorted(room.glob(f"{project}-*.whl"))
    wheel = folder / found[0].name
    shutil.copyfile(found[0], wheel)  # Poetry does not know a link again
    return wheel


def _download(project: str, room: Path) -> None:
    room.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=room) as directory:
        pip = subprocess.run(
            [
                *(sys.executable, "-m", "pip", "download", "--quiet"),
                *("--no-deps", "--only-binary=:all:", "--no-cache-dir"),
                *("--disable-pip-version-check", "--dest", directory),
                project,
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if pip.returncode:
            raise FetchError(f"{project}: pip download: {pip.stderr[-2000:]}")
        for path in Path(directory).glob("*.whl"):
            path.rename(room / path.name)


def own_wheel(folder: Path) -> Path:
    """Make a wheel of the very package that the tests import."""
    home = Path(unwheel.__file__).parent
    wheel = WheelBuilder("unwheel", unwheel.__version__)
    for path in sorted(home.rglob("*")):
        if path.is_file() and path.suffix != ".pyc":
            name = path.relative_to(home.parent).as_posix()
            wheel.file(name, path.read_bytes(), level=1)
    return wheel.info("entry_points.txt", entry_points()).write(folder)


def entry_points() -> str:
    """The groups that plugins are in, as pyproject.toml has them."""
    project = Path(__file__).parent.parent / "pyproject.toml"
    groups = re.findall(
        r'^\[project\.entry-points\."?([\w.]+)"?\]\n((?:\w+ = "[^"]+"\n)+)',
        project.read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    return "\n".join(
        f"[{group}]\n" + rows.replace('"', "") for group, rows in groups
    )


@dataclass
class Project:
    """
    A project of one tool, and its environment.

    Attributes:
        name: Of the tool.
        root: Of the project.
        wheels: The folder that all its dependencies are in.
        environment: Its venv.
        site: The folder of packages of that.
    """

    name: str
    root: Path
    wheels: Path

    def __post_init__(self) -> None:
        """Make the project, without dependencies, and its environment."""
        self.root.mkdir(parents=True, exist_ok=True)
        self.environment = self.root / ".venv"
        self.site = self.environment / SITE
        self.renew()
        self.needs()

    def renew(self) -> None:
        """Make the environment anew, with nothing in it."""
        make_venv(self.environment)

    def needs(self, *wheels: Path) -> None:
        """Have it depend on exactly *wheels*, by their names."""
        text = _PROJECTS[self.name](self.wheels, wheels)
        (self.root / "pyproject.toml").write_text(text, encoding="utf-8")

    def configure(self, settings: Mapping[str, Mapping[str, object]]) -> None:
        """Have these *settings* alone, by their tables, after `needs`."""
        tables = {
            table: "".join(f"{k} = {json.dumps(v)}\n" for k, v in rows.items())
            for table, rows in settings.items()
        }
        if self.name == "pdm":
            text = "".join(f"[{name}]\n{t}" for name, t in tables.items())
            (self.root / "pdm.toml").write_text(text, encoding="utf-8")
        else:
            text = "".join(f"[tool.{name}]\n{t}" for name, t in tables.items())
            with (self.root / "pyproject.toml").open("a") as file:
                file.write(text)

    def run(
        self, *words: str, check: bool = True, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run the tool in the project; it sees nothing of this machine."""
        return run(
            *(tool(self.name), "-m", self.name, *words),
            env=self.variables(**variables),
            cwd=self.root,
            check=check,
        )

    def run_python(
        self, code: str, *words: str
    ) -> subprocess.CompletedProcess[str]:
        """Run *code*, which may change the tool before it starts it."""
        return run(
            *(tool(self.name), "-c", code, *words),
            env=self.variables(),
            cwd=self.root,
        )

    def says(self, program: str, *words: str) -> str:
        """What a program of the environment prints."""
        argv = (self.environment / "bin" / program, *words)
        return run(*argv, env=readers.ENVIRONMENT).stdout

    def variables(self, **variables: str) -> dict[str, str]:
        """The variables that the tool sees."""
        home = self.root.parent / "home"
        return {
            **readers.ENVIRONMENT,
            "HOME": str(home),
            "NO_COLOR": "1",
            "COLUMNS": "200",
            "PDM_CHECK_UPDATE": "0",
            "PDM_CACHE_DIR": str(home / "cache"),
            "PDM_LOG_DIR": str(home / "log"),
            "POETRY_CACHE_DIR": str(home / "cache"),
            "POETRY_CONFIG_DIR": str(home / "config"),
            "POETRY_VIRTUALENVS_IN_PROJECT": "true",
            **variables,
        }


def _project(wheels: Sequence[Path]) -> str:
    named = ", ".join(f'"{_name(wheel)}"' for wheel in wheels)
    return (
        '[project]\nname = "project"\nversion = "0"\n'
        f'requires-python = "=={VERSION}.*"\ndependencies = [{named}]\n'
    )


def _name(wheel: Path) -> str:
    return wheel.name.partition("-")[0]


def _pdm_project(folder: Path, wheels: Sequence[Path]) -> str:
    pins = "".join(f'{_name(w)} = "{w.name.split("-")[1]}"\n' for w in wheels)
    return (
        f"{_project(wheels)}[tool.pdm]\ndistribution = false\n"
        '[[tool.pdm.source]]\nname = "pypi"\ntype = "find_links"\n'
        f'url = "{folder.as_uri()}"\n'
        f"[tool.pdm.resolution.overrides]\n{pins}"
    )


def _poetry_project(_: Path, wheels: Sequence[Path]) -> str:
    paths = "".join(f'{_name(w)} = {{path = "{w}"}}\n' for w in wheels)
    return (
        f"{_project(wheels)}[tool.poetry]\npackage-mode = false\n"
        f"[tool.poetry.dependencies]\n{paths}"
    )


_PROJECTS = {"pdm": _pdm_project, "poetry": _poetry_project}
