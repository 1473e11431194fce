"""
Archives as they are written: new members, and members of others bit for bit.

What is written here has no data descriptor (the sizes go into the local
header when they are known), no gap, and ZIP64 only where a number needs it:
the same input makes the same bytes, and readers that stream and readers that
seek see one archive.
"""

from __future__ import annotations

import stat
import zlib
from collections.abc import Iterable

from .backend import HOST_UNIX
from .paths import UTF8_FLAG
from .treescan import changed
from .values import value
from .zipformat import (
    ALL_32,
    CENTRAL,
    CENTRAL_SIGNATURE,
    DEFLATED,
    LOCAL,
    LOCAL_SIGNATURE,
    STORED,
    VERSION,
    VERSION64,
    end_records,
    needs_zip64,
    with_offset,
    zip64_field,
)

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from typing import Protocol

    from .zipsource import PackedArchive, PackedMember
else:
    Protocol = object

_DOS_DIRECTORY = 0x10
_LINK_MODE = stat.S_IFLNK | 0o777
# A compressor may make more of what cannot be compressed: deflateBound().
_GROWTH_SHIFT, _GROWTH = 10, 64


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
        self._put(
            end_records(len(self.members), start, self._at - start, comment)
        )
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
        self.is_wide = needs_zip64(most)

    def local(self) -> bytes:
        """The local header."""
        extra = zip64_field(self.size, self.packed_size)
        extra = extra if self.is_wide else b""
        return (
            LOCAL.pack(
                LOCAL_SIGNATURE,
                *self._common(),
                len(self.name),
                len(extra),
            )
            + self.name
            + extra
        )

    def central(self, offset: int) -> bytes:
        """The entry, of a local header at *offset*."""
        entry = CENTRAL.pack(
            CENTRAL_SIGNATURE,
            HOST_UNIX << 8 | self._version(),
            *self._common(),
            len(self.name),
            *(0, 0, 0, 0),  # extra field, comment, disk, internal attributes
            self.mode << 16
            | (_DOS_DIRECTORY if stat.S_ISDIR(self.mode) else 0),
            0,
        )
        extra = zip64_field(self.size, self.packed_size)
        return with_offset(
            entry, self.name, extra if self.is_wide else b"", offset
        )

    def _version(self) -> int:
        return VERSION64 if self.is_wide else VERSION

    def _common(self) -> tuple[int, ...]:
        """The fields that both headers have, in their order."""
        wide = self.is_wide
        return (
            self._version(),
            self.flags,
            self.method,
            self.dos_time,
            self.crc,
            ALL_32 if wide else self.packed_size,
            ALL_32 if wide else self.size,
        )
