"""
What a worker of `compiling` does, inside the interpreter it compiles for.

This text is handed to that interpreter, which knows nothing of Unwheel, is
not ours, and may be older.  It reads eight bytes from standard input, which
all workers share: where in the file of jobs the next one stands.  It answers
on standard output, which is its own.
"""

from __future__ import annotations

import sys

# -c puts the current directory first, and nobody knows what lies there.
sys.path[:] = [place for place in sys.path if place]

import os  # noqa: E402
from importlib.util import MAGIC_NUMBER, source_hash  # noqa: E402
from marshal import dumps  # noqa: E402

HELLO, BEGUN, DONE, FAILED, DROPPED = b"HBDFX"
LONGEST = 300  # bytes of a text; an answer is written in one piece

# PEP 552: what the second word of a pyc says of the rest of its head.
BY_TIME, UNCHECKED, CHECKED = 0, 1, 3


def main(jobs: int, levels: list[int], invalidation: int) -> None:
    """Take one job after the other, until nobody gives any more."""
    tell(HELLO, 0, sys.implementation.cache_tag or "")
    while True:
        message = os.read(0, 8)
        if not message:
            return
        # Before the job is read: one that is not told as begun by the time
        # that it was crossed out is not done.
        tell(BEGUN, number(message))
        job = read_job(jobs, number(message))
        kind, text = do(job, levels, invalidation) if job else (DROPPED, "")
        tell(kind, number(message), text)


def read_job(jobs: int, at: int) -> bytes:
    """The source and its path at run time; empty if it is crossed out."""
    return os.pread(jobs, number(os.pread(jobs, 4, at)), at + 4)


def do(job: bytes, levels: list[int], invalidation: int) -> tuple[int, str]:
    """Do one job; what there is to answer."""
    source, _, runtime = job.partition(b"\0")
    try:
        compile_file(source, os.fsdecode(runtime), levels, invalidation)
    except Exception as error:
        return FAILED, f"{type(error).__name__}: {error}"
    return DONE, ""


def compile_file(
    source: bytes, runtime: str, levels: list[int], invalidation: int
) -> None:
    """Make the pyc of each level, or none."""
    made: list[bytes] = []
    try:
        with open(source, "rb") as file:
            text = file.read()
            facts = os.fstat(file.fileno())
        head = head_of(text, facts, invalidation)
        for level in levels:
            code = compile(
                text, runtime, "exec", dont_inherit=True, optimize=level
            )
            path = pyc_of(source, level)
            write(path, head + dumps(code), facts.st_mode, made)
    except BaseException:
        for path in made:
            os.unlink(path)
        raise


def head_of(text: bytes, facts: os.stat_result, invalidation: int) -> bytes:
    """The first sixteen bytes of a pyc (PEP 552)."""
    if invalidation == BY_TIME:
        proof = word(int(facts.st_mtime)) + word(facts.st_size)
    else:
        proof = source_hash(text)
    return MAGIC_NUMBER + word(invalidation) + proof


def pyc_of(source: bytes, level: int) -> bytes:
    """Where the interpreter will look for it (PEP 3147, PEP 488)."""
    folder, name = os.path.split(source)
    folder = os.path.join(folder, b"__pycache__")
    try:
        os.mkdir(folder)
    except FileExistsError:
        if os.path.islink(folder):  # into a package that is not this one
            raise
    suffix = f".{sys.implementation.cache_tag}"
    if level:
        suffix += f".opt-{level}"
    # importlib calls it "py.….pyc" if it is named ".py".
    stem = name[: -len(b".py")] or b"py"
    return os.path.join(folder, stem + suffix.encode("ascii") + b".pyc")


def write(path: bytes, data: bytes, mode: int, made: list[bytes]) -> None:
    """Make the file at *path*, whose source has that *mode*."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    file = os.open(path, flags, (mode | 0o200) & 0o666)  # as importlib does
    made.append(path)
    with open(file, "wb") as opened:
        opened.write(data)


def tell(kind: int, at: int, text: str = "") -> None:
    """Answer; nobody else writes to this pipe, and one write is one piece."""
    words = text.encode("utf-8", "backslashreplace")[:LONGEST]
    size = len(words).to_bytes(2, "little")
    os.write(1, bytes([kind]) + at.to_bytes(8, "little") + size + words)


def number(data: bytes) -> int:
    return int.from_bytes(data, "little")


def word(value: int) -> bytes:
    return (value & 0xFFFFFFFF).to_bytes(4, "little")


if __name__ == "__main__":
    try:
        main(
            3,
            [int(level) for level in sys.argv[1].split(",")],
            int(sys.argv[2]),
        )
    except (BrokenPipeError, KeyboardInterrupt):  # whoever asked is gone
        sys.exit(1)
