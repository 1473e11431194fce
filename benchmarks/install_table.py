#!/usr/bin/env python3
"""
Print the README's table of what install.py measured:
install_table.py COMPARISON.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import tools

TITLES = {
    "unwheel": "`unwheel install --no-compile`",
    "unwheel-sync": "`unwheel sync`",
    "uv-copy": "uv `--link-mode copy`, cold",
    "uv": "uv (hard links), cold",
    "uv-copy-warm": "uv `--link-mode copy`, from its cache",
    "uv-warm": "uv (hard links), from its cache",
    "pip": "pip `--no-compile`",
    "installer": "installer",
    "installer-validate": "installer, `validate_record`",
    "unwheel-compile": "`unwheel install`",
    "uv-copy-compile": "uv `--link-mode copy --compile-bytecode`, cold",
    "pip-compile": "pip",
    "pdm-unwheel": "PDM with our plugin",
    "pdm": "PDM",
    "poetry-unwheel": "Poetry with our plugin",
    "poetry": "Poetry",
}


def main() -> int:
    """Read the JSON, print the rows."""
    parser = tools.parser(__doc__)
    parser.add_argument("comparison", type=Path)
    sets = json.loads(parser.parse_args().comparison.read_text())["installs"]
    print(f"| | checks | {' | '.join(map(_heading, sets, sets.values()))} |")
    print(f"| --- | --- |{' ---: |' * len(sets)}")
    for name, title in TITLES.items():
        found = [facts["tools"].get(name) for facts in sets.values()]
        if any(found):
            checks = next(each["checks"] for each in found if each)
            cells = " | ".join(_cell(name, each) for each in found)
            print(f"| {title} | {checks} | {cells} |")
    return 0


def _heading(name: str, facts: dict[str, Any]) -> str:
    size = f"{facts['size'] / 1e6:,.0f} MB"
    return f"{name}: {size} in {facts['members']:,} files"


def _cell(name: str, measured: dict[str, Any] | None) -> str:
    """Seconds of who others are compared with; how many times as long."""
    if measured is None:
        return ""
    if measured["base"] == name or "ratio" not in measured:
        return f"{measured['wall_median']:.2f} s"
    return f"{measured['ratio']:.2f} x"


if __name__ == "__main__":
    sys.exit(main())
