"""
What happened, as facts in the past tense, told in the caller's thread.
"""

from __future__ import annotations

from .values import value


@value
class WheelPlanned:
    """A wheel was opened and judged; bytes start to move now."""

    wheel: str
    members: int
    size: int  # bytes, inflated


@value
class BytesDone:
    """So much of a wheel is inflated, verified and written."""

    wheel: str
    size: int  # inflated bytes so far, of the WheelPlanned.size
    members: int


@value
class WheelExtracted:
    """A wheel was published at its destination."""

    wheel: str
    destination: str
    size: int


@value
class WheelInstalled:
    """A wheel is installed: its RECORD is there."""

    wheel: str
    site: str  # the directory that its .dist-info is in
    size: int


@value
class WheelVerified:
    """A wheel was verified; nothing was written."""

    wheel: str
    size: int


@value
class WheelRefused:
    """A wheel of a bulk run was refused; the others go on."""

    wheel: str
    reason: str


@value
class StagingRemoved:
    """What a process that died had left beside the destination is gone."""

    path: str


@value
class InstallationRecovered:
    """What a run that died while it installed had left is dealt with."""

    path: str
    outcome: str  # "finished", "undone", "removed" or "kept"


Event = (
    WheelPlanned
    | BytesDone
    | WheelExtracted
    | WheelInstalled
    | WheelVerified
    | WheelRefused
    | StagingRemoved
    | InstallationRecovered
)
