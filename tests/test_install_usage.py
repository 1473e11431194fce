"""
`unwheel install` on the command line: its options, and what it tells.

Over a stand-in for the room that installs, which brings exactly the results
that a test is about; test_installing.py has the real one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import types
from pathlib import Path

import pytest

from unwheel import cli
from unwheel.errors import (
    DestinationError,
    Problem,
    UnsuitableError,
)
from unwheel.events import InstallationRecovered
from unwheel.install import options as install_options
from unwheel.install.options import InstallOptions
from unwheel.install.report import InstallReport
from unwheel.install_usage import INVALIDATIONS, LEVELS, OVERWRITES
from unwheel.knobs import accepting_option
from unwheel.options import parse
from unwheel.policy import Policy
from unwheel.report import LinkFact

HOSTILE = "evil\x1b[2J\u202e\udcff"


def report_of(wheel: str, **changes: object) -> InstallReport:
    """
    A report, with *changes*.
    """
    facts: dict[str, object] = {
        "wheel": wheel,
        "name": "demo",
        "version": "1.0",
        "site": "/site",
        "files": 1200,
        "size": 34_500_000,
        "scripts": (),
        "links": (),
        "replaced": None,
        "removed": 0,
        "compiled": 0,
        "warnings": (),
        "seconds": 0.25,
        "dry_run": False,
    }
    return InstallReport(**(facts | changes))  # type: ignore[arg-type]


class Room(types.ModuleType):
    """
    A stand-in for `unwheel.install` that brings `results`.
    """

    InstallOptions = InstallOptions

    def __init__(self) -> None:
        super().__init__("unwheel.install")
        self.results: list[object] = []
        self.calls: list[dict[str, object]] = []
        self.environments: list[tuple[object, ...]] = []
        self.events: list[object] = []

    def environment_of(self, executable, *, meanwhile, **places):
        """Note what is asked for."""
        assert callable(meanwhile)
        self.environments.append((executable, places))
        return "environment"

    def install_many(self, wheels, environment, **options):
        """Bring the results."""
        self.calls.append({"wheels": wheels, **options})
        assert environment == "environment"
        for event in self.events:
            if options["on_event"] is not None:
                options["on_event"](event)
        for result in self.results:
            if isinstance(result, Problem):
                raise DestinationError([result])
            if isinstance(result, BaseException) and not hasattr(
                result, "problems"
            ):
                raise result
            yield result


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> Room:
    """
    What the command finds in place of `unwheel.install`.
    """
    stand_in = Room()
    monkeypatch.setitem(sys.modules, "unwheel.install", stand_in)
    return stand_in


def run(capsys, *arguments: str) -> tuple[int, str, str]:
    """
    Run `unwheel install`: its status, its lines, its complaints.
    """
    status = cli.main(["install", *arguments])
    out, err = capsys.readouterr()
    return status, out, err


# Options


def test_is_as_strict_as_the_api_unless_told(room: Room, capsys):
    """
    The defaults of the options are those of the values.
    """
    run(capsys, "a.whl", "b.whl")

    (call,) = room.calls
    assert [(None, {"target": None, "prefix": None, "root": None})] == (
        room.environments
    )
    assert ["a.whl", "b.whl"] == call["wheels"]
    assert InstallOptions() == call["options"]
    assert Policy() == call["policy"]
    assert call["threads"] is None


def test_every_option_reaches_the_room(room: Room, capsys, tmp_path: Path):
    """
    All that can be chosen, in one line.
    """
    url = tmp_path / "url.json"
    url.write_bytes(b"{}")

    run(
        capsys,
        *("a.whl", "--python", "py", "--prefix", "p", "--root", "r"),
        *("--no-requested", "--direct-url", str(url), "--no-compile"),
        *("--invalidation", "checked-hash", "-O", "2,0"),
        *("--overwrite", "unowned", "--ignore-requires-python"),
        *("--any-platform", "--break-system-packages", "--dry-run"),
        *("--threads", "3", "--record", "warn", "--links", "portable"),
    )

    (call,) = room.calls
    assert [("py", {"target": None, "prefix": "p", "root": "r"})] == (
        room.environments
    )
    assert call["options"] == InstallOptions(
        compile=False,
        levels=(2, 0),
        invalidation="checked-hash",
        overwrite="unowned",
        requested=False,
        direct_url=b"{}",
        ignore_requires_python=True,
        any_platform=True,
        break_system_packages=True,
        dry_run=True,
    )
    assert Policy(record="warn", links="portable") == call["policy"]
    assert 3 == call["threads"]


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["a.whl", "--target", "a", "--prefix", "b"],
        ["a.whl", "--python"],
        ["a.whl", "--invalidation", "never"],
        ["a.whl", "-O", "3"],
        ["a.whl", "-O", "0,0"],
        ["a.whl", "-O", ""],
        ["a.whl", "--overwrite", "some"],
        ["a.whl", "--existing", "merge"],
        ["a.whl", "--no-installed-record"],
        ["a.whl", "--backend", "libarchive"],
        ["a.whl", "--links", "verbatim"],
        ["a.whl", "--link-entries", "verbatim"],
        ["a.whl", "b.whl", "--direct-url", "x"],
        ["a-1.whl", "x/A-2.whl"],
        ["a.whl", "requests==2.0"],
        ["a.whl", "--files"],
        ["a.whl", "--target", ""],
        ["a.whl", "--prefix", ""],
        ["a.whl", "--root", ""],
        ["a.whl", "--python", ""],
    ],
)
def test_refuses_a_wrong_command_line(room: Room, capsys, arguments):
    """
    Before anybody is asked for anything.
    """
    with pytest.raises(SystemExit) as refusal:
        cli.main(["install", *arguments])

    assert 2 == refusal.value.code
    assert "error: " in capsys.readouterr().err
    assert [] == room.environments


def test_compiles_unless_told():
    """
    The last word counts.
    """
    assert parse(["install", "a.whl", "--compile"]).compile
    line = ["install", "a.whl", "--no-compile", "--compile"]
    assert parse(line).compile
    assert not parse([*line, "--no-compile"]).compile


def test_offers_what_the_options_take():
    """
    The command line names the values itself, so that help needs no import.
    """
    levels = tuple(map(int, LEVELS))
    assert (
        install_options.INVALIDATIONS,
        install_options.OVERWRITES,
        install_options.LEVELS,
    ) == (INVALIDATIONS, OVERWRITES, levels)


@pytest.mark.parametrize(
    ("accept", "option"),
    [
        ('overwrite="unowned"', "--overwrite unowned"),
        ("overwrite='all'", "--overwrite all"),
        ("any_platform=True", "--any-platform"),
        ("ignore_requires_python=True", "--ignore-requires-python"),
        ("break_system_packages=True", "--break-system-packages"),
    ],
)
def test_translates_what_would_accept_a_problem(accept: str, option: str):
    """
    What it says can be typed.
    """
    assert option == accepting_option(accept)
    assert parse(["install", "a.whl", *option.split()])


@pytest.mark.parametrize("levels", [(), (0, 3), ("0",)])
def test_options_refuse_levels_that_are_none(levels):
    """
    Python has three.
    """
    with pytest.raises(TypeError):
        InstallOptions(levels=levels)


@pytest.mark.parametrize("field", ["overwrite", "invalidation"])
def test_options_refuse_words_that_are_none(field: str):
    """
    With the words that there are.
    """
    with pytest.raises(TypeError, match=f"{field}.*none of"):
        InstallOptions(**{field: "some"})  # type: ignore[arg-type]


# What is told


def test_says_one_line_per_wheel(room: Room, capsys):
    """
    What there is now, and how long it took.
    """
    room.results = [report_of("a-1.0.whl")]

    assert run(capsys, "a-1.0.whl") == (
        0,
        "a-1.0.whl: 1,200 files, 34.5 MB, in 0.25 s -> /site\n",
        "",
    )


def test_says_all_that_there_is_to_say(room: Room, capsys):
    """
    Scripts, bytecode, links, what was replaced, warnings.
    """
    link = LinkFact("a/l", "zip", "f", "a/f", "link")
    lacking = Problem("DEPENDENCY_MISSING", "six is needed", expected="six>1")
    room.results = [
        report_of(
            HOSTILE,
            scripts=("/bin/a", "/bin/b"),
            compiled=600,
            links=(link,),
            replaced=HOSTILE,
            removed=1,
            warnings=(lacking,),
            site=HOSTILE,
        )
    ]

    status, out, err = run(capsys, "a.whl")

    shown = "evil\\x1b[2J\\u202e\\udcff"
    assert status == 0
    assert out == (
        f"{shown}: 1,200 files, 2 scripts among them, 600 of bytecode, 1 link,"
        f" 34.5 MB, replacing {shown}, 1 old file removed, 1 warning,"
        f" in 0.25 s -> {shown}\n"
    )
    assert "DEPENDENCY_MISSING: six is needed" in err
    assert "expected  six>1" in err


def test_a_dry_run_says_so(room: Room, capsys):
    """
    Nobody takes it for done.
    """
    room.results = [report_of("a.whl", dry_run=True)]

    _, out, _ = run(capsys, "a.whl", "--dry-run")

    assert out.startswith("a.whl: would install 1,200 files")


def test_quiet_says_nothing_of_success(room: Room, capsys):
    """
    But all of refusals.
    """
    warning = Problem("REQUIREMENT", "cannot be read")
    refusal = UnsuitableError(
        [
            Problem(
                "REQUIRES_PYTHON",
                "asks for another",
                found="3.11.7",
                expected=">=4",
                accept="ignore_requires_python=True",
            )
        ],
        wheel="b.whl",
    )
    room.results = [report_of("a.whl", warnings=(warning,)), refusal]

    status, out, err = run(capsys, "a.whl", "b.whl", "--quiet")

    assert (status, out) == (1, "")
    assert err == (
        "b.whl: refused, 1 problem\n"
        "  REQUIRES_PYTHON: asks for another\n"
        "      found     3.11.7\n"
        "      expected  >=4\n"
        "      accept by --ignore-requires-python\n"
    )


def test_json_is_one_object_per_wheel(room: Room, capsys):
    """
    With the keys that are documented.
    """
    link = LinkFact("a/l", "zip", "f", "a/f", "link")
    warning = Problem("REQUIREMENT", "cannot be read")
    room.results = [
        report_of(
            "a.whl",
            links=(link,),
            warnings=(warning,),
            scripts=(f"/bin/{HOSTILE}",),
            seconds=0.1234567,
        ),
        DestinationError([Problem("EXISTING_FILE", "there")], wheel="b.whl"),
    ]

    status, out, err = run(capsys, "a.whl", "b.whl", "--json")

    first, second = map(json.loads, out.splitlines())
    assert (status, err) == (3, "")
    assert first == {
        "format": 1,
        "action": "install",
        "status": "ok",
        "wheel": "a.whl",
        "name": "demo",
        "version": "1.0",
        "site": "/site",
        "files": 1200,
        "size": 34_500_000,
        "scripts": ["/bin/evil\x1b[2J\u202e\\udcff"],
        "links": [
            {
                "path": "a/l",
                "encoding": "zip",
                "target": "f",
                "resolved": "a/f",
                "outcome": "link",
                "reason": None,
                "contact": None,
            }
        ],
        "replaced": None,
        "removed": 0,
        "compiled": 0,
        "warnings": [
            {
                "code": "REQUIREMENT",
                "message": "cannot be read",
                "member": None,
                "found": None,
                "expected": None,
                "accept": None,
                "offset": None,
            }
        ],
        "seconds": 0.123457,
        "dry_run": False,
    }
    assert ("install", "failed", "b.whl") == (
        second["action"],
        second["status"],
        second["wheel"],
    )


def test_an_error_of_the_whole_run_is_told(room: Room, capsys):
    """
    Nothing was done, and the status says whose fault it is.
    """
    room.results = [Problem("EXTERNALLY_MANAGED", "use apt")]

    status, out, err = run(capsys, "a.whl")

    assert (status, out) == (3, "")
    assert "EXTERNALLY_MANAGED: use apt" in err


def test_a_direct_url_that_cannot_be_read_is_told(
    room: Room, capsys, tmp_path: Path
):
    """
    Nothing is installed without it.
    """
    status, _, err = run(
        capsys, "a.whl", "--direct-url", str(tmp_path / "absent.json")
    )

    assert 3 == status
    assert "DIRECT_URL" in err
    assert "No such file or directory" in err
    assert [] == room.calls


def test_an_interrupt_says_what_is_installed(room: Room, capsys):
    """
    Each wheel is there or not.
    """
    room.results = [report_of("a.whl"), KeyboardInterrupt()]

    status, _, err = run(capsys, "a.whl", "b.whl")

    assert 130 == status
    assert "1 of 2 wheels are installed, nothing was left behind" in err


def test_tells_what_became_of_a_dead_run(room: Room, capsys):
    """
    It is not our doing, but people should know.
    """
    room.events = [InstallationRecovered(f"/s/{HOSTILE}", "finished")]
    room.results = [report_of("a.whl")]

    _, _, err = run(capsys, "a.whl")

    assert "finished what a dead run left in /s/evil\\x1b" in err


# A process of its own

WITHOUT = """
import sys
sys.path[:0] = sys.argv.pop().split("|")
sys.modules["installer"] = None
from unwheel.cli import main
raise SystemExit(main())
"""


def test_without_the_extra_it_says_what_to_install(tmp_path: Path):
    """
    And every other command works.
    """
    path = "|".join(sys.path)

    done = subprocess.run(
        [sys.executable, "-I", "-c", WITHOUT, "install", "a-1.whl", path],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "HOME": str(tmp_path)},
    )

    assert (3, "") == (done.returncode, done.stdout)
    assert "EXTRA_MISSING" in done.stderr
    assert "pip install 'unwheel[install]'" in done.stderr
