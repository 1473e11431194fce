"""
What stands in for links where none can be made: copies, counted beforehand.

Pure.  For a file that is one, for a folder a tree, in which every link is
again replaced by what it leads to.  Links to folders double each other: a
wheel of forty of them can ask for 2^40 files, so the cost of each folder is
added up first, once, and nothing is listed that is not within the budget.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from .targets import FOLDER, Found
from .values import value

_MOST = 1 << 62  # where counting stops


@value
class Cost:
    """
    What stand-ins take.

    Attributes:
        entries: Files and folders to make.
        size: Bytes of all files, as if none were a hard link.
        names: Characters of all their names.
    """

    entries: int = 0
    size: int = 0
    names: int = 0

    def __add__(self, other: Cost) -> Cost:
        """Both, as far as we count."""
        return Cost(
            min(self.entries + other.entries, _MOST),
            min(self.size + other.size, _MOST),
            min(self.names + other.names, _MOST),
        )

    def below(self, prefix: str) -> Cost:
        """The same with *prefix* and a slash before each name."""
        names = self.names + self.entries * (len(prefix) + 1)
        return Cost(self.entries, self.size, min(names, _MOST))


class StandIns:
    """What to make of links, by copying what they lead to."""

    def __init__(
        self,
        found: Mapping[str, Found],
        sizes: Mapping[str, int],
        folders: Collection[str],
    ) -> None:
        """
        Args:
            found: What each link leads to.  Those that lead to nothing in the
                wheel stand in no tree; who asks for one of these is refused.
            sizes: Bytes of each entry, by name.
            folders: Of the wheel, without final slashes.
        """
        self._found = found
        self._sizes = sizes
        self._folders = folders
        self._in: dict[str, list[tuple[str, str, bool]]] | None = None
        self._costs: dict[str, Cost] = {}

    def cost(self, path: str, found: Found) -> Cost:
        """What it takes to have a stand-in at *path*."""
        itself = Cost(1, 0, len(path))
        if found.kind != FOLDER:
            return itself + Cost(size=self._sizes[found.path])
        return itself + self._cost_of(found.path).below(path)

    def tree(
        self, path: str, folder: str
    ) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
        """
        What to make at *path* to stand in for the *folder*.

        It has to be within the budget: this is as long as `cost` says.

        Returns:
            New name and name in the wheel of each file; the folders, *path*
            itself and empty ones too, each after the one it is in.
        """
        copies = []
        folders = []
        pending = [(path, folder)]
        while pending:
            place, source = pending.pop()
            folders.append(place)
            for name, origin, is_folder in self._content(source):
                if is_folder:
                    pending.append((f"{place}/{name}", origin))
                else:
                    copies.append((f"{place}/{name}", origin))
        return tuple(copies), tuple(folders)

    def _cost_of(self, folder: str) -> Cost:
        """
        What all that is in *folder* takes.

        It ends, because no folder leads back into itself (ANCESTOR).
        """
        pending = [folder]
        while pending:
            last = pending.pop()
            if last in self._costs:  # ten thousand links may have asked
                continue
            missing = {
                origin
                for _, origin, is_folder in self._content(last)
                if is_folder and origin not in self._costs
            }
            if missing:
                pending += [last, *missing]
            else:
                self._costs[last] = self._sum(last)
        return self._costs[folder]

    def _sum(self, folder: str) -> Cost:
        total = Cost()
        for name, origin, is_folder in self._content(folder):
            total += Cost(1, 0, len(name))
            if is_folder:
                total += self._costs[origin].below(name)
            else:
                total += Cost(size=self._sizes[origin])
        return total

    def _content(self, folder: str) -> list[tuple[str, str, bool]]:
        """Name, origin, and whether it is a folder, of all in *folder*."""
        if self._in is None:
            self._in = {}
            for path, origin, is_folder in self._all():
                home, _, name = path.rpartition("/")
                self._in.setdefault(home, []).append((name, origin, is_folder))
        return self._in.get(folder, [])

    def _all(self) -> Iterator[tuple[str, str, bool]]:
        """Path, origin, and whether it is a folder, of all in the wheel."""
        for name in self._sizes:
            if name not in self._found and not name.endswith("/"):
                yield name, name, False
        for folder in sorted(self._folders):
            yield folder, folder, True
        for path, found in self._found.items():
            if found.is_good:
                yield path, found.path, found.kind == FOLDER
