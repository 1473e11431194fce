"""
How wheels are installed: a value, each default of which is the safe one.
"""

from __future__ import annotations

from ..values import value

OVERWRITES = ("refuse", "unowned", "all")
INVALIDATIONS = ("timestamp", "checked-hash", "unchecked-hash")
LEVELS = (0, 1, 2)


@value
class InstallOptions:
    """
    What a caller of `install_many` may choose.

    Attributes:
        compile: Whether bytecode is written.
        levels: Of optimization, for each of which it is.
        invalidation: How a Python sees that bytecode is of another source:
            by its "timestamp" and size, by a "checked-hash" of it, or not at
            all ("unchecked-hash"), as PEP 552 has it.
        overwrite: Files in the way that the replaced version does not own:
            "refuse", replace those that are "unowned", or "all".
        requested: Whether somebody asked for these wheels by name, so that
            REQUESTED is written; not for what they depend on.
        direct_url: The content of direct_url.json, for one wheel; or None.
        installer: What INSTALLER says.
        ignore_requires_python: Install for a Python that the wheel does not
            ask for.
        any_platform: Install for a platform that the wheel is not for.
        break_system_packages: Install where another program does (PEP 668).
        dry_run: Judge all, write nothing.
    """

    compile: bool = True
    levels: tuple[int, ...] = (0,)
    invalidation: str = "timestamp"
    overwrite: str = "refuse"
    requested: bool = True
    direct_url: bytes | None = None
    installer: str = "unwheel"
    ignore_requires_python: bool = False
    any_platform: bool = False
    break_system_packages: bool = False
    dry_run: bool = False

    def __post_init__(self) -> None:
        """Refuse a value that is not one of the named ones."""
        for field, allowed in (
            ("overwrite", OVERWRITES),
            ("invalidation", INVALIDATIONS),
        ):
            given = getattr(self, field)
            if given not in allowed:
                raise TypeError(
                    f"InstallOptions.{field}: {given!r} is none of "
                    + ", ".join(map(repr, allowed))
                )
        if not self.levels or not set(self.levels) <= set(LEVELS):
            raise TypeError(f"InstallOptions.levels: {self.levels!r}")
