"""
The command line.

The first part runs it over a stand-in for the engine that brings exactly the
results and events that a test is about; the second over real wheels.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
import types

import pytest
from builder import WheelBuilder, digest_of

from unwheel import cli, progress
from unwheel.errors import (
    DestinationError,
    MismatchError,
    Problem,
    SourceError,
    UnsafeMemberError,
)
from unwheel.events import (
    BytesDone,
    StagingRemoved,
    WheelExtracted,
    WheelPlanned,
    WheelRefused,
)
from unwheel.policy import LinkPolicy, Policy
from unwheel.report import FileFact, LinkFact, Report

MISMATCH = Problem(
    "HASH",
    "is not what RECORD says",
    member="pkg/a.py",
    found="ab12",
    expected="cd34",
    accept='record="warn"',
    offset=4096,
)
SCRIPT = b"#!/bin/sh\n"
HOSTILE = "evil\x1b[2J\u202e\udcff.py"


def report_of(wheel, dest=None, **changes):
    facts = {
        "wheel": wheel,
        "action": "verify" if dest is None else "extract",
        "destination": dest,
        "members": 808,
        "size": 171_300_000,
        "archive_size": 52_000_000,
        "directories": 0,
        "links": (),
        "repeats": 0,
        "repeated_size": 0,
        "warnings": (),
        "seconds": 0.241,
        "publishing": None if dest is None else "rename",
        "record": "verify",
        "installed_record": False,
        "_files": lambda: (FileFact("pkg/a.py", 3, "ab" * 32, False),),
    }
    return Report(**(facts | changes))


class Engine(types.ModuleType):
    """A stand-in for `unwheel.wheel` that does what `script` says."""

    def __init__(self):
        super().__init__("unwheel.wheel")
        self.calls = []
        self.closed = False
        self.script = lambda wheel, dest, _: report_of(wheel, dest)

    def _told(self, wheel, dest, options):
        self.calls.append((wheel, dest, options))
        return self.script(wheel, dest, options["on_event"])

    def extract(self, wheel, dest, **options):
        result = self._told(wheel, dest, options)
        if isinstance(result, Exception):
            raise result
        return result

    def extract_many(self, wheels, dest, **options):
        try:
            for wheel in wheels:
                stem = os.path.basename(wheel).removesuffix(".whl")
                yield self._told(wheel, f"{dest}/{stem}", options)
        finally:
            self.closed = True

    def verify_many(self, wheels, **options):
        for wheel in wheels:
            yield self._told(wheel, None, options)


@pytest.fixture
def engine(monkeypatch):
    """What the commands find in place of `unwheel.wheel`."""
    stand_in = Engine()
    monkeypatch.setitem(sys.modules, "unwheel.wheel", stand_in)
    return stand_in


def run(capsys, *arguments):
    """Run a command: its status, its lines, its complaints."""
    status = cli.main(arguments)
    out, err = capsys.readouterr()
    return status, out, err


# Options


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["unpack", "a.whl"],
        ["extract"],
        ["verify"],
        ["verify", "a.whl", "--threads", "0"],
        ["verify", "a.whl", "--threads", "-1"],
        ["verify", "a.whl", "--threads", "\u0663"],
        ["verify", "a.whl", "--record", "maybe"],
        ["verify", "a.whl", "--existing", "replace"],
        ["verify", "a.whl", "--files"],
        ["verify", "a.whl", "--rec", "warn"],
        ["extract", "a.whl", "-d", "x", "--into", "y"],
        ["extract", "a.whl", "b.whl", "--into", "x"],
        ["extract", "x/a.whl", "y/a.whl", "-d", "z"],
        *(
            ["verify", "a.whl", "--max-total-size", size]
            for size in (
                *("", "-1", "G", "1X", "1.5.5G", "1,5G", ".5G", "1 G", "inf"),
                *("1e9", "0x10", "1_000", "\u0661G", "9999999T", "1BB"),
            )
        ),
    ],
)
def test_refuses_a_wrong_command_line(engine, capsys, arguments):
    """A usage error is status 2, said on stderr, and nothing is done."""
    with pytest.raises(SystemExit) as refusal:
        cli.main(arguments)

    out, err = capsys.readouterr()
    assert (2, "", []) == (refusal.value.code, out, engine.calls)
    assert "error:" in err


def test_is_as_strict_as_the_api_unless_told(engine, capsys):
    """The defaults of the options are those of the policy."""
    run(capsys, "extract", "a.whl")

    wheel, dest, options = engine.calls[0]
    assert ("a.whl", "./a") == (wheel, dest)
    assert (Policy(), None) == (options["policy"], options["threads"])


# Success


@pytest.mark.usefixtures("engine")
def test_says_one_line_per_wheel(capsys):
    """Name, files, bytes, what was verified, time and place."""
    status, out, err = run(
        capsys, "extract", "a-1.whl", "b-1.whl", "-d", "out"
    )

    assert 0 == status
    assert [
        "a-1.whl: 808 files, 171.3 MB, verified, in 0.24 s -> out/a-1",
        "b-1.whl: 808 files, 171.3 MB, verified, in 0.24 s -> out/b-1",
    ] == out.splitlines()
    assert "" == err


def test_extracts_into_exactly_one_directory(engine, capsys):
    """With --into, the directory is the caller's."""
    status, out, _ = run(capsys, "extract", "a.whl", "--into", "x/y")

    assert (0, "x/y") == (status, engine.calls[0][1])
    assert out.endswith(" -> x/y\n")


