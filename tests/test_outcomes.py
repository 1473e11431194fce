"""
The outcome table, cell by cell, on the disk (LINKS.md, 5.3).

Each cell is a wheel for a platform, any, or Windows; a host that can make
links, or not; and a policy.  It is extracted by the public call, and the tree
has to be what the letter says.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import os
import stat
import sys
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from builder import WheelBuilder
from link_wheels import DATA, INFO, LINK, Seen, base, look, see
from places import PLATFORM_TAG, files_of
from unlinkable import Worker, denying, extract_told

from unwheel import LinkPolicy, Policy
from unwheel.links import OUTCOMES

POLICIES = ("strict", "portable", "editable", "text", "verbatim")
TAGS = {
    "PLATFORM": PLATFORM_TAG,
    "ANY_TAG": "py3-none-any",
    "WINDOWS_TAG": "py3-none-win_amd64",
}


class Room:
    """Where the cells are tried out; one of each wheel."""

    def __init__(self, root: Path, worker: Worker) -> None:
        """Lay it out below *root*."""
        self.root = root
        self.worker = worker
        self.project = root / "project"
        package = self.project / "src" / "package"
        package.mkdir(parents=True)
        (package / "module.py").write_text("answer = 42\n")
        self._numbers = count()

    def new(self) -> Path:
        """A directory of its own."""
        path = self.root / str(next(self._numbers))
        path.mkdir()
        return path


@dataclass(frozen=True)
class Row:
    """
    A wheel for a row of the table.

    Attributes:
        build: Adds the link to an honest wheel.
        payload: The link's; None if only the room knows it.
        path: The link's.
        leads_to: The name in the wheel of the final file or folder.
        codes: What is said where it is refused for what it is.
        knobs: Set in the policy, beside its name.
        prepare: Puts into the destination what has to be there.
    """

    build: Callable[[WheelBuilder, Room], WheelBuilder]
    path: str = LINK
    leads_to: str = ""
    codes: frozenset[str] = field(default_factory=frozenset)
    knobs: Callable[[Room], dict[str, Any]] = lambda _: {}
    prepare: Callable[[Path], None] | None = None


def simple(
    target: str,
    *codes: str,
    path: str = LINK,
    leads_to: str = "",
    **lies: object,
) -> Row:
    """One link."""
    return Row(
        lambda b, _: b.link(path, target, **lies),
        path,
        leads_to,
        frozenset(codes),
    )


def several(links: dict[str, str], *codes: str, leads_to: str = "") -> Row:
    """The link of the row and others."""

    def build(b: WheelBuilder, _: Room) -> WheelBuilder:
        for name, target in links.items():
            b.link(name, target)
        return b

    return Row(build, LINK, leads_to, frozenset(codes))


def editable(where: str, *, path: str = LINK) -> Row:
    """An absolute link into the caller's project."""
    return Row(
        lambda b, room: b.link(path, str(room.project / where)),
        path,
        knobs=lambda room: {"editable_root": str(room.project)},
        codes=frozenset({"ABSOLUTE", "EDITABLE_ROOT"}),
    )


def install_other(dest: Path) -> None:
    """Another distribution, and a file that is its own."""
    (dest / "other").mkdir(parents=True)
    (dest / "other/file").write_text("of another wheel\n")
    info = dest / "other-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: other\nVersion: 1.0\n")
    (info / "RECORD").write_text(
        "other/file,,\nother-1.0.dist-info/RECORD,,\n"
    )


DEEP = {f"demo/link{k}": f"link{k + 1}" for k in range(1, 16)}

