"""Hosts that cannot link: what they refuse, and who tells."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import readers
from link_wheels import SAFE, base
from places import Place, files_of, only_files, tree_of
from trees import has_seccomp
from unlinkable import Worker, denying, extract_told, mounted_or_skipped

from unwheel import Policy

HOSTS = [
    pytest.param("seccomp", marks=has_seccomp),
    pytest.param("preload"),
]

TRY = """
import os, sys
os.chdir(sys.argv[1])
open("file", "w").close()
for call in os.symlink, os.link:
    try:
        call("file", call.__name__)
    except OSError as error:
        print(error.errno, end=" ")
    else:
        print("made", end=" ")
"""


@pytest.mark.parametrize("way", HOSTS)
@pytest.mark.parametrize(
    ("denied", "said"),
    [
        ((), "made made"),
        (("symlink",), "1 made"),
        (("link",), "made 1"),
        (("symlink", "link"), "1 1"),
    ],
)
def test_denies_what_it_says(
    tmp_path: Path, way: str, denied: tuple[str, ...], said: str
) -> None:
    """
    And nothing else: the wall is where the test put it.
    """
    process = denying(*denied, way=way).start(
        [sys.executable, "-c", TRY, str(tmp_path)], stdout=subprocess.PIPE
    )

    assert said == process.communicate()[0].decode().strip()


@pytest.mark.parametrize("way", HOSTS)
def test_strict_refuses_before_anything_is_written(
    place: Place, way: str
) -> None:
    """
    No half-made tree: whether links can be made is asked first.
    """
    wheel = SAFE["chain"].write(place.wheels, place.root)

    with place.untouched(), Worker(denying("symlink", way=way)) as worker:
        told = worker.extract(wheel, place.dest, Policy())

    assert {"HOST_CANNOT"} == {p["code"] for p in told["problems"]}


# ------------------------------------------------- file systems that are real


@pytest.fixture(scope="module")
def exfat_root() -> Iterator[Path]:
    """An exFAT, where this machine can mount one."""
    with mounted_or_skipped("exfat") as root:
        yield root


@pytest.fixture(scope="module")
def xfs_root() -> Iterator[Path]:
    """An XFS, where this machine can mount one."""
    with mounted_or_skipped("xfs") as root:
        yield root


@pytest.fixture
def exfat(exfat_root: Path) -> Path:
    """A folder of it that nothing is in yet."""
    return Path(tempfile.mkdtemp(dir=exfat_root))


@pytest.fixture
def xfs(xfs_root: Path) -> Path:
    """A folder of it that nothing is in yet."""
    return Path(tempfile.mkdtemp(dir=xfs_root))


def test_strict_refuses_on_exfat(place: Place, exfat: Path) -> None:
    """
    The real thing answers ENOSYS, and is left as it was.
    """
    wheel = SAFE["sibling"].write(place.wheels, place.root)

    told = extract_told(wheel, exfat / "tree", Policy())

    assert {"HOST_CANNOT"} == {p["code"] for p in told["problems"]}
    assert [] == os.listdir(exfat)


def test_a_wheel_without_links_is_extracted_on_exfat(
    place: Place, exfat: Path
) -> None:
    """
    Only links are a matter of the file system.
    """
    wheel = place.put(base())

    told = extract_told(wheel, exfat / "plain", Policy())

    assert "ok" == told["status"]
    assert files_of(wheel) == only_files(tree_of(exfat / "plain"))


def test_links_on_xfs_are_links(place: Place, xfs: Path) -> None:
    """
    A loop device is a file system like any other.
    """
    wheel = SAFE["chain"].write(place.wheels, place.root)

    told = extract_told(wheel, xfs / "tree", Policy())

    assert ["link"] * 3 == [link["outcome"] for link in told["links"]]


def test_portable_copies_on_exfat(place: Place, exfat: Path) -> None:
    """
    Neither links nor hard links: the bytes again, and a word about each.
    """
    wheel = SAFE["chain"].write(place.wheels, place.root)

    told = extract_told(wheel, exfat / "copies", Policy(links="portable"))

    assert ["copy"] * 3 == [link["outcome"] for link in told["links"]]
    assert {"HOST_CANNOT"} == {link["reason"] for link in told["links"]}
    demo = exfat / "copies/demo"
    for name in ("link", "second", "third"):
        assert (demo / "file").read_bytes() == (demo / name).read_bytes()


@has_seccomp
def test_portable_clones_on_xfs(place: Place, xfs: Path) -> None:
    """
    Without links of either kind, a reflink costs no bytes.
    """
    wheel = SAFE["chain"].write(place.wheels, place.root)

    with Worker(denying("symlink", "link")) as worker:
        told = worker.extract(wheel, xfs / "clones", Policy(links="portable"))

    assert ["reflink"] * 3 == [link["outcome"] for link in told["links"]]


# ----------------------------------------------------------- what others do

# The outcome of SAFE["sibling"] where no link can be made, as letters of
# test_differential.py: only unzip says that all went well.
ELSEWHERE = {
    "unzip": (True, False),
    "bsdtar": (False, False),
    "7z": (False, False),
    "busybox": (False, False),
    "zipfile2": (False, False),
    "libarchive-c": (False, False),
}


@pytest.mark.tools
@has_seccomp
@pytest.mark.parametrize("reader", ELSEWHERE)
def test_nobody_else_makes_a_stand_in(place: Place, reader: str) -> None:
    """
    All fail, but that unzip leaves the file out and exits with 0.
    """
    wheel = SAFE["sibling"].write(place.wheels, place.root)
    dest = place.out / "demo-1.0"
    dest.mkdir()
    job = str(wheel), str(place.out), str(dest)

    (done,) = readers.run(reader, [job], denying("symlink").before)

    assert ELSEWHERE[reader] == (done, (dest / "demo/link").exists())
