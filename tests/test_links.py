"""Links: resolved as a kernel would, judged by a table."""

from __future__ import annotations

import posixpath
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unwheel.filename import WheelFilename
from unwheel.links import (
    LINK,
    MOST_HOPS,
    OUTCOMES,
    LinkPlan,
    resolve,
)
from unwheel.policy import LINK_POLICIES, Limits

DIST = "foo-1.dist-info"
DATA = "foo-1.data"
MANYLINUX = "foo-1-cp311-cp311-manylinux_2_17_x86_64.whl"
FILES = [
    "pkg/libx.so.1",
    "pkg/sub/a.py",
    "other/deep/b.py",
    "top.py",
    f"{DIST}/METADATA",
    f"{DATA}/data/lib/liby.so.1",
    f"{DATA}/scripts/run",
]


def plan(links, files=FILES, *, name=MANYLINUX, policy="strict", **options):
    targets = {
        path: target if isinstance(target, bytes) else target.encode()
        for path, target in links.items()
    }
    return resolve(
        targets,
        [*files, *links],
        policy=policy,
        filename=WheelFilename.parse(name) if name else None,
        dist_info=DIST,
        **options,
    )


def made(links, **options):
    result = plan(links, **options)
    assert () == result.problems
    return {str(link.path): str(link.resolved) for link in result.links}


def codes(links, **options):
    return [(p.code, p.member) for p in plan(links, **options).problems]


# ------------------------------------------------------------------ the table


def test_the_table_has_every_policy():
    """
    A policy that can be asked for is a row of the table.
    """
    assert set(LINK_POLICIES) == set(OUTCOMES)


TARGETS = {
    "FILE": {"pkg/l": "libx.so.1"},
    "CHAIN": {"pkg/l": "m", "pkg/m": "libx.so.1"},
    "FOLDER": {"pkg/l": "../other"},
}
WHEELS = {
    "PLATFORM": MANYLINUX,
    "ANY_TAG": "foo-1-py3-none-any.whl",
    "WINDOWS_TAG": "foo-1-py3-none-win32.win_amd64.whl",
}


@pytest.mark.parametrize("policy", LINK_POLICIES)
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("tag", WHEELS)
@pytest.mark.parametrize("host", [True, False])
def test_what_becomes_of_a_link_is_what_the_table_says(
    policy, target, tag, host
):
    """
    One test per cell; what is not in the table is refused, with a reason.
    """
    result = plan(
        TARGETS[target], name=WHEELS[tag], policy=policy, host_links=host
    )
    outcome = OUTCOMES[policy].get((target, tag, host))

    if outcome is None:
        assert () == result.links
        assert len(TARGETS[target]) == len(result.problems)
    else:
        assert () == result.problems
        assert {outcome} == {link.outcome for link in result.links}


def test_the_two_policies_of_the_table():
    """
    "refuse" accepts nothing, "strict" plain links of platform wheels.
    """
    assert {} == OUTCOMES["refuse"]
    assert {
        (target, "PLATFORM", True): LINK for target in TARGETS
    } == OUTCOMES["strict"]


@pytest.mark.parametrize(
    ("code", "options", "accept"),
    [
        ("LINK_REFUSED", {"policy": "refuse"}, 'links="strict"'),
        ("ANY_TAG", {"name": WHEELS["ANY_TAG"]}, None),
        ("ANY_TAG", {"name": None}, None),
        ("ANY_TAG", {"platforms": ["any"]}, None),
        ("ANY_TAG", {"name": WHEELS["ANY_TAG"], "policy": "refuse"}, None),
        ("WINDOWS_TAG", {"name": WHEELS["WINDOWS_TAG"]}, None),
        ("WINDOWS_TAG", {"platforms": ["win_arm64"]}, None),
        ("HOST_CANNOT", {"host_links": False}, None),
    ],
)
def test_says_why_a_good_link_is_refused_and_what_accepts_it(
    code, options, accept
):
    """
    The file name and WHEEL both count, and the stricter wins.
    """
    (problem,) = plan({"pkg/l": "libx.so.1"}, **options).problems

    assert (code, accept) == (problem.code, problem.accept)


