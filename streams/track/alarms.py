"""Which findings are news: each is told once when raised and once when cleared.

Rules:
- An alert's identity is (rule, leg): 16 bytes of hash. Its two records (raised, cleared) never change; telling one
  again says the same.
- Findings are the same however the log was cut into batches. One that a hand-over takes away which becomes known after
  what it connects is cleared at the tick after it, and marked as withdrawn.
- What is found, and is to be told to nobody, stands as well (it holds its message open); its end is not told either.
- What was told is state, and kept with it: a finding from late evidence may stand before the tick at which it is told.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streams.core.clock import Clock
from streams.core.custody import Custody
from streams.core.events import WITHDRAWN
from streams.core.excerpt import Excerpt
from streams.core.facts import Mask
from streams.core.findings import prospects
from streams.core.found import Found
from streams.core.holders import NOBODY, Holder, cause, holders
from streams.core.identity import alert_id, span_unit
from streams.core.index import Rows, grown
from streams.core.lattice import NEVER
from streams.track.agenda import Agenda, wakes

_RAISED, _CLEARED, _UNTOLD = 1, 2, 3


@dataclass(slots=True)
class Alarms:
    """What was told of one partition's findings.

    Attributes:
        partition: whose.
        told: by rule and table, the state of each row: 0, raised, cleared, or found and not told.
        sources: the clock's own findings likewise; they follow from the clock.
        agenda: which messages are looked at next.
    """

    partition: int
    told: dict[tuple[str, str], NDArray[np.uint8]] = field(default_factory=dict)
    sources: dict[tuple[str, str, int], int] = field(default_factory=dict)
    agenda: Agenda = field(default_factory=Agenda)
    _fresh: dict[tuple[str, str], list[Rows]] = field(default_factory=dict)

    def news(self, custody: Custody, clock: Clock) -> list[dict[str, Any]]:
        """Alert records to write, up to the clock."""
        some = self.agenda.excerpt(custody, clock)
        seen: dict[tuple[str, str], Rows] = {}
        records: list[dict[str, Any]] = []
        wake = np.full(len(some.messages), NEVER)
        for prospect in prospects(some.custody, clock):
            wakes(some.custody, prospect, clock.through, wake)
            found = prospect.some(prospect.decided <= clock.through)
            if not len(found.rows):
                continue
            key = (found.rule, found.subject)
            seen[key] = np.concatenate([seen[key], found.rows]) if key in seen else found.rows
            records += self._of(custody, some, clock, found)
        self.agenda.settle(some.messages, wake)
        records += self._gone(some, clock, seen)
        if self.partition == 0:
            records += self._of_sources(custody, clock)
        return records

    def _of(self, custody: Custody, some: Excerpt, clock: Clock, found: Found) -> Iterator[dict[str, Any]]:
        key, rows = (found.rule, found.subject), some.rows(found.subject)[found.rows]
        told = self._states(custody, key)
        raised = np.flatnonzero(told[rows] == 0)
        self._tell(key, rows[raised], _RAISED)
        over = found.cleared <= clock.through
        cleared = np.flatnonzero((told[rows] == _RAISED) & over)
        self._tell(key, rows[_stand(told[rows]) & over], _CLEARED)
        yield from _records(some.custody, clock, self.partition, found, raised, "raised")
        yield from _records(some.custody, clock, self.partition, found, cleared, "cleared")

    def _gone(self, some: Excerpt, clock: Clock, seen: dict[tuple[str, str], Rows]) -> Iterator[dict[str, Any]]:
        """Findings that were raised and are no more."""
        for (rule, subject), told in self.told.items():
            held = some.rows(subject)
            standing = np.flatnonzero(_stand(told[held[: np.searchsorted(held, len(told))]]))
            gone = np.setdiff1d(standing, seen.get((rule, subject), standing[:0]))
            rows = gone[told[held[gone]] == _RAISED]
            self._tell((rule, subject), held[gone], _CLEARED)
            if len(rows):
                at = np.full(len(rows), clock.through)
                found = Found(
                    rule=rule, subject=subject, rows=rows, due=np.full(len(rows), NEVER), decided=at, raised=at,
                    cleared=at, proven=np.zeros(len(rows), np.bool_),
                )  # fmt: skip
                for record in _records(some.custody, clock, self.partition, found, np.arange(len(rows)), "cleared"):
                    yield record | {"attributes": [WITHDRAWN]}

    def _tell(self, key: tuple[str, str], rows: Rows, state: int) -> None:
        if len(rows):
            self.told[key][rows] = state
            self._fresh.setdefault(key, []).append(rows)

    def hush(self, custody: Custody, names: Collection[bytes]) -> None:
        """Some alerts were found, and told to nobody: nor is what becomes of them."""
        for (rule, subject), told in self.told.items() if names else ():
            rows = np.flatnonzero(told == _RAISED)
            some = [alert_id(rule, _unit(custody, subject, row)) in names for row in rows.tolist()]
            self._tell((rule, subject), rows[np.array(some, np.bool_)], _UNTOLD)

    # State

    def standing(self, custody: Custody) -> Mask:
        """Of which messages a finding was raised and not cleared, shape (messages,)."""
        stands = np.zeros(len(custody.messages), np.bool_)
        for (_, subject), told in self.told.items():
            stands[custody.about(subject)["message"][np.flatnonzero(_stand(told))]] = True
        return stands

    def keep(self, stayed: Excerpt) -> None:
        """Rows have left, and those that stayed have new numbers."""
        self._fresh = {}
        self.agenda.keep(stayed.messages)
        for key, told in self.told.items():
            rows = stayed.rows(key[1])
            self.told[key] = told[rows[rows < len(told)]]

    def take_fresh(self) -> Iterator[tuple[tuple[str, str], Rows, NDArray[np.uint8]]]:
        """Rule and table, rows and their states: what was told since the last call."""
        fresh, self._fresh = self._fresh, {}
        for key, parts in fresh.items():
            rows = np.unique(np.concatenate(parts))
            yield key, rows, self.told[key][rows]

    def all_told(self) -> Iterator[tuple[tuple[str, str], Rows, NDArray[np.uint8]]]:
        """The same of everything; it counts as taken."""
        self._fresh = {}
        for key, told in self.told.items():
            rows = np.flatnonzero(told)
            yield key, rows, told[rows]

    def restore(self, key: tuple[str, str], rows: Rows, states: NDArray[np.uint8]) -> None:
        """Put back what was told."""
        held = self.told.get(key, np.zeros(0, np.uint8))
        missing = int(rows.max()) + 1 - len(held) if len(rows) else 0
        self.told[key] = np.concatenate([held, np.zeros(max(0, missing), np.uint8)])
        self.told[key][rows] = states

    def recall(self, custody: Custody, clock: Clock) -> None:
        """What the clock itself found was told at its tick."""
        for _ in self._of_sources(custody, clock) if self.partition == 0 else ():
            pass

    def _states(self, custody: Custody, key: tuple[str, str]) -> NDArray[np.uint8]:
        size = len(custody.about(key[1]))
        held = self.told.get(key, np.zeros(0, np.uint8))
        if len(held) < size:
            before = len(held)
            held = grown(held, size)
            held[before:] = 0
            self.told[key] = held
        return held

    def _of_sources(self, custody: Custody, clock: Clock) -> Iterator[dict[str, Any]]:
        """The clock's own findings, told by the first partition only."""
        for (rule, source), spans in clock.spans.items():
            if rule not in custody.terms.findings:
                continue
            for since, until in spans:
                key = (rule, source, since)
                for state, at in (("raised", since), ("cleared", until)):
                    number = _RAISED if state == "raised" else _CLEARED
                    if at <= clock.through and self.sources.get(key, 0) < number:
                        self.sources[key] = number
                        yield _source_record(custody, clock, key, state, at)


