"""
One test per attack: refused for the right reason, and nothing written.

Each is built by code that shows its lie.  The other half is as important:
archives that look odd and are sound have to be taken.
"""

from __future__ import annotations

import io
import os
import stat
import struct
import tarfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from builder import (
    ALL_32,
    STORED,
    WheelBuilder,
    deflated,
    digest_of,
)
from places import (
    PLATFORM_TAG,
    Place,
    demo,
    files_of,
    half_noise,
    only_files,
    tree_of,
)

import unwheel
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

Build = Callable[[WheelBuilder], WheelBuilder]


DEFAULT = Policy()


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
    """

    build: Build
    kind: type[UnwheelError]
    code: str
    member: str | None = None
    tag: str = "py3-none-any"
    policy: Policy = DEFAULT


def attempt(place: Place, attack: Attack) -> UnwheelError:
    """Have it refused, with nothing written anywhere."""
    wheel = place.put(attack.build(demo(attack.tag)))
    with place.untouched():
        with pytest.raises(UnwheelError) as verifying:
            unwheel.verify(wheel, policy=attack.policy)
        with pytest.raises(UnwheelError) as caught:
            unwheel.extract(wheel, place.dest, policy=attack.policy, threads=2)
    assert verifying.value.problems == caught.value.problems
    return caught.value


def check(place: Place, attack: Attack) -> None:
    """The right class, reason, member and message."""
    error = attempt(place, attack)

    assert attack.kind is type(error)
    told = {(problem.code, problem.member) for problem in error.problems}
    assert (attack.code, attack.member) in told
    assert error.wheel is not None
    assert "demo-1.0" in str(error)
    if len(error.problems) == 1 and attack.member:
        assert unwheel.errors.printable(attack.member) in str(error)


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
    "zip slip": named("../evil.py", "DOTDOT"),
    "zip slip further in": named("demo/../../evil.py", "DOTDOT"),
    "zip slip that comes back": named("demo/../demo/x.py", "DOTDOT"),
    "zip slip at the end": named("demo/..", "DOTDOT"),
    "dots that Windows drops": named("demo/.. /evil.py", "DOTDOT"),
    "more dots that Windows drops": named("demo/.../evil.py", "DOTDOT"),
    "sibling prefix": named("../tree-evil/x.py", "DOTDOT"),
    "absolute": named("/tmp/evil.py", "ABSOLUTE"),
    "two slashes": named("//server/share/x.py", "ABSOLUTE"),
    "drive letter": named("C:evil.py", "DRIVE_LETTER"),
    "drive letter, lower case": named("c:/evil.py", "DRIVE_LETTER"),
    "backslash": named("demo\\evil.py", "BACKSLASH"),
    "zip slip by backslash": named("..\\evil.py", "BACKSLASH"),
    "UNC": named("\\\\server\\share\\x", "BACKSLASH"),
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
}


@pytest.mark.parametrize("attack", NAMES.values(), ids=NAMES.keys())
def test_names(place: Place, attack: Attack):
    """
    A name that could mean a place outside, or not one place to all.
    """
    check(place, attack)


@pytest.mark.parametrize("kind", ["directory", "link"])
@pytest.mark.parametrize("name", ["../evil", "/evil", "a//b", "a/../../evil"])
def test_names_of_directories_and_links(place: Place, name: str, kind: str):
    """
    What is no file is created too.
    """
    tag = PLATFORM_TAG
    wheel = place.put(
        demo(tag).directory(f"{name}/")
        if kind == "directory"
        else demo(tag).link(name, "demo")
    )

    with place.untouched(), pytest.raises(UnsafeMemberError):
        unwheel.extract(wheel, place.dest)


UNPORTABLE = {
    "stream": ("demo/a.py:stream", "COLON"),
    "reserved": ("demo/a?.py", "RESERVED_CHARACTER"),
    "trailing dot": ("demo/a.", "TRAILING_DOT_OR_SPACE"),
    "trailing space": ("demo /a.py", "TRAILING_DOT_OR_SPACE"),
    "device": ("demo/aux.py", "DEVICE_NAME"),
    "device without extension": ("demo/NUL", "DEVICE_NAME"),
    "superscript device": ("demo/COM\u00b9.txt", "DEVICE_NAME"),
}


@pytest.mark.parametrize("name", UNPORTABLE)
@pytest.mark.skipif(os.name == "nt", reason="Windows refuses them always")
def test_unportable_names_are_warnings(place: Place, name: str):
    """
    Real wheels have such names: taken where they can be held, and told.
    """
    path, code = UNPORTABLE[name]
    wheel = place.put(demo().file(path, b"x"))

    report = unwheel.extract(wheel, place.dest)

    assert [(code, path)] == [(p.code, p.member) for p in report.warnings]
    assert b"x" == (place.dest / path).read_bytes()


@pytest.mark.parametrize("name", UNPORTABLE)
def test_unportable_names_are_refused_if_asked(place: Place, name: str):
    """
    The policy of who means to carry the tree elsewhere.
    """
    path, code = UNPORTABLE[name]
    check(
        place,
        Attack(
            lambda b: b.file(path, b"x"),
            UnsafeMemberError,
            code,
            path,
            policy=Policy(portable_names="refuse"),
        ),
    )


CLASHES = {
    "case": ("demo/A.py", "demo/a.py", "CASE_CLASH"),
    "case of a directory": ("demo/A/x", "demo/a/y", "CASE_CLASH"),
    "sharp s": ("demo/stra\u00dfe", "demo/STRASSE", "CASE_CLASH"),
    "composed": ("demo/\u00e9", "demo/e\u0301", "NFC_CLASH"),
}


@pytest.mark.parametrize("clash", CLASHES)
def test_names_that_others_take_for_one(place: Place, clash: str):
    """
    Two names here, one elsewhere: told, or refused.
    """
    first, second, code = CLASHES[clash]
    wheel = place.put(demo().file(first, b"1").file(second, b"2"))

    verified = unwheel.verify(wheel)
    with place.untouched(), pytest.raises(UnsafeMemberError) as caught:
        unwheel.extract(
            wheel, place.dest, policy=Policy(portable_names="refuse")
        )

    assert [code] == [problem.code for problem in verified.warnings]
    assert [code] == [problem.code for problem in caught.value.problems]


# ---------------------------------------------------------------- what it is

KINDS = {
    "FIFO": (stat.S_IFIFO, 3, "FILE_TYPE"),
    "character device": (stat.S_IFCHR, 3, "FILE_TYPE"),
    "block device": (stat.S_IFBLK, 3, "FILE_TYPE"),
    "socket": (stat.S_IFSOCK, 3, "FILE_TYPE"),
    "no type there is": (0o170000, 3, "FILE_TYPE"),
    "directory without a slash": (stat.S_IFDIR, 3, "SLASH_NAME"),
    "link of another host": (stat.S_IFLNK, 0, "AMBIGUOUS_HOST"),
    "link of macOS's host": (stat.S_IFLNK, 19, "AMBIGUOUS_HOST"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_types(place: Place, kind: str):
    """
    Files, directories and links; nothing else is created.
    """
    mode, host, code = KINDS[kind]
    check(
        place,
        Attack(
            lambda b: b.file("demo/x", b"x", kind=mode, host=host),
            UnsafeMemberError,
            code,
            "demo/x",
        ),
    )


@pytest.mark.parametrize(
    ("kind", "host"),
    [
        (stat.S_IFREG, 3),
        (stat.S_IFLNK, 3),
        (stat.S_IFIFO, 3),
        (stat.S_IFLNK, 0),
    ],
)
@pytest.mark.parametrize("links", ["strict", "text"])
def test_a_slash_with_the_mode_of_something_else(
    place: Place, kind: int, host: int, links: str
):
    """
    To one reader a directory, to another a file or a link.
    """
    check(
        place,
        Attack(
            lambda b: b.directory(
                "demo/x/", external_attr=(kind | 0o755) << 16, host=host
            ),
            UnsafeMemberError,
            "SLASH_NAME",
            "demo/x/",
            tag=PLATFORM_TAG,
            policy=Policy(links=links),
        ),
    )


def test_a_file_that_ms_dos_calls_a_directory(place: Place):
    """
    libarchive makes a directory of it, zipfile a file.
    """
    check(
        place,
        Attack(
            lambda b: b.file("demo/x", b"x", host=0, external_attr=0x10),
            UnsafeMemberError,
            "SLASH_NAME",
            "demo/x",
        ),
    )


def test_set_id_bits_do_not_survive(place: Place):
    """
    Set-user-id, set-group-id, sticky: of a file and of a directory.
    """
    wheel = place.put(
        demo()
        .file("demo/root", b"#!", mode=0o7777)
        .directory("demo/dir/", mode=0o7777)
    )

    unwheel.extract(wheel, place.dest)

    for name in ("demo/root", "demo/dir"):
        mode = (place.dest / name).stat().st_mode
        assert 0 == mode & 0o7000
        assert 0 == mode & 0o022 & ~0o777


# ----------------------------------------------------------------- structure


def a_zip_that_is_a_tar(builder: WheelBuilder) -> WheelBuilder:
    """A tar archive before the first local header."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("evil.py"))
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
        lambda b: b.file("demo/evil", b"x", listed=False),
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
                    + b"../evil",
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


