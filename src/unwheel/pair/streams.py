"""
The content of members as streams, which know whose it is.

A destination of ours never reads them: it takes the member.  To any other one
they are binary files, inflated as they are read.
"""

from __future__ import annotations

import errno
import io

from ..errors import DestinationError, MismatchError, Problem, UnwheelError
from ..faults import named

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from ..links import Link
    from .opened import Opened

    Row = tuple[str, str, str]


class MemberStream(io.BufferedIOBase):
    """
    One member of an open wheel, to be read.

    Who has read it to its end has read what the archive and RECORD say: the
    last bytes are only given when its CRC-32 and its digest are right.

    Attributes:
        opened: The wheel.
        index: Of the member, in the directory.
        path: Its name.
        digest: Of it, as RECORD says; or "".
        executable: Whether it is.

    Raises:
        CorruptMemberError: If it is not what the archive says.
        MismatchError: If it is not what RECORD says, and the policy verifies.
        SourceError: If the wheel cannot be read.
        ValueError: If it, or its source, is closed.
    """

    def __init__(
        self, opened: Opened, index: int, row: Row, executable: bool
    ) -> None:
        self.opened = opened
        self.index = index
        self.path, self.digest, _ = row
        self.executable = executable
        self._reader: _Reader | None = None
        self._position = 0

    @property
    def is_untouched(self) -> bool:
        """Whether whoever takes it would read the whole content."""
        return self._position == 0 and not self.closed

    def is_called(self, path: str) -> bool:
        """Whether *path* is its name, or the end of it from a slash on."""
        return path == self.path or self.path.endswith(f"/{path}")

    # ------------------------------------------------------------- reading

    def read(self, size: int | None = -1, /) -> bytes:
        """At most *size* bytes; all that are left if it is negative."""
        reader = self._open()
        pieces = []
        left = -1 if size is None else size
        while left:
            piece = reader.piece(self._position, left)
            if not piece:
                break
            pieces.append(piece)
            self._position += len(piece)
            left = max(left - len(piece), 0) if left > 0 else left
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def read1(self, size: int = -1, /) -> bytes:
        """What is at hand, at most *size* bytes."""
        if not size:
            return b""
        piece = self._open().piece(self._position, size)
        self._position += len(piece)
        return piece

    def readline(self, size: int | None = -1, /) -> bytes:
        """Up to and with the next line feed, at most *size* bytes."""
        reader = self._open()
        pieces = []
        left = -1 if size is None else size
        while left:
            piece = reader.piece(self._position, left)
            line = piece[: piece.find(b"\n") + 1] or piece
            pieces.append(line)
            self._position += len(line)
            left = max(left - len(line), 0) if left > 0 else left
            if not line or line.endswith(b"\n"):
                break
        return b"".join(pieces)

    def _open(self) -> _Reader:
        if self.closed:
            raise ValueError("the stream is closed")
        if self.opened.closed:
            raise ValueError("the wheel is closed")
        if self._reader is None:
            self._reader = _Reader(self.opened, self._source())
        return self._reader

    def _source(self) -> int:
        """The member whose content is read."""
        return self.index

    # ------------------------------------------------------------- seeking

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is; but going back inflates again."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go to *offset*; see `io.IOBase.seek`."""
        if self.closed:
            raise ValueError("the stream is closed")
        if whence == io.SEEK_CUR:
            offset += self._position
        elif whence == io.SEEK_END:
            offset += self.opened.plan.entries.sizes[self._source()]
        elif whence != io.SEEK_SET:
            raise ValueError(f"whence: {whence} is none of 0, 1, 2")
        if offset < 0:
            raise ValueError(f"a position before the start: {offset}")
        self._position = offset
        return offset

    def tell(self) -> int:
        """The position, in bytes."""
        return self._position

    def close(self) -> None:
        """Forget what was read.  May be called twice."""
        self._reader = None
        super().close()


class LinkStream(MemberStream):
    """
    A symbolic link of the wheel.

    To who copies bytes it is what it leads to, where the policy lets a copy
    stand in for a link; else reading it is refused.

    Attributes:
        link: What the policy makes of it where links can be made.

    Raises:
        DestinationError: HOST_CANNOT, if nothing may stand in for it.
    """

    def __init__(
        self,
        opened: Opened,
        link: Link,
        target: int | None,
        row: Row,
        executable: bool,
    ) -> None:
        super().__init__(opened, -1, row, executable)
        self.link = link
        self._target = target

    def _source(self) -> int:
        policy = self.opened.policy.link_policy
        copies = policy.host_cannot == "stand-in" and "copy" in (
            policy.stand_ins
        )
        if self._target is None or not copies:
            raise DestinationError(
                [
                    Problem(
                        "HOST_CANNOT",
                        "links cannot be made here",
                        member=self.path,
                        found=self.link.target,
                        accept=None
                        if self._target is None
                        else 'links="portable"',
                    )
                ],
                wheel=self.opened.path,
                errno=errno.ENOTSUP,
            )
        return self._target


class _Reader:
    """The content of one member, piece by piece from its start."""

    def __init__(self, opened: Opened, index: int) -> None:
        self._opened = opened
        self._index = index
        self._size = opened.plan.entries.sizes[index]
        self._rewind()

    def _rewind(self) -> None:
        self._start = 0  # of the piece at hand
        self._piece = b""
        self._chunks = self._opened.archive.chunks(self._index)
        self._expected = self._opened.digests.get(self._index)
        self._failure: UnwheelError | None = None
        if self._expected is not None:
            import hashlib

            self._hash = hashlib.new(self._expected[0])

    def piece(self, position: int, most: int) -> bytes:
        """At most so many bytes from *position* on; none at the end."""
        if position < self._start:
            self._rewind()
        while position >= self._start + len(self._piece):
            if not self._next():
                return b""
        at = position - self._start
        return self._piece[at:] if most < 0 else self._piece[at : at + most]

    def _next(self) -> bool:
        """Go on to the next piece; whether there is one."""
        if self._failure is not None:  # not to be taken for the end
            raise self._failure
        self._start += len(self._piece)
        try:
            self._piece = self._verified()
        except UnwheelError as error:
            self._piece = b""
            self._failure = named(error, self._opened.path)
            raise
        return bool(self._piece)

    def _verified(self) -> bytes:
        """The next piece; the last one only if all of them are right."""
        piece = self._take()
        if not piece or self._start + len(piece) < self._size:
            return piece
        while more := self._take():
            piece += more
        if self._expected is not None:
            self._compare(*self._expected)
            self._expected = None
        return piece

    def _take(self) -> bytes:
        piece = next(self._chunks, b"")
        if self._expected is not None:
            self._hash.update(piece)
        return piece

    def _compare(self, algorithm: str, expected: bytes) -> None:
        found = self._hash.digest()
        if found == expected:
            return
        problem = Problem(
            algorithm.upper(),
            f"{algorithm} is not what RECORD says",
            member=self._opened.plan.entries.names[self._index],
            found=found.hex(),
            expected=expected.hex(),
            accept='record="warn"',
        )
        if self._opened.policy.record != "warn":
            raise MismatchError([problem])
        self._opened.warnings.append(problem)
