"""The border to the core: what goes up, what goes down, what is given back."""

from __future__ import annotations

import calendar
import errno
import gc
import hashlib
import os
import pickle
import struct
import subprocess
import sys
import threading
import time
import weakref
import zlib
from pathlib import Path
from typing import Any

import pytest
from builder import STORED, ArchiveBuilder, deflated
from crews import WorkingCrew
from places import Place, demo, half_noise, noise, open_handles, tree_of

import unwheel
from unwheel import (
    ArchiveError,
    CorruptMemberError,
    DestinationError,
    LimitError,
    Limits,
    SourceError,
    UnsafeMemberError,
    native,
)
from unwheel.native import Batch, Crew, Inflater, NativeArchive, Result, Tree

MIB = 1 << 20
LIMITS = Limits()

posix_only = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows has no such thing"
)


def opened(builder: ArchiveBuilder) -> NativeArchive:
    """The archive, from memory."""
    return NativeArchive.from_bytes(builder.build(), LIMITS)


def small() -> ArchiveBuilder:
    """Three members: stored, deflated, a directory."""
    return (
        ArchiveBuilder()
        .file("a.txt", b"hello", method=STORED, mode=0o755)
        .file("d/b.txt", b"again and " * 100, dos_date=0x5A21, dos_time=0x6000)
        .directory("e/")
    )


def sheet(
    *orders: tuple[int, int, bytes],
) -> tuple[bytes, bytes, bytes]:
    """The columns of a sheet, from (entry, flags, digest)."""
    return (
        struct.pack(f"={len(orders)}I", *(order[0] for order in orders)),
        bytes(order[1] for order in orders),
        b"".join(order[2] for order in orders),
    )


NO = bytes(32)
HELLO = hashlib.sha256(b"hello").digest()
AGAIN = hashlib.sha256(b"again and " * 100).digest()


# ------------------------------------------------------------------- entries


def test_entries_are_the_facts_of_the_directory():
    """
    As stored; columns and objects say the same.
    """
    table = opened(small()).entries

    assert ["a.txt", "d/b.txt", "e/"] == list(table.names)
    assert (5, 1000, 0) == tuple(table.sizes)
    assert (5, len(deflated(b"again and " * 100)), 0) == tuple(
        table.packed_sizes
    )
    assert (0, 8, 0) == tuple(table.methods)
    assert (zlib.crc32(b"hello"), zlib.crc32(b"again and " * 100), 0) == tuple(
        table.crc32s
    )
    assert 0x5A216000 == table.dos_times[1]
    assert b"a.txt\0d/b.txt\0e/\0" == table.names_blob
    assert table.ascii
    assert len(small().build()) == table.archive_size
    entry = table[0]
    assert ("a.txt", 5, 5, 0) == (
        entry.name,
        entry.size,
        entry.packed_size,
        entry.method,
    )
    assert 0o100755 == entry.mode == table.mode(0)
    assert ["file", "file", "directory"] == [e.type for e in table]
    assert "e/" == table[-1].name


def test_entries_can_be_sent_to_another_process():
    """
    Whatever their columns are made of.
    """
    table = opened(small()).entries

    copy = pickle.loads(pickle.dumps(table))

    assert list(table) == list(copy)
    assert list(table.dos_times) == list(copy.dos_times)
    assert list(table.timestamps) == list(copy.timestamps)


EPOCH_1980 = 315_532_800
# 2026-02-28 23:59:58, as DOS has it.
DOS_DATE, DOS_TIME = (46 << 9 | 2 << 5 | 28), (23 << 11 | 59 << 5 | 29)


def time_of(**fields: Any) -> int:
    """The time of modification of an entry with *fields*."""
    entry = opened(ArchiveBuilder().file("x", **fields)).entries[0]
    return entry.mtime


