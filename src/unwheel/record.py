"""
RECORD: what every member of a wheel must be (PEP 376, PEP 427).

Pure.  A good RECORD, which nearly all are, is read in columns: a few calls
for a hundred thousand rows.  If anything is odd, it is read again row by row,
and that finds every problem.
"""

from __future__ import annotations

from binascii import a2b_base64
from itertools import compress

from .errors import Problem, Problems, RecordError, printable
from .paths import is_plain, problem_with_name
from .policy import Limits
from .values import replace, value

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
    from typing import TypeAlias

    _Columns: TypeAlias = tuple[list[str], list[str], list[str]]

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
# Problems of a row that leave its name as good as before.
NOT_ABOUT_NAMES = frozenset(
    ("RECORD_DIGEST", "RECORD_WEAK", "RECORD_ALGORITHM", "RECORD_SIZE")
)
# Files of .dist-info that RECORD cannot, or by PEP 427 need not, list.
UNLISTED = ("RECORD", "RECORD.jws", "RECORD.p7s")

_URLSAFE = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_STANDARD = bytes.maketrans(b"-_", b"+/")
# The same, and "!" for what is no digit.
_AS_STANDARD = bytes(
    _STANDARD[code] if code in _URLSAFE else ord("!") for code in range(256)
)
_MOST_DIGITS = 20  # of a size: 2^64 has so many
_PREFIX = "sha256="
_DIGITS = 43  # of base64, without padding, for 32 bytes
_CELL = len(_PREFIX) + _DIGITS
_NO_SEPARATORS = bytes(set(range(256)) - set(b",\n"))
_SHOWN = 400  # characters
_ROWS_PER_ENTRY = 10
_SPARE_ROWS = 10_000
_ROW = 200  # bytes of a row without its name: the longest digest, and more
_SPARE = 1 << 20  # bytes


@value
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
    sha256: dict[str, bytes]
    other: dict[str, tuple[str, bytes]]
    unhashed: set[str]
    sizes: dict[str, int]
    symlinks: dict[str, str]

    @classmethod
    def parse(
        cls,
        data: bytes,
        limits: Limits = Limits(),  # noqa: B008 - frozen
        *,
        known: Set[str] = frozenset(),
        entries: int | None = None,
    ) -> Record:
        """
        Read the *data* of RECORD.

        Args:
            data: Its bytes.
            limits: Of names, and the rows that most entries may need.
            known: Names that have been judged already, as those of the
                entries; if RECORD has no others, none is judged again.
            entries: How many the archive has, which says what rows it needs.

        Raises:
            RecordError: With every problem: RECORD_NOT_UTF8, RECORD_ROWS,
                RECORD_FIELDS, RECORD_DUPLICATE, RECORD_NAME, RECORD_DIGEST,
                RECORD_WEAK, RECORD_ALGORITHM, RECORD_SIZE.
        """
        text, record = _quickly(data, limits, known, entries)
        return _from_rows(text, limits) if record is None else record

    @classmethod
    def read(
        cls,
        data: bytes,
        limits: Limits = Limits(),  # noqa: B008 - frozen
        *,
        known: Set[str] = frozenset(),
        entries: int | None = None,
    ) -> tuple[Record, Problems]:
        """
        The rows of *data* that can be used, and what is wrong with others.

        For who is content with less than `parse`: one bad row must not switch
        off what the others are for.  The arguments are those of `parse`.

        Raises:
            RecordError: If no row can be read (RECORD_NOT_UTF8, RECORD_ROWS).
        """
        text, record = _quickly(data, limits, known, entries)
        if record is None:
            return _read_rows(text, limits)
        return record, Problems()


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
    link_rows: bool = False,
) -> list[Problem]:
    """
    Judge a *record* by all that can be known before content is read.

    Args:
        record: What the wheel says.
        members: Names of all files and links, not of directories.
        sizes: Bytes of each, inflated.
        dist_info: Where RECORD is.
        links: The payloads of those members that are links.
        link_rows: Whether the row of a link has to tell its target, as in a
            pybi, or may have the digest of it.
    """
    return [
        *names_problems(record, members, dist_info),
        *content_problems(
            record,
            members,
            sizes,
            dist_info,
            links=links,
            link_rows=link_rows,
        ),
    ]


