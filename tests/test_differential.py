"""
Wheels with links, and what thirteen readers and unwheel make of them.

The table is what was measured with UnZip 6.00, bsdtar and libarchive 3.6.2,
7-Zip 26.02, busybox 1.35, zipfile2 0.0.12, libarchive-c 5.3, CPython 3.11, pip
23.2 and 26.3, installer 1.1.0, uv 0.13.9 and wheel 0.48.  Where one of them
may answer in two ways, both are given; another version that answers in a third
way fails here, so that we hear of it.

Needs the programs (``apt-get install unzip libarchive-tools p7zip-full
busybox``) and the packages of the extra "test"; without one of them it fails
and says so.  Deselect it with ``-m "not tools"``.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest
import readers
from link_wheels import (
    CASES,
    INFO,
    SAFE,
    UNSAFE,
    LinkCase,
    Seen,
    look,
    see,
    write_with_zipfile2,
)
from places import Place

import unwheel

pytestmark = pytest.mark.tools

# Make links (the last: libarchive's own default, without its SECURE flags).
UNPACKERS = (
    "unzip",
    "bsdtar",
    "7z",
    "busybox",
    "zipfile2",
    "libarchive-c",
    "libarchive-c, flags 0",
)
# Know no links.
INSTALLERS = ("zipfile", "shutil", "pip", "installer", "uv", "wheel")

# L  a link as stored           l  a link with another text
# T  a file with the link's text (or the content looked at)
# X  the same, executable       F  a file with other content
# 0  an empty file              D  a folder
# -  nothing                    !  after one of these: the reader failed
# W  after one of these: it wrote outside the destination
# 1/2 is two measured answers
TABLE = """\
                                     un bs 7z bu z2 la l0 zf sh pi in uv wh
sibling                              L  L  L  L  L  L  L  T  T  T  T  X  X
chain                                L  L  L  L  L  L  L  T  T  T  T  X  X
folder                               L  L  L  L  L  L  L  T  T  T  T  X  X
into a sibling folder                L  L  0! L  L  L  L  T  T  T  T  X  X
deflated target                      L  L  L  -! L  L  L  T  T  T  T  X  X
as zipfile2 writes it                L  L  L  L  L  L  L  T  T  T  T  X  X
LINKS in a wheel of version 1        T  T  T  T  T  T  T  T  T  T  T  T  T
dangling                             L  L  L  L  L  L  L  T  T  T  T  X  X
absolute                             L  L  l  L  L  L  L  T  T  T  T  X  X
escape                               L  L  0! L  L  L  L  T  T  T  T  X  X
two links that escape together       L  L  0! L  L  L  L  T  T  T  T  X  X
cycle                                L  L  L! L  L  L  L  T  T  T  T  X  X
itself                               L  L  L  L  L  L  L  T  T  T  T  X  X
ancestor                             L  L  0! L  L  L  L  T  T  T  T  X  X
file through a folder link, inside   -! -! -! F  F  -! F  -! -! -! -! -! -!
file through a folder link, outside  -! -! -! F! FW -! FW -! -! -! -! -! -!
file through a folder link, absolute -! -! -! F! FW -! FW -! -! -! -! -! -!
file through two links, outside      -! -! -! F! FW -! FW -! -! -! -! -! -!
same link twice                      L  L  L! L! -! L  L  T  T  T  T! X  X
same name twice, another target      L  L  l! l! -! L  L  T  T  T  F! X/F 0!
same file twice                      T  T  T  T  -! T  T  T  T  T  T! T  T
same file twice, another content     T  T  T  T  -! T  T  T  T  T  F! T/F 0!
link, then a file                    F  F  F! L! -! F  F  F  F  F  T! F/X 0!
host FAT                             T  T  L  T  L  T  T  T  T  T  T  X  X
host FAT, mode 644                   L  T  L  T  L  T  T  T  T  T  T  T  T
host macOS                           T  T  T  T  L  T  T  T  T  T  T  X  X
NUL in the target                    l  l  l  l  -! l  l  T  T  T  T  X  X
empty target                         0  -! 0  -! -! -! -! 0  0  0  0  0  0
long target                          -  -! T  -! -! -! -! T  T  T  T  X  X
name with a slash                    D  D  D  D  D  D  D  D  D  -  -  D  D
in scripts                           L  L  0! L  L  L  L  T  T  -  -  -  X
in the metadata                      L  L  L  L  L  L  L  T  T  T  T  X  X
wheel for any platform               L  L  L  L  L  L  L  T  T  T  T  X  X
LINKS in a wheel of version 2        T  T  T  T  T  T  T  T  T  -! -! -! T
to another scheme                    L  L  0! L  L  L  L  T  T  -  -  -  X
"""
COLUMNS = (*UNPACKERS, *INSTALLERS)
EXPECTED = {
    line[:37].strip(): dict(
        zip(
            COLUMNS,
            (cell.split("/") for cell in line[37:].split()),
            strict=True,
        )
    )
    for line in TABLE.splitlines()[1:]
}


class Result(NamedTuple):
    """What a reader made of a case."""

    box: Path
    dest: Path
    letters: str

    @property
    def said(self) -> str:
        """What the reader printed."""
        return (self.box / "log").read_text(errors="replace")[-500:]


Results = dict[tuple[str, str], Result]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Every reader on every case, once."""
    root = tmp_path_factory.mktemp("readers")
    with ThreadPoolExecutor(4) as pool:
        try:
            found = list(pool.map(lambda r: _read_all(r, root), COLUMNS))
        except readers.ReaderError as error:
            pytest.fail(str(error), pytrace=False)
    return {key: result for part in found for key, result in part.items()}


