"""
What a transaction has to do, and whether it may.

Looks only.  Where all that is in a folder belongs to the version that is
replaced, or nothing is there, the folder changes as a whole, by one rename;
else name by name.
"""

from __future__ import annotations

import errno
import filecmp
import os
import stat

from ..contents import RESERVED
from ..errors import DestinationError, Problem, printable
from ..merge import Judge
from ..places import is_below, name_below
from ..values import replace, value
from .distributions import owner_of
from .identity import CACHE, identity, is_bytecode, survey
from .journal import FILE, GONE, NEW, OLD, ROOMS, SWAP, Operation

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from .distributions import Installed


@value
class Judged:
    """
    What a commit does, as real paths; a folder stands for all that is in it.

    Attributes:
        added: What comes where nothing is.
        replaced: What takes the place of something.
        removed: What goes, without anything in its place.
    """

    added: tuple[str, ...]
    replaced: tuple[str, ...]
    removed: tuple[str, ...]


@value
class Terms:
    """
    What an installation may do.

    Attributes:
        record: The path of RECORD.
        places: The real directories of the scheme.
        replaces: What it takes the place of.
        overwrite: "refuse", "unowned" or "all".
        whole: Whether folders may be exchanged.
    """

    record: str
    places: Mapping[str, str]
    replaces: Sequence[Installed] = ()
    overwrite: str = "refuse"
    whole: bool = True


def judge(
    staging: str, top: str, terms: Terms
) -> tuple[list[Operation], list[str]]:
    """
    The operations that make the staged tree part of *top*, RECORD last.

    Args:
        staging: The private directory, of the layout that is below *top*.
        top: A real path.
        terms: What is asked for.

    Returns:
        The operations in their order, and names below *top* of the folders
        that may be empty then, the deepest first.

    Raises:
        DestinationError: If it may not be done; all problems are told.
        OSError: If something cannot be looked at.
    """
    judge = _Judge(staging, top, terms)
    judge.walk()
    judge.check_texts()
    judge.settle_conflicts()
    if judge.problems:
        raise DestinationError(
            [judge.in_its_scheme(problem) for problem in judge.problems],
            errno=errno.EEXIST,
        )
    return judge.operations(), judge.folders()


