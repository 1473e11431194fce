"""
Our pair in the place of installer's own, for installer's own tests.

A plug-in of pytest, for a process of its own: ``-p installer_pair``.  It
passes over the tests below, and at the end writes what became of the others.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import installer.destinations
import installer.sources
import pytest

from unwheel import Policy
from unwheel.install import SchemeDestination, WheelSource

_STAGED = "looks at a file before finalize_installation: ours are staged"
_OUR_ERRORS = (
    "wants installer's class of error, or its attributes: ours differ"
)
_HARMLESS = "RECORD says more than it has to: nobody is misled, we take it"

# What is not ours to pass, by the end of its name, and why.
PASSED_OVER = {
    "::test_write_file[normal file]": _STAGED,
    "::test_write_file[normal file in subfolder]": _STAGED,
    "::test_write_file[script file]": _STAGED,
    "::test_write_file[script file in subfolder]": _STAGED,
    "::test_write_script": _STAGED,
    "::test_rejects_not_okay_name": _OUR_ERRORS,
    "::test_requires_dist_info_name_match": _OUR_ERRORS,
    "::test_enforces_single_dist_info": _OUR_ERRORS,
    "::test_reject_signature_file_in_record": _HARMLESS,
    "::test_rejects_record_contain_self_hash": _HARMLESS,
}

_TALLY = Path(os.environ.get("INSTALLER_PAIR_TALLY", os.devnull))
_tally: dict[str, list[str]] = {"passed_over": [], "ran": []}


class LaxSource(WheelSource):
    """
    One that takes wheels whose RECORD is wrong, until it is validated.

    Ours refuses them when it is opened, and these tests open them first.
    """

    def __init__(self, path: str) -> None:
        """Open *path*."""
        super().__init__(path, policy=Policy(record="warn"))

    @classmethod
    def open(cls, path: str) -> LaxSource:  # type: ignore[override]
        """Open *path*."""
        return cls(path)


def _raises(expected, *args, match=None, _raises=pytest.raises, **kwargs):
    """As `pytest.raises`; what a validation says is said in our words."""
    if expected is WheelSource.validation_error:
        match = None
    return _raises(expected, *args, match=match, **kwargs)


def pytest_configure():
    """Put ours in their place, before any test is imported."""
    installer.sources.WheelFile = LaxSource
    installer.destinations.SchemeDictionaryDestination = SchemeDestination
    pytest.raises = _raises


def pytest_collection_modifyitems(config, items):
    """Pass over what is not ours."""
    for item in items[:]:
        for name in PASSED_OVER:
            if item.nodeid.endswith(name):
                items.remove(item)
                _tally["passed_over"].append(name)
                config.hook.pytest_deselected(items=[item])
    _tally["ran"] += [item.nodeid for item in items]


def pytest_runtest_logreport(report):
    """Note what became of each."""
    if report.when == "call" or report.failed:
        _tally.setdefault(report.outcome, []).append(report.nodeid)


def pytest_sessionfinish():
    """Tell whoever started this."""
    _TALLY.write_text(json.dumps(_tally))