def test_no_policy_is_named_where_none_accepts():
    """
    A link out of the wheel is refused whatever the caller says.
    """
    (problem,) = plan({"pkg/l": "../../x"}, policy="refuse").problems

    assert ("ESCAPES", None) == (problem.code, problem.accept)


def test_a_wheel_without_links_has_none():
    """
    Whatever the policy.
    """
    assert LinkPlan((), ()) == plan({}, policy="refuse")


# ----------------------------------------------------------------- resolving


@pytest.mark.parametrize(
    ("path", "target", "resolved"),
    [
        ("pkg/l", "libx.so.1", "pkg/libx.so.1"),
        ("pkg/l", "./libx.so.1", "pkg/libx.so.1"),
        ("pkg/l", "../top.py", "top.py"),
        ("pkg/l", "../other/deep/b.py", "other/deep/b.py"),
        ("pkg/l", "../other/deep", "other/deep"),
        ("pkg/l", "../other/deep/", "other/deep"),
        ("pkg/l", "../other/./deep/.", "other/deep"),
        ("pkg/l", "sub", "pkg/sub"),
        ("l", "top.py", "top.py"),
        ("new/l", "../top.py", "top.py"),
        (
            f"{DATA}/data/lib/l",
            "liby.so.1",
            f"{DATA}/data/lib/liby.so.1",
        ),
        (
            f"{DATA}/data/bin/l",
            "../lib/liby.so.1",
            f"{DATA}/data/lib/liby.so.1",
        ),
    ],
)
def test_a_link_within_its_wheel_and_scheme_is_made(path, target, resolved):
    """
    To a file or to a folder, near or far; the text stays as it is.
    """
    (link,) = plan({path: target}).links

    assert (path, target, resolved) == (
        str(link.path),
        link.target,
        str(link.resolved),
    )
    assert ("file" if "." in resolved[-6:] else "folder") == link.kind


def test_links_are_followed_through_folders_that_are_links():
    """
    The next component is looked up where the folder really is.
    """
    assert {
        "pkg/d": "other/deep",
        "pkg/l": "other/deep/b.py",
        "other/deep/m": "top.py",
        "pkg/n": "top.py",
    } == made(
        {
            "pkg/d": "../other/deep",
            "pkg/l": "d/b.py",
            "other/deep/m": "../../top.py",
            "pkg/n": "d/m",
        }
    )


