"""
Names of members: read once into a type that cannot be unsafe.

Pure.  A whole wheel is judged at once, on all its names as one piece of
bytes; Python looks at a single name only if that finds something, because
there are wheels with tens of thousands of names and nearly all of them are
plain.  The rules are those of a reader on any system (PEP 427 has none).
"""

from __future__ import annotations

from .errors import Problem, Problems, UnsafeMemberError, printable
from .policy import Limits
from .values import value

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import TypeAlias

    # code, message, found, knob
    _Finding: TypeAlias = tuple[str, str, str | None, str | None]

UTF8_FLAG = 0x800  # APPNOTE 4.4.4, bit 11

_DIRECTORY_COST = 128  # bytes of a string and of its place in a set

_RESERVED = '<>"|?*'
_DEVICES = r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])"

# What the bulk checks let pass: printable ASCII without what is reserved.
_PLAIN = bytes(range(0x20, 0x7F)).translate(None, b'\\:<>"|?*') + b"\0"
# After this, "//" is an empty component and "./" one that ends in a dot or a
# space, wherever in a name it stands.
_ENDS = bytes.maketrans(b"\0 ", b"/.")
# After this, where there is no "//" there was none of those either, and a
# device name stands between slashes, whatever follows it.
_STEMS = bytes.maketrans(
    bytes(range(0x41, 0x5B)) + b"\0. 123456789",
    bytes(range(0x61, 0x7B)) + b"///000000000",
)
_DEVICE_STEMS = (b"/con/", b"/prn/", b"/aux/", b"/nul/", b"/com0/", b"/lpt0/")
_DOLLAR_STEMS = (b"/conin$/", b"/conout$/")

# Patterns, of names that are looked at one by one.  `re` compiles, and keeps,
# those that are used: all of them would take 1 ms at every start.
_SUSPECT = (
    r"[^ !#$%&'()+,\-./0-9;=@A-Z\[\]^_`a-z{}~]"
    r"|(?:\A|/)(?:/|\Z|" + _DEVICES + r"(?![^. /]))|[. ](?:/|\Z)"
)
_SURROGATE = "[\ud800-\udfff]"
_DEVICE = _DEVICES + r" *(?:[.:].*)?"


@value
class MemberPath:
    """
    The path of a member, known to stay below any directory it is put in.

    Only `parse` makes one, so code that is handed a `MemberPath` never checks
    it again.
    """

    parts: tuple[str, ...]

    @classmethod
    def parse(cls, name: str, limits: Limits = Limits()) -> MemberPath:  # noqa: B008 - frozen
        """
        Read the *name* of a member: a file or a link, so without a final "/".

        Raises:
            UnsafeMemberError: If *name* could mean a place outside the root,
                or not the same place to every reader.
        """
        if problems := tuple(_refusals(name, limits)):
            raise UnsafeMemberError(problems)
        return cls(tuple(name.split("/")))

    def __str__(self) -> str:
        """The parts, joined by slashes, as in the archive."""
        return "/".join(self.parts)


def problem_with_name(name: str, limits: Limits) -> Problem | None:
    """What makes *name* no `MemberPath`, or None."""
    return next(_refusals(name, limits), None)


def check_names(
    names: Sequence[str],
    blob: bytes,
    flags: Sequence[int],
    limits: Limits,
    portable: str,
) -> tuple[list[Problem], list[Problem]]:
    """
    Judge all names of a wheel, one by one and against each other.

    Args:
        names: All names, bytes that are not UTF-8 surrogate-escaped; those of
            directories end in one "/".
        blob: The same names as stored, NUL after each.
        flags: The general purpose bits of each entry, for bit 11.
        limits: Lengths and depth.
        portable: "refuse" or "warn" of names that another system could not
            hold or keep apart.

    Returns:
        The refusals and the warnings, each in the order of the archive.
    """
    refusals = Problems()
    unportable = Problems()
    if not _all_plain(names, blob, limits):
        for name in _suspects(names, limits):
            bare = name[:-1] if name.endswith("/") and name != "/" else name
            refusals.extend(_refusals(bare, limits, name))
            unportable.extend(_unportable(bare, name))
    if not blob.isascii():
        refusals.extend(_unflagged(names, flags))
    dirs, problem = directories(names, limits)
    if problem:
        refusals.add(problem)
    if not _all_distinct(names, blob, dirs):
        refusals.extend(_collisions(names, dirs))
        unportable.extend(_clashes(names, dirs))
    if portable == "refuse":
        return [*refusals, *unportable], []
    return list(refusals), list(unportable)


def _suspects(names: Iterable[str], limits: Limits) -> Iterator[str]:
    """Those of *names* that may have something wrong with them."""
    import re

    # ASCII: else [a-z] has the Kelvin sign, of 3 bytes.
    suspect = re.compile(_SUSPECT, re.IGNORECASE | re.ASCII)
    longest = _surely_short(limits)
    for name in names:
        if len(name) > longest or suspect.search(name):
            yield name


