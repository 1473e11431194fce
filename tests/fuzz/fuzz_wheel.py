"""
Fuzz the whole road: wheels that lie anywhere, and what other readers see.

The input is a row of decisions: what a builder of wheels writes, and where it
lies.  A wheel that is accepted has the same members, in the same order and
with the same content, to Python's zipfile and to libarchive, whether that
seeks or reads from the front; extracted, it is those members and nothing else.
One that tells no lie is accepted.  One that is refused is refused in time,
with an `UnwheelError` that says why, and leaves nothing.
"""

from __future__ import annotations

import atexit
import functools
import io
import locale
import os
import shutil
import stat
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar
from unicodedata import normalize

sys.path.insert(1, str(Path(__file__).resolve().parent.parent))

import libarchive
from builder import (
    CENTRAL_FIELDS,
    DEFLATED,
    END_FIELDS,
    LOCAL_FIELDS,
    LOCATOR_FIELDS,
    PLACES,
    RECORD_FIELDS,
    STORED,
    ArchiveBuilder,
    WheelBuilder,
    digest_of,
)
from guided import check_refusal

from unwheel import (
    DestinationError,
    LinkPolicy,
    Policy,
    UnwheelError,
    Wheel,
    extract,
    verify,
)
from unwheel.comparing import differences
from unwheel.native import walk
from unwheel.readings import Reading, read_directory, read_headers

T = TypeVar("T")

SECONDS_EACH = 5.0  # of the CPU: the machine may have more to do
ROOM = Path(tempfile.mkdtemp(prefix="unwheel-fuzz."))
atexit.register(shutil.rmtree, ROOM)
locale.setlocale(locale.LC_CTYPE, "C.UTF-8")  # libarchive converts names

INFO = "demo-1.0.dist-info"
TAGS = ("py3-none-linux_x86_64", "py3-none-any")
SOUND = ("demo.py", "pkg/a", "pkg/b", "pkg/d/c", "pkg/é", "x y", "z" * 100)
ODD = (
    "../x", "/x", "a//b", "./a", "pkg", "pkg/a/b", "PKG/A", "con", "a:b",
    "a\\b", "x.", "é", "e\u0301", "", "a\0b", "demo-1.0.data/scripts/run",
    f"{INFO}/x", f"{INFO}/RECORD", "demo-2.0.dist-info/METADATA",
    "demo-1.0.data/purelib/demo.py", "\u202ea", "a" * 256, "b/" * 130 + "b",
)  # fmt: skip


def inviting(data: bytes) -> bytes:
    """The *data*, what looks like its descriptor, and another member."""
    builder = ArchiveBuilder()
    for name in ("visible.py", "hidden.py"):
        builder.file(name, data, method=STORED, descriptor="signed")
    visible, hidden = builder.members
    return data + visible.trailer() + hidden.local_header() + data


TEXT = b"The quick brown fox jumps over the lazy dog. " * 9
CONTENTS = (
    b"x = 1\n",
    b"",
    TEXT,
    bytes(40000),
    bytes(range(256)) * 5,
    inviting(b"x = 1\n"),
    ArchiveBuilder().file("hidden.py", TEXT, method=STORED).build(),
)
FIELDS = {
    "local": dict(LOCAL_FIELDS),
    "central": dict(CENTRAL_FIELDS),
    "end": dict(END_FIELDS),
    "record": dict(RECORD_FIELDS),
    "locator": dict(LOCATOR_FIELDS),
    "described": dict.fromkeys(("crc32", "packed_size", "size"), "I")
    | {"signature": "I"},
}
BITS = {"H": 16, "I": 32, "Q": 64}
EXTRAS = (
    (0x5455, b"\3" + bytes(8)),
    (0x7875, b"\1\4" + bytes(4) + b"\4" + bytes(4)),
    (0xCAFE, b""),
)
ODD_EXTRAS = (
    b"\1", b"\1\0\x08\0" + bytes(8), b"UT\5\0", b"up\5\0\1" + bytes(4),
    b"\xca\xfe\0\0\xca\xfe\0\0", b"\x0d\0\x0e\0" + bytes(12) + b"/x",
)  # fmt: skip
KINDS = (stat.S_IFLNK, stat.S_IFDIR, stat.S_IFIFO, stat.S_IFREG, 0)
POLICIES = (
    Policy(),
    Policy(record="off"),
    Policy(descriptors="any", record="warn"),
    Policy(links="text", record="names"),
    Policy(links="portable", portable_names="refuse"),
    Policy(links=LinkPolicy.named("portable").replace(wheel2=True)),
)


