"""
A second opinion on a wheel: its members as libarchive reads them.

What is accepted does not hang on libarchive.  The core has opened the archive,
the plan is made of what it found, and it verifies every member first.  Then
libarchive reads them again: each has to be the entry that the plan knows, with
the very bytes that the core saw.  Those bytes are written, through the core's
tree.
"""

from __future__ import annotations

import errno
import os
import time

from . import native
from .backend import EntryTable, Outcome, Outcomes, type_of
from .errors import DestinationError, UnwheelError
from .libarchive import Header, Reader, ReadingError, spelled_alike

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping, Sequence
    from typing import IO, NoReturn

    from .plan import Plan

# In how many bytes at the end libarchive looks for the end record, from the
# second on; and the size of that.
_TAIL = 16 * 1024
_END_SIZE = 22
_LONGEST_COMMENT = 0xFFFF

_FAILED = -1  # neither done nor cancelled, nor any failure of the core


class Dissent:
    """An order that libarchive, or the system, has another opinion of."""

    def __init__(self, reason: str, text: str, os_error: int) -> None:
        self.status = _FAILED
        self.reason = reason
        self.text = text  # what libarchive says
        self.os_error = os_error
        self.crc32 = self.size = self.offset = 0
        self.sha256 = bytes(32)


class _Both:
    """What orders came to: as the core says, unless there is dissent."""

    def __init__(self, core: Outcomes, dissent: Mapping[int, Dissent]) -> None:
        self._core = core
        self._dissent = dissent

    def __getitem__(self, order: int) -> Outcome:
        return self._dissent.get(order) or self._core[order]

    def statuses(self) -> Sequence[int]:
        """The status of every order, in order."""
        statuses = list(self._core.statuses())
        for order in self._dissent:
            statuses[order] = _FAILED
        return statuses

    def sha256(self, order: int) -> bytes:
        """That of the bytes that the core has read for *order*."""
        return self._core.sha256(order)


class _OurSideError(Exception):
    """No further order is worth a try."""


