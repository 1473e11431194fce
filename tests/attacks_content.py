"""
Attacks by content, and by its size.
"""

from __future__ import annotations

import functools
import gzip
import struct
import zlib

from attack import (
    DEFAULT,
    INFO,
    MIB,
    WHEEL2,
    Attack,
    Build,
    of_version_2,
    packed,
)
from builder import STORED, WheelBuilder, deflated, digest_of
from deflate_bits import Stream
from deflate_streams import FALSE_STREAMS
from places import PLATFORM_TAG, half_noise

from unwheel import (
    CorruptMemberError,
    LimitError,
    Limits,
    Policy,
)


def corrupt(code: str, build: Build) -> Attack:
    """A member whose content is not what the archive says."""
    return Attack(build, CorruptMemberError, code, "demo/x")


def wrong_crc(value: int) -> Build:
    """Both headers state a CRC that is not that of the content."""
    lie = {"crc32": value}
    return lambda b: b.file("demo/x", b"data", local=lie, central=lie)


def of_size(size: int) -> Build:
    """Both headers state a size that is not that of the content."""
    lie = {"size": size}
    return lambda b: b.file("demo/x", b"x" * 100, local=lie, central=lie).row(
        "demo/x", size=""
    )


GOOD = deflated(b"x" * 100)

CONTENT = {
    "wrong CRC": corrupt("CRC32", wrong_crc(7)),
    "CRC 0 switches nothing off": corrupt("CRC32", wrong_crc(0)),
    "more than was said": corrupt("SIZE", of_size(99)),
    "less than was said": corrupt("SIZE", of_size(101)),
    "something said to be nothing": corrupt("SIZE", of_size(0)),
    "bytes behind the stream": corrupt(
        "DEFLATE_EXCESS", packed(GOOD + b"hidden")
    ),
    "a second stream behind": corrupt("DEFLATE_EXCESS", packed(GOOD + GOOD)),
    "stream cut short": corrupt("DEFLATE_TRUNCATED", packed(GOOD[:-1])),
    "no stream at all": corrupt("DEFLATE_TRUNCATED", packed(b"", b"")),
    "reserved block type": corrupt("DEFLATE_BLOCK_TYPE", packed(b"\7\0\0\0")),
    "stored length": corrupt(
        "DEFLATE_STORED_LENGTH", packed(b"\1\5\0\5\0hello")
    ),
    "distance before the start": corrupt(
        # fixed codes: a match of length 3 at distance 1, first of all
        "DEFLATE_DISTANCE",
        packed(bytes([0b00000011, 0b00000010, 0, 0])),
    ),
    "a stream of zlib": corrupt(
        "DEFLATE_STORED_LENGTH", packed(zlib.compress(b"x" * 100))
    ),
    "a stream of gzip": corrupt(
        "DEFLATE_BLOCK_TYPE", packed(gzip.compress(b"x" * 100, mtime=0))
    ),
    "stored, with another CRC": corrupt(
        "CRC32",
        lambda b: b.file(
            "demo/x",
            b"data",
            method=STORED,
            local={"crc32": 1},
            central={"crc32": 1},
        ),
    ),
    "an empty file with a CRC": corrupt(
        "CRC32",
        lambda b: b.file(
            "demo/x", b"", local={"crc32": 1}, central={"crc32": 1}
        ),
    ),
    "one byte more than was said": corrupt(
        "SIZE", packed(deflated(b"x" * 101))
    ),
    "one byte less than was said": corrupt(
        "SIZE", packed(deflated(b"x" * 99))
    ),
    "no last block": corrupt(
        "DEFLATE_TRUNCATED",
        packed(Stream().fixed(b"x" * 100, final=False).build()),
    ),
    "a last block that never ends": corrupt(
        "DEFLATE_TRUNCATED",
        packed(Stream().fixed(b"x" * 100, end=False).build()),
    ),
    "a stored block cut short": corrupt(
        "DEFLATE_TRUNCATED",
        packed(Stream().stored(b"x" * 100).build()[:-1]),
    ),
    "a header of codes cut short": corrupt(
        "DEFLATE_TRUNCATED",
        packed(Stream().counts(257, 1).build()),
    ),
    "an empty block behind the last": corrupt(
        "DEFLATE_EXCESS", packed(GOOD + b"\3\0")
    ),
    "a zero behind the stream": corrupt(
        "DEFLATE_EXCESS", packed(GOOD + b"\0")
    ),
    "a data descriptor in the data": corrupt(
        "DEFLATE_EXCESS",
        packed(
            GOOD
            + struct.pack(
                "<4sIII",
                b"PK\7\x08",
                zlib.crc32(b"x" * 100),
                len(GOOD),
                100,
            )
        ),
    ),
    # What it says comes to that many bytes, and then ends wrongly.
    "right, and wrong in the end": corrupt(
        "DEFLATE_BLOCK_TYPE",
        packed(
            Stream().fixed(b"x" * 100, final=False).header(3, True).build()
        ),
    ),
    **{
        name: corrupt(f"DEFLATE_{code}", packed(stream.build(), before))
        for name, (stream, code, before) in FALSE_STREAMS.items()
    },
}


# -------------------------------------------------------------------- limits


@functools.cache
def zeros(size: int) -> tuple[int, bytes, str]:
    """So many zeros, made once: their CRC, their stream and their digest."""
    data = bytes(size)
    return zlib.crc32(data), deflated(data, 9), digest_of(data)


