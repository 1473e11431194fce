"""
What a wheel says about itself: WHEEL, METADATA, the names at its top.

Pure.  A light reader of headers instead of the `email` package, whose import
alone takes longer than judging a wheel.  Strict where two readers could
disagree, lenient where published wheels are untidy.
"""

from __future__ import annotations

from .errors import InvalidWheelError, Problem, printable
from .filename import (
    WheelFilename,
    expand_tags,
    normalise_name,
    same_version,
)
from .values import value

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

WHEEL_VERSION = (1, 0)  # the one we know
WHEEL_VERSION_2 = (2, 0)  # the one of PEP 777 and 778, known if one asks

# Files that ask for links, each in an encoding of its own.
LINKS_FILE = "LINKS"  # PEP 778
AXLE_FILE = "symlinks.txt"  # wheel-axle
LINK_FILES = (LINKS_FILE, AXLE_FILE)


INFO_SUFFIX = ".dist-info"
_EMPTY_LINES = (b"\n\n", b"\n\r\n", b"\r\r")
_MOST_DIGITS = 9  # of a number in a version
_SHOWN = 400  # characters
_MOST_TOLD = 1 << 16  # tags expanded of all Tag lines; a file name has 4,096


def parse_headers(data: bytes) -> dict[str, list[str]]:
    """
    The header fields of *data*, by lower-case name, in their order.

    As the `email` package does it: a line that starts with a space or a tab
    continues the one before, one that begins with "From " or a colon is passed
    over, and the first other line that is no header ends them.

    Raises:
        InvalidWheelError: If they are not UTF-8 (HEADERS_NOT_UTF8) or contain
            a NUL (HEADERS_NUL), where a reader in C would stop.
    """
    head = _head(data)
    if b"\0" in head:
        raise _refusal("HEADERS_NUL", "a header contains a NUL")
    # The lines of each value are joined once: a million continuations of one
    # value, each added to a string, would take minutes (and pack to 4 KB).
    fields: dict[str, list[list[str]]] = {}
    lines: list[str] = []
    try:
        for line in map(bytes.decode, head.splitlines()):
            if line[:1] in (" ", "\t") and lines:
                lines.append(line)
                continue
            if line.startswith((":", "From ")):
                continue  # email passes over these, and so must we
            key, colon, text = line.partition(":")
            if not (colon and _is_key(key)):
                break
            lines = [text.strip(" \t")]
            fields.setdefault(key.lower(), []).append(lines)
    except UnicodeDecodeError as error:
        raise _refusal(
            "HEADERS_NOT_UTF8",
            "a header is not UTF-8",
            found=repr(error.object[:80]),
        ) from None
    return {
        key: ["\n".join(value) for value in values]
        for key, values in fields.items()
    }


def _head(data: bytes) -> bytes:
    """The *data* up to the first empty line, after which a body may be."""
    if data.startswith((b"\n", b"\r\n")):
        return b""
    lines = _EMPTY_LINES if b"\r" in data else _EMPTY_LINES[:1]
    ends = [data.find(line) for line in lines]
    return data[: min((end for end in ends if end >= 0), default=None)]


def _is_key(text: str) -> bool:
    """Whether *text* is the name of a field (RFC 822, 3.2)."""
    printable = text.isascii() and text.isprintable()
    return printable and text != "" and " " not in text


@value
class WheelInfo:
    """
    The file WHEEL, or PYBI (PEP 711), which says the same.

    Attributes:
        version: Wheel-Version, or Pybi-Version: major and minor.
        generator: What built it, or "".
        root_is_purelib: Whether the root goes to purelib.
        tags: The Tag lines, as written.
        warnings: What a reader should be told (WHEEL_VERSION_NEWER).
    """

    version: tuple[int, int]
    generator: str
    root_is_purelib: bool
    tags: tuple[str, ...]
    warnings: tuple[Problem, ...]

    @classmethod
    def parse(
        cls, data: bytes, *, wheel2: bool = False, name: str = "WHEEL"
    ) -> WheelInfo:
        """
        Read the *data* of WHEEL.

        Args:
            data: Its bytes.
            wheel2: Whether its major version may be 2.
            name: "WHEEL" or "PYBI".

        Raises:
            InvalidWheelError: If its version cannot be read (WHEEL_VERSION)
                or its major version is not 1 (WHEEL_VERSION_UNKNOWN), if it
                says twice where the root goes (WHEEL_FIELDS), or as
                `parse_headers`.
        """
        fields = parse_headers(data)
        version = _version(f"{name.title()}-Version", fields)
        _refuse_version(version, wheel2)
        _refuse_two_roots(fields.get("root-is-purelib", []))
        return cls(
            version=version,
            generator=" ".join(fields.get("generator", [])),
            root_is_purelib=_is_true(fields.get("root-is-purelib", [])),
            tags=tuple(fields.get("tag", [])),
            warnings=tuple(_newer(version)),
        )

    @property
    def platforms(self) -> frozenset[str]:
        """The platform tags of all its tags, lower case."""
        return frozenset(
            platform
            for tag in self.tags
            for platform in tag.lower().rpartition("-")[2].split(".")
        )


