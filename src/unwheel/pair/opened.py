"""
A wheel that is open and judged: what a source, its streams and who installs
from them have in common.
"""

from __future__ import annotations

from ..crew import TICK_MS, shared
from ..engine import no_destination, policy_here
from ..errors import InvalidWheelError, Problem, UnwheelError
from ..faults import judge_outcomes, named
from ..metadata import WheelInfo
from ..native import NativeArchive
from ..orders import batch_of
from ..plan import SHA256, Plan, make_plan
from ..policy import Policy
from ..values import cached_property, replace

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..links import Host


class Opened:
    """
    One open wheel.

    Args:
        path: Of the wheel, under its own file name.
        policy: What is allowed.
        at: What is opened instead, if not *path*: the same file, held.

    Attributes:
        closed: Whether its source is closed: then nobody may read any more.
        warnings: Of content that was read and is not what RECORD says, if
            the policy only warns of that.
        archive: Stays open until all who hold it have let it go.

    Raises:
        UnwheelError: If it cannot be read, or the policy refuses it.
    """

    def __init__(
        self, path: str, policy: Policy, at: str | None = None
    ) -> None:
        self.path = path
        self.policy = policy_here(policy)
        self.closed = False
        self.warnings: list[Problem] = []
        self._holders = [0]  # a list, to which threads may add without a lock
        self.archive = self._archive(path if at is None else at)
        try:
            self.plan = self.plan_for(lambda: no_destination(self.policy))
        except BaseException:
            self.archive.close()
            raise

    def _archive(self, at: str) -> NativeArchive:
        try:
            return NativeArchive(
                at, self.policy.limits, self.policy.descriptors
            )
        except UnwheelError as error:
            error.wheel = self.path  # whatever it was opened by
            raise

    def plan_for(self, host: Callable[[], Host]) -> Plan:
        """
        The wheel, judged for a place that *host* tells of.

        Raises:
            UnwheelError: If the policy refuses it.
        """
        try:
            return make_plan(self.archive, self.path, self.policy, host)
        except UnwheelError as error:
            raise named(error, self.path) from error.__cause__

    def hold(self) -> None:
        """Keep the archive open, also when its source is closed."""
        self._holders.append(0)

    def let_go(self) -> None:
        """The counterpart of `hold`, once for each."""
        self._holders.pop()
        if not self._holders:
            self.archive.close()

    def check(self) -> None:
        """
        See that its source is open.

        Raises:
            ValueError: If it is not.
        """
        if self.closed:
            raise ValueError("the wheel is closed")

    @cached_property
    def index(self) -> dict[str, int]:
        """Where in the directory a name is."""
        return {name: k for k, name in enumerate(self.plan.entries.names)}

    def text(self, name: str) -> str:
        """
        The member *name* as text.

        Raises:
            KeyError: If there is none of that name.
            InvalidWheelError: If it is not UTF-8.
            UnwheelError: If it is not what the archive says, or too large.
        """
        index = self.index[name]
        try:
            data = self.archive.read(index, self.policy.limits.record_size)
            return data.decode("utf-8")
        except UnwheelError as error:
            raise named(error, self.path) from error.__cause__
        except UnicodeDecodeError as error:
            raise InvalidWheelError(
                [Problem("NOT_UTF8", "not UTF-8 text", member=name)],
                wheel=self.path,
            ) from error

    @property
    def root_scheme(self) -> str:
        """Where the root of the wheel goes: "purelib" or "platlib"."""
        info = WheelInfo.parse(
            self.text(f"{self.plan.dist_info}/WHEEL").encode(),
            wheel2=self.policy.link_policy.takes_wheel2,
        )
        return "purelib" if info.root_is_purelib else "platlib"

    def verify(self, *, contents: bool) -> None:
        """
        Compare every row of RECORD with what it is about, whatever the policy.

        Args:
            contents: Whether to read every member; else only what can be
                known without.

        Raises:
            UnwheelError: If any is not as it should be, with every reason.
        """
        strict = replace(self.policy, record="verify")
        try:
            plan = make_plan(
                *(self.archive, self.path, strict),
                lambda: no_destination(strict),
            )
            if contents:
                self.verify_contents(plan, mismatch_warns=False)
        except UnwheelError as error:
            raise named(error, self.path) from error.__cause__

    def verify_contents(
        self, plan: Plan, *, mismatch_warns: bool
    ) -> list[Problem]:
        """
        Read every member, and compare it with what *plan* says.

        Args:
            plan: Of this wheel.
            mismatch_warns: Whether another digest is only told.

        Returns:
            What is only told.

        Raises:
            UnwheelError: If any is not as it should be, with every reason.
        """
        batch = batch_of(plan, self.archive, None, dedupe="off")
        try:
            with shared() as crew:
                crew.take(batch)
                try:
                    while not batch.wait(TICK_MS):
                        crew.check()
                finally:
                    batch.cancel()
                    while not batch.wait(TICK_MS) and not crew.is_gone:
                        pass
            return judge_outcomes(
                batch.outcomes(),
                plan,
                self.archive,
                mismatch_warns=mismatch_warns,
                failed=batch.failures() > 0,
            )
        finally:
            batch.close()

    @cached_property
    def digests(self) -> dict[int, tuple[str, bytes]]:
        """What the content of a member has to be, by its index."""
        plan = self.plan
        found = {
            member: ("sha256", plan.digests[32 * k : 32 * k + 32])
            for k, member in enumerate(plan.orders)
            if plan.flags[k] & SHA256
        }
        for k, algorithm, digest in plan.rehash:
            found[plan.orders[k]] = algorithm, digest
        return found
