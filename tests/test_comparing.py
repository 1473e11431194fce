"""Five readers of one wheel, and what they do not see alike."""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import pytest
from builder import ArchiveBuilder, WheelBuilder
from places import PLATFORM_TAG, Place, demo, half_noise, noise
from sound import SOUND

from unwheel import (
    DestinationError,
    Difference,
    LimitError,
    Limits,
    Policy,
    SourceError,
    compare,
    readers,
)
from unwheel.cli import main
from unwheel.comparing import MOST, compare_readings, differences
from unwheel.errors import MOST_ALIKE, Problem
from unwheel.libarchive import ReadingError
from unwheel.policy import READINGS
from unwheel.readers import OTHERS, Asked
from unwheel.readings import (
    Notes,
    Reading,
    Seen,
    read_directory,
    read_headers,
)

pytestmark = pytest.mark.crosscheck

MIB = 1 << 20

Show = Callable[[ArchiveBuilder], dict[tuple[str | None, str], dict[str, str]]]


@pytest.fixture
def shown(tmp_path: Path) -> Show:
    """Shows what differs in an archive: by member and field, who says what."""

    def show(
        builder: ArchiveBuilder,
    ) -> dict[tuple[str | None, str], dict[str, str]]:
        path = tmp_path / "x.zip"
        path.write_bytes(builder.build())
        return {(d.member, d.field): dict(d.says) for d in compare(path)}

    return show


# ----------------------------------------------------------- whole archives


def test_an_honest_wheel_is_the_same_to_all(place: Place):
    """
    With all that a sound wheel can have; and the counts say what was seen.
    """
    wheel = place.put(
        demo(PLATFORM_TAG)
        .file("demo/stored", noise(200_000), method=0)
        .file("demo/described", half_noise(MIB), descriptor="signed")
        .file("demo/cafe\u0301/\U0001f40d.py", b"x")
        .file("demo/e\u0301", b"x")
        .file("demo/\u00e9", b"y")
        .file("demo/no mode", b"x", external_attr=0)
        .file("demo/dos", b"x", host=0, external_attr=0)
        .file("demo/empty", b"")
        .file("demo/set-id", b"x", mode=0o6755)
        .directory("demo/d/")
        .link("demo/link", "cafe\u0301/\U0001f40d.py")
        .comment(b"built with love")
        .zip64()
        .directory_order(*reversed(range(16)))
    )

    comparison = compare_readings(wheel, Policy())

    assert () == comparison.differences
    assert READINGS == tuple(r.reader for r in comparison.readings)
    assert 1 == len({len(r.entries) for r in comparison.readings})
    assert all(reading.whole for reading in comparison.readings)


def test_a_member_that_the_directory_hides(shown):
    """
    Who reads from the front sees it; our directory view refuses the gap.
    """
    hidden = ArchiveBuilder().file("hidden", b"evil").build()
    hidden = hidden[: hidden.index(b"PK\1\2")]
    found = shown(
        ArchiveBuilder()
        .file("a", b"a")
        .file("b", b"b", gap=hidden)
        .file("c", b"c")
    )

    assert {
        "headers": "yes",
        "libarchive": "no",
        "stream": "yes",
        "zipfile": "no",
    } == found["hidden", "entry"]
    whole = found[None, "reading"]
    assert whole["directory"].startswith("GAP: b: ")
    assert "3 entries" == whole["zipfile"]
    assert "4 entries" == whole["headers"]


def test_two_names_of_one_member(shown):
    """
    One in the directory, one in the local header.
    """
    found = shown(ArchiveBuilder().file("a", b"x", local={"name": b"b"}))

    assert {
        "headers": "no",
        "libarchive": "no",
        "stream": "no",
        "zipfile": "yes",
    } == found["a", "entry"]
    assert "LOCAL_NAME" in found["a", "reading"]["directory"]
    assert "ZIPFILE" in found["a", "reading"]["zipfile"]


