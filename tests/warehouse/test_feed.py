"""Where a feed goes on, and what it says is fed, on doubles of the log and of the warehouse."""

import msgspec
import pytest

from streams.core.errors import Unavailable
from streams.kafka.writer import EventWriter
from streams.settings import load
from streams.warehouse.feed import Feeds
from tests.core.journeys import journey
from tests.faults.store import MemoryStore, Tables
from tests.kafka.memory import Faults, MemoryLog
from tests.warehouse.executors import ByHand


def written(count: int) -> MemoryLog:
    """A log with some journeys and their evidence, on one partition."""
    log = MemoryLog(msgspec.structs.replace(load(), partitions=1))
    writer = EventWriter(log.writer())
    for number in range(count):
        writer.write(journey(number, str(number), key=f"k{number}"))
    writer.flush()
    return log


def feed(log: MemoryLog, tables: Tables) -> Feeds:
    """A feed that starts."""
    return Feeds(log, MemoryStore(tables), beside=ByHand())


def steps(feeds: Feeds) -> None:
    """All that is there."""
    while feeds.step(0):
        pass


def test_a_warehouse_says_how_far_it_is_fed() -> None:
    """Up to the end of what is stored."""
    log, tables = written(3), Tables()
    steps(feed(log, tables))
    assert tables.rows["fed"]["message-events", 0]["after"] == len(log.topics["message-events"][0]) == 30


def test_a_warehouse_thrown_away_is_fed_from_the_beginning_though_the_first_feed_is_killed() -> None:
    """What the group stored before counts no more, also where some rows are there by then."""
    log = written(3)
    steps(feed(log, Tables()))
    log.expire()
    tables, dying = Tables(), log.view(Faults(most=10))
    killed = feed(dying, tables)
    killed.step(0)
    dying.faults.unstored = 1
    with pytest.raises(Unavailable):
        steps(killed)
    dying.expire()
    assert len(tables.rows["event_records"]) == 10
    steps(feed(log, tables))
    assert len(tables.rows["event_records"]) == 30


def test_what_the_group_lost_is_fed_again() -> None:
    """A log that lost its tail, and what is committed, is read from the beginning; the warehouse says so."""
    log, tables = written(3), Tables()
    steps(feed(log, tables))
    log.expire()
    del log.topics["message-events"][0][10:]
    steps(feed(log, tables))
    said = tables.rows["fed"]["message-events", 0]
    assert (said["turn"], said["after"]) == (1, 10)
