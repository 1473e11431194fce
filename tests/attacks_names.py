"""
Attacks by names, and by what is said to have them.
"""

from __future__ import annotations

import stat

from attack import DEFAULT, INFO, OUTSIDE, PORTABLE, Attack
from places import PLATFORM_TAG

from unwheel import (
    Policy,
    UnsafeMemberError,
)


def named(
    name: str | bytes, code: str, policy: Policy = DEFAULT, **lies: object
) -> Attack:
    """A file of a name that is refused."""
    text = (
        name
        if isinstance(name, str)
        else name.decode("utf-8", "surrogateescape")
    )
    return Attack(
        lambda b: b.file(name, b"x", **lies),
        UnsafeMemberError,
        code,
        text,
        policy=policy,
    )


def a_directory(name: str, code: str) -> Attack:
    """A directory of a name that is refused."""
    return Attack(lambda b: b.directory(name), UnsafeMemberError, code, name)


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
    "the root as a directory": a_directory("/", "ABSOLUTE"),
    "this directory as a directory": a_directory("./", "DOT_COMPONENT"),
    "the parent as a directory": a_directory("../", "DOTDOT"),
    "directory with two slashes": a_directory("demo/x//", "EMPTY_COMPONENT"),
    "directory twice": Attack(
        lambda b: b.directory("demo/x/").directory("demo/x/"),
        UnsafeMemberError,
        "DUPLICATE",
        "demo/x/",
    ),
    "RECORD twice": Attack(
        lambda b: b.info("RECORD", "a").info("RECORD", "b"),
        UnsafeMemberError,
        "DUPLICATE",
        f"{INFO}/RECORD",
    ),
    "the metadata as a file": Attack(
        lambda b: b.file(INFO, b"x"),
        UnsafeMemberError,
        "FILE_AND_DIRECTORY",
        INFO,
    ),
    "one plain, one up and down": named("x/../demo/__init__.py", "DOTDOT"),
    "one plain, one with a dot": named("./demo/__init__.py", "DOT_COMPONENT"),
    "one plain, one absolute": named("/demo/__init__.py", "ABSOLUTE"),
    "dots at the end of a directory": named("demo/x/.", "DOT_COMPONENT"),
    "dots and spaces": named("demo/. ./x", "TRAILING_DOT_OR_SPACE", PORTABLE),
    "two dots and a space at the end": named("demo/.. ", "DOTDOT"),
    "a drive and nothing": named("c:", "DRIVE_LETTER"),
    "drive letter with a backslash": named("C:\\unwheel-evil", "BACKSLASH"),
    "a device path": named("//./unwheel-evil", "ABSOLUTE"),
    "a verbatim path": named("\\\\?\\C:\\unwheel-evil", "BACKSLASH"),
    "backslash at the end": named("demo/x\\", "BACKSLASH"),
    "tab": named("demo/a\tb.py", "CONTROL_CHARACTER"),
    "carriage return": named("demo/a\rb.py", "CONTROL_CHARACTER"),
    "next line": named("demo/a\u0085b.py", "CONTROL_CHARACTER"),
    "soft hyphen": named("demo/a\u00adb.py", "CONTROL_CHARACTER"),
    "line separator, and a row of RECORD": named(
        f"demo\u2028{OUTSIDE}", "CONTROL_CHARACTER"
    ),
    "paragraph separator": named("demo/\u2029a.py", "CONTROL_CHARACTER"),
    "byte order mark": named("\ufeffdemo/a.py", "CONTROL_CHARACTER"),
    "no character": named("demo/\uffff.py", "CONTROL_CHARACTER"),
    "tags that hide text": named("demo/a\U000e0041.py", "CONTROL_CHARACTER"),
    "left to right isolate": named("demo/\u2066a.py", "CONTROL_CHARACTER"),
    "UTF-8 cut short": named(b"demo/\xe2\x82", "NOT_UTF8", flags=0x800),
    "beyond Unicode": named(b"demo/\xf4\x90\x80\x80", "NOT_UTF8", flags=0x800),
    "overlong dots": named(
        b"demo/\xc0\xae\xc0\xae/x", "NOT_UTF8", flags=0x800
    ),
    "UTF-8 of UTF-16": named(
        b"demo/\xed\xa0\xbd\xed\xb0\x8d", "NOT_UTF8", flags=0x800
    ),
    "Latin-1": named("demo/\u00e9".encode("latin-1"), "NOT_UTF8"),
    "Shift JIS with a backslash in it": named(
        "demo/\u8868".encode("shift-jis"), "BACKSLASH"
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
    "less than": unportable("demo/a<b", "RESERVED_CHARACTER"),
    "greater than": unportable("demo/a>b", "RESERVED_CHARACTER"),
    "quote": unportable('demo/a"b', "RESERVED_CHARACTER"),
    "bar": unportable("demo/a|b", "RESERVED_CHARACTER"),
    "asterisk": unportable("demo/*.py", "RESERVED_CHARACTER"),
    "stream of a directory": unportable("demo::$INDEX_ALLOCATION/x", "COLON"),
    "drive letter further in": unportable("demo/C:/x", "COLON"),
    "a dot after a directory": unportable("demo./x", "TRAILING_DOT_OR_SPACE"),
    "nothing but a space": unportable("demo/ /x", "TRAILING_DOT_OR_SPACE"),
    "device in capitals": unportable("demo/CON", "DEVICE_NAME"),
    "device in mixed case": unportable("demo/Prn.Tar.gz", "DEVICE_NAME"),
    "device as a directory": unportable("nul/x", "DEVICE_NAME"),
    "device with a number": unportable("demo/com0.py", "DEVICE_NAME"),
    "device with a space": unportable("demo/LPT9 .txt", "DEVICE_NAME"),
    "the console's input": unportable("demo/CONIN$", "DEVICE_NAME"),
    "the console's output": unportable("demo/conout$.x", "DEVICE_NAME"),
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
    "composed directories": clash(
        "\u00e9/a", "e\u0301/b", "NFC_CLASH", "\u00e9"
    ),
    "Greek sigmas": clash(
        "demo/\u03c3", "demo/\u03c2", "CASE_CLASH", "demo/\u03c2"
    ),
    "a ligature": clash("demo/\ufb01", "demo/FI", "CASE_CLASH", "demo/FI"),
    "the Kelvin sign": clash(
        "demo/k", "demo/\u212a", "CASE_CLASH", "demo/\u212a"
    ),
    "the Angstrom sign": clash(
        "demo/\u00c5", "demo/\u212b", "NFC_CLASH", "demo/\u212b"
    ),
    "the metadata": clash(
        f"{INFO}/METADATA",
        f"{INFO}/metadata",
        "CASE_CLASH",
        f"{INFO}/metadata",
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
    "whiteout of BSD": typed(0o160000, 3, "FILE_TYPE"),
    "door of Solaris": typed(0o150000, 3, "FILE_TYPE"),
    "FIFO of another host": typed(stat.S_IFIFO, 0, "FILE_TYPE"),
    "device of macOS's host": typed(stat.S_IFBLK, 19, "FILE_TYPE"),
    # A directory to Go, whose reader takes macOS for Unix.
    "directory of macOS's host without a slash": typed(
        stat.S_IFDIR, 19, "SLASH_NAME"
    ),
    "directory of MS-DOS without a slash, by its mode": typed(
        stat.S_IFDIR, 0, "SLASH_NAME"
    ),
    "slash and file of macOS's host": slashed(stat.S_IFREG, 19, "strict"),
    "slash and FIFO of MS-DOS": slashed(stat.S_IFIFO, 0, "strict"),
    "a file that NTFS calls a directory": Attack(
        lambda b: b.file("demo/x", b"x", host=10, external_attr=0x10),
        UnsafeMemberError,
        "SLASH_NAME",
        "demo/x",
    ),
    "a file that VFAT calls a directory": Attack(
        lambda b: b.file("demo/x", b"x", host=14, external_attr=0x10),
        UnsafeMemberError,
        "SLASH_NAME",
        "demo/x",
    ),
    "a file of Unix that MS-DOS would call a directory": Attack(
        lambda b: b.file("demo/x", b"x", external_attr=0o100644 << 16 | 0x10),
        UnsafeMemberError,
        "SLASH_NAME",
        "demo/x",
    ),
    # unzip passes over one, and says nothing.
    "volume label of MS-DOS": Attack(
        lambda b: b.file("demo/x", b"x", host=0, external_attr=0x08),
        UnsafeMemberError,
        "FILE_TYPE",
        "demo/x",
    ),
    "directory that is a volume label": Attack(
        lambda b: b.file("demo/x/", host=0, external_attr=0x18),
        UnsafeMemberError,
        "FILE_TYPE",
        "demo/x/",
    ),
    "reparse point of NTFS": Attack(
        lambda b: b.file("demo/x", b"x", host=10, external_attr=0x400),
        UnsafeMemberError,
        "FILE_TYPE",
        "demo/x",
    ),
    "a link with a slash": Attack(
        lambda b: b.link("demo/l/", ""),
        UnsafeMemberError,
        "SLASH_NAME",
        "demo/l/",
        tag=PLATFORM_TAG,
    ),
}
