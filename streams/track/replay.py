"""Replay for forensics: custody and alarms derived again from the log alone, without touching the live topics.

Rules:
- The log carries its own clock, so a replay raises what the live run raised, at the same times; memory holds what is
  open, never the log.
- Up to a moment: records count up to the first tick that is after it, so that what was known then is what we knew.
- Other terms answer what we would have been told, and when.
"""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from streams.core.clock import Tick
from streams.core.errors import Undecodable
from streams.core.terms import Terms
from streams.kafka import progress
from streams.kafka.ahead import ahead
from streams.kafka.ports import Log, Records
from streams.track.part import Effect, Part
from streams.wire import columns
from streams.wire import records as wire

BATCH = 100_000
"""Records that are read at a time, of all partitions; about 100 MB, twice."""

THREADS = 2
"""Most of a fold is done without Python's lock."""

Key = tuple[bytes, str]
"""Alert id, and raised or cleared."""


@dataclass(slots=True)
class Replay:
    """One replay of a ledger.

    Attributes:
        terms: that due times are fixed by.
        until: microseconds; None: to the end.
        parts: state by partition, as it goes.
        alerts: what would have been told, by alert and state.
        events: how many records of evidence were read.
        bad: how many could not be understood.
    """

    terms: Terms
    until: int | None = None
    parts: dict[int, Part] = field(default_factory=dict)
    alerts: dict[Key, dict[str, Any]] = field(default_factory=dict)
    events: int = 0
    bad: int = 0
    _over: set[int] = field(default_factory=set)

    def run(self, log: Log) -> Iterator[int]:
        """Read the log; yields the number of events so far. Partitions are folded side by side."""
        under_way: dict[int, Future[Effect]] = {}
        with ThreadPoolExecutor(THREADS) as pool:
            for records in ahead(log.read_range("message-events", count=BATCH)):
                number = records.partition
                if number in under_way:
                    self._took(under_way.pop(number).result())
                if number not in self._over:
                    part = self.parts.setdefault(number, Part.empty(number, self.terms))
                    under_way[number] = pool.submit(part.take, self._cut(records), behind=True)
                yield self.events
            for one in under_way.values():
                self._took(one.result())
        self.finish()

    def finish(self) -> None:
        """Go on to the moment asked for: an import has no tick before its end, yet its facts have their times."""
        for part in self.parts.values():
            if self.until is not None:
                part.clock.hear(Tick(through=self.until))
            self._tell(part.look())

    def _took(self, effect: Effect) -> None:
        self.events += effect.events
        self.bad += len(effect.bad)
        self._tell(effect.alerts)

    def _tell(self, alerts: list[dict[str, Any]]) -> None:
        for alert in alerts:
            self.alerts[alert["alert_id"], alert["state"]] = alert

    def _cut(self, records: Records) -> Records:
        """The records before the first tick that is later than `until`."""
        if self.until is None:
            return records
        read = columns.read(records.values, records.keys, ("kind", "occurred_at"))
        late = (read.frame["kind"].cast(pl.String) == "tick") & (read.frame["occurred_at"].cast(pl.Int64) > self.until)
        found = np.flatnonzero(late.to_numpy())
        if not len(found):
            return records
        self._over.add(records.partition)
        return records.some(slice(int(read.positions[found[0]])))

    @property
    def clock(self) -> int | None:
        """The clock that all partitions have reached, microseconds; None before the first tick."""
        reached = [part.clock.through for part in self.parts.values()]
        return min(reached) if reached and min(reached) > 0 else None


def live(log: Log, until: int | None = None) -> dict[Key, dict[str, Any]]:
    """What the live run told, by alert and state; up to a moment of the clock that decided."""
    told: dict[Key, dict[str, Any]] = {}
    for records in log.read_range("alerts"):
        for value in records.values:
            try:
                alert = progress.plain(wire.decode("alert", value))
            except Undecodable:
                continue  # a dead letter of whoever reads alerts for a living
            if until is None or alert["clock"] <= until:
                told[alert["alert_id"], alert["state"]] = alert
    return told


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How a replay differs from what was told live.

    Attributes:
        missing: told live, not in the replay.
        extra: in the replay, not told live.
        other: told by both, at other times.
    """

    missing: list[dict[str, Any]]
    extra: list[dict[str, Any]]
    other: list[tuple[dict[str, Any], dict[str, Any]]]

    @property
    def identical(self) -> bool:
        """Did both say the same."""
        return not (self.missing or self.extra or self.other)


def compare(told: dict[Key, dict[str, Any]], again: dict[Key, dict[str, Any]]) -> Difference:
    """The difference between what was told and what a replay tells."""
    both = told.keys() & again.keys()
    return Difference(
        missing=[told[key] for key in sorted(told.keys() - again.keys())],
        extra=[again[key] for key in sorted(again.keys() - told.keys())],
        other=[(told[key], again[key]) for key in sorted(both) if _times(told[key]) != _times(again[key])],
    )


def _times(alert: dict[str, Any]) -> tuple[Any, ...]:
    return alert["rule"], alert["unit"], alert["at"], alert.get("due") if alert["state"] == "raised" else None
