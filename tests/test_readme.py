"""The README's examples are true."""

from __future__ import annotations

import doctest
from pathlib import Path

from builder import WheelBuilder

README = Path(__file__).resolve().parent.parent / "README.md"


def test_the_examples_run_as_they_stand(tmp_path, monkeypatch):
    """
    Each ``>>>`` of the README gives what the README says it gives.
    """
    monkeypatch.chdir(tmp_path)
    WheelBuilder("demo", "1.0").file("demo.py", b"x = 1\n").write(tmp_path)
    WheelBuilder("evil", "1.0").file("../evil.py", b"").write(tmp_path)

    failed, tried = doctest.testfile(
        str(README), module_relative=False, encoding="utf-8"
    )

    assert (failed, tried > 0) == (0, True)
