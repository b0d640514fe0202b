"""A partition that is read from its beginning: what is told of it until all that was there is read.

Rules:
- Alarms may stand there that others told, and are taken back once all is read that could find them again (`leftovers`).
- Where retention took the beginning of its log, some is found that may not be known whole, and is not told (`untold`).
  That ends once all is read: what is found from then on is told, or a ledger that keeps less than a horizon were mute.
- Nothing is kept before that, only how far it is committed: who dies meanwhile, or loses the partition, leaves it to
  the next, who begins anew and finds the same.
"""

import logging
from typing import Any

import polars as pl

from streams.core.terms import Terms
from streams.kafka.ports import Committed
from streams.track import segments
from streams.track.beginning import Beginning
from streams.track.leftovers import Leftovers
from streams.track.part import Part
from streams.track.replay import Alerts
from streams.track.untold import Untold

log = logging.getLogger(__name__)


class Anew:
    """One partition, from its beginning to what was its end when it began to be read.

    Attributes:
        mark: in whose name how far it is read is committed.
    """

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
        lost = committed.offset is not None and committed.metadata in {"", segments.LOST}
        self.mark = segments.LOST if lost else segments.ANEW
        self._left = Leftovers(told, partition, self._beginning, lost=lost)
        raised = (one for (_, state), one in (told if first else {}).items() if state == "raised")
        ours = {one["alert_id"] for one in raised if one["partition"] == partition}
        self._untold = Untold(ours, self._beginning)

    @property
    def waits(self) -> bool:
        """Is nothing of it kept before all is read."""
        return self._left.stand or self._beginning.gone

    def hear(self, frame: pl.DataFrame) -> None:
        """Events that will be folded next."""
        self._beginning.hear(frame)

    def told(self, alerts: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Which of those that were found are to be told."""
        self._left.hear(alerts)
        return self._untold.told(alerts)

    def is_read(self, part: Part) -> bool:
        """Was all looked at that was there."""
        return part.offset >= self._until and not part.unlooked

    def ended(self, part: Part) -> list[dict[str, Any]]:
        """What is to be told once all is read; of what was not told, nothing will be."""
        holding = self._untold.of_clock()
        untold = self._untold.standing.keys() - {alert["alert_id"] for alert in holding}
        part.alarms.hush(part.custody, untold)
        if untold:
            log.warning(
                "partition %d: retention took its beginning: %d alarms are not told", part.partition, len(untold)
            )
        return [*holding, *self._left.withdrawn(part)]
