"""The builder tells the truth unless told otherwise: others read it alike."""

from __future__ import annotations

import io
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from builder import ArchiveBuilder, WheelBuilder, digest_of

CONTENT = {
    "stored.txt": b"as it is",
    "pkg/deflated.txt": b"again and " * 100,
    "pkg/h\u00e9.txt": b"",
    "wide.bin": bytes(range(256)),
    "described.txt": b"sizes follow",
}


def honest() -> ArchiveBuilder:
    """An archive that uses all that the builder can do without a lie."""
    return (
        ArchiveBuilder()
        .file("stored.txt", CONTENT["stored.txt"], method=0)
        .directory("pkg/")
        .file("pkg/deflated.txt", CONTENT["pkg/deflated.txt"])
        .file("pkg/h\u00e9.txt", extra=[(0x5455, b"\1\0\0\0\0")])
        .file("wide.bin", CONTENT["wide.bin"], zip64=True)
        .file("described.txt", CONTENT["described.txt"], descriptor="signed")
        .zip64()
        .comment(b"an honest archive")
    )


def test_zipfile_reads_an_honest_archive():
    """
    Python's zipfile finds every member, with its content.
    """
    archive = zipfile.ZipFile(io.BytesIO(honest().build()))

    assert archive.testzip() is None
    assert CONTENT == {
        info.filename: archive.read(info)
        for info in archive.infolist()
        if not info.is_dir()
    }


@pytest.mark.parametrize(
    "command",
    [["unzip", "-tq"], ["bsdtar", "-tf"]],
    ids=["unzip", "bsdtar"],
)
def test_other_tools_read_an_honest_archive(
    command: list[str], tmp_path: Path
):
    """
    Info-ZIP and libarchive have nothing to say against it.
    """
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    path = honest().write(tmp_path / "honest.zip")

    done = subprocess.run(
        [*command, str(path)], capture_output=True, check=False
    )

    assert (0, b"") == (done.returncode, done.stderr)


def test_a_lie_changes_its_field_only():
    """
    A lie is one field; the rest of the archive stays byte for byte.
    """
    truth = ArchiveBuilder().file("a", b"hello").build()

    lie = (
        ArchiveBuilder().file("a", b"hello", local={"crc32": 0x12345678})
    ).build()

    assert truth[:14] + b"\x78\x56\x34\x12" + truth[18:] == lie


def test_a_lie_can_follow_from_the_truth():
    """
    A function is called with what would have been written.
    """
    builder = ArchiveBuilder().file("a", b"hello", method=0)
    builder.file("b", central={"header_offset": lambda offset: offset - 1})

    end = zipfile.ZipFile(io.BytesIO(builder.build())).getinfo("b")

    assert builder.members[1].header_offset - 1 == end.header_offset


def test_a_field_that_is_not_there_cannot_lie():
    """
    A misspelt lie fails, or a test would show nothing.
    """
    builder = ArchiveBuilder().file("a", local={"crc": 1})

    with pytest.raises(AssertionError, match="crc"):
        builder.build()


def test_a_wheel_has_a_true_record(tmp_path: Path):
    """
    RECORD has the digest and size of each file, and none of itself.
    """
    wheel = WheelBuilder("demo", "1.0").file("demo.py", b"x = 1\n")

    path = wheel.write(tmp_path)

    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        record = archive.read("demo-1.0.dist-info/RECORD").decode()
        rows = [row.split(",") for row in record.splitlines()]
        expected = [
            [name, digest_of(archive.read(name)), str(len(archive.read(name)))]
            for name in names[:-1]
        ]
    assert "demo-1.0-py3-none-any.whl" == path.name
    assert [
        "demo.py",
        "demo-1.0.dist-info/METADATA",
        "demo-1.0.dist-info/WHEEL",
        "demo-1.0.dist-info/RECORD",
    ] == names
    assert [*expected, ["demo-1.0.dist-info/RECORD", "", ""]] == rows


def test_record_lies_when_told():
    """
    Rows can be wrong, missing, or too many, and nothing else changes.
    """
    wheel = (
        WheelBuilder("demo", "1.0", algorithm="sha512")
        .file("a.py", b"a")
        .file("b.py", b"b")
        .file("c.py", b"c")
        .row("a.py", digest="sha256=AAAA")
        .row("b.py", size=7)
        .without_row("c.py", "demo-1.0.dist-info/WHEEL")
        .without("METADATA")
        .more_rows("../d.py,,")
    )

    archive = zipfile.ZipFile(io.BytesIO(wheel.build()))

    assert [
        "a.py,sha256=AAAA,1",
        f"b.py,{digest_of(b'b', 'sha512')},7",
        "demo-1.0.dist-info/RECORD,,",
        "../d.py,,",
    ] == archive.read("demo-1.0.dist-info/RECORD").decode().splitlines()


def test_building_twice_gives_the_same():
    """
    Building adds nothing to the builder.
    """
    wheel = WheelBuilder(tag="cp311.cp312-abi3-linux_x86_64").file("a.py")

    assert wheel.build() == wheel.build()
