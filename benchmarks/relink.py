#!/usr/bin/env python3
"""
What repeated files cost, and what links save: python benchmarks/relink.py

Wheels that hold the same library under several names are measured as they are
published, inflating each name ("off") or each content once ("copy"), and
relinked, where the other names are links.  The three take turns; what is told
of times is the median, over the turns, of the ratio to "off" in the same turn.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(1, str(Path(__file__).resolve().parent.parent / "tests"))

import tools
import wheels
from wheels import RealWheel

import unwheel
from unwheel.relinking import RelinkReport, relink

WHEELS = (
    RealWheel("casadi", "3.8.2", "solvers, each library three times"),
    RealWheel("libucx-cu12", "1.22.0", "a library with two more names each"),
    RealWheel("tbb", "2023.2.0", "repeats in .data/data/lib"),
)
HEAD = (
    "wheel",
    "links",
    "archive, MB",
    "relinked",
    "unpacked, MB",
    "relinked",
    "each inflated, s",
    "repeats once",
    "relinked",
)


@dataclass(frozen=True)
class Way:
    """One way to extract: a wheel file and what becomes of repeats."""

    wheel: Path
    dedupe: str


def main() -> int:
    """Measure, and print a table in Markdown as it comes."""
    options = _options()
    print("| " + " | ".join(HEAD) + " |")
    print("| --- |" + " ---: |" * (len(HEAD) - 1), flush=True)
    for wheel in options.wheel or map(wheels.fetch, WHEELS):
        with tempfile.TemporaryDirectory(
            dir=options.where, prefix="unwheel-relink-"
        ) as top:
            cells = _measure(wheel, Path(top), options.rounds)
        print("| " + " | ".join(cells) + " |", flush=True)
    return 0


def _options() -> argparse.Namespace:
    parser = tools.parser(__doc__)
    add = parser.add_argument
    add("wheel", nargs="*", type=Path, help="default: those of the README")
    add("--wheels", metavar="DIR", help="keep downloaded wheels there")
    add("--where", metavar="DIR", type=Path, default=tools.default_where())
    add("--rounds", type=int, default=5)
    options = parser.parse_args()
    if options.wheels:
        os.environ["UNWHEEL_TEST_WHEELS"] = options.wheels
    return options


def _measure(wheel: Path, top: Path, rounds: int) -> list[str]:
    before = Path(shutil.copy(wheel, top))
    report = relink(before, top / "relinked")
    after = Path(report.result or "")
    ways = [Way(before, "off"), Way(before, "copy"), Way(after, "copy")]
    return [*_sizes(wheel, report), *_times(ways, top, rounds)]


def _sizes(wheel: Path, report: RelinkReport) -> list[str]:
    return [
        " ".join(wheel.name.split("-")[:2]),
        str(sum(len(group.links) for group in report.groups)),
        *(
            f"{size / 1e6:.1f}"
            for size in (
                report.archive_size,
                report.relinked_archive_size,
                report.size,
                report.relinked_size,
            )
        ),
    ]


def _times(ways: list[Way], top: Path, rounds: int) -> list[str]:
    turns = [[_time(way, top) for way in ways] for _ in range(rounds + 1)]
    del turns[0]  # it warms up
    first = statistics.median(turn[0] for turn in turns)
    ratios = [
        statistics.median(turn[k] / turn[0] for turn in turns)
        for k in range(1, len(ways))
    ]
    return [f"{first:.3f}", *(f"{ratio:.2f} x" for ratio in ratios)]


def _time(way: Way, top: Path) -> float:
    """Seconds for one extraction; making and removing room is not timed."""
    with tempfile.TemporaryDirectory(dir=top) as room:
        started = time.perf_counter()
        unwheel.extract(
            way.wheel,
            Path(room, "tree"),
            policy=unwheel.Policy(dedupe=way.dedupe),
        )
        return time.perf_counter() - started


if __name__ == "__main__":
    sys.exit(main())
