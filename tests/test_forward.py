"""An archive from the front: what who reads a pipe sees, lies included."""

from __future__ import annotations

import contextlib
import gc
import hashlib
import os
import random
import struct
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest
from builder import STORED, ArchiveBuilder, deflated
from places import half_noise, noise, open_handles
from wheels import CORPUS, FetchError, RealWheel, fetch

from unwheel import (
    ArchiveError,
    CorruptMemberError,
    LimitError,
    Limits,
    SourceError,
    UnsafeMemberError,
    UnsupportedError,
    UnwheelError,
)
from unwheel.native import Forward, LocalEntry, NativeArchive, Walk, walk

LIMITS = Limits()
LOCAL_LEN = 30
INPUT = 512 + (128 << 10)  # what the core reads at a time
SIGNATURE = 0x08074B50

posix_only = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows has no such thing"
)


def walked(
    archive: ArchiveBuilder | bytes, limits: Limits = LIMITS, **knobs: Any
) -> Walk:
    """All that is seen of it from the front."""
    data = archive if isinstance(archive, bytes) else archive.build()
    forward = Forward.from_bytes(data, limits, **knobs)
    return Walk(tuple(forward), *forward.end())


def refusal(data: bytes) -> list[str]:
    """The codes for which *data* is refused, if it is."""
    try:
        walked(data)
    except UnwheelError as error:
        return [problem.code for problem in error.problems]
    return []


def only(archive: ArchiveBuilder, **knobs: Any) -> LocalEntry:
    """The one member that is seen."""
    (entry,) = walked(archive, **knobs).entries
    return entry


def member(name: str = "x", data: bytes = b"hello", **lies: Any):
    """An archive with one member."""
    return ArchiveBuilder().file(name, data, **lies)


def facts(entries: Any, offset: str = "data_offset") -> list[Any]:
    """What the directory and the local headers both tell."""
    return [
        (
            *(e.name, e.size, e.packed_size, e.crc32, e.method, e.flags),
            *(e.dos_time, getattr(e, offset)),
        )
        for e in entries
    ]


def by_directory(archive: NativeArchive) -> list[Any]:
    """The same facts from the directory, in the order of the members."""
    in_order = sorted(archive.entries, key=lambda entry: entry.offset)
    return facts(in_order, "offset")


# ------------------------------------------------------------ what is honest


def test_reads_the_facts():
    """
    Each that the header states, and each that was found behind it.
    """
    data = b"again and " * 50
    stamp = [(0x5455, struct.pack("<Bi", 1, 1_700_000_000))]
    builder = (
        ArchiveBuilder()
        .file("a", b"x")
        .file(
            *("d/\u00e9", data),
            dos_date=0x5678,
            dos_time=0x1234,
            local_extra=stamp,
            zip64="local",
        )
    )
    builder.build()

    entry = walked(builder, keep=1000).entries[1]

    second = builder.members[1]
    packed_size = len(deflated(data))
    assert entry == LocalEntry(
        name="d/\u00e9",
        method=8,
        flags=1 << 11,
        dos_time=0x56781234,
        mtime=1_700_000_000,
        zip64=True,
        offset=second.header_offset,
        data_offset=second.data_offset,
        size=500,
        packed_size=packed_size,
        crc32=zlib.crc32(data),
        stated_size=500,
        stated_packed_size=packed_size,
        stated_crc32=zlib.crc32(data),
        sha256=hashlib.sha256(data).digest(),
        content=data,
    )


CONTENTS = {
    "nothing": b"",
    "little": b"hello",
    "text": b"again and " * 5000,
    "noise": noise(INPUT + 5000),
    "much": half_noise(600_000),
}
STRUCTURES: dict[str, dict[str, Any]] = {
    "stored": {"method": STORED},
    "deflated": {},
    "stored, ZIP64": {"method": STORED, "zip64": True},
    "deflated, ZIP64": {"zip64": True},
    "ZIP64 in the local header": {"zip64": "local"},
    "sizes twice": {"local_extra": None},
    "descriptor": {"descriptor": "signed"},
    "descriptor, ZIP64": {"descriptor": "signed", "zip64": True},
    "descriptor, sizes known": {"descriptor": "signed", "local": None},
    "descriptor, unsigned": {"descriptor": "unsigned"},
    "descriptor, unsigned, ZIP64": {"descriptor": "unsigned", "zip64": True},
    "blocks that are stored": {"level": 0},
}


