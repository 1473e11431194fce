"""
The C core, and the only package that knows it.  No cdata leaves it.

Others use the names below; in which module they are is its own business.
"""

from __future__ import annotations

from .archive import NativeArchive
from .batch import (
    DIRECTORY,
    EXECUTABLE,
    SHA256,
    Batch,
    Crew,
    Result,
    packed,
    statuses,
)
from .core import (
    CANCELLED,
    CPU,
    MISMATCH,
    NAME,
    OK,
    REASONS,
    ffi,
    lib,
    os_problem,
    sha256,
)
from .tree import NewFile, Tree

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from .forward import Forward, LocalEntry, Walk, walk
    from .kernels import Inflater, crc32, sha256_pair
else:
    # What extracting a wheel does not need, by its module.
    _HOMES = {
        "forward": ("Forward", "LocalEntry", "Walk", "walk"),
        "kernels": ("Inflater", "crc32", "sha256_pair"),
    }

    def __getattr__(name):
        """Import the home of *name* when it is first asked for."""
        for module, names in _HOMES.items():
            if name in names:
                from importlib import import_module

                return getattr(import_module("." + module, __name__), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "CANCELLED",
    "CPU",
    "DIRECTORY",
    "EXECUTABLE",
    "MISMATCH",
    "NAME",
    "OK",
    "REASONS",
    "SHA256",
    "Batch",
    "Crew",
    "Forward",
    "Inflater",
    "LocalEntry",
    "NativeArchive",
    "NewFile",
    "Result",
    "Tree",
    "Walk",
    "crc32",
    "ffi",
    "lib",
    "os_problem",
    "packed",
    "sha256",
    "sha256_pair",
    "statuses",
    "walk",
]
