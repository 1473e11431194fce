"""
Archives as they are written: new members, and members of others bit for bit.

Python's zipfile cannot copy a member without packing it anew, and zlib packs
the same bytes differently from release to release.  What is written here has
no data descriptor (the sizes go into the local header when they are known),
no gap, and ZIP64 only where a number needs it: the same input makes the same
bytes, and readers that stream and readers that seek see one archive.
"""

from __future__ import annotations

import errno
import os
import stat
import zlib
from collections.abc import Iterable, Iterator
from struct import Struct

from .backend import HOST_UNIX
from .errors import DestinationError, Problem, SourceError
from .native import Tree, os_problem
from .paths import UTF8_FLAG
from .staging import Staging, remove_stale
from .treescan import changed, unreadable
from .values import replace, value

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO, Protocol, TypeVar

    T = TypeVar("T")
else:
    Protocol = object

STORED, DEFLATED = 0, 8  # APPNOTE 4.4.5
EPOCH = 0x0021 << 16  # 1980-01-01 00:00:00, the first of DOS times

_DOS_FIRST, _DOS_LAST = 315532800, 4354819199

_LOCAL = Struct("<IHHHIIIIHH")  # APPNOTE 4.3.7; time and date as one
_CENTRAL = Struct("<IHHHHIIIIHHHHHII")  # 4.3.12
_END = Struct("<IHHHHIIH")  # 4.3.16
_END64 = Struct("<IQHHIIQQQQ")  # 4.3.14
_LOCATOR = Struct("<IIQI")  # 4.3.15
_FIELD = Struct("<HH")  # 4.5.1

_LOCAL_SIGNATURE = 0x04034B50
_CENTRAL_SIGNATURE = 0x02014B50
_END_SIGNATURE = 0x06054B50
_END64_SIGNATURE = 0x06064B50
_LOCATOR_SIGNATURE = 0x07064B50

_ZIP64 = 1  # the tag of its extra field
_ALL_16, _ALL_32 = 0xFFFF, 0xFFFFFFFF
_MOST_16, _MOST_32 = _ALL_16 - 1, _ALL_32 - 1  # the others say "see ZIP64"
_VERSION, _VERSION64 = 20, 45  # needed to extract
_DOS_DIRECTORY = 0x10
_LINK_MODE = stat.S_IFLNK | 0o777
_CHUNK = 1 << 18
# A compressor may make more of what cannot be compressed: deflateBound().
_GROWTH_SHIFT, _GROWTH = 10, 64
_TAIL = _END.size + _ALL_16


@value
class Written:
    """
    A member that has been written.

    Attributes:
        name: As stored.
        size: Bytes, inflated.
        packed_size: Bytes in the archive.
        central: Its entry for the central directory.
    """

    name: str
    size: int
    packed_size: int
    central: bytes


class Output(Protocol):
    """What an archive is written to: a binary file, empty at first."""

    def write(self, data: bytes, /) -> int:
        """Write all of *data*."""

    def seek(self, offset: int, /) -> int:
        """Go to *offset* from the start."""


class Nowhere:
    """An `Output` that keeps nothing: to learn how long it would be."""

    def write(self, data: bytes, /) -> int:
        """Drop *data*."""
        return len(data)

    def seek(self, offset: int, /) -> int:
        """Do nothing."""
        return offset


