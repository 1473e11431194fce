"""
What a plan says of links, made in the staged tree.

After all files, because a link leads to one, and nothing may be written
through it; RECORD and the times of directories come after the links.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from .errors import Problem
from .installed import installed_record
from .links import Link
from .native import Tree
from .paths import directories
from .plan import Plan
from .policy import Policy
from .report import FileFact, LinkFact
from .values import value

# What a dynamic loader loads: libx.so, libx.so.1.2, libx.dylib, x.pyd.
_LIBRARY = re.compile(r"\.(?:so(?:\.[0-9.]+)?|dylib|dll|pyd)$", re.I)
_SECOND_INSTANCES = ("reflink", "copy")


@value
class Made:
    """
    What became of the links of one wheel.

    Attributes:
        links: Each of them.
        warnings: COPIED_LIBRARY, where a copy is not what a link would be.
        record: RECORD as it was written anew, or None if it was not.
    """

    links: tuple[LinkFact, ...]
    warnings: tuple[Problem, ...]
    record: bytes | None


def planned(plan: Plan) -> Made:
    """What is to become of the links of *plan*, for one that only looks."""
    links = tuple(_fact(link, link.outcome) for link in plan.links)
    return Made(links, (), None)


def make_links(
    tree: Tree, plan: Plan, policy: Policy, files: Sequence[FileFact]
) -> Made:
    """
    Make the links of *plan* below *tree*, what stands in for them, and RECORD.

    Args:
        tree: Where all *files* are.
        plan: Has been judged for this very place.
        policy: Says what may stand in, and which times are set.
        files: What was written.

    Raises:
        DestinationError: If the system refuses.
    """
    facts: list[LinkFact] = []
    warnings: list[Problem] = []
    for link in plan.links:
        ways = _make(tree, link, policy)
        facts.append(_fact(link, _outcome(link, ways)))
        warnings += _second_instances(link, ways)
    for name, data in plan.extras:
        tree.put(name, data)
    return Made(
        links=tuple(facts),
        warnings=tuple(warnings),
        record=_put_record(tree, plan, policy, files, facts),
    )


def _make(tree: Tree, link: Link, policy: Policy) -> list[str]:
    """Make one; by which ways its copies were made."""
    if link.outcome in ("link", "verbatim"):
        tree.symlink(str(link.path), link.text)
        return []
    for folder in link.folders:
        tree.mkdir(folder)
    allowed = policy.link_policy.stand_ins
    return [tree.stand_in(new, old, allowed) for new, old in link.copies]


def _outcome(link: Link, ways: Sequence[str]) -> str:
    return ways[0] if link.outcome == "stand-in" else link.outcome


def _fact(link: Link, outcome: str) -> LinkFact:
    return LinkFact(
        path=str(link.path),
        encoding=link.encoding,
        target=link.target,
        resolved=link.resolved,
        outcome=outcome,
        reason=link.reason,
        contact=link.contact,
    )


def _second_instances(link: Link, ways: Sequence[str]) -> Iterator[Problem]:
    """
    Copies of libraries: the loader tells files apart, not contents.

    A process that loads both names has two instances, each with variables of
    its own; of a symbolic or hard link it would have one.
    """
    for (new, old), way in zip(link.copies, ways, strict=True):
        if way in _SECOND_INSTANCES and _LIBRARY.search(new):
            yield Problem(
                "COPIED_LIBRARY",
                "a process that loads both names has two instances of it",
                member=new,
                found=f"{way} of {old}",
                expected="a link",
            )


# ------------------------------------------------------------------ RECORD


def _put_record(
    tree: Tree,
    plan: Plan,
    policy: Policy,
    files: Sequence[FileFact],
    facts: Sequence[LinkFact],
) -> bytes | None:
    """
    RECORD of the tree as it is now, where links have changed it.

    The wheel's own says what the target of a link is called; a reader of the
    tree sees what it contains, and who uninstalls needs every name.
    """
    made = [f for f in facts if f.outcome not in ("text", "verbatim", "pth")]
    if plan.filename.is_pybi or not policy.link_policy.installed_record:
        return None  # a pybi is not installed, and its rows tell of links
    if not made and not plan.extras:
        return None
    data = installed_record(
        files,
        made,
        {
            str(link.path): link.copies
            for link in plan.links
            if link.outcome == "tree"
        },
        plan.extras,
        plan.dist_info,
    )
    tree.put(f"{plan.dist_info}/RECORD", data)
    return data


# ------------------------------------------------------------------- times


def set_times(
    tree: Tree, plan: Plan, policy: Policy, made: Made | None
) -> None:
    """
    Set the times of all that is no member: links, stand-ins, directories.

    The crew has set those of files.  A directory's changes whenever something
    is made in it, so this comes last.

    Raises:
        DestinationError: If the system refuses.
    """
    if isinstance(policy.mtime, int):
        times = dict.fromkeys(_all_made(plan, made, policy), policy.mtime)
    elif plan.times is not None:
        times = _archive_times(plan)
    else:
        return
    for name, seconds in times.items():
        tree.set_mtime(name, seconds)


def _all_made(plan: Plan, made: Made | None, policy: Policy) -> Iterator[str]:
    """Whatever the crew has not written, and every directory."""
    new = [name for name, _ in plan.extras]
    if made is not None and made.record is not None:
        new.append(f"{plan.dist_info}/RECORD")
    for link in plan.links:
        new += [name for name, _ in _copies(link)]
    yield from new
    folders = [f"{f}/" for link in plan.links for f in link.folders]
    names = [*plan.entries.names, *new, *folders]
    yield from directories(names, policy.limits)[0]


def _archive_times(plan: Plan) -> dict[str, int]:
    """Those of entries; a copy is as old as the file it was made of."""
    table = plan.entries
    index = {name: k for k, name in enumerate(table.names)}
    as_old = [pair for link in plan.links for pair in _copies(link)]
    folders = [table.names[k] for k in plan.orders[plan.files :]]
    as_old += [(name.rstrip("/"), name) for name in folders]
    return {
        name: table.mtime(index[old]) for name, old in as_old if old in index
    }


def _copies(link: Link) -> Sequence[tuple[str, str]]:
    """What *link* has made, and of what; a link is its own origin."""
    if link.outcome in ("link", "verbatim"):
        return [(str(link.path), str(link.path))]
    return link.copies
