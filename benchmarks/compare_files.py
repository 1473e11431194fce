#!/usr/bin/env python3
"""
What making a small file costs: python benchmarks/compare_files.py

Files of 2,500 bytes in new directories below --where, 20 in each, and then all
in one.  The ways take turns (bare, tree, crew, bare, ...) on one thread and on
two, so a slow minute of the machine hurts all alike; the first turn warms up
and does not count.

bare  a handle of each directory, then openat, write and close of each file,
      and nothing else: small_files.c
tree  the tree stage of the core, called as the crew calls it: small_files.c
crew  a batch of stored members: reading, CRC-32, SHA-256 and the making of
      the directories as well

The microseconds are those of the best turn.  What counts are the ratios after
them, medians over the turns of the ratio within a turn: what the core's care
costs, and what a second thread gains.  On a disk look at many
turns: it is the disk that takes the time, and not the same each turn.
"""

from __future__ import annotations

import array
import io
import shutil
import statistics
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(1, str(Path(__file__).resolve().parent.parent / "tests"))

import tools
from crews import WorkingCrew

from unwheel import Limits, native

HERE = Path(__file__).resolve().parent
SIZE = 2500
PER_DIRECTORY = 20
WAYS = ("bare", "tree", "crew")
THREADS = (1, 2)

Times = dict[tuple[str, int], list[float]]


def main() -> int:
    """Measure, and print a line for many directories and one for one."""
    parser = tools.parser(__doc__)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--where", type=Path, default=tools.default_where())
    options = parser.parse_args()
    program = _program()
    print(f"{'microseconds per file':23}" + "".join(_heads()), end="")
    print("   tree/bare    x2  tree 2/1  crew 2/1")
    for directories in (max(1, options.files // PER_DIRECTORY), 1):
        files = options.files // directories
        runs = _runs(program, directories, files)
        times = _take_turns(runs, options.rounds, options.where)
        _print(directories, files, times)
    return 0


def _heads() -> Iterator[str]:
    for way in WAYS:
        for threads in THREADS:
            yield f"{way:>7} x{threads}"


def _program() -> str:
    """Compile small_files.c and the tree stage, once per version of them."""
    core = HERE.parent / "csrc"
    sources = [
        HERE / "small_files.c",
        core / "error.c",
        *(f for f in core.glob("tree*.c") if not f.stem.endswith("win32")),
    ]
    program = HERE / ".benchmarks" / "small_files"
    newest = max(file.stat().st_mtime for file in (*sources, core / "tree.h"))
    if program.exists() and program.stat().st_mtime > newest:
        return str(program)
    program.parent.mkdir(exist_ok=True)
    subprocess.run(
        [
            *("cc", "-std=c11", "-O2", f"-I{core}", *map(str, sources)),
            *("-o", str(program), "-lpthread"),
        ],
        check=True,
    )
    return str(program)


def _runs(
    program: str, directories: int, files: int
) -> dict[tuple[str, int], Callable[[Path], float]]:
    """Each gives the seconds that it takes below an empty directory."""
    archive = _archive(directories, files)

    def bare_or_tree(way: str, threads: int) -> Callable[[Path], float]:
        numbers = map(str, (threads, directories, files, SIZE))
        sizes = tuple(numbers)
        return lambda room: float(
            subprocess.run(
                [program, way, room, *sizes],
                stdout=subprocess.PIPE,
                check=True,
            ).stdout
        )

    def crew(threads: int) -> Callable[[Path], float]:
        return lambda room: _time_crew(archive, room, threads)

    return {
        (way, threads): crew(threads)
        if way == "crew"
        else bare_or_tree(way, threads)
        for threads in THREADS
        for way in WAYS
    }


def _archive(directories: int, files: int) -> native.NativeArchive:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for k in range(directories):
            for j in range(files):
                content = f"{k} {j}\n".encode().ljust(SIZE, b"#")
                archive.writestr(f"d{k:06}/file{j:06}.py", content)
    return native.NativeArchive.from_bytes(packed.getvalue(), Limits())


def _time_crew(
    archive: native.NativeArchive, room: Path, threads: int
) -> float:
    """From the batch being given to the crew to its end."""
    count = len(archive.entries)
    entries = array.array("I", range(count)).tobytes()
    tree = native.Tree(str(room))
    batch = native.Batch(
        archive, tree, entries, bytes(count), bytes(32) * count
    )
    with WorkingCrew(threads) as crew:
        seconds = crew.do(batch)
    batch.close()
    tree.close()
    return seconds


def _take_turns(
    runs: dict[tuple[str, int], Callable[[Path], float]],
    rounds: int,
    where: Path,
) -> Times:
    times: Times = {run: [] for run in runs}
    for turn in range(rounds + 1):
        for name, run in runs.items():
            with _room(where) as room:
                seconds = run(room)
            if turn > 0:
                times[name].append(seconds)
    return times


@contextmanager
def _room(where: Path) -> Iterator[Path]:
    """An empty directory; its removal is not timed."""
    room = Path(tempfile.mkdtemp(dir=where, prefix="unwheel-files-"))
    try:
        yield room
    finally:
        shutil.rmtree(room)


def _ratio(times: list[float], base: list[float]) -> float:
    return statistics.median(map(float.__truediv__, times, base))


def _print(directories: int, files: int, times: Times) -> None:
    count = directories * files
    print(f"{files:6} in each of {directories:5}", end="")
    for way in WAYS:
        for threads in THREADS:
            print(f"{min(times[way, threads]) / count * 1e6:10.2f}", end="")
    ratios = (
        _ratio(times["tree", 1], times["bare", 1]),
        _ratio(times["tree", 2], times["bare", 2]),
        _ratio(times["tree", 2], times["tree", 1]),
        _ratio(times["crew", 2], times["crew", 1]),
    )
    print("{:12.3f}{:6.3f}{:10.3f}{:10.3f}".format(*ratios), flush=True)


if __name__ == "__main__":
    sys.exit(main())
