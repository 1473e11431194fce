"""
Somebody changes the files under our hands, as fast as they can.

Each race lasts a part of UNWHEEL_TEST_RACE_SECONDS, by default of two; a
minute is the time to give them before a release.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from builder import STORED, WheelBuilder
from places import PLATFORM_TAG, noise, snapshot
from trees import OPENAT2, deny, has_seccomp

import unwheel

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="the attacker's calls are those of Linux"
)

SECONDS = float(os.environ.get("UNWHEEL_TEST_RACE_SECONDS", "2"))

ATTACKER = Path(__file__).resolve().parent / "native" / "attacker.c"
NAMES = ("demo", "demo/deep", "demo-1.0.dist-info")


@pytest.fixture(scope="module")
def attacker(tmp_path_factory) -> Path:
    """The program ``native/attacker.c``."""
    program = tmp_path_factory.mktemp("attacker") / "attacker"
    compiler = shlex.split(sysconfig.get_config_var("CC") or "cc")
    subprocess.run(
        [*compiler, "-std=c11", "-O2", "-o", program, ATTACKER], check=True
    )
    return program


def wheel_in(folder: Path, version: str = "1.0") -> Path:
    """A wheel with enough names to be at it for a while."""
    builder = WheelBuilder("demo", version, PLATFORM_TAG)
    for k in range(30):
        builder.file(f"demo/d{k % 3}/{k}.py", b"x = 1\n" * k)
        builder.file(f"demo/deep/d{k % 3}/{k}.py", b"y = 1\n" * k)
    builder.file("demo/data", noise(30_000), method=STORED)
    builder.link("demo/link", "data").directory("demo/empty/")
    return builder.write(folder)


@contextlib.contextmanager
def attacked(
    program: Path, folder: Path, outside: Path
) -> Iterator[list[int]]:
    """What is in *folder* is exchanged for links; gives how many times."""
    counts: list[int] = []
    process = subprocess.Popen(
        [program, folder, outside, *NAMES],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        yield counts
    finally:
        told, _ = process.communicate()
        counts.append(int(told))


def in_a_child(work: Callable[[], Counter[str]]) -> Counter[str]:
    """What *work* counts, in a process of its own, which must not crash."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            os.write(writing, json.dumps(work()).encode())
            os._exit(0)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(1)
    os.close(writing)
    with open(reading, "rb") as pipe:
        told = pipe.read()
    assert os.waitpid(child, 0)[1] == 0
    return Counter(json.loads(told))


def remove(path: Path) -> None:
    """Take away *path*, whatever an attacker has made of it."""
    try:
        if path.is_symlink():
            path.unlink()
        else:
            shutil.rmtree(path, ignore_errors=True)
    except FileNotFoundError:
        pass


class Race:
    """A victim, who extracts again and again."""

    existing = "refuse"

    def __init__(self, root: Path) -> None:
        """Lay it out below *root*."""
        self.out = root / "out"
        self.dest = self.out / "tree"
        self.wheel = wheel_in(root)
        self.out.mkdir()
        self.policy = unwheel.Policy(existing=self.existing)

    @property
    def field(self) -> Path:
        """Where the attacker is at work."""
        return self.out

    def start(self) -> None:
        """What the victim does first."""

    def between(self) -> None:
        """What it does before each extraction."""
        for path in self.out.iterdir():
            if not path.name.startswith(".unwheel-"):
                remove(path)

    def run(self, seconds: float, *, stepwise: bool) -> Counter[str]:
        """Extract; how often that was done, and how often refused."""
        if stepwise:
            deny(OPENAT2, errno.ENOSYS)
        counts: Counter[str] = Counter(done=0, refused=0)
        end = time.monotonic() + seconds
        self.start()
        while time.monotonic() < end:
            with contextlib.suppress(OSError):
                self.between()
            try:
                unwheel.extract(self.wheel, self.dest, policy=self.policy)
                counts["done"] += 1
            except unwheel.UnwheelError:
                counts["refused"] += 1
        return counts


class Beside(Race):
    """By a directory beside the destination."""


class Replacing(Race):
    """In the place of another tree, which is removed then."""

    existing = "replace"

    def between(self) -> None:
        """Let it be there; but not as a link, which would be followed."""
        if self.dest.is_symlink():
            self.dest.unlink()


class Merging(Race):
    """Into a folder, of which others change the folders in it."""

    existing = "merge"

    @property
    def field(self) -> Path:
        """In the folder itself."""
        return self.dest

    def __init__(self, root: Path) -> None:
        """Lay the folder out, with an older tree in it."""
        super().__init__(root)
        unwheel.extract(self.wheel, self.dest)

    def between(self) -> None:
        """Let it be there."""


class InPlace(Race):
    """Into the current directory."""

    @property
    def field(self) -> Path:
        """In the folder itself."""
        return self.dest

    def __init__(self, root: Path) -> None:
        """Make the folder."""
        super().__init__(root)
        self.dest.mkdir()

    def start(self) -> None:
        """Go there."""
        os.chdir(self.dest)

    def between(self) -> None:
        """Take away all but what is to be found, or the attacker's own."""
        for path in self.dest.iterdir():
            if not path.name.startswith(".unwheel-"):
                remove(path)


RACES = (Beside, Replacing, Merging, InPlace)


@has_seccomp
@pytest.mark.parametrize("stepwise", [False, True], ids=["openat2", "steps"])
@pytest.mark.parametrize("kind", RACES)
def test_nothing_lands_outside(attacker, tmp_path, kind, stepwise):
    """
    Whatever is a link from one call to the next: not a name, not a mode.
    """
    outside = tmp_path / "outside"
    for name in ("demo/deep", "demo/d0", "demo-1.0.dist-info"):
        (outside / name).mkdir(parents=True)
    outside.chmod(0o711)
    before = snapshot(outside)
    race = kind(tmp_path)

    with attacked(attacker, race.field, outside) as exchanges:
        counts = in_a_child(
            lambda: race.run(SECONDS / 2 / len(RACES), stepwise=stepwise)
        )

    print(f"{kind.__name__}: {exchanges[0]} exchanges, {dict(counts)}")
    assert before == snapshot(outside)
    assert exchanges[0] > 0
    assert counts.total() > 0
