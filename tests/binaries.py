"""Shared libraries built by hand: as small as tools will read them."""

from __future__ import annotations

import struct

PT_LOAD, PT_DYNAMIC = 1, 2
DT_NULL, DT_STRTAB, DT_STRSZ, DT_SONAME = 0, 5, 10, 14
LC_UUID, LC_ID_DYLIB = 0x1B, 0xD
MH_DYLIB = 6


def elf(
    soname: str | None, size: int = 0, *, bits: int = 64, order: str = "<"
) -> bytes:
    """
    A shared library of ELF with at least *size* bytes.

    Args:
        soname: What it calls itself; None for nothing.
        size: The least number of bytes; it is filled up with zeros.
        bits: 64 or 32.
        order: "<" or ">".
    """
    word = "Q" if bits == 64 else "I"
    head_len, row_len = (64, 56) if bits == 64 else (52, 32)
    tag_len = 2 * struct.calcsize(word)
    strings = b"\0" + (soname or "").encode() + b"\0"
    dynamic = head_len + 2 * row_len
    table = dynamic + 4 * tag_len
    named = DT_NULL if soname is None else DT_SONAME
    tags = [
        (DT_STRTAB, table),
        (DT_STRSZ, len(strings)),
        (named, 1),
        (DT_NULL, 0),
    ]
    total = max(size, table + len(strings))
    out = _elf_head(bits, order, word, head_len, row_len)
    out += _segment(PT_LOAD, 0, total, bits, order)
    out += _segment(PT_DYNAMIC, dynamic, 4 * tag_len, bits, order)
    for tag in tags:
        out += struct.pack(order + 2 * word, *tag)
    return (out + strings).ljust(total, b"\0")


def _elf_head(
    bits: int, order: str, word: str, head_len: int, row_len: int
) -> bytes:
    kind = bytes([2 if bits == 64 else 1, 1 if order == "<" else 2, 1])
    return (b"\x7fELF" + kind).ljust(16, b"\0") + struct.pack(
        f"{order}HHI3{word}I6H",
        3,  # ET_DYN
        62 if bits == 64 else 40,
        1,
        *(0, head_len, 0),  # entry point, segments, sections
        0,
        *(head_len, row_len, 2, 0, 0, 0),
    )


def _segment(kind: int, at: int, length: int, bits: int, order: str) -> bytes:
    if bits == 64:
        return struct.pack(
            order + "II6Q", kind, 6, at, at, at, length, length, 8
        )
    return struct.pack(order + "8I", kind, at, at, at, length, length, 6, 4)


def mach_o(
    name: str | None, size: int = 0, *, bits: int = 64, order: str = "<"
) -> bytes:
    """A library of Mach-O with the install *name*; see `elf`."""
    commands = [struct.pack(order + "II16x", LC_UUID, 24)]
    if name is not None:
        text = name.encode() + b"\0"
        text += bytes(-len(text) % 8)
        commands.append(
            struct.pack(
                order + "6I", LC_ID_DYLIB, 24 + len(text), 24, 2, 0x10000, 0
            )
            + text
        )
    body = b"".join(commands)
    head = struct.pack(
        order + "7I",
        0xFEEDFACF if bits == 64 else 0xFEEDFACE,
        *(0x01000007, 3, MH_DYLIB, len(commands), len(body), 0),
    )
    head += bytes(4) if bits == 64 else b""
    return (head + body).ljust(size, b"\0")


def fat(*slices: bytes) -> bytes:
    """A file of Mach-O for several CPUs."""
    at = 4096
    head = struct.pack(">II", 0xCAFEBABE, len(slices))
    body = b""
    for piece in slices:
        head += struct.pack(">5I", 7, 3, at + len(body), len(piece), 12)
        body += piece
    return head.ljust(at, b"\0") + body
