"""Unpacked wheels are packed: the same bytes from the same tree."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from builder import digest_of
from places import PLATFORM_TAG, Place, half_noise, noise, tree_of

import unwheel
from unwheel import treescan
from unwheel.packing import TreeLink, pack
from unwheel.policy import Limits, LinkPolicy, Policy

INFO = "demo-1.0.dist-info"
LINKS = Policy(links=LinkPolicy.named("strict").replace(wheel2=True))
LIBRARY = noise(5000)


class Tree:
    """
    An unpacked wheel that a test can write to.
    """

    def __init__(self, root: Path, tag: str = PLATFORM_TAG) -> None:
        """Write the least that a wheel has."""
        self.root = root
        pythons, abis, platforms = (s.split(".") for s in tag.split("-"))
        tags = "".join(
            f"Tag: {python}-{abi}-{platform}\n"
            for python in pythons
            for abi in abis
            for platform in platforms
        )
        self.metadata("Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n")
        self.wheel(f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\n{tags}")
        self.file("pkg/__init__.py", b"x = 1\n")

    def file(self, name: str, data: bytes, mode: int = 0o644) -> Tree:
        """Write a file."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        path.chmod(mode)
        return self

    def link(self, name: str, target: str) -> Tree:
        """Make a link."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(target)
        return self

    def metadata(self, text: str) -> Tree:
        """Write METADATA."""
        return self.file(f"{INFO}/METADATA", text.encode())

    def wheel(self, text: str) -> Tree:
        """Write WHEEL."""
        return self.file(f"{INFO}/WHEEL", text.encode())

    def libraries(self) -> Tree:
        """Make a chain of links to a library."""
        self.file("pkg/libfoo.so.1.2", LIBRARY, 0o755)
        self.link("pkg/libfoo.so.1", "libfoo.so.1.2")
        return self.link("pkg/libfoo.so", "libfoo.so.1")


@pytest.fixture
def tree(tmp_path):
    """
    The least tree that is a wheel.
    """
    return Tree(tmp_path / "unpacked")


@pytest.fixture(autouse=True)
def usual_time(monkeypatch):
    """
    Whatever the environment of the tests says.
    """
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)


def codes(failure):
    """
    The reason codes of an error.
    """
    return [problem.code for problem in failure.value.problems]


def refused(place, tree, kind=unwheel.UnsafeMemberError, **arguments):
    """
    The reasons why *tree* is not packed; nothing is written.
    """
    with place.untouched(), pytest.raises(kind) as failure:
        pack(tree.root, place.out, **arguments)
    return failure


def test_packs_a_tree(place: Place, tree):
    """
    The result extracts to the tree, and RECORD is new.
    """
    tree.file("pkg/run.sh", b"#!/bin/sh\n", 0o700)
    tree.file("pkg/big.bin", half_noise(3 << 20))
    tree.file("pkg/é, x.txt", "é".encode())
    tree.file(f"{INFO}/RECORD", b"rubbish")

    report = pack(tree.root, place.out)

    unwheel.extract(report.result, place.dest)
    before, after = tree_of(tree.root), tree_of(place.dest)
    record = f"{INFO}/RECORD"
    assert f"demo-1.0-{PLATFORM_TAG}.whl" == os.path.basename(report.result)
    assert b"rubbish" == before.pop(record)
    rows = after.pop(record).decode().splitlines()
    assert before == after
    assert f'"pkg/é, x.txt",{digest_of("é".encode())},2' in rows
    assert f"{record},," == rows[-1]
    assert os.access(place.dest / "pkg/run.sh", os.X_OK)
    assert not os.access(place.dest / "pkg/big.bin", os.X_OK)
    assert (7, os.path.getsize(report.result)) == (
        report.members,
        report.archive_size,
    )


def test_the_same_tree_makes_the_same_bytes(place: Place, tree):
    """
    Whatever its times, modes, umask and the order of its folders.
    """
    first = pack(tree.root, place.out)
    copy = Tree(place.root / "copy")
    for path in copy.root.rglob("*"):
        path.chmod(0o775 if path.is_dir() else 0o664)
        os.utime(path, (1, 1))

    second = pack(copy.root, place.root / "other")

    assert Path(first.result).read_bytes() == Path(second.result).read_bytes()


def test_names_are_sorted_and_the_metadata_is_last(place: Place, tree):
    """
    In it RECORD: who streams has all files when he reads what they are.
    """
    tree.file("zzz.py", b"").file("aaa.py", b"").file("pkg/sub/x.py", b"")
    tree.file("demo-1.0.data/data/x", b"")

    report = pack(tree.root, place.out)

    with zipfile.ZipFile(report.result) as archive:
        names = archive.namelist()
        modes = {i.external_attr >> 16 for i in archive.infolist()}
        times = {i.date_time for i in archive.infolist()}
    assert [
        "aaa.py",
        "demo-1.0.data/data/x",
        "pkg/__init__.py",
        "pkg/sub/x.py",
        "zzz.py",
        f"{INFO}/METADATA",
        f"{INFO}/WHEEL",
        f"{INFO}/RECORD",
    ] == names
    assert {0o100644} == modes
    assert {(1980, 1, 1, 0, 0, 0)} == times


def test_source_date_epoch_is_the_time(place: Place, tree, monkeypatch):
    """
    In UTC, whatever the time zone is.
    """
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    monkeypatch.setenv("TZ", "Asia/Tokyo")

    report = pack(tree.root, place.out)

    with zipfile.ZipFile(report.result) as archive:
        times = {info.date_time for info in archive.infolist()}
    assert {(2001, 9, 9, 1, 46, 40)} == times


@pytest.mark.parametrize("given", ["", "tomorrow", "-1", "1" * 12])
def test_refuses_a_time_that_is_none(place: Place, tree, monkeypatch, given):
    """
    A wheel with another time would not be the one that was meant.
    """
    monkeypatch.setenv("SOURCE_DATE_EPOCH", given)

    refused(place, tree, TypeError)


def test_empty_folders_are_kept(place: Place, tree):
    """
    As entries of their own; so a tree is packed as it was.
    """
    (tree.root / "pkg" / "empty").mkdir()

    report = pack(tree.root, place.out)

    unwheel.extract(report.result, place.dest)
    assert (place.dest / "pkg" / "empty").is_dir()


def test_packs_again_what_it_packed(place: Place, tree):
    """
    pack(extract(w)) == w, bit for bit.
    """
    tree.file("pkg/run", b"#!/bin/sh\n", 0o755).file("pkg/x", half_noise(9999))
    (tree.root / "empty").mkdir()
    first = pack(tree.root, place.out)
    unwheel.extract(first.result, place.dest)

    second = pack(place.dest, place.root / "again")

    assert Path(first.result).read_bytes() == Path(second.result).read_bytes()


def test_offers_nothing_that_only_readers_have(place: Place, tree):
    """
    links="verbatim" would accept it; but of who extracts the result.
    """
    failure = refused(place, tree.link("pkg/up", ".."), links="zip")

    assert [("ANCESTOR", None)] == [
        (p.code, p.accept) for p in failure.value.problems
    ]


@pytest.mark.parametrize("links", ["zip", "links-file"])
def test_packs_again_what_it_packed_with_links(place: Place, tree, links):
    """
    The links on the disk are all it needs to know.
    """
    tree.file("pkg/x.so.1", LIBRARY).link("pkg/x.so", "x.so.1")
    first = pack(tree.root, place.out, links=links)
    unwheel.extract(first.result, place.dest, policy=LINKS)

    second = pack(place.dest, place.root / "again", links=links)

    assert Path(first.result).read_bytes() == Path(second.result).read_bytes()


def test_the_report_is_json(place: Place, tree):
    """
    With the keys of every report.
    """
    report = pack(tree.libraries().root, place.out, links="zip")

    told = json.loads(json.dumps(report.to_json()))

    assert ("pack", "ok", 1) == (
        told["action"],
        told["status"],
        told["format"],
    )
    assert {
        "path": "pkg/libfoo.so",
        "target": "libfoo.so.1",
        "resolved": "pkg/libfoo.so.1.2",
        "outcome": "zip",
    } in told["links"]
    assert report.result == told["result"] == told["wheel"]


# ------------------------------------------------------------------- name


@pytest.mark.parametrize(
    ("name", "version", "wheel", "expected"),
    [
        ("demo", "1.0", "Tag: py3-none-any\n", "demo-1.0-py3-none-any"),
        (
            "Demo",
            "1.0",
            "Build: 7b\nTag: py3-none-any\nTag: py2-none-any\n",
            "demo-1.0-7b-py2.py3-none-any",
        ),
        (
            "de.mo",
            "1.0+cpu-1",
            "Tag: cp39-abi3-linux_x86_64\nTag: cp39-abi3-manylinux1_x86_64\n",
            "de_mo-1.0+cpu_1-cp39-abi3-linux_x86_64.manylinux1_x86_64",
        ),
        (
            "demo",
            "1.0",
            "Tag: py2.py3-none-any\n",
            "demo-1.0-py2.py3-none-any",
        ),
    ],
)
def test_the_name_follows_from_the_metadata(
    place: Place, tmp_path, name, version, wheel, expected
):
    """
    Name, Version, Build and Tag, escaped and sorted.
    """
    tree = Tree(tmp_path / "unpacked")
    tree.metadata(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    tree.wheel(f"Wheel-Version: 1.0\n{wheel}")
    folder = f"{name}-{version}.dist-info"
    (tree.root / INFO).rename(tree.root / folder)

    report = pack(tree.root, place.out)

    assert expected + ".whl" == os.path.basename(report.result)


@pytest.mark.parametrize(
    ("wheel", "code"),
    [
        ("Wheel-Version: 1.0\n", "WHEEL_TAGS"),
        ("Wheel-Version: 1.0\nTag: py3\n", "WHEEL_TAGS"),
        (
            "Wheel-Version: 1.0\nTag: py3-none-any\nTag: cp39-abi3-any\n",
            "WHEEL_TAGS",
        ),
        ("Wheel-Version: 1.0\nBuild: x\nTag: py3-none-any\n", "FILENAME"),
        ("Wheel-Version: 1.0\nTag: ../x-none-any\n", "FILENAME"),
        ("Tag: py3-none-any\n", "WHEEL_VERSION"),
        ("Wheel-Version: 2.0\nTag: py3-none-any\n", "WHEEL_VERSION_UNKNOWN"),
    ],
)
def test_refuses_what_no_file_name_can_say(place: Place, tree, wheel, code):
    """
    Tags that are no product of three sets, above all.
    """
    tree.wheel(wheel)

    failure = refused(place, tree, unwheel.InvalidWheelError)

    assert [code] == codes(failure)


def test_refuses_a_tree_of_another_name(place: Place, tree):
    """
    METADATA and the folder it is in must agree.
    """
    tree.metadata("Metadata-Version: 2.1\nName: other\nVersion: 1.0\n")

    failure = refused(place, tree, unwheel.InvalidWheelError)

    assert ["DIST_INFO_NAME"] == codes(failure)


@pytest.mark.parametrize("missing", ["METADATA", "WHEEL"])
def test_refuses_what_is_no_wheel(place: Place, tree, missing):
    """
    Nothing is made up.
    """
    (tree.root / INFO / missing).unlink()

    failure = refused(place, tree, unwheel.InvalidWheelError)

    assert [f"{missing}_MISSING"] == codes(failure)


# --------------------------------------------------------------- refusals


def test_refuses_a_tree_that_is_not_there(place: Place, tmp_path):
    """
    Our side: there is nothing to judge.
    """
    with place.untouched(), pytest.raises(unwheel.SourceError) as failure:
        pack(tmp_path / "nowhere", place.out)

    assert ["ENOENT"] == codes(failure)


def test_refuses_signatures(place: Place, tree):
    """
    They are of a RECORD that is written anew.
    """
    tree.file(f"{INFO}/RECORD.jws", b"").file(f"{INFO}/RECORD.p7s", b"")

    failure = refused(place, tree, unwheel.InvalidWheelError)

    assert ["SIGNED", "SIGNED"] == codes(failure)


def test_tells_all_that_is_wrong_at_once(place: Place, tree):
    """
    Types and names that our own reader would refuse.
    """
    os.mkfifo(tree.root / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        here = os.getcwd()
        os.chdir(tree.root)  # such a path must be short
        try:
            server.bind("door")
        finally:
            os.chdir(here)
    tree.file("a\\b", b"").file("a\nb", b"").link("link", "pipe")
    (tree.root / os.fsdecode(b"\xff")).write_bytes(b"")

    failure = refused(place, tree)

    assert {
        "FILE_TYPE",
        "BACKSLASH",
        "CONTROL_CHARACTER",
        "NOT_UTF8",
        "LINK_REFUSED",
    } == set(codes(failure))
    assert {"pipe", "door"} == {
        p.member for p in failure.value.problems if p.code == "FILE_TYPE"
    }


def test_refuses_folders_that_are_too_deep(place: Place, tree):
    """
    Whatever is below: it is not even looked at.
    """
    depth = Limits().depth + 1
    (tree.root / "/".join("d" * depth) / "below").mkdir(parents=True)

    failure = refused(place, tree)

    assert ["TOO_DEEP"] == codes(failure)


def test_refuses_what_only_reading_shows(place: Place, tree):
    """
    The result is verified before it gets its name.
    """
    tree.file("pkg/zeros", bytes(Limits().ratio_floor + 1))

    failure = refused(place, tree, unwheel.LimitError)

    assert ["TOTAL_RATIO"] == codes(failure)
    assert f"demo-1.0-{PLATFORM_TAG}.whl" == os.path.basename(
        failure.value.wheel
    )


@pytest.mark.parametrize("change", ["replaced", "linked", "grown"])
def test_notices_a_file_that_changes(place: Place, tree, monkeypatch, change):
    """
    Also one in whose place a link to the outside has come.
    """
    path = tree.root / "pkg" / "__init__.py"
    secret = place.root / "secret"
    secret.write_bytes(b"x = 2\n")
    chunks = treescan.TreeFile.chunks

    def changing(self):
        if self.name == "pkg/__init__.py":
            if change == "grown":
                path.write_bytes(b"longer than before")
            elif change == "linked":
                path.unlink()
                path.symlink_to(secret)
            else:
                secret.replace(path)
        return chunks(self)

    monkeypatch.setattr(treescan.TreeFile, "chunks", changing)

    with pytest.raises(unwheel.SourceError) as failure:
        pack(tree.root, place.out)

    assert codes(failure)[0] in ("CHANGED", "ELOOP")
    assert [] == list(place.out.iterdir())


def test_refuses_a_result_that_is_there(place: Place, tree):
    """
    What was packed before is not lost.
    """
    first = pack(tree.root, place.out)

    failure = refused(place, tree, unwheel.DestinationError)

    assert ["DESTINATION_EXISTS"] == codes(failure)
    assert os.path.exists(first.result)


# ------------------------------------------------------------------ links


def test_links_are_refused_unless_asked_for(place: Place, tree):
    """
    Every one of them is listed, with its target and a way out.
    """
    tree.libraries().link("pkg/up", "..")

    failure = refused(place, tree)

    assert {
        "pkg/libfoo.so": "-> libfoo.so.1",
        "pkg/libfoo.so.1": "-> libfoo.so.1.2",
        "pkg/up": "-> ..",
    } == {p.member: p.found for p in failure.value.problems}
    assert {"LINK_REFUSED"} == set(codes(failure))
    assert {'links="copy"'} == {p.accept for p in failure.value.problems}


def test_copies_are_what_build_backends_make(place: Place, tree):
    """
    Each is the content in the end; the report says what that costs.
    """
    tree.libraries().link("data", "pkg").link(f"{INFO}/X", "../pkg/libfoo.so")

    report = pack(tree.root, place.out, links="copy")

    unwheel.extract(report.result, place.dest)
    after = tree_of(place.dest)
    assert LIBRARY == after["pkg/libfoo.so"] == after["pkg/libfoo.so.1"]
    assert LIBRARY == after["data/libfoo.so"] == after[f"{INFO}/X"]
    assert b"x = 1\n" == after["data/__init__.py"]
    assert os.access(place.dest / "pkg/libfoo.so", os.X_OK)
    assert 6 * len(LIBRARY) + len(b"x = 1\n") == report.wasted
    assert (
        TreeLink("pkg/libfoo.so", "libfoo.so.1", "pkg/libfoo.so.1.2", "copy")
        in report.links
    )
    assert TreeLink("data", "pkg", "pkg", "tree") in report.links


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("../secret", "ESCAPES"),
        ("/etc/passwd", "ESCAPES"),
        ("..", "ESCAPES"),
        ("nowhere", "DANGLING"),
        ("loop", "CYCLE"),
        (".", "ANCESTOR"),
        ("pkg/pipe", "FILE_TYPE"),
    ],
)
def test_copies_nothing_from_outside(place: Place, tree, target, code):
    """
    Nor without end, nor what is no file.
    """
    (tree.root.parent / "secret").write_bytes(b"secret")
    os.mkfifo(tree.root / "pkg/pipe")
    tree.link("loop", target)

    failure = refused(place, tree, links="copy")

    assert (code, "loop") in [
        (p.code, p.member) for p in failure.value.problems
    ]


@pytest.mark.parametrize("files", [1, 0])
def test_folders_that_lead_to_folders_have_a_budget(
    place: Place, tree, monkeypatch, files: int
):
    """
    Thirty links to folders stand for a thousand million files, or folders.
    """
    (tree.root / "d0/empty").mkdir(parents=True)
    for k in range(files):
        tree.file(f"d0/{k}", b"x")
    for k in range(1, 30):
        tree.link(f"d{k}/a", f"../d{k - 1}").link(f"d{k}/b", f"../d{k - 1}")
    budget = LinkPolicy().replace(max_copied_entries=1000)
    monkeypatch.setattr(treescan, "_BUDGET", budget)

    failure = refused(place, tree, unwheel.LimitError, links="copy")

    assert ["COPY_BUDGET"] == codes(failure)


def test_zip_links_are_as_info_zip_writes_them(place: Place, tree):
    """
    Stored, host 3, the mode of a link; RECORD has the digest of the text.
    """
    report = pack(tree.libraries().root, place.out, links="zip")

    with zipfile.ZipFile(report.result) as archive:
        info = archive.getinfo("pkg/libfoo.so")
        record = archive.read(f"{INFO}/RECORD").decode()
        payload = archive.read(info)
    assert (3, 0o120777, 0) == (
        info.create_system,
        info.external_attr >> 16,
        info.compress_type,
    )
    assert b"libfoo.so.1" == payload
    row = f"pkg/libfoo.so,{digest_of(payload)},{len(payload)}"
    assert row in record.splitlines()
    unwheel.extract(report.result, place.dest)
    assert "-> libfoo.so.1" == tree_of(place.dest)["pkg/libfoo.so"]


def test_links_file_has_the_link_first(place: Place, tree):
    """
    And what it leads to in the end, in one hop; RECORD does not list it.
    """
    report = pack(tree.libraries().root, place.out, links="links-file")

    with zipfile.ZipFile(report.result) as archive:
        links = archive.read(f"{INFO}/LINKS").decode()
        record = archive.read(f"{INFO}/RECORD").decode()
        names = archive.namelist()
        stored = {
            i.compress_type
            for i in archive.infolist()
            if i.filename.startswith(INFO)
        }
        metadata = archive.read(f"{INFO}/METADATA")
    assert f"demo-1.0-{PLATFORM_TAG}.whlx" == os.path.basename(report.result)
    assert (
        "pkg/libfoo.so,pkg/libfoo.so.1.2\npkg/libfoo.so.1,pkg/libfoo.so.1.2\n"
    ) == links
    assert {row.rsplit(",", 2)[0] for row in record.splitlines()} == set(names)
    assert "pkg/libfoo.so" not in names
    assert {0} == stored
    assert b"Wheel-Version: 2.0\n" in metadata
    unwheel.extract(report.result, place.dest, policy=LINKS)
    assert "-> libfoo.so.1.2" == tree_of(place.dest)["pkg/libfoo.so"]


def test_a_tree_without_links_stays_of_version_1(place: Place, tree):
    """
    There is no reason to leave it.
    """
    report = pack(tree.root, place.out, links="links-file")

    assert report.result.endswith(".whl")
    unwheel.verify(report.result)


def test_links_file_may_be_for_any_platform(place: Place, tmp_path):
    """
    LINKS is the portable encoding; entries are not.
    """
    tree = Tree(tmp_path / "any", "py3-none-any").libraries()

    failure = refused(place, tree, links="zip")
    report = pack(tree.root, place.out, links="links-file")

    assert {"ANY_TAG"} == set(codes(failure))
    assert {'links="copy"'} == {p.accept for p in failure.value.problems}
    assert report.result.endswith("-py3-none-any.whlx")


@pytest.mark.parametrize("links", ["zip", "links-file"])
@pytest.mark.parametrize(
    ("name", "target", "code"),
    [
        ("pkg/x", "/etc/passwd", "ABSOLUTE"),
        ("pkg/x", "../../etc/passwd", "ESCAPES"),
        ("pkg/x", "nowhere", "DANGLING"),
        ("pkg/x", "x", "CYCLE"),
        (f"{INFO}/x", "../pkg/__init__.py", "IN_METADATA"),
        ("demo-1.0.data/scripts/x", "y", "IN_SCRIPTS"),
    ],
)
def test_refuses_links_that_strict_readers_refuse(
    place: Place, tree, links, name, target, code
):
    """
    Before anything is written.
    """
    tree.link(name, target)

    failure = refused(place, tree, links=links)

    assert code in codes(failure)
    assert {None} == {p.accept for p in failure.value.problems}


def test_links_file_cannot_tell_of_data(place: Place, tree):
    """
    The PEP knows packages only.
    """
    tree.file("demo-1.0.data/data/x", b"x").link("demo-1.0.data/data/y", "x")

    failure = refused(place, tree, links="links-file")

    assert ["LINKS_SCHEME"] == codes(failure)
    assert {'links="zip"'} == {p.accept for p in failure.value.problems}


def test_refuses_metadata_that_is_a_link(place: Place, tree):
    """
    Readers that do not know links would read a path.
    """
    metadata = tree.root / INFO / "METADATA"
    metadata.rename(tree.root / "pkg" / "METADATA")
    tree.link(f"{INFO}/METADATA", "../pkg/METADATA")

    failure = refused(place, tree, unwheel.InvalidWheelError, links="zip")

    assert ["IN_METADATA"] == codes(failure)


def test_refuses_another_way_with_links(place: Place, tree):
    """
    The caller's own mistake is no error of the tree.
    """
    refused(place, tree, TypeError, links="follow")


# ---------------------------------------------------------- other readers


@pytest.mark.parametrize(
    "command",
    [
        ["unzip", "-q"],
        ["bsdtar", "-xf"],
        ["7z", "x", "-y"],
        [sys.executable, "-m", "zipfile", "-e"],
    ],
    ids=["unzip", "bsdtar", "7z", "zipfile"],
)
def test_zip_tools_read_it(place: Place, tree, command):
    """
    From a file without links: the tree that was packed, and its RECORD.
    """
    tree.file("pkg/data", half_noise(9999), 0o755).file("pkg/empty", b"")
    program = shutil.which(command[0])
    assert program is not None, f"needs {command[0]}"
    report = pack(tree.root, place.out)
    unwheel.extract(report.result, place.dest)
    theirs = place.root / "theirs"
    theirs.mkdir()
    into = ["."] if "zipfile" in command else []

    subprocess.run(
        [program, *command[1:], report.result, *into],
        cwd=theirs,
        check=True,
        capture_output=True,
    )

    assert tree_of(theirs) == tree_of(place.dest)


def test_installers_install_it(place: Place, tree):
    """
    pip and uv, from a file without links.
    """
    tree.wheel("Wheel-Version: 1.0\nTag: py3-none-any\n")
    report = pack(tree.root, place.out)
    pip = [sys.executable, "-m", "pip", "install", "--no-index", "--no-deps"]
    uv = [sys.executable, "-m", "uv", "pip", "install", "--offline"]

    for name, command in (("pip", pip), ("uv", uv)):
        target = place.root / name
        subprocess.run(
            [*command, "--target", target, report.result],
            check=True,
            capture_output=True,
        )
        assert b"x = 1\n" == (target / "pkg/__init__.py").read_bytes()
