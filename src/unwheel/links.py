"""
Symbolic links: what becomes of each, decided before anything is written.

Pure.  No standard says what a link in a wheel means, so a policy does: what
becomes of a link depends on what it leads to, on the platforms the wheel is
for and on whether the host can make links.  All of that is one table,
`OUTCOMES`; a policy says where to look in it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from itertools import chain

from .encodings import LINKS, ZIP, AskedLink
from .errors import Problem, printable
from .filename import WheelFilename, for_any_platform, for_windows_only
from .outcomes import (
    ANY_TAG,
    LETTERS,
    LINK,
    MESSAGES,
    PLATFORM,
    STAND_IN,
    WINDOWS_TAG,
)
from .outcomes import OUTCOMES as OUTCOMES
from .paths import MemberPath, problem_with_name
from .policy import Limits, LinkPolicy
from .standins import Cost, StandIns
from .targets import FOLDER, Tree
from .values import replace, value
from .verdicts import AnyHost, Case, Judge
from .verdicts import Host as Host

TREE = "tree"  # the stand-in for a folder

_STRICT = LinkPolicy.named("strict")
_SHOWN = 400  # characters


@value
class Link:
    """
    A link that the policy accepts, and what is to become of it.

    Attributes:
        path: Of the link.
        encoding: "zip", "links" or "axle"; see `AskedLink`.
        target: The text of the link, as the wheel has it.
        resolved: What it leads to in the end: a name in the wheel; of a file
            of another wheel, its name in the site folder; of an editable one,
            its absolute path; or "".
        kind: "file", "folder", or "" if it leads to neither.
        outcome: "link"; "stand-in" for a file, or "tree" for a folder; "pth";
            "text"; "verbatim".
        text: What a symbolic link, or the line in a .pth file, is about: the
            target; of editable links the absolute real path.
        reason: HOST_CANNOT where something stands in for it, else the reason
            code for which "strict" would have refused it; None if it would
            not have.
        contact: Whom METADATA names, where it is no link; or None.
        copies: For a stand-in, new name and name in the wheel of each file.
        folders: For a tree, the folders to make, in order.
    """

    path: MemberPath
    encoding: str
    target: str
    resolved: str
    kind: str
    outcome: str
    text: str
    reason: str | None = None
    contact: str | None = None
    copies: tuple[tuple[str, str], ...] = ()
    folders: tuple[str, ...] = ()


@value
class LinkPlan:
    """
    What becomes of the links of a wheel.

    Attributes:
        links: Those that the policy accepts, in the order of the archive, then
            of LINKS and symlinks.txt.
        problems: One for each of the others, with its reason code, and in
            `accept` the first policy or knob that would take it.
    """

    links: tuple[Link, ...]
    problems: tuple[Problem, ...]


def resolve(
    asked: Sequence[AskedLink],
    sizes: Mapping[str, int],
    *,
    policy: LinkPolicy,
    filename: WheelFilename | None,
    dist_info: str,
    contact: str | None = None,
    platforms: Collection[str] = (),
    host: Host | None = None,
    limits: Limits = Limits(),  # noqa: B008 - frozen
) -> LinkPlan:
    """
    Resolve and judge all links of a wheel.

    Args:
        asked: The links.  One that is asked for twice is refused, so of two
            encodings that agree (`disagreements`) give one.
        sizes: The inflated bytes of each entry, by its name; of the links
            too, and of directories, whose names end in "/".
        policy: What to make of them.
        filename: Says what the wheel is for; unknown is as for any platform.
        dist_info: Where the metadata is.
        contact: Whom to tell of a link that is no link in the end.
        platforms: The platform tags in WHEEL; "any" counts from either.
        host: Where the links are to be; None can make links, and has nothing
            that is not in the wheel.
        limits: The length of a target, and the links there may be.
    """
    if policy.entries == "verbatim":  # LINKS is a file, and says nothing
        asked = [link for link in asked if link.encoding != LINKS]
    if not asked:
        return LinkPlan((), ())
    if len(asked) > limits.links:
        return LinkPlan((), (_too_many(len(asked), limits),))
    targets = {link.path: link.target for link in asked}
    entries = {link.path for link in asked if link.encoding == ZIP}
    counts = Counter(link.path for link in asked)
    twice = {path for path, count in counts.items() if count > 1}
    names = sizes.keys() - entries
    tree = Tree(targets, names, dist_info, limits, twice=twice)
    if tree.problem:
        return LinkPlan((), (tree.problem,))
    found = tree.resolve_all()
    copies = StandIns(found, sizes, tree.folders)
    if host is None or policy.entries not in ("link", "verbatim"):
        host = AnyHost()  # to ask a file system means to write on it
    tag = _tag_kind(filename, platforms)
    judge = Judge(policy, tag, host, copies, limits)
    maker = _Maker(policy, judge, copies, limits, contact)
    return maker.make([judge.case(link, found[link.path]) for link in asked])


class _Maker:
    """Makes of each link what the policy says, or says why it cannot."""

    def __init__(
        self,
        policy: LinkPolicy,
        judge: Judge,
        copies: StandIns,
        limits: Limits,
        contact: str | None,
    ) -> None:
        self._policy = policy
        self._judge = judge
        self._copies = copies
        self._limits = limits
        self._contact = contact

    def make(self, cases: Sequence[Case]) -> LinkPlan:
        """All links, and all reasons why they are refused."""
        verdicts = [self._judge.verdict(case, self._policy) for case in cases]
        costs = [
            self._copies.cost(case.asked.path, case.found)
            if letter == "H"
            else Cost()
            for case, (letter, _) in zip(cases, verdicts, strict=True)
        ]
        total = sum(costs, Cost())
        spent = Cost()
        links: list[Link] = []
        problems: list[Problem] = []
        for case, (letter, code), cost in zip(
            cases, verdicts, costs, strict=True
        ):
            spent += cost
            if letter == "H" and not self._judge.affords(spent, self._policy):
                problems.append(self._refused(case, "COPY_BUDGET", total))
            elif code is not None:
                problems.append(self._refused(case, code))
            else:
                links.append(self._made(case, letter))
                problems.extend(self._unnameable(links[-1]))
        return LinkPlan(tuple(links), tuple(problems))

    def _made(self, case: Case, letter: str) -> Link:
        found, path = case.found, case.asked.path
        outcome = LETTERS[letter]
        copies: tuple[tuple[str, str], ...] = ()
        folders: tuple[str, ...] = ()
        if outcome == STAND_IN and found.kind == FOLDER:
            outcome = TREE
            copies, folders = self._copies.tree(path, found.path)
        elif outcome == STAND_IN:
            copies = ((path, found.path),)
        reason = self._judge.verdict(case, _STRICT)[1]
        return Link(
            path=MemberPath.parse(path, self._limits),
            encoding=case.asked.encoding,
            target=found.text,
            resolved=case.place or (found.path if found.is_good else ""),
            kind=case.leads_to,
            outcome=outcome,
            text=case.text,
            reason="HOST_CANNOT" if letter in "HP" else reason,
            contact=None if outcome == LINK else self._contact,
            copies=copies,
            folders=folders,
        )

    def _unnameable(self, link: Link) -> list[Problem]:
        """
        Why the stand-ins for *link* cannot have their names, once.

        Every component is that of some entry, but there can be too many.
        """
        for name in chain(link.folders, (name for name, _ in link.copies)):
            if problem := problem_with_name(name, self._limits):
                return [replace(problem, member=str(link.path))]
        return []

    def _refused(
        self, case: Case, code: str, total: Cost | None = None
    ) -> Problem:
        """Why a link is refused, and what would accept it."""
        found = case.found
        detail = found.detail if code == found.kind else None
        if code == "TOO_DEEP":
            detail = f"{found.hops}, but {self._policy.chain_limit} allowed"
        elif total is not None:
            detail = f"{total.entries} in all, of {total.size} bytes"
        message = MESSAGES.get(code, detail or code)
        if detail and code in MESSAGES:
            message += f" ({printable(detail[:_SHOWN])})"
        accept = self._judge.accept(case, total)
        if self._contact:
            message += f"; contact {printable(self._contact[:_SHOWN])}"
        if accept is None:
            message += "; no policy accepts it"
        return Problem(
            found.code or code,
            message,
            member=case.asked.path,
            found="-> " + printable(found.text[:_SHOWN]),
            accept=accept,
        )


def _tag_kind(
    filename: WheelFilename | None, platforms: Collection[str]
) -> str:
    """What the wheel is for; where its two answers differ, the stricter."""
    claims = [list(platforms)] if platforms else []
    if filename is not None:
        claims.append(list(filename.platforms))
    if not claims or any(map(for_any_platform, claims)):
        return ANY_TAG
    return WINDOWS_TAG if any(map(for_windows_only, claims)) else PLATFORM


def _too_many(count: int, limits: Limits) -> Problem:
    return Problem(
        "TOO_MANY_LINKS",
        "more links than are allowed",
        found=f"{count} links",
        expected=f"at most {limits.links}",
        accept="limits.links",
    )
