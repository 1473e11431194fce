"""
One wheel on its way into an environment.
"""

from __future__ import annotations

import os
import time

from installer import install
from installer.utils import get_launcher_kind

from ..errors import Problem, UnsuitableError
from ..filename import normalise_name, stem
from ..metadata import CoreMetadata, parse_headers
from ..values import cached_property
from .checks import installed_versions, unmet, wrong_python, wrong_tags
from .destination import SchemeDestination
from .distributions import find_installed
from .report import InstallReport
from .source import WheelSource

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from ..errors import UnwheelError
    from ..events import Event
    from ..policy import Policy
    from .compiling import Compiler
    from .distributions import Installed
    from .environment import Environment
    from .options import InstallOptions
    from .source import Content


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

    Attributes:
        wheel: The path, as the caller named it.
        refusal: Why it will not be installed, or None.
        members: How many files the crew has of it.
    """

    def __init__(self, wheel: str, job: Job) -> None:
        self.wheel = wheel
        self.refusal: UnwheelError | None = None
        self.members = 0
        self._job = job
        self._started = time.perf_counter()
        self._source: _Source | None = None
        self._destination: SchemeDestination | None = None
        self._told = -1

    # -------------------------------------------------------------- start

    def start(self) -> None:
        """
        Everything up to handing it to the crew.

        Raises:
            UnwheelError: If it is refused.
        """
        self._source = source = _Source.open(
            self.wheel, policy=self._job.policy
        )
        data = source.read_dist_info("METADATA").encode("utf-8")
        self._fields = parse_headers(data)
        self._metadata = CoreMetadata.parse(data)
        self._judge(source)
        if self._job.options.dry_run:
            source.opened.verify()
            return
        self._tell_planned(source)
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

    def _install(self, source: WheelSource) -> None:
        environment = self._job.environment
        schemes = environment.schemes_of(self._metadata.name)
        self._places = {
            scheme: environment.on_disk(place)
            for scheme, place in schemes.items()
        }
        self._replaced = find_installed(self._places, self._metadata.name)
        self._destination = destination = SchemeDestination(
            schemes,
            environment.interpreter,
            get_launcher_kind(),
            destdir=environment.root,
            compiler=self._job.compiler,
            replaces=self._replaced,
            overwrite=self._job.options.overwrite,
            deferred=True,
        )
        install(source, destination, self._job.metadata)
        self.members = source.opened.plan.files

    def _tell_planned(self, source: WheelSource) -> None:
        if self._job.on_event is not None:
            from ..events import WheelPlanned

            plan = source.opened.plan
            self._job.on_event(WheelPlanned(self.wheel, plan.files, plan.size))

    # -------------------------------------------------------------- middle

    def is_ready(self, milliseconds: int) -> bool:
        """Whether it can be ended at once, after at most so long."""
        if self._destination is None:
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

    # -------------------------------------------------------------- finish

    def finish(self) -> InstallReport:
        """
        Commit it.

        Raises:
            UnwheelError: If it cannot be; all is as it was.
        """
        ...

    # ----------------------------------------------------------------- end

    def close(self) -> None:
        """Stop what is running, and leave nothing behind."""
        try:
            if self._destination is not None:
                self._destination.discard()
        finally:
            if self._source is not None:
                self._source.close()


class _Source(WheelSource):
    """A source without bytecode, which `installer` would warn of."""

    def get_contents(self) -> Iterator[Content]:
        """All else."""
        for content in WheelSource.get_contents(self):
            if "__pycache__" not in content[0][0].split("/")[:-1]:
                yield content
