"""
Attacks by the container: two readers, two archives.
"""

from __future__ import annotations

import io
import stat
import struct
import tarfile
import zlib

from attack import (
    EVIL,
    FIRST,
    INFO,
    Attack,
    Build,
)
from builder import (
    ALL_32,
    STORED,
    WheelBuilder,
)

from unwheel import (
    ArchiveError,
    UnsafeMemberError,
    UnsupportedError,
)


def a_zip_that_is_a_tar(builder: WheelBuilder) -> WheelBuilder:
    """A tar archive before the first local header."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        tar.addfile(tarfile.TarInfo(f"{EVIL}.py"))
    return builder.put("prefix", out.getvalue())


def offset_of(builder: WheelBuilder, name: str) -> int:
    """Where the local header of a member has come to lie."""
    return next(m.header_offset for m in builder.members if m.path == name)


def archive(code: str, build: Build, member: str | None = None) -> Attack:
    """A container that is malformed."""
    return Attack(build, ArchiveError, code, member)


END = b"PK\5\6" + bytes(18)

STRUCTURE = {
    "ZIP that is also a tar": archive("PREFIX", a_zip_that_is_a_tar, FIRST),
    "self-extractor": archive(
        "PREFIX", lambda b: b.put("prefix", b"#!/bin/sh\n"), FIRST
    ),
    "stub that no offset counts": archive(
        "DIRECTORY_PLACE", lambda b: b.put("stub", b"MZ")
    ),
    "a second archive behind": archive(
        "DIRECTORY_PLACE",
        lambda b: b.put("after_end", WheelBuilder().build()),
    ),
    "bytes behind": archive(
        "TRAILING_DATA", lambda b: b.put("after_end", b"\0")
    ),
    "comment with a fake end record": archive(
        "DIRECTORY_PLACE", lambda b: b.comment(END)
    ),
    "comment with half an end record": archive(
        "COMMENT_BYTES", lambda b: b.comment(END + b"text")
    ),
    "gap between members": archive(
        "GAP", lambda b: b.file("demo/x", b"x", gap=b"hidden"), "demo/x"
    ),
    "member that the directory hides": archive(
        "GAP",
        lambda b: b.file("demo/unwheel-evil", b"x", listed=False),
        f"{INFO}/METADATA",
    ),
    "gap before the directory": archive(
        "GAP", lambda b: b.put("before_directory", b"hidden")
    ),
    "gap behind the directory": archive(
        "DIRECTORY_PLACE", lambda b: b.put("after_directory", b"hidden")
    ),
    "duplicate local header": archive(
        "GAP",
        lambda b: b.file("demo/x", b"evil", listed=False).file(
            "demo/x", b"good"
        ),
        "demo/x",
    ),
    "two entries of one member": archive(
        "OVERLAP",
        lambda b: b.file("demo/a", b"x" * 50).file(
            "demo/b",
            b"x" * 50,
            written=False,
            central={"header_offset": lambda _: offset_of(b, "demo/a")},
        ),
        "demo/b",
    ),
    "offset past the end": archive(
        "DIRECTORY_PLACE",
        lambda b: b.end(directory_offset=lambda offset: offset + 1),
    ),
    "offset and length that wrap": archive(
        "DIRECTORY_PLACE",
        lambda b: b.zip64(
            record={"directory_offset": (1 << 64) - 8, "directory_len": 16}
        ),
    ),
    "header offset that wraps": archive(
        "LOCAL_TRUNCATED",
        lambda b: b.file(
            "demo/x",
            b"x",
            zip64=True,
            central={
                "extra": lambda e: e[:-8] + struct.pack("<Q", (1 << 64) - 4)
            },
        ),
        "demo/x",
    ),
    "more entries than there are": archive(
        "ENTRY_COUNT", lambda b: b.end(count=9, count_here=9)
    ),
    "fewer entries than there are": archive(
        "ENTRY_COUNT", lambda b: b.end(count=2, count_here=2)
    ),
    "counts that disagree": archive("END_COUNTS", lambda b: b.end(count=4)),
    "several disks": Attack(
        lambda b: b.end(disk=1), UnsupportedError, "MULTI_DISK"
    ),
    "ZIP64 locator elsewhere": archive(
        "ZIP64_LOCATOR",
        lambda b: b.zip64(locator={"record_offset": lambda at: at - 4}),
    ),
    "ZIP64 record that disagrees": archive(
        "END_COUNTS",
        lambda b: b.zip64(all_ones=False, record={"count": 99}),
    ),
    "ZIP64 record with more in it": Attack(
        lambda b: b.zip64(record={"extensible": b"hidden"}),
        UnsupportedError,
        "ZIP64_EXTENSIBLE",
    ),
    "all ones without ZIP64": archive(
        "ZIP64_MISSING", lambda b: b.end(directory_offset=ALL_32)
    ),
    "ZIP64 sizes twice": archive(
        "EXTRA_DUPLICATE",
        lambda b: b.file("demo/x", b"x", zip64=True, extra=[(1, bytes(16))]),
        "demo/x",
    ),
    "ZIP64 sizes that nobody asked for": archive(
        "ZIP64_EXTRA",
        lambda b: b.file("demo/x", b"x", extra=[(1, bytes(16))]),
        "demo/x",
    ),
    "extra that runs over": archive(
        "EXTRA_TRUNCATED",
        lambda b: b.file("demo/x", b"x", extra=b"\1\0\xff\xff"),
        "demo/x",
    ),
    "two names": archive(
        "LOCAL_NAME",
        lambda b: b.file("demo/x", b"x", local={"name": b"demo/y"}),
        "demo/x",
    ),
    "another name in an extra": archive(
        "UNICODE_PATH",
        lambda b: b.file(
            "demo/x",
            b"x",
            extra=[
                (
                    0x7075,
                    b"\1"
                    + struct.pack("<I", zlib.crc32(b"demo/x"))
                    + b"../unwheel-evil",
                )
            ],
        ),
        "demo/x",
    ),
    "two CRCs": archive(
        "LOCAL_CRC",
        lambda b: b.file("demo/x", b"x", local={"crc32": 1}),
        "demo/x",
    ),
    "two sizes": archive(
        "LOCAL_SIZES",
        lambda b: b.file("demo/x", b"xx", local={"size": 1}),
        "demo/x",
    ),
    "two packed sizes": archive(
        "LOCAL_SIZES",
        lambda b: b.file("demo/x", b"x", local={"packed_size": 99}),
        "demo/x",
    ),
    "two methods": archive(
        "LOCAL_METHOD",
        lambda b: b.file("demo/x", b"x", local={"method": 0}),
        "demo/x",
    ),
    "two sets of flags": archive(
        "LOCAL_FLAGS",
        lambda b: b.file("demo/x", b"x", local={"flags": 0x800}),
        "demo/x",
    ),
    "descriptor that disagrees": archive(
        "DESCRIPTOR",
        lambda b: b.file(
            "demo/x", b"x", descriptor="signed", described={"size": 9}
        ),
        "demo/x",
    ),
    "descriptor without a signature": archive(
        "DESCRIPTOR_UNSIGNED",
        lambda b: b.file("demo/x", b"x", descriptor="unsigned"),
        "demo/x",
    ),
    "stored, but of two sizes": archive(
        "STORED_SIZE",
        lambda b: b.file(
            "demo/x",
            b"xx",
            method=STORED,
            local={"packed_size": 1},
            central={"packed_size": 1},
        ),
        "demo/x",
    ),
    "comment of an entry": archive(
        "ENTRY_COMMENT",
        lambda b: b.file("demo/x", b"x", central={"comment": b"c"}),
        "demo/x",
    ),
    "directory with data": archive(
        "DIRECTORY_HAS_DATA",
        lambda b: b.file(
            "demo/x/", b"x", method=STORED, kind=stat.S_IFDIR, mode=0o755
        ),
        "demo/x/",
    ),
    "NUL in a name": Attack(
        lambda b: b.file("demo/x\0.py", b"x"),
        UnsafeMemberError,
        "NAME_NUL",
        "demo/x",
    ),
    "no name": Attack(
        lambda b: b.file("", b"x"), UnsafeMemberError, "NAME_EMPTY"
    ),
    "encrypted": Attack(
        lambda b: b.file("demo/x", b"x", flags=1),
        UnsupportedError,
        "ENCRYPTED",
        "demo/x",
    ),
    "strong encryption": Attack(
        lambda b: b.file("demo/x", b"x", flags=0x40),
        UnsupportedError,
        "ENCRYPTED",
        "demo/x",
    ),
    "masked headers": Attack(
        lambda b: b.file("demo/x", b"x", flags=0x2000),
        UnsupportedError,
        "ENCRYPTED",
        "demo/x",
    ),
    "patched data": Attack(
        lambda b: b.file("demo/x", b"x", flags=0x20),
        UnsupportedError,
        "ENTRY_FLAGS",
        "demo/x",
    ),
    "zstd": Attack(
        lambda b: b.file("demo/x", b"x", method=93, packed=b"x"),
        UnsupportedError,
        "METHOD",
        "demo/x",
    ),
    "LZMA": Attack(
        lambda b: b.file("demo/x", b"x", method=14, packed=b"x"),
        UnsupportedError,
        "METHOD",
        "demo/x",
    ),
    "a version that is not yet": Attack(
        lambda b: b.file(
            "demo/x",
            b"x",
            local={"version_needed": 90},
            central={"version_needed": 90},
        ),
        UnsupportedError,
        "VERSION_NEEDED",
        "demo/x",
    ),
}
