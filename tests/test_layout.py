"""What a wheel asks an installer to put where."""

from __future__ import annotations

from time import process_time

import pytest

from unwheel.errors import MOST_ALIKE
from unwheel.layout import check_entry_points, check_layout

DIST = "foo_bar-1.0.dist-info"


def codes(problems):
    return [p.code for p in problems]


def top(*names):
    return [*(f"{DIST}/{n}" for n in ("METADATA", "WHEEL", "RECORD")), *names]


# --------------------------------------------------------------------- .data


def test_accepts_the_places_that_the_specification_names():
    """
    Five keys, explicit directories among them.
    """
    names = [
        f"foo_bar-1.0.data/{key}/of_{key}"
        for key in ("purelib", "platlib", "headers", "scripts", "data")
    ]
    names += ["foo_bar-1.0.data/", "foo_bar-1.0.data/scripts/"]
    names += ["foo_bar-1.0.data/data/a/b", "stats.data", "pkg/x.data/y"]

    assert ([], []) == check_layout(top(*names), DIST)


@pytest.mark.parametrize(
    ("code", "name", "neighbour"),
    [
        ("DATA_KEY", "lib/x", "platlib/x"),
        ("DATA_KEY", "Scripts/x", "scripts/x"),
        ("DATA_KEY", "x", "data/x"),
        ("SCRIPT_DIRECTORY", "scripts/a/b", "scripts/a"),
        ("SCRIPT_DIRECTORY", "scripts/a/", "data/a/"),
        ("SCRIPT_OVERWRITES_PYTHON", "scripts/python", "data/python"),
        ("SCRIPT_OVERWRITES_PYTHON", "scripts/python3", "scripts/python_x"),
        ("SCRIPT_OVERWRITES_PYTHON", "scripts/python3.12", "scripts/py3"),
        ("SCRIPT_OVERWRITES_PYTHON", "scripts/python3.13t", "scripts/t"),
        ("SCRIPT_OVERWRITES_PYTHON", "scripts/Python.EXE", "scripts/p.exe"),
        ("SCRIPT_OVERWRITES_PYTHON", "scripts/pythonw.exe", "scripts/w.exe"),
        ("SCRIPT_OVERWRITES_PYTHON", "data/bin/python3", "data/lib/python3"),
        ("SCRIPT_OVERWRITES_PYTHON", "data/Scripts/python.exe", "data/S/x"),
        ("SCRIPT_OVERWRITES_PYTHON", "data/python.exe", "data/python"),
        ("DIST_INFO_MANY", "purelib/x-1.dist-info/x", "data/x-1.dist-info/x"),
        ("DIST_INFO_MANY", "platlib/X-1.DIST-INFO/x", "purelib/x/x.dist-info"),
    ],
)
def test_refuses_what_an_installer_must_not_do(code, name, neighbour):
    """
    Each is refused by itself, and its neighbour is not.
    """

    def refusals(tail):
        return codes(check_layout(top(f"foo_bar-1.0.data/{tail}"), DIST)[0])

    assert [code] == refusals(name)
    assert [] == refusals(neighbour)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("pkg/x.py", "foo_bar-1.0.data/purelib/pkg/x.py"),
        ("foo_bar-1.0.data/platlib/pkg/x.py", "pkg/x.py"),
        (
            "foo_bar-1.0.data/purelib/pkg/x.py",
            "foo_bar-1.0.data/platlib/pkg/x.py",
        ),
    ],
)
def test_refuses_two_files_for_one_place(first: str, second: str):
    """
    Which of them stays would hang on the order of an installer.
    """
    refusals, _ = check_layout(top(first, second), DIST)

    assert ["DATA_CLASH"] == codes(refusals)
    assert refusals[0].member.startswith("foo_bar-1.0.data/")


