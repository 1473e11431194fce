"""
A commit whose any system call fails or is its last; and what comes after.

Each happens in a process of its own (`injector`).  A part of them is run,
another one on each version of Python; with UNWHEEL_TEST_FAULTS=all, all are.
"""

from __future__ import annotations

import binascii
import errno
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from injector import (
    FAIL,
    KILL_AFTER,
    KILL_BEFORE,
    NOTHING,
    OPENS,
    OTHER,
    WRITES,
    Fault,
    Injector,
    Outcome,
    can_inject,
)
from places import tree_of
from sites import Files, Site
from trees import RENAMEAT2, deny, in_child

from unwheel import DestinationError
from unwheel.private import Lock
from unwheel.site.distributions import find_installed
from unwheel.site.journal import FILE, ROOMS, SEAL, Operation
from unwheel.site.moving import Mover
from unwheel.site.transaction import recover

needs_injector = pytest.mark.skipif(
    not can_inject(), reason="seccomp is Linux's, and registers are known"
)

ALL = os.environ.get("UNWHEEL_TEST_FAULTS") == "all"
ANY = OTHER | OPENS | WRITES

# Of how many faults one happens, if not all; and which of them.
STRIDE = 59
OFFSET = int(os.environ.get("UNWHEEL_TEST_SEED", sys.version_info.minor))

OLD: Files = {
    ("purelib", "demo/__init__.py"): b"old",
    ("purelib", "demo/__pycache__/__init__.cpython-311.pyc"): b"old",
    ("purelib", "demo/gone.py"): b"old gone",
    ("purelib", "demo/sub/deep.py"): b"old deep",
    ("purelib", "demo/lib.so"): "-> sub/deep.py",
    ("purelib", "gone/all.py"): b"old all",
    ("scripts", "demo"): b"#!old",
    ("scripts", "demo-old"): b"#!old",
}
NEW: Files = {
    ("purelib", "demo/__init__.py"): b"new",
    ("purelib", "demo/__pycache__/__init__.cpython-311.pyc"): b"new",
    ("purelib", "demo/come.py"): b"new come",
    ("purelib", "demo/lib.so"): "-> come.py",
    ("purelib", "demo/new/deep.py"): b"new deep",
    ("scripts", "demo"): b"#!new",
    ("headers", "demo/demo.h"): b"new",
}


class Scenario:
    """
    One commit.

    Attributes:
        site: Where.
        old: All that is there before it.
        new: All that is there after it.
    """

    version = "2.0"

    def __init__(self, folder: Path) -> None:
        """See what it does if nothing disturbs it."""
        self.folder = folder
        self.lay()
        self.old = self.site.tree()
        self.prepare()
        for _ in self.work():
            pass
        self.new = self.site.tree()
        assert self.old != self.new
        assert [] == self.site.left()

    def lay(self) -> None:
        """Have all as it is before."""
        shutil.rmtree(self.folder / "venv", ignore_errors=True)
        self.site = Site(self.folder / "venv")
        self.have()

    def have(self) -> None:
        """Install what is there before."""

    def prepare(self) -> None:
        """Stage."""
        self.transaction = self.site.transaction("demo", self.version, NEW)
        self.replaces = find_installed(self.site.places, "demo")

    def limit(self) -> None:
        """Have the process do less than others, for good."""

    def begin(self) -> None:
        """What a process does before it is disturbed."""
        self.limit()
        self.prepare()

    def work(self) -> Iterator[object]:
        """Commit."""
        try:
            yield self.transaction.commit(
                record=f"demo-{self.version}.dist-info/RECORD",
                replaces=self.replaces,
            )
        finally:
            self.transaction.discard()

    def recover(self) -> Iterator[object]:
        """What the next run does first."""
        yield from self.recover_here()

    def recover_here(self) -> Iterator[object]:
        """The same in this process, disturbed or not."""
        yield from recover(str(self.site.packages))

    def check(self, allowed: Iterable[object], fault: Fault) -> None:
        """Have a run come after it."""
        told = list(self.recover())
        found = self.site.tree()
        allowed = list(allowed)
        differences = [found.items() ^ tree.items() for tree in allowed]
        assert found in allowed, (fault, told, differences)
        assert [] == self.site.left()


class Fresh(Scenario):
    """Nothing is there."""


