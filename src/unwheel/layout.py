"""
What a wheel asks an installer to put where: ".data" and entry points.

Pure.  None of it is followed here, and others will: what they would put in a
wrong place, or over something else, is refused.
"""

from __future__ import annotations

from .errors import Problem, Problems, printable
from .metadata import INFO_SUFFIX, shown, tops
from .paths import directories, problem_with_name
from .policy import Limits

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

ENTRY_POINTS_FILE = "entry_points.txt"

_LIBRARIES = ("purelib", "platlib")
_DATA_KEYS = (*_LIBRARIES, "headers", "scripts", "data")
# What stands in DEFAULT is in every group to configparser.
_SCRIPT_GROUPS = ("console_scripts", "gui_scripts", "DEFAULT")
_LIMITS = Limits()  # of the name of a script, which no caller needs to raise


def check_layout(
    names: Sequence[str], dist_info: str
) -> tuple[list[Problem], list[Problem]]:
    """
    Judge what *names* ask an installer to do: the ".data" directory.

    Binary distribution format, "The .data directory"; of what is refused or
    warned of, `Problems` keeps some of each code and counts the others.

    Returns:
        The refusals (DATA_KEY, DATA_CLASH, DIST_INFO_MANY, SCRIPT_DIRECTORY,
        SCRIPT_OVERWRITES_PYTHON) and the warnings (DATA_NAME: pip spreads any
        ".data" directory, others only that of the wheel's own name; so what
        is refused in one is refused in all, but for a key that is no place).
    """
    own = dist_info.removesuffix(INFO_SUFFIX) + ".data"
    data = tops([name for name in names if ".data/" in name], ".data")
    known = frozenset(data)  # there may be as many as names
    refusals = Problems()
    keys: set[str] = set()
    for name in names if data else ():
        top, _, path = name.partition("/")
        if top not in known:
            continue
        key, _, rest = path.partition("/")
        if _is_interpreter(key, rest):
            refusals.add(_overwrites_python(name))
        if not key:
            continue
        if key not in keys and top == own:
            refusals.extend(_wrong_key(own, key))
        keys.add(key)
        if key == "scripts" and "/" in rest:
            refusals.add(_in_a_directory(name))
    if keys.intersection(_LIBRARIES):
        refusals.extend(_wrong_places(names, known))
    warnings = Problems(_foreign(own, top) for top in data if top != own)
    return list(refusals), list(warnings)


def _foreign(own: str, top: str) -> Problem:
    return Problem(
        "DATA_NAME",
        "a .data directory that is not the wheel's own",
        member=top,
        expected=own,
    )


def _wrong_key(own: str, key: str) -> Iterable[Problem]:
    if key not in _DATA_KEYS:
        yield Problem(
            "DATA_KEY",
            "not a place to install to",
            member=f"{own}/{key}",
            expected=", ".join(_DATA_KEYS),
        )


def _in_a_directory(name: str) -> Problem:
    return Problem(
        "SCRIPT_DIRECTORY", "scripts may only be regular files", name
    )


def _is_interpreter(key: str, path: str) -> bool:
    """Whether *path* in the scheme *key* is that of a Python."""
    if key == "scripts":
        return _is_python(path)
    folder, _, name = path.lower().rpartition("/")
    if key == "data" and path == "pyvenv.cfg":
        return True  # says which interpreter a virtual environment has
    if key != "data" or not _is_python(name):
        return False
    # "data" is the prefix itself, and in it are the scripts.
    return folder in ("bin", "scripts") or (not folder and ".exe" in name)


def _wrong_places(
    names: Sequence[str], data: Collection[str]
) -> Iterator[Problem]:
    """
    What purelib and platlib put where something else of the wheel goes.

    Both are the root of the wheel to nearly every Python, and which of two
    files stays is a matter of the order in which an installer goes.  Metadata
    of another distribution would be hidden there.
    """
    taken = {name: name for name in names if not name.endswith("/")}
    for name in names:
        top, _, path = name.partition("/")
        key, _, rest = path.partition("/")
        if top not in data or key not in _LIBRARIES or not rest:
            continue
        if rest.partition("/")[0].lower().endswith(INFO_SUFFIX):
            yield Problem(
                "DIST_INFO_MANY",
                f"more than one {INFO_SUFFIX} directory once it is installed",
                member=name,
            )
        if not name.endswith("/"):
            if rest in taken:
                yield Problem(
                    "DATA_CLASH",
                    "another file of the wheel is installed there",
                    member=name,
                    found=printable(rest),
                )
            taken[rest] = name
    folders, _ = directories(taken, _LIMITS)
    for path in sorted(taken.keys() & folders):
        yield Problem(
            "DATA_CLASH",
            "another file of the wheel needs a directory there",
            member=taken[path],
            found=printable(path),
        )


def check_entry_points(data: bytes, dist_info: str) -> list[Problem]:
    """
    Judge entry_points.txt: the names of the scripts that it asks for.

    An installer makes a file of each name beside the interpreter, so it has
    to be a file name, and not that of the interpreter itself (entry points
    specification, "Use for scripts").

    Returns:
        The refusals: ENTRY_POINT_NAME, SCRIPT_OVERWRITES_PYTHON.
    """
    member = f"{dist_info}/{ENTRY_POINTS_FILE}"
    problems = Problems()
    for name in _script_names(data.decode("utf-8", "surrogateescape")):
        problem = problem_with_name(name, _LIMITS)
        if problem is not None or "/" in name:
            problems.add(
                Problem(
                    "ENTRY_POINT_NAME",
                    "the name of a script is no file name"
                    + (f": {problem.message}" if problem else ""),
                    member=member,
                    found=shown([name]),
                )
            )
        elif _is_python(name):
            problems.add(_overwrites_python(member, name))
    return list(problems)


def _script_names(text: str) -> Iterator[str]:
    """
    The names in those groups of entry_points.txt that become scripts.

    Readers differ about what ends a line, and whether an indented one can
    begin a group; so this gives what any of them takes for a name.
    """
    plain = text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")
    physical, broken = plain.split("\n"), plain.splitlines()
    for lines in [physical] if physical == broken else [physical, broken]:
        scripts = False
        for line in lines:
            bare = line.strip()
            if bare.startswith("["):
                groups = {
                    bare[1:].partition("]")[0].strip(),  # configparser
                    bare.strip("[]").strip(),  # importlib.metadata
                }
                # An indented one may be but the rest of a value.
                scripts = (scripts and line[:1] != "[") or not (
                    groups.isdisjoint(_SCRIPT_GROUPS)
                )
            elif scripts and bare[:1] != "#":
                # A ";" begins a comment for some, a ":" a value.
                name, equals, _ = bare.partition("=")
                first, colon, _ = name.partition(":")
                if equals:
                    yield name.rstrip()
                if colon:
                    yield first.rstrip()


def _is_python(script: str) -> bool:
    import re

    pattern = r"pythonw?[0-9.]*t?(?:\.exe)?"
    return re.fullmatch(pattern, script, re.IGNORECASE) is not None


def _overwrites_python(member: str, found: str | None = None) -> Problem:
    return Problem(
        "SCRIPT_OVERWRITES_PYTHON",
        "the script would replace the interpreter",
        member=member,
        found=found,
    )
