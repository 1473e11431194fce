"""A destination for `installer`: all at once, verified, or nothing."""

from __future__ import annotations

import contextlib
import csv
import errno
import gc
import io
import os
import stat
import subprocess
import sys
import threading
from _thread import _count as thread_count
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import installer
import pytest
from builder import WheelBuilder
from injector import OPENS, OTHER, WRITES, Fault, Injector, can_inject
from installer.destinations import SchemeDictionaryDestination
from installer.exceptions import InvalidWheelSource
from installer.records import RecordEntry
from installer.sources import WheelFile
from installer.utils import SCHEME_NAMES
from places import (
    PLATFORM_TAG,
    Place,
    demo,
    half_noise,
    open_handles,
    tree_of,
)
from sites import Site
from test_interrupt import Interrupt
from test_staging import mounted

import unwheel
from unwheel import (
    CorruptMemberError,
    DestinationError,
    MismatchError,
    Policy,
    Problem,
    UnsafeMemberError,
    UnwheelError,
    native,
)
from unwheel.bytecode.compiling import Compiler
from unwheel.crew import shared
from unwheel.install import BatchMixIn, SchemeDestination, WheelSource
from unwheel.site.distributions import find_installed
from unwheel.site.journal import is_journaled
from unwheel.site.transaction import recover

BIG = half_noise(1_500_000)
EXTRA = {"INSTALLER": b"unwheel\n", "REQUESTED": b""}
WRONG = "sha256=" + "A" * 43


@pytest.fixture
def site(place: Place) -> Site:
    """An empty environment, in a place that is watched."""
    return Site(place.out / "env")


def rich() -> WheelBuilder:
    """A wheel with something for every place."""
    return (
        demo()
        .directory("demo/empty/")
        .file("demo/big.bin", BIG)
        .file("demo/sub/mod.py", b"x = 1\n")
        .file("demo-1.0.data/purelib/side.py", b"y = 2\n")
        .file("demo-1.0.data/platlib/native.so", b"elf", mode=0o755)
        .file("demo-1.0.data/headers/demo.h", b"#define X\n")
        .file("demo-1.0.data/data/share/demo/a.txt", b"a\n")
        .file("demo-1.0.data/data/share/demo/deep/b.txt", b"b\n")
        .file("demo-1.0.data/scripts/plain", b"#!/bin/sh\n", mode=0o755)
        .file("demo-1.0.data/scripts/hello", b"#!python\nx\n", mode=0o755)
        .file("demo-1.0.data/scripts/quiet", b"no shebang\n")
        .info("entry_points.txt", "[console_scripts]\ndemo = demo:main\n")
    )


def link_wheel() -> WheelBuilder:
    """Links to a file, over another link, and to a folder."""
    return (
        demo(PLATFORM_TAG)
        .file("demo/libx.so.1.2", b"library\n")
        .link("demo/libx.so.1", "libx.so.1.2")
        .link("demo/libx.so", "libx.so.1")
        .link("demo/again", "sub")
        .file("demo/sub/mod.py", b"x = 1\n")
        .file("demo-1.0.data/data/share/a.txt", b"a\n")
        .link("demo-1.0.data/data/share/b.txt", "a.txt")
    )


def destination(site: Site, **options: Any) -> SchemeDestination:
    """One into *site*."""
    return SchemeDestination(site.places, "/my/python", "posix", **options)


def install(
    wheel: Path,
    into: SchemeDictionaryDestination,
    *,
    policy: Policy = Policy(),  # noqa: B008 - frozen
    extra: dict[str, bytes] = EXTRA,
) -> None:
    """As tools do it."""
    with WheelSource.open(wheel, policy=policy) as source:
        installer.install(source, into, extra)


def described(site: Site) -> dict[str, object]:
    """Every name with its mode and content; RECORD as sorted rows."""
    found: dict[str, object] = {}
    for name, what in tree_of(site.root).items():
        mode = os.lstat(site.root / name).st_mode
        if name.endswith("/RECORD"):
            lines = what.decode().splitlines()
            what = sorted(line.removeprefix("./") for line in lines)
        found[name] = (oct(mode), what)
    return found


def record_of(site: Site, dist_info: str = "demo-1.0.dist-info"):
    """RECORD: digest and size by path; every row once."""
    with open(site.packages / dist_info / "RECORD", newline="") as file:
        rows = [tuple(row) for row in csv.reader(file)]
    found = {path: (digest, size) for path, digest, size in rows}
    assert len(rows) == len(found)
    return found


def refused(
    error: type[BaseException], wheel: Path, into: SchemeDestination
) -> None:
    """The installation fails; nobody keeps the exception, and its frames."""
    with pytest.raises(error):
        install(wheel, into)


@contextlib.contextmanager
def nothing_left(place: Place) -> Iterator[None]:
    """Whatever is done inside leaves nothing, once it is forgotten."""
    with place.untouched():
        yield
        gc.collect()


# ------------------------------------------------------------ what comes of it


@pytest.mark.parametrize("source", [WheelFile, WheelSource])
@pytest.mark.parametrize(
    "kind", [SchemeDestination, SchemeDictionaryDestination]
)
def test_either_half_is_what_installer_makes(place: Place, source, kind):
    """
    The same names, modes, bytes and rows, with the other half or without.
    """
    wheel = place.put(rich())
    trees = []
    for k, (its, into) in enumerate(
        [(WheelFile, SchemeDictionaryDestination), (source, kind)]
    ):
        site = Site(place.out / str(k) / "env")
        with its.open(wheel) as opened:
            installer.install(
                opened, into(site.places, "/my/python", "posix"), EXTRA
            )
        trees.append(described(site))

    assert trees[0] == trees[1]
    assert "lib/python3.11/site-packages/native.so" in trees[0]


