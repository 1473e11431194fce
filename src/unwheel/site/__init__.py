"""
What is installed in site-packages, and how that is changed: all or nothing.

The door of this room.
"""

from __future__ import annotations

from .distributions import Installed, find_installed, owner_of
from .recovery import Recovered, recover
from .transaction import Committed, Transaction, real_paths

__all__ = [
    "Committed",
    "Installed",
    "Recovered",
    "Transaction",
    "find_installed",
    "owner_of",
    "real_paths",
    "recover",
]
