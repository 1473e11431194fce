"""
What the command line asks for: the options, and the values they take.

Made when a command runs; `unwheel --version` never comes here.
"""

from __future__ import annotations

import argparse
from functools import partial
from os.path import basename

from . import __version__, policy
from .policy import Limits, Policy

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from typing import TypeAlias

    Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

# A given width spares argparse asking for the terminal's: for that it imports
# shutil, and shutil every compressor there is.
HELP = partial(argparse.RawDescriptionHelpFormatter, width=79)

STATUSES = """\
exit status:
  0    done
  1    a wheel was refused
  2    the command line was wrong; nothing was done
  3    our side: a wheel cannot be read, the destination exists, the disk is
       full, the output is closed
  130  interrupted
  Of several, the last in the order 0, 1, 3, 130; the other wheels are done
  all the same.
"""

JSON_HELP = """\
--json prints one object per wheel on a line of its own, and nothing else.  Its
keys "format", "action", "status" ("ok", "refused" or "failed") and "wheel" are
always there; `python -m pydoc unwheel.report` documents the others.
"""


def parse(arguments: list[str]) -> argparse.Namespace:
    """
    Read the *arguments* of the command line.

    Raises:
        SystemExit: If they are wrong (2), or ask for help or version (0).
    """
    parser = _parser()
    args = parser.parse_args(arguments)
    if args.files and not args.json:
        parser.error("--files needs --json")
    if args.into is not None and len(args.wheels) != 1:
        parser.error("--into takes exactly one wheel; -d takes many")
    if args.command == "extract" and (twice := _named_twice(args.wheels)):
        parser.error(f"two wheels are named {twice}: one directory for both")
    return args


def _named_twice(wheels: list[str]) -> str | None:
    """Name the first file that two *wheels* share, if any do."""
    seen: set[str] = set()
    for name in map(basename, wheels):
        if name in seen:
            return name
        seen.add(name)
    return None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="unwheel",
        description="Take Python wheels apart: every byte is verified while it"
        " is written,\nand of a wheel that is refused nothing stays.",
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
    _add_extract(commands)
    _add_verify(commands)
    _add_list(commands)
    return parser