def test_warns_on_stderr(engine, capsys):
    """What a stricter policy would refuse is said, apart from the result."""
    engine.script = lambda wheel, dest, _: report_of(
        wheel, dest, warnings=(MISMATCH,)
    )

    status, out, err = run(capsys, "verify", "a.whl")

    assert (0, 1) == (status, len(out.splitlines()))
    assert "a.whl: 1 warning" == err.splitlines()[0]
    assert "  HASH: pkg/a.py: is not what RECORD says" in err


def test_tells_what_stands_in_for_links(engine, capsys):
    """Nobody learns from a crash that links are not links here."""
    links = tuple(
        LinkFact(f"pkg/{name}", "zip", "f", "pkg/f", outcome, reason, contact)
        for name, outcome, reason, contact in (
            ("a", "link", None, None),
            ("b", "hardlink", "HOST_CANNOT", "Ann <a@example.org>"),
            ("c", "tree", "HOST_CANNOT", None),
        )
    )
    engine.script = lambda wheel, dest, _: report_of(wheel, dest, links=links)

    status, out, err = run(capsys, "extract", "a.whl", "--into", "x")
    quiet = run(capsys, "extract", "a.whl", "--into", "x", "--quiet")

    assert (0, (0, "", "")) == (status, quiet)
    assert (
        " files, 1 link, 1 hard link stands in for a link,"
        " 1 copied folder stands in for a link, "
    ) in out
    assert [
        "a.whl: 2 links could not be made here",
        "  hard link: pkg/b -> f (HOST_CANNOT); contact Ann <a@example.org>",
        "  tree: pkg/c -> f (HOST_CANNOT)",
    ] == err.splitlines()


def test_knobs_of_links_reach_the_engine(engine, capsys):
    """What is typed is what the engine is asked for."""
    run(
        capsys,
        *("extract", "a.whl", "--links", "portable", "--any-tag", "refuse"),
        *("--stand-ins", "hardlink", "--mtime", "archive"),
        *("--existing", "merge", "--existing-links", "refuse"),
    )

    expected = Policy(
        links=LinkPolicy.named("portable").replace(
            any_tag="refuse", stand_ins=("hardlink",)
        ),
        mtime="archive",
        existing="merge",
        existing_links="refuse",
    )
    assert expected == engine.calls[0][2]["policy"]


def test_quiet_says_nothing_of_success(engine, capsys):
    """With --quiet only a refusal is worth a word."""
    engine.script = lambda wheel, dest, _: report_of(
        wheel, dest, warnings=(MISMATCH,)
    )

    assert (0, "", "") == run(capsys, "extract", "a.whl", "--quiet")
    assert engine.calls[0][2]["on_event"] is None


def test_tells_what_a_dead_process_left(engine, capsys):
    """A directory that disappears is accounted for."""

    def script(wheel, dest, on_event):
        on_event(StagingRemoved("out/.a.unwheel"))
        return report_of(wheel, dest)

    engine.script = script

    _, _, err = run(capsys, "extract", "a.whl")

    assert "removed out/.a.unwheel, left by a run that died\n" == err


# Refusal


def test_a_refusal_shows_the_first_twenty(engine, capsys):
    """A million problems do not flood a terminal; --json has them all."""
    problems = [Problem("X", "is wrong", member=f"{n}") for n in range(25)]
    engine.script = lambda *_: MismatchError(problems, wheel="a.whl")

    _, _, err = run(capsys, "verify", "a.whl")
    _, out, _ = run(capsys, "verify", "a.whl", "--json")

    assert 22 == len(err.splitlines())
    assert err.endswith(
        "  X: 19: is wrong\n  ... and 5 more (--json tells them)\n"
    )
    assert 25 == len(json.loads(out)["problems"])


MISSING = SourceError([Problem("MISSING", "there is no such file")])
FULL = DestinationError([Problem("DISK_FULL", "the disk is full")], errno=28)
REFUSAL = MismatchError([MISMATCH])


