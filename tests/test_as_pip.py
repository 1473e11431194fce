"""
Real wheels, installed by us and by pip: the same, but for what is said here.

They need the package index (see wheels.py) and pip; deselect them with
``-m "not wheels"``.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from environments import (
    PIP,
    QUIET,
    UNWHEEL,
    Environment,
    Installed,
    all_below,
    code_of,
    mode,
    run,
    source_of,
)
from wheels import FetchError, RealWheel, fetch_all

pytestmark = [
    pytest.mark.wheels,
    pytest.mark.tools,
    pytest.mark.skipif(
        sys.version_info[:2] != (3, 11) or platform.machine() != "x86_64",
        reason="pip takes these wheels on CPython 3.11 for x86-64 only",
    ),
]

# With all that they depend on, so that `pip check` has nothing to say.
WHEELS = (
    RealWheel("attrs", "26.1.0", "two packages"),
    RealWheel("asgiref", "3.12.1", "for django"),
    RealWheel("black", "26.5.1", "mypyc, an entry point with an extra"),
    RealWheel("certifi", "2026.7.22", "an executable among modules"),
    RealWheel("cffi", "2.1.1", "a native module at the top, entry points"),
    RealWheel("click", "8.5.0", "for black"),
    RealWheel("coverage", "7.16.2", "a .pth file, three scripts"),
    RealWheel("debugpy", "1.8.22", "executable sources of programs"),
    RealWheel("dill", "0.4.1", "three '#!python' scripts"),
    RealWheel("django", "5.2", "3,700 small files"),
    RealWheel("docutils", "0.23", "executables, nine scripts"),
    RealWheel("fonttools", "4.66.1", ".data/data: a manual page"),
    RealWheel("googleapis-common-protos", "1.75.5", "a part of google"),
    RealWheel("greenlet", "3.5.6", ".data/headers"),
    RealWheel("jmespath", "1.1.0", "a script of one file"),
    RealWheel("jsonpatch", "1.33", "scripts, a module alone"),
    RealWheel("jsonpointer", "3.1.1", "for jsonpatch"),
    RealWheel("markupsafe", "3.0.3", "native, small"),
    RealWheel("mypy-extensions", "1.1.0", "for black"),
    RealWheel("packaging", "26.3", "for black, flit"),
    RealWheel("pathspec", "1.1.1", "for black"),
    RealWheel("platformdirs", "4.12.2", "for black"),
    RealWheel("protobuf", "7.36.2", "the other part of google"),
    RealWheel("psycopg2-binary", "2.9.13", "executable libraries"),
    RealWheel("pycparser", "3.0", "for cffi"),
    RealWheel("pytokens", "0.4.1", "for black"),
    RealWheel("pytz", "2026.4", "600 files of data, zip-safe"),
    RealWheel("pyyaml", "6.0.3", "a package and a native module"),
    RealWheel("pyzo", "4.22.0", "a GUI script"),
    RealWheel("ruff", "0.6.0", "maturin, a program in .data/scripts"),
    RealWheel("setuptools", "84.0.0", "a .pth file, vendored metadata"),
    RealWheel("six", "1.17.0", "one module"),
    RealWheel("sqlparse", "0.6.0", "for django"),
    RealWheel("tqdm", "4.70.1", "a script of a shell"),
    RealWheel("tree-sitter", "0.23.0", "cibuildwheel, small"),
    RealWheel("watchdog", "6.0.0", "an entry point with an extra"),
    RealWheel("xlsxwriter", "3.2.9", "a '#!python' script"),
    RealWheel("zope-event", "6.2", "a part of zope"),
    RealWheel("zope-interface", "8.7", "the other part, native"),
)


class Both(NamedTuple):
    """The same wheels in two environments."""

    files: list[Path]
    theirs: Environment
    ours: Environment


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Both:
    """All of them in each, compiled."""
    try:
        files = fetch_all(WHEELS)
    except FetchError as error:
        pytest.fail(f"needs the package index: {error}", pytrace=False)
    root = tmp_path_factory.mktemp("as-pip")
    theirs, ours = Environment(root / "theirs"), Environment(root / "ours")
    pip_installs(root, WHEELS, theirs, "--compile")
    unwheel_installs(files, ours, "--compile")
    return Both(files, theirs, ours)


def pip_installs(
    room: Path, wheels: Sequence[RealWheel], to: Environment, *options: str
) -> None:
    """
    Have pip install them by their names: of a path it notes where it was.
    """
    run(
        *(*PIP, "--python", to.python, "install", *QUIET, "--no-deps"),
        *("--no-index", "--find-links", links_to(room, wheels), *options),
        *map(str, wheels),
    )


def links_to(room: Path, wheels: Sequence[RealWheel]) -> Path:
    """A directory of nothing else."""
    links = room / "links"
    links.mkdir(exist_ok=True)
    for path in fetch_all(wheels):
        if not (links / path.name).exists():
            (links / path.name).symlink_to(path)
    return links


def unwheel_installs(
    files: Sequence[Path], to: Environment, *options: str
) -> None:
    """Have ours install them."""
    argv = ("install", "--quiet", "--python", to.python, *options, *files)
    run(*UNWHEEL, *argv)


def check_same(theirs: Installed, ours: Installed) -> None:
    """
    All files of a distribution are the same, but for the differences.

    Digests are, too, because contents are and rows are true.
    """
    ours.check()
    written = [path for path in theirs.written if not is_pointless(path)]
    assert written == ours.written
    assert theirs.scripts == ours.scripts
    for path in ours.rows:
        check_file(path, theirs, ours)


def is_pointless(path: str) -> bool:
    """Whether pip makes it and we do not: see `DIFFERENCES`."""
    return "bin/__pycache__" in path


def check_file(path: str, theirs: Installed, ours: Installed) -> None:
    """The mode, and what it holds."""
    assert mode(theirs.path(path)) == mode(ours.path(path)), path
    same = SAME.get(kind_of(path, ours), check_content)
    same(path, theirs, ours)


def kind_of(path: str, distribution: Installed) -> str:
    """Which of the differences that file may have."""
    if path in distribution.scripts:
        return "script"
    folder, _, name = path.rpartition("/")
    if folder == distribution.dist_info:
        return name
    return "pyc" if name.endswith(".pyc") else ""


def check_content(path: str, theirs: Installed, ours: Installed) -> None:
    """To the byte, but for where the environment is."""
    assert theirs.content(path) == ours.content(path), path


def check_start(path: str, theirs: Installed, ours: Installed) -> None:
    """The first line."""
    first = theirs.content(path).splitlines()[0]
    assert first == ours.content(path).splitlines()[0], path


def check_code(path: str, theirs: Installed, ours: Installed) -> None:
    """The code, and the one file that it says it is of."""
    code, named = code_of(theirs.path(path))
    assert {str(source_of(theirs.path(path)))} == named
    own_code, own_named = code_of(ours.path(path))
    assert {str(source_of(ours.path(path)))} == own_named
    assert code == own_code, path


def check_installer(path: str, theirs: Installed, ours: Installed) -> None:
    """Each its own."""
    assert b"pip\n" == theirs.content(path)
    assert b"unwheel\n" == ours.content(path)


def check_rows(_: str, theirs: Installed, ours: Installed) -> None:
    """The same rows go without a digest; which there are is seen before."""
    for path in ours.rows.keys() & theirs.rows.keys():
        assert any(ours.rows[path]) == any(theirs.rows[path]), path


# What is not as with pip, and why.  All else is: paths, contents, modes, rows.
DIFFERENCES = {
    "INSTALLER": (check_installer, "it names who has installed"),
    "RECORD": (check_rows, "its order, and digests of what is different"),
    "script": (check_start, "installer has words of its own for them"),
    "pyc": (
        check_code,
        "the time of its source and the path of the environment are in it",
    ),
}
# And nothing is there that is not with pip, but nobody imports scripts, so
# those whose names end in .py have no bin/__pycache__ (`is_pointless`).
SAME = {kind: check for kind, (check, _) in DIFFERENCES.items()}


def test_the_same_is_there(both: Both) -> None:
    """
    The same files and directories, with the same modes, and nothing else.
    """
    there = {path for path in both.theirs.new() if not is_pointless(path)}

    assert there == both.ours.new()
    for path in there:
        of_theirs = mode(both.theirs.root / path)
        assert of_theirs == mode(both.ours.root / path), path


@pytest.mark.parametrize("wheel", WHEELS, ids=str)
def test_a_wheel_is_installed_as_by_pip(both: Both, wheel: RealWheel) -> None:
    """
    Its files, to the byte, their modes, RECORD, and its byte code.
    """
    theirs = both.theirs.installed(wheel)
    ours = both.ours.installed(wheel)

    check_same(theirs, ours)


def test_pip_finds_all_of_it_sound(both: Both) -> None:
    """
    `pip check` has nothing to say, and `pip list` says the same of both.
    """
    said = [
        [
            run(*PIP, "--python", site.python, command, *QUIET)
            for command in ("check", "list")
        ]
        for site in (both.theirs, both.ours)
    ]

    assert said[0] == said[1]


def test_all_modules_are_imported(both: Both) -> None:
    """
    Each at the top, by a new process of the environment.
    """
    modules = set()
    for wheel in WHEELS:
        own = both.ours.installed(wheel).modules
        assert own == both.theirs.installed(wheel).modules
        modules |= own

    assert len(modules) >= len(WHEELS) - 5  # some have only a namespace
    modules.remove("blackd")  # needs what an extra asks for
    run(both.ours.python, "-c", f"import {', '.join(sorted(modules))}")


# What to ask each of, and get the same answer.
ASKED = {
    "black": "--version",
    "cffi-gen-src": "--help",
    "coverage": "--version",
    "django-admin": "--version",
    "docutils": "--version",
    "fonttools": "--help",
    "jp.py": "--help",
    "jsonpatch": "--version",
    "ruff": "--version",
    "tqdm": "--version",
}


@pytest.mark.parametrize("script", ASKED)
def test_scripts_run(both: Both, script: str) -> None:
    """
    And say what those say that pip has made.
    """
    theirs, ours = (
        run(site.root / "bin" / script, ASKED[script])
        for site in (both.theirs, both.ours)
    )

    assert theirs == ours != ""


class Layout(NamedTuple):
    """A way to say where to, and what pip does otherwise there."""

    option: str
    wrong: Callable[[str], str] = str


def _below_target(path: str) -> str:
    """
    As pip writes it: where it was before pip moved it, which is not there.
    """
    scheme = path.partition("/")[0]
    return f"../../{path}" if scheme in ("bin", "include", "share") else path


LAYOUTS = (
    Layout("--prefix"),
    Layout("--root"),
    Layout("--target", _below_target),
)
SOME = {"dill", "fonttools", "greenlet", "six", "tqdm", "django"}


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda each: each.option)
def test_other_places_are_laid_out_as_by_pip(
    tmp_path: Path, layout: Layout
) -> None:
    """
    The same paths, contents and modes, and what RECORD calls them.
    """
    some = [wheel for wheel in WHEELS if wheel.project in SOME]
    files = fetch_all(some)
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"

    run(
        *(*PIP, "install", *QUIET, "--no-deps", "--no-index", "--no-compile"),
        *("--ignore-installed", "--no-warn-script-location"),
        *("--find-links", links_to(tmp_path, some), layout.option, theirs),
        *map(str, some),
    )
    run(
        *(*UNWHEEL, "install", "--quiet", "--no-compile"),
        *(layout.option, ours, *files),
    )

    there = all_below(theirs)
    assert there == all_below(ours)
    for path in there:
        assert mode(theirs / path) == mode(ours / path), path
    for record in sorted(theirs.rglob("*.dist-info/RECORD")):
        of_theirs = Installed(theirs, record.parent)
        of_ours = Installed(ours, ours / of_theirs.dist_info)
        assert of_theirs.written == sorted(map(layout.wrong, of_ours.written))
        for path in of_ours.rows:
            check_file(path, of_theirs, of_ours)
