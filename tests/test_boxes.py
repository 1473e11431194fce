"""Where readers of attacks are let loose: nothing of it is seen outside."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent

# In a locked process: what can be written where, in a box and beside it.
HARM = """
import json, os, sys
from pathlib import Path

sys.path.insert(0, sys.argv[1])
import boxes

def can_write(path):
    try:
        Path(path).write_text("x")
    except OSError:
        return False
    return True

try:
    boxes.lock([Path(sys.argv[1])], 1 << 20)
except boxes.BoxError as error:
    print(json.dumps({"no box": str(error)}))
    sys.exit()
for name in ("box", "aim"):
    Path("/tmp", name).mkdir()
child = os.fork()
if child == 0:
    boxes.enter("/tmp/box", "/tmp/aim", seconds=1, memory=1 << 30)
    can_write("/tmp/aim/harm")
    while True:
        pass
print(json.dumps({
    "ended": os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]),
    "aim": os.listdir("/tmp/aim"),
    "box": os.listdir("/tmp/box"),
    "tmp": can_write("/tmp/harm"),
    "kept": can_write(sys.argv[1] + "/harm"),
    "home": can_write("/harm"),
    "there": os.path.exists(sys.argv[1] + "/boxes.py"),
}))
"""


@pytest.mark.tools
def test_what_is_written_elsewhere_is_found_in_the_box(tmp_path: Path):
    """
    The place that is aimed at is one of the box; all else is read-only.
    """
    before = set(Path("/tmp").iterdir()) if tmp_path.exists() else set()

    done = subprocess.run(
        [sys.executable, "-c", HARM, str(HERE)],
        capture_output=True,
        text=True,
        check=True,
    )

    seen = json.loads(done.stdout)
    if "no box" in seen:
        pytest.skip(f"no box can be made here: {seen['no box']}")
    assert seen == {
        "ended": -14,  # SIGALRM
        "aim": [],
        "box": ["harm"],
        "tmp": True,
        "kept": False,
        "home": False,
        "there": True,
    }
    assert not {Path("/tmp/harm"), Path("/tmp/box")} & (
        set(Path("/tmp").iterdir()) - before
    )


def test_the_readme_has_what_the_script_prints():
    """
    The tables of tools and attacks are those of the run that is kept.
    """
    script = PROJECT / "benchmarks" / "compare_attacks.py"
    kept = script.with_name("attacks.json")

    done = subprocess.run(
        [sys.executable, str(script), "--show", str(kept)],
        capture_output=True,
        text=True,
        check=True,
    )

    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    assert f"<!-- attacks -->\n{done.stdout}<!-- end" in readme
