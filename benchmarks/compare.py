#!/usr/bin/env python3
"""
Compare whole tools on whole wheels: python benchmarks/compare.py

The tools take turns (A B C, A B C, ...), so a slow minute of the machine hurts
all alike; the first turn warms up and does not count.  What counts is the
median, over the turns, of a tool's wall time divided by the base's in the same
turn.  The wheel lies on the same file system as the destinations.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(1, str(Path(__file__).resolve().parent.parent / "tests"))

import tools
import wheels

SHOWN = ("pyarrow", "scipy", "jaxlib", "django")


def main() -> int:
    """Measure, print a table per wheel, and write the JSON as it comes."""
    options = _options()
    rivals = _present(options.tools.split(","))
    comparison = {"machine": _machine(options.where), "wheels": {}}
    for wheel in options.wheel or _shown(options.wheels):
        facts = _compare(wheel, rivals, options)
        comparison["wheels"][wheel.name] = facts
        _print(wheel.name, facts, options.base)
        if options.json:
            options.json.write_text(json.dumps(comparison, indent=1) + "\n")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("wheel", nargs="*", type=Path, help="default: those of the README")
    add("--wheels", metavar="DIR", help="keep downloaded wheels there")
    add("--where", metavar="DIR", type=Path, default=tools.default_where())
    add("--rounds", type=int, default=5)
    add("--tools", default=",".join(tools.TOOLS), metavar="A,B")
    add("--base", default="unwheel", choices=tools.TOOLS)
    add("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    unknown = set(options.tools.split(",")) - set(tools.TOOLS)
    if unknown:
        parser.error(f"no such tool: {', '.join(sorted(unknown))}")
    return options


def _present(names: Sequence[str]) -> list[tools.Tool]:
    """Those that are installed; the others are named, not hidden."""
    present = []
    for name in names:
        try:
            tools.check(tools.TOOLS[name])
        except tools.ToolError as error:
            print(f"# without {name}: {error}", file=sys.stderr)
        else:
            present.append(tools.TOOLS[name])
    return present


def _shown(directory: str | None) -> list[Path]:
    if directory:
        os.environ["UNWHEEL_TEST_WHEELS"] = directory
    chosen = {wheel.project: wheel for wheel in wheels.CORPUS}
    return [wheels.fetch(chosen[project]) for project in SHOWN]


def _compare(
    wheel: Path, rivals: list[tools.Tool], options: argparse.Namespace
) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(
        dir=options.where, prefix="unwheel-compare-"
    ) as top:
        local = Path(shutil.copy(wheel, top))
        samples = _take_turns(rivals, local, Path(top), options.rounds)
    with zipfile.ZipFile(wheel) as archive:
        members = [m for m in archive.infolist() if not m.is_dir()]
    return {
        "archive_size": wheel.stat().st_size,
        "members": len(members),
        "size": sum(member.file_size for member in members),
        "tools": {
            name: _judge(tools.TOOLS[name], own, samples.get(options.base))
            for name, own in samples.items()
        },
    }


def _take_turns(
    rivals: list[tools.Tool], wheel: Path, top: Path, rounds: int
) -> dict[str, list[tools.Sample]]:
    samples: dict[str, list[tools.Sample]] = {t.name: [] for t in rivals}
    for turn in range(rounds + 1):
        for tool in rivals:
            if tool.name not in samples:
                continue
            try:
                sample = tools.run(tool, wheel, top)
            except tools.ToolError as error:
                print(f"# without {tool.name}: {error}", file=sys.stderr)
                del samples[tool.name]
                continue
            if turn > 0:
                samples[tool.name].append(sample)
    return samples


def _judge(
    tool: tools.Tool,
    own: list[tools.Sample],
    base: list[tools.Sample] | None,
) -> dict[str, Any]:
    """Seconds, bytes, and how many times as long as the base."""
    facts = {
        "checks": tool.checks,
        "wall": [sample.wall for sample in own],
        "wall_min": min(sample.wall for sample in own),
        "wall_median": statistics.median(sample.wall for sample in own),
        "cpu_median": statistics.median(sample.cpu for sample in own),
        "memory_max": max(sample.memory for sample in own),
    }
    if base:
        facts["ratio"] = statistics.median(
            sample.wall / other.wall
            for sample, other in zip(own, base, strict=True)
        )
    return facts


def _machine(where: Path) -> dict[str, Any]:
    return {
        "cores": tools.cores(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "file_system": _file_system(where),
    }


def _file_system(where: Path) -> str:
    """Name the type of the file system that holds *where* (tmpfs, ext4)."""
    stat = subprocess.run(
        ["stat", "--file-system", "--format=%T", where],
        capture_output=True,
        text=True,
        check=True,
    )
    return stat.stdout.strip()


def _print(name: str, facts: dict[str, Any], base: str) -> None:
    size = facts["size"] / 1e6
    print(f"{name}: {size:.0f} MB in {facts['members']} members")
    ranked = sorted(
        facts["tools"].items(), key=lambda kv: kv[1]["wall_median"]
    )
    for tool, measured in ranked:
        ratio = measured.get("ratio")
        print(
            f"  {tool:18} checks {measured['checks']:8}"
            f" min {measured['wall_min']:7.3f} s"
            f"  median {measured['wall_median']:7.3f} s"
            f"  cpu {measured['cpu_median']:7.3f} s"
            f"  memory {measured['memory_max'] / 1e6:6.0f} MB"
            + (f"  {ratio:6.2f} x {base}" if ratio else ""),
            flush=True,
        )


if __name__ == "__main__":
    sys.exit(main())
