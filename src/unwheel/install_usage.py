"""
The options of `unwheel install`: where to, for whom, and how.
"""

from __future__ import annotations

import argparse
from os.path import basename, lexists

from .filename import named_alike
from .knobs import add_knobs
from .usage import add_threads, describe

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from typing import Any

    from .commandline import Arguments

INVALIDATIONS = ("timestamp", "checked-hash", "unchecked-hash")
OVERWRITES = ("refuse", "unowned", "all")
LEVELS = ("0", "1", "2")

# What an installation has no use for: it always merges, makes no links but
# judged ones, and writes RECORD anew.
UNUSED = {"existing", "existing_links", "links.installed_record"}

# What of `InstallOptions` has an option of its name.
CHOSEN = (
    "compile",
    "invalidation",
    "overwrite",
    "requested",
    "ignore_requires_python",
    "any_platform",
    "break_system_packages",
    "dry_run",
)


def add_install(command: argparse.ArgumentParser) -> None:
    """Add all of them to *command*."""
    describe(
        command,
        "Install every WHEEL: files, scripts, entry points, bytecode and"
        " RECORD, as pip\nwould, every byte verified.  Another version of the"
        " same project is replaced.\nEach wheel is there when all of it is, or"
        " not at all; what a killed run left is\nfinished or undone by the"
        " next one.  Dependencies are not looked for: what is\nmissing is"
        " told.  Needs 'unwheel[install]'.",
        "unwheel install dist/*.whl",
        "unwheel install --python .venv wheels/*.whl",
        "unwheel install --target layer/python --no-compile requests-*.whl",
        "unwheel install --root pkg --prefix /usr demo-1.0-py3-none-any.whl",
        "unwheel install --dry-run --json numpy-*.whl",
        module="install.report",
    )
    add_places(command)
    _add_metadata(command)
    add_bytecode(command)
    _add_insisting(command)
    add_manner(command)


def add_manner(command: argparse.ArgumentParser) -> None:
    """Add whether to write, with how many threads, and what is accepted."""
    command.add_argument(
        "--dry-run",
        action="store_true",
        help="judge everything, say what would be done, write nothing",
    )
    add_threads(command)
    add_knobs(command, UNUSED)


def add_places(command: argparse.ArgumentParser) -> None:
    """Add where to install."""
    places = command.add_argument_group("where to")
    places.add_argument(
        "--python",
        metavar="EXE",
        type=_named,
        help="the Python to install for, or the directory of a virtual"
        " environment (default: the Python that runs this)",
    )
    layout = places.add_mutually_exclusive_group()
    layout.add_argument(
        "--target",
        metavar="DIR",
        type=_named,
        help="a directory for packages; scripts and data go below it",
    )
    layout.add_argument(
        "--prefix",
        metavar="DIR",
        type=_named,
        help="instead of the prefix of the Python",
    )
    places.add_argument(
        "--root",
        metavar="DIR",
        type=_named,
        help="what stands for / on the disk; nothing that is written names it",
    )


def _named(path: str) -> str:
    """
    The *path*, which has to say something.

    An empty one, of a variable that is not set, would mean here.
    """
    if not path:
        raise argparse.ArgumentTypeError("the path has no name")
    return path


def _add_metadata(command: argparse.ArgumentParser) -> None:
    metadata = command.add_argument_group("what is recorded")
    metadata.add_argument(
        "--no-requested",
        dest="requested",
        action="store_false",
        help="write no REQUESTED: another package needs these wheels",
    )
    metadata.add_argument(
        "--direct-url",
        metavar="FILE",
        help="install FILE as direct_url.json (PEP 610) of the only WHEEL",
    )


def add_bytecode(command: argparse.ArgumentParser) -> None:
    """Add what is compiled."""
    bytecode = command.add_argument_group("bytecode")
    bytecode.add_argument(
        "--compile",
        action="store_true",
        default=True,
        help="compile Python files (default)",
    )
    bytecode.add_argument(
        "--no-compile",
        dest="compile",
        action="store_false",
        help="leave that to the Python that imports them",
    )
    bytecode.add_argument(
        "--invalidation",
        choices=INVALIDATIONS,
        default="timestamp",
        help="how Python sees that a source has changed (PEP 552) (default:"
        " timestamp)",
    )
    bytecode.add_argument(
        "-O",
        "--optimize",
        dest="levels",
        type=_levels,
        metavar="LIST",
        default=(0,),
        help="levels of optimization, of 0,1,2 (default: 0)",
    )


def _levels(typed: str) -> tuple[int, ...]:
    levels = typed.split(",")
    if not set(levels) <= set(LEVELS) or len(set(levels)) < len(levels):
        raise argparse.ArgumentTypeError(
            f"{typed!r} is no list, by commas, of {', '.join(LEVELS)}"
        )
    return tuple(map(int, levels))


def _add_insisting(command: argparse.ArgumentParser) -> None:
    insisting = command.add_argument_group("what is not refused")
    insisting.add_argument(
        "--overwrite",
        choices=OVERWRITES,
        default="refuse",
        help="files in the way that are not of the version that is replaced:"
        " refuse, replace those that no package owns, or all (default:"
        " refuse)",
    )
    for option, text in (
        ("--ignore-requires-python", "a Python that the wheel does not want"),
        ("--any-platform", "wheels for other Pythons and platforms"),
        ("--break-system-packages", "a Python that another program manages"),
    ):
        insisting.add_argument(option, action="store_true", help=text)


def contradiction(args: Arguments) -> str | None:
    """Say which options of `install` do not go together."""
    for wheel in args.wheels:
        if ".whl" not in wheel and not lexists(wheel):  # as pip would take it
            return f"{wheel!r} is no file; nothing is looked for elsewhere"
    if twice := named_alike(map(basename, args.wheels)):
        return f"two wheels of one project, the second is {twice}"
    if args.direct_url is not None and len(args.wheels) != 1:
        return "--direct-url takes exactly one wheel"
    given = vars(args)
    if "verbatim" in (given.get("links"), given.get("links.entries")):
        return "links as stored are never installed; list and extract show"
    return None


def chosen_options(args: Arguments) -> dict[str, Any]:
    """What of *args* the fields of `InstallOptions` are called after."""
    chosen: dict[str, Any] = {name: getattr(args, name) for name in CHOSEN}
    return {**chosen, "levels": args.levels}
