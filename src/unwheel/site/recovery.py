"""
What killed runs left: finished, or undone, or told.
"""

from __future__ import annotations

import errno
import os

from ..contents import RESERVED
from ..errors import DestinationError, Problem, printable
from ..native import os_problem
from ..private import (
    Lock,
    is_held,
    is_staging,
    remove_tree,
    user,
)
from ..values import value
from .journal import (
    FILE,
    KEPT,
    SUFFIX,
    Journal,
    is_journaled,
    read,
    read_rooms,
)
from .moving import Mover, stays_problem, take_back

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Iterable


# What the system says of a file, a link, or a directory of somebody else.
_NOT_OURS = (errno.ENOTDIR, errno.ELOOP, errno.EACCES, errno.EPERM)

# Of what cannot be put back because of somebody else, now and ever.
_IN_THE_WAY = frozenset(
    {
        *(errno.EBUSY, errno.EEXIST, errno.EISDIR, errno.ELOOP),
        *(errno.ENOENT, errno.ENOTDIR, errno.ENOTEMPTY),
    }
)


@value
class Recovered:
    """
    What became of a private directory that a killed run left.

    Attributes:
        path: What it was called.
        outcome: "finished": what the run was about to do is done; "undone":
            all is as it was before; "removed": it had not begun to change
            anything; "kept": files of others were in the way, or the system
            refuses, see `problems`; what could not be put back is in `kept`.
        record: The path of the RECORD that it would have written, or "".
        problems: What could not be done.
        kept: A directory with files that were there before, which nobody
            removes; or "".
    """

    path: str
    outcome: str
    record: str = ""
    problems: tuple[Problem, ...] = ()
    kept: str = ""


def recover(site: str) -> list[Recovered]:
    """
    Finish what killed runs began in the directory *site*, or undo it.

    To be called before any installation.  Waits for transactions that other
    processes and threads have begun to publish there.

    Raises:
        DestinationError: If *site* cannot be looked at.
    """
    lock = Lock()
    try:
        if not _left_in(site):
            return []
        lock.wait(site)
        return recover_locked(os.path.realpath(site))
    except FileNotFoundError:
        return []
    except DestinationError:
        raise
    except OSError as error:
        number = error.errno or 0
        raise DestinationError(
            [os_problem(number, f"cannot recover in {site}")], errno=number
        ) from error
    finally:
        lock.close()


def recover_locked(site: str) -> list[Recovered]:
    """The same, for who has locked the real directory *site*."""
    found = []
    for name in _left_in(site):
        path = os.path.join(site, name)
        lock = Lock()
        try:
            if lock.take(path) and _is_ours(lock):
                found.append(_recover(path, lock))
        except OSError as error:
            if error.errno not in _NOT_OURS:
                raise
        finally:
            lock.close()
    return found


def _left_in(site: str) -> list[str]:
    """Names of private directories in *site*; others may have some in use."""
    try:
        names = os.listdir(site)
    except (FileNotFoundError, NotADirectoryError):
        return []
    ours = [name for name in names if name.startswith(RESERVED)]
    return sorted(
        name
        for name in ours
        if (is_staging(name) or is_journaled(name)) and not is_held(name)
    )


def _is_ours(lock: Lock) -> bool:
    """
    Whether what is locked was made by this user, for itself alone.

    Else anybody who can make a directory there could have us obey a journal.
    Where there are no locks, nobody knows whether its maker is alive.
    """
    handle = lock.handle()
    if handle is None or lock.owner() != user():
        return False
    return os.fstat(handle).st_mode & 0o077 == 0


def _recover(path: str, lock: Lock) -> Recovered:
    journaled = path.endswith(SUFFIX)
    if journaled and os.path.lexists(os.path.join(path, FILE)):
        try:
            return _Recovery(path, read(path), lock).run()
        except OSError as error:
            return Recovered(path, "kept", problems=_problems(error))
    name, rooms = read_rooms(path)
    if rooms:
        try:
            top = top_of(os.path.dirname(path), name)
        except DestinationError:  # moved here: nobody knows where they are
            rooms = []
        for room in rooms:
            remove_room(os.path.join(top, room))
    remove_tree(path, lock.handle())
    return Recovered(path, "removed")


