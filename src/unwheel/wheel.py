"""
The face: `Wheel`, `extract`, `extract_many`, `verify`, `verify_many`.
"""

from __future__ import annotations

import os

from .backend import type_of
from .engine import no_destination, policy_here, run_many, run_one
from .errors import (
    InvalidWheelError,
    Problem,
    RecordError,
    UnwheelError,
)
from .filename import WheelFilename
from .filename import stem as stem_of
from .metadata import CoreMetadata, find_dist_info
from .native import NativeArchive
from .plan import judge_links, make_plan
from .policy import BACKENDS, Policy
from .record import Record, limit_size, record_missing
from .values import cached_property

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .backend import EntryTable
    from .engine import OnEvent
    from .links import Link, LinkPlan
    from .plan import Plan
    from .report import Report

StrPath = str | bytes | os.PathLike[str] | os.PathLike[bytes]

_DEFAULT = Policy()


def extract(
    wheel: StrPath,
    dest: StrPath,
    *,
    policy: Policy = _DEFAULT,
    backend: str = "native",
    threads: int | None = None,
    on_event: OnEvent | None = None,
) -> Report:
    """
    Extract *wheel* as the directory *dest*, verified, all or nothing.

    Every byte is checked against its CRC-32 and against RECORD's digest in the
    pass that writes it (the "MUST verify" of PEP 427).  The tree is made in a
    private directory and published by one rename (into a directory that is
    merged with, by one for each name); after a failure *dest* is as it was.

    Args:
        wheel: The path of a wheel, under its own file name.
        dest: The exact directory; missing or empty, unless the policy says
            to "replace" it or to "merge" into it.
        policy: What is allowed.
        backend: Who reads the bytes of members: "native", or "libarchive"
            for a second opinion, one thread and slower.  What is accepted,
            and how it is written, is the same.
        threads: How many to use; by default one for each CPU.
        on_event: Told every event, in this thread.

    Raises:
        UnwheelError: One of its subclasses says whose fault it is; its
            `problems` say everything that was found.
    """
    _check_backend(backend)
    return run_one(
        os.fsdecode(wheel),
        os.fsdecode(dest),
        policy=policy,
        threads=threads,
        on_event=on_event,
        backend=backend,
    )


def verify(
    wheel: StrPath,
    *,
    policy: Policy = _DEFAULT,
    backend: str = "native",
    threads: int | None = None,
    on_event: OnEvent | None = None,
) -> Report:
    """
    Everything that `extract` does but writing.

    Of links, too: they are judged for a place that can hold them, and where
    nothing else is installed.

    Raises:
        UnwheelError: As `extract` would.
    """
    _check_backend(backend)
    return run_one(
        os.fsdecode(wheel),
        None,
        policy=policy,
        threads=threads,
        on_event=on_event,
        backend=backend,
    )


def extract_many(
    wheels: Iterable[StrPath],
    dest: StrPath,
    *,
    policy: Policy = _DEFAULT,
    backend: str = "native",
    threads: int | None = None,
    on_event: OnEvent | None = None,
) -> Iterator[Report | UnwheelError]:
    """
    Extract each of *wheels* as ``dest/<stem of its file name>``; one crew.

    Yields:
        For each wheel, in order, its report, or the error that refused it
        (not raised: one bad wheel does not stop the others).
    """
    _check_backend(backend)
    root = os.fsdecode(dest)
    return run_many(
        ((path, os.path.join(root, stem(path))) for path in _paths(wheels)),
        policy=policy,
        threads=threads,
        on_event=on_event,
        backend=backend,
    )


def verify_many(
    wheels: Iterable[StrPath],
    *,
    policy: Policy = _DEFAULT,
    backend: str = "native",
    threads: int | None = None,
    on_event: OnEvent | None = None,
) -> Iterator[Report | UnwheelError]:
    """
    Verify each of *wheels*; one crew.

    Yields:
        For each wheel, in order, its report, or the error that refused it.
    """
    _check_backend(backend)
    return run_many(
        ((path, None) for path in _paths(wheels)),
        policy=policy,
        threads=threads,
        on_event=on_event,
        backend=backend,
    )


def _paths(wheels: Iterable[StrPath]) -> Iterator[str]:
    return (os.fsdecode(wheel) for wheel in wheels)


def stem(wheel: StrPath) -> str:
    """The file name of *wheel* without ``.whl``, ``.whlx`` or ``.pybi``."""
    return stem_of(os.path.basename(os.fsdecode(wheel)))


def _check_backend(name: str) -> None:
    if name not in BACKENDS:
        one_of = ", ".join(map(repr, BACKENDS))
        raise TypeError(f"backend: {name!r} is none of {one_of}")


