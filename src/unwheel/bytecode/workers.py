"""
Processes of another interpreter: started, fed, heard, ended.

What they do is the matter of `compile_worker`, what it means that of
`compiling`.  All read from one pipe, each answers through its own.
"""

from __future__ import annotations

import os
import select
import signal
import time

from ..errors import DestinationError
from ..native import os_problem
from ..values import value

try:
    import fcntl
except ImportError:  # Windows, where none is started
    fcntl = None  # type: ignore[assignment]

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

HELLO, BEGUN, DONE, FAILED, DROPPED = b"HBDFX"

_MESSAGE = 8  # bytes: where the job stands
_HEAD = 1 + _MESSAGE + 2  # of an answer: its kind, the job, its text's size
# POSIX: so much is written to a pipe in one piece or not at all.
_PIECE = 512
_PLENTY = 1 << 20  # bytes for the pipe, where the system lets us ask
_JOBS_FILE = 3  # its descriptor in a worker
_LOWEST = 10  # no descriptor of ours is one that a worker has


@value
class Answer:
    """
    What a worker says.

    Attributes:
        kind: HELLO, BEGUN, DONE, FAILED or DROPPED.
        at: Where the job stands that it is about.
        text: Of HELLO the tag of pycs, of FAILED the reason.
    """

    kind: int
    at: int
    text: str


class Worker:
    """
    One process.

    Attributes:
        at: The job that it has begun, or None.
        since: When we learnt of that, by `time.monotonic`.
        is_gone: Whether it answers no more.
    """

    def __init__(self) -> None:
        self.at: int | None = None
        self.since = 0.0
        self.is_gone = False
        self._process = 0
        self._answers = -1
        self._heard = b""

    def spawn(
        self,
        interpreter: str,
        arguments: Sequence[str],
        jobs: int,
        jobs_file: int,
    ) -> None:
        """Start it; see `Workers`."""
        self._answers, answering = map(_high, os.pipe())
        try:
            self._process = os.posix_spawn(
                interpreter,
                [interpreter, *arguments],
                _environment(),
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, jobs, 0),
                    (os.POSIX_SPAWN_DUP2, answering, 1),
                    (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
                    (os.POSIX_SPAWN_DUP2, jobs_file, _JOBS_FILE),
                ],
                # Ctrl-C on the terminal is for us, and we end it.
                setpgroup=0,
            )
        finally:
            os.close(answering)

    def fileno(self) -> int:
        """For `select.poll`."""
        return self._answers

    def hear(self) -> Iterator[Answer]:
        """What it has said since; waits for it if that is nothing."""
        data = os.read(self._answers, 1 << 16)
        self.is_gone = not data
        self._heard += data
        while len(self._heard) >= _HEAD:
            size = int.from_bytes(self._heard[_HEAD - 2 : _HEAD], "little")
            if len(self._heard) < _HEAD + size:
                break
            answer = _parse(self._heard[: _HEAD + size])
            self._heard = self._heard[_HEAD + size :]
            self._note(answer)
            yield answer

    def _note(self, answer: Answer) -> None:
        if answer.kind == BEGUN:
            self.at, self.since = answer.at, time.monotonic()
        elif answer.kind != HELLO:
            self.at = None

    def kill(self) -> None:
        """Have it end; `reap` waits for that."""
        if self._process:
            os.kill(self._process, signal.SIGKILL)

    def reap(self) -> int:
        """
        Wait until it has ended, and give back what it was.

        Returns:
            Its exit status, negative if a signal ended it; None of the
            pipe's answers is lost.
        """
        process, self._process = self._process, 0
        if not process:
            return 0
        try:
            return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        except ChildProcessError:  # SIGCHLD is ignored: the system did it
            return 0

    def close(self) -> None:
        """Close the pipe."""
        answers, self._answers = self._answers, -1
        if answers >= 0:
            os.close(answers)


