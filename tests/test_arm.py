"""The ARMv8 variants, cross-compiled and run under an emulator."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import zlib
from pathlib import Path

import pytest
from hashes import CSRC, message

from unwheel._native import lib

COMPILER = shutil.which("aarch64-linux-gnu-gcc")
EMULATOR = shutil.which("qemu-aarch64") or shutil.which("qemu-aarch64-static")
DRIVER = Path(__file__).resolve().parent / "arm" / "driver.c"
ROOMS = ("cpu", "cpu_posix", "crc32", "crc32_arm", "sha256", "sha256_arm")
FLAGS = ("-std=c11", "-O2", "-static", "-Wall", "-Wextra", "-Werror")
# Undefined behaviour kills the driver: there is no sanitizer run-time here.
TRAPS = ("-fsanitize=undefined", "-fsanitize-undefined-trap-on-error")

BOTH = lib.UW_CPU_ARM_PMULL | lib.UW_CPU_ARM_SHA2
CPUS = (0, lib.UW_CPU_ARM_PMULL, lib.UW_CPU_ARM_SHA2, BOTH)
CALLS = [
    *((0, 0, size) for size in range(1101)),
    *((start, 0, 1021) for start in range(32)),
    *((0, split, 300) for split in range(301)),
    (1, 0, 65537),
]
PAIRS = [*((size, 7 * size % 301) for size in range(301)), (40000, 30000)]

pytestmark = [
    pytest.mark.skipif(
        COMPILER is None, reason="this host has no aarch64-linux-gnu-gcc"
    ),
    pytest.mark.skipif(
        EMULATOR is None, reason="this host has no qemu-aarch64"
    ),
]


def expected_line(data: bytes, cpu: int, call: tuple[int, int, int]) -> str:
    """What driver.c has to print for *call*: start, split, size."""
    start, split, size = call
    part = data[start : start + size]
    digest = hashlib.sha256(part).hexdigest()
    return f"{cpu} {start} {split} {size} {zlib.crc32(part):08x} {digest}"


def expected_pair(data: bytes, cpu: int, sizes: tuple[int, int]) -> str:
    """What it has to print for two messages, the second after the first."""
    size, other = sizes
    digest = hashlib.sha256(data[:size]).hexdigest()
    other_digest = hashlib.sha256(data[size : size + other]).hexdigest()
    return f"{cpu} pair {size} {other} {digest} {other_digest}"


def expected_lines(data: bytes, cpu: int) -> list[str]:
    """All that it has to print for *cpu*."""
    return [
        *(expected_line(data, cpu, call) for call in CALLS),
        *(expected_pair(data, cpu, sizes) for sizes in PAIRS),
    ]


@pytest.mark.parametrize("extra", [(), TRAPS], ids=["plain", "sanitized"])
def test_each_arm_variant_agrees_with_zlib_and_hashlib(tmp_path, extra):
    """
    All lengths, alignments and splits, with each subset of the CPU's bits.
    """
    program = tmp_path / "driver"
    sources = [str(CSRC / f"{room}.c") for room in ROOMS]
    data = message(70000)

    subprocess.run(
        [
            *(COMPILER, *FLAGS, *extra, f"-I{CSRC}", "-o", str(program)),
            *(str(DRIVER), *sources),
        ],
        check=True,
    )
    output = subprocess.run(
        [EMULATOR, "-cpu", "max", str(program)],
        input=data,
        stdout=subprocess.PIPE,
        check=True,
    ).stdout.decode("ascii")

    assert [
        f"detected {BOTH}",
        *(line for cpu in CPUS for line in expected_lines(data, cpu)),
    ] == output.splitlines()
