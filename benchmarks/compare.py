#!/usr/bin/env python3
"""
Compare whole tools on whole wheels: python benchmarks/compare.py

The tools take turns: see turns.py.  The wheel lies on the same file system as
the destinations.  On a disk, ask for --sync too: every tool then starts when
nothing is left to be written back, and told is also how long it takes until
all that it wrote is on the disk.

On ext4, let some minutes pass after large trees have been removed: each new
file costs more until the kernel has forgotten them.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

sys.path.insert(1, str(Path(__file__).resolve().parent.parent / "tests"))

import tools
import turns
import wheels

SHOWN = ("pyarrow", "scipy", "jaxlib", "django")


def main() -> int:
    """Measure, print a table per wheel, and write the JSON as it comes."""
    options = _options()
    rivals = turns.present(options.tools)
    comparison = {"machine": turns.machine(options.where), "wheels": {}}
    for wheel in options.wheel or _shown(options.wheels):
        facts = turns.compare([wheel], rivals, options)
        comparison["wheels"][wheel.name] = facts
        turns.show(wheel.name, facts, options.base)
        if options.json:
            options.json.write_text(json.dumps(comparison, indent=1) + "\n")
    return 0


def _options() -> argparse.Namespace:
    parser = tools.parser(__doc__)
    add = parser.add_argument
    add("wheel", nargs="*", type=Path, help="default: those of the README")
    add("--wheels", metavar="DIR", help="keep downloaded wheels there")
    turns.add_options(parser, [tool.name for tool in tools.ALL])
    return parser.parse_args()


def _shown(directory: str | None) -> list[Path]:
    if directory:
        os.environ["UNWHEEL_TEST_WHEELS"] = directory
    chosen = {wheel.project: wheel for wheel in wheels.CORPUS}
    return [wheels.fetch(chosen[project]) for project in SHOWN]


if __name__ == "__main__":
    sys.exit(main())
