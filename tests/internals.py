"""
Rooms of the core that Python cannot see through ``unwheel._native``.

The named C files are compiled as they stand into a library of their own, which
cffi opens by a few declarations.  UNWHEEL_CFLAGS holds here too.
"""

from __future__ import annotations

import functools
import os
import shlex
import subprocess
import sysconfig
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from cffi import FFI

CSRC = Path(__file__).resolve().parent.parent / "csrc"


class Room(NamedTuple):
    """A compiled part of the core, as :mod:`unwheel._native` is the whole."""

    ffi: FFI
    lib: Any


@functools.cache
def room(declarations: str, *sources: str) -> Room:
    """Compile *sources* (names in csrc/, without ``.c``) and open them."""
    folder = tempfile.TemporaryDirectory(prefix="unwheel-room-")
    library = Path(folder.name, "room.so")
    command = shlex.split(sysconfig.get_config_var("CC") or "cc")
    command += ["-std=c11", "-O1", "-fPIC", "-shared", "-pthread"]
    command += shlex.split(os.environ.get("UNWHEEL_CFLAGS", ""))
    command += [f"-I{CSRC}", "-o", str(library)]
    command += [str(CSRC / f"{name}.c") for name in sources]
    subprocess.run(command, check=True)
    ffi = FFI()
    ffi.cdef((CSRC / "unwheel.h").read_text(encoding="ascii"))
    ffi.cdef(declarations)
    with folder:
        return Room(ffi, ffi.dlopen(str(library)))