@pytest.mark.parametrize("attack", STRUCTURE.values(), ids=STRUCTURE.keys())
def test_structure(place: Place, attack: Attack):
    """
    A container that two careful readers could read in two ways.
    """
    check(place, attack)


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


@pytest.mark.parametrize("attack", CONTENT.values(), ids=CONTENT.keys())
def test_content(place: Place, attack: Attack):
    """
    What is inside is not what the directory says.
    """
    check(place, attack)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_bomb_that_lies_is_stopped_at_its_word(place: Place, threads: int):
    """
    64 MiB that claim to be 2 MiB: not a byte more is written.
    """
    bomb = deflated(bytes(64 * MIB), 1)
    lie = {"size": 2 * MIB}
    wheel = place.put(
        demo()
        .file("demo/x", b"", packed=bomb, local=lie, central=lie)
        .row("demo/x", size="")
    )
    most = 0

    def on_event(event: object) -> None:
        nonlocal most
        if isinstance(event, unwheel.BytesDone):
            most = max(most, event.size)

    with place.untouched(), pytest.raises(CorruptMemberError) as caught:
        unwheel.extract(wheel, place.dest, threads=threads, on_event=on_event)

    assert ["SIZE"] == [problem.code for problem in caught.value.problems]
    assert most <= 2 * MIB + 100


