"""
Why a copy is no link: what the dynamic loader and the linker make of each.

Needs a C compiler.  Deselect with ``-m "not tools"``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from builder import WheelBuilder
from link_wheels import HERE_TAG
from places import Place
from trees import has_seccomp
from unlinkable import Worker, compile_c, denying

import unwheel
from unwheel import Policy

pytestmark = pytest.mark.tools

# A library with something that there must be only one of.
COUNTER = "int count(void) { static int n; return ++n; }\n"
ASKS_TWICE = """
import ctypes, sys
print(*(ctypes.CDLL(path).count() for path in sys.argv[1:]))
"""
ONE_INSTANCE, TWO_INSTANCES = "1 2", "1 1"


def library(folder: Path, soname: str | None = "libfoo.so.1") -> bytes:
    """Compile the counter."""
    path = folder / "counter.so"
    options = [f"-Wl,-soname,{soname}"] if soname else []
    compile_c(COUNTER, path, "-shared", "-fPIC", *options)
    return path.read_bytes()


def counted(*paths: Path) -> str:
    """Load each path into one new process, and count with each."""
    argv = [sys.executable, "-c", ASKS_TWICE, *map(str, paths)]
    return subprocess.check_output(argv, text=True).strip()


def versioned(place: Place, lib: bytes) -> Path:
    """A wheel with a library of three names, of which two are links."""
    return place.put(
        WheelBuilder("demo", "1.0", HERE_TAG)
        .file("demo/lib/libfoo.so.1.2.3", lib, mode=0o755)
        .link("demo/lib/libfoo.so.1", "libfoo.so.1.2.3")
        .link("demo/lib/libfoo.so", "libfoo.so.1")
    )


@pytest.mark.parametrize("soname", ["libfoo.so.1", None])
@pytest.mark.parametrize(
    ("stand_in", "instances"),
    [
        (lambda old, new: new.symlink_to(old.name), ONE_INSTANCE),
        (lambda old, new: os.link(old, new), ONE_INSTANCE),
        (shutil.copy, TWO_INSTANCES),
    ],
    ids=["symlink", "hard link", "copy"],
)
def test_only_a_copy_is_loaded_twice(
    tmp_path: Path, soname: str | None, stand_in, instances: str
) -> None:
    """
    The loader knows a file by its inode: a copy has statics of its own.
    """
    real, other = tmp_path / "libfoo.so.1", tmp_path / "libfoo.so"
    real.write_bytes(library(tmp_path, soname))
    stand_in(real, other)

    assert instances == counted(real, other)


def test_links_of_a_wheel_are_one_library(place: Place) -> None:
    """
    Three names in the wheel, one file on the disk, one instance in a process.
    """
    wheel = versioned(place, library(place.root))

    unwheel.extract(wheel, place.dest)

    names = ["libfoo.so", "libfoo.so.1", "libfoo.so.1.2.3"]
    folder = place.dest / "demo/lib"
    assert names == sorted(os.listdir(folder))
    assert "1 2 3" == counted(*(folder / name for name in names))


@has_seccomp
@pytest.mark.parametrize(
    ("denied", "outcomes", "instances"),
    [
        (("symlink",), {"hardlink"}, "1 2 3"),
        (("symlink", "link"), {"reflink", "copy"}, "1 1 1"),
    ],
    ids=["hard links", "copies"],
)
def test_what_stands_in_is_told(
    place: Place, denied: tuple[str, ...], outcomes: set[str], instances: str
) -> None:
    """
    Hard links are as good as links; of copies of a library there is a warning.
    """
    wheel = versioned(place, library(place.root))

    with Worker(denying(*denied)) as worker:
        told = worker.extract(wheel, place.dest, Policy(links="portable"))

    folder = place.dest / "demo/lib"
    links = ["demo/lib/libfoo.so", "demo/lib/libfoo.so.1"]
    made = {link["path"]: link["outcome"] for link in told["links"]}
    assert links == sorted(made)
    assert {*made.values()} <= outcomes
    assert instances == counted(*sorted(folder.iterdir()))
    warned = [
        warning["member"]
        for warning in told["warnings"]
        if warning["code"] == "COPIED_LIBRARY"
    ]
    assert sorted(warned) == ([] if outcomes == {"hardlink"} else links)


MAIN = """
#include <stdio.h>
int count(void);
int main(void) { return printf("%d", count()) < 0; }
"""


def link_with(folder: Path, out: Path) -> None:
    """Link a program as a build does against an installed package."""
    compile_c(MAIN, out, f"-L{folder}", "-lfoo", f"-Wl,-rpath,{folder}")


def test_the_linker_finds_a_library_by_its_links(place: Place) -> None:
    """
    ``-lfoo`` takes libfoo.so, and the program asks for libfoo.so.1.
    """
    wheel = versioned(place, library(place.root))

    unwheel.extract(wheel, place.dest)

    program = place.root / "program"
    link_with(place.dest / "demo/lib", program)
    assert b"1" == subprocess.check_output([program])


def test_the_linker_finds_nothing_in_what_zipfile_leaves(place: Place) -> None:
    """
    The text of a link is no library: what today's installers install.
    """
    wheel = versioned(place, library(place.root))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(place.dest)

    with pytest.raises(subprocess.CalledProcessError):
        link_with(place.dest / "demo/lib", place.root / "program")


def test_a_library_mangled_by_auditwheel_loads(place: Place) -> None:
    """
    The other answer to the same need: a name with a hash, beside the package.
    """
    name = "libfoo-1a2b3c4d.so.1.2.3"
    lib = library(place.root, name)
    (place.root / name).write_bytes(lib)
    extension = place.root / "extension.so"
    compile_c(
        "int count(void); int again(void) { return count(); }\n",
        extension,
        *("-shared", "-fPIC", str(place.root / name)),
        "-Wl,-rpath,$ORIGIN/../demo.libs",
    )
    wheel = place.put(
        WheelBuilder("demo", "1.0", HERE_TAG)
        .file("demo/extension.so", extension.read_bytes(), mode=0o755)
        .file(f"demo.libs/{name}", lib, mode=0o755)
    )

    unwheel.extract(wheel, place.dest)

    there = place.dest / "demo.libs" / name
    assert lib == there.read_bytes()
    assert os.access(there, os.X_OK)
    (place.root / name).unlink()
    # The extension's dependency is the library that its path finds.
    assert "1 2" == counted(place.dest / "demo/extension.so", there)
