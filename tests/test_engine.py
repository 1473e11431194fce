"""The road as a whole: wheels in, trees, reports and events out."""

from __future__ import annotations

import hashlib
import os
import stat
import threading
import zlib
from _thread import allocate_lock
from _weakref import ref
from pathlib import Path

import pytest
from builder import WheelBuilder, digest_of
from places import (
    Place,
    demo,
    files_of,
    half_noise,
    noise,
    only_files,
    open_handles,
    thread_count,
    tree_of,
)

import unwheel
from unwheel import (
    BytesDone,
    CorruptMemberError,
    Event,
    Limits,
    MismatchError,
    Policy,
    RecordError,
    Report,
    StagingRemoved,
    UnwheelError,
    Wheel,
    WheelExtracted,
    WheelPlanned,
    WheelRefused,
    WheelVerified,
    crew,
    engine,
    native,
)
from unwheel.crew import Crew

MIB = 1 << 20

THREADS = [1, 2, 4]

# Either side of every border of the core: nothing, one byte, a window, a span
# and its history, the size from which a member may be done by two threads.
SIZES = [
    0,
    1,
    32 * 1024,
    48 * 1024,
    64 * 1024 - 1,
    64 * 1024,
    64 * 1024 + 1,
    128 * 1024,
    160 * 1024 + 1,
    512 * 1024 - 1,
    512 * 1024,
    3 * MIB + 7,
]


def codes(error: UnwheelError) -> list[str]:
    """The reason codes of *error*."""
    return [problem.code for problem in error.problems]


# ------------------------------------------------------------------ content


def test_extracts_what_zipfile_reads(place: Place):
    """
    The tree has every file of the archive, byte for byte, and nothing else.
    """
    wheel = place.put(
        demo()
        .file("demo/data.bin", noise(100_000), method=0)
        .file("demo/h\u00e9llo.txt", b"hi\n")
        .file("top.py", b"")
    )

    unwheel.extract(wheel, place.dest)

    assert files_of(wheel) == only_files(tree_of(place.dest))


@pytest.mark.parametrize("threads", THREADS)
@pytest.mark.parametrize("method", [0, 8], ids=["stored", "deflated"])
def test_every_size_of_member_is_extracted(
    place: Place, method: int, threads: int
):
    """
    Members below, at and above every border come out equal.
    """
    builder = demo()
    for size in SIZES:
        builder.file(f"demo/{size}", half_noise(size, size), method=method)
    wheel = place.put(builder)

    unwheel.extract(wheel, place.dest, threads=threads)

    assert files_of(wheel) == only_files(tree_of(place.dest))


@pytest.mark.parametrize("threads", THREADS)
def test_a_member_ends_where_its_window_does(place: Place, threads: int):
    """
    Its last span is there before the decoder knows that it is the last: it
    must be hashed before the next member's bytes come in its place.
    """
    builder = demo()
    for size in (16, 32, 48, 64, 128, 192, 512):
        for k in range(3):
            content = noise(size * 1024, size + k)
            packer = zlib.compressobj(wbits=-15)
            packed = packer.compress(content) + packer.flush(zlib.Z_SYNC_FLUSH)
            packed += packer.flush()  # an empty block
            builder.file(f"demo/{size}-{k}", content, packed=packed)
    wheel = place.put(builder)

    unwheel.extract(wheel, place.dest, threads=threads)

    assert files_of(wheel) == only_files(tree_of(place.dest))


@pytest.mark.parametrize("threads", THREADS)
@pytest.mark.parametrize("method", [0, 8], ids=["stored", "deflated"])
def test_one_big_member_is_the_same_whoever_does_it(
    place: Place, method: int, threads: int
):
    """
    A member of 24 MiB, decoded and drained by one thread or by two.
    """
    content = half_noise(24 * MIB, 1)
    wheel = place.put(demo().file("demo/big.so", content, method=method))

    report = unwheel.extract(wheel, place.dest, threads=threads)

    written = (place.dest / "demo/big.so").read_bytes()
    assert hashlib.sha256(content).digest() == hashlib.sha256(written).digest()
    facts = {fact.path: fact for fact in report.files}
    assert hashlib.sha256(content).hexdigest() == facts["demo/big.so"].sha256


