"""The roles of Custody as they run in a simulated world: the product's own code, driven step by step."""

import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future
from functools import partial
from pathlib import Path
from typing import Any

from streams.collect.declaration import Declaration, Host, Source
from streams.collect.run import Collector
from streams.core.terms import SECOND
from streams.kafka import progress
from streams.kafka.names import EVENTS
from streams.kafka.ports import Committed
from streams.kafka.writer import EventWriter
from streams.respond.desk import Desk
from streams.track.ticks import Ticker
from streams.track.tracker import BATCH, Tracker
from streams.warehouse.feed import Feeds
from streams.warehouse.rows import PLAIN
from tests.faults.check import said_otherwise
from tests.faults.mail import BEGIN, HOSTS, TERMS
from tests.faults.world import Process, World

PARTS = {
    "collector": Collector,
    "ticker": Ticker,
    "tracker": Tracker,
    "feed": Feeds,
    "desk": Desk,
}
"""What is run; a test that breaks a part puts the broken one in its place."""

COUNT = 1000


def declaration(folder: Path) -> Declaration:
    """A live source for each host."""
    return Declaration(
        sources=tuple(
            Source(name=host, kind="jsonl", host=host, paths=(str(folder / f"{host}.jsonl"),), live=True)
            for host in HOSTS
        ),
        hosts=tuple(Host(name=host) for host in (*HOSTS, "store")),
        keep_raw=True,
    )


class Collecting:
    """A collector that follows the log of one host."""

    def __init__(self, world: World, source: Source, made: type[Collector], process: Process) -> None:
        """Begin from the checkpoint."""
        self._world, self._name = world, source.name
        self._collector = made(
            source=source,
            declaration=declaration(world.folder),
            writer=EventWriter(process.log.writer()),
            store=world.folder / f"{source.name}.checkpoint",
            wall=world.wall,
        )
        self._looks: Iterator[bool] = self._collector.looks(threading.Event())

    def step(self) -> bool:
        """Look once, until the end of the mail is claimed."""
        if self._world.is_calm and self._world.is_claimed(self._name):
            return False
        next(self._looks)
        return True


class Ticking:
    """A clock writer: Faust's agent on `progress`, with a timer."""

    def __init__(self, world: World, made: type[Ticker], process: Process) -> None:
        """Hear what was said before."""
        self._world = world
        self._ticker = made(process.log, world.wall)
        if world.weather.patience:
            self._ticker.keeper.patience = world.weather.patience * SECOND
        group = f"custody-clock-{process.name}"
        self._reader = process.log.reader("progress", group, member="0", assigned=self._assigned)

    def _assigned(self, committed: dict[int, Committed]) -> dict[int, int]:
        self._ticker.recall()
        return {number: place.offset or 0 for number, place in committed.items()}

    def step(self) -> bool:
        """Hear, look, and look again as the timer does."""
        found = self._reader.read(COUNT, 0)
        for batch in found:
            for value, offset in zip(batch.values, batch.offsets, strict=True):
                self._ticker.hear(value, offset)
                self._ticker.look()
            self._reader.commit({batch.partition: Committed(offset=batch.offsets[-1] + 1)})
        if not self._is_over():
            self._ticker.look()
        return bool(found)

    def _is_over(self) -> bool:
        """Collectors rest when the clock is where their mail ends; real ones go on talking, and are not silent then."""
        return self._world.is_calm and self._ticker.keeper.last.through >= round(self._world.mail.end * SECOND)


class Tracking:
    """A tracker."""

    def __init__(self, world: World, made: type[Tracker], process: Process) -> None:
        """Join the group."""
        late, batch = Late(lambda: world.draw.random() < 0.5), world.draw.choice((2, 8, BATCH))
        self._tracker = made(process.log, TERMS, world.member(process), world.wall, batch=batch, beside=late)
        self._world = world

    def step(self) -> bool:
        """Take a batch, and keep what changed when it is time."""
        self._tracker.step(0)
        return not self._world.is_committed("custody-tracker-faults", "message-events")


