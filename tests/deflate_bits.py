"""DEFLATE streams written bit by bit (RFC 1951), true or lying."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

END_OF_BLOCK = 256

# RFC 1951, 3.2.5: the smallest length or distance of each code, extra bits.
LENGTHS = [
    *((3 + i, 0) for i in range(8)),
    *((11 + 2 * i, 1) for i in range(4)),
    *((19 + 4 * i, 2) for i in range(4)),
    *((35 + 8 * i, 3) for i in range(4)),
    *((67 + 16 * i, 4) for i in range(4)),
    *((131 + 32 * i, 5) for i in range(4)),
    (258, 0),
]
DISTANCES = [(1, 0), (2, 0)] + [
    (2 * base + half * base + 1, extra)
    for extra, base in enumerate(1 << i for i in range(14))
    for half in (0, 1)
]

# RFC 1951, 3.2.6
FIXED_LITLEN = dict(enumerate([8] * 144 + [9] * 112 + [7] * 24 + [8] * 8))
FIXED_DIST = dict.fromkeys(range(32), 5)

# RFC 1951, 3.2.7
PRECODE_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2]
PRECODE_ORDER += [14, 1, 15]


@dataclass(frozen=True)
class Match:
    """*length* bytes from *distance* bytes back."""

    length: int
    distance: int


@dataclass(frozen=True)
class Symbols:
    """Symbols as they are: of the first code, then maybe of the second."""

    litlen: int
    extra: tuple[int, int] = (0, 0)  # value, bits
    dist: int | None = None
    dist_extra: tuple[int, int] = (0, 0)


Token = int | Match | Symbols  # an int is a literal


def code_of(value: int, table: Sequence[tuple[int, int]]) -> tuple[int, ...]:
    """The code for a length or distance, its extra value, its extra bits."""
    code = max(i for i, (base, _) in enumerate(table) if base <= value)
    base, extra = table[code]
    return code, value - base, extra


def canonical(lengths: Mapping[int, int]) -> dict[int, tuple[int, int]]:
    """Each symbol's code and its length (RFC 1951, 3.2.2)."""
    codes = {}
    code = previous = 0
    for length, symbol in sorted((n, s) for s, n in lengths.items() if n):
        code <<= length - previous
        codes[symbol] = (code, length)
        code += 1
        previous = length
    return codes


def expand(tokens: Iterable[Token], before: bytes = b"") -> bytes:
    """What *tokens* stand for, after *before*."""
    plain = bytearray(before)
    for token in tokens:
        if isinstance(token, Match):
            for _ in range(token.length):
                plain.append(plain[-token.distance])
        else:
            plain.append(token)
    return bytes(plain[len(before) :])


def balanced(symbols: Sequence[int]) -> dict[int, int]:
    """Code lengths for *symbols* that use up the code space, nearly alike."""
    longest = max(1, (len(symbols) - 1).bit_length())
    short = (1 << longest) - len(symbols)
    return {
        symbol: longest - (i < short and longest > 1)
        for i, symbol in enumerate(symbols)
    }


def skewed(symbols: Sequence[int]) -> dict[int, int]:
    """Code lengths 1 to 10 for the first ten *symbols*, longer for others."""
    lengths = {symbol: i + 1 for i, symbol in enumerate(symbols[:10])}
    rest = balanced(symbols[10:])
    return lengths | {symbol: n + 10 for symbol, n in rest.items()}


