"""
Operations of a journal: done, undone, and told apart.

Nobody knows how far a killed run came; only what is there can tell.  So each
thing that moves has an identity, and whether an operation has happened is
asked of the file system, by whoever goes on.
"""

from __future__ import annotations

import errno
import os
import stat

from .. import merge
from ..errors import DestinationError, Problem, printable
from ..native import Tree, os_problem
from ..policy import STAND_INS
from ..private import Handle
from .identity import identity, is_bytecode
from .journal import GONE, NEW, OLD, Operation

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# What a system says that cannot exchange two names, or not these two.
NO_EXCHANGE = merge.NO_EXCHANGE | {errno.EXDEV}

# Of a folder that need not go, or is not there any more.
_STAYS = (
    errno.ENOTEMPTY,
    errno.EEXIST,
    errno.EBUSY,  # something is mounted there
    errno.ENOENT,
    errno.ENOTDIR,
    errno.ELOOP,
)


def _state_of_coming(operation: Operation, here: str, there: str) -> str:
    """
    That of "new" and "swap".

    What has left the private directory has arrived; somebody may have changed
    it since then, which is theirs to do.
    """
    new, old = operation.new, operation.old
    if here == new:
        known = {old: "todo", new: "half" if operation.kind == NEW else "lost"}
        return known.get(there, "lost")
    arrived = here in ("", old) and there not in ("", old)
    return "done" if arrived else "lost"


class Mover:
    """
    Does and undoes operations, below one root and through no link.

    Args:
        top: The root; its own path is trusted.
        private: The name below *top* of the private directory.

    Raises:
        OSError: If the root cannot be opened.
    """

    def __init__(self, top: str, private: str) -> None:
        self.private = private
        self._top = top
        self._tree = Tree(top)

    def close(self) -> None:
        """Give the root's handle back.  May be called twice."""
        self._tree.close()

    # -------------------------------------------------------------- forward

    def do(self, operation: Operation) -> None:
        """
        Do *operation*, which has not happened.

        What comes out is looked at when it is out: then nobody can change it
        any more, unlike before.

        Raises:
            DestinationError: If it fails, CHANGED if what came is not what
                was judged.  Then it may have happened, or not.
        """
        staged = self._staged(operation)
        if is_bytecode(operation.final):
            self._do_cache(staged, operation)
            return
        if operation.kind == NEW:
            self._tree.publish(staged, operation.final)
            return
        if operation.kind == GONE:
            self._take(operation.final, staged)
        elif not self._exchange(staged, operation):
            return
        if identity(self._path(staged)) != operation.old:
            raise changed(self._path(operation.final))

    def finish(self, operation: Operation) -> None:
        """
        Do what is left of *operation*, which was done by half.

        Where no rename keeps from replacing, a file gets its new name first
        and then loses the old one; replacing itself, it just loses it.

        Raises:
            DestinationError: If it fails.
        """
        names = [self._staged(operation), operation.final]
        if operation.kind == GONE:
            names.reverse()
        self._tree.publish(*names, replace=True)

    def _take(self, name: str, to: str) -> None:
        try:
            self._tree.publish(name, to)
        except DestinationError as error:
            if error.errno != errno.ENOENT:
                raise
            raise changed(self._path(name)) from error

    def _do_cache(self, staged: str, operation: Operation) -> None:
        """
        Whoever imports writes bytecode, at any time; that is replaced.

        So it does not matter what comes out.
        """
        final = operation.final
        if operation.kind == GONE:
            if identity(self._path(final)):
                self._tree.publish(final, staged, replace=True)
        elif not identity(self._path(final)):
            self._tree.publish(staged, final, replace=True)
        else:
            self._exchange(staged, operation)

    def _undo_cache(self, staged: str, operation: Operation) -> None:
        here = identity(self._path(staged))
        final, backup = operation.final, self._backup(operation)
        if operation.kind == GONE or here not in ("", operation.new):
            if here:
                self._tree.publish(staged, final, replace=True)
        elif here == operation.new:
            return
        elif identity(self._path(backup)):
            self._put_back(staged, operation)
        elif identity(self._path(final)):
            self._tree.publish(final, staged, replace=True)

    def _exchange(self, staged: str, operation: Operation) -> bool:
        """Whether what was there is now where *staged* was."""
        try:
            self._tree.publish(staged, operation.final, exchange=True)
            return True
        except DestinationError as error:
            if error.errno not in NO_EXCHANGE or is_folder(operation):
                raise
        # Where that is not possible: a second name first, then replace.
        there = self._path(operation.final)
        if identity(there) != operation.old and not is_bytecode(there):
            raise changed(there)
        self._second_name(self._backup(operation), operation.final)
        self._tree.publish(staged, operation.final, replace=True)
        return False

    def _second_name(self, name: str, final: str) -> None:
        """Make *name* what is called *final*."""
        there = self._path(final)
        if stat.S_ISLNK(os.lstat(there).st_mode):
            self._tree.symlink(name, os.readlink(there))
        else:
            self._tree.stand_in(name, final, STAND_INS)

    # ------------------------------------------------------------- backward

    def undo(self, operation: Operation) -> None:
        """
        Undo *operation* if it has happened.

        Raises:
            DestinationError: If it fails, or somebody else was there.
        """
        staged = self._staged(operation)
        if is_bytecode(operation.final):
            self._undo_cache(staged, operation)
            return
        here = identity(self._path(staged))
        there = identity(self._path(operation.final))
        if operation.kind == GONE:
            if here and here != there:
                self._tree.publish(staged, operation.final)
        elif here == operation.new:
            if operation.kind == NEW and there == here:
                self._tree.publish(operation.final, staged, replace=True)
        elif there not in ("", operation.new):
            raise changed(self._path(operation.final))
        elif operation.kind == NEW:
            if there:
                self._tree.publish(operation.final, staged)
        elif not here:
            self._put_back(staged, operation)
        else:
            self._tree.publish(staged, operation.final, exchange=bool(there))

    def _put_back(self, staged: str, operation: Operation) -> None:
        """What could not be exchanged: both were made to have two names."""
        if identity(self._path(operation.final)):
            self._second_name(staged, operation.final)
        backup = self._backup(operation)
        self._tree.publish(backup, operation.final, replace=True)

    def state(self, operation: Operation) -> str:
        """
        Whether *operation* has happened: "todo", "half", "done" or "lost".

        Lost is one of which none can be said: somebody else was there.
        """
        new, old = operation.new, operation.old
        here = identity(self._path(self._staged(operation)))
        there = identity(self._path(operation.final))
        if is_bytecode(operation.final):
            gone = operation.kind == GONE
            left = there if gone else here == new
            return "todo" if left else "done"
        if operation.kind == GONE:
            # Gone is gone, even if somebody else was faster.
            known = {("", old): "todo", (old, old): "half"}
            known[old, ""] = known["", ""] = "done"
            return known.get((here, there), "lost")
        return _state_of_coming(operation, here, there)

    def holds_old(self, operation: Operation) -> bool:
        """
        Whether what *operation* took away is in the private directory.

        Asked of one that could not be undone.
        """
        if operation.kind == NEW:
            return False
        if identity(self._path(operation.final)) == operation.old:
            return False
        staged = identity(self._path(self._staged(operation)))
        backup = identity(self._path(self._backup(operation)))
        return bool(backup) or staged not in ("", operation.new)

    # --------------------------------------------------------------- folders

    def remove_empty(self, folders: Iterable[str]) -> bool:
        """
        Remove those of *folders* that are empty, in their order.

        Returns:
            Whether all of them are gone that can be.
        """
        left = [name for name in folders if not self._remove_if_empty(name)]
        return not left

    def _remove_if_empty(self, name: str) -> bool:
        try:
            if os.rmdir in os.supports_dir_fd:
                self._rmdir(name)
            else:  # Windows
                os.rmdir(self._path(name))
        except OSError as error:
            return error.errno in _STAYS
        return True

    def _rmdir(self, name: str) -> None:
        parent, _, leaf = name.rpartition("/")
        handle = open_below(self._top, parent)
        try:
            os.rmdir(leaf, dir_fd=handle.number())
        finally:
            handle.close()

    # ----------------------------------------------------------------- names

    def _staged(self, operation: Operation) -> str:
        return f"{operation.room or self.private}/{operation.staged}"

    def _backup(self, operation: Operation) -> str:
        """Where the old file is, if it could not be exchanged."""
        private = operation.room or self.private
        return f"{private}/{OLD}/{operation.number}"

    def _path(self, name: str) -> str:
        return os.path.join(self._top, name)


