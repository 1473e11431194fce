"""The tree: everything is created below a handle, nothing outside, ever."""

from __future__ import annotations

import errno
import os
import random
import resource
import stat
import threading
import time

import pytest
from trees import (
    OPENAT2,
    RENAMEAT2,
    Tree,
    become_nobody,
    deny,
    furnish,
    has_seccomp,
    in_child,
    no_leaks,
    outcome,
    snapshot,
    tree_room,
    umask,
    untouched,
)

from unwheel import native
from unwheel.errors import DestinationError

WAYS = ["BEST", "STEPWISE"]
LONGEST = "n" * 255
TOO_LONG = "n" * 256

# name: what mkdir, write and symlink (put, stand_in) say to it
SITUATIONS = {
    "new": ("ok", "ok", "ok"),
    "dir/new": ("ok", "ok", "ok"),
    "missing/a/new": ("ok", "ok", "ok"),
    "\N{GREEK SMALL LETTER PI}/new": ("ok", "ok", "ok"),
    "dir\\new": ("ok", "ok", "ok"),
    "...": ("ok", "ok", "ok"),
    "dir": ("ok", "EEXIST", "EISDIR"),
    "file": ("ENOTDIR", "EEXIST", "ok"),
    "dir/file": ("ENOTDIR", "EEXIST", "ok"),
    "fifo": ("ENOTDIR", "EEXIST", "ok"),
    "file/new": ("ENOTDIR", "ENOTDIR", "ENOTDIR"),
    "fifo/new": ("ENOTDIR", "ENOTDIR", "ENOTDIR"),
    "file/missing/new": ("ENOTDIR", "ENOTDIR", "ENOTDIR"),
    "out": ("ELOOP", "EEXIST", "ok"),
    "inner": ("ELOOP", "EEXIST", "ok"),
    "dangling": ("ELOOP", "EEXIST", "ok"),
    "self": ("ELOOP", "EEXIST", "ok"),
    "victim": ("ELOOP", "EEXIST", "ok"),
    "out/new": ("ELOOP", "ELOOP", "ELOOP"),
    "out/old": ("ELOOP", "ELOOP", "ELOOP"),
    "out/missing/new": ("ELOOP", "ELOOP", "ELOOP"),
    "dir/up/new": ("ELOOP", "ELOOP", "ELOOP"),
    "inner/new": ("ELOOP", "ELOOP", "ELOOP"),
    "dangling/new": ("ELOOP", "ELOOP", "ELOOP"),
    "self/new": ("ELOOP", "ELOOP", "ELOOP"),
    "magic/new": ("ELOOP", "ELOOP", "ELOOP"),
    LONGEST: ("ok", "ok", "ok"),
    TOO_LONG: ("ENAMETOOLONG", "ENAMETOOLONG", "ENAMETOOLONG"),
    f"{TOO_LONG}/new": ("ENAMETOOLONG", "ENAMETOOLONG", "ENAMETOOLONG"),
    "/".join("d" * 128): ("ok", "ok", "ok"),
    "/".join([LONGEST] * 16): ("ok", "ok", "ok"),
    "/".join([LONGEST] * 16) + "n": ("name", "name", "name"),
}

NOT_NAMES = ["", ".", "..", "/", "/new", "new/", "dir//new", "./new", "../new"]
NOT_NAMES += ["dir/..", "dir/.", "dir/../new", "dir/./new", "//new"]
NOT_NAMES += ["out/../new", "../outside/new"]
SITUATIONS |= dict.fromkeys(NOT_NAMES, ("name", "name", "name"))


@pytest.fixture(autouse=True)
def _no_leaks(tmp_path):  # noqa: ARG001 - it opens nothing, but comes first
    """Every test leaves as many open files as it found."""
    yield from no_leaks()


@pytest.fixture
def outside(tmp_path):
    """A directory that nothing may change, though links lead there."""
    yield from untouched(tmp_path / "outside")


