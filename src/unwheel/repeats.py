"""
Files of a wheel that are byte for byte the same, and which of them is real.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from posixpath import basename

from .distinfo import relative_target
from .errors import Problem, printable
from .libraries import library_name, library_version
from .report import FileFact
from .values import value
from .zipsource import PackedArchive


@value
class LinkGroup:
    """
    Files that are one.

    Attributes:
        real: The one that stays.
        links: Those that become links to it, in the order of the archive.
        size: Bytes of each, inflated.
        packed_saved: Bytes that the links save in the archive, headers and
            directory not counted.
        soname: What the shared library calls itself (SONAME, install name),
            or None if it is none.
    """

    real: str
    links: tuple[str, ...]
    size: int
    packed_saved: int
    soname: str | None


def repeats(
    files: Sequence[FileFact], dist_info: str, min_size: int, encoding: str
) -> tuple[list[list[str]], list[Problem]]:
    """Paths of files that are one, and what is to be said of others."""
    alike: dict[tuple[str, str, int, bool], list[str]] = {}
    for file in files:
        scheme = _scheme(file.path, dist_info)
        if file.size >= min_size and scheme is not None:
            key = scheme, file.sha256, file.size, file.executable
            alike.setdefault(key, []).append(file.path)
    groups: list[list[str]] = []
    warnings: list[Problem] = []
    for (scheme, *_), paths in alike.items():
        if len(paths) == 1:
            continue
        if encoding == "links-file" and scheme:
            warnings += _inexpressible(paths)
        else:
            groups.append(paths)
    return groups, warnings


def _scheme(path: str, dist_info: str) -> str | None:
    """
    Where *path* is installed: "" for the root, else "X.data/KEY".

    None for what is to be left alone.
    """
    top, _, rest = path.partition("/")
    key, _, below = rest.partition("/")
    folded = top.casefold()
    if folded == dist_info.casefold():
        return None
    if not folded.endswith(".data") or not rest:
        return ""
    # Installers differ on .data directories that are not the wheel's own.
    own = dist_info.removesuffix(".dist-info") + ".data"
    if top != own or not below or key == "scripts":
        return None
    return f"{top}/{key}"


def _inexpressible(paths: Sequence[str]) -> Iterator[Problem]:
    for path in paths[1:]:
        yield Problem(
            "LINKS_SCHEME",
            "identical to another, but LINKS cannot tell links in .data",
            member=path,
            found=printable(paths[0]),
            accept='encoding="zip"',
        )


def group_of(paths: Sequence[str], source: PackedArchive) -> LinkGroup:
    first = source[paths[0]]
    soname = library_name(source.content(first))
    real = most_versioned(paths, soname)
    links = tuple(path for path in paths if path != real)
    saved = sum(
        source[link].packed_size - len(relative_target(link, real))
        for link in links
    )
    return LinkGroup(real, links, first.size, saved, soname)


def most_versioned(paths: Sequence[str], soname: str | None) -> str:
    """
    Which of *paths* is the real file of a library called *soname*.

    Of ``libfoo.so``, ``libfoo.so.1`` and ``libfoo.so.1.2`` the last, as it is
    where libraries are installed without wheels.  Names with the stem of
    *soname* come first, then longer versions, then greater ones, then the
    first of *paths*.
    """
    stem = library_version(basename(soname))[0] if soname else None

    def rank(path: str) -> tuple[bool, int, tuple[int, ...]]:
        own, version = library_version(basename(path))
        return own == stem, len(version), version

    return max(paths, key=rank)
