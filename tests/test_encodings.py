"""Links that files of the metadata ask for: read into what is judged later."""

from __future__ import annotations

import csv
import io
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unwheel.encodings import (
    AskedLink,
    disagreements,
    read_axle,
    read_links_file,
)
from unwheel.policy import Limits

DIST = "foo-1.dist-info"
NAMES = [
    "pkg/libfoo.so.3.1.4",
    "pkg/sub/a.py",
    "other/b.py",
    f"{DIST}/METADATA",
    "foo-1.data/data/x",
]


def written(*rows):
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def read(*rows, names=NAMES, limits=None):
    return read_links_file(written(*rows), names, DIST, limits or Limits())


def targets(*rows, **options):
    links, problems = read(*rows, **options)
    assert [] == problems
    assert {"links"} == {link.encoding for link in links}
    return {link.path: link.target.decode() for link in links}


def codes(*rows, **options):
    links, problems = read(*rows, **options)
    assert [] == links
    return [(problem.code, problem.member) for problem in problems]


# ---------------------------------------------------------------------- LINKS

VERSIONS = {
    "pkg/libfoo.so.3": "libfoo.so.3.1.4",
    "pkg/libfoo.so": "libfoo.so.3",
}


def test_the_columns_are_read_in_either_order():
    """
    The prose of PEP 778 has the link first, its example the target.
    """
    prose = [
        ("pkg/libfoo.so.3", "pkg/libfoo.so.3.1.4"),
        ("pkg/libfoo.so", "pkg/libfoo.so.3"),
    ]

    assert VERSIONS == targets(*prose)
    assert VERSIONS == targets(*[(b, a) for a, b in prose])


@pytest.mark.parametrize(
    ("path", "target", "text"),
    [
        ("l", "pkg/sub/a.py", "pkg/sub/a.py"),
        ("pkg/l", "pkg/sub", "sub"),
        ("pkg/sub/l", "other/b.py", "../../other/b.py"),
        ("pkg/sub/l", "pkg/libfoo.so.3.1.4", "../libfoo.so.3.1.4"),
        ("new/deep/l", "other", "../../other"),
        ("pkg/sub/l", "pkg/sub", "."),
        ("pkg/sub/l", "pkg", ".."),
        ("pk/l", "pkg/sub", "../pkg/sub"),
    ],
)
def test_the_text_of_a_link_is_the_way_to_its_target(path, target, text):
    """
    From its folder, as an entry of the archive would say it.
    """
    assert {path: text} == targets((path, target))
    assert {path: text} == targets((target, path))


def test_a_row_may_lead_by_way_of_others():
    """
    Also through a folder that only another row makes.
    """
    assert {
        "cur": "pkg",
        "l": "cur/sub/a.py",
        "farm/a": "../other/b.py",
        "m": "farm",
    } == targets(
        ("cur", "pkg"),
        ("l", "cur/sub/a.py"),
        ("farm/a", "other/b.py"),
        ("m", "farm"),
    )


@pytest.mark.parametrize(
    "rows",
    [
        # Mixed: each row is right in one order.
        [("pkg/l", "pkg/sub/a.py"), ("other/b.py", "pkg/m")],
        # Neither side exists, or both do.
        [("pkg/l", "pkg/m")],
        [("other/b.py", "pkg/sub/a.py")],
        # A link over a member.
        [("pkg/sub", "other")],
        # A circle, alone and beside what is right.
        [("pkg/l", "pkg/m"), ("pkg/m", "pkg/l")],
        [("a", "b"), ("b", "a"), ("pkg/l", "other/b.py")],
        # One link twice.
        [("pkg/l", "other/b.py"), ("pkg/l", "pkg/sub/a.py")],
        [("pkg/l", "other/b.py"), ("pkg/l", "other/b.py")],
        # A link beneath a file, or beneath a link.
        [("other/b.py/l", "pkg")],
        [("l", "pkg"), ("l/m", "other/b.py")],
        # Folders that there would be for the links alone.
        [("a/l", "b"), ("b/m", "a")],
        [("a/l", "a")],
    ],
)
def test_a_file_that_fits_neither_order_is_refused(rows):
    """
    Whichever order it was written in.
    """
    assert {"LINKS_DIRECTION"} == {code for code, _ in codes(*rows)}
    assert {"LINKS_DIRECTION"} == {
        code for code, _ in codes(*[(b, a) for a, b in rows])
    }


def test_every_row_that_spoils_the_better_order_is_named():
    """
    By its number, its content and what is wrong with it.
    """
    _, problems = read(
        ("pkg/a", "other/b.py"),
        ("pkg/sub/a.py", "pkg/b"),
        ("pkg/c", "pkg/missing"),
        ("pkg/d", "other/b.py"),
    )

    assert ["pkg/sub/a.py", "pkg/c"] == [p.member for p in problems]
    assert ["pkg/sub/a.py,pkg/b", "pkg/c,pkg/missing"] == [
        p.found for p in problems
    ]
    assert "best as link,target, but for row 2: DUPLICATE" in str(problems[0])
    assert "row 3: DANGLING" in str(problems[1])
    assert "best as target,link" in str(
        read(("other/b.py", "pkg/a"), ("x", "y"), ("pkg/sub", "b"))[1][0]
    )


