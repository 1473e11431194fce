"""
The DEFLATE streams that decoders are measured with: members of real wheels.
"""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO

sys.path.insert(1, str(Path(__file__).resolve().parent.parent / "tests"))

import wheels

LOCAL_LEN = 30
LEN_MAX = 80 << 20  # bytes of a member: benchmarks hold it in memory

# Deflated bytes of a stream, if there are so many.  A branch predictor learns
# 64 KB by heart when they are repeated, and then a decoder full of branches
# looks as fast as any: libdeflate half as fast again as in earnest.
ENOUGH = 1 << 20

# The largest members with this ending, of this project's wheel.
CHOSEN = (
    ("numpy", ".so"),
    ("scipy", ".so"),
    ("pandas", ".so"),
    ("pyarrow", ".so.2600"),
    ("duckdb", ".so"),
    ("opencv-python-headless", ".so"),
    ("pyside6-essentials", ".so.73"),
    ("numpy", ".py"),
    ("django", ".py"),
    ("django", ".js"),
    ("botocore", ".json"),
    ("pyarrow", ".h"),
)
NAMES = tuple(f"{project}{ending}" for project, ending in CHOSEN)


@dataclass(frozen=True)
class Stream:
    """Members as they are packed in their wheel, to be decoded in turn."""

    name: str
    members: tuple[bytes, ...]
    plain_len: int  # bytes of all of them
    longest: int  # bytes of the largest

    def decode(self, inflate: Callable[[bytes], int]) -> int:
        """Decode all with *inflate*; the bytes that came out."""
        return sum(map(inflate, self.members))


@cache
def load(name: str) -> Stream:
    """Fetch the stream called *name*, one of `NAMES`."""
    project, ending = CHOSEN[NAMES.index(name)]
    (wheel,) = (w for w in wheels.CORPUS if w.project == project)
    path = wheels.fetch(wheel)
    with zipfile.ZipFile(path) as archive:
        chosen = _largest(archive, ending)
    with path.open("rb") as file:
        deflated = tuple(_deflated(file, member) for member in chosen)
    plain_lens = [member.file_size for member in chosen]
    return Stream(name, deflated, sum(plain_lens), max(plain_lens))


def _largest(archive: zipfile.ZipFile, ending: str) -> list[zipfile.ZipInfo]:
    members = [
        member
        for member in archive.infolist()
        if member.filename.endswith(ending)
        and member.compress_type == zipfile.ZIP_DEFLATED
        and member.file_size <= LEN_MAX
    ]
    members.sort(key=lambda member: member.file_size, reverse=True)
    lens = accumulate(member.compress_size for member in members)
    return members[: 1 + sum(total < ENOUGH for total in lens)]


def _deflated(file: BinaryIO, member: zipfile.ZipInfo) -> bytes:
    file.seek(member.header_offset)
    header = file.read(LOCAL_LEN)
    lengths = header[26:28], header[28:30]
    file.seek(sum(int.from_bytes(b, "little") for b in lengths), 1)
    return file.read(member.compress_size)