class Upgrade(Scenario):
    """An old version is there, whose folders are exchanged."""

    def have(self) -> None:
        """Have the old version."""
        self.site.install("demo", "1.0", OLD)


class Again(Upgrade):
    """The same version is there, with another content."""

    version = "1.0"


class ByName(Upgrade):
    """Files of others are in all folders."""

    def have(self) -> None:
        """Have more than the old version."""
        super().have()
        for folder in ("demo", "demo/sub", "gone"):
            (self.site.packages / folder / "theirs").write_bytes(b"theirs")


class Namespace(Upgrade):
    """Another distribution has its files in the same folders."""

    def have(self) -> None:
        """Have both."""
        super().have()
        self.site.install(
            "other",
            "1.0",
            {
                ("purelib", "demo/new/other.py"): b"other",
                ("purelib", "demo/sub/other.py"): b"other",
                ("scripts", "other"): b"#!other",
            },
        )


class WithoutExchange(ByName):
    """On a file system that knows plain renames alone, as NFS is."""

    def limit(self) -> None:
        """Have the system say so."""
        assert RENAMEAT2 is not None
        deny(RENAMEAT2, errno.EINVAL)

    def recover(self) -> Iterator[object]:
        """In a process of its own, where it is so, too."""

        def limited() -> list[str]:
            self.limit()
            return [str(told) for told in recover(str(self.site.packages))]

        yield from in_child(limited)


SCENARIOS = [Fresh, Upgrade, Again, ByName, Namespace, WithoutExchange]
each = pytest.mark.parametrize(
    "kind", SCENARIOS, ids=[kind.__name__ for kind in SCENARIOS]
)


def some(count: int, more: int = 0) -> Iterable[int]:
    """Which of *count* calls are harmed; others with another *more*."""
    if ALL:
        return range(1, count + 1)
    return range(1 + (OFFSET + more) % STRIDE, count + 1, STRIDE)


def count_of(injector: Injector, scenario: Scenario) -> int:
    """How many calls there are."""
    scenario.lay()
    outcome = injector.run(
        scenario.work, Fault(NOTHING, kinds=ANY), scenario.begin
    )
    assert outcome.raised is None, outcome.raised
    return outcome.calls


@needs_injector
@each
def test_killed_at_any_call(kind: type[Scenario], tmp_path: Path):
    """
    The next run leaves the old version or the new one, and nothing of ours.
    """
    injector = Injector()
    scenario = kind(tmp_path)
    ends = set()
    for nth in some(count_of(injector, scenario)):
        for action in (KILL_BEFORE, KILL_AFTER) if ALL else (KILL_BEFORE,):
            fault = Fault(action, nth=nth, kinds=ANY)
            scenario.lay()
            outcome = injector.run(scenario.work, fault, scenario.begin)
            assert outcome.killed
            scenario.check((scenario.old, scenario.new), fault)
            ends.add(scenario.site.tree() == scenario.new)

    assert {False, True} == ends


@needs_injector
@each
def test_any_call_fails(kind: type[Scenario], tmp_path: Path):
    """
    Then all is as it was and the error says why, or it does not matter.
    """
    injector = Injector()
    scenario = kind(tmp_path)
    count = count_of(injector, scenario)
    failed = 0
    errors = (errno.EIO, errno.ENOSPC, errno.EACCES, errno.EINTR)
    for error in errors if ALL else errors[OFFSET % 2 :: 2]:
        for nth in some(count, more=7 * error):
            fault = Fault(FAIL, error, nth, ANY)
            scenario.lay()
            outcome = injector.run(scenario.work, fault, scenario.begin)
            assert not outcome.handles
            check_error(fault, outcome)
            failed += outcome.raised is not None
            scenario.check(
                [scenario.old if outcome.raised else scenario.new], fault
            )

    assert failed


def check_error(fault: Fault, outcome: Outcome) -> None:
    """It is ours, and names the cause."""
    error = outcome.raised
    if error is None:
        return
    assert "DestinationError" in error.kinds, (fault, error.trace)
    assert errno.errorcode[fault.error] in error.codes, (fault, error.trace)
    assert fault.error == error.error, (fault, error.trace)


