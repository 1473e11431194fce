"""
The links that a wheel asks for, in whichever encoding it does.

Pure.  Three are known: entries of type link (the Info-ZIP convention), the
file LINKS of PEP 778, which has a meaning from Wheel-Version 2 on, and
symlinks.txt of wheel-axle, whose run time makes the links when Python first
starts.  Imported only for a wheel that has one of them.
"""

from __future__ import annotations

from collections.abc import (
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
    Set,
)

from .contents import judge_more_names
from .encodings import (
    AXLE,
    ZIP,
    AskedLink,
    disagreements,
    read_axle,
    read_links_file,
)
from .errors import (
    DestinationError,
    LimitError,
    Problem,
    UnsafeMemberError,
    UnwheelError,
    printable,
)
from .links import Host, Link, LinkPlan, resolve
from .metadata import AXLE_FILE, LINKS_FILE
from .outcomes import PTH, TEXT
from .subject import Subject
from .values import replace, value
from .verdicts import split_place

# Whose fault it is, where it is not the wheel's.
_OURS: dict[str, type[UnwheelError]] = {
    "HOST_CANNOT": DestinationError,
    "COPY_BUDGET": LimitError,
}

# By this policy LINKS is a file like others, whatever it says.
_AS_A_FILE = 'links="verbatim"'

_AXLE_DONE = "axle.done"  # tells wheel-axle that its links are made


@value
class Asked:
    """
    Attributes:
        links: All, in the order of the archive, then of the files.
        payloads: The targets of those that are entries and were read, by name.
    """

    links: tuple[AskedLink, ...]
    payloads: Mapping[str, bytes]


def asked_links(subject: Subject) -> Asked:
    """What *subject* says of links; its findings say what is wrong there."""
    entries = list(_from_entries(subject))
    payloads = {
        link.path: link.target
        for link in entries
        if link.fault != "BAD_TARGET"
    }
    paths = {link.path for link in entries}
    said = _from_links_file(subject, paths)
    if entries and said is not None:
        _refuse(subject, disagreements(entries, said), _AS_A_FILE)
    rows = [link for link in said or () if link.path not in paths]
    rows += _from_axle(subject)
    judge_more_names(
        subject.table,
        [link.path for link in rows if link.path not in subject.index],
        subject.policy,
        subject.findings,
    )
    return Asked((*entries, *rows), payloads)


def resolve_asked(
    subject: Subject, asked: Asked, host: Host | None
) -> LinkPlan:
    """What becomes of the links at *host*, and why it may not."""
    table = subject.table
    info = subject.info
    return resolve(
        asked.links,
        dict(zip(table.names, table.sizes, strict=True)),
        policy=subject.policy.link_policy,
        filename=subject.filename,
        dist_info=subject.dist_info,
        contact=subject.contact,
        platforms=info.platforms if info is not None else (),
        host=host,
        limits=subject.policy.limits,
    )


def judge_asked(
    subject: Subject, asked: Asked, get_host: Callable[[], Host] | None
) -> tuple[tuple[Link, ...], tuple[tuple[str, bytes], ...]]:
    """
    Judge the links; what is wrong with them is in the subject's findings.

    Returns:
        What becomes of them, and the files that stand for links or tell that
        they have been made: names and content.
    """
    # Nothing is written, nor tried out, for a wheel that is refused.
    ask = asked.links and get_host and not subject.findings.refused
    host = get_host() if ask and get_host is not None else None
    plan = resolve_asked(subject, asked, host)
    _refuse(subject, plan.problems)
    extras = []
    if any(link.outcome == PTH for link in plan.links):
        extras.append(_path_file(subject, plan.links))
    if any(x.encoding == AXLE and x.outcome != TEXT for x in plan.links):
        extras.append((f"{subject.dist_info}/{_AXLE_DONE}", b""))
    names = {*subject.index, *(link.path for link in asked.links)}
    clashes = [
        Problem("DUPLICATE", "a file of ours has this name", member=name)
        for ours, _ in extras
        for name in sorted(names)
        if f"{name}/".casefold().startswith(f"{ours}/".casefold())
    ]
    subject.findings.refuse(UnsafeMemberError, clashes)
    return plan.links, (*extras, *_text_files(asked, plan.links))