def test_one_batch_does_all_members(place: Place, site: Site, monkeypatch):
    """
    It begins with the first of them, and Python reads none but scripts.
    """
    from unwheel.pair import streams

    read = []
    open_reader = streams.MemberStream._open

    def note(self):
        read.append(self.path)
        return open_reader(self)

    monkeypatch.setattr(streams.MemberStream, "_open", note)

    install(place.put(rich()), destination(site))

    assert {"demo-1.0.data/scripts/" + n for n in ("plain", "hello", "quiet")
            } == {*read}  # fmt: skip


def test_record_is_as_pip_writes_it(place: Place, site: Site):
    """
    Paths relative to site-packages, also of what is elsewhere.
    """
    install(place.put(rich()), destination(site))

    record = record_of(site)
    assert {
        "../../../bin/demo",
        "../../../bin/plain",
        "../../../include/demo.h",
        "../../../share/demo/deep/b.txt",
        "side.py",
        "native.so",
        "demo-1.0.dist-info/INSTALLER",
        "demo-1.0.dist-info/REQUESTED",
    } <= record.keys()
    assert ("", "") == record["demo-1.0.dist-info/RECORD"]
    for name, (digest, size) in record.items():
        path = site.packages / name
        assert path.is_file(), name
        if digest:
            data = path.read_bytes()
            assert RecordEntry.from_elements(name, digest, size).validate(data)


def test_what_lands_in_site_packages_is_told_so(place: Place, site: Site):
    """
    A data file below the prefix can be below site-packages too.
    """
    path = "lib/python3.11/site-packages/late/x.txt"
    builder = demo().file(f"demo-1.0.data/data/{path}", b"x")
    install(place.put(builder), destination(site))

    assert "late/x.txt" in record_of(site)
    assert b"x" == (site.packages / "late/x.txt").read_bytes()


def test_two_libraries(place: Place, site: Site):
    """
    Where platlib is another directory, RECORD is in the one of the root.
    """
    site.places["platlib"] = str(site.root / "lib64/site-packages")
    builder = (
        demo(PLATFORM_TAG)
        .file("demo-1.0.data/purelib/pure.py", b"")
        .file("demo-1.0.data/scripts/early", b"#!python\n")
    )
    for source in (WheelSource, WheelFile):
        with source.open(place.put(builder)) as opened:
            installer.install(opened, destination(site), EXTRA)
        packages = Path(site.places["platlib"])
        rows = (packages / "demo-1.0.dist-info/RECORD").read_text()
        assert "../../lib/python3.11/site-packages/pure.py," in rows
        assert (site.packages / "pure.py").exists()
        assert (packages / "demo/tool.sh").exists()
        for name in site.root.iterdir():
            _remove(name)
        site.packages.mkdir(parents=True)


def _remove(path: Path) -> None:
    import shutil

    shutil.rmtree(path)


def test_a_root_below_which_everything_is(place: Place, site: Site):
    """
    With `destdir` places are below it, scripts and RECORD know nothing.
    """
    places = {scheme: f"/opt/x/{scheme}" for scheme in site.places}
    root = place.out / "root"
    install(
        place.put(rich()),
        SchemeDestination(places, "/my/python", "posix", destdir=str(root)),
    )

    tree = tree_of(root)
    assert b"#!/my/python\nx\n" == tree["opt/x/scripts/hello"]
    assert (
        b"../scripts/hello," in tree["opt/x/purelib/demo-1.0.dist-info/RECORD"]
    )
    assert b"a\n" == tree["opt/x/data/share/demo/a.txt"]


def test_names_may_be_others_on_the_disk(place: Place, site: Site):
    """
    As PDM puts off ``.pth`` files; RECORD says what they will be called.
    """

    class Renaming(SchemeDestination):
        def placed(self, scheme: str, path: str) -> str:  # noqa: ARG002
            late = path.endswith(".pth") and "/" not in path
            return path + ".later" if late else path

    wheel = place.put(demo().file("demo.pth", b"import demo\n"))
    install(wheel, Renaming(site.places, "/my/python", "posix"))

    assert b"import demo\n" == (site.packages / "demo.pth.later").read_bytes()
    assert not (site.packages / "demo.pth").exists()
    assert "demo.pth" in record_of(site)
    assert "demo.pth.later" not in record_of(site)


def test_bytecode_of_the_wheel_is_not_installed(place: Place, site: Site):
    """
    It would run in the place of the source that people read.
    """
    builder = demo().file("demo/__pycache__/x.cpython-311.pyc", b"evil")
    with pytest.warns(RuntimeWarning, match="security risk"):
        install(place.put(builder), destination(site))

    assert not (site.packages / "demo/__pycache__").exists()


def test_empty_folders_are_not_made(place: Place, site: Site):
    """
    Nobody would remove them.
    """
    install(place.put(rich()), destination(site))

    tree = tree_of(site.root)
    assert "lib/python3.11/site-packages/demo/empty" not in tree
    assert not [name for name in tree if ".data" in name]


def test_times_are_what_the_policy_says(place: Place, site: Site):
    """
    Of members: timestamps in bytecode depend on them.
    """
    install(place.put(rich()), destination(site), policy=Policy(mtime=10**9))

    for name in ("demo/big.bin", "side.py"):
        assert 10**9 == (site.packages / name).stat().st_mtime


