"""What people read: one wheel's report or refusal, as text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from .errors import DestinationError, Problem, UnwheelError, printable
from .knobs import accepting_option
from .report import LinkFact, Report

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from .comparing import Comparison, Difference
    from .install import InstallReport, Unchanged
    from .packing import PackReport, TreeLink

SHOWN = 20

# By what became of a link: one of them, and several.
OUTCOMES = {
    "link": ("1 link", "{} links"),
    "hardlink": (
        "1 hard link stands in for a link",
        "{} hard links stand in for links",
    ),
    "reflink": (
        "1 reflink stands in for a link",
        "{} reflinks stand in for links",
    ),
    "copy": ("1 copy stands in for a link", "{} copies stand in for links"),
    "tree": (
        "1 copied folder stands in for a link",
        "{} copied folders stand in for links",
    ),
    "pth": (
        "1 line of a .pth file stands in for a link",
        "{} lines of a .pth file stand in for links",
    ),
    "text": ("1 link as a text file", "{} links as text files"),
    "verbatim": ("1 link as stored", "{} links as stored"),
    "zip": ("1 link as a ZIP entry", "{} links as ZIP entries"),
    "links-file": ("1 link in LINKS", "{} links in LINKS"),
}
STAND_INS = ("hardlink", "reflink", "copy", "tree", "pth")

VERIFIED = {
    "verify": "verified",
    "warn": "checked",
    "names": "only CRC-32 and names verified",
    "off": "only CRC-32 verified",
}


def summary(report: Report) -> str:
    """Say in one line what was done."""
    parts = [count(report.members, "file") + _repeats(report)]
    parts += _outcomes(report.links)
    parts += [human_size(report.size), _verified(report)]
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


def _repeats(report: Report) -> str:
    return f" ({report.repeats:,} of them repeats)" if report.repeats else ""


def packed(report: PackReport) -> str:
    """Say in one line what was packed."""
    parts = [count(report.members, "file"), *_outcomes(report.links)]
    if report.wasted:
        parts.append(f"{human_size(report.wasted)} of copies")
    parts += [
        f"{human_size(report.size)} -> {human_size(report.archive_size)}",
        f"in {report.seconds:.2f} s",
    ]
    return (
        f"{printable(report.tree)}: {', '.join(parts)}"
        f" -> {printable(report.result)}"
    )


def installed(report: InstallReport) -> str:
    """Say in one line what was installed, or would be."""
    parts = [count(report.files, "file")]
    if report.scripts:
        parts.append(f"{count(len(report.scripts), 'script')} among them")
    if report.compiled:
        parts.append(f"{report.compiled:,} of bytecode")
    parts += _outcomes(report.links)
    parts += [human_size(report.size), *_replaced(report)]
    if report.warnings:
        parts.append(_how_many(report.warnings, "warning"))
    parts.append(f"in {report.seconds:.2f} s")
    verb = "would install " if report.dry_run else ""
    return (
        f"{printable(report.wheel)}: {verb}{', '.join(parts)}"
        f" -> {printable(report.site)}"
    )


def synced(result: InstallReport | Unchanged) -> str:
    """Say in one line what became of a wheel that a lock names."""
    from .install import InstallReport

    if isinstance(result, InstallReport):
        return installed(result)
    return f"{printable(result.wheel)}: unchanged"


def _replaced(report: InstallReport) -> Iterator[str]:
    """Name the version that was there, and count what went with it."""
    if report.replaced is not None:
        yield f"replacing {printable(report.replaced)}"
    if report.removed:
        yield f"{count(report.removed, 'old file')} removed"


def compared(comparison: Comparison) -> str:
    """Say that all readers see the same, or where they differ."""
    wheel = printable(comparison.wheel)
    readers = count(len(comparison.readings), "reader")
    differences = comparison.differences
    if not differences:
        seen = comparison.readings[0]
        entries = count(len(seen.entries), "entry")
        return (
            f"{wheel}: the same to {readers}: {entries},"
            f" {human_size(seen.size)}"
        )
    told = [one for one in differences if one.field != "more"]
    number = count(len(told), "difference")
    if len(told) < len(differences):
        number = f"more than {number}"
    lines = [f"{wheel}: {number} between {readers}"]
    for difference in differences[:SHOWN]:
        lines += _difference(difference)
    if (more := len(differences) - SHOWN) > 0:
        lines.append(f"  ... and {more:,} more (--json tells them)")
    return "\n".join(lines)


def _difference(difference: Difference) -> Iterator[str]:
    """Say what is seen, and by whom; those who see the same in one line."""
    about = difference.member
    shown = "" if about is None else f"{printable(about)}: "
    yield f"  {shown}{difference.field}"
    by_text: dict[str, list[str]] = {}
    for reader, text in difference.says:
        by_text.setdefault(text, []).append(reader)
    for text, readers in by_text.items():
        yield f"      {', '.join(readers)}: {printable(text)}"


def _outcomes(links: Sequence[LinkFact | TreeLink]) -> Iterator[str]:
    """Count *links* by what became of them."""
    numbers = Counter(link.outcome for link in links)
    for outcome, (one, several) in OUTCOMES.items():
        if number := numbers[outcome]:
            yield one if number == 1 else several.format(f"{number:,}")


def _verified(report: Report) -> str:
    if report.record == "warn" and not report.warnings:
        return VERIFIED["verify"]
    return VERIFIED[report.record]


def refusal(error: UnwheelError, wheel: str) -> str:
    """Say everything that is wrong, and what would accept it."""
    verdict = "failed" if isinstance(error, DestinationError) else "refused"
    number = _how_many(error.problems, "problem")
    title = f"{printable(wheel)}: {verdict}, {number}"
    return "\n".join((title, *_problems(error.problems)))


def warnings(problems: Sequence[Problem], wheel: str) -> str:
    """Say what a stricter policy would have refused."""
    title = f"{printable(wheel)}: {_how_many(problems, 'warning')}"
    return "\n".join((title, *_problems(problems)))


def stand_ins(report: Report) -> str | None:
    """Say what stands in for which links, and why; None if nothing does."""
    links = [link for link in report.links if link.outcome in STAND_INS]
    if not links:
        return None
    number = count(len(links), "link")
    lines = [f"{printable(report.wheel)}: {number} could not be made here"]
    lines += map(_stand_in, links[:SHOWN])
    if (more := len(links) - SHOWN) > 0:
        lines.append(f"  ... and {more:,} more (--json tells them)")
    return "\n".join(lines)


def _stand_in(link: LinkFact) -> str:
    outcome = "hard link" if link.outcome == "hardlink" else link.outcome
    text = f"  {outcome}: {link.path} -> {link.target}"
    if link.reason is not None:
        text += f" ({link.reason})"
    if link.contact is not None:
        text += f"; contact {link.contact}"
    return printable(text)


def _how_many(problems: Sequence[Problem], noun: str) -> str:
    """Count *problems*, of which the last may say that there are more."""
    told = [p for p in problems if p.code != "MORE_PROBLEMS"]
    number = count(len(told), noun)
    return number if len(told) == len(problems) else f"more than {number}"


def _problems(problems: Sequence[Problem]) -> Iterator[str]:
    for problem in problems[:SHOWN]:
        yield from problem_lines(problem)
    if (more := len(problems) - SHOWN) > 0:
        yield f"  ... and {more:,} more (--json tells them)"


def problem_lines(problem: Problem) -> Iterator[str]:
    """Say what is wrong, and below it all that is known about it."""
    member = "" if problem.member is None else f"{problem.member}: "
    yield f"  {problem.code}: {printable(member + problem.message)}"
    if problem.found is not None:
        yield f"      found     {printable(problem.found)}"
    if problem.expected is not None:
        yield f"      expected  {printable(problem.expected)}"
    if problem.offset is not None:
        yield f"      at        byte {problem.offset:,} of the wheel"
    if problem.accept is not None:
        yield f"      accept by {printable(accepting_option(problem.accept))}"


def human_size(size: int) -> str:
    """Write *size* with one digit behind the point, in powers of 1,000."""
    if size < 1000:
        return f"{size} B"
    shown = float(size)
    for unit in ("kB", "MB", "GB"):
        shown /= 1000
        if shown < 999.95:  # else it would read 1000.0
            return f"{shown:.1f} {unit}"
    return f"{shown / 1000:.1f} TB"


def count(number: int, noun: str) -> str:
    """Write *number* before the *noun*, in the plural if need be."""
    plural = noun if number == 1 else _plural(noun)
    return f"{number:,} {plural}"


def _plural(noun: str) -> str:
    return noun[:-1] + "ies" if noun.endswith("y") else noun + "s"
