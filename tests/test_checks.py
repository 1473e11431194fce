"""Whether a wheel suits an environment, and what is told if not."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markers import MARKERS

from unwheel.errors import DestinationError
from unwheel.filename import WheelFilename
from unwheel.install import Environment, Interpreter
from unwheel.install.checks import (
    check_environment,
    installed_versions,
    unmet,
    unread_python,
    wrong_python,
    wrong_tags,
)
from unwheel.install.direct_url import check_direct_url
from unwheel.values import replace

PYTHON = Interpreter(
    executable="/usr/bin/python3",
    version="3.11.7",
    implementation="cpython",
    markers=MARKERS,
    tags=("cp311-cp311-linux_x86_64", "cp311-abi3-any", "py3-none-any"),
    is_virtual=False,
    managed=None,
    path=(),
)
ENVIRONMENT = Environment(
    places={}, root=None, interpreter="", python=PYTHON, is_own=True
)


# The environment


def managed_by(text: str) -> Environment:
    """
    One with that *text* in EXTERNALLY-MANAGED.
    """
    managed = ("/usr/lib/python3/EXTERNALLY-MANAGED", text)
    return replace(ENVIRONMENT, python=replace(PYTHON, managed=managed))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "[externally-managed]\nError=Use apt,\n please.\n",
            "Use apt, please.",
        ),
        ("[externally-managed]\nError=100 %(x)s\n", "100 %(x)s"),
        ("[externally-managed]\nError=\x1b[2J\n", "\x1b[2J"),
        ("[externally-managed]\n", "managed by another program"),
        ("no file of this kind\n", "managed by another program"),
        ("", "managed by another program"),
    ],
)
def test_leaves_a_managed_python_alone(text: str, told: str):
    """
    Whoever manages it says so in words of his own (PEP 668).
    """
    with pytest.raises(DestinationError) as caught:
        check_environment(managed_by(text))

    (problem,) = caught.value.problems
    assert "EXTERNALLY_MANAGED" == problem.code
    assert told in problem.message
    assert "/usr/lib/python3/EXTERNALLY-MANAGED" == problem.found


def test_a_directory_of_ones_own_is_nobodys():
    """
    Neither is a Python that nobody manages.
    """
    check_environment(ENVIRONMENT)
    check_environment(replace(managed_by(""), is_own=False))


# Tags


@pytest.mark.parametrize(
    "tags",
    [
        "py3-none-any",
        "py2.py3-none-any",
        "cp311-cp311-manylinux_2_17_x86_64.linux_x86_64",
        "cp39.cp311-abi3-win32.any",
        "CP311-CP311-LINUX_X86_64",
    ],
)
def test_one_tag_that_is_supported_will_do(tags: str):
    """
    Of all that the sets in the file name stand for (PEP 425).
    """
    filename = WheelFilename.parse(f"demo-1.0-{tags}.whl")

    assert [] == list(wrong_tags(filename, PYTHON))


@pytest.mark.parametrize(
    "tags", ["cp312-cp312-linux_x86_64", "py2-none-any", "py3-none-win_amd64"]
)
def test_a_wheel_for_others_is_told(tags: str):
    """
    With its tags, and with what would be fine.
    """
    filename = WheelFilename.parse(f"demo-1.0-{tags}.whl")

    (problem,) = wrong_tags(filename, PYTHON)

    assert "TAGS_UNSUPPORTED" == problem.code
    assert tags == problem.found
    assert "cp311-cp311-linux_x86_64" in (problem.expected or "")
    assert "any_platform=True" == problem.accept


# Requires-Python


@pytest.mark.parametrize(
    "text", ["", ">=3.8", "~=3.11,!=3.11.2", ">=3.11.7rc1"]
)
def test_takes_a_python_that_is_asked_for(text: str):
    """
    As packaging reads it.
    """
    assert [] == list(wrong_python({"requires-python": [text]}, PYTHON))


def test_any_python_will_do_where_none_is_asked_for():
    """
    Most old wheels say nothing.
    """
    assert [] == list(wrong_python({}, PYTHON))


def test_refuses_another_python():
    """
    The problem names both.
    """
    (problem,) = wrong_python({"requires-python": [">=3.12"]}, PYTHON)

    assert ("REQUIRES_PYTHON", "3.11.7", ">=3.12") == (
        problem.code,
        problem.found,
        problem.expected,
    )
    assert "ignore_requires_python=True" == problem.accept


@pytest.mark.parametrize(
    "text", ["3", ">=three", ">= 3.8;", "\x1b", ">=" + "9" * 5000, "(" * 3000]
)
def test_what_cannot_be_read_is_told(text: str):
    """
    Wheels have been published with it, and pip takes them for any Python.
    """
    fields = {"requires-python": [text]}

    (problem,) = unread_python(fields, PYTHON)

    assert "REQUIREMENT" == problem.code
    assert "\x1b" not in (problem.found or "")
    assert [] == list(wrong_python(fields, PYTHON))


# Requires-Dist


def told_of(*requirements: str, **installed: str) -> list[str]:
    """
    The codes for these *requirements*.
    """
    fields = {"requires-dist": list(requirements)}
    return [problem.code for problem in unmet(fields, PYTHON, installed)]


@pytest.mark.parametrize(
    ("requirement", "code"),
    [
        ("six", None),
        ("SIX>=1.0", None),
        ("six[extra]~=1.16", None),
        ("six @ https://example.org/six.whl", None),
        ("six>=2", "DEPENDENCY_VERSION"),
        ("seven", "DEPENDENCY_MISSING"),
        ("Zope.Interface", None),
        ("zope_interface<5", "DEPENDENCY_VERSION"),
        ("seven; sys_platform == 'win32'", None),
        ("seven; python_version < '3.12'", "DEPENDENCY_MISSING"),
        ("seven; extra == 'test'", None),
        ("seven; extra == ''", "DEPENDENCY_MISSING"),
        ("", "REQUIREMENT"),
        ("six >=< 1", "REQUIREMENT"),
        ("seven; " + "(" * 3000, "REQUIREMENT"),
        ("seven; " + "(" * 900 + "os_name == 'x'" + ")" * 900, "REQUIREMENT"),
        ("seven==" + "9" * 4500, "REQUIREMENT"),
        ("seven" * 1000, "REQUIREMENT"),
    ],
)
def test_tells_what_is_not_there(requirement: str, code: str | None):
    """
    As far as markers hold; what cannot be read is told and never raised.
    """
    told = told_of(requirement, six="1.16.0", **{"zope-interface": "6.1"})

    assert ([] if code is None else [code]) == told


def test_a_dependency_is_named_with_what_is_there():
    """
    So that people know what to install.
    """
    fields = {"requires-dist": ["six>=2"]}

    (problem,) = unmet(fields, PYTHON, {"six": "1.16.0"})

    assert ("1.16.0", "six>=2") == (problem.found, problem.expected)


def test_requirements_are_read_in_bounded_time():
    """
    METADATA may be 4 MB of them.
    """
    fields = {"requires-dist": ["a; " + "(" * 100] * 100_000}

    begin = perf_counter()
    problems = list(unmet(fields, PYTHON, {}))

    assert perf_counter() - begin < 20
    assert "98000 more" == problems[-1].found
    assert {"REQUIREMENT"} == {problem.code for problem in problems}


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab;<>=!~()[]@,. 'os_namextr0-\"\n\x00é", max_size=60))
def test_no_text_is_raised(text: str):
    """
    Whatever METADATA says, the wheel is judged.
    """
    list(unmet({"requires-dist": [text]}, PYTHON, {"a": "1"}))
    list(wrong_python({"requires-python": [text]}, PYTHON))
    list(unread_python({"requires-python": [text]}, PYTHON))


def test_sees_what_is_installed(tmp_path: Path):
    """
    By the names of the directories; the first place wins.
    """
    first, second = tmp_path / "1", tmp_path / "2"
    for path in (
        first / "Zope.Interface-6.1.dist-info",
        first / "nothing.txt",
        first / "odd.dist-info",
        second / "zope_interface-5.0.dist-info",
        second / "old-1.2-py3.11.egg-info",
    ):
        path.mkdir(parents=True)

    found = installed_versions(
        [str(first), str(second), str(tmp_path / "absent")]
    )

    assert {"zope-interface": "6.1", "odd": "", "old": "1.2"} == found


# direct_url.json


HASHES = '{"hashes": {"sha256": "ab"}, "hash": "sha256=ab"}'
VCS = '"vcs_info": {"vcs": "git", "commit_id": "ab12"}'


@pytest.mark.parametrize(
    "text",
    [
        '{"url": "https://example.org/x.whl", "archive_info": {}}',
        '{"url": "https://example.org/x.whl", "archive_info": ' + HASHES + "}",
        '{"url": "https://git@example.org/x.git", ' + VCS + "}",
        '{"url": "https://${U}:${T}@example.org/x.git", ' + VCS + "}",
        '{"url": "file:///src/x", "dir_info": {"editable": true}}',
        '{"url": "file:///src/x", "dir_info": {}, "subdirectory": "x"}',
        '{"url": "file:///src/x", "dir_info": {}, "news": 1}',
    ],
)
def test_takes_a_sound_direct_url(text: str):
    """
    As the specification has them; keys to come are fine.
    """
    check_direct_url(text.encode())


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\xff",
        b"[]",
        b"[" * 50_000,
        b'{"url": "x:"' + b" " * (1 << 16) + b"}",
        b"{}",
        b'{"url": 1, "archive_info": {}}',
        b'{"url": "there", "archive_info": {}}',
        b'{"url": "https://example.org"}',
        b'{"url": "https://x.org", "archive_info": {}, "dir_info": {}}',
        b'{"url": "https://x.org", "archive_info": []}',
        b'{"url": "https://x.org", "archive_info": {"hash": 1}}',
        b'{"url": "https://x.org", "archive_info": {"hashes": {"a": 1}}}',
        b'{"url": "https://x.org", "archive_info": {}, "subdirectory": 1}',
        b'{"url": "https://x.org", "vcs_info": {"vcs": "git"}}',
        b'{"url": "https://x.org", "vcs_info": {"commit_id": "ab"}}',
        b'{"url": "https://x.org", "dir_info": {}}',
        b'{"url": "file:///x", "dir_info": {"editable": "yes"}}',
    ],
)
def test_refuses_another_direct_url(text: bytes):
    """
    Other tools act on what is in it.
    """
    with pytest.raises(DestinationError) as caught:
        check_direct_url(text)

    assert {"DIRECT_URL"} == {p.code for p in caught.value.problems}


def test_never_repeats_a_password():
    """
    A direct_url.json lies where all can read it, and so do logs.
    """
    text = b'{"url": "https://me:hunter2@x.org/a.whl", "archive_info": {}}'

    with pytest.raises(DestinationError) as caught:
        check_direct_url(text)

    assert "password" in str(caught.value)
    assert "hunter2" not in repr(caught.value)
