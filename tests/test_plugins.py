"""
PDM and Poetry, with our plugin in them, as people run them.

Needs the package index, once, and uv; see real_tools.py.  Deselect with
``-m "not tools"``.
"""

from __future__ import annotations

import csv
import os
from importlib.util import cache_from_source
from pathlib import Path

import pytest
from builder import WheelBuilder, digest_of
from link_wheels import HERE_TAG
from places import tree_of
from real_tools import Project, native_wheel, tool
from wheels import FetchError

from unwheel import Policy, Problem, RecordError
from unwheel.plugins.host import UnknownHostError, check_parameters
from unwheel.plugins.settings import (
    SETTINGS,
    Setting,
    SettingError,
    choose,
    refusal,
)

HOSTS = ("pdm", "poetry")
SAID = "installed by unwheel"

real = [pytest.mark.tools, pytest.mark.wheels]
each_host = pytest.mark.parametrize(
    "host", [pytest.param(name, marks=real) for name in HOSTS]
)
on_pdm = pytest.mark.parametrize("host", [pytest.param("pdm", marks=real)])
on_poetry = pytest.mark.parametrize(
    "host", [pytest.param("poetry", marks=real)]
)


@pytest.fixture
def project(host: str, tmp_path: Path) -> Project:
    """A project of the host, with an empty environment."""
    try:
        tool(host)
    except FetchError as error:
        pytest.fail(f"needs the package index: {error}", pytrace=False)
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    return Project(host, tmp_path / "project", wheels)


def whole_wheel(version: str = "1.0") -> WheelBuilder:
    """Everything that a wheel may bring: all schemes, an entry point."""
    data = f"demo-{version}.data"
    return (
        WheelBuilder("demo", version, HERE_TAG)
        .file("demo/__init__.py", b"def main():\n    print('here')\n")
        .file("demo/tool.sh", b"#!/bin/sh\n", mode=0o755)
        .file("space/demo/part.py", f"version = {version}\n".encode())
        .file(
            f"{data}/scripts/hello", b"#!python\nprint('hello')\n", mode=0o755
        )
        .file(f"{data}/data/share/demo/text", b"text\n")
        .file(f"{data}/headers/demo.h", b"int demo;\n")
        .file("demo.pth", b"import demo\n")
        .info("entry_points.txt", "[console_scripts]\ndemo = demo:main\n")
    )


def linked_wheel() -> WheelBuilder:
    """Links of each good kind: to a file, by a chain, to a folder."""
    return (
        WheelBuilder("linked", "1.0", HERE_TAG)
        .file("linked/lib/libfoo.so.1.2", b"library\n", mode=0o755)
        .link("linked/lib/libfoo.so.1", "libfoo.so.1.2")
        .link("linked/lib/libfoo.so", "libfoo.so.1")
        .file("linked/Versions/A/Headers/foo.h", b"int foo;\n")
        .link("linked/Versions/Current", "A")
        .link("linked/Headers", "Versions/Current/Headers")
    )


LINKS = {
    "linked/lib/libfoo.so.1": "-> libfoo.so.1.2",
    "linked/lib/libfoo.so": "-> libfoo.so.1",
    "linked/Versions/Current": "-> A",
    "linked/Headers": "-> Versions/Current/Headers",
}


# To rich, and to cleo, this is no name but markup.
MARKUP = "[/]<b>.py"


def bad_wheel() -> WheelBuilder:
    """Files that are not what RECORD says."""
    wheel = WheelBuilder("bad", "1.0").file("bad.py", b"good = True\n")
    wheel.file(MARKUP, b"x = 1\n").row(MARKUP, "sha256=" + 43 * "A")
    return wheel.row("bad.py", "sha256=" + 43 * "A")


Seen = dict[str, tuple[int, object]]


def look(root: Path) -> Seen:
    """All of an environment: types and modes, contents, RECORD's rows."""
    found: Seen = {}
    for path, content in tree_of(root).items():
        shown: object = content
        if path.endswith(".dist-info/RECORD") and isinstance(content, bytes):
            shown = sorted(csv.reader(content.decode().splitlines()))
        found[path] = ((root / path).lstat().st_mode, shown)
    return found


def files_in(root: Path) -> set[str]:
    """The names of all files and links below *root*."""
    return {name for name, content in tree_of(root).items() if content}


