"""
What is in a wheel, as one reader or another sees it.

The two readings that are ours are made here: one believes the directory, the
other the local headers alone.
"""

from __future__ import annotations

import zlib

from . import native
from .backend import type_of
from .contents import judge_sizes
from .errors import (
    LimitError,
    Problem,
    Problems,
    SourceError,
    UnwheelError,
)
from .findings import Findings
from .policy import Limits, Policy
from .values import value

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_TICK_MS = 50


@value
class Seen:
    """
    An entry as one reader sees it; None stands for what it cannot know.

    Attributes:
        name: Bytes that are not UTF-8 are surrogate-escaped.
        type: "file", "directory", "link" or "other".
        mode: POSIX permissions and set-id bits.
        size: Bytes, inflated.
        crc32: Of the inflated bytes.
        target: What a link leads to.
        sha256: Of the inflated bytes, hexadecimal.
        offset: What entries are put in the order of their data by; None if
            they come in it.
    """

    name: str
    type: str | None = None
    mode: int | None = None
    size: int | None = None
    crc32: int | None = None
    target: str | None = None
    sha256: str | None = None
    offset: int | None = None


@value
class Reading:
    """
    What one reader sees of a wheel.

    Attributes:
        reader: One of `policy.READINGS`.
        entries: In the order in which it gives them.
        whole: Whether it came to the end.
        problems: What it does not take; see `errors.Problems`, which keeps
            some of each code and counts the others.
    """

    reader: str
    entries: tuple[Seen, ...]
    whole: bool
    problems: tuple[Problem, ...]

    @property
    def size(self) -> int:
        """Bytes of all entries, inflated, as far as it knows."""
        return sum(entry.size or 0 for entry in self.entries)


class Notes:
    """What a reader has seen so far, and how much more it may read."""

    def __init__(self, limits: Limits, archive_size: int) -> None:
        self._limits = limits
        by_ratio = max(limits.ratio_floor, limits.ratio * archive_size)
        self._left = min(limits.total_size, by_ratio)
        self.entries: list[Seen] = []
        self.problems = Problems()
        self.whole = False

    def see(self, entry: Seen) -> None:
        """
        Note an *entry*.

        Raises:
            LimitError: If there are too many.
        """
        if len(self.entries) >= self._limits.entries:
            raise _beyond("TOO_MANY_ENTRIES", self._limits.entries, entry.name)
        self.entries.append(entry)

    def measure(
        self, name: str, blocks: Iterable[bytes]
    ) -> tuple[int, int, str]:
        """
        Size, CRC-32 and SHA-256 of what *blocks* give.

        Raises:
            LimitError: If that is too much.
        """
        from hashlib import sha256

        limits = self._limits
        size = crc32 = 0
        state = sha256()
        for block in blocks:
            size += len(block)
            self._left -= len(block)
            if size > limits.member_size:
                raise _beyond("MEMBER_TOO_LARGE", limits.member_size, name)
            if self._left < 0:
                raise _beyond("TOTAL_RATIO", limits.ratio, name)
            crc32 = zlib.crc32(block, crc32)
            state.update(block)
        return size, crc32, state.hexdigest()

    def refuse(self, problems: Iterable[Problem]) -> None:
        """Note what is not taken."""
        self.problems.extend(problems)

    def reading(self, reader: str) -> Reading:
        """All of it."""
        return Reading(
            reader, tuple(self.entries), self.whole, tuple(self.problems)
        )


def _beyond(code: str, limit: int, name: str) -> LimitError:
    message = "a reader would have to take more than the limits allow"
    return LimitError([Problem(code, message, name, expected=str(limit))])


# --------------------------------------------------------- by the directory


