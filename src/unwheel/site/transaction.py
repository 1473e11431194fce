"""
One wheel into a live environment: staged, judged, moved in by a journal.

Everything is made in a private directory inside site-packages, in the layout
that it will have below the common top of all places.  When all is there it is
judged against what is installed, a journal of renames is written, and the
private directory gets the name that says so: that rename is the commit.  A
process killed before it has changed nothing; one killed after it is finished
by the next run (`recover`).  RECORD, which makes a distribution exist, is the
last name that changes.
"""

from __future__ import annotations

import errno
import os

from ..errors import DestinationError, Problem, printable
from ..native import Tree, os_problem
from ..places import name_below
from ..private import Lock, Private, make_missing, remove_made
from ..values import replace, value
from .distributions import check_same
from .journal import GONE, NEW, OLD, SUFFIX, Journal, write, write_rooms
from .judging import Judged, Terms, judge
from .moving import (
    NO_EXCHANGE,
    Mover,
    changed,
    open_below,
    stays_problem,
    take_back,
)
from .recovery import Recovered as Recovered
from .recovery import recover as recover
from .recovery import recover_locked, retire
from .rooms import Rooms

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .distributions import Installed
    from .journal import Operation


@value
class Committed:
    """
    What a commit did.

    Attributes:
        judged: What came, what was replaced and what went.
        recovered: What killed runs had left, and became of it.
    """

    judged: Judged
    recovered: tuple[Recovered, ...] = ()


