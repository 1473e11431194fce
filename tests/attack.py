"""
An attack, as data: a lie in an honest wheel, and what has to be said of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from builder import (
    WheelBuilder,
    digest_of,
)
from places import demo

from unwheel import (
    LinkPolicy,
    Policy,
    UnwheelError,
)

MIB = 1 << 20
INFO = "demo-1.0.dist-info"
FIRST = "demo/__init__.py"
SHA = digest_of(b"answer = 42\n")

# In the name of everything that an attack would put outside.
EVIL = "unwheel-evil"
# A directory that links and absolute names lead to.
OUTSIDE = "/tmp/unwheel-evil"

Build = Callable[[WheelBuilder], WheelBuilder]

DEFAULT = Policy()
PORTABLE = Policy(portable_names="refuse")
WHEEL2 = LinkPolicy.named("strict").replace(wheel2=True)


@dataclass(frozen=True)
class Attack:
    """
    A lie, and what has to be said of it.

    Attributes:
        build: Puts the lie into an honest wheel.
        kind: The class of the error: whose fault it is.
        code: The reason.
        member: Whom the error names; None if it is about no member.
        tag: Of the wheel.
        policy: The default, unless the attack is about another.
        called: The file name; the one that fits the wheel if None.
    """

    build: Build
    kind: type[UnwheelError]
    code: str
    member: str | None = None
    tag: str = "py3-none-any"
    policy: Policy = DEFAULT
    called: str | None = None

    def wheel(self) -> WheelBuilder:
        """The wheel with the lie in it, to be built or to be added to."""
        return self.build(demo(self.tag))

    def write(self, directory: Path) -> Path:
        """Write the wheel into *directory*, under its name."""
        wheel = self.wheel()
        path = directory / (self.called or wheel.filename)
        path.write_bytes(wheel.build())
        return path


def packed(stream: bytes, data: bytes = b"x" * 100) -> Build:
    """A member whose DEFLATE stream is *stream*."""
    return lambda b: b.file("demo/x", data, packed=stream)


def of_version_2(builder: WheelBuilder) -> WheelBuilder:
    """Make it a wheel of version 2 (PEP 777), in which LINKS has a meaning."""
    metadata = "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n"
    tag = f"Root-Is-Purelib: false\nTag: {builder.tag}\n"
    return builder.info("METADATA", metadata + "Wheel-Version: 2.0\n").info(
        "WHEEL", f"Wheel-Version: 2.0\n{tag}"
    )
