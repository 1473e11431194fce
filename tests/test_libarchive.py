"""libarchive reads what the core has accepted, and has to agree with it."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from builder import ArchiveBuilder
from places import (
    PLATFORM_TAG,
    Place,
    demo,
    half_noise,
    noise,
    only_files,
    snapshot,
    tree_of,
)

import unwheel
from unwheel import (
    CorruptMemberError,
    DestinationError,
    LinkPolicy,
    Policy,
    SourceError,
    libarchive,
    relay,
)
from unwheel.libarchive import Header, Reader, ReadingError, load
from unwheel.values import replace

pytestmark = pytest.mark.crosscheck

NFD = "demo/cafe\u0301.py"
MIB = 1 << 20


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[ArchiveFile]:
    """An archive that a test writes, and what it opened of it."""
    file = ArchiveFile(tmp_path / "x.zip")
    yield file
    file.close()


class ArchiveFile:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptors: list[int] = []

    def read(
        self, builder: ArchiveBuilder, *, streaming: bool = False
    ) -> Reader:
        self._path.write_bytes(builder.build())
        descriptor = os.open(self._path, os.O_RDONLY)
        self._descriptors.append(descriptor)
        return Reader(descriptor, streaming=streaming)

    def close(self) -> None:
        for descriptor in self._descriptors:
            os.close(descriptor)


def dissent(wheel: Path, place: Place) -> list[unwheel.Problem]:
    """What is said when libarchive does not agree, and nothing is written."""
    with place.untouched(), pytest.raises(CorruptMemberError) as caught:
        unwheel.extract(wheel, place.dest, backend="libarchive")
    assert {"LIBARCHIVE"} == {p.code for p in caught.value.problems}
    return list(caught.value.problems)


# ----------------------------------------------------------------- the reader


@pytest.mark.parametrize("streaming", [False, True], ids=["seek", "stream"])
def test_entries_come_in_the_order_of_their_data(archive, streaming):
    """
    Whatever the order of the directory; each with its content.
    """
    builder = (
        ArchiveBuilder()
        .file("b", b"bb" * 500)
        .file("a", noise(300_000))
        .directory("d/")
        .directory_order(2, 1, 0)
    )

    found = []
    with archive.read(builder, streaming=streaming) as reader:
        while (header := reader.next()) is not None:
            content = b"".join(reader.blocks())
            found.append((header.name, header.kind, content))

    assert [
        (b"b", "file", b"bb" * 500),
        (b"a", "file", noise(300_000)),
        (b"d/", "directory", b""),
    ] == found


@pytest.mark.parametrize("streaming", [False, True], ids=["seek", "stream"])
def test_a_wrong_crc_is_a_failure(archive, streaming):
    """
    libarchive calls it a warning, and gives the bytes all the same.
    """
    lie = {"crc32": 1}
    builder = ArchiveBuilder().file("a", b"hello", local=lie, central=lie)

    with archive.read(builder, streaming=streaming) as reader:
        assert reader.next() is not None
        blocks = reader.blocks()
        got = next(blocks)
        with pytest.raises(ReadingError, match="CRC"):
            next(blocks)

    assert b"hello" == got


def test_a_warning_about_a_header_is_told(archive):
    """
    Also where libarchive goes on.
    """
    builder = ArchiveBuilder().file("a", b"hello", local={"crc32": 1})

    with archive.read(builder) as reader:
        header = reader.next()

    assert header is not None
    assert header.warning is not None
    assert "CRC32" in header.warning


def test_an_archive_without_an_end_is_not_streamed(archive):
    """
    Whose directory is not found is not read in another way.
    """
    builder = ArchiveBuilder().file("a", b"hello").end(signature=0)

    with pytest.raises(ReadingError) as caught:
        archive.read(builder)

    assert caught.value.fatal


def test_a_source_that_fails_is_no_opinion(archive, monkeypatch):
    """
    What is raised while libarchive asks for bytes comes out of it.
    """

    def fail(*_: object) -> bytes:
        raise KeyboardInterrupt

    reader = archive.read(
        ArchiveBuilder().file("a", noise(MIB)), streaming=True
    )

    with reader:
        assert reader.next() is not None
        monkeypatch.setattr(os, "read", fail)
        with pytest.raises(KeyboardInterrupt):
            list(reader.blocks())


@pytest.mark.parametrize(
    ("found", "stored", "alike"),
    [
        (b"a", b"a", True),
        (b"a", b"b", False),
        (None, b"a", False),
        ("\u00e9".encode(), "e\u0301".encode(), True),
        ("\u00e9".encode(), b"e", False),
        (b"\xff", b"\xfe", False),
    ],
)
def test_composed_names_are_the_same_names(found, stored, alike):
    """
    libarchive composes what is flagged as UTF-8; other changes are lies.
    """
    assert alike == libarchive.spelled_alike(found, stored)


# --------------------------------------------------------------- the backend


@pytest.mark.parametrize("locale", ["C", "C.UTF-8", "POSIX"])
def test_names_do_not_hang_on_the_locale(place: Place, locale: str):
    """
    Of a name that the locale lacks libarchive gives nothing.
    """
    wheel = place.put(demo().file(NFD, b"x").file("demo/\U0001f40d.py", b"y"))
    code = (
        "import sys, unwheel\n"
        "unwheel.extract(*sys.argv[1:], backend='libarchive')\n"
    )

    subprocess.run(
        [sys.executable, "-c", code, wheel, place.dest],
        env={**os.environ, "LC_ALL": locale},
        check=True,
    )

    assert {NFD, "demo/\U0001f40d.py"} <= tree_of(place.dest).keys()


def test_the_tree_is_the_same(place: Place):
    """
    Types, modes, times and content.
    """
    wheel = place.put(
        demo(PLATFORM_TAG)
        .file("demo/big", half_noise(3 * MIB), mode=0o755)
        .file("demo/empty", b"")
        .file("demo/same", half_noise(3 * MIB))
        .file("demo/set-id", b"x", mode=0o6755)
        .directory("demo/d/")
        .directory("demo/e/f/")
        .link("demo/link", "big")
    )
    policy = Policy(mtime=1_000_000_000)
    trees = []

    for backend in ("native", "libarchive"):
        unwheel.extract(wheel, place.dest, policy=policy, backend=backend)
        facts = {}
        for path, (mode, _, _, what) in snapshot(place.dest).items():
            name = os.path.relpath(path, place.dest)
            facts[name] = mode, os.lstat(path).st_mtime, what
        del facts["."]  # whose time is that of its making
        trees.append(facts)
        place.dest.rename(place.out / backend)

    assert trees[0] == trees[1]


def test_the_report_is_the_same(place: Place):
    """
    But for repeats, which libarchive inflates each.
    """
    wheel = place.put(
        demo().file("demo/a", b"xy" * 999).file("demo/b", b"xy" * 999)
    )

    native = unwheel.verify(wheel)
    other = unwheel.verify(wheel, backend="libarchive")

    assert (1, 0) == (native.repeats, other.repeats)
    assert native.files == other.files
    assert (native.members, native.size) == (other.members, other.size)


@pytest.mark.parametrize("size", [16_362, 16_363, 65_535])
def test_a_long_comment_hides_nothing(place: Place, size: int):
    """
    libarchive looks for the end record in the last 16 KiB only.
    """
    wheel = place.put(demo().comment(b"c" * size))

    unwheel.extract(wheel, place.dest, backend="libarchive")

    assert (
        b"answer = 42\n" == only_files(tree_of(place.dest))["demo/__init__.py"]
    )


@pytest.mark.parametrize("text", ["up/e\u0301", b"a\0b", "x" * 4000])
def test_links_as_text_are_as_stored(place: Place, text: str | bytes):
    """
    libarchive composes a target, and ends it at a NUL.
    """
    wheel = place.put(demo(PLATFORM_TAG).link("demo/link", text))
    links = LinkPolicy.named("text")

    unwheel.extract(
        wheel, place.dest, policy=Policy(links=links), backend="libarchive"
    )

    raw = text.encode() if isinstance(text, str) else text
    assert raw == (place.dest / "demo/link").read_bytes()


def test_progress_ends_where_it_should(place: Place):
    """
    At the size of the wheel, though its bytes are read twice.
    """
    wheel = place.put(demo().file("demo/x", noise(2 * MIB)))
    told: list[unwheel.BytesDone] = []

    def on_event(event: object) -> None:
        if isinstance(event, unwheel.BytesDone):
            told.append(event)

    report = unwheel.verify(wheel, backend="libarchive", on_event=on_event)

    assert [(report.size, report.members)] == [
        (event.size, event.members) for event in told[-1:]
    ]
    assert sorted(event.size for event in told) == [e.size for e in told]


# ------------------------------------------------------------------- dissent


def seeing(
    monkeypatch: pytest.MonkeyPatch,
    *,
    where: bytes = b"demo/tool.sh",
    **changes: object,
) -> None:
    """Have libarchive see another header *where* it sees that one."""
    honest = Reader.next

    def lying(self: Reader) -> Header | None:
        header = honest(self)
        if header is not None and header.name == where:
            header = replace(header, **changes)
        return header

    monkeypatch.setattr(Reader, "next", lying)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"name": b"demo/tool.py"}, "another name, b'demo/tool.py'"),
        ({"name": None}, "another name, None"),
        ({"size": 9}, "another size, 9 bytes"),
        ({"kind": "directory"}, "another type, directory"),
        ({"kind": "link", "target": b"x"}, "another type, link"),
        ({"warning": "it smells"}, "it smells"),
    ],
)
def test_another_entry_refuses_the_wheel(place, monkeypatch, changes, text):
    """
    Each entry has to be the one that the plan knows.
    """
    wheel = place.put(demo())
    seeing(monkeypatch, **changes)

    (problem,) = dissent(wheel, place)

    assert "demo/tool.sh" == problem.member
    assert text in problem.message


def test_another_link_is_named(place, monkeypatch):
    """
    It is made by others, so the message says which one, not only a file.
    """
    wheel = place.put(demo(PLATFORM_TAG).link("demo/link", "tool.sh"))
    seeing(monkeypatch, where=b"demo/link", kind="file")

    (problem,) = dissent(wheel, place)

    assert "link 'demo/link': it reads another type, file" in problem.message


def test_another_target_refuses_the_wheel(place, monkeypatch):
    """
    Of a link that becomes a file, too: its text is the target.
    """
    wheel = place.put(demo(PLATFORM_TAG).link("demo/link", "tool.sh"))
    seeing(monkeypatch, where=b"demo/link", target=b"tool.py")
    policy = Policy(links=LinkPolicy.named("text"))

    with place.untouched(), pytest.raises(CorruptMemberError) as caught:
        unwheel.extract(wheel, place.dest, policy=policy, backend="libarchive")

    (problem,) = caught.value.problems
    assert "demo/link" == problem.member
    assert "it reads another target" in problem.message


def test_a_disk_that_fails_is_our_side(place, monkeypatch):
    """
    Also where libarchive would go on: that is no opinion on the wheel.
    """
    wheel = place.put(demo())

    def failing(self: Reader) -> Iterator[bytes]:  # noqa: ARG001
        yield b""
        raise ReadingError("bad", os_error=errno.EIO, fatal=False)

    monkeypatch.setattr(Reader, "blocks", failing)

    with place.untouched(), pytest.raises(SourceError) as caught:
        unwheel.extract(wheel, place.dest, backend="libarchive")

    assert ["EIO"] == [p.code for p in caught.value.problems]


def test_want_of_memory_is_no_opinion(archive, monkeypatch):
    """
    Nor is it a failure of the file.
    """
    monkeypatch.setattr(load(), "errno", lambda _: errno.ENOMEM)
    lie = {"crc32": 1}
    builder = ArchiveBuilder().file("x", b"x", central=lie, local=lie)
    with archive.read(builder) as reader:
        reader.next()

        with pytest.raises(MemoryError):
            list(reader.blocks())


def test_bytes_that_are_left_out_are_not_made_up(place, monkeypatch):
    """
    To libarchive a block may begin behind the end of the one before.
    """
    wheel = place.put(demo())
    library = load()
    honest = library.data_block

    def leaving_out(handle: object, data: object, length: object, at: Any):
        result = honest(handle, data, length, at)
        at._obj.value += 1
        return result

    monkeypatch.setattr(library, "data_block", leaving_out)

    problems = dissent(wheel, place)

    assert any("it leaves bytes out" in p.message for p in problems)


@pytest.mark.skipif(sys.platform == "win32", reason="no FIFOs")
def test_nobody_waits_for_who_would_write_into_a_fifo(place):
    """
    It might never come.
    """
    descriptor = relay.opened(place.put(demo()))
    try:
        assert not os.get_blocking(descriptor)
    finally:
        os.close(descriptor)


@pytest.mark.parametrize(
    ("block", "text"),
    [
        (b"#!/bin/ch\n", "other bytes"),
        (b"#!/bin/sh", "other bytes"),
        (b"#!/bin/sh\n\n", "more bytes"),
    ],
)
def test_other_content_refuses_the_wheel(place, monkeypatch, block, text):
    """
    Also where no RECORD says what it has to be.
    """
    wheel = place.put(demo().without_row("demo/tool.sh"))
    honest = Reader.blocks

    def lying(self: Reader) -> Iterator[bytes]:
        content = b"".join(honest(self))
        yield block if content == b"#!/bin/sh\n" else content

    monkeypatch.setattr(Reader, "blocks", lying)

    with place.untouched(), pytest.raises(CorruptMemberError) as caught:
        unwheel.extract(
            wheel,
            place.dest,
            policy=Policy(record="off"),
            backend="libarchive",
        )

    (problem,) = caught.value.problems
    assert ("LIBARCHIVE", "demo/tool.sh") == (problem.code, problem.member)
    assert text in problem.message


@pytest.mark.parametrize(
    ("count", "text"), [(3, "ends before"), (6, "one more entry")]
)
def test_another_number_refuses_the_wheel(place, monkeypatch, count, text):
    """
    Of entries: those of the directory, no fewer and no more.
    """
    wheel = place.put(demo())
    honest = Reader.next
    seen: list[Header | None] = []

    def lying(self: Reader) -> Header | None:
        header = honest(self) or seen[-1]
        seen.append(header)
        return header if len(seen) <= count else None

    monkeypatch.setattr(Reader, "next", lying)

    (problem,) = dissent(wheel, place)

    assert text in problem.message


def test_a_wheel_cut_short_meanwhile_is_our_side(
    place: Place, monkeypatch: pytest.MonkeyPatch
):
    """
    It was whole when it was judged.
    """
    wheel = place.put(demo().file("demo/x", noise(2 * MIB)))

    class Late(Reader):
        def __init__(self, descriptor: int) -> None:
            super().__init__(descriptor)
            os.truncate(wheel, MIB)

    monkeypatch.setattr(relay, "Reader", Late)

    with pytest.raises(SourceError) as caught:
        unwheel.extract(wheel, place.dest, backend="libarchive")

    assert "SOURCE_TRUNCATED" == caught.value.problems[0].code
    assert [] == os.listdir(place.out)


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="needs /proc/self/status"
)
def test_memory_does_not_grow_with_a_member(place: Place):
    """
    Of 64 MiB no more is held than a few blocks.
    """
    size = 64 * MIB
    wheel = place.put(demo().file("demo/x", half_noise(size)))
    code = (
        "import sys, unwheel\n"
        "unwheel.extract(*sys.argv[1:], backend='libarchive')\n"
        "[line] = [l for l in open('/proc/self/status') if 'VmHWM' in l]\n"
        "print(line.split()[1])\n"
    )

    most = int(
        subprocess.run(
            [sys.executable, "-c", code, wheel, place.dest],
            stdout=subprocess.PIPE,
            check=True,
        ).stdout
    )

    assert most < size >> 10


# ------------------------------------------------------------------- missing


def test_a_missing_package_is_named(place, monkeypatch):
    """
    With what pip is to install; nothing is made, by no wheel.
    """
    wheel = place.put(demo())
    monkeypatch.setattr(libarchive, "_loaded", [])
    monkeypatch.setitem(sys.modules, "libarchive", None)

    with place.untouched(), pytest.raises(DestinationError) as caught:
        unwheel.extract(wheel, place.dest, backend="libarchive")

    (problem,) = caught.value.problems
    assert "EXTRA_MISSING" == problem.code
    assert "pip install 'unwheel[crosscheck]'" in problem.message


@pytest.mark.parametrize("where", ["/nonexistent", "libc.so.6"])
def test_a_missing_library_is_named(place: Place, where: str):
    """
    Or one that is no libarchive: the package of the system is told.
    """
    wheel = place.put(demo())
    command = [sys.executable, "-m", "unwheel", "verify", wheel]

    run = subprocess.run(
        [*command, "--backend", "libarchive"],
        env={**os.environ, "LIBARCHIVE": where},
        capture_output=True,
        text=True,
        check=False,
    )

    assert 3 == run.returncode
    assert "EXTRA_MISSING" in run.stderr
    assert "libarchive13" in run.stderr
    assert "" == run.stdout


def test_a_backend_that_is_none_is_a_mistake(place: Place):
    """
    Of the caller.
    """
    with pytest.raises(TypeError, match="'native', 'libarchive'"):
        unwheel.verify(place.put(demo()), backend="bsdtar")


def test_the_core_alone_decides_what_is_accepted(place: Place):
    """
    A deflated member without any stream is empty to libarchive.
    """
    wheel = place.put(demo().file("demo/x", b"", packed=b""))

    problems = []
    for backend in ("native", "libarchive"):
        with place.untouched(), pytest.raises(CorruptMemberError) as caught:
            unwheel.extract(wheel, place.dest, backend=backend)
        problems.append(caught.value.problems)

    assert problems[0] == problems[1]
    assert ["DEFLATE_TRUNCATED"] == [p.code for p in problems[0]]
