"""The README's examples are true."""

from __future__ import annotations

import ast
import doctest
import hashlib
import os
import re
import shlex
from pathlib import Path

import pytest
from attacks import ATTACKS
from builder import WheelBuilder
from sound import SOUND

import unwheel
from unwheel import native
from unwheel.knobs import accepting_option
from unwheel.links import OUTCOMES
from unwheel.options import parse
from unwheel.record import ALGORITHMS

README = Path(__file__).resolve().parent.parent / "README.md"
SOURCES = Path(unwheel.__file__).parent

# Capitals in the source that are no reason codes but kinds of links, cells of
# the table of outcomes, names of files, of what options take, of environment
# variables and of the system's constants.
NO_CODES = {
    *("FILE", "CHAIN", "FOLDER", "PLATFORM", "NFC", "BAD_NAME"),
    *("EDITABLE_FILE", "EDITABLE_FOLDER", "EDITABLE_PACKAGE"),
    *("OTHER_WHEEL_OWNED",),
    *(cell for row in OUTCOMES.values() for cell in row),
    *("METADATA", "WHEEL", "RECORD", "LINKS", "PYBI", "DEFAULT"),
    *("COMMAND", "DIR", "EXE", "LIST", "POLICY", "TIME", "TREE"),
    *("LOCK", "NAME", "PYTHON", "PYTHONHASHSEED"),
    *("INSTALLER", "REQUESTED"),
    *("TERM", "UNWHEEL_CPU", "SOURCE_DATE_EPOCH", "SC_OPEN_MAX"),
    *("O_CLOEXEC", "O_DIRECTORY", "O_NOFOLLOW", "O_PATH", "UW_WHY_"),
    *("O_BINARY", "O_NONBLOCK", "DT_SONAME", "PT_DYNAMIC"),
    *("REFER_TO", "UNWHEEL_"),  # a file of PDM's, and variables
    *("EBUSY", "EEXIST", "EISDIR", "ELOOP", "ENOENT", "ENOTDIR"),
    *("ENOTEMPTY",),
    *("OS_ERROR",),  # for an error that has no name; never seen
}
CODE = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+_?|[A-Z][A-Z0-9]{2,}")


def codes_of_the_source() -> set[str]:
    """Every word in capitals that a module of ours has as a string."""
    return {
        node.value
        for path in SOURCES.rglob("*.py")
        if path.parent.name != "native"  # those are asked for
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and CODE.fullmatch(node.value)
    }


def codes_of_the_readme() -> set[str]:
    """Every word in capitals between backticks, in the sections about them."""
    text = README.read_text(encoding="utf-8")
    quoted: list[str] = []
    for title in ("## What is refused", "## What an installation refuses"):
        section = text.partition(title)[2].partition("\n## ")[0]
        assert section
        quoted += " ".join(re.findall("`([^`]+)`", section)).split()
    return {word for word in quoted if CODE.fullmatch(word)}


@pytest.mark.skipif(
    "libasan" in os.environ.get("LD_PRELOAD", ""),
    reason="AddressSanitizer wants more memory than compare gives readers",
)
def test_the_examples_run_as_they_stand(tmp_path, monkeypatch):
    """
    Each ``>>>`` of the README gives what the README says it gives.
    """
    monkeypatch.chdir(tmp_path)
    WheelBuilder("demo", "1.0").file("demo.py", b"x = 1\n").write(tmp_path)
    WheelBuilder("evil", "1.0").file("../evil.py", b"").write(tmp_path)
    WheelBuilder("links", "1.0").file("links/libx.so.1", b"").link(
        "links/libx.so", "libx.so.1"
    ).write(tmp_path)
    WheelBuilder("twofaced", "1.0").file(
        "a.py", b"", local={"name": b"b.py"}
    ).write(tmp_path)
    _write_lock(tmp_path)
    library = bytes(4096)
    WheelBuilder("copies", "1.0", "py3-none-linux_x86_64").file(
        "libx.so", library
    ).file("libx.so.1", library).write(tmp_path)

    failed, tried = doctest.testfile(
        str(README), module_relative=False, encoding="utf-8"
    )

    assert (failed, tried > 0) == (0, True)


