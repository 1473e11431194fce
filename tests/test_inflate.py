"""DEFLATE: against RFC 1951 bit by bit, at every split, and against zlib."""

from __future__ import annotations

import contextlib
import random
import zlib
from collections.abc import Iterator
from itertools import product

import pytest
from deflate_bits import (
    Match,
    Stream,
    expand,
)
from deflate_streams import FALSE_STREAMS, HISTORY, TRUE_STREAMS
from hashes import Fence, without_mprotect
from kernels import (
    DONE,
    ERROR,
    FRESH_MIN,
    NEED,
    SLACK,
    SPAN,
    Inflater,
    Outcome,
    cpu_variants,
    feed,
    hashes_meanwhile,
)

from unwheel._native import lib

every_cpu = pytest.mark.parametrize("cpu", cpu_variants(), ids=hex)

TAIL = b"the next record"


def noise(size: int, seed: int = 0) -> bytes:
    """*size* bytes without a pattern, the same ones each time."""
    return random.Random(seed).randbytes(size)


def prose(size: int, seed: int = 0) -> bytes:
    """*size* bytes with matches of all kinds, the same ones each time."""
    rng = random.Random(seed)
    words = [rng.randbytes(rng.randint(1, 12)) for _ in range(60)]
    plain = bytearray()
    while len(plain) < size:
        kind = rng.random()
        if kind < 0.9:
            plain += rng.choice(words)
        elif kind < 0.95:
            plain += rng.choice(words) * rng.randint(2, 100)
        else:
            plain += rng.randbytes(rng.randint(1, 50))
    return bytes(plain[:size])


def deflate(
    plain: bytes,
    level: int = 6,
    strategy: int = zlib.Z_DEFAULT_STRATEGY,
    wbits: int = -15,
    mem_level: int = 8,
) -> bytes:
    """*plain* as zlib packs it, without header and check."""
    packer = zlib.compressobj(level, zlib.DEFLATED, wbits, mem_level, strategy)
    return packer.compress(plain) + packer.flush()


def piecewise(data: bytes, size: int) -> list[bytes]:
    """*data* in pieces of *size* bytes."""
    return [data[i : i + size] for i in range(0, len(data), size)]


# ------------------------------------------------------- RFC 1951, bit by bit

true_streams = pytest.mark.parametrize("name", TRUE_STREAMS)
false_streams = pytest.mark.parametrize("name", FALSE_STREAMS)


@every_cpu
@true_streams
@pytest.mark.parametrize("tail", [b"", TAIL, TAIL * 40])
def test_decodes(name, tail, cpu):
    """What RFC 1951 allows is decoded, and what follows it is left."""
    stream, plain = TRUE_STREAMS[name]
    packed = stream.build()

    outcome = feed(Inflater(cpu=cpu), [packed + tail])

    assert plain == zlib.decompress(packed, -15)
    assert Outcome(DONE, plain, tail, 0) == outcome


@every_cpu
@false_streams
@pytest.mark.parametrize("more", [0, 600])
def test_refuses(name, more, cpu):
    """What RFC 1951 forbids is refused, and for the right reason."""
    stream, reason, before = FALSE_STREAMS[name]
    packed = stream.build() + bytes(more)

    outcome = feed(Inflater(cpu=cpu), [packed])

    with pytest.raises(zlib.error):
        zlib.decompressobj(-15).decompress(packed + bytes(600))
    assert outcome.result == ERROR
    assert before == outcome.plain
    assert getattr(lib, f"UW_WHY_DEFLATE_{reason}") == outcome.reason


@every_cpu
@false_streams
def test_refuses_a_byte_at_a_time(name, cpu):
    """A refusal does not depend on how the input came."""
    stream, reason, before = FALSE_STREAMS[name]

    outcome = feed(Inflater(cpu=cpu), piecewise(stream.build(), 1))

    assert outcome.result == ERROR
    assert before == outcome.plain
    assert getattr(lib, f"UW_WHY_DEFLATE_{reason}") == outcome.reason


