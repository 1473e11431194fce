#!/usr/bin/env python3
"""
What readers make of attacks: python benchmarks/compare_attacks.py

Every attack of tests/attacks.py and every odd but sound wheel of
tests/sound.py is given to every reader, each time in a box of its own
(tests/boxes.py): all of the system is read-only but a new /tmp, which nobody
else sees, and where attacks aim at, the reader sees a directory of its box.
So nothing can come to harm, and what was written outside the destination is
there to be found.  That needs Linux, and root or name spaces for users; else
it says so and exits with 77.  Wheels with links are for CPython 3.11 on x86-64
and glibc: elsewhere pip and uv refuse them for that.

accepted  it said that all went well (exit status 0, no exception)
refused   it did not, and left nothing
left      it did not, but files are left in the destination
escaped   something was made or changed outside, whatever it said
crashed   it was ended by a signal, as after --seconds, or by an exception
          that Python has for mistakes of programmers; of pip and wheel, which
          are programs, any traceback that a user would get

Attacks that need a knob are left out, for there it is not wrong to take them;
so are sound wheels that are so only by a knob.  Of these the reader's tree is
compared with what the wheel holds: the same files and links with the same
content, but for RECORD and what is in .data, which installers put elsewhere.

Printed is what stands in the README, to the letter.  It exits with 1 if
unwheel is not right about each of them.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import re
import shutil
import stat
import subprocess
import sys
import traceback
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

# The corpora are with the tests.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import readers
import tools
from attack import DEFAULT, EVIL, OUTSIDE, Attack
from attack_tables import (
    GROUPS,
    LETTERS,
    SOUND_ONES,
    Told,
    is_wrong,
    put_into,
    tables,
)
from attacks import ATTACKS
from builder import Member, WheelBuilder
from sound import SOUND, Sound

import unwheel
from unwheel import libarchive

NO_BOX = 77  # exit status
PROJECT = Path(__file__).resolve().parent.parent
ROOM = Path("/tmp/unwheel-attacks")
ROOM_SIZE = 3 << 30
MEMORY = 4 << 30
INSIDE = "--inside"

# What the table calls them, and who they are in tests/readers.py.
READERS = {
    "unwheel": "unwheel",
    "unwheel, through libarchive": "unwheel, libarchive",
    "pip": "pip",
    "uv": "uv",
    "installer": "installer",
    "installer, `validate_record`": "installer, validating",
    "`wheel unpack`": "wheel",
    "zipfile": "zipfile",
    "unzip": "unzip",
    "bsdtar": "bsdtar",
    "7z": "7z",
}
# Those of Python that are programs: no exception is to be seen of them.
PROGRAMS = ("pip", "wheel")

# uv leaves it wherever it has been.
LOCKS = (".lock",)

TRACEBACK = "Traceback (most recent call last)"

# By name: content, "-> TARGET" of links, None of what is neither.
Tree = dict[str, bytes | str | None]


@dataclass(frozen=True)
class Case:
    """
    A wheel, and what is known of it.

    Attributes:
        name: With its group, as in `ATTACKS`; of a sound one "sound: ...".
        group: What the table calls that.
        wheel: Where it is.
        tree: What a sound one holds.
    """

    name: str
    group: str
    wheel: Path
    tree: Tree | None = None


@dataclass(frozen=True)
class Finding:
    """
    What a reader made of a case.

    Attributes:
        letter: One of `LETTERS`.
        detail: What it wrote outside, and the end of what it printed.
    """

    letter: str
    detail: str


Findings = dict[str, dict[str, Finding]]  # by reader, by case


def main() -> int:
    """Do it in a process that is locked in; print what that has found."""
    options = _options()
    if options.inside:
        return _inside(options)
    if options.show:
        told = json.loads(options.show.read_text())
        print("\n".join(tables(told)))
        if options.readme:
            put_into(options.readme, tables(told))
        return 0
    done = subprocess.run(
        [sys.executable, __file__, *sys.argv[1:], INSIDE],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        return done.returncode
    told = json.loads(done.stdout)
    details = told.pop("details")
    if options.json:
        options.json.write_text(json.dumps(told, indent=1) + "\n")
    if options.verbose:
        print("\n".join(details))
    print("\n".join(tables(told)))
    if options.readme:
        put_into(options.readme, tables(told))
    return int(is_wrong(told))


def _options() -> argparse.Namespace:
    parser = tools.parser(__doc__)
    add = parser.add_argument
    add("--only", metavar="TEXT", default="", help="cases with this in a name")
    add(
        "--readers",
        type=_readers,
        default=READERS,
        metavar="A;B",
        help=f"of {'; '.join(readers.READERS)}",
    )
    add("--every", type=int, default=1, metavar="N", help="each N-th case")
    add("--seconds", type=int, default=20, help="of CPU time for each")
    add("--json", type=Path, metavar="FILE")
    add("--readme", type=Path, metavar="FILE", help="put the tables into it")
    add("--show", type=Path, metavar="FILE", help="the tables of such a file")
    add("--verbose", action="store_true", help="each verdict")
    add(INSIDE, action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def _readers(text: str) -> dict[str, str]:
    names = text.split(";")
    if unknown := set(names) - set(readers.READERS):
        raise argparse.ArgumentTypeError(f"no such reader: {unknown}")
    return {name: name for name in names}


# ------------------------------------------------------------------- inside


def _inside(options: argparse.Namespace) -> int:
    """Lock this process, have all readers try all cases, print JSON."""
    import boxes

    try:
        boxes.lock(_kept(), ROOM_SIZE)
    except boxes.BoxError as error:
        print(f"no box can be made here: {error}", file=sys.stderr)
        return NO_BOX
    cases = [
        case
        for number, case in enumerate(_cases())
        if options.only in case.name and number % options.every == 0
    ]
    if not cases:
        raise SystemExit(f"no case has {options.only!r} in its name")
    box = readers.Box(OUTSIDE, options.seconds, MEMORY)
    Path(OUTSIDE).mkdir()
    chosen = {
        name: reader
        for name, reader in options.readers.items()
        if reader != "unwheel, libarchive" or _has_libarchive()
    }
    print(json.dumps(_told(cases, _try_readers(chosen, cases, box))))
    return 0


def _try_readers(
    chosen: Mapping[str, str], cases: Sequence[Case], box: readers.Box
) -> Findings:
    """Each in a process of its own, as many at once as there are CPUs."""
    running: set[int] = set()
    for number, reader in enumerate(chosen.values()):
        if len(running) == tools.cores():
            running.remove(_wait())
        print(f"# {reader}: {len(cases)} wheels", file=sys.stderr, flush=True)
        child = os.fork()
        if child == 0:
            _try_and_exit(reader, cases, box, ROOM / f"found-{number}")
        running.add(child)
    for _ in running:
        _wait()
    around = {ROOM.name, Path(OUTSIDE).name, *_seen_first()}
    if strays := set(os.listdir("/tmp")) - around:
        raise SystemExit(f"somebody wrote to /tmp: {sorted(strays)}")
    return {
        name: {
            case.name: Finding(*found)
            for case, found in zip(
                cases,
                json.loads((ROOM / f"found-{number}").read_bytes()),
                strict=True,
            )
        }
        for number, name in enumerate(chosen)
    }


def _wait() -> int:
    child, status = os.wait()
    if status:
        raise SystemExit("a reader could not be tried")
    return child


def _seen_first() -> set[str]:
    """The names in /tmp of what is kept."""
    return {
        path.parts[2]
        for path in map(Path.resolve, _kept())
        if path.parts[:2] == ("/", "tmp") and len(path.parts) > 2
    }


def _try_and_exit(
    reader: str, cases: Sequence[Case], box: readers.Box, answer: Path
) -> NoReturn:
    status = 1
    try:
        found = _try_all(reader, cases, box)
        answer.write_text(json.dumps([list(vars(f).values()) for f in found]))
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def _kept() -> list[Path]:
    """All that Python and the readers need, wherever it is installed."""
    ours = Path(unwheel.__file__).parent.parent
    places = [PROJECT, ours, sys.prefix, sys.base_prefix]
    places += [place for place in sys.path if place]
    places += readers.PATH.split(os.pathsep)
    return [Path(place) for place in places if Path(place).is_dir()]


def _has_libarchive() -> bool:
    try:
        libarchive.load()
    except unwheel.DestinationError as error:
        print(f"# {error}", file=sys.stderr)
        return False
    return True


def _cases() -> Iterator[Case]:
    """All wheels that are the same by every reader's default."""
    number = 0
    for name, wheel in _all():
        if wheel.policy != DEFAULT:
            continue
        number += 1
        home = ROOM / "wheels" / str(number)
        home.mkdir(parents=True)
        builder = wheel.wheel()  # once: some keep what they are given
        path = home / (wheel.called or builder.filename)
        path.write_bytes(builder.build())
        if isinstance(wheel, Attack):
            group = name.partition(":")[0]
            yield Case(name, GROUPS.get(group, group), path)
        else:
            yield Case(name, SOUND_ONES, path, _held(builder))


