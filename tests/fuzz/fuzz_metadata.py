"""
Fuzz the other texts of a wheel, and its names; the first byte says which.

WHEEL and METADATA that are accepted are what the email package reads; LINKS
and symlinks.txt what the csv module reads; a file name what `packaging` reads;
and names that are accepted together are different paths below the root,
whoever looks at them.  What is refused is refused with an `UnwheelError`.
"""

from __future__ import annotations

import csv
import email.parser
import io
import ntpath
import posixpath
import re
from collections.abc import Callable
from unicodedata import normalize

from guided import check_refusal
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from unwheel import InvalidWheelError, Limits, MemberPath, UnwheelError
from unwheel.distinfo import links_text, with_wheel_version
from unwheel.encodings import read_axle, read_links_file
from unwheel.filename import WheelFilename
from unwheel.layout import check_layout
from unwheel.metadata import (
    CoreMetadata,
    WheelInfo,
    check_agreement,
    find_dist_info,
    parse_headers,
)
from unwheel.paths import check_names

LIMITS = Limits(name_length=200, component_length=60, depth=12, links=50)
INFO = "demo-1.0.dist-info"
FILES = ("pkg/a", "pkg/b", "pkg/d/c", f"{INFO}/WHEEL")
FLAG_UTF8 = 0x800
# What is no header, but made one.
SPACED = re.compile(rb"wheel-version[ \t]+:", re.IGNORECASE)
# Where readers of headers differ: "From " lines, and what comes before them.
UNCLEAR = re.compile(rb"^From |^[ \t]|^:|[\r\n]:")


def check(data: bytes) -> None:
    """Raise if *data* is taken for what it is not, or fails in another way."""
    if data:
        CHECKS[data[0] % len(CHECKS)](data[1:])


def check_headers(data: bytes) -> None:
    """Compare the fields with those that `email` finds."""
    try:
        fields = parse_headers(data)
    except InvalidWheelError:
        return
    if not UNCLEAR.search(data):
        assert fields_of_email(data) == {
            key: [text.split() for text in texts]
            for key, texts in fields.items()
        }
    check_version_2(data, fields)


def fields_of_email(data: bytes) -> dict[str, list[list[str]]]:
    """The words of each field, by lower-case name."""
    message = email.parser.BytesParser().parsebytes(data, headersonly=True)
    fields: dict[str, list[list[str]]] = {}
    for key, value in message.raw_items():
        text = value.encode("ascii", "surrogateescape").decode()
        fields.setdefault(key.lower(), []).append(text.split())
    return fields


def check_version_2(data: bytes, fields: dict[str, list[str]]) -> None:
    """Made one of version 2, all else is as before."""
    said = fields.get("wheel-version", ["1.0"])
    if fields and len(said) == 1 and not SPACED.search(data):
        changed = parse_headers(with_wheel_version(data))
        assert changed == fields | {"wheel-version": ["2.0"]}


def check_wheel(data: bytes) -> None:
    """Read WHEEL and METADATA from the two halves of *data*."""
    wheel, _, rest = data.partition(b"\0")
    name, _, metadata = rest.partition(b"\0")
    try:
        info = WheelInfo.parse(wheel, wheel2=True)
        core = CoreMetadata.parse(metadata)
    except InvalidWheelError as error:
        check_refusal(error)
        return
    fields = parse_headers(wheel)
    assert list(info.tags) == fields.get("tag", [])
    assert [f"{info.version[0]}.{info.version[1]}"] == [
        re.sub(r"(^|\.)0+(?=\d)", r"\1", text)
        for text in fields["wheel-version"]
    ]
    assert [core.name] == parse_headers(metadata)["name"]
    assert [core.version] == parse_headers(metadata)["version"]
    try:
        filename = WheelFilename.parse(name.decode("utf-8", "replace"))
    except InvalidWheelError:
        return
    check_agreement(info, core, filename)


def rows_of(data: bytes) -> list[list[str]]:
    """The rows of *data*, as csv reads them."""
    return list(csv.reader(io.StringIO(data.decode(), newline="")))


