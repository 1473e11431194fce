#!/usr/bin/env python3
"""
What hashing beside decoding saves: benchmarks/compare_shadow.py WHEEL...

The core alone, on whole wheels, to nowhere (verify), by one thread: inflated
and hashed in the shadow of decoding, and inflated and hashed one after the
other (the decoder without BMI2, which is as fast by itself: see
compare_inflate.py).  With --both, two processes do it at the same time, so
that no core is idle.  The ways take turns, so a slow minute of the machine
hurts both alike; the first turn warms up and does not count.  What counts is
the median, over the turns, of the first's CPU time divided by the second's:
below 1, the shadow is worth it.
"""

from __future__ import annotations

import argparse
import array
import statistics
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import tools

from unwheel import Limits, native
from unwheel._native import lib


def main() -> int:
    """Measure, and print a line per wheel."""
    options = _options()
    count = 2 if options.both else 1
    for wheel in options.wheel:
        with ProcessPoolExecutor(count) as pool:
            ratios = list(
                pool.map(_compare, [wheel] * count, [options.rounds] * count)
            )
        told = "  ".join(f"{ratio:6.2f}" for ratio in ratios)
        print(f"{wheel.name[:40]:42}{told}", flush=True)
    return 0


def _options() -> argparse.Namespace:
    parser = tools.parser(__doc__)
    parser.add_argument("wheel", nargs="+", type=Path)
    parser.add_argument("--both", action="store_true")
    parser.add_argument("--rounds", type=int, default=9)
    return parser.parse_args()


def _compare(wheel: Path, rounds: int) -> float:
    archive = native.NativeArchive(str(wheel), Limits())
    ratios = []
    for _ in range(rounds + 1):
        shadow = _verify(archive, native.CPU)
        after = _verify(archive, native.CPU & ~lib.UW_CPU_BMI2)
        ratios.append(shadow / after)
    archive.close()
    return statistics.median(ratios[1:])


def _verify(archive: native.NativeArchive, cpu: int) -> float:
    """Seconds of this thread for all members."""
    count = len(archive.entries)
    flags = bytes(
        native.DIRECTORY if name.endswith("/") else 0
        for name in archive.entries.names
    )
    entries = array.array("I", range(count)).tobytes()
    batch = native.Batch(archive, None, entries, flags, bytes(32 * count))
    begun = time.thread_time()
    batch.run(cpu=cpu)
    seconds = time.thread_time() - begun
    if batch.failures():
        raise SystemExit(f"{batch.failures()} members are wrong")
    batch.close()
    return seconds


if __name__ == "__main__":
    sys.exit(main())
