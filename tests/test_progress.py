"""How far a run is; test_cli.py looks at what a terminal shows."""

from __future__ import annotations

import pytest

from unwheel import progress
from unwheel.errors import printable
from unwheel.events import (
    BytesDone,
    WheelExtracted,
    WheelInstalled,
    WheelPlanned,
    WheelRefused,
    WheelVerified,
)


class Display:
    """A stand-in for rich that keeps what it is told to draw."""

    drawn: list[tuple[str, int, dict[str, tuple[int, int]]]]

    def __init__(self, total):
        self._total = total
        total.measure()
        self.drawn.append(("open", total.size, {}))

    def draw(self, bars, done):
        shown = {name: (bar.done, bar.size) for name, bar in bars.items()}
        self.drawn.append((self._total.label, done, shown))

    def close(self):
        self.drawn.append(("close", 0, {}))


@pytest.fixture
def drawn(monkeypatch):
    """What was drawn; it is always time to draw."""
    monkeypatch.setattr(Display, "drawn", [], raising=False)
    monkeypatch.setattr(progress, "_Display", Display)
    monkeypatch.setattr(progress, "PATIENCE", 0)
    monkeypatch.setattr(progress, "INTERVAL", 0)
    return Display.drawn


def wheels_of(tmp_path, *sizes):
    """Make files of those sizes; their paths."""
    paths = [tmp_path / f"{number}.whl" for number in range(len(sizes))]
    for path, size in zip(paths, sizes, strict=True):
        path.write_bytes(bytes(size))
    return list(map(str, paths))


def test_the_total_is_known_before_wheels_are_opened(drawn, tmp_path):
    """A wheel half inflated counts half of its packed bytes."""
    a, b = wheels_of(tmp_path, 100, 300)

    with progress.Progress([a, b]) as bars:
        bars(WheelPlanned(b, 2, 5000))
        bars(BytesDone(b, 2500, 1))

    assert [
        ("open", 400, {}),
        ("0 of 2 wheels, packed", 0, {b: (0, 5000)}),
        ("0 of 2 wheels, packed", 150, {b: (2500, 5000)}),
        ("close", 0, {}),
    ] == drawn


def test_a_wheel_that_waits_has_no_bar(drawn, tmp_path):
    """Many are planned ahead; a screen full of nothing tells nothing."""
    a, b, c = wheels_of(tmp_path, 100, 100, 100)

    bars = progress.Progress([a, b, c])
    for wheel in (a, b, c):
        bars(WheelPlanned(wheel, 1, 10))
    bars(BytesDone(c, 5, 0))

    assert ("0 of 3 wheels, packed", 50, {a: (0, 10), c: (5, 10)}) == drawn[-1]


def test_a_wheel_that_is_only_not_yet_there_has_no_bar(drawn, tmp_path):
    """All of a lock are staged before the first is moved; its bytes count."""
    a, b, c = wheels_of(tmp_path, 100, 100, 100)

    bars = progress.Progress([a, b, c])
    for wheel in (a, b, c):
        bars(WheelPlanned(wheel, 1, 10))
    bars(BytesDone(a, 10, 1))
    bars(BytesDone(b, 10, 1))
    bars(BytesDone(c, 5, 0))

    shown = {a: (10, 10), c: (5, 10)}
    assert ("0 of 3 wheels, packed", 250, shown) == drawn[-1]


@pytest.mark.parametrize(
    "end",
    [
        lambda wheel: WheelExtracted(wheel, "out", 10),
        lambda wheel: WheelInstalled(wheel, "site", 10),
        lambda wheel: WheelVerified(wheel, 10),
        lambda wheel: WheelRefused(wheel, "HASH"),
    ],
)
def test_a_wheel_that_is_over_counts_whole(drawn, tmp_path, end):
    """Well or not, its bar goes and its bytes are done."""
    a, b = wheels_of(tmp_path, 100, 300)

    bars = progress.Progress([a, b])
    bars(WheelPlanned(a, 1, 10))
    bars(end(a))

    assert ("1 of 2 wheels, packed", 100, {}) == drawn[-1]


def test_a_wheel_that_is_missing_weighs_nothing(drawn, tmp_path):
    """The bars do not stumble over what the engine will refuse."""
    (a,) = wheels_of(tmp_path, 100)
    missing = str(tmp_path / "missing.whl")

    bars = progress.Progress([missing, "nul\0.whl", a])
    bars(WheelRefused(missing, "SOURCE"))

    assert ("open", 100, {}) == drawn[0]
    assert ("1 of 3 wheels, packed", 0, {}) == drawn[1]


def test_an_empty_wheel_is_no_division_by_zero(drawn, tmp_path):
    """A wheel of empty files has no bytes to be half done."""
    wheels = wheels_of(tmp_path, 100)

    bars = progress.Progress(wheels)
    bars(WheelPlanned(wheels[0], 1, 0))
    bars(BytesDone(wheels[0], 0, 1))

    assert ("0 of 1 wheels, packed", 0, {wheels[0]: (0, 0)}) == drawn[-1]


def test_bytes_of_an_unknown_wheel_are_ignored(drawn):
    """The same wheel twice ends twice; the second end finds no bar."""
    bars = progress.Progress(["a.whl"])
    bars(BytesDone("a.whl", 5, 1))
    bars(WheelVerified("a.whl", 10))
    bars(WheelVerified("a.whl", 10))

    assert ("1 of 1 wheels, packed", 0, {}) == drawn[-1]


def test_what_is_closed_draws_no_more(drawn):
    """An event after the end leaves the terminal alone."""
    bars = progress.Progress(["a.whl"])
    with bars:
        bars(WheelPlanned("a.whl", 1, 10))

    bars(BytesDone("a.whl", 5, 1))

    assert ("close", 0, {}) == drawn[-1]
    assert not bars.say("text")


def test_a_label_is_name_and_version():
    """Tags are long and tell little; hostile names are spelled out."""
    long = "d/numpy-2.4.0-cp314-cp314-manylinux_2_28_x86_64.whl"

    assert "numpy-2.4.0" == progress._label(long)
    assert printable("\x1b[2J.whl") == progress._label("x/\x1b[2J.whl")