def honest(structure: str, content: bytes) -> ArchiveBuilder:
    """Two members of that *structure*, with ordinary ones around them."""
    lies = dict(STRUCTURES[structure])
    if structure == "sizes twice":  # as the writer of protobuf's wheels does
        sizes = (len(content), len(deflated(content)))
        lies["local_extra"] = [(1, struct.pack("<QQ", *sizes))]
    if structure == "descriptor, sizes known":
        lies["local"] = {
            "crc32": zlib.crc32(content),
            "packed_size": len(deflated(content)),
            "size": len(content),
        }
    builder = ArchiveBuilder().file("a", b"before").directory("d/")
    builder.file("d/x", content, **lies).file("d/y", content, **lies)
    return builder.file("z", b"after")


@pytest.mark.parametrize("content", CONTENTS)
@pytest.mark.parametrize("structure", STRUCTURES)
def test_an_honest_archive_is_what_its_directory_says(
    tmp_path: Path, structure: str, content: str
):
    """
    Of every structure and size; in memory, and in a file.
    """
    plain = CONTENTS[content]
    builder = honest(structure, plain)
    path = str(builder.write(tmp_path / "x.zip"))
    descriptors = "any" if "unsigned" in structure else "signed"

    seen = walk(path, LIMITS, descriptors=descriptors, keep=1 << 20)

    archive = NativeArchive(path, LIMITS, descriptors)
    assert by_directory(archive) == facts(seen.entries)
    assert [b"before", b"", plain, plain, b"after"] == [
        entry.content for entry in seen.entries
    ]
    for entry in seen.entries:
        assert hashlib.sha256(entry.content).digest() == entry.sha256
    assert (builder.layout.directory_offset, "directory") == (
        seen.end,
        seen.kind,
    )
    data = Path(path).read_bytes()
    again = walked(data, descriptors=descriptors, keep=1 << 20)
    assert seen == again


@pytest.mark.parametrize(
    ("method", "descriptor"), [(STORED, None), (8, None), (8, "signed")]
)
def test_anything_may_lie_across_two_reads(
    method: int, descriptor: str | None
):
    """
    A header, the end of a stream, a descriptor: at every place.
    """
    content = noise(INPUT)
    for size in range(INPUT - 150, INPUT, 3):
        builder = member("x", content[:size], method=method, level=0)
        builder.members[0].descriptor = descriptor
        builder.members[0].flags = 8 if descriptor else 0
        builder.file("y/" * 20, b"").file("z", b"last", method=STORED)

        seen = walked(builder)

        last = seen.entries[-1]
        assert ("z", zlib.crc32(b"last")) == (last.name, last.crc32)
        assert (3, "directory") == (len(seen.entries), seen.kind)


def test_the_longest_header(tmp_path: Path):
    """
    131,100 bytes, wherever they lie; the limit of names may be raised.
    """
    name = "n" * 65535
    extra = struct.pack("<HH", 0x1234, 65531) + bytes(65531)
    limits = Limits(name_length=65535)
    for size in (0, 1000, INPUT - 200_000 % INPUT, INPUT - 40):
        builder = member("x", noise(size), method=STORED)
        builder.file(name, b"hello", extra=extra).file("z", b"last")
        path = builder.write(tmp_path / "x.zip")

        seen = walk(str(path), limits)

        assert ["x", name, "z"] == [entry.name for entry in seen.entries]


@pytest.mark.parametrize(
    ("data", "kind", "signature"),
    [
        (ArchiveBuilder().build(), "end", b"PK\5\6"),
        (ArchiveBuilder().zip64().build(), "end", b"PK\6\6"),
        (b"", "nothing", b""),
        (b"PK\3", "other", b"PK\3"),
        (b"PK\3\5", "other", b"PK\3\5"),
        (b"\x7fELF and more", "other", b"\x7fELF"),
        (bytes(3), "other", bytes(3)),
    ],
)
def test_what_is_no_local_header_ends_it(data: bytes, kind, signature):
    """
    And is told: whether anything else may follow is for others to judge.
    """
    assert Walk((), 0, kind, signature) == walked(data)


