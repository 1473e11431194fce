#!/usr/bin/env python3
"""
Compare DEFLATE decoders in turn: python benchmarks/compare_inflate.py

For each stream: MB/s of ours (best turn), and for each rival the median over
the turns of its time divided by ours in the same turn: above 1, ours is
faster.  The last lines are the geometric means over the streams.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Iterable
from itertools import compress

import rivals
import streams
import tools

TURN = 0.02  # seconds that a turn takes at least


def main() -> int:
    """Measure and print the table."""
    parser = tools.parser(__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--wheels", metavar="DIR")
    options = parser.parse_args()
    if options.wheels:
        os.environ["UNWHEEL_TEST_WHEELS"] = options.wheels
    names = _present()
    print(f"{'':18}{'MB/s':>8}" + "".join(f"{name:>12}" for name in names[1:]))
    rows = []
    for stream in map(streams.load, streams.NAMES):
        times = _take_turns(names, stream, options.rounds)
        rows.append([_ratio(times[name], times["ours"]) for name in names[1:]])
        speed = stream.plain_len / min(times["ours"]) / 1e6
        _print(stream.name, f"{speed:.0f}", rows[-1])
    libraries = [".so" in name for name in streams.NAMES]
    _print("mean of .so", "", _means(compress(rows, libraries)))
    _print("mean of all", "", _means(rows))
    return 0


def _means(rows: Iterable[list[float]]) -> Iterable[float]:
    return map(statistics.geometric_mean, zip(*rows, strict=True))


def _present() -> list[str]:
    present = []
    for name, make in rivals.INFLATERS.items():
        try:
            make(1)
        except rivals.MissingError as error:
            print(f"# without {name}: {error}", file=sys.stderr)
        else:
            present.append(name)
    return present


def _take_turns(
    names: list[str], stream: streams.Stream, rounds: int
) -> dict[str, list[float]]:
    inflaters = {n: rivals.INFLATERS[n](stream.longest) for n in names}
    repeats = _repeats(inflaters["ours"], stream)
    times: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(rounds + 1):
        for name, inflate in inflaters.items():
            seconds = _time(inflate, stream, repeats)
            if turn > 0:
                times[name].append(seconds)
    return times


def _repeats(inflate: rivals.Inflate, stream: streams.Stream) -> int:
    return max(1, round(TURN / _time(inflate, stream, 1)))


def _time(
    inflate: rivals.Inflate, stream: streams.Stream, repeats: int
) -> float:
    start = time.perf_counter()
    for _ in range(repeats):
        got = stream.decode(inflate)
    seconds = (time.perf_counter() - start) / repeats
    if got != stream.plain_len:
        raise SystemExit(f"{stream.name}: {got} bytes of {stream.plain_len}")
    return seconds


def _ratio(times: list[float], base: list[float]) -> float:
    return statistics.median(map(float.__truediv__, times, base))


def _print(name: str, speed: str, ratios: Iterable[float]) -> None:
    print(f"{name:18}{speed:>8}" + "".join(f"{r:12.2f}" for r in ratios))


if __name__ == "__main__":
    sys.exit(main())
