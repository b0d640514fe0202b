"""What an operator orders: each order is a record of the log, with who and why.

Rules:
- An order is a `command` record; discharging also is a `discharged` event about the unit, so that custody, alarms and
  reliability follow from the log alone.
- Nothing is done to a case here: its keeper reads the command.
"""

import secrets
import time
from dataclasses import dataclass
from typing import Any

from streams import advice
from streams.cli._screen import as_datetime, clean, moment
from streams.core.errors import Misuse
from streams.core.events import Kind, MessageEvent
from streams.core.identity import fact_id
from streams.kafka import numbering, topics
from streams.kafka.broker import KafkaLog
from streams.kafka.names import COMMANDS
from streams.kafka.writer import EventWriter
from streams.settings import Settings
from streams.warehouse.questions import Warehouse
from streams.wire import records

SOURCE = "operator"

SHORTEST = 6
"""Characters of a case's id that name it at least."""

LATE = 120
"""Seconds by which the ledger's clock is behind at most where sources are followed."""


def _waiting(clock: dict[str, Any], at: int) -> list[str]:
    """That an order of a time in microseconds does not count yet, for a clock that is far behind or does not go on."""
    through = as_datetime(clock.get("through"))
    if through is not None and at / 1_000_000 - through.timestamp() < LATE:
        return []
    where = f"stands at {moment(through)}" if through else "has not begun"
    return [
        f"It counts for alarms once the ledger's clock, which {where}, has passed it: where nothing is followed, never."
    ]


@dataclass(frozen=True, slots=True)
class Operator:
    """Who gives orders, and why.

    Attributes:
        settings: of the ledger.
        warehouse: of the ledger.
        author: who.
        reason: why.
    """

    settings: Settings
    warehouse: Warehouse
    author: str
    reason: str

    def acknowledge(self, number: str) -> str:
        """A person has seen a case.

        Args:
            number: its id, or the beginning of it.

        Raises:
            Misuse: it is too short, or no case, or more than one, begins so; or the ledger has other ids of schemas.
        """
        if len(number) < SHORTEST:
            raise Misuse(f"{clean(number, 40)} is too short for a case.", hint=f"give {SHORTEST} characters at least")
        found = [
            row for row in self.warehouse.cases(all_of_them=True) if row["case_id"].hex().startswith(number.lower())
        ]
        if len(found) != 1:
            raise Misuse(
                f"{len(found)} cases begin with {clean(number, 40)}.",
                hint=" ".join(advice.words(self.settings, "cases", "--all")),
            )
        writer = self._writer()
        self._command(writer, "acknowledge", found[0]["case_id"].hex())
        writer.flush()
        return f"Acknowledged: {clean(found[0]['cause'], 60)}"

    def discharge(self, message: str, recipient: str) -> str:
        """A message arrived, by a proof that no system gives.

        Args:
            message: Message-ID, or the queue id of the submission.
            recipient: envelope recipient.

        Raises:
            Misuse: no unit, or more than one, is meant; or the ledger has other ids of schemas, or another number
                of partitions.
            Unavailable: the brokers do not answer.
        """
        units = self.warehouse.units(message, recipient)
        if not units:
            raise Misuse(f"No message {clean(message, 60)} of ours is for {clean(recipient, 40)}.")
        if len(units) > 1:
            ids = ", ".join(clean(unit["queue_id"], 30) for unit in units)
            raise Misuse(f"{len(units)} submissions are meant.", hint=f"name one by its queue id: {ids}")
        topics.check(self.settings)  # or the event would stand where nobody knows the message
        at = time.time_ns() // 1000
        writer = self._writer()
        writer.write([self._event(units[0], at)])
        self._command(writer, "discharge", f"{units[0]['message_key']} {units[0]['recipient']}", at)
        writer.flush()
        said = f"Discharged: {clean(units[0]['message_key'], 60)} for {clean(units[0]['recipient'], 40)}"
        return "\n".join((said, *_waiting(self.warehouse.clock(), at)))

    def _writer(self) -> EventWriter:
        log = KafkaLog(self.settings)
        numbering.check(log)
        return EventWriter(log.writer())

    def _event(self, unit: dict[str, Any], at: int) -> MessageEvent:
        where = f"{unit['host']}/{unit['queue_id']}"
        return MessageEvent(
            event_id=fact_id(Kind.DISCHARGED, where, unit["recipient"], at, self.author),
            kind=Kind.DISCHARGED,
            occurred_at=at,
            observed_at=at,
            leg=unit["unit"],
            message_key=unit["message_key"],
            host=unit["host"],
            queue_id=unit["queue_id"],
            recipient=unit["recipient"],
            source=SOURCE,
            attributes=(f"by={self.author}", f"reason={self.reason}"),
        )

    def _command(self, writer: EventWriter, action: str, subject: str, at: int | None = None) -> None:
        number = secrets.token_bytes(16)
        order = {
            "command_id": number,
            "action": action,
            "subject": subject,
            "author": self.author,
            "reason": self.reason,
            "at": at or time.time_ns() // 1000,
            "attributes": [],
        }
        writer.record(COMMANDS, number, records.encode("command", order))
