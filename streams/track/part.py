"""One partition's state, and what a batch of its records does to it.

Rules:
- The clock of a record is the latest tick before it in its partition; so what is known does not depend on batches.
- Findings are looked at once a batch, at its last tick, before what follows it is folded: their times come from the
  facts, not from when we looked. While a backlog is worked off a look waits until enough was folded to be worth it.
- But for hand-overs that take away what was found before them: a look comes before each, and one at the tick after it.
- Rows of closed messages leave now and then. When they do changes nothing that is said: a message of which more is said
  is looked at as of the tick before that, whether its rows have left or not.
- Records that cannot be understood are told apart and cost nothing else.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from streams.core.clock import BEGINNING, Clock, Tick
from streams.core.closing import close, closing
from streams.core.custody import Custody
from streams.core.facts import COLUMNS, Facts, Mask, Times, facts
from streams.core.lattice import NEVER
from streams.core.reunion import reunited
from streams.core.terms import SECOND, Terms
from streams.kafka.ports import Records
from streams.track.alarms import Alarms
from streams.wire import columns

SWEEPS = 8
"""How often within `linger` closed messages leave."""

WORTH = 16
"""They leave if they are more than one in so many."""


BEHIND = 8
"""Behind, we look once as many records were folded as there are legs, divided by this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What a batch of records did.

    Attributes:
        events: how many were understood.
        bad: index and reason of each that was not.
        alerts: records to write.
    """

    events: int
    bad: list[tuple[int, str]]
    alerts: list[dict[str, Any]]


def read(records: Records) -> columns.Batch:
    """What could be read of records: half of the work, most of it done without Python's lock."""
    return columns.read(records.values, records.keys, COLUMNS)