def names_problems(
    record: Record, members: Sequence[str], dist_info: str
) -> list[Problem]:
    """A file without a row (NOT_IN_RECORD), a row without (NOT_IN_ARCHIVE)."""
    present = frozenset(members)
    if present == record.names:
        return []
    absent = present - record.names - unlisted(dist_info)
    problems = Problems(
        _problem("NOT_IN_RECORD", "RECORD does not list it", name)
        for name in members
        if name in absent
    )
    problems.extend(
        _problem("NOT_IN_ARCHIVE", "listed in RECORD, but not there", name)
        for name in sorted(record.names - present)
    )
    return list(problems)


def content_problems(
    record: Record,
    members: Sequence[str],
    sizes: Sequence[int],
    dist_info: str,
    *,
    links: Mapping[str, bytes],
    link_rows: bool = False,
) -> list[Problem]:
    """
    What is wrong with the rows of members that have one, links included.

    RECORD_NO_DIGEST, RECORD_SIZE_DIFFERS and, for what is or claims to be a
    link, RECORD_MISMATCH.
    """
    exempt = unlisted(dist_info)
    problems = Problems(_wrong_sizes(record, members, sizes, exempt))
    bare = record.unhashed - exempt - links.keys()
    problems.extend(
        _problem("RECORD_NO_DIGEST", "RECORD has no digest of it", name)
        for name in sorted(bare.intersection(members) if bare else ())
    )
    claims = record.symlinks.keys() - links.keys()
    problems.extend(
        _problem("RECORD_MISMATCH", "RECORD says that it is a link", name)
        for name in sorted(claims.intersection(members) if claims else ())
    )
    for name, payload in links.items():
        problems.extend(_wrong_link(record, name, payload, link_rows))
    return list(problems)


def _wrong_sizes(
    record: Record,
    members: Sequence[str],
    sizes: Sequence[int],
    exempt: Set[str],
) -> Iterator[Problem]:
    listed = list(map(record.sizes.get, members))
    if listed == sizes:
        return
    differing = [
        k
        for k, (said, size) in enumerate(zip(listed, sizes, strict=True))
        if said != size
    ]
    for k in differing:
        if listed[k] is not None and members[k] not in exempt:
            yield _problem(
                "RECORD_SIZE_DIFFERS",
                "not of the size that RECORD says",
                members[k],
                found=f"{sizes[k]} bytes",
                expected=f"{listed[k]} bytes",
            )


