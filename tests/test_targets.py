"""Where links lead: as the kernel would go, without a file system."""

from __future__ import annotations

import os
from itertools import product

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from unwheel.policy import Limits
from unwheel.targets import CHAIN, FILE, FOLDER, Tree

DIST = "foo-1.dist-info"
DATA = "foo-1.data"
FILES = [
    "pkg/libx.so.1",
    "pkg/sub/a.py",
    "other/deep/b.py",
    "top.py",
    f"{DIST}/METADATA",
    f"{DATA}/data/lib/liby.so.1",
    f"{DATA}/scripts/run",
]


def follow(links, files=FILES, **options):
    targets = {
        path: target if isinstance(target, bytes) else target.encode()
        for path, target in links.items()
    }
    limits = options.pop("limits", Limits())
    return Tree(targets, files, DIST, limits, **options).resolve_all()


def kinds(links, **options):
    return {
        path: found.code or found.kind
        for path, found in follow(links, **options).items()
    }


def ends(links, **options):
    found = follow(links, **options)
    assert all(link.is_good for link in found.values())
    return {path: link.path for path, link in found.items()}


@pytest.mark.parametrize(
    ("path", "target", "end"),
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
        (f"{DATA}/data/lib/l", "liby.so.1", f"{DATA}/data/lib/liby.so.1"),
        (
            f"{DATA}/data/bin/l",
            "../lib/liby.so.1",
            f"{DATA}/data/lib/liby.so.1",
        ),
    ],
)
def test_a_link_within_its_wheel_and_scheme_leads_to_a_member(
    path, target, end
):
    """
    To a file or to a folder, near or far; the text stays as it is.
    """
    found = follow({path: target})[path]

    assert (end, target, 1) == (found.path, found.text, found.hops)
    assert (FILE if "." in end[-6:] else FOLDER) == found.kind


def test_links_are_followed_through_folders_that_are_links():
    """
    The next component is looked up where the folder really is.
    """
    assert {
        "pkg/d": "other/deep",
        "pkg/l": "other/deep/b.py",
        "other/deep/m": "top.py",
        "pkg/n": "top.py",
    } == ends(
        {
            "pkg/d": "../other/deep",
            "pkg/l": "d/b.py",
            "other/deep/m": "../../top.py",
            "pkg/n": "d/m",
        }
    )


def test_every_link_on_the_way_is_counted():
    """
    Those to folders too, and each as often as it is followed.
    """
    found = follow(
        {
            "pkg/d": "../other/deep",
            "other/deep/m": "../../pkg/d/n",
            "other/deep/n": "../../top.py",
            "pkg/l": "d/m",
        }
    )

    assert {"pkg/d": 1, "other/deep/m": 3, "other/deep/n": 1, "pkg/l": 5} == {
        path: link.hops for path, link in found.items()
    }
    assert [FOLDER, CHAIN, FILE, CHAIN] == [f.kind for f in found.values()]


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
        ("IN_METADATA", "bar-1.dist-info", "pkg/sub"),
        ("IN_METADATA", "Bar-1.Dist-Info/METADATA", "../top.py"),
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
        ("FILE_AND_DIRECTORY", "top.py/deep/l", "../../pkg"),
    ],
)
def test_a_link_that_leads_astray_has_its_own_code(code, path, target):
    """
    And no other.
    """
    assert {path: code} == kinds({path: target})


def test_a_target_may_have_so_many_bytes():
    """
    4,095 unless the caller says otherwise.
    """
    limits = Limits(link_target_length=9)

    assert {"pkg/l": FILE} == kinds({"pkg/l": "libx.so.1"}, limits=limits)
    assert {"pkg/l": "BAD_TARGET"} == kinds(
        {"pkg/l": "./libx.so.1"}, limits=limits
    )


def test_refuses_links_in_a_circle():
    """
    Also those that lead into one, and a link to itself.
    """
    assert {"pkg/l": "CYCLE"} == kinds({"pkg/l": "l"})
    assert dict.fromkeys(("pkg/c", "pkg/a", "pkg/b"), "CYCLE") == kinds(
        {"pkg/c": "a", "pkg/a": "b", "pkg/b": "a"}
    )


def test_a_circle_is_one_at_any_length():
    """
    No limit of links has to be met before it is seen; nor any recursion.
    """
    count = 5000
    circle = {f"l{k}": f"l{(k + 1) % count}" for k in range(count)}
    row = {f"l{k}": f"l{k + 1}" for k in range(count)} | {f"l{count}": "f"}

    assert {"CYCLE"} == set(kinds(circle).values())
    assert {"f"} == set(ends(row, files=["f"]).values())
    assert count + 1 == follow(row, files=["f"])["l0"].hops


