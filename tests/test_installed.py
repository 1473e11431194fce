"""RECORD of what was written: what each reader of a name sees."""

from __future__ import annotations

import base64
import csv
import hashlib
import importlib.metadata
import io
import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_merge import Contents, lay

from unwheel.installed import installed_record
from unwheel.report import FileFact, LinkFact

INFO = "demo-1.0.dist-info"
RECORD = f"{INFO}/RECORD"


def fact(path: str, content: bytes) -> FileFact:
    """A file as the engine tells it."""
    digest = hashlib.sha256(content).hexdigest()
    return FileFact(path, len(content), digest, executable=False)


def link(path: str, resolved: str, outcome: str = "link") -> LinkFact:
    """A link as the engine tells it."""
    return LinkFact(path, "zip", "its text", resolved, outcome)


def row(path: str, content: bytes) -> list[str]:
    """The row of a file."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest())
    return [path, f"sha256={digest.decode().rstrip('=')}", str(len(content))]


def rows(
    files: dict[str, bytes],
    links: tuple[LinkFact, ...] = (),
    trees: dict[str, list[tuple[str, str]]] | None = None,
    extra: tuple[tuple[str, bytes], ...] = (),
) -> list[list[str]]:
    """The rows of RECORD, as `csv` reads them."""
    facts = [fact(path, content) for path, content in files.items()]
    data = installed_record(facts, links, trees or {}, extra, INFO)
    text = data.decode("utf-8", "surrogateescape")
    return list(csv.reader(io.StringIO(text, newline="")))


FILES = {
    "demo/lib.so.1": b"library",
    RECORD: b"the old one",
    "demo/data/x": b"x",
    f"{INFO}/METADATA": b"",
}
END = [RECORD, "", ""]
PLAIN = [
    row("demo/lib.so.1", b"library"),
    row("demo/data/x", b"x"),
    row(f"{INFO}/METADATA", b""),
]


def test_files_in_the_order_of_the_archive():
    """
    RECORD last, without a digest, wherever the archive has it.
    """
    assert [*PLAIN, END] == rows(FILES)


def test_a_wheel_without_record_gets_one():
    """
    With record="off" there need be none.
    """
    assert [row("a", b"a"), END] == rows({"a": b"a"})


@pytest.mark.parametrize("outcome", ["link", "hardlink", "reflink", "copy"])
def test_a_link_to_a_file_shows_the_file(outcome: str):
    """
    Its row is that of the content, at the end of a chain too.
    """
    links = (link("demo/lib.so", "demo/lib.so.1", outcome),)

    expected = [*PLAIN, row("demo/lib.so", b"library"), END]
    assert expected == rows(FILES, links)


@pytest.mark.parametrize(
    ("resolved", "outcome"),
    [
        ("demo/data", "link"),
        ("/home/me/project/demo", "link"),
        ("other/lib.so", "link"),
        ("", "verbatim"),
        (RECORD, "verbatim"),
    ],
    ids=["folder", "editable", "other wheel", "unknown", "RECORD itself"],
)
def test_a_link_to_what_is_no_file_of_the_wheel(resolved: str, outcome: str):
    """
    A row, so that it is removed one day, but no digest.
    """
    links = (link("demo/l", resolved, outcome),)

    assert [*PLAIN, ["demo/l", "", ""], END] == rows(FILES, links)


def test_a_copied_tree_has_a_row_for_each_file():
    """
    And none for the folder, nor for one that is empty.
    """
    links = (link("demo/copy", "demo/data", "tree"),)
    trees = {
        "demo/copy": [
            ("demo/copy/x", "demo/data/x"),
            ("demo/copy/sub/lib", "demo/lib.so.1"),
        ]
    }

    assert [
        *PLAIN,
        row("demo/copy/x", b"x"),
        row("demo/copy/sub/lib", b"library"),
        END,
    ] == rows(FILES, links, trees)


def test_a_line_in_a_pth_file_is_that_file():
    """
    Nothing is at the link's own name.
    """
    links = (link("demo", "/home/me/demo", "pth"),)
    extra = (("__editable__.demo-1.0.pth", b"/home/me\n"),)

    expected = [*PLAIN, row(extra[0][0], extra[0][1]), END]
    assert expected == rows(FILES, links, extra=extra)


def test_a_link_that_became_text_is_a_file():
    """
    The file is what was written, and is listed once.
    """
    files = {"demo/l": b"data", **FILES}
    links = (link("demo/l", "demo/data", "text"),)

    assert [row("demo/l", b"data"), *PLAIN, END] == rows(files, links)


def test_nothing_is_listed_twice():
    """
    A RECORD among the other files is the one that is made here.
    """
    extra = (("demo/data/x", b"new"), (RECORD, b""), ("e", b""), ("e", b"e"))

    found = rows(FILES, extra=extra)

    names = [name for name, _, _ in found]
    assert len(names) == len({*names})
    assert row("demo/data/x", b"new") in found
    assert row("e", b"e") in found
    assert END == found[-1]


@given(
    st.dictionaries(
        # No name has a NUL, and csv could not read it before Python 3.11.
        st.text(
            st.characters(codec="utf-8", exclude_characters="\0"), min_size=1
        )
        | st.text('a,"\r\n \udcff', min_size=1),
        st.binary(max_size=9),
        max_size=9,
    )
)
def test_any_name_survives_csv(files: dict[str, bytes]):
    """
    Commas, quotes, ends of lines, and bytes that are no UTF-8.
    """
    expected = [row(path, content) for path, content in files.items()]

    assert [*expected, END] == rows(files)


# ------------------------------------------------ on the disk, read by others


TREE: Contents = {
    "demo/a,b.py": b"comma",
    "demo/lib.so.1": b"library",
    "demo/lib.so": "-> lib.so.1",
    "demo/libs": "-> data",
    "demo/data/x": b"x",
    f"{INFO}/METADATA": b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n",
}


@pytest.mark.skipif(sys.platform == "win32", reason="needs links")
def test_importlib_reads_what_open_reads(tmp_path: Path):
    """
    Every digest and size is that of the bytes behind the name.
    """
    lay(tmp_path, TREE)
    files = [fact(n, c) for n, c in TREE.items() if isinstance(c, bytes)]
    links = (
        link("demo/lib.so", "demo/lib.so.1"),
        link("demo/libs", "demo/data"),
    )
    data = installed_record(files, links, {}, (), INFO)
    (tmp_path / RECORD).write_bytes(data)

    [found] = importlib.metadata.distributions(path=[str(tmp_path)])

    listed = {str(path): path for path in found.files or ()}
    assert {*TREE, RECORD} == listed.keys()
    for name, path in listed.items():
        if path.hash is None:
            assert path.size is None
            assert name in ("demo/libs", RECORD)
            continue
        content = (tmp_path / name).read_bytes()
        assert row(name, content)[1] == f"sha256={path.hash.value}"
        assert len(content) == path.size
    for path in listed.values():
        os.unlink(path.locate())
    assert [] == [p for p in tmp_path.rglob("*") if not p.is_dir()]
