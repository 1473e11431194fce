#!/usr/bin/env python3
"""
Is the cost linear?  python benchmarks/compare_cost.py

Wheels are made that have 1, 2, 4 and 8 times as many members of 1 KB, and
others that have as many bytes more in 50 members.  Each is extracted stage by
stage on one thread, and whole by as many as there are CPUs:

open     read the directory, and check every local header against it
plan     judge names, types, RECORD
prepare  sort the orders into jobs, make directories that hold others
work     inflate, CRC-32, SHA-256, write: all members
publish  the rename
report   the report with all its files, as JSON
whole    unwheel.extract(), CPU seconds of all threads
wall     the same, wall time

Sizes take turns, and of each stage the least of --rounds counts, in CPU time
(but for "wall").  Printed are those times, what one more member or megabyte
costs (the slope of the line through them), and the exponent: the slope of the
line through their logarithms, which is 1 if twice as much costs twice as much.
It exits with 1 if the exponent of a stage is above --bound.  That leaves room
for sorting (n log n has an exponent of 1.1 here) and for tables that outgrow
the caches; on a machine that others use, too, have it go first: chrt --rr 1.
"""

from __future__ import annotations

import argparse
import array
import json
import math
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(1, str(Path(__file__).resolve().parent.parent / "tests"))

import tools
from builder import WheelBuilder

import unwheel
from unwheel import native
from unwheel.engine import no_destination
from unwheel.plan import make_plan
from unwheel.staging import Staging

TIMES = (1, 2, 4, 8)
MEMBER_SIZE = 1000
PER_DIRECTORY = 50
BIG_MEMBERS = 50
POLICY = unwheel.Policy(dedupe="off")
STAGES = (
    *("open", "plan", "prepare", "work", "publish", "report"),
    *("whole", "wall"),
)

# What takes less than this is not judged: a page fault more would tell.
NOTHING = 0.0005

Costs = dict[str, float]


def main() -> int:
    """Measure both series; 1 if one of them is not linear."""
    options = _options()
    with tempfile.TemporaryDirectory(
        dir=options.where, prefix="unwheel-cost-"
    ) as top:
        room = Path(top)
        members = [options.members * times for times in TIMES]
        wheels = [_of_members(room, count) for count in members]
        least = _measure(wheels, options.rounds)
        exponents = _print("member", members, least)
        for wheel in wheels:
            wheel.unlink()
        sizes = [options.megabytes * times for times in TIMES]
        wheels = [_of_bytes(room, size * 10**6) for size in sizes]
        least = _measure(wheels, options.rounds)
        exponents += _print("MB", sizes, least)
    worst = max(exponents)
    print(f"the largest exponent is {worst:.2f}, the bound {options.bound}")
    return int(worst > options.bound)


def _options() -> argparse.Namespace:
    parser = tools.parser(__doc__)
    add = parser.add_argument
    add("--members", type=int, default=5000, help="of the smallest wheel")
    add("--megabytes", type=int, default=25, help="of the smallest wheel")
    add("--rounds", type=int, default=5)
    add("--bound", type=float, default=1.2)
    add("--where", metavar="DIR", type=Path, default=tools.default_where())
    return parser.parse_args()


# ------------------------------------------------------------------- wheels