def _stand(states: NDArray[np.uint8]) -> Mask:
    """Which are raised and not cleared, whether that was told or not."""
    stand: Mask = (states == _RAISED) | (states == _UNTOLD)
    return stand


def _records(
    custody: Custody, clock: Clock, partition: int, found: Found, which: Rows, state: str
) -> Iterator[dict[str, Any]]:
    rows = found.rows[which]
    held = holders(custody, rows) if found.subject == "leg" and len(rows) else [NOBODY] * len(rows)
    at = found.raised if state == "raised" else found.cleared
    for row, n, holder in zip(rows.tolist(), which.tolist(), held, strict=True):
        due = int(found.due[n])
        yield _record(custody, found, row, holder, proven=bool(found.proven[n])) | {
            "state": state,
            "at": int(at[n]),
            "due": None if due == NEVER else due,
            "proven": bool(found.proven[n]),
            "severity": "low" if found.proven[n] and found.rule != "unread" else "high",
            "clock": clock.through,
            "partition": partition,
            "terms": custody.terms.version,
        }


def _record(custody: Custody, found: Found, row: int, holder: Holder, *, proven: bool) -> dict[str, Any]:
    """What an alert is about."""
    by_leg = found.subject == "leg"
    host, queue_id, to = custody.leg_name(row) if by_leg else (*custody.entry_name(row), "")
    table = custody.about(found.subject)
    unit, message = _unit(custody, found.subject, row), int(table["message"][row])
    return {
        "alert_id": alert_id(found.rule, unit),
        "rule": found.rule,
        "unit": unit,
        "message_key": custody.message_key(message),
        "originator": custody.sender(message),
        "priority": custody.priority(message),
        "host": host,
        "queue_id": queue_id,
        "recipient": to,
        "cause": cause(found.rule, holder, to, proven=proven) if by_leg else f"{found.rule} on {host}",
        "holder_host": holder.host,
        "holder_queue_id": holder.queue_id,
    }


def _unit(custody: Custody, subject: str, row: int) -> bytes:
    if subject == "leg":
        return bytes(custody.legs.index.keys[row].tobytes())
    return bytes(custody.entries.index.keys[row].tobytes()) + bytes(8)


def _source_record(custody: Custody, clock: Clock, span: tuple[str, str, int], state: str, at: int) -> dict[str, Any]:
    rule, source, since = span
    unit = span_unit(source, since)
    return {
        "alert_id": alert_id(rule, unit),
        "rule": rule,
        "unit": unit,
        "state": state,
        "at": at,
        "clock": clock.through,
        "message_key": "",
        "host": source,
        "queue_id": "",
        "recipient": "",
        "cause": f"{source}: its clock is doubted"
        if rule == "source-doubted"
        else f"{source} is {rule.removeprefix('source-')}",
        "holder_host": "",
        "holder_queue_id": "",
        "partition": 0,
        "terms": custody.terms.version,
    }
