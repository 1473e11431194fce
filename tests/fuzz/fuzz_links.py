"""
Fuzz what links lead to: python tests/fuzz/fuzz_links.py SECONDS [SEED]

Wheels of few names and many links, in every encoding, some of them damaged,
are extracted by the policies that judge links.  Then the kernel is asked: each
link that was made leads to something below the root, and a wheel that was
refused, with an `UnwheelError`, has left nothing.  Same seed, same wheels.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(1, str(Path(__file__).resolve().parent.parent))

from builder import WheelBuilder

from unwheel import LinkPolicy, Policy, UnwheelError, extract

PARTS = ("a", "b", "c", "A", "pkg", "..", "..", ".", "", "x\\y", "é", "con")
WHEEL = (
    "Wheel-Version: {}\nGenerator: fuzz\n"
    "Root-Is-Purelib: false\nTag: py3-none-linux_x86_64\n"
)
METADATA_2 = (
    "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\nWheel-Version: 2.0\n"
)
SECONDS_EACH = 5.0  # of the CPU: the machine may have more to do


def main() -> int:
    """Play until the time is over; the seed of what fails is told."""
    end = time.monotonic() + float(sys.argv[1])
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else time.time_ns()
    played = refused = made = 0
    while time.monotonic() < end:
        try:
            links = play(random.Random(seed))
        except BaseException:
            print(f"fuzz_links: failed with the seed {seed}", file=sys.stderr)
            raise
        refused += links is None
        made += links or 0
        seed += 1
        played += 1
    print(
        f"fuzz_links: Done {played} runs: "
        f"{made} links made, {refused} wheels refused"
    )
    return 0 if made and refused else 1


def play(chance: random.Random) -> int | None:
    """The links of one wheel that were made; None if it was refused."""
    with tempfile.TemporaryDirectory(prefix="unwheel-fuzz.") as folder:
        room = Path(folder)
        wheel = some_wheel(chance).write(room)
        before = sorted(room.rglob("*"))
        root = room / "root"
        begun = time.process_time()
        try:
            extract(wheel, root, policy=some_policy(chance))
        except UnwheelError:
            assert before == sorted(room.rglob("*")), "something was left"
            return None
        finally:
            assert time.process_time() - begun < SECONDS_EACH, "it takes hours"
        assert {*before, root} == {
            path for path in room.rglob("*") if root not in path.parents
        }, "something was written elsewhere"
        return checked(root)


def checked(root: Path) -> int:
    """Have the kernel follow every link below *root*; how many there are."""
    count = 0
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            path = Path(folder, name)
            if path.is_symlink():
                assert path.resolve(strict=True).is_relative_to(root), path
                count += 1
    return count


def some_policy(chance: random.Random) -> Policy:
    """One that resolves links."""
    links = LinkPolicy.named(chance.choice(("strict", "portable"))).replace(
        any_tag="allow", wheel2=True, encodings=("axle",)
    )
    return Policy(links=links, record="off")


def some_path(chance: random.Random) -> str:
    """What may be a name, and what a link may lead to."""
    return "/".join(chance.choices(PARTS, k=chance.choice((1, 1, 1, 2, 2, 3))))


def sound_path(chance: random.Random) -> str:
    """What is a name in a folder; few, so that links meet."""
    return chance.choice(("pkg/", "pkg/d/", "pkg/e/")) + chance.choice("abc")


def some_target(chance: random.Random, path: str) -> str:
    """A text for the link *path*: anything, or the way to a sound path."""
    if chance.random() < 0.1:
        return some_path(chance) or ".."
    place = sound_path(chance)
    if chance.random() < 0.3:
        place = chance.choice(("pkg/d", "pkg/e", f"{place}/a", f"{place}/.."))
    way = os.path.relpath(os.path.dirname(place), os.path.dirname(path))
    way += "/" + os.path.basename(place)
    return chance.choice(("", "", "", "./", "../pkg/")) + way


def some_rows(chance: random.Random, cells: list[str]) -> bytes:
    """A file of links with one of *cells*, and sometimes a damaged byte."""
    rows = [",".join(cells)] * chance.choice((1, 1, 1, 2))
    data = bytearray("\n".join((*rows, "")).encode())
    if chance.random() < 0.3:
        data[chance.randrange(len(data))] = chance.choice(b'\0\n\r",;/.\xff')
    return bytes(data)


def some_wheel(chance: random.Random) -> WheelBuilder:
    """Files, and links to them, to each other, to nothing and outside."""
    wheel = WheelBuilder(tag="py3-none-linux_x86_64")
    names = sorted({sound_path(chance) for _ in range(chance.randint(3, 8))})
    chance.shuffle(names)
    files = chance.randint(1, len(names))
    for name in names[:files]:
        wheel.file(name, name.encode())
    version = "1.0"
    for name in names[files:]:
        target = some_target(chance, name)
        encoding = chance.choice(("zip", "zip", "zip", "links", "axle"))
        if encoding == "zip":
            wheel.link(name, target)
        elif encoding == "links" and version == "1.0":
            version = "2.0"
            cells = [name, chance.choice(names)]
            wheel.info("LINKS", some_rows(chance, cells))
        elif encoding == "axle" and version == "1.0":
            version = "1.1"
            cells = [name, target, chance.choice("001")]
            wheel.info("symlinks.txt", some_rows(chance, cells))
    if version == "2.0":
        wheel.info("METADATA", METADATA_2)
    return wheel.info("WHEEL", WHEEL.format(version))


if __name__ == "__main__":
    sys.exit(main())
