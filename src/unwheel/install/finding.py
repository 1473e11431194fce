"""
Where the wheels are that a lock names, and whether they are the very ones.

A file is opened once and held: what is hashed is what is installed, whatever
has its name by then.
"""

from __future__ import annotations

import errno
import os
import stat

from ..errors import LockError, Problem, SourceError, printable
from ..native import os_problem
from ..values import value

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from .locked import Locked

_PIECE = 1 << 20  # bytes: hashing that many lets other threads run meanwhile

_FLAGS = os.O_RDONLY
# Nobody waits for whoever would write into a FIFO.
for _name in ("O_CLOEXEC", "O_NONBLOCK", "O_BINARY"):
    _FLAGS |= getattr(os, _name, 0)

# Where a descriptor can be opened again: Linux, others.
_HANDLES = ("/proc/self/fd", "/dev/fd")


@value
class Place:
    """
    Where a wheel of a lock may be.

    Attributes:
        locked: The wheel.
        named: Paths of what should be it.
        others: Paths of what may be, under another name.
    """

    locked: Locked
    named: tuple[str, ...]
    others: tuple[str, ...]


class Held:
    """
    An open file that is what the lock says.

    Attributes:
        wheel: The path that it would have under its right name.
        locked: What the lock says of it.
    """

    def __init__(self, path: str, locked: Locked) -> None:
        self.locked = locked
        self.wheel = os.path.join(os.path.dirname(path), locked.filename)
        self._path = path
        self._file = os.open(path, _FLAGS)
        try:
            self.facts = _facts(os.fstat(self._file))
        except BaseException:
            self.close()
            raise

    @property
    def file(self) -> int:
        """Its descriptor."""
        return self._file

    @property
    def size(self) -> int:
        """In bytes, when it was opened."""
        return self.facts.size

    @property
    def is_regular(self) -> bool:
        """Whether it is a file with content of its own."""
        return stat.S_ISREG(self.facts.mode)

    @property
    def at(self) -> str:
        """
        What opens the very same file once more.

        Its own path only where nothing better is; see `check`.
        """
        for directory in _HANDLES:
            path = f"{directory}/{self._file}"
            try:
                if _facts(os.stat(path)) == self.facts:
                    return path
            except OSError:
                continue
        return self._path

    def check(self) -> None:
        """
        See that nobody has written to it since, or put another in its place.

        Raises:
            LockError: WHEEL_CHANGED.
        """
        try:
            same = _facts(os.fstat(self._file)) == self.facts
            if same and self.at == self._path:
                same = _facts(os.stat(self._path)) == self.facts
        except OSError:
            same = False
        if not same:
            problem = Problem(
                "WHEEL_CHANGED", "the wheel was changed while it was read"
            )
            raise LockError([problem], wheel=self.wheel)

    def close(self) -> None:
        """Let go of it.  May be called twice."""
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)


@value
class _Facts:
    """What shows that a file is another one, or was written to."""

    device: int
    inode: int
    mode: int
    size: int
    mtime: int
    ctime: int


def _facts(found: os.stat_result) -> _Facts:
    return _Facts(
        found.st_dev,
        found.st_ino,
        found.st_mode,
        found.st_size,
        found.st_mtime_ns,
        found.st_ctime_ns,
    )


# -------------------------------------------------------------------- finding


def find(
    wanted: Sequence[Locked], lock: str, directories: Sequence[str]
) -> list[Place]:
    """
    Where each of *wanted* may be; nothing is read.

    Args:
        wanted: The wheels.
        lock: The path of the lock file, which paths in it start beside.
        directories: Where else wheels are: under their own names; or under
            another, if the size is right.

    Raises:
        SourceError: WHEEL_NOT_FOUND, for each that is nowhere; or if a
            directory cannot be read.
    """
    sizes = _sizes(directories)
    places = [_place(locked, lock, directories, sizes) for locked in wanted]
    missing = [_missing(p.locked) for p in places if not p.named + p.others]
    if missing:
        raise SourceError(missing, wheel=lock, errno=errno.ENOENT)
    return places


def _sizes(directories: Sequence[str]) -> dict[str, int]:
    """All files of *directories* with their sizes."""
    sizes = {}
    for directory in directories:
        try:
            with os.scandir(directory) as entries:
                for entry in entries:
                    if entry.is_file():
                        sizes[entry.path] = entry.stat().st_size
        except OSError as error:
            problem = os_problem(error.errno or 0, "cannot look for wheels")
            raise SourceError(
                [problem], wheel=directory, errno=error.errno
            ) from error
    return sizes