def bomb(name: str, size: int) -> Build:
    """So many zeros as a member that is honest about them."""

    def build(builder: WheelBuilder) -> WheelBuilder:
        crc32, stream, digest = zeros(size)
        truth = {"crc32": crc32, "size": size}
        return builder.file(
            name, packed=stream, local=truth, central=truth
        ).row(name, digest, size)

    return build


def many_bombs(builder: WheelBuilder) -> WheelBuilder:
    """Eighty members of a MiB of zeros each."""
    for k in range(80):
        builder = bomb(f"demo/{k}", MIB)(builder)
    return builder


def limit(
    code: str, build: Build, member: str | None, policy: Policy = DEFAULT
) -> Attack:
    """More than is allowed, told by what is stated."""
    return Attack(
        build, LimitError, code, member, tag=PLATFORM_TAG, policy=policy
    )


BOMBS = {
    "all together": limit("TOTAL_RATIO", bomb("demo/x", 65 * MIB), None),
    "one member": limit(
        "MEMBER_RATIO",
        lambda b: b.file(
            "demo/x", b"", local={"size": MIB}, central={"size": MIB}
        ),
        "demo/x",
    ),
    "sizes that overflow": limit(
        "TOTAL_TOO_LARGE",
        lambda b: b.file(
            "demo/x",
            b"x",
            zip64=True,
            local={"extra": lambda e: e[:4] + b"\xff" * 8 + e[12:]},
            central={"extra": lambda e: e[:4] + b"\xff" * 8 + e[12:]},
        ),
        None,
    ),
    "a member over the limit": limit(
        "MEMBER_TOO_LARGE",
        lambda b: b.file("demo/x", bytes(500)),
        "demo/x",
        Policy(limits=Limits(member_size=499)),
    ),
    "entries": limit(
        "TOO_MANY_ENTRIES",
        lambda b: b.file("demo/x"),
        None,
        Policy(limits=Limits(entries=5)),
    ),
    "a long name": limit(
        "COMPONENT_TOO_LONG",
        lambda b: b.file("d/" * 60 + "x" * 250),
        "d/" * 60 + "x" * 250,
        Policy(limits=Limits(component_length=249)),
    ),
    "a deep name": limit(
        "TOO_DEEP", lambda b: b.file("d/" * 128 + "x"), "d/" * 128 + "x"
    ),
    "a component that no system holds": limit(
        "COMPONENT_TOO_LONG",
        lambda b: b.file("demo/" + "x" * 256),
        "demo/" + "x" * 256,
    ),
    "METADATA": limit(
        "MEMBER_TOO_LARGE",
        lambda b: b.info("METADATA", half_noise(5 * MIB)),
        f"{INFO}/METADATA",
    ),
    "RECORD": limit(
        "MEMBER_TOO_LARGE",
        lambda b: b,
        f"{INFO}/RECORD",
        Policy(limits=Limits(record_size=50)),
    ),
    "a link's target": limit(
        "BAD_TARGET", lambda b: b.link("demo/l", "x" * 5000), "demo/l"
    ),
    "a name that no system holds": limit(
        "NAME_TOO_LONG",
        lambda b: b.file(("d" * 63 + "/") * 63 + "x" * 64),
        ("d" * 63 + "/") * 3 + "d" * 63,  # as much of it as is told
    ),
    "a name of directories alone": limit(
        "TOO_DEEP", lambda b: b.directory("d/" * 129), "d/" * 129
    ),
    "a component of many bytes for a few characters": limit(
        "COMPONENT_TOO_LONG",
        lambda b: b.file("demo/" + "\U0001f40d" * 64),
        "demo/" + "\U0001f40d" * 64,
    ),
    "a member one byte above its ratio": limit(
        "MEMBER_RATIO",
        lambda b: b.file(
            "demo/x",
            b"",
            local={"size": 1032 * 10 + 1},
            central={"size": 1032 * 10 + 1},
        ),
        "demo/x",
    ),
    "many members, each within its ratio": limit(
        "TOTAL_RATIO", many_bombs, None
    ),
    "all together, in bytes": limit(
        "TOTAL_TOO_LARGE",
        lambda b: b.file("demo/x", bytes(500)),
        None,
        Policy(limits=Limits(total_size=499)),
    ),
    "WHEEL": limit(
        "MEMBER_TOO_LARGE",
        lambda b: b.info("WHEEL", b"Wheel-Version: 1.0\n" * 300_000),
        f"{INFO}/WHEEL",
    ),
    "entry points": limit(
        "MEMBER_TOO_LARGE",
        lambda b: b.info("entry_points.txt", b"# many\n" * 700_000),
        f"{INFO}/entry_points.txt",
    ),
    "the directory": limit(
        "DIRECTORY_TOO_LARGE",
        lambda b: b,
        None,
        Policy(limits=Limits(directory_size=99)),
    ),
    "directories that names imply": limit(
        "TOO_MANY_DIRECTORIES",
        lambda b: b.file("d/" * 100 + "x"),
        None,
        Policy(limits=Limits(directory_size=40_000)),
    ),
    "links": limit(
        "TOO_MANY_LINKS",
        lambda b: b.link("demo/a", "tool.sh").link("demo/b", "tool.sh"),
        None,
        Policy(limits=Limits(links=1)),
    ),
    "rows of LINKS": Attack(
        lambda b: of_version_2(b).info("LINKS", "demo/a,demo/tool.sh\n" * 3),
        LimitError,
        "TOO_MANY_LINKS",
        f"{INFO}/LINKS",
        policy=Policy(links=WHEEL2, limits=Limits(links=2)),
    ),
}
