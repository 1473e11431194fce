"""
The verdict on one link: which letter of the table, why, and who says better.

Pure, but that it asks a `Host` what only the destination knows: whether links
can be made there and, if a knob of the policy asks, what is there already.
"""

from __future__ import annotations

from collections.abc import Iterator

from .encodings import LINKS, AskedLink
from .outcomes import (
    EDITABLE_FILE,
    EDITABLE_FOLDER,
    EDITABLE_PACKAGE,
    OTHER_WHEEL_OWNED,
    PLATFORM,
    letter_of,
)
from .policy import STAND_INS, Limits, LinkPolicy
from .standins import Cost, StandIns
from .targets import CHAIN, FILE, FOLDER, Found
from .values import replace, value

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from typing import Protocol
else:
    Protocol = object

KINDS = {
    FILE: "file",
    CHAIN: "file",
    FOLDER: "folder",
    OTHER_WHEEL_OWNED: "file",
    EDITABLE_FILE: "file",
    EDITABLE_FOLDER: "folder",
    EDITABLE_PACKAGE: "folder",
}
_EDITABLE = (EDITABLE_FILE, EDITABLE_FOLDER, EDITABLE_PACKAGE)

# The longest chain a kernel follows: Linux 40; it is no use to suggest more.
_MOST_FOLLOWED = 40


class Host(Protocol):
    """What is asked of the place where links are to be made."""

    def can_link(self) -> bool:
        """Whether symbolic links can be made there."""

    def can_hardlink(self) -> bool:
        """Whether hard links can be made there."""

    def editable(self, folder: str, text: str) -> tuple[str, str] | None:
        """
        What is at *text*, an absolute path or one from *folder* there.

        Returns:
            "file" or "folder" and its absolute real path, if that is
            `LinkPolicy.editable_root` or below; else None.
        """

    def owned(self, path: str) -> bool:
        """Whether *path* is a file of exactly one installed distribution."""


class AnyHost:
    """A host that can make links, and has nothing that is not in the wheel."""

    def can_link(self) -> bool:
        """Yes."""
        return True

    def can_hardlink(self) -> bool:
        """Yes."""
        return True

    def editable(self, folder: str, text: str) -> tuple[str, str] | None:  # noqa: ARG002
        """Nothing."""
        return None

    def owned(self, path: str) -> bool:  # noqa: ARG002
        """No."""
        return False


def split_place(place: str) -> tuple[str, str]:
    """
    The folder above the absolute real path *place*, and its name there.

    Of either system: that of Windows never begins with a slash, and to the
    others a backslash is a letter.
    """
    if place.startswith("/"):
        above, _, name = place.rpartition("/")
        return above or "/", name
    cut = max(place.rfind("/"), place.rfind("\\"))
    drive = place[cut - 1 : cut] == ":"  # whose root is not the drive itself
    return place[: cut + drive], place[cut + 1 :]


@value
class Case:
    """A link, with all that can be known of it."""

    asked: AskedLink
    found: Found
    beyond: str = ""  # what it leads to outside, if a knob asks and it exists
    place: str = ""  # where that is

    @property
    def leads_to(self) -> str:
        """The kind of what it leads to, before any policy."""
        return KINDS.get(self.beyond or self.found.kind, "")

    @property
    def text(self) -> str:
        """What a link that is made of it holds."""
        return self.place if self.beyond in _EDITABLE else self.found.text

    def kind(self, policy: LinkPolicy) -> str:
        """The row of the table; some are there only if a knob asks."""
        kind = self.found.kind
        if self.beyond == OTHER_WHEEL_OWNED:
            kind = self.beyond if policy.inter_package else kind
        elif self.beyond:
            kind = self.beyond if policy.editable_root else kind
        too_deep = kind in KINDS and self.found.hops > policy.chain_limit
        return "TOO_DEEP" if too_deep else kind


