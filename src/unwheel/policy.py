"""
What is allowed.  Every default is the safe one.
"""

from __future__ import annotations

from .values import value

RECORD_LEVELS = ("verify", "warn", "names", "off")
PORTABLE_NAMES = ("refuse", "warn")
LINK_POLICIES = ("refuse", "strict")
EXISTING = ("refuse", "replace")
DESCRIPTORS = ("signed", "any", "refuse")

MIB = 1 << 20


@value
class Limits:
    """
    The most that a wheel may ask for; a caller may raise each (ZIP.md).

    Attributes:
        entries: Entries in the central directory.
        member_size: Bytes of one member, inflated.
        total_size: Bytes of all members, inflated.
        ratio: Inflated bytes per byte of archive.  Only judged when the
            inflated bytes exceed `ratio_floor`.
        ratio_floor: Bytes below which any ratio is harmless.
        member_ratio: Inflated bytes per packed byte of one member; DEFLATE
            cannot exceed 1,032.
        name_length: Bytes of a member's name.
        component_length: Bytes of one component of a name.
        depth: Components of a name.
        links: Symbolic links; on average, 100 components of targets may be
            walked to resolve one.
        link_target_length: Bytes of a link's target.
        metadata_size: Bytes of METADATA, and of WHEEL.
        record_size: Bytes of RECORD.
        directory_size: Bytes of the central directory; a quarter of it for the
            directories that the names imply.
    """

    entries: int = 1_000_000
    member_size: int = 1 << 40
    total_size: int = 1 << 40
    ratio: int = 50
    ratio_floor: int = 64 * MIB
    member_ratio: int = 1032
    name_length: int = 4095
    component_length: int = 255
    depth: int = 128
    links: int = 10_000
    link_target_length: int = 4095
    metadata_size: int = 4 * MIB
    record_size: int = 32 * MIB
    directory_size: int = 256 * MIB


@value
class Policy:
    """
    What a caller accepts; frozen, so one value can serve many threads.

    Attributes:
        links: "refuse" (no link at all) or "strict" (links that resolve to a
            member of the same wheel in the same scheme, platform wheels only).
        record: "verify" (every row against every byte), "warn" (the same,
            but a mismatch is only reported), "names" (what the package index
            checks: names alone), "off".
        existing: "refuse" a destination that has something in it, or
            "replace" it in one step.
        portable_names: "refuse" or "warn" of names that another system could
            not hold; "refuse" is in force anyway where the host is Windows.
        descriptors: Data descriptors (APPNOTE 4.3.9): "signed" only, "any",
            or "refuse", as the package index does for new uploads.
        durable: Flush to the disk before publishing.
        limits: The sizes allowed.
    """

    links: str = "strict"
    record: str = "verify"
    existing: str = "refuse"
    portable_names: str = "warn"
    descriptors: str = "signed"
    durable: bool = False
    limits: Limits = Limits()

    def __post_init__(self) -> None:
        """Refuse a value that is not one of the named ones."""
        for name, allowed in _ALLOWED.items():
            value = getattr(self, name)
            if value not in allowed:
                raise TypeError(
                    f"Policy.{name}: {value!r} is none of "
                    + ", ".join(map(repr, allowed))
                )


_ALLOWED = {
    "links": LINK_POLICIES,
    "record": RECORD_LEVELS,
    "existing": EXISTING,
    "portable_names": PORTABLE_NAMES,
    "descriptors": DESCRIPTORS,
}
