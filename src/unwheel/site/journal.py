"""
The journal: what a transaction is about to do, for whoever has to finish it.

Pure but for reading and writing the one file.  It is written whole before the
first name changes, into a private directory that then gets the name that says
so; from there on a killed run is finished by the next one.  Each operation has
the identities of what moves, so that it can be told at any time whether it
has happened.
"""

from __future__ import annotations

import binascii
import json
import os
import re

from ..contents import RESERVED
from ..errors import DestinationError, Problem
from ..native import Tree
from ..values import fields_of, value
from .identity import identity

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

SUFFIX = ".journal"  # of a private directory whose journal is in force
KEPT = ".kept"  # of one with files of others, which no cleaner takes

FILE = RESERVED + "journal"
OLD = RESERVED + "old"  # a folder for what goes
SEAL = OLD + "/seal"  # what the numbers in there are never called
ROOMS = RESERVED + "rooms"  # names the private directories elsewhere

_NAME = re.compile(re.escape(RESERVED) + "[0-9a-f]{16}" + re.escape(SUFFIX))

# Of the first line, which tells whether the rest is all that was written.
_HEAD = "unwheel journal 1"

NEW, SWAP, GONE = "new", "swap", "gone"


@value
class Operation:
    """
    One name that changes, by one rename.

    Attributes:
        number: Which one it is.
        kind: "new": what is staged goes where nothing is; "swap": it changes
            places with what is there; "gone": what is there goes.
        staged: Its name in the private directory, '/'-separated.
        final: Its name below the top; no link is on its way.
        new: The identity (`moving.identity`) of what comes, or "".
        old: That of what goes, or "".
        room: The name below the top of the private directory that it is in,
            if that is another one, on another file system; or "".
    """

    number: int
    kind: str
    staged: str
    final: str
    new: str = ""
    old: str = ""
    room: str = ""


@value
class Journal:
    """
    All that a transaction does.

    Attributes:
        site: The name below the top of the directory that the private one
            is in.
        record: The name of RECORD below the top.
        operations: In their order.
        folders: Names of those that go in the end if they are empty, the
            deepest first.
        rooms: Names of further private directories, on other file systems.
        seal: The identity of the file SEAL beside it.  A journal that was
            copied, or came in an archive, has another one, or none: it tells
            of other files than those that are there.
    """

    site: str
    record: str
    operations: tuple[Operation, ...]
    folders: tuple[str, ...] = ()
    rooms: tuple[str, ...] = ()
    seal: str = ""


def is_journaled(name: str) -> bool:
    """Whether *name* is that of a private directory with a journal."""
    return _NAME.fullmatch(name) is not None


def write(tree: Tree, folder: str, journal: Journal) -> None:
    """
    Write *journal*, sealed, into a private directory.

    Args:
        tree: The directory; it has the folder OLD.
        folder: Its path.
        journal: What is about to be done.

    Raises:
        DestinationError: If it cannot be written.
    """
    tree.put(SEAL, b"")
    facts = dict(fields_of(journal))
    facts["seal"] = identity(os.path.join(folder, *SEAL.split("/")))
    facts["operations"] = [
        [content for _, content in fields_of(operation)]
        for operation in journal.operations
    ]
    # Names that are not UTF-8 are escaped, and come back as they were.
    body = json.dumps(facts).encode("ascii")
    head = f"{_HEAD} {binascii.crc32(body):08x}\n".encode("ascii")
    tree.put(FILE, head + body)


def read(folder: str) -> Journal:
    """
    The journal in the private directory *folder*.

    Raises:
        DestinationError: JOURNAL: it is torn (a machine that lost its power)
            or not ours.
        OSError: If it cannot be read.
    """
    with open(os.path.join(folder, FILE), "rb") as file:
        head, _, body = file.read().partition(b"\n")
    if head != f"{_HEAD} {binascii.crc32(body):08x}".encode("ascii"):
        raise _wrong(folder)
    try:
        journal = _parsed(json.loads(body))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _wrong(folder) from error
    names = [*journal.folders, *journal.rooms, journal.site, journal.record]
    for operation in journal.operations:
        names += [operation.staged, operation.final]
        if operation.room:
            names.append(operation.room)
            if operation.room not in journal.rooms:
                raise _wrong(folder)
    if not all(map(_is_plain, names)):
        raise _wrong(folder)
    if not _are_rooms(journal.rooms, folder):
        raise _wrong(folder)
    if not _is_sealed(folder, journal.seal):
        raise _copied(folder)
    return journal


def _parsed(facts: Any) -> Journal:
    operations = (Operation(*each) for each in facts["operations"])
    return Journal(
        site=facts["site"],
        record=facts["record"],
        operations=tuple(operations),
        folders=tuple(facts["folders"]),
        rooms=tuple(facts["rooms"]),
        seal=facts["seal"],
    )


def write_rooms(tree: Tree, site: str, rooms: Iterable[str]) -> None:
    """
    Note where further private directories are about to be.

    For who finds this one before there is a journal.

    Raises:
        DestinationError: If it cannot be written.
    """
    text = json.dumps([site, *rooms])
    tree.put(ROOMS, text.encode("ascii"))


def read_rooms(folder: str) -> tuple[str, list[str]]:
    """What `write_rooms` wrote; nothing if it did not, or not all."""
    try:
        with open(os.path.join(folder, ROOMS), "rb") as file:
            names = json.load(file)
    except (OSError, ValueError, RecursionError):
        return "", []
    if not (isinstance(names, list) and names and all(map(_is_plain, names))):
        return "", []
    if not _are_rooms(names[1:], folder):
        return "", []
    return names[0], names[1:]


def _is_sealed(folder: str, seal: str) -> bool:
    """Whether *seal* is that of a file; that of a folder can be foretold."""
    if not seal or seal.startswith("d"):
        return False
    return seal == identity(os.path.join(folder, *SEAL.split("/")))


def _are_rooms(names: Iterable[str], folder: str) -> bool:
    """
    Whether *names* are those of rooms of the private directory *folder*.

    All have its name: whoever could write a journal would else have any
    directory removed that nobody but its owner may read.
    """
    own = os.path.basename(folder).removesuffix(SUFFIX)
    return all(name.rpartition("/")[2] == own for name in names)


def _is_plain(name: object) -> bool:
    """Whether *name* stays below whatever it is put in."""
    return (
        isinstance(name, str)
        and "\0" not in name
        and not any(part in ("", ".", "..") for part in name.split("/"))
    )


def _copied(folder: str) -> DestinationError:
    return DestinationError(
        [
            Problem(
                "JOURNAL",
                "the journal of a killed run was copied here, or came with"
                " something else",
                found=os.path.join(folder, FILE),
            )
        ]
    )


def _wrong(folder: str) -> DestinationError:
    return DestinationError(
        [
            Problem(
                "JOURNAL",
                "the journal of a killed run cannot be read",
                found=os.path.join(folder, FILE),
            )
        ]
    )
