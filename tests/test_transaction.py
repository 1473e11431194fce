"""Transactions: one wheel into a live environment, or nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from sites import Files, Site

from unwheel.install.transaction import Transaction, recover

OLD: Files = {
    ("purelib", "demo/__init__.py"): b"old",
    ("purelib", "demo/gone.py"): b"old gone",
    ("purelib", "demo/sub/deep.py"): b"old deep",
    ("purelib", "demo/lib.so"): "-> sub/deep.py",
    ("scripts", "demo"): b"#!old",
    ("scripts", "demo-old"): b"#!old",
    ("data", "share/man/demo.1"): b"old manual",
}
NEW: Files = {
    ("purelib", "demo/__init__.py"): b"new",
    ("purelib", "demo/come.py"): b"new come",
    ("purelib", "demo/lib.so"): "-> come.py",
    ("purelib", "demo/new/deep.py"): b"new deep",
    ("scripts", "demo"): b"#!new",
    ("headers", "demo/demo.h"): b"new",
}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """An environment of the test's own."""
    return Site(tmp_path / "venv")


def contents(site: Site, version: str, files: Files) -> dict[str, object]:
    """What is in an environment with nothing but that in it."""
    place = site.root.parent / f"only{version}"
    only = Site(place)
    only.install("demo", version, files)
    return only.tree()


def test_a_fresh_install(site: Site):
    """
    All is where it belongs, and nothing else is there.
    """
    committed = site.install("demo", "1.0", OLD)

    packages = "lib/python3.11/site-packages"
    found = site.tree()
    assert b"old" == found[f"{packages}/demo/__init__.py"]
    assert "-> sub/deep.py" == found[f"{packages}/demo/lib.so"]
    assert b"#!old" == found["bin/demo"]
    assert b"old manual" == found["share/man/demo.1"]
    assert f"{packages}/demo-1.0.dist-info/RECORD" in found
    assert [] == site.left()
    assert not committed.judged.replaced
    assert not committed.judged.removed


@pytest.mark.parametrize("neighbour", [False, True])
def test_an_upgrade(site: Site, neighbour: bool):
    """
    What the new version has is there, what only the old one had is not; a
    file of somebody else keeps the folder that it is in.
    """
    expected = contents(site, "2.0", NEW)
    site.install("demo", "1.0", OLD)
    if neighbour:
        for place in ("lib/python3.11/site-packages/demo/sub", "share/man"):
            (site.root / place / "theirs").write_bytes(b"theirs")
            expected[f"{place}/theirs"] = b"theirs"
            for above in Path(place).parents:
                expected[above.as_posix()] = None
            expected[place] = None
        del expected["."]

    site.install("demo", "2.0", NEW)

    assert expected == site.tree()


def test_discarded(site: Site):
    """
    Nothing is left, not even the parents that were made.
    """
    before = site.tree()
    places = {**site.places, "purelib": str(site.root / "a/b")}
    transaction = Transaction(places, "purelib")
    transaction.make()
    site.fill(transaction, "demo", "1.0", {})

    transaction.discard()
    transaction.discard()

    assert before == site.tree()


def test_recover_has_nothing_to_do(site: Site):
    """
    In a clean place, and in one that is not there.
    """
    assert [] == recover(str(site.packages))
    assert [] == recover(str(site.root / "missing"))
