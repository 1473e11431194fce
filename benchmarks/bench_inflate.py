"""DEFLATE decoders on members of real wheels; one group per stream."""

from __future__ import annotations

from typing import Any

import pytest
import rivals
import streams


@pytest.mark.parametrize("name", streams.NAMES)
@pytest.mark.parametrize("rival", rivals.INFLATERS)
def bench_inflate(benchmark: Any, rival: str, name: str) -> None:
    """Whole members of a real wheel, decoded in memory."""
    stream = streams.load(name)
    try:
        inflate = rivals.INFLATERS[rival](stream.longest)
    except rivals.MissingError as error:
        pytest.skip(str(error))
    benchmark.group = f"inflate {name}, {stream.plain_len / 1e6:.1f} MB"

    assert stream.plain_len == benchmark(stream.decode, inflate)

    benchmark.extra_info["bytes"] = stream.plain_len
