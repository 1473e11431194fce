"""
Archives that look odd and are sound: they have to be taken.

As important as the attacks: each is a variation that the standards allow, and
that some reader could stumble over.  `SOUND` has all of them by name.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from builder import STORED, WheelBuilder, digest_of
from places import PLATFORM_TAG, demo, half_noise

from unwheel import Policy

MIB = 1 << 20
INFO = "demo-1.0.dist-info"
FIRST = "demo/__init__.py"

Build = Callable[[WheelBuilder], WheelBuilder]

DEFAULT = Policy()


@dataclass(frozen=True)
class Sound:
    """
    A wheel that is odd, and that has to be taken.

    Attributes:
        build: Puts what is odd into a plain wheel.
        tag: Of the wheel.
        policy: The default, unless only a knob makes it sound.
        warnings: The reason codes that it is told with, in order.
    """

    build: Build
    tag: str = "py3-none-any"
    policy: Policy = DEFAULT
    warnings: tuple[str, ...] = ()

    def wheel(self) -> WheelBuilder:
        """The wheel, to be built or to be added to."""
        return self.build(demo(self.tag))

    def write(self, directory: Path) -> Path:
        """Write the wheel into *directory*, under its name."""
        return self.wheel().write(directory)


def stored_blocks(data: bytes) -> bytes:
    """A DEFLATE stream of stored blocks of one byte, empty ones between."""
    out = b""
    for byte in data:
        out += b"\0\0\0\xff\xff" + b"\0\1\0\xfe\xff" + bytes([byte])
    return out + b"\1\0\0\xff\xff"


ODD = {
    "no members but metadata": Sound(lambda b: b),
    "directory in another order": Sound(
        lambda b: (
            b.file("a", b"a")
            .file("b", b"b")
            .directory_order(3, 1, 0, 2, 6, 5, 4)
        )
    ),
    "ZIP64 record for a small archive": Sound(lambda b: b.zip64()),
    "ZIP64 record that nobody needs": Sound(lambda b: b.zip64(all_ones=False)),
    "ZIP64 sizes for a small member": Sound(
        lambda b: b.file("demo/x", b"x", zip64=True)
    ),
    "ZIP64 sizes in the local header only": Sound(
        lambda b: b.file("demo/x", b"x", zip64="local")
    ),
    "data descriptor": Sound(
        lambda b: b.file("demo/x", b"x" * 500, descriptor="signed")
    ),
    "data descriptor of a big member": Sound(
        lambda b: b.file("demo/x", half_noise(2 * MIB), descriptor="signed")
    ),
    "data descriptor with ZIP64": Sound(
        lambda b: b.file("demo/x", b"x", descriptor="signed", zip64=True)
    ),
    "comment of the archive": Sound(lambda b: b.comment(b"built with love")),
    "times and owners in extra fields": Sound(
        lambda b: b.file(
            "demo/x",
            b"x",
            extra=[
                (0x5455, b"\1\0\0\0\0"),
                (0x7875, b"\1\4\0\0\0\0\4\0\0\0\0"),
            ],
        )
    ),
    "a Unicode path that agrees": Sound(
        lambda b: b.file(
            "demo/x",
            b"x",
            extra=[
                (
                    0x7075,
                    b"\1"
                    + struct.pack("<I", zlib.crc32(b"demo/x"))
                    + b"demo/x",
                )
            ],
        )
    ),
    "host MS-DOS": Sound(
        lambda b: b.file("demo/x", b"x", host=0, external_attr=0)
    ),
    "host MS-DOS with Unix's mode": Sound(
        lambda b: b.file("demo/x", b"x", host=0, external_attr=0o100644 << 16)
    ),
    "directory of MS-DOS": Sound(
        lambda b: b.directory("demo/d/", host=0, external_attr=0x10)
    ),
    "mode without a type": Sound(lambda b: b.file("demo/x", b"x", kind=0)),
    "no mode at all": Sound(lambda b: b.file("demo/x", b"x", external_attr=0)),
    "directory without a mode": Sound(
        lambda b: b.directory("demo/d/", external_attr=0)
    ),
    "flag of UTF-8 on an ASCII name": Sound(
        lambda b: b.file("demo/x", b"x", flags=0x800)
    ),
    "flags of the level": Sound(lambda b: b.file("demo/x", b"x", flags=6)),
    "name beyond the BMP": Sound(lambda b: b.file("demo/\U0001f40d.py", b"x")),
    "name with spaces and commas": Sound(
        lambda b: b.file("demo/a, b.py", b"x")
    ),
    "name with quotes": Sound(lambda b: b.file("demo/'q'.py", b"x")),
    "dots in names": Sound(lambda b: b.file("demo/..a/b..c/...d.py", b"x")),
    "hidden names": Sound(lambda b: b.file(".hidden/.x", b"x")),
    "names that almost are ours": Sound(
        lambda b: b.file("demo/.unwheel-0123456789abcdef", b"x").file(
            ".unwheel", b"x"
        )
    ),
    "a deep name": Sound(lambda b: b.file("d/" * 127 + "x", b"x")),
    "a long component": Sound(lambda b: b.file("demo/" + "x" * 255, b"x")),
    "empty, deflated": Sound(lambda b: b.file("demo/x", b"")),
    "empty, stored": Sound(lambda b: b.file("demo/x", b"", method=STORED)),
    "empty, in a stored block": Sound(
        lambda b: b.file("demo/x", b"", packed=b"\1\0\0\xff\xff")
    ),
    "stored blocks": Sound(
        lambda b: b.file("demo/x", b"hello", packed=stored_blocks(b"hello"))
    ),
    "a ratio of a thousand": Sound(
        lambda b: b.file("demo/x", bytes(8 * MIB), level=9)
    ),
    "the oldest time": Sound(
        lambda b: b.file("demo/x", b"x", dos_date=0, dos_time=0)
    ),
    "a time that is none": Sound(
        lambda b: b.file("demo/x", b"x", dos_date=0xFFFF, dos_time=0xFFFF)
    ),
    "CRLF in RECORD": Sound(
        lambda b: b.record(
            "".join(
                f"{name},{digest_of(data)},{len(data)}\r\n"
                for name, data in (
                    (FIRST, b"answer = 42\n"),
                    ("demo/tool.sh", b"#!/bin/sh\n"),
                    (f"{INFO}/METADATA", b._metadata()),
                    (f"{INFO}/WHEEL", b._wheel()),
                )
            )
            + f"{INFO}/RECORD,,\r\n"
        )
    ),
    "no sizes in RECORD": Sound(lambda b: b.row(FIRST, size="")),
    "a signature": Sound(
        lambda b: b.info("RECORD.jws", b"{}").without_row(f"{INFO}/RECORD.jws")
    ),
    "all kinds of data": Sound(
        lambda b: (
            b.file("demo-1.0.data/scripts/tool", b"#!python\n", mode=0o755)
            .file("demo-1.0.data/data/share/x", b"x")
            .file("demo-1.0.data/headers/x.h", b"x")
            .file("demo-1.0.data/purelib/x.py", b"x")
            .file("demo-1.0.data/platlib/x.so", b"x")
        )
    ),
}


def warned(code: str, *names: str) -> Sound:
    """Names that real wheels have, and that not every system can hold."""

    def build(builder: WheelBuilder) -> WheelBuilder:
        for name in names:
            builder.file(name, name.encode())
        return builder

    return Sound(build, warnings=(code,))


# Taken where they can be held, and told.
UNPORTABLE = {
    "stream": warned("COLON", "demo/a.py:stream"),
    "reserved": warned("RESERVED_CHARACTER", "demo/a?.py"),
    "trailing dot": warned("TRAILING_DOT_OR_SPACE", "demo/a."),
    "trailing space": warned("TRAILING_DOT_OR_SPACE", "demo /a.py"),
    "device": warned("DEVICE_NAME", "demo/aux.py"),
    "device without extension": warned("DEVICE_NAME", "demo/NUL"),
    "superscript device": warned("DEVICE_NAME", "demo/COM\u00b9.txt"),
    "case": warned("CASE_CLASH", "demo/A.py", "demo/a.py"),
    "case of a directory": warned("CASE_CLASH", "demo/A/x", "demo/a/y"),
    "sharp s": warned("CASE_CLASH", "demo/stra\u00dfe", "demo/STRASSE"),
    "composed": warned("NFC_CLASH", "demo/\u00e9", "demo/e\u0301"),
}


def chain(length: int) -> Build:
    """A chain of so many links to a file."""

    def build(builder: WheelBuilder) -> WheelBuilder:
        builder.link("demo/l0", "__init__.py")
        for k in range(1, length):
            builder.link(f"demo/l{k}", f"l{k - 1}")
        return builder

    return build


LINKS = {
    "the longest chain": Sound(chain(16), tag=PLATFORM_TAG),
}


def _all(**groups: Mapping[str, Sound]) -> dict[str, Sound]:
    """The groups as one, each name after that of its group."""
    return {
        f"{group}: {name}": sound
        for group, sounds in groups.items()
        for name, sound in sounds.items()
    }


SOUND = _all(odd=ODD, unportable=UNPORTABLE, links=LINKS)
