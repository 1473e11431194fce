"""Destinations: all or nothing, whatever is there and whatever fails."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from builder import digest_of
from places import (
    PLATFORM_TAG,
    Place,
    demo,
    files_of,
    half_noise,
    only_files,
    snapshot,
    tree_of,
)

import unwheel
from unwheel import DestinationError, MismatchError, Policy, private
from unwheel.native import Tree
from unwheel.private import remove_stale
from unwheel.staging import Staging

MIB = 1 << 20

REPLACE = Policy(existing="replace")

posix_only = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows has no such thing"
)
linux_only = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="needs Linux's mounts"
)

STALE = ".unwheel-0123456789abcdef"


def codes(error: unwheel.UnwheelError) -> list[str]:
    """The reason codes of *error*."""
    return [problem.code for problem in error.problems]


def fill(directory: Path) -> Path:
    """A tree that somebody had there before."""
    (directory / "old/sub").mkdir(parents=True)
    (directory / "old/sub/file").write_bytes(b"old")
    (directory / ".hidden").write_bytes(b"old")
    (directory / "link").symlink_to("old")
    return directory


# -------------------------------------------------------------- destinations


def test_no_name_is_not_the_current_directory(
    place: Place, monkeypatch: pytest.MonkeyPatch
):
    """
    A shell's variable that is not set must not fill, or replace, what is here.
    """
    monkeypatch.chdir(place.out)

    with pytest.raises(DestinationError) as caught:
        unwheel.extract(place.put(demo()), "", policy=REPLACE)

    assert ["ENOENT"] == codes(caught.value)
    assert [] == os.listdir(place.out)


@pytest.mark.parametrize("where", [".", "..", "../old"])
def test_the_current_directory_is_not_replaced(
    place: Place, monkeypatch: pytest.MonkeyPatch, where: str
):
    """
    Nor is one above it: all that is there would be gone.
    """
    monkeypatch.chdir(fill(place.dest) / "old")
    before = snapshot(place.out)

    with pytest.raises(DestinationError) as caught:
        unwheel.extract(place.put(demo()), where, policy=REPLACE)

    assert ["DESTINATION_CURRENT"] == codes(caught.value)
    assert before == snapshot(place.out)


def test_a_missing_destination_is_made(place: Place):
    """
    One rename, and nothing is left beside it.
    """
    wheel = place.put(demo())

    report = unwheel.extract(wheel, place.dest)

    assert "rename" == report.publishing
    assert ["tree"] == os.listdir(place.out)
    assert files_of(wheel) == only_files(tree_of(place.dest))


def test_missing_parents_are_made(place: Place):
    """
    As many as there are, with the modes of new directories.
    """
    wheel = place.put(demo())

    unwheel.extract(wheel, place.out / "a/b/c/tree")

    assert files_of(wheel) == only_files(tree_of(place.out / "a/b/c/tree"))
    plain = place.out / "plain"
    plain.mkdir()
    expected = plain.stat().st_mode
    for name in ("a", "a/b", "a/b/c", "a/b/c/tree"):
        assert expected == (place.out / name).stat().st_mode


def test_an_empty_directory_is_replaced(place: Place):
    """
    By the rename itself; it keeps its mode.
    """
    wheel = place.put(demo())
    place.dest.mkdir(mode=0o700)
    place.dest.chmod(0o2750)

    report = unwheel.extract(wheel, place.dest)

    assert "rename" == report.publishing
    assert 0o2750 == stat.S_IMODE(place.dest.stat().st_mode)
    assert files_of(wheel) == only_files(tree_of(place.dest))


def test_what_is_there_is_refused(place: Place):
    """
    A directory with something in it, be it hidden, is left alone.
    """
    wheel = place.put(demo())
    place.dest.mkdir()
    (place.dest / ".hidden").touch()

    with place.untouched(), pytest.raises(DestinationError) as caught:
        unwheel.extract(wheel, place.dest)

    assert ["DESTINATION_EXISTS"] == codes(caught.value)
    assert errno.EEXIST == caught.value.errno
    assert 'existing="replace"' == caught.value.problems[0].accept
    assert str(place.dest) in str(caught.value)


def test_replacing_takes_the_whole_place(place: Place):
    """
    Nothing of the old tree is left, there or beside it.
    """
    wheel = place.put(demo())
    fill(place.dest)

    report = unwheel.extract(wheel, place.dest, policy=REPLACE)

    assert "exchange" == report.publishing
    assert files_of(wheel) == only_files(tree_of(place.dest))
    assert not {"old", ".hidden", "link"} & set(os.listdir(place.dest))
    assert ["tree"] == os.listdir(place.out)


def test_replacing_follows_no_link_of_the_old_tree(place: Place):
    """
    What the old tree's links lead to is not the old tree.
    """
    wheel = place.put(demo())
    fill(place.out / "precious")
    place.dest.mkdir()
    (place.dest / "way out").symlink_to(place.out / "precious")
    before = snapshot(place.out / "precious")

    unwheel.extract(wheel, place.dest, policy=REPLACE)

    assert before == snapshot(place.out / "precious")


@pytest.mark.parametrize("there", ["missing", "empty"])
def test_replacing_nothing_is_a_plain_rename(place: Place, there: str):
    """
    The policy allows to replace; it does not ask for something to be there.
    """
    wheel = place.put(demo())
    if there == "empty":
        place.dest.mkdir()

    report = unwheel.extract(wheel, place.dest, policy=REPLACE)

    assert "rename" == report.publishing


@pytest.mark.parametrize("kind", ["before", "while writing"])
def test_a_failed_replacement_leaves_the_old_tree(place: Place, kind: str):
    """
    Refused before or while writing: the old tree is as it was.
    """
    builder = demo().file("demo/big", half_noise(3 * MIB))
    if kind == "before":
        builder.file("../evil", b"x")
    else:
        builder.row("demo/big", digest=digest_of(b"else"))
    wheel = place.put(builder)
    fill(place.dest)

    with place.untouched(), pytest.raises(unwheel.UnwheelError):
        unwheel.extract(wheel, place.dest, policy=REPLACE)


@pytest.mark.parametrize("policy", [Policy(), REPLACE], ids=["new", "replace"])
@pytest.mark.parametrize("kind", ["file", "link to file", "dangling", "FIFO"])
@posix_only
def test_what_is_no_directory_is_refused(
    place: Place, kind: str, policy: Policy
):
    """
    No policy replaces a file, or follows a link to nowhere.
    """
    wheel = place.put(demo())
    if kind == "file":
        place.dest.write_bytes(b"precious")
    elif kind == "link to file":
        (place.out / "file").write_bytes(b"precious")
        place.dest.symlink_to("file")
    elif kind == "dangling":
        place.dest.symlink_to("nowhere")
    else:
        os.mkfifo(place.dest)

    with place.untouched(), pytest.raises(DestinationError) as caught:
        unwheel.extract(wheel, place.dest, policy=policy)

    assert ["DESTINATION_EXISTS"] == codes(caught.value)
    assert None is caught.value.problems[0].accept


@posix_only
def test_a_link_to_a_directory_stands_for_it(place: Place):
    """
    The link stays a link; the tree is where it leads to.
    """
    wheel = place.put(demo())
    (place.out / "real").mkdir()
    place.dest.symlink_to("real")

    report = unwheel.extract(wheel, place.dest)

    assert "real" == os.readlink(place.dest)
    assert str(place.out / "real") == report.destination
    assert files_of(wheel) == only_files(tree_of(place.out / "real"))


@posix_only
def test_a_link_to_a_full_directory_is_refused_as_that(place: Place):
    """
    A link is no way around "refuse".
    """
    wheel = place.put(demo())
    fill(place.out / "real")
    place.dest.symlink_to("real")

    with place.untouched(), pytest.raises(DestinationError):
        unwheel.extract(wheel, place.dest)


def test_a_file_as_a_parent_is_refused(place: Place):
    """
    Nothing can be below a file.
    """
    wheel = place.put(demo())
    (place.out / "file").write_bytes(b"precious")

    with place.untouched(), pytest.raises(DestinationError) as caught:
        unwheel.extract(wheel, place.out / "file/tree")

    assert ["DESTINATION_EXISTS"] == codes(caught.value)


def test_parents_that_were_made_are_removed_again(place: Place):
    """
    A wheel that turns out wrong leaves not even an empty directory.
    """
    wheel = place.put(
        demo().row("demo/__init__.py", digest=digest_of(b"else"))
    )

    with place.untouched(), pytest.raises(MismatchError):
        unwheel.extract(wheel, place.out / "a/b/c/tree")


def test_parents_that_others_use_stay(place: Place):
    """
    A parent that was made here, and where somebody else has put something.
    """
    stage = Staging(str(place.out / "a/b/tree"))
    stage.make()
    (place.out / "a/theirs").touch()

    stage.discard()

    assert {"a": None, "a/theirs": b""} == tree_of(place.out)


def test_somebody_else_is_faster(place: Place):
    """
    What came into being at the destination meanwhile is not replaced.
    """
    wheel = place.put(demo())

    def on_event(event: object) -> None:
        if isinstance(event, unwheel.WheelPlanned):
            fill(place.dest)

    with pytest.raises(DestinationError):
        unwheel.extract(wheel, place.dest, on_event=on_event)

    assert b"old" == (place.dest / "old/sub/file").read_bytes()
    assert ["tree"] == os.listdir(place.out)


@posix_only
def test_a_destination_that_becomes_a_link_is_not_followed(place: Place):
    """
    Swapped for a link between the look and the rename.
    """
    wheel = place.put(demo())
    fill(place.out / "precious")
    before = snapshot(place.out / "precious")

    def on_event(event: object) -> None:
        if isinstance(event, unwheel.WheelPlanned):
            place.dest.symlink_to("precious")

    with pytest.raises(DestinationError):
        unwheel.extract(wheel, place.dest, on_event=on_event)

    assert before == snapshot(place.out / "precious")
    assert ["precious", "tree"] == sorted(os.listdir(place.out))


def test_the_current_directory_is_filled_in_place(
    place: Place, monkeypatch: pytest.MonkeyPatch
):
    """
    A rename would leave the shell in a directory that is gone.
    """
    wheel = place.put(demo())
    place.dest.mkdir()
    monkeypatch.chdir(place.dest)
    inode = place.dest.stat().st_ino

    report = unwheel.extract(wheel, ".")

    assert "in-place" == report.publishing
    assert inode == place.dest.stat().st_ino
    assert files_of(wheel) == only_files(tree_of(place.dest))


def test_a_private_directory_while_it_is_made(place: Place):
    """
    Nobody else can look into, or reach, what is not verified yet.
    """
    stage = Staging(str(place.dest))
    stage.make()

    mode = stat.S_IMODE(os.stat(stage.path).st_mode)
    stage.discard()

    assert 0o700 == mode


# ------------------------------------------------------------------ in place


def test_a_mount_point_is_filled_in_place(
    place: Place, monkeypatch: pytest.MonkeyPatch
):
    """
    It cannot be renamed: names move in one by one, and the report says so.
    """
    wheel = place.put(demo(PLATFORM_TAG).directory("e/").link("l", "demo"))
    place.dest.mkdir()
    monkeypatch.setattr(os.path, "ismount", lambda p: p == str(place.dest))

    report = unwheel.extract(wheel, place.dest)

    assert "in-place" == report.publishing
    assert "-> demo" == tree_of(place.dest)["l"]
    assert {"demo", "demo-1.0.dist-info", "e", "l"} == set(
        os.listdir(place.dest)
    )


def test_in_place_is_all_or_nothing_while_we_live(
    place: Place, monkeypatch: pytest.MonkeyPatch
):
    """
    If a name comes into being meanwhile, those that were moved go back.
    """
    wheel = place.put(demo().file("zebra.py", b"z"))
    place.dest.mkdir()
    monkeypatch.setattr(os.path, "ismount", lambda p: p == str(place.dest))

    def on_event(event: object) -> None:
        if isinstance(event, unwheel.WheelPlanned):
            (place.dest / "zebra.py").write_bytes(b"theirs")

    with pytest.raises(DestinationError) as caught:
        unwheel.extract(wheel, place.dest, on_event=on_event)

    assert ["EEXIST"] == codes(caught.value)
    assert {"zebra.py": b"theirs"} == tree_of(place.dest)


def test_metadata_comes_last_in_place(
    place: Place, monkeypatch: pytest.MonkeyPatch
):
    """
    Whoever finds the .dist-info finds the rest.
    """
    wheel = place.put(demo().file("zebra.py", b"z"))
    place.dest.mkdir()
    monkeypatch.setattr(os.path, "ismount", lambda p: p == str(place.dest))
    moved = []
    publish = Tree.publish

    def spy(tree: Tree, old: str, new: str, *, exchange: bool = False) -> None:
        moved.append(new)
        publish(tree, old, new, exchange=exchange)

    monkeypatch.setattr(Tree, "publish", spy)

    unwheel.extract(wheel, place.dest)

    assert ["demo", "zebra.py", "demo-1.0.dist-info"] == moved


@contextlib.contextmanager
def mounted(*arguments: str, on: Path) -> Iterator[None]:
    """Something mounted, if this process may do that."""
    done = subprocess.run(
        ["mount", *arguments, str(on)], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip("this process may not mount")
    try:
        yield
    finally:
        subprocess.run(["umount", str(on)], check=True)


@linux_only
@pytest.mark.parametrize("kind", ["tmpfs", "bind"])
def test_a_real_mount_point_is_filled_in_place(place: Place, kind: str):
    """
    Another file system, or a directory of this one bound to a second place.
    """
    wheel = place.put(demo())
    place.dest.mkdir()
    (place.out / "bound").mkdir()
    arguments = (
        ["-t", "tmpfs", "tmpfs"]
        if kind == "tmpfs"
        else ["--bind", str(place.out / "bound")]
    )

    with mounted(*arguments, on=place.dest):
        report = unwheel.extract(wheel, place.dest)
        tree = tree_of(place.dest)

    assert "in-place" == report.publishing
    assert files_of(wheel) == only_files(tree)


@linux_only
def test_a_full_mount_point_is_not_replaced(place: Place):
    """
    The system refuses to rename it; the tree in it stays.
    """
    wheel = place.put(demo())
    place.dest.mkdir()

    with mounted("-t", "tmpfs", "tmpfs", on=place.dest):
        fill(place.dest)
        with place.untouched(), pytest.raises(DestinationError):
            unwheel.extract(wheel, place.dest, policy=REPLACE)


# ------------------------------------------------------------------ no space


@linux_only
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("big", [True, False], ids=["one big", "many"])
def test_a_disk_that_fills_up_is_one_clear_error(
    place: Place, monkeypatch: pytest.MonkeyPatch, big: bool, threads: int
):
    """
    Somebody else took the space after we had looked: nothing is left.
    """
    builder = demo()
    if big:
        builder.file("demo/big", half_noise(6 * MIB))
    else:
        for k in range(60):
            builder.file(f"demo/{k}", half_noise(100_000, k))
    wheel = place.put(builder)
    small = place.out / "small"
    small.mkdir()
    monkeypatch.setattr("unwheel.engine.check_space", lambda *_: None)

    with (
        mounted("-t", "tmpfs", "-o", "size=2m", "tmpfs", on=small),
        place.untouched(),
        pytest.raises(DestinationError) as caught,
    ):
        unwheel.extract(wheel, small / "tree", threads=threads)

    assert errno.ENOSPC == caught.value.errno
    assert "ENOSPC" == caught.value.problems[0].code
    assert caught.value.problems[0].member.startswith("demo/")
    assert isinstance(caught.value, OSError)


@linux_only
def test_too_little_space_is_refused_before_writing(place: Place):
    """
    The size is known, and so is the space.
    """
    wheel = place.put(demo().file("demo/big", half_noise(6 * MIB)))
    small = place.out / "small"
    small.mkdir()

    with (
        mounted("-t", "tmpfs", "-o", "size=2m", "tmpfs", on=small),
        place.untouched(),
        pytest.raises(DestinationError) as caught,
    ):
        unwheel.extract(wheel, small / "tree")

    assert ["ENOSPC"] == codes(caught.value)
    assert None is caught.value.problems[0].member
    assert "bytes free" in str(caught.value)


@posix_only
def test_a_file_size_limit_is_our_side(place: Place):
    """
    EFBIG (here by RLIMIT_FSIZE) is told with the member.
    """
    wheel = place.put(demo().file("demo/big", half_noise(3 * MIB)))
    script = (
        "import resource, signal, sys, unwheel\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))\n"
        "try:\n"
        "    unwheel.extract(sys.argv[1], sys.argv[2])\n"
        "except unwheel.DestinationError as error:\n"
        "    print(error.errno, error.problems[0].member)\n"
    )

    with place.untouched():
        done = run_python(script, str(wheel), str(place.dest))

    assert f"{errno.EFBIG} demo/big\n" == done


# --------------------------------------------------------------- permissions


def run_python(script: str, *arguments: str) -> str:
    """What *script* prints in an interpreter of its own."""
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "" == done.stderr
    assert 0 == done.returncode
    return done.stdout


NOBODY = 65534

AS_NOBODY = f"""
import os, sys
from unwheel import Policy, UnwheelError, extract
from unwheel import faults, merge, report  # while they can be read
import struct
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid({NOBODY})
    os.setuid({NOBODY})