def test_content_that_is_not_what_is_stated(shown):
    """
    All five find it, and each says so in its own words.
    """
    lie = {"crc32": 1}
    found = shown(ArchiveBuilder().file("a", b"hello", local=lie, central=lie))

    says = found["a", "reading"]
    assert "CRC32: " in says["directory"]
    assert "LIBARCHIVE: " in says["libarchive"]
    assert "LIBARCHIVE: " in says["stream"]
    assert "ZIPFILE: " in says["zipfile"]
    assert says.keys() == set(READINGS)


def test_a_place_that_holds_no_archive(shown):
    """
    Nobody takes it, and each says so.
    """
    says = shown(
        ArchiveBuilder().put("prefix", b"no archive").end(signature=0)
    )

    assert all(": " in said for said in says[None, "reading"].values())


def test_what_is_missing_is_our_side(tmp_path):
    """
    A wheel that is not there is no difference.
    """
    with pytest.raises(SourceError):
        compare(tmp_path / "none.whl")


def test_a_reading_that_is_none_is_a_mistake(place: Place):
    """
    Of the caller.
    """
    with pytest.raises(TypeError, match="'bsdtar' is none of 'directory'"):
        compare(place.put(demo()), readings=["bsdtar"])


def test_every_reading_is_bounded(place: Place):
    """
    A bomb is stopped by the policy's limits, whoever reads it.
    """
    wheel = place.put(demo().file("demo/x", bytes(64 * MIB), level=9))
    policy = Policy(limits=Limits(ratio_floor=MIB))

    comparison = compare_readings(wheel, policy)

    codes = [{p.code for p in r.problems} for r in comparison.readings]
    assert [{"TOTAL_RATIO"}] * 5 == codes
    assert all(reading.size < 5 * MIB for reading in comparison.readings)


def test_the_number_of_entries_is_bounded(place: Place):
    """
    Also in the processes of the others.
    """
    wheel = place.put(demo().file("demo/x", b"x"))

    comparison = compare_readings(wheel, Policy(limits=Limits(entries=3)))

    codes = [{p.code for p in r.problems} for r in comparison.readings]
    assert [{"TOO_MANY_ENTRIES"}] * 5 == codes
    assert all(len(reading.entries) <= 3 for reading in comparison.readings)


# Sound archives that not every reader of others takes, and why.
EXPLAINED = {
    # libarchive looks for the end record in the last 16 KiB.
    "ends: the longest comment",
    # From the front libarchive takes the CRC for a signature; only a knob
    # makes it sound for us.
    "descriptors: unsigned, of a CRC like a signature",
}


def test_what_is_sound_is_the_same_to_all(tmp_path):
    """
    All that is odd: in this process, because here nobody has to crash.
    """
    differing = set()
    for name, sound in SOUND.items():
        path = sound.write(tmp_path)
        size = path.stat().st_size
        found = [
            read_directory(str(path), sound.policy),
            read_headers(str(path), sound.policy),
        ]
        for reader, read in OTHERS.items():
            notes = Notes(sound.policy.limits, size)
            try:
                read(str(path), notes)
            except ReadingError as error:
                notes.refuse([Problem("LIBARCHIVE", error.text)])
            found.append(notes.reading(reader))
        if differences(found):
            differing.add(name)
        assert found[0].whole
        assert found[0].entries
        path.unlink()

    assert differing <= EXPLAINED


# ------------------------------------------------------------- differences


def reading(reader: str, *entries: Seen, whole: bool = True) -> Reading:
    return Reading(reader, entries, whole, ())


