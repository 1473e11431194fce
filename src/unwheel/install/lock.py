"""
Lock files (PEP 751): what one wants in an environment, as wheels.

`packaging` reads them and selects; here it is asked, what it refuses is told
by reason, and what remains is known to be wheels that can be checked: see
`locked`.
"""

from __future__ import annotations

import os

from ..errors import (
    DestinationError,
    LockError,
    Problem,
    SourceError,
    printable,
)
from ..filename import normalise_name
from ..metadata import shown
from ..native import os_problem
from ..values import value
from .locked import locked_of, short

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from typing import Any, NoReturn

    from packaging.pylock import Package, Pylock
    from packaging.tags import Tag

    from .environment import Interpreter
    from .locked import Locked

MOST_BYTES = 64 << 20  # of a lock file; real ones have a few
_MOST_PARTS = 500  # of a key; real ones have two

# What readers of strangers' texts raise besides what they say they do.
_UNREADABLE = (ValueError, RecursionError, OverflowError)


@value
class Lock:
    """
    A lock file, read and found to be one.

    Attributes:
        path: Its absolute path; what its entries call `path` starts beside
            it.
        content: What it says; of type `packaging.pylock.Pylock`.
    """

    path: str
    content: Pylock


# -------------------------------------------------------------------- reading


def read_lock(path: str) -> Lock:
    """
    Read the lock file at *path*, of whatever name.

    Raises:
        SourceError: If it cannot be read.
        LockError: LOCK_MALFORMED if it is no lock file, LOCK_VERSION if one
            of another version than 1.
        DestinationError: EXTRA_MISSING.
    """
    pylock, loads = _load()
    try:
        with open(path, "rb") as file:
            data = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:  # a NUL in the path
        number = getattr(error, "errno", None) or 0
        problem = os_problem(number, "cannot read the lock file")
        raise SourceError([problem], wheel=path, errno=number) from error
    try:
        if len(data) > MOST_BYTES:
            raise ValueError(f"it has more than {MOST_BYTES} bytes")
        content = pylock.Pylock.from_dict(loads(_bounded(data)))
    except pylock.PylockUnsupportedVersionError as error:
        _refuse("LOCK_VERSION", "a lock file of another version", error, path)
    except (pylock.PylockValidationError, *_UNREADABLE) as error:
        _refuse("LOCK_MALFORMED", "not a lock file (PEP 751)", error, path)
    return Lock(os.path.abspath(path), content)


def _bounded(data: bytes) -> str:
    """
    The text of *data*, which a reader of TOML reads in about linear time.

    It takes the square of the parts of a key, "a.a.a": 400 KB take minutes.

    Raises:
        ValueError: If it is none, or a key may have too many parts.
    """
    text = data.decode("utf-8")
    for line in text.split("\n"):
        if line.count(".") > _MOST_PARTS and any(
            part.count(".") > _MOST_PARTS for part in line.split("=")
        ):
            raise ValueError(f"a key has more than {_MOST_PARTS} parts")
    return text


def _load() -> tuple[Any, Any]:
    """
    What reads them: `packaging.pylock`, and a reader of TOML.

    Raises:
        DestinationError: EXTRA_MISSING; the message says what to install.
    """
    try:
        from packaging import pylock

        if not hasattr(pylock.Pylock, "select"):
            raise ImportError("packaging is older than 26.1")
        try:
            from tomllib import loads
        except ImportError:  # Python 3.10
            from importlib import import_module

            loads = import_module("tomli").loads
    except ImportError as error:
        raise DestinationError(
            [
                Problem(
                    "EXTRA_MISSING",
                    "to read lock files newer packages are needed:"
                    " pip install 'unwheel[install]'",
                    found=str(error),
                )
            ]
        ) from error
    return pylock, loads


def _refuse(
    code: str, message: str, error: BaseException, path: str
) -> NoReturn:
    problem = Problem(code, message, found=short(str(error)))
    raise LockError([problem], wheel=path) from error


# ------------------------------------------------------------------ selecting


