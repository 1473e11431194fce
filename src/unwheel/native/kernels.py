"""
The core's kernels one by one, for tests and benchmarks.
"""

from __future__ import annotations

from ..errors import CorruptMemberError, Problem
from .core import CPU, REASONS, ffi, lib

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from typing import Any


def crc32(data: bytes, value: int = 0, *, cpu: int = CPU) -> int:
    """CRC-32 of *data* (APPNOTE 4.4.7), continuing from *value*."""
    return int(lib.uw_crc32(cpu, value, ffi.from_buffer(data), len(data)))


def sha256_pair(a: bytes, b: bytes, *, cpu: int = CPU) -> tuple[bytes, bytes]:
    """SHA-256 of two messages at once (FIPS 180-4)."""
    states = ffi.new("struct uw_sha256[2]")
    digests = ffi.new("uint8_t[2][32]")
    for state in (states, states + 1):
        lib.uw_sha256_init(state, cpu)
    lib.uw_sha256_update_pair(
        *(states, ffi.from_buffer(a), len(a)),
        *(states + 1, ffi.from_buffer(b), len(b)),
    )
    lib.uw_sha256_final_pair(states, digests[0], states + 1, digests[1])
    return bytes(ffi.buffer(digests[0])), bytes(ffi.buffer(digests[1]))


class Inflater:
    """
    The streaming DEFLATE decoder (RFC 1951) on its own.

    Args:
        fresh: Bytes of output per span.
        cpu: Which of this CPU's features it may use.
    """

    SPAN = int(lib.UW_INFLATE_SPAN)
    DONE = int(lib.UW_INFLATE_DONE)
    NEED = int(lib.UW_INFLATE_NEED)
    ERROR = int(lib.UW_INFLATE_ERROR)

    def __init__(self, *, fresh: int = 1 << 17, cpu: int = CPU) -> None:
        handle = lib.uw_inflater_new(cpu, fresh)
        if not handle:
            raise MemoryError("out of memory")
        self._handle = ffi.gc(handle, lib.uw_inflater_free)
        self._consumed = ffi.new("size_t *")
        self._length = ffi.new("size_t *")
        self._span = ffi.new("uint8_t const **")
        self._reason = ffi.new("int *")

    def reset(self) -> None:
        """Start over, with a new stream."""
        lib.uw_inflater_reset(self._handle)

    def _run(self, data: Any, length: int) -> int:
        return int(
            lib.uw_inflater_run(
                self._handle,
                data,
                length,
                self._consumed,
                self._span,
                self._length,
                self._reason,
            )
        )

    def run(self, data: bytes) -> tuple[int, int, bytes, str]:
        """
        Decode from *data*: the result, bytes consumed, the span, the reason.

        What was not consumed has to be given again, followed by more.
        """
        result = self._run(ffi.from_buffer(data), len(data))
        span = (
            bytes(ffi.buffer(self._span[0], self._length[0]))
            if self._length[0]
            else b""
        )
        return result, self._consumed[0], span, REASONS[self._reason[0]]

    def inflate(self, data: bytes) -> int:
        """
        The inflated size of *data*, one whole stream; the bytes are dropped.

        Raises:
            CorruptMemberError: If it is not one whole DEFLATE stream.
        """
        self.reset()
        pointer = ffi.from_buffer("uint8_t[]", data)
        at = size = 0
        result = self.SPAN
        while result == self.SPAN:
            result = self._run(pointer + at, len(data) - at)
            at += self._consumed[0]
            size += self._length[0]
        if result != self.DONE or at != len(data):
            raise CorruptMemberError(
                [Problem(REASONS[self._reason[0]], "not a DEFLATE stream")]
            )
        return size
