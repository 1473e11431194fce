"""
Archives and wheels, honest unless told to lie in a named field.

An :class:`ArchiveBuilder` writes what it is told, in the order in which it is
told, and every method gives the builder back::

    ArchiveBuilder().file("a.txt", b"hello").directory("d/").build()

**A lie** is a field that says something else than the truth.  It is a value,
or a function of the truth; what depends on the field stays as it was::

    builder.file("a", b"hello", local={"crc32": 1})
    builder.file("a", b"hello", central={"size": lambda size: size + 1})
    builder.end(count=3, comment=b"bye")

============  =============================================================
``local``     signature version_needed flags method dos_time dos_date crc32
              packed_size size name_len extra_len name extra
``central``   the same, and made_by comment_len disk internal_attr
              external_attr header_offset comment
descriptor    signature crc32 packed_size size (``described={...}``)
``end``       signature disk directory_disk count_here count directory_len
              directory_offset comment_len comment
record        ``zip64(record={...})``: signature record_len made_by
              version_needed disk directory_disk count_here count
              directory_len directory_offset extensible
locator       ``zip64(locator={...})``: signature disk record_offset disks
============  =============================================================

``name``, ``extra`` and ``comment`` are bytes, and their lengths follow them.
Strings that are no part of any structure go in by :meth:`~ArchiveBuilder.put`
and by ``gap=`` before a member.

A :class:`WheelBuilder` adds ``METADATA``, ``WHEEL`` and a true ``RECORD`` to
its members, and knows the wheel's file name::

    WheelBuilder("demo", "1.0").file("demo.py", b"x = 1").write(tmp_path)
"""

from __future__ import annotations

import base64
import hashlib
import stat
import struct
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

STORED = 0
DEFLATED = 8

ALL_16 = 0xFFFF
ALL_32 = 0xFFFFFFFF

FLAG_DESCRIPTOR = 1 << 3
FLAG_UTF8 = 1 << 11

UNIX = 3

Lies = Mapping[str, Any]
Extra = bytes | Iterable[tuple[int, bytes]]
Builder = TypeVar("Builder", bound="ArchiveBuilder")
Wheel = TypeVar("Wheel", bound="WheelBuilder")

# name and struct code of the fields of each record, in order
LOCAL_FIELDS = (
    ("signature", "I"),
    ("version_needed", "H"),
    ("flags", "H"),
    ("method", "H"),
    ("dos_time", "H"),
    ("dos_date", "H"),
    ("crc32", "I"),
    ("packed_size", "I"),
    ("size", "I"),
    ("name_len", "H"),
    ("extra_len", "H"),
)
CENTRAL_FIELDS = (
    ("signature", "I"),
    ("made_by", "H"),
    *LOCAL_FIELDS[1:],
    ("comment_len", "H"),
    ("disk", "H"),
    ("internal_attr", "H"),
    ("external_attr", "I"),
    ("header_offset", "I"),
)
END_FIELDS = (
    ("signature", "I"),
    ("disk", "H"),
    ("directory_disk", "H"),
    ("count_here", "H"),
    ("count", "H"),
    ("directory_len", "I"),
    ("directory_offset", "I"),
    ("comment_len", "H"),
)
RECORD_FIELDS = (
    ("signature", "I"),
    ("record_len", "Q"),
    ("made_by", "H"),
    ("version_needed", "H"),
    ("disk", "I"),
    ("directory_disk", "I"),
    ("count_here", "Q"),
    ("count", "Q"),
    ("directory_len", "Q"),
    ("directory_offset", "Q"),
)
LOCATOR_FIELDS = (
    ("signature", "I"),
    ("disk", "I"),
    ("record_offset", "Q"),
    ("disks", "I"),
)

# where put() can put bytes
PLACES = (
    "prefix",  # offsets count it: the archive knows that it is there
    "stub",  # before everything, and no offset counts it
    "before_directory",
    "after_directory",
    "after_record",
    "after_locator",
    "after_end",
)


def extra_field(tag: int, data: bytes) -> bytes:
    """One record of an extra field (APPNOTE 4.5.1)."""
    return struct.pack("<HH", tag, len(data)) + data


