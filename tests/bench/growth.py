"""What it costs that many units are open: the rate of further batches, a tick's look, the queues, and memory.

- Each measured batch has whole journeys (four in five events) and reports about open units anywhere in the state; a
  tick follows it. One in a hundred open units is overdue. The rate is that of a tracker that is behind: it looks for
  alarms at a tick once enough was folded, so a run pays its share of a look; what a look takes is told beside it.
- The baseline is the same at ten thousand open units, in the same process and minute.
- Memory is that of a process of its own, which gets the records in small chunks.
"""

import copy
import gc
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import count

from streams.core.queues import queues
from streams.process import MODEST
from streams.track.part import BEHIND, Part
from tests.bench.events import TERMS, Framed, batches, framed, journeys, proof, tick
from tests.bench.figure import Figure, alternate
from tests.bench.memory import build
from tests.bench.size import Size

FIRST = 1011.0
"""Second of the first look, which raises what is late; measured ticks follow a millisecond apart."""

BATCH = 20_000
BATCHES = 3
STEP = 0.001


def growth(size: Size) -> Iterator[Figure]:
    """Rates by number of open units; then memory."""
    few, *many = _sizes(size)
    base = Grown(few)
    big = Grown(few)
    for number in many:
        big.grow(number)
        named = f"{number // 1000:,} thousand open"
        for what, unit, measure in (
            ("fold and looks", "events/s CPU", Grown.rate),
            ("a tick's look", "ms CPU", Grown.look),
            ("its queues", "ms CPU", Grown.queued),
        ):
            runs, beside = alternate(size.rounds, partial(measure, big), partial(_afresh, base, measure))
            yield Figure(
                what=f"{what}, {named}", unit=unit, runs=runs, baseline=f"{few // 1000} thousand open", beside=beside
            )
    del base, big
    yield from _memory(size)


def _sizes(size: Size) -> Sequence[int]:
    return (1_000, 4_000) if size.is_quick else (10_000, 100_000, 1_000_000, 3_000_000)


def _afresh(base: "Grown", measure: Callable[["Grown"], float]) -> float:
    """A small state would not stay small: each run has a copy."""
    return measure(copy.deepcopy(base))


class Grown:
    """A partition with so many open units."""

    _names = count()

    def __init__(self, units: int) -> None:
        """Build it, and let the first look be over."""
        self.part, self.units, self._at = Part.empty(0, TERMS), 0, FIRST
        self.grow(units)

    def grow(self, units: int) -> None:
        """Open more units, up to so many."""
        build(self.part, self.units, units)
        self.units = units
        self._look()
        gc.collect()

    def rate(self) -> float:
        """Events a second of the processor's time while a backlog is worked off, its share of looks included."""
        made = [self._batch() for _ in range(BATCHES)]
        events = sum(map(len, made))
        self.part.waited = -events  # looks are counted below
        start = time.process_time()
        for batch in made:
            for records in batches(batch):
                self.part.take(records, behind=True)
        spent = time.process_time() - start
        self.part.waited = 0
        looks = min(BATCHES, events * BEHIND / len(self.part.custody.legs))
        return events / (spent + looks * self._look())

    def look(self) -> float:
        """Milliseconds of one tick at which nothing new is found."""
        return 1000 * self._look()

    def queued(self) -> float:
        """Milliseconds of the queues' states."""
        start = time.process_time()
        queues(self.part.custody)
        return 1000 * (time.process_time() - start)

    def _look(self) -> float:
        self._at += STEP
        (records,) = batches([tick(self._at)])
        start = time.process_time()
        self.part.take(records)
        return time.process_time() - start

    def _batch(self) -> list[Framed]:
        chosen = [random.randrange(self.units) for _ in range(BATCH // 5)]  # noqa: S311 - no secret
        said = [one for number in chosen for one in proof(number, self._at)]
        name = f"j{next(self._names)}n"
        whole = [framed(event) for one in journeys(BATCH * 4 // 50, self._at, name) for event in one]
        self._at += STEP
        mixed = [*whole, *said]
        random.shuffle(mixed)
        return [*mixed, tick(self._at)]


# Memory


def _memory(size: Size) -> Iterator[Figure]:
    """Resident memory by number of open units of three legs each; it is measured once, since nothing moves it."""
    sizes = _sizes(size)
    command = (sys.executable, "-m", "tests.bench.memory", *map(str, sizes))
    done = subprocess.run(command, check=True, capture_output=True, env={**os.environ, **MODEST})  # noqa: S603 - ourselves
    imports, *grown = map(float, done.stdout.split())
    for number, value in zip(sizes, grown, strict=True):
        note = f"three legs each, one run; of these {imports:.0f} MB are there before the first event"
        what = f"memory of {number // 1000:,} thousand open units"
        yield Figure(what=what, unit="MB", runs=[value], note=note)