def check(data: bytes) -> None:
    """Play the wheel that the decisions in *data* make."""
    recipe = Recipe(data)
    policy = recipe.choice(POLICIES)
    wheel = recipe.wheel()
    for path in ROOM.iterdir():
        remove(path)
    path = wheel.write(ROOM)
    accepted = accepts(lambda: verify(path, policy=policy, threads=1))
    assert accepted or recipe.lied or policy is not POLICIES[0]
    assert [path] == list(ROOM.iterdir())
    readings = []
    if accepted or recipe.once_in(8):
        readings = [
            read_directory(str(path), policy),
            read_headers(str(path), policy),
        ]
    if accepted:
        check_readers(path, policy, readings)
    if recipe.once_in(4):
        threads = 1 + recipe.once_in(8)
        root = ROOM / "root"
        assert accepted == accepts(
            lambda: extract(path, root, policy=policy, threads=threads)
        )
        assert {path, *[root] * accepted} == set(ROOM.iterdir())
        if accepted:
            check_tree(path, root, policy)


def remove(path: Path) -> None:
    """Remove a file or a tree."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def accepts(road: Callable[[], object]) -> bool:
    """Whether *road* is gone to its end; refusals are looked at."""
    begun = time.process_time()
    try:
        road()
    except UnwheelError as error:
        check_refusal(error)
        if isinstance(error, DestinationError):
            raise  # it is not our side that is to blame
        return False
    finally:
        assert time.process_time() - begun < SECONDS_EACH, "it takes hours"
    return True


# ----------------------------------------------------------------- readers


def check_readers(
    path: Path, policy: Policy, readings: Sequence[Reading]
) -> None:
    """Compare the members that all readers see."""
    with Wheel(path, policy=policy) as wheel:
        entries = list(wheel.entries)
    with zipfile.ZipFile(path) as archive:
        theirs = [
            (
                info.filename,
                info.file_size,
                info.CRC,
                info.compress_type,
                info.compress_size,
            )
            for info in archive.infolist()
        ]
        contents = {i.filename: archive.read(i) for i in archive.infolist()}
    assert theirs == [
        (e.name, e.size, e.crc32, e.method, e.packed_size) for e in entries
    ]
    entries.sort(key=lambda entry: entry.offset)
    seen = walk(str(path), policy.limits, descriptors=policy.descriptors)
    assert seen.kind == "directory"
    assert [(e.name, e.size, e.crc32, e.offset) for e in entries] == [
        (e.name, e.size, e.crc32, e.data_offset) for e in seen.entries
    ]
    longest = policy.limits.link_target_length
    if any(e.type == "link" and e.size > longest for e in entries):
        return  # as text it may be that long, but others give up
    assert not differences(readings)
    verify(path, policy=policy, backend="libarchive")
    data = path.read_bytes()
    for stream in (io.BytesIO(data), Pipe(data)):
        for entry, (name, content, is_link) in zip(
            entries, members(stream), strict=True
        ):
            assert normalize("NFC", entry.name).rstrip("/") == name
            expected = contents[entry.name]
            # Of the text of a link, libarchive sees what is before a NUL.
            if is_link:
                expected = expected.split(b"\0")[0]
            assert expected == content


class Pipe(io.RawIOBase):
    """Bytes that come once, from the front."""

    def __init__(self, data: bytes) -> None:
        """Begin at the front."""
        super().__init__()
        self._stream = io.BytesIO(data)

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Give what comes next."""
        return self._stream.readinto(buffer)