@pytest.mark.parametrize(
    ("results", "status"),
    [
        ([None, None], 0),
        ([REFUSAL, None], 1),
        ([None, MISSING], 3),
        ([FULL, None, REFUSAL], 3),
        ([REFUSAL, FULL], 3),
        ([FULL, KeyboardInterrupt()], 130),
    ],
)
def test_the_worst_result_is_the_status(engine, capsys, results, status):
    """All wheels are tried; 130 is worse than 3, and 3 than 1."""
    queue = list(results)

    def script(wheel, dest, _):
        result = queue.pop(0) or report_of(wheel, dest)
        if isinstance(result, KeyboardInterrupt):
            raise result
        return result

    engine.script = script
    wheels = [f"{n}.whl" for n in range(len(results))]

    assert status == run(capsys, "extract", *wheels)[0]
    assert [] == queue


@pytest.mark.parametrize("into", [[], ["--into", "out"]])
def test_our_side_fails_and_theirs_is_refused(engine, capsys, into):
    """The word tells who has to act, and the wheel is always named."""
    engine.script = lambda *_: FULL

    status, _, err = run(capsys, "extract", "a.whl", *into)

    assert (3, "a.whl: failed, 1 problem") == (status, err.splitlines()[0])


def test_an_error_of_the_whole_run_is_told(engine, capsys):
    """An error that is raised, not brought, is a refusal like others."""

    def script(*_):
        raise FULL

    engine.script = script

    status, _, err = run(capsys, "extract", "a.whl", "b.whl")

    assert (3, "a.whl: failed, 1 problem") == (status, err.splitlines()[0])


def test_names_cannot_drive_the_terminal(engine, capsys):
    """Escape sequences and marks of direction are spelled out."""
    problem = Problem(
        *("NAME", f"{HOSTILE} is no name", HOSTILE, HOSTILE, HOSTILE)
    )
    engine.script = lambda *_: UnsafeMemberError([problem], wheel=HOSTILE)

    _, _, err = run(capsys, "verify", HOSTILE)

    assert err.replace("\n", "").isprintable()
    assert 5 == err.count("evil\\x1b[2J\\u202e\\udcff.py")


# Objects


def test_json_is_one_object_per_wheel_and_nothing_else(engine, capsys):
    """Success, refusal and failure are lines that a program reads."""
    queue = [None, REFUSAL, FULL]
    engine.script = lambda wheel, dest, _: (
        queue.pop(0) or report_of(wheel, dest, warnings=(MISMATCH,))
    )

    status, out, err = run(
        capsys, "extract", "a.whl", "b.whl", "c.whl", "--json"
    )

    told = [json.loads(line) for line in out.splitlines()]
    assert (3, "") == (status, err)
    assert [
        ("extract", "ok", "a.whl"),
        ("extract", "refused", "b.whl"),
        ("extract", "failed", "c.whl"),
    ] == [(line["action"], line["status"], line["wheel"]) for line in told]


@pytest.mark.usefixtures("engine")
def test_json_tells_files_when_asked(capsys):
    """--files adds the digest of every file."""
    _, out, _ = run(capsys, "verify", "a.whl", "--json", "--files")

    assert "pkg/a.py" == json.loads(out)["files"][0]["path"]


# Interruption and output


def test_an_interrupt_is_one_line(engine, capsys):
    """Ctrl-C says that nothing is left, and no traceback."""

    def script(*_):
        raise KeyboardInterrupt

    engine.script = script

    told = run(capsys, "extract", "a.whl", "b.whl")

    assert (130, "", "interrupted; nothing was left behind\n") == told


def test_an_interrupt_says_what_is_complete(engine, capsys):
    """Wheels that were done before Ctrl-C are not "nothing"."""
    queue = [None]

    def script(wheel, dest, _):
        if not queue:
            raise KeyboardInterrupt
        queue.pop()
        return report_of(wheel, dest)

    engine.script = script

    status, _, err = run(capsys, "extract", "a.whl", "b.whl")

    assert 130 == status
    assert err.startswith("interrupted; 1 of 2 wheels are extracted")


def test_an_interrupt_while_telling_sends_the_crew_home(engine, monkeypatch):
    """Nothing is said to be clean before the engine has cleaned up."""
    closed = []

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "print", interrupted, raising=False)
    monkeypatch.setattr(
        cli, "_complain", lambda _: closed.append(engine.closed)
    )

    assert 130 == cli.main(["extract", "a.whl", "b.whl"])
    assert [True] == closed


STAND_IN = """
import sys, types
from unwheel.errors import MismatchError, Problem
from unwheel.report import Report
engine = types.ModuleType("unwheel.wheel")
def verify_many(wheels, **_):
    for wheel in wheels:
        yield Report(wheel, "verify", None, 1, 1, 1, 0, (), 0, 0, (), 0.0,
                     None, "verify", False, tuple)
engine.verify_many = verify_many
engine.extract = engine.extract_many = None
sys.modules["unwheel.wheel"] = engine
from unwheel.cli import main
status = main()
"""


