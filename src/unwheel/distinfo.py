"""
The files of .dist-info as they are written: RECORD, LINKS, Wheel-Version.

Pure.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping, Sequence

from .errors import InvalidWheelError, Problem, printable
from .filename import WheelFilename, expand_tags
from .metadata import CoreMetadata, parse_headers

WHEEL2 = "2.0"  # the Wheel-Version that PEP 778 demands
WHEEL2_SUFFIX = ".whlx"  # PEP 777

SIGNATURES = ("RECORD.jws", "RECORD.p7s")

_WHEEL_VERSION = re.compile(rb"wheel-version[ \t]*:", re.IGNORECASE)
_HEADER = re.compile(rb"[!-9;-~]+:")
# What continues a header, and what is passed over: see `parse_headers`.
_MORE = (b" ", b"\t", b":", b"From ")
_QUOTED = frozenset(',"\r\n')
_SHOWN = 400  # characters

# Of a row: digest of SHA-256 and size in bytes, or None for "not said".
Row = tuple[str, bytes | None, int | None]


def record_text(rows: Iterable[Row]) -> bytes:
    """RECORD with these *rows*, in their order (PEP 376, UTF-8, LF)."""
    return b"".join(record_row(*row) for row in rows)


def record_row(name: str, digest: bytes | None, size: int | None) -> bytes:
    """One row of RECORD, with its line end."""
    said = "" if digest is None else f"sha256={_base64(digest)}"
    number = "" if size is None else str(size)
    return f"{_cell(name)},{said},{number}\n".encode()


def with_rows(
    data: bytes, rows: Mapping[str, bytes], more: bytes = b""
) -> bytes:
    """
    The RECORD *data* with other *rows* for some names, and *more* at the end.

    All else stays as it is: order, spelling, line ends.  An empty row drops
    what is there.
    """
    import csv
    import io

    told: list[bytes] = []
    ending = "\n"
    for line in io.StringIO(data.decode("utf-8"), newline=""):
        cells = next(csv.reader([line]), [])
        if not line.endswith("\n"):
            line += ending
        ending = "\r\n" if line.endswith("\r\n") else "\n"
        row = rows.get(cells[0]) if cells else None
        told.append(line.encode() if row is None else _ended(row, ending))
    return b"".join(told) + _ended(more, ending)


def _ended(row: bytes, ending: str) -> bytes:
    return row.replace(b"\n", ending.encode())


def relative_target(link: str, real: str) -> str:
    """The text of a *link* that leads to *real*; both from the root."""
    home, path = link.split("/")[:-1], real.split("/")
    while home and home[0] == path[0]:
        del home[0], path[0]
    return "/".join([*[".."] * len(home), *path])


def links_text(links: Iterable[tuple[str, str]]) -> bytes:
    """
    The file LINKS (PEP 778) of pairs of the link and what it leads to.

    The PEP contradicts itself on which comes first.  The link does, as in
    its prose ("add a platform-relevant link between source_path and
    target_path", where target_path exists); its example has it the other way
    round.  Both paths start at the root of the wheel.
    """
    rows = (f"{_cell(link)},{_cell(target)}\n" for link, target in links)
    return "".join(rows).encode()


def with_wheel_version(data: bytes) -> bytes:
    """
    The headers *data* of WHEEL or METADATA, saying Wheel-Version 2.0.

    PEP 777: METADATA of such wheels must say it, as WHEEL does.
    """
    told = f"Wheel-Version: {WHEEL2}".encode()
    lines = data.splitlines(keepends=True)
    for number, line in enumerate(lines):
        if _WHEEL_VERSION.match(line):
            bare = line.rstrip(b"\r\n")
            after = _next_header(lines, number + 1)
            lines[number:after] = [told + line[len(bare) :]]
            return b"".join(lines)
        if not (_HEADER.match(line) or line.startswith(_MORE)):
            break  # nor is what follows it a header
    _insert_second(lines, told)
    return b"".join(lines)


def _next_header(lines: list[bytes], at: int) -> int:
    """The first line from *at* on that is a header, or ends them."""
    while at < len(lines) and lines[at].startswith(_MORE):
        at += 1
    return at


def _insert_second(lines: list[bytes], told: bytes) -> None:
    """Put *told* behind the first header, which may have several lines."""
    at = _next_header(lines, 0)
    ending = b"\n"
    if at < len(lines) and lines[at].rstrip(b"\r\n"):
        at = _next_header(lines, at + 1)
        bare = lines[at - 1].rstrip(b"\r\n")
        ending = lines[at - 1][len(bare) :] or ending
        lines[at - 1] = bare + ending
    lines.insert(at, told + ending)


def name_wheel(metadata: CoreMetadata, wheel: bytes) -> WheelFilename:
    """
    The file name that the *metadata* and the file *wheel* (WHEEL) call for.

    Name and version are escaped as the specification of the file name has
    it; each of the three tag sets is sorted.

    Raises:
        InvalidWheelError: If they call for none: WHEEL_TAGS, if the Tag
            lines are not every combination of three sets, which is all that
            a file name can say; FILENAME.
    """
    fields = parse_headers(wheel)
    builds = [build for build in fields.get("build", []) if build]
    name = re.sub(r"[-_.]+", "_", metadata.name).lower()
    version = metadata.version.replace("-", "_")
    parts = [name, version, *builds, *_tag_sets(fields.get("tag", []))]
    return WheelFilename.parse("-".join(parts) + ".whl")


def _tag_sets(lines: Sequence[str]) -> tuple[str, str, str]:
    """The compressed tag sets (PEP 425) of the Tag *lines*."""
    listed: set[str] = set()
    for line in lines:
        sets = [part.split(".") for part in line.lower().split("-")]
        listed |= expand_tags(*sets) if len(sets) == 3 else {line}
    columns = zip(*(tag.split("-") for tag in listed), strict=False)
    sets = [sorted(set(column)) for column in columns]
    if len(sets) != 3 or expand_tags(*sets) != listed:
        raise InvalidWheelError(
            [
                Problem(
                    "WHEEL_TAGS",
                    "the Tag lines of WHEEL are not every combination of "
                    "three sets",
                    found=printable(", ".join(sorted(listed))[:_SHOWN])
                    or "none",
                    expected="PYTHON-ABI-PLATFORM",
                )
            ]
        )
    python, abi, platform = map(".".join, sets)
    return python, abi, platform


def _base64(digest: bytes) -> str:
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def _cell(text: str) -> str:
    """The *text* as csv writes it, quoted if it must be."""
    if _QUOTED.isdisjoint(text):
        return text
    return '"' + text.replace('"', '""') + '"'
