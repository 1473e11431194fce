"""
Every attack there is: one lie each, and what has to be said of it.

Plain data, for whoever wants to try them: the tests, the fuzzers' seeds, and
scripts that show them to other tools.  Each is an honest wheel in which code
puts one lie; `ATTACKS` has all of them by name::

    for name, attack in ATTACKS.items():
        path = attack.write(directory)

Nothing here depends on the machine.  What leads out of a tree aims at a name
with `EVIL` in it, so who tries a careless tool can look for that afterwards;
what writes through a link or to an absolute place aims below `OUTSIDE`.
"""

from __future__ import annotations

import functools
import io
import stat
import struct
import tarfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from builder import (
    ALL_32,
    STORED,
    WheelBuilder,
    deflated,
    digest_of,
)
from places import PLATFORM_TAG, demo, half_noise

from unwheel import (
    ArchiveError,
    CorruptMemberError,
    InvalidWheelError,
    LimitError,
    Limits,
    MismatchError,
    Policy,
    RecordError,
    UnsafeMemberError,
    UnsupportedError,
    UnwheelError,
)

MIB = 1 << 20
INFO = "demo-1.0.dist-info"

# In the name of everything that an attack would put outside.
EVIL = "unwheel-evil"
# A directory that links and absolute names lead to.
OUTSIDE = "/tmp/unwheel-evil"

Build = Callable[[WheelBuilder], WheelBuilder]

DEFAULT = Policy()
PORTABLE = Policy(portable_names="refuse")


@dataclass(frozen=True)
class Attack:
    """
    A lie, and what has to be said of it.

    Attributes:
        build: Puts the lie into an honest wheel.
        kind: The class of the error: whose fault it is.
        code: The reason.
        member: Whom the error names; None if it is about no member.
        tag: Of the wheel.
        policy: The default, unless the attack is about another.
        called: The file name; the one that fits the wheel if None.
    """

    build: Build
    kind: type[UnwheelError]
    code: str
    member: str | None = None
    tag: str = "py3-none-any"
    policy: Policy = DEFAULT
    called: str | None = None

    def wheel(self) -> WheelBuilder:
        """The wheel with the lie in it, to be built or to be added to."""
        return self.build(demo(self.tag))

    def write(self, directory: Path) -> Path:
        """Write the wheel into *directory*, under its name."""
        wheel = self.wheel()
        path = directory / (self.called or wheel.filename)
        path.write_bytes(wheel.build())
        return path


def named(name: str | bytes, code: str, **lies: object) -> Attack:
    """A file of a name that is refused."""
    text = (
        name
        if isinstance(name, str)
        else name.decode("utf-8", "surrogateescape")
    )
    return Attack(
        lambda b: b.file(name, b"x", **lies), UnsafeMemberError, code, text
    )


# --------------------------------------------------------------------- names

