"""SHA-256 against hashlib, which is OpenSSL on most systems."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from unwheel import native


def openssl(data: bytes) -> bytes:
    """Hash as a Python program does."""
    return hashlib.sha256(data).digest()


@pytest.mark.parametrize("size", [256, 4 << 10, 64 << 10, 1 << 20])
@pytest.mark.parametrize("sha256", [native.sha256, openssl])
def bench_sha256(
    benchmark: Any, sha256: Callable[[bytes], bytes], size: int
) -> None:
    """One message; small ones measure the call rather than the rounds."""
    data = bytes(size)
    benchmark.group = f"SHA-256, {size} bytes"

    assert openssl(data) == benchmark(sha256, data)

    benchmark.extra_info["bytes"] = size
