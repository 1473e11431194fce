"""
Everything that we install is uninstalled by others, and nothing is left.

Needs pip, uv and PDM (see real_tools.py).  Deselect with ``-m "not tools"``.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import installs
import pytest
import readers
from builder import WheelBuilder
from link_wheels import HERE_TAG
from places import snapshot, tree_of
from real_tools import Project, run
from trees import has_seccomp
from unlinkable import Host, denying

from unwheel import Policy

pytestmark = [pytest.mark.tools, pytest.mark.wheels]

# Where pip, uv and PDM leave empty folders of what they installed themselves.
LITTERED = ("share/", "include/")

PROGRAM = Path(installs.__file__)

# What to run to install a wheel into a site, with a policy for links.
Way = Callable[[Path, "Site", str], list[str]]


def whole_wheel(name: str) -> WheelBuilder:
    """Files in all places, some of them in folders that others have too."""
    data = f"{name}-1.0.data"
    return (
        WheelBuilder(name, "1.0", HERE_TAG)
        .file(f"{name}/__init__.py", b"def main():\n    print('here')\n")
        .file(f"{name}/wrong.py", b"no syntax\n")
        .file(f"{name}/tool.sh", b"#!/bin/sh\n", mode=0o755)
        .file(f"space/{name}/deep/part.py", b"x = 1\n")
        .file(f"{name}_alone.py", b"x = 1\n")
        .file(f"{data}/scripts/{name}-tool", b"#!python\n", mode=0o755)
        .file(f"{data}/data/share/common/{name}", b"text\n")
        .file(f"{data}/data/share/{name}/deep/text", b"text\n")
        .file(f"{data}/headers/deep/{name}.h", b"int x;\n")
        .file(f"{data}/platlib/space/{name}/platform.py", b"x = 1\n")
        .info("entry_points.txt", f"[console_scripts]\n{name} = {name}:main\n")
        .info("licenses/deep/LICENSE", "text\n")
    )


def linked_wheel(name: str) -> WheelBuilder:
    """The same, and links: to a file, by a chain, to a folder."""
    return (
        whole_wheel(name)
        .file(f"{name}/lib/libfoo.so.1.2", b"library\n", mode=0o755)
        .link(f"{name}/lib/libfoo.so.1", "libfoo.so.1.2")
        .link(f"{name}/lib/libfoo.so", "libfoo.so.1")
        .file(f"{name}/Versions/A/Headers/foo.h", b"int foo;\n")
        .link(f"{name}/Versions/Current", "A")
        .link(f"{name}/Headers", "Versions/Current/Headers")
    )


def editable_wheel(name: str, sources: Path) -> WheelBuilder:
    """A link to a folder of sources, outside of every environment."""
    package = sources / name
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("answer = 42\n")
    return WheelBuilder(name, "1.0").link(name, str(package))


# What becomes of links: a distribution each, the policy, and the host.
LINKED: dict[str, tuple[str, Host]] = {
    "linked": ("strict", Host()),
    "hardlinked": ("portable", denying("symlink")),
    "copied": ("portable", denying("symlink", "link")),
    "written": ("text", Host()),
    "outside": ("editable", Host()),
    "named": ("editable", denying("symlink")),
}
SHOWN = {
    "linked": "-> libfoo.so.1",
    "hardlinked": b"library\n",
    "copied": b"library\n",
    "written": b"libfoo.so.1",
}


class Site:
    """
    An environment that has one distribution, which is to be left alone.

    Attributes:
        project: PDM's, so that it can be asked as well.
        root: Of the environment.
        sources: What links lead to, beside it.
        before: All that is not to change.
    """

    def __init__(self, room: Path) -> None:
        """Make it in the directory *room*."""
        wheels = room / "wheels"
        wheels.mkdir()
        neighbour = whole_wheel("neighbour").write(wheels)
        self.project = Project("pdm", room / "project", wheels)
        self.project.needs(neighbour)
        self.root = self.project.environment
        self.sources = room / "sources"
        installs.install(neighbour, self.root, Policy())
        self.before = self.look()

    def look(self) -> dict[str, bytes | str | None]:
        """Every name, and every content, but for folders in `LITTERED`."""
        return {
            name: content
            for name, content in tree_of(self.root).items()
            if name != ".lock"  # uv's, wherever it has been
            and not (content is None and name.startswith(LITTERED))
        }

    def become(self, other: Site) -> None:
        """Have what *other* has, and links to its sources."""
        shutil.rmtree(self.root)
        shutil.copytree(other.root, self.root, symlinks=True)
        self.before = other.before
        self.sources = other.sources


@pytest.fixture(scope="module", params=["destination", "command"])
def filled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Site:
    """An environment with all that we install, in one way."""
    site = Site(tmp_path_factory.mktemp("filled"))
    install_all(site, INSTALLERS[request.param])
    return site


@pytest.fixture
def site(tmp_path: Path, filled: Site) -> Site:
    """The same for a test alone."""
    site = Site(tmp_path)
    site.become(filled)
    return site


def _by_destination(wheel: Path, site: Site, policy: str) -> list[str]:
    """The pair, with the package installer."""
    argv = [sys.executable, str(PROGRAM), str(wheel), str(site.root)]
    return [*argv, policy, str(site.sources)]


def _by_command(wheel: Path, site: Site, policy: str) -> list[str]:
    """As people do it."""
    return [
        *(sys.executable, "-m", "unwheel", "install", str(wheel)),
        *("--python", str(site.root), "--optimize", "0,2", "--quiet"),
        *("--links", policy, "--editable-root", str(site.sources)),
    ]


INSTALLERS: dict[str, Way] = {
    "destination": _by_destination,
    "command": _by_command,
}


def install_all(site: Site, way: Way) -> None:
    """A distribution for each outcome of links."""
    wheels = site.project.wheels
    for name, (policy, host) in LINKED.items():
        if policy == "editable":
            wheel = editable_wheel(name, site.sources).write(wheels)
        else:
            wheel = linked_wheel(name).write(wheels)
        job = host.start(way(wheel, site, policy))
        assert 0 == job.wait()


def _with_pip(site: Site, names: list[str]) -> str:
    python = site.root / "bin/python"
    return run(
        *(sys.executable, "-m", "pip", "--python", python, "uninstall"),
        *("--yes", "--disable-pip-version-check", *names),
        env=readers.ENVIRONMENT,
    ).stdout


def _with_uv(site: Site, names: list[str]) -> str:
    python = site.root / "bin/python"
    return run(
        *("uv", "pip", "uninstall", "--offline", "--no-cache"),
        *("--python", python, *names),
        env=readers.ENVIRONMENT,
    ).stderr


def _with_pdm(site: Site, names: list[str]) -> str:  # noqa: ARG001
    """It removes all that the project does not need."""
    # Its threads would take folders away from under each other's feet.
    site.project.configure({"install": {"parallel": False}})
    site.project.run("lock")
    return site.project.run("sync", "--clean").stdout


UNINSTALLERS: dict[str, Callable[[Site, list[str]], str]] = {
    "pip": _with_pip,
    "uv": _with_uv,
    "pdm": _with_pdm,
}


@has_seccomp
@pytest.mark.parametrize("tool", UNINSTALLERS)
def test_all_of_it_is_uninstalled(site: Site, tool: str) -> None:
    """
    Files of all places, bytecode, and whatever became of links: nothing is
    left, no folder, and what others have is as it was.
    """
    names = list(LINKED)
    there = tree_of(site.root / installs.SITE)
    for name, shown in SHOWN.items():
        assert shown == there[f"{name}/lib/libfoo.so"]
        assert f"{name}/__pycache__" in there
    assert f"-> {site.sources}/outside" == there["outside"]
    sources = snapshot(site.sources)

    said = UNINSTALLERS[tool](site, names)

    assert [] == [name for name in names if name not in said]
    assert site.before == site.look()
    assert sources == snapshot(site.sources)