class Judge:
    """Finds what becomes of each link of one wheel, on one host."""

    def __init__(
        self,
        policy: LinkPolicy,
        tag: str,
        host: Host,
        copies: StandIns,
        limits: Limits,
    ) -> None:
        """
        Args:
            policy: What is accepted.
            tag: What the wheel is for: PLATFORM, ANY_TAG or WINDOWS_TAG.
            host: Where the links are to be.
            copies: What it takes to do without links.
            limits: Of the names of stand-ins.
        """
        self._policy = policy
        self._tag = tag
        self._host = host
        self._copies = copies
        self._limits = limits
        self._can_link = host.can_link()
        self._can_hardlink: bool | None = None
        self._accepted: dict[object, str | None] = {}

    def case(self, asked: AskedLink, found: Found) -> Case:
        """Ask the host about what the wheel itself cannot say."""
        if asked.fault is not None:
            wrong = Found(asked.fault, found.text)
            if asked.fault == "BAD_TARGET":  # nobody has read it
                wrong = replace(
                    wrong,
                    detail="longer than is allowed",
                    accept="limits.link_target_length",
                )
            return Case(asked, wrong)
        is_folder = found.kind == FOLDER
        if found.is_good and asked.is_folder not in (None, is_folder):
            detail = "said to be a " + ("file" if is_folder else "folder")
            return Case(asked, Found("BAD_TARGET", found.text, detail=detail))
        if self._policy.entries != "link":
            return Case(asked, found)
        if found.kind == "OTHER_WHEEL" and self._policy.inter_package:
            return self._inter_package(asked, found)
        if found.outside is not None and self._policy.editable_root:
            return self._editable(asked, found, *found.outside)
        return Case(asked, found)

    def _inter_package(self, asked: AskedLink, found: Found) -> Case:
        top = found.path.partition("/")[0].casefold()
        metadata = top.endswith((".dist-info", ".data"))
        as_folder = found.text.endswith(("/", "/."))  # which no file is
        if metadata or as_folder or not self._host.owned(found.path):
            return Case(asked, found)
        return Case(asked, found, OTHER_WHEEL_OWNED, found.path)

    def _editable(
        self, asked: AskedLink, found: Found, folder: str, text: str
    ) -> Case:
        there = self._host.editable(folder, text)
        if there is None:
            return Case(asked, found)
        kind, place = there
        if kind == "file":
            return Case(asked, found, EDITABLE_FILE, place)
        above, name = split_place(place)
        # A line of a .pth file adds the folder above, so that has to be the
        # caller's as well, and the package has to be known by its own name.
        if (
            found.kind == "ABSOLUTE"
            and asked.path == name
            and self._host.editable("", above)
        ):
            return Case(asked, found, EDITABLE_PACKAGE, place)
        return Case(asked, found, EDITABLE_FOLDER, place)

    def verdict(
        self, case: Case, policy: LinkPolicy
    ) -> tuple[str, str | None]:
        """The letter of the table by *policy*, and the reason if it is X."""
        kind = case.kind(policy)
        tag = self._tag
        if case.asked.encoding == LINKS:
            if policy.entries == "verbatim":
                return "V", None
            if not policy.wheel2:
                return "X", "WHEEL_VERSION"
            if policy.entries == "text":
                return "X", "LINK_REFUSED"
            tag = PLATFORM  # LINKS is the encoding for every platform
        letter = letter_of(kind, policy, tag, self._can_link)
        if letter == "X":
            return "X", self._reason(kind, policy, tag)
        if letter == "H" and not self._can_stand_in(policy):
            return "X", "HOST_CANNOT"
        return letter, None

    def _reason(self, kind: str, policy: LinkPolicy, tag: str) -> str:
        """Which of what chose the cell is to blame for its X."""
        if policy.entries == "refuse":
            policy = replace(policy, entries="link")
        if letter_of(kind, policy, PLATFORM, True) == "X":
            outside = kind in ("ABSOLUTE", "ESCAPES") and policy.editable_root
            return "EDITABLE_ROOT" if outside else kind
        if letter_of(kind, policy, tag, True) == "X":
            return tag
        if letter_of(kind, policy, tag, self._can_link) == "X":
            return "HOST_CANNOT"
        return "LINK_REFUSED"

    def _can_stand_in(self, policy: LinkPolicy) -> bool:
        if policy.stand_ins != ("hardlink",):
            return bool(policy.stand_ins)
        if self._can_hardlink is None:
            self._can_hardlink = self._host.can_hardlink()
        return self._can_hardlink

    def affords(self, cost: Cost, policy: LinkPolicy) -> bool:
        """Whether stand-ins may *cost* that much."""
        return (
            cost.entries <= policy.max_copied_entries
            and cost.size <= policy.max_copied_size
            and cost.names <= self._limits.directory_size
        )

    def accept(self, case: Case, total: Cost | None) -> str | None:
        """
        The first policy or single knob that would take the link here.

        Found by trying.

        Args:
            case: The link.
            total: The cost that was too high, if that was the reason.
        """
        found = case.found
        if found.accept or found.kind == "TOO_MANY_LINKS":
            return found.accept or "limits.links"
        need = total or Cost()
        if total is None and found.is_good and not self._can_link:
            need = self._copies.cost(case.asked.path, found)
        hops = min(found.hops, _MOST_FOLLOWED + 1)
        key = (found.kind, hops, case.beyond, case.asked.encoding, need)
        if key not in self._accepted:
            self._accepted[key] = next(
                (
                    label
                    for label, policy in _others(self._policy, found, need)
                    if self._takes(case, policy, need)
                ),
                None,
            )
        return self._accepted[key]

    def _takes(self, case: Case, policy: LinkPolicy, need: Cost) -> bool:
        letter, _ = self.verdict(case, policy)
        return letter != "X" and (letter != "H" or self.affords(need, policy))


def _others(
    policy: LinkPolicy, found: Found, need: Cost
) -> Iterator[tuple[str, LinkPolicy]]:
    """What to try instead of *policy*, what does not install last."""
    for name in ("strict", "portable", "editable"):
        yield f'links="{name}"', LinkPolicy.named(name)
    for knob, setting in (
        ("entries", "link"),
        ("any_tag", "allow"),
        ("windows_tag", "allow"),
        ("host_cannot", "stand-in"),
        ("host_cannot", "pth"),
        ("chain_limit", min(found.hops, _MOST_FOLLOWED)),
        ("wheel2", True),
        ("max_copied_size", need.size),
        ("max_copied_entries", need.entries),
    ):
        shown = f'"{setting}"' if isinstance(setting, str) else setting
        yield f"links.{knob}={shown}", policy.replace(**{knob: setting})
    yield f"links.stand_ins={STAND_INS}", policy.replace(stand_ins=STAND_INS)
    for name in ("verbatim", "text"):
        yield f'links="{name}"', LinkPolicy.named(name)
