"""
RECORD: what every member of a wheel must be (PEP 376, PEP 427).

Pure.  A good RECORD, which nearly all are, is read in columns: a few calls
for a hundred thousand rows.  If anything is odd, it is read again row by row,
and that finds every problem.
"""

from __future__ import annotations

import re
from binascii import a2b_base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import compress

from .errors import Problem, RecordError, printable
from .paths import is_plain, problem_with_name
from .policy import Limits

# "sha256 or better" (PEP 427), by hashlib's names; bytes of a digest.
ALGORITHMS = {
    "sha256": 32,
    "sha384": 48,
    "sha512": 64,
    "sha3_256": 32,
    "sha3_384": 48,
    "sha3_512": 64,
    "blake2b": 64,
    "blake2s": 32,
}
WEAK = frozenset(
    ("md5", "sha1", "sha224", "sha3_224", "md4", "ripemd160", "crc32")
)
# Files of .dist-info that RECORD cannot, or by PEP 427 need not, list.
UNLISTED = ("RECORD", "RECORD.jws", "RECORD.p7s")

_URLSAFE = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_STANDARD = bytes.maketrans(b"-_", b"+/")
_SIZE = re.compile(r"[0-9]{1,20}")  # 2^64 has 20 digits
_PREFIX = "sha256="
_CELL = len(_PREFIX) + 43  # 32 bytes, unpadded
_SHOWN = 400  # characters


@dataclass(frozen=True, slots=True)
class Record:
    """
    A RECORD that is well-formed; what it says is unjudged.

    Every name is that of a `MemberPath`.

    Attributes:
        names: Of all rows.
        sha256: Digests by name.
        other: Algorithm, as hashlib names it, and digest by name.
        unhashed: Names of rows without a digest.
        sizes: Bytes by name, where a row has a size.
        symlinks: Targets by name, of rows "NAME,symlink=TARGET," (pybi).
    """

    names: frozenset[str]
    sha256: dict[str, bytes] = field(default_factory=dict)
    other: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    unhashed: set[str] = field(default_factory=set)
    sizes: dict[str, int] = field(default_factory=dict)
    symlinks: dict[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, data: bytes, limits: Limits = Limits()) -> Record:  # noqa: B008 - frozen
        """
        Read the *data* of RECORD.

        Raises:
            RecordError: With every problem: RECORD_NOT_UTF8, RECORD_ROWS,
                RECORD_FIELDS, RECORD_DUPLICATE, RECORD_NAME, RECORD_DIGEST,
                RECORD_WEAK, RECORD_ALGORITHM, RECORD_SIZE.
        """
        text = _text(data, limits)
        if columns := _columns(text):
            record = _from_columns(*columns, limits)
            if record is not None:
                return record
        return _from_rows(text, limits)


def record_missing(dist_info: str) -> Problem:
    """What to say of a wheel that has no RECORD."""
    return Problem(
        "RECORD_MISSING",
        "the wheel has no RECORD",
        member=f"{dist_info}/RECORD",
        accept='record="off"',
    )


def unlisted(dist_info: str) -> frozenset[str]:
    """The members that are exempt from being listed and hashed."""
    return frozenset(f"{dist_info}/{name}" for name in UNLISTED)


def judge(
    record: Record,
    members: Sequence[str],
    sizes: Sequence[int],
    dist_info: str,
    *,
    links: Mapping[str, bytes],
) -> list[Problem]:
    """
    Judge a *record* by all that can be known before content is read.

    Args:
        record: What the wheel says.
        members: Names of all files and links, not of directories.
        sizes: Bytes of each, inflated.
        dist_info: Where RECORD is.
        links: The payloads of those members that are links.
    """
    return [
        *names_problems(record, members, dist_info),
        *content_problems(record, members, sizes, dist_info, links=links),
    ]


def names_problems(
    record: Record, members: Sequence[str], dist_info: str
) -> list[Problem]:
    """A file without a row (NOT_IN_RECORD), a row without (NOT_IN_ARCHIVE)."""
    present = frozenset(members)
    if present == record.names:
        return []
    absent = present - record.names - unlisted(dist_info)
    problems = [
        _problem("NOT_IN_RECORD", "RECORD does not list it", name)
        for name in members
        if name in absent
    ]
    problems += [
        _problem("NOT_IN_ARCHIVE", "listed in RECORD, but not there", name)
        for name in sorted(record.names - present)
    ]
    return problems


