"""
Operations of a journal: done, undone, and told apart.

Nobody knows how far a killed run came; only what is there can tell.  So each
thing that moves has an identity, and whether an operation has happened is
asked of the file system, by whoever goes on.
"""

from __future__ import annotations

import binascii
import errno
import os
import stat

from ..errors import DestinationError, Problem, printable
from ..native import Tree, os_problem
from ..policy import STAND_INS
from .journal import GONE, NEW, OLD, SWAP, Operation

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

# What a system says that cannot exchange two names, or not these two.
NO_EXCHANGE = frozenset(
    {
        errno.ENOSYS,
        errno.EINVAL,
        errno.EPERM,
        errno.ENOTSUP,
        errno.EOPNOTSUPP,
        errno.EXDEV,
        50,  # of Windows
    }
)

CACHE = "__pycache__"


def identity(path: str) -> str:
    """
    What *path* is, without following links; "" if there is nothing.

    Of a file its inode, size and time of modification: a file that another
    program has put in its place has another inode, or the same one again and
    another time.  Of a folder that of everything in it, but for bytecode,
    which interpreters write when they like.  The inode of a folder itself says
    nothing: on overlayfs it changes when the system is started again.
    """
    try:
        facts = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return ""
    if not stat.S_ISDIR(facts.st_mode):
        return _of_file(facts)
    crc = 0
    for name, entry in survey(path):
        what = (
            "d"
            if entry.is_dir(follow_symlinks=False)
            else _of_file(entry.stat(follow_symlinks=False))
        )
        crc = binascii.crc32(f"{name}\0{what}\0".encode("utf-8", _ESCAPE), crc)
    return f"d{crc:08x}"


_ESCAPE = "surrogateescape"


def _of_file(facts: os.stat_result) -> str:
    kind = stat.S_IFMT(facts.st_mode)
    return f"{kind:o}.{facts.st_ino}.{facts.st_size}.{facts.st_mtime_ns}"


def survey(
    folder: str, below: str = ""
) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """All that is in *folder*, but for bytecode, in one order."""
    left = [(folder, below)]
    while left:
        path, prefix = left.pop()
        with os.scandir(path) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
        cached = os.path.basename(path) == CACHE
        for entry in found:
            if entry.is_dir(follow_symlinks=False):
                left.append((entry.path, f"{prefix}{entry.name}/"))
                if entry.name == CACHE:
                    continue
            elif cached and ".pyc" in entry.name:
                continue
            yield prefix + entry.name, entry


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
        if operation.kind == NEW:
            self._tree.publish(staged, operation.final)
            return
        if operation.kind == GONE:
            self._take(staged, operation)
        elif not self._exchange(staged, operation):
            return
        if identity(self._path(staged)) != operation.old:
            raise changed(self._path(operation.final))

    def _take(self, staged: str, operation: Operation) -> None:
        try:
            self._tree.publish(operation.final, staged)
        except DestinationError as error:
            if error.errno != errno.ENOENT:
                raise
            raise changed(self._path(operation.final)) from error

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
        if identity(there) != operation.old:
            raise changed(there)
        backup = self._backup(operation)
        if os.path.islink(there):
            self._tree.symlink(backup, os.readlink(there))
        else:
            self._tree.stand_in(backup, operation.final, STAND_INS)
        self._tree.publish(staged, operation.final, replace=True)
        return False

    # ------------------------------------------------------------- backward

    def undo(self, operation: Operation) -> None:
        """
        Undo *operation* if it has happened.

        Raises:
            DestinationError: If it fails, or somebody else was there.
        """
        staged = self._staged(operation)
        here = identity(self._path(staged))
        if operation.kind == GONE:
            if here:
                self._tree.publish(staged, operation.final)
            return
        if here == operation.new:
            return
        if identity(self._path(operation.final)) != operation.new:
            raise changed(self._path(operation.final))
        if operation.kind == NEW:
            self._tree.publish(operation.final, staged)
        elif here:
            self._tree.publish(staged, operation.final, exchange=True)
        else:
            backup = self._backup(operation)
            self._tree.publish(backup, operation.final, replace=True)

    def state(self, operation: Operation) -> str:
        """
        Whether *operation* has happened: "done", "todo" or "lost".

        Lost is one of which neither can be said: somebody else was there.
        """
        staged = identity(self._path(self._staged(operation)))
        there = identity(self._path(operation.final))
        if operation.kind == GONE:
            if there == operation.old and not staged:
                return "todo"
            # Gone is gone, even if somebody else was faster.
            gone = staged in ("", operation.old)
            return "done" if gone and not there else "lost"
        if operation.kind == NEW and staged == operation.new and not there:
            return "todo"
        if operation.kind == SWAP and staged == operation.new:
            if there == operation.old:
                return "todo"
        elif there == operation.new and staged in ("", operation.old):
            return "done"
        return "lost"

    def holds_old(self, operation: Operation) -> bool:
        """Whether what *operation* took away is in the private directory."""
        staged = identity(self._path(self._staged(operation)))
        backup = identity(self._path(self._backup(operation)))
        return operation.kind != NEW and (
            bool(backup) or staged not in ("", operation.new)
        )

    # --------------------------------------------------------------- folders

    def remove_empty(self, folders: Iterable[str]) -> None:
        """Remove those of *folders* that are empty, in their order."""
        for name in folders:
            parent, _, leaf = name.rpartition("/")
            try:
                handle = open_below(self._top, parent)
            except OSError:  # gone, or a link by now
                continue
            try:
                os.rmdir(leaf, dir_fd=handle)
            except OSError:
                pass
            finally:
                os.close(handle)

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


def open_below(top: str, name: str) -> int:
    """
    A descriptor of the folder *name* below *top*, through no link.

    Raises:
        OSError: If there is none, or a link is on the way.
    """
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
    handle = os.open(top, flags)
    for part in filter(None, name.split("/")):
        try:
            inner = os.open(part, flags | os.O_NOFOLLOW, dir_fd=handle)
        finally:
            os.close(handle)
        handle = inner
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


def take_back(mover: Mover, operations: Sequence[Operation]) -> list[Problem]:
    """
    Undo all *operations* that have happened, the last first.

    Returns:
        What could not be put back.
    """
    problems: list[Problem] = []
    for operation in reversed(operations):
        try:
            mover.undo(operation)
        except OSError as error:
            problems.append(
                os_problem(
                    error.errno or 0, "cannot be put back", operation.final
                )
            )
    return problems
