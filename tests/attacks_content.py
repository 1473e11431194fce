"""
Attacks by content, and by its size.
"""

from __future__ import annotations

import functools
import zlib

from attack import (
    DEFAULT,
    INFO,
    MIB,
    Attack,
    Build,
    packed,
)
from builder import (
    WheelBuilder,
    deflated,
    digest_of,
)
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
}
