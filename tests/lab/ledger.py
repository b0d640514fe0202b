"""What the ledger of the laboratory says, while it is written and at its end."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from streams.core.events import Kind, MessageEvent
from streams.kafka.progress import plain
from streams.kafka.ranges import read_range
from streams.settings import Settings
from streams.wire import envelope, records
from tests import waiting
from tests.lab.daemons import PATIENCE

Row = dict[str, Any]
_Found = TypeVar("_Found")

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - in UTC, as the warehouse has it


def until(is_so: Callable[[], _Found], what: str) -> _Found:
    """What it is, as soon as it is so."""
    return waiting.until(is_so, what, 2 * PATIENCE)


def key_of(case: str) -> str:
    """The message key of a case."""
    return f"lab.{case}@origin.test"


@dataclass(frozen=True, slots=True)
class Ledger:
    """The topics as they are now."""

    settings: Settings

    def events(self) -> Iterator[MessageEvent]:
        """All events."""
        for batch in read_range(self.settings, "message-events"):
            yield from (envelope.decode(value) for value in batch.values)

    def clock(self) -> datetime:
        """The latest tick."""
        latest = max((one.occurred_at for one in self.events() if one.kind is Kind.TICK), default=0)
        return EPOCH + timedelta(microseconds=latest)

    def has_read(self, case: str) -> bool:
        """Is it known that the message of a case was opened."""
        return any(one.kind is Kind.READ and one.message_key == key_of(case) for one in self.events())

    def alerts(self) -> list[Row]:
        """All records of alerts."""
        batches = read_range(self.settings, "alerts")
        return [plain(records.decode("alert", value)) for batch in batches for value in batch.values if value]

    def overdue(self, queue_id: str) -> bool:
        """Was it told that the report of a submission is overdue."""
        return any(one["rule"] == "overdue" and one["queue_id"] == queue_id for one in self.alerts())


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What Custody says of one message at the end.

    Attributes:
        units: of custody, by submission and recipient.
        alerts: by the time at which they were raised.
        copies: in mailboxes.
        events: in order.
        notices: the latest of each notification about it.
    """

    units: list[Row]
    alerts: list[Row]
    copies: list[Row]
    events: list[Row]
    notices: list[Row]

    @property
    def unit(self) -> Row:
        """The only unit."""
        (only,) = self.units
        return only

    @property
    def findings(self) -> set[tuple[str, str, str]]:
        """Rule, recipient, and whether it stands."""
        return {(one["rule"], one["recipient"], "cleared" if one["cleared_at"] else "stands") for one in self.alerts}

    def alert(self, rule: str, queue_id: str = "") -> Row:
        """The only alert of a rule, about a queue entry perhaps."""
        (only,) = (one for one in self.alerts if one["rule"] == rule and queue_id in {"", one["queue_id"]})
        return only


SECOND = timedelta(seconds=1)


def is_within(moment: datetime, earliest: datetime, latest: datetime | None = None) -> bool:
    """Is a moment within a second of a span of time (logs have whole seconds)."""
    return (earliest - SECOND).replace(microsecond=0) <= moment <= (latest or earliest) + SECOND
