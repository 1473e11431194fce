"""
What the command line asks for: the commands, and the options they take.

Made when a command runs; `unwheel --version` never comes here.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

from . import __version__
from .commandline import Arguments, named_twice
from .install_usage import add_install
from .install_usage import contradiction as _install_contradiction
from .knobs import (
    KNOBS,
    LIMITS,
    LINKS,
    PACK_LINKS,
    RELINK_ENCODINGS,
    WRITTEN,
    add_knobs,
)
from .policy import LINK_POLICIES, READINGS
from .sync_usage import add_sync
from .sync_usage import contradiction as _sync_contradiction
from .usage import (
    HELP,
    STATUSES,
    add_backend,
    add_files,
    add_output,
    add_threads,
    describe,
    some_size,
)


def parse(arguments: list[str]) -> Arguments:
    """
    Read the *arguments* of the command line.

    Raises:
        SystemExit: If they are wrong (2), or ask for help or version (0).
    """
    parser = _parser(arguments)
    args = parser.parse_args(_links_named(arguments), Arguments())
    if wrong := _contradiction(args):
        parser.error(wrong)
    return args


def _contradiction(args: Arguments) -> str | None:
    """Say which options do not go together, if there are such."""
    if args.files and not args.json:
        return "--files needs --json"
    if args.into is not None and len(args.wheels) != 1:
        return "--into takes exactly one wheel; -d takes many"
    renamed = args.command in ("extract", "relink")
    if renamed and (twice := named_twice(args.wheels)):
        return f"two wheels are named as {twice}: one place for both"
    if args.command == "relink" and (missing := _missing(args)):
        return f"{missing} is needed, or --dry-run"
    if args.command == "list" and (idle := _without_links(args)):
        return f"{idle} needs --links"
    if args.command == "install" and (wrong := _install_contradiction(args)):
        return wrong
    if args.command == "sync" and (wrong := _sync_contradiction(args)):
        return wrong
    if not _is_dated(args):
        return "SOURCE_DATE_EPOCH is not set to seconds since 1970"
    return None


def _missing(args: Arguments) -> str | None:
    """Name what a wheel is not written without: no link by accident."""
    if args.dry_run:
        return None
    needed = {"-o": args.output, "--encoding": args.encoding}
    return next((name for name, given in needed.items() if not given), None)


def _is_dated(args: Arguments) -> bool:
    """Whether the environment says what time it shall be, if it is asked."""
    from os import environ

    text = environ.get("SOURCE_DATE_EPOCH")
    if text is None:
        return vars(args).get("mtime") != "SOURCE_DATE_EPOCH"
    if args.command != "pack" and "mtime" not in args:
        return True
    return text.isascii() and text.isdigit() and len(text) < 12


def _links_named(arguments: list[str]) -> list[str]:
    """
    Give the ``--links`` of `list` its policy where it has none.

    argparse would take the wheel behind it for the name of one.
    """
    if arguments[:1] != ["list"]:
        return arguments
    end = arguments.index("--") if "--" in arguments else len(arguments)
    named = list(arguments)
    for k in reversed(range(end)):
        if named[k] == "--links" and named[k + 1 : k + 2] not in NAMED:
            named[k] = "--links=strict"
    return named


NAMED = [[name] for name in LINK_POLICIES]


def _without_links(args: Arguments) -> str | None:
    """Name an option that only a listing of links heeds, if there is none."""
    given = vars(args)
    if "links" in given:
        return None
    idle = (field for field in given if field.startswith("links."))
    return next((KNOBS[field].option for field in idle), None)


def _parser(arguments: list[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="unwheel",
        description="Take Python wheels apart, and install them: every byte is"
        " verified while it\nis written, and of a wheel that is refused"
        " nothing stays.",
        epilog="unwheel COMMAND --help tells the options of a command.\n\n"
        + STATUSES,
        formatter_class=HELP,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--version", action="version", version=f"unwheel {__version__}"
    )
    parser.set_defaults(files=False, into=None)
    commands = parser.add_subparsers(
        dest="command", metavar="COMMAND", required=True, prog="unwheel"
    )
    # Whoever names a command does not wait for the options of the others.
    named = [name for name in arguments[:1] if name in COMMANDS]
    for name in named or COMMANDS:
        summary, fill = COMMANDS[name]
        fill(
            commands.add_parser(
                name, help=summary, formatter_class=HELP, allow_abbrev=False
            )
        )
    return parser


def _extract(command: argparse.ArgumentParser) -> None:
    describe(
        command,
        "Extract every WHEEL into DIR/<its file name without .whl>.\n"
        "A directory appears when all of its wheel is verified, or not at"
        " all.",
        "unwheel extract numpy-*.whl scipy-*.whl -d unpacked",
        "unwheel extract demo-1.0-py3-none-any.whl --into demo",
        "unwheel extract *.whl -d unpacked --json --files > digests.jsonl",
        "unwheel extract libfoo-*.whl --links portable --stand-ins hardlink",
        "unwheel extract demo-*.whl --links strict --any-tag allow",
        "unwheel extract demo-*.whl --links editable --editable-root src",
    )
    where = command.add_mutually_exclusive_group()
    where.add_argument(
        "-d",
        "--dir",
        metavar="DIR",
        default=".",
        help="where the directories go (default: the current directory)",
    )
    where.add_argument(
        "--into",
        metavar="DIR",
        help="extract the only WHEEL into exactly DIR, absent or empty",
    )
    add_threads(command)
    add_backend(command)
    add_files(command)
    add_knobs(command)


# What a command that writes nothing has no use for: it takes every host for
# one that can link, and knows of no other package.
_UNWRITTEN = {
    *(knob.field for knob in WRITTEN.knobs if knob.field != "dedupe"),
    "links.host_cannot",
    "links.stand_ins",
    "links.max_copied_size",
    "links.max_copied_entries",
    "links.editable_root",
    "links.inter_package",
    "links.installed_record",
}


def _verify(command: argparse.ArgumentParser) -> None:
    describe(
        command,
        "Check every byte of every WHEEL against its CRC-32 and RECORD,\n"
        "and every name and link, without writing anything.",
        "unwheel verify dist/*.whl",
        "unwheel verify --record names --max-total-size 20G torch-*.whl",
        "unwheel verify --links refuse dist/*.whl",
    )
    add_threads(command)
    add_backend(command)
    add_files(command)
    add_knobs(command, _UNWRITTEN)


def _list(command: argparse.ArgumentParser) -> None:
    describe(
        command,
        "Show type, POSIX mode, method, size, packed size, the digest in"
        " RECORD,\nname and link target of every entry.  Nothing is verified."
        "\nOn a terminal, digests are cut short.  With --links, show every"
        " symbolic link\ninstead: what it leads to, hop by hop, and what would"
        " become of it.",
        "unwheel list demo-1.0-py3-none-any.whl",
        "unwheel list --json *.whl | jq -r '.entries[].path'",
        "unwheel list --links libfoo-*.whl",
        "unwheel list --links portable demo-1.0-py3-none-any.whl",
        module="listing unwheel.graph",
    )
    add_knobs(
        command, _UNWRITTEN | {"record", "links", "portable_names", "dedupe"}
    )
    _add_links(command)


def _add_links(command: argparse.ArgumentParser) -> None:
    """Let `list` show links, as a policy would have them."""
    command.add_argument(
        LINKS.knobs[0].option,
        nargs="?",
        const="strict",
        choices=LINK_POLICIES,
        metavar="POLICY",
        default=argparse.SUPPRESS,
        help="show links, and what POLICY makes of them (default: strict)",
    )


# All of the policy that a comparison heeds.
_COMPARED = {"descriptors", *(knob.field for knob in LIMITS.knobs)}


def _compare(command: argparse.ArgumentParser) -> None:
    describe(
        command,
        "Show where a WHEEL is another one to another reader: the directory,"
        " or the\nlocal headers alone, as we read them; libarchive, seeking,"
        " or as from a pipe\n(stream); Python's zipfile.  Compared are names,"
        " order, types, modes, sizes,\nCRC-32, targets of links and SHA-256. "
        " The exit status is 1 if they differ.\nFor libarchive and stream"
        " 'unwheel[crosscheck]' is needed.",
        "unwheel compare dist/*.whl",
        "unwheel compare --json suspect.whl",
        "unwheel compare --readings directory,headers,zipfile demo-*.whl",
        module="comparing",
    )
    command.add_argument(
        "--readings",
        type=_readings,
        metavar="LIST",
        default=READINGS,
        help=f"those to compare (default: {','.join(READINGS)})",
    )
    add_knobs(command, KNOBS.keys() - _COMPARED)


def _readings(typed: str) -> tuple[str, ...]:
    readings = tuple(typed.split(","))
    if not set(readings) <= set(READINGS):
        raise argparse.ArgumentTypeError(
            f"{typed!r} is no list, by commas, of {', '.join(READINGS)}"
        )
    return readings


def _pack(command: argparse.ArgumentParser) -> None:
    describe(
        command,
        "Make a wheel of every TREE, a directory with a .dist-info in it.\n"
        "The same tree makes the same bytes, whenever and wherever.",
        "unwheel pack unpacked/demo-1.0-py3-none-any -o dist",
        "unwheel pack build/libfoo -o dist --links zip",
        subject="TREE",
        module="packing",
    )
    add_output(command)
    command.add_argument(
        "--links",
        choices=PACK_LINKS,
        default="refuse",
        dest="encoding",
        help="symbolic links: refuse the tree and list them, copy what they"
        " lead to, or write them as ZIP entries or into LINKS (PEP 778)"
        " (default: refuse)",
    )


def _relink(command: argparse.ArgumentParser) -> None:
    describe(
        command,
        "Find files of a WHEEL that are byte for byte the same, and write the"
        " wheel\nanew with links in the place of the copies; tags, order and"
        " packed bytes of\nthe others stay.  Wheels for any platform, or for"
        " Windows alone, are refused.",
        "unwheel relink casadi-*.whl --dry-run",
        "unwheel relink wheels/*.whl -o dist --encoding zip --min-size 64K",
        module="relinking unwheel.repeats",
    )
    add_output(command, required=False)
    command.add_argument(
        "--encoding",
        choices=RELINK_ENCODINGS,
        help="write links as ZIP entries, or into LINKS (PEP 778); --dry-run"
        " takes them for entries if this is not given",
    )
    command.add_argument(
        "--min-size",
        type=some_size,
        metavar="SIZE",
        help="leave files that are smaller as they are (default: 4K)",
    )
    command.add_argument(
        "--dry-run",
        action="store_true",
        help="say what would be done; write nothing",
    )


# By name: the summary, and what adds the options.
COMMANDS: dict[str, tuple[str, Callable[[argparse.ArgumentParser], None]]] = {
    "extract": ("extract wheels, each into a directory of its own", _extract),
    "install": ("install wheels, as pip would", add_install),
    "sync": ("install what a lock file names", add_sync),
    "verify": ("do all that extract does, but write nothing", _verify),
    "list": ("show what is in wheels, unverified", _list),
    "compare": ("show where readers of a wheel differ", _compare),
    "pack": ("make wheels of trees", _pack),
    "relink": ("put links in the place of repeated files", _relink),
}
