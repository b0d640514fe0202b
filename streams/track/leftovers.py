"""What was told under other terms: taken back where the terms of now do not find it.

Rules:
- New terms read the log from the beginning and tell all that they find. What stood under the old ones, and is not among
  it by then, would stand for ever: nobody looks for it any more. So it is where no offset was stored: brokers forget
  those of a group that has no member for long.
- Where retention took all of a partition there is nothing to read: what stands is taken back at once, at the clock at
  which it was told, since no tick is left that says another.
- Nothing is kept before that, only how far it is committed: who dies meanwhile begins anew, and finds the same.
"""

from collections.abc import Iterable
from typing import Any

from streams.core.events import WITHDRAWN
from streams.track.part import Part
from streams.track.replay import Alerts


class Leftovers:
    """The alarms of one partition that stand, and were told under other terms."""

    def __init__(self, told: Alerts, span: tuple[int, int], partition: int, terms: str) -> None:
        """Find them.

        Args:
            told: all that was told, by alert and state.
            span: what the partition holds now: the first offset, and the one after the last.
            partition: whose.
            terms: the version of those of now.
        """
        first, end = span
        self._until, self._terms = end if first < end else 0, terms
        self._standing = {
            name: alert
            for (name, state), alert in told.items()
            if state == "raised" and (name, "cleared") not in told
            if alert["partition"] == partition and alert["terms"] != terms
        }

    @property
    def stand(self) -> bool:
        """Is there anything to take back."""
        return bool(self._standing)

    def hear(self, alerts: Iterable[dict[str, Any]]) -> None:
        """These were told under the terms of now."""
        for alert in alerts:
            self._standing.pop(alert["alert_id"], None)

    def are_known(self, part: Part) -> bool:
        """Was all looked at that could find them again."""
        return part.offset >= self._until and not part.unlooked

    def withdrawn(self, part: Part) -> list[dict[str, Any]]:
        """The records that take the others back, at the clock."""
        return [self._taken_back(alert, max(part.clock.through, alert["clock"])) for alert in self._standing.values()]

    def _taken_back(self, alert: dict[str, Any], at: int) -> dict[str, Any]:
        now = {"state": "cleared", "at": at, "clock": at, "terms": self._terms}
        return alert | now | {"attributes": [WITHDRAWN]}