def _read_all(reader: str, root: Path) -> Results:
    jobs = [
        _job(root / reader / str(number), case, reader)
        for number, case in enumerate(CASES.values())
    ]
    answers = readers.run(reader, jobs)
    return {
        (name, reader): _result(case, job, done)
        for (name, case), job, done in zip(
            CASES.items(), jobs, answers, strict=True
        )
    }


def _job(box: Path, case: LinkCase, reader: str) -> readers.Job:
    outside = box / "outside"
    outside.mkdir(parents=True)
    # The name that `wheel unpack` gives, and which it makes itself.
    dest = box / "demo-1.0"
    if reader != "wheel":
        dest.mkdir()
    wheel = case.write(box, outside)
    return str(wheel), str(box), str(dest)


def _result(case: LinkCase, job: readers.Job, done: bool) -> Result:
    wheel, box, dest = map(Path, job)
    letters = _letter(case, dest, case.payload or bytes(box / "outside"))
    if not done:
        letters += "!"
    there = {wheel, dest, box / "outside", box / "log"}
    if any((box / "outside").iterdir()) or set(box.iterdir()) - there:
        letters += "W"
    return Result(box, dest, letters)


def _letter(case: LinkCase, dest: Path, payload: bytes) -> str:
    try:
        seen = see(dest / case.look_at)
    except (FileNotFoundError, NotADirectoryError):
        return "-"
    if seen.kind == "folder":
        return "D"
    if seen.kind == "link":
        return "L" if seen.content == payload else "l"
    if not seen.content:
        return "0"
    if seen.content != payload:
        return "F"
    return "X" if seen.executable else "T"


def test_the_table_is_about_all_cases() -> None:
    """
    Nothing is measured and not held, or held and not measured.
    """
    assert list(CASES) == list(EXPECTED)


@pytest.mark.parametrize("case", CASES)
def test_others_do_what_was_measured(results: Results, case: str) -> None:
    """
    One wheel, thirteen readers, and up to five different trees.
    """
    differing = {
        reader: (expected, result.letters, result.said)
        for reader, expected in EXPECTED[case].items()
        if (result := results[case, reader]).letters not in expected
    }

    assert {} == differing


@pytest.mark.parametrize("case", SAFE)
def test_makes_the_tree_that_unpackers_make(
    results: Results, place: Place, case: str
) -> None:
    """
    Where unwheel takes a link, types, texts, bytes and x bits are theirs.
    """
    wheel = CASES[case].write(place.wheels, place.root)
    agreeing = [
        reader
        for reader in UNPACKERS
        if results[case, reader].letters in ("L", "T")
    ]

    unwheel.extract(wheel, place.dest)

    ours = _without_record(look(place.dest))
    assert len(agreeing) >= len(UNPACKERS) - 1
    for reader in agreeing:
        theirs = _without_record(look(results[case, reader].dest))
        if reader == "zipfile2":  # keeps no permissions unless told
            assert _without_modes(theirs) == _without_modes(ours)
        else:
            assert theirs == ours, reader


