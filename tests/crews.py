"""A crew that works, for tests and benchmarks of batches."""

from __future__ import annotations

import threading

from unwheel.native import Crew


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
