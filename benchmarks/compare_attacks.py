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
refused   it did not
left      of those refused: files are left in the destination
escaped   something was made or changed outside, whatever it said
crashed   it was ended by a signal, after --seconds too, or by an exception
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
import stat
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(1, str(Path(__file__).resolve().parent.parent / "tests"))

import boxes
import readers
import tools
from attack import DEFAULT, EVIL, OUTSIDE, Attack
from attacks import ATTACKS
from builder import Member, WheelBuilder
from sound import SOUND, Sound

import unwheel

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

# What the groups of attacks are called here, in the table's order.
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

VERDICTS = ("accepted", "refused", "escaped", "crashed")


@dataclass(frozen=True)
class Case:
    """
    A wheel, and what is known of it.

    Attributes:
        name: With its group, as in `ATTACKS`; of a sound one "sound: ...".
        group: What the table calls that.
        wheel: Where it is.
        tree: What a sound one holds: content, or "-> TARGET" of links.
    """

    name: str
    group: str
    wheel: Path
    tree: Mapping[str, bytes | str] | None = None


@dataclass(frozen=True)
class Finding:
    """
    What a reader made of a case.

    Attributes:
        verdict: One of `VERDICTS`.
        left: Whether there are files in the destination.
        right: Whether they are what the wheel holds; None of an attack.
        outside: What was made or changed outside.
        status: The exit status; a signal is negative.
        said: The end of what it printed.
    """

    verdict: str
    left: bool
    right: bool | None
    outside: tuple[str, ...]
    status: int
    said: str


Findings = dict[str, dict[str, Finding]]  # by reader, by case


