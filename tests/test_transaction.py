"""Transactions: one wheel into a live environment, or nothing."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from places import snapshot
from sites import Files, Site

from unwheel import DestinationError
from unwheel.install.distributions import find_installed
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


def problems(caught: pytest.ExceptionInfo[DestinationError]) -> dict[str, str]:
    """By member the codes of an error."""
    return {p.member or "": p.code for p in caught.value.problems}


def refused(site: Site, files: Files, **options: str) -> dict[str, str]:
    """By member why *files* are refused; nothing has changed."""
    before = snapshot(site.root.parent)
    with pytest.raises(DestinationError) as caught:
        site.install("demo", "2.0", files, **options)
    assert before == snapshot(site.root.parent)
    assert caught.value.errno is not None
    return problems(caught)


PACKAGES = "lib/python3.11/site-packages"


# --------------------------------------------------------- what is in the way


@pytest.mark.parametrize("overwrite", ["refuse", "unowned", "all"])
def test_files_of_no_distribution(site: Site, overwrite: str):
    """
    Replaced only if that is asked for.
    """
    (site.packages / "demo").mkdir()
    (site.packages / "demo/come.py").write_bytes(b"theirs")
    (site.root / "bin").mkdir()
    (site.root / "bin/demo").symlink_to("/bin/true")

    if overwrite == "refuse":
        codes = refused(site, NEW)
        assert {
            f"{site.root.name}/{PACKAGES}/demo/come.py": "UNOWNED_FILE",
            f"{site.root.name}/bin/demo": "UNOWNED_FILE",
        } == codes
    else:
        site.install("demo", "2.0", NEW, overwrite=overwrite)
        assert contents(site, "2.0", NEW) == site.tree()


@pytest.mark.parametrize("overwrite", ["refuse", "unowned", "all"])
def test_files_of_another_distribution(site: Site, overwrite: str):
    """
    Replaced only if all may be.
    """
    site.install("other", "1.0", {("purelib", "demo/come.py"): b"theirs"})

    if overwrite == "all":
        site.install("demo", "2.0", NEW, overwrite=overwrite)
        assert b"new come" == (site.packages / "demo/come.py").read_bytes()
    else:
        codes = refused(site, NEW, overwrite=overwrite)
        assert ["OWNED_BY_OTHER"] == [*codes.values()]


def test_a_file_that_two_distributions_share(site: Site):
    """
    As old namespace packages have it: the same in both, it is in nobody's way,
    and it stays when one of them drops it.
    """
    shared: Files = {("purelib", "ns/__init__.py"): b"shared"}
    site.install("other", "1.0", shared)
    inode = (site.packages / "ns/__init__.py").stat().st_ino

    site.install("demo", "1.0", {**shared, ("purelib", "ns/own.py"): b""})
    site.install("demo", "2.0", {("purelib", "else.py"): b""})

    assert inode == (site.packages / "ns/__init__.py").stat().st_ino
    assert ["__init__.py"] == os.listdir(site.packages / "ns")


def test_bytecode_is_never_in_the_way(site: Site):
    """
    Whoever imports writes it.
    """
    cache = site.packages / "demo/__pycache__"
    cache.mkdir(parents=True)
    (cache / "come.cpython-311.pyc").write_bytes(b"stale")
    name = "demo/__pycache__/come.cpython-311.pyc"

    site.install("demo", "2.0", {**NEW, ("purelib", name): b"fresh"})

    assert b"fresh" == (site.packages / name).read_bytes()


def test_all_problems_are_told_at_once(site: Site):
    """
    Folders and files that are in each other's place, too.
    """
    (site.packages / "demo").mkdir()
    (site.packages / "demo/new").write_bytes(b"a file")
    (site.packages / "demo/come.py").mkdir()
    (site.packages / "demo/come.py/theirs").write_bytes(b"theirs")
    (site.packages / "demo/__init__.py").write_bytes(b"theirs")

    codes = refused(site, NEW)

    place = f"{site.root.name}/{PACKAGES}/demo"
    assert {
        f"{place}/new": "EXISTING_FILE",
        f"{place}/come.py": "EXISTING_FOLDER",
        f"{place}/__init__.py": "UNOWNED_FILE",
    } == codes


@pytest.mark.parametrize(
    "name",
    [
        ".unwheel-0123456789abcdef.journal/.unwheel-journal",
        ".UNWHEEL-0123456789abcdef/x",
        "demo/.unwheel-x",
        "demo/new/.unwheel-x/y",
    ],
)
@pytest.mark.parametrize("scheme", ["purelib", "data"])
@pytest.mark.parametrize("there", [False, True])
def test_a_journal_that_comes_with_a_wheel(
    site: Site, scheme: str, name: str, there: bool
):
    """
    The next run would obey it; no name of ours is installed, by any scheme.
    """
    if there:
        site.install("demo", "1.0", OLD)
    prefix = f"{PACKAGES}/" if scheme == "data" else ""

    codes = refused(site, {**NEW, (scheme, prefix + name): b"{}"})

    assert ["RESERVED_NAME"] == [*codes.values()]


def test_what_it_would_do(site: Site):
    """
    A dry run tells what the commit does, and changes nothing.
    """
    site.install("demo", "1.0", OLD)
    before = site.tree()
    transaction = site.transaction("demo", "2.0", NEW)
    asked = {
        "record": "demo-2.0.dist-info/RECORD",
        "replaces": find_installed(site.places, "demo"),
    }

    judged = transaction.judge(**asked)
    transaction.discard()
    assert before == site.tree()
    committed = site.install("demo", "2.0", NEW)

    assert committed.judged == judged
    assert {
        "added": {"include", f"{PACKAGES}/demo-2.0.dist-info"},
        "replaced": {"bin/demo", f"{PACKAGES}/demo"},
        "removed": {
            "bin/demo-old",
            "share",
            f"{PACKAGES}/demo-1.0.dist-info",
        },
    } == {
        field: {os.path.relpath(p, site.root) for p in getattr(judged, field)}
        for field in ("added", "replaced", "removed")
    }


# ------------------------------------------------------------------ upgrades


def test_a_folder_becomes_a_file_and_a_file_a_folder(site: Site):
    """
    Each of the old version.
    """
    site.install(
        "demo",
        "1.0",
        {
            ("purelib", "demo/a/x.py"): b"",
            ("purelib", "demo/b"): b"",
            ("purelib", "a/x/y.py"): b"",
            ("purelib", "b"): b"",
            ("purelib", "c"): "-> a",
        },
    )
    (site.packages / "demo/theirs").touch()
    new: Files = {
        ("purelib", "demo/a"): b"1",
        ("purelib", "demo/b/x.py"): b"2",
        ("purelib", "a"): b"3",
        ("purelib", "b/x/y.py"): b"4",
        ("purelib", "c/z"): b"5",
    }

    site.install("demo", "2.0", new)

    assert {path: (site.packages / path).read_bytes() for _, path in new} == {
        path: what for (_, path), what in new.items()
    }
    assert (site.packages / "demo/theirs").exists()


def test_other_files_in_the_folders_that_are_exchanged(site: Site):
    """
    Bytecode goes, even of sources that are gone; any other file stays, and so
    does what is hidden in a cache of bytecode.
    """
    site.install("demo", "1.0", OLD)
    for path in ("demo/__pycache__", "demo/sub/__pycache__"):
        (site.packages / path).mkdir()
        (site.packages / path / "orphan.cpython-39.pyc").touch()
    (site.packages / "demo/sub/__pycache__/theirs.txt").touch()

    site.install("demo", "2.0", NEW)

    found = {p for p in site.tree() if "__pycache__" in p}
    assert f"{PACKAGES}/demo/sub/__pycache__/theirs.txt" in found
    assert (site.packages / "demo/come.py").exists()
    assert not (site.packages / "demo/sub/deep.py").exists()


def test_rows_of_the_old_version_that_lead_out(site: Site):
    """
    Nothing outside the scheme is removed, whatever an old RECORD says.
    """
    outside = site.root.parent / "outside"
    outside.mkdir()
    (outside / "file").write_bytes(b"theirs")
    site.install("demo", "1.0", OLD)
    (site.packages / "out").symlink_to(outside)
    (site.packages / "link").symlink_to(outside / "file")
    with open(site.packages / "demo-1.0.dist-info/RECORD", "a") as record:
        for row in (
            "../../../../outside/file",
            str(outside / "file"),
            "out/file",
            "link",
        ):
            record.write(f"{row},,\n")

    site.install("demo", "2.0", NEW)

    assert b"theirs" == (outside / "file").read_bytes()
    assert not os.path.lexists(site.packages / "link")
    assert os.path.lexists(site.packages / "out")


def test_the_old_version_says_that_it_has_files_of_others(site: Site):
    """
    What another distribution has, too, is not removed with the old one.
    """
    site.install("other", "1.0", {("purelib", "other/__init__.py"): b"other"})
    site.install("demo", "1.0", OLD)
    with open(site.packages / "demo-1.0.dist-info/RECORD", "a") as record:
        record.write("other/__init__.py,,\n")

    site.install("demo", "2.0", NEW)

    assert b"other" == (site.packages / "other/__init__.py").read_bytes()


def test_two_old_versions(site: Site):
    """
    A broken environment has one afterwards.
    """
    site.install("demo", "1.0", OLD)
    info = site.packages / "demo-1.0.dist-info"
    copy = site.packages / "Demo-0.9.dist-info"
    shutil.copytree(info, copy)

    site.install("demo", "2.0", NEW)

    assert contents(site, "2.0", NEW) == site.tree()


def test_modes_and_times_stay(site: Site):
    """
    What was staged is what is there.
    """
    transaction = site.transaction("demo", "1.0", OLD)
    staged = Path(transaction.staged("scripts", "demo"))
    staged.chmod(0o755)
    os.utime(staged, (1, 2))
    transaction.commit(record="demo-1.0.dist-info/RECORD")
    transaction.discard()

    facts = (site.root / "bin/demo").stat()
    assert (0o755, 2) == (facts.st_mode & 0o777, facts.st_mtime)
    plain = site.root / "plain"
    plain.mkdir()
    assert plain.stat().st_mode == (site.root / "bin").stat().st_mode
    assert plain.stat().st_mode == (site.packages / "demo").stat().st_mode


# --------------------------------------------------------------------- links


def test_places_that_are_called_by_links(site: Site):
    """
    As lib64 of many virtual environments is; and the whole may be, too.
    """
    (site.root / "lib64").symlink_to("lib")
    link = site.root.parent / "link"
    link.symlink_to(site.root.name)
    site.places["platlib"] = str(link / "lib64/python3.11/site-packages")
    site.places["scripts"] = str(link / "bin")
    files: Files = {
        ("platlib", "demo/x.so"): b"x",
        ("data", "lib64/demo.txt"): b"y",
        ("scripts", "demo"): b"z",
    }

    site.install("demo", "1.0", files)
    site.install("demo", "2.0", files)

    assert b"x" == (site.packages / "demo/x.so").read_bytes()
    assert b"y" == (site.root / "lib/demo.txt").read_bytes()
    assert "-> lib" == site.tree()["lib64"]
    assert b"z" == (site.root / "bin/demo").read_bytes()


def test_a_folder_that_is_a_link(site: Site):
    """
    Inside, files go where it leads; out of the environment, nothing does.
    """
    (site.packages / "real").mkdir()
    (site.packages / "demo").symlink_to("real")
    site.install("demo", "1.0", OLD)
    assert "-> real" == site.tree()[f"{PACKAGES}/demo"]
    assert b"old" == (site.packages / "real/__init__.py").read_bytes()

    shutil.rmtree(site.packages / "real")
    outside = site.root.parent / "outside"
    outside.mkdir()
    (site.packages / "demo").unlink()
    (site.packages / "demo").symlink_to(outside)
    codes = refused(site, NEW)

    assert ["EXISTING_LINK"] == [*codes.values()]


def test_a_link_of_the_old_version_is_replaced(site: Site):
    """
    Be it to a folder or to a file, never written through.
    """
    outside = site.root.parent / "outside"
    outside.mkdir()
    (outside / "file").write_bytes(b"theirs")
    old: Files = {
        ("purelib", "demo"): f"-> {outside}",
        ("purelib", "file.py"): f"-> {outside}/file",
    }
    site.install("demo", "1.0", old)

    site.install("demo", "2.0", {**NEW, ("purelib", "file.py"): b"new"})

    assert b"new" == (site.packages / "file.py").read_bytes()
    assert not (site.packages / "demo").is_symlink()
    assert ["file"] == os.listdir(outside)
    assert b"theirs" == (outside / "file").read_bytes()


def test_a_folder_that_becomes_a_link_meanwhile(site: Site):
    """
    The step that meets it fails; all is as it was.
    """
    site.install("demo", "1.0", OLD)
    (site.packages / "demo/theirs").write_bytes(b"theirs")
    outside = site.root.parent / "outside"
    outside.mkdir()
    transaction = site.transaction("demo", "2.0", NEW)
    begin = Transaction._begin

    def swap(self: Transaction, journal: object) -> None:
        begin(self, journal)  # type: ignore[arg-type]
        os.rename(site.packages / "demo", site.packages / "moved")
        (site.packages / "demo").symlink_to(outside)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Transaction, "_begin", swap)
        with pytest.raises(DestinationError):
            transaction.commit(
                record="demo-2.0.dist-info/RECORD",
                replaces=find_installed(site.places, "demo"),
            )
    transaction.discard()

    assert [] == os.listdir(outside)
    assert [] == site.left()
    assert b"old" == (site.packages / "moved/__init__.py").read_bytes()
    assert (site.packages / "demo-1.0.dist-info").exists()
    assert not (site.packages / "demo-2.0.dist-info").exists()
