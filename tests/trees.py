"""Trees of the core, in the hands of tests."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import json
import os
import platform
import stat
import struct
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from internals import CSRC, Room, room

from unwheel import _native

NATIVE = Room(_native.ffi, _native.lib)

INTERNAL = """
typedef intptr_t uw_dir;
typedef intptr_t uw_file;
enum uw_status uw_tree_make_dirs(const struct uw_tree *, const char *const *,
                                 size_t, size_t *, struct uw_error *);
enum uw_status uw_dir_open(const struct uw_tree *, const char *, size_t,
                           uw_dir *, struct uw_error *);
enum uw_status uw_dir_make(const struct uw_tree *, const char *, size_t,
                           uw_dir *, struct uw_error *);
void uw_dir_close(uw_dir);
enum uw_status uw_file_create(uw_dir, const char *, bool, uw_file *,
                              struct uw_error *);
enum uw_status uw_file_write(uw_file, uint64_t, const uint8_t *, size_t,
                             struct uw_error *);
enum uw_status uw_file_close(uw_file, struct uw_error *);
enum uw_status uw_file_duplicate(const struct uw_tree *, const char *, uw_dir,
                                 const char *, bool, int, const bool *,
                                 int *, uw_file *, struct uw_error *);
enum uw_status uw_file_set_mtime(uw_file, int64_t, struct uw_error *);
bool uw_name_is_portable(const char *, size_t);
"""


def tree_files() -> list[str]:
    """The C files of the tree, as `internals.room` wants them."""
    return sorted(path.stem for path in CSRC.glob("tree*_posix.c"))


def tree_room() -> Room:
    """The room of the tree with what only the crew calls."""
    return room(INTERNAL, *tree_files(), "tree_name", "error")


def outcome(in_room: Room, status: int, error: Any) -> str:
    """``ok``, ``name``, ``usage``, ``cancelled``, or the errno's name."""
    lib = in_room.lib
    if status == lib.UW_OK:
        return "ok"
    assert status == error.status
    assert in_room.ffi.string(error.message)
    if status == lib.UW_ERR_SYSTEM:
        return errno.errorcode[error.os_error]
    return {
        lib.UW_ERR_NAME: "name",
        lib.UW_ERR_USAGE: "usage",
        lib.UW_ERR_CANCELLED: "cancelled",
    }[status]


WAY_NAMES = {
    NATIVE.lib.UW_STAND_HARDLINK: "hardlink",
    NATIVE.lib.UW_STAND_REFLINK: "reflink",
    NATIVE.lib.UW_STAND_COPY: "copy",
}
HARDLINK, REFLINK, COPY = WAY_NAMES
ALL_WAYS = HARDLINK | REFLINK | COPY


