"""
A directory below which the core makes things.
"""

from __future__ import annotations

from .core import c_name, c_path, error_of, ffi, lib, new_place, release

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

# The names of `policy.STAND_INS`, in the core's order.
_STAND_INS = {
    "hardlink": int(lib.UW_STAND_HARDLINK),
    "reflink": int(lib.UW_STAND_REFLINK),
    "copy": int(lib.UW_STAND_COPY),
}


class Tree:
    """
    A directory below which things are made, through one open handle.

    Nothing below it follows a link.  Names are relative and '/'-separated.

    Raises:
        DestinationError: From every method, with the errno of the call.
    """

    def __init__(self, path: str, *, stepwise: bool = False) -> None:
        self._open(lib.uw_tree_open, c_path(path), stepwise=stepwise)

    @classmethod
    def of(cls, handle: int) -> Tree:
        """
        The tree of the directory that the descriptor *handle* is open on.

        Whoever gives the directory another name, or its name to another one,
        changes nothing.  The descriptor stays the caller's.  Not on Windows.

        Raises:
            DestinationError: If it cannot be opened again.
        """
        tree = cls.__new__(cls)
        tree._open(lib.uw_tree_adopt, handle, stepwise=False)
        return tree

    def _open(self, function: Any, which: object, *, stepwise: bool) -> None:
        self.handle: Any = None
        self._place = new_place("tree")
        error = ffi.new("struct uw_error *")
        way = lib.UW_TREE_STEPWISE if stepwise else lib.UW_TREE_BEST
        if function(which, way, self._place, error):
            raise error_of(error)
        self.handle = self._place[0]

    def _do(self, name: str, function: Any, *args: Any) -> None:
        error = ffi.new("struct uw_error *")
        if function(self.handle, *args, error):
            raise error_of(error, member=name)

    def mkdir(self, name: str) -> None:
        """Make the directory *name* and its missing parents."""
        self._do(name, lib.uw_tree_mkdir, c_name(name))

    def write(self, name: str, data: bytes, *, executable: bool) -> None:
        """Make the new file *name* with *data*."""
        self._do(
            name,
            lib.uw_tree_write,
            c_name(name),
            executable,
            data,
            len(data),
        )

    def create(self, name: str, executable: bool = False) -> NewFile:
        """Make the new file *name*, to be written piece by piece."""
        newfile = NewFile(name)
        newfile._create(self, executable)
        return newfile

    def put(self, name: str, data: bytes) -> None:
        """Make the file *name* with *data*, or replace it, in one step."""
        self._do(name, lib.uw_tree_put, c_name(name), data, len(data))

    def symlink(self, name: str, target: str) -> None:
        """Make *name* a symbolic link to *target*, in one step."""
        self._do(name, lib.uw_tree_symlink, c_name(name), c_name(target))

    def hardlink(self, name: str, target: str) -> None:
        """Make *name* a second name of the file *target*, in one step."""
        self._do(name, lib.uw_tree_hardlink, c_name(name), c_name(target))

    def stand_in(self, name: str, target: str, ways: Sequence[str]) -> str:
        """
        Make *name* what a link to the file *target* would show, in one step.

        Args:
            ways: Some of `policy.STAND_INS`, tried in its order.  A copy is
                executable if *target* is.

        Returns:
            The way that this file system, and this user, has.
        """
        bits = 0
        for way in ways:
            bits |= _STAND_INS[way]
        made = ffi.new("int *")
        self._do(
            name,
            lib.uw_tree_stand_in,
            c_name(name),
            c_name(target),
            bits,
            made,
        )
        return next(way for way, bit in _STAND_INS.items() if bit == made[0])

    def set_mtime(self, name: str, seconds: int) -> None:
        """
        Set the time of modification, in seconds since 1970.

        Of a link its own; of the root, if *name* is empty.
        """
        self._do(name or ".", lib.uw_tree_set_mtime, c_name(name), seconds)

    def can_symlink(self) -> bool:
        """Whether this file system, and this user, can make symlinks."""
        return self._can(lib.uw_tree_can_symlink)

    def can_hardlink(self) -> bool:
        """Whether they can give a file a second name."""
        return self._can(lib.uw_tree_can_hardlink)

    def _can(self, probe: Any) -> bool:
        error = ffi.new("struct uw_error *")
        answer = probe(self.handle, error)
        if answer < 0:
            raise error_of(error)
        return bool(answer)

    def publish(
        self,
        old: str,
        new: str,
        *,
        exchange: bool = False,
        replace: bool = False,
    ) -> None:
        """
        Rename *old* to *new* in one step.

        *new* must be missing or an empty directory.  With *exchange* the two
        are swapped; with *replace* a file or a link called *new* goes, and
        every directory is in the way.
        """
        how = lib.UW_PUBLISH_NEW
        if exchange:
            how = lib.UW_PUBLISH_EXCHANGE
        elif replace:
            how = lib.UW_PUBLISH_REPLACE
        self._do(
            new,
            lib.uw_tree_publish,
            c_path(old),
            c_path(new),
            how,
        )

    def sync(self) -> None:
        """Flush everything below to the disk."""
        self._do(".", lib.uw_tree_sync)

    def close(self) -> None:
        """Give the handle back.  May be called twice."""
        self.handle = None
        place, self._place = self._place, None
        release(place)


class NewFile:
    """
    A new file that is being written; `Tree.create` makes one.

    As a context manager it is finished at the end, or after an exception
    discarded.  One that is forgotten is discarded too.

    Raises:
        DestinationError: From every method, with the errno of the call.  After
            a failed `write` all further ones fail in the same way.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._place = new_place("newfile")
        self._error = ffi.new("struct uw_error *")

    def _create(self, tree: Tree, executable: bool) -> None:
        self._check(
            lib.uw_tree_create(
                tree.handle,
                c_name(self._name),
                executable,
                self._place,
                self._error,
            )
        )

    def _check(self, status: int) -> None:
        if status:
            raise error_of(self._error, member=self._name)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Append *data*."""
        held = ffi.from_buffer(data)
        handle = self._place[0]
        self._check(lib.uw_newfile_write(handle, held, len(held), self._error))

    def finish(self) -> None:
        """Close it; once only.  All of it is written, or this fails."""
        self._check(lib.uw_newfile_finish(self._place[0], self._error))
        self.discard()

    def discard(self) -> None:
        """
        Give the handle back, finished or not.  May be called twice.

        What was written stays, to be removed with the tree.
        """
        place, self._place = self._place, None
        release(place)

    def __enter__(self) -> NewFile:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            if kind is None and self._place is not None:
                self.finish()
        finally:
            self.discard()
