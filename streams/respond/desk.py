"""The desk: alerts and commands into the table of cases, and every case that changed told.

Rules:
- The table is kept by others (Faust, in a changelog). It holds an entry for each alert, and one for the cover of each
  case, so that an outage of ten thousand writes each of them once. Cases are counted from it when they are first
  wanted, and then kept in memory.
- A case is told after it is put there; an alert that comes again after a crash changes nothing and tells the case
  again.
- A case that the broker does not acknowledge is told again until it does: whoever hands over an alert takes it for done
  when this returns.
- What cannot be understood goes to the dead letters, and is there before the next is looked at.
- How far each topic was heard stands in the table, too: what was never given, though it is before what is, is read from
  the log. For Faust drops what waits for an agent when it resumes a flow, and takes what it skips for done.
- What was cleared before the days that the warehouse keeps (`keep_alerts_days`) is forgotten, and a case with its last
  alert: when another day begins by the log's clock, which alerts bear. The day stands in the table, so that a worker
  that begins within it forgets as much. What stands stays. Forgetting tells nothing: such a case was told as closed, or
  goes on.
"""

import logging
from collections.abc import Iterator, MutableMapping
from heapq import nsmallest
from typing import Any

import msgspec

from streams.core.errors import Unavailable, Undecodable
from streams.kafka import progress
from streams.kafka.deadletters import DeadLetters
from streams.kafka.names import ALERTS, CASES, COMMANDS
from streams.kafka.ports import Log, Place
from streams.respond import cases
from streams.retry import until_available
from streams.wall import Wall
from streams.wire import records

log = logging.getLogger(__name__)

_ALERT = b"alert"
"""Before the id of an alert in the table; that of a case stands alone."""

_TIDIED = b"day"
"""The last day of the clock on which all was forgotten that was to be, in the table."""

_HEARD = {ALERTS: b"heard-alerts", COMMANDS: b"heard-commands"}
"""The offset of each topic that was heard last, in the table."""

_NOTHING = -1
"""That nothing of a topic was heard."""

_OURS = {_TIDIED, *_HEARD.values()}
"""What in the table is no alert and no case."""

AT_ONCE = 5_000
"""Entries that are forgotten with an alert: a worker whose loop stands still is ended."""

_DAY = 86_400_000_000
"""Microseconds."""