NAMES = {
    "zip slip": named("../unwheel-evil.py", "DOTDOT"),
    "zip slip further in": named("demo/../../unwheel-evil.py", "DOTDOT"),
    "zip slip that comes back": named("demo/../demo/x.py", "DOTDOT"),
    "zip slip at the end": named("demo/..", "DOTDOT"),
    "dots that Windows drops": named("demo/.. /unwheel-evil.py", "DOTDOT"),
    "more dots that Windows drops": named(
        "demo/.../unwheel-evil.py", "DOTDOT"
    ),
    "sibling prefix": named("../tree-unwheel-evil/x.py", "DOTDOT"),
    "absolute": named(f"{OUTSIDE}/x.py", "ABSOLUTE"),
    "two slashes": named("//tmp/unwheel-evil/x.py", "ABSOLUTE"),
    "drive letter": named("C:unwheel-evil.py", "DRIVE_LETTER"),
    "drive letter, lower case": named("c:/unwheel-evil.py", "DRIVE_LETTER"),
    "backslash": named("demo\\unwheel-evil.py", "BACKSLASH"),
    "zip slip by backslash": named("..\\unwheel-evil.py", "BACKSLASH"),
    "UNC": named("\\\\server\\share\\unwheel-evil", "BACKSLASH"),
    "empty component": named("demo//x.py", "EMPTY_COMPONENT"),
    "dot component": named("demo/./x.py", "DOT_COMPONENT"),
    "only a dot": named(".", "DOT_COMPONENT"),
    "only two dots": named("..", "DOTDOT"),
    "control character": named("demo/a\nb.py", "CONTROL_CHARACTER"),
    "escape sequence": named("demo/\x1b[2Jx.py", "CONTROL_CHARACTER"),
    "delete": named("demo/\x7f.py", "CONTROL_CHARACTER"),
    "C1 control": named("demo/\x9b.py", "CONTROL_CHARACTER"),
    "right to left override": named("demo/\u202egpj.py", "CONTROL_CHARACTER"),
    "zero width joiner": named("demo/a\u200d.py", "CONTROL_CHARACTER"),
    "private use": named("demo/\ue000.py", "CONTROL_CHARACTER"),
    "not UTF-8": named(b"demo/\xff.py", "NOT_UTF8", flags=0x800),
    "surrogate": named(b"demo/\xed\xa0\x80.py", "NOT_UTF8", flags=0x800),
    "overlong slash": named(b"demo/\xc0\xaf..", "NOT_UTF8", flags=0x800),
    "no flag for UTF-8": named("demo/\u00e9.py".encode(), "NOT_FLAGGED_UTF8"),
    "CP437": named(b"demo/\x82.py", "NOT_FLAGGED_UTF8"),
    "twice": Attack(
        lambda b: b.file("demo/x.py", b"1").file("demo/x.py", b"2"),
        UnsafeMemberError,
        "DUPLICATE",
        "demo/x.py",
    ),
    "twice, equal": Attack(
        lambda b: b.file("demo/x.py", b"1").file("demo/x.py", b"1"),
        UnsafeMemberError,
        "DUPLICATE",
        "demo/x.py",
    ),
    "a file and beneath it": Attack(
        lambda b: b.file("demo/x", b"1").file("demo/x/y", b"2"),
        UnsafeMemberError,
        "FILE_AND_DIRECTORY",
        "demo/x",
    ),
    "a file and beneath it, later first": Attack(
        lambda b: b.file("demo/x/y/z", b"2").file("demo/x", b"1"),
        UnsafeMemberError,
        "FILE_AND_DIRECTORY",
        "demo/x",
    ),
    "a file and a directory": Attack(
        lambda b: b.file("demo/x", b"1").directory("demo/x/"),
        UnsafeMemberError,
        "FILE_AND_DIRECTORY",
        "demo/x",
    ),
    "the name of our own staging": Attack(
        lambda b: b.file(".unwheel-0123456789abcdef/x.py", b"1"),
        UnsafeMemberError,
        "RESERVED_NAME",
        ".unwheel-0123456789abcdef/x.py",
    ),
    "the name of our own probe": Attack(
        lambda b: b.directory(".unwheel-mode/"),
        UnsafeMemberError,
        "RESERVED_NAME",
        ".unwheel-mode/",
    ),
    "directory ../unwheel-evil": Attack(
        lambda b: b.directory("../unwheel-evil/"),
        UnsafeMemberError,
        "DOTDOT",
        "../unwheel-evil/",
    ),
    "directory /tmp/unwheel-evil/x": Attack(
        lambda b: b.directory("/tmp/unwheel-evil/x/"),
        UnsafeMemberError,
        "ABSOLUTE",
        "/tmp/unwheel-evil/x/",
    ),
    "directory a//b": Attack(
        lambda b: b.directory("a//b/"),
        UnsafeMemberError,
        "EMPTY_COMPONENT",
        "a//b/",
    ),
    "directory a/../../unwheel-evil": Attack(
        lambda b: b.directory("a/../../unwheel-evil/"),
        UnsafeMemberError,
        "DOTDOT",
        "a/../../unwheel-evil/",
    ),
    "link ../unwheel-evil": Attack(
        lambda b: b.link("../unwheel-evil", "demo"),
        UnsafeMemberError,
        "DOTDOT",
        "../unwheel-evil",
        tag=PLATFORM_TAG,
    ),
    "link /tmp/unwheel-evil/x": Attack(
        lambda b: b.link("/tmp/unwheel-evil/x", "demo"),
        UnsafeMemberError,
        "ABSOLUTE",
        "/tmp/unwheel-evil/x",
        tag=PLATFORM_TAG,
    ),
    "link a//b": Attack(
        lambda b: b.link("a//b", "demo"),
        UnsafeMemberError,
        "EMPTY_COMPONENT",
        "a//b",
        tag=PLATFORM_TAG,
    ),
    "link a/../../unwheel-evil": Attack(
        lambda b: b.link("a/../../unwheel-evil", "demo"),
        UnsafeMemberError,
        "DOTDOT",
        "a/../../unwheel-evil",
        tag=PLATFORM_TAG,
    ),
}


