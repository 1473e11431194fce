"""
Fuzz RECORD: any bytes are refused, or read as the csv module reads them.

Its two readers, in columns and row by row, must say the same; a RECORD that is
written from what was read must be read as that again.
"""

from __future__ import annotations

import base64
import csv
import io

from guided import check_refusal

from unwheel import Limits, RecordError
from unwheel import record as record_module
from unwheel.distinfo import record_text
from unwheel.record import ALGORITHMS, Record

LIMITS = Limits()


def check(data: bytes) -> None:
    """Raise if *data* is taken for what it is not, or fails in another way."""
    try:
        record = Record.parse(data, LIMITS)
    except RecordError as error:
        check_refusal(error)
        check_lenient(data)
        return
    rows = list(csv.reader(io.StringIO(data.decode(), newline="")))
    names = [name for name, _, _ in rows]
    assert record.names == set(names)
    assert len(record.names) == len(names)
    for name, digest, size in rows:
        check_row(record, name, digest, size)
    said = len(record.sha256) + len(record.other) + len(record.symlinks)
    assert len(names) == said + len(record.unhashed)
    check_readers(data, record)
    check_written(record)


def check_lenient(data: bytes) -> None:
    """Rows that can be used are those whose name is good."""
    try:
        record, problems = Record.read(data, LIMITS)
    except RecordError as error:
        check_refusal(error)
        return
    assert problems
    assert all(
        record_module.problem_with_name(n, LIMITS) is None
        for n in record.names
    )


def check_row(record: Record, name: str, cell: str, size: str) -> None:
    """Compare one row with what became of it."""
    assert record.sizes.get(name) == (int(size) if size else None)
    algorithm, _, text = cell.partition("=")
    if algorithm == "symlink":
        assert record.symlinks[name] == text
    elif not cell:
        assert name in record.unhashed
    else:
        digest = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        assert len(digest) == ALGORITHMS[algorithm]
        assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == text
        if algorithm == "sha256":
            assert record.sha256[name] == digest
        else:
            assert record.other[name] == (algorithm, digest)


def check_readers(data: bytes, record: Record) -> None:
    """The careful reader agrees, and so does the one that knows the names."""
    text = data.decode()
    assert record == record_module._from_rows(text, LIMITS)
    assert record == Record.parse(data, LIMITS, known=record.names)
    usable, problems = Record.read(data, LIMITS)
    assert record == usable
    assert not problems


def check_written(record: Record) -> None:
    """What is written of it is read as the same."""
    plain = record.names - record.other.keys() - record.symlinks.keys()
    rows = [
        (name, record.sha256.get(name), record.sizes.get(name))
        for name in sorted(plain)
    ]
    again = Record.parse(record_text(rows), LIMITS)
    assert again.names == plain
    assert again.sha256 == record.sha256
    assert all(again.sizes.get(n) == record.sizes.get(n) for n in plain)
