"""
The ZIP reader: each rule shown by a lie, and by a neighbour that is no lie.

The rules are those of APPNOTE 4.3 to 4.6, narrowed down to what all careful
readers read in one way.
"""

from __future__ import annotations

import io
import random
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable

import pytest
from archives import REASONS, Entry, Problem, Refused, read
from builder import (
    ALL_16,
    ALL_32,
    ArchiveBuilder,
    deflated,
    extra_field,
)

from unwheel._native import lib

ENTRY_LEN = 46
LOCAL_LEN = 30
END_LEN = 22
RECORD_LEN = 56
LOCATOR_LEN = 20

DIGITAL_SIGNATURE = struct.pack("<IH", 0x05054B50, 4) + b"sign"


def two(**lies: object) -> ArchiveBuilder:
    """A stored member and a deflated one, which lies."""
    builder = ArchiveBuilder().file("a", b"hello", method=0)
    return builder.file("b/c", b"hello again, hello", **lies)


def refusal(archive: ArchiveBuilder | bytes, **limits: int) -> Refused:
    """How the archive is refused."""
    data = archive if isinstance(archive, bytes) else archive.build()
    with pytest.raises(Refused) as caught:
        read(data, **limits)
    return caught.value


def only_problem(archive: ArchiveBuilder | bytes, **limits: int) -> Problem:
    """The one problem for which the archive is refused."""
    refused = refusal(archive, **limits)
    assert len(refused.problems) == 1, refused
    assert refused.count == 1
    assert refused.status == refused.problems[0].status
    return refused.problems[0]


def names(archive: ArchiveBuilder | bytes, **limits: int) -> list[bytes]:
    """The names in an archive that is accepted."""
    data = archive if isinstance(archive, bytes) else archive.build()
    return [entry.name for entry in read(data, **limits)]


# ---------------------------------------------------------- what is accepted


def test_reads_the_facts():
    """
    An entry has every fact as it is stored, and where its data begins.
    """
    builder = two(dos_time=0x1234, dos_date=0x5678, mode=0o755)

    first, second = read(builder.build())

    assert first.name == b"a"
    assert second == Entry(
        name=b"b/c",
        size=18,
        packed_size=len(deflated(b"hello again, hello")),
        header_offset=LOCAL_LEN + 1 + 5,
        data_offset=LOCAL_LEN + 1 + 5 + LOCAL_LEN + 3,
        crc32=zlib.crc32(b"hello again, hello"),
        external_attr=0o100755 << 16,
        method=8,
        flags=0,
        made_by=3 << 8 | 20,
        dos_time=0x1234,
        dos_date=0x5678,
        facts=lib.UW_ENTRY_ASCII,
        mtime=0,
    )


def stamp(flags: int, *seconds: int) -> list[tuple[int, bytes]]:
    """Info-ZIP's extended timestamp, of as many times as are given."""
    return [(0x5455, struct.pack(f"<B{len(seconds)}i", flags, *seconds))]


@pytest.mark.parametrize("seconds", [0, 1, 1_700_000_000, -1, -(2**31)])
@pytest.mark.parametrize("flags", [1, 3, 7, 0xFF])
def test_reads_the_extended_timestamp(flags: int, seconds: int):
    """
    The time of modification, signed; what may follow it is not looked at.
    """
    builder = ArchiveBuilder().file("a", central_extra=stamp(flags, seconds))
    builder.file("b", central_extra=stamp(flags, seconds, 5, 6))
    builder.file("c")

    entries = read(builder.build())

    assert [seconds, seconds, 0] == [entry.mtime for entry in entries]
    stamped = [bool(e.facts & lib.UW_ENTRY_MTIME) for e in entries]
    assert [True, True, False] == stamped


@pytest.mark.parametrize(
    "data",
    [
        b"\1",
        b"\1\2\3\4",
        b"\0\2\3\4\5",
        b"\6\2\3\4\5",
        b"\6\2\3\4\5\6\7\10\11",
    ],
)
def test_a_timestamp_without_a_time_is_as_good_as_none(data: bytes):
    """
    Cut short, or without bit 0: no error, and not a byte is read behind it.
    """
    extras = [[(0x5455, data)], [(0x5455, data), (0xCAFE, b"\1" * 8)]]
    builder = ArchiveBuilder()
    for k, extra in enumerate(extras):
        builder.file(f"{k}", central_extra=extra)

    entries = read(builder.build())

    assert [0, 0] == [entry.mtime for entry in entries]
    assert not any(entry.facts & lib.UW_ENTRY_MTIME for entry in entries)


@pytest.mark.parametrize(
    ("tag", "fixed"), [(0x000D, 12), (0x756E, 14)], ids=["PKWARE", "ASi"]
)
@pytest.mark.parametrize("more", [-1, 0, 1, 9])
def test_knows_extra_fields_that_name_a_target(tag, fixed, more):
    """
    One that is as long as its fixed part, or shorter, names none.
    """
    builder = ArchiveBuilder()
    builder.file("a", central_extra=[(tag, bytes(fixed + more))]).file("b")

    facts = [entry.facts for entry in read(builder.build())]

    assert [more > 0, False] == [
        bool(fact & lib.UW_ENTRY_LINK_FIELD) for fact in facts
    ]


def test_the_timestamp_is_that_of_the_directory():
    """
    Local headers may have one, too, with more times in it.
    """
    builder = ArchiveBuilder().file(
        "a", local_extra=stamp(3, 1, 2), central_extra=stamp(3, 7)
    )
    builder.file("b", local_extra=stamp(1, 1))

    assert [7, 0] == [entry.mtime for entry in read(builder.build())]


def test_accepts_an_empty_archive():
    """
    An end record alone is an archive of nothing.
    """
    assert names(ArchiveBuilder()) == []


def test_accepts_an_empty_archive_with_zip64():
    """
    So is one with the ZIP64 records.
    """
    assert names(ArchiveBuilder().zip64()) == []


@pytest.mark.parametrize("comment", [b"\0\t\x7f\xff" * 9, b"-" * 65535])
def test_accepts_a_comment(comment: bytes):
    """
    A comment may be as long as it likes, beyond the first read of the tail.
    """
    assert names(two().comment(comment)) == [b"a", b"b/c"]


@pytest.mark.parametrize("size", range(940, 1030))
def test_finds_the_records_wherever_the_first_read_begins(size: int):
    """
    A locator that the first read cuts in two is found by the second.
    """
    builder = two(zip64=True).zip64().comment(b"-" * size)

    assert names(builder) == [b"a", b"b/c"]


@pytest.mark.parametrize("all_ones", [True, False])
@pytest.mark.parametrize("zip64", [True, "local", "central"])
def test_accepts_zip64(zip64: bool | str, all_ones: bool):
    """
    ZIP64 may be used where it is not needed, in each header on its own.
    """
    builder = two(zip64=zip64).zip64(all_ones=all_ones)

    entry = read(builder.build())[1]

    assert entry.size == 18
    assert entry.header_offset == builder.members[1].header_offset
    assert bool(entry.facts & lib.UW_ENTRY_ZIP64) == (zip64 != "local")
    assert bool(entry.facts & lib.UW_ENTRY_LOCAL_ZIP64) == (zip64 != "central")