def content_problems(
    record: Record,
    members: Sequence[str],
    sizes: Sequence[int],
    dist_info: str,
    *,
    links: Mapping[str, bytes],
) -> list[Problem]:
    """
    What is wrong with the rows of members that have one, links included.

    RECORD_NO_DIGEST, RECORD_SIZE_DIFFERS and, for what is or claims to be a
    link, RECORD_MISMATCH.
    """
    exempt = unlisted(dist_info)
    problems = []
    listed = map(record.sizes.get, members)
    for name, size, said in zip(members, sizes, listed):  # noqa: B905
        if said != size and said is not None and name not in exempt:
            problems.append(
                _problem(
                    "RECORD_SIZE_DIFFERS",
                    "not of the size that RECORD says",
                    name,
                    found=f"{size} bytes",
                    expected=f"{said} bytes",
                )
            )
    bare = record.unhashed.intersection(members) - exempt - links.keys()
    problems += [
        _problem("RECORD_NO_DIGEST", "RECORD has no digest of it", name)
        for name in sorted(bare)
    ]
    files = record.symlinks.keys() & set(members) - links.keys()
    problems += [
        _problem("RECORD_MISMATCH", "RECORD says that it is a link", name)
        for name in sorted(files)
    ]
    for name, payload in links.items():
        problems += _wrong_link(record, name, payload)
    return problems


def _wrong_link(
    record: Record, name: str, payload: bytes
) -> Iterator[Problem]:
    """
    Whether the row of a link is about its target text.

    The digest of what the target *contains* is no substitute: whoever repacks
    the wheel turns the link into a file and no reader would notice.
    """
    if name not in record.names:
        return
    if name in record.symlinks:
        said = record.symlinks[name].encode("utf-8", "surrogatepass")
        right = said == payload
    elif name in record.sha256:
        right = record.sha256[name] == _digest("sha256", payload)
    elif name in record.other:
        algorithm, digest = record.other[name]
        right = digest == _digest(algorithm, payload)
    else:
        right = False
    if not right:
        yield _problem(
            "RECORD_MISMATCH", "RECORD does not agree with the target", name
        )


def _digest(algorithm: str, payload: bytes) -> bytes:
    import hashlib

    return hashlib.new(algorithm, payload).digest()


def _problem(
    code: str,
    message: str,
    member: str,
    found: str | None = None,
    expected: str | None = None,
) -> Problem:
    return Problem(
        code,
        message,
        member=member,
        found=found,
        expected=expected,
        accept='record="warn"',
    )


def _text(data: bytes, limits: Limits) -> str:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RecordError(
            [
                Problem(
                    "RECORD_NOT_UTF8", "RECORD is not UTF-8", found=str(error)
                )
            ]
        ) from None
    # Rows cost memory long before anybody looks at what they say.
    if max(data.count(b"\n"), data.count(b"\r")) > limits.entries:
        raise RecordError(
            [
                Problem(
                    "RECORD_ROWS",
                    f"RECORD has more than {limits.entries} rows",
                    accept="limits.entries",
                )
            ]
        )
    return text


_Columns = tuple[list[str], list[str], list[str]]


def _columns(text: str) -> _Columns | None:
    """
    The three columns of a RECORD in the dialect that all tools write.

    None if there is a quote, a stray CR or another number of fields.  Each
    line end becomes a cell of its own, so rows that are too long and too
    short cannot make up for each other.
    """
    if '"' in text or "\0" in text:
        return None
    if "\r" in text:
        text = text.replace("\r\n", "\n")
        if "\r" in text:
            return None
    if not text.endswith("\n"):
        text += "\n"
    rows = text.count("\n")
    if text.count(",") != 2 * rows:
        return None
    cells = text.replace("\n", ",\n,").split(",")
    if cells[3::4].count("\n") != rows:
        return None
    cells.pop()  # after the last line end
    return cells[0::4], cells[1::4], cells[2::4]


def _from_columns(
    names: list[str], digests: list[str], sizes: list[str], limits: Limits
) -> Record | None:
    """The record, or None if any row is odd in any way."""
    unique = frozenset(names)
    if len(unique) != len(names) or not _all_plain(names, limits):
        return None
    raw = _sha256_column(list(filter(None, digests)))
    if raw is None or not _all_sizes(sizes):
        return None
    hashed = dict(zip(compress(names, digests), raw))  # noqa: B905
    return Record(
        names=unique,
        sha256=hashed,
        unhashed=set(unique.difference(hashed)),
        sizes=dict(
            zip(  # noqa: B905
                compress(names, sizes), map(int, filter(None, sizes))
            )
        ),
    )


def _all_plain(names: list[str], limits: Limits) -> bool:
    joined = "\0".join(names) + "\0"
    return joined.isascii() and is_plain(
        joined.encode("ascii"), max(map(len, names)), limits
    )


def _all_sizes(sizes: list[str]) -> bool:
    digits = "".join(sizes)
    return not digits or (
        digits.isascii() and digits.isdigit() and max(map(len, sizes)) <= 20
    )