@pytest.mark.wheels
@pytest.mark.parametrize("wheel", CORPUS, ids=str)
def test_a_published_wheel_is_what_its_directory_says(wheel: RealWheel):
    """
    Whatever wrote it.
    """
    try:
        path = str(fetch(wheel))
    except FetchError as error:
        pytest.fail(str(error), pytrace=False)

    seen = walk(path, LIMITS)

    archive = NativeArchive(path, LIMITS)
    assert by_directory(archive) == facts(seen.entries)
    assert "directory" == seen.kind


# ------------------------------------------------- where the directory differs


@pytest.mark.parametrize(
    ("lie", "field", "told"),
    [
        ({"name": b"other"}, "name", "other"),
        ({"name": b"\xff/\xe9"}, "name", "\udcff/\udce9"),
        ({"flags": 1 << 11}, "flags", 1 << 11),
        ({"dos_time": 77}, "dos_time", 0x21 << 16 | 77),
        ({"dos_date": 0x5A21}, "dos_time", 0x5A21 << 16),
    ],
)
def test_tells_what_the_local_header_says(lie: dict, field: str, told):
    """
    Whatever the directory says.
    """
    entry = only(member(local=lie))

    assert told == getattr(entry, field)


def test_sees_another_content_than_the_directory():
    """
    The header says stored, the directory deflated: two files in one place.
    """
    packed = deflated(b"for who trusts the directory")
    crc = zlib.crc32(packed)
    builder = member(
        data=b"for who trusts the directory",
        local={"method": 0, "size": len(packed), "crc32": crc},
    )

    assert packed == only(builder, keep=100).content


def test_sees_members_that_the_directory_hides():
    """
    And none that only the directory has.
    """
    builder = member("a").file("hidden", b"x", listed=False)
    builder.file("nowhere", b"x", written=False).file("z")

    seen = walked(builder)

    assert ["a", "hidden", "z"] == [entry.name for entry in seen.entries]


@pytest.mark.parametrize(
    ("builder", "names"),
    [
        (member("a").file("b", gap=b"hole"), ["a"]),
        (member("a").put("prefix", b"MZ program"), []),
        (member("a").put("stub", b"#!/bin/sh\n"), []),
        (member("a").put("before_directory", b"tail"), ["a"]),
    ],
)
def test_stops_where_the_tiling_does(builder: ArchiveBuilder, names):
    """
    Bytes between members are none to a reader from the front: it stops.
    """
    data = builder.build()

    seen = walked(data)

    assert names == [entry.name for entry in seen.entries]
    assert "other" == seen.kind
    assert data[seen.end : seen.end + 4] == seen.signature


def test_goes_on_into_an_archive_within_the_gap():
    """
    What the directory of the second archive does not count is there.
    """
    inner = member("inner").build()
    first = inner[: inner.index(b"PK\1\2")]

    seen = walked(member("outer").put("stub", first))

    assert ["inner", "outer"] == [entry.name for entry in seen.entries]


# -------------------------------------------------------------- what is wrong

TEXT = b"hello again, hello again, hello"
PACKED = deflated(TEXT)


def descriptor(
    crc: int, *sizes: int, wide: bool = False, sign: bool = True
) -> bytes:
    """The bytes of a data descriptor."""
    body = struct.pack("<IQQ" if wide else "<III", crc, *sizes)
    return struct.pack("<I", SIGNATURE) * sign + body