@value
class CoreMetadata:
    """
    The part of METADATA that concerns us (core metadata specification).

    Attributes:
        name: Of the distribution, as written.
        version: As written.
        contacts: Author-email and Maintainer-email, as written: unjudged
            text of strangers.
        wheel_version: Wheel-Version (PEP 777), or None if it says nothing.
    """

    name: str
    version: str
    contacts: tuple[str, ...]
    wheel_version: tuple[int, int] | None = None

    @classmethod
    def parse(cls, data: bytes) -> CoreMetadata:
        """
        Read the *data* of METADATA; its body is not looked at.

        Raises:
            InvalidWheelError: As `of` and `parse_headers`.
        """
        return cls.of(parse_headers(data))

    @classmethod
    def of(cls, fields: Mapping[str, list[str]]) -> CoreMetadata:
        """
        What concerns us of the *fields* of METADATA.

        Raises:
            InvalidWheelError: If there is not exactly one name and one
                version (METADATA_FIELDS), or a Wheel-Version that cannot be
                read (WHEEL_VERSION).
        """
        said = "wheel-version" in fields
        return cls(
            name=_only(fields, "Name"),
            version=_only(fields, "Version"),
            contacts=tuple(
                address
                for key in ("author-email", "maintainer-email")
                for address in fields.get(key, [])
                if address
            ),
            wheel_version=_version("Wheel-Version", fields) if said else None,
        )


def find_dist_info(
    names: Sequence[str], filename: WheelFilename | None
) -> str:
    """
    The one "NAME-VERSION.dist-info" at the top of a wheel.

    Of a pybi it is "NAME-VERSION.pybi-info", and PYBI stands for WHEEL.
    Case does not count in looking for others: `importlib.metadata` sees an
    "X.DIST-INFO" too.

    Raises:
        InvalidWheelError: If there is none (DIST_INFO_MISSING), more than
            one (DIST_INFO_MANY), if it is not that of *filename*
            (DIST_INFO_NAME), or has no METADATA or WHEEL (METADATA_MISSING,
            WHEEL_MISSING).
    """
    suffix = INFO_SUFFIX if filename is None else filename.info_suffix
    info_file = "WHEEL" if filename is None else filename.info_file
    found = tops(names, suffix)
    if not found:
        raise _refusal("DIST_INFO_MISSING", f"no {suffix} directory at top")
    if len(found) > 1:
        raise _refusal(
            "DIST_INFO_MANY",
            f"more than one {suffix} directory at the top",
            found=shown(found),
        )
    dist_info = found[0]
    problems = list(_wrong_dist_info(dist_info, filename))
    problems += [
        Problem(code, f"no {name}", member=f"{dist_info}/{name}")
        for code, name in (
            ("METADATA_MISSING", "METADATA"),
            ("WHEEL_MISSING", info_file),
        )
        if f"{dist_info}/{name}" not in names
    ]
    if problems:
        raise InvalidWheelError(problems)
    return dist_info


def check_agreement(
    info: WheelInfo, metadata: CoreMetadata, filename: WheelFilename | None
) -> tuple[list[Problem], list[Problem]]:
    """
    Judge whether WHEEL, METADATA and the file name say the same.

    Returns:
        The refusals (METADATA_DIFFERS, WHEEL_VERSION) and the warnings
        (TAGS_DIFFER, which is no refusal because published wheels have been
        renamed so; and those of *info*).
    """
    refusals = list(_different_versions(info, metadata, filename))
    warnings = list(info.warnings)
    if filename is not None:
        refusals += _different_identity(metadata, filename)
        warnings += _different_tags(info, filename)
    return refusals, warnings


def _refusal(
    code: str, message: str, found: str | None = None
) -> InvalidWheelError:
    return InvalidWheelError([Problem(code, message, found=found)])


def shown(values: Sequence[str]) -> str:
    """The *values* for a message: their text is a stranger's, of any size."""
    text = ", ".join(values)[:_SHOWN]
    return printable(text) or "none"


def _is_true(values: list[str]) -> bool:
    return [value.lower() for value in values] == ["true"]


def _refuse_two_roots(values: list[str]) -> None:
    """
    Refuse a root that some install as purelib, and some as platlib.

    Raises:
        InvalidWheelError: WHEEL_FIELDS.
    """
    if len(set(map(str.lower, values))) > 1:
        raise _refusal(
            "WHEEL_FIELDS",
            "WHEEL says in two ways where the root goes",
            found=shown(values),
        )


def _only(fields: Mapping[str, list[str]], key: str) -> str:
    """The value of a field that must be there, and once: readers differ."""
    values = fields.get(key.lower(), [])
    if len(values) != 1 or not values[0]:
        raise InvalidWheelError(
            [
                Problem(
                    "METADATA_FIELDS",
                    f"METADATA must have one {key}",
                    found=shown(values),
                )
            ]
        )
    return values[0]


