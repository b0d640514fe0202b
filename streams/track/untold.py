"""What is found of a partition whose beginning retention took, and told to nobody: it may not be known whole.

Rules:
- What was told before is told again, as of any log that is read again. What was not, and was raised within the horizon
  of the first tick that is left, may be found because what would say otherwise is gone.
- What was never raised is never cleared: not on the way, and not by a later life.
- What ticks say of a source that still holds when all is read is told then: it needs no evidence that is gone.
"""

from collections.abc import Collection
from typing import Any

from streams.track.beginning import Beginning
from streams.track.leftovers import is_of_clock


class Untold:
    """The alarms of one partition that stand, and that nobody is told.

    Attributes:
        standing: the records that would raise them, by alert.
    """

    def __init__(self, told: Collection[bytes], beginning: Beginning) -> None:
        """Nothing is found yet.

        Args:
            told: alerts that were raised before.
            beginning: of the partition.
        """
        self.standing: dict[bytes, dict[str, Any]] = {}
        self._told, self._beginning = told, beginning

    def told(self, alerts: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Which of those that were found are told, in their order."""
        return [alert for alert in alerts if not self._keeps(alert)] if self._beginning.gone else alerts

    def of_clock(self) -> list[dict[str, Any]]:
        """Those that ticks say, which hold by now."""
        return [alert for alert in self.standing.values() if is_of_clock(alert)]

    def _keeps(self, alert: dict[str, Any]) -> bool:
        name = alert["alert_id"]
        if alert["state"] == "cleared":
            return self.standing.pop(name, None) is not None
        if name in self._told or self._beginning.knows(alert["at"]):
            return False
        self.standing[name] = alert
        return True
