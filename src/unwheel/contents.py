"""
What an archive holds: types, names and sizes, judged.

Pure.  Facts are looked at as columns: a wheel of 12,000 members costs a few
passes in C, not 12,000 objects.
"""

from __future__ import annotations

import stat
from itertools import compress

from . import paths
from .backend import HOST_UNIX, EntryTable
from .errors import LimitError, Problem, UnsafeMemberError
from .findings import Findings
from .policy import Limits, Policy
from .values import replace

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_TYPE_SHIFT = 12
_REGULAR = stat.S_IFREG >> _TYPE_SHIFT
_DIRECTORY = stat.S_IFDIR >> _TYPE_SHIFT
_LINK = stat.S_IFLNK >> _TYPE_SHIFT

# Attributes (APPNOTE 4.4.2.2).  A volume label is no file: unzip passes over
# one of a host that has them, without a word.  What is a reparse point is not
# its content but where that leads, on Windows.
_DOS_LABEL = 0x08
_DOS_DIRECTORY = 0x10
_DOS_REPARSE = 0x400
_DOS_TYPES = _DOS_LABEL | _DOS_DIRECTORY | _DOS_REPARSE

# What `links` says of a link that has the name of something else.
_OF_LINKS = ("DUPLICATE", "FILE_AND_DIRECTORY")

# How the names of staging directories begin; see `staging`.
RESERVED = ".unwheel-"


class Kinds:
    """Which entries are files, directories and links."""

    def __init__(self, count: int) -> None:
        self.files: Sequence[int] = range(count)
        self.directories: Sequence[int] = ()
        self.links: Sequence[int] = ()


def judge_types(table: EntryTable, findings: Findings) -> Kinds:
    """
    Sort the entries by what they are.

    Only a host-3 entry says what it is (APPNOTE 4.4.2.2).  A link mode under
    another host is read differently by careful readers; such an entry is put
    with the links, whose judge knows what a policy makes of it.
    """
    kinds = Kinds(len(table))
    findings.warnings.extend(_link_fields(table))
    if _sort_plain(table, kinds):
        return kinds
    files, directories, symlinks = [], [], []
    for k, (name, attributes) in enumerate(
        zip(table.names, table.attributes, strict=True)
    ):
        problem = _type_problem(name, attributes)
        if problem is not None:
            findings.refuse(UnsafeMemberError, [problem])
        elif name.endswith("/"):
            directories.append(k)
        elif attributes >> 28 == _LINK:
            symlinks.append(k)
        else:
            files.append(k)
    kinds.files, kinds.directories, kinds.links = files, directories, symlinks
    return kinds


def _sort_plain(table: EntryTable, kinds: Kinds) -> bool:
    """
    Sort entries of Unix that are files and directories, as in most wheels.

    Returns:
        Whether that is what there is; else *kinds* are as they were.
    """
    if {made_by >> 8 for made_by in set(table.made_by)} - {HOST_UNIX}:
        return False
    if b"/\0" not in table.names_blob:
        return _are_files(table.attributes)
    slashed = [name.endswith("/") for name in table.names]
    files = [k for k, is_directory in enumerate(slashed) if not is_directory]
    directories = list(compress(range(len(table)), slashed))
    if not _are_files([table.attributes[k] for k in files]):
        return False
    if not _are_directories([table.attributes[k] for k in directories]):
        return False
    kinds.files, kinds.directories = files, directories
    return True


def _are_files(attributes: Sequence[int]) -> bool:
    """Whether all *attributes* are of files, or say nothing."""
    return all(
        attribute >> 28 in (_REGULAR, 0) and not attribute & _DOS_TYPES
        for attribute in set(attributes)
    )


def _are_directories(attributes: Sequence[int]) -> bool:
    """Whether all *attributes* are of directories, or say nothing."""
    return all(
        attribute >> 28 in (_DIRECTORY, 0)
        and not attribute & _DOS_TYPES & ~_DOS_DIRECTORY
        for attribute in set(attributes)
    )


def _link_fields(table: EntryTable) -> Iterator[Problem]:
    """Where an extra field speaks of a link, which we do not follow."""
    for k in table.link_fields:
        yield Problem(
            "LINK_FIELD",
            "an extra field names the target of a link; it is not followed",
            member=table.names[k],
        )


_TYPE_NAMES = {
    stat.S_IFIFO >> _TYPE_SHIFT: "a FIFO",
    stat.S_IFCHR >> _TYPE_SHIFT: "a character device",
    stat.S_IFBLK >> _TYPE_SHIFT: "a block device",
    stat.S_IFSOCK >> _TYPE_SHIFT: "a socket",
}


def _type_problem(name: str, attributes: int) -> Problem | None:
    """
    Why an entry is none of the three, or not the same one to every reader.

    Mode and MS-DOS attributes count under any host (APPNOTE 4.4.2.2): readers
    differ about whose host has which, and some never look.
    """
    kind = attributes >> 28
    if attributes & (_DOS_LABEL | _DOS_REPARSE):
        return Problem(
            "FILE_TYPE",
            "neither a file nor a directory nor a link",
            member=name,
            found="a volume label"
            if attributes & _DOS_LABEL
            else "a reparse point",
        )
    if name.endswith("/"):
        if kind in (0, _DIRECTORY):
            return None
        return Problem(
            "SLASH_NAME",
            "the name of a directory with the mode of something else",
            member=name,
        )
    if kind == _DIRECTORY or attributes & _DOS_DIRECTORY:
        return Problem(
            "SLASH_NAME",
            "the attributes of a directory, but the name does not end in '/'",
            member=name,
        )
    if kind in (0, _REGULAR, _LINK):
        return None
    return Problem(
        "FILE_TYPE",
        "neither a file nor a directory nor a link",
        member=name,
        found=_TYPE_NAMES.get(kind, f"type {kind:#x}"),
    )