def is_folder(operation: Operation) -> bool:
    """Whether a folder takes part in it."""
    return operation.new.startswith("d") or operation.old.startswith("d")


def open_below(top: int | str, name: str) -> Handle:
    """
    The folder *name* below *top*, a path or a descriptor, through no link.

    Raises:
        OSError: If there is none, or a link is on the way.
    """
    handle = Handle()
    if isinstance(top, int):
        handle.open(".", top)
    else:
        handle.open(top)
    for part in filter(None, name.split("/")):
        parent, handle = handle, Handle()
        try:
            handle.open(part, parent.number())
        finally:
            parent.close()
    return handle


def changed(path: str) -> DestinationError:
    """What to say of *path* if somebody else was there."""
    return DestinationError(
        [
            Problem(
                "CHANGED",
                "somebody else has changed it at the same time",
                found=printable(path),
            )
        ],
        errno=errno.EBUSY,
    )


def take_back(
    mover: Mover, operations: Sequence[Operation]
) -> list[tuple[Operation, OSError]]:
    """
    Undo all *operations* that have happened, the last first.

    Returns:
        What could not be put back, and why.
    """
    stays: list[tuple[Operation, OSError]] = []
    for operation in reversed(operations):
        try:
            mover.undo(operation)
        except OSError as error:
            stays.append((operation, error))
    return stays


def stays_problem(operation: Operation, error: OSError) -> Problem:
    """What to say of an operation that could not be undone."""
    number = error.errno or 0
    return os_problem(number, "cannot be put back", operation.final)
