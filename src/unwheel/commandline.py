"""
The command line as it is mostly typed, read at once.

argparse, what it imports, and a parser of sixty options take 6 ms, a quarter
of the time that a small wheel takes.  So what is plain is read here, and
`options` reads all else, tells what is wrong, and helps.
"""

from __future__ import annotations

from os.path import basename

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from typing import Any


class Arguments:
    """What a command line asks for, an attribute each."""

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...

    def __init__(self, **given: object) -> None:
        vars(self).update(given)

    def __contains__(self, name: str) -> bool:
        return name in vars(self)


# What `extract` and `verify` have where no option is given, each under its
# name; and the options that are read here.
_DEFAULTS: dict[str, object] = {
    "backend": "native",
    "files": False,
    "into": None,
    "json": False,
    "quiet": False,
    "threads": None,
}
_FLAGS = {"--files": "files", "--json": "json", "--quiet": "quiet"}
_VALUES = {"--threads": "threads"}
_PLACES = {"-d": "dir", "--dir": "dir", "--into": "into"}

# All that is no knob of the policy.
_PLAIN = {*_DEFAULTS, "command", "dir", "wheels"}

_MOST_DIGITS = 4  # of a plain number of threads


def read(arguments: list[str]) -> Arguments | None:
    """
    Read the *arguments* of the command line, as `options.parse` would.

    Returns:
        None if that has to do it: they are not plain, or wrong.
    """
    if arguments[:1] == ["extract"]:
        given = _sorted_out(arguments[1:], {**_VALUES, **_PLACES})
        defaults = {**_DEFAULTS, "dir": "."}
    elif arguments[:1] == ["verify"]:
        given = _sorted_out(arguments[1:], _VALUES)
        defaults = _DEFAULTS
    else:
        return None
    if given is None or _is_odd(arguments[0], given):
        return None
    if "threads" in given:
        given["threads"] = int(given["threads"])
    return Arguments(command=arguments[0], **{**defaults, **given})


def asks_for_policy(args: Arguments) -> bool:
    """Whether *args* turn any knob of the policy."""
    return not vars(args).keys() <= _PLAIN


def named_twice(wheels: list[str]) -> str | None:
    """Name the first of *wheels* whose results have another's name."""
    seen: set[str] = set()
    for name in map(basename, wheels):
        stem = name.removesuffix(".whl").removesuffix(".whlx")
        if stem in seen:
            return name
        seen.add(stem)
    return None


def _sorted_out(
    words: list[str], values: dict[str, str]
) -> dict[str, Any] | None:
    """Options and wheels, in one piece; None if a word is anything else."""
    given: dict[str, Any] = {}
    left = iter(words)
    behind = False  # the wheels
    for word in left:
        if _is_plain(word):
            if behind:
                return None
            given.setdefault("wheels", []).append(word)
            continue
        behind = "wheels" in given
        field = _FLAGS.get(word) or values.get(word)
        if field is None or field in given:
            return None
        given[field] = True if word in _FLAGS else next(left, "")
        if not (given[field] is True or _is_plain(given[field])):
            return None
    return given


def _is_plain(word: str) -> bool:
    return word != "" and not word.startswith("-")


def _is_odd(command: str, given: dict[str, Any]) -> bool:
    """Whether what is *given* does not go together, or is not there."""
    wheels = given.get("wheels", [])
    threads = given.get("threads", "1")
    digits = threads.isascii() and threads.isdigit()
    return (
        not wheels
        or ("files" in given and "json" not in given)
        or ("into" in given and ("dir" in given or len(wheels) != 1))
        or (command == "extract" and named_twice(wheels) is not None)
        or not (digits and len(threads) <= _MOST_DIGITS and int(threads))
    )