@pytest.mark.parametrize("threads", THREADS)
def test_two_thousand_small_members_in_many_directories(
    place: Place, threads: int
):
    """
    Each is in its directory, with its own content.
    """
    builder = demo()
    for k in range(2000):
        builder.file(f"demo/d{k % 97}/e{k % 7}/f{k}.py", b"x = %d\n" % k)
    wheel = place.put(builder)

    report = unwheel.extract(wheel, place.dest, threads=threads)

    assert files_of(wheel) == only_files(tree_of(place.dest))
    assert 2000 + 5 == report.members


@pytest.mark.parametrize("threads", THREADS)
def test_big_and_small_members_share_a_crew(place: Place, threads: int):
    """
    Big members in several directories, small ones between them.
    """
    builder = demo()
    for k in range(6):
        builder.file(f"demo/lib{k % 2}/{k}.so", half_noise(2 * MIB + k, k))
        for j in range(30):
            builder.file(f"demo/lib{k}/{j}.py", b"%d" % (k * j))
    wheel = place.put(builder)

    unwheel.extract(wheel, place.dest, threads=threads)

    assert files_of(wheel) == only_files(tree_of(place.dest))


def test_zero_bytes_are_a_member(place: Place):
    """
    Empty members, stored or deflated, are made.
    """
    wheel = place.put(
        demo().file("a", method=0).file("b").file("c/d/e", method=0)
    )

    report = unwheel.extract(wheel, place.dest)

    assert (b"", b"", b"") == tuple(
        (place.dest / name).read_bytes() for name in ("a", "b", "c/d/e")
    )
    nothing = hashlib.sha256().hexdigest()
    facts = {fact.path: fact.sha256 for fact in report.files}
    assert nothing == facts["c/d/e"] == facts["a"]


def test_empty_directories_are_made(place: Place):
    """
    A directory entry is a directory, also if nothing is in it.
    """
    wheel = place.put(
        demo().directory("empty/").directory("deep/er/").directory("demo/")
    )

    report = unwheel.extract(wheel, place.dest)

    assert (place.dest / "empty").is_dir()
    assert (place.dest / "deep/er").is_dir()
    assert 3 == report.directories


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o027, 0o000])
def test_modes_are_executable_or_not_and_the_umask(place: Place, umask: int):
    """
    Of the archive's mode only "executable" is taken; the umask does the rest.
    """
    wheel = place.put(
        demo()
        .file("plain", b"p", mode=0o600)
        .file("group", b"g", mode=0o654)
        .file("wide", b"w", mode=0o777)
        .file("setid", b"s", mode=0o6755)
        .file("dos", b"d", host=0, external_attr=(0o100755) << 16)
        .directory("dir/", mode=0o700)
    )

    before = os.umask(umask)
    try:
        unwheel.extract(wheel, place.dest)
    finally:
        os.umask(before)

    modes = {
        name: stat.S_IMODE((place.dest / name).stat().st_mode)
        for name in ("plain", "group", "wide", "setid", "dos", "dir", ".")
    }
    file, program = 0o666 & ~umask, 0o777 & ~umask
    assert {
        "plain": file,
        "group": program,
        "wide": program,
        "setid": program,
        "dos": file,
        "dir": program,
        ".": program,
    } == modes


# -------------------------------------------------------------- the report


def test_report_says_what_was_done(place: Place):
    """
    Counts, bytes, places and the policy in force.
    """
    wheel = place.put(demo().directory("empty/"))
    files = files_of(wheel)

    report = unwheel.extract(wheel, place.dest)

    assert str(wheel) == report.wheel
    assert "extract" == report.action
    assert str(place.dest) == report.destination
    assert len(files) == report.members
    assert sum(map(len, files.values())) == report.size
    assert wheel.stat().st_size == report.archive_size
    assert 1 == report.directories
    assert () == report.links
    assert () == report.warnings
    assert 0 < report.seconds < 60
    assert "rename" == report.publishing
    assert "verify" == report.record