class Late(Executor):
    """Does what is submitted at once, or when its result is wanted."""

    def __init__(self, is_late: Callable[[], bool]) -> None:
        """Ask each time."""
        self._is_late = is_late

    def submit(self, work: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Do it now or later."""
        done = _Wanted(lambda: work(*args, **kwargs), self._is_late)
        if not self._is_late():
            done.do()
        return done


class _Wanted(Future[Any]):
    """Is done when its result is asked for."""

    def __init__(self, work: Callable[[], Any], is_late: Callable[[], bool]) -> None:
        super().__init__()
        self._work, self._is_late = work, is_late

    def do(self) -> None:
        self.set_result(self._work())

    def done(self) -> bool:
        if not super().done() and not self._is_late():
            self.do()
        return super().done()

    def result(self, timeout: float | None = None) -> Any:
        if not super().done():
            self.do()
        return super().result(timeout)


class Feeding:
    """A feed."""

    def __init__(self, world: World, made: type[Feeds], process: Process) -> None:
        """Join the groups."""
        late = Late(lambda: world.draw.random() < 0.5)
        self._feeds = made(process.log, process.store, world.member(process), world.wall, late)
        self._world = world

    def step(self) -> bool:
        """Take a batch of each topic."""
        self._feeds.step(0)
        is_done = all(self._world.is_committed(f"custody-feed-{topic}-faults", topic) for topic in (EVENTS, *PLAIN))
        return not is_done or any(said_otherwise(self._world.log, self._world.tables))


class Table(dict[bytes, bytes]):
    """Faust's table: what is put is in its changelog at once, or when the offsets are committed, as a seed says."""

    def __init__(self, changelog: dict[bytes, bytes], is_late: Callable[[], bool]) -> None:
        """Take up what the changelog has."""
        super().__init__(changelog)
        self.changelog, self._is_late = changelog, is_late

    def __setitem__(self, key: bytes, value: bytes) -> None:
        """Put one."""
        super().__setitem__(key, value)
        if key.startswith(b"heard") or not self._is_late():  # how far was heard is there first: the worst case
            self.changelog[key] = value

    def __delitem__(self, key: bytes) -> None:
        """Take one away."""
        super().__delitem__(key)
        if not self._is_late():
            self.changelog.pop(key, None)

    def flush(self) -> None:
        """Have everything in the changelog, and nothing else."""
        self.changelog.clear()
        self.changelog.update(self)


class Working:
    """The desk: Faust's agent on `alerts`, with its table."""

    def __init__(self, world: World, made: type[Desk], changelog: dict[bytes, bytes], process: Process) -> None:
        """Take up the table."""
        self._table = Table(changelog, lambda: world.draw.random() < 0.5)
        self._desk = made(process.log, self._table, world.wall)
        self._world = world
        self._heard: dict[int, int] = {}
        self._reader = process.log.reader("alerts", "custody-cases", member="0")

    def step(self) -> bool:
        """Hear some alerts; acknowledge them, or not yet."""
        found = self._reader.read(COUNT, 0)
        for batch in found:
            for value, offset in zip(batch.values, batch.offsets, strict=True):
                place = (batch.partition, offset)
                for missed in self._desk.missed("alerts", place):
                    self._desk.hear(*missed)
                self._desk.hear(value, place)
            self._heard[batch.partition] = batch.offsets[-1] + 1
        if self._heard and (self._world.is_calm or self._world.draw.random() < 0.5):
            self._table.flush()
            self._reader.commit({number: Committed(offset=offset) for number, offset in self._heard.items()})
            self._heard = {}
        return bool(found) or not self._world.is_committed("custody-cases", "alerts")


def staff(world: World, parts: Mapping[str, Any]) -> None:
    """Every process of a ledger: a collector for each host, a clock writer, two trackers, a feed or two and a desk."""
    changelog: dict[bytes, bytes] = {}
    for source in declaration(world.folder).sources:
        world.add(source.name, partial(Collecting, world, source, parts["collector"]))
    for host in HOSTS:
        (world.folder / f"{host}.jsonl").touch()
    world.declare([progress.declared(name, live=True, terms="", text="", at=BEGIN * 1_000_000) for name in HOSTS])
    world.add("clock", partial(Ticking, world, parts["ticker"]))
    for name in ("one", "two"):
        world.add(name, partial(Tracking, world, parts["tracker"]))
    for name in ("feed", "spare")[: world.weather.feeds]:
        world.add(name, partial(Feeding, world, parts["feed"]))
    world.add("desk", partial(Working, world, parts["desk"], changelog))
