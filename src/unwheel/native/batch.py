"""
Crews, and one wheel's orders in their hands.
"""

from __future__ import annotations

from .core import CPU, OK, REASONS, error_of, ffi, lib, new_place, release

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from .archive import NativeArchive
    from .tree import Tree

EXECUTABLE = int(lib.UW_ORDER_EXECUTABLE)
DIRECTORY = int(lib.UW_ORDER_DIRECTORY)
SHA256 = int(lib.UW_ORDER_SHA256)

# Policy.dedupe by its name.
_DEDUPES = {
    "off": int(lib.UW_DEDUPE_OFF),
    "copy": int(lib.UW_DEDUPE_COPY),
    "hardlink": int(lib.UW_DEDUPE_HARDLINK),
}

# What is in a struct uw_result, and its size, which is checked below.
_RESULT = "=iiiIQQ32s"
_RESULT_SIZE = 64
_SHA256_AT = int(ffi.offsetof("struct uw_result", "sha256"))


class Crew:
    """Threads that are lent to the core; `engine` starts them."""

    def __init__(self) -> None:
        handle = lib.uw_crew_new(CPU)
        if not handle:
            raise MemoryError("out of memory")
        # Freed with the last reference, of which each thread at work has one:
        # not even a Ctrl-C while they are waited for frees it under them.
        self.handle = ffi.gc(handle, lib.uw_crew_free)
        self.batches: set[Batch] = set()  # and what those are about

    def work(self) -> bool:
        """Lend this thread until `dismiss`; False when out of memory."""
        return bool(lib.uw_crew_work(self.handle) == OK)

    def dismiss(self) -> None:
        """Let every lent thread return when there is nothing left to do."""
        lib.uw_crew_dismiss(self.handle)