class _Judge(Judge):
    """The walk through a staged tree and what is where it will be."""

    def __init__(self, staging: str, top: str, terms: Terms) -> None:
        Judge.__init__(self, staging, top, "inside")
        self._terms = terms
        self._places = set(terms.places.values())
        self._owned = self._own()
        # Files that nobody said we may replace: name and place.
        self._conflicts: list[tuple[str, str]] = []
        # Files that stay, because they are what the wheel has, too.
        self._same: set[str] = set()
        self._touched: set[str] = set()
        self._belonging: dict[str, bool] = {}
        self._gone: list[str] | None = None
        self._devices: dict[str, int] = {}
        # What is known already of the folders that come, by name.
        self._new: dict[str, str] = {}
        self._own_device = os.stat(staging).st_dev

    def _own(self) -> set[str]:
        """
        The files of what is replaced, and of nothing else.

        What another distribution has, too, is its own as well, whatever an
        old RECORD says.
        """
        inside = os.path.join(self.root, "")
        files = {
            path
            for each in self._terms.replaces
            for path in each.files
            if path.startswith(inside)
        }
        return files.difference(self._owners(files))

    def _owners(self, paths: Collection[str]) -> dict[str, str]:
        """Other distributions that have some of *paths*."""
        replaced = [each.dist_info for each in self._terms.replaces]
        return owner_of(self._terms.places, paths, replaced)

    # ------------------------------------------------------------ what comes

    def _judge(self, name: str, there: str) -> None:
        if name in (FILE, OLD, ROOMS):  # our own, of a first attempt
            return
        if os.path.basename(there).lower().startswith(RESERVED):
            self.problems.add(_reserved(name))
            return
        self._touched.add(there)
        mode = os.lstat(os.path.join(self._staging, name)).st_mode
        old = _mode(there)
        if old is None:
            self._refuse_reserved(name, mode)
            self._judge_name(name, there, swap=False)
        elif self._is_replaced(there, mode, old):
            self._refuse_reserved(name, mode)
            self._judge_name(name, there, swap=True)
        elif stat.S_ISDIR(mode) or stat.S_ISDIR(old):
            Judge._judge(self, name, there)
        else:
            if there not in self._owned and not is_bytecode(there):
                self._conflicts.append((name, there))
            self._judge_name(name, there, swap=True)

    def _refuse_reserved(self, name: str, mode: int) -> None:
        """
        Refuse names in a folder that would be taken for ours.

        A journal that came with a wheel would be obeyed by the next run.
        """
        if not stat.S_ISDIR(mode):
            return
        inside: list[str] = []
        self._new[name] = identity(os.path.join(self._staging, name), inside)
        if RESERVED not in "\0".join(inside).lower():
            return
        for path in inside:
            if path.rpartition("/")[2].lower().startswith(RESERVED):
                self.problems.add(_reserved(f"{name}/{path}"))

    def _is_replaced(self, there: str, mode: int, old: int) -> bool:
        """Whether one rename puts what is staged in the place of *there*."""
        if not stat.S_ISDIR(mode) and not stat.S_ISDIR(old):
            return False
        if not self._terms.whole:
            return False
        if stat.S_ISDIR(old):
            owned = bool(self._owned) and self._belongs(there)
            return owned and _has_files(there)
        return there in self._owned

    def _belongs(self, folder: str) -> bool:
        """
        Whether all that is in *folder* is of what is replaced.

        Bytecode belongs to no one, and goes with its folder; but the cache
        itself has that of others, too.
        """
        known = self._belonging.get(folder)
        if known is None:
            known = not self._is_fixed(folder) and all(
                entry.is_dir(follow_symlinks=False)
                or entry.path in self._owned
                for entry in _all_in(folder)
            )
        self._belonging[folder] = known
        return known

    def _wrong_device(self, name: str, place: str) -> Problem | None:  # noqa: ARG002
        """None is: what goes to another one is copied there first."""
        return None

    def _room_of(self, there: str) -> str:
        """
        Where on its own file system *there* can be staged.

        Returns:
            The name of a private directory in the highest folder of that
            file system, on the way to *there*; "" if it is that of the
            private directory itself.
        """
        folder = os.path.dirname(there)
        device = self._device_of(folder)
        if device == self._own_device:
            return ""
        above = os.path.dirname(folder)
        while folder != self.root and self._device_of(above) == device:
            folder, above = above, os.path.dirname(above)
        room = os.path.join(folder, os.path.basename(self._staging))
        return name_below(self.root, room)

    def _device_of(self, folder: str) -> int:
        if folder not in self._devices:
            self._devices[folder] = os.stat(folder).st_dev
        return self._devices[folder]

    def _is_fixed(self, folder: str) -> bool:
        """Whether it is part of the scheme, or a mount point."""
        return any(
            is_below(folder, place) for place in self._places
        ) or os.path.ismount(folder)

    def _wrong_link(
        self, name: str, there: str, place: str, *, folder: bool
    ) -> Problem | None:
        """The same as of a merge, but no knob of an installation allows it."""
        problem = Judge._wrong_link(self, name, there, place, folder=folder)
        return problem and replace(problem, accept=None)

    def _is_inside(self, place: str) -> bool:
        return any(is_below(root, place) for root in self._places)

    def settle_conflicts(self) -> None:
        """Refuse the conflicts that the terms do not allow."""
        if self._terms.overwrite == "all" or not self._conflicts:
            return
        owners = self._owners([there for _, there in self._conflicts])
        for name, there in self._conflicts:
            owner = owners.get(there)
            if owner is not None and self._are_same(name, there):
                self._same.add(there)
            elif owner is not None:
                self.problems.add(_owned(name, there, owner))
            elif self._terms.overwrite != "unowned":
                self.problems.add(_unowned(name, there))

    def in_its_scheme(self, problem: Problem) -> Problem:
        """The *problem* with the name that its file has in its scheme."""
        name = problem.member or ""
        folders = [name_below(self.root, p) + "/" for p in self._places]
        for folder in sorted(folders, key=len, reverse=True):
            if name.startswith(folder):
                return replace(problem, member=name[len(folder) :])
        return problem

    def _are_same(self, name: str, there: str) -> bool:
        """
        Whether two distributions may share a file: it is the same in both.

        So it is with the ``__init__.py`` of old namespace packages.
        """
        path = os.path.join(self._staging, name)
        if os.path.islink(path) or os.path.islink(there):
            return False
        return filecmp.cmp(path, there, shallow=False)

    # ------------------------------------------------------------- what goes

    def _going(self) -> list[str]:
        """The old version's files and folders that nothing replaces."""
        if self._gone is not None:
            return self._gone
        # Of each path whether it, or a folder above it, has been replaced.
        covered = {there: True for _, there, swap in self.moves if swap}
        covered |= dict.fromkeys(self._same, True) | {self.root: False}
        left = [path for path in self._owned if not _is_covered(path, covered)]
        self._gone = sorted({self._widest(path) for path in left})
        return self._gone

    def _widest(self, path: str) -> str:
        """*path*, or the highest folder of which nothing stays."""
        if not self._terms.whole:
            return path
        for folder in _above(path):
            if folder in self._touched or not self._belongs(folder):
                break
            path = folder
        return path

    # ------------------------------------------------------------ the result

    def operations(self) -> list[Operation]:
        """In their order: new, old, the old dist-info, the new, RECORD."""
        last = os.path.dirname(self._terms.record)
        infos = [installed.dist_info for installed in self._terms.replaces]
        found = [
            (_rank(there, infos, last, self._terms.record), there, name, swap)
            for name, there, swap in self.moves
            if there not in self._same
        ]
        found += [
            (2 if any(is_below(i, path) for i in infos) else 1, path, "", True)
            for path in self._going()
        ]
        return [
            self._operation(number, name, there, swap=swap)
            for number, (_, there, name, swap) in enumerate(sorted(found))
        ]

    def _operation(
        self, number: int, name: str, there: str, *, swap: bool
    ) -> Operation:
        final = name_below(self.root, there)
        room = self._room_of(there)
        old = identity(there) if swap else ""
        if not name:
            staged = f"{OLD}/{number}"
            return Operation(number, GONE, staged, final, "", old, room)
        new = self._new.get(name)
        if new is None:
            new = identity(os.path.join(self._staging, name))
        kind = SWAP if swap else NEW
        return Operation(number, kind, name, final, new, old, room)

    def folders(self) -> list[str]:
        """Names of folders that may be empty then, the deepest first."""
        found = set()
        for path in self._going():
            for folder in _above(path):
                if any(is_below(folder, place) for place in self._places):
                    break
                found.add(name_below(self.root, folder))
        return sorted(found, key=lambda name: (-name.count("/"), name))