def test_a_dos_time_is_read_as_utc(monkeypatch: pytest.MonkeyPatch):
    """
    As builders of wheels write it, whatever the zone of who reads it.
    """
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    if hasattr(time, "tzset"):
        time.tzset()

    found = time_of(dos_date=DOS_DATE, dos_time=DOS_TIME)

    monkeypatch.undo()
    if hasattr(time, "tzset"):
        time.tzset()
    assert calendar.timegm((2026, 2, 28, 23, 59, 58)) == found


@pytest.mark.parametrize(
    ("date", "clock"),
    [
        (0, 0),
        (0xFFFF, 0xFFFF),
        (46 << 9 | 2 << 5 | 29, 0),  # no leap year
        (46 << 9 | 0 << 5 | 1, 0),
        (46 << 9 | 13 << 5 | 1, 0),
        (46 << 9 | 1 << 5 | 0, 0),
        (DOS_DATE, 24 << 11),
        (DOS_DATE, 60 << 5),
        (DOS_DATE, 30),
    ],
)
def test_a_dos_time_that_is_none_is_the_first(date: int, clock: int):
    """
    No error: it is not our business.
    """
    assert EPOCH_1980 == time_of(dos_date=date, dos_time=clock)


@pytest.mark.parametrize("seconds", [0, -1, 1_700_000_001, -(2**31)])
def test_an_extended_timestamp_comes_first(seconds: int):
    """
    It has a zone, and a second for every second.
    """
    extra = [(0x5455, struct.pack("<Bi", 1, seconds))]

    assert seconds == time_of(
        central_extra=extra, dos_date=DOS_DATE, dos_time=DOS_TIME
    )


def test_timestamps_are_a_column():
    """
    With None where there is none.
    """
    extra = [(0x5455, struct.pack("<Bi", 1, 7))]
    builder = ArchiveBuilder().file("a").file("b", central_extra=extra)

    table = opened(builder).entries

    assert [None, 7] == list(table.timestamps)
    assert [EPOCH_1980, 7] == [table.mtime(k) for k in range(2)]


def test_offsets_lead_to_the_content():
    """
    Where the data starts, past the local header.
    """
    content = small().build()
    table = NativeArchive.from_bytes(content, LIMITS).entries

    at = table.offsets[0]

    assert b"hello" == content[at : at + 5]


def test_names_that_are_not_utf8_come_up_whole():
    """
    Escaped, to be refused later; and they can be turned back.
    """
    table = opened(ArchiveBuilder().file(b"\xff\xfe/x", b"x")).entries

    assert b"\xff\xfe/x" == table.names[0].encode("utf-8", "surrogateescape")
    assert not table.ascii


def test_an_archive_without_entries():
    """
    Empty columns, not an error.
    """
    archive = opened(ArchiveBuilder())

    assert 0 == len(archive.entries)
    assert [] == list(archive.entries)


def test_columns_survive_the_archive():
    """
    They are Python's own.
    """
    archive = opened(small())
    table = archive.entries
    archive.close()
    del archive
    gc.collect()

    assert ["a.txt", "d/b.txt", "e/"] == [entry.name for entry in table]


# ------------------------------------------------------------------- reading


@pytest.mark.parametrize("method", [STORED, 8])
@pytest.mark.parametrize("size", [0, 1, 1 << 17, (1 << 17) + 1, MIB + 5])
def test_reads_a_member(size: int, method: int):
    """
    Whole, of any size.
    """
    content = half_noise(size)
    archive = opened(ArchiveBuilder().file("x", content, method=method))

    assert content == archive.read(0, size)


def test_reading_is_limited():
    """
    Refused by the size that is stated, before anything is inflated.
    """
    archive = opened(ArchiveBuilder().file("x", b"12345"))

    with pytest.raises(LimitError) as caught:
        archive.read(0, 4)

    assert ("MEMBER_TOO_LARGE", "x") == (
        caught.value.problems[0].code,
        caught.value.problems[0].member,
    )


