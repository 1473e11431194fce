"""
The crew: threads that are lent to the core, for any number of wheels.

They are started here and spend their time inside the core, with the GIL
released.
"""

from __future__ import annotations

import os
from _thread import RLock, allocate_lock, start_new_thread
from _weakref import ref

from . import native
from .values import cached_property

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from _thread import LockType
    from weakref import ReferenceType

    from .host import Probes
    from .relay import RelayBatch

# Ctrl-C is answered within this, and progress told at this pace.
TICK_MS = 50


def thread_count() -> int:
    """How many CPUs this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Crew:
    """
    Threads lent to the core, for any number of wheels; a context manager.

    Args:
        threads: How many; by default one for each CPU of this process.  They
            are started when the first wheel is worth it.
    """

    def __init__(self, threads: int | None = None) -> None:
        if threads is not None and threads < 1:
            raise TypeError(f"threads: {threads} is not a positive number")
        self._count = threads or thread_count()
        # Of each thread a lock that is held while it works, and that nobody
        # else has: it is gone with a thread that had no memory even to begin.
        # More is not needed of the module threading, whose import takes 2 ms.
        self._threads: list[ReferenceType[LockType]] = []
        self._starting = allocate_lock()  # for who shares it with others
        self._crew = native.Crew()

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *exc: object) -> None:
        self._crew.dismiss()
        for thread in self._threads:
            while not _is_home(thread, TICK_MS / 1000):
                pass

    def take(self, batch: native.Batch | RelayBatch) -> None:
        """
        Have *batch* done; the threads start with the first one.

        Raises:
            RuntimeError: If the system has not one thread for us.
        """
        with self._starting:
            self._start()
        batch.give_to(self._crew)

    def _start(self) -> None:
        while len(self._threads) < self._count:
            at_work = allocate_lock()
            at_work.acquire()
            try:
                start_new_thread(self._work, (at_work,))
            except RuntimeError:  # fewer will do, one of them must be
                if not self._threads:
                    raise
                self._count = len(self._threads)
                break
            self._threads.append(ref(at_work))
            del at_work

    def _work(self, at_work: LockType) -> None:
        try:
            self._crew.work()
        finally:
            at_work.release()

    @cached_property
    def probes(self) -> Probes:
        """What was found out about file systems, for all its wheels."""
        from .host import Probes

        return Probes()

    @property
    def is_started(self) -> bool:
        """Whether its threads are there already."""
        return bool(self._threads)

    @property
    def is_gone(self) -> bool:
        """
        Whether no thread is left, for want of memory to work in.

        None comes home for another reason before the crew is dismissed.
        """
        return bool(self._threads) and all(map(_is_home, self._threads))

    def check(self) -> None:
        """
        See that somebody is at work.

        Raises:
            MemoryError: If nobody is.
        """
        if self.is_gone:
            raise MemoryError("no memory for a thread of the crew")


class shared:  # noqa: N801 - it is called like a function
    """
    The one crew of all who install in this process; a context manager.

    Several threads may install at once, each a wheel of its own: with a crew
    for each they would be too many for the CPUs.  It is made when the first
    comes, and dismissed when the last one goes.

    Args:
        threads: Of the one that is made; who comes later takes it as it is.
    """

    # May be taken twice: the garbage collector can let go of an abandoned
    # installation in a thread that is in here already.  So who comes is noted
    # before anything else.
    _lock = RLock()
    _crew: Crew | None = None
    _here: set[shared] = set()  # noqa: RUF012 - all of them, on purpose

    def __init__(self, threads: int | None = None) -> None:
        self._threads = threads

    def __enter__(self) -> Crew:
        with shared._lock:
            shared._here.add(self)
            try:
                if shared._crew is None:
                    shared._crew = Crew(self._threads)
            except BaseException:
                shared._here.discard(self)
                raise
            return shared._crew

    def __exit__(self, *exc: object) -> None:
        """Leave it.  May be called twice, and if entering it has failed."""
        with shared._lock:
            shared._here.discard(self)
            gone = None if shared._here else shared._crew
            if not shared._here:
                shared._crew = None
        if gone is not None:
            gone.__exit__(*exc)

    @staticmethod
    def _forget() -> None:
        """In a forked process, where the threads did not come along."""
        shared._lock = RLock()
        shared._crew = None
        shared._here = set()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=shared._forget)


def _is_home(thread: ReferenceType[LockType], seconds: float = 0) -> bool:
    """Whether *thread* has ended, after at most so many *seconds*."""
    at_work = thread()
    if at_work is None:
        return True
    home = at_work.acquire(timeout=seconds)
    if home:
        at_work.release()
    return home
