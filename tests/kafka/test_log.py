"""What a log promises, held by Kafka and by the double in memory alike."""

import time
from collections.abc import Sequence

import pytest

from streams.core.errors import Unavailable, Undecodable
from streams.kafka.names import EVENTS
from streams.kafka.ports import Committed, Log, RecordReader
from tests.kafka.conftest import PATIENCE, drain, values


def write(log: Log, *records: tuple[bytes | None, bytes | None], topic: str = EVENTS, partition: int = 0) -> None:
    """Write some records and wait for them."""
    writer = log.writer()
    for key, value in records:
        writer.write(topic, key, value, partition)
    writer.flush()


def numbered(count: int, start: int = 0) -> list[tuple[bytes, bytes]]:
    """Records that say their number."""
    return [(b"k%d" % number, b"v%d" % number) for number in range(start, start + count)]


def close(*readers: RecordReader) -> None:
    """Leave the groups."""
    for reader in readers:
        reader.close()


def test_records_come_in_order_with_their_keys_and_offsets(log: Log) -> None:
    """What is flushed is read, in the order of writing, tombstones and empty keys included."""
    write(log, (b"a", b"1"), (None, b"2"), (b"a", None), partition=2)
    found = list(log.read_range(EVENTS))
    assert [(part.partition, part.keys, part.values, part.offsets) for part in found] == [
        (2, [b"a", None, b"a"], [b"1", b"2", None], [0, 1, 2])
    ]


def test_partitions_are_kept_apart(log: Log) -> None:
    """A record goes to the partition that it was given and to no other."""
    write(log, *numbered(3), partition=1)
    write(log, *numbered(2, 10), partition=3)
    assert log.end_offsets(EVENTS) == {0: 0, 1: 3, 2: 0, 3: 2}
    found = list(log.read_range(EVENTS))
    assert values(found, 1) == [b"v0", b"v1", b"v2"]
    assert values(found, 3) == [b"v10", b"v11"]


def test_what_a_partition_holds_is_told_by_its_edges(log: Log) -> None:
    """Its first offset, and the one after its last."""
    write(log, *numbered(3), partition=1)
    assert log.spans(EVENTS) == {0: (0, 0), 1: (0, 3), 2: (0, 0), 3: (0, 0)}


def test_a_range_has_its_bounds(log: Log) -> None:
    """Only what is between the offsets is read, in batches no larger than asked for; an empty range is nothing."""
    write(log, *numbered(10))
    found = list(log.read_range(EVENTS, {0: 3}, {0: 8}, count=2))
    assert values(found) == [b"v3", b"v4", b"v5", b"v6", b"v7"]
    assert max(len(part.offsets) for part in found) <= 2
    assert list(log.read_range(EVENTS, {0: 10})) == []
    assert list(log.read_range(EVENTS, {0: 3}, {0: 3})) == []


def test_a_range_ends_where_the_log_ended(log: Log) -> None:
    """What is written while a range is read does not belong to it."""
    write(log, *numbered(3))
    ranged = log.read_range(EVENTS, count=1)
    found = [next(ranged)]
    write(log, *numbered(3, 3))
    found += ranged
    assert values(found) == [b"v0", b"v1", b"v2"]


def test_a_group_begins_at_the_beginning(log: Log) -> None:
    """A group that stored nothing is told so, and reads all there is."""
    told: list[dict[int, Committed]] = []

    def assigned(committed: dict[int, Committed]) -> dict[int, int]:
        told.append(committed)
        return {}

    write(log, *numbered(3))
    reader = log.reader(EVENTS, log.settings.ledger, assigned=assigned)
    assert values(drain(reader, 3)) == [b"v0", b"v1", b"v2"]
    assert told == [{number: Committed(offset=None, metadata="") for number in range(4)}]
    close(reader)


def test_a_group_goes_on_where_it_committed(log: Log) -> None:
    """The offset comes back with what was said when it was stored, for each partition by itself."""
    told: list[dict[int, Committed]] = []

    def assigned(committed: dict[int, Committed]) -> dict[int, int]:
        told.append(committed)
        return {}

    write(log, *numbered(5))
    write(log, *numbered(2), partition=1)
    first = log.reader(EVENTS, log.settings.ledger, member="w")
    drain(first, 7)
    first.commit({0: Committed(offset=3, metadata="manifest-17")})
    close(first)
    second = log.reader(EVENTS, log.settings.ledger, member="w", assigned=assigned)
    found = drain(second, 4)
    assert values(found) == [b"v3", b"v4"]
    assert values(found, 1) == [b"v0", b"v1"]
    assert told[0][0] == Committed(offset=3, metadata="manifest-17")
    assert told[0][1] == Committed(offset=None, metadata="")
    close(second)