class ZipWriter:
    """
    Writes one archive, member after member.

    `finish` writes the central directory; its order is that of the calls.
    """

    def __init__(self, output: Output) -> None:
        self._output = output
        self._at = 0
        self.members: list[Written] = []

    def add(
        self,
        name: str,
        chunks: Iterable[bytes],
        *,
        size: int,
        mode: int,
        dos_time: int,
        method: int = DEFLATED,
    ) -> Written:
        """
        Add a member.

        Args:
            name: In UTF-8; that of a directory ends in "/".
            chunks: The content.
            size: How many bytes that will be; without any, it is stored.
            mode: POSIX `st_mode`.
            dos_time: Date << 16 | time (APPNOTE 4.4.6).
            method: STORED or DEFLATED.

        Raises:
            SourceError: If *chunks* are more or less than *size*: the file
                changes while it is read.
        """
        header = _Header(name, size, mode, dos_time, method if size else 0)
        start = self._at
        self._put(header.local())
        crc = count = packed = 0
        packer = _packer(header.method)
        for chunk in chunks:
            crc = zlib.crc32(chunk, crc)
            count += len(chunk)
            if count > size:
                break
            packed += self._put(packer.compress(chunk))
        packed += self._put(packer.flush())
        if count != size:
            raise changed(name)
        header.crc, header.packed_size = crc, packed
        self._patch(start, header.local())
        return self._keep(name, size, packed, header.central(start))

    def link(self, name: str, target: bytes, *, dos_time: int) -> Written:
        """Add a symbolic link, as Info-ZIP writes it: stored, host 3."""
        return self.add(
            name,
            [target],
            size=len(target),
            mode=_LINK_MODE,
            dos_time=dos_time,
            method=STORED,
        )

    def copy(self, member: PackedMember, source: PackedArchive) -> Written:
        """
        Add the *member* of another archive, bit for bit.

        Its local header, its packed bytes and its descriptor if it has one;
        of its entry all but the offset.
        """
        start = self._at
        for chunk in source.raw(member):
            self._put(chunk)
        return self._keep(
            member.name, member.size, member.packed_size, member.entry(start)
        )

    def finish(self, comment: bytes = b"") -> int:
        """Write the central directory; how long the archive is, in bytes."""
        start = self._at
        for member in self.members:
            self._put(member.central)
        self._put(_end(len(self.members), start, self._at - start, comment))
        return self._at

    def _put(self, data: bytes) -> int:
        self._output.write(data)
        self._at += len(data)
        return len(data)

    def _patch(self, offset: int, data: bytes) -> None:
        self._output.seek(offset)
        self._output.write(data)
        self._output.seek(self._at)

    def _keep(
        self, name: str, size: int, packed_size: int, central: bytes
    ) -> Written:
        written = Written(name, size, packed_size, central)
        self.members.append(written)
        return written