@pytest.fixture
def root(tmp_path, outside):
    """A root with a bit of everything in it."""
    return furnish(tmp_path / "root", outside)


@pytest.fixture(params=WAYS)
def tree(request, root):
    """The root as a tree, in both ways."""
    with Tree(root, request.param) as opened:
        yield opened


@pytest.fixture(params=WAYS)
def inner_tree(request, root):
    """The same with the functions that only the crew calls."""
    with Tree(root, request.param, tree_room()) as opened:
        yield opened


# ------------------------------------------------------------- both ways agree


@pytest.mark.parametrize(
    "action", ["mkdir", "write", "symlink", "put", "stand_in"]
)
@pytest.mark.parametrize("name", SITUATIONS, ids=lambda name: name[:24])
def test_both_ways_give_the_same_outcome_and_tree(
    tmp_path, outside, name, action
):
    """
    Each situation has one outcome and one tree, however the kernel is asked.
    """
    column = {"mkdir": 0, "write": 1}.get(action, 2)
    expected = SITUATIONS[name][column]
    trees = []
    for way in WAYS:
        root = furnish(tmp_path / way, outside)
        before = snapshot(root)
        with Tree(root, way) as tree:
            found = getattr(tree, action)(name)
            assert expected == ("ok" if found == "hardlink" else found)
        trees.append(snapshot(root))
        if expected != "ok":
            assert before == trees[-1]

    assert trees[0] == trees[1]


@pytest.mark.parametrize("name", ["new", "missing/a/new"])
def test_makes_what_it_was_asked_for(tree, root, name):
    """
    A directory, a file and a link are there afterwards, and nothing else.
    """
    before = snapshot(root)

    with umask(0o022):
        assert "ok" == tree.mkdir(f"{name}.d")
        assert "ok" == tree.write(f"{name}.f", b"content")
        assert "ok" == tree.symlink(f"{name}.l", "some/where")

    after = snapshot(root)
    made = {key: after[key] for key in after.keys() - before.keys()}
    parents = {"missing", "missing/a"} if "/" in name else set()
    assert made == dict.fromkeys(parents, "drwxr-xr-x") | {
        f"{name}.d": "drwxr-xr-x",
        f"{name}.f": "-rw-r--r-- b'content'",
        f"{name}.l": "-> some/where",
    }


def test_refuses_a_nul_in_a_name(inner_tree):
    """
    A name ends where its length says; a NUL before that is refused.
    """
    assert "name" == inner_tree.open_dir(b"dir\0/../..")
    assert "ok" == inner_tree.open_dir(b"dir")
    assert "ok" == inner_tree.open_dir(b"")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("new", "ok"),
        ("dir/new", "ok"),
        ("dir", "ok"),
        ("missing/new", "ENOENT"),
        ("file", "ENOTDIR"),
        ("file/new", "ENOTDIR"),
        ("out", "ELOOP"),
        ("inner", "ELOOP"),
        ("out/new", "ELOOP"),
        ("../new", "name"),
        ("dir/..", "name"),
        ("", "name"),
    ],
)
def test_makes_a_directory_for_whoever_comes_first(
    inner_tree, root, name, expected
):
    """
    One that is there is as good; a link in its place is not followed.
    """
    assert expected == inner_tree.open_dir(name.encode(), make=True)

    assert (root / "new").is_dir() == (name == "new")
    assert (root / "dir" / "new").is_dir() == (name == "dir/new")
    if expected == "ok":
        assert "ok" == inner_tree.open_dir(name.encode(), make=True)


