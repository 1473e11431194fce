"""
Somebody changes the files under our hands, as fast as they can.

Each race lasts a part of UNWHEEL_TEST_RACE_SECONDS, by default of two; a
minute is the time to give them before a release.
"""

from __future__ import annotations

import base64
import contextlib
import csv
import errno
import hashlib
import json
import os
import random
import shlex
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from builder import DEFLATED, STORED, WheelBuilder
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


# ------------------------------------------------------------- the source


class Meddler:
    """
    Who has the wheel's file open to write, and others at hand.

    What it does is drawn by chance, of a seed; after each it may be that the
    file is one of the wheels, or a mixture, or short.
    """

    def __init__(self, wheel: Path, contents: list[bytes]) -> None:
        """*contents* are the wheels that the file may be."""
        self.wheel = wheel
        self.contents = contents
        self.chance = random.Random(0)
        self.count = 0

    def meddle(self) -> None:
        """Do one thing to the file."""
        self.count += 1
        content = self.chance.choice(self.contents)
        how = self.chance.choice([self.cut, self.mix, self.swap, self.swap])
        how(content)

    def cut(self, content: bytes) -> None:
        """Make it short, then whole again."""
        os.truncate(self.wheel, self.chance.randrange(len(content)))
        self.wheel.write_bytes(content)

    def mix(self, content: bytes) -> None:
        """Write a part of another wheel into it, in place."""
        at = self.chance.randrange(len(content))
        with open(self.wheel, "r+b") as file:
            file.seek(at)
            file.write(content[at : at + 5000])

    def swap(self, content: bytes) -> None:
        """Put another file in its place."""
        other = self.wheel.with_name("other")
        other.write_bytes(content)
        other.replace(self.wheel)


@contextlib.contextmanager
def meddled(meddler: Meddler) -> Iterator[None]:
    """In a process of its own, as fast as it can."""
    child = os.fork()
    if child == 0:
        try:
            while True:
                meddler.meddle()
        finally:
            os._exit(1)
    try:
        yield
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def is_as_recorded(tree: Path) -> bool:
    """Whether all files are what the tree's own RECORD says."""
    [info] = tree.glob("*.dist-info")
    found = {
        path.relative_to(tree).as_posix()
        for path in tree.rglob("*")
        if path.is_file()
    }
    with open(info / "RECORD", newline="") as file:
        for name, digest, _ in csv.reader(file):
            found.discard(name)
            if not digest:
                continue
            data = (tree / name).read_bytes()
            told = base64.urlsafe_b64encode(hashlib.sha256(data).digest())
            if digest != f"sha256={told.decode().rstrip('=')}":
                return False
    return not found


@pytest.mark.parametrize("threads", [1, 2])
def test_a_source_that_changes_is_refused_or_read_as_one(tmp_path, threads):
    """
    Cut, mixed and replaced while it is read: no tree but what was verified.
    """
    contents = []
    for version in range(3):
        folder = tmp_path / str(version)
        folder.mkdir()
        builder = WheelBuilder("demo", "1.0")
        for k in range(6):
            data = noise(60_000, 10 * version + k)
            method = STORED if k % 2 else DEFLATED
            builder.file(f"demo/{k}", data, method=method)
        contents.append(builder.write(folder).read_bytes())
    wheel = tmp_path / "demo-1.0-py3-none-any.whl"
    wheel.write_bytes(contents[0])

    def work() -> Counter[str]:
        counts: Counter[str] = Counter(done=0)
        end = time.monotonic() + SECONDS / 4
        # On, until it has come to both: a busy machine is slow.
        while (
            time.monotonic() < end
            or not counts["done"]
            or counts.total() == counts["done"]
        ):
            dest = tmp_path / "out" / "tree"
            try:
                unwheel.extract(wheel, dest, threads=threads)
            except unwheel.UnwheelError as error:
                counts[type(error).__name__] += 1
                counts["untold"] += not error.problems
                assert not dest.exists()
            else:
                counts["done"] += 1
                assert is_as_recorded(dest)
                shutil.rmtree(dest)
        return counts

    with meddled(Meddler(wheel, contents)):
        counts = in_a_child(work)

    print(dict(counts))
    assert counts["untold"] == 0
    assert counts.total() > counts["done"] > 0
