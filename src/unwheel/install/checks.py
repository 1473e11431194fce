"""
Whether a wheel suits an environment: the Python, the tags, what it needs.

Pure, but for the look at what is installed.  METADATA is a stranger's: each
text in it is bounded before `packaging` reads it, and whatever that makes of
it is told, never raised.
"""

from __future__ import annotations

import os
from functools import lru_cache

from ..errors import DestinationError, Problem, printable
from ..filename import normalise_name
from ..metadata import shown
from .plain import Needed, contains, needed

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ..filename import WheelFilename
    from .environment import Environment, Interpreter

# More than any project has, and few enough to be read in a moment.
_MOST_REQUIREMENTS = 2000
_LONGEST = 4000  # characters of a requirement, or of Requires-Python
_SHOWN_TAGS = 3
_SHOWN = 400

# packaging refuses by ValueError; some of what it cannot read it does not
# expect: brackets in brackets, numbers of a thousand digits.
_UNREADABLE = (ValueError, RecursionError)


def check_environment(environment: Environment) -> None:
    """
    Refuse a Python that somebody else manages (PEP 668).

    Raises:
        DestinationError: EXTERNALLY_MANAGED, with what that one has to say.
    """
    if environment.is_own and environment.python.managed is not None:
        path, text = environment.python.managed
        raise DestinationError(
            [
                Problem(
                    "EXTERNALLY_MANAGED",
                    f"{_reason(text)} (PEP 668)",
                    found=printable(path),
                    expected="a virtual environment, --target or --prefix",
                    accept="break_system_packages=True",
                )
            ]
        )


def _reason(text: str) -> str:
    """What the *text* of EXTERNALLY-MANAGED wants people to read."""
    from configparser import ConfigParser, Error

    file = ConfigParser(interpolation=None)
    try:
        file.read_string(text)
        said = file["externally-managed"]["Error"]
    except (Error, KeyError):
        said = "this Python is managed by another program"
    text = " ".join(said.split())
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


def wrong_tags(
    filename: WheelFilename, python: Interpreter
) -> Iterator[Problem]:
    """Say so if no tag of the *filename* is one of the *python* (PEP 425)."""
    tags = filename.tags
    if tags.isdisjoint(python.tags):
        best = ", ".join(python.tags[:_SHOWN_TAGS])
        more = len(python.tags) - _SHOWN_TAGS
        yield Problem(
            "TAGS_UNSUPPORTED",
            f"the wheel is not for {_name(python)} on this platform",
            found=shown(sorted(tags)),
            expected=f"{best} or one of {more} others",
            accept="any_platform=True",
        )


def wrong_python(
    fields: Mapping[str, Sequence[str]], python: Interpreter
) -> Iterator[Problem]:
    """Say so if the *python* is none that the *fields* of METADATA ask for."""
    for text in _asked(fields):
        if _suits(text, python.version) is False:
            yield Problem(
                "REQUIRES_PYTHON",
                "the wheel asks for another Python",
                found=python.version,
                expected=_short(text),
                accept="ignore_requires_python=True",
            )


def unread_python(
    fields: Mapping[str, Sequence[str]], python: Interpreter
) -> Iterator[Problem]:
    """
    Tell if nobody can read what Python the *fields* of METADATA ask for.

    Published wheels have a plain "3" there; pip, too, takes them for any.
    """
    for text in _asked(fields):
        if _suits(text, python.version) is None:
            yield Problem(
                "REQUIREMENT",
                "what Python the wheel asks for cannot be read",
                found=_short(text),
            )


def _asked(fields: Mapping[str, Sequence[str]]) -> Sequence[str]:
    """What Python is asked for; none, or one."""
    return fields.get("requires-python", [])[:1]


@lru_cache(maxsize=_MOST_REQUIREMENTS)  # the same few in many wheels
def _suits(text: str, version: str) -> bool | None:
    """Whether *text* takes that *version*; None if it cannot be read."""
    if len(text) > _LONGEST:
        return None
    plain = contains(text, version)
    if plain is not None:
        return plain
    from packaging.specifiers import SpecifierSet

    try:
        return SpecifierSet(text).contains(version, prereleases=True)
    except _UNREADABLE:
        return None


def unmet(
    fields: Mapping[str, Sequence[str]],
    python: Interpreter,
    installed: Mapping[str, str],
) -> Iterator[Problem]:
    """
    Tell what the wheel needs that is not there.  Nothing is looked for.

    Args:
        fields: Of METADATA.
        python: Decides which requirements hold.
        installed: The versions that are there or about to be, by normalized
            name.
    """
    asked = fields.get("requires-dist", [])
    variables = {**python.markers, "extra": ""}
    for text in asked[:_MOST_REQUIREMENTS]:
        try:
            problem = _unmet(text, variables, installed)
        except _UNREADABLE:
            problem = Problem(
                "REQUIREMENT",
                "a requirement that cannot be read",
                found=_short(text),
            )
        if problem is not None:
            yield problem
    if (more := len(asked) - _MOST_REQUIREMENTS) > 0:
        yield Problem(
            "REQUIREMENT",
            "more requirements than are read",
            found=f"{more} more",
        )


def _unmet(
    text: str, variables: Mapping[str, str], installed: Mapping[str, str]
) -> Problem | None:
    """What one requirement lacks, or None."""
    if len(text) > _LONGEST:
        raise ValueError(text)
    asked = needed(text, variables)
    if asked is None:
        asked = _needed(text, variables)
    if isinstance(asked, bool):
        return None
    version = installed.get(normalise_name(asked.name))
    if version is None:
        return Problem(
            "DEPENDENCY_MISSING",
            f"{printable(asked.name)} is needed and not installed",
            expected=_short(text),
        )
    if _contains(asked.clauses, version):
        return None
    return Problem(
        "DEPENDENCY_VERSION",
        f"another version of {printable(asked.name)} is needed",
        found=_short(version),
        expected=_short(text),
    )


def _needed(text: str, variables: Mapping[str, str]) -> Needed | bool:
    """The same as `needed`, of every requirement that can be read."""
    from packaging.requirements import Requirement

    asked = Requirement(text)
    if asked.marker is not None and not asked.marker.evaluate({**variables}):
        return False
    return Needed(asked.name, str(asked.specifier))


def _contains(clauses: str, version: str) -> bool:
    plain = contains(clauses, version)
    if plain is not None:
        return plain
    from packaging.specifiers import SpecifierSet

    return SpecifierSet(clauses).contains(version, prereleases=True)


def installed_versions(directories: Iterable[str]) -> dict[str, str]:
    """
    What is installed in *directories*, by normalized name.

    By the names of the directories alone, as they have to be (Recording
    installed projects); of two, that in the first one counts.
    """
    found: dict[str, str] = {}
    for directory in directories:
        try:
            names = os.listdir(directory)
        except OSError:  # it need not exist yet, or be a zip file
            continue
        for name in names:
            stem, _, suffix = name.rpartition(".")
            if suffix in ("dist-info", "egg-info"):
                project, _, version = stem.partition("-")
                version = version.partition("-py")[0]
                found.setdefault(normalise_name(project), version)
    return found


def _name(python: Interpreter) -> str:
    return f"{python.implementation} {python.version}"


def _short(text: str) -> str:
    return printable(text[:_SHOWN])
