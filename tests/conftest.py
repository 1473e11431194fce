"""What every test may ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from places import Place

from unwheel import wheel

# Their tests run twice: with the core's bytes, and with libarchive's.
ON_BOTH_BACKENDS = {
    "test_attacks",
    "test_engine",
    "test_linking",
    "test_loader",
    "test_merge",
    "test_outcomes",
    "test_pybi",
    "test_staging",
    "test_uninstall",
    "test_unlinkable",
    "test_wheel",
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Have tests of whole wheels run on both backends."""
    if metafunc.module.__name__ in ON_BOTH_BACKENDS:
        crosscheck = pytest.param("libarchive", marks=pytest.mark.crosscheck)
        metafunc.parametrize("backend", ["native", crosscheck], indirect=True)


@pytest.fixture(autouse=True)
def backend(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> str:
    """The backend that every extraction of the test uses."""
    name: str = getattr(request, "param", "native")

    def using(run: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *args, **kwargs: run(
            *args, **{**kwargs, "backend": name}
        )

    if name != "native":
        for run in (wheel.run_one, wheel.run_many):
            monkeypatch.setattr(wheel, run.__name__, using(run))
    return name


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
