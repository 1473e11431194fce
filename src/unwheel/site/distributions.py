"""
What is installed already, and whose files are whose.

RECORD of an installed distribution is the word of a stranger: a row may name
any file of the machine.  Of its rows only those count that lie, links on the
way resolved, below the directories of the scheme.
"""

from __future__ import annotations

import os
import re
import stat

from ..errors import DestinationError, Problem, UnwheelError, printable
from ..filename import normalise_name
from ..native import os_problem
from ..places import is_below
from ..values import value
from .identity import CACHE

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

_INFO = ".dist-info"
_ESCAPE = "surrogateescape"
# Stands for a NUL, which csv refuses before Python 3.11: nothing that is read
# with `_ESCAPE` has it.
_NUL = "\ud800"
_MOST_METADATA = 1 << 16  # bytes that are read of it; the name comes early

# How installations of setuptools and distutils are called.
_EGG = re.compile(r"(?i)(?P<name>[^-]+)(?:-[^-]+)*\.egg(?:-info|-link)?")


@value
class Installed:
    """
    A distribution that is installed.

    Attributes:
        name: As its folder says it.
        version: As its folder says it.
        dist_info: The path of its ``.dist-info``.
        files: The paths of all its files and links: the rows of RECORD that
            are there, lie below the directories of the scheme and are not
            of the Python itself; all that is in `dist_info`; and the bytecode
            of its sources.
    """

    name: str
    version: str
    dist_info: str
    files: frozenset[str]


def find_installed(places: Mapping[str, str], name: str) -> list[Installed]:
    """
    The distributions called *name* in purelib and platlib.

    There should be one at most; a broken environment has more.

    Args:
        places: The directories of the scheme.
        name: Compared as the specification normalizes names.

    Raises:
        DestinationError: NO_RECORD or EGG if nobody can tell which files are
            its: a package of the system, or of setuptools.
    """
    found = []
    problems: list[Problem] = []
    wanted = normalise_name(name)
    for site in sites_of(places):
        for leaf in _names_like(site, wanted):
            path = os.path.join(site, leaf)
            if _is_of(path, wanted):
                files = files_of(places, path)
                if files is None:
                    problems.append(_no_record(path))
                else:
                    found.append(_installed(path, files))
            elif _is_egg(leaf, wanted):
                problems.append(_egg(path))
    if problems:
        raise DestinationError(problems)
    return found


def check_same(
    places: Mapping[str, str], record: str, installed: Collection[Installed]
) -> None:
    """
    See that *installed* is still all there is of the project of *record*.

    Another process may have installed a version since: both would stay.

    Raises:
        DestinationError: CHANGED.
    """
    leaf = os.path.basename(os.path.dirname(record))
    wanted = normalise_name(_identity(leaf)[0])
    found = {
        path
        for site in sites_of(places)
        for path in (
            os.path.join(site, leaf) for leaf in _names_like(site, wanted)
        )
        if _is_of(path, wanted)
    }
    other = found ^ {each.dist_info for each in installed}
    if other:
        raise DestinationError([_changed(path) for path in sorted(other)])


def sites_of(places: Mapping[str, str]) -> list[str]:
    """The real paths of purelib and platlib, each once."""
    given = [places[key] for key in ("purelib", "platlib") if key in places]
    return list(dict.fromkeys(map(os.path.realpath, dict.fromkeys(given))))


def owner_of(
    places: Mapping[str, str],
    paths: Collection[str],
    without: Collection[str] = (),
) -> dict[str, str]:
    """
    Which distribution has each of *paths*, as far as one has.

    Every RECORD is read for it; one that cannot be read says nothing.

    Args:
        places: The directories of the scheme.
        paths: Real paths of files.
        without: Paths of ``.dist-info`` folders that do not count.

    Returns:
        By path "name version".
    """
    owners: dict[str, str] = {}
    wanted = set(paths)
    if not wanted:
        return owners
    folders: dict[str, str] = {}
    for site in sites_of(places):
        tops = _by_top(site, wanted)
        tokens = {_in_csv(top) for top in tops}
        for leaf in _names_in(site):
            path = os.path.join(site, leaf)
            if not leaf.endswith(_INFO) or path in without:
                continue
            files = set(tops.get(leaf, ()))
            if _mentions(path, tokens):
                rows = _real(_rows_if_any(path), folders)
                files |= wanted.intersection(rows)
            name, version = _identity(leaf)
            owners.update(dict.fromkeys(files, f"{name} {version}".rstrip()))
    return owners