@dataclass(slots=True)
class Part:
    """The state of one partition.

    Attributes:
        partition: its number.
        custody: what is known.
        clock: what the ticks said.
        alarms: what was told.
        offset: of the next record.
        swept: the clock when closed messages left last.
        renumbered: rows have other numbers since a snapshot was made.
        looked: the clock when findings were looked at last.
        waited: how many records were folded since.
        reunited: a hand-over has taken something away since the last tick, as far as we know.
        heard: how many legs were known at the last tick, or more.
    """

    partition: int
    custody: Custody
    clock: Clock
    alarms: Alarms
    offset: int = 0
    swept: int = BEGINNING
    renumbered: bool = False
    looked: int = BEGINNING
    waited: int = 0
    reunited: bool = False
    heard: int = 0

    @classmethod
    def empty(cls, partition: int, terms: Terms) -> "Part":
        """A partition of which nothing is known."""
        return cls(partition, Custody(terms=terms), Clock(), Alarms(partition))

    @property
    def unlooked(self) -> bool:
        """Did the clock go on since findings were looked at."""
        return self.clock.through > self.looked

    def take(self, records: Records, *, behind: bool = False) -> Effect:
        """Fold records; records before `offset` may come again and change nothing.

        Args:
            records: of this partition.
            behind: more of them are waiting, so that a look at what was found may wait, too.
        """
        return self.fold(records, read(records), behind=behind)

    def fold(self, records: Records, batch: columns.Batch, *, behind: bool = False) -> Effect:
        """The same with what was read of them."""
        self.waited += len(records.values)
        waits = behind and self.waited * BEHIND < len(self.custody.legs)
        alerts = self._fold(batch.frame, waits=waits)
        if records.offsets:
            self.offset = max(self.offset, records.offsets[-1] + 1)
        return Effect(events=len(batch.frame), bad=batch.bad, alerts=alerts)

    def look(self) -> list[dict[str, Any]]:
        """What is found up to the clock and was not told yet; then closed messages may leave."""
        self.looked, self.waited = self.clock.through, 0
        alerts = self.alarms.news(self.custody, self.clock)
        self._sweep()
        return alerts

    def _fold(self, frame: pl.DataFrame, *, waits: bool) -> list[dict[str, Any]]:
        """Fold records up to each tick that must be looked at, and then the others; what is found at those ticks."""
        isnt = (frame["kind"].cast(pl.String) != "tick").to_numpy()
        at = frame["occurred_at"].cast(pl.Int64).to_numpy()
        running = self._clock(at, ~isnt)
        on = np.flatnonzero(~isnt & (at > running)).tolist()  # one that goes back changes nothing, wherever we stop
        ticks = [Tick.read(int(at[row]), tuple(frame["attributes"][row])) for row in on]
        clock = running[isnt]
        events = facts(frame if isnt.all() else frame.filter(pl.Series(isnt)), clock)
        alerts: list[dict[str, Any]] = []
        start, stops = 0, self._stops(events, clock, ticks, waits=waits)
        through = self._next(events, clock, 0, BEGINNING, stops)
        while through != NEVER:
            end = int(np.searchsorted(clock, through))
            self._join(events.part(start, end))
            self._hear(ticks, through)
            alerts += self.look() if self.unlooked else []
            self._close(events, clock, end)
            start, through = end, self._next(events, clock, end, through + 1, stops)
        self._join(events.part(start, len(clock)))
        self._hear(ticks, NEVER)
        return alerts

    def _next(self, events: Facts, clock: Times, start: int, since: int, stops: Sequence[int]) -> int:
        """The next tick not before `since` that must be looked at; NEVER if none."""
        closes = self._until(events, clock, start, since)
        found = [int(clock[closes])] if closes < len(clock) else []
        return min((*found, *(stop for stop in stops if stop >= since)), default=NEVER)

    def _stops(self, events: Facts, clock: Times, ticks: Sequence[Tick], *, waits: bool) -> list[int]:
        """The ticks that must be looked at: the last, but while it waits; those before and after what is reunited."""
        befores = reunited(self.custody, self.clock.through, events, clock, self.heard).tolist()
        throughs = sorted({self.clock.through, *(tick.through for tick in ticks if tick.through > self.clock.through)})
        waiting = [self.clock.through] if self.reunited else []
        afters = [next((one for one in throughs if one > before), NEVER) for before in (*waiting, *befores)]
        self.reunited = NEVER in afters
        last = [] if waits else throughs[-1:]
        return [stop for stop in (*befores, *afters, *last) if self.looked < stop < NEVER]

    def _join(self, events: Facts) -> None:
        self.alarms.agenda.hear(self.custody.fold(events))

    def _hear(self, ticks: Sequence[Tick], through: int) -> None:
        before = self.clock.through
        for tick in ticks:
            if tick.through <= through:
                self.clock.hear(tick)
        if self.clock.through > before:
            self.heard = len(self.custody.legs)

    def _clock(self, at: NDArray[np.int64], ticks: NDArray[np.bool_]) -> NDArray[np.int64]:
        """The clock before each record."""
        through = np.where(ticks, at, self.clock.through)
        running = np.maximum.accumulate(np.concatenate(([self.clock.through], through)))
        return running[:-1]

    # Closing

    def _close(self, events: Facts, clock: Times, start: int) -> None:
        """Let messages leave where more is said of one that closed; and all others, since its rows cannot go alone."""
        old = self._old()
        said = self._said(events, clock, start) & old
        if said.any() and self._closing(said).any():
            self.swept = self.clock.through
            self._leave(self._closing(old))

    def _until(self, events: Facts, clock: Times, start: int, since: int) -> int:
        """From which event on closing must be looked at again: its tick is not before `since`; all if never.

        That is where something is said of a message that is old enough, and where the clock has gone on by so much
        since `start` that what began after it may be as old.
        """
        linger = self.custody.terms.profile.linger * SECOND
        end = int(np.searchsorted(clock, clock[start] + linger, "right")) if start < len(clock) else start
        limit = np.maximum(clock[start:end], BEGINNING + linger) - linger
        if not len(limit) or not (self.custody.messages["since"] < limit[-1]).any():
            return end
        began = np.append(self.custody.messages["since"], NEVER)[self.custody.mentioned(events.part(start, end))]
        late = (began.min(axis=1) < limit) & (clock[start:end] >= since)
        return int(np.searchsorted(clock, clock[start + int(late.argmax())])) if late.any() else end

    def _old(self) -> Mask:
        """Which messages began `linger` before the clock, so that they may have been quiet since."""
        return self.custody.messages["since"] < self.clock.through - self.custody.terms.profile.linger * SECOND

    def _sweep(self) -> None:
        """Let messages leave, if it is time and worth it."""
        if self.clock.through - self.swept < self.custody.terms.profile.linger * SECOND // SWEEPS:
            return
        self.swept = self.clock.through
        closes = self._closing(self._old())
        if closes.sum() * WORTH > len(closes):
            self._leave(closes)

    def _closing(self, among: Mask) -> Mask:
        return closing(self.custody, self.alarms.standing(self.custody), self.clock, among)

    def _said(self, events: Facts, clock: Times, start: int) -> Mask:
        """Which messages more is said of before the next tick."""
        some = events.part(start, int(np.searchsorted(clock, self.clock.through, "right")))
        said = np.zeros(len(self.custody.messages) + 1, np.bool_)
        said[self.custody.mentioned(some)] = True
        return said[:-1]

    def _leave(self, closes: Mask) -> None:
        if closes.any():
            self.alarms.keep(close(self.custody, closes, self.clock.through))
            self.renumbered, self.heard = True, sys.maxsize
