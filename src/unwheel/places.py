"""
How two paths lie to each other, as this system compares paths.

Nothing is looked at: whoever asks has resolved links before.
"""

from __future__ import annotations

import os


def is_below(root: str, path: str) -> bool:
    """Whether the absolute *path* is *root* or below it."""
    root, path = os.path.normcase(root), os.path.normcase(path)
    return path == root or path.startswith(os.path.join(root, ""))


def name_below(root: str, path: str) -> str:
    """The name of *path*, which is below *root*, '/'-separated."""
    return path[len(os.path.join(root, "")) :].replace(os.sep, "/")
