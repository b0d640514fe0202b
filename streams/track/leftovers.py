"""What was told under other terms: taken back where the terms of now do not find it.

Rules:
- New terms read the log from the beginning and tell all that they find. What stood under the old ones, and is not among
  it by then, would stand for ever: nobody looks for it any more. So it is where no offset was stored: brokers forget
  those of a group that has no member for long.
- Nothing is kept before that, only how far it is committed: who dies meanwhile begins anew, and finds the same.
"""

from collections.abc import Iterable
from typing import Any

from streams.core.events import WITHDRAWN
from streams.track.part import Part
from streams.track.replay import Alerts


class Leftovers:
    """The alarms of one partition that stand, and were told under other terms."""

    def __init__(self, told: Alerts, until: int, partition: int, terms: str) -> None:
        """Find them.

        Args:
            told: all that was told, by alert and state.
            until: the end of what the partition holds now.
            partition: whose.
            terms: the version of those of now.
        """
        self._until, self._terms = until, terms
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
        now = {"state": "cleared", "at": part.clock.through, "clock": part.clock.through, "terms": self._terms}
        return [alert | now | {"attributes": [WITHDRAWN]} for alert in self._standing.values()]