@every_cpu
@pytest.mark.parametrize("distance", range(1, 81))
def test_copies_a_match_over_itself(distance, cpu):
    """Each length at each short distance repeats what it just wrote."""
    before = noise(distance)
    tokens = [
        token
        for length in range(3, 259)
        for token in (Match(length, distance), length % 256)
    ]
    packed = Stream().stored(before, final=False).fixed(tokens).build()

    outcome = feed(Inflater(cpu=cpu), [packed])

    assert Outcome(DONE, before + expand(tokens, before), b"", 0) == outcome


# ------------------------------------------------------------ split anywhere

STRATEGIES = (
    zlib.Z_DEFAULT_STRATEGY,
    zlib.Z_FILTERED,
    zlib.Z_HUFFMAN_ONLY,
    zlib.Z_RLE,
    zlib.Z_FIXED,
)

SPLIT_STREAMS = {
    **{name: stream.build() for name, (stream, _) in TRUE_STREAMS.items()},
    **{
        f"zlib, level {level}, strategy {strategy}": deflate(
            prose(6000), level, strategy, mem_level=1
        )
        for level, strategy in product((1, 9), STRATEGIES)
    },
}

split_streams = pytest.mark.parametrize("name", SPLIT_STREAMS)


@every_cpu
@split_streams
def test_decodes_the_two_halves_of_every_split(name, cpu):
    """
    Where the input is cut in two does not matter.

    In a long stored block the cuts are made near both ends only.
    """
    packed = SPLIT_STREAMS[name]
    whole = Outcome(DONE, zlib.decompress(packed, -15), TAIL, 0)
    inflater = Inflater(cpu=cpu)
    cuts = range(len(packed) + 1)

    for cut in [*cuts[:3000], *cuts[3000:][-3000:]]:
        assert whole == feed(inflater, [packed[:cut], packed[cut:] + TAIL])


@every_cpu
@split_streams
@pytest.mark.parametrize("size", [1, 2, 3, 7, 23, 24, 25, 300])
def test_decodes_small_pieces(name, size, cpu):
    """Pieces of any size do, one byte included."""
    packed = SPLIT_STREAMS[name]

    outcome = feed(Inflater(cpu=cpu), piecewise(packed, size))

    assert Outcome(DONE, zlib.decompress(packed, -15), b"", 0) == outcome


@every_cpu
@split_streams
def test_needs_more_of_every_prefix(name, cpu):
    """A stream cut short is not done, and gives what it has."""
    packed = SPLIT_STREAMS[name]
    plain = zlib.decompress(packed, -15)
    inflater = Inflater(cpu=cpu)

    for size in [*range(len(packed))[:1500], *range(len(packed))[-1500:]]:
        outcome = feed(inflater, [packed[:size]])

        assert outcome.result == NEED
        assert plain.startswith(outcome.plain)


@every_cpu
def test_needs_no_input_to_say_so(cpu):
    """No input at all is fine, before a stream and after it."""
    inflater = Inflater(cpu=cpu)

    assert inflater.run(b"") == (NEED, 0, b"", 0)
    assert inflater.run(Stream().fixed(b"!").build()) == (DONE, 3, b"!", 0)
    assert inflater.run(b"") == (DONE, 0, b"", 0)
    assert inflater.run(TAIL) == (DONE, 0, b"", 0)


# ------------------------------------------------------------------- windows


@every_cpu
@pytest.mark.parametrize("move", [False, True], ids=["slide", "move"])
@pytest.mark.parametrize("fresh", [4096, 4097, 32768, 50001, 1 << 20])
@pytest.mark.parametrize("size", [997, 1 << 17])
def test_decodes_through_any_window(size, fresh, move, cpu):
    """Neither the window's size shows, nor if it slides or is exchanged."""
    plain = prose(150_000) + HISTORY + HISTORY + bytes(100_000) + prose(50_000)
    packed = deflate(plain)

    outcome = feed(
        Inflater(cpu=cpu, fresh=fresh),
        piecewise(packed + TAIL, size),
        move=move,
    )

    assert Outcome(DONE, plain, TAIL, 0) == outcome


