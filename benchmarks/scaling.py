#!/usr/bin/env python3
"""
Predict wall time on 1 to 64 cores: python benchmarks/scaling.py WHEEL...

What the stages of each wheel cost is measured on one thread: starting the
program, Python before and after, each big member decoded alone and extracted,
the small ones verified and extracted, SHA-256, CRC-32, writing, making a file.
schedule.py makes the crew's schedule of it, and says what the limit is:

work       all cores are busy all the time
member     the longest member, with all the help that it can have
directory  files made in one directory, one at a time
serial     the program's start, and Python before and after

The prediction is held against the command itself on as many cores as there
are: "error" is how much longer it takes than predicted.  Every stage and every
command is measured --rounds times, in turns, and of each the least counts:
what other programs take of the machine is no cost of ours.  Where they take
much, have this one go first: chrt --rr 1 python benchmarks/scaling.py WHEEL...
Stages are measured in CPU time, so --where has to be memory.  Nothing is
deduplicated: what repeats is inflated again.
"""

from __future__ import annotations

import argparse
import array
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

sys.path.insert(1, str(Path(__file__).resolve().parent.parent / "tests"))

import schedule
import tools
from builder import WheelBuilder

import unwheel
from unwheel import native

CORES = (1, 2, 4, 8, 16, 32, 64)
PIECE = 128 << 10  # bytes at a time, as on one thread of the crew
RATED = 32 << 20  # bytes to measure a rate with
EMPTY_FILES = 2000
DEFLATED = 8

Seconds = float


@dataclass(frozen=True)
class Rates:
    """
    What the same bytes cost in any wheel.

    Attributes:
        process: Seconds to start the program and to end it.
        sha256: Seconds per byte.
        crc32: Seconds per byte.
        write: Seconds per byte.
        create: Seconds to make an empty file, and to close it.
    """

    process: Seconds
    sha256: Seconds
    crc32: Seconds
    write: Seconds
    create: Seconds


@dataclass(frozen=True)
class Costs:
    """
    What one wheel costs, on one thread.

    Attributes:
        before: Seconds of Python, and of making the batch.
        after: Seconds of Python, and of publishing.
        small_verified: Seconds for all small members, nothing written.
        small_extracted: The same with files.
        big_decoded: Seconds for each big member, decoded only.
        big_extracted: Seconds for each, all stages.
    """

    before: Seconds
    after: Seconds
    small_verified: Seconds
    small_extracted: Seconds
    big_decoded: tuple[Seconds, ...]
    big_extracted: tuple[Seconds, ...]


def main() -> int:
    """Measure, predict, print a table per wheel, and write the JSON."""
    options = _options()
    told: dict[str, Any] = {}
    for wheel in options.wheel:
        with _room(options.where) as room:
            local = Path(shutil.copy(wheel, room))
            told[wheel.name] = facts = _examine(local, room, options.rounds)
        _print(wheel.name, facts)
        if options.json:
            options.json.write_text(json.dumps(told, indent=1) + "\n")
    return 0


def _options() -> argparse.Namespace:
    parser = tools.parser(__doc__)
    add = parser.add_argument
    add("wheel", nargs="+", type=Path)
    add("--where", metavar="DIR", type=Path, default=tools.default_where())
    add("--rounds", type=int, default=5)
    add("--json", type=Path, metavar="FILE")
    return parser.parse_args()


@contextmanager
def _room(where: Path) -> Iterator[Path]:
    """A new directory, gone afterwards."""
    with tempfile.TemporaryDirectory(dir=where, prefix="unwheel-") as top:
        yield Path(top)


# ---------------------------------------------------------------- one wheel


def _examine(wheel: Path, room: Path, rounds: int) -> dict[str, Any]:
    archive = native.NativeArchive(os.fspath(wheel), unwheel.Limits())
    table = archive.entries
    files = [k for k, n in enumerate(table.names) if not n.endswith("/")]
    rates: list[Rates] = []
    costs: list[Costs] = []
    cores = [count for count in CORES if count <= tools.cores()]
    measured: dict[int, list[Seconds]] = {count: [] for count in cores}
    for _ in range(rounds):
        rates.append(_rates(room))
        costs.append(_costs(archive, files, wheel, room))
        for count in cores:
            measured[count].append(_command(wheel, room, count)[0])
    least = _least_costs(costs)
    rate = Rates(
        **{k: min(asdict(r)[k] for r in rates) for k in asdict(rates[0])}
    )
    jobs = schedule.jobs_of(_members(table, files, rate, least))
    serial = rate.process + least.before + least.after
    return {
        "files": len(files),
        "size": sum(table.sizes[k] for k in files),
        "rates": asdict(rate),
        "costs": asdict(least),
        "predicted": {
            count: serial + schedule.simulate(jobs, count) for count in CORES
        },
        "limit": {
            count: schedule.limit(jobs, serial, count) for count in CORES
        },
        "measured": {count: min(times) for count, times in measured.items()},
    }


