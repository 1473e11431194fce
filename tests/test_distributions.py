"""What is installed: whose files, and which rows of RECORD count."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from sites import Files, Site

from unwheel import DestinationError
from unwheel.site.distributions import (
    Installed,
    find_installed,
    owner_of,
)

FILES: Files = {
    ("purelib", "demo/__init__.py"): b"",
    ("purelib", "demo/data.txt"): b"",
    ("scripts", "demo"): b"",
}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """An environment with one distribution."""
    site = Site(tmp_path / "venv")
    site.install("demo", "1.0", FILES)
    return site


def found(site: Site, name: str = "demo") -> Installed:
    """The one distribution."""
    (installed,) = find_installed(site.places, name)
    return installed


def names(site: Site, installed: Installed) -> set[str]:
    """Its files, below the prefix."""
    return {os.path.relpath(path, site.root) for path in installed.files}


def add_rows(site: Site, *rows: str) -> None:
    """Have more rows in RECORD."""
    with open(site.packages / "demo-1.0.dist-info/RECORD", "a") as file:
        file.writelines(f"{row},,\n" for row in rows)


PACKAGES = "lib/python3.11/site-packages"
OWN = {
    f"{PACKAGES}/demo/__init__.py",
    f"{PACKAGES}/demo/data.txt",
    f"{PACKAGES}/demo-1.0.dist-info/METADATA",
    f"{PACKAGES}/demo-1.0.dist-info/RECORD",
    "bin/demo",
}


def test_the_files_of_a_distribution(site: Site):
    """
    The rows of RECORD, wherever in the scheme they are.
    """
    installed = found(site)

    assert ("demo", "1.0") == (installed.name, installed.version)
    assert str(site.packages / "demo-1.0.dist-info") == installed.dist_info
    assert OWN == names(site, installed)


def test_bytecode_and_what_is_in_the_metadata(site: Site):
    """
    Bytecode of its sources is its own, of any interpreter; others' is not.
    """
    cache = site.packages / "demo/__pycache__"
    cache.mkdir()
    for name in (
        "__init__.cpython-311.pyc",
        "__init__.cpython-312.opt-1.pyc",
        "data.cpython-311.pyc",
        "__init__.txt",
    ):
        (cache / name).touch()
    (site.packages / "demo-1.0.dist-info/unlisted").touch()

    assert names(site, found(site)) == OWN | {
        f"{PACKAGES}/demo/__pycache__/__init__.cpython-311.pyc",
        f"{PACKAGES}/demo/__pycache__/__init__.cpython-312.opt-1.pyc",
        f"{PACKAGES}/demo-1.0.dist-info/unlisted",
    }


def test_rows_that_lead_out_do_not_count(site: Site):
    """
    RECORD is the word of a stranger: no row leaves the scheme.
    """
    outside = site.root.parent / "outside"
    outside.mkdir()
    (outside / "file").touch()
    (site.packages / "out").symlink_to(outside)
    (site.root / "theirs").touch()
    add_rows(
        site,
        *("../" * 40 + "etc/passwd", "/etc/passwd", str(outside / "file")),
        *("out/file", "../../../../outside/file", "", ".", "..", "missing"),
        *("demo", "demo/../../../..", "nul\0byte", '"'),
    )

    assert OWN == names(site, found(site))


def test_a_row_that_is_a_link_is_the_link(site: Site):
    """
    What it leads to is somebody else's, wherever that is.
    """
    (site.packages / "passwd").symlink_to("/etc/passwd")
    (site.packages / "folder").symlink_to("/etc")
    (site.packages / "dangling").symlink_to("nowhere")
    add_rows(site, "passwd", "folder", "folder/passwd", "dangling")

    assert names(site, found(site)) == OWN | {
        f"{PACKAGES}/passwd",
        f"{PACKAGES}/folder",
        f"{PACKAGES}/dangling",
    }


def test_absolute_rows_of_the_scheme_count(site: Site):
    """
    "Recording installed packages" allows them.
    """
    (site.root / "share").mkdir()
    (site.root / "share/file").touch()
    add_rows(site, str(site.root / "share/file"))

    assert OWN | {"share/file"} == names(site, found(site))


def test_places_that_are_called_by_links(site: Site):
    """
    As lib64 of many virtual environments is.
    """
    (site.root / "lib64").symlink_to("lib")
    places = {
        **site.places,
        "platlib": str(site.root / "lib64/python3.11/site-packages"),
    }

    (installed,) = find_installed(places, "demo")

    assert OWN == names(site, installed)


@pytest.mark.parametrize("name", ["Demo_Kit", "demo.kit", "demo-_.kit"])
def test_names_are_compared_normalized(site: Site, name: str):
    """
    One project, however its name is spelled.
    """
    site.install("demo_kit", "2", {})

    assert "demo_kit" == found(site, name).name
    assert [] == find_installed(site.places, "other")


@pytest.mark.parametrize(
    ("leaf", "code"),
    [
        ("legacy-1.0.dist-info", "NO_RECORD"),
        ("legacy-1.0.egg-info", "EGG"),
        ("legacy-1.0-py3.11.egg-info", "EGG"),
        ("legacy.egg-info", "EGG"),
        ("Legacy-1.0-py3.11.egg", "EGG"),
        ("legacy.egg-link", "EGG"),
    ],
)
def test_what_has_no_record_cannot_be_replaced(
    site: Site, leaf: str, code: str
):
    """
    Nobody can tell which files are its; so nothing is touched.
    """
    (site.packages / leaf).mkdir()

    with pytest.raises(DestinationError) as caught:
        find_installed(site.places, "legacy")

    assert [code] == [problem.code for problem in caught.value.problems]
    assert OWN == names(site, found(site))


def test_a_record_that_cannot_be_read(site: Site):
    """
    Then what it says is unknown, not nothing.
    """
    record = site.packages / "demo-1.0.dist-info/RECORD"
    record.unlink()
    record.mkdir()

    with pytest.raises(DestinationError) as caught:
        find_installed(site.places, "demo")

    assert errno.EISDIR == caught.value.errno


def test_who_owns_a_file(site: Site):
    """
    By the RECORD of whoever is there, but for those that do not count.
    """
    site.install("other", "2.0", {("purelib", "other.py"): b""})
    paths = {
        name: str(site.packages / name)
        for name in ("demo/data.txt", "other.py", "nobody.py")
    }

    owners = owner_of(site.places, list(paths.values()))

    assert {
        paths["demo/data.txt"]: "demo 1.0",
        paths["other.py"]: "other 2.0",
    } == owners
    without = [found(site).dist_info]
    assert {paths["other.py"]: "other 2.0"} == owner_of(
        site.places, list(paths.values()), without
    )
    assert {} == owner_of(site.places, [])


def test_a_place_that_is_called_by_a_link(site: Site):
    """
    RECORD leads over the link, and the file has an owner all the same.
    """
    (site.root / "bin").rename(site.root / "real-bin")
    (site.root / "bin").symlink_to("real-bin")
    script = str(site.root / "real-bin/demo")

    assert {script: "demo 1.0"} == owner_of(site.places, [script])


@pytest.mark.parametrize("text", [b"", b"\xff\xfe,,\n", b'"a\n', b",,,,\n"])
def test_any_record_is_read(site: Site, text: bytes):
    """
    Whatever is in it: what it cannot mean is no file.
    """
    (site.packages / "demo-1.0.dist-info/RECORD").write_bytes(text)

    assert names(site, found(site)) == {
        name for name in OWN if "dist-info" in name
    }


def test_a_record_that_is_no_csv(site: Site):
    """
    It is refused to replace by it; what others have is still known.
    """
    site.install("other", "2.0", {("purelib", "other.py"): b""})
    other = str(site.packages / "other.py")
    (site.packages / "demo-1.0.dist-info/RECORD").write_bytes(b"a" * 200_000)

    with pytest.raises(DestinationError) as caught:
        find_installed(site.places, "demo")

    assert ["NO_RECORD"] == [p.code for p in caught.value.problems]
    assert {other: "other 2.0"} == owner_of(site.places, [other])


def test_a_dash_in_the_name_of_another(site: Site):
    """
    "demo-other" is no version of "demo", however old tools write it.
    """
    info = site.packages / "demo-other-1.0.dist-info"
    info.mkdir()
    (info / "RECORD").write_text("theirs.py,,\n")

    assert "1.0" == found(site).version
    assert str(info) == found(site, "demo.other").dist_info

    (info / "METADATA").write_text("Name: demo\n")
    assert 2 == len(find_installed(site.places, "demo"))


def test_a_name_that_metadata_denies(site: Site):
    """
    The folder of a stranger may be called as it likes.
    """
    info = site.packages / "other-1.0.dist-info"
    info.mkdir()
    (info / "RECORD").write_text("other.py,,\n")
    (info / "METADATA").write_text("Name: demo2\n\nName: other\n")

    assert [] == find_installed(site.places, "other")


def test_rows_that_name_the_python_itself(site: Site):
    """
    Whoever upgrades a wheel wants its environment to go on.
    """
    kept = ["pyvenv.cfg", "bin/python", "bin/python3.11", "bin/pythonw.exe"]
    kept += ["lib/python3.11/os.py", "lib/python3.11/json/__init__.py"]
    own = ["bin/python-demo", "etc/pyvenv.cfg", "lib/demo.txt"]
    own += [f"{PACKAGES}/demo/python", f"{PACKAGES}/demo/pyvenv.cfg"]
    for name in kept + own:
        path = site.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    add_rows(site, *(f"../../../{name}" for name in kept + own))

    assert OWN.union(own) == names(site, found(site))


def test_an_owner_that_knows_a_file_by_a_link(site: Site):
    """
    RECORD leads to "bin", wherever that leads.
    """
    os.rename(site.root / "bin", site.root / "programs")
    os.symlink("programs", site.root / "bin")
    path = str(site.root / "programs/demo")

    assert {path: "demo 1.0"} == owner_of(site.places, [path])