@pytest.mark.parametrize(
    ("code", "lies"),
    [
        ("CRC32", {"crc32": 1}),
        ("SIZE", {"size": 4}),
        ("SIZE", {"size": 6}),
    ],
)
def test_reading_checks(code: str, lies: dict[str, int]):
    """
    CRC and size; the error names the member and both values.
    """
    archive = opened(
        ArchiveBuilder().file("x", b"hello", local=lies, central=lies)
    )

    with pytest.raises(CorruptMemberError) as caught:
        archive.read(0, 100)

    [problem] = caught.value.problems
    assert (code, "x") == (problem.code, problem.member)
    assert problem.found != problem.expected
    assert None is not problem.found


def test_digests_are_streamed():
    """
    Several at once, by hashlib's names.
    """
    content = half_noise(MIB)
    archive = opened(ArchiveBuilder().file("x", content))

    assert {
        "md5": hashlib.md5(content).digest(),
        "sha512": hashlib.sha512(content).digest(),
    } == archive.digest(0, "md5", "sha512")


def test_threads_share_an_archive():
    """
    An archive does not change once it is open.
    """
    contents = [half_noise(300_000, k) for k in range(8)]
    builder = ArchiveBuilder()
    for k, content in enumerate(contents):
        builder.file(f"{k}", content)
    archive = opened(builder)
    wrong: list[int] = []

    def read() -> None:
        for _ in range(5):
            for k, content in enumerate(contents):
                if archive.read(k, MIB) != content:
                    wrong.append(k)

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()

    assert [] == wrong


def test_an_archive_closed_under_a_reader_lives_until_it_is_done():
    """
    What one thread reads from does not go away when another one closes it.
    """
    archive = opened(small())
    chunks = archive.chunks(0)
    first = next(chunks)
    place = weakref.ref(archive._place)

    archive.close()

    assert place() is not None
    assert first + b"".join(chunks) == opened(small()).read(0, 1 << 20)
    assert place() is None


def test_a_closed_archive_says_so():
    """
    A mistake of the caller's, not a crash.
    """
    archive = opened(small())
    archive.close()
    archive.close()

    with pytest.raises(TypeError):
        archive.read(0, 100)
    with pytest.raises(TypeError):
        Batch(archive, None, *sheet((0, 0, NO)))


# ------------------------------------------------------------------- opening


def test_all_problems_come_up():
    """
    Each with its member, place, found and expected.
    """
    builder = ArchiveBuilder()
    builder.file("a", b"a", local={"crc32": 1})
    builder.file("b", b"b", local={"size": 9})
    builder.file("c", b"c", local={"method": 0})

    with pytest.raises(ArchiveError) as caught:
        opened(builder)

    assert [
        ("LOCAL_CRC", "a"),
        ("LOCAL_SIZES", "b"),
        ("LOCAL_METHOD", "c"),
    ] == [(p.code, p.member) for p in caught.value.problems]
    crc = caught.value.problems[0]
    assert ("00000001", f"{zlib.crc32(b'a'):08x}") == (
        crc.found,
        crc.expected,
    )


def test_signatures_are_told_as_they_stand_in_the_file():
    """
    In hexadecimal, as the specification has them.
    """
    builder = ArchiveBuilder().file("a", b"x", local={"signature": 0x50})

    with pytest.raises(ArchiveError) as caught:
        opened(builder)

    (problem,) = caught.value.problems
    assert ("LOCAL_SIGNATURE", "00000050", "04034b50") == (
        problem.code,
        problem.found,
        problem.expected,
    )


def test_more_problems_than_there_is_room_for():
    """
    A million bad members do not cost a million messages.
    """
    builder = ArchiveBuilder()
    for k in range(100):
        builder.file(f"{k}", b"x", local={"crc32": 1})

    with pytest.raises(ArchiveError) as caught:
        opened(builder)

    *told, more = caught.value.problems
    assert {"LOCAL_CRC"} == {problem.code for problem in told}
    assert ("MORE_PROBLEMS", f"{100 - len(told)} more") == (
        more.code,
        more.found,
    )


def test_a_long_name_is_cut_in_the_error_only():
    """
    255 bytes of it say who is meant.
    """
    name = "d/" * 1000 + "x"
    builder = ArchiveBuilder().file(name, b"x", local={"crc32": 1})

    with pytest.raises(ArchiveError) as caught:
        opened(builder)

    assert name[:255] == caught.value.problems[0].member