@pytest.mark.parametrize(
    ("code", "path", "target"),
    [
        ("ESCAPES", "pkg/l", "../../x"),
        ("ESCAPES", "l", "../top.py"),
        ("ESCAPES", "pkg/l", "../../pkg/libx.so.1"),
        ("ANCESTOR", "pkg/l", "."),
        ("ANCESTOR", "pkg/l", "./"),
        ("ANCESTOR", "pkg/l", ".."),
        ("ANCESTOR", "pkg/sub/l", ".."),
        ("ANCESTOR", "pkg/sub/l", "../../pkg"),
        ("ANCESTOR", "l", "."),
        ("DANGLING", "pkg/l", "missing"),
        ("DANGLING", "pkg/l", "sub/missing"),
        ("DANGLING", "pkg/l", "libx.so.1/x"),
        ("DANGLING", "pkg/l", "libx.so.1/."),
        ("OTHER_WHEEL", "pkg/l", "../numpy/core.so"),
        ("OTHER_WHEEL", "l", "numpy"),
        ("ABSOLUTE", "pkg/l", "/etc/passwd"),
        ("ABSOLUTE", "pkg/l", "//x"),
        ("CROSS_SCHEME", "pkg/l", f"../{DATA}/data/lib/liby.so.1"),
        ("CROSS_SCHEME", "pkg/l", f"../{DATA}"),
        ("CROSS_SCHEME", f"{DATA}/data/l", "../../top.py"),
        ("CROSS_SCHEME", f"{DATA}/data/l", "../scripts/run"),
        ("CROSS_SCHEME", f"{DATA}/data/l", "../data/lib/liby.so.1"),
        ("CROSS_SCHEME", f"{DATA}/l", "data/lib"),
        ("IN_METADATA", f"{DIST}/l", "METADATA"),
        ("IN_METADATA", f"{DIST}/licenses/l", "../../top.py"),
        ("IN_METADATA", f"{DIST.upper()}/l", "../top.py"),
        ("IN_METADATA", "pkg/l", f"../{DIST}/METADATA"),
        ("IN_METADATA", "pkg/l", f"../{DIST}"),
        ("IN_SCRIPTS", f"{DATA}/scripts/l", "run"),
        ("IN_SCRIPTS", f"{DATA}/Scripts/l", "run"),
        ("HAS_CHILDREN", "pkg/sub", "../other/deep"),
        ("HAS_CHILDREN", "pkg", "other"),
        ("DUPLICATE", "pkg/libx.so.1", "sub/a.py"),
        ("SLASH_NAME", "pkg/l/", "libx.so.1"),
        ("BAD_TARGET", "pkg/l", ""),
        ("BAD_TARGET", "pkg/l", b"libx.so.1\0evil"),
        ("BAD_TARGET", "pkg/l", "libx.so.1\n"),
        ("BAD_TARGET", "pkg/l", "libx.so.1\x7f"),
        ("BAD_TARGET", "pkg/l", b"caf\xe9"),
        ("BAD_TARGET", "pkg/l", b"\xed\xa0\x80"),
        ("BAD_TARGET", "pkg/l", "sub\\a.py"),
        ("BAD_TARGET", "pkg/l", "C:x"),
        ("BAD_TARGET", "pkg/l", "sub//a.py"),
        ("BAD_TARGET", "pkg/l", "sub//"),
        ("BAD_TARGET", "pkg/l", "libx.so.1/"),
        ("BAD_TARGET", "pkg/l", "sub/../libx.so.1"),
        ("BAD_TARGET", "pkg/l", "../other/.."),
        ("CONTROL_CHARACTER", "pkg/\u202el", "libx.so.1"),
    ],
)
def test_refuses_a_link_that_leads_astray(code, path, target):
    """
    Each by its code, and by no other.
    """
    assert [(code, path)] == codes({path: target})


def test_a_target_may_have_so_many_bytes():
    """
    4,095 unless the caller says otherwise.
    """
    limits = replace(Limits(), link_target_length=9)

    assert {"pkg/l": "pkg/libx.so.1"} == made(
        {"pkg/l": "libx.so.1"}, limits=limits
    )
    assert [("BAD_TARGET", "pkg/l")] == codes(
        {"pkg/l": "./libx.so.1"}, limits=limits
    )


def chain(length):
    links = {f"pkg/l{i}": f"l{i + 1}" for i in range(length - 1)}
    return {**links, f"pkg/l{length - 1}": "libx.so.1"}


def test_a_chain_may_have_sixteen_links():
    """
    And not one more: of a longer chain, those too far off are refused.
    """
    assert {"pkg/libx.so.1"} == set(made(chain(MOST_HOPS)).values())
    assert [("TOO_DEEP", "pkg/l0")] == codes(chain(MOST_HOPS + 1))


def test_refuses_links_in_a_circle():
    """
    Also those that lead into one, and a link to itself.
    """
    assert [("CYCLE", "pkg/l")] == codes({"pkg/l": "l"})
    assert [("CYCLE", n) for n in ("pkg/a", "pkg/b", "pkg/c")] == codes(
        {"pkg/a": "b", "pkg/b": "a", "pkg/c": "a"}
    )


def test_one_folder_link_twice_on_the_way_is_no_circle():
    """
    What counts is that the way ends.
    """
    assert (
        "top.py"
        == made(
            {
                "pkg/d": "../other/deep",
                "other/deep/m": "../../pkg/d/n",
                "other/deep/n": "../../top.py",
                "pkg/l": "d/m",
            }
        )["pkg/l"]
    )


