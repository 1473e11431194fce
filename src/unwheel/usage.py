"""
What the commands have in common: how they tell, their help, shared options.
"""

from __future__ import annotations

import argparse
from functools import partial

from .policy import BACKENDS
from .quantities import positive, size

# A given width spares argparse asking for the terminal's: for that it imports
# shutil, and shutil every compressor there is.
HELP = partial(argparse.RawDescriptionHelpFormatter, width=79)

STATUSES = """\
exit status:
  0    done
  1    a wheel was refused, or its readers differ
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
always there; the others are documented by
`python -m pydoc unwheel.{module}`.
"""


def describe(
    command: argparse.ArgumentParser,
    description: str,
    *examples: str,
    subject: str = "WHEEL",
    alone: bool = False,
    module: str = "report",
) -> None:
    """
    Add what every command has: help, what it is about, how it tells.

    Args:
        command: Gets all of it.
        description: Of the command.
        examples: Lines that can be typed.
        subject: What it takes; of these it tells one by one...
        alone: ... or takes exactly one, and tells of the wheels that it names.
        module: Whose documentation tells the keys of ``--json``.
    """
    shown = "\n  ".join(("examples:", *examples))
    many = "" if alone else " ..."
    command.usage = f"{command.prog} [option ...] {subject}{many}"
    command.description = description
    command.epilog = (
        f"{shown}\n\n{JSON_HELP.format(module=module)}\n{STATUSES}"
    )
    command.add_argument("wheels", nargs=1 if alone else "+", metavar=subject)
    told = "wheel" if alone else subject.lower()
    command.add_argument(
        "--json", action="store_true", help=f"print one object per {told}"
    )
    command.add_argument(
        "--quiet", action="store_true", help="print nothing but refusals"
    )


def add_threads(command: argparse.ArgumentParser) -> None:
    """Add ``--threads``."""
    command.add_argument(
        "--threads",
        type=positive,
        metavar="N",
        help="threads that work (default: one per CPU)",
    )


def add_backend(command: argparse.ArgumentParser) -> None:
    """Add ``--backend``."""
    command.add_argument(
        "--backend",
        choices=BACKENDS,
        default="native",
        help="who reads the bytes that are written; libarchive is a second"
        " opinion: it has to agree with the first (default: native)",
    )


def add_files(command: argparse.ArgumentParser) -> None:
    """Add ``--files``."""
    command.add_argument(
        "--files",
        action="store_true",
        help="with --json: every file too, with its size and SHA-256",
    )


def some_size(text: str) -> int:
    """Read a size that is not nothing."""
    if (found := size(text)) == 0:
        raise argparse.ArgumentTypeError("at least 1 is needed")
    return found


def add_output(
    command: argparse.ArgumentParser, *, required: bool = True
) -> None:
    """Add ``--output``."""
    command.add_argument(
        "-o",
        "--output",
        metavar="DIR",
        required=required,
        help="where the wheels go",
    )
