"""One member on its way through the stages."""

from __future__ import annotations

import array
import threading

import pytest
from builder import STORED, ArchiveBuilder, deflated

from unwheel import _native, native
from unwheel.policy import Limits

ffi, lib = _native.ffi, _native.lib

# DEFLATE that says nothing: stored blocks of no bytes, the last one marked.
NOTHING = b"\0\0\0\xff\xff"
LAST_NOTHING = b"\1\0\0\xff\xff"


def archive_of(builder: ArchiveBuilder) -> native.NativeArchive:
    return native.NativeArchive.from_bytes(builder.build(), Limits())


def read_on(archive: native.NativeArchive, times: int) -> list[bytes | str]:
    """What each of so many reads of the first member gives: bytes, or why."""
    reader = ffi.new("struct uw_reader **")
    error = ffi.new("struct uw_error *")
    buffer = ffi.new("uint8_t[]", 1 << 17)
    got = ffi.new("size_t *")
    assert lib.UW_OK == lib.uw_reader_open(
        archive._handle, 0, native.CPU, reader, error
    )
    said: list[bytes | str] = []
    for _ in range(times):
        if lib.uw_reader_read(reader[0], buffer, len(buffer), got, error):
            said.append(native.REASONS[error.reason])
        else:
            said.append(bytes(ffi.buffer(buffer, got[0])))
    lib.uw_reader_close(reader[0])
    return said


@pytest.mark.parametrize(
    ("reason", "wrong"),
    [
        ("SIZE", {"central": {"size": 2}, "local": {"size": 2}}),
        ("CRC32", {"central": {"crc32": 1}, "local": {"crc32": 1}}),
        ("DEFLATE_EXCESS", {"packed": deflated(b"data") + b"\0"}),
        ("DEFLATE_TRUNCATED", {"packed": deflated(b"data")[:-1]}),
        ("DEFLATE_BLOCK_TYPE", {"packed": NOTHING + b"\7"}),
    ],
)
def test_a_reader_that_has_failed_fails_for_ever(reason, wrong):
    """
    A caller that goes on after an error gets no byte that was not checked.
    """
    archive = archive_of(ArchiveBuilder().file("x", b"data", **wrong))

    assert [reason] * 3 == read_on(archive, 3)


@pytest.mark.parametrize("method", [STORED, 8])
def test_a_reader_at_the_end_stays_there(method):
    """
    Reading on gives nothing, and no error.
    """
    archive = archive_of(ArchiveBuilder().file("x", b"data", method=method))

    assert [b"data", b"", b""] == read_on(archive, 3)


def test_reads_past_blocks_without_content():
    """
    An empty span in the middle is not taken for the end.
    """
    packed = NOTHING * 60_000 + deflated(b"data")
    archive = archive_of(ArchiveBuilder().file("x", b"data", packed=packed))

    assert [b"data", b""] == read_on(archive, 2)


def test_a_member_without_content_can_be_cancelled():
    """
    Megabytes of blocks that give no byte do not keep a thread.
    """
    packed = NOTHING * (8 << 20) + LAST_NOTHING
    archive = archive_of(ArchiveBuilder().file("x", packed=packed))
    entries = array.array("I", [0]).tobytes()
    batch = native.Batch(archive, None, entries, bytes(1), bytes(32))
    crew = native.Crew()
    thread = threading.Thread(target=crew.work)
    thread.start()

    batch.give_to(crew)
    batch.wait(5)
    batch.cancel()
    while not batch.wait(1000):
        pass
    crew.dismiss()
    thread.join()

    assert [native.CANCELLED] == native.statuses(batch.results())
