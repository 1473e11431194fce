"""
The judge: entries, RECORD, links and policy make a Plan, or one error.

Everything is decided here, before anything is written; a refusal tells every
reason that was found.  Facts are looked at as columns: a wheel of 12,000
members costs a few passes in C, not 12,000 objects.
"""

from __future__ import annotations

import stat
from array import array
from collections.abc import (
    Callable,
    Collection,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)

from . import links, metadata, paths, record
from .backend import HOST_UNIX, Archive, EntryTable
from .errors import (
    InvalidWheelError,
    LimitError,
    Problem,
    Problems,
    RecordError,
    UnsafeMemberError,
    UnwheelError,
)
from .filename import WheelFilename
from .policy import Limits, Policy
from .values import replace, value

# Bits of an order, as the core's `enum uw_order_flag` has them.
EXECUTABLE = 1
DIRECTORY = 2
SHA256 = 4

NO_DIGEST = bytes(32)

_TYPE_SHIFT = 12
_REGULAR = stat.S_IFREG >> _TYPE_SHIFT
_DIRECTORY = stat.S_IFDIR >> _TYPE_SHIFT
_LINK = stat.S_IFLNK >> _TYPE_SHIFT
_EXECUTABLE_ATTRIBUTE = 0o111 << 16

# Hosts with MS-DOS attributes, FAT to NTFS, and that of a directory
# (APPNOTE 4.4.2.2).
_DOS_HOSTS = (0, 6, 10, 14)
_DOS_DIRECTORY = 0x10

# How the names of staging directories begin; see `staging`.
RESERVED = ".unwheel-"


@value
class Plan:
    """
    All orders of one wheel, judged.

    Attributes:
        wheel: The wheel, as the caller named it.
        filename: Its file name, parsed.
        entries: The facts it was made from.
        dist_info: The name of the .dist-info directory.
        record: RECORD, or None if the policy does without.
        links: The symbolic links to make, after all files.
        orders: Index in the directory of each order, 32-bit.
        flags: `EXECUTABLE`, `DIRECTORY`, `SHA256` of each order.
        digests: 32 bytes for each order.
        rehash: Orders whose RECORD digest is not SHA-256: the index of the
            order, the algorithm, the digest.
        files: How many of the orders are files.
        size: Bytes of all files, inflated.
        warnings: What a stricter policy would have refused.
    """

    wheel: str
    filename: WheelFilename
    entries: EntryTable
    dist_info: str
    record: record.Record | None
    links: tuple[links.Link, ...]
    orders: array[int]
    flags: bytes
    digests: bytes
    rehash: tuple[tuple[int, str, bytes], ...]
    files: int
    size: int
    warnings: tuple[Problem, ...]


class _Findings:
    """Problems by whose fault they are, in the order they were found."""

    def __init__(self, wheel: str) -> None:
        self.wheel = wheel
        self.warnings = Problems()
        self._refusals = Problems()
        self._kind: type[UnwheelError] | None = None  # of the first

    def refuse(
        self, kind: type[UnwheelError], problems: Iterable[Problem]
    ) -> None:
        self._refusals.extend(problems)
        if self._kind is None and self._refusals:
            self._kind = kind

    def absorb(self, error: UnwheelError) -> None:
        self.refuse(type(error), error.problems)

    def take_record(self, level: str, problems: Iterable[Problem]) -> None:
        """What is wrong with RECORD, at that *level* of the policy."""
        accept = 'record="warn"'
        problems = [
            p if p.accept else replace(p, accept=accept)
            for p in Problems(problems)
        ]
        if level == "warn":
            self.warnings.extend(problems)
        else:
            self.refuse(RecordError, problems)

    def check(self) -> None:
        """Raise everything that was found, if anything was."""
        if self._kind is not None:
            raise self._kind(self._refusals, wheel=self.wheel)


