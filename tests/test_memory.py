"""Memory is bounded, whatever a member's size."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from builder import STORED, WheelBuilder
from places import Place, half_noise

MIB = 1 << 20

# The high-water mark of this program alone: it starts anew with exec.
PEAK = """
import sys, unwheel
unwheel.extract(sys.argv[1], sys.argv[2])
[line] = [l for l in open("/proc/self/status") if l.startswith("VmHWM")]
print(line.split()[1])
"""


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="needs /proc/self/status"
)
@pytest.mark.skipif(
    "libasan" in os.environ.get("LD_PRELOAD", ""),
    reason="AddressSanitizer keeps what is freed",
)
def test_a_large_member_takes_no_more_memory_than_a_small_one(place: Place):
    """
    Stored or deflated, many times larger than all that may be used.
    """
    content = half_noise(48 * MIB)
    wheel = place.put(
        WheelBuilder("demo", "1.0")
        .file("demo/deflated.so", content * 2, level=1)
        .file("demo/stored.so", content * 2, method=STORED)
    )

    done = subprocess.run(
        [sys.executable, "-c", PEAK, wheel, place.dest],
        capture_output=True,
        text=True,
        check=True,
    )

    assert int(done.stdout) * 1024 <= 64 * MIB
