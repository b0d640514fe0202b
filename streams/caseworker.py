"""The cases worker: an agent on `alerts` and one on `commands` keep the cases table, with the topic `cases` out.

Rules:
- A cases worker whose loop stands still for longer than its group may wait for it is ended by the kernel, before it can
  do anything when it goes on: its table is another's by then, and what it sends to the changelog would replace the
  other's. So each record lets the loop turn; one that stands still for one record (its case cannot be told, since the
  brokers are away) is out of its group, too.
- A cases worker whose table is being put back, and gets nothing, ends: Faust may drop what it fetched while it sought
  where to begin, and would wait for it for ever.
- What the changelog of the table did not take ends the worker at once: Faust would go on with a table that nobody finds
  again.
- What was not given is heard before the next that is (desk.py). Where no next comes, it is heard after a while: Faust
  may drop the last records of all, when a group changes, and nobody would be told of them.
"""

import asyncio
import logging
import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import chain
from typing import Any

import faust
from faust.types import TP

from streams import farewell
from streams.core.errors import Unavailable
from streams.kafka import registry
from streams.kafka.broker import KafkaLog
from streams.kafka.names import ALERTS, COMMANDS
from streams.kafka.ports import Log, Place
from streams.kafka.topics import create_changelog, topic_name
from streams.respond.desk import Desk
from streams.settings import Settings

log = logging.getLogger(__name__)

SESSION, HEARTBEAT = 10.0, 3.0
"""Seconds after which a group goes on without a worker that it does not hear, and between a worker's words to it."""

_LOOK = 1.0
"""Seconds between signs of life."""

_STALLED = 20.0
"""Seconds after which a table that is being put back gets no more, if nothing came."""

_LATE = 5.0
"""Seconds after which a record that is in the log is not given any more."""


def serve(app: Any, settings: Settings) -> None:
    """Keep the cases of a ledger."""
    create_changelog(settings, f"{app.conf.id}-cases-changelog")
    _end_if_still(app)
    _end_if_stalled(app)
    app.sensors.add(_Changelog())
    # Faust finds the one partition by itself, or a timer could not write.
    table = app.Table("cases", partitions=1, use_partitioner=True, key_type=bytes, value_type=bytes)
    records = KafkaLog(settings)
    desk = Desk(records, table)

    async def begin(*_: Any, **__: Any) -> None:
        desk.forget()

    app.on_partitions_assigned.connect(begin, weak=False)
    for topic, take in ((ALERTS, desk.hear), (COMMANDS, desk.obey)):
        hear = _taking(settings, topic, take, partial(desk.missed, topic))
        app.agent(app.topic(topic_name(topic, settings.ledger)), name=topic)(hear)
        app.timer(_LATE / 2)(_Late(app, records, desk, topic, take).look)


class _Changelog(faust.Sensor):
    """Ends this process when the changelog, all that Faust writes to, did not take a change of the table."""

    def on_send_error(self, producer: Any, exc: BaseException, state: Any) -> None:
        """It is an end at once, as that of what could not be taken."""
        del producer, state
        log.error("stopped: the changelog did not take a change of the table: %s", exc)
        os._exit(1)


Take = Callable[[bytes | None, Place], None]
"""Takes a record, and where it stands."""


def _taking(
    settings: Settings,
    topic: str,
    take: Take,
    missed: Callable[[Place], Iterable[tuple[bytes | None, Place]]],
) -> Any:
    async def taking(stream: Any) -> None:
        async for event in stream.events():
            place = (event.message.partition, event.message.offset)
            with taken(topic):
                given = registry.inward(settings, topic, event.value)
                for value, at in chain(missed(place), [(given, place)]):
                    take(value, at)
                    await asyncio.sleep(0)  # or what is buffered would keep the loop until all of it was taken

    return taking


class _Late:
    """Hears of one topic what is in the log and is not given any more, though nothing comes after it."""

    def __init__(self, app: Any, records: Log, desk: Desk, topic: str, take: Take) -> None:
        self._app, self._records, self._desk, self._topic, self._take = app, records, desk, topic, take
        self._place = TP(topic_name(topic, records.settings.ledger), 0)
        self._heard, self._since = -1, 0.0

    async def look(self) -> None:
        """Hear it, once nothing of the topic was heard for a while."""
        try:
            ends = await asyncio.to_thread(self._records.end_offsets, self._topic)
        except Unavailable:
            return
        end = ends.get(self._place.partition, 0)
        if not self._is_late(end):
            return
        with taken(self._topic):
            for value, at in self._desk.missed(self._topic, (self._place.partition, end)):
                self._take(value, at)
                await asyncio.sleep(0)
                if not self._is_ours():
                    return
            self._desk.reach(self._topic, end - 1)

    def _is_late(self, end: int) -> bool:
        """Is there something before the end that was not heard, and nothing was for a while."""
        heard, now = self._desk.heard(self._topic), time.monotonic()
        if not self._is_ours() or heard is None or heard + 1 >= end or heard != self._heard:
            self._heard, self._since = -1 if heard is None else heard, now
        return now - self._since >= _LATE

    def _is_ours(self) -> bool:
        """Is the table ours to write."""
        is_moving = self._app.rebalancing or self._app.tables.recovery.in_recovery
        return self._place in self._app.consumer.assignment() and not is_moving


@contextmanager
def taken(topic: str) -> Iterator[None]:
    """A record is taken, or the worker ends, whatever went wrong: Faust would start the agent again, after it."""
    try:
        yield
    except Exception:
        log.exception("a record of %s could not be taken: starting again from it", topic)
        os._exit(1)  # at once: a worker that ends in order, or goes on, commits it as done


def _end_if_still(app: Any) -> None:
    """End this process if its loop stands still for so long that its group may go on without it.

    The kernel's clock goes on while we are stopped, and its signal comes before anything of ours.
    """

    async def live() -> None:
        while not farewell.ending.is_set():
            signal.setitimer(signal.ITIMER_REAL, SESSION - HEARTBEAT)
            await asyncio.sleep(_LOOK)

    app.task(live)  # no timer: one of Faust's would not go on while it ends in order


def _end_if_stalled(app: Any) -> None:
    """End this worker if its table is being put back and nothing of it comes."""
    watching: list[Any] = []

    async def watch() -> None:
        left, since = 0, 0.0
        while not farewell.ending.is_set():
            recovery, before, now = app.tables.recovery, left, time.monotonic()
            left = recovery.active_remaining_total() if recovery.in_recovery else 0
            since = since if left and left == before else now
            if now - since > _STALLED:
                log.warning("nothing comes of the table that is being put back: starting again")
                farewell.end()
            await asyncio.sleep(_LOOK)

    async def begin(*_: Any, **__: Any) -> None:
        if not watching:  # no task and no timer: those begin when the table was put back for the first time
            watching.append(app.add_future(watch()))

    app.on_partitions_assigned.connect(begin, weak=False)
