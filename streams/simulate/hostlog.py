"""One host's lines in the order of time, each with the time that the host's clock shows.

Rules:
- Acts come by time, but the lines of one spread over some microseconds; so lines wait until no earlier one can come.
- A line's evidence is that of its act: a gap that begins within an act's lines takes none of them, or all.
- Stamps are RFC 3339 with microseconds, as rsyslog and Dovecot write them; a clock that is wrong shows in them alone.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import lru_cache

from streams.simulate.postfixlog import STEP, Said

SECOND = 1_000_000
_BEFORE = 4 * STEP
"""Microseconds by which a line may stand before its act."""


class HostLog:
    """The waiting lines of one host."""

    def __init__(self, clock: Callable[[int], int], zone: str, host: str) -> None:
        """No line yet.

        Args:
            clock: what the host's clock shows at a true time.
            zone: how its stamps end, such as "+00:00".
            host: its name in the lines; "" where they have none.
        """
        self._clock = clock
        self._tail = f"{zone} {host} " if host else f"{zone} "
        self._waiting: list[tuple[int, int, str, int]] = []
        self._count = 0

    def say(self, lines: Iterable[Said], act_at: int) -> None:
        """Lines of one act."""
        for at, text in lines:
            self._count += 1
            heapq.heappush(self._waiting, (at, self._count, text, act_at))

    def until(self, at: int) -> Iterator[tuple[int, bytes]]:
        """The lines that stand before what an act at `at` could say, each with the true time of its own act."""
        waiting = self._waiting
        while waiting and waiting[0][0] < at - _BEFORE:
            when, _, text, act_at = heapq.heappop(waiting)
            yield act_at, self._stamped(when, text)

    def _stamped(self, at: int, text: str) -> bytes:
        second, micro = divmod(self._clock(at), SECOND)
        return f"{_second(second)}.{micro:06}{self._tail}{text}\n".encode("utf-8", "replace")


@lru_cache(maxsize=64)
def _second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
