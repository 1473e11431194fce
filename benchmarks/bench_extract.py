"""
Whole tools on whole wheels, one process each, program start included.

compare.py does the same with the tools taking turns, which is what to quote.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tools
import wheels

CHOSEN = ("numpy", "pyarrow", "django", "shapely")


@pytest.fixture
def room(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A directory on the file system to measure, gone afterwards."""
    where = request.config.getoption("where")
    with tempfile.TemporaryDirectory(dir=where, prefix="unwheel-") as top:
        yield Path(top)


@pytest.mark.parametrize("project", CHOSEN)
@pytest.mark.parametrize("tool", tools.ALL, ids=lambda tool: tool.name)
def bench_extract(
    benchmark: Any, tool: tools.Tool, project: str, room: Path
) -> None:
    """A wheel that lies on the same file system, into a new directory."""
    try:
        tools.check(tool)
    except tools.ToolError as error:
        pytest.skip(str(error))
    (chosen,) = (w for w in wheels.CORPUS if w.project == project)
    wheel = Path(shutil.copy(wheels.fetch(chosen), room))
    benchmark.group = f"extract {chosen}"

    benchmark.pedantic(
        tools.run, args=(tool, [wheel], room), rounds=3, warmup_rounds=1
    )

    benchmark.extra_info["checks"] = tool.checks
