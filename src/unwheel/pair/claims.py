"""
What an installation puts where, noted while `installer` asks for it.

Nothing is at its place before all is: so the looks that `installer` takes at
the disk, for files that are there already, are taken at these notes as well.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Iterator

    from installer.records import RecordEntry

    from ..links import Link

# Files that a tool adds to .dist-info: its word counts, not the wheel's.
_OF_THE_TOOL = frozenset(("INSTALLER", "REQUESTED", "direct_url.json"))


class Claim:
    """
    One file or link of an installation.

    Attributes:
        scheme: Where it goes; set by who adds it.
        name: Its name on the disk, below the place of the scheme; likewise.
        entry: Its row of RECORD, completed when it is known.
        executable: Whether it is to be, if it is no member.
        index: Of the member that it is, or -1.
        link: That it is, or None.
        data: Its content, if that is no member's, or None.
        aside: Where, in the private directory, content is that was too large
            to keep; or "".
    """

    __slots__ = (
        "aside",
        "data",
        "entry",
        "executable",
        "index",
        "link",
        "name",
        "scheme",
    )

    def __init__(
        self,
        entry: RecordEntry,
        executable: bool = False,
        *,
        index: int = -1,
        link: Link | None = None,
        data: bytes | None = None,
        aside: str = "",
    ) -> None:
        self.scheme = self.name = ""
        self.entry = entry
        self.executable = executable
        self.index = index
        self.link = link
        self.data = data
        self.aside = aside


class Claims:
    """
    All of them, by their real paths.

    Attributes:
        superseded: Those whose place another one was given later.
    """

    def __init__(self) -> None:
        self.superseded: list[Claim] = []
        self._by_path: dict[str, Claim] = {}
        self._missing: set[str] = set()
        self._present: set[str] = set()

    def __iter__(self) -> Iterator[Claim]:
        return iter(self._by_path.values())

    def add(self, path: str, claim: Claim) -> None:
        """Give *path* to *claim*, whoever had it."""
        before = self._by_path.get(path)
        if before is not None:
            self.superseded.append(before)
        self._by_path[path] = claim

    def is_taken(self, path: str) -> bool:
        """
        Whether another one has *path*, and keeps it.

        What the tool says of an installation replaces what the wheel says.
        """
        before = self._by_path.get(path)
        if before is None:
            return False
        folder, _, name = before.name.rpartition("/")
        return not (
            before.index >= 0
            and name in _OF_THE_TOOL
            and folder.endswith(".dist-info")
        )

    def is_there(self, path: str) -> bool:
        """
        Whether there is a file called *path* on the disk.

        A folder that is missing is looked for once, not for each file.  The
        name of the file, and of the folders it is in below its place, follow
        a slash.
        """
        folder = path.rpartition("/")[0]
        if folder in self._missing:
            return False
        if folder not in self._present:
            above = folder.rpartition("/")[0]
            there = above not in self._missing and os.path.isdir(folder)
            (self._present if there else self._missing).add(folder)
        return folder in self._present and os.path.exists(path)
