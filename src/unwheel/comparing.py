"""
One wheel, five readings, and where they differ.

A wheel must mean one thing to every reader.  The core checks that by rules;
this shows it, entry by entry, with readers that know nothing of the rules.
"""

from __future__ import annotations

import os
from contextlib import ExitStack

from .libarchive import spelled_alike
from .policy import READINGS, Policy
from .readings import Reading, Seen, read_directory, read_headers
from .report import fact_to_json, head_to_json, problem_to_json
from .values import replace, value

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from .errors import Problem
    from .wheel import StrPath

    # A name, and how many there were of it before.
    Key = tuple[str, int]

_OWN: dict[str, Callable[[str, Policy], Reading]] = {
    "directory": read_directory,
    "headers": read_headers,
}

# What readers may differ in about an entry, and how that is shown.
_FIELDS: dict[str, Callable[..., str]] = {
    "type": str,
    "mode": "{:04o}".format,
    "size": str,
    "crc32": "{:08x}".format,
    "target": str,
    "sha256": str,
}

# Those who compose names (NFC).
_COMPOSING = ("libarchive", "stream")
# Those who give entries in the order of the directory.
_BY_DIRECTORY = ("directory", "zipfile")

# Differences of one kind that are told.
MOST = 1000

_DEFAULT = Policy()


@value
class Difference:
    """
    Something that readers do not see alike.

    Attributes:
        member: The entry, or None if it is about the archive.
        field: "reading" (some do not take it), "entry" (some do not see it),
            "order" (of the data), "directory order", "more" (how many other
            differences there are), or what of an entry differs: "type",
            "mode" (octal), "size" (bytes), "crc32", "target", "sha256".
        says: What each reader says; those are left out that cannot know.
    """

    member: str | None
    field: str
    says: tuple[tuple[str, str], ...]


@value
class Comparison:
    """
    What came of comparing.

    Attributes:
        wheel: The wheel, as the caller named it.
        readings: What each reader sees.
        differences: Of each field at most `MOST`, and then how many more.
    """

    wheel: str
    readings: tuple[Reading, ...]
    differences: tuple[Difference, ...]

    def to_json(self) -> dict[str, object]:
        """
        The comparison, as `json.dumps` takes it.

        Besides the keys of every object, of which `status` is "ok" or
        "differs": `readings`, objects of `reader`, `entries` (how many),
        `size` (their bytes, inflated, as far as it knows), `whole` (whether it
        came to the end) and `problems`, objects as `report.problem_to_json`
        says; `differences`, objects of `member`, `field` and `says`, which is
        an object of strings by reader (see `Difference`).
        """
        status = "differs" if self.differences else "ok"
        return {
            **head_to_json("compare", status, self.wheel),
            "readings": [_reading_to_json(one) for one in self.readings],
            "differences": [_to_json(one) for one in self.differences],
        }


def _reading_to_json(reading: Reading) -> dict[str, object]:
    return {
        "reader": reading.reader,
        "entries": len(reading.entries),
        "size": reading.size,
        "whole": reading.whole,
        "problems": [problem_to_json(one) for one in reading.problems],
    }


def _to_json(difference: Difference) -> dict[str, object]:
    says = {
        reader: text.encode("utf-8", "backslashreplace").decode("utf-8")
        for reader, text in difference.says
    }
    return {**fact_to_json(difference), "says": says}


def compare(
    wheel: StrPath,
    *,
    policy: Policy = _DEFAULT,
    readings: Sequence[str] = READINGS,
) -> list[Difference]:
    """
    Where *readings* of *wheel* differ; nothing is written.

    Args:
        wheel: The path of a wheel, or of any other ZIP archive.
        policy: Its limits bound every reading; of the rest only `descriptors`
            is heeded.
        readings: Of "directory" (ours, by the directory), "headers" (ours,
            by the local headers alone), "libarchive" (seeking), "stream"
            (libarchive, as from a pipe) and "zipfile" (Python's).

    Returns:
        Nothing, if all see the same.  A reader that does not take the wheel,
        or something in it, is a difference, also if none does.

    Raises:
        SourceError: If the file cannot be read.
        DestinationError: EXTRA_MISSING, if a reader is not installed.
        TypeError: If a reading is none of those.
    """
    return list(compare_readings(wheel, policy, readings).differences)


def compare_readings(
    wheel: StrPath, policy: Policy, readings: Sequence[str] = READINGS
) -> Comparison:
    """The same, and the readings; see `compare`."""
    for name in readings:
        if name not in READINGS:
            one_of = ", ".join(map(repr, READINGS))
            raise TypeError(f"readings: {name!r} is none of {one_of}")
    path = os.fsdecode(wheel)
    made = _read(path, policy, [r for r in READINGS if r in readings])
    return Comparison(path, tuple(made), tuple(differences(made)))


def _read(path: str, policy: Policy, readers: Sequence[str]) -> list[Reading]:
    """All readings: the others' are made while ours are."""
    from .errors import SourceError
    from .native import os_problem
    from .readers import Asked

    try:
        size = os.stat(path).st_size
    except OSError as error:
        problem = os_problem(error.errno or 0, "open")
        raise SourceError([problem], wheel=path, errno=error.errno) from error
    with ExitStack() as stack:
        asked = {
            reader: stack.enter_context(
                Asked(reader, path, size, policy.limits)
            )
            for reader in readers
            if reader not in _OWN
        }
        own = {
            reader: _OWN[reader](path, policy)
            for reader in readers
            if reader in _OWN
        }
        return [own.get(r) or asked[r].answer() for r in readers]


# ------------------------------------------------------------- differences


