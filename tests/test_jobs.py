"""Which job of a batch a thread is given next."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from builder import ArchiveBuilder
from internals import Room, room
from trees import tree_files

from unwheel import native
from unwheel.policy import Limits

INTERNAL = """
struct uw_job {
    uint64_t cost;
    uint32_t first, count, leader, later, dir;
};
const struct uw_job *uw_batch_take(struct uw_batch *);
void uw_batch_leave(struct uw_batch *, const struct uw_job *);
"""

SIZE = 500_000  # of a small member; nine of them fill a job
BIG = 600_000


class Jobs:
    """The jobs of a batch, as a crew takes them."""

    def __init__(self, builder: ArchiveBuilder) -> None:
        """Make a batch of all members of *builder*, which nobody runs."""
        self.room: Room = room(
            INTERNAL,
            *("batch", "batch_repeats", "error", "tree_name"),
            *tree_files(),
        )
        self.archive = native.NativeArchive.from_bytes(
            builder.build(), Limits()
        )
        ffi, lib = self.room
        count = len(self.archive.entries)
        entries = ffi.new("uint32_t[]", list(range(count)))
        flags = ffi.new("uint8_t[]", count)
        sheet = ffi.new("struct uw_sheet *")
        sheet.count, sheet.entries, sheet.flags = count, entries, flags
        batch = ffi.new("struct uw_batch **")
        # It was opened by the same code, in another library.
        address = int(native.ffi.cast("uintptr_t", self.archive._handle))
        handle = ffi.cast("struct uw_archive *", address)
        error = ffi.new("struct uw_error *")
        status = lib.uw_batch_new(handle, ffi.NULL, sheet, batch, error)
        assert status == lib.UW_OK
        self.batch = batch[0]

    def take(self) -> Any:
        """The next job."""
        return self.room.lib.uw_batch_take(self.batch)

    def leave(self, job: Any) -> None:
        """Say that *job* is done."""
        self.room.lib.uw_batch_leave(self.batch, job)

    def close(self) -> None:
        """Give everything back."""
        self.room.lib.uw_batch_free(self.batch)
        self.archive.close()


@pytest.fixture
def jobs() -> Iterator[Jobs]:
    """A big member, two jobs of one directory, a smaller one of another."""
    builder = ArchiveBuilder().file("a/big", bytes(BIG))
    for k in range(17):
        builder.file(f"a/{k}", bytes(SIZE))
    made = Jobs(builder.file("b/x", bytes(SIZE)))
    yield made
    made.close()


def test_the_largest_goes_first(jobs):
    """
    One thread alone has them by size.
    """
    found = []
    while job := jobs.take():
        found.append((job.count, job.cost > BIG))
        jobs.leave(job)

    assert [(9, True), (8, True), (1, False), (1, False)] == found


def test_two_threads_are_sent_to_two_directories(jobs):
    """
    The second is given what is smaller, but where it need not wait.
    """
    first, second, third = jobs.take(), jobs.take(), jobs.take()

    assert first.count == 9
    assert 0 == second.dir  # the big member, which is one file
    assert third.dir not in (0, first.dir)


def test_a_directory_is_shared_when_there_is_no_other(jobs):
    """
    Waiting for a lock now and then is better than having nothing to do.
    """
    counts = sorted(jobs.take().count for _ in range(4))

    assert [1, 1, 8, 9] == counts
    assert not jobs.take()


def test_a_job_stays_where_it_is_once_it_is_taken(jobs):
    """
    Others are moved past each other then, not it.
    """
    first = jobs.take()
    before = (first.first, first.count, first.dir)

    while jobs.take():
        pass

    assert before == (first.first, first.count, first.dir)


def test_a_directory_is_free_when_its_job_is_done(jobs):
    """
    Then what is largest goes first again.
    """
    first = jobs.take()
    jobs.leave(first)

    assert jobs.take().count == 8
