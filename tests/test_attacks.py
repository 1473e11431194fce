"""
Every attack is refused for the right reason, and nothing is written.

What is odd and sound is as important: it has to be taken.  Both are data, in
`attacks` and `sound`; here are also the tests that need more than one look.
"""

from __future__ import annotations

import ast
import os
import stat
import sys
import zlib
from pathlib import Path

import pytest
from attack import FIRST, INFO, MIB, Attack, Build
from attacks import ATTACKS
from attacks_content import wrong_crc
from attacks_wheel import wheel_file
from builder import STORED, WheelBuilder, deflated
from hashes import with_crc
from places import (
    PLATFORM_TAG,
    Place,
    demo,
    files_of,
    half_noise,
    only_files,
    tree_of,
)
from sound import SOUND, Sound

import unwheel
from unwheel import (
    ArchiveError,
    CorruptMemberError,
    InvalidWheelError,
    LimitError,
    Limits,
    Policy,
    SourceError,
    UnsafeMemberError,
    UnwheelError,
)
from unwheel.errors import printable
from unwheel.knobs import ACCEPTED, LIMITS
from unwheel.values import replace

RECORD = f"{INFO}/RECORD"
END = b"PK\5\6" + bytes(18)

# What these systems call one name, or no name, is refused there always.
TELLS_NAMES_APART = sys.platform not in ("win32", "darwin")


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
def test_an_attack_is_refused(place: Place, attack: Attack):
    """
    By verify and by extract, with one reason; nothing is written anywhere.
    """
    wheel = attack.write(place.wheels)

    with place.untouched():
        with pytest.raises(UnwheelError) as verifying:
            unwheel.verify(wheel, policy=attack.policy)
        with pytest.raises(UnwheelError) as extracting:
            unwheel.extract(wheel, place.dest, policy=attack.policy, threads=2)

    error = extracting.value
    assert attack.kind is type(error)
    assert verifying.value.problems == error.problems
    told = {(problem.code, problem.member) for problem in error.problems}
    assert (attack.code, attack.member) in told
    assert str(wheel) == error.wheel
    assert printable(wheel.name) in str(error)
    if len(error.problems) == 1 and attack.member:
        assert printable(attack.member) in str(error)


@pytest.mark.parametrize("sound", SOUND.values(), ids=SOUND.keys())
def test_what_is_sound_is_taken(place: Place, sound: Sound):
    """
    As other tools take it, and told of no more than it is.
    """
    if sound.warnings and not TELLS_NAMES_APART:
        pytest.skip("this system cannot hold such names")
    wheel = sound.write(place.wheels)

    report = unwheel.extract(wheel, place.dest, policy=sound.policy)

    assert sound.warnings == tuple(p.code for p in report.warnings)
    expected = files_of(wheel)
    found = only_files(tree_of(place.dest))
    for name in (*sound.more, *(fact.path for fact in report.links)):
        expected.pop(name, None)
        found.pop(name, None)
    if report.links:  # they get rows of their own in RECORD
        del expected[RECORD], found[RECORD]
    assert expected == found


# For limits that are judged by the core, or of what is read into memory.
ENOUGH = {
    "limits.entries": 1 << 62,
    "limits.directory_size": 1 << 62,
    "limits.name_length": 1 << 31,
    "limits.link_target_length": 1 << 31,
    "limits.metadata_size": 1 << 31,
    "limits.record_size": 1 << 31,
}


def accepting(policy: Policy, accept: str) -> Policy:
    """The *policy* with the knob turned that a refusal names."""
    field, _, typed = accept.partition("=")
    setting = ast.literal_eval(typed) if typed else ENOUGH.get(field, 1 << 80)
    holder, _, knob = field.rpartition(".")
    if holder == "limits":
        limits = replace(policy.limits, **{knob: setting})
        return replace(policy, limits=limits)
    if holder == "links":
        changed = policy.link_policy.replace(**{knob: setting})
        return replace(policy, links=changed)
    return replace(policy, **{knob: setting})


def test_the_knob_that_a_refusal_names_accepts_it(place: Place):
    """
    Of every attack, every reason; and every knob is named by some.
    """
    named = set()
    useless = []
    for name, attack in ATTACKS.items():
        wheel = attack.write(place.wheels)
        for problem in refused(wheel, attack.policy):
            if problem.accept is None:
                continue
            named.add(problem.accept.partition("=")[0])
            policy = accepting(attack.policy, problem.accept)
            told = {(p.code, p.member) for p in refused(wheel, policy)}
            if (problem.code, problem.member) in told:
                useless.append((name, problem.accept))
        wheel.unlink()

    assert [] == useless
    knobs = {knob.field for knob in (*ACCEPTED.knobs, *LIMITS.knobs)}
    assert set() == knobs - named - {"limits.ratio_floor"}


