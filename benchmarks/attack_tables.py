"""
What readers made of attacks, as the tables of the README.

What is told is JSON: `versions` of the readers; `cases`, the group of each
case by its name; `letters`, by reader one of `LETTERS` for each case.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

Told = dict[str, Any]

# What groups of attacks are called in the table, in its order.
GROUPS = {
    "names": "names",
    "kinds": "types",
    "structure": "structure",
    "content": "content",
    "limits": "bombs",
    "links": "links",
    "record": "RECORD",
    "wheel": "metadata",
    "filename": "metadata",
}

LETTERS = {
    "A": "accepted",
    "O": "accepted, another tree",
    "R": "refused",
    "L": "refused, left files",
    "E": "escaped",
    "C": "crashed",
}
SOUND_ONES = "sound"  # the group of what is no attack


# In the README, around the tables.
MARKS = ("<!-- attacks -->", "<!-- end of attacks -->")


def put_into(readme: Path, lines: Iterable[str]) -> None:
    """Write *lines* between the two marks of *readme*."""
    head, first, rest = readme.read_text().partition(MARKS[0])
    _, last, tail = rest.partition(MARKS[1])
    text = "\n".join(lines)
    readme.write_text(f"{head}{first}\n{text}\n{last}{tail}")


def tables(told: Told) -> Iterator[str]:
    """The Markdown of the README: all attacks, then those taken by kind."""
    attacks = [
        group for group in told["cases"].values() if group != SOUND_ONES
    ]
    sizes = Counter(attacks)
    kinds = [
        kind
        for kind in dict.fromkeys([*GROUPS.values(), *sizes])
        if sizes[kind]
    ]
    sound = len(told["cases"]) - len(attacks)
    yield (
        f"| of {len(attacks)} attacks | accepted silently | refused | refused,"
        " but left files | escaped | crashed |"
        f" of {sound} sound: right tree | another tree | refused |"
    )
    yield "| --- |" + " ---: |" * 8
    for reader, letters in told["letters"].items():
        bad, good = map(Counter, _parted(told, letters))
        cells = [
            *(bad["A"], bad["R"], bad["L"], bad["E"], bad["C"]),
            *(good["A"], good["O"], sum(map(good.get, "RLEC", [0] * 4))),
        ]
        yield _row(reader, cells)
    yield ""
    yield (
        "| not refused, of | "
        + " | ".join(f"{sizes[kind]} {kind}" for kind in kinds)
        + " |"
    )
    yield "| --- |" + " ---: |" * len(kinds)
    for reader, letters in told["letters"].items():
        taken = Counter(
            group
            for group, letter in zip(
                told["cases"].values(), letters, strict=True
            )
            if letter not in "RL"
        )
        yield _row(reader, [taken[kind] for kind in kinds])
    yield ""
    versions = told["versions"].items()
    yield ", ".join(f"{name} {number}" for name, number in versions) + "."


def _row(title: str, cells: Sequence[int]) -> str:
    return f"| {title} | " + " | ".join(map(str, cells)) + " |"


def _parted(told: Told, letters: str) -> tuple[list[str], list[str]]:
    """The letters of attacks, and those of sound wheels."""
    attacks: list[str] = []
    sound: list[str] = []
    for group, letter in zip(told["cases"].values(), letters, strict=True):
        (sound if group == SOUND_ONES else attacks).append(letter)
    return attacks, sound


def is_wrong(told: Told) -> bool:
    """Whether unwheel is wrong about any of them."""
    parted = [
        _parted(told, letters)
        for reader, letters in told["letters"].items()
        if reader.startswith("unwheel")
    ]
    return any(
        set(attacks) - {"R"} or set(sound) - {"A"} for attacks, sound in parted
    )
