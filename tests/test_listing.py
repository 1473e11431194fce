"""What is in one wheel, as objects; test_cli.py lists real ones."""

from __future__ import annotations

from unwheel.errors import Problem
from unwheel.listing import EntryFact, Listing
from unwheel.report import problem_to_json

WARNING = Problem("RECORD", "is not UTF-8")


def make_entry(**changes):
    facts = {
        "path": "pkg/a.py",
        "type": "file",
        "mode": 0o100644,
        "method": "deflated",
        "size": 100,
        "packed_size": 40,
        "crc32": "0000abcd",
        "digest": "sha256:" + "ab" * 32,
        "target": None,
    }
    return EntryFact(**(facts | changes))


def test_a_listing_has_the_promised_keys():
    """Every key and value of format 1 is there, and nothing else."""
    link = make_entry(
        path="l", type="link", mode=0o120777, size=4, packed_size=4, target="a"
    )
    listing = Listing("demo.whl", 300, (make_entry(), link), (WARNING,))

    told = listing.to_json()

    entries = told.pop("entries")
    assert {
        "format": 1,
        "action": "list",
        "status": "ok",
        "wheel": "demo.whl",
        "archive_size": 300,
        "size": 104,
        "packed_size": 44,
        "warnings": [problem_to_json(WARNING)],
    } == told
    assert {
        "path": "l",
        "type": "link",
        "mode": 0o120777,
        "method": "deflated",
        "size": 4,
        "packed_size": 4,
        "crc32": "0000abcd",
        "digest": "sha256:" + "ab" * 32,
        "target": "a",
    } == entries[1]
