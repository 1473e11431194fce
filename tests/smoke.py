"""
Does this installation of unwheel work at all?  python tests/smoke.py

Needs nothing but the standard library and unwheel itself, so that it can be
run on a wheel that was just built, by any Python, on any system.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from builder import WheelBuilder

import unwheel

CONTENT = b"print('hello')\n" * 1000


def main() -> int:
    """Extract by API and by command line, and refuse what is wrong."""
    with tempfile.TemporaryDirectory() as directory:
        room = Path(directory)
        wheel = WheelBuilder().file("pkg/demo.py", CONTENT).write(room)
        report = unwheel.extract(wheel, room / "tree")
        check(CONTENT == (room / "tree/pkg/demo.py").read_bytes())
        check(report.members == 4)
        check(0 == command("extract", wheel, "--into", room / "again"))
        check(CONTENT == (room / "again/pkg/demo.py").read_bytes())

        wrong = WheelBuilder("wrong").file("a.py", CONTENT)
        wrong.row("a.py", "sha256=" + "A" * 43)
        wheel = wrong.write(room)
        before = sorted(room.iterdir())
        check(1 == command("extract", wheel, "--into", room / "wrong"))
        check(before == sorted(room.iterdir()))
    print(f"unwheel {unwheel.__version__} works on Python {sys.version}")
    return 0


def check(truth: bool) -> None:
    """Stop with a traceback that shows the line, also under python -O."""
    if not truth:
        raise SystemError("the installation does not work")


def command(*arguments: str | Path) -> int:
    """Run the command line; its exit status."""
    code = "import sys; from unwheel.cli import main; sys.exit(main())"
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