BOMBS = {
    "all together": (
        lambda b: b.file("demo/x", bytes(65 * MIB), level=9),
        Policy(),
        "TOTAL_RATIO",
        None,
    ),
    "one member": (
        lambda b: b.file(
            "demo/x", b"", local={"size": MIB}, central={"size": MIB}
        ),
        Policy(),
        "MEMBER_RATIO",
        "demo/x",
    ),
    "sizes that overflow": (
        lambda b: b.file(
            "demo/x",
            b"x",
            zip64=True,
            local={"extra": lambda e: e[:4] + b"\xff" * 8 + e[12:]},
            central={"extra": lambda e: e[:4] + b"\xff" * 8 + e[12:]},
        ),
        Policy(),
        "TOTAL_TOO_LARGE",
        None,
    ),
    "a member over the limit": (
        lambda b: b.file("demo/x", bytes(500)),
        Policy(limits=Limits(member_size=499)),
        "MEMBER_TOO_LARGE",
        "demo/x",
    ),
    "entries": (
        lambda b: b.file("demo/x"),
        Policy(limits=Limits(entries=5)),
        "TOO_MANY_ENTRIES",
        None,
    ),
    "a long name": (
        lambda b: b.file("d/" * 60 + "x" * 250),
        Policy(limits=Limits(component_length=249)),
        "COMPONENT_TOO_LONG",
        "d/" * 60 + "x" * 250,
    ),
    "a deep name": (
        lambda b: b.file("d/" * 128 + "x"),
        Policy(),
        "TOO_DEEP",
        "d/" * 128 + "x",
    ),
    "a component that no system holds": (
        lambda b: b.file("demo/" + "x" * 256),
        Policy(),
        "COMPONENT_TOO_LONG",
        "demo/" + "x" * 256,
    ),
    "METADATA": (
        lambda b: b.info("METADATA", half_noise(5 * MIB)),
        Policy(),
        "MEMBER_TOO_LARGE",
        f"{INFO}/METADATA",
    ),
    "RECORD": (
        lambda b: b,
        Policy(limits=Limits(record_size=50)),
        "MEMBER_TOO_LARGE",
        f"{INFO}/RECORD",
    ),
    "a link's target": (
        lambda b: b.link("demo/l", "x" * 5000),
        Policy(),
        "BAD_TARGET",
        "demo/l",
    ),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_limits(place: Place, bomb: str):
    """
    Larger than allowed is refused by what is stated, before any inflating.
    """
    build, policy, code, member = BOMBS[bomb]
    check(
        place,
        Attack(
            build, LimitError, code, member, tag=PLATFORM_TAG, policy=policy
        ),
    )


def test_a_limit_says_how_to_raise_it(place: Place):
    """
    The knob is named, and turning it helps.
    """
    wheel = place.put(demo().file("demo/x", bytes(MIB)))

    with pytest.raises(LimitError) as caught:
        unwheel.verify(
            wheel, policy=Policy(limits=Limits(member_size=MIB - 1))
        )

    assert "limits.member_size" == caught.value.problems[0].accept
    unwheel.verify(wheel, policy=Policy(limits=Limits(member_size=MIB)))


# -------------------------------------------------------------------- RECORD


def row(text: str, code: str, member: str | None) -> Attack:
    """One more row of RECORD."""
    return Attack(lambda b: b.more_rows(text), RecordError, code, member)


SHA = digest_of(b"answer = 42\n")

RECORDS = {
    "a row outside the tree": row(
        f"../../etc/passwd,{SHA},1", "RECORD_NAME", "../../etc/passwd"
    ),
    "an absolute row": row(
        f"/etc/passwd,{SHA},1", "RECORD_NAME", "/etc/passwd"
    ),
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


@pytest.mark.parametrize("attack", RECORDS.values(), ids=RECORDS.keys())
def test_record(place: Place, attack: Attack):
    """
    RECORD lies, or leaves something out.
    """
    check(place, attack)


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


@pytest.mark.parametrize("attack", WHEELS.values(), ids=WHEELS.keys())
def test_wheels(place: Place, attack: Attack):
    """
    It says of itself what is not, or not one thing.
    """
    check(place, attack)


@pytest.mark.parametrize(
    "name",
    [
        "demo.zip",
        "demo-1.0.whl",
        "demo-1.0-py3-none-any.whl.zip",
        ".-1.0-py3-none-any.whl",
        "..-1.0-py3-none-any.whl",
        "demo-1.0-py3-none-any\n.whl",
    ],
)
def test_what_is_not_called_a_wheel(place: Place, name: str):
    """
    The file name is where the destination of many comes from.
    """
    wheel = place.wheels / name
    wheel.write_bytes(demo().build())

    with place.untouched():
        [outcome] = unwheel.extract_many([wheel], place.out)

    assert isinstance(outcome, InvalidWheelError)
    assert ["FILENAME"] == [problem.code for problem in outcome.problems]


def test_another_wheel_under_this_name(place: Place):
    """
    Renamed, or sent in place of another.
    """
    wheel = place.wheels / "demo-1.0-py3-none-any.whl"
    wheel.write_bytes(WheelBuilder("evil", "1.0").build())

    with place.untouched(), pytest.raises(InvalidWheelError) as caught:
        unwheel.extract(wheel, place.dest)

    assert ["DIST_INFO_NAME"] == [p.code for p in caught.value.problems]


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
    "absolute": to("/etc/passwd", "ABSOLUTE"),
    "out": to("../../etc/passwd", "ESCAPES"),
    "out by one": to("../../tree-evil", "ESCAPES"),
    "to the root of the tree": to("..", "ANCESTOR"),
    "to its own folder": to(".", "ANCESTOR"),
    "another wheel's file": to("../numpy/core.so", "OTHER_WHEEL"),
    "dangling": to("nothing.so", "DANGLING"),
    "beneath a file": to("__init__.py/x", "DANGLING"),
    "itself": to("l", "CYCLE"),
    "empty": to("", "BAD_TARGET"),
    "NUL": to(b"__init__.py\0/etc/passwd", "BAD_TARGET"),
    "control character": to("__init__.py\n", "BAD_TARGET"),
    "not UTF-8": to(b"\xff", "BAD_TARGET"),
    "backslash": to("..\\..\\evil", "BAD_TARGET"),
    "drive letter": to("C:/evil", "BAD_TARGET"),
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
        lambda b: b.link("demo/pkg", "/etc").file("demo/pkg/x.py", b"x"),
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
        lambda b: b.link("demo/l", "__init__.py").link("demo/l", "/etc"),
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
}


@pytest.mark.parametrize("attack", LINKS.values(), ids=LINKS.keys())
def test_links(place: Place, attack: Attack):
    """
    A link that could lead out, nowhere, or to what is not its business.
    """
    check(place, attack)


def test_a_link_with_a_record_row_of_its_target(place: Place):
    """
    RECORD has the digest of the text, not of what the target contains.
    """
    wheel = place.put(
        demo(PLATFORM_TAG)
        .link("demo/l", "__init__.py")
        .row("demo/l", digest=SHA)
    )

    with place.untouched(), pytest.raises(RecordError) as caught:
        unwheel.extract(wheel, place.dest)

    assert [("RECORD_MISMATCH", "demo/l")] == [
        (p.code, p.member) for p in caught.value.problems
    ]


def test_a_link_whose_payload_is_corrupt(place: Place):
    """
    Its CRC is checked before it is believed.
    """
    lie = {"crc32": 1}
    wheel = place.put(
        demo(PLATFORM_TAG).link(
            "demo/l", "__init__.py", local=lie, central=lie
        )
    )

    with place.untouched(), pytest.raises(CorruptMemberError) as caught:
        unwheel.extract(wheel, place.dest)

    assert [("CRC32", "demo/l")] == [
        (p.code, p.member) for p in caught.value.problems
    ]
    assert str(wheel) == caught.value.wheel


def test_links_that_are_made(place: Place):
    """
    Siblings, chains, folders, other folders: as stored, to what is there.
    """
    wheel = place.put(
        demo(PLATFORM_TAG)
        .file("demo/lib/libx.so.1.2", half_noise(MIB))
        .link("demo/lib/libx.so.1", "libx.so.1.2")
        .link("demo/lib/libx.so", "libx.so.1")
        .link("demo/current", "lib")
        .link("demo/lib64", "./lib/")
        .link("demo/include/x.py", "../__init__.py")
        .link("other", "demo/lib")
        .link("demo-1.0.data/data/a/l", "../f")
        .file("demo-1.0.data/data/f", b"f")
    )

    report = unwheel.extract(wheel, place.dest)

    tree = tree_of(place.dest)
    links = {
        "demo/lib/libx.so.1": "libx.so.1.2",
        "demo/lib/libx.so": "libx.so.1",
        "demo/current": "lib",
        "demo/lib64": "./lib/",
        "demo/include/x.py": "../__init__.py",
        "other": "demo/lib",
        "demo-1.0.data/data/a/l": "../f",
    }
    assert links == {fact.path: fact.target for fact in report.links}
    assert {"link"} == {fact.outcome for fact in report.links}
    for name, target in links.items():
        assert f"-> {target}" == tree[name]
        assert (place.dest / name).exists()
    assert files_of(wheel).keys() - links.keys() == only_files(tree).keys()
    assert len(only_files(tree)) == report.members


def test_a_chain_of_sixteen_is_made(place: Place):
    """
    The longest that is allowed.
    """
    wheel = place.put(chain(16)(demo(PLATFORM_TAG)))

    unwheel.extract(wheel, place.dest)

    assert b"answer = 42\n" == (place.dest / "demo/l15").read_bytes()


def test_links_come_last(place: Place, monkeypatch: pytest.MonkeyPatch):
    """
    While files are written there is no link that could be written through.
    """
    wheel = place.put(
        demo(PLATFORM_TAG)
        .link("demo/a", "z.bin")
        .file("demo/z.bin", half_noise(2 * MIB))
    )
    seen = []
    symlink = unwheel.native.Tree.symlink

    def spy(tree: unwheel.native.Tree, name: str, target: str) -> None:
        [staged] = place.out.iterdir()
        seen.append(set(only_files(tree_of(staged))))
        symlink(tree, name, target)

    monkeypatch.setattr(unwheel.native.Tree, "symlink", spy)

    unwheel.extract(wheel, place.dest)

    assert [set(only_files(tree_of(place.dest)))] == seen


def test_a_host_without_links_is_told_before_writing(
    place: Place, monkeypatch: pytest.MonkeyPatch
):
    """
    FAT, or Windows without the privilege: nothing is half done.
    """
    wheel = place.put(demo(PLATFORM_TAG).link("demo/l", "__init__.py"))
    monkeypatch.setattr(unwheel.native.Tree, "can_symlink", lambda _: False)

    with place.untouched(), pytest.raises(unwheel.DestinationError) as caught:
        unwheel.extract(wheel, place.dest)

    assert [("HOST_CANNOT", "demo/l")] == [
        (p.code, p.member) for p in caught.value.problems
    ]


# ------------------------------------------------------------ odd, but sound


def stored_blocks(data: bytes) -> bytes:
    """A DEFLATE stream of stored blocks of one byte, empty ones between."""
    out = b""
    for byte in data:
        out += b"\0\0\0\xff\xff" + b"\0\1\0\xfe\xff" + bytes([byte])
    return out + b"\1\0\0\xff\xff"


SOUND: dict[str, Build] = {
    "no members but metadata": lambda b: b,
    "directory in another order": lambda b: (
        b.file("a", b"a").file("b", b"b").directory_order(3, 1, 0, 2, 6, 5, 4)
    ),
    "ZIP64 record for a small archive": lambda b: b.zip64(),
    "ZIP64 record that nobody needs": lambda b: b.zip64(all_ones=False),
    "ZIP64 sizes for a small member": lambda b: b.file(
        "demo/x", b"x", zip64=True
    ),
    "ZIP64 sizes in the local header only": lambda b: b.file(
        "demo/x", b"x", zip64="local"
    ),
    "data descriptor": lambda b: b.file(
        "demo/x", b"x" * 500, descriptor="signed"
    ),
    "data descriptor of a big member": lambda b: b.file(
        "demo/x", half_noise(2 * MIB), descriptor="signed"
    ),
    "data descriptor with ZIP64": lambda b: b.file(
        "demo/x", b"x", descriptor="signed", zip64=True
    ),
    "comment of the archive": lambda b: b.comment(b"built with love"),
    "times and owners in extra fields": lambda b: b.file(
        "demo/x",
        b"x",
        extra=[(0x5455, b"\1\0\0\0\0"), (0x7875, b"\1\4\0\0\0\0\4\0\0\0\0")],
    ),
    "a Unicode path that agrees": lambda b: b.file(
        "demo/x",
        b"x",
        extra=[
            (
                0x7075,
                b"\1" + struct.pack("<I", zlib.crc32(b"demo/x")) + b"demo/x",
            )
        ],
    ),
    "host MS-DOS": lambda b: b.file("demo/x", b"x", host=0, external_attr=0),
    "host MS-DOS with Unix's mode": lambda b: b.file(
        "demo/x", b"x", host=0, external_attr=0o100644 << 16
    ),
    "directory of MS-DOS": lambda b: b.directory(
        "demo/d/", host=0, external_attr=0x10
    ),
    "mode without a type": lambda b: b.file("demo/x", b"x", kind=0),
    "no mode at all": lambda b: b.file("demo/x", b"x", external_attr=0),
    "directory without a mode": lambda b: b.directory(
        "demo/d/", external_attr=0
    ),
    "flag of UTF-8 on an ASCII name": lambda b: b.file(
        "demo/x", b"x", flags=0x800
    ),
    "flags of the level": lambda b: b.file("demo/x", b"x", flags=6),
    "name beyond the BMP": lambda b: b.file("demo/\U0001f40d.py", b"x"),
    "name with spaces and commas": lambda b: b.file("demo/a, b.py", b"x"),
    "name with quotes": lambda b: b.file("demo/'q'.py", b"x"),
    "dots in names": lambda b: b.file("demo/..a/b..c/...d.py", b"x"),
    "hidden names": lambda b: b.file(".hidden/.x", b"x"),
    "names that almost are ours": lambda b: b.file(
        "demo/.unwheel-0123456789abcdef", b"x"
    ).file(".unwheel", b"x"),
    "a deep name": lambda b: b.file("d/" * 127 + "x", b"x"),
    "a long component": lambda b: b.file("demo/" + "x" * 255, b"x"),
    "empty, deflated": lambda b: b.file("demo/x", b""),
    "empty, stored": lambda b: b.file("demo/x", b"", method=STORED),
    "empty, in a stored block": lambda b: b.file(
        "demo/x", b"", packed=b"\1\0\0\xff\xff"
    ),
    "stored blocks": lambda b: b.file(
        "demo/x", b"hello", packed=stored_blocks(b"hello")
    ),
    "a ratio of a thousand": lambda b: b.file(
        "demo/x", bytes(8 * MIB), level=9
    ),
    "the oldest time": lambda b: b.file(
        "demo/x", b"x", dos_date=0, dos_time=0
    ),
    "a time that is none": lambda b: b.file(
        "demo/x", b"x", dos_date=0xFFFF, dos_time=0xFFFF
    ),
    "CRLF in RECORD": lambda b: b.record(
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
    ),
    "no sizes in RECORD": lambda b: b.row(FIRST, size=""),
    "a signature": lambda b: b.info("RECORD.jws", b"{}").without_row(
        f"{INFO}/RECORD.jws"
    ),
    "all kinds of data": lambda b: (
        b.file("demo-1.0.data/scripts/tool", b"#!python\n", mode=0o755)
        .file("demo-1.0.data/data/share/x", b"x")
        .file("demo-1.0.data/headers/x.h", b"x")
        .file("demo-1.0.data/purelib/x.py", b"x")
        .file("demo-1.0.data/platlib/x.so", b"x")
    ),
}


@pytest.mark.parametrize("build", SOUND.values(), ids=SOUND.keys())
def test_odd_but_sound(place: Place, build: Build):
    """
    Taken, as other tools take it.
    """
    wheel = place.put(build(demo()))

    report = unwheel.extract(wheel, place.dest)

    assert () == report.warnings
    assert files_of(wheel) == only_files(tree_of(place.dest))


# ------------------------------------------------------------- what is said


def test_everything_that_is_wrong_is_told(place: Place):
    """
    One refusal, all reasons.
    """
    wheel = place.put(
        demo(PLATFORM_TAG)
        .file("../a", b"a")
        .file("/b", b"b")
        .file("c\\d", b"c")
        .file("dev", b"", kind=stat.S_IFCHR)
    )

    with place.untouched(), pytest.raises(UnsafeMemberError) as caught:
        unwheel.extract(wheel, place.dest)

    assert [
        ("FILE_TYPE", "dev"),
        ("DOTDOT", "../a"),
        ("ABSOLUTE", "/b"),
        ("BACKSLASH", "c\\d"),
    ] == [(p.code, p.member) for p in caught.value.problems]
    assert "(and 3 more)" in str(caught.value)


def test_a_message_has_what_was_found_and_expected(place: Place):
    """
    The wheel, the member, found, expected.
    """
    wheel = place.put(wrong_crc(0x1C291CA3)(demo()))

    with pytest.raises(CorruptMemberError) as caught:
        unwheel.verify(wheel)

    expected = (
        f"{wheel}: demo/x: CRC-32 is wrong: "
        f"found {zlib.crc32(b'data'):08x}, expected 1c291ca3"
    )
    assert expected == str(caught.value)


@pytest.mark.parametrize(
    "name", ["a\x1b[31mred", "a\rb", "a\u202eb", "a\x9b2Jb", "a\x7fb"]
)
def test_a_name_cannot_drive_the_terminal(place: Place, name: str):
    """
    Everything that is not printable is escaped in a message.
    """
    wheel = place.put(demo().file(name, b"x"))

    with pytest.raises(UnsafeMemberError) as caught:
        unwheel.verify(wheel)

    assert str(caught.value).isprintable()
    assert name == caught.value.problems[0].member


def test_what_is_found_cannot_drive_the_terminal_either(place: Place):
    """
    A stranger's text in METADATA, WHEEL, RECORD or a link.
    """
    escape = "\x1b[31m"
    builds: list[Build] = [
        wheel_file(f"Wheel-Version: {escape}\n"),
        lambda b: b.info("METADATA", f"Name: {escape}\nVersion: 1\n"),
        lambda b: b.row(FIRST, digest=f"{escape}=abc"),
        lambda b: b.row(FIRST, size=escape),
        lambda b: b.more_rows(f"{escape},,"),
        lambda b: b.link("demo/l", f"{escape}/x"),
        lambda b: b.link("demo/l", "/etc").info(
            "METADATA",
            "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n"
            f"Author-email: {escape}\n",
        ),
    ]
    for build in builds:
        wheel = place.put(build(demo(PLATFORM_TAG)))
        with pytest.raises(UnwheelError) as caught:
            unwheel.verify(wheel)
        for problem in caught.value.problems:
            assert str(problem).isprintable()


# ------------------------------------------------------------------ the source


def test_a_wheel_that_is_missing(place: Place):
    """
    Our side: ENOENT.
    """
    with place.untouched(), pytest.raises(unwheel.SourceError) as caught:
        unwheel.extract(place.wheels / "demo-1.0-py3-none-any.whl", place.dest)

    assert ["ENOENT"] == [problem.code for problem in caught.value.problems]
    assert isinstance(caught.value, OSError)


@pytest.mark.parametrize("kind", ["directory", "FIFO", "device", "loop"])
@pytest.mark.skipif(os.name == "nt", reason="Windows has none of them")
def test_a_wheel_that_is_no_file(place: Place, kind: str):
    """
    Told at once: opening a FIFO must not wait for a writer.
    """
    wheel = place.wheels / "demo-1.0-py3-none-any.whl"
    if kind == "directory":
        wheel.mkdir()
    elif kind == "FIFO":
        os.mkfifo(wheel)
    elif kind == "device":
        wheel.symlink_to("/dev/zero")
    else:
        wheel.symlink_to(wheel.name)

    with place.untouched(), pytest.raises(unwheel.SourceError) as caught:
        unwheel.extract(wheel, place.dest)

    assert str(wheel) == caught.value.wheel


@pytest.mark.parametrize(
    "content",
    [b"", b"P", b"PK", b"PK\5\6", END[:-1], b"\0" * 22, b"hello" * 1000],
    ids=["empty", "P", "PK", "4", "21", "zeros", "text"],
)
def test_what_is_no_archive(place: Place, content: bytes):
    """
    Empty, short or something else.
    """
    wheel = place.wheels / "demo-1.0-py3-none-any.whl"
    wheel.write_bytes(content)

    with place.untouched(), pytest.raises(ArchiveError):
        unwheel.extract(wheel, place.dest)


def test_an_archive_without_members(place: Place):
    """
    A sound archive, and no wheel.
    """
    wheel = place.wheels / "demo-1.0-py3-none-any.whl"
    wheel.write_bytes(END)

    with place.untouched(), pytest.raises(InvalidWheelError):
        unwheel.extract(wheel, place.dest)


def test_every_cut_of_a_wheel_is_refused(place: Place):
    """
    A download that broke off, at every byte.
    """
    content = demo().file("demo/x", b"x" * 100).build()
    wheel = place.wheels / "demo-1.0-py3-none-any.whl"

    with_less = []
    for length in range(len(content)):
        wheel.write_bytes(content[:length])
        try:
            unwheel.verify(wheel)
        except ArchiveError:
            continue
        with_less.append(length)

    assert [] == with_less


def cut(path: Path, length: int) -> None:
    """Cut the file short, as somebody else could."""
    with open(path, "r+b") as file:
        file.truncate(length)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("size", [100, 5 * MIB], ids=["small", "big"])
def test_a_wheel_cut_short_while_it_is_used(
    place: Place, size: int, threads: int
):
    """
    An error that says so: no crash, nothing left.
    """
    wheel = place.put(demo().file("zz", half_noise(size), method=STORED))
    threshold = wheel.stat().st_size // 4

    def on_event(event: object) -> None:
        if isinstance(event, unwheel.WheelPlanned):
            cut(wheel, threshold)

    with pytest.raises(unwheel.SourceError) as caught:
        unwheel.extract(wheel, place.dest, threads=threads, on_event=on_event)

    assert {"SOURCE_TRUNCATED"} == {p.code for p in caught.value.problems}
    assert [] == os.listdir(place.out)


def test_a_wheel_exchanged_while_it_is_used(place: Place):
    """
    What was judged is what is extracted: the open file, not the name.
    """
    wheel = place.put(demo().file("demo/x", half_noise(2 * MIB)))
    expected = files_of(wheel)

    def on_event(event: object) -> None:
        if isinstance(event, unwheel.WheelPlanned):
            evil = place.root / "evil"
            evil.write_bytes(demo().file("demo/x", b"evil").build())
            evil.replace(wheel)

    unwheel.extract(wheel, place.dest, on_event=on_event)

    assert expected == only_files(tree_of(place.dest))


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_a_wheel_changed_under_us(place: Place, algorithm: str):
    """
    Content that changes after it was judged is found by its digest.
    """
    builder = WheelBuilder("demo", "1.0", algorithm=algorithm)
    wheel = place.put(builder.file("x", half_noise(2 * MIB), method=STORED))

    def on_event(event: object) -> None:
        if isinstance(event, unwheel.WheelPlanned):
            with open(wheel, "r+b") as file:
                file.seek(MIB)
                file.write(b"evil")

    with pytest.raises(CorruptMemberError) as caught:
        unwheel.extract(wheel, place.dest, on_event=on_event)

    assert ["CRC32"] == [problem.code for problem in caught.value.problems]
    assert [] == os.listdir(place.out)