def _text_files(
    asked: Asked, made: Sequence[Link]
) -> Iterator[tuple[str, bytes]]:
    """The files with the texts of links of which no entry has one."""
    rows = {
        link.path: link.target for link in asked.links if link.encoding == AXLE
    }
    for link in made:
        if link.outcome == TEXT and str(link.path) in rows:
            yield str(link.path), rows[str(link.path)]


def _refuse(
    subject: Subject, problems: Iterable[Problem], accept: str | None = None
) -> None:
    """By whose fault each is; *accept* is for those that do not say."""
    for problem in problems:
        told = problem.accept or accept
        limit = told is not None and told.startswith("limits.")
        kind = LimitError if limit else UnsafeMemberError
        subject.findings.refuse(
            _OURS.get(problem.code, kind), [replace(problem, accept=told)]
        )


def _path_file(subject: Subject, made: Sequence[Link]) -> tuple[str, bytes]:
    """
    The .pth file that stands for links to package folders.

    A path line is all that PEP 829 leaves of such files; a path that `site`
    would read as another one is refused.
    """
    above = {
        str(link.path): split_place(link.text)[0]
        for link in made
        if link.outcome == PTH
    }
    problems = [
        Problem(
            "EDITABLE_ROOT",
            "no line of a .pth file can name the folder",
            member=path,
            found=printable(folder),
        )
        for path, folder in above.items()
        if not folder.isprintable() or folder != folder.rstrip()
    ]
    subject.findings.refuse(UnsafeMemberError, problems)
    stem = subject.dist_info.removesuffix(".dist-info")
    text = "".join(f"{folder}\n" for folder in sorted({*above.values()}))
    return f"__editable__.{stem}.pth", text.encode("utf-8", "surrogateescape")


def _parent(link: Link) -> str:
    """Of the package folder that *link* is called like (EDITABLE_PACKAGE)."""
    above = link.text[: -len(str(link.path))]
    return above[:-1] or above


# --------------------------------------------------------------- encodings


def _from_entries(subject: Subject) -> Iterator[AskedLink]:
    """The entries that are links, but for those that cannot be read."""
    table = subject.table
    for k in subject.kinds.links:
        fault = None if table.mode(k) else "AMBIGUOUS_HOST"
        try:
            target = subject.read(k, "link_target_length")
        except LimitError:  # no link can hold it, but a file can
            target, fault = b"", "BAD_TARGET"
        except UnwheelError as error:
            subject.findings.absorb(error)
            continue
        yield AskedLink(table.names[k], target, ZIP, fault=fault)


def _from_links_file(
    subject: Subject, entries: Set[str]
) -> list[AskedLink] | None:
    """
    What LINKS asks for beside the *entries* that are links.

    None if it says nothing that counts; an empty one says that there are none.
    """
    name = f"{subject.dist_info}/{LINKS_FILE}"
    info, findings = subject.info, subject.findings
    if name not in subject.index or info is None:
        return None
    if info.version[0] < 2:
        findings.warnings.add(
            Problem(
                "LINKS_IGNORED",
                "LINKS has no meaning before Wheel-Version 2",
                member=name,
                found="{}.{}".format(*info.version),
            )
        )
        return None
    if subject.policy.link_policy.entries == "verbatim":
        return None
    try:
        data = subject.read_info(LINKS_FILE, "metadata_size")
    except UnwheelError as error:
        findings.absorb(error)
        return None
    rows, problems = read_links_file(
        data,
        subject.index.keys() - entries,
        subject.dist_info,
        subject.policy.limits,
    )
    _refuse(subject, problems, _AS_A_FILE)
    return None if problems else rows


def _from_axle(subject: Subject) -> list[AskedLink]:
    name = f"{subject.dist_info}/{AXLE_FILE}"
    if name not in subject.index:
        return []
    policy = subject.policy.link_policy
    if AXLE not in policy.encodings:
        subject.findings.warnings.add(
            Problem(
                "AXLE_LINKS",
                "the run time of wheel-axle makes these links when Python "
                "first starts",
                member=name,
                accept='links.encodings=("axle",)',
            )
        )
        return []
    try:
        data = subject.read_info(AXLE_FILE, "metadata_size")
    except UnwheelError as error:
        subject.findings.absorb(error)
        return []
    rows, problems = read_axle(data, subject.dist_info, subject.policy.limits)
    _refuse(subject, problems, "links.encodings=()")
    return rows