def _all() -> Iterator[tuple[str, Attack | Sound]]:
    yield from ATTACKS.items()
    for name, sound in SOUND.items():
        yield f"sound: {name}", sound


def _held(builder: WheelBuilder) -> Tree:
    """The files and links of a wheel that every reader should make."""
    return {
        member.path: f"-> {member.data.decode()}"
        if _is_link(member)
        else member.data
        for member in builder.members
        if not member.path.endswith("/")
        and "size" not in member.central  # its content is not in the builder
        and ".data/" not in member.path
        and not member.path.endswith(".dist-info/RECORD")
    }


def _is_link(member: Member) -> bool:
    return stat.S_ISLNK(member.external_attr >> 16)


# ------------------------------------------------------------------- trying


def _try_all(
    reader: str, cases: Sequence[Case], box: readers.Box
) -> list[Finding]:
    jobs = [
        _job(reader, case, ROOM / reader / str(number))
        for number, case in enumerate(cases)
    ]
    before = [_seen(job) for job in jobs]
    statuses = readers.statuses(reader, jobs, box=box)
    found = [
        _finding(reader, case, job, was, status)
        for case, job, was, status in zip(
            cases, jobs, before, statuses, strict=True
        )
    ]
    # A full /tmp would make the next one refuse what it takes.
    shutil.rmtree(ROOM / reader)
    return found


