"""Where wheels go, and the Python that has to run them."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import types
import venv
from pathlib import Path

import pytest
from packaging.markers import default_environment

from unwheel.errors import DestinationError
from unwheel.install import environment_of
from unwheel.install.environment import SCHEMES
from unwheel.install.facts import facts


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    A virtual environment with nothing in it.
    """
    path = tmp_path_factory.mktemp("venv") / "other"
    venv.create(path, symlinks=os.name != "nt")
    return path


def python_of(directory: Path) -> str:
    """
    The Python of a virtual environment.
    """
    if os.name == "nt":
        return str(directory / "Scripts" / "python.exe")
    return str(directory / "bin" / "python")


def xy() -> str:
    """
    What a directory of this Python is called.
    """
    return "python{}.{}".format(*sys.version_info)


def test_is_our_own_unless_told():
    """
    Without a subprocess: it is what we know already.
    """
    environment = environment_of()

    assert sys.executable == environment.interpreter
    assert environment == environment_of(sys.executable)
    assert environment.is_own
    assert set(SCHEMES) == set(environment.places)
    assert sysconfig.get_path("scripts") == environment.places["scripts"]


@pytest.mark.parametrize("given", ["executable", "directory"])
def test_asks_another_python(other: Path, given: str):
    """
    By its executable, or by the directory of its virtual environment.
    """
    python = python_of(other)

    environment = environment_of(
        python if given != "directory" else str(other)
    )

    assert python == environment.interpreter
    assert environment.python.is_virtual
    assert environment.python.managed is None
    assert str(other) == environment.places["data"]
    headers = environment.schemes_of("Demo_Thing")["headers"]
    assert str(other / "include" / "site" / xy() / "demo-thing") == headers
    # It is the same Python but for the place.
    own = environment_of().python
    assert own.tags == environment.python.tags
    assert own.markers == environment.python.markers
    assert own.version == environment.python.version


