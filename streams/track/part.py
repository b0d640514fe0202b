"""One partition's state, and what a batch of its records does to it.

Rules:
- The clock of a record is the latest tick before it in its partition; so what is known does not depend on batches.
- Findings are looked at once a batch, at its last tick: their times come from the facts, not from when we looked.
- Records that cannot be understood are told apart and cost nothing else.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from streams.core.clock import Clock, Tick
from streams.core.custody import Custody
from streams.core.facts import COLUMNS, facts
from streams.core.terms import Terms
from streams.kafka.ports import Records
from streams.track.alarms import Alarms
from streams.wire import columns


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What a batch of records did.

    Attributes:
        events: how many were understood.
        bad: offset, value and reason of each that was not.
        alerts: records to write.
        ticked: the clock went on.
    """

    events: int
    bad: list[tuple[int, bytes | None, str]]
    alerts: list[dict[str, Any]]
    ticked: bool


@dataclass(slots=True)
class Part:
    """The state of one partition.

    Attributes:
        partition: its number.
        custody: what is known.
        clock: what the ticks said.
        alarms: what was told.
        offset: of the next record.
    """

    partition: int
    custody: Custody
    clock: Clock
    alarms: Alarms
    offset: int = 0
    late: dict[str, int] = field(default_factory=dict)

    @classmethod
    def empty(cls, partition: int, terms: Terms) -> "Part":
        """A partition of which nothing is known."""
        return cls(partition, Custody(terms=terms), Clock(), Alarms(partition))

    def take(self, records: Records) -> Effect:
        """Fold records; records before `offset` may come again and change nothing."""
        batch = columns.read(records.values, records.keys, COLUMNS)
        before = self.clock.through
        self._fold(batch.frame)
        if records.offsets:
            self.offset = max(self.offset, records.offsets[-1] + 1)
        ticked = self.clock.through > before
        return Effect(
            events=len(batch.frame),
            bad=[(records.offsets[index], records.values[index], reason) for index, reason in batch.bad],
            alerts=list(self.alarms.news(self.custody, self.clock)) if ticked else [],
            ticked=ticked,
        )

    def _fold(self, frame: pl.DataFrame) -> None:
        ticks = (frame["kind"].cast(pl.String) == "tick").to_numpy()
        at = frame["occurred_at"].cast(pl.Int64).to_numpy()
        events = frame.filter(pl.Series(~ticks)) if ticks.any() else frame
        if len(events):
            self.custody.fold(facts(events, self._clock(at, ticks)[~ticks]))
        for row in np.flatnonzero(ticks).tolist():
            self.clock.hear(Tick.read(int(at[row]), tuple(frame["attributes"][row])))

    def _clock(self, at: NDArray[np.int64], ticks: NDArray[np.bool_]) -> NDArray[np.int64]:
        """The clock before each record."""
        through = np.where(ticks, at, self.clock.through)
        running = np.maximum.accumulate(np.concatenate(([self.clock.through], through)))
        return running[:-1]
