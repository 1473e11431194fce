"""
The mechanisms behind published advisories, each an attack of that name.

Some are shown by others too; here is one for each, so that none gets lost.
"""

from __future__ import annotations

import io
import struct
import tarfile
import zlib

from attack import EVIL, FIRST, INFO, OUTSIDE, PORTABLE, SHA, Attack
from builder import STORED, ArchiveBuilder, WheelBuilder
from places import PLATFORM_TAG

from unwheel import (
    ArchiveError,
    CorruptMemberError,
    InvalidWheelError,
    RecordError,
    UnsafeMemberError,
)

END = b"PK\5\6" + bytes(18)

EVIL_PATH = (
    0x7075,
    struct.pack("<BI", 1, zlib.crc32(b"demo/x")) + b"../unwheel-evil",
)

# Longer than PATH_MAX once sixteen of them are below each other.
_LONG = "d" * 247


def beyond_path_max(builder: WheelBuilder) -> WheelBuilder:
    """
    A way through links that is longer, resolved, than PATH_MAX.

    Python's realpath gave up there, and what follows was not checked.
    """
    here = "demo"
    for letter in "abcdefghijklmnop":
        builder.link(f"{here}/{letter}", _LONG)
        here = f"{here}/{_LONG}"
    builder.file(f"{here}/x", b"x")
    way = "/".join("abcdefghijklmnop")
    return builder.link("demo/l", f"{way}/{'../' * 17}{EVIL}")


def checked_already(builder: WheelBuilder) -> WheelBuilder:
    """A directory that is made and used, then a link in its place."""
    return (
        builder.directory("demo/pkg/")
        .file("demo/pkg/first", b"1")
        .link("demo/pkg", OUTSIDE)
        .file("demo/pkg/second", b"2")
    )


def also_a_tar(builder: WheelBuilder) -> WheelBuilder:
    """A tar archive, which pip looked for first."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        tar.addfile(tarfile.TarInfo(f"{EVIL}.py"))
    return builder.put("prefix", out.getvalue())


def two_sizes(builder: WheelBuilder) -> WheelBuilder:
    """To who skips by the local header's size another member follows."""
    hidden = ArchiveBuilder().file(f"demo/{EVIL}", b"x", method=STORED)
    raw = hidden.build()[: hidden.layout.directory_offset]
    return builder.file(
        "demo/x",
        b"x" + raw,
        method=STORED,
        local={"packed_size": 1, "size": 1},
    )


def wraps(builder: WheelBuilder) -> WheelBuilder:
    """Where it begins and how long it is come to a small number."""
    return builder.file(
        "demo/x",
        b"x",
        zip64=True,
        central={"extra": lambda e: e[:-8] + struct.pack("<Q", (1 << 64) - 4)},
    )