def unportable(name: str, code: str) -> Attack:
    """A name that not every system can hold, where it has to be held."""
    return Attack(
        lambda b: b.file(name, b"x"),
        UnsafeMemberError,
        code,
        name,
        policy=PORTABLE,
    )


UNPORTABLE = {
    "stream": unportable("demo/a.py:stream", "COLON"),
    "reserved": unportable("demo/a?.py", "RESERVED_CHARACTER"),
    "trailing dot": unportable("demo/a.", "TRAILING_DOT_OR_SPACE"),
    "trailing space": unportable("demo /a.py", "TRAILING_DOT_OR_SPACE"),
    "device": unportable("demo/aux.py", "DEVICE_NAME"),
    "device without extension": unportable("demo/NUL", "DEVICE_NAME"),
    "superscript device": unportable("demo/COM\u00b9.txt", "DEVICE_NAME"),
}


def clash(first: str, second: str, code: str, member: str) -> Attack:
    """Two names here that are one elsewhere."""
    return Attack(
        lambda b: b.file(first, b"1").file(second, b"2"),
        UnsafeMemberError,
        code,
        member,
        policy=PORTABLE,
    )


CLASHES = {
    "case": clash("demo/A.py", "demo/a.py", "CASE_CLASH", "demo/a.py"),
    "case of a directory": clash(
        "demo/A/x", "demo/a/y", "CASE_CLASH", "demo/a"
    ),
    "sharp s": clash(
        "demo/stra\u00dfe", "demo/STRASSE", "CASE_CLASH", "demo/STRASSE"
    ),
    "composed": clash(
        "demo/\u00e9", "demo/e\u0301", "NFC_CLASH", "demo/e\u0301"
    ),
}


# ---------------------------------------------------------------- what it is


def typed(mode: int, host: int, code: str) -> Attack:
    """A member of a type that no wheel may have, or that hosts dispute."""
    return Attack(
        lambda b: b.file("demo/x", b"x", kind=mode, host=host),
        UnsafeMemberError,
        code,
        "demo/x",
    )


def slashed(kind: int, host: int, links: str) -> Attack:
    """To one reader a directory, to another a file or a link."""
    return Attack(
        lambda b: b.directory(
            "demo/x/", external_attr=(kind | 0o755) << 16, host=host
        ),
        UnsafeMemberError,
        "SLASH_NAME",
        "demo/x/",
        tag=PLATFORM_TAG,
        policy=Policy(links=links),
    )


