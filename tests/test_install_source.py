"""A wheel as `installer` sees it: rows, streams, what they refuse."""

from __future__ import annotations

import gc
import hashlib
import io
import zipfile

import pytest
from builder import STORED, WheelBuilder
from installer.sources import WheelFile
from places import PLATFORM_TAG, Place, demo, half_noise, open_handles

from unwheel import (
    CorruptMemberError,
    DestinationError,
    InvalidWheelError,
    MismatchError,
    Policy,
    UnwheelError,
)
from unwheel.install import ValidationError, WheelSource

BIG = half_noise(700_000)


def rich() -> WheelBuilder:
    """One with everything that a row can be about."""
    return (
        demo()
        .directory("demo/empty/")
        .file("demo/big.bin", BIG)
        .file("demo/stored.bin", BIG, method=STORED)
        .file("demo/nothing.txt", b"")
        .file('demo/a, "b".txt', b"quoted\n")
        .file("demo-1.0.data/scripts/run", b"#!python\nprint()\n", mode=0o755)
    )


def link_wheel() -> WheelBuilder:
    """A file, a link to it, and a link to its folder."""
    return (
        demo(PLATFORM_TAG)
        .file("demo/libx.so.1", b"library\n", mode=0o755)
        .link("demo/libx.so", "libx.so.1")
        .link("again", "demo")
    )


def contents(source):
    """Row, content and flag of all that a source gives."""
    return [
        (row, stream.read(), executable)
        for row, stream, executable in source.get_contents()
    ]


def stream_of(source, name):
    """The stream of the member *name*."""
    streams = {row[0]: stream for row, stream, _ in source.get_contents()}
    return streams[name]


# ------------------------------------------------------------------- the facts


def test_is_what_installers_own_source_is(place: Place):
    """
    Rows, bytes, modes, names: a foreign destination sees no difference.
    """
    wheel = place.put(rich())

    with WheelFile.open(wheel) as theirs, WheelSource.open(wheel) as ours:
        expected = {row[0]: (row, *rest) for row, *rest in contents(theirs)}
        actual = {row[0]: (row, *rest) for row, *rest in contents(ours)}
        facts = [
            (
                source.distribution,
                source.version,
                source.dist_info_dir,
                source.data_dir,
                sorted(source.dist_info_filenames),
                source.read_dist_info("WHEEL"),
            )
            for source in (theirs, ours)
        ]

    assert expected == actual
    assert facts[0] == facts[1]


def test_gives_every_algorithm_as_recorded(place: Place):
    """
    The row of a file with a SHA-512 digest says so.
    """
    builder = demo().file("demo/x.txt", b"x\n")
    digest = hashlib.sha512(b"x\n").digest()
    builder.row("demo/x.txt", digest=f"sha512={_text(digest)}")
    wheel = place.put(builder)

    with WheelFile.open(wheel) as theirs, WheelSource.open(wheel) as ours:
        assert sorted(contents(theirs)) == sorted(contents(ours))


def _text(digest: bytes) -> str:
    from base64 import urlsafe_b64encode

    return urlsafe_b64encode(digest).decode().rstrip("=")


def test_can_be_asked_for_its_contents_again(place: Place):
    """
    As `installer` demands of every source.
    """
    with WheelSource.open(place.put(rich())) as source:
        assert contents(source) == contents(source)


def test_has_no_record_where_the_policy_reads_none(place: Place):
    """
    Then rows are empty, and still every file is given.
    """
    with WheelSource.open(
        place.put(demo()), policy=Policy(record="off")
    ) as source:
        rows = [row for row, _, _ in source.get_contents()]

    assert {("", "")} == {row[1:] for row in rows}
    assert ("demo/tool.sh", "", "") in rows


def test_refuses_before_anything_is_given(place: Place):
    """
    A member that leads out, though nobody has asked for it yet.
    """
    wheel = place.put(demo().file("../evil.py", b""))
    before = open_handles()

    with pytest.raises(UnwheelError) as caught:
        WheelSource.open(wheel)

    assert str(wheel) == caught.value.wheel
    assert before == open_handles()