def test_a_circle_that_needs_a_folder_to_exist_first():
    """
    The link is beneath one that leads to where the link itself is.
    """
    links = {"a/d": "../b/e/x", "b/e": "../a/d"}

    assert {"a/d": "CYCLE", "b/e": "CYCLE"} == kinds(links)


def test_refuses_the_escape_by_two_links():
    """
    Each stays inside by its text; together they reach the root's parent.
    """
    assert {"pkg/up": "ANCESTOR", "pkg/up2": "BAD_TARGET"} == kinds(
        {"pkg/up": "..", "pkg/up2": "up/.."}
    )


def test_refuses_the_escape_by_two_links_without_dots_after_a_name():
    """
    The ".." of the second is counted from where the first really leads.
    """
    links = {"a/b/c/d": "../../../pkg", "pkg/e": "../..", "l": "a/b/c/d/e"}

    assert {"a/b/c/d": FOLDER, "pkg/e": "ESCAPES", "l": "ESCAPES"} == kinds(
        links
    )


def test_refuses_folders_that_lead_into_each_other():
    """
    Neither is above the other, yet a walk that follows links never ends.
    """
    links = {"pkg/l": "../other", "other/m": "../pkg"}

    assert {"pkg/l": "ANCESTOR", "other/m": "ANCESTOR"} == kinds(links)
    assert {"pkg/l": "other", "pkg/m": "other"} == ends(
        {"pkg/l": "../other", "pkg/m": "../other"}
    )


def test_tells_every_circle_of_folders():
    """
    Not only the first that is found, and not what merely leads into one.
    """
    links = {
        "a/l": "../b", "b/l": "../a",
        "c/l": "../d", "d/e/l": "../../c",
        "x/l": "../a", "b/out": "../y",
    }  # fmt: skip
    files = [f"{name}/f" for name in ("a", "b", "c", "d/e", "x", "y")]

    found = kinds(links, files=files)

    assert {"x/l": FOLDER, "b/out": FOLDER} == {
        path: kind for path, kind in found.items() if kind != "ANCESTOR"
    }


def test_refuses_a_link_by_way_of_one_that_is_refused():
    """
    And says by which.
    """
    found = follow({"pkg/a": "/etc", "pkg/b": "a/passwd"})

    assert ["ABSOLUTE", "ABSOLUTE"] == [link.kind for link in found.values()]
    assert "by way of pkg/a" == found["pkg/b"].detail
    assert ("pkg", "/etc/passwd") == found["pkg/b"].outside


@pytest.mark.parametrize("target", ["/etc", "../etc", "etc"])
def test_the_way_out_gets_no_longer_than_a_path_may_be(target):
    """
    Each of many links goes 4 KB beyond the next, which leads out: 200 GB.
    """
    links = {"l0": target}
    links |= {f"l{n}": f"l{n - 1}/" + "x/" * 1000 + "x" for n in range(1, 50)}

    found = list(follow(links).values())

    assert 1 == len({link.kind for link in found})
    assert ["l0/" + "x/" * 1000 + "x", ""] == [found[1].text, found[9].path]
    ways = [link.outside[1] for link in found if link.outside]
    assert 4095 >= max(map(len, [*ways, *(link.path for link in found)]))


def test_a_name_that_two_links_have_is_refused():
    """
    Whoever of the two came last.
    """
    assert {"l": "DUPLICATE"} == kinds({"l": "top.py"}, twice={"l"})


# ------------------------------------------------------------- hostile wheels


class Counting(Tree):
    """
    A tree that counts the components that it walks.
    """

    @property
    def steps(self):
        return 100 * self._limits.links - self._steps


def counted(links, files):
    targets = {path: target.encode() for path, target in links.items()}
    tree = Counting(targets, files, DIST, Limits())
    return tree.resolve_all(), tree.steps


def test_links_that_double_each_other_are_followed_once():
    """
    Each leads twice through the one before: 2^900 links to the last.
    """
    links = {"d/p0": "../g0"}
    for k in range(900):
        links[f"d/p{k + 1}"] = f"p{k}/s"
        links[f"g{k}/s"] = f"../d/p{k}/t"
        links[f"g{k}/t"] = f"../g{k + 1}"
    found, steps = counted(links, [f"g{k}/f" for k in range(901)])

    assert steps <= 10 * len(links)
    assert {FOLDER} == {link.kind for link in found.values()}
    assert ("g900", 1 << 32) == (found["d/p900"].path, found["d/p900"].hops)