def _by_top(site: str, paths: Iterable[str]) -> dict[str, list[str]]:
    """
    The *paths* by a name that a RECORD in *site* with one of them has in it.

    That of the folder in *site*, or of the file if it is elsewhere.  To look
    for a few names is much faster than to read all rows.
    """
    found: dict[str, list[str]] = {}
    inside = os.path.join(site, "")
    for path in paths:
        if path.startswith(inside):
            top = path[len(inside) :].partition(os.sep)[0]
        else:
            top = os.path.basename(path)
        found.setdefault(top, []).append(path)
    return found


def _in_csv(name: str) -> bytes:
    return name.replace('"', '""').encode("utf-8", _ESCAPE)


def _mentions(dist_info: str, tokens: Collection[bytes]) -> bool:
    try:
        record = os.path.join(dist_info, "RECORD")
        with open(record, "rb", buffering=0) as file:  # it is read at once
            text = file.read()
    except OSError:
        return False
    return any(token in text for token in tokens)


def files_of(
    places: Mapping[str, str], dist_info: str
) -> frozenset[str] | None:
    """
    The files of `Installed`; None if there is no RECORD.

    Raises:
        DestinationError: If there is one that cannot be read.
    """
    if not os.path.lexists(os.path.join(dist_info, "RECORD")):
        return None
    roots = {os.path.realpath(place) for place in places.values()}
    files = set(_inside(dist_info))
    folders: dict[str, str] = {}
    rows = list(_real(_rows(dist_info), folders))
    python = _Python(places)
    allowed = {
        place
        for place in folders.values()
        if any(is_below(root, place) for root in roots)
        and not python.has_all_in(place)
    }
    for row in rows:
        place, leaf = os.path.split(row)
        if place in allowed and not python.has(place, leaf):
            files.add(row)
    files |= set(_bytecode(files))
    return frozenset(filter(_is_there, files))


def _names_in(site: str) -> list[str]:
    try:
        return sorted(os.listdir(site))
    except OSError:  # missing: nothing is installed
        return []


def _identity(leaf: str) -> tuple[str, str]:
    """
    Name and version that the folder *leaf* tells.

    Old tools left dashes in names; there are none in versions.
    """
    name, _, version = leaf.removesuffix(_INFO).rpartition("-")
    return (name, version) if name else (version, "")


def _names_like(site: str, wanted: str) -> list[str]:
    """
    What may be called *wanted* in *site*, by the first letter.

    Others are passed over fast: this is asked for each wheel, and there may
    be hundreds of them.
    """
    firsts = (wanted[:1], wanted[:1].upper(), "-", "_", ".")
    return [name for name in _names_in(site) if name.startswith(firsts)]


def _is_of(path: str, wanted: str) -> bool:
    """
    Whether the folder *path* is that of the project *wanted*.

    METADATA decides where the name of the folder may be read in two ways:
    "a-b-1.dist-info" is of "a-b", and not of "a" in its version "b-1".
    """
    leaf = os.path.basename(path)
    if not leaf.endswith(_INFO) or not normalise_name(leaf).startswith(wanted):
        return False
    name = _said_name(path) or _identity(leaf)[0]
    return normalise_name(name) == wanted


def _said_name(dist_info: str) -> str:
    """The name in METADATA; "" if nobody can tell."""
    from ..metadata import parse_headers

    try:
        with open(os.path.join(dist_info, "METADATA"), "rb") as file:
            fields = parse_headers(file.read(_MOST_METADATA))
    except (OSError, UnwheelError):
        return ""
    return "".join(fields.get("name", [])[:1]).strip()


def _is_egg(leaf: str, wanted: str) -> bool:
    match = _EGG.fullmatch(leaf)
    return match is not None and normalise_name(match["name"]) == wanted


def _installed(dist_info: str, files: frozenset[str]) -> Installed:
    name, version = _identity(os.path.basename(dist_info))
    return Installed(name, version, dist_info, files)