def test_opening_from_a_file_and_from_memory_is_the_same(tmp_path: Path):
    """
    The same facts, the same refusals.
    """
    path = small().write(tmp_path / "x.zip")
    bad = small().put("after_end", b"x")

    from_file = NativeArchive(str(path), LIMITS)
    from_memory = opened(small())

    assert list(from_file.entries) == list(from_memory.entries)
    bad.write(path)
    with pytest.raises(ArchiveError) as of_file:
        NativeArchive(str(path), LIMITS)
    with pytest.raises(ArchiveError) as of_memory:
        opened(bad)
    assert of_file.value.problems == of_memory.value.problems


def test_a_failed_opening_keeps_nothing_open(tmp_path: Path):
    """
    Refused or missing.
    """
    path = small().put("after_end", b"x").write(tmp_path / "x.zip")
    before = open_handles()

    with pytest.raises(ArchiveError):
        NativeArchive(str(path), LIMITS)
    with pytest.raises(SourceError):
        NativeArchive(str(tmp_path / "missing"), LIMITS)

    assert before == open_handles()


def test_a_name_with_a_nul_is_no_other_name(tmp_path: Path):
    """
    C would open what is before it.
    """
    path = small().write(tmp_path / "x.zip")

    with pytest.raises(SourceError, match="NUL"):
        NativeArchive(f"{path}\0.whl", LIMITS)
    with pytest.raises(DestinationError, match="NUL"):
        Tree(f"{tmp_path}\0x")
    with pytest.raises(UnsafeMemberError, match="NUL"):
        Tree(str(tmp_path)).mkdir("x\0y")


def test_objects_that_are_dropped_give_back_what_they_hold(tmp_path: Path):
    """
    Nobody has to close.
    """
    path = small().write(tmp_path / "x.zip")
    gc.collect()  # what other tests dropped
    before = open_handles()
    archive = NativeArchive(str(path), LIMITS)
    tree = Tree(str(tmp_path))
    batch = Batch(archive, tree, *sheet((0, 0, NO)))
    assert len(before) < len(open_handles())

    del archive, tree, batch
    gc.collect()

    assert before == open_handles()


# ---------------------------------------------------------------------- tree


@pytest.fixture(params=[False, True], ids=["best", "stepwise"])
def tree(request: pytest.FixtureRequest, tmp_path: Path) -> Tree:
    """A tree over the temporary directory."""
    return Tree(str(tmp_path), stepwise=request.param)


def test_a_tree_makes_what_it_is_told(tree: Tree, tmp_path: Path):
    """
    Directories, files, links.
    """
    tree.mkdir("a/b")
    tree.write("a/b/f", b"data", executable=False)
    tree.write("c/x", b"#!", executable=True)
    tree.symlink("c/l", "../a")
    tree.hardlink("h", "a/b/f")

    assert {
        "a": None,
        "a/b": None,
        "a/b/f": b"data",
        "c": None,
        "c/x": b"#!",
        "c/l": "-> ../a",
        "h": b"data",
    } == tree_of(tmp_path)
    assert os.access(tmp_path / "c/x", os.X_OK)
    assert (tmp_path / "h").samefile(tmp_path / "a/b/f")


@pytest.mark.parametrize("name", ["", ".", "..", "/x", "a/../x", "a//b"])
def test_a_tree_refuses_names_again(tree: Tree, tmp_path: Path, name: str):
    """
    The core trusts nobody.
    """
    for act in (
        lambda: tree.mkdir(name),
        lambda: tree.write(name, b"", executable=False),
        lambda: tree.symlink(name, "x"),
    ):
        with pytest.raises((UnsafeMemberError, DestinationError)):
            act()

    assert [] == os.listdir(tmp_path)


