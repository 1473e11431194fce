"""
Real wheels from the package index, pinned, for tests and benchmarks.

They are kept between runs in the directory that UNWHEEL_TEST_WHEELS names, or
below the user's cache; a wheel that is there already is not asked for again.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

# What pip may take, whatever Python and system run it: wheels are data here.
TARGET = (
    "--python-version=3.11",
    *(
        f"--platform={name}_x86_64"
        for name in (
            "manylinux_2_34",
            "manylinux_2_28",
            "manylinux_2_27",
            "manylinux_2_24",
            "manylinux_2_17",
            "manylinux2014",
            "manylinux2010",
        )
    ),
)


class FetchError(Exception):
    """A wheel could not be had: no network, or the index lacks it."""


@dataclass(frozen=True)
class RealWheel:
    """
    One published wheel.

    Attributes:
        project: The project's name, normalised (PEP 503).
        version: The exact version.
        why: What this wheel has that the others have not.
    """

    project: str
    version: str
    why: str

    def __str__(self) -> str:
        """Give the requirement, as pip reads it."""
        return f"{self.project}=={self.version}"


CORPUS = (
    RealWheel("numpy", "2.4.6", "meson-python, auditwheel, directories"),
    RealWheel("scipy", "1.17.1", "many extension modules"),
    RealWheel("pandas", "3.1.1", "many directories and test files"),
    RealWheel("pyarrow", "26.0.1", "scikit-build-core, large libraries"),
    RealWheel("jaxlib", "0.10.2", "bazel, one library of 350 MB"),
    RealWheel("duckdb", "2.0.0", "one library of 60 MB"),
    RealWheel("pyside6-essentials", "6.12.0", "Qt's own tool, abi3"),
    RealWheel("opencv-python-headless", "5.0.0.93", "scikit-build, .libs"),
    RealWheel("botocore", "1.44.5", "setuptools, gzip files within"),
    RealWheel("django", "5.2", "3,700 small files"),
    RealWheel("polars", "2.1.0", "pure Python"),
    RealWheel("shapely", "2.2.0", "auditwheel's .libs"),
    RealWheel("ruff", "0.6.0", "maturin, a program in .data/scripts"),
    RealWheel("tbb", "2023.2.0", "libraries in .data/data"),
    RealWheel("flit", "0.9", "flit, 2016"),
    RealWheel("tree-sitter", "0.23.0", "cibuildwheel, small"),
)

# Its three symbolic links have no target: no way to do what it asks for.
EMPTY_LINKS = RealWheel("nodejs-bin", "18.4.0a4", "links without a target")


def fetch(wheel: RealWheel) -> Path:
    """
    The file of *wheel*, downloaded unless it is there already.

    Raises:
        FetchError: If pip cannot get it; the message is pip's.
    """
    (path,) = fetch_all([wheel])
    return path


def fetch_all(wheels: Sequence[RealWheel]) -> list[Path]:
    """
    The files of *wheels*; those that are not there by one run of pip.

    Raises:
        FetchError: If pip cannot get one; the message is pip's.
    """
    directory = storage()
    if missing := [w for w in wheels if _find(directory, w) is None]:
        _download(missing, directory)
    return [_found(directory, wheel) for wheel in wheels]


def storage() -> Path:
    """Where wheels, and what else comes from the index, are kept."""
    named = os.environ.get("UNWHEEL_TEST_WHEELS")
    if named:
        return Path(named)
    above = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(above) / "unwheel-tests"


def _found(directory: Path, wheel: RealWheel) -> Path:
    path = _find(directory, wheel)
    if path is None:
        raise FetchError(f"{wheel}: pip brought another file than asked for")
    return path


def _find(directory: Path, wheel: RealWheel) -> Path | None:
    for path in sorted(directory.glob("*.whl")):
        name, version = path.name.split("-")[:2]
        if (_normal(name), version) == (wheel.project, wheel.version):
            return path
    return None


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _download(wheels: Sequence[RealWheel], directory: Path) -> None:
    # A file appears there whole or not at all: a run may be killed.
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory, prefix=".pip-") as room:
        pip = subprocess.run(
            [
                *(sys.executable, "-m", "pip", "download", "--quiet"),
                *("--no-deps", "--only-binary=:all:", "--no-cache-dir"),
                *("--disable-pip-version-check", "--dest", room),
                *TARGET,
                *map(str, wheels),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if pip.returncode:
            raise FetchError(f"pip download: {pip.stderr[-2000:]}")
        for path in Path(room).glob("*.whl"):
            path.replace(directory / path.name)
