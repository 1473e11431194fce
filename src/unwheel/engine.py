"""
Wheels through the crew: open, plan, stage, move the bytes, publish.

The caller's thread opens and judges the next wheel while the crew works on
this one, tells the events, and answers Ctrl-C.
"""

from __future__ import annotations

import errno
import os
import time

from . import native
from .crew import TICK_MS, Crew
from .errors import SourceError, UnwheelError

# Loaded before anything fails: afterwards there may be no descriptor left.
from .faults import judge_outcomes, named, our_side
from .orders import batch_of, check_space, files_of
from .plan import make_plan
from .private import remove_stale
from .staging import Staging
from .values import replace

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence
    from typing import TypeAlias

    from .errors import Problem
    from .events import Event
    from .linking import Made
    from .links import Host
    from .policy import Policy
    from .relay import RelayBatch
    from .report import FileFact, Report

    OnEvent: TypeAlias = Callable[[Event], object]

WINDOWS = os.name == "nt"

# Wheels judged and handed to the crew before the first of them has finished,
# as long as they have no more members than this.
AHEAD = 16
MEMBERS_AHEAD = 20_000

# Descriptors that there must be for each wheel ahead.  It keeps three; the
# rest is for the crew's threads, and for whoever calls us.
DESCRIPTORS = 8

# A wheel that costs less than this is not worth starting a thread for.
SMALL_SIZE = 1 << 20
SMALL_COUNT = 40


def policy_here(policy: Policy) -> Policy:
    """
    The *policy*, as strict as this host makes it.

    Raises:
        TypeError: If it wants a SOURCE_DATE_EPOCH that the environment lacks.
    """
    if WINDOWS and policy.portable_names != "refuse":
        policy = replace(policy, portable_names="refuse")
    if policy.mtime == "SOURCE_DATE_EPOCH":
        policy = replace(policy, mtime=_source_date_epoch())
    return policy


def no_destination(policy: Policy) -> Host:
    """What links may ask where a wheel is only looked at."""
    from .host import NoDestination

    return NoDestination(policy.link_policy)


def _source_date_epoch() -> int:
    given = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not (given.isascii() and given.isdigit() and len(given) < 12):
        raise TypeError(
            f"SOURCE_DATE_EPOCH is {given!r}, no number of seconds"
        )
    return int(given)


