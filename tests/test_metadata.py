"""What a wheel says about itself."""

from __future__ import annotations

from time import process_time

import pytest

from unwheel.errors import InvalidWheelError
from unwheel.filename import WheelFilename
from unwheel.metadata import (
    CoreMetadata,
    WheelInfo,
    check_agreement,
    find_dist_info,
    parse_headers,
)

FILENAME = WheelFilename.parse("Foo.Bar-1.0-py2.py3-none-any.whl")
DIST = "foo_bar-1.0.dist-info"
WHEEL = b"""Wheel-Version: 1.0
Generator: test (1)
Root-Is-Purelib: true
Tag: py2-none-any
Tag: py3-none-any

"""
METADATA = b"Metadata-Version: 2.1\nName: foo-bar\nVersion: 1.0\n"


def codes(problems):
    return [p.code for p in problems]


def refusal_of(function, *arguments):
    with pytest.raises(InvalidWheelError) as refusal:
        function(*arguments)
    return codes(refusal.value.problems)


def top(*names, dist=DIST):
    return [*(f"{dist}/{n}" for n in ("METADATA", "WHEEL", "RECORD")), *names]


def agreement(wheel=WHEEL, metadata=METADATA, filename=FILENAME):
    refusals, warnings = check_agreement(
        WheelInfo.parse(wheel), CoreMetadata.parse(metadata), filename
    )
    return codes(refusals), codes(warnings)


# ------------------------------------------------------------------ headers


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_reads_headers_with_any_line_end(end):
    """
    Names do not differ by case, values keep their order, the body is not read.
    """
    lines = [b"A: 1", b"B-c:  x y ", b"a:2", b"", b"A: body \xff\0"]

    actual = parse_headers(end.join(lines))

    assert {"a": ["1", "2"], "b-c": ["x y"]} == actual


def test_reads_a_value_of_a_million_lines_in_a_moment():
    """
    A METADATA of 4 MiB within a wheel of 4 KB does not stop us for minutes.
    """
    data = b"Name: demo\n" + b" x\n" * (4 << 20)
    began = process_time()

    fields = parse_headers(data[: 4 << 20])

    assert 1_000_000 < fields["name"][0].count("\n")
    assert process_time() - began < 20


def test_joins_a_header_that_goes_on():
    """
    A line that starts with a space belongs to the one before.
    """
    assert {"a": ["1\n  2\n\t3"], "b": ["4"]} == parse_headers(
        b"A: 1\n  2\n\t3\nB: 4\n"
    )


def test_the_first_line_that_is_no_header_ends_them():
    """
    As for the email package: published METADATA has such licences.
    """
    assert {"a": ["1"]} == parse_headers(b"A: 1\nno header\nB: 2\n")
    assert {} == parse_headers(b" A: 1\n")
    assert {} == parse_headers(b"\nA: 1\n")
    assert {} == parse_headers(b"")


def test_agrees_with_the_email_package():
    """
    The reader that all other tools use finds the same.
    """
    from email.parser import BytesParser

    for data in (WHEEL, METADATA, b"A: 1\n b\nC:2\nx\nD: 3\n", b"A :1\n"):
        message = BytesParser().parsebytes(data)
        expected = {k.lower(): message.get_all(k) for k in message}

        assert expected == parse_headers(data)


def test_refuses_headers_that_readers_disagree_on():
    """
    Bytes that are not UTF-8, and a NUL, at which a reader in C would stop.
    """
    assert ["HEADERS_NOT_UTF8"] == refusal_of(parse_headers, b"A: \xe9\n")
    assert ["HEADERS_NUL"] == refusal_of(parse_headers, b"A: 1\0\n")
    assert {"a": ["\u00e9"]} == parse_headers("A: \u00e9\n".encode())


# -------------------------------------------------------------------- WHEEL


def test_reads_wheel():
    """
    All fields that concern us.
    """
    assert WheelInfo(
        version=(1, 0),
        generator="test (1)",
        root_is_purelib=True,
        tags=("py2-none-any", "py3-none-any"),
        warnings=(),
    ) == WheelInfo.parse(WHEEL)