REFUSED = [
    # headers
    ("VERSION_NEEDED", {"local": {"version_needed": 64}}, UnsupportedError),
    ("ENCRYPTED", {"local": {"flags": 1}}, UnsupportedError),
    ("ENTRY_FLAGS", {"local": {"flags": 1 << 5}}, UnsupportedError),
    ("METHOD", {"local": {"method": 93}}, UnsupportedError),
    ("NAME_EMPTY", {"name": ""}, UnsafeMemberError),
    ("NAME_NUL", {"name": "a\0b"}, UnsafeMemberError),
    ("NAME_TOO_LONG", {"name": "n" * 4096}, LimitError),
    ("EXTRA_TRUNCATED", {"extra": b"\1\2\3"}, ArchiveError),
    ("EXTRA_TRUNCATED", {"extra": b"\1\2\3\0"}, ArchiveError),
    ("EXTRA_DUPLICATE", {"extra": [(9, b""), (9, b"")]}, ArchiveError),
    ("UNICODE_PATH", {"extra": [(0x7075, b"\1name other")]}, ArchiveError),
    ("ZIP64_MISSING", {"local": {"size": 0xFFFFFFFF}}, ArchiveError),
    ("ZIP64_EXTRA", {"extra": [(1, bytes(8))]}, ArchiveError),
    ("STORED_SIZE", {"method": 0, "local": {"size": 4}}, ArchiveError),
    ("LOCAL_SIZES", {"local": {"packed_size": 9999}}, ArchiveError),
    (
        "LOCAL_SIZES",
        {
            "zip64": "local",
            "local_extra": b"",
            "local": {"extra": struct.pack("<HHQQ", 1, 16, 31, 2**64 - 1)},
        },
        ArchiveError,
    ),
    # content
    ("SIZE", {"local": {"size": 30}}, CorruptMemberError),
    ("SIZE", {"local": {"size": 32}}, CorruptMemberError),
    ("CRC32", {"local": {"crc32": 1}}, CorruptMemberError),
    ("CRC32", {"local": {"crc32": 0}}, CorruptMemberError),
    ("CRC32", {"method": 0, "local": {"crc32": 1}}, CorruptMemberError),
    (
        "DEFLATE_EXCESS",
        {"local": {"packed_size": len(PACKED) + 1}},
        CorruptMemberError,
    ),
    (
        "DEFLATE_TRUNCATED",
        {"local": {"packed_size": len(PACKED) - 1}},
        CorruptMemberError,
    ),
    ("DEFLATE_TRUNCATED", {"packed": b""}, CorruptMemberError),
    ("DEFLATE_BLOCK_TYPE", {"packed": b"\7"}, CorruptMemberError),
    (
        "DEFLATE_BLOCK_TYPE",
        {"packed": b"\7", "descriptor": "signed"},
        CorruptMemberError,
    ),
    # what is stated although there is a descriptor
    (
        "CRC32",
        {"descriptor": "signed", "local": {"crc32": 7}},
        CorruptMemberError,
    ),
    (
        "SIZE",
        {"descriptor": "signed", "local": {"size": 7}},
        CorruptMemberError,
    ),
    (
        "DEFLATE_TRUNCATED",
        {"descriptor": "signed", "local": {"packed_size": 7}},
        CorruptMemberError,
    ),
    # descriptors
    ("DESCRIPTOR", {"descriptor": b""}, ArchiveError),
    ("DESCRIPTOR", {"descriptor": b"PK\7\x08"}, ArchiveError),
    (
        "DESCRIPTOR",
        {"descriptor": "signed", "described": {"crc32": 1}},
        ArchiveError,
    ),
    (
        "DESCRIPTOR",
        {"descriptor": "signed", "described": {"size": 1}},
        ArchiveError,
    ),
    (
        "DESCRIPTOR",
        {"descriptor": "signed", "described": {"packed_size": 1}},
        ArchiveError,
    ),
    ("DESCRIPTOR", {"descriptor": "signed64"}, ArchiveError),
    ("DESCRIPTOR", {"descriptor": "unsigned64"}, ArchiveError),
    ("DESCRIPTOR", {"descriptor": "signed32", "zip64": True}, ArchiveError),
    ("DESCRIPTOR_UNSIGNED", {"descriptor": "unsigned"}, ArchiveError),
    (
        "DESCRIPTOR_STORED",
        {
            "method": 0,
            "descriptor": "signed",
            "local": {"packed_size": 0, "size": 0, "crc32": 0},
        },
        ArchiveError,
    ),
]


@pytest.mark.parametrize(
    ("code", "lies", "kind"),
    REFUSED,
    ids=[f"{code}-{k}" for k, (code, _, _) in enumerate(REFUSED)],
)
def test_refuses(code: str, lies: dict[str, Any], kind: type):
    """
    With one problem, which names the member; those before it were given.
    """
    name = lies.get("name", "liar")
    builder = member("a").file(**{"name": name, "data": TEXT} | lies).file("z")
    forward = Forward.from_bytes(builder.build(), LIMITS)
    given = []

    with pytest.raises(UnwheelError) as caught:
        given.extend(entry.name for entry in iter(forward))

    (problem,) = caught.value.problems
    assert (code, kind) == (problem.code, type(caught.value))
    assert (name.partition("\0")[0][:255] or None) == problem.member
    header = builder.members[1].header_offset
    assert header <= problem.offset <= builder.members[2].header_offset


