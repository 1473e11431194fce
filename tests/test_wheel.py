"""The face: a wheel to look at, and what the package gives."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
from builder import WheelBuilder, digest_of
from places import PLATFORM_TAG, Place, demo, files_of, open_handles, tree_of

import unwheel
from unwheel import (
    ArchiveError,
    CorruptMemberError,
    InvalidWheelError,
    LimitError,
    Limits,
    Policy,
    RecordError,
    SourceError,
    UnsafeMemberError,
    UnwheelError,
    Wheel,
)
from unwheel.wheel import stem

INFO = "demo-1.0.dist-info"


def test_a_wheel_can_be_looked_at(place: Place):
    """
    Names, entries, metadata, RECORD, links, text.
    """
    path = place.put(demo(PLATFORM_TAG).link("demo/l", "__init__.py"))

    with Wheel(path) as wheel:
        assert path.name == wheel.name
        assert ("demo", "1.0") == (wheel.filename.name, wheel.filename.version)
        assert INFO == wheel.dist_info
        assert "demo/__init__.py" == wheel.entries[0].name
        assert "link" == wheel.entries[2].type
        assert "demo" == wheel.metadata.name
        assert wheel.record.sha256.keys() == files_of(path).keys() - {
            f"{INFO}/RECORD"
        }
        assert {"demo/l": "__init__.py"} == wheel.link_targets
        assert wheel.read_text("WHEEL").startswith("Wheel-Version: 1.0\n")
        assert b"answer = 42\n" == wheel.read("demo/__init__.py")


def test_links_are_those_that_would_be_made(place: Place):
    """
    Resolved; and one that is refused refuses the wheel.
    """
    builder = demo(PLATFORM_TAG).link("demo/l", "__init__.py")
    with Wheel(place.put(builder)) as wheel:
        (link,) = wheel.links
    with Wheel(place.put(builder.link("demo/m", "/etc"))) as wheel:
        assert {"demo/l", "demo/m"} == wheel.link_targets.keys()
        with pytest.raises(UnsafeMemberError):
            _ = wheel.links

    assert ("demo/l", "demo/__init__.py", "file") == (
        str(link.path),
        str(link.resolved),
        link.kind,
    )


def test_paths_may_be_bytes(place: Place):
    """
    As for every function of the standard library that opens a file.
    """
    wheel = os.fsencode(place.put(demo()))

    report = unwheel.extract(wheel, os.fsencode(place.dest))

    assert os.fsdecode(wheel) == report.wheel
    assert str(place.dest) == report.destination


def test_looking_judges_nothing(place: Place):
    """
    A wheel that would be refused can be looked at, to see why.
    """
    path = place.put(demo().file("../evil", b"x").link("/l", "/etc"))

    with Wheel(path) as wheel:
        names = list(wheel.entries.names)
        targets = wheel.link_targets
        with pytest.raises(UnsafeMemberError) as caught:
            wheel.plan()

    assert {"../evil", "/l"} <= set(names)
    assert {"/l": "/etc"} == targets
    assert {"DOTDOT", "ABSOLUTE"} == {p.code for p in caught.value.problems}
    assert str(path) == caught.value.wheel


def test_a_plan_says_what_would_be_done(place: Place):
    """
    And does nothing.
    """
    path = place.put(
        demo(PLATFORM_TAG)
        .link("demo/l", "__init__.py")
        .directory("e/")
        .file("x", b"x", mode=0o755)
    )
    with place.untouched(), Wheel(path) as wheel:
        plan = wheel.plan()

    assert (str(path), INFO) == (plan.wheel, plan.dist_info)
    assert ["demo/l"] == [str(link.path) for link in plan.links]
    files = files_of(path)
    del files["demo/l"]
    assert (len(files), sum(map(len, files.values()))) == (
        plan.files,
        plan.size,
    )
    assert len(files) + 1 == len(plan.orders)


def test_a_wheel_extracts_and_verifies_itself(place: Place):
    """
    By its own policy.
    """
    path = place.put(demo().row("demo/tool.sh", digest=digest_of(b"else")))

    with Wheel(path, policy=Policy(record="warn")) as wheel:
        verified = wheel.verify()
        extracted = wheel.extract(place.dest)

    assert ["SHA256"] == [p.code for p in verified.warnings]
    assert ["SHA256"] == [p.code for p in extracted.warnings]
    assert files_of(path).keys() <= tree_of(place.dest).keys()


def test_a_wheel_is_closed_by_its_block(place: Place):
    """
    Also when something is raised; and closing twice is fine.
    """
    path = place.put(demo())
    before = open_handles()

    with pytest.raises(ZeroDivisionError), Wheel(path) as wheel:
        raise ZeroDivisionError
    wheel.close()

    assert before == open_handles()


def test_what_is_not_there_is_a_key_error(place: Place):
    """
    As of a mapping.
    """
    with Wheel(place.put(demo())) as wheel:
        with pytest.raises(KeyError):
            wheel.read("nothing")
        with pytest.raises(KeyError):
            wheel.read_text("nothing")


@pytest.mark.parametrize(
    ("look", "kind", "code"),
    [
        (lambda w: w.read("bad"), CorruptMemberError, "CRC32"),
        (lambda w: w.read("large"), LimitError, "MEMBER_TOO_LARGE"),
        (lambda w: w.read_text("latin"), InvalidWheelError, "NOT_UTF8"),
        (lambda w: w.record, RecordError, "RECORD_FIELDS"),
        (lambda w: w.metadata, InvalidWheelError, "METADATA_FIELDS"),
    ],
)
def test_every_error_says_which_wheel(place: Place, look, kind, code):
    """
    And whose fault it is.
    """
    lie = {"crc32": 1}
    path = place.put(
        demo()
        .file("bad", b"bad", local=lie, central=lie)
        .file("large", bytes(2000))
        .info("latin", b"\xe9")
        .info("METADATA", "Name: demo\n")
        .record("one field\n")
    )

    policy = Policy(limits=Limits(record_size=1000))

    with (
        Wheel(path, policy=policy) as wheel,
        pytest.raises(UnwheelError) as caught,
    ):
        look(wheel)

    assert kind is type(caught.value)
    assert [code] == [problem.code for problem in caught.value.problems]
    assert str(path) == caught.value.wheel


@pytest.mark.parametrize(
    ("builder", "look", "code"),
    [
        (
            demo().without("RECORD"),
            lambda wheel: wheel.record,
            "RECORD_MISSING",
        ),
        (
            demo().file("x-2.dist-info/METADATA", b""),
            lambda wheel: wheel.dist_info,
            "DIST_INFO_MANY",
        ),
    ],
)
def test_what_is_missing_says_which_wheel(place: Place, builder, look, code):
    """
    RECORD, or the one .dist-info.
    """
    path = place.put(builder)

    with Wheel(path) as wheel, pytest.raises(UnwheelError) as caught:
        look(wheel)

    assert [code] == [problem.code for problem in caught.value.problems]
    assert str(path) == caught.value.wheel


def test_a_file_name_that_is_none_of_a_wheel(place: Place):
    """
    Can be looked at; has no `filename`.
    """
    path = place.wheels / "something.zip"
    path.write_bytes(demo().build())

    with Wheel(path) as wheel:
        assert "something.zip" == wheel.name
        assert 5 == len(wheel.entries)
        with pytest.raises(InvalidWheelError) as caught:
            wheel.filename  # noqa: B018

    assert str(path) == caught.value.wheel


def test_what_cannot_be_opened(place: Place):
    """
    Missing, or malformed.
    """
    bad = place.put(demo().put("after_end", b"x"))

    with pytest.raises(SourceError) as missing:
        Wheel(place.wheels / "missing.whl")
    with pytest.raises(ArchiveError) as malformed:
        Wheel(bad)

    assert str(place.wheels / "missing.whl") == missing.value.wheel
    assert str(bad) == malformed.value.wheel


@pytest.mark.parametrize(
    "call",
    [
        lambda path: unwheel.extract(path, "x", backend="zipfile"),
        lambda path: unwheel.verify(path, backend="zipfile"),
        lambda path: unwheel.extract_many([path], "x", backend="zipfile"),
        lambda path: unwheel.verify_many([path], backend="zipfile"),
        lambda path: Wheel(path, backend="zipfile"),
    ],
)
def test_a_backend_that_there_is_not(place: Place, call):
    """
    Said when it is asked for, not when the first wheel comes.
    """
    with place.untouched(), pytest.raises(TypeError, match="zipfile"):
        call(place.wheels / "demo-1.0-py3-none-any.whl")


def test_descriptors_are_the_policy_s(place: Place):
    """
    "any" takes what "signed" refuses, "refuse" takes none.
    """
    unsigned = place.put(demo().file("x", b"x" * 100, descriptor="unsigned"))

    with pytest.raises(ArchiveError) as caught:
        unwheel.verify(unsigned)
    unwheel.verify(unsigned, policy=Policy(descriptors="any"))

    assert 'descriptors="any"' == caught.value.problems[0].accept
    signed = place.put(demo().file("x", b"x" * 100, descriptor="signed"))
    unwheel.verify(signed)
    with pytest.raises(ArchiveError) as caught:
        unwheel.verify(signed, policy=Policy(descriptors="refuse"))
    assert 'descriptors="signed"' == caught.value.problems[0].accept


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a/demo-1.0-py3-none-any.whl", "demo-1.0-py3-none-any"),
        (Path("a/x.whl"), "x"),
        ("x.zip", "x.zip"),
    ],
)
def test_the_stem_names_the_directory(path: str | Path, expected: str):
    """
    The file name without its extension.
    """
    assert expected == stem(path)


# ------------------------------------------------------------------- package


def test_every_public_name_is_there():
    """
    What `__all__` promises can be imported, and has a docstring.
    """
    for name in unwheel.__all__:
        assert getattr(unwheel, name).__doc__
    assert set(unwheel.__all__) == set(dir(unwheel))


def test_a_name_that_there_is_not():
    """
    As of any module.
    """
    with pytest.raises(AttributeError, match="nothing"):
        unwheel.nothing  # noqa: B018


def test_type_checkers_see_what_there_is():
    """
    The imports for type checkers name what is given at run time.
    """
    tree = ast.parse(Path(unwheel.__file__).read_text(encoding="utf-8"))
    [block] = [
        node
        for node in tree.body
        if isinstance(node, ast.If)
        and isinstance(node.test, ast.Name)
        and node.test.id == "TYPE_CHECKING"
    ]

    seen = {
        (node.module, alias.name)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }

    assert seen == {
        (module, name)
        for module, names in unwheel._HOMES.items()
        for name in names
    }
    assert {name for _, name in seen} | {"__version__"} == set(unwheel.__all__)


def test_importing_the_package_imports_little():
    """
    Each name brings its home when it is asked for.
    """
    script = (
        "import sys; before = set(sys.modules); import unwheel\n"
        "print(*sorted(set(sys.modules) - before))"
    )

    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
    )

    assert {"__future__", "unwheel"} >= set(done.stdout.split())


def test_the_typed_example_works(place: Place):
    """
    The example that mypy checks, run as a user would.
    """
    example = Path(__file__).with_name("typed_example.py")
    good = place.put(demo(PLATFORM_TAG).link("demo/l", "__init__.py"))
    bad = place.put(WheelBuilder("bad", "1.0").file("../evil", b"x"))

    done = subprocess.run(
        [sys.executable, str(example), str(place.dest), str(good), str(bad)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert "" == done.stderr
    assert 1 == done.returncode
    assert "demo 1.0: 5 files" in done.stdout
    assert "demo/l -> __init__.py" in done.stdout
    assert "refused: DOTDOT ../evil" in done.stdout
    made = {good.stem, "packed", "installed"}
    assert made == {path.name for path in place.dest.iterdir()}
