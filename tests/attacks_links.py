"""
Attacks by symbolic links.
"""

from __future__ import annotations

from attack import (
    INFO,
    OUTSIDE,
    SHA,
    Attack,
    Build,
)
from builder import (
    WheelBuilder,
)
from places import PLATFORM_TAG

from unwheel import (
    CorruptMemberError,
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