def _without_record(tree: dict[str, Seen]) -> dict[str, Seen]:
    """A *tree* but for RECORD, which says something else of links."""
    return {
        name: seen
        for name, seen in tree.items()
        if not name.endswith(".dist-info/RECORD")
    }


def _without_modes(tree: dict[str, Seen]) -> dict[str, Seen]:
    return {
        name: seen._replace(executable=False) for name, seen in tree.items()
    }


@pytest.mark.parametrize("case", UNSAFE)
def test_refuses_and_writes_nothing(place: Place, case: str) -> None:
    """
    All that others take in one way or another has a reason and no trace.
    """
    attack = CASES[case]
    outside = place.out / "outside"
    outside.mkdir()
    wheel = attack.write(place.wheels, outside)

    with place.untouched():
        with pytest.raises(unwheel.UnwheelError) as refusal:
            unwheel.extract(wheel, place.dest)
        with pytest.raises(unwheel.UnwheelError) as verdict:
            unwheel.verify(wheel)

    assert refusal.value.problems == verdict.value.problems
    assert attack.codes == {p.code for p in refusal.value.problems}


# What "text" refuses as well: names that clash, a version we do not know.
CLASHES = {
    "DUPLICATE",
    "HAS_CHILDREN",
    "DIRECTORY_HAS_DATA",
    "WHEEL_VERSION_UNKNOWN",
}
TEXTS = [name for name, case in CASES.items() if not case.codes & CLASHES]
# What an installer adds, or writes anew.
ADDED = ("INSTALLER", "REQUESTED", "direct_url.json", "RECORD")


@pytest.mark.parametrize("reader", ["zipfile", "pip", "installer"])
@pytest.mark.parametrize("case", TEXTS)
def test_text_is_what_installers_leave(
    results: Results, place: Place, case: str, reader: str
) -> None:
    """
    With links as text the trees are equal, so that times can be compared.
    """
    result = results[case, reader]
    # A target that is a path has to be the same one.
    wheel = CASES[case].write(place.wheels, result.box / "outside")

    unwheel.extract(wheel, place.dest, policy=unwheel.Policy(links="text"))

    theirs, ours = look(result.dest), look(place.dest)
    if reader == "zipfile":  # keeps no permissions
        assert _without_modes(theirs) == _without_modes(ours)
    else:
        assert _installed(theirs) == _installed(ours)


def _installed(tree: dict[str, Seen]) -> dict[str, Seen]:
    """A *tree* but for what an installer adds, and moves elsewhere."""
    return {
        name: seen
        for name, seen in tree.items()
        if name.startswith(("demo/", f"{INFO}/"))
        and not name.endswith(tuple(f".dist-info/{file}" for file in ADDED))
    }


ESCAPES = [case for case in CASES if "FW" in EXPECTED[case]["zipfile2"]]


@pytest.mark.parametrize("case", ESCAPES)
@pytest.mark.parametrize("reader", ["zipfile2", "libarchive-c, flags 0"])
def test_others_escape(results: Results, case: str, reader: str) -> None:
    """
    The attack works: these readers say all went well, and wrote elsewhere.

    That unwheel refuses the same wheel is `test_refuses_and_writes_nothing`.
    """
    result = results[case, reader]

    assert 3 == len(ESCAPES)
    assert b"planted" == (result.box / "outside/planted").read_bytes()


@pytest.fixture(scope="module")
def by_zipfile2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel that zipfile2 itself wrote."""
    return write_with_zipfile2(tmp_path_factory.mktemp("zipfile2"))


@pytest.mark.parametrize("reader", ["zipfile2", "unzip"])
def test_reads_what_zipfile2_writes(
    place: Place, by_zipfile2: Path, reader: str
) -> None:
    """
    Its links have mode 755; its tree is the one that it makes, and unzip.
    """
    dest = place.out / reader
    dest.mkdir()
    job = str(by_zipfile2), str(place.out), str(dest)

    assert [True] == readers.run(reader, [job])
    unwheel.extract(by_zipfile2, place.dest)

    theirs = _without_record(look(dest))
    assert 4 == [seen.kind for seen in theirs.values()].count("link")
    assert theirs == _without_record(look(place.dest))
