"""
Byte-identical files of a wheel, replaced by links; all else bit for bit.

A build backend that is given ``libfoo.so -> libfoo.so.1 -> libfoo.so.1.2``
stores three copies, because nothing standard can store a link.  Here they
become links again.  That is never done unasked: what today's installers do
with a link is to write a text file (LINKS.md, section 3).
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from posixpath import basename

from .distinfo import (
    SIGNATURES,
    WHEEL2_SUFFIX,
    links_text,
    record_row,
    relative_target,
    with_rows,
    with_wheel_version,
)
from .encodings import AskedLink
from .errors import (
    InvalidWheelError,
    Problem,
    UnsafeMemberError,
    UnwheelError,
    printable,
)
from .filename import WheelFilename, for_any_platform, for_windows_only
from .libraries import library_name, library_version
from .links import resolve
from .metadata import WheelInfo
from .policy import LinkPolicy, Policy
from .report import FileFact, fact_to_json, head_to_json, problem_to_json
from .treescan import changed
from .values import replace, value
from .wheel import StrPath, Wheel, verify
from .zipwriter import (
    STORED,
    Nowhere,
    Output,
    PackedArchive,
    PackedMember,
    ZipWriter,
    refuse_existing,
    write_new,
)

ENCODINGS = ("zip", "links-file")
MIN_SIZE = 4096  # bytes; below, a link saves nothing worth its trouble

# What is written has to be accepted by these.
STRICT = LinkPolicy.named("strict")
STRICT2 = replace(STRICT, wheel2=True)

_FILE_MODE = 0o100644


@value
class LinkGroup:
    """
    Files that are one.

    Attributes:
        real: The one that stays.
        links: Those that become links to it, in the order of the archive.
        size: Bytes of each, inflated.
        packed_saved: Bytes that the links save in the archive, headers and
            directory not counted.
        soname: What the shared library calls itself (SONAME, install name),
            or None if it is none.
    """

    real: str
    links: tuple[str, ...]
    size: int
    packed_saved: int
    soname: str | None


@value
class RelinkReport:
    """
    What was done, or with `dry_run` would be.

    Attributes:
        wheel: The wheel, as the caller named it.
        result: The file written; with `dry_run`, or without `groups`, what it
            would be, or None if no place was given.
        encoding: "zip" (entries) or "links-file" (PEP 778).
        dry_run: Whether nothing was written.
        groups: What became links, by the real file's place in the archive.
        archive_size: Bytes of the wheel file, before.
        relinked_archive_size: After.
        size: Bytes of all files, inflated, before.
        relinked_size: After.
        warnings: What a stricter reader would have refused; and LINKS_SCHEME
            for files that LINKS cannot tell.
        seconds: Wall time.
    """

    wheel: str
    result: str | None
    encoding: str
    dry_run: bool
    groups: tuple[LinkGroup, ...]
    archive_size: int
    relinked_archive_size: int
    size: int
    relinked_size: int
    warnings: tuple[Problem, ...]
    seconds: float

    def to_json(self) -> dict[str, object]:
        """
        The report, as `json.dumps` takes it.

        Besides the keys of every object (`action` is "relink"): the other
        attributes, each under its name; `groups` are objects with the
        attributes of `LinkGroup`, `warnings` as `problem_to_json` says.
        """
        return {
            **head_to_json("relink", "ok", self.wheel),
            **fact_to_json(self),
            "groups": [_group_to_json(group) for group in self.groups],
            "warnings": [problem_to_json(found) for found in self.warnings],
            "seconds": round(self.seconds, 6),
        }


def _group_to_json(group: LinkGroup) -> dict[str, object]:
    return {**fact_to_json(group), "links": list(group.links)}


def relink(
    wheel: StrPath,
    out: StrPath | None,
    *,
    encoding: str = "zip",
    min_size: int = MIN_SIZE,
    dry_run: bool = False,
) -> RelinkReport:
    """
    Replace byte-identical files of *wheel* by links to one of them.

    The wheel is verified first, and the result before it gets its name.
    Files are one if their SHA-256, size and executable bit are, and if they
    are installed to one place (the root, or one key of .data); .dist-info and
    .data/scripts are left alone.  The one that stays is the most versioned
    name of a library, else the first.  Each link leads to it in one hop.

    All other members are copied as they are packed, with their headers, in
    their order.  Of RECORD only the rows of links change: to the digest and
    size of the target's text ("zip"), or to none ("links-file", as PEP 778
    has it).  In the latter case LINKS is added, WHEEL and METADATA say
    Wheel-Version 2.0, .dist-info is stored, not deflated, and the name ends
    in .whlx (PEP 777).  Tags stay.

    A wheel without such files is copied as it is.

    Args:
        wheel: The path of a wheel, under its own file name.
        out: The directory for the result, which has the same file name; may
            be None with *dry_run*.
        encoding: "zip" or "links-file".
        min_size: Bytes of the smallest file to look at, at least 1.
        dry_run: Write nothing.

    Raises:
        UnwheelError: If the wheel is not verified, or signed (SIGNED); is for
            any platform or for Windows alone (ANY_TAG, WINDOWS_TAG); has
            links already, for "links-file" (LINKS_CONFLICT); or if the result
            is there already.  Nothing is written then.
    """
    started = time.perf_counter()
    _check_arguments(out, encoding, min_size, dry_run)
    path = os.fsdecode(wheel)
    try:
        return _relink(path, out, encoding, min_size, dry_run, started)
    except UnwheelError as error:
        error.wheel = error.wheel or path
        error.offer_only("encoding")
        raise


def _check_arguments(
    out: StrPath | None, encoding: str, min_size: int, dry_run: bool
) -> None:
    if encoding not in ENCODINGS:
        raise TypeError(f"encoding: {encoding!r} is none of {ENCODINGS}")
    if min_size < 1:
        raise TypeError(f"min_size: {min_size} is not at least 1")
    if out is None and not dry_run:
        raise TypeError("out: None is only for dry_run")


def _relink(
    path: str,
    out: StrPath | None,
    encoding: str,
    min_size: int,
    dry_run: bool,
    started: float,
) -> RelinkReport:
    policy = Policy(links=STRICT)
    with Wheel(path, policy=policy) as wheel:
        _judge(wheel, encoding)
        before = verify(path, policy=policy)
        files = before.files
        with PackedArchive(path) as source:
            found, warnings = _alike(
                files, wheel.dist_info, min_size, encoding
            )
            groups = tuple(_group(paths, source) for paths in found)
            changes = _Changes(wheel, source, groups, encoding)
            changes.judge()
            result = _place(out, wheel.filename, encoding if groups else "zip")
            if result is not None:
                refuse_existing(result)
            if dry_run or result is None:
                size = changes.write(Nowhere())
            else:
                size = _publish(result, changes, files)
    return RelinkReport(
        wheel=path,
        result=result,
        encoding=encoding,
        dry_run=dry_run,
        groups=groups,
        archive_size=before.archive_size,
        relinked_archive_size=size,
        size=before.size,
        relinked_size=before.size + changes.growth,
        warnings=(*before.warnings, *warnings),
        seconds=time.perf_counter() - started,
    )


def _place(
    out: StrPath | None, filename: WheelFilename, encoding: str
) -> str | None:
    if out is None:
        return None
    suffix = WHEEL2_SUFFIX if encoding == "links-file" else ".whl"
    return os.path.join(os.fsdecode(out), filename.stem + suffix)


def _judge(wheel: Wheel, encoding: str) -> None:
    """Refuse at once what no look at content can make good."""
    names = set(wheel.entries.names)
    info = WheelInfo.parse(wheel.read(f"{wheel.dist_info}/WHEEL"))
    problems = [
        Problem(
            "SIGNED",
            "a signature of RECORD, which is to be changed",
            member=f"{wheel.dist_info}/{name}",
        )
        for name in SIGNATURES
        if f"{wheel.dist_info}/{name}" in names
    ]
    problems += _wrong_tags(wheel.filename.platforms, info.platforms)
    if encoding == "links-file":
        problems += _conflicts(wheel, names)
    if problems:
        raise InvalidWheelError(problems)


def _wrong_tags(*claims: Iterable[str]) -> Iterator[Problem]:
    """Where a link would be refused; WHEEL and the file name both count."""
    for platforms in map(sorted, claims):
        if for_any_platform(platforms):
            yield Problem("ANY_TAG", "links in a wheel for any platform")
            return
        if for_windows_only(platforms):
            yield Problem("WINDOWS_TAG", "links in a wheel for Windows")
            return


def _conflicts(wheel: Wheel, names: set[str]) -> Iterator[Problem]:
    """Both encodings in one wheel would have to say the same."""
    for entry in wheel.entries:
        if entry.type == "link":
            yield Problem(
                "LINKS_CONFLICT",
                "a link already, which LINKS would have to tell too",
                member=entry.name,
                accept='encoding="zip"',
            )
    if f"{wheel.dist_info}/LINKS" in names:
        yield Problem(
            "LINKS_CONFLICT",
            "there is a file LINKS already",
            member=f"{wheel.dist_info}/LINKS",
            accept='encoding="zip"',
        )


# ------------------------------------------------------------- what is one


def _alike(
    files: Sequence[FileFact], dist_info: str, min_size: int, encoding: str
) -> tuple[list[list[str]], list[Problem]]:
    """Paths of files that are one, and what is to be said of others."""
    alike: dict[tuple[str, str, int, bool], list[str]] = {}
    for file in files:
        scheme = _scheme(file.path, dist_info)
        if file.size >= min_size and scheme is not None:
            key = scheme, file.sha256, file.size, file.executable
            alike.setdefault(key, []).append(file.path)
    groups: list[list[str]] = []
    warnings: list[Problem] = []
    for (scheme, *_), paths in alike.items():
        if len(paths) == 1:
            continue
        if encoding == "links-file" and scheme:
            warnings += _inexpressible(paths)
        else:
            groups.append(paths)
    return groups, warnings


def _scheme(path: str, dist_info: str) -> str | None:
    """
    Where *path* is installed: "" for the root, else "X.data/KEY".

    None for what is to be left alone.
    """
    top, _, rest = path.partition("/")
    key, _, below = rest.partition("/")
    folded = top.casefold()
    if folded == dist_info.casefold():
        return None
    if not folded.endswith(".data") or not rest:
        return ""
    # Installers differ on .data directories that are not the wheel's own.
    own = dist_info.removesuffix(".dist-info") + ".data"
    if top != own or not below or key == "scripts":
        return None
    return f"{top}/{key}"


def _inexpressible(paths: Sequence[str]) -> Iterator[Problem]:
    for path in paths[1:]:
        yield Problem(
            "LINKS_SCHEME",
            "identical to another, but LINKS cannot tell links in .data",
            member=path,
            found=printable(paths[0]),
            accept='encoding="zip"',
        )


def _group(paths: Sequence[str], source: PackedArchive) -> LinkGroup:
    first = source[paths[0]]
    soname = library_name(source.content(first))
    real = most_versioned(paths, soname)
    links = tuple(path for path in paths if path != real)
    saved = sum(
        source[link].packed_size - len(relative_target(link, real))
        for link in links
    )
    return LinkGroup(real, links, first.size, saved, soname)


def most_versioned(paths: Sequence[str], soname: str | None) -> str:
    """
    Which of *paths* is the real file of a library called *soname*.

    Of ``libfoo.so``, ``libfoo.so.1`` and ``libfoo.so.1.2`` the last, as it is
    where libraries are installed without wheels.  Names with the stem of
    *soname* come first, then longer versions, then greater ones, then the
    first of *paths*.
    """
    stem = library_version(basename(soname))[0] if soname else None

    def rank(path: str) -> tuple[bool, int, tuple[int, ...]]:
        own, version = library_version(basename(path))
        return own == stem, len(version), version

    return max(paths, key=rank)


# --------------------------------------------------------- what is written


class _Changes:
    """
    What is to be written in the place of what is there.

    Attributes:
        growth: Bytes of all files, inflated, after less before.
    """

    def __init__(
        self,
        wheel: Wheel,
        source: PackedArchive,
        groups: Sequence[LinkGroup],
        encoding: str,
    ) -> None:
        self._wheel = wheel
        self._source = source
        self._is_wheel2 = encoding == "links-file" and bool(groups)
        self._reals = {
            link: group.real for group in groups for link in group.links
        }
        self._targets = {
            link: relative_target(link, real).encode()
            for link, real in self._reals.items()
        }
        self._prefix = f"{wheel.dist_info}/"
        self._contents = self._new_contents() if groups else {}
        self.growth = sum(
            len(data) - (source[name].size if name in source else 0)
            for name, data in self._contents.items()
        ) - sum(source[link].size for link in self._reals)

    def judge(self) -> None:
        """
        Refuse links that our own reader would refuse.

        Raises:
            UnsafeMemberError: With the reason of each.
        """
        wheel = self._wheel
        encoding = "links" if self._is_wheel2 else "zip"
        asked = [
            AskedLink(name, text.encode("utf-8", "surrogateescape"), "zip")
            for name, text in wheel.link_targets.items()
        ]
        asked += [
            AskedLink(name, target, encoding)
            for name, target in self._targets.items()
        ]
        hidden = self._targets if self._is_wheel2 else {}
        plan = resolve(
            asked,
            {m.name: m.size for m in self._source if m.name not in hidden},
            policy=STRICT2,
            filename=wheel.filename,
            dist_info=wheel.dist_info,
        )
        if plan.problems:
            raise UnsafeMemberError(plan.problems)

    def write(self, output: Output) -> int:
        """Write the whole archive; how long it is, in bytes."""
        writer = ZipWriter(output)
        for member in self._source:
            if self._is_wheel2 and member.name == f"{self._prefix}RECORD":
                links = f"{self._prefix}LINKS"
                self._add(writer, replace(member, name=links))
            self._add(writer, member)
        return writer.finish(self._source.comment)

    def kept(self, files: Iterable[FileFact]) -> set[FileFact]:
        """Those of *files* that are to be there afterwards as before."""
        gone = {*self._reals, *self._contents}
        return {file for file in files if file.path not in gone}

    def _add(self, writer: ZipWriter, member: PackedMember) -> None:
        """Write what is to stand in the place of *member*."""
        name = member.name
        if name in self._contents:
            self._repack(writer, member, [self._contents[name]])
        elif name in self._targets:
            if not self._is_wheel2:
                target = self._targets[name]
                writer.link(name, target, dos_time=member.dos_time)
        elif self._is_wheel2 and name.startswith(self._prefix):
            self._repack(writer, member, self._source.content(member))
        else:
            writer.copy(member, self._source)

    def _repack(
        self, writer: ZipWriter, member: PackedMember, chunks: Iterable[bytes]
    ) -> None:
        data = self._contents.get(member.name)
        writer.add(
            member.name,
            chunks,
            size=member.size if data is None else len(data),
            mode=member.mode or _FILE_MODE,
            dos_time=member.dos_time,
            method=STORED if self._is_wheel2 else member.method,
        )

    def _new_contents(self) -> dict[str, bytes]:
        """The files of .dist-info that are other than before, by name."""
        if not self._is_wheel2:
            rows = {
                link: self._row(link, target)
                for link, target in self._targets.items()
            }
            return {f"{self._prefix}RECORD": self._record(rows)}
        contents = {
            name: with_wheel_version(self._wheel.read(name))
            for name in (f"{self._prefix}METADATA", f"{self._prefix}WHEEL")
        }
        name = f"{self._prefix}LINKS"
        listed = links_text(self._reals.items())
        rows = {n: self._row(n, data) for n, data in contents.items()}
        rows |= dict.fromkeys(self._reals, b"")
        contents[name] = listed
        record = self._record(rows, self._row(name, listed))
        return {**contents, f"{self._prefix}RECORD": record}

    def _record(self, rows: Mapping[str, bytes], more: bytes = b"") -> bytes:
        data = self._wheel.read(f"{self._prefix}RECORD")
        return with_rows(data, rows, more)

    def _row(self, name: str, data: bytes) -> bytes:
        return record_row(name, sha256(data).digest(), len(data))


def _publish(result: str, changes: _Changes, files: Sequence[FileFact]) -> int:
    """Write the *result*, read it back, and only then give it its name."""

    def write(staged: str) -> int:
        with open(staged, "xb") as output:
            size = changes.write(output)
        try:
            after = verify(staged, policy=Policy(links=STRICT2))
        except UnwheelError as error:
            error.wheel = result
            raise
        for lost in changes.kept(files).difference(after.files):
            raise changed(lost.path)
        return size

    return write_new(result, write)
