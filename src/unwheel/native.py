"""
The C core, and the only module that knows it.  No cdata leaves it.
"""

from __future__ import annotations

import errno as errno_codes
import os

from . import _native
from .backend import EntryTable
from .errors import (
    ArchiveError,
    CorruptMemberError,
    DestinationError,
    LimitError,
    Problem,
    SourceError,
    UnsafeMemberError,
    UnsupportedError,
    UnwheelError,
    more_problems,
)
from .policy import Limits

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    Ints = Sequence[int]
    Seconds = Sequence[int | None]
else:
    Ints = Seconds = object

ffi = _native.ffi
lib = _native.lib

NAME = "native"

EXECUTABLE = int(lib.UW_ORDER_EXECUTABLE)
DIRECTORY = int(lib.UW_ORDER_DIRECTORY)
SHA256 = int(lib.UW_ORDER_SHA256)

OK = int(lib.UW_OK)
CANCELLED = int(lib.UW_ERR_CANCELLED)
MISMATCH = int(lib.UW_ERR_MISMATCH)

# Reason codes by number: UW_WHY_CRC32 is "CRC32".
_REASONS = {
    number: name.removeprefix("UW_WHY_")
    for number, name in ffi.typeof("enum uw_reason").elements.items()
}

_ERRORS: dict[int, type[UnwheelError]] = {
    lib.UW_ERR_ARCHIVE: ArchiveError,
    lib.UW_ERR_UNSUPPORTED: UnsupportedError,
    lib.UW_ERR_LIMIT: LimitError,
    lib.UW_ERR_CORRUPT: CorruptMemberError,
    lib.UW_ERR_NAME: UnsafeMemberError,
}

# The names of `policy.STAND_INS`, in the core's order.
_STAND_INS = {
    "hardlink": int(lib.UW_STAND_HARDLINK),
    "reflink": int(lib.UW_STAND_REFLINK),
    "copy": int(lib.UW_STAND_COPY),
}

# What a caller can do about a refusal, where there is something.
_ACCEPT = {
    "TOO_MANY_ENTRIES": "limits.entries",
    "DIRECTORY_TOO_LARGE": "limits.directory_size",
    "NAME_TOO_LONG": "limits.name_length",
    "DESCRIPTOR_UNSIGNED": 'descriptors="any"',
    "DESCRIPTOR_REFUSED": 'descriptors="signed"',
}

_DESCRIPTORS = {
    "signed": 0,
    "any": int(lib.UW_ALLOW_UNSIGNED_DESCRIPTORS),
    "refuse": int(lib.UW_REFUSE_DESCRIPTORS),
}

# Policy.dedupe by its name.
_DEDUPES = {
    "off": int(lib.UW_DEDUPE_OFF),
    "copy": int(lib.UW_DEDUPE_COPY),
    "hardlink": int(lib.UW_DEDUPE_HARDLINK),
}

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

# What is in a struct uw_result, and its size, which is checked below.
_RESULT = "=iiiIQQ32s"
_RESULT_SIZE = 64

# Where `found` and `expected` are no quantities but patterns of 32 bits.
_PATTERNS = frozenset(
    {"CRC32", "LOCAL_CRC", "LOCAL_SIGNATURE", "DIRECTORY_SIGNATURE"}
)

# How much longer than its content a short member may honestly be.
_PACKED_MORE = 1024


def _cpu() -> int:
    """The CPU's features; UNWHEEL_CPU, for tests, switches some off."""
    mask = os.environ.get("UNWHEEL_CPU")
    features = int(lib.uw_cpu_detect())
    return features if mask is None else features & int(mask, 0)


CPU = _cpu()


# ------------------------------------------------------------------- errors


