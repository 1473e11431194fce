"""
Tools that take turns (A B C, A B C, ...), and how they are compared.

A slow minute of the machine hurts all alike.  The first turn warms up and does
not count.  What counts is the median, over the turns, of a tool's wall time
divided by the base's in the same turn.
"""

from __future__ import annotations

import argparse
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import tools


def add_options(
    parser: argparse.ArgumentParser, chosen: Sequence[str]
) -> None:
    """Add what every comparison of tools can be told."""
    add = parser.add_argument
    add("--where", metavar="DIR", type=Path, default=tools.default_where())
    add("--rounds", type=int, default=5)
    add(
        "--tools",
        type=_names,
        default=list(chosen),
        metavar="A,B",
        help=f"of {', '.join(tools.TOOLS)}; default: {','.join(chosen)}",
    )
    add("--base", default="unwheel", choices=tools.TOOLS)
    add(
        "--sync",
        action="store_true",
        help="tell when all is on the disk, too; for a real one",
    )
    add("--json", type=Path, metavar="FILE")


def _names(text: str) -> list[str]:
    names = text.split(",")
    unknown = set(names) - set(tools.TOOLS)
    if unknown:
        raise argparse.ArgumentTypeError(
            f"no such tool: {', '.join(sorted(unknown))}"
        )
    return names


def present(names: Sequence[str]) -> list[tools.Tool]:
    """Those that are installed; the others are named, not hidden."""
    there = []
    for name in names:
        try:
            tools.check(tools.TOOLS[name])
        except tools.ToolError as error:
            print(f"# without {name}: {error}", file=sys.stderr)
        else:
            there.append(tools.TOOLS[name])
    return there


# Of the bytes in the wheels; RECORD and scripts may be written anew, and of
# many wheels in one directory one file may replace another.
WRITTEN = 0.95


def compare(
    wheels: Sequence[Path],
    rivals: Sequence[tools.Tool],
    options: argparse.Namespace,
) -> dict[str, Any]:
    """
    Have each of *rivals* extract all of *wheels*, turn by turn.

    Returns:
        What the wheels are, and of each tool seconds, bytes, and how many
        times as long as the base it takes.
    """
    facts = facts_of(wheels)
    least = int(facts["size"] * WRITTEN)
    with tempfile.TemporaryDirectory(
        dir=options.where, prefix="unwheel-compare-"
    ) as top:
        local = [Path(shutil.copy(wheel, top)) for wheel in wheels]
        samples = take(
            [tool.name for tool in rivals],
            options.rounds,
            lambda name, _: tools.run(
                tools.TOOLS[name],
                local,
                Path(top),
                sync=options.sync,
                least=least,
            ),
        )
    return {
        **facts,
        "tools": {
            name: judge(
                tools.TOOLS[name].checks, own, samples.get(options.base)
            )
            for name, own in samples.items()
        },
    }


def take(
    names: Sequence[str],
    rounds: int,
    run: Callable[[str, int], tools.Sample],
) -> dict[str, list[tools.Sample]]:
    """
    Have those of these *names* take turns; 0, which warms up, is not kept.

    One that fails is named, and has no more turns and no samples.
    """
    samples: dict[str, list[tools.Sample]] = {name: [] for name in names}
    for turn in range(rounds + 1):
        for name in names:
            if name not in samples:
                continue
            try:
                sample = run(name, turn)
            except tools.ToolError as error:
                print(f"# without {name}: {error}", file=sys.stderr)
                del samples[name]
                continue
            if turn > 0:
                samples[name].append(sample)
    return samples


def facts_of(wheels: Sequence[Path]) -> dict[str, Any]:
    """Count and sum up the files in *wheels*."""
    members = []
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            members += [m for m in archive.infolist() if not m.is_dir()]
    return {
        "wheels": len(wheels),
        "archive_size": sum(wheel.stat().st_size for wheel in wheels),
        "members": len(members),
        "size": sum(member.file_size for member in members),
    }


def judge(
    checks: str,
    own: Sequence[tools.Sample],
    base: Sequence[tools.Sample] | None,
) -> dict[str, Any]:
    """Sum up a tool's turns, and compare them with the *base*'s."""
    facts = {
        "checks": checks,
        "cpu_median": statistics.median(sample.cpu for sample in own),
        "memory_max": max(sample.memory for sample in own),
    }
    for clock in ("wall", "synced"):
        seconds = [getattr(sample, clock) for sample in own]
        if None in seconds:
            continue
        facts[clock] = seconds
        facts[f"{clock}_min"] = min(seconds)
        facts[f"{clock}_median"] = statistics.median(seconds)
        if base:
            ratio = "ratio" if clock == "wall" else f"{clock}_ratio"
            facts[ratio] = statistics.median(
                mine / getattr(other, clock)
                for mine, other in zip(seconds, base, strict=True)
            )
    return facts


def machine(where: Path) -> dict[str, Any]:
    """Name what the figures depend on."""
    return {
        "cores": tools.cores(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "file_system": _file_system(where),
    }


def _file_system(where: Path) -> str:
    """Name the type of the file system that holds *where* (tmpfs, ext4)."""
    df = subprocess.run(
        ["df", "--output=fstype", where],
        capture_output=True,
        text=True,
        check=True,
    )
    return df.stdout.split()[-1]


def show(title: str, facts: dict[str, Any], base: str) -> None:
    """Print the facts of one comparison, the fastest tool first."""
    size = facts["size"] / 1e6
    print(f"{title}: {size:.0f} MB in {facts['members']} members")
    ranked = sorted(
        facts["tools"].items(), key=lambda kv: kv[1]["wall_median"]
    )
    for tool, measured in ranked:
        cells = _cells(measured, facts, base)
        print(f"  {tool:18} checks {measured['checks']:8}  {'  '.join(cells)}")
    sys.stdout.flush()


def _cells(
    measured: dict[str, Any], facts: dict[str, Any], base: str
) -> list[str]:
    median = measured["wall_median"]
    cells = [
        f"min {measured['wall_min']:7.3f} s",
        f"median {median:7.3f} s",
        f"{facts['size'] / median / 1e6:5.0f} MB/s",
    ]
    if facts["wheels"] > 1:
        cells.append(f"{facts['wheels'] / median:5.1f} wheels/s")
    cells += [
        f"cpu {measured['cpu_median']:7.3f} s",
        f"memory {measured['memory_max'] / 1e6:4.0f} MB",
    ]
    if "ratio" in measured:
        cells.append(
            f"{measured['ratio']:6.2f} x {measured.get('base', base)}"
        )
    if "synced_median" in measured:
        cells.append(f"on the disk {measured['synced_median']:7.3f} s")
    if "synced_ratio" in measured:
        cells.append(f"{measured['synced_ratio']:6.2f} x")
    return cells
