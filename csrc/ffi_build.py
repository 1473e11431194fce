"""
Compile everything in this folder into ``unwheel._native`` (cffi, API mode).

The public header is the text that cffi reads, so the two cannot disagree.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from pathlib import Path

from cffi import FFI

HERE = Path(__file__).resolve().parent
WINDOWS = sys.platform == "win32"

# A stage that touches the system exists once per system; the build picks.
OTHER_SYSTEM = "_posix" if WINDOWS else "_win32"

# The stricter warnings of our own code (-Wconversion and so on) do not suit
# what cffi generates; .ci/run compiles csrc/*.c with them, one by one.
GNU_FLAGS = ["-std=c11", "-O2", "-fvisibility=hidden", "-Wall", "-Wextra"]
MSVC_FLAGS = ["/std:c11", "/experimental:c11atomics", "/O2"]


def sources() -> list[str]:
    """The C files of this system, relative to the project's root."""
    return sorted(
        os.path.relpath(path, HERE.parent).replace(os.sep, "/")
        for path in HERE.glob("*.c")
        if not path.stem.endswith(OTHER_SYSTEM)
    )


def flags() -> list[str]:
    """Compiler flags; UNWHEEL_CFLAGS adds to them (sanitizers, -Werror)."""
    extra = os.environ.get("UNWHEEL_CFLAGS", "").split()
    return (MSVC_FLAGS if WINDOWS else GNU_FLAGS) + extra


ffibuilder = FFI()
ffibuilder.cdef((HERE / "unwheel.h").read_text(encoding="ascii"))
ffibuilder.set_source(
    "unwheel._native",
    '#include "base.h"',
    sources=sources(),
    depends=sorted(
        os.path.relpath(path, HERE.parent) for path in HERE.glob("*.h")
    ),
    include_dirs=["csrc"],
    extra_compile_args=flags(),
    extra_link_args=os.environ.get("UNWHEEL_LDFLAGS", "").split(),
    libraries=["ntdll"] if WINDOWS else [],
    # The limited API does not exist on free-threaded builds.
    py_limited_api=not sysconfig.get_config_var("Py_GIL_DISABLED"),
)

if __name__ == "__main__":
    ffibuilder.compile(verbose=True)
