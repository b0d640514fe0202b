"""Parts of Custody with one mistake each, of the kind that a change could bring: the simulation must catch them."""

from collections.abc import Sequence
from typing import Any

from streams.collect.run import Collector
from streams.core.clock import Tick
from streams.kafka.ports import Committed, Records, RecordWriter
from streams.track import ticks
from streams.track.ticks import Ticker
from streams.track.tracker import Tracker
from streams.warehouse.feed import EVENTS, Feeds
from streams.warehouse.rows import START


class ForgetfulCollector(Collector):
    """Stores its checkpoint before the events are acknowledged."""

    def _save(self, *, every: float) -> bool:
        del every
        self._store()
        self.writer.flush()
        return True


class HastyTracker(Tracker):
    """Commits before what it kept is acknowledged."""

    def _keep(self, *args: Any) -> None:
        writer = self._writer
        self._writer = _Patient(writer)
        super()._keep(*args)
        self._writer = writer


class _Patient:
    """A writer that waits for nothing."""

    def __init__(self, writer: RecordWriter) -> None:
        self.settings, self._writer = writer.settings, writer

    def write(self, topic: str, key: bytes | None, value: bytes | None, partition: int = 0) -> None:
        """Hand over a record."""
        self._writer.write(topic, key, value, partition)

    def flush(self) -> None:
        """Wait for nothing."""


class LeapingTracker(Tracker):
    """Goes on after the record that it should go on from."""

    def _assigned(self, committed: dict[int, Committed]) -> dict[int, int]:
        return {number: start + (1 if start else 0) for number, start in super()._assigned(committed).items()}


class HastyFeed(Feeds):
    """Commits before its rows are stored."""

    def _events(self, batches: Sequence[Records]) -> int:
        for batch in batches:
            self._readers[EVENTS].commit(batch.partition, batch.offsets[-1] + 1)
        return super()._events(batches)


class RepeatingFeed(Feeds):
    """Takes what is given again for new."""

    def _events(self, batches: Sequence[Records]) -> int:
        self._ends = {}
        return super()._events(batches)


class TimelessFeed(Feeds):
    """Forgets the clock when it takes up a partition."""

    def _clock_before(self, partition: int, offset: int) -> int:
        del partition, offset
        return START


class HastyTicker(Ticker):
    """Believes the wall clock."""

    def look(self) -> None:
        """Write a tick for now."""
        ticks.write(self._writer, Tick(through=self._wall.now()))


class ForgetfulTicker(Ticker):
    """Knows only the sources that spoke since it began."""

    def recall(self) -> None:
        """Forget."""


ANY: frozenset[str] = frozenset()
FLUSHES = frozenset({"flush"})
READS = frozenset({"read", "flush"})

MUTANTS: tuple[tuple[str, Any, frozenset[str]], ...] = (
    ("collector", ForgetfulCollector, ANY),
    ("tracker", HastyTracker, FLUSHES),
    ("tracker", LeapingTracker, ANY),
    ("feed", HastyFeed, ANY),
    ("feed", RepeatingFeed, READS),
    ("feed", TimelessFeed, ANY),
    ("ticker", HastyTicker, ANY),
    ("ticker", ForgetfulTicker, READS),
)
"""Which part is broken, how, and the calls that must go wrong for it to show."""
