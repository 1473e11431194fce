"""
Links that a wheel asks for in files of its metadata, not in its directory.

Pure.  LINKS is that of PEP 778, symlinks.txt that of wheel-axle.  Neither is
judged here; they are read into what the directory would have said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from .errors import Problem, Problems, printable
from .metadata import AXLE_FILE, LINKS_FILE
from .paths import directories, problem_with_name
from .policy import Limits
from .targets import Found, Tree
from .values import value

ZIP, LINKS, AXLE = "zip", "links", "axle"

_FILES = {LINKS: LINKS_FILE, AXLE: AXLE_FILE}
_SHOWN = 400  # characters

# In a reading of LINKS, these are of links as they should be: which of them a
# policy accepts is not the question here.
_RIGHT_WAY_ROUND = frozenset(("FILE", "CHAIN", "FOLDER", "ANCESTOR"))
_UNFOUNDED = Found("DANGLING", "", detail="nothing exists without the links")


@value
class AskedLink:
    """
    A link that a wheel asks for, unjudged.

    Attributes:
        path: Of the link, from the root of the archive.
        target: Its text, relative to the folder of the link.
        encoding: "zip" (an entry of that type), "links" (a row of LINKS) or
            "axle" (a row of symlinks.txt).
        is_folder: Whether the wheel says that it leads to a folder; None if
            it does not say.
        fault: What is known to be wrong with it before it is resolved: a key
            of `outcomes.OUTCOMES`, or None.  BAD_TARGET is of one too long to
            be read.
    """

    path: str
    target: bytes
    encoding: str
    is_folder: bool | None = None
    fault: str | None = None


def read_links_file(
    data: bytes, names: Collection[str], dist_info: str, limits: Limits
) -> tuple[list[AskedLink], list[Problem]]:
    """
    Read LINKS (PEP 778), whose columns the PEP gives in both orders.

    Its dialect is that of RECORD, with two fields, paths from the root of the
    archive.  Which of them is the link is inferred: the column all of whose
    names are new, each only once, if the others exist once the links do, one
    of them even before.  Never is that so of both: in the other reading just
    this one is the name of a link, and not new.

    Args:
        data: Its bytes.
        names: Of all entries but those of type link.
        dist_info: Where the metadata is.
        limits: Of names, and of links.

    Returns:
        The links, none if there is a problem; and the problems:
        LINKS_NOT_UTF8, LINKS_FIELDS, TOO_MANY_LINKS, LINKS_DIRECTION,
        IN_METADATA, CROSS_SCHEME and those of a name.
    """
    member = f"{dist_info}/{LINKS_FILE}"
    rows, problems = _read_rows(data, LINKS, 2, limits, member)
    for number, row in rows:
        for cell in row:
            problems.extend(_cell_problems(cell, number, dist_info, limits))
    if problems or not rows:
        return [], list(problems)
    cells = [(a, b) for _, (a, b) in rows]
    existing = {*names, *directories(names, limits)[0]}
    readings = [
        _Reading(pairs, names, existing, dist_info, limits)
        for pairs in (cells, [(b, a) for a, b in cells])
    ]
    for reading in readings:
        if not reading.wrong:
            return reading.links, []
    if any(reading.took_too_long for reading in readings):
        return [], [_too_many(member, "the links take too long to resolve")]
    better = min(readings, key=lambda reading: len(reading.wrong))
    order = "link,target" if better is readings[0] else "target,link"
    return [], list(Problems(better.explained(cells, order)))


def read_axle(
    data: bytes, dist_info: str, limits: Limits
) -> tuple[list[AskedLink], list[Problem]]:
    """
    Read symlinks.txt of wheel-axle: rows of link, target, 0 or 1.

    The link is relative to the root of the archive, the target to the link;
    1 says that it is a folder.

    Returns:
        The links of the good rows, and the problems: LINKS_NOT_UTF8,
        LINKS_FIELDS, TOO_MANY_LINKS.
    """
    member = f"{dist_info}/{AXLE_FILE}"
    rows, problems = _read_rows(data, AXLE, 3, limits, member)
    links = []
    for number, (path, target, folder) in rows:
        if folder in ("0", "1"):
            payload = target.encode("utf-8", "surrogatepass")
            links.append(AskedLink(path, payload, AXLE, folder == "1"))
        else:
            problems.add(
                Problem(
                    "LINKS_FIELDS",
                    f"row {number} of symlinks.txt says neither file nor "
                    "folder",
                    member=member,
                    found=printable(folder[:_SHOWN]),
                    expected="0 or 1",
                )
            )
    return links, list(problems)


def disagreements(
    zip_links: Sequence[AskedLink], rows: Sequence[AskedLink]
) -> list[Problem]:
    """
    Where the directory and LINKS do not say the same (LINKS_CONFLICT).

    Compared are the paths of the links, and their targets as paths from the
    root, so "./x" is "x".  A wheel in which they differ is two wheels.

    Args:
        zip_links: Those of the directory.
        rows: Those of LINKS; none if it is empty, which says that also.
    """
    first = {link.path: _normal(link) for link in zip_links}
    second = {link.path: _normal(link) for link in rows}
    return list(
        Problems(
            Problem(
                "LINKS_CONFLICT",
                "the directory and LINKS differ about a link",
                member=path,
                found=_shown(first.get(path)),
                expected=_shown(second.get(path)),
            )
            for path in dict.fromkeys([*first, *second])
            if first.get(path) != second.get(path)
        )
    )


def _shown(target: str | None) -> str:
    return "no link" if target is None else "-> " + printable(target[:_SHOWN])


def _normal(link: AskedLink) -> str:
    """Where *link* says it leads, from the root, by its text alone."""
    text = link.target.decode("utf-8", "surrogateescape")
    if text.startswith("/"):
        return text
    parts = link.path.split("/")[:-1]
    for part in text.split("/"):
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


class _Reading:
    """
    LINKS, with one of its columns as that of the links.

    Attributes:
        links: As the directory would have said.
        wrong: By the index of the row, why this is no right reading of it.
        took_too_long: Whether the links are too much work to resolve.
    """

    def __init__(
        self,
        pairs: Sequence[tuple[str, str]],
        names: Collection[str],
        existing: Collection[str],
        dist_info: str,
        limits: Limits,
    ) -> None:
        self.links = [
            AskedLink(path, _relative(target, path).encode(), LINKS)
            for path, target in pairs
        ]
        counts = Counter(path for path, _ in pairs)
        twice = {path for path, count in counts.items() if count > 1}
        targets = {link.path: link.target for link in self.links}
        tree = Tree(targets, names, dist_info, limits, twice=twice)
        found = tree.resolve_all()
        self.wrong = {
            index: found[path]
            for index, (path, _) in enumerate(pairs)
            if found[path].kind not in _RIGHT_WAY_ROUND
        }
        if not self.wrong and not any(end in existing for _, end in pairs):
            self.wrong = dict.fromkeys(range(len(pairs)), _UNFOUNDED)
        self.took_too_long = any(
            link.kind == "TOO_MANY_LINKS" for link in self.wrong.values()
        )

    def explained(
        self, rows: Sequence[tuple[str, str]], order: str
    ) -> Iterator[Problem]:
        """Each row that keeps this from being the right reading."""
        for index, found in self.wrong.items():
            yield Problem(
                "LINKS_DIRECTION",
                "LINKS can be read neither as link,target nor as target,link; "
                f"best as {order}, but for row {index + 1}: " + _reason(found),
                member=self.links[index].path,
                found=printable(",".join(rows[index])[:_SHOWN]),
            )


def _reason(found: Found) -> str:
    detail = f" ({printable(found.detail[:_SHOWN])})" if found.detail else ""
    return (found.code or found.kind) + detail


def _relative(target: str, path: str) -> str:
    """The text of a link *path* to *target*, both from the root."""
    there, here = target.split("/"), path.split("/")[:-1]
    common = 0
    for one, other in zip(there, here, strict=False):
        if one != other:
            break
        common += 1
    up = [".."] * (len(here) - common)
    return "/".join([*up, *there[common:]]) or "."


def _cell_problems(
    cell: str, number: int, dist_info: str, limits: Limits
) -> Iterator[Problem]:
    """Why there may be no such path in a row of LINKS."""
    where = f"row {number} of LINKS: "
    if problem := problem_with_name(cell, limits):
        yield Problem(
            problem.code,
            where + problem.message,
            member=cell,
            found=problem.found,
            accept=problem.accept,
        )
        return
    top = cell.partition("/")[0].casefold()
    metadata = dist_info.casefold()
    if top == metadata:
        message = "a link in or into the metadata"
        yield Problem("IN_METADATA", where + message, cell)
    elif top == metadata.removesuffix(".dist-info") + ".data":
        message = "PEP 778 has no links in what is installed elsewhere"
        yield Problem("CROSS_SCHEME", where + message, cell)


def _read_rows(
    data: bytes,
    encoding: str,
    fields: int,
    limits: Limits,
    member: str,
) -> tuple[list[tuple[int, list[str]]], Problems]:
    """The rows of a CSV file that have so many *fields*, and their numbers."""
    import csv
    import io

    problems = Problems()
    rows: list[tuple[int, list[str]]] = []
    name = _FILES[encoding]
    try:
        text = io.StringIO(data.decode("utf-8"), newline="")
        for number, row in enumerate(csv.reader(text, strict=True), 1):
            if number > limits.links:
                problems.add(
                    _too_many(member, f"more links in {name} than are allowed")
                )
                break
            if len(row) == fields:
                rows.append((number, row))
                continue
            problems.add(
                Problem(
                    "LINKS_FIELDS",
                    f"row {number} of {name} has not {fields} fields",
                    member=member,
                    found=str(len(row)),
                )
            )
    except UnicodeDecodeError as error:
        problems.add(
            Problem(
                "LINKS_NOT_UTF8",
                f"{name} is not UTF-8",
                member=member,
                found=str(error),
            )
        )
    except csv.Error as error:
        problems.add(
            Problem("LINKS_FIELDS", f"{name} is no CSV file: {error}", member)
        )
    return rows, problems


def _too_many(member: str, message: str) -> Problem:
    return Problem("TOO_MANY_LINKS", message, member, accept="limits.links")
