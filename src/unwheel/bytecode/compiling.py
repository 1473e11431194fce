"""
Byte-compilation by workers: processes of the interpreter that will import it.

Jobs stand in a file without a name; what goes through the pipe, from which
all workers read, is where they stand: eight bytes at a time.  So whoever is
idle takes the next source, and we need not look before the end.  Names may
hold anything, and no thread of ours waits for anybody.
"""

from __future__ import annotations

import os
import time

from ..crew import thread_count
from ..errors import DestinationError
from ..native import os_problem
from ..values import value
from .workers import DONE, DROPPED, FAILED, HELLO, Workers, nameless_file

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from .workers import Answer, Worker

# The second word of a pyc (PEP 552).
INVALIDATIONS = {"timestamp": 0, "unchecked-hash": 1, "checked-hash": 3}

# Who takes longer over one source than this is ended: the source is meant to.
MOST_SECONDS = 120
# Workers that may die, of sources that crash a compiler or by other hands,
# before the rest is left uncompiled.
MOST_DEATHS = 8

_TICK_MS = 1000  # how often the clock is looked at; answers are read at once
_SUFFIX = ".py"


@value
class Compiled:
    """
    What became of one source.

    Attributes:
        source: Its path, as it was submitted.
        pycs: The files that were made, one for each level, beside it in
            `__pycache__`; all of them or none.
        problem: If there are none, one line for people: of a SyntaxError, of
            a worker that died.  No reason to refuse a wheel: whoever imports
            it will hear the same.
    """

    source: str
    pycs: tuple[str, ...]
    problem: str | None = None


class Compilation:
    """The sources of one call of `Compiler.submit`, on their way."""

    def __init__(self, compiler: Compiler, count: int) -> None:
        self._compiler = compiler
        self._results: list[Compiled | None] = [None] * count
        self._left = count

    def ready(self, milliseconds: int = 0) -> bool:
        """Whether all are done, after at most so long."""
        end = time.monotonic() + milliseconds / 1000
        self._compiler._pump(0)
        while self._left and (left := end - time.monotonic()) > 0:
            self._compiler._pump(min(_TICK_MS, int(left * 1000) + 1))
        return not self._left

    def wait(self) -> Sequence[Compiled]:
        """What became of each source, in their order, when all are done."""
        while not self.ready(_TICK_MS):
            pass
        return [result for result in self._results if result is not None]

    def cancel(self) -> None:
        """
        Have nothing more written; when this returns, nobody does.

        For whoever is about to remove the sources.  Pycs that were made stay.
        """
        if self._left:
            self._compiler._cancel(self)

    def _resolve(self, index: int, result: Compiled) -> None:
        self._results[index] = result
        self._left -= 1


class _Job:
    """A source of a compilation."""

    def __init__(self, compilation: Compilation, index: int, source: str):
        self.compilation = compilation
        self.index = index
        self.source = source


