"""The hashes of the core, called one by one, and messages to feed them."""

from __future__ import annotations

import ctypes
import mmap
import random
import sys
import zlib
from itertools import combinations
from pathlib import Path

import pytest

from unwheel._native import ffi, lib

CSRC = Path(__file__).resolve().parent.parent / "csrc"

Bytes = bytes | bytearray | memoryview

without_mprotect = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows has no mprotect()"
)


def subsets(*bits: int) -> list[int]:
    """Every choice among those of *bits* that this CPU has, 0 the first."""
    usable = [bit for bit in bits if bit & lib.uw_cpu_detect()]
    return [
        sum(choice)
        for count in range(len(usable) + 1)
        for choice in combinations(usable, count)
    ]


def crc32(cpu: int, *pieces: Bytes) -> int:
    """The CRC-32 of *pieces*, one call each, with the variant for *cpu*."""
    crc = 0
    for piece in pieces:
        crc = lib.uw_crc32(cpu, crc, ffi.from_buffer(piece), len(piece))
    return crc


def sha256(cpu: int, *pieces: Bytes) -> str:
    """The SHA-256 of *pieces* in hex, one update each, likewise."""
    sha = ffi.new("struct uw_sha256 *")
    digest = ffi.new("uint8_t[32]")
    lib.uw_sha256_init(sha, cpu)
    for piece in pieces:
        lib.uw_sha256_update(sha, ffi.from_buffer(piece), len(piece))
    lib.uw_sha256_final(sha, digest)
    return bytes(digest).hex()


def message(size: int, seed: int = 0) -> bytes:
    """*size* bytes without a pattern, the same ones each time."""
    return random.Random(seed).randbytes(size)


def aligned(data: bytes, offset: int) -> memoryview:
    """A copy of *data* that begins *offset* bytes after a 64-byte boundary."""
    room = bytearray(len(data) + 64 + offset)
    address = int(ffi.cast("uintptr_t", ffi.from_buffer(room)))
    start = -address % 64 + offset
    room[start : start + len(data)] = data
    return memoryview(room)[start : start + len(data)]


class Fence:
    """A page between two that may not be read: to do so kills the process."""

    def __init__(self) -> None:
        self._pages = mmap.mmap(-1, 3 * mmap.PAGESIZE)
        first = int(ffi.cast("uintptr_t", ffi.from_buffer(self._pages)))
        mprotect = ctypes.CDLL(None, use_errno=True).mprotect
        for address in (first, first + 2 * mmap.PAGESIZE):
            if mprotect(ctypes.c_void_p(address), mmap.PAGESIZE, 0) != 0:
                raise OSError(ctypes.get_errno(), "mprotect")

    def at_start(self, data: bytes) -> memoryview:
        """A copy of *data* with the first fence right before it."""
        return self._copy(data, mmap.PAGESIZE)

    def at_end(self, data: bytes) -> memoryview:
        """A copy of *data* with the second fence right after it."""
        return self._copy(data, 2 * mmap.PAGESIZE - len(data))

    def _copy(self, data: bytes, start: int) -> memoryview:
        self._pages[start : start + len(data)] = data
        return memoryview(self._pages)[start : start + len(data)]


def with_crc(data: bytes, crc: int) -> bytes:
    """
    *data* and four bytes more, such that its CRC-32 is *crc*.

    CRC-32 is linear: what each bit of the four does to it is found by trying,
    and then it is a system of 32 equations.
    """
    start = zlib.crc32(data)
    base = zlib.crc32(bytes(4), start)
    pivots: dict[int, tuple[int, int]] = {}
    wanted = (crc ^ base, 0)
    for bit in range(32):
        four = 1 << bit
        effect = zlib.crc32(four.to_bytes(4, "little"), start) ^ base
        effect, four = _reduced((effect, four), pivots)
        pivots[effect.bit_length()] = (effect, four)
    _, solution = _reduced(wanted, pivots)
    return data + solution.to_bytes(4, "little")


def _reduced(
    row: tuple[int, int], pivots: dict[int, tuple[int, int]]
) -> tuple[int, int]:
    effect, four = row
    while effect and effect.bit_length() in pivots:
        pivot = pivots[effect.bit_length()]
        effect, four = effect ^ pivot[0], four ^ pivot[1]
    return effect, four