def _text(size: int) -> bytes:
    """Words that deflate to a third, the same each time."""
    chosen = random.Random(size)
    words = [f"{chosen.getrandbits(40):x}" for _ in range(2000)]
    return " ".join(chosen.choices(words, k=size // 8)).encode()[:size]


def _of_members(room: Path, count: int) -> Path:
    text = _text(1 << 20)
    builder = WheelBuilder(f"members{count}")
    for k in range(count):
        at = k * 7919 % (len(text) - MEMBER_SIZE)
        name = f"pkg/d{k // PER_DIRECTORY:05}/module_{k:06}.py"
        builder.file(name, text[at : at + MEMBER_SIZE], level=1)
    return builder.write(room)


def _of_bytes(room: Path, size: int) -> Path:
    """The same number of members, however large."""
    text = _text(1 << 20)
    builder = WheelBuilder(f"bytes{size}")
    each = size // BIG_MEMBERS
    for k in range(BIG_MEMBERS):
        at = k * 7919 % len(text)
        content = text[at:] + text * (each // len(text) + 1)
        builder.file(f"pkg/data{k:03}.txt", content[:each], level=1)
    return builder.write(room)


# ---------------------------------------------------------------- measuring


def _measure(wheels: Sequence[Path], rounds: int) -> list[Costs]:
    """The least of every stage, for every wheel; the sizes take turns."""
    least = [dict.fromkeys(STAGES, math.inf) for _ in wheels]
    for _ in range(rounds):
        for wheel, so_far in zip(wheels, least, strict=True):
            costs = {**_stages(wheel), **_whole(wheel)}
            for stage, seconds in costs.items():
                so_far[stage] = min(so_far[stage], seconds)
    return least


def _stages(wheel: Path) -> Costs:
    """What engine.py does, with a clock between the steps."""
    costs: Costs = {}

    def timed(stage: str, work: Callable[[], object]) -> None:
        begun = time.thread_time()
        work()
        costs[stage] = time.thread_time() - begun

    path = os.fspath(wheel)
    with tempfile.TemporaryDirectory(dir=wheel.parent) as top:
        staging = Staging(os.path.join(top, "tree"))
        staging.make()
        tree = native.Tree(staging.path)
        opened: list[native.NativeArchive] = []
        timed(
            "open",
            lambda: opened.append(
                native.NativeArchive(path, POLICY.limits, POLICY.descriptors)
            ),
        )
        (archive,) = opened
        planned: list[unwheel.Plan] = []
        timed(
            "plan",
            lambda: planned.append(
                make_plan(
                    archive, path, POLICY, lambda: no_destination(POLICY)
                )
            ),
        )
        (plan,) = planned
        orders = array.array("I", plan.orders).tobytes()
        columns = orders, plan.flags, plan.digests
        prepared: list[native.Batch] = []
        timed(
            "prepare",
            lambda: prepared.append(native.Batch(archive, tree, *columns)),
        )
        (batch,) = prepared
        timed("work", batch.run)
        if batch.failures():
            raise SystemExit(f"{batch.failures()} members are wrong")
        batch.close()
        tree.close()
        timed("publish", lambda: staging.publish(last=plan.dist_info))
        archive.close()
    return costs


def _whole(wheel: Path) -> Costs:
    with tempfile.TemporaryDirectory(dir=wheel.parent) as top:
        cpu, wall = time.process_time(), time.perf_counter()
        report = unwheel.extract(wheel, Path(top) / "tree", policy=POLICY)
        wall = time.perf_counter() - wall
        cpu = time.process_time() - cpu
        begun = time.thread_time()
        json.dumps(report.to_json(files=True))
        told = time.thread_time() - begun
    return {"whole": cpu, "wall": wall, "report": told}


# ------------------------------------------------------------------ judging


def slope(xs: Sequence[float], ys: Sequence[float]) -> float:
    """Of the line that fits best (least squares)."""
    x_mean, y_mean = sum(xs) / len(xs), sum(ys) / len(ys)
    down = sum((x - x_mean) ** 2 for x in xs)
    up = sum((x - x_mean) * (y - y_mean) for x, y in zip(xs, ys, strict=True))
    return up / down


def exponent(xs: Sequence[float], ys: Sequence[float]) -> float:
    """How a cost grows: 0 not at all, 1 linear, 2 by the square."""
    return slope(list(map(math.log, xs)), list(map(math.log, ys)))


def _print(
    unit: str, counts: Sequence[int], least: Sequence[Costs]
) -> list[float]:
    """A line per stage; the exponents of those that take any time."""
    print(f"{'ms':10}" + "".join(f"{n:>9}" for n in counts), end="")
    print(f"   us per {unit}   exponent")
    judged = []
    for stage in STAGES:
        seconds = [costs[stage] for costs in least]
        print(f"{stage:10}", end="")
        print("".join(f"{s * 1e3:9.1f}" for s in seconds), end="")
        print(f"{slope(counts, seconds) * 1e6:12.3f}", end="")
        if max(seconds) < NOTHING:
            print("          -")
            continue
        judged.append(exponent(counts, seconds))
        print(f"{judged[-1]:11.2f}", flush=True)
    return judged


if __name__ == "__main__":
    sys.exit(main())
