"""What people read in columns."""

from __future__ import annotations

from unwheel.errors import Problem
from unwheel.graph import LinkEntry, LinkGraph
from unwheel.listing import EntryFact, Listing, RowFact
from unwheel.relinking import RelinkReport
from unwheel.repeats import LinkGroup
from unwheel.tables import group_table, link_table, table

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
    ] == table(LISTING, whole=True).splitlines()


def test_a_table_for_a_terminal_cuts_digests_short():
    """What is cut says so."""
    text = table(LISTING, whole=False)

    assert DIGEST not in text
    assert "  sha256:0123456789ab...  a/b.py" in text


def test_a_table_of_nothing_has_totals():
    """An archive without entries can be listed."""
    rows = table(Listing("a.whl", 22, ()), whole=True).splitlines()

    assert "0 entries, 0 B, 0 B packed, in a wheel of 22 B" == rows[-1]


def test_a_table_mentions_links_that_are_no_entries():
    """Who looks at entries alone does not miss what files ask for."""
    rows = (
        RowFact("a/x", "links", "b.py"),
        RowFact("a/y", "axle", "b.py"),
        RowFact("a/z", "axle", "b.py"),
    )

    text = table(Listing("a.whl", 22, (), (), rows), whole=True)

    assert [
        "1 link in LINKS: list --links shows them",
        "2 links in symlinks.txt: list --links shows them",
    ] == text.splitlines()[1:3]


def make_link(path, target, hops, outcome="link", **changes):
    resolved = hops[-1] if outcome != "refused" else ""
    facts = {
        "path": path,
        "encoding": "zip",
        "target": target,
        "hops": hops,
        "resolved": resolved,
        "kind": "file" if resolved else "",
        "outcome": outcome,
    }
    return LinkEntry(**(facts | changes))


def test_links_are_shown_hop_by_hop():
    """Where a link leads, unless one look at its target tells."""
    graph = LinkGraph(
        "a.whl",
        "portable",
        ("chain_limit",),
        (
            make_link("p/l.so.1", "l.so.1.2", ("p/l.so.1.2",)),
            make_link("p/l.so", "l.so.1", ("p/l.so.1", "p/l.so.1.2")),
            make_link(
                *("p/d", "../q\x1b", ("q\x1b",), "tree"),
                kind="folder",
                encoding="axle",
                reason="ANY_TAG",
                contact="Ann\x1b <a@b>",
            ),
        ),
    )

    assert [
        "outcome  encoding  kind    link",
        "link     zip       file    p/l.so.1 -> l.so.1.2",
        "link     zip       file    p/l.so -> l.so.1",
        "                           -> p/l.so.1 -> p/l.so.1.2",
        "tree     axle      folder  p/d -> ../q\\x1b",
        "                           -> q\\x1b",
        "                           ANY_TAG; contact Ann\\x1b <a@b>",
        "3 links by the policy portable, chain_limit changed: link 2, tree 1",
    ] == link_table(graph).splitlines()


def test_a_refused_link_is_shown_with_every_reason():
    """Below it, without saying its name and target again."""
    problems = (
        Problem(
            *("ESCAPES", "the target is outside the wheel"),
            member="p/l",
            found="-> ../../x",
        ),
        Problem(
            *("ANY_TAG", "a link in a wheel for any platform"),
            member="p/l",
            found="-> ../../x",
            accept='links.any_tag="allow"',
        ),
        Problem("NAME", "odd", member="p/l", found="18", expected="7"),
    )
    link = make_link("p/l", "../../x", ("../x",), "refused", problems=problems)
    other = Problem("WHEEL_VERSION", "is 2.0", accept="links.wheel2=True")
    graph = LinkGraph("a.whl", "strict", (), (link,), (other,))

    assert [
        "outcome  encoding  kind  link",
        "refused  zip       -     p/l -> ../../x",
        "                         -> ../x",
        "  ESCAPES: the target is outside the wheel",
        "  ANY_TAG: a link in a wheel for any platform",
        "      accept by --any-tag allow",
        "  NAME: odd",
        "      found     18",
        "      expected  7",
        "1 link by the policy strict: refused 1",
        "  WHEEL_VERSION: is 2.0",
        "      accept by --wheel2",
    ] == link_table(graph).splitlines()


def test_a_wheel_without_links_says_so():
    """Nothing to show is said, not shown as nothing."""
    assert "a.whl: no links" == link_table(
        LinkGraph("a.whl", "strict", (), ())
    )


def make_relinked(**changes):
    facts = {
        "wheel": "a.whl",
        "result": "d/a.whl",
        "encoding": "zip",
        "dry_run": False,
        "groups": (
            LinkGroup(
                "p/l.so.1.2", ("p/l.so.1", "p/l.so"), 12_300_000, 8_000_000,
                "l.so.1",
            ),
            LinkGroup("p/x\x1b", ("p/y",), 5_000, 400, None),
        ),
        "archive_size": 20_000_000,
        "relinked_archive_size": 11_000_000,
        "size": 40_000_000,
        "relinked_size": 15_400_000,
        "warnings": (),
        "seconds": 1.5,
    }  # fmt: skip
    return RelinkReport(**(facts | changes))


def test_repeated_files_are_shown_as_groups():
    """The file that stays, its links, what they save, and the totals."""
    assert [
        "   size   saved  soname  file <- links",
        "12.3 MB  8.0 MB  l.so.1  p/l.so.1.2",
        "                         <- p/l.so.1",
        "                         <- p/l.so",
        " 5.0 kB   400 B  -       p/x\\x1b",
        "                         <- p/y",
        (
            "a.whl: 3 links to 2 files, packed 20.0 MB -> 11.0 MB (-45 %),"
            " unpacked 40.0 MB -> 15.4 MB (-62 %), in 1.50 s -> d/a.whl"
        ),
    ] == group_table(make_relinked()).splitlines()


def test_a_dry_run_names_no_result():
    """Nobody looks for a file that was not written."""
    text = group_table(make_relinked(dry_run=True, result="d/a.whl"))

    assert text.endswith(" in 1.50 s (nothing was written)")


def test_a_wheel_without_repeats_has_no_groups():
    """It is said, instead of sizes that are the same."""
    text = group_table(make_relinked(groups=()))

    assert "a.whl: nothing to link, in 1.50 s -> d/a.whl" == text


def test_a_change_that_is_none_has_no_sign():
    """Less than half a percent is 0, neither more nor less."""
    text = group_table(make_relinked(relinked_archive_size=19_999_000))

    assert "packed 20.0 MB -> 20.0 MB (0 %)," in text


def test_a_file_with_many_links_is_cut():
    """Thousands of empty files are one group."""
    links = tuple(f"p/{n}" for n in range(1000))
    group = LinkGroup("p/f", links, 1, 1, None)

    lines = group_table(make_relinked(groups=(group,))).splitlines()

    assert lines[-2].endswith("... and 980 more (--json tells them)")
    assert 1 + 1 + 20 + 1 + 1 == len(lines)
