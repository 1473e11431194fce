"""
One wheel on its way into an environment.
"""

from __future__ import annotations

import os
import time

from installer import install
from installer.utils import get_launcher_kind

from ..errors import (
    InvalidWheelError,
    Problem,
    UnsuitableError,
    printable,
)
from ..filename import normalise_name, stem
from ..metadata import CoreMetadata, parse_headers
from ..pair import SchemeDestination, check_infos
from ..site import find_installed
from ..values import cached_property
from .checks import (
    installed_versions,
    unmet,
    unread_python,
    wrong_python,
    wrong_tags,
)
from .report import InstallReport
from .showing import ShownSource

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import (
        Callable,
        Collection,
        Mapping,
        Sequence,
    )

    from ..bytecode import Compiler
    from ..errors import UnwheelError
    from ..events import Event
    from ..pair import WheelSource
    from ..policy import Policy
    from ..report import LinkFact
    from ..site import Installed
    from .environment import Environment
    from .options import InstallOptions

LIBRARIES = ("purelib", "platlib")  # whose sources are compiled


class Job:
    """
    What all wheels of one call have in common.

    Attributes:
        environment: Where to.
        policy: What is allowed.
        options: How.
        compiler: Of the Python that will run them, or None.
        on_event: Told every event, or None.
    """

    def __init__(
        self,
        environment: Environment,
        policy: Policy,
        options: InstallOptions,
        compiler: Compiler | None,
        on_event: Callable[[Event], object] | None,
        wheels: Sequence[str],
    ) -> None:
        self.environment = environment
        self.policy = policy
        self.options = options
        self.compiler = compiler
        self.on_event = on_event
        self._wheels = wheels

    def of(self, options: InstallOptions) -> Job:
        """The same with other *options*."""
        return Job(
            self.environment,
            self.policy,
            options,
            self.compiler,
            self.on_event,
            self._wheels,
        )

    @cached_property
    def versions(self) -> Mapping[str, str]:
        """What will be there when all is done, by normalized name."""
        python = self.environment.python
        others = python.path if self.environment.is_own else ()
        found = installed_versions([*self.environment.sites, *others])
        for wheel in self._wheels:
            parts = stem(os.path.basename(wheel)).split("-")
            found[normalise_name(parts[0])] = "".join(parts[1:2])
        return found

    @property
    def metadata(self) -> dict[str, bytes]:
        """What an installer adds to .dist-info (Recording installed ...)."""
        options = self.options
        files = {"INSTALLER": f"{options.installer}\n".encode()}
        if options.requested:
            files["REQUESTED"] = b""
        if options.direct_url is not None:
            files["direct_url.json"] = options.direct_url
        return files


