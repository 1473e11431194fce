"""
What a backend gives: facts about an archive, judged by nobody yet.

The facts come up once per wheel, as columns; an `Entry` is made only when
somebody asks for one.
"""

from __future__ import annotations

import stat

from .values import value

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Protocol
else:
    Protocol = object

HOST_UNIX = 3  # APPNOTE 4.4.2.2

METHODS = {0: "stored", 8: "deflated"}

# What a DOS time that is no time stands for: 1980-01-01, its first day.
_DOS_EPOCH = 315_532_800


@value
class Entry:
    """
    One entry of the central directory, as stored (APPNOTE 4.3.12).

    Attributes:
        name: As stored, decoded as UTF-8; bytes that are not UTF-8 are
            surrogate-escaped (and refused later).
        size: Bytes, inflated.
        packed_size: Bytes in the archive.
        method: APPNOTE 4.4.5: 0 stored, 8 deflated.
        crc32: Of the inflated bytes.
        mode: POSIX `st_mode` of host-3 entries, 0 for others.
        host: The high byte of "version made by".
        flags: General purpose bits, APPNOTE 4.4.4.
        offset: Where its data starts in the archive, in bytes.
        dos_time: Modification time in the DOS format of APPNOTE 4.4.6, date
            in the high and time in the low 16 bits.
        mtime: The same in seconds since 1970: see `EntryTable.mtime`.
    """

    name: str
    size: int
    packed_size: int
    method: int
    crc32: int
    mode: int
    host: int
    flags: int
    offset: int
    dos_time: int
    mtime: int

    @property
    def type(self) -> str:
        """One of "file", "directory", "link", "other"."""
        return type_of(self.name, self.mode)


def type_of(name: str, mode: int) -> str:
    """What the entry *name* of that POSIX `st_mode` is; see `Entry.type`."""
    kind = stat.S_IFMT(mode)
    if kind == stat.S_IFLNK:
        return "link"
    if name.endswith("/") or kind == stat.S_IFDIR:
        return "directory"
    return "file" if kind in (0, stat.S_IFREG) else "other"


class EntryTable:
    """
    All entries of one archive, as columns in directory order.

    Attributes:
        names: Decoded names.
        sizes: Inflated bytes of each.
        packed_sizes: Bytes in the archive of each.
        crc32s: Of the inflated bytes.
        methods: APPNOTE 4.4.5.
        attributes: External attributes, 32 bits (mode in the high half for
            host 3).
        made_by: "Version made by"; the host in the high byte.
        flags: General purpose bits.
        offsets: Where the data starts, in bytes.
        dos_times: Date << 16 | time.
        link_fields: The indices of entries that have an extra field with the
            name of what a link leads to: PKWARE's 0x000d (APPNOTE 4.5.7) or
            ASi's 0x756e.  No reader of wheels follows it.
        timestamps: Seconds since 1970, of those entries that have Info-ZIP's
            extended timestamp (extra field 0x5455); None for the others.
        archive_size: Bytes of the whole archive.
        ascii: Whether no name has a byte above 0x7F.
        names_blob: All names, NUL after each, as stored.
    """

    __slots__ = (
        "_seconds",
        "archive_size",
        "ascii",
        "attributes",
        "crc32s",
        "dos_times",
        "flags",
        "link_fields",
        "made_by",
        "methods",
        "names",
        "names_blob",
        "offsets",
        "packed_sizes",
        "sizes",
        "timestamps",
    )

    names: Sequence[str]
    sizes: Sequence[int]
    packed_sizes: Sequence[int]
    crc32s: Sequence[int]
    methods: Sequence[int]
    attributes: Sequence[int]
    made_by: Sequence[int]
    flags: Sequence[int]
    offsets: Sequence[int]
    dos_times: Sequence[int]
    link_fields: Sequence[int]
    timestamps: Sequence[int | None]
    archive_size: int
    ascii: bool
    names_blob: bytes

    def __init__(self) -> None:
        # Most members of a wheel have one of a few times.
        self._seconds: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[Entry]:
        return map(self.__getitem__, range(len(self)))

    def __getitem__(self, index: int) -> Entry:
        """The entry at *index*, as a readable object."""
        host = self.made_by[index] >> 8
        return Entry(
            name=self.names[index],
            size=self.sizes[index],
            packed_size=self.packed_sizes[index],
            method=self.methods[index],
            crc32=self.crc32s[index],
            mode=self.mode(index),
            host=host,
            flags=self.flags[index],
            offset=self.offsets[index],
            dos_time=self.dos_times[index],
            mtime=self.mtime(index),
        )

    def mode(self, index: int) -> int:
        """The POSIX `st_mode` at *index*; 0 if its host is not Unix."""
        if self.made_by[index] >> 8 != HOST_UNIX:
            return 0
        return self.attributes[index] >> 16

    def mtime(self, index: int) -> int:
        """
        The time of modification at *index*, in seconds since 1970.

        It is the extended timestamp, if the entry has one.  Else it is the
        DOS time, which has no zone (APPNOTE 4.4.6) and is read as UTC, as
        builders of wheels write it: so it is the same wherever it is read.
        One that is no time, as month 0 or second 62, is 1980-01-01.
        """
        timestamp = self.timestamps[index]
        if timestamp is not None:
            return timestamp
        dos_time = self.dos_times[index]
        if dos_time not in self._seconds:
            self._seconds[dos_time] = _dos_seconds(dos_time)
        return self._seconds[dos_time]


def _dos_seconds(dos_time: int) -> int:
    from datetime import datetime, timezone

    date, time = dos_time >> 16, dos_time & 0xFFFF
    try:
        moment = datetime(
            1980 + (date >> 9),
            date >> 5 & 15,
            date & 31,
            time >> 11,
            time >> 5 & 63,
            (time & 31) * 2,
            tzinfo=timezone.utc,
        )
    except ValueError:
        return _DOS_EPOCH
    return int(moment.timestamp())


class Outcome(Protocol):
    """
    What one order came to.

    Attributes:
        status: `native.OK`, `native.CANCELLED` if it was not done, or another
            number if it failed.
        reason: Why, as a reason code.
        os_error: The number of the system's error, or 0.
        crc32: Of the bytes that were read.
        size: How many.
        offset: Where in the archive it failed, or where the data starts.
        sha256: Of the bytes that were read.
    """

    status: int
    reason: str
    os_error: int
    crc32: int
    size: int
    offset: int
    sha256: bytes


class Outcomes(Protocol):
    """What all orders of a wheel came to."""

    def __getitem__(self, order: int) -> Outcome: ...

    def statuses(self) -> Sequence[int]:
        """The status of every order, in order."""

    def sha256(self, order: int) -> bytes:
        """That of the bytes that the core has read for *order*."""


class Archive(Protocol):
    """An open archive; threads may share it."""

    entries: EntryTable

    def read(self, index: int, limit: int) -> bytes:
        """
        The content of the entry at *index*, checked against its CRC-32.

        Raises:
            LimitError: If it is larger than *limit* bytes.
            CorruptMemberError: If it is not what the archive says.
        """

    def digest(self, index: int, *algorithms: str) -> dict[str, bytes]:
        """
        The digests of the content at *index*, by hashlib's names, streamed.

        Raises:
            CorruptMemberError: If it is not what the archive says.
        """

    def close(self) -> None:
        """Give everything back.  May be called twice."""
