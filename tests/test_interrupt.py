"""Ctrl-C after any line of ours: nothing is left, nothing is freed twice."""

from __future__ import annotations

import gc
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from places import Place, demo, only_files, open_handles, tree_of

import unwheel
from unwheel import native
from unwheel.staging import Staging

HOME = Path(unwheel.__file__).parent
OURS = (
    *(str(HOME / f"{name}.py") for name in ("engine", "merge", "staging")),
    *map(str, (HOME / "native").glob("*.py")),
)


class Interrupt:
    """
    Raises KeyboardInterrupt before the line of ours that is the *nth* to run.

    It comes once, in the thread of the caller, as a signal's handler would.
    """

    def __init__(self, nth: int, ours: tuple[str, ...] = OURS) -> None:
        assert all(map(os.path.isfile, ours))  # else it would never come
        self.left = nth
        self.ours = ours

    def __call__(self, frame: FrameType, event: str, _: Any) -> Any:
        """See one event of the interpreter."""
        if frame.f_code.co_filename not in self.ours:
            return None
        if event == "line":
            self.left -= 1
            if self.left == 0:
                raise KeyboardInterrupt
        return self

    def run(self, function: Callable[[], object]) -> bool:
        """Whether *function* ended by it."""
        before = sys.gettrace()
        sys.settrace(self)
        try:
            function()
        except KeyboardInterrupt:
            return True
        finally:
            sys.settrace(before)
        return False


@pytest.fixture(autouse=True)
def _no_garbage() -> Iterator[None]:
    """What is in cycles of tracebacks goes now, not in another test."""
    yield
    gc.collect()


@pytest.fixture
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Crews are waited for once: how many lines run is not left to chance."""
    wait = native.Batch.wait
    monkeypatch.setattr(native.Batch, "wait", lambda b, _: wait(b, 60_000))


@pytest.mark.usefixtures("_patient")
@pytest.mark.parametrize("size", [10, 2 << 20], ids=["alone", "crew"])
@pytest.mark.parametrize("existing", ["refuse", "replace"])
def test_after_any_line_nothing_is_left(place: Place, size: int, existing):
    """
    The destination is as it was or complete, all else as before.

    Only a number that os.open() has just returned can be lost: Python offers
    no way to own it sooner.  Those are two lines of all.
    """
    wheel = place.put(demo().file("demo/data.bin", bytes(size)))
    policy = unwheel.Policy(existing=existing)
    unwheel.extract(wheel, place.out / "whole", policy=policy)
    whole = tree_of(place.out / "whole")
    around = sorted(os.listdir(place.out))
    handles = len(open_handles())
    came = True
    nth = 0

    while came:
        nth += 1
        dest = place.out / f"tree{nth}"
        interrupt = Interrupt(nth)
        interrupted = interrupt.run(
            lambda to=dest: unwheel.extract(wheel, to, policy=policy)
        )
        came = interrupt.left <= 0
        assert came == interrupted, nth
        if os.path.lexists(dest):
            assert whole == tree_of(dest)
            os.rename(dest, place.root / f"done{nth}")
        assert around == sorted(os.listdir(place.out)), nth

    assert nth > 200
    gc.collect()  # frames in cycles have some, which are not lost
    assert len(open_handles()) <= handles + 2


def test_after_any_line_of_a_merge_it_is_old_or_new(place: Place):
    """
    Files and links that were replaced are back, or all of them are new.
    """
    old = {"a": b"old", "d/b": b"old", "i/RECORD": b"old", "own": b"theirs"}
    new = {"a": b"new", "d/b": b"new", "i/RECORD": b"new", "e/f/c": b"new"}
    expected = [old, {**old, **new}]

    def lay(root: Path, files: dict[str, bytes]) -> None:
        for name, content in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(content)

    def merge() -> None:
        stage = Staging(str(place.dest), existing="merge")
        try:
            stage.make()
            lay(Path(stage.path), new)
            stage.publish(last="i")
        finally:
            stage.discard()

    handles = len(open_handles())
    came = True
    nth = 0
    ends = set()
    while came:
        nth += 1
        lay(place.dest, old)
        interrupt = Interrupt(nth)
        came = interrupt.run(merge)
        left = only_files(tree_of(place.dest))
        assert left in expected, nth
        ends.add(expected.index(left))
        shutil.rmtree(place.dest)

    assert nth > 200
    assert {0, 1} == ends
    gc.collect()
    assert len(open_handles()) <= handles + 2
