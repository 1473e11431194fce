#!/usr/bin/env python3
"""
What the worst wheels cost: python benchmarks/compare_worst.py

For each stage wheels are made that make it work hardest for a byte, of 1, 2, 4
and 8 times a size (worst_wheels.py), and a command is run on each in a process
of its own, on one thread, after a small one of the kind that loads what has to
be loaded.  Of --rounds runs the fastest counts, in CPU time, user and system.
Printed are milliseconds, nanoseconds for a byte of the largest wheel, its peak
of memory in MB above what the process had before, and the exponent: the slope
of the line through the logarithms, which is 1 if twice as many bytes cost
twice as much.  Then bombs: small wheels that ask for much, the time until each
is refused, and the memory.

It exits with 1 if an exponent, a byte or a bomb costs more than --exponent,
--byte and --bomb allow, or if a bomb is not refused for its own reason.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import math
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(1, str(Path(__file__).resolve().parent.parent / "tests"))

import tools
from builder import WheelBuilder
from compare_cost import exponent
from worst_wheels import BOMBS, MIB, WORST, Bomb, Worst

from unwheel import cli

TIMES = (1, 2, 4, 8)

# The smallest of every kind.
LEAST = 4

# This script as the process that measures.
ONE = "--one"

WORST_HEAD = (
    f"{'stage':9}{'what':33}{'command':17}"
    + "".join(f"{f'{times} x, ms':>8}" for times in TIMES)
    + f"{'ns/byte':>9}{'MB':>7}{'exp.':>6}"
)
BOMBS_HEAD = f"\n{'bomb':50}{'bytes':>9}{'ms':>9}{'MB':>7}"

# What takes less than this is not judged: a page fault more would tell.
NOTHING = 0.002


def main() -> int:
    """Measure all; 1 if something is above its bound."""
    if sys.argv[1:2] == [ONE]:
        rounds, wheel, small, *command = sys.argv[2:]
        measured = _measure_here(
            int(rounds), Path(wheel), Path(small), *command
        )
        print(json.dumps(measured))
        return 0
    options = _options()
    with tempfile.TemporaryDirectory(
        dir=options.where, prefix="unwheel-worst-"
    ) as top:
        room = Path(top)
        print(WORST_HEAD)
        worst = [
            _try_worst(room, case, options)
            for case in WORST
            if options.only in f"{case.stage}, {case.name}"
        ]
        print(BOMBS_HEAD)
        bombs = [
            _try_bomb(room, bomb, options)
            for bomb in BOMBS
            if options.only in f"bomb, {bomb.name}"
        ]
    told = {"worst": worst, "bombs": bombs}
    if options.json:
        options.json.write_text(json.dumps(told, indent=1) + "\n")
    failures = list(_too_costly(told, options))
    for failure in failures:
        print(f"TOO COSTLY: {failure}")
    _print_sum(told)
    return int(bool(failures))


def _options() -> argparse.Namespace:
    parser = tools.parser(__doc__)
    add = parser.add_argument
    add("--only", metavar="TEXT", default="", help="with this in a name")
    add("--scale", type=float, default=1.0, help="of all sizes")
    add("--rounds", type=int, default=3)
    add("--exponent", type=float, default=1.2, help="the most")
    add("--byte", type=float, default=3000, help="ns at most")
    add("--bomb", type=float, default=1.0, help="seconds at most")
    add("--where", metavar="DIR", type=Path, default=tools.default_where())
    add("--json", type=Path, metavar="FILE")
    return parser.parse_args()


# ------------------------------------------------------------------- worst


def _try_worst(
    room: Path, case: Worst, options: argparse.Namespace
) -> dict[str, Any]:
    small = _write(room / "small", case.build(LEAST))
    sizes, runs = [], []
    for times in TIMES:
        count = max(LEAST, int(case.count * options.scale * times))
        wheel = _write(room / "large", case.build(count))
        sizes.append(wheel.stat().st_size)
        runs.append(_measure(wheel, small, case.command, options.rounds))
    seconds = [run["cpu"] for run in runs]
    told = {
        "stage": case.stage,
        "name": case.name,
        "command": " ".join(case.command),
        "code": runs[-1]["code"],
        "sizes": sizes,
        "seconds": seconds,
        "peak": runs[-1]["peak"],
        "ns_per_byte": seconds[-1] / sizes[-1] * 1e9,
        "exponent": exponent(sizes, seconds)
        if max(seconds) > NOTHING
        else None,
    }
    _print_worst(told)
    return told


def _write(directory: Path, builder: WheelBuilder) -> Path:
    directory.mkdir(exist_ok=True)
    return builder.write(directory)


def _print_worst(told: dict[str, Any]) -> None:
    grows = told["exponent"]
    times = "".join(f"{s * 1e3:8.1f}" for s in told["seconds"])
    print(
        f"{told['stage']:9}{told['name']:33}{told['command']:17}{times}"
        f"{told['ns_per_byte']:9.1f}{told['peak'] / MIB:7.1f}"
        f"{'-' if grows is None else f'{grows:.2f}':>6}  {told['code']}",
        flush=True,
    )


# ------------------------------------------------------------------- bombs


def _try_bomb(
    room: Path, bomb: Bomb, options: argparse.Namespace
) -> dict[str, Any]:
    small = _write(room / "small", WORST[0].build(LEAST))
    wheel = _write(room / "large", bomb.build())
    told = {
        "name": bomb.name,
        "size": wheel.stat().st_size,
        "expected": bomb.code,
        **_measure(wheel, small, bomb.command, options.rounds),
    }
    print(
        f"{told['name']:50}{told['size']:9}{told['cpu'] * 1e3:9.1f}"
        f"{told['peak'] / MIB:7.1f}  {told['code']}",
        flush=True,
    )
    return told


# --------------------------------------------------------------- measuring


def _measure(
    wheel: Path, small: Path, command: Sequence[str], rounds: int
) -> dict[str, Any]:
    """What *command* takes for *wheel*, in a process of its own."""
    done = subprocess.run(
        [
            *(sys.executable, __file__, ONE, str(rounds)),
            *(str(wheel), str(small), *command),
        ],
        stdout=subprocess.PIPE,
        check=True,
    )
    measured: dict[str, Any] = json.loads(done.stdout)
    return measured


class _Output(io.StringIO):
    """What only looks at the beginning of what is written to it."""

    def write(self, text: str) -> int:
        if self.tell() < MIB:
            super().write(text[:MIB])
        return len(text)


def _run(command: Sequence[str], wheel: Path) -> str:
    """Run *command*; the reason code of the refusal, or "ok"."""
    arguments = [*command, "--json", str(wheel)]
    if command[0] == "extract":
        arguments += ["--into", str(wheel.parent / "tree")]
    if command[0] != "list":
        arguments += ["--threads", "1"]
    output = _Output()
    with contextlib.redirect_stdout(output):
        cli.main(arguments)
    told = output.getvalue()
    if '"status": "ok"' in told[:1000]:
        return "ok"
    found = re.search(r'"code": "([A-Z0-9_]+)"', told)
    return found[1] if found else "?"


def _measure_here(
    rounds: int, wheel: Path, small: Path, *command: str
) -> dict[str, Any]:
    _run(command, small)
    _clear(small)
    before = _memory("VmRSS")
    least = math.inf
    for _ in range(rounds):
        begun = time.process_time()
        code = _run(command, wheel)
        least = min(least, time.process_time() - begun)
        _clear(wheel)
    peak = max(0, _memory("VmHWM") - before)
    return {"cpu": least, "peak": peak, "code": code}


def _clear(wheel: Path) -> None:
    """Remove what was extracted, if anything was."""
    shutil.rmtree(wheel.parent / "tree", ignore_errors=True)


def _memory(field: str) -> int:
    """Bytes, as /proc has them."""
    text = Path("/proc/self/status").read_text()
    (line,) = (x for x in text.splitlines() if x.startswith(f"{field}:"))
    return int(line.split()[1]) * 1024


# ------------------------------------------------------------------ judging


def _too_costly(
    told: dict[str, Any], options: argparse.Namespace
) -> Iterator[str]:
    for case in told["worst"]:
        where = f"{case['stage']}, {case['name']}"
        if (case["exponent"] or 0) > options.exponent:
            yield f"{where}: exponent {case['exponent']:.2f}"
        if case["ns_per_byte"] > options.byte:
            yield f"{where}: {case['ns_per_byte']:.0f} ns for a byte"
    for bomb in told["bombs"]:
        if bomb["cpu"] > options.bomb:
            yield f"{bomb['name']}: {bomb['cpu']:.1f} s"
        if bomb["code"] != bomb["expected"]:
            yield f"{bomb['name']}: {bomb['code']}, not {bomb['expected']}"


def _print_sum(told: dict[str, Any]) -> None:
    grows = [case["exponent"] for case in told["worst"] if case["exponent"]]
    if grows:
        slow = max(told["worst"], key=lambda case: case["ns_per_byte"])
        print(
            f"exponents {min(grows):.2f} to {max(grows):.2f}; at most "
            f"{slow['ns_per_byte']:.0f} ns for a byte ({slow['name']})"
        )
    if bombs := told["bombs"]:
        print(
            f"bombs: at most {max(b['cpu'] for b in bombs) * 1e3:.0f} ms and "
            f"{max(b['peak'] for b in bombs) / MIB:.0f} MB"
        )


if __name__ == "__main__":
    sys.exit(main())