def _place(
    locked: Locked,
    lock: str,
    directories: Sequence[str],
    sizes: Mapping[str, int],
) -> Place:
    named = [os.path.join(d, locked.filename) for d in directories]
    named = [path for path in named if path in sizes]
    if locked.path is not None and "\0" not in locked.path:
        path = os.path.join(os.path.dirname(lock), locked.path)
        if os.path.exists(path):
            named.insert(0, path)
    # By content: files of the right size, or without one every wheel.
    others = [
        path
        for path, size in sizes.items()
        if path not in named
        and (
            path.endswith(".whl")
            if locked.size is None
            else size == locked.size
        )
    ]
    return Place(locked, tuple(named), tuple(others))


def _missing(locked: Locked) -> Problem:
    algorithm, digest = next(iter(locked.hashes.items()))
    origin = f", but at {printable(locked.url)}" if locked.url else ""
    return Problem(
        "WHEEL_NOT_FOUND",
        f"{locked.filename} is not there{origin}",
        expected=f"a file with {algorithm} {digest}, where the lock says or in"
        " a directory of --wheels",
    )


# ------------------------------------------------------------------- checking


class Digests:
    """
    What was found by reading files, so that each is read once.

    Args:
        on_piece: Called often, so that other work goes on meanwhile.
    """

    def __init__(self, on_piece: Callable[[], object]) -> None:
        self._on_piece = on_piece
        self._known: dict[tuple[_Facts, tuple[str, ...]], dict[str, str]] = {}

    def hold(self, place: Place) -> Held:
        """
        The first candidate that is what the lock says, open.

        Raises:
            LockError: WHEEL_SIZE, WHEEL_HASH: what is wrong with the first
                that has the right name.
            SourceError: If that one cannot be read; WHEEL_NOT_FOUND if there
                is none.
        """
        refusals: list[LockError | SourceError] = []
        for path in place.named + place.others:
            try:
                return self._hold(path, place.locked)
            except (LockError, SourceError) as error:
                refusals.append(error)
        if not place.named:
            raise SourceError([_missing(place.locked)], errno=errno.ENOENT)
        raise refusals[0]

    def _hold(self, path: str, locked: Locked) -> Held:
        try:
            held = Held(path, locked)
        except OSError as error:
            raise _unread(error, path) from error
        try:
            self._check(held, path)
        except OSError as error:
            held.close()
            raise _unread(error, path) from error
        except BaseException:
            held.close()
            raise
        return held

    def _check(self, held: Held, path: str) -> None:
        locked = held.locked
        if not held.is_regular:
            raise OSError(errno.EINVAL, "not a regular file")
        if locked.size not in (None, held.size):
            raise LockError(
                [
                    Problem(
                        "WHEEL_SIZE",
                        "the wheel is not the one of the lock file",
                        found=f"{held.size} bytes",
                        expected=f"{locked.size}",
                    )
                ],
                wheel=path,
            )
        found = self._digests(held)
        problems = [
            Problem(
                "WHEEL_HASH",
                f"the wheel is not the one of the lock file: {algorithm}",
                found=found[algorithm],
                expected=digest,
            )
            for algorithm, digest in locked.hashes.items()
            if found[algorithm] != digest
        ]
        if problems:
            raise LockError(problems, wheel=path)
        held.check()

    def _digests(self, held: Held) -> dict[str, str]:
        """Those of its content, by algorithm."""
        algorithms = tuple(held.locked.hashes)
        key = (held.facts, algorithms)
        if key not in self._known:
            self._known[key] = self._read(held, algorithms)
        return self._known[key]

    def _read(self, held: Held, algorithms: Sequence[str]) -> dict[str, str]:
        import hashlib

        states = [hashlib.new(name) for name in algorithms]
        buffer = memoryview(bytearray(_PIECE))
        left = held.size + 1  # more than that is another file
        with open(held.file, "rb", buffering=0, closefd=False) as raw:
            while size := raw.readinto(buffer[:left]):
                left -= size
                for state in states:
                    state.update(buffer[:size])
                self._on_piece()
        digests = [state.hexdigest() for state in states]
        return dict(zip(algorithms, digests, strict=True))


def _unread(error: OSError, path: str) -> SourceError:
    problem = os_problem(error.errno or 0, "cannot read the wheel")
    return SourceError([problem], wheel=path, errno=error.errno)