class Compiler:
    """
    Workers that compile; a context manager, for one thread at a time.

    What a source compiles to depends on nothing but itself, its path at run
    time, and the interpreter.

    Args:
        interpreter: The executable of a CPython 3.8 or later: the one that
            the pycs are for.
        levels: Of optimization (0, 1, 2), a pyc for each.
        invalidation: How imports will know that a pyc is out of date
            (PEP 552): "timestamp", so sources have to have the time that they
            will keep; "checked-hash"; or "unchecked-hash", which is never.
        workers: How many; by default one for each CPU of this process.

    Raises:
        TypeError: If an argument is none of these.
    """

    def __init__(
        self,
        interpreter: str,
        *,
        levels: Sequence[int] = (0,),
        invalidation: str = "timestamp",
        workers: int | None = None,
    ) -> None:
        # What close() needs, before anything can go wrong.
        self._workers: Workers | None = None
        self._jobs_file = -1
        self._jobs: dict[int, _Job] = {}  # by where they stand in the file
        self._end_of_jobs = 0
        self._unsent: list[int] = []
        self._is_closed = False
        if not levels or not {0, 1, 2}.issuperset(levels):
            raise TypeError(f"levels: {levels!r} are not some of 0, 1, 2")
        if invalidation not in INVALIDATIONS:
            raise TypeError(f"invalidation: {invalidation!r} is unknown")
        if workers is not None and workers < 1:
            raise TypeError(f"workers: {workers} is not a positive number")
        self._interpreter = interpreter
        self._levels = tuple(dict.fromkeys(levels))
        self._invalidation = INVALIDATIONS[invalidation]
        self._count = workers or thread_count()
        self._deaths = 0
        self._tag = ""

    def __enter__(self) -> Compiler:
        self._start()  # so that they are ready when the first source is
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def submit(self, files: Sequence[tuple[str, str]]) -> Compilation:
        """
        Have *files* compiled; returns at once.

        Args:
            files: Of each the source, a path that ends in ".py", and the path
                that it will have at run time, which its code objects carry.

        Raises:
            DestinationError: If the interpreter cannot be run, or there is no
                room to note the jobs.
            TypeError: If a source is not named so, or after `close`.
        """
        if self._is_closed:
            raise TypeError("submit: the compiler is closed")
        if wrong := [s for s, _ in files if not s.endswith(_SUFFIX)]:
            raise TypeError(f"submit: {wrong[0]!r} does not end in '.py'")
        self._start()
        compilation = Compilation(self, len(files))
        # The large ones first, so that nobody is left with one in the end.
        sizes = [_size(source) for source, _ in files]
        order = sorted(range(len(files)), key=sizes.__getitem__)[::-1]
        self._add(compilation, files, order)
        self._pump(0)
        return compilation

    def close(self) -> None:
        """End the workers, whatever they do.  May be called twice."""
        self._is_closed = True
        try:
            if self._workers is not None:
                self._workers.end()
                self._workers = None
        finally:
            file, self._jobs_file = self._jobs_file, -1
            if file >= 0:
                os.close(file)
            self._give_up("the compiler was closed")

    # ------------------------------------------------------------------- jobs

    def _add(
        self,
        compilation: Compilation,
        files: Sequence[tuple[str, str]],
        order: Iterable[int],
    ) -> None:
        """Note the jobs; all are in the file before anybody hears of one."""
        at, data, jobs = self._end_of_jobs, [], {}
        for index in order:
            source, runtime = files[index]
            job = os.fsencode(source) + b"\0" + os.fsencode(runtime)
            jobs[at] = _Job(compilation, index, source)
            data += [len(job).to_bytes(4, "little"), job]
            at += 4 + len(job)
        self._write(b"".join(data))
        self._end_of_jobs = at
        self._jobs.update(jobs)
        self._unsent += jobs

    def _write(self, data: bytes) -> None:
        at = self._end_of_jobs
        try:
            while data:
                done = os.pwrite(self._jobs_file, data, at)
                at, data = at + done, data[done:]
        except OSError as error:
            problem = os_problem(error.errno or 0, "cannot note a job")
            raise DestinationError([problem], errno=error.errno) from error

    def _resolve(self, at: int, problem: str | None = None) -> None:
        """Note what the job *at* has come to: its pycs, or a problem."""
        job = self._jobs.pop(at, None)
        if job is not None:
            pycs = tuple(self._pycs(job.source)) if problem is None else ()
            result = Compiled(job.source, pycs, problem)
            job.compilation._resolve(job.index, result)

    def _give_up(self, problem: str) -> None:
        self._unsent.clear()
        for at in list(self._jobs):
            self._resolve(at, problem)

    def _cancel(self, compilation: Compilation) -> None:
        """Cross out what nobody has begun, and wait for the others."""
        its = {
            at
            for at, job in self._jobs.items()
            if job.compilation is compilation
        }
        for at in its:
            os.pwrite(self._jobs_file, bytes(4), at)
        # Who has read one before that has told so before, too.
        self._pump(0)
        while self._workers and any(w.at in its for w in self._workers):
            self._pump(_TICK_MS)
        for at in its:
            self._resolve(at, "cancelled")

    def _pycs(self, source: str) -> Iterator[str]:
        """Where a worker puts the pycs of *source*."""
        folder, name = os.path.split(source)
        stem = name[: -len(_SUFFIX)] or "py"
        for level in self._levels:
            suffix = f".opt-{level}" if level else ""
            pyc = f"{stem}.{self._tag}{suffix}.pyc"
            yield os.path.join(folder, "__pycache__", pyc)

    # ---------------------------------------------------------------- workers

    def _start(self) -> None:
        if self._jobs_file < 0:
            self._jobs_file = nameless_file()
        if self._workers is None and self._deaths < MOST_DEATHS:
            self._workers = Workers(
                self._interpreter,
                [
                    # No site, no user's site, nobody's warnings.
                    *("-S", "-s", "-B", "-W", "ignore", "-c", _program()),
                    ",".join(map(str, self._levels)),
                    str(self._invalidation),
                ],
                self._count,
                self._jobs_file,
            )

    def _pump(self, milliseconds: int) -> None:
        """Hand out jobs and hear what came of others, for at most so long."""
        if self._deaths >= MOST_DEATHS:
            self._give_up(f"{self._deaths} workers have died before")
        if not self._jobs or self._workers is None:
            return
        self._workers.feed(self._unsent)
        more = bool(self._unsent)
        for worker in self._workers.speaking(milliseconds, more):
            self._hear(worker)
        self._workers.feed(self._unsent)
        self._look_after(self._workers)

    def _hear(self, worker: Worker) -> None:
        for answer in worker.hear():
            self._take(answer)

    def _take(self, answer: Answer) -> None:
        if answer.kind == HELLO:
            self._tag = answer.text
        elif answer.kind == DONE:
            self._resolve(answer.at)
        elif answer.kind == FAILED:
            self._resolve(answer.at, answer.text)
        elif answer.kind == DROPPED:
            self._resolve(answer.at, "cancelled")

    def _look_after(self, workers: Workers) -> None:
        """See whether one has died, or should."""
        now = time.monotonic()
        for worker in workers:
            if worker.is_gone:
                self._replace(workers, worker, _epitaph(worker.reap()))
                return
            if worker.at is not None and now - worker.since > MOST_SECONDS:
                problem = f"it takes more than {MOST_SECONDS} seconds"
                self._replace(workers, worker, problem)
                return

    def _replace(
        self, workers: Workers, culprit: Worker, problem: str
    ) -> None:
        """
        Start all of them anew; what *culprit* was at has that *problem*.

        The other jobs are done by the new ones: nobody knows which of them a
        dead worker had taken from the pipe, and had not told of.
        """
        self._deaths += 1
        self._workers = None
        try:
            workers.kill()
            while speaking := [
                worker
                for worker in workers.speaking(0, more=False)
                if not worker.is_gone
            ]:
                self._hear(speaking[0])
            for worker in workers:
                self._remove_parts(worker)
        finally:
            workers.end()
        if culprit.at is not None:
            self._resolve(culprit.at, problem)
        self._unsent = list(self._jobs)
        try:
            self._start()
        except DestinationError as error:
            self._give_up(str(error))

    def _remove_parts(self, worker: Worker) -> None:
        """Remove what a dead worker had begun to write."""
        job = None if worker.at is None else self._jobs.get(worker.at)
        for pyc in self._pycs(job.source) if job else ():
            try:
                os.unlink(pyc)
            except OSError:  # mostly: it had not come that far
                continue


def _program() -> str:
    """What a worker runs."""
    with open(_WORKER, encoding="utf-8") as file:
        return file.read()


_WORKER = os.path.join(os.path.dirname(__file__), "compile_worker.py")


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:  # the worker will say so
        return 0


def _epitaph(status: int) -> str:
    if status < 0:
        return f"the interpreter was ended by signal {-status}"
    return f"the interpreter ended with status {status}"
