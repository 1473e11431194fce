"""Second files of one content: hard links, reflinks, copies."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import shutil
import stat
import subprocess
import threading

import pytest
from internals import room
from trees import (
    ALL_WAYS,
    COPY,
    COPY_FILE_RANGE,
    HARDLINK,
    INTERNAL,
    IOCTL,
    LINKAT,
    REFLINK,
    Tree,
    become_nobody,
    deny,
    furnish,
    has_seccomp,
    in_child,
    mounted,
    no_leaks,
    snapshot,
    tree_files,
    tree_room,
    umask,
    untouched,
)

OPENED = ["BEST", "STEPWISE"]

# What systems say to a way that they do not have.
LACKING = ["EPERM", "EACCES", "EOPNOTSUPP", "ENOSYS"]
LACKING += ["ENOTTY", "EXDEV", "EINVAL", "EMLINK"]
TROUBLE = ["ENOSPC", "EDQUOT", "EIO", "EROFS", "ENOMEM"]


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


@pytest.fixture(params=OPENED)
def tree(request, root):
    """The root as a tree, in both ways, with what only the crew calls."""
    with Tree(root, request.param, tree_room()) as opened:
        yield opened


def make(tree, call, name, target="file", ways=ALL_WAYS):
    """A stand-in or a duplicate called ``dir/name``; both share their code."""
    if call == "stand_in":
        return tree.stand_in(f"dir/{name}", target, ways)
    return tree.duplicate(name, target, ways)


each_call = pytest.mark.parametrize("call", ["stand_in", "duplicate"])


def leftovers(root):
    """Names that are only for a moment."""
    return [name for name in snapshot(root) if ".unwheel" in name]


# ------------------------------------------------------------------- the ways


@each_call
@pytest.mark.parametrize(
    ("ways", "expected"),
    [
        (HARDLINK, "hardlink"),
        (COPY, "copy"),
        (HARDLINK | COPY, "hardlink"),
        (ALL_WAYS, "hardlink"),
    ],
)
def test_makes_a_file_of_the_same_content(tree, root, call, ways, expected):
    """
    The first of the ways is taken and told; only a hard link is the same file.
    """
    assert expected == make(tree, call, "new", ways=ways)

    assert "file" == (root / "dir" / "new").read_text()
    assert (ways != COPY) == (root / "dir" / "new").samefile(root / "file")
    assert ["file", "new", "up"] == sorted(os.listdir(root / "dir"))


@has_seccomp
@each_call
@pytest.mark.parametrize("error", LACKING)
def test_takes_the_next_way_where_one_is_lacking(root, call, error):
    """
    Each way denied in turn; with none left, its error is told.
    """

    def act():
        number = getattr(errno, error)
        with Tree(root, in_room=tree_room()) as tree:
            deny(LINKAT, number)
            words = [make(tree, call, "a", ways=HARDLINK)]
            words += [make(tree, call, "b", ways=HARDLINK | COPY)]
            deny(IOCTL, number)
            words += [make(tree, call, "c", ways=REFLINK)]
            words += [make(tree, call, "d")]
            deny(COPY_FILE_RANGE, number)
            return [*words, make(tree, call, "e")]

    told = errno.errorcode[getattr(errno, error)]
    assert [told, "copy", told, "copy", "copy"] == in_child(act)
    assert ["b", "d", "e", "file", "up"] == sorted(os.listdir(root / "dir"))
    for name in "bde":
        assert "file" == (root / "dir" / name).read_text()


@has_seccomp
@each_call
def test_takes_a_reflink_where_there_is_one(root, call):
    """
    After the hard link and before the copy; the kernel fills the file.
    """

    def act():
        deny(IOCTL, 0)
        with Tree(root, in_room=tree_room()) as tree:
            words = [
                make(tree, call, "a"),
                make(tree, call, "b", ways=REFLINK),
            ]
            deny(LINKAT, errno.EXDEV)
            return [*words, make(tree, call, "c")]

    assert ["hardlink", "reflink", "reflink"] == in_child(act)


@has_seccomp
@each_call
@pytest.mark.parametrize("error", TROUBLE)
def test_tells_of_trouble_that_the_next_way_would_have_too(root, call, error):
    """
    No room is not a reason to try again; nothing is left behind.
    """
    before = snapshot(root)

    def act():
        number = getattr(errno, error)
        with Tree(root, in_room=tree_room()) as tree:
            deny(IOCTL, number)
            words = [make(tree, call, "new", ways=REFLINK | COPY)]
            deny(LINKAT, number)
            return [*words, make(tree, call, "new")]

    assert [error, error] == in_child(act)
    assert before == snapshot(root)


@each_call
@pytest.mark.parametrize("ways", [0, 8, ALL_WAYS | 8, -1])
def test_refuses_ways_that_it_does_not_know(tree, root, call, ways):
    """
    That is the caller's mistake.
    """
    before = snapshot(root)

    assert "usage" == make(tree, call, "new", ways=ways)
    assert before == snapshot(root)


# -------------------------------------------------------------------- content


LARGE = 263_000  # too large to be read at once, so the kernel is asked first


@pytest.fixture
def odd(root):
    """The tree over a kernel whose copy_file_range() is odd, and its knobs."""
    files = [name for name in tree_files() if name != "tree_system_posix"]
    files += ["tree_name", "error", "../tests/native/odd_copy"]
    knobs = "struct odd { int32_t calls, piece, os_error, source, resized; };"
    in_room = room(f"{INTERNAL}{knobs} extern struct odd odd;", *files)
    with Tree(root, in_room=in_room) as tree:
        yield tree, in_room.lib.odd


@pytest.mark.parametrize("error", [0, "EIO", "EINVAL", "EBADF", "ETXTBSY"])
@pytest.mark.parametrize("calls", [0, 1, 3, 1000])
def test_copies_on_where_the_kernel_stops(odd, root, calls, error):
    """
    Whatever it says in the middle of a file, the copy is whole.
    """
    tree, knobs = odd
    content = os.urandom(LARGE)
    (root / "file").write_bytes(content)
    knobs.calls, knobs.piece = calls, 2000
    knobs.os_error = getattr(errno, error) if error else 0

    assert "copy" == tree.stand_in("new", "file", COPY)

    assert content == (root / "new").read_bytes()
    assert max(0, calls - 132) == knobs.calls  # so many pieces


@pytest.mark.parametrize("calls", [0, 3, 1000])
@pytest.mark.parametrize("size", [0, LARGE - 1, LARGE + 1, 2 * LARGE])
def test_copies_what_the_file_was_when_it_was_opened(odd, root, size, calls):
    """
    Who makes it grow does not keep us; a file cut short is no whole copy.
    """
    tree, knobs = odd
    content = os.urandom(LARGE)
    (root / "file").write_bytes(content)
    before = snapshot(root)
    knobs.calls, knobs.piece, knobs.os_error = calls, 2000, 0

    with (root / "file").open("r+b") as file:
        knobs.source, knobs.resized = file.fileno(), size
        found = tree.stand_in("new", "file", COPY)
        knobs.source = 0

    if size < LARGE:
        assert "EIO" == found
        assert before.keys() == snapshot(root).keys()
    else:
        assert "copy" == found
        assert content == (root / "new").read_bytes()


@pytest.mark.parametrize("size", [0, 1, 262143, 262144, 262145, 1_000_000])
@has_seccomp
def test_copies_any_size_without_the_kernels_help(root, size):
    """
    Nothing at all, and both sides of the bounds of a piece.
    """
    content = os.urandom(size)
    (root / "file").write_bytes(content)

    def act():
        deny(COPY_FILE_RANGE, errno.ENOSYS)
        with Tree(root) as tree:
            return tree.stand_in("new", "file", COPY)

    assert "copy" == in_child(act)
    assert content == (root / "new").read_bytes()


@pytest.mark.parametrize("kernel", [True, False])
@has_seccomp
def test_stops_copying_when_it_is_told_to(root, kernel):
    """
    By the kernel or by reading and writing; what was copied goes.
    """
    (root / "file").write_bytes(b"x" * 500_000)
    before = snapshot(root)

    def act():
        if not kernel:
            deny(COPY_FILE_RANGE, errno.ENOSYS)
        with Tree(root, in_room=tree_room()) as tree:
            return [
                tree.duplicate("new", ways=COPY, stop=True),
                tree.duplicate("other", ways=COPY, stop=False),
            ]

    assert ["cancelled", "copy"] == in_child(act)
    (root / "dir" / "other").unlink()
    assert before == snapshot(root)


@each_call
@pytest.mark.parametrize("kernel", [True, False])
@has_seccomp
def test_leaves_nothing_of_a_copy_that_fails(root, call, kernel):
    """
    A limit in the middle of the copy: an error, and what was there stays.
    """
    (root / "file").write_bytes(b"x" * 5000)
    (root / "dir" / "old").write_text("old")
    before = snapshot(root)

    def act():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        if not kernel:
            deny(COPY_FILE_RANGE, errno.ENOSYS)
        with Tree(root, in_room=tree_room()) as tree:
            words = [make(tree, call, "new", ways=COPY)]
            if call == "stand_in":
                words += [make(tree, call, "old", ways=COPY)]
            return words

    assert {"EFBIG"} == set(in_child(act))
    assert before == snapshot(root)


def test_leaves_nothing_on_a_full_disk(tmp_path):
    """
    A real file system without room: copies and new files go, links stay.
    """
    folder = tmp_path / "small"
    folder.mkdir()
    with mounted(folder, "-t", "tmpfs", "-o", "size=256k", "tmpfs"):
        (folder / "file").write_bytes(b"x" * 160_000)
        before = snapshot(folder)
        with Tree(folder) as tree:
            assert "ENOSPC" == tree.stand_in("new", "file", COPY)
            assert "ENOSPC" == tree.put("new", b"x" * 160_000)
            assert "ENOSPC" == tree.put("file", b"x" * 160_000)
            assert before == snapshot(folder)
            assert "hardlink" == tree.stand_in("new")


# ------------------------------------------------------------ real reflinks


@pytest.fixture(scope="module")
def xfs(tmp_path_factory):
    """A file system that shares blocks."""
    if shutil.which("mkfs.xfs") is None:
        pytest.skip("mkfs.xfs is not installed")
    folder = tmp_path_factory.mktemp("xfs")
    image, point = folder / "image", folder / "point"
    point.mkdir()
    with image.open("wb") as file:
        file.truncate(400 << 20)
    subprocess.run(["mkfs.xfs", "-q", "-m", "reflink=1", image], check=True)
    with mounted(point, "-o", "loop", str(image)):
        yield point


def free_bytes(folder):
    """Those that anybody may use."""
    facts = os.statvfs(folder)
    return facts.f_bavail * facts.f_frsize


@pytest.mark.parametrize("way", OPENED)
def test_shares_blocks_on_a_file_system_that_can(xfs, way):
    """
    A real reflink takes no room, and is a file of its own.
    """
    content = os.urandom(8 << 20)
    folder = xfs / way
    (folder / "dir").mkdir(parents=True)
    (folder / "file").write_bytes(content)
    (folder / "file").chmod(0o755)
    os.sync()
    before = free_bytes(xfs)

    with Tree(folder, way, tree_room()) as tree, umask(0o027):
        assert "reflink" == tree.stand_in("new", "file", REFLINK | COPY)
        assert "reflink" == tree.duplicate("new", "file", REFLINK | COPY)
    os.sync()

    assert before - free_bytes(xfs) < len(content) // 4
    for name, mode in [("new", 0o750), ("dir/new", 0o640)]:
        assert content == (folder / name).read_bytes()
        assert mode == stat.S_IMODE((folder / name).stat().st_mode)
    (folder / "new").write_bytes(b"changed")
    assert content == (folder / "file").read_bytes()


def test_copies_a_file_of_more_than_4_gib(xfs):
    """
    Offsets and lengths beyond 32 bits; the kernel copies blocks as it likes.
    """
    with (xfs / "large").open("wb") as file:
        file.truncate(5 << 30)
        file.seek((5 << 30) - 3)
        file.write(b"end")

    with Tree(xfs) as tree:
        assert "copy" == tree.stand_in("new", "large", COPY)

    assert 5 << 30 == (xfs / "new").stat().st_size
    with (xfs / "new").open("rb") as file:
        file.seek((5 << 30) - 5)
        assert b"\0\0end" == file.read()


def test_goes_from_one_file_system_to_another(xfs, root):
    """
    A mount in the middle of the tree: no link, no reflink, but a copy.
    """
    (xfs / "there").write_text("there")
    (root / "mount").mkdir()
    with (
        mounted(root / "mount", "--bind", str(xfs)),
        Tree(root, "STEPWISE", tree_room()) as tree,
    ):
        assert "EXDEV" == tree.stand_in("new", "mount/there", HARDLINK)
        assert "copy" == tree.stand_in("new", "mount/there")
        assert "copy" == tree.duplicate("new", "mount/there")
    assert "there" == (root / "new").read_text()
    assert "there" == (root / "dir" / "new").read_text()


# ---------------------------------------------------------------------- modes


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o000])
@pytest.mark.parametrize("mode", [0o644, 0o755, 0o600, 0o711, 0o4755, 0o444])
def test_a_copy_is_executable_if_its_source_is(tree, root, mask, mode):
    """
    The rest of the mode is the umask's, as of every file that is made.
    """
    (root / "file").chmod(mode)

    with umask(mask):
        assert "copy" == tree.stand_in("new", "file", COPY)

    made = 0o777 if mode & 0o111 else 0o666
    assert made & ~mask == stat.S_IMODE((root / "new").stat().st_mode)


@pytest.mark.parametrize("executable", [True, False])
def test_a_duplicate_is_what_the_caller_says(tree, root, executable):
    """
    Another member of the same bytes may have another mode.
    """
    (root / "file").chmod(0o755)

    with umask(0o022):
        tree.duplicate("new", "file", COPY, executable=executable)

    found = stat.S_IMODE((root / "dir" / "new").stat().st_mode)
    assert (0o755 if executable else 0o644) == found


def test_a_duplicate_stays_open_for_writing(tree, root):
    """
    The caller goes on with it, and no program that we start inherits it.
    """

    def change(file):
        assert not os.get_inheritable(file)
        error = tree.ffi.new("struct uw_error *")
        os.pwrite(file, b"F", 0)
        assert 0 == tree.lib.uw_file_set_mtime(file, 1_000_000_000, error)

    assert "copy" == tree.duplicate("new", "file", COPY, then=change)

    assert "File" == (root / "dir" / "new").read_text()
    assert 1_000_000_000 == (root / "dir" / "new").stat().st_mtime
    assert "file" == (root / "file").read_text()


# -------------------------------------------------------------- links, places


@pytest.mark.parametrize("ways", [HARDLINK, COPY, ALL_WAYS])
@pytest.mark.parametrize(
    ("name", "target", "expected"),
    [
        ("missing/new", "dir/file", "ok"),
        ("dir/file", "file", "ok"),
        ("victim", "file", "ok"),
        ("out", "file", "ok"),
        ("dangling", "file", "ok"),
        ("fifo", "file", "ok"),
        ("new", "victim", "ELOOP"),
        ("new", "dangling", "ELOOP"),
        ("new", "self", "ELOOP"),
        ("new", "out", "ELOOP"),
        ("new", "out/old", "ELOOP"),
        ("new", "inner/file", "ELOOP"),
        ("new", "magic/file", "ELOOP"),
        ("out/new", "file", "ELOOP"),
        ("inner/new", "file", "ELOOP"),
        ("new", "fifo", "EINVAL"),
        ("new", "dir", "EINVAL"),
        ("new", "missing", "ENOENT"),
        ("new", "file/x", "ENOTDIR"),
        ("new", "../outside/old", "name"),
        ("new", "", "name"),
        ("../new", "file", "name"),
        ("dir", "file", "EISDIR"),
    ],
)
def test_follows_no_link_to_the_source_or_the_place(
    tree, root, name, target, expected, ways
):
    """
    The source is a regular file below the root; a link in the place goes.
    """
    if ways == HARDLINK and target == "dir":
        expected = "EPERM"
    before = snapshot(root)

    found = tree.stand_in(name, target, ways)

    if expected == "ok":
        assert found == ("copy" if ways == COPY else "hardlink")
        assert "file" == (root / name).read_text()
        assert stat.S_ISREG((root / name).lstat().st_mode)
    else:
        assert expected == found
        assert before == snapshot(root)
    assert [] == leftovers(root)


@pytest.mark.parametrize("ways", [HARDLINK, COPY, ALL_WAYS])
@pytest.mark.parametrize(
    ("leaf", "target", "expected"),
    [
        ("file", "file", "EEXIST"),
        ("up", "file", "EEXIST"),
        ("new", "victim", "ELOOP"),
        ("new", "out/old", "ELOOP"),
        ("new", "fifo", "EINVAL"),
        ("new", "missing", "ENOENT"),
        ("..", "file", "name"),
        ("a/b", "file", "name"),
        ("", "file", "name"),
        ("new", "../outside/old", "name"),
    ],
)
def test_a_duplicate_replaces_nothing(
    tree, root, leaf, target, expected, ways
):
    """
    It is a new file or an error; the source is a regular file below the root.
    """
    before = snapshot(root)

    assert expected == tree.duplicate(leaf, target, ways)
    assert before == snapshot(root)


def test_a_file_may_stand_in_for_itself(tree, root):
    """
    A rename between two names of one file does nothing; no name is left over.
    """
    for ways, expected in [(HARDLINK, "hardlink"), (COPY, "copy")]:
        assert expected == tree.stand_in("new", "file", ways)
        assert expected == tree.stand_in("new", "file", ways)
        assert expected == tree.stand_in("file", "file", ways)
        assert "file" == (root / "file").read_text()
        assert [] == leftovers(root)


@pytest.mark.parametrize("ways", [HARDLINK, COPY])
def test_a_name_is_never_missing_and_never_half(tree, root, ways):
    """
    Who reads while stand-ins and files are replaced sees one or the other.
    """
    contents = {b"a" * 300_000, b"b" * 200_000}
    for name, content in zip("ab", sorted(contents), strict=True):
        (root / name).write_bytes(content)
    assert tree.put("name", b"a" * 300_000) == "ok"
    seen = set()
    stop = threading.Event()

    def look():
        while not stop.is_set():
            seen.add((root / "name").read_bytes())

    thread = threading.Thread(target=look)
    thread.start()
    for turn in range(2000):
        tree.stand_in("name", "ab"[turn % 2], ways)
        tree.put("name", b"b" * 200_000)
        if turn > 100 and seen == contents:
            break
    stop.set()
    thread.join()

    assert contents == seen
    assert [] == leftovers(root)


def test_leaves_nothing_when_there_are_too_many_open_files(root):
    """
    Whichever of its opens fails: an error, and the tree as it was.
    """

    def act():
        spare, words = [], []
        with Tree(root, "STEPWISE") as tree:
            _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
            resource.setrlimit(resource.RLIMIT_NOFILE, (64, most))
            with contextlib.suppress(OSError):
                while True:
                    spare.append(os.dup(0))
            for file in spare[:8]:
                words.append(tree.stand_in("dir/new", "dir/file", COPY))
                os.close(file)
        return words

    found = in_child(act)

    assert {"EMFILE", "copy"} == set(found)
    assert "file" == (root / "dir" / "new").read_text()
    assert [] == leftovers(root)


def test_a_copy_needs_the_right_to_read(tree, root):
    """
    Where the source may not be read, that is told and nothing is left.
    """
    (root / "dir").chmod(0o777)
    (root / "file").chmod(0o000)

    def act():
        become_nobody()
        return tree.stand_in("dir/new", "file", COPY)

    assert "EACCES" == in_child(act)
    assert ["file", "up"] == sorted(os.listdir(root / "dir"))


# --------------------------------------------------------------------- probes


def test_tells_whether_hard_links_can_be_made(tree, root):
    """
    The probe leaves nothing; where we may not write, the answer is no.
    """
    before = snapshot(root)

    assert 1 == tree.can_hardlink()
    root.chmod(0o555)
    assert 0 == in_child(lambda: become_nobody() or tree.can_hardlink())
    root.chmod(0o755)
    assert before == snapshot(root)


@has_seccomp
@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (name, 0)
        for name in ["EPERM", "EOPNOTSUPP", "ENOSYS", "EACCES", "EMLINK"]
    ]
    + [(name, -1) for name in ("EIO", "ENOSPC")],
)
def test_knows_a_file_system_without_hard_links(root, error, expected):
    """
    From trouble, which is an error.
    """
    before = snapshot(root)

    def act():
        with Tree(root) as tree:
            deny(LINKAT, getattr(errno, error))
            return tree.can_hardlink()

    assert expected == in_child(act)
    assert before == snapshot(root)