@each_host
def test_installs_what_the_host_would(project: Project) -> None:
    """
    Native, with scripts, data, headers: the same tree, modes and RECORD.
    """
    wheel = whole_wheel().write(project.wheels)
    project.needs(native_wheel("numpy", project.wheels), wheel)
    project.run("install", UNWHEEL_PLUGIN="off")
    theirs = look(project.environment)
    project.renew()

    said = project.run("install", "-v")

    assert 2 == (said.stdout + said.stderr).count(SAID)
    ours = look(project.environment)
    assert theirs.keys() == ours.keys()
    assert [] == [path for path in theirs if theirs[path] != ours[path]]
    assert "" == project.says("python", "-Bc", "import numpy, space.demo.part")
    assert "here\n" == project.says("demo")
    assert "hello\n" == project.says("hello")


@each_host
def test_links_arrive(project: Project) -> None:
    """
    What pip writes as text is a link, each kind of it; remove takes all.
    """
    before = look(project.site)
    project.needs(linked_wheel().write(project.wheels))

    project.run("install")

    there = tree_of(project.site)
    assert LINKS == {path: there[path] for path in LINKS}
    project.run("remove", "linked")
    assert before == look(project.site)


@each_host
def test_refuses_what_record_denies(project: Project) -> None:
    """
    The host fails, shows our message, and of the wheel nothing is there.
    """
    project.needs(bad_wheel().write(project.wheels))
    before = look(project.environment)

    done = project.run("install", check=False)

    said = done.stdout + done.stderr
    assert 0 != done.returncode
    assert "bad-1.0-py3-none-any.whl: refused by unwheel" in said
    assert "SHA256: bad.py: " in said
    assert f"SHA256: {MARKUP}: " in said
    assert "accept by UNWHEEL_RECORD=warn" in said
    assert before == look(project.environment)


@each_host
def test_a_setting_accepts_it(project: Project) -> None:
    """
    From the environment; Poetry tells what is wrong, as it always did.
    """
    project.needs(bad_wheel().write(project.wheels))

    done = project.run("install", UNWHEEL_RECORD="warn")

    assert b"good = True\n" == (project.site / "bad.py").read_bytes()
    said = done.stdout + done.stderr
    assert project.name == "pdm" or "Validation of the RECORD file" in said
    assert project.name == "pdm" or "bad.py" in said


@each_host
def test_a_project_chooses(project: Project) -> None:
    """
    In its configuration; a value that is none is an error, not a default.
    """
    project.needs(linked_wheel().write(project.wheels))
    project.configure({"unwheel": {"links": "refuse"}})

    done = project.run("install", check=False)

    assert 0 != done.returncode
    assert "LINK_REFUSED" in done.stdout + done.stderr
    done = project.run("install", check=False, UNWHEEL_LINKS="sometimes")
    assert 0 != done.returncode
    assert "'sometimes' is none of strict" in done.stdout + done.stderr
    assert [] == [
        name for name in os.listdir(project.site) if "linked" in name
    ]


@each_host
def test_remove_leaves_nothing(project: Project) -> None:
    """
    No file, no folder; what another one has in the same folder stays.
    """
    other = WheelBuilder("other", "1.0").file("space/other.py", b"x = 1\n")
    wheels = [one.write(project.wheels) for one in (whole_wheel(), other)]
    before = files_in(project.environment)
    project.needs(*wheels)
    project.run("install")
    assert {"bin/demo", "bin/hello"} <= files_in(project.environment) - before

    project.run("remove", "demo")

    left = files_in(project.environment) - before
    assert [] == [name for name in left if "other" not in name]
    assert {"space", "space/other.py"} == {
        name for name in tree_of(project.site) if name.startswith("space")
    }
    assert [] == [name for name in os.listdir(project.site) if "demo" in name]


@each_host
def test_an_update_leaves_nothing_of_the_old(project: Project) -> None:
    """
    Files that the new version has not are gone, and so are their folders.
    """
    old = whole_wheel().file("demo/old/gone.py", b"x = 1\n")
    project.needs(old.write(project.wheels))
    project.run("install")
    assert (project.site / "demo/old/gone.py").exists()
    project.needs(whole_wheel("2.0").write(project.wheels))

    project.run("update")

    there = tree_of(project.site)
    assert b"version = 2.0\n" == there["space/demo/part.py"]
    assert [] == [name for name in there if "1.0" in name or "old" in name]
    assert b"import demo\n" == there["demo.pth"]


@each_host
def test_many_at_once(project: Project) -> None:
    """
    The host's threads share one crew, and some wheels a file, as those of
    old name spaces do.
    """
    wheels = [
        WheelBuilder(f"small{k}", "1.0")
        .file(f"small{k}/__init__.py", f"number = {k}\n".encode())
        .file(f"common/part{k}.py", b"")
        .file("common/__init__.py", b"x = 1\n")
        .file(f"small{k}/data", bytes(100_000))
        .write(project.wheels)
        for k in range(10)
    ]
    project.needs(*wheels)
    # What a killed run has left: it goes.
    (project.site / f".unwheel-{16 * '0'}").mkdir(0o700, parents=True)

    said = project.run("install", "-v")

    assert 10 == (said.stdout + said.stderr).count(SAID)
    code = "; ".join(f"import small{k}, common.part{k}" for k in range(10))
    assert "" == project.says("python", "-Bc", code)
    assert [] == [n for n in os.listdir(project.site) if "unwheel" in n]


