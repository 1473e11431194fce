"""
A wheel as the package `installer` wants it: every member as a stream.
"""

from __future__ import annotations

import os
from binascii import b2a_base64

from installer.sources import WheelSource as _WheelSource

from ..errors import InvalidWheelError, Problem, RecordError
from ..plan import EXECUTABLE, NO_DIGEST
from ..policy import Policy
from ..values import cached_property
from .opened import Opened
from .streams import LinkStream, MemberStream

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, BinaryIO

    from ..links import Link
    from ..record import Record
    from ..wheel import StrPath

    Row = tuple[str, str, str]
    Content = tuple[Row, BinaryIO, bool]

_DEFAULT = Policy()
_TO_URLSAFE = bytes.maketrans(b"+/", b"-_")

# Outcomes of links by which something has the name of the link.
_NAMED = ("link", "stand-in", "tree", "verbatim")


class ValidationError(RecordError, ValueError):
    """What RECORD says is not so; `issues` are the problems as text."""

    @property
    def issues(self) -> list[str]:
        """Every problem, for people."""
        return [str(problem) for problem in self.problems]


class WheelSource(_WheelSource):
    """
    A wheel, judged before anything of it is given out; a context manager.

    With a destination of ours it installs in one verified, parallel pass.  To
    every other one its streams are ordinary files.

    Args:
        path: The path of a wheel, under its own file name.
        policy: What is allowed.
        at: What is opened instead, if not *path*: the same file, held.

    Raises:
        UnwheelError: If it cannot be read, or the policy refuses it.
    """

    validation_error = ValidationError

    def __init__(
        self,
        path: StrPath,
        *,
        policy: Policy = _DEFAULT,
        at: str | None = None,
    ) -> None:
        self.opened = Opened(os.fsdecode(path), policy, at)
        filename = self.opened.plan.filename
        if filename.is_pybi:
            self.close()
            raise InvalidWheelError(
                [Problem("FILENAME", "not a wheel", found=filename.stem)],
                wheel=self.opened.path,
            )
        super().__init__(filename.name, filename.version)

    @classmethod
    def open(cls, path: StrPath, *, policy: Policy = _DEFAULT) -> WheelSource:
        """See the class."""
        return cls(path, policy=policy)

    def __enter__(self) -> WheelSource:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """
        Let nobody read any more.  May be called twice.

        A destination of ours that has taken members keeps what it needs.
        """
        if not self.opened.closed:
            self.opened.closed = True
            self.opened.let_go()

    # ------------------------------------------------------------ metadata

    @property
    def dist_info_dir(self) -> str:
        """The name of the .dist-info directory."""
        return self.opened.plan.dist_info

    @property
    def data_dir(self) -> str:
        """The name of the .data directory, also if there is none."""
        return self.dist_info_dir.removesuffix(".dist-info") + ".data"

    @property
    def dist_info_filenames(self) -> list[str]:
        """The names of all files below .dist-info, without it."""
        return list(self._dist_info_filenames)

    @cached_property
    def _dist_info_filenames(self) -> tuple[str, ...]:
        prefix = f"{self.dist_info_dir}/"
        return tuple(
            name.removeprefix(prefix)
            for name in self.opened.plan.entries.names
            if name.startswith(prefix) and not name.endswith("/")
        )

    def read_dist_info(self, filename: str) -> str:
        """
        The text of *filename* below .dist-info.

        Raises:
            KeyError: If there is none of that name.
            InvalidWheelError: If it is not UTF-8.
            UnwheelError: If it is not what the archive says, or too large.
        """
        self.opened.check()
        return self.opened.text(f"{self.dist_info_dir}/{filename}")

    # ------------------------------------------------------------- content

    def validate_record(self, *, validate_contents: bool = True) -> None:
        """
        See that RECORD says what is there, also if the policy wants less.

        Who has one of our destinations need not call this: what the policy
        verifies is verified before anything is installed.

        Args:
            validate_contents: Whether to read every member for it, now.

        Raises:
            ValidationError: If anything is not what RECORD says.
            UnwheelError: If anything cannot be read.
        """
        self.opened.check()
        try:
            self.opened.verify(contents=validate_contents)
        except RecordError as error:
            raise ValidationError(error.problems, wheel=error.wheel) from error

    def get_contents(self) -> Iterator[Content]:
        """
        Every file and link: its row, its stream, whether it is executable.

        In the order of the archive.  The row has no digest and no size where
        RECORD has none; that of a link is the one of what it leads to.
        """
        opened, plan = self.opened, self.opened.plan
        opened.check()
        rows = _rows(plan.entries.names, plan.record)
        contents: list[tuple[int, bool, Link | None]] = [
            (index, bool(flag & EXECUTABLE), None)
            for index, flag in zip(
                plan.orders[: plan.files],
                plan.flags[: plan.files],
                strict=True,
            )
        ]
        if plan.links:
            contents += _links(opened, contents)
            contents.sort(key=lambda content: content[0])
        stream: Any
        for index, executable, link in contents:
            if link is None:
                row = rows[index]
                stream = MemberStream(opened, index, row, executable)
            else:
                target = opened.index.get(link.resolved)
                said = ("", "", "") if target is None else rows[target]
                row = (str(link.path), *said[1:])
                stream = LinkStream(opened, link, target, row, executable)
            yield row, stream, executable


def _links(
    opened: Opened, files: Sequence[tuple[int, bool, Link | None]]
) -> Iterator[tuple[int, bool, Link | None]]:
    """The links that will have a name; as executable as their targets."""
    executable = {index for index, flag, _ in files if flag}
    last = len(opened.index)
    for link in opened.plan.links:
        if link.outcome in _NAMED:
            target = opened.index.get(link.resolved, -1)
            at = opened.index.get(str(link.path), last)
            yield at, target in executable, link


def _rows(names: Sequence[str], record: Record | None) -> list[Row]:
    """What RECORD says of each of *names*, as it says it."""
    if record is None:
        return [(name, "", "") for name in names]
    # All at once: 32 bytes and one more are 44 digits, the last of which
    # tells of that one alone.
    known = record.sha256
    found = [known.get(name) for name in names]
    blob = b"".join([(digest or NO_DIGEST) + b"\0" for digest in found])
    digits = _base64(blob)
    hashes = [
        "" if digest is None else "sha256=" + digits[44 * k : 44 * k + 43]
        for k, digest in enumerate(found)
    ]
    if record.other:
        for k, name in enumerate(names):
            if name in record.other:
                algorithm, digest = record.other[name]
                hashes[k] = f"{algorithm}={_base64(digest).rstrip('=')}"
    sizes = [str(record.sizes.get(name, "")) for name in names]
    return list(zip(names, hashes, sizes, strict=True))


def _base64(data: bytes) -> str:
    return b2a_base64(data, newline=False).translate(_TO_URLSAFE).decode()