def _wrong_link(
    record: Record, name: str, payload: bytes, link_rows: bool
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
    elif link_rows:
        right = False
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


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        problem = Problem(
            "RECORD_NOT_UTF8", "RECORD is not UTF-8", found=str(error)
        )
    raise RecordError([problem])


def _most_rows(limits: Limits, entries: int | None) -> int:
    """
    Generously, how many rows *entries* need.

    An odd row packs to less than a byte and costs us 30 microseconds, so only
    who sends a large archive may keep us busy.
    """
    if entries is None:
        return limits.entries
    return min(limits.entries, _ROWS_PER_ENTRY * entries + _SPARE_ROWS)


def limit_size(size: int, names_len: int, entries: int) -> None:
    """
    Refuse a RECORD that is larger than the wheel can need, before it is read.

    32 MB of one letter pack to 32 KB and take ten times as much memory.

    Args:
        size: Of RECORD, inflated, in bytes.
        names_len: Bytes of the names of all entries.
        entries: How many there are.

    Raises:
        RecordError: RECORD_ROWS.
    """
    most = _ROWS_PER_ENTRY * (names_len + _ROW * entries) + _SPARE
    if size > most:
        raise RecordError(
            [
                Problem(
                    "RECORD_ROWS",
                    "RECORD is larger than the wheel can need",
                    found=f"{size} bytes",
                    expected=f"at most {most}",
                    accept='record="warn"',
                )
            ]
        )


def _limit_rows(separators: bytes, most: int) -> None:
    """
    Refuse what no wheel needs.

    32 MB of commas are 32 million strings, long before anybody reads them.
    """
    rows = separators.count(b"\n")
    if rows > most or len(separators) > 8 * most + 8:
        raise RecordError(
            [
                Problem(
                    "RECORD_ROWS",
                    "RECORD has more rows than the wheel can need",
                    found=f"{rows} rows",
                    expected=f"at most {most}",
                    accept='record="warn"',
                )
            ]
        )


def _columns(text: str, separators: bytes) -> _Columns | None:
    """
    The three columns of a RECORD in the dialect that all tools write.

    None if there is a quote, a stray CR or a row without three fields.
    """
    if '"' in text or "\0" in text:
        return None
    if "\r" in text:
        text = text.replace("\r\n", "\n")
        if "\r" in text:
            return None
    if not text.endswith("\n"):
        text += "\n"
        separators += b"\n"
    if separators != b",,\n" * (len(separators) // 3):
        return None
    cells = text.replace("\n", ",").split(",")
    cells.pop()  # after the last line end
    return cells[0::3], cells[1::3], cells[2::3]


def _from_columns(
    names: list[str],
    digests: list[str],
    sizes: list[str],
    limits: Limits,
    known: Set[str],
) -> Record | None:
    """The record, or None if any row is odd in any way."""
    unique = frozenset(names)
    if len(unique) != len(names):
        return None
    if not (unique <= known or _all_plain(names, limits)):
        return None
    raw = _sha256_column(list(filter(None, digests)))
    if raw is None or not _all_sizes(sizes):
        return None
    numbers = map(int, filter(None, sizes))
    return Record(
        names=unique,
        sha256=dict(zip(compress(names, digests), raw)),  # noqa: B905
        other={},
        unhashed={
            name
            for name, digest in zip(names, digests, strict=True)
            if not digest
        },
        sizes=dict(zip(compress(names, sizes), numbers)),  # noqa: B905
        symlinks={},
    )


def _all_plain(names: list[str], limits: Limits) -> bool:
    joined = "\0".join(names) + "\0"
    return joined.isascii() and is_plain(
        joined.encode("ascii"), max(map(len, names)), limits
    )


def _all_sizes(sizes: list[str]) -> bool:
    digits = "".join(sizes)
    return not digits or (
        digits.isascii()
        and digits.isdigit()
        and max(map(len, sizes)) <= _MOST_DIGITS
    )


def _sha256_column(cells: list[str]) -> list[bytes] | None:
    """
    The digests of *cells*, all "sha256=" and canonical unpadded base64.

    With an "A" after each, 43 digits become 44 that decode to 33 bytes.  The
    last is zero exactly if the unused bits of the 43rd digit are.
    """
    count = len(cells)
    if set(map(len, cells)) - {_CELL}:
        return None
    joined = "".join(cells)
    # No digit is a "=", so where each cell has one in its place the digits
    # are what is left without the prefixes, or they are not all digits.
    if joined[len(_PREFIX) - 1 :: _CELL] != "=" * count:
        return None
    digits = (joined + _PREFIX).replace(_PREFIX, "A")
    if len(digits) != (_DIGITS + 1) * count + 1 or not digits.isascii():
        return None
    coded = digits.encode("ascii").translate(_AS_STANDARD)
    if b"!" in coded:
        return None
    raw = a2b_base64(memoryview(coded)[1:])
    if any(raw[32::33]):
        return None
    return [raw[at : at + 32] for at in range(0, len(raw), 33)]


def _quickly(
    data: bytes, limits: Limits, known: Set[str], entries: int | None
) -> tuple[str, Record | None]:
    """The text of RECORD, and what it says if no row is odd."""
    text = _decoded(data)
    separators = data.translate(None, _NO_SEPARATORS)
    _limit_rows(separators, _most_rows(limits, entries))
    columns = _columns(text, separators)
    if columns is None:
        return text, None
    return text, _from_columns(*columns, limits, known)


def _from_rows(text: str, limits: Limits) -> Record:
    """The record, row by row; every problem there is, if there is one."""
    record, problems = _read_rows(text, limits)
    if problems:
        raise RecordError(problems)
    return record


def _read_rows(text: str, limits: Limits) -> tuple[Record, Problems]:
    """The rows that can be used, and what is wrong with the others."""
    record = Record(frozenset(), {}, {}, set(), {}, {})
    seen: set[str] = set()
    names: set[str] = set()
    problems = Problems()
    try:
        for number, row in enumerate(_rows(text), 1):
            if len(row) != 3:
                problems.add(
                    Problem(
                        "RECORD_FIELDS",
                        f"row {number} of RECORD has not three fields",
                        found=str(len(row)),
                    )
                )
                continue
            name, digest, size = row
            if name in seen:
                problems.add(
                    Problem("RECORD_DUPLICATE", "RECORD lists it twice", name)
                )
            seen.add(name)
            wrong = list(_wrong_name(name, limits))
            if not wrong:
                names.add(name)
            problems.extend(wrong)
            problems.extend(_take_digest(record, name, digest))
            problems.extend(_take_size(record, name, size))
    except _csv_error() as error:
        problems.add(
            Problem("RECORD_FIELDS", f"RECORD is no CSV file: {error}")
        )
    return replace(record, names=frozenset(names)), problems


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
    if not _all_sizes([cell]) or name in record.symlinks:
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
