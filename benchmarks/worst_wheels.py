"""
The worst wheels: for each stage the input that makes a byte cost most.

Each is built by code from a number, and grows with it in proportion.  What
would hide behind compression is stored, so that a byte of work is a byte of
the wheel; what is packed to nothing stands among the bombs.
"""

from __future__ import annotations

import random
import stat
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(1, str(Path(__file__).resolve().parent.parent / "tests"))

from builder import STORED, WheelBuilder
from deflate_bits import Match, Stream, canonical
from places import PLATFORM_TAG

MIB = 1 << 20
DEEPEST = 128

Build = Callable[[int], WheelBuilder]

VERIFY = ("verify",)
EXTRACT = ("extract",)
LIST = ("list",)
LINKS = ("list", "--links")


@dataclass(frozen=True)
class Worst:
    """
    A kind of input that is as bad for a stage as we know.

    Attributes:
        stage: Which has the work.
        name: What is bad about it.
        build: Makes one of a size.
        count: The size to begin with; eight times that is within all limits.
        command: The command that it is for.
    """

    stage: str
    name: str
    build: Build
    count: int
    command: tuple[str, ...] = VERIFY


# ------------------------------------------------------------------- inflate


def packed(stream: bytes, plain: bytes = b"") -> WheelBuilder:
    """A wheel with one member, of *plain* bytes that *stream* stands for."""
    return WheelBuilder("demo", "1.0", PLATFORM_TAG).file(
        "demo/data", plain, packed=stream
    )


