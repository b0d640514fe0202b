"""Workers that look healthy and do nothing: who is blamed, and that the one blamed is started again."""

import asyncio
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from msgspec.structs import replace

from streams.kafka.lag import Lag
from streams.local import supervisor
from streams.local.part import Part
from streams.local.supervisor import Keeper, Plan, Supervisor
from streams.local.watchdog import Watchdog
from streams.settings import Settings

PATIENCE = 10.0


class Groups:
    """What the brokers say of groups, and a clock."""

    def __init__(self) -> None:
        """One worker is in the middle of its work."""
        self.now, self.away = 0.0, False
        self.lags = [lag("custody-tracker-main", 5, 1)]

    def __call__(self) -> Iterable[Lag]:
        """Ask them."""
        if self.away:
            raise KafkaException(KafkaError(KafkaError._ALL_BROKERS_DOWN))
        return self.lags


def lag(group: str, records: int, committed: int) -> Lag:
    """A group with one member."""
    return Lag(group=group, records=records, committed=committed, is_read=True)


@pytest.fixture
def groups() -> Groups:
    """The brokers."""
    return Groups()


@pytest.fixture
def watchdog(groups: Groups) -> Watchdog:
    """One that has looked once."""
    made = Watchdog(groups, PATIENCE, lambda: groups.now)
    assert made.stalled() == set()
    return made


def test_who_commits_nothing_is_blamed_once_in_its_patience(groups: Groups, watchdog: Watchdog) -> None:
    """Records wait, and nothing is committed: blamed when its time is over, and again after as long."""
    said = []
    for second in range(1, 22):
        groups.now = second
        said.append(watchdog.stalled())
    assert [second for second, roles in enumerate(said, 1) if roles] == [10, 20]
    assert said[9] == {"track"}


@pytest.mark.parametrize("is_now", [lag("custody-tracker-main", 5, 2), lag("custody-tracker-main", 0, 1)])
def test_who_works_or_has_nothing_to_do_is_not_blamed(groups: Groups, watchdog: Watchdog, is_now: Lag) -> None:
    """Its time begins anew when something is committed, or nothing waits."""
    groups.now, groups.lags = PATIENCE - 1, [is_now]
    assert watchdog.stalled() == set()
    groups.now, groups.lags = PATIENCE + 1, [waiting(is_now)]
    assert watchdog.stalled() == set()


def waiting(one: Lag) -> Lag:
    """The same with something that waits."""
    return lag(one.group, 7, one.committed)


def test_nobody_is_blamed_for_a_broker_that_is_away(groups: Groups, watchdog: Watchdog) -> None:
    """While it is away, and as long again as anybody has."""
    groups.now, groups.away = PATIENCE + 1, True
    assert watchdog.stalled() == set()
    groups.away = False
    assert watchdog.stalled() == set()
    groups.now += PATIENCE
    assert watchdog.stalled() == {"track"}


def test_who_is_blamed_is_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It hangs, and is killed; what comes in its place is another process."""
    monkeypatch.setattr(supervisor, "LOOK", 0.01)
    blamed = [{"cases"}]

    async def run() -> tuple[int, int]:
        again = asyncio.Event()
        kept = Keeper(part(tmp_path), lambda: again.set() if kept.state.restarts and kept.state.pid else None)
        await kept.begin()
        before = kept.state.pid
        whole = Supervisor(Plan(data=tmp_path, cache=tmp_path, stalled=lambda: blamed.pop() if blamed else set()))
        whole._workers = [kept]
        watching = asyncio.create_task(whole._watch_over())
        await again.wait()
        after = kept.state.pid
        watching.cancel()
        await kept.end()
        return before, after

    before, after = asyncio.run(asyncio.wait_for(run(), 60))
    assert before != after


def part(folder: Path) -> Part:
    """A worker that hangs."""
    return Part(name="cases", command=(sys.executable, "-c", "import time; time.sleep(600)"), log=folder / "log")


@pytest.mark.service
def test_a_real_group_is_judged_by_what_it_commits(stack: Settings, ledger: str) -> None:
    """One of three records is committed: blamed; then all are: not. Groups of others are no matter."""
    admin = AdminClient(stack.kafka_client())
    admin.create_topics([NewTopic(ledger, 1, 1)])[ledger].result(60)
    producer = Producer(stack.kafka_client())
    for value in (b"1", b"2", b"3"):
        producer.produce(ledger, value)
    producer.flush()
    group = {"group.id": f"custody-cases-control-{ledger}", "enable.auto.commit": False}
    consumer = Consumer(stack.kafka_client() | group)
    consumer.commit(offsets=[TopicPartition(ledger, 0, 1)], asynchronous=False)
    for others in (f"dashboards-{ledger}", f"custody-tracker-{ledger}-other"):
        stranger = Consumer(stack.kafka_client() | {"group.id": others})
        stranger.commit(offsets=[TopicPartition(ledger, 0, 1)], asynchronous=False)
        stranger.close()
    watchdog = Watchdog.of(replace(stack, ledger=ledger), patience=0)
    assert (watchdog.stalled(), watchdog.stalled()) == (set(), {"cases"})
    consumer.commit(offsets=[TopicPartition(ledger, 0, 3)], asynchronous=False)
    assert watchdog.stalled() == set()
    consumer.close()