class _Packer(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...

    def flush(self) -> bytes: ...


class _Stored:
    def compress(self, data: bytes, /) -> bytes:
        return data

    def flush(self) -> bytes:
        return b""


def _packer(method: int) -> _Packer:
    if method == STORED:
        return _Stored()
    return zlib.compressobj(wbits=-zlib.MAX_WBITS)


class _Header:
    """The headers of a new member; `crc` and `packed_size` come later."""

    def __init__(
        self, name: str, size: int, mode: int, dos_time: int, method: int
    ) -> None:
        self.name = name.encode("utf-8")
        self.flags = 0 if name.isascii() else UTF8_FLAG
        self.mode = mode
        self.dos_time = dos_time
        self.method = method
        self.size = size
        self.crc = self.packed_size = 0
        # Decided before it is packed: the local header cannot grow later.
        most = size + (size >> _GROWTH_SHIFT) + _GROWTH
        self.is_wide = most > _MOST_32

    def local(self) -> bytes:
        """The local header."""
        extra = _zip64_field(self.size, self.packed_size)
        extra = extra if self.is_wide else b""
        return (
            _LOCAL.pack(
                _LOCAL_SIGNATURE,
                *self._common(),
                len(self.name),
                len(extra),
            )
            + self.name
            + extra
        )

    def central(self, offset: int) -> bytes:
        """The entry, of a local header at *offset*."""
        entry = _CENTRAL.pack(
            _CENTRAL_SIGNATURE,
            HOST_UNIX << 8 | self._version(),
            *self._common(),
            len(self.name),
            *(0, 0, 0, 0),  # extra field, comment, disk, internal attributes
            self.mode << 16
            | (_DOS_DIRECTORY if stat.S_ISDIR(self.mode) else 0),
            0,
        )
        extra = _zip64_field(self.size, self.packed_size)
        return _with_offset(
            entry, self.name, extra if self.is_wide else b"", offset
        )

    def _version(self) -> int:
        return _VERSION64 if self.is_wide else _VERSION

    def _common(self) -> tuple[int, ...]:
        """The fields that both headers have, in their order."""
        wide = self.is_wide
        return (
            self._version(),
            self.flags,
            self.method,
            self.dos_time,
            self.crc,
            _ALL_32 if wide else self.packed_size,
            _ALL_32 if wide else self.size,
        )


def _zip64_field(*numbers: int) -> bytes:
    """The extra field that has the *numbers* (APPNOTE 4.5.3)."""
    data = b"".join(number.to_bytes(8, "little") for number in numbers)
    return _FIELD.pack(_ZIP64, len(data)) + data


def _with_offset(
    fixed: bytes, name: bytes, extra: bytes, offset: int
) -> bytes:
    """
    The entry of *fixed* fields, *name* and *extra*, with another *offset*.

    In ZIP64 the offset stays where it is if it is there already: after those
    of the two sizes that are there (APPNOTE 4.5.3).
    """
    fields = list(_CENTRAL.unpack(fixed))
    packed_size, size, told = fields[7], fields[8], fields[15]
    place = 8 * [packed_size, size].count(_ALL_32)
    if told == _ALL_32:
        extra = _patched(extra, place, offset)
    elif offset > _MOST_32:
        fields[15] = _ALL_32
        fields[2] = max(fields[2], _VERSION64)
        extra = _extended(extra, place, offset)
        fields[10] = len(extra)
    else:
        fields[15] = offset
    fields[10] = len(extra)
    return _CENTRAL.pack(*fields) + name + extra


def _fields(extra: bytes) -> Iterator[tuple[int, int, int]]:
    """Tag, start and end of the data of each extra field."""
    at = 0
    while at + _FIELD.size <= len(extra):
        tag, length = _FIELD.unpack_from(extra, at)
        at += _FIELD.size
        yield tag, at, at + length
        at += length


def _patched(extra: bytes, place: int, offset: int) -> bytes:
    for tag, start, _ in _fields(extra):
        if tag == _ZIP64:
            at = start + place
            told = offset.to_bytes(8, "little")
            return extra[:at] + told + extra[at + 8 :]
    raise _not_as_accepted()


def _extended(extra: bytes, place: int, offset: int) -> bytes:
    """The *extra* fields with an offset in that of ZIP64, or with that."""
    told = offset.to_bytes(8, "little")
    for tag, start, end in _fields(extra):
        if tag == _ZIP64:
            data = extra[start : start + place] + told
            head = _FIELD.pack(_ZIP64, len(data))
            return extra[: start - _FIELD.size] + head + data + extra[end:]
    return _zip64_field(offset) + extra


def _end(count: int, offset: int, length: int, comment: bytes) -> bytes:
    """What follows the directory; the ZIP64 records only if needed."""
    wide = count > _MOST_16 or offset > _MOST_32 or length > _MOST_32
    records = b""
    if wide:
        records = _END64.pack(
            _END64_SIGNATURE,
            _END64.size - 12,  # of what follows this field
            HOST_UNIX << 8 | _VERSION64,
            _VERSION64,
            *(0, 0),  # disks
            *(count, count),
            length,
            offset,
        ) + _LOCATOR.pack(_LOCATOR_SIGNATURE, 0, offset + length, 1)
    told = _ALL_16 if wide else count
    return (
        records
        + _END.pack(
            _END_SIGNATURE,
            *(0, 0),
            *(told, told),
            _ALL_32 if wide else length,
            _ALL_32 if wide else offset,
            len(comment),
        )
        + comment
    )


# ------------------------------------------------------ members of others


@value
class PackedMember:
    """
    A member of an archive that the core has accepted, as it lies there.

    Attributes:
        name: As stored.
        size: Bytes, inflated.
        packed_size: Bytes in the archive, without headers.
        method: STORED or DEFLATED.
        mode: POSIX `st_mode`; 0 if its host is not Unix.
        dos_time: Date << 16 | time.
        start: Where its local header begins.
        end: Where what follows it begins.
    """

    name: str
    size: int
    packed_size: int
    method: int
    mode: int
    dos_time: int
    start: int
    end: int
    _fixed: bytes
    _raw_name: bytes
    _extra: bytes

    def entry(self, offset: int) -> bytes:
        """Its entry, when the local header is at *offset*."""
        return _with_offset(self._fixed, self._raw_name, self._extra, offset)


class PackedArchive:
    """
    An archive to copy members from; close it in the end.

    For archives that the core has accepted: members follow each other without
    a gap, entries have no comment, and nothing follows the end record.  What
    is found not to be so has changed since.

    Iterating gives its members in the order of the directory; `archive[name]`
    is the member of that name.

    Attributes:
        comment: That of the archive.

    Raises:
        SourceError: If it cannot be read, or is no longer so.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        try:
            self._file: BinaryIO = open(path, "rb")  # noqa: SIM115
        except OSError as error:
            raise unreadable(error, path) from error
        try:
            self._read_directory()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> PackedArchive:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the file back.  May be called twice."""
        self._file.close()

    def __iter__(self) -> Iterator[PackedMember]:
        return iter(self._members.values())

    def __contains__(self, name: object) -> bool:
        return name in self._members

    def __getitem__(self, name: str) -> PackedMember:
        try:
            return self._members[name]
        except KeyError:
            raise changed(name) from None

    def raw(self, member: PackedMember) -> Iterator[bytes]:
        """Everything of *member* but its entry, in pieces."""
        return self._pieces(member.start, member.end)

    def content(self, member: PackedMember) -> Iterator[bytes]:
        """The content of *member*, inflated, in pieces."""
        head = self._at(member.start, _LOCAL.size)
        name_len, extra_len = _LOCAL.unpack(head)[-2:]
        start = member.start + len(head) + name_len + extra_len
        pieces = self._pieces(start, start + member.packed_size)
        if member.method == STORED:
            yield from pieces
            return
        inflater = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
        try:
            for piece in pieces:
                while piece:
                    yield inflater.decompress(piece, _CHUNK)
                    piece = inflater.unconsumed_tail
            while tail := inflater.decompress(b"", _CHUNK):
                yield tail
        except zlib.error:
            raise _not_as_accepted() from None

    def _pieces(self, start: int, end: int) -> Iterator[bytes]:
        while start < end:
            piece = self._at(start, min(end - start, _CHUNK))
            start += len(piece)
            yield piece

    def _at(self, offset: int, length: int) -> bytes:
        try:
            self._file.seek(offset)
            data = self._file.read(length)
        except OSError as error:
            raise unreadable(error, self._path) from error
        if len(data) != length:
            raise _not_as_accepted()
        return data

    def _read_directory(self) -> None:
        size = self._file.seek(0, os.SEEK_END)
        tail_len = min(size, _TAIL)
        tail = self._at(size - tail_len, tail_len)
        at = tail.rfind(_END_SIGNATURE.to_bytes(4, "little"))
        if at < 0 or len(tail) - at < _END.size:
            raise _not_as_accepted()
        end = size - tail_len + at
        self.comment = tail[at + _END.size :]
        _, _, _, _, count, length, offset, _ = _END.unpack_from(tail, at)
        if _ALL_32 in (length, offset) or count == _ALL_16:
            count, length, offset = self._zip64_end(end, count, length, offset)
        data = self._at(offset, length)
        members = _members(data, count, offset)
        self._members = {member.name: member for member in members}

    def _zip64_end(
        self, end: int, count: int, length: int, offset: int
    ) -> tuple[int, int, int]:
        """The same three numbers, of the ZIP64 record if there is one."""
        if end < _LOCATOR.size:
            return count, length, offset
        locator = self._at(end - _LOCATOR.size, _LOCATOR.size)
        signature, _, where, _ = _LOCATOR.unpack(locator)
        if signature != _LOCATOR_SIGNATURE:
            return count, length, offset
        record = _END64.unpack(self._at(where, _END64.size))
        return record[7], record[8], record[9]


def _members(
    directory: bytes, count: int, end: int
) -> tuple[PackedMember, ...]:
    """All members; the last of them ends where the directory begins."""
    members: list[PackedMember] = []
    at = 0
    for _ in range(count):
        if len(directory) - at < _CENTRAL.size:
            raise _not_as_accepted()
        member, at = _member(directory, at)
        members.append(member)
    starts = sorted(member.start for member in members)
    ends = dict(zip(starts, [*starts[1:], end], strict=True))
    return tuple(replace(m, end=ends[m.start]) for m in members)


def _member(directory: bytes, at: int) -> tuple[PackedMember, int]:
    """The member whose entry is *at* that place, and where the next is."""
    fixed = directory[at : at + _CENTRAL.size]
    fields = _CENTRAL.unpack(fixed)
    if fields[0] != _CENTRAL_SIGNATURE or fields[11]:
        raise _not_as_accepted()
    made_by, method, dos_time = fields[1], fields[4], fields[5]
    packed_size, size, external, offset = *fields[7:9], fields[14], fields[15]
    at += _CENTRAL.size
    raw_name = directory[at : at + fields[9]]
    at += fields[9]
    extra = directory[at : at + fields[10]]
    at += fields[10]
    # APPNOTE 4.5.3: those that are all ones, in this order.
    size, packed_size, offset = _wide(extra, size, packed_size, offset)
    member = PackedMember(
        name=raw_name.decode("utf-8", "surrogateescape"),
        size=size,
        packed_size=packed_size,
        method=method,
        mode=external >> 16 if made_by >> 8 == HOST_UNIX else 0,
        dos_time=dos_time,
        start=offset,
        end=offset,
        _fixed=fixed,
        _raw_name=raw_name,
        _extra=extra,
    )
    return member, at


def _wide(extra: bytes, *numbers: int) -> list[int]:
    """The *numbers*, with those that are all ones from the ZIP64 field."""
    if _ALL_32 not in numbers:
        return list(numbers)
    told = b""
    for tag, start, end in _fields(extra):
        if tag == _ZIP64:
            told = extra[start:end]
            break
    found = []
    for number in numbers:
        if number == _ALL_32:
            if len(told) < 8:
                raise _not_as_accepted()
            number, told = int.from_bytes(told[:8], "little"), told[8:]
        found.append(number)
    return found


# --------------------------------------------------------------- publishing


def write_new(path: str, write: Callable[[str], T]) -> T:
    """
    Make the file *path*, which appears whole or not at all.

    It is written in a private directory beside its place and published by one
    rename that replaces nothing.  What is not published is removed in the
    end, or after a kill by the next run.  Missing folders above are made.

    Args:
        path: Its place.
        write: Writes the file of which it is given the path, which has the
            same name; if it raises, nothing is published.

    Returns:
        What *write* returns.

    Raises:
        DestinationError: If there is something already, or the system
            refuses.
    """
    new = _NewFile(path)
    try:
        try:
            return new.make(write)
        finally:
            new.discard()
    except OSError as error:
        new.discard()
        if isinstance(error, DestinationError):
            raise
        number = error.errno or 0
        raise DestinationError(
            [os_problem(number, f"cannot write {path}")], errno=number
        ) from error
    except BaseException:  # a Ctrl-C that came while it was discarded
        new.discard()
        raise


class _NewFile:
    """What `write_new` makes, and has to remove."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._staging = Staging(path)
        self._private = ""

    def make(self, write: Callable[[str], T]) -> T:
        refuse_existing(self._path)
        parent, name = os.path.split(self._staging.destination)
        remove_stale(parent)
        self._staging.make()
        self._private = self._staging.path
        result = write(os.path.join(self._private, name))
        refuse_existing(self._path)
        tree = Tree(parent)
        try:
            tree.publish(f"{os.path.basename(self._private)}/{name}", name)
        finally:
            tree.close()
        return result

    def discard(self) -> None:
        """Remove the private directory.  May be called twice."""
        if self._private:  # forgotten by a call that was interrupted
            self._staging.path = self._private
        self._staging.discard()
        self._private = ""


def dos_time(seconds: int) -> int:
    """
    Date << 16 | time of *seconds* since 1970, in UTC (APPNOTE 4.4.6).

    Two seconds are one to DOS, whose years are 1980 to 2107; the nearest.
    """
    from time import gmtime

    if seconds < _DOS_FIRST:
        return EPOCH
    when = gmtime(min(seconds, _DOS_LAST))
    date = (when.tm_year - 1980) << 9 | when.tm_mon << 5 | when.tm_mday
    clock = when.tm_hour << 11 | when.tm_min << 5 | when.tm_sec // 2
    return date << 16 | clock


def refuse_existing(path: str) -> None:
    """
    Refuse to write what is there.

    Raises:
        DestinationError: DESTINATION_EXISTS.
    """
    if os.path.lexists(path):
        raise DestinationError(
            [
                Problem(
                    "DESTINATION_EXISTS",
                    "the result is there already",
                    found=path,
                )
            ],
            errno=errno.EEXIST,
        )


# ------------------------------------------------------------------- faults


def _not_as_accepted() -> SourceError:
    return SourceError(
        [Problem("CHANGED", "the archive changed while it was read")]
    )