class _Run:
    """One wheel on its way: opened, judged, staged, in the crew's hands."""

    def __init__(
        self,
        wheel: str,
        destination: str | None,
        policy: Policy,
        on_event: OnEvent | None,
        crew: Crew,
        *,
        alone: bool,
        backend: str,
    ) -> None:
        self.wheel = wheel
        self._backend = backend
        self._descriptor = -1  # of the wheel, for a second reader
        self._crew = crew
        self._alone = alone  # the first one, and maybe the last
        self._destination = destination
        self._policy = policy_here(policy)
        self._on_event = on_event
        self._started = time.perf_counter()
        self._archive: native.NativeArchive | None = None
        self._staging: Staging | None = None
        self._tree: native.Tree | None = None
        self._batch: native.Batch | RelayBatch | None = None
        self._told = -1
        self.refusal: UnwheelError | None = None

    # -------------------------------------------------------------- start

    def start(self) -> None:
        """Everything up to handing the orders to the crew, or its refusal."""
        try:
            self._start()
        except UnwheelError as error:
            self.refusal = named(error, self.wheel)
        except (OSError, ImportError) as error:
            self.refusal = our_side(error, self.wheel)
        if self.refusal is not None:
            self.close()

    def _start(self) -> None:
        if self._backend != "native":
            # First, so that one that is put in its place is another one.
            self._descriptor = _descriptor_of(self.wheel)
        self._archive = native.NativeArchive(
            self.wheel, self._policy.limits, self._policy.descriptors
        )
        destination = self._destination
        self._plan = make_plan(
            self._archive,
            self.wheel,
            self._policy,
            lambda: self._host(destination),
        )
        if destination is not None:
            check_space(self._stage(destination).path, self._plan.size)
        self._batch = self._new_batch(self._archive)
        self._tell_planned()
        small = self._plan.size < SMALL_SIZE and self._plan.files < SMALL_COUNT
        if small and self._alone:
            self._batch.run()
        else:
            self._crew.take(self._batch)
            # Needed in the end, imported while the crew is at work.
            from . import report  # noqa: F401

    def _new_batch(
        self, archive: native.NativeArchive
    ) -> native.Batch | RelayBatch:
        plan = self._plan
        relayed = self._backend != "native"
        tree = None if relayed else self._tree
        batch = batch_of(plan, archive, tree, dedupe=self._policy.dedupe)
        if not relayed:
            return batch
        from .relay import RelayBatch

        descriptor, self._descriptor = self._descriptor, -1
        return RelayBatch(batch, archive, self._tree, plan, descriptor)

    def _stage(self, destination: str) -> Staging:
        """The private directory, made when it is first needed."""
        if self._staging is None:
            self._staging = Staging(
                destination,
                existing=self._policy.existing,
                existing_links=self._policy.existing_links,
            )
            self._staging.make()
            self._tree = self._staging.tree()
        return self._staging

    def _host(self, destination: str | None) -> Host:
        """What the links of the wheel may ask."""
        if destination is None:
            return no_destination(self._policy)
        from .host import DestinationHost

        return DestinationHost(
            destination,
            lambda: self._private_tree(destination),
            self._policy.link_policy,
            self._crew.probes,
            replaced=self._policy.existing == "replace",
        )

    def _private_tree(self, destination: str) -> native.Tree:
        self._stage(destination)
        assert self._tree is not None
        return self._tree

    def _tell_planned(self) -> None:
        if self._on_event is not None:
            from .events import WheelPlanned

            plan = self._plan
            self._on_event(WheelPlanned(self.wheel, plan.files, plan.size))

    def _tell_finished(self) -> None:
        if self._on_event is None:
            return
        from .events import WheelExtracted, WheelVerified

        size = self._plan.size
        if self._staging is None:
            self._on_event(WheelVerified(self.wheel, size))
        else:
            place = self._staging.destination
            self._on_event(WheelExtracted(self.wheel, place, size))

    # -------------------------------------------------------------- middle

    @property
    def members(self) -> int:
        """How many files it has; none if it was refused."""
        return 0 if self._batch is None else self._batch.count

    def wait(self, milliseconds: int) -> bool:
        """Whether the crew is done with it, after at most so long."""
        return self._batch is None or self._batch.wait(milliseconds)

    def tell_progress(self) -> None:
        """Tell how far it is, if that has changed."""
        if self._on_event is None or self._batch is None:
            return
        from .events import BytesDone

        size, members = self._batch.progress()
        if size != self._told:
            self._told = size
            self._on_event(BytesDone(self.wheel, size, members))

    # -------------------------------------------------------------- finish

    def finish(self) -> Report:
        """Judge the results, make the links, publish."""
        # Loaded while the wheel can still be refused: not when it is there.
        from . import report  # noqa: F401

        assert self._batch is not None
        assert self._archive is not None
        self.tell_progress()
        results = self._batch.outcomes()
        warnings = [
            *self._plan.warnings,
            *judge_outcomes(
                results,
                self._plan,
                self._archive,
                mismatch_warns=self._policy.record == "warn",
                failed=self._batch.failures() > 0,
            ),
        ]
        files = files_of(self._plan, results)
        made, publishing = self._publish(files)
        warnings += made.warnings if made else ()
        told = self._report(files, made, tuple(warnings), publishing)
        self._tell_finished()
        return told

    def _publish(
        self, files: Callable[[], Sequence[FileFact]]
    ) -> tuple[Made | None, str | None]:
        """Everything after the files; what became of links, and how."""
        made = None
        if self._staging is None or self._tree is None:
            if self._plan.links:
                from .linking import planned

                made = planned(self._plan)
            return made, None
        if self._plan.links:
            from .linking import make_links

            made = make_links(self._tree, self._plan, self._policy, files())
        if self._plan.times is not None:
            from .linking import set_times

            set_times(self._tree, self._plan, self._policy, made)
        if not self._policy.durable:
            self._tree.close()
            return made, self._staging.publish(last=self._plan.dist_info)
        # The files before anyone can see them, then the names they got.
        self._tree.sync()
        publishing = self._staging.publish(last=self._plan.dist_info)
        self._tree.sync()
        self._tree.close()
        return made, publishing

    def _report(
        self,
        files: Callable[[], Sequence[FileFact]],
        made: Made | None,
        warnings: tuple[Problem, ...],
        publishing: str | None,
    ) -> Report:
        from .report import Report

        assert self._batch is not None
        plan = self._plan
        staging = self._staging
        repeats, repeated_size = self._batch.repeats()
        return Report(
            wheel=self.wheel,
            action="verify" if staging is None else "extract",
            destination=None if staging is None else staging.destination,
            members=plan.files,
            size=plan.size,
            archive_size=plan.entries.archive_size,
            directories=len(plan.orders) - plan.files,
            links=made.links if made else (),
            repeats=repeats,
            repeated_size=repeated_size,
            warnings=warnings,
            seconds=time.perf_counter() - self._started,
            publishing=publishing,
            record=self._policy.record,
            installed_record=made is not None and made.record is not None,
            _files=files,
        )

    # ----------------------------------------------------------------- end

    def close(self) -> None:
        """Stop what is running, and leave nothing behind."""
        if self._batch is not None:
            self._batch.cancel()
            while not self.wait(TICK_MS) and not self._crew.is_gone:
                pass
            self._batch.close()
            self._batch = None
        if self._tree is not None:
            self._tree.close()
        if self._staging is not None:
            self._staging.discard()
        if self._archive is not None:
            self._archive.close()
        if self._descriptor >= 0:  # nobody has taken it
            os.close(self._descriptor)
            self._descriptor = -1

    def cancel(self) -> None:
        """Have the crew drop it; `close` still has to be called."""
        if self._batch is not None:
            self._batch.cancel()


