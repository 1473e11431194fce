"""A new file below a tree, written piece by piece by who has the bytes."""

from __future__ import annotations

import contextlib
import gc
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from places import open_handles
from trees import umask

from unwheel import DestinationError, UnsafeMemberError, native
from unwheel.native import NewFile, Tree

posix_only = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows has no such thing"
)


@pytest.fixture(params=[False, True], ids=["best", "stepwise"])
def tree(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Tree]:
    """A tree in an empty directory, opened in each way."""
    (tmp_path / "root").mkdir()
    opened = Tree(str(tmp_path / "root"), stepwise=request.param)
    yield opened
    opened.close()


@contextlib.contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """No file gets longer, for a while: the disk is as good as full."""
    import resource

    _, hard = limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.parametrize("name", ["x", "a/b/c/x", "d\u00e9/\u00e9"])
def test_pieces_become_one_file(tree: Tree, tmp_path: Path, name: str):
    """
    Of any kind of bytes, none of them lost; the parents are made.
    """
    pieces = [b"one", b"", bytearray(b"two"), memoryview(b"three" * 99_999)]

    newfile = tree.create(name)
    for piece in pieces:
        newfile.write(piece)
    newfile.finish()

    written = (tmp_path / "root" / name).read_bytes()
    assert b"".join(pieces) == written


def test_several_at_once(tree: Tree, tmp_path: Path):
    """
    Each goes on where it was, also when the tree is closed.
    """
    files = [tree.create(f"d/{k}") for k in range(5)]
    tree.close()
    for _ in range(3):
        for k, newfile in enumerate(files):
            newfile.write(b"%d" % k)
    for newfile in files:
        newfile.finish()

    for k in range(5):
        assert b"%d" % k * 3 == (tmp_path / f"root/d/{k}").read_bytes()


@posix_only
@pytest.mark.parametrize("mask", [0o022, 0o077, 0])
def test_modes_are_those_of_the_umask(tree: Tree, tmp_path: Path, mask: int):
    """
    As all files of the tree: executable or not, and nothing else.
    """
    with umask(mask):
        for executable in (False, True):
            with tree.create(f"{executable}", executable):
                pass

    for executable, mode in ((False, 0o666), (True, 0o777)):
        found = (tmp_path / "root" / f"{executable}").stat().st_mode
        assert mode & ~mask == stat.S_IMODE(found)


@pytest.mark.parametrize(
    "name",
    ["", "..", "../x", "/x", "a/../x", "a//x", "./x", "a/", "x\0y"],
)
def test_refuses_names_that_could_escape(
    tree: Tree, tmp_path: Path, name: str
):
    """
    Before anything is made.
    """
    before = open_handles()

    with pytest.raises(UnsafeMemberError):
        tree.create(name)

    assert ["root"] == os.listdir(tmp_path)
    assert [] == os.listdir(tmp_path / "root")
    assert before == open_handles()


@posix_only
@pytest.mark.parametrize("name", ["link/x", "link/a/x", "link"])
def test_follows_no_link(tree: Tree, tmp_path: Path, name: str):
    """
    Neither as a parent nor in the place of the file.
    """
    (tmp_path / "outside").mkdir()
    (tmp_path / "root/link").symlink_to("../outside")
    before = open_handles()

    with pytest.raises(DestinationError):
        tree.create(name)

    assert [] == os.listdir(tmp_path / "outside")
    assert before == open_handles()


def test_replaces_nothing(tree: Tree, tmp_path: Path):
    """
    A file that is there is in the way, and so is one as a parent.
    """
    (tmp_path / "root/x").write_bytes(b"mine")

    for name in ("x", "x/y"):
        with pytest.raises(DestinationError) as caught:
            tree.create(name)
        assert name == caught.value.problems[0].member

    assert b"mine" == (tmp_path / "root/x").read_bytes()


@posix_only
def test_a_full_disk_is_told_by_every_further_step(tree: Tree, tmp_path: Path):
    """
    Who overlooks that a piece was not written hears it at the end.
    """
    before = open_handles()
    newfile = tree.create("x")
    newfile.write(b"1" * 900)

    with files_of_at_most(1000):
        for _ in range(2):
            with pytest.raises(DestinationError) as caught:
                newfile.write(b"2" * 900)
            assert "EFBIG" == caught.value.problems[0].code
            assert "x" == caught.value.problems[0].member
    with pytest.raises(DestinationError):
        newfile.write(b"3")
    with pytest.raises(DestinationError) as caught:
        newfile.finish()

    assert "EFBIG" == caught.value.problems[0].code
    assert before == open_handles()
    written = (tmp_path / "root/x").read_bytes()
    assert len(written) <= 1000
    assert b"3" not in written


def test_what_is_forgotten_holds_nothing(tree: Tree):
    """
    Neither a descriptor nor memory, written to or not.
    """
    before = open_handles()

    for k in range(3):
        newfile = tree.create(f"{k}")
        newfile.write(b"half")
        del newfile
    gc.collect()

    assert before == open_handles()


def test_an_exception_discards(tree: Tree, tmp_path: Path):
    """
    The descriptor goes at once; the half is left to who owns the tree.
    """
    before = open_handles()
    kept: list[NewFile] = []

    def fail() -> None:
        with tree.create("x") as newfile:
            kept.append(newfile)
            newfile.write(b"half")
            raise KeyError

    with pytest.raises(KeyError):
        fail()

    assert before == open_handles()
    assert b"half" == (tmp_path / "root/x").read_bytes()


def test_may_be_finished_within_its_block(tree: Tree, tmp_path: Path):
    """
    And be discarded as often as one likes; but not written to any more.
    """
    with tree.create("x") as newfile:
        newfile.write(b"all")
        newfile.finish()
        newfile.discard()
        with pytest.raises(TypeError):
            newfile.write(b"more")

    assert b"all" == (tmp_path / "root/x").read_bytes()


def test_the_core_finishes_once(tree: Tree):
    """
    What follows is the caller's mistake, and touches no other descriptor.
    """
    ffi, lib = native.ffi, native.lib
    place = ffi.new("struct uw_newfile **")
    error = ffi.new("struct uw_error *")
    assert lib.UW_OK == lib.uw_tree_create(tree.handle, b"x", 0, place, error)

    answers = [
        lib.uw_newfile_finish(place[0], error),
        lib.uw_newfile_finish(place[0], error),
        lib.uw_newfile_write(place[0], b"x", 1, error),
    ]
    lib.uw_newfile_drop(place)

    assert [lib.UW_OK, lib.UW_ERR_USAGE, lib.UW_ERR_USAGE] == answers
    assert ffi.NULL == place[0]
