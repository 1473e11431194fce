"""
Attacks by the container: two readers, two archives.
"""

from __future__ import annotations

import io
import stat
import struct
import tarfile
import zlib

from attack import EVIL, FIRST, INFO, Attack, Build
from builder import (
    ALL_32,
    STORED,
    ArchiveBuilder,
    WheelBuilder,
    extra_field,
)

from unwheel import (
    ArchiveError,
    Policy,
    UnsafeMemberError,
    UnsupportedError,
)


def a_zip_that_is_a_tar(builder: WheelBuilder) -> WheelBuilder:
    """A tar archive before the first local header."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        tar.addfile(tarfile.TarInfo(f"{EVIL}.py"))
    return builder.put("prefix", out.getvalue())


def a_zip_whose_start_is_tar(builder: WheelBuilder) -> WheelBuilder:
    """
    The signature of a local header as the name of a member of a tar archive.

    The rest of that member's header is in an extra field, and the other
    members are the data of the ZIP's first one.
    """
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        tar.addfile(tarfile.TarInfo(f"{EVIL}.py"))
    builder.file("demo/x", out.getvalue(), method=STORED)
    first = builder.members.pop()
    builder.members.insert(0, first)
    room = tarfile.BLOCKSIZE - len(first.local_header()) - 4
    first.local_extra = extra_field(0x7A7A, bytes(room))
    block = bytearray(first.local_header())
    block[148:156] = b" " * 8  # counts as that
    block[124:136] = b"0" * 11 + b"\0"
    block[148:156] = b"%06o\0 " % sum(block)
    first.local_extra = extra_field(0x7A7A, bytes(block[-room:]))
    return builder


def offset_of(builder: WheelBuilder, name: str) -> int:
    """Where the local header of a member has come to lie."""
    return next(m.header_offset for m in builder.members if m.path == name)


def archive(code: str, build: Build, member: str | None = None) -> Attack:
    """A container that is malformed."""
    return Attack(build, ArchiveError, code, member)


END = b"PK\5\6" + bytes(18)

# Its CRC-32 is 0x08074b50, the signature of a data descriptor.
SIGNED_CRC = bytes.fromhex("ac0a7ad5")

METHODS = {
    "shrunk": 1,
    "imploded": 6,
    "deflated with 64 KiB": 9,
    "bzip2": 12,
    "zstd of its first number": 20,
    "XZ": 95,
    "PPMd": 98,
    "AES": 99,
}


def in_comments(builder: WheelBuilder) -> WheelBuilder:
    """Each archive is consistent in itself, and the comment of another."""
    second = ArchiveBuilder().file("b", b"b").build()
    third = ArchiveBuilder().file("c", b"c").build()
    second = second[:-2] + struct.pack("<H", len(third)) + third
    return builder.comment(second)


def the_whole_as_directory(builder: WheelBuilder) -> WheelBuilder:
    """The directory begins with the first member."""
    return builder.end(
        directory_offset=0,
        directory_len=lambda _: builder.layout.end_offset,
    )


def an_entry() -> bytes:
    """An entry of the directory, as bytes."""
    other = ArchiveBuilder().file(f"demo/{EVIL}", b"x")
    raw = other.build()
    return raw[other.layout.directory_offset : other.layout.end_offset]


def two_directories(builder: WheelBuilder) -> WheelBuilder:
    """Another directory before the one that the end record means."""
    return builder.put("before_directory", an_entry())


def two_zip64_records(builder: WheelBuilder) -> WheelBuilder:
    """One that the locator means, and one where a search would find it."""
    record = b"PK\6\6" + struct.pack("<QHHIIQQQQ", 44, 45, 45, *[0] * 6)
    return builder.zip64().put("after_record", record)


def unicode_path(of: str, name: str, version: int = 1) -> tuple[int, bytes]:
    """Info-ZIP's Unicode path (APPNOTE 4.6.9): *name*, instead of *of*."""
    check = zlib.crc32(of.encode())
    return 0x7075, struct.pack("<BI", version, check) + name.encode()