def refused(wheel: Path, policy: Policy) -> tuple[unwheel.Problem, ...]:
    """Why it is, or nothing."""
    try:
        unwheel.verify(wheel, policy=policy)
    except UnwheelError as error:
        return error.problems
    return ()


def test_set_id_bits_do_not_survive(place: Place):
    """
    Set-user-id, set-group-id, sticky: of a file and of a directory.
    """
    wheel = place.put(
        demo()
        .file("demo/root", b"#!", mode=0o7777)
        .directory("demo/dir/", mode=0o7777)
    )

    unwheel.extract(wheel, place.dest)

    for name in ("demo/root", "demo/dir"):
        mode = (place.dest / name).stat().st_mode
        assert 0 == mode & 0o7000
        assert 0 == mode & 0o022 & ~0o777


@pytest.mark.parametrize("threads", [1, 2])
def test_a_bomb_that_lies_is_stopped_at_its_word(place: Place, threads: int):
    """
    64 MiB that claim to be 2 MiB: not a byte more is written.
    """
    bomb = deflated(bytes(64 * MIB), 1)
    lie = {"size": 2 * MIB}
    wheel = place.put(
        demo()
        .file("demo/x", b"", packed=bomb, local=lie, central=lie)
        .row("demo/x", size="")
    )
    most = 0

    def on_event(event: object) -> None:
        nonlocal most
        if isinstance(event, unwheel.BytesDone):
            most = max(most, event.size)

    with place.untouched(), pytest.raises(CorruptMemberError) as caught:
        unwheel.extract(wheel, place.dest, threads=threads, on_event=on_event)

    assert ["SIZE"] == [problem.code for problem in caught.value.problems]
    assert most <= 2 * MIB + 100


def test_a_limit_says_how_to_raise_it(place: Place):
    """
    The knob is named, and turning it helps.
    """
    wheel = place.put(demo().file("demo/x", bytes(MIB)))

    with pytest.raises(LimitError) as caught:
        unwheel.verify(
            wheel, policy=Policy(limits=Limits(member_size=MIB - 1))
        )

    assert "limits.member_size" == caught.value.problems[0].accept
    unwheel.verify(wheel, policy=Policy(limits=Limits(member_size=MIB)))


def test_links_that_are_made(place: Place):
    """
    Siblings, chains, folders, other folders: as stored, to what is there.
    """
    wheel = place.put(
        demo(PLATFORM_TAG)
        .file("demo/lib/libx.so.1.2", half_noise(MIB))
        .link("demo/lib/libx.so.1", "libx.so.1.2")
        .link("demo/lib/libx.so", "libx.so.1")
        .link("demo/current", "lib")
        .link("demo/lib64", "./lib/")
        .link("demo/include/x.py", "../__init__.py")
        .link("other", "demo/lib")
        .link("demo-1.0.data/data/a/l", "../f")
        .file("demo-1.0.data/data/f", b"f")
    )

    report = unwheel.extract(wheel, place.dest)

    tree = tree_of(place.dest)
    links = {
        "demo/lib/libx.so.1": "libx.so.1.2",
        "demo/lib/libx.so": "libx.so.1",
        "demo/current": "lib",
        "demo/lib64": "./lib/",
        "demo/include/x.py": "../__init__.py",
        "other": "demo/lib",
        "demo-1.0.data/data/a/l": "../f",
    }
    assert links == {fact.path: fact.target for fact in report.links}
    assert {"link"} == {fact.outcome for fact in report.links}
    for name, target in links.items():
        assert f"-> {target}" == tree[name]
        assert (place.dest / name).exists()
    assert files_of(wheel).keys() - links.keys() == only_files(tree).keys()
    assert len(only_files(tree)) == report.members


def test_links_come_last(place: Place, monkeypatch: pytest.MonkeyPatch):
    """
    While files are written there is no link that could be written through.
    """
    wheel = place.put(
        demo(PLATFORM_TAG)
        .link("demo/a", "z.bin")
        .file("demo/z.bin", half_noise(2 * MIB))
    )
    seen = []
    symlink = unwheel.native.Tree.symlink

    def spy(tree: unwheel.native.Tree, name: str, target: str) -> None:
        [staged] = place.out.iterdir()
        seen.append(set(only_files(tree_of(staged))))
        symlink(tree, name, target)

    monkeypatch.setattr(unwheel.native.Tree, "symlink", spy)

    unwheel.extract(wheel, place.dest)

    assert [set(only_files(tree_of(place.dest)))] == seen