def test_never_leaves_the_root_while_directories_are_swapped(
    tree, root, outside
):
    """
    A directory swapped for a link all the time lets no file out.
    """
    (root / "d").mkdir()
    (root / "l").symlink_to(outside)
    stop = threading.Event()

    def swap():
        with Tree(root) as other:
            while not stop.is_set():
                assert "ok" == other.publish("d", "l", "EXCHANGE")

    thread = threading.Thread(target=swap)
    thread.start()
    seen = set()
    start = time.monotonic()
    while (passed := time.monotonic() - start) < 0.3 or not (
        {"ok", "ELOOP"} <= seen or passed > 20
    ):
        name = f"d/{time.monotonic_ns()}"
        seen |= {tree.write(name), tree.mkdir(f"{name}.d")}
    stop.set()
    thread.join()

    assert {"ok", "ELOOP"} <= seen <= {"ok", "ELOOP", "ENOTDIR"}


# ----------------------------------------------------------- modes and rights


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o000])
def test_leaves_the_mode_to_the_umask(tree, root, mask):
    """
    Of a file only "executable or not" is taken.
    """
    with umask(mask):
        tree.mkdir("m/d")
        tree.write("m/plain")
        tree.write("m/program", executable=True)

    found = [
        (root / "m" / name).stat().st_mode & 0o7777
        for name in ("", "d", "plain", "program")
    ]
    assert [mode & ~mask for mode in (0o777, 0o777, 0o666, 0o777)] == found


@pytest.mark.parametrize(
    ("mode", "expected"),
    [(0o555, "EACCES"), (0o000, "EACCES"), (0o333, "ok"), (0o777, "ok")],
)
def test_needs_the_right_to_write_and_search_and_no_other(
    tree, root, mode, expected
):
    """
    Both ways ask the file system for the same rights.
    """
    (root / "dir" / "below").mkdir()
    (root / "dir" / "below").chmod(0o777)
    (root / "dir").chmod(mode)
    below = "ok" if mode & 0o111 else "EACCES"

    def act():
        become_nobody()
        return [
            tree.mkdir("dir/d"),
            tree.write("dir/f"),
            tree.symlink("dir/l"),
            tree.write("dir/below/f"),
        ]

    found = in_child(act)
    (root / "dir").chmod(0o755)
    assert [expected, expected, expected, below] == found


# ------------------------------------------------------------------- the ways


@has_seccomp
@pytest.mark.parametrize("error", ["ENOSYS", "EPERM", "E2BIG"])
def test_takes_steps_where_openat2_is_missing(root, error):
    """
    Old kernels and seccomp filters refuse openat2: seen when a tree is opened.
    """

    def act():
        deny(OPENAT2, getattr(errno, error))
        with Tree(root) as tree:
            return [tree.write("dir/f"), tree.write("out/f")]

    assert ["ok", "ELOOP"] == in_child(act)


@has_seccomp
def test_asks_openat2_where_it_is(root):
    """
    The best way goes through openat2, and the other one never does.
    """

    def act():
        with Tree(root) as best, Tree(root, "STEPWISE") as steps:
            deny(OPENAT2, errno.EXDEV)
            return [best.write("dir/f"), steps.write("dir/f")]

    assert ["EXDEV", "ok"] == in_child(act)


@has_seccomp
def test_takes_steps_when_openat2_cannot_decide(root):
    """
    EAGAIN for ever (renames all around) does not stop us.
    """

    def act():
        with Tree(root) as tree:
            deny(OPENAT2, errno.EAGAIN)
            return [tree.write("dir/f"), tree.write("out/f")]

    assert ["ok", "ELOOP"] == in_child(act)


def test_refuses_to_open_what_is_no_directory(root):
    """
    The root itself may be a link; it must be a directory, and the way known.
    """
    for name, error in [("missing", errno.ENOENT), ("file", errno.ENOTDIR)]:
        with pytest.raises(OSError) as caught:
            Tree(root / name)
        assert error == caught.value.errno

    with Tree(root / "inner") as tree:
        assert "ok" == tree.write("through-the-link")
    assert (root / "dir" / "through-the-link").exists()


def test_refuses_an_unknown_way(root):
    """
    A number that is no way is the caller's mistake.
    """
    room = tree_room()
    error = room.ffi.new("struct uw_error *")
    made = room.ffi.new("struct uw_tree **")

    status = room.lib.uw_tree_open(os.fsencode(root), 7, made, error)

    assert "usage" == outcome(room, status, error)
    assert room.ffi.NULL == made[0]