@pytest.mark.parametrize("action", ["extract", "verify"])
@pytest.mark.parametrize("record", ["verify", "warn", "names", "off"])
def test_report_has_the_digest_of_every_file(
    place: Place, action: str, record: str
):
    """
    Measured, not copied from RECORD: they are there at every level.
    """
    wheel = place.put(demo().file("demo/big", half_noise(2 * MIB)))
    policy = Policy(record=record)

    if action == "extract":
        report = unwheel.extract(wheel, place.dest, policy=policy)
    else:
        report = unwheel.verify(wheel, policy=policy)

    assert {
        name: (hashlib.sha256(data).hexdigest(), len(data))
        for name, data in files_of(wheel).items()
    } == {fact.path: (fact.sha256, fact.size) for fact in report.files}
    assert ["demo/tool.sh"] == [f.path for f in report.files if f.executable]


def test_verify_writes_nothing(place: Place):
    """
    Verifying is everything but writing.
    """
    wheel = place.put(demo().file("demo/big", half_noise(3 * MIB)))

    with place.untouched():
        report = unwheel.verify(wheel)

    assert "verify" == report.action
    assert None is report.destination
    assert None is report.publishing
    assert len(files_of(wheel)) == report.members


def test_extracting_keeps_nothing_open(place: Place):
    """
    After success no handle and no thread is left.
    """
    wheel = place.put(demo().file("demo/big", half_noise(3 * MIB)))
    before = open_handles(), thread_count()

    unwheel.extract(wheel, place.dest, threads=4)

    assert before == (open_handles(), thread_count())


# ---------------------------------------------------------------- the events


def test_events_are_told_in_their_order(place: Place):
    """
    Planned, then bytes that only grow, then the end, in the caller's thread.
    """
    wheel = place.put(demo().file("demo/big", half_noise(8 * MIB)))
    events: list[Event] = []
    threads = set()

    def on_event(event: Event) -> None:
        events.append(event)
        threads.add(threading.current_thread())

    report = unwheel.extract(wheel, place.dest, on_event=on_event)

    assert {threading.current_thread()} == threads
    assert WheelPlanned(str(wheel), report.members, report.size) == events[0]
    done = WheelExtracted(str(wheel), str(place.dest), report.size)
    assert done == events[-1]
    sizes = [e.size for e in events if isinstance(e, BytesDone)]
    assert sorted(set(sizes)) == sizes
    assert report.size == sizes[-1]
    assert len(events) == 2 + len(sizes)


def test_verifying_ends_with_its_own_event(place: Place):
    """
    A verified wheel is told as such.
    """
    wheel = place.put(demo())
    events: list[Event] = []

    report = unwheel.verify(wheel, on_event=events.append)

    assert WheelVerified(str(wheel), report.size) == events[-1]


def test_a_refusal_is_told(place: Place):
    """
    WheelRefused says why, as the exception does.
    """
    wheel = place.put(demo().file("../evil", b"x"))
    events: list[Event] = []

    with pytest.raises(UnwheelError) as caught:
        unwheel.extract(wheel, place.dest, on_event=events.append)

    assert [WheelRefused(str(wheel), str(caught.value))] == events


@pytest.mark.parametrize(
    "kind", [WheelPlanned, BytesDone, WheelExtracted, WheelRefused]
)
@pytest.mark.parametrize("size", [10, 4 * MIB], ids=["small", "big"])
def test_a_listener_that_fails_leaves_nothing_behind(
    place: Place, kind: type, size: int
):
    """
    Whatever on_event raises ends the run, cleanly, and comes out.
    """
    builder = demo().file("demo/data", half_noise(size))
    if kind is WheelRefused:
        builder.row("demo/data", digest=digest_of(b"else"))
    wheel = place.put(builder)

    def on_event(event: Event) -> None:
        if isinstance(event, kind):
            raise ZeroDivisionError

    before = open_handles(), thread_count()
    with pytest.raises(ZeroDivisionError):
        unwheel.extract(wheel, place.dest, on_event=on_event)

    assert before == (open_handles(), thread_count())
    expected = ["tree"] if kind is WheelExtracted else []
    assert expected == os.listdir(place.out)