def test_refuses_a_pybi(place: Place):
    """
    It is a Python, and nothing that goes into one.
    """
    wheel = place.put(demo())
    pybi = wheel.rename(wheel.with_name("cpython_unofficial-3.11-any.pybi"))

    with pytest.raises(InvalidWheelError):
        WheelSource.open(pybi)


def test_asking_for_what_is_not_there_is_a_key_error(place: Place):
    """
    As of installer's own source.
    """
    with (
        WheelSource.open(place.put(demo())) as source,
        pytest.raises(KeyError),
    ):
        source.read_dist_info("entry_points.txt")


def test_metadata_that_is_no_text_is_refused(place: Place):
    """
    Not with a UnicodeDecodeError, which is a ValueError of nobody's.
    """
    wheel = place.put(demo().info("extra.txt", b"\xff\xfe"))

    with (
        WheelSource.open(wheel) as source,
        pytest.raises(InvalidWheelError) as caught,
    ):
        source.read_dist_info("extra.txt")

    assert "NOT_UTF8" == caught.value.problems[0].code


# ------------------------------------------------------------------- reading


@pytest.mark.parametrize("name", ["demo/big.bin", "demo/stored.bin"])
@pytest.mark.parametrize("size", [1, 7, 1 << 12, 131_071, 131_072, 200_000])
def test_reads_in_any_pieces(place: Place, name: str, size: int):
    """
    Smaller and larger than ours, and with a rest in the end.
    """
    start = max(len(BIG) - 1000 * size, 0)

    with WheelSource.open(place.put(rich())) as source:
        stream = stream_of(source, name)
        stream.seek(start)
        pieces = list(iter(lambda: stream.read(size), b""))

    assert {size} >= {len(piece) for piece in pieces[:-1]}
    assert BIG[start:] == b"".join(pieces)


def test_is_a_file_to_everybody(place: Place):
    """
    Lines, iteration, text, `readinto`, `read1`: what files have.
    """
    text = "".join(f"line {k}\n" for k in range(40_000)) + "no end"
    wheel = place.put(demo().file("demo/t.txt", text.encode()))
    other = io.BytesIO(text.encode())

    with WheelSource.open(wheel) as source:
        stream = stream_of(source, "demo/t.txt")
        assert stream.readable()
        assert stream.seekable()
        assert not stream.writable()
        for method, *arguments in [
            ("readline",),
            ("readline", 3),
            ("readline", 0),
            ("read", 0),
            ("read", 5),
            ("tell",),
            ("readlines", 100),
            ("seek", -9, io.SEEK_END),
            ("read",),
            ("read",),
            ("readline",),
            ("seek", 100_000),
            ("read", 10),
            ("seek", 50),
            ("readline",),
            ("seek", 5, io.SEEK_CUR),
            ("read", None),
            ("seek", 10_000_000),
            ("read", 4),
            ("seek", 0),
            ("read",),
        ]:
            expected = getattr(other, method)(*arguments)
            assert expected == getattr(stream, method)(*arguments), method
        stream.seek(0)
        assert text.splitlines(True)[1] == list(io.TextIOWrapper(stream))[1]


def test_read1_and_readinto_give_what_is_at_hand(place: Place):
    """
    Never more than was asked for, and nothing at the end.
    """
    with WheelSource.open(place.put(rich())) as source:
        stream = stream_of(source, "demo/big.bin")
        buffer = bytearray(10)
        count = stream.readinto(buffer)
        rest = stream.read1()
        assert b"" == stream.read1(0)
        assert 10 == count
        assert BIG[: 10 + len(rest)] == bytes(buffer) + rest
        stream.seek(0, io.SEEK_END)
        assert b"" == stream.read1()