def _least_costs(costs: Sequence[Costs]) -> Costs:
    def least(name: str) -> Any:
        values = [getattr(one, name) for one in costs]
        if isinstance(values[0], tuple):
            return tuple(map(min, zip(*values, strict=True)))
        return min(values)

    return Costs(**{name: least(name) for name in asdict(costs[0])})


def _is_big(table: unwheel.EntryTable, index: int) -> bool:
    return table.sizes[index] >= schedule.BIG_MEMBER


def _members(
    table: unwheel.EntryTable,
    files: Sequence[int],
    rates: Rates,
    costs: Costs,
) -> Iterator[schedule.Member]:
    """
    Every file with what it costs.

    A big one was measured; of the small ones together it is known what their
    bytes cost, and the rest is divided by their number.
    """
    small = [k for k in files if not _is_big(table, k)]
    size = max(1, sum(table.sizes[k] for k in small))
    per_byte = costs.small_verified / size + rates.write
    per_file = costs.small_extracted - per_byte * size
    per_file = max(rates.create, per_file / max(1, len(small)))
    big = iter(zip(costs.big_decoded, costs.big_extracted, strict=True))
    for k in files:
        length = table.sizes[k]
        if _is_big(table, k):
            decoded, alone = next(big)
            drain = length * (rates.sha256 + rates.crc32)
            helped = schedule.halved(decoded, drain, length * rates.write)
        else:
            helped = alone = length * per_byte + per_file
        yield schedule.Member(
            directory=table.names[k].rpartition("/")[0],
            size=length,
            alone=alone,
            helped=min(helped, alone),
            locked=rates.create,
        )


# ---------------------------------------------------------------- measuring


def _cpu(work: Callable[[], object]) -> Seconds:
    """CPU seconds of this thread."""
    begun = time.thread_time()
    work()
    return time.thread_time() - begun


def _costs(
    archive: native.NativeArchive,
    files: Sequence[int],
    wheel: Path,
    room: Path,
) -> Costs:
    table = archive.entries
    small = [k for k in files if not _is_big(table, k)]
    big = [k for k in files if _is_big(table, k)]
    before, after = _python_share(wheel, room)
    with wheel.open("rb", buffering=0) as file:
        decoded = tuple(_decoded(file, table, k) for k in big)
    return Costs(
        before=before,
        after=after,
        small_verified=_batch(archive, small, None),
        small_extracted=_batch(archive, small, room),
        big_decoded=decoded,
        big_extracted=tuple(_batch(archive, [k], room) for k in big),
    )


def _python_share(wheel: Path, room: Path) -> tuple[Seconds, Seconds]:
    """
    What the caller's thread does before the crew begins, and after it ends.

    The crew begins when the wheel is planned, and ends when all bytes are
    told to be done.
    """
    planned = done = 0.0

    def on_event(event: unwheel.Event) -> None:
        nonlocal planned, done
        if isinstance(event, unwheel.WheelPlanned):
            planned = time.thread_time()
        elif isinstance(event, unwheel.BytesDone):
            done = time.thread_time()

    with _room(room) as place:
        begun = time.thread_time()
        unwheel.extract(
            wheel,
            place / "tree",
            threads=1,
            policy=unwheel.Policy(dedupe="off"),
            on_event=on_event,
        )
        ended = time.thread_time()
    return planned - begun, ended - done


def _batch(
    archive: native.NativeArchive, chosen: Sequence[int], room: Path | None
) -> Seconds:
    """The *chosen* members on this thread, once the batch is made."""
    count = len(chosen)
    orders = array.array("I", chosen).tobytes()
    columns = orders, bytes(count), bytes(32 * count)
    if room is None:
        return _batch_run(native.Batch(archive, None, *columns))
    with _room(room) as place:
        tree = native.Tree(os.fspath(place))
        try:
            return _batch_run(native.Batch(archive, tree, *columns))
        finally:
            tree.close()


def _batch_run(batch: native.Batch) -> Seconds:
    seconds = _cpu(batch.run)
    if batch.failures():
        raise SystemExit(f"{batch.failures()} members are wrong")
    batch.close()
    return seconds