ADVISORIES = {
    "zip-slip": Attack(
        lambda b: b.file("../../unwheel-evil.py", b"x"),
        UnsafeMemberError,
        "DOTDOT",
        "../../unwheel-evil.py",
    ),
    "sibling prefix": Attack(
        lambda b: b.file("../tree-unwheel-evil/x.py", b"x"),
        UnsafeMemberError,
        "DOTDOT",
        "../tree-unwheel-evil/x.py",
    ),
    "entry-point names": Attack(
        lambda b: b.info(
            "entry_points.txt",
            "[console_scripts]\n../../unwheel-evil = demo:main\n",
        ),
        InvalidWheelError,
        "ENTRY_POINT_NAME",
        f"{INFO}/entry_points.txt",
    ),
    "ZIP that is also a tar": Attack(
        also_a_tar, ArchiveError, "PREFIX", FIRST
    ),
    "write through a link planted earlier": Attack(
        lambda b: b.link("demo/pkg", OUTSIDE).file("demo/pkg/x.py", b"x"),
        UnsafeMemberError,
        "HAS_CHILDREN",
        "demo/pkg",
        tag=PLATFORM_TAG,
    ),
    # Written to its sanitised name, and the mode set on the raw one.
    "name raw for a later chmod": Attack(
        lambda b: b.file("../unwheel-evil.py", b"#!", mode=0o777),
        UnsafeMemberError,
        "DOTDOT",
        "../unwheel-evil.py",
    ),
    "duplicate local header hidden from the directory": Attack(
        lambda b: b.file(FIRST, b"evil", listed=False),
        ArchiveError,
        "GAP",
        f"{INFO}/METADATA",
    ),
    "comment with a fake end record": Attack(
        lambda b: b.comment(END), ArchiveError, "DIRECTORY_PLACE"
    ),
    "ZIP64 disagreements": Attack(
        lambda b: b.zip64(
            all_ones=False,
            record={"directory_len": lambda length: length + 50},
        ),
        ArchiveError,
        "ZIP64_RECORD",
    ),
    "RECORD rows outside, deleted at uninstall": Attack(
        lambda b: b.more_rows(f"../../unwheel-evil,{SHA},1"),
        RecordError,
        "RECORD_NAME",
        "../../unwheel-evil",
    ),
    "ZIP64 locator's offset ignored": Attack(
        lambda b: b.zip64(locator={"record_offset": lambda at: at - 4}),
        ArchiveError,
        "ZIP64_LOCATOR",
    ),
    "overlapping members": Attack(
        lambda b: b.file(
            "demo/x",
            b"x",
            written=False,
            central={"header_offset": 0},
        ),
        ArchiveError,
        "OVERLAP",
        "demo/x",
    ),
    "realpath that stops at PATH_MAX": Attack(
        beyond_path_max,
        UnsafeMemberError,
        "BAD_TARGET",
        "demo/l",
        tag=PLATFORM_TAG,
    ),
    "CRC 0 disables the check": Attack(
        lambda b: b.file(
            "demo/x", b"x", local={"crc32": 0}, central={"crc32": 0}
        ),
        CorruptMemberError,
        "CRC32",
        "demo/x",
    ),
    "drive-letter link targets": Attack(
        lambda b: b.link("demo/l", "C:/unwheel-evil"),
        UnsafeMemberError,
        "BAD_TARGET",
        "demo/l",
        tag=PLATFORM_TAG,
    ),
    "backslashes turned into slashes after the check": Attack(
        lambda b: b.file("demo\\..\\..\\unwheel-evil.py", b"x"),
        UnsafeMemberError,
        "BACKSLASH",
        "demo\\..\\..\\unwheel-evil.py",
    ),
    "NTFS stream names": Attack(
        lambda b: b.file("demo/__init__.py::$DATA", b"x"),
        UnsafeMemberError,
        "COLON",
        "demo/__init__.py::$DATA",
        policy=PORTABLE,
    ),
    "Unicode-normalisation collisions": Attack(
        lambda b: b.file("demo/\u00e9", b"1").file("demo/e\u0301", b"2"),
        UnsafeMemberError,
        "NFC_CLASH",
        "demo/e\u0301",
        policy=PORTABLE,
    ),
    "a directory entry that chmods through a link": Attack(
        lambda b: b.link("demo/l", OUTSIDE).directory("demo/l/", mode=0o777),
        UnsafeMemberError,
        "HAS_CHILDREN",
        "demo/l",
        tag=PLATFORM_TAG,
    ),
    "two size fields, skipping by the wrong one": Attack(
        two_sizes, ArchiveError, "LOCAL_SIZES", "demo/x"
    ),
    "prefix cache of what was checked": Attack(
        checked_already,
        UnsafeMemberError,
        "HAS_CHILDREN",
        "demo/pkg",
        tag=PLATFORM_TAG,
    ),
    "offset and size that wrap": Attack(
        wraps, ArchiveError, "LOCAL_TRUNCATED", "demo/x"
    ),
    # What uv's streaming reader once took for the file RECORD.
    "a NUL behind a name that counts": Attack(
        lambda b: b.file(f"{INFO}/RECORD\0.txt", b"x"),
        UnsafeMemberError,
        "NAME_NUL",
        f"{INFO}/RECORD",
    ),
    "a Unicode path in place of the name": Attack(
        lambda b: b.file("demo/x", b"x", extra=[EVIL_PATH]),
        ArchiveError,
        "UNICODE_PATH",
        "demo/x",
    ),
    "an encrypted member that is skipped": Attack(
        lambda b: b.file("demo/x", b"x", local={"flags": 1}),
        ArchiveError,
        "LOCAL_FLAGS",
        "demo/x",
    ),
}