class Tree:
    """
    A tree; every method tells its outcome as a word, see :func:`outcome`.

    Raises:
        OSError: If the tree cannot be opened.
    """

    def __init__(
        self, path: Path, way: str = "BEST", in_room: Room = NATIVE
    ) -> None:
        """Open *path* in one of the two ways."""
        self.room = in_room
        self.ffi, self.lib = in_room
        self.error = self.ffi.new("struct uw_error *")
        self.handle = self.ffi.NULL
        made = self.ffi.new("struct uw_tree **")
        number = getattr(self.lib, f"UW_TREE_{way}")
        status = self.lib.uw_tree_open(
            os.fsencode(path), number, made, self.error
        )
        if status != self.lib.UW_OK:
            raise OSError(self.error.os_error, self.outcome(status))
        self.handle = made[0]

    def outcome(self, status: int) -> str:
        """The word for *status*."""
        return outcome(self.room, status, self.error)

    def __enter__(self) -> Tree:
        """Give the tree itself."""
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Close the tree."""
        self.lib.uw_tree_close(self.handle)

    def mkdir(self, name: str) -> str:
        """Make a directory."""
        return self.outcome(
            self.lib.uw_tree_mkdir(self.handle, os.fsencode(name), self.error)
        )

    def write(
        self, name: str, data: bytes = b"new", *, executable: bool = False
    ) -> str:
        """Make a file."""
        return self.outcome(
            self.lib.uw_tree_write(
                self.handle,
                os.fsencode(name),
                executable,
                data,
                len(data),
                self.error,
            )
        )

    def symlink(self, name: str, target: str = "target") -> str:
        """Make a symlink."""
        return self.outcome(
            self.lib.uw_tree_symlink(
                self.handle,
                os.fsencode(name),
                os.fsencode(target),
                self.error,
            )
        )

    def hardlink(self, name: str, target: str = "file") -> str:
        """Make a second name of a file."""
        return self.outcome(
            self.lib.uw_tree_hardlink(
                self.handle,
                os.fsencode(name),
                os.fsencode(target),
                self.error,
            )
        )

    def put(self, name: str, data: bytes = b"new") -> str:
        """Make or replace a file."""
        return self.outcome(
            self.lib.uw_tree_put(
                self.handle, os.fsencode(name), data, len(data), self.error
            )
        )

    def stand_in(
        self, name: str, target: str = "file", ways: int = ALL_WAYS
    ) -> str:
        """Make what a link would show; the way instead of ``ok``."""
        made = self.ffi.new("int *")
        status = self.lib.uw_tree_stand_in(
            self.handle,
            os.fsencode(name),
            os.fsencode(target),
            ways,
            made,
            self.error,
        )
        return self._way(status, made[0])

    def _way(self, status: int, made: int) -> str:
        assert (made == 0) == (status != self.lib.UW_OK)
        return WAY_NAMES[made] if made else self.outcome(status)

    def set_mtime(self, name: str, seconds: int) -> str:
        """Set the time of modification."""
        return self.outcome(
            self.lib.uw_tree_set_mtime(
                self.handle, os.fsencode(name), seconds, self.error
            )
        )

    def can_symlink(self) -> int:
        """1 or 0; -1 is a failure."""
        return self.lib.uw_tree_can_symlink(self.handle, self.error)

    def can_hardlink(self) -> int:
        """1 or 0; -1 is a failure."""
        return self.lib.uw_tree_can_hardlink(self.handle, self.error)

    def publish(self, old: str, new: str, how: str = "NEW") -> str:
        """Rename *old* to *new*."""
        return self.outcome(
            self.lib.uw_tree_publish(
                self.handle,
                os.fsencode(old),
                os.fsencode(new),
                getattr(self.lib, f"UW_PUBLISH_{how}"),
                self.error,
            )
        )

    def sync(self) -> str:
        """Flush to the disk."""
        return self.outcome(self.lib.uw_tree_sync(self.handle, self.error))

    def make_dirs(self, *names: str) -> tuple[str, int]:
        """Make many directories; with the index of the failure."""
        texts = [self.ffi.new("char[]", os.fsencode(name)) for name in names]
        failed = self.ffi.new("size_t *")
        status = self.lib.uw_tree_make_dirs(
            self.handle,
            self.ffi.new("char *[]", texts),
            len(texts),
            failed,
            self.error,
        )
        return self.outcome(status), failed[0]

    def open_dir(self, name: bytes, *, make: bool = False) -> str:
        """Open a directory, or make it first, and close it."""
        made = self.ffi.new("uw_dir *")
        call = self.lib.uw_dir_make if make else self.lib.uw_dir_open
        status = call(self.handle, name, len(name), made, self.error)
        assert (made[0] == -1) == (status != self.lib.UW_OK)
        self.lib.uw_dir_close(made[0])
        return self.outcome(status)

    def duplicate(
        self,
        leaf: str,
        target: str = "file",
        ways: int = ALL_WAYS,
        *,
        executable: bool = False,
        stop: bool | None = None,
        then: Callable[[int], object] = os.fstat,
    ) -> str:
        """
        A second file in ``dir``; the way instead of ``ok``.

        The open file is handed to *then*, and closed.
        """
        folder = self.ffi.new("uw_dir *")
        file = self.ffi.new("uw_file *")
        made = self.ffi.new("int *")
        opened = self.lib.uw_dir_open(
            self.handle, b"dir", 3, folder, self.error
        )
        assert opened == self.lib.UW_OK
        status = self.lib.uw_file_duplicate(
            self.handle,
            os.fsencode(target),
            folder[0],
            os.fsencode(leaf),
            executable,
            ways,
            self.ffi.NULL if stop is None else self.ffi.new("bool *", stop),
            made,
            file,
            self.error,
        )
        word = self._way(status, made[0])
        self.lib.uw_dir_close(folder[0])
        assert (file[0] != -1) == (word in ("reflink", "copy"))
        if file[0] != -1:
            then(file[0])
            os.close(file[0])
        return word


def untouched(folder: Path) -> Iterator[Path]:
    """A new *folder* that nothing may change, though links lead there."""
    (folder / "sub").mkdir(parents=True)
    (folder / "old").write_text("old")
    before = snapshot(folder)
    yield folder
    assert before == snapshot(folder)


def no_leaks() -> Iterator[None]:
    """Whoever goes on leaves as many open files as there were."""
    tree_room()
    before = len(os.listdir("/dev/fd"))
    yield
    assert before == len(os.listdir("/dev/fd"))


def furnish(folder: Path, outside: Path) -> Path:
    """Make *folder*, with a bit of everything in it."""
    (folder / "dir").mkdir(parents=True)
    (folder / "file").write_text("file")
    (folder / "dir" / "file").write_text("file")
    os.mkfifo(folder / "fifo")
    (folder / "out").symlink_to(outside)
    (folder / "victim").symlink_to(outside / "old")
    (folder / "dir" / "up").symlink_to("../..")
    (folder / "inner").symlink_to("dir")
    (folder / "dangling").symlink_to("nowhere")
    (folder / "self").symlink_to("self")
    (folder / "magic").symlink_to("/proc/self/cwd")
    return folder


def snapshot(root: Path) -> dict[str, str]:
    """What is below *root*: kind, mode and content by name, links as such."""
    found = {}
    for folder, dirs, files, fd in os.fwalk(root):
        for name in dirs + files:
            path = os.path.join(os.path.relpath(folder, root), name)
            found[os.path.normpath(path)] = _describe(name, fd)
    return found


def _describe(name: str, fd: int) -> str:
    mode = os.lstat(name, dir_fd=fd).st_mode
    if stat.S_ISLNK(mode):
        return f"-> {os.readlink(name, dir_fd=fd)}"
    text = stat.filemode(mode)
    if stat.S_ISREG(mode):
        with open(os.open(name, os.O_RDONLY, dir_fd=fd), "rb") as file:
            text += f" {file.read()!r}"
    return text


@contextlib.contextmanager
def umask(mask: int) -> Iterator[None]:
    """The umask, for a while."""
    old = os.umask(mask)
    try:
        yield
    finally:
        os.umask(old)


def in_child(function: Callable[[], Any]) -> Any:
    """
    What *function* gives (as JSON can hold it), called in a forked process.

    Limits, filters and identities set there do not concern us.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            result = json.dumps(function()).encode()
            os.write(writing, result)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    os.close(writing)
    with open(reading, "rb") as pipe:
        text = pipe.read()
    assert os.waitpid(child, 0)[1] == 0
    return json.loads(text)