def test_a_refusal_is_final_and_so_is_the_end():
    """
    Whoever asks again hears the same.
    """
    liar = Forward.from_bytes(member(local={"crc32": 1}).build(), LIMITS)
    honest = Forward.from_bytes(member().build(), LIMITS)

    told = []
    for _ in range(3):
        with pytest.raises(CorruptMemberError) as caught:
            next(iter(liar))
        told.append(caught.value.problems)

    assert told[0] == told[1] == told[2]
    assert [1, 0, 0] == [len(list(honest)) for _ in range(3)]


# ----------------------------------------------------------- data descriptors

EMPTY = deflated(b"")


def with_descriptor(raw: bytes, data: bytes = TEXT, **lies: Any):
    """A member that these bytes follow, and one behind it."""
    return member("x", data, descriptor=raw, **lies).file("z", b"last")


def test_a_descriptor_of_nothing_is_as_wide_as_its_header_says():
    """
    The wide one begins with the bytes of the narrow one.
    """
    narrow = descriptor(0, len(EMPTY), 0)
    wide = descriptor(0, len(EMPTY), 0, wide=True)
    assert wide.startswith(narrow)

    for raw, zip64 in ((narrow, False), (wide, True)):
        seen = walked(with_descriptor(raw, b"", zip64=zip64))
        assert ["x", "z"] == [entry.name for entry in seen.entries]


def test_a_descriptor_that_can_be_read_in_two_ways_is_refused():
    """
    One reader stops after it, the other goes on behind the zeros.
    """
    wide = descriptor(0, len(EMPTY), 0, wide=True)

    with pytest.raises(ArchiveError, match="in two ways") as caught:
        walked(with_descriptor(wide, b""))

    assert "DESCRIPTOR" == caught.value.problems[0].code


def test_a_descriptor_without_signature_is_a_matter_of_policy():
    """
    As in the directory.
    """
    for wide in (False, True):
        builder = member(descriptor="unsigned", zip64=wide).file("z")

        seen = walked(builder, descriptors="any")

        assert ["x", "z"] == [entry.name for entry in seen.entries]
        with pytest.raises(ArchiveError) as caught:
            walked(builder)
        (problem,) = caught.value.problems
        assert ("DESCRIPTOR_UNSIGNED", 'descriptors="any"') == (
            problem.code,
            problem.accept,
        )


def test_any_descriptor_may_be_refused():
    """
    By its flag.
    """
    with pytest.raises(ArchiveError) as caught:
        walked(member(descriptor="signed"), descriptors="refuse")

    assert "DESCRIPTOR_REFUSED" == caught.value.problems[0].code


def test_a_stored_member_of_unknown_length_is_nothing_or_refused():
    """
    Zero is its length if a descriptor says so, or it cannot be read.
    """
    unknown = {"packed_size": 0, "size": 0, "crc32": 0}
    for data, code in ((b"", None), (b"x", "DESCRIPTOR_STORED")):
        builder = member(
            data=data, method=STORED, descriptor="signed", local=unknown
        )
        if code is None:
            assert 0 == only(builder).size
            continue
        with pytest.raises(ArchiveError) as caught:
            walked(builder)
        assert code == caught.value.problems[0].code


@pytest.mark.parametrize(
    ("data", "descriptor"), [(b"x", "signed"), (b"", "unsigned")]
)
def test_a_stored_member_with_a_descriptor_is_refused(data, descriptor):
    """
    Others look for the descriptor, though the header says where it is.
    """
    builder = member(data=data, method=STORED, descriptor=descriptor)

    with pytest.raises(ArchiveError) as caught:
        walked(builder, descriptors="any")

    assert "DESCRIPTOR_STORED" == caught.value.problems[0].code


def test_an_archive_in_a_stored_member_is_no_member():
    """
    Its length is known, so what looks like a header within it is not.
    """
    builder = member("x", member("inner").build(), method=STORED)

    assert "x" == only(builder).name


# ------------------------------------------------------ every cut, every byte


def mixture() -> ArchiveBuilder:
    """Members of each kind, all of them short."""
    return (
        ArchiveBuilder()
        .file("a", b"hello", method=STORED)
        .file("b", TEXT)
        .file("c", TEXT, descriptor="signed")
        .file("d", TEXT, descriptor="signed", zip64=True)
        .directory("e/")
        .file("f", b"", descriptor="signed")
        .file("g", TEXT, zip64=True, extra=[(0x5455, b"\1abcd")])
    )


CUT_WITHIN = (
    ["LOCAL_TRUNCATED"],
    ["LOCAL_SIZES"],
    ["DEFLATE_TRUNCATED"],
    ["DESCRIPTOR"],
)