def main() -> int:
    """Do it in a process that is locked in; print what that has found."""
    options = _options()
    if options.inside:
        return _inside(options)
    done = subprocess.run(
        [sys.executable, __file__, *sys.argv[1:], INSIDE],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        return done.returncode
    told = json.loads(done.stdout)
    if options.json:
        options.json.write_text(json.dumps(told, indent=1) + "\n")
    if options.verbose:
        print("\n".join(_details(told)))
    print("\n".join(_tables(told)))
    return int(_is_wrong(told))


def _options() -> argparse.Namespace:
    parser = tools.parser(__doc__)
    add = parser.add_argument
    add("--only", metavar="TEXT", default="", help="cases with this in a name")
    add("--every", type=int, default=1, metavar="N", help="each N-th case")
    add("--seconds", type=int, default=20, help="a reader may take")
    add("--json", type=Path, metavar="FILE")
    add("--verbose", action="store_true", help="each verdict")
    add(INSIDE, action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


# ------------------------------------------------------------------- inside


def _inside(options: argparse.Namespace) -> int:
    """Lock this process, have all readers try all cases, print JSON."""
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
    box = readers.Box(OUTSIDE, options.seconds, MEMORY)
    Path(OUTSIDE).mkdir()
    found: Findings = {}
    for name, reader in READERS.items():
        if reader == "unwheel, libarchive" and not _has_libarchive():
            continue
        print(f"# {name}: {len(cases)} wheels", file=sys.stderr, flush=True)
        found[name] = _try_all(reader, cases, box)
    print(json.dumps(_told(cases, found)))
    return 0


def _kept() -> list[Path]:
    """All that Python and the readers need, wherever it is installed."""
    ours = Path(unwheel.__file__).parent.parent
    places = [PROJECT, ours, sys.prefix, sys.base_prefix]
    places += [place for place in sys.path if place]
    places += readers.PATH.split(os.pathsep)
    return [Path(place) for place in places if Path(place).is_dir()]


def _has_libarchive() -> bool:
    try:
        unwheel.verify("no.whl", backend="libarchive")
    except TypeError:
        return False
    except unwheel.UnwheelError:
        return True
    raise AssertionError("there is no such wheel")


def _cases() -> Iterator[Case]:
    """All wheels that are the same by every reader's default."""
    number = 0
    for name, wheel in _all():
        if wheel.policy != DEFAULT:
            continue
        number += 1
        home = ROOM / "wheels" / str(number)
        home.mkdir(parents=True)
        group = name.partition(":")[0]
        if isinstance(wheel, Attack):
            yield Case(name, GROUPS[group], wheel.write(home))
        else:
            tree = _held(wheel.wheel())
            yield Case(name, group, wheel.write(home), tree)


def _all() -> Iterator[tuple[str, Attack | Sound]]:
    yield from ATTACKS.items()
    for name, sound in SOUND.items():
        yield f"sound: {name}", sound


def _held(builder: WheelBuilder) -> dict[str, bytes | str]:
    """The files and links of a wheel that every reader should make."""
    return {
        member.path: f"-> {member.data.decode()}"
        if _is_link(member)
        else member.data
        for member in builder.members
        if not member.path.endswith("/")
        and ".data/" not in member.path
        and not member.path.endswith(".dist-info/RECORD")
    }


def _is_link(member: Member) -> bool:
    return stat.S_ISLNK(member.external_attr >> 16)


# ------------------------------------------------------------------- trying


def _try_all(
    reader: str, cases: Sequence[Case], box: readers.Box
) -> dict[str, Finding]:
    jobs = [
        _job(reader, case, ROOM / reader / str(number))
        for number, case in enumerate(cases)
    ]
    before = [_seen(job) for job in jobs]
    around = set(os.listdir("/tmp"))
    statuses = readers.statuses(reader, jobs, box=box)
    if more := set(os.listdir("/tmp")) - around:
        raise SystemExit(f"{reader} wrote to /tmp: {sorted(more)}")
    return {
        case.name: _finding(reader, case, job, was, status)
        for case, job, was, status in zip(
            cases, jobs, before, statuses, strict=True
        )
    }


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


def _seen(job: readers.Job) -> dict[str, tuple[object, ...]]:
    """All of a box that a reader has nothing to do with."""
    _, box, dest = job
    own = {dest, f"{box}/log", f"{box}/scratch"}
    return {
        str(path): (path.lstat().st_mode, _content(path))
        for path in _walk(Path(box), own)
    }


def _walk(top: Path, leave_out: set[str]) -> Iterator[Path]:
    for entry in sorted(top.iterdir()):
        if str(entry) in leave_out:
            continue
        yield entry
        if entry.is_dir() and not entry.is_symlink():
            yield from _walk(entry, leave_out)


def _content(path: Path) -> bytes | str | None:
    if path.is_symlink():
        return os.readlink(path)
    return path.read_bytes() if path.is_file() else None


def _finding(
    reader: str,
    case: Case,
    job: readers.Job,
    before: Mapping[str, tuple[object, ...]],
    status: int,
) -> Finding:
    _, box, dest = job
    said = Path(box, "log").read_text(errors="replace")
    tree = _tree(Path(dest))
    outside = tuple(_outside(reader, job, before))
    if outside:
        verdict = "escaped"
    elif status == 0:
        verdict = "accepted"
    else:
        verdict = "crashed" if _is_crash(reader, status, said) else "refused"
    right = None
    if case.tree is not None:
        right = all(tree.get(name) == it for name, it in case.tree.items())
    return Finding(verdict, bool(tree), right, outside, status, said[-300:])


def _tree(dest: Path) -> dict[str, bytes | str | None]:
    """What files, links and others are there; FIFOs may be among them."""
    if not dest.is_dir():
        return {}
    return {
        path.relative_to(dest).as_posix(): _shown(path)
        for path in _walk(dest, set())
        if path.is_symlink() or not path.is_dir()
        if path.name not in LOCKS
    }


def _shown(path: Path) -> bytes | str | None:
    content = _content(path)
    return f"-> {content}" if isinstance(content, str) else content


def _outside(
    reader: str, job: readers.Job, before: Mapping[str, tuple[object, ...]]
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
    for path in Path(box, "scratch").rglob(f"*{EVIL}*"):
        yield str(path).removeprefix(box)


def _is_crash(reader: str, status: int, said: str) -> bool:
    if status < 0 or status == readers.MISTAKE:
        return True
    if reader in PROGRAMS and TRACEBACK in said:
        return "SystemExit" not in said.splitlines()[-1]
    return "panicked at" in said  # Rust


# ------------------------------------------------------------------ telling


def _told(cases: Sequence[Case], found: Findings) -> dict[str, object]:
    return {
        "versions": _versions(),
        "cases": {case.name: case.group for case in cases},
        "found": {
            reader: {name: vars(finding) for name, finding in own.items()}
            for reader, own in found.items()
        },
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


def _tables(told: dict[str, object]) -> Iterator[str]:
    """The Markdown of the README."""
    groups: dict[str, str] = told["cases"]  # type: ignore[assignment]
    found: dict[str, dict[str, dict[str, object]]] = told["found"]  # type: ignore[assignment]
    sizes = Counter(groups.values())
    sound = sizes.pop("sound", 0)
    kinds = [kind for kind in dict.fromkeys(GROUPS.values()) if sizes[kind]]
    yield (
        f"| of {sum(sizes.values())} attacks | accepted silently | refused |"
        " leaving files | escaped | crashed |"
        + "".join(f" {kind}, {sizes[kind]} |" for kind in kinds)
        + f" {sound} sound: right tree | another | refused |"
    )
    yield "| --- |" + " ---: |" * (8 + len(kinds))
    for reader, own in found.items():
        attacks = {n: f for n, f in own.items() if groups[n] != "sound"}
        counts = Counter(f["verdict"] for f in attacks.values())
        left = sum(
            f["verdict"] == "refused" and bool(f["left"])
            for f in attacks.values()
        )
        taken = Counter(
            groups[n] for n, f in attacks.items() if f["verdict"] != "refused"
        )
        cells = [
            counts["accepted"],
            counts["refused"],
            left,
            counts["escaped"],
            counts["crashed"],
            *(taken[kind] for kind in kinds),
            *_of_sound([f for n, f in own.items() if n not in attacks]),
        ]
        yield f"| {reader} | " + " | ".join(map(str, cells)) + " |"
    versions: dict[str, str] = told["versions"]  # type: ignore[assignment]
    yield ""
    yield ", ".join(f"{name} {number}" for name, number in versions.items())


def _of_sound(findings: Sequence[dict[str, object]]) -> tuple[int, int, int]:
    """How many have the right tree, another one, and are refused."""
    taken = [f for f in findings if f["verdict"] == "accepted"]
    right = sum(bool(f["right"]) for f in taken)
    return right, len(taken) - right, len(findings) - len(taken)


def _details(told: dict[str, object]) -> Iterator[str]:
    found: dict[str, dict[str, dict[str, object]]] = told["found"]  # type: ignore[assignment]
    for reader, own in found.items():
        for name, finding in own.items():
            marks = [str(finding["verdict"])]
            if finding["verdict"] == "refused" and finding["left"]:
                marks.append("left files")
            if finding["right"] is False:
                marks.append("another tree")
            marks += map(str, finding["outside"])  # type: ignore[call-overload]
            said = str(finding["said"]).strip().splitlines()[-1:]
            yield f"{reader}: {name}: {', '.join(marks)} {said}"


def _is_wrong(told: dict[str, object]) -> bool:
    """Whether unwheel is wrong about any of them."""
    groups: dict[str, str] = told["cases"]  # type: ignore[assignment]
    found: dict[str, dict[str, dict[str, object]]] = told["found"]  # type: ignore[assignment]
    return any(
        not finding["right"]
        if groups[name] == "sound"
        else finding["verdict"] != "refused" or finding["left"]
        for reader, own in found.items()
        if reader.startswith("unwheel")
        for name, finding in own.items()
    )


if __name__ == "__main__":
    sys.exit(main())
