"""
The links that a wheel asks for, in whichever encoding it does.

Pure.  Three are known: entries of type link (the Info-ZIP convention), the
file LINKS of PEP 778, which has a meaning from Wheel-Version 2 on, and
symlinks.txt of wheel-axle, whose run time makes the links when Python first
starts.  What they ask for is judged in `links`.
"""

from __future__ import annotations

from collections.abc import Mapping, Set

from .backend import Archive
from .contents import Kinds
from .encodings import AskedLink, disagreements, read_axle, read_links_file
from .errors import LimitError, Problem, UnsafeMemberError, UnwheelError
from .findings import Findings
from .metadata import WheelInfo
from .policy import Limits, Policy
from .values import replace, value

LINKS = "LINKS"  # PEP 778
AXLE = "symlinks.txt"  # wheel-axle
AXLE_DONE = "axle.done"


@value
class Asked:
    """
    Attributes:
        links: All, in the order of the archive, then of the files.
        payloads: The targets of those that are entries and were read, by name.
    """

    links: tuple[AskedLink, ...]
    payloads: Mapping[str, bytes]


def asked_links(
    archive: Archive,
    index: Mapping[str, int],
    kinds: Kinds,
    dist_info: str,
    info: WheelInfo | None,
    policy: Policy,
    findings: Findings,
) -> Asked:
    """
    Read what the wheel says about links.

    Args:
        archive: The archive.
        index: Of its entries, by name.
        kinds: Which of them are links.
        dist_info: Where its metadata is.
        info: WHEEL, or None if it cannot be read.
        policy: Which encodings are read.
        findings: Takes what cannot be read, and what is not followed.
    """
    entries = _from_entries(archive, kinds, policy, findings)
    payloads = {
        link.path: link.target
        for link in entries
        if link.fault != "BAD_TARGET"
    }
    paths = {link.path for link in entries}
    rows = _from_links_file(
        archive, index, paths, dist_info, info, policy, findings
    )
    if entries and rows:
        findings.refuse(UnsafeMemberError, disagreements(entries, rows))
    rows = [link for link in rows if link.path not in paths]
    rows += _from_axle(archive, index, dist_info, policy, findings)
    return Asked((*entries, *rows), payloads)


def read_limited(
    archive: Archive, index: int, limits: Limits, knob: str
) -> bytes:
    """
    The content of a member, by the limit that is called *knob*.

    Raises:
        LimitError: If it is larger; *knob* would accept it.
        CorruptMemberError: If it is not what the archive says.
    """
    try:
        return archive.read(index, getattr(limits, knob))
    except LimitError as error:
        accept = f"limits.{knob}"
        problems = [replace(p, accept=accept) for p in error.problems]
        raise LimitError(problems) from None


def _from_entries(
    archive: Archive, kinds: Kinds, policy: Policy, findings: Findings
) -> list[AskedLink]:
    """The entries that are links, those that cannot be read aside."""
    as_text = policy.link_policy.entries == "text"
    table = archive.entries
    found = []
    for k in kinds.links:
        fault = None if table.mode(k) else "AMBIGUOUS_HOST"
        try:
            target = read_limited(
                archive, k, policy.limits, "link_target_length"
            )
        except LimitError as error:
            if not as_text:
                findings.absorb(error)
                continue
            # No link can hold it, but a file can.
            target, fault = b"", "BAD_TARGET"
        except UnwheelError as error:
            findings.absorb(error)
            continue
        found.append(AskedLink(table.names[k], target, "zip", fault=fault))
    return found


def _from_links_file(
    archive: Archive,
    index: Mapping[str, int],
    entries: Set[str],
    dist_info: str,
    info: WheelInfo | None,
    policy: Policy,
    findings: Findings,
) -> list[AskedLink]:
    """What LINKS asks for beside the *entries* that are links."""
    name = f"{dist_info}/{LINKS}"
    if name not in index or info is None:
        return []
    if info.version[0] < 2:
        findings.warnings.add(
            Problem(
                "LINKS_IGNORED",
                "LINKS has no meaning before Wheel-Version 2",
                member=name,
                found="{}.{}".format(*info.version),
            )
        )
        return []
    if policy.link_policy.entries == "verbatim":
        return []
    try:
        data = read_limited(
            archive, index[name], policy.limits, "metadata_size"
        )
    except UnwheelError as error:
        findings.absorb(error)
        return []
    rows, problems = read_links_file(
        data, index.keys() - entries, dist_info, policy.limits
    )
    findings.refuse(UnsafeMemberError, problems)
    return rows


def _from_axle(
    archive: Archive,
    index: Mapping[str, int],
    dist_info: str,
    policy: Policy,
    findings: Findings,
) -> list[AskedLink]:
    name = f"{dist_info}/{AXLE}"
    if name not in index:
        return []
    if "axle" not in policy.link_policy.encodings:
        findings.warnings.add(
            Problem(
                "AXLE_LINKS",
                "the run time of wheel-axle makes these links when Python "
                "first starts",
                member=name,
                accept='links.encodings="axle"',
            )
        )
        return []
    try:
        data = read_limited(
            archive, index[name], policy.limits, "metadata_size"
        )
    except UnwheelError as error:
        findings.absorb(error)
        return []
    rows, problems = read_axle(data, policy.limits)
    findings.refuse(UnsafeMemberError, problems)
    return rows
