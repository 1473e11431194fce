"""Stand-ins: counted before they are listed, and what a copy would be."""

from __future__ import annotations

import os

from hypothesis import given, settings
from hypothesis import strategies as st

from unwheel.policy import Limits
from unwheel.standins import Cost, StandIns
from unwheel.targets import FOLDER, Tree

DIST = "foo-1.dist-info"
SIZES = {"a/f": 1, "a/g/h": 2, "b/f": 4, "c/d/e/f": 8, "c/empty/": 0}


def stand_ins(links, sizes=SIZES):
    targets = {path: target.encode() for path, target in links.items()}
    tree = Tree(targets, sizes.keys(), DIST, Limits())
    found = tree.resolve_all()
    return found, StandIns(found, sizes, tree.folders)


def test_a_file_costs_its_size():
    """
    Hard links too, because nobody knows yet whether they can be made.
    """
    found, copies = stand_ins({"l": "c/d/e/f"})

    assert Cost(1, 8, len("l")) == copies.cost("l", found["l"])


def test_a_tree_costs_all_that_is_in_it():
    """
    Folders too, else a wheel of empty ones would cost nothing.
    """
    found, copies = stand_ins({"l": "c", "c/d/m": "../../a"})

    files, folders = copies.tree("l", "c")

    assert {"l", "l/d", "l/d/e", "l/empty", "l/d/m", "l/d/m/g"} == set(folders)
    assert {
        ("l/d/e/f", "c/d/e/f"),
        ("l/d/m/f", "a/f"),
        ("l/d/m/g/h", "a/g/h"),
    } == set(files)
    assert (9, 11) == (
        copies.cost("l", found["l"]).entries,
        copies.cost("l", found["l"]).size,
    )


def test_counting_stops_where_numbers_mean_nothing_any_more():
    """
    Folders of two links into the next: 2^1000 files.
    """
    links = {
        f"d{k}/{side}": f"../d{k + 1}" for k in range(1000) for side in "ab"
    }
    found, copies = stand_ins(links, {"d1000/f": 1})

    cost = copies.cost("d0/a", found["d0/a"])

    assert {1 << 62} == {cost.entries, cost.size, cost.names}


def test_a_folder_that_many_links_lead_to_is_counted_once(monkeypatch):
    """
    10,000 links to a folder of 100,000 files: else that took half an hour.
    """
    links = {f"y/{k}": "../c" for k in range(100)} | {"l": "y"}
    found, copies = stand_ins(links)
    counted = []
    monkeypatch.setattr(
        copies,
        "_sum",
        lambda folder: counted.append(folder) or StandIns._sum(copies, folder),
    )

    cost = copies.cost("l", found["l"])

    assert ["c", "c/d", "c/d/e", "c/empty", "y"] == sorted(counted)
    assert (1 + 100 * 5, 100 * 8) == (cost.entries, cost.size)


@settings(deadline=None, max_examples=60)  # machines are shared
@given(
    st.dictionaries(
        st.sampled_from(["l", "a/l", "a/g/l", "b/l", "b/m", "c/d/l", "c/l"]),
        st.sampled_from(
            ["a", "b", "c/d", "../a", "../b", "../c", "../../a/g", "../../b"]
        ),
        max_size=6,
    )
)
def test_a_tree_is_what_a_copy_that_follows_links_would_be(
    tmp_path_factory, links
):
    """
    The same wheel with its links, on a disk, as `cp -rL` sees it.
    """
    found, copies = stand_ins(links)
    good = {path: link for path, link in found.items() if link.is_good}
    root = tmp_path_factory.mktemp("tree").resolve()
    for name in SIZES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).mkdir() if name[-1] == "/" else (root / name).touch()
    for path in good:
        (root / path).symlink_to(links[path])

    for path, link in good.items():
        if link.kind != FOLDER:
            continue
        files, folders = copies.tree(path, link.path)
        seen_files, seen_folders = set(), set()
        for folder, _, names in os.walk(root / path, followlinks=True):
            seen_folders.add(os.path.relpath(folder, root))
            seen_files |= {
                (os.path.relpath(place, root), str(os.path.realpath(place)))
                for place in (os.path.join(folder, name) for name in names)
            }
        assert seen_folders == set(folders)
        assert seen_files == {(new, str(root / old)) for new, old in files}
        new = [*folders, *(name for name, _ in files)]
        assert len(new) == len(set(new))
        for folder in folders[1:]:
            assert (
                folder.rpartition("/")[0] in folders[: folders.index(folder)]
            )
        cost = copies.cost(path, link)
        assert (len(new), sum(map(len, new))) == (cost.entries, cost.names)
        assert sum(SIZES[old] for _, old in files) == cost.size