def deflated(data: bytes, level: int = 6) -> bytes:
    """The *data* as a raw DEFLATE stream."""
    packer = zlib.compressobj(level, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def _extra_bytes(extra: Extra) -> bytes:
    if isinstance(extra, bytes):
        return extra
    return b"".join(extra_field(tag, data) for tag, data in extra)


def _lied(truth: dict[str, Any], lies: Lies) -> dict[str, Any]:
    """The *truth*, with the *lies* in their places."""
    unknown = lies.keys() - truth.keys()
    assert not unknown, f"no such field: {sorted(unknown)}"
    return truth | {
        name: lie(truth[name]) if callable(lie) else lie
        for name, lie in lies.items()
    }


def _with_lengths(truth: dict[str, Any], lies: Lies) -> dict[str, Any]:
    """Variable fields first: their lengths follow them, and may lie too."""
    names = [name for name in ("name", "extra", "comment") if name in truth]
    told = _lied(truth, {n: lie for n, lie in lies.items() if n in names})
    told |= {f"{name}_len": len(told[name]) for name in names}
    return _lied(told, {n: lie for n, lie in lies.items() if n not in names})


def _packed(
    fields: Iterable[tuple[str, str]], values: Mapping[str, Any]
) -> bytes:
    return b"".join(
        struct.pack("<" + code, values[name]) for name, code in fields
    )


@dataclass
class Member:
    """What is to be written for one member, and where it came to lie."""

    name: bytes
    data: bytes
    packed: bytes
    method: int
    flags: int
    external_attr: int
    made_by: int
    dos_time: int
    dos_date: int
    zip64: str
    local: Lies
    central: Lies
    local_extra: bytes
    central_extra: bytes
    descriptor: str | bytes | None
    described: Lies
    gap: bytes
    listed: bool
    written: bool
    header_offset: int = 0
    data_offset: int = 0
    descriptor_offset: int = 0
    entry_offset: int = 0

    @property
    def path(self) -> str:
        """The name, as text that can be written back."""
        return self.name.decode("utf-8", "surrogateescape")

    def _is_zip64(self, header: str) -> bool:
        return self.zip64 in ("both", header)

    def _common(self) -> dict[str, Any]:
        return {
            "version_needed": 45 if self.zip64 else 20,
            "flags": self.flags,
            "method": self.method,
            "dos_time": self.dos_time,
            "dos_date": self.dos_date,
            "crc32": zlib.crc32(self.data),
            "packed_size": len(self.packed),
            "size": len(self.data),
            "name": self.name,
        }

    def local_header(self) -> bytes:
        """The local header (APPNOTE 4.3.7)."""
        truth = self._common() | {
            "signature": 0x04034B50,
            "extra": self.local_extra,
        }
        if self.descriptor is not None and self.method != STORED:
            truth |= {"crc32": 0, "packed_size": 0, "size": 0}
        if self._is_zip64("local"):
            wide = struct.pack("<QQ", truth["size"], truth["packed_size"])
            truth["extra"] = extra_field(1, wide) + truth["extra"]
            truth |= {"packed_size": ALL_32, "size": ALL_32}
        told = _with_lengths(truth, self.local)
        return _packed(LOCAL_FIELDS, told) + told["name"] + told["extra"]

    def entry(self) -> bytes:
        """The entry of the central directory (APPNOTE 4.3.12)."""
        truth = self._common() | {
            "signature": 0x02014B50,
            "made_by": self.made_by,
            "disk": 0,
            "internal_attr": 0,
            "external_attr": self.external_attr,
            "header_offset": self.header_offset,
            "extra": self.central_extra,
            "comment": b"",
        }
        if self._is_zip64("central"):
            wide = ("size", "packed_size", "header_offset")
            values = struct.pack("<QQQ", *(truth[name] for name in wide))
            truth["extra"] = extra_field(1, values) + truth["extra"]
            truth |= dict.fromkeys(wide, ALL_32)
        told = _with_lengths(truth, self.central)
        return (
            _packed(CENTRAL_FIELDS, told)
            + told["name"]
            + told["extra"]
            + told["comment"]
        )

    def trailer(self) -> bytes:
        """The data descriptor, if any (APPNOTE 4.3.9)."""
        if self.descriptor is None or isinstance(self.descriptor, bytes):
            return self.descriptor or b""
        kind = self.descriptor
        wide = kind.endswith("64") or (
            self._is_zip64("local") and not kind.endswith("32")
        )
        size = "Q" if wide else "I"
        fields = [("crc32", "I"), ("packed_size", size), ("size", size)]
        if kind.startswith("signed"):
            fields.insert(0, ("signature", "I"))
        truth = {
            "signature": 0x08074B50,
            "crc32": zlib.crc32(self.data),
            "packed_size": len(self.packed),
            "size": len(self.data),
        }
        return _packed(fields, _lied(truth, self.described))


@dataclass
class Layout:
    """Where the parts of the archive built last came to lie."""

    directory_offset: int = 0
    directory_len: int = 0
    record_offset: int = 0
    locator_offset: int = 0
    end_offset: int = 0


class ArchiveBuilder:
    """
    A ZIP archive, part by part; see the module for what a lie is.

    After :meth:`build`, `layout` and the offsets in `members` tell where
    everything lies.
    """

    def __init__(self) -> None:
        """Begin an empty archive."""
        self.members: list[Member] = []
        self.layout = Layout()
        self._bytes: dict[str, bytes] = {}
        self._order: list[int] | None = None
        self._end: dict[str, Any] = {}
        self._zip64_record: Lies | None = None
        self._zip64_locator: Lies = {}
        self._all_ones = False
        self._change: Callable[[bytes], bytes] | None = None

    def file(
        self: Builder,
        name: str | bytes,
        data: bytes = b"",
        *,
        method: int = DEFLATED,
        mode: int = 0o644,
        kind: int = stat.S_IFREG,
        host: int = UNIX,
        external_attr: int | None = None,
        flags: int | None = None,
        packed: bytes | None = None,
        level: int = 6,
        dos_time: int = 0,
        dos_date: int = 0x0021,
        zip64: bool | str = False,
        extra: Extra = b"",
        local_extra: Extra | None = None,
        central_extra: Extra | None = None,
        descriptor: str | bytes | None = None,
        described: Lies | None = None,
        local: Lies | None = None,
        central: Lies | None = None,
        gap: bytes = b"",
        listed: bool = True,
        written: bool = True,
    ) -> Builder:
        """
        Add a file.

        Args:
            name: As stored; a `str` is UTF-8, and sets flag bit 11 if it
                needs to.
            data: The plain content.
            method: The compression method; what is neither 0 nor 8 needs
                `packed`.
            mode: POSIX permission bits.
            kind: POSIX type bits (`stat.S_IF...`).
            host: The host system, high byte of "made by".
            external_attr: Instead of what `mode` and `kind` say.
            flags: Instead of what `name` and `descriptor` call for.
            packed: The content as stored, instead of `data` compressed.
            level: The level of zlib.
            dos_time: As stored.
            dos_date: As stored; 1980-01-01 unless told.
            zip64: True for a ZIP64 extra field in both headers, or "local",
                or "central".
            extra: The extra field, as bytes or as (tag, data) pairs, after
                the ZIP64 one.
            local_extra: `extra` of the local header only.
            central_extra: `extra` of the entry only.
            descriptor: "signed" or "unsigned" for a data descriptor, as wide
                as `zip64` calls for; "signed32", "signed64" and so on for a
                width of its own; or its bytes.  The local header of a member
                that is not stored has zeros then.
            described: Lies in the descriptor.
            local: Lies in the local header.
            central: Lies in the entry.
            gap: Bytes before the local header.
            listed: Whether there is an entry.
            written: Whether there is a local header with content.
        """
        raw = name if isinstance(name, bytes) else name.encode()
        if packed is None:
            packed = deflated(data, level) if method == DEFLATED else data
        if flags is None:
            flags = FLAG_DESCRIPTOR if descriptor is not None else 0
            if isinstance(name, str) and not name.isascii():
                flags |= FLAG_UTF8
        if external_attr is None:
            external_attr = (kind | mode) << 16
        self.members.append(
            Member(
                name=raw,
                data=data,
                packed=packed,
                method=method,
                flags=flags,
                external_attr=external_attr,
                made_by=host << 8 | 20,
                dos_time=dos_time,
                dos_date=dos_date,
                zip64="both" if zip64 is True else zip64 or "",
                local=local or {},
                central=central or {},
                local_extra=_extra_bytes(
                    extra if local_extra is None else local_extra
                ),
                central_extra=_extra_bytes(
                    extra if central_extra is None else central_extra
                ),
                descriptor=descriptor,
                described=described or {},
                gap=gap,
                listed=listed,
                written=written,
            )
        )
        return self

    def link(
        self: Builder,
        name: str | bytes,
        target: str | bytes,
        *,
        mode: int = 0o777,
        method: int = STORED,
        **lies: Any,
    ) -> Builder:
        """Add a symbolic link, as Info-ZIP writes it; *lies* as in `file`."""
        data = target if isinstance(target, bytes) else target.encode()
        lies = {"kind": stat.S_IFLNK} | lies
        return self.file(name, data, mode=mode, method=method, **lies)

    def directory(
        self: Builder,
        name: str | bytes,
        *,
        mode: int = 0o755,
        method: int = STORED,
        **lies: Any,
    ) -> Builder:
        """Add a directory; the slash at the end is the caller's to give."""
        lies = {
            "kind": stat.S_IFDIR,
            "external_attr": (stat.S_IFDIR | mode) << 16 | 0x10,
        } | lies
        return self.file(name, mode=mode, method=method, **lies)

    def put(self: Builder, place: str, data: bytes) -> Builder:
        """Put *data*, which belongs to nothing, at one of `PLACES`."""
        assert place in PLACES
        self._bytes[place] = self._bytes.get(place, b"") + data
        return self

    def comment(self: Builder, comment: bytes) -> Builder:
        """Give the archive a comment."""
        return self.end(comment=comment)

    def end(self: Builder, **lies: Any) -> Builder:
        """Lie in the end record (APPNOTE 4.3.16)."""
        self._end |= lies
        return self

    def zip64(
        self: Builder,
        *,
        record: Lies | None = None,
        locator: Lies | None = None,
        all_ones: bool = True,
    ) -> Builder:
        """
        Add a ZIP64 record and its locator (APPNOTE 4.3.14, 4.3.15).

        Args:
            record: Lies in the record.
            locator: Lies in the locator.
            all_ones: Whether the end record refers to them, with all ones in
                place of the counts, the length and the offset.
        """
        self._zip64_record = record or {}
        self._zip64_locator = locator or {}
        self._all_ones = all_ones
        return self

    def afterwards(self: Builder, change: Callable[[bytes], bytes]) -> Builder:
        """Pass the built archive through *change*: cut it, for example."""
        self._change = change
        return self

    def directory_order(self: Builder, *indices: int) -> Builder:
        """List the members in this order, by their indices."""
        self._order = list(indices)
        return self

    def _write_members(self, out: bytearray, base: int) -> None:
        for member in self.members:
            if not member.written:
                member.header_offset = len(out) - base
                continue
            out += member.gap
            member.header_offset = len(out) - base
            out += member.local_header()
            member.data_offset = len(out) - base
            out += member.packed
            member.descriptor_offset = len(out) - base
            out += member.trailer()

    def _write_directory(self, out: bytearray, base: int) -> int:
        """Write the entries; how many there are."""
        order = self._order
        if order is None:
            order = list(range(len(self.members)))
        listed = [self.members[i] for i in order if self.members[i].listed]
        self.layout.directory_offset = len(out) - base
        for member in listed:
            member.entry_offset = len(out) - base
            out += member.entry()
        self.layout.directory_len = (
            len(out) - base - self.layout.directory_offset
        )
        return len(listed)

    def _truth(self, count: int) -> dict[str, Any]:
        return {
            "disk": 0,
            "directory_disk": 0,
            "count_here": count,
            "count": count,
            "directory_len": self.layout.directory_len,
            "directory_offset": self.layout.directory_offset,
        }

    def _record_bytes(self, count: int, lies: Lies) -> bytes:
        truth = self._truth(count) | {
            "signature": 0x06064B50,
            "record_len": 44,
            "made_by": UNIX << 8 | 45,
            "version_needed": 45,
            "extensible": b"",
        }
        truth["record_len"] += len(lies.get("extensible", b""))
        told = _lied(truth, lies)
        return _packed(RECORD_FIELDS, told) + told["extensible"]

    def _locator_bytes(self) -> bytes:
        truth = {
            "signature": 0x07064B50,
            "disk": 0,
            "record_offset": self.layout.record_offset,
            "disks": 1,
        }
        return _packed(LOCATOR_FIELDS, _lied(truth, self._zip64_locator))

    def _end_bytes(self, count: int) -> bytes:
        truth = self._truth(count)
        if self._all_ones:
            truth |= dict.fromkeys(("count_here", "count"), ALL_16)
            truth |= dict.fromkeys(
                ("directory_len", "directory_offset"), ALL_32
            )
        truth |= {"signature": 0x06054B50, "comment": b""}
        told = _with_lengths(truth, self._end)
        return _packed(END_FIELDS, told) + told["comment"]

    def build(self) -> bytes:
        """The archive.  It can be built again, and more be added before."""
        place = self._bytes.get
        out = bytearray(place("stub", b""))
        base = len(out)
        out += place("prefix", b"")
        self._write_members(out, base)
        out += place("before_directory", b"")
        count = self._write_directory(out, base)
        out += place("after_directory", b"")
        if self._zip64_record is not None:
            self.layout.record_offset = len(out) - base
            out += self._record_bytes(count, self._zip64_record)
            out += place("after_record", b"")
            self.layout.locator_offset = len(out) - base
            out += self._locator_bytes()
            out += place("after_locator", b"")
        self.layout.end_offset = len(out) - base
        out += self._end_bytes(count)
        out += place("after_end", b"")
        return self._change(bytes(out)) if self._change else bytes(out)

    def write(self, path: Path) -> Path:
        """Build the archive into the file *path*."""
        path.write_bytes(self.build())
        return path


def digest_of(data: bytes, algorithm: str = "sha256") -> str:
    """The digest of *data* as RECORD has it: ``sha256=...``, unpadded."""
    raw = hashlib.new(algorithm, data).digest()
    text = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
    return f"{algorithm}={text}"


class WheelBuilder(ArchiveBuilder):
    """
    A wheel: an archive whose ``.dist-info`` is true unless told otherwise.

    ``METADATA``, ``WHEEL`` and ``RECORD`` follow the members when the wheel
    is built.  A member that bears such a name already is left as it is, and
    :meth:`without` leaves one out.
    """

    def __init__(
        self,
        name: str = "demo",
        version: str = "1.0",
        tag: str = "py3-none-any",
        *,
        algorithm: str = "sha256",
    ) -> None:
        """
        Begin a wheel.

        Args:
            name: The distribution, as the file name has it.
            version: Its version, as the file name has it.
            tag: For example ``cp311.cp312-abi3-manylinux_2_28_x86_64``.
            algorithm: What RECORD has digests of, for `hashlib.new`.
        """
        super().__init__()
        self.name = name
        self.version = version
        self.tag = tag
        self.algorithm = algorithm
        self._rows: dict[str, str | None] = {}
        self._more_rows: list[str] = []
        self._whole_record: bytes | None = None
        self._left_out: set[str] = set()

    @property
    def filename(self) -> str:
        """The file name that fits the wheel."""
        return f"{self.name}-{self.version}-{self.tag}.whl"

    @property
    def dist_info(self) -> str:
        """The name of the ``.dist-info`` directory, without a slash."""
        return f"{self.name}-{self.version}.dist-info"

    def info(self: Wheel, name: str, data: str | bytes, **lies: Any) -> Wheel:
        """Add a file to ``.dist-info``; *lies* as in `file`."""
        raw = data if isinstance(data, bytes) else data.encode()
        return self.file(f"{self.dist_info}/{name}", raw, **lies)

    def without(self: Wheel, *names: str) -> Wheel:
        """Leave out some of ``METADATA``, ``WHEEL`` and ``RECORD``."""
        self._left_out.update(names)
        return self

    def row(
        self: Wheel,
        name: str,
        digest: str | None = None,
        size: int | str | None = None,
    ) -> Wheel:
        """
        Lie in the row of *name* in RECORD.

        Args:
            name: The path in the first field, `.dist-info` included.
            digest: With its algorithm, ``sha256=...``; the truth if None.
            size: The third field; the truth if None.
        """
        data = next((m.data for m in self._recorded() if m.path == name), b"")
        if digest is None:
            digest = digest_of(data, self.algorithm)
        if size is None:
            size = len(data)
        self._rows[name] = f"{name},{digest},{size}"
        return self

    def without_row(self: Wheel, *names: str) -> Wheel:
        """Leave the rows of *names* out of RECORD."""
        self._rows.update(dict.fromkeys(names))
        return self

    def more_rows(self: Wheel, *rows: str) -> Wheel:
        """Add whole rows at the end of RECORD."""
        self._more_rows += rows
        return self

    def record(self: Wheel, text: str | bytes) -> Wheel:
        """Make *text* the whole of RECORD."""
        self._whole_record = text if isinstance(text, bytes) else text.encode()
        return self

    def _metadata(self) -> bytes:
        return (
            "Metadata-Version: 2.1\n"
            f"Name: {self.name}\n"
            f"Version: {self.version}\n"
        ).encode()

    def _wheel(self) -> bytes:
        pythons, abis, platforms = self.tag.split("-")
        tags = "".join(
            f"Tag: {python}-{abi}-{platform}\n"
            for python in pythons.split(".")
            for abi in abis.split(".")
            for platform in platforms.split(".")
        )
        pure = "true" if platforms == "any" else "false"
        return (
            "Wheel-Version: 1.0\n"
            "Generator: unwheel-tests\n"
            f"Root-Is-Purelib: {pure}\n{tags}"
        ).encode()

    def _recorded(self) -> list[Member]:
        """The members that have a row: all but directories, each once."""
        listed = {m.path: m for m in self.members if m.listed}
        return [m for m in listed.values() if not m.path.endswith("/")]

    def _row(self, member: Member) -> str | None:
        if member.path in self._rows:
            return self._rows[member.path]
        name = member.path
        if any(char in name for char in ',"\r\n'):
            name = '"' + name.replace('"', '""') + '"'
        digest = digest_of(member.data, self.algorithm)
        return f"{name},{digest},{len(member.data)}"

    def _record(self) -> bytes:
        if self._whole_record is not None:
            return self._whole_record
        own = f"{self.dist_info}/RECORD"
        rows = [self._row(m) for m in self._recorded() if m.path != own]
        rows += [self._rows.get(own, f"{own},,"), *self._more_rows]
        text = "".join(f"{row}\n" for row in rows if row is not None)
        return text.encode("utf-8", "surrogateescape")

    def record_bytes(self) -> bytes:
        """RECORD, as it will be if nothing more is added."""
        before = self._complete()
        try:
            return self._record()
        finally:
            self.members = before

    def _complete(self) -> list[Member]:
        """Add what is missing; give back the members there were before."""
        before = list(self.members)
        there = {member.path for member in before}
        for name, make in (
            ("METADATA", self._metadata),
            ("WHEEL", self._wheel),
            ("RECORD", self._record),
        ):
            wanted = f"{self.dist_info}/{name}" not in there
            if wanted and name not in self._left_out:
                self.info(name, make())
        return before

    def build(self) -> bytes:
        """The wheel.  It can be built again, and more be added before."""
        before = self._complete()
        try:
            return super().build()
        finally:
            self.members = before

    def write(self, directory: Path) -> Path:
        """Build the wheel into *directory*, under its file name."""
        return super().write(directory / self.filename)
