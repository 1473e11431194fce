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
from unwheel.packing import PackReport, TreeLink
from unwheel.report import LinkFact, Report
from unwheel.wording import packed, refusal, stand_ins, summary, warnings

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
        "repeats": 0,
        "repeated_size": 0,
        "warnings": (),
        "seconds": 0.241,
        "publishing": "rename",
        "record": "verify",
        "installed_record": False,
        "_files": tuple,
    }
    return Report(**(facts | changes))


def links_of(*outcomes):
    """A link of each of those outcomes."""
    return tuple(
        LinkFact(f"pkg/{k}", "zip", "f", "pkg/f", outcome)
        for k, outcome in enumerate(outcomes)
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"members": 1}, "1 file, 171.3 MB"),
        ({"repeats": 1200}, "808 files (1,200 of them repeats), 171.3 MB"),
        ({"size": 999}, "808 files, 999 B"),
        ({"size": 999_949}, "808 files, 999.9 kB"),
        ({"size": 999_950}, "808 files, 1.0 MB"),
        ({"size": 5 * 10**12}, "808 files, 5.0 TB"),
        ({"links": links_of("link")}, "808 files, 1 link, 171"),
        ({"links": links_of("link", "link", "link")}, "files, 3 links, 171"),
        (
            {"links": links_of("hardlink", "link", "hardlink")},
            "files, 1 link, 2 hard links stand in for links, 171",
        ),
        (
            {"links": links_of("reflink")},
            "files, 1 reflink stands in for a link, 171",
        ),
        (
            {"links": links_of("copy", "copy")},
            "files, 2 copies stand in for links, 171",
        ),
        (
            {"links": links_of("tree")},
            "files, 1 copied folder stands in for a link, 171",
        ),
        (
            {"links": links_of("pth")},
            "files, 1 line of a .pth file stands in for a link, 171",
        ),
        ({"links": links_of("text")}, "files, 1 link as a text file, 171"),
        (
            {"links": links_of("verbatim") * 2000},
            "files, 2,000 links as stored, 171",
        ),
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
    text = warnings([MISMATCH, MISMATCH], "a.whl")

    assert [
        "a.whl: 2 warnings",
        "  HASH: pkg/a.py: is not what RECORD says",
    ] == text.splitlines()[:2]


def test_a_refused_link_says_everything():
    """Link, target, reason, whom to tell, and the option that takes it."""
    problem = Problem(
        "ANY_TAG",
        "a link in a wheel for any platform; contact me@example.org",
        member="pkg/l",
        found="-> f",
        accept='links.any_tag="allow"',
    )

    text = refusal(MismatchError([problem]), "a.whl")

    assert [
        "a.whl: refused, 1 problem",
        (
            "  ANY_TAG: pkg/l: a link in a wheel for any platform;"
            " contact me@example.org"
        ),
        "      found     -> f",
        "      accept by --any-tag allow",
    ] == text.splitlines()


def test_what_stands_in_for_a_link_is_told():
    """What, for which link, why, and whom METADATA names."""
    links = (
        *links_of("link", "text"),
        LinkFact(
            *("pkg/a.so", "zip", "a.so.1", "pkg/a.so.1", "hardlink"),
            *("HOST_CANNOT", "Ann <a@example.org>"),
        ),
        LinkFact("pkg/\x1b[2J", "zip", "d", "pkg/d", "tree", "HOST_CANNOT"),
    )

    text = stand_ins(make_report(links=links))

    assert [
        "a.whl: 2 links could not be made here",
        (
            "  hard link: pkg/a.so -> a.so.1 (HOST_CANNOT);"
            " contact Ann <a@example.org>"
        ),
        "  tree: pkg/\\x1b[2J -> d (HOST_CANNOT)",
    ] == text.splitlines()


def test_a_thousand_stand_ins_do_not_flood_a_terminal():
    """The first twenty, and how many others there are."""
    text = stand_ins(make_report(links=links_of("copy") * 1000))

    first, *lines, last = text.splitlines()
    assert "a.whl: 1,000 links could not be made here" == first
    assert 20 == len(lines)
    assert "  ... and 980 more (--json tells them)" == last


def test_links_that_are_links_are_no_news():
    """Nothing is said where nothing stands in."""
    asked_for = links_of("link", "text", "verbatim")

    assert None is stand_ins(make_report(links=asked_for))


@pytest.mark.parametrize(
    ("outcomes", "wasted", "said"),
    [
        ((), 0, "t: 8 files, 2.0 MB -> 1.0 MB, in 0.25 s -> d/a.whl"),
        (("zip",), 0, "8 files, 1 link as a ZIP entry, 2.0 MB"),
        (("zip", "zip"), 0, "8 files, 2 links as ZIP entries, 2.0 MB"),
        (("links-file",), 0, "8 files, 1 link in LINKS, 2.0 MB"),
        (
            ("copy", "tree"),
            5000,
            (
                "8 files, 1 copy stands in for a link, 1 copied folder stands"
                " in for a link, 5.0 kB of copies, 2.0 MB"
            ),
        ),
    ],
)
def test_says_what_was_packed(outcomes, wasted, said):
    """What became of the links, and what copies cost."""
    report = PackReport(
        tree="t",
        result="d/a.whl",
        members=8,
        size=2_000_000,
        archive_size=1_000_000,
        links=tuple(TreeLink("l", "f", "f", how) for how in outcomes),
        wasted=wasted,
        warnings=(),
        seconds=0.25,
    )

    assert said in packed(report)


def test_what_is_not_told_is_not_hidden():
    """
    A thousand of a million problems are more than a thousand.
    """
    problems = Problems([MISMATCH] * 2 * MOST_ALIKE)

    first, *_ = refusal(MismatchError(problems), "a.whl").splitlines()

    assert "a.whl: refused, more than 1,000 problems" == first
    warned = make_report(warnings=tuple(problems))
    assert "more than 1,000 warnings" in summary(warned)
