"""
The judge: entries, RECORD, links and policy make a Plan, or one error.

Everything is decided here, before anything is written; a refusal tells every
reason that was found.  Facts are looked at as columns: a wheel of 12,000
members costs a few passes in C, not 12,000 objects.
"""

from __future__ import annotations

from . import layout, metadata, record
from .backend import HOST_UNIX, Archive, EntryTable
from .contents import (
    judge_link_count,
    judge_names,
    judge_sizes,
    judge_types,
)
from .errors import (
    InvalidWheelError,
    Problem,
    Problems,
    RecordError,
    UnwheelError,
)
from .filename import WheelFilename
from .policy import Policy
from .subject import Subject
from .values import value

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from typing import TypeAlias

    from .asking import Asked
    from .links import Host, Link, LinkPlan

    GetHost: TypeAlias = Callable[[], Host]

# Bits of an order, as the core's `enum uw_order_flag` has them.
EXECUTABLE = 1
DIRECTORY = 2
SHA256 = 4

NO_DIGEST = bytes(32)

_SHOWN = 400  # characters

_EXECUTABLE_ATTRIBUTE = 0o111 << 16


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
        links: What becomes of the symbolic links, after all files.
        extras: Files that no member is, but the links need: their names and
            their content.
        orders: Index in the directory of each order.
        flags: `EXECUTABLE`, `DIRECTORY`, `SHA256` of each order.
        digests: 32 bytes for each order.
        times: Of modification, seconds since 1970, for each order; None for
            now.
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
    links: tuple[Link, ...]
    extras: tuple[tuple[str, bytes], ...]
    orders: Sequence[int]
    flags: bytes
    digests: bytes
    times: Sequence[int] | None
    rehash: tuple[tuple[int, str, bytes], ...]
    files: int
    size: int
    warnings: tuple[Problem, ...]


def make_plan(
    archive: Archive,
    wheel: str,
    policy: Policy,
    host: GetHost | None = None,
) -> Plan:
    """
    Judge *archive* by *policy*.

    Args:
        archive: An open archive.
        wheel: Its path or name, as the caller said it; the last component has
            to be a wheel's file name.
        policy: What is allowed.
        host: Asked, if links hang on it, for where the wheel is going to;
            without it, for a place that can hold links.

    Raises:
        UnsafeMemberError: A name, a type, a link, a collision.
        LimitError: Larger than the policy's limits.
        InvalidWheelError: A sound archive, but not a wheel.
        RecordError: RECORD is missing, malformed or incomplete.
        CorruptMemberError: A member that has to be read is corrupt.
        DestinationError: The destination cannot hold the links.
    """
    subject = _judge(archive, wheel, policy)
    asked = _ask(subject)
    rows = _judge_record(subject, asked.payloads if asked else {})
    made: tuple[Link, ...] = ()
    extras: tuple[tuple[str, bytes], ...] = ()
    if asked is not None:
        from .asking import judge_asked

        made, extras = judge_asked(subject, asked, host)
    subject.findings.check()
    return _orders(subject, rows, made, extras)


def judge_links(
    archive: Archive, wheel: str, policy: Policy, host: GetHost
) -> LinkPlan | None:
    """
    What becomes of the links of *archive*, and why it may not.

    The arguments are those of `make_plan`.

    Returns:
        None if it asks for none.

    Raises:
        UnwheelError: If there is something else wrong with it.
    """
    subject = _judge(archive, wheel, policy)
    asked = _ask(subject)
    _judge_record(subject, asked.payloads if asked else {})
    subject.findings.check()
    if asked is None:
        return None
    from .asking import resolve_asked

    return resolve_asked(subject, asked, host())


def _judge(archive: Archive, wheel: str, policy: Policy) -> Subject:
    """All but links and RECORD; what cannot be gone on from is raised."""
    subject = Subject(archive, wheel, policy)
    table, findings, limits = archive.entries, subject.findings, policy.limits
    subject.filename = _parse_filename(wheel, policy)
    subject.kinds = judge_types(table, findings)
    judge_names(table, subject.kinds, policy, findings)
    judge_sizes(table, limits, findings)
    judge_link_count(len(subject.kinds.links), limits, findings)
    findings.check()
    subject.dist_info = _find_dist_info(subject)
    findings.check()
    subject.index = {name: k for k, name in enumerate(table.names)}
    _judge_metadata(subject)
    return subject


def _ask(subject: Subject) -> Asked | None:
    """What the wheel says of links; most say nothing, so nothing runs."""
    files = (f"{subject.dist_info}/{name}" for name in metadata.LINK_FILES)
    if not subject.kinds.links and not any(f in subject.index for f in files):
        return None
    from .asking import asked_links

    return asked_links(subject)


# ------------------------------------------------------------- the wheel


def _parse_filename(wheel: str, policy: Policy) -> WheelFilename:
    name = wheel.replace("\\", "/").rpartition("/")[2]
    try:
        return WheelFilename.parse(
            name, wheel2=policy.link_policy.takes_wheel2
        )
    except UnwheelError as error:
        raise type(error)(error.problems, wheel=wheel) from None


def _find_dist_info(subject: Subject) -> str:
    names, findings = subject.table.names, subject.findings
    try:
        dist_info = metadata.find_dist_info(names, subject.filename)
    except UnwheelError as error:
        findings.absorb(error)
        return ""
    refusals, warnings = layout.check_layout(names, dist_info)
    findings.refuse(InvalidWheelError, refusals)
    findings.warnings.extend(warnings)
    return dist_info


