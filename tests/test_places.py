"""Paths in regard to each other."""

from __future__ import annotations

import ntpath
import os

import pytest

from unwheel.places import is_below, name_below


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/a/b", True),
        ("/a/b/c", True),
        ("/a/bc", False),
        ("/a", False),
        ("/a/B/c", False),
    ],
)
def test_what_is_below(path: str, expected: bool):
    """
    The root itself, too; a longer name is another one.
    """
    assert expected == is_below("/a/b", path)
    assert is_below("/", path)


def test_what_is_below_on_windows(monkeypatch: pytest.MonkeyPatch):
    """
    Case does not count there, and a name is told with slashes.
    """
    monkeypatch.setattr(os, "path", ntpath)
    monkeypatch.setattr(os, "sep", "\\")

    assert is_below("C:\\Site", "c:\\site\\pkg")
    assert not is_below("C:\\Site", "C:\\Site2")
    assert is_below("C:\\", "C:\\Site")
    assert "pkg/x.py" == name_below("C:\\Site", "C:\\Site\\pkg\\x.py")
    assert "Site" == name_below("C:\\", "C:\\Site")
