"""
`unwheel install` killed at random moments: the old version, or the new one.

After the next run, whatever that installs, one of them is there, whole, and
nothing of the other; what else is installed is as it was.
"""

from __future__ import annotations

import json
import os
import random
import select
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from builder import WheelBuilder
from environments import Installed
from link_wheels import HERE_TAG
from places import Place, half_noise, snapshot, tree_of

# How many kills.
KILLS = int(os.environ.get("UNWHEEL_TEST_KILLS", "40"))
SEED = int(os.environ.get("UNWHEEL_TEST_SEED", time.time_ns() % 2**32))

pytestmark = pytest.mark.skipif(
    not hasattr(os, "pidfd_open"), reason="needs Linux"
)

# When a child was killed, by what it left.
BEFORE, WITHIN, AFTER = "before", "within", "after"  # it published

# Children are forked when everything is loaded: an interpreter for each would
# be killed while it starts, most of the time.  A line in is a command's
# arguments; lines out are the child's number, then what became of it.
FORKS = """
import json, os, sys
from unwheel.cli import main
assert main(json.loads(sys.argv[1])) == 0
for line in iter(sys.stdin.readline, ""):
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = main(json.loads(line))
        finally:
            os._exit(status)
    print(child, flush=True)
    sys.stdin.readline()  # reaped only then: its number stays its own
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Helper:
    """Another interpreter, whose children run the command."""

    def __init__(self, *first: str) -> None:
        """Start it; it does what *first* says before all else."""
        self._process = subprocess.Popen(
            [sys.executable, "-c", FORKS, json.dumps(first)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(self, *arguments: str) -> int:
        """Have a child begin; its number."""
        self._say(json.dumps(arguments))
        return int(self._answer())

    def end(self) -> int:
        """Wait for it; its exit status, or less than 0 if it was killed."""
        self._say("")
        return int(self._answer())

    def run(self, *arguments: str) -> float:
        """Have a child do it, undisturbed; the seconds that it takes."""
        begun = time.perf_counter()
        self.start(*arguments)
        assert 0 == self.end()
        return time.perf_counter() - begun

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        answer = self._process.stdout.readline().strip()
        assert answer, "the helper is gone"
        return answer

    def __enter__(self) -> Helper:
        """Give it itself."""
        return self

    def __exit__(self, *exc: object) -> None:
        """End it."""
        self._process.communicate()


def demo(place: Place, version: str) -> Path:
    """
    A package of 200 files, a third of which only this version has.

    It has scripts, data, a link and a part of a namespace.
    """
    builder = WheelBuilder("demo", version, HERE_TAG)
    for k in range(200):
        name = f"{k}_{version[0]}" if k % 3 == 0 else f"{k}"
        builder.file(f"demo/d{k % 7}/m{name}.py", b"x = %d\n" % k)
    for k in range(10):
        builder.file(f"demo_{version[0]}/m{k}.py", f"{version}".encode())
        builder.file(f"demo_data/{version[0] * (k % 2)}{k}", version.encode())
    data = f"demo-{version}.data"
    return place.put(
        builder.file("demo/big.so", half_noise(1 << 20, int(version[0])))
        .link("demo/lib.so", "big.so")
        .file("shared/demo.py", f"version = {version!r}\n".encode())
        .file(f"{data}/scripts/tool", b"#!python\n", mode=0o755)
        .file(f"{data}/scripts/tool{version[0]}", b"#!python\n", mode=0o755)
        .file(f"{data}/data/share/demo/{version}", version.encode())
        .file(f"{data}/data/share/demo/same", version.encode())
        .info(
            "entry_points.txt",
            f"[console_scripts]\ndemo = demo:x\ndemo{version[0]} = demo:x\n",
        )
    )


def other(place: Place) -> Path:
    """What is installed next."""
    builder = WheelBuilder("other", "1.0")
    return place.put(builder.file("shared/other.py", b"other = 1\n"))


def neighbour(place: Place) -> Path:
    """What is there before, and shall stay."""
    builder = WheelBuilder("neighbour", "1.0")
    for k in range(5):
        builder.file(f"shared/neighbour{k}.py", b"neighbour = 1\n")
    near = "neighbour-1.0.data/data/share/near"
    return place.put(builder.file(near, b"near"))


class Live:
    """A prefix that wheels are installed to."""

    def __init__(self, helper: Helper, root: Path) -> None:
        """Begin at *root*, which may not be there yet."""
        self.root = root
        self._helper = helper

    @property
    def packages(self) -> Path:
        """Where modules are."""
        (packages,) = self.root.glob("lib*/python*/site-packages")
        return packages

    def install(self, wheel: Path, *options: str) -> float:
        """Undisturbed; the seconds."""
        return self._helper.run(*self._arguments(wheel, *options))

    def kill_after(self, seconds: float, wheel: Path) -> None:
        """Kill it some time after its start."""
        child = self._helper.start(*self._arguments(wheel))
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
        self._helper.end()

    def kill_within(self, wheel: Path, seconds: float) -> float:
        """
        Kill it some time after it has begun to publish.

        Returns:
            For how many seconds it published, if it was not killed.
        """
        child = self._helper.start(*self._arguments(wheel))
        handle = os.pidfd_open(child)
        ended = select.poll()
        ended.register(handle, select.POLLIN)
        try:
            while not self._publishes() and not ended.poll(0):
                pass
            begun = time.perf_counter()
            while self._publishes() and time.perf_counter() < begun + seconds:
                pass
            os.kill(child, signal.SIGKILL)
            return time.perf_counter() - begun
        finally:
            os.close(handle)
            self._helper.end()

    def _publishes(self) -> bool:
        return any(name.endswith(".journal") for name in self.left())

    def left(self) -> list[str]:
        """What killed runs have left there."""
        names = os.listdir(self.packages)
        return [name for name in names if name.startswith(".unwheel-")]

    def phase(self, new: str) -> str:
        """When the run that installs version *new* was killed."""
        if self._publishes():
            return WITHIN
        record = self.packages / f"demo-{new}.dist-info/RECORD"
        return AFTER if record.exists() else BEFORE

    def version(self) -> str | None:
        """
        The version of demo that is there, every row of it true, or None.
        """
        found = sorted(self.packages.glob("demo-*.dist-info"))
        if not found:
            return None
        (dist_info,) = found
        Installed(self.root, dist_info).check()
        return dist_info.name.removesuffix(".dist-info").partition("-")[2]

    def tree(self) -> dict[str, object]:
        """
        All but what is `other`; byte code by its name alone.
        """
        return {
            name: None if name.endswith(".pyc") else what
            for name, what in tree_of(self.root).items()
            if "/other" not in name
        }

    def others(self) -> dict[str, object]:
        """What the neighbour is made of, with the identities of its files."""
        return {
            path: seen
            for path, seen in snapshot(self.root).items()
            if "/near" in path or "/neighbour" in path
        }

    def _arguments(self, wheel: Path, *options: str) -> list[str]:
        return [
            *("install", "--quiet", "--prefix", str(self.root)),
            *(*options, str(wheel)),
        ]


class World:
    """
    Wheels, the trees that they give, and a helper.

    Attributes:
        seconds: What installing the new version over the old one takes.
        publishing: For how much of that it publishes.
    """

    def __init__(self, place: Place, helper: Helper) -> None:
        """Install everything once, undisturbed."""
        self.helper = helper
        self._room = place.out
        self.wheels = {v: demo(place, v) for v in ("1.0", "2.0")}
        self.other, neighbouring = other(place), neighbour(place)
        self.first = Live(helper, place.out / "first")
        self.first.install(neighbouring)
        self.trees: dict[str | None, dict[str, object]] = {
            None: self.first.tree()
        }
        self.live = self.copy("live")
        for version, wheel in self.wheels.items():
            self.live.install(wheel)
            self.trees[version] = self.live.tree()
        self.seconds = self.live.install(self.wheels["1.0"])
        self.publishing = self.live.kill_within(self.wheels["2.0"], 60)
        self.live.install(self.wheels["1.0"])
        assert self.trees["1.0"] == self.live.tree()

    def copy(self, name: str) -> Live:
        """A new prefix with nothing but the neighbour."""
        root = self._room / name
        shutil.copytree(self.first.root, root, symlinks=True)
        return Live(self.helper, root)

    def check(self, live: Live, version: str, next_wheel: Path) -> str:
        """
        Have the next run come, and look at what is there then.

        Returns:
            When the one before it was killed.
        """
        phase = live.phase(version)
        before = live.others()
        live.install(next_wheel)

        found = live.version()
        assert [] == live.left()
        assert self.trees[found] == live.tree()
        assert before == live.others()
        if next_wheel != self.other:
            assert version == found
        if phase != BEFORE:
            assert version == found
        return phase


@pytest.fixture(scope="module")
def chance() -> random.Random:
    """The same for who asks for the same seed."""
    print(f"UNWHEEL_TEST_SEED={SEED}")
    return random.Random(SEED)


@pytest.fixture
def world(place: Place) -> Iterator[World]:
    """All that the tests need."""
    warm = ["install", "--quiet", "--prefix", str(place.out / "warm")]
    with Helper(*warm, str(demo(place, "1.0"))) as helper:
        yield World(place, helper)


def test_killed_at_any_moment_a_first_installation_is_none_or_all(
    world: World, chance: random.Random
) -> None:
    """
    Into a live environment that has a part of its namespace already.
    """
    phases: Counter[str] = Counter()
    for k in range(KILLS // 4):
        live = world.copy(f"live{k}")
        live.kill_after(chance.random() * world.seconds, world.wheels["1.0"])
        next_wheel = (world.other, world.wheels["1.0"])[k % 2]
        phases[world.check(live, "1.0", next_wheel)] += 1
        shutil.rmtree(live.root)

    print(f"first installations, killed: {dict(phases)}")
    assert phases[BEFORE] > 0


def test_killed_at_any_moment_an_upgrade_is_old_or_new(
    world: World, chance: random.Random
) -> None:
    """
    Half of them at any time, half of them when it publishes.
    """
    phases: Counter[str] = Counter()
    for k in range(KILLS - KILLS // 4):
        old = world.live.version()
        new = "2.0" if old == "1.0" else "1.0"
        if k % 2:
            moment = chance.random() * world.seconds * 1.1
            world.live.kill_after(moment, world.wheels[new])
        else:
            # At once; some time later, twice; when it is about to clean up.
            part = (0, chance.random(), chance.random(), 100)[k // 2 % 4]
            moment = part * world.publishing
            world.live.kill_within(world.wheels[new], moment)
        next_wheel = (world.other, world.wheels[new])[k // 2 % 2]
        phases[world.check(world.live, new, next_wheel)] += 1

    print(f"upgrades, killed: {dict(phases)}")
    assert min(phases[phase] for phase in (BEFORE, WITHIN, AFTER)) > 0
