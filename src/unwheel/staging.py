"""
All or nothing: a private directory beside the destination, one rename.

A process killed at any instruction leaves the destination absent, old, or
complete.  What it left beside it is recognised by its name and its lock, which
dies with the process, and removed by the next run.
"""

from __future__ import annotations

import errno
import os
import re
import stat

from .errors import DestinationError, Problem
from .native import Tree, os_problem

try:
    import fcntl
except ImportError:  # Windows; there a directory in use cannot be removed
    fcntl = None  # type: ignore[assignment]

_PREFIX = ".unwheel-"
_NAME = re.compile(re.escape(_PREFIX) + "[0-9a-f]{16}")

_DIRECTORY_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_DIRECTORY", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
)

# One rename cannot do it: not our parent, or not one file system.
_ELSEWHERE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.EXDEV, errno.EBUSY)


class Staging:
    """
    A private place for the files of one wheel, until they are published.

    Args:
        destination: The directory to publish as.  Missing, or empty, or with
            *replace* any directory.  A symbolic link to a directory stands
            for that directory.
        replace: Whether what is there may be replaced, in one step.

    Attributes:
        path: The private directory, mode 0700.
        in_place: Whether it lies inside the destination, because one rename
            is not possible there.

    Raises:
        DestinationError: If there is something, or nothing can be made.
    """

    def __init__(self, destination: str, *, replace: bool = False) -> None:
        self._made: list[str] = []
        self._lock = -1
        self._replace = replace
        self.destination = _resolve(destination)
        self.in_place = False
        parent, self._name = os.path.split(self.destination)
        try:
            state = _state(self.destination)
            _refuse_state(self.destination, state, replace)
            self._make_parents(parent)
            self._stage(parent, state)
        except OSError as error:
            self.discard()
            if isinstance(error, DestinationError):
                raise
            raise _failed(error, destination) from error

    # -------------------------------------------------------------- making

    def _make_parents(self, parent: str) -> None:
        missing = []
        while not os.path.lexists(parent):
            missing.append(parent)
            parent = os.path.dirname(parent)
        for path in reversed(missing):
            try:
                os.mkdir(path)
            except FileExistsError:  # somebody else was faster: fine
                continue
            self._made.append(path)

    def _stage(self, parent: str, state: str) -> None:
        """Beside the destination; inside it where one rename cannot be."""
        inside = state == "empty" and os.path.ismount(self.destination)
        if not inside:
            try:
                self._lock_new(parent)
            except OSError as error:
                if state != "empty" or error.errno not in _ELSEWHERE:
                    raise
                inside = True
        if inside:
            self._lock_new(self.destination)
        self.in_place = inside

    def _lock_new(self, parent: str) -> None:
        """
        Make the private directory and lock it.

        Between the two a cleaner may take it for a dead process's: then it
        is gone or locked, and the next name is tried.
        """
        while True:
            path = os.path.join(parent, _PREFIX + os.urandom(8).hex())
            os.mkdir(path, 0o700)
            lock = _lock(path) if fcntl is not None else -1
            if lock is not None:
                break
        self._parent = parent
        self.path = path
        self._lock = lock

    # ---------------------------------------------------------- publishing

    def publish(self, *, last: str) -> str:
        """
        Make the private directory the destination.

        Args:
            last: The top-level name that says the tree is complete; where
                names have to be moved one by one it is the last of them.

        Returns:
            "rename", "exchange" or "in-place".

        Raises:
            DestinationError: If something has come into being there, or the
                system refuses.
        """
        try:
            if self.in_place:
                return self._publish_names(last)
            os.chmod(self.path, self._mode())
            return self._publish_directory()
        except DestinationError:
            raise
        except OSError as error:
            raise _failed(error, self.destination) from error

    def _mode(self) -> int:
        """
        The mode that a new directory gets here (umask, ACL, set-gid).

        Asked of the file system, because os.umask() cannot be read without
        changing it for all threads.
        """
        probe = os.path.join(self.path, _PREFIX + "mode")
        os.mkdir(probe)
        mode = stat.S_IMODE(os.stat(probe).st_mode)
        os.rmdir(probe)
        return mode

    def _publish_directory(self) -> str:
        staged = os.path.basename(self.path)
        tree = Tree(self._parent)
        try:
            exchange = self._replace and _state(self.destination) == "occupied"
            tree.publish(staged, self._name, exchange=exchange)
        finally:
            tree.close()
        self._unlock()
        if exchange:
            _remove_tree(self.path)
        self._made.clear()
        self.path = ""
        return "exchange" if exchange else "rename"

    def _publish_names(self, last: str) -> str:
        """Name by name; after a failure those that were moved go back."""
        names = sorted(os.listdir(self.path), key=lambda n: (n == last, n))
        moved: list[str] = []
        try:
            for name in names:
                target = os.path.join(self.destination, name)
                if os.path.lexists(target):
                    raise FileExistsError(
                        errno.EEXIST, os.strerror(errno.EEXIST), target
                    )
                os.rename(os.path.join(self.path, name), target)
                moved.append(name)
        except BaseException:
            for name in moved:
                os.rename(
                    os.path.join(self.destination, name),
                    os.path.join(self.path, name),
                )
            raise
        os.rmdir(self.path)
        self._unlock()
        self._made.clear()
        self.path = ""
        return "in-place"

    # ------------------------------------------------------------- the end

    def _unlock(self) -> None:
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def discard(self) -> None:
        """Remove what is not published.  May be called twice."""
        path, self.path = getattr(self, "path", ""), ""
        if path:
            _remove_tree(path)
        self._unlock()
        while self._made:
            try:
                os.rmdir(self._made.pop())
            except OSError:  # somebody else has put something there
                self._made.clear()


