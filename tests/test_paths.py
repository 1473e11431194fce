"""Names of members: what is refused, and the nearest name that is not."""

from __future__ import annotations

import posixpath
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unwheel.errors import UnsafeMemberError
from unwheel.paths import (
    UTF8_FLAG,
    MemberPath,
    check_names,
    directories,
    is_plain,
    problem_with_name,
)
from unwheel.policy import Limits

SMALL = replace(Limits(), name_length=40, component_length=10, depth=4)


def stored(names, errors="surrogateescape"):
    return b"".join(n.encode("utf-8", errors) + b"\0" for n in names)


def check(names, *, flags=UTF8_FLAG, limits=None, portable="warn"):
    return check_names(
        names,
        stored(names),
        [flags] * len(names),
        limits or Limits(),
        portable,
    )


def refused(names, **options):
    return [(p.code, p.member) for p in check(names, **options)[0]]


def warned(names):
    return [(p.code, p.member) for p in check(names)[1]]


def codes(names, **options):
    return {code for code, _ in refused(names, **options)}


EVERYWHERE = [
    ("NAME_EMPTY", "", "a"),
    ("ABSOLUTE", "/etc/passwd", "etc/passwd"),
    ("ABSOLUTE", "/", "a/"),
    ("ABSOLUTE", "//host/share", "host/share"),
    ("DRIVE_LETTER", "C:x", "C/x"),
    ("DRIVE_LETTER", "c:/windows", "c/windows"),
    ("BACKSLASH", "..\\evil", "_evil"),
    ("BACKSLASH", "pkg\\x.py", "pkg/x.py"),
    ("EMPTY_COMPONENT", "a//b", "a/b"),
    ("EMPTY_COMPONENT", "a/b//", "a/b/"),
    ("DOT_COMPONENT", "./a", "a"),
    ("DOT_COMPONENT", "a/./b", "a/.b"),
    ("DOT_COMPONENT", "a/.", "a/.x"),
    ("DOTDOT", "../evil.py", "..evil.py"),
    ("DOTDOT", "..", "..a"),
    ("DOTDOT", "a/../b", "a/..b/c"),
    ("DOTDOT", "a/../", "a/x/"),
    ("DOTDOT", "a/.. /b", "a/..b/c"),
    ("DOTDOT", "a/.. ./b", "a/..x/b"),
    ("DOTDOT", "a/.../b", "a/...b"),
    ("CONTROL_CHARACTER", "a\nb", "a b"),
    ("CONTROL_CHARACTER", "a\0b", "a-b"),
    ("CONTROL_CHARACTER", "a\x1b[31m", "a[31m"),
    ("CONTROL_CHARACTER", "a\x7f", "a~"),
    ("CONTROL_CHARACTER", "a\x85", "a\xa1"),
    ("CONTROL_CHARACTER", "gpj.\u202eyp", "gpj.\u2192yp"),
    ("CONTROL_CHARACTER", "a\u200b.py", "a\u00e9.py"),
    ("CONTROL_CHARACTER", "a\ue000", "a\u3042"),
    ("NOT_UTF8", "caf\udce9", "caf\u00e9"),
]


@pytest.mark.parametrize(("code", "bad", "good"), EVERYWHERE)
def test_refuses_a_name_that_no_system_may_hold(code, bad, good):
    """
    Each rule refuses its name, and takes the nearest that keeps it.
    """
    assert (code, bad) in refused([bad, "pkg/plain.py"])
    assert [] == refused([good, "pkg/plain.py"])


@pytest.mark.parametrize(("code", "bad", "good"), EVERYWHERE)
def test_member_path_refuses_the_same_names(code, bad, good):
    """
    One name alone is judged as in a wheel; the final "/" is not its.
    """
    bare = bad[:-1] if bad.endswith("/") and len(bad) > 1 else bad

    with pytest.raises(UnsafeMemberError) as refusal:
        MemberPath.parse(bare)

    assert code in {p.code for p in refusal.value.problems}
    assert problem_with_name(bare, Limits()) == refusal.value.problems[0]
    assert str(MemberPath.parse(good.removesuffix("/"))) in good


def test_member_path_takes_no_final_slash():
    """
    A member is a file or a link, so "a/" is none.
    """
    assert "EMPTY_COMPONENT" == problem_with_name("a/", Limits()).code