def _sha256_column(cells: list[str]) -> list[bytes] | None:
    """
    The digests of *cells*, all "sha256=" and canonical unpadded base64.

    With an "A" after each, 43 digits become 44 that decode to 33 bytes.  The
    last is zero exactly if the unused bits of the 43rd digit are.
    """
    if any(length != _CELL for length in set(map(len, cells))):
        return None
    joined = "A".join(cells) + "A"
    count = len(cells)
    if joined[6 :: _CELL + 1].count("=") != count and cells:
        return None
    # With a "=" at the end of each prefix and none left, every prefix was one.
    digits = joined.replace(_PREFIX, "").encode("utf-8") if cells else b""
    if len(digits) != 44 * count or digits.translate(None, _URLSAFE):
        return None
    raw = a2b_base64(digits.translate(_STANDARD))
    if any(raw[32::33]):
        return None
    return [raw[i : i + 32] for i in range(0, len(raw), 33)]


def _from_rows(text: str, limits: Limits) -> Record:
    """The record, row by row; every problem there is, if there is one."""
    record = Record(frozenset())
    seen: set[str] = set()
    problems: list[Problem] = []
    try:
        for number, row in enumerate(_rows(text), 1):
            if len(row) != 3:
                problems.append(
                    Problem(
                        "RECORD_FIELDS",
                        f"row {number} of RECORD has not three fields",
                        found=str(len(row)),
                    )
                )
                continue
            name, digest, size = row
            if name in seen:
                problems.append(
                    Problem("RECORD_DUPLICATE", "RECORD lists it twice", name)
                )
            seen.add(name)
            problems += _wrong_name(name, limits)
            problems += _take_digest(record, name, digest)
            problems += _take_size(record, name, size)
    except _csv_error() as error:
        problems.append(
            Problem("RECORD_FIELDS", f"RECORD is no CSV file: {error}")
        )
    if problems:
        raise RecordError(problems)
    return replace(record, names=frozenset(seen))


def _rows(text: str) -> Iterable[list[str]]:
    import csv
    import io

    return csv.reader(io.StringIO(text, newline=""), strict=True)


def _csv_error() -> type[Exception]:
    import csv

    return csv.Error


def _wrong_name(name: str, limits: Limits) -> Iterator[Problem]:
    if problem := problem_with_name(name, limits):
        yield Problem(
            "RECORD_NAME",
            f"RECORD lists a name that is refused: {problem.message}",
            member=name,
            found=problem.found,
            accept=problem.accept,
        )


def _take_digest(record: Record, name: str, cell: str) -> Iterator[Problem]:
    """Put the digest of a row where it belongs, or say what is wrong."""
    if not cell:
        record.unhashed.add(name)
        return
    algorithm, equals, text = cell.partition("=")
    if algorithm == "symlink" and equals:
        record.symlinks[name] = text
        return
    problem = _wrong_algorithm(name, algorithm) if equals else None
    digest = _decode(text, ALGORITHMS.get(algorithm, 0)) if equals else None
    if problem is not None:
        yield problem
    elif digest is None:
        yield Problem(
            "RECORD_DIGEST",
            "not an algorithm, '=' and a digest in unpadded urlsafe base64",
            member=name,
            found=printable(cell[:_SHOWN]),
        )
    elif algorithm == "sha256":
        record.sha256[name] = digest
    else:
        record.other[name] = (algorithm, digest)


def _wrong_algorithm(name: str, algorithm: str) -> Problem | None:
    if algorithm in ALGORITHMS:
        return None
    weak = algorithm.lower() in WEAK
    return Problem(
        "RECORD_WEAK" if weak else "RECORD_ALGORITHM",
        "the digest must be sha256 or better"
        if weak
        else "the digest is of no algorithm that we know",
        member=name,
        found=printable(algorithm[:_SHOWN]),
        expected=", ".join(ALGORITHMS),
    )


def _decode(text: str, size: int) -> bytes | None:
    """The digest of *size* bytes that *text* is in its one right spelling."""
    digits = text.encode("utf-8", "surrogatepass")
    if len(digits) != (8 * size + 5) // 6 or digits.translate(None, _URLSAFE):
        return None
    filled = digits.translate(_STANDARD) + b"A" * (-len(digits) % 4)
    raw = a2b_base64(filled)
    # What is not digest are the unused bits of the last digit, and filling.
    return None if any(raw[size:]) else raw[:size]


def _take_size(record: Record, name: str, cell: str) -> Iterator[Problem]:
    if not cell:
        return
    if not _SIZE.fullmatch(cell) or name in record.symlinks:
        yield Problem(
            "RECORD_SIZE",
            "the size of a link is left empty"
            if name in record.symlinks
            else "the size is no plain decimal number",
            member=name,
            found=printable(cell[:_SHOWN]),
        )
        return
    record.sizes[name] = int(cell)
