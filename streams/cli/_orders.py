"""What an operator orders: each order is a record of the log, with who and why.

Rules:
- An order is a `command` record; discharging also is a `discharged` event about each unit, so that custody, alarms and
  reliability follow from the log alone.
- What is discharged is a unit, or all of a case that a discharge clears (warehouse/members.py); what it does not clear
  is said, and stays.
- Nothing is done to a case here: its keeper reads the command.
"""

import secrets
import time
from collections.abc import Iterable
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

FEW = 5
"""Recipients of a message that are named."""

_UNSETTLED = "no discharge settles a queue, a whole queue entry, a source, or mail that is not ours"

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


def _beyond(count: int) -> list[str]:
    """That a discharge does not reach some alerts, and what to do about them."""
    if not count:
        return []
    stay, them, they = ("stays", "it", "it is") if count == 1 else ("stay", "them", "they are")
    until = f"{_of(count, 'alert')} of it {stay} until {they} cleared, and the case stays open for {them}"
    return [f"{until}: acknowledge it, for {_UNSETTLED}."]


def _of(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _named(case: dict[str, Any]) -> str:
    return f"case {case['case_id'].hex()[:8]} ({clean(case['cause'], 60)})"


def _listed(recipients: list[str]) -> str:
    """To whom a message is; of many, how many."""
    if len(recipients) > FEW:
        return f"{len(recipients):,} recipients"
    return ", ".join(clean(one, 60) for one in recipients)


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
        case = self._case(number)
        writer = self._writer()
        self._command(writer, "acknowledge", case["case_id"].hex())
        writer.flush()
        return f"Acknowledged: {clean(case['cause'], 60)}"

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
        at, _ = self._discharge(units, f"{units[0]['message_key']} {units[0]['recipient']}")
        said = f"Discharged: {clean(units[0]['message_key'], 60)} for {clean(units[0]['recipient'], 40)}"
        return "\n".join((said, *_waiting(self.warehouse.clock(), at)))

    def discharge_case(self, number: str) -> str:
        """All that a case holds up arrived, by a proof that no system gives.

        Args:
            number: its id, or the beginning of it.

        Raises:
            Misuse: no case, or more than one, is meant, but perhaps a message; or nothing of it can be discharged; or
                the ledger has other ids of schemas, or another number of partitions.
            Unavailable: the brokers, or the warehouse, do not answer.
        """
        case = self._case_not_message(number)
        members = self.warehouse.members(case["cause"])
        reach = {} if case["state"] == "closed" else members.reach()
        if not any(reach.values()):
            raise Misuse(f"Nothing of {_named(case)} stands any more.")
        if not reach["units"]:
            raise self._out_of_reach(case, reach)
        at, count = self._discharge(members.units(), case["case_id"].hex())
        said = f"Discharged: {_of(count, 'unit')} of {_named(case)}"
        return "\n".join((said, *_beyond(reach["beyond"]), *_waiting(self.warehouse.clock(), at)))

    def _case(self, number: str) -> dict[str, Any]:
        """The case whose id begins so."""
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
        return found[0]

    def _case_not_message(self, number: str) -> dict[str, Any]:
        """The same; where none is meant it may be a message, of which the recipient was not said."""
        try:
            return self._case(number)
        except Misuse as error:
            recipients = self.warehouse.recipients(number)
            if not recipients:
                raise
            whom = recipients[0] if len(recipients) == 1 else "ADDRESS"
            words = ("cases", "--discharge", number, "--recipient", whom, "--by", self.author, "--reason", self.reason)
            raise Misuse(
                f"{clean(number, 60)} is a message for {_listed(recipients)}: say which recipient it reached.",
                hint=" ".join(advice.words(self.settings, *words)),
            ) from error

    def _out_of_reach(self, case: dict[str, Any], reach: dict[str, int]) -> Misuse:
        """Why nothing of a case that stands can be discharged, and what to do instead."""
        beyond = " ".join(_beyond(reach["beyond"]))
        if reach["discharged"]:
            waiting = _waiting(self.warehouse.clock(), time.time_ns() // 1000)
            done = f"What can be of {_named(case)} is discharged, and stands until the ledger's clock has passed that."
            return Misuse(f"{done} {beyond}".rstrip(), hint=" ".join(waiting))
        words = ("cases", "--acknowledge", case["case_id"].hex()[:8], "--by", self.author, "--reason", self.reason)
        return Misuse(
            f"Nothing of {_named(case)} can be discharged. {beyond}",
            hint=" ".join(advice.words(self.settings, *words)),
        )

    def _discharge(self, units: Iterable[dict[str, Any]], subject: str) -> tuple[int, int]:
        """Write the events of some units, as they come, and the order; returns when, microseconds, and how many."""
        topics.check(self.settings)  # or the events would stand where nobody knows their messages
        at = time.time_ns() // 1000
        writer = self._writer()
        count = writer.write(self._event(unit, at) for unit in units)
        self._command(writer, "discharge", subject, at)
        writer.flush()
        return at, count

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
