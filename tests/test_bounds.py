"""
Bounded work: counted where it could grow out of proportion, never timed.

``benchmarks/worst.py`` shows the slopes; here stands what kept one of them
from being a line, or a small file from keeping us busy.
"""

from __future__ import annotations

import pytest
from builder import WheelBuilder
from places import PLATFORM_TAG, Place, demo

import unwheel
from unwheel import InvalidWheelError, Policy, RecordError, metadata
from unwheel.filename import same_version
from unwheel.hops import Trail
from unwheel.native import NativeArchive

# ------------------------------------------------------------------ metadata


@pytest.mark.parametrize("digits", [4301, 100_000])
def test_a_version_of_more_digits_than_python_reads(place: Place, digits: int):
    """
    METADATA with a number that `int` refuses is refused, with a reason.
    """
    version = "1" + "0" * digits
    wheel = place.put(
        demo().info(
            "METADATA",
            f"Metadata-Version: 2.1\nName: demo\nVersion: {version}",
        )
    )

    with pytest.raises(InvalidWheelError) as caught:
        unwheel.verify(wheel)

    assert ["METADATA_DIFFERS"] == [p.code for p in caught.value.problems]


def test_versions_as_long_as_a_file_name_are_compared():
    """
    The longest that can be in one, spelled in two ways.
    """
    longest = "1" + ".0" * 120

    assert same_version(longest, "1")
    assert not same_version(longest, "2")


def _tag(sets: int, each: int) -> str:
    """A compressed tag of *each* to the power of *sets* tags."""
    return "-".join(
        ".".join(f"{letter}{k:x}" for k in range(each))
        for letter in "pbl"[:sets]
    )


def test_a_tag_told_again_and_again_is_not_expanded_each_time(
    place: Place, monkeypatch: pytest.MonkeyPatch
):
    """
    One line of 4,096 tags, 20,000 times, which packs to 16 KB.
    """
    tag = _tag(3, 16)
    told = []
    expand = metadata.expand_tags

    def counting(*sets: list[str]) -> set[str]:
        tags = expand(*sets)
        told.append(len(tags))
        return tags

    monkeypatch.setattr(metadata, "expand_tags", counting)
    wheel = place.put(
        WheelBuilder("demo", "1.0", tag).info(
            "WHEEL", "Wheel-Version: 1.0\n" + f"Tag: {tag}\n" * 20_000
        )
    )

    report = unwheel.verify(wheel)

    assert ["TAGS_DIFFER"] == [p.code for p in report.warnings]
    assert sum(told) < 100_000


# -------------------------------------------------------------------- record

MIB = 1 << 20


def _read_names(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of all members that become Python objects from now on."""
    names = []
    read = NativeArchive.read

    def telling(archive: NativeArchive, index: int, limit: int) -> bytes:
        names.append(archive.entries.names[index])
        return read(archive, index, limit)

    monkeypatch.setattr(NativeArchive, "read", telling)
    return names


def test_a_record_larger_than_the_wheel_can_need_is_not_even_read(
    place: Place, monkeypatch: pytest.MonkeyPatch
):
    """
    30 MB of it pack to 30 KB, and would take 300 MB as Python objects.
    """
    wheel = place.put(demo().record("x" * 30 * MIB))
    names = _read_names(monkeypatch)

    for look in (unwheel.verify, lambda path: unwheel.Wheel(path).record):
        with pytest.raises(RecordError) as caught:
            look(wheel)
        assert ["RECORD_ROWS"] == [p.code for p in caught.value.problems]

    assert "demo-1.0.dist-info/WHEEL" in names
    assert "demo-1.0.dist-info/RECORD" not in names


def test_a_record_too_large_is_a_warning_if_so_asked(place: Place):
    """
    What is wrong with RECORD is as grave as the policy says.
    """
    wheel = place.put(demo().record("x" * 2 * MIB))

    report = unwheel.verify(wheel, policy=Policy(record="warn"))

    assert ["RECORD_ROWS"] == [p.code for p in report.warnings]


def test_a_record_of_the_longest_names_and_digests_is_read(place: Place):
    """
    Quotes that double, the longest digest: no sound row is too long.
    """
    builder = WheelBuilder("demo", "1.0", algorithm="sha512")
    for k in range(4000):
        builder.file('"' * 200 + str(k), b"")
    wheel = place.put(builder)

    report = unwheel.verify(wheel)

    assert 4003 == report.members


# --------------------------------------------------------------------- links


def test_the_contact_is_not_told_in_full_with_each_link(place: Place):
    """
    METADATA of 1 MB, which packs to 1 KB, and a hundred links: no 100 MB.
    """
    builder = WheelBuilder("demo", "1.0", PLATFORM_TAG).info(
        "METADATA",
        "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n"
        f"Author-email: {'x' * MIB}\n",
    )
    for k in range(100):
        builder.link(f"demo/lib{k}.so", "lib.so")
    wheel = place.put(builder.file("demo/lib.so", b"x"))

    report = unwheel.extract(wheel, place.dest, policy=Policy(links="text"))

    assert {"x" * 400} == {link.contact for link in report.links}


def test_long_targets_that_lead_on_are_no_gigabytes():
    """
    Each of 500 links goes on from the next one by a name of 4,000 letters.
    """
    texts = {f"l{k}": f"l{k + 1}/{'x' * 4000}" for k in range(500)}
    trail = Trail(texts, most_hops=16, most_links=500)

    told = [trail.follow(path, text) for path, text in texts.items()]

    # Not 500 * 16 hops of up to 64 KB: the targets, and 5,000 letters each.
    assert all(told)
    assert 500 * 9_100 > sum(map(len, map("".join, told)))


def test_no_link_is_looked_for_where_none_has_so_long_a_name():
    """
    The names that are looked up are not longer than the longest link.
    """

    class Texts(dict[str, str]):
        longest = 0

        def get(self, path, default=None):
            self.longest = max(self.longest, len(path))
            return super().get(path, default)

    deep = "d/" * 100 + "l"
    texts = Texts({deep: "f", "m": "x" * 4000 + "/y" * 50})
    trail = Trail(texts, most_hops=16, most_links=100)

    trail.follow("m", texts["m"])

    assert texts.longest <= len(deep)
