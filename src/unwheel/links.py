"""
Symbolic links: read, resolved in memory, judged before anything is written.

Pure.  No standard says what a link in a wheel means, so a policy does: what
becomes of a link depends on what it leads to, on the platforms the wheel is
for and on whether the host can make links.  A policy is a table of these; what
it does not list, it refuses.

A target is never judged by its text alone: of "up -> .." and "out -> up/.."
each looks as if it stayed inside, and together they leave.  Links are resolved
component by component in the tree of the wheel's names, as the kernel would.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import dropwhile, pairwise

from .errors import Problem, printable
from .filename import WheelFilename, for_any_platform, for_windows_only
from .paths import MemberPath, directories, problem_with_name
from .policy import LINK_POLICIES, Limits
from .values import value

MOST_HOPS = 16  # links followed to resolve one, itself the first
STEPS_PER_LINK = 100  # components walked to resolve one, on average

# What a link leads to, if a policy may accept it.  Any other kind is the code
# of the reason why none does.
FILE, CHAIN, FOLDER = "FILE", "CHAIN", "FOLDER"
# What the wheel is for.
PLATFORM, ANY_TAG, WINDOWS_TAG = "PLATFORM", "ANY_TAG", "WINDOWS_TAG"

# What becomes of a link.
LINK = "link"

# By policy: (target, tag, whether the host can make links) -> what becomes.
OUTCOMES: Mapping[str, Mapping[tuple[str, str, bool], str]] = {
    "refuse": {},
    "strict": {
        (FILE, PLATFORM, True): LINK,
        (CHAIN, PLATFORM, True): LINK,
        (FOLDER, PLATFORM, True): LINK,
    },
}

_MESSAGES = {
    "ABSOLUTE": "the target is absolute",
    "ANCESTOR": "the target is a folder above it: walking it never ends",
    "ANY_TAG": "a link in a wheel for any platform",
    "BAD_TARGET": "the target is no plain relative path",
    "CROSS_SCHEME": "the target is installed elsewhere",
    "CYCLE": "the links go round in a circle",
    "DANGLING": "the target is not in the wheel",
    "DUPLICATE": "another entry has the name of the link",
    "ESCAPES": "the target is outside the wheel",
    "HAS_CHILDREN": "another name is beneath the link",
    "HOST_CANNOT": "links cannot be made here",
    "IN_METADATA": "a link in or into the metadata",
    "IN_SCRIPTS": "scripts may only be regular files",
    "LINK_REFUSED": "a link",
    "OTHER_WHEEL": "the target could only be in another wheel",
    "SLASH_NAME": "the name of a link ends in '/'",
    "TOO_MANY_LINKS": "the links together take too long to resolve",
    "TOO_DEEP": f"more than {MOST_HOPS} links to follow",
    "WINDOWS_TAG": "a link in a wheel for Windows",
}
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SHOWN = 400  # characters


@value
class Link:
    """
    A link that may be made.

    Attributes:
        path: Of the link.
        target: The text of the link, relative to the link's folder.
        resolved: What it leads to in the end.
        kind: "file" or "folder", of what it leads to.
        outcome: What becomes of it: "link".
    """

    path: MemberPath
    target: str
    resolved: MemberPath
    kind: str
    outcome: str


@value
class LinkPlan:
    """All links that may be made, and why the others may not."""

    links: tuple[Link, ...]
    problems: tuple[Problem, ...]


def resolve(
    targets: Mapping[str, bytes],
    names: Sequence[str],
    *,
    policy: str,
    filename: WheelFilename | None,
    dist_info: str,
    contact: str | None = None,
    platforms: Collection[str] = (),
    host_links: bool = True,
    limits: Limits = Limits(),  # noqa: B008 - frozen
) -> LinkPlan:
    """
    Resolve and judge all links of a wheel.

    Args:
        targets: The payload of each entry that is a link, by its name.
        names: Of all entries, the links too.
        policy: One of the names of `OUTCOMES`.
        filename: Says what the wheel is for; unknown is as for any platform.
        dist_info: Where the metadata is.
        contact: Whom to tell of a link that is refused.
        platforms: The platform tags in WHEEL; "any" counts from either.
        host_links: Whether links can be made at the destination.
        limits: The length of a target, and the links there may be.
    """
    if not targets:
        return LinkPlan((), ())
    tree = _Tree(targets, names, dist_info, limits)
    tag = _tag_kind(filename, platforms)
    links, problems = [], []
    for name, found in tree.resolve_all().items():
        outcome = OUTCOMES[policy].get((found.kind, tag, host_links))
        if outcome is None:
            problems.append(
                _problem(name, found, policy, tag, host_links, contact)
            )
            continue
        links.append(
            Link(
                path=MemberPath.parse(name, limits),
                target=found.text,
                resolved=MemberPath.parse(found.path, limits),
                kind="folder" if found.kind == FOLDER else "file",
                outcome=outcome,
            )
        )
    return LinkPlan(tuple(links), tuple(problems))


@value
class _Found:
    """What a link leads to: `kind` is FILE, CHAIN, FOLDER or a code."""

    kind: str
    text: str
    path: str = ""
    detail: str | None = None


class _Tree:
    """The names of a wheel as a place in which links can be followed."""

    def __init__(
        self,
        targets: Mapping[str, bytes],
        names: Sequence[str],
        dist_info: str,
        limits: Limits,
    ) -> None:
        self._limits = limits
        # A target of 4 KB packs to 30 bytes and has 2,000 components, and
        # each link may follow 15 others: that is hours, in a wheel of 100 MB.
        self._steps = STEPS_PER_LINK * limits.links
        self._files = frozenset(names) - targets.keys()
        self._dirs = directories(names, limits)[0]
        self._twice = {
            name
            for name, count in Counter(
                name for name in names if name in targets
            ).items()
            if count > 1
        }
        self._texts = {
            name: _read_target(payload, limits)
            for name, payload in targets.items()
        }
        # Systems that fold case must not find another answer.
        self._metadata = dist_info.casefold()
        self._data = self._metadata.removesuffix(".dist-info") + ".data"

    def resolve_all(self) -> dict[str, _Found]:
        """What each link leads to, in the order of the links."""
        found = {name: self._resolve(name) for name in self._texts}
        folders = {
            name: link.path
            for name, link in found.items()
            if link.kind == FOLDER
        }
        for name in _endless(folders, self._dirs):
            found[name] = _Found("ANCESTOR", found[name].text)
        return found

    def _resolve(self, name: str) -> _Found:
        text, kind = self._texts[name]
        if misplaced := self._misplaced(name):
            return _Found(misplaced, text)
        if kind:
            return _Found(kind, text)
        if problem := problem_with_name(name, self._limits):
            return _Found(problem.code, text, detail=problem.message)
        return self._follow(name, text)

    def _misplaced(self, name: str) -> str | None:
        """Why there may be no link of this *name*, or None."""
        if name.endswith("/"):
            return "SLASH_NAME"
        if name in self._twice or name + "/" in self._files:
            return "DUPLICATE"
        if name in self._dirs:
            return "HAS_CHILDREN"
        top, *rest = name.casefold().split("/")
        if top == self._metadata:
            return "IN_METADATA"
        if top == self._data:
            if len(rest) < 2:  # the place of a scheme, or of all
                return "CROSS_SCHEME"
            if rest[0] == "scripts":
                return "IN_SCRIPTS"
        return None

    def _follow(self, name: str, text: str) -> _Found:
        """Walk from the folder of the link *name* along *text*."""
        here = name.split("/")[:-1]
        # Above this many components begins what is installed elsewhere.
        floor = 2 if here and here[0].casefold() == self._data else 0
        pending = _components(text)
        followed = [name]
        is_file = False
        while pending:
            if not self._steps:
                return _Found("TOO_MANY_LINKS", text)
            self._steps -= 1
            part = pending.pop()
            if is_file:
                return _Found("DANGLING", text)
            if part == ".":
                continue
            if part == "..":
                if len(here) == floor:
                    return _Found("CROSS_SCHEME" if floor else "ESCAPES", text)
                here.pop()
                continue
            path = "/".join([*here, part])
            if path in self._texts:
                if len(followed) == MOST_HOPS:
                    again = len(set(followed)) < len(followed)
                    return _Found("CYCLE" if again else "TOO_DEEP", text)
                followed.append(path)
                onward, problem = self._texts[path]
                if problem:
                    return _Found(problem, text, detail=f"by way of {path}")
                pending += _components(onward)
                continue
            if missing := self._absent(path, floor):
                return _Found(missing, text)
            is_file = path in self._files
            here.append(part)
        return self._arrived(here, text, is_file, len(followed))

    def _absent(self, path: str, floor: int) -> str | None:
        """Why no link may go by *path*, which is no link; or None."""
        top, slash, _ = path.casefold().partition("/")
        if top == self._metadata:
            return "IN_METADATA"
        if top == self._data and not floor:
            return "CROSS_SCHEME"
        if path in self._files or path in self._dirs:
            return None
        return "DANGLING" if slash else "OTHER_WHEEL"

    def _arrived(
        self, here: list[str], text: str, is_file: bool, hops: int
    ) -> _Found:
        path = "/".join(here)
        if is_file and text.endswith("/"):
            return _Found("BAD_TARGET", text, detail="a file is no folder")
        if not path:
            return _Found("ANCESTOR", text)
        if problem := problem_with_name(path, self._limits):
            return _Found("BAD_TARGET", text, detail=problem.message)
        if is_file:
            return _Found(FILE if hops == 1 else CHAIN, text, path)
        return _Found(FOLDER, text, path)


def _components(text: str) -> list[str]:
    """The components of a target, last first; a final slash makes none."""
    return text.removesuffix("/").split("/")[::-1]


def _read_target(payload: bytes, limits: Limits) -> tuple[str, str | None]:
    """The text of a link, and the code of what is wrong with it, or None."""
    try:
        text = payload.decode("utf-8")
    except UnicodeDecodeError:
        return payload.decode("utf-8", "backslashreplace"), "BAD_TARGET"
    if len(payload) > limits.link_target_length or not text:
        return text, "BAD_TARGET"
    # A colon is a drive or a stream, a backslash a separator, on Windows.
    if _CONTROL.search(text) or "\\" in text or ":" in text:
        return text, "BAD_TARGET"
    if text.startswith("/"):
        return text, "ABSOLUTE"
    parts = text.removesuffix("/").split("/")
    # "a/.." is not "." if "a" is a link, and nobody needs to write it.
    if "" in parts or ".." in dropwhile((".", "..").__contains__, parts):
        return text, "BAD_TARGET"
    return text, None


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


def _endless(folders: Mapping[str, str], dirs: set[str]) -> Iterator[str]:
    """
    Those links to *folders* which make a walk that follows links endless.

    One to a folder above itself does.  So do two that lead into each other's
    folders, of which none is above.
    """
    graph: dict[str, list[str]] = {}
    for name, folder in folders.items():
        home = name.rpartition("/")[0]
        if f"{home}/".startswith(f"{folder}/"):
            yield name
        else:
            graph.setdefault(home, []).append(folder)
    if graph:
        cycle = _cycle(graph, dirs)
        steps = set(pairwise(cycle))
        for name, folder in folders.items():
            if (name.rpartition("/")[0], folder) in steps:
                yield name


def _cycle(graph: dict[str, list[str]], dirs: set[str]) -> list[str]:
    """Folders in a circle by *graph* and by being in each other, or []."""
    from graphlib import CycleError, TopologicalSorter

    sorter: TopologicalSorter[str] = TopologicalSorter()
    for home, folders in graph.items():
        for folder in folders:
            sorter.add(folder, home)
    for path in dirs:
        sorter.add(path, path.rpartition("/")[0])
    try:
        sorter.prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def _problem(
    name: str,
    found: _Found,
    policy: str,
    tag: str,
    host_links: bool,
    contact: str | None,
) -> Problem:
    """Why the link *name* is refused, and which policy would accept it."""
    code = found.kind
    if code in (FILE, CHAIN, FOLDER):
        code = tag if tag != PLATFORM else "LINK_REFUSED"
        if code == "LINK_REFUSED" and not host_links:
            code = "HOST_CANNOT"
    message = found.detail or _MESSAGES[code]
    if found.detail and code in _MESSAGES:
        message = f"{_MESSAGES[code]} ({printable(found.detail[:_SHOWN])})"
    if contact:
        message += f"; contact {printable(contact[:_SHOWN])}"
    key = found.kind, tag, host_links
    accepting = (p for p in LINK_POLICIES if key in OUTCOMES[p])
    accept = next((f'links="{p}"' for p in accepting if p != policy), None)
    if code == "TOO_MANY_LINKS":
        accept = "limits.links"
    return Problem(
        code,
        message,
        member=name,
        found="-> " + printable(found.text[:_SHOWN]),
        accept=accept,
    )
