"""The links of a wheel, as a policy would have them."""

from __future__ import annotations

import json

import pytest
from builder import WheelBuilder

from unwheel.errors import ArchiveError, SourceError
from unwheel.graph import LinkEntry, list_links
from unwheel.policy import LinkPolicy, Policy
from unwheel.report import problem_to_json
from unwheel.values import fields_of

TAG = "py3-none-manylinux_2_17_x86_64"


def make_builder(*, tag=TAG, links=()):
    """A wheel with a library and those links (path and target)."""
    builder = WheelBuilder("demo", "1.0", tag)
    builder.file("demo/l.so.1.2", b"library")
    for path, target in links:
        builder.link(path, target=target)
    return builder


def graph_of(builder, tmp_path, policy="strict", **knobs):
    links = LinkPolicy.named(policy).replace(**knobs)
    return list_links(str(builder.write(tmp_path)), Policy(links=links))


def test_shows_a_chain_hop_by_hop(tmp_path):
    """The question of the thread: one library, its links, where they lead."""
    links = [("demo/l.so", "l.so.1"), ("demo/l.so.1", "l.so.1.2")]

    graph = graph_of(make_builder(links=links), tmp_path)

    assert (
        LinkEntry(
            path="demo/l.so",
            encoding="zip",
            target="l.so.1",
            hops=("demo/l.so.1", "demo/l.so.1.2"),
            resolved="demo/l.so.1.2",
            kind="file",
            outcome="link",
        ),
        LinkEntry(
            path="demo/l.so.1",
            encoding="zip",
            target="l.so.1.2",
            hops=("demo/l.so.1.2",),
            resolved="demo/l.so.1.2",
            kind="file",
            outcome="link",
        ),
    ) == graph.links
    assert () == graph.problems


def test_refuses_no_listing(tmp_path):
    """What is refused is shown, with reasons, beside what is not."""
    links = [("demo/out", "../../x"), ("demo/l.so", "l.so.1.2")]

    graph = graph_of(make_builder(links=links), tmp_path)

    out, good = graph.links
    assert ("refused", "link") == (out.outcome, good.outcome)
    assert ("../x",) == out.hops
    assert ["ESCAPES"] == [found.code for found in out.problems]
    assert () == graph.problems


@pytest.mark.parametrize(
    ("policy", "outcome"),
    [
        ("refuse", "refused"),
        ("strict", "refused"),
        ("portable", "link"),
        ("editable", "link"),
        ("text", "text"),
        ("verbatim", "verbatim"),
    ],
)
def test_shows_what_each_policy_makes_of_a_link(tmp_path, policy, outcome):
    """In a wheel for any platform the six differ."""
    builder = make_builder(tag="py3-none-any", links=[("demo/l", "l.so.1.2")])

    graph = graph_of(builder, tmp_path, policy)

    assert (policy, outcome) == (graph.policy, graph.links[0].outcome)
    assert ("demo/l.so.1.2",) == graph.links[0].hops


def test_names_what_would_accept_a_link(tmp_path):
    """A knob, as the refusal of an extraction does."""
    builder = make_builder(tag="py3-none-any", links=[("demo/l", "l.so.1.2")])

    refused = graph_of(builder, tmp_path)
    allowed = graph_of(builder, tmp_path, any_tag="allow")

    assert None is not refused.links[0].problems[0].accept
    assert "link" == allowed.links[0].outcome
    assert ("any_tag",) == allowed.changed


def test_what_the_policy_does_not_read_is_left(tmp_path):
    """wheel-axle's links, and LINKS before Wheel-Version 2, are shown."""
    builder = make_builder()
    builder.file("demo-1.0.dist-info/symlinks.txt", b"demo/a,l.so.1.2,0\n")
    builder.file("demo-1.0.dist-info/LINKS", b"demo/b,demo/l.so.1.2\n")

    graph = graph_of(builder, tmp_path)
    realised = graph_of(builder, tmp_path, encodings=("axle",))

    assert [("links", "demo/b", "left"), ("axle", "demo/a", "left")] == [
        (link.encoding, link.path, link.outcome) for link in graph.links
    ]
    assert ["left", "link"] == [link.outcome for link in realised.links]


def test_shows_the_links_of_wheels_that_are_too_new(tmp_path):
    """Wheel-Version 2 is refused by default, but not hidden."""
    builder = make_builder()
    builder.file("demo-1.0.dist-info/LINKS", b"demo/l.so.1.2,demo/l.so\n")
    old = builder.write(tmp_path)
    new = old.rename(old.with_suffix(".whlx"))

    refused = list_links(str(new), Policy())

    assert [("links", "demo/l.so", ("demo/l.so.1.2",), "left")] == [
        (link.encoding, link.path, link.hops, link.outcome)
        for link in refused.links
    ]
    assert refused.problems


def test_a_broken_record_hides_no_links(tmp_path):
    """It is told, and the links are judged all the same."""
    builder = make_builder(links=[("demo/l.so", "l.so.1.2")])
    builder.record(b"\xff,,")

    graph = graph_of(builder, tmp_path)

    assert ["link"] == [link.outcome for link in graph.links]
    assert graph.problems


def test_a_wheel_without_metadata_still_shows_its_links(tmp_path):
    """Nobody can judge them then, but they can be followed."""
    builder = make_builder(links=[("demo/l.so", "l.so.1.2")])
    path = builder.write(tmp_path)
    other = path.with_name(f"other-1.0-{TAG}.whl")
    path.rename(other)

    graph = list_links(str(other), Policy())

    assert [("left", ("demo/l.so.1.2",))] == [
        (link.outcome, link.hops) for link in graph.links
    ]
    assert graph.problems


def test_a_wheel_without_links_has_none(tmp_path):
    """No link, no problem."""
    graph = graph_of(make_builder(), tmp_path)

    assert ((), ()) == (graph.links, graph.problems)


def test_what_is_no_archive_is_refused(tmp_path):
    """As without --links: there is nothing to look at."""
    junk = tmp_path / "junk-1.0-py3-none-any.whl"
    junk.write_bytes(b"junk" * 100)

    with pytest.raises(ArchiveError):
        list_links(str(junk), Policy())
    with pytest.raises(SourceError):
        list_links(str(tmp_path / "none-1.0-py3-none-any.whl"), Policy())


def test_a_graph_has_the_promised_keys(tmp_path):
    """Every key is there, and what JSON cannot hold is spelled out."""
    links = [("demo/l", b"../../\xfe")]

    graph = graph_of(make_builder(links=links), tmp_path, chain_limit=3)

    told = json.loads(json.dumps(graph.to_json()))
    (link,) = told["links"]
    assert {
        "format": 1,
        "action": "list",
        "status": "ok",
        "wheel": graph.wheel,
        "policy": "strict",
        "changed": ["chain_limit"],
        "problems": [problem_to_json(found) for found in graph.problems],
    } == {key: told[key] for key in told if key != "links"}
    assert {name for name, _ in fields_of(graph.links[0])} == set(link)
    assert ["../\\udcfe"] == link["hops"]
