"""
A lock file into an environment: all of its wheels, or none.

Everything is found, hashed, staged, verified and judged first; the wheels are
committed one after the other when all of them can be.  Hashing is done here,
while the crew works on the wheels that were hashed before.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from functools import partial

from ..crew import TICK_MS, shared
from ..errors import DestinationError, LockError, Problem, UnwheelError
from ..faults import named, our_side
from ..filename import same_version
from ..policy import Policy
from ..report import head_to_json, well_formed
from ..values import replace, value
from .checks import check_environment, installed_versions
from .finding import Digests, Held, find
from .installing import (
    AHEAD,
    MEMBERS_AHEAD,
    close_all,
    compiler_for,
    load_installer,
    recover_sites,
    start,
)
from .lock import read_lock, select
from .options import InstallOptions
from .origin import is_from, origin_of

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import (
        Callable,
        Generator,
        Iterator,
        Sequence,
    )
    from typing import TypeAlias

    from ..events import Event
    from ..site import Installed
    from ..wheel import StrPath
    from .environment import Environment
    from .finding import Place
    from .lock import Lock
    from .locked import Locked
    from .report import InstallReport
    from .running import Job, Run

    OnEvent: TypeAlias = Callable[[Event], object]
    Result: TypeAlias = "InstallReport | Unchanged | UnwheelError"

_DEFAULT = Policy()
_DEFAULT_OPTIONS = InstallOptions(requested=False)


@value
class SyncChoice:
    """
    What is wanted of a lock file.

    Attributes:
        extras: Of the project that the lock is of.
        groups: Dependency groups, besides the default ones.
        default_groups: Whether those are wanted.
        skip: Projects that are left as they are, there or not.
        reinstall: Whether what is there in the very version is installed
            again.
    """

    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    default_groups: bool = True
    skip: tuple[str, ...] = ()
    reinstall: bool = False


_ALL = SyncChoice()


@value
class Unchanged:
    """
    A project that is there in the very version that the lock names.

    Attributes:
        wheel: The file name that it has in the lock.
        name: Normalized.
        version: As the lock has it.
    """

    wheel: str
    name: str
    version: str

    def to_json(self) -> dict[str, object]:
        """
        The same as `json.dumps` takes it.

        The keys of every object (see `unwheel.report`), one for each
        attribute, and `unchanged`, which is true; no `InstallReport` has it.
        """
        return {
            **head_to_json("sync", "ok", self.wheel),
            "name": well_formed(self.name),
            "version": well_formed(self.version),
            "unchanged": True,
        }


def sync(
    lock: StrPath,
    environment: Environment,
    *,
    wheels: Sequence[StrPath] = (),
    choice: SyncChoice = _ALL,
    policy: Policy = _DEFAULT,
    options: InstallOptions = _DEFAULT_OPTIONS,
    threads: int | None = None,
    on_event: OnEvent | None = None,
) -> Generator[Result, None, None]:
    """
    Have what *lock* (PEP 751) names in *environment*.

    What it does not name stays there.

    Args:
        lock: The path of the lock file.
        environment: Where to; see `environment_of`.
        wheels: Directories with wheels, besides those that the lock says.
        choice: What of it.
        policy: See `install_many`.
        options: See `install_many`; REQUESTED is not written, as a lock does
            not tell what somebody asked for.
        threads: How many to use; by default one for each CPU.
        on_event: Told every event, in this thread.

    Yields:
        For each wheel what was done; first of those that are there.  If any
        is refused, refusals are all that comes besides, and nothing was
        changed.  What only a commit can tell (a full disk; somebody else
        installs) keeps none of the others away, nor does what a dry run
        finds in one of them.

    Raises:
        LockError: If the lock cannot be followed, with every reason.
        SourceError: If the lock cannot be read, or wheels are missing.
        DestinationError: As `install_many`.
        TypeError: If the policy takes links as stored.
    """
    if policy.link_policy.entries == "verbatim":
        raise TypeError("sync: links as stored are never installed")
    if not options.break_system_packages:
        check_environment(environment)
    load_installer()
    from .running import Job

    read = read_lock(os.fsdecode(lock))
    wanted = select(
        read,
        environment.python,
        extras=choice.extras,
        groups=choice.groups,
        default_groups=choice.default_groups,
        skip=choice.skip,
    )
    if not options.dry_run:
        recover_sites(environment, on_event)
    there = set() if choice.reinstall else set(_there(wanted, environment))
    lacking = [locked for locked in wanted if locked.name not in there]
    directories = [os.fsdecode(directory) for directory in wheels]
    places = find(lacking, read.path, directories)
    for locked in wanted:
        if locked.name in there:
            yield Unchanged(locked.filename, locked.name, locked.version)
    with ExitStack() as stack:
        stack.enter_context(shared(threads))
        work = _Sync(read)
        stack.callback(work.close)
        # Entered last, so that it is closed first: see `install_many`.
        compiler = compiler_for(environment, options, threads)
        if compiler is not None and places:
            stack.enter_context(compiler)
        job = Job(
            environment,
            policy,
            replace(options, requested=False),
            compiler,
            on_event,
            [locked.filename for locked in wanted],
        )
        work.stage(places, job)
        if work.refusals:
            yield from work.refusals
        else:
            yield from work.commit()


def _there(
    wanted: Sequence[Locked], environment: Environment
) -> Iterator[str]:
    """The names of those that are there in the very version."""
    found = installed_versions(environment.sites)
    for locked in wanted:
        version = found.get(locked.name)
        if (
            version is not None
            and same_version(version, locked.version)
            and is_from(locked, environment.sites)
        ):
            yield locked.name


class _Sync:
    """
    The wheels of one lock, from their hashing to the last commit.

    Args:
        lock: Where they come from.

    Attributes:
        refusals: Why nothing will be installed; empty if all will be.
    """

    def __init__(self, lock: Lock) -> None:
        self._lock = lock
        self._runs: list[Run] = []
        self._unsettled: list[tuple[Run, Held]] = []
        self.refusals: list[UnwheelError] = []

    # -------------------------------------------------------------- staging

    def stage(self, places: Sequence[Place], job: Job) -> None:
        """Hash, verify and judge all of them, as far as that is possible."""
        digests = Digests(self._go_on)
        for place in places:
            try:
                held = digests.hold(place)
            except (LockError, DestinationError) as error:
                self._refuse(error, place.locked.filename)
                continue
            self._start(held, job)
            while self._is_far_enough:
                self._settle()
        while self._unsettled:
            self._settle()
        if not self.refusals:
            self._judge()

    def _start(self, held: Held, job: Job) -> None:
        """Hand it to the crew, and go on with the next one."""
        from .running import Run

        origin = origin_of(held.locked, self._lock.path)
        if origin is not None:
            job = job.of(replace(job.options, direct_url=origin))
        run = Run(held.wheel, job, held.at)
        # In the lists before it starts: Ctrl-C may come at any time.
        self._runs.append(run)
        self._unsettled.append((run, held))
        start(run)

    @property
    def _is_far_enough(self) -> bool:
        """Whether the first should be settled before another starts."""
        return bool(self._unsettled) and (
            len(self._unsettled) > AHEAD
            or sum(run.members for run, _ in self._unsettled) > MEMBERS_AHEAD
            or self._unsettled[0][0].is_ready(0)
        )

    def _go_on(self) -> None:
        """Let what the crew is done with be compiled; tell the progress."""
        for run, _ in self._unsettled:
            run.is_ready(0)
            run.tell_progress()

    def _settle(self) -> None:
        """Have the first one staged, all of it, and let go of its file."""
        run, held = self._unsettled[0]
        while not run.is_ready(TICK_MS):
            self._go_on()
        if run.refusal is None:
            self._attempt(run, run.prepare)
        if run.refusal is None:  # it was read to the end by now
            self._attempt(run, held.check)
        if run.refusal is not None:
            self._refuse(run.refusal, run.wheel)
        held.close()
        del self._unsettled[0]

    def _judge(self) -> None:
        """See that all of them may be there, and beside each other."""
        owners: dict[str, str] = {}
        for run in self._runs:
            leaving = [
                old
                for other in self._runs
                if other is not run
                for old in other.replaced
            ]
            place = partial(_place, run, leaving, owners)
            self._attempt(run, place)
            if run.refusal is not None:
                self._refuse(run.refusal, run.wheel)

    def _attempt(self, run: Run, work: Callable[[], object]) -> None:
        """Do the *work* for *run*; if that fails, it is refused."""
        try:
            work()
        except UnwheelError as error:
            run.refusal = named(error, run.wheel)
        except (OSError, ImportError) as error:
            run.refusal = our_side(error, run.wheel)

    # ------------------------------------------------------------ committing

    def commit(self) -> Iterator[InstallReport | UnwheelError]:
        """
        Put each in its place; who takes over a file of another comes later.
        """
        left = list(self._runs)
        while left:
            run = next((run for run in left if self._is_free(run)), left[0])
            left.remove(run)
            try:
                yield run.finish()
            except UnwheelError as error:
                yield named(error, run.wheel)
            except OSError as error:
                yield our_side(error, run.wheel)
            run.close()

    def _is_free(self, run: Run) -> bool:
        """Whether nothing is in its way any more."""
        if not any(other.replaced for other in self._runs):
            return True
        try:
            run.judge()
        except DestinationError:
            return False
        return True

    # ------------------------------------------------------------------- end

    def _refuse(self, error: UnwheelError, wheel: str) -> None:
        self.refusals.append(named(error, wheel))

    def close(self) -> None:
        """Undo what is not committed, and let go of everything."""
        try:
            close_all(self._runs)
        finally:
            for _, held in self._unsettled:
                held.close()


def _place(
    run: Run, leaving: Sequence[Installed], owners: dict[str, str]
) -> None:
    """
    Note what *run* will have, and see that nobody else has it.

    Raises:
        DestinationError: TWO_OWNERS; or if something is in the way.
    """
    paths = run.judge(leaving)
    problems = [
        Problem(
            "TWO_OWNERS",
            "two wheels of the lock have this file",
            member=path,
            found=owners[path],
        )
        for path in sorted(owners.keys() & paths)
    ]
    if problems:
        raise DestinationError(problems)
    owners.update(dict.fromkeys(paths, os.path.basename(run.wheel)))
