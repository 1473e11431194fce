"""
Wheels that were asked for by their place: direct_url.json (PEP 610).
"""

from __future__ import annotations

import json
import os
from urllib.parse import urlsplit, urlunsplit

from ..filename import normalise_name

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .locked import Locked

_MOST = 1 << 16  # bytes of a direct_url.json


def origin_of(locked: Locked, lock: str) -> bytes | None:
    """
    The direct_url.json of a wheel that a lock names by its place, or None.

    Args:
        locked: The wheel.
        lock: The path of the lock, which its path starts beside.
    """
    if not locked.is_direct:
        return None
    if locked.path is not None:
        from pathlib import Path

        place = os.path.join(os.path.dirname(lock), locked.path)
        url = Path(os.path.abspath(place)).as_uri()
    else:
        url = _without_secrets(locked.url or "")
    told = {"url": url, "archive_info": {"hashes": dict(locked.hashes)}}
    return json.dumps(told, sort_keys=True).encode("ascii")


def is_from(locked: Locked, sites: Iterable[str]) -> bool:
    """
    Whether what is installed may be the wheel that *locked* names.

    One that is asked for by its place has its version from nobody: its
    digest decides, as it was noted when it was installed.
    """
    if not locked.is_direct:
        return True
    return any(
        isinstance(hashes, dict) and locked.hashes.items() <= hashes.items()
        for hashes in _noted(locked.name, sites)
    )


def _noted(name: str, sites: Iterable[str]) -> Iterator[object]:
    """The digests that direct_url.json has, of the project *name*."""
    for site in sites:
        for leaf in _names_in(site):
            project, _, suffix = leaf.rpartition(".")
            project = project.partition("-")[0]
            if suffix == "dist-info" and normalise_name(project) == name:
                yield _hashes(os.path.join(site, leaf, "direct_url.json"))


def _names_in(site: str) -> list[str]:
    try:
        return os.listdir(site)
    except OSError:  # it need not exist yet
        return []


def _hashes(path: str) -> object:
    """What stands there, as far as that is what it should be."""
    try:
        with open(path, "rb") as file:
            told = json.loads(file.read(_MOST).decode("utf-8"))
        return told["archive_info"]["hashes"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _without_secrets(url: str) -> str:
    """The *url* without the name and the password of who may fetch it."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
