"""
The wheels of bulk_wheels.txt: reading the list, downloading, checking them.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import wheels

LIST = Path(__file__).with_suffix(".txt")
LINE = re.compile(r"(?P<requirement>\S+ --hash=sha256:(\w{64}))  # (\S+)")


@dataclass(frozen=True)
class PinnedWheel:
    """A published wheel: pip's *requirement*, with the hash, and its file."""

    requirement: str
    sha256: str
    file: str


def listed(count: int | None = None) -> list[PinnedWheel]:
    """*count* wheels of the list, from all over it; or all."""
    pinned = [
        PinnedWheel(*match.groups())
        for line in LIST.read_text().splitlines()
        if (match := LINE.fullmatch(line))
    ]
    if count is None:
        return pinned
    return [pinned[k * len(pinned) // count] for k in range(count)]


def fetch(pinned: Sequence[PinnedWheel], directory: Path) -> None:
    """
    Download to *directory* those of *pinned* that are not there.

    Raises:
        FetchError: If pip cannot get one, or its hash is another.
    """
    missing = [w for w in pinned if not (directory / w.file).exists()]
    if not missing:
        return
    # A file appears there whole or not at all: a run may be killed.
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory, prefix=".pip-") as room:
        _download(missing, Path(room))
        for path in Path(room).glob("*.whl"):
            path.replace(directory / path.name)


def _download(missing: Sequence[PinnedWheel], room: Path) -> None:
    requirements = room / "requirements.txt"
    requirements.write_text("\n".join(w.requirement for w in missing) + "\n")
    pip = subprocess.run(
        [
            *(sys.executable, "-m", "pip", "download", "--quiet"),
            *("--no-deps", "--only-binary=:all:", "--no-cache-dir"),
            *("--disable-pip-version-check", "--dest", room),
            *wheels.TARGET,
            *("--require-hashes", "--requirement", requirements),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if pip.returncode:
        raise wheels.FetchError(f"pip download: {pip.stderr[-2000:]}")


def paths(pinned: Sequence[PinnedWheel], directory: Path) -> list[Path]:
    """
    The files of *pinned* in *directory*.

    Raises:
        FetchError: If one is missing, or is another than the list says.
    """
    found = []
    for wheel in pinned:
        path = directory / wheel.file
        if not path.exists():
            raise wheels.FetchError(f"{path} is not there: --fetch gets it")
        if (sha256 := _sha256(path)) != wheel.sha256:
            raise wheels.FetchError(f"{path} has another SHA-256: {sha256}")
        found.append(path)
    return found


def _sha256(path: Path) -> str:
    """In pieces: the memory of this process is the least that is measured."""
    sha256 = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            sha256.update(piece)
    return sha256.hexdigest()
