"""
One wheel of a lock file: what is known of it, and whether that is enough.

What the file says is a stranger's word; what is made of it here is a name
that is safe, of the right project, and digests that can be relied on.
"""

from __future__ import annotations

from string import hexdigits
from urllib.parse import unquote, urlsplit

from ..errors import LockError, Problem, UnwheelError, printable
from ..filename import WheelFilename, normalise_name, same_version
from ..metadata import shown
from ..record import ALGORITHMS
from ..values import value

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, TypeAlias

    from packaging.pylock import Package, PackageArchive, PackageWheel

    Source: TypeAlias = "PackageWheel | PackageArchive"

_SHOWN = 400


@value
class Locked:
    """
    One wheel that a lock names.

    Attributes:
        name: Of the distribution, normalized.
        version: As the file name has it.
        filename: Safe as the name of a file.
        hashes: Hexadecimal digests, lower case, by the name of the algorithm
            that `hashlib` has; at least one, all of `record.ALGORITHMS`.
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


def locked_of(package: Package, source: Any) -> Locked:
    """
    The wheel that *source* is, an object that `packaging` has selected.

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
        found=short(filename),
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
    # Whoever can make two files of one MD5 or SHA-1 is not far.
    strong = {k: v.lower() for k, v in hashes.items() if k in ALGORITHMS}
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
        if len(digest) != 2 * ALGORITHMS[algorithm] or digest.strip(hexdigits):
            raise LockError(
                [
                    Problem(
                        "LOCK_HASH",
                        f"{name}: this is no {algorithm}",
                        found=short(digest),
                    )
                ]
            )
    return strong


def short(text: str) -> str:
    """What is shown of a stranger's *text*: one line."""
    return printable(" ".join(text[:_SHOWN].split()))
