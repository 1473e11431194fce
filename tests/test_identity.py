"""How folders are known again."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from unwheel.site.identity import identity

MANY = 200  # files, more than are looked at themselves


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """
    One of many files, in which folders come first.
    """
    path = tmp_path / "folder"
    for k in range(MANY):
        file = path / f"f{k % 10}" / f"{k}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    return path


def test_is_the_same_elsewhere(folder: Path):
    """
    Whatever it is called, and whatever interpreters write there.
    """
    before = identity(str(folder))

    moved = folder.rename(folder.with_name("moved"))
    cache = moved / "f3" / "__pycache__"
    cache.mkdir()
    (cache / "3.cpython-311.pyc").touch()

    assert before == identity(str(moved))
    assert identity(str(folder)) == ""


def test_is_another_of_the_same_names(folder: Path):
    """
    As that of the same version, installed once more: it has other inodes.
    """
    copy = folder.with_name("copy")
    shutil.copytree(folder, copy, copy_function=shutil.copy2)

    assert identity(str(folder)) != identity(str(copy))


@pytest.mark.parametrize("where", ["", "f0", "f9", "new", "f9/__pycache__"])
def test_nothing_comes_unseen(folder: Path, where: str):
    """
    A file of somebody else, in whichever folder; it would go with it.
    """
    before = identity(str(folder))

    (folder / where).mkdir(exist_ok=True)
    (folder / where / "somebodys").touch()

    assert before != identity(str(folder))


def test_nothing_goes_unseen(folder: Path):
    """
    Nor do a file and a folder change places.
    """
    before = identity(str(folder))
    file = folder / "f9" / f"{MANY - 1}.py"

    file.unlink()
    without = identity(str(folder))
    file.mkdir()

    assert len({before, without, identity(str(folder))}) == 3


def test_tells_the_names(folder: Path):
    """
    All of them, folders too, but not bytecode.
    """
    names: list[str] = []
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "x.pyc").touch()

    identity(str(folder), names)

    found = {path.relative_to(folder) for path in folder.rglob("[f0-9]*")}
    assert sorted(str(path).replace(os.sep, "/") for path in found) == sorted(
        names
    )
