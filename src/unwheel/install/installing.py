"""
Wheels into an environment: judged, through the crew, compiled, committed.

The caller's thread opens and judges the next wheel, and commits the one
before, while the crew is at work; it tells the events and answers Ctrl-C.
Wheels are committed in their order, one at a time.
"""

from __future__ import annotations

import os
from contextlib import ExitStack

from ..crew import TICK_MS, shared, thread_count
from ..errors import DestinationError, Problem, UnwheelError, printable
from ..faults import named, our_side
from ..filename import named_alike
from ..policy import Policy
from .checks import check_environment
from .direct_url import check_direct_url
from .options import InstallOptions

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence
    from typing import TypeAlias

    from ..bytecode import Compiler
    from ..events import Event
    from ..wheel import StrPath
    from .environment import Environment
    from .report import InstallReport
    from .running import Run

    OnEvent: TypeAlias = Callable[[Event], object]

# Wheels judged and handed to the crew before the first of them is committed,
# as long as they have no more members than this.
AHEAD = 16
MEMBERS_AHEAD = 20_000

_DEFAULT = Policy()
_DEFAULT_OPTIONS = InstallOptions()


def install_many(
    wheels: Iterable[StrPath],
    environment: Environment,
    *,
    policy: Policy = _DEFAULT,
    options: InstallOptions = _DEFAULT_OPTIONS,
    threads: int | None = None,
    on_event: OnEvent | None = None,
) -> Generator[InstallReport | UnwheelError, None, None]:
    """
    Install *wheels* into *environment*; one crew.

    What killed runs left there is finished or undone first.  Each wheel is
    there as a whole, its predecessor gone, or all is as it was.

    Args:
        wheels: Paths of wheels, each under its own file name.
        environment: Where to; see `environment_of`.
        policy: What is allowed; `existing` and `existing_links` mean nothing
            here.
        options: How.
        threads: How many to use; by default one for each CPU.
        on_event: Told every event, in this thread.

    Yields:
        For each wheel, in order, its report, or the error that refused it;
        the others go on.

    Raises:
        DestinationError: If none can be installed: EXTERNALLY_MANAGED,
            PROJECT_TWICE, DIRECT_URL, EXTRA_MISSING, or as `recover`.
        TypeError: If the policy takes links as stored.
    """
    paths = [os.fsdecode(wheel) for wheel in wheels]
    _check(paths, environment, policy, options)
    load_installer()
    from .running import Job, Run

    with ExitStack() as stack:
        if not options.dry_run:
            recover_sites(environment, on_event)
        stack.enter_context(shared(threads))
        runs: list[Run] = []
        stack.callback(close_all, runs)
        # Entered last, so that it is closed first: nobody waits then for
        # what is being compiled of wheels that will not be installed.
        compiler = compiler_for(environment, options, threads)
        if compiler is not None:
            stack.enter_context(compiler)
        job = Job(environment, policy, options, compiler, on_event, paths)
        for path in paths:
            # In the list before it starts: Ctrl-C may come at any time.
            runs.append(Run(path, job))
            start(runs[-1])
            while _far_enough(runs):
                yield _end(runs, on_event)
        while runs:
            yield _end(runs, on_event)


# ------------------------------------------------------------- before it all


def _check(
    paths: Sequence[str],
    environment: Environment,
    policy: Policy,
    options: InstallOptions,
) -> None:
    """
    See what has to be right before the first wheel is looked at.

    Raises:
        DestinationError: If something is not.
        TypeError: If no installation could be meant.
    """
    if policy.link_policy.entries == "verbatim":
        raise TypeError("install_many: links as stored are never installed")
    if not options.break_system_packages:
        check_environment(environment)
    if options.direct_url is not None:
        if len(paths) != 1:
            raise TypeError("install_many: one direct_url, several wheels")
        check_direct_url(options.direct_url)
    twice = named_alike(map(os.path.basename, paths))
    if twice is not None:
        raise DestinationError(
            [
                Problem(
                    "PROJECT_TWICE",
                    "two wheels of one project: only one can be installed",
                    found=printable(twice),
                )
            ]
        )


def load_installer() -> None:
    """
    See that `installer` is there.

    Raises:
        DestinationError: EXTRA_MISSING; the message says what to install.
    """
    try:
        import installer  # noqa: F401
    except ModuleNotFoundError as error:
        raise DestinationError(
            [
                Problem(
                    "EXTRA_MISSING",
                    "to install wheels the package installer is needed:"
                    " pip install 'unwheel[install]'",
                )
            ]
        ) from error


def recover_sites(environment: Environment, on_event: OnEvent | None) -> None:
    """Finish or undo what killed runs left, once for each site."""
    from ..site import recover

    for site in environment.sites:
        for recovered in recover(site):
            if on_event is not None:
                from ..events import InstallationRecovered

                on_event(
                    InstallationRecovered(recovered.path, recovered.outcome)
                )


def compiler_for(
    environment: Environment, options: InstallOptions, threads: int | None
) -> Compiler | None:
    if options.dry_run or not options.compile:
        return None
    if not hasattr(os, "posix_spawn"):  # Windows: whoever imports compiles
        return None
    from ..bytecode import Compiler

    return Compiler(
        environment.python.executable,
        levels=options.levels,
        invalidation=options.invalidation,
        # Each is a process: more than there are CPUs for only take memory.
        workers=None if threads is None else min(threads, thread_count()),
    )


# ------------------------------------------------------------------ the runs


def start(run: Run) -> None:
    """Hand it to the crew, or note why not."""
    try:
        run.start()
    except UnwheelError as error:
        run.refusal = named(error, run.wheel)
    except (OSError, ImportError) as error:
        run.refusal = our_side(error, run.wheel)
    if run.refusal is not None:
        run.close()


def _far_enough(runs: Sequence[Run]) -> bool:
    """Whether the first of *runs* should be ended before another starts."""
    return bool(runs) and (
        len(runs) > AHEAD
        or sum(run.members for run in runs) > MEMBERS_AHEAD
        or runs[0].is_ready(0)
    )


def _end(
    runs: list[Run], on_event: OnEvent | None
) -> InstallReport | UnwheelError:
    """What came of the first of *runs*, which is taken off."""
    first = runs[0]
    outcome = _outcome(runs) if first.refusal is None else first.refusal
    first.close()
    del runs[0]
    if isinstance(outcome, UnwheelError) and on_event is not None:
        from ..events import WheelRefused

        on_event(WheelRefused(outcome.wheel or "", str(outcome)))
    return outcome


def _outcome(runs: Sequence[Run]) -> InstallReport | UnwheelError:
    first = runs[0]
    try:
        while not first.is_ready(TICK_MS):
            for run in runs:
                run.tell_progress()
            for run in runs[1:]:  # which may have something to compile now
                run.is_ready(0)
        return first.finish()
    except UnwheelError as error:
        return named(error, first.wheel)
    except (OSError, ImportError) as error:
        return our_side(error, first.wheel)


def close_all(runs: Sequence[Run]) -> None:
    """Stop each of them, whatever becomes of the others."""
    with ExitStack() as stack:
        for run in runs:
            stack.callback(run.close)
