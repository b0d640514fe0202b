"""Inserts beside the reading of what comes next.

Rules:
- One insert is under way at a time. What is read meanwhile waits and goes with the next, so that an engine that is busy
  gets fewer and larger inserts, and has less to merge.
- What waits is bounded: whoever reads faster than the engine inserts waits with it.
- What is stored is told in order, after it is stored.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future

from streams.warehouse.rows import Rows

MOST = 200_000
"""Rows that wait at most."""

Ends = dict[int, int]
"""By partition, the offset after the last record."""


class Inserts:
    """The insert under way, and the rows that wait for it to end."""

    def __init__(
        self, executor: Executor, insert: Callable[[Sequence[Rows]], None], stored: Callable[[Ends], None]
    ) -> None:
        """`insert` runs in the executor; `stored` is told here which offsets it reached."""
        self._executor, self._insert, self._stored = executor, insert, stored
        self._under: tuple[Future[None], Ends] | None = None
        self._rows: list[Rows] = []
        self._ends: Ends = {}

    def put(self, read: Sequence[Rows], ends: Ends) -> None:
        """Insert some rows now, or with the next insert."""
        self._rows += read
        self._ends |= ends
        if self._under is not None and (self._under[0].done() or self._waiting() >= MOST):
            self._finish()
        if self._under is None:
            self._start()

    def settle(self) -> None:
        """Wait until everything is stored."""
        while self._under is not None:
            self._finish()
            if self._rows:
                self._start()

    def _waiting(self) -> int:
        return sum(len(one.events) for one in self._rows)

    def _start(self) -> None:
        read, ends, self._rows, self._ends = self._rows, self._ends, [], {}
        self._under = (self._executor.submit(self._insert, read), ends)

    def _finish(self) -> None:
        if self._under is not None:
            (done, ends), self._under = self._under, None
            done.result()
            self._stored(ends)
