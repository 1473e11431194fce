"""SHA-256 against hashlib, which is OpenSSL on most systems."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from unwheel import native

SIZES = [256, 4 << 10, 64 << 10, 1 << 20]


def openssl(data: bytes) -> bytes:
    """Hash as a Python program does."""
    return hashlib.sha256(data).digest()


def openssl_in_turn(a: bytes, b: bytes) -> tuple[bytes, bytes]:
    """Hash two messages as a Python program does."""
    return openssl(a), openssl(b)


def in_turn(a: bytes, b: bytes) -> tuple[bytes, bytes]:
    """Hash two messages as one that does not know of pairs."""
    return native.sha256(a), native.sha256(b)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("sha256", [native.sha256, openssl])
def bench_sha256(
    benchmark: Any, sha256: Callable[[bytes], bytes], size: int
) -> None:
    """One message; small ones measure the call rather than the rounds."""
    data = bytes(size)
    benchmark.group = f"SHA-256, {size} bytes"

    assert openssl(data) == benchmark(sha256, data)

    benchmark.extra_info["bytes"] = size


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "pair", [native.sha256_pair, in_turn, openssl_in_turn]
)
def bench_sha256_pair(
    benchmark: Any,
    pair: Callable[[bytes, bytes], tuple[bytes, bytes]],
    size: int,
) -> None:
    """Two messages of one size, at once and one after the other."""
    a, b = bytes(size), bytes([1]) * size
    benchmark.group = f"SHA-256, twice {size} bytes"

    assert openssl_in_turn(a, b) == benchmark(pair, a, b)

    benchmark.extra_info["bytes"] = 2 * size
