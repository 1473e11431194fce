"""
Odd and sound: links that lead to what they may lead to.
"""

from __future__ import annotations

from attack import INFO, WHEEL2, Build, of_version_2
from attacks_links import AXLE, chain
from builder import WheelBuilder, digest_of
from places import PLATFORM_TAG
from sound_case import Sound

from unwheel import LinkPolicy, Policy

ANY = "py3-none-any"


def linked(build: Build, **more: object) -> Sound:
    """A wheel that may have links."""
    return Sound(build, **({"tag": PLATFORM_TAG} | more))


def to(target: str, **facts: object) -> Sound:
    """A link demo/l to *target*."""
    return linked(lambda b: b.link("demo/l", target, **facts))


def library(builder: WheelBuilder) -> WheelBuilder:
    """A library and its folder, to lead to."""
    return builder.file("demo/lib/libx.so.1.2", b"\x7fELF").file(
        "demo-1.0.data/data/f", b"f"
    )


def by(policy: str | LinkPolicy, build: Build, **more: object) -> Sound:
    """Sound by another policy."""
    return linked(build, policy=Policy(links=policy), **more)


LINKS = {
    "to a file beside it": to("tool.sh"),
    "to a file beside it, with a dot": to("./tool.sh"),
    "with many dots": to("././././tool.sh"),
    "up and down": to("../demo/tool.sh"),
    "up, down and dots": to("./../demo/./tool.sh"),
    "a link at the top": linked(lambda b: b.link("l", "demo/tool.sh")),
    "to a folder": linked(lambda b: library(b).link("demo/lib64", "lib")),
    "to a folder, with a slash": linked(
        lambda b: library(b).link("demo/lib64", "lib/")
    ),
    "to a folder that an entry makes": linked(
        lambda b: b.directory("demo/d/").link("demo/l", "d")
    ),
    "to a folder that is a link": linked(
        lambda b: library(b).link("demo/a", "lib").link("demo/b", "a/")
    ),
    "through a link to a folder": linked(
        lambda b: (
            library(b)
            .link("demo/lib64", "lib")
            .link("demo/l", "lib64/libx.so.1.2")
        )
    ),
    "names of a library": linked(
        lambda b: (
            library(b)
            .link("demo/lib/libx.so.1", "libx.so.1.2")
            .link("demo/lib/libx.so", "libx.so.1")
        )
    ),
    "to what comes later": linked(
        lambda b: b.link("demo/a", "z").file("demo/z", b"z")
    ),
    "to a link that comes later": linked(
        lambda b: b.link("demo/a", "b").link("demo/b", "tool.sh")
    ),
    "the longest chain": linked(chain(16)),
    "two to one file": linked(
        lambda b: b.link("demo/a", "tool.sh").link("demo/b", "tool.sh")
    ),
    "between two packages": linked(
        lambda b: library(b).link("other/l", "../demo/lib")
    ),
    "within a scheme": linked(
        lambda b: library(b).link("demo-1.0.data/data/a/l", "../f")
    ),
    "of a name with letters of others": linked(
        lambda b: b.link("demo/\u00fc", "tool.sh")
    ),
    "to a name with letters of others": linked(
        lambda b: b.file("demo/\u00fc", b"").link("demo/l", "\u00fc")
    ),
    "to a name with spaces": linked(
        lambda b: b.file("demo/a b", b"").link("demo/l", "a b")
    ),
    "to a name that begins with dots": linked(
        lambda b: b.file("demo/..x", b"").link("demo/l", "..x")
    ),
    "to an empty file": linked(
        lambda b: b.file("demo/e", b"").link("demo/l", "e")
    ),
    "of the longest target": linked(
        lambda b: b.link("demo/l", "./" * 2044 + "tool.sh")
    ),
    "of mode 000": to("tool.sh", mode=0),
    "deflated": to("tool.sh", method=8),
    "with a descriptor": to("tool.sh", method=8, descriptor="signed"),
    "with ZIP64": to("tool.sh", zip64=True),
    "with extra fields": to("tool.sh", extra=[(0x5455, b"\1\0\0\0\0")]),
    "with MS-DOS's archive bit": to(
        "tool.sh", external_attr=0o120777 << 16 | 0x20
    ),
    "for macOS": linked(
        lambda b: b.link("demo/l", "tool.sh"),
        tag="cp311-cp311-macosx_11_0_arm64",
    ),
    "for Windows among others": linked(
        lambda b: b.link("demo/l", "tool.sh"),
        tag="py3-none-win_amd64.linux_x86_64",
    ),
    "for any platform, allowed": by(
        LinkPolicy.named("strict").replace(any_tag="allow"),
        lambda b: b.link("demo/l", "tool.sh"),
        tag=ANY,
    ),
    "for any platform, portable": by(
        "portable", lambda b: b.link("demo/l", "tool.sh"), tag=ANY
    ),
    "for Windows, allowed": by(
        LinkPolicy.named("strict").replace(windows_tag="allow"),
        lambda b: b.link("demo/l", "tool.sh"),
        tag="py3-none-win32",
    ),
    "a longer chain, allowed": by(
        LinkPolicy.named("strict").replace(chain_limit=17), chain(17)
    ),
    "as text": by("text", lambda b: b.link("demo/l", "tool.sh")),
    "out, as text": by("text", lambda b: b.link("demo/l", "../../x")),
    "absolute, as text": by("text", lambda b: b.link("demo/l", "/x")),
    "dangling, as text": by("text", lambda b: b.link("demo/l", "x")),
    "not UTF-8, as text": by("text", lambda b: b.link("demo/l", b"\xff")),
    "a link of MS-DOS, as text": by(
        "text", lambda b: b.link("demo/l", "tool.sh", host=0)
    ),
    "dangling, as stored": by("verbatim", lambda b: b.link("demo/l", "x")),
    "a circle, as stored": by(
        "verbatim", lambda b: b.link("demo/a", "b").link("demo/b", "a")
    ),
    "a row with SHA-512 of the text": linked(
        lambda b: b.link("demo/l", "tool.sh").row(
            "demo/l", digest=digest_of(b"tool.sh", "sha512")
        )
    ),
    "a row that tells the target": linked(
        lambda b: b.link("demo/l", "tool.sh").row(
            "demo/l", digest="symlink=tool.sh", size=""
        )
    ),
    "LINKS, the link first": linked(
        lambda b: of_version_2(b).info("LINKS", "demo/l,demo/tool.sh\n"),
        policy=Policy(links=WHEEL2),
    ),
    "LINKS, the target first": linked(
        lambda b: of_version_2(b).info("LINKS", "demo/tool.sh,demo/l\n"),
        policy=Policy(links=WHEEL2),
    ),
    "LINKS for any platform": linked(
        lambda b: of_version_2(b).info("LINKS", "demo/l,demo/tool.sh\n"),
        tag=ANY,
        policy=Policy(links=WHEEL2),
    ),
    "LINKS with quotes and CRLF": linked(
        lambda b: of_version_2(b).info("LINKS", '"demo/l","demo/tool.sh"\r\n'),
        policy=Policy(links=WHEEL2),
    ),
    "LINKS of nothing": linked(
        lambda b: of_version_2(b).info("LINKS", ""),
        policy=Policy(links=WHEEL2),
    ),
    "LINKS that says what the entries say": linked(
        lambda b: (
            of_version_2(b)
            .link("demo/l", "tool.sh")
            .info("LINKS", "demo/l,demo/tool.sh\n")
        ),
        policy=Policy(links=WHEEL2),
    ),
    "LINKS by the extension": linked(
        lambda b: of_version_2(b).info("LINKS", "demo/l,demo/tool.sh\n"),
        policy=Policy(links=WHEEL2),
        called=f"demo-1.0-{PLATFORM_TAG}.whlx",
    ),
    "LINKS before it meant something": Sound(
        lambda b: b.info("LINKS", "demo/l,demo/tool.sh\n"),
        warnings=("LINKS_IGNORED",),
    ),
    "LINKS, for who looks only": Sound(
        lambda b: of_version_2(b).info("LINKS", "nonsense"),
        policy=Policy(links="verbatim"),
    ),
    "wheel-axle's links": linked(
        lambda b: b.info("symlinks.txt", "demo/l,tool.sh,0\n"),
        warnings=("AXLE_LINKS",),
    ),
    "wheel-axle's links, made": linked(
        lambda b: b.info("symlinks.txt", "demo/l,tool.sh,0\n"),
        policy=AXLE,
        more=(f"{INFO}/axle.done",),
    ),
    "wheel-axle's link to a folder, made": linked(
        lambda b: library(b).info("symlinks.txt", "demo/l,lib,1\n"),
        policy=AXLE,
        more=(f"{INFO}/axle.done",),
    ),
    "a field that names a target": Sound(
        lambda b: b.file(
            "demo/x", b"x", extra=[(0x000D, bytes(12) + b"target")]
        ),
        warnings=("LINK_FIELD",),
    ),
    "a field of ASi that names a target": Sound(
        lambda b: b.file(
            "demo/x", b"x", extra=[(0x756E, bytes(14) + b"target")]
        ),
        warnings=("LINK_FIELD",),
    ),
}
