"""CRC-32: each variant against the standard, zlib, and the arithmetic."""

from __future__ import annotations

import re
import zlib

import pytest
from hashes import (
    CSRC,
    Fence,
    aligned,
    crc32,
    message,
    subsets,
    without_mprotect,
)

from unwheel._native import lib

POLYNOMIAL = 0x104C11DB7

every_cpu = pytest.mark.parametrize(
    "cpu",
    subsets(lib.UW_CPU_PCLMUL, lib.UW_CPU_VPCLMUL, lib.UW_CPU_ARM_PMULL),
    ids=hex,
)


def remainder(power: int) -> int:
    """x^power mod P."""
    product = 1
    for _ in range(power):
        product <<= 1
        if product >> 32:
            product ^= POLYNOMIAL
    return product


def quotient(dividend: int) -> int:
    """The polynomial *dividend* / P, without the remainder."""
    result = 0
    while (shift := dividend.bit_length() - 33) >= 0:
        result |= 1 << shift
        dividend ^= POLYNOMIAL << shift
    return result


def reflected(value: int, bits: int) -> int:
    """The *bits* bits of *value*, last one first."""
    return int(f"{value:0{bits}b}"[::-1], 2)


@every_cpu
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"", 0x00000000),
        (b"\0", 0xD202EF8D),
        (b"\xff", 0xFF000000),
        (b"a", 0xE8B7BE43),
        (b"abc", 0x352441C2),
        (b"123456789", 0xCBF43926),
        (b"\0" * 32, 0x190A55AD),
        (b"\xff" * 32, 0xFF6CAB0B),
        (bytes(range(32)), 0x91267E8A),
        (b"The quick brown fox jumps over the lazy dog", 0x414FA339),
        (b"1234567890" * 8, 0x7CA94A72),
    ],
)
def test_gives_the_published_values(cpu, text, expected):
    """
    The check value of the CRC catalogue and other published ones.
    """
    assert expected == crc32(cpu, text)


@every_cpu
def test_agrees_with_zlib_at_every_length(cpu):
    """
    All ways through the strides, the blocks and the rest of a message.
    """
    data = message(1101)

    actual = [crc32(cpu, data[:size]) for size in range(1101)]

    assert [zlib.crc32(data[:size]) for size in range(1101)] == actual


@every_cpu
@pytest.mark.parametrize("size", [4095, 4096, 65536, 65537, 300_001])
def test_agrees_with_zlib_on_long_messages(cpu, size):
    """
    Many turns of the main loop, with and without a rest.
    """
    data = message(size, seed=size)

    assert zlib.crc32(data) == crc32(cpu, data)


@every_cpu
@pytest.mark.parametrize("offset", range(32))
def test_takes_any_alignment(cpu, offset):
    """
    No variant needs its data aligned, however long.
    """
    for size in (3, 15, 16, 63, 100, 300, 1021):
        data = message(size)
        assert zlib.crc32(data) == crc32(cpu, aligned(data, offset))


@every_cpu
def test_continues_from_any_split(cpu):
    """
    The value of a prefix, handed in again, gives the value of the whole.
    """
    data = message(300)

    actual = {crc32(cpu, data[:at], data[at:]) for at in range(301)}

    assert {zlib.crc32(data)} == actual


@every_cpu
def test_continues_byte_by_byte(cpu):
    """
    Three hundred calls of one byte are one call of three hundred.
    """
    data = message(300)

    actual = crc32(cpu, *(data[at : at + 1] for at in range(300)))

    assert zlib.crc32(data) == actual


@every_cpu
def test_sees_every_bit(cpu):
    """
    A flip of any bit of the message changes the value as zlib says.
    """
    data = bytearray(message(160))

    for bit in range(8 * len(data)):
        data[bit // 8] ^= 1 << bit % 8
        assert zlib.crc32(data) == crc32(cpu, data)


@without_mprotect
@every_cpu
def test_reads_no_byte_outside_of_the_message(cpu):
    """
    A message between two pages that may not be read, flush against either.
    """
    fence = Fence()

    for size in range(600):
        data = message(size)
        assert zlib.crc32(data) == crc32(cpu, fence.at_start(data))
        assert zlib.crc32(data) == crc32(cpu, fence.at_end(data))


def test_bits_of_another_architecture_mean_the_table():
    """
    Bits that this program has no variant for are ignored.
    """
    own = lib.UW_CPU_PCLMUL | lib.UW_CPU_VPCLMUL | lib.UW_CPU_ARM_PMULL
    others = ~(lib.uw_cpu_detect() | own) & 0xFFFFFFFF

    assert zlib.crc32(b"abc") == crc32(others, b"abc")


def test_the_folding_constants_are_the_powers_that_they_are_named_for():
    """
    UW_CRC32_Xn is x^n mod P, reflected in 32 bits, shifted left by one.
    """
    text = (CSRC / "crc32.h").read_text(encoding="ascii")

    found = {
        int(power): int(value, 16)
        for power, value in re.findall(
            r"^#define UW_CRC32_X(\d+)\s+(\S+)$", text, re.MULTILINE
        )
    }

    assert {64, 96} < set(found)
    assert {n: reflected(remainder(n), 32) << 1 for n in found} == found


def test_the_constants_of_the_last_division():
    """
    P and x^64 / P, each reflected in 33 bits.
    """
    text = (CSRC / "crc32.h").read_text(encoding="ascii")

    found = dict(
        re.findall(
            r"^#define UW_CRC32_(POLYNOMIAL|INVERSE)\s+(\S+)$",
            text,
            re.MULTILINE,
        )
    )

    assert {
        "POLYNOMIAL": f"{reflected(POLYNOMIAL, 33):#x}",
        "INVERSE": f"{reflected(quotient(1 << 64), 33):#x}",
    } == found


def test_the_rows_of_the_tables_are_powers():
    """
    Row k falls from x^(39 + 8k) to x^(32 + 8k), each reflected.
    """
    text = (CSRC / "crc32.c").read_text(encoding="ascii")

    found = [
        [int(value, 16) for value in row.split(",")]
        for row in re.findall(r"^\tTABLE\(([^)]+)\)", text, re.MULTILINE)
    ]

    assert [
        [reflected(remainder(39 + 8 * k - i), 32) for i in range(8)]
        for k in range(8)
    ] == found