def quoted(builder: WheelBuilder) -> WheelBuilder:
    """
    The zip bomb of Fifield: each member's data quotes the header of the next.

    So the data of the last one is that of all.
    """
    inner = ArchiveBuilder().file("demo/b", b"x" * 50, method=STORED)
    raw = inner.build()
    header = raw[: inner.layout.directory_offset]
    builder.file("demo/a", header, method=STORED)
    at = 30 + len("demo/a")
    return builder.file(
        "demo/b",
        b"x" * 50,
        method=STORED,
        written=False,
        central={"header_offset": lambda _: offset_of(builder, "demo/a") + at},
    ).row("demo/b")


def kernel(builder: WheelBuilder) -> WheelBuilder:
    """Ten files that share one local header."""
    builder.file("demo/0", b"x" * 50)
    for k in range(1, 10):
        builder.file(
            f"demo/{k}",
            b"x" * 50,
            written=False,
            central={"header_offset": lambda _: offset_of(builder, "demo/0")},
        )
    return builder


STRUCTURE = {
    "ZIP that is also a tar": archive("PREFIX", a_zip_that_is_a_tar, FIRST),
    "ZIP that begins as a tar": archive("PREFIX", a_zip_whose_start_is_tar),
    "attributes in an extra that libarchive knows": archive(
        "EXTRA_ATTRIBUTES",
        lambda b: b.file(
            "demo/x",
            b"../../unwheel-evil",
            local_extra=[
                (
                    0x6C78,
                    struct.pack("<BHHI", 7, 0x0314, 0, 0o120777 << 16),
                )
            ],
        ),
        "demo/x",
    ),
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
    "a timestamp of nothing at all": archive(
        "EXTRA_TRUNCATED",
        lambda b: b.file("demo/x", b"x", extra=[(0x5455, b"")]),
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
    # ------------------------------------------------------------- the end
    "no end record": archive(
        "NO_END_RECORD", lambda b: b.afterwards(lambda raw: raw[:-22])
    ),
    "end record cut short": archive(
        "END_TRUNCATED", lambda b: b.afterwards(lambda raw: raw[:-1])
    ),
    "comment cut short": archive(
        "END_TRUNCATED",
        lambda b: b.comment(b"hello").afterwards(lambda raw: raw[:-1]),
    ),
    "comment shorter than it says": archive(
        "END_TRUNCATED", lambda b: b.end(comment_len=5, comment=b"text")
    ),
    "comment longer than it says": archive(
        "TRAILING_DATA", lambda b: b.end(comment_len=3, comment=b"text")
    ),
    "zeros behind": archive(
        "TRAILING_DATA", lambda b: b.put("after_end", bytes(4096))
    ),
    "the end record twice": archive(
        "DIRECTORY_PLACE",
        lambda b: b.afterwards(lambda raw: raw + raw[-22:]),
    ),
    "an empty archive behind": archive(
        "DIRECTORY_PLACE", lambda b: b.put("after_end", END)
    ),
    "the whole archive twice": archive(
        "DIRECTORY_PLACE", lambda b: b.afterwards(lambda raw: raw + raw)
    ),
    "an archive in the comment": archive(
        "DIRECTORY_PLACE",
        lambda b: b.comment(ArchiveBuilder().file("x", b"x").build()),
    ),
    "a signature in the comment": archive(
        "COMMENT_BYTES", lambda b: b.comment(b"PK\1\2")
    ),
    "a control character in the comment": archive(
        "COMMENT_BYTES", lambda b: b.comment(b"a\bb")
    ),
    "three archives, each the comment of the one before": archive(
        "DIRECTORY_PLACE", in_comments
    ),
    "counts of this disk": archive(
        "END_COUNTS", lambda b: b.end(count_here=lambda n: n - 1)
    ),
    "one entry less, and its bytes too": archive(
        "DIRECTORY_PLACE",
        lambda b: b.end(
            count=lambda n: n - 1,
            count_here=lambda n: n - 1,
            directory_len=lambda n: n - 64,
        ),
    ),
    "no entries at all": archive(
        "ENTRY_COUNT", lambda b: b.end(count=0, count_here=0)
    ),
    "a directory that claims the members": archive(
        "DIRECTORY_SIGNATURE", the_whole_as_directory
    ),
    "two directories": archive("GAP", two_directories),
    "the directory is not where it ends": archive(
        "DIRECTORY_PLACE",
        lambda b: two_directories(b).end(
            directory_offset=lambda at: at - len(an_entry())
        ),
    ),
    "several disks, says the directory": Attack(
        lambda b: b.end(directory_disk=1), UnsupportedError, "MULTI_DISK"
    ),
    "several disks, says an entry": Attack(
        lambda b: b.file("demo/x", b"x", central={"disk": 1}),
        UnsupportedError,
        "MULTI_DISK",
        "demo/x",
    ),
    "several disks, says the locator": Attack(
        lambda b: b.zip64(locator={"disks": 2}),
        UnsupportedError,
        "MULTI_DISK",
    ),
    "several disks, says the ZIP64 record": Attack(
        lambda b: b.zip64(record={"disk": 1}), UnsupportedError, "MULTI_DISK"
    ),
    "too many entries for anybody": archive(
        "ENTRY_COUNT",
        lambda b: b.zip64(record={"count": 1 << 60, "count_here": 1 << 60}),
    ),
    # --------------------------------------------------------------- ZIP64
    "ZIP64 record of another directory": archive(
        "ZIP64_RECORD",
        lambda b: b.zip64(
            all_ones=False, record={"directory_len": lambda n: n - 50}
        ),
    ),
    "ZIP64 record of other counts": archive(
        "ZIP64_RECORD",
        lambda b: b.zip64(
            all_ones=False,
            record={"count": lambda n: n - 1, "count_here": lambda n: n - 1},
        ),
    ),
    "only the counts refer to ZIP64": archive(
        "ZIP64_RECORD",
        lambda b: b.zip64(
            all_ones=False, record={"directory_offset": lambda at: at + 1}
        ).end(count=0xFFFF, count_here=0xFFFF),
    ),
    "ZIP64 record without a locator": archive(
        "DIRECTORY_PLACE",
        lambda b: b.zip64(all_ones=False, locator={"signature": 0}),
    ),
    "ZIP64 record with another signature": archive(
        "ZIP64_LOCATOR", lambda b: b.zip64(record={"signature": 0x06064B51})
    ),
    "ZIP64 record of another length": Attack(
        lambda b: b.zip64(record={"record_len": 43}),
        UnsupportedError,
        "ZIP64_EXTENSIBLE",
    ),
    "a second ZIP64 record": archive("ZIP64_LOCATOR", two_zip64_records),
    "ZIP64 record of the future": Attack(
        lambda b: b.zip64(record={"version_needed": 64}),
        UnsupportedError,
        "VERSION_NEEDED",
    ),
    "bytes between the ZIP64 record and its locator": archive(
        "ZIP64_LOCATOR", lambda b: b.zip64().put("after_record", b"hidden")
    ),
    "bytes behind the locator": archive(
        "ZIP64_MISSING", lambda b: b.zip64().put("after_locator", b"hidden")
    ),
    "all ones without ZIP64, says an entry": archive(
        "ZIP64_MISSING",
        lambda b: b.file("demo/x", b"x", central={"size": ALL_32}),
        "demo/x",
    ),
    "all ones without ZIP64, says a local header": archive(
        "ZIP64_MISSING",
        lambda b: b.file("demo/x", b"x", local={"packed_size": ALL_32}),
        "demo/x",
    ),
    "ZIP64 field that is too short": archive(
        "ZIP64_EXTRA",
        lambda b: b.file(
            "demo/x",
            b"x",
            zip64="local",
            local={"extra": extra_field(1, bytes(8))},
        ),
        "demo/x",
    ),
    "ZIP64 field that is too long": archive(
        "ZIP64_EXTRA",
        lambda b: b.file(
            "demo/x",
            b"x",
            zip64="local",
            local={"extra": lambda e: extra_field(1, e[4:] + bytes(8))},
        ),
        "demo/x",
    ),
    "ZIP64 field in another order": archive(
        "LOCAL_SIZES",
        lambda b: b.file(
            "demo/x",
            b"xx",
            zip64="local",
            local={"extra": lambda e: e[:4] + e[12:20] + e[4:12]},
        ),
        "demo/x",
    ),
    "ZIP64 field that is empty": archive(
        "ZIP64_EXTRA",
        lambda b: b.file("demo/x", b"x", local_extra=[(1, b"")]),
        "demo/x",
    ),
    "two sizes, one of them in ZIP64": archive(
        "LOCAL_SIZES",
        lambda b: b.file(
            "demo/x",
            b"xx",
            zip64="local",
            local={"extra": lambda e: e[:4] + b"\1" + e[5:]},
        ),
        "demo/x",
    ),
    "two packed sizes, one of them in ZIP64": archive(
        "LOCAL_SIZES",
        lambda b: b.file(
            "demo/x",
            b"x",
            zip64="local",
            local={"extra": lambda e: e[:12] + b"\x63" + e[13:]},
        ),
        "demo/x",
    ),
    "two offsets, one of them in ZIP64": archive(
        "OVERLAP",
        lambda b: b.file(
            "demo/x",
            b"x",
            zip64="central",
            central={"extra": lambda e: e[:20] + bytes(8)},
        ),
        "demo/x",
    ),
    "a size that is right modulo 2^32": archive(
        "LOCAL_SIZES",
        lambda b: b.file(
            "demo/x",
            b"x",
            zip64="central",
            central={"extra": lambda e: e[:8] + b"\1" + e[9:]},
        ),
        "demo/x",
    ),
    # ------------------------------------------------------- the directory
    "directory that ends within an entry": archive(
        "DIRECTORY_TRUNCATED",
        lambda b: b.info("z", b"", central={"name_len": 999}).without(
            "METADATA", "WHEEL", "RECORD"
        ),
    ),
    "directory with something else in it": archive(
        "DIRECTORY_SIGNATURE",
        lambda b: b.file("demo/x", b"x", central={"signature": 0x02014B51}),
    ),
    "a digital signature in the directory": archive(
        "DIRECTORY_EXCESS",
        lambda b: b.put("after_directory", b"PK\5\5\4\0sign").end(
            directory_len=lambda n: n + 10
        ),
    ),
    "bytes after the last entry": archive(
        "DIRECTORY_EXCESS",
        lambda b: b.put("after_directory", b"hidden").end(
            directory_len=lambda n: n + 6
        ),
    ),
    "an archive in the comment of an entry": archive(
        "ENTRY_COMMENT",
        lambda b: b.file(
            "demo/x",
            b"x",
            central={"comment": ArchiveBuilder().file("x", b"x").build()},
        ),
        "demo/x",
    ),
    "an archive in an extra field": archive(
        "EXTRA_TRUNCATED",
        lambda b: b.file(
            "demo/x",
            b"x",
            central_extra=ArchiveBuilder().file("x", b"x").build(),
        ),
        "demo/x",
    ),
    "three bytes of padding in an extra field": archive(
        "EXTRA_TRUNCATED",
        lambda b: b.file("demo/x", b"x", extra=bytes(3)),
        "demo/x",
    ),
    "two timestamps": archive(
        "EXTRA_DUPLICATE",
        lambda b: b.file(
            "demo/x", b"x", extra=[(0x5455, bytes(5)), (0x5455, bytes(5))]
        ),
        "demo/x",
    ),
    # ------------------------------------------------------- local headers
    "no local header where one should be": archive(
        "LOCAL_SIGNATURE",
        lambda b: b.file("demo/x", b"x", local={"signature": 0x04034B51}),
        "demo/x",
    ),
    "local header of the wrong kind": archive(
        "LOCAL_SIGNATURE",
        lambda b: b.file("demo/x", b"x", local={"signature": 0x08074B50}),
        "demo/x",
    ),
    "local header that runs into the directory": archive(
        "LOCAL_TRUNCATED",
        lambda b: b.info("RECORD", b"", local={"extra_len": 0xFFFF}),
        f"{INFO}/RECORD",
    ),
    "an offset of the next header": archive(
        "OVERLAP",
        lambda b: b.file("demo/x", b"x", central={"header_offset": 0}),
        "demo/x",
    ),
    "two names that differ in case": archive(
        "LOCAL_NAME",
        lambda b: b.file("demo/x", b"x", local={"name": b"demo/X"}),
        "demo/x",
    ),
    "two names, one cut short by a NUL": archive(
        "LOCAL_NAME",
        lambda b: b.file("demo/x", b"x", local={"name": b"demo/x\0.txt"}),
        "demo/x",
    ),
    "two names, one that leaves": archive(
        "LOCAL_NAME",
        lambda b: b.file(
            "demo/x", b"x", local={"name": b"../unwheel-evil.py"}
        ),
        "demo/x",
    ),
    "two names, one of a directory": archive(
        "LOCAL_NAME",
        lambda b: b.file("demo/x", b"x", local={"name": b"demo/x/"}),
        "demo/x",
    ),
    "two names in two encodings": archive(
        "LOCAL_NAME",
        lambda b: b.file("demo/\u00e9", b"x", local={"name": b"demo/\x82"}),
        "demo/\u00e9",
    ),
    "two methods, the other way round": archive(
        "LOCAL_METHOD",
        lambda b: b.file("demo/x", b"x", method=STORED, local={"method": 8}),
        "demo/x",
    ),
    "a CRC of 0 in the local header": archive(
        "LOCAL_CRC",
        lambda b: b.file("demo/x", b"x", local={"crc32": 0}),
        "demo/x",
    ),
    "sizes of 0 without a descriptor": archive(
        "LOCAL_SIZES",
        lambda b: b.file("demo/x", b"x", local={"size": 0, "packed_size": 0}),
        "demo/x",
    ),
    "sizes of 0 in the directory": archive(
        "LOCAL_SIZES",
        lambda b: b.file(
            "demo/x", b"x", central={"size": 0, "packed_size": 0}
        ),
        "demo/x",
    ),
    "encrypted, says the local header alone": archive(
        "LOCAL_FLAGS",
        lambda b: b.file("demo/x", b"x", local={"flags": 1}),
        "demo/x",
    ),
    "UTF-8, says the directory alone": archive(
        "LOCAL_FLAGS",
        lambda b: b.file("demo/\u00e9", b"x", local={"flags": 0}),
        "demo/\u00e9",
    ),
    "a descriptor, says the local header alone": archive(
        "LOCAL_FLAGS",
        lambda b: b.file("demo/x", b"x", local={"flags": 8}),
        "demo/x",
    ),
    "a descriptor, says the directory alone": archive(
        "LOCAL_FLAGS",
        lambda b: b.file("demo/x", b"x", central={"flags": 8}),
        "demo/x",
    ),
    # --------------------------------------------------------- Unicode path
    "another name in an extra of the directory alone": archive(
        "UNICODE_PATH",
        lambda b: b.file(
            "demo/x", b"x", central_extra=[unicode_path("demo/x", "demo/y")]
        ),
        "demo/x",
    ),
    "another name in an extra of the local header alone": archive(
        "UNICODE_PATH",
        lambda b: b.file(
            "demo/x", b"x", local_extra=[unicode_path("demo/x", "demo/y")]
        ),
        "demo/x",
    ),
    "two extras with names": archive(
        "EXTRA_DUPLICATE",
        lambda b: b.file(
            "demo/x",
            b"x",
            extra=[
                unicode_path("demo/x", "demo/x"),
                unicode_path("demo/x", "../unwheel-evil"),
            ],
        ),
        "demo/x",
    ),
    "a chain of extras with names": archive(
        "EXTRA_DUPLICATE",
        lambda b: b.file(
            "demo/x",
            b"x",
            extra=[
                unicode_path("demo/x", "demo/y"),
                unicode_path("demo/y", "../unwheel-evil"),
            ],
        ),
        "demo/x",
    ),
    "another name, with the CRC of no name": archive(
        "UNICODE_PATH",
        lambda b: b.file(
            "demo/x", b"x", extra=[unicode_path("other", "demo/y")]
        ),
        "demo/x",
    ),
    "another name, of version 2": archive(
        "UNICODE_PATH",
        lambda b: b.file(
            "demo/x", b"x", extra=[unicode_path("demo/x", "demo/y", 2)]
        ),
        "demo/x",
    ),
    "another name for a name that is flagged UTF-8": archive(
        "UNICODE_PATH",
        lambda b: b.file(
            "demo/x",
            b"x",
            flags=0x800,
            extra=[unicode_path("demo/x", "demo/\u00e9")],
        ),
        "demo/x",
    ),
    "a name in an extra, cut short": archive(
        "UNICODE_PATH",
        lambda b: b.file("demo/x", b"x", extra=[(0x7075, b"\1abc")]),
        "demo/x",
    ),
    # ---------------------------------------------------------- descriptors
    "descriptor with another CRC": archive(
        "DESCRIPTOR",
        lambda b: b.file(
            "demo/x", b"x", descriptor="signed", described={"crc32": 1}
        ),
        "demo/x",
    ),
    "descriptor with a CRC of 0": archive(
        "DESCRIPTOR",
        lambda b: b.file(
            "demo/x", b"x", descriptor="signed", described={"crc32": 0}
        ),
        "demo/x",
    ),
    "descriptor with another packed size": archive(
        "DESCRIPTOR",
        lambda b: b.file(
            "demo/x", b"x", descriptor="signed", described={"packed_size": 9}
        ),
        "demo/x",
    ),
    "descriptor of zeros": archive(
        "DESCRIPTOR",
        lambda b: b.file("demo/x", b"x", descriptor=bytes(16)),
        "demo/x",
    ),
    "descriptor with another signature": archive(
        "DESCRIPTOR",
        lambda b: b.file(
            "demo/x",
            b"x",
            descriptor="signed",
            described={"signature": 0x08074B51},
        ),
        "demo/x",
    ),
    "descriptor of 64 bits without ZIP64": archive(
        "DESCRIPTOR",
        lambda b: b.file("demo/x", b"x", descriptor="signed64"),
        "demo/x",
    ),
    "descriptor of 32 bits with ZIP64": archive(
        "DESCRIPTOR",
        lambda b: b.file("demo/x", b"x", zip64=True, descriptor="signed32"),
        "demo/x",
    ),
    "descriptor with another size in ZIP64": archive(
        "DESCRIPTOR",
        lambda b: b.file(
            "demo/x",
            b"x",
            zip64=True,
            descriptor="signed",
            described={"size": 1 << 32 | 1},
        ),
        "demo/x",
    ),
    "a descriptor that is missing": archive(
        "DESCRIPTOR",
        lambda b: b.file("demo/x", b"x", descriptor=b""),
        "demo/x",
    ),
    "two descriptors": archive(
        "GAP",
        lambda b: b.file("demo/x", b"x", descriptor="signed").file(
            "demo/y", b"y", gap=b"PK\7\x08" + bytes(12)
        ),
        "demo/y",
    ),
    "a CRC that looks like the signature": archive(
        "DESCRIPTOR_UNSIGNED",
        lambda b: b.file(
            "demo/x",
            SIGNED_CRC,
            descriptor="unsigned",
        ),
        "demo/x",
    ),
    "stored, with what looks like its descriptor in it": archive(
        "DESCRIPTOR_STORED",
        lambda b: b.file(
            "demo/x",
            b"PK\7\x08" + bytes(12) + b"hidden",
            method=STORED,
            descriptor="signed",
        ),
        "demo/x",
    ),
    "stored, of a length that only the descriptor says": archive(
        "DESCRIPTOR_STORED",
        lambda b: b.file(
            "demo/x",
            b"x",
            method=STORED,
            descriptor="signed",
            local={"size": 0, "packed_size": 0, "crc32": 0},
        ),
        "demo/x",
    ),
    "any descriptor, where none is allowed": Attack(
        lambda b: b.file("demo/x", b"x", descriptor="signed"),
        ArchiveError,
        "DESCRIPTOR_REFUSED",
        "demo/x",
        policy=Policy(descriptors="refuse"),
    ),
    # ------------------------------------------------------------ overlaps
    "a member within the data of another": archive(
        "OVERLAP", quoted, "demo/b"
    ),
    "many entries of one kernel": archive("OVERLAP", kernel, "demo/1"),
    "a member that ends in the directory": archive(
        "OVERLAP",
        lambda b: b.without("METADATA", "WHEEL", "RECORD").file(
            "demo/x",
            b"x",
            local={"packed_size": 50},
            central={"packed_size": 50},
        ),
        "demo/x",
    ),
    "a member that runs into the next one": archive(
        "OVERLAP",
        lambda b: b.file(
            "demo/a",
            b"a",
            local={"packed_size": 40},
            central={"packed_size": 40},
        ).file("demo/b", b"b"),
        "demo/b",
    ),
    # ---------------------------------------------------- what is not taken
    "directory with a CRC": archive(
        "DIRECTORY_HAS_DATA",
        lambda b: b.directory(
            "demo/x/", local={"crc32": 1}, central={"crc32": 1}
        ),
        "demo/x/",
    ),
    "directory with packed data": archive(
        "DIRECTORY_HAS_DATA",
        lambda b: b.directory("demo/x/", method=8, packed=b"\3\0\0"),
        "demo/x/",
    ),
    "directory of two bytes that are no stream": archive(
        "DIRECTORY_HAS_DATA",
        lambda b: b.directory("demo/x/", method=8, packed=b"PK"),
        "demo/x/",
    ),
    "directory with packed data and a descriptor": archive(
        "DIRECTORY_HAS_DATA",
        lambda b: b.directory("demo/x/", method=8, descriptor="signed"),
        "demo/x/",
    ),
    "NUL and more behind RECORD": Attack(
        lambda b: b.file(f"{INFO}/RECORD\0", b"x"),
        UnsafeMemberError,
        "NAME_NUL",
        f"{INFO}/RECORD",
    ),
    "a version that is not yet, says the local header": Attack(
        lambda b: b.file("demo/x", b"x", local={"version_needed": 64}),
        UnsupportedError,
        "VERSION_NEEDED",
        "demo/x",
    ),
    **{
        f"flag bit {bit}": Attack(
            lambda b, bit=bit: b.file("demo/x", b"x", flags=1 << bit),
            UnsupportedError,
            "ENTRY_FLAGS",
            "demo/x",
        )
        for bit in (4, 7, 8, 9, 10, 12, 14, 15)
    },
    **{
        name: Attack(
            lambda b, method=method: b.file(
                "demo/x", b"x", method=method, packed=b"x"
            ),
            UnsupportedError,
            "METHOD",
            "demo/x",
        )
        for name, method in METHODS.items()
    },
    # ------------------------------------------------- records of APPNOTE
    "a marker of several disks at the beginning": archive(
        "PREFIX", lambda b: b.put("prefix", b"PK00"), FIRST
    ),
    "an archive extra data record": archive(
        "GAP", lambda b: b.put("before_directory", b"PK\6\x08\4\0\0\0data")
    ),
    "padding for alignment before a member": archive(
        "GAP", lambda b: b.file("demo/x", b"x", gap=bytes(12)), "demo/x"
    ),
    "a deleted member that was left": archive(
        "GAP",
        lambda b: b.file("demo/old.py", b"old", listed=False).file(
            "demo/new.py", b"new"
        ),
        "demo/new.py",
    ),
    "an archive that was appended to": archive(
        "DIRECTORY_PLACE",
        lambda b: b.put("before_directory", an_entry()).end(
            directory_len=lambda n: n + len(an_entry())
        ),
    ),
}
