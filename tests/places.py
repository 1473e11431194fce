"""A place with wheels and destinations, and somebody who watches it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import stat
import sys
import zipfile
from _thread import _count as thread_count
from collections.abc import Iterator
from pathlib import Path

from builder import WheelBuilder

# The tag of wheels that may hold links.
PLATFORM_TAG = "cp311-cp311-manylinux_2_28_x86_64"


def demo(tag: str = "py3-none-any") -> WheelBuilder:
    """An honest wheel, to which a test adds what it is about."""
    return (
        WheelBuilder("demo", "1.0", tag)
        .file("demo/__init__.py", b"answer = 42\n")
        .file("demo/tool.sh", b"#!/bin/sh\n", mode=0o755)
    )


def noise(size: int, seed: int = 0) -> bytes:
    """Bytes that do not compress, the same in every run."""
    return random.Random(seed).randbytes(size)


def half_noise(size: int, seed: int = 0) -> bytes:
    """Bytes that compress to about a half: literals and matches."""
    piece = noise(1 << 16, seed)
    pieces = []
    for k in range(-(-size // (2 * len(piece)))):
        pieces += [piece[k % 251 :], piece[: k % 251], bytes(len(piece))]
    return b"".join(pieces)[:size]


def tree_of(root: Path) -> dict[str, bytes | str | None]:
    """All names below *root*: content of files, target of links, or None."""
    found: dict[str, bytes | str | None] = {}
    for directory, names, files in os.walk(root):
        for name in [*names, *files]:
            path = Path(directory, name)
            key = path.relative_to(root).as_posix()
            if path.is_symlink():
                found[key] = f"-> {os.readlink(path)}"
            else:
                found[key] = None if path.is_dir() else path.read_bytes()
    return found


def files_of(wheel: Path) -> dict[str, bytes]:
    """The files of a wheel, as Python's zipfile reads them."""
    with zipfile.ZipFile(wheel) as archive:
        return {
            info.filename: archive.read(info)
            for info in archive.infolist()
            if not info.is_dir()
        }


def only_files(tree: dict[str, bytes | str | None]) -> dict[str, bytes]:
    """The regular files of what `tree_of` gave."""
    return {k: v for k, v in tree.items() if isinstance(v, bytes)}


def snapshot(root: Path) -> dict[str, tuple[object, ...]]:
    """Everything at and below *root* that a stranger could have changed."""
    found: dict[str, tuple[object, ...]] = {}
    paths = [str(root)]
    for directory, names, files in os.walk(root):
        paths += [os.path.join(directory, name) for name in [*names, *files]]
    for path in paths:
        facts = os.lstat(path)
        what: object = None
        if stat.S_ISLNK(facts.st_mode):
            what = os.readlink(path)
        elif stat.S_ISREG(facts.st_mode) and os.access(path, os.R_OK):
            what = hashlib.sha256(Path(path).read_bytes()).hexdigest()
        found[path] = (facts.st_mode, facts.st_ino, facts.st_nlink, what)
    return found


def open_handles() -> list[str]:
    """What this process has open, where the system can tell."""
    if not sys.platform.startswith("linux"):
        return []
    found = []
    for handle in os.listdir("/proc/self/fd"):
        with contextlib.suppress(FileNotFoundError):  # that of listdir
            found.append(f"{handle} {os.readlink(f'/proc/self/fd/{handle}')}")
    return sorted(found)


class Place:
    """
    Wheels, and room for trees, below one temporary directory.

    Attributes:
        root: All of it; what is beside `out` is there to be left alone.
        out: Where trees go.
        dest: The usual destination, not there yet.
    """

    def __init__(self, root: Path) -> None:
        """Lay the place out below *root*."""
        self.root = root
        self.out = root / "out"
        self.dest = self.out / "tree"
        self.wheels = root / "wheels"
        self.out.mkdir()
        self.wheels.mkdir()

    def put(self, builder: WheelBuilder) -> Path:
        """Write the wheel, under its file name."""
        return builder.write(self.wheels)

    @contextlib.contextmanager
    def untouched(self) -> Iterator[None]:
        """Whatever happens inside: nothing is written, nothing kept."""
        threads = thread_count()
        handles = open_handles()
        before = snapshot(self.root)
        yield
        assert before == snapshot(self.root)
        # Fewer are fine: what another test left to the garbage collector.
        more = set(open_handles()).difference(handles)
        assert not more, more
        assert thread_count() <= threads
