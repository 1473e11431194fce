"""What people read: one wheel's report, refusal or listing, as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from stat import S_IMODE

from .errors import DestinationError, Problem, UnwheelError, printable
from .knobs import accepting_option
from .report import Report

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from .listing import EntryFact, Listing

SHOWN_PROBLEMS = 20

VERIFIED = {
    "verify": "verified",
    "warn": "checked",
    "names": "only CRC-32 and names verified",
    "off": "only CRC-32 verified",
}


def summary(report: Report) -> str:
    """Say in one line what was done."""
    parts = [_count(report.members, "file")]
    if report.links:
        parts.append(_count(len(report.links), "link"))
    parts += [_human_size(report.size), _verified(report)]
    if report.warnings:
        parts.append(_how_many(report.warnings, "warning"))
    parts.append(f"in {report.seconds:.2f} s")
    line = f"{printable(report.wheel)}: {', '.join(parts)}"
    if report.destination is not None:
        line += f" -> {printable(report.destination)}"
    if report.publishing == "exchange":
        line += " (replaced)"
    elif report.publishing == "in-place":
        line += " (put there name by name: one rename was not possible)"
    return line


def _verified(report: Report) -> str:
    if report.record == "warn" and not report.warnings:
        return VERIFIED["verify"]
    return VERIFIED[report.record]


def refusal(error: UnwheelError, wheel: str) -> str:
    """Say everything that is wrong, and what would accept it."""
    verdict = "failed" if isinstance(error, DestinationError) else "refused"
    count = _how_many(error.problems, "problem")
    title = f"{printable(wheel)}: {verdict}, {count}"
    return "\n".join((title, *_problems(error.problems)))


def warnings(result: Report | Listing) -> str:
    """Say what a stricter policy would have refused."""
    count = _how_many(result.warnings, "warning")
    title = f"{printable(result.wheel)}: {count}"
    return "\n".join((title, *_problems(result.warnings)))


def _how_many(problems: Sequence[Problem], noun: str) -> str:
    """Count *problems*, of which the last may say that there are more."""
    told = [p for p in problems if p.code != "MORE_PROBLEMS"]
    count = _count(len(told), noun)
    return count if len(told) == len(problems) else f"more than {count}"


def _problems(problems: Sequence[Problem]) -> Iterator[str]:
    for problem in problems[:SHOWN_PROBLEMS]:
        yield from _problem_lines(problem)
    if (more := len(problems) - SHOWN_PROBLEMS) > 0:
        yield f"  ... and {more:,} more (--json tells them)"


def _problem_lines(problem: Problem) -> Iterator[str]:
    member = "" if problem.member is None else f"{problem.member}: "
    yield f"  {problem.code}: {printable(member + problem.message)}"
    if problem.found is not None:
        yield f"      found     {printable(problem.found)}"
    if problem.expected is not None:
        yield f"      expected  {printable(problem.expected)}"
    if problem.offset is not None:
        yield f"      at        byte {problem.offset:,} of the wheel"
    if problem.accept is not None:
        yield f"      accept by {accepting_option(problem.accept)}"


HEADER = ("type", "mode", "method", "size", "packed", "digest", "name")
RIGHT = ("mode", "size", "packed")
SHORT_DIGEST = len("sha256:") + 12


def table(listing: Listing, *, whole_digests: bool) -> str:
    """Draw a *listing* as columns, with the totals below."""
    entries = (_row(entry, whole_digests) for entry in listing.entries)
    rows = [HEADER, *entries]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [_aligned(row, widths) for row in rows]
    count = _count(len(listing.entries), "entry")
    lines.append(
        f"{count}, {_human_size(listing.size)},"
        f" {_human_size(listing.packed_size)} packed,"
        f" in a wheel of {_human_size(listing.archive_size)}"
    )
    return "\n".join(lines)


def _row(entry: EntryFact, whole_digests: bool) -> tuple[str, ...]:
    digest = entry.digest or "-"
    if not whole_digests and len(digest) > SHORT_DIGEST:
        digest = f"{digest[:SHORT_DIGEST]}..."
    name = printable(entry.path)
    if entry.target is not None:
        name += f" -> {printable(entry.target)}"
    return (
        entry.type,
        "-" if entry.mode is None else f"{S_IMODE(entry.mode):03o}",
        entry.method,
        str(entry.size),
        str(entry.packed_size),
        digest,
        name,
    )


def _aligned(row: tuple[str, ...], widths: list[int]) -> str:
    *cells, name = (
        cell.rjust(width) if title in RIGHT else cell.ljust(width)
        for cell, width, title in zip(row, widths, HEADER, strict=True)
    )
    return "  ".join((*cells, name.rstrip()))


def _human_size(size: int) -> str:
    """Write *size* with one digit behind the point, in powers of 1,000."""
    if size < 1000:
        return f"{size} B"
    shown = float(size)
    for unit in ("kB", "MB", "GB"):
        shown /= 1000
        if shown < 999.95:  # else it would read 1000.0
            return f"{shown:.1f} {unit}"
    return f"{shown / 1000:.1f} TB"


def _count(number: int, noun: str) -> str:
    plural = noun if number == 1 else _plural(noun)
    return f"{number:,} {plural}"


def _plural(noun: str) -> str:
    return noun[:-1] + "ies" if noun.endswith("y") else noun + "s"