def _version(header: str, fields: Mapping[str, list[str]]) -> tuple[int, int]:
    values = fields.get(header.lower(), [])
    numbers = values[0].split(".") if len(values) == 1 else []
    if len(numbers) != 2 or not all(map(_is_number, numbers)):
        raise InvalidWheelError(
            [
                Problem(
                    "WHEEL_VERSION",
                    f"there must be one {header}",
                    found=shown(values),
                    expected="1.0",
                )
            ]
        )
    return int(numbers[0]), int(numbers[1])


def _is_number(text: str) -> bool:
    plain = text.isascii() and text.isdigit()
    return plain and len(text) <= _MOST_DIGITS


def _refuse_version(version: tuple[int, int], wheel2: bool) -> None:
    """
    Refuse a major version that we do not know (PEP 427: "must abort").

    Raises:
        InvalidWheelError: WHEEL_VERSION_UNKNOWN.
    """
    known = [1, 2] if wheel2 else [1]
    if version[0] in known:
        return
    raise InvalidWheelError(
        [
            Problem(
                "WHEEL_VERSION_UNKNOWN",
                "the wheel is of a version with other rules",
                found=f"{version[0]}.{version[1]}",
                expected=" or ".join(f"{major}.x" for major in known),
                accept="links.wheel2=True" if version[0] == 2 else None,
            )
        ]
    )


def _different_versions(
    info: WheelInfo, metadata: CoreMetadata, filename: WheelFilename | None
) -> Iterable[Problem]:
    """
    Where WHEEL, METADATA and the extension tell different wheel versions.

    Then neither wins (PEP 777): a resolver has believed METADATA, and an
    installer would believe WHEEL.
    """
    if filename is not None and filename.is_pybi:
        return  # has a version of its own
    said = metadata.wheel_version or (1, 0)
    if metadata.wheel_version is None and info.version[0] == 1:
        said = info.version
    if said != info.version:
        yield Problem(
            "WHEEL_VERSION",
            "METADATA and WHEEL tell different versions of the format",
            found="{}.{}".format(*said),
            expected="{}.{}".format(*info.version),
        )
    if filename is not None and filename.is_wheel2 and info.version[0] == 1:
        yield Problem(
            "WHEEL_VERSION",
            "a file name of the format's version 2",
            found="{}.{}".format(*info.version),
            expected="2.x",
        )


def _newer(version: tuple[int, int]) -> Iterable[Problem]:
    known = WHEEL_VERSION if version[0] == 1 else WHEEL_VERSION_2
    if version > known:
        yield Problem(
            "WHEEL_VERSION_NEWER",
            "the wheel is of a newer version than we know",
            found=f"{version[0]}.{version[1]}",
            expected="{}.{}".format(*known),
        )


def tops(names: Sequence[str], suffix: str) -> list[str]:
    """The directories at the top of which the name ends in *suffix*."""
    tops = {name[: name.find("/") + 1] for name in names}
    return sorted(t[:-1] for t in tops if t[:-1].lower().endswith(suffix))


def _wrong_dist_info(
    dist_info: str, filename: WheelFilename | None
) -> Iterable[Problem]:
    suffix = INFO_SUFFIX if filename is None else filename.info_suffix
    name, _, version = dist_info.removesuffix(suffix).partition("-")
    if dist_info.endswith(suffix) and name and version:
        if filename is None or _is_of(filename, name, version):
            return
        expected = f"{filename.name}-{filename.version}{suffix}"
    else:
        expected = f"NAME-VERSION{suffix}"
    yield Problem(
        "DIST_INFO_NAME",
        f"the {suffix} directory is not that of the wheel",
        found=printable(dist_info),
        expected=expected,
    )


def _is_of(filename: WheelFilename, name: str, version: str) -> bool:
    # In lower case a Kelvin sign is a "k", but not to who knows ASCII alone.
    return (
        name.isascii()
        and normalise_name(name) == normalise_name(filename.name)
        and same_version(version, filename.version)
    )


def _different_tags(
    info: WheelInfo, filename: WheelFilename
) -> Iterable[Problem]:
    expected = filename.tags
    listed: set[str] = set()
    told = 0
    for tag in info.tags:
        sets = [part.split(".") for part in tag.lower().split("-")]
        tags = expand_tags(*sets) if len(sets) == 3 else {tag}
        listed |= tags
        told += len(tags)
        if len(listed) > len(expected):  # do not expand a hostile file on
            break
        if told > _MOST_TOLD:  # one line, again and again, packs to nothing
            listed.add("...")
            break
    if listed != expected:
        yield Problem(
            "TAGS_DIFFER",
            "WHEEL and the file name have different tags",
            found=shown(sorted(listed)),
            expected=shown(sorted(expected)),
        )


def _different_identity(
    metadata: CoreMetadata, filename: WheelFilename
) -> Iterable[Problem]:
    if _is_of(filename, metadata.name, metadata.version):
        return
    yield Problem(
        "METADATA_DIFFERS",
        "METADATA and the file name name different distributions",
        found=shown([metadata.name, metadata.version]),
        expected=shown([filename.name, filename.version]),
    )