def test_durable_ones_are_flushed(place: Place, site: Site, monkeypatch):
    """
    The files and the journal, then its name, before any other name changes;
    and all of those before the journal goes.
    """
    seen = []
    record = site.packages / "demo-1.0.dist-info/RECORD"

    def sync(_: native.Tree) -> None:
        (journal,) = site.packages.glob(".unwheel-*/.unwheel-journal")
        in_force = is_journaled(journal.parent.name)
        seen.append((in_force, record.exists()))

    monkeypatch.setattr("unwheel.native.Tree.sync", sync)
    install(place.put(rich()), destination(site), policy=Policy(durable=True))

    assert [(False, False), (True, False), (True, True)] == seen


@pytest.mark.parametrize("nth", [1, 2, 3])
def test_durable_ones_that_cannot_be_flushed(
    place: Place, site: Site, monkeypatch, nth: int
):
    """
    Nothing is installed that a loss of power could tear.
    """
    calls = []

    def sync(_: native.Tree) -> None:
        calls.append(None)
        if len(calls) == nth:
            raise DestinationError(
                [Problem("EIO", "cannot sync")], errno=errno.EIO
            )

    monkeypatch.setattr("unwheel.native.Tree.sync", sync)
    wheel = place.put(rich())
    with nothing_left(place), pytest.raises(DestinationError, match="sync"):
        install(wheel, destination(site), policy=Policy(durable=True))
    assert nth == len(calls)


def test_one_destination_serves_wheel_after_wheel(place: Place, site: Site):
    """
    As `installer`'s does; its command line uses it so.
    """
    into = destination(site)
    for name in ("one", "two"):
        builder = WheelBuilder(name, "1.0").file(f"{name}.py", b"")
        install(place.put(builder), into)
        assert f"{name}.py" in {entry.path for _, entry in into.finished.rows}

    assert {"one.py", "two.py"} <= {*os.listdir(site.packages)}


def test_it_tells_what_it_did(place: Place, site: Site):
    """
    Rows, links, warnings, repeats: for who reports it.
    """
    builder = link_wheel().file("demo/x", BIG).file("demo/y", BIG)
    into = destination(site)

    install(place.put(builder), into)

    done = into.finished
    assert (1, len(BIG)) == (done.repeats, done.repeated_size)
    assert {"link"} == {link.outcome for link in done.links}
    assert record_of(site).keys() >= {
        entry.path for scheme, entry in done.rows if scheme == "platlib"
    }
    assert done.committed.judged.added


# --------------------------------------------------------------- RECORD's rows


@pytest.mark.parametrize("record", ["warn", "names", "off"])
def test_rows_are_about_what_was_written(place, site, record):
    """
    Also where the wheel's own RECORD is wrong, and that is accepted.
    """
    wheel = place.put(demo().row("demo/tool.sh", digest=WRONG))
    into = destination(site)
    install(wheel, into, policy=Policy(record=record))

    digest, size = record_of(site)["demo/tool.sh"]
    data = (site.packages / "demo/tool.sh").read_bytes()
    assert RecordEntry.from_elements("x", digest, size).validate(data)
    found = [problem.code for problem in into.finished.warnings]
    assert (["SHA256"] if record == "warn" else []) == found


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_every_row_has_the_algorithm_of_the_destination(
    place: Place, site: Site, algorithm: str
):
    """
    Whichever the wheel uses.
    """
    builder = WheelBuilder("demo", "1.0", algorithm="sha384")
    builder.file("demo.py", b"x = 1\n")
    install(place.put(builder), destination(site, hash_algorithm=algorithm))

    for name, (digest, size) in record_of(site).items():
        if not name.endswith("RECORD"):
            assert digest.startswith(f"{algorithm}=")
            data = (site.packages / name).read_bytes()
            assert RecordEntry.from_elements(name, digest, size).validate(data)


# ----------------------------------------------------------------------- links


def test_links_are_links(place: Place, site: Site):
    """
    Each with a row that tells what a reader of its name sees.
    """
    install(place.put(link_wheel()), destination(site))

    tree, record = tree_of(site.root), record_of(site)
    packages = "lib/python3.11/site-packages"
    assert "-> libx.so.1.2" == tree[f"{packages}/demo/libx.so.1"]
    assert "-> libx.so.1" == tree[f"{packages}/demo/libx.so"]
    assert "-> sub" == tree[f"{packages}/demo/again"]
    assert "-> a.txt" == tree["share/b.txt"]
    assert record["demo/libx.so"] == record["demo/libx.so.1.2"] != ("", "")
    assert record["../../../share/b.txt"] == record["../../../share/a.txt"]
    assert ("", "") == record["demo/again"]
    assert not [name for name in record if name.startswith("demo/again/")]


def test_stand_ins_are_listed_each(place: Place, site: Site, monkeypatch):
    """
    Where no link can be made: files, and for a folder all that is in it.
    """
    monkeypatch.setattr(
        "unwheel.host.DestinationHost.can_link", lambda _: False
    )
    into = destination(site)
    install(place.put(link_wheel()), into, policy=Policy(links="portable"))

    record = record_of(site)
    assert record["demo/again/mod.py"] == record["demo/sub/mod.py"]
    assert "demo/again" not in record
    assert record["demo/libx.so"] == record["demo/libx.so.1.2"]
    for name in record:
        path = site.packages / name
        assert path.is_file(), name
        assert not path.is_symlink()
    assert {"hardlink", "tree"} == {x.outcome for x in into.finished.links}


def test_where_no_link_can_be_made_strictly_nothing_is(
    place: Place, site: Site, monkeypatch
):
    """
    The wheel could be looked at; it cannot be installed here.
    """
    monkeypatch.setattr(
        "unwheel.host.DestinationHost.can_link", lambda _: False
    )
    wheel = place.put(link_wheel())

    with nothing_left(place):
        with pytest.raises(DestinationError) as caught:
            install(wheel, destination(site))
        assert "HOST_CANNOT" == caught.value.problems[0].code
        assert str(wheel) == caught.value.wheel
        del caught