def differences(readings: Sequence[Reading]) -> list[Difference]:
    """Where *readings* of one wheel differ; of each field the first `MOST`."""
    views = [_View(reading) for reading in _spelled(readings)]
    told: list[Difference] = []
    counts: dict[str, int] = {}
    for difference in _all(views):
        count = counts[difference.field] = counts.get(difference.field, 0) + 1
        if count <= MOST:
            told.append(difference)
    for field, count in counts.items():
        if count > MOST:
            says = (("compare", f"{count - MOST} more of {field}"),)
            told.append(Difference(None, "more", says))
    return told


class _View:
    """A reading whose entries can be found."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.reader = reading.reader
        self.entries: dict[Key, Seen] = {}
        counts: dict[str, int] = {}
        for entry in reading.entries:
            nth = counts.get(entry.name, 0)
            counts[entry.name] = nth + 1
            self.entries[entry.name, nth] = entry
        # Of each member its problems: a million members may have one each.
        self.problems: dict[str | None, list[Problem]] = {}
        for problem in reading.problems:
            self.problems.setdefault(problem.member, []).append(problem)
        self._tells_all = all(
            problem.code != "MORE_PROBLEMS" for problem in reading.problems
        )

    def taken(self, member: str) -> str:
        """Whether it takes a *member* of which it tells no problem."""
        if (member, 0) not in self.entries:
            return "not seen"
        return "taken" if self._tells_all else "not told"

    def by_data(self) -> list[Key]:
        """The entries in the order of their data."""
        keys = list(self.entries)
        if self.reader in _BY_DIRECTORY:
            keys.sort(key=lambda key: self.entries[key].offset or 0)
        return keys


def _all(views: Sequence[_View]) -> Iterator[Difference]:
    yield from _failures(views)
    keys = dict.fromkeys(key for view in views for key in view.entries)
    for key in keys:
        yield from _of_entry(key, views)
    whole = [view for view in views if view.reading.whole]
    yield from _order("order", [(v, v.by_data()) for v in whole])
    listed = [view for view in whole if view.reader in _BY_DIRECTORY]
    yield from _order("directory order", [(v, [*v.entries]) for v in listed])


def _failures(views: Sequence[_View]) -> Iterator[Difference]:
    """What some do not take: the archive, and then by entry."""
    members: dict[str | None, None] = {}
    if not all(view.reading.whole for view in views):
        members[None] = None
    for view in views:
        members.update(dict.fromkeys(view.problems))
    for member in members:
        yield Difference(
            member,
            "reading",
            tuple((view.reader, _verdict(view, member)) for view in views),
        )


def _verdict(view: _View, member: str | None) -> str:
    whole = view.reading.whole
    found: Sequence[Problem] = view.problems.get(member, ())
    if member is None and not whole:
        found = view.reading.problems
    if found:
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        told = found[0] if member is None else replace(found[0], member=None)
        return f"{told.code}: {told}{more}"
    if member is None:
        count = len(view.entries)
        return f"{count} {'entry' if count == 1 else 'entries'}"
    if not whole:
        return "given up"
    return view.taken(member)


def _of_entry(key: Key, views: Sequence[_View]) -> Iterator[Difference]:
    seen = {v.reader: v.entries[key] for v in views if key in v.entries}
    # Who gave up half way says nothing of what may come later.
    missing = [
        v.reader for v in views if v.reader not in seen and v.reading.whole
    ]
    name = key[0]
    if missing:
        says = (
            (v.reader, "no" if v.reader in missing else "yes")
            for v in views
            if v.reader in seen or v.reader in missing
        )
        yield Difference(name, "entry", tuple(says))
    for field, shown in _FIELDS.items():
        told = {
            reader: getattr(entry, field)
            for reader, entry in seen.items()
            if getattr(entry, field) is not None
        }
        if len(set(told.values())) > 1:
            says = ((reader, shown(found)) for reader, found in told.items())
            yield Difference(name, field, tuple(says))


def _order(
    field: str, orders: Sequence[tuple[_View, list[Key]]]
) -> Iterator[Difference]:
    """The first place where the entries that all see stand differently."""
    if not orders:
        return
    common = set(orders[0][1]).intersection(*(keys for _, keys in orders[1:]))
    columns = [[key for key in keys if key in common] for _, keys in orders]
    for row in zip(*columns, strict=True):
        if len(set(row)) > 1:
            readers = (view.reader for view, _ in orders)
            names = (name for name, _ in row)
            yield Difference(
                None, field, tuple(zip(readers, names, strict=True))
            )
            return


# ------------------------------------------------------------------- names


def _spelled(readings: Sequence[Reading]) -> list[Reading]:
    """
    The *readings*, with names and targets as they are stored.

    libarchive composes them (NFC), and ends them at a NUL; that is how it
    tells them, not what it sees.
    """
    stored = next((r for r in readings if r.reader not in _COMPOSING), None)
    if stored is None:
        return list(readings)
    entries = stored.entries
    if stored.reader in _BY_DIRECTORY:
        entries = tuple(sorted(entries, key=lambda entry: entry.offset or 0))
    return [
        replace(reading, entries=tuple(_as_stored(reading.entries, entries)))
        if reading.reader in _COMPOSING
        else reading
        for reading in readings
    ]


def _as_stored(
    found: Iterable[Seen], stored: Sequence[Seen]
) -> Iterator[Seen]:
    for place, entry in enumerate(found):
        if place < len(stored):
            other = stored[place]
            if _alike(entry.name, other.name):
                entry = replace(entry, name=other.name)
            if entry.target and other.target:
                entry = _with_target(entry, other.target)
        yield entry


def _with_target(entry: Seen, stored: str) -> Seen:
    if _alike(entry.target or "", stored):
        return replace(entry, target=stored)
    return entry


def _alike(found: str, stored: str) -> bool:
    return found == stored or spelled_alike(_raw(found), _raw(stored))


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape").partition(b"\0")[0]
