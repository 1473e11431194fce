"""
System calls that fail, are cut short or are the last: native/injector.c.

Each fault happens in a process of its own, a fork of this one, in which
everything that a test needs is loaded already: thousands of them take a
minute.  What came of it is told as plain facts, because the process is gone.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import gc
import json
import mmap
import os
import shlex
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
import traceback
from _thread import _count as thread_count
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from places import open_handles

SOURCE = Path(__file__).resolve().parent / "native" / "injector.c"

# What may be done to a call, as injector.c numbers it.
NOTHING, FAIL, SHORTEN, KILL_BEFORE, KILL_AFTER = range(5)
_ACTIONS = ("nothing", "fail", "shorten", "kill before", "kill after")

# Kinds of calls.
OTHER, OPENS, WRITES, MEMORY, COUNTED = (1 << k for k in range(5))

MOST_SECONDS = 20


@dataclass(frozen=True)
class Fault:
    """
    What goes wrong.

    Attributes:
        action: What is done to the call.
        error: The errno of one that fails.
        nth: Which call of these *kinds*, from 1; 0 for none.
        kinds: Which calls are counted, and may be harmed.
        lasting: Whether all later ones are harmed, too.
    """

    action: int
    error: int = 0
    nth: int = 0
    kinds: int = OTHER
    lasting: bool = False

    @property
    def kills(self) -> bool:
        """Whether the process does not live to tell."""
        return self.action in (KILL_BEFORE, KILL_AFTER)

    def __str__(self) -> str:
        """Say it in one line."""
        what = _ACTIONS[self.action]
        if self.error:
            what += f" {errno.errorcode[self.error]}"
        last = " and later" if self.lasting else ""
        return f"{what}, call {self.nth}{last} of kinds {self.kinds}"


class _Injection(ctypes.Structure):
    """The struct injection of injector.c."""

    _fields_ = (
        ("action", ctypes.c_uint32),
        ("os_error", ctypes.c_uint32),
        ("nth", ctypes.c_uint32),
        ("lasting", ctypes.c_uint32),
        ("kinds", ctypes.c_uint32),
        ("armed", ctypes.c_uint32),
        ("calls", ctypes.c_uint32),
        ("harmed", ctypes.c_uint32),
        ("number", ctypes.c_uint32),
        ("numbers", ctypes.c_uint16 * 8192),
    )


@dataclass(frozen=True)
class Raised:
    """
    An exception, told by a process that is gone.

    Attributes:
        kinds: Its class and those above it, by name.
        text: What it says.
        error: Its `errno`, if it has one.
        codes: Of its problems.
        problems: What they say.
        trace: For people.
    """

    kinds: list[str]
    text: str
    error: int | None
    codes: list[str]
    problems: list[str]
    trace: str


@dataclass(frozen=True)
class Outcome:
    """
    What came of it.

    Attributes:
        calls: How many there were, up to the end or the kill.
        numbers: Which they were, as the system numbers them.
        harmed: How many of them were harmed.
        number: Of the first that was, the system's number.
        killed: Whether it was killed.
        results: For each result, None or the error that it was.
        raised: What came instead of another one, or None.
        handles: Descriptors that are open at the end, and were not before.
        threads: Those that are left.
    """

    calls: int
    numbers: list[int]
    harmed: int
    number: int
    killed: bool
    results: list[Raised | None]
    raised: Raised | None
    handles: list[str]
    threads: int

    @property
    def stuck(self) -> bool:
        """Whether it is told that something could not be taken back."""
        return any(
            "put back" in problem
            for error in self.errors
            for problem in error.problems
        )

    @property
    def errors(self) -> list[Raised]:
        """All that went wrong."""
        told = [*self.results, self.raised]
        return [error for error in told if error is not None]


class Injector:
    """
    Makes processes in which something goes wrong.

    Attributes:
        harmed: In how many that has happened, for who wants to count.
    """

    def __init__(self) -> None:
        self.harmed = 0
        self._library = _library()
        self._room = mmap.mmap(-1, ctypes.sizeof(_Injection))
        self._told = _Injection.from_buffer(self._room)

    def run(
        self,
        work: Callable[[], Iterable[object]],
        fault: Fault,
        prepare: Callable[[], None] = lambda: None,
    ) -> Outcome:
        """
        Have *work* done while *fault* happens; *prepare* comes before it.

        *work* gives results; one that is an exception is an error.
        """
        told = self._told
        ctypes.memset(ctypes.addressof(told), 0, ctypes.sizeof(told))
        told.action, told.os_error = fault.action, fault.error
        told.nth, told.lasting = fault.nth, fault.lasting
        told.kinds = fault.kinds
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.close(reading)
                signal.alarm(MOST_SECONDS)  # who hangs is killed
                sys.unraisablehook = lambda _: None  # of threads, expected
                prepare()
                os.write(writing, json.dumps(self._play(work)).encode())
                os._exit(0)
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(1)
        os.close(writing)
        with open(reading, "rb") as pipe:
            facts = pipe.read()
        status = os.waitpid(child, 0)[1]
        return self._outcome(fault, status, facts)

    def _play(self, work: Callable[[], Iterable[object]]) -> dict[str, object]:
        """In the child: what the work comes to."""
        results: list[object] = []
        raised = None
        gc.freeze()  # to look at what this process shares would copy it
        before = set(open_handles())
        # One that was about to end when this process was forked counts on.
        threads = thread_count()
        if self._library.injector_start(ctypes.byref(self._told)):
            raise OSError("no seccomp filter")
        self._library.injector_arm(1)
        try:
            for result in work():
                results.append(result)  # noqa: PERF402 - kept if one raises
        except BaseException as error:
            raised = error
        self._library.injector_arm(0)
        facts = {
            "results": [_told(result) for result in results],
            "raised": _told(raised),
        }
        results.clear()
        raised = None
        gc.collect()
        facts["handles"] = sorted(set(open_handles()) - before)
        # A thread says that it is done just before it ends.
        patience = time.monotonic() + 5
        while thread_count() > threads and time.monotonic() < patience:
            time.sleep(0.001)
        facts["threads"] = thread_count() - threads
        return facts

    def _outcome(self, fault: Fault, status: int, facts: bytes) -> Outcome:
        told = self._told
        killed = os.WIFSIGNALED(status) and not facts
        died = os.WTERMSIG(status) if killed else 0
        assert died != signal.SIGALRM, f"{fault}: it hangs"
        if fault.kills and told.harmed:
            assert died == signal.SIGKILL, f"{fault}: ended by {status}"
        else:
            assert status == 0, f"{fault}: ended by {status}"
        found = json.loads(facts or "{}")
        return Outcome(
            calls=told.calls,
            numbers=told.numbers[: told.calls],
            harmed=told.harmed,
            number=told.number,
            killed=killed,
            results=[_again(r) for r in found.get("results", [])],
            raised=_again(found.get("raised")),
            handles=found.get("handles", []),
            threads=found.get("threads", 0),
        )


def _told(result: object) -> dict[str, object] | None:
    if not isinstance(result, BaseException):
        return None
    return {
        "kinds": [kind.__name__ for kind in type(result).__mro__],
        "text": str(result),
        "error": getattr(result, "errno", None),
        "codes": [p.code for p in getattr(result, "problems", ())],
        "problems": [str(p) for p in getattr(result, "problems", ())],
        "trace": "".join(traceback.format_exception(result)),
    }


def _again(facts: dict[str, object] | None) -> Raised | None:
    return None if facts is None else Raised(**facts)  # type: ignore[arg-type]


@functools.cache
def _library() -> ctypes.PyDLL:
    with tempfile.TemporaryDirectory(prefix="unwheel-injector-") as folder:
        library = Path(folder, "injector.so")
        command = shlex.split(sysconfig.get_config_var("CC") or "cc")
        command += ["-std=c11", "-O1", "-fPIC", "-shared"]
        subprocess.run([*command, "-o", library, SOURCE], check=True)
        return ctypes.PyDLL(str(library))


def call_number(name: str) -> int:
    """The number of the system call *name* on this machine."""
    number = int(_library().injector_number(name.encode()))
    assert number >= 0, name
    return number


def can_inject() -> bool:
    """Whether this machine and its kernel are known to injector.c."""
    machine = os.uname().machine if hasattr(os, "uname") else ""
    return sys.platform == "linux" and machine in ("x86_64", "aarch64")
