"""CRC-32 against zlib's and libdeflate's."""

from __future__ import annotations

import zlib
from typing import Any

import pytest
import rivals

from unwheel import native

RIVALS = {
    "ours": lambda: native.crc32,
    "libdeflate": rivals.libdeflate_crc32,
    "zlib": lambda: zlib.crc32,
}


@pytest.mark.parametrize("size", [256, 4 << 10, 64 << 10, 1 << 20])
@pytest.mark.parametrize("rival", RIVALS)
def bench_crc32(benchmark: Any, rival: str, size: int) -> None:
    """One buffer; small ones measure the call rather than the loop."""
    data = bytes(range(256)) * (size // 256)
    try:
        crc32 = RIVALS[rival]()
    except rivals.MissingError as error:
        pytest.skip(str(error))
    benchmark.group = f"CRC-32, {size} bytes"

    assert zlib.crc32(data) == benchmark(crc32, data)

    benchmark.extra_info["bytes"] = size
