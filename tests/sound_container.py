"""
Odd and sound: everything that APPNOTE allows around a member.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from typing import Any

from attack import INFO
from attacks_container import SIGNED_CRC, unicode_path
from builder import (
    ALL_16,
    ALL_32,
    STORED,
    ArchiveBuilder,
    WheelBuilder,
    extra_field,
)
from places import half_noise, noise
from sound_case import Sound, both, member

from unwheel import Policy

MIB = 1 << 20
ANY = Policy(descriptors="any")

HOSTS = {
    "MS-DOS": 0,
    "Amiga": 1,
    "OpenVMS": 2,
    "Unix": 3,
    "VM/CMS": 4,
    "Atari": 5,
    "HPFS": 6,
    "Macintosh": 7,
    "Z-System": 8,
    "CP/M": 9,
    "NTFS": 10,
    "MVS": 11,
    "VSE": 12,
    "Acorn": 13,
    "VFAT": 14,
    "another MVS": 15,
    "BeOS": 16,
    "Tandem": 17,
    "OS/400": 18,
    "macOS": 19,
    "no host there is": 255,
}

ATTRIBUTES = {
    **{
        f"host {name}, no attributes": member(host=number, external_attr=0)
        for name, number in HOSTS.items()
    },
    "host MS-DOS, an archived file": member(host=0, external_attr=0x20),
    "host MS-DOS, read only": member(host=0, external_attr=0x01),
    "host MS-DOS, hidden, of the system": member(host=0, external_attr=0x06),
    "host NTFS, compressed and not indexed": member(
        host=10, external_attr=0x2820
    ),
    "host MS-DOS with Unix's mode": member(
        host=0, external_attr=0o100644 << 16
    ),
    "host MS-DOS with the mode of a program": member(
        host=0, external_attr=0o100755 << 16
    ),
    "host macOS with Unix's mode": member(
        host=19, external_attr=0o100755 << 16
    ),
    "Unix, with an archive bit": member(external_attr=0o100644 << 16 | 0x20),
    "mode without a type": member(kind=0),
    "no mode at all": member(external_attr=0),
    "mode 000": member(mode=0),
    "mode 400": member(mode=0o400),
    "mode 777": member(mode=0o777),
    "executable for others alone": member(mode=0o641),
    "set-user-id, set-group-id and sticky": member(mode=0o7755),
    "bits that nobody knows": member(external_attr=0o100644 << 16 | 0xFB00),
    "text, it says": member(central={"internal_attr": 1}),
    "internal attributes of all ones": member(
        central={"internal_attr": 0xFFFF}
    ),
    "directory": Sound(lambda b: b.directory("demo/d/")),
    "directory of MS-DOS": Sound(
        lambda b: b.directory("demo/d/", host=0, external_attr=0x10)
    ),
    "directory of MS-DOS without attributes": Sound(
        lambda b: b.directory("demo/d/", host=0, external_attr=0)
    ),
    "directory of MS-DOS with a mode": Sound(
        lambda b: b.directory(
            "demo/d/", host=0, external_attr=0o40755 << 16 | 0x10
        )
    ),
    "directory without a mode": Sound(
        lambda b: b.directory("demo/d/", external_attr=0)
    ),
    "directory without a type": Sound(
        lambda b: b.directory("demo/d/", external_attr=0o755 << 16)
    ),
    "directory without MS-DOS's bit": Sound(
        lambda b: b.directory("demo/d/", external_attr=0o40755 << 16)
    ),
    "directory of mode 000": Sound(lambda b: b.directory("demo/d/", mode=0)),
    "directory of mode 7777": Sound(
        lambda b: b.directory("demo/d/", mode=0o7777)
    ),
    "directory of deflated nothing": Sound(
        lambda b: b.directory("demo/d/", method=8)
    ),
    "directory after what is in it": Sound(
        lambda b: b.file("d/e/x", b"x").directory("d/e/").directory("d/")
    ),
    "directory before what is in it": Sound(
        lambda b: b.directory("d/").directory("d/e/").file("d/e/x", b"x")
    ),
    "directory of the metadata": Sound(lambda b: b.directory(f"{INFO}/")),
    "directories that nothing is in": Sound(
        lambda b: b.directory("a/b/c/").directory("a/d/")
    ),
    **{
        f"host {name} with Unix's mode": member(
            host=number, external_attr=0o100755 << 16
        )
        for name, number in HOSTS.items()
        if name in ("HPFS", "NTFS", "VFAT", "BeOS", "no host there is")
    },
    **{
        f"directory of {name}": Sound(
            lambda b, number=number: b.directory(
                "demo/d/", host=number, external_attr=0o40755 << 16 | 0x10
            )
        )
        for name, number in HOSTS.items()
        if name in ("NTFS", "VFAT", "macOS", "OpenVMS")
    },
}

HEADERS = {
    "no members but metadata": Sound(lambda b: b),
    "flags of the level": member(flags=6),
    "flags of the fastest level": member(flags=4),
    "flags of the best level": member(flags=2),
    "flags of a level, stored": member(flags=2, method=STORED),
    "flag of UTF-8 on an ASCII name": member(flags=0x800),
    "flags of the level and of UTF-8": member(flags=0x806),
    **{
        f"version needed {version}": both(version_needed=version)
        for version in (0, 10, 11, 21, 25, 27, 45, 46, 50, 61, 63)
    },
    "version needed, another in each header": member(
        local={"version_needed": 10}, central={"version_needed": 45}
    ),
    **{
        f"made by version {version}": member(
            central={"made_by": 3 << 8 | version}
        )
        for version in (0, 10, 23, 31, 46, 63, 64, 255)
    },
    "made by 7-Zip": both(version_needed=10, flags=0),
    "directory backwards": Sound(
        lambda b: (
            b.file("a", b"a")
            .file("b", b"b")
            .directory_order(6, 5, 4, 3, 2, 1, 0)
        )
    ),
    "directory in another order": Sound(
        lambda b: (
            b.file("a", b"a")
            .file("b", b"b")
            .directory_order(3, 1, 0, 2, 6, 5, 4)
        )
    ),
    "RECORD first in the directory": Sound(
        lambda b: b.directory_order(4, 0, 1, 2, 3)
    ),
    "metadata before the files": Sound(
        lambda b: b.info("LICENSE", "x").file("z", b"z")
    ),
    "everything stored": Sound(
        lambda b: b.file("demo/x", b"x" * 500, method=STORED).info(
            "METADATA",
            "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n",
            method=STORED,
        )
    ),
    "two files of the same content": Sound(
        lambda b: b.file("demo/a", b"x" * 99).file("demo/b", b"x" * 99)
    ),
    "two files of the same CRC": Sound(
        lambda b: b.file("demo/a", b"plumless").file("demo/b", b"buckeroo")
    ),
    "a hundred members": Sound(
        lambda b: [b.file(f"demo/{k}", b"%d" % k) for k in range(100)][-1]
    ),
    "members far apart": Sound(
        lambda b: b.file("a", noise(70_000), method=STORED).file("z", b"z")
    ),
    "a CRC that is 0": member(bytes.fromhex("9d0ad96d")),
    "a CRC of all ones": member(b"\xff\xff\xff\xff"),
    "a CRC that looks like the signature of a local header": member(
        bytes.fromhex("70503a04")
    ),
    "a CRC that looks like the signature of the end": member(
        bytes.fromhex("934fb09e")
    ),
    "RECORD in the middle": Sound(
        lambda b: b.info("RECORD", b.record_bytes())
    ),
    "nothing but .dist-info and .data": Sound(
        lambda _: WheelBuilder("demo", "1.0").file(
            "demo-1.0.data/scripts/x", b"#!"
        )
    ),
    "every second member stored": Sound(
        lambda b: [
            b.file(f"demo/{k}", b"x" * 99, method=k % 2 * 8) for k in range(9)
        ][-1]
    ),
}

TIMES = {
    "no date": member(dos_date=0, dos_time=0),
    "a date that is none": member(dos_date=0xFFFF, dos_time=0xFFFF),
    "the 30th of February": member(dos_date=44 << 9 | 2 << 5 | 30),
    "month 0": member(dos_date=44 << 9 | 0 << 5 | 1),
    "second 62": member(dos_time=31),
    "hour 31": member(dos_time=31 << 11),
    "the last that MS-DOS knows": member(
        dos_date=127 << 9 | 12 << 5 | 31, dos_time=23 << 11 | 59 << 5 | 29
    ),
    "another in each header": member(
        local={"dos_date": 0x5821}, central={"dos_time": 0x1234}
    ),
    "1980 in the archive, taken over": Sound(
        lambda b: b.file("demo/x", b"x"), policy=Policy(mtime="archive")
    ),
    "before 1970, taken over": Sound(
        lambda b: b.file(
            "demo/x", b"x", extra=[(0x5455, b"\1" + struct.pack("<i", -99))]
        ),
        policy=Policy(mtime="archive"),
    ),
    "no date, taken over": Sound(
        lambda b: b.file("demo/x", b"x", dos_date=0),
        policy=Policy(mtime="archive"),
    ),
}

STAMP = struct.pack("<I", 1_600_000_000)
FIELDS = {
    "extended timestamp": (0x5455, b"\1" + STAMP),
    "three timestamps": (0x5455, b"\7" + 3 * STAMP),
    "a timestamp of nothing": (0x5455, b"\0"),
    "owner": (0x7875, b"\1\4" + bytes(4) + b"\4" + bytes(4)),
    "owner of many bytes": (0x7875, b"\1\x08" + bytes(8) + b"\x08" + bytes(8)),
    "Info-ZIP's old Unix": (0x5855, bytes(12)),
    "Info-ZIP's second Unix": (0x7855, bytes(4)),
    "ASi's Unix without a link": (0x756E, bytes(14)),
    "PKWARE's Unix without a link": (0x000D, bytes(12)),
    "times of NTFS": (0x000A, bytes(4) + b"\1\0\x18\0" + bytes(24)),
    "access rights of NTFS": (0x4453, bytes(9)),
    "attributes of OS/2": (0x0009, bytes(8)),
    "OpenVMS": (0x000C, bytes(20)),
    "a JAR": (0xCAFE, b""),
    "Android's alignment": (0xD935, b"\4\0" + bytes(7)),
    "an older alignment": (0xA11E, bytes(5)),
    "a Unicode comment": (0x6375, b"\1" + struct.pack("<I", 0) + b"c"),
    "Unicode path that agrees": unicode_path("demo/x", "demo/x"),
    "a hash of the content": (0x0014, bytes(8)),
    "padding of Microsoft": (0xA220, b"\x28\xa0" + bytes(6)),
    "a field that nobody knows": (0x1337, b"data"),
    "tag 0": (0, b""),
    "the last tag": (0xFFFF, b"\xff"),
    "a local header in it": (0x1337, b"PK\3\4" + bytes(26)),
    "an end record in it": (0x1337, b"PK\5\6" + bytes(18)),
    "data that looks like fields": (0x1337, extra_field(1, bytes(16))),
}

EXTRAS = {
    **{name: member(extra=[field]) for name, field in FIELDS.items()},
    "in the local header alone": member(local_extra=[(0x5455, b"\1" + STAMP)]),
    "in the directory alone": member(central_extra=[(0x5455, b"\1" + STAMP)]),
    "others in each header": member(
        local_extra=[(0x5455, b"\3" + STAMP * 2), (0x7875, bytes(3))],
        central_extra=[(0x7875, b""), (0x5455, b"\3" + STAMP)],
    ),
    "eight fields": member(extra=[(k + 16, b"") for k in range(8)]),
    "nine fields": member(extra=[(k + 16, b"") for k in range(9)]),
    "a thousand fields": member(extra=[(k + 9999, b"") for k in range(1000)]),
    "the longest field": member(extra=[(0x1337, bytes(65_531))]),
    "before ZIP64's": member(
        zip64="local",
        local={"extra": lambda e: extra_field(0x5455, b"\0") + e},
    ),
    "after ZIP64's": member(zip64=True, extra=[(0x5455, b"\1" + STAMP)]),
    "on a directory": Sound(
        lambda b: b.directory("demo/d/", extra=[(0x5455, b"\1" + STAMP)])
    ),
    "on everything": Sound(
        lambda b: [
            b.info(name, "x", extra=[(0x7875, bytes(11))])
            for name in ("LICENSE", "AUTHORS")
        ][-1]
    ),
}

ENDS = {
    "comment": Sound(lambda b: b.comment(b"built with love")),
    "comment of one byte": Sound(lambda b: b.comment(b"\0")),
    "the longest comment": Sound(lambda b: b.comment(b"x" * 65_535)),
    "comment in UTF-8": Sound(
        lambda b: b.comment("\u00fcnic\u00f6de \U0001f40d".encode())
    ),
    "comment with PK in it": Sound(lambda b: b.comment(b"PK PK\0\0")),
    "comment of several lines": Sound(lambda b: b.comment(b"a\r\n\tb\n")),
    "comment of zeros": Sound(lambda b: b.comment(bytes(100))),
    "comment of all ones": Sound(lambda b: b.comment(b"\xff" * 22)),
}

ZIP64 = {
    "record for a small archive": Sound(lambda b: b.zip64()),
    "record that nobody needs": Sound(lambda b: b.zip64(all_ones=False)),
    "record that the counts ask for": Sound(
        lambda b: b.zip64(all_ones=False).end(count=ALL_16, count_here=ALL_16)
    ),
    "record that the offset asks for": Sound(
        lambda b: b.zip64(all_ones=False).end(directory_offset=ALL_32)
    ),
    "record that the length asks for": Sound(
        lambda b: b.zip64(all_ones=False).end(directory_len=ALL_32)
    ),
    "record that the disks ask for": Sound(
        lambda b: b.zip64().end(disk=ALL_16, directory_disk=ALL_16)
    ),
    "record made by MS-DOS": Sound(lambda b: b.zip64(record={"made_by": 45})),
    "record of version 6.3": Sound(
        lambda b: b.zip64(record={"version_needed": 63})
    ),
    "record and comment": Sound(lambda b: b.zip64().comment(b"comment")),
    "sizes of a small member": member(zip64=True),
    "sizes in the local header alone": member(zip64="local"),
    "sizes in the directory alone": member(zip64="central"),
    "sizes of an empty member": member(b"", zip64=True),
    "sizes of a stored member": member(zip64=True, method=STORED),
    "sizes of a directory": Sound(
        lambda b: b.directory("demo/d/", zip64=True)
    ),
    "the size alone": member(
        local={"size": ALL_32, "extra": extra_field(1, struct.pack("<Q", 1))}
    ),
    "the packed size alone": member(
        method=STORED,
        central={
            "packed_size": ALL_32,
            "extra": extra_field(1, struct.pack("<Q", 1)),
        },
    ),
    "the offset alone": Sound(
        lambda b: b.file(
            "demo/x",
            b"x",
            central={
                "header_offset": ALL_32,
                "extra": lambda _: extra_field(
                    1, struct.pack("<Q", b.members[-4].header_offset)
                ),
            },
        )
    ),
    "the disk alone": member(
        central={"disk": ALL_16, "extra": extra_field(1, bytes(4))}
    ),
    # As protobuf's wheels have it.
    "sizes that the local header has too": member(
        b"x",
        method=STORED,
        local_extra=[(1, struct.pack("<QQ", 1, 1))],
    ),
    "record of zero offsets in one member": Sound(
        lambda b: b.zip64().file("demo/x", b"x", zip64=True)
    ),
}

DESCRIPTORS = {
    "signed": member(b"x" * 500, descriptor="signed"),
    "of a big member": member(half_noise(2 * MIB), descriptor="signed"),
    "of an empty member": member(b"", descriptor="signed"),
    "of 64 bits": member(zip64=True, descriptor="signed"),
    "of 64 bits for the local header's sake": member(
        zip64="local", descriptor="signed"
    ),
    "of 32 bits, though the directory has ZIP64": member(
        zip64="central", descriptor="signed"
    ),
    "stored, of nothing": member(b"", method=STORED, descriptor="signed"),
    "that the local header repeats": member(
        b"x" * 50,
        descriptor="signed",
        local={
            "crc32": zlib.crc32(b"x" * 50),
            "size": 50,
        },
    ),
    "of a CRC like its signature": member(SIGNED_CRC, descriptor="signed"),
    "of all members": Sound(
        lambda b: (
            b.file("a", b"a", descriptor="signed")
            .file("b", b"b", descriptor="signed")
            .info("LICENSE", "x", descriptor="signed")
        )
    ),
    "with flags of the level and UTF-8": member(
        flags=0x80E, descriptor="signed"
    ),
    "unsigned": Sound(
        lambda b: b.file("demo/x", b"x", descriptor="unsigned"), policy=ANY
    ),
    "unsigned, of 64 bits": Sound(
        lambda b: b.file("demo/x", b"x", zip64=True, descriptor="unsigned"),
        policy=ANY,
    ),
    "unsigned, of a CRC like a signature": Sound(
        lambda b: b.file("demo/x", SIGNED_CRC, descriptor="unsigned"),
        policy=ANY,
    ),
    "signed, where any is taken": Sound(
        lambda b: b.file("demo/x", SIGNED_CRC, descriptor="signed"),
        policy=ANY,
    ),
    "unsigned before signed": Sound(
        lambda b: b.file("demo/x", b"x", descriptor="unsigned").file(
            "demo/y", b"y", descriptor="signed"
        ),
        policy=ANY,
    ),
}

ZIPPED = ArchiveBuilder().file("evil", b"x").build()


def inside(data: bytes) -> Sound:
    """Stored as it is, where somebody who searches will find it."""
    return member(data, method=STORED)


INSIDE = {
    "an archive": inside(ZIPPED),
    "an archive that is stored in a stored block": member(ZIPPED, level=0),
    "an end record": inside(b"PK\5\6" + bytes(18)),
    "an end record at the end of the last member": Sound(
        lambda b: (
            b.without("RECORD")
            .file("a", b"a")
            .info("RECORD.p7s", b"PK\5\6" + bytes(18), method=STORED)
        ),
        policy=Policy(record="off"),
    ),
    "a ZIP64 locator and an end record": inside(
        ArchiveBuilder().file("x", b"x").zip64().build()
    ),
    "a data descriptor": inside(b"PK\7\x08" + bytes(12)),
    "a data descriptor before a data descriptor": member(
        b"PK\7\x08" + bytes(12), level=0, descriptor="signed"
    ),
    "a local header": inside(b"PK\3\4" + bytes(26)),
    "an entry of a directory": inside(b"PK\1\2" + bytes(42)),
    "a marker of several disks": inside(b"PK00PK\7\x08"),
    "a tar": inside(bytes(257) + b"ustar\x0000" + bytes(500)),
    "a program": inside(b"MZ" + bytes(100) + b"PE\0\0"),
    "a gzip": inside(b"\x1f\x8b\x08" + bytes(30)),
}


class Pipe(io.BytesIO):
    """Where nobody can go back, as a pipe."""

    def seekable(self) -> bool:
        """Say that nobody can."""
        return False

    def seek(self, *_: object) -> int:
        """Refuse it."""
        raise OSError("a pipe")

    def tell(self) -> int:
        """Refuse it, too."""
        raise OSError("a pipe")


def by_zipfile(
    out: type[io.BytesIO] = io.BytesIO,
    *,
    force_zip64: bool = False,
    directories: bool = False,
    **facts: Any,
) -> Sound:
    """The plain wheel as Python's zipfile writes it, in its several ways."""

    def change(raw: bytes) -> bytes:
        buffer = out()
        with (
            zipfile.ZipFile(io.BytesIO(raw)) as old,
            zipfile.ZipFile(buffer, "w", **facts) as new,
        ):
            if directories:
                new.writestr("demo/", b"")
            for name in old.namelist():
                info = zipfile.ZipInfo(name)
                info.compress_type = new.compression
                with new.open(info, "w", force_zip64=force_zip64) as file:
                    file.write(old.read(name))
        return buffer.getvalue()

    return Sound(lambda b: b.afterwards(change))


DEFLATED = zipfile.ZIP_DEFLATED
WRITERS = {
    "zipfile": by_zipfile(),
    "zipfile, deflated": by_zipfile(compression=DEFLATED),
    "zipfile, deflated best": by_zipfile(
        compression=DEFLATED, compresslevel=9
    ),
    "zipfile, deflated not at all": by_zipfile(
        compression=DEFLATED, compresslevel=0
    ),
    "zipfile with ZIP64": by_zipfile(force_zip64=True),
    "zipfile with ZIP64, deflated": by_zipfile(
        force_zip64=True, compression=DEFLATED
    ),
    "zipfile to a pipe, deflated": by_zipfile(Pipe, compression=DEFLATED),
    "zipfile with directories": by_zipfile(directories=True),
}