def test_who_recovers_says_where_to_begin(log: Log) -> None:
    """The answer to what is stored decides, not the stored offset."""
    write(log, *numbered(5))
    first = log.reader(EVENTS, log.settings.ledger)
    drain(first, 5)
    first.commit({0: Committed(offset=5)})
    close(first)
    second = log.reader(EVENTS, log.settings.ledger, assigned=lambda _: {0: 2})
    assert values(drain(second, 3)) == [b"v2", b"v3", b"v4"]
    close(second)


def test_what_was_committed_beyond_the_end_counts_no_more(log: Log) -> None:
    """A log that lost its tail is read from its beginning: what is written next would else be passed over."""
    told: list[dict[int, Committed]] = []

    def assigned(committed: dict[int, Committed]) -> dict[int, int]:
        told.append(committed)
        return {}

    write(log, *numbered(5))
    first = log.reader(EVENTS, log.settings.ledger, member="w")
    drain(first, 5)
    first.commit({0: Committed(offset=9, metadata="manifest-17")})
    close(first)
    second = log.reader(EVENTS, log.settings.ledger, member="w", assigned=assigned)
    assert values(drain(second, 5)) == [b"v0", b"v1", b"v2", b"v3", b"v4"]
    assert told[0][0] == Committed(offset=0, metadata="")
    close(second)


def test_what_is_read_is_not_committed_by_itself(log: Log) -> None:
    """Reading to the end and leaving stores nothing."""
    write(log, *numbered(3))
    first = log.reader(EVENTS, log.settings.ledger)
    drain(first, 3)
    close(first)
    second = log.reader(EVENTS, log.settings.ledger)
    assert values(drain(second, 3)) == [b"v0", b"v1", b"v2"]
    close(second)


def test_leaving_gives_the_partitions_back(log: Log) -> None:
    """Who leaves is told which partitions it lost."""
    lost: list[int] = []
    write(log, *numbered(1))

    def revoked(partitions: Sequence[int]) -> None:
        lost.extend(partitions)

    reader = log.reader(EVENTS, log.settings.ledger, revoked=revoked)
    drain(reader, 1)
    close(reader)
    assert sorted(lost) == [0, 1, 2, 3]


def test_a_member_that_was_replaced_cannot_commit(log: Log) -> None:
    """A worker that was frozen and wakes up finds its place taken: its state is worth nothing."""
    write(log, *numbered(3))
    frozen = log.reader(EVENTS, log.settings.ledger, member="w")
    drain(frozen, 3)
    there = log.reader(EVENTS, log.settings.ledger, member="w")
    assert len(values(drain(there, 3))) == 3
    there.commit({0: Committed(offset=3, metadata="there")})
    with pytest.raises(Unavailable):
        frozen.commit({0: Committed(offset=1, metadata="frozen")})
    with pytest.raises(Unavailable):
        drain(frozen, 1)
    close(there, frozen)


def test_a_record_that_is_too_large_is_the_evidences_fault(log: Log) -> None:
    """It is refused as such, and the writer lives on."""
    writer = log.writer()
    with pytest.raises(Undecodable, match="too many"):
        writer.write(EVENTS, b"k", bytes(1_100_000))
    writer.write(EVENTS, b"k", b"v")
    writer.flush()
    assert values(list(log.read_range(EVENTS))) == [b"v"]


def test_who_joins_gets_a_share_and_every_partition_has_one_reader(log: Log) -> None:
    """The first gives up what the second takes; both are told, and what was committed is not read again."""
    for partition in range(4):
        write(log, (b"k", b"%d" % partition), partition=partition)
    lost: list[int] = []

    def revoked(partitions: Sequence[int]) -> None:
        lost.extend(partitions)

    first = log.reader(EVENTS, log.settings.ledger, member="a", revoked=revoked)
    assert {part.partition for part in drain(first, 4)} == {0, 1, 2, 3}
    first.commit({partition: Committed(offset=1) for partition in range(4)})
    second = log.reader(EVENTS, log.settings.ledger, member="b")
    deadline = time.monotonic() + PATIENCE
    while len(lost) < 4:
        assert time.monotonic() < deadline, "nothing was given up"
        assert first.read(10, 0.1) + second.read(10, 0.1) == []
    for partition in range(4):
        write(log, (b"k", b"more"), partition=partition)
    mine, its = shared(first, second)
    assert (len(mine), len(its)) == (2, 2)
    assert sorted(mine + its) == [0, 1, 2, 3]
    close(first, second)


def shared(*readers: RecordReader) -> list[list[int]]:
    """Which partitions' one record each reader is given."""
    found: list[list[int]] = [[] for _ in readers]
    deadline = time.monotonic() + PATIENCE
    while sum(map(len, found)) < 4:
        assert time.monotonic() < deadline, f"{found} is not all"
        for reader, mine in zip(readers, found, strict=True):
            mine += [part.partition for part in reader.read(10, 0.1)]
    return found
