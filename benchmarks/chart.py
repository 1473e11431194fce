#!/usr/bin/env python3
"""
Draw what compare.py, bulk.py or install.py measured:
chart.py COMPARISON.json CHART.svg

One panel per wheel, one bar per tool: median wall seconds, and in a paler
colour those until all is on the disk, if that was measured.  Of many wheels in
one command: such a panel, and one of the memory for more and more of them.
The background is transparent and the text mid-grey, so it can be read on light
and dark pages.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import tools
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
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
PALER = 0.4
MARKERS = "osDv^X"
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
    parser = tools.parser(__doc__)
    parser.add_argument("comparison", type=Path)
    parser.add_argument("chart", type=Path)
    options = parser.parse_args()
    with mpl.rc_context(STYLE):
        draw(json.loads(options.comparison.read_text()), options.chart)
    return 0


def draw(comparison: dict[str, Any], chart: Path) -> None:
    """Write the chart of *comparison* to the file *chart*."""
    if "bulk" in comparison:
        sets = comparison["bulk"]
        figure, subject = _draw_bulk(sets), "all wheels in one command"
    elif "installs" in comparison:
        sets = comparison["installs"]
        figure = _draw_sets(sets, _set_title)
        subject = "installing all of a set"
    else:
        sets = comparison["wheels"]
        figure, subject = _draw_sets(sets, _wheel_title), "one wheel"
    synced = any(
        "synced_median" in measured
        for facts in sets.values()
        for measured in facts["tools"].values()
    )
    figure.legend(
        handles=_legend(synced),
        loc="outside upper center",
        ncols=2,
        frameon=False,
    )
    caption = _caption(subject, comparison["machine"])
    figure.supxlabel(caption, fontsize=9)
    figure.savefig(chart, transparent=True, metadata={"Date": None})


def _draw_sets(
    sets: dict[str, Any], title: Callable[[str, dict[str, Any]], str]
) -> Figure:
    columns = 2 if len(sets) > 1 else 1
    rows = -(-len(sets) // columns)
    bars = max(len(facts["tools"]) for facts in sets.values())
    figure, panels = _panels(rows, columns, bars)
    for panel in panels.flat[len(sets) :]:
        panel.set_axis_off()
    for panel, (name, facts) in zip(panels.flat, sets.items(), strict=False):
        _draw_bars(panel, title(name, facts), facts)
    return figure


def _wheel_title(name: str, _: dict[str, Any]) -> str:
    project, version = name.split("-")[:2]
    return f"{project} {version}"


def _set_title(name: str, facts: dict[str, Any]) -> str:
    count = facts["wheels"]
    return f"{name}, {count} wheel{'s' if count > 1 else ''}"


def _draw_bulk(bulk: dict[str, Any]) -> Figure:
    most = max(bulk, key=int)
    figure, panels = _panels(1, 2, len(bulk[most]["tools"]))
    bars, lines = panels.flat
    _draw_bars(bars, f"{most} wheels", bulk[most])
    _draw_memory(lines, bulk)
    return figure


def _panels(rows: int, columns: int, bars: int) -> tuple[Figure, Any]:
    return plt.subplots(
        rows,
        columns,
        figsize=(max(4.6 * columns, 7), (0.2 * bars + 0.7) * rows + 0.8),
        squeeze=False,
        layout="constrained",
    )


def _draw_bars(panel: Axes, subject: str, facts: dict[str, Any]) -> None:
    names, measured = list(facts["tools"]), list(facts["tools"].values())
    colors = [_color(*item) for item in facts["tools"].items()]
    wall = [tool["wall_median"] for tool in measured]
    ends = [
        tool.get("synced_median", tool["wall_median"]) for tool in measured
    ]
    panel.barh(names, wall, color=colors)
    panel.barh(
        names,
        [end - start for start, end in zip(wall, ends, strict=True)],
        left=wall,
        color=colors,
        alpha=PALER,
    )
    for name, start, end in zip(names, wall, ends, strict=True):
        text = f" {start:.2f}" + (
            f" \N{RIGHTWARDS ARROW} {end:.2f}" if end != start else ""
        )
        panel.text(end, name, text, va="center", fontsize=8)
    panel.invert_yaxis()
    panel.set_xlim(0, 1.25 * max(ends))
    panel.set_xticks([])
    _finish(
        panel,
        f"{subject}: {facts['size'] / 1e6:,.0f} MB"
        f" in {facts['members']:,} files",
    )


def _draw_memory(panel: Axes, bulk: dict[str, Any]) -> None:
    counts = sorted(map(int, bulk))
    tools = bulk[str(counts[-1])]["tools"]
    for marker, (name, measured) in zip(MARKERS, tools.items(), strict=False):
        memory = [
            bulk[str(count)]["tools"][name]["memory_max"] / 1e6
            for count in counts
        ]
        panel.plot(
            counts,
            memory,
            marker=marker,
            color=_color(name, measured),
            label=name,
        )
    panel.set_xticks(counts)
    panel.set_ylim(bottom=0)
    panel.legend(frameon=False, fontsize=8, loc="upper left")
    _finish(panel, "peak memory in MB, by number of wheels")


def _finish(panel: Axes, title: str) -> None:
    panel.tick_params(length=0)
    panel.spines[:].set_visible(False)
    panel.set_title(title, fontsize=10, loc="left")


def _color(tool: str, measured: dict[str, Any]) -> str:
    if tool.startswith("unwheel") or tool.endswith("-unwheel"):
        return UNWHEEL
    return VERIFIES if measured["checks"] == "RECORD" else DOES_NOT


def _legend(synced: bool) -> list[Patch]:
    handles = [Patch(color=color, label=text) for color, text in LEGEND]
    if synced:
        text = "paler: until all is on the disk"
        handles.append(Patch(color=TEXT, alpha=PALER, label=text))
    return handles


def _caption(subject: str, machine: dict[str, Any]) -> str:
    return (
        f"seconds for {subject}, program start included, median;"
        f" {machine['cores']} cores, {machine['file_system']}"
    )


if __name__ == "__main__":
    sys.exit(main())
