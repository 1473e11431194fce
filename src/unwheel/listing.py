"""What is in one wheel, as the archive and RECORD state it, unverified."""

from __future__ import annotations

from .backend import METHODS, Entry
from .errors import Problem, SourceError, UnwheelError
from .policy import Policy
from .report import EntryFact, Listing
from .wheel import Wheel


def list_wheel(path: str, policy: Policy) -> Listing:
    """
    What is in the wheel at *path*.

    A RECORD or a link that cannot be read is a warning: one lists a wheel
    to see what is wrong with it.

    Raises:
        SourceError: If it cannot be read at all.
        UnwheelError: If it is no archive, or larger than *policy* allows.
    """
    with Wheel(path, policy=policy) as wheel:
        digests, warnings = _digests(wheel)
        targets, more_warnings = _targets(wheel)
        return Listing(
            wheel=path,
            archive_size=wheel.entries.archive_size,
            entries=tuple(
                _fact(entry, digests.get(entry.name), targets.get(entry.name))
                for entry in wheel.entries
            ),
            warnings=(*warnings, *more_warnings),
        )


def _digests(wheel: Wheel) -> tuple[dict[str, str], tuple[Problem, ...]]:
    try:
        record = wheel.record
    except SourceError:
        raise
    except UnwheelError as error:
        return {}, error.problems
    digests = {
        path: f"{algorithm}:{digest.hex()}"
        for path, (algorithm, digest) in record.other.items()
    }
    for path, digest in record.sha256.items():
        digests[path] = f"sha256:{digest.hex()}"
    return digests, ()


def _targets(wheel: Wheel) -> tuple[dict[str, str], tuple[Problem, ...]]:
    try:
        return wheel.link_targets, ()
    except SourceError:
        raise
    except UnwheelError as error:
        return {}, error.problems


def _fact(entry: Entry, digest: str | None, target: str | None) -> EntryFact:
    return EntryFact(
        path=entry.name,
        type=entry.type,
        mode=entry.mode or None,
        method=METHODS.get(entry.method, str(entry.method)),
        size=entry.size,
        packed_size=entry.packed_size,
        crc32=f"{entry.crc32:08x}",
        digest=digest,
        target=target,
    )