@pytest.mark.parametrize("arguments", [(-1,), (0, 9), (-1, io.SEEK_CUR)])
def test_seeks_nowhere_else(place: Place, arguments: tuple[int, ...]):
    """
    A position before the start is refused, as by files.
    """
    with (
        WheelSource.open(place.put(demo())) as source,
        pytest.raises(ValueError),
    ):
        stream_of(source, "demo/tool.sh").seek(*arguments)


def test_opens_nothing_before_it_is_read(place: Place):
    """
    Twelve thousand streams cost no reader, and no handle.
    """
    with WheelSource.open(place.put(rich())) as source:
        before = open_handles()
        streams = [stream for _, stream, _ in source.get_contents()]
        assert before == open_handles()
        assert all(stream.is_untouched for stream in streams)


def test_a_closed_stream_says_so(place: Place):
    """
    Not a crash, and not an empty file.
    """
    with WheelSource.open(place.put(demo())) as source:
        stream = stream_of(source, "demo/tool.sh")
        stream.close()
        stream.close()
        for method in (stream.read, stream.readline, stream.read1):
            with pytest.raises(ValueError, match="closed"):
                method()
        with pytest.raises(ValueError, match="closed"):
            stream.seek(0)


def test_streams_of_a_closed_wheel_say_so(place: Place):
    """
    Half read or not; and so does whatever asks the wheel again.
    """
    source = WheelSource.open(place.put(rich()))
    half = stream_of(source, "demo/big.bin")
    half.read(10)
    fresh = stream_of(source, "demo/tool.sh")
    listing = source.get_contents()
    next(listing)

    source.close()
    source.close()

    for use in (
        half.read,
        fresh.read,
        lambda: next(source.get_contents()),
        lambda: source.read_dist_info("WHEEL"),
        source.validate_record,
    ):
        with pytest.raises(ValueError, match="closed"):
            use()
    _, stream, _ = next(listing)
    with pytest.raises(ValueError, match="closed"):
        stream.read()


def test_a_closed_wheel_is_given_back(place: Place):
    """
    Whatever streams somebody still has.
    """
    before = open_handles()
    source = WheelSource.open(place.put(rich()))
    stream = stream_of(source, "demo/big.bin")
    stream.read(10)

    source.close()
    del stream
    gc.collect()

    assert before == open_handles()


# ------------------------------------------------------------------- verifying


def test_the_last_bytes_come_only_when_all_are_right(place: Place):
    """
    Who reads exactly the size, and never asks for the end, is told too.
    """
    wheel = place.put(
        demo()
        .file("demo/x.bin", BIG)
        .row("demo/x.bin", digest="sha256=" + _text(bytes(32)))
    )

    with WheelSource.open(wheel) as source:
        stream = stream_of(source, "demo/x.bin")
        while len(BIG) - stream.tell() > 1 << 17:
            stream.read(1000)
        left = len(BIG) - stream.tell()
        with pytest.raises(MismatchError) as caught:
            stream.read(left)
        with pytest.raises(MismatchError):  # not to be taken for the end
            stream.read()

    assert str(wheel) == caught.value.wheel
    assert "demo/x.bin" == caught.value.problems[0].member
    assert "SHA256" == caught.value.problems[0].code


def test_a_wrong_crc_is_told(place: Place):
    """
    Also by `readline`, and again after going back.
    """
    wheel = place.put(
        demo().file(
            "demo/x.txt",
            b"one\ntwo\n",
            local={"crc32": 7},
            central={"crc32": 7},
        )
    )

    with WheelSource.open(wheel) as source:
        stream = stream_of(source, "demo/x.txt")
        for _ in range(2):
            with pytest.raises(CorruptMemberError):
                stream.readline()
            stream.seek(0)


def test_other_algorithms_are_verified(place: Place):
    """
    SHA-512, of which the core knows nothing.
    """
    wheel = place.put(
        demo()
        .file("demo/x.txt", b"x\n")
        .row("demo/x.txt", digest="sha512=" + _text(bytes(64)))
    )

    with WheelSource.open(wheel) as source, pytest.raises(MismatchError) as e:
        stream_of(source, "demo/x.txt").read()

    assert "SHA512" == e.value.problems[0].code


