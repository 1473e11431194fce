"""
What is allowed.  Every default is the safe one.
"""

from __future__ import annotations

from .values import fields_of, replace, value

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from typing import Any

# Who reads the bytes of members, and whose readings can be compared.
BACKENDS = ("native", "libarchive")
READINGS = ("directory", "headers", "libarchive", "stream", "zipfile")

RECORD_LEVELS = ("verify", "warn", "names", "off")
PORTABLE_NAMES = ("refuse", "warn")
EXISTING = ("refuse", "replace", "merge")
EXISTING_LINKS = ("inside", "refuse", "follow")
DESCRIPTORS = ("signed", "any", "refuse")
DEDUPES = ("copy", "hardlink", "off")
MTIMES = ("now", "archive", "SOURCE_DATE_EPOCH")

LINK_POLICIES = (
    "refuse", "strict", "portable", "editable", "text", "verbatim",
)  # fmt: skip
LINK_ENTRIES = ("refuse", "link", "text", "verbatim")
TAG_KNOBS = ("refuse", "allow")
HOST_CANNOT = ("refuse", "stand-in", "pth")
STAND_INS = ("hardlink", "reflink", "copy")
ENCODINGS = ("axle",)

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
class LinkPolicy:
    """
    What becomes of symbolic links: a value, each knob of which can be changed.

    ``LinkPolicy.named("strict").replace(any_tag="allow")``

    Attributes:
        name: Of the named policy that it was made from, one of
            `LINK_POLICIES`; it has no other effect.
        entries: What a link becomes: "refuse" it and the wheel; a "link",
            resolved and judged; a regular file with its target's "text", as
            pip and zipfile write; or a link as stored, "verbatim", unjudged,
            which is never an install.
        any_tag: "refuse" or "allow" links in a wheel that is for any platform
            by its file name or by WHEEL (those of LINKS always may be there).
        windows_tag: The same, in a wheel that is for Windows alone.
        host_cannot: Where no link can be made: "refuse"; a "stand-in", as
            *stand_ins* says; or for package folders of an editable wheel a
            line in a "pth" file, and a stand-in for the others.
        stand_ins: What may stand in for a link: some of "hardlink", "reflink"
            and "copy", tried in this order, whatever that of the tuple.
        chain_limit: Links followed to resolve one, itself the first.
        max_copied_size: Bytes of all stand-ins, hard links counted too.
        max_copied_entries: Files and folders of all stand-ins.
        editable_root: A directory that links may lead into, though it is
            outside the wheel (PEP 660); "" for none.
        inter_package: Whether a link may lead to a file of another installed
            distribution in the same site folder.
        wheel2: Whether Wheel-Version 2 is known, and with it LINKS (PEP 778).
        encodings: Encodings that are realised though another tool's run time
            does so later: "axle" (symlinks.txt of wheel-axle).
        installed_record: Whether RECORD is written anew where links stand, so
            that each of its rows is what a reader of that name sees.
    """

    name: str = "strict"
    entries: str = "link"
    any_tag: str = "refuse"
    windows_tag: str = "refuse"
    host_cannot: str = "refuse"
    stand_ins: tuple[str, ...] = STAND_INS
    chain_limit: int = 16
    max_copied_size: int = 4096 * MIB
    max_copied_entries: int = 100_000
    editable_root: str = ""
    inter_package: bool = False
    wheel2: bool = False
    encodings: tuple[str, ...] = ()
    installed_record: bool = True

    def __post_init__(self) -> None:
        """Refuse a value that is not one of the named ones."""
        _check_choices(self, _LINK_CHOICES)
        for knob, allowed in (
            ("stand_ins", STAND_INS),
            ("encodings", ENCODINGS),
        ):
            given = getattr(self, knob)
            if not isinstance(given, tuple) or not set(given) <= set(allowed):
                raise TypeError(
                    f"LinkPolicy.{knob}: {given!r} is no tuple of "
                    + ", ".join(map(repr, allowed))
                )

    @classmethod
    def named(cls, name: str) -> LinkPolicy:
        """
        One of `LINK_POLICIES`.

        Raises:
            TypeError: If there is none of that name.
        """
        if name not in _NAMED:
            raise TypeError(_none_of("Policy.links", name, LINK_POLICIES))
        return cls(name=name, **_NAMED[name])

    def replace(self, **knobs: Any) -> LinkPolicy:
        """
        A copy with other *knobs*, whose name stays.

        Raises:
            TypeError: If one does not exist, or cannot have that value.
        """
        return replace(self, **knobs)

    @property
    def takes_wheel2(self) -> bool:
        """
        Whether a wheel of version 2 is taken.

        Who looks at one as it is stored need not know what it means.
        """
        return self.wheel2 or self.entries == "verbatim"

    @property
    def changed(self) -> tuple[str, ...]:
        """The knobs that differ from the named policy's."""
        named = LinkPolicy.named(self.name)
        return tuple(
            knob
            for (knob, mine), (_, its) in zip(
                fields_of(self), fields_of(named), strict=True
            )
            if mine != its
        )


