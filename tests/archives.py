"""Open bytes with the core's ZIP reader, for tests of the reader itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from unwheel._native import ffi, lib

# Every reason by its number: "LOCAL_CRC", without UW_WHY_.
REASONS = {
    getattr(lib, name): name.removeprefix("UW_WHY_")
    for name in dir(lib)
    if name.startswith("UW_WHY_")
}


@dataclass(frozen=True)
class Problem:
    """One problem, as the core tells it."""

    status: int
    reason: str
    entry: int | None
    offset: int
    found: int
    expected: int
    message: str


class Refused(Exception):  # noqa: N818
    """The archive was refused; `count` may be more than `problems` has."""

    def __init__(self, status: int, problems: list[Problem], count: int):
        """Keep what uw_archive_open_memory() gave."""
        super().__init__(*(p.message for p in problems))
        self.status = status
        self.problems = problems
        self.count = count

    @property
    def reasons(self) -> list[str]:
        """The reasons, in the order in which they were found."""
        return [problem.reason for problem in self.problems]


@dataclass(frozen=True)
class Entry:
    """An entry, as the core tells it."""

    name: bytes
    size: int
    packed_size: int
    header_offset: int
    data_offset: int
    crc32: int
    external_attr: int
    method: int
    flags: int
    made_by: int
    dos_time: int
    dos_date: int
    facts: int
    mtime: int


def _problem(raw: Any) -> Problem:
    return Problem(
        status=raw.status,
        reason=REASONS[raw.reason],
        entry=None if raw.entry < 0 else raw.entry,
        offset=raw.offset,
        found=raw.found,
        expected=raw.expected,
        message=ffi.string(raw.message).decode("ascii"),
    )


def _entry(raw: Any, names: bytes) -> Entry:
    name = names[raw.name_offset : raw.name_offset + raw.name_len]
    fields = Entry.__dataclass_fields__.keys() - {"name"}
    return Entry(name=name, **{field: getattr(raw, field) for field in fields})


def read(
    data: bytes,
    *,
    entries: int = 1_000_000,
    directory_len: int = 1 << 30,
    name_len: int = 4095,
    allow: int = 0,
) -> list[Entry]:
    """
    The entries of the archive that *data* is, within limits.

    Raises:
        Refused: With every problem.
    """
    limits = ffi.new(
        "struct uw_limits *", (entries, directory_len, name_len, allow)
    )
    archive_ret = ffi.new("struct uw_archive **")
    problems = ffi.new("struct uw_problems *")
    held = ffi.from_buffer("uint8_t[]", data)
    status = lib.uw_archive_open_memory(
        held, len(data), limits, archive_ret, problems
    )
    if status != lib.UW_OK:
        assert archive_ret[0] == ffi.NULL
        kept = min(problems.count, lib.UW_PROBLEMS_MAX)
        told = [_problem(problems.list[i]) for i in range(kept)]
        raise Refused(status, told, problems.count)
    assert problems.count == 0
    archive = ffi.gc(archive_ret[0], lib.uw_archive_close)
    assert lib.uw_archive_len(archive) == len(data)
    return _entries(archive)


def _entries(archive: Any) -> list[Entry]:
    len_ret = ffi.new("size_t *")
    start = lib.uw_archive_names(archive, len_ret)
    names = bytes(ffi.buffer(start, len_ret[0]))
    raw = lib.uw_archive_entries(archive)
    count = lib.uw_archive_count(archive)
    # Each name ends with a NUL, so that all can be split at once.
    entries = [_entry(raw[i], names) for i in range(count)]
    assert [e.name for e in entries] == names.split(b"\0")[:-1]
    return entries