class Run:
    """
    One wheel: opened, judged, in the crew's hands, committed.

    Args:
        wheel: The path, as the caller named it.
        job: What it has in common with others.
        at: What is opened instead of the path, if it is held already.

    Attributes:
        wheel: The path, as the caller named it.
        refusal: Why it will not be installed, or None.
        members: How many files the crew has of it.
    """

    def __init__(self, wheel: str, job: Job, at: str | None = None) -> None:
        self.wheel = wheel
        self.refusal: UnwheelError | None = None
        self.members = 0
        self._job = job
        self._at = at
        self._started = time.perf_counter()
        self._source: ShownSource | None = None
        self._destination: SchemeDestination | None = None
        self._told = -1
        self._replaced: Sequence[Installed] = ()

    # -------------------------------------------------------------- start

    def start(self) -> None:
        """
        Everything up to handing it to the crew.

        Raises:
            UnwheelError: If it is refused.
        """
        self._source = source = ShownSource(
            self.wheel, policy=self._job.policy, at=self._at
        )
        self._fields = parse_headers(source.metadata)
        self._metadata = CoreMetadata.of(self._fields)
        self._judge(source)
        _ = source.launchers  # that can be read
        name = self._metadata.name
        environment = self._job.environment
        self._schemes = environment.schemes_of(name)
        self._places = {
            scheme: environment.on_disk(place)
            for scheme, place in self._schemes.items()
        }
        self._replaced = find_installed(self._places, name)
        self._tell_planned(source)
        if not self._job.options.dry_run:
            self._install(source)

    def _judge(self, source: WheelSource) -> None:
        """
        See whether the wheel is for this Python.

        Raises:
            UnsuitableError: If it is not.
        """
        options, python = self._job.options, self._job.environment.python
        problems: list[Problem] = []
        if not options.any_platform:
            problems += wrong_tags(source.opened.plan.filename, python)
        if not options.ignore_requires_python:
            problems += wrong_python(self._fields, python)
        if problems:
            raise UnsuitableError(problems)

    def _install(self, source: ShownSource) -> None:
        """Let `installer` ask for everything; the crew begins meanwhile."""
        environment, options = self._job.environment, self._job.options
        self._destination = destination = SchemeDestination(
            self._schemes,
            environment.interpreter,
            get_launcher_kind(),
            destdir=environment.root,
            compiler=self._job.compiler,
            replaces=self._replaced,
            overwrite=options.overwrite,
            deferred=True,
        )
        try:
            install(source, destination, self._job.metadata)
        except FileExistsError as error:
            raise _clash(error) from error
        self.members = source.opened.plan.files

    def _tell_planned(self, source: WheelSource) -> None:
        if self._job.on_event is not None:
            from ..events import WheelPlanned

            plan = source.opened.plan
            self._job.on_event(WheelPlanned(self.wheel, plan.files, plan.size))

    # -------------------------------------------------------------- middle

    def is_ready(self, milliseconds: int) -> bool:
        """Whether it can be ended at once, after at most so long."""
        if self._destination is None or self.refusal is not None:
            return True
        return self._destination.ready(milliseconds)

    def tell_progress(self) -> None:
        """Tell how far it is, if that has changed."""
        if self._job.on_event is None or self._destination is None:
            return
        from ..events import BytesDone

        size, members = self._destination.progress()
        if size != self._told:
            self._told = size
            self._job.on_event(BytesDone(self.wheel, size, members))

    def prepare(self) -> None:
        """
        Wait until all is staged, and hold nothing else any more.

        Raises:
            UnwheelError: If it cannot be installed.
        """
        if self._destination is not None and self._source is not None:
            self._destination.prepare()
            self._source.close()

    def judge(self, also: Sequence[Installed] = ()) -> Collection[str]:
        """
        See that it may be committed, after `prepare`.

        Args:
            also: What is about to be replaced by others.

        Returns:
            The real paths that it will have; none of a dry run.

        Raises:
            UnwheelError: If it may not be.
        """
        if self._destination is None:
            return ()
        rows = self._destination.judge(also)
        real = {key: os.path.realpath(p) for key, p in self._places.items()}
        return {os.path.join(real[scheme], row.path) for scheme, row in rows}

    @property
    def replaced(self) -> Sequence[Installed]:
        """What is there of the same project."""
        return self._replaced

    # -------------------------------------------------------------- finish

    def finish(self) -> InstallReport:
        """
        Commit it; or say what that would do.

        Raises:
            UnwheelError: If it cannot be; then all is as it was.
        """
        lacking = self._lacking()
        if self._destination is None:
            return self._rehearse(lacking)
        done = self._destination.complete()
        self.tell_progress()
        report = self._report(
            [(scheme, entry.path) for scheme, entry in done.rows],
            done.links,
            (*done.warnings, *map(_uncompiled, done.uncompiled), *lacking),
            sum(_is_bytecode(entry.path) for _, entry in done.rows),
        )
        if self._job.on_event is not None:
            from ..events import WheelInstalled

            self._job.on_event(
                WheelInstalled(self.wheel, report.site, report.size)
            )
        return report

    def _rehearse(self, lacking: Sequence[Problem]) -> InstallReport:
        """Judge all that can be judged without writing."""
        from ..linking import planned
        from .rehearsal import check_conflicts, rehearse

        assert self._source is not None
        options, opened = self._job.options, self._source.opened
        warnings = opened.verify_contents(
            opened.plan, mismatch_warns=self._job.policy.record == "warn"
        )
        notes = rehearse(
            self._source,
            self._job.environment.interpreter,
            self._job.metadata,
        )
        check_infos(self._places, notes.files)
        check_conflicts(
            notes.paths(self._places),
            self._places,
            self._replaced,
            options.overwrite,
        )
        sources = sum(
            scheme in LIBRARIES and name.endswith(".py")
            for scheme, name in notes.files
        )
        return self._report(
            list(notes.files),
            planned(opened.plan).links,
            (*opened.plan.warnings, *warnings, *lacking),
            sources * len(options.levels) if options.compile else 0,
        )

    def _lacking(self) -> list[Problem]:
        """What it asks for that will not be there, or that nobody can read."""
        python = self._job.environment.python
        told = list(unread_python(self._fields, python))
        if "requires-dist" in self._fields:
            told += unmet(self._fields, python, self._job.versions)
        return told

    def _report(
        self,
        names: Sequence[tuple[str, str]],
        links: Sequence[LinkFact],
        warnings: tuple[Problem, ...],
        compiled: int,
    ) -> InstallReport:
        assert self._source is not None
        plan = self._source.opened.plan
        dry_run = self._job.options.dry_run
        record = f"{plan.dist_info}/RECORD"
        site = next(scheme for scheme, name in names if name == record)
        scripts = self._places["scripts"]
        return InstallReport(
            wheel=self.wheel,
            name=self._metadata.name,
            version=self._metadata.version,
            site=self._places[site],
            files=len(names) + (compiled if dry_run else 0),
            size=plan.size,
            scripts=tuple(
                os.path.join(scripts, name)
                for scheme, name in names
                if scheme == "scripts"
            ),
            links=tuple(links),
            replaced=", ".join(old.version for old in self._replaced) or None,
            removed=self._removed(names),
            compiled=compiled,
            warnings=warnings,
            seconds=time.perf_counter() - self._started,
            dry_run=dry_run,
        )

    def _removed(self, names: Sequence[tuple[str, str]]) -> int:
        """How many files of the old version have no successor."""
        if not self._replaced:
            return 0
        real = {key: os.path.realpath(p) for key, p in self._places.items()}
        new = {os.path.join(real[scheme], name) for scheme, name in names}
        old = frozenset[str]().union(*(old.files for old in self._replaced))
        return sum(not _is_bytecode(path) for path in old - new)

    # ----------------------------------------------------------------- end

    def close(self) -> None:
        """Stop what is running, and leave nothing behind."""
        try:
            if self._destination is not None:
                self._destination.discard()
        finally:
            if self._source is not None:
                self._source.close()


def _clash(error: FileExistsError) -> InvalidWheelError:
    """
    What two files of the wheel are that would be in one place.

    In most layouts they would not: the wheel alone does not tell.
    """
    return InvalidWheelError(
        [
            Problem(
                "DATA_CLASH",
                "two files that are installed in one place",
                found=printable(str(error)),
            )
        ]
    )


def _is_bytecode(path: str) -> bool:
    return path.endswith(".pyc")


def _uncompiled(found: tuple[str, str]) -> Problem:
    """It is installed all the same, as pip would."""
    path, reason = found
    return Problem(
        "NOT_COMPILED",
        "no bytecode could be made",
        member=path,
        found=printable(reason),
    )
