"""
What a shared library calls itself: SONAME of ELF, install name of Mach-O.

Read by pyelftools and macholib, which are asked for only when a file begins
as a library does.  They need a file, so content goes to the disk first, never
into memory as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import chain, islice

from .errors import DestinationError, Problem
from .native import os_problem

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import IO

    Reader = Callable[[IO[bytes]], str | None]

EXTRA = "unwheel[relink]"

_ELF = b"\x7fELF"
# For one CPU, 32 and 64 bits, big and little endian; and for several.
_MACH_O = (
    b"\xfe\xed\xfa\xce",
    b"\xfe\xed\xfa\xcf",
    b"\xce\xfa\xed\xfe",
    b"\xcf\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe",
    b"\xca\xfe\xba\xbf",
)

# Of strangers' files: a gigabyte of tags takes minutes to read.
_MOST_SEGMENTS = 1000
_MOST_TAGS = 10_000
_MOST_SLICES = 30
_MOST_COMMANDS = 10_000
_LEAST_COMMAND = 8  # bytes: its own kind and length
_LONGEST = 4096  # bytes of a name

# Offset and length of e_shoff, e_shnum and e_shstrndx, by the ELF class.
_SECTIONS = {
    b"\1": ((0x20, 4), (0x30, 2), (0x32, 2)),
    b"\2": ((0x28, 8), (0x3C, 2), (0x3E, 2)),
}

_VERSIONS = r"(?:\.[0-9]+)*"
_LIBRARY = re.compile(
    rf"(?P<stem>.+?)(?:\.so(?P<elf>{_VERSIONS})|(?P<mach>{_VERSIONS})\.dylib)"
)


def library_name(content: Iterable[bytes]) -> str | None:
    """
    What the shared library with that *content*, in pieces, calls itself.

    None for what is no library, has no name, or cannot be made sense of.
    Of a Mach-O file for several CPUs it is the first name.

    Raises:
        DestinationError: EXTRA_MISSING, if it begins as a library and what
            could read it is not installed; or there is no room for it.
    """
    pieces = iter(content)
    start = next(pieces, b"")
    if start[:4] == _ELF:
        return _read(chain([start], pieces), _elf_name)
    if start[:4] in _MACH_O:
        return _read(chain([start], pieces), _mach_o_name)
    return None


def library_version(name: str) -> tuple[str, tuple[int, ...]]:
    """
    Stem and version of a library by its file *name*, without folders.

    ``libfoo.so.1.2`` and ``libfoo.1.2.dylib`` are ("libfoo", (1, 2)).  The
    stem of what is not named as a library is the whole name.
    """
    found = _LIBRARY.fullmatch(name)
    if found is None:
        return name, ()
    digits = (found["elf"] or found["mach"] or "").split(".")
    return found["stem"], tuple(int(d) for d in digits if d)


def _read(pieces: Iterable[bytes], read: Reader) -> str | None:
    from tempfile import TemporaryFile

    try:
        with TemporaryFile(prefix="unwheel-") as file:
            for piece in pieces:
                file.write(piece)
            return _attempt(read, file)
    except DestinationError:
        raise
    except OSError as error:
        number = error.errno or 0
        raise DestinationError(
            [os_problem(number, "cannot write a temporary file")],
            errno=number,
        ) from error


def _attempt(read: Reader, file: IO[bytes]) -> str | None:
    """
    What *read* makes of a stranger's *file*.

    The libraries raise whatever comes to pass in broken ones (struct.error,
    UnicodeDecodeError, ...); without a name it is still a file like others.
    """
    try:
        name = read(file)
    except ImportError as error:
        raise DestinationError(
            [
                Problem(
                    "EXTRA_MISSING",
                    "reading the names of shared libraries needs "
                    f"{error.name}: install {EXTRA}",
                )
            ]
        ) from error
    except Exception:
        return None
    return name if name and len(name) <= _LONGEST else None


def _elf_name(file: IO[bytes]) -> str | None:
    from elftools.elf.elffile import ELFFile

    _forget_sections(file)
    for segment in islice(ELFFile(file).iter_segments(), _MOST_SEGMENTS):
        if segment["p_type"] == "PT_DYNAMIC":
            for tag in islice(segment.iter_tags(), _MOST_TAGS):
                if tag.entry.d_tag == "DT_SONAME":
                    return str(tag.soname)
    return None


def _forget_sections(file: IO[bytes]) -> None:
    """
    Have an ELF *file* of ours say that it has no section table.

    The loader does not look at it, so neither do we; pyelftools walks all of
    it, and a stranger's may have millions of rows.
    """
    file.seek(4)
    where = _SECTIONS.get(file.read(1), ())
    for offset, length in where:
        file.seek(offset)
        file.write(bytes(length))
    file.seek(0)


def _mach_o_name(file: IO[bytes]) -> str | None:
    from macholib import mach_o

    file.seek(0)
    magic = int.from_bytes(file.read(4), "big")
    if magic not in (mach_o.FAT_MAGIC, mach_o.FAT_MAGIC_64):
        return _slice_name(file, 0)
    file.seek(0)
    count = mach_o.fat_header.from_fileobj(file).nfat_arch
    # Java's class files begin alike, with a version where the count is.
    if count > _MOST_SLICES:
        return None
    kind = mach_o.fat_arch if magic == mach_o.FAT_MAGIC else mach_o.fat_arch64
    starts = [int(kind.from_fileobj(file).offset) for _ in range(count)]
    names = (_slice_name(file, start) for start in starts)
    return next(filter(None, names), None)


def _slice_name(file: IO[bytes], start: int) -> str | None:
    """
    The install name in the Mach-O file that begins at *start*.

    macholib's own walk would read every section into memory, as often as a
    stranger's header names it; so only its structures are used.
    """
    from macholib import mach_o

    file.seek(start)
    magic = int.from_bytes(file.read(4), "big")
    big = magic in (mach_o.MH_MAGIC, mach_o.MH_MAGIC_64)
    wide = magic in (mach_o.MH_MAGIC_64, mach_o.MH_CIGAM_64)
    order = {"_endian_": ">" if big else "<"}
    kind = mach_o.mach_header_64 if wide else mach_o.mach_header
    file.seek(start)
    header = kind.from_fileobj(file, **order)
    for _ in range(min(header.ncmds, _MOST_COMMANDS)):
        at = file.tell()
        command = mach_o.load_command.from_fileobj(file, **order)
        if command.cmd == mach_o.LC_ID_DYLIB:
            told = mach_o.dylib_command.from_fileobj(file, **order)
            file.seek(at + int(told.name))
            length = max(command.cmdsize - int(told.name), 0)
            name = file.read(min(length, _LONGEST))
            return name.partition(b"\0")[0].decode()
        if command.cmdsize < _LEAST_COMMAND:
            return None
        file.seek(at + int(command.cmdsize))
    return None
