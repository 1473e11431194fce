"""
Quantities, as they are typed: counts, sizes and times.

A reader of one takes its text, and raises `argparse.ArgumentTypeError` for
what is none.
"""

from __future__ import annotations

from argparse import ArgumentTypeError

from .policy import MTIMES

MOST = (1 << 63) - 1  # what the core can hold


def number(text: str) -> int:
    """Read a count: decimal digits, nothing else."""
    if not _is_digits(text) or int(text) > MOST:
        raise ArgumentTypeError(f"{text!r} is not a number")
    return int(text)


def positive(text: str) -> int:
    """Read a count of at least 1."""
    if (count := number(text)) == 0:
        raise ArgumentTypeError("at least 1 is needed")
    return count


def size(text: str) -> int:
    """Read a size as GNU does: 64K and 64KiB are 65,536, 64kB is 64,000."""
    digits = text.rstrip("BIKMGTbikmgt")
    factor = _unit(text[len(digits) :].lower())
    whole, _, part = digits.partition(".")
    if factor and _is_digits(whole) and (not part or _is_digits(part)):
        parts: int = 10 ** len(part)
        found = int(whole + part) * factor // parts
        if found <= MOST:
            return found
    raise ArgumentTypeError(
        f"{text!r} is not a size such as 500000, 64K or 1.5G"
    )


def mtime(text: str) -> str | int:
    """Read a time of modification: one of `MTIMES`, or seconds since 1970."""
    if text in MTIMES:
        return text
    if not _is_digits(text) or int(text) > MOST:
        raise ArgumentTypeError(
            f"{text!r} is none of {', '.join(MTIMES)}, nor seconds since 1970"
        )
    return int(text)


def short_size(count: int) -> str:
    """Write *count* bytes exactly, in the words that `size` reads."""
    for power, unit in ((4, "T"), (3, "G"), (2, "M"), (1, "K")):
        if count and count % 1024**power == 0:
            return f"{count // 1024**power}{unit}"
    return str(count)


def _unit(suffix: str) -> int | None:
    """Bytes of a unit: "", "b", "k", "kib", "kb" and so on."""
    if suffix in ("", "b"):
        return 1
    power = "kmgt".find(suffix[0]) + 1
    base = {"": 1024, "ib": 1024, "b": 1000}.get(suffix[1:])
    return base**power if power and base else None


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 20
