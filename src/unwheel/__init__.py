"""
Unwheel takes Python wheels apart: verified while it writes, safe, fast.

>>> import unwheel
>>> unwheel.__version__
'0.1.0'
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .backend import Entry, EntryTable
    from .comparing import Difference, compare
    from .errors import (
        ArchiveError,
        CorruptMemberError,
        DestinationError,
        InvalidWheelError,
        LimitError,
        LockError,
        MismatchError,
        Problem,
        RecordError,
        SourceError,
        UnsafeMemberError,
        UnsuitableError,
        UnsupportedError,
        UnwheelError,
    )
    from .events import (
        BytesDone,
        Event,
        InstallationRecovered,
        StagingRemoved,
        WheelExtracted,
        WheelInstalled,
        WheelPlanned,
        WheelRefused,
        WheelVerified,
    )
    from .links import Link, LinkPlan
    from .packing import PackReport, TreeLink, pack
    from .paths import MemberPath
    from .plan import Plan
    from .policy import Limits, LinkPolicy, Policy
    from .relinking import RelinkReport, relink
    from .repeats import LinkGroup
    from .report import FileFact, LinkFact, Report
    from .wheel import Wheel, extract, extract_many, verify, verify_many

__version__ = "0.1.0"

# Where each public name lives: importing the package imports none of them,
# so that a program that only needs one pays for one.
_HOMES = {
    "backend": ("Entry", "EntryTable"),
    "comparing": ("Difference", "compare"),
    "errors": (
        "ArchiveError",
        "CorruptMemberError",
        "DestinationError",
        "InvalidWheelError",
        "LimitError",
        "LockError",
        "MismatchError",
        "Problem",
        "RecordError",
        "SourceError",
        "UnsafeMemberError",
        "UnsuitableError",
        "UnsupportedError",
        "UnwheelError",
    ),
    "events": (
        "BytesDone",
        "Event",
        "InstallationRecovered",
        "StagingRemoved",
        "WheelExtracted",
        "WheelInstalled",
        "WheelPlanned",
        "WheelRefused",
        "WheelVerified",
    ),
    "links": ("Link", "LinkPlan"),
    "packing": ("PackReport", "TreeLink", "pack"),
    "paths": ("MemberPath",),
    "plan": ("Plan",),
    "policy": ("Limits", "LinkPolicy", "Policy"),
    "relinking": ("RelinkReport", "relink"),
    "repeats": ("LinkGroup",),
    "report": ("FileFact", "LinkFact", "Report"),
    "wheel": ("Wheel", "extract", "extract_many", "verify", "verify_many"),
}

__all__ = [
    "ArchiveError",
    "BytesDone",
    "CorruptMemberError",
    "DestinationError",
    "Difference",
    "Entry",
    "EntryTable",
    "Event",
    "FileFact",
    "InstallationRecovered",
    "InvalidWheelError",
    "LimitError",
    "Limits",
    "Link",
    "LinkFact",
    "LinkGroup",
    "LinkPlan",
    "LinkPolicy",
    "LockError",
    "MemberPath",
    "MismatchError",
    "PackReport",
    "Plan",
    "Policy",
    "Problem",
    "RecordError",
    "RelinkReport",
    "Report",
    "SourceError",
    "StagingRemoved",
    "TreeLink",
    "UnsafeMemberError",
    "UnsuitableError",
    "UnsupportedError",
    "UnwheelError",
    "Wheel",
    "WheelExtracted",
    "WheelInstalled",
    "WheelPlanned",
    "WheelRefused",
    "WheelVerified",
    "__version__",
    "compare",
    "extract",
    "extract_many",
    "pack",
    "relink",
    "verify",
    "verify_many",
]


def __getattr__(name: str) -> object:
    """Import the home of *name* when it is first asked for."""
    for module, names in _HOMES.items():
        if name in names:
            from importlib import import_module

            value = getattr(import_module("." + module, __name__), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