class Wheel:
    """
    One wheel, open to be looked at; a context manager.

    Looking judges nothing: `plan` does.

    Args:
        path: The path of a wheel, under its own file name.
        policy: What is allowed.
        backend: Of `extract` and `verify`; see the functions.

    Raises:
        SourceError: If it cannot be read.
        ArchiveError: If the container is malformed.
    """

    def __init__(
        self,
        path: StrPath,
        *,
        policy: Policy = _DEFAULT,
        backend: str = "native",
    ) -> None:
        _check_backend(backend)
        self._backend = backend
        self.path = os.fsdecode(path)
        self.policy = policy
        self._archive = NativeArchive(
            self.path, policy.limits, policy.descriptors
        )

    def __enter__(self) -> Wheel:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the file back.  May be called twice."""
        self._archive.close()

    def _named(self) -> _Named:
        return _Named(self.path)

    @property
    def name(self) -> str:
        """The file name."""
        return os.path.basename(self.path)

    @cached_property
    def filename(self) -> WheelFilename:
        """
        The file name, parsed.

        Raises:
            InvalidWheelError: If it is not a wheel's (PEP 427).
        """
        with self._named():
            return WheelFilename.parse(
                self.name, wheel2=self.policy.link_policy.takes_wheel2
            )

    @property
    def entries(self) -> EntryTable:
        """
        The entries of the central directory, in its order, unjudged
        (APPNOTE 4.3.12).

        Sizes are bytes; `mode` is the POSIX `st_mode` of host-3 entries and 0
        for others; names are as stored, decoded as UTF-8.
        """
        return self._archive.entries

    @cached_property
    def dist_info(self) -> str:
        """
        The name of the .dist-info directory.

        Raises:
            InvalidWheelError: If there is none, or more than one.
        """
        with self._named():
            return find_dist_info(self.entries.names, self.filename)

    def read(self, name: str) -> bytes:
        """
        The content of the member *name*, checked against its CRC-32.

        Raises:
            KeyError: If there is none of that name.
            LimitError: If it is larger than RECORD may be.
            CorruptMemberError: If it is not what the archive says.
        """
        try:
            index = self.entries.names.index(name)
        except ValueError:
            raise KeyError(name) from None
        with self._named():
            return self._archive.read(index, self.policy.limits.record_size)

    def read_text(self, name: str) -> str:
        """
        The member *name* of .dist-info, as text (UTF-8).

        Raises:
            KeyError: If there is none of that name.
            InvalidWheelError: If it is not UTF-8.
            UnwheelError: As `read`.
        """
        data = self.read(f"{self.dist_info}/{name}")
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise InvalidWheelError(
                [Problem("NOT_UTF8", "not UTF-8 text", member=name)],
                wheel=self.path,
            ) from error

    @cached_property
    def metadata(self) -> CoreMetadata:
        """METADATA: name, version and the other headers."""
        data = self.read(f"{self.dist_info}/METADATA")
        with self._named():
            return CoreMetadata.parse(data)

    @cached_property
    def record(self) -> Record:
        """
        RECORD, parsed but not compared with anything.

        Raises:
            RecordError: If it is missing or malformed.
        """
        name = f"{self.dist_info}/RECORD"
        table = self.entries
        entries = len(table)
        with self._named():
            if name not in table.names:
                raise RecordError([record_missing(self.dist_info)])
            size = table.sizes[table.names.index(name)]
            limit_size(size, len(table.names_blob), entries)
        data = self.read(name)
        with self._named():
            return Record.parse(data, self.policy.limits, entries=entries)

    @cached_property
    def link_targets(self) -> dict[str, str]:
        """The text of every link entry, unjudged, by name."""
        limit = self.policy.limits.link_target_length
        table = self.entries
        with self._named():
            return {
                name: self._archive.read(k, limit).decode(
                    "utf-8", "surrogateescape"
                )
                for k, name in enumerate(table.names)
                if type_of(name, table.mode(k)) == "link"
            }

    @property
    def links(self) -> tuple[Link, ...]:
        """
        The links that would be made: resolved, and accepted by the policy.

        Raises:
            UnwheelError: As `plan`: one that is refused refuses the wheel.
        """
        return self.plan().links

    def judged_links(self) -> LinkPlan:
        """
        Every link that the wheel asks for, in any encoding.

        Those that the policy accepts, in a place that can hold links and has
        nothing else, and a problem for each of the others.

        Raises:
            UnwheelError: If something else is wrong with the wheel.
        """
        policy = policy_here(self.policy)
        with self._named():
            judged = judge_links(
                self._archive,
                self.path,
                policy,
                lambda: no_destination(policy),
            )
        if judged is not None:
            return judged
        from .links import LinkPlan

        return LinkPlan((), ())

    def plan(self) -> Plan:
        """
        All orders of the wheel, judged by its policy.

        Raises:
            UnwheelError: If it is refused, with every reason.
        """
        policy = policy_here(self.policy)
        return make_plan(
            self._archive, self.path, policy, lambda: no_destination(policy)
        )

    def extract(
        self,
        dest: StrPath,
        *,
        threads: int | None = None,
        on_event: OnEvent | None = None,
    ) -> Report:
        """See the function `extract`."""
        return extract(
            self.path,
            dest,
            policy=self.policy,
            backend=self._backend,
            threads=threads,
            on_event=on_event,
        )

    def verify(
        self, *, threads: int | None = None, on_event: OnEvent | None = None
    ) -> Report:
        """See the function `verify`."""
        return verify(
            self.path,
            policy=self.policy,
            backend=self._backend,
            threads=threads,
            on_event=on_event,
        )


class _Named:
    """Every error from within says which wheel it is about."""

    def __init__(self, wheel: str) -> None:
        self._wheel = wheel

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: object, __: object) -> None:
        if isinstance(error, UnwheelError):
            error.wheel = self._wheel
