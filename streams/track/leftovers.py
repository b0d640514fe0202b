"""What was told under other terms: taken back where the terms of now do not find it.

Rules:
- New terms read the log from the beginning and tell all that they find. What stood under the old ones, and is not among
  it by then, would stand for ever: nobody looks for it any more.
- Nothing is kept before that: who dies meanwhile begins anew, and finds the same.
"""

from collections.abc import Iterable
from typing import Any

from streams.core.errors import Undecodable
from streams.kafka import progress
from streams.kafka.ports import Log
from streams.track.part import Part
from streams.wire import records as wire


class Leftovers:
    """The alarms of one partition that stand, and were told under other terms."""

    def __init__(self, records: Log, partition: int, terms: str) -> None:
        """Read the alerts; `until` is the end of what the partition holds now.

        Args:
            records: the ledger's log.
            partition: whose.
            terms: the version of those of now.
        """
        self.until = records.end_offsets("message-events").get(partition, 0)
        self._terms = terms
        self._standing: dict[bytes, dict[str, Any]] = {}
        cleared = set()
        for alert in _told(records, partition):
            if alert["state"] == "cleared":
                cleared.add(alert["alert_id"])
            else:
                self._standing[alert["alert_id"]] = alert
        for name in [name for name, one in self._standing.items() if name in cleared or one["terms"] == terms]:
            del self._standing[name]

    def hear(self, alerts: Iterable[dict[str, Any]]) -> None:
        """These were told under the terms of now."""
        for alert in alerts:
            self._standing.pop(alert["alert_id"], None)

    def are_known(self, part: Part) -> bool:
        """Was all looked at that could find them again."""
        return part.offset >= self.until and not part.unlooked

    def withdrawn(self, part: Part) -> list[dict[str, Any]]:
        """The records that take the others back, at the clock."""
        now = {"state": "cleared", "at": part.clock.through, "clock": part.clock.through, "terms": self._terms}
        return [alert | now | {"attributes": ["withdrawn"]} for alert in self._standing.values()]


def _told(records: Log, partition: int) -> Iterable[dict[str, Any]]:
    for batch in records.read_range("alerts"):
        for value in batch.values:
            try:
                alert = progress.plain(wire.decode("alert", value))
            except Undecodable:
                continue  # a dead letter of whoever reads alerts for a living
            if alert["partition"] == partition:
                yield alert
