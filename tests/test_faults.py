"""
Any system call of an extraction fails, is cut short, or is its last.

Each scenario is run once for each call and fault, in a process of its own
(`injector`), and once more, undisturbed, in the place that was left behind.
As there are thousands, a part of them is run, another one on each version of
Python; with UNWHEEL_TEST_FAULTS=all, all are, which takes minutes.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest
from builder import STORED, WheelBuilder
from injector import (
    COUNTED,
    FAIL,
    KILL_AFTER,
    KILL_BEFORE,
    MEMORY,
    NOTHING,
    OPENS,
    OTHER,
    SHORTEN,
    WRITES,
    Fault,
    Injector,
    Outcome,
    Raised,
    call_number,
    can_inject,
)
from places import PLATFORM_TAG, half_noise, noise

import unwheel

pytestmark = pytest.mark.skipif(
    not can_inject(), reason="seccomp is Linux's, and registers are known"
)

ALL = os.environ.get("UNWHEEL_TEST_FAULTS") == "all"

# A sanitizer without memory, or that cannot read its maps, ends the process.
SANITIZED = "libasan" in os.environ.get("LD_PRELOAD", "")

# Of how many faults one happens, if not all; and which of them.
STRIDE = 101
OFFSET = int(os.environ.get("UNWHEEL_TEST_SEED", sys.version_info.minor))

MIB = 1 << 20

# By name the kind and the content: what a reader of the tree can see.
Picture = dict[str, tuple[int, str]]


# In the names of what a failed merge could not put back.
KEPT = ".kept"


def is_staging(name: str) -> bool:
    """Whether a folder called *name* is one that is made to be published."""
    return name.startswith(".unwheel-")


def picture(root: Path) -> Picture | None:
    """
    All that is at and below *root*; None if there is nothing.

    But for staging directories, which the next run removes.
    """
    if not os.path.lexists(root):
        return None
    found: Picture = {}
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if not is_staging(name)]
        for name in (*folders, *files):
            path = Path(folder, name)
            mode = path.lstat().st_mode
            what = ""
            if stat.S_ISLNK(mode):
                what = os.readlink(path)
            elif stat.S_ISREG(mode):
                what = hashlib.sha256(path.read_bytes()).hexdigest()
            kind = stat.S_IFMT(mode) | mode & 0o111 * stat.S_ISREG(mode)
            found[path.relative_to(root).as_posix()] = (kind, what)
    return found


def staged(root: Path) -> list[str]:
    """What staging has left at and below *root*."""
    return [
        os.path.join(folder, name)
        for folder, folders, files in os.walk(root)
        for name in (*folders, *files)
        if is_staging(name)
    ]


def some_of_all(version: str, *, size: int = 0) -> WheelBuilder:
    """Small, stored, packed, repeated, executable; folders and links."""
    text = half_noise(9000, int(version[0]))
    builder = (
        WheelBuilder("demo", version, PLATFORM_TAG)
        .file("demo/__init__.py", f"version = {version!r}\n".encode())
        .file("demo/tool.sh", b"#!/bin/sh\n", mode=0o755)
        .file("demo/packed", text)
        .file("demo/stored", text[::-1], method=STORED)
        .file("demo/deep/er/again", text)
        .file("demo/none", b"")
        .directory("demo/empty/")
        .link("demo/lib.so", "packed")
        .link("demo/folder", "deep/er")
    )
    if size:
        builder.file("demo/big.so", half_noise(size))
        builder.file("demo/noise", noise(size // 2), method=STORED)
    return builder


class Scenario:
    """
    One extraction, and what may come of it.

    Attributes:
        complete: What is there after an extraction that is not disturbed.
        old: What is there before it; None if that is nothing.
    """

    size = 0
    threads = 1
    existing = "refuse"
    options: Mapping[str, object] = MappingProxyType({})

    def __init__(self, folder: Path) -> None:
        """Build the wheels below *folder*."""
        self.folder = folder
        self.out = folder / "out"
        self.dest = self.out / "tree"
        wheels = folder / "wheels"
        wheels.mkdir()
        self.wheel = some_of_all("2.0", size=self.size).write(wheels)
        self.wheels = [self.wheel]
        self.policy = unwheel.Policy(existing=self.existing, **self.options)
        self.before = some_of_all("1.0").write(wheels)
        self.lay()
        self.old = picture(self.dest)
        self.finish_undisturbed()
        self.complete = picture(self.dest)

    def lay(self) -> None:
        """Have everything as it is before the extraction."""
        shutil.rmtree(self.out, ignore_errors=True)
        self.out.mkdir()

    def prepare(self) -> None:
        """What the process does first, undisturbed."""

    def work(self) -> Iterable[object]:
        """What is disturbed; a result for each wheel."""
        yield unwheel.extract(
            self.wheel, self.dest, policy=self.policy, threads=self.threads
        )

    def finish_undisturbed(self) -> None:
        """Run again, in what was left."""
        if self.existing == "refuse":
            self.clear()
        self.prepare()
        for result in self.work():
            assert not isinstance(result, Exception), result

    def clear(self) -> None:
        """Take away what would be refused."""
        shutil.rmtree(self.dest, ignore_errors=True)

    def may_be_left(self, found: Picture | None, outcome: Outcome) -> bool:  # noqa: ARG002
        """Whether *found* is what may be in the destination."""
        return found in (self.old, self.complete)

    def check(self, fault: Fault, outcome: Outcome) -> None:
        """See that nothing came of it but what may."""
        found = picture(self.dest)
        assert self.may_be_left(found, outcome)
        if not outcome.killed:
            assert not outcome.handles
            assert outcome.threads == 0
            if outcome.errors:
                self.check_errors(fault, outcome)
            else:
                assert found == self.complete
        self.finish_undisturbed()
        assert picture(self.dest) == self.complete
        left = staged(self.out)
        assert not [n for n in left if not (outcome.stuck and KEPT in n)]

    def check_errors(self, fault: Fault, outcome: Outcome) -> None:
        """They say what has happened."""
        assert not must_survive(fault, outcome), outcome.errors[0].trace
        assert fault.action == FAIL, outcome.errors[0].trace
        assert outcome.harmed
        assert len(outcome.errors) == 1
        check_told(fault, outcome.errors[0])


# Calls that a signal may interrupt, by what the system says of them; close()
# is one, but is not tried again: the descriptor is gone, the data perhaps not.
INTERRUPTED = (
    *("openat", "openat2", "read", "pread64", "write", "pwrite64"),
    *("flock", "copy_file_range", "ioctl", "syncfs", "getrandom"),
)


def must_survive(fault: Fault, outcome: Outcome) -> bool:
    """Whether what was harmed can simply be done again."""
    if fault.action == SHORTEN:
        return True
    if fault.error != errno.EINTR:
        return False
    if outcome.number not in map(call_number, INTERRUPTED):
        return False
    # Python's own does not try again.
    return "listdir(" not in outcome.errors[0].trace


def check_told(fault: Fault, error: Raised) -> None:
    """The *error* is ours, and names the cause."""
    if fault.kinds == MEMORY:
        assert {"MemoryError", "RuntimeError"} & {*error.kinds}, error.trace
        return
    assert "DestinationError" in error.kinds, error.trace
    cause = os.strerror(fault.error)
    if fault.error == errno.EACCES and "HOST_CANNOT" in error.codes:
        return  # asked whether it can make links, the system said no
    assert cause in error.text, error.trace
    assert error.text != cause
    assert errno.errorcode[fault.error] in error.codes, error.trace
    assert fault.error == error.error, error.trace


class Alone(Scenario):
    """A small wheel, by the thread of the caller."""


class FirstOfAll(Scenario):
    """By a process that has loaded no part of us that may come later."""

    def __init__(self, folder: Path) -> None:
        """Ask what a process has loaded before it extracts."""
        code = "import sys, unwheel; unwheel.extract; print(*sys.modules)"
        loaded = subprocess.run(
            [sys.executable, "-c", code],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.split()
        self.early = {*loaded}
        super().__init__(folder)

    def prepare(self) -> None:
        """Forget the rest."""
        for name in [*sys.modules]:
            if name.startswith("unwheel.") and name not in self.early:
                del sys.modules[name]
                package, _, part = name.rpartition(".")
                if package in sys.modules:  # not forgotten before its part
                    vars(sys.modules[package]).pop(part, None)

    def finish_undisturbed(self) -> None:
        """Run again, with all that is loaded."""
        self.clear()
        for _ in self.work():
            pass

    def check_errors(self, fault: Fault, outcome: Outcome) -> None:
        """A part that cannot be found is not found, whatever the cause."""
        if "cannot load Unwheel" not in outcome.errors[0].text:
            super().check_errors(fault, outcome)


class ByCrew(Scenario):
    """A wheel with big members, by two threads."""

    size = MIB
    threads = 2


class Durable(Scenario):
    """All is on the disk before anybody sees it."""

    options = MappingProxyType(
        {"durable": True, "mtime": "archive", "dedupe": "hardlink"}
    )


class Replacing(Scenario):
    """In the place of another tree."""

    existing = "replace"

    def lay(self) -> None:
        """Put the old version there."""
        super().lay()
        unwheel.extract(self.before, self.dest)


class Merging(Scenario):
    """Into a folder with an old version, and things of others."""

    existing = "merge"

    def lay(self) -> None:
        """Put the old version there, and more."""
        super().lay()
        unwheel.extract(self.before, self.dest)
        (self.dest / "theirs").write_text("theirs")
        (self.dest / "demo" / "lib.so").unlink()
        (self.dest / "demo" / "lib.so").symlink_to("tool.sh")
        os.rename(self.dest / "demo" / "deep", self.dest / "elsewhere")
        (self.dest / "demo" / "deep").symlink_to("../elsewhere")

    def may_be_left(self, found: Picture | None, outcome: Outcome) -> bool:
        """After a kill each name is old or new; and if nothing goes back."""
        if not (outcome.killed or outcome.stuck):
            return super().may_be_left(found, outcome)
        assert found is not None
        assert self.old is not None
        assert self.complete is not None
        found = dict(found)
        for name in self.old.keys() | self.complete.keys():
            if found.pop(name, None) not in (
                self.old.get(name),
                self.complete.get(name),
            ):
                return False
        return not found


class InPlace(Scenario):
    """Into the current directory, which no rename can replace."""

    def lay(self) -> None:
        """Make the destination, and go there."""
        os.chdir(self.folder)
        super().lay()
        self.dest.mkdir()
        os.chdir(self.dest)

    def clear(self) -> None:
        """Take away what is in it, but for what the next run removes."""
        for path in self.dest.iterdir():
            if not is_staging(path.name):
                shutil.rmtree(path)

    def may_be_left(self, found: Picture | None, outcome: Outcome) -> bool:
        """After a kill some names are there, each of them complete."""
        if not (outcome.killed or outcome.stuck):
            return super().may_be_left(found, outcome)
        return self.each_is_complete(found)

    def each_is_complete(self, found: Picture | None) -> bool:
        """Whether all that is at a name is what shall be there."""
        assert found is not None
        tops = {name.split("/")[0] for name in found}
        return all(
            in_top(found, top) == in_top(self.complete, top) for top in tops
        )


def in_top(tree: Picture | None, top: str) -> Picture:
    """What of *tree* is at and below its folder *top*."""
    return {
        name: what
        for name, what in (tree or {}).items()
        if name.split("/")[0] == top
    }


class Verifying(Scenario):
    """Everything but writing."""

    def work(self) -> Iterable[object]:
        """Verify."""
        yield unwheel.verify(
            self.wheel, policy=self.policy, threads=self.threads
        )


class Several(InPlace):
    """Two wheels: what happens to one is nothing to the other."""

    threads = 2

    def lay(self) -> None:
        """Make the folder of both."""
        Scenario.lay(self)
        self.dest.mkdir()

    def work(self) -> Iterable[object]:
        """Extract both."""
        return unwheel.extract_many(
            [self.before, self.wheel],
            self.dest,
            policy=self.policy,
            threads=self.threads,
        )

    def may_be_left(self, found: Picture | None, outcome: Outcome) -> bool:  # noqa: ARG002
        """Each of them is absent or complete."""
        return self.each_is_complete(found)

    def check_errors(self, fault: Fault, outcome: Outcome) -> None:
        """One fault harms one of them."""
        assert not must_survive(fault, outcome), outcome.errors[0].trace
        assert fault.action == FAIL, outcome.errors[0].trace
        assert outcome.harmed
        if outcome.raised is None:
            assert len(outcome.results) == 2
            assert len(outcome.errors) == 1 or for_both(fault, outcome)
        for error in outcome.errors:
            check_told(fault, error)
        done = len(outcome.results) - len(outcome.errors)
        assert len(list(self.dest.iterdir())) >= done


def for_both(fault: Fault, outcome: Outcome) -> bool:
    """Whether what happened once is known for both wheels."""
    cannot_link = all("HOST_CANNOT" in e.codes for e in outcome.errors)
    return fault.lasting or cannot_link


SCENARIOS: tuple[type[Scenario], ...] = (
    Alone,
    FirstOfAll,
    ByCrew,
    Durable,
    Replacing,
    Merging,
    InPlace,
    Verifying,
    Several,
)

ONCE = (
    errno.ENOSPC,
    errno.EIO,
    errno.EINTR,
    errno.EMFILE,
    errno.EACCES,
    errno.EDQUOT,
)

# Faults without number: one of each is made for each call of its kinds.
FAULTS: tuple[Fault, ...] = (
    *(Fault(FAIL, error) for error in ONCE),
    Fault(KILL_BEFORE),
    Fault(KILL_AFTER),
    Fault(SHORTEN, kinds=COUNTED),
    Fault(SHORTEN, kinds=COUNTED, lasting=True),
    Fault(FAIL, errno.ENOSPC, kinds=WRITES, lasting=True),
    Fault(FAIL, errno.EDQUOT, kinds=WRITES, lasting=True),
    Fault(FAIL, errno.EMFILE, kinds=OPENS, lasting=True),
    Fault(FAIL, errno.EIO, lasting=True),
    Fault(FAIL, errno.EACCES, lasting=True),
)
if SANITIZED:
    FAULTS = tuple(f for f in FAULTS if not (f.lasting and f.kinds == OTHER))
else:
    FAULTS += (
        Fault(FAIL, errno.ENOMEM, kinds=MEMORY),
        Fault(FAIL, errno.ENOMEM, kinds=MEMORY, lasting=True),
    )


@pytest.fixture(scope="module")
def injector() -> Iterator[Injector]:
    """Who makes processes in which something goes wrong; it counts them."""
    injector = Injector()
    yield injector
    print(f"\n{injector.harmed} faults in all")


@pytest.fixture
def room() -> Iterator[Path]:
    """A folder in memory, if there is one: thousands of trees come and go."""
    shared = Path("/dev/shm")
    where = shared if os.access(shared, os.W_OK) else None
    here = os.getcwd()
    with tempfile.TemporaryDirectory(dir=where) as folder:
        yield Path(folder)
        os.chdir(here)


def numbered(
    injector: Injector, scenario: Scenario, faults: Iterable[Fault]
) -> Iterator[Fault]:
    """Each of *faults* for each call that it can harm, or some of those."""
    calls: dict[int, int] = {}
    count = OFFSET
    for fault in faults:
        if fault.kinds not in calls:
            scenario.lay()
            nothing = Fault(NOTHING, kinds=fault.kinds)
            outcome = injector.run(scenario.work, nothing, scenario.prepare)
            assert not outcome.errors, outcome.errors[0].trace
            calls[fault.kinds] = outcome.calls
        for nth in range(1, calls[fault.kinds] + 1):
            count += 1
            if ALL or count % STRIDE == 0:
                yield replace(fault, nth=nth)


def play(
    injector: Injector, scenario: Scenario, faults: Iterable[Fault]
) -> int:
    """Have all *faults* happen; how many have."""
    harmed = 0
    for fault in numbered(injector, scenario, faults):
        scenario.lay()
        outcome = injector.run(scenario.work, fault, scenario.prepare)
        harmed += outcome.harmed > 0
        injector.harmed += outcome.harmed > 0
        try:
            scenario.check(fault, outcome)
        except Exception as error:
            raise AssertionError(
                f"{type(scenario).__name__}: {fault} (number {outcome.number})"
            ) from error
    return harmed


@pytest.mark.parametrize("kind", SCENARIOS)
def test_a_fault_leaves_nothing_half(injector, room, kind):
    """
    Absent, old or complete; told with its cause; and the next run cleans up.
    """
    scenario = kind(room)

    harmed = play(injector, scenario, FAULTS)

    print(f"\n{kind.__name__}: {harmed} faults")
    assert harmed > 0


def undisturbed(
    injector: Injector, scenario: Scenario, name: str
) -> list[int]:
    """Which of all calls are those called *name*, from 1."""
    scenario.lay()
    outcome = injector.run(scenario.work, Fault(NOTHING))
    number = call_number(name)
    return [k for k, n in enumerate(outcome.numbers, 1) if n == number]


def disturbed(injector: Injector, scenario: Scenario, fault: Fault) -> Outcome:
    """What comes of *fault*, which is what may come of it."""
    scenario.lay()
    outcome = injector.run(scenario.work, fault)
    injector.harmed += outcome.harmed > 0
    scenario.check(fault, outcome)
    return outcome


def test_a_probe_that_stays_is_not_published(injector, room):
    """
    The first thing that is removed is what tells whether links can be made.
    """
    scenario = Alone(room)
    probe = undisturbed(injector, scenario, "unlinkat")[0]

    outcome = disturbed(injector, scenario, Fault(FAIL, errno.EIO, probe))

    assert "unlinkat failed" in outcome.errors[0].text


def test_a_disk_that_fails_for_good_is_not_waited_for(injector, room):
    """
    Who looks for what is there comes to an end, though nothing is.
    """
    scenario = Alone(room)

    for nth in undisturbed(injector, scenario, "newfstatat"):
        fault = Fault(FAIL, errno.EIO, nth, lasting=True)
        assert disturbed(injector, scenario, fault).harmed


@pytest.mark.skipif(SANITIZED, reason="a sanitizer needs memory of its own")
def test_a_thread_without_memory_is_not_waited_for(injector, room):
    """
    Not even one that has not begun.
    """
    scenario = ByCrew(room)
    fault = Fault(FAIL, errno.ENOMEM, 1, kinds=MEMORY, lasting=True)

    assert disturbed(injector, scenario, fault).errors


def test_without_a_descriptor_it_is_still_our_error(injector, room):
    """
    Nothing has to be loaded then to say what has happened.
    """
    scenario = Alone(room)
    nth = 0
    harmed = True

    while harmed:
        nth += 1
        fault = Fault(FAIL, errno.EMFILE, nth, kinds=OPENS, lasting=True)
        harmed = disturbed(injector, scenario, fault).harmed > 0

    assert nth > 20
