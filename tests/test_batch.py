"""Orders sorted into jobs."""

from __future__ import annotations

import array

import pytest
from builder import ArchiveBuilder

from unwheel import native
from unwheel.errors import UnsafeMemberError
from unwheel.policy import Limits


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