class Batch:
    """
    One wheel's orders in the hands of a crew.

    Args:
        archive: Where the members are.
        tree: Where files are made, or None to verify only.  Directories that
            hold others are made at once, here; the rest by the crew.
        entries: Indices in the directory, 32-bit, native order.
        flags: A byte of `EXECUTABLE`, `DIRECTORY`, `SHA256` for each.
        digests: 32 bytes for each; those without `SHA256` are not looked at.
        times: The time of modification of each file, in seconds since 1970,
            64-bit, native order; or None to let it be.
        dedupe: Members with the same packed bytes: "off" inflates each;
            "copy" inflates one, and makes the others reflinks or copies of
            it; "hardlink" makes them hard links, where mode and time are the
            same.

    Raises:
        DestinationError: If a directory cannot be made.
    """

    def __init__(
        self,
        archive: NativeArchive,
        tree: Tree | None,
        entries: bytes,
        flags: bytes,
        digests: bytes,
        *,
        times: bytes | None = None,
        dedupe: str = "off",
    ) -> None:
        self._handle: Any = None
        self._crew: Crew | None = None
        self.count = count = len(flags)
        if (len(entries), len(digests)) != (4 * count, 32 * count):
            raise TypeError(f"columns that are not for {count} orders")
        if times is not None and len(times) != 8 * count:
            raise TypeError(f"times that are not for {count} orders")
        self._keep = (archive, tree)
        sheet = ffi.new("struct uw_sheet *")
        sheet.count = self.count
        columns = [ffi.from_buffer(c) for c in (entries, flags, digests)]
        sheet.entries = ffi.cast("uint32_t *", columns[0])
        sheet.flags = ffi.cast("uint8_t *", columns[1])
        sheet.digests = ffi.cast("uint8_t *", columns[2])
        if times is not None:
            columns.append(ffi.from_buffer(times))
            sheet.times = ffi.cast("int64_t *", columns[3])
        sheet.dedupe = _DEDUPES[dedupe]
        self._place = new_place("batch")
        error = ffi.new("struct uw_error *")
        handle = ffi.NULL if tree is None else tree.handle
        status = lib.uw_batch_new(
            archive._handle, handle, sheet, self._place, error
        )
        if status:
            raise error_of(error)
        self._handle = self._place[0]
        self._progress = ffi.new("struct uw_progress *")

    def give_to(self, crew: Crew) -> None:
        """Have it done by *crew*, which keeps it until it is closed."""
        crew.batches.add(self)
        self._crew = crew
        lib.uw_crew_add(crew.handle, self._handle)

    def run(self, *, cpu: int = CPU) -> None:
        """Do it all on this thread, with these of the CPU's features."""
        error = ffi.new("struct uw_error *")
        if lib.uw_batch_run(self._handle, cpu, error):
            raise error_of(error)

    def wait(self, milliseconds: int) -> bool:
        """
        Whether no thread of a crew has it, after at most so long.

        True at once if none ever had it, or it is closed.
        """
        if self._handle is None:
            return True
        return bool(lib.uw_batch_wait(self._handle, milliseconds))

    def cancel(self) -> None:
        """Have the crew drop what is left; `wait` still has to be called."""
        if self._handle is not None:
            lib.uw_batch_cancel(self._handle)

    def progress(self) -> tuple[int, int]:
        """Plain bytes done, members done."""
        lib.uw_batch_progress(self._handle, self._progress)
        return self._progress.bytes, self._progress.members

    def repeats(self) -> tuple[int, int]:
        """
        Members that were not inflated, but are those of another order; bytes.
        """
        lib.uw_batch_progress(self._handle, self._progress)
        return self._progress.repeats, self._progress.repeated

    def failures(self) -> int:
        """How many orders have failed so far."""
        lib.uw_batch_progress(self._handle, self._progress)
        return int(self._progress.failures)

    def results(self) -> bytes:
        """All results, to be read by `result`; for after it has finished."""
        rows = lib.uw_batch_results(self._handle)
        return bytes(ffi.buffer(rows, self.count * _RESULT_SIZE))

    def outcomes(self) -> Outcomes:
        """What the orders came to; for after it has finished."""
        return Outcomes(self.results())

    def close(self) -> None:
        """Give it back, when it has finished or was never given away."""
        self._handle = None
        place, self._place = self._place, None
        release(place)
        if self._crew is not None:
            self._crew.batches.discard(self)
            self._crew = None


def packed(kind: str, numbers: Sequence[int]) -> bytes:
    """The *numbers* as C has them, each a *kind*."""
    return bytes(ffi.buffer(ffi.new(f"{kind}[]", numbers)))


class Result:
    """What one order came to, unpacked from `Batch.results`."""

    __slots__ = (
        "crc32",
        "offset",
        "os_error",
        "reason",
        "sha256",
        "size",
        "status",
    )

    def __init__(self, results: bytes, index: int) -> None:
        from struct import unpack_from

        (
            self.status,
            reason,
            self.os_error,
            self.crc32,
            self.size,
            self.offset,
            self.sha256,
        ) = unpack_from(_RESULT, results, index * _RESULT_SIZE)
        self.reason = REASONS[reason]


class Outcomes:
    """What all orders came to (`backend.Outcomes`), unpacked one by one."""

    def __init__(self, results: bytes) -> None:
        self._results = results

    def __getitem__(self, order: int) -> Result:
        return Result(self._results, order)

    def statuses(self) -> list[int]:
        """The status of every order, in order."""
        return statuses(self._results)

    def sha256(self, order: int) -> bytes:
        """That of the bytes that were read; nothing else is unpacked."""
        start = order * _RESULT_SIZE + _SHA256_AT
        return self._results[start : start + 32]


def statuses(results: bytes) -> list[int]:
    """The status of every order, in order."""
    return memoryview(results).cast("i")[:: _RESULT_SIZE // 4].tolist()


if ffi.sizeof("struct uw_result") != _RESULT_SIZE:
    raise ImportError("struct uw_result is not as batch.py reads it")