# The named policies (LINKS.md, 5.2), by what they change in "strict".
_NAMED: dict[str, dict[str, Any]] = {
    "refuse": {"entries": "refuse"},
    "strict": {},
    "portable": {
        "any_tag": "allow",
        "windows_tag": "allow",
        "host_cannot": "stand-in",
    },
    "editable": {
        "any_tag": "allow",
        "windows_tag": "allow",
        "host_cannot": "pth",
        "stand_ins": ("hardlink",),
    },
    "text": {"entries": "text", "installed_record": False},
    "verbatim": {
        "entries": "verbatim",
        "any_tag": "allow",
        "windows_tag": "allow",
        "installed_record": False,
    },
}


@value
class Policy:
    """
    What a caller accepts; frozen, so one value can serve many threads.

    Attributes:
        links: A `LinkPolicy`, or the name of one: "refuse" (no link at all),
            "strict" (links that resolve to a member of the same wheel in the
            same scheme, platform wheels only), "portable" (any wheel; where no
            link can be made, a hard link or a copy stands in), "editable"
            (also into `LinkPolicy.editable_root`), "text" (a file with the
            target's text, as pip writes), "verbatim" (as stored, to look at).
        record: "verify" (every row against every byte), "warn" (the same,
            but a mismatch is only reported), "names" (what the package index
            checks: names alone), "off".
        existing: "refuse" a destination that has something in it, "replace"
            it in one step, or "merge" into it, name by name, RECORD last.
        existing_links: What a folder that "merge" meets may be: a link whose
            real path stays "inside" the destination; never a link ("refuse");
            any link ("follow").  A link in the place of a file is replaced,
            never written through.
        portable_names: "refuse" or "warn" of names that another system could
            not hold; "refuse" is in force anyway where the host is Windows.
        descriptors: Data descriptors (APPNOTE 4.3.9): "signed" only, "any",
            or "refuse", as the package index does for new uploads.
        durable: Flush to the disk, before publishing and after it: a crash
            later than that leaves all of it.  If only the second flush fails,
            that is raised although the tree is published.  An installation
            is flushed before its first name changes and before its journal
            goes: a crash at any time leaves the old or the new, and a flush
            that fails takes it back.
        mtime: Times of modification: "now"; those of the "archive" (extended
            timestamps, else DOS times as UTC); those in the environment's
            "SOURCE_DATE_EPOCH"; or seconds since 1970.  Of an installation
            those of the wheel's files: links, folders, scripts, bytecode and
            RECORD have the time at which they are made.
        dedupe: Members with the same packed bytes are inflated once and
            written again by a reflink or a "copy", or as a "hardlink", which
            shares later writes too; "off" inflates each.
        limits: The sizes allowed.
    """

    links: str | LinkPolicy = "strict"
    record: str = "verify"
    existing: str = "refuse"
    existing_links: str = "inside"
    portable_names: str = "warn"
    descriptors: str = "signed"
    durable: bool = False
    mtime: str | int = "now"
    dedupe: str = "copy"
    limits: Limits = Limits()

    def __post_init__(self) -> None:
        """Refuse a value that is not one of the named ones."""
        if not isinstance(self.links, LinkPolicy):
            LinkPolicy.named(self.links)
        if type(self.mtime) is not int:
            if self.mtime not in MTIMES:
                raise TypeError(_none_of("Policy.mtime", self.mtime, MTIMES))
        elif self.mtime.bit_length() > 63:
            raise TypeError(f"Policy.mtime: {self.mtime} is not of 64 bits")
        _check_choices(self, _CHOICES)

    @property
    def link_policy(self) -> LinkPolicy:
        """What `links` stands for."""
        if isinstance(self.links, LinkPolicy):
            return self.links
        return LinkPolicy.named(self.links)


_LINK_CHOICES = {
    "name": LINK_POLICIES,
    "entries": LINK_ENTRIES,
    "any_tag": TAG_KNOBS,
    "windows_tag": TAG_KNOBS,
    "host_cannot": HOST_CANNOT,
}
_CHOICES = {
    "record": RECORD_LEVELS,
    "existing": EXISTING,
    "existing_links": EXISTING_LINKS,
    "portable_names": PORTABLE_NAMES,
    "descriptors": DESCRIPTORS,
    "dedupe": DEDUPES,
}


def _check_choices(
    policy: Policy | LinkPolicy, choices: dict[str, tuple[str, ...]]
) -> None:
    for knob, allowed in choices.items():
        given = getattr(policy, knob)
        if given not in allowed:
            where = f"{type(policy).__name__}.{knob}"
            raise TypeError(_none_of(where, given, allowed))


def _none_of(where: str, given: object, allowed: tuple[str, ...]) -> str:
    return f"{where}: {given!r} is none of " + ", ".join(map(repr, allowed))
