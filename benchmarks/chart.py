#!/usr/bin/env python3
"""
Draw what compare.py measured: chart.py COMPARISON.json CHART.svg

One panel per wheel, one bar per tool: median wall seconds.  The background is
transparent and the text mid-grey, so it can be read on light and dark pages.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import Patch

TEXT = "#808080"
UNWHEEL = "#1f9e78"
VERIFIES = "#d08a3c"
DOES_NOT = "#7f9ab5"
LEGEND = (
    (UNWHEEL, "unwheel: verifies RECORD's SHA-256"),
    (VERIFIES, "verifies it too"),
    (DOES_NOT, "does not"),
)
STYLE = {
    "svg.fonttype": "none",  # text stays text, in the reader's own font
    "svg.hashsalt": "unwheel",  # the same figures give the same file
    "font.family": "sans-serif",
    "font.size": 9,
    "text.color": TEXT,
    "axes.labelcolor": TEXT,
    "xtick.color": TEXT,
    "ytick.color": TEXT,
}


def main() -> int:
    """Read the JSON, write the SVG."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("comparison", type=Path)
    parser.add_argument("chart", type=Path)
    options = parser.parse_args()
    with mpl.rc_context(STYLE):
        draw(json.loads(options.comparison.read_text()), options.chart)
    return 0


def draw(comparison: dict[str, Any], chart: Path) -> None:
    """Write the chart of *comparison* to the file *chart*."""
    wheels = comparison["wheels"]
    columns = 2 if len(wheels) > 1 else 1
    rows = -(-len(wheels) // columns)
    bars = max(len(facts["tools"]) for facts in wheels.values())
    figure, panels = plt.subplots(
        rows,
        columns,
        figsize=(4.6 * columns, (0.2 * bars + 0.7) * rows + 0.6),
        squeeze=False,
        layout="constrained",
    )
    for panel in panels.flat[len(wheels) :]:
        panel.set_axis_off()
    for panel, (name, facts) in zip(panels.flat, wheels.items(), strict=False):
        _draw_wheel(panel, name, facts)
    figure.legend(
        handles=[Patch(color=color, label=text) for color, text in LEGEND],
        loc="outside upper center",
        ncols=len(LEGEND),
        frameon=False,
    )
    figure.supxlabel(_caption(comparison["machine"]), fontsize=9)
    figure.savefig(chart, transparent=True, metadata={"Date": None})


def _draw_wheel(panel: Axes, name: str, facts: dict[str, Any]) -> None:
    tools = facts["tools"]
    seconds = [measured["wall_median"] for measured in tools.values()]
    bars = panel.barh(
        list(tools), seconds, color=[_color(*item) for item in tools.items()]
    )
    panel.bar_label(bars, fmt=" %.2f", fontsize=8, color=TEXT)
    panel.invert_yaxis()
    panel.margins(x=0.14)
    panel.set_xticks([])
    panel.tick_params(length=0)
    panel.spines[:].set_visible(False)
    project, version = name.split("-")[:2]
    panel.set_title(
        f"{project} {version}: {facts['size'] / 1e6:,.0f} MB"
        f" in {facts['members']:,} files",
        fontsize=10,
        loc="left",
    )


def _color(tool: str, measured: dict[str, Any]) -> str:
    if tool == "unwheel":
        return UNWHEEL
    return VERIFIES if measured["checks"] == "RECORD" else DOES_NOT


def _caption(machine: dict[str, Any]) -> str:
    return (
        "seconds for one wheel, program start included, median;"
        f" {machine['cores']} cores, {machine['file_system']}"
    )


if __name__ == "__main__":
    sys.exit(main())
