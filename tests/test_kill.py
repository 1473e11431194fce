"""Killed and interrupted at random moments: nothing, or all of it."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from builder import WheelBuilder
from places import (
    PLATFORM_TAG,
    Place,
    files_of,
    half_noise,
    only_files,
    tree_of,
)

import unwheel
from unwheel.private import remove_stale
from unwheel.staging import Staging

# How many kills; the moments are spread over what one extraction takes.
KILLS = int(os.environ.get("UNWHEEL_TEST_KILLS", "200"))
SEED = int(os.environ.get("UNWHEEL_TEST_SEED", "0"))

MIB = 1 << 20

MERGE = unwheel.Policy(existing="merge")

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="needs signals"
)

# Children are forked when everything is loaded: two hundred interpreters
# would take a minute to start.  A line in is a destination; lines out are the
# child's number, then what became of it.
FORKS = """
import os, sys, unwheel
policy = unwheel.Policy(existing=sys.argv[2])
unwheel.verify(sys.argv[1], policy=policy)
for line in iter(sys.stdin.readline, ""):
    child = os.fork()
    if child == 0:
        status = 1
        try:
            unwheel.extract(sys.argv[1], line.rstrip(), policy=policy)
            status = 0
        finally:
            os._exit(status)
    print(child, flush=True)
    sys.stdin.readline()  # reaped only then: its number stays its own
    print(os.waitpid(child, 0)[1], flush=True)
"""

# The same without forks, for Ctrl-C: one process that survives it.
ONE = """
import signal, sys, unwheel
signal.signal(signal.SIGINT, signal.SIG_IGN)
unwheel.verify(sys.argv[1])
for line in iter(sys.stdin.readline, ""):
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        unwheel.extract(sys.argv[1], line.rstrip())
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        print("done", flush=True)
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        print("interrupted", flush=True)
"""


class Helper:
    """Another interpreter, which extracts *wheel* where it is told."""

    def __init__(self, script: str, wheel: Path, existing: str = "refuse"):
        """Start it."""
        self.process = subprocess.Popen(
            [sys.executable, "-c", script, str(wheel), existing],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def say(self, line: str) -> None:
        """Send it a line."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def order(self, dest: Path) -> None:
        """Have it extract to *dest*."""
        self.say(str(dest))

    def answer(self) -> str:
        """The next line it says."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def duration(self, dest: Path) -> float:
        """How long it takes, undisturbed."""
        begun = time.perf_counter()
        self.order(dest)
        self.answer()
        self.say("")
        assert "0" == self.answer()
        return time.perf_counter() - begun

    def kill_at(self, dest: Path, moment: float) -> bool:
        """Kill a child after *moment* seconds; whether that was in time."""
        self.order(dest)
        child = int(self.answer())
        time.sleep(moment)
        os.kill(child, signal.SIGKILL)
        self.say("")
        return "0" != self.answer()

    def __enter__(self) -> Helper:
        return self

    def __exit__(self, *exc: object) -> None:
        self.process.communicate()


def wheel_of(place: Place, version: str, size: int) -> Path:
    """A wheel with big and small members, directories and links."""
    builder = WheelBuilder("demo", version, PLATFORM_TAG)
    builder.file("demo/big.so", half_noise(size, int(version[0])))
    for k in range(120):
        builder.file(f"demo/d{k % 11}/{k}.py", f"{version} {k}".encode())
    builder.directory("demo/empty/").link("demo/lib.so", "big.so")
    return place.put(builder)


def staged(parent: Path) -> list[str]:
    """The staging directories in *parent*."""
    return [n for n in os.listdir(parent) if n.startswith(".unwheel-")]


def test_killed_at_any_moment_it_is_absent_or_complete(place: Place):
    """
    Never a part; and what it left is gone with the next run.
    """
    wheel = wheel_of(place, "1.0", 4 * MIB)
    chance = random.Random(SEED)
    in_time = absent = left = 0
    with Helper(FORKS, wheel) as helper:
        whole = helper.duration(place.out / "reference")
        expected = tree_of(place.out / "reference")

        for k in range(KILLS // 2):
            dest = place.out / f"tree{k}"
            in_time += helper.kill_at(dest, chance.random() * whole * 1.2)
            if os.path.lexists(dest):
                assert expected == tree_of(dest)
                shutil.rmtree(dest)
            else:
                absent += 1
            left += len(staged(place.out))
            remove_stale(str(place.out))
            assert [] == staged(place.out)

    assert in_time >= absent > 0
    assert left > 0


def test_killed_while_replacing_it_is_old_or_new(place: Place):
    """
    The exchange is one step: never a mixture, never nothing.
    """
    wheels = [wheel_of(place, version, 3 * MIB) for version in ("1.0", "2.0")]
    trees = []
    for k, wheel in enumerate(wheels):
        unwheel.extract(wheel, place.out / f"reference{k}")
        trees.append(tree_of(place.out / f"reference{k}"))
    chance = random.Random(SEED + 1)
    in_time = changes = now = 0

    with (
        Helper(FORKS, wheels[0], "replace") as first,
        Helper(FORKS, wheels[1], "replace") as second,
    ):
        whole = second.duration(place.out / "warm")
        first.duration(place.dest)
        for _ in range(KILLS - KILLS // 2):
            helper = (second, first)[now]
            moment = chance.random() * whole * 1.5
            in_time += helper.kill_at(place.dest, moment)
            found = tree_of(place.dest)
            assert found in trees
            changes += found != trees[now]
            now = trees.index(found)
            remove_stale(str(place.out))
            assert [] == staged(place.out)

    assert in_time > 0
    assert changes > 0


def merged(wheel: Path, dest: Path, moment: float = 0) -> float:
    """
    Merge in a child; how long it takes to publish, 0 if it was killed.

    It is killed *moment* seconds after publishing has begun, by a timer that
    nobody handles: most of the time goes into writing what is merged.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        publish = Staging.publish

        def timed(stage: Staging, *, last: str) -> str:
            signal.setitimer(signal.ITIMER_REAL, moment)
            begun = time.perf_counter()
            how = publish(stage, last=last)
            os.write(writing, str(time.perf_counter() - begun).encode())
            return how

        try:
            Staging.publish = timed  # type: ignore[method-assign]
            unwheel.extract(wheel, dest, policy=MERGE)
        finally:
            os._exit(0)
    os.close(writing)
    with open(reading, "rb") as pipe:
        told = pipe.read()
    assert os.waitpid(child, 0)[1] in (0, signal.SIGALRM)
    return float(told or 0)


