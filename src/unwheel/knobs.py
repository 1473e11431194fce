"""
The options that say what is accepted: one for each field of the policy.

The table below is all there is of them: the command line, its help and the
words "accept by --option" are made of it.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Collection
from os.path import abspath

from . import policy
from .policy import Limits, LinkPolicy, Policy
from .quantities import mtime, number, positive, short_size, size
from .values import value

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from typing import Any

    from .commandline import Arguments


PACK_LINKS = ("refuse", "copy", "zip", "links-file")
RELINK_ENCODINGS = ("zip", "links-file")


@value
class Knob:
    """
    The option that sets one field of `Policy`, `LinkPolicy` or `Limits`.

    Attributes:
        field: As `Problem.accept` names it: "record", "links.any_tag",
            "limits.depth".
        option: What is typed: "--record".
        metavar: What the value is called in the help; "" if there is none,
            because the option alone says it.
        text: What it is about.
        read: Makes the value of what is typed.
        choices: The values there are, or () if any that can be read is one.
        opposite: What ``--no-...`` is about, or "" if there is none.
    """

    field: str
    option: str
    metavar: str
    text: str
    read: Callable[[str], object] = str
    choices: tuple[str, ...] = ()
    opposite: str = ""


def _choice(
    field: str, choices: tuple[str, ...], text: str, *, metavar: str = ""
) -> Knob:
    metavar = metavar or "{" + ",".join(choices) + "}"
    return Knob(field, _typed(field), metavar, text, choices=choices)


def _count(field: str, option: str, text: str) -> Knob:
    return Knob(field, option, "N", text, number)


def _size(field: str, option: str, text: str) -> Knob:
    return Knob(field, option, "SIZE", text, size)


def _list(field: str, choices: tuple[str, ...], text: str) -> Knob:
    def read(typed: str) -> tuple[str, ...]:
        items = tuple(typed.split(","))
        if not set(items) <= set(choices) or len(set(items)) < len(items):
            raise argparse.ArgumentTypeError(
                f"{typed!r} is no list, by commas, of {', '.join(choices)}"
            )
        return items

    metavar = ",".join(choices) if len(choices) == 1 else "LIST"
    return Knob(field, _typed(field), metavar, text, read)


def _flag(field: str, text: str, *, opposite: str = "") -> Knob:
    return Knob(field, _typed(field), "", text, opposite=opposite)


def _typed(field: str) -> str:
    """Name the option that sets *field* after it."""
    return "--" + field.removeprefix("links.").replace("_", "-")


def _directory(typed: str) -> str:
    """Read a directory: one that stays the same wherever we go."""
    if not typed:
        raise argparse.ArgumentTypeError("a directory needs a name")
    return abspath(typed)


@value
class Group:
    """Knobs that are about one thing."""

    title: str
    about: str
    knobs: tuple[Knob, ...]


ACCEPTED = Group(
    "what is accepted",
    "",
    (
        _choice(
            "record", policy.RECORD_LEVELS, "what RECORD says of the files"
        ),
        _choice(
            "portable_names",
            policy.PORTABLE_NAMES,
            "names that not every host has",
        ),
        _choice(
            "descriptors",
            policy.DESCRIPTORS,
            "data descriptors behind members",
        ),
    ),
)

LINKS = Group(
    "symbolic links",
    "POLICY is one of\n"
    "  refuse    no link at all\n"
    "  strict    links of platform wheels that stay inside the wheel\n"
    "  portable  of any wheel; where no link can be made, hard links or\n"
    "            copies stand in\n"
    "  editable  as portable, and links into --editable-root (PEP 660)\n"
    "  text      a file with the target's text, as pip writes\n"
    "  verbatim  links as stored, unjudged: to look at, never to install\n"
    "and each of the others changes one thing about it.",
    (
        _choice(
            "links",
            policy.LINK_POLICIES,
            "what becomes of symbolic links",
            metavar="POLICY",
        ),
        Knob(
            "links.entries",
            "--link-entries",
            "{" + ",".join(policy.LINK_ENTRIES) + "}",
            "what a link becomes",
            choices=policy.LINK_ENTRIES,
        ),
        _choice(
            "links.any_tag",
            policy.TAG_KNOBS,
            "links in a wheel for any platform",
        ),
        _choice(
            "links.windows_tag",
            policy.TAG_KNOBS,
            "links in a wheel for Windows alone",
        ),
        _choice(
            "links.host_cannot",
            policy.HOST_CANNOT,
            "where no link can be made",
        ),
        _list(
            "links.stand_ins",
            policy.STAND_INS,
            "what may stand in for a link, in that order:"
            f" {','.join(policy.STAND_INS)}",
        ),
        Knob(
            "links.chain_limit",
            "--max-chain",
            "N",
            "links followed to resolve one",
            positive,
        ),
        _size(
            "links.max_copied_size",
            "--max-copied-size",
            "all that stands in for links",
        ),
        _count(
            "links.max_copied_entries",
            "--max-copied-entries",
            "files and folders that stand in for links",
        ),
        Knob(
            "links.editable_root",
            "--editable-root",
            "DIR",
            "links may lead into DIR, outside the wheel",
            _directory,
        ),
        _flag(
            "links.inter_package",
            "links may lead to files of other installed wheels",
        ),
        _flag("links.wheel2", "take Wheel-Version 2 and its LINKS (PEP 778)"),
        _list(
            "links.encodings",
            policy.ENCODINGS,
            "make the links that wheel-axle would make later",
        ),
        _flag(
            "links.installed_record",
            "write RECORD anew where links stand",
            opposite="leave RECORD as the wheel has it",
        ),
    ),
)

WRITTEN = Group(
    "how it is done",
    "",
    (
        _choice(
            "existing", policy.EXISTING, "a destination that is not empty"
        ),
        _choice(
            "existing_links",
            policy.EXISTING_LINKS,
            "links to folders that --existing merge meets",
        ),
        Knob(
            "mtime",
            "--mtime",
            "TIME",
            f"times of files: {', '.join(policy.MTIMES)}, or seconds"
            " since 1970",
            mtime,
        ),
        _choice("dedupe", policy.DEDUPES, "files with the same content"),
        _flag("durable", "flush to the disk before a directory appears"),
    ),
)

LIMITS = Group(
    "limits",
    "A SIZE is in bytes, or like 64K, 1.5G, 2GiB (powers of 1024) or\n"
    "64kB, 2GB (powers of 1000).",
    (
        _count("limits.entries", "--max-entries", "entries of the archive"),
        _size(
            "limits.member_size", "--max-member-size", "one member, inflated"
        ),
        _size(
            "limits.total_size", "--max-total-size", "all members, inflated"
        ),
        _count(
            "limits.ratio", "--max-ratio", "inflated bytes per byte of wheel"
        ),
        _size(
            "limits.ratio_floor",
            "--ratio-floor",
            "up to this any ratio is fine",
        ),
        _count(
            "limits.member_ratio",
            "--max-member-ratio",
            "the same, of one member",
        ),
        _size("limits.name_length", "--max-name-length", "a member's name"),
        _size(
            "limits.component_length",
            "--max-component-length",
            "a part of a name",
        ),
        _count("limits.depth", "--max-depth", "parts of a name"),
        _count("limits.links", "--max-links", "symbolic links"),
        _size(
            "limits.link_target_length",
            "--max-link-target-length",
            "the target of a link",
        ),
        _size(
            "limits.metadata_size",
            "--max-metadata-size",
            "METADATA, and WHEEL",
        ),
        _size("limits.record_size", "--max-record-size", "RECORD"),
        _size(
            "limits.directory_size",
            "--max-directory-size",
            "the ZIP directory",
        ),
    ),
)

_HOLDERS = {"": Policy(), "links": LinkPolicy(), "limits": Limits()}
GROUPS = (ACCEPTED, LINKS, WRITTEN, LIMITS)
KNOBS = {knob.field: knob for group in GROUPS for knob in group.knobs}


def add_knobs(
    command: argparse.ArgumentParser, unused: Collection[str] = ()
) -> None:
    """
    Add the options to *command*, but for the fields that are *unused*.

    What is not given is not there after parsing: `policy_of` then has the
    policy's own default.
    """
    for group in GROUPS:
        knobs = [knob for knob in group.knobs if knob.field not in unused]
        if knobs:
            place = command.add_argument_group(
                group.title, group.about or None
            )
            for knob in knobs:
                _add(place, knob)


def _add(place: argparse._ArgumentGroup, knob: Knob) -> None:
    if not knob.metavar:
        _add_flag(place, knob)
        return
    place.add_argument(
        knob.option,
        dest=knob.field,
        type=knob.read,
        choices=knob.choices or None,
        metavar=knob.metavar,
        default=argparse.SUPPRESS,
        help=knob.text + _default(knob),
    )


def _add_flag(place: argparse._ArgumentGroup, knob: Knob) -> None:
    forms = [(knob.option, True, knob.text)]
    if knob.opposite:
        forms.append((_negated(knob), False, knob.opposite))
    for option, const, text in forms:
        place.add_argument(
            option,
            dest=knob.field,
            action="store_const",
            const=const,
            default=argparse.SUPPRESS,
            help=text,
        )


def _negated(knob: Knob) -> str:
    return "--no-" + knob.option.removeprefix("--")


def _default(knob: Knob) -> str:
    """Say what holds if the option is not given, where that is one thing."""
    holder, _, field = knob.field.rpartition(".")
    if holder == "links" and knob.metavar not in ("N", "SIZE"):
        return ""  # it is the named policy's; in numbers they all agree
    default = getattr(_HOLDERS[holder], field)
    shown = short_size(default) if knob.metavar == "SIZE" else default
    return f" (default: {shown})"


def policy_of(args: Arguments) -> Policy:
    """Make the policy that *args* ask for."""
    given: dict[str, dict[str, Any]] = {"": {}, "links": {}, "limits": {}}
    for name, content in vars(args).items():
        if name in KNOBS:
            holder, _, field = name.rpartition(".")
            given[holder][field] = content
    chosen = given[""]
    if given["links"]:
        named = LinkPolicy.named(chosen.get("links", Policy().links))
        chosen["links"] = named.replace(**given["links"])
    return Policy(**chosen, limits=Limits(**given["limits"]))


# Of the commands that write wheels, which have no policy.
_WRITERS = {"links": PACK_LINKS, "encoding": RELINK_ENCODINGS}

# Of `InstallOptions`, which is no policy either.
_INSTALLING = {
    "any_platform",
    "break_system_packages",
    "ignore_requires_python",
    "overwrite",
    "skip",
}

_QUOTES = "\"'"


def accepting_option(accept: str) -> str:
    """
    Name the option that does what *accept*, a `Problem.accept`, says.

    ``record="warn"`` is ``--record warn``, ``links.wheel2=True`` is
    ``--wheel2``, ``limits.depth`` is ``--max-depth N``; what has no option is
    returned as it is.
    """
    field, _, content = accept.partition("=")
    if field in _INSTALLING:
        option = "--" + field.replace("_", "-")
        return f"{option} {content.strip(_QUOTES)}".removesuffix(" True")
    if (word := content.strip("\"'")) in _WRITERS.get(field, ()):
        return f"--{field} {word}"
    knob = KNOBS.get(field)
    if knob is None:
        return accept
    if not knob.metavar:
        return _negated(knob) if content == "False" else knob.option
    typed = _as_typed(knob, content)
    return accept if typed is None else f"{knob.option} {typed}"


def _as_typed(knob: Knob, content: str) -> str | None:
    """Write *content* as it is typed; None if that is no value of *knob*."""
    if not content:
        return knob.metavar
    if content[0] in "([{":
        typed = ",".join(re.findall(r"[\w-]+", content))
    else:
        typed = content.strip("\"'")
    if knob.choices and typed not in knob.choices:
        return None
    try:
        knob.read(typed)
    except argparse.ArgumentTypeError:
        return None
    from shlex import quote

    return quote(typed)
