"""
A wheel under judgement: what is known of it so far.  Pure.
"""

from __future__ import annotations

from .backend import Archive
from .contents import Kinds
from .errors import LimitError
from .filename import WheelFilename
from .findings import Findings
from .metadata import WheelInfo
from .policy import Policy
from .values import replace

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Mapping


class Subject:
    """
    What is known of a wheel, filled in as it is judged.

    Attributes:
        archive: It, open.
        table: Its entries.
        wheel: As the caller named it.
        policy: What is allowed.
        findings: What is wrong with it.
        filename: Its file name, parsed.
        kinds: Which entries are files, directories and links.
        dist_info: Where its metadata is.
        index: Of its entries, by name.
        info: WHEEL, or None if it cannot be read.
        contact: Whom METADATA says to tell, or None.
    """

    filename: WheelFilename
    kinds: Kinds
    dist_info: str
    index: Mapping[str, int]
    info: WheelInfo | None = None
    contact: str | None = None

    def __init__(self, archive: Archive, wheel: str, policy: Policy) -> None:
        self.archive = archive
        self.table = archive.entries
        self.wheel = wheel
        self.policy = policy
        self.findings = Findings(wheel)

    def read(self, index: int, knob: str) -> bytes:
        """
        The content of a member, by the limit that is called *knob*.

        Raises:
            LimitError: If it is larger; *knob* would accept it.
            CorruptMemberError: If it is not what the archive says.
        """
        try:
            limit: int = getattr(self.policy.limits, knob)
            return self.archive.read(index, limit)
        except LimitError as error:
            accept = f"limits.{knob}"
            problems = [replace(p, accept=accept) for p in error.problems]
            raise LimitError(problems) from None

    def read_info(self, name: str, knob: str) -> bytes:
        """The content of the file *name* of its metadata; see `read`."""
        return self.read(self.index[f"{self.dist_info}/{name}"], knob)
