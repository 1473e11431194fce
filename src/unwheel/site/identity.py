"""
How things are known again, whatever they are called by then.
"""

from __future__ import annotations

import binascii
import os
import stat
from operator import attrgetter

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Iterator

CACHE = "__pycache__"

# Files of a folder that are looked at themselves.  Two folders of the same
# names differ in the inode of each file; to look at all of torch's 12,000
# takes as long as to list them ten times.
_LOOKED_AT = 64

_ESCAPE = "surrogateescape"


def identity(path: str, names: list[str] | None = None) -> str:
    """
    What *path* is, without following links; "" if there is nothing.

    Of a file its inode, size and time of modification: a file that another
    program has put in its place has another inode, or the same one again and
    another time.  Of a folder the names of everything in it, and that of its
    first files, but for bytecode, which interpreters write when they like.
    So nothing that came to it later goes with it unseen.  The inode of a
    folder itself says nothing: on overlayfs it changes when the system is
    started again.

    Args:
        names: Gets the names of all that is in a folder, as `survey` has them.
    """
    try:
        facts = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return ""
    if not stat.S_ISDIR(facts.st_mode):
        return _of_file(facts)
    crc = looked_at = 0
    for prefix, folders, files in _walk(path):
        known = files[: _LOOKED_AT - looked_at]
        looked_at += len(known)
        told = (
            prefix,
            "/".join(entry.name for entry in folders),
            "/".join(entry.name for entry in files),
            *(_of_file(entry.stat(follow_symlinks=False)) for entry in known),
            "\0",
        )
        crc = binascii.crc32("\0".join(told).encode("utf-8", _ESCAPE), crc)
        if names is not None:
            names += [prefix + entry.name for entry in folders]
            names += [prefix + entry.name for entry in files]
    return f"d{crc:08x}"


def _of_file(facts: os.stat_result) -> str:
    kind = stat.S_IFMT(facts.st_mode)
    return f"{kind:o}.{facts.st_ino}.{facts.st_size}.{facts.st_mtime_ns}"


def survey(folder: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """All that is in *folder*, but for bytecode."""
    for prefix, folders, files in _walk(folder):
        for entry in (*folders, *files):
            yield prefix + entry.name, entry


def _walk(
    top: str,
) -> Iterator[tuple[str, list[os.DirEntry[str]], list[os.DirEntry[str]]]]:
    """Folders and files of each folder, but for bytecode, in one order."""
    left = [(top, "")]
    while left:
        path, prefix = left.pop()
        folders, files = _entries(path)
        left += [(each.path, f"{prefix}{each.name}/") for each in folders]
        if os.path.basename(path) == CACHE:
            files = [each for each in files if ".pyc" not in each.name]
            if not (folders or files):
                continue
        yield prefix, [e for e in folders if e.name != CACHE], files


def _entries(
    path: str,
) -> tuple[list[os.DirEntry[str]], list[os.DirEntry[str]]]:
    """The folders and the files in *path*, both sorted."""
    folders: list[os.DirEntry[str]] = []
    files: list[os.DirEntry[str]] = []
    with os.scandir(path) as entries:
        for entry in entries:
            is_folder = entry.is_dir(follow_symlinks=False)
            (folders if is_folder else files).append(entry)
    folders.sort(key=_name)
    files.sort(key=_name)
    return folders, files


_name = attrgetter("name")


def is_bytecode(path: str) -> bool:
    """Whether *path* is that of a file in a cache of bytecode."""
    folder, leaf = os.path.split(path)
    return os.path.basename(folder) == CACHE and leaf.endswith(".pyc")