def _write_lock(folder: Path) -> None:
    """A lock of a wheel that is in *folder*, and of one in a wheelhouse."""
    house = folder / "wheelhouse"
    house.mkdir()
    tool = WheelBuilder("tool", "2.0").file("tool.py", b"").write(house)
    lines = ['lock-version = "1.0"', 'created-by = "hand"']
    for wheel in (folder / "demo-1.0-py3-none-any.whl", tool):
        name, version = wheel.name.split("-")[:2]
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        lines += ["[[packages]]", f'name = "{name}"']
        lines += [f'version = "{version}"', "[[packages.wheels]]"]
        lines += [f'name = "{wheel.name}"', f'path = "{wheel.name}"']
        lines.append(f'hashes = {{sha256 = "{digest}"}}')
    (folder / "pylock.toml").write_text("\n".join(lines) + "\n")


def test_the_commands_mean_something():
    """
    Each ``$ unwheel`` of the README is one that the command line takes.
    """
    text = README.read_text(encoding="utf-8")

    commands = re.findall(r"^\$ unwheel (.+)$", text, re.MULTILINE)

    assert commands
    for command in commands:
        assert parse(shlex.split(command, comments=True)).wheels


def test_what_lets_an_installation_pass_can_be_typed():
    """
    Each option of the last column, as it stands there.
    """
    text = README.read_text(encoding="utf-8")
    section = text.partition("## What an installation refuses")[2]
    section = section.partition("\n## ")[0]
    tables = dict(
        zip(("install", "sync"), section.split("Of a lock file"), strict=True)
    )

    for command, table in tables.items():
        options = re.findall(r"\| `(--[^`]+)` \|$", table, re.MULTILINE)
        assert options
        for option in options:
            parse([command, *option.split(), "x.whl"])


# Reasons that hang on the place a wheel goes to, or on another reader of it.
NOT_OF_THE_WHEEL = {"HOST_CANNOT", "COPY_BUDGET"}


def rules_of_the_readme() -> list[tuple[str, set[str]]]:
    """Of each line of its tables the code, and the options that accept it."""
    text = README.read_text(encoding="utf-8")
    section = text.partition("## What is refused")[2].partition("\n## ")[0]
    return [
        (code, set(re.findall("`(--[^`]+)`", accept)))
        for code, accept in re.findall(
            r"^\| `(\w+)` \| .*[^\\\n]\| (.*)\|$", section, re.MULTILINE
        )
    ]


def test_every_reason_code_is_told_and_no_other():
    """
    A code that a program may meet is told, and none that it never will.
    """
    core = set(native.REASONS.values())

    expected = core | codes_of_the_source()
    # No reason; and one that is told as the system's error.
    expected -= NO_CODES | {"NONE", "SOURCE_READ"}
    # Made in the source from the names of the files that are missing, and of
    # the algorithms of digests.
    expected |= {"METADATA_MISSING", "WHEEL_MISSING"}
    expected |= {algorithm.upper() for algorithm in ALGORITHMS}

    assert expected == codes_of_the_readme()


def test_each_rule_is_one_line_and_shown_by_an_attack():
    """
    A line without an attack would be a promise, an attack without a line news.
    """
    told = [code for code, _ in rules_of_the_readme()]
    shown = {attack.code for attack in ATTACKS.values()}

    assert sorted({*told}) == sorted(told)
    assert {*told} == shown | NOT_OF_THE_WHEEL
    assert not shown & NOT_OF_THE_WHEEL


def test_each_warning_is_told_and_shown():
    """
    By a wheel that is taken, and by no attack.
    """
    text = README.read_text(encoding="utf-8")
    sentence = text.partition("Warnings, never refusals, are")[2]
    told = set(re.findall("`([A-Z_]+)`", sentence.partition("Our side")[0]))

    rules = {code for code, _ in rules_of_the_readme()}
    shown = {code for sound in SOUND.values() for code in sound.warnings}

    # That of copies hangs on the place a wheel goes to.
    assert told == shown - rules | {"COPIED_LIBRARY"}


def test_what_a_line_says_accepts_it_is_what_the_refusal_names(tmp_path):
    """
    Each option of the last column, and none that it does not have.
    """
    rules = rules_of_the_readme()
    named: dict[str, set[str]] = {code: set() for code, _ in rules}
    for attack in ATTACKS.values():
        wheel = attack.write(tmp_path)
        with pytest.raises(unwheel.UnwheelError) as caught:
            unwheel.verify(wheel, policy=attack.policy)
        for problem in caught.value.problems:
            option = accepting_option(problem.accept or "")
            if option.startswith("--"):
                # Without the number that would be enough.
                named[problem.code].add(re.sub(r" (N|SIZE|\d+)$", "", option))
        wheel.unlink()

    for code, options in rules:
        if code not in NOT_OF_THE_WHEEL:
            assert (code, options) == (code, named[code])