def test_a_host_without_links_is_told_before_writing(
    place: Place, monkeypatch: pytest.MonkeyPatch
):
    """
    FAT, or Windows without the privilege: nothing is half done.
    """
    wheel = place.put(demo(PLATFORM_TAG).link("demo/l", "__init__.py"))
    monkeypatch.setattr(unwheel.native.Tree, "can_symlink", lambda _: False)

    with place.untouched(), pytest.raises(unwheel.DestinationError) as caught:
        unwheel.extract(wheel, place.dest)

    assert [("HOST_CANNOT", "demo/l")] == [
        (p.code, p.member) for p in caught.value.problems
    ]


# ------------------------------------------------------------- what is said


def test_everything_that_is_wrong_is_told(place: Place):
    """
    One refusal, all reasons.
    """
    wheel = place.put(
        demo(PLATFORM_TAG)
        .file("../a", b"a")
        .file("/b", b"b")
        .file("c\\d", b"c")
        .file("dev", b"", kind=stat.S_IFCHR)
    )

    with place.untouched(), pytest.raises(UnsafeMemberError) as caught:
        unwheel.extract(wheel, place.dest)

    assert [
        ("FILE_TYPE", "dev"),
        ("DOTDOT", "../a"),
        ("ABSOLUTE", "/b"),
        ("BACKSLASH", "c\\d"),
    ] == [(p.code, p.member) for p in caught.value.problems]
    assert "(and 3 more)" in str(caught.value)


def test_a_message_has_what_was_found_and_expected(place: Place):
    """
    The wheel, the member, found, expected.
    """
    wheel = place.put(wrong_crc(0x1C291CA3)(demo()))

    with pytest.raises(CorruptMemberError) as caught:
        unwheel.verify(wheel)

    expected = (
        f"{wheel}: demo/x: CRC-32 is wrong: "
        f"found {zlib.crc32(b'data'):08x}, expected 1c291ca3"
    )
    assert expected == str(caught.value)


@pytest.mark.parametrize(
    "name", ["a\x1b[31mred", "a\rb", "a\u202eb", "a\x9b2Jb", "a\x7fb"]
)
def test_a_name_cannot_drive_the_terminal(place: Place, name: str):
    """
    Everything that is not printable is escaped in a message.
    """
    wheel = place.put(demo().file(name, b"x"))

    with pytest.raises(UnsafeMemberError) as caught:
        unwheel.verify(wheel)

    assert str(caught.value).isprintable()
    assert name == caught.value.problems[0].member


def test_what_is_found_cannot_drive_the_terminal_either(place: Place):
    """
    A stranger's text in METADATA, WHEEL, RECORD or a link.
    """
    escape = "\x1b[31m"
    builds: list[Build] = [
        wheel_file(f"Wheel-Version: {escape}\n"),
        lambda b: b.info("METADATA", f"Name: {escape}\nVersion: 1\n"),
        lambda b: b.row(FIRST, digest=f"{escape}=abc"),
        lambda b: b.row(FIRST, size=escape),
        lambda b: b.more_rows(f"{escape},,"),
        lambda b: b.link("demo/l", f"{escape}/x"),
        lambda b: b.link("demo/l", "/etc").info(
            "METADATA",
            "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n"
            f"Author-email: {escape}\n",
        ),
    ]
    for build in builds:
        wheel = place.put(build(demo(PLATFORM_TAG)))
        with pytest.raises(UnwheelError) as caught:
            unwheel.verify(wheel)
        for problem in caught.value.problems:
            assert str(problem).isprintable()


# ------------------------------------------------------------------ the source


def test_a_wheel_that_is_missing(place: Place):
    """
    Our side: ENOENT.
    """
    with place.untouched(), pytest.raises(unwheel.SourceError) as caught:
        unwheel.extract(place.wheels / "demo-1.0-py3-none-any.whl", place.dest)

    assert ["ENOENT"] == [problem.code for problem in caught.value.problems]
    assert isinstance(caught.value, OSError)


@pytest.mark.parametrize("kind", ["directory", "FIFO", "device", "loop"])
@pytest.mark.skipif(os.name == "nt", reason="Windows has none of them")
def test_a_wheel_that_is_no_file(place: Place, kind: str):
    """
    Told at once: opening a FIFO must not wait for a writer.
    """
    wheel = place.wheels / "demo-1.0-py3-none-any.whl"
    if kind == "directory":
        wheel.mkdir()
    elif kind == "FIFO":
        os.mkfifo(wheel)
    elif kind == "device":
        wheel.symlink_to("/dev/zero")
    else:
        wheel.symlink_to(wheel.name)

    with place.untouched(), pytest.raises(unwheel.SourceError) as caught:
        unwheel.extract(wheel, place.dest)

    assert str(wheel) == caught.value.wheel


