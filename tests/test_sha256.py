"""SHA-256: each variant against FIPS 180-4, hashlib, and the primes."""

from __future__ import annotations

import hashlib
import math
import re
from itertools import count, islice

import pytest
from hashes import (
    CSRC,
    Fence,
    aligned,
    message,
    sha256,
    subsets,
    without_mprotect,
)

from unwheel._native import ffi, lib

every_cpu = pytest.mark.parametrize(
    "cpu", subsets(lib.UW_CPU_SHA, lib.UW_CPU_ARM_SHA2), ids=hex
)


def reference(data: bytes) -> str:
    """What hashlib says, in hex."""
    return hashlib.sha256(data).hexdigest()


def primes(number: int) -> list[int]:
    """The first *number* primes."""
    odd_or_two = (
        n for n in count(2) if all(n % d for d in range(2, math.isqrt(n) + 1))
    )
    return list(islice(odd_or_two, number))


def cube_root(value: int) -> int:
    """The whole part of the cube root."""
    root = 0
    for bit in reversed(range(value.bit_length() // 3 + 1)):
        if (root | 1 << bit) ** 3 <= value:
            root |= 1 << bit
    return root


def words_of(name: str) -> list[int]:
    """The numbers of the table *name* in sha256.c."""
    text = (CSRC / "sha256.c").read_text(encoding="ascii")
    found = re.search(rf"{name}\[\w+\] = {{([^}}]+)}}", text)
    assert found is not None
    return [int(word, 16) for word in re.findall(r"0x\w+", found[1])]


@every_cpu
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            b"",
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        ),
        (
            b"abc",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        ),
        (
            b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
        ),
        (
            (
                b"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
                b"hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu"
            ),
            "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1",
        ),
        (
            b"a" * 1_000_000,
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
        ),
    ],
    ids=["empty", "abc", "448 bits", "896 bits", "a million a"],
)
def test_gives_the_values_of_the_standard(cpu, text, expected):
    """
    The examples that NIST publishes with FIPS 180-4.
    """
    assert expected == sha256(cpu, text)


@every_cpu
def test_agrees_with_hashlib_at_every_length(cpu):
    """
    All lengths of the padding, one block and two, many times.
    """
    data = message(1101)

    actual = [sha256(cpu, data[:size]) for size in range(1101)]

    assert [reference(data[:size]) for size in range(1101)] == actual


@every_cpu
@pytest.mark.parametrize("size", [4095, 4096, 65536, 65537, 300_001])
def test_agrees_with_hashlib_on_long_messages(cpu, size):
    """
    Many blocks in one call.
    """
    data = message(size, seed=size)

    assert reference(data) == sha256(cpu, data)


@every_cpu
@pytest.mark.parametrize("offset", range(32))
def test_takes_any_alignment(cpu, offset):
    """
    No variant needs its data aligned.
    """
    for size in (63, 64, 300, 1021):
        data = message(size)
        assert reference(data) == sha256(cpu, aligned(data, offset))


@every_cpu
def test_continues_from_any_split(cpu):
    """
    Two updates are one, wherever the message is cut.
    """
    data = message(300)

    actual = {sha256(cpu, data[:at], data[at:]) for at in range(301)}

    assert {reference(data)} == actual


@every_cpu
@pytest.mark.parametrize("step", [1, 7, 63, 64, 65])
def test_continues_piece_by_piece(cpu, step):
    """
    Pieces shorter than a block, as long, and longer.
    """
    data = message(1000)

    pieces = [data[at : at + step] for at in range(0, len(data), step)]

    assert reference(data) == sha256(cpu, *pieces)


@every_cpu
def test_an_empty_update_changes_nothing(cpu):
    """
    Not even at the beginning, between blocks or inside one, nor from NULL.
    """
    sha = ffi.new("struct uw_sha256 *")
    digest = ffi.new("uint8_t[32]")

    lib.uw_sha256_init(sha, cpu)
    for piece in (b"", b"x" * 64, b"", b"abc", b""):
        lib.uw_sha256_update(sha, piece, len(piece))
        lib.uw_sha256_update(sha, ffi.NULL, 0)
    lib.uw_sha256_final(sha, digest)

    assert reference(b"x" * 64 + b"abc") == bytes(digest).hex()


@without_mprotect
@every_cpu
def test_reads_no_byte_outside_of_the_message(cpu):
    """
    A message between two pages that may not be read, flush against either.
    """
    fence = Fence()

    for size in range(300):
        data = message(size)
        assert reference(data) == sha256(cpu, fence.at_start(data))
        assert reference(data) == sha256(cpu, fence.at_end(data))


def test_counts_more_than_32_bits_of_message():
    """
    From 512 MiB on the number of bits needs its second word.
    """
    piece = message(1 << 20)
    expected = hashlib.sha256()
    for _ in range(513):
        expected.update(piece)

    actual = sha256(lib.uw_cpu_detect(), *[piece] * 513)

    assert expected.hexdigest() == actual


def test_bits_of_another_architecture_mean_the_portable_variant():
    """
    Bits that this program has no variant for are ignored.
    """
    others = ~(lib.uw_cpu_detect() | lib.UW_CPU_SHA | lib.UW_CPU_ARM_SHA2)

    assert reference(b"abc") == sha256(others & 0xFFFFFFFF, b"abc")


def test_the_constants_come_from_the_primes():
    """
    FIPS 180-4, 4.2.2 and 5.3.3: 32 bits of the fractions of their roots.
    """
    cubes = [cube_root(p << 96) & 0xFFFFFFFF for p in primes(64)]
    squares = [math.isqrt(p << 64) & 0xFFFFFFFF for p in primes(8)]

    assert cubes == words_of("uw_sha256_constants")
    assert squares == words_of("initial_state")