def process(code, *arguments, **options):
    """Run *code* in an interpreter of its own."""
    command = [sys.executable, "-c", code, *arguments]
    buffered = os.environ | {"PYTHONUNBUFFERED": ""}
    options = {
        "stderr": subprocess.PIPE,
        "encoding": "utf-8",
        "env": buffered,
    } | options
    return subprocess.run(command, check=False, timeout=60, **options)


@pytest.mark.parametrize("arguments", [["verify", "a.whl"], ["--help"]])
def test_a_closed_pipe_ends_it_quietly(arguments):
    """`unwheel … | head` prints no traceback, and nothing at exit."""
    read_end, write_end = os.pipe()
    os.close(read_end)

    code = STAND_IN + "sys.exit(status)"
    done = process(code, *arguments, stdout=write_end)

    os.close(write_end)
    assert (3, "") == (done.returncode, done.stderr)


def test_output_that_cannot_be_written_is_said():
    """A full disk behind stdout is our side, in one line."""
    with open("/dev/full", "w") as full:
        done = process(
            STAND_IN + "sys.exit(status)", "verify", "a.whl", stdout=full
        )

    assert (3, 1) == (done.returncode, len(done.stderr.splitlines()))
    assert "No space left on device" in done.stderr


def test_a_failure_that_cannot_be_said_is_still_one():
    """With a full disk behind both streams the exit status says it."""
    code = "from unwheel import cli; cli.command()"
    with open("/dev/full", "w") as full:
        done = process(
            code,
            *("verify", "missing-1.0-py3-none-any.whl"),
            stdout=full,
            stderr=full,
        )

    assert 3 == done.returncode


def test_a_name_that_the_terminal_lacks_is_spelled_out():
    """A terminal without the letter gets its escape, not a traceback."""
    done = process(
        STAND_IN + "sys.exit(status)",
        *("verify", "n\u00e4me.whl"),
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "1"},
    )

    assert (0, "") == (done.returncode, done.stderr)
    assert done.stdout.startswith("n\\xe4me.whl: 1 file")


def test_the_version_costs_no_import():
    """`--version` must be quick: only the package and `cli` are loaded."""
    done = process(
        "import sys; before = set(sys.modules)\n"
        "from unwheel.cli import main\n"
        "assert main(['--version']) == 0\n"
        "print(*sorted(set(sys.modules) - before))",
        stdout=subprocess.PIPE,
    )

    version, modules = done.stdout.splitlines()
    assert version.startswith("unwheel ")
    assert {"unwheel", "unwheel.cli"} == set(modules.split()) - {"__future__"}


def test_a_pipe_costs_no_rich_and_no_json():
    """What only a terminal or a program needs is not imported."""
    done = process(
        STAND_IN
        + "rare = {f'unwheel.{name}' for name in 'tables hops graph listing"
        " pack relink progress'.split()} | {'rich', 'json'}\n"
        "print(rare & set(sys.modules))",
        *("verify", "a.whl"),
        stdout=subprocess.PIPE,
    )

    assert "set()" == done.stdout.splitlines()[-1]


# Progress


class Terminal:
    """A pseudo-terminal as standard error (and output, if told)."""

    def __init__(self, monkeypatch, *names):
        self._master, slave = os.openpty()
        self._file = os.fdopen(slave, "w", encoding="utf-8")
        for name in names:
            monkeypatch.setattr(sys, name, self._file)
        self._chunks = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        try:
            while chunk := os.read(self._master, 4096):
                self._chunks.append(chunk)
        except OSError:  # how Linux says that the other end is closed
            pass

    def text(self):
        """All that was shown; the terminal is gone then."""
        self._file.close()
        self._reader.join()
        os.close(self._master)
        return b"".join(self._chunks).decode("utf-8")


@pytest.fixture
def clock(monkeypatch):
    """A clock that only goes when told: clock[0] is the time."""
    now = [0.0]
    monkeypatch.setattr(progress, "monotonic", lambda: now[0])
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    return now


def moving(clock):
    """A script that works on each wheel for ten seconds."""

    def script(wheel, dest, on_event):
        on_event(WheelPlanned(wheel, 10, 1_000_000))
        for step in range(1, 10):
            clock[0] += 1.0
            on_event(BytesDone(wheel, step * 100_000, step))
        if "bad" in wheel:
            on_event(WheelRefused(wheel, "HASH"))
            return MismatchError([MISMATCH], wheel=wheel)
        on_event(WheelExtracted(wheel, dest, 1_000_000))
        return report_of(wheel, dest)

    return script