def members(stream: Any) -> Iterator[tuple[str, bytes, bool]]:
    """Names and contents as libarchive sees them, and what are links."""
    with libarchive.stream_reader(stream, format_name="zip") as archive:
        for entry in archive:
            name = normalize("NFC", entry.pathname).rstrip("/")
            if entry.issym:
                yield name, os.fsencode(entry.linkname), True
            else:
                yield name, b"".join(entry.get_blocks()), False


def check_tree(path: Path, root: Path, policy: Policy) -> None:
    """The tree is what zipfile reads, and no link leads out of it."""
    with zipfile.ZipFile(path) as archive:
        expected = {
            info.filename: archive.read(info)
            for info in archive.infolist()
            if not info.is_dir()
        }
    found = {
        str(file.relative_to(root)): file
        for file in root.rglob("*")
        if file.is_symlink() or not file.is_dir()
    }
    links = {name for name, file in found.items() if file.is_symlink()}
    assert all(found[n].resolve(True).is_relative_to(root) for n in links)
    assert not links or policy.links != "text"
    # The row of a link in RECORD is that of the file it leads to, once it is.
    loose = links | ({f"{INFO}/RECORD"} if links else set())
    assert found.keys() == expected.keys()
    for name in found.keys() - loose:
        assert found[name].read_bytes() == expected[name], name


# ------------------------------------------------------------------ recipes


class SomeWheel(WheelBuilder):
    """A wheel whose directory may list the members from the last on."""

    backwards = False

    def _write_directory(self, out: bytearray, base: int) -> int:
        if self.backwards:
            self.directory_order(*reversed(range(len(self.members))))
        return super()._write_directory(out, base)


