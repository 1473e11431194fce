"""
RECORD of a tree as it was written, links and stand-ins included.

Pure.  "Recording installed packages" has no word on links, so each row says
what whoever opens that name reads: of a link to a file, the content of that
file.  A folder link has neither digest nor size, but a row, so that an
uninstaller unlinks it; what is seen through it has none, or an uninstaller
would remove the same file twice.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping, Sequence

from .report import FileFact, LinkFact

_UNLISTED = "", ""  # no digest, no size

_QUOTED = re.compile('[,"\r\n]')


def installed_record(
    files: Iterable[FileFact],
    links: Iterable[LinkFact],
    trees: Mapping[str, Sequence[tuple[str, str]]],
    extra: Iterable[tuple[str, bytes]],
    dist_info: str,
) -> bytes:
    """
    The text of RECORD.

    Args:
        files: Those written from the archive, in its order; a link that
            became a file with its target's text is one of them.
        links: What became of each link.
        trees: By path of a link whose outcome is "tree": the files that stand
            there, and the file of the wheel that each has the content of.
        extra: Other files that were written, with their content.
        dist_info: The folder that RECORD is in.

    Returns:
        Rows of path, ``sha256=`` digest and size, one for each name: files,
        links, other files, and RECORD itself, which has no digest.  UTF-8,
        bytes of names that are not are as they were.
    """
    record = f"{dist_info}/RECORD"
    rows = {
        fact.path: (_digest(bytes.fromhex(fact.sha256)), str(fact.size))
        for fact in files
        if fact.path != record
    }
    seen = dict(rows)
    for link in links:
        for path, source in _names(link, trees):
            rows.setdefault(path, seen.get(source, _UNLISTED))
    for path, data in extra:
        rows[path] = _of_data(data)
    rows.pop(record, None)
    rows[record] = _UNLISTED
    text = "".join(
        f"{_quoted(path)},{digest},{size}\n"
        for path, (digest, size) in rows.items()
    )
    return text.encode("utf-8", "surrogateescape")


def _names(
    link: LinkFact, trees: Mapping[str, Sequence[tuple[str, str]]]
) -> Sequence[tuple[str, str]]:
    """The names that stand for *link*, and whose content they show."""
    if link.outcome == "tree":
        return trees[link.path]
    if link.outcome == "pth":  # nothing is there; the file is an extra one
        return ()
    return ((link.path, link.resolved),)


def _of_data(data: bytes) -> tuple[str, str]:
    import hashlib

    return _digest(hashlib.sha256(data).digest()), str(len(data))


def _digest(sha256: bytes) -> str:
    return "sha256=" + base64.urlsafe_b64encode(sha256).decode().rstrip("=")


def _quoted(path: str) -> str:
    """As `csv` writes it, and reads it again."""
    if not _QUOTED.search(path):
        return path
    return '"' + path.replace('"', '""') + '"'
