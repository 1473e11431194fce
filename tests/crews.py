"""A crew that works, for tests and benchmarks of batches."""

from __future__ import annotations

import threading
import time

from unwheel.native import Batch, Crew


class WorkingCrew(Crew):
    """A crew with threads; a context manager."""

    def __init__(self, count: int) -> None:
        """Start them."""
        super().__init__()
        self.threads = [
            threading.Thread(target=self.work) for _ in range(count)
        ]
        for thread in self.threads:
            thread.start()

    def __enter__(self) -> WorkingCrew:
        return self

    def __exit__(self, *exc: object) -> None:
        self.dismiss()
        for thread in self.threads:
            thread.join()

    def do(self, batch: Batch) -> float:
        """
        Have *batch* done; the seconds from its being given to its end.

        Raises:
            SystemExit: If a member is wrong.
        """
        begun = time.perf_counter()
        batch.give_to(self)
        while not batch.wait(1000):
            pass
        seconds = time.perf_counter() - begun
        if batch.failures():
            raise SystemExit(f"{batch.failures()} members are wrong")
        return seconds