# ----------------------------------------------------------- many directories


def some_names(seed):
    """Names of a random tree, deeper than the core keeps handles for."""
    chance = random.Random(seed)
    names = ["/".join("deep" for _ in range(50))]
    for _ in range(120):
        parent = chance.choice(names).split("/")
        keep = chance.randrange(len(parent) + 1)
        names.append(
            "/".join([*parent[:keep], chance.choice(["a", "ab", "abc"])])
        )
    return names


@pytest.mark.parametrize("seed", range(8))
def test_makes_the_same_directories_in_every_order(inner_tree, root, seed):
    """
    Sorted is cheap; any order, with repeats and gaps, is right.
    """
    names = some_names(seed)
    random.Random(-seed).shuffle(names)
    expected = {
        "/".join(name.split("/")[:depth])
        for name in names
        for depth in range(1, 60)
    }
    before = snapshot(root).keys()

    assert ("ok", 0) == inner_tree.make_dirs(*names)
    assert expected == snapshot(root).keys() - before
    assert ("ok", 0) == inner_tree.make_dirs(*sorted(names))
    assert expected == snapshot(root).keys() - before


def test_tells_which_directory_failed(inner_tree, root):
    """
    What came before is made, what comes after is not.
    """
    names = ["a", "a/b", "a/file/c", "d"]
    (root / "a").mkdir()
    (root / "a" / "file").touch()

    assert ("ENOTDIR", 2) == inner_tree.make_dirs(*names)
    assert (root / "a" / "b").is_dir()
    assert not (root / "d").exists()
    assert ("ELOOP", 1) == inner_tree.make_dirs("a", "out/new")
    assert ("name", 1) == inner_tree.make_dirs("a", "a/../b")
    assert ("ok", 0) == inner_tree.make_dirs()


def test_keeps_few_handles_however_deep(inner_tree):
    """
    Forty open files are enough for two hundred levels.
    """

    def act():
        used = len(os.listdir("/dev/fd"))
        resource.setrlimit(resource.RLIMIT_NOFILE, (used + 20, used + 20))
        return inner_tree.make_dirs("/".join("d" * 200), "d/d/e", "d/f")

    assert ["ok", 0] == in_child(act)


# ---------------------------------------------------------------------- links


@pytest.mark.parametrize(
    "name", ["file", "out", "victim", "dangling", "inner"]
)
def test_replaces_a_file_or_a_link_without_following_it(tree, root, name):
    """
    A link that exists is replaced; where it led, nothing changes.
    """
    entries = os.listdir(root)

    assert "ok" == tree.symlink(name, "fresh")

    assert "fresh" == os.readlink(root / name)
    assert sorted(entries) == sorted(os.listdir(root))


def test_replaces_a_link_in_one_step(tree, root):
    """
    Who reads while we replace sees the old link or the new one.
    """
    seen = set()
    stop = threading.Event()
    tree.symlink("link", "even")

    def look():
        while not stop.is_set():
            seen.add(os.readlink(root / "link"))

    thread = threading.Thread(target=look)
    thread.start()
    for turn in range(2000):
        assert "ok" == tree.symlink("link", ("even", "odd")[turn % 2])
    stop.set()
    thread.join()

    assert {"even", "odd"} == seen
    assert not [name for name in os.listdir(root) if ".unwheel" in name]


def test_gives_a_file_a_second_name(tree, root):
    """
    A hard link replaces, too, and leaves nothing when the names agree already.
    """
    (root / "other").write_text("other")
    entries = {*os.listdir(root), "new"}

    for name in ("new", "new", "other", "victim"):
        assert "ok" == tree.hardlink(name, "file")
        assert os.path.samefile(root / name, root / "file")

    assert entries == set(os.listdir(root))


