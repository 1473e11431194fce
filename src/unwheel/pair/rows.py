"""
The rows of an installed RECORD (recording installed packages, "RECORD").

Of every file what was written; of a link what a reader of its name sees; of
bytecode, which may be made anew at any time, only the name.
"""

from __future__ import annotations

import io
import os
from binascii import b2a_base64
from operator import itemgetter

from installer.records import Hash, RecordEntry

from ..places import is_below, name_below

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ..backend import Outcomes
    from ..plan import Plan
    from .claims import Claim
    from .installation import Installation

    Row = tuple[str, RecordEntry]

_TO_URLSAFE = bytes.maketrans(b"+/", b"-_")


def encoded(digest: bytes) -> str:
    """The *digest* as RECORD has it."""
    text = b2a_base64(digest, newline=False).translate(_TO_URLSAFE)
    return text.decode().rstrip("=")


def completed(
    work: Installation,
    outcomes: Outcomes | None,
    rows: Sequence[Row],
    algorithm: str,
) -> list[Row]:
    """
    The *rows*, with what was not known when `installer` asked for them.

    Args:
        work: Says what became of the files.
        outcomes: What the batch came to.
        rows: Scheme and entry of each; those of our claims are filled in.
        algorithm: Of the digests, by hashlib's name.

    Returns:
        One row for each name: those of superseded claims are gone, and there
        are others for what stands in for links.
    """
    gone = {id(claim.entry) for claim in work.claims.superseded}
    added: list[Row] = []
    if work.plan is not None and outcomes is not None:
        facts = _Facts(work, work.plan, outcomes, algorithm)
        for claim in work.claims:
            if claim.index >= 0 and claim.entry.hash_ is None:
                facts.fill(claim.entry, claim.index)
            elif claim.link is not None:
                if claim.link.outcome in ("tree", "pth"):
                    gone.add(id(claim.entry))
                added += facts.of_link(claim)
        added += facts.of_extras()
    return [row for row in rows if id(row[1]) not in gone] + added


class _Facts:
    """What the batch has written, as rows say it."""

    def __init__(
        self,
        work: Installation,
        plan: Plan,
        outcomes: Outcomes,
        algorithm: str,
    ) -> None:
        self._work = work
        self._plan = plan
        self._outcomes = outcomes
        self._algorithm = algorithm
        self._orders = {index: k for k, index in enumerate(plan.orders)}
        self._index = {
            name: index for index, name in enumerate(plan.entries.names)
        }

    def fill(self, entry: RecordEntry, index: int) -> None:
        """Say in *entry* what the member at *index* is."""
        result = self._outcomes[self._orders[index]]
        digest = result.sha256
        if self._algorithm != "sha256":
            assert self._work.opened is not None
            archive = self._work.opened.archive
            digest = archive.digest(index, self._algorithm)[self._algorithm]
        entry.hash_ = Hash(self._algorithm, encoded(digest))
        entry.size = result.size

    def of_link(self, claim: Claim) -> Iterator[Row]:
        """Complete the row of a link; the rows of a tree in its place."""
        link = claim.link
        assert link is not None
        if link.outcome in ("link", "stand-in") and link.kind == "file":
            self._fill_from(claim.entry, link.resolved)
        elif link.outcome == "tree":
            above = len(str(link.path))
            for new, old in link.copies:
                entry = RecordEntry(claim.name + new[above:], None, None)
                self._fill_from(entry, old)
                yield claim.scheme, entry

    def _fill_from(self, entry: RecordEntry, name: str) -> None:
        """What is outside the wheel is not ours to describe."""
        index = self._index.get(name)
        if index in self._orders:
            assert index is not None
            self.fill(entry, index)

    def of_extras(self) -> Iterator[Row]:
        """Rows of files that no member is, but the links need."""
        import hashlib

        for name, data in self._plan.extras:
            digest = hashlib.new(self._algorithm, data).digest()
            hash_ = Hash(self._algorithm, encoded(digest))
            yield self._work.site, RecordEntry(name, hash_, len(data))


def record_text(
    rows: Sequence[Row], site: str, scheme_dict: Mapping[str, str]
) -> bytes:
    """
    RECORD of *rows*.

    Args:
        rows: Scheme and entry of each.
        site: The scheme that RECORD is in.
        scheme_dict: The directories at run time; what is not in or below that
            of *site* is told by a path that leads to it from there.
    """
    above = os.path.abspath(scheme_dict[site])
    roots = {
        scheme: os.path.abspath(scheme_dict[scheme])
        for scheme in {scheme for scheme, _ in rows}
    }
    leading = {scheme: _leading(above, root) for scheme, root in roots.items()}
    told = []
    for scheme, entry in rows:
        name, before = entry.path, ""
        if scheme != site:
            path = os.path.join(roots[scheme], name)
            if is_below(above, path):  # by the shortest way
                name = name_below(above, path)
            else:
                before = leading[scheme]
        hash_, size = entry.hash_, entry.size
        digest = "" if hash_ is None else f"{hash_.name}={hash_.value}"
        told.append((name, before + name, digest, size))
    told.sort(key=itemgetter(0))
    return _csv([row[1:] for row in told])


def _csv(rows: Iterable[tuple[str, str, int | None]]) -> bytes:
    import csv

    stream = io.StringIO(newline="")
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return stream.getvalue().encode()


def _leading(site: str, root: str) -> str:
    """What leads from *site* to the names in *root*."""
    try:
        leading = os.path.relpath(root, site)
    except ValueError:  # another drive of Windows
        leading = root
    return leading.replace(os.sep, "/") + "/"
