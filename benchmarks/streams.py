"""
The DEFLATE streams that decoders are measured with: members of real wheels.
"""

from __future__ import annotations

import sys
import zipfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

sys.path.insert(1, str(Path(__file__).resolve().parent.parent / "tests"))

import wheels

LOCAL_LEN = 30
LEN_MAX = 64 << 20  # bytes of a member: benchmarks hold it in memory

# The largest member with this ending, of this project's wheel.  None of a few
# KB: a branch predictor learns such a stream by heart when it is repeated, and
# then a decoder full of branches looks as fast as any.
CHOSEN = (
    ("numpy", ".so"),
    ("scipy", ".so"),
    ("pandas", ".so"),
    ("pyarrow", ".so.2600"),
    ("numpy", ".py"),
    ("django", ".js"),
    ("botocore", ".json"),
    ("pyarrow", ".h"),
)
NAMES = tuple(f"{project}{ending}" for project, ending in CHOSEN)


@dataclass(frozen=True)
class Stream:
    """A member as it is packed in its wheel."""

    name: str
    deflated: bytes
    plain_len: int


@cache
def load(name: str) -> Stream:
    """Fetch the stream called *name*, one of `NAMES`."""
    project, ending = CHOSEN[NAMES.index(name)]
    (wheel,) = (w for w in wheels.CORPUS if w.project == project)
    path = wheels.fetch(wheel)
    with zipfile.ZipFile(path) as archive:
        member = max(
            (
                member
                for member in archive.infolist()
                if member.filename.endswith(ending)
                and member.compress_type == zipfile.ZIP_DEFLATED
                and member.file_size <= LEN_MAX
            ),
            key=lambda member: member.file_size,
        )
    with path.open("rb") as file:
        file.seek(member.header_offset)
        header = file.read(LOCAL_LEN)
        lengths = header[26:28], header[28:30]
        file.seek(sum(int.from_bytes(b, "little") for b in lengths), 1)
        deflated = file.read(member.compress_size)
    return Stream(name, deflated, member.file_size)
