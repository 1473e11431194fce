"""
The destination, asked about what a link may be there (see `links.Host`).

Only looked at, never changed, but for a probe in a private directory.  What is
found can be another thing by the time the link is made; so nothing here makes
writing safe.  It only says what a link would mean if the world stands still.
"""

from __future__ import annotations

import io
import os
import posixpath
import stat
from collections.abc import Callable, Iterator

from .native import Tree
from .places import is_below
from .policy import MIB, LinkPolicy
from .verdicts import AnyHost

# Bounds on what other installers have left: it may be anything.
MOST_RECORD_SIZE = 32 * MIB
MOST_NAMES = 2_000_000

_RECORD_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)  # a FIFO would be waited for
    | getattr(os, "O_CLOEXEC", 0)
)


class Probes:
    """What was found out in one run: by question, and by file system."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, int], bool] = {}

    def ask(self, what: str, device: int, probe: Callable[[], bool]) -> bool:
        """The answer known for *device*, or that of *probe*."""
        key = (what, device)
        if key not in self._answers:
            self._answers[key] = probe()
        return self._answers[key]


class DestinationHost:
    """
    What resolving the links of one wheel asks of its destination.

    Args:
        destination: Where the wheel will be; perhaps there is nothing yet.
        tree: Gives a private directory on the destination's file system, to
            probe in.  Called when a probe is needed, or never.
        policy: Whose `editable_root` is asked about.
        probes: The answers of this run.
    """

    def __init__(
        self,
        destination: str,
        tree: Callable[[], Tree],
        policy: LinkPolicy,
        probes: Probes | None = None,
    ) -> None:
        self._destination = os.path.realpath(destination)
        self._tree = tree
        self._policy = policy
        self._probes = probes or Probes()
        self._owners: dict[str, int] | None = None

    def can_link(self) -> bool:
        """
        Whether symbolic links can be made there.

        Raises:
            DestinationError: If that cannot be found out.
        """
        return self._probes.ask(
            "symlink", self._device(), lambda: self._tree().can_symlink()
        )

    def can_hardlink(self) -> bool:
        """
        Whether hard links can be made there.

        Raises:
            DestinationError: If that cannot be found out.
        """
        return self._probes.ask(
            "hardlink", self._device(), lambda: self._tree().can_hardlink()
        )

    def _device(self) -> int:
        """The file system that the destination is on, or will be."""
        path = self._destination
        while True:
            try:
                return os.stat(path).st_dev
            except OSError:
                path, missing = os.path.dirname(path), path
                if path == missing:  # not even a root
                    return 0

    def editable(self, folder: str, text: str) -> tuple[str, str] | None:
        """
        What the link's *text* leads to, if that is in the editable root.

        Args:
            folder: Of the link, below the destination; '/'-separated.
            text: Absolute, or relative to *folder*.

        Returns:
            "file" or "folder", and its real path, which exists now and is
            that of `LinkPolicy.editable_root` or below it; else None.
        """
        path = os.path.join(self._destination, folder, text)
        return _editable(self._policy.editable_root, path)

    def owned(self, path: str) -> bool:
        """
        Whether *path* is a file of exactly one installed distribution.

        Args:
            path: Below the destination, '/'-separated.

        Returns:
            Whether it is a regular file there, no link is on its way, and the
            RECORD of one ``*.dist-info`` there lists it.
        """
        parts = path.split("/")
        if not all(parts) or {".", ".."} & {*parts}:
            return False
        where = self._destination
        for part in parts[:-1]:
            where = os.path.join(where, part)
            if not stat.S_ISDIR(_mode(where)):
                return False
        if not stat.S_ISREG(_mode(os.path.join(where, parts[-1]))):
            return False
        if self._owners is None:
            self._owners = _owners(self._destination)
        return self._owners.get(path) == 1


class NoDestination(AnyHost):
    """
    The host of who only looks at a wheel: one that can make links.

    What is absolute does not depend on a destination, so it can be told
    whether it is there, in the editable root.

    Args:
        policy: Whose `editable_root` is asked about.
    """

    def __init__(self, policy: LinkPolicy) -> None:
        self._policy = policy

    def editable(self, folder: str, text: str) -> tuple[str, str] | None:  # noqa: ARG002
        """See `DestinationHost.editable`; None if *text* is relative."""
        if not (os.path.isabs(text) or text.startswith("/")):
            return None  # a leading slash is absolute enough on Windows
        return _editable(self._policy.editable_root, text)


def _editable(root: str, path: str) -> tuple[str, str] | None:
    """What *path* is, and its real path, if that is in *root*."""
    if not root:
        return None
    try:
        root, real = os.path.realpath(root), os.path.realpath(path)
        mode = os.stat(real).st_mode
    except (OSError, ValueError):  # not there; or no path at all
        return None
    if not is_below(root, real):
        return None
    if stat.S_ISDIR(mode):
        return "folder", real
    return ("file", real) if stat.S_ISREG(mode) else None


def _owners(destination: str) -> dict[str, int]:
    """
    How many distributions list each name; nothing if there are too many.

    A RECORD that cannot be read, or only in part, owns what could be read of
    it: the question is who else claims a file, and nobody is harmed by a claim
    too few but the wheel that asks.
    """
    owners: dict[str, int] = {}
    for path in _records(destination):
        for name in {*_listed(path)}:
            owners[name] = owners.get(name, 0) + 1
        if len(owners) > MOST_NAMES:
            return {}
    return owners


def _records(destination: str) -> Iterator[str]:
    try:
        with os.scandir(destination) as found:
            for entry in found:
                if entry.name.endswith(".dist-info") and entry.is_dir(
                    follow_symlinks=False
                ):
                    yield os.path.join(entry.path, "RECORD")
    except OSError:
        return


def _listed(path: str) -> Iterator[str]:
    """The names in the RECORD *path*, as far as it can be read."""
    import csv

    text = _read(path).decode("utf-8", "surrogateescape")
    try:
        for row in csv.reader(io.StringIO(text, newline="")):
            if row and row[0]:
                yield posixpath.normpath(row[0])
    except csv.Error:
        return


def _read(path: str) -> bytes:
    """The regular file *path*; nothing if it is none, or too large."""
    try:
        handle = os.open(path, _RECORD_FLAGS)
    except OSError:
        return b""
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return b""
        with open(handle, "rb", closefd=False) as file:
            data = file.read(MOST_RECORD_SIZE + 1)
    except OSError:
        return b""
    finally:
        os.close(handle)
    return data if len(data) <= MOST_RECORD_SIZE else b""


def _mode(path: str) -> int:
    """The mode of *path* itself; 0 if there is nothing."""
    try:
        return os.lstat(path).st_mode
    except (OSError, ValueError):
        return 0
