"""Transactions: one wheel into a live environment, or nothing."""

from __future__ import annotations

import errno
import os
import shutil
import sys
import tempfile
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from places import open_handles, snapshot
from sites import Files, Site
from test_interrupt import Interrupt
from test_staging import linux_only, mounted
from trees import RENAMEAT2, deny, has_seccomp, in_child

import unwheel
from unwheel import DestinationError
from unwheel.site.distributions import find_installed
from unwheel.site.moving import Mover
from unwheel.site.transaction import Transaction, recover

# Where Ctrl-C comes, and after how many lines again.
LINES = 1 if os.environ.get("UNWHEEL_TEST_FAULTS") == "all" else 97
OURS = tuple(
    str(Path(unwheel.__file__).parent / f"{name}.py")
    for name in (
        *("private", "site/distributions", "site/identity", "site/journal"),
        *("site/judging", "site/moving", "site/recovery", "site/rooms"),
        "site/transaction",
    )
)

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
            "demo/come.py": "UNOWNED_FILE",
            "demo": "UNOWNED_FILE",
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

    assert {
        "demo/new": "EXISTING_FILE",
        "demo/come.py": "EXISTING_FOLDER",
        "demo/__init__.py": "UNOWNED_FILE",
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


@pytest.mark.parametrize("was", ["installed", "removed"])
def test_another_process_is_faster(site: Site, was: str):
    """
    Two versions would be there, though they share no file.
    """
    site.install("demo", "1.0", {})
    transaction = site.transaction("demo", "3.0", {})
    replaces = find_installed(site.places, "demo")
    if was == "installed":
        site.install("demo", "2.0", {})
    else:
        shutil.rmtree(site.packages / "demo-1.0.dist-info")
    before = site.tree()

    with pytest.raises(DestinationError) as refused:
        transaction.commit(
            record="demo-3.0.dist-info/RECORD", replaces=replaces
        )
    transaction.discard()

    assert "CHANGED" == refused.value.problems[0].code
    assert not (site.packages / "demo-3.0.dist-info").exists()
    assert [] == site.left()
    assert before.keys() >= site.tree().keys()


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


# --------------------------------------------------- other systems and places


def install_both(site: Site) -> None:
    """A version, and another one in its place."""
    site.install("demo", "1.0", OLD)
    (site.packages / "demo/theirs").write_bytes(b"theirs")
    site.install("demo", "2.0", NEW)


@has_seccomp
@pytest.mark.parametrize("error", [errno.ENOSYS, errno.EINVAL])
def test_without_an_exchange(site: Site, error: int):
    """
    As on NFS: name by name, by a second name.
    """
    reference = Site(site.root.parent / "reference")
    install_both(reference)
    expected = reference.tree()

    def denied() -> None:
        deny(RENAMEAT2, error)
        install_both(site)

    in_child(denied)

    assert expected == site.tree()


@has_seccomp
def test_without_an_exchange_folders_go_name_by_name(site: Site):
    """
    The rest of what was in them goes, too.
    """
    expected = contents(site, "2.0", NEW)
    site.install("demo", "1.0", OLD)

    def denied() -> None:
        deny(RENAMEAT2, errno.EINVAL)
        site.install("demo", "2.0", NEW)

    in_child(denied)

    assert expected == site.tree()


def test_without_handles_of_folders(site: Site, monkeypatch):
    """
    As on Windows: folders that are empty go all the same, and the journal.
    """

    def refused(*_: object) -> None:
        raise PermissionError(errno.EACCES, "a folder")

    monkeypatch.setattr("unwheel.site.moving.open_below", refused)
    monkeypatch.setattr(os, "supports_dir_fd", set())
    site.install("demo", "1.0", OLD)
    (site.packages / "demo/sub/empty").mkdir()
    (site.packages / "demo/theirs").write_bytes(b"theirs")

    site.install("demo", "2.0", NEW)

    assert [] == site.left()


@linux_only
def test_on_an_overlay(tmp_path: Path):
    """
    As in a container: folders of the image cannot be exchanged; all is
    well, nevertheless.
    """
    image = Site(tmp_path / "image/venv")
    image.install("demo", "1.0", OLD)
    expected = contents(image, "2.0", NEW)
    for name in ("upper", "work", "merged"):
        (tmp_path / name).mkdir()
    options = ",".join(
        f"{key}={tmp_path / value}"
        for key, value in (
            ("lowerdir", "image"),
            ("upperdir", "upper"),
            ("workdir", "work"),
        )
    )

    with mounted(
        "-t", "overlay", "overlay", "-o", options, on=tmp_path / "merged"
    ):
        site = Site.__new__(Site)
        site.root = tmp_path / "merged/venv"
        site.lay()
        site.install("demo", "2.0", NEW)
        found = site.tree()

    assert expected == found


@linux_only
@pytest.mark.parametrize("folder", ["bin", "include", f"{PACKAGES}/demo"])
def test_a_part_is_on_another_file_system(site: Site, folder: str):
    """
    What goes there is copied there first; then it is a rename again.
    """
    expected = contents(site, "2.0", NEW)
    (site.root / folder).mkdir(parents=True)

    with mounted("-t", "tmpfs", "tmpfs", on=site.root / folder):
        site.install("demo", "1.0", OLD)
        site.install("demo", "2.0", NEW)
        assert os.listdir(site.root / folder)
        found = site.tree()

    assert expected == found
    assert [] == os.listdir(site.root / folder)


@linux_only
def test_what_is_refused_leaves_nothing_on_another_file_system(site: Site):
    """
    Neither does what fails there.
    """
    (site.root / "bin").mkdir()
    with mounted("-t", "tmpfs", "tmpfs", on=site.root / "bin"):
        site.install("demo", "1.0", OLD)
        before = site.tree()
        transaction = site.transaction("demo", "2.0", NEW)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Mover, "do", fail)
            with pytest.raises(DestinationError):
                transaction.commit(
                    record="demo-2.0.dist-info/RECORD",
                    replaces=find_installed(site.places, "demo"),
                )
        transaction.discard()
        assert before == site.tree()


