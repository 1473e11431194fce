"""What people read."""

from __future__ import annotations

import pytest

from unwheel.errors import (
    MOST_ALIKE,
    DestinationError,
    MismatchError,
    Problem,
    Problems,
)
from unwheel.listing import EntryFact, Listing
from unwheel.report import LinkFact, Report
from unwheel.wording import refusal, summary, table, warnings

MISMATCH = Problem(
    "HASH",
    "is not what RECORD says",
    member="pkg/a.py",
    found="ab12",
    expected="cd34",
    accept='record="warn"',
    offset=4096,
)


def make_report(**changes):
    facts = {
        "wheel": "a.whl",
        "action": "extract",
        "destination": "./a",
        "members": 808,
        "size": 171_300_000,
        "archive_size": 52_000_000,
        "directories": 0,
        "links": (),
        "warnings": (),
        "seconds": 0.241,
        "publishing": "rename",
        "record": "verify",
        "_files": tuple,
    }
    return Report(**(facts | changes))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"members": 1}, "1 file, 171.3 MB"),
        ({"size": 999}, "808 files, 999 B"),
        ({"size": 999_949}, "808 files, 999.9 kB"),
        ({"size": 999_950}, "808 files, 1.0 MB"),
        ({"size": 5 * 10**12}, "808 files, 5.0 TB"),
        ({"links": (LinkFact("a", "b", "link"),)}, "808 files, 1 link, 171"),
        ({"record": "warn"}, "171.3 MB, verified, in"),
        (
            {"record": "warn", "warnings": (MISMATCH,)},
            "171.3 MB, checked, 1 warning, in",
        ),
        ({"record": "names"}, "only CRC-32 and names verified"),
        ({"record": "off"}, "only CRC-32 verified"),
        ({"publishing": "exchange"}, "-> ./a (replaced)"),
        ({"publishing": "in-place"}, "one rename was not possible"),
    ],
)
def test_says_what_was_done_and_no_more(changes, said):
    """Nothing is called verified that was not."""
    assert said in summary(make_report(**changes))


def test_a_refusal_says_everything():
    """Wheel, code, member, found, expected, offset and the way out."""
    error = MismatchError([MISMATCH])

    text = refusal(error, "d/a.whl")

    assert [
        "d/a.whl: refused, 1 problem",
        "  HASH: pkg/a.py: is not what RECORD says",
        "      found     ab12",
        "      expected  cd34",
        "      at        byte 4,096 of the wheel",
        "      accept by --record warn",
    ] == text.splitlines()


def test_a_failure_of_ours_is_no_refusal():
    """The word tells who has to act."""
    error = DestinationError([Problem("DISK_FULL", "the disk is full")])

    assert [
        "a.whl: failed, 1 problem",
        "  DISK_FULL: the disk is full",
    ] == refusal(error, "a.whl").splitlines()


def test_warnings_are_shown_like_problems():
    """A warning has a code, a member and a way to be strict about."""
    text = warnings(make_report(warnings=(MISMATCH, MISMATCH)))

    assert [
        "a.whl: 2 warnings",
        "  HASH: pkg/a.py: is not what RECORD says",
    ] == text.splitlines()[:2]


DIGEST = "sha256:" + "0123456789abcdef" * 4
LISTING = Listing(
    "a.whl",
    2_000,
    (
        EntryFact(
            *("a/b.py", "file", 0o100644, "deflated"),
            *(12345, 999, "00000000", DIGEST, None),
        ),
        EntryFact(
            *("a/c", "link", 0o120777, "stored"),
            *(4, 4, "00000000", None, "b.py\x1b[2J"),
        ),
        EntryFact(
            *("a/d/", "directory", None, "93", 0, 0, "00000000", None, None),
        ),
    ),
)


def test_a_table_is_aligned():
    """One row per entry; names come last, so that any width is fine."""
    none = "-".ljust(len(DIGEST))
    title = "digest".ljust(len(DIGEST))
    link = "a/c -> b.py\\x1b[2J"

    assert [
        f"type       mode  method     size  packed  {title}  name",
        f"file        644  deflated  12345     999  {DIGEST}  a/b.py",
        f"link        777  stored        4       4  {none}  {link}",
        f"directory     -  93            0       0  {none}  a/d/",
        "3 entries, 12.3 kB, 1.0 kB packed, in a wheel of 2.0 kB",
    ] == table(LISTING, whole_digests=True).splitlines()


def test_a_table_for_a_terminal_cuts_digests_short():
    """What is cut says so."""
    text = table(LISTING, whole_digests=False)

    assert DIGEST not in text
    assert "  sha256:0123456789ab...  a/b.py" in text


def test_a_table_of_nothing_has_totals():
    """An archive without entries can be listed."""
    rows = table(Listing("a.whl", 22, ()), whole_digests=True).splitlines()

    assert "0 entries, 0 B, 0 B packed, in a wheel of 22 B" == rows[-1]


def test_what_is_not_told_is_not_hidden():
    """
    A thousand of a million problems are more than a thousand.
    """
    problems = Problems([MISMATCH] * 2 * MOST_ALIKE)

    first, *_ = refusal(MismatchError(problems), "a.whl").splitlines()

    assert "a.whl: refused, more than 1,000 problems" == first
    warned = make_report(warnings=tuple(problems))
    assert "more than 1,000 warnings" in summary(warned)
