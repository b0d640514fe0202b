"""Several trackers and feeds on the real stack: they come, go, are killed, stand still, and Kafka dies under them."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import msgspec
import pytest

from streams import profiles
from streams.core.clock import Tick
from streams.core.events import Kind
from streams.core.terms import SECOND
from streams.kafka import topics
from streams.kafka.broker import KafkaLog
from streams.kafka.ports import Records
from streams.settings import Settings
from streams.settings import running as running_stack
from streams.track import ticks
from streams.track.replay import Replay, compare, live
from streams.warehouse.client import ask, connect
from streams.wire import envelope
from tests.service import trackers
from tests.service.test_track import day_log, slices

__all__ = ["day_log"]

pytestmark = [pytest.mark.service, pytest.mark.timeout(1200)]

SESSION = 6.0
"""Seconds after which a worker that was not heard of is put out; see streams/kafka/reader.py."""

GROUPS = {"track": "custody-tracker", "feed": "custody-feed-message-events"}


class Crew:
    """Workers of one ledger: by name, a tracker and a feed."""

    def __init__(self, settings: Settings, stack: ExitStack) -> None:
        """Nobody works yet."""
        self._settings, self._stack = settings, stack
        self.at_work: dict[tuple[str, str], subprocess.Popen[bytes]] = {}

    def join(self, name: str) -> None:
        """A tracker and a feed come, or come back, and have their shares."""
        settings = msgspec.structs.replace(self._settings, worker_name=name)
        for role in GROUPS:
            self.at_work[role, name] = self._stack.enter_context(trackers.running(settings, role))
        self.wait_for(lambda: all(self._shares(role, name) for role in GROUPS), f"{name} did not get its shares")

    def leave(self, role: str, name: str, by: signal.Signals) -> None:
        """A worker is told to go, or killed."""
        self.at_work.pop((role, name)).send_signal(by)

    def wait_for(self, is_so: Callable[[], bool], complaint: str) -> None:
        """Wait until something is so."""
        deadline = time.monotonic() + trackers.PATIENCE
        while not is_so():
            assert time.monotonic() < deadline, complaint
            time.sleep(0.1)

    def _shares(self, role: str, name: str) -> bool:
        """Has a member partitions."""
        group = f"{GROUPS[role]}-{self._settings.ledger}"
        asking = (sys.executable, "-m", "tests.service.membership", group, f"{group}-{name}")
        told = json.dumps(self._settings.kafka_client()).encode()
        return subprocess.run(asking, input=told, check=False, capture_output=True, timeout=60).returncode == 0  # noqa: S603 - ourselves

    @contextmanager
    def frozen(self, name: str) -> Iterator[None]:
        """A tracker and a feed stand still while the block runs, for longer than their session."""
        until = time.monotonic() + SESSION + 2
        for role in GROUPS:
            self.at_work[role, name].send_signal(signal.SIGSTOP)
        yield
        time.sleep(max(0.0, until - time.monotonic()))
        for role in GROUPS:
            self.at_work[role, name].send_signal(signal.SIGCONT)

    @contextmanager
    def restarted(self, by: signal.Signals) -> Iterator[None]:
        """The broker ends as the block begins; it is back when that ends."""
        pid = self._broker()
        os.kill(pid, by)
        yield
        self.wait_for(lambda: self._broker() not in {0, pid}, "the broker did not come back")

    def _broker(self) -> int:
        there = running_stack(self._settings.data)
        return there.processes.get("kafka", 0) if there else 0


def test_workers_come_and_go_and_no_alarm_is_lost_or_told_twice(
    stack: Settings, ledger: str, day_log: list[Records]
) -> None:
    """Two and three share the log; some go, one is frozen and wakes, Kafka dies twice: the same alarms, each once."""
    busy, calm = (msgspec.structs.replace(stack, ledger=name) for name in (ledger, f"{ledger}calm"))
    for settings in (busy, calm):
        topics.create(settings)
    cut = slices(day_log, 8)
    cut.append(([], cut[-1][1] + 3 * 86_400 * SECOND))
    for batches, until in cut:
        _told(calm, batches, until)
    trackers.followed(calm)
    with ExitStack() as until_the_end:
        _play(busy, Crew(busy, until_the_end), cut)
    told = trackers.alerts(busy)
    assert told == trackers.alerts(calm)
    assert len(told) > 3
    assert all(len(times) == 1 for times in told.values())
    assert compare(live(KafkaLog(busy)), _replayed(busy)).identical
    _assert_each_row_once(busy, day_log)


def _assert_each_row_once(settings: Settings, day_log: list[Records]) -> None:
    """What the warehouse shows is what was sent and told, no row twice."""
    events = (envelope.decode(value) for batch in day_log for value in batch.values)
    sent = {event.event_id for event in events if event.kind is not Kind.TICK}
    ids = {one["alert_id"] for one in trackers.all_alerts(settings)}
    for table, column, there in (("events", "event_id", sent), ("alerts", "alert_id", ids)):
        rows = [row[column] for row in ask(connect(settings), f"SELECT {column} FROM {table}")]  # noqa: S608 - our names
        assert len(rows) == len(set(rows)), table
        assert set(rows) == there, table


def _play(settings: Settings, crew: Crew, cut: list[tuple[list[Records], int]]) -> None:
    """Nine spans of a day while workers come and go, and the broker too."""
    crew.join("one")
    _told(settings, *cut[0])
    crew.join("two")
    _told(settings, *cut[1])
    crew.join("three")
    _told(settings, *cut[2])
    crew.leave("track", "two", signal.SIGKILL)
    crew.leave("feed", "two", signal.SIGTERM)
    _told(settings, *cut[3])
    with crew.frozen("one"):
        _told(settings, *cut[4])
        _told(settings, *cut[5])
    with crew.restarted(signal.SIGKILL):
        _told(settings, *cut[6])
    crew.leave("feed", "one", signal.SIGKILL)
    crew.join("two")
    with crew.restarted(signal.SIGTERM):
        for batches, until in cut[7:]:
            _told(settings, batches, until)
    trackers.wait_until_committed(settings, crew.at_work["track", "three"])
    trackers.wait_until_fed(settings, crew.at_work["feed", "three"])


def _told(settings: Settings, batches: list[Records], until: int) -> None:
    """Events of a span, and the tick at its end."""
    trackers.write(settings, batches)
    ticks.write(KafkaLog(settings).writer(), Tick(through=until))


def _replayed(settings: Settings) -> dict[tuple[bytes, str], dict[str, object]]:
    replay = Replay(terms=profiles.load(str(trackers.TERMS)))
    replay.run(KafkaLog(settings))
    return replay.alerts
