"""Orders sorted into jobs."""

from __future__ import annotations

import array
from pathlib import Path

import pytest
from builder import ArchiveBuilder

from unwheel import _native, native
from unwheel.errors import UnsafeMemberError
from unwheel.policy import Limits

ffi, lib = _native.ffi, _native.lib


def archive_of(*names: str) -> native.NativeArchive:
    builder = ArchiveBuilder()
    for name in names:
        builder.file(name, b"data")
    return native.NativeArchive.from_bytes(builder.build(), Limits())


def ordered(archive: native.NativeArchive, root: Path, paths: bytes) -> int:
    """Have all of *archive* done under *paths*; what came of it."""
    count = len(archive.entries.names)
    tree = native.Tree(str(root))
    entries = ffi.new("uint32_t[]", list(range(count)))
    flags = ffi.new("uint8_t[]", count)
    text = ffi.new("char[]", paths)
    sheet = ffi.new("struct uw_sheet *")
    sheet.count, sheet.entries, sheet.flags = count, entries, flags
    sheet.paths, sheet.paths_len = text, len(paths)
    batch = ffi.new("struct uw_batch **")
    error = ffi.new("struct uw_error *")
    status = lib.uw_batch_new(
        archive._handle, tree.handle, sheet, batch, error
    )
    if status == native.OK:
        status = lib.uw_batch_run(batch[0], native.CPU, error)
        lib.uw_batch_free(batch[0])
    return int(status)


@pytest.mark.parametrize("name", ["/x", "//x", "/x/y", "x//y", "./x", "../x"])
@pytest.mark.parametrize("size", [1, 1 << 20], ids=["small", "big"])
def test_no_name_becomes_another(name, size, tmp_path):
    """
    The core refuses such names again: "/x" is not written as "x".
    """
    data = ArchiveBuilder().file(name, bytes(size)).build()
    archive = native.NativeArchive.from_bytes(data, Limits())
    root = tmp_path / "root"
    root.mkdir()
    tree = native.Tree(str(root))
    entries = array.array("I", [0]).tobytes()

    try:
        batch = native.Batch(archive, tree, entries, bytes(1), bytes(32))
    except UnsafeMemberError:
        written = 0
    else:
        batch.run()
        written = native.statuses(batch.results()).count(native.OK)

    assert 0 == written
    assert [root] == list(tmp_path.rglob("*"))


def test_orders_may_have_paths_of_their_own(tmp_path):
    """
    Instead of the names of the entries; one for each order.
    """
    archive = archive_of("a", "b")

    assert native.OK == ordered(archive, tmp_path, b"x/y/a\0z\0")

    written = {p for p in tmp_path.rglob("*") if p.is_file()}
    assert {tmp_path / "x/y/a", tmp_path / "z"} == written


@pytest.mark.parametrize(
    "paths", [b"", b"a\0", b"a\0b", b"a\0b\0c\0", b"a\0b\0\0"]
)
def test_refuses_more_or_fewer_paths_than_orders(paths, tmp_path):
    """
    The caller's mistake is told, and nothing is written.
    """
    archive = archive_of("a", "b")

    assert lib.UW_ERR_USAGE == ordered(archive, tmp_path, paths)

    assert [] == list(tmp_path.iterdir())