@pytest.mark.parametrize(
    ("name", "target", "expected"),
    [
        ("missing/new", "dir/file", "ok"),
        ("new", "victim", "ELOOP"),
        ("new", "dangling", "ELOOP"),
        ("new", "out/old", "ELOOP"),
        ("out/new", "file", "ELOOP"),
        ("new", "fifo", "EINVAL"),
        ("new", "dir", "EPERM"),
        ("new", "missing", "ENOENT"),
        ("new", "../outside/old", "name"),
        ("../new", "file", "name"),
        ("dir", "file", "EISDIR"),
    ],
)
def test_links_only_to_files_below_the_root(
    tree, root, name, target, expected
):
    """
    A second name for a link would lead elsewhere from there.
    """
    before = snapshot(root)

    assert expected == tree.hardlink(name, target)
    assert (expected == "ok") == (before != snapshot(root))


def test_tells_whether_symlinks_can_be_made(tree, root):
    """
    The probe leaves nothing; where we may not write, the answer is no.
    """
    before = snapshot(root)

    assert 1 == tree.can_symlink()
    root.chmod(0o555)
    assert 0 == in_child(lambda: become_nobody() or tree.can_symlink())
    root.chmod(0o755)
    assert before == snapshot(root)


# ------------------------------------------------------- files, in one step


@pytest.mark.parametrize("name", ["file", "dir/file", "victim", "out", "new"])
def test_puts_a_file_in_the_place_of_another(tree, root, name):
    """
    A file or a link goes, never what it leads to; the mode is the umask's.
    """
    names = {*os.listdir(root), name.partition("/")[0]}
    (root / "file").chmod(0o755)

    with umask(0o027):
        assert "ok" == tree.put(name, b"fresh")

    found = (root / name).lstat()
    assert "-rw-r-----" == stat.filemode(found.st_mode)
    assert b"fresh" == (root / name).read_bytes()
    assert names == set(os.listdir(root))


def test_puts_nothing_in_the_place_of_another(tree, root):
    """
    A file without content is one.
    """
    assert "ok" == tree.put("file", b"")
    assert b"" == (root / "file").read_bytes()


def test_what_cannot_be_put_leaves_what_was_there(tree, root):
    """
    A write that fails in the middle, and a directory in the way.
    """
    before = snapshot(root)

    def act():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        return [tree.put("file", b"x" * 5000), tree.put("dir", b"x")]

    assert ["EFBIG", "EISDIR"] == in_child(act)
    assert before == snapshot(root)


# ---------------------------------------------------------------------- times

MOMENTS = [0, 1, 315_532_800, 1_700_000_000, 2**31, 2**32 + 5, -1, -(2**31)]


@pytest.mark.parametrize("seconds", MOMENTS)
def test_sets_the_time_of_modification(tree, root, seconds):
    """
    To the second, of files, directories and the root; not that of access.
    """
    for name in ("file", "dir", "dir/file", ""):
        os.utime(root / name, (1_500_000_000, 1_500_000_000))

        assert "ok" == tree.set_mtime(name, seconds)

        found = (root / name).stat()
        assert seconds * 10**9 == found.st_mtime_ns
        assert 1_500_000_000 == found.st_atime


def test_sets_the_time_of_a_link_not_of_its_target(tree, root, outside):
    """
    What a link leads to keeps its time, and so does all behind one.
    """
    times = {path: path.stat().st_mtime_ns for path in outside.rglob("*")}
    target = (root / "dir").stat().st_mtime_ns

    for name in ("victim", "out", "dangling", "self", "inner"):
        assert "ok" == tree.set_mtime(name, 1_000_000_000)
        assert 1_000_000_000 == (root / name).lstat().st_mtime
    assert "ELOOP" == tree.set_mtime("out/old", 1_000_000_000)
    assert "ELOOP" == tree.set_mtime("inner/file", 1_000_000_000)
    assert "ENOENT" == tree.set_mtime("missing", 1_000_000_000)
    assert "name" == tree.set_mtime("../outside/old", 1_000_000_000)

    assert target == (root / "dir").stat().st_mtime_ns
    assert times == {path: path.stat().st_mtime_ns for path in times}