@pytest.mark.parametrize("zip64", [False, True, "central", "local"])
@pytest.mark.parametrize("data", [b"", b"some data"])
def test_accepts_descriptors(data: bytes, zip64: bool | str):
    """
    A descriptor is as wide as the local header has a ZIP64 field.
    """
    builder = (
        ArchiveBuilder()
        .file("a", data, descriptor="signed", zip64=zip64)
        .file("b", data, descriptor="signed", zip64=zip64)
    )

    assert names(builder) == [b"a", b"b"]


def test_accepts_a_descriptor_that_repeats_the_local_header():
    """
    With a descriptor the local header may have the values all the same.
    """
    values = {"crc32": 0x3610A686, "packed_size": 7, "size": 5}
    builder = ArchiveBuilder()
    builder.file("a", b"hello", descriptor="signed", local=values)

    assert names(builder) == [b"a"]


def test_accepts_unsigned_descriptors_on_demand():
    """
    A descriptor without its signature is accepted if the caller allows it.
    """
    builder = two(descriptor="unsigned").file("d")

    assert names(builder, allow=lib.UW_ALLOW_UNSIGNED_DESCRIPTORS) == [
        b"a",
        b"b/c",
        b"d",
    ]


def test_accepts_entries_in_another_order_than_members():
    """
    The directory may list the members in any order.
    """
    builder = ArchiveBuilder()
    for number in range(100):
        builder.file(f"{number}", b"%d" % number)
    order = list(range(100))
    random.Random(1).shuffle(order)

    entries = read(builder.directory_order(*order).build())

    assert [e.name for e in entries] == [b"%d" % number for number in order]
    assert [e.header_offset for e in entries] == [
        builder.members[number].header_offset for number in order
    ]


@pytest.mark.parametrize(
    ("name", "flags", "is_ascii"),
    [
        ("h\u00e9", None, False),
        ("ascii", 1 << 11, True),
        (b"\x82", 0, False),
        (b"\xff\xfe", 1 << 11, False),
        ("~", None, True),
    ],
)
def test_gives_names_as_stored(
    name: str | bytes, flags: int | None, is_ascii: bool
):
    """
    Names are bytes: whether they are UTF-8 is judged by others.
    """
    entry = read(ArchiveBuilder().file(name, flags=flags).build())[0]

    assert entry.name == (name.encode() if isinstance(name, str) else name)
    assert bool(entry.facts & lib.UW_ENTRY_ASCII) == is_ascii


def test_accepts_more_entries_than_16_bits_count():
    """
    65,536 entries need ZIP64, as Python's zipfile writes it.
    """
    builder = ArchiveBuilder()
    for number in range(65_536):
        builder.file(f"{number}", method=0)

    assert len(names(builder.zip64())) == 65_536


def test_accepts_as_many_entries_as_16_bits_count():
    """
    65,534 entries are the most that need none.
    """
    builder = ArchiveBuilder()
    for number in range(65_534):
        builder.file(f"{number}", method=0)

    assert len(names(builder)) == 65_534


@pytest.mark.parametrize(
    "extra",
    [
        [(0xCAFE, bytes(65_531))],
        [(tag, b"") for tag in range(2, 16_385)],
        [(0x5455, b"\1\0\0\0\0"), (0x7875, b"\1\4\0\0\0\0\4\0\0\0\0")],
    ],
    ids=["long", "many", "usual"],
)
def test_accepts_big_extra_fields(extra: list[tuple[int, bytes]]):
    """
    Extra fields fill 65,535 bytes if they like, in both headers.
    """
    builder = two(extra=extra).file("d", extra=extra).file("e")

    assert names(builder) == [b"a", b"b/c", b"d", b"e"]


def test_accepts_a_true_unicode_path():
    """
    A Unicode path that is the name changes nothing.
    """
    path = b"\1\0\0\0\0b/c"

    assert names(two(extra=[(0x7075, path)])) == [b"a", b"b/c"]


@pytest.mark.parametrize("flags", [0, 2, 4, 6])
def test_accepts_what_flags_say_of_the_level(flags: int):
    """
    Flag bits 1 and 2 tell how hard a compressor tried.
    """
    assert names(two(flags=flags)) == [b"a", b"b/c"]


def test_accepts_version_6_3():
    """
    That is the highest version of the format that may be needed.
    """
    version = {"version_needed": 63}

    assert names(two(local=version, central=version)) == [b"a", b"b/c"]


def test_ignores_internal_attributes():
    """
    Internal attributes are hints about text.
    """
    assert names(two(central={"internal_attr": 1})) == [b"a", b"b/c"]


def test_accepts_members_far_apart():
    """
    Data between two headers is not read, however long it is.
    """
    data = random.Random(1).randbytes(300_000)
    builder = ArchiveBuilder()
    for size in (0, 300_000, 1, 8191, 8192, 8193, 131_072, 0, 140_000):
        builder.file(f"{size}-{len(builder.members)}", data[:size], method=0)

    assert len(names(builder)) == 9


class Unseekable(io.RawIOBase):
    """A stream that cannot go back: zipfile writes descriptors into it."""

    def __init__(self) -> None:
        """Begin empty."""
        self.data = b""

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: bytes) -> int:
        """Keep *data*."""
        self.data += bytes(data)
        return len(data)


# Before 3.11.4 zipfile wrote a local ZIP64 field beside sizes that did not
# refer to it, which we refuse (python/cpython#103861).
ZIPFILE_FORCES = [False] + [True] * (sys.version_info >= (3, 11, 4))


@pytest.mark.parametrize("force_zip64", ZIPFILE_FORCES)
@pytest.mark.parametrize("seekable", [False, True])
def test_agrees_with_zipfile(seekable: bool, force_zip64: bool):
    """
    What zipfile writes, into a pipe too, is read as zipfile reads it.
    """
    stream = io.BytesIO() if seekable else Unseekable()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("a", "b/c.py", "h\u00e9"):
            with archive.open(name, "w", force_zip64=force_zip64) as member:
                member.write(name.encode() * 100)
        archive.comment = b"by zipfile"
    data = stream.getvalue() if seekable else stream.data

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        expected = [
            (
                info.filename.encode(),
                info.file_size,
                info.compress_size,
                info.CRC,
                info.header_offset,
                info.external_attr,
                info.flag_bits,
            )
            for info in archive.infolist()
        ]
    assert expected == [
        (
            entry.name,
            entry.size,
            entry.packed_size,
            entry.crc32,
            entry.header_offset,
            entry.external_attr,
            entry.flags,
        )
        for entry in read(data)
    ]


# -------------------------------------------------------- the end of the file


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK",
        b"PK\5",
        b"\0" * 100,
        two().build()[:-END_LEN],
        two().put("after_end", bytes(70_000)).build(),
    ],
    ids=["empty", "PK", "signature", "zeros", "cut", "far"],
)
def test_refuses_a_file_without_an_end_record(data: bytes):
    """
    A file that has no end record where one can be is no archive.
    """
    problem = only_problem(data)

    assert problem.reason == "NO_END_RECORD"
    assert problem.status == lib.UW_ERR_ARCHIVE
    assert problem.offset == len(data)