def test_the_interpreter_is_safe_from_any_data_directory():
    """
    pip spreads those of other names too.
    """
    refusals, _ = check_layout(top("x-2.data/scripts/python"), DIST)

    assert [("SCRIPT_OVERWRITES_PYTHON", "x-2.data/scripts/python")] == [
        (p.code, p.member) for p in refusals
    ]


def test_warns_of_a_data_directory_of_another_name():
    """
    pip spreads it, others leave it where it is.
    """
    refusals, warnings = check_layout(top("Foo.Bar-1.0.data/data/x"), DIST)

    assert [] == refusals
    assert [("DATA_NAME", "Foo.Bar-1.0.data")] == [
        (p.code, p.member) for p in warnings
    ]


def test_data_directories_of_any_number_take_a_moment():
    """
    Each name was looked for among all of them: 200,000 took minutes.
    """
    names = [f"x-{k}.data/scripts/python" for k in range(100_000)]

    start = process_time()
    refusals, warnings = check_layout(names, DIST)
    seconds = process_time() - start

    assert [MOST_ALIKE + 1] * 2 == [len(refusals), len(warnings)]
    assert seconds < 10


# -------------------------------------------------------------- entry points


def entry_points(text: str) -> list[str]:
    """The codes of what is wrong with the text."""
    return codes(check_entry_points(text.encode(), DIST))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[console_scripts]\nfoo = pkg.mod:main\nfoo-bar.v2 = pkg:main [x]\n",
        "[console_scripts]\r\nfoo = pkg:main\r\n",
        "[other]\n../x = pkg\n/y = pkg\n",
        "[console_scripts]\n# ../x = pkg\n; y = z\n\n[other]\n../z = y\n",
        "[console_scripts]\nfoo =\n    a.b:c\n",
        "[gui_scripts]\nMy Tool = pkg:main\npython-tool = pkg:main\n",
        "../x = not in any group\n",
    ],
)
def test_accepts_entry_points(text: str):
    """
    Names of files, and whatever other groups have.
    """
    assert [] == entry_points(text)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("../x", "ENTRY_POINT_NAME"),
        ("a/../../x", "ENTRY_POINT_NAME"),
        ("/x", "ENTRY_POINT_NAME"),
        ("sub/x", "ENTRY_POINT_NAME"),
        ("..\\x", "ENTRY_POINT_NAME"),
        ("C:x", "ENTRY_POINT_NAME"),
        ("..", "ENTRY_POINT_NAME"),
        (".", "ENTRY_POINT_NAME"),
        ("", "ENTRY_POINT_NAME"),
        ("a\x1bb", "ENTRY_POINT_NAME"),
        ("x" * 256, "ENTRY_POINT_NAME"),
        ("python", "SCRIPT_OVERWRITES_PYTHON"),
        ("Python3.12", "SCRIPT_OVERWRITES_PYTHON"),
    ],
)
@pytest.mark.parametrize("group", ["console_scripts", "gui_scripts"])
def test_refuses_the_name_of_a_script(group: str, name: str, code: str):
    """
    An installer would write a file of that name.
    """
    assert [code] == entry_points(f"[{group}]\nfoo = a:b\n{name} = c:d\n")


@pytest.mark.parametrize(
    "text",
    [
        "[x]\ny =\n [console_scripts]\n../x = a\n",
        "[console_scripts]\ny =\n [x]\n../x = a\n",
        "[console_scripts]\ny = a\x0c../x = a\n",
        "[console_scripts]\ny = a\u2028../x = a\n",
        "[console_scripts]\r../x = a\r",
        "[ console_scripts ]\n  ../x = a\n",
        "[console_scripts] # all\n../x = a\n",
    ],
)
def test_refuses_what_any_reader_takes_for_a_name(text: str):
    """
    Readers differ about lines and indented groups.
    """
    assert ["ENTRY_POINT_NAME"] == entry_points(text)


def test_many_wrong_entry_points_are_counted():
    """
    In bounded memory.
    """
    text = "[console_scripts]\n" + "/=\n" * 5000

    assert 1001 == len(entry_points(text))