ROWS = {
    "FILE": simple("run", leads_to="demo/run"),
    "CHAIN": several(
        {LINK: "second", "demo/second": "run"}, leads_to="demo/run"
    ),
    "FOLDER": simple("folder", leads_to="demo/folder"),
    "OTHER_WHEEL_OWNED": Row(
        lambda b, _: b.link(LINK, "../other/file"),
        knobs=lambda _: {"inter_package": True},
        prepare=install_other,
    ),
    "EDITABLE_FILE": editable("src/package/module.py"),
    "EDITABLE_FOLDER": editable("src/package"),
    "EDITABLE_PACKAGE": editable("src/package", path="package"),
    "ANCESTOR": simple("..", "ANCESTOR"),
    "DANGLING": simple("nowhere", "DANGLING"),
    "CYCLE": several({LINK: "second", "demo/second": "link"}, "CYCLE"),
    "TOO_DEEP": several(
        {LINK: "link1", **DEEP, "demo/link16": "file"}, "TOO_DEEP"
    ),
    "OTHER_WHEEL": simple("../other", "OTHER_WHEEL"),
    "ESCAPES": simple("../../outside", "ESCAPES"),
    "ABSOLUTE": simple("/nonexistent/file", "ABSOLUTE"),
    "CROSS_SCHEME": simple(
        "../../../demo/run", "CROSS_SCHEME", path=f"{DATA}/data/bin/link"
    ),
    "IN_METADATA": simple("METADATA", "IN_METADATA", path=f"{INFO}/LICENSE"),
    "IN_SCRIPTS": simple(
        "../data/x", "IN_SCRIPTS", path=f"{DATA}/scripts/link"
    ),
    "BAD_TARGET": simple("folder/../file", "BAD_TARGET"),
    "AMBIGUOUS_HOST": simple("file", "AMBIGUOUS_HOST", host=0),
    "DUPLICATE": Row(
        lambda b, _: b.link(LINK, "file").link(LINK, "file"),
        codes=frozenset({"DUPLICATE"}),
    ),
    "HAS_CHILDREN": Row(
        lambda b, _: b.link(LINK, "folder").file(f"{LINK}/child", b"child"),
        codes=frozenset({"HAS_CHILDREN"}),
    ),
    "SLASH_NAME": simple("file", "DIRECTORY_HAS_DATA", path=f"{LINK}/"),
    "BAD_NAME": simple("file", "BACKSLASH", path="demo/li\\nk"),
}
# No wheel of one link can take too long to resolve: test_links.py has it.
ELSEWHERE = {"TOO_MANY_LINKS"}


@dataclass(frozen=True)
class Cell:
    """One cell of the table, and its letter."""

    kind: str
    tag: str
    links: bool
    policy: str

    @property
    def column(self) -> int:
        """Of the table's four."""
        return 2 * (self.tag != "PLATFORM") + (not self.links)

    @property
    def letter(self) -> str:
        """What the table says."""
        return OUTCOMES[self.kind][self.column][POLICIES.index(self.policy)]

    @property
    def codes(self) -> frozenset[str]:
        """The reason, where the letter is X: the first thing that is wrong."""
        cells = [
            row[POLICIES.index(self.policy)] for row in OUTCOMES[self.kind]
        ]
        if cells[0] == "X":
            return ROWS[self.kind].codes
        if cells[2] == "X" and self.tag != "PLATFORM":
            return frozenset({self.tag})
        return frozenset({"HOST_CANNOT"})

    def __str__(self) -> str:
        """Name the cell."""
        host = "links" if self.links else "cannot"
        return f"{self.kind}-{self.tag}-{host}-{self.policy}"


CELLS = [
    Cell(kind, tag, links, policy)
    for kind in ROWS
    for tag in TAGS
    for links in (True, False)
    for policy in POLICIES
]


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    """One room, and one process on a host that cannot link, for all."""
    way = "seccomp" if sys.platform == "linux" else "preload"
    with Worker(denying("symlink", way=way)) as worker:
        root = tmp_path_factory.mktemp("outcomes")
        yield Room(root.resolve(), worker)


