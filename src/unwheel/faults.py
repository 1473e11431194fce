"""
What became of a wheel's orders, judged: whose fault a failure is, and what to
say of it.
"""

from __future__ import annotations

import errno

from . import native
from .backend import Outcome, Outcomes
from .errors import (
    ArchiveError,
    CorruptMemberError,
    DestinationError,
    MismatchError,
    Problem,
    Problems,
    SourceError,
    UnwheelError,
)
from .plan import Plan
from .values import value

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


@value
class Failure:
    """An order that failed: whose fault it is, and what to say."""

    order: int
    kind: type[UnwheelError]
    problem: Problem
    os_error: int = 0


def judge_outcomes(
    results: Outcomes,
    plan: Plan,
    archive: native.NativeArchive,
    *,
    mismatch_warns: bool,
    failed: bool,
) -> list[Problem]:
    """
    Judge what the orders of *plan* came to.

    Args:
        results: What they came to.
        plan: Made of *archive*.
        archive: Read once more for digests that are not SHA-256.
        mismatch_warns: Whether content that is not what RECORD says is taken.
        failed: Whether any order failed; else they are not looked through.

    Returns:
        What is only warned of.

    Raises:
        UnwheelError: If anything else failed, with every reason.
    """
    failures = [*_changed(results, plan, archive)]
    failures += _rehashed(results, plan, archive)
    if failed:
        failures += _failed(results, plan)
    if not failures:
        return []
    failures.sort(key=lambda failure: failure.order)
    warnings: list[Problem] = []
    if mismatch_warns:
        warnings = problems_of(f for f in failures if f.kind is MismatchError)
        failures = [f for f in failures if f.kind is not MismatchError]
    if failures:
        raise error_of(failures, plan.wheel)
    return warnings


def _failed(results: Outcomes, plan: Plan) -> Iterator[Failure]:
    for k, status in enumerate(results.statuses()):
        if status not in (native.OK, native.CANCELLED):
            yield explain(results[k], plan, k)


def _changed(
    results: Outcomes, plan: Plan, archive: native.NativeArchive
) -> Iterator[Failure]:
    """
    What was judged has to be what was written, also if it is in no RECORD.

    Who can write to the wheel could exchange RECORD itself in between, for one
    that lists files of others, which an uninstall would remove.
    """
    judged = archive.judged
    for k in [k for k, member in enumerate(plan.orders) if member in judged]:
        expected, found = judged[plan.orders[k]], results.sha256(k)
        if found != expected and results[k].status == native.OK:
            problem = Problem(
                "CHANGED",
                "the wheel was changed while it was read",
                member=plan.entries.names[plan.orders[k]],
                found=found.hex(),
                expected=expected.hex(),
            )
            yield Failure(k, SourceError, problem)


def _rehashed(
    results: Outcomes, plan: Plan, archive: native.NativeArchive
) -> Iterator[Failure]:
    """
    Compare the digests that are not SHA-256 (rare), through hashlib.

    The file may have been changed since the crew read it, so the bytes hashed
    here must have the SHA-256 of those that the crew wrote.
    """
    for k, algorithm, expected in plan.rehash:
        result = results[k]
        if result.status != native.OK:
            continue
        member = plan.orders[k]
        found = archive.digest(member, algorithm, "sha256")
        same = found["sha256"] == result.sha256
        if same and found[algorithm] == expected:
            continue
        problem = Problem(
            algorithm.upper(),
            f"{algorithm} is not what RECORD says",
            member=plan.entries.names[member],
            found=found[algorithm].hex(),
            expected=expected.hex(),
            accept='record="warn"',
        )
        yield Failure(k, MismatchError, problem)


def explain(result: Outcome, plan: Plan, order: int) -> Failure:
    """What the *result* of a failed *order* of *plan* means."""
    kind, problem = _fault(result, plan, order)
    return Failure(order, kind, problem, result.os_error)