def test_tells_that_a_time_cannot_be_set(inner_tree):
    """
    The error of the call.
    """
    lib, error = inner_tree.lib, inner_tree.error

    assert "EBADF" == inner_tree.outcome(lib.uw_file_set_mtime(-1, 0, error))


# ----------------------------------------------------------------- publishing

# from, to: the outcome, when renameat2 is there and when it is not
PUBLISHING = {
    ("dir", "new"): ("ok", "ok"),
    ("dir", "empty"): ("ok", "ok"),
    ("dir", "full"): ("ENOTEMPTY", "ENOTEMPTY"),
    ("dir", "file"): ("ENOTDIR", "ENOTDIR"),
    ("dir", "inner"): ("ENOTDIR", "ENOTDIR"),
    ("dir", "out"): ("ENOTDIR", "ENOTDIR"),
    ("dir", "dangling"): ("ENOTDIR", "ENOTDIR"),
    ("dir", "full/new"): ("ok", "ok"),
    ("dir", "dir/new"): ("EINVAL", "EINVAL"),
    ("dir", "out/new"): ("ELOOP", "ELOOP"),
    ("dir", "missing/new"): ("ENOENT", "ENOENT"),
    ("full/in", "new"): ("ok", "ok"),
    ("file", "new"): ("ok", "ok"),
    ("file", "empty"): ("EEXIST", "EEXIST"),
    ("file", "full/in"): ("EEXIST", "EEXIST"),
    ("file", "victim"): ("EEXIST", "EEXIST"),
    ("dangling", "new"): ("ok", "ok"),
    ("dangling", "empty"): ("EEXIST", "EEXIST"),
    ("missing", "new"): ("ENOENT", "ENOENT"),
    ("dir", ".."): ("name", "name"),
    ("../outside", "new"): ("name", "name"),
    ("dir", ""): ("name", "name"),
}


@pytest.mark.parametrize(("old", "new"), PUBLISHING)
@pytest.mark.parametrize(
    "flags",
    [
        pytest.param(True, id="flags"),
        pytest.param(False, id="plain", marks=has_seccomp),
    ],
)
def test_publishes_what_is_new_and_replaces_nothing(
    tree, root, old, new, flags
):
    """
    One rename; only an empty directory gives way, and only to a directory.
    """
    (root / "empty").mkdir()
    (root / "full").mkdir()
    (root / "full" / "in").write_text("in")
    before = snapshot(root)

    def act():
        if not flags:
            deny(RENAMEAT2, errno.ENOSYS)
        return tree.publish(old, new)

    expected = PUBLISHING[old, new][0 if flags else 1]
    assert expected == in_child(act)
    after = snapshot(root)
    if expected == "ok":
        assert before[old] == after[new]
        assert old not in after
        assert before.keys() - {old} <= after.keys() | {"dir/file", "dir/up"}
    else:
        assert before == after


def test_exchanges_two_names_in_one_step(tree, root):
    """
    Both are there before and after; without the second there is no exchange.
    """
    (root / "old").mkdir()

    assert "ok" == tree.publish("dir", "old", "EXCHANGE")
    assert "ENOENT" == tree.publish("dir", "missing", "EXCHANGE")
    assert "name" == tree.publish("dir", "..", "EXCHANGE")

    assert [] == os.listdir(root / "dir")
    assert ["file", "up"] == sorted(os.listdir(root / "old"))


