#!/usr/bin/env python3
"""
What one would write from the best libraries: naive.py DIRECTORY WHEEL...

zipfile reads the archive's directory; a pool of threads inflates members whole
(with libdeflate, ISA-L or zlib: the first whose Python package is installed),
hashes them with hashlib, compares with RECORD and writes them.  Nothing else
is checked: not the names, not the sizes, not what the archive says twice.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import os
import sys
import zipfile
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

# From a raw DEFLATE stream and the size of what is in it to that.
Inflate = Callable[[bytes, int], bytes]

LOCAL_HEADER_LEN = 30  # without name and extra field, APPNOTE 4.3.7
LOCAL_NAME_LEN_AT = 26


def main(directory: str, *wheels: str) -> int:
    """Extract each wheel to a directory of its own below *directory*."""
    inflate = _fastest()
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for wheel in wheels:
            _extract(pool, inflate, Path(directory, Path(wheel).stem), wheel)
    return 0


def _fastest() -> Inflate:
    try:
        from deflate import deflate_decompress
    except ImportError:
        pass
    else:
        return lambda data, size: deflate_decompress(data, max(size, 1))
    try:
        from isal.isal_zlib import decompress
    except ImportError:
        decompress = zlib.decompress
    return lambda data, size: decompress(data, -15, max(size, 1))


def _extract(
    pool: ThreadPoolExecutor, inflate: Inflate, tree: Path, wheel: str
) -> None:
    with zipfile.ZipFile(wheel) as archive:
        members = [m for m in archive.infolist() if not m.is_dir()]
        digests = _digests(archive)
    for directory in {tree / os.path.dirname(m.filename) for m in members}:
        directory.mkdir(parents=True, exist_ok=True)
    source = os.open(wheel, os.O_RDONLY)
    try:
        one = partial(_write, source, inflate, tree, digests)
        for _ in pool.map(one, members):
            pass
    finally:
        os.close(source)


def _digests(archive: zipfile.ZipFile) -> dict[str, str]:
    """What RECORD says of each name."""
    (record,) = (
        name
        for name in archive.namelist()
        if name.endswith(".dist-info/RECORD") and name.count("/") == 1
    )
    rows = csv.reader(archive.read(record).decode().splitlines())
    return {name: digest for name, digest, _ in rows}


def _write(
    source: int,
    inflate: Inflate,
    tree: Path,
    digests: dict[str, str],
    member: zipfile.ZipInfo,
) -> None:
    plain = _packed(source, member)
    if member.compress_type != zipfile.ZIP_STORED:
        plain = inflate(plain, member.file_size)
    name, expected = member.filename, digests.get(member.filename)
    if expected:
        algorithm, _, value = expected.partition("=")
        found = hashlib.new(algorithm, plain, usedforsecurity=False).digest()
        if value != base64.urlsafe_b64encode(found).decode().rstrip("="):
            raise SystemExit(f"{name}: not what RECORD says")
    mode = 0o777 if member.external_attr >> 16 & 0o111 else 0o666
    file = os.open(tree / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with open(file, "wb", buffering=0) as out:
        if out.write(plain) != len(plain):  # 2 GiB at a time, or disk full
            raise SystemExit(f"{name}: not written whole")


def _packed(source: int, member: zipfile.ZipInfo) -> bytes:
    """Give the member's bytes; the local header's lengths are its own."""
    at = member.header_offset
    header = os.pread(source, LOCAL_HEADER_LEN, at)
    lengths = header[LOCAL_NAME_LEN_AT:]
    name_len = int.from_bytes(lengths[:2], "little")
    extra_len = int.from_bytes(lengths[2:], "little")
    at += LOCAL_HEADER_LEN + name_len + extra_len
    return os.pread(source, member.compress_size, at)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
