#!/usr/bin/env python3
"""
What Python costs around the core: python benchmarks/compare_python.py

Three comparisons, each of which takes turns (A, B, A, B, ...), so a slow
minute of the machine hurts both alike; the first turn warms up and does not
count.

start   ``unwheel --version`` and ``python -c "import cffi"``, whole processes;
        the median, over the turns, of the first time divided by the second.
plan    What happens around the core's work for one wheel of many members, in
        a process of its own, as a command pays for it: opened, judged, handed
        over, its results looked at.  By default a wheel is made that is like
        torch: 12,000 members.
small   A wheel of 20 members by `unwheel.extract`, again and again in one
        process; and the core's work for it alone: the same members to a tree,
        one directory made and renamed.  What counts is the difference.

unwheel has to be installed, its byte code compiled.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from base64 import urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from shutil import rmtree

import tools

import unwheel
from unwheel import native
from unwheel.crew import Crew
from unwheel.plan import make_plan

COUNT = 12_000
SMALL = 17  # and three of .dist-info


def main() -> int:
    """Measure, and print a few lines per comparison."""
    parser = tools.parser(__doc__)
    parser.add_argument("--wheel", type=Path, help="for plan, a real one")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--where", type=Path, default=tools.default_where())
    parser.add_argument("--planned", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.planned:
        print(json.dumps(_plan_once(options.planned)))
        return 0
    with tempfile.TemporaryDirectory(
        dir=options.where, prefix="unwheel-"
    ) as top:
        compare_start(options.rounds)
        wheel = options.wheel or make_wheel(Path(top), "large", COUNT)
        show_plan(wheel, options.rounds)
        compare_small(Path(top), 20 * options.rounds)
    return 0


# -------------------------------------------------------------------- start


def compare_start(rounds: int) -> None:
    """Print what a command that does nothing costs, and what cffi does."""
    script = Path(sys.executable).with_name("unwheel")
    ours = [str(script)] if script.exists() else [sys.executable, "-m"]
    ours += [] if script.exists() else ["unwheel"]
    commands = {
        "unwheel --version": [*ours, "--version"],
        "import cffi": [sys.executable, "-c", "import cffi"],
        "pass": [sys.executable, "-c", "pass"],
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(rounds + 1):
        for name, command in commands.items():
            begun = time.perf_counter()
            subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
            if turn > 0:
                times[name].append(time.perf_counter() - begun)
    for name, seconds in times.items():
        ratios = map(float.__truediv__, seconds, times["import cffi"])
        print(
            f"start  {name:20}{_told(seconds)}"
            f"   {statistics.median(ratios):.3f} of import cffi"
        )


# --------------------------------------------------------------------- plan


def show_plan(wheel: Path, rounds: int) -> None:
    """Print what each step around the core's work costs."""
    command = [sys.executable, __file__, "--planned", str(wheel)]
    steps: dict[str, list[float]] = {}
    for turn in range(rounds + 1):
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
        if turn > 0:
            for step, seconds in json.loads(done.stdout).items():
                steps.setdefault(step, []).append(seconds)
    for step, times in steps.items():
        print(f"plan   {step:20}{_told(times)}")
    totals = list(map(sum, zip(*steps.values(), strict=True)))
    print(f"plan   {'in all':20}{_told(totals)}")


def _plan_once(wheel: Path) -> dict[str, float]:
    """Seconds of each step, for a process that has done nothing else."""
    policy = unwheel.Policy()
    seconds: dict[str, float] = {}

    def timed(step: str, work: Callable[[], object]) -> object:
        begun = time.perf_counter()
        result = work()
        seconds[step] = time.perf_counter() - begun
        return result

    archive = timed(
        "open", lambda: native.NativeArchive(str(wheel), policy.limits)
    )
    plan = timed("plan", lambda: make_plan(archive, str(wheel), policy))
    batch = timed("hand over", lambda: _batch(archive, plan, None))
    with Crew(1) as crew:
        crew.take(batch)
        while not batch.wait(1000):
            pass
    results = timed("results", batch.results)
    timed("statuses", lambda: native.statuses(results))
    batch.close()
    archive.close()
    return seconds


def _batch(archive, plan, tree) -> native.Batch:
    return native.Batch(
        archive,
        tree,
        native.packed("uint32_t", plan.orders),
        plan.flags,
        plan.digests,
        dedupe="copy",
    )


# -------------------------------------------------------------------- small


def compare_small(top: Path, rounds: int) -> None:
    """Print what the API costs for a small wheel, and the core's share."""
    wheel = make_wheel(top, "small", SMALL)
    policy = unwheel.Policy()
    archive = native.NativeArchive(str(wheel), policy.limits)
    plan = make_plan(archive, str(wheel), policy)
    out, staged = top / "out", top / "staged"

    def core() -> None:
        staged.mkdir(0o700)
        tree = native.Tree(str(staged))
        batch = _batch(archive, plan, tree)
        batch.run()
        batch.close()
        tree.close()
        staged.rename(out)

    ways = {"API": lambda: unwheel.extract(wheel, out), "core": core}
    times: dict[str, list[float]] = {way: [] for way in ways}
    for turn in range(rounds + 1):
        for way, work in ways.items():
            begun = time.perf_counter()
            work()
            if turn > 0:
                times[way].append(time.perf_counter() - begun)
            rmtree(out)
    archive.close()
    for way, seconds in times.items():
        print(f"small  {way:20}{_told(seconds)}")
    more = list(map(float.__sub__, times["API"], times["core"]))
    least = min(times["API"]) - min(times["core"])
    print(f"small  {'API less core':20}{_told(more, least)}")


def _told(seconds: list[float], least: float | None = None) -> str:
    """The median, and the *least*, by default that of *seconds*."""
    middle = statistics.median(seconds)
    least = min(seconds) if least is None else least
    return f"{middle * 1e3:9.2f} ms, at least {least * 1e3:8.2f}"


def make_wheel(top: Path, name: str, count: int) -> Path:
    """Make a wheel of *count* files, and three of .dist-info."""
    chosen = random.Random(count)
    wheel = top / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    rows = []
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:

        def put(path: str, data: bytes) -> None:
            entry = zipfile.ZipInfo(path)
            entry.external_attr = 0o100644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
            digest = urlsafe_b64encode(sha256(data).digest()).rstrip(b"=")
            rows.append(f"{path},sha256={digest.decode()},{len(data)}\n")

        for k in range(count):
            folder = f"{name}/include/{name}/csrc/part_{k % 200:03}/detail"
            words = chosen.choices(["self", "x", "=", "return", "\n"], k=300)
            put(f"{folder}/the_module_{k:05}.py", " ".join(words).encode())
        put(f"{info}/METADATA", _metadata(name))
        put(
            f"{info}/WHEEL",
            b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        archive.writestr(
            f"{info}/RECORD", "".join(rows) + f"{info}/RECORD,,\n"
        )
    return wheel


def _metadata(name: str) -> bytes:
    return f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode()


if __name__ == "__main__":
    sys.exit(main())