def is_plain(blob: bytes, longest: int, limits: Limits) -> bool:
    """
    Whether all names in *blob*, NUL after each, are surely `MemberPath`s.

    False means "look closer".  *longest* is the length of the longest.
    """
    if longest > _surely_short(limits) or blob.translate(None, _PLAIN):
        return False
    return b"//" not in b"/" + blob.translate(_STEMS) or _end_plainly(blob)


def directories(
    names: Iterable[str], limits: Limits
) -> tuple[set[str], Problem | None]:
    """
    Every directory that *names* name or imply, without final slashes.

    Within the memory that the *limits* allow, a quarter of what the central
    directory may have: 65,000 names of 4 KB and 128 components would imply
    17 GB of directories.
    """
    found: set[str] = set()
    room = most = limits.directory_size // 4
    for parent in {name.rpartition("/")[0] for name in names}:
        path = parent
        while path and path not in found:
            room -= len(path) + _DIRECTORY_COST
            if room < 0:
                return found, Problem(
                    "TOO_MANY_DIRECTORIES",
                    f"the names imply more directories than fit in {most} "
                    "bytes",
                    accept="limits.directory_size",
                )
            found.add(path)
            path = path.rpartition("/")[0]
    return found, None


def _all_plain(names: Sequence[str], blob: bytes, limits: Limits) -> bool:
    """Whether no name of the wheel needs a look of its own."""
    if blob.count(b"\0") != len(names):  # a name that contains a NUL
        return False
    if max(map(len, names), default=0) > _surely_short(limits):
        return False
    if blob.translate(None, _PLAIN):
        return False
    stems = b"/" + blob.translate(_STEMS)
    if b"//" in stems and not _end_plainly(blob.replace(b"/\0", b"\0")):
        return False
    if any(stem in stems for stem in _DEVICE_STEMS):
        return False
    return b"$" not in stems or not any(s in stems for s in _DOLLAR_STEMS)


def _end_plainly(blob: bytes) -> bool:
    """Whether no component is empty, or ends in a dot or a space."""
    ends = b"/" + blob.translate(_ENDS)
    return b"//" not in ends and b"./" not in ends


def _surely_short(limits: Limits) -> int:
    """A name of so many characters (ASCII) cannot exceed a limit."""
    return min(
        limits.name_length, limits.component_length, 2 * limits.depth - 1
    )


def _all_distinct(names: Sequence[str], blob: bytes, dirs: set[str]) -> bool:
    """
    Whether all paths surely are different, for any system.

    Then no name occurs twice and no file stands where a directory must be.
    """
    if not blob.isascii():
        return False
    pieces = blob.decode("ascii").lower().split("\0")
    files = set(pieces)
    lower = set(map(str.lower, dirs))
    return (
        len(files) == len(pieces) == len(names) + 1  # after the last NUL
        and len(lower) == len(dirs)
        and lower.isdisjoint(files)
    )


def _refusals(
    name: str, limits: Limits, member: str | None = None
) -> Iterator[Problem]:
    """
    Why no system may hold *name*, at most once per code.

    *member* is the name as the archive has it, if that differs.
    """
    member = name if member is None else member
    for code, message, found, accept in _found_in(name, limits):
        yield Problem(
            code,
            message,
            member=member,
            found=None if found is None else printable(found),
            accept=accept,
        )


def _found_in(name: str, limits: Limits) -> Iterator[_Finding]:
    """What is wrong with *name* as a whole, then with its components."""
    if not name:
        yield "NAME_EMPTY", "the name is empty", None, None
        return
    if name.startswith("/"):
        yield "ABSOLUTE", "the name is absolute", None, None
    if _has_drive(name):
        yield "DRIVE_LETTER", "the name starts with a drive", name[:2], None
    if "\\" in name:
        yield "BACKSLASH", "a backslash separates names on Windows", None, None
    yield from _odd_characters(name)
    length = len(name.encode("utf-8", "surrogatepass"))
    if length > limits.name_length:
        yield (
            "NAME_TOO_LONG",
            f"the name is longer than {limits.name_length} bytes",
            f"{length} bytes",
            "limits.name_length",
        )
    yield from _odd_components(name.removeprefix("/").split("/"), limits)


def _has_drive(name: str) -> bool:
    return name[1:2] == ":" and name[0].isascii() and name[0].isalpha()


def _odd_characters(name: str) -> Iterator[_Finding]:
    import re

    if re.search(_SURROGATE, name):
        yield "NOT_UTF8", "the name is not UTF-8", None, None
    if name.isprintable():  # no character of these categories is
        return
    from unicodedata import category

    for char in name:
        kind = category(char)
        # Readers of RECORD split it where `str.splitlines` does: after a
        # U+2028 in a name, pip finds a row of its own, and uninstalls that.
        if kind in ("Zl", "Zp") or (kind.startswith("C") and kind != "Cs"):
            yield (
                "CONTROL_CHARACTER",
                f"the name contains a character of category {kind}",
                f"U+{ord(char):04X}",
                None,
            )
            return


