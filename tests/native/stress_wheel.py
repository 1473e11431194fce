"""
Make the wheel for the stress test: python stress_wheel.py DIRECTORY

It has what the crew treats in different ways: members large enough to be split
between two threads, stored ones, many small ones, directories, repeats.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

sys.path.insert(1, str(Path(__file__).resolve().parent.parent))

from builder import STORED, WheelBuilder


def main() -> int:
    """Print the path of the wheel."""
    words = [bytes(random.Random(k).randbytes(k % 9 + 2)) for k in range(500)]
    chance = random.Random(1)
    wheel = WheelBuilder("stress")
    for index, size in enumerate((4_000_000, 1_200_000, 600_000)):
        text = b"".join(chance.choices(words, k=size // 6))
        wheel.file(f"big/{index}.so", text, mode=0o755)
    wheel.file("big/stored.bin", chance.randbytes(900_000), method=STORED)
    for index in range(90):
        wheel.file(f"pkg/{index % 7}/{index}.py", b"x = 1\n" * index)
    for index, member in enumerate(wheel.members[:4] * 3):
        mode = 0o755 if index % 2 else 0o644
        path = f"again/{index % 3}/{index}"
        wheel.file(path, member.data, method=member.method, mode=mode)
    for index in range(60):
        wheel.file(f"pkg/{index % 7}/{index}.txt", b"same\n" * 4000)
    wheel.directory("empty/")
    print(wheel.write(Path(sys.argv[1])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
