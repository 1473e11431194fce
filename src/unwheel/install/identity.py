"""
How things are known again, whatever they are called by then.
"""

from __future__ import annotations

import binascii
import os
import stat

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Iterator

CACHE = "__pycache__"


def identity(path: str) -> str:
    """
    What *path* is, without following links; "" if there is nothing.

    Of a file its inode, size and time of modification: a file that another
    program has put in its place has another inode, or the same one again and
    another time.  Of a folder that of everything in it, but for bytecode,
    which interpreters write when they like.  The inode of a folder itself says
    nothing: on overlayfs it changes when the system is started again.
    """
    try:
        facts = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return ""
    if not stat.S_ISDIR(facts.st_mode):
        return _of_file(facts)
    crc = 0
    for name, entry in survey(path):
        what = (
            "d"
            if entry.is_dir(follow_symlinks=False)
            else _of_file(entry.stat(follow_symlinks=False))
        )
        crc = binascii.crc32(f"{name}\0{what}\0".encode("utf-8", _ESCAPE), crc)
    return f"d{crc:08x}"


_ESCAPE = "surrogateescape"


def _of_file(facts: os.stat_result) -> str:
    kind = stat.S_IFMT(facts.st_mode)
    return f"{kind:o}.{facts.st_ino}.{facts.st_size}.{facts.st_mtime_ns}"


def survey(
    folder: str, below: str = ""
) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """All that is in *folder*, but for bytecode, in one order."""
    left = [(folder, below)]
    while left:
        path, prefix = left.pop()
        with os.scandir(path) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
        cached = os.path.basename(path) == CACHE
        for entry in found:
            if entry.is_dir(follow_symlinks=False):
                left.append((entry.path, f"{prefix}{entry.name}/"))
                if entry.name == CACHE:
                    continue
            elif cached and ".pyc" in entry.name:
                continue
            yield prefix + entry.name, entry


def is_bytecode(path: str) -> bool:
    """Whether *path* is that of a file in a cache of bytecode."""
    folder, leaf = os.path.split(path)
    return os.path.basename(folder) == CACHE and leaf.endswith(".pyc")