def read_directory(path: str, policy: Policy) -> Reading:
    """
    What the directory says, and what the core finds where it says so.

    The container is judged, as always; names, RECORD and the wheel are not.

    Raises:
        SourceError: If the file cannot be read.
    """
    notes = Notes(policy.limits, 0)
    try:
        archive = native.NativeArchive(path, policy.limits, policy.descriptors)
    except SourceError:
        raise
    except UnwheelError as error:
        notes.refuse(error.problems)
        return notes.reading("directory")
    try:
        _look(archive, path, policy.limits, notes)
    except SourceError:
        raise
    except UnwheelError as error:
        notes.refuse(error.problems)
    finally:
        archive.close()
    return notes.reading("directory")


def _look(
    archive: native.NativeArchive, path: str, limits: Limits, notes: Notes
) -> None:
    table = archive.entries
    findings = Findings(path)
    judge_sizes(table, limits, findings)
    findings.check()
    types = [
        type_of(name, table.mode(k)) for k, name in enumerate(table.names)
    ]
    full = [k for k, kind in enumerate(types) if kind != "directory"]
    digests = _digests(archive, full, notes)
    for k, name in enumerate(table.names):
        mode = table.mode(k)
        target = None
        if types[k] == "link" and k in digests:
            data = archive.read(k, limits.link_target_length)
            target = data.decode("utf-8", "surrogateescape")
        notes.see(
            Seen(
                name,
                type=types[k],
                mode=mode & 0o7777 if mode else None,
                size=table.sizes[k],
                crc32=table.crc32s[k],
                target=target,
                sha256=digests.get(k),
                offset=table.offsets[k],
            )
        )
    notes.whole = True


def _digests(
    archive: native.NativeArchive, full: Sequence[int], notes: Notes
) -> dict[int, str]:
    """The digest of each entry of *full* that the core takes."""
    from .crew import Crew

    count = len(full)
    batch = native.Batch(
        archive,
        None,
        native.packed("uint32_t", full),
        bytes(count),
        bytes(32 * count),
    )
    try:
        with Crew(1) as crew:  # there are other readers at work
            try:
                crew.take(batch)
                while not batch.wait(_TICK_MS):
                    crew.check()
            except BaseException:
                batch.cancel()
                raise
        outcomes = batch.outcomes()
    finally:
        batch.close()
    digests = {}
    for order, status in enumerate(outcomes.statuses()):
        index = full[order]
        if status == native.OK:
            digests[index] = outcomes[order].sha256.hex()
        else:
            name = archive.entries.names[index]
            notes.refuse([_unsound(name, outcomes[order])])
    return digests


def _unsound(name: str, outcome: native.Result) -> Problem:
    if outcome.os_error or outcome.reason == "SOURCE_TRUNCATED":
        problem = native.os_problem(
            outcome.os_error, "cannot read the wheel", name
        )
        raise SourceError([problem], errno=outcome.os_error or None)
    return Problem(
        outcome.reason,
        "the content is not what the directory states, or no DEFLATE",
        member=name,
        offset=outcome.offset,
    )


# ------------------------------------------------------ by the local headers


def read_headers(path: str, policy: Policy) -> Reading:
    """
    What the local headers say, from the front; the directory is not read.

    Raises:
        SourceError: If the file cannot be read.
    """
    notes = Notes(policy.limits, 0)
    forward = native.Forward(
        path, policy.limits, descriptors=policy.descriptors
    )
    try:
        for entry in forward:
            notes.see(
                Seen(
                    entry.name,
                    # More of it only the directory says.
                    type="directory" if entry.name.endswith("/") else None,
                    size=entry.size,
                    crc32=entry.crc32,
                    sha256=entry.sha256.hex(),
                    offset=entry.data_offset,
                )
            )
        _end(forward, notes)
    except SourceError:
        raise
    except UnwheelError as error:
        notes.refuse(error.problems)
    finally:
        forward.close()
    return notes.reading("headers")


def _end(forward: native.Forward, notes: Notes) -> None:
    """What comes behind the members has to be the directory."""
    offset, kind, signature = forward.end()
    if kind in ("directory", "end"):
        notes.whole = True
        return
    problem = Problem(
        "LOCAL_SIGNATURE",
        "neither a member nor the directory begins here",
        found=signature.hex() or "the end of the file",
        offset=offset,
    )
    notes.refuse([problem])