def make_plan(archive: Archive, wheel: str, policy: Policy) -> Plan:
    """
    Judge *archive* by *policy*.

    Args:
        archive: An open archive.
        wheel: Its path or name, as the caller said it; the last component has
            to be a wheel's file name.
        policy: What is allowed.

    Raises:
        UnsafeMemberError: A name, a type, a link, a collision.
        LimitError: Larger than the policy's limits.
        InvalidWheelError: A sound archive, but not a wheel.
        RecordError: RECORD is missing, malformed or incomplete.
        CorruptMemberError: A member that has to be read is corrupt.
    """
    table = archive.entries
    findings = _Findings(wheel)
    filename = _parse_filename(wheel, findings)
    kinds = _judge_types(table, findings)
    _judge_names(table, policy, findings)
    _judge_sizes(table, policy.limits, findings)
    _judge_link_count(len(kinds.links), policy.limits, findings)
    findings.check()

    dist_info = _find_dist_info(table, filename, findings)
    findings.check()
    index = {name: k for k, name in enumerate(table.names)}
    contact, platforms = _judge_metadata(
        archive, index, dist_info, filename, policy.limits, findings
    )
    targets = _link_targets(archive, kinds, policy.limits, findings)
    rows = _judge_record(
        archive, index, kinds, dist_info, targets, policy, findings
    )
    link_plan = links.resolve(
        targets,
        table.names,
        policy=policy.links,
        filename=filename,
        dist_info=dist_info,
        contact=contact,
        platforms=platforms,
        limits=policy.limits,
    )
    findings.refuse(UnsafeMemberError, link_plan.problems)
    findings.check()
    return _orders(
        wheel, filename, table, kinds, dist_info, rows, link_plan, policy,
        findings,
    )  # fmt: skip


# ----------------------------------------------------------- what it is


def _parse_filename(wheel: str, findings: _Findings) -> WheelFilename:
    try:
        return WheelFilename.parse(wheel.replace("\\", "/").rpartition("/")[2])
    except UnwheelError as error:
        raise type(error)(error.problems, wheel=findings.wheel) from None


class _Kinds:
    """Which entries are files, directories and links."""

    def __init__(self, count: int) -> None:
        self.files: Sequence[int] = range(count)
        self.directories: Sequence[int] = ()
        self.links: Sequence[int] = ()


def _judge_types(table: EntryTable, findings: _Findings) -> _Kinds:
    """
    Sort the entries by what they are.

    Only a host-3 entry says what it is (APPNOTE 4.4.2.2); a link mode under
    another host is read differently by careful readers, so it is refused.
    """
    kinds = _Kinds(len(table))
    plain = {(HOST_UNIX, _REGULAR), (HOST_UNIX, 0)}
    types = [attribute >> 28 for attribute in table.attributes]
    hosts = [made_by >> 8 for made_by in table.made_by]
    slashed = b"/\0" in table.names_blob
    if not slashed and plain.issuperset(zip(hosts, types, strict=True)):
        return kinds
    files, directories, symlinks = [], [], []
    for k, (name, host, kind) in enumerate(
        zip(table.names, hosts, types, strict=True)
    ):
        problem = _type_problem(name, host, kind, table.attributes[k])
        if problem is not None:
            findings.refuse(UnsafeMemberError, [problem])
        elif name.endswith("/"):
            directories.append(k)
        elif host == HOST_UNIX and kind == _LINK:
            symlinks.append(k)
        else:
            files.append(k)
    kinds.files, kinds.directories, kinds.links = files, directories, symlinks
    return kinds


_TYPE_NAMES = {
    stat.S_IFIFO >> _TYPE_SHIFT: "a FIFO",
    stat.S_IFCHR >> _TYPE_SHIFT: "a character device",
    stat.S_IFBLK >> _TYPE_SHIFT: "a block device",
    stat.S_IFSOCK >> _TYPE_SHIFT: "a socket",
}


def _type_problem(
    name: str, host: int, kind: int, attributes: int
) -> Problem | None:
    if host != HOST_UNIX:
        return _foreign_problem(name, host, kind, attributes)
    if name.endswith("/"):
        if kind in (0, _DIRECTORY):
            return None
        return Problem(
            "SLASH_NAME",
            "the name of a directory with the mode of something else",
            member=name,
        )
    if kind in (0, _REGULAR, _LINK):
        return None
    if kind == _DIRECTORY:
        return Problem(
            "SLASH_NAME",
            "the mode of a directory, but the name does not end in '/'",
            member=name,
        )
    return Problem(
        "FILE_TYPE",
        "neither a file nor a directory nor a link",
        member=name,
        found=_TYPE_NAMES.get(kind, f"type {kind:#x}"),
    )