def test_links_to_what_is_not_installed_are_refused(place: Place, site: Site):
    """
    They would dangle.
    """
    builder = (
        demo(PLATFORM_TAG)
        .file("demo/__pycache__/x.pyc", b"")
        .link("demo/x.pyc", "__pycache__/x.pyc")
    )
    wheel = place.put(builder)

    with nothing_left(place):
        with (
            pytest.warns(RuntimeWarning),
            pytest.raises(UnsafeMemberError) as caught,
        ):
            install(wheel, destination(site))
        assert "DANGLING" == caught.value.problems[0].code
        del caught


def test_a_foreign_destination_gets_copies(place: Place, site: Site):
    """
    If the policy has them; else it is refused, and told why.
    """
    builder = (
        demo(PLATFORM_TAG)
        .file("demo/libx.so.1", b"library\n")
        .link("demo/libx.so", "libx.so.1")
    )
    wheel = place.put(builder)
    theirs = SchemeDictionaryDestination(site.places, "/my/python", "posix")

    install(wheel, theirs, policy=Policy(links="portable"))
    with pytest.raises(DestinationError):
        install(
            wheel,
            SchemeDictionaryDestination(
                Site(place.out / "other").places, "/my/python", "posix"
            ),
        )

    assert b"library\n" == (site.packages / "demo/libx.so").read_bytes()


def test_a_destination_that_only_reads(place: Place):
    """
    As conda-pypi's does, which knows nothing of files that are in schemes.
    """

    class Reader(installer.destinations.WheelDestination):
        def __init__(self) -> None:
            self.files: dict[str, bytes] = {}

        def write_script(self, name, module, attr, section):  # noqa: ARG002
            return RecordEntry(name, None, None)

        def write_file(self, scheme, path, stream, is_executable):  # noqa: ARG002
            self.files[f"{scheme}/{path}"] = b"".join(stream)
            return RecordEntry(path, None, None)

        def finalize_installation(self, scheme, record_file_path, records):  # noqa: ARG002
            self.rows = [entry.path for _, entry in records]

    reader = Reader()
    install(place.put(rich()), reader)

    assert BIG == reader.files["purelib/demo/big.bin"]
    assert b"#!python\nx\n" == reader.files["scripts/hello"]
    assert "demo-1.0.dist-info/RECORD" in reader.rows


# --------------------------------------------------------------- what is there


def test_what_is_there_is_refused_at_once(place: Place, site: Site):
    """
    With the error that `installer` has, before anything else is done.
    """
    (site.packages / "demo").mkdir()
    (site.packages / "demo/tool.sh").write_bytes(b"mine")
    wheel = place.put(rich())

    with nothing_left(place), pytest.raises(FileExistsError, match="tool"):
        install(wheel, destination(site))


def test_what_is_there_is_replaced_where_one_says_so(place, site):
    """
    By `overwrite_existing`, or by our own word for it.
    """
    wheel = place.put(rich())
    for options in (
        {"overwrite_existing": True},
        {"overwrite": "all"},
        {"replaces": find_installed(site.places, "demo")},
    ):
        tool = site.packages / "demo/tool.sh"
        tool.parent.mkdir(exist_ok=True)
        tool.write_bytes(b"mine")
        if "replaces" in options:
            options["replaces"] = find_installed(site.places, "demo")
        install(wheel, destination(site, **options))
        assert b"#!/bin/sh\n" == tool.read_bytes()


def test_an_upgrade_takes_the_old_files_away(place: Place, site: Site):
    """
    Those that the new version has not, and only its own.
    """
    install(place.put(demo().file("demo/old.py", b"")), destination(site))
    (site.packages / "other.py").write_text("")
    new = WheelBuilder("demo", "2.0").file("demo/new.py", b"")
    replaces = find_installed(site.places, "demo")

    install(place.put(new), destination(site, replaces=replaces))

    assert ["new.py"] == os.listdir(site.packages / "demo")
    assert {"demo", "demo-2.0.dist-info", "other.py"} == {
        *os.listdir(site.packages)
    }


def test_two_files_of_a_wheel_are_not_one(place: Place, site: Site):
    """
    Files of two schemes that are the same place, and of a script twice.
    """
    builder = (
        demo()
        .file("demo-1.0.data/scripts/demo", b"#!/bin/sh\n")
        .info("entry_points.txt", "[console_scripts]\ndemo = demo:main\n")
    )
    wheel = place.put(builder)

    with nothing_left(place), pytest.raises(FileExistsError, match="demo"):
        install(wheel, destination(site))

    install(wheel, destination(site, overwrite="all"))
    assert b"#!/bin/sh\n" == (site.root / "bin/demo").read_bytes()
    assert "../../../bin/demo" in record_of(site)


def test_the_tools_word_counts_in_metadata(place: Place, site: Site):
    """
    Some wheels bring an INSTALLER, of who built the tree they were made of.
    """
    wheel = place.put(demo().info("INSTALLER", b"somebody"))
    install(wheel, destination(site))

    info = site.packages / "demo-1.0.dist-info"
    assert b"unwheel\n" == (info / "INSTALLER").read_bytes()
    assert "8" == record_of(site)["demo-1.0.dist-info/INSTALLER"][1]


