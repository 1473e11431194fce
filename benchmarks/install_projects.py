"""
Projects with a lock file, as `unwheel sync`, PDM and Poetry install them.

The locks are written here, in the form that each tool has for files: what
installing takes is measured, and that needs no resolver.  PDM and Poetry have
virtual environments of their own, with and without unwheel's plugin.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import venv
from collections.abc import Iterator
from pathlib import Path

import tools
from install_places import Room

ROOT = tools.HERE.parent

# What each environment has; PDM asks to be installed with what it was locked.
ENVIRONMENTS = {
    "pdm": ("pdm[locked]",),
    "pdm-unwheel": ("pdm[locked]", f"{ROOT}[install]"),
    "poetry": ("poetry",),
    "poetry-unwheel": ("poetry", f"{ROOT}[install]"),
}

PYTHONS = ">=3.10"


def make_environments(directory: Path) -> None:
    """
    Make those that are not there, in *directory*, from the package index.

    Raises:
        CalledProcessError: If pip cannot.
    """
    directory.mkdir(parents=True, exist_ok=True)
    for name, requirements in ENVIRONMENTS.items():
        room = directory / name  # scripts would not survive a move
        if room.exists():
            continue
        try:
            venv.create(room, with_pip=True)
            pip = [str(room / "bin" / "python"), "-m", "pip"]
            subprocess.run([*pip, "install", "-q", *requirements], check=True)
        except BaseException:
            shutil.rmtree(room, ignore_errors=True)
            raise


def write_pylock(room: Room) -> Path:
    """A lock of the wheels in *room* as PEP 751 has it."""
    lines = [
        'lock-version = "1.0"',
        f'requires-python = "{PYTHONS}"',
        'created-by = "benchmark"',
    ]
    for name, version, wheel in _named(room):
        sha256 = f'{{sha256 = "{_sha256(wheel)}"}}'
        lines += [
            "[[packages]]",
            f'name = "{name}"',
            f'version = "{version}"',
            f'wheels = [{{path = "{wheel}", hashes = {sha256}}}]',
        ]
    return _write(room.top / "pylock.toml", lines)


def pdm(room: Room, name: str) -> list[str]:
    """Install what pdm.lock says."""
    project = _project(room, "[tool.pdm]", "distribution = false")
    lines = [
        "[metadata]",
        'groups = ["default"]',
        'strategy = ["inherit_metadata"]',
        'lock_version = "4.5.0"',
        "[[metadata.targets]]",
        f'requires_python = "{PYTHONS}"',
    ]
    for entry, wheel in _entries(room):
        lines += [*entry, f'path = "{wheel}"', 'groups = ["default"]']
    _write(project / "pdm.lock", lines)
    program = _program(room, name, "pdm")
    return [program, "sync", "--quiet", "--no-self", f"--project={project}"]


def poetry(room: Room, name: str) -> list[str]:
    """Install what poetry.lock says."""
    project = _project(room, "[tool.poetry]", "package-mode = false")
    lines = []
    for entry, wheel in _entries(room):
        lines += [*entry, 'python-versions = "*"', "optional = false"]
        lines += ['groups = ["main"]', "[package.source]", 'type = "file"']
        lines += [f'url = "{wheel}"']
    lines += [
        "[metadata]",
        'lock-version = "2.1"',
        f'python-versions = "{PYTHONS}"',
        f'content-hash = "{_content_hash(room)}"',
    ]
    _write(project / "poetry.lock", lines)
    program = _program(room, name, "poetry")
    return [
        *(program, "install", "--quiet", "--no-interaction", "--no-root"),
        f"--project={project}",
    ]


def _program(room: Room, name: str, program: str) -> str:
    if room.venvs is None or not (room.venvs / name).exists():
        raise tools.ToolError("no environment of it: --venvs DIR makes it")
    return str(room.venvs / name / "bin" / program)


def _project(room: Room, *lines: str) -> Path:
    """One whose dependencies are the wheels of *room*."""
    project = room.top / "project"
    project.mkdir(parents=True, exist_ok=True)
    _write(
        project / "pyproject.toml",
        [
            "[project]",
            'name = "benchmark"',
            'version = "1.0"',
            f'requires-python = "{PYTHONS}"',
            f"dependencies = {json.dumps(_dependencies(room))}",
            *lines,
        ],
    )
    return project


def _dependencies(room: Room) -> list[str]:
    return [f"{name} @ {wheel.as_uri()}" for name, _, wheel in _named(room)]


def _entries(room: Room) -> Iterator[tuple[list[str], Path]]:
    for name, version, wheel in _named(room):
        sha256 = f"sha256:{_sha256(wheel)}"
        entry = [
            "[[package]]",
            f'name = "{name}"',
            f'version = "{version}"',
            f'files = [{{file = "{wheel.name}", hash = "{sha256}"}}]',
        ]
        yield entry, wheel


def _content_hash(room: Room) -> str:
    """As Poetry has it: it refuses a lock of another project."""
    relevant = {
        "project": {
            "requires-python": PYTHONS,
            "dependencies": _dependencies(room),
        },
        "tool": {"poetry": {}},
    }
    text = json.dumps(relevant, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _named(room: Room) -> Iterator[tuple[str, str, Path]]:
    for wheel in room.wheels:
        project, version = wheel.name.split("-")[:2]
        yield project.replace("_", "-").lower(), version, wheel


def _sha256(wheel: Path) -> str:
    with wheel.open("rb") as file:
        sha256 = hashlib.sha256()
        while piece := file.read(1 << 20):
            sha256.update(piece)
    return sha256.hexdigest()


def _write(path: Path, lines: list[str]) -> Path:
    path.write_text("\n".join(lines) + "\n")
    return path
