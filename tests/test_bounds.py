"""
Bounded work: counted where it could grow out of proportion, never timed.

``benchmarks/worst.py`` shows the slopes; here stands what kept one of them
from being a line, or a small file from keeping us busy.
"""

from __future__ import annotations

import pytest
from builder import WheelBuilder
from places import Place, demo

import unwheel
from unwheel import InvalidWheelError, metadata
from unwheel.filename import same_version


# ------------------------------------------------------------------ metadata


@pytest.mark.parametrize("digits", [4301, 100_000])
def test_a_version_of_more_digits_than_python_reads(
    place: Place, digits: int
):
    """
    METADATA with a number that `int` refuses is refused, with a reason.
    """
    version = "1" + "0" * digits
    wheel = place.put(
        demo().info(
            "METADATA", f"Metadata-Version: 2.1\nName: demo\nVersion: {version}"
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