def test_places_may_be_the_same_directory(place: Place, site: Site):
    """
    By a link: what is at one path is at both.
    """
    os.symlink("lib", site.root / "lib64")
    site.places["platlib"] = site.places["purelib"].replace("/lib/", "/lib64/")
    builder = (
        demo()
        .file("demo-1.0.data/platlib/demo.so", b"1")
        .file("demo-1.0.data/purelib/side.py", b"2")
    )
    install(place.put(builder), destination(site))

    assert {"demo.so", "side.py"} <= {*os.listdir(site.packages)}


@pytest.mark.parametrize("path", ["../x", "a/../../x", "/etc/x", ".", ""])
def test_paths_stay_in_their_place(site: Site, place: Place, path: str):
    """
    Whoever asks, with whatever stream.
    """
    with (
        nothing_left(place),
        destination(site) as into,
        pytest.raises(ValueError),
    ):
        into.write_file("purelib", path, io.BytesIO(b""), False)


def test_paths_may_be_said_in_other_ways(site: Site):
    """
    With a way back in them, or as what they come to.
    """
    whole = str(site.packages / "c.txt")
    with destination(site) as into:
        rows = [
            (
                "purelib",
                into.write_file("purelib", path, io.BytesIO(b""), False),
            )
            for path in ("a/../b.txt", whole)
        ]
        into.finalize_installation("purelib", "a.dist-info/RECORD", rows)

    assert {"a.dist-info", "b.txt", "c.txt"} == {*os.listdir(site.packages)}


# ---------------------------------------------------------------- nothing left


def wrong_digest() -> WheelBuilder:
    """A member that is not what RECORD says, among many."""
    return rich().row("demo/big.bin", digest=WRONG)


def wrong_crc() -> WheelBuilder:
    """A member whose CRC-32 is wrong."""
    lie = {"crc32": 1}
    return rich().file("demo/bad.bin", b"bad" * 99, local=lie, central=lie)


def wrong_script() -> WheelBuilder:
    """The same of a script that goes through Python."""
    return rich().row("demo-1.0.data/scripts/hello", digest=WRONG)


@pytest.mark.parametrize("kept", [True, False], ids=["with", "forgotten"])
@pytest.mark.parametrize(
    ("builder", "error"),
    [
        (wrong_digest, MismatchError),
        (wrong_crc, CorruptMemberError),
        (wrong_script, MismatchError),
    ],
)
def test_a_bad_wheel_leaves_nothing(place, site, builder, error, kept):
    """
    Whoever finds it out, and whether or not somebody says when it ends.
    """
    wheel = place.put(builder())

    with nothing_left(place), contextlib.ExitStack() as stack:
        into = destination(site)
        if kept:
            stack.enter_context(into)
        with pytest.raises(error) as caught:
            install(wheel, into)
        assert str(wheel) == caught.value.wheel
        del caught, into


class Interrupted(BatchMixIn, SchemeDictionaryDestination):
    """Somebody else's code, which fails in the middle."""

    error: BaseException

    def write_file(self, scheme, path, stream, is_executable):
        if path.endswith(self.stop):
            raise self.error
        return super().write_file(scheme, path, stream, is_executable)


