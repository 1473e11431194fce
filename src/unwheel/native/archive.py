"""
An archive that the core has opened, and the facts of its directory.
"""

from __future__ import annotations

from ..backend import EntryTable
from ..errors import (
    ArchiveError,
    LimitError,
    Problem,
    SourceError,
    UnwheelError,
    more_problems,
)
from .core import (
    CPU,
    ERRORS,
    OK,
    c_limits,
    c_path,
    error_of,
    ffi,
    lib,
    member_of,
    new_place,
    problem_of,
    release,
    sha256,
)

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from ..policy import Limits

    Ints = Sequence[int]
    Seconds = Sequence[int | None]
else:
    Ints = Seconds = object

# Columns of struct uw_entry that are looked at, with their types.
_COLUMNS = {
    "size": "Q",
    "packed_size": "Q",
    "data_offset": "Q",
    "crc32": "I",
    "external_attr": "I",
    "method": "H",
    "flags": "H",
    "made_by": "H",
    "dos_time": "H",
    "dos_date": "H",
    "facts": "I",
    "mtime": "i",
}

# How much longer than its content a short member may honestly be.
_PACKED_MORE = 1024


class NativeArchive:
    """
    An archive opened by the C core (see `backend.Archive`).

    Opening reads the directory and checks every local header against it.

    Attributes:
        judged: SHA-256 of what `read` gave, by index: what was judged by it
            has to be the same when the crew reads it again.

    Raises:
        SourceError: If the file cannot be read.
        ArchiveError: If the container is malformed; all problems are told.
        UnsupportedError: If it uses what wheels do not.
        LimitError: If it is larger than *limits*.
    """

    _memory: Any = None  # what the core reads from, kept alive

    def __init__(
        self, path: str, limits: Limits, descriptors: str = "signed"
    ) -> None:
        place = self._new_place()
        problems = ffi.new("struct uw_problems *")
        status = lib.uw_archive_open(
            c_path(path, SourceError),
            c_limits(limits, descriptors),
            place,
            problems,
        )
        self._take(status, problems, path)

    @classmethod
    def from_bytes(
        cls, data: bytes, limits: Limits, descriptors: str = "signed"
    ) -> NativeArchive:
        """The same over *data*."""
        self = cls.__new__(cls)
        place = self._new_place()
        problems = ffi.new("struct uw_problems *")
        self._memory = ffi.from_buffer(data)
        status = lib.uw_archive_open_memory(
            self._memory,
            len(data),
            c_limits(limits, descriptors),
            place,
            problems,
        )
        self._take(status, problems, None)
        return self

    def _new_place(self) -> Any:
        self._handle: Any = None
        self._place = new_place("archive")
        return self._place

    def _take(self, status: int, problems: Any, path: str | None) -> None:
        if status != OK:
            raise _archive_error(status, problems, path)
        self._handle = self._place[0]
        self.entries = _entry_table(self._handle)
        self.judged: dict[int, bytes] = {}

    def read(self, index: int, limit: int) -> bytes:
        """See `backend.Archive.read`."""
        size = self.entries.sizes[index]
        packed_size = self.entries.packed_sizes[index]
        # A few bytes can be packed as gigabytes of blocks without content.
        if size > limit or packed_size > 2 * limit + _PACKED_MORE:
            raise LimitError(
                [
                    Problem(
                        "MEMBER_TOO_LARGE",
                        "the member is larger than is read into memory",
                        member=self.entries.names[index],
                        found=f"{size} bytes, {packed_size} packed",
                        expected=f"at most {limit}",
                    )
                ]
            )
        data = b"".join(self.chunks(index))
        self.judged[index] = sha256(data)
        return data

    def digest(self, index: int, *algorithms: str) -> dict[str, bytes]:
        """See `backend.Archive.digest`."""
        import hashlib

        hashes = {name: hashlib.new(name) for name in algorithms}
        for chunk in self.chunks(index):
            for state in hashes.values():
                state.update(chunk)
        return {name: state.digest() for name, state in hashes.items()}

    def chunks(self, index: int) -> Iterator[bytes]:
        """
        The content of a member in pieces of at most 128 KiB.

        The one after the last says whether all was what the archive says.

        Raises:
            CorruptMemberError: If it is not.
        """
        error = ffi.new("struct uw_error *")
        reader = new_place("reader")
        got = ffi.new("size_t *")
        member = self.entries.names[index]
        length = min(max(self.entries.sizes[index], 1), 1 << 17)
        buffer = ffi.new("uint8_t[]", length)
        # Kept by this reader: who closes the archive meanwhile, in another
        # thread, only gives up their own hold of it.  A lock would not do,
        # for a Ctrl-C can come while it is held, and then the next one waits.
        place = self._place
        if place is None:
            raise TypeError("the archive is closed")
        try:
            if lib.uw_reader_open(place[0], index, CPU, reader, error):
                raise error_of(error, member=member, ours=SourceError)
            while True:
                if lib.uw_reader_read(reader[0], buffer, length, got, error):
                    raise error_of(error, member=member, ours=SourceError)
                if not got[0]:
                    return
                yield bytes(ffi.buffer(buffer, got[0]))
        finally:
            release(reader)
            place = None  # a traceback may keep this frame

    def close(self) -> None:
        """
        Give everything back.  May be called twice.

        While another thread reads, that is left to the last that does: what
        it reads from must not go away under it.
        """
        self._handle = None
        self._place = None  # which gives it back, if nobody else has it