@pytest.mark.parametrize("missing", range(1, END_LEN - 3))
def test_refuses_a_cut_end_record(missing: int):
    """
    A file that ends within its end record is told to be cut short.
    """
    builder = two()

    problem = only_problem(builder.build()[:-missing])

    assert problem.reason == "END_TRUNCATED"
    assert problem.offset == builder.layout.end_offset
    assert problem.expected - problem.found == missing


def test_refuses_a_cut_comment():
    """
    A comment must be there to its end.
    """
    builder = two().comment(b"comment").end(comment_len=8)

    problem = only_problem(builder)

    assert problem.reason == "END_TRUNCATED"
    assert (problem.found, problem.expected) == (29, 30)


def test_refuses_trailing_data():
    """
    Nothing follows the end record: something could be another archive.
    """
    builder = two().comment(b"comment").put("after_end", b"\0")

    problem = only_problem(builder)

    assert problem.reason == "TRAILING_DATA"
    assert problem.offset == builder.layout.end_offset + END_LEN + 7


@pytest.mark.parametrize("byte", range(1, 9))
def test_refuses_a_comment_with_bytes_of_signatures(byte: int):
    """
    The bytes 1 to 8 end the signatures, so a comment must not have them.
    """
    builder = two().comment(b"comment" + bytes([byte]) + b"more")

    problem = only_problem(builder)

    assert problem.reason == "COMMENT_BYTES"
    assert problem.offset == builder.layout.end_offset + END_LEN + 7
    assert problem.found == byte


def a_signature_in_the_end_record() -> ArchiveBuilder:
    """An end record whose counts and length are "PK\\5\\6"."""
    builder = ArchiveBuilder()
    for k in range(0x4B50):
        builder.file(f"f{k}", method=0)
    builder.build()
    padding = (0x0605 - builder.layout.directory_len - 4) % 0x10000
    builder.members[-1].central_extra = extra_field(9, bytes(padding))
    return builder


def test_refuses_a_signature_in_the_end_record_before_a_comment():
    """
    zipfile and unzip take the last signature, and the comment for its fields.
    """
    builder = a_signature_in_the_end_record().comment(b" " * 12)

    problem = only_problem(builder)

    assert problem.reason == "COMMENT_BYTES"
    assert problem.offset == builder.layout.end_offset + 10


def test_takes_a_signature_in_the_end_record_without_a_comment():
    """
    There is no room for another end record, so nobody finds one.
    """
    builder = a_signature_in_the_end_record()

    assert len(read(builder.build())) == 0x4B50


def test_refuses_an_archive_in_the_comment_of_another():
    """
    A whole archive as a comment: both end records end where the file does.
    """
    builder = two().comment(ArchiveBuilder().file("evil").build())

    assert refusal(builder).reasons[0] == "DIRECTORY_PLACE"


def test_refuses_an_end_record_in_the_comment():
    """
    An end record in a comment, followed by more comment, is no end record.
    """
    builder = two().comment(ArchiveBuilder().build() + b"more")

    assert refusal(builder).reasons == ["COMMENT_BYTES"]


@pytest.mark.parametrize(
    "builder",
    [
        two().end(disk=1),
        two().end(directory_disk=1),
        two().zip64(locator={"disk": 1}),
        two().zip64(locator={"disks": 2}),
        two().zip64(locator={"disks": 0}),
        two().zip64(record={"disk": 1}),
        two().zip64(record={"directory_disk": 1}),
        two().zip64().end(disk=1),
        two(central={"disk": 1}),
        two(
            central={
                "disk": ALL_16,
                "extra": extra_field(1, struct.pack("<I", 1)),
            }
        ),
    ],
)
def test_refuses_several_disks(builder: ArchiveBuilder):
    """
    An archive is one file; no field says otherwise.
    """
    problem = only_problem(builder)

    assert problem.reason == "MULTI_DISK"
    assert problem.status == lib.UW_ERR_UNSUPPORTED


def test_accepts_disk_numbers_that_refer_to_zip64():
    """
    With ZIP64 a disk number may be all ones, if it is 0 there.
    """
    zero = {"disk": ALL_16, "extra": extra_field(1, bytes(4))}
    builder = two(central=zero).zip64().end(disk=ALL_16, directory_disk=ALL_16)

    assert names(builder) == [b"a", b"b/c"]


@pytest.mark.parametrize(
    "builder",
    [
        two().end(count_here=1),
        two().end(count=1),
        two().zip64(record={"count_here": 1}),
    ],
)
def test_refuses_two_counts(builder: ArchiveBuilder):
    """
    The entries on this disk are all entries.
    """
    assert only_problem(builder).reason == "END_COUNTS"


# ---------------------------------------------------------------------- ZIP64


@pytest.mark.parametrize(
    "builder",
    [
        two().zip64(locator={"record_offset": 0}),
        two().zip64(locator={"record_offset": lambda at: at - 1}),
        two().zip64(locator={"record_offset": lambda at: at + 1}),
        two().zip64(locator={"record_offset": (1 << 64) - 1}),
        two().zip64(locator={"record_offset": (1 << 64) - RECORD_LEN}),
        two().zip64(record={"signature": 0x06064B51}),
        two().zip64().put("after_record", b"\0"),
    ],
)
def test_refuses_a_zip64_record_elsewhere(builder: ArchiveBuilder):
    """
    The ZIP64 record is where its locator says, and right before it.
    """
    assert only_problem(builder).reason == "ZIP64_LOCATOR"


def test_refuses_bytes_after_the_locator():
    """
    A locator is right before the end record, or it is none.
    """
    builder = two().zip64().put("after_locator", b"\0")

    assert only_problem(builder).reason == "ZIP64_MISSING"


def test_refuses_a_locator_that_nothing_refers_to():
    """
    Some readers look for a locator always: a fake one counts too.

    It is the end of the last entry here, whose extra field has it.
    """
    fake = struct.pack("<IIQI", 0x07064B50, 0, 0, 1)
    builder = two(central_extra=[(0xCAFE, fake)])

    assert only_problem(builder).reason == "ZIP64_LOCATOR"


def test_refuses_a_locator_at_the_beginning():
    """
    A locator without room for its record leads nowhere.
    """
    end = ArchiveBuilder().zip64().build()[RECORD_LEN:]

    assert only_problem(end).reason == "ZIP64_LOCATOR"


@pytest.mark.parametrize(
    "lie",
    [
        {"count": 1, "count_here": 1},
        {"directory_len": lambda n: n + 1},
        {"directory_offset": lambda offset: offset - 1},
    ],
)
def test_refuses_a_contradiction_of_zip64(lie: dict[str, object]):
    """
    The end record says what the ZIP64 record says, or all ones.
    """
    builder = two().zip64(all_ones=False).end(**lie)

    assert only_problem(builder).reason == "ZIP64_RECORD"


@pytest.mark.parametrize("extensible", [b"\0", b"\1\0\4\0\0\0data"])
def test_refuses_extensible_data(extensible: bytes):
    """
    What strong encryption keeps in the ZIP64 record is not understood.
    """
    problem = only_problem(two().zip64(record={"extensible": extensible}))

    assert problem.reason == "ZIP64_EXTENSIBLE"
    assert problem.status == lib.UW_ERR_UNSUPPORTED
    assert problem.found == 44 + len(extensible)


