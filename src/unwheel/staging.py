"""
All or nothing: a private directory beside the destination, one rename.

A process killed at any instruction leaves the destination absent, old, or
complete.  What it left beside it is recognised by its name and its lock, which
dies with the process, and removed by the next run.

A merge into a directory that others use takes a rename for each name, so a
process killed in the middle of it leaves some names old and some new.  What
its staging directory holds then is of no use: new files that were not yet
moved, and old ones whose names have the new ones already.  Nobody can tell
these from those, and the same wheel merged again completes it; so that is
removed too.
"""

from __future__ import annotations

import errno
import os
import stat

from .contents import RESERVED
from .errors import DestinationError, Problem
from .native import Tree, os_problem
from .private import (
    Private,
    is_staging,
    lstat,
    make_missing,
    remove_made,
    remove_tree,
)

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Sequence

    from .merge import Move, Moves

_PROBE = RESERVED + "mode"

# Of a directory that may not be read, and whose name may be a link.
_LOOK_FLAGS = (
    getattr(os, "O_PATH", os.O_RDONLY)
    | getattr(os, "O_DIRECTORY", 0)
    | getattr(os, "O_CLOEXEC", 0)
)

# One rename cannot do it: not our parent, or not one file system.
_ELSEWHERE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.EXDEV, errno.EBUSY)