def _judge_metadata(subject: Subject) -> None:
    """Judge METADATA, WHEEL and entry points."""
    filename, findings = subject.filename, subject.findings
    try:
        info = metadata.WheelInfo.parse(
            subject.read_info(filename.info_file, "metadata_size"),
            wheel2=subject.policy.link_policy.takes_wheel2
            and not filename.is_pybi,
            name=filename.info_file,
        )
        core = metadata.CoreMetadata.parse(
            subject.read_info("METADATA", "metadata_size")
        )
    except UnwheelError as error:
        findings.absorb(error)
        return
    refusals, warnings = metadata.check_agreement(info, core, filename)
    findings.refuse(InvalidWheelError, refusals)
    findings.warnings.extend(warnings)
    _judge_entry_points(subject)
    subject.info = info
    # Told with each of ten thousand links: 4 MB of it made 40 GB of a report.
    subject.contact = ", ".join(core.contacts)[:_SHOWN] or None


def _judge_entry_points(subject: Subject) -> None:
    """Judge the names of scripts, of a wheel that has entry points."""
    file, dist_info = layout.ENTRY_POINTS_FILE, subject.dist_info
    index = subject.index.get(f"{dist_info}/{file}")
    if index is None or index in subject.kinds.links:
        return
    try:
        data = subject.read(index, "metadata_size")
    except UnwheelError as error:
        subject.findings.absorb(error)
        return
    problems = layout.check_entry_points(data, dist_info)
    subject.findings.refuse(InvalidWheelError, problems)


# ------------------------------------------------------------- RECORD


def _judge_record(
    subject: Subject, targets: Mapping[str, bytes]
) -> record.Record | None:
    level, findings = subject.policy.record, subject.findings
    if level == "off":
        return None
    try:
        rows, problems = _read_record(subject)
    except RecordError as error:
        findings.take_record(level, error.problems)
        return None
    except UnwheelError as error:
        findings.absorb(error)
        return None
    table, kinds, dist_info = subject.table, subject.kinds, subject.dist_info
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
            record.judge(
                rows,
                names,
                sizes,
                dist_info,
                links=targets,
                link_rows=subject.filename.is_pybi,
            )
        )
    findings.take_record(level, problems)
    return rows


def _read_record(subject: Subject) -> tuple[record.Record, Problems]:
    if f"{subject.dist_info}/RECORD" not in subject.index:
        raise RecordError([record.record_missing(subject.dist_info)])
    table = subject.table
    size = table.sizes[subject.index[f"{subject.dist_info}/RECORD"]]
    record.limit_size(size, len(table.names_blob), len(table))
    return record.Record.read(
        subject.read_info("RECORD", "record_size"),
        subject.policy.limits,
        known=subject.index.keys(),
        entries=len(subject.index),
    )


# ------------------------------------------------------------- orders


def _orders(
    subject: Subject,
    rows: record.Record | None,
    made: tuple[Link, ...],
    extras: tuple[tuple[str, bytes], ...],
) -> Plan:
    table, kinds, policy = subject.table, subject.kinds, subject.policy
    texts = [
        subject.index[str(link.path)]
        for link in made
        if link.outcome == "text" and link.encoding == "zip"
    ]
    files = [*kinds.files, *texts]
    names: Sequence[str] = table.names
    attributes: Sequence[int] = table.attributes
    if len(files) != len(table) or texts:
        names = [table.names[k] for k in files]
        attributes = [table.attributes[k] for k in files]
    verify = rows is not None and policy.record in ("verify", "warn")
    exempt = record.unlisted(subject.dist_info)
    digests, flags = _digest_columns(names, rows if verify else None, exempt)
    plain = len(files) - len(texts)  # a text is not executable
    for k in _executables(table, attributes[:plain], files):
        flags[k] |= EXECUTABLE
    rehash = _rehash(names, rows if verify else None, exempt)
    orders = [*files, *kinds.directories]
    return Plan(
        wheel=subject.wheel,
        filename=subject.filename,
        entries=table,
        dist_info=subject.dist_info,
        record=rows,
        links=made,
        extras=extras,
        orders=orders,
        flags=bytes(flags) + bytes([DIRECTORY]) * len(kinds.directories),
        digests=digests + NO_DIGEST * len(kinds.directories),
        times=_times(table, orders, policy.mtime),
        rehash=rehash,
        files=len(names),
        size=sum(table.sizes) - sum(table.sizes[k] for k in kinds.links)
        + sum(table.sizes[k] for k in texts),
        warnings=tuple(subject.findings.warnings),
    )  # fmt: skip


def _times(
    table: EntryTable, orders: Sequence[int], mtime: str | int
) -> Sequence[int] | None:
    if mtime == "now":
        return None
    if isinstance(mtime, int):
        return [mtime] * len(orders)
    return list(map(table.mtime, orders))


def _executables(
    table: EntryTable, attributes: Sequence[int], files: Sequence[int]
) -> list[int]:
    """Which of the *files*, by the attributes of each, are executable."""
    kinds = {a for a in set(attributes) if a & _EXECUTABLE_ATTRIBUTE}
    if not kinds:
        return []
    return [
        k
        for k, attribute in enumerate(attributes)
        if attribute in kinds and table.made_by[files[k]] >> 8 == HOST_UNIX
    ]


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