# from, to: the outcome of a replacing rename
REPLACING = {
    ("file", "new"): "ok",
    ("file", "full/in"): "ok",
    ("file", "victim"): "ok",
    ("file", "out"): "ok",
    ("file", "dangling"): "ok",
    ("victim", "file"): "ok",
    ("dir/up", "dangling"): "ok",
    ("file", "file"): "ok",
    ("dir", "new"): "ok",
    ("file", "empty"): "EISDIR",
    ("file", "full"): "EISDIR",
    ("victim", "empty"): "EISDIR",
    ("dir", "empty"): "EEXIST",
    ("dir", "full"): "EEXIST",
    ("dir", "file"): "ENOTDIR",
    ("dir", "victim"): "ENOTDIR",
    ("file", "out/new"): "ELOOP",
    ("out/old", "file"): "ELOOP",
    ("file", "missing/new"): "ENOENT",
    ("missing", "file"): "ENOENT",
    ("file", ".."): "name",
    ("../outside/old", "file"): "name",
}


@pytest.mark.parametrize(("old", "new"), REPLACING)
def test_takes_the_place_of_a_file_or_a_link(tree, root, old, new):
    """
    Never of a directory, not even of an empty one, and never through a link.
    """
    (root / "empty").mkdir()
    (root / "full").mkdir()
    (root / "full" / "in").write_text("in")
    before = snapshot(root)

    expected = REPLACING[old, new]
    assert expected == tree.publish(old, new, "REPLACE")
    after = snapshot(root)
    if expected == "ok":
        assert before[old] == after[new]
        assert old == new or old not in after
    else:
        assert before == after


@pytest.mark.parametrize(
    ("old", "new", "left"), [("dir/file", "file", 0), ("file", "new", 1)]
)
def test_takes_the_place_of_another_name_of_the_file(
    tree, root, old, new, left
):
    """
    The rename does nothing then; the old name goes, but in one directory.

    There the two might be one name in two spellings, on a file system that
    does not tell them apart.
    """
    (root / new).unlink(missing_ok=True)
    os.link(root / old, root / new)

    assert "ok" == tree.publish(old, new, "REPLACE")

    assert (root / new).is_file()
    assert left == (root / old).exists()


def test_syncs(tree):
    """
    The call is made and reports success.
    """
    assert "ok" == tree.sync()


# --------------------------------------------------------------------- trouble


def test_goes_on_after_a_short_write_and_tells_of_the_next(tree, root):
    """
    A limit in the middle of a write gives a short one first, then an error.
    """

    def act():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        return tree.write("big", b"x" * 5000)

    assert "EFBIG" == in_child(act)
    assert 1000 == (root / "big").stat().st_size


def test_tells_of_a_full_disk_and_of_a_failed_close(inner_tree):
    """
    What write and close say comes up as it is.
    """
    lib, error = inner_tree.lib, inner_tree.error
    full = os.open("/dev/full", os.O_WRONLY)

    written = lib.uw_file_write(full, 0, b"x", 1, error)
    assert "ENOSPC" == inner_tree.outcome(written)
    assert lib.UW_OK == lib.uw_file_close(full, error)
    assert "EBADF" == inner_tree.outcome(lib.uw_file_close(full, error))


def test_refuses_an_offset_that_no_file_can_have(inner_tree):
    """
    An offset near 2^64 would wrap to a negative one.
    """
    lib, error = inner_tree.lib, inner_tree.error
    for offset in (2**63, 2**64 - 1, 2**63 - 1):
        status = lib.uw_file_write(-1, offset, b"x", 1, error)
        assert "EFBIG" == inner_tree.outcome(status)


def test_writes_at_any_offset(inner_tree, root):
    """
    Pieces may come in any order; no program that we start gets the handles.
    """
    lib, ffi, error = inner_tree.lib, inner_tree.ffi, inner_tree.error
    folder, file = ffi.new("uw_dir *"), ffi.new("uw_file *")
    lib.uw_dir_open(inner_tree.handle, b"dir", 3, folder, error)
    lib.uw_file_create(folder[0], b"pieces", False, file, error)
    assert not os.get_inheritable(folder[0])
    assert not os.get_inheritable(file[0])

    for offset, piece in [(6, b"world"), (0, b"hello ")]:
        assert lib.UW_OK == lib.uw_file_write(
            file[0], offset, piece, len(piece), error
        )
    assert lib.UW_OK == lib.uw_file_close(file[0], error)
    lib.uw_dir_close(folder[0])

    assert "hello world" == (root / "dir" / "pieces").read_text()


