"""What was told before, by others: taken back where who reads the log from its beginning does not find it.

Rules:
- Who reads it from the beginning tells all that it finds. What stood, and is not among it by then, would stand for
  ever: nobody looks for it any more. It was told under other terms, or by a version that found more than ours does.
- What was told under our terms stays where the log cannot tell: its evidence has gone with the beginning of the log, or
  with a tail that was lost. Under other terms nothing of that counts, since it was promised otherwise.
- What ticks say of sources every tick says of all of them: it needs no more than one that is left.
- Where retention took all of a partition there is nothing to read: what other terms told is taken back at once, at
  the clock at which it was told, since no tick is left that says another.
"""

from collections.abc import Iterable
from typing import Any

from streams.core.events import UNFOUND, WITHDRAWN
from streams.track.beginning import Beginning
from streams.track.part import Part
from streams.track.replay import Alerts


class Leftovers:
    """The alarms of one partition that stood when it began to be read."""

    def __init__(self, told: Alerts, partition: int, beginning: Beginning, *, lost: bool) -> None:
        """Find them.

        Args:
            told: all that was told, by alert and state.
            partition: whose.
            beginning: of the partition.
            lost: its log has lost its tail; what only that knew stands.
        """
        self._beginning, self._terms = beginning, beginning.terms.version
        self._standing = {
            name: alert
            for (name, state), alert in told.items()
            if state == "raised" and (name, "cleared") not in told
            if alert["partition"] == partition and not (lost and alert["terms"] == self._terms)
        }

    @property
    def stand(self) -> bool:
        """Is there anything to take back."""
        return bool(self._standing)

    def hear(self, alerts: Iterable[dict[str, Any]]) -> None:
        """These were found again."""
        for alert in alerts:
            self._standing.pop(alert["alert_id"], None)

    def withdrawn(self, part: Part) -> list[dict[str, Any]]:
        """The records that take the others back, at the clock, once all was looked at that could find them again."""
        return [self._taken_back(alert, part) for alert in self._standing.values() if self._is_over(alert, part)]

    def _is_over(self, alert: dict[str, Any], part: Part) -> bool:
        """Would we have found it."""
        if alert["terms"] != self._terms:
            return True
        return alert["clock"] <= part.clock.through and (is_of_clock(alert) or self._beginning.knows(alert["at"]))

    def _taken_back(self, alert: dict[str, Any], part: Part) -> dict[str, Any]:
        at = max(part.clock.through, alert["clock"])
        how = [WITHDRAWN, UNFOUND] if alert["terms"] == self._terms else [WITHDRAWN]
        return alert | {"state": "cleared", "at": at, "clock": at, "terms": self._terms, "attributes": how}


def is_of_clock(alert: dict[str, Any]) -> bool:
    """Is it about a source, so that ticks alone tell it."""
    return bool(alert["rule"].startswith("source-"))
