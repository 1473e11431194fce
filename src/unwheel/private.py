"""
Private directories: what they are called, how they are locked and removed.

One is recognised by its name and by its lock, which dies with the process that
made it; what is not locked is what a dead one left.
"""

from __future__ import annotations

import os
from _weakref import ref

from .contents import RESERVED

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Callable
    from weakref import ReferenceType

try:
    import fcntl
except ImportError:  # Windows; there a directory in use cannot be removed
    fcntl = None  # type: ignore[assignment]

_PREFIX = RESERVED
_DIGITS = 16  # lower-case hexadecimal, after the prefix

_DIRECTORY_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_DIRECTORY", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
)


def new_name() -> str:
    """A name that no other private directory has."""
    return _PREFIX + os.urandom(_DIGITS // 2).hex()


def remove_stale(parent: str) -> list[str]:
    """
    Remove the staging directories that dead processes left in *parent*.

    One whose lock is held belongs to a living process.

    Returns:
        The paths that were removed.
    """
    removed: list[str] = []
    try:
        names = list(filter(is_staging, os.listdir(parent)))
    except OSError:  # missing, or not to be read: nothing of ours
        return removed
    for name in names:
        path = os.path.join(parent, name)
        lock = Lock()
        try:
            if not lock.take(path) or lock.owner() != user():
                continue
            if remove_tree(path, lock.handle()):
                removed.append(path)
        except OSError:  # no directory, or not to be opened
            continue
        finally:
            lock.close()
    return removed


def is_staging(name: str) -> bool:
    """Whether *name* is that of a staging directory."""
    digits = name.removeprefix(_PREFIX)
    return (
        len(name) == len(_PREFIX) + _DIGITS
        and len(digits) == _DIGITS
        and not digits.strip("0123456789abcdef")
    )


def is_held(name: str) -> bool:
    """
    Whether *name* is that of one that this process has made and locked.

    Nobody needs to try its lock; of hundreds of wheels that are staged at
    once, each would try those of all others.
    """
    held = _held.get(name[: len(_PREFIX) + _DIGITS])
    lock = None if held is None else held()
    return lock is not None and lock.handle() is not None


def user() -> int:
    return os.geteuid() if hasattr(os, "geteuid") else 0


class Handle:
    """
    A descriptor that nothing is written through.

    Its owner has it before it is open, so that it is closed whatever
    interrupts us, at the latest when it is forgotten; and once: a number that
    is closed twice may be somebody else's file by then.
    """

    def __init__(self) -> None:
        self._open: list[int] = []

    def open(self, path: str, parent: int | None = None) -> None:
        """
        Open the directory *path*, below that of the descriptor *parent*.

        Raises:
            OSError: If it cannot be opened, or is a link.
        """
        self._open.append(os.open(path, _DIRECTORY_FLAGS, dir_fd=parent))

    def number(self) -> int | None:
        """That of the directory; None where none is open."""
        return self._open[-1] if self._open else None

    def close(self) -> None:
        """
        Give it back.  May be called twice.

        A failure loses nothing: it is gone whatever the system says.
        """
        try:
            if self._open:
                os.close(self._open.pop())
        except (OSError, AttributeError):  # Ctrl-C came before it was made
            return

    def __del__(self) -> None:
        self.close()


class Lock:
    """A locked handle on a directory."""

    def __init__(self) -> None:
        self._handle = Handle()
        self._locked = False

    def take(self, path: str) -> bool:
        """
        Lock the directory *path*; True also where there are no locks.

        False if somebody else has it, or it is gone.

        Raises:
            OSError: If it cannot be opened.
        """
        if fcntl is None:
            return True
        try:
            self._handle.open(path)
        except FileNotFoundError:
            return False
        try:
            self._flock(fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        try:
            return os.path.samestat(os.fstat(self._number()), os.lstat(path))
        except FileNotFoundError:
            return False

    def wait(self, path: str) -> None:
        """
        Lock the directory *path*, when others have given it back.

        Where there are no locks there is nothing to wait for.

        Raises:
            OSError: If it cannot be opened.
        """
        if fcntl is None:
            return
        self._handle.open(path)
        self._flock(fcntl.LOCK_EX)

    def _flock(self, how: int) -> None:
        try:
            fcntl.flock(self._number(), how)
            self._locked = True
        except BlockingIOError:
            raise
        except OSError:  # some network file systems have none
            self._locked = False

    def _number(self) -> int:
        number = self._handle.number()
        return -1 if number is None else number

    def handle(self) -> int | None:
        """That of the directory; None where none was opened."""
        return self._handle.number()

    def owner(self) -> int | None:
        """Whose directory it is; None where there are no locks."""
        return os.fstat(self._number()).st_uid if self._locked else None

    def close(self) -> None:
        """Give it back.  May be called twice."""
        self._locked = False
        self._handle.close()


# The locks of those that are ours, by the names they were made with.
_held: dict[str, ReferenceType[Lock]] = {}


class Private:
    """
    A private directory, made and locked.

    Attributes:
        path: Its name; "" if there is none.
    """

    def __init__(self) -> None:
        self.path = ""
        self._leaf = ""
        self._lock = Lock()

    def make(self, parent: str, name: str = "") -> None:
        """
        Make it in *parent*, and lock it.

        Between the two a cleaner may take it for a dead process's: then it
        is gone or locked, and the next name is tried.

        Raises:
            OSError: If it cannot be made; then there is none.
        """
        while True:
            self.path = os.path.join(parent, name or new_name())
            try:
                os.mkdir(self.path, 0o700)
            except OSError:
                self.path = ""
                raise
            try:
                if self._lock.take(self.path) and self._is_ours():
                    self._leaf = os.path.basename(self.path)
                    _held[self._leaf] = ref(self._lock)
                    return
            except OSError:  # umask 0777, or no descriptor is left
                path, self.path = self.path, ""
                remove_directory(path)
                raise
            self._lock.close()

    def _is_ours(self) -> bool:
        """Whether it is what we made, and not what somebody put there."""
        return self._lock.owner() in (None, user())

    def handle(self) -> int | None:
        """Its descriptor; None where there is none."""
        return self._lock.handle()

    def is_called(self, path: str) -> bool:
        """
        Whether it is what is called *path*; True also where nobody can tell.

        Raises:
            OSError: If that cannot be known.
        """
        handle = self.handle()
        if handle is None:
            return fcntl is None and path == self.path
        try:
            return os.path.samestat(os.fstat(handle), os.lstat(path))
        except FileNotFoundError:
            return False

    def is_at(self, path: str) -> bool:
        """The same; False if it cannot be known."""
        try:
            return self.is_called(path)
        except OSError:
            return False

    def remove(self) -> None:
        """
        Remove it and all below it, if it still has its name.

        By its handle: who owns the parent may have given the name to another
        directory of ours, which they could not empty themselves.  What cannot
        be removed stays: the next run tries again.
        """
        if self.path and self.is_at(self.path):
            remove_tree(self.path, self.handle())
        self.path = ""

    def unlock(self) -> None:
        """Give lock and handle back.  May be called twice."""
        self._lock.close()
        _held.pop(self._leaf, None)


def remove_tree(path: str, handle: int | None = None) -> bool:
    """
    Remove the directory *path* and all below it, never following a link.

    shutil.rmtree would do, but importing it costs as much as a small wheel;
    it serves where there is no os.fwalk (Windows).

    Args:
        path: Its name.
        handle: Its descriptor: then nothing below any other directory is
            removed, whatever has the name by now.

    Returns:
        Whether it is gone.  A file that cannot be removed keeps none of the
        others, nor does a cleaner of another process that is faster.
    """
    if not hasattr(os, "fwalk"):
        import shutil

        shutil.rmtree(path, ignore_errors=True)
        return not os.path.lexists(path)
    top = path if handle is None else "."
    try:
        for _, directories, files, folder in os.fwalk(
            top, topdown=False, dir_fd=handle
        ):
            for name in files:
                _remove(os.unlink, name, folder)
            for name in directories:
                if not _remove(os.rmdir, name, folder):
                    _remove(os.unlink, name, folder)  # a link to a directory
    except (OSError, RecursionError):  # a tree that was replaced is deep
        pass
    return remove_directory(path)


def remove_directory(path: str) -> bool:
    """Remove the directory *path* if it is empty; whether it is gone."""
    try:
        os.rmdir(path)
    except OSError:
        return not os.path.lexists(path)
    return True


def _remove(how: Callable[..., None], name: str, handle: int) -> bool:
    """Remove *name* from a directory, which an old tree may have read-only."""
    try:
        try:
            how(name, dir_fd=handle)
        except PermissionError:
            os.fchmod(handle, 0o700)
            how(name, dir_fd=handle)
    except OSError:
        return False
    return True


def make_missing(path: str, made: list[str]) -> None:
    """
    Make the directory *path*, and those above it that are missing.

    Args:
        path: Absolute.
        made: Gets each before it is made: Ctrl-C may come right after.

    Raises:
        OSError: If one cannot be made, or nobody can tell what is there.
    """
    missing = []
    while lstat(path) is None:
        missing.append(path)
        path = os.path.dirname(path)
    for name in reversed(missing):
        made.append(name)
        try:
            os.mkdir(name)
        except FileExistsError:  # somebody else was faster: fine
            made.pop()


def remove_made(made: list[str]) -> None:
    """Remove what `make_missing` made, unless somebody uses it by now."""
    while made:
        try:
            os.rmdir(made.pop())
        except OSError:
            made.clear()


def lstat(path: str) -> os.stat_result | None:
    """
    What is called *path*, be it a dangling link; None if there is nothing.

    os.path.lexists() also says no when it cannot know; who goes up until
    something is there would then never come to an end.

    Raises:
        OSError: If that cannot be known.
    """
    try:
        return os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