@pytest.mark.parametrize("stop", ["__init__.py", "mod.py", "INSTALLER"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_failures_of_others_leave_nothing(place, site, error, stop):
    """
    In `installer`'s loop, or in what is before or after it.
    """
    wheel = place.put(rich())

    with nothing_left(place):
        into = Interrupted(site.places, "/my/python", "posix")
        into.error, into.stop = error(), stop
        with pytest.raises(error):
            install(wheel, into)
        del into.error, into


def test_what_installer_refuses_leaves_nothing(place, site, monkeypatch):
    """
    A scheme that it does not know, after half of the files.
    """
    wheel = place.put(rich())
    monkeypatch.setattr("installer._core.SCHEME_NAMES", ("purelib", "platlib"))

    with nothing_left(place):
        refused(InvalidWheelSource, wheel, destination(site))


def test_a_place_that_is_too_small(place, site, monkeypatch):
    """
    Refused before anything is written.
    """
    wheel = place.put(rich())

    def full(*_: object) -> None:
        raise DestinationError([], errno=errno.ENOSPC)

    monkeypatch.setattr("unwheel.pair.installation.check_space", full)

    with nothing_left(place), pytest.raises(DestinationError) as caught:
        install(wheel, destination(site))
    assert errno.ENOSPC == caught.value.errno


@pytest.mark.skipif(sys.platform != "linux", reason="mounts")
def test_a_disk_that_fills_up(place, site, monkeypatch):
    """
    Somebody else took the space after we had looked: one clear error.
    """
    wheel = place.put(rich().file("demo/more.bin", half_noise(3 << 20, 1)))
    monkeypatch.setattr(
        "unwheel.pair.installation.check_space", lambda *_: None
    )

    options = ("-t", "tmpfs", "-o", "size=2m", "tmpfs")
    with mounted(*options, on=site.root):
        site.packages.mkdir(parents=True)
        with nothing_left(place):
            with pytest.raises(DestinationError) as caught:
                install(wheel, destination(site))
            assert errno.ENOSPC == caught.value.errno
            del caught


def test_missing_places_are_made_and_taken_away(place: Place):
    """
    Site-packages need not be there; if it fails, it is not there again.
    """
    root = place.out / "new"
    places = {
        scheme: str(root / scheme)
        for scheme in ("purelib", "platlib", "scripts", "headers", "data")
    }
    wheel = place.put(wrong_digest())

    with nothing_left(place):
        into = SchemeDestination(places, "/my/python", "posix")
        refused(MismatchError, wheel, into)


@pytest.mark.skipif(not can_inject(), reason="needs seccomp")
def test_any_call_may_fail(place: Place):
    """
    A sample of all system calls: the wheel is there, whole, or nothing is.
    """
    injector = Injector()
    wheel = place.put(rich())
    site = Site(place.out / "env")
    install(wheel, destination(site))  # loads what has to be loaded
    complete = described(site)
    _remove(site.root)
    site.packages.mkdir(parents=True)
    empty = described(site)

    def work():
        try:
            install(wheel, destination(site))
        except (UnwheelError, OSError, MemoryError) as error:
            error.__traceback__ = None
            gc.collect()
            yield error
        gc.collect()

    calls = injector.run(work, Fault(0, kinds=OPENS | WRITES | OTHER)).calls
    assert described(site) == complete
    for nth in range(1, calls, calls // 30):
        _remove(site.root)
        site.packages.mkdir(parents=True)
        fault = Fault(1, errno.EIO, nth, OPENS | WRITES | OTHER)
        outcome = injector.run(work, fault)
        recover(str(site.packages))
        assert ([], None) == (outcome.handles, outcome.raised), fault
        assert described(site) == (empty if outcome.errors else complete), (
            fault, outcome.errors)  # fmt: skip


# --------------------------------------------------------------------- streams


def test_foreign_streams_are_staged_too(site: Site):
    """
    Of any kind and size; what is not finished is not there.
    """

    class Raw(io.RawIOBase):
        def __init__(self, data: bytes) -> None:
            self._data = io.BytesIO(data)

        def read(self, size: int = -1) -> bytes:
            return self._data.read(min(size, 1000))

    into = destination(site)
    rows = [
        ("purelib", into.write_file("purelib", "raw.bin", Raw(BIG), False)),
        ("scripts", into.write_file("scripts", "r", io.BytesIO(b"x"), True)),
    ]
    assert not (site.packages / "raw.bin").exists()
    into.finalize_installation("purelib", "a.dist-info/RECORD", rows)

    assert BIG == (site.packages / "raw.bin").read_bytes()
    assert stat.S_IXUSR & (site.root / "bin/r").stat().st_mode
    assert str(len(BIG)) == record_of(site, "a.dist-info")["raw.bin"][1]


def test_streams_that_others_wrap_are_read(place: Place, site: Site):
    """
    A subclass that looks at the bytes sees them, and they are installed.
    """

    class Wrapping(SchemeDestination):
        def write_file(self, scheme, path, stream, is_executable):
            other = stream
            if path.endswith("mod.py"):
                other = io.BufferedReader(stream)
            return super().write_file(scheme, path, other, is_executable)

    install(place.put(rich()), Wrapping(site.places, "/my/python", "posix"))

    assert b"x = 1\n" == (site.packages / "demo/sub/mod.py").read_bytes()


def test_what_was_read_before_is_not_written(place: Place, site: Site):
    """
    A stream that is not at its start is what is left of it, as with files.
    """
    with (
        WheelSource.open(place.put(rich())) as source,
        destination(site) as into,
    ):
        rows = []
        for (path, *_), stream, executable in source.get_contents():
            if path == "demo/tool.sh":
                stream.read(2)
            if path.startswith("demo/"):
                entry = into.write_file("purelib", path, stream, executable)
                rows.append(("purelib", entry))
        into.finalize_installation("purelib", "a.dist-info/RECORD", rows)

    assert b"/bin/sh\n" == (site.packages / "demo/tool.sh").read_bytes()
    assert "8" == record_of(site, "a.dist-info")["demo/tool.sh"][1]


def test_a_member_may_go_anywhere_and_twice(place: Place, site: Site):
    """
    Names that trade places, one that is in two, another mode, RECORD itself.
    """
    swapped = {"demo/a.txt": "demo/b.txt", "demo/b.txt": "demo/a.txt"}
    builder = demo().file("demo/a.txt", b"a").file("demo/b.txt", b"b")
    with (
        WheelSource.open(place.put(builder)) as source,
        destination(site) as into,
    ):
        rows = []

        def write(scheme, path, stream, executable):
            entry = into.write_file(scheme, path, stream, executable)
            rows.append((scheme, entry))

        for (path, *_), stream, executable in source.get_contents():
            if path == "demo/tool.sh":
                write("purelib", "one", stream, executable)
                write("data", "two", stream, executable)
            elif path.endswith(".py"):
                write("purelib", path, stream, True)
            elif path in swapped or path.endswith("RECORD"):
                write("purelib", swapped.get(path, "record"), stream, False)
        into.finalize_installation("purelib", "a.dist-info/RECORD", rows)

    packages, tool = site.packages, b"#!/bin/sh\n"
    assert (b"b", b"a") == (
        (packages / "demo/a.txt").read_bytes(),
        (packages / "demo/b.txt").read_bytes(),
    )
    assert tool == (packages / "one").read_bytes()
    assert tool == (site.root / "two").read_bytes()
    assert (packages / "demo/__init__.py").stat().st_mode & stat.S_IXUSR
    assert b"demo/a.txt," in (packages / "record").read_bytes()
    assert {"one", "record", "demo", "a.dist-info"} == {*os.listdir(packages)}
    assert {"__init__.py", "a.txt", "b.txt"} == {
        *os.listdir(packages / "demo")
    }


def test_two_wheels_into_one_installation(place: Place, site: Site):
    """
    Only the first one has a batch; the streams of the other are read.
    """
    one = place.put(rich())
    two = place.put(WheelBuilder("other").file("other.py", b"o = 1\n"))
    with (
        WheelSource.open(one) as first,
        WheelSource.open(two) as second,
        destination(site) as into,
    ):
        rows = []
        for source in (first, second):
            for (path, *_), stream, executable in source.get_contents():
                if path.endswith(".py"):
                    entry = into.write_file(
                        "purelib", path, stream, executable
                    )
                    rows.append(("purelib", entry))
        into.finalize_installation("purelib", "a.dist-info/RECORD", rows)

    assert b"o = 1\n" == (site.packages / "other.py").read_bytes()
    assert "other.py" in record_of(site, "a.dist-info")


def test_a_closed_wheel_starts_nothing(place: Place, site: Site):
    """
    Its streams say so, and nothing is left of the attempt.
    """
    source = WheelSource.open(place.put(rich()))
    row, stream, _ = next(source.get_contents())
    source.close()

    with (
        nothing_left(place),
        destination(site) as into,
        pytest.raises(ValueError, match="closed"),
    ):
        into.write_file("purelib", row[0], stream, False)


# -------------------------------------------------------------------- bytecode


def test_compiles_for_the_levels_of_installer(place: Place, site: Site):
    """
    In the staging, with the paths of the run time, listed in RECORD.
    """
    builder = rich().file("demo/broken.py", b"def (:\n")
    builder.file("demo/deep.py", b"-" * 100_000 + b"1")  # too deep
    into = destination(site, bytecode_optimization_levels=(0, 2))
    install(place.put(builder), into)

    tag = sys.implementation.cache_tag
    record = record_of(site)
    for name in (f"demo/sub/__pycache__/mod.{tag}.pyc",
                 f"demo/sub/__pycache__/mod.{tag}.opt-2.pyc",
                 f"__pycache__/side.{tag}.pyc"):  # fmt: skip
        assert ("", "") == record[name]
        data = (site.packages / name).read_bytes()
        source = name.replace("__pycache__/", "").partition(".")[0] + ".py"
        assert os.fsencode(site.packages / source) in data
    broken = [path for path, _ in into.finished.uncompiled]
    bad = ("demo/broken.py", "demo/deep.py")
    assert [str(site.packages / name) for name in bad] == broken
    assert not [name for name in record if "broken.c" in name]
    assert not [name for name in record if "deep.c" in name]


def test_compiles_with_a_compiler(place: Place, site: Site):
    """
    With that of another interpreter, or of this one, in processes.
    """
    with Compiler(sys.executable, workers=1) as compiler:
        into = destination(site, compiler=compiler, deferred=True)
        install(place.put(rich()), into)
        into.complete()

    tag = sys.implementation.cache_tag
    assert f"demo/sub/__pycache__/mod.{tag}.pyc" in record_of(site)
    assert (site.packages / f"demo/sub/__pycache__/mod.{tag}.pyc").exists()


def test_a_compiler_is_stopped_when_it_fails(place: Place, site: Site):
    """
    Who discards the sources waits for nobody who still reads them.
    """
    wheel = place.put(rich())
    with Compiler(sys.executable, workers=1) as compiler:
        with nothing_left(place):
            into = destination(site, compiler=compiler, deferred=True)
            install(wheel, into)
            while not into._work.compilation:
                into.ready(100)
            into.discard()
        install(wheel, destination(site, compiler=compiler))


def test_where_nothing_is_for_posix_alone():
    """
    As on Windows: all is imported that compiles in this process.
    """
    code = (
        f"import sys; sys.path[:] = {sys.path!r};"
        "sys.modules['fcntl'] = None;"
        "import unwheel.install, unwheel.install.running, unwheel.bytecode"
    )

    subprocess.run([sys.executable, "-c", code], check=True)


# ----------------------------------------------------------- one after another


def test_deferred_ones_end_later(place: Place, site: Site):
    """
    After the source is closed, in any order, and nothing is seen before.
    """
    builders = [
        WheelBuilder(name, "1.0").file(f"{name}.bin", BIG)
        for name in ("one", "two", "three")
    ]
    started = []
    with shared():
        for builder in builders:
            into = destination(site, deferred=True)
            install(place.put(builder), into)
            started.append(into)
        assert not list(site.packages.glob("*.bin"))
        for into in reversed(started):
            while not into.ready(50):
                pass
            assert len(BIG) <= into.progress()[0]
            into.complete()

    assert {"one.bin", "two.bin", "three.bin"} <= {*os.listdir(site.packages)}


def test_a_deferred_failure_is_told_at_the_end(place: Place, site: Site):
    """
    Not by `ready`, which is asked about all of them.
    """
    wheel = place.put(wrong_digest())
    with nothing_left(place), destination(site, deferred=True) as into:
        install(wheel, into)
        while not into.ready(50):
            pass
        assert into.ready()
        with pytest.raises(MismatchError) as caught:
            into.complete()
        assert str(wheel) == caught.value.wheel
        with pytest.raises(TypeError):
            into.ready()
        del caught


def test_nothing_is_completed_that_was_not_asked_for(site: Site):
    """
    A mistake of the caller, told as one.
    """
    with pytest.raises(TypeError):
        destination(site).complete()
    assert (0, 0) == destination(site).progress()


def test_threads_share_a_crew(place: Place, site: Site):
    """
    As Poetry and PDM install: each wheel is whole, and no thread is left.
    """
    wheels = [
        place.put(
            WheelBuilder(f"w{k}", "1.0")
            .file(f"w{k}/big.bin", BIG)
            .file(f"w{k}/__init__.py", b"")
        )
        for k in range(8)
    ]
    bad = place.put(
        WheelBuilder("bad", "1.0")
        .file("bad.bin", BIG)
        .row("bad.bin", digest=WRONG)
    )
    errors = []

    def work(wheel: Path) -> None:
        try:
            install(wheel, destination(site))
        except UnwheelError as error:
            errors.append(type(error))

    threads = [
        threading.Thread(target=work, args=(wheel,))
        for wheel in [*wheels, bad]
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [MismatchError] == errors
    assert {f"w{k}" for k in range(8)} | {
        f"w{k}-1.0.dist-info" for k in range(8)
    } == {*os.listdir(site.packages)}
    assert shared._crew is None
    for k in range(8):
        assert BIG == (site.packages / f"w{k}/big.bin").read_bytes()


def test_a_forked_process_has_a_crew_of_its_own(place: Place, site: Site):
    """
    The threads of the one it was forked from did not come along.
    """
    wheel = place.put(rich())
    with shared():
        install(wheel, destination(Site(place.out / "first")))
        child = os.fork()
        if child == 0:
            code = 1
            with contextlib.suppress(BaseException):
                install(wheel, destination(site))
                code = 0
            os._exit(code)
        _, status = os.waitpid(child, 0)

    assert 0 == status
    assert BIG == (site.packages / "demo/big.bin").read_bytes()


def test_the_crew_is_there_while_anybody_is():
    """
    One for all, gone with the last, and no count is lost by a failure.
    """
    first, second = shared(), shared()

    with first as crew:
        with second as other:
            assert crew is other
        second.__exit__()
        with shared() as again:
            assert crew is again

    assert shared._crew is None
    with shared() as new:
        assert new is not crew


def test_a_crew_that_cannot_be_made(monkeypatch):
    """
    Whoever comes next is not taken for the second one.
    """

    def fail(*_):
        raise MemoryError

    late = shared()
    with monkeypatch.context() as patch:
        patch.setattr("unwheel.crew.Crew", fail)
        with pytest.raises(MemoryError):
            late.__enter__()
    late.__exit__()
    with shared():
        pass

    assert shared._crew is None


LEAVING = """
import sys, os
from unwheel.install import SchemeDestination, WheelSource
wheel, root, how = sys.argv[1:]
places = {s: f"{root}/{s}" for s in
          ("purelib", "platlib", "scripts", "headers", "data")}
into = SchemeDestination(places, "/my/python", "posix")
source = WheelSource.open(wheel)
row, stream, executable = next(source.get_contents())
into.write_file("purelib", row[0], stream, executable)
(sys.exit if how == "exit" else os._exit)(0)
"""


@pytest.mark.parametrize("how", ["exit", "_exit"])
def test_a_process_that_ends_in_the_middle(place: Place, how: str):
    """
    It cleans up behind it; if it cannot, the next one does.
    """
    root = place.out / "env"
    (root / "purelib").mkdir(parents=True)
    wheel = place.put(rich())
    arguments = [wheel, root, how]
    subprocess.run([sys.executable, "-c", LEAVING, *arguments], check=True)

    left = list((root / "purelib").iterdir())
    assert (how == "_exit") == bool(left)
    places = {scheme: str(root / scheme) for scheme in SCHEME_NAMES}
    install(wheel, SchemeDestination(places, "/my/python", "posix"))
    assert not list((root / "purelib").glob(".unwheel-*"))
    assert (root / "purelib/demo/big.bin").exists()


@pytest.mark.parametrize("tag", ["py3-none-any", PLATFORM_TAG])
def test_the_first_member_need_not_be_in_the_root(
    place: Place, site: Site, tag: str
):
    """
    Where the batch goes is what WHEEL says, before anything was asked for.
    """
    site.places["platlib"] = str(site.root / "lib64/site-packages")
    builder = (
        WheelBuilder("demo", "1.0", tag)
        .file("demo-1.0.data/data/share/a.txt", b"a\n")
        .file("demo.py", b"x = 1\n")
    )
    into = destination(site)
    install(place.put(builder), into)

    root = "platlib" if tag == PLATFORM_TAG else "purelib"
    assert (Path(site.places[root]) / "demo.py").exists()
    assert root in {scheme for scheme, _ in into.finished.rows}
    assert b"a\n" == (site.root / "share/a.txt").read_bytes()


OURS = tuple(
    str(Path(unwheel.__file__).parent / f"{name}.py")
    for name in (
        *("crew", "orders", "linking"),
        *(f"pair/{name}" for name in ("destination", "installation")),
        *(f"pair/{name}" for name in ("arranging", "claims", "finishing")),
        *(f"pair/{name}" for name in ("opened", "parts", "rows", "source")),
        "pair/streams",
    )
)
STEP = 41  # lines from one Ctrl-C to the next: all of them take minutes


# Python drops one that comes in a finalizer, and says so.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("size", [10, 2 << 20], ids=["alone", "crew"])
def test_ctrl_c_between_our_lines(place: Place, monkeypatch, size: int):
    """
    The wheel is there, whole, or nothing is; no handle and no thread is left.
    """
    wait = native.Batch.wait
    monkeypatch.setattr(native.Batch, "wait", lambda b, _: wait(b, 60_000))
    wheel = place.put(link_wheel().file("demo/data.bin", bytes(size)))
    site = Site(place.out / "whole")
    ends = [described(site)]
    install(wheel, destination(site))
    ends.append(described(site))
    threads, handles = thread_count(), len(open_handles())
    seen = set()
    came = True
    nth = size % STEP

    while came:
        nth += STEP
        site = Site(place.out / f"env{nth}")

        def work(site=site) -> None:
            with destination(site) as into:
                install(wheel, into)

        interrupt = Interrupt(nth, OURS)
        interrupt.run(work)
        gc.collect()
        came = interrupt.left <= 0
        recover(str(site.packages))
        assert described(site) in ends, nth
        seen.add(ends.index(described(site)))

    assert {0, 1} == seen
    assert threads == thread_count()
    # A number that os.open() has just returned can be lost.
    assert len(open_handles()) <= handles + 2
    assert shared._crew is None
