"""
The own tests of the package `installer`, run against our source and our
destination: what is behaviour to installer is behaviour of ours.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from importlib.metadata import version
from pathlib import Path

import pytest
from installer_pair import PASSED_OVER

import unwheel

HERE = Path(__file__).resolve().parent
SOURCES = Path(unwheel.__file__).resolve().parent.parent

# So many of them pass in 1.1.0; if fewer run, something has lost its way.
AT_LEAST = 140


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tests of the version that is installed."""
    folder = tmp_path_factory.mktemp("installer")
    wanted = f"installer=={version('installer')}"
    command = [sys.executable, "-m", "pip", "download", "--no-deps"]
    command += ["--no-binary", "installer", "--dest", str(folder), wanted]
    subprocess.run(command, check=True, cwd=folder)
    (archive,) = folder.glob("installer-*.tar.gz")
    with tarfile.open(archive) as sdist:
        sdist.extractall(folder, filter="data")
    return folder / archive.name.removesuffix(".tar.gz") / "tests"


@pytest.mark.wheels
def test_installers_own_tests_pass_with_our_pair(suite: Path, tmp_path: Path):
    """
    All that run pass, and each that is passed over is there to be.
    """
    tally = tmp_path / "tally.json"
    paths = [str(SOURCES), str(HERE), os.environ.get("PYTHONPATH", "")]
    told = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "installer_pair"),
            *("-p", "no:cacheprovider", "--rootdir", suite, suite),
            f"--basetemp={tmp_path / 'temporary'}",
        ],
        env=os.environ
        | {
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
            "INSTALLER_PAIR_TALLY": str(tally),
        },
        cwd=suite,
        capture_output=True,
        text=True,
    )

    assert 0 == told.returncode, told.stdout
    found = json.loads(tally.read_text())
    assert sorted(PASSED_OVER) == sorted(found["passed_over"])
    assert sorted(found["ran"]) == sorted(found["passed"])
    assert AT_LEAST <= len(found["passed"])