def test_killed_while_merging_each_name_is_old_or_new(place: Place):
    """
    None is missing, or half; links are replaced as files are.
    """
    wheels = []
    for version in ("1.0", "2.0"):
        builder = WheelBuilder("demo", version, PLATFORM_TAG)
        builder.link("demo/lib.so", "d1/0.py" if version < "2" else "d2/1.py")
        for k in range(60):
            builder.file(
                f"demo/d{1 + k % 2}/{k}.py", f"{version} {k}".encode()
            )
        wheels.append(place.put(builder))
    place.dest.mkdir()
    (place.dest / "theirs").write_bytes(b"theirs")
    trees, times = [], []
    for wheel in (*wheels, wheels[0]):
        times.append(merged(wheel, place.dest))
        trees.append(tree_of(place.dest))
    _, new, old = trees  # each with the metadata of both
    chance = random.Random(SEED + 3)
    between = 0

    for k in range(KILLS // 4):
        moment = 1e-4 + chance.random() * min(times[1:])
        merged(wheels[1 - k % 2], place.dest, moment)
        remove_stale(str(place.dest))
        found = tree_of(place.dest)
        assert old.keys() == found.keys()
        for name, what in found.items():
            assert what in (old[name], new[name]), name
        between += found not in (old, new)

    merged(wheels[0], place.dest)
    assert old == tree_of(place.dest)
    assert between > 0


# Killed by itself, when the staging directory is there and bytes move.
SUICIDE = """
import os, signal, sys, unwheel
unwheel.extract(
    sys.argv[1],
    sys.argv[2],
    on_event=lambda event: os.kill(os.getpid(), signal.SIGKILL),
)
"""


def test_the_next_run_cleans_up(place: Place):
    """
    Any run whose destination is beside it.
    """
    wheel = wheel_of(place, "1.0", MIB)
    killed = subprocess.run(
        [sys.executable, "-c", SUICIDE, wheel, place.dest], check=False
    )
    [left] = staged(place.out)
    events: list[object] = []

    unwheel.extract(wheel, place.dest, on_event=events.append)

    assert -signal.SIGKILL == killed.returncode
    assert unwheel.StagingRemoved(str(place.out / left)) in events
    assert [] == staged(place.out)


def test_ctrl_c_at_any_moment_leaves_nothing(place: Place):
    """
    Answered at once, in the middle of a big member too; then work goes on.
    """
    content = half_noise(48 * MIB)
    wheel = place.put(
        WheelBuilder("demo", "1.0")
        .file("demo/a.so", content, level=1)
        .file("demo/b.so", content[::-1], level=1)
    )
    expected = files_of(wheel)
    chance = random.Random(SEED + 2)
    slowest, interrupted = 0.0, 0
    with Helper(ONE, wheel) as helper:
        times = []
        for k in range(3):
            begun = time.perf_counter()
            helper.order(place.out / f"warm{k}")
            assert "done" == helper.answer()
            times.append(time.perf_counter() - begun)

        for k in range(25):
            dest = place.out / f"tree{k}"
            helper.order(dest)
            time.sleep(0.002 + chance.random() * min(times))
            begun = time.perf_counter()
            helper.process.send_signal(signal.SIGINT)
            interrupted += "interrupted" == helper.answer()
            slowest = max(slowest, time.perf_counter() - begun)
            assert [] == staged(place.out)
            if os.path.lexists(dest):
                assert expected == only_files(tree_of(dest))

    assert interrupted > 10
    assert slowest < 2  # 0.1 is the aim; machines of tests are busy