@posix_only
def test_a_tree_follows_no_link(tree: Tree, tmp_path: Path):
    """
    Neither one that was there, nor one that it made itself.
    """
    outside = tmp_path / "outside"
    outside.mkdir()
    (tmp_path / "there").symlink_to(outside)
    tree.symlink("made", "outside")

    for name in ("there/x", "made/x", "there/x/y"):
        with pytest.raises(DestinationError) as caught:
            tree.write(name, b"", executable=False)
        assert caught.value.problems[0].member == name

    assert [] == os.listdir(outside)


def test_a_tree_replaces_nothing(tree: Tree, tmp_path: Path):
    """
    Files are created, never opened.
    """
    (tmp_path / "f").write_bytes(b"precious")

    with pytest.raises(DestinationError) as caught:
        tree.write("f", b"evil", executable=False)

    assert "EEXIST" == caught.value.problems[0].code
    assert isinstance(caught.value, OSError)
    assert b"precious" == (tmp_path / "f").read_bytes()


def test_a_closed_tree_says_so(tmp_path: Path):
    """
    A mistake of the caller's, not a crash.
    """
    tree = Tree(str(tmp_path))
    tree.close()
    tree.close()

    with pytest.raises(TypeError):
        tree.mkdir("x")


def test_a_tree_that_is_not_there(tmp_path: Path):
    """
    ENOENT.
    """
    with pytest.raises(DestinationError) as caught:
        Tree(str(tmp_path / "missing"))

    assert "ENOENT" == caught.value.problems[0].code


@posix_only
def test_names_are_utf8_whatever_the_locale(tmp_path: Path):
    """
    Links are named as files are: by the bytes of the archive.
    """
    script = (
        "import sys\n"
        "from unwheel.native import Tree\n"
        "tree = Tree(sys.argv[1])\n"
        "tree.write('d\\u00e9/f', b'', executable=False)\n"
        "tree.symlink('d\\u00e9/l\\u00e9', 'f\\u00e9')\n"
    )
    environment = os.environ | {"LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0"}

    subprocess.run(
        [sys.executable, "-X", "utf8=0", "-c", script, str(tmp_path)],
        env=environment,
        check=True,
    )

    directory = os.path.join(os.fsencode(tmp_path), "d\u00e9".encode())
    link = os.path.join(directory, "l\u00e9".encode())
    assert "f\u00e9".encode() == os.readlink(link)


# ------------------------------------------------------------ batch and crew

DONE = (native.OK, "NONE")


def outcomes(batch: Batch) -> list[tuple[int, str]]:
    """Status and reason of every order."""
    results = batch.results()
    rows = [Result(results, k) for k in range(batch.count)]
    assert [row.status for row in rows] == native.statuses(results)
    return [(row.status, row.reason) for row in rows]


def test_a_batch_on_this_thread(tmp_path: Path):
    """
    Everything made, measured and told.
    """
    archive, tree = opened(small()), Tree(str(tmp_path))
    batch = Batch(
        archive,
        tree,
        *sheet(
            (0, native.EXECUTABLE | native.SHA256, HELLO),
            (1, native.SHA256, AGAIN),
            (2, native.DIRECTORY, NO),
        ),
    )

    batch.run()

    assert [DONE] * 3 == outcomes(batch)
    assert 0 == batch.failures()
    assert (1005, 3) == batch.progress()
    assert batch.wait(0)
    result = Result(batch.results(), 0)
    assert (5, HELLO, zlib.crc32(b"hello"), 0) == (
        result.size,
        result.sha256,
        result.crc32,
        result.os_error,
    )
    assert {"a.txt", "d", "d/b.txt", "e"} == set(tree_of(tmp_path))
    assert os.access(tmp_path / "a.txt", os.X_OK)
    batch.close()
    batch.close()


def test_a_batch_tells_each_order_s_fault():
    """
    A mismatch is the order's own; the others are done.
    """
    archive = opened(small())
    batch = Batch(
        archive,
        None,
        *sheet((0, native.SHA256, AGAIN), (1, native.SHA256, AGAIN)),
    )

    batch.run()

    assert [(native.MISMATCH, "SHA256"), DONE] == outcomes(batch)
    assert 1 == batch.failures()
    assert HELLO == Result(batch.results(), 0).sha256