def test_long_rows_of_links_cost_no_more_than_their_text():
    """
    Whoever asks first; from either end.
    """
    row = {f"d/l{k}": f"l{k + 1}" for k in range(2000)} | {"d/l2000": "f"}
    for links in (row, dict(reversed(row.items()))):
        found, steps = counted(links, ["d/f"])

        assert {FILE, CHAIN} == {link.kind for link in found.values()}
        assert steps <= 2 * len(links)


def test_refuses_links_that_take_too_long_to_resolve():
    """
    Long targets by the thousand are more work than the wheel has bytes.
    """
    limits = Limits(links=3)
    short = {f"pkg/{k}": "libx.so.1" for k in range(3)}
    long = short | {"pkg/a": "./" * 300 + "libx.so.1"}

    assert {FILE} == set(kinds(short, limits=limits).values())
    assert "TOO_MANY_LINKS" == kinds(long, limits=limits)["pkg/a"]


def test_a_crowd_of_links_takes_no_time():
    """
    A thousand links to each other's folders are no explosion.
    """
    links = {
        f"d{i}/l{j}": f"../d{(i + j) % 40}"
        for i in range(40)
        for j in range(1, 26)
    }
    found, steps = counted(links, [f"d{i}/x" for i in range(40)])

    assert {"ANCESTOR"} == {link.kind for link in found.values()}
    assert steps <= 2 * len(links)


# ------------------------------------------------------------- the real thing

NAMES = ["a", "b", "c", "x", "a/x", "a/l", "a/b/l", "b/c", "b/x", "c/y"]
COMPONENTS = st.lists(
    st.sampled_from(["..", ".", "a", "b", "c", "x", "l", "y", "f"]),
    min_size=1,
    max_size=6,
).map("/".join)


@settings(deadline=None, max_examples=60)  # machines are shared
@example({"a/l": "../b", "b/c": "../x", "x": "a/l/c", "c": "."})
@example({"a/x": "b", "b/x": "../a/x/f", "x": "b/x"})
@given(st.dictionaries(st.sampled_from(NAMES), COMPONENTS, max_size=7))
def test_the_kernel_goes_the_same_way(tmp_path_factory, links):
    """
    Every link of a graph without misplaced ones, made on a disk.
    """
    files = ["a/f", "b/f", "a/b/f"]
    found = follow(links, files=files)
    misplaced = {"DUPLICATE", "HAS_CHILDREN", "BAD_TARGET"}
    assume(not misplaced & {link.kind for link in found.values()})
    top = tmp_path_factory.mktemp("tree").resolve()
    root = top / "above" / "root"
    for name in files:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    for path, target in links.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).symlink_to(target)

    for path, link in found.items():
        # realpath() alone takes "file/." for the file; the kernel does not.
        real = None
        if os.path.exists(root / path):
            real = os.path.realpath(root / path, strict=True)
        inside = real is not None and real.startswith(f"{root}{os.sep}")
        if link.is_good:
            assert str(root / link.path) == real
            assert (link.kind == FOLDER) == os.path.isdir(real)
        elif link.kind == "ANCESTOR":
            assert link.detail or os.path.isdir(real)  # else by way of one
        elif link.kind == "ESCAPES":
            # It may come back by the root's own name, which is not in it.
            assert real is None or not inside or "root" in links[path]
        else:
            assert not inside


@given(st.dictionaries(st.sampled_from(NAMES), COMPONENTS, max_size=7))
def test_a_walk_that_follows_what_is_made_ends(links):
    """
    No set of links to folders lets a walk come back to where it was.
    """
    files = ["a/f", "b/f", "a/b/f"]
    found = follow(links, files=files)
    into = {
        (path.rpartition("/")[0], link.path)
        for path, link in found.items()
        if link.kind == FOLDER
    }
    folders = {"a", "b", "a/b", "c", ""}

    reached = {(start, end) for start, end in into}
    reached |= {
        (above, below)
        for above, below in product(folders, folders)
        if above != below and f"{below}/".startswith(f"{above}/" * bool(above))
    }
    for middle, start, end in product(folders, folders, folders):
        if (start, middle) in reached and (middle, end) in reached:
            reached.add((start, end))
    assert not {(home, end) for home, end in into if (end, home) in reached}