KINDS = {
    "FIFO": typed(stat.S_IFIFO, 3, "FILE_TYPE"),
    "character device": typed(stat.S_IFCHR, 3, "FILE_TYPE"),
    "block device": typed(stat.S_IFBLK, 3, "FILE_TYPE"),
    "socket": typed(stat.S_IFSOCK, 3, "FILE_TYPE"),
    "no type there is": typed(0o170000, 3, "FILE_TYPE"),
    "directory without a slash": typed(stat.S_IFDIR, 3, "SLASH_NAME"),
    "link of another host": typed(stat.S_IFLNK, 0, "AMBIGUOUS_HOST"),
    "link of macOS's host": typed(stat.S_IFLNK, 19, "AMBIGUOUS_HOST"),
    "slash and file": slashed(stat.S_IFREG, 3, "strict"),
    "slash and link": slashed(stat.S_IFLNK, 3, "strict"),
    "slash and FIFO": slashed(stat.S_IFIFO, 3, "strict"),
    "slash and link of MS-DOS": slashed(stat.S_IFLNK, 0, "strict"),
    "slash and file, links as text": slashed(stat.S_IFREG, 3, "text"),
    "slash and link, links as text": slashed(stat.S_IFLNK, 3, "text"),
    "slash and FIFO, links as text": slashed(stat.S_IFIFO, 3, "text"),
    "slash and link of MS-DOS, links as text": slashed(
        stat.S_IFLNK, 0, "text"
    ),
    # libarchive makes a directory of it, zipfile a file.
    "a file that MS-DOS calls a directory": Attack(
        lambda b: b.file("demo/x", b"x", host=0, external_attr=0x10),
        UnsafeMemberError,
        "SLASH_NAME",
        "demo/x",
    ),
}


# ----------------------------------------------------------------- structure


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


FIRST = "demo/__init__.py"
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


# ------------------------------------------------------------------- content


def packed(stream: bytes, data: bytes = b"x" * 100) -> Build:
    """A member whose DEFLATE stream is *stream*."""
    return lambda b: b.file("demo/x", data, packed=stream)


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


# -------------------------------------------------------------------- RECORD


def row(text: str, code: str, member: str | None) -> Attack:
    """One more row of RECORD."""
    return Attack(lambda b: b.more_rows(text), RecordError, code, member)


SHA = digest_of(b"answer = 42\n")

RECORDS = {
    "a row outside the tree": row(
        f"../../unwheel-evil,{SHA},1", "RECORD_NAME", "../../unwheel-evil"
    ),
    "an absolute row": row(f"{OUTSIDE},{SHA},1", "RECORD_NAME", OUTSIDE),
    "a row with a backslash": row(
        f"demo\\x,{SHA},1", "RECORD_NAME", "demo\\x"
    ),
    "a row of a file that is not there": row(
        f"demo/ghost.py,{SHA},1", "NOT_IN_ARCHIVE", "demo/ghost.py"
    ),
    "a row twice": row(f"{FIRST},{SHA},12", "RECORD_DUPLICATE", FIRST),
    "a row of two fields": row("demo/x,", "RECORD_FIELDS", None),
    "a row of four fields": row("demo/x,,,", "RECORD_FIELDS", None),
    "a file that is not listed": Attack(
        lambda b: b.without_row(FIRST), RecordError, "NOT_IN_RECORD", FIRST
    ),
    "another file's digest": Attack(
        lambda b: b.row("demo/tool.sh", digest=SHA),
        MismatchError,
        "SHA256",
        "demo/tool.sh",
    ),
    "MD5": Attack(
        lambda b: b.row(FIRST, digest=digest_of(b"answer = 42\n", "md5")),
        RecordError,
        "RECORD_WEAK",
        FIRST,
    ),
    "SHA-1": Attack(
        lambda b: b.row(FIRST, digest=digest_of(b"answer = 42\n", "sha1")),
        RecordError,
        "RECORD_WEAK",
        FIRST,
    ),
    "no algorithm there is": Attack(
        lambda b: b.row(FIRST, digest="rot13=abc"),
        RecordError,
        "RECORD_ALGORITHM",
        FIRST,
    ),
    "SHA256 in capitals": Attack(
        lambda b: b.row(FIRST, digest=SHA.replace("sha256", "SHA256")),
        RecordError,
        "RECORD_ALGORITHM",
        FIRST,
    ),
    "padded": Attack(
        lambda b: b.row(FIRST, digest=SHA + "="),
        RecordError,
        "RECORD_DIGEST",
        FIRST,
    ),
    "hexadecimal": Attack(
        lambda b: b.row(FIRST, digest="sha256=" + "0" * 64),
        RecordError,
        "RECORD_DIGEST",
        FIRST,
    ),
    "digest of another length": Attack(
        lambda b: b.row(FIRST, digest=SHA[:-4]),
        RecordError,
        "RECORD_DIGEST",
        FIRST,
    ),
    "no digest": Attack(
        lambda b: b.row(FIRST, digest=""),
        RecordError,
        "RECORD_NO_DIGEST",
        FIRST,
    ),
    "another size": Attack(
        lambda b: b.row(FIRST, size=11),
        RecordError,
        "RECORD_SIZE_DIFFERS",
        FIRST,
    ),
    "a size that is none": Attack(
        lambda b: b.row(FIRST, size="0x0c"), RecordError, "RECORD_SIZE", FIRST
    ),
    "not UTF-8": Attack(
        lambda b: b.record(b"\xff,,\n"), RecordError, "RECORD_NOT_UTF8"
    ),
    "not there": Attack(
        lambda b: b.without("RECORD"),
        RecordError,
        "RECORD_MISSING",
        f"{INFO}/RECORD",
    ),
    "empty": Attack(
        lambda b: b.record(b""), RecordError, "NOT_IN_RECORD", FIRST
    ),
}