def judge_names(
    table: EntryTable, kinds: Kinds, policy: Policy, findings: Findings
) -> None:
    refusals, warnings = paths.check_names(
        table.names,
        table.names_blob,
        table.flags,
        policy.limits,
        policy.portable_names,
    )
    links = {table.names[k] for k in kinds.links} if refusals else set()
    for problem in refusals:
        if problem.member in links:
            problem = _of_a_link(problem)
        _refuse_name(problem, findings)
    findings.warnings.extend(warnings)
    findings.refuse(
        UnsafeMemberError, _reserved(table.names, table.names_blob)
    )


def _of_a_link(problem: Problem) -> Problem:
    """What a link's name is refused for, and a word if nothing accepts it."""
    code, message = problem.code, problem.message
    if code == "FILE_AND_DIRECTORY":
        code, message = "HAS_CHILDREN", "another name is beneath the link"
    if problem.accept is None:
        message += "; no policy accepts it"
    return replace(problem, code=code, message=message)


def _refuse_name(problem: Problem, findings: Findings) -> None:
    limit = (problem.accept or "").startswith("limits.")
    findings.refuse(LimitError if limit else UnsafeMemberError, [problem])


def judge_more_names(
    table: EntryTable, more: Sequence[str], policy: Policy, findings: Findings
) -> None:
    """
    Judge names that no entry has, but that will be made: those of links.

    What they are to the entries themselves is not judged here but in `links`.
    """
    if not more:
        return
    raw = "".join(f"{name}\0" for name in more).encode()
    refusals, warnings = paths.check_names(
        [*table.names, *more],
        table.names_blob + raw,
        [*table.flags, *(paths.UTF8_FLAG for _ in more)],
        policy.limits,
        policy.portable_names,
    )
    known = set(findings.warnings)
    findings.warnings.extend(w for w in warnings if w not in known)
    for problem in refusals:
        if problem.code not in _OF_LINKS:
            _refuse_name(problem, findings)
    findings.refuse(UnsafeMemberError, _reserved(more, raw))


def _reserved(names: Sequence[str], blob: bytes) -> Iterator[Problem]:
    """
    Names at the top that staging uses.

    The next run would take such a directory for what a dead process left,
    and remove it from the published tree.
    """
    if RESERVED.encode() not in blob.lower():
        return
    for name in names:
        if name.lower().startswith(RESERVED):
            yield Problem(
                "RESERVED_NAME",
                f"names that begin with {RESERVED!r} are our own",
                member=name,
            )


def judge_sizes(table: EntryTable, limits: Limits, findings: Findings) -> None:
    """Refuse bombs by what the directory states; the core holds it to that."""
    findings.refuse(LimitError, _size_problems(table, limits))
    largest = max(table.sizes, default=0)
    ratio = limits.member_ratio
    if largest > limits.member_size:
        findings.refuse(
            LimitError,
            _each_above(
                table,
                "MEMBER_TOO_LARGE",
                "limits.member_size",
                lambda _: limits.member_size,
            ),
        )
    # A block of DEFLATE has a header, hence the allowance for tiny members.
    # A smaller one is within it even if nothing is packed.
    least = 8 * ratio
    large = [k for k, size in enumerate(table.sizes) if size > least]
    if any(
        table.sizes[k] > ratio * (table.packed_sizes[k] + 8) for k in large
    ):
        findings.refuse(
            LimitError,
            _each_above(
                table,
                "MEMBER_RATIO",
                "limits.member_ratio",
                lambda k: ratio * (table.packed_sizes[k] + 8),
            ),
        )


def _each_above(
    table: EntryTable,
    code: str,
    accept: str,
    most: Callable[[int], int],
) -> Iterator[Problem]:
    for k, size in enumerate(table.sizes):
        if size > most(k):
            yield Problem(
                code,
                "the member is larger than is allowed",
                member=table.names[k],
                found=f"{size} bytes",
                expected=f"at most {most(k)}",
                accept=accept,
            )


def _size_problems(table: EntryTable, limits: Limits) -> Iterator[Problem]:
    total = sum(table.sizes)
    if total > limits.total_size:
        yield Problem(
            "TOTAL_TOO_LARGE",
            "all members together are larger than is allowed",
            found=f"{total} bytes",
            expected=f"at most {limits.total_size}",
            accept="limits.total_size",
        )
    most = limits.ratio * table.archive_size
    if total > limits.ratio_floor and total > most:
        yield Problem(
            "TOTAL_RATIO",
            f"more than {limits.ratio} times the size of the archive",
            found=f"{total} bytes",
            expected=f"at most {most}",
            accept="limits.ratio",
        )


def judge_link_count(count: int, limits: Limits, findings: Findings) -> None:
    """Refuse before any is read: each costs more than its entry."""
    if count > limits.links:
        problem = Problem(
            "TOO_MANY_LINKS",
            "more links than are allowed",
            found=f"{count} links",
            expected=f"at most {limits.links}",
            accept="limits.links",
        )
        findings.refuse(LimitError, [problem])
