"""
The options of `unwheel sync`: what of a lock file, from where, where to.
"""

from __future__ import annotations

from .install_usage import (
    OVERWRITES,
    add_bytecode,
    add_manner,
    add_places,
)
from .usage import describe

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    import argparse
    from typing import Any

    from .commandline import Arguments

# What of `InstallOptions` has an option of its name.
CHOSEN = (
    "compile",
    "levels",
    "invalidation",
    "overwrite",
    "break_system_packages",
    "dry_run",
)


def add_sync(command: argparse.ArgumentParser) -> None:
    """Add all of them to *command*."""
    describe(
        command,
        "Install the wheels that a lock file names (pylock.toml, PEP 751), as"
        " pip lock,\nuv, PDM and Poetry export it.  Nothing is fetched: wheels"
        " are taken from where\nthe lock says, or from --wheels.  All are"
        " found, their digests compared, every\nbyte staged and verified,"
        " before the first is installed; of a project that is\nthere in the"
        " very version nothing is changed.  What the lock does not name is\n"
        "not removed.  Needs 'unwheel[install]'.",
        "unwheel sync pylock.toml --wheels wheelhouse --python .venv",
        "unwheel sync pylock.toml --group dev --extra plot --dry-run",
        subject="LOCK",
        alone=True,
        module="install.report unwheel.install.syncing",
    )
    _add_choice(command)
    add_places(command)
    add_bytecode(command)
    insisting = command.add_argument_group("what is not refused")
    insisting.add_argument(
        "--overwrite",
        choices=OVERWRITES,
        default="refuse",
        help="see install (default: refuse)",
    )
    insisting.add_argument(
        "--break-system-packages",
        action="store_true",
        help="a Python that another program manages",
    )
    add_manner(command)


def _add_choice(command: argparse.ArgumentParser) -> None:
    choice = command.add_argument_group("what is installed")
    for option, name, metavar, text in (
        ("--wheels", "directories", "DIR", "where wheels are, of any name"),
        ("--extra", "extras", "NAME", "an extra of the project"),
        (
            "--group",
            "groups",
            "NAME",
            "a dependency group, besides the default",
        ),
        ("--skip", "skip", "NAME", "a project to leave as it is"),
    ):
        choice.add_argument(
            option,
            action="append",
            dest=name,
            default=[],
            metavar=metavar,
            help=f"{text}; may be given again",
        )
    choice.add_argument(
        "--no-default-groups",
        dest="default_groups",
        action="store_false",
        help="not the groups that the lock calls default",
    )
    choice.add_argument(
        "--reinstall",
        action="store_true",
        help="also what is there in the very version",
    )


def contradiction(args: Arguments) -> str | None:
    """Say which options of `sync` do not go together."""
    given = vars(args)
    if "verbatim" in (given.get("links"), given.get("links.entries")):
        return "links as stored are never installed; list and extract show"
    return None


def chosen_options(args: Arguments) -> dict[str, Any]:
    """What of *args* the fields of `InstallOptions` are called after."""
    return {name: getattr(args, name) for name in CHOSEN}


def choice_of(args: Arguments) -> dict[str, Any]:
    """What of *args* the fields of `SyncChoice` are called after."""
    return {
        "extras": tuple(args.extras),
        "groups": tuple(args.groups),
        "default_groups": args.default_groups,
        "skip": tuple(args.skip),
        "reinstall": args.reinstall,
    }