def test_draws_bars_on_a_terminal(engine, clock, monkeypatch, tmp_path):
    """Per wheel and in total, with the lines of the results above."""
    engine.script = moving(clock)
    names = ["one-1.0-py3-none-any.whl", "bad-2.0-py3-none-any.whl"]
    wheels = [str(tmp_path / name) for name in names]
    for wheel in wheels:
        with open(wheel, "wb") as file:
            file.write(bytes(1000))
    terminal = Terminal(monkeypatch, "stderr", "stdout")

    status = cli.main(["extract", *wheels, "-d", "out"])

    shown = terminal.text()
    assert 1 == status
    assert "one-1.0 " in shown
    assert "0.9/1.0 MB" in shown
    assert "0 of 2 wheels, packed" in shown
    assert "1 of 2 wheels, packed" in shown
    assert "1.9/2.0 kB" in shown
    assert f"{wheels[0]}: 808 files, 171.3 MB, verified" in shown
    assert f"{wheels[1]}: refused, 1 problem\r\n" in shown
    assert "\x1b[?25h" in shown, "the cursor is given back"


def test_a_single_wheel_has_no_total(engine, clock, monkeypatch):
    """One bar says it all."""
    engine.script = moving(clock)
    terminal = Terminal(monkeypatch, "stderr")

    cli.main(["extract", "one-1.0-py3-none-any.whl"])

    shown = terminal.text()
    assert "one-1.0 " in shown
    assert "wheels, packed" not in shown


def test_results_of_a_pipe_stay_out_of_the_bars(
    engine, clock, monkeypatch, capsys
):
    """Bars are on the terminal, lines go where they were sent."""
    engine.script = moving(clock)
    terminal = Terminal(monkeypatch, "stderr")

    cli.main(["extract", "one-1.0-py3-none-any.whl"])

    assert "808 files" not in terminal.text()
    assert "808 files" in capsys.readouterr().out


def test_a_short_run_draws_nothing(engine, clock, monkeypatch):
    """A bar that nobody can read is not worth the import of rich."""

    def script(wheel, dest, on_event):
        on_event(WheelPlanned(wheel, 1, 10))
        clock[0] += progress.PATIENCE / 2
        on_event(BytesDone(wheel, 10, 1))
        return report_of(wheel, dest)

    engine.script = script
    terminal = Terminal(monkeypatch, "stderr")

    cli.main(["extract", "one-1.0-py3-none-any.whl"])

    assert "" == terminal.text()


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("option", ["--quiet", "--json"])
def test_no_bars_unless_people_watch(engine, monkeypatch, option):
    """--quiet and --json leave the terminal alone."""
    terminal = Terminal(monkeypatch, "stderr")

    cli.main(["extract", "one-1.0-py3-none-any.whl", option])

    assert "" == terminal.text()
    assert engine.calls[0][2]["on_event"] is None


def test_no_bars_on_a_dumb_terminal(engine, clock, monkeypatch):
    """What cannot move its cursor gets no bars."""
    monkeypatch.setenv("TERM", "dumb")
    engine.script = moving(clock)
    terminal = Terminal(monkeypatch, "stderr")

    cli.main(["extract", "one-1.0-py3-none-any.whl"])

    assert "" == terminal.text()


def test_without_rich_there_are_no_bars(engine, clock, monkeypatch):
    """rich is an extra; the work is done without it."""
    monkeypatch.setitem(sys.modules, "rich.console", None)
    engine.script = moving(clock)
    terminal = Terminal(monkeypatch, "stderr")

    status = cli.main(["extract", "one-1.0-py3-none-any.whl"])

    assert (0, "") == (status, terminal.text())


def test_an_interrupt_gives_the_terminal_back(engine, clock, monkeypatch):
    """After Ctrl-C the cursor is visible, and the last word is ours."""
    work = moving(clock)

    def script(wheel, dest, on_event):
        work(wheel, dest, on_event)
        raise KeyboardInterrupt

    engine.script = script
    terminal = Terminal(monkeypatch, "stderr")

    status = cli.main(["extract", "one-1.0-py3-none-any.whl"])

    shown = terminal.text()
    assert 130 == status
    assert shown.rindex("\x1b[?25h") < shown.rindex("interrupted;")


# Real wheels


@pytest.fixture
def good(tmp_path):
    """A wheel with a program and a link to it."""
    builder = WheelBuilder("good", "1.0", "py3-none-manylinux_2_17_x86_64")
    builder.file("good/__init__.py", b"x = 1\n" * 50)
    builder.file("good/run", SCRIPT, mode=0o755, method=0)
    builder.link("good/alias", target="run")
    return builder.write(tmp_path)


@pytest.fixture
def bad(tmp_path):
    """A wheel with one file that is not what RECORD says."""
    builder = WheelBuilder("bad", "1.0").file("bad.py", b"x = 1\n")
    return builder.row("bad.py", digest_of(b"x = 2\n")).write(tmp_path)


def test_extracts_the_good_and_refuses_the_bad(good, bad, tmp_path, capsys):
    """In bulk one bad wheel does not stop the others."""
    out = tmp_path / "out"

    status, lines, err = run(
        capsys, "extract", str(bad), str(good), "-d", str(out)
    )

    assert 1 == status
    assert [good.stem] == os.listdir(out)
    assert SCRIPT == (out / good.stem / "good/alias").read_bytes()
    assert "5 files, 1 link, " in lines
    assert err.startswith(f"{bad}: refused, 1 problem\n")
    assert "bad.py" in err
    assert "accept by --record warn" in err


