"""The tree gives the same answers on every system: native/trial_tree.c."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest
from internals import CSRC
from trees import tree_files

TRIAL = Path(__file__).resolve().parent / "native" / "trial_tree.c"
MINGW = "x86_64-w64-mingw32-gcc"
# Debian keeps it where only its own starter looks.
WINE = shutil.which(
    "wine64", path=os.pathsep.join([os.environ["PATH"], "/usr/lib/wine"])
)


def build(compiler: list[str], sources: list[str], program: Path) -> None:
    """Compile the trial with these files of the core."""
    names = [*sources, "tree_name", "error"]
    command = [*compiler, "-std=c11", "-O1", f"-I{CSRC}", "-o", str(program)]
    command += [str(TRIAL), *(str(CSRC / f"{name}.c") for name in names)]
    subprocess.run(
        [*command, "-lntdll"] if compiler == [MINGW] else command, check=True
    )


def test_answers_on_this_system(tmp_path):
    """
    Every step of the trial goes as it says.
    """
    compiler = shlex.split(sysconfig.get_config_var("CC") or "cc")
    compiler += shlex.split(os.environ.get("UNWHEEL_CFLAGS", ""))
    build(compiler, tree_files(), tmp_path / "trial")
    (tmp_path / "root").mkdir()

    found = subprocess.run(
        [tmp_path / "trial", tmp_path / "root"], capture_output=True, text=True
    )

    assert ("", 0) == (found.stdout, found.returncode)


@pytest.mark.skipif(
    WINE is None or shutil.which(MINGW) is None,
    reason=f"{MINGW} and wine64 are not both installed",
)
def test_answers_on_windows(tmp_path):
    """
    The same program over the Windows files, as far as Wine is Windows.
    """
    sources = sorted(path.stem for path in CSRC.glob("tree*_win32.c"))
    build([MINGW], sources, tmp_path / "trial.exe")
    (tmp_path / "root").mkdir()
    room = {k: v for k, v in os.environ.items() if k != "LD_PRELOAD"} | {
        "WINEPREFIX": str(tmp_path / "wine"),
        "WINEDEBUG": "-all",
        "WINEDLLOVERRIDES": "mscoree,mshtml=",  # it would ask to fetch them
    }
    subprocess.run([WINE, "wineboot", "--init"], env=room, capture_output=True)

    found = subprocess.run(
        [WINE, "trial.exe", f"Z:{tmp_path / 'root'}"],
        cwd=tmp_path,
        env=room,
        capture_output=True,
        text=True,
    )
    subprocess.run([WINE, "wineboot", "--kill"], env=room, capture_output=True)

    assert ("", 0) == (found.stdout, found.returncode)
