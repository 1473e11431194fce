"""
A wheel with links, installed and removed by those who know no links.

Needs pip and uv.  Deselect with ``-m "not tools"``.
"""

from __future__ import annotations

import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path

import pytest
import readers
from builder import WheelBuilder
from link_wheels import HERE_TAG
from places import Place, tree_of

import unwheel

pytestmark = pytest.mark.tools

UNINSTALLERS: dict[str, Callable[[Path], list[str]]] = {
    "pip": lambda python: [
        *(sys.executable, "-m", "pip", "--python", str(python)),
        *("uninstall", "--yes", "--disable-pip-version-check", "demo"),
    ],
    "uv": lambda python: [
        *("uv", "pip", "uninstall", "--offline", "--no-cache"),
        *("--python", str(python), "demo"),
    ],
}


class Site:
    """A virtual environment with nothing in it."""

    def __init__(self, root: Path) -> None:
        """Make it at *root*."""
        venv.create(root, symlinks=True, with_pip=False)
        self.python = root / "bin/python"
        (self.packages,) = root.glob("lib/python*/site-packages")
        self.before = tree_of(root).keys()
        self.root = root

    def uninstall(self, tool: str) -> str:
        """Remove the distribution; what *tool* said."""
        done = subprocess.run(
            UNINSTALLERS[tool](self.python),
            capture_output=True,
            text=True,
            env=readers.ENVIRONMENT,
            check=True,
        )
        return done.stdout + done.stderr


@pytest.fixture
def site(place: Place) -> Site:
    """An environment of the test's own."""
    return Site(place.root / "venv")


def linked_wheel() -> WheelBuilder:
    """Links of each good kind: to a file, by a chain, to a folder."""
    return (
        WheelBuilder("demo", "1.0", HERE_TAG)
        .file("demo/__init__.py", b"answer = 42\n")
        .file("demo/lib/libfoo.so.1.2", b"library\n", mode=0o755)
        .link("demo/lib/libfoo.so.1", "libfoo.so.1.2")
        .link("demo/lib/libfoo.so", "libfoo.so.1")
        .file("demo/Versions/A/Headers/foo.h", b"int foo;\n")
        .link("demo/Versions/Current", "A")
        .link("demo/Headers", "Versions/Current/Headers")
    )


def check_gone(site: Site, tool: str) -> None:
    """Nothing is left by *tool*, neither a link nor an empty folder."""
    said = site.uninstall(tool)

    assert "ninstalled" in said
    assert site.before == tree_of(site.root).keys() - {".lock"}  # uv's


@pytest.mark.parametrize("tool", UNINSTALLERS)
def test_links_are_removed(place: Place, site: Site, tool: str) -> None:
    """
    RECORD has a row for each link; each goes, and what it leads to as well.
    """
    unwheel.extract(place.put(linked_wheel()), site.packages)
    there = tree_of(site.packages)

    assert "-> libfoo.so.1.2" == there["demo/lib/libfoo.so.1"]
    assert "-> A" == there["demo/Versions/Current"]
    check_gone(site, tool)


@pytest.mark.parametrize("tool", UNINSTALLERS)
def test_what_others_install_is_removed(
    place: Place, site: Site, tool: str
) -> None:
    """
    The same wheel, installed as text files by `installer`.
    """
    wheel = place.put(linked_wheel())
    job = str(wheel), str(place.out), str(site.packages)

    assert [True] == readers.run("installer", [job])
    assert b"A" == tree_of(site.packages)["demo/Versions/Current"]
    check_gone(site, tool)
