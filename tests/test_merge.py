"""Merging: into what others use, all of it or nothing, through no link."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from builder import WheelBuilder
from places import Place, demo, files_of, only_files, snapshot, tree_of
from test_interrupt import Interrupt
from test_staging import (
    AS_NOBODY,
    codes,
    linux_only,
    mounted,
    nobody_owns,
    open_place,
    posix_only,
    run_python,
)
from trees import RENAMEAT2, deny, has_seccomp, in_child

import unwheel
from unwheel import DestinationError, Policy
from unwheel.engine import run_many
from unwheel.merge import Moves
from unwheel.native import Tree
from unwheel.private import remove_stale
from unwheel.staging import Staging

__all__ = ["open_place"]  # a fixture

Contents = dict[str, bytes | str | None]  # as places.tree_of gives it

MERGE = Policy(existing="merge")
INFO = "demo-1.0.dist-info"

OLD: Contents = {
    "theirs": None,
    "theirs/file": b"theirs",
    "demo": None,
    "demo/a.py": b"old a",
    "demo/own.py": b"theirs",
    "demo/sub": None,
    "demo/sub/b.py": b"old b",
    "demo/link": "-> a.py",
    INFO: None,
    f"{INFO}/RECORD": b"old record",
}
NEW: Contents = {
    "demo": None,
    "demo/a.py": b"new a",
    "demo/link": "-> c.py",
    "demo/c.py": b"new c",
    "demo/sub": None,
    "demo/sub/b.py": b"new b",
    "demo/sub/deep": None,
    "demo/sub/deep/d.py": b"new d",
    INFO: None,
    f"{INFO}/METADATA": b"new metadata",
    f"{INFO}/RECORD": b"new record",
    "top.py": b"new top",
}


def lay(root: Path, contents: Contents) -> Path:
    """Make *contents* below *root*."""
    root.mkdir(exist_ok=True)
    for name, what in contents.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if what is None:
            path.mkdir(exist_ok=True)
        elif isinstance(what, str):
            path.symlink_to(what.removeprefix("-> "))
        else:
            path.write_bytes(what)
    return root


def staged(dest: Path, contents: Contents, links: str = "inside") -> Staging:
    """What is about to be merged into *dest*."""
    stage = Staging(str(dest), existing="merge", existing_links=links)
    stage.make()
    lay(Path(stage.path), contents)
    return stage


def merge(dest: Path, contents: Contents, links: str = "inside") -> str:
    """Merge *contents* into *dest*, as the engine does."""
    stage = staged(dest, contents, links)
    try:
        return stage.publish(last=INFO)
    finally:
        stage.discard()


def refusals(
    dest: Path, contents: Contents, links: str = "inside"
) -> Contents:
    """By member the codes for which it is refused; nothing has changed."""
    before = snapshot(dest.parent)
    with pytest.raises(DestinationError) as caught:
        merge(dest, contents, links)
    assert before == snapshot(dest.parent)
    assert caught.value.errno is not None
    return {p.member or "": p.code for p in caught.value.problems}


# ------------------------------------------------------------ what goes where


def test_new_and_old_are_one_tree(place: Place):
    """
    What the wheel has is replaced or added, what it has not is left.
    """
    lay(place.dest, OLD)

    how = merge(place.dest, NEW)

    assert "merge" == how
    assert {**OLD, **NEW} == tree_of(place.dest)


@pytest.mark.parametrize("there", ["missing", "empty"])
def test_nothing_to_merge_with(place: Place, there: str):
    """
    The directory is made, with its parents, and filled.
    """
    dest = place.out / "a/b"
    if there == "empty":
        dest.mkdir(parents=True)

    assert "merge" == merge(dest, NEW)
    assert NEW == tree_of(dest)
    plain = place.out / "plain"
    plain.mkdir()
    assert plain.stat().st_mode == dest.stat().st_mode


def test_a_wheel_is_merged(place: Place):
    """
    Through the front door, twice; the second time all is replaced.
    """
    wheel = place.put(demo())
    lay(place.dest, {"theirs": b"theirs"})

    for _ in range(2):
        report = unwheel.extract(wheel, place.dest, policy=MERGE)

        assert "merge" == report.publishing
        assert {**files_of(wheel), "theirs": b"theirs"} == only_files(
            tree_of(place.dest)
        )


def test_many_wheels_into_one_directory_that_is_not_there(place: Place):
    """
    They are staged side by side, before the first of them is published.
    """
    wheels = [
        place.put(WheelBuilder(f"d{k}", "1.0").file(f"ns/d{k}.py", b"x"))
        for k in range(6)
    ]

    for outcome in run_many(
        [(str(wheel), str(place.dest)) for wheel in wheels],
        policy=MERGE,
        threads=None,
        on_event=None,
    ):
        assert isinstance(outcome, unwheel.Report)

    assert [f"d{k}.py" for k in range(6)] == sorted(
        os.listdir(place.dest / "ns")
    )


@pytest.mark.parametrize("kind", ["file", "dangling"])
@posix_only
def test_no_directory_to_merge_into(place: Place, kind: str):
    """
    A file stays a file, and nobody follows a link to nowhere.
    """
    if kind == "file":
        place.dest.write_bytes(b"precious")
    else:
        place.dest.symlink_to("nowhere")

    with place.untouched(), pytest.raises(DestinationError) as caught:
        merge(place.dest, NEW)

    assert ["DESTINATION_EXISTS"] == codes(caught.value)


def test_the_current_directory_can_be_merged_into(
    place: Place, monkeypatch: pytest.MonkeyPatch
):
    """
    It stays the same directory.
    """
    lay(place.dest, OLD)
    monkeypatch.chdir(place.dest)

    unwheel.extract(place.put(demo()), ".", policy=MERGE)

    assert os.path.samefile(place.dest, ".")
    assert b"theirs" == Path("theirs/file").read_bytes()


@linux_only
def test_a_mount_point_can_be_merged_into(place: Place):
    """
    Staging lies inside it, so each move is a rename.
    """
    place.dest.mkdir()

    with mounted("-t", "tmpfs", "tmpfs", on=place.dest):
        lay(place.dest, OLD)
        merge(place.dest, NEW)
        tree = tree_of(place.dest)

    assert {**OLD, **NEW} == tree


def test_a_replaced_file_is_a_new_file(place: Place):
    """
    Whoever has the old one open, or linked, keeps the old content.
    """
    lay(place.dest, {"demo": None, "demo/a.py": b"old"})
    os.link(place.dest / "demo/a.py", place.out / "second name")

    with open(place.dest / "demo/a.py", "rb") as old:
        merge(place.dest, {"demo": None, "demo/a.py": b"new"})

        assert b"old" == old.read()
    assert b"old" == (place.out / "second name").read_bytes()
    assert b"new" == (place.dest / "demo/a.py").read_bytes()


@posix_only
def test_a_replaced_file_takes_the_new_mode(place: Place):
    """
    A program stays one, and what may not be written is replaced all the same.
    """
    lay(place.dest, {"tool": b"old"})
    (place.dest / "tool").chmod(0o400)
    stage = staged(place.dest, {"tool": b"new"})
    os.chmod(os.path.join(stage.path, "tool"), 0o755)

    stage.publish(last=INFO)

    assert 0o100755 == (place.dest / "tool").stat().st_mode


def test_record_comes_last(place: Place, monkeypatch: pytest.MonkeyPatch):
    """
    Whoever finds the new RECORD finds all that it lists.
    """
    lay(place.dest, OLD)
    moved: list[str] = []
    publish = Tree.publish

    def spy(tree: Tree, old: str, new: str, **how: bool) -> None:
        moved.append(new)
        publish(tree, old, new, **how)

    monkeypatch.setattr(Tree, "publish", spy)

    merge(place.dest, NEW)

    assert [
        "demo/a.py",
        "demo/c.py",
        "demo/link",
        "demo/sub/b.py",
        "demo/sub/deep",
        "top.py",
        f"{INFO}/METADATA",
        f"{INFO}/RECORD",
    ] == moved


# ------------------------------------------------------- what does not fit in


@pytest.mark.parametrize(
    ("there", "new", "expected"),
    [
        ({"demo": b"x"}, {"demo/a": b"a"}, {"demo": "EXISTING_FILE"}),
        ({"demo": b"x"}, {"demo": None}, {"demo": "EXISTING_FILE"}),
        ({"d/a": None}, {"d/a": b"a"}, {"d/a": "EXISTING_FOLDER"}),
        ({"d/a": None}, {"d/a": "-> b"}, {"d/a": "EXISTING_FOLDER"}),
        (
            {"a": None, "b": b"b", "c/x": b"x"},
            {"a": b"a", "b/c": b"b", "c/x": b"new", "d": b"d"},
            {"a": "EXISTING_FOLDER", "b": "EXISTING_FILE"},
        ),
    ],
    ids=["file", "file for an empty folder", "folder", "for a link", "all"],
)
def test_a_file_is_no_folder(
    place: Place, there: Contents, new: Contents, expected: Contents
):
    """
    Neither takes the place of the other; all problems are told at once.
    """
    lay(place.dest, there)

    assert expected == refusals(place.dest, new)


@posix_only
def test_a_fifo_is_replaced_and_never_opened(place: Place):
    """
    As any other thing that is no folder.
    """
    place.dest.mkdir()
    os.mkfifo(place.dest / "a")

    merge(place.dest, {"a": b"new"})

    assert {"a": b"new"} == tree_of(place.dest)


# ----------------------------------------------------- links that were there

AROUND: Contents = {
    "out": None,
    "out/tree": None,
    "out/tree/share": None,
    "out/tree/share/man": None,
    "out/tree/share/man/theirs": b"theirs",
    "out/tree/file": b"theirs",
    "out/outside": None,
    "out/outside/man": None,
    "out/outside/man/theirs": b"theirs",
}
PAGE: Contents = {"man/page": b"new"}
INSIDE, OUTSIDE = "share/man/page", "../outside/man/page"
ROWS = [
    # the link "man", then where "man/page" is by policy, or the code
    ("share/man", INSIDE, "EXISTING_LINK", INSIDE),
    ("./share/../share/man/", INSIDE, "EXISTING_LINK", INSIDE),
    ("{dest}/share/man", INSIDE, "EXISTING_LINK", INSIDE),
    ("../tree/share/man", INSIDE, "EXISTING_LINK", INSIDE),
    ("first", INSIDE, "EXISTING_LINK", INSIDE),
    (".", "page", "EXISTING_LINK", "page"),
    ("../outside/man", "EXISTING_LINK", "EXISTING_LINK", OUTSIDE),
    ("{out}/outside/man", "EXISTING_LINK", "EXISTING_LINK", OUTSIDE),
    ("..", "EXISTING_LINK", "EXISTING_LINK", "../page"),
    ("away", "EXISTING_LINK", "EXISTING_LINK", OUTSIDE),
    ("nowhere", "EXISTING_LINK", "EXISTING_LINK", "EXISTING_LINK"),
    ("../tree2", "EXISTING_LINK", "EXISTING_LINK", "EXISTING_LINK"),
    ("file", "EXISTING_LINK", "EXISTING_LINK", "EXISTING_LINK"),
    ("man", "EXISTING_LINK", "EXISTING_LINK", "EXISTING_LINK"),
]


@posix_only
@pytest.mark.parametrize(
    ("text", "links", "expected"),
    [
        (row[0], links, row[k])
        for row in ROWS
        for k, links in enumerate(("inside", "refuse", "follow"), 1)
    ],
)
def test_a_folder_that_is_a_link(
    place: Place, text: str, links: str, expected: str
):
    """
    Followed as the policy says, with all links on the way; else refused.
    """
    lay(place.root, AROUND)
    lay(place.dest, {"first": "-> second", "second": "-> share/man"})
    lay(place.dest, {"away": "-> ../outside/away"})
    lay(place.out, {"outside/away": "-> man"})
    text = text.format(dest=place.dest, out=place.out)
    (place.dest / "man").symlink_to(text)
    before = tree_of(place.root)

    if expected == "EXISTING_LINK":
        assert {"man": expected} == refusals(place.dest, PAGE, links)
    else:
        merge(place.dest, PAGE, links)
        where = os.path.normpath(f"out/tree/{expected}")
        assert {**before, where: b"new"} == tree_of(place.root)


@posix_only
@pytest.mark.parametrize(
    ("text", "links", "accept"),
    [
        ("share/man", "refuse", 'existing_links="inside"'),
        ("../outside/man", "refuse", 'existing_links="follow"'),
        ("../outside/man", "inside", 'existing_links="follow"'),
        ("nowhere", "inside", None),
        ("file", "refuse", None),
    ],
)
def test_who_would_accept_a_link(
    place: Place, text: str, links: str, accept: str | None
):
    """
    The refusal names the policy that would, or none.
    """
    lay(place.root, AROUND)
    (place.dest / "man").symlink_to(text)

    with pytest.raises(DestinationError) as caught:
        merge(place.dest, PAGE, links)

    [problem] = caught.value.problems
    assert (accept, "man") == (problem.accept, problem.member)
    assert problem.found == f"{place.dest}/man -> {text}"


@posix_only
@pytest.mark.parametrize("links", ["inside", "refuse", "follow"])
@pytest.mark.parametrize("new", [b"new", "-> page"], ids=["file", "link"])
@pytest.mark.parametrize(
    "text", ["file", "nowhere", "share", "../outside", "/etc/passwd", "page"]
)
def test_a_final_name_that_is_a_link_is_replaced(
    place: Place, text: str, new: bytes | str, links: str
):
    """
    Never written through, wherever it leads, and whatever the policy.
    """
    lay(place.root, AROUND)
    (place.dest / "page").symlink_to(text)
    before = tree_of(place.root)

    merge(place.dest, {"page": new}, links)

    assert {**before, "out/tree/page": new} == tree_of(place.root)


@posix_only
def test_the_root_may_be_reached_by_links(place: Place):
    """
    It is trusted; "inside" means inside of what it leads to.
    """
    lay(place.root, AROUND)
    (place.dest / "man").symlink_to(place.dest / "share/man")
    (place.root / "short").symlink_to("out")

    merge(place.root / "short/tree", PAGE)

    assert b"new" == (place.dest / "share/man/page").read_bytes()


@posix_only
@pytest.mark.parametrize("links", ["inside", "follow"])
def test_one_place_for_two_names_is_refused(place: Place, links: str):
    """
    By a link there; else one member would be lost silently.
    """
    lay(place.root, AROUND)
    (place.dest / "man").symlink_to("share/man")
    new: Contents = {"man/page": b"1", "share/man/page": b"2"}

    assert {"share/man/page": "EXISTING_LINK"} == refusals(
        place.dest, new, links
    )


@posix_only
def test_a_link_that_is_walked_is_not_replaced(place: Place):
    """
    Of two names of one place, one needs the link there, the other its end.
    """
    lay(
        place.dest, {"a": None, "real": None, "b": "-> a", "a/l": "-> ../real"}
    )
    new: Contents = {"a/l": b"1", "b/l/x": b"2"}

    assert {"b/l": "EXISTING_LINK"} == refusals(place.dest, new)


@posix_only
def test_two_names_beside_each_other_are_fine(place: Place):
    """
    Two ways to one folder, and different names in it.
    """
    lay(place.root, AROUND)
    (place.dest / "man").symlink_to("share/man")

    merge(place.dest, {"man/page": b"1", "share/man/other": b"2"})

    assert {b"1", b"2", b"theirs"} == {
        path.read_bytes() for path in (place.dest / "share/man").iterdir()
    }


@posix_only
@pytest.mark.parametrize(
    ("link", "text", "code"),
    [
        ("man/l", "page", None),
        ("man/l", "sub/page", None),
        ("man/sub/l", "../page", None),
        ("man/sub/deep/l", "../../page", None),
        ("man/l", "../page", "EXISTING_LINK"),
        ("man/sub/l", "../../page", "EXISTING_LINK"),
        ("l", "man/page", None),
        ("man/l", "/etc/passwd", None),
    ],
)
def test_a_link_may_not_come_to_mean_another_place(
    place: Place, link: str, text: str, code: str | None
):
    """
    "man/l -> ../x" is "x" in the wheel, but "share/x" where it would be.

    A wheel can prepare the folder for another: a way out of the root that
    neither of them is.
    """
    lay(place.root, AROUND)
    (place.dest / "man").symlink_to("share/man")
    new: Contents = {**PAGE, link: f"-> {text}"}

    if code:
        assert {link: code} == refusals(place.dest, new)
    else:
        merge(place.dest, new)
        assert text == os.readlink(place.dest / link)


# --------------------------------------------------------------------- races


@posix_only
@pytest.mark.parametrize("links", ["inside", "refuse", "follow"])
def test_a_folder_that_becomes_a_link_is_no_way_out(
    place: Place, monkeypatch: pytest.MonkeyPatch, links: str
):
    """
    Swapped after it was judged, right before a move into it.
    """
    lay(place.root, AROUND)
    lay(place.dest, {"demo/old": b"old"})
    publish = Tree.publish

    def swap(tree: Tree, old: str, new: str, **how: bool) -> None:
        monkeypatch.setattr(Tree, "publish", publish)
        os.rename(place.dest / "demo", place.dest / "moved")
        (place.dest / "demo").symlink_to("../outside")
        publish(tree, old, new, **how)

    monkeypatch.setattr(Tree, "publish", swap)
    outside = snapshot(place.out / "outside")

    with pytest.raises(DestinationError) as caught:
        merge(place.dest, {"demo/new": b"new"}, links)

    assert ["ELOOP"] == codes(caught.value)
    assert outside == snapshot(place.out / "outside")
    assert {"old"} == set(os.listdir(place.dest / "moved"))


@posix_only
def test_a_folder_that_is_swapped_all_the_time(place: Place):
    """
    Somebody turns it into a link and back; what that leads to is untouched.
    """
    lay(place.root, AROUND)
    lay(place.dest, {"demo/sub": None})
    outside = snapshot(place.out / "outside")
    (place.dest / "held").symlink_to("../outside")
    stop = threading.Event()

    def swap() -> None:
        tree = Tree(str(place.dest))
        while not stop.is_set():
            tree.publish("demo", "held", exchange=True)
        tree.close()

    new: Contents = {f"demo/sub/{k}": b"new" for k in range(8)}
    new |= {f"demo/{k}": b"new" for k in range(8)}
    refused = 0
    swapper = threading.Thread(target=swap)
    swapper.start()
    try:
        for k in range(60):
            try:
                merge(place.dest, new, ("inside", "refuse")[k % 2])
            except DestinationError:
                refused += 1
    finally:
        stop.set()
        swapper.join()

    assert outside == snapshot(place.out / "outside")
    assert refused > 0
    for kept in place.dest.glob(".unwheel-*.kept"):
        shutil.rmtree(kept)


def before_move(
    monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]
) -> None:
    """Have somebody *act* right before the first move."""
    publish = Tree.publish

    def moved(tree: Tree, old: str, new: str, **how: bool) -> None:
        monkeypatch.setattr(Tree, "publish", publish)
        act()
        publish(tree, old, new, **how)

    monkeypatch.setattr(Tree, "publish", moved)


def test_what_came_into_being_meanwhile_is_not_replaced(
    place: Place, monkeypatch: pytest.MonkeyPatch
):
    """
    There was nothing when it was judged.
    """
    lay(place.dest, {"demo": None})
    file = place.dest / "demo/a"
    before_move(monkeypatch, lambda: file.write_bytes(b"theirs"))

    with pytest.raises(DestinationError) as caught:
        merge(place.dest, {"demo/a": b"new"})

    assert ["EEXIST"] == codes(caught.value)
    assert {"demo": None, "demo/a": b"theirs"} == tree_of(place.dest)


@posix_only
def test_a_folder_that_came_into_being_goes_back(
    place: Place, monkeypatch: pytest.MonkeyPatch
):
    """
    An exchange takes whatever is there, and nobody gave us a folder.
    """
    lay(place.dest, {"a": b"old"})

    def act() -> None:
        (place.dest / "a").unlink()
        lay(place.dest, {"a/precious": b"theirs"})

    before_move(monkeypatch, act)

    with pytest.raises(DestinationError) as caught:
        merge(place.dest, {"a": b"new"})

    assert ["EXISTING_FOLDER"] == codes(caught.value)
    assert {"a": None, "a/precious": b"theirs"} == tree_of(place.dest)


def test_what_has_gone_meanwhile_is_told(
    place: Place, monkeypatch: pytest.MonkeyPatch
):
    """
    Somebody else is at work there, and it is not for us to guess at what.
    """
    lay(place.dest, {"a": b"old"})
    before_move(monkeypatch, (place.dest / "a").unlink)

    with pytest.raises(DestinationError) as caught:
        merge(place.dest, {"a": b"new"})

    assert ["ENOENT"] == codes(caught.value)
    assert {} == tree_of(place.dest)


# ------------------------------------------------------------------- failures

MOVES = 8  # that NEW takes where OLD is, and one more than


class Broken:
    """Raises at the *nth* move: instead of it, or right after it."""

    def __init__(self, nth: int, error: BaseException, after: bool) -> None:
        self.left = nth
        self.error = error
        self.after = after
        self.publish = Tree.publish

    def __get__(self, tree: Tree, _: type) -> Callable[..., None]:
        """As a method of *tree*."""

        def call(old: str, new: str, **how: bool) -> None:
            self.left -= 1
            if self.left or self.after:
                self.publish(tree, old, new, **how)
            if self.left == 0:
                raise self.error

        return call


def io_error() -> DestinationError:
    """What a broken disk says."""
    return DestinationError(
        [unwheel.Problem("EIO", "input/output error")], errno=errno.EIO
    )


@pytest.mark.parametrize("after", [True, False], ids=["after", "instead"])
@pytest.mark.parametrize("nth", range(1, MOVES + 1))
@pytest.mark.parametrize("kind", ["error", "Ctrl-C"])
def test_a_failure_at_any_move_takes_all_back(
    place: Place,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    nth: int,
    after: bool,
):
    """
    The same files as before, to the inode, under the same names.
    """
    lay(place.dest, OLD)
    error = KeyboardInterrupt() if kind == "Ctrl-C" else io_error()
    broken = Broken(nth, error, after)
    monkeypatch.setattr(Tree, "publish", broken)

    with place.untouched(), pytest.raises(type(error)) as caught:
        merge(place.dest, NEW)

    assert error is caught.value
    assert broken.left <= 0


def test_every_move_was_broken(place: Place, monkeypatch: pytest.MonkeyPatch):
    """
    There are as many moves as the test above breaks.
    """
    lay(place.dest, OLD)
    broken = Broken(MOVES + 1, io_error(), after=False)
    monkeypatch.setattr(Tree, "publish", broken)

    merge(place.dest, NEW)

    assert 1 == broken.left


@posix_only
def test_ctrl_c_while_all_is_taken_back(
    place: Place, monkeypatch: pytest.MonkeyPatch
):
    """
    At any line of that; who cleans up goes on where it was interrupted.
    """
    take_back = Moves.take_back
    came = True
    nth = 0
    while came:
        nth += 1
        lay(place.dest, OLD)
        interrupt = Interrupt(nth)

        def interrupted(moves: Moves, by: Interrupt = interrupt) -> object:
            monkeypatch.setattr(Moves, "take_back", take_back)
            if by.run(lambda: take_back(moves)):
                raise KeyboardInterrupt
            return []

        with monkeypatch.context() as patch, place.untouched():
            monkeypatch.setattr(Moves, "take_back", interrupted)
            patch.setattr(Tree, "publish", Broken(MOVES, io_error(), False))
            with pytest.raises((KeyboardInterrupt, DestinationError)):
                merge(place.dest, NEW)
        came = interrupt.left <= 0
        shutil.rmtree(place.dest)

    assert nth > 100


def test_what_cannot_be_put_back_is_kept(
    place: Place, monkeypatch: pytest.MonkeyPatch
):
    """
    Where it is, is told, and no cleaner takes it for its own.
    """
    lay(place.dest, OLD)
    publish = Tree.publish

    def fail(tree: Tree, old: str, new: str, **how: bool) -> None:
        if "top.py" in new:
            monkeypatch.setattr(Tree, "publish", stuck)
            raise io_error()
        publish(tree, old, new, **how)

    def stuck(tree: Tree, old: str, new: str, **how: bool) -> None:
        if new == "demo/sub/b.py":
            raise io_error()
        publish(tree, old, new, **how)

    monkeypatch.setattr(Tree, "publish", fail)

    with pytest.raises(DestinationError) as caught:
        merge(place.dest, NEW)

    assert ["EIO", "EIO", "NOT_PUT_BACK"] == codes(caught.value)
    assert errno.EIO == caught.value.errno
    kept = Path(caught.value.problems[-1].found or "")
    assert kept.parent == place.dest
    assert b"old b" == (kept / "demo/sub/b.py").read_bytes()
    assert [] == remove_stale(str(place.dest))
    shutil.rmtree(kept)
    assert {**OLD, "demo/sub/b.py": b"new b"} == tree_of(place.dest)


@pytest.mark.parametrize("step", ["lstat", "rename"])
def test_nothing_is_removed_that_cannot_be_put_back(
    place: Place, monkeypatch: pytest.MonkeyPatch, step: str
):
    """
    Nor if the directory cannot get another name: then it is left.
    """
    lay(place.dest, {"a": b"old", "b": b"old"})
    publish = Tree.publish
    call = getattr(os, step)

    def stuck(path: str, *more: str, **how: int) -> object:
        if step == "rename" or os.path.basename(path) == "a":
            raise PermissionError(errno.EACCES, "no", path)
        return call(path, *more, **how)

    def fail(tree: Tree, old: str, new: str, **how: bool) -> None:
        if new == "b":
            monkeypatch.setattr(os, step, stuck)
            if step == "rename":
                monkeypatch.setattr(
                    Tree, "publish", Broken(1, io_error(), False)
                )
            raise io_error()
        publish(tree, old, new, **how)

    monkeypatch.setattr(Tree, "publish", fail)

    with pytest.raises(DestinationError) as caught:
        merge(place.dest, {"a": b"new", "b": b"new"})

    monkeypatch.undo()
    assert "NOT_PUT_BACK" == codes(caught.value)[-1]
    kept = Path(caught.value.problems[-1].found or "")
    assert kept.name.endswith(".kept") == (step == "lstat")
    assert b"old" == (kept / "a").read_bytes()
    shutil.rmtree(kept)


def test_a_deep_tree_is_merged(place: Place):
    """
    Deeper than Python calls itself; the caller may allow any depth.
    """
    name = "/".join(["d"] * 1500)
    place.dest.mkdir()
    for _ in range(2):
        stage = staged(place.dest, {})
        tree = Tree(stage.path)
        tree.write(f"{name}/x", b"new", executable=False)
        tree.close()

        stage.publish(last=INFO)

    assert b"new" == (place.dest / name / "x").read_bytes()
    subprocess.run(["rm", "-r", place.dest], check=True)


@posix_only
def test_what_is_told_cannot_drive_a_terminal(place: Place):
    """
    The link there may have any text.
    """
    lay(place.dest, {"demo": "-> \x1b[2Jnowhere"})

    with pytest.raises(DestinationError) as caught:
        merge(place.dest, NEW)

    assert "\x1b" not in str(caught.value)
    assert "\\x1b[2J" in str(caught.value)


@linux_only
def test_another_file_system_below_is_refused(place: Place):
    """
    No rename leads there; told before anything has moved.
    """
    lay(place.dest, OLD)
    (place.dest / "mounted").mkdir()

    with mounted("-t", "tmpfs", "tmpfs", on=place.dest / "mounted"):
        found = refusals(place.dest, {**NEW, "mounted/x": b"x"})

    assert {"mounted": "EXDEV"} == found


@linux_only
def test_a_bound_directory_below_is_taken_back(place: Place):
    """
    It looks like the same file system; the rename knows better.
    """
    lay(place.dest, OLD)
    (place.dest / "mounted").mkdir()
    (place.out / "bound").mkdir()

    with mounted(
        "--bind", str(place.out / "bound"), on=place.dest / "mounted"
    ):
        found = refusals(place.dest, {**NEW, "mounted/x": b"x"})

    assert {"mounted/x": "EXDEV"} == found


@posix_only
@pytest.mark.parametrize("where", [".", "demo", "demo/sub", INFO])
def test_a_folder_that_may_not_be_written_is_told(
    open_place: Place, where: str
):
    """
    EACCES, and nothing has changed, wherever in the tree it is.
    """
    lay(open_place.dest, {**OLD, f"{INFO}/METADATA": b"old"})
    wheel = open_place.put(demo().file("demo/sub/b.py", b"new"))
    for path in [open_place.dest, *open_place.dest.rglob("*")]:
        if not path.is_symlink():
            nobody_owns(path)
    (open_place.dest / where).chmod(0o555)

    with open_place.untouched():
        done = run_python(
            AS_NOBODY.replace(
                "argv[2])", "argv[2], policy=Policy(existing='merge'))"
            ),
            str(wheel),
            str(open_place.dest),
        )

    assert f"DestinationError {errno.EACCES} EACCES\n" == done


# ------------------------------------------------ where nothing can exchange


@has_seccomp
@pytest.mark.parametrize("number", [errno.ENOSYS, errno.EINVAL, errno.EPERM])
def test_without_exchange_it_is_the_same(place: Place, number: int):
    """
    NFS and old kernels: the old file gets a second name, then is replaced.
    """
    lay(place.dest, OLD)

    def alone() -> str:
        deny(RENAMEAT2, number)
        return merge(place.dest, NEW)

    assert "merge" == in_child(alone)
    assert {**OLD, **NEW} == tree_of(place.dest)


@has_seccomp
@pytest.mark.parametrize("after", [True, False], ids=["after", "instead"])
@pytest.mark.parametrize("nth", range(1, MOVES + 1))
def test_without_exchange_all_is_taken_back(
    place: Place, monkeypatch: pytest.MonkeyPatch, nth: int, after: bool
):
    """
    The old files are put back by the second names that they were given.
    """
    lay(place.dest, OLD)

    def no_exchange(tree: Tree, old: str, new: str, **how: bool) -> None:
        if how.get("exchange"):
            raise DestinationError([], errno=errno.ENOSYS)
        broken.__get__(tree, Tree)(old, new, **how)

    broken = Broken(nth, io_error(), after)
    monkeypatch.setattr(Tree, "publish", no_exchange)
    files = {p: p.lstat().st_ino for p in place.dest.rglob("*.py")}

    with pytest.raises(DestinationError):
        merge(place.dest, NEW)

    assert OLD == tree_of(place.dest)
    assert files == {p: p.lstat().st_ino for p in place.dest.rglob("*.py")}


# --------------------------------------------------------------------- kills


@posix_only
@pytest.mark.parametrize("after", [True, False], ids=["after", "before"])
@pytest.mark.parametrize("nth", range(1, MOVES + 1))
def test_killed_at_any_move_each_name_is_old_or_new(
    place: Place, monkeypatch: pytest.MonkeyPatch, nth: int, after: bool
):
    """
    Never missing, never half; and the next run completes it.
    """
    lay(place.dest, OLD)

    class Killed(Broken):
        def __get__(self, tree: Tree, _: type) -> Callable[..., None]:
            call = super().__get__(tree, _)

            def killed(old: str, new: str, **how: bool) -> None:
                try:
                    call(old, new, **how)
                except DestinationError:
                    os.kill(os.getpid(), signal.SIGKILL)

            return killed

    monkeypatch.setattr(Tree, "publish", Killed(nth, io_error(), after))
    child = os.fork()
    if child == 0:
        merge(place.dest, NEW)
        os._exit(0)
    assert signal.SIGKILL == os.waitpid(child, 0)[1]
    monkeypatch.undo()

    assert 1 == len(remove_stale(str(place.dest)))
    found = tree_of(place.dest)
    assert OLD.keys() <= found.keys()
    for name, what in found.items():
        assert what in (OLD.get(name, what), NEW.get(name, what))
        assert name in OLD or name in NEW
    new = {name for name in NEW if NEW[name] is not None}
    done = sum(found.get(name) == NEW[name] for name in new)
    assert done == nth - (not after)
    merge(place.dest, NEW)
    assert {**OLD, **NEW} == tree_of(place.dest)
