"""
Wheels with links, one odd thing each, and the trees that readers make.

A `LinkCase` knows which of its names to look at and what unwheel says of it;
what other readers do is in test_differential.py.
"""

from __future__ import annotations

import stat
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from builder import DEFLATED, WheelBuilder, digest_of

# Of wheels that pip and uv install here and that may hold links.
HERE_TAG = "py3-none-" + sysconfig.get_platform().replace("-", "_").replace(
    ".", "_"
)
INFO = "demo-1.0.dist-info"
DATA = "demo-1.0.data"
LINK = "demo/link"

Build = Callable[[WheelBuilder, Path], WheelBuilder]


class Seen(NamedTuple):
    """What a name of a tree is."""

    kind: str  # "file", "folder" or "link"
    content: bytes = b""  # of a file; of a link its text
    executable: bool = False


def look(root: Path) -> dict[str, Seen]:
    """All names below *root*, none of them followed."""
    return {
        path.relative_to(root).as_posix(): see(path)
        for path in root.rglob("*")
    }


def see(path: Path) -> Seen:
    """What *path* is, itself."""
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        return Seen("link", bytes(path.readlink()))
    if stat.S_ISDIR(mode):
        return Seen("folder")
    return Seen("file", path.read_bytes(), bool(mode & 0o111))


@dataclass(frozen=True)
class LinkCase:
    """
    A wheel with something about links.

    Attributes:
        build: Adds to an honest wheel what it is about.  The path is a folder
            that stands beside the destination and is no business of a wheel.
        payload: Of the link that is looked at, which is `LINK` by default.
        codes: What unwheel refuses it for; none of a good wheel.
        look_at: The name whose fate is told.
        tag: Of the wheel.
    """

    build: Build
    payload: bytes
    codes: frozenset[str] = field(default_factory=frozenset)
    look_at: str = LINK
    tag: str = HERE_TAG

    def write(self, folder: Path, outside: Path) -> Path:
        """Write the wheel into *folder*."""
        return self.build(base(self.tag), outside).write(folder)


def base(tag: str = HERE_TAG) -> WheelBuilder:
    """A wheel with something to lead to: files, a program, folders."""
    return (
        WheelBuilder("demo", "1.0", tag)
        .file("demo/__init__.py", b"answer = 42\n")
        .file("demo/file", b"the file itself\n")
        .file("demo/run", b"#!/bin/sh\n", mode=0o755)
        .file("demo/folder/inner", b"inner\n")
        .file("demo/other/inner", b"other\n")
    )


def linked(
    target: str | bytes,
    *codes: str,
    name: str = LINK,
    **lies: object,
) -> LinkCase:
    """One link and nothing else; *lies* as in `ArchiveBuilder.file`."""
    payload = target if isinstance(target, bytes) else target.encode()
    return LinkCase(
        lambda b, _: b.link(name, payload, **lies),
        payload,
        frozenset(codes),
        name,
    )


def _more(
    payload: str,
    build: Callable[[WheelBuilder], WheelBuilder],
    *codes: str,
    look_at: str = LINK,
) -> LinkCase:
    return LinkCase(
        lambda b, _: build(b), payload.encode(), frozenset(codes), look_at
    )


def _absolute(b: WheelBuilder, outside: Path) -> WheelBuilder:
    return b.link(LINK, bytes(outside))


def _through_absolute(b: WheelBuilder, outside: Path) -> WheelBuilder:
    return b.link(LINK, bytes(outside)).file(f"{LINK}/planted", b"planted")


def _as_zipfile2(b: WheelBuilder, links: dict[str, str]) -> WheelBuilder:
    for name, target in links.items():
        b.link(name, target, external_attr=0xA1ED0000)
    return b


def _links_file(version: str) -> Build:
    """PEP 778's LINKS in a wheel of this *version*."""

    def build(b: WheelBuilder, _: Path) -> WheelBuilder:
        text = (
            f"Wheel-Version: {version}\nGenerator: unwheel-tests\n"
            f"Root-Is-Purelib: false\nTag: {HERE_TAG}\n"
        )
        return b.info("WHEEL", text).info("LINKS", _LINKS)

    return build


_LINKS = "demo/link,demo/file\n"
_LONG = "a/" * 2499 + "bb"

# What unwheel takes, and what the real unpackers make links of.
SAFE = {
    "sibling": linked("file"),
    "chain": _more(
        "second",
        lambda b: (
            b.link(LINK, "second")
            .link("demo/second", "third")
            .link("demo/third", "file")
        ),
    ),
    "folder": linked("folder"),
    "into a sibling folder": _more(
        "../other/inner",
        lambda b: b.link("demo/folder/link", "../other/inner"),
        look_at="demo/folder/link",
    ),
    "deflated target": linked("file", method=DEFLATED),
    "as zipfile2 writes it": linked("file", external_attr=0xA1ED0000),
    "LINKS in a wheel of version 1": LinkCase(
        _links_file("1.0"), _LINKS.encode(), look_at=f"{INFO}/LINKS"
    ),
}

