"""A partition that is read from its beginning: what is told of it until all that was there is read.

Rules:
- Alarms may stand there that others told, and are taken back once all is read that could find them again (`leftovers`).
- Nothing is kept before that, only how far it is committed: who dies meanwhile, or loses the partition, leaves it to
  the next, who begins anew and finds the same.
"""

from typing import Any

import polars as pl

from streams.core.terms import Terms
from streams.kafka.ports import Committed
from streams.track.beginning import Beginning
from streams.track.leftovers import Leftovers
from streams.track.part import Part
from streams.track.replay import Alerts


class Anew:
    """One partition, from its beginning to what was its end when it began to be read."""

    def __init__(self, told: Alerts, span: tuple[int, int], partition: int, terms: Terms, committed: Committed) -> None:
        """Nothing is read yet.

        Args:
            told: all that was told, by alert and state.
            span: what the partition holds now: the first offset, and the one after the last.
            partition: its number.
            terms: what is owed.
            committed: what is stored for it.
        """
        first, end = span
        self._until = end if first < end else 0
        self._beginning = Beginning(terms, gone=first > 0)
        lost = committed.offset is not None and not committed.metadata
        self._left = Leftovers(told, partition, self._beginning, lost=lost)

    @property
    def waits(self) -> bool:
        """Is nothing of it kept before all is read."""
        return self._left.stand

    def hear(self, frame: pl.DataFrame) -> None:
        """Events that will be folded next."""
        self._beginning.hear(frame)

    def told(self, alerts: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Which of those that were found are to be told."""
        self._left.hear(alerts)
        return alerts

    def is_read(self, part: Part) -> bool:
        """Was all looked at that was there."""
        return part.offset >= self._until and not part.unlooked

    def ended(self, part: Part) -> list[dict[str, Any]]:
        """What is to be told once all is read."""
        return self._left.withdrawn(part)
