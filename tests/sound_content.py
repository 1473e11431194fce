"""
Odd and sound: everything that RFC 1951 allows in a stream, and sizes.
"""

from __future__ import annotations

import functools
import io
import zipfile
import zlib
from itertools import product

from attack import INFO, MIB
from attacks_content import bomb
from builder import DEFLATED, STORED, WheelBuilder
from deflate_streams import TRUE_STREAMS
from places import PLATFORM_TAG, demo, half_noise, noise
from sound_case import Sound, member

from unwheel import Limits, Policy

TEXT = b"".join(b"%d bottles of beer on the wall, " % k for k in range(200))


def stored_blocks(data: bytes) -> bytes:
    """A DEFLATE stream of stored blocks of one byte, empty ones between."""
    out = b""
    for byte in data:
        out += b"\0\0\0\xff\xff" + b"\0\1\0\xfe\xff" + bytes([byte])
    return out + b"\1\0\0\xff\xff"


STREAMS = {
    **{
        name: member(plain, packed=stream.build())
        for name, (stream, plain) in TRUE_STREAMS.items()
    },
    "stored blocks of one byte": member(
        b"hello", packed=stored_blocks(b"hello")
    ),
    "empty, deflated": member(b""),
    "empty, stored": member(b"", method=STORED),
    "empty, in a stored block": member(b"", packed=b"\1\0\0\xff\xff"),
    "bits of all ones after the end": member(b"", packed=b"\3\xfc"),
    "larger than what it packs": member(noise(1000), level=9),
}


@functools.cache
def flushed(how: int, step: int) -> bytes:
    """The text, with a flush after each *step* bytes."""
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    out = b""
    for at in range(0, len(TEXT), step):
        out += packer.compress(TEXT[at : at + step]) + packer.flush(how)
    return out + packer.flush()


def packed(level: int, strategy: int, bits: int, memory: int) -> bytes:
    """The text as zlib packs it."""
    packer = zlib.compressobj(level, zlib.DEFLATED, -bits, memory, strategy)
    return packer.compress(TEXT) + packer.flush()


STRATEGIES = {
    "filtered": zlib.Z_FILTERED,
    "Huffman codes alone": zlib.Z_HUFFMAN_ONLY,
    "runs alone": zlib.Z_RLE,
    "fixed codes": zlib.Z_FIXED,
}
FLUSHES = {
    "blocks": 5,  # zlib.Z_BLOCK
    "partial": zlib.Z_PARTIAL_FLUSH,
    "sync": zlib.Z_SYNC_FLUSH,
    "full": zlib.Z_FULL_FLUSH,
}

DEFLATERS = {
    **{
        f"zlib's level {level}": member(TEXT, packed=packed(level, 0, 15, 8))
        for level in range(10)
    },
    **{
        f"zlib's {name}": member(TEXT, packed=packed(6, strategy, 15, 8))
        for name, strategy in STRATEGIES.items()
    },
    **{
        f"a window of {1 << bits} bytes": member(
            TEXT, packed=packed(9, 0, bits, 9)
        )
        for bits in (9, 10, 12, 14)
    },
    "hardly any memory": member(TEXT, packed=packed(9, 0, 9, 1)),
    **{
        f"{name} flushed after {step}": member(TEXT, packed=flushed(how, step))
        for (name, how), step in product(FLUSHES.items(), (1, 100, 3000))
    },
}

FILLED = b"Name: demo\nVersion: 1.0\n\n" + b"text\n" * 999


def plain_sizes() -> dict[str, int]:
    """The sizes of the files of a plain wheel."""
    with zipfile.ZipFile(io.BytesIO(demo().build())) as archive:
        return {info.filename: info.file_size for info in archive.infolist()}


def forty(builder: WheelBuilder) -> WheelBuilder:
    """A directory of forty entries more."""
    for k in range(40):
        builder.file(f"demo/{k}", b"x")
    return builder


def length_of_forty() -> int:
    """The length of that directory."""
    builder = forty(demo())
    builder.build()
    return builder.layout.directory_len


METHODS = {"stored": STORED, "deflated": DEFLATED}

SIZES = {
    **{
        f"{size} bytes, {name}": member(half_noise(size), method=method)
        for size, (name, method) in product(
            (1, 4095, 4096, 4097, 32768, 65535, 65536, 65537),
            METHODS.items(),
        )
    },
    "a ratio of a thousand": Sound(bomb("demo/x", 8 * MIB)),
    "a ratio that is too high, below its floor": Sound(
        lambda b: b.file("demo/x", b"x" * 5000),
        policy=Policy(limits=Limits(ratio=1, ratio_floor=8000)),
    ),
    "the largest that is allowed": Sound(
        lambda b: b.file("demo/x", noise(5000)),
        policy=Policy(limits=Limits(member_size=5000)),
    ),
    "all together as much as is allowed": Sound(
        lambda b: b,
        policy=Policy(limits=Limits(total_size=sum(plain_sizes().values()))),
    ),
    "as many entries as are allowed": Sound(
        lambda b: b, policy=Policy(limits=Limits(entries=5))
    ),
    "a directory as large as is allowed": Sound(
        forty, policy=Policy(limits=Limits(directory_size=length_of_forty()))
    ),
    "RECORD as large as is allowed": Sound(
        lambda b: b,
        policy=Policy(
            limits=Limits(record_size=plain_sizes()[f"{INFO}/RECORD"])
        ),
    ),
    "METADATA as large as is allowed": Sound(
        lambda b: b.info("METADATA", FILLED),
        policy=Policy(limits=Limits(metadata_size=len(FILLED))),
    ),
    "as many links as are allowed": Sound(
        lambda b: b.link("demo/a", "tool.sh").link("demo/b", "tool.sh"),
        tag=PLATFORM_TAG,
        policy=Policy(limits=Limits(links=2)),
    ),
}