class Stream:
    """A DEFLATE stream, put together block by block."""

    def __init__(self) -> None:
        """Begin with no bit."""
        self._value = 0
        self._width = 0

    def bits(self, value: int, width: int) -> Stream:
        """Append *value*, lowest bit first."""
        self._value |= value << self._width
        self._width += width
        return self

    def code(self, code: int, length: int) -> Stream:
        """Append a Huffman code, highest bit first."""
        for bit in reversed(range(length)):
            self.bits(code >> bit & 1, 1)
        return self

    def header(self, kind: int, final: bool) -> Stream:
        """Append the three bits of a block of type *kind*."""
        return self.bits(final, 1).bits(kind, 2)

    def stored(
        self, data: bytes, *, final: bool = True, complement: int | None = None
    ) -> Stream:
        """Append a stored block; *complement* may be a lie."""
        self.header(0, final).bits(0, -self._width % 8)
        size = len(data)
        self.bits(size, 16)
        self.bits(size ^ 0xFFFF if complement is None else complement, 16)
        return self.bits(int.from_bytes(data, "little"), 8 * size)

    def fixed(
        self, tokens: Iterable[Token], *, final: bool = True, end: bool = True
    ) -> Stream:
        """Append a block with the fixed codes."""
        self.header(1, final)
        return self.tokens(tokens, FIXED_LITLEN, FIXED_DIST, end=end)

    def dynamic(
        self,
        tokens: Iterable[Token],
        litlen: Mapping[int, int],
        dist: Mapping[int, int],
        *,
        final: bool = True,
        end: bool = True,
    ) -> Stream:
        """Append a block with codes of the given lengths, which may lie."""
        litlen_count = max(257, *(symbol + 1 for symbol in litlen))
        dist_count = max(1, *(symbol + 1 for symbol in [0, *dist]))
        lengths = [litlen.get(i, 0) for i in range(litlen_count)]
        lengths += [dist.get(i, 0) for i in range(dist_count)]
        self.counts(litlen_count, dist_count, final=final)
        self.precode(dict.fromkeys(range(16), 4))
        for length in lengths:
            self.code(length, 4)
        return self.tokens(tokens, litlen, dist, end=end)

    def counts(self, litlen: int, dist: int, *, final: bool = True) -> Stream:
        """Append the beginning of a block with codes of its own."""
        return self.header(2, final).bits(litlen - 257, 5).bits(dist - 1, 5)

    def precode(self, lengths: Mapping[int, int]) -> Stream:
        """Append the code lengths of the code for code lengths."""
        self.bits(len(PRECODE_ORDER) - 4, 4)
        for symbol in PRECODE_ORDER:
            self.bits(lengths.get(symbol, 0), 3)
        return self

    def runs(
        self, runs: Iterable[int | tuple[int, int]], lengths: Mapping[int, int]
    ) -> Stream:
        """
        Append code lengths in a precode of the given *lengths*.

        A pair is the code 16, 17 or 18 and how often it repeats.
        """
        codes = canonical(lengths)
        for run in runs:
            symbol, count = run if isinstance(run, tuple) else (run, 0)
            self.code(*codes[symbol])
            if isinstance(run, tuple):
                least, extra = {16: (3, 2), 17: (3, 3), 18: (11, 7)}[symbol]
                self.bits(count - least, extra)
        return self

    def tokens(
        self,
        tokens: Iterable[Token],
        litlen: Mapping[int, int],
        dist: Mapping[int, int],
        *,
        end: bool = True,
    ) -> Stream:
        """Append *tokens* in canonical codes, and maybe the end of block."""
        litlen_codes = canonical(litlen)
        dist_codes = canonical(dist)
        for token in tokens:
            symbols = as_symbols(token)
            self.code(*litlen_codes[symbols.litlen]).bits(*symbols.extra)
            if symbols.dist is not None:
                self.code(*dist_codes[symbols.dist])
                self.bits(*symbols.dist_extra)
        if end:
            self.code(*litlen_codes[END_OF_BLOCK])
        return self

    def build(self) -> bytes:
        """The stream, its last byte filled with zeros."""
        return self._value.to_bytes((self._width + 7) // 8, "little")


def as_symbols(token: Token) -> Symbols:
    """The symbols for *token*, with the extra bits that belong to them."""
    if isinstance(token, Symbols):
        return token
    if isinstance(token, int):
        return Symbols(token)
    code, value, bits = code_of(token.length, LENGTHS)
    dist, dist_value, dist_bits = code_of(token.distance, DISTANCES)
    return Symbols(257 + code, (value, bits), dist, (dist_value, dist_bits))
