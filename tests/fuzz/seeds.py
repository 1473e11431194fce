"""
Write the seeds of the fuzzers: python tests/fuzz/seeds.py DIRECTORY

One directory per harness, as tests/fuzz/run expects.  A seed is what a
mutation starts from, so each shows one feature, as small as it can be.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(1, str(Path(__file__).resolve().parent.parent))

from builder import STORED, ArchiveBuilder, WheelBuilder

TEXT = b"The quick brown fox jumps over the lazy dog. " * 40
NOISE = bytes((i * i * 31 + i // 7) & 0xFF for i in range(3000))
FAR = NOISE + bytes(30000) + NOISE
STRATEGIES = (
    zlib.Z_DEFAULT_STRATEGY,
    zlib.Z_FILTERED,
    zlib.Z_HUFFMAN_ONLY,
    zlib.Z_RLE,
    zlib.Z_FIXED,
)
CHOICES = (bytes(8), b"\x01" * 8, bytes(range(8)))  # see fuzz_inflate.c


def main() -> int:
    """Write every seed into a file of its own."""
    room = Path(sys.argv[1])
    for harness, seeds in (
        ("fuzz_inflate", streams()),
        ("fuzz_archive", archives()),
    ):
        directory = room / harness
        directory.mkdir(parents=True)
        for number, seed in enumerate(seeds):
            (directory / f"{number:03}").write_bytes(seed)
    return 0


def streams() -> Iterator[bytes]:
    """Every kind of block, alone and mixed, behind the choices of splits."""
    for choices in CHOICES:
        for plain in (b"", b"a", bytes(5000), TEXT, NOISE, FAR):
            for level in (0, 1, 6, 9):
                yield choices + _packed(plain, level)
            for strategy in STRATEGIES:
                yield choices + _packed(plain, 6, strategy)
        yield choices + _flushed()


def _packed(
    plain: bytes, level: int, strategy: int = zlib.Z_DEFAULT_STRATEGY
) -> bytes:
    packer = zlib.compressobj(level, zlib.DEFLATED, -15, 9, strategy)
    return packer.compress(plain) + packer.flush()


def _flushed() -> bytes:
    """Empty stored blocks between the others, as a flush leaves them."""
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    pieces = [
        packer.compress(plain) + packer.flush(how)
        for plain in (TEXT, NOISE, b"x")
        for how in (zlib.Z_SYNC_FLUSH, zlib.Z_FULL_FLUSH)
    ]
    return b"".join((*pieces, packer.flush()))


def archives() -> Iterator[bytes]:
    """Every structure of a ZIP file, honest: mutations do the lying."""
    new = ArchiveBuilder
    yield new().build()
    yield new().comment(b"hello").build()
    yield new().file("a", b"").build()
    yield new().file("a", TEXT).directory("d/").file("d/b", NOISE).build()
    yield new().file("a", TEXT, method=STORED).build()
    yield new().link("l", "a").file("a", b"x", mode=0o755).build()
    yield new().file("a", TEXT, zip64=True).zip64().build()
    yield new().file("a", TEXT, zip64="central").zip64(all_ones=False).build()
    yield new().file("é", TEXT, extra=[(0x5455, b"\3" + bytes(8))]).build()
    for descriptor in ("signed", "unsigned"):
        for wide in (False, True):
            builder = new().file("a", TEXT, zip64=wide, descriptor=descriptor)
            yield builder.file("b", b"y").build()
    yield new().file("a", b"1").file("b", b"2").directory_order(1, 0).build()
    yield WheelBuilder("demo", "1.0").file("demo.py", TEXT).build()


if __name__ == "__main__":
    sys.exit(main())
