"""Plain command lines are read as argparse reads them, or not at all."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from places import Place, demo

from unwheel.commandline import asks_for_policy, read
from unwheel.options import parse

WORDS = (
    "a.whl", "x/a.whl", "b.whl", "c.whlx", "7", "0", "-1", "٣", "", "-", "--",
    "-d", "-dout", "--dir", "--dir=out", "--into", "--into=out", "--threads",
    "--threads=2", "--quiet", "--qui", "--json", "--files", "--help",
    "--record", "warn", "--durable", "--version", "extract",
)  # fmt: skip

lines = st.lists(st.sampled_from(WORDS), max_size=8)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(["extract", "verify"]), lines)
def test_reads_nothing_that_argparse_reads_otherwise(command, words):
    """
    Whatever is read at once, argparse takes, and for the same.
    """
    args = read([command, *words])

    if args is not None:
        assert vars(parse([command, *words])) == vars(args)


@pytest.mark.parametrize(
    "line",
    [
        "extract a.whl",
        "extract a.whl b.whl -d out --quiet",
        "extract --quiet --into out a.whl",
        "extract --dir out --json --files a.whl",
        "verify a.whl a.whl --threads 4",
        "verify --json x/a.whl",
    ],
)
def test_reads_what_is_plain(line: str):
    """
    Nothing of that waits for argparse.
    """
    args = read(line.split())

    assert args is not None
    assert vars(parse(line.split())) == vars(args)
    assert not asks_for_policy(args)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "list a.whl",
        "extract",
        "extract --quiet",
        "extract a.whl --quiet b.whl",
        "extract a.whl x/a.whl",
        "extract a.whl b.whl --into out",
        "extract a.whl -d one --into two",
        "extract a.whl --quiet --quiet",
        "extract a.whl --into",
        "extract a.whl --into --quiet",
        "extract a.whl --files",
        "extract a.whl --threads 0",
        "extract a.whl --threads ٣",
        "extract a.whl --record warn",
        "verify a.whl -d out",
        "--version",
    ],
)
def test_leaves_the_rest_to_argparse(line: str):
    """
    Options that are rare, and whatever is wrong, so that it is told.
    """
    assert None is read(line.split())


def test_knows_what_is_of_the_policy():
    """
    A knob that is turned is not overlooked.
    """
    args = parse(["extract", "a.whl", "--record", "warn"])

    assert asks_for_policy(args)
    assert "record" in args
    assert "links" not in args


# What costs more to import than a plain command has use for.
HEAVY = (
    "argparse", "collections", "contextlib", "dataclasses", "email", "enum",
    "functools", "gettext", "hashlib", "locale", "operator", "packaging",
    "re", "struct", "threading", "typing",
)  # fmt: skip


@pytest.mark.parametrize("command", ["extract", "verify"])
def test_a_plain_command_imports_little(command: str, place: Place):
    """
    Its start is a good part of the time that a small wheel takes.
    """
    wheel = place.put(demo())
    script = (
        "import sys\n"
        "sys.path[:0] = sys.argv.pop().split('|')\n"
        "before = set(sys.modules)\n"
        "from unwheel.cli import main\n"
        "assert main() == 0\n"
        "print(*sorted(set(sys.modules) - before))\n"
    )

    words = [command, "--quiet", str(wheel), "|".join(sys.path)]
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script, *words],
        cwd=place.out,
        capture_output=True,
        text=True,
        check=True,
    )

    imported = done.stdout.split()
    assert "unwheel.engine" in imported
    assert [] == [name for name in HEAVY if name in imported]