def _odd_components(parts: list[str], limits: Limits) -> Iterator[_Finding]:
    if "" in parts:
        yield "EMPTY_COMPONENT", "a component is empty", None, None
    if "." in parts:
        yield "DOT_COMPONENT", "'.' is not a name", None, None
    if odd := next(filter(_is_dotdot, parts), None):
        yield "DOTDOT", "'..' is not a name", odd, None
    # A character is at most four bytes, so most parts need no encoding.
    for part in parts:
        if 4 * len(part) <= limits.component_length:
            continue
        length = len(part.encode("utf-8", "surrogatepass"))
        if length > limits.component_length:
            yield (
                "COMPONENT_TOO_LONG",
                f"a component is longer than {limits.component_length} bytes",
                f"{length} bytes",
                "limits.component_length",
            )
            break
    if len(parts) > limits.depth:
        yield (
            "TOO_DEEP",
            f"the name has more than {limits.depth} components",
            str(len(parts)),
            "limits.depth",
        )


def _unportable(name: str, member: str) -> Iterator[Problem]:
    """Why another system could not hold *name*, at most once per code."""
    import re

    def problem(code: str, message: str, found: str) -> Problem:
        return Problem(
            code,
            message,
            member=member,
            found=printable(found),
            accept='portable_names="warn"',
        )

    parts = name.split("/")
    if ":" in name and not _has_drive(name):
        yield problem("COLON", "a colon names a stream on Windows", ":")
    for char in _RESERVED:
        if char in name:
            yield problem(
                "RESERVED_CHARACTER", "a character Windows reserves", char
            )
            break
    for part in parts:
        if part.endswith((".", " ")) and not _is_dots(part):
            yield problem(
                "TRAILING_DOT_OR_SPACE",
                "Windows drops dots and spaces at the end",
                part,
            )
            break
    device = re.compile(_DEVICE, re.IGNORECASE | re.DOTALL | re.ASCII)
    if odd := next(filter(device.fullmatch, parts), None):
        yield problem("DEVICE_NAME", "a device on Windows", odd)


def _is_dots(part: str) -> bool:
    """Whether *part* is refused everywhere, as "." or ".."."""
    return part == "." or _is_dotdot(part)


def _is_dotdot(part: str) -> bool:
    return part.startswith("..") and not part.strip(". ")


def _unflagged(
    names: Sequence[str], flags: Sequence[int]
) -> Iterator[Problem]:
    """
    Names with a byte above 0x7F that do not say that they are UTF-8.

    Readers guess CP437, UTF-8 or the locale: two trees from one wheel.
    """
    for name, bits in zip(names, flags):  # noqa: B905 - columns of one table
        if not bits & UTF8_FLAG and not name.isascii():
            yield Problem(
                "NOT_FLAGGED_UTF8",
                "the name is not ASCII and not flagged as UTF-8",
                member=name,
            )


def _collisions(names: Sequence[str], dirs: set[str]) -> Iterator[Problem]:
    """One name twice, and a file (or link) where a directory must be."""
    if len(set(names)) != len(names):
        seen: set[str] = set()
        for name in names:
            if name in seen:
                yield Problem("DUPLICATE", "the name occurs twice", name)
            seen.add(name)
    if not dirs.isdisjoint(names):
        for name in dict.fromkeys(names):
            if name in dirs:
                yield Problem(
                    "FILE_AND_DIRECTORY",
                    "another name needs a directory here",
                    name,
                )


def _clashes(names: Sequence[str], dirs: set[str]) -> Iterator[Problem]:
    """
    Paths that are one path to a system that folds case or composes.

    Directories count: "A/x" and "a/y" are in two directories here, in one
    there.
    """
    paths = dict.fromkeys(name.removesuffix("/") for name in names)
    paths.update(dict.fromkeys(sorted(dirs)))
    yield from _folded_alike(paths)


def _folded_alike(paths: Iterable[str]) -> Iterator[Problem]:
    from unicodedata import normalize

    composed: dict[str, str] = {}
    folded: dict[str, str] = {}
    for path in paths:
        nfc = path if path.isascii() else normalize("NFC", path)
        fold = nfc.casefold()
        fold = fold if fold.isascii() else normalize("NFC", fold)
        if nfc in composed:
            code, message = "NFC_CLASH", "equal to another after NFC"
            other = composed[nfc]
        elif fold in folded:
            code, message = "CASE_CLASH", "equal to another but for case"
            other = folded[fold]
        else:
            composed[nfc] = folded[fold] = path
            continue
        yield Problem(
            code,
            message,
            member=path,
            found=printable(other),
            accept='portable_names="warn"',
        )