@pytest.mark.parametrize(
    ("code", "cell"),
    [
        ("NAME_EMPTY", ""),
        ("ABSOLUTE", "/etc/passwd"),
        ("DOTDOT", "pkg/../other/b.py"),
        ("DOT_COMPONENT", "./pkg/sub/a.py"),
        ("EMPTY_COMPONENT", "pkg/sub/"),
        ("BACKSLASH", "pkg\\sub"),
        ("CONTROL_CHARACTER", "pkg/su\nb"),
        ("CONTROL_CHARACTER", "\ufeffpkg"),
        ("IN_METADATA", f"{DIST}/METADATA"),
        ("IN_METADATA", DIST.upper()),
        ("CROSS_SCHEME", "foo-1.data/data/x"),
        ("CROSS_SCHEME", "Foo-1.DATA/data/x"),
    ],
)
def test_a_path_in_either_column_is_a_plain_one_of_the_wheel(code, cell):
    """
    From the root, forward, and not of what is installed elsewhere.
    """
    assert [(code, cell)] == codes(("pkg/l", cell))
    assert [(code, cell)] == codes((cell, "pkg/l"))


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"pkg/l\n", "LINKS_FIELDS"),
        (b"pkg/l,pkg/sub,0\n", "LINKS_FIELDS"),
        (b"pkg/l,pkg/sub\n\n", "LINKS_FIELDS"),
        (b'"pkg/l,pkg/sub\n', "LINKS_FIELDS"),
        (b'"pkg/l"x,pkg/sub\n', "LINKS_FIELDS"),
        (b"pkg/\xff,pkg/sub\n", "LINKS_NOT_UTF8"),
        (b"a" * 200_000 + b",pkg/sub\n", "LINKS_FIELDS"),
    ],
)
def test_what_is_no_such_file_is_refused(data, code):
    """
    The dialect is that of RECORD, with two fields.
    """
    links, problems = read_links_file(data, NAMES, DIST, Limits())

    assert [] == links
    assert [(code, f"{DIST}/LINKS")] == [(p.code, p.member) for p in problems]


def test_rows_are_counted_as_they_stand_in_the_file():
    """
    Those that cannot be read count too.
    """
    _, problems = read(("pkg/l",), ("/x", "pkg/sub"))

    assert ["row 1", "row 2"] == [p.message[:5] for p in problems]


def test_quotes_and_line_ends_are_those_of_record():
    """
    CRLF too; an empty file is one without links.
    """
    data = b'"pkg/l","other/b.py"\r\n'

    (link,) = read_links_file(data, NAMES, DIST, Limits())[0]
    assert AskedLink("pkg/l", b"../other/b.py", "links") == link
    assert ([], []) == read_links_file(b"", NAMES, DIST, Limits())


def test_there_may_be_so_many_links():
    """
    The rows after are not even read.
    """
    rows = [(f"pkg/l{k}", "other/b.py") for k in range(4)]
    limits = Limits(links=3)

    assert 3 == len(targets(*rows[:3], limits=limits))
    (problem,) = read(*rows, limits=limits)[1]
    assert ("TOO_MANY_LINKS", "limits.links") == (
        problem.code,
        problem.accept,
    )


def test_links_that_take_too_long_are_no_matter_of_direction():
    """
    A row can have more components than there are steps for it.
    """
    limits = Limits(links=1)
    deep = "/".join("abcdefghijklmnopqrstuvwxy" * 4)

    (problem,) = read(("l", deep), names=[deep], limits=limits)[1] or [None]
    assert None is problem
    problems = read(
        ("x/" * 100 + "l", "y/" * 10 + "z"), names=["y/" * 10 + "z"],
        limits=limits,
    )[1]  # fmt: skip
    assert ["TOO_MANY_LINKS"] == [p.code for p in problems]


# What LINKS.md 1.1 proves.  A reading is valid if its links are new and
# unique, and each target exists, through other rows if need be.

PATHS = ["a", "b", "c", "d/x", "d"]


def valid(pairs, existing):
    """
    By other means: make links as long as there are some whose target exists.
    """
    links = dict(pairs)
    if len(links) < len(pairs) or links.keys() & existing:
        return False
    made = set(existing)
    waiting = dict(pairs)
    while waiting:
        ready = [path for path, end in waiting.items() if end in made]
        if not ready:
            return False
        for path in ready:
            made.add(path)
            del waiting[path]
    return True