def _foreign_problem(
    name: str, host: int, kind: int, attributes: int
) -> Problem | None:
    """What another host than Unix says, that careful readers read in two."""
    if kind == _LINK:
        return Problem(
            "AMBIGUOUS_HOST",
            "the mode of a link under a host that is not Unix",
            member=name,
            found=f"host {host}",
            expected="host 3",
        )
    is_directory = host in _DOS_HOSTS and attributes & _DOS_DIRECTORY
    if is_directory and not name.endswith("/"):
        return Problem(
            "SLASH_NAME",
            "a directory to MS-DOS, but the name does not end in '/'",
            member=name,
        )
    return None


def _judge_names(
    table: EntryTable, policy: Policy, findings: _Findings
) -> None:
    refusals, warnings = paths.check_names(
        table.names,
        table.names_blob,
        table.flags,
        policy.limits,
        policy.portable_names,
    )
    for problem in refusals:
        limit = (problem.accept or "").startswith("limits.")
        findings.refuse(LimitError if limit else UnsafeMemberError, [problem])
    findings.warnings.extend(warnings)
    findings.refuse(UnsafeMemberError, _reserved(table))


def _reserved(table: EntryTable) -> Iterator[Problem]:
    """
    Names at the top that staging uses.

    The next run would take such a directory for what a dead process left,
    and remove it from the published tree.
    """
    if RESERVED.encode() not in table.names_blob.lower():
        return
    for name in table.names:
        if name.lower().startswith(RESERVED):
            yield Problem(
                "RESERVED_NAME",
                f"names that begin with {RESERVED!r} are our own",
                member=name,
            )


