"""
Where install.py has wheels installed: a virtual environment, new each time.

It is a copy of one that has only pip, and what is in it afterwards is looked
at: a tool that was fast because it left something out is not counted.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import venv
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pip
import tools

# Of the modules; some wheels have files that no Python can compile.
COMPILED = 0.95


@dataclass(frozen=True)
class Room:
    """
    What one tool has to itself: below *top*, which stays between its turns.

    Attributes:
        top: Caches, projects and the environment go there.
        wheels: What is to be installed.
        venvs: Where the virtual environments of tools are, if anywhere.
    """

    top: Path
    wheels: Sequence[Path]
    venvs: Path | None

    @property
    def venv(self) -> Path:
        """The environment to install to, at the same path in each turn."""
        return self.top / "venv"

    @property
    def python(self) -> str:
        """Its interpreter."""
        return str(self.venv / "bin" / "python")

    @property
    def environment(self) -> dict[str, str]:
        """No place of the user's, and nothing that he told a tool."""
        top = str(self.top)
        kept = {
            name: value
            for name, value in tools.environment(self.top).items()
            if not name.startswith(_TOLD)
        }
        return kept | {
            "PIP_CONFIG_FILE": os.devnull,
            "UV_CACHE_DIR": f"{top}/uv-cache",
            "PDM_CHECK_UPDATE": "0",
            "VIRTUAL_ENV": str(self.venv),
            **{f"XDG_{kind}_HOME": f"{top}/{kind}" for kind in _KINDS},
        }


_TOLD = ("PIP_", "UV_", "PDM_", "POETRY_", "PYTHON")
_KINDS = ("CACHE", "CONFIG", "DATA", "STATE")


def make_template(path: Path) -> Path:
    """A new virtual environment at *path* with nothing but this pip in it."""
    venv.create(path, symlinks=True)
    own = Path(pip.__file__).parent
    for source in (own, *own.parent.glob("pip-*.dist-info")):
        shutil.copytree(source, _site(path) / source.name)
    return path


def renew(template: Path, room: Room) -> None:
    """Have *room* hold a copy of *template* instead of what was there."""
    if room.venv.exists():
        shutil.rmtree(room.venv)
    room.top.mkdir(exist_ok=True)
    subprocess.run(["cp", "-a", template, room.venv], check=True)


class Expected:
    """What has to be there when *wheels* are installed."""

    def __init__(self, wheels: Sequence[Path]) -> None:
        """Note what the archives hold."""
        self.files: dict[str, zipfile.ZipInfo] = {}
        for wheel in wheels:
            with zipfile.ZipFile(wheel) as archive:
                self.files.update(_plain_files(archive))
        self._sources = sum(name.endswith(".py") for name in self.files)

    def check(self, room: Room, *, compiled: bool, thorough: bool) -> None:
        """
        Look at what is in *room*; the contents too if *thorough*.

        Raises:
            ToolError: If something is missing, or is not as it should be.
        """
        site = _site(room.venv)
        for name, member in self.files.items():
            _check_file(site / name, member, thorough)
        made = sum(
            "__pycache__" in path.parts
            for folder in site.iterdir()
            if folder.name != "pip"
            for path in folder.rglob("*.pyc")
        )
        least = COMPILED * self._sources if compiled else 0
        if made < least or (made and not compiled):
            raise tools.ToolError(f"{made} of {self._sources} are compiled")


def _plain_files(
    archive: zipfile.ZipFile,
) -> Iterator[tuple[str, zipfile.ZipInfo]]:
    """Those that come to site-packages as they are."""
    for member in archive.infolist():
        folder, _, name = member.filename.partition("/")
        if folder.endswith(".data") or member.is_dir():
            continue
        if not (folder.endswith(".dist-info") and name == "RECORD"):
            yield member.filename, member


def _check_file(path: Path, member: zipfile.ZipInfo, thorough: bool) -> None:
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        raise tools.ToolError(f"{member.filename} is missing") from None
    if size != member.file_size:
        raise tools.ToolError(f"{member.filename} has {size} bytes")
    if thorough and _crc32(path) != member.CRC:
        raise tools.ToolError(f"{member.filename} has another content")


def _crc32(path: Path) -> int:
    """In pieces: the memory of this process is the least that is measured."""
    crc32 = 0
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            crc32 = zlib.crc32(piece, crc32)
    return crc32


def _site(path: Path) -> Path:
    (site,) = path.glob("lib/python*/site-packages")
    return site
