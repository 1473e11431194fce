"""
Installing wheels: a pair for `installer`, and all that is around it.

Importing this imports nothing; most of what is asked for needs the package
`installer`, as ``pip install 'unwheel[install]'`` brings it.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .destination import BatchMixIn, SchemeDestination
    from .distributions import Installed, find_installed
    from .environment import Environment, Interpreter, environment_of
    from .finishing import Finished
    from .installing import install_many
    from .options import InstallOptions
    from .report import InstallReport
    from .source import ValidationError, WheelSource
    from .streams import LinkStream, MemberStream
    from .syncing import SyncChoice, Unchanged, sync
    from .transaction import Transaction, recover

# Where each public name lives; see unwheel/__init__.py.
_HOMES = {
    "destination": ("BatchMixIn", "SchemeDestination"),
    "distributions": ("Installed", "find_installed"),
    "environment": ("Environment", "Interpreter", "environment_of"),
    "finishing": ("Finished",),
    "installing": ("install_many",),
    "options": ("InstallOptions",),
    "report": ("InstallReport",),
    "source": ("ValidationError", "WheelSource"),
    "streams": ("LinkStream", "MemberStream"),
    "syncing": ("SyncChoice", "Unchanged", "sync"),
    "transaction": ("Transaction", "recover"),
}

__all__ = [
    "BatchMixIn",
    "Environment",
    "Finished",
    "InstallOptions",
    "InstallReport",
    "Installed",
    "Interpreter",
    "LinkStream",
    "MemberStream",
    "SchemeDestination",
    "SyncChoice",
    "Transaction",
    "Unchanged",
    "ValidationError",
    "WheelSource",
    "environment_of",
    "find_installed",
    "install_many",
    "recover",
    "sync",
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
