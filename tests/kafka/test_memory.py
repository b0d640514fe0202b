"""The log in memory: the faults that it can show on demand, and two workers in one group."""

import pytest

from streams.core.errors import Unavailable
from streams.kafka.memory import MemoryLog
from streams.settings import Settings
from tests.kafka.conftest import values

EVENTS = "message-events"


def test_a_flush_that_is_refused_leaves_nothing() -> None:
    """The writer is dead, and the log is as it was."""
    log = MemoryLog(Settings())
    log.faults.refused = 1
    writer = log.writer()
    writer.write(EVENTS, b"k", b"v")
    for _ in range(2):
        with pytest.raises(Unavailable):
            writer.flush()
    with pytest.raises(Unavailable):
        writer.write(EVENTS, b"k", b"v")
    assert log.end_offsets(EVENTS)[0] == 0


def test_an_acknowledgement_may_be_lost() -> None:
    """The records are in the log and the writer does not know: it is dead, and they will be written again."""
    log = MemoryLog(Settings())
    log.faults.unheard = 1
    writer = log.writer()
    writer.write(EVENTS, b"k", b"v")
    with pytest.raises(Unavailable):
        writer.flush()
    assert values(list(log.read_range(EVENTS))) == [b"v"]


def test_a_batch_may_come_twice() -> None:
    """A reader is given what it was given before."""
    log = MemoryLog(Settings())
    writer = log.writer()
    writer.write(EVENTS, b"k", b"v")
    writer.flush()
    log.faults.repeated = 1
    reader = log.reader(EVENTS, "g")
    assert [values(reader.read(10, 0)) for _ in range(3)] == [[b"v"], [b"v"], []]


def test_two_workers_share_the_partitions() -> None:
    """Each partition has one reader; the one that stays takes over from the one that leaves, where it committed."""
    log = MemoryLog(Settings())
    writer = log.writer()
    for number in range(4):
        writer.write(EVENTS, b"k", b"%d" % number, number)
    writer.flush()
    one, other = log.reader(EVENTS, "g", member="a"), log.reader(EVENTS, "g", member="b")
    assert [part.partition for part in one.read(10, 0)] == [0, 2]
    assert [part.partition for part in other.read(10, 0)] == [1, 3]
    other.commit(1, 1)
    other.close()
    assert [part.partition for part in one.read(10, 0)] == [0, 2, 3]


def test_only_who_has_a_partition_may_seek_there() -> None:
    """Seeking in another's partition is refused."""
    log = MemoryLog(Settings())
    with pytest.raises(Unavailable):
        log.reader(EVENTS, "g").seek(0, 0)