@pytest.mark.parametrize("record_len", [0, 43, 45, (1 << 64) - 12])
def test_refuses_another_length_of_the_zip64_record(record_len: int):
    """
    The ZIP64 record has the length that it has.
    """
    builder = two().zip64(record={"record_len": record_len})

    assert only_problem(builder).reason == "ZIP64_EXTENSIBLE"


@pytest.mark.parametrize(
    "lie",
    [
        {"disk": ALL_16},
        {"directory_disk": ALL_16},
        {"count_here": ALL_16},
        {"count": ALL_16},
        {"directory_len": ALL_32},
        {"directory_offset": ALL_32},
    ],
)
def test_refuses_all_ones_at_the_end_without_zip64(lie: dict[str, int]):
    """
    All ones mean the ZIP64 record, which must be there then.
    """
    assert only_problem(two().end(**lie)).reason == "ZIP64_MISSING"


@pytest.mark.parametrize(
    "lie",
    [
        {"central": {"size": ALL_32}},
        {"central": {"packed_size": ALL_32}},
        {"central": {"header_offset": ALL_32}},
        {"central": {"disk": ALL_16}},
        {"local": {"size": ALL_32}},
        {"local": {"packed_size": ALL_32}},
    ],
)
def test_refuses_all_ones_in_a_header_without_zip64(lie: dict[str, object]):
    """
    In a header they mean the ZIP64 extra field.
    """
    problem = only_problem(two(**lie))

    assert problem.reason == "ZIP64_MISSING"
    assert problem.entry == 1


def zip64_of(*values: int) -> bytes:
    """A ZIP64 extra field."""
    return extra_field(1, struct.pack(f"<{len(values)}Q", *values))


PACKED = len(deflated(b"hello again, hello"))


def test_accepts_sizes_that_the_local_header_repeats():
    """
    Both in the ZIP64 extra field too, as in protobuf's wheels, say the same.
    """
    assert [b"a", b"b/c"] == names(two(local={"extra": zip64_of(18, PACKED)}))


def test_refuses_sizes_repeated_before_a_descriptor():
    """
    One reader would take a descriptor of 64-bit sizes, the other of 32.
    """
    refused = refusal(
        two(descriptor="signed32", local={"extra": zip64_of(0, 0)})
    )

    assert "ZIP64_EXTRA" in {problem.reason for problem in refused.problems}


@pytest.mark.parametrize(
    ("header", "fields", "extra"),
    [
        ("central", {}, zip64_of()),
        ("central", {}, zip64_of(18)),
        ("central", {}, zip64_of(18, PACKED)),
        ("local", {}, zip64_of(18, PACKED + 1)),
        ("local", {}, zip64_of(17, PACKED)),
        ("local", {}, zip64_of(18)),
        ("local", {}, zip64_of(18, PACKED, 0)),
        ("central", {"size": ALL_32}, zip64_of()),
        ("central", {"size": ALL_32}, zip64_of(18, 18)),
        ("central", {"size": ALL_32}, extra_field(1, b"\x12" + bytes(6))),
        ("central", {"size": ALL_32}, extra_field(1, b"\x12" + bytes(8))),
        ("local", {"size": ALL_32}, zip64_of(18, 18)),
        ("local", {"size": ALL_32, "packed_size": ALL_32}, zip64_of(18)),
        ("central", {"disk": ALL_16}, zip64_of(0)),
    ],
)
def test_refuses_other_fields_in_zip64(
    header: str, fields: dict[str, int], extra: bytes
):
    """
    The ZIP64 extra field has what is all ones, nothing more or less.
    """
    problem = only_problem(two(**{header: {"extra": extra, **fields}}))

    assert problem.reason == "ZIP64_EXTRA"
    assert problem.entry == 1


@pytest.mark.parametrize("header", ["local", "central"])
def test_accepts_a_single_field_in_zip64(header: str):
    """
    One value alone may be wide.
    """
    lie = {"extra": zip64_of(18), "size": ALL_32}

    assert names(two(**{header: lie})) == [b"a", b"b/c"]


# -------------------------------------------------------------- the directory


@pytest.mark.parametrize(
    "builder",
    [
        two().put("stub", b"#!/bin/sh\n"),
        two().put("after_directory", b"\0"),
        two().put("after_directory", DIGITAL_SIGNATURE),
        two().zip64().put("after_directory", b"\0"),
        two()
        .put("stub", b"x")
        .zip64(locator={"record_offset": lambda at: at + 1}),
        two().end(directory_offset=lambda at: at + 1),
        two().end(directory_offset=lambda at: at - 1),
        two().end(directory_len=lambda n: n + 1),
        two().end(directory_len=lambda n: n - 1),
        two().end(directory_len=ALL_32 - 1),
        two().zip64(record={"directory_offset": (1 << 64) - 1}),
        two().zip64(
            record={
                "directory_len": lambda n: n + 1,
                "directory_offset": (1 << 64) - 1,
            }
        ),
        two().zip64(record={"directory_len": (1 << 64) - 1}),
    ],
)
def test_refuses_a_directory_elsewhere(builder: ArchiveBuilder):
    """
    The directory is where the end record says, and ends where that begins.

    Readers that search for it instead would find it elsewhere, and sums that
    wrap around 2^64 would find it anywhere.
    """
    assert refusal(builder).reasons[0] == "DIRECTORY_PLACE"


@pytest.mark.parametrize("lie", ["name_len", "extra_len", "comment_len"])
def test_refuses_an_entry_beyond_the_directory(lie: str):
    """
    An entry that runs over the end of the directory is not read.
    """
    builder = two(central={lie: lambda n: n + 1})

    problem = only_problem(builder)

    assert problem.reason == "DIRECTORY_TRUNCATED"
    assert (problem.entry, problem.offset) == (
        1,
        builder.members[1].entry_offset,
    )


def test_refuses_an_entry_cut_in_its_fixed_part():
    """
    The rest of a directory may be too short for an entry at all.
    """
    builder = two(central_extra=[(0xCAFE, bytes(ENTRY_LEN))])
    builder.put("after_directory", b"PK\1\2").end(
        directory_len=lambda n: n + 4, count=3, count_here=3
    )

    problem = only_problem(builder)

    assert problem.reason == "DIRECTORY_TRUNCATED"
    assert (problem.entry, problem.found) == (2, 4)


def test_refuses_something_else_in_the_directory():
    """
    Where an entry should be, there is one.
    """
    builder = two(central={"signature": 0x02014B51})

    problem = only_problem(builder)

    assert problem.reason == "DIRECTORY_SIGNATURE"
    assert (problem.found, problem.expected) == (0x02014B51, 0x02014B50)
    assert problem.offset == builder.members[1].entry_offset


def test_refuses_bytes_after_the_last_entry():
    """
    A digital signature, or anything else, is no part of the directory.
    """
    builder = two().put("after_directory", DIGITAL_SIGNATURE)
    builder.end(directory_len=lambda n: n + 10)

    problem = only_problem(builder)

    assert problem.reason == "DIRECTORY_EXCESS"
    assert problem.offset == builder.layout.end_offset - 10


