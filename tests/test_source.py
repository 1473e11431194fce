"""The source: bytes at an offset, of a file or of memory."""

from __future__ import annotations

import errno
import os

import pytest
from internals import room

DECLARATIONS = """
struct uw_source { intptr_t file; const uint8_t *memory; uint64_t len; };
enum uw_status uw_source_open(struct uw_source *, const char *,
                              struct uw_error *);
void uw_source_memory(struct uw_source *, const uint8_t *, size_t);
void uw_source_close(struct uw_source *);
enum uw_status uw_source_read(const struct uw_source *, uint64_t, uint8_t *,
                              size_t, struct uw_error *);
"""

DATA = bytes(range(256)) * 16


@pytest.fixture
def source():
    """A source that is not open yet, with a place for errors."""
    return Source()


class Source:
    """A source of the core."""

    def __init__(self):
        """Make room for it."""
        self.ffi, self.lib = room(
            DECLARATIONS, "source", "source_posix", "error"
        )
        self.source = self.ffi.new("struct uw_source *")
        self.error = self.ffi.new("struct uw_error *")

    def open(self, path):
        """Open a file; the status."""
        return self.lib.uw_source_open(
            self.source, os.fsencode(path), self.error
        )

    def read(self, offset, size):
        """Bytes, or the failure: reason, errno, offset, found, expected."""
        buffer = self.ffi.new("uint8_t[]", size)
        status = self.lib.uw_source_read(
            self.source, offset, buffer, size, self.error
        )
        if status == self.lib.UW_OK:
            return self.ffi.buffer(buffer)[:]
        assert status == self.error.status == self.lib.UW_ERR_SYSTEM
        error = self.error
        return (
            error.reason,
            error.os_error,
            error.offset,
            error.found,
            error.expected,
        )

    def close(self):
        """Close it."""
        self.lib.uw_source_close(self.source)


def of_file(source, tmp_path):
    """Open DATA as a file."""
    path = tmp_path / "x.whl"
    path.write_bytes(DATA)
    assert source.lib.UW_OK == source.open(path)


def of_memory(source, tmp_path):  # noqa: ARG001
    """Open DATA in memory."""
    source.kept = source.ffi.from_buffer("uint8_t[]", DATA)
    source.lib.uw_source_memory(source.source, source.kept, len(DATA))


@pytest.mark.parametrize("opened", [of_file, of_memory])
def test_reads_exactly_what_was_asked_for(source, tmp_path, opened):
    """
    Any piece, up to the last byte, and never one byte of a longer one.
    """
    opened(source, tmp_path)
    truncated = source.lib.UW_WHY_SOURCE_TRUNCATED
    end = len(DATA)

    assert end == source.source.len
    assert source.read(0, end) == DATA
    assert source.read(300, 7) == DATA[300:307]
    assert source.read(end, 0) == b""
    assert source.read(end - 1, 2) == (truncated, 0, end - 1, 1, 2)
    assert source.read(end + 1, 1) == (truncated, 0, end + 1, 0, 1)
    assert source.read(2**64 - 1, 2) == (truncated, 0, 2**64 - 1, 0, 2)
    source.close()


def test_reads_nothing_of_empty_memory(source):
    """
    No bytes at all are a source like others.
    """
    source.lib.uw_source_memory(source.source, source.ffi.NULL, 0)

    assert b"" == source.read(0, 0)
    assert source.lib.UW_WHY_SOURCE_TRUNCATED == source.read(0, 1)[0]


def test_tells_of_a_file_cut_short_while_open(source, tmp_path):
    """
    An error with numbers; a mapped file would be a SIGBUS.
    """
    of_file(source, tmp_path)
    os.truncate(tmp_path / "x.whl", 100)

    truncated = source.lib.UW_WHY_SOURCE_TRUNCATED
    assert source.read(90, 20) == (truncated, 0, 90, 10, 20)
    assert source.read(90, 10) == DATA[90:100]
    source.close()


def test_refuses_everything_but_a_regular_file(source, tmp_path):
    """
    Nobody waits for the writer of a FIFO, or reads a device for ever.
    """
    os.mkfifo(tmp_path / "fifo")
    before = os.listdir("/dev/fd")

    for path, expected, word in [
        (tmp_path / "fifo", errno.EINVAL, b"a FIFO"),
        ("/dev/zero", errno.EINVAL, b"a device"),
        (tmp_path, errno.EISDIR, b"a directory"),
        (tmp_path / "missing", errno.ENOENT, b"open failed"),
    ]:
        assert source.lib.UW_ERR_SYSTEM == source.open(path)
        assert expected == source.error.os_error
        assert word in source.ffi.string(source.error.message)
        source.close()
    assert before == os.listdir("/dev/fd")


def test_closes_once(source, tmp_path):
    """
    Closing twice does not close what took the number meanwhile.
    """
    of_file(source, tmp_path)
    number = source.source.file
    source.close()
    other = os.open(tmp_path, os.O_RDONLY)
    assert number == other

    source.close()

    os.fstat(other)
    os.close(other)