class RelayBatch:
    """
    One wheel's orders; what `native.Batch` does, by other means.

    When the core is done with its part, whoever waits does the rest, on their
    own thread.  Each member is inflated, also one that repeats another.

    Args:
        core: The same orders, handed to the core, without a tree.
        archive: The one that *plan* was made of.
        tree: Where files are made, or None to verify only.
        plan: What is to be done.
        descriptor: Of the wheel, for libarchive to read; it is closed with
            this.
    """

    def __init__(
        self,
        core: native.Batch,
        archive: native.NativeArchive,
        tree: native.Tree | None,
        plan: Plan,
        descriptor: int,
    ) -> None:
        self._core = core
        self._archive = archive
        self._tree = tree
        self._plan = plan
        self._descriptor: int | None = descriptor
        self.count = len(plan.orders)
        self._steps: Generator[None, None, None] | None = None
        self._begun = False
        self._at = 0  # the order that is next, or under way
        self._size = self._members = 0
        self._dissent: dict[int, Dissent] = {}

    # ----------------------------------------------- what a batch can be asked

    def run(self) -> None:
        """Do it all."""
        self._core.run()
        while not self.wait(1000):
            pass

    def give_to(self, crew: native.Crew) -> None:
        """Have the core's part done by *crew*."""
        self._core.give_to(crew)

    def wait(self, milliseconds: int) -> bool:
        """Go on for so long; whether it is done, or was cancelled."""
        end = time.monotonic() + milliseconds / 1000
        if not self._core.wait(milliseconds):
            return False
        if not self._begun:
            self._begun = True
            self._steps = self._work()
        while self._steps is not None and time.monotonic() < end:
            try:
                next(self._steps)
            except StopIteration:
                self._steps = None
            except BaseException:
                self._steps = None
                raise
        return self._steps is None

    def cancel(self) -> None:
        """Drop what is left."""
        self._begun = True
        self._steps = None
        self._core.cancel()

    def close(self) -> None:
        """Drop what is left, and give everything back."""
        self._steps = None
        self._core.close()
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def progress(self) -> tuple[int, int]:
        """Plain bytes done, by the one and the other; members done."""
        return (self._core.progress()[0] + self._size) // 2, self._members

    def repeats(self) -> tuple[int, int]:
        """None: each member is inflated."""
        return 0, 0

    def failures(self) -> int:
        """How many orders have failed so far."""
        return self._core.failures() + len(self._dissent)

    def outcomes(self) -> Outcomes:
        """What they came to; for after it has finished."""
        return _Both(self._core.outcomes(), self._dissent)

    # ----------------------------------------------------------------- the way

    def _work(self) -> Generator[None, None, None]:
        """Do all of it, a block of content at a time."""
        self._outcomes = self._core.outcomes()
        if {*self._outcomes.statuses()} - {native.OK, native.MISMATCH}:
            return  # the wheel is refused, whatever libarchive thinks of it
        assert self._descriptor is not None
        try:
            self._make_directories()
            with (
                _Seekable(self._descriptor) as shown,
                Reader(shown.descriptor) as reader,
            ):
                yield from self._entries(reader)
        except ReadingError as error:
            self._complain(error)
        except _OurSideError:
            return

    def _make_directories(self) -> None:
        if self._tree is None:
            return
        for order in range(self._plan.files, self.count):
            self._at = order
            try:
                self._tree.mkdir(self._name().rstrip("/"))
            except DestinationError as error:
                self._stop(error.errno)
        self._at = 0

    def _entries(self, reader: Reader) -> Generator[None, None, None]:
        """Take every entry, in the order of the file."""
        plan = self._plan
        offsets = plan.entries.offsets
        orders = {index: order for order, index in enumerate(plan.orders)}
        for index in sorted(range(len(offsets)), key=offsets.__getitem__):
            order = orders.get(index)
            if order is not None:
                self._at = order
            header = reader.next()
            if wrong := _disagreement(header, plan, index):
                if order is None:  # told with the order before it
                    wrong = f"link {plan.entries.names[index]!r}: {wrong}"
                raise ReadingError(wrong, fatal=True)
            assert header is not None
            if order is None:  # a link: those are made later, by others
                continue
            if order < plan.files:
                yield from self._member(header, reader)
                self._members += 1
        if reader.next() is not None:
            raise ReadingError("it has one more entry", fatal=True)

    def _member(
        self, header: Header, reader: Reader
    ) -> Generator[None, None, None]:
        """Have one member read, measured and written; the others go on."""
        blocks: Iterable[bytes] = reader.blocks()
        if header.kind == "link":  # whose text a file shall have
            blocks = self._text(header)
        try:
            yield from self._drain(blocks)
        except ReadingError as error:
            if error.fatal or error.os_error:
                raise
            self._object(error.text)

    def _text(self, header: Header) -> Iterable[bytes]:
        """The target of a link, as the archive has it."""
        index = self._plan.orders[self._at]
        try:
            text = self._archive.read(index, self._plan.entries.sizes[index])
        except UnwheelError as error:  # it was another one a moment ago
            number = getattr(error, "errno", None) or 0
            raise ReadingError(
                str(error), os_error=number, fatal=True
            ) from error
        # In C a text ends at a NUL.
        if not spelled_alike(header.target, text.partition(b"\0")[0]):
            raise ReadingError("it reads another target", fatal=True)
        return (text,)

    def _drain(self, blocks: Iterable[bytes]) -> Generator[None, None, None]:
        """Measure a member, and write it."""
        from hashlib import sha256

        size = 0
        stated = self._plan.entries.sizes[self._plan.orders[self._at]]
        state = sha256()
        file = self._create()
        try:
            for block in blocks:
                size += len(block)
                if size > stated:  # a bomb, but for the core
                    raise ReadingError("it gives more bytes", fatal=False)
                state.update(block)
                self._size += len(block)
                if file is not None:
                    file.write(block)
                yield
            if state.digest() != self._outcomes[self._at].sha256:
                raise ReadingError("it gives other bytes", fatal=False)
            self._finish(file)
        except DestinationError as error:
            self._stop(error.errno)
        finally:
            if file is not None:
                file.discard()

    def _create(self) -> native.NewFile | None:
        if self._tree is None:
            return None
        executable = self._plan.flags[self._at] & native.EXECUTABLE
        try:
            return self._tree.create(self._name(), executable=bool(executable))
        except DestinationError as error:
            self._stop(error.errno)

    def _finish(self, file: native.NewFile | None) -> None:
        if file is None or self._tree is None:
            return
        file.finish()
        if self._plan.times is not None:
            self._tree.set_mtime(self._name(), self._plan.times[self._at])

    # ---------------------------------------------------------------- failures

    def _complain(self, error: ReadingError) -> None:
        """Note that libarchive says no more, at the order that it was at."""
        assert self._descriptor is not None
        archive_size = self._plan.entries.archive_size
        if error.os_error:
            self._fail("SOURCE_READ", os_error=error.os_error)
        elif os.fstat(self._descriptor).st_size < archive_size:
            self._fail("SOURCE_TRUNCATED")
        else:
            self._object(error.text)

    def _object(self, text: str) -> None:
        self._fail("LIBARCHIVE", text)

    def _fail(self, reason: str, text: str = "", os_error: int = 0) -> None:
        self._dissent[self._at] = Dissent(reason, text, os_error)

    def _stop(self, number: int | None) -> NoReturn:
        """End it: the system has refused to write, with this *number*."""
        self._fail("", os_error=number or errno.EIO)
        raise _OurSideError

    def _name(self) -> str:
        return self._plan.entries.names[self._plan.orders[self._at]]