def test_what_would_accept_it_accepts_it(bad, tmp_path, capsys):
    """The option that a refusal names works, and says its warning."""
    status, out, err = run(
        capsys,
        *("extract", str(bad), "--into", str(tmp_path / "x")),
        *("--record", "warn"),
    )

    assert (0, b"x = 1\n") == (status, (tmp_path / "x/bad.py").read_bytes())
    assert "checked, 1 warning" in out
    assert f"{bad}: 1 warning" in err


def test_verifies_without_writing(good, bad, tmp_path, capsys):
    """The verdict is that of extract; the disk stays as it was."""
    before = sorted(tmp_path.iterdir())

    status, out, _ = run(
        capsys, "verify", str(good), str(bad), "--json", "--files"
    )

    told = [json.loads(line) for line in out.splitlines()]
    assert (1, before) == (status, sorted(tmp_path.iterdir()))
    assert ["ok", "refused"] == [line["status"] for line in told]
    assert {
        "path": "good/run",
        "size": 10,
        "sha256": hashlib.sha256(SCRIPT).hexdigest(),
        "executable": True,
    } in told[0]["files"]


def test_a_missing_wheel_is_our_side(good, tmp_path, capsys):
    """A wheel that cannot be read fails; the others are done."""
    missing = str(tmp_path / "none-1.0-py3-none-any.whl")

    status, out, err = run(capsys, "verify", missing, str(good))

    assert 3 == status
    assert err.startswith(f"{missing}: failed, 1 problem\n")
    assert out.startswith(f"{good}: 5 files")


def test_an_existing_destination_is_kept(good, tmp_path, capsys):
    """Twice into one place is refused, until --existing replace."""
    command = ("extract", str(good), "-d", str(tmp_path / "out"))
    run(capsys, *command)

    refused, _, err = run(capsys, *command)
    replaced, out, _ = run(capsys, *command, "--existing", "replace")

    assert (3, 0) == (refused, replaced)
    assert "accept by --existing replace" in err
    assert out.endswith(" (replaced)\n")


def test_lists_what_is_in_a_wheel(good, capsys):
    """Columns, one row per entry, and the totals."""
    status, out, err = run(capsys, "list", str(good))

    header, *rows, totals = out.splitlines()
    assert (0, "") == (status, err)
    assert [
        "type",
        "mode",
        "method",
        "size",
        "packed",
        "digest",
        "name",
    ] == header.split()
    assert ["file", "644", "deflated", "300"] == rows[0].split()[:4]
    assert ["file", "755", "stored", "10", "10"] == rows[1].split()[:5]
    assert ["link", "777", "stored", "3", "3"] == rows[2].split()[:5]
    assert rows[2].endswith("  good/alias -> run")
    assert f"sha256:{hashlib.sha256(SCRIPT).hexdigest()}" in rows[1]
    assert "-" == rows[-1].split()[5], "RECORD has no digest of itself"
    assert 1 == len({row.index("good") for row in rows[:3]})
    assert totals.startswith("6 entries, ")


def test_lists_as_objects(good, bad, capsys):
    """The digest is what RECORD says, true or not."""
    status, out, _ = run(capsys, "list", str(good), str(bad), "--json")

    entries = [json.loads(line)["entries"] for line in out.splitlines()]
    assert 0 == status
    assert {
        "path": "good/alias",
        "type": "link",
        "mode": 0o120777,
        "method": "stored",
        "size": 3,
        "packed_size": 3,
        "crc32": "5076a4c0",
        "target": "run",
    }.items() <= entries[0][2].items()
    assert entries[1][0]["digest"].startswith("sha256:")


def test_lists_a_wheel_with_a_broken_record(tmp_path, capsys):
    """One lists a wheel to see what is wrong with it."""
    builder = WheelBuilder("odd", "1.0").file("odd.py", b"").record(b"\xff,,")
    path = builder.write(tmp_path)

    status, out, err = run(capsys, "list", str(path))

    assert (0, True) == (status, "odd.py" in out)
    assert err.startswith(f"{path}: 1 warning\n")


def test_lists_links(good, capsys):
    """What each leads to, and what becomes of it."""
    status, out, err = run(capsys, "list", "--links", str(good))

    assert (0, "") == (status, err)
    assert [
        "outcome  encoding  kind  link",
        "link     zip       file  good/alias -> run",
        "1 link by the policy strict: link 1",
    ] == out.splitlines()


