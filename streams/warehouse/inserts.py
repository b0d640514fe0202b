"""Inserts beside the reading of what comes next.

Rules:
- What is read while an insert is under way waits and goes with the next.
- While there is much more to read, inserts are large: the engine spends most on a row in merging it, and merges small
  parts more often. Where there is little to read, nothing waits for more to come.
- A second large one begins beside the first: while the engine stores the rows of one, it takes those of the other.
- What waits is bounded: whoever reads faster than the engine inserts waits with it.
- What is stored is told in order, after it and all before it is stored.
"""

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future

from streams.warehouse.rows import Rows

LARGE = 250_000
"""Rows of a large insert; no more wait."""

BESIDE = 2
"""Inserts that are under way at once."""

Ends = dict[int, int]
"""By partition, the offset after the last record."""


class Inserts:
    """The inserts under way, and the rows that wait for them to end."""

    def __init__(
        self, executor: Executor, insert: Callable[[Sequence[Rows]], None], stored: Callable[[Ends], None]
    ) -> None:
        """`insert` runs in the executor; `stored` is told here which offsets it reached."""
        self._executor, self._insert, self._stored = executor, insert, stored
        self._under: deque[tuple[Future[None], Ends]] = deque()
        self._rows: list[Rows] = []
        self._ends: Ends = {}

    def put(self, read: Sequence[Rows], ends: Ends, *, more: bool) -> None:
        """Insert some rows now, or with the next insert; `more` says that there is much more to read."""
        self._rows += read
        self._ends |= ends
        is_large = self._waiting() >= LARGE
        while self._under and (self._under[0][0].done() or (is_large and len(self._under) == BESIDE)):
            self._finish()
        if is_large or not (more or self._under):
            self._start()

    def settle(self) -> None:
        """Wait until everything is stored."""
        while self._under or self._rows:
            if self._rows and len(self._under) < BESIDE:
                self._start()
            self._finish()

    def _waiting(self) -> int:
        return sum(len(one.events) for one in self._rows)

    def _start(self) -> None:
        read, ends, self._rows, self._ends = self._rows, self._ends, [], {}
        self._under.append((self._executor.submit(self._insert, read), ends))

    def _finish(self) -> None:
        done, ends = self._under.popleft()
        done.result()
        self._stored(ends)
