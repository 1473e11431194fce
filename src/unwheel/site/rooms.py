"""
Private directories on other file systems, where no rename leads.

What goes there is copied into one first; then the step that counts is a
rename again.  All have the name of the main one, which knows where they are.
"""

from __future__ import annotations

import os

from ..private import Private
from .identity import identity

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Iterable


class Rooms:
    """
    The further private directories of one transaction.

    Args:
        top: The real directory that the names of rooms begin from.
    """

    def __init__(self, top: str) -> None:
        self._top = top
        self._rooms: dict[str, Private] = {}

    def names(self) -> tuple[str, ...]:
        """Where they are, below the top."""
        return tuple(self._rooms)

    def paths(self) -> list[str]:
        """Where they are."""
        return [room.path for room in self._rooms.values()]

    def make(self, names: Iterable[str], inner: str) -> None:
        """
        Make those called *names*, and in each a folder *inner*.

        Raises:
            OSError: If one cannot be made.
        """
        for name in names:
            folder, leaf = os.path.split(os.path.join(self._top, name))
            private = self._rooms[name] = Private()
            private.make(folder, leaf)
            os.mkdir(os.path.join(private.path, inner))

    def bring(self, source: str, room: str, name: str) -> str:
        """
        Copy *source* into *room*, as *name*.

        Returns:
            The identity of the copy.

        Raises:
            OSError: If it cannot be copied.
        """
        target = os.path.join(self._top, room, name)
        copy(source, target)
        return identity(target)

    def drop(self) -> None:
        """Remove them.  May be called twice."""
        for room in self._rooms.values():
            room.remove()
            room.unlock()
        self._rooms.clear()


def copy(source: str, target: str) -> None:
    """
    Copy a file, a link or a folder, to where nothing is.

    Raises:
        OSError: If that fails.
    """
    import shutil

    if not os.path.isdir(source) or os.path.islink(source):
        shutil.copy2(source, target, follow_symlinks=False)
        return
    os.mkdir(target)
    with os.scandir(source) as entries:
        for entry in entries:
            copy(entry.path, os.path.join(target, entry.name))
    shutil.copystat(source, target)
