"""Replay for forensics: custody and alarms derived again from the log alone, without touching the live topics.

Rules:
- The log carries its own clock, so a replay raises what the live run raised, at the same times; memory holds what is
  open, never the log. Where its ticks end, nothing more is known.
- Up to a moment: what was decided by then. Of the log, all that had happened counts, up to the first tick after the
  moment, and that tick: what comes later is known later, but an import has no other tick, and only a tick says who was
  silent before it. The live run's alerts are taken by the same measure, whenever it came to tell them.
- Other terms answer what we would have been told, and when.
- Where the log's retention has ended, what began before is not known whole: what was raised within the horizon of the
  first tick that is left is not compared, and nothing of a partition of which no tick is left.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from streams.core.clock import BEGINNING
from streams.core.errors import Undecodable
from streams.core.events import UNFOUND, WITHDRAWN
from streams.core.facts import Mask, Times
from streams.core.terms import LATE, SECOND, Terms
from streams.kafka import progress
from streams.kafka.ahead import ahead
from streams.kafka.names import ALERTS, EVENTS
from streams.kafka.ports import Log, Records
from streams.track.beginning import first_tick, unknown_until
from streams.track.part import Effect, Part
from streams.track.standing import Standing
from streams.wire import columns
from streams.wire import records as wire

BATCH = 100_000
"""Records that are read at a time, of all partitions; about 100 MB, twice."""

Key = tuple[bytes, str]
"""Alert id, and raised or cleared."""

Alerts = dict[Key, dict[str, Any]]


@dataclass(slots=True)
class Replay:
    """One replay of a ledger.

    Attributes:
        terms: that due times are fixed by.
        until: microseconds; None: to the end.
        parts: state by partition, as it goes.
        alerts: what would have been told, by alert and state; up to `until`.
        events: how many records of evidence were read.
        bad: how many could not be understood.
        begins: where the beginning of the log is gone, the first tick that is left, microseconds; None: all is there.
        untold: partitions whose beginning is gone, and of which no tick is left (so far).
        through: the clock that each partition has reached, microseconds, at the end.
        standing: where what is open stands at the end.
    """

    terms: Terms
    until: int | None = None
    parts: dict[int, Part] = field(default_factory=dict)
    alerts: Alerts = field(default_factory=dict)
    events: int = 0
    bad: int = 0
    begins: int | None = None
    untold: set[int] = field(default_factory=set)
    through: dict[int, int] = field(default_factory=dict)
    standing: Standing = field(default_factory=Standing)
    _over: set[int] = field(default_factory=set)

    def run(self, log: Log, ends: dict[int, int] | None = None) -> None:
        """Read the log.

        Args:
            log: the ledger's.
            ends: the offset after the last by partition; one that is not named is not read. Default: all there is now.
        """
        ends = log.end_offsets(EVENTS) if ends is None else ends
        self.untold = {number for number, end in ends.items() if end}
        for records in ahead(log.read_range(EVENTS, ends=ends, count=BATCH)):
            number = records.partition
            self._begin(records)
            if number not in self._over:
                part = self.parts.setdefault(number, Part.empty(number, self.terms))
                self._took(part.take(self._cut(records), behind=True))
        for number, part in self.parts.items():
            self._tell(part.look() if part.unlooked else [])  # it waited: the backlog is worked off
            self.through[number] = part.clock.through
            self.standing.count(part, self.until)

    def add(self, other: "Replay") -> None:
        """Take over what another found in other partitions, but for their state."""
        self.alerts |= other.alerts
        self.events, self.bad = self.events + other.events, self.bad + other.bad
        begins = [one for one in (self.begins, other.begins) if one is not None]
        self.begins = max(begins, default=None)
        self.untold |= other.untold
        self.through |= other.through
        self.standing.add(other.standing)

    def known(self, alerts: Alerts) -> Alerts:
        """Those that were decided by the moment asked for."""
        if self.until is None:
            return alerts
        return {key: alert for key, alert in alerts.items() if _decided(alert, self.terms) <= self.until}

    def reached(self, alerts: Alerts) -> Alerts:
        """Those that are told here too, or by a tick that was read here: live goes on meanwhile."""
        end = self.through
        return {
            key: alert
            for key, alert in alerts.items()
            if key in self.alerts or alert["clock"] <= end.get(alert["partition"], alert["clock"])
        }

    def comparable(self, alerts: Alerts) -> Alerts:
        """Those that what is left of the log can tell of."""
        if self.begins is None and not self.untold:
            return alerts
        since = BEGINNING if self.since is None else self.since
        names = {
            name
            for (name, state), alert in alerts.items()
            if state == "raised" and alert["at"] > since and alert["partition"] not in self.untold
        }
        return {key: alert for key, alert in alerts.items() if key[0] in names}

    @property
    def since(self) -> int | None:
        """Where the beginning of the log is gone: what was raised after it can be compared, microseconds."""
        return None if self.begins is None else unknown_until(self.begins, self.terms)

    def _begin(self, records: Records) -> None:
        """Where the beginning of a partition is gone: its first tick, in whatever batch it is."""
        if records.partition not in self.untold:
            return
        if records.offsets[0] == 0:
            self.untold.remove(records.partition)
            return
        first = first_tick(_read(records).frame)
        if first is not None:
            self.untold.remove(records.partition)
            self.begins = first if self.begins is None else max(self.begins, first)

    def _took(self, effect: Effect) -> None:
        self.events += effect.events
        self.bad += len(effect.bad)
        self._tell(effect.alerts)

    def _tell(self, alerts: list[dict[str, Any]]) -> None:
        self.alerts |= self.known({(alert["alert_id"], alert["state"]): alert for alert in alerts})

    def _cut(self, records: Records) -> Records:
        """The records up to the first tick that is later than `until`, and that tick; not what happened later."""
        if self.until is None:
            return records
        at, ticks, positions = _ticks(records)
        is_later = at > self.until
        counts = np.ones(len(records.values), np.bool_)
        counts[positions[is_later & ~ticks]] = False
        last = positions[is_later & ticks]
        if len(last):
            self._over.add(records.partition)
            counts[int(last[0]) + 1 :] = False
        return records if counts.all() else records.those(counts.tolist())

    @property
    def clock(self) -> int | None:
        """The clock that all partitions have reached, not after `until`, microseconds; None before the first tick."""
        reached = min(self.through.values(), default=0)
        if reached <= 0:
            return None
        return reached if self.until is None else min(reached, self.until)


def _read(records: Records) -> columns.Batch:
    """What is needed to find ticks."""
    return columns.read(records.values, records.keys, ("kind", "occurred_at"))


def _ticks(records: Records) -> tuple[Times, Mask, NDArray[np.int64]]:
    """The times of the records that can be read, which of them are ticks, and where they stand."""
    read = _read(records)
    at = read.frame["occurred_at"].cast(pl.Int64).to_numpy()
    return at, (read.frame["kind"].cast(pl.String) == "tick").to_numpy(), read.positions


def live(log: Log) -> Alerts:
    """What the live run told, by alert and state; what was taken back and then raised again stands."""
    told: Alerts = {}
    for records in log.read_range(ALERTS):
        for value in records.values:
            try:
                alert = progress.plain(wire.decode("alert", value))
            except Undecodable:
                continue  # a dead letter of whoever reads alerts for a living
            name, state = alert["alert_id"], alert["state"]
            if state == "raised" and WITHDRAWN in told.get((name, "cleared"), {}).get("attributes", ()):
                del told[name, "cleared"]  # it was taken back, and has come back since
            told[name, state] = alert
    return told


def under(told: Alerts, terms: str) -> Alerts:
    """Of what was told, what these terms raise: what others raised, or an older version of ours, was taken back."""
    others = {name for (name, state), alert in told.items() if state == "raised" and alert["terms"] != terms}
    unfound = {name for (name, _), alert in told.items() if UNFOUND in alert.get("attributes", ())}
    return {key: alert for key, alert in told.items() if key[0] not in others | unfound}


def elsewise(told: Alerts, terms: str) -> set[str]:
    """Versions of other terms under which something stands: those that go on live have not taken it back (yet)."""
    standing = [alert for (name, state), alert in told.items() if state == "raised" and (name, "cleared") not in told]
    return {alert["terms"] for alert in standing} - {terms}


def _decided(alert: dict[str, Any], terms: Terms) -> int:
    """The first clock at which an alert could be told, microseconds: of a late report after the grace of the terms."""
    at, due = int(alert["at"]), alert.get("due")
    if due is None or alert["rule"] not in LATE:
        return at
    return max(at, int(due) + terms.profile.grace * SECOND)


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


def compare(told: Alerts, again: Alerts) -> Difference:
    """The difference between what was told and what a replay tells."""
    both = told.keys() & again.keys()
    return Difference(
        missing=[told[key] for key in sorted(told.keys() - again.keys())],
        extra=[again[key] for key in sorted(again.keys() - told.keys())],
        other=[(told[key], again[key]) for key in sorted(both) if _times(told[key]) != _times(again[key])],
    )


def _times(alert: dict[str, Any]) -> tuple[Any, ...]:
    return alert["rule"], alert["unit"], alert["at"], alert.get("due") if alert["state"] == "raised" else None