@pytest.mark.parametrize(
    ("field", "one", "other", "shown"),
    [
        ("type", "file", "link", ("file", "link")),
        ("mode", 0o644, 0o755, ("0644", "0755")),
        ("size", 1, 2, ("1", "2")),
        ("crc32", 1, 2, ("00000001", "00000002")),
        ("target", "a", "b", ("a", "b")),
        ("sha256", "aa", "bb", ("aa", "bb")),
    ],
)
def test_each_field_is_compared(field, one, other, shown):
    """
    Among those who know it.
    """
    readings = [
        reading("directory", Seen("x", **{field: one})),
        reading("headers", Seen("x")),
        reading("zipfile", Seen("x", **{field: other})),
    ]

    says = (("directory", shown[0]), ("zipfile", shown[1]))
    assert [Difference("x", field, says)] == differences(readings)
    readings[2] = reading("zipfile", Seen("x", **{field: one}))
    assert [] == differences(readings)


def test_a_mode_that_is_made_up_is_none():
    """
    libarchive has one for every entry, also where the archive has none.
    """
    readings = [
        reading("directory", Seen("x")),
        reading("libarchive", Seen("x", mode=0o664)),
    ]

    assert [] == differences(readings)


def test_the_same_name_twice_is_two_entries():
    """
    A reader that sees but one of them is found.
    """
    readings = [
        reading("directory", Seen("x", size=1), Seen("x", size=2)),
        reading("zipfile", Seen("x", size=1)),
    ]

    says = (("directory", "yes"), ("zipfile", "no"))
    assert [Difference("x", "entry", says)] == differences(readings)


def test_who_gave_up_misses_nothing():
    """
    What may have come later is not called missing.
    """
    readings = [
        reading("directory", Seen("x"), Seen("y")),
        reading("zipfile", Seen("x"), whole=False),
    ]

    (found,) = differences(readings)
    assert (None, "reading") == (found.member, found.field)


@pytest.mark.parametrize(
    ("offsets", "expected"),
    [
        ((0, 9), []),
        (
            (9, 0),
            [
                Difference(
                    None,
                    "order",
                    (("directory", "y"), ("headers", "x"), ("zipfile", "x")),
                )
            ],
        ),
    ],
)
def test_the_order_of_data_is_compared(offsets, expected):
    """
    By the offsets of those who list the directory.
    """
    listed = [Seen("x", offset=0), Seen("y", offset=9)]
    readings = [
        reading(
            "directory", Seen("x", offset=offsets[0]), Seen("y", offset=5)
        ),
        reading("headers", Seen("x"), Seen("y")),
        reading("zipfile", *listed),
    ]

    assert expected == differences(readings)


def test_the_order_of_the_directory_is_compared():
    """
    Among those who list it.
    """
    x, y = Seen("x", offset=0), Seen("y", offset=9)
    readings = [
        reading("directory", x, y),
        reading("headers", Seen("x"), Seen("y")),
        reading("zipfile", y, x),
    ]

    says = (("directory", "x"), ("zipfile", "y"))
    assert [Difference(None, "directory order", says)] == differences(readings)


def test_composed_names_are_put_back_by_their_place():
    """
    Where both spellings stand, each is itself.
    """
    readings = [
        reading("headers", Seen("e\u0301", size=1), Seen("\u00e9", size=2)),
        reading("stream", Seen("\u00e9", size=1), Seen("\u00e9", size=2)),
    ]

    assert [] == differences(readings)


def test_differences_are_bounded():
    """
    Of a million entries that differ some are told, and how many more.
    """
    count = MOST + 5
    readings = [
        reading("directory", *(Seen(f"{k}", size=1) for k in range(count))),
        reading("headers", *(Seen(f"{k}", size=2) for k in range(count))),
    ]

    found = differences(readings)

    assert MOST + 1 == len(found)
    assert (("compare", "5 more of size"),) == found[-1].says


class Counted(str):
    """A name that counts how often any of them is compared."""

    __slots__ = ()
    __hash__ = str.__hash__
    compared: ClassVar[list[str]] = []

    def __eq__(self, other: object) -> bool:
        self.compared.append(self)
        return str.__eq__(self, other)


