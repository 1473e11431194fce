"""
The records of ZIP, as bytes: headers, extra fields, end records (APPNOTE).

Pure; what `zipwriter` writes and `zipsource` reads.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct

from .backend import HOST_UNIX
from .errors import Problem, SourceError

STORED, DEFLATED = 0, 8  # APPNOTE 4.4.5
EPOCH = 0x0021 << 16  # 1980-01-01 00:00:00, the first of DOS times

LOCAL = Struct("<IHHHIIIIHH")  # APPNOTE 4.3.7; time and date as one
CENTRAL = Struct("<IHHHHIIIIHHHHHII")  # 4.3.12
END = Struct("<IHHHHIIH")  # 4.3.16
END64 = Struct("<IQHHIIQQQQ")  # 4.3.14
LOCATOR = Struct("<IIQI")  # 4.3.15
FIELD = Struct("<HH")  # 4.5.1

LOCAL_SIGNATURE = 0x04034B50
CENTRAL_SIGNATURE = 0x02014B50
END_SIGNATURE = 0x06054B50
END64_SIGNATURE = 0x06064B50
LOCATOR_SIGNATURE = 0x07064B50

ZIP64 = 1  # the tag of its extra field
ALL_16, ALL_32 = 0xFFFF, 0xFFFFFFFF
MOST_16, MOST_32 = ALL_16 - 1, ALL_32 - 1  # the others say "see ZIP64"
VERSION, VERSION64 = 20, 45  # needed to extract
_DOS_FIRST, _DOS_LAST = 315532800, 4354819199  # seconds since 1970


def needs_zip64(number: int) -> bool:
    """Whether *number*, a size or an offset, is too large for 32 bits."""
    return number > MOST_32


def zip64_field(*numbers: int) -> bytes:
    """The extra field that has the *numbers* (APPNOTE 4.5.3)."""
    data = b"".join(number.to_bytes(8, "little") for number in numbers)
    return FIELD.pack(ZIP64, len(data)) + data


def with_offset(fixed: bytes, name: bytes, extra: bytes, offset: int) -> bytes:
    """
    The entry of *fixed* fields, *name* and *extra*, with another *offset*.

    In ZIP64 the offset stays where it is if it is there already: after those
    of the two sizes that are there (APPNOTE 4.5.3).
    """
    fields = list(CENTRAL.unpack(fixed))
    packed_size, size, told = fields[7], fields[8], fields[15]
    place = 8 * [packed_size, size].count(ALL_32)
    if told == ALL_32:
        extra = _patched(extra, place, offset)
    elif needs_zip64(offset):
        fields[15] = ALL_32
        fields[2] = max(fields[2], VERSION64)
        extra = _extended(extra, place, offset)
        fields[10] = len(extra)
    else:
        fields[15] = offset
    fields[10] = len(extra)
    return CENTRAL.pack(*fields) + name + extra


def extra_fields(extra: bytes) -> Iterator[tuple[int, int, int]]:
    """Tag, start and end of the data of each extra field."""
    at = 0
    while at + FIELD.size <= len(extra):
        tag, length = FIELD.unpack_from(extra, at)
        at += FIELD.size
        yield tag, at, at + length
        at += length


def _patched(extra: bytes, place: int, offset: int) -> bytes:
    for tag, start, _ in extra_fields(extra):
        if tag == ZIP64:
            at = start + place
            told = offset.to_bytes(8, "little")
            return extra[:at] + told + extra[at + 8 :]
    raise not_as_accepted()


def _extended(extra: bytes, place: int, offset: int) -> bytes:
    """The *extra* fields with an offset in that of ZIP64, or with that."""
    told = offset.to_bytes(8, "little")
    for tag, start, end in extra_fields(extra):
        if tag == ZIP64:
            data = extra[start : start + place] + told
            head = FIELD.pack(ZIP64, len(data))
            return extra[: start - FIELD.size] + head + data + extra[end:]
    return zip64_field(offset) + extra


def wide_numbers(extra: bytes, *numbers: int) -> list[int]:
    """The *numbers*, with those that are all ones from the ZIP64 field."""
    if ALL_32 not in numbers:
        return list(numbers)
    told = b""
    for tag, start, end in extra_fields(extra):
        if tag == ZIP64:
            told = extra[start:end]
            break
    found = []
    for number in numbers:
        if number == ALL_32:
            if len(told) < 8:
                raise not_as_accepted()
            number, told = int.from_bytes(told[:8], "little"), told[8:]
        found.append(number)
    return found


def end_records(count: int, offset: int, length: int, comment: bytes) -> bytes:
    """What follows the directory; the ZIP64 records only if needed."""
    wide = count > MOST_16 or needs_zip64(offset) or needs_zip64(length)
    records = b""
    if wide:
        records = END64.pack(
            END64_SIGNATURE,
            END64.size - 12,  # of what follows this field
            HOST_UNIX << 8 | VERSION64,
            VERSION64,
            *(0, 0),  # disks
            *(count, count),
            length,
            offset,
        ) + LOCATOR.pack(LOCATOR_SIGNATURE, 0, offset + length, 1)
    told = ALL_16 if wide else count
    return (
        records
        + END.pack(
            END_SIGNATURE,
            *(0, 0),
            *(told, told),
            ALL_32 if wide else length,
            ALL_32 if wide else offset,
            len(comment),
        )
        + comment
    )


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


def not_as_accepted() -> SourceError:
    """The error for an archive that the core has accepted otherwise."""
    return SourceError(
        [Problem("CHANGED", "the archive changed while it was read")]
    )