def _judge_sizes(
    table: EntryTable, limits: Limits, findings: _Findings
) -> None:
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
    if any(
        size > ratio * (packed + 8)
        for size, packed in zip(table.sizes, table.packed_sizes, strict=True)
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


def _judge_link_count(count: int, limits: Limits, findings: _Findings) -> None:
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


# ------------------------------------------------------------- the wheel


def _find_dist_info(
    table: EntryTable, filename: WheelFilename, findings: _Findings
) -> str:
    try:
        dist_info = metadata.find_dist_info(table.names, filename)
    except UnwheelError as error:
        findings.absorb(error)
        return ""
    refusals, warnings = metadata.check_layout(table.names, dist_info)
    findings.refuse(InvalidWheelError, refusals)
    findings.warnings.extend(warnings)
    return dist_info


def _judge_metadata(
    archive: Archive,
    index: Mapping[str, int],
    dist_info: str,
    filename: WheelFilename,
    limits: Limits,
    findings: _Findings,
) -> tuple[str | None, Collection[str]]:
    """
    Judge METADATA and WHEEL.

    Returns:
        Whom to tell of refused links, and the platforms in WHEEL.
    """
    try:
        where = index[f"{dist_info}/WHEEL"]
        data = _read(archive, where, limits, "metadata_size")
        info = metadata.WheelInfo.parse(data)
        where = index[f"{dist_info}/METADATA"]
        data = _read(archive, where, limits, "metadata_size")
        core = metadata.CoreMetadata.parse(data)
    except UnwheelError as error:
        findings.absorb(error)
        return None, ()
    refusals, warnings = metadata.check_agreement(info, core, filename)
    findings.refuse(InvalidWheelError, refusals)
    findings.warnings.extend(warnings)
    return ", ".join(core.contacts) or None, info.platforms


def _read(archive: Archive, index: int, limits: Limits, knob: str) -> bytes:
    """The content of a member, by the limit that is called *knob*."""
    try:
        return archive.read(index, getattr(limits, knob))
    except LimitError as error:
        accept = f"limits.{knob}"
        problems = [replace(p, accept=accept) for p in error.problems]
        raise LimitError(problems) from None


def _link_targets(
    archive: Archive, kinds: _Kinds, limits: Limits, findings: _Findings
) -> dict[str, bytes]:
    """The payload of every link that can be read."""
    targets = {}
    for k in kinds.links:
        try:
            payload = _read(archive, k, limits, "link_target_length")
        except UnwheelError as error:
            findings.absorb(error)
            continue
        targets[archive.entries.names[k]] = payload
    return targets


# ------------------------------------------------------------- RECORD


def _judge_record(
    archive: Archive,
    index: Mapping[str, int],
    kinds: _Kinds,
    dist_info: str,
    targets: Mapping[str, bytes],
    policy: Policy,
    findings: _Findings,
) -> record.Record | None:
    level = policy.record
    if level == "off":
        return None
    try:
        rows, problems = _read_record(archive, index, dist_info, policy.limits)
    except RecordError as error:
        findings.take_record(level, error.problems)
        return None
    except UnwheelError as error:
        findings.absorb(error)
        return None
    table = archive.entries
    names, sizes = table.names, table.sizes
    if kinds.directories:
        listed = sorted([*kinds.files, *kinds.links])
        names = [table.names[k] for k in listed]
        sizes = [table.sizes[k] for k in listed]
    if level == "names":
        problems = problems.without(record.NOT_ABOUT_NAMES)
        problems.extend(record.names_problems(rows, names, dist_info))
    else:
        problems.extend(
            record.judge(rows, names, sizes, dist_info, links=targets)
        )
    findings.take_record(level, problems)
    return rows


def _read_record(
    archive: Archive,
    index: Mapping[str, int],
    dist_info: str,
    limits: Limits,
) -> tuple[record.Record, Problems]:
    where = index.get(f"{dist_info}/RECORD")
    if where is None:
        raise RecordError([record.record_missing(dist_info)])
    data = _read(archive, where, limits, "record_size")
    return record.Record.read(
        data, limits, known=index.keys(), entries=len(index)
    )


# ------------------------------------------------------------- orders


def _orders(
    wheel: str,
    filename: WheelFilename,
    table: EntryTable,
    kinds: _Kinds,
    dist_info: str,
    rows: record.Record | None,
    link_plan: links.LinkPlan,
    policy: Policy,
    findings: _Findings,
) -> Plan:
    files = array("I", kinds.files)
    names: Sequence[str] = table.names
    attributes: Sequence[int] = table.attributes
    if len(files) != len(table):
        names = [table.names[k] for k in files]
        attributes = [table.attributes[k] for k in files]
    verify = rows is not None and policy.record in ("verify", "warn")
    exempt = record.unlisted(dist_info)
    digests, flags = _digest_columns(names, rows if verify else None, exempt)
    for k, (attribute, made_by) in enumerate(
        zip(attributes, _hosts(table, files), strict=True)
    ):
        if attribute & _EXECUTABLE_ATTRIBUTE and made_by >> 8 == HOST_UNIX:
            flags[k] |= EXECUTABLE
    rehash = _rehash(names, rows if verify else None, exempt)
    files.extend(kinds.directories)
    return Plan(
        wheel=wheel,
        filename=filename,
        entries=table,
        dist_info=dist_info,
        record=rows,
        links=link_plan.links,
        orders=files,
        flags=bytes(flags) + bytes([DIRECTORY]) * len(kinds.directories),
        digests=digests + NO_DIGEST * len(kinds.directories),
        rehash=rehash,
        files=len(names),
        size=sum(table.sizes) - sum(table.sizes[k] for k in kinds.links),
        warnings=tuple(findings.warnings),
    )


def _hosts(table: EntryTable, files: Sequence[int]) -> Sequence[int]:
    if len(files) == len(table):
        return table.made_by
    return [table.made_by[k] for k in files]


def _digest_columns(
    names: Sequence[str],
    rows: record.Record | None,
    exempt: Collection[str],
) -> tuple[bytes, bytearray]:
    """What SHA-256 is known of whom, and the flags that say so."""
    if rows is None:
        return NO_DIGEST * len(names), bytearray(len(names))
    known = rows.sha256
    if not known.keys().isdisjoint(exempt):
        known = {k: v for k, v in known.items() if k not in exempt}
    found = list(map(known.get, names))
    flags = bytearray([0 if digest is None else SHA256 for digest in found])
    digests = b"".join([digest or NO_DIGEST for digest in found])
    return digests, flags


def _rehash(
    names: Sequence[str],
    rows: record.Record | None,
    exempt: Collection[str],
) -> tuple[tuple[int, str, bytes], ...]:
    if rows is None or not rows.other:
        return ()
    return tuple(
        (k, *rows.other[name])
        for k, name in enumerate(names)
        if name in rows.other and name not in exempt
    )