def test_a_batch_of_nothing(tmp_path: Path):
    """
    Is done at once, whoever is asked.
    """
    archive, tree = opened(small()), Tree(str(tmp_path))
    with WorkingCrew(1) as crew:
        batch = Batch(archive, tree, b"", b"", b"")
        batch.give_to(crew)

        assert batch.wait(5000)
        assert b"" == batch.results()
        batch.close()


@pytest.mark.parametrize("entry", [3, 0xFFFFFFFF])
def test_an_order_that_is_not_in_the_archive(entry: int):
    """
    Refused by the core, which trusts nobody.
    """
    with pytest.raises(DestinationError, match="not in the archive"):
        Batch(opened(small()), None, *sheet((entry, 0, NO)))


@pytest.mark.parametrize(
    ("entries", "flags", "digests"),
    [
        (b"\0" * 4, b"\0\0", NO * 2),
        (b"\0" * 8, b"\0\0", NO),
        (b"\0" * 3, b"\0", NO),
        (b"\0" * 8, b"\0", NO),
    ],
)
def test_columns_of_other_lengths(
    entries: bytes, flags: bytes, digests: bytes
):
    """
    The core would read past their ends.
    """
    with pytest.raises(TypeError, match="columns"):
        Batch(opened(small()), None, entries, flags, digests)


@pytest.mark.parametrize("times", [b"", b"\0" * 7, b"\0" * 16])
def test_times_of_another_length(times: bytes):
    """
    Neither may there be fewer or more of them.
    """
    with pytest.raises(TypeError, match="times"):
        Batch(opened(small()), None, *sheet((0, 0, NO)), times=times)


def test_files_get_their_times(tmp_path: Path):
    """
    Directories do not, and without times nothing does.
    """
    archive = opened(small())
    orders = sheet((0, 0, NO), (1, 0, NO), (2, native.DIRECTORY, NO))
    times = struct.pack("=3q", 5, 2**33, 7)
    begun = time.time() - 2
    (tmp_path / "timed").mkdir()
    (tmp_path / "now").mkdir()

    for name, given in (("timed", times), ("now", None)):
        tree = Tree(str(tmp_path / name))
        Batch(archive, tree, *orders, times=given).run()

    assert 5 == (tmp_path / "timed/a.txt").stat().st_mtime
    assert 2**33 == (tmp_path / "timed/d/b.txt").stat().st_mtime
    assert begun < (tmp_path / "timed/e").stat().st_mtime
    assert begun < (tmp_path / "now/a.txt").stat().st_mtime


def test_repeats_are_counted():
    """
    Members, and bytes, that were not inflated again.
    """
    builder = ArchiveBuilder()
    for name in "abc":
        builder.file(name, bytes(20_000))
    orders = sheet(*((k, 0, NO) for k in range(3)))
    once = Batch(opened(builder), None, *orders, dedupe="copy")
    each = Batch(opened(builder), None, *orders)

    once.run()
    each.run()

    assert (2, 40_000) == once.repeats()
    assert (0, 0) == each.repeats()
    assert (60_000, 3) == once.progress() == each.progress()


def test_a_directory_in_the_way(tmp_path: Path):
    """
    Those that hold others are made when the batch is; it says that it failed.
    """
    (tmp_path / "d").write_bytes(b"")
    archive = opened(small().file("d/d/c.txt"))

    with pytest.raises(DestinationError):
        Batch(archive, Tree(str(tmp_path)), *sheet((1, 0, NO), (3, 0, NO)))


@pytest.mark.parametrize("link", [False, True], ids=["file", "link"])
def test_a_last_directory_in_the_way(tmp_path: Path, link: bool):
    """
    Those that hold files only are made by the crew; the files say it.
    """
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    if link:
        (root / "d").symlink_to(outside)
    else:
        (root / "d").write_bytes(b"")
    batch = Batch(opened(small()), Tree(str(root)), *sheet((1, 0, NO)))

    batch.run()

    result = Result(batch.results(), 0)
    assert (errno.ELOOP if link else errno.ENOTDIR) == result.os_error
    assert 1 == batch.failures()
    assert [] == list(outside.iterdir())