def test_every_cut():
    """
    Whole members are given, half of one is refused, never made up.
    """
    builder = mixture()
    data = builder.build()
    whole = walked(data)
    starts = [member.header_offset for member in builder.members]
    starts.append(builder.layout.directory_offset)

    for cut in range(len(data)):
        forward = Forward.from_bytes(data[:cut], LIMITS)
        given: list[LocalEntry] = []
        with contextlib.suppress(ArchiveError):
            given += forward
        complete = sum(start <= cut for start in starts[1:])
        assert list(whole.entries[:complete]) == given
        codes = refusal(data[:cut])
        begun = cut - starts[complete]
        if begun < 4 or complete == len(whole.entries):
            assert [] == codes
            left = data[starts[complete] : cut][:4]
            assert (starts[complete], left) == forward.end()[::2]
        elif begun < LOCAL_LEN:
            assert ["LOCAL_TRUNCATED"] == codes
        else:
            assert codes in CUT_WITHIN


@pytest.mark.parametrize("part", range(4))
def test_no_change_of_a_byte_makes_other_content(part: int):
    """
    The walk is refused, ends early, or finds the same; it never crashes.
    """
    data = bytearray(mixture().build())
    chance = random.Random(part)
    truth = [(e.size, e.sha256) for e in walked(bytes(data)).entries]
    end = walked(bytes(data)).end

    for at in range(part, end, 4):
        was = data[at]
        for change in (1, 0x80, 0xFF, chance.randrange(1, 256)):
            data[at] = was ^ change
            seen = []
            forward = Forward.from_bytes(bytes(data), LIMITS)
            with contextlib.suppress(UnwheelError):
                seen += ((e.size, e.sha256) for e in forward)
            assert seen == truth[: len(seen)], (at, change)
        data[at] = was


