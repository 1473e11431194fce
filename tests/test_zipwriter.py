"""Archives as they are written, read by others."""

from __future__ import annotations

import io
import shutil
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from builder import ArchiveBuilder
from places import half_noise, noise

from unwheel import zipformat
from unwheel.errors import SourceError
from unwheel.native import NativeArchive
from unwheel.policy import Limits
from unwheel.zipformat import EPOCH, STORED, dos_time
from unwheel.zipsource import PackedArchive
from unwheel.zipwriter import Nowhere, ZipWriter

FILE = stat.S_IFREG | 0o644


def written(*members, comment=b""):
    """
    An archive of files, given by name and content.
    """
    output = io.BytesIO()
    writer = ZipWriter(output)
    for name, data in members:
        writer.add(name, [data], size=len(data), mode=FILE, dos_time=EPOCH)
    writer.finish(comment)
    return output.getvalue()


def copied(path):
    """
    The archive at *path*, every member copied.
    """
    output = io.BytesIO()
    with PackedArchive(str(path)) as source:
        writer = ZipWriter(output)
        for member in source:
            writer.copy(member, source)
        writer.finish(source.comment)
    return output.getvalue()


@pytest.fixture
def narrow(monkeypatch):
    """
    Every number above 99 needs ZIP64, so that no test needs 4 GB.
    """
    monkeypatch.setattr(zipformat, "MOST_32", 99)
    monkeypatch.setattr(zipformat, "MOST_16", 2)


def test_zipfile_reads_what_was_written():
    """
    Names, content, modes and times; an empty member is stored.
    """
    output = io.BytesIO()
    writer = ZipWriter(output)
    when = dos_time(1_000_000_001)
    writer.add("a/é.txt", [b"one", b"two"], size=6, mode=FILE, dos_time=when)
    writer.add("run", [b""], size=0, mode=0o100755, dos_time=EPOCH)
    writer.add("d/", [], size=0, mode=stat.S_IFDIR | 0o755, dos_time=EPOCH)
    writer.link("l", b"a/x", dos_time=EPOCH)
    length = writer.finish(b"bye")

    archive = zipfile.ZipFile(output)
    text, run, folder, link = archive.infolist()
    assert length == len(output.getvalue())
    assert b"onetwo" == archive.read("a/é.txt")
    assert (2001, 9, 9, 1, 46, 40) == text.date_time
    assert (1980, 1, 1, 0, 0, 0) == run.date_time
    assert [FILE, 0o100755, 0o40755, 0o120777] == [
        info.external_attr >> 16 for info in (text, run, folder, link)
    ]
    assert [8, 0, 0, 0] == [
        info.compress_type for info in (text, run, folder, link)
    ]
    assert 0x10 == folder.external_attr & 0xFFFF
    assert {3} == {info.create_system for info in archive.infolist()}
    assert 0x800 == text.flag_bits
    assert b"a/x" == archive.read("l")
    assert b"bye" == archive.comment


@pytest.mark.parametrize(
    "command",
    [
        ["unzip", "-tq"],
        ["bsdtar", "-tf"],
        ["7z", "t"],
        [sys.executable, "-m", "zipfile", "-t"],
    ],
    ids=lambda command: Path(command[0]).stem,
)
def test_every_tool_reads_it(tmp_path, command):
    """
    Their tests of an archive find nothing to complain of.
    """
    program = shutil.which(command[0])
    assert program is not None, f"needs {command[0]}"
    path = tmp_path / "x.zip"
    path.write_bytes(
        written(("a", half_noise(300_000)), ("b", b""), ("c/é", b"x"))
    )

    done = subprocess.run(
        [program, *command[1:], path], capture_output=True, check=False
    )

    assert (0, b"") == (done.returncode, done.stderr)


@pytest.mark.usefixtures("narrow")
def test_the_core_reads_zip64():
    """
    Sizes, offsets, counts: each where it is needed.
    """
    big = noise(300)
    data = written(("small", b"x"), ("big", big), ("last", b"y"))

    archive = NativeArchive.from_bytes(data, Limits())

    assert ["small", "big", "last"] == archive.entries.names
    assert big == archive.read(1, 1000)
    assert b"y" == archive.read(2, 1000)
    archive.close()
    assert big == zipfile.ZipFile(io.BytesIO(data)).read("big")


def test_zip64_only_where_it_is_needed():
    """
    Old readers know nothing of it, and it makes headers longer.
    """
    data = written(("a", b"x"))

    (info,) = zipfile.ZipFile(io.BytesIO(data)).infolist()

    assert (20, b"") == (info.extract_version, info.extra)
    assert b"PK\6\6" not in data


def odd():
    """
    An archive with what others write: descriptors, extra fields, ZIP64.
    """
    return (
        ArchiveBuilder()
        .file("a", half_noise(5000), extra=[(0x5455, b"\1abcd")])
        .file("b", b"descriptor " * 9, descriptor="signed")
        .file("c", noise(500), method=STORED, zip64=True)
        .file("d", b"host 0", host=0, dos_time=77, dos_date=88)
        .file("e", b"long " * 99, level=9, descriptor="signed64", zip64=True)
        .directory("f/")
        .link("g", "a")
    )


def test_copies_bit_for_bit(tmp_path):
    """
    Whatever wrote it: descriptors, extra fields, versions, times.
    """
    path = odd().comment(b"hello").write(tmp_path / "x.zip")

    assert path.read_bytes() == copied(path)


@pytest.mark.usefixtures("narrow")
def test_copies_zip64_offsets(tmp_path):
    """
    An offset that is in ZIP64 already is changed there.
    """
    path = tmp_path / "x.zip"
    path.write_bytes(written(("a", noise(300)), ("b", b"b"), ("c", b"c")))
    output = io.BytesIO()
    with PackedArchive(str(path)) as source:
        writer = ZipWriter(output)
        for name in "cab":
            writer.copy(source[name], source)
        writer.finish()

    archive = NativeArchive.from_bytes(output.getvalue(), Limits())
    assert list("cab") == archive.entries.names
    assert [b"c", noise(300), b"b"] == [
        archive.read(k, 1000) for k in range(3)
    ]
    archive.close()


def test_a_copy_may_come_to_need_zip64(tmp_path, monkeypatch):
    """
    Offsets grow when what is before grows, whatever extra field is there.
    """
    path = odd().write(tmp_path / "x.zip")
    monkeypatch.setattr(zipformat, "MOST_32", 4000)

    output = io.BytesIO()
    with PackedArchive(str(path)) as source:
        writer = ZipWriter(output)
        for member in source:
            writer.copy(member, source)
        writer.finish()

    archive = NativeArchive.from_bytes(output.getvalue(), Limits())
    expected = [m.data for m in odd().members]
    assert expected == [archive.read(k, 9000) for k in range(len(expected))]
    archive.close()


@pytest.mark.parametrize("size", [2, 4])
def test_refuses_content_of_another_size(size):
    """
    Somebody writes to the file while it is packed.
    """
    writer = ZipWriter(Nowhere())

    with pytest.raises(SourceError) as failure:
        writer.add("a", [b"a", b"bc"], size=size, mode=FILE, dos_time=EPOCH)

    assert ["CHANGED"] == [p.code for p in failure.value.problems]


def test_nowhere_tells_how_long_it_would_be():
    """
    A dry run has the figures of the run.
    """
    lengths = []
    for output in (io.BytesIO(), Nowhere()):
        writer = ZipWriter(output)
        data = half_noise(99_999)
        writer.add("a", [data], size=99_999, mode=FILE, dos_time=EPOCH)
        lengths.append(writer.finish())

    assert lengths[0] == lengths[1]
