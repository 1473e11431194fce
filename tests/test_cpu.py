"""The detection of what the CPU can run, against the kernel's own view."""

from __future__ import annotations

import platform
import sys
from pathlib import Path

import pytest

from unwheel._native import lib

X86 = {
    lib.UW_CPU_PCLMUL: {"pclmulqdq", "ssse3", "sse4_1"},
    lib.UW_CPU_VPCLMUL: {"vpclmulqdq", "pclmulqdq", "avx2"},
    lib.UW_CPU_SHA: {"sha_ni", "ssse3", "sse4_1"},
    lib.UW_CPU_BMI2: {"bmi2", "avx2"},
}
ARM = {
    lib.UW_CPU_ARM_PMULL: {"pmull", "crc32"},
    lib.UW_CPU_ARM_SHA2: {"sha2"},
}
MACHINES = {"x86_64": X86, "AMD64": X86, "aarch64": ARM, "arm64": ARM}


def test_finds_only_what_this_architecture_has():
    """
    No bit of another architecture, and none that nobody knows.
    """
    known = sum(MACHINES.get(platform.machine(), {}))

    unknown = lib.uw_cpu_detect() & ~known

    assert not unknown


def test_finds_the_same_each_time():
    """
    Nothing is remembered, so nothing may depend on when it is asked.
    """
    first = lib.uw_cpu_detect()

    assert {first} == {lib.uw_cpu_detect() for _ in range(100)}


@pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in MACHINES,
    reason="only Linux on x86-64 and ARMv8 lists its features in a file",
)
def test_agrees_with_the_kernel():
    """
    A bit is set exactly if /proc/cpuinfo lists all that it stands for.
    """
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    listed = next(
        set(line.split(":")[1].split())
        for line in lines
        if line.startswith(("flags", "Features"))
    )

    expected = sum(
        bit
        for bit, needed in MACHINES[platform.machine()].items()
        if needed <= listed
    )

    assert expected == lib.uw_cpu_detect()
