"""
Pythons to be unpacked: the five rules of pybi about links (PEP 711).

"Unpackers MUST verify that these rules are followed."
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from builder import WheelBuilder
from places import Place, tree_of

import unwheel
from unwheel.errors import InvalidWheelError, UnwheelError
from unwheel.policy import Policy

MACOS = "macosx_11_0_arm64"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


class PybiBuilder(WheelBuilder):
    """A pybi: metadata of its own name, links told in RECORD too."""

    def __init__(self, platform: str = MACOS, version: str = "3.12.0"):
        super().__init__("cpython", version, f"x-x-{platform}")
        self.platform = platform
        self.info(
            "PYBI",
            "Pybi-Version: 1.0\nGenerator: tests\n"
            + "".join(f"Tag: {tag}\n" for tag in platform.split(".")),
        ).without("WHEEL")

    @property
    def filename(self) -> str:
        return f"{self.name}-{self.version}-{self.platform}.pybi"

    @property
    def dist_info(self) -> str:
        return f"{self.name}-{self.version}.pybi-info"

    def both(self, path: str, target: str) -> PybiBuilder:
        """A link in the archive and in RECORD, as its creator must."""
        return (
            self.link(path, target)
            .without_row(path)
            .more_rows(f"{path},symlink={target},")
        )


def framework() -> PybiBuilder:
    """The farm of links that a framework of macOS is."""
    versions = "Python.framework/Versions"
    return (
        PybiBuilder()
        .file(f"{versions}/3.12/Python", b"\xcf\xfa\xed\xfe", mode=0o755)
        .file(f"{versions}/3.12/bin/python3.12", b"\xcf\xfa", mode=0o755)
        .both(f"{versions}/3.12/bin/python3", "python3.12")
        .both(f"{versions}/3.12/bin/python", "python3")
        .file(f"{versions}/3.12/Headers/Python.h", b"#pragma once\n")
        .file(f"{versions}/3.12/Resources/Info.plist", b"<plist/>")
        .both(f"{versions}/Current", "3.12")
        .both("Python.framework/Python", "Versions/Current/Python")
        .both("Python.framework/Headers", "Versions/Current/Headers")
        .both("Python.framework/Resources", "Versions/Current/Resources")
        .both("bin", "Python.framework/Versions/Current/bin")
    )


def codes(error: UnwheelError) -> set[str]:
    return {problem.code for problem in error.problems}


def test_a_framework_of_macos_unpacks(place: Place):
    """
    Every link a link, and RECORD as it was: it tells of them itself.
    """
    archive = place.put(framework())

    report = unwheel.extract(archive, place.dest)

    tree = tree_of(place.dest)
    assert b"\xcf\xfa" == (place.dest / "bin/python").read_bytes()
    assert "-> Versions/Current/Python" == tree["Python.framework/Python"]
    assert "-> 3.12" == tree["Python.framework/Versions/Current"]
    assert 7 == len([v for v in tree.values() if str(v).startswith("-> ")])
    assert 7 == len(report.links)
    assert not report.installed_record
    assert (
        b"bin,symlink=Python.framework/Versions/Current/bin,"
        in (tree["cpython-3.12.0.pybi-info/RECORD"])
    )


def test_many_go_where_their_names_say(place: Place):
    """
    As wheels do, without the extension.
    """
    archive = place.put(framework())

    (report,) = unwheel.extract_many([archive], place.out)

    assert isinstance(report, unwheel.Report)
    assert (place.out / f"cpython-3.12.0-{MACOS}/bin/python").is_file()


@pytest.mark.parametrize(
    ("code", "spoil"),
    [
        # Both encodings, and they agree.
        ("RECORD_MISMATCH", lambda p: p.link("a", "bin")),
        (
            "RECORD_MISMATCH",
            lambda p: (
                p.link("a", "bin")
                .without_row("a")
                .more_rows("a,symlink=other,")
            ),
        ),
        ("NOT_IN_RECORD", lambda p: p.link("a", "bin").without_row("a")),
        ("NOT_IN_ARCHIVE", lambda p: p.more_rows("a,symlink=bin,")),
        # None in the metadata.
        ("IN_METADATA", lambda p: p.both(f"{p.dist_info}/a", "RECORD")),
        ("IN_METADATA", lambda p: p.both("a", f"{p.dist_info}/RECORD")),
        # Relative, and inside.
        ("ABSOLUTE", lambda p: p.both("a", "/etc/passwd")),
        ("ESCAPES", lambda p: p.both("a", "../etc/passwd")),
        # Nothing beneath.
        (
            "HAS_CHILDREN",
            lambda p: p.both("a", "Python.framework").file("a/b", b""),
        ),
    ],
)
def test_the_rules_of_links(place: Place, code: str, spoil):
    """
    Each of the five, broken.
    """
    archive = place.put(spoil(framework()))

    with place.untouched(), pytest.raises(UnwheelError) as caught:
        unwheel.extract(archive, place.dest)

    assert code in codes(caught.value)


def test_none_on_windows(place: Place):
    """
    Nor where another platform has none.
    """
    pybi = PybiBuilder("win_amd64").file("python.exe", b"MZ")
    archive = place.put(pybi.both("python3.exe", "python.exe"))

    with place.untouched(), pytest.raises(UnwheelError) as caught:
        unwheel.extract(archive, place.dest)

    assert {"WINDOWS_TAG"} == codes(caught.value)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("WHEEL_VERSION", f"Tag: {MACOS}\n"),
        ("WHEEL_VERSION_UNKNOWN", f"Pybi-Version: 2.0\nTag: {MACOS}\n"),
    ],
)
def test_of_a_version_that_is_known(place: Place, code: str, text: str):
    """
    A knob for the versions of wheels is none for those of pybis.
    """
    pybi = PybiBuilder().file("a", b"")
    pybi.members.pop(0)
    archive = place.put(pybi.info("PYBI", text))
    policy = Policy(links=unwheel.LinkPolicy(wheel2=True))

    with place.untouched(), pytest.raises(InvalidWheelError) as caught:
        unwheel.extract(archive, place.dest, policy=policy)

    assert {code} == codes(caught.value)


def test_the_file_that_tells_of_the_format(place: Place):
    """
    PYBI in the place of WHEEL.
    """
    pybi = PybiBuilder().file("a", b"")
    pybi.members.pop(0)
    archive = place.put(pybi)

    with place.untouched(), pytest.raises(InvalidWheelError) as caught:
        unwheel.extract(archive, place.dest)

    (problem,) = caught.value.problems
    assert ("WHEEL_MISSING", "cpython-3.12.0.pybi-info/PYBI") == (
        problem.code,
        problem.member,
    )


def test_tags_are_platforms(place: Place):
    """
    Told where they are not those of the file name.
    """
    archive = place.put(framework())
    other = archive.rename(
        archive.with_name("cpython-3.12.0-macosx_12_0_arm64.pybi")
    )

    report = unwheel.verify(other)

    assert ["TAGS_DIFFER"] == [p.code for p in report.warnings]
    assert os.path.exists(other)