@on_poetry
def test_bytecode_as_poetry_has_it(project: Project) -> None:
    """
    When it is asked for, by the Python of Poetry; and RECORD knows of it.
    """
    project.needs(whole_wheel().write(project.wheels))

    project.run("install", "--compile")

    rows = (project.site / "demo-1.0.dist-info/RECORD").read_text()
    for source in ("demo/__init__.py", "space/demo/part.py"):
        pyc = cache_from_source(source, optimization="")
        assert f"{pyc},,\n" in rows
        assert (project.site / pyc).exists()
    project.run("remove", "demo")
    assert {} == tree_of(project.site)


@on_pdm
def test_the_same_version_once_more(project: Project) -> None:
    """
    PDM's own removal of what it replaced finds nothing, and takes nothing.
    """
    project.needs(whole_wheel().write(project.wheels))
    project.run("install")
    before = look(project.environment)

    project.run("sync", "--reinstall")

    assert before == look(project.environment)


# ------------------------------------------------------------ PDM's cache


@on_pdm
@pytest.mark.parametrize("method", ["symlink", "hardlink"])
def test_the_cache_of_pdm(project: Project, method: str) -> None:
    """
    Files are PDM's links into the cache, links of the wheel are its own.
    """
    wheels = [
        one.write(project.wheels) for one in (linked_wheel(), whole_wheel())
    ]
    project.configure({"install": {"cache": True, "cache_method": method}})
    before = files_in(project.environment)
    project.needs(*wheels)

    project.run("install")

    there = tree_of(project.site)
    assert LINKS == {path: there[path] for path in LINKS}
    (packages,) = project.root.parent.glob("home/cache/packages")
    cached = packages / f"{wheels[0].name}.cache" / LIBRARY
    installed = project.site / LIBRARY
    assert method == "hardlink" or f"{cached}" == os.readlink(installed)
    assert cached.samefile(installed)
    assert "here\n" == project.says("demo")
    rows = (project.site / "linked-1.0.dist-info/RECORD").read_text()
    assert f"{LIBRARY},{digest_of(b'library' + NEWLINE)},8\n" in rows
    project.run("remove", "demo", "linked")
    assert before == files_in(project.environment)


LIBRARY = "linked/lib/libfoo.so.1.2"
NEWLINE = b"\n"


@on_pdm
def test_a_cached_version_is_replaced(project: Project) -> None:
    """
    By one that is not: nothing is written through the links of the old.
    """
    project.configure({"install": {"cache": True}})
    old = whole_wheel().write(project.wheels)
    project.needs(old)
    project.run("install")
    cached = project.root.parent / f"home/cache/packages/{old.name}.cache"
    before = look(cached)
    before.pop(".referrers")  # PDM's own
    project.needs(whole_wheel("2.0").write(project.wheels))
    project.configure({})

    project.run("update")

    there = project.site / "space/demo/part.py"
    assert not there.is_symlink()
    assert b"version = 2.0\n" == there.read_bytes()
    assert before.items() <= look(cached).items()


@on_pdm
def test_the_cache_holds_nothing_that_is_refused(project: Project) -> None:
    """
    Neither the cache nor the environment has any of it.
    """
    project.configure({"install": {"cache": True}})
    project.needs(bad_wheel().write(project.wheels))
    before = look(project.environment)

    done = project.run("install", check=False)

    assert 0 != done.returncode
    assert "SHA256: bad.py: " in done.stdout + done.stderr
    assert before == look(project.environment)
    assert [] == os.listdir(project.root.parent / "home/cache/packages")


# ------------------------------------------------------ a host of another kind