def big(count: int = 4, size: int = 8 * MIB) -> NativeArchive:
    """An archive that takes a while."""
    builder = ArchiveBuilder()
    content = half_noise(size)
    for k in range(count):
        builder.file(f"{k}", content, level=1)
    return opened(builder)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_a_crew_does_many_batches(threads: int):
    """
    Side by side; waiting for one says nothing of the others.
    """
    archive = big(2, MIB)
    with WorkingCrew(threads) as crew:
        batches = [
            Batch(archive, None, *sheet((0, 0, NO), (1, 0, NO)))
            for _ in range(10)
        ]
        for batch in batches:
            batch.give_to(crew)
        for batch in batches:
            while not batch.wait(50):
                pass
            assert [DONE] * 2 == outcomes(batch)
            batch.close()
        assert set() == crew.batches


def test_waiting_has_an_end():
    """
    After the time that was given, done or not.
    """
    crew = Crew()  # nobody works
    batch = Batch(big(1, MIB), None, *sheet((0, 0, NO)))
    batch.give_to(crew)

    begun = time.perf_counter()
    finished = batch.wait(50)
    waited = time.perf_counter() - begun

    assert not finished
    assert 0.04 < waited < 5
    batch.cancel()
    crew.dismiss()
    crew.work()
    assert batch.wait(0)


def test_what_nobody_has_need_not_be_waited_for():
    """
    A batch that was never given away.
    """
    batch = Batch(opened(small()), None, *sheet((0, 0, NO)))

    assert batch.wait(0)


@pytest.mark.parametrize("moment", range(6))
def test_cancelling_drops_what_is_left(moment: int):
    """
    At any moment: each order is done or cancelled, and it is soon over.
    """
    archive = big()
    with WorkingCrew(2) as crew:
        batch = Batch(archive, None, *sheet(*((k, 0, NO) for k in range(4))))
        batch.give_to(crew)
        while batch.progress()[0] < moment * 4 * MIB:
            batch.wait(1)
        batch.cancel()
        begun = time.perf_counter()
        while not batch.wait(50):
            pass
        waited = time.perf_counter() - begun

        assert {status for status, _ in outcomes(batch)} <= {
            native.OK,
            native.CANCELLED,
        }
        batch.close()
    assert waited < 2


def test_a_crew_keeps_what_it_works_on():
    """
    Nobody else refers to the batch, the archive or the tree any more.
    """
    with WorkingCrew(2) as crew:
        batch = Batch(big(4, 2 * MIB), None, *sheet((0, 0, NO), (1, 0, NO)))
        batch.give_to(crew)
        del batch
        gc.collect()

        [kept] = crew.batches
        while not kept.wait(50):
            pass
        assert [DONE] * 2 == outcomes(kept)
        kept.close()


def test_a_dismissed_crew_finishes_its_work():
    """
    Threads that come late find nothing to do.
    """
    crew = Crew()
    batch = Batch(opened(small()), None, *sheet((0, 0, NO)))
    batch.give_to(crew)

    crew.dismiss()

    assert crew.work()
    assert crew.work()
    assert [DONE] == outcomes(batch)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")
def test_a_source_that_cannot_be_read_is_not_the_destination(place: Place):
    """
    Whose fault it is: EISDIR, because the file was exchanged under the core.
    """
    wheel = place.put(demo().file("demo/x", noise(2 * MIB), method=STORED))

    def on_event(event: object) -> None:
        if not isinstance(event, unwheel.WheelPlanned):
            return
        [handle] = [
            int(line.split()[0])
            for line in open_handles()
            if line.endswith(wheel.name)
        ]
        directory = os.open(place.root, os.O_RDONLY)
        os.dup2(directory, handle)
        os.close(directory)

    with pytest.raises(SourceError) as caught:
        unwheel.extract(wheel, place.dest, on_event=on_event)

    assert "EISDIR" == caught.value.problems[0].code
    assert "read" in str(caught.value)


