"""The records of ZIP as bytes; most is tested where it is written and read."""

from __future__ import annotations

import pytest

from unwheel.errors import SourceError
from unwheel.zipformat import (
    ALL_32,
    EPOCH,
    dos_time,
    needs_zip64,
    wide_numbers,
    zip64_field,
)


@pytest.mark.parametrize(
    ("number", "expected"),
    [(0, False), (ALL_32 - 1, False), (ALL_32, True), (1 << 40, True)],
)
def test_all_ones_mean_zip64(number, expected):
    """
    So the largest number of 32 bits cannot be told in them.
    """
    assert expected == needs_zip64(number)


def test_numbers_that_are_all_ones_are_in_the_extra_field():
    """
    In their order, and only those (APPNOTE 4.5.3).
    """
    extra = b"\x99\x99\1\0x" + zip64_field(1 << 40, 7)

    assert [1 << 40, 5, 7] == wide_numbers(extra, ALL_32, 5, ALL_32)
    with pytest.raises(SourceError):
        wide_numbers(extra, ALL_32, ALL_32, ALL_32)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, EPOCH),
        (315532800, EPOCH),
        (315532802, EPOCH + 1),
        (1 << 40, 0xFF9FBF7D),
    ],
)
def test_times_are_those_that_dos_knows(seconds, expected):
    """
    What is earlier or later becomes the first or the last.
    """
    assert expected == dos_time(seconds)