class _Recovery:
    """One journal that is finished or undone."""

    def __init__(self, path: str, journal: Journal, lock: Lock) -> None:
        self._path = path
        self._journal = journal
        self._lock = lock
        site = os.path.dirname(path)
        self._top = top_of(site, journal.site)
        private = f"{journal.site}/{os.path.basename(path)}"
        self._mover = Mover(self._top, private)
        self._record = os.path.join(self._top, journal.record)

    def run(self) -> Recovered:
        """Do what can be done."""
        try:
            problems = self._finish()
            if not problems:
                return self._told("finished")
            return self._undo(problems)
        finally:
            self._mover.close()

    def _finish(self) -> list[Problem]:
        """Do the rest; what prevents it."""
        states = [(o, self._mover.state(o)) for o in self._journal.operations]
        lost = [o for o, state in states if state == "lost"]
        if lost:
            return [
                _in_the_way(os.path.join(self._top, o.final)) for o in lost
            ]
        try:
            for operation, state in states:
                if state == "todo":
                    self._mover.do(operation)
                elif state == "half":
                    self._mover.finish(operation)
        except OSError as error:
            return list(_problems(error))
        self._mover.remove_empty(self._journal.folders)
        self._clear()
        return []

    def _clear(self) -> None:
        _clear(self._top, self._journal.rooms, self._path, self._lock)

    def _undo(self, problems: list[Problem]) -> Recovered:
        stays = take_back(self._mover, self._journal.operations)
        problems += [stays_problem(each, error) for each, error in stays]
        if any(error.errno not in _IN_THE_WAY for _, error in stays):
            return self._told("kept", problems)  # the next run tries again
        if not any(self._mover.holds_old(each) for each, _ in stays):
            self._clear()
            return self._told("undone", problems)
        kept = self._path.removesuffix(SUFFIX) + KEPT
        try:
            os.rename(self._path, kept)
        except OSError:
            kept = self._path
        return self._told("kept", problems, kept)

    def _told(
        self, outcome: str, problems: Iterable[Problem] = (), kept: str = ""
    ) -> Recovered:
        told = tuple(problems)
        return Recovered(self._path, outcome, self._record, told, kept)


def top_of(site: str, name: str) -> str:
    """
    The directory that *site* is called *name* below.

    Raises:
        DestinationError: If it is not: the journal is of another place.
    """
    top = site
    for part in reversed(name.split("/")):
        top, leaf = os.path.split(top)
        if leaf != part:
            raise DestinationError(
                [
                    Problem(
                        "JOURNAL",
                        "the journal of a killed run is of another place",
                        found=printable(site),
                        expected=printable(name),
                    )
                ]
            )
    return top


def retire(path: str) -> str:
    """
    Take the journal in the private directory *path* out of force.

    Before anything in it is removed: what is half removed tells nothing of
    what has happened.

    Returns:
        What the directory is called then.

    Raises:
        OSError: If that is not possible.
    """
    plain = path.removesuffix(SUFFIX)
    if plain == path:
        return path
    try:
        os.rename(path, plain)
        return plain
    except OSError:
        os.unlink(os.path.join(path, FILE))
        return path


def _clear(top: str, rooms: Iterable[str], path: str, lock: Lock) -> None:
    """Remove a private directory whose journal is done with."""
    path = retire(path)
    for room in rooms:
        remove_room(os.path.join(top, room))
    remove_tree(path, lock.handle())


def remove_room(path: str) -> None:
    """Remove the further private directory *path*, unless it is in use."""
    lock = Lock()
    try:
        if lock.take(path) and _is_ours(lock):
            remove_tree(path, lock.handle())
    except OSError:
        return
    finally:
        lock.close()


def _problems(error: OSError) -> tuple[Problem, ...]:
    if isinstance(error, DestinationError):
        return error.problems
    return (os_problem(error.errno or 0, "cannot finish a killed run"),)


def _in_the_way(path: str) -> Problem:
    return Problem(
        "CHANGED",
        "somebody else has changed it since a run was killed",
        found=printable(path),
    )
