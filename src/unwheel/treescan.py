"""
What is in an unpacked wheel on the disk: files, links, empty folders.

Nothing outside the tree is read, whoever changes it meanwhile: a file is
opened from the root on, component by component, none of which may be a link,
and has to be the one that was seen.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator

from .errors import LimitError, Problem, Problems, SourceError, printable
from .native import os_problem
from .policy import Limits, LinkPolicy
from .values import value

_CHUNK = 1 << 20
_LIMITS = Limits()
_BUDGET = LinkPolicy()
_KINDS = {
    stat.S_IFIFO: "a FIFO",
    stat.S_IFCHR: "a character device",
    stat.S_IFBLK: "a block device",
    stat.S_IFSOCK: "a socket",
}
_READ_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)  # for a FIFO that takes a file's place
)

_FOLDER_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_DIRECTORY", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOFOLLOW", 0)
)

_Identity = tuple[int, int]


@value
class TreeFile:
    """
    A regular file as it was seen.

    Attributes:
        name: From the root of the tree, '/'-separated.
        size: Bytes.
        executable: Whether anybody may execute it.
    """

    name: str
    size: int
    executable: bool
    _root: str
    _path: str
    _identity: _Identity

    def chunks(self) -> Iterator[bytes]:
        """
        Its content, in pieces.

        Raises:
            SourceError: If it cannot be read, or is not what was seen.
        """
        try:
            handle = _open_below(self._root, self._path)
            with open(handle, "rb", buffering=0) as file:
                facts = os.fstat(handle)
                if _identity(facts) != self._identity or not stat.S_ISREG(
                    facts.st_mode
                ):
                    raise changed(self.name)
                while chunk := file.read(_CHUNK):
                    yield chunk
        except SourceError:
            raise
        except OSError as error:
            raise unreadable(error, self._path) from error


@value
class Copied:
    """
    A link whose content was taken in its place.

    Attributes:
        name: Of the link.
        target: Its text.
        resolved: What it leads to in the end, from the root of the tree.
        is_folder: Whether that is a folder.
    """

    name: str
    target: str
    resolved: str
    is_folder: bool


class TreeScan:
    """
    A look at all of the tree at *root*.

    Args:
        root: A folder; it may be reached by a link.
        follow: Whether what links lead to is taken in their place.  It has to
            be in the tree.

    Attributes:
        files: By name.
        links: Their targets, by name; none with *follow*.
        folders: Those that are empty; their names end in "/".
        copied: The links that were followed.
        copied_size: Bytes of the files that were taken for them.
        problems: What cannot be packed: FILE_TYPE, and of links that are
            followed DANGLING, CYCLE, ANCESTOR, ESCAPES.

    Raises:
        SourceError: If something cannot be read.
        LimitError: If there is more than a wheel may have
            (TOO_MANY_ENTRIES), or more to be copied than is reasonable
            (COPY_BUDGET): folders that lead to folders double each time.
    """

    def __init__(self, root: str, *, follow: bool) -> None:
        self.files: dict[str, TreeFile] = {}
        self.links: dict[str, bytes] = {}
        self.folders: list[str] = []
        self.copied: list[Copied] = []
        self.copied_size = 0
        self.problems = Problems()
        self._follow = follow
        self._copies = 0
        self._root = os.path.realpath(root)
        self._folder("", self._root, (), is_copy=False)

    def _folder(
        self, name: str, path: str, above: tuple[_Identity, ...], is_copy: bool
    ) -> None:
        """Look at the folder *path*, called *name*, below those *above*."""
        if is_copy:  # folders alone can double each other, too
            self._copies += 1
            self._check_budget()
        try:
            above = (*above, _identity(os.lstat(path)))
            names = os.listdir(path)
        except OSError as error:
            raise unreadable(error, path) from error
        # What is deeper is refused, by the name of the folder alone.
        if not names or len(above) > _LIMITS.depth + 1:
            if name:
                self.folders.append(f"{name}/")
            return
        for leaf in sorted(names):
            child = os.path.join(path, leaf)
            self._any(
                f"{name}/{leaf}" if name else leaf, child, above, is_copy
            )

    def _any(
        self, name: str, path: str, above: tuple[_Identity, ...], is_copy: bool
    ) -> None:
        try:
            facts = os.lstat(path)
            if stat.S_ISLNK(facts.st_mode):
                target = os.readlink(path)
        except OSError as error:
            raise unreadable(error, path) from error
        if stat.S_ISDIR(facts.st_mode):
            self._folder(name, path, above, is_copy)
        elif stat.S_ISREG(facts.st_mode):
            self._file(name, path, facts, is_copy)
        elif not stat.S_ISLNK(facts.st_mode):
            self._refuse_type(name, facts)
        elif self._follow:
            self._copy(name, path, target, above)
        else:
            self.links[name] = os.fsencode(target)
            self._count()

    def _file(
        self, name: str, path: str, facts: os.stat_result, is_copy: bool
    ) -> None:
        self.files[name] = TreeFile(
            name=name,
            size=facts.st_size,
            executable=bool(facts.st_mode & 0o111),
            _root=self._root,
            _path=path,
            _identity=_identity(facts),
        )
        self._count()
        if is_copy:
            self._copies += 1
            self.copied_size += facts.st_size
            self._check_budget()

    def _copy(
        self, name: str, path: str, target: str, above: tuple[_Identity, ...]
    ) -> None:
        """Take what the link at *path* leads to in its place."""
        try:
            real = os.path.realpath(path, strict=True)
            facts = os.lstat(real)
        except OSError as error:
            cycle = error.errno == errno.ELOOP
            code = "CYCLE" if cycle else "DANGLING"
            message = "links in a circle" if cycle else "it leads nowhere"
            self._refuse(code, message, name, target)
            return
        if real != self._root and not real.startswith(self._root + os.sep):
            self._refuse("ESCAPES", "it leads out of the tree", name, target)
        elif stat.S_ISDIR(facts.st_mode):
            if _identity(facts) in above:
                self._refuse(
                    "ANCESTOR", "it leads to a folder above it", name, target
                )
                return
            self._keep(name, target, real, is_folder=True)
            self._folder(name, real, above, is_copy=True)
        elif stat.S_ISREG(facts.st_mode):
            self._keep(name, target, real, is_folder=False)
            self._file(name, real, facts, is_copy=True)
        else:
            self._refuse_type(name, facts)

    def _keep(
        self, name: str, target: str, real: str, *, is_folder: bool
    ) -> None:
        resolved = os.path.relpath(real, self._root).replace(os.sep, "/")
        self.copied.append(Copied(name, target, resolved, is_folder))

    def _refuse(self, code: str, message: str, name: str, target: str) -> None:
        self.problems.add(
            Problem(
                code,
                f"a link whose content cannot be taken: {message}",
                member=name,
                found=f"-> {printable(target)}",
            )
        )

    def _refuse_type(self, name: str, facts: os.stat_result) -> None:
        kind = stat.S_IFMT(facts.st_mode)
        self.problems.add(
            Problem(
                "FILE_TYPE",
                "neither a file nor a folder nor a link",
                member=name,
                found=_KINDS.get(kind, f"type {kind:#o}"),
            )
        )

    def _count(self) -> None:
        if len(self.files) + len(self.links) > _LIMITS.entries:
            raise LimitError(
                [
                    Problem(
                        "TOO_MANY_ENTRIES",
                        "more files than a wheel may have",
                        expected=f"at most {_LIMITS.entries}",
                    )
                ]
            )

    def _check_budget(self) -> None:
        if (
            self._copies > _BUDGET.max_copied_entries
            or self.copied_size > _BUDGET.max_copied_size
        ):
            raise LimitError(
                [
                    Problem(
                        "COPY_BUDGET",
                        "the links stand for more than is copied",
                        found=f"{self._copies} files and folders, "
                        f"{self.copied_size} bytes",
                        expected=f"at most {_BUDGET.max_copied_entries} "
                        f"files and folders, {_BUDGET.max_copied_size} bytes",
                    )
                ]
            )


def _open_below(root: str, path: str) -> int:
    """
    Open the file *path*, which is below *root*, by way of no link.

    Any folder on the way may be swapped for one by now.
    """
    if os.open not in os.supports_dir_fd:  # Windows
        return os.open(path, _READ_FLAGS)
    *folders, leaf = os.path.relpath(path, root).split(os.sep)
    handle = os.open(root, _FOLDER_FLAGS)
    try:
        for folder in folders:
            inner = os.open(folder, _FOLDER_FLAGS, dir_fd=handle)
            outer, handle = handle, inner
            os.close(outer)
        return os.open(leaf, _READ_FLAGS, dir_fd=handle)
    finally:
        os.close(handle)


def changed(name: str) -> SourceError:
    """The error for a file that is not what it was a moment ago."""
    return SourceError(
        [Problem("CHANGED", "changed while it was read", member=name)]
    )


def _identity(facts: os.stat_result) -> _Identity:
    return facts.st_dev, facts.st_ino


def unreadable(error: OSError, path: str) -> SourceError:
    """The *error* that came of reading *path*."""
    number = error.errno or 0
    return SourceError(
        [os_problem(number, f"cannot read {path}")], errno=number
    )
