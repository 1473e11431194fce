"""
How far a run is, drawn on a terminal by rich.

The events are counted here; rich is imported when there is something worth
drawing, and without rich nothing is drawn.  A run that is over within
`PATIENCE` seconds never pays for it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from time import monotonic

from .errors import printable
from .events import (
    BytesDone,
    Event,
    WheelExtracted,
    WheelInstalled,
    WheelPlanned,
    WheelRefused,
    WheelVerified,
)

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from rich.progress import TaskID

PATIENCE = 0.3  # seconds before the first bar; rich takes 0.1 s to import
INTERVAL = 0.1  # seconds between two drawings
LABEL_WIDTH = 40  # columns of a wheel's name

# After these nothing more comes of a wheel.
_OVER = (WheelExtracted, WheelInstalled, WheelRefused, WheelVerified)


class Progress:
    """
    Bars for the wheels in work, and one for all if there are several.

    It is called with every event, in one thread, and draws on standard
    error, which the caller knows to be a terminal.
    """

    def __init__(self, wheels: Iterable[str]) -> None:
        self._total = _Total(wheels)
        self._bars: dict[str, _Bar] = {}
        self._display: _Display | None = None
        self._next_drawing = monotonic() + PATIENCE

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        """Wipe the bars: what they said is over."""
        self._next_drawing = float("inf")
        if self._display is not None:
            self._display.close()
            self._display = None

    def __call__(self, event: Event) -> None:
        """Take note of an *event*, and draw if it is time to."""
        self._note(event)
        if monotonic() >= self._next_drawing:
            self._draw()

    def say(self, text: str) -> bool:
        """Print *text* above the bars, or nothing if none are drawn."""
        if self._display is None:
            return False
        self._display.say(text)
        return True

    def _note(self, event: Event) -> None:
        if isinstance(event, WheelPlanned):
            self._bars[event.wheel] = _Bar(event.size)
        elif isinstance(event, BytesDone):
            if bar := self._bars.get(event.wheel):
                bar.done = event.size
        elif isinstance(event, _OVER):
            self._bars.pop(event.wheel, None)
            self._total.finish(event.wheel)

    def _draw(self) -> None:
        if self._display is None:
            try:
                self._display = _Display(self._total)
            except ImportError:  # no rich, no bars
                self._next_drawing = float("inf")
                return
        done = self._total.done(self._bars)
        self._display.draw(self._in_work(), done)
        self._next_drawing = monotonic() + INTERVAL

    def _in_work(self) -> dict[str, _Bar]:
        """
        The first wheel, and those that are half done; the others wait.

        Of a lock all wheels wait in the end, for the last of them.
        """
        first = next(iter(self._bars), None)
        return {
            wheel: bar
            for wheel, bar in self._bars.items()
            if 0 < bar.done < bar.size or wheel == first
        }


class _Bar:
    """How far one wheel is, in inflated bytes."""

    __slots__ = ("done", "size")

    def __init__(self, size: int) -> None:
        self.size = size
        self.done = 0


class _Total:
    """
    How far all wheels are, in packed bytes.

    Only those are known before every wheel was opened.
    """

    def __init__(self, wheels: Iterable[str]) -> None:
        self._left = dict.fromkeys(wheels, 0)
        self.count = len(self._left)
        self.finished = 0
        self.size = 0
        self._done = 0

    @property
    def label(self) -> str:
        """How many wheels are done."""
        return f"{self.finished} of {self.count} wheels, packed"

    def measure(self) -> None:
        """Ask for the sizes; a wheel that is missing counts as nothing."""
        for wheel in self._left:
            try:
                self._left[wheel] = os.stat(wheel).st_size
            except (OSError, ValueError):
                continue
        self.size = sum(self._left.values())

    def finish(self, wheel: str) -> None:
        """One *wheel* is over, well or not."""
        if wheel in self._left:
            self._done += self._left.pop(wheel)
            self.finished += 1

    def done(self, bars: dict[str, _Bar]) -> int:
        """Packed bytes done: a wheel half inflated is half done."""
        return self._done + sum(
            self._left.get(wheel, 0) * bar.done // bar.size
            for wheel, bar in bars.items()
            if bar.size
        )


class _Display:
    """What rich shows.  Raises ImportError if there is no rich."""

    def __init__(self, total: _Total) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )
        from rich.table import Column

        name = Column(max_width=LABEL_WIDTH, no_wrap=True, overflow="ellipsis")
        # Drawn when an event comes, so rich needs no thread of its own; it
        # must not redirect either, or it would fold the lines of a pipe.
        self._rich = Progress(
            TextColumn("{task.description}", markup=False, table_column=name),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=Console(file=sys.stderr),
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._tasks: dict[str, TaskID] = {}
        self._total = total
        self._total_task: TaskID | None = None
        if total.count > 1:
            total.measure()
            self._total_task = self._rich.add_task(
                total.label, total=total.size
            )
        self._rich.start()

    def draw(self, bars: dict[str, _Bar], done: int) -> None:
        """Show *bars*, and of all wheels that so many bytes are *done*."""
        self._draw_total(done)
        for wheel in self._tasks.keys() - bars.keys():
            self._rich.remove_task(self._tasks.pop(wheel))
        for wheel, bar in bars.items():
            if wheel in self._tasks:
                self._rich.update(self._tasks[wheel], completed=bar.done)
            else:
                self._tasks[wheel] = self._rich.add_task(
                    _label(wheel), total=bar.size, completed=bar.done
                )
        self._rich.refresh()

    def _draw_total(self, done: int) -> None:
        if self._total_task is not None:
            self._rich.update(
                self._total_task,
                description=self._total.label,
                completed=done,
            )

    def say(self, text: str) -> None:
        """Print *text* as it is above the bars."""
        self._rich.console.print(
            text, markup=False, highlight=False, emoji=False, soft_wrap=True
        )

    def close(self) -> None:
        """Wipe the bars and give the terminal back."""
        self._rich.stop()


def _label(wheel: str) -> str:
    """Name and version, as far as the file name of *wheel* tells."""
    return printable("-".join(os.path.basename(wheel).split("-")[:2]))