class Transaction:
    """
    The files of one wheel, until they are where they belong.

    Args:
        places: By scheme ("purelib", "platlib", "headers", "scripts", "data")
            an absolute directory on this disk, there or not.
        site: The scheme that RECORD goes to.
        resolved: Whether *places* are real paths already.

    Attributes:
        places: Their real paths.
        top: The real directory that all places are below.
        path: The private directory, mode 0700, inside ``places[site]``; ""
            if there is none.

    Raises:
        DestinationError: If the places have nothing in common.
    """

    def __init__(
        self, places: Mapping[str, str], site: str, *, resolved: bool = False
    ) -> None:
        self.places = dict(places) if resolved else real_paths(places)
        self.site = self.places[site]
        self.top = _top_of(list(self.places.values()))
        self._private = Private()
        self._lock = Lock()
        self._mover: Mover | None = None
        self._journal: Journal | None = None
        self._settled = False
        self._retired = False
        self._durable = False
        self._made: list[str] = []
        self._rooms = Rooms(self.top)

    @property
    def path(self) -> str:
        """See the class."""
        return self._private.path

    # --------------------------------------------------------------- staging

    def make(self) -> None:
        """
        Make the private directory, and missing parents of it.

        Whatever happens, `discard` has to be called in the end.

        Raises:
            DestinationError: If it cannot be made.
        """
        try:
            make_missing(self.site, self._made)
            self._private.make(self.site)
        except OSError as error:
            raise _failed(error, self.site) from error

    def folder(self, scheme: str) -> str:
        """
        The name, below the private directory, of what becomes that place.

        It is '/'-separated and, but for a place that is the root of the file
        system, not empty.  It is made if it is missing.

        Raises:
            DestinationError: If it cannot be made.
        """
        name = name_below(self.top, self.places[scheme])
        if name:
            tree = self.tree()
            try:
                tree.mkdir(name)
            finally:
                tree.close()
        return name

    def staged(self, scheme: str, path: str) -> str:
        """Where the file *path* of *scheme* is while it is staged."""
        folder = name_below(self.top, self.places[scheme])
        return os.path.join(self.path, folder, path)

    def tree(self, scheme: str | None = None) -> Tree:
        """
        The private directory, or in it that of *scheme*, to make things below.

        Raises:
            DestinationError: If it cannot be opened.
        """
        handle = self._private.handle()
        if scheme is None:
            return Tree(self.path) if handle is None else Tree.of(handle)
        folder = self.folder(scheme)
        if handle is None or not folder:
            return Tree(os.path.join(self.path, folder))
        try:
            inner = open_below(handle, folder)
        except OSError as error:
            raise _failed(error, folder) from error
        try:
            return Tree.of(inner.number() or 0)
        finally:
            inner.close()

    # ---------------------------------------------------------------- judging

    def judge(
        self,
        *,
        record: str,
        replaces: Sequence[Installed] = (),
        overwrite: str = "refuse",
    ) -> Judged:
        """
        What `commit` would do with the same arguments.

        Raises:
            DestinationError: If it may not be done.
        """
        terms = self._terms(record, replaces, overwrite)
        try:
            operations, _ = judge(self.path, self.top, terms)
        except DestinationError:
            raise
        except OSError as error:
            raise _failed(error, self.site) from error
        return self._judged(operations)

    def _terms(
        self, record: str, replaces: Sequence[Installed], overwrite: str
    ) -> Terms:
        return Terms(
            os.path.join(self.site, *record.split("/")),
            self.places,
            replaces,
            overwrite,
        )

    def _judged(self, operations: Sequence[Operation]) -> Judged:
        added, replaced, removed = [], [], []
        for operation in operations:
            path = os.path.join(self.top, *operation.final.split("/"))
            if operation.kind == NEW:
                added.append(path)
            elif operation.kind == GONE:
                removed.append(path)
            else:
                replaced.append(path)
        return Judged(tuple(added), tuple(replaced), tuple(removed))

    # -------------------------------------------------------------- committing

    def commit(
        self,
        *,
        record: str,
        replaces: Sequence[Installed] | None = None,
        overwrite: str = "refuse",
        durable: bool = False,
    ) -> Committed:
        """
        Put everything where it belongs, and remove the old version's rest.

        Args:
            record: The path of RECORD below ``places[site]``; it comes last.
            replaces: What is installed under this name, all of it: what it
                has is replaced or removed.  None if whoever calls does not
                know: then nothing is.
            overwrite: Which other files may be replaced: none ("refuse"),
                those of no distribution ("unowned"), or "all".
            durable: Whether the old or the new is there also after a loss of
                power; the new, if it comes after this.

        Raises:
            DestinationError: If it may not be done, with all reasons, or the
                system refuses; then all is as it was.
        """
        self._durable = durable
        terms = self._terms(record, replaces or (), overwrite)
        try:
            return self._commit(terms, alone=replaces is not None)
        except OSError as error:
            problems = self._take_back()
            failure = _failed(error, self.site)
            if not problems:
                raise failure from error
            raise DestinationError(
                [*failure.problems, *problems], errno=error.errno
            ) from error
        except BaseException:
            self._take_back()
            raise

    def _commit(self, terms: Terms, *, alone: bool) -> Committed:
        self._lock.wait(self.site)
        recovered = recover_locked(self.site)
        if alone:
            check_same(self.places, terms.record, terms.replaces)
        try:
            operations = self._publish(terms)
        except DestinationError as error:
            # Some systems exchange files, but not these folders.
            if error.errno not in NO_EXCHANGE or self._take_back():
                raise
            self._rooms.drop()
            operations = self._publish(replace(terms, whole=False))
        self._flush()  # the names, while there still is a journal
        self._settle()
        return Committed(self._judged(operations), tuple(recovered))

    def _publish(self, terms: Terms) -> Sequence[Operation]:
        operations, folders = judge(self.path, self.top, terms)
        operations = self._fill_rooms(operations)
        self._journal = Journal(
            site=name_below(self.top, self.site),
            record=name_below(self.top, terms.record),
            operations=tuple(operations),
            folders=tuple(folders),
            rooms=self._rooms.names(),
        )
        self._begin(self._journal)
        mover = self._mover
        assert mover is not None
        for operation in operations:
            mover.do(operation)
        return operations

    def _fill_rooms(self, operations: list[Operation]) -> list[Operation]:
        """Copy what goes to other file systems into private rooms there."""
        wanted = sorted({o.room for o in operations if o.room})
        if not wanted:
            return operations
        tree = self.tree()
        try:
            write_rooms(tree, name_below(self.top, self.site), wanted)
        finally:
            tree.close()
        self._rooms.make(wanted, OLD)
        return [self._in_room(each) for each in operations]

    def _in_room(self, operation: Operation) -> Operation:
        """The *operation*, with its source in its room."""
        if not operation.room or operation.kind == GONE:
            return operation
        staged = str(operation.number)
        source = os.path.join(self.path, operation.staged)
        new = self._rooms.bring(source, operation.room, staged)
        return replace(operation, staged=staged, new=new)

    def _begin(self, journal: Journal) -> None:
        """Write the journal; with its last step it is in force."""
        tree = self.tree()
        try:
            tree.mkdir(OLD)
            write(tree, self.path, journal)
        finally:
            tree.close()
        self._flush()  # what the journal promises, and itself
        private = f"{journal.site}/{os.path.basename(self.path)}{SUFFIX}"
        self._mover = Mover(self.top, private)
        path = self.path + SUFFIX
        if not self._private.is_called(self.path):
            raise changed(self.path)
        os.rename(self.path, path)
        self._private.path = path
        self._flush()  # its name, before any other one changes

    def _flush(self) -> None:
        """Have all of it on the disk, if that was asked for."""
        if not self._durable:
            return
        _sync(self.tree())
        for room in self._rooms.paths():  # each on a file system of its own
            _sync(Tree(room))

    # ---------------------------------------------------------------- the end

    def _settle(self) -> None:
        """All is done: from here it can only be finished."""
        self._settled = True
        self._made.clear()
        if not self._is_finished():
            self._private.path = ""  # the next run does it
        self._clean()

    def _is_finished(self) -> bool:
        """Whether no journal is in force any more; once only."""
        if not self._retired and self._mover and self._journal:
            empty = self._mover.remove_empty(self._journal.folders)
            self._retired = empty and self._retire()
        return self._retired

    def _clean(self) -> None:
        """Remove the private directory, and give everything back."""
        self._rooms.drop()
        self._private.remove()
        if self._mover is not None:
            self._mover.close()
        self._private.unlock()
        self._lock.close()

    def _retire(self) -> bool:
        """Take the journal out of force; whether it is."""
        self._find()
        try:
            self._private.path = retire(self._private.path)
        except OSError:
            return False  # whoever comes next finds out how far we came
        return True

    def _find(self) -> None:
        """See which name it has, after a Ctrl-C that came with a rename."""
        plain = self._private.path.removesuffix(SUFFIX)
        for path in (plain, plain + SUFFIX):
            if plain and self._private.is_at(path):
                self._private.path = path

    def _take_back(self) -> list[Problem]:
        """Undo what a failed commit has done; what could not be."""
        if self._mover is None or self._journal is None or self._settled:
            return []
        problems: list[Problem] = []
        self._find()
        path = self._private.path
        if path.endswith(SUFFIX):
            stays = take_back(self._mover, self._journal.operations)
            problems = [stays_problem(each, error) for each, error in stays]
            if problems or not self._retire():
                self._private.path = ""
                problems.append(_not_put_back(path))
        self._mover.close()
        self._mover = None
        return problems

    def discard(self) -> None:
        """
        Remove what is not committed.  May be called twice.

        What cannot be removed stays: the next run tries again.
        """
        if self._settled:
            self._settle()
        else:
            self._take_back()
        self._clean()
        remove_made(self._made)