def test_platforms_are_those_of_all_tags():
    """
    Also of tags that are compressed sets.
    """
    info = WheelInfo.parse(
        b"Wheel-Version: 1.0\nTag: py3-none-WIN32.any\nTag: py3-none-x\n"
    )

    assert {"win32", "any", "x"} == info.platforms
    assert not info.root_is_purelib


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("WHEEL_VERSION", b""),
        ("WHEEL_VERSION", b"Wheel-Version: 1"),
        ("WHEEL_VERSION", b"Wheel-Version: 1.x"),
        ("WHEEL_VERSION", b"Wheel-Version: 1.0\nWheel-Version: 1.0"),
        ("WHEEL_VERSION", "Wheel-Version: 1.\u0661".encode()),
        ("WHEEL_VERSION_UNKNOWN", b"Wheel-Version: 2.0"),
        ("WHEEL_VERSION_UNKNOWN", b"Wheel-Version: 0.9"),
    ],
)
def test_refuses_a_wheel_of_another_version(code, line):
    """
    A greater major version has other rules; without one, nobody knows them.
    """
    assert [code] == refusal_of(WheelInfo.parse, line + b"\nTag: a-b-c\n")


def test_warns_of_a_newer_minor_version():
    """
    As the specification asks.
    """
    info = WheelInfo.parse(WHEEL.replace(b"1.0", b"1.10", 1))

    assert ["WHEEL_VERSION_NEWER"] == codes(info.warnings)
    assert ((1, 10), "test (1)") == (info.version, info.generator)


def test_takes_version_2_from_who_knows_it():
    """
    PEP 778 needs it; a caller has to ask.
    """
    info = WheelInfo.parse(b"Wheel-Version: 2.0\n", wheel2=True)
    newer = WheelInfo.parse(b"Wheel-Version: 2.1\n", wheel2=True)

    assert ((2, 0), ()) == (info.version, info.warnings)
    assert ["WHEEL_VERSION_NEWER"] == codes(newer.warnings)
    assert ["WHEEL_VERSION_UNKNOWN"] == refusal_of(
        lambda data: WheelInfo.parse(data, wheel2=True), b"Wheel-Version: 3.0"
    )


def test_says_how_version_2_would_be_taken():
    """
    And of version 3, that nothing helps.
    """
    accepts = []
    for major in (2, 3):
        with pytest.raises(InvalidWheelError) as caught:
            WheelInfo.parse(b"Wheel-Version: %d.0\n" % major)
        accepts.append(caught.value.problems[0].accept)

    assert ["links.wheel2=True", None] == accepts


@pytest.mark.parametrize(
    ("wheel", "core", "filename", "refusals"),
    [
        ("2.0", "2.0", "a-1-py3-none-any.whlx", []),
        ("2.0", "2.0", "a-1-py3-none-any.whl", []),
        ("1.0", None, "a-1-py3-none-any.whl", []),
        ("1.9", None, "a-1-py3-none-any.whl", []),
        ("1.0", "1.0", "a-1-py3-none-any.whl", []),
        ("2.0", None, "a-1-py3-none-any.whlx", ["WHEEL_VERSION"]),
        ("2.0", "1.0", "a-1-py3-none-any.whlx", ["WHEEL_VERSION"]),
        ("1.0", "2.0", "a-1-py3-none-any.whl", ["WHEEL_VERSION"]),
        ("1.0", None, "a-1-py3-none-any.whlx", ["WHEEL_VERSION"]),
    ],
)
def test_one_version_of_the_format(wheel, core, filename, refusals):
    """
    WHEEL, METADATA and the extension agree, or neither wins (PEP 777).
    """
    line = f"Wheel-Version: {core}\n" if core else ""
    found, _ = check_agreement(
        WheelInfo.parse(f"Wheel-Version: {wheel}\n".encode(), wheel2=True),
        CoreMetadata.parse(f"{line}Name: a\nVersion: 1\n".encode()),
        WheelFilename.parse(filename, wheel2=True),
    )

    assert refusals == codes(found)


# ----------------------------------------------------------------- METADATA


def test_reads_metadata():
    """
    Name, version and whom to tell.
    """
    data = METADATA + (
        b"Author-email: A <a@example.org>\nAuthor: B\n"
        b"Maintainer-Email: m@example.org\n\nbody \xff"
    )

    assert CoreMetadata(
        "foo-bar", "1.0", ("A <a@example.org>", "m@example.org")
    ) == CoreMetadata.parse(data)


