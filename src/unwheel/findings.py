"""
What is wrong with a wheel, by whose fault it is.  Pure.
"""

from __future__ import annotations

from .errors import Problem, Problems, RecordError, UnwheelError
from .values import replace

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Iterable


class Findings:
    """Problems by whose fault they are, in the order they were found."""

    def __init__(self, wheel: str) -> None:
        self.wheel = wheel
        self.warnings = Problems()
        self._refusals = Problems()
        self._kind: type[UnwheelError] | None = None  # of the first
        self._errno: int | None = None  # and its number, if it has one

    @property
    def refused(self) -> bool:
        """Whether anything refuses the wheel so far."""
        return self._kind is not None

    def refuse(
        self, kind: type[UnwheelError], problems: Iterable[Problem]
    ) -> None:
        self._refusals.extend(problems)
        if self._kind is None and self._refusals:
            self._kind = kind

    def absorb(self, error: UnwheelError) -> None:
        if self._kind is None:
            self._errno = getattr(error, "errno", None)
        self.refuse(type(error), error.problems)

    def take_record(self, level: str, problems: Iterable[Problem]) -> None:
        """What is wrong with RECORD, at that *level* of the policy."""
        accept = 'record="warn"'
        problems = [
            p if p.accept else replace(p, accept=accept)
            for p in Problems(problems)
        ]
        if level == "warn":
            self.warnings.extend(problems)
        else:
            self.refuse(RecordError, problems)

    def check(self) -> None:
        """Raise everything that was found, if anything was."""
        if self._kind is not None:
            error = self._kind(self._refusals, wheel=self.wheel)
            if isinstance(error, OSError):
                error.errno = self._errno
            raise error
