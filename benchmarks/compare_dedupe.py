#!/usr/bin/env python3
"""
What inflating the same file once saves: python benchmarks/compare_dedupe.py

The core alone, on whole wheels: all members, CRC-32 and SHA-256 of each, by as
many threads as there are CPUs, to nowhere (verify) and below --where
(extract).  The ways take turns (off, copy, hardlink, off, ...), so a slow
minute of the machine hurts all alike; the first turn warms up and does not
count.  What counts is the median, over the turns, of a way's time divided by
that of "off" in the same turn: below 1, it is faster.
"""

from __future__ import annotations

import argparse
import array
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(1, str(Path(__file__).resolve().parent.parent / "tests"))

import tools
from crews import WorkingCrew

from unwheel import Limits, native

WAYS = ("off", "copy", "hardlink")


def main() -> int:
    """Measure, and print a line per wheel and action."""
    parser = tools.parser(__doc__)
    parser.add_argument("wheel", nargs="+", type=Path)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=tools.cores())
    parser.add_argument("--where", type=Path, default=tools.default_where())
    options = parser.parse_args()
    print(f"{'ms':46}" + "".join(f"{way:>9}" for way in WAYS), end="")
    print("".join(f"{way:>9}" for way in WAYS[1:]) + "  files   bytes again")
    for wheel in options.wheel:
        archive = native.NativeArchive(os.fspath(wheel), Limits())
        for where in (None, options.where):
            _compare(wheel.name, archive, where, options)
    return 0


def _compare(
    name: str,
    archive: native.NativeArchive,
    where: Path | None,
    options: argparse.Namespace,
) -> None:
    times: dict[str, list[float]] = {way: [] for way in WAYS}
    for turn in range(options.rounds + 1):
        for way in WAYS:
            with WorkingCrew(options.threads) as crew, _room(where) as room:
                seconds, repeats = _time(archive, crew, room, way)
            if turn > 0:
                times[way].append(seconds)
    action = "verify" if where is None else "extract"
    medians = [statistics.median(times[way]) * 1e3 for way in WAYS]
    ratios = [
        statistics.median(map(float.__truediv__, times[way], times["off"]))
        for way in WAYS[1:]
    ]
    print(
        f"{name[:36]:37}{action:9}"
        + "".join(f"{median:9.1f}" for median in medians)
        + "".join(f"{ratio:9.3f}" for ratio in ratios)
        + f"{repeats[0]:7}{repeats[1]:14}",
        flush=True,
    )


@contextmanager
def _room(where: Path | None) -> Iterator[native.Tree | None]:
    """A new directory to extract to, gone afterwards."""
    if where is None:
        yield None
        return
    with tempfile.TemporaryDirectory(dir=where, prefix="unwheel-") as top:
        tree = native.Tree(top)
        try:
            yield tree
        finally:
            tree.close()


def _time(
    archive: native.NativeArchive,
    crew: native.Crew,
    tree: native.Tree | None,
    way: str,
) -> tuple[float, tuple[int, int]]:
    """Seconds from the making of the batch on; how much was repeated."""
    count = len(archive.entries)
    flags = bytes(
        native.DIRECTORY if name.endswith("/") else 0
        for name in archive.entries.names
    )
    entries = array.array("I", range(count)).tobytes()
    digests = bytes(32 * count)
    begun = time.perf_counter()
    batch = native.Batch(archive, tree, entries, flags, digests, dedupe=way)
    crew.do(batch)
    seconds = time.perf_counter() - begun
    repeats = batch.repeats()
    batch.close()
    return seconds, repeats


if __name__ == "__main__":
    sys.exit(main())