def select(
    lock: Lock,
    python: Interpreter,
    *,
    extras: Collection[str] = (),
    groups: Collection[str] = (),
    default_groups: bool = True,
    skip: Collection[str] = (),
) -> tuple[Locked, ...]:
    """
    The wheels that *lock* wants for *python*, in its order.

    Args:
        lock: The lock.
        python: Decides markers, versions and tags.
        extras: Of the project that the lock is of.
        groups: Dependency groups besides the default ones.
        default_groups: Whether those are wanted.
        skip: Projects to leave out, whatever the lock says of them.

    Raises:
        LockError: If any of them is not for this Python, or no wheel: all
            reasons are told.
    """
    content = lock.content
    problems = list(_unknown(content, extras, groups, skip))
    wanted = {*groups}
    if default_groups:
        wanted.update(content.default_groups or ())
    skipped = {normalise_name(name) for name in skip}
    content = _with(
        content, [p for p in content.packages if p.name not in skipped]
    )
    selection = _Selection(
        python, [normalise_name(extra) for extra in extras], wanted
    )
    if not problems:
        try:
            return tuple(locked_of(p, s) for p, s in selection.of(content))
        except (LockError, *selection.refusals):
            problems += selection.reasons(content)
    raise LockError(problems, wheel=lock.path)


def _unknown(
    content: Pylock,
    extras: Collection[str],
    groups: Collection[str],
    skip: Collection[str],
) -> Iterator[Problem]:
    """Tell which names somebody asks for that the lock does not have."""
    named = [package.name for package in content.packages]
    for kind, asked, known in (
        ("extra", map(normalise_name, extras), content.extras or ()),
        ("dependency group", groups, content.dependency_groups or ()),
        ("package", map(normalise_name, skip), named),
    ):
        for name in asked:
            if name not in known:
                yield Problem(
                    "LOCK_CHOICE",
                    f"the lock file has no {kind} of this name",
                    found=printable(name),
                    expected=shown(sorted(known)),
                )


class _Selection:
    """
    What `packaging` is asked, and what it meant when it refuses.

    Args:
        python: See `select`, as of the others.
        extras: Normalized.
        groups: All of them.
    """

    def __init__(
        self,
        python: Interpreter,
        extras: Collection[str],
        groups: Collection[str],
    ) -> None:
        from packaging.pylock import PylockSelectError

        self.refusals = (PylockSelectError, *_UNREADABLE)
        self._python = python
        self._options: dict[str, Any] = {
            "environment": python.markers,
            "extras": extras,
            "dependency_groups": groups,
            "tags": _tags(python),
        }

    def of(self, content: Pylock) -> Iterator[tuple[Package, Any]]:
        """Each package with where it comes from."""
        return content.select(**self._options)

    def reasons(self, content: Pylock) -> Iterator[Problem]:
        """
        Every reason why `of` fails, or a package is not what it should be.

        It stops at the first, so each package is asked about alone.
        """
        try:
            list(self.of(_with(content, [])))
        except self.refusals as error:
            yield Problem(
                "LOCK_ENVIRONMENT",
                f"the lock file is not for Python {self._python.version} here",
                found=short(str(error)),
            )
            return
        seen: set[str] = set()
        for package in content.packages:
            yield from self._reasons_of(content, package, seen)

    def _reasons_of(
        self, content: Pylock, package: Package, seen: set[str]
    ) -> Iterator[Problem]:
        name = printable(package.name)
        try:
            for _, source in self.of(_with(content, [package])):
                if package.name in seen:
                    yield Problem("LOCK_AMBIGUOUS", f"{name}: two of one name")
                seen.add(package.name)
                locked_of(package, source)
        except LockError as error:
            yield from error.problems
        except self.refusals as error:
            python = package.requires_python
            if python is None or python.contains(
                self._python.version, prereleases=True
            ):
                yield self._no_wheel(package, error)
            else:
                yield Problem(
                    "LOCK_PYTHON",
                    f"{name}: it asks for another Python",
                    found=self._python.version,
                    expected=short(str(python)),
                )

    def _no_wheel(self, package: Package, error: Exception) -> Problem:
        files = [wheel.filename for wheel in package.wheels or ()]
        if not files:  # a marker that nobody can evaluate
            return Problem(
                "LOCK_MALFORMED",
                f"{printable(package.name)}: it cannot be selected",
                found=short(str(error)),
            )
        return Problem(
            "LOCK_NO_WHEEL",
            f"{printable(package.name)}: no wheel of it is for this platform",
            found=shown(files),
            expected=f"one for {shown(list(self._python.tags[:1]))}",
        )


def _tags(python: Interpreter) -> list[Tag]:
    from packaging.tags import Tag

    return [Tag(*tag.split("-")) for tag in python.tags]


def _with(content: Pylock, packages: Sequence[Package]) -> Pylock:
    """The same lock of these *packages*."""
    from dataclasses import replace

    return replace(content, packages=packages)
