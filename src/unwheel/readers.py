"""
Readers of other hands, each in a process of its own: libarchive, zipfile.

They are shown any bytes at all, also those that we refuse, and two of them are
C: one that crashes, hangs or takes all memory is an answer, not our end.
`Asked` starts such a process, `serve` is what runs in it.
"""

from __future__ import annotations

import os
import stat
import sys

from .errors import DestinationError, Problem, UnwheelError
from .policy import Limits
from .readings import Notes, Reading, Seen
from .values import fields_of

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import IO
    from zipfile import ZipFile, ZipInfo

    from .libarchive import Header, Reader

# What such a process may take: of memory, and of time, besides a second for
# each MiB of the wheel.
_MEMORY = 2 << 30
_SECONDS = 60

_PIECE = 1 << 16

_START = (
    "import json, sys\n"
    "job = json.load(sys.stdin)\n"
    "sys.path[:] = job.pop('path')\n"
    "from unwheel.readers import serve\n"
    "serve(**job)\n"
)


class Asked:
    """
    A reader at work in its own process; a context manager, which ends it.

    Args:
        reader: A key of `OTHERS`.
        wheel: The path of the wheel.
        size: Its bytes.
        limits: How much it may take.
    """

    def __init__(
        self, reader: str, wheel: str, size: int, limits: Limits
    ) -> None:
        import subprocess
        from json import dumps
        from tempfile import TemporaryFile

        self._reader = reader
        self._seconds = _SECONDS + (size >> 20)
        # A file, because nobody reads while it writes.
        self._told = TemporaryFile()  # noqa: SIM115 - closed by __exit__
        job = {
            "path": sys.path,
            "reader": reader,
            "wheel": os.path.abspath(wheel),
            "limits": dict(fields_of(limits)),
        }
        self._process = subprocess.Popen(
            # Isolated: a json.py where we happen to be is not to be run.
            [sys.executable or "python3", "-I", "-c", _START],
            stdin=subprocess.PIPE,
            stdout=self._told,
            stderr=subprocess.DEVNULL,
        )
        try:
            assert self._process.stdin is not None
            with self._process.stdin as pipe:
                pipe.write(dumps(job).encode("ascii"))
        except BrokenPipeError:  # it died already, and is asked why
            pass
        except BaseException:
            self.__exit__()
            raise

    def __enter__(self) -> Asked:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()
        self._told.close()

    def _end(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def answer(self) -> Reading:
        """
        What it sees, when it is done.

        Raises:
            DestinationError: EXTRA_MISSING, if it is not installed.
        """
        from subprocess import TimeoutExpired

        problem = None
        try:
            status = self._process.wait(self._seconds)
            if status < 0:
                problem = f"it died of signal {-status}"
            elif status:
                problem = f"it ended with status {status}"
        except TimeoutExpired:
            problem = f"it did not end within {self._seconds} seconds"
            # Ours is its place in the file: what it still told would go
            # over what it has told, as we read that.
            self._end()
        self._told.seek(0)
        return _heard(self._reader, self._told, problem)


def _heard(reader: str, lines: IO[bytes], died: str | None) -> Reading:
    """The reading that a process has told, a line for each entry."""
    from json import loads

    entries: list[Seen] = []
    problems: list[Problem] = []
    whole = False
    for line in lines:
        if not line.endswith(b"\n"):
            break  # it died in the middle of it
        told = loads(line)
        if isinstance(told, list):
            entries.append(Seen(*told))
            continue
        if told["missing"]:
            raise DestinationError([Problem("EXTRA_MISSING", told["missing"])])
        whole = told["whole"]
        problems += [Problem(**problem) for problem in told["problems"]]
    if died is not None:
        problems.append(Problem("READER_DIED", died))
        whole = False
    return Reading(reader, tuple(entries), whole, tuple(problems))


# ------------------------------------------------------------ in the process


class _Told(Notes):
    """Notes that are told at once: what was seen before a crash is known."""

    def see(self, entry: Seen) -> None:
        from json import dumps

        Notes.see(self, entry)
        _tell(dumps([told for _, told in fields_of(entry)]))


def _tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def serve(reader: str, wheel: str, limits: dict[str, int]) -> None:
    """Read *wheel*, and tell on standard output what *reader* sees."""
    import signal
    from json import dumps

    signal.signal(signal.SIGINT, signal.SIG_DFL)
    _confine()
    notes = _Told(Limits(**limits), os.path.getsize(wheel))
    missing = None
    try:
        OTHERS[reader](wheel, notes)
    except DestinationError as error:
        missing = error.problems[0].message
    except UnwheelError as error:
        notes.refuse(error.problems)
    except MemoryError:
        notes.refuse([Problem(_code(reader), "it runs out of memory")])
    except Exception as error:  # zipfile raises whatever comes to pass
        notes.refuse([_objection(reader, error)])
    end = {
        "missing": missing,
        "whole": notes.whole,
        "problems": [dict(fields_of(problem)) for problem in notes.problems],
    }
    _tell(dumps(end))


def _confine() -> None:
    """Take no more memory than is allowed, and leave no core behind."""
    try:
        import resource
    except ImportError:  # not on Windows
        return
    for kind, most in (
        (resource.RLIMIT_AS, _MEMORY),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        if hard == resource.RLIM_INFINITY or hard > most:
            resource.setrlimit(kind, (most, hard))


def _objection(
    reader: str, error: Exception, name: str | None = None
) -> Problem:
    text = str(error) or type(error).__name__
    return Problem(_code(reader), f"it does not take it: {text}", member=name)


def _code(reader: str) -> str:
    return "ZIPFILE" if reader == "zipfile" else "LIBARCHIVE"


# -------------------------------------------------------------- libarchive


def _seek(wheel: str, notes: Notes) -> None:
    """By the directory, and by nothing else."""
    _ask_libarchive(wheel, notes, streaming=False)


def _stream(wheel: str, notes: Notes) -> None:
    """By the local headers as they come, as from a pipe."""
    _ask_libarchive(wheel, notes, streaming=True)


def _ask_libarchive(wheel: str, notes: Notes, *, streaming: bool) -> None:
    from .libarchive import Reader

    with (
        open(wheel, "rb") as file,
        Reader(file.fileno(), streaming=streaming) as reader,
    ):
        while (header := reader.next()) is not None:
            if not _see(header, reader, notes, streaming):
                return
    notes.whole = True


def _see(
    header: Header, reader: Reader, notes: Notes, streaming: bool
) -> bool:
    """Note an entry; whether there can be another."""
    from .libarchive import ReadingError

    name = _text(header.name)
    if header.warning is not None:
        error: Exception = ReadingError(header.warning, fatal=False)
        notes.refuse([_objection("libarchive", error, name)])
    kind: str | None = header.kind
    if streaming and kind == "file":
        kind = None  # more of it only the directory says
    size = crc32 = sha256 = None
    goes_on = True
    if header.kind == "file":
        try:
            size, crc32, sha256 = notes.measure(name, reader.blocks())
        except ReadingError as error:
            notes.refuse([_objection("libarchive", error, name)])
            goes_on = not error.fatal
    notes.see(
        Seen(
            name,
            type=kind,
            mode=None if streaming else header.mode,
            size=size,
            crc32=crc32,
            target=None if header.target is None else _text(header.target),
            sha256=sha256,
        )
    )
    return goes_on


def _text(raw: bytes | None) -> str:
    return (raw or b"").decode("utf-8", "surrogateescape")


# ----------------------------------------------------------------- zipfile


def _zipfile(wheel: str, notes: Notes) -> None:
    """As Python's own module reads it, and with it most tools for wheels."""
    from zipfile import ZipFile

    with ZipFile(wheel) as archive:
        for info in archive.infolist():
            notes.see(_info(archive, info, notes))
    notes.whole = True


def _info(archive: ZipFile, info: ZipInfo, notes: Notes) -> Seen:
    mode = info.external_attr >> 16 if info.create_system == 3 else 0
    kind = _kind(info, mode)
    sha256 = target = None
    if kind != "directory":
        try:
            with archive.open(info) as file:
                pieces = iter(lambda: file.read(_PIECE), b"")
                if kind == "link":
                    content = b"".join(_few(pieces))
                    target = _text(content)
                    pieces = iter([content])
                sha256 = notes.measure(info.filename, pieces)[2]
        except (UnwheelError, MemoryError):
            raise
        except Exception as error:
            notes.refuse([_objection("zipfile", error, info.filename)])
    return Seen(
        info.filename,
        type=kind,
        mode=mode & 0o7777 if mode else None,
        size=info.file_size,
        crc32=info.CRC,
        target=target,
        sha256=sha256,
        offset=info.header_offset,
    )


def _kind(info: ZipInfo, mode: int) -> str:
    if stat.S_ISLNK(mode):
        return "link"
    if info.is_dir() or stat.S_ISDIR(mode):
        return "directory"
    return "file" if stat.S_IFMT(mode) in (0, stat.S_IFREG) else "other"


def _few(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """So many of *pieces* as the target of a link can have."""
    for piece, _ in zip(pieces, range(2), strict=False):
        yield piece


OTHERS: dict[str, Callable[[str, Notes], None]] = {
    "libarchive": _seek,
    "stream": _stream,
    "zipfile": _zipfile,
}
