"""
The judge: entries, RECORD, links and policy make a Plan, or one error.

Everything is decided here, before anything is written; a refusal tells every
reason that was found.  Facts are looked at as columns: a wheel of 12,000
members costs a few passes in C, not 12,000 objects.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection, Mapping, Sequence

from . import links, metadata, record
from .asking import AXLE_DONE, Asked, asked_links, read_limited
from .backend import HOST_UNIX, Archive, EntryTable
from .contents import (
    Kinds,
    judge_link_count,
    judge_more_names,
    judge_names,
    judge_sizes,
    judge_types,
)
from .errors import (
    DestinationError,
    InvalidWheelError,
    LimitError,
    Problem,
    Problems,
    RecordError,
    UnsafeMemberError,
    UnwheelError,
)
from .filename import WheelFilename
from .findings import Findings
from .policy import Limits, Policy
from .values import value

# Bits of an order, as the core's `enum uw_order_flag` has them.
EXECUTABLE = 1
DIRECTORY = 2
SHA256 = 4

NO_DIGEST = bytes(32)

_EXECUTABLE_ATTRIBUTE = 0o111 << 16

# Reasons of links that are not the wheel's fault.
_OURS = {
    "HOST_CANNOT": DestinationError,
    "COPY_BUDGET": LimitError,
    "TOO_MANY_LINKS": LimitError,
}

GetHost = Callable[[], links.Host]


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
        orders: Index in the directory of each order, 32-bit.
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
    links: tuple[links.Link, ...]
    extras: tuple[tuple[str, bytes], ...]
    orders: array[int]
    flags: bytes
    digests: bytes
    times: array[int] | None
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
    findings = Findings(wheel)
    facts = _judge(archive, wheel, policy, host, findings)
    link_plan = facts.link_plan
    for problem in link_plan.problems:
        findings.refuse(_OURS.get(problem.code, UnsafeMemberError), [problem])
    extras = _extras(link_plan.links, facts, findings)
    findings.check()
    return _orders(wheel, archive.entries, facts, extras, policy, findings)


def judge_links(
    archive: Archive, wheel: str, policy: Policy
) -> links.LinkPlan:
    """
    What becomes of the links of *archive*, and why it may not.

    Raises:
        UnwheelError: If there is something else wrong with it.
    """
    findings = Findings(wheel)
    facts = _judge(archive, wheel, policy, None, findings)
    findings.check()
    return facts.link_plan


@value
class _Facts:
    """What a wheel is, as far as it has been judged."""

    filename: WheelFilename
    index: Mapping[str, int]
    kinds: Kinds
    dist_info: str
    rows: record.Record | None
    link_plan: links.LinkPlan


def _judge(
    archive: Archive,
    wheel: str,
    policy: Policy,
    host: GetHost | None,
    findings: Findings,
) -> _Facts:
    table = archive.entries
    filename = _parse_filename(wheel, policy, findings)
    kinds = judge_types(table, policy, findings)
    judge_names(table, kinds, policy, findings)
    judge_sizes(table, policy.limits, findings)
    judge_link_count(len(kinds.links), policy.limits, findings)
    findings.check()

    dist_info = _find_dist_info(table, filename, findings)
    findings.check()
    index = {name: k for k, name in enumerate(table.names)}
    info, contact = _judge_metadata(
        archive, index, dist_info, filename, policy, findings
    )
    asked = asked_links(
        archive, index, kinds, dist_info, info, policy, findings
    )
    judge_more_names(
        table,
        [link.path for link in asked.links if link.path not in index],
        policy,
        findings,
    )
    rows = _judge_record(
        archive,
        index,
        kinds,
        dist_info,
        asked.payloads,
        filename,
        policy,
        findings,
    )
    return _Facts(
        filename=filename,
        index=index,
        kinds=kinds,
        dist_info=dist_info,
        rows=rows,
        link_plan=_resolve(
            asked, table, filename, dist_info, info, contact, policy,
            # Nothing is written, nor tried out, for a wheel that is refused.
            host if not findings.refused else None,
        ),
    )  # fmt: skip


def _resolve(
    asked: Asked,
    table: EntryTable,
    filename: WheelFilename,
    dist_info: str,
    info: metadata.WheelInfo | None,
    contact: str | None,
    policy: Policy,
    host: GetHost | None,
) -> links.LinkPlan:
    if not asked.links:
        return links.LinkPlan((), ())
    return links.resolve(
        asked.links,
        dict(zip(table.names, table.sizes, strict=True)),
        policy=policy.link_policy,
        filename=filename,
        dist_info=dist_info,
        contact=contact,
        platforms=info.platforms if info is not None else (),
        host=host() if host is not None else None,
        limits=policy.limits,
    )


def _extras(
    made: Sequence[links.Link], facts: _Facts, findings: Findings
) -> tuple[tuple[str, bytes], ...]:
    """
    The files that stand for links, or tell that they have been made.

    A path line in a .pth file is all that PEP 829 leaves of such files; what
    could be read as anything else is refused.
    """
    extras = []
    folders = [link for link in made if link.outcome == "pth"]
    if folders:
        stem = facts.dist_info.removesuffix(".dist-info")
        parents = sorted({link.text.rpartition("/")[0] for link in folders})
        extras.append(
            (f"__editable__.{stem}.pth", "\n".join([*parents, ""]).encode())
        )
        findings.refuse(
            UnsafeMemberError,
            (
                Problem(
                    "EDITABLE_ROOT",
                    "no line of a .pth file can name the folder",
                    member=str(link.path),
                    found=link.text,
                )
                for link in folders
                if not link.text.isprintable()
            ),
        )
    if any(link.encoding == "axle" for link in made):
        extras.append((f"{facts.dist_info}/{AXLE_DONE}", b""))
    findings.refuse(
        UnsafeMemberError,
        (
            Problem("DUPLICATE", "a file of ours has this name", member=name)
            for name, _ in extras
            if name in facts.index
        ),
    )
    return tuple(extras)


# ------------------------------------------------------------- the wheel


def _parse_filename(
    wheel: str, policy: Policy, findings: Findings
) -> WheelFilename:
    name = wheel.replace("\\", "/").rpartition("/")[2]
    try:
        return WheelFilename.parse(name, wheel2=_knows_wheel2(policy))
    except UnwheelError as error:
        raise type(error)(error.problems, wheel=findings.wheel) from None


def _knows_wheel2(policy: Policy) -> bool:
    """Who looks at a wheel as it is stored need not know what it means."""
    link_policy = policy.link_policy
    return link_policy.wheel2 or link_policy.entries == "verbatim"


def _find_dist_info(
    table: EntryTable, filename: WheelFilename, findings: Findings
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
    policy: Policy,
    findings: Findings,
) -> tuple[metadata.WheelInfo | None, str | None]:
    """
    Judge METADATA and WHEEL.

    Returns:
        WHEEL, and whom to tell of refused links.
    """

    def read(name: str) -> bytes:
        where = index[f"{dist_info}/{name}"]
        return read_limited(archive, where, policy.limits, "metadata_size")

    try:
        info = metadata.WheelInfo.parse(
            read(filename.info_file),
            wheel2=_knows_wheel2(policy) and not filename.is_pybi,
            name=filename.info_file,
        )
        core = metadata.CoreMetadata.parse(read("METADATA"))
    except UnwheelError as error:
        findings.absorb(error)
        return None, None
    refusals, warnings = metadata.check_agreement(info, core, filename)
    findings.refuse(InvalidWheelError, refusals)
    findings.warnings.extend(warnings)
    return info, ", ".join(core.contacts) or None


# ------------------------------------------------------------- RECORD


def _judge_record(
    archive: Archive,
    index: Mapping[str, int],
    kinds: Kinds,
    dist_info: str,
    targets: Mapping[str, bytes],
    filename: WheelFilename,
    policy: Policy,
    findings: Findings,
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
            record.judge(
                rows,
                names,
                sizes,
                dist_info,
                links=targets,
                link_rows=filename.is_pybi,
            )
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
    data = read_limited(archive, where, limits, "record_size")
    return record.Record.read(
        data, limits, known=index.keys(), entries=len(index)
    )


# ------------------------------------------------------------- orders


def _orders(
    wheel: str,
    table: EntryTable,
    facts: _Facts,
    extras: tuple[tuple[str, bytes], ...],
    policy: Policy,
    findings: Findings,
) -> Plan:
    kinds, rows = facts.kinds, facts.rows
    files = array("I", kinds.files)
    texts = [
        facts.index[str(link.path)]
        for link in facts.link_plan.links
        if link.outcome == "text"
    ]
    files.extend(texts)
    names: Sequence[str] = table.names
    attributes: Sequence[int] = table.attributes
    if len(files) != len(table) or texts:
        names = [table.names[k] for k in files]
        attributes = [table.attributes[k] for k in files]
    verify = rows is not None and policy.record in ("verify", "warn")
    exempt = record.unlisted(facts.dist_info)
    digests, flags = _digest_columns(names, rows if verify else None, exempt)
    plain = len(files) - len(texts)  # a text is not executable
    for k, (attribute, made_by) in enumerate(
        zip(attributes[:plain], _hosts(table, files)[:plain], strict=True)
    ):
        if attribute & _EXECUTABLE_ATTRIBUTE and made_by >> 8 == HOST_UNIX:
            flags[k] |= EXECUTABLE
    rehash = _rehash(names, rows if verify else None, exempt)
    files.extend(kinds.directories)
    return Plan(
        wheel=wheel,
        filename=facts.filename,
        entries=table,
        dist_info=facts.dist_info,
        record=rows,
        links=facts.link_plan.links,
        extras=extras,
        orders=files,
        flags=bytes(flags) + bytes([DIRECTORY]) * len(kinds.directories),
        digests=digests + NO_DIGEST * len(kinds.directories),
        times=_times(table, files, policy.mtime),
        rehash=rehash,
        files=len(names),
        size=sum(table.sizes) - sum(table.sizes[k] for k in kinds.links)
        + sum(table.sizes[k] for k in texts),
        warnings=tuple(findings.warnings),
    )  # fmt: skip


def _times(
    table: EntryTable, orders: Sequence[int], mtime: str | int
) -> array[int] | None:
    if mtime == "now":
        return None
    if isinstance(mtime, int):
        return array("q", [mtime]) * len(orders)
    return array("q", map(table.mtime, orders))


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