def test_every_row_has_a_wheel() -> None:
    """
    A row that is added to the table is tried out here.
    """
    assert set(OUTCOMES) - ELSEWHERE == set(ROWS)


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_the_tree_is_what_the_letter_says(room: Room, cell: Cell) -> None:
    """
    Built, extracted, looked at.
    """
    row = ROWS[cell.kind]
    here = room.new()
    wheel = row.build(base(TAGS[cell.tag]), room)
    path = wheel.write(here)
    dest = here / "tree"
    if row.prepare:
        row.prepare(dest)
    before = look(here)
    policy = Policy(
        links=LinkPolicy.named(cell.policy).replace(**row.knobs(room)),
        existing="merge" if row.prepare else "refuse",
    )

    extract = extract_told if cell.links else room.worker.extract
    told = extract(path, dest, policy)

    if cell.letter == "X":
        assert cell.codes == {
            problem["code"]
            for problem in told["problems"]
            if problem["member"] == row.path
        }
        assert before == look(here)
        return
    assert "ok" == told["status"], told
    payload = next(m.data for m in wheel.members if m.path == row.path)
    facts = {fact["path"]: fact["outcome"] for fact in told["links"]}
    # The mode of a link means nothing under a host that has none: a file.
    outcome = facts.get(row.path, "text")
    CHECKS[cell.letter](row, dest, payload, outcome)
    _check_record(cell.letter, path, dest)
    _check_others(wheel, dest)


def _check_link(row: Row, dest: Path, payload: bytes, outcome: str) -> None:
    """A link with the text of the wheel, to something that is there."""
    link = dest / row.path
    assert "link" == outcome
    assert Seen("link", payload) == see(link)
    assert link.exists()
    if row.leads_to:
        assert link.samefile(dest / row.leads_to)


def _check_stand_in(row: Row, dest: Path, _: bytes, outcome: str) -> None:
    """The file itself under another name, or the folder's content again."""
    there, real = dest / row.path, dest / row.leads_to
    assert not there.is_symlink()
    if real.is_dir():
        assert "tree" == outcome
        assert look(real) == look(there)
    else:
        assert "hardlink" == outcome
        assert os.path.samestat(there.lstat(), real.lstat())


def _check_pth(row: Row, dest: Path, payload: bytes, outcome: str) -> None:
    """A line with the parent of the package, and nothing else."""
    line = os.path.dirname(os.path.realpath(payload)) + b"\n"
    assert "pth" == outcome
    assert not os.path.lexists(dest / row.path)
    assert line == (dest / "__editable__.demo-1.0.pth").read_bytes()


def _check_text(row: Row, dest: Path, payload: bytes, outcome: str) -> None:
    """A file with the text of the link, not executable."""
    assert "text" == outcome
    assert Seen("file", payload) == see(dest / row.path)


def _check_verbatim(
    row: Row, dest: Path, payload: bytes, outcome: str
) -> None:
    """A link with the text of the wheel, wherever that leads."""
    assert "verbatim" == outcome
    assert Seen("link", payload) == see(dest / row.path)


CHECKS = {
    "L": _check_link,
    "H": _check_stand_in,
    "P": _check_pth,
    "T": _check_text,
    "V": _check_verbatim,
}


def _check_record(letter: str, wheel: Path, dest: Path) -> None:
    """RECORD is what the tree is; of what is no install, the wheel's own."""
    name = f"{INFO}/RECORD"
    text = (dest / name).read_bytes()
    if letter in "TV":
        assert files_of(wheel)[name] == text
        return
    lines = io.StringIO(text.decode())
    rows = {name: rest for name, *rest in csv.reader(lines)}
    ours = {
        name: seen
        for name, seen in look(dest).items()
        if seen.kind != "folder" and not name.startswith("other")
    }
    assert ours.keys() == rows.keys()
    for name, (digest, size) in rows.items():
        path = dest / name
        if name == f"{INFO}/RECORD" or not _vouches(path, dest, rows):
            assert ("", "") == (digest, size), name
        else:
            data = path.read_bytes()  # what a reader sees, through a link too
            assert (_digest(data), str(len(data))) == (digest, size), name


def _vouches(path: Path, dest: Path, rows: Collection[str]) -> bool:
    """Whether the content of *path* is a file that is this wheel's own."""
    real = path.resolve()
    return real.is_relative_to(dest) and str(real.relative_to(dest)) in rows


def _digest(data: bytes) -> str:
    raw = hashlib.sha256(data).digest()
    return "sha256=" + base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _check_others(wheel: WheelBuilder, dest: Path) -> None:
    """All members that are files are there as ever."""
    for member in wheel.members:
        mode = member.external_attr >> 16
        if stat.S_ISREG(mode):
            executable = bool(mode & 0o111)
            expected = Seen("file", member.data, executable)
            assert expected == see(dest / member.path)