def _add_extract(commands: Commands) -> None:
    command = _add_command(
        commands,
        "extract",
        "extract wheels, each into a directory of its own",
        "Extract every WHEEL into DIR/<its file name without .whl>.\n"
        "A directory appears when all of its wheel is verified, or not at"
        " all.",
        "unwheel extract numpy-*.whl scipy-*.whl -d unpacked",
        "unwheel extract demo-1.0-py3-none-any.whl --into demo",
        "unwheel extract *.whl -d unpacked --json --files > digests.jsonl",
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
    _add_files(command)
    _add_policy(command)


def _add_verify(commands: Commands) -> None:
    command = _add_command(
        commands,
        "verify",
        "do all that extract does, but write nothing",
        "Check every byte of every WHEEL against its CRC-32 and RECORD,\n"
        "and every name and link, without writing anything.",
        "unwheel verify dist/*.whl",
        "unwheel verify --record names --max-total-size 20G torch-*.whl",
    )
    _add_files(command)
    _add_policy(command, "existing", "durable")


def _add_list(commands: Commands) -> None:
    command = _add_command(
        commands,
        "list",
        "show what is in wheels, unverified",
        "Show type, POSIX mode, method, size, packed size, the digest in"
        " RECORD,\nname and link target of every entry.  Nothing is verified."
        "\nOn a terminal, digests are cut short.",
        "unwheel list demo-1.0-py3-none-any.whl",
        "unwheel list --json *.whl | jq -r '.entries[].path'",
    )
    _add_policy(
        command, "record", "links", "portable_names", "existing", "durable"
    )


def _add_command(
    commands: Commands,
    name: str,
    summary: str,
    description: str,
    *examples: str,
) -> argparse.ArgumentParser:
    epilog = "\n  ".join(("examples:", *examples))
    command = commands.add_parser(
        name,
        help=summary,
        usage=f"unwheel {name} [option ...] WHEEL ...",
        description=description,
        epilog=f"{epilog}\n\n{JSON_HELP}\n{STATUSES}",
        formatter_class=HELP,
        allow_abbrev=False,
    )
    command.add_argument("wheels", nargs="+", metavar="WHEEL")
    command.add_argument(
        "--json", action="store_true", help="print one object per wheel"
    )
    command.add_argument(
        "--threads",
        type=_positive,
        metavar="N",
        help="threads that work (default: one per CPU)",
    )
    command.add_argument(
        "--quiet", action="store_true", help="print nothing but refusals"
    )
    return command


def _add_files(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--files",
        action="store_true",
        help="with --json: every file too, with its size and SHA-256",
    )


# The field of Policy, its values, what it is about.
CHOICES = (
    ("record", policy.RECORD_LEVELS, "what RECORD says of the files"),
    ("links", policy.LINK_POLICIES, "symbolic links"),
    ("portable_names", policy.PORTABLE_NAMES, "names that not every host has"),
    ("descriptors", policy.DESCRIPTORS, "data descriptors behind members"),
    ("existing", policy.EXISTING, "a destination that is not empty"),
)


def _add_policy(command: argparse.ArgumentParser, *unused: str) -> None:
    """Add what sets a Policy, but for the fields that are *unused*."""
    group = command.add_argument_group("what is accepted")
    for field, allowed, text in CHOICES:
        if field not in unused:
            default = getattr(Policy(), field)
            group.add_argument(
                _option(field),
                choices=allowed,
                default=default,
                help=f"{text} (default: {default})",
            )
    if "durable" not in unused:
        group.add_argument(
            "--durable",
            action="store_true",
            help="flush to the disk before a directory appears",
        )
    _add_limits(command, Limits())


def _option(field: str) -> str:
    """Name the option that sets the *field* of Policy."""
    return "--" + field.replace("_", "-")


# The field of Limits, its option, what is counted: bytes if "SIZE".
LIMITS = (
    ("entries", "--max-entries", "N", "entries of the archive"),
    ("member_size", "--max-member-size", "SIZE", "one member, inflated"),
    ("total_size", "--max-total-size", "SIZE", "all members, inflated"),
    ("ratio", "--max-ratio", "N", "inflated bytes per byte of wheel"),
    ("ratio_floor", "--ratio-floor", "SIZE", "up to this any ratio is fine"),
    ("member_ratio", "--max-member-ratio", "N", "the same, of one member"),
    ("name_length", "--max-name-length", "SIZE", "a member's name"),
    ("component_length", "--max-component-length", "SIZE", "a part of a name"),
    ("depth", "--max-depth", "N", "parts of a name"),
    ("links", "--max-links", "N", "symbolic links"),
    (
        "link_target_length",
        "--max-link-target-length",
        "SIZE",
        "the target of a link",
    ),
    ("metadata_size", "--max-metadata-size", "SIZE", "METADATA, and WHEEL"),
    ("record_size", "--max-record-size", "SIZE", "RECORD"),
    ("directory_size", "--max-directory-size", "SIZE", "the ZIP directory"),
)


def _add_limits(command: argparse.ArgumentParser, limits: Limits) -> None:
    group = command.add_argument_group(
        "limits",
        "A SIZE is in bytes, or like 64K, 1.5G, 2GiB (powers of 1024) or\n"
        "64kB, 2GB (powers of 1000).",
    )
    for field, option, metavar, text in LIMITS:
        default: int = getattr(limits, field)
        shown = _short_size(default) if metavar == "SIZE" else str(default)
        group.add_argument(
            option,
            dest=f"limit_{field}",
            type=_size if metavar == "SIZE" else _number,
            default=default,
            metavar=metavar,
            help=f"{text} (default: {shown})",
        )


def policy_of(args: argparse.Namespace) -> Policy:
    """Make the policy that *args* ask for."""
    given = vars(args)
    limits = {row[0]: given[f"limit_{row[0]}"] for row in LIMITS}
    fields = [row[0] for row in CHOICES] + ["durable"]
    chosen = {field: given[field] for field in fields if field in given}
    return Policy(**chosen, limits=Limits(**limits))


def accepting_option(accept: str) -> str:
    """
    Name the option that does what *accept*, a `Problem.accept`, says.

    ``record="warn"`` is ``--record warn``, ``limits.depth`` is
    ``--max-depth N``; what has no option is returned as it is.
    """
    name, _, value = accept.partition("=")
    for field, option, metavar, _text in LIMITS:
        if name == f"limits.{field}":
            return f"{option} {value or metavar}"
    value = value.strip("\"'")
    for field, allowed, _text in CHOICES:
        if name == field and value in allowed:
            return f"{_option(field)} {value}"
    return accept


# Numbers, as they are typed

MOST = (1 << 63) - 1  # what the core can hold


def _number(text: str) -> int:
    """Read a count: decimal digits, nothing else."""
    if not _is_digits(text) or int(text) > MOST:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number")
    return int(text)


def _positive(text: str) -> int:
    if (number := _number(text)) == 0:
        raise argparse.ArgumentTypeError("at least 1 is needed")
    return number


def _size(text: str) -> int:
    """Read a size as GNU does: 64K and 64KiB are 65,536, 64kB is 64,000."""
    number = text.rstrip("BIKMGTbikmgt")
    factor = _unit(text[len(number) :].lower())
    whole, _, part = number.partition(".")
    if factor and _is_digits(whole) and (not part or _is_digits(part)):
        parts: int = 10 ** len(part)
        size = int(whole + part) * factor // parts
        if size <= MOST:
            return size
    raise argparse.ArgumentTypeError(
        f"{text!r} is not a size such as 500000, 64K or 1.5G"
    )


def _unit(suffix: str) -> int | None:
    """Bytes of a unit: "", "b", "k", "kib", "kb" and so on."""
    if suffix in ("", "b"):
        return 1
    power = "kmgt".find(suffix[0]) + 1
    base = {"": 1024, "ib": 1024, "b": 1000}.get(suffix[1:])
    return base**power if power and base else None


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 20


def _short_size(size: int) -> str:
    """Write *size* exactly, in the words that `_size` reads."""
    for unit, factor in (("T", 1 << 40), ("M", 1 << 20), ("K", 1 << 10)):
        if size and size % factor == 0:
            return f"{size // factor}{unit}"
    return str(size)