def test_noise_behind_a_signature():
    """
    Any header at all is read, or refused with a reason.
    """
    chance = random.Random(1)
    codes: list[str] = []
    for _ in range(3000):
        rest = bytearray(chance.randbytes(chance.randrange(26, 300)))
        rest[0:2] = b"\x14\0"  # a version that is known
        rest[2:6] = struct.pack(
            "<HH", chance.choice([0, 8]), chance.choice([0, 8])
        )
        if rest[2]:  # nothing is known yet
            rest[10:22] = bytes(12)
        rest[22:26] = struct.pack("<HH", chance.randrange(9), rest[25] // 200)
        codes += refusal(b"PK\3\4" + bytes(rest))

    assert "NONE" not in codes
    assert set(codes) >= {
        "DEFLATE_BLOCK_TYPE",
        "DESCRIPTOR_STORED",
        "EXTRA_TRUNCATED",
        "LOCAL_SIZES",
    }


# --------------------------------------------------------------------- bounds


@pytest.mark.parametrize("lies", [{}, {"descriptor": "signed"}])
@pytest.mark.parametrize(
    ("limits", "code", "accept"),
    [
        ({"member_size": 1 << 20}, "MEMBER_TOO_LARGE", "limits.member_size"),
        ({"total_size": 1 << 20}, "TOTAL_TOO_LARGE", "limits.total_size"),
        ({"ratio_floor": 1 << 20}, "TOTAL_RATIO", "limits.ratio"),
    ],
)
def test_a_bomb_stops_at_the_limit(limits: dict, code, accept, lies: dict):
    """
    Whether or not the header says how large it is.
    """
    packed = deflated(bytes(32 << 20), 1)
    builder = member("x", bytes(32 << 20), packed=packed, **lies)

    with pytest.raises(LimitError) as caught:
        walked(builder, Limits(**limits))

    (problem,) = caught.value.problems
    assert ("x", code, accept) == (
        problem.member,
        problem.code,
        problem.accept,
    )
    assert problem.offset < len(packed) / 4


def test_what_is_stated_is_not_read_if_it_is_too_much():
    """
    The header is enough: not one byte of the data is looked at.
    """
    data = bytes(4 << 20)

    with pytest.raises(LimitError) as caught:
        walked(member("x", data), Limits(member_size=1 << 20))

    (problem,) = caught.value.problems
    assert str(len(data)) == problem.found
    assert problem.offset < 100


def test_a_failure_is_said_ever_after():
    """
    Nothing behind it is looked at, though it may be well or worse.
    """
    archive = ArchiveBuilder()
    for name in ("a", "b"):
        archive.file(name, b"hello", method=STORED, local={"crc32": 1})
    forward = Forward.from_bytes(archive.build(), LIMITS)

    for _ in range(3):
        with pytest.raises(CorruptMemberError) as caught:
            next(iter(forward))
        assert ["a"] == [p.member for p in caught.value.problems]


def test_limits_may_be_reached():
    """
    They are the most that is allowed, not the least that is refused.
    """
    builder = ArchiveBuilder()
    for k in range(4):
        builder.file(f"{k}", bytes(5000))
    size = len(builder.build())

    for knob, most in {
        "member_size": 5000,
        "total_size": 20_000,
        "entries": 4,
        "name_length": 1,
    }.items():
        assert 4 == len(walked(builder, Limits(**{knob: most})).entries)
        with pytest.raises(LimitError):
            walked(builder, Limits(**{knob: most - 1}))
    ratio = 20_000 // size
    with pytest.raises(LimitError):
        walked(builder, Limits(ratio=ratio, ratio_floor=19_999))
    for harmless in ({"ratio": ratio + 1}, {"ratio_floor": 20_000}):
        limits = {"ratio": ratio, "ratio_floor": 0} | harmless
        assert 4 == len(walked(builder, Limits(**limits)).entries)


def test_too_many_members_are_no_fault_of_the_last_one():
    """
    No member is named.
    """
    with pytest.raises(LimitError) as caught:
        walked(member("a").file("b"), Limits(entries=1))

    (problem,) = caught.value.problems
    assert ("TOO_MANY_ENTRIES", None) == (problem.code, problem.member)


@pytest.mark.parametrize("keep", [0, 1, 4095, 4096, 4097, 70_000, 1 << 40])
@pytest.mark.parametrize("method", [STORED, 8])
def test_keeps_what_is_asked_for(method: int, keep: int):
    """
    Small content, as the targets of links are; of other members none.
    """
    sizes = [0, 1, 2, 4095, 4096, 4097, 70_000, 200_000, 3]
    builder = ArchiveBuilder()
    for size in sizes:
        builder.file(f"{size}", half_noise(size), method=method)

    seen = walked(builder, keep=keep)

    kept = {e.size: e.content for e in seen.entries}
    for size in sizes:
        wanted = keep and size <= keep
        assert kept[size] == (half_noise(size) if wanted else None)


# ------------------------------------------------------------------- our side


def test_a_file_that_cannot_be_read(tmp_path: Path):
    """
    Our side, with the system's word for it.
    """
    for path, code in ((tmp_path / "no", "ENOENT"), (tmp_path, "EISDIR")):
        with pytest.raises(SourceError) as caught:
            walk(str(path), LIMITS)
        assert code == caught.value.problems[0].code
        assert str(path) == caught.value.wheel
    with pytest.raises(SourceError, match="NUL"):
        walk(f"{tmp_path}\0", LIMITS)


def test_a_file_that_is_cut_short_meanwhile(tmp_path: Path):
    """
    Is our side's fault, not the archive's.
    """
    builder = member("x", noise(3 * INPUT), method=STORED)
    path = builder.write(tmp_path / "x.zip")
    forward = Forward(str(path), LIMITS)
    os.truncate(path, INPUT + 10)

    with pytest.raises(SourceError) as caught:
        list(forward)

    assert "SOURCE_TRUNCATED" == caught.value.problems[0].code


@posix_only
def test_does_not_wait_for_a_pipe(tmp_path: Path):
    """
    A FIFO in the place of the archive is refused.
    """
    os.mkfifo(tmp_path / "x.zip")

    with pytest.raises(SourceError):
        walk(str(tmp_path / "x.zip"), LIMITS)


def test_gives_everything_back(tmp_path: Path):
    """
    At the end, after a refusal, halfway, and when it is forgotten.
    """
    path = str(member("a").file("b").write(tmp_path / "x.zip"))
    bad = str(member(local={"crc32": 1}).write(tmp_path / "bad.zip"))
    gc.collect()
    before = open_handles()

    walk(path, LIMITS)
    with pytest.raises(ArchiveError):
        walk(bad, LIMITS)
    halfway = Forward(path, LIMITS)
    next(iter(halfway))
    halfway.close()
    halfway.close()
    next(iter(Forward(path, LIMITS)))
    gc.collect()

    assert before == open_handles()