def test_refuses_the_escape_by_two_links():
    """
    Each stays inside by its text; together they reach the root's parent.
    """
    links = {"pkg/up": "..", "pkg/up2": "up/.."}

    assert [("BAD_TARGET", "pkg/up2"), ("ANCESTOR", "pkg/up")] == sorted(
        codes(links), reverse=True, key=lambda p: p[1]
    )


def test_refuses_the_escape_by_two_links_without_dots_after_a_name():
    """
    The ".." of the second is counted from where the first really leads.
    """
    links = {"a/b/c/d": "../../../pkg", "pkg/e": "../..", "l": "a/b/c/d/e"}

    assert [("ESCAPES", "pkg/e"), ("ESCAPES", "l")] == codes(links)


def test_refuses_folders_that_lead_into_each_other():
    """
    Neither is above the other, yet a walk that follows links never ends.
    """
    links = {"pkg/l": "../other", "other/m": "../pkg"}

    assert [("ANCESTOR", "pkg/l"), ("ANCESTOR", "other/m")] == codes(links)
    assert {"pkg/l": "other", "pkg/m": "other"} == made(
        {"pkg/l": "../other", "pkg/m": "../other"}
    )


def test_refuses_a_link_by_way_of_one_that_is_refused():
    """
    And says by which.
    """
    links = {"pkg/a": "/etc", "pkg/b": "a/passwd"}

    problems = plan(links).problems

    assert ["ABSOLUTE", "ABSOLUTE"] == [p.code for p in problems]
    assert "by way of pkg/a" in str(problems[1])


def test_lists_every_link_that_is_refused():
    """
    In the order of the archive, beside those that are not.
    """
    result = plan({"z": "top.py", "pkg/b": "..", "a": "/x"})

    assert ["z"] == [str(link.path) for link in result.links]
    assert ["pkg/b", "a"] == [p.member for p in result.problems]


def test_says_whom_to_tell():
    """
    The contact, like the target, cannot drive a terminal.
    """
    (problem,) = plan({"l": "\x1b[2J"}, contact="a@b\u202e").problems

    assert "contact a@b\\u202e" in problem.message
    assert "-> \\x1b[2J" == problem.found


def test_a_crowd_of_links_takes_no_time():
    """
    A thousand links to each other's folders are no explosion.
    """
    links = {
        f"d{i}/l{j}": f"../d{(i + j) % 40}"
        for i in range(40)
        for j in range(1, 26)
    }

    problems = plan(links, files=[f"d{i}/x" for i in range(40)]).problems

    assert {"ANCESTOR"} == {p.code for p in problems}


COMPONENTS = st.lists(
    st.sampled_from(["..", ".", "a", "b", "c", "x"]), min_size=1, max_size=5
).map("/".join)


@settings(deadline=None)  # machines are shared
@given(
    st.dictionaries(
        st.sampled_from(["a/l", "a/x", "b/c", "b/x", "c", "x", "a/b/c"]),
        COMPONENTS,
        max_size=5,
    )
)
def test_what_is_made_resolves_on_a_disk_to_what_is_said(
    tmp_path_factory, links
):
    """
    The operating system agrees about every link, once it exists.
    """
    files = ["a/f", "b/f", "a/b/f"]
    result = plan(links, files=files)
    root = tmp_path_factory.mktemp("tree").resolve()
    for name in files:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    if result.problems:
        return
    for link in result.links:
        (root / str(link.path)).symlink_to(link.target)

    for link in result.links:
        assert root / str(link.resolved) == (root / str(link.path)).resolve(
            strict=True
        )
        assert not posixpath.isabs(link.target)


def test_refuses_links_that_take_too_long_to_resolve():
    """
    Long targets by way of each other are more work than the wheel has bytes.
    """
    limits = replace(Limits(), links=3)
    short = {f"pkg/{k}": "libx.so.1" for k in range(3)}
    long = short | {"pkg/a": "./" * 300 + "libx.so.1"}

    assert short.keys() == made(short, limits=limits).keys()
    assert [("TOO_MANY_LINKS", "pkg/a", "limits.links")] == [
        (p.code, p.member, p.accept)
        for p in plan(long, limits=limits).problems
    ]
