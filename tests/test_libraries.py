"""What shared libraries call themselves."""

from __future__ import annotations

import shutil
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest
from binaries import elf, fat, mach_o

from unwheel.errors import DestinationError
from unwheel.libraries import library_name, library_version


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("order", ["<", ">"])
def test_reads_the_soname_of_elf(bits: int, order: str) -> None:
    """
    For any CPU, not only for this one.
    """
    library = elf("libfoo.so.1", bits=bits, order=order)

    assert "libfoo.so.1" == library_name([library])


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("order", ["<", ">"])
def test_reads_the_install_name_of_mach_o(bits: int, order: str) -> None:
    """
    After other load commands, which are passed over.
    """
    library = mach_o("@rpath/libfoo.1.dylib", bits=bits, order=order)

    assert "@rpath/libfoo.1.dylib" == library_name([library])


def test_reads_the_first_name_for_several_cpus() -> None:
    """
    A slice may have none.
    """
    library = fat(mach_o(None), mach_o("libfoo.1.dylib"), mach_o("other"))

    assert "libfoo.1.dylib" == library_name([library])


def test_reads_what_the_compiler_makes(tmp_path: Path) -> None:
    """
    A real one, with sections, symbols and a hash table.
    """
    compiler = shutil.which("cc")
    assert compiler is not None, "needs a C compiler"
    source = tmp_path / "foo.c"
    source.write_text("int foo(void) { return 42; }\n")
    subprocess.run(
        [
            *(compiler, "-shared", "-fPIC", "-Wl,-soname,libfoo.so.3"),
            *("-o", tmp_path / "libfoo.so", source),
        ],
        check=True,
    )
    content = (tmp_path / "libfoo.so").read_bytes()

    assert "libfoo.so.3" == library_name([content])


@pytest.mark.parametrize("step", [1, 7, 1000])
def test_pieces_do_not_matter(step: int) -> None:
    """
    But the first has to hold the first four bytes.
    """
    library = elf("libfoo.so.1", 5000)
    rest = [library[k : k + step] for k in range(4, len(library), step)]

    assert "libfoo.so.1" == library_name([library[:4], *rest])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"import sys\n",
        elf(None),
        mach_o(None),
        fat(),
        elf("libfoo.so")[:70],
        mach_o("libfoo.dylib")[:40],
        fat(mach_o("libfoo.dylib"))[:60],
        b"\x7fELF",
        b"\x7fELF\x02\x01\x01" + b"\xff" * 500,
        b"\xcf\xfa\xed\xfe" + b"\xff" * 500,
    ],
)
def test_has_no_name_for_others(content: bytes) -> None:
    """
    What is no library, has no name, or is broken.
    """
    assert library_name([content]) is None


def test_is_not_fooled_by_java() -> None:
    """
    Its class files begin as libraries for several CPUs do.
    """
    assert library_name([b"\xca\xfe\xba\xbe\0\0\0\x34" + bytes(900)]) is None


def test_a_name_of_megabytes_is_none() -> None:
    """
    It would be shown to people.
    """
    assert library_name([elf("x" * 5000)]) is None


def test_a_section_table_of_millions_costs_nothing() -> None:
    """
    The loader does not read it, nor do we: a MB of it took seconds.
    """
    library = bytearray(elf("libfoo.so.1", 64 + 64 * 60_000))
    struct.pack_into("<Q", library, 0x28, 64)  # where it is
    struct.pack_into("<H", library, 0x3C, 60_000)  # its rows

    started = time.perf_counter()
    name = library_name([bytes(library)])

    assert "libfoo.so.1" == name
    assert time.perf_counter() - started < 1


def test_load_commands_of_no_length_end() -> None:
    """
    The walk goes on by the length that the command says.
    """
    library = bytearray(mach_o("libfoo.dylib", 1 << 16))
    struct.pack_into("<I", library, 16, 0xFFFFFFFF)  # how many there are
    struct.pack_into("<I", library, 32 + 4, 0)  # how long the first is

    assert library_name([bytes(library)]) is None


@pytest.mark.parametrize(
    ("module", "content"),
    [("elftools", elf("libfoo.so")), ("macholib", mach_o("libfoo.dylib"))],
)
def test_says_what_has_to_be_installed(
    monkeypatch: pytest.MonkeyPatch, module: str, content: bytes
) -> None:
    """
    By the name of the extra, when there is something to read.
    """
    for name in [m for m in sys.modules if m.split(".")[0] == module]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)

    assert library_name([b"no library"]) is None
    with pytest.raises(DestinationError) as failure:
        library_name([content])

    (problem,) = failure.value.problems
    assert "EXTRA_MISSING" == problem.code
    assert "unwheel[relink]" in problem.message


@pytest.mark.parametrize(
    ("name", "stem", "version"),
    [
        ("libfoo.so", "libfoo", ()),
        ("libfoo.so.1", "libfoo", (1,)),
        ("libfoo.so.1.20.3", "libfoo", (1, 20, 3)),
        ("libfoo.dylib", "libfoo", ()),
        ("libfoo.1.2.dylib", "libfoo", (1, 2)),
        ("libfoo-2.4.so.0", "libfoo-2.4", (0,)),
        ("libfoo.so.1a", "libfoo.so.1a", ()),
        ("data.bin", "data.bin", ()),
        (".so", ".so", ()),
    ],
)
def test_reads_versions(name: str, stem: str, version: tuple[int, ...]):
    """
    As linkers and loaders name libraries.
    """
    assert (stem, version) == library_version(name)
