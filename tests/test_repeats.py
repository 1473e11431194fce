"""Files of a wheel that are one; more in test_relinking.py."""

from __future__ import annotations

import pytest

from unwheel.repeats import most_versioned, repeats
from unwheel.report import FileFact

INFO = "demo-1.0.dist-info"


def fact(path, digest="aa", size=5000, *, executable=False):
    """
    A member as it was verified.
    """
    return FileFact(path, size, digest, executable)


@pytest.mark.parametrize(
    ("soname", "names", "real"),
    [
        ("libfoo.so.1", ["libfoo.so.1.2", "libfoo.so", "libfoo.so.1"], 0),
        ("libfoo.so.1", ["libfoo.so", "libfoo.so.1"], 1),
        ("libfoo.so", ["other.so.1.2", "libfoo.so"], 1),
        ("@rpath/libfoo.1.dylib", ["libfoo.dylib", "libfoo.1.2.dylib"], 1),
        (None, ["libx.so.9", "libx.so.10"], 1),
        (None, ["b.txt", "a.txt"], 0),
        ("libbar.so", ["b.so", "a.so"], 0),
    ],
)
def test_the_most_versioned_name_stays(soname, names, real):
    """
    That of the library itself, if one is; else the first.
    """
    assert names[real] == most_versioned(names, soname)


def test_files_are_one_where_they_are_installed():
    """
    A link from one place of an installation to another would dangle.
    """
    files = [
        fact("a"),
        fact("demo-1.0.data/data/a"),
        fact("b/c"),
        fact("demo-1.0.data/data/b"),
        fact("demo-1.0.data/purelib/a"),
    ]
    data = ["demo-1.0.data/data/a", "demo-1.0.data/data/b"]

    assert ([["a", "b/c"], data], []) == repeats(files, INFO, 1, "zip")


@pytest.mark.parametrize(
    "other",
    [
        fact("b", "bb"),
        fact("b", executable=True),
        fact("b", size=4999),
        fact(f"{INFO}/b"),
        fact(f"{INFO.upper()}/b"),
        fact("demo-1.0.data/scripts/b"),
        fact("other.data/data/b"),
    ],
    ids=lambda file: file.path,
)
def test_what_is_not_one_is_left_alone(other):
    """
    Of another content or bit, or in a place that no link may be in.
    """
    assert ([], []) == repeats([fact("a"), other], INFO, 1, "zip")


def test_links_file_cannot_tell_of_data():
    """
    So one is told what it would have saved.
    """
    files = [fact(f"demo-1.0.data/data/{name}") for name in "abc"]

    groups, warnings = repeats(files, INFO, 1, "links-file")

    assert [] == groups
    assert ["LINKS_SCHEME"] * 2 == [p.code for p in warnings]
    assert {'encoding="zip"'} == {p.accept for p in warnings}
