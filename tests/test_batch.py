"""Orders sorted into jobs."""

from __future__ import annotations

import array
import hashlib
import os
import random
import struct
import time
import zlib
from collections.abc import Sequence
from pathlib import Path

import pytest
from builder import DEFLATED, STORED, ArchiveBuilder, deflated
from crews import WorkingCrew
from hashes import with_crc
from places import half_noise, noise, tree_of

from unwheel import _native, native
from unwheel.errors import CorruptMemberError, UnsafeMemberError
from unwheel.policy import Limits

ffi, lib = _native.ffi, _native.lib


def archive_of(*names: str) -> native.NativeArchive:
    builder = ArchiveBuilder()
    for name in names:
        builder.file(name, b"data")
    return native.NativeArchive.from_bytes(builder.build(), Limits())


def ordered(archive: native.NativeArchive, root: Path, paths: bytes) -> int:
    """Have all of *archive* done under *paths*; what came of it."""
    count = len(archive.entries.names)
    tree = native.Tree(str(root))
    entries = ffi.new("uint32_t[]", list(range(count)))
    flags = ffi.new("uint8_t[]", count)
    text = ffi.new("char[]", paths)
    sheet = ffi.new("struct uw_sheet *")
    sheet.count, sheet.entries, sheet.flags = count, entries, flags
    sheet.paths, sheet.paths_len = text, len(paths)
    batch = ffi.new("struct uw_batch **")
    error = ffi.new("struct uw_error *")
    status = lib.uw_batch_new(
        archive._handle, tree.handle, sheet, batch, error
    )
    if status == native.OK:
        status = lib.uw_batch_run(batch[0], native.CPU, error)
        lib.uw_batch_free(batch[0])
    return int(status)


@pytest.mark.parametrize("name", ["/x", "//x", "/x/y", "x//y", "./x", "../x"])
@pytest.mark.parametrize("size", [1, 1 << 20], ids=["small", "big"])
def test_no_name_becomes_another(name, size, tmp_path):
    """
    The core refuses such names again: "/x" is not written as "x".
    """
    data = ArchiveBuilder().file(name, bytes(size)).build()
    archive = native.NativeArchive.from_bytes(data, Limits())
    root = tmp_path / "root"
    root.mkdir()
    tree = native.Tree(str(root))
    entries = array.array("I", [0]).tobytes()

    try:
        batch = native.Batch(archive, tree, entries, bytes(1), bytes(32))
    except UnsafeMemberError:
        written = 0
    else:
        batch.run()
        written = native.statuses(batch.results()).count(native.OK)

    assert 0 == written
    assert [root] == list(tmp_path.rglob("*"))


def test_orders_may_have_paths_of_their_own(tmp_path):
    """
    Instead of the names of the entries; one for each order.
    """
    archive = archive_of("a", "b")

    assert native.OK == ordered(archive, tmp_path, b"x/y/a\0z\0")

    written = {p for p in tmp_path.rglob("*") if p.is_file()}
    assert {tmp_path / "x/y/a", tmp_path / "z"} == written


@pytest.mark.parametrize(
    "paths", [b"", b"a\0", b"a\0b", b"a\0b\0c\0", b"a\0b\0\0"]
)
def test_refuses_more_or_fewer_paths_than_orders(paths, tmp_path):
    """
    The caller's mistake is told, and nothing is written.
    """
    archive = archive_of("a", "b")

    assert lib.UW_ERR_USAGE == ordered(archive, tmp_path, paths)

    assert [] == list(tmp_path.iterdir())


# ------------------------------------------------------------------- repeats

KIB = 1 << 10
BIG = 600 * KIB  # a job of its own, which two threads may share
COPIED = 8 * KIB  # from here on


def opened(builder: ArchiveBuilder) -> native.NativeArchive:
    return native.NativeArchive.from_bytes(builder.build(), Limits())


def test_crcs_can_be_forged():
    """
    The tests below would be none otherwise.
    """
    data = with_crc(b"another content", 0x12345678)

    assert data.startswith(b"another content")
    assert 0x12345678 == zlib.crc32(data)


