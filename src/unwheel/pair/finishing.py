"""
The end of an installation: what the batch has done is judged, put in order,
compiled, listed in RECORD, and committed.
"""

from __future__ import annotations

import os

from installer.records import RecordEntry

from ..errors import InvalidWheelError, Problem, UnsafeMemberError
from ..faults import judge_outcomes
from ..metadata import INFO_SUFFIX
from ..orders import files_of
from ..places import is_below, name_below
from ..values import replace, value
from .arranging import arrange
from .rows import completed, record_text

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ..backend import Outcomes
    from ..bytecode import Compiled, Compiler
    from ..linking import Made
    from ..plan import Plan
    from ..report import LinkFact
    from ..site import Committed, Installed
    from .installation import Installation
    from .rows import Row

LIBRARIES = ("purelib", "platlib")  # whose sources are compiled


@value
class Order:
    """
    What `finalize_installation` was asked for, and how to do it.

    Attributes:
        site: The scheme that RECORD is in.
        record: Its path there.
        rows: Scheme and entry of every file that was asked for.
        scheme_dict: The directories at run time.
        algorithm: Of digests.
        levels: Of optimization, to compile for in this process.
        compiler: Who compiles instead, or None.
        replaces: See `Transaction.commit`.
        overwrite: See `Transaction.commit`.
    """

    site: str
    record: str
    rows: Sequence[Row]
    scheme_dict: Mapping[str, str]
    algorithm: str
    levels: Sequence[int]
    compiler: Compiler | None
    replaces: Sequence[Installed] | None
    overwrite: str


@value
class Finished:
    """
    What an installation came to.

    Attributes:
        committed: What changed in the places.
        rows: Of RECORD: the scheme, and the entry, of everything installed.
        links: What became of each link of the wheel.
        warnings: What a stricter policy would have refused.
        uncompiled: Sources that could not be compiled: the path at run time,
            and why.
        repeats: Members that were not inflated, but are those of another one.
        repeated_size: Their bytes.
    """

    committed: Committed
    rows: tuple[Row, ...]
    links: tuple[LinkFact, ...]
    warnings: tuple[Problem, ...]
    uncompiled: tuple[tuple[str, str], ...]
    repeats: int
    repeated_size: int


