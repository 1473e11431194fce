"""
What can go wrong, and whose fault it is.

The class says who has to act; `problems` says everything that was found.
"""

from __future__ import annotations

from .values import replace, value

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Set


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


MOST_ALIKE = 1000


class Problems:
    """
    Problems as they are found, in bounded memory.

    Of each code the first `MOST_ALIKE` are kept; a last problem of code
    MORE_PROBLEMS tells how many others there are.  An archive of 20 KB can
    have a million things wrong with it, each of which is a KB here.
    """

    def __init__(self, problems: Iterable[Problem] = ()) -> None:
        self._told: list[Problem] = []
        self._counts: dict[str, int] = {}
        self.extend(problems)

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self._told)

    def __iter__(self) -> Iterator[Problem]:
        """Those that are kept, in their order, then what is not told."""
        yield from self._told
        for code, count in self._counts.items():
            if count > MOST_ALIKE:
                yield more_problems(code, count - MOST_ALIKE)

    def add(self, problem: Problem) -> None:
        """Keep *problem*, or count it."""
        count = self._counts.get(problem.code, 0)
        self._counts[problem.code] = count + 1
        if count < MOST_ALIKE:
            self._told.append(problem)

    def extend(self, problems: Iterable[Problem]) -> None:
        """Add each of *problems*."""
        for problem in problems:
            self.add(problem)

    def without(self, codes: Set[str]) -> Problems:
        """These, but for those of *codes*."""
        others = Problems()
        others._told = [p for p in self._told if p.code not in codes]
        others._counts = {
            code: count
            for code, count in self._counts.items()
            if code not in codes
        }
        return others


def more_problems(kind: str, count: int) -> Problem:
    """What stands for *count* more problems of that *kind*."""
    return Problem(
        "MORE_PROBLEMS",
        f"there are more problems: {kind}",
        found=f"{count} more",
    )


def offering(
    problems: Iterable[Problem], offers: Collection[str]
) -> tuple[Problem, ...]:
    """
    The *problems*, with no other `accept` than one of *offers*.

    For who asks a stage on behalf of callers that cannot turn its knobs.
    """
    return tuple(
        problem
        if problem.accept is None or problem.accept in offers
        else replace(problem, accept=None)
        for problem in problems
    )


class UnwheelError(Exception):
    """
    The base of all errors.

    Attributes:
        wheel: The wheel, as the caller named it, or None.
        problems: Everything that was found, in the order of the archive; of
            one code at most `MOST_ALIKE`, followed by how many more there
            are (MORE_PROBLEMS).
    """

    def __init__(
        self, problems: Iterable[Problem], *, wheel: str | None = None
    ) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        self.wheel = wheel
        super().__init__(self.problems, wheel)

    def __reduce__(self) -> tuple[object, ...]:
        """Between processes, as a whole: exceptions are made of `args`."""
        errno = getattr(self, "errno", None)
        return _again, (type(self), self.problems, self.wheel, errno)

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


class UnsuitableError(UnwheelError):
    """A sound wheel, but for another Python or platform than this one."""


class LockError(UnwheelError):
    """A lock file that cannot be followed, or a wheel that is another one."""


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


def _again(
    kind: type[UnwheelError],
    problems: Iterable[Problem],
    wheel: str | None,
    errno: int | None,
) -> UnwheelError:
    """The error that was pickled."""
    if issubclass(kind, DestinationError):
        return kind(problems, wheel=wheel, errno=errno)
    return kind(problems, wheel=wheel)


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
