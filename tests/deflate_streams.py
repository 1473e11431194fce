"""DEFLATE streams of every form (RFC 1951), true and false."""

from __future__ import annotations

from deflate_bits import (
    DISTANCES,
    END_OF_BLOCK,
    Match,
    Stream,
    Symbols,
    Token,
    balanced,
    expand,
    skewed,
)
from places import noise

HISTORY = noise(32768)
SKEWED_LITLEN = skewed(
    [
        *(101, END_OF_BLOCK, 265, 258, 0, 257, 255, 7, 259, 270),
        *(*range(260, 265), *range(20, 30)),
        *(*range(266, 270), *range(271, 274), 285),
    ]
)
SKEWED_DIST = skewed([3, 1, 29, 0, 28, 2, 7, 6, 5, 4, *range(8, 28)])

ALL_LENGTHS: list[Token] = [65, *(Match(n, 1) for n in range(3, 259))]
ALL_DISTANCES: list[Token] = [
    Match(3 + i % 8, distance)
    for i, (base, extra) in enumerate(DISTANCES)
    for distance in (base, base + (1 << extra) - 1)
]
ALL_SKEWED = [
    *(symbol for symbol in SKEWED_LITLEN if symbol < 256),
    *(Match(n, d) for n in (3, 4, 12, 258) for d in (1, 4, 5, 32768)),
    *ALL_DISTANCES,
]

TRUE_STREAMS: dict[str, tuple[Stream, bytes]] = {
    "an empty stored block": (Stream().stored(b""), b""),
    "a stored block": (Stream().stored(b"plain"), b"plain"),
    "the longest stored block": (Stream().stored(noise(65535)), noise(65535)),
    "stored blocks, some of them empty": (
        Stream()
        .stored(b"a", final=False)
        .stored(b"", final=False)
        .stored(b"b" * 5000, final=False)
        .stored(b""),
        b"a" + b"b" * 5000,
    ),
    "a stored block after part of a byte": (
        Stream().fixed(b"xyz", final=False).stored(b"plain"),
        b"xyzplain",
    ),
    "empty fixed blocks": (
        Stream().fixed([], final=False).fixed([], final=False).fixed([]),
        b"",
    ),
    "fixed codes after others": (
        Stream()
        .fixed(b"one", final=False)
        .dynamic(b"no", balanced([110, 111, END_OF_BLOCK]), {}, final=False)
        .fixed([*b"two", Match(8, 2)]),
        b"onenotwowowowowo",
    ),
    "every literal": (Stream().fixed(range(256)), bytes(range(256))),
    "every length": (Stream().fixed(ALL_LENGTHS), expand(ALL_LENGTHS)),
    "length 258 as 227 and 31": (
        Stream().fixed([65, Symbols(284, (31, 5), 0)]),
        b"A" * 259,
    ),
    "every distance code": (
        Stream().stored(HISTORY, final=False).fixed(ALL_DISTANCES),
        HISTORY + expand(ALL_DISTANCES, HISTORY),
    ),
    "no distance code": (
        Stream().dynamic(b"abab", balanced([97, 98, END_OF_BLOCK]), {}),
        b"abab",
    ),
    "one distance code of one bit": (
        Stream().dynamic(
            [97, Match(3, 1), 97, Match(3, 1)],
            balanced([97, END_OF_BLOCK, 257]),
            {0: 1},
        ),
        b"a" * 8,
    ),
    "the last distance code alone": (
        Stream()
        .stored(HISTORY, final=False)
        .dynamic([Match(3, 32768)], balanced([END_OF_BLOCK, 257]), {29: 1}),
        HISTORY + HISTORY[:3],
    ),
    "an end-of-block code of one bit alone": (
        Stream().dynamic([], {END_OF_BLOCK: 1}, {}),
        b"",
    ),
    "codes of 1 to 15 bits": (
        Stream()
        .stored(HISTORY, final=False)
        .dynamic(ALL_SKEWED[:-1], SKEWED_LITLEN, SKEWED_DIST, final=False)
        .dynamic(ALL_SKEWED[-1:], SKEWED_LITLEN, SKEWED_DIST),
        HISTORY + expand(ALL_SKEWED, HISTORY),
    ),
    "a run of code lengths across both codes": (
        Stream()
        .counts(258, 2)
        .precode({0: 2, 1: 2, 18: 2, 16: 2})
        .runs(
            [0, (18, 138), (18, 117), 1, (16, 3)], {0: 2, 1: 2, 18: 2, 16: 2}
        )
        .bits(0, 1),
        b"",
    ),
}

