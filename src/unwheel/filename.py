"""
The file name of a wheel, read once (PEP 427, binary distribution format).

Pure.  `packaging` is imported only when two versions differ as text.
"""

from __future__ import annotations

from itertools import product

from .errors import InvalidWheelError, Problem, printable
from .values import value

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_WHEEL = ".whl"
_WHEEL_2 = ".whlx"  # from Wheel-Version 2 on (PEP 777)
_PYBI = ".pybi"  # a Python to be unpacked (PEP 711)
_DIGITS = "0123456789"
_ALNUM = _DIGITS + "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

# A hostile WHEEL file could name 10^18 tags in one line.
_MOST_TAGS = 4096

# Characters of a version: more than a file name can have, and fewer digits
# than the 4,300 of which Python makes a number.
_LONGEST_VERSION = 1000


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
        bare = stem(filename)
        extension = filename[len(bare) :]
        is_pybi = extension == _PYBI
        is_wheel2 = extension == _WHEEL_2
        parts = _split(bare, tags=1 if is_pybi else 3) if extension else None
        if parts is None or (is_wheel2 and not wheel2):
            raise InvalidWheelError(
                [_not_a_wheel(filename, is_wheel2 and parts is not None)]
            )
        return cls(
            stem=bare,
            name=parts[0],
            version=parts[1],
            build=parts[2],
            pythons=() if is_pybi else _set(parts[3]),
            abis=() if is_pybi else _set(parts[4]),
            platforms=_set(parts[-1]),
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


def _split(bare: str, *, tags: int) -> list[str] | None:
    """
    Name, version, build tag or "", and the *tags*; None if one cannot be.
    """
    parts = bare.split("-")
    if len(parts) == 2 + tags:
        parts.insert(2, "")
    elif len(parts) != 3 + tags or not parts[2]:
        return None
    name, version, build, *sets = parts
    good = (
        _is_of_these(name, _ALNUM + "._")
        and name[0] in _ALNUM
        and name[-1] in _ALNUM
        and _is_of_these(version, _ALNUM + "._+!")
        and version[0] in _ALNUM
        and (not build or _is_of_these(build, _ALNUM + "._"))
        and build[:1] in _DIGITS
        and all(_is_of_these(tag, _ALNUM + "_") for tag in _tags(sets))
    )
    return parts if good else None


def _is_of_these(text: str, characters: str) -> bool:
    """Whether *text* has some of the *characters*, and no others."""
    return bool(text) and not text.strip(characters)


def _tags(sets: Sequence[str]) -> list[str]:
    return [tag for text in sets for tag in text.split(".")]


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
    name = name.replace("_", "-").replace(".", "-").lower()
    while "--" in name:
        name = name.replace("--", "-")
    return name


def named_alike(filenames: Iterable[str]) -> str | None:
    """The first of *filenames* that is of the project of one before it."""
    seen: set[str] = set()
    for name in filenames:
        project = normalise_name(stem(name).partition("-")[0])
        if project in seen:
            return name
        seen.add(project)
    return None


def same_version(a: str, b: str) -> bool:
    """
    Whether *a* and *b* are one version (PEP 440): "1.0" and "1.0.0".

    As file names have them: "_" stands for "-".  What is too long for a file
    name is no other version's spelling, nor is one of other characters:
    packaging takes a long s in "post", and all of Unicode's spaces around it.
    """
    a, b = a.replace("_", "-").lower(), b.replace("_", "-").lower()
    if a == b:
        return True
    if max(len(a), len(b)) > _LONGEST_VERSION:
        return False
    if not _is_of_these(a + b, _ALNUM + "._+!-"):
        return False
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
