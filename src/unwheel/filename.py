"""
The file name of a wheel, read once (PEP 427, binary distribution format).

Pure.  `packaging` is imported only when two versions differ as text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import product

from .errors import InvalidWheelError, Problem, printable
from .values import value

_WHEEL = ".whl"
_WHEEL_2 = ".whlx"  # from Wheel-Version 2 on (PEP 777)
_PYBI = ".pybi"  # a Python to be unpacked (PEP 711)
_NAME = r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._]*[A-Za-z0-9])?)"
_VERSION = r"(?P<version>[A-Za-z0-9][A-Za-z0-9._+!]*)"
_BUILD = r"(?P<build>[0-9][A-Za-z0-9._]*)"
_SET = r"[A-Za-z0-9_]+(?:\.[A-Za-z0-9_]+)*"
_TAGS = rf"(?P<python>{_SET})-(?P<abi>{_SET})-(?P<platform>{_SET})"
_FILENAME = re.compile(rf"{_NAME}-{_VERSION}(?:-{_BUILD})?-{_TAGS}\.whlx?")
_PYBI_FILENAME = re.compile(
    rf"{_NAME}-{_VERSION}(?:-{_BUILD})?-(?P<platform>{_SET})\.pybi"
)

# A hostile WHEEL file could name 10^18 tags in one line.
_MOST_TAGS = 4096


@value
class WheelFilename:
    """
    What the file name of a wheel says.

    `stem` has none but letters, digits and "._+!-", starts with a letter or
    a digit, and so is safe as the name of a directory.

    Attributes:
        stem: The file name without its extension.
        name: Of the distribution, as written.
        version: As written.
        build: The build tag, or "".
        pythons: The Python tags, lower case, as the other two.
        abis: The ABI tags.
        platforms: The platform tags.
        extension: ".whl"; ".whlx", of Wheel-Version 2 (PEP 777); or ".pybi"
            (PEP 711), which has no tags but platforms.
    """

    stem: str
    name: str
    version: str
    build: str
    pythons: tuple[str, ...]
    abis: tuple[str, ...]
    platforms: tuple[str, ...]
    extension: str = _WHEEL

    @classmethod
    def parse(cls, filename: str, *, wheel2: bool = False) -> WheelFilename:
        """
        Read *filename*, which has no directory.

        Args:
            filename: The last component of the path.
            wheel2: Whether a name of Wheel-Version 2 is taken.

        Raises:
            InvalidWheelError: If it is not the name of a wheel (FILENAME).
        """
        extension = filename[len(stem(filename)) :]
        is_pybi = extension == _PYBI
        pattern = _PYBI_FILENAME if is_pybi else _FILENAME
        found = pattern.fullmatch(filename)
        is_wheel2 = extension == _WHEEL_2
        if found is None or (is_wheel2 and not wheel2):
            raise InvalidWheelError(
                [_not_a_wheel(filename, is_wheel2 and found is not None)]
            )
        return cls(
            stem=stem(filename),
            name=found["name"],
            version=found["version"],
            build=found["build"] or "",
            pythons=() if is_pybi else _set(found["python"]),
            abis=() if is_pybi else _set(found["abi"]),
            platforms=_set(found["platform"]),
            extension=extension,
        )

    @property
    def is_wheel2(self) -> bool:
        """Whether it is of Wheel-Version 2."""
        return self.extension == _WHEEL_2

    @property
    def is_pybi(self) -> bool:
        """Whether it is no wheel but a Python."""
        return self.extension == _PYBI

    @property
    def info_suffix(self) -> str:
        """How the name of the directory of its metadata ends."""
        return ".pybi-info" if self.is_pybi else ".dist-info"

    @property
    def info_file(self) -> str:
        """What the file in there is called that tells of the format."""
        return "PYBI" if self.is_pybi else "WHEEL"

    @property
    def tags(self) -> frozenset[str]:
        """
        All tags, "python-abi-platform", of the three compressed sets.

        Those of a pybi are its platforms.
        """
        if self.is_pybi:
            return frozenset(self.platforms)
        return frozenset(expand_tags(self.pythons, self.abis, self.platforms))

    @property
    def is_pure_any(self) -> bool:
        """Whether the wheel is for every platform, with no ABI."""
        return self.abis == ("none",) and self.platforms == ("any",)


def stem(filename: str) -> str:
    """The *filename* without its extension."""
    for extension in (_WHEEL, _WHEEL_2, _PYBI):
        if filename.endswith(extension):
            return filename[: -len(extension)]
    return filename


def _set(text: str) -> tuple[str, ...]:
    """The tags of a compressed set."""
    return tuple(text.lower().split("."))


def expand_tags(
    pythons: Sequence[str], abis: Sequence[str], platforms: Sequence[str]
) -> set[str]:
    """
    Every combination of the three sets (PEP 425, compressed tag sets).

    No wheel has thousands; of a set that is so large nothing is given.
    """
    if len(pythons) * len(abis) * len(platforms) > _MOST_TAGS:
        return set()
    return set(map("-".join, product(pythons, abis, platforms)))


def for_any_platform(platforms: Sequence[str]) -> bool:
    """Whether *platforms* have a tag that every platform accepts."""
    return "any" in platforms


def for_windows_only(platforms: Sequence[str]) -> bool:
    """Whether every one of the *platforms* is Windows."""
    return bool(platforms) and all(p.startswith("win") for p in platforms)


def normalise_name(name: str) -> str:
    """The *name* of a distribution as names are compared (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def same_version(a: str, b: str) -> bool:
    """
    Whether *a* and *b* are one version (PEP 440): "1.0" and "1.0.0".

    As file names have them: "_" stands for "-".
    """
    a, b = a.replace("_", "-").lower(), b.replace("_", "-").lower()
    if a == b:
        return True
    from packaging.version import InvalidVersion, Version

    try:
        return Version(a) == Version(b)
    except InvalidVersion:
        return False


def _not_a_wheel(filename: str, is_wheel2: bool) -> Problem:
    return Problem(
        "FILENAME",
        "the file name of a wheel of version 2 (PEP 777)"
        if is_wheel2
        else "not the file name of a wheel",
        found=printable(filename),
        expected="NAME-VERSION[-BUILD]-PYTHON-ABI-PLATFORM.whl",
        accept="links.wheel2=True" if is_wheel2 else None,
    )