# ------------------------------------------------------------- many wheels


def named(name: str, size: int) -> WheelBuilder:
    """A wheel of one file."""
    return WheelBuilder(name, "1.0").file(f"{name}.bin", half_noise(size))


@pytest.mark.parametrize("threads", THREADS)
def test_many_wheels_come_out_in_order(place: Place, threads: int):
    """
    Small and large ones mixed: each report in its turn, each tree complete.
    """
    sizes = [10, 5 * MIB, 0, 3 * MIB, 1, 2 * MIB, 70_000, MIB]
    wheels = [place.put(named(f"w{k}", size)) for k, size in enumerate(sizes)]

    reports = list(unwheel.extract_many(wheels, place.dest, threads=threads))

    assert [str(wheel) for wheel in wheels] == [r.wheel for r in reports]
    for wheel, report in zip(wheels, reports, strict=True):
        assert isinstance(report, Report)
        assert str(place.dest / wheel.stem) == report.destination
        assert files_of(wheel) == only_files(tree_of(place.dest / wheel.stem))
    assert {w.stem for w in wheels} == set(os.listdir(place.dest))


def test_one_bad_wheel_does_not_stop_the_others(place: Place):
    """
    Refused before writing, refused while writing, missing: the rest go on.
    """
    unsafe = place.put(named("unsafe", 10).file("../evil", b"x"))
    wrong = place.put(
        named("wrong", 3 * MIB).row("wrong.bin", digest=digest_of(b""))
    )
    missing = place.wheels / "missing-1.0-py3-none-any.whl"
    good = [place.put(named(f"good{k}", 2 * MIB)) for k in range(4)]
    wheels = [good[0], unsafe, good[1], wrong, missing, good[2], good[3]]
    events: list[Event] = []

    outcomes = list(
        unwheel.extract_many(wheels, place.dest, on_event=events.append)
    )

    kinds = [type(outcome).__name__ for outcome in outcomes]
    assert [
        "Report",
        "UnsafeMemberError",
        "Report",
        "MismatchError",
        "SourceError",
        "Report",
        "Report",
    ] == kinds
    assert [str(wheel) for wheel in wheels] == [o.wheel for o in outcomes]
    assert {w.stem for w in good} == set(os.listdir(place.dest))
    refused = [e.wheel for e in events if isinstance(e, WheelRefused)]
    assert [str(unsafe), str(wrong), str(missing)] == refused


def test_verify_many_writes_nothing(place: Place):
    """
    Every wheel is verified, in order, by one crew.
    """
    wheels = [place.put(named(f"w{k}", k * MIB)) for k in range(5)]

    with place.untouched():
        outcomes = list(unwheel.verify_many(wheels))

    assert ["verify"] * 5 == [o.action for o in outcomes]


def test_no_wheels_are_no_work(place: Place):
    """
    An empty list is fine.
    """
    with place.untouched():
        assert [] == list(unwheel.extract_many([], place.dest))


def test_wheels_of_one_name_do_not_share_a_directory(place: Place):
    """
    The second wheel of a stem finds the destination taken.
    """
    first = place.put(named("twin", 2 * MIB))
    other = place.wheels / "other"
    other.mkdir()
    second = WheelBuilder("twin", "1.0").file("x.py", b"2").write(other)

    outcomes = list(unwheel.extract_many([first, second], place.dest))

    assert isinstance(outcomes[0], Report)
    assert isinstance(outcomes[1], unwheel.DestinationError)
    assert files_of(first) == only_files(tree_of(place.dest / first.stem))


def test_giving_up_half_way_leaves_what_was_reported(place: Place):
    """
    A caller who stops asking has the trees he was told of, and no other.
    """
    wheels = [place.put(named(f"w{k}", 4 * MIB)) for k in range(6)]
    before = open_handles(), thread_count()

    run = unwheel.extract_many(wheels, place.dest)
    first = next(run)
    run.close()

    assert isinstance(first, Report)
    assert [wheels[0].stem] == os.listdir(place.dest)
    assert before == (open_handles(), thread_count())


