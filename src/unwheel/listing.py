"""What is in one wheel, as the archive and RECORD state it, unverified."""

from __future__ import annotations

from .backend import METHODS, EntryTable, type_of
from .errors import Problem, SourceError, UnwheelError
from .metadata import AXLE_FILE, LINKS_FILE
from .policy import Policy
from .report import fact_to_json, head_to_json, problem_to_json
from .values import replace, value
from .wheel import Wheel

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from .encodings import AskedLink


@value
class EntryFact:
    """
    An entry as the archive and RECORD state it; nothing was verified.

    Attributes:
        path: The name, as stored.
        type: "file", "directory", "link" or "other".
        mode: POSIX `st_mode`, or None if the archive has none.
        method: "stored", "deflated", or the number of APPNOTE 4.4.5.
        size: Bytes, inflated.
        packed_size: Bytes in the archive.
        crc32: Eight hexadecimal digits.
        digest: What RECORD says, as "sha256:" and hexadecimal digits, or
            None if it says nothing.
        target: What a link points to, as stored, else None.
    """

    path: str
    type: str
    mode: int | None
    method: str
    size: int
    packed_size: int
    crc32: str
    digest: str | None
    target: str | None


@value
class RowFact:
    """
    A symbolic link that no entry is, but a file of the wheel asks for.

    Attributes:
        path: Of the link.
        encoding: "links" (PEP 778) or "axle" (symlinks.txt).
        target: What it points to, from the folder of the link.
    """

    path: str
    encoding: str
    target: str


@value
class Listing:
    """
    What is in one wheel.

    Attributes:
        wheel: The wheel, as the caller named it.
        archive_size: Bytes of the wheel file.
        entries: All entries, in the order of the archive.
        warnings: Why a digest or a link's target could not be shown.
        link_rows: The links that no entry is.
    """

    wheel: str
    archive_size: int
    entries: tuple[EntryFact, ...]
    warnings: tuple[Problem, ...] = ()
    link_rows: tuple[RowFact, ...] = ()

    @property
    def size(self) -> int:
        """Bytes of all entries, inflated."""
        return sum(entry.size for entry in self.entries)

    @property
    def packed_size(self) -> int:
        """Bytes of all entries in the archive, without its headers."""
        return sum(entry.packed_size for entry in self.entries)

    def to_json(self) -> dict[str, object]:
        """
        The listing, as `json.dumps` takes it.

        Besides the keys of every object: `archive_size`, `size`,
        `packed_size`; `entries`, objects with the attributes of `EntryFact`;
        `link_rows`, objects with those of `RowFact`; `warnings`, objects as
        `problem_to_json` says.
        """
        return {
            **head_to_json("list", "ok", self.wheel),
            "archive_size": self.archive_size,
            "size": self.size,
            "packed_size": self.packed_size,
            "entries": [fact_to_json(entry) for entry in self.entries],
            "link_rows": [fact_to_json(row) for row in self.link_rows],
            "warnings": [problem_to_json(found) for found in self.warnings],
        }


def list_wheel(path: str, policy: Policy) -> Listing:
    """
    What is in the wheel at *path*.

    A RECORD or a link that cannot be read is a warning: one lists a wheel
    to see what is wrong with it.

    Raises:
        SourceError: If it cannot be read at all.
        UnwheelError: If it is no archive, or larger than *policy* allows.
    """
    with Wheel(path, policy=to_look(policy)) as wheel:
        digests, warnings = _digests(wheel)
        targets, more_warnings = _targets(wheel)
        rows, most_warnings = links_in_files(wheel)
        return Listing(
            wheel=path,
            archive_size=wheel.entries.archive_size,
            entries=_facts(wheel.entries, digests, targets),
            warnings=(*warnings, *more_warnings, *most_warnings),
            link_rows=tuple(
                RowFact(row.path, row.encoding, text_of(row)) for row in rows
            ),
        )


def to_look(policy: Policy) -> Policy:
    """The *policy* of who only looks: no version of wheels is too new."""
    links = policy.link_policy.replace(wheel2=True)
    return replace(policy, links=links)


def links_in_files(
    wheel: Wheel,
) -> tuple[list[AskedLink], tuple[Problem, ...]]:
    """
    The links that LINKS and symlinks.txt ask for, and what is wrong there.

    It does not matter whether a policy would heed them.

    Raises:
        SourceError: If the wheel cannot be read.
    """
    links: list[AskedLink] = []
    problems: list[Problem] = []
    for read in (_links_file, _axle):
        try:
            rows, found = read(wheel)
        except SourceError:
            raise
        except UnwheelError as error:
            rows, found = [], list(error.problems)
        links += rows
        problems += found
    return links, tuple(problems)


def _links_file(wheel: Wheel) -> tuple[list[AskedLink], list[Problem]]:
    data = _content(wheel, LINKS_FILE)
    if data is None:
        return [], []
    from .encodings import read_links_file

    names = {entry.name for entry in wheel.entries if entry.type != "link"}
    return read_links_file(data, names, wheel.dist_info, wheel.policy.limits)


def _axle(wheel: Wheel) -> tuple[list[AskedLink], list[Problem]]:
    data = _content(wheel, AXLE_FILE)
    if data is None:
        return [], []
    from .encodings import read_axle

    return read_axle(data, wheel.dist_info, wheel.policy.limits)


def _content(wheel: Wheel, name: str) -> bytes | None:
    """The file *name* of the metadata, if there is any."""
    if f"/{name}\0".encode() not in wheel.entries.names_blob:
        return None  # of a million entries there is no list to be made
    path = f"{wheel.dist_info}/{name}"
    return wheel.read(path) if path in wheel.entries.names else None


def text_of(link: AskedLink) -> str:
    """The target of *link*; bytes that are no UTF-8 as in names."""
    return link.target.decode("utf-8", "surrogateescape")


def _digests(wheel: Wheel) -> tuple[dict[str, str], tuple[Problem, ...]]:
    try:
        record = wheel.record
    except SourceError:
        raise
    except UnwheelError as error:
        return {}, error.problems
    digests = {
        path: f"{algorithm}:{digest.hex()}"
        for path, (algorithm, digest) in record.other.items()
    }
    for path, digest in record.sha256.items():
        digests[path] = f"sha256:{digest.hex()}"
    return digests, ()


def _targets(wheel: Wheel) -> tuple[dict[str, str], tuple[Problem, ...]]:
    try:
        return wheel.link_targets, ()
    except SourceError:
        raise
    except UnwheelError as error:
        return {}, error.problems


def _facts(
    table: EntryTable, digests: dict[str, str], targets: dict[str, str]
) -> tuple[EntryFact, ...]:
    """Of every entry; column by column, for there may be a million."""
    modes = list(map(table.mode, range(len(table))))
    columns = zip(
        table.names,
        map(type_of, table.names, modes),
        (mode or None for mode in modes),
        (METHODS.get(number, str(number)) for number in table.methods),
        table.sizes,
        table.packed_sizes,
        (f"{crc32:08x}" for crc32 in table.crc32s),
        map(digests.get, table.names),
        map(targets.get, table.names),
        strict=True,
    )
    return tuple(EntryFact(*facts) for facts in columns)
