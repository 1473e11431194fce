"""What is in one wheel, as objects; test_cli.py lists real ones."""

from __future__ import annotations

from builder import WheelBuilder

from unwheel.errors import Problem
from unwheel.listing import EntryFact, Listing, RowFact, list_wheel
from unwheel.policy import Policy
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
    row = RowFact("x", "links", "a")
    listing = Listing(
        "demo.whl", 300, (make_entry(), link), (WARNING,), (row,)
    )

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
        "link_rows": [{"path": "x", "encoding": "links", "target": "a"}],
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


def test_finds_links_that_no_entry_is(tmp_path):
    """LINKS and symlinks.txt, whatever a policy would make of them."""
    builder = WheelBuilder("demo", "1.0").file("demo/f", b"f")
    builder.file("demo-1.0.dist-info/LINKS", b"demo/l,demo/f\n")
    builder.file("demo-1.0.dist-info/symlinks.txt", b"demo/a,f,0\n")

    listing = list_wheel(str(builder.write(tmp_path)), Policy())

    assert () == listing.warnings
    assert (
        RowFact("demo/l", "links", "f"),
        RowFact("demo/a", "axle", "f"),
    ) == listing.link_rows


def test_lists_a_link_that_two_encodings_tell(tmp_path):
    """The entry of type link does not make its row the wrong way round."""
    builder = WheelBuilder("demo", "1.0").file("demo/f", b"f")
    builder.link("demo/l", "f")
    builder.file("demo-1.0.dist-info/LINKS", b"demo/l,demo/f\n")

    listing = list_wheel(str(builder.write(tmp_path)), Policy())

    assert () == listing.warnings
    assert (RowFact("demo/l", "links", "f"),) == listing.link_rows


def test_files_of_links_that_cannot_be_read_are_a_warning(tmp_path):
    """One lists a wheel to see what is wrong with it."""
    builder = WheelBuilder("demo", "1.0").file("demo/f", b"f")
    builder.file("demo-1.0.dist-info/LINKS", b"\xff,demo/f\n")
    builder.file("demo-1.0.dist-info/symlinks.txt", b"demo/a,f,0\n")

    listing = list_wheel(str(builder.write(tmp_path)), Policy())

    assert ["LINKS_NOT_UTF8"] == [found.code for found in listing.warnings]
    assert (RowFact("demo/a", "axle", "f"),) == listing.link_rows


def test_a_file_of_that_name_elsewhere_asks_for_nothing(tmp_path):
    """Only the metadata's counts; its own name may be anybody's."""
    builder = WheelBuilder("demo", "1.0").file("demo/LINKS", b"\xff")

    listing = list_wheel(str(builder.write(tmp_path)), Policy())

    assert ((), ()) == (listing.warnings, listing.link_rows)
