"""
The library itself: its numbers, its failures, its handles.

The only module that imports it.
"""

from __future__ import annotations

import errno as errno_codes
import os

from .. import _native
from ..errors import (
    ArchiveError,
    CorruptMemberError,
    DestinationError,
    LimitError,
    Problem,
    UnsafeMemberError,
    UnsupportedError,
    UnwheelError,
)

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from typing import Any

    from ..policy import Limits

ffi = _native.ffi
lib = _native.lib

NAME = "native"

OK = int(lib.UW_OK)
CANCELLED = int(lib.UW_ERR_CANCELLED)
MISMATCH = int(lib.UW_ERR_MISMATCH)

# Reason codes by number: UW_WHY_CRC32 is "CRC32".
REASONS = {
    number: name.removeprefix("UW_WHY_")
    for number, name in ffi.typeof("enum uw_reason").elements.items()
}

ERRORS: dict[int, type[UnwheelError]] = {
    lib.UW_ERR_ARCHIVE: ArchiveError,
    lib.UW_ERR_UNSUPPORTED: UnsupportedError,
    lib.UW_ERR_LIMIT: LimitError,
    lib.UW_ERR_CORRUPT: CorruptMemberError,
    lib.UW_ERR_NAME: UnsafeMemberError,
}

# What a caller can do about a refusal, where there is something.
_ACCEPT = {
    "TOO_MANY_ENTRIES": "limits.entries",
    "DIRECTORY_TOO_LARGE": "limits.directory_size",
    "NAME_TOO_LONG": "limits.name_length",
    "MEMBER_TOO_LARGE": "limits.member_size",
    "TOTAL_TOO_LARGE": "limits.total_size",
    "TOTAL_RATIO": "limits.ratio",
    "DESCRIPTOR_UNSIGNED": 'descriptors="any"',
    "DESCRIPTOR_REFUSED": 'descriptors="signed"',
}

_DESCRIPTORS = {
    "signed": 0,
    "any": int(lib.UW_ALLOW_UNSIGNED_DESCRIPTORS),
    "refuse": int(lib.UW_REFUSE_DESCRIPTORS),
}

# Where `found` and `expected` are no quantities but patterns of 32 bits.
_PATTERNS = frozenset(
    {"CRC32", "LOCAL_CRC", "LOCAL_SIGNATURE", "DIRECTORY_SIGNATURE"}
)


def _cpu() -> int:
    """The CPU's features; UNWHEEL_CPU, for tests, switches some off."""
    mask = os.environ.get("UNWHEEL_CPU")
    features = int(lib.uw_cpu_detect())
    return features if mask is None else features & int(mask, 0)


CPU = _cpu()


# ------------------------------------------------------------------- errors


def problem_of(error: Any, member: str | None = None) -> Problem:
    """What *error* says, as a problem."""
    code = REASONS[error.reason]
    message = ffi.string(error.message).decode("ascii")
    found = expected = None
    if error.found or error.expected:
        form = "{:08x}" if code in _PATTERNS else "{}"
        found, expected = form.format(error.found), form.format(error.expected)
    if error.os_error:
        code = errno_codes.errorcode.get(error.os_error, "OS_ERROR")
        message += f": {os.strerror(error.os_error)}"
    return Problem(
        code=code,
        message=message,
        member=member,
        found=found,
        expected=expected,
        accept=_ACCEPT.get(code),
        offset=error.offset or None,
    )


def error_of(
    error: Any,
    *,
    wheel: str | None = None,
    member: str | None = None,
    ours: type[DestinationError] = DestinationError,
) -> Exception:
    """The exception that *error* stands for."""
    if error.status == lib.UW_ERR_MEMORY:
        return MemoryError(ffi.string(error.message).decode("ascii"))
    problem = problem_of(error, member)
    kind = ERRORS.get(error.status)
    if kind is not None:
        return kind([problem], wheel=wheel)
    return ours([problem], wheel=wheel, errno=error.os_error or None)


def member_of(error: Any) -> str | None:
    """The name that *error* tells, of an archive that is not open."""
    name: bytes = ffi.string(error.member)
    return name.decode("utf-8", "surrogateescape") or None


def os_problem(number: int, what: str, member: str | None = None) -> Problem:
    """The failure *number* of the operating system, as a problem."""
    return Problem(
        code=errno_codes.errorcode.get(number, "OS_ERROR"),
        message=f"{what}: {os.strerror(number)}" if number else what,
        member=member,
    )


def c_path(
    path: str, ours: type[DestinationError] = DestinationError
) -> bytes:
    """A caller's *path* for C, which would take a NUL for its end."""
    raw = os.fsencode(path)
    if b"\0" in raw:
        number = errno_codes.EINVAL
        problem = os_problem(number, "a path contains a NUL", path)
        raise ours([problem], errno=number)
    return raw


def c_limits(limits: Limits, descriptors: str) -> Any:
    """What the core has to know of a policy."""
    return ffi.new(
        "struct uw_limits *",
        {
            "entries": limits.entries,
            "directory_len": limits.directory_size,
            "name_len": limits.name_length,
            "allow": _DESCRIPTORS[descriptors],
        },
    )


def c_name(name: str) -> bytes:
    """The *name* of a member, as the archive has it: whatever the locale."""
    raw = name.encode("utf-8", "surrogateescape")
    if b"\0" in raw:
        raise UnsafeMemberError(
            [Problem("NAME_NUL", "the name contains a NUL", member=name)]
        )
    return raw


# ------------------------------------------------------------------ handles


def new_place(kind: str) -> Any:
    """
    Where the core puts a handle of *kind*, which goes when the place goes.

    Made before the call that fills it: Ctrl-C may come between any two steps
    of ours, and then nobody else knows of the handle yet.
    """
    return ffi.gc(
        ffi.new(f"struct uw_{kind} **"), getattr(lib, f"uw_{kind}_drop")
    )


def release(place: Any) -> None:
    """
    Give back what is in *place*, if there is one.

    The owner forgets it first, for whoever cleans up after a Ctrl-C must not
    find a handle that is gone.
    """
    if place is not None:
        ffi.release(place)


# ------------------------------------------------------------------ digests


def sha256(data: bytes, *, cpu: int = CPU) -> bytes:
    """SHA-256 of *data* (FIPS 180-4)."""
    state = ffi.new("struct uw_sha256 *")
    digest = ffi.new("uint8_t[32]")
    lib.uw_sha256_init(state, cpu)
    lib.uw_sha256_update(state, ffi.from_buffer(data), len(data))
    lib.uw_sha256_final(state, digest)
    return bytes(ffi.buffer(digest))