def _disagreement(header: Header | None, plan: Plan, index: int) -> str | None:
    """Say how the entry at *index* is another one to libarchive, if it is."""
    if header is None:
        return "it ends before this entry"
    if header.warning is not None:
        return header.warning
    entries = plan.entries
    name = entries.names[index].encode("utf-8", "surrogateescape")
    if not spelled_alike(header.name, name):
        return f"it reads another name, {header.name!r}"
    if header.kind != _kind(entries, index):
        return f"it reads another type, {header.kind}"
    size = entries.sizes[index]
    if header.kind == "file" and header.size not in (size, None):
        return f"it reads another size, {header.size} bytes"
    return None


def _kind(entries: EntryTable, index: int) -> str:
    """The type of an accepted entry: that of its mode, or of its name."""
    return type_of(entries.names[index], entries.mode(index))


# --------------------------------------------------------------- the source


def opened(path: str) -> int:
    """
    A descriptor of the wheel at *path*, for a `RelayBatch`.

    Raises:
        OSError: If it cannot be opened.
    """
    flags = os.O_RDONLY
    # Nobody waits for whoever would write into a FIFO.
    for name in ("O_CLOEXEC", "O_NONBLOCK", "O_BINARY"):
        flags |= getattr(os, name, 0)
    return os.open(path, flags)


class _Seekable:
    """
    An accepted archive with its end where libarchive looks for it.

    That is in the last 16 KiB.  One with a longer comment is copied without
    it: the core has seen that it is a comment, and holds no record.

    Args:
        descriptor: Of the archive; it stays the caller's.
    """

    def __init__(self, descriptor: int) -> None:
        self._copy: IO[bytes] | None = None
        self.descriptor = descriptor

    def __enter__(self) -> _Seekable:
        end = _end_of_record(self.descriptor)
        if end is not None:
            from tempfile import TemporaryFile

            self._copy = TemporaryFile()
            _copy(self.descriptor, self._copy, end)
            self._copy.flush()
            self._copy.seek(0)
            self.descriptor = self._copy.fileno()
        return self

    def __exit__(self, *_: object) -> None:
        if self._copy is not None:
            self._copy.close()


def _end_of_record(descriptor: int) -> int | None:
    """Where the end record ends, if libarchive would not find it."""
    size = os.fstat(descriptor).st_size
    start = max(0, size - _END_SIZE - _LONGEST_COMMENT)
    os.lseek(descriptor, start, os.SEEK_SET)
    tail = os.read(descriptor, size - start)
    os.lseek(descriptor, 0, os.SEEK_SET)
    at = tail.rfind(b"PK\5\6")
    if at < 0 or len(tail) - at < _TAIL:
        return None
    return start + at + _END_SIZE


def _copy(descriptor: int, file: IO[bytes], size: int) -> None:
    while size and (data := os.read(descriptor, min(size, 1 << 20))):
        file.write(data)
        size -= len(data)