PRECODE = {0: 3, 1: 3, 2: 3, 16: 3, 17: 2, 18: 2}
TWO_LITERALS = balanced([97, 98, END_OF_BLOCK, 257])

# What is wrong, why it is refused, and what comes before it.
FALSE_STREAMS: dict[str, tuple[Stream, str, bytes]] = {
    "a block of type 3": (Stream().header(3, True), "BLOCK_TYPE", b""),
    "a stored length without its complement": (
        Stream().fixed(b"ok", final=False).stored(b"no", complement=0xFFFC),
        "STORED_LENGTH",
        b"ok",
    ),
    **{
        f"{litlen} and {dist} codes": (
            Stream().counts(litlen, dist),
            "CODE_COUNTS",
            b"",
        )
        for litlen, dist in [(287, 1), (288, 1), (257, 31), (257, 32)]
    },
    **{
        f"a precode of {lengths}": (
            Stream().counts(257, 1).precode(lengths),
            "CODE_LENGTHS",
            b"",
        )
        for lengths in [{}, {0: 1}, {0: 1, 1: 2}, {0: 1, 1: 1, 18: 7}]
    },
    "a repetition of nothing": (
        Stream()
        .counts(257, 1)
        .precode(PRECODE)
        .runs([(16, 3), (18, 138), (18, 115), 1, 1], PRECODE),
        "CODE_LENGTHS",
        b"",
    ),
    "code lengths beyond the last symbol": (
        Stream()
        .counts(257, 1)
        .precode(PRECODE)
        .runs([(18, 138), (18, 118), 1, (17, 3)], PRECODE),
        "CODE_LENGTHS",
        b"",
    ),
    "no end-of-block code": (
        Stream().dynamic(b"ab", {97: 1, 98: 1}, {}, end=False),
        "CODE_LENGTHS",
        b"",
    ),
    **{
        f"codes of {litlen} and {dist}": (
            Stream().dynamic([], litlen, dist, end=False),
            "CODE_LENGTHS",
            b"",
        )
        for litlen, dist in [
            ({END_OF_BLOCK: 2}, {}),
            ({97: 1, END_OF_BLOCK: 2}, {}),
            ({97: 1, 98: 1, END_OF_BLOCK: 1}, {}),
            ({97: 1, 98: 2, 99: 2, END_OF_BLOCK: 15}, {}),
            (TWO_LITERALS, {0: 2}),
            (TWO_LITERALS, {0: 1, 1: 2}),
            (TWO_LITERALS, {0: 1, 1: 1, 2: 1}),
            (TWO_LITERALS, {0: 1, 1: 2, 2: 2, 29: 15}),
        ]
    },
    "the code that an alphabet of one lacks": (
        Stream().dynamic([], {END_OF_BLOCK: 1}, {}, end=False).bits(1, 1),
        "SYMBOL",
        b"",
    ),
    "a distance where there is no code": (
        Stream().dynamic([97, Symbols(257)], TWO_LITERALS, {}),
        "SYMBOL",
        b"a",
    ),
    "the distance that an alphabet of one lacks": (
        Stream()
        .dynamic([97, Symbols(257)], TWO_LITERALS, {0: 1}, end=False)
        .bits(1, 1),
        "SYMBOL",
        b"a",
    ),
    **{
        f"symbol {symbol}": (
            Stream().fixed([97, 98, Symbols(symbol)]),
            "SYMBOL",
            b"ab",
        )
        for symbol in (286, 287)
    },
    **{
        f"distance code {symbol}": (
            Stream().fixed([97, 98, Symbols(257, dist=symbol)]),
            "SYMBOL",
            b"ab",
        )
        for symbol in (30, 31)
    },
    "a match before any byte": (
        Stream().fixed([Match(3, 1)]),
        "DISTANCE",
        b"",
    ),
    "a match that begins one byte before the first": (
        Stream().fixed([*b"abcd", Match(3, 4), Match(3, 8)]),
        "DISTANCE",
        b"abcdabc",
    ),
    "the longest distance, one byte too early": (
        Stream().stored(HISTORY[1:], final=False).fixed([Match(3, 32768)]),
        "DISTANCE",
        HISTORY[1:],
    ),
}
