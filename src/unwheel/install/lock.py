"""
Lock files (PEP 751): what one wants in an environment, as wheels.

`packaging` reads them and selects; here it is asked, what it refuses is told
by reason, and what remains is known to be wheels that can be checked.
"""

from __future__ import annotations

import os
from string import hexdigits
from urllib.parse import unquote, urlsplit

from ..errors import (
    DestinationError,
    LockError,
    Problem,
    SourceError,
    UnwheelError,
    printable,
)
from ..filename import WheelFilename, normalise_name, same_version
from ..metadata import shown
from ..native import os_problem
from ..values import value

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from typing import Any, NoReturn, TypeAlias

    from packaging.pylock import (
        Package,
        PackageArchive,
        PackageWheel,
        Pylock,
    )
    from packaging.tags import Tag

    from .environment import Interpreter

    Source: TypeAlias = "PackageWheel | PackageArchive"

MOST_BYTES = 64 << 20  # of a lock file; real ones have a few
_MOST_PARTS = 500  # of a key; real ones have two
_SHOWN = 400

# Bytes of the digests that a wheel can be known by.  Whoever can make two
# files of one MD5 or SHA-1 is not far, so those do not count.
STRONG = {
    "sha256": 32,
    "sha384": 48,
    "sha512": 64,
    "sha3_256": 32,
    "sha3_384": 48,
    "sha3_512": 64,
    "blake2b": 64,
    "blake2s": 32,
}

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


@value
class Locked:
    """
    One wheel that a lock names.

    Attributes:
        name: Of the distribution, normalized.
        version: As the file name has it.
        filename: Safe as the name of a file.
        hashes: Hexadecimal digests, lower case, by the name of the algorithm
            that `hashlib` has; at least one, all of `STRONG`.
        size: Of the archive in bytes, or None.
        path: Where it is, from the directory of the lock; or None.
        url: Where it can be fetched, or None.
        is_direct: Whether it was asked for by its place, not by its name, so
            that a direct_url.json has to tell of it.
    """

    name: str
    version: str
    filename: str
    hashes: Mapping[str, str]
    size: int | None
    path: str | None
    url: str | None
    is_direct: bool


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
    problem = Problem(code, message, found=_short(str(error)))
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
            return tuple(_locked(p, s) for p, s in selection.of(content))
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
                found=_short(str(error)),
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
                _locked(package, source)
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
                    expected=_short(str(python)),
                )

    def _no_wheel(self, package: Package, error: Exception) -> Problem:
        files = [wheel.filename for wheel in package.wheels or ()]
        if not files:  # a marker that nobody can evaluate
            return Problem(
                "LOCK_MALFORMED",
                f"{printable(package.name)}: it cannot be selected",
                found=_short(str(error)),
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


# --------------------------------------------------------------------- wheels


def _locked(package: Package, source: Any) -> Locked:
    """
    The wheel that *source* is.

    Raises:
        LockError: LOCK_SOURCE if it is none, LOCK_HASH if its digests cannot
            be relied on, LOCK_MALFORMED if its name is another's.
    """
    from packaging.pylock import PackageArchive, PackageWheel

    is_direct = isinstance(source, PackageArchive)
    filename = _filename(source) if is_direct else None
    if isinstance(source, PackageWheel):
        filename = source.filename
    if filename is None or not filename.endswith(".whl"):
        raise LockError([_no_source(package, source)])
    try:
        parsed = WheelFilename.parse(filename)
    except UnwheelError as error:
        raise LockError(error.problems) from error
    if not _is_of(package, parsed):
        raise LockError([_other_name(package, filename)])
    return Locked(
        name=normalise_name(parsed.name),
        version=parsed.version,
        filename=filename,
        hashes=_hashes(package, source.hashes),
        size=source.size,
        path=source.path or None,
        url=source.url or None,
        is_direct=is_direct,
    )


def _filename(source: Source) -> str:
    """The last part of where an archive is."""
    place = source.path or unquote(urlsplit(source.url or "").path)
    return place.replace("\\", "/").rpartition("/")[2]


def _is_of(package: Package, filename: WheelFilename) -> bool:
    name = normalise_name(filename.name)
    version = package.version
    return name == package.name and (
        version is None or same_version(filename.version, str(version))
    )


def _other_name(package: Package, filename: str) -> Problem:
    return Problem(
        "LOCK_MALFORMED",
        f"{printable(package.name)}: the wheel is of another project",
        found=_short(filename),
    )


def _no_source(package: Package, source: object) -> Problem:
    kinds = {
        "PackageVcs": "a repository",
        "PackageDirectory": "a directory",
        "PackageArchive": "an archive that is no wheel",
        "PackageSdist": "an sdist",
    }
    name = printable(package.name)
    return Problem(
        "LOCK_SOURCE",
        f"{name}: the lock has sources of it, and no wheel for this Python",
        found=kinds.get(type(source).__name__, "something else"),
        expected="a wheel, as a build of it gives",
        accept=f'skip="{name}"',
    )


def _hashes(package: Package, hashes: Mapping[str, str]) -> dict[str, str]:
    """
    The digests that count.

    Raises:
        LockError: LOCK_HASH, if there is none, or one that is none.
    """
    name = printable(package.name)
    strong = {k: v.lower() for k, v in hashes.items() if k in STRONG}
    if not strong:
        raise LockError(
            [
                Problem(
                    "LOCK_HASH",
                    f"{name}: the lock has no digest that can be relied on",
                    found=shown(sorted(hashes)),
                    expected="sha256",
                )
            ]
        )
    for algorithm, digest in strong.items():
        if len(digest) != 2 * STRONG[algorithm] or digest.strip(hexdigits):
            raise LockError(
                [
                    Problem(
                        "LOCK_HASH",
                        f"{name}: this is no {algorithm}",
                        found=_short(digest),
                    )
                ]
            )
    return strong


def _short(text: str) -> str:
    return printable(" ".join(text[:_SHOWN].split()))
