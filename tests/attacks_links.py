"""
Attacks by symbolic links.
"""

from __future__ import annotations

from attack import (
    FIRST,
    INFO,
    OUTSIDE,
    SHA,
    WHEEL2,
    Attack,
    Build,
    of_version_2,
)
from builder import WheelBuilder
from places import PLATFORM_TAG

from unwheel import (
    CorruptMemberError,
    InvalidWheelError,
    LinkPolicy,
    Policy,
    RecordError,
    UnsafeMemberError,
)


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


def in_links(rows: bytes, code: str, member: str) -> Attack:
    """A file LINKS, of a wheel in which it has a meaning (PEP 778)."""
    return Attack(
        lambda b: of_version_2(b).info("LINKS", rows),
        UnsafeMemberError,
        code,
        member,
        policy=Policy(links=WHEEL2),
    )


# What wheel-axle's run time would make later.
AXLE = Policy(links=LinkPolicy.named("strict").replace(encodings=("axle",)))

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
    "absolute, to itself": to("/proc/self/cwd", "ABSOLUTE"),
    "two slashes": to("//tmp/unwheel-evil", "ABSOLUTE"),
    "home directory": to("~/unwheel-evil", "DANGLING"),
    "out and in again": to("../../out/tree/demo/__init__.py", "ESCAPES"),
    "out of the root, from the root": link(
        "ESCAPES", lambda b: b.link("l", "../unwheel-evil"), "l"
    ),
    "drive letter without a slash": to("C:unwheel-evil", "BAD_TARGET"),
    "UNC": to("\\\\server\\unwheel-evil", "BAD_TARGET"),
    "empty component": to("..//demo/__init__.py", "BAD_TARGET"),
    "in another case": to("__INIT__.py", "DANGLING"),
    "a folder in which nothing is": to("../demo/none/", "DANGLING"),
    "the metadata in another case": to(
        f"../{INFO.upper()}/METADATA", "IN_METADATA"
    ),
    "the folder of the metadata": to(f"../{INFO}", "IN_METADATA"),
    "a link to a link that leaves": link(
        "ESCAPES",
        lambda b: b.link("demo/a", "../../unwheel-evil").link("demo/b", "a"),
        "demo/b",
    ),
    "a link to a link that is absolute": link(
        "ABSOLUTE",
        lambda b: b.link("demo/a", OUTSIDE).link("demo/b", "a"),
        "demo/b",
    ),
    "by way of a link, up from where it leads": link(
        "BAD_TARGET",
        lambda b: (
            b.file("a/b/c", b"x")
            .link("demo/l", "../a/b")
            .link("demo/m", "l/../../../unwheel-evil")
        ),
        "demo/m",
    ),
    "up from a folder that is a link": link(
        "HAS_CHILDREN",
        lambda b: b.link("demo/s", "..").link("demo/s/l", "../unwheel-evil"),
        "demo/s",
    ),
    "a circle of three": link(
        "CYCLE",
        lambda b: (
            b.link("demo/a", "b").link("demo/b", "c").link("demo/c", "a")
        ),
        "demo/c",
    ),
    "into its own folder": link(
        "CYCLE", lambda b: b.link("demo/a", "a/b"), "demo/a"
    ),
    "two folders that lead into each other": link(
        "ANCESTOR",
        lambda b: (
            b.file("a/x", b"")
            .file("b/y", b"")
            .link("a/l", "../b")
            .link("b/m", "../a")
        ),
        "a/l",
    ),
    "a member beneath it, before": link(
        "HAS_CHILDREN",
        lambda b: b.file("demo/pkg/x.py", b"x").link("demo/pkg", OUTSIDE),
        "demo/pkg",
    ),
    "a directory, and then a link of its name": link(
        "HAS_CHILDREN",
        lambda b: b.directory("demo/pkg/").link("demo/pkg", OUTSIDE),
        "demo/pkg",
    ),
    "a file, and then a link of its name": link(
        "DUPLICATE",
        lambda b: b.file("demo/x", b"").link("demo/x", OUTSIDE),
        "demo/x",
    ),
    "an entry beneath a file": link(
        "FILE_AND_DIRECTORY",
        lambda b: b.link(f"{FIRST}/l", "../tool.sh"),
        FIRST,
    ),
    "the place of a scheme": link(
        "CROSS_SCHEME",
        lambda b: b.link("demo-1.0.data/purelib", "../demo"),
        "demo-1.0.data/purelib",
    ),
    "the place of all schemes": link(
        "CROSS_SCHEME",
        lambda b: b.link("demo-1.0.data", "demo"),
        "demo-1.0.data",
    ),
    "the place of the metadata": link(
        "IN_METADATA",
        lambda b: b.link("other-2.0.dist-info", "demo"),
        "other-2.0.dist-info",
    ),
    "METADATA itself": Attack(
        lambda b: b.link(f"{INFO}/METADATA", "WHEEL"),
        InvalidWheelError,
        "METADATA_FIELDS",
        tag=PLATFORM_TAG,
    ),
    "a name that leaves": link(
        "DOTDOT",
        lambda b: b.link("../unwheel-evil", "demo"),
        "../unwheel-evil",
    ),
    "deflated, and cut short": Attack(
        lambda b: b.link("demo/l", "tool.sh", method=8, packed=b""),
        CorruptMemberError,
        "DEFLATE_TRUNCATED",
        "demo/l",
        tag=PLATFORM_TAG,
    ),
    "for any platform among others": link(
        "ANY_TAG",
        lambda b: b.link("demo/l", "__init__.py"),
        "demo/l",
        tag="py3-none-linux_x86_64.any",
    ),
    "out of the editable root": link(
        "EDITABLE_ROOT",
        lambda b: b.link("demo/l", OUTSIDE),
        "demo/l",
        policy=Policy(
            links=LinkPolicy.named("editable").replace(
                editable_root="/nowhere/at/all"
            )
        ),
    ),
    # ------------------------------------------------------ in other files
    "LINKS in a wheel of version 2": Attack(
        lambda b: of_version_2(b).info("LINKS", "demo/l,demo/tool.sh\n"),
        InvalidWheelError,
        "WHEEL_VERSION_UNKNOWN",
    ),
    "LINKS that is not UTF-8": in_links(
        b"\xff,demo/tool.sh\n", "LINKS_NOT_UTF8", f"{INFO}/LINKS"
    ),
    "LINKS of three fields": in_links(
        b"a,b,c\n", "LINKS_FIELDS", f"{INFO}/LINKS"
    ),
    "LINKS that leads out": in_links(
        b"demo/l,../../unwheel-evil\n", "DOTDOT", "../../unwheel-evil"
    ),
    "LINKS that is made outside": in_links(
        b"../unwheel-evil,demo/tool.sh\n", "DOTDOT", "../unwheel-evil"
    ),
    "LINKS with an absolute target": in_links(
        b"demo/l,/tmp/unwheel-evil\n", "ABSOLUTE", "/tmp/unwheel-evil"
    ),
    "LINKS into the metadata": in_links(
        f"demo/l,{INFO}/METADATA\n".encode(), "IN_METADATA", f"{INFO}/METADATA"
    ),
    "LINKS into another scheme": in_links(
        b"demo/l,demo-1.0.data/data/x\n",
        "CROSS_SCHEME",
        "demo-1.0.data/data/x",
    ),
    "LINKS that dangles": in_links(
        b"demo/l,demo/nothing\n", "LINKS_DIRECTION", "demo/l"
    ),
    "LINKS over a file": in_links(
        b"demo/tool.sh,demo/__init__.py\n", "LINKS_DIRECTION", "demo/tool.sh"
    ),
    "LINKS that says other than the entries": Attack(
        lambda b: (
            of_version_2(b)
            .link("demo/l", "tool.sh")
            .info("LINKS", "demo/l,demo/__init__.py\n")
        ),
        UnsafeMemberError,
        "LINKS_CONFLICT",
        "demo/l",
        tag=PLATFORM_TAG,
        policy=Policy(links=WHEEL2),
    ),
    "LINKS that leaves a link out": Attack(
        lambda b: of_version_2(b).link("demo/l", "tool.sh").info("LINKS", ""),
        UnsafeMemberError,
        "LINKS_CONFLICT",
        "demo/l",
        tag=PLATFORM_TAG,
        policy=Policy(links=WHEEL2),
    ),
    "symlinks.txt that leads out": Attack(
        lambda b: b.info("symlinks.txt", "demo/l,../../unwheel-evil,0\n"),
        UnsafeMemberError,
        "ESCAPES",
        "demo/l",
        tag=PLATFORM_TAG,
        policy=AXLE,
    ),
    "symlinks.txt that is made outside": Attack(
        lambda b: b.info("symlinks.txt", "../unwheel-evil,demo/tool.sh,0\n"),
        UnsafeMemberError,
        "DOTDOT",
        "../unwheel-evil",
        tag=PLATFORM_TAG,
        policy=AXLE,
    ),
    "symlinks.txt of two fields": Attack(
        lambda b: b.info("symlinks.txt", "demo/l,tool.sh\n"),
        UnsafeMemberError,
        "LINKS_FIELDS",
        f"{INFO}/symlinks.txt",
        tag=PLATFORM_TAG,
        policy=AXLE,
    ),
    "symlinks.txt that calls a file a folder": Attack(
        lambda b: b.info("symlinks.txt", "demo/l,tool.sh,1\n"),
        UnsafeMemberError,
        "BAD_TARGET",
        "demo/l",
        tag=PLATFORM_TAG,
        policy=AXLE,
    ),
}
