"""
Where links lead: followed in memory, among the names of a wheel.

Pure.  A target is never judged by its text alone: of "up -> .." and
"out -> up/.." each looks as if it stayed inside, and together they leave.
Links are followed component by component, as the kernel would, and each only
once, whoever asks: what a link leads to does not depend on who follows it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import dropwhile

from .errors import Problem
from .paths import directories, problem_with_name
from .policy import Limits
from .values import replace, value

STEPS_PER_LINK = 100  # components walked to resolve one, on average

# What a link leads to, if all is well.  Any other kind is the code of what is
# wrong; BAD_NAME stands for those that are about the name of the link.
FILE, CHAIN, FOLDER = "FILE", "CHAIN", "FOLDER"
BAD_NAME = "BAD_NAME"

_MOST_HOPS = 1 << 32  # where counting stops: links can double each other
_FARTHEST = 4095  # characters of a way out; Linux opens no longer path
_UNREADABLE = re.compile(r"[\x00-\x1f\x7f\\]|\A[A-Za-z]:")


@value
class Found:
    """
    What a link leads to.

    Attributes:
        kind: FILE, CHAIN (a file by way of other links), FOLDER, or what is
            wrong.
        text: The target, as text.
        path: The name in the wheel of the file or folder in the end; for
            OTHER_WHEEL, the name that is not in this one; else "".
        hops: Links followed, itself the first.
        detail: What more is to say of what is wrong.
        code: The reason code, where it is not `kind`.
        outside: For ABSOLUTE and ESCAPES, the way out: from which folder of
            the wheel, by what text.
        accept: Which limit would accept it.
    """

    kind: str
    text: str
    path: str = ""
    hops: int = 1
    detail: str | None = None
    code: str | None = None
    outside: tuple[str, str] | None = None
    accept: str | None = None

    @property
    def is_good(self) -> bool:
        """Whether it leads to a file or folder of the wheel."""
        return self.kind in (FILE, CHAIN, FOLDER)


class _Walk:
    """A link that is being followed."""

    __slots__ = ("floor", "here", "hops", "is_file", "name", "pending", "text")

    def __init__(self, name: str, text: str, data: str) -> None:
        self.name = name
        self.text = text
        self.here = name.split("/")[:-1]
        # Above this many components begins what is installed elsewhere.
        self.floor = 2 if self.here and self.here[0].casefold() == data else 0
        # Last component first; a final slash makes none.
        self.pending = text.removesuffix("/").split("/")[::-1]
        self.hops = 1
        self.is_file = False

    def failed(self, kind: str, path: str = "") -> Found:
        """Where the walk ends too early."""
        return Found(kind, self.text, path)

    def rest(self) -> list[str]:
        """The components after the one that is looked at."""
        return [part for part in self.pending[-2::-1] if part != "."]


class Tree:
    """The names of a wheel as a place in which links can be followed."""

    def __init__(
        self,
        targets: Mapping[str, bytes],
        names: Collection[str],
        dist_info: str,
        limits: Limits,
        *,
        twice: Collection[str] = (),
    ) -> None:
        """
        Args:
            targets: The text of each link, by its name.
            names: Of all entries that are no links; directories end in "/".
            dist_info: Where the metadata is.
            limits: The length of a target, and the links there may be.
            twice: Names that more than one link has.
        """
        self._limits = limits
        # A target of 4 KB packs to 30 bytes and has 2,000 components: that
        # is minutes, in a wheel of 300 KB.
        self._steps = STEPS_PER_LINK * limits.links
        self._files = frozenset(names)
        self._twice = frozenset(twice)
        self.folders, self.problem = directories([*names, *targets], limits)
        self._texts = {
            name: _read_target(payload, limits)
            for name, payload in targets.items()
        }
        # Systems that fold case must not find another answer.
        self._metadata = dist_info.casefold()
        self._data = self._metadata.removesuffix(".dist-info") + ".data"
        self._found: dict[str, Found] = {}

    def resolve_all(self) -> dict[str, Found]:
        """What each link leads to, in the order of the links."""
        for name in self._texts:
            self._follow(name)
        found = {name: self._judged(name) for name in self._texts}
        folders = {
            name: link.path
            for name, link in found.items()
            if link.kind == FOLDER
        }
        for name in _endless(folders):
            found[name] = Found("ANCESTOR", found[name].text)
        return found

    def _judged(self, name: str) -> Found:
        """What the link leads to, if one may stand there at all."""
        text = self._texts[name][0]
        if misplaced := self._misplaced(name):
            return Found(misplaced, text)
        if problem := self._problem_with(name):
            return Found(
                BAD_NAME,
                text,
                detail=problem.message,
                code=problem.code,
                accept=problem.accept,
            )
        return self._found[name]

    def _misplaced(self, name: str) -> str | None:
        """Why there may be no link of this *name*, or None."""
        if name.endswith("/"):
            return "SLASH_NAME"
        if name in self._twice or {name, name + "/"} & self._files:
            return "DUPLICATE"
        if name in self.folders:
            return "HAS_CHILDREN"
        top, *rest = name.casefold().split("/")
        # A link to a folder, or a row of LINKS, could also add another's.
        if top == self._metadata or top.endswith(".dist-info"):
            return "IN_METADATA"
        if top == self._data:
            if len(rest) < 2:  # the place of a scheme, or of all
                return "CROSS_SCHEME"
            if rest[0] == "scripts":
                return "IN_SCRIPTS"
        return None

    def _problem_with(self, name: str) -> Problem | None:
        """
        What makes *name* no name for a link.

        Only entries were judged as names before, not what LINKS lists.
        """
        if problem := problem_with_name(name, self._limits):
            return problem
        folder = name.rpartition("/")[0]
        while folder:
            if folder in self._files:
                message = f"{folder} is a file"
                return Problem("FILE_AND_DIRECTORY", message, name)
            folder = folder.rpartition("/")[0]
        return None

    def _follow(self, name: str) -> None:
        """Find out what *name* leads to, and all links on its way."""
        walks: dict[str, _Walk] = {}  # each waits for the next one
        self._begin(name, walks)
        while walks:
            last, walk = next(reversed(walks.items()))
            found = self._advance(walk)
            if isinstance(found, str):
                if found not in walks:
                    self._begin(found, walks)
                    continue
                found = walk.failed("CYCLE")
            self._found[last] = found
            del walks[last]

    def _begin(self, name: str, walks: dict[str, _Walk]) -> None:
        """Start to follow the link *name*, if that has to be done."""
        if name in self._found:
            return
        text, kind = self._texts[name]
        if kind is None:
            walks[name] = _Walk(name, text, self._data)
            return
        folder = name.rpartition("/")[0]
        outside = (folder, text) if kind == "ABSOLUTE" else None
        self._found[name] = Found(kind, text, outside=outside)

    def _advance(self, walk: _Walk) -> Found | str:
        """Walk on, to the end or to a link that has to be followed first."""
        while walk.pending:
            if not self._steps:
                return walk.failed("TOO_MANY_LINKS")
            self._steps -= 1
            if walk.is_file:
                return walk.failed("DANGLING")
            part = walk.pending[-1]
            failed = None
            if part == "..":
                failed = self._step_up(walk)
            elif part != ".":
                path = "/".join([*walk.here, part])
                if path not in self._texts:
                    failed = self._step(walk, path)
                elif path in self._found:
                    failed = self._through(walk, path)
                else:
                    return path
            if failed:
                return failed
            walk.pending.pop()
        return self._arrived(walk)

    def _through(self, walk: _Walk, path: str) -> Found | None:
        """Go on from where the link *path* leads."""
        found = self._found[path]
        if found.is_good:
            walk.hops = min(walk.hops + found.hops, _MOST_HOPS)
            walk.here = found.path.split("/")
            walk.is_file = found.kind != FOLDER
            return None
        outside = found.outside
        if outside is not None:
            onward = self._onward(outside[1], walk)
            outside = (outside[0], onward) if onward else None
        return replace(
            found,
            text=walk.text,
            path=self._onward(found.path, walk),
            hops=min(walk.hops + found.hops, _MOST_HOPS),
            detail=f"by way of {path}",
            outside=outside,
        )

    @staticmethod
    def _onward(way: str, walk: _Walk) -> str:
        """
        The *way* and the rest of the walk; "" if nothing can be that far.

        Else each of ten thousand links made it 4 KB longer: 200 GB in all.
        """
        whole = "/".join([way, *walk.rest()]) if way else ""
        return whole if len(whole) <= _FARTHEST else ""

    def _step(self, walk: _Walk, path: str) -> Found | None:
        """Go to *path*, which is no link; or say why that cannot be."""
        missing = self._absent(path, walk.floor)
        if missing == "OTHER_WHEEL":
            return walk.failed(missing, "/".join([path, *walk.rest()]))
        if missing:
            return walk.failed(missing)
        walk.is_file = path in self._files
        walk.here.append(walk.pending[-1])
        return None

    def _step_up(self, walk: _Walk) -> Found | None:
        if len(walk.here) > walk.floor:
            walk.here.pop()
            return None
        if walk.floor:
            return walk.failed("CROSS_SCHEME")
        way = walk.name.rpartition("/")[0], walk.text
        return Found("ESCAPES", walk.text, outside=way)

    def _absent(self, path: str, floor: int) -> str | None:
        """Why no link may go by *path*, which is no link; or None."""
        top, slash, _ = path.partition("/")
        top = top.casefold()
        if top == self._metadata:
            return "IN_METADATA"
        if top == self._data and not floor:
            return "CROSS_SCHEME"
        if path in self._files or path in self.folders:
            return None
        return "DANGLING" if slash else "OTHER_WHEEL"

    def _arrived(self, walk: _Walk) -> Found:
        path, text = "/".join(walk.here), walk.text
        if walk.is_file and text.endswith("/"):
            return Found("BAD_TARGET", text, detail="a file is no folder")
        if not path:
            return Found("ANCESTOR", text)
        if problem := problem_with_name(path, self._limits):
            return Found("BAD_TARGET", text, detail=problem.message)
        if not walk.is_file:
            return Found(FOLDER, text, path, walk.hops)
        return Found(FILE if walk.hops == 1 else CHAIN, text, path, walk.hops)


def _read_target(payload: bytes, limits: Limits) -> tuple[str, str | None]:
    """The text of a link, and the code of what is wrong with it, or None."""
    most = limits.link_target_length
    if len(payload) > most:
        return payload[:most].decode("utf-8", "backslashreplace"), "BAD_TARGET"
    try:
        text = payload.decode("utf-8")
    except UnicodeDecodeError:
        return payload.decode("utf-8", "backslashreplace"), "BAD_TARGET"
    # On Windows a backslash is a separator, and "C:" a drive.  Any other colon
    # is a stream there: the name that it leads to is refused for it.
    if not text or _UNREADABLE.search(text):
        return text, "BAD_TARGET"
    if text.startswith("/"):
        return text, "ABSOLUTE"
    parts = text.removesuffix("/").split("/")
    # "a/.." is not "." if "a" is a link, and nobody needs to write it.
    if "" in parts or ".." in dropwhile((".", "..").__contains__, parts):
        return text, "BAD_TARGET"
    return text, None


def _endless(folders: Mapping[str, str]) -> Iterator[str]:
    """
    Those links to *folders* which make a walk that follows links endless.

    One to a folder above itself does.  So do two that lead into each other's
    folders, of which none is above.  A walk goes from a folder into those in
    it and along its links; a link on a circle of these never lets it end.
    """
    ways: dict[str, set[str]] = {}
    for name, folder in folders.items():
        home = name.rpartition("/")[0]
        ways.setdefault(home, set()).add(folder)
        while home:
            parent = home.rpartition("/")[0]
            beneath = ways.setdefault(parent, set())
            if home in beneath:
                break
            beneath.add(home)
            home = parent
    circles = _circles(ways)
    for name, folder in folders.items():
        home = name.rpartition("/")[0]
        if circles[home] == circles[folder]:
            yield name


def _circles(ways: Mapping[str, Iterable[str]]) -> dict[str, int]:
    """
    A number for each node: the same for those that lead to each other.

    Strongly connected components by Tarjan's algorithm, without recursion:
    links can be in a row ten thousand long.
    """
    numbers: dict[str, int] = {}  # in the order of discovery
    lowest: dict[str, int] = {}  # the lowest number that is reached
    groups: dict[str, int] = {}
    waiting: list[str] = []  # discovered, without a group
    path: list[tuple[str, Iterator[str]]]
    for root in ways:
        path = [] if root in numbers else [(root, iter(()))]
        while path:
            node, onward = path[-1]
            if node not in numbers:
                numbers[node] = lowest[node] = len(numbers)
                waiting.append(node)
                onward = iter(ways.get(node, ()))
                path[-1] = node, onward
            for following in onward:
                if following not in numbers:
                    path.append((following, iter(())))
                    break
                if following not in groups:
                    lowest[node] = min(lowest[node], numbers[following])
            else:
                path.pop()
                if path:
                    before = path[-1][0]
                    lowest[before] = min(lowest[before], lowest[node])
                while lowest[node] == numbers[node] and node not in groups:
                    groups[waiting.pop()] = numbers[node]
    return groups
