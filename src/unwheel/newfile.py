"""A file that is made: whole under its name, or not at all."""

from __future__ import annotations

import errno
import os

from .errors import DestinationError, Problem
from .native import Tree, os_problem
from .private import remove_stale
from .staging import Staging

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    T = TypeVar("T")


def write_new(path: str, write: Callable[[str], T]) -> T:
    """
    Make the file *path*, which appears whole or not at all.

    It is written in a private directory beside its place and published by one
    rename that replaces nothing.  What is not published is removed in the
    end, or after a kill by the next run.  Missing folders above are made.

    Args:
        path: Its place.
        write: Writes the file of which it is given the path, which has the
            same name; if it raises, nothing is published.

    Returns:
        What *write* returns.

    Raises:
        DestinationError: If there is something already, or the system
            refuses.
    """
    new = _NewFile(path)
    try:
        try:
            return new.make(write)
        finally:
            new.discard()
    except OSError as error:
        new.discard()
        if isinstance(error, DestinationError):
            raise
        number = error.errno or 0
        raise DestinationError(
            [os_problem(number, f"cannot write {path}")], errno=number
        ) from error
    except BaseException:  # a Ctrl-C that came while it was discarded
        new.discard()
        raise


class _NewFile:
    """What `write_new` makes, and has to remove."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._staging = Staging(path)
        self._private = ""

    def make(self, write: Callable[[str], T]) -> T:
        refuse_existing(self._path)
        parent, name = os.path.split(self._staging.destination)
        _refuse_file(parent)
        remove_stale(parent)
        self._staging.make()
        self._private = self._staging.path
        result = write(os.path.join(self._private, name))
        refuse_existing(self._path)
        tree = Tree(parent)
        try:
            tree.publish(f"{os.path.basename(self._private)}/{name}", name)
        finally:
            tree.close()
        return result

    def discard(self) -> None:
        """Remove the private directory.  May be called twice."""
        if self._private:  # forgotten by a call that was interrupted
            self._staging.path = self._private
        self._staging.discard()
        self._private = ""


def refuse_existing(path: str) -> None:
    """
    Refuse to write what is there.

    Raises:
        DestinationError: DESTINATION_EXISTS.
    """
    if os.path.lexists(path):
        raise DestinationError(
            [
                Problem(
                    "DESTINATION_EXISTS",
                    "the result is there already",
                    found=path,
                )
            ],
            errno=errno.EEXIST,
        )


def _refuse_file(parent: str) -> None:
    if os.path.lexists(parent) and not os.path.isdir(parent):
        raise DestinationError(
            [
                Problem(
                    "DESTINATION_EXISTS",
                    "the place of the result is not a directory",
                    found=parent,
                )
            ],
            errno=errno.ENOTDIR,
        )
