"""Policies: every default is the safe one, and no other value is taken."""

from __future__ import annotations

import dataclasses

import pytest

from unwheel.policy import (
    DESCRIPTORS,
    EXISTING,
    LINK_POLICIES,
    MIB,
    PORTABLE_NAMES,
    RECORD_LEVELS,
    Limits,
    Policy,
)

KNOBS = {
    "links": LINK_POLICIES,
    "record": RECORD_LEVELS,
    "existing": EXISTING,
    "portable_names": PORTABLE_NAMES,
    "descriptors": DESCRIPTORS,
}


def test_the_defaults_are_the_safe_ones():
    """
    Whoever says nothing is protected.
    """
    assert (
        Policy(
            links="strict",
            record="verify",
            existing="refuse",
            portable_names="warn",
            descriptors="signed",
            durable=False,
            limits=Limits(),
        )
        == Policy()
    )


def test_the_limits_are_those_of_the_documentation():
    """
    ZIP.md, "Limits".
    """
    limits = Limits()

    assert (1_000_000, 50, 64 * MIB, 1032) == (
        limits.entries,
        limits.ratio,
        limits.ratio_floor,
        limits.member_ratio,
    )
    assert (4095, 255, 128, 4095) == (
        limits.name_length,
        limits.component_length,
        limits.depth,
        limits.link_target_length,
    )
    assert (4 * MIB, 32 * MIB) == (limits.metadata_size, limits.record_size)


@pytest.mark.parametrize(
    ("knob", "value"), [(k, v) for k, values in KNOBS.items() for v in values]
)
def test_every_named_value_is_taken(knob, value):
    """
    And kept as it is.
    """
    assert value == getattr(Policy(**{knob: value}), knob)


@pytest.mark.parametrize("knob", KNOBS)
@pytest.mark.parametrize("value", ["", "Verify", "yes", None, True])
def test_another_value_is_an_error_of_the_caller(knob, value):
    """
    A typing error must not switch a check off.
    """
    with pytest.raises(TypeError, match=f"Policy.{knob}: .* is none of"):
        Policy(**{knob: value})


def test_a_policy_cannot_be_changed():
    """
    One serves many threads.
    """
    with pytest.raises(dataclasses.FrozenInstanceError):
        Policy().links = "refuse"
    with pytest.raises(dataclasses.FrozenInstanceError):
        Limits().entries = 5


def test_a_policy_is_a_value():
    """
    Equal ones are interchangeable, also as keys.
    """
    raised = Policy(limits=Limits(entries=5))

    assert {Policy(), raised} == {Policy(), Policy(limits=Limits(entries=5))}