@pytest.mark.parametrize(
    "data",
    [
        METADATA.replace(b"Name: foo-bar\n", b""),
        METADATA.replace(b"foo-bar", b""),
        METADATA + b"Name: other\n",
        METADATA + b"Version: 2\n",
        METADATA.replace(b"Version: 1.0\n", b""),
    ],
)
def test_refuses_metadata_without_one_identity(data):
    """
    One reader takes the first of two names, another the last.
    """
    assert ["METADATA_FIELDS"] == refusal_of(CoreMetadata.parse, data)


# ---------------------------------------------------------------- .dist-info


@pytest.mark.parametrize(
    "dist",
    [
        "foo_bar-1.0.dist-info",
        "Foo.Bar-1.0.dist-info",
        "foo_bar-1.0.0.dist-info",
    ],
)
def test_finds_the_metadata_directory(dist):
    """
    Names and versions are compared normalised; vendored ones do not count.
    """
    names = top("pkg/_vendor/x-1.dist-info/METADATA", "x.py", dist=dist)

    assert dist == find_dist_info(names, FILENAME)
    assert dist == find_dist_info(names, None)


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("DIST_INFO_MISSING", ["a.py"]),
        ("DIST_INFO_MISSING", ["pkg/foo_bar-1.0.dist-info/METADATA"]),
        ("DIST_INFO_MISSING", ["foo_bar-1.0.dist-info"]),
        ("DIST_INFO_MANY", top("other-1.dist-info/METADATA")),
        ("DIST_INFO_MANY", top("other-1.DIST-INFO/METADATA")),
        ("DIST_INFO_NAME", top(dist="other-1.0.dist-info")),
        ("DIST_INFO_NAME", top(dist="foo_bar-1.1.dist-info")),
        ("DIST_INFO_NAME", top(dist="foo_bar.dist-info")),
        ("DIST_INFO_NAME", top(dist="foo_bar-1.0.Dist-Info")),
        ("METADATA_MISSING", [n for n in top() if "METADATA" not in n]),
        ("WHEEL_MISSING", [n for n in top() if "WHEEL" not in n]),
    ],
)
def test_refuses_a_wheel_without_one_metadata_directory(code, names):
    """
    There is one, it is the wheel's own, and what must be in it is.
    """
    assert [code] == refusal_of(find_dist_info, names, FILENAME)


def test_lists_all_that_is_wrong_with_the_metadata_directory():
    """
    Not only the first.
    """
    assert ["DIST_INFO_NAME", "METADATA_MISSING", "WHEEL_MISSING"] == (
        refusal_of(find_dist_info, ["x-1.dist-info/RECORD"], FILENAME)
    )


# ----------------------------------------------------------------- agreement


def test_accepts_what_agrees():
    """
    Tags in any order, compressed or not; names and versions normalised.
    """
    compressed = b"Wheel-Version: 1.0\nTag: py3.py2-none-any\n"

    assert ([], []) == agreement()
    assert ([], []) == agreement(wheel=compressed)
    assert ([], []) == agreement(metadata=b"Name: FOO_bar\nVersion: 1.0.0\n")
    assert ([], []) == agreement(
        metadata=b"Name: x\nVersion: 2\n", filename=None
    )


@pytest.mark.parametrize(
    "tags",
    [
        b"",
        b"Tag: py3-none-any\n",
        b"Tag: py2.py3.py4-none-any\n",
        b"Tag: py2.py3-none-any\nTag: nonsense\n",
        b"Tag: %b-%b-%b\n"
        % ((b".".join([b"%d" % i for i in range(99)]),) * 3),
    ],
)
def test_warns_of_tags_that_differ(tags):
    """
    Published wheels have been renamed so; it is no reason to refuse.
    """
    assert ([], ["TAGS_DIFFER"]) == agreement(
        wheel=b"Wheel-Version: 1.0\n" + tags
    )


@pytest.mark.parametrize(
    "metadata",
    [b"Name: other\nVersion: 1.0\n", b"Name: foo-bar\nVersion: 2\n"],
)
def test_refuses_metadata_of_another_distribution(metadata):
    """
    A resolver chose by the file name; METADATA must be of the same.
    """
    assert (["METADATA_DIFFERS"], []) == agreement(metadata=metadata)


def test_what_is_shown_is_short_and_harmless():
    """
    The text of a stranger, of megabytes and with escapes, in a message.
    """
    with pytest.raises(InvalidWheelError) as refusal:
        WheelInfo.parse(b"Wheel-Version: \x1b[2J" + b"9" * 100_000)

    (problem,) = refusal.value.problems
    assert problem.found.startswith("\\x1b[2J99")
    assert len(problem.found) < 1000