def test_what_members_are_refused_for_is_found_at_once():
    """
    Each of 100,000 may be wrong in a wheel of 10 MB; looking through all of
    them for each took ten minutes.
    """
    names = [Counted(k) for k in range(500)]
    problems = tuple(Problem("CRC32", "is wrong", name) for name in names)
    entries = tuple(Seen(name) for name in names)

    found = differences(
        [
            Reading(reader, entries, True, problems)
            for reader in ("directory", "zipfile")
        ]
    )

    assert len(names) == len(found)
    assert len(Counted.compared) < 10 * len(names)


def test_problems_are_bounded_and_the_rest_is_not_said_to_be_taken():
    """
    A million members of nothing that are wrong make no GB of problems.
    """
    count = MOST_ALIKE + 2
    notes = Notes(Limits(), 100)
    for k in range(count):
        notes.see(Seen(f"{k}"))
        notes.refuse([Problem("ZIPFILE", "is wrong", f"{k}")])
    notes.whole = True
    one = notes.reading("zipfile")
    last = Problem("CRC32", "is wrong", f"{count - 1}")
    other = Reading("directory", one.entries, True, (last,))

    found = {
        difference.member: dict(difference.says)
        for difference in differences([other, one])
    }

    assert MOST_ALIKE + 1 == len(one.problems)
    assert "2 more" == one.problems[-1].found
    assert "not told" == found[last.member]["zipfile"]


def test_who_gave_up_takes_nothing():
    """
    Not even what it has seen: it may be worse than what it tells.
    """
    problem = Problem("CRC32", "is wrong", "a")
    gave_up = Reading("zipfile", (Seen("a"),), False, ())

    found = differences(
        [Reading("directory", (Seen("a"),), True, (problem,)), gave_up]
    )

    says = [dict(one.says)["zipfile"] for one in found if one.member == "a"]
    assert ["given up"] == says


def test_notes_stop_at_the_size_of_a_member():
    """
    Whatever it says that it has.
    """
    notes = Notes(Limits(member_size=5), 100)

    with pytest.raises(LimitError) as caught:
        notes.measure("x", [b"123", b"456"])

    assert "MEMBER_TOO_LARGE" == caught.value.problems[0].code


# ------------------------------------------------------- other processes


def answer(tmp_path: Path) -> Reading:
    path = tmp_path / "x.whl"
    path.write_bytes(b"x")
    with Asked("zipfile", str(path), 1, Limits()) as asked:
        return asked.answer()


@pytest.mark.skipif(sys.platform == "win32", reason="no signals")
@pytest.mark.parametrize(
    ("code", "text", "entries"),
    [
        ("import os; os.kill(os.getpid(), 11)", "it died of signal 11", []),
        (
            "print('[\"a\"]\\n[', end='', flush=True); import os; os.abort()",
            "it died of signal 6",
            [Seen("a")],
        ),
        ("raise SystemExit(3)", "it ended with status 3", []),
    ],
    ids=["crash", "in the middle", "exit"],
)
def test_a_reader_that_dies_is_an_answer(
    monkeypatch, tmp_path, code, text, entries
):
    """
    Not our end; what it told before is kept.
    """
    monkeypatch.setattr(readers, "_START", code)

    found = answer(tmp_path)

    assert [Problem("READER_DIED", text)] == list(found.problems)
    assert not found.whole
    assert entries == list(found.entries)


def test_a_reader_that_hangs_is_ended(monkeypatch, tmp_path):
    """
    After its time; nothing of it is left running.
    """
    monkeypatch.setattr(readers, "_START", "import time; time.sleep(600)")
    monkeypatch.setattr(readers, "_SECONDS", 0)

    found = answer(tmp_path)

    assert "READER_DIED" == found.problems[0].code
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_a_reader_that_hangs_is_ended_before_it_is_heard(monkeypatch):
    """
    It shares our place in the file: it would write over what we read.
    """
    monkeypatch.setattr(readers, "_START", "while True: print('[\"a\"]')")
    monkeypatch.setattr(readers, "_SECONDS", 0)
    heard = readers._heard
    running = []

    with Asked("zipfile", os.devnull, 0, Limits()) as asked:

        def hearing(*told: object) -> Reading:
            running.append(asked._process.poll() is None)
            return heard(*told)

        monkeypatch.setattr(readers, "_heard", hearing)
        asked.answer()

    assert [False] == running


