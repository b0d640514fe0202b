"""The oracle of the sample day in the warehouse's words.

Rules:
- The warehouse answers in UTC without saying so; logs and reports have whole seconds. What the oracle knows better, by
  the store's log, is cut to the second in which it lies.
"""

from datetime import datetime
from pathlib import Path
from typing import Any

DAY = Path(__file__).parents[2] / "data" / "day"

PRIORITIES = {"non-urgent": -4, "normal": 0, "urgent": 4}

Key = tuple[str, str]
"""A unit: queue id at the submission point, and recipient."""


def at(text: str | None) -> datetime | None:
    """A time of the oracle."""
    return None if text is None else datetime.fromisoformat(text).replace(tzinfo=None)


def cut(moment: datetime | None) -> datetime | None:
    """The second in which a time lies."""
    return None if moment is None else moment.replace(microsecond=0)


def second(text: str | None) -> datetime | None:
    """The second in which a time of the oracle lies."""
    return cut(at(text))


def key(unit: dict[str, Any]) -> Key:
    """Of a unit of the oracle."""
    return unit["origin_queue_id"], unit["recipient"]
