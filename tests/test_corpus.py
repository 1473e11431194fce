"""
The inputs that the fuzzers have found worth keeping, each through its road.

tests/fuzz/corpus is small: few inputs reach all the code that many do.  What
the harnesses in C ask of theirs is asked again, through Python.
"""

from __future__ import annotations

import importlib
import sys
import zlib
from pathlib import Path

import pytest

from unwheel import (
    CorruptMemberError,
    Entry,
    Limits,
    Policy,
    UnwheelError,
    native,
    verify,
)

FUZZ = Path(__file__).resolve().parent / "fuzz"
CHOICES = 8  # bytes before a stream, see fuzz_inflate.c
MOST = 1 << 20


def corpus(*harnesses: str) -> list[Path]:
    """What is kept for these *harnesses*; never nothing."""
    found: list[Path] = []
    for harness in harnesses:
        files = sorted((FUZZ / "corpus" / harness).iterdir())
        assert files, harness
        found += files
    return found


def plain_of(stream: bytes) -> tuple[bytes, int] | None:
    """What zlib makes of a raw *stream*, and its length; None if it cannot."""
    unpacker = zlib.decompressobj(-15)
    try:
        plain = unpacker.decompress(stream, MOST)
    except zlib.error:
        return None
    if not unpacker.eof:
        return None
    return plain, len(stream) - len(unpacker.unused_data)


@pytest.mark.parametrize("step", [1, 1 << 20], ids=["bytes", "whole"])
def test_streams_are_decoded_as_zlib_decodes_them(step):
    """
    Each stream is taken or refused as zlib does, whole and byte by byte.
    """
    for path in corpus("fuzz_inflate"):
        stream = path.read_bytes()[CHOICES:]
        inflater = native.Inflater(fresh=4096)
        plain, at, end = bytearray(), 0, 0
        result = inflater.NEED
        while result in (inflater.NEED, inflater.SPAN) and len(plain) < MOST:
            if result == inflater.NEED:
                if end == len(stream):
                    break
                end = min(end + step, len(stream))
            result, consumed, span, _ = inflater.run(stream[at:end])
            plain += span
            at += consumed

        done = result == inflater.DONE
        assert plain_of(stream) == ((plain, at) if done else None), path


def truth_of(data: bytes, entry: Entry) -> bytes | None:
    """The content of *entry*, None if it is not what the entry says."""
    packed = data[entry.offset : entry.offset + entry.packed_size]
    found = plain_of(packed) if entry.method else (packed, len(packed))
    if found is None:
        return None
    said = (entry.packed_size, entry.size, entry.crc32)
    plain, consumed = found
    return plain if said == (consumed, len(plain), zlib.crc32(plain)) else None


def content_of(archive: native.NativeArchive, index: int) -> bytes | None:
    """The content of a member, None if it is corrupt."""
    try:
        return archive.read(index, MOST)
    except CorruptMemberError:
        return None


def test_members_are_read_as_zlib_reads_them():
    """
    A member of an archive that is opened is what zlib finds, or corrupt.
    """
    sound = corrupt = 0
    for path in corpus("fuzz_archive", "fuzz_verify"):
        data = path.read_bytes()
        try:
            archive = native.NativeArchive.from_bytes(data, Limits(), "any")
        except UnwheelError:
            continue
        for index, entry in enumerate(archive.entries):
            if entry.size <= MOST:
                expected = truth_of(data, entry)
                assert expected == content_of(archive, index), path
                sound += expected is not None
                corrupt += expected is None

    assert sound > 0
    assert corrupt > 0


def test_members_are_read_from_the_front_as_zlib_reads_them():
    """
    What comes out of a walk is what zlib finds there.
    """
    seen = 0
    for path in corpus("fuzz_archive", "fuzz_forward"):
        data = path.read_bytes()
        try:
            walk = native.walk(str(path), Limits(), descriptors="any")
        except UnwheelError:
            continue
        for entry in walk.entries:
            end = entry.data_offset + entry.packed_size
            packed = data[entry.data_offset : end]
            found = plain_of(packed) if entry.method else (packed, len(packed))
            assert found is not None, path
            said = (entry.packed_size, entry.size, entry.crc32)
            plain, consumed = found
            assert (consumed, len(plain), zlib.crc32(plain)) == said, path
            seen += 1

    assert seen > 0


def test_archives_are_refused_as_wheels(tmp_path):
    """
    None of them has the metadata of a wheel, and each is told why.
    """
    wheel = tmp_path / "demo-1.0-py3-none-any.whl"
    policy = Policy(record="off", descriptors="any")
    for path in corpus("fuzz_archive"):
        wheel.write_bytes(path.read_bytes())

        with pytest.raises(UnwheelError) as caught:
            verify(wheel, policy=policy)

        assert caught.value.problems, path


@pytest.mark.parametrize(
    "harness",
    [
        "fuzz_record",
        "fuzz_metadata",
        pytest.param("fuzz_wheel", marks=pytest.mark.tools),
    ],
)
def test_what_python_judges_is_judged_the_same(harness, monkeypatch):
    """
    The harnesses in Python find nothing in what they have kept.
    """
    monkeypatch.setattr(sys, "path", [*sys.path, str(FUZZ)])
    check = importlib.import_module(harness).check

    for path in corpus(harness):
        check(path.read_bytes())