try:
    report = extract(sys.argv[1], sys.argv[2])
    print(report.publishing)
except UnwheelError as error:
    print(type(error).__name__, error.errno, error.problems[0].code)
"""


@pytest.fixture
def open_place(place: Place) -> Place:
    """A place that everybody can reach."""
    for directory in [place.root, *place.root.parents]:
        if directory.owner() == place.root.owner():
            directory.chmod(directory.stat().st_mode | 0o711)
        if not str(directory.parent).startswith("/tmp/"):
            break
    place.wheels.chmod(0o755)
    return place


def nobody_owns(path: Path) -> None:
    """Give *path* to the user as whom the script runs."""
    if os.geteuid() == 0:
        os.chown(path, NOBODY, NOBODY)


@posix_only
def test_a_parent_that_may_not_be_written_is_told(open_place: Place):
    """
    EACCES, and nothing has changed.
    """
    wheel = open_place.put(demo())
    open_place.out.chmod(0o555)

    with open_place.untouched():
        done = run_python(AS_NOBODY, str(wheel), str(open_place.dest))

    assert f"DestinationError {errno.EACCES} EACCES\n" == done


@posix_only
def test_an_own_directory_in_a_foreign_one_is_filled_in_place(
    open_place: Place,
):
    """
    The parent may not be written, the empty destination may.
    """
    wheel = open_place.put(demo())
    open_place.dest.mkdir()
    nobody_owns(open_place.dest)
    open_place.out.chmod(0o555)

    done = run_python(AS_NOBODY, str(wheel), str(open_place.dest))

    assert "in-place\n" == done
    assert files_of(wheel) == only_files(tree_of(open_place.dest))


@posix_only
def test_an_old_tree_that_is_read_only_is_removed(open_place: Place):
    """
    Some tools write-protect what they install; it is ours all the same.
    """
    wheel = open_place.put(demo())
    fill(open_place.dest)
    nobody_owns(open_place.out)
    for path in [open_place.dest, *open_place.dest.rglob("*")]:
        if not path.is_symlink():
            nobody_owns(path)
            path.chmod(0o555)
    script = AS_NOBODY.replace(
        "argv[2])", "argv[2], policy=Policy(existing='replace'))"
    )

    done = run_python(script, str(wheel), str(open_place.dest))

    assert "exchange\n" == done
    assert ["tree"] == os.listdir(open_place.out)


@posix_only
def test_a_wheel_that_may_not_be_read_is_told(open_place: Place):
    """
    Our side, and not the destination.
    """
    wheel = open_place.put(demo())
    wheel.chmod(0)

    with open_place.untouched():
        done = run_python(AS_NOBODY, str(wheel), str(open_place.dest))

    assert f"SourceError {errno.EACCES} EACCES\n" == done


# ----------------------------------------------------------- what stays behind


def stale(parent: Path, name: str = STALE) -> Path:
    """What a process that died left in *parent*."""
    path = parent / name
    (path / "demo/sub").mkdir(parents=True)
    (path / "demo/sub/file").write_bytes(b"half")
    (path / "demo/link").symlink_to("sub")
    path.chmod(0o700)
    return path


def test_the_staging_of_the_dead_is_removed(place: Place):
    """
    All of it, and told.
    """
    path = stale(place.out)

    removed = remove_stale(str(place.out))

    assert [str(path)] == removed
    assert [] == os.listdir(place.out)


def test_the_staging_of_the_living_is_left(place: Place):
    """
    Its lock says that somebody is at work.
    """
    stage = Staging(str(place.dest))
    stage.make()
    path = stage.path

    removed = remove_stale(str(place.out))

    assert [] == removed
    assert os.path.isdir(path)
    stage.discard()


@posix_only
def test_the_staging_of_another_process_is_left_until_it_dies(place: Place):
    """
    The lock goes with the process, however it goes.
    """
    script = (
        "import sys, unwheel.staging as s\n"
        "stage = s.Staging(sys.argv[1])\n"
        "stage.make()\n"
        "print(stage.path, flush=True)\n"
        "sys.stdin.read()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(place.dest)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    path = process.stdout.readline().strip()

    living = remove_stale(str(place.out))
    process.kill()
    process.communicate()
    dead = remove_stale(str(place.out))

    assert [] == living
    assert [path] == dead


@pytest.mark.parametrize(
    "name",
    [
        ".unwheel",
        ".unwheel-",
        ".unwheel-0123456789abcde",
        ".unwheel-0123456789abcdef0",
        ".unwheel-0123456789ABCDEF",
        ".unwheel-0123456789abcdeg",
        ".unwheel-0123456789abcdef\n",
        "unwheel-0123456789abcdef",
        ".Unwheel-0123456789abcdef",
    ],
)
def test_similar_names_are_left(tmp_path: Path, name: str):
    """
    Only a name that we could have chosen is ours.
    """
    path = stale(tmp_path, name)

    assert [] == remove_stale(str(tmp_path))
    assert (path / "demo/sub/file").exists()


@posix_only
def test_a_link_with_the_name_of_a_staging_is_left(tmp_path: Path):
    """
    Following it would remove what somebody points at.
    """
    precious = fill(tmp_path / "precious")
    (tmp_path / STALE).symlink_to(precious)
    before = snapshot(tmp_path)

    assert [] == remove_stale(str(tmp_path))
    assert before == snapshot(tmp_path)


@posix_only
def test_a_link_inside_a_staging_is_not_followed(tmp_path: Path):
    """
    Links to files, to directories and to nowhere: the links go, no more.
    """
    precious = fill(tmp_path / "precious")
    path = stale(tmp_path)
    (path / "out").symlink_to(precious)
    (path / "demo/out").symlink_to(precious / ".hidden")
    (path / "nowhere").symlink_to("/nowhere/at/all")
    before = snapshot(precious)

    assert [str(path)] == remove_stale(str(tmp_path))
    assert before == snapshot(precious)


def test_a_file_with_the_name_of_a_staging_is_left(tmp_path: Path):
    """
    We make directories.
    """
    (tmp_path / STALE).write_bytes(b"precious")
    before = snapshot(tmp_path)

    assert [] == remove_stale(str(tmp_path))
    assert before == snapshot(tmp_path)


@posix_only
@pytest.mark.skipif(
    hasattr(os, "geteuid") and os.geteuid() != 0, reason="needs root"
)
def test_the_staging_of_another_user_is_left(tmp_path: Path):
    """
    Even if we could.
    """
    path = stale(tmp_path)
    os.chown(path, NOBODY, NOBODY)

    assert [] == remove_stale(str(tmp_path))
    assert (path / "demo/sub/file").exists()
    os.chown(path, 0, 0)
    assert [str(path)] == remove_stale(str(tmp_path))


@posix_only
def test_what_cannot_be_removed_stops_nobody(
    open_place: Place, monkeypatch: pytest.MonkeyPatch
):
    """
    A stale directory that resists is no reason to refuse a wheel.
    """
    wheel = open_place.put(demo())
    path = stale(open_place.out)
    remove = os.rmdir

    def rmdir(name: str, **where: int) -> None:
        if name == "sub" or name == str(path):
            raise PermissionError(errno.EACCES, "no", name)
        remove(name, **where)

    monkeypatch.setattr(os, "rmdir", rmdir)
    events: list[object] = []

    unwheel.extract(wheel, open_place.dest, on_event=events.append)

    assert not any(isinstance(e, unwheel.StagingRemoved) for e in events)
    assert {"tree", STALE} == set(os.listdir(open_place.out))
    monkeypatch.undo()
    assert [str(path)] == remove_stale(str(open_place.out))


@posix_only
def test_an_old_tree_that_cannot_be_removed_is_no_failure(
    place: Place, monkeypatch: pytest.MonkeyPatch
):
    """
    The new tree is there, complete; the rest is for the next run.
    """
    wheel = place.put(demo())
    fill(place.dest)
    remove = os.rmdir

    def rmdir(name: str, **where: int) -> None:
        if name == "sub":
            raise PermissionError(errno.EACCES, "no", name)
        remove(name, **where)

    monkeypatch.setattr(os, "rmdir", rmdir)

    report = unwheel.extract(wheel, place.dest, policy=REPLACE)

    assert "exchange" == report.publishing
    assert files_of(wheel) == only_files(tree_of(place.dest))
    monkeypatch.undo()
    assert 1 == len(remove_stale(str(place.out)))


@posix_only
@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_will_do(
    place: Place, monkeypatch: pytest.MonkeyPatch, number: int
):
    """
    Some network file systems have none.  Then nobody's staging is removed.
    """
    wheel = place.put(demo())

    def flock(*_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(private.fcntl, "flock", flock)
    path = stale(place.out)

    unwheel.extract(wheel, place.dest)

    assert files_of(wheel) == only_files(tree_of(place.dest))
    assert {STALE, "tree"} == set(os.listdir(place.out))
    monkeypatch.undo()
    assert [str(path)] == remove_stale(str(place.out))


@posix_only
@pytest.mark.parametrize("number", [errno.EMFILE, errno.EACCES])
@pytest.mark.parametrize("exists", [False, True])
def test_a_directory_that_cannot_be_opened_is_tried_once(
    place: Place, monkeypatch: pytest.MonkeyPatch, number: int, exists: bool
):
    """
    No descriptor is left, or umask 0777: the next name would do no better.
    """
    wheel = place.put(demo())
    if exists:
        place.dest.mkdir()
    opened: list[str] = []

    def open_(path: str, *rest: int, **where: int) -> int:
        if not os.path.basename(path).startswith(".unwheel-"):
            return unpatched(path, *rest, **where)
        if "dir_fd" not in where and path not in opened:
            opened.append(path)
        assert len(opened) < 3
        raise OSError(number, os.strerror(number))

    unpatched = os.open
    monkeypatch.setattr(os, "open", open_)

    with place.untouched(), pytest.raises(DestinationError) as caught:
        unwheel.extract(wheel, place.dest)

    assert number == caught.value.errno


def test_two_cleaners_at_once_remove_it_once(tmp_path: Path):
    """
    Of many who find it, each does its part and none fails.
    """
    paths = [stale(tmp_path, f".unwheel-{k:016x}") for k in range(40)]
    for path in paths:
        for k in range(20):
            (path / f"{k}").touch()
    removed: list[str] = []
    cleaners = [
        threading.Thread(
            target=lambda: removed.extend(remove_stale(str(tmp_path)))
        )
        for _ in range(4)
    ]
    for cleaner in cleaners:
        cleaner.start()
    for cleaner in cleaners:
        cleaner.join()

    assert [] == os.listdir(tmp_path)
    assert {str(path) for path in paths} == set(removed)


def test_a_cleaner_never_takes_what_is_being_made(place: Place):
    """
    Between the making of a staging directory and its lock there is a gap.
    """
    wheel = place.put(demo())
    stop = threading.Event()

    def clean() -> None:
        while not stop.is_set():
            remove_stale(str(place.out))

    cleaner = threading.Thread(target=clean)
    cleaner.start()
    try:
        for k in range(40):
            unwheel.extract(wheel, place.out / f"tree{k}")
    finally:
        stop.set()
        cleaner.join()

    for k in range(40):
        tree = tree_of(place.out / f"tree{k}")
        assert files_of(wheel) == only_files(tree)


def test_what_in_place_left_is_found_inside(place: Place):
    """
    A stale directory in an empty destination counts as empty, and goes.
    """
    wheel = place.put(demo())
    place.dest.mkdir()
    stale(place.dest)

    unwheel.extract(wheel, place.dest)

    assert files_of(wheel) == only_files(tree_of(place.dest))


# ------------------------------------------------------------------- failures


@pytest.mark.parametrize("step", ["Tree", "check_space", "native.Batch"])
def test_no_step_leaves_anything(
    place: Place, monkeypatch: pytest.MonkeyPatch, step: str
):
    """
    Whatever raises, of whatever kind, on the way: all is as before.
    """
    wheel = place.put(demo().file("demo/big", half_noise(2 * MIB)))
    name = "Staging.tree" if step == "Tree" else step

    def fail(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(f"unwheel.engine.{name}", fail)

    with place.untouched(), pytest.raises(KeyboardInterrupt):
        unwheel.extract(wheel, place.out / "a/b/tree")


@posix_only
@pytest.mark.parametrize("after", [True, False], ids=["after", "before"])
@pytest.mark.parametrize("turn", range(5))
@pytest.mark.parametrize("name", ["mkdir", "chmod", "open"])
def test_ctrl_c_at_every_system_call_of_staging(
    place: Place,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    turn: int,
    after: bool,
):
    """
    Right before and right after each call: nothing is left, or all is done.
    """
    wheel = place.put(demo())
    call = getattr(os, name)
    turns = iter(range(100))

    def interrupted(*arguments: object, **named: object) -> object:
        now = next(turns) == turn
        if now and not after:
            raise KeyboardInterrupt
        result = call(*arguments, **named)
        if now:
            if name == "open":
                os.close(result)
            raise KeyboardInterrupt
        return result

    monkeypatch.setattr(os, name, interrupted)
    before = snapshot(place.out)
    try:
        unwheel.extract(wheel, place.out / "a/tree")
    except KeyboardInterrupt:
        monkeypatch.undo()
        assert before.keys() == snapshot(place.out).keys()
    else:
        monkeypatch.undo()
        tree = tree_of(place.out / "a/tree")
        assert files_of(wheel) == only_files(tree)


@posix_only
def test_what_has_taken_the_name_is_not_removed(place: Place):
    """
    Who owns the parent could have us empty a directory of ours.
    """
    stage = Staging(str(place.dest))
    stage.make()
    os.rename(stage.path, place.out / "away")
    theirs = fill(Path(stage.path))
    before = snapshot(theirs)

    stage.discard()

    assert before == snapshot(theirs)
    theirs.rename(place.out / "theirs")


@posix_only
def test_a_tree_that_is_published_is_not_removed(place: Place):
    """
    Ctrl-C may come just after; what was replaced goes, the new tree stays.
    """
    fill(place.dest)
    stage = Staging(str(place.dest), existing="replace")
    stage.make()
    Path(stage.path, "new").write_bytes(b"new")
    os.rename(place.dest, place.out / "swap")
    os.rename(stage.path, place.dest)
    os.rename(place.out / "swap", stage.path)

    stage.discard()

    assert ["new"] == os.listdir(place.dest)
    assert [place.dest.name] == os.listdir(place.out)


def test_discarding_twice_is_fine(place: Place):
    """
    As closing twice is, everywhere.
    """
    stage = Staging(str(place.out / "a/tree"))

    stage.discard()
    stage.make()
    stage.discard()
    stage.discard()

    assert [] == os.listdir(place.out)


@pytest.mark.parametrize("existing", ["refuse", "replace", "merge"])
def test_durable_flushes_the_files_and_then_their_names(
    place: Place, monkeypatch: pytest.MonkeyPatch, existing: str
):
    """
    No name of what a crash could take away, and no return before the names.
    """
    if existing != "refuse":
        fill(place.dest)
    seen = []

    def watched(tree: Tree) -> None:
        del tree
        seen.append(Path(place.dest, "demo/__init__.py").exists())

    monkeypatch.setattr(Tree, "sync", watched)
    unwheel.extract(
        place.put(demo()),
        place.dest,
        policy=Policy(durable=True, existing=existing),
    )

    assert [False, True] == seen


def test_durable_trees_are_the_same(place: Place):
    """
    What it costs to flush them is all that differs.
    """
    wheel = place.put(demo(PLATFORM_TAG).link("l", "demo").directory("e/"))

    unwheel.extract(wheel, place.dest, policy=Policy(durable=True))

    assert (
        files_of(wheel).keys() - {"l"}
        == only_files(tree_of(place.dest)).keys()
    )
