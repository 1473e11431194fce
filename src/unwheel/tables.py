"""What people read in columns: entries, links, repeated files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from stat import S_IMODE

from .errors import printable
from .values import replace
from .wording import SHOWN, count, human_size, problem_lines

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from .graph import LinkEntry, LinkGraph
    from .listing import EntryFact, Listing
    from .relinking import RelinkReport
    from .repeats import LinkGroup

HEADER = ("type", "mode", "method", "size", "packed", "digest", "name")
LINK_HEADER = ("outcome", "encoding", "kind", "link")
GROUP_HEADER = ("size", "saved", "soname", "file <- links")
RIGHT = ("mode", "size", "packed", "saved")
FILES = {"links": "LINKS", "axle": "symlinks.txt"}
SHORT_DIGEST = len("sha256:") + 12


def table(listing: Listing, *, whole: bool) -> str:
    """Draw a *listing* as columns, with the totals below."""
    entries = (_row(entry, whole) for entry in listing.entries)
    lines = _aligned([HEADER, *entries])
    for name, rows in Counter(
        row.encoding for row in listing.link_rows
    ).items():
        lines.append(
            f"{count(rows, 'link')} in {FILES[name]}: list --links shows them"
        )
    number = count(len(listing.entries), "entry")
    lines.append(
        f"{number}, {human_size(listing.size)},"
        f" {human_size(listing.packed_size)} packed,"
        f" in a wheel of {human_size(listing.archive_size)}"
    )
    return "\n".join(lines)


def _row(entry: EntryFact, whole: bool) -> tuple[str, ...]:
    digest = entry.digest or "-"
    if not whole and len(digest) > SHORT_DIGEST:
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


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Align the columns of *rows*, of which the first has the titles."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    right = [title in RIGHT for title in rows[0]]
    return [
        "  ".join(
            cell.rjust(width) if is_right else cell.ljust(width)
            for cell, width, is_right in zip(row, widths, right, strict=True)
        ).rstrip()
        for row in rows
    ]


def link_table(graph: LinkGraph) -> str:
    """Draw the links of a wheel, with what is wrong below each."""
    if not graph.links:
        lines = [f"{printable(graph.wheel)}: no links"]
    else:
        header, *rows = _aligned(
            [LINK_HEADER, *(_link_row(link) for link in graph.links)]
        )
        below = " " * header.rindex(LINK_HEADER[-1])
        lines = [header]
        for row, link in zip(rows, graph.links, strict=True):
            lines += [row, *_below(link, below)]
        lines.append(_link_totals(graph))
    for problem in graph.problems:
        lines += problem_lines(problem)
    return "\n".join(lines)


def _link_row(link: LinkEntry) -> tuple[str, ...]:
    name = printable(f"{link.path} -> {link.target}")
    return link.outcome, link.encoding, link.kind or "-", name


def _below(link: LinkEntry, indent: str) -> Iterator[str]:
    # Where "a.so -> a.so.1" leads is plain, if that is the end.
    if len(link.hops) > 1 or "/" in link.target:
        yield indent + printable(" ".join(f"-> {hop}" for hop in link.hops))
    if link.reason is not None and link.outcome != "refused":
        contact = f"; contact {link.contact}" if link.contact else ""
        yield indent + printable(link.reason + contact)
    for problem in link.problems:
        known = problem.found is not None and problem.found[:3] == "-> "
        found = None if known else problem.found
        yield from problem_lines(replace(problem, member=None, found=found))


def _link_totals(graph: LinkGraph) -> str:
    numbers = Counter(link.outcome for link in graph.links)
    parts = ", ".join(f"{outcome} {n:,}" for outcome, n in numbers.items())
    changed = "".join(f", {knob} changed" for knob in graph.changed)
    return (
        f"{count(len(graph.links), 'link')} by the policy"
        f" {graph.policy}{changed}: {parts}"
    )


def group_table(report: RelinkReport) -> str:
    """Draw which files of a wheel are one, with the totals below."""
    rows = [_group_row(group) for group in report.groups]
    lines = []
    if rows:
        header, *rows_told = _aligned([GROUP_HEADER, *rows])
        indent = " " * header.rindex(GROUP_HEADER[-1])
        lines.append(header)
        for row, group in zip(rows_told, report.groups, strict=True):
            lines += [row, *_links_of(group, indent)]
    return "\n".join((*lines, _relinked(report)))


def _group_row(group: LinkGroup) -> tuple[str, ...]:
    return (
        human_size(group.size),
        human_size(group.packed_saved),
        printable(group.soname or "-"),
        printable(group.real),
    )


def _links_of(group: LinkGroup, indent: str) -> Iterator[str]:
    for link in group.links[:SHOWN]:
        yield f"{indent}<- {printable(link)}"
    if (more := len(group.links) - SHOWN) > 0:
        yield f"{indent}... and {more:,} more (--json tells them)"


def _relinked(report: RelinkReport) -> str:
    """Say in one line what was done, and what it is good for."""
    links = sum(len(group.links) for group in report.groups)
    parts = [
        f"{count(links, 'link')} to {count(len(report.groups), 'file')}",
        _sizes("packed", report.archive_size, report.relinked_archive_size),
        _sizes("unpacked", report.size, report.relinked_size),
        f"in {report.seconds:.2f} s",
    ]
    if not links:
        parts = ["nothing to link", parts[-1]]
    line = f"{printable(report.wheel)}: {', '.join(parts)}"
    if report.dry_run:
        return f"{line} (nothing was written)"
    return f"{line} -> {printable(report.result or '')}"


def _sizes(what: str, before: int, after: int) -> str:
    change = round(100 * (after - before) / before) if before else 0
    sign = "+" if change > 0 else ""  # 0 has none
    shown = f"{human_size(before)} -> {human_size(after)}"
    return f"{what} {shown} ({sign}{change} %)"
