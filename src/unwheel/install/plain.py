"""
Requirements that are plain enough to be judged by their text alone.

Nearly all of published ones are.  What `packaging` would say of them is said
here without it: its import and its parsers take longer than a small wheel
does.  Whatever has more to it (pre-releases, epochs, other operators) is left
to it.
"""

from __future__ import annotations

import re

from ..values import value

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Mapping

# "Version specifiers", but for what is not all numbers.
_NUMBERS = r"[0-9]{1,9}(?:\.[0-9]{1,9}){0,9}"
_CLAUSE = re.compile(rf"\s*(>=|<=|!=|==|~=|<|>)\s*({_NUMBERS})(\.\*)?\s*")
_VERSION = re.compile(_NUMBERS)

# "Dependency specifiers": a name, extras, clauses and a marker.
_NAME = "[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_REQUIREMENT = re.compile(
    rf"\s*({_NAME})\s*(?:\[\s*{_NAME}(?:\s*,\s*{_NAME})*\s*\])?"
    r"\s*(?:\(([^();]*)\)\s*|([^();]*))(?:;([^\0-\x1f]*))?"
)

# A comparison of a marker; a text that no one takes for a version.
_COMPARISON = re.compile(
    r"""\s*([a-z_]+)\s*(>=|<=|!=|==|<|>)\s*(?:'([^'"]*)'|"([^'"]*)")\s*"""
)
_DEEPEST = 4  # brackets in brackets
_IN_BRACKETS = re.compile(r"\(([^()]*)\)")
# What stands for what is in brackets; no marker that is plain has these.
_ANSWERS = {True: "\1", False: "\2", None: "\3"}
_ANSWERED = {"\1": True, "\2": False}
_WORD = re.compile("(?!v[0-9])[A-Za-z][A-Za-z0-9_.-]*")

_VERSIONS = ("python_version", "python_full_version")
_WORDS = (
    "extra",
    "implementation_name",
    "os_name",
    "platform_machine",
    "platform_python_implementation",
    "platform_system",
    "sys_platform",
)


@value
class Needed:
    """
    What a requirement asks for.

    Attributes:
        name: Of the project, as it was written.
        clauses: What its version has to be, as `contains` takes it.
    """

    name: str
    clauses: str


def contains(clauses: str, version: str) -> bool | None:
    """
    Whether *clauses* ("<4, >=3.9") take *version*.

    Returns:
        None if it is not plain.
    """
    if not _VERSION.fullmatch(version):
        return None
    if not clauses.strip():
        return True
    takes = True
    for text in clauses.split(","):
        clause = _CLAUSE.fullmatch(text)
        answer = None if clause is None else _takes(clause, version)
        if answer is None:
            return None
        takes &= answer
    return takes


def _takes(clause: re.Match[str], version: str) -> bool | None:
    operator, text, is_prefix = clause.groups()
    wanted, given = _padded(text, version)
    count = text.count(".") + 1
    if operator == "~=":
        same = given[: count - 1] == wanted[: count - 1]
        plain = count > 1 and not is_prefix
        return (same and given >= wanted) if plain else None
    if is_prefix:
        if operator not in ("==", "!="):
            return None
        wanted, given = wanted[:count], given[:count]
    return _compare(operator, given, wanted)


def _compare(operator: str, given: list[int], wanted: list[int]) -> bool:
    if given == wanted:
        return operator in ("==", ">=", "<=")
    if operator in ("==", "!="):
        return operator == "!="
    return (given > wanted) == (operator[0] == ">")


def _padded(*versions: str) -> list[list[int]]:
    """The numbers of each, all as many: 3 is 3.0.0."""
    numbers = [list(map(int, version.split("."))) for version in versions]
    most = max(map(len, numbers))
    return [each + [0] * (most - len(each)) for each in numbers]


def needed(text: str, variables: Mapping[str, str]) -> Needed | bool | None:
    """
    What the requirement *text* asks for.

    Args:
        text: As Requires-Dist has it.
        variables: Of markers.

    Returns:
        False if it asks for nothing here, whatever else may be wrong with
        it; None if it is not plain.
    """
    match = _REQUIREMENT.fullmatch(text)
    if match is None:
        return None
    name, in_brackets, bare, marker = match.groups()
    holds = True if marker is None else _holds(marker, variables)
    clauses = in_brackets or bare or ""
    if not holds or contains(clauses, "0") is not None:
        return holds and Needed(name, clauses)
    return None


def _holds(marker: str, variables: Mapping[str, str]) -> bool | None:
    """Whether *marker* does; None if it is not plain."""

    def answer(match: re.Match[str]) -> str:
        return _ANSWERS[_holds(match[1], variables)]

    for _ in range(_DEEPEST):  # the innermost first
        marker = _IN_BRACKETS.sub(answer, marker)
    if "(" in marker or ")" in marker:
        return None
    unknown = False
    for part in marker.split(" or "):
        answers = [_is_so(each, variables) for each in part.split(" and ")]
        if False in answers:
            continue
        if None not in answers:
            return True
        unknown = True
    return None if unknown else False


def _is_so(comparison: str, variables: Mapping[str, str]) -> bool | None:
    match = _COMPARISON.fullmatch(comparison)
    if match is None:
        return _ANSWERED.get(comparison.strip(" "))
    name, operator, single, double = match.groups()
    text, given = single or double or "", variables.get(name, "")
    if name in _VERSIONS and "," not in text:
        return contains(operator + text, given)
    is_plain = name in _WORDS and _WORD.fullmatch(text)
    if not is_plain or operator not in ("==", "!="):
        return None
    return (given == text) == (operator == "==")