# ------------------------------------------------------------- the wheel


def wheel_file(text: str) -> Build:
    """A WHEEL of its own."""
    return lambda b: b.info("WHEEL", text)


def invalid(code: str, build: Build, member: str | None = None) -> Attack:
    """A sound archive that is no wheel."""
    return Attack(build, InvalidWheelError, code, member)


OTHER = "other-2.0.dist-info"

WHEELS = {
    "two .dist-info": invalid(
        "DIST_INFO_MANY",
        lambda b: b.file(f"{OTHER}/METADATA", b"x"),
    ),
    "two that differ in case": invalid(
        "DIST_INFO_MANY", lambda b: b.file("x-1.DIST-INFO/METADATA", b"x")
    ),
    "no METADATA": invalid(
        "METADATA_MISSING",
        lambda b: b.without("METADATA"),
        f"{INFO}/METADATA",
    ),
    "no WHEEL": invalid(
        "WHEEL_MISSING", lambda b: b.without("WHEEL"), f"{INFO}/WHEEL"
    ),
    "another name in METADATA": invalid(
        "METADATA_DIFFERS",
        lambda b: b.info(
            "METADATA", "Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n"
        ),
    ),
    "two names in METADATA": invalid(
        "METADATA_FIELDS",
        lambda b: b.info(
            "METADATA",
            "Metadata-Version: 2.1\nName: demo\nName: evil\nVersion: 1.0\n",
        ),
    ),
    "a wheel of the future": invalid(
        "WHEEL_VERSION_UNKNOWN", wheel_file("Wheel-Version: 2.0\n")
    ),
    "no version": invalid("WHEEL_VERSION", wheel_file("Tag: py3-none-any\n")),
    "a place to install to that is none": invalid(
        "DATA_KEY",
        lambda b: b.file("demo-1.0.data/evil/x", b"x"),
        "demo-1.0.data/evil",
    ),
    "a script that is the interpreter": invalid(
        "SCRIPT_OVERWRITES_PYTHON",
        lambda b: b.file("demo-1.0.data/scripts/python3", b"#!"),
        "demo-1.0.data/scripts/python3",
    ),
    "a script in a directory": invalid(
        "SCRIPT_DIRECTORY",
        lambda b: b.file("demo-1.0.data/scripts/sub/x", b"#!"),
        "demo-1.0.data/scripts/sub/x",
    ),
}