def test_a_listing_of_links_refuses_nothing(tmp_path, capsys):
    """What is wrong is shown with the way out, and is no failure."""
    builder = WheelBuilder("odd", "1.0").file("odd/f", b"x")
    builder.link("odd/l", target="f").link("odd/out", target="../../x")
    path = str(builder.write(tmp_path))

    status, out, err = run(capsys, "list", "--links", path)
    allowed, more, _ = run(
        capsys, "list", "--links", path, "--any-tag", "allow"
    )
    portable, same, _ = run(capsys, "list", "--links", "portable", path)

    assert (0, 0, 0, "") == (status, allowed, portable, err)
    assert "refused  zip       -     odd/l -> f\n  ANY_TAG: " in out
    assert "      accept by --" in out
    assert "  ESCAPES: " in out
    assert "2 links by the policy strict: refused 2" in out
    assert "link     zip       file  odd/l -> f\n" in more
    assert "strict, any_tag changed: link 1, refused 1" in more
    assert "portable: link 1, refused 1" in same


def test_the_option_that_a_refused_link_names_accepts_it(tmp_path, capsys):
    """Whoever is refused can do as told, literally."""
    builder = WheelBuilder("odd", "1.0").file("odd/f", b"x")
    path = str(builder.link("odd/l", target="f").write(tmp_path))
    command = ["extract", path, "--into", str(tmp_path / "out")]

    refused, _, err = run(capsys, *command)
    (line,) = (line for line in err.splitlines() if "accept by" in line)
    accepted, out, _ = run(capsys, *command, *line.split()[2:])

    assert (1, 0) == (refused, accepted)
    assert "1 link, " in out
    assert "f" == os.readlink(tmp_path / "out" / "odd" / "l")


def test_lists_links_as_objects(good, bad, tmp_path, capsys):
    """One object per wheel; one that cannot be read stops no other."""
    missing = str(tmp_path / "none-1.0-py3-none-any.whl")

    status, out, _ = run(
        capsys, "list", "--links", "--json", str(good), missing, str(bad)
    )

    first, failed, last = map(json.loads, out.splitlines())
    assert (3, "failed", []) == (status, failed["status"], last["links"])
    assert ("list", "ok", "strict") == (
        first["action"],
        first["status"],
        first["policy"],
    )
    assert {
        "path": "good/alias",
        "encoding": "zip",
        "target": "run",
        "hops": ["good/run"],
        "resolved": "good/run",
        "kind": "file",
        "outcome": "link",
        "reason": None,
        "contact": None,
        "problems": [],
    } == first["links"][0]


def test_a_wheel_without_links_is_said_to_have_none(bad, capsys):
    """A listing of nothing is not silence."""
    assert (0, f"{bad}: no links\n", "") == run(
        capsys, "list", "--links", str(bad)
    )


def test_refuses_to_list_what_is_no_archive(tmp_path, capsys):
    """Bytes that are no wheel are the wheel's fault."""
    path = tmp_path / "junk-1.0-py3-none-any.whl"
    path.write_bytes(b"junk" * 100)

    status, out, err = run(capsys, "list", str(path))

    assert (1, "") == (status, out)
    assert err.startswith(f"{path}: refused, 1 problem\n")


# Wheels that are made


@pytest.fixture
def copies(tmp_path):
    """A wheel with a library three times."""
    builder = WheelBuilder("copies", "1.0", "py3-none-manylinux_2_17_x86_64")
    for name in ("l.so", "l.so.1", "l.so.1.2"):
        builder.file(f"copies/{name}", b"library" * 2000)
    return builder.write(tmp_path)


def relink(*arguments):
    return ("relink", *map(str, arguments), "--encoding", "zip")


def test_puts_links_in_the_place_of_repeats(copies, bad, tmp_path, capsys):
    """What is one, what that saves; a bad wheel stops no other."""
    out = tmp_path / "out"
    out.mkdir()

    status, lines, err = run(capsys, *relink(bad, copies, "-o", out))

    result = out / copies.name
    assert 1 == status
    assert err.startswith(f"{bad}: refused, 1 problem\n")
    header, row, first, second, totals = lines.splitlines()
    assert ["size", "saved", "soname", "file", "<-", "links"] == header.split()
    assert row.endswith("  -       copies/l.so.1.2")
    assert ["<- copies/l.so", "<- copies/l.so.1"] == [
        first.strip(),
        second.strip(),
    ]
    assert totals.startswith(f"{copies}: 2 links to 1 file, packed ")
    assert totals.endswith(f" -> {result}")
    assert [result.name] == os.listdir(out)
    assert 0 == run(capsys, "verify", str(result))[0]


def test_a_dry_run_of_relink_writes_nothing(copies, tmp_path, capsys):
    """It needs no place either; the report is the same."""
    before = sorted(tmp_path.iterdir())

    status, out, err = run(capsys, *relink(copies, "--dry-run"))
    _, told, _ = run(capsys, *relink(copies, "--dry-run", "--json"))
    quiet = run(capsys, *relink(copies, "--dry-run", "--quiet"))

    assert (0, "") == (status, err)
    assert out.endswith(" (nothing was written)\n")
    assert (0, "", "") == quiet
    (group,) = json.loads(told)["groups"]
    assert ["copies/l.so", "copies/l.so.1"] == group["links"]
    assert before == sorted(tmp_path.iterdir())