# ------------------------------------------------------------------- kernels


@pytest.mark.parametrize("size", [0, 1, 63, 64, 65, 1000, 100_000])
def test_hashes_agree_with_the_standard_library(size: int):
    """
    With all the CPU has, and with nothing.
    """
    data = noise(size)

    for cpu in (native.CPU, 0):
        assert zlib.crc32(data) == native.crc32(data, cpu=cpu)
        assert hashlib.sha256(data).digest() == native.sha256(data, cpu=cpu)


def test_crc_goes_on_from_a_value():
    """
    As zlib's does.
    """
    assert zlib.crc32(b"hello") == native.crc32(b"lo", native.crc32(b"hel"))


def test_an_inflater_takes_its_input_in_pieces():
    """
    What was not consumed is given again; spans come in order.
    """
    content = half_noise(300_000)
    stream = deflated(content)
    inflater = Inflater(fresh=1 << 16)
    out, kept, at = b"", b"", 0

    result = Inflater.NEED
    while result != Inflater.DONE:
        if result == Inflater.NEED:
            kept += stream[at : at + 1000]
            at += 1000
        result, consumed, span, reason = inflater.run(kept)
        assert "NONE" == reason
        kept = kept[consumed:]
        out += span

    assert content == out


def test_an_inflater_can_start_over():
    """
    After an end, and after an error.
    """
    content = half_noise(100_000)
    inflater = Inflater()

    assert len(content) == inflater.inflate(deflated(content))
    with pytest.raises(CorruptMemberError) as caught:
        inflater.inflate(b"\7")
    assert "DEFLATE_BLOCK_TYPE" == caught.value.problems[0].code
    assert len(content) == inflater.inflate(deflated(content))


@pytest.mark.parametrize("tail", [b"x", b"\0" * 9])
def test_an_inflater_wants_one_whole_stream(tail: bytes):
    """
    Neither more nor less.
    """
    stream = deflated(b"hello")

    for wrong in (stream + tail, stream[:-1], b""):
        with pytest.raises(CorruptMemberError):
            Inflater().inflate(wrong)


def test_the_cpu_can_be_made_to_forget():
    """
    UNWHEEL_CPU switches features off, for tests.
    """
    script = "import unwheel.native as n; print(n.CPU)"

    done = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"UNWHEEL_CPU": "0"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert "0\n" == done.stdout


def test_structs_are_as_the_core_has_them():
    """
    What Python unpacks by hand has C's offsets and sizes, field by field.
    """
    ffi = native.ffi
    fields = dict(ffi.typeof("struct uw_entry").fields)
    for name, code in native.archive._COLUMNS.items():
        kind = ffi.typeof("int32_t" if code == "i" else f"uint{size(code)}_t")
        assert kind.cname == fields[name].type.cname
    kind = ffi.typeof("struct uw_result")
    assert native.batch._RESULT_SIZE == ffi.sizeof(kind)
    offset = 0
    for (_, field), code in zip(
        kind.fields,
        native.batch._RESULT.lstrip("=").replace("32s", "s"),
        strict=True,
    ):
        assert offset == field.offset
        offset += 32 if code == "s" else struct.calcsize("=" + code)


def size(code: str) -> int:
    """
    Bits of what `struct` calls *code*.
    """
    return 8 * struct.calcsize("=" + code)


def test_does_not_read_gigabytes_to_get_a_few_bytes():
    """
    A member can be packed as any number of blocks without content.
    """
    empty_blocks = b"\x00\x00\x00\xff\xff" * 1000 + b"\x03\x00"
    data = (
        ArchiveBuilder()
        .file(
            "x",
            b"",
            packed=empty_blocks,
        )
        .build()
    )
    archive = NativeArchive.from_bytes(data, Limits())

    with pytest.raises(LimitError, match="x: the member is larger"):
        archive.read(0, 100)
    assert b"" == archive.read(0, 5000)