def _decoded(
    file: io.FileIO, table: unwheel.EntryTable, index: int
) -> Seconds:
    """Read a member, and decode it in pieces that nobody looks at."""
    packed = bytearray(table.packed_sizes[index])
    inflater = native.Inflater(fresh=PIECE // 2)

    def read() -> None:
        file.seek(table.offsets[index])
        view = memoryview(packed)
        for at in range(0, len(packed), PIECE):
            file.readinto(view[at : at + PIECE])

    read()  # so that the memory is there
    seconds = _cpu(read)
    if table.methods[index] == DEFLATED:
        stream = bytes(packed)
        seconds += _cpu(lambda: inflater.inflate(stream))
    return seconds


def _rates(room: Path) -> Rates:
    piece = bytes(range(256)) * (PIECE // 256)
    count = RATED // PIECE

    def repeated(work: Callable[[bytes], object]) -> Seconds:
        return _cpu(lambda: [work(piece) for _ in range(count)]) / RATED

    with _room(room) as place:
        tree = native.Tree(os.fspath(place))
        whole = piece * count
        written = _cpu(lambda: tree.write("x", whole, executable=False))
        tree.close()
    return Rates(
        process=_process(room),
        sha256=repeated(native.sha256),
        crc32=repeated(native.crc32),
        write=written / RATED,
        create=_create(room),
    )


def _create(room: Path) -> Seconds:
    """One empty file among many in a directory."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as empty:
        for k in range(EMPTY_FILES):
            empty.writestr(f"directory/{k:06}.py", b"")
    archive = native.NativeArchive.from_bytes(
        packed.getvalue(), unwheel.Limits()
    )
    every = range(EMPTY_FILES)
    made = _batch(archive, every, room) - _batch(archive, every, None)
    return max(0.0, made) / EMPTY_FILES


def _process(room: Path) -> Seconds:
    """The command with next to nothing to do."""
    with _room(room) as place:
        wheel = WheelBuilder().file("x.py", b"").write(place)
        return _command(wheel, place, 1)[1]


def _command(wheel: Path, room: Path, cores: int) -> tuple[Seconds, Seconds]:
    """Wall and CPU seconds of the whole command on so many cores."""
    chosen = sorted(os.sched_getaffinity(0))[:cores]
    with _room(room) as place:
        argv = [
            *(sys.executable, "-m", "unwheel", "extract", "--quiet"),
            *("--dedupe", "off", "--threads", str(cores)),
            *("--into", str(place / "tree"), str(wheel)),
        ]
        begun = time.perf_counter()
        with subprocess.Popen(
            argv, preexec_fn=lambda: os.sched_setaffinity(0, chosen)
        ) as child:
            _, status, usage = os.wait4(child.pid, 0)
            wall = time.perf_counter() - begun
            child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"unwheel failed ({child.returncode})")
    return wall, usage.ru_utime + usage.ru_stime


# ----------------------------------------------------------------- printing


def _print(name: str, facts: dict[str, Any]) -> None:
    rates, costs = facts["rates"], facts["costs"]
    print(f"{name}: {facts['size'] / 1e6:.0f} MB in {facts['files']} files")
    print(
        f"  ms: start {rates['process'] * 1e3:.0f}"
        f", Python before {costs['before'] * 1e3:.0f}"
        f" and after {costs['after'] * 1e3:.0f}"
        f", small members {costs['small_extracted'] * 1e3:.0f}"
        f", big members {sum(costs['big_extracted']) * 1e3:.0f}"
        f" of which decoding {sum(costs['big_decoded']) * 1e3:.0f}"
    )
    print(
        f"  ns per byte: SHA-256 {rates['sha256'] * 1e9:.3f}"
        f", CRC-32 {rates['crc32'] * 1e9:.3f}"
        f", write {rates['write'] * 1e9:.3f}"
        f"; us per empty file: {rates['create'] * 1e6:.1f}"
    )
    for count, seconds in facts["predicted"].items():
        found = facts["measured"].get(count)
        check = (
            f"measured {found:7.3f} s  error {found / seconds - 1:+6.1%}"
            if found
            else ""
        )
        speed = facts["predicted"][1] / seconds
        print(
            f"  {count:3} cores {seconds:7.3f} s {speed:6.2f} x"
            f"  limit: {facts['limit'][count]:10}{check}",
            flush=True,
        )


if __name__ == "__main__":
    sys.exit(main())