class Outcome:
    """What came of all members of an archive."""

    def __init__(
        self,
        archive: native.NativeArchive,
        root: Path | None,
        *,
        dedupe: str,
        threads: int = 0,
        executable: Sequence[int] = (),
        lies: Sequence[int] = (),
        times: Sequence[int] | None = None,
    ) -> None:
        """Have it all done, in order, by *threads*, or by this one."""
        count = len(archive.entries)
        flags = bytearray([native.SHA256] * count)
        for index in executable:
            flags[index] |= native.EXECUTABLE
        digests = bytearray(truths(archive))
        for index in lies:
            digests[32 * index] ^= 1
        tree = None if root is None else native.Tree(str(root))
        batch = native.Batch(
            archive,
            tree,
            struct.pack(f"={count}I", *range(count)),
            bytes(flags),
            bytes(digests),
            times=times and struct.pack(f"={count}q", *times),
            dedupe=dedupe,
        )
        if threads:
            with WorkingCrew(threads) as crew:
                batch.give_to(crew)
                while not batch.wait(1000):
                    pass
        else:
            batch.run()
        rows = batch.results()
        self.results = [
            (r.status, r.reason, r.crc32, r.size, r.offset, r.sha256)
            for r in (native.Result(rows, k) for k in range(count))
        ]
        self.reasons = [result[1] for result in self.results]
        self.progress = batch.progress()
        self.repeats = batch.repeats()
        batch.close()


def truths(archive: native.NativeArchive) -> bytes:
    """The digest of each member, or zeros of one that cannot be read."""
    digests = []
    for index in range(len(archive.entries)):
        try:
            data = archive.read(index, 1 << 30)
        except CorruptMemberError:
            digests.append(bytes(32))
        else:
            digests.append(hashlib.sha256(data).digest())
    return b"".join(digests)


@pytest.mark.parametrize("threads", [0, 2])
@pytest.mark.parametrize("dedupe", ["copy", "hardlink"])
@pytest.mark.parametrize("size", [COPIED, BIG])
@pytest.mark.parametrize("count", [2, 3, 100])
def test_the_same_file_is_inflated_once(
    count: int, size: int, dedupe: str, threads: int, tmp_path: Path
):
    """
    Wherever it lies, however often it is there; and all of it is counted.
    """
    data = half_noise(size)
    packed = deflated(data)
    builder = ArchiveBuilder()
    for k in range(count):
        builder.file(f"{k % 7}/{k}", data, packed=packed)

    outcome = Outcome(
        opened(builder), tmp_path, dedupe=dedupe, threads=threads
    )

    assert ["NONE"] * count == outcome.reasons
    assert (count * size, count) == outcome.progress
    assert (count - 1, (count - 1) * size) == outcome.repeats
    paths = [tmp_path / f"{k % 7}/{k}" for k in range(count)]
    assert {data} == {path.read_bytes() for path in paths}
    names = 1 if dedupe == "hardlink" else count
    assert names == len({path.stat().st_ino for path in paths})


def test_nothing_is_shared_that_is_not_wanted(tmp_path: Path):
    """
    "off" inflates each.
    """
    builder = ArchiveBuilder().file("a", bytes(BIG)).file("b", bytes(BIG))

    outcome = Outcome(opened(builder), tmp_path, dedupe="off", threads=2)

    assert (0, 0) == outcome.repeats
    assert (2 * BIG, 2) == outcome.progress
    assert 1 == (tmp_path / "a").stat().st_nlink


@pytest.mark.parametrize("size", [1, COPIED, BIG])
def test_what_is_only_verified_is_compared_only(size: int):
    """
    Of any size: comparing is cheaper than inflating.
    """
    builder = ArchiveBuilder().file("a", bytes(size)).file("b", bytes(size))

    outcome = Outcome(opened(builder), None, dedupe="copy")

    assert ["NONE"] * 2 == outcome.reasons
    assert (1, size) == outcome.repeats
    assert (2 * size, 2) == outcome.progress


def test_small_files_are_not_copied(tmp_path: Path):
    """
    Inflating them is cheaper; a hard link costs neither time nor room.
    """
    size = COPIED - 1
    archive = opened(
        ArchiveBuilder().file("a", bytes(size)).file("b", bytes(size))
    )

    copied = Outcome(archive, made(tmp_path / "copy"), dedupe="copy")
    linked = Outcome(archive, made(tmp_path / "link"), dedupe="hardlink")

    assert (0, 0) == copied.repeats
    assert (1, size) == linked.repeats


