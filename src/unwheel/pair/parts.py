"""
The part of a plan that is installed: files, but RECORD and bytecode.

Pure.
"""

from __future__ import annotations

from ..plan import Plan
from ..values import replace

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeVar

    Column = TypeVar("Column", bytes, list[int])


def installed_part(plan: Plan) -> Plan:
    """
    The *plan* without what no installer installs.

    RECORD is written anew.  Bytecode that a wheel brings is run in the place
    of the source that people see.  Directories come with what is in them: an
    empty one would be left by whoever uninstalls.
    """
    names, orders = plan.entries.names, plan.orders[: plan.files]
    record = f"{plan.dist_info}/RECORD"
    out = [k for k, index in enumerate(orders) if names[index] == record]
    if b"__pycache__" in plan.entries.names_blob:
        out += [k for k, i in enumerate(orders) if _is_bytecode(names[i])]
        out.sort()
    files = plan.files - len(out)
    moved = _renumbered(plan.files, out) if plan.rehash else {}
    times = plan.times
    return replace(
        plan,
        orders=_cut(list(orders), out, 1),
        flags=_cut(plan.flags[: plan.files], out, 1),
        digests=_cut(plan.digests[: 32 * plan.files], out, 32),
        times=None
        if times is None
        else _cut(list(times[: plan.files]), out, 1),
        rehash=tuple(
            (moved[k], algorithm, digest)
            for k, algorithm, digest in plan.rehash
            if k in moved
        ),
        files=files,
        size=plan.size - sum(plan.entries.sizes[orders[k]] for k in out),
    )


def _is_bytecode(name: str) -> bool:
    return "__pycache__" in name.split("/")[:-1]


def _cut(column: Column, out: Sequence[int], width: int) -> Column:
    """The *column* without the rows *out*, each of that *width*."""
    starts = [0, *(width * (k + 1) for k in out)]
    ends = [*(width * k for k in out), len(column)]
    pieces = [column[i:j] for i, j in zip(starts, ends, strict=True)]
    if isinstance(column, bytes):
        return b"".join(pieces)
    return [each for piece in pieces for each in piece]


def _renumbered(count: int, out: Sequence[int]) -> dict[int, int]:
    """The new number of every row that is not *out*."""
    gone = set(out)
    kept = [k for k in range(count) if k not in gone]
    return {k: number for number, k in enumerate(kept)}
