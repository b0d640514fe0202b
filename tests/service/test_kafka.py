"""Topics, writer, reader and dead letters on the real broker."""

import msgspec
import pytest

from streams.core.errors import Misuse
from streams.kafka import topics
from streams.kafka.deadletters import CAP, DeadLetters
from streams.kafka.reader import BatchReader, Committed, Records, end_offsets, read_range
from streams.kafka.writer import Writer
from streams.settings import Settings
from streams.wire import records

pytestmark = pytest.mark.service


@pytest.fixture
def place(stack: Settings, ledger: str) -> Settings:
    """A fresh ledger with its topics."""
    settings = msgspec.structs.replace(stack, ledger=ledger)
    assert sorted(topics.create(settings)) == sorted(f"{ledger}-{name}" for name in topics.all_topics())
    return settings


def values(batches: list[Records]) -> list[bytes | None]:
    """All values, in the order read."""
    return [value for batch in batches for value in batch.values]


def test_topics_are_made_once_and_refused_with_another_count(place: Settings) -> None:
    """Making them again makes nothing; the number of partitions is fixed for a ledger's life."""
    assert topics.create(place) == []
    with pytest.raises(Misuse, match="4 partitions, not 5") as refused:
        topics.create(msgspec.structs.replace(place, partitions=5))
    assert "CUSTODY_PARTITIONS=4" in refused.value.hint


def test_what_was_flushed_is_there_in_order(place: Settings) -> None:
    """After a flush every record is in its partition, tombstones too."""
    writer = Writer(place)
    for number in range(1000):
        writer.write("message-events", b"k", str(number).encode(), 2)
    writer.write("message-events", b"k", None, 2)
    writer.flush()
    assert end_offsets(place, "message-events") == {0: 0, 1: 0, 2: 1001, 3: 0}
    assert values(list(read_range(place, "message-events"))) == [*(str(n).encode() for n in range(1000)), None]


def test_a_range_is_read_from_its_start_to_before_its_end(place: Settings) -> None:
    """Offsets bound what is read, by partition."""
    writer = Writer(place)
    for number in range(20):
        writer.write("message-events", None, str(number).encode(), number % 2)
    writer.flush()
    read = list(read_range(place, "message-events", {0: 3, 1: 10}, {0: 5, 1: 10, 2: 0, 3: 0}))
    assert values(read) == [b"6", b"8"]
    assert [batch.offsets for batch in read] == [[3, 4]]


def test_an_offset_is_stored_with_what_it_names(place: Settings) -> None:
    """A member that comes back is told the offset and the metadata that were committed."""
    writer = Writer(place)
    for number in range(10):
        writer.write("message-events", None, str(number).encode(), 1)
    writer.flush()
    told: list[dict[int, Committed]] = []

    def assigned(committed: dict[int, Committed]) -> dict[int, int]:
        told.append(committed)
        return {number: one.offset or 0 for number, one in committed.items()}

    for expected in ([str(n).encode() for n in range(10)], [str(n).encode() for n in range(4, 10)]):
        reader = BatchReader(place, "message-events", f"g-{place.ledger}", member="0", assigned=assigned)
        got: list[bytes | None] = []
        for _ in range(100):
            got += values(reader.read(100, 0.2))
            if len(got) >= len(expected):
                break
        assert got == expected
        reader.commit(1, 4, "manifest-7")
        reader.close()
    assert told[0][1] == Committed(offset=None, metadata="")
    assert told[1][1] == Committed(offset=4, metadata="manifest-7")


def test_a_dead_letter_says_where_and_why(place: Settings) -> None:
    """Place, reason and the bytes, capped."""
    writer = Writer(place)
    DeadLetters(writer).put("message-events", 3, 77, b"x" * (CAP + 1), "not Avro")
    writer.flush()
    (value,) = values(list(read_range(place, "message-events-dlq")))
    letter = records.decode("dead-letter", value)
    assert (letter["topic"], letter["partition"], letter["offset"]) == (f"{place.ledger}-message-events", 3, 77)
    assert (letter["reason"], letter["value"]) == ("not Avro", b"x" * CAP)
