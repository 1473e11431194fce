"""
Real wheels: the tree is the one that Info-ZIP's unzip makes.

These need the package index (see wheels.py) and unzip; without either they
fail and say so.  Deselect them with ``-m "not wheels"``.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from wheels import CORPUS, EMPTY_LINKS, FetchError, RealWheel, fetch

import unwheel

pytestmark = pytest.mark.wheels

SIGNATURES = ("RECORD", "RECORD.jws", "RECORD.p7s")


class Seen(NamedTuple):
    """What a path of a tree holds."""

    kind: str
    content: str  # SHA-256 of a file, target of a link
    executable: bool


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Path]:
    """A directory that is gone after the test: pytest keeps three runs."""
    with tempfile.TemporaryDirectory(dir=tmp_path) as directory:
        yield Path(directory)


@pytest.mark.parametrize("wheel", CORPUS, ids=str)
def test_extracts_what_unzip_extracts(wheel: RealWheel, room: Path) -> None:
    """
    Every path, byte and executable bit is unzip's; RECORD holds; no litter.
    """
    path = _fetched(wheel)
    other = _unzip(path, room / "unzip")
    place = room / "place"
    place.mkdir()

    report = unwheel.extract(path, place / "tree")

    ours = _look(place / "tree")
    assert other == ours
    assert ["tree"] == os.listdir(place)
    assert _files(other) == report.members
    assert {
        (name, seen.content, seen.executable)
        for name, seen in other.items()
        if seen.kind == "file"
    } == {(fact.path, fact.sha256, fact.executable) for fact in report.files}
    _check_record(place / "tree", ours)


@pytest.mark.parametrize("wheel", CORPUS, ids=str)
def test_verifies(wheel: RealWheel) -> None:
    """
    A published wheel passes, and every file of it was looked at.
    """
    path = _fetched(wheel)

    report = unwheel.verify(path)

    assert "verify" == report.action
    assert _listed(path) == report.members


def test_leaves_nothing_of_a_wheel_that_it_refuses(room: Path) -> None:
    """
    4,600 good files do not make up for three links that lead nowhere.
    """
    path = _fetched(EMPTY_LINKS)

    with pytest.raises(unwheel.UnsafeMemberError) as refusal:
        unwheel.extract(path, room / "tree")

    assert [] == os.listdir(room)
    assert {"nodejs/bin/corepack", "nodejs/bin/npm", "nodejs/bin/npx"} == {
        problem.member for problem in refusal.value.problems
    }


def _fetched(wheel: RealWheel) -> Path:
    try:
        return fetch(wheel)
    except FetchError as error:
        pytest.fail(f"needs the package index: {error}", pytrace=False)


def _unzip(wheel: Path, dest: Path) -> dict[str, Seen]:
    """Look at what unzip makes of *wheel*, and remove it again."""
    program = shutil.which("unzip")
    if program is None:
        pytest.fail("needs Info-ZIP's unzip (apt-get install unzip)")
    subprocess.run(
        [program, "-q", wheel, "-d", dest],
        check=True,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )
    seen = _look(dest)
    shutil.rmtree(dest)
    return seen


def _listed(wheel: Path) -> int:
    """Count the files of *wheel* the way unzip does."""
    listing = subprocess.run(
        ["unzip", "-Z1", wheel], check=True, capture_output=True, text=True
    )
    return sum(not name.endswith("/") for name in listing.stdout.splitlines())


def _look(root: Path) -> dict[str, Seen]:
    return {
        path.relative_to(root).as_posix(): _see(path)
        for path in root.rglob("*")
    }


def _see(path: Path) -> Seen:
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        return Seen("link", os.readlink(path), executable=False)
    if stat.S_ISDIR(mode):
        return Seen("directory", "", executable=False)
    # Old tools wrote no permissions at all, and unzip takes them at their
    # word; only root could read such a file.
    path.chmod(stat.S_IMODE(mode) | stat.S_IRUSR)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Seen("file", digest, executable=bool(mode & 0o111))


def _files(tree: dict[str, Seen]) -> int:
    return sum(seen.kind == "file" for seen in tree.values())


def _check_record(root: Path, tree: dict[str, Seen]) -> None:
    """Every row is a file with that digest and size, every file has a row."""
    (record,) = root.glob("*.dist-info/RECORD")
    with record.open(encoding="utf-8", newline="") as lines:
        rows = {name: (check, size) for name, check, size in csv.reader(lines)}
    exempt = {
        record.with_name(name).relative_to(root).as_posix()
        for name in SIGNATURES
    }
    files = {name for name, seen in tree.items() if seen.kind == "file"}

    assert files - exempt == rows.keys() - exempt
    for name in files - exempt:
        content = (root / name).read_bytes()
        assert (_check(rows[name][0], content), str(len(content))) == rows[
            name
        ], name


def _check(check: str, content: bytes) -> str:
    """*content*'s digest, written as RECORD does, with *check*'s algorithm."""
    algorithm = check.partition("=")[0]
    digest = hashlib.new(algorithm, content).digest()
    return (
        f"{algorithm}={base64.urlsafe_b64encode(digest).decode().rstrip('=')}"
    )
