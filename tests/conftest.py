"""What every test may ask for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from places import Place


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A place for wheels and trees, in which nothing may be left behind."""
    place = Place(tmp_path)
    yield place
    left = [
        str(path)
        for path in tmp_path.rglob(".unwheel-*")
        if path.is_dir() or path.is_symlink()  # a file is some test's own
    ]
    assert [] == left
