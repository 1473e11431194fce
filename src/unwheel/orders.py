"""
The orders of a plan: as a batch for a crew, and what the crew made of them.
"""

from __future__ import annotations

import errno
import os

from . import native
from .errors import DestinationError, Problem
from .plan import EXECUTABLE

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .backend import Outcomes
    from .plan import Plan
    from .report import FileFact


def batch_of(
    plan: Plan,
    archive: native.NativeArchive,
    tree: native.Tree | None,
    *,
    dedupe: str,
) -> native.Batch:
    """
    All orders of *plan*, to be done below *tree*, or to be verified only.

    Raises:
        DestinationError: If a directory cannot be made.
    """
    times = plan.times
    return native.Batch(
        archive,
        tree,
        native.packed("uint32_t", plan.orders),
        plan.flags,
        plan.digests,
        times=None if times is None else native.packed("int64_t", times),
        dedupe=dedupe,
    )


def files_of(
    plan: Plan, results: Outcomes
) -> Callable[[], Sequence[FileFact]]:
    """The files of a report, made when somebody asks for them."""
    names, orders, flags = plan.entries.names, plan.orders, plan.flags
    count = plan.files

    def files() -> Sequence[FileFact]:
        from .report import FileFact

        facts = []
        for k in range(count):
            result = results[k]
            facts.append(
                FileFact(
                    path=names[orders[k]],
                    size=result.size,
                    sha256=result.sha256.hex(),
                    executable=bool(flags[k] & EXECUTABLE),
                )
            )
        return tuple(facts)

    return files


def check_space(path: str, size: int) -> None:
    """
    Refuse before writing what cannot fit.

    Raises:
        DestinationError: ENOSPC.
    """
    if not hasattr(os, "statvfs"):
        return
    try:
        space = os.statvfs(path)
    except OSError:  # then the first write that fails will tell
        return
    blocks = space.f_bfree if os.geteuid() == 0 else space.f_bavail
    free = blocks * space.f_frsize
    if space.f_blocks and size > free:
        raise DestinationError(
            [
                Problem(
                    "ENOSPC",
                    "no space left for the wheel",
                    found=f"{free} bytes free",
                    expected=f"at least {size}",
                )
            ],
            errno=errno.ENOSPC,
        )