@pytest.mark.parametrize("entry", ["a", "d/x", "d"])
def test_never_are_both_orders_right(entry):
    """
    All files of two rows over five paths: one order at most, and that one.
    """
    existing = {entry, entry[0]}
    seen = 0
    for rows in product(product(PATHS, PATHS), repeat=2):
        orders = [list(rows), [(b, a) for a, b in rows]]
        right = [order for order in orders if valid(order, existing)]
        links, problems = read(*rows, names=[entry])

        assert len(right) <= 1
        assert bool(links) != bool(problems)
        for order in right:
            paths = [path for path, _ in order]
            beneath = any(
                path.startswith(f"{other}/")
                for path, other in product(paths, [*paths, entry])
            )
            assert beneath or paths == [link.path for link in links]
            seen += not beneath
    assert seen > 20


@given(
    st.lists(
        st.tuples(st.sampled_from(PATHS), st.sampled_from(PATHS)),
        min_size=1,
        max_size=4,
    ),
    st.sets(st.sampled_from(["a", "b", "d/x"]), min_size=1),
)
def test_one_order_is_what_the_other_is_not(rows, names):
    """
    Turning all rows round makes the same links of them.
    """
    links, problems = read(*rows, names=sorted(names))
    turned, others = read(*[(b, a) for a, b in rows], names=sorted(names))

    assert links == turned
    assert len(problems) == len(others)


# --------------------------------------------------------------- symlinks.txt


def test_symlinks_txt_is_read_as_it_is():
    """
    Link from the root, target from the link, and whether it is a folder.
    """
    data = written(
        ("foo-1.data/data/lib/l", "libx.so.1", "0"),
        ("pkg/d", "../other", "1"),
        ("pkg/a", "/nowhere", "0"),
    )

    assert (
        [
            AskedLink("foo-1.data/data/lib/l", b"libx.so.1", "axle", False),
            AskedLink("pkg/d", b"../other", "axle", True),
            AskedLink("pkg/a", b"/nowhere", "axle", False),
        ],
        [],
    ) == read_axle(data, DIST, Limits())


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"pkg/l,x\n", "LINKS_FIELDS"),
        (b"pkg/l,x,2\n", "LINKS_FIELDS"),
        (b"pkg/l,x,\n", "LINKS_FIELDS"),
        (b"pkg/l,\xff,0\n", "LINKS_NOT_UTF8"),
        (b'"pkg/l,x,0\n', "LINKS_FIELDS"),
    ],
)
def test_what_is_no_symlinks_txt_is_refused(data, code):
    """
    Row by row, where there are rows.
    """
    links, problems = read_axle(data, DIST, Limits())

    assert [] == links
    assert [(code, f"{DIST}/symlinks.txt")] == [
        (problem.code, problem.member) for problem in problems
    ]


def test_symlinks_txt_has_no_more_links_than_others():
    """
    It is a row each, and costs as much.
    """
    data = b"pkg/l,x,0\n" * 4
    links, problems = read_axle(data, DIST, Limits(links=3))

    assert 3 == len(links)
    assert ["TOO_MANY_LINKS"] == [problem.code for problem in problems]


# ------------------------------------------------------------------- conflict


def by(encoding, links):
    return [
        AskedLink(path, target.encode(), encoding)
        for path, target in links.items()
    ]


def test_two_encodings_that_agree_are_one():
    """
    Whatever their order, and however a target is spelled.
    """
    ours = by("zip", {"pkg/l": "./a/./b", "pkg/m": "../x/", "n": "/abs"})
    theirs = by("links", {"n": "/abs", "pkg/m": "../x", "pkg/l": "a/b"})

    assert [] == disagreements(ours, theirs)
    assert [] == disagreements([], [])


def test_every_difference_of_two_encodings_is_named():
    """
    A link that only one has, or that leads elsewhere.
    """
    ours = by("zip", {"pkg/l": "a", "pkg/m": "b", "pkg/same": "c"})
    theirs = by("links", {"pkg/l": "../a", "pkg/same": "c", "n": "x\x1b"})

    assert [
        ("LINKS_CONFLICT", "pkg/l", "-> pkg/a", "-> a"),
        ("LINKS_CONFLICT", "pkg/m", "-> pkg/b", "no link"),
        ("LINKS_CONFLICT", "n", "no link", "-> x\\x1b"),
    ] == [
        (p.code, p.member, p.found, p.expected)
        for p in disagreements(ours, theirs)
    ]


def test_targets_above_the_root_are_not_confused():
    """
    Each ".." that is too many counts; so does a byte that is no UTF-8.
    """
    ours = by("zip", {"l": "../a", "m": "../../a"})
    theirs = by("links", {"l": "../../a", "m": "../../a"})
    odd = [AskedLink("l", b"\xff", "zip")]

    assert ["l"] == [p.member for p in disagreements(ours, theirs)]
    assert [] == disagreements(odd, odd)
