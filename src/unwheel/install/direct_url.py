"""
direct_url.json: where a wheel came from (PEP 610, Direct URL Data Structure).

Pure.  Other installers, `pip freeze` among them, act on what is in there, so
it is judged before a wheel is installed with it.
"""

from __future__ import annotations

import json

from ..errors import DestinationError, Problem, printable

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "direct_url.json"
_KINDS = ("archive_info", "dir_info", "vcs_info")
_MOST = 1 << 16  # bytes; it is an address and a few words
_SHOWN = 200


def check_direct_url(data: bytes) -> None:
    """
    Judge the *data* of a direct_url.json.

    Raises:
        DestinationError: DIRECT_URL, with everything that is wrong.
    """
    problems = [
        Problem("DIRECT_URL", message, member=NAME, found=found)
        for message, found in _problems(data)
    ]
    if problems:
        raise DestinationError(problems)


def _problems(data: bytes) -> Iterator[tuple[str, str | None]]:
    """What is wrong, and what was found there."""
    if len(data) > _MOST:
        yield "it is too large", f"{len(data)} bytes"
        return
    try:
        told = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        yield "it is no JSON", printable(str(error)[:_SHOWN])
        return
    if not isinstance(told, dict):
        yield "it is no object", None
        return
    yield from _wrong_url(told)
    yield from _wrong_texts(told, (), ("subdirectory",))
    yield from _wrong_kind(told)


def _wrong_url(told: dict[str, object]) -> Iterator[tuple[str, str | None]]:
    url = told.get("url")
    if not isinstance(url, str) or ":" not in url:
        yield "there must be one url", _shown(url)
    elif _has_secret(url):  # "MUST be stripped": not repeated here either
        yield "there is a password in the url", None
    elif "dir_info" in told and not url.startswith("file://"):
        yield "the url of a directory must be a file:// one", _shown(url)


def _has_secret(url: str) -> bool:
    """
    Whether there is a password in the *url*.

    Names of environment variables are none: ``${USER}:${TOKEN}@``.
    """
    authority = url.partition("://")[2].partition("/")[0]
    user, at, _ = authority.rpartition("@")
    if not at:
        return False
    password = user.partition(":")[2]
    return password != "" and not (
        password.startswith("${") and password.endswith("}")
    )


def _wrong_kind(told: dict[str, object]) -> Iterator[tuple[str, str | None]]:
    kinds = [kind for kind in _KINDS if kind in told]
    if len(kinds) != 1:
        yield f"there must be one of {', '.join(_KINDS)}", ", ".join(kinds)
        return
    about = told[kinds[0]]
    if not isinstance(about, dict):
        yield f"{kinds[0]} is no object", _shown(about)
    elif kinds[0] == "vcs_info":
        yield from _wrong_texts(
            about, ("vcs", "commit_id"), ("requested_revision",)
        )
    elif kinds[0] == "archive_info":
        yield from _wrong_texts(about, (), ("hash",))
        yield from _wrong_hashes(about.get("hashes", {}))
    elif not isinstance(about.get("editable", False), bool):
        yield "editable must be true or false", _shown(about["editable"])


def _wrong_hashes(hashes: object) -> Iterator[tuple[str, str | None]]:
    if not isinstance(hashes, dict) or not all(
        isinstance(digest, str) for digest in hashes.values()
    ):
        yield "hashes must be an object of strings", _shown(hashes)


def _wrong_texts(
    told: dict[str, object], needed: tuple[str, ...], optional: tuple[str, ...]
) -> Iterator[tuple[str, str | None]]:
    for key in needed:
        if key not in told:
            yield f"there must be one {key}", None
    for key in (*needed, *optional):
        if key in told and not isinstance(told[key], str):
            yield f"{key} must be a string", _shown(told[key])


def _shown(found: object) -> str:
    return printable(repr(found)[:_SHOWN])