def _problem(error: Any, member: str | None = None) -> Problem:
    code = _REASONS[error.reason]
    message = ffi.string(error.message).decode("ascii")
    found = expected = None
    if error.found or error.expected:
        form = "{:08x}" if code in _PATTERNS else "{}"
        found, expected = form.format(error.found), form.format(error.expected)
    if error.os_error:
        code = errno_codes.errorcode.get(error.os_error, "OS_ERROR")
        message += f": {os.strerror(error.os_error)}"
    return Problem(
        code=code,
        message=message,
        member=member,
        found=found,
        expected=expected,
        accept=_ACCEPT.get(code),
        offset=error.offset or None,
    )


def _error(
    error: Any,
    *,
    wheel: str | None = None,
    member: str | None = None,
    ours: type[DestinationError] = DestinationError,
) -> Exception:
    """The exception that *error* stands for."""
    if error.status == lib.UW_ERR_MEMORY:
        return MemoryError(ffi.string(error.message).decode("ascii"))
    problem = _problem(error, member)
    kind = _ERRORS.get(error.status)
    if kind is not None:
        return kind([problem], wheel=wheel)
    return ours([problem], wheel=wheel, errno=error.os_error or None)


def os_problem(number: int, what: str, member: str | None = None) -> Problem:
    """The failure *number* of the operating system, as a problem."""
    return Problem(
        code=errno_codes.errorcode.get(number, "OS_ERROR"),
        message=f"{what}: {os.strerror(number)}" if number else what,
        member=member,
    )


def _path(path: str, ours: type[DestinationError] = DestinationError) -> bytes:
    """A caller's *path* for C, which would take a NUL for its end."""
    raw = os.fsencode(path)
    if b"\0" in raw:
        number = errno_codes.EINVAL
        problem = os_problem(number, "a path contains a NUL", path)
        raise ours([problem], errno=number)
    return raw


def _stored(name: str) -> bytes:
    """The *name* of a member, as the archive has it: whatever the locale."""
    raw = name.encode("utf-8", "surrogateescape")
    if b"\0" in raw:
        raise UnsafeMemberError(
            [Problem("NAME_NUL", "the name contains a NUL", member=name)]
        )
    return raw


# ------------------------------------------------------------------ handles


def _place(kind: str) -> Any:
    """
    Where the core puts a handle of *kind*, which goes when the place goes.

    Made before the call that fills it: Ctrl-C may come between any two steps
    of ours, and then nobody else knows of the handle yet.
    """
    return ffi.gc(
        ffi.new(f"struct uw_{kind} **"), getattr(lib, f"uw_{kind}_drop")
    )


def _release(place: Any) -> None:
    """
    Give back what is in *place*, if there is one.

    The owner forgets it first, for whoever cleans up after a Ctrl-C must not
    find a handle that is gone.
    """
    if place is not None:
        ffi.release(place)


# ------------------------------------------------------------------ archive


