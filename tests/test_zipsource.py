"""Archives as they lie there, read again after the core has accepted them."""

from __future__ import annotations

import pytest
from builder import ArchiveBuilder
from places import half_noise

from unwheel.errors import SourceError
from unwheel.zipformat import STORED
from unwheel.zipsource import PackedArchive

SMALL = ArchiveBuilder().file("a", b"x").build()


def test_tells_where_each_member_is(tmp_path):
    """
    One after the other; from the first byte to the directory there is no gap.
    """
    builder = ArchiveBuilder().file("a", b"x" * 99).link("b", "a")
    path = builder.file("c", b"z", descriptor="signed").write(tmp_path / "x")

    with PackedArchive(str(path)) as source:
        a, b, c = source

    assert ["a", "b", "c"] == [a.name, b.name, c.name]
    assert [99, 1, 1] == [a.size, b.size, c.size]
    assert (0, a.end, b.end) == (a.start, b.start, c.start)
    assert b"PK\1\2" == path.read_bytes()[c.end : c.end + 4]
    assert 0o120777 == b.mode


def test_inflates_what_others_packed(tmp_path):
    """
    In pieces, so that no member needs to fit into memory.
    """
    data = half_noise(700_000) + bytes(3_000_000)
    builder = ArchiveBuilder().file("a", data).file("b", b"xy", method=STORED)
    path = builder.write(tmp_path / "x.zip")

    with PackedArchive(str(path)) as source:
        pieces = list(source.content(source["a"]))
        stored = list(source.content(source["b"]))

    assert data == b"".join(pieces)
    assert max(map(len, pieces)) <= 1 << 18
    assert [b"xy"] == stored


@pytest.mark.parametrize(
    "data",
    [b"", b"PK", SMALL[:-1], SMALL[30:]],
    ids=["empty", "short", "cut", "shifted"],
)
def test_refuses_what_is_not_the_archive_it_was(tmp_path, data):
    """
    The core has accepted it a moment ago, so it has changed.
    """
    path = tmp_path / "x.zip"
    path.write_bytes(data)

    with pytest.raises(SourceError) as failure:
        PackedArchive(str(path))

    assert ["CHANGED"] == [p.code for p in failure.value.problems]
