"""
One wheel on its way: a transaction, and a batch in the hands of the crew.

It is begun while `installer` is still asking for the first file, so that the
crew works while Python does.
"""

from __future__ import annotations

import os

from ..contents import RESERVED
from ..crew import TICK_MS, shared
from ..errors import UnwheelError
from ..faults import named, our_side
from ..orders import batch_of, check_space
from ..site import Transaction, real_paths, recover
from .claims import Claims
from .parts import installed_part

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import BinaryIO, Protocol

    from ..bytecode import Compilation
    from ..crew import Crew
    from ..links import Host, Link
    from ..native import Batch, Tree
    from ..plan import Plan
    from .opened import Opened

    class Hasher(Protocol):
        def update(self, data: bytes, /) -> object: ...


# A wheel that costs less is not worth starting threads for.
_SMALL_SIZE = 1 << 20
_SMALL_COUNT = 40

_PIECE = 1 << 16  # bytes, of content that comes through Python

# Where content is put aside; nothing in there is installed.
ASIDE = f"{RESERVED}aside"


class Installation:
    """
    Everything that has to be given back, whatever becomes of the wheel.

    It does not know the destination that it belongs to, so that this one can
    be forgotten by its user, and what it began is undone.

    Args:
        places: Of each scheme the directory on this disk.

    Attributes:
        roots: Of each scheme the real directory.
        claims: What is asked for so far.
        opened: The wheel, if a source of ours gives its members.
        plan: What the batch does of it.
        site: The scheme that the root of the wheel goes to, when it is known.
        transaction: Where everything is staged, when it is.
        batch: When the wheel is known.
        compilation: When files are being compiled.
    """

    def __init__(self, places: Mapping[str, str]) -> None:
        self.places = places
        self.roots = real_paths(places)
        self.claims = Claims()
        self.opened: Opened | None = None
        self.plan: Plan | None = None
        self.site = ""
        self.transaction: Transaction | None = None
        self.batch: Batch | None = None
        self.compilation: Compilation | None = None
        self._share: shared | None = None
        self._rests = False
        self._crew: Crew | None = None
        self._trees: dict[str | None, Tree] = {}
        self._asides = 0
        self._taken: set[str] = set()
        self._left_out: set[str] = set()
        self._links: dict[str, Link] = {}

    # -------------------------------------------------------------- staging

    def begin(self, site: str) -> Transaction:
        """
        Have a private directory, for a wheel whose root goes to *site*.

        Raises:
            DestinationError: If it cannot be made.
        """
        if self.transaction is None:
            recover(self.places[site])
            self.site = site
            self.transaction = Transaction(self.roots, site, resolved=True)
            self.transaction.make()
        return self.transaction

    def move_to(self, site: str) -> Transaction:
        """
        The same, if something was staged for another site.

        Nobody tells where RECORD goes before all else has been written.
        """
        before = self.begin(site)
        if self.site == site:
            return before
        self._close_trees()
        self.transaction = Transaction(self.roots, site, resolved=True)
        try:
            self.transaction.make()
            self.site = site
            for name in os.listdir(before.path):
                old = os.path.join(before.path, name)
                _move(old, os.path.join(self.transaction.path, name))
        finally:
            before.discard()
        return self.transaction

    def tree(self, scheme: str | None = None) -> Tree:
        """The private directory, or that of *scheme*; kept open."""
        assert self.transaction is not None
        if scheme not in self._trees:
            self._trees[scheme] = self.transaction.tree(scheme)
        return self._trees[scheme]

    def put_aside(
        self, stream: BinaryIO, hasher: Hasher, *, executable: bool
    ) -> tuple[str, int]:
        """
        Stage the content of *stream*, under a name that it will not keep.

        Args:
            hasher: Updated with all of it.

        Returns:
            The name in the private directory, and the bytes.

        Raises:
            DestinationError: If it cannot be written.
        """
        self._asides += 1
        name = f"{ASIDE}/{self._asides}"
        size = 0
        with self.tree().create(name, executable) as file:
            while piece := stream.read(_PIECE):
                file.write(piece)
                hasher.update(piece)
                size += len(piece)
        return name, size

    # ---------------------------------------------------------------- batch

    def start(self, opened: Opened, site: str) -> None:
        """
        Have the members of *opened* made, in the place of *site*.

        Raises:
            UnwheelError: If the wheel cannot be there, or nothing be made.
        """
        opened.hold()
        self.opened = opened
        try:
            self._start(opened, site)
        except UnwheelError as error:
            raise named(error, opened.path) from error.__cause__
        except (OSError, ImportError) as error:
            raise our_side(error, opened.path) from error

    def _start(self, opened: Opened, site: str) -> None:
        transaction = self.move_to(site)
        self._share = shared()
        self._crew = crew = self._share.__enter__()
        plan = opened.plan
        if plan.links:
            plan = opened.plan_for(lambda: self._host(opened, site))
        self.plan = plan = installed_part(plan)
        self._links = {str(link.path): link for link in plan.links}
        wanted = {*plan.orders}
        self._left_out = {
            plan.entries.names[index]
            for index in opened.plan.orders
            if index not in wanted
        }
        check_space(transaction.path, plan.size)
        self.batch = batch = batch_of(
            plan,
            opened.archive,
            self.tree(site),
            dedupe=opened.policy.dedupe,
        )
        small = plan.size < _SMALL_SIZE and plan.files < _SMALL_COUNT
        if small and not crew.is_started:
            batch.run()
        else:
            crew.take(batch)

    def _host(self, opened: Opened, site: str) -> Host:
        """What links may ask of the place where they will be."""
        from ..host import DestinationHost

        assert self._crew is not None
        return DestinationHost(
            self.places[site],
            lambda: self.tree(site),
            opened.policy.link_policy,
            self._crew.probes,
        )

    def take(self, path: str) -> bool:
        """
        Have the member *path* for a claim; False if another one has it.

        False also for one that no batch makes.
        """
        if path in self._taken or path in self._left_out:
            return False
        self._taken.add(path)
        return True

    def link(self, path: str) -> Link:
        """What becomes of the link *path*, at the place where it will be."""
        return self._links[path]

    def is_done(self, milliseconds: int) -> bool:
        """
        Whether nobody works on it any more, after at most so long.

        Raises:
            MemoryError: If there is none for anybody to work in.
        """
        if self.compilation is not None:
            return self.compilation.ready(milliseconds)
        if self.batch is None or self.batch.wait(milliseconds):
            return True
        assert self._crew is not None
        self._crew.check()
        return False

    def rest(self) -> None:
        """
        Give back what a commit does not need: all is staged.

        So that many wheels can wait for each other, with few descriptors.
        """
        self._close_trees()
        if self.batch is not None:
            self.batch.close()
            self.batch = None
        if self.opened is not None and not self._rests:
            self._rests = True
            self.opened.let_go()

    # ------------------------------------------------------------------ end

    def discard(self) -> None:
        """
        Stop what is running, and leave nothing.  May be called twice.

        What was committed is not undone.
        """
        try:
            self._stop()
        finally:
            try:
                self._close_trees()
            finally:
                if self.transaction is not None:
                    self.transaction.discard()

    def _stop(self) -> None:
        # Nothing is forgotten before it is done: Ctrl-C may come again.
        if self.compilation is not None:
            self.compilation.cancel()
            self.compilation = None
        if self.batch is not None:
            self.batch.cancel()
            while not self.batch.wait(TICK_MS) and not self._is_deserted:
                pass
            self.batch.close()
            self.batch = None
        if self._share is not None:
            self._share.__exit__()
            self._share = None
        opened, self.opened = self.opened, None
        if opened is not None and not self._rests:
            opened.let_go()

    @property
    def _is_deserted(self) -> bool:
        return self._crew is None or self._crew.is_gone

    def _close_trees(self) -> None:
        while self._trees:
            self._trees.popitem()[1].close()


def _move(old: str, new: str) -> None:
    """From one private directory to another, be it on another disk."""
    import shutil

    shutil.move(old, new)