@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 65_534])
@pytest.mark.parametrize("extra", [[], [(0xCAFE, bytes(100))]])
def test_refuses_another_count(count: int, extra: list[tuple[int, bytes]]):
    """
    There are as many entries as the end record says.
    """
    builder = two(extra=extra).end(count=count, count_here=count)

    assert refusal(builder).reasons[0] == "ENTRY_COUNT"


def test_refuses_a_count_that_no_memory_could_hold():
    """
    A count is believed only as far as the directory can hold it.
    """
    lie = {"count": (1 << 64) - 1, "count_here": (1 << 64) - 1}

    assert refusal(two().zip64(record=lie)).reasons[0] == "ENTRY_COUNT"


def test_refuses_a_comment_on_an_entry():
    """
    Nothing needs one, and a lie can hide in it.
    """
    problem = only_problem(two(central={"comment": b"see"}))

    assert problem.reason == "ENTRY_COMMENT"
    assert problem.entry == 1


@pytest.mark.parametrize("flag", [0, 6, 13])
def test_refuses_encryption(flag: int):
    """
    Encrypted members, and masked headers, are refused.
    """
    problem = only_problem(two(flags=1 << flag))

    assert problem.reason == "ENCRYPTED"
    assert problem.status == lib.UW_ERR_UNSUPPORTED


@pytest.mark.parametrize("flag", [4, 5, 7, 8, 9, 10, 12, 14, 15])
def test_refuses_other_flags(flag: int):
    """
    A flag that we do not know could mean anything.
    """
    problem = only_problem(two(flags=1 << flag))

    assert problem.reason == "ENTRY_FLAGS"
    assert problem.found == 1 << flag


@pytest.mark.parametrize(
    ("method", "name"),
    [
        (1, "Shrink"),
        (4, "Reduce"),
        (9, "Deflate64"),
        (12, "bzip2"),
        (14, "LZMA"),
        (93, "Zstandard"),
        (99, "AES encryption"),
        (7, "unknown"),
        (65_535, "unknown"),
    ],
)
def test_refuses_other_methods_by_name(method: int, name: str):
    """
    Methods other than stored and deflated are refused, and named.
    """
    problem = only_problem(two(method=method, packed=b"packed"))

    assert problem.reason == "METHOD"
    assert problem.status == lib.UW_ERR_UNSUPPORTED
    assert problem.message == f"method {method} ({name}) is not supported"


@pytest.mark.parametrize("header", ["local", "central"])
@pytest.mark.parametrize("version", [64, 0x0314, 65_535])
def test_refuses_later_versions(header: str, version: int):
    """
    What needs a version above 6.3 needs what we do not have.
    """
    problem = only_problem(two(**{header: {"version_needed": version}}))

    assert problem.reason == "VERSION_NEEDED"
    assert (problem.found, problem.expected) == (version, 63)


def test_refuses_a_later_version_of_zip64():
    """
    The ZIP64 record names a version too.
    """
    problem = only_problem(two().zip64(record={"version_needed": 64}))

    assert problem.reason == "VERSION_NEEDED"


def test_refuses_two_sizes_of_a_stored_member():
    """
    A reader that skips by one and copies by the other would see two things.
    """
    sizes = {"size": 6}
    builder = two().file("d", b"12345", method=0, local=sizes, central=sizes)

    problem = only_problem(builder)

    assert problem.reason == "STORED_SIZE"
    assert (problem.entry, problem.found, problem.expected) == (2, 5, 6)


@pytest.mark.parametrize("header", ["local_extra", "central_extra"])
@pytest.mark.parametrize(
    ("extra", "at"),
    [
        (b"\0", 0),
        (b"\xfe\xca\0", 0),
        (b"\xfe\xca\1\0", 4),
        (b"\xfe\xca\1\0x\0\0\0", 5),
        (b"\xfe\xca\xff\xffx", 4),
    ],
)
def test_refuses_a_truncated_extra_field(header: str, extra: bytes, at: int):
    """
    The records of an extra field fill it exactly.
    """
    builder = two(**{header: extra})

    problem = only_problem(builder)

    member = builder.members[1]
    begin = (
        member.entry_offset + ENTRY_LEN
        if header == "central_extra"
        else member.header_offset + LOCAL_LEN
    )
    assert problem.reason == "EXTRA_TRUNCATED"
    assert problem.offset == begin + len("b/c") + at


@pytest.mark.parametrize("header", ["local_extra", "central_extra"])
@pytest.mark.parametrize(
    "tags",
    [
        [0x5455, 0x5455],
        [0x7075, 0x7075],
        [*range(100, 107), 100],
        [*range(100, 108), 100],
        [*range(100, 108), 107],
        [*range(2, 16_384), 16_383],
    ],
    ids=len,
)
def test_refuses_a_repeated_extra_field(header: str, tags: list[int]):
    """
    One reader would take the first, another the last.
    """
    data = {0x7075: b"\1\0\0\0\0b/c"}
    extra = [(tag, data.get(tag, b"")) for tag in tags]

    problem = only_problem(two(**{header: extra}))

    assert problem.reason == "EXTRA_DUPLICATE"


@pytest.mark.parametrize("header", ["local", "central"])
def test_refuses_a_repeated_zip64_field(header: str):
    """
    Not even if both say the same.
    """
    lie = {"size": ALL_32, "extra": zip64_of(18) * 2}

    assert only_problem(two(**{header: lie})).reason == "EXTRA_DUPLICATE"


@pytest.mark.parametrize("header", ["local_extra", "central_extra"])
@pytest.mark.parametrize(
    "path",
    [
        b"",
        b"\1",
        b"\1\0\0\0",
        b"\2\0\0\0\0b/c",
        b"\0\0\0\0\0b/c",
        b"\1\0\0\0\0b/d",
        b"\1\0\0\0\0b/",
        b"\1\0\0\0\0b/cc",
        b"\1\0\0\0\0",
    ],
)
def test_refuses_another_unicode_path(header: str, path: bytes):
    """
    A reader that knows the field would write another file.
    """
    problem = only_problem(two(**{header: [(0x7075, path)]}))

    assert problem.reason == "UNICODE_PATH"


@pytest.mark.parametrize("header", ["local_extra", "central_extra"])
def test_refuses_attributes_in_an_extra_field(header: str):
    """
    What is a file to the directory would be a link to libarchive.
    """
    link = b"\4" + struct.pack("<I", 0o120777 << 16)

    problem = only_problem(two(**{header: [(0x6C78, link)]}))

    assert problem.reason == "EXTRA_ATTRIBUTES"


def test_refuses_an_empty_name():
    """
    An empty name is no name.
    """
    problem = only_problem(ArchiveBuilder().file(b""))

    assert problem.reason == "NAME_EMPTY"
    assert problem.status == lib.UW_ERR_NAME


