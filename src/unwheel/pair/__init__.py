"""
A source and a destination for the package `installer`, which it needs.

The door of this room.
"""

from __future__ import annotations

from .destination import BatchMixIn, SchemeDestination
from .finishing import Finished, check_infos
from .source import ValidationError, WheelSource
from .streams import LinkStream, MemberStream

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .source import Content as Content

__all__ = [
    "BatchMixIn",
    "Finished",
    "LinkStream",
    "MemberStream",
    "SchemeDestination",
    "ValidationError",
    "WheelSource",
    "check_infos",
]