@contextlib.contextmanager
def mounted(folder: Path, *what: str) -> Iterator[None]:
    """``mount *what* folder`` for a while; skips where that is not allowed."""
    found = subprocess.run(
        ["mount", *what, str(folder)], capture_output=True, text=True
    )
    if found.returncode != 0:
        pytest.skip(f"mount {' '.join(what[:2])}: {found.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def become_nobody() -> None:
    """Drop the rights of root, for good."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)


def _number(x86_64: int, aarch64: int) -> int | None:
    """That of a system call on this machine."""
    numbers = {"x86_64": x86_64, "aarch64": aarch64}
    return numbers.get(platform.machine())


OPENAT2 = 437
RENAMEAT2 = _number(316, 276)
RENAMEAT = _number(264, 38)
LINKAT = _number(265, 37)
IOCTL = _number(16, 29)
COPY_FILE_RANGE = _number(326, 285)

has_seccomp = pytest.mark.skipif(
    sys.platform != "linux" or RENAMEAT2 is None,
    reason="seccomp filters are for Linux, and numbers known for x86_64, ARM",
)


def deny(syscall: int, error: int) -> None:
    """
    Make *syscall* fail with *error* in this process, for good (seccomp).

    With error 0 it does nothing and returns 0.
    """
    load, equal, answer = 0x20, 0x15, 0x06  # BPF_LD, BPF_JEQ, BPF_RET
    program = b"".join(
        struct.pack("=HBBI", *step)
        for step in [
            (load, 0, 0, 0),  # the number of the call
            (equal, 0, 1, syscall),
            (answer, 0, 0, 0x00050000 | error),  # SECCOMP_RET_ERRNO
            (answer, 0, 0, 0x7FFF0000),  # SECCOMP_RET_ALLOW
        ]
    )
    code = ctypes.create_string_buffer(program)
    header = struct.pack("HxxxxxxP", 4, ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(38, 1, 0, 0, 0) == 0  # PR_SET_NO_NEW_PRIVS
    assert libc.prctl(22, 2, header, 0, 0) == 0  # PR_SET_SECCOMP, filter