def _job(reader: str, case: Case, box: Path) -> readers.Job:
    """Lay out a box; the destination is deep enough to be left twice."""
    dest = box / "home" / "side" / "demo-1.0"
    for directory in (dest.parent, box / "outside", box / "scratch"):
        directory.mkdir(parents=True)
    if reader != "wheel":  # which makes it itself
        dest.mkdir()
    (box / "outside" / "canary").write_bytes(b"sings")
    (dest.parent / "canary").write_bytes(b"sings")
    return str(case.wheel), str(box), str(dest)


def _seen(job: readers.Job) -> dict[str, tuple[int, object]]:
    """All of a box that a reader has nothing to do with."""
    _, box, dest = job
    own = {dest, f"{box}/log", f"{box}/scratch"}
    return {path: (mode, it) for path, mode, it in _walk(box, own)}


def _walk(
    top: str, leave_out: Collection[str] = ()
) -> Iterator[tuple[str, int, bytes | str | None]]:
    """
    Path, mode and content of all below *top*: bytes of files, text of links.

    By handles, for a path that a reader has made may be longer than the
    system takes; and a FIFO, which it may have made as well, is not opened.
    """
    if not os.path.isdir(top):
        return
    for place, folders, files, handle in os.fwalk(top):
        for name in sorted([*folders, *files]):
            path = os.path.join(place, name)
            if path in leave_out:
                continue
            mode = os.lstat(name, dir_fd=handle).st_mode
            yield path, mode, _content(name, mode, handle)
        folders[:] = [
            name
            for name in folders
            if os.path.join(place, name) not in leave_out
        ]