@pytest.mark.parametrize("name", [b"\0", b"a\0", b"\0a", b"a.py\0.txt"])
def test_refuses_a_nul_in_a_name(name: bytes):
    """
    A C library would stop there, and so would not.
    """
    problem = only_problem(ArchiveBuilder().file(name))

    assert problem.reason == "NAME_NUL"
    assert problem.status == lib.UW_ERR_NAME


@pytest.mark.parametrize("data", [b"x", b"data"])
@pytest.mark.parametrize("method", [0, 8])
def test_refuses_a_directory_with_data(data: bytes, method: int):
    """
    One reader would make a directory, the other a file.
    """
    problem = only_problem(ArchiveBuilder().file("d/", data, method=method))

    assert problem.reason == "DIRECTORY_HAS_DATA"


@pytest.mark.parametrize(
    "builder",
    [
        ArchiveBuilder().directory(
            "d/", local={"crc32": 1}, central={"crc32": 1}
        ),
        ArchiveBuilder().directory("d/", data=b"x", method=8),
        ArchiveBuilder().directory("d/", method=8, descriptor="signed32"),
        ArchiveBuilder().directory("d/", method=8, packed=b"\1\0\0\xff\xff"),
        ArchiveBuilder().directory("d/", method=8, packed=b"\3\1"),
        ArchiveBuilder().directory("d/", method=8, packed=b"\5\0"),
    ],
)
def test_refuses_a_directory_with_a_size_or_check(builder: ArchiveBuilder):
    """
    Sizes and CRC-32 of a directory are 0.
    """
    assert only_problem(builder).reason == "DIRECTORY_HAS_DATA"


def test_accepts_a_directory_of_deflated_nothing():
    """
    Two bytes that no reader looks at, as in the wheel of PySocks 1.7.1.
    """
    assert [b"d/"] == names(ArchiveBuilder().directory("d/", method=8))


def test_accepts_directories():
    """
    A directory without data is one.
    """
    builder = ArchiveBuilder().directory("d/").directory("d/e/")

    assert names(builder) == [b"d/", b"d/e/"]


# -------------------------------------------------------------- local headers


def test_refuses_something_else_as_a_local_header():
    """
    Where an entry points, there is a local header.
    """
    builder = two(local={"signature": 0x04034B51}).file("d")

    problem = only_problem(builder)

    assert problem.reason == "LOCAL_SIGNATURE"
    assert problem.entry == 1
    assert problem.offset == builder.members[1].header_offset
    assert (problem.found, problem.expected) == (0x04034B51, 0x04034B50)


@pytest.mark.parametrize("offset", [ALL_32 - 1, lambda at: at + 36])
def test_refuses_a_local_header_beyond_the_members(
    offset: int | Callable[[int], int],
):
    """
    A local header lies before the directory.
    """
    builder = two(central={"header_offset": offset})

    problem = only_problem(builder)

    assert problem.reason == "LOCAL_TRUNCATED"
    assert problem.entry == 1


@pytest.mark.parametrize("offset", [(1 << 64) - 1, (1 << 64) - LOCAL_LEN])
def test_refuses_an_offset_that_wraps(offset: int):
    """
    Offset and length may add up to more than 2^64.
    """
    lie = {"header_offset": ALL_32, "extra": zip64_of(offset)}

    assert only_problem(two(central=lie)).reason == "LOCAL_TRUNCATED"


@pytest.mark.parametrize("lie", ["name_len", "extra_len"])
def test_refuses_a_local_header_that_runs_into_the_directory(lie: str):
    """
    Its variable part ends before the directory too.
    """
    problem = only_problem(two(local={lie: 65_535}))

    assert problem.reason == "LOCAL_TRUNCATED"
    assert problem.found > problem.expected


@pytest.mark.parametrize("name", [b"b/d", b"b/", b"b/cc", b"B/C", b""])
def test_refuses_another_name_in_the_local_header(name: bytes):
    """
    A reader from the front would write another file.
    """
    problem = only_problem(two(local={"name": name}))

    assert problem.reason == "LOCAL_NAME"
    assert problem.entry == 1


def test_refuses_another_method_in_the_local_header():
    """
    A reader from the front would get other bytes.
    """
    problem = only_problem(two(local={"method": 0}))

    assert problem.reason == "LOCAL_METHOD"
    assert (problem.found, problem.expected) == (0, 8)


@pytest.mark.parametrize("flags", [1, 2, 8, 1 << 11, 1 << 13])
def test_refuses_other_flags_in_the_local_header(flags: int):
    """
    Flags are the same in both headers, all of them.
    """
    problem = only_problem(two(local={"flags": flags}))

    assert problem.reason == "LOCAL_FLAGS"
    assert (problem.found, problem.expected) == (flags, 0)


@pytest.mark.parametrize("crc32", [0, 1, ALL_32])
def test_refuses_another_crc_in_the_local_header(crc32: int):
    """
    Without a descriptor not even zero stands for "not known yet".
    """
    problem = only_problem(two(local={"crc32": crc32}))

    assert problem.reason == "LOCAL_CRC"
    assert (problem.found, problem.expected) == (
        crc32,
        zlib.crc32(b"hello again, hello"),
    )


@pytest.mark.parametrize("field", ["size", "packed_size"])
@pytest.mark.parametrize("value", [0, 1, ALL_32 - 1])
def test_refuses_another_size_in_the_local_header(field: str, value: int):
    """
    A reader from the front would look for the next member elsewhere.
    """
    problem = only_problem(two(local={field: value}))

    assert problem.reason == "LOCAL_SIZES"
    assert problem.found == value


def test_refuses_another_size_in_the_local_zip64_field():
    """
    The sizes of ZIP64 count, not the all ones for which they stand.
    """
    both = {"size": ALL_32, "packed_size": ALL_32}
    builder = two(local={"extra": zip64_of(19, 18), **both})

    problem = refusal(builder).problems[0]

    assert problem.reason == "LOCAL_SIZES"


@pytest.mark.parametrize("field", ["crc32", "size", "packed_size"])
def test_refuses_a_wrong_local_header_before_a_descriptor(field: str):
    """
    With a descriptor a value may be zero, but not wrong.
    """
    problem = only_problem(two(descriptor="signed", local={field: 1}))

    assert problem.reason in ("LOCAL_CRC", "LOCAL_SIZES")
    assert problem.found == 1


# ---------------------------------------------------------------- descriptors


@pytest.mark.parametrize("field", ["crc32", "packed_size", "size"])
@pytest.mark.parametrize("zip64", [False, True])
def test_refuses_another_value_in_a_descriptor(field: str, zip64: bool):
    """
    The descriptor repeats the directory.
    """
    builder = two(
        descriptor="signed", zip64=zip64, described={field: lambda n: n ^ 1}
    ).file("d")

    problem = only_problem(builder)

    assert problem.reason == "DESCRIPTOR"
    assert problem.entry == 1
    assert problem.offset == builder.members[1].descriptor_offset


@pytest.mark.parametrize(
    ("zip64", "descriptor"),
    [
        (False, b""),
        (False, b"PK\7\x08"),
        (True, b"PK\7\x08" + bytes(12)),
        (False, b"\0" * 16),
    ],
)
def test_refuses_a_missing_descriptor(zip64: bool, descriptor: bytes):
    """
    A descriptor that the flags announce is there, and whole.
    """
    builder = two(descriptor=descriptor, zip64=zip64)

    assert refusal(builder).reasons[0] == "DESCRIPTOR"