def test_refuses_a_component_that_is_too_long():
    """
    255 bytes are allowed, of whatever characters, and not one more.
    """
    for char in ("a", "\u00e9", "\u212a"):
        fits = char * (255 // len(char.encode()))

        assert set() == codes([fits + "/x"])
        assert {"COMPONENT_TOO_LONG"} == codes([fits + char + "/x"])


def test_refuses_a_name_that_is_too_long():
    """
    4,095 bytes are allowed, and the refusal names the limit.
    """
    fits = "/".join(["a" * 255] * 15 + ["b" * 127] * 2)
    assert 4095 == len(fits)

    problems = check([fits + "b"])[0]

    assert [] == refused([fits])
    assert [("NAME_TOO_LONG", "limits.name_length")] == [
        (p.code, p.accept) for p in problems
    ]


def test_refuses_a_name_that_is_too_deep():
    """
    128 components are allowed, be they short ones.
    """
    assert [] == refused(["a/" * 127 + "b"])
    assert {"TOO_DEEP"} == codes(["a/" * 128 + "b"])


def test_limits_are_those_of_the_caller():
    """
    Smaller limits hold too, also where the default would not be reached.
    """
    assert set() == codes(["a" * 10 + "/" + "b" * 10], limits=SMALL)
    assert {"COMPONENT_TOO_LONG"} == codes(["a" * 11], limits=SMALL)
    assert {"TOO_DEEP"} == codes(["a/b/c/d/e"], limits=SMALL)
    assert {"NAME_TOO_LONG"} == codes(["/".join(["a" * 10] * 4)], limits=SMALL)


def test_refuses_more_directories_than_memory_is_allowed_for():
    """
    Few long names can imply a great many long directories.
    """
    limits = replace(Limits(), directory_size=20_000)
    few = ["a/" * 20 + "x"]
    many = [f"{i}/" + "a/" * 20 + "x" for i in range(10)]

    assert [] == refused(few, limits=limits)
    assert [("TOO_MANY_DIRECTORIES", None)] == refused(many, limits=limits)


def test_refuses_a_name_that_does_not_say_that_it_is_utf8():
    """
    Without flag bit 11 readers guess, and guess differently.
    """
    name = "caf\u00e9.py"

    assert [("NOT_FLAGGED_UTF8", name)] == refused([name], flags=0)
    assert [] == refused([name], flags=UTF8_FLAG)
    assert [] == refused(["cafe.py"], flags=0)


@pytest.mark.parametrize("name", ["pkg/a.py", "pkg/"])
def test_refuses_a_name_that_occurs_twice(name):
    """
    Files and directories alike: which of the two entries is it?
    """
    assert ("DUPLICATE", name) in refused([name, "x", name])
    assert [] == refused([name, "x"])


@pytest.mark.parametrize("below", ["pkg/x.py", "pkg/", "pkg/a/b/c.py"])
@pytest.mark.parametrize("file_first", [True, False])
def test_refuses_a_file_where_a_directory_must_be(below, file_first):
    """
    Whatever comes first, nothing is beneath a file (or a link).
    """
    names = ["pkg", below] if file_first else [below, "pkg"]

    assert ("FILE_AND_DIRECTORY", "pkg") in refused(names)
    assert [] == refused(["pkg.py", below])


PORTABLE = [
    ("COLON", "a/b:c", "a/b;c"),
    ("RESERVED_CHARACTER", "a<b", "a{b"),
    ("RESERVED_CHARACTER", "a>b", "a}b"),
    ("RESERVED_CHARACTER", 'a"b', "a'b"),
    ("RESERVED_CHARACTER", "a|b", "a!b"),
    ("RESERVED_CHARACTER", "what?", "what!"),
    ("RESERVED_CHARACTER", "*.py", "+.py"),
    ("TRAILING_DOT_OR_SPACE", "a./b", "a.x/b"),
    ("TRAILING_DOT_OR_SPACE", "a /b", "a x/b"),
    ("TRAILING_DOT_OR_SPACE", "a/b.", "a/b.c"),
    ("TRAILING_DOT_OR_SPACE", "a/b ", "a/b c"),
    ("DEVICE_NAME", "pkg/aux.py", "pkg/aux_.py"),
    ("DEVICE_NAME", "con", "con_"),
    ("DEVICE_NAME", "CON/x", "CONS/x"),
    ("DEVICE_NAME", "a/Nul", "a/Null"),
    ("DEVICE_NAME", "prn.tar.gz", "a.prn.gz"),
    ("DEVICE_NAME", "com1.txt", "com.txt"),
    ("DEVICE_NAME", "COM0", "COM10"),
    ("DEVICE_NAME", "lpt9/x", "lpt/x"),
    ("DEVICE_NAME", "com\u00b9", "com\u2074"),
    ("DEVICE_NAME", "aux .py", "aux-.py"),
    ("DEVICE_NAME", "conin$", "conin"),
]


@pytest.mark.parametrize(("code", "bad", "good"), PORTABLE)
def test_warns_of_a_name_that_another_system_cannot_hold(code, bad, good):
    """
    Real wheels have such names; the caller may refuse them.
    """
    assert [] == refused([bad])
    assert [(code, bad)] == warned([bad])
    assert [] == warned([good])
    assert [(code, bad)] == refused([bad], portable="refuse")
    assert [] == refused([good], portable="refuse")


CLASHES = [
    ("CASE_CLASH", ["pkg/A.py", "pkg/a.py"], "pkg/a.py", "pkg/b.py"),
    ("CASE_CLASH", ["Pkg/x", "pkg/y"], "pkg", "pkh/y"),
    ("CASE_CLASH", ["foo", "FOO/x"], "FOO", "FOO2/x"),
    ("CASE_CLASH", ["stra\u00dfe", "STRASSE"], "STRASSE", "STRASE"),
    ("NFC_CLASH", ["caf\u00e9", "cafe\u0301"], "cafe\u0301", "cafe"),
    ("CASE_CLASH", ["CAF\u00c9", "cafe\u0301"], "cafe\u0301", "cafe"),
]


@pytest.mark.parametrize(("code", "names", "member", "other"), CLASHES)
def test_warns_of_names_that_are_one_to_another_system(
    code, names, member, other
):
    """
    Case and composition, of files and of directories that are implied.
    """
    assert (code, member) in warned(names)
    assert (code, member) in refused(names, portable="refuse")
    assert [] == warned([names[0], other])


def test_says_which_knob_accepts():
    """
    A knob exists for portability and for limits, and for nothing else.
    """
    refusals, warnings = check(["../a", "aux"])

    assert [None] == [p.accept for p in refusals]
    assert ['portable_names="warn"'] == [p.accept for p in warnings]


def test_reports_everything_in_the_order_of_the_archive():
    """
    One refusal lists all reasons.
    """
    names = ["ok", "../b", "/a", "x//y", "x/../C:\\"]

    assert [
        ("DOTDOT", "../b"),
        ("ABSOLUTE", "/a"),
        ("EMPTY_COMPONENT", "x//y"),
        ("BACKSLASH", "x/../C:\\"),
        ("DOTDOT", "x/../C:\\"),
    ] == refused(names)


def test_says_what_it_found_without_driving_a_terminal():
    """
    A component that is shown is escaped.
    """
    (problem,) = check(["a/.. \x1b/b".replace("\x1b", ".")])[0]
    assert ".. ." == problem.found

    (problem,) = check(["b\x9b"])[0]
    assert "U+009B" == problem.found


def test_directories_are_named_or_implied():
    """
    All ancestors, each once, and no files.
    """
    assert ({"a", "a/b", "c"}, None) == directories(
        ["a/b/x", "a/b/y", "c/", "z"], Limits()
    )


def test_accepts_the_explicit_directories_of_real_wheels():
    """
    "a/" beside "a/b/" and "a/x.py" is no collision.
    """
    names = ["a/", "a/b/", "a/b/x.py", "a/.hidden/", "a/.hidden/y", "a/x.y.z"]

    assert ([], []) == check(names)
    assert ([], []) == check([])


@settings(deadline=None)  # machines are shared
@given(st.text(alphabet=st.sampled_from("ab./\\ :\0\n\u00e9"), max_size=12))
def test_member_path_never_escapes(name):
    """
    Whatever parses stays below any root, and is itself when normalised.
    """
    try:
        path = MemberPath.parse(name)
    except UnsafeMemberError:
        return

    joined = posixpath.normpath(posixpath.join("/any/root", str(path)))

    assert joined == "/any/root/" + name
    assert joined.startswith("/any/root/")


NAMES = st.lists(
    st.one_of(
        st.text(
            alphabet=st.sampled_from('aB./\\ :"\0\n\u00e9\u0130\u212a'),
            min_size=1,
            max_size=9,
        ),
        st.sampled_from(["con", "a/AUX.x", "com1", "lpt0/", "a/b", "x.con"]),
    ),
    max_size=5,
)


@settings(deadline=None)  # machines are shared
@given(NAMES, st.sampled_from([Limits(), SMALL]))
def test_the_bulk_checks_find_what_the_careful_ones_find(names, limits):
    """
    A name is judged the same among plain ones as where one is odd.
    """
    quick = check(names, limits=limits)
    careful = check(["a\tb", *names], limits=limits)

    assert quick[1] == careful[1]
    assert quick[0] == [p for p in careful[0] if p.member != "a\tb"]


@settings(deadline=None)  # machines are shared
@given(NAMES)
def test_is_plain_is_never_wrong(names):
    """
    What `is_plain` lets pass parses, name by name.
    """
    blob = stored(names)
    plain = is_plain(blob, max(map(len, names), default=0), Limits())

    if plain and blob.count(b"\0") == len(names):
        assert names == [str(MemberPath.parse(name)) for name in names]