def _content(name: str, mode: int, folder: int) -> bytes | str | None:
    if stat.S_ISLNK(mode):
        return os.readlink(name, dir_fd=folder)
    if not stat.S_ISREG(mode):
        return None
    with open(os.open(name, os.O_RDONLY, dir_fd=folder), "rb") as file:
        return file.read()


def _finding(
    reader: str,
    case: Case,
    job: readers.Job,
    before: Mapping[str, tuple[int, object]],
    status: int,
) -> Finding:
    _, box, dest = job
    said = Path(box, "log").read_text(errors="replace")
    tree = _tree(dest)
    outside = list(_outside(reader, job, before))
    if outside:
        letter = "E"
    elif status and _is_crash(reader, status, said):
        letter = "C"
    elif status:
        letter = "L" if tree else "R"
    else:
        letter = "A" if _holds(tree, case.tree) else "O"
    last = said.strip().splitlines()[-1:]
    return Finding(letter, f"({status}) {outside or ''} {''.join(last)[:300]}")


def _holds(tree: Tree, expected: Tree | None) -> bool:
    """Whether a *tree* has all that is *expected* of it, if anything is."""
    return expected is None or all(
        tree.get(name) == content for name, content in expected.items()
    )


def _tree(dest: str) -> Tree:
    """What files, links and others are there."""
    return {
        path.removeprefix(f"{dest}/"): f"-> {content}"
        if isinstance(content, str)
        else content
        for path, mode, content in _walk(dest)
        if not stat.S_ISDIR(mode)
        if os.path.basename(path) not in LOCKS
    }


def _outside(
    reader: str, job: readers.Job, before: Mapping[str, tuple[int, object]]
) -> Iterator[str]:
    """What was made, changed or removed outside the destination."""
    _, box, dest = job
    after = _seen(job)
    for path in sorted(before.keys() | after.keys()):
        if before.get(path) == after.get(path):
            continue
        below = path.startswith(os.path.dirname(dest) + "/")
        if reader == "wheel" and below and EVIL not in path:
            continue  # it names its directory by the wheel's file name
        yield path.removeprefix(box)
    for path, _, _ in _walk(f"{box}/scratch"):
        if EVIL in path.removeprefix(box):
            yield path.removeprefix(box)


def _is_crash(reader: str, status: int, said: str) -> bool:
    if status < 0 or status == readers.MISTAKE:
        return True
    if reader in PROGRAMS and TRACEBACK in said:
        return "SystemExit" not in said.splitlines()[-1]
    return "panicked at" in said  # Rust


# ------------------------------------------------------------------ telling


def _told(cases: Sequence[Case], found: Findings) -> Told:
    return {
        "versions": _versions(),
        "cases": {case.name: case.group for case in cases},
        "letters": {
            reader: "".join(own[case.name].letter for case in cases)
            for reader, own in found.items()
        },
        "details": [
            f"{reader}: {name}: {LETTERS[finding.letter]} {finding.detail}"
            for reader, own in found.items()
            for name, finding in own.items()
        ],
    }


def _versions() -> dict[str, str]:
    python = {
        name: importlib.metadata.version(name)
        for name in ("pip", "uv", "installer", "wheel")
    }
    return {
        **python,
        "CPython": platform.python_version(),
        "unzip": _version("unzip", "-v"),
        "bsdtar": _version("bsdtar", "--version"),
        "7z": _version("7z"),
    }


def _version(*command: str) -> str:
    """The first number with a dot in what a program says."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"\d+\.[\d.]*\d", done.stdout)
    return found[0] if found else "?"


if __name__ == "__main__":
    sys.exit(main())
