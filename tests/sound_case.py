"""
A wheel that is odd and sound, as data.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attack import Build
from builder import WheelBuilder
from places import demo

from unwheel import Policy

DEFAULT = Policy()


@dataclass(frozen=True)
class Sound:
    """
    A wheel that is odd, and that has to be taken.

    Attributes:
        build: Puts what is odd into a plain wheel.
        tag: Of the wheel.
        policy: The default, unless only a knob makes it sound.
        warnings: The reason codes that it is told with, in order.
        called: The file name; the one that fits the wheel if None.
        more: Files that are written beside the members.
    """

    build: Build
    tag: str = "py3-none-any"
    policy: Policy = DEFAULT
    warnings: tuple[str, ...] = ()
    called: str | None = None
    more: tuple[str, ...] = ()

    def wheel(self) -> WheelBuilder:
        """The wheel, to be built or to be added to."""
        return self.build(demo(self.tag))

    def write(self, directory: Path) -> Path:
        """Write the wheel into *directory*, under its name."""
        wheel = self.wheel()
        path = directory / (self.called or wheel.filename)
        path.write_bytes(wheel.build())
        return path


def member(data: bytes = b"x", **facts: Any) -> Sound:
    """A file demo/x, of which something is odd; *facts* as in `file`."""
    return Sound(lambda b: b.file("demo/x", data, **facts))


def both(data: bytes = b"x", **facts: Any) -> Sound:
    """A file of which both headers say the same odd thing."""
    return member(data, local=facts, central=facts)
