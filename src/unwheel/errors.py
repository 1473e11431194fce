"""
What can go wrong, and whose fault it is.

The class says who has to act; `problems` says everything that was found.
"""

from __future__ import annotations

from collections.abc import Iterable

from .values import value


@value
class Problem:
    """
    One thing that is wrong.

    Attributes:
        code: The reason code, an upper-case word that programs may rely on.
        message: One sentence for people, without the member's name.
        member: The name of the member, or None if it is not about one.
        found: What was found, where that can be said.
        expected: What was expected, where that can be said.
        accept: The policy value or option that would accept it, or None if
            none does.
        offset: Where in the archive, in bytes, or None.
    """

    code: str
    message: str
    member: str | None = None
    found: str | None = None
    expected: str | None = None
    accept: str | None = None
    offset: int | None = None

    def __str__(self) -> str:
        """*member*: *message*: found *found*, expected *expected*."""
        text = self.message
        if self.member is not None:
            text = f"{printable(self.member)}: {text}"
        if self.found is not None and self.expected is not None:
            text += f": found {self.found}, expected {self.expected}"
        elif self.found is not None:
            text += f": found {self.found}"
        return text


class UnwheelError(Exception):
    """
    The base of all errors.

    Attributes:
        wheel: The wheel, as the caller named it, or None.
        problems: Everything that was found, in the order of the archive.
    """

    def __init__(
        self, problems: Iterable[Problem], *, wheel: str | None = None
    ) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        self.wheel = wheel
        super().__init__(self.problems, wheel)

    def __str__(self) -> str:
        """Say the first problem, and how many more there are."""
        more = len(self.problems) - 1
        text = str(self.problems[0]) if self.problems else "refused"
        if more > 0:
            text += f" (and {more} more)"
        return f"{printable(self.wheel)}: {text}" if self.wheel else text


class ArchiveError(UnwheelError):
    """Their fault: the container is malformed."""


class UnsupportedError(ArchiveError):
    """Their fault: a feature of ZIP that wheels do not use."""


class CorruptMemberError(ArchiveError):
    """Their fault: the content of a member is not what the archive says."""


class UnsafeMemberError(UnwheelError):
    """Their fault: a name, a link or a collision that we refuse."""


class InvalidWheelError(UnwheelError):
    """Their fault: a sound archive, but not a wheel (PEP 427)."""


class RecordError(UnwheelError):
    """Their fault: RECORD is missing, malformed or incomplete."""


class MismatchError(RecordError):
    """Their fault: a member is not what RECORD says it is."""


class LimitError(UnwheelError):
    """Larger than the caller allows."""


class DestinationError(UnwheelError, OSError):
    """
    Our side: the destination exists, a link is in the way, the disk is full.

    `errno` is that of the system call, or None.
    """

    def __init__(
        self,
        problems: Iterable[Problem],
        *,
        wheel: str | None = None,
        errno: int | None = None,
    ) -> None:
        UnwheelError.__init__(self, problems, wheel=wheel)
        self.errno = errno


class SourceError(DestinationError):
    """Our side: the wheel cannot be read (missing, a directory, I/O error)."""


def printable(name: str) -> str:
    """
    The *name* with everything escaped that could fool or drive a terminal.

    Names come from strangers: an escape sequence or a right-to-left mark in
    an error message is an attack on whoever reads it.
    """
    if name.isascii() and name.isprintable():
        return name
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii")
        for c in name
    )
