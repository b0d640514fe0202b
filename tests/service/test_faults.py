"""Several trackers on the real broker: they come and go, are killed and stand still, and tell what one alone tells."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from subprocess import Popen

import msgspec
import pytest
from confluent_kafka.admin import AdminClient

from streams import profiles
from streams.core.clock import Tick
from streams.core.terms import SECOND
from streams.kafka import topics
from streams.kafka.broker import KafkaLog
from streams.kafka.ports import Records
from streams.settings import Settings
from streams.track import ticks
from streams.track.replay import Replay, compare, live
from tests.service import trackers
from tests.service.test_track import day, slices

__all__ = ["day"]

pytestmark = [pytest.mark.service, pytest.mark.timeout(240)]

SESSION = 6.0
"""Seconds after which a worker that was not heard of is put out; see streams/kafka/reader.py."""


class Crew:
    """Trackers of one ledger, by name."""

    def __init__(self, settings: Settings, stack: ExitStack) -> None:
        """Nobody works yet."""
        self._settings, self._stack = settings, stack
        self._admin = AdminClient(settings.kafka_client())
        self.at_work: dict[str, Popen[bytes]] = {}

    def join(self, name: str) -> None:
        """A worker comes, or comes back, and has its share."""
        settings = msgspec.structs.replace(self._settings, worker_name=name)
        self.at_work[name] = self._stack.enter_context(trackers.running(settings))
        deadline = time.monotonic() + trackers.PATIENCE
        while not self._shares(name):
            assert time.monotonic() < deadline, f"{name} did not get its share"
            time.sleep(0.1)

    def leave(self, name: str) -> None:
        """A worker is killed."""
        self.at_work.pop(name).kill()

    def _shares(self, name: str) -> bool:
        """Has a member partitions."""
        group = f"custody-tracker-{self._settings.ledger}"
        told = self._admin.describe_consumer_groups([group])[group].result()
        shares = {one.group_instance_id: one.assignment.topic_partitions for one in told.members}
        return bool(shares.get(f"{group}-{name}"))

    @contextmanager
    def frozen(self, name: str) -> Iterator[None]:
        """A worker stands still while the block runs, for longer than its session."""
        until = time.monotonic() + SESSION + 2
        os.kill(self.at_work[name].pid, signal.SIGSTOP)
        yield
        time.sleep(max(0.0, until - time.monotonic()))
        os.kill(self.at_work[name].pid, signal.SIGCONT)


def test_workers_come_and_go_and_no_alarm_is_lost_or_told_twice(
    stack: Settings, ledger: str, day: list[Records]
) -> None:
    """Two and three share the log; one is killed, one is frozen and wakes: the same alarms, each under one id."""
    busy, calm = (msgspec.structs.replace(stack, ledger=name) for name in (ledger, f"{ledger}calm"))
    for settings in (busy, calm):
        topics.create(settings)
    cut = slices(day, 8)
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


def _play(settings: Settings, crew: Crew, cut: list[tuple[list[Records], int]]) -> None:
    """Nine spans of a day while workers come and go."""
    crew.join("one")
    _told(settings, *cut[0])
    crew.join("two")
    _told(settings, *cut[1])
    crew.join("three")
    _told(settings, *cut[2])
    crew.leave("two")
    _told(settings, *cut[3])
    with crew.frozen("one"):
        _told(settings, *cut[4])
        _told(settings, *cut[5])
    _told(settings, *cut[6])
    crew.join("two")
    for batches, until in cut[7:]:
        _told(settings, batches, until)
    trackers.wait_until_committed(settings, crew.at_work["three"])


def _told(settings: Settings, batches: list[Records], until: int) -> None:
    """Events of a span, and the tick at its end."""
    trackers.write(settings, batches)
    ticks.write(KafkaLog(settings).writer(), Tick(through=until))


def _replayed(settings: Settings) -> dict[tuple[bytes, str], dict[str, object]]:
    replay = Replay(terms=profiles.load(str(trackers.TERMS)))
    for _ in replay.run(KafkaLog(settings)):
        pass
    return replay.alerts