def test_shows_another_python_nothing_of_ours(
    other: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """
    Neither what lies in the current directory nor PYTHONPATH is imported.
    """
    (tmp_path / "json.py").write_text("raise SystemExit('ours')\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    environment = environment_of(str(other))

    assert str(tmp_path) not in environment.python.path


def test_finds_the_answer_among_the_words_of_others(other: Path):
    """
    A sitecustomize, or a .pth file, may print what it likes.
    """
    site = Path(environment_of(str(other)).places["purelib"])
    noisy = site / "noisy.pth"
    noisy.write_text("import sys; print('hello'); sys.stdout.write('{}')\n")

    environment = environment_of(str(other))

    noisy.unlink()
    assert str(site) == environment.places["purelib"]


def test_a_target_holds_all(tmp_path: Path, other: Path):
    """
    Packages at the top, as pip has it.
    """
    target = tmp_path / "target"

    environment = environment_of(str(other), target=str(target))

    assert not environment.is_own
    assert environment.places == {
        "purelib": str(target),
        "platlib": str(target),
        "headers": str(target / "include" / "site" / xy()),
        "scripts": os.path.join(
            target,
            os.path.basename(environment_of(str(other)).places["scripts"]),
        ),
        "data": str(target),
    }
    assert python_of(other) == environment.interpreter
    assert environment.sites == (str(target),)


def test_a_prefix_is_taken_as_it_is(tmp_path: Path):
    """
    No system's redirection applies to it.
    """
    prefix = str(tmp_path / "prefix")

    environment = environment_of(prefix=prefix)

    assert not environment.is_own
    scheme = "nt" if os.name == "nt" else "posix_prefix"
    bases = dict.fromkeys(("base", "platbase", "installed_base"), prefix)
    expected = sysconfig.get_paths(scheme, vars=bases)
    for key in ("purelib", "platlib", "scripts", "data"):
        assert expected[key] == environment.places[key]


def test_a_root_is_not_there_at_run_time(tmp_path: Path):
    """
    The places are those of run time; on the disk they are below the root.
    """
    root = tmp_path / "root"

    environment = environment_of(root=str(root))

    assert environment_of().places == environment.places
    assert not environment.is_own
    (site, *_) = environment.sites
    assert str(root) + environment.places["purelib"] == site
    assert environment.interpreter == sys.executable


def test_places_are_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """
    Whoever changes the directory later does not move them.
    """
    monkeypatch.chdir(tmp_path)

    assert (str(tmp_path / "t"),) == environment_of(target="t").sites
    prefix = environment_of(prefix="p", root="r")
    assert prefix.places["data"] == str(tmp_path / "p")
    assert prefix.root == str(tmp_path / "r")


def test_a_prefix_and_a_target_are_too_much():
    """
    Each is a layout of its own.
    """
    with pytest.raises(TypeError):
        environment_of(target="a", prefix="b")


@pytest.mark.parametrize(
    "script",
    [
        "#!/bin/sh\nexit 0\n",
        "#!/bin/sh\necho no such option >&2\nexit 3\n",
        "#!/bin/sh\necho 'unwheel facts: {}'\nexit 1\n",
        "#!/bin/sh\necho 'unwheel facts: {'\n",
        "#!/bin/sh\necho 'unwheel facts: {}'\n",
        "#!/bin/sh\nprintf 'unwheel facts: \\377'\n",
        None,
    ],
)
def test_what_is_no_python_is_told(tmp_path: Path, script: str | None):
    """
    Whatever it does, or if it is not there.
    """
    path = tmp_path / "python"
    if script is not None:
        path.write_text(script)
        path.chmod(0o755)

    with pytest.raises(DestinationError) as caught:
        environment_of(str(path))

    (problem,) = caught.value.problems
    assert "INTERPRETER" == problem.code
    assert str(path) in problem.message


def test_facts_need_nothing_of_ours(other: Path):
    """
    They are asked of Pythons that have none of our packages.
    """
    script = "import packaging, unwheel"

    done = subprocess.run(
        [python_of(other), "-I", "-c", script],
        check=False,
        capture_output=True,
    )

    assert done.returncode != 0
    assert environment_of(str(other)).python.tags


def test_knows_what_markers_are_about(monkeypatch: pytest.MonkeyPatch):
    """
    The same as packaging, which reads them; also of a pre-release.
    """
    assert default_environment() == facts(None, None)["markers"]
    info = types.SimpleNamespace(
        major=3, minor=15, micro=0, releaselevel="candidate", serial=2
    )
    monkeypatch.setattr(sys.implementation, "version", info)
    version = facts(None, None)["markers"]["implementation_version"]
    assert "3.15.0c2" == version


def test_tells_who_manages_a_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """
    EXTERNALLY-MANAGED counts where it lies beside the library (PEP 668).
    """
    marker = tmp_path / "EXTERNALLY-MANAGED"
    marker.write_text("[externally-managed]\nError=no\n")
    paths = sysconfig.get_path
    monkeypatch.setattr(
        sysconfig,
        "get_path",
        lambda key: str(tmp_path) if key == "stdlib" else paths(key),
    )
    monkeypatch.setattr(sys, "base_prefix", sys.prefix)

    told = facts(None, None)

    assert [str(marker), marker.read_text()] == told["managed"]
    monkeypatch.setattr(sys, "base_prefix", "/another")
    assert facts(None, None)["managed"] is None


def test_does_something_else_while_another_python_thinks(other: Path):
    """
    Only then: to ask our own takes no time that could be used.
    """
    called: list[str] = []

    environment_of(meanwhile=lambda: called.append("own"))
    environment_of(str(other), meanwhile=lambda: called.append("other"))

    assert ["other"] == called


def test_leaves_no_python_behind(other: Path, monkeypatch: pytest.MonkeyPatch):
    """
    Ctrl-C may come meanwhile.
    """
    started: list[subprocess.Popen[bytes]] = []

    class Noted(subprocess.Popen):
        def __init__(self, *args, **named):
            super().__init__(*args, **named)
            started.append(self)

    def interrupt():
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess, "Popen", Noted)
    with pytest.raises(KeyboardInterrupt):
        environment_of(str(other), meanwhile=interrupt)

    assert [True] == [child.returncode is not None for child in started]