class NativeArchive:
    """
    An archive opened by the C core (see `backend.Archive`).

    Opening reads the directory and checks every local header against it.

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
        c_limits = _c_limits(limits, descriptors)
        status = lib.uw_archive_open(
            _path(path, SourceError), c_limits, place, problems
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
            _c_limits(limits, descriptors),
            place,
            problems,
        )
        self._take(status, problems, None)
        return self

    def _new_place(self) -> Any:
        self._handle: Any = None
        self._place = _place("archive")
        return self._place

    def _take(self, status: int, problems: Any, path: str | None) -> None:
        if status != OK:
            raise _archive_error(status, problems, path)
        self._handle = self._place[0]
        self.entries = _entry_table(self._handle)

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
        return b"".join(self._chunks(index))

    def digest(self, index: int, *algorithms: str) -> dict[str, bytes]:
        """See `backend.Archive.digest`."""
        import hashlib

        hashes = {name: hashlib.new(name) for name in algorithms}
        for chunk in self._chunks(index):
            for state in hashes.values():
                state.update(chunk)
        return {name: state.digest() for name, state in hashes.items()}

    def _chunks(self, index: int) -> Iterator[bytes]:
        """The content of a member, checked, in pieces of at most 128 KiB."""
        error = ffi.new("struct uw_error *")
        reader = _place("reader")
        got = ffi.new("size_t *")
        member = self.entries.names[index]
        length = min(max(self.entries.sizes[index], 1), 1 << 17)
        buffer = ffi.new("uint8_t[]", length)
        if lib.uw_reader_open(self._handle, index, CPU, reader, error):
            raise _error(error, member=member, ours=SourceError)
        try:
            while True:
                if lib.uw_reader_read(reader[0], buffer, length, got, error):
                    raise _error(error, member=member, ours=SourceError)
                if not got[0]:
                    return
                yield bytes(ffi.buffer(buffer, got[0]))
        finally:
            _release(reader)

    def close(self) -> None:
        """Give everything back.  May be called twice."""
        self._handle = None
        place, self._place = self._place, None
        _release(place)


def _c_limits(limits: Limits, descriptors: str) -> Any:
    return ffi.new(
        "struct uw_limits *",
        {
            "entries": limits.entries,
            "directory_len": limits.directory_size,
            "name_len": limits.name_length,
            "allow": _DESCRIPTORS[descriptors],
        },
    )


def _archive_error(status: int, problems: Any, path: str | None) -> Exception:
    if not problems.count:
        return MemoryError("out of memory")
    first = _error(problems.list[0], wheel=path, ours=SourceError)
    if not isinstance(first, UnwheelError) or isinstance(first, SourceError):
        return first
    count = min(problems.count, lib.UW_PROBLEMS_MAX)
    told = [
        _problem(problems.list[k], _member(problems.list[k]))
        for k in range(count)
    ]
    if problems.count > count:
        told.append(more_problems("of the container", problems.count - count))
    kind = _ERRORS.get(status, ArchiveError)
    return kind(told, wheel=path)


def _member(error: Any) -> str | None:
    name: bytes = ffi.string(error.member)
    return name.decode("utf-8", "surrogateescape") or None


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


# --------------------------------------------------------------------- tree


class Tree:
    """
    A directory below which things are made, through one open handle.

    Nothing below it follows a link.  Names are relative and '/'-separated.

    Raises:
        DestinationError: From every method, with the errno of the call.
    """

    def __init__(self, path: str, *, stepwise: bool = False) -> None:
        self.handle: Any = None
        self._place = _place("tree")
        error = ffi.new("struct uw_error *")
        way = lib.UW_TREE_STEPWISE if stepwise else lib.UW_TREE_BEST
        if lib.uw_tree_open(_path(path), way, self._place, error):
            raise _error(error)
        self.handle = self._place[0]

    def _do(self, name: str, function: Any, *args: Any) -> None:
        error = ffi.new("struct uw_error *")
        if function(self.handle, *args, error):
            raise _error(error, member=name)

    def mkdir(self, name: str) -> None:
        """Make the directory *name* and its missing parents."""
        self._do(name, lib.uw_tree_mkdir, _stored(name))

    def write(self, name: str, data: bytes, *, executable: bool) -> None:
        """Make the new file *name* with *data*."""
        self._do(
            name,
            lib.uw_tree_write,
            _stored(name),
            executable,
            data,
            len(data),
        )

    def put(self, name: str, data: bytes) -> None:
        """Make the file *name* with *data*, or replace it, in one step."""
        self._do(name, lib.uw_tree_put, _stored(name), data, len(data))

    def symlink(self, name: str, target: str) -> None:
        """Make *name* a symbolic link to *target*, in one step."""
        self._do(name, lib.uw_tree_symlink, _stored(name), _stored(target))

    def hardlink(self, name: str, target: str) -> None:
        """Make *name* a second name of the file *target*, in one step."""
        self._do(name, lib.uw_tree_hardlink, _stored(name), _stored(target))

    def stand_in(self, name: str, target: str, ways: Sequence[str]) -> str:
        """
        Make *name* what a link to the file *target* would show, in one step.

        Args:
            ways: Some of `policy.STAND_INS`, tried in its order.  A copy is
                executable if *target* is.

        Returns:
            The way that this file system, and this user, has.
        """
        bits = 0
        for way in ways:
            bits |= _STAND_INS[way]
        made = ffi.new("int *")
        self._do(
            name,
            lib.uw_tree_stand_in,
            _stored(name),
            _stored(target),
            bits,
            made,
        )
        return next(way for way, bit in _STAND_INS.items() if bit == made[0])

    def set_mtime(self, name: str, seconds: int) -> None:
        """
        Set the time of modification, in seconds since 1970.

        Of a link its own; of the root, if *name* is empty.
        """
        self._do(name or ".", lib.uw_tree_set_mtime, _stored(name), seconds)

    def can_symlink(self) -> bool:
        """Whether this file system, and this user, can make symlinks."""
        return self._can(lib.uw_tree_can_symlink)

    def can_hardlink(self) -> bool:
        """Whether they can give a file a second name."""
        return self._can(lib.uw_tree_can_hardlink)

    def _can(self, probe: Any) -> bool:
        error = ffi.new("struct uw_error *")
        answer = probe(self.handle, error)
        if answer < 0:
            raise _error(error)
        return bool(answer)

    def publish(
        self,
        old: str,
        new: str,
        *,
        exchange: bool = False,
        replace: bool = False,
    ) -> None:
        """
        Rename *old* to *new* in one step.

        *new* must be missing or an empty directory.  With *exchange* the two
        are swapped; with *replace* a file or a link called *new* goes, and
        every directory is in the way.
        """
        how = lib.UW_PUBLISH_NEW
        if exchange:
            how = lib.UW_PUBLISH_EXCHANGE
        elif replace:
            how = lib.UW_PUBLISH_REPLACE
        self._do(
            new,
            lib.uw_tree_publish,
            _path(old),
            _path(new),
            how,
        )

    def sync(self) -> None:
        """Flush everything below to the disk."""
        self._do(".", lib.uw_tree_sync)

    def close(self) -> None:
        """Give the handle back.  May be called twice."""
        self.handle = None
        place, self._place = self._place, None
        _release(place)


# ------------------------------------------------------------ crew, batches


class Crew:
    """Threads that are lent to the core; `engine` starts them."""

    def __init__(self) -> None:
        handle = lib.uw_crew_new(CPU)
        if not handle:
            raise MemoryError("out of memory")
        # Freed with the last reference, of which each thread at work has one:
        # not even a Ctrl-C while they are waited for frees it under them.
        self.handle = ffi.gc(handle, lib.uw_crew_free)
        self.batches: set[Batch] = set()  # and what those are about

    def work(self) -> bool:
        """Lend this thread until `dismiss`; False when out of memory."""
        return bool(lib.uw_crew_work(self.handle) == OK)

    def dismiss(self) -> None:
        """Let every lent thread return when there is nothing left to do."""
        lib.uw_crew_dismiss(self.handle)


class Batch:
    """
    One wheel's orders in the hands of a crew.

    Args:
        archive: Where the members are.
        tree: Where files are made, or None to verify only.  Directories that
            hold others are made at once, here; the rest by the crew.
        entries: Indices in the directory, 32-bit, native order.
        flags: A byte of `EXECUTABLE`, `DIRECTORY`, `SHA256` for each.
        digests: 32 bytes for each; those without `SHA256` are not looked at.
        times: The time of modification of each file, in seconds since 1970,
            64-bit, native order; or None to let it be.
        dedupe: Members with the same packed bytes: "off" inflates each;
            "copy" inflates one, and makes the others reflinks or copies of
            it; "hardlink" makes them hard links, where mode and time are the
            same.

    Raises:
        DestinationError: If a directory cannot be made.
    """

    def __init__(
        self,
        archive: NativeArchive,
        tree: Tree | None,
        entries: bytes,
        flags: bytes,
        digests: bytes,
        *,
        times: bytes | None = None,
        dedupe: str = "off",
    ) -> None:
        self._handle: Any = None
        self._crew: Crew | None = None
        self.count = count = len(flags)
        if (len(entries), len(digests)) != (4 * count, 32 * count):
            raise TypeError(f"columns that are not for {count} orders")
        if times is not None and len(times) != 8 * count:
            raise TypeError(f"times that are not for {count} orders")
        self._keep = (archive, tree)
        sheet = ffi.new("struct uw_sheet *")
        sheet.count = self.count
        columns = [ffi.from_buffer(c) for c in (entries, flags, digests)]
        sheet.entries = ffi.cast("uint32_t *", columns[0])
        sheet.flags = ffi.cast("uint8_t *", columns[1])
        sheet.digests = ffi.cast("uint8_t *", columns[2])
        if times is not None:
            columns.append(ffi.from_buffer(times))
            sheet.times = ffi.cast("int64_t *", columns[3])
        sheet.dedupe = _DEDUPES[dedupe]
        self._place = _place("batch")
        error = ffi.new("struct uw_error *")
        handle = ffi.NULL if tree is None else tree.handle
        status = lib.uw_batch_new(
            archive._handle, handle, sheet, self._place, error
        )
        if status:
            raise _error(error)
        self._handle = self._place[0]
        self._progress = ffi.new("struct uw_progress *")

    def give_to(self, crew: Crew) -> None:
        """Have it done by *crew*, which keeps it until it is closed."""
        crew.batches.add(self)
        self._crew = crew
        lib.uw_crew_add(crew.handle, self._handle)

    def run(self, *, cpu: int = CPU) -> None:
        """Do it all on this thread, with these of the CPU's features."""
        error = ffi.new("struct uw_error *")
        if lib.uw_batch_run(self._handle, cpu, error):
            raise _error(error)

    def wait(self, milliseconds: int) -> bool:
        """
        Whether no thread of a crew has it, after at most so long.

        True at once if none ever had it, or it is closed.
        """
        if self._handle is None:
            return True
        return bool(lib.uw_batch_wait(self._handle, milliseconds))

    def cancel(self) -> None:
        """Have the crew drop what is left; `wait` still has to be called."""
        if self._handle is not None:
            lib.uw_batch_cancel(self._handle)

    def progress(self) -> tuple[int, int]:
        """Plain bytes done, members done."""
        lib.uw_batch_progress(self._handle, self._progress)
        return self._progress.bytes, self._progress.members

    def repeats(self) -> tuple[int, int]:
        """
        Members that were not inflated, but are those of another order; bytes.
        """
        lib.uw_batch_progress(self._handle, self._progress)
        return self._progress.repeats, self._progress.repeated

    def failures(self) -> int:
        """How many orders have failed so far."""
        lib.uw_batch_progress(self._handle, self._progress)
        return int(self._progress.failures)

    def results(self) -> bytes:
        """All results, to be read by `result`; for after it has finished."""
        rows = lib.uw_batch_results(self._handle)
        return bytes(ffi.buffer(rows, self.count * _RESULT_SIZE))

    def close(self) -> None:
        """Give it back, when it has finished or was never given away."""
        self._handle = None
        place, self._place = self._place, None
        _release(place)
        if self._crew is not None:
            self._crew.batches.discard(self)
            self._crew = None