def test_who_only_wants_to_be_warned_is_warned(place: Place):
    """
    The content is given, and the wheel remembers.
    """
    wheel = place.put(
        demo()
        .file("demo/x.txt", b"x\n")
        .row("demo/x.txt", digest="sha256=" + _text(bytes(32)))
    )

    with WheelSource.open(wheel, policy=Policy(record="warn")) as source:
        assert b"x\n" == stream_of(source, "demo/x.txt").read()
        assert ["SHA256"] == [p.code for p in source.opened.warnings]


@pytest.mark.parametrize("contents", [True, False])
@pytest.mark.parametrize("record", ["verify", "warn", "names", "off"])
def test_validates_on_request(place: Place, record: str, contents: bool):
    """
    Whatever the policy: who asks has a reason.
    """
    wheel = place.put(
        demo()
        .file("demo/x.txt", b"x\n")
        .row("demo/x.txt", digest="sha256=" + _text(bytes(32)))
    )

    with WheelSource.open(wheel, policy=Policy(record=record)) as source:
        source.validate_record(validate_contents=False)
        if contents:
            with pytest.raises(source.validation_error) as caught:
                source.validate_record()
            assert isinstance(caught.value, ValueError)
            assert "demo/x.txt" in caught.value.issues[0]


def test_validates_names_without_reading(place: Place):
    """
    What RECORD does not list, of a source that was lax so far.
    """
    wheel = place.put(
        demo().file("demo/x.txt", b"x").without_row("demo/x.txt")
    )

    with (
        WheelSource.open(wheel, policy=Policy(record="off")) as source,
        pytest.raises(ValidationError) as caught,
    ):
        source.validate_record(validate_contents=False)

    assert ["NOT_IN_RECORD"] == [p.code for p in caught.value.problems]


# ------------------------------------------------------------------- links


def test_links_are_copies_where_the_policy_says_so(place: Place):
    """
    To a destination that knows no links a stand-in is a file like others.
    """
    wheel = place.put(
        demo(PLATFORM_TAG)
        .file("demo/libx.so.1", b"library\n", mode=0o755)
        .link("demo/libx.so", "libx.so.1")
    )

    with WheelSource.open(wheel, policy=Policy(links="portable")) as source:
        found = {row[0]: (row, *rest) for row, *rest in contents(source)}

    (row, data, executable) = found["demo/libx.so"]
    assert b"library\n" == data
    assert executable
    assert found["demo/libx.so.1"][0][1:] == row[1:]


def test_links_that_nothing_may_stand_in_for_are_refused(place: Place):
    """
    Strictly, a link is a link: its text would be a broken library.
    """
    with WheelSource.open(place.put(link_wheel())) as source:
        for name in ("demo/libx.so", "again"):
            with pytest.raises(DestinationError) as caught:
                stream_of(source, name).read()
            assert "HOST_CANNOT" == caught.value.problems[0].code
            assert name == caught.value.problems[0].member


def test_a_folder_is_no_stream(place: Place):
    """
    Not even where copies may stand in.
    """
    with (
        WheelSource.open(
            place.put(link_wheel()), policy=Policy(links="portable")
        ) as source,
        pytest.raises(DestinationError),
    ):
        stream_of(source, "again").read()


def test_links_are_given_in_their_place(place: Place):
    """
    In the order of the archive, each with the row of its target.
    """
    wheel = place.put(link_wheel())
    with zipfile.ZipFile(wheel) as archive:
        expected = archive.namelist()

    with WheelSource.open(wheel) as source:
        rows = [row for row, _, _ in source.get_contents()]

    assert expected == [row[0] for row in rows]
    assert ("again", "", "") in rows


def test_links_as_text_are_files(place: Place):
    """
    By the policy that pip has.
    """
    wheel = place.put(link_wheel())

    with WheelSource.open(wheel, policy=Policy(links="text")) as source:
        assert b"libx.so.1" == stream_of(source, "demo/libx.so").read()
