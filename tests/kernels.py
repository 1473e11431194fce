"""The decoder of the core behind a small class, and ways to feed it."""

from __future__ import annotations

import random
from collections.abc import Iterable
from itertools import cycle
from typing import NamedTuple

from unwheel._native import ffi, lib

# inflate.h: UW_INFLATE_KEEP_MAX, UW_INFLATE_FRESH_MIN, UW_INFLATE_SLACK
KEEP_MAX = 512
FRESH_MIN = 4096
SLACK = 1024
FRESH = 65536

SPAN = lib.UW_INFLATE_SPAN
DONE = lib.UW_INFLATE_DONE
NEED = lib.UW_INFLATE_NEED
ERROR = lib.UW_INFLATE_ERROR


def cpu_variants() -> list[int]:
    """The decoder's variants that this CPU can run, as bits; 0 the first."""
    bmi2 = lib.uw_cpu_detect() & lib.UW_CPU_BMI2
    shadow = lib.uw_cpu_detect() & (lib.UW_CPU_BMI2 | lib.UW_CPU_SHA)
    return sorted({0, bmi2, shadow})


def hashes_meanwhile(cpu: int) -> bool:
    """Whether the variant *cpu* has SHA-256 in its shadow."""
    both = lib.UW_CPU_BMI2 | lib.UW_CPU_SHA
    return bool(cpu & both == both)


class Shadow:
    """
    A message that is hashed while a decoder runs, so much at a time.

    Both ways a run can end come up: the message does, the stream does.
    """

    BLOCKS = ffi.from_buffer(random.Random(0).randbytes(64 * 200))
    COUNTS = (200, 1, 3, 50)

    def __init__(self) -> None:
        """Begin the message, and what it is compared with."""
        self._sha = ffi.new("struct uw_sha256 *")
        self._expected = ffi.new("struct uw_sha256 *")
        self._counts = cycle(self.COUNTS)
        for sha in (self._sha, self._expected):
            lib.uw_sha256_init(sha, 0)
        self.done = 0

    def begin(self, handle: ffi.CData) -> None:
        """Hand the decoder something to hash."""
        self._count = next(self._counts)
        blocks = ffi.cast("const uint8_t *", self.BLOCKS)
        lib.uw_inflater_hash(handle, self._sha.state, blocks, self._count)

    def end(self, handle: ffi.CData) -> None:
        """See that what it says it has hashed is hashed."""
        done = self._count - lib.uw_inflater_unhashed(handle)
        blocks = ffi.cast("const uint8_t *", self.BLOCKS)
        lib.uw_sha256_update(self._expected, blocks, 64 * done)
        assert list(self._expected.state) == list(self._sha.state)
        self.done += done


class Inflater:
    """A decoder with two windows of its own."""

    def __init__(self, *, cpu: int = 0, fresh: int = FRESH) -> None:
        """
        Begin a stream.

        Raises:
            MemoryError: If there is no memory for a window of *fresh* bytes,
                or it is too small.
        """
        handle = lib.uw_inflater_new(cpu, fresh)
        if handle == ffi.NULL:
            raise MemoryError
        self._handle = ffi.gc(handle, lib.uw_inflater_free)
        self._consumed = ffi.new("size_t *")
        self._span = ffi.new("const uint8_t **")
        self._span_len = ffi.new("size_t *")
        self._reason = ffi.new("int *")
        self.shadow = Shadow() if hashes_meanwhile(cpu) else None

    def reset(self) -> None:
        """Begin another stream."""
        lib.uw_inflater_reset(self._handle)

    def move(self) -> None:
        """Go on in the other window."""
        lib.uw_inflater_move(self._handle)

    def view(self) -> memoryview:
        """The last span where it lies, in the window."""
        return memoryview(ffi.buffer(self._span[0], self._span_len[0]))

    def run(self, data: bytes | memoryview) -> tuple[int, int, bytes, int]:
        """Decode; gives result, bytes consumed, the span, and the reason."""
        if self.shadow:
            self.shadow.begin(self._handle)
        result = lib.uw_inflater_run(
            self._handle,
            ffi.from_buffer(data),
            len(data),
            self._consumed,
            self._span,
            self._span_len,
            self._reason,
        )
        if self.shadow:
            self.shadow.end(self._handle)
        span = ffi.unpack(
            ffi.cast("const char *", self._span[0]), self._span_len[0]
        )
        return result, self._consumed[0], span, self._reason[0]


class Outcome(NamedTuple):
    """What became of a stream."""

    result: int
    plain: bytes
    unused: bytes
    reason: int


def feed(
    inflater: Inflater, pieces: Iterable[bytes], *, move: bool = False
) -> Outcome:
    """
    Decode a stream from its start in *pieces*, as the engine would.

    What the decoder leaves is given again, before the next piece.  With
    *move*, it changes its window after each span.
    """
    inflater.reset()
    plain = []
    rest = b""
    result, reason = NEED, 0
    for piece in pieces:
        rest += piece
        while True:
            result, consumed, span, reason = inflater.run(rest)
            rest = rest[consumed:]
            plain.append(span)
            if move:
                inflater.move()
            if result != SPAN:
                break
        if result == NEED:
            assert len(rest) <= KEEP_MAX
    return Outcome(result, b"".join(plain), rest, reason)
