"""
Write the seeds of the fuzzers: python tests/fuzz/seeds.py DIRECTORY

One directory per harness, as tests/fuzz/run expects.  A seed is what a
mutation starts from, so each shows one feature, as small as it can be.
"""

from __future__ import annotations

import random
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(1, str(Path(__file__).resolve().parent.parent))

from builder import (
    DEFLATED,
    STORED,
    ArchiveBuilder,
    WheelBuilder,
    digest_of,
)

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
INPUT_LEN = 128 << 10  # see member.h
CHOICES = (bytes(8), b"\x01" * 8, bytes(range(8)))  # see fuzz_inflate.c
TOPS = (
    "demo-1.0.dist-info/WHEEL",
    "demo-1.0.dist-info/METADATA",
    "demo-1.0.data/scripts/x",
    "demo-1.0.data/purelib/y",
)


def main() -> int:
    """Write every seed into a file of its own."""
    room = Path(sys.argv[1])
    for harness, seeds in (
        ("fuzz_inflate", streams()),
        ("fuzz_archive", archives()),
        ("fuzz_forward", (*archives(), *long_ones())),
        ("fuzz_verify", (*archives(), *batches(), *long_ones())),
        ("fuzz_wheel", recipes()),
        ("fuzz_record", records()),
        ("fuzz_metadata", texts()),
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


def batches() -> Iterator[bytes]:
    """Members that are split, that repeat each other, or seem to."""
    new = ArchiveBuilder
    big = (TEXT * 500)[: 600 << 10]
    yield new().file("big", big).file("d/small", TEXT).build()
    yield new().file("big", bytes(600 << 10)).file("a", FAR).build()
    for method in (STORED, DEFLATED):
        twice = new().file("a", TEXT, method=method)
        yield twice.file("d/b", TEXT, method=method).file("c", NOISE).build()
    yield new().file("a", big).file("b", big).file("c", big[1:]).build()
    lies = {"crc32": zlib.crc32(TEXT)}
    forged = new().file("a", TEXT, method=STORED)
    forged.file("b", TEXT[::-1], method=STORED, local=lies, central=lies)
    yield forged.build()
    many = new()
    for number in range(20):
        many.file(f"d{number % 3}/{number}", TEXT[: 63 * number])
    yield many.build()


def long_ones() -> Iterator[bytes]:
    """Longer than what is read at once; something lies across its end."""
    for method in (STORED, DEFLATED):
        for size in (INPUT_LEN - 40, INPUT_LEN - 5, INPUT_LEN + 2000):
            noise = random.Random(size).randbytes(size)
            builder = ArchiveBuilder().file("n", noise, method=method, level=1)
            builder.file("a", TEXT, descriptor="signed").file("b", TEXT)
            yield builder.build()


def recipes() -> Iterator[bytes]:
    """Decisions of fuzz_wheel.py: none, and rows of each of some bytes."""
    yield b""
    for byte in (0, 1, 7, 15, 31, 255):
        yield bytes([byte]) * 40
    for length in (20, 60, 200):
        yield NOISE[:length]


def records() -> Iterator[bytes]:
    """Rows as tools write them, and as csv lets them be written."""
    for algorithm in ("sha256", "sha512", "blake2s", "md5"):
        row = f"demo.py,{digest_of(b'x', algorithm)},1\n"
        yield (row + "demo-1.0.dist-info/RECORD,,\n").encode()
    yield b'"a,b",,5\r\n"say ""x""",,\r\n'
    yield "é,,\nlink,symlink=demo.py,\n".encode()
    yield b"a,,\nb,,\na,,\n"
    yield b"../a,sha256=,0x5\n"


def texts() -> Iterator[bytes]:
    """One or two texts of each kind that fuzz_metadata.py tells apart."""
    wheel = b"Wheel-Version: 1.0\nGenerator: x\nTag: py3-none-any\n"
    core = b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n\nbody"
    kinds: tuple[tuple[bytes, ...], ...] = (
        (wheel, b"A: b\r\n c\r\nAuthor-email: x <x@y>\r\n\r\n", core),
        (wheel + b"\0demo-1.0-py3-none-any.whl\0" + core,),
        (b"pkg/l,pkg/a\nm,pkg/l\n", b'pkg/b,"x,y"\r\n'),
        (b"pkg/l,a,0\nm,pkg,1\n",),
        (
            b"demo-1.0-py3-none-any.whl",
            b"a_b-1!2.0+x-1a-cp311.cp312-abi3-win32.whlx",
            b"cpython-3.11-manylinux_2_17_x86_64.pybi",
        ),
        (b"pkg/a\0pkg/B\0d/\0", "é\0e\u0301\0con.x\0a:b".encode()),
        (b"\0".join(name.encode() for name in TOPS),),
    )
    for number, seeds in enumerate(kinds):
        for seed in seeds:
            yield bytes([number]) + seed


if __name__ == "__main__":
    sys.exit(main())