def read_ahead(place: Place, count: int) -> int:
    """How many of *count* wheels are read before the first is told."""
    taken = []

    def wheels():
        for k in range(count):
            taken.append(k)
            yield place.put(named(f"w{k}", 10))

    run = unwheel.extract_many(wheels(), place.dest)
    next(run)
    read = len(taken)
    run.close()
    return read


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """No wheel is done when it is asked about in passing."""
    wait = native.Batch.wait

    def patient(batch: native.Batch, milliseconds: int) -> bool:
        return milliseconds > 0 and wait(batch, milliseconds)

    monkeypatch.setattr(native.Batch, "wait", patient)


@pytest.mark.usefixtures("slow")
def test_wheels_are_taken_one_by_one(place: Place):
    """
    An iterator of wheels is read a few ahead, not to its end.
    """
    assert engine.AHEAD + 1 == read_ahead(place, engine.AHEAD + 4)


@pytest.mark.usefixtures("slow")
def test_few_wheels_of_many_members_are_ahead(
    place: Place, monkeypatch: pytest.MonkeyPatch
):
    """
    What is planned is in memory.
    """
    of_one = native.NativeArchive(
        str(place.put(named("w", 10))), Limits()
    ).entries
    monkeypatch.setattr(engine, "MEMBERS_AHEAD", 2 * len(of_one))

    assert 3 == read_ahead(place, 9)


def test_a_wheel_that_is_done_is_told_at_once(place: Place):
    """
    The first small one is done before a second one is asked for.
    """
    assert 1 == read_ahead(place, 9)


@pytest.mark.usefixtures("slow")
@pytest.mark.skipif(not hasattr(os, "sysconf"), reason="no such limit")
def test_few_wheels_are_ahead_where_descriptors_are_few(
    place: Place, monkeypatch: pytest.MonkeyPatch
):
    """
    No wheel is refused because others have taken all that there are.
    """
    monkeypatch.setattr(os, "sysconf", {"SC_OPEN_MAX": 40}.__getitem__)

    assert 40 // engine.DESCRIPTORS + 1 == read_ahead(place, 9)


def test_one_wheel_to_two_places_at_once(place: Place):
    """
    Two threads of the caller, two crews, one wheel: two equal trees.
    """
    builder = demo().file("demo/big", half_noise(6 * MIB))
    for k in range(200):
        builder.file(f"demo/d{k % 9}/{k}.py", b"%d" % k)
    wheel = place.put(builder)
    outcomes: list[object] = []

    def extract(name: str) -> None:
        outcomes.append(unwheel.extract(wheel, place.out / name))

    callers = [
        threading.Thread(target=extract, args=(name,)) for name in "abcd"
    ]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()

    assert [Report] * 4 == list(map(type, outcomes))
    for name in "abcd":
        assert files_of(wheel) == only_files(tree_of(place.out / name))