def real_paths(places: Mapping[str, str]) -> dict[str, str]:
    """The same without links; each directory is looked up once."""
    real = {path: os.path.realpath(path) for path in {*places.values()}}
    return {scheme: real[path] for scheme, path in places.items()}


def _top_of(places: list[str]) -> str:
    """
    The directory that all *places* are below, and none of them is.

    So the name of each below it says something.
    """
    try:
        top = os.path.commonpath(places)
    except ValueError as error:  # drives of Windows
        raise DestinationError(
            [os_problem(errno.EXDEV, "the places have nothing in common")],
            errno=errno.EXDEV,
        ) from error
    return os.path.dirname(top) if top in places else top


def _sync(tree: Tree) -> None:
    try:
        tree.sync()
    finally:
        tree.close()


def _failed(error: OSError, where: str) -> DestinationError:
    """What *error* is to who installs into *where*."""
    if isinstance(error, DestinationError):
        return error
    number = error.errno or 0
    path = error.filename if isinstance(error.filename, str) else where
    return DestinationError(
        [os_problem(number, f"cannot install at {path}")], errno=number
    )


def _not_put_back(path: str) -> Problem:
    return Problem(
        "NOT_PUT_BACK",
        "not everything could be undone; the next run tries again",
        found=printable(path),
    )
