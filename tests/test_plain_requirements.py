"""Requirements that are judged by their text, as packaging judges them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markers import MARKERS
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from unwheel.install.plain import Needed, contains, needed

VARIABLES = {"extra": "", **MARKERS}

NUMBERS = st.sampled_from(["0", "2", "3.0", "3.10", "3.11", "3.11.7", "4.0.0"])
OPERATORS = st.sampled_from([">=", "<=", "==", "!=", "<", ">", "~=", "==="])
SPACES = st.sampled_from(["", " "])
ENDINGS = st.sampled_from(["", "", ".*", "rc1", ".post1", "+local", ","])
CLAUSE = st.builds("".join, st.tuples(OPERATORS, SPACES, NUMBERS, ENDINGS))
CLAUSES = st.lists(CLAUSE, max_size=3).map(", ".join)

COMPARISON = st.builds(
    "".join,
    st.tuples(
        st.sampled_from([*VARIABLES, "os.name"]),
        SPACES,
        st.sampled_from([">=", "<", "==", "!=", " in ", "~="]),
        SPACES,
        st.sampled_from(
            [
                "'3.11'",
                '"linux"',
                "'x'",
                '"3.9"',
                "'v3'",
                "'3.9,>3'",
                "''",
                "'3.*'",
            ]
        ),
    ),
)
MARKER = st.recursive(
    COMPARISON,
    lambda inner: (
        st.builds(
            "{} {} {}".format, inner, st.sampled_from(["and", "or"]), inner
        )
        | inner.map("({})".format)
    ),
    max_leaves=4,
)
REQUIREMENT = st.builds(
    "".join,
    st.tuples(
        st.sampled_from(["a", "A.b_c", "a-", "a[b]", "a[b , c]", "a[", ""]),
        SPACES,
        CLAUSES | CLAUSES.map("({})".format),
        st.just("") | MARKER.map(" ; {}".format),
    ),
)


@given(CLAUSES, NUMBERS)
@settings(max_examples=300, deadline=None)
def test_clauses_mean_what_packaging_says(clauses: str, version: str):
    """
    Or they are left to it.
    """
    plain = contains(clauses, version)

    if plain is not None:
        expected = SpecifierSet(clauses).contains(version, prereleases=True)
        assert expected == plain


@given(REQUIREMENT)
@settings(max_examples=500, deadline=None)
def test_requirements_mean_what_packaging_says(text: str):
    """
    Or they are left to it.
    """
    asked = needed(text, VARIABLES)
    if asked is None:
        return
    if asked is False:  # what does not concern us need not be right
        text = f"a;{text.partition(';')[2]}"

    expected = Requirement(text)
    marker = expected.marker
    holds = marker is None or marker.evaluate(dict(VARIABLES))
    assert holds == (asked is not False)
    if isinstance(asked, Needed):
        assert expected.name == asked.name
        assert expected.specifier == SpecifierSet(asked.clauses)


@pytest.mark.parametrize(
    "text",
    [
        "numpy >=1.20",
        "requests (<3.0,>=2.0)",
        "a[b,c]>=1",
        'tomli>=1.1.0; python_version < "3.11"',
        "tests ; extra == 'test' and sys_platform != 'win32'",
        'wmi~=1.2 ; (os_name == "nt" or extra == "a") and extra == "dev"',
        'hf-xet; platform_machine == "x86_64" or platform_machine == "arm64"',
    ],
)
def test_published_ones_are_plain(text: str):
    """
    Else nothing is gained.
    """
    assert needed(text, VARIABLES) is not None


@pytest.mark.parametrize(
    "text", ["a>=1.0rc1", "a @ file:///b", "a; 1", "a~=1"]
)
def test_others_are_left(text: str):
    """
    Whatever packaging makes of them.
    """
    assert needed(text, VARIABLES) is None


@pytest.mark.parametrize("clauses", [">=3.8.*", ">=", "3", ">=3,", "==3.x"])
def test_broken_clauses_are_left(clauses: str):
    """
    packaging takes some, and refuses the others.
    """
    assert contains(clauses, "3.11.7") is None


def test_what_cannot_be_read_may_be_told():
    """
    The tests above would not find that packaging takes everything.
    """
    with pytest.raises(InvalidRequirement):
        Requirement("a[")
    with pytest.raises(InvalidSpecifier):
        SpecifierSet("3")