@pytest.mark.parametrize(
    "content",
    [b"", b"P", b"PK", b"PK\5\6", END[:-1], b"\0" * 22, b"hello" * 1000],
    ids=["empty", "P", "PK", "4", "21", "zeros", "text"],
)
def test_what_is_no_archive(place: Place, content: bytes):
    """
    Empty, short or something else.
    """
    wheel = place.wheels / "demo-1.0-py3-none-any.whl"
    wheel.write_bytes(content)

    with place.untouched(), pytest.raises(ArchiveError):
        unwheel.extract(wheel, place.dest)


def test_an_archive_without_members(place: Place):
    """
    A sound archive, and no wheel.
    """
    wheel = place.wheels / "demo-1.0-py3-none-any.whl"
    wheel.write_bytes(END)

    with place.untouched(), pytest.raises(InvalidWheelError):
        unwheel.extract(wheel, place.dest)


def cut(path: Path, length: int) -> None:
    """Cut the file short, as somebody else could."""
    with open(path, "r+b") as file:
        file.truncate(length)


def test_every_cut_of_a_wheel_is_refused(place: Place):
    """
    A download that broke off, at every byte.
    """
    content = demo().file("demo/x", b"x" * 100).build()
    wheel = place.wheels / "demo-1.0-py3-none-any.whl"

    wheel.write_bytes(content)

    with_less = []
    for length in reversed(range(len(content))):
        cut(wheel, length)
        try:
            unwheel.verify(wheel)
        except ArchiveError:
            continue
        with_less.append(length)

    assert [] == with_less


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("size", [100, 5 * MIB], ids=["small", "big"])
def test_a_wheel_cut_short_while_it_is_used(
    place: Place, size: int, threads: int
):
    """
    An error that says so: no crash, nothing left.
    """
    wheel = place.put(demo().file("zz", half_noise(size), method=STORED))
    threshold = wheel.stat().st_size // 4

    def on_event(event: object) -> None:
        if isinstance(event, unwheel.WheelPlanned):
            cut(wheel, threshold)

    with pytest.raises(unwheel.SourceError) as caught:
        unwheel.extract(wheel, place.dest, threads=threads, on_event=on_event)

    assert {"SOURCE_TRUNCATED"} == {p.code for p in caught.value.problems}
    assert [] == os.listdir(place.out)


def test_a_wheel_exchanged_while_it_is_used(place: Place):
    """
    What was judged is what is extracted: the open file, not the name.
    """
    wheel = place.put(demo().file("demo/x", half_noise(2 * MIB)))
    expected = files_of(wheel)

    def on_event(event: object) -> None:
        if isinstance(event, unwheel.WheelPlanned):
            evil = place.root / "evil"
            evil.write_bytes(demo().file("demo/x", b"evil").build())
            evil.replace(wheel)

    unwheel.extract(wheel, place.dest, on_event=on_event)

    assert expected == only_files(tree_of(place.dest))


@pytest.mark.parametrize("record", ["verify", "warn", "names"])
def test_a_record_changed_under_us(place: Place, record: str):
    """
    It has no digest, and a CRC-32 can be made to fit: it is still no other.
    """
    builder = demo()
    judged = builder.record_bytes()
    evil = with_crc(
        b"/etc/passwd,,\n".ljust(len(judged) - 4), zlib.crc32(judged)
    )
    wheel = place.put(builder.info("RECORD", judged, method=STORED))
    at = wheel.read_bytes().index(judged)

    def on_event(event: object) -> None:
        if isinstance(event, unwheel.WheelPlanned):
            with open(wheel, "r+b") as file:
                file.seek(at)
                file.write(evil)

    with pytest.raises(SourceError) as caught:
        unwheel.extract(
            wheel, place.dest, policy=Policy(record=record), on_event=on_event
        )

    assert [("CHANGED", f"{INFO}/RECORD")] == [
        (problem.code, problem.member) for problem in caught.value.problems
    ]
    assert [] == os.listdir(place.out)


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_a_wheel_changed_under_us(place: Place, algorithm: str):
    """
    Content that changes after it was judged is found by its digest.
    """
    builder = WheelBuilder("demo", "1.0", algorithm=algorithm)
    wheel = place.put(builder.file("x", half_noise(2 * MIB), method=STORED))

    def on_event(event: object) -> None:
        if isinstance(event, unwheel.WheelPlanned):
            with open(wheel, "r+b") as file:
                file.seek(MIB)
                file.write(b"evil")

    with pytest.raises(CorruptMemberError) as caught:
        unwheel.extract(wheel, place.dest, on_event=on_event)

    assert ["CRC32"] == [problem.code for problem in caught.value.problems]
    assert [] == os.listdir(place.out)