class Finishing:
    """
    An installation whose files are all asked for, and whose batch is done.

    Raises:
        UnwheelError: If the wheel is not what it says, or what cannot be
            made.
    """

    def __init__(self, work: Installation, order: Order) -> None:
        self._work = work
        self._order = order
        self._made: Made | None = None
        self._is_prepared = False
        self._repeats = (0, 0)
        self._warnings: list[Problem] = []
        outcomes = self._judge()
        work.move_to(order.site)
        arrange(work)
        self._rows = completed(work, outcomes, order.rows, order.algorithm)
        names = ((scheme, entry.path) for scheme, entry in self._rows)
        check_infos(work.places, names)
        self._compile()

    def _judge(self) -> Outcomes | None:
        """What the batch came to, if it is good; and make the links."""
        work, opened = self._work, self._work.opened
        if work.batch is None or work.plan is None or opened is None:
            return None
        outcomes = work.batch.outcomes()
        self._warnings += work.plan.warnings
        self._warnings += opened.warnings
        self._warnings += judge_outcomes(
            outcomes,
            work.plan,
            opened.archive,
            mismatch_warns=opened.policy.record == "warn",
            failed=work.batch.failures() > 0,
        )
        if work.plan.links:
            self._make_links(work.plan, outcomes)
        return outcomes

    def _make_links(self, plan: Plan, outcomes: Outcomes) -> None:
        from ..linking import make_links

        work = self._work
        assert work.opened is not None
        _check_targets(plan)
        policy = work.opened.policy
        # RECORD is written at the end, of more than links.
        links = policy.link_policy.replace(installed_record=False)
        self._made = make_links(
            work.tree(work.site),
            plan,
            replace(policy, links=links),
            files_of(plan, outcomes)(),
        )
        self._warnings += self._made.warnings

    # ------------------------------------------------------------- bytecode

    def _compile(self) -> None:
        order, work = self._order, self._work
        self._compiled: Sequence[Compiled] = ()
        if order.compiler is None and not order.levels:
            return
        sources = dict(self._sources())
        self._places = {
            staged: place for staged, (place, _) in sources.items()
        }
        pairs = [(staged, path) for staged, (_, path) in sources.items()]
        if order.compiler is None:
            from ..bytecode import compile_here

            self._compiled = compile_here(pairs, order.levels)
        elif pairs:
            work.compilation = order.compiler.submit(pairs)

    def _sources(self) -> Iterator[tuple[str, tuple[Row, str]]]:
        """By its staged path of each source, its row and its final path."""
        transaction = self._work.transaction
        assert transaction is not None
        for scheme, entry in self._rows:
            if scheme in LIBRARIES and entry.path.endswith(".py"):
                path = os.path.join(
                    self._order.scheme_dict[scheme], entry.path
                )
                staged = transaction.staged(scheme, entry.path)
                yield staged, ((scheme, entry), path)

    def _rows_of_bytecode(self) -> Iterator[Row]:
        for compiled in self._compiled:
            scheme, entry = self._places[compiled.source]
            folder = entry.path.rpartition("/")[0]
            for pyc in compiled.pycs:
                name = f"__pycache__/{os.path.basename(pyc)}"
                path = f"{folder}/{name}" if folder else name
                yield scheme, RecordEntry(path, None, None)

    # ------------------------------------------------------------------ end

    def prepare(self) -> None:
        """
        Wait for who compiles, write RECORD, rest.  May be called twice.

        Raises:
            DestinationError: If the system refuses.
        """
        if self._is_prepared:
            return
        work, order = self._work, self._order
        if work.compilation is not None:
            self._compiled = work.compilation.wait()
            work.compilation = None
        self._rows += self._rows_of_bytecode()
        text = record_text(self._rows, order.site, order.scheme_dict)
        work.tree(order.site).put(order.record, text)
        if work.batch is not None:
            self._repeats = work.batch.repeats()
        work.rest()
        self._is_prepared = True

    @property
    def _is_durable(self) -> bool:
        opened = self._work.opened
        return opened is not None and opened.policy.durable

    def judge(self, also: Sequence[Installed]) -> Sequence[Row]:
        """
        See that `commit` may be done, after `prepare`.

        Args:
            also: What goes besides what is replaced.

        Returns:
            The rows of RECORD.

        Raises:
            DestinationError: If something is in the way.
        """
        assert self._work.transaction is not None
        self._work.transaction.judge(
            record=self._order.record,
            replaces=[*(self._order.replaces or ()), *also],
            overwrite=self._order.overwrite,
        )
        return self._rows

    def commit(self) -> Finished:
        """
        Put all in its place, after `prepare`.

        Raises:
            DestinationError: If something is in the way, or the system
                refuses.  Then all is as it was.
        """
        work, order = self._work, self._order
        assert work.transaction is not None
        committed = work.transaction.commit(
            record=order.record,
            replaces=order.replaces,
            overwrite=order.overwrite,
            durable=self._is_durable,
        )
        return Finished(
            committed=committed,
            rows=tuple(self._rows),
            links=self._made.links if self._made else (),
            warnings=tuple(self._warnings),
            uncompiled=tuple(self._uncompiled()),
            repeats=self._repeats[0],
            repeated_size=self._repeats[1],
        )

    def _uncompiled(self) -> Iterator[tuple[str, str]]:
        for compiled in self._compiled:
            if compiled.problem is not None:
                scheme, entry = self._places[compiled.source]
                place = self._order.scheme_dict[scheme]
                yield os.path.join(place, entry.path), compiled.problem


def check_infos(
    places: Mapping[str, str], files: Iterable[tuple[str, str]]
) -> None:
    """
    Refuse files outside the root of the wheel that get into a .dist-info.

    They would be another distribution, or belie this one.  Of a library the
    wheel alone tells; where data and scripts are, the layout.

    Args:
        places: The directories of the schemes.
        files: Scheme and path of each.

    Raises:
        InvalidWheelError: DIST_INFO_MANY.
    """
    outside = [file for file in files if file[0] not in LIBRARIES]
    if not outside:  # as of most wheels
        return
    sites = {os.path.realpath(places[key]) for key in LIBRARIES}
    folders: dict[tuple[str, str], str] = {}
    problems = []
    for scheme, name in outside:
        folder, _, leaf = name.rpartition("/")
        if (scheme, folder) not in folders:
            path = os.path.join(places[scheme], folder)
            folders[scheme, folder] = os.path.realpath(path)
        path = os.path.join(folders[scheme, folder], leaf)
        for site in sites:
            top = name_below(site, path).partition("/")[0]
            if is_below(site, path) and top.lower().endswith(INFO_SUFFIX):
                problems.append(_second_info(path))
    if problems:
        raise InvalidWheelError(problems)


def _second_info(path: str) -> Problem:
    return Problem(
        "DIST_INFO_MANY",
        f"more than one {INFO_SUFFIX} directory once it is installed",
        member=path,
    )


def _check_targets(plan: Plan) -> None:
    """
    Refuse links to what is in the wheel, but is not installed.

    Raises:
        UnsafeMemberError: DANGLING.
    """
    installed = {plan.entries.names[index] for index in plan.orders}
    left_out = {*plan.entries.names} - installed
    problems = [
        Problem(
            "DANGLING",
            "the target is not installed",
            member=str(link.path),
            found=link.resolved,
        )
        for link in plan.links
        if link.kind == "file" and link.resolved in left_out
    ]
    if problems:
        raise UnsafeMemberError(problems)