def check_links_file(data: bytes) -> None:
    """Compare the links with the rows, whichever column they are in."""
    links, problems = read_links_file(data, FILES, INFO, LIMITS)
    assert not (links and problems)
    if problems:
        return
    rows = rows_of(data)
    paths = [link.path for link in links]
    assert paths in ([a for a, _ in rows], [b for _, b in rows])
    targets = [
        posixpath.normpath(
            posixpath.join(posixpath.dirname(link.path), link.target.decode())
        )
        for link in links
    ]
    assert targets in ([a for a, _ in rows], [b for _, b in rows])
    text = links_text(zip(paths, targets, strict=True))
    assert links == read_links_file(text, FILES, INFO, LIMITS)[0]


def check_axle(data: bytes) -> None:
    """Compare the links with the rows."""
    links, problems = read_axle(data, INFO, LIMITS)
    if problems:
        return
    assert rows_of(data) == [
        [link.path, link.target.decode(), str(int(bool(link.is_folder)))]
        for link in links
    ]


def check_filename(data: bytes) -> None:
    """Compare what `packaging` takes too."""
    name = data.decode("utf-8", "surrogateescape")
    try:
        wheel = WheelFilename.parse(name, wheel2=True)
    except InvalidWheelError as error:
        check_refusal(error)
        return
    assert posixpath.basename(name) == ntpath.basename(name) == name
    assert wheel.stem + wheel.extension == name
    if wheel.extension != ".whl":
        return
    try:
        project, version, build, tags = parse_wheel_filename(name)
    except InvalidWheelFilename:
        return
    assert project == re.sub(r"[-_.]+", "-", wheel.name).lower()
    assert str(version) or version.public
    assert "".join(map(str, build)) == re.sub(r"^0+(?=\d)", "", wheel.build)
    assert wheel.tags in ({str(tag) for tag in tags}, set())


def check_paths(data: bytes) -> None:
    """Judge names, NUL after each, as those of one archive."""
    blob = data if data.endswith(b"\0") else data + b"\0"
    names = [
        name.decode("utf-8", "surrogateescape")
        for name in blob.split(b"\0")[:-1]
    ]
    flags = [FLAG_UTF8] * len(names)
    refusals, warnings = check_names(names, blob, flags, LIMITS, "warn")
    everything, none = check_names(names, blob, flags, LIMITS, "refuse")
    assert none == []
    assert everything == [*refusals, *warnings]
    each = [name for name in names if is_refused(name)]
    assert refusals or not each
    if refusals:
        return
    assert len(set(names)) == len(names)
    for name in names:
        check_path(name)
    if not warnings:
        check_portable(names)


def is_refused(name: str) -> bool:
    """Whether *name* alone is no path, but for the slash of a directory."""
    try:
        MemberPath.parse(name[:-1] if name.endswith("/") else name, LIMITS)
    except UnwheelError:
        return True
    return False


def check_path(name: str) -> None:
    """A path below the root, to this system and to the other."""
    bare = name.removesuffix("/")
    assert bare
    assert bare == posixpath.normpath(bare)
    assert not posixpath.isabs(bare)
    assert ".." not in bare.split("/")
    assert not re.match(r"[A-Za-z]:", bare)
    assert "\\" not in bare
    assert bare.encode()


def check_portable(names: list[str]) -> None:
    """No two of them, nor of their folders, are one where case is folded."""
    paths = set()
    for name in names:
        assert not ntpath.isabs(name)
        assert ntpath.splitdrive(name) == ("", name)
        parts = name.removesuffix("/").split("/")
        paths |= {"/".join(parts[: k + 1]) for k in range(len(parts))}
    folded = {normalize("NFC", normalize("NFC", p).casefold()) for p in paths}
    assert len(folded) == len(paths)
    assert not any(set(path) & set('<>:"|?*') for path in paths)


def check_top(data: bytes) -> None:
    """Judge the directories at the top."""
    names = data.decode("utf-8", "surrogateescape").split("\0")
    for filename in (None, WheelFilename.parse("demo-1.0-py3-none-any.whl")):
        try:
            info = find_dist_info(names, filename)
        except InvalidWheelError as error:
            check_refusal(error)
            continue
        assert f"{info}/WHEEL" in names
        check_layout(names, info)


CHECKS: tuple[Callable[[bytes], None], ...] = (
    check_headers,
    check_wheel,
    check_links_file,
    check_axle,
    check_filename,
    check_paths,
    check_top,
)
