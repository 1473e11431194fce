"""Repeats in a wheel become links; all else stays, bit for bit."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from binaries import elf, mach_o
from builder import WheelBuilder, digest_of
from places import PLATFORM_TAG, Place, noise, tree_of
from wheels import CORPUS, fetch

import unwheel
from unwheel.policy import LinkPolicy, Policy
from unwheel.relinking import relink
from unwheel.repeats import LinkGroup
from unwheel.zipsource import PackedArchive

(TBB,) = (wheel for wheel in CORPUS if wheel.project == "tbb")
LIBRARY = elf("libfoo.so.1", 5000)
LINKS = Policy(links=LinkPolicy.named("strict").replace(wheel2=True))
NAMES = ("pkg/libfoo.so", "pkg/libfoo.so.1", "pkg/libfoo.so.1.2")


def library_wheel(tag=PLATFORM_TAG):
    """
    A wheel with three copies of a library, as build backends make it.
    """
    wheel = WheelBuilder("demo", "1.0", tag)
    wheel.file("pkg/__init__.py", b"import os\n")
    for name in NAMES:
        wheel.file(name, LIBRARY, mode=0o755, dos_time=99)
    return wheel.file("pkg/data.txt", b"text " * 900, level=9)


def followed(root):
    """
    The files of a tree, links followed, but RECORD.
    """
    return {
        path.relative_to(root).as_posix(): (
            path.read_bytes(),
            os.access(path, os.X_OK),
        )
        for path in root.rglob("*")
        if path.is_file() and path.name != "RECORD"
    }


def codes(failure):
    """
    The reason codes of an error.
    """
    return [problem.code for problem in failure.value.problems]


def test_copies_become_links_to_the_most_versioned(place: Place):
    """
    One hop each, in the one tree that the original makes.
    """
    wheel = place.put(library_wheel())

    report = relink(wheel, place.out)

    unwheel.extract(wheel, place.root / "before")
    unwheel.extract(report.result, place.dest)
    assert (
        LinkGroup(
            real=NAMES[2],
            links=NAMES[:2],
            size=5000,
            packed_saved=report.groups[0].packed_saved,
            soname="libfoo.so.1",
        ),
    ) == report.groups
    assert followed(place.root / "before") == followed(place.dest)
    tree = tree_of(place.dest)
    assert "-> libfoo.so.1.2" == tree[NAMES[0]] == tree[NAMES[1]]


def test_all_else_is_bit_for_bit_the_same(place: Place):
    """
    Packed bytes, headers, order: only links and RECORD differ.
    """
    wheel = place.put(
        library_wheel()
        .file("pkg/x.py", b"x = 1\n" * 9, descriptor="signed")
        .file("pkg/t.py", b"t = 1\n" * 9, extra=[(0x5455, b"\1abcd")])
        .directory("pkg/empty/")
        .comment(b"hello")
    )

    report = relink(wheel, place.out)

    with PackedArchive(str(wheel)) as old, PackedArchive(report.result) as new:
        assert [m.name for m in old] == [m.name for m in new]
        assert old.comment == new.comment
        other = {*NAMES[:2], "demo-1.0.dist-info/RECORD"}
        for before, after in zip(old, new, strict=True):
            same = before.entry(0) == after.entry(0) and b"".join(
                old.raw(before)
            ) == b"".join(new.raw(after))
            assert same == (before.name not in other), before.name
            assert before.dos_time == after.dos_time


def test_only_the_rows_of_links_change(place: Place):
    """
    Order, spelling and line ends of RECORD stay.
    """
    rows = [
        f"pkg/__init__.py,{digest_of(b'import os')},9",
        f'"pkg/libfoo.so",{digest_of(LIBRARY)},',
        f"pkg/libfoo.so.1,{digest_of(LIBRARY, 'sha512')},5000",
        "demo-1.0.dist-info/RECORD,,",
    ]
    builder = WheelBuilder("demo", "1.0", PLATFORM_TAG)
    builder.file("pkg/__init__.py", b"import os")
    for name in NAMES[:2]:
        builder.file(name, LIBRARY)
    for name, make in (("METADATA", "_metadata"), ("WHEEL", "_wheel")):
        data = getattr(builder, make)()
        builder.info(name, data)
        rows.append(f"demo-1.0.dist-info/{name},{digest_of(data)},{len(data)}")
    wheel = place.put(builder.record("\r\n".join(rows)))

    report = relink(wheel, place.out)

    with zipfile.ZipFile(report.result) as archive:
        record = archive.read("demo-1.0.dist-info/RECORD").decode()
    target = b"libfoo.so.1"
    rows[1] = f"pkg/libfoo.so,{digest_of(target)},{len(target)}"
    assert "\r\n".join(rows) + "\r\n" == record


def test_tells_the_sizes(place: Place):
    """
    Of the archive and of its files, before and after.
    """
    wheel = place.put(library_wheel())

    report = relink(wheel, place.out)

    before, after = unwheel.verify(wheel), unwheel.verify(report.result)
    assert wheel.stat().st_size == report.archive_size
    assert os.path.getsize(report.result) == report.relinked_archive_size
    assert (before.size, after.size) == (report.size, report.relinked_size)
    assert 10_000 < report.size - report.relinked_size < 10_200
    with zipfile.ZipFile(wheel) as archive:
        packed = sum(archive.getinfo(n).compress_size for n in NAMES[:2])
    targets = 2 * len("libfoo.so.1.2")
    assert packed - targets == report.groups[0].packed_saved


def test_a_dry_run_tells_the_same_and_writes_nothing(place: Place):
    """
    With a place for the result, or without.
    """
    wheel = place.put(library_wheel())

    with place.untouched():
        dry = relink(wheel, place.out, dry_run=True).to_json()
        bare = relink(wheel, None, dry_run=True)
    told = relink(wheel, place.out).to_json()

    assert bare.result is None
    assert dry.pop("dry_run")
    assert not told.pop("dry_run")
    dry.pop("seconds")
    told.pop("seconds")
    assert told == dry


def test_the_report_is_json(place: Place):
    """
    With the keys of every report.
    """
    wheel = place.put(library_wheel())

    told = json.loads(json.dumps(relink(wheel, place.out).to_json()))

    assert ("relink", "ok", 1) == (
        told["action"],
        told["status"],
        told["format"],
    )
    assert [{"links", "packed_saved", "real", "size", "soname"}] == [
        set(group) for group in told["groups"]
    ]
    assert list(NAMES[:2]) == told["groups"][0]["links"]


# --------------------------------------------------------- what is one


def test_mach_o_libraries_are_named(place: Place):
    """
    By their install names.
    """
    library = mach_o("@rpath/libfoo.1.dylib", 5000)
    wheel = place.put(
        WheelBuilder("demo", "1.0", "py3-none-macosx_11_0_arm64")
        .file("pkg/libfoo.dylib", library)
        .file("pkg/libfoo.1.dylib", library)
    )

    (group,) = relink(wheel, place.out).groups

    assert "@rpath/libfoo.1.dylib" == group.soname
    assert "pkg/libfoo.1.dylib" == group.real


def test_links_across_folders_are_relative(place: Place):
    """
    Up, and down again.
    """
    data = noise(5000)
    wheel = place.put(
        WheelBuilder("demo", "1.0", PLATFORM_TAG)
        .file("a/b/x.bin", data)
        .file("a/c/d/y.bin", data)
        .file("z.bin", data)
    )

    report = relink(wheel, place.out)

    unwheel.extract(report.result, place.dest)
    tree = tree_of(place.dest)
    assert "-> ../../b/x.bin" == tree["a/c/d/y.bin"]
    assert "-> a/b/x.bin" == tree["z.bin"]
    assert [None] == [group.soname for group in report.groups]


def test_leaves_alone_what_is_not_one(place: Place):
    """
    Other places of installing, scripts, metadata, modes, small files.
    """
    data = noise(5000)
    wheel = place.put(
        WheelBuilder("demo", "1.0", PLATFORM_TAG)
        .file("pkg/a", data)
        .file("pkg/run", data, mode=0o755)
        .file("demo-1.0.data/data/a", data)
        .file("demo-1.0.data/purelib/a", data)
        .file("demo-1.0.data/scripts/a", data)
        .file("demo-1.0.data/scripts/b", data)
        .file("demo-1.0.dist-info/licenses/a", data)
        .file("pkg/small1", data[:4095])
        .file("pkg/small2", data[:4095])
    )

    report = relink(wheel, place.out)

    assert () == report.groups
    assert wheel.read_bytes() == Path(report.result).read_bytes()


def test_links_within_one_key_of_data(place: Place):
    """
    All of it is installed to one place.
    """
    data = noise(5000)
    wheel = place.put(
        WheelBuilder("demo", "1.0", PLATFORM_TAG)
        .file("demo-1.0.data/data/lib/a.so", data)
        .file("demo-1.0.data/data/lib/a.so.1", data)
    )

    (group,) = relink(wheel, place.out).groups

    assert "demo-1.0.data/data/lib/a.so.1" == group.real
    assert ("demo-1.0.data/data/lib/a.so",) == group.links


def test_the_smallest_size_can_be_chosen(place: Place):
    """
    In bytes; nothing is linked that has none.
    """
    wheel = place.put(
        WheelBuilder("demo", "1.0", PLATFORM_TAG)
        .file("a", b"xx")
        .file("b", b"xx")
        .file("c", b"")
        .file("d", b"")
    )

    (group,) = relink(wheel, place.out, min_size=1).groups

    assert ("a", ("b",)) == (group.real, group.links)


def test_adds_to_the_links_of_a_wheel(place: Place):
    """
    A link that is there stays, and leads to the same content.
    """
    wheel = place.put(library_wheel().link("pkg/old.so", "libfoo.so"))

    report = relink(wheel, place.out)

    unwheel.extract(report.result, place.dest)
    assert "-> libfoo.so" == tree_of(place.dest)["pkg/old.so"]
    assert LIBRARY == (place.dest / "pkg/old.so").read_bytes()


# ------------------------------------------------------------ links-file


def test_links_file_is_of_version_2(place: Place):
    """
    LINKS, Wheel-Version in WHEEL and METADATA, .whlx, stored metadata.
    """
    wheel = place.put(library_wheel())

    report = relink(wheel, place.out, encoding="links-file")

    assert str(place.out / wheel.name) + "x" == report.result
    info = "demo-1.0.dist-info/"
    with zipfile.ZipFile(report.result) as archive:
        names = archive.namelist()
        assert (
            f"{NAMES[0]},{NAMES[2]}\n{NAMES[1]},{NAMES[2]}\n".encode()
            == archive.read(info + "LINKS")
        )
        assert b"\nWheel-Version: 2.0\n" in archive.read(info + "METADATA")
        assert archive.read(info + "WHEEL").startswith(b"Wheel-Version: 2.0\n")
        stored = {
            entry.compress_type
            for entry in archive.infolist()
            if entry.filename.startswith(info)
        }
        record = archive.read(info + "RECORD").decode()
    assert {0} == stored
    assert [info + "LINKS", info + "RECORD"] == names[-2:]
    assert set(NAMES).intersection(names) == {NAMES[2]}
    listed = {row.split(",")[0] for row in record.splitlines()}
    assert set(names) == listed
    assert (
        report.relinked_size
        == unwheel.verify(report.result, policy=LINKS).size
    )


def test_links_file_makes_the_same_tree(place: Place):
    """
    But for the metadata, which says so.
    """
    wheel = place.put(library_wheel())

    report = relink(wheel, place.out, encoding="links-file")

    unwheel.extract(wheel, place.root / "before")
    unwheel.extract(report.result, place.dest, policy=LINKS)
    before, after = followed(place.root / "before"), followed(place.dest)
    changed = {name for name in after if before.get(name) != after[name]}
    info = "demo-1.0.dist-info/"
    assert {info + n for n in ("LINKS", "METADATA", "WHEEL")} == changed
    assert before.keys() < after.keys()
    assert "-> libfoo.so.1.2" == tree_of(place.dest)[NAMES[0]]


def test_links_file_cannot_tell_of_data(place: Place):
    """
    So these files stay as they are, and the report says so.
    """
    data = noise(5000)
    wheel = place.put(
        WheelBuilder("demo", "1.0", PLATFORM_TAG)
        .file("demo-1.0.data/data/a", data)
        .file("demo-1.0.data/data/b", data)
    )

    report = relink(wheel, place.out, encoding="links-file")

    assert [("LINKS_SCHEME", "demo-1.0.data/data/b")] == [
        (warning.code, warning.member) for warning in report.warnings
    ]
    assert str(place.out / wheel.name) == report.result
    assert wheel.read_bytes() == Path(report.result).read_bytes()


@pytest.mark.parametrize("what", ["link", "LINKS"])
def test_links_file_refuses_a_wheel_with_links(place: Place, what):
    """
    Both encodings in one wheel would have to say the same.
    """
    builder = library_wheel()
    if what == "link":
        builder.link("pkg/x", "data.txt")
    else:
        builder.info("LINKS", "pkg/x,pkg/data.txt\n")
    wheel = place.put(builder)

    with (
        place.untouched(),
        pytest.raises(unwheel.InvalidWheelError) as failure,
    ):
        relink(wheel, place.out, encoding="links-file")

    assert ["LINKS_CONFLICT"] == codes(failure)


# --------------------------------------------------------------- refusals


def test_offers_no_knob_that_it_does_not_have(place: Place):
    """
    What extract would accept, relink has no option for.
    """
    wheel = place.put(library_wheel().link("foo/bad", "/etc/passwd"))

    with pytest.raises(unwheel.UnsafeMemberError) as failure:
        relink(wheel, place.out)

    assert ["ABSOLUTE"] == codes(failure)
    assert [None] == [p.accept for p in failure.value.problems]


@pytest.mark.parametrize("encoding", ["zip", "links-file"])
@pytest.mark.parametrize(
    ("tag", "code"),
    [
        ("py3-none-any", "ANY_TAG"),
        ("cp311-cp311-win_amd64", "WINDOWS_TAG"),
    ],
)
def test_refuses_wheels_that_may_have_no_links(
    place: Place, tag, code, encoding
):
    """
    Strict readers would refuse the result.
    """
    wheel = place.put(library_wheel(tag))

    with (
        place.untouched(),
        pytest.raises(unwheel.InvalidWheelError) as failure,
    ):
        relink(wheel, place.out, encoding=encoding)

    assert [code] == codes(failure)
    assert str(wheel) == failure.value.wheel


def test_the_tags_in_wheel_count_too(place: Place):
    """
    A file can be renamed.
    """
    text = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    wheel = place.put(library_wheel().info("WHEEL", text))

    with pytest.raises(unwheel.InvalidWheelError) as failure:
        relink(wheel, place.out)

    assert ["ANY_TAG"] == codes(failure)


def test_offers_nothing_that_only_readers_have(place: Place):
    """
    record="warn" would accept the wheel; but it is verified here.
    """
    wheel = place.put(library_wheel().more_rows("pkg/none.py,,"))

    with place.untouched(), pytest.raises(unwheel.UnwheelError) as failure:
        relink(wheel, place.out)
    with pytest.raises(unwheel.UnwheelError) as of_a_reader:
        unwheel.verify(wheel)

    assert {None} == {p.accept for p in failure.value.problems}
    assert {None} != {p.accept for p in of_a_reader.value.problems}


@pytest.mark.parametrize("name", ["RECORD.jws", "RECORD.p7s"])
def test_refuses_signed_wheels(place: Place, name):
    """
    The signature is one of the RECORD that would change.
    """
    wheel = place.put(library_wheel().info(name, b"signature"))

    with (
        place.untouched(),
        pytest.raises(unwheel.InvalidWheelError) as failure,
    ):
        relink(wheel, place.out)

    assert ["SIGNED"] == codes(failure)


def test_refuses_wheels_that_are_not_verified(place: Place):
    """
    A copy could be one of what nobody ever meant.
    """
    wheel = place.put(library_wheel().row("pkg/data.txt", size=1))

    with place.untouched(), pytest.raises(unwheel.RecordError):
        relink(wheel, place.out)


@pytest.mark.parametrize("dry_run", [False, True])
def test_refuses_a_result_that_is_there(place: Place, dry_run):
    """
    Beside the wheel itself, for instance.
    """
    wheel = place.put(library_wheel())

    with (
        place.untouched(),
        pytest.raises(unwheel.DestinationError) as failure,
    ):
        relink(wheel, place.wheels, dry_run=dry_run)

    assert ["DESTINATION_EXISTS"] == codes(failure)


@pytest.mark.parametrize(
    "arguments",
    [{"encoding": "tar"}, {"min_size": 0}, {"out": None}],
    ids=str,
)
def test_refuses_arguments_that_mean_nothing(place: Place, arguments):
    """
    The caller's own mistakes are no errors of a wheel.
    """
    wheel = place.put(library_wheel())

    with place.untouched(), pytest.raises(TypeError):
        relink(wheel, **{"out": place.out, **arguments})


def test_notices_a_wheel_that_changes_meanwhile(place: Place, monkeypatch):
    """
    What is read back must be what was verified, or it gets no name.
    """
    wheel = place.put(library_wheel())
    other = library_wheel().file("pkg/more.txt", b"more")
    data = other.build().replace(b"pkg/data.txt", b"pkg/atad.txt")
    read = unwheel.relinking.PackedArchive

    def swapped(path):
        Path(path).write_bytes(data)
        return read(path)

    monkeypatch.setattr(unwheel.relinking, "PackedArchive", swapped)

    with pytest.raises(unwheel.UnwheelError):
        relink(wheel, place.out)

    assert [] == list(place.out.iterdir())


# ------------------------------------------------------------ other readers


@pytest.mark.parametrize(
    "command",
    [["unzip", "-q"], ["bsdtar", "-xf"], ["7z", "x", "-y"]],
    ids=lambda command: command[0],
)
def test_other_readers_make_the_same_links(place: Place, command):
    """
    The real unpackers, which know the convention of Info-ZIP.
    """
    program = shutil.which(command[0])
    assert program is not None, f"needs {command[0]}"
    report = relink(place.put(library_wheel()), place.out)
    unwheel.extract(report.result, place.dest)
    theirs = place.root / "theirs"
    theirs.mkdir()

    subprocess.run(
        [program, *command[1:], report.result],
        cwd=theirs,
        check=True,
        capture_output=True,
    )

    ours, made = tree_of(place.dest), tree_of(theirs)
    ours.pop("demo-1.0.dist-info/RECORD")
    made.pop("demo-1.0.dist-info/RECORD")
    assert made == ours


def test_zipfile_reads_the_result(place: Place):
    """
    Every CRC-32 is right.
    """
    report = relink(place.put(library_wheel()), place.out)

    done = subprocess.run(
        [sys.executable, "-m", "zipfile", "-t", report.result],
        capture_output=True,
        check=True,
    )

    assert b"Done testing" in done.stdout


@pytest.mark.wheels
def test_relinks_a_published_wheel(place: Place):
    """
    tbb stores each of its six libraries three times.
    """
    wheel = fetch(TBB)

    report = relink(wheel, place.out)

    unwheel.extract(wheel, place.root / "before")
    unwheel.extract(report.result, place.dest)
    assert followed(place.root / "before") == followed(place.dest)
    assert [2] * 6 == [len(group.links) for group in report.groups]
    assert all(group.soname in group.real for group in report.groups)
    assert report.relinked_archive_size * 2 < report.archive_size
    assert report.relinked_size * 2 < report.size