@pytest.mark.parametrize(
    ("zip64", "descriptor"),
    [(False, "signed64"), (True, "signed32"), ("central", "signed64")],
)
def test_refuses_another_width_of_a_descriptor(
    zip64: bool | str, descriptor: str
):
    """
    A reader from the front knows the local header only.
    """
    builder = two(descriptor=descriptor, zip64=zip64).file("d")

    assert refusal(builder).reasons[0] in ("DESCRIPTOR", "GAP")


@pytest.mark.parametrize("zip64", [False, True])
def test_refuses_unsigned_descriptors(zip64: bool):
    """
    Without a signature it could be data that looks like a descriptor.
    """
    builder = two(descriptor="unsigned", zip64=zip64).file("d")

    problem = only_problem(builder)

    assert problem.reason == "DESCRIPTOR_UNSIGNED"
    assert problem.entry == 1


def test_a_signature_is_needed_even_if_the_crc_looks_like_one():
    """
    A CRC-32 equal to the signature does not make one.
    """
    signature = 0x08074B50
    builder = two(
        descriptor="unsigned",
        central={"crc32": signature},
        described={"crc32": signature},
    ).file("d")

    assert only_problem(builder).reason == "DESCRIPTOR_UNSIGNED"
    assert names(builder, allow=lib.UW_ALLOW_UNSIGNED_DESCRIPTORS)


def test_refuses_descriptors_on_demand():
    """
    A caller can refuse what the package index refuses.
    """
    builder = two(descriptor="signed")

    problem = only_problem(builder, allow=lib.UW_REFUSE_DESCRIPTORS)

    assert problem.reason == "DESCRIPTOR_REFUSED"
    assert names(two(), allow=lib.UW_REFUSE_DESCRIPTORS) == [b"a", b"b/c"]


@pytest.mark.parametrize("known", [0, 16])
def test_refuses_a_stored_member_with_a_descriptor(known: int):
    """
    A reader from the front could not tell its end from its content, and one
    that could looks for the descriptor all the same.
    """
    data = b"PK\7\x08" + bytes(12)
    stated = {"crc32": 0, "size": known, "packed_size": known}
    builder = two().file(
        "d", data, method=0, descriptor="signed", local=stated
    )

    problem = only_problem(builder)

    assert problem.reason == "DESCRIPTOR_STORED"
    assert (problem.entry, problem.found, problem.expected) == (2, known, 16)


def test_refuses_an_unsigned_descriptor_of_nothing_stored():
    """
    Even where others may be unsigned: who looks for the signature goes on.
    """
    builder = two().file("d", b"", method=0, descriptor="unsigned")

    problem = only_problem(builder, allow=lib.UW_ALLOW_UNSIGNED_DESCRIPTORS)

    assert (problem.reason, problem.entry) == ("DESCRIPTOR_STORED", 2)


def test_accepts_a_stored_member_of_nothing_with_a_descriptor():
    """
    Who looks for the descriptor finds it at once.
    """
    builder = two().file("d", b"", method=0, descriptor="signed")

    assert names(builder) == [b"a", b"b/c", b"d"]


# --------------------------------------------------------------------- tiling


@pytest.mark.parametrize("prefix", [b"\0", b"#!/usr/bin/env python3\n"])
def test_refuses_a_prefix(prefix: bytes):
    """
    A program, or another archive, before the first member.
    """
    problem = only_problem(two().put("prefix", prefix))

    assert problem.reason == "PREFIX"
    assert (problem.entry, problem.offset) == (0, 0)
    assert (problem.found, problem.expected) == (len(prefix), 0)


def test_refuses_a_prefix_of_nothing():
    """
    An empty archive after something is not empty.
    """
    problem = only_problem(ArchiveBuilder().put("prefix", b"\0"))

    assert problem.reason == "PREFIX"
    assert problem.entry is None


def test_refuses_a_gap():
    """
    Bytes between two members belong to one of them.
    """
    builder = two(gap=b"\0\0")

    problem = only_problem(builder)

    assert problem.reason == "GAP"
    assert problem.entry == 1
    assert problem.offset == builder.members[1].header_offset - 2


def test_refuses_a_gap_before_the_directory():
    """
    And so do bytes between the last member and the directory.
    """
    builder = two().put("before_directory", b"\0")

    problem = only_problem(builder)

    assert problem.reason == "GAP"
    assert problem.entry is None
    assert problem.offset == builder.layout.directory_offset - 1


@pytest.mark.parametrize("place", [0, 1, 2])
def test_refuses_a_hidden_member(place: int):
    """
    A member without an entry, seen by readers from the front only.
    """
    builder = ArchiveBuilder()
    for number in range(3):
        builder.file(f"{number}", b"data", listed=number != place)

    problem = only_problem(builder)

    assert problem.reason == ("PREFIX" if place == 0 else "GAP")
    assert problem.offset == builder.members[place].header_offset


def test_refuses_two_entries_for_one_member():
    """
    The simplest overlap: the second entry points where the first does.
    """
    builder = two().file(
        "a",
        b"hello",
        method=0,
        written=False,
        central={"header_offset": 0},
    )

    problem = only_problem(builder)

    assert problem.reason == "OVERLAP"
    assert (problem.entry, problem.offset) == (2, 0)


def test_refuses_a_member_within_another():
    """
    The overlap of a zip bomb: one member's data has the next one's header.
    """
    inner = ArchiveBuilder().file("inner", b"data", method=0)
    data = inner.build()[: inner.layout.directory_offset]
    builder = ArchiveBuilder().file("outer", data, method=0)
    builder.file("inner", b"data", method=0, written=False)
    builder.members[1].central = {
        "header_offset": lambda _: builder.members[0].data_offset
    }

    problem = only_problem(builder)

    assert problem.reason == "OVERLAP"
    assert problem.entry == 1


@pytest.mark.parametrize("size", [lambda size: size + 1, ALL_32 - 1])
def test_refuses_data_that_runs_into_the_directory(
    size: int | Callable[[int], int],
):
    """
    Data ends before the directory.
    """
    lie = {"packed_size": size}
    builder = two(local=lie, central=lie)

    problem = only_problem(builder)

    assert problem.reason == "OVERLAP"
    assert problem.offset == builder.members[1].data_offset
    assert problem.expected == len(builder.members[1].packed)


def test_refuses_a_size_that_wraps():
    """
    Offset and size may add up to more than 2^64.
    """
    extra = zip64_of((1 << 64) - 1)
    lie = {"packed_size": ALL_32, "extra": extra}

    assert only_problem(two(local=lie, central=lie)).reason == "OVERLAP"


def test_refuses_data_that_runs_into_the_next_member():
    """
    Both headers agree about a size that is too great.
    """
    lie = {"size": 6, "packed_size": 6}
    builder = ArchiveBuilder()
    builder.file("a", b"hello", method=0, local=lie, central=lie)

    problem = refusal(builder.file("b").file("c")).problems[0]

    assert problem.reason == "OVERLAP"
    assert problem.entry == 1