def remove_stale(parent: str) -> list[str]:
    """
    Remove the staging directories that dead processes left in *parent*.

    One whose lock is held belongs to a living process.

    Returns:
        The paths that were removed.
    """
    removed: list[str] = []
    try:
        names = [n for n in os.listdir(parent) if _NAME.fullmatch(n)]
    except OSError:  # missing, or not to be read: nothing of ours
        return removed
    for name in names:
        path = os.path.join(parent, name)
        lock = _lock(path)
        if lock is None:
            continue
        try:
            if os.fstat(lock).st_uid == _user():
                _remove_tree(path)
                removed.append(path)
        finally:
            os.close(lock)
    return removed


def _user() -> int:
    return os.geteuid() if hasattr(os, "geteuid") else 0


def _lock(path: str) -> int | None:
    """A locked handle on the directory *path*; None if it is not ours."""
    if fcntl is None:
        return None
    try:
        handle = os.open(path, _DIRECTORY_FLAGS)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(handle), os.lstat(path)):
            return handle
    except OSError:
        pass
    os.close(handle)
    return None


def _remove_tree(path: str) -> None:
    """
    Remove the directory *path* and all below it, never following a link.

    shutil.rmtree would do, but importing it costs as much as a small wheel;
    it serves where there is no os.fwalk (Windows).
    """
    if not hasattr(os, "fwalk"):
        import shutil

        shutil.rmtree(path, ignore_errors=True)
        return
    try:
        for _, directories, files, handle in os.fwalk(path, topdown=False):
            for name in files:
                os.unlink(name, dir_fd=handle)
            for name in directories:
                try:
                    os.rmdir(name, dir_fd=handle)
                except NotADirectoryError:  # a link to a directory
                    os.unlink(name, dir_fd=handle)
        os.rmdir(path)
    except FileNotFoundError:  # a cleaner of another process was faster
        pass


def _resolve(destination: str) -> str:
    """The absolute path; a link to a directory stands for the directory."""
    path = os.path.abspath(destination)
    if os.path.islink(path) and os.path.isdir(path):
        return os.path.realpath(path)
    return path


def _state(path: str) -> str:
    """One of "missing", "empty", "occupied", "other"."""
    try:
        with os.scandir(path) as names:
            for entry in names:
                if not _NAME.fullmatch(entry.name):
                    return "occupied"
        return "empty"
    except FileNotFoundError:
        return "other" if os.path.islink(path) else "missing"
    except NotADirectoryError:
        return "other"


def _refuse_state(path: str, state: str, replace: bool) -> None:
    if state == "other" or (state == "occupied" and not replace):
        raise DestinationError(
            [
                Problem(
                    "DESTINATION_EXISTS",
                    "the destination is not empty"
                    if state == "occupied"
                    else "the destination is not a directory",
                    found=path,
                    expected="nothing, or an empty directory",
                    accept='existing="replace"'
                    if state == "occupied"
                    else None,
                )
            ],
            errno=errno.EEXIST,
        )


def _failed(error: OSError, destination: str) -> DestinationError:
    number = error.errno or 0
    where = error.filename if isinstance(error.filename, str) else destination
    return DestinationError(
        [os_problem(number, f"cannot make {where}")], errno=number
    )
