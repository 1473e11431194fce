"""The files of .dist-info as they are written."""

from __future__ import annotations

import csv
import hashlib
import io
import posixpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unwheel.distinfo import (
    links_text,
    name_wheel,
    record_row,
    record_text,
    relative_target,
    with_rows,
    with_wheel_version,
)
from unwheel.errors import InvalidWheelError
from unwheel.metadata import CoreMetadata, WheelInfo
from unwheel.record import Record

DIGEST = hashlib.sha256(b"x").digest()
PATHS = st.lists(st.sampled_from("abc"), min_size=1, max_size=4)


def test_our_reader_reads_record():
    """
    Digest, size, and names that need quotes.
    """
    names = ["a.py", 'with "quotes", and comma', "é"]
    rows = [(name, DIGEST, k) for k, name in enumerate(names)]

    data = record_text([*rows, ("RECORD", None, None)])

    assert [*names, "RECORD"] == [
        row[0] for row in csv.reader(io.StringIO(data.decode()))
    ]
    plain = Record.parse(record_text([rows[0], rows[2]]))
    assert {"a.py": DIGEST, "é": DIGEST} == plain.sha256
    assert {"a.py": 0, "é": 2} == plain.sizes


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("last", ["", "ending"])
def test_changes_some_rows_and_no_others(ending, last):
    """
    Line ends are those of RECORD, also after a last line that had none.
    """
    lines = ["b,,", '"a,b",md5=x,7', "c,sha256=y,", "RECORD,,"]
    data = ending.join(lines) + (ending if last else "")
    rows = {"a,b": record_row("a,b", DIGEST, 1), "c": b""}

    told = with_rows(data.encode(), rows, record_row("d", None, 2))

    row = rows["a,b"].decode().strip()
    expected = ["b,,", row, "RECORD,,", "d,,2", ""]
    assert ending.join(expected) == told.decode()


def test_changes_nothing_without_rows():
    """
    Whatever is odd in it.
    """
    data = b'x\n\n"a",,\r\nb,c,d,e\n'

    assert data == with_rows(data, {})


def test_links_are_two_columns():
    """
    In the dialect of RECORD.
    """
    assert b'a,b\n"x,y",z\n' == links_text([("a", "b"), ("x,y", "z")])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"A: b\nC: d\n\nWheel-Version: 1\n", b"A: b\n2\nC: d\n\n..."),
        (b"A: b\r\nC: d\r\n\r\nbody", b"A: b\r\n2\r\nC: d\r\n\r\nbody"),
        (b"wheel-VERSION : 1.0\r\nTag: x\r\n", b"2\r\nTag: x\r\n"),
        (b"Wheel-Version: 1.0", b"2"),
        (b"Wheel-Version: 1\n:x\n .0\nA: b\n", b"2\nA: b\n"),
        (b"From x\n:y\nA: b\n c\nD: e", b"From x\n:y\nA: b\n c\n2\nD: e"),
        (b"A: b\rWheel-Version: 1.0\r", b"A: b\r2\r"),
        (b"A: b", b"A: b\n2\n"),
        (b"A: b\n c\n\td\nE: f\n", b"A: b\n c\n\td\n2\nE: f\n"),
        (b"A: b\n c", b"A: b\n c\n2\n"),
        (b"\nbody", b"2\n\nbody"),
        (b"A: b\nx\nWheel-Version: 1\n", b"A: b\n2\nx\n..."),
        (b"Wheel-Version: 1\n .0\n\t!\nA: b\n", b"2\nA: b\n"),
        (b"", b"2\n"),
    ],
)
def test_says_wheel_version_2(before, after):
    """
    In the headers, never in the text that follows them.
    """
    expected = after.replace(b"2", b"Wheel-Version: 2.0", 1)
    expected = expected.replace(b"...", b"Wheel-Version: 1\n")

    assert expected == with_wheel_version(before)


def test_our_reader_reads_wheel_version_2():
    """
    In both files.
    """
    metadata = b"Metadata-Version: 2.1\nName: x\nVersion: 1\n\nbody\n"
    wheel = b"Wheel-Version: 1.0\nTag: py3-none-any\n"

    core = CoreMetadata.parse(with_wheel_version(metadata))
    info = WheelInfo.parse(with_wheel_version(wheel), wheel2=True)

    assert (2, 0) == core.wheel_version == info.version
    assert ("x", "1") == (core.name, core.version)


def test_a_name_of_many_tags_is_refused_quickly():
    """
    A line of WHEEL can stand for 10^18 of them.
    """
    many = ".".join(f"p{k}" for k in range(10_000))
    core = CoreMetadata("x", "1", ())

    with pytest.raises(InvalidWheelError) as failure:
        name_wheel(core, f"Tag: {many}-{many}-{many}\n".encode())

    assert ["WHEEL_TAGS"] == [p.code for p in failure.value.problems]


@given(PATHS, PATHS)
def test_targets_lead_there(link, real):
    """
    As the system walks them, from the folder of the link.
    """
    path = "/".join([*link, "link"])
    target = "/".join([*real, "real"])

    text = relative_target(path, target)

    home = posixpath.dirname(path)
    assert target == posixpath.normpath(posixpath.join(home, text))
    assert ".." not in text.lstrip("./").split("/")