# --------------------------------------------------------------------- limits


def test_refuses_too_many_entries():
    """
    The caller says how many entries may be read.
    """
    problem = only_problem(two(), entries=1)

    assert problem.reason == "TOO_MANY_ENTRIES"
    assert problem.status == lib.UW_ERR_LIMIT
    assert (problem.found, problem.expected) == (2, 1)
    assert names(two(), entries=2) == [b"a", b"b/c"]


def test_refuses_a_large_directory():
    """
    The caller says how many bytes the directory may take.
    """
    builder = two()
    builder.build()
    size = builder.layout.directory_len

    problem = only_problem(builder, directory_len=size - 1)

    assert problem.reason == "DIRECTORY_TOO_LARGE"
    assert problem.status == lib.UW_ERR_LIMIT
    assert (problem.found, problem.expected) == (size, size - 1)
    assert names(builder, directory_len=size) == [b"a", b"b/c"]


def test_refuses_a_long_name():
    """
    The caller says how many bytes a name may have.
    """
    problem = only_problem(two(), name_len=2)

    assert problem.reason == "NAME_TOO_LONG"
    assert problem.status == lib.UW_ERR_LIMIT
    assert (problem.entry, problem.found, problem.expected) == (1, 3, 2)
    assert names(two(), name_len=3) == [b"a", b"b/c"]


def test_accepts_the_longest_header():
    """
    65,535 bytes are what a name can have, and extra fields the same.
    """
    name = b"n" * 65_535
    extra = [(0xCAFE, bytes(65_531))]
    builder = two().file(name, extra=extra).file("z")

    assert names(builder, name_len=65_535) == [b"a", b"b/c", name, b"z"]


# --------------------------------------------------------------- all problems


def test_collects_every_problem():
    """
    All problems of all entries are told, those of the directory first.
    """
    builder = (
        ArchiveBuilder()
        .file("a", b"a", central={"comment": b"c"}, local={"crc32": 1})
        .file("b", b"b", flags=1, gap=b"\0", local={"name": b"c"})
        .file("c", b"c", method=12, packed=b"c")
        .put("before_directory", b"\0")
    )

    refused = refusal(builder)

    assert [(p.reason, p.entry) for p in refused.problems] == [
        ("ENTRY_COMMENT", 0),
        ("ENCRYPTED", 1),
        ("METHOD", 2),
        ("LOCAL_CRC", 0),
        ("GAP", 1),
        ("LOCAL_NAME", 1),
        ("GAP", None),
    ]
    assert refused.status == lib.UW_ERR_ARCHIVE


def test_counts_more_problems_than_it_keeps():
    """
    A hostile directory cannot make the list longer than it is.
    """
    builder = ArchiveBuilder()
    for number in range(1000):
        builder.file(f"{number}", flags=1)

    refused = refusal(builder)

    assert refused.count == 1000
    assert [p.entry for p in refused.problems[:31]] == list(range(31))


def test_goes_on_after_an_entry_without_a_place():
    """
    If a place is unknown, nothing is said of members, but all of entries.
    """
    builder = two(central={"size": ALL_32}).file("d", flags=1, gap=b"\0")

    assert refusal(builder).reasons == ["ZIP64_MISSING", "ENCRYPTED"]


def test_messages_are_sentences_without_names():
    """
    Every message is ASCII, fits, and begins in lower case.
    """
    builder = two(method=99, packed=b"", local={"name": b"evil\xff"})

    for problem in refusal(builder).problems:
        assert 0 < len(problem.message) < 119
        assert "evil" not in problem.message
        assert problem.message[0].islower()


# -------------------------------------------------------------- every change


def everything() -> ArchiveBuilder:
    """A small archive that has one of everything."""
    return (
        ArchiveBuilder()
        .file("a", b"hello", method=0, extra=[(0x5455, b"\1\0\0\0\0")])
        .file("b", b"hello", descriptor="signed", zip64=True)
        .directory("d/")
        .zip64()
        .comment(b"end")
    )


def try_to_read(data: bytes) -> list[Entry] | None:
    """The entries, or None if the archive is refused."""
    try:
        return read(data)
    except Refused:
        return None


def test_refuses_every_truncation():
    """
    An archive that lacks its last bytes is never accepted.
    """
    data = everything().build()

    assert [n for n in range(len(data)) if try_to_read(data[:n])] == []
    assert try_to_read(data)


def test_refuses_every_lost_beginning():
    """
    Nor is one that lacks its first bytes.
    """
    data = everything().build()

    assert [n for n in range(1, len(data)) if try_to_read(data[n:])] == []


def bytes_that_matter_little(builder: ArchiveBuilder) -> set[int]:
    """Where a change may be accepted: hints, times, attributes, content."""
    free: set[int] = set()

    def mark(begin: int, *fields: tuple[int, int]) -> None:
        for offset, length in fields:
            free.update(range(begin + offset, begin + offset + length))

    for member in builder.members:
        version, time = (4, 1), (10, 4)
        mark(member.header_offset, version, time)
        mark(member.data_offset, (0, len(member.packed)))
        made_by, version, time, attributes = (4, 2), (6, 1), (12, 4), (36, 6)
        mark(member.entry_offset, made_by, version, time, attributes)
    first = builder.members[0]
    extra = (0, 9)  # of a kind that is not read
    mark(first.header_offset + LOCAL_LEN + 1, extra)
    mark(first.entry_offset + ENTRY_LEN + 1, extra)
    # Sizes that a descriptor gives are zero or the truth.
    mark(builder.members[1].header_offset + LOCAL_LEN + 1, (4, 16))
    mark(builder.layout.record_offset, (12, 3))
    mark(builder.layout.end_offset + END_LEN, (0, 3))
    # An end record that is not all ones may say what ZIP64 says.
    mark(builder.layout.end_offset, (4, 16))
    return free


def essence(entries: list[Entry]) -> list[tuple[object, ...]]:
    """What a reader needs in order to find the content and check it."""
    return [
        (e.name, e.size, e.packed_size, e.data_offset, e.crc32, e.method)
        for e in entries
    ]


@pytest.mark.parametrize("part", range(8))
def test_no_change_of_a_byte_is_read_in_another_way(part: int):
    """
    With any byte changed the archive is refused, or read just the same.
    """
    builder = everything()
    data = bytearray(builder.build())
    expected = essence(read(bytes(data)))
    free = bytes_that_matter_little(builder)

    for at in range(part, len(data), 8):
        was = data[at]
        for change in range(1, 256):
            data[at] = was ^ change
            entries = try_to_read(bytes(data))
            if entries is not None:
                assert at in free, (at, change)
                assert essence(entries) == expected, (at, change)
        data[at] = was


def test_every_reason_of_the_container_has_a_test():
    """
    Each reason that the ZIP reader gives is asserted somewhere in this file.
    """
    with open(__file__, encoding="utf-8") as file:
        text = file.read()
    first, last = "NO_END_RECORD", "NAME_TOO_LONG"
    order = [REASONS[number] for number in sorted(REASONS)]
    container = order[order.index(first) : order.index(last) + 1]

    assert [name for name in container if f'"{name}"' not in text] == []