def called(name: str) -> Attack:
    """
    An honest wheel whose file name is none of a wheel.

    The file name is where the destination of many comes from.
    """
    return Attack(lambda b: b, InvalidWheelError, "FILENAME", called=name)


def instead(wheel: WheelBuilder, code: str) -> Attack:
    """Another wheel under the name of demo: renamed, or swapped."""
    return Attack(
        lambda _: wheel,
        InvalidWheelError,
        code,
        called="demo-1.0-py3-none-any.whl",
    )


FILENAMES = {
    "a ZIP": called("demo.zip"),
    "no tags": called("demo-1.0.whl"),
    "a ZIP in the end": called("demo-1.0-py3-none-any.whl.zip"),
    "a dot": called(".-1.0-py3-none-any.whl"),
    "two dots": called("..-1.0-py3-none-any.whl"),
    "a line break": called("demo-1.0-py3-none-any\n.whl"),
    "another wheel under this name": instead(
        WheelBuilder("evil", "1.0"), "DIST_INFO_NAME"
    ),
}


# --------------------------------------------------------------------- links


def link(code: str, build: Build, member: str, **more: object) -> Attack:
    """A link that is refused, in a wheel that may have links."""
    return Attack(
        build,
        UnsafeMemberError,
        code,
        member,
        **({"tag": PLATFORM_TAG} | more),
    )


def to(target: str | bytes, code: str, **lies: object) -> Attack:
    """A link demo/l to *target*."""
    return link(code, lambda b: b.link("demo/l", target, **lies), "demo/l")


def chain(length: int) -> Build:
    """A chain of so many links to a file."""

    def build(builder: WheelBuilder) -> WheelBuilder:
        builder.link("demo/l0", "__init__.py")
        for k in range(1, length):
            builder.link(f"demo/l{k}", f"l{k - 1}")
        return builder

    return build