class Staging:
    """
    A private place for the files of one wheel, until they are published.

    Args:
        destination: The directory to publish as, missing or empty.  A
            symbolic link to a directory stands for that directory.
        existing: What may happen to a directory with something in it:
            "refuse", "replace" (in one step) or "merge" (name by name).
        existing_links: See `Policy.existing_links`, for "merge".

    Attributes:
        path: The private directory, mode 0700; "" if there is none.
        in_place: Whether it lies inside the destination, because one rename
            is not possible there, or not asked for.
    """

    def __init__(
        self,
        destination: str,
        *,
        existing: str = "refuse",
        existing_links: str = "inside",
    ) -> None:
        self._made: list[str] = []
        self._private = Private()
        self._moves: Moves | None = None
        self._existing = existing
        self._existing_links = existing_links
        self.destination = _resolve(destination)
        self.in_place = False
        self._parent, self._name = os.path.split(self.destination)

    @property
    def path(self) -> str:
        """See the class."""
        return self._private.path

    @path.setter
    def path(self, path: str) -> None:
        self._private.path = path

    # -------------------------------------------------------------- making

    def make(self) -> None:
        """
        Make the private directory, and the parents of the destination.

        Whatever happens, `discard` has to be called in the end.

        Raises:
            DestinationError: If there is something, or nothing can be made.
        """
        try:
            state = _state(self.destination)
            _refuse_state(self.destination, state, self._existing)
            if self._existing == "merge":
                make_missing(self.destination, self._made)
                self._stage_inside()
                return
            if state == "occupied":
                _refuse_current(self.destination)
            make_missing(self._parent, self._made)
            self._stage(self._parent, state)
        except DestinationError:
            raise
        except OSError as error:
            raise _failed(error, self.destination) from error

    def tree(self) -> Tree:
        """
        The private directory, to make things below.

        By its handle where there is one: who owns the directory that it is in
        may give its name to a link, and all would land where that leads.

        Raises:
            DestinationError: If it cannot be opened.
        """
        handle = self._private.handle()
        return Tree(self.path) if handle is None else Tree.of(handle)

    def _stage(self, parent: str, state: str) -> None:
        """Beside the destination; inside it where one rename cannot be."""
        inside = state == "empty" and _must_stay(self.destination)
        if not inside:
            try:
                self._lock_new(parent)
            except OSError as error:
                if state != "empty" or error.errno not in _ELSEWHERE:
                    raise
                inside = True
        if inside:
            self._stage_inside()

    def _stage_inside(self) -> None:
        self.in_place = True
        self._lock_new(self.destination)

    def _lock_new(self, parent: str) -> None:
        self._parent = parent
        self._private.make(parent)

    # ---------------------------------------------------------- publishing

    def publish(self, *, last: str) -> str:
        """
        Make the private directory the destination.

        Args:
            last: The top-level name that says the tree is complete; where
                names have to be moved one by one it is the last of them.

        Returns:
            "rename", "exchange", "in-place" or "merge".

        Raises:
            DestinationError: If something has come into being there, what is
                there does not fit, or the system refuses.  Then all is as it
                was.
        """
        try:
            if self._existing == "merge":
                return self._publish_merged(last)
            if self.in_place:
                return self._publish_names(last)
            os.chmod(self._place(), self._mode())
            return self._publish_directory()
        except DestinationError:
            raise
        except OSError as error:
            raise _failed(error, self.destination) from error

    def _place(self) -> int | str:
        """The private directory, for calls that take a handle or a path."""
        handle = self._private.handle()
        return self.path if handle is None else handle

    def _mode(self) -> int:
        """
        The mode of the directory that is replaced, or of a new one.

        Somebody who made a private directory keeps it private.  What a new
        one gets (umask, ACL, set-gid) is asked of the file system, because
        os.umask() cannot be read without changing it for all threads.
        """
        try:
            return stat.S_IMODE(os.stat(self.destination).st_mode)
        except FileNotFoundError:
            pass
        handle = self._private.handle()
        probe = (
            _PROBE if handle is not None else os.path.join(self.path, _PROBE)
        )
        os.mkdir(probe, dir_fd=handle)
        facts = os.stat(probe, dir_fd=handle, follow_symlinks=False)
        os.rmdir(probe, dir_fd=handle)
        return stat.S_IMODE(facts.st_mode)

    def _publish_directory(self) -> str:
        staged = os.path.basename(self.path)
        tree = Tree(self._parent)
        try:
            exchange = (
                self._existing == "replace"
                and _state(self.destination) == "occupied"
            )
            tree.publish(staged, self._name, exchange=exchange)
        finally:
            tree.close()
        self._made.clear()
        self._check_published()
        self._private.unlock()
        if exchange:
            # What cannot be removed stays, as of a process that died here.
            remove_tree(self.path)
        self.path = ""
        return "exchange" if exchange else "rename"

    def _check_published(self) -> None:
        """
        See that what is there now is what was made.

        The rename goes by the name of the private directory, which who owns
        the parent may have given to another one.
        """
        handle = self._private.handle()
        if handle is None:
            return
        there = lstat(self.destination)
        if there is None or not os.path.samestat(os.fstat(handle), there):
            self.path = ""  # whatever has the name, it is not ours to remove
            raise DestinationError(
                [
                    Problem(
                        "CHANGED",
                        "somebody else has put another thing in its place",
                        found=self.destination,
                    )
                ],
                errno=errno.EBUSY,
            )

    def _publish_names(self, last: str) -> str:
        """Name by name, into a directory that is empty."""
        from .merge import Move, names_in_order

        names = names_in_order(os.listdir(self._place()), last)
        root = os.path.realpath(self.destination)
        self._move(root, [Move(name, name) for name in names])
        return "in-place"

    def _publish_merged(self, last: str) -> str:
        from .merge import judge_merge

        root, moves = judge_merge(
            self.path, self.destination, last=last, links=self._existing_links
        )
        self._move(root, moves)
        return "merge"

    def _move(self, root: str, moves: Sequence[Move]) -> None:
        """All *moves*; after a failure those that were made are taken back."""
        from .merge import Moves

        self._moves = Moves(root, os.path.realpath(self.path))
        try:
            self._moves.make(moves)
            self._moves.settle()
        except OSError as error:
            if problems := self._take_back():
                failure = _failed(error, self.destination)
                raise DestinationError(
                    [*failure.problems, *problems], errno=error.errno
                ) from error
            raise
        except BaseException:
            self._take_back()
            raise
        self._moves.close()
        self._made.clear()
        self._remove_private()  # and in it what was replaced
        self._private.unlock()

    def _take_back(self) -> list[Problem]:
        """Put back what a failed move has changed; what could not be."""
        if self._moves is None:
            return []
        problems = self._moves.take_back()
        if self._moves.kept:
            self.path = ""
        self._moves.close()
        return problems

    # ------------------------------------------------------------- the end

    def _remove_private(self) -> None:
        """
        Remove the private directory, if there is one.

        By its handle: who owns the parent may have given its name to another
        directory of ours, which they could not empty themselves.
        """
        if not self.path:
            return
        handle = self._private.handle()
        if handle is None or self._private.is_at(self.destination):
            # Published, then came Ctrl-C: what was replaced has the name.
            remove_tree(self.path)
        elif self._private.is_at(self.path):
            remove_tree(self.path, handle)
        self.path = ""

    def discard(self) -> None:
        """
        Remove what is not published.  May be called twice.

        What cannot be removed stays: the next run tries again.
        """
        self._take_back()  # if Ctrl-C came while that was done
        self._remove_private()
        self._private.unlock()
        remove_made(self._made)