def test_relink_leaves_what_is_small(copies, capsys):
    """With --min-size, as the caller says."""
    _, out, _ = run(capsys, *relink(copies, "--dry-run", "--min-size", "15K"))

    assert ": nothing to link, in " in out


def test_packs_what_was_extracted(good, tmp_path, capsys):
    """A tree with links is refused, until somebody says what they become."""
    tree, out = tmp_path / "tree", tmp_path / "out"
    out.mkdir()
    run(capsys, "extract", str(good), "--into", str(tree))
    command = ("pack", str(tree), "-o", str(out))

    refused, _, err = run(capsys, *command)
    packed, line, _ = run(capsys, *command, "--links", "zip")

    assert (1, 0) == (refused, packed)
    assert err.startswith(f"{tree}: refused, 1 problem\n")
    assert "good/alias" in err
    assert line.startswith(f"{tree}: 5 files, 1 link as a ZIP entry, ")
    assert line.endswith(f" -> {out / good.name}\n")
    _, listed, _ = run(capsys, "list", "--links", str(out / good.name))
    assert "good/alias -> run" in listed


def test_packs_every_tree_it_can(good, tmp_path, capsys):
    """A tree that is missing is our side, and stops no other."""
    tree, out = tmp_path / "tree", tmp_path / "out"
    out.mkdir()
    run(capsys, "extract", str(good), "--into", str(tree))
    missing = tmp_path / "missing"

    status, lines, _ = run(
        capsys,
        *("pack", str(missing), str(tree), "-o", str(out)),
        *("--links", "copy", "--json"),
    )

    failed, done = map(json.loads, lines.splitlines())
    assert (3, "failed", "ok") == (status, failed["status"], done["status"])
    assert ("pack", str(missing)) == (failed["action"], failed["wheel"])
    assert ["copy"] == [link["outcome"] for link in done["links"]]


def test_an_interrupt_says_which_wheels_are_made(monkeypatch, capsys):
    """A wheel that was written before Ctrl-C stays."""
    from unwheel import relinking as module

    def interrupted(wheel, *_, **__):
        if wheel == "b.whl":
            raise KeyboardInterrupt
        return module.RelinkReport(
            *(wheel, "out/a.whl", "zip", False, (), 1, 1, 1, 1, (), 0.1)
        )

    monkeypatch.setattr(module, "relink", interrupted)

    status, _, err = run(capsys, *relink("a.whl", "b.whl", "-o", "out"))

    assert 130 == status
    assert err.startswith("interrupted; 1 of 2 wheels are relinked")


def test_the_new_commands_run_in_a_process_of_their_own(good, copies):
    """From the shell to the exit status, nothing is missing."""
    code = "import sys; from unwheel.cli import main; sys.exit(main())"

    listed = process(
        code, "list", "--links", str(good), stdout=subprocess.PIPE
    )
    relinked = process(
        code, *relink(copies, "--dry-run"), stdout=subprocess.PIPE
    )

    assert (0, "") == (listed.returncode, listed.stderr)
    assert "good/alias -> run" in listed.stdout
    assert (0, "") == (relinked.returncode, relinked.stderr)
    assert ": 2 links to 1 file, " in relinked.stdout


@pytest.mark.parametrize(("wheel", "status"), [("good", 0), ("missing", 3)])
def test_the_command_leaves_with_its_status(good, wheel, status):
    """What was said is flushed, and what others do at exit is done."""
    code = (
        "import atexit\n"
        "from unwheel.cli import command\n"
        "atexit.register(print, 'at exit')\n"
        "command()\n"
    )
    path = good if wheel == "good" else good.with_name("missing-1-a-b-c.whl")

    done = process(code, "verify", "--json", str(path), stdout=subprocess.PIPE)

    assert status == done.returncode
    said, after = done.stdout.splitlines()
    assert str(path) == json.loads(said)["wheel"]
    assert "at exit" == after


def test_the_command_waits_for_the_threads_of_others():
    """As the interpreter does: what they would say is not lost."""
    code = (
        "import threading, time\n"
        "from unwheel.cli import command\n"
        "def work():\n"
        "    time.sleep(0.2)\n"
        "    print('done')\n"
        "threading.Thread(target=work).start()\n"
        "command()\n"
    )

    done = process(code, "--version", stdout=subprocess.PIPE)

    assert 0 == done.returncode
    assert "done" in done.stdout.splitlines()


def test_the_command_tells_a_wrong_line_as_ever():
    """That is argparse's way out, which is not ours to shorten."""
    code = "from unwheel.cli import command; command()"

    done = process(code, "extract", stdout=subprocess.PIPE)

    assert 2 == done.returncode
    assert "usage: unwheel extract" in done.stderr
