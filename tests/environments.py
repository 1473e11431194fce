"""Environments that wheels are installed to, and what one finds there."""

from __future__ import annotations

import csv
import hashlib
import marshal
import os
import re
import stat
import struct
import subprocess
import sys
import venv
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from importlib.metadata import Distribution, EntryPoint
from pathlib import Path
from types import CodeType

import readers
from wheels import RealWheel

PIP = (sys.executable, "-m", "pip")
UNWHEEL = (sys.executable, "-m", "unwheel")
QUIET = ("--quiet", "--disable-pip-version-check")


def run(*argv: str | Path) -> str:
    """What a command said; that of one that fails is in the error."""
    done = subprocess.run(
        [str(word) for word in argv],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env=_environment(),
        check=False,
    )
    said = done.stdout + done.stderr
    assert 0 == done.returncode, f"{argv[:6]}: {said[-4000:]}"
    return said


def _environment() -> dict[str, str]:
    """Without what the user has told pip."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PIP_")}
    return kept | readers.ENVIRONMENT


class Installed:
    """
    A distribution, by its RECORD.

    Attributes:
        dist_info: Where its metadata are, from the environment's root.
        rows: Of RECORD: where a file is, from the environment's root, to its
            digest and its size.
        written: The paths of RECORD, as they are written, in order.
        scripts: Where its entry points have their scripts.
    """

    def __init__(self, root: Path, dist_info: Path) -> None:
        """Read the one whose metadata are in *dist_info*."""
        self._root = root
        self._site = dist_info.parent.relative_to(root).as_posix()
        self.dist_info = dist_info.relative_to(root).as_posix()
        self.rows: dict[str, tuple[str, str]] = {}
        self.written: list[str] = []
        text = (dist_info / "RECORD").read_text("utf-8")
        for path, digest, size in csv.reader(text.splitlines()):
            self.written.append(path)
            key = os.path.normpath(f"{self._site}/{path}")
            assert key not in self.rows, f"{key} has two rows"
            self.rows[key] = digest, size
        self.written.sort()
        points = {point.name for point in _scripts(dist_info)}
        self.scripts = {
            key
            for key in self.rows
            if key.rpartition("/")[2] in points
            and f"/{key}".rpartition("/")[0].endswith("/bin")
        }

    @property
    def modules(self) -> set[str]:
        """What can be imported of it, at the top."""
        found = set()
        for path in self.written:
            top, _, below = path.partition("/")
            match = re.fullmatch(r"([^\W\d]\w*)(\.py|\..*\.so)?", top)
            if match and below == ("" if match[2] else "__init__.py"):
                found.add(match[1])
        return found

    def path(self, key: str) -> Path:
        """The file of a row."""
        return self._root / key

    def content(self, key: str) -> bytes:
        """What is in it; a path into this environment reads ``ROOT``."""
        content = self.path(key).read_bytes()
        return content.replace(os.fsencode(self._root), b"ROOT")

    def check(self) -> None:
        """Every row is true; only RECORD and byte code go without."""
        for key, row in self.rows.items():
            path = self.path(key)
            if row == ("", ""):
                assert path.suffix == ".pyc" or path.name == "RECORD", key
                assert path.is_file(), key
            else:
                assert row == (digest(path), str(path.stat().st_size)), key


def _scripts(dist_info: Path) -> Iterator[EntryPoint]:
    for point in Distribution.at(dist_info).entry_points:
        if point.group in ("console_scripts", "gui_scripts"):
            yield point


class Environment:
    """A virtual environment with nothing in it."""

    def __init__(self, root: Path) -> None:
        """Make it at *root*."""
        self.root = root
        venv.create(root, symlinks=True, with_pip=False)
        (self.packages,) = root.glob("lib/python*/site-packages")
        self.python = root / "bin/python"
        self._before = all_below(root)

    def new(self) -> set[str]:
        """Whatever is there now, and was not at first."""
        return all_below(self.root) - self._before

    def installed(self, wheel: RealWheel) -> Installed:
        """What was made of *wheel*."""
        return installed(self.root, self.packages, wheel)


def all_below(root: Path) -> set[str]:
    """All names below *root*."""
    return {path.relative_to(root).as_posix() for path in root.rglob("*")}


def installed(root: Path, packages: Path, wheel: RealWheel) -> Installed:
    """What is in *packages* of *wheel*, seen from *root*."""
    name = wheel.project.replace("-", "[-_.]")
    pattern = re.compile(f"{name}-{wheel.version}.dist-info", re.IGNORECASE)
    found = [
        path for path in packages.iterdir() if pattern.fullmatch(path.name)
    ]
    assert len(found) == 1, f"{wheel}: {found}"
    return Installed(root, found[0])


def digest(path: Path) -> str:
    """As RECORD has it."""
    sha256 = hashlib.sha256(path.read_bytes()).digest()
    return f"sha256={urlsafe_b64encode(sha256).decode().rstrip('=')}"


def mode(path: Path) -> str:
    """The kind and the mode of a file, as `ls -l` shows them."""
    return stat.filemode(path.lstat().st_mode)


def source_of(pyc: Path) -> Path:
    """What it was compiled from."""
    return pyc.parent.parent / f"{pyc.name.split('.')[0]}.py"


def code_of(pyc: Path) -> tuple[CodeType, set[str]]:
    """
    What a .pyc holds, and the files that its code says it is of.

    It is checked to be one that Python takes for that of its source.
    """
    facts = source_of(pyc).stat()
    seconds = int(facts.st_mtime) & 0xFFFFFFFF
    content = pyc.read_bytes()
    assert struct.pack("<III", 0, seconds, facts.st_size) == content[4:16], pyc
    code = marshal.loads(content[16:])
    named = {os.path.normpath(each.co_filename) for each in _all_code(code)}
    return code, named


def _all_code(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _all_code(constant)
