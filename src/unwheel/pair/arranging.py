"""
The staged tree as it shall be: what the batch has made under the names of the
archive goes where it was asked for, and what nobody asked for goes away.
"""

from __future__ import annotations

import os

from ..private import remove_tree
from .installation import ASIDE

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .claims import Claim
    from .installation import Installation

    Move = tuple[str, str]


def arrange(work: Installation) -> None:
    """
    Put every staged file where its claim says.

    Raises:
        DestinationError: If the system refuses, or two claims do not fit.
    """
    arranger = _Arranger(work)
    arranger.put_away()
    arranger.move()
    arranger.put_away_empty()
    arranger.write()
    arranger.clean()


class _Arranger:
    def __init__(self, work: Installation) -> None:
        self._work = work
        self._tree = work.tree()
        self._folders: dict[str, str] = {}
        self._made: set[str] = set()
        self._left: set[str] = set()  # folders that may be empty now
        self._count = 0

    def _final(self, claim: Claim) -> str:
        return self._named(claim.scheme, claim.name)

    def _named(self, scheme: str, name: str) -> str:
        """The name of a file in the private directory."""
        folder = self._folders.get(scheme)
        if folder is None:
            assert self._work.transaction is not None
            folder = self._work.transaction.folder(scheme)
            self._folders[scheme] = folder
        return f"{folder}/{name}" if folder else name

    def _rename(self, old: str, new: str) -> None:
        parent = new.rpartition("/")[0]
        if parent and parent not in self._made:
            self._tree.mkdir(parent)
            self._made.add(parent)
        self._tree.publish(old, new)

    def _put_aside(self, name: str) -> str:
        self._count += 1
        aside = f"{ASIDE}/arranged/{self._count}"
        self._rename(name, aside)
        return aside

    # -------------------------------------------------------- what is there

    def put_away(self) -> None:
        """Put away what the batch has made, and nobody wants."""
        for name in self._unwanted():
            self._put_aside(self._named(self._work.site, name))
            self._left.add(name.rpartition("/")[0])

    def _unwanted(self) -> Iterator[str]:
        plan = self._work.plan
        if plan is None:
            return
        wanted = {claim.index for claim in self._work.claims}
        names = plan.entries.names
        if not wanted.issuperset(plan.orders):
            yield from (names[k] for k in plan.orders if k not in wanted)
        if plan.links:
            links = {
                str(claim.link.path)
                for claim in self._work.claims
                if claim.link is not None
            }
            for link in plan.links:
                name = str(link.path)
                if link.outcome not in ("pth", "text") and name not in links:
                    yield name

    def move(self) -> None:
        """Move what was asked for elsewhere than the archive has it."""
        moves = list(self._moves())
        if not {old for old, _ in moves}.isdisjoint(new for _, new in moves):
            moves = [(self._put_aside(old), new) for old, new in moves]
        for old, new in moves:
            self._rename(old, new)

    def _moves(self) -> Iterator[Move]:
        site, plan = self._work.site, self._work.plan
        for claim in self._work.claims:
            if plan is not None and claim.index >= 0:
                name = plan.entries.names[claim.index]
            elif claim.link is not None and claim.link.outcome != "pth":
                name = str(claim.link.path)
            elif claim.aside:
                yield claim.aside, self._final(claim)
                continue
            else:
                continue
            if name == claim.name and claim.scheme == site:
                continue
            self._left.add(name.rpartition("/")[0])
            yield self._named(site, name), self._final(claim)

    def put_away_empty(self) -> None:
        """Put away the folders that have lost all that was in them."""
        folders = {above for name in self._left for above in _above(name)}
        for name in sorted(folders, key=_depth, reverse=True):
            staged = self._named(self._work.site, name)
            if self._is_empty(staged):
                self._put_aside(staged)

    def _is_empty(self, name: str) -> bool:
        assert self._work.transaction is not None
        path = os.path.join(self._work.transaction.path, *name.split("/"))
        with os.scandir(path) as entries:
            return next(entries, None) is None

    # -------------------------------------------------------- what is not

    def write(self) -> None:
        """Write the contents that came through Python."""
        for claim in self._work.claims:
            if claim.data is not None:
                self._tree.write(
                    self._final(claim),
                    claim.data,
                    executable=claim.executable,
                )

    def clean(self) -> None:
        """Remove what was put away: it would be installed, too."""
        transaction = self._work.transaction
        assert transaction is not None
        aside = os.path.join(transaction.path, ASIDE)
        if os.path.lexists(aside):
            remove_tree(aside)


def _above(name: str) -> Iterator[str]:
    """The folder *name* and all that it is in."""
    while name:
        yield name
        name = name.rpartition("/")[0]


def _depth(name: str) -> int:
    return name.count("/")
