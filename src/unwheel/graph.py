"""The links of one wheel: what each leads to, and what would become of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .encodings import AskedLink
from .errors import Problem, SourceError, UnwheelError
from .hops import Trail
from .links import Link, LinkPlan
from .listing import links_in_files, text_of, to_look
from .policy import Policy
from .report import fact_to_json, head_to_json, problem_to_json
from .values import replace, value
from .wheel import Wheel


@value
class LinkEntry:
    """
    A symbolic link that a wheel asks for, and what would become of it.

    Attributes:
        path: Of the link.
        encoding: How the wheel says it: "zip" (an entry of type link), "links"
            (PEP 778) or "axle" (symlinks.txt).
        target: The text of the link, as the wheel has it.
        hops: Where it leads, one link after the other, as paths from the
            archive's root; one that begins with "/" or ".." is outside.
        resolved: What it leads to in the end, as the policy sees it: a member
            or folder of the wheel; "" if the link is refused or left.
        kind: "file" or "folder", of that; "" if it is not known.
        outcome: "link", "stand-in", "tree", "pth", "text" or "verbatim";
            "refused"; or "left" alone, as the policy does not know its
            encoding.
        reason: Why it would be no link: a reason code, or None.
        contact: Whom METADATA names, where it would be no link; or None.
        problems: Every reason why it is refused.
    """

    path: str
    encoding: str
    target: str
    hops: tuple[str, ...]
    resolved: str
    kind: str
    outcome: str
    reason: str | None = None
    contact: str | None = None
    problems: tuple[Problem, ...] = ()


@value
class LinkGraph:
    """
    The links of one wheel.

    Attributes:
        wheel: The wheel, as the caller named it.
        policy: The named policy that was asked.
        changed: Its knobs that have another value than by that name.
        links: All links, in the order of the archive, then of LINKS and
            symlinks.txt.
        problems: Why the wheel would be refused, where that is not about one
            of its links.
    """

    wheel: str
    policy: str
    changed: tuple[str, ...]
    links: tuple[LinkEntry, ...]
    problems: tuple[Problem, ...] = ()

    def to_json(self) -> dict[str, object]:
        """
        The links, as `json.dumps` takes them.

        Besides the keys of every object: `policy` and `changed`; `links`,
        objects with the attributes of `LinkEntry`; `problems`, here and in
        each link, objects as `problem_to_json` says.
        """
        return {
            **head_to_json("list", "ok", self.wheel),
            "policy": self.policy,
            "changed": list(self.changed),
            "links": [_link_to_json(link) for link in self.links],
            "problems": [problem_to_json(found) for found in self.problems],
        }


def _link_to_json(link: LinkEntry) -> dict[str, object]:
    return {
        **fact_to_json(link),
        "hops": [
            hop.encode("utf-8", "backslashreplace").decode("utf-8")
            for hop in link.hops
        ],
        "problems": [problem_to_json(found) for found in link.problems],
    }


def list_links(path: str, policy: Policy) -> LinkGraph:
    """
    All links of the wheel at *path*, as *policy* would have them.

    Nothing is refused: one lists links to see what is wrong with them.

    Raises:
        SourceError: If it cannot be read at all.
        UnwheelError: If it is no archive, or larger than *policy* allows.
    """
    with Wheel(path, policy=to_look(policy)) as wheel:
        asked, unread = _asked(wheel)
    plan, others = _judged(path, policy)
    links = policy.link_policy
    trail = Trail(
        {link.path: text_of(link) for link in reversed(asked)},
        most_hops=links.chain_limit,
        most_links=policy.limits.links,
    )
    known = {link.path for link in asked}
    told = [p for p in plan.problems if p.member not in known]
    return LinkGraph(
        wheel=path,
        policy=links.name,
        changed=links.changed,
        links=tuple(_entries(asked, plan, trail)),
        problems=tuple(dict.fromkeys([*others, *told, *unread])),
    )


def _asked(wheel: Wheel) -> tuple[list[AskedLink], tuple[Problem, ...]]:
    """Every link that the wheel asks for, in any encoding."""
    problems: tuple[Problem, ...] = ()
    texts: dict[str, str] = {}
    try:
        texts = wheel.link_targets
    except SourceError:
        raise
    except UnwheelError as error:
        problems = error.problems
    asked = [
        AskedLink(path, text.encode("utf-8", "surrogateescape"), "zip")
        for path, text in texts.items()
    ]
    rows, more_problems = links_in_files(wheel)
    # A wheel may say the same twice, so that every reader understands.
    same = {(link.path, link.target) for link in asked}
    asked += [row for row in rows if (row.path, row.target) not in same]
    return asked, (*problems, *more_problems)


def _judged(path: str, policy: Policy) -> tuple[LinkPlan, tuple[Problem, ...]]:
    """What becomes of the links, and what else is wrong with the wheel."""
    found: tuple[Problem, ...] = ()
    # Where links lead does not hang on RECORD, which may be all that is wrong.
    for asked in (policy, replace(policy, record="off")):
        try:
            with Wheel(path, policy=asked) as wheel:
                return wheel.judged_links(), found
        except SourceError:
            raise
        except UnwheelError as error:
            found = found or error.problems
    return LinkPlan((), ()), found


def _entries(
    asked: Sequence[AskedLink], plan: LinkPlan, trail: Trail
) -> Iterable[LinkEntry]:
    made = {str(link.path): link for link in plan.links}
    wrong: dict[str | None, list[Problem]] = {}
    for problem in plan.problems:
        wrong.setdefault(problem.member, []).append(problem)
    for link in asked:
        hops = trail.follow(link.path, text_of(link))
        refused = tuple(wrong.get(link.path, ()))
        yield _entry(link, hops, made.get(link.path), refused)


def _entry(
    asked: AskedLink,
    hops: tuple[str, ...],
    made: Link | None,
    problems: tuple[Problem, ...],
) -> LinkEntry:
    outcome = "refused" if problems else made.outcome if made else "left"
    return LinkEntry(
        path=asked.path,
        encoding=asked.encoding,
        target=text_of(asked),
        hops=hops,
        resolved=str(made.resolved) if made else "",
        kind=made.kind if made else "",
        outcome=outcome,
        reason=made.reason if made else None,
        contact=made.contact if made else None,
        problems=problems,
    )