def packed(kind: str, numbers: Sequence[int]) -> bytes:
    """The *numbers* as C has them, each a *kind*."""
    return bytes(ffi.buffer(ffi.new(f"{kind}[]", numbers)))


class Result:
    """What one order came to, unpacked from `Batch.results`."""

    __slots__ = (
        "crc32",
        "offset",
        "os_error",
        "reason",
        "sha256",
        "size",
        "status",
    )

    def __init__(self, results: bytes, index: int) -> None:
        from struct import unpack_from

        (
            self.status,
            reason,
            self.os_error,
            self.crc32,
            self.size,
            self.offset,
            self.sha256,
        ) = unpack_from(_RESULT, results, index * _RESULT_SIZE)
        self.reason = _REASONS[reason]


def statuses(results: bytes) -> list[int]:
    """The status of every order, in order."""
    return memoryview(results).cast("i")[:: _RESULT_SIZE // 4].tolist()


# ------------------------------------------------------------------ kernels


def crc32(data: bytes, value: int = 0, *, cpu: int = CPU) -> int:
    """CRC-32 of *data* (APPNOTE 4.4.7), continuing from *value*."""
    return int(lib.uw_crc32(cpu, value, ffi.from_buffer(data), len(data)))


def sha256(data: bytes, *, cpu: int = CPU) -> bytes:
    """SHA-256 of *data* (FIPS 180-4)."""
    state = ffi.new("struct uw_sha256 *")
    digest = ffi.new("uint8_t[32]")
    lib.uw_sha256_init(state, cpu)
    lib.uw_sha256_update(state, ffi.from_buffer(data), len(data))
    lib.uw_sha256_final(state, digest)
    return bytes(ffi.buffer(digest))


def sha256_pair(a: bytes, b: bytes, *, cpu: int = CPU) -> tuple[bytes, bytes]:
    """SHA-256 of two messages at once (FIPS 180-4)."""
    states = ffi.new("struct uw_sha256[2]")
    digests = ffi.new("uint8_t[2][32]")
    for state in (states, states + 1):
        lib.uw_sha256_init(state, cpu)
    lib.uw_sha256_update_pair(
        *(states, ffi.from_buffer(a), len(a)),
        *(states + 1, ffi.from_buffer(b), len(b)),
    )
    lib.uw_sha256_final_pair(states, digests[0], states + 1, digests[1])
    return bytes(ffi.buffer(digests[0])), bytes(ffi.buffer(digests[1]))


class Inflater:
    """
    The streaming DEFLATE decoder (RFC 1951) on its own.

    Args:
        fresh: Bytes of output per span.
        cpu: Which of this CPU's features it may use.
    """

    SPAN = int(lib.UW_INFLATE_SPAN)
    DONE = int(lib.UW_INFLATE_DONE)
    NEED = int(lib.UW_INFLATE_NEED)
    ERROR = int(lib.UW_INFLATE_ERROR)

    def __init__(self, *, fresh: int = 1 << 17, cpu: int = CPU) -> None:
        handle = lib.uw_inflater_new(cpu, fresh)
        if not handle:
            raise MemoryError("out of memory")
        self._handle = ffi.gc(handle, lib.uw_inflater_free)
        self._consumed = ffi.new("size_t *")
        self._length = ffi.new("size_t *")
        self._span = ffi.new("uint8_t const **")
        self._reason = ffi.new("int *")

    def reset(self) -> None:
        """Start over, with a new stream."""
        lib.uw_inflater_reset(self._handle)

    def _run(self, data: Any, length: int) -> int:
        return int(
            lib.uw_inflater_run(
                self._handle,
                data,
                length,
                self._consumed,
                self._span,
                self._length,
                self._reason,
            )
        )

    def run(self, data: bytes) -> tuple[int, int, bytes, str]:
        """
        Decode from *data*: the result, bytes consumed, the span, the reason.

        What was not consumed has to be given again, followed by more.
        """
        result = self._run(ffi.from_buffer(data), len(data))
        span = (
            bytes(ffi.buffer(self._span[0], self._length[0]))
            if self._length[0]
            else b""
        )
        return result, self._consumed[0], span, _REASONS[self._reason[0]]

    def inflate(self, data: bytes) -> int:
        """
        The inflated size of *data*, one whole stream; the bytes are dropped.

        Raises:
            CorruptMemberError: If it is not one whole DEFLATE stream.
        """
        self.reset()
        pointer = ffi.from_buffer("uint8_t[]", data)
        at = size = 0
        result = self.SPAN
        while result == self.SPAN:
            result = self._run(pointer + at, len(data) - at)
            at += self._consumed[0]
            size += self._length[0]
        if result != self.DONE or at != len(data):
            raise CorruptMemberError(
                [Problem(_REASONS[self._reason[0]], "not a DEFLATE stream")]
            )
        return size


if ffi.sizeof("struct uw_result") != _RESULT_SIZE:
    raise ImportError("struct uw_result is not as native.py reads it")
