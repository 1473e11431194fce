#!/usr/bin/env python3
"""
Compare tools on many wheels at once: python benchmarks/bulk.py --fetch DIR

The wheels are those of bulk_wheels.txt: small and middling ones that real
environments are made of, kept in DIR.  Tools that take many wheels get all of
them in one command, and take turns: see turns.py.  "unwheel-loop" is unwheel
started once for each wheel.  Fewer of the wheels are measured too, because
memory must not grow with their number.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(1, str(Path(__file__).resolve().parent.parent / "tests"))

import bulk_wheels
import tools
import turns
import wheels

CHOSEN = ("unwheel", "unwheel-loop", "naive", "uv", "uv-copy")
COUNTS = (50, 100, 300)


def main() -> int:
    """Measure, print a table per number of wheels, and write the JSON."""
    options = _options()
    comparison = {"machine": turns.machine(options.where), "bulk": {}}
    chosen = {count: _have(count, options) for count in options.counts}
    rivals = turns.present(options.tools)
    for count, paths in chosen.items():
        facts = turns.compare(paths, rivals, options)
        comparison["bulk"][str(count)] = facts
        turns.show(f"{count} wheels", facts, options.base)
        if options.json:
            options.json.write_text(json.dumps(comparison, indent=1) + "\n")
    return 0


def _options() -> argparse.Namespace:
    parser = tools.parser(__doc__)
    add = parser.add_argument
    add("directory", metavar="DIR", type=Path, help="where the wheels are")
    add("--fetch", action="store_true", help="download those not there yet")
    add("--counts", type=_counts, default=COUNTS, metavar="N,M")
    turns.add_options(parser, CHOSEN)
    return parser.parse_args()


def _counts(text: str) -> list[int]:
    counts = [int(count) for count in text.split(",")]
    most = len(bulk_wheels.listed())
    if not all(1 <= count <= most for count in counts):
        raise argparse.ArgumentTypeError(f"there are {most} wheels")
    return counts


def _have(count: int, options: argparse.Namespace) -> list[Path]:
    pinned = bulk_wheels.listed(count)
    try:
        if options.fetch:
            bulk_wheels.fetch(pinned, options.directory)
        return bulk_wheels.paths(pinned, options.directory)
    except wheels.FetchError as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    sys.exit(main())
