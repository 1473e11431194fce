"""
What was done with one wheel, for people and for programs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from .errors import Problem

FORMAT = 1  # of to_json(); changes when a key changes its meaning


@dataclass(frozen=True, slots=True)
class FileFact:
    """A member as it was verified."""

    path: str
    size: int
    sha256: str  # hexadecimal
    executable: bool


@dataclass(frozen=True, slots=True)
class LinkFact:
    """A symbolic link, and what became of it."""

    path: str
    target: str
    outcome: str  # "link"
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """
    What was done with one wheel.

    Attributes:
        wheel: The wheel, as the caller named it.
        action: "extract" or "verify".
        destination: The directory that was published, or None.
        members: Files written or verified (not directories, not links).
        size: Their bytes, inflated.
        archive_size: Bytes of the wheel file.
        directories: Explicit directory entries.
        links: What became of each link.
        warnings: What a stricter policy would have refused.
        seconds: Wall time.
        publishing: "rename" (one rename), "exchange" (one, with what was
            there) or "in-place" (name by name, because one rename was not
            possible); None for "verify".
        record: The RECORD level that was in force.
    """

    wheel: str
    action: str
    destination: str | None
    members: int
    size: int
    archive_size: int
    directories: int
    links: tuple[LinkFact, ...]
    warnings: tuple[Problem, ...]
    seconds: float
    publishing: str | None
    record: str
    _files: Callable[[], Sequence[FileFact]] = field(repr=False, compare=False)

    @property
    def files(self) -> Sequence[FileFact]:
        """Every file with the digest of the bytes written, made when asked."""
        return self._files()