class Recipe:
    """
    Decisions, taken from bytes; when these end, each is the first choice.

    Attributes:
        lied: Whether the wheel may be refused for what was decided.
    """

    def __init__(self, data: bytes) -> None:
        """Begin at the first byte."""
        self._data = data
        self._at = 0
        self.lied = False

    def below(self, most: int) -> int:
        """Give a number from 0 to *most* - 1; 0 when the bytes have ended."""
        width = (most.bit_length() + 7) // 8
        number = int.from_bytes(
            self._data[self._at : self._at + width], "little"
        )
        self._at += width
        return number % most

    def choice(self, choices: Sequence[T]) -> T:
        """One of *choices*."""
        return choices[self.below(len(choices))]

    def once_in(self, times: int) -> bool:
        """True for one of so many bytes, never when they have ended."""
        return self.below(times) == times - 1

    def lies_once_in(self, times: int) -> bool:
        """The same, to tell a lie."""
        lies = self.once_in(times)
        self.lied |= lies
        return lies

    def value(self, truth: int, bits: int) -> int:
        """Something else than *truth*, in *bits*."""
        power = 1 << self.below(bits)
        values = (truth + 1, truth - 1, 0, -1, truth ^ power, power, truth * 2)
        return self.choice(values) % (1 << bits)

    def lies(self, record: str, times: int) -> dict[str, Any]:
        """Lies in fields of *record*."""
        told: dict[str, Any] = {}
        while self.lies_once_in(times) and len(told) < 3:
            name = self.choice(sorted(FIELDS[record]))
            bits = BITS[FIELDS[record][name]]
            told[name] = functools.partial(self.fork().value, bits=bits)
        if record in ("local", "central") and self.lies_once_in(4 * times):
            told["extra"] = self.choice(ODD_EXTRAS)
        if record in ("local", "central") and self.lies_once_in(4 * times):
            told["name"] = self.choice(ODD).encode()
        return told

    def fork(self) -> Recipe:
        """Decisions of their own, for when they are needed."""
        fork = Recipe(self._data[self._at : self._at + 2])
        self._at += 2
        return fork

    def wheel(self) -> SomeWheel:
        """What is decided is built."""
        wheel = SomeWheel(tag=self.choice(TAGS))
        names = list(SOUND)
        for _ in range(1 + self.below(4)):
            self.member(wheel, names)
        if self.lies_once_in(16):
            self.link(wheel, names)
        if self.lies_once_in(16):
            self.text(wheel)
        if self.lies_once_in(16):
            self.row(wheel)
        self.structure(wheel)
        return wheel

    def member(self, wheel: SomeWheel, names: list[str]) -> None:
        """A file, or now and then something else."""
        name = names.pop(self.below(len(names)))
        if self.lies_once_in(16):
            name = self.choice(ODD)
        options: dict[str, Any] = {
            "method": self.choice((DEFLATED, STORED)),
            "zip64": self.choice((False, True)),
            "extra": [self.choice(EXTRAS)] if self.once_in(8) else b"",
            "level": self.choice((6, 0, 1, 9)),
            "mode": self.choice((0o644, 0o755)),
        }
        data = self.choice(CONTENTS)
        if self.once_in(8):
            options["descriptor"] = "signed"
            self.lied |= options["method"] == STORED and data != b""
        if self.lies_once_in(16):
            self.odd_options(options, data)
        options["local"] = self.lies("local", 16)
        options["central"] = self.lies("central", 16)
        if options.get("descriptor") and self.lies_once_in(8):
            options["described"] = self.lies("described", 2)
        wheel.file(name, data, **options)

    def odd_options(self, options: dict[str, Any], data: bytes) -> None:
        """One way to write a member that few have."""
        options |= self.choice(
            (
                {"zip64": "local"},
                {"zip64": "central"},
                {"descriptor": "unsigned"},
                {"descriptor": "signed64"},
                {"descriptor": "signed32"},
                {"gap": b"gap"},
                {"listed": False},
                {"written": False},
                {"kind": self.choice(KINDS)},
                {"host": self.below(20)},
                {"flags": 1 << self.below(16)},
                {"method": 93, "packed": data},
                {"packed": data, "method": DEFLATED},
                {"packed": b"\3\0" + data},
                {"mode": 0o4755},
                {"dos_date": self.below(1 << 16)},
            )
        )

    def link(self, wheel: SomeWheel, names: list[str]) -> None:
        """A link to another member, or outside."""
        path = names.pop(self.below(len(names)))
        if self.once_in(4):
            wheel.directory("pkg/")
        wheel.link(path, self.choice((*SOUND, "../demo.py", *ODD[:8])))

    def text(self, wheel: SomeWheel) -> None:
        """A file of metadata of its own, with a byte changed."""
        version = self.choice(("1.0", "1.9", "2.0"))
        name = self.choice(("WHEEL", "METADATA", "LINKS", "symlinks.txt"))
        text = {
            "WHEEL": f"Wheel-Version: {version}\nTag: {wheel.tag}\n",
            "METADATA": "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n"
            f"Wheel-Version: {version}\n",
            "LINKS": "pkg/l,demo.py\n",
            "symlinks.txt": "pkg/l,../demo.py,0\n",
        }[name].encode()
        if self.once_in(2):
            at = self.below(len(text))
            text = text[:at] + bytes([self.below(256)]) + text[at + 1 :]
        wheel.info(name, text)

    def row(self, wheel: SomeWheel) -> None:
        """A row of RECORD that is another, too many or missing."""
        name = self.choice((*SOUND, f"{INFO}/WHEEL", f"{INFO}/RECORD"))
        kind = self.below(5)
        if kind == 0:
            wheel.row(name, digest=digest_of(self.choice(CONTENTS)))
        elif kind == 1:
            wheel.row(name, size=self.below(1000))
        elif kind == 2:
            wheel.without_row(name)
        elif kind == 3:
            wheel.more_rows(self.choice(("x,,", ",,", "a,b", '"', "/etc/x,,")))
        else:
            wheel.without(self.choice(("RECORD", "WHEEL", "METADATA")))

    def structure(self, wheel: SomeWheel) -> None:
        """The end of the archive, and what is between its parts."""
        if self.once_in(8):
            wheel.comment(b"comment")
        if self.once_in(8):
            wheel.zip64(
                record=self.lies("record", 8),
                locator=self.lies("locator", 8),
                all_ones=self.choice((True, False)),
            )
        if self.lies_once_in(16):
            wheel.end(**self.lies("end", 2))
        if self.lies_once_in(32):
            wheel.put(self.choice(PLACES), b"PK\x05\x06" + bytes(18))
        wheel.backwards = self.once_in(8)
