#!/usr/bin/env python3
"""
Compare installers: python benchmarks/install.py

Each tool installs a set of wheels to a virtual environment that was made
anew, untimed, and has nothing but pip; they take turns: see turns.py.  What a
tool left there is looked at after each turn.  Wheels, caches and environments
are on the same file system.

Torch's wheel for CPUs is not where all pips look: put it in --wheels.  Tools
that end in -compile make byte code, and are compared with ours that does;
PDM and Poetry are compared with themselves, with our plugin.  The exit
status is 1 if one of ours that was asked for could not.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(1, str(Path(__file__).resolve().parent.parent / "tests"))

import install_projects
import install_sets
import tools
import turns
import wheels
from install_places import Expected, Room, make_template, renew
from install_tools import RIVALS


def main() -> int:
    """Measure, print a table per set, and write the JSON as it comes."""
    options = _options()
    if options.make_venvs:
        install_projects.make_environments(options.venvs)
    comparison = {"machine": turns.machine(options.where), "installs": {}}
    complete = True
    for name in options.sets:
        try:
            chosen = install_sets.fetch(name, options.wheels, options.small)
        except wheels.FetchError as error:
            print(f"# without the set {name}: {error}", file=sys.stderr)
            continue
        facts = _compare(chosen, options)
        comparison["installs"][name] = facts
        complete &= _ours(options.tools) <= facts["tools"].keys()
        turns.show(name, facts, "unwheel")
        if options.json:
            options.json.write_text(json.dumps(comparison, indent=1) + "\n")
    return 0 if complete else 1


def _options() -> argparse.Namespace:
    parser = tools.parser(__doc__)
    add = parser.add_argument
    add("--sets", type=_names(install_sets.NAMES), default=install_sets.NAMES)
    add("--tools", type=_names(RIVALS), default=list(RIVALS), metavar="A,B")
    add("--small", type=int, default=60, help="how many of the small ones")
    add("--rounds", type=int, default=5)
    add("--where", metavar="DIR", type=Path, default=tools.default_where())
    add("--wheels", metavar="DIR", type=Path, help="keep wheels there")
    add("--venvs", metavar="DIR", type=Path, help="PDM's and Poetry's")
    add("--make-venvs", action="store_true", help="make those missing there")
    add("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    if options.make_venvs and not options.venvs:
        parser.error("--make-venvs needs --venvs DIR")
    return options


def _names(known: Sequence[str] | dict[str, Any]) -> Any:
    def parse(text: str) -> list[str]:
        names = text.split(",")
        if unknown := sorted(set(names) - set(known)):
            raise argparse.ArgumentTypeError(
                f"no {', '.join(unknown)}; there are {', '.join(known)}"
            )
        return names

    return parse


def _ours(names: Sequence[str]) -> set[str]:
    return {name for name in names if "unwheel" in name}


def _compare(
    chosen: Sequence[Path], options: argparse.Namespace
) -> dict[str, Any]:
    expected = Expected(chosen)
    with tempfile.TemporaryDirectory(
        dir=options.where, prefix="unwheel-install-"
    ) as name:
        top = Path(name)
        (top / "wheels").mkdir()
        local = [Path(shutil.copy(path, top / "wheels")) for path in chosen]
        template = make_template(top / "template")

        def run(name: str, turn: int) -> tools.Sample:
            room = Room(top / name, local, options.venvs)
            return _install(name, room, template, expected, turn == 0)

        samples = turns.take(options.tools, options.rounds, run)
    return {
        **turns.facts_of(chosen),
        "tools": {name: _judged(name, samples) for name in samples},
    }


def _install(
    name: str, room: Room, template: Path, expected: Expected, thorough: bool
) -> tools.Sample:
    """
    Install once.

    Raises:
        ToolError: If the tool is missing, fails, or left something out.
    """
    rival = RIVALS[name]
    renew(template, room)
    try:
        argv = rival.command(room)
        sample = tools.timed(name, argv, room.environment)
        expected.check(room, compiled=rival.compiles, thorough=thorough)
    finally:
        shutil.rmtree(room.venv)
    return sample


def _judged(
    name: str, samples: dict[str, list[tools.Sample]]
) -> dict[str, Any]:
    rival = RIVALS[name]
    base = samples.get(rival.base)
    return {
        **turns.judge(rival.checks, samples[name], base),
        "base": rival.base,
    }


if __name__ == "__main__":
    sys.exit(main())
