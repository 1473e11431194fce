"""
A commit whose any system call fails or is its last; and what comes after.

Each happens in a process of its own (`injector`).  A part of them is run,
another one on each version of Python; with UNWHEEL_TEST_FAULTS=all, all are.
"""

from __future__ import annotations

import errno
import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

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
from sites import Files, Site

from unwheel.install.distributions import find_installed
from unwheel.install.transaction import Transaction, recover

needs_injector = pytest.mark.skipif(
    not can_inject(), reason="seccomp is Linux's, and registers are known"
)

ALL = os.environ.get("UNWHEEL_TEST_FAULTS") == "all"
ANY = OTHER | OPENS | WRITES

# Of how many faults one happens, if not all; and which of them.
STRIDE = 23
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


SCENARIOS = [Fresh, Upgrade, Again, ByName, Namespace]
each = pytest.mark.parametrize(
    "kind", SCENARIOS, ids=[kind.__name__ for kind in SCENARIOS]
)


def some(count: int) -> Iterable[int]:
    """Which of *count* calls are harmed."""
    return (
        range(1, count + 1)
        if ALL
        else range(1 + OFFSET % STRIDE, count + 1, STRIDE)
    )


def count_of(injector: Injector, scenario: Scenario) -> int:
    """How many calls there are."""
    scenario.lay()
    outcome = injector.run(
        scenario.work, Fault(NOTHING, kinds=ANY), scenario.prepare
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
            outcome = injector.run(scenario.work, fault, scenario.prepare)
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
    for error in (errno.EIO, errno.ENOSPC, errno.EACCES, errno.EINTR):
        for nth in some(count):
            fault = Fault(FAIL, error, nth, ANY)
            scenario.lay()
            outcome = injector.run(scenario.work, fault, scenario.prepare)
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
        injector.run(scenario.work, fault, scenario.prepare)
        scenario.check((scenario.old, scenario.new), fault)


@needs_injector
@each
def test_recovery_is_killed_too(kind: type[Scenario], tmp_path: Path):
    """
    At any call, after a kill in the middle; the run after that succeeds.
    """
    injector = Injector()
    scenario = kind(tmp_path)
    count = count_of(injector, scenario)
    moments = (
        range(count // 3, count, max(count // 9, 1))
        if ALL
        else [count // 2 + OFFSET]
    )
    for nth in moments:
        first = Fault(KILL_BEFORE, nth=nth, kinds=ANY)
        again = 0
        while True:
            again += 1 if ALL else STRIDE
            second = Fault(KILL_BEFORE, nth=again, kinds=ANY)
            scenario.lay()
            injector.run(scenario.work, first, scenario.prepare)
            outcome = injector.run(scenario.recover, second)
            scenario.check((scenario.old, scenario.new), second)
            if not outcome.killed:
                break
    assert Transaction
