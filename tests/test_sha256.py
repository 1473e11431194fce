"""SHA-256: each variant against FIPS 180-4, hashlib, and the primes."""

from __future__ import annotations

import hashlib
import math
import re
from itertools import count, islice

import pytest
from hashes import (
    CSRC,
    Bytes,
    Fence,
    aligned,
    message,
    sha256,
    subsets,
    without_mprotect,
)

from unwheel import native
from unwheel._native import ffi, lib

every_cpu = pytest.mark.parametrize(
    "cpu", subsets(lib.UW_CPU_SHA, lib.UW_CPU_ARM_SHA2), ids=hex
)


# Around the ends of blocks, with and without the room that padding needs.
EDGES = [0, 1, 8, 55, 56, 63, 64, 65, 119, 120, 128, 183, 192, 247, 300]


class Pair:
    """Two messages that are hashed together."""

    def __init__(self, cpu: int, other_cpu: int | None = None) -> None:
        self._a = ffi.new("struct uw_sha256 *")
        self._b = ffi.new("struct uw_sha256 *")
        lib.uw_sha256_init(self._a, cpu)
        lib.uw_sha256_init(self._b, cpu if other_cpu is None else other_cpu)

    def update(self, a: Bytes, b: Bytes) -> Pair:
        """Go on with *a* and *b*."""
        lib.uw_sha256_update_pair(
            *(self._a, ffi.from_buffer(a), len(a)),
            *(self._b, ffi.from_buffer(b), len(b)),
        )
        return self

    def begin(self, a: bytes, b: bytes) -> Pair:
        """Go on with *a* and *b*, one after the other."""
        lib.uw_sha256_update(self._a, a, len(a))
        lib.uw_sha256_update(self._b, b, len(b))
        return self

    def final(self) -> tuple[str, str]:
        """Both digests, in hex."""
        a = ffi.new("uint8_t[32]")
        b = ffi.new("uint8_t[32]")
        lib.uw_sha256_final_pair(self._a, a, self._b, b)
        return bytes(a).hex(), bytes(b).hex()


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


@every_cpu
def test_a_pair_agrees_with_hashlib_at_every_length(cpu):
    """
    Each length next to shorter and longer ones, on either side.
    """
    data = message(301)
    other = message(301, seed=1)
    first = [reference(data[:size]) for size in range(301)]
    second = [reference(other[:size]) for size in range(301)]

    for size in range(301):
        for edge in EDGES:
            a = Pair(cpu).update(data[:size], other[:edge]).final()
            b = Pair(cpu).update(data[:edge], other[:size]).final()
            assert (first[size], second[edge]) == a
            assert (first[edge], second[size]) == b


@every_cpu
def test_a_pair_continues_from_any_split(cpu):
    """
    Both in the middle of a block, or one, or none; and again in the next call.
    """
    data = message(400)
    other = message(400, seed=1)
    expected = reference(data), reference(other)

    for at in range(130):
        for edge in EDGES:
            pair = Pair(cpu).begin(data[:at], other[:edge])
            pair.update(data[at:300], other[edge:333])
            assert expected == pair.update(data[300:], other[333:]).final()


@every_cpu
def test_a_pair_of_long_messages(cpu):
    """
    Many blocks side by side, at any alignment, and a rest that has no partner.
    """
    for offset in range(16):
        data = message(50_000 + offset)
        other = message(20_000, seed=1)
        pair = Pair(cpu).update(aligned(data, offset), aligned(other, 5))
        assert (reference(data), reference(other)) == pair.final()


@every_cpu
def test_a_pair_may_be_the_same_bytes_twice(cpu):
    """
    Only the states have to be two.
    """
    data = message(1000)

    actual = Pair(cpu).update(data, data).final()

    assert (reference(data), reference(data)) == actual


@every_cpu
def test_a_pair_of_different_variants(cpu):
    """
    Two lanes need both; each alone takes the variant that was asked for.
    """
    data = message(1000)
    other = message(900, seed=1)
    expected = reference(data), reference(other)

    for unlike in ((0, cpu), (cpu, 0)):
        assert expected == Pair(*unlike).update(data, other).final()


@every_cpu
def test_an_empty_update_changes_nothing_in_a_pair(cpu):
    """
    Nor from NULL, on either side.
    """
    a = ffi.new("struct uw_sha256 *")
    b = ffi.new("struct uw_sha256 *")
    digest = ffi.new("uint8_t[32]")
    data = message(200)

    lib.uw_sha256_init(a, cpu)
    lib.uw_sha256_init(b, cpu)
    for piece in (data[:64], data[64:100], data[100:]):
        lib.uw_sha256_update_pair(a, ffi.NULL, 0, b, piece, len(piece))
        lib.uw_sha256_update_pair(a, piece, len(piece), b, ffi.NULL, 0)
        lib.uw_sha256_update_pair(a, ffi.NULL, 0, b, ffi.NULL, 0)

    for sha in (a, b):
        lib.uw_sha256_final(sha, digest)
        assert reference(data) == bytes(digest).hex()


@without_mprotect
@every_cpu
def test_a_pair_reads_no_byte_outside_of_the_messages(cpu):
    """
    Each between two pages that may not be read, flush against either.
    """
    fence, other_fence = Fence(), Fence()
    other = message(300, seed=1)
    second = {edge: reference(other[:edge]) for edge in EDGES}

    for size in range(300):
        data = message(size)
        edge = EDGES[size % len(EDGES)]
        expected = reference(data), second[edge]
        for a, b in (
            (fence.at_start(data), other_fence.at_start(other[:edge])),
            (fence.at_end(data), other_fence.at_end(other[:edge])),
        ):
            assert expected == Pair(cpu).update(a, b).final()


@every_cpu
def test_a_pair_from_python(cpu):
    """
    The first digest is the first message's.
    """
    data = message(1000)
    expected = hashlib.sha256(data).digest(), hashlib.sha256(b"abc").digest()

    assert expected == native.sha256_pair(data, b"abc", cpu=cpu)


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
