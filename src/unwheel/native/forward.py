"""
An archive read from the front, as who gets it through a pipe sees it.
"""

from __future__ import annotations

from ..errors import SourceError
from ..values import value
from .core import (
    CPU,
    c_limits,
    c_path,
    error_of,
    ffi,
    lib,
    member_of,
    new_place,
    release,
)

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ..policy import Limits

# What a walk can come to, by its signature (APPNOTE 4.3).
_SIGNATURES = {0x02014B50: "directory", 0x06064B50: "end", 0x06054B50: "end"}


@value
class LocalEntry:
    """
    A member by its local header (APPNOTE 4.3.7), and what was found there.

    What the header states is what was found, or the walk fails; but with flag
    bit 3, a data descriptor, it may state zeros.

    Attributes:
        name: As stored, decoded as UTF-8; bytes that are not UTF-8 are
            surrogate-escaped.
        method: APPNOTE 4.4.5: 0 stored, 8 deflated.
        flags: General purpose bits, APPNOTE 4.4.4.
        dos_time: Modification time in the DOS format of APPNOTE 4.4.6, date
            in the high and time in the low 16 bits.
        mtime: Seconds since 1970 of Info-ZIP's extended timestamp, or None.
        zip64: Whether the header has a ZIP64 extra field.
        offset: Where the header starts in the archive, in bytes.
        data_offset: Where its data starts, in bytes.
        size: Bytes found, inflated.
        packed_size: Bytes found in the archive.
        crc32: Of the inflated bytes, as found.
        stated_size: Bytes, as the header has it.
        stated_packed_size: Bytes, as the header has it.
        stated_crc32: As the header has it.
        sha256: The digest of the inflated bytes.
        content: The inflated bytes, or None if they were not to be kept.
    """

    name: str
    method: int
    flags: int
    dos_time: int
    mtime: int | None
    zip64: bool
    offset: int
    data_offset: int
    size: int
    packed_size: int
    crc32: int
    stated_size: int
    stated_packed_size: int
    stated_crc32: int
    sha256: bytes
    content: bytes | None = None


@value
class Walk:
    """
    All that a reader from the front sees of an archive.

    Attributes:
        entries: The members, in their order.
        end: Where something begins that is no local header, in bytes.
        kind: What that is, by its signature: the "directory"; the "end"
            record of an archive without one; "nothing", where the file ends;
            or "other".
        signature: Its first four bytes, or as many as there are.
    """

    entries: tuple[LocalEntry, ...]
    end: int
    kind: str
    signature: bytes


class Forward:
    """
    An archive being read from the front, member by member.

    The directory is never looked at.  Memory is bounded by *keep* and a few
    buffers, time is linear in the bytes of the archive and of its content.

    Args:
        path: The archive.
        limits: Those of names, the number and the size of members hold;
            content is given up as soon as it exceeds them.
        descriptors: As `Policy.descriptors`.
        keep: Members of up to so many bytes have their `content`.

    Raises:
        SourceError: If the file cannot be read.
    """

    _memory: Any = None  # what the core reads from, kept alive

    def __init__(
        self,
        path: str,
        limits: Limits,
        *,
        descriptors: str = "signed",
        keep: int = 0,
    ) -> None:
        self._wheel: str | None = path
        self._open(
            lib.uw_forward_open,
            (c_path(path, SourceError),),
            c_limits(limits, descriptors),
            _c_bounds(limits, keep),
        )

    @classmethod
    def from_bytes(
        cls,
        data: bytes,
        limits: Limits,
        *,
        descriptors: str = "signed",
        keep: int = 0,
    ) -> Forward:
        """The same over *data*."""
        self = cls.__new__(cls)
        self._wheel = None
        self._memory = ffi.from_buffer(data)
        self._open(
            lib.uw_forward_open_memory,
            (self._memory, len(data)),
            c_limits(limits, descriptors),
            _c_bounds(limits, keep),
        )
        return self

    def _open(
        self, function: Any, source: tuple[Any, ...], limits: Any, bounds: Any
    ) -> None:
        self._place = new_place("forward")
        self._error = ffi.new("struct uw_error *")
        if function(*source, limits, bounds, CPU, self._place, self._error):
            raise self._failure()

    def _failure(self) -> Exception:
        return error_of(
            self._error,
            wheel=self._wheel,
            member=member_of(self._error),
            ours=SourceError,
        )

    def __iter__(self) -> Iterator[LocalEntry]:
        """
        The members from here on.

        Raises:
            ArchiveError: If a header or a descriptor is malformed, or means
                one thing to some readers and another to others.
            UnsupportedError: If it asks for what wheels do not use.
            UnsafeMemberError: If a name is empty, or has a NUL in it.
            CorruptMemberError: If content is not what its header states, or
                not DEFLATE.
            LimitError: If it is larger than the limits.
            SourceError: If the file cannot be read.
        """
        local = ffi.new("struct uw_local const **")
        while True:
            if lib.uw_forward_next(self._place[0], local, self._error):
                raise self._failure()
            if not local[0]:
                return
            yield _entry(local[0])

    def end(self) -> tuple[int, str, bytes]:
        """Where it came to: see `Walk`, its `end`, `kind`, `signature`."""
        signature = ffi.new("uint32_t *")
        left = ffi.new("uint32_t *")
        offset = lib.uw_forward_end(self._place[0], signature, left)
        kind = _SIGNATURES.get(signature[0], "other") if left[0] else "nothing"
        raw = signature[0].to_bytes(4, "little")
        return offset, kind, raw[: left[0]]

    def close(self) -> None:
        """Give everything back.  May be called twice."""
        place, self._place = self._place, None
        release(place)


def walk(
    path: str,
    limits: Limits,
    *,
    descriptors: str = "signed",
    keep: int = 0,
) -> Walk:
    """
    All that a reader from the front sees of the archive *path*.

    Args and errors are those of `Forward`; content that is kept is all in
    memory at once.
    """
    forward = Forward(path, limits, descriptors=descriptors, keep=keep)
    try:
        return Walk(tuple(forward), *forward.end())
    finally:
        forward.close()


def _c_bounds(limits: Limits, keep: int) -> Any:
    return ffi.new(
        "struct uw_bounds *",
        {
            "member_size": limits.member_size,
            "total_size": limits.total_size,
            "ratio": limits.ratio,
            "ratio_floor": limits.ratio_floor,
            "content_size": keep,
        },
    )


def _entry(local: Any) -> LocalEntry:
    name = bytes(ffi.buffer(local.name, local.name_len))
    stamped = local.facts & lib.UW_ENTRY_MTIME
    content = None
    if local.content:
        content = bytes(ffi.buffer(local.content, local.size))
    return LocalEntry(
        name=name.decode("utf-8", "surrogateescape"),
        method=local.method,
        flags=local.flags,
        dos_time=local.dos_date << 16 | local.dos_time,
        mtime=local.mtime if stamped else None,
        zip64=bool(local.facts & lib.UW_ENTRY_LOCAL_ZIP64),
        offset=local.offset,
        data_offset=local.data_offset,
        size=local.size,
        packed_size=local.packed_size,
        crc32=local.crc32,
        stated_size=local.stated_size,
        stated_packed_size=local.stated_packed_size,
        stated_crc32=local.stated_crc32,
        sha256=bytes(ffi.buffer(local.sha256)),
        content=content,
    )