# What unwheel refuses, and why.
UNSAFE = {
    "dangling": linked("nowhere", "DANGLING"),
    "absolute": LinkCase(_absolute, b"", frozenset({"ABSOLUTE"})),
    "escape": linked("../../outside", "ESCAPES"),
    "two links that escape together": _more(
        "near/..",
        lambda b: b.link("demo/near", "..").link(LINK, "near/.."),
        "ANCESTOR",
        "BAD_TARGET",
    ),
    "cycle": _more(
        "second",
        lambda b: b.link(LINK, "second").link("demo/second", "link"),
        "CYCLE",
    ),
    "itself": linked("link", "CYCLE"),
    "ancestor": linked("..", "ANCESTOR"),
    "file through a folder link, inside": _more(
        "folder",
        lambda b: b.link(LINK, "folder").file(f"{LINK}/planted", b"planted"),
        "HAS_CHILDREN",
        look_at=f"{LINK}/planted",
    ),
    "file through a folder link, outside": _more(
        "../../outside",
        lambda b: _as_zipfile2(b, {LINK: "../../outside"}).file(
            f"{LINK}/planted", b"planted"
        ),
        "HAS_CHILDREN",
        look_at=f"{LINK}/planted",
    ),
    "file through a folder link, absolute": LinkCase(
        _through_absolute,
        b"",
        frozenset({"HAS_CHILDREN"}),
        f"{LINK}/planted",
    ),
    "file through two links, outside": _more(
        "near/../outside",
        lambda b: _as_zipfile2(
            b, {"demo/near": "..", LINK: "near/../outside"}
        ).file(f"{LINK}/planted", b"planted"),
        "HAS_CHILDREN",
        look_at=f"{LINK}/planted",
    ),
    "same link twice": _more(
        "file",
        lambda b: b.link(LINK, "file").link(LINK, "file"),
        "DUPLICATE",
    ),
    "same name twice, another target": _more(
        "run",
        lambda b: b.link(LINK, "file").link(LINK, "run"),
        "DUPLICATE",
    ),
    "same file twice": _more(
        "same",
        lambda b: b.file(LINK, b"same").file(LINK, b"same"),
        "DUPLICATE",
    ),
    "same file twice, another content": _more(
        "second",
        lambda b: b.file(LINK, b"first").file(LINK, b"second"),
        "DUPLICATE",
    ),
    "link, then a file": _more(
        "file",
        lambda b: b.link(LINK, "file").file(LINK, b"not through it"),
        "DUPLICATE",
    ),
    "host FAT": linked("file", "AMBIGUOUS_HOST", host=0),
    "host FAT, mode 644": linked("file", "AMBIGUOUS_HOST", host=0, mode=0o644),
    "host macOS": linked("file", "AMBIGUOUS_HOST", host=19),
    "NUL in the target": linked(b"file\0more", "BAD_TARGET"),
    "empty target": linked("", "BAD_TARGET"),
    "long target": linked(_LONG, "BAD_TARGET"),
    "name with a slash": linked("file", "DIRECTORY_HAS_DATA", name=f"{LINK}/"),
    "in scripts": linked(
        "../../demo/run", "IN_SCRIPTS", name=f"{DATA}/scripts/link"
    ),
    "in the metadata": linked(
        "METADATA", "IN_METADATA", name=f"{INFO}/LICENSE"
    ),
    "wheel for any platform": LinkCase(
        lambda b, _: b.link(LINK, "file"),
        b"file",
        frozenset({"ANY_TAG"}),
        tag="py3-none-any",
    ),
    "LINKS in a wheel of version 2": LinkCase(
        _links_file("2.0"),
        _LINKS.encode(),
        frozenset({"WHEEL_VERSION_UNKNOWN"}),
        look_at=f"{INFO}/LINKS",
    ),
    "to another scheme": linked(
        "../../../demo/run", "CROSS_SCHEME", name=f"{DATA}/data/bin/link"
    ),
}

CASES = SAFE | UNSAFE


def write_with_zipfile2(folder: Path) -> Path:
    """Make a tree with links, and have zipfile2 make a wheel of it."""
    import zipfile2

    tree = folder / "tree"
    for member in base().members:
        path = tree / member.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(member.data)
    for name, target in (
        ("demo/link", "file"),
        ("demo/chain", "link"),
        ("demo/all", "folder"),
        ("demo/folder/up", "../other/inner"),
    ):
        (tree / name).symlink_to(target)
    info = tree / INFO
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n"
    )
    (info / "WHEEL").write_text(
        "Wheel-Version: 1.0\nGenerator: unwheel-tests\n"
        f"Root-Is-Purelib: false\nTag: {HERE_TAG}\n"
    )
    rows = [
        f"{name},{digest_of(seen.content)},{len(seen.content)}\n"
        for name, seen in look(tree).items()
        if seen.kind != "folder"
    ]
    (info / "RECORD").write_text("".join([*rows, f"{INFO}/RECORD,,\n"]))
    wheel = folder / f"demo-1.0-{HERE_TAG}.whl"
    with zipfile2.ZipFile(wheel, "w") as archive:
        archive.add_tree(tree)
    return wheel
