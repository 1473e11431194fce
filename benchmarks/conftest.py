"""
Options of the benchmarks: ``pytest benchmarks --where DIR --wheels DIR``.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(1, str(Path(__file__).resolve().parent.parent / "tests"))

import tools


def pytest_addoption(parser: pytest.Parser) -> None:
    """Name the file system to measure on, and where the wheels are kept."""
    group = parser.getgroup("unwheel")
    group.addoption(
        "--where",
        type=Path,
        default=tools.default_where(),
        metavar="DIR",
        help="extract below DIR (default: %(default)s)",
    )
    group.addoption(
        "--wheels",
        type=Path,
        metavar="DIR",
        help="keep downloaded wheels in DIR (default: below the user's cache)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Hand --wheels to wheels.py."""
    directory = config.getoption("wheels")
    if directory is not None:
        os.environ["UNWHEEL_TEST_WHEELS"] = str(directory)


def pytest_report_header(config: pytest.Config) -> str:
    """Say where, because a disk and memory differ by more than tools do."""
    return f"extracting below: {config.getoption('where')}"