@every_cpu
def test_reaches_32768_bytes_back_anywhere_in_the_window(cpu):
    """The farthest match works at every place a window can end."""
    tokens = [
        token for i in range(700) for token in (i % 256, Match(94, 32768))
    ]
    packed = Stream().stored(HISTORY, final=False).fixed(tokens).build()

    outcome = feed(Inflater(cpu=cpu, fresh=FRESH_MIN), [packed])

    assert Outcome(DONE, HISTORY + expand(tokens, HISTORY), b"", 0) == outcome


@every_cpu
def test_hands_out_full_windows(cpu):
    """A span is as long as the window is fresh, plus some slack."""
    inflater = Inflater(cpu=cpu, fresh=FRESH_MIN)
    rest = deflate(bytes(100_000))

    result, consumed, span, _ = inflater.run(rest)
    while result == SPAN:
        assert FRESH_MIN <= len(span) <= FRESH_MIN + SLACK
        rest = rest[consumed:]
        result, consumed, span, _ = inflater.run(rest)

    assert (result, rest[consumed:]) == (DONE, b"")


@every_cpu
def test_leaves_a_span_alone_after_a_move(cpu):
    """While the next window is filled, the last span stays as it was."""
    inflater = Inflater(cpu=cpu, fresh=FRESH_MIN)
    packed = deflate(prose(20_000))

    _, consumed, span, _ = inflater.run(packed)
    kept = inflater.view()
    inflater.move()
    _, _, following, _ = inflater.run(packed[consumed:])

    assert span == kept
    assert prose(20_000).startswith(span + following)


@pytest.mark.parametrize("fresh", [0, FRESH_MIN - 1, 1 << 63])
def test_refuses_a_window_of_a_wrong_size(fresh):
    """A window too small, or too large to exist, gives no decoder."""
    with pytest.raises(MemoryError):
        Inflater(fresh=fresh)


@every_cpu
@false_streams
def test_repeats_a_refusal_until_it_is_reset(name, cpu):
    """A refused stream stays refused; a new one is taken."""
    inflater = Inflater(cpu=cpu)
    first = feed(inflater, [FALSE_STREAMS[name][0].build() + bytes(600)])

    again = inflater.run(Stream().fixed(b"fine").build())
    fresh = feed(inflater, [Stream().fixed(b"fine").build()])

    assert (ERROR, 0, b"", first.reason) == again
    assert Outcome(DONE, b"fine", b"", 0) == fresh


# ------------------------------------------------------------- against zlib


@every_cpu
def test_hashes_meanwhile_where_that_is_for_nothing(cpu):
    """
    A long stream takes many blocks along, if the CPU has what it needs.
    """
    plain = prose(1 << 20)
    inflater = Inflater(cpu=cpu)

    outcome = feed(inflater, [deflate(plain)])

    assert (DONE, plain) == outcome[:2]
    assert hashes_meanwhile(cpu) == (inflater.shadow is not None)
    if inflater.shadow is not None:
        assert inflater.shadow.done >= 100


@without_mprotect
@every_cpu
def test_reads_no_byte_behind_its_input(cpu):
    """
    The page there may not be read, wherever a stream is cut.
    """
    plain = prose(6000)
    packed = deflate(plain)
    fence = Fence()
    inflater = Inflater(cpu=cpu)

    for size in range(len(packed)):
        inflater.reset()
        result, _, span, _ = inflater.run(fence.at_end(packed[:size]))
        assert (NEED, True) == (result, plain.startswith(span))


@every_cpu
@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("level", range(10))
def test_decodes_whatever_zlib_makes(level, strategy, cpu):
    """Each level, strategy, window and memory level round-trips."""
    plain = prose(3000, level) + noise(300) + prose(700, level)
    inflater = Inflater(cpu=cpu)

    for wbits, mem_level in product(range(9, 16), range(1, 10)):
        packed = deflate(plain, level, strategy, -wbits, mem_level)

        assert Outcome(DONE, plain, b"", 0) == feed(inflater, [packed])