def _must_stay(destination: str) -> bool:
    """
    Whether an empty *destination* cannot be replaced by another directory.

    A mount point cannot.  The current directory could, but the process, and
    the shell that started it, would be left in one that is gone.
    """
    return (
        os.path.ismount(destination)
        or _mount_of(destination) != _mount_of(os.path.dirname(destination))
        or _is_current(destination)
    )


def _is_current(path: str) -> bool:
    try:
        return os.path.samefile(path, os.curdir)
    except FileNotFoundError:  # the current directory has been removed
        return False


def _mount_of(path: str) -> str:
    """
    Which mount the directory *path* is on; "" where nobody tells.

    A directory bound onto another of its own file system is a mount point
    that os.path.ismount() does not see.
    """
    try:
        handle = os.open(path, _LOOK_FLAGS)
    except OSError:
        return ""
    try:
        with open(f"/proc/self/fdinfo/{handle}") as facts:
            return next(line for line in facts if line.startswith("mnt_id:"))
    except (OSError, StopIteration):
        return ""
    finally:
        os.close(handle)


def _resolve(destination: str) -> str:
    """
    The absolute path; a link to a directory stands for the directory.

    Raises:
        DestinationError: If there is none: it does not mean this directory.
    """
    if not destination:
        raise DestinationError(
            [os_problem(errno.ENOENT, "the destination has no name")],
            errno=errno.ENOENT,
        )
    path = os.path.abspath(destination)
    if os.path.islink(path) and os.path.isdir(path):
        return os.path.realpath(path)
    return path


def _state(path: str) -> str:
    """One of "missing", "empty", "occupied", "other"."""
    try:
        ours = map(is_staging, os.listdir(path))
        return "empty" if all(ours) else "occupied"
    except FileNotFoundError:
        return "other" if os.path.islink(path) else "missing"
    except NotADirectoryError:
        return "other"


def _refuse_current(path: str) -> None:
    """
    Do not replace the current directory, or one above it.

    Nobody means to lose all of it, and whoever does can stand elsewhere: it
    is what ``--into "$UNSET/" --existing replace`` would do.
    """
    from .places import is_below

    try:
        here = os.path.realpath(os.getcwd())
    except FileNotFoundError:  # it has been removed
        return
    if is_below(os.path.realpath(path), here):
        raise DestinationError(
            [
                Problem(
                    "DESTINATION_CURRENT",
                    "the current directory, or one above it, is not replaced",
                    found=path,
                )
            ],
            errno=errno.EBUSY,
        )


def _refuse_state(path: str, state: str, existing: str) -> None:
    if state == "other" or (state == "occupied" and existing == "refuse"):
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
    """What *error* is to who wants the *destination*."""
    if isinstance(error, DestinationError):
        return error
    number = error.errno or 0
    where = error.filename if isinstance(error.filename, str) else destination
    return DestinationError(
        [os_problem(number, f"cannot make {where}")], errno=number
    )
