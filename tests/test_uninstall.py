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
from places import Place, snapshot, tree_of
from trees import has_seccomp
from unlinkable import Worker, denying

import unwheel
from unwheel import LinkPolicy, Policy

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
    """A virtual environment with next to nothing in it."""

    def __init__(self, root: Path) -> None:
        """Make it at *root*."""
        venv.create(root, symlinks=True, with_pip=False)
        self.python = root / "bin/python"
        (self.packages,) = root.glob("lib/python*/site-packages")
        # pip removes site-packages itself if it empties it.
        (self.packages / "neighbour.py").touch()
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


MERGE = Policy(existing="merge")
PORTABLE = Policy(existing="merge", links="portable")


@pytest.mark.parametrize("tool", UNINSTALLERS)
def test_links_are_removed(place: Place, site: Site, tool: str) -> None:
    """
    RECORD has a row for each link; each goes, and what it leads to as well.
    """
    unwheel.extract(place.put(linked_wheel()), site.packages, policy=MERGE)
    there = tree_of(site.packages)

    assert "-> libfoo.so.1.2" == there["demo/lib/libfoo.so.1"]
    assert "-> A" == there["demo/Versions/Current"]
    check_gone(site, tool)


@has_seccomp
@pytest.mark.parametrize("tool", UNINSTALLERS)
def test_stand_ins_are_removed(place: Place, site: Site, tool: str) -> None:
    """
    Where no link could be made: a row for each file that is there instead.
    """
    wheel = place.put(linked_wheel())
    with Worker(denying("symlink")) as worker:
        told = worker.extract(wheel, site.packages, PORTABLE)
    there = tree_of(site.packages)

    assert {"hardlink", "tree"} == {link["outcome"] for link in told["links"]}
    assert b"int foo;\n" == there["demo/Versions/Current/Headers/foo.h"]
    check_gone(site, tool)


class Project:
    """Sources, and an editable wheel that is a link to them."""

    def __init__(self, place: Place) -> None:
        """Make them."""
        self.package = place.root.resolve() / "project/demo"
        self.package.mkdir(parents=True)
        (self.package / "__init__.py").write_text("answer = 42\n")
        self.wheel = place.put(
            WheelBuilder("demo", "1.0", "py3-none-any").link(
                "demo", str(self.package)
            )
        )
        links = LinkPolicy.named("editable").replace(
            editable_root=str(self.package.parent)
        )
        self.policy = Policy(existing="merge", links=links)
        self._before = snapshot(self.package)

    def check_is_imported(self, site: Site) -> None:
        """
        A new process of the environment finds the sources, as they are now.
        """
        argv = [site.python, "-Bc", "import demo; print(demo.answer)"]
        for answer in ("42", "43 # edited", "42"):
            source = self.package / "__init__.py"
            source.write_text(f"answer = {answer}\n")
            said = subprocess.check_output(argv, env=readers.ENVIRONMENT)
            assert answer[:2].encode() == said.strip()

    def check_is_whole(self) -> None:
        """The sources are the user's."""
        assert self._before == snapshot(self.package)


@pytest.mark.parametrize("tool", UNINSTALLERS)
def test_editables_are_removed_and_sources_are_not(
    place: Place, site: Site, tool: str
) -> None:
    """
    A link to the project is unlinked; what it leads to is the user's.
    """
    project = Project(place)

    unwheel.extract(project.wheel, site.packages, policy=project.policy)

    project.check_is_imported(site)
    check_gone(site, tool)
    project.check_is_whole()


@has_seccomp
@pytest.mark.parametrize("tool", UNINSTALLERS)
def test_lines_of_pth_files_are_removed(
    place: Place, site: Site, tool: str
) -> None:
    """
    Where the host cannot link, the project is on the path, until it is not.
    """
    project = Project(place)

    with Worker(denying("symlink")) as worker:
        told = worker.extract(project.wheel, site.packages, project.policy)

    assert ["pth"] == [link["outcome"] for link in told["links"]]
    project.check_is_imported(site)
    check_gone(site, tool)
    project.check_is_whole()


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
