"""The core compiles for Windows, as far as a cross compiler can tell."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

CSRC = Path(__file__).resolve().parent.parent / "csrc"
COMPILER = "x86_64-w64-mingw32-gcc"
WARNINGS = ["-Wall", "-Wextra", "-Werror"]


@pytest.mark.skipif(
    shutil.which(COMPILER) is None, reason=f"{COMPILER} is not installed"
)
@pytest.mark.parametrize(
    "name",
    sorted(
        path.name
        for path in CSRC.glob("*.c")
        if not path.stem.endswith("_posix")
    ),
)
def test_compiles_for_windows_without_a_warning(name):
    """
    Each file of the Windows build, with the warnings that count as errors.
    """
    found = subprocess.run(
        [COMPILER, "-std=c11", "-O2", *WARNINGS, "-fsyntax-only", name],
        cwd=CSRC,
        capture_output=True,
        text=True,
    )

    assert ("", 0) == (found.stderr, found.returncode)


def test_both_systems_have_the_same_rooms():
    """
    A stage that touches the system exists once for each.
    """

    def rooms(system):
        return {
            path.stem.removesuffix(system)
            for path in CSRC.glob(f"*{system}.c")
        }

    assert {"source", "sync", "tree"} <= rooms("_posix")
    assert rooms("_posix") == rooms("_win32")