def fail(*_: object) -> None:
    """Have no room."""
    raise OSError(errno.ENOSPC, "no room")


@linux_only
def test_killed_with_a_part_on_another_file_system(site: Site):
    """
    The next run removes what is there, too, whether it had begun or not.
    """
    (site.root / "bin").mkdir()
    with mounted("-t", "tmpfs", "tmpfs", on=site.root / "bin"):
        for step in ("_begin", "_settle"):
            transaction = site.transaction("demo", "1.0", OLD)
            child = os.fork()
            if child == 0:
                setattr(Transaction, step, lambda *_: os._exit(7))
                transaction.commit(record="demo-1.0.dist-info/RECORD")
                os._exit(1)
            assert 7 == os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            transaction._private.unlock()  # it was the child's, too
            assert 2 == len(site.left())

            (told,) = recover(str(site.packages))

            assert [] == site.left()
            outcome = {"_begin": "removed", "_settle": "finished"}[step]
            assert outcome == told.outcome
        assert b"#!old" == (site.root / "bin/demo").read_bytes()


@pytest.mark.parametrize("folder", ["target", "a/b/target"])
def test_all_schemes_in_one_folder(tmp_path: Path, folder: str):
    """
    As pip's --target has it; missing parents are made.
    """
    target = tmp_path / folder
    site = Site.__new__(Site)
    site.root = site.packages = target
    site.places = dict.fromkeys(
        ("purelib", "platlib", "data", "headers"), str(target)
    )
    site.places["scripts"] = str(target / "bin")

    site.install("demo", "1.0", OLD)
    site.install("demo", "2.0", NEW)

    assert {
        *("demo", "bin", "demo-2.0.dist-info"),
    } == {path.name for path in target.iterdir()}


def test_another_part_of_the_disk(tmp_path: Path):
    """
    The places need have nothing in common.
    """
    places = {
        "purelib": str(tmp_path / "one/site"),
        "scripts": tempfile.mkdtemp() + "/bin",
    }
    site = Site.__new__(Site)
    site.root, site.packages, site.places = tmp_path, tmp_path, places
    try:
        site.install("demo", "1.0", {("scripts", "demo"): b"x"})

        assert ["demo"] == os.listdir(places["scripts"])
    finally:
        shutil.rmtree(os.path.dirname(places["scripts"]))


# -------------------------------------------------------------------- Ctrl-C


class LiveInterrupt(Interrupt):
    """One that does not come while garbage is collected: nobody gets that."""

    def __call__(self, frame: FrameType, event: str, argument: Any) -> Any:
        """See one event of the interpreter."""
        above = frame.f_back
        if above is not None and above.f_code.co_name == "__del__":
            return None
        if frame.f_code.co_name == "__del__":
            return None
        return super().__call__(frame, event, argument)


@pytest.mark.parametrize("neighbour", [False, True])
def test_ctrl_c_after_any_line(tmp_path: Path, neighbour: bool):
    """
    The old version is there, or the new one if it came too late; and nothing
    of ours, nor any handle.
    """
    nth, ends = 1 + sys.version_info.minor, set()
    old = new = None
    while True:
        site = Site(tmp_path / "venv")
        site.install("demo", "1.0", OLD)
        if neighbour:
            (site.packages / "demo/theirs").write_bytes(b"theirs")
        old = old or site.tree()
        handles = open_handles()
        transaction = site.transaction("demo", "2.0", NEW)
        replaces = find_installed(site.places, "demo")

        def install() -> None:
            try:
                transaction.commit(  # noqa: B023
                    record="demo-2.0.dist-info/RECORD",
                    replaces=replaces,  # noqa: B023
                )
            finally:
                transaction.discard()  # noqa: B023

        interrupted = LiveInterrupt(nth, OURS).run(install)
        transaction.discard()

        found = site.tree()
        if not interrupted:
            break
        new = found if found != old else new
        ends.add(found == old)
        assert found in (old, new)
        assert not {*open_handles()} - {*handles}, nth
        shutil.rmtree(site.root)
        nth += LINES

    assert {False, True} == ends
    assert site.tree() == new
    assert [] == site.left()
