"""Policies: every default is the safe one, and no other value is taken."""

from __future__ import annotations

import dataclasses

import pytest

from unwheel.policy import (
    DEDUPES,
    DESCRIPTORS,
    EXISTING,
    EXISTING_LINKS,
    HOST_CANNOT,
    LINK_ENTRIES,
    LINK_POLICIES,
    MIB,
    PORTABLE_NAMES,
    RECORD_LEVELS,
    STAND_INS,
    TAG_KNOBS,
    Limits,
    LinkPolicy,
    Policy,
)

KNOBS = {
    "links": LINK_POLICIES,
    "record": RECORD_LEVELS,
    "existing": EXISTING,
    "portable_names": PORTABLE_NAMES,
    "descriptors": DESCRIPTORS,
    "existing_links": EXISTING_LINKS,
    "dedupe": DEDUPES,
    "mtime": ("now", "archive", "SOURCE_DATE_EPOCH"),
}
LINK_KNOBS = {
    "entries": LINK_ENTRIES,
    "any_tag": TAG_KNOBS,
    "windows_tag": TAG_KNOBS,
    "host_cannot": HOST_CANNOT,
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
            existing_links="inside",
            mtime="now",
            dedupe="copy",
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


# LINKS.md, 5.2: the rows that are knobs, by named policy.
NAMED = {
    "refuse": ("refuse", "refuse", "refuse", "refuse", True),
    "strict": ("link", "refuse", "refuse", "refuse", True),
    "portable": ("link", "allow", "allow", "stand-in", True),
    "editable": ("link", "allow", "allow", "pth", True),
    "text": ("text", "refuse", "refuse", "refuse", False),
    "verbatim": ("verbatim", "allow", "allow", "refuse", False),
}


@pytest.mark.parametrize("name", NAMED)
def test_the_named_link_policies_are_those_of_the_documentation(name):
    """
    And no other name is one.
    """
    policy = LinkPolicy.named(name)

    assert list(NAMED) == list(LINK_POLICIES)
    assert NAMED[name] == (
        policy.entries,
        policy.any_tag,
        policy.windows_tag,
        policy.host_cannot,
        policy.installed_record,
    )
    assert (16, "", False, False, ()) == (
        policy.chain_limit,
        policy.editable_root,
        policy.inter_package,
        policy.wheel2,
        policy.encodings,
    )
    assert (("hardlink",) if name == "editable" else STAND_INS) == (
        policy.stand_ins
    )
    assert policy == Policy(links=name).link_policy
    assert policy == Policy(links=policy).link_policy


def test_every_knob_can_be_changed_alone():
    """
    A name is a place to start from.
    """
    policy = LinkPolicy.named("strict").replace(any_tag="allow")

    assert ("strict", "allow", "refuse") == (
        policy.name,
        policy.any_tag,
        policy.windows_tag,
    )
    assert ("any_tag",) == policy.changed
    assert () == LinkPolicy.named("portable").changed


@pytest.mark.parametrize("knob", LINK_KNOBS)
def test_a_knob_takes_its_own_values_only(knob):
    """
    A typing error must not open a door.
    """
    for value in LINK_KNOBS[knob]:
        assert value == getattr(LinkPolicy(**{knob: value}), knob)
    with pytest.raises(TypeError, match=f"LinkPolicy.{knob}: .* is none of"):
        LinkPolicy(**{knob: "yes"})


@pytest.mark.parametrize(
    "knobs",
    [
        {"stand_ins": ("symlink",)},
        {"stand_ins": "copy"},
        {"encodings": ("tar",)},
        {"encodings": "axle"},
    ],
)
def test_a_knob_of_several_values_is_a_tuple_of_them(knobs):
    """
    A string is no tuple, though it can be walked.
    """
    with pytest.raises(TypeError, match="is no tuple of"):
        LinkPolicy(**knobs)


def test_times_may_be_a_number_of_seconds():
    """
    A boolean is none.
    """
    assert 86400 == Policy(mtime=86400).mtime


@pytest.mark.parametrize("seconds", [1 << 63, -1 << 63, 10**30])
def test_times_are_of_64_bits(seconds: int):
    """
    Others are an error of the caller, at once, not in the middle of a wheel.
    """
    with pytest.raises(TypeError, match=r"Policy\.mtime: .* 64 bits"):
        Policy(mtime=seconds)
    assert (1 << 63) - 1 == Policy(mtime=(1 << 63) - 1).mtime