class Desk:
    """Keeps the cases of one ledger."""

    def __init__(self, records: Log, table: MutableMapping[bytes, bytes], wall: Wall | None = None) -> None:
        """Work with a table."""
        self._log, self._table = records, table
        self._cases: dict[bytes, cases.Case] | None = None
        self._writer = records.writer()
        self._insist = until_available(log, (wall or Wall()).sleep)

    def hear(self, value: bytes | None, place: Place) -> None:
        """An alert opens, fills and closes a case."""
        try:
            alert = progress.plain(records.decode("alert", value))
        except Undecodable as error:
            self._pass_over(ALERTS, value, place, error)
        else:
            self._file(alert)
        self._keep(_HEARD[ALERTS], place[1])

    def obey(self, value: bytes | None, place: Place) -> None:
        """An operator acknowledges."""
        self._obey(value, place)
        self._keep(_HEARD[COMMANDS], place[1])

    def heard(self, topic: str) -> int | None:
        """The offset of a topic that was heard last; None where the table does not say."""
        known = self._table.get(_HEARD[topic])
        return msgspec.msgpack.decode(known, type=int) if known else None

    def reach(self, topic: str, offset: int) -> None:
        """All up to an offset was heard: what is missing there was compacted away."""
        if self._is_after(topic, offset):
            self._keep(_HEARD[topic], offset)

    def _is_after(self, topic: str, offset: int) -> bool:
        heard = self.heard(topic)
        return heard is None or offset > heard

    def missed(self, topic: str, place: Place) -> Iterator[tuple[bytes | None, Place]]:
        """The records before a place that were never given, oldest first: they come before what is there.

        A new table has heard nothing. Where another does not say how far was heard, an older version kept it, and what
        is given is believed. A dead letter among them is told once more.

        Raises:
            Unavailable: the brokers do not answer.
        """
        if not len(self._table):
            for key in _HEARD.values():
                self._keep(key, _NOTHING)
        number, offset = place
        heard = self.heard(topic)
        first = offset if heard is None else heard + 1
        if first >= offset:
            return
        for batch in self._log.read_range(topic, {number: first}, {number: offset}):
            log.warning("%s: offsets %d to %d were not given", topic, batch.offsets[0], batch.offsets[-1])
            for value, at in zip(batch.values, batch.offsets, strict=True):
                if self._is_after(topic, at):  # or it was heard meanwhile, as given or as late
                    yield value, (number, at)

    def _obey(self, value: bytes | None, place: Place) -> None:
        try:
            command = records.decode("command", value)
            case = self._held().get(bytes.fromhex(command["subject"])) if command["action"] == "acknowledge" else None
        except (Undecodable, ValueError) as error:
            self._pass_over(COMMANDS, value, place, error)
            return
        if case is not None and case.members:
            self._put(cases.acknowledge(case, command["author"], command["reason"]))

    def forget(self) -> None:
        """The table may be another: what is in memory is of the one before."""
        self._cases = None

    def _file(self, alert: dict[str, Any]) -> None:
        """An alert is filed, and so its case has changed; one that was cleared before it was heard of has none yet."""
        self._tidy(alert["clock"] // _DAY)
        key, held = _ALERT + alert["alert_id"], self._held()
        known = self._table.get(key)
        member = cases.filed(msgspec.msgpack.decode(known, type=cases.Member) if known else cases.Member(), alert)
        self._keep(key, member)
        if member.case_id:
            case = held[member.case_id] = cases.take(held.get(member.case_id), member, alert)
            self._put(case)

    def _tidy(self, day: int) -> None:
        """Another day begins: what was cleared too long ago is forgotten, and so are cases without members."""
        known = self._table.get(_TIDIED)
        if known and day <= msgspec.msgpack.decode(known, type=int):
            return
        kept_from, held = (day - self._log.settings.keep_alerts_days) * _DAY, self._held()
        over = nsmallest(
            AT_ONCE, ((one.cleared_at, key, one) for key, one in self._entries() if one.is_over(kept_from))
        )
        for _, key, member in over:
            if case := held.get(member.case_id):
                case.leave(key.removeprefix(_ALERT))
            del self._table[key]
        for case_id in [case.case_id for case in held.values() if not case.members]:
            del held[case_id], self._table[case_id]
        if len(over) < AT_ONCE:
            self._keep(_TIDIED, day)

    def _entries(self) -> Iterator[tuple[bytes, cases.Member]]:
        """What is filed, by the keys of the table."""
        for key, raw in self._table.items():
            if key.startswith(_ALERT):
                yield key, msgspec.msgpack.decode(raw, type=cases.Member)

    def _held(self) -> dict[bytes, cases.Case]:
        """The cases by their ids."""
        if self._cases is None:
            self._cases = {
                key: cases.Case(key, msgspec.msgpack.decode(raw, type=cases.Cover))
                for key, raw in self._table.items()
                if key not in _OURS and not key.startswith(_ALERT)
            }
            for key, member in self._entries():
                if member.case_id in self._cases:
                    self._cases[member.case_id].enter(key.removeprefix(_ALERT), member)
        return self._cases

    def _put(self, case: cases.Case) -> None:
        self._keep(case.case_id, case.cover)
        self._insist(self._tell, CASES, case.case_id, records.encode("case", cases.record(case)))

    def _keep(self, key: bytes, entry: cases.Member | cases.Cover | int) -> None:
        raw = msgspec.msgpack.encode(entry)
        if self._table.get(key) != raw:
            self._table[key] = raw

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
