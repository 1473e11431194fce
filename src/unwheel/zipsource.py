"""
Archives as they lie there: what a member is, where, and all of its bytes.

Python's zipfile cannot copy a member without packing it anew, and zlib packs
the same bytes differently from release to release.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator

from .backend import HOST_UNIX
from .treescan import changed, unreadable
from .values import replace, value
from .zipformat import (
    ALL_16,
    ALL_32,
    CENTRAL,
    CENTRAL_SIGNATURE,
    END,
    END64,
    END_SIGNATURE,
    LOCAL,
    LOCATOR,
    LOCATOR_SIGNATURE,
    STORED,
    not_as_accepted,
    wide_numbers,
    with_offset,
)

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from typing import BinaryIO

_CHUNK = 1 << 18
_TAIL = END.size + ALL_16  # bytes in which the end record begins


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
        return with_offset(self._fixed, self._raw_name, self._extra, offset)


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
        head = self._at(member.start, LOCAL.size)
        name_len, extra_len = LOCAL.unpack(head)[-2:]
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
            raise not_as_accepted() from None

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
            raise not_as_accepted()
        return data

    def _read_directory(self) -> None:
        size = self._file.seek(0, os.SEEK_END)
        tail_len = min(size, _TAIL)
        tail = self._at(size - tail_len, tail_len)
        at = tail.rfind(END_SIGNATURE.to_bytes(4, "little"))
        if at < 0 or len(tail) - at < END.size:
            raise not_as_accepted()
        end = size - tail_len + at
        self.comment = tail[at + END.size :]
        _, _, _, _, count, length, offset, _ = END.unpack_from(tail, at)
        if ALL_32 in (length, offset) or count == ALL_16:
            count, length, offset = self._zip64_end(end, count, length, offset)
        data = self._at(offset, length)
        members = _members(data, count, offset)
        self._members = {member.name: member for member in members}

    def _zip64_end(
        self, end: int, count: int, length: int, offset: int
    ) -> tuple[int, int, int]:
        """The same three numbers, of the ZIP64 record if there is one."""
        if end < LOCATOR.size:
            return count, length, offset
        locator = self._at(end - LOCATOR.size, LOCATOR.size)
        signature, _, where, _ = LOCATOR.unpack(locator)
        if signature != LOCATOR_SIGNATURE:
            return count, length, offset
        record = END64.unpack(self._at(where, END64.size))
        return record[7], record[8], record[9]


def _members(
    directory: bytes, count: int, end: int
) -> tuple[PackedMember, ...]:
    """All members; the last of them ends where the directory begins."""
    members: list[PackedMember] = []
    at = 0
    for _ in range(count):
        if len(directory) - at < CENTRAL.size:
            raise not_as_accepted()
        member, at = _member(directory, at)
        members.append(member)
    starts = sorted(member.start for member in members)
    ends = dict(zip(starts, [*starts[1:], end], strict=True))
    return tuple(replace(m, end=ends[m.start]) for m in members)


def _member(directory: bytes, at: int) -> tuple[PackedMember, int]:
    """The member whose entry is *at* that place, and where the next is."""
    fixed = directory[at : at + CENTRAL.size]
    fields = CENTRAL.unpack(fixed)
    if fields[0] != CENTRAL_SIGNATURE or fields[11]:
        raise not_as_accepted()
    made_by, method, dos_time = fields[1], fields[4], fields[5]
    packed_size, size, external, offset = *fields[7:9], fields[14], fields[15]
    at += CENTRAL.size
    raw_name = directory[at : at + fields[9]]
    at += fields[9]
    extra = directory[at : at + fields[10]]
    at += fields[10]
    # APPNOTE 4.5.3: those that are all ones, in this order.
    size, packed_size, offset = wide_numbers(extra, size, packed_size, offset)
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
