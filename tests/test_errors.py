"""Errors: whose fault, what was found, and nothing that drives a terminal."""

from __future__ import annotations

import errno
import pickle

import pytest

from unwheel import errors
from unwheel.errors import (
    MOST_ALIKE,
    ArchiveError,
    CorruptMemberError,
    DestinationError,
    InvalidWheelError,
    LimitError,
    MismatchError,
    Problem,
    Problems,
    RecordError,
    SourceError,
    UnsafeMemberError,
    UnsupportedError,
    UnwheelError,
    offering,
    printable,
)

DOTDOT = Problem("DOTDOT", "'..' is not a name", member="../evil.py")
EVERY = [
    value
    for value in vars(errors).values()
    if isinstance(value, type) and issubclass(value, UnwheelError)
]


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (DOTDOT, "../evil.py: '..' is not a name"),
        (Problem("X", "odd"), "odd"),
        (Problem("X", "odd", found="1"), "odd: found 1"),
        (Problem("X", "odd", expected="2"), "odd"),
        (
            Problem("X", "odd", member="m", found="1", expected="2"),
            "m: odd: found 1, expected 2",
        ),
        (Problem("X", "odd", member="a\x1b[2Jb"), "a\\x1b[2Jb: odd"),
    ],
)
def test_a_problem_says_where_what_found_and_expected(problem, text):
    """
    In one sentence, as far as it is known.
    """
    assert text == str(problem)


def test_offers_only_what_the_caller_has():
    """
    A knob of another command would send people astray.
    """
    own = Problem("X", "odd", accept='encoding="zip"')
    other = Problem("Y", "odd", accept='links="text"')

    told = offering([own, other, DOTDOT], ['encoding="zip"'])

    assert (own, Problem("Y", "odd"), DOTDOT) == told


def test_a_problem_cannot_be_changed():
    """
    It is a fact.
    """
    with pytest.raises(AttributeError):
        DOTDOT.code = "OK"


@pytest.mark.parametrize(
    ("kind", "base"),
    [
        (ArchiveError, UnwheelError),
        (UnsupportedError, ArchiveError),
        (CorruptMemberError, ArchiveError),
        (UnsafeMemberError, UnwheelError),
        (InvalidWheelError, UnwheelError),
        (RecordError, UnwheelError),
        (MismatchError, RecordError),
        (LimitError, UnwheelError),
        (DestinationError, UnwheelError),
        (DestinationError, OSError),
        (SourceError, DestinationError),
    ],
)
def test_the_class_says_whose_fault_it_is(kind, base):
    """
    A caller catches by who has to act.
    """
    assert issubclass(kind, base)


def test_our_side_is_no_fault_of_theirs():
    """
    A full disk must not look like a bad wheel.
    """
    assert not issubclass(DestinationError, ArchiveError)
    assert not issubclass(UnsafeMemberError, OSError)


@pytest.mark.parametrize("kind", EVERY)
def test_an_error_carries_the_wheel_and_every_problem(kind):
    """
    Its text says the first, and how many more there are.
    """
    error = kind(iter([DOTDOT, DOTDOT, DOTDOT]), wheel="a\x1b.whl")

    assert (DOTDOT,) * 3 == error.problems
    assert "a\x1b.whl" == error.wheel
    assert "a\\x1b.whl: ../evil.py: '..' is not a name (and 2 more)" == str(
        error
    )


def test_an_error_of_nothing_known_still_says_something():
    """
    Neither a wheel nor a problem is required.
    """
    assert "refused" == str(UnwheelError([]))
    assert "../evil.py: '..' is not a name" == str(UnwheelError([DOTDOT]))


def test_a_destination_error_has_the_errno_of_the_system():
    """
    As every OSError; None where no system call failed.
    """
    full = DestinationError([DOTDOT], errno=errno.ENOSPC)

    assert errno.ENOSPC == full.errno
    assert DestinationError([DOTDOT]).errno is None


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pkg/a b.py", "pkg/a b.py"),
        ("caf\u00e9", "caf\u00e9"),
        ("\x1b[31m", "\\x1b[31m"),
        ("a\nb", "a\\nb"),
        ("gpj.\u202eyp", "gpj.\\u202eyp"),
        ("\udcff", "\\udcff"),
        ("a\u2028b", "a\\u2028b"),
    ],
)
def test_what_strangers_name_is_escaped(name, text):
    """
    Escapes, marks of direction and line ends; other letters stay.
    """
    assert text == printable(name)
    assert printable(name).isprintable()


def test_problems_cross_processes():
    """
    Bulk work may be spread over processes.
    """
    assert DOTDOT == pickle.loads(pickle.dumps(DOTDOT))


def test_a_million_problems_of_a_kind_are_a_thousand_and_a_number():
    """
    What a hostile archive has room for is not held in memory, nor printed.
    """
    problems = Problems(Problem("A", "odd") for _ in range(1_000_000))
    problems.add(Problem("B", "odd"))

    *told, b, more = problems

    assert ["A"] * MOST_ALIKE == [p.code for p in told]
    assert ("B", "MORE_PROBLEMS") == (b.code, more.code)
    assert f"{1_000_000 - MOST_ALIKE} more" == more.found


def test_problems_that_are_let_pass_leave_no_number():
    """
    A level that does not look at digests is not told of more bad digests.
    """
    problems = Problems([Problem("A", "odd")] * 2 * MOST_ALIKE)
    problems.add(Problem("B", "odd"))

    assert ["B"] == [p.code for p in problems.without({"A"})]
    assert not problems.without({"A", "B"})


@pytest.mark.parametrize("kind", [UnwheelError, DestinationError])
def test_an_error_is_pickled_whole(kind: type[UnwheelError]):
    """
    What a process of a pool raises is raised by who waits for it.
    """
    error = kind([DOTDOT], wheel="x.whl")
    if isinstance(error, DestinationError):
        error.errno = 28

    copy = pickle.loads(pickle.dumps(error))

    assert type(copy) is kind
    assert (copy.problems, copy.wheel) == (error.problems, error.wheel)
    assert getattr(copy, "errno", None) == getattr(error, "errno", None)
