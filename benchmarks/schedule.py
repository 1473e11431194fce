"""
A model of the crew: what members cost in, what the wall clock says out.

Pure: it measures nothing (scaling.py does).  Members become jobs as batch.c
makes them; threads take the largest first, of directories where nobody is; one
that finds none left takes the drain half of the largest big member that is
decoded alone, as crew.c and split.c have it.
Time is continuous: between two events every running job proceeds at a rate.

Not modelled: the bandwidth of memory and disk, caches, clock rates that fall
when all cores are busy, and what a wake-up costs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

# Of batch.c and batch.h; tests/test_schedule.py holds them to be the same.
FILE_COST = 16384
JOB_COST_MAX = 4 << 20
BIG_MEMBER = 512 << 10
LOOK_AHEAD = 64

# A job with less of it left than this is done: sums of floats are not exact.
NOTHING = 1e-12


@dataclass(frozen=True)
class Member:
    """
    A file of a wheel.

    Attributes:
        directory: Where it is made.
        size: Bytes, inflated.
        alone: Seconds of one thread.
        helped: Seconds of wall time when a second thread has the drain half
            from its start; the same as `alone` if it cannot be halved.
        locked: The seconds of them in which nobody else can make a file in
            its directory.
    """

    directory: str
    size: int
    alone: float
    helped: float
    locked: float


@dataclass(frozen=True)
class Job:
    """What a thread takes at once: a big member, or some of a directory."""

    name: str
    cost: int  # by which jobs are sorted, in bytes to inflate
    big: bool
    directory: str
    alone: float
    helped: float
    locked: float


@dataclass
class _Running:
    """A job in somebody's hands; what is left is a part of 1."""

    job: Job
    left: float = 1.0
    helped: bool = False

    @property
    def seconds(self) -> float:
        return self.job.helped if self.helped else self.job.alone


def jobs_of(members: Iterable[Member]) -> list[Job]:
    """Cut *members*, in the archive's order, into jobs as batch.c does."""
    jobs = []
    by_directory = sorted(members, key=lambda m: m.directory)
    for directory, own in groupby(by_directory, lambda m: m.directory):
        open_: list[Member] = []
        cost = 0
        for member in own:
            if member.size >= BIG_MEMBER:
                jobs.append(_job(directory, [member], member.size, big=True))
                continue
            if cost >= JOB_COST_MAX:
                jobs.append(_job(directory, open_, cost, big=False))
                open_, cost = [], 0
            open_.append(member)
            cost += member.size + FILE_COST
        if open_:
            jobs.append(_job(directory, open_, cost, big=False))
    return sorted(jobs, key=lambda job: -job.cost)


def _job(
    directory: str, members: Sequence[Member], cost: int, *, big: bool
) -> Job:
    return Job(
        name=f"{len(members)} files in {directory or 'the root'}",
        cost=cost,
        big=big,
        directory=directory,
        alone=sum(member.alone for member in members),
        helped=sum(member.helped for member in members),
        locked=sum(member.locked for member in members),
    )


def simulate(jobs: Sequence[Job], threads: int) -> float:
    """Seconds that *threads*, each with a core, need for *jobs*, as sorted."""
    waiting = list(jobs)
    running: list[_Running] = []
    now = 0.0
    while waiting or running:
        _occupy(threads, waiting, running)
        rates = _rates(running)
        step = min(
            r.left / rate for r, rate in zip(running, rates, strict=True)
        )
        now += step
        for one, rate in zip(running, rates, strict=True):
            one.left -= step * rate
        running = [one for one in running if one.left > NOTHING]
    return now


def _occupy(threads: int, waiting: list[Job], running: list[_Running]) -> None:
    """Idle threads take a job each, or else help with a big member each."""
    idle = threads - sum(1 + one.helped for one in running)
    while idle and waiting:
        running.append(_Running(waiting.pop(_next(waiting, running))))
        idle -= 1
    alone = [r for r in running if r.job.big and not r.helped]
    alone.sort(key=lambda one: -one.job.cost)
    for one in alone[:idle]:
        one.helped = True


def _next(waiting: Sequence[Job], running: Sequence[_Running]) -> int:
    """The first job, or the first near it where nobody makes small files."""
    busy = {one.job.directory for one in running if not one.job.big}
    for k, job in enumerate(waiting[:LOOK_AHEAD]):
        if job.big or job.directory not in busy:
            return k
    return 0


def _rates(running: Sequence[_Running]) -> list[float]:
    """How much of each job is done in a second."""
    wanted: dict[str, float] = {}  # of each directory's lock, of a second
    for one in running:
        wanted.setdefault(one.job.directory, 0.0)
        wanted[one.job.directory] += one.job.locked / max(one.seconds, NOTHING)
    return [
        1 / max(one.seconds, NOTHING) / max(1.0, wanted[one.job.directory])
        for one in running
    ]


def limit(jobs: Sequence[Job], serial: float, threads: int) -> str:
    """
    What keeps *threads* from being faster: the highest of the bounds below
    which no schedule can come.

    "serial" is what one thread does before and after all jobs, "member" the
    longest job with all the help it can have, "directory" all that holds one
    lock, "work" that all cores are busy.
    """
    held: dict[str, float] = {}
    for job in jobs:
        held[job.directory] = held.get(job.directory, 0.0) + job.locked
    helped = threads > 1
    bounds = {
        "work": sum(job.alone for job in jobs) / threads,
        "serial": serial,
        "member": max(
            (job.helped if helped else job.alone for job in jobs), default=0.0
        ),
        "directory": max(held.values(), default=0.0),
    }
    return max(bounds, key=lambda name: bounds[name])


def halved(decode: float, drain: float, write: float) -> float:
    """
    Seconds of a big member on two threads.

    One decodes, one drains, and whoever would wait writes (split.c).
    """
    return max(decode, drain, (decode + drain + write) / 2)
