"""Values are dataclasses in all but the cost."""

from __future__ import annotations

import copy
import dataclasses
import pickle

import pytest

from unwheel.errors import Problem
from unwheel.policy import Limits, Policy
from unwheel.values import cached_property, replace, value


@value
class Point:
    """A value with a default and a field that is not compared."""

    x: int
    y: int = 2
    _note: str = ""

    def __post_init__(self) -> None:
        """Refuse what is not allowed."""
        if self.x < 0:
            raise TypeError("x is negative")

    @property
    def total(self) -> int:
        """What a method sees."""
        return self.x + self.y


def test_is_built_from_positions_names_and_defaults():
    """
    Each way of giving the fields gives the same value.
    """
    assert Point(1, 2) == Point(x=1) == Point(1, y=2)
    assert 3 == Point(1).total


@pytest.mark.parametrize(
    ("args", "kwargs", "said"),
    [
        ((), {}, "'x' is missing"),
        ((1, 2, "", 4), {}, "4 arguments"),
        ((1,), {"z": 1}, "'z' is given twice or is no field"),
        ((1,), {"x": 1}, "'x' is given twice or is no field"),
        ((-1,), {}, "x is negative"),
    ],
)
def test_refuses_other_arguments(args, kwargs, said):
    """
    What is missing, too many, unknown or given twice is a TypeError.
    """
    with pytest.raises(TypeError, match=said):
        Point(*args, **kwargs)


def test_is_frozen_and_has_no_other_attributes():
    """
    Nothing can be changed, removed or added.
    """
    point = Point(1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        point.x = 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        del point.x
    with pytest.raises(dataclasses.FrozenInstanceError):
        point.z = 2
    assert not hasattr(point, "__dict__")


def test_is_compared_hashed_and_shown_by_its_open_fields():
    """
    A field that begins with an underscore does not count.
    """
    assert Point(1, _note="a") == Point(1, _note="b")
    assert hash(Point(1, _note="a")) == hash(Point(1, _note="b"))
    assert Point(1) != Point(2)
    assert Point(1) != (1, 2)
    assert "Point(x=1, y=2)" == repr(Point(1))


def test_matches_by_position():
    """
    A class pattern takes the fields in order.
    """
    match Point(3, 4):
        case Point(x, y):
            assert (3, 4) == (x, y)


def test_is_copied_and_pickled():
    """
    An executor can send it to another process.
    """
    problem = Problem("CODE", "message", member="m")
    assert problem == pickle.loads(pickle.dumps(problem))
    assert problem == copy.deepcopy(problem) == copy.copy(problem)


def test_the_functions_of_dataclasses_take_it():
    """
    To everybody else it is a dataclass.
    """
    assert dataclasses.is_dataclass(Policy)
    assert dataclasses.is_dataclass(Policy())
    changed = dataclasses.replace(Policy(), record="warn")
    assert replace(Policy(), record="warn") == changed
    assert "warn" == changed.record
    assert ["x", "y", "_note"] == [f.name for f in dataclasses.fields(Point)]
    assert (
        7
        == dataclasses.asdict(Policy(limits=Limits(depth=7)))["limits"][
            "depth"
        ]
    )


def test_a_cached_property_is_made_once():
    """
    As that of functools: then it is an attribute like others.
    """
    made = []

    class Thing:
        @cached_property
        def content(self):
            """What it holds."""
            made.append(self)
            return len(made)

    one, two = Thing(), Thing()

    assert (1, 1, 2) == (one.content, one.content, two.content)
    assert [one, two] == made
    assert {"content": 1} == vars(one)
    assert "What it holds." == Thing.content.__doc__