@needs_injector
@each
def test_all_calls_fail_from_one_on(kind: type[Scenario], tmp_path: Path):
    """
    Then nothing can be taken back, but the next run can do it.
    """
    injector = Injector()
    scenario = kind(tmp_path)
    for nth in some(count_of(injector, scenario)):
        fault = Fault(FAIL, errno.EIO, nth, ANY, lasting=True)
        scenario.lay()
        injector.run(scenario.work, fault, scenario.begin)
        scenario.check((scenario.old, scenario.new), fault)


@needs_injector
@each
@pytest.mark.parametrize("action", [KILL_BEFORE, FAIL])
def test_recovery_is_disturbed_too(
    kind: type[Scenario], action: int, tmp_path: Path
):
    """
    At any call, after a kill in the middle; the run after that succeeds.
    """
    injector = Injector()
    scenario = kind(tmp_path)
    count = count_of(injector, scenario)
    moments = range(count // 3, count, count // 5) if ALL else [count // 2]
    for nth in moments:
        first = Fault(KILL_BEFORE, nth=nth + OFFSET, kinds=ANY)
        again = 0 if ALL else OFFSET
        while True:
            again += 1 if ALL else STRIDE
            second = Fault(action, errno.EIO, again, ANY)
            scenario.lay()
            injector.run(scenario.work, first, scenario.begin)
            outcome = injector.run(
                scenario.recover_here, second, scenario.limit
            )
            scenario.check((scenario.old, scenario.new), second)
            if not outcome.harmed:
                break


# ------------------------------------------------- somebody else in between


def killed_after(scenario: Scenario, steps: int) -> None:
    """Have the process end when *steps* of the commit are done."""
    scenario.prepare()
    child = os.fork()
    if child == 0:
        left = steps
        do = Mover.do

        def counted(mover: Mover, operation: Operation) -> None:
            nonlocal left
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1
            do(mover, operation)

        Mover.do = counted  # type: ignore[method-assign]
        try:
            list(scenario.work())
        finally:
            os._exit(1)
    assert signal.SIGKILL == os.waitpid(child, 0)[1]
    # What this process has of it; the child's lock was the same one.
    scenario.transaction._private.unlock()


def without(tree: dict[str, object], *names: str) -> dict[str, object]:
    """The *tree* without *names*, and what is below them."""
    return {
        path: what
        for path, what in tree.items()
        if not any(f"{path}/".startswith(f"{name}/") for name in names)
    }


PACKAGES = "lib/python3.11/site-packages"


@pytest.mark.parametrize("kind", [Upgrade, ByName])
def test_nothing_in_the_way_it_is_finished(
    kind: type[Scenario], tmp_path: Path
):
    """
    After any step; it is told what became of which distribution.
    """
    scenario = kind(tmp_path)
    steps = 0
    while True:
        scenario.lay()
        scenario.prepare()
        wanted = len(judged_names(scenario))
        scenario.transaction.discard()
        killed_after(scenario, steps)

        (told,) = recover(str(scenario.site.packages))

        assert "finished" == told.outcome
        assert told.record.endswith("demo-2.0.dist-info/RECORD")
        assert scenario.new == scenario.site.tree()
        steps += 1
        if steps == wanted:
            break


def judged_names(scenario: Scenario) -> list[str]:
    """All names that the commit changes."""
    judged = scenario.transaction.judge(
        record=f"demo-{scenario.version}.dist-info/RECORD",
        replaces=scenario.replaces,
    )
    return [*judged.added, *judged.replaced, *judged.removed]


def test_a_file_that_came_into_the_way_stays(tmp_path: Path):
    """
    Then nothing can be finished, so all is undone; it is told why.
    """
    scenario = ByName(tmp_path)
    scenario.lay()
    killed_after(scenario, 3)
    theirs = scenario.site.packages / "demo-2.0.dist-info"
    theirs.mkdir()
    (theirs / "theirs").write_bytes(b"theirs")

    (told,) = recover(str(scenario.site.packages))

    assert "undone" == told.outcome
    assert ["CHANGED"] == [problem.code for problem in told.problems]
    assert b"theirs" == (theirs / "theirs").read_bytes()
    name = f"{PACKAGES}/demo-2.0.dist-info"
    assert scenario.old == without(scenario.site.tree(), name)
    assert [] == scenario.site.left()


def test_a_file_that_was_replaced_by_others_stays(tmp_path: Path):
    """
    Of the old version; it is not taken for it, even under the same inode.
    """
    scenario = ByName(tmp_path)
    scenario.lay()
    killed_after(scenario, 0)
    path = scenario.site.packages / "demo/__init__.py"
    path.write_bytes(b"theirs, longer")

    (told,) = recover(str(scenario.site.packages))

    assert "undone" == told.outcome
    assert b"theirs, longer" == path.read_bytes()
    name = f"{PACKAGES}/demo/__init__.py"
    assert without(scenario.old, name) == without(scenario.site.tree(), name)
    assert [] == scenario.site.left()


@pytest.mark.parametrize("step", [2, 4])
def test_a_file_in_an_exchanged_folder_stays(tmp_path: Path, step: int):
    """
    In the old one it prevents that; in the new one it is in no way.
    """
    scenario = Upgrade(tmp_path)
    scenario.lay()
    killed_after(scenario, step)
    name = f"{PACKAGES}/demo/theirs.py"
    (scenario.site.root / name).write_bytes(b"theirs")

    (told,) = recover(str(scenario.site.packages))

    found = scenario.site.tree()
    assert b"theirs" == found.pop(name)
    if step == 2:
        assert ("undone", scenario.old) == (told.outcome, found)
    else:
        assert ("finished", scenario.new) == (told.outcome, found)


def test_what_was_removed_meanwhile_comes_back(tmp_path: Path):
    """
    The new version's folder is gone: then the old version is whole again.
    """
    scenario = Upgrade(tmp_path)
    scenario.lay()
    killed_after(scenario, 4)
    shutil.rmtree(scenario.site.packages / "demo")

    (told,) = recover(str(scenario.site.packages))

    assert "undone" == told.outcome
    assert scenario.old == scenario.site.tree()


def test_what_cannot_be_put_back_is_kept(tmp_path: Path):
    """
    Another version came by another tool: it stays, and so do files of the
    old one that have no place any more.
    """
    scenario = ByName(tmp_path)
    scenario.lay()
    steps = 0
    scenario.prepare()
    steps = len(judged_names(scenario)) - 1  # all but the new metadata
    scenario.transaction.discard()
    killed_after(scenario, steps)
    info = scenario.site.packages / "demo-1.0.dist-info"
    assert not info.exists()
    info.mkdir()
    (info / "RECORD").write_bytes(b"theirs")
    (scenario.site.packages / "demo-2.0.dist-info").write_bytes(b"theirs")

    (told,) = recover(str(scenario.site.packages))

    assert "kept" == told.outcome
    assert "CHANGED" in [problem.code for problem in told.problems]
    assert b"theirs" == (info / "RECORD").read_bytes()
    kept = {
        path.read_bytes()
        for path in Path(told.kept).rglob("*")
        if path.is_file()
    }
    assert b"1.0" in kept  # METADATA of the old version
    assert [] == recover(str(scenario.site.packages))
    assert Path(told.kept).exists()


def test_bytecode_that_was_written_meanwhile_is_in_no_way(tmp_path: Path):
    """
    Who imports in between writes some; the new version's own replaces it.
    """
    name = "demo/__pycache__/__init__.cpython-311.pyc"
    for steps in range(8):
        scenario = ByName(tmp_path)
        scenario.lay()
        killed_after(scenario, steps)
        for path in (name, "demo/__pycache__/come.cpython-311.pyc"):
            (scenario.site.packages / path).parent.mkdir(exist_ok=True)
            (scenario.site.packages / path).write_bytes(b"imported")

        (told,) = recover(str(scenario.site.packages))

        assert "finished" == told.outcome, told
        more = f"{PACKAGES}/demo/__pycache__/come.cpython-311.pyc"
        found = without(scenario.site.tree(), more)
        own = f"{PACKAGES}/{name}"
        assert without(scenario.new, own) == without(found, own)
        assert found[own] in (b"new", b"imported")


# ---------------------------------------------------------- whose is a journal


def journaled(tmp_path: Path) -> tuple[Scenario, Path]:
    """A journal that nobody has finished."""
    scenario = Upgrade(tmp_path)
    scenario.lay()
    killed_after(scenario, 1)
    (left,) = scenario.site.left()
    return scenario, scenario.site.root / left


def test_a_living_run_is_left_alone(tmp_path: Path):
    """
    Its lock tells, before the commit and in it.
    """
    scenario, path = journaled(tmp_path)
    lock = Lock()
    assert lock.take(str(path))

    assert [] == recover(str(scenario.site.packages))
    assert path.exists()
    lock.close()
    assert ["finished"] == [
        told.outcome for told in recover(str(scenario.site.packages))
    ]


def test_what_may_not_be_opened_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """
    It is another user's.
    """
    scenario, path = journaled(tmp_path)

    def denied(*_: object) -> bool:
        raise PermissionError(errno.EACCES, "not yours")

    monkeypatch.setattr(Lock, "take", denied)

    assert [] == recover(str(scenario.site.packages))
    assert path.exists()


@pytest.mark.parametrize("kind", ["link", "file", "link to a folder"])
def test_what_only_has_the_name_of_a_journal(tmp_path: Path, kind: str):
    """
    It is no directory, so it is not ours.
    """
    site = Site(tmp_path / "venv")
    path = site.packages / ".unwheel-0123456789abcdef.journal"
    if kind == "file":
        path.write_bytes(b"theirs")
    else:
        path.symlink_to("nowhere" if kind == "link" else tmp_path)

    assert [] == recover(str(site.packages))
    assert os.path.lexists(path)


def test_a_journal_in_a_folder_that_others_can_read_is_not_obeyed(
    tmp_path: Path,
):
    """
    We make them for ourselves alone; another tool's archive does not.
    """
    scenario, path = journaled(tmp_path)
    path.chmod(0o755)
    before = scenario.site.tree()

    assert [] == recover(str(scenario.site.packages))
    assert before == scenario.site.tree()


@pytest.mark.parametrize("text", ["[]", "{}", "[1]", "", '["a/../b"]'])
def test_a_list_of_rooms_that_is_not_what_was_written(
    tmp_path: Path, text: str
):
    """
    It had not begun to change anything: the rest is removed.
    """
    site = Site(tmp_path / "venv")
    path = site.packages / ".unwheel-0123456789abcdef"
    path.mkdir(0o700)
    (path / ROOMS).write_text(text)

    (told,) = recover(str(site.packages))

    assert "removed" == told.outcome
    assert [] == site.left()


@pytest.mark.parametrize("damage", ["cut", "bit", "empty", "dots", "root"])
def test_a_journal_that_is_not_what_was_written(tmp_path: Path, damage: str):
    """
    It is told, not obeyed; nothing is touched.
    """
    scenario, path = journaled(tmp_path)
    file = path / FILE
    text = file.read_bytes()
    if damage == "cut":
        file.write_bytes(text[:-1])
    elif damage == "bit":
        file.write_bytes(text[:-9] + bytes([text[-9] ^ 1]) + text[-8:])
    elif damage == "empty":
        file.write_bytes(b"")
    else:
        body = text.partition(b"\n")[2].replace(
            f'"{scenario.site.root.name}/bin/demo"'.encode(),
            b'"../demo"' if damage == "dots" else b'"/bin/demo"',
        )
        crc = binascii.crc32(body)
        file.write_bytes(f"unwheel journal 1 {crc:08x}\n".encode() + body)
    before = scenario.site.tree()

    (told,) = recover(str(scenario.site.packages))

    assert ("kept", ["JOURNAL"]) == (
        told.outcome,
        [problem.code for problem in told.problems],
    )
    assert before == scenario.site.tree()


def rewritten(file: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Have other facts in the journal *file*, and the sum that fits."""
    facts = json.loads(file.read_bytes().partition(b"\n")[2])
    change(facts)
    body = json.dumps(facts).encode()
    crc = binascii.crc32(body)
    file.write_bytes(f"unwheel journal 1 {crc:08x}\n".encode() + body)


@pytest.mark.parametrize("kind", ["copy", "no seal", "seal is a folder"])
def test_a_journal_that_came_with_a_copy_is_not_obeyed(
    tmp_path: Path, kind: str
):
    """
    It tells of the files of another tree, by inodes that mean nothing here;
    or somebody who knows no inode has made it up.
    """
    scenario, path = journaled(tmp_path)
    if kind == "copy":
        other = tmp_path / "other"
        shutil.copytree(scenario.site.root, other / "venv", symlinks=True)
        path = other / path.relative_to(tmp_path)
        path.chmod(0o700)
        scenario.site = Site(other / "venv")
    else:
        (path / SEAL).unlink()
        seal = "" if kind == "no seal" else "d00000000"
        if seal:
            (path / SEAL).mkdir()
        rewritten(path / FILE, lambda facts: facts.update(seal=seal))
    before = scenario.site.tree()

    (told,) = recover(str(scenario.site.packages))

    assert ("kept", ["JOURNAL"]) == (
        told.outcome,
        [problem.code for problem in told.problems],
    )
    assert before == scenario.site.tree()


def test_rooms_have_the_name_of_their_journal(tmp_path: Path):
    """
    Else it could have any private directory of its reader removed.
    """
    scenario, path = journaled(tmp_path)
    secret = scenario.site.root / "secret"
    secret.mkdir(0o700)
    name = f"{scenario.site.root.name}/secret"
    rewritten(path / FILE, lambda facts: facts.update(rooms=[name]))

    (told,) = recover(str(scenario.site.packages))

    assert ["JOURNAL"] == [problem.code for problem in told.problems]
    assert secret.exists()


@pytest.mark.parametrize(
    "rooms",
    [
        [],
        ["venv/lib/python3.11/site-packages", "venv/secret"],
        ["elsewhere", "venv/.unwheel-0123456789abcdef"],
        [None],
    ],
    ids=str,
)
def test_rooms_of_a_run_that_wrote_no_journal(
    tmp_path: Path, rooms: list[str]
):
    """
    Only what has its name is one, and only where it was.
    """
    site = Site(tmp_path / "venv")
    path = site.packages / ".unwheel-0123456789abcdef"
    path.mkdir(0o700)
    (path / ROOMS).write_text(json.dumps(rooms))
    secret = site.root / "secret"
    secret.mkdir(0o700)

    (told,) = recover(str(site.packages))

    assert "removed" == told.outcome
    assert secret.exists()
    assert [] == site.left()


def test_a_journal_of_another_place(tmp_path: Path):
    """
    A private directory that was moved knows no top; one moved with all that
    it is about is finished.
    """
    scenario, path = journaled(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    moved = other / path.name
    os.rename(path, moved)
    (told,) = recover(str(other))
    assert ["JOURNAL"] == [problem.code for problem in told.problems]
    os.rename(moved, path)
    there = tmp_path / "there/venv"
    there.parent.mkdir()
    os.rename(scenario.site.root, there)

    (told,) = recover(str(there / PACKAGES))

    assert "finished" == told.outcome
    assert scenario.new == tree_of(there)


def test_the_next_commit_finishes_it_too(tmp_path: Path):
    """
    Whoever forgot to recover does it, before anything is judged.
    """
    scenario, _ = journaled(tmp_path)

    committed = scenario.site.install("other", "1.0", {})

    assert ["finished"] == [told.outcome for told in committed.recovered]
    assert [] == scenario.site.left()


# ------------------------------------------------------------- many at a time


def test_threads_and_processes_come_one_after_another(tmp_path: Path):
    """
    Of two versions that are installed at once, one is there afterwards, whole.
    """
    site = Site(tmp_path / "venv")
    versions = {
        f"{k}.0": {
            ("purelib", "demo/__init__.py"): f"{k}".encode(),
            ("purelib", f"demo/only{k}.py"): f"{k}".encode(),
            ("scripts", f"demo{k}"): f"{k}".encode(),
        }
        for k in range(8)
    }
    wholes = {}
    for version, files in versions.items():
        only = Site(tmp_path / version)
        only.install("demo", version, files)  # type: ignore[arg-type]
        wholes[version] = only.tree()
    outcomes: list[str] = []

    def install(version: str) -> None:
        try:
            site.install("demo", version, versions[version])  # type: ignore[arg-type]
            outcomes.append("")
        except DestinationError as error:
            outcomes.extend(problem.code for problem in error.problems)

    child = os.fork()
    chosen = list(versions)[::2] if child == 0 else list(versions)[1::2]
    threads = [Thread(target=install, args=(v,)) for v in chosen]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if child == 0:
        os._exit(0)
    assert 0 == os.waitpid(child, 0)[1]

    assert {*outcomes} <= {"", "CHANGED", "OWNED_BY_OTHER"}
    assert [] == site.left()
    found = site.tree()
    versions_there = {
        path.split("demo-")[1].split(".dist-info")[0]
        for path in found
        if path.endswith(".dist-info")
    }
    for version in versions_there:
        whole = wholes[version]
        assert whole.keys() <= found.keys()
