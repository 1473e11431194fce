"""The destination, asked what a link may be there."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from places import Place, snapshot
from test_merge import Contents, lay

from unwheel import DestinationError, host
from unwheel.host import DestinationHost, NoDestination, Probes
from unwheel.native import Tree
from unwheel.policy import LinkPolicy

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="the places are made of links"
)


class Asked:
    """Instead of a tree: counts who asks it, and answers."""

    def __init__(self, answer: bool = True) -> None:
        self.answer = answer
        self.asked: list[str] = []

    def __call__(self) -> Asked:
        """Give the tree, which is made now."""
        self.asked.append("tree")
        return self

    def can_symlink(self) -> bool:
        """Answer as the real one would."""
        self.asked.append("symlink")
        return self.answer

    def can_hardlink(self) -> bool:
        """Answer as the real one would."""
        self.asked.append("hardlink")
        return self.answer


def ask(
    dest: Path, root: Path | str = "", tree: object = None, **more: object
) -> DestinationHost:
    """A host whose links may lead into *root*."""
    policy = LinkPolicy.named("editable").replace(editable_root=str(root))
    return DestinationHost(str(dest), tree or Asked(), policy, **more)


# --------------------------------------------------------------------- probes


@pytest.mark.parametrize("answer", [True, False])
def test_each_question_is_asked_once_in_a_run(place: Place, answer: bool):
    """
    Of one file system, for all wheels, and each question on its own.
    """
    tree = Asked(answer)
    probes = Probes()

    for name in ("a", "b", "a/b/c"):
        it = ask(place.out / name, tree=tree, probes=probes)
        assert answer == it.can_link() == it.can_link()
        assert answer == it.can_hardlink() == it.can_hardlink()

    assert ["tree", "symlink", "tree", "hardlink"] == tree.asked


def test_nobody_asks_nothing_is_probed(place: Place):
    """
    Most wheels have no link, and need no tree before they are judged.
    """
    tree = Asked()

    it = ask(place.dest, place.out, tree=tree)
    it.editable("", "x")
    it.owned("x")

    assert [] == tree.asked


def test_each_file_system_is_asked(
    place: Place, monkeypatch: pytest.MonkeyPatch
):
    """
    What one can do says nothing about the next.
    """
    tree, probes = Asked(), Probes()
    monkeypatch.setattr(
        DestinationHost, "_device", lambda self: len(self._destination)
    )

    for name in ("a", "bb"):
        ask(place.out / name, tree=tree, probes=probes).can_link()

    assert ["tree", "symlink"] * 2 == tree.asked


def test_a_real_tree_is_probed(place: Place):
    """
    And nothing is left in it.
    """
    tree = Tree(str(place.out))

    assert ask(place.dest, tree=lambda: tree).can_link()
    assert [] == os.listdir(place.out)
    tree.close()


def test_a_probe_that_fails_is_no_answer(place: Place):
    """
    It is raised, and asked again the next time.
    """
    tree = Tree(str(place.out))
    tree.close()
    os.rmdir(place.out)
    it = ask(place.dest, tree=lambda: Tree(str(place.out)))

    with pytest.raises(DestinationError):
        it.can_link()

    os.mkdir(place.out)
    assert it.can_link()


# ------------------------------------------------------------------- editable


PROJECT: Contents = {
    "out/tree": None,
    "proj/src/demo/__init__.py": b"",
    "proj/to-out": "-> ../secret",
    "proj/to-src": "-> src",
    "proj/loop": "-> loop",
    "proj/gone": "-> nowhere",
    "project2/demo/x": b"",
    "secret/x": b"",
    "alias": "-> proj",
    "into": "-> proj/src/demo",
}


@pytest.mark.parametrize(
    ("folder", "text", "expected"),
    [
        ("", "{root}/proj/src/demo", ("folder", "proj/src/demo")),
        ("", "{root}/proj/src/demo/", ("folder", "proj/src/demo")),
        ("", "{root}/proj", ("folder", "proj")),
        (
            "demo",
            "{root}/proj/src/demo/__init__.py",
            ("file", "proj/src/demo/__init__.py"),
        ),
        ("", "../../proj/src", ("folder", "proj/src")),
        ("a/b", "../../../../proj/src", ("folder", "proj/src")),
        ("", "{root}/alias/src", ("folder", "proj/src")),
        ("", "{root}/into", ("folder", "proj/src/demo")),
        ("", "{root}/proj/to-src/demo", ("folder", "proj/src/demo")),
        ("", "{root}/secret/../proj/src", ("folder", "proj/src")),
        ("", "../proj/src", None),
        ("a", "../../proj/src", None),
        ("", "{root}/project2", None),
        ("", "{root}/project2/demo/x", None),
        ("", "{root}/proj/../secret", None),
        ("", "{root}/proj/to-out", None),
        ("", "{root}/proj/to-out/x", None),
        ("", "{root}/proj/loop", None),
        ("", "{root}/proj/gone", None),
        ("", "{root}/proj/none", None),
        ("", "{root}/proj/src/demo/__init__.py/x", None),
        ("", "{root}", None),
        ("", "/", None),
        ("", "", None),
        ("", "a\0b", None),
        ("", "{root}/proj/" + "x" * 5000, None),
        ("", "{root}/proj/\udfff", None),
    ],
)
def test_what_is_editable(
    place: Place, folder: str, text: str, expected: tuple[str, str] | None
):
    """
    What exists now, with its real path in the root: no prefix, no way out.
    """
    lay(place.root, PROJECT)
    it = ask(place.dest, place.root / "proj")

    found = it.editable(folder, text.format(root=place.root))

    if expected:
        expected = (expected[0], str(place.root / expected[1]))
    assert expected == found


def test_the_editable_root_may_be_reached_by_a_link(place: Place):
    """
    Real paths are compared, its own too.
    """
    lay(place.root, PROJECT)

    found = ask(place.dest, place.root / "alias").editable(
        "", str(place.root / "proj/src")
    )

    assert ("folder", str(place.root / "proj/src")) == found


def test_everything_is_below_the_root_of_all(place: Place):
    """
    Who names "/" gets it; its name ends in a slash, unlike others.
    """
    lay(place.root, PROJECT)

    assert ask(place.dest, "/").editable("", str(place.root / "secret"))


def test_without_a_destination_only_what_is_absolute_is_editable(
    place: Place,
):
    """
    Where a relative target leads hangs on where the wheel will be.
    """
    lay(place.root, PROJECT)
    root = str(place.root / "proj")
    it = NoDestination(LinkPolicy(editable_root=root))

    assert ("folder", root) == it.editable("", root)
    assert it.editable("", "proj") is None
    assert it.editable("", "/") is None
    assert NoDestination(LinkPolicy()).editable("", root) is None


@pytest.mark.parametrize("root", ["", "{root}/none", "{root}/proj/gone"])
def test_without_a_root_nothing_is_editable(place: Place, root: str):
    """
    Not even what is in the current directory.
    """
    lay(place.root, PROJECT)
    it = ask(place.dest, root.format(root=place.root))

    assert it.editable("", str(place.root / "proj/src")) is None
    assert it.editable("", os.getcwd()) is None


def test_a_device_is_not_editable(place: Place):
    """
    Files and folders are.
    """
    os.mkfifo(place.root / "fifo")

    assert (
        ask(place.dest, place.root).editable("", f"{place.root}/fifo") is None
    )


# ---------------------------------------------------------------------- owned


def installed(name: str, record: str) -> Contents:
    """The metadata of an installed distribution."""
    return {f"{name}-1.0.dist-info/RECORD": record.encode()}


SITE: Contents = {
    "one/lib.so": b"library",
    "one/own.so": b"no RECORD has it",
    "one/twice.so": b"two have it",
    "one/l.so": "-> lib.so",
    "one/folder/x.so": b"",
    "link": "-> one",
    'one/a,"b.so': b"",
    "../outside.so": b"",
    **installed(
        "one",
        "one/lib.so,sha256=x,7\none/lib.so,,\none/twice.so,,\none/l.so,,\n"
        "one/folder,,\nlink/lib.so,,\n../outside.so,,\none/none.so,,\n"
        'one/./folder/x.so,,\n"one/a,""b.so",,\n\n,,\n',
    ),
    **installed("two", "one/twice.so,,\n"),
}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("one/lib.so", True),
        ("one/folder/x.so", True),
        ('one/a,"b.so', True),
        ("one/own.so", False),
        ("one/twice.so", False),
        ("one/l.so", False),
        ("link/lib.so", False),
        ("one/folder", False),
        ("one/none.so", False),
        ("one/lib.so/x", False),
        ("../outside.so", False),
        ("one/../one/lib.so", False),
        ("one/./lib.so", False),
        ("one//lib.so", False),
        ("/one/lib.so", False),
        ("one/lib.so/", False),
        ("", False),
        ("one/a\0b", False),
    ],
)
def test_who_owns_a_file(place: Place, path: str, expected: bool):
    """
    One distribution, by its RECORD, and no link is on the way.
    """
    place.dest.mkdir()
    lay(place.dest, SITE)

    assert expected == ask(place.dest).owned(path)


def test_nothing_is_owned_where_nothing_is(place: Place):
    """
    A destination that is yet to be made.
    """
    assert not ask(place.dest).owned("one/lib.so")


@pytest.mark.parametrize(
    "record",
    [
        b'one/lib.so,,\n"never closed',
        b"one/lib.so,,\n\xff\xfe,,\n",
        b"one/lib.so,,\n" + b"x" * 200_000 + b",,\n",
        b"one/lib.so,,\r\nlone\rreturn,,\n",
        b"one/lib.so\n",
    ],
    ids=["quote", "not UTF-8", "long field", "returns", "no columns"],
)
def test_a_stranger_s_record_is_read_as_far_as_it_goes(
    place: Place, record: bytes
):
    """
    Other installers' files may be anything, and are no reason to fail.
    """
    lay(place.dest, {"one/lib.so": b"", "x-1.dist-info/RECORD": record})

    assert ask(place.dest).owned("one/lib.so")


def test_what_is_no_record_is_not_read(
    place: Place, monkeypatch: pytest.MonkeyPatch
):
    """
    A FIFO, a link, a folder, one that is too large: nobody waits, or follows.
    """
    text = b"one/lib.so,,\n"
    lay(
        place.dest,
        {
            "one/lib.so": b"",
            "elsewhere": text,
            "a.dist-info/RECORD": "-> ../elsewhere",
            "b.dist-info/RECORD": None,
            "c.dist-info/RECORD": text * 9,
            "d.dist-info": "-> real",
            "real/RECORD": text,
            "e.dist-info": b"a file",
            "f.dist-info": None,
        },
    )
    os.mkfifo(place.dest / "f.dist-info/RECORD")
    monkeypatch.setattr(host, "MOST_RECORD_SIZE", len(text) * 8)

    assert not ask(place.dest).owned("one/lib.so")
    monkeypatch.setattr(host, "MOST_RECORD_SIZE", len(text) * 9)
    assert ask(place.dest).owned("one/lib.so")


def test_more_names_than_are_kept_are_none(
    place: Place, monkeypatch: pytest.MonkeyPatch
):
    """
    Memory has a bound; then nobody is known to own anything.
    """
    lay(place.dest, {**SITE})
    monkeypatch.setattr(host, "MOST_NAMES", 3)

    assert not ask(place.dest).owned("one/lib.so")


def test_asking_changes_nothing(place: Place):
    """
    It is a look, and a probe that is gone again.
    """
    lay(place.root, PROJECT)
    lay(place.dest, {"one/lib.so": b"", **installed("one", "one/lib.so,,\n")})
    before = snapshot(place.root)
    tree = Tree(str(place.out))
    it = ask(place.dest, place.root / "proj", tree=lambda: tree)

    assert it.can_link()
    assert it.owned("one/lib.so")
    assert it.editable("", str(place.root / "proj"))

    tree.close()
    assert before == snapshot(place.root)
