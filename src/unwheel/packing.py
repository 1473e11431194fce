"""
An unpacked wheel, packed: the same bytes from the same tree, every time.

What no reader should be given is refused, links first of all: nothing standard
can store one, and a build that stores it by accident installs as a text file
(LINKS.md, section 3).  What is to become of them is the caller's to say.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256

from .distinfo import (
    SIGNATURES,
    WHEEL2_SUFFIX,
    Row,
    links_text,
    name_wheel,
    record_text,
    with_wheel_version,
)
from .encodings import AskedLink, read_links_file
from .errors import (
    InvalidWheelError,
    LimitError,
    Problem,
    Problems,
    UnsafeMemberError,
    UnwheelError,
    offering,
    printable,
)
from .filename import WheelFilename
from .layout import check_layout
from .links import resolve
from .metadata import (
    CoreMetadata,
    WheelInfo,
    check_agreement,
    find_dist_info,
)
from .newfile import write_new
from .paths import UTF8_FLAG, check_names
from .policy import Limits, LinkPolicy, Policy
from .report import Report, fact_to_json, head_to_json, problem_to_json
from .treescan import Copied, TreeScan
from .values import replace, value
from .wheel import StrPath, verify
from .zipformat import DEFLATED, EPOCH, STORED, dos_time
from .zipwriter import Output, ZipWriter

LINKS = ("refuse", "copy", "zip", "links-file")

_OFFERS = tuple(f'links="{links}"' for links in LINKS)
_TAG_CODES = {"ANY_TAG", "WINDOWS_TAG"}  # a copy is as good as any file
_LIMITS = Limits()
_STRICT = replace(LinkPolicy.named("strict"), wheel2=True)
_FILE, _PROGRAM = stat.S_IFREG | 0o644, stat.S_IFREG | 0o755
_FOLDER = stat.S_IFDIR | 0o755


@value
class TreeLink:
    """
    A link of the tree, and what became of it.

    Attributes:
        path: Of the link.
        target: Its text.
        resolved: What it leads to in the end, from the root of the tree.
        outcome: "copy" (of a file), "tree" (of a folder), "zip" or
            "links-file".
    """

    path: str
    target: str
    resolved: str
    outcome: str


@value
class PackReport:
    """
    What was packed.

    Attributes:
        tree: The tree, as the caller named it.
        result: The file written.
        members: Files in it, without links and folders.
        size: Their bytes, inflated.
        archive_size: Bytes of `result`.
        links: What became of each link.
        wasted: Bytes, inflated, of the copies that stand for links.
        warnings: What a stricter reader would refuse.
        seconds: Wall time.
    """

    tree: str
    result: str
    members: int
    size: int
    archive_size: int
    links: tuple[TreeLink, ...]
    wasted: int
    warnings: tuple[Problem, ...]
    seconds: float

    def to_json(self) -> dict[str, object]:
        """
        The report, as `json.dumps` takes it.

        Besides the keys of every object (`action` is "pack", `wheel` the
        result): the other attributes, each under its name; `links` are
        objects with the attributes of `TreeLink`, `warnings` as
        `problem_to_json` says.
        """
        return {
            **head_to_json("pack", "ok", self.result),
            **fact_to_json(self),
            "links": [fact_to_json(link) for link in self.links],
            "warnings": [problem_to_json(found) for found in self.warnings],
            "seconds": round(self.seconds, 6),
        }


def pack(tree: StrPath, out: StrPath, *, links: str = "refuse") -> PackReport:
    """
    Pack *tree*, an unpacked wheel, into a wheel in the folder *out*.

    Its file name follows from METADATA and WHEEL (Name, Version, Build, Tag).
    RECORD is written anew; one that is there is ignored.  Names are sorted,
    .dist-info and in it RECORD come last; all times are SOURCE_DATE_EPOCH or
    1980-01-01; modes are 0644, or 0755 for what anybody may execute.  So the
    bytes are the same in every run with the same zlib.  Empty folders are
    kept.  The result is verified before it gets its name.

    Args:
        tree: The folder; it may be reached by a link.
        out: The folder for the result.
        links: What becomes of symbolic links in the tree:

            "refuse": All of them are listed in the error.
            "copy": The content of what they lead to, which has to be in the
                tree, as build backends do; `PackReport.wasted` says what that
                costs.
            "zip": Entries of type link (the convention of Info-ZIP).  Each
                has to be one that "strict" readers make; so none in wheels
                for any platform, or for Windows alone.
            "links-file": Rows of LINKS in .dist-info (PEP 778).  That has a
                meaning only from Wheel-Version 2.0 on, which WHEEL and
                METADATA say then; PEP 777 has such wheels end in .whlx, so
                that installers which do not know them leave them alone, and
                .dist-info stored, so that metadata can be read without a
                decompressor.  Chains become links to their last file,
                because a reader that follows the PEP to the letter looks for
                the target before it has made any link.

    Raises:
        SourceError: If the tree cannot be read, or changes meanwhile.
        InvalidWheelError: If it is no wheel.
        UnsafeMemberError: If a name, a type or a link in it is refused; all
            problems are told.
        DestinationError: If the result is there already, or the system
            refuses.
        TypeError: If *links* or SOURCE_DATE_EPOCH is none of the above.
    """
    started = time.perf_counter()
    if links not in LINKS:
        raise TypeError(f"links: {links!r} is none of {LINKS}")
    try:
        return _pack(os.fsdecode(tree), os.fsdecode(out), links, started)
    except UnwheelError as error:
        error.problems = offering(error.problems, _OFFERS)
        raise


def _pack(root: str, out: str, links: str, started: float) -> PackReport:
    when = _source_date()
    scan = TreeScan(root, follow=links == "copy")
    _judge_tree(scan, links)
    wheel = _Wheel(scan, links)
    result = os.path.join(out, wheel.name)
    after = _publish(result, wheel, when)
    return PackReport(
        tree=root,
        result=result,
        members=after.members,
        size=after.size,
        archive_size=after.archive_size,
        links=wheel.links,
        wasted=scan.copied_size,
        warnings=after.warnings,
        seconds=time.perf_counter() - started,
    )


def _source_date() -> int:
    """
    The DOS time of all members.

    Raises:
        TypeError: If SOURCE_DATE_EPOCH is no number of seconds.
    """
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given is None:
        return EPOCH
    if not (given.isascii() and given.isdigit() and len(given) < 12):
        raise TypeError(
            f"SOURCE_DATE_EPOCH is {given!r}, no number of seconds"
        )
    return dos_time(int(given))


def _publish(result: str, wheel: _Wheel, when: int) -> Report:
    """Write the *result*, read it back, and only then give it its name."""

    def write(staged: str) -> Report:
        with open(staged, "xb") as output:
            wheel.write(output, when)
        try:
            return verify(staged, policy=Policy(links=_STRICT))
        except UnwheelError as error:
            error.wheel = result
            raise

    return write_new(result, write)


# --------------------------------------------------------------- judgement


def _judge_tree(scan: TreeScan, links: str) -> None:
    """
    Refuse what our own reader would, by name and by type.

    Raises:
        UnsafeMemberError: With everything that is wrong.
    """
    problems = Problems(scan.problems)
    names = sorted([*scan.files, *scan.links, *scan.folders])
    raw = [os.fsencode(name) for name in names]
    refusals, _ = check_names(
        names,
        b"".join(name + b"\0" for name in raw),
        [0 if name.isascii() else UTF8_FLAG for name in names],
        _LIMITS,
        "warn",
    )
    problems.extend(refusals)
    if links == "refuse":
        problems.extend(
            Problem(
                "LINK_REFUSED",
                "a link, which nothing standard can store",
                member=name,
                found="-> " + printable(os.fsdecode(target)),
                accept='links="copy"',
            )
            for name, target in sorted(scan.links.items())
        )
    if problems:
        raise UnsafeMemberError(problems)


class _Wheel:
    """
    What is to be written.

    Attributes:
        name: The file name.
        links: What becomes of each link.

    Raises:
        InvalidWheelError: If it is no wheel.
        UnsafeMemberError: If a link is refused.
    """

    def __init__(self, scan: TreeScan, links: str) -> None:
        self._files = dict(scan.files)
        self._folders = scan.folders
        names = [*scan.files, *scan.links, *scan.folders]
        self._dist_info = find_dist_info(names, None)
        self._refuse_signatures()
        self._files.pop(self._path("RECORD"), None)
        self._targets = {
            name: target
            for name, target in scan.links.items()
            if name != self._path("RECORD")
        }
        self._contents: dict[str, bytes] = {}
        self.is_wheel2 = links == "links-file" and self._wants_wheel2()
        filename = self._judge_metadata()
        self.name = filename.stem + (
            WHEEL2_SUFFIX if self.is_wheel2 else ".whl"
        )
        self.links = tuple(map(_copied, scan.copied))
        if self._targets:
            self.links = self._resolve(filename)
        if self.is_wheel2:
            self._refuse_links_of_data()
            self._contents[self._path("LINKS")] = self._links_file()

    def _path(self, name: str) -> str:
        return f"{self._dist_info}/{name}"

    def _refuse_signatures(self) -> None:
        problems = [
            Problem(
                "SIGNED",
                "a signature of RECORD, which is written anew",
                member=self._path(name),
            )
            for name in SIGNATURES
            if self._path(name) in self._files
        ]
        if problems:
            raise InvalidWheelError(problems)

    def _wants_wheel2(self) -> bool:
        """Without links there is no reason to leave version 1."""
        return bool(self._targets) or self._info(wheel2=True).version[0] == 2

    def _read(self, name: str) -> bytes:
        """The content of a file of .dist-info."""
        path = self._path(name)
        if path in self._contents:
            return self._contents[path]
        file = self._files.get(path)
        if file is None:
            raise InvalidWheelError(
                [Problem("IN_METADATA", "a link in the metadata", path)]
            )
        if file.size > _LIMITS.metadata_size:
            raise LimitError(
                [
                    Problem(
                        "MEMBER_TOO_LARGE",
                        "the member is larger than is read into memory",
                        member=path,
                        found=f"{file.size} bytes",
                        expected=f"at most {_LIMITS.metadata_size}",
                    )
                ]
            )
        return b"".join(file.chunks())

    def _info(self, *, wheel2: bool) -> WheelInfo:
        try:
            return WheelInfo.parse(self._read("WHEEL"), wheel2=wheel2)
        except InvalidWheelError as error:
            raise InvalidWheelError(
                replace(p, accept=p.accept and 'links="links-file"')
                for p in error.problems
            ) from None

    def _judge_metadata(self) -> WheelFilename:
        if self.is_wheel2:
            self._turn_to_wheel2()
        info = self._info(wheel2=self.is_wheel2)
        core = CoreMetadata.parse(self._read("METADATA"))
        filename = name_wheel(core, self._read("WHEEL"))
        names = [*self._files, *self._targets, *self._folders]
        find_dist_info(names, filename)
        problems = check_layout(names, self._dist_info)[0]
        problems += check_agreement(info, core, filename)[0]
        if problems:
            raise InvalidWheelError(problems)
        self._platforms = info.platforms
        return filename

    def _turn_to_wheel2(self) -> None:
        self._files.pop(self._path("LINKS"), None)
        if self._info(wheel2=True).version[0] == 1:
            for name in ("METADATA", "WHEEL"):
                told = with_wheel_version(self._read(name))
                self._contents[self._path(name)] = told

    def _resolve(self, filename: WheelFilename) -> tuple[TreeLink, ...]:
        """What each link is to be, if our own reader would make it."""
        encoding = "links" if self.is_wheel2 else "zip"
        sizes = {name: file.size for name, file in self._files.items()}
        sizes |= dict.fromkeys(self._folders, 0)
        if not self.is_wheel2:
            sizes |= {n: len(target) for n, target in self._targets.items()}
        plan = resolve(
            [
                AskedLink(name, target, encoding)
                for name, target in sorted(self._targets.items())
            ],
            sizes,
            policy=_STRICT,
            filename=filename,
            dist_info=self._dist_info,
            platforms=self._platforms,
        )
        if plan.problems:
            raise UnsafeMemberError(
                replace(p, accept='links="copy"')
                if p.code in _TAG_CODES
                else p
                for p in plan.problems
            )
        outcome = "links-file" if self.is_wheel2 else "zip"
        return tuple(
            TreeLink(str(link.path), link.target, link.resolved, outcome)
            for link in plan.links
        )

    def _refuse_links_of_data(self) -> None:
        """PEP 778 knows none in what is installed elsewhere."""
        data = self._dist_info.removesuffix(".dist-info").casefold() + ".data/"
        problems = [
            Problem(
                "LINKS_SCHEME",
                "LINKS cannot tell links in .data",
                member=link.path,
                found="-> " + printable(link.target),
                accept='links="zip"',
            )
            for link in self.links
            if link.path.casefold().startswith(data)
        ]
        if problems:
            raise UnsafeMemberError(problems)

    def _links_file(self) -> bytes:
        """LINKS, which can tell less than links in the tree can."""
        data = links_text((link.path, link.resolved) for link in self.links)
        names = {*self._files, *self._folders}
        _, problems = read_links_file(data, names, self._dist_info, _LIMITS)
        if problems:
            raise UnsafeMemberError(
                replace(p, accept='links="zip"') for p in problems
            )
        return data

    # ----------------------------------------------------------- writing

    def write(self, output: Output, when: int) -> None:
        """Write the whole archive, with the DOS time *when*."""
        writer = ZipWriter(output)
        rows: list[Row] = []
        for name in self._order():
            if name.endswith("/"):
                writer.add(name, [], size=0, mode=_FOLDER, dos_time=when)
            elif name in self._targets:
                target = self._targets[name]
                writer.link(name, target, dos_time=when)
                rows.append((name, sha256(target).digest(), len(target)))
            else:
                rows.append(self._write_file(writer, name, when))
        record = self._path("RECORD")
        self._contents[record] = record_text([*rows, (record, None, None)])
        self._write_file(writer, record, when)
        writer.finish()

    def _order(self) -> list[str]:
        """All names but RECORD, which is the last: .dist-info at the end."""
        names = {*self._files, *self._folders, *self._contents}
        if not self.is_wheel2:
            names.update(self._targets)
        top = self._path("")
        return sorted(names, key=lambda name: (name.startswith(top), name))

    def _write_file(self, writer: ZipWriter, name: str, when: int) -> Row:
        """Write a file; what RECORD says of it."""
        state = sha256()
        file = self._files.get(name)
        if name in self._contents:
            data = self._contents[name]
            size, chunks = len(data), iter([data])
        else:
            size, chunks = self._files[name].size, self._files[name].chunks()
        is_stored = self.is_wheel2 and name.startswith(self._path(""))
        writer.add(
            name,
            _hashed(chunks, state.update),
            size=size,
            mode=_PROGRAM if file and file.executable else _FILE,
            dos_time=when,
            method=STORED if is_stored else DEFLATED,
        )
        return name, state.digest(), size


def _hashed(
    chunks: Iterable[bytes], update: Callable[[bytes], object]
) -> Iterator[bytes]:
    for chunk in chunks:
        update(chunk)
        yield chunk


def _copied(link: Copied) -> TreeLink:
    outcome = "tree" if link.is_folder else "copy"
    return TreeLink(link.name, link.target, link.resolved, outcome)
