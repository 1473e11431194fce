"""
What was done with one wheel, for people and for programs.

The JSON of `to_json()` is stable: `"format"` is 1 until a key changes its
meaning; new keys may come.  Sizes are bytes, times seconds.  Every string is
well-formed Unicode: a byte of a name that is not UTF-8 reads ``\\udcXX``,
spelled out.  Every object has these keys:

    format      1
    action      "extract", "verify", "list", "compare", "pack" or "relink"
    status      "ok", "refused" (the wheel's fault), "failed" (our side's), or
                of "compare" also "differs"
    wheel       the wheel, as the caller named it; of "pack" the one that was
                made, or the tree that was refused

`Report.to_json` and `refusal_to_json` document the rest; of the other actions
`listing.Listing.to_json` and `graph.LinkGraph.to_json`,
`comparing.Comparison.to_json`,
`packing.PackReport.to_json` and `relinking.RelinkReport.to_json`.
"""

from __future__ import annotations

from .errors import DestinationError, Problem, UnwheelError
from .values import fields_of, value

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FORMAT = 1  # of to_json(); changes when a key changes its meaning


@value
class FileFact:
    """A member as it was verified."""

    path: str
    size: int
    sha256: str  # hexadecimal
    executable: bool


@value
class LinkFact:
    """
    A symbolic link that a wheel asks for, and what became of it.

    Attributes:
        path: Of the link.
        encoding: How the wheel says it: "zip" (an entry of type link), "links"
            (PEP 778) or "axle" (symlinks.txt).
        target: The text of the link, as the wheel has it.
        resolved: What it leads to in the end: a member or folder of the wheel,
            or an absolute path outside it; "" if nothing is known.
        outcome: "link"; "hardlink", "reflink", "copy" (of a file) or "tree"
            (of a folder) that stands in for it; "pth", a line in a file;
            "text", a file that holds the target; "verbatim", as stored.
        reason: A reason code: HOST_CANNOT where something stands in for it,
            else that for which "strict" would have refused it; or None.
        contact: Whom METADATA names, where it is no link; or None.
    """

    path: str
    encoding: str
    target: str
    resolved: str
    outcome: str
    reason: str | None = None
    contact: str | None = None


@value
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
        repeats: Files whose packed bytes another one has, so that they were
            not inflated again.
        repeated_size: Their bytes, inflated.
        warnings: What a stricter policy would have refused.
        seconds: Wall time since it was opened; of many wheels in one run, the
            waiting for others included.
        publishing: "rename" (one rename), "exchange" (one, with what was
            there), "in-place" (name by name, because one rename was not
            possible) or "merge" (name by name, as was asked); None for
            "verify".
        record: The RECORD level that was in force.
        installed_record: Whether RECORD was written anew, for a tree in which
            links stand; `files` tell what the wheel's own is.
    """

    wheel: str
    action: str
    destination: str | None
    members: int
    size: int
    archive_size: int
    directories: int
    links: tuple[LinkFact, ...]
    repeats: int
    repeated_size: int
    warnings: tuple[Problem, ...]
    seconds: float
    publishing: str | None
    record: str
    installed_record: bool
    _files: Callable[[], Sequence[FileFact]]

    @property
    def files(self) -> Sequence[FileFact]:
        """Every file with the digest of the bytes written, made when asked."""
        return self._files()

    def to_json(self, *, files: bool = False) -> dict[str, object]:
        """
        The report, as `json.dumps` takes it.

        Besides the keys of every object: `destination`, `members`, `size`,
        `archive_size`, `directories`, `repeats`, `repeated_size`, `seconds`
        (to the microsecond), `publishing`, `record` and `installed_record`,
        with the meaning of the attribute of that name, null where it is None;
        `links`, objects with the attributes of `LinkFact`; `warnings`, objects
        as `problem_to_json` says.

        Args:
            files: Also `files`, one object of `path`, `size`, `sha256`
                (hexadecimal) and `executable` for every file written or
                verified.
        """
        told: dict[str, object] = {
            **head_to_json(self.action, "ok", self.wheel),
            "destination": _text(self.destination),
            "members": self.members,
            "size": self.size,
            "archive_size": self.archive_size,
            "directories": self.directories,
            "links": [fact_to_json(link) for link in self.links],
            "warnings": [problem_to_json(found) for found in self.warnings],
            "repeats": self.repeats,
            "repeated_size": self.repeated_size,
            "seconds": round(self.seconds, 6),
            "publishing": self.publishing,
            "record": self.record,
            "installed_record": self.installed_record,
        }
        if files:
            told["files"] = [fact_to_json(fact) for fact in self.files]
        return told


def problem_to_json(problem: Problem) -> dict[str, object]:
    """
    Make an object of a *problem*, as `json.dumps` takes it.

    Its keys are the attributes of `Problem`: `code`, `message`, `member`,
    `found`, `expected`, `accept`, `offset`; null where one is None.
    """
    return fact_to_json(problem)


def refusal_to_json(
    error: UnwheelError, *, action: str, wheel: str
) -> dict[str, object]:
    """
    Make an object of an *error*, as `json.dumps` takes it.

    Besides the keys of every object: `error`, the name of its class;
    `errno`, the number of the system's error or null; `problems`, all of
    them, objects as `problem_to_json` says.
    """
    ours = isinstance(error, DestinationError)
    return {
        **head_to_json(action, "failed" if ours else "refused", wheel),
        "error": type(error).__name__,
        "errno": error.errno if isinstance(error, DestinationError) else None,
        "problems": [problem_to_json(found) for found in error.problems],
    }


def head_to_json(action: str, status: str, wheel: str) -> dict[str, object]:
    """Make the keys that every object has."""
    return {
        "format": FORMAT,
        "action": action,
        "status": status,
        "wheel": well_formed(wheel),
    }


def fact_to_json(fact: object) -> dict[str, object]:
    """Make an object of a *fact*: its fields, each under its own name."""
    return {
        name: well_formed(told) if isinstance(told, str) else told
        for name, told in fields_of(fact)
    }


def _text(value: str | None) -> str | None:
    return None if value is None else well_formed(value)


def well_formed(text: str) -> str:
    """
    The *text* with lone surrogates spelled out.

    JSON can escape them, but many parsers refuse the whole line for one:
    a stranger's member name must not decide whether a report can be read.
    """
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