LINKS = {
    "absolute": to(OUTSIDE, "ABSOLUTE"),
    "out": to("../../unwheel-evil/x", "ESCAPES"),
    "out by one": to("../../tree-unwheel-evil", "ESCAPES"),
    "to the root of the tree": to("..", "ANCESTOR"),
    "to its own folder": to(".", "ANCESTOR"),
    "another wheel's file": to("../numpy/core.so", "OTHER_WHEEL"),
    "dangling": to("nothing.so", "DANGLING"),
    "beneath a file": to("__init__.py/x", "DANGLING"),
    "itself": to("l", "CYCLE"),
    "empty": to("", "BAD_TARGET"),
    "NUL": to(b"__init__.py\0/tmp/unwheel-evil", "BAD_TARGET"),
    "control character": to("__init__.py\n", "BAD_TARGET"),
    "not UTF-8": to(b"\xff", "BAD_TARGET"),
    "backslash": to("..\\..\\unwheel-evil", "BAD_TARGET"),
    "drive letter": to("C:/unwheel-evil", "BAD_TARGET"),
    "two dots after a name": to("x/../__init__.py", "BAD_TARGET"),
    "metadata": to(f"../{INFO}/METADATA", "IN_METADATA"),
    "a file as a folder": to("__init__.py/", "BAD_TARGET"),
    "two links that leave together": link(
        "BAD_TARGET",
        lambda b: b.link("demo/up", "..").link("demo/up2", "up/.."),
        "demo/up2",
    ),
    "a circle": link(
        "CYCLE", lambda b: b.link("demo/a", "b").link("demo/b", "a"), "demo/a"
    ),
    "a long chain": link("TOO_DEEP", chain(17), "demo/l16"),
    "through a link planted before": link(
        "HAS_CHILDREN",
        lambda b: b.link("demo/pkg", OUTSIDE).file("demo/pkg/x.py", b"x"),
        "demo/pkg",
    ),
    "a directory entry through a link": Attack(
        lambda b: b.link("demo/pkg", "../demo").directory("demo/pkg/"),
        UnsafeMemberError,
        "HAS_CHILDREN",
        "demo/pkg",
        tag=PLATFORM_TAG,
    ),
    "twice": Attack(
        lambda b: b.link("demo/l", "__init__.py").link("demo/l", OUTSIDE),
        UnsafeMemberError,
        "DUPLICATE",
        "demo/l",
        tag=PLATFORM_TAG,
    ),
    "METADATA": link(
        "IN_METADATA",
        lambda b: b.link(f"{INFO}/extra", "../demo/__init__.py"),
        f"{INFO}/extra",
    ),
    "script": link(
        "IN_SCRIPTS",
        lambda b: b.link("demo-1.0.data/scripts/s", "../../demo/tool.sh"),
        "demo-1.0.data/scripts/s",
    ),
    "another scheme": link(
        "CROSS_SCHEME",
        lambda b: b.file("demo-1.0.data/data/f", b"x").link(
            "demo/l", "../demo-1.0.data/data/f"
        ),
        "demo/l",
    ),
    "out of its scheme": link(
        "CROSS_SCHEME",
        lambda b: b.link("demo-1.0.data/data/l", "../../demo/__init__.py"),
        "demo-1.0.data/data/l",
    ),
    "for any platform": link(
        "ANY_TAG",
        lambda b: b.link("demo/l", "__init__.py"),
        "demo/l",
        tag="py3-none-any",
    ),
    "for any platform, by WHEEL alone": link(
        "ANY_TAG",
        lambda b: b.link("demo/l", "__init__.py").info(
            "WHEEL",
            "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        ),
        "demo/l",
    ),
    "for any platform, by its name alone": link(
        "ANY_TAG",
        lambda b: b.link("demo/l", "__init__.py").info(
            "WHEEL",
            "Wheel-Version: 1.0\nRoot-Is-Purelib: false\n"
            f"Tag: {PLATFORM_TAG}\n",
        ),
        "demo/l",
        tag="py3-none-any",
    ),
    "for Windows": link(
        "WINDOWS_TAG",
        lambda b: b.link("demo/l", "__init__.py"),
        "demo/l",
        tag="cp311-cp311-win_amd64",
    ),
    "by a policy without links": link(
        "LINK_REFUSED",
        lambda b: b.link("demo/l", "__init__.py"),
        "demo/l",
        policy=Policy(links="refuse"),
    ),
    # RECORD has the digest of the text, not of what the target contains.
    "with a RECORD row of its target": Attack(
        lambda b: b.link("demo/l", "__init__.py").row("demo/l", digest=SHA),
        RecordError,
        "RECORD_MISMATCH",
        "demo/l",
        tag=PLATFORM_TAG,
    ),
    # Its CRC is checked before it is believed.
    "with a wrong CRC": Attack(
        lambda b: b.link(
            "demo/l", "__init__.py", local={"crc32": 1}, central={"crc32": 1}
        ),
        CorruptMemberError,
        "CRC32",
        "demo/l",
        tag=PLATFORM_TAG,
    ),
}


# ----------------------------------------------------------------- together


def _all(**groups: Mapping[str, Attack]) -> dict[str, Attack]:
    """The groups as one, each name after that of its group."""
    return {
        f"{group}: {name}": attack
        for group, attacks in groups.items()
        for name, attack in attacks.items()
    }


ATTACKS = _all(
    names=NAMES,
    unportable=UNPORTABLE,
    clashes=CLASHES,
    kinds=KINDS,
    structure=STRUCTURE,
    content=CONTENT,
    limits=BOMBS,
    record=RECORDS,
    wheel=WHEELS,
    filename=FILENAMES,
    links=LINKS,
)