def small_streams() -> list[bytes]:
    """Short streams of every kind, most of them with several blocks."""
    texts = [b"", b"a", b"abcabcabc", prose(80), prose(600), noise(40)]
    texts += [bytes(300), bytes(range(256)), prose(400)[:200] * 3]
    made = [
        deflate(text, level, strategy, mem_level=1)
        for text in texts
        for level, strategy in product((1, 6), STRATEGIES)
    ]
    written = [
        stream.build()
        for stream in [
            *(stream for stream, _ in TRUE_STREAMS.values()),
            *(stream for stream, _, _ in FALSE_STREAMS.values()),
        ]
    ]
    return made + [packed for packed in written if len(packed) < 2000]


def mutants(count: int, seed: int) -> Iterator[bytes]:
    """*count* short streams with a few bits or bytes wrong."""
    rng = random.Random(seed)
    originals = small_streams()
    for _ in range(count):
        packed = bytearray(rng.choice(originals))
        for _ in range(rng.randint(1, 3)):
            # Headers are short and most of what can be wrong is there.
            reach = min(len(packed), rng.choice((4, 40, 10_000)))
            place = rng.randrange(reach)
            kind = rng.randrange(8)
            if kind < 5:
                packed[place] ^= 1 << rng.randrange(8)
            elif kind == 5:
                packed[place] = rng.randrange(256)
            elif kind == 6:
                packed.insert(place, rng.randrange(256))
            else:
                del packed[place + 1 :]
        yield bytes(packed)


def zlib_outcome(packed: bytes) -> Outcome:
    """What zlib makes of *packed*; refused, what it gave byte by byte."""
    decoder = zlib.decompressobj(-15)
    try:
        plain = decoder.decompress(packed)
    except zlib.error:
        return Outcome(ERROR, bytewise(packed), b"", 0)
    result = DONE if decoder.eof else NEED
    return Outcome(result, plain, decoder.unused_data, 0)


def bytewise(packed: bytes) -> bytes:
    """What zlib gives of a stream before it refuses it."""
    decoder = zlib.decompressobj(-15)
    plain = bytearray()
    with contextlib.suppress(zlib.error):
        for piece in piecewise(packed, 1):
            plain += decoder.decompress(piece)
    return bytes(plain)


def test_mutants_are_of_every_kind():
    """Not all mutants fail: zlib takes, refuses and awaits many."""
    results = [zlib_outcome(packed).result for packed in mutants(2000, 0)]

    assert min(map(results.count, (DONE, NEED, ERROR))) > 200


@every_cpu
@pytest.mark.parametrize("seed", range(20))
def test_agrees_with_zlib_on_mutants(seed, cpu):
    """
    Taken or refused, content and rest are what zlib says they are.

    A header is refused as a whole, by zlib as soon as possible: where one
    refuses and the other awaits more, it refuses too when it gets more.
    """
    inflater = Inflater(cpu=cpu)

    for packed in mutants(1500, seed):
        ours = feed(inflater, [packed])
        theirs = zlib_outcome(packed)
        if {ours.result, theirs.result} == {NEED, ERROR}:
            packed += bytes(600)
            ours = feed(inflater, [packed])
            theirs = zlib_outcome(packed)

        assert theirs.result == ours.result, packed.hex()
        if ours.result == ERROR:
            assert ours.plain.startswith(theirs.plain), packed.hex()
            assert ours.reason != lib.UW_WHY_NONE
        elif ours.result == DONE:
            assert theirs == ours, packed.hex()
        else:
            assert theirs.plain == ours.plain, packed.hex()


@every_cpu
@pytest.mark.parametrize("seed", range(100, 104))
def test_decodes_mutants_alike_a_byte_at_a_time(seed, cpu):
    """The careful loop alone gives what both loops together give."""
    inflater = Inflater(cpu=cpu)

    for packed in mutants(400, seed):
        whole = feed(inflater, [packed])
        pieces = feed(inflater, piecewise(packed, 1))

        assert whole[:2] == pieces[:2], packed.hex()
        assert whole.reason == pieces.reason, packed.hex()
