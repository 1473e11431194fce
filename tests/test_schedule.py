"""
The model of the crew in benchmarks/schedule.py, on cases done in the head.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

sys.path.insert(1, str(Path(__file__).resolve().parent.parent / "benchmarks"))

import schedule
from schedule import Job, Member, halved, jobs_of, limit, simulate

CORE = Path(__file__).resolve().parent.parent / "csrc"


def small(
    directory: str, seconds: float = 1.0, size: int = 0, locked: float = 0.0
) -> Member:
    """A member that nobody helps with."""
    return Member(directory, size, seconds, seconds, locked)


def big(seconds: float, helped: float, size: int = 1 << 20) -> Member:
    """A member that two threads can do."""
    return Member("lib", size, seconds, helped, 0.0)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("FILE_COST", "batch.c"),
        ("JOB_COST_MAX", "batch.c"),
        ("LOOK_AHEAD", "batch.c"),
        ("BIG_MEMBER", "batch.h"),
    ],
)
def test_has_the_numbers_of_the_core(name, file):
    """
    A model with other numbers than the core would model something else.
    """
    text = (CORE / file).read_text(encoding="ascii")

    (found,) = re.findall(rf"#define (?:UW_)?{name}\s+(.+)", text)

    number = re.fullmatch(r"(?:\(\(u64\))?(\d+)(?: << (\d+)\))?", found)
    expected = int(number[1]) << int(number[2] or 0)
    assert expected == getattr(schedule, name)


def test_cuts_jobs_by_directory():
    """
    The members of one directory are one job, wherever they stand.
    """
    jobs = jobs_of([small("a"), small("b"), small("a")])

    assert [("a", 2.0), ("b", 1.0)] == [(j.directory, j.alone) for j in jobs]


def test_cuts_a_large_directory():
    """
    As batch.c: a job is closed once its cost has reached the maximum.
    """
    each = 64 << 10
    count = -(-schedule.JOB_COST_MAX // (each + schedule.FILE_COST))

    jobs = jobs_of([small("a", size=each)] * (count + 1))

    assert [count, 1] == [job.alone for job in jobs]


def test_makes_big_members_jobs_of_their_own():
    """
    And the largest is the first.
    """
    jobs = jobs_of([small("lib"), big(5, 3), big(9, 6, size=2 << 20)])

    assert [9, 5, 1] == [job.alone for job in jobs]
    assert [True, True, False] == [job.big for job in jobs]


@pytest.mark.parametrize(("threads", "seconds"), [(1, 6), (2, 3), (8, 3)])
def test_shares_jobs_out(threads, seconds):
    """
    Three seconds, two and one: the third is done while the first still is.
    """
    jobs = jobs_of([small("a", 3, 9), small("b", 2, 8), small("c", 1, 7)])

    assert seconds == pytest.approx(simulate(jobs, threads))


def test_sends_a_thread_where_nobody_is():
    """
    Two thirds of the work are in one directory, and all of that is lock.
    """
    crowd = [Job("", 9, False, "a", 1.0, 1.0, 1.0)] * 2
    jobs = [*crowd, Job("", 1, False, "b", 1.0, 1.0, 1.0)]

    assert 2 == pytest.approx(simulate(jobs, 2))


def test_helps_with_a_big_member_at_the_end():
    """
    Half of ten seconds is done alone, the other at the rate of two threads.
    """
    jobs = jobs_of([big(10, 6), small("a", 5)])

    assert 5 + 3 == pytest.approx(simulate(jobs, 2))


def test_gives_one_helper_to_one_member():
    """
    A third thread has nothing to do with one member in two halves.
    """
    jobs = jobs_of([big(10, 6)])

    assert 6 == pytest.approx(simulate(jobs, 64))


def test_helps_the_largest_first():
    """
    Of two that are decoded alone the larger one gets the one idle thread; the
    other is helped when that is done, with a sixth of it left.
    """
    jobs = jobs_of([big(10, 5, size=2 << 20), big(6, 3)])

    assert 5 + 0.5 == pytest.approx(simulate(jobs, 3))


def test_queues_at_the_lock_of_a_directory():
    """
    Two jobs of a directory that are all lock take as long as one by one.
    """
    jobs = [Job("", 1, False, "a", 1.0, 1.0, 1.0)] * 2

    assert 2 == pytest.approx(simulate(jobs, 2))
    assert "directory" == limit(jobs, 0.0, 2)


def test_does_not_queue_where_the_lock_has_room():
    """
    Two jobs that hold it for less than half of the time meet no queue.
    """
    jobs = [Job("", 1, False, "a", 1.0, 1.0, 0.4)] * 2

    assert 1 == pytest.approx(simulate(jobs, 2))


@pytest.mark.parametrize(
    ("threads", "serial", "expected"),
    [(1, 1.0, "work"), (4, 1.0, "member"), (64, 7.0, "serial")],
)
def test_names_the_limit(threads, serial, expected):
    """
    Many cores leave the longest member, or what is done by one thread only.
    """
    jobs = jobs_of([big(8, 6), *[small(name) for name in "abcdefgh"]])

    assert expected == limit(jobs, serial, threads)


@pytest.mark.parametrize(
    ("decode", "drain", "write", "seconds"),
    [(6, 2, 1, 6), (2, 6, 1, 6), (3, 3, 2, 4)],
)
def test_halves_a_member(decode, drain, write, seconds):
    """
    The longer half decides, unless writing fills the gap.
    """
    assert seconds == halved(decode, drain, write)