def _fault(
    result: Outcome, plan: Plan, order: int
) -> tuple[type[UnwheelError], Problem]:
    index = plan.orders[order]
    member = plan.entries.names[index]
    if result.os_error:
        if result.reason == "SOURCE_READ":
            return SourceError, native.os_problem(
                result.os_error, "cannot read the wheel", member
            )
        return DestinationError, native.os_problem(
            result.os_error, "cannot write", member
        )
    if result.reason == "SHA256":
        expected = plan.digests[32 * order : 32 * order + 32]
        return MismatchError, Problem(
            "SHA256",
            "SHA-256 is not what RECORD says",
            member=member,
            found=result.sha256.hex(),
            expected=expected.hex(),
            accept='record="warn"',
        )
    if result.reason == "CRC32":
        return CorruptMemberError, Problem(
            "CRC32",
            "CRC-32 is wrong",
            member=member,
            found=f"{result.crc32:08x}",
            expected=f"{plan.entries.crc32s[index]:08x}",
            offset=plan.entries.offsets[index],
        )
    return _explain_content(result, plan, index)


_CONTENT = {
    "SIZE": "the size is not what the directory states",
    "DEFLATE_BLOCK_TYPE": "the reserved DEFLATE block type 3",
    "DEFLATE_STORED_LENGTH": "a stored block's length is wrong",
    "DEFLATE_CODE_COUNTS": "a DEFLATE block has too many codes",
    "DEFLATE_CODE_LENGTHS": "a DEFLATE block's code is no prefix code",
    "DEFLATE_SYMBOL": "a DEFLATE symbol that has no meaning",
    "DEFLATE_DISTANCE": "a DEFLATE match reaches before the start",
    "DEFLATE_TRUNCATED": "the member ends before the DEFLATE stream does",
    "DEFLATE_EXCESS": "the DEFLATE stream ends before the member does",
    "LIBARCHIVE": "libarchive does not take it",
    "SOURCE_TRUNCATED": "the wheel was cut short while it was read",
}


def _explain_content(
    result: Outcome, plan: Plan, index: int
) -> tuple[type[UnwheelError], Problem]:
    found = expected = None
    if result.reason == "SIZE":
        more = result.size >= plan.entries.sizes[index]
        found = "more" if more else f"{result.size} bytes"
        expected = f"{plan.entries.sizes[index]} bytes"
    kind: type[UnwheelError] = CorruptMemberError
    if result.reason == "SOURCE_TRUNCATED":
        kind = SourceError
    message = _CONTENT.get(result.reason, "the member cannot be made")
    if result.reason == "LIBARCHIVE":
        message += f": {getattr(result, 'text', '')}"
    return kind, Problem(
        result.reason,
        message,
        member=plan.entries.names[index],
        found=found,
        expected=expected,
        offset=result.offset,
    )


def problems_of(failures: Iterable[Failure]) -> list[Problem]:
    """What to say of *failures*, of one code not more than are told."""
    return list(Problems(failure.problem for failure in failures))


def error_of(failures: Sequence[Failure], wheel: str) -> UnwheelError:
    """One error of all; ours, if any of them is ours."""
    ours = [f for f in failures if issubclass(f.kind, DestinationError)]
    told = ours or failures
    kind = told[0].kind
    problems = problems_of(told)
    if issubclass(kind, DestinationError):
        number = told[0].os_error
        return kind(problems, wheel=wheel, errno=number or None)
    if any(issubclass(f.kind, ArchiveError) for f in failures):
        kind = CorruptMemberError
    return kind(problems, wheel=wheel)


def named(error: UnwheelError, wheel: str) -> UnwheelError:
    """The *error*, which says which wheel it is about."""
    if error.wheel is None:
        error.wheel = wheel
    return error


def our_side(error: OSError | ImportError, wheel: str) -> DestinationError:
    """
    What a bare failure of the system is, whoever of us met it.

    Also one to load a part of us: that takes a descriptor, and what failed
    before may have been that there is none left.
    """
    if isinstance(error, OSError):
        number = error.errno or 0
        what = f"cannot use {error.filename}" if error.filename else "failed"
        problem = native.os_problem(number, what)
    else:
        number = errno.EIO
        problem = native.os_problem(number, f"cannot load Unwheel: {error}")
    told = DestinationError([problem], wheel=wheel, errno=number or None)
    told.__cause__ = error
    return told