def test_nothing_is_run_that_lies_about(place, monkeypatch):
    """
    A scanner stands among files of strangers.
    """
    (place.root / "json.py").write_text("raise SystemExit(9)\n")
    monkeypatch.chdir(place.root)

    assert [] == compare(place.put(demo()))


@pytest.mark.skipif(sys.platform == "win32", reason="no such limit")
def test_a_reader_that_takes_all_memory_is_stopped(monkeypatch, tmp_path):
    """
    It fails, and the machine goes on.
    """
    code = (
        "import json, sys\n"
        "sys.path[:] = json.load(sys.stdin)['path']\n"
        "from unwheel import readers\n"
        "readers._confine()\n"
        "try:\n    bytes(3 << 30)\n"
        "except MemoryError:\n    raise SystemExit(7)\n"
    )
    monkeypatch.setattr(readers, "_START", code)

    assert "it ended with status 7" == answer(tmp_path).problems[0].message


# -------------------------------------------------------- the command line


def test_the_command_says_that_all_is_the_same(place: Place, capsys):
    """
    In one line for each wheel; the exit status is 0.
    """
    wheel = place.put(demo())

    status = main(["compare", str(wheel)])

    out, err = capsys.readouterr()
    assert 0 == status
    assert f"{wheel}: the same to 5 readers: 5 entries, 479 B\n" == out
    assert "" == err


def test_the_command_shows_what_differs(place: Place, capsys):
    """
    By reader; names cannot drive the terminal; the exit status is 1.
    """
    wheel = place.put(demo().file("demo/\x1b[2J", b"x", mode=stat.S_ISUID))
    other = place.put(
        WheelBuilder("other", "1.0").file(
            "a", b"a", local={"name": b"\x1b[1m"}
        )
    )

    status = main(["compare", "--quiet", str(wheel), str(other)])

    out, _ = capsys.readouterr()
    assert 1 == status
    assert f"{other}: " in out
    assert "\x1b" not in out
    assert "\n      headers, libarchive, stream: " in out
    assert "\\x1b[1m: entry" in out


def test_the_command_tells_programs(place: Place, capsys):
    """
    One object for each wheel.
    """
    lie = {"crc32": 1}
    wheel = place.put(demo().file("demo/x", b"x", local=lie, central=lie))

    status = main(["compare", "--json", "--readings", "zipfile", str(wheel)])

    told = json.loads(capsys.readouterr().out)
    assert 1 == status
    assert (1, "compare", "differs", str(wheel)) == tuple(
        told[key] for key in ("format", "action", "status", "wheel")
    )
    (seen,) = told["readings"]
    assert ("zipfile", 6, True) == tuple(
        seen[key] for key in ("reader", "entries", "whole")
    )
    assert "ZIPFILE" == seen["problems"][0]["code"]
    (difference,) = told["differences"]
    assert ("demo/x", "reading") == (difference["member"], difference["field"])
    assert difference["says"]["zipfile"].startswith("ZIPFILE: ")


def test_a_reader_that_is_not_installed_is_named(place, monkeypatch, capsys):
    """
    The exit status is 3; without it, the others are compared.
    """
    wheel = str(place.put(demo()))
    monkeypatch.setenv("LIBARCHIVE", "/nonexistent")

    assert 3 == main(["compare", wheel])
    assert "EXTRA_MISSING" in capsys.readouterr().err
    with pytest.raises(DestinationError):
        compare(wheel, readings=["directory", "stream"])
    assert 0 == main(
        ["compare", "--readings", "directory,headers,zipfile", wheel]
    )