def test_one_destination_for_two_at_once(place: Place):
    """
    Of two who want one destination, one gets it; the other is told.
    """
    wheel = place.put(demo().file("demo/big", half_noise(6 * MIB)))
    outcomes: list[str] = []

    def extract() -> None:
        try:
            unwheel.extract(wheel, place.dest)
            outcomes.append("done")
        except unwheel.DestinationError as error:
            outcomes.append(type(error).__name__)

    callers = [threading.Thread(target=extract) for _ in range(3)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()

    assert ["DestinationError", "DestinationError", "done"] == sorted(outcomes)
    assert files_of(wheel) == only_files(tree_of(place.dest))
    assert ["tree"] == os.listdir(place.out)


# ----------------------------------------------------------------- RECORD

BAD_SHA512 = digest_of(b"else", "sha512")

# What is wrong: how to build it, the reason, and whether bytes have to be
# read to find it.
RECORD_LIES = {
    "wrong hash": (
        lambda b: b.row("demo/__init__.py", digest=digest_of(b"else")),
        "SHA256",
        MismatchError,
    ),
    "wrong size": (
        lambda b: b.row("demo/__init__.py", size=7),
        "RECORD_SIZE_DIFFERS",
        RecordError,
    ),
    "missing row": (
        lambda b: b.without_row("demo/__init__.py"),
        "NOT_IN_RECORD",
        RecordError,
    ),
    "extra row": (
        lambda b: b.more_rows(f"demo/ghost.py,{digest_of(b'')},0"),
        "NOT_IN_ARCHIVE",
        RecordError,
    ),
    "no digest": (
        lambda b: b.row("demo/__init__.py", digest=""),
        "RECORD_NO_DIGEST",
        RecordError,
    ),
    "md5": (
        lambda b: b.row(
            "demo/__init__.py", digest=digest_of(b"answer = 42\n", "md5")
        ),
        "RECORD_WEAK",
        RecordError,
    ),
    "wrong sha512": (
        lambda b: b.row("demo/__init__.py", digest=BAD_SHA512),
        "SHA512",
        MismatchError,
    ),
}
ABOUT_NAMES = {"missing row", "extra row"}


@pytest.mark.parametrize("lie", RECORD_LIES)
def test_record_verify_refuses(place: Place, lie: str):
    """
    The default: every row against every byte.
    """
    tell, code, kind = RECORD_LIES[lie]
    wheel = place.put(tell(demo()))

    with place.untouched(), pytest.raises(RecordError) as caught:
        unwheel.extract(wheel, place.dest)

    assert [code] == codes(caught.value)
    assert kind is type(caught.value)
    assert 'record="warn"' == caught.value.problems[0].accept


@pytest.mark.parametrize("lie", RECORD_LIES)
def test_record_warn_reports_and_extracts(place: Place, lie: str):
    """
    What "verify" refuses is a warning of the report.
    """
    tell, code, _ = RECORD_LIES[lie]
    wheel = place.put(tell(demo()))

    report = unwheel.extract(wheel, place.dest, policy=Policy(record="warn"))

    assert [code] == [problem.code for problem in report.warnings]
    assert files_of(wheel) == only_files(tree_of(place.dest))


@pytest.mark.parametrize("lie", RECORD_LIES)
def test_record_names_looks_at_names_alone(place: Place, lie: str):
    """
    As the package index does: who is listed, whatever is said of them.
    """
    tell, code, _ = RECORD_LIES[lie]
    wheel = place.put(tell(demo()))
    policy = Policy(record="names")

    if lie in ABOUT_NAMES:
        with place.untouched(), pytest.raises(RecordError) as caught:
            unwheel.extract(wheel, place.dest, policy=policy)
        assert [code] == codes(caught.value)
    else:
        report = unwheel.extract(wheel, place.dest, policy=policy)
        assert () == report.warnings


@pytest.mark.parametrize("lie", [*RECORD_LIES, "no RECORD", "garbage"])
def test_record_off_looks_at_nothing(place: Place, lie: str):
    """
    RECORD is a member like others.
    """
    builder = demo()
    if lie in RECORD_LIES:
        RECORD_LIES[lie][0](builder)
    elif lie == "no RECORD":
        builder.without("RECORD")
    else:
        builder.record(b"\xff\xfe,,,,,,")
    wheel = place.put(builder)

    report = unwheel.extract(wheel, place.dest, policy=Policy(record="off"))

    assert () == report.warnings
    assert files_of(wheel) == only_files(tree_of(place.dest))


@pytest.mark.parametrize("record", ["verify", "names"])
def test_no_record_is_refused(place: Place, record: str):
    """
    A wheel has a RECORD (PEP 427).
    """
    wheel = place.put(demo().without("RECORD"))

    with place.untouched(), pytest.raises(RecordError) as caught:
        unwheel.extract(wheel, place.dest, policy=Policy(record=record))

    assert ["RECORD_MISSING"] == codes(caught.value)
    assert "demo-1.0.dist-info/RECORD" == caught.value.problems[0].member


def test_no_record_is_a_warning_if_asked(place: Place):
    """
    The level "warn" does without RECORD, and says so.
    """
    wheel = place.put(demo().without("RECORD"))

    report = unwheel.extract(wheel, place.dest, policy=Policy(record="warn"))

    assert ["RECORD_MISSING"] == [p.code for p in report.warnings]


def test_a_bad_row_does_not_hide_another(place: Place):
    """
    At the level "warn" one row that cannot be used switches nothing off.
    """
    tell_weak = RECORD_LIES["md5"][0]
    wheel = place.put(
        tell_weak(demo()).row("demo/tool.sh", digest=digest_of(b"else"))
    )

    report = unwheel.extract(wheel, place.dest, policy=Policy(record="warn"))

    assert {"RECORD_WEAK", "SHA256"} == {p.code for p in report.warnings}


@pytest.mark.parametrize("algorithm", ["sha384", "sha512", "blake2b"])
def test_better_digests_than_sha256_are_verified(place: Place, algorithm: str):
    """
    "sha256 or better" (PEP 427), through hashlib, for members of any size.
    """
    wheel = place.put(
        WheelBuilder("demo", "1.0", algorithm=algorithm)
        .file("demo.py", b"x = 1\n")
        .file("big.bin", half_noise(3 * MIB))
    )

    report = unwheel.extract(wheel, place.dest)

    assert files_of(wheel) == only_files(tree_of(place.dest))
    assert () == report.warnings


def test_all_wrong_digests_are_told(place: Place):
    """
    Not only the first, and whatever the algorithm.
    """
    wheel = place.put(
        demo()
        .file("a", b"a")
        .file("b", b"b")
        .row("a", digest=BAD_SHA512)
        .row("b", digest=BAD_SHA512)
        .row("demo/tool.sh", digest=digest_of(b"else"))
    )

    with place.untouched(), pytest.raises(MismatchError) as caught:
        unwheel.extract(wheel, place.dest)

    assert {("SHA512", "a"), ("SHA512", "b"), ("SHA256", "demo/tool.sh")} == {
        (problem.code, problem.member) for problem in caught.value.problems
    }


@pytest.mark.parametrize("name", ["RECORD.jws", "RECORD.p7s"])
def test_signatures_need_no_row(place: Place, name: str):
    """
    They sign RECORD, so RECORD cannot have their digest (PEP 427).
    """
    builder = demo().info(name, b"signed")
    wheel = place.put(builder.without_row(f"demo-1.0.dist-info/{name}"))

    report = unwheel.extract(wheel, place.dest)

    assert () == report.warnings
    assert b"signed" == (place.dest / builder.dist_info / name).read_bytes()


def test_only_the_wheel_s_own_signature_is_exempt(place: Place):
    """
    A file that is called RECORD.jws elsewhere is a file.
    """
    wheel = place.put(
        demo().file("demo/RECORD.jws", b"x").without_row("demo/RECORD.jws")
    )

    with place.untouched(), pytest.raises(RecordError) as caught:
        unwheel.extract(wheel, place.dest)

    assert ["NOT_IN_RECORD"] == codes(caught.value)


def test_what_record_says_of_itself_is_not_looked_at(place: Place):
    """
    No file can contain its own digest.
    """
    wheel = place.put(
        demo().row(
            "demo-1.0.dist-info/RECORD", digest=digest_of(b"else"), size=5
        )
    )

    report = unwheel.extract(wheel, place.dest)

    assert () == report.warnings


# ---------------------------------------------------------------- failures


def test_all_corrupt_members_are_told(place: Place):
    """
    A member that is wrong does not keep the others from being looked at.
    """
    builder = demo()
    for name in ("a", "b", "c"):
        builder.file(name, b"data", local={"crc32": 7}, central={"crc32": 7})
    wheel = place.put(builder.row("demo/tool.sh", digest=digest_of(b"else")))

    with place.untouched(), pytest.raises(CorruptMemberError) as caught:
        unwheel.extract(wheel, place.dest)

    assert [
        ("SHA256", "demo/tool.sh"),
        ("CRC32", "a"),
        ("CRC32", "b"),
        ("CRC32", "c"),
    ] == [(p.code, p.member) for p in caught.value.problems]


@pytest.mark.parametrize("threads", THREADS)
def test_a_big_member_with_a_wrong_crc_is_refused(place: Place, threads: int):
    """
    The check of a member that two threads share.
    """
    wrong = {"crc32": lambda crc: crc ^ 1}
    wheel = place.put(
        demo().file("big", half_noise(8 * MIB), local=wrong, central=wrong)
    )

    with place.untouched(), pytest.raises(CorruptMemberError) as caught:
        unwheel.extract(wheel, place.dest, threads=threads)

    assert ["CRC32"] == codes(caught.value)


@pytest.mark.parametrize("threads", [0, -1])
def test_threads_must_be_positive(place: Place, threads: int):
    """
    Nobody would do the work.
    """
    wheel = place.put(demo())

    with place.untouched(), pytest.raises(TypeError, match="threads"):
        unwheel.extract(wheel, place.dest, threads=threads)


def test_a_thread_that_cannot_start_leaves_nothing_behind(
    place: Place, monkeypatch: pytest.MonkeyPatch
):
    """
    Our side: no thread to be had; the error comes out, the rest is cleaned.
    """
    wheel = place.put(demo().file("demo/big", half_noise(3 * MIB)))

    def start(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(crew, "start_new_thread", start)

    with place.untouched(), pytest.raises(RuntimeError):
        unwheel.extract(wheel, place.dest)


def test_no_memory_for_a_thread_is_said(
    place: Place, monkeypatch: pytest.MonkeyPatch
):
    """
    If the crew's threads cannot work, nobody waits for them forever.
    """
    wheel = place.put(demo().file("demo/big", half_noise(3 * MIB)))
    monkeypatch.setattr(native.Crew, "work", lambda _: False)

    with place.untouched(), pytest.raises(MemoryError):
        unwheel.extract(wheel, place.dest)


def test_what_dead_processes_left_is_told(place: Place):
    """
    A stale staging directory is removed, and an event says so.
    """
    stale = place.out / ".unwheel-0123456789abcdef"
    (stale / "demo").mkdir(parents=True)
    (stale / "demo/x.py").write_bytes(b"x")
    wheel = place.put(demo())
    events: list[Event] = []

    unwheel.extract(wheel, place.dest, on_event=events.append)

    assert StagingRemoved(str(stale)) == events[0]
    assert ["tree"] == os.listdir(place.out)


def test_windows_takes_no_name_that_it_cannot_hold(
    place: Place, monkeypatch: pytest.MonkeyPatch
):
    """
    Whatever the policy says: "aux.py" would be a device.
    """
    wheel = place.put(demo().file("demo/aux.py", b"x"))
    policy = Policy(portable_names="warn")
    monkeypatch.setattr(engine, "WINDOWS", True)

    with place.untouched(), pytest.raises(unwheel.UnsafeMemberError) as caught:
        unwheel.extract(wheel, place.dest, policy=policy)
    with Wheel(wheel, policy=policy) as looked_at, pytest.raises(UnwheelError):
        looked_at.plan()

    assert ["DEVICE_NAME"] == codes(caught.value)


def test_strings_and_paths_are_both_paths(place: Place):
    """
    Relative ones too.
    """
    wheel = place.put(demo())
    before = Path.cwd()
    os.chdir(place.root)
    try:
        report = unwheel.extract(f"wheels/{wheel.name}", "out/tree")
    finally:
        os.chdir(before)

    assert str(place.dest) == report.destination
    assert f"wheels/{wheel.name}" == report.wheel
    assert files_of(wheel) == only_files(tree_of(place.dest))


def test_a_crew_is_gone_with_the_last_of_its_threads():
    """
    One that finds no memory leaves the work to the others.
    """
    one, other = allocate_lock(), allocate_lock()
    other.acquire()
    crew = Crew(2)
    crew._threads = [ref(one), ref(other)]

    crew.check()
    other.release()

    with pytest.raises(MemoryError):
        crew.check()