def made(path: Path) -> Path:
    path.mkdir()
    return path


@pytest.mark.parametrize("dedupe", ["copy", "hardlink"])
@pytest.mark.parametrize("method", [STORED, DEFLATED])
@pytest.mark.parametrize("size", [COPIED, BIG])
def test_a_forged_crc_is_not_the_same_file(
    size: int, method: int, dedupe: str, tmp_path: Path
):
    """
    Size, packed size and CRC-32 agree: the bytes do not, so each is itself.
    """
    first = noise(size, 1)
    crc = zlib.crc32(first)
    forged = [with_crc(noise(size - 4, 2 + k // 2), crc) for k in range(4)]
    contents = [first, *forged]
    builder = ArchiveBuilder()
    for k, data in enumerate(contents):
        packed = data if method == STORED else deflated(data, 0)
        builder.file(f"{k}", data, method=method, packed=packed)
    builder.file(
        "again", first, method=method, packed=builder.members[0].packed
    )
    archive = opened(builder)
    assert 1 == len(set(archive.entries.crc32s))
    assert 1 == len(set(archive.entries.packed_sizes))

    outcome = Outcome(archive, tmp_path, dedupe=dedupe, threads=2)

    assert ["NONE"] * 6 == outcome.reasons
    assert (1, size) == outcome.repeats
    written = {k: bytes(v or b"") for k, v in only(tmp_path).items()}
    assert written == {m.path: m.data for m in builder.members}


def only(root: Path) -> dict[str, bytes]:
    return {k: v for k, v in tree_of(root).items() if isinstance(v, bytes)}


def test_many_forged_members_cost_one_reading_each():
    """
    They are compared with one leader only, not with each other.
    """
    size = 16 * KIB
    first = noise(size)
    crc = zlib.crc32(first)
    builder = ArchiveBuilder().file("0", first, method=STORED)
    for k in range(1, 1000):
        data = with_crc(first[: size - 8] + struct.pack("<I", k), crc)
        builder.file(f"{k}", data, method=STORED)
    archive = opened(builder)

    begun = time.perf_counter()
    honest = Outcome(archive, None, dedupe="off")
    between = time.perf_counter()
    outcome = Outcome(archive, None, dedupe="copy")
    ended = time.perf_counter()

    assert honest.results == outcome.results
    assert (0, 0) == outcome.repeats
    assert ended - between < 10 * (between - begun) + 0.1


@pytest.mark.parametrize("size", [COPIED, BIG])
def test_another_method_is_not_the_same_file(size: int, tmp_path: Path):
    """
    The same bytes, but one of the two says that they are deflated.
    """
    data = b"\7" + noise(size - 1)
    builder = (
        ArchiveBuilder()
        .file("stored", data, method=STORED)
        .file("packed", data, packed=data)
    )

    outcome = Outcome(opened(builder), tmp_path, dedupe="copy")

    assert ["NONE", "DEFLATE_BLOCK_TYPE"] == outcome.reasons


@pytest.mark.parametrize("root", [True, False], ids=["extract", "verify"])
@pytest.mark.parametrize("size", [COPIED, BIG])
def test_each_repeat_has_a_digest_of_its_own(
    size: int, root: bool, tmp_path: Path
):
    """
    A row of RECORD that lies is told, of that member alone.
    """
    builder = ArchiveBuilder()
    for name in "abc":
        builder.file(name, half_noise(size))

    outcome = Outcome(
        opened(builder), tmp_path if root else None, dedupe="copy", lies=[1]
    )

    assert ["NONE", "SHA256", "NONE"] == outcome.reasons
    assert (3 * size, 3) == outcome.progress
    assert (2, 2 * size) == outcome.repeats


@pytest.mark.parametrize("size", [COPIED, BIG])
def test_a_leader_that_failed_leads_nobody(size: int, tmp_path: Path):
    """
    The others are what they are, good or bad.
    """
    data, other = noise(size, 1), noise(size, 2)
    crc = zlib.crc32(data)
    lie = {"crc32": crc}
    builder = (
        ArchiveBuilder()
        .file("wrong", other, method=STORED, local=lie, central=lie)
        .file("right", data, method=STORED)
        .file("as wrong", other, method=STORED, local=lie, central=lie)
    )

    outcome = Outcome(opened(builder), tmp_path, dedupe="copy")

    assert ["CRC32", "NONE", "CRC32"] == outcome.reasons
    assert (0, 0) == outcome.repeats
    assert data == (tmp_path / "right").read_bytes()


def test_a_leader_whose_row_lies_leads_nobody(tmp_path: Path):
    """
    It is not sound; the others are told as they are.
    """
    builder = ArchiveBuilder().file("a", bytes(BIG)).file("b", bytes(BIG))

    outcome = Outcome(opened(builder), tmp_path, dedupe="copy", lies=[0])

    assert ["SHA256", "NONE"] == outcome.reasons


@pytest.mark.skipif(os.name != "posix", reason="modes are those of POSIX")
@pytest.mark.parametrize("dedupe", ["copy", "hardlink"])
def test_a_repeat_has_a_mode_of_its_own(dedupe: str, tmp_path: Path):
    """
    So it is no hard link of one with another mode.
    """
    builder = ArchiveBuilder()
    for name in "abcd":
        builder.file(name, bytes(BIG))

    outcome = Outcome(
        opened(builder), tmp_path, dedupe=dedupe, executable=[0, 2]
    )

    assert (3, 3 * BIG) == outcome.repeats
    able = [os.access(tmp_path / n, os.X_OK) for n in "abcd"]
    modes = [(tmp_path / n).stat().st_mode & 0o111 != 0 for n in "abcd"]
    assert [True, False, True, False] == modes == able
    names = [(tmp_path / n).stat().st_nlink for n in "abcd"]
    assert ([2, 1, 2, 1] if dedupe == "hardlink" else [1] * 4) == names


@pytest.mark.parametrize("dedupe", ["off", "copy", "hardlink"])
def test_a_repeat_has_a_time_of_its_own(dedupe: str, tmp_path: Path):
    """
    So it is no hard link of one with another time.
    """
    builder = ArchiveBuilder()
    for name in "abc":
        builder.file(name, bytes(BIG))
    times = [1_000_000_000, 1_000_000_001, 1_000_000_000]

    Outcome(opened(builder), tmp_path, dedupe=dedupe, times=times)

    assert times == [int((tmp_path / n).stat().st_mtime) for n in "abc"]
    names = [(tmp_path / n).stat().st_nlink for n in "abc"]
    assert ([2, 1, 2] if dedupe == "hardlink" else [1] * 3) == names


def test_a_repeat_replaces_nothing(tmp_path: Path):
    """
    As little as any other file does.
    """
    builder = ArchiveBuilder().file("a", bytes(BIG)).file("b", bytes(BIG))
    (tmp_path / "b").write_bytes(b"mine")

    outcome = Outcome(opened(builder), tmp_path, dedupe="hardlink")

    assert [native.OK, lib.UW_ERR_SYSTEM] == [r[0] for r in outcome.results]
    assert b"mine" == (tmp_path / "b").read_bytes()


def test_one_member_may_be_ordered_twice(tmp_path: Path):
    """
    Under two paths; then there is nothing to compare.
    """
    archive = opened(ArchiveBuilder().file("a", bytes(BIG)))
    text = ffi.new("char[]", b"x/1\0y/2\0")
    sheet = ffi.new("struct uw_sheet *")
    entries, flags = ffi.new("uint32_t[2]"), ffi.new("uint8_t[2]")
    sheet.count, sheet.entries, sheet.flags = 2, entries, flags
    sheet.paths, sheet.paths_len = text, 8
    sheet.dedupe = lib.UW_DEDUPE_COPY
    tree = native.Tree(str(tmp_path))
    batch, error = ffi.new("struct uw_batch **"), ffi.new("struct uw_error *")
    progress = ffi.new("struct uw_progress *")
    lib.uw_batch_new(archive._handle, tree.handle, sheet, batch, error)

    lib.uw_batch_run(batch[0], native.CPU, error)

    lib.uw_batch_progress(batch[0], progress)
    lib.uw_batch_free(batch[0])
    assert (2, 1, BIG) == (
        progress.members,
        progress.repeats,
        progress.repeated,
    )
    assert {"x/1": bytes(BIG), "y/2": bytes(BIG)} == only(tmp_path)


def test_refuses_ways_that_are_none():
    """
    The caller's mistake is told.
    """
    archive = archive_of("a")
    sheet = ffi.new("struct uw_sheet *")
    entries, flags = ffi.new("uint32_t[1]"), ffi.new("uint8_t[1]")
    sheet.count, sheet.entries, sheet.flags = 1, entries, flags
    sheet.dedupe = lib.UW_DEDUPE_HARDLINK + 1
    batch, error = ffi.new("struct uw_batch **"), ffi.new("struct uw_error *")

    status = lib.uw_batch_new(archive._handle, ffi.NULL, sheet, batch, error)

    assert lib.UW_ERR_USAGE == status
    assert ffi.NULL == batch[0]


@pytest.mark.parametrize("moment", range(4))
@pytest.mark.parametrize("dedupe", ["copy", "hardlink"])
def test_repeats_can_be_cancelled(dedupe: str, moment: int, tmp_path: Path):
    """
    At any moment: each order is done or cancelled, and counted or not.
    """
    size = 4 << 20
    data = noise(size)
    builder = ArchiveBuilder()
    for k in range(24):
        builder.file(f"{k}", data, method=STORED)
    archive, tree = opened(builder), native.Tree(str(tmp_path))
    with WorkingCrew(2) as crew:
        batch = native.Batch(
            archive,
            tree,
            struct.pack("=24I", *range(24)),
            bytes(24),
            bytes(32 * 24),
            dedupe=dedupe,
        )
        batch.give_to(crew)
        while batch.progress()[1] < moment * 4:
            batch.wait(1)
        batch.cancel()
        begun = time.perf_counter()
        while not batch.wait(50):
            pass
        waited = time.perf_counter() - begun

        statuses = native.statuses(batch.results())
        assert {*statuses} <= {native.OK, native.CANCELLED}
        assert statuses.count(native.OK) == batch.progress()[1]
        batch.close()
    assert waited < 2


@pytest.mark.parametrize("seed", range(6))
def test_any_archive_comes_out_the_same(seed: int, tmp_path: Path):
    """
    With repeats found or not: the same tree, the same results.
    """
    chance = random.Random(seed)
    sizes = [0, 1, 500, COPIED, 20 * KIB, 70 * KIB, BIG, 2 * BIG]
    pool = [half_noise(chance.choice(sizes), k) for k in range(8)]
    longest = max(pool, key=len)
    if len(longest) > 4:
        crc = zlib.crc32(longest)
        pool.append(with_crc(noise(len(longest) - 4), crc))
    kinds = [
        (data, method, deflated(data, level) if method else data)
        for data in pool
        for method, level in ((STORED, 0), (DEFLATED, 1), (DEFLATED, 6))
    ]
    builder = ArchiveBuilder()
    for k in range(60):
        data, method, packed = chance.choice(kinds)
        lie = {"crc32": 1} if chance.random() < 0.05 else {}
        builder.file(
            f"{chance.randrange(5)}/{k}",
            data,
            method=method,
            packed=packed,
            local=lie,
            central=lie,
        )
    archive = opened(builder)
    chosen = {
        "executable": chance.sample(range(60), 10),
        "lies": chance.sample(range(60), chance.choice([0, 3])),
        "times": [chance.randrange(3) * 10**9 for _ in range(60)],
    }

    outcomes, trees = [], []
    for dedupe in ("off", "copy", "hardlink"):
        root = made(tmp_path / dedupe)
        outcomes.append(
            Outcome(archive, root, dedupe=dedupe, threads=2, **chosen)
        )
        sound = [
            root / member.path
            for member, reason in zip(
                builder.members, outcomes[-1].reasons, strict=True
            )
            if reason == "NONE"
        ]
        trees.append((tree_of(root), [facts_of(path) for path in sound]))

    assert outcomes[0].results == outcomes[1].results == outcomes[2].results
    assert trees[0] == trees[1] == trees[2]
    assert outcomes[0].progress == outcomes[1].progress == outcomes[2].progress
    assert 0 == outcomes[0].repeats[0] < outcomes[1].repeats[0]
    assert outcomes[1].repeats[0] <= outcomes[2].repeats[0]


def facts_of(path: Path) -> tuple[int, int]:
    """Mode and time of a file."""
    stat = path.stat()
    return stat.st_mode, int(stat.st_mtime)