def _descriptor_of(wheel: str) -> int:
    from .relay import opened

    try:
        return opened(wheel)
    except (OSError, ValueError) as error:
        number = getattr(error, "errno", None) or errno.EINVAL
        problem = native.os_problem(number, "open")
        raise SourceError([problem], errno=number) from error


# --------------------------------------------------------------------- runs


def run_many(
    jobs: Iterable[tuple[str, str | None]],
    *,
    policy: Policy,
    threads: int | None,
    on_event: OnEvent | None,
    backend: str = "native",
) -> Generator[Report | UnwheelError, None, None]:
    """
    Have all *jobs* done by one crew; what came of each, in their order.

    Args:
        jobs: Wheel and destination; None to verify only.
        policy: What is allowed.
        threads: See `Crew`.
        on_event: Told every event, in this thread.
        backend: Who reads the bytes of members, one of `policy.BACKENDS`.

    Yields:
        A report, or the error that refused the wheel; the others go on.

    Raises:
        MemoryError: If there is none for a thread.
        DestinationError: EXTRA_MISSING, if the backend is not installed.
    """
    if backend == "libarchive":
        from .libarchive import load

        load()
    runs: list[_Run] = []
    seen: set[str] = set()
    first = True
    with Crew(threads) as crew:
        try:
            for wheel, destination in jobs:
                if destination is not None:
                    _clean_up(destination, seen, on_event)
                # In the list before it starts: Ctrl-C may come at any time.
                runs.append(
                    _Run(
                        wheel,
                        destination,
                        policy,
                        on_event,
                        crew,
                        alone=first,
                        backend=backend,
                    )
                )
                first = False
                runs[-1].start()
                while _far_enough(runs):
                    yield _end(runs, crew, on_event)
            while runs:
                yield _end(runs, crew, on_event)
        finally:
            _close_all(runs)


def _far_enough(runs: Sequence[_Run]) -> bool:
    """Whether the first of *runs* should be ended before another starts."""
    if not runs:
        return False
    return (
        len(runs) > _most_ahead()
        or sum(run.members for run in runs) > MEMBERS_AHEAD
        or runs[0].wait(0)
    )


def _most_ahead() -> int:
    """How many wheels may be ahead, with the descriptors we may have."""
    if not hasattr(os, "sysconf"):
        return AHEAD
    most = os.sysconf("SC_OPEN_MAX")
    return AHEAD if most < 0 else min(AHEAD, most // DESCRIPTORS)


def _close_all(runs: Sequence[_Run]) -> None:
    """Stop all of them before waiting for the first."""
    try:
        for run in runs:
            run.cancel()
    finally:
        _close_each(runs)


def _close_each(runs: Sequence[_Run]) -> None:
    """Each, whatever becomes of the others."""
    if runs:
        try:
            runs[0].close()
        finally:
            _close_each(runs[1:])


def _clean_up(
    destination: str, seen: set[str], on_event: OnEvent | None
) -> None:
    """Once per directory: remove what dead processes left there."""
    path = os.path.abspath(destination)
    for parent in (os.path.dirname(path), path):
        if parent in seen:
            continue
        seen.add(parent)
        for removed in remove_stale(parent):
            if on_event is not None:
                from .events import StagingRemoved

                on_event(StagingRemoved(removed))


def _end(
    runs: list[_Run], crew: Crew, on_event: OnEvent | None
) -> Report | UnwheelError:
    """What came of the first of *runs*, which is taken off."""
    first = runs[0]
    outcome: Report | UnwheelError
    if first.refusal is not None:
        outcome = first.refusal
    else:
        while not first.wait(TICK_MS):
            crew.check()
            for run in runs:
                run.tell_progress()
        try:
            outcome = first.finish()
        except UnwheelError as error:
            outcome = named(error, first.wheel)
        except (OSError, ImportError) as error:
            outcome = our_side(error, first.wheel)
    first.close()
    del runs[0]
    if isinstance(outcome, UnwheelError) and on_event is not None:
        from .events import WheelRefused

        on_event(WheelRefused(outcome.wheel or "", str(outcome)))
    return outcome


def run_one(
    wheel: str,
    destination: str | None,
    *,
    policy: Policy,
    threads: int | None,
    on_event: OnEvent | None,
    backend: str = "native",
) -> Report:
    """
    The same for one wheel.

    Raises:
        UnwheelError: If it is refused, or cannot be published.
    """
    outcomes = run_many(
        [(wheel, destination)],
        policy=policy,
        threads=threads,
        on_event=on_event,
        backend=backend,
    )
    try:
        outcome = next(outcomes)
    finally:  # a traceback would keep it, and its threads
        outcomes.close()
    if isinstance(outcome, UnwheelError):
        raise outcome
    return outcome