def _rows(dist_info: str) -> list[str]:
    """
    The paths in RECORD, made absolute.

    A ".." is taken as text here, as those who wrote it meant it.

    Raises:
        DestinationError: If it cannot be read, NO_RECORD if it is no CSV.
    """
    import csv

    site = os.path.dirname(dist_info)
    path = os.path.join(dist_info, "RECORD")
    try:
        with open(path, newline="", encoding="utf-8", errors=_ESCAPE) as file:
            lines = (line.replace("\0", _NUL) for line in file)
            rows = [row[0] for row in csv.reader(lines) if row and row[0]]
    except OSError as error:
        number = error.errno or 0
        raise DestinationError(
            [os_problem(number, f"cannot read {printable(path)}")],
            errno=number,
        ) from error
    except csv.Error as error:
        raise DestinationError([_no_record(dist_info)]) from error
    return [
        os.path.normpath(os.path.join(site, row))
        for row in rows
        if _NUL not in row
    ]


def _rows_if_any(dist_info: str) -> list[str]:
    try:
        return _rows(dist_info)
    except DestinationError:
        return []


def _inside(folder: str) -> list[str]:
    """All files and links in *folder*."""
    found = []
    for path, names, files in os.walk(folder):
        links = [n for n in names if os.path.islink(os.path.join(path, n))]
        found += [os.path.join(path, name) for name in [*files, *links]]
    return found


def _real(paths: Iterable[str], folders: dict[str, str]) -> Iterator[str]:
    """
    The *paths*, the links on their way resolved.

    Args:
        folders: Of folders that were resolved; more are noted.
    """
    for path in paths:
        folder, leaf = os.path.split(path)
        if folder not in folders:
            folders[folder] = os.path.realpath(folder)
        if leaf not in ("", ".", ".."):
            yield os.path.join(folders[folder], leaf)


# What makes an environment one: no wheel installs that, whatever an old
# RECORD says, and to remove it breaks all the others.
_PYTHON = re.compile(r"(?i)pythonw?[0-9.]*t?(?:\.exe)?")
_SITES = ("site-packages", "dist-packages")


class _Python:
    """
    What is of the Python itself, in the directories of a scheme.

    That is its program, the file that makes a virtual environment, and the
    standard library, which site-packages is in.
    """

    def __init__(self, places: Mapping[str, str]) -> None:
        real = {key: os.path.realpath(path) for key, path in places.items()}
        self._scripts = real.get("scripts")
        self._data = real.get("data")
        self._sites = [
            site
            for site in sites_of(places)
            if os.path.basename(site) in _SITES
        ]

    def has(self, folder: str, leaf: str) -> bool:
        """Whether *leaf* in the real *folder* is its program, or that file."""
        if folder == self._data and leaf == "pyvenv.cfg":
            return True
        return folder == self._scripts and bool(_PYTHON.fullmatch(leaf))

    def has_all_in(self, folder: str) -> bool:
        """Whether *folder* is in the standard library."""
        return any(
            is_below(os.path.dirname(site), folder)
            and not is_below(site, folder)
            for site in self._sites
        )


def _bytecode(files: Iterable[str]) -> Iterator[str]:
    """The bytecode that there is of the sources among *files*."""
    sources: dict[str, set[str]] = {}
    for path in files:
        if path.endswith(".py"):
            folder, leaf = os.path.split(path)
            sources.setdefault(folder, set()).add(leaf[:-3])
    for folder, stems in sources.items():
        cache = os.path.join(folder, CACHE)
        if os.path.islink(cache):
            continue
        for leaf in _names_in(cache):
            if leaf.endswith(".pyc") and leaf.partition(".")[0] in stems:
                yield os.path.join(cache, leaf)


def _is_there(path: str) -> bool:
    """Whether *path* is a file or a link, and no folder."""
    try:
        return not stat.S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return False


def _changed(path: str) -> Problem:
    return Problem(
        "CHANGED",
        "somebody else has installed or removed it at the same time",
        found=printable(path),
    )


def _no_record(path: str) -> Problem:
    return Problem(
        "NO_RECORD",
        "it has no RECORD that tells which files to replace",
        found=printable(path),
    )


def _egg(path: str) -> Problem:
    return Problem(
        "EGG",
        "it was installed by setuptools or distutils, without a RECORD",
        found=printable(path),
    )
