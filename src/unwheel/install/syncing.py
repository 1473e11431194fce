"""
A lock file into an environment: all of its wheels, or none.

Everything is found, hashed, staged, verified and judged first; the wheels are
committed one after the other when all of them can be.  Hashing is done here,
while the crew works on the wheels that were hashed before.
"""

from __future__ import annotations

import os
from contextlib import ExitStack

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
        Collection,
        Generator,
        Iterator,
        Mapping,
        Sequence,
    )
    from typing import TypeAlias

    from ..events import Event
    from ..wheel import StrPath
    from .environment import Environment
    from .finding import Place
    from .lock import Lock, Locked
    from .report import InstallReport
    from .running import Job, Run

    OnEvent: TypeAlias = Callable[[Event], object]
    Result: TypeAlias = "InstallReport | Unchanged | UnwheelError"

_DEFAULT = Policy()
_DEFAULT_OPTIONS = InstallOptions(requested=False)


@value
class Choice:
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


_ALL = Choice()


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
        """The same as `json.dumps` takes it, with the status "unchanged"."""
        return {
            **head_to_json("sync", "unchanged", self.wheel),
            "name": well_formed(self.name),
            "version": well_formed(self.version),
        }


def sync(
    lock: StrPath,
    environment: Environment,
    *,
    wheels: Sequence[StrPath] = (),
    choice: Choice = _ALL,
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
        changed.

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
        compiler = compiler_for(environment, options, threads)
        if compiler is not None and places:
            stack.enter_context(compiler)
        stack.enter_context(shared(threads))
        job = Job(
            environment,
            policy,
            replace(options, requested=False),
            compiler,
            on_event,
            [locked.filename for locked in wanted],
        )
        work = _Sync(job, read)
        stack.callback(work.close)
        work.stage(places)
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
        job: What they have in common.
        lock: Where they come from.

    Attributes:
        refusals: Why nothing will be installed; empty if all will be.
    """

    def __init__(self, job: Job, lock: Lock) -> None:
        self._job = job
        self._lock = lock
        self._runs: list[Run] = []
        self._held: list[Held] = []
        self.refusals: list[UnwheelError] = []

    # -------------------------------------------------------------- staging

    def stage(self, places: Sequence[Place]) -> None:
        """Hash, verify and judge all of them, as far as that is possible."""
        digests = Digests(self._go_on)
        for place in places:
            try:
                held = digests.hold(place)
            except (LockError, DestinationError) as error:
                self._refuse(error, place.locked.filename)
                continue
            self._held.append(held)
            self._start(held)
        owners: dict[str, str] = {}
        for run, held in zip(self._runs, self._held, strict=True):
            if run.refusal is None:
                self._place(run, held, owners)

    def _start(self, held: Held) -> None:
        """Hand it to the crew, and go on with the next one."""
        job = self._job
        origin = origin_of(held.locked, self._lock.path)
        if origin is not None:
            job = job.of(replace(job.options, direct_url=origin))
        from .running import Run

        # In the list before it starts: Ctrl-C may come at any time.
        self._runs.append(Run(held.wheel, job, held.at))
        start(self._runs[-1])
        if self._runs[-1].refusal is not None:
            self._refuse(self._runs[-1].refusal, held.wheel)

    def _go_on(self) -> None:
        """Let what the crew is done with be compiled; tell the progress."""
        for run in self._runs:
            if run.refusal is None:
                run.is_ready(0)
                run.tell_progress()

    def _wait(self, run: Run) -> None:
        while not run.is_ready(TICK_MS):
            self._go_on()

    def _place(self, run: Run, held: Held, owners: dict[str, str]) -> None:
        """Note where everything of *run* will be, or why it cannot be."""
        while not run.is_ready(TICK_MS):
            self._go_on()
        leaving = [
            old
            for other in self._runs
            if other is not run
            for old in other.replaced
        ]
        try:
            held.check()
            paths = run.prepare(leaving)
            _check_alone(paths, owners)
        except UnwheelError as error:
            run.refusal = named(error, run.wheel)
        except (OSError, ImportError) as error:
            run.refusal = our_side(error, run.wheel)
        else:
            owners.update(dict.fromkeys(paths, os.path.basename(run.wheel)))
        if run.refusal is not None:
            self._refuse(run.refusal, run.wheel)

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
            run.prepare()
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
            for held in self._held:
                held.close()


def _check_alone(paths: Collection[str], owners: Mapping[str, str]) -> None:
    """
    See that none of *paths* has one of the *owners*.

    Raises:
        DestinationError: TWO_OWNERS.
    """
    problems = [
        Problem(
            "TWO_OWNERS",
            "two wheels of the lock have this file",
            member=path,
            found=owners[path],
        )
        for path in sorted(paths)
        if path in owners
    ]
    if problems:
        raise DestinationError(problems)
