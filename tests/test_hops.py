"""What links lead to, hop by hop; who judges them is `test_links.py`."""

from __future__ import annotations

import pytest

from unwheel.hops import Trail


def follow(texts, path, *, most_hops=16, most_links=100):
    """The hops of the link *path*, one of those that *texts* has."""
    trail = Trail(texts, most_hops=most_hops, most_links=most_links)
    return trail.follow(path, texts[path])


@pytest.mark.parametrize(
    ("texts", "hops"),
    [
        ({"p/l": "f"}, ["p/f"]),
        ({"p/l": "./f"}, ["p/f"]),
        ({"p/l": "../q/f"}, ["q/f"]),
        ({"p/l": "folder/"}, ["p/folder"]),
        ({"p/l": ".."}, ["."]),
        ({"p/l": "l1", "p/l1": "l1.2", "p/l1.2": "f"}, None),
        ({"p/l": "d/f", "p/d": "../q"}, ["p/d/f", "q/f"]),
        ({"p/l": "d/../f", "p/d": "../q/r"}, ["p/d/../f", "q/f"]),
        ({"p/l": "l"}, ["p/l"]),
        ({"p/l": "m", "p/m": "l"}, ["p/m", "p/l"]),
        ({"p/l": "m", "p/m": "n", "p/n": "m"}, ["p/m", "p/n", "p/m"]),
        ({"p/l": "/etc/passwd"}, ["/etc/passwd"]),
        ({"p/l": "/"}, ["/"]),
        ({"p/l": "m", "p/m": "/etc"}, ["p/m", "/etc"]),
        ({"p/l": "m/x", "p/m": "/etc"}, ["p/m/x", "/etc/x"]),
        ({"p/l": "../../etc"}, ["../etc"]),
        ({"p/l": "../../../etc/x"}, ["../../etc/x"]),
        ({"p/l": "up/../../x", "p/up": ".."}, ["p/up/../../x", "../../x"]),
        ({"l": ""}, ["."]),
    ],
)
def test_goes_where_the_kernel_would(texts, hops):
    """Links on the way are taken before "..", and each is a hop."""
    path = next(iter(texts))
    expected = hops or ["p/l1", "p/l1.2", "p/f"]

    assert expected == list(follow(texts, path))


def test_shows_the_escape_that_two_links_make():
    """Each looks as if it stayed inside; the hops show that they do not."""
    texts = {"p/up": "..", "p/out": "up/../x"}

    assert ("p/up/../x", "../x") == follow(texts, "p/out")


def test_stops_where_the_policy_does():
    """A chain longer than the limit is shown as far as it is allowed."""
    texts = {f"l{n}": f"l{n + 1}" for n in range(10)}

    assert ("l1", "l2", "l3") == follow(texts, "l0", most_hops=3)


def test_targets_that_double_each_other_are_no_hours():
    """Each of 200 links goes 2,000 times through the next; it is cut."""
    texts = {f"d{n}": f"d{n + 1}/.." * 200 for n in range(200)}
    trail = Trail(texts, most_hops=16, most_links=200)

    walked = [trail.follow(path, text) for path, text in texts.items()]

    assert all(0 < len(hops) <= 16 for hops in walked)
    assert trail._steps < 0


def test_targets_that_go_on_and_on_are_no_gigabytes():
    """Each of 500 links goes 1,000 folders beyond the next one."""
    texts = {f"l{n}": f"l{n + 1}/" + "x/" * 1000 for n in range(500)}
    trail = Trail(texts, most_hops=16, most_links=500)

    told = [trail.follow(path, text) for path, text in texts.items()]

    # Not 500 * 16 hops of up to 32 KB, but little more than the targets.
    assert 1_200_000 > sum(map(len, map("".join, told)))