# Before a host is started: what changes it, or us.
CHANGES = {
    "pdm takes more": """
import pdm.installers.installers as module
known = module.install_wheel
module.install_wheel = lambda *args, **named: known(*args, **named)
""",
    "pdm has another plugin": """
from pdm.core import Core
class Other(Core.install_manager_class):
    def install(self, candidate):
        return super().install(candidate)
Core.install_manager_class = Other
""",
    "pdm has a half of us": """
sys.modules["unwheel.pair.destination"] = None
""",
    "poetry takes more": """
from poetry.installation.wheel_installer import WheelInstaller
known = WheelInstaller.install
WheelInstaller.install = lambda self, wheel, more=None: known(self, wheel)
""",
    "poetry has another plugin": """
import poetry.installation.executor as module
class WheelInstaller(module.WheelInstaller):
    pass
module.WheelInstaller = WheelInstaller
""",
    "poetry has a half of us": """
sys.modules["unwheel.pair.destination"] = None
""",
}
CHANGED = """
import runpy, sys
{change}
runpy.run_module({host!r}, run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize(
    ("host", "change"),
    [pytest.param(name.split()[0], name, marks=real) for name in CHANGES],
    ids=CHANGES,
)
def test_a_host_goes_on_without_us(project: Project, change: str) -> None:
    """
    If it is not as we know it, or we are not whole: said once, with why.
    """
    project.needs(bad_wheel().write(project.wheels))
    code = CHANGED.format(host=project.name, change=CHANGES[change])

    done = project.run_python(code, "install")

    said = done.stderr.replace(str(project.root), "")
    told = [line for line in said.splitlines() if "unwheel" in line]
    assert 1 == len(told), done.stderr
    assert b"good = True\n" == (project.site / "bad.py").read_bytes()


@on_poetry
def test_poetry_itself_is_left_alone(project: Project) -> None:
    """
    `poetry self` may replace us: this command has nothing that could be used.
    """
    code = """
from types import SimpleNamespace
from poetry.console.commands.self.add import SelfAddCommand
from unwheel.plugins.poetry import _begin
_begin(SimpleNamespace(command=SelfAddCommand(), io=None))
"""

    project.run_python(code)


@pytest.mark.parametrize(
    ("path", "parameters", "says"),
    [
        ("join", "a p", None),
        ("join", "a q", "another posixpath.join than is known"),
        ("json", "", "there is no posixpath.json"),
        ("curdir", "", "there is no posixpath.curdir"),
        ("join.curdir", "", "there is no posixpath.join.curdir"),
    ],
)
def test_hosts_are_known_by_what_they_take(
    path: str, parameters: str, says: str | None
) -> None:
    """
    A function that takes something else does something else.
    """
    if says is None:
        check_parameters("posixpath", {path: parameters})
        return

    with pytest.raises(UnknownHostError, match=says):
        check_parameters("posixpath", {path: parameters})


def test_a_host_without_a_module_is_not_known() -> None:
    """
    Not an ImportError, which would end it.
    """
    with pytest.raises(
        UnknownHostError, match=r"there is no unwheel\.away\.f"
    ):
        check_parameters("unwheel.away", {"f": ""})


# ------------------------------------------------------------------ settings


def test_defaults_are_the_strict_ones() -> None:
    """
    What nobody chose is what `Policy()` says.
    """
    assert Policy() == choose({}, {}).policy
    assert "on" == choose({}, {}).plugin


def test_the_environment_wins() -> None:
    """
    Over what is configured; an empty variable is none.
    """
    configured = {"links": "refuse", "record": "off"}
    variables = {"UNWHEEL_LINKS": "text", "UNWHEEL_RECORD": ""}

    chosen = choose(configured, variables)

    assert ("text", "off") == (chosen.links, chosen.record)


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda one: one.name)
def test_every_choice_is_one(setting: Setting) -> None:
    """
    And none other is, of whatever type.
    """
    for choice in setting.choices:
        assert choose({setting.name: choice}, {}).policy
    for wrong in ("verbatim", "", True, None):
        with pytest.raises(SettingError, match=setting.variable):
            choose({setting.name: wrong}, {})


def test_a_setting_that_does_not_exist_is_an_error() -> None:
    """
    One letter more or less must not be the default.
    """
    with pytest.raises(SettingError, match=r"unwheel\.link is no setting"):
        choose({"link": "refuse"}, {})
    with pytest.raises(SettingError, match="is no table"):
        choose("off", {})  # type: ignore[arg-type]


def test_a_refusal_names_what_accepts() -> None:
    """
    By the setting, if one does; the first problems, and how many more.
    """
    problems = [
        Problem("A", "one", member="x", accept='record="warn"'),
        Problem("B", "two", accept="limits.entries"),
        Problem("C", "three", accept='links="verbatim"'),
        *(Problem("D", "four") for _ in range(10)),
    ]

    lines = refusal(RecordError(problems), "x\x1b.whl").splitlines()

    assert "x\\x1b.whl: refused by unwheel" == lines[0]
    assert ["  A: x: one", "      accept by UNWHEEL_RECORD=warn"] == lines[1:3]
    assert ["  B: two", "  C: three", "  D: four"] == lines[3:6]
    assert "  ... and 3 more (unwheel verify tells them)" == lines[-1]