class Workers:
    """
    All of them.

    Args:
        interpreter: The executable.
        arguments: What it is started with.
        count: How many.
        jobs_file: The descriptor of what the jobs are in.
    """

    def __init__(
        self,
        interpreter: str,
        arguments: Sequence[str],
        count: int,
        jobs_file: int,
    ) -> None:
        self._workers: list[Worker] = []
        self._jobs = self._pipe = -1
        try:
            self._start(interpreter, arguments, count, jobs_file)
        except BaseException as error:
            self.end()
            if isinstance(error, OSError):
                raise _failed(error, interpreter) from error
            raise

    def _start(
        self,
        interpreter: str,
        arguments: Sequence[str],
        count: int,
        jobs_file: int,
    ) -> None:
        self._jobs, self._pipe = map(_high, os.pipe())
        _enlarge(self._pipe)
        os.set_blocking(self._pipe, False)
        for _ in range(count):
            worker = Worker()
            self._workers.append(worker)
            worker.spawn(interpreter, arguments, self._jobs, jobs_file)
        # Only they have it now, so that they know when we are gone, and we
        # when all of them are.
        self._close_jobs()

    def __iter__(self) -> Iterator[Worker]:
        """Each of them."""
        return iter(self._workers)

    def feed(self, jobs: list[int]) -> None:
        """Tell them of as many of *jobs* as fit, which are taken off."""
        most = _PIECE // _MESSAGE
        try:
            while piece := jobs[:most]:
                data = b"".join(
                    at.to_bytes(_MESSAGE, "little") for at in piece
                )
                os.write(self._pipe, data)
                del jobs[: len(piece)]
        except (BlockingIOError, BrokenPipeError):  # full, or all are dead
            return

    def speaking(self, milliseconds: int, more: bool) -> list[Worker]:
        """
        Those that have something to say, after at most so long.

        Args:
            milliseconds: How long to wait.
            more: Whether to wake up as well when there is room for jobs.
        """
        poll = select.poll()
        for worker in self._workers:
            poll.register(worker, select.POLLIN)
        if more:
            poll.register(self._pipe, select.POLLOUT)
        ready = {file for file, _ in poll.poll(milliseconds)}
        return [w for w in self._workers if w.fileno() in ready]

    def kill(self) -> None:
        """End each, whatever it does; what they said can still be heard."""
        for worker in self._workers:
            worker.kill()
        for worker in self._workers:
            worker.reap()

    def end(self) -> None:
        """End each, and give everything back.  May be called twice."""
        try:
            self.kill()
        finally:
            for worker in self._workers:
                worker.close()
            self._close_jobs()
            pipe, self._pipe = self._pipe, -1
            if pipe >= 0:
                os.close(pipe)

    def _close_jobs(self) -> None:
        jobs, self._jobs = self._jobs, -1
        if jobs >= 0:
            os.close(jobs)


def nameless_file() -> int:
    """A descriptor of a file that nobody has to remove."""
    if hasattr(os, "memfd_create"):
        return _high(os.memfd_create("unwheel", os.MFD_CLOEXEC))
    from tempfile import TemporaryFile

    with TemporaryFile() as file:
        return _high(os.dup(file.fileno()))


def _high(file: int) -> int:
    """The same as *file*, with a number that no worker gives to another."""
    if file >= _LOWEST:
        return file
    try:
        return fcntl.fcntl(file, fcntl.F_DUPFD_CLOEXEC, _LOWEST)
    finally:
        os.close(file)


def _environment() -> dict[str, str]:
    """
    Ours, without what changes what Python does.

    Strings are hashed alike in each worker: before 3.11 the order of a set
    in a pyc hangs on that.
    """
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    return {**kept, "PYTHONHASHSEED": "0"}


def _enlarge(pipe: int) -> None:
    """Have room for 100,000 jobs, where the system gives it."""
    try:
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PLENTY)
    except (AttributeError, OSError):  # another system; or no more for us
        return


def _parse(data: bytes) -> Answer:
    at = int.from_bytes(data[1 : 1 + _MESSAGE], "little")
    return Answer(data[0], at, data[_HEAD:].decode("utf-8", "replace"))


def _failed(error: OSError, interpreter: str) -> DestinationError:
    problem = os_problem(error.errno or 0, f"cannot run {interpreter}")
    return DestinationError([problem], errno=error.errno)
