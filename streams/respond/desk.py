"""The desk: alerts and commands into the table of cases, and every case that changed told.

Rules:
- The table is kept by others (Faust, in a changelog). A case is told after it is put there; an alert that comes again
  after a crash changes nothing and tells the case again.
- A case that the broker does not acknowledge is told again until it does: whoever hands over an alert takes it for done
  when this returns.
- What cannot be understood goes to the dead letters, and is there before the next is looked at.
"""

import logging
from collections.abc import MutableMapping

import msgspec
from tenacity import Retrying, before_sleep_log, retry_if_exception_type, wait_exponential

from streams.core.errors import Unavailable, Undecodable
from streams.kafka import progress
from streams.kafka.deadletters import DeadLetters
from streams.kafka.ports import Log
from streams.respond import cases
from streams.wall import Wall
from streams.wire import records

log = logging.getLogger(__name__)

Place = tuple[int, int]
"""Partition and offset."""


class Desk:
    """Keeps the cases of one ledger."""

    def __init__(self, records: Log, table: MutableMapping[bytes, bytes], wall: Wall | None = None) -> None:
        """Work with a table of cases by their ids."""
        self._log, self._table = records, table
        self._writer = records.writer()
        self._insist = Retrying(
            retry=retry_if_exception_type(Unavailable),
            wait=wait_exponential(multiplier=0.2, max=10),
            before_sleep=before_sleep_log(log, logging.WARNING),
            sleep=(wall or Wall()).sleep,
        )

    def hear(self, value: bytes | None, place: Place) -> None:
        """An alert opens, fills and closes a case."""
        try:
            alert = progress.plain(records.decode("alert", value))
        except Undecodable as error:
            self._pass_over("alerts", value, place, error)
        else:
            self._put(cases.take(self._held(cases.case_id(alert)), alert))

    def obey(self, value: bytes | None, place: Place) -> None:
        """An operator acknowledges."""
        try:
            command = records.decode("command", value)
            case = self._held(bytes.fromhex(command["subject"])) if command["action"] == "acknowledge" else None
        except (Undecodable, ValueError) as error:
            self._pass_over("commands", value, place, error)
            return
        if case is not None:
            self._put(cases.acknowledge(case, command["author"], command["reason"]))

    def _held(self, number: bytes) -> cases.Case | None:
        raw = self._table.get(number)
        return msgspec.msgpack.decode(raw, type=cases.Case) if raw else None

    def _put(self, case: cases.Case) -> None:
        self._table[case.case_id] = msgspec.msgpack.encode(case)
        self._insist(self._tell, "cases", case.case_id, records.encode("case", cases.record(case)))

    def _pass_over(self, topic: str, value: bytes | None, place: Place, error: Exception) -> None:
        self._insist(self._bury, topic, value, place, str(error))

    def _tell(self, topic: str, key: bytes, value: bytes) -> None:
        try:
            self._writer.write(topic, key, value)
            self._writer.flush()
        except Unavailable:
            self._writer = self._log.writer()
            raise

    def _bury(self, topic: str, value: bytes | None, place: Place, reason: str) -> None:
        try:
            DeadLetters(self._writer).put(topic, *place, value, reason)
            self._writer.flush()
        except Unavailable:
            self._writer = self._log.writer()
            raise
