"""The log in memory: the faults that it can show on demand, and two workers in one group."""

import pytest

from streams.core.errors import Unavailable
from streams.kafka.names import EVENTS
from streams.kafka.ports import Committed
from streams.settings import Settings
from tests.kafka.conftest import values
from tests.kafka.memory import Faults, MemoryLog


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
    other.commit({1: Committed(offset=1)})
    other.close()
    assert [part.partition for part in one.read(10, 0)] == [0, 2, 3]


def test_a_flush_may_be_torn() -> None:
    """Of what was not acknowledged the log keeps the beginning of each partition's records."""
    log = MemoryLog(Settings())
    log.faults.torn, log.faults.kept = 1, lambda count: count - 1
    writer = log.writer()
    for number in range(6):
        writer.write(EVENTS, b"k", b"%d" % number, number % 2)
    with pytest.raises(Unavailable):
        writer.flush()
    assert [values(list(log.read_range(EVENTS)), number) for number in (0, 1)] == [[b"0", b"2"], [b"1", b"3"]]


def test_a_batch_may_come_late_and_small() -> None:
    """A reader is given nothing, though there is something; then no more than it may be given."""
    log = MemoryLog(Settings())
    written(log, 3)
    log.faults.late, log.faults.most = 1, 2
    reader = log.reader(EVENTS, "g")
    assert [values(reader.read(10, 0)) for _ in range(3)] == [[], [b"0", b"1"], [b"2"]]


def test_an_offset_may_be_stored_or_not_when_nobody_hears() -> None:
    """Both ways the commit fails; only one leaves the offset."""
    log = MemoryLog(Settings())
    reader = log.reader(EVENTS, "g")
    reader.read(1, 0)
    for fault, offset in (("unstored", 1), ("unheard_commits", 2)):
        setattr(log.faults, fault, 1)
        with pytest.raises(Unavailable):
            reader.commit({0: Committed(offset=offset)})
    assert log.stored["g", EVENTS, 0].offset == 2


def test_a_process_that_died_holds_its_partitions_until_it_expires() -> None:
    """What it still held is in the log in part; another reads on when its session is over."""
    log = MemoryLog(Settings())
    written(log, 1)
    gone = log.view(Faults(kept=lambda count: count))
    gone.reader(EVENTS, "g", member="gone").read(1, 0)
    gone.writer().write(EVENTS, b"k", b"late")
    gone.die()
    there = log.reader(EVENTS, "g", member="there")
    assert there.read(10, 0) == []
    gone.expire()
    assert values(there.read(10, 0)) == [b"0", b"late"]


def test_who_was_put_out_cannot_commit_and_may_come_again() -> None:
    """A worker that stood still for longer than its session is told so, and gets a share of what there is."""
    log = MemoryLog(Settings())
    written(log, 2)
    view = log.view(Faults())
    frozen, there = view.reader(EVENTS, "g", member="frozen"), log.reader(EVENTS, "g", member="there")
    assert values(frozen.read(10, 0)) == [b"0", b"1"]
    view.expire()
    assert values(there.read(10, 0)) == [b"0", b"1"]
    with pytest.raises(Unavailable, match="has gone on"):
        frozen.commit({0: Committed(offset=2)})
    assert frozen.read(10, 0) == []
    there.close()
    assert values(frozen.read(10, 0)) == [b"0", b"1"]


def test_compaction_keeps_the_last_of_each_key_where_it_was() -> None:
    """What a later record replaces is gone; the others keep their offsets, and a reader passes over what is gone."""
    log = MemoryLog(Settings())
    writer = log.writer()
    for key, value in ((b"a", b"1"), (b"b", b"2"), (b"a", b"3")):
        writer.write("alerts", key, value)
    writer.flush()
    log.compact("alerts")
    (part,) = log.read_range("alerts")
    assert (part.offsets, part.values) == ([1, 2], [b"2", b"3"])
    log.faults.most = 1
    reader = log.reader("alerts", "g")
    assert [values(reader.read(10, 0)) for _ in range(3)] == [[b"2"], [b"3"], []]


def written(log: MemoryLog, count: int) -> None:
    """Some records in the first partition."""
    writer = log.writer()
    for number in range(count):
        writer.write(EVENTS, b"k", b"%d" % number)
    writer.flush()