def _archive_error(status: int, problems: Any, path: str | None) -> Exception:
    if not problems.count:
        return MemoryError("out of memory")
    first = error_of(problems.list[0], wheel=path, ours=SourceError)
    if not isinstance(first, UnwheelError) or isinstance(first, SourceError):
        return first
    count = min(problems.count, lib.UW_PROBLEMS_MAX)
    told = [
        problem_of(problems.list[k], member_of(problems.list[k]))
        for k in range(count)
    ]
    if problems.count > count:
        told.append(more_problems("of the container", problems.count - count))
    kind = ERRORS.get(status, ArchiveError)
    return kind(told, wheel=path)


def _entry_table(handle: Any) -> EntryTable:
    count = lib.uw_archive_count(handle)
    length = ffi.new("size_t *")
    names = lib.uw_archive_names(handle, length)
    table = EntryTable()
    table.names_blob = bytes(ffi.buffer(names, length[0])) if count else b""
    entries = lib.uw_archive_entries(handle)
    size = count * ffi.sizeof("struct uw_entry")
    rows = memoryview(bytes(ffi.buffer(entries, size)) if count else b"")
    column = {name: _column(rows, name) for name in _COLUMNS}
    table.sizes = column["size"].tolist()
    table.packed_sizes = column["packed_size"].tolist()
    table.attributes = column["external_attr"].tolist()
    table.made_by = column["made_by"].tolist()
    table.offsets = column["data_offset"].tolist()
    table.crc32s = column["crc32"].tolist()
    table.methods = column["method"].tolist()
    table.flags = column["flags"].tolist()
    table.dos_times = _DosTimes(column["dos_date"], column["dos_time"])
    table.timestamps = _Timestamps(column["facts"], column["mtime"])
    facts = column["facts"].tolist()
    table.link_fields = _with_fact(facts, lib.UW_ENTRY_LINK_FIELD)
    table.ascii = table.names_blob.isascii()
    text = table.names_blob.decode("utf-8", "surrogateescape")
    table.names = text.split("\0")[:-1]
    table.archive_size = lib.uw_archive_len(handle)
    return table


def _column(rows: memoryview, field: str) -> memoryview:
    """The *field* of each struct uw_entry in *rows*; nothing is copied."""
    code: Any = _COLUMNS[field]
    column = rows.cast(code)
    first = ffi.offsetof("struct uw_entry", field) // column.itemsize
    return column[first :: ffi.sizeof("struct uw_entry") // column.itemsize]


class _DosTimes(Ints):
    """Date << 16 | time of each entry; put together when asked for."""

    def __init__(self, dates: Sequence[int], times: Sequence[int]) -> None:
        self._dates = dates
        self._times = times

    def __len__(self) -> int:
        return len(self._dates)

    def __getitem__(self, index: Any) -> Any:
        return self._dates[index] << 16 | self._times[index]

    def __reduce__(self) -> tuple[Any, ...]:
        """Copied and pickled as what it stands for."""
        return list, (list(self),)


def _with_fact(facts: Sequence[int], bit: int) -> Sequence[int]:
    """The entries whose *facts* have the *bit*; of most wheels, none."""
    if not any(fact & bit for fact in set(facts)):
        return ()
    return [k for k, fact in enumerate(facts) if fact & bit]


class _Timestamps(Seconds):
    """The extended timestamp of each entry; looked up when asked for."""

    def __init__(self, facts: Sequence[int], seconds: Sequence[int]) -> None:
        self._facts = facts
        self._seconds = seconds

    def __len__(self) -> int:
        return len(self._seconds)

    def __getitem__(self, index: Any) -> Any:
        if self._facts[index] & lib.UW_ENTRY_MTIME:
            return self._seconds[index]
        return None

    def __reduce__(self) -> tuple[Any, ...]:
        """Copied and pickled as what it stands for."""
        return list, (list(self),)
