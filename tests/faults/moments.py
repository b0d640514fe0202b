"""What must be true at every moment of a world: if all died now, nothing would be lost.

Rules:
- Whatever says that work is done (a checkpoint, a claim, an offset that a group stored) is looked at between any two
  calls that leave a process, and never says more than what is acknowledged at that moment.
- Only what outlives a process is read: the log, the offsets, the tables and the checkpoints.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from streams.collect import checkpoint
from streams.core.events import Kind
from streams.core.identity import partition_of
from streams.kafka.names import EVENTS, SNAPSHOTS
from streams.kafka.ports import Committed
from streams.kafka.progress import plain
from streams.respond.cases import brought_by
from streams.track import segments
from streams.warehouse.rows import PLAIN, plain_columns, plain_row
from streams.wire import envelope, records
from tests.faults.mail import HOSTS, Alarm, Line, Mail, alarm_of
from tests.faults.store import Tables, key_of
from tests.kafka.memory import MemoryLog

HEARD = (EVENTS, SNAPSHOTS, "progress", *PLAIN)

LAST = 2**63
"""After every time."""

NAMELESS = {segments.ANEW, segments.LOST}

Key = tuple[Any, ...]


@dataclass(slots=True)
class Heard:
    """What is in the log so far, as far as these checks need it.

    Attributes:
        ids: of events.
        events: by partition, offset and id of each.
        ticks: by partition, offset and time of each.
        alerts: by partition, each with its offset.
        alarms: what they told.
        claims: source and time of each claim that was not looked at.
        filed: the last of each case.
        snapshots: what is live of them.
        rows: by topic and partition, offset and key of each row that it makes.
    """

    ids: set[bytes] = field(default_factory=set)
    events: dict[int, list[tuple[int, bytes]]] = field(default_factory=dict)
    ticks: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    alerts: dict[int, list[tuple[int, dict[str, Any]]]] = field(default_factory=dict)
    alarms: set[Alarm] = field(default_factory=set)
    claims: list[tuple[str, int]] = field(default_factory=list)
    filed: dict[bytes, dict[str, Any]] = field(default_factory=dict)
    snapshots: dict[bytes | None, bytes] = field(default_factory=dict)
    rows: dict[tuple[str, int], list[tuple[int, Key]]] = field(default_factory=dict)
    _ends: dict[tuple[str, int], int] = field(default_factory=dict)
    _size: int = 0

    def hear(self, log: MemoryLog) -> None:
        """Take in what is new."""
        size = sum([len(there) for topic in HEARD for there in log.topics[topic]])
        if size == self._size:
            return  # a log only grows, and most looks find it as it was
        self._size = size
        for topic in HEARD:
            for number, there in enumerate(log.topics[topic]):
                start = self._ends.get((topic, number), 0)
                if start == len(there):
                    continue
                for offset in range(start, len(there)):
                    record = there[offset]
                    if record is not None:
                        self._take(topic, number, offset, *record)
                self._ends[topic, number] = len(there)

    def _take(self, topic: str, number: int, offset: int, key: bytes | None, value: bytes | None) -> None:
        match topic:
            case "message-events":
                self._event(number, offset, value)
            case "custody-snapshots":
                self.snapshots.pop(key, None) if value is None else self.snapshots.update({key: value})
            case "progress":
                said = plain(records.decode("progress", value))
                self.claims += [(said["source"], said["through"])] if said["through"] else []
            case _:
                self._plain(topic, number, offset, value)

    def _event(self, number: int, offset: int, value: bytes | None) -> None:
        event = envelope.decode(value)
        if event.kind is Kind.TICK:
            self.ticks.setdefault(number, []).append((offset, event.occurred_at))
        else:
            self.ids.add(event.event_id)
            self.events.setdefault(number, []).append((offset, event.event_id))

    def _plain(self, topic: str, number: int, offset: int, value: bytes | None) -> None:
        kind, table, _ = PLAIN[topic]
        record = records.decode(kind, value)
        row = dict(zip(plain_columns(topic), plain_row(topic, record, offset), strict=True))
        self.rows.setdefault((topic, number), []).append((offset, key_of(table, row)))
        if topic == "alerts":
            alert = plain(record)
            self.alerts.setdefault(number, []).append((offset, alert))
            self.alarms.add(alarm_of(alert))
        elif topic == "cases":
            self.filed[record["case_id"]] = plain(record)


@dataclass(slots=True)
class Moments:
    """Looks at a world again and again.

    Attributes:
        mail: what happens in the network.
        log: the broker's.
        tables: the warehouse's.
        folder: of the checkpoints.
        is_late: evidence may come after the clock, so that what is due does not follow from the plan alone.
        wrong: what was wrong at some moment.
    """

    mail: Mail
    log: MemoryLog
    tables: Tables
    folder: Path
    is_late: bool
    wrong: dict[str, None] = field(default_factory=dict)
    _heard: Heard = field(default_factory=Heard)
    _stored: dict[tuple[str, str, int], Committed] = field(default_factory=dict)
    _checkpoints: dict[str, tuple[int, int]] = field(default_factory=dict)
    _snapshots: int = 0

    def look(self) -> None:
        """Look at whatever changed since the last look."""
        self._heard.hear(self.log)
        self.wrong |= dict.fromkeys(self._found())

    def _found(self) -> Iterator[str]:
        for host in HOSTS:
            yield from self._stored_ahead(host)
        for source, through in self._heard.claims:
            missing = self._missing(one for one in self.mail.written[source] if one.at <= through)
            yield from (f"claimed too early: {source} up to {through}, {missing} events" for _ in range(missing > 0))
        self._heard.claims = []
        changed = [(key, place) for key, place in self.log.stored.items() if self._stored.get(key) is not place]
        for (group, topic, number), place in changed:
            before = self._stored.get((group, topic, number))
            self._stored[group, topic, number] = place
            if place.metadata not in NAMELESS:  # that says how far it is, not that anything is done
                yield from self._committed(group, topic, number, place.offset or 0, (before and before.offset) or 0)
        yield from self._unkept(is_new=bool(changed))

    @property
    def _count(self) -> int:
        return self.log.settings.partitions

    def _missing(self, lines: Iterable[Line]) -> int:
        return sum(one.id not in self._heard.ids for one in lines)

    def _stored_ahead(self, host: str) -> Iterator[str]:
        """A checkpoint stands behind events that are all in the log."""
        path = f"{self.folder}/{host}.checkpoint"
        try:
            stat = os.stat(path)  # noqa: PTH116 - asked ten thousand times a world
        except FileNotFoundError:
            return
        if self._checkpoints.get(host) == (stat.st_ino, stat.st_mtime_ns):
            return
        self._checkpoints[host] = stat.st_ino, stat.st_mtime_ns
        kept = checkpoint.load(Path(path))
        end = max((place.offset for place in kept.places), default=0) if kept else 0
        missing = self._missing(one for one in self.mail.written[host] if one.end <= end)
        if missing:
            yield f"stored too early: the checkpoint of {host} stands after {missing} events that are not in the log"

    def _committed(self, group: str, topic: str, number: int, end: int, before: int) -> Iterator[str]:
        if group.startswith("custody-tracker"):
            if end < before:
                yield f"kept backwards: partition {number} from {before} to {end}"
            yield from () if self.is_late else self._untold(number, end)
        elif group.startswith("custody-feed"):
            yield from self._unfed(topic, number, end)
        elif group == "custody-cases":
            yield from self._unfiled(number, end)

    def _untold(self, number: int, end: int) -> Iterator[str]:
        """What is due at a tick is told before the tick counts as done."""
        through = max((at for offset, at in self._heard.ticks.get(number, []) if offset < end), default=0)
        due = {one for one, key in self.mail.alarms.items() if partition_of(key, self._count) == number}
        missing = {one for one in due - self._heard.alarms if one[4] <= through}
        if missing:
            yield f"kept before told: partition {number} up to {end}, {len(missing)} alerts"

    def _unfed(self, topic: str, number: int, end: int) -> Iterator[str]:
        """What a feed has done is in the tables."""
        if topic == EVENTS:
            held = {key[1] for key in self.tables.rows["event_records"]}
            missing = sum(id_ not in held for offset, id_ in self._heard.events.get(number, []) if offset < end)
            ticks = ((number, offset) for offset, _ in self._heard.ticks.get(number, []) if offset < end)
            missing += sum(key not in self.tables.rows["ticks"] for key in ticks)
        else:
            rows, table = self._heard.rows.get((topic, number), []), self.tables.rows[PLAIN[topic][1]]
            missing = sum(key not in table and self._is_there(topic, number, at) for at, key in rows if at < end)
        if missing:
            yield f"committed before fed: {topic}/{number} up to {end}, {missing} rows"

    def _unfiled(self, number: int, end: int) -> Iterator[str]:
        """What the desk has done is in the cases that were told, but for what was over before the life they tell of."""
        heard = self._heard.alerts.get(number, [])
        done = [alert for at, alert in heard if at < end and self._is_there("alerts", number, at)]
        over = {alert["alert_id"]: alert["at"] for _, alert in heard if alert["state"] == "cleared"}
        for case_id, case in brought_by(done).items():
            told = self._heard.filed.get(case_id, {"members": 0, "standing": 0, "opened_at": 0})
            counted = [one for key, one in case.members.items() if over.get(key, LAST) >= told["opened_at"]]
            settled = sum(one.cleared_at is not None for one in counted)
            if told["members"] < len(counted) or told["members"] - told["standing"] < settled:
                yield f"committed before filed: {case.cover.cause} up to {end}"

    def _is_there(self, topic: str, number: int, offset: int) -> bool:
        """Is a record still in the log; one that was compacted away is told again by a later one."""
        return self.log.topics[topic][number][offset] is not None

    def _unkept(self, *, is_new: bool) -> Iterator[str]:
        """The state that a stored offset names is there, and speaks up to that offset."""
        size = sum(map(len, self.log.topics[SNAPSHOTS]))
        if size == self._snapshots and not is_new:
            return
        self._snapshots = size
        for (group, _, number), place in self._stored.items():
            is_kept = group.startswith("custody-tracker") and place.metadata not in NAMELESS
            if is_kept and not self._is_whole(number, place):
                yield f"kept before acknowledged: partition {number} up to {place.offset}"

    def _is_whole(self, number: int, place: Committed) -> bool:
        raw = self._heard.snapshots.get(segments.manifest_key(number, place.metadata))
        if raw is None:
            return False
        manifest = segments.manifest_of(raw)
        there = self._there(number, manifest.generations)
        if manifest.offset != place.offset or there is None:
            return False
        lists = segments.Lists()
        for word, change in map(_listed, there):
            if change:
                lists.change(word, change)
        return self._there(number, ((name, count) for name, count, _ in lists.closed)) is not None

    def _there(self, number: int, generations: Iterable[tuple[str, int]]) -> list[bytes] | None:
        """The segments of generations; None where one is missing."""
        keys = [segments.segment_key(number, name, n) for name, count in generations for n in range(count)]
        held = self._heard.snapshots
        return [held[key] for key in keys] if all(key in held for key in keys) else None


@lru_cache(maxsize=4096)
def _listed(raw: bytes) -> tuple[str, segments.Lists | None]:
    """What a segment lists, if it does; most are looked at at many moments."""
    word, _, blob = segments._unpacked(raw)
    return word, msgspec.msgpack.decode(blob, type=segments.Lists) if word in {"listed", "unlisted"} else None