def test_tells_of_too_many_open_files(tree):
    """
    EMFILE is an error like others; with room again, the tree works again.
    """

    def act():
        used = max(map(int, os.listdir("/dev/fd")))
        old = resource.getrlimit(resource.RLIMIT_NOFILE)
        spare = []
        resource.setrlimit(resource.RLIMIT_NOFILE, (used + 1, old[1]))
        while True:
            try:
                spare.append(os.dup(0))
            except OSError:
                break
        found = [
            tree.write("dir/f"),
            tree.mkdir("missing/a/b"),
            tree.symlink("dir/l"),
            tree.publish("dir", "new"),
        ]
        resource.setrlimit(resource.RLIMIT_NOFILE, old)
        return [*found, tree.write("dir/f")]

    assert ["EMFILE"] * 4 + ["ok"] == in_child(act)


# ----------------------------------------------------------------- from Python


@pytest.fixture(params=[False, True], ids=WAYS)
def python_tree(request, root):
    """The root as Python has it."""
    opened = native.Tree(str(root), stepwise=request.param)
    yield opened
    opened.close()


def test_python_has_the_trees_calls(python_tree, root):
    """
    Each with its answer, or None.
    """
    python_tree.put("file", b"put")
    way = python_tree.stand_in("new", "file", ["copy", "hardlink"])
    python_tree.set_mtime("file", 1_000_000_000)
    python_tree.set_mtime("", 2_000_000_000)

    assert 2_000_000_000 == root.stat().st_mtime
    assert "hardlink" == way
    assert "copy" == python_tree.stand_in("copy", "file", ("copy",))
    assert python_tree.can_hardlink() is True
    assert b"put" == (root / "new").read_bytes()
    assert 1_000_000_000 == (root / "new").stat().st_mtime
    with pytest.raises(DestinationError, match="File exists"):
        python_tree.publish("copy", "new")
    python_tree.publish("copy", "new", replace=True)
    assert not (root / "copy").exists()
    assert not (root / "file").samefile(root / "new")


def test_python_tells_what_failed(python_tree):
    """
    The name, and the number of the call.
    """
    for act, number in [
        (lambda: python_tree.put("out/x", b""), errno.ELOOP),
        (lambda: python_tree.put("dir", b""), errno.EISDIR),
        (lambda: python_tree.stand_in("x", "missing", ["copy"]), errno.ENOENT),
        (lambda: python_tree.set_mtime("missing", 0), errno.ENOENT),
        (
            lambda: python_tree.publish("file", "dir", replace=True),
            errno.EISDIR,
        ),
    ]:
        with pytest.raises(DestinationError) as caught:
            act()
        assert number == caught.value.errno
    with pytest.raises(DestinationError, match="no such ways"):
        python_tree.stand_in("x", "file", [])


# ----------------------------------------------------------- names for Windows


@pytest.mark.parametrize(
    ("name", "expected"),
    [(name, True) for name in ["a", "a.b", ".a", "con1", "com", "COM10"]]
    + [(name, True) for name in ["auxiliary", "com\u00b9x", "LPT\u2074"]]
    + [(name, False) for name in ["", "a.", "a ", "a:b", "a\\b", "a?", "\x1f"]]
    + [(name, False) for name in ["con", "Aux.py", "NUL.tar.gz", "prn .x"]]
    + [(name, False) for name in ["com1", "LPT0.h", "com\u00b2", "conin$"]],
)
def test_knows_names_that_windows_takes_for_something_else(name, expected):
    """
    Devices, streams, wildcards, and ends that Win32 would cut off.
    """
    raw = name.encode()

    assert expected == tree_room().lib.uw_name_is_portable(raw, len(raw))