def repeated(block: Callable[[Stream], Stream], count: int) -> bytes:
    """
    *count* times a block that is not the last, and a last one.

    Eight blocks fill whole bytes, whatever the length of one.
    """
    eight = Stream()
    for _ in range(8):
        block(eight)
    return eight.build() * -(-count // 8) + Stream().fixed([]).build()


def empty_stored(count: int) -> WheelBuilder:
    """Blocks that hold nothing, of five bytes."""
    return packed(b"\0\0\0\xff\xff" * count + Stream().fixed([]).build())


def empty_fixed(count: int) -> WheelBuilder:
    """Blocks that hold nothing, of ten bits."""
    return packed(repeated(lambda s: s.fixed([], final=False), count))


def full_tables(count: int) -> WheelBuilder:
    """All 286 and 30 symbols have a code, in 32 bytes: 14 bits, most runs."""
    litlen = [8] * 226 + [9] * 60
    dist = [4] * 2 + [5] * 28
    return packed(repeated(lambda s: _tables(s, litlen, dist), count))


def long_codes(count: int) -> WheelBuilder:
    """Nearly all codes are of 15 bits, behind tables of tables."""
    litlen = [*range(1, 8), *[15] * 256]
    dist = [*range(1, 12), *[15] * 16]
    return packed(repeated(lambda s: _tables(s, litlen, dist), count))


def _tables(stream: Stream, litlen: list[int], dist: list[int]) -> Stream:
    """A block of nothing but its codes, told in as few bits as can be."""
    runs = list(_runs([*litlen, *dist]))
    used = {run if isinstance(run, int) else run[0] for run in runs}
    precode = _short_for_runs(sorted(used))
    stream.counts(len(litlen), len(dist), final=False).precode(precode)
    stream.runs(runs, precode)
    return stream.code(*canonical(dict(enumerate(litlen)))[256])


def _runs(lengths: Iterable[int]) -> Iterable[int | tuple[int, int]]:
    """The *lengths* with code 16 for all that repeats."""
    left = list(lengths)
    while left:
        length = left.pop(0)
        yield length
        count = next(
            (k for k, other in enumerate(left) if other != length), len(left)
        )
        while count >= 3:
            taken = min(count, 6 if count - 6 not in (1, 2) else 3)
            yield 16, taken
            del left[:taken]
            count -= taken


def _short_for_runs(symbols: list[int]) -> Mapping[int, int]:
    """A complete code: one bit for a run, the others nearly alike."""
    others = [symbol for symbol in symbols if symbol != 16]
    width = max(1, (len(others) - 1).bit_length())
    short = (1 << width) - len(others)
    return {16: 1} | {
        symbol: 1 + width - (k < short) for k, symbol in enumerate(others)
    }


def literals(count: int) -> WheelBuilder:
    """Nothing but literals of nine bits."""
    tokens = list(range(144, 256)) * 8
    piece = Stream().fixed(tokens, final=False).fixed(tokens, final=False)
    for _ in range(6):
        piece.fixed(tokens, final=False)
    repeats = -(-count // (8 * len(tokens)))
    stream = piece.build() * repeats + Stream().fixed([]).build()
    return packed(stream, bytes(tokens) * 8 * repeats)


def short_matches(count: int) -> WheelBuilder:
    """Nothing but matches of three bytes, from as far away as can be."""
    before = random.Random(0).randbytes(32768)
    tokens = [Match(3, 32768)] * 512
    eight = Stream()
    for _ in range(8):
        eight.fixed(tokens, final=False)
    repeats = -(-count // (8 * len(tokens)))
    stream = Stream().stored(before, final=False).build()
    stream += eight.build() * repeats + Stream().fixed([]).build()
    plain = before * (2 + 8 * 3 * 512 * repeats // len(before))
    return packed(stream, plain[: len(before) + 8 * 3 * 512 * repeats])


def zeros(count: int) -> WheelBuilder:
    """As many bytes from one as there can be: 1,030."""
    return packed_zeros(count)


def packed_zeros(size: int, **lies: object) -> WheelBuilder:
    """A member of *size* zeros, packed as well as can be."""
    return WheelBuilder("demo", "1.0", PLATFORM_TAG).file(
        "demo/data", bytes(size), level=9, **lies
    )


# ------------------------------------------------------------------- members


def wheel() -> WheelBuilder:
    """A wheel that may have links, with one file."""
    return WheelBuilder("demo", "1.0", PLATFORM_TAG).file("f", b"x")


def named(names: Iterable[str], **more: object) -> WheelBuilder:
    """A wheel of empty files of these *names*."""
    builder = wheel()
    for name in names:
        builder.file(name, b"", method=STORED, **more)
    return builder


def tiny(count: int) -> WheelBuilder:
    """Members of nothing, of the shortest names."""
    return named(f"d/{k:x}" for k in range(count))


def long_names(count: int) -> WheelBuilder:
    """Names of 4 KB, all in one directory."""
    folder = "/".join(["d" * 255] * 14)
    return named(f"{folder}/{'f' * 240}{k}" for k in range(count))


def deep_names(count: int) -> WheelBuilder:
    """Each name has 127 directories of its own."""
    return named(f"{k}/" + "d/" * (DEEPEST - 2) + "x" for k in range(count))


def backwards(count: int) -> WheelBuilder:
    """The last member is listed first."""
    builder = tiny(count)
    return builder.directory_order(*reversed(range(count + 4)))


def by_turns(count: int) -> WheelBuilder:
    """The first is listed first, then the last, the second, and so on."""
    builder = tiny(count)
    last = count + 3
    order = [k // 2 if k % 2 == 0 else last - k // 2 for k in range(last + 1)]
    return builder.directory_order(*order)


def described(count: int) -> WheelBuilder:
    """A data descriptor behind each."""
    builder = wheel()
    for k in range(count):
        builder.file(f"d/{k:x}", b"", descriptor="signed")
    return builder


def extras(count: int) -> WheelBuilder:
    """Just so many extra fields that they need a map."""
    fields = [(0x7000 + k, b"") for k in range(9)]
    return named((f"d/{k:x}" for k in range(count)), extra=fields)


def full_extras(count: int) -> WheelBuilder:
    """As many extra fields without content as 64 KB hold."""
    fields = [(k + 0x8000, b"") for k in range(16_383)]
    return named((f"d/{k:x}" for k in range(count)), extra=fields)


def overlapping(count: int) -> WheelBuilder:
    """Each member has all behind it as its content, but for the last."""
    builder = tiny(count)
    end = 45 * count
    for k, member in enumerate(builder.members):
        member.central = {"packed_size": end - 40 * k, "size": end - 40 * k}
        member.local = member.central
    return builder


def one_kernel(count: int) -> WheelBuilder:
    """All entries are of one member (Fifield's bomb, without quotes)."""
    builder = wheel().file("d/kernel", bytes(MIB))
    kernel = builder.members[-1]
    for k in range(count):
        builder.file(
            f"d/{k:x}",
            kernel.data,
            packed=kernel.packed,
            written=False,
            central={"header_offset": lambda _: kernel.header_offset},
        )
    return builder


def alike(count: int) -> WheelBuilder:
    """
    Members of one size and one CRC-32, that differ at the end.

    The generator polynomial, added anywhere, leaves a CRC-32 as it is.
    """
    content = random.Random(1).randbytes(16 << 10)
    value = int.from_bytes(content, "little")
    builder = wheel()
    for k in range(count):
        changed = value
        for bit in range(16):
            if k >> bit & 1:
                changed ^= 0x1DB710641 << (8 * len(content) - 60 + bit)
        builder.file(
            f"d/{k:x}", changed.to_bytes(len(content), "little"), method=STORED
        )
    return builder


# --------------------------------------------------------------------- names


def combining(count: int) -> WheelBuilder:
    """Marks in an order that has to be turned around."""
    odd = "/".join(["\u0301\u0316" * 63] * 15)
    return named(f"{k}/{odd}" for k in range(count))


def decomposing(count: int) -> WheelBuilder:
    """Letters that NFC takes apart."""
    odd = "/".join(["\U0001d160" * 63] * 15)
    return named(f"{k}/{odd}" for k in range(count))


def clashing(count: int) -> WheelBuilder:
    """Every two are one to a system that folds case."""
    return named(
        f"{letter}/{k:x}" for k in range(count // 2) for letter in "xX"
    )


def wrong(count: int) -> WheelBuilder:
    """All that can be wrong with a name is wrong with each."""
    return named(f"/../a\\\x01:/./{k}./nul" for k in range(count))


# -------------------------------------------------------------------- RECORD


def recorded(rows: Iterable[str]) -> WheelBuilder:
    """A wheel with a RECORD of these *rows*, stored."""
    text = "".join(rows)
    return wheel().info("RECORD", text, method=STORED)


def quoted_rows(count: int) -> WheelBuilder:
    """Sound rows that have to be read one by one, of files not there."""
    digest = "A" * 43
    return recorded(f'"d/{k}","sha256={digest}","1"\r\n' for k in range(count))


def bad_rows(count: int) -> WheelBuilder:
    """All that can be wrong with a row is wrong with each."""
    return recorded('"/../\\\x01",md5=x,-1\r\n' for _ in range(count))


def same_rows(count: int) -> WheelBuilder:
    """One row, again and again."""
    return recorded(["f,,\n"] * count)


def long_rows(count: int) -> WheelBuilder:
    """Names as long as a field of CSV may be, and nothing good in them."""
    return recorded(
        "\u202e" * 43_000 + f"{k},,\n" for k in range(count // 43_000)
    )


# ------------------------------------------------------------------ metadata


def headed(lines: str) -> WheelBuilder:
    """A wheel with more *lines* in its METADATA, stored."""
    return wheel().info(
        "METADATA",
        "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n" + lines,
        method=STORED,
    )


def many_headers(count: int) -> WheelBuilder:
    """The shortest, each another one."""
    return headed("".join(f"{k:x}:\n" for k in range(count)))


def folded(count: int) -> WheelBuilder:
    """One value on many lines."""
    return headed("Author-email: x\n" + " \n" * count)


def long_header(count: int) -> WheelBuilder:
    """One value of many letters, that is told if links are refused."""
    return headed(f"Author-email: {'x' * count}\n")


def long_version(count: int) -> WheelBuilder:
    """A version of more digits than Python reads."""
    return wheel().info(
        "METADATA",
        f"Metadata-Version: 2.1\nName: demo\nVersion: 1{'0' * count}\n",
        method=STORED,
    )


def many_tags(count: int) -> WheelBuilder:
    """Tags of three large sets."""
    sets = [".".join(f"{x}{k:x}" for k in range(16)) for x in "pbl"]
    tag = "-".join(sets)
    builder = WheelBuilder("demo", "1.0", tag).file("f", b"x")
    return builder.info(
        "WHEEL",
        "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n"
        + f"Tag: {tag}\n" * count,
        method=STORED,
    )


# --------------------------------------------------------------------- links


def link_chain(count: int) -> WheelBuilder:
    """Each to the next one."""
    builder = wheel()
    for k in range(count):
        builder.link(f"l{k}", f"l{k + 1}" if k + 1 < count else "f")
    return builder


def link_circle(count: int) -> WheelBuilder:
    """Each to the next one, and the last to the first."""
    builder = wheel()
    for k in range(count):
        builder.link(f"l{k}", f"l{(k + 1) % count}")
    return builder


def links_through_folders(count: int) -> WheelBuilder:
    """Each through as many folders of as long names as can be."""
    folder = "/".join(f"{'d' * 28}{k}" for k in range(100, 220))
    builder = wheel().file(f"{folder}/f", b"x")
    for k in range(count):
        builder.link(f"l{k}", f"{folder}/f")
    return builder


def links_through_links(count: int) -> WheelBuilder:
    """Each through a hundred links to folders, of which each has the next."""
    builder = wheel().file("d0/f", b"x")
    for k in range(1, 100):
        builder.link(f"d{k}/a", f"../d{k - 1}")
    for k in range(count):
        builder.link(f"d99/l{k}", "a/" * 99 + "f")
    return builder


def doubling_folders(count: int) -> WheelBuilder:
    """Folders with two links each to the one before: 2^n ways to a file."""
    builder = wheel().file("d0/f", b"x")
    for k in range(1, count // 2):
        builder.link(f"d{k}/a", f"../d{k - 1}").link(f"d{k}/b", f"../d{k - 1}")
    return builder


def growing_targets(count: int) -> WheelBuilder:
    """Each leads on through the next, and makes the way 4 KB longer."""
    builder = wheel()
    for k in range(count):
        builder.link(f"l{k}", f"l{k + 1}/{'x' * 4000}")
    return builder


def links_file(count: int) -> WheelBuilder:
    """Rows of LINKS through deep folders."""
    folder = "/".join(f"{'d' * 28}{k}" for k in range(100, 220))
    return (
        wheel()
        .file(f"{folder}/f", b"x")
        .info("WHEEL", f"Wheel-Version: 2.0\nTag: {PLATFORM_TAG}\n")
        .info(
            "METADATA",
            "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n"
            "Wheel-Version: 2.0\n",
        )
        .info(
            "LINKS",
            "".join(f"l{k},{folder}/f\n" for k in range(count)),
            method=STORED,
        )
    )


WORST = (
    Worst("inflate", "empty stored blocks", empty_stored, 400_000),
    Worst("inflate", "empty fixed blocks", empty_fixed, 400_000),
    Worst("inflate", "smallest blocks with full tables", full_tables, 8000),
    Worst("inflate", "smallest blocks with long codes", long_codes, 8000),
    Worst("inflate", "literals of nine bits", literals, 2_000_000),
    Worst("inflate", "matches of three bytes", short_matches, 1_000_000),
    Worst("inflate", "zeros", zeros, 8_000_000),
    Worst("zip", "members of nothing", tiny, 2000),
    Worst("zip", "names of 4 KB", long_names, 500),
    Worst("zip", "listed backwards", backwards, 2000),
    Worst("zip", "listed by turns", by_turns, 2000),
    Worst("zip", "data descriptors", described, 2000),
    Worst("zip", "nine extra fields each", extras, 2000),
    Worst("zip", "16,383 extra fields each", full_extras, 25),
    Worst("zip", "overlapping members", overlapping, 2000),
    Worst("zip", "one member for all entries", one_kernel, 2000),
    Worst("names", "127 directories for each", deep_names, 150),
    Worst("names", "marks to be turned around", combining, 100),
    Worst("names", "letters that decompose", decomposing, 100),
    Worst("names", "clashes of case", clashing, 2000),
    Worst("names", "wrong in every way", wrong, 2000),
    Worst("RECORD", "rows in quotes, CRLF", quoted_rows, 1200),
    Worst("RECORD", "rows wrong in every way", bad_rows, 1200),
    Worst("RECORD", "one row again and again", same_rows, 1200),
    Worst("RECORD", "rows of 128 KB", long_rows, 43_000),
    Worst("metadata", "many headers", many_headers, 60_000),
    Worst("metadata", "one value on many lines", folded, 250_000),
    Worst("metadata", "a long value", long_header, 500_000),
    Worst("metadata", "a version of many digits", long_version, 500_000),
    Worst("metadata", "tags of three sets", many_tags, 2500),
    Worst("links", "a chain", link_chain, 1200),
    Worst("links", "a circle", link_circle, 1200),
    Worst("links", "through deep folders", links_through_folders, 1000),
    Worst("links", "through a hundred links", links_through_links, 1200),
    Worst("links", "2^n ways", doubling_folders, 1200),
    Worst("links", "rows of LINKS", links_file, 125, ("verify", "--wheel2")),
    Worst("listing", "many entries", tiny, 2000, LIST),
    Worst("listing", "many links", link_chain, 1200, LINKS),
    Worst(
        "listing", "targets that go on and on", growing_targets, 1200, LINKS
    ),
    Worst("tree", "members of nothing", tiny, 1000, EXTRACT),
    Worst("tree", "127 directories for each", deep_names, 60, EXTRACT),
    Worst("tree", "one size, one CRC-32", alike, 250, EXTRACT),
)


# --------------------------------------------------------------------- bombs


@dataclass(frozen=True)
class Bomb:
    """
    A small wheel that asks for much.

    Attributes:
        name: What it asks for.
        build: Makes it.
        code: Why it is refused, or "ok": it is none, but taken within bounds.
        command: The command that it is for.
    """

    name: str
    build: Callable[[], WheelBuilder]
    code: str
    command: tuple[str, ...] = VERIFY


def _lying(size: int, stated: int) -> WheelBuilder:
    lie = {"size": stated}
    builder = packed_zeros(size, local=lie, central=lie)
    return builder.row("demo/data", size=stated)


def _counted(count: int) -> WheelBuilder:
    return wheel().end(count=count, count_here=count)


def _claiming(name: str, size: int) -> WheelBuilder:
    lie = {"size": size}
    return wheel().info(name, bytes(MIB), local=lie, central=lie)


def _directories() -> WheelBuilder:
    names = (f"{k}/" + ("d" * 30 + "/") * 126 + "x" for k in range(400))
    return named(names)


def _of_type(kind: int) -> WheelBuilder:
    return wheel().file("d/x", b"x", kind=kind)


BOMBS = (
    Bomb(
        "a member of 256 MB in 256 KB",
        lambda: packed_zeros(256 * MIB),
        "TOTAL_RATIO",
    ),
    Bomb(
        "a member of 256 MB that says it has 1 MB",
        lambda: _lying(256 * MIB, MIB),
        "SIZE",
    ),
    Bomb(
        "20,000 entries of one member", lambda: one_kernel(20_000), "OVERLAP"
    ),
    Bomb("20,000 overlapping members", lambda: overlapping(20_000), "OVERLAP"),
    Bomb(
        "65,534 entries, says the end record",
        lambda: _counted(65_534),
        "ENTRY_COUNT",
    ),
    Bomb(
        "METADATA of 1 GB, it says",
        lambda: _claiming("METADATA", 1 << 30),
        "TOTAL_RATIO",
    ),
    Bomb(
        "RECORD of 30 MB in 30 KB",
        lambda: wheel().record("x" * 30 * MIB),
        "RECORD_ROWS",
    ),
    Bomb(
        "RECORD of 10,000 bad rows in 2 KB",
        lambda: wheel().record('"/../",md5=x,-1\n' * 10_000),
        "RECORD_NAME",
    ),
    Bomb(
        "WHEEL of 4,096 tags, 20,000 times",
        lambda: many_tags(20_000),
        "ok",
    ),
    Bomb(
        "METADATA of 4 MB of digits in 4 KB",
        lambda: wheel().info(
            "METADATA", f"Name: demo\nVersion: {'1' * 4_000_000}\n"
        ),
        "METADATA_DIFFERS",
    ),
    Bomb(
        "METADATA of 1,000,000 lines in 4 KB",
        lambda: wheel().info(
            "METADATA", "Name: demo\nVersion: 1.0\n" + "a:\n" * MIB
        ),
        "ok",
    ),
    Bomb(
        "50,000 directories in 400 names", _directories, "TOO_MANY_DIRECTORIES"
    ),
    Bomb("20,000 links", lambda: link_chain(20_000), "TOO_MANY_LINKS"),
    Bomb("a device", lambda: _of_type(stat.S_IFCHR), "FILE_TYPE"),
)
