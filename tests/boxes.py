"""
A box for programs that may do harm: what they write elsewhere is seen.

`lock` makes all of the system read-only for this process and those it starts,
but for a ``/tmp`` of memory that is theirs alone; nobody else sees it, and it
is gone with them.  `enter` is for one of them: where the attacks aim at, it
sees a directory of its box, and it is stopped when it takes too long.

Linux only, as root or where users may have name spaces of their own.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
from collections.abc import Iterable, Iterator
from pathlib import Path

TMP = "/tmp"
PATIENCE = 15  # times the CPU seconds that a process may take

_NEW_MOUNTS = 0x00020000  # CLONE_NEWNS
_NEW_USERS = 0x10000000  # CLONE_NEWUSER
_READ_ONLY = 1
_REMOUNT = 32
_BIND = 4096
_RECURSIVE = 16384
_PRIVATE = 1 << 18
# What a mount has of these cannot be taken away by who does not own it.
_KEPT = {
    "nosuid": 2,
    "nodev": 4,
    "noexec": 8,
    "noatime": 1024,
    "nodiratime": 2048,
    "relatime": 1 << 21,
}
# The kernel's own, in which nobody can put a file.
_NO_PLACES = frozenset(
    (
        *("proc", "sysfs", "cgroup", "cgroup2", "devpts", "mqueue", "bpf"),
        *("securityfs", "debugfs", "tracefs", "pstore", "nsfs", "autofs"),
        *("binfmt_misc", "configfs", "fusectl", "hugetlbfs"),
    )
)

_libc = ctypes.CDLL(None, use_errno=True)


class BoxError(Exception):
    """There can be no box here; the message says why."""


def lock(keep: Iterable[Path], size: int) -> None:
    """
    Make everything read-only but a new, empty ``/tmp``.

    Args:
        keep: Directories that are to be seen, wherever they are.
        size: Bytes that ``/tmp`` may hold.

    Raises:
        BoxError: If that is not allowed here.
    """
    _unshare()
    _mount("none", "/", flags=_PRIVATE | _RECURSIVE)
    below = [path for path in map(Path.resolve, keep) if _is_in_tmp(path)]
    tops = {
        path for path in below if not any(p in below for p in path.parents)
    }
    handles = {path: os.open(path, os.O_PATH) for path in tops}
    _mount("tmpfs", TMP, "tmpfs", data=f"size={size},mode=1777")
    for path, handle in handles.items():
        path.mkdir(parents=True)
        _mount(f"/proc/self/fd/{handle}", str(path), flags=_BIND | _RECURSIVE)
        os.close(handle)
    for place, options, kind in list(_mounts()):
        if place != TMP:
            _protect(place, options, kind)


def _is_in_tmp(path: Path) -> bool:
    return Path(TMP) in path.parents


def _unshare() -> None:
    if os.geteuid() == 0:
        if _libc.unshare(_NEW_MOUNTS):
            raise _error("no mounts of our own")
        return
    user, group = os.getuid(), os.getgid()
    if _libc.unshare(_NEW_USERS | _NEW_MOUNTS):
        raise _error("neither root, nor users of our own")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"0 {user} 1")
    Path("/proc/self/gid_map").write_text(f"0 {group} 1")


def _error(what: str) -> BoxError:
    return BoxError(f"{what}: {os.strerror(ctypes.get_errno())}")


def _mount(
    source: str, place: str, kind: str = "", flags: int = 0, data: str = ""
) -> None:
    arguments = (source.encode(), os.fsencode(place), kind.encode())
    if _libc.mount(*arguments, ctypes.c_ulong(flags), data.encode()):
        raise _error(f"mount {place}")


def _mounts() -> Iterator[tuple[str, list[str], str]]:
    """Place, options and type of all that is mounted (proc(5))."""
    text = Path("/proc/self/mountinfo").read_text()
    for line in text.splitlines():
        fields = line.split()
        place = fields[4].encode().decode("unicode_escape")
        yield place, fields[5].split(","), fields[fields.index("-") + 1]


def _protect(place: str, options: list[str], kind: str) -> None:
    flags = sum(_KEPT.get(option, 0) for option in options)
    try:
        _mount("none", place, flags=_REMOUNT | _BIND | _READ_ONLY | flags)
    except BoxError:
        hidden = _is_in_tmp(Path(place))  # the new one is over it
        if kind not in _NO_PLACES and not hidden:
            raise


def enter(directory: str, place: str, *, seconds: int, memory: int) -> None:
    """
    Shut this process in, for so many *seconds* and bytes of *memory*.

    After them it gets a SIGXCPU; one that waits gets a SIGALRM, after
    `PATIENCE` times as long.  Both end it.  For a process that is locked,
    before it does what may be harm.

    Args:
        directory: What it is to see ...
        place: ... at this place, which is a directory of the new ``/tmp``.
        seconds: Of CPU time, for others may use the machine, too.
        memory: Bytes of address space.

    Raises:
        BoxError: If that is not allowed here.
    """
    if _libc.unshare(_NEW_MOUNTS):
        raise _error("no mounts of our own")
    _mount(directory, place, flags=_BIND)
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    signal.signal(signal.SIGXCPU, signal.SIG_DFL)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(PATIENCE * seconds)