def _rank(there: str, infos: list[str], last: str, record: str) -> int:
    """The new dist-info comes after the old one has gone."""
    if there == record:
        return 4
    return 3 if is_below(last, there) or there in infos else 0


def _is_covered(path: str, known: dict[str, bool]) -> bool:
    """Whether *known* says so of *path*, or of a folder above it."""
    steps = []
    while path not in known:
        steps.append(path)
        path = os.path.dirname(path)
    answer = known[path]
    known.update(dict.fromkeys(steps, answer))
    return answer


def _above(path: str) -> list[str]:
    """The folders that *path* is in, the nearest first."""
    found = []
    folder = os.path.dirname(path)
    while folder != path:
        found.append(folder)
        path, folder = folder, os.path.dirname(folder)
    return found


def _mode(path: str) -> int | None:
    try:
        return os.lstat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None


def _has_files(folder: str) -> bool:
    """
    Whether there is anything that tells *folder* from others.

    Nobody could say whether two empty ones have changed places.
    """
    return any(
        not entry.is_dir(follow_symlinks=False) for _, entry in survey(folder)
    )


def _all_in(folder: str) -> Iterator[os.DirEntry[str]]:
    if os.path.basename(folder) == CACHE:
        with os.scandir(folder) as entries:
            yield from entries
    else:
        yield from (entry for _, entry in survey(folder))


def _reserved(name: str) -> Problem:
    return Problem(
        "RESERVED_NAME",
        f"names that begin with {RESERVED} are those of our staging",
        member=name,
    )


def _owned(name: str, there: str, owner: str) -> Problem:
    return Problem(
        "OWNED_BY_OTHER",
        f"there is a file of {printable(owner)}",
        member=name,
        found=printable(there),
        accept='overwrite="all"',
    )


def _unowned(name: str, there: str) -> Problem:
    return Problem(
        "UNOWNED_FILE",
        "there is a file that no distribution has",
        member=name,
        found=printable(there),
        accept='overwrite="unowned"',
    )
