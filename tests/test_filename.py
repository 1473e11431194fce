"""The file name of a wheel: what it says, and what is none."""

from __future__ import annotations

import pytest

from unwheel.errors import InvalidWheelError
from unwheel.filename import (
    WheelFilename,
    expand_tags,
    for_any_platform,
    for_windows_only,
    normalise_name,
    same_version,
)


def test_reads_every_part():
    """
    Name, version, build and three compressed sets, tags in lower case.
    """
    actual = WheelFilename.parse("Foo_Bar-1.0+cpu-2b-py2.py3-none-Any.whl")

    assert (
        WheelFilename(
            stem="Foo_Bar-1.0+cpu-2b-py2.py3-none-Any",
            name="Foo_Bar",
            version="1.0+cpu",
            build="2b",
            pythons=("py2", "py3"),
            abis=("none",),
            platforms=("any",),
        )
        == actual
    )


def test_the_build_tag_may_be_absent():
    """
    Five parts have none.
    """
    assert "" == WheelFilename.parse("a-1-py3-none-any.whl").build


def test_expands_the_compressed_tags():
    """
    PEP 425: every combination.
    """
    name = "a-1-cp311-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"

    assert {
        "cp311-abi3-manylinux_2_17_x86_64",
        "cp311-abi3-manylinux2014_x86_64",
    } == WheelFilename.parse(name).tags


@pytest.mark.parametrize(
    ("bad", "good"),
    [
        ("a-1-py3-none-any.zip", "a-1-py3-none-any.whl"),
        ("a-1-py3-none-any.whl\n", "a-1-py3-none-any.whl"),
        ("a-py3-none-any.whl", "a-1-py3-none-any.whl"),
        ("a-1-x-py3-none-any.whl", "a-1-1x-py3-none-any.whl"),
        ("a-1-1-2-py3-none-any.whl", "a-1-1-py3-none-any.whl"),
        ("a-1--py3-none-any.whl", "a-1-1-py3-none-any.whl"),
        ("../a-1-py3-none-any.whl", "a-1-py3-none-any.whl"),
        ("a/b-1-py3-none-any.whl", "a.b-1-py3-none-any.whl"),
        (".a-1-py3-none-any.whl", "x.a-1-py3-none-any.whl"),
        ("a-1-py3-none-any (1).whl", "a-1-py3-none-any_1.whl"),
        ("a-1%2Bcpu-py3-none-any.whl", "a-1+cpu-py3-none-any.whl"),
        ("a-1-py3..py2-none-any.whl", "a-1-py3.py2-none-any.whl"),
        ("\u00e9-1-py3-none-any.whl", "e-1-py3-none-any.whl"),
        ("a-\u0661-py3-none-any.whl", "a-1-py3-none-any.whl"),
        ("", "a-1-py3-none-any.whl"),
    ],
)
def test_refuses_what_is_no_wheel(bad, good):
    """
    The stem becomes a directory's name, so no character is let through.
    """
    with pytest.raises(InvalidWheelError) as refusal:
        WheelFilename.parse(bad)

    assert ["FILENAME"] == [p.code for p in refusal.value.problems]
    assert good == WheelFilename.parse(good).stem + ".whl"


def test_pure_is_without_abi_and_platform():
    """
    "none-any"; a wheel with an ABI is not pure, whatever its platform.
    """

    def pure(tags):
        return WheelFilename.parse(f"a-1-{tags}.whl").is_pure_any

    assert pure("py2.py3-none-any")
    assert not pure("cp311-cp311-any")
    assert not pure("py3-none-win32")


def test_platforms_that_links_do_not_suit():
    """
    One "any" is enough; of Windows, all have to be.
    """
    assert for_any_platform(["win32", "any"])
    assert not for_any_platform(["manylinux_2_17_x86_64"])
    assert for_windows_only(["win32", "win_amd64"])
    assert not for_windows_only(["win32", "linux_x86_64"])
    assert not for_windows_only([])


def test_hostile_tag_sets_are_not_expanded():
    """
    A line of WHEEL could name a billion tags.
    """
    thousand = [str(i) for i in range(1000)]

    assert 1000 == len(expand_tags(thousand, ["none"], ["any"]))
    assert set() == expand_tags(thousand, thousand, thousand)


def test_names_are_compared_normalised():
    """
    PEP 503.
    """
    assert "a-b-c-d" == normalise_name("A_.b-C--d")


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("1.0", "1.0", True),
        ("1.0", "1.0.0", True),
        ("1.0rc1", "1.0.RC1", True),
        ("1.0+ab_1", "1.0+ab-1", True),
        ("1.0", "1.0.1", False),
        ("1.0", "1.0+cpu", False),
        ("nonsense", "nonsense", True),
        ("nonsense", "1.0", False),
    ],
)
def test_versions_are_compared_by_meaning(a, b, same):
    """
    PEP 440; what is no version is compared as text.
    """
    assert same == same_version(a, b)


def test_names_of_version_2_are_for_who_knows_it():
    """
    Others are told what to ask for (PEP 777).
    """
    name = "a-1-py3-none-any.whlx"

    found = WheelFilename.parse(name, wheel2=True)
    with pytest.raises(InvalidWheelError) as caught:
        WheelFilename.parse(name)

    assert ("a-1-py3-none-any", True) == (found.stem, found.is_wheel2)
    assert ["links.wheel2=True"] == [p.accept for p in caught.value.problems]
    assert "version 2" in str(caught.value)
    assert not WheelFilename.parse(name[:-1], wheel2=True).is_wheel2
