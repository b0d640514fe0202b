"""What cannot be understood is kept with its place and reason, and stops the work only where it is the rule."""

import pytest

from streams.core.errors import Undecodable
from streams.kafka.deadletters import CAP, WINDOW, DeadLetters, latest
from streams.kafka.ports import Records
from streams.settings import Settings
from streams.wire import records
from tests.kafka.memory import MemoryLog


def letters() -> tuple[MemoryLog, DeadLetters]:
    """Dead letters of a ledger in memory."""
    log = MemoryLog(Settings(ledger="drill"))
    return log, DeadLetters(log.writer())


def test_a_dead_letter_says_where_and_why() -> None:
    """Topic, partition, offset and reason, with the record's bytes, at most 64 KB of them."""
    log = MemoryLog(Settings(ledger="drill"))
    writer = log.writer()
    DeadLetters(writer).put("message-events", 3, 17, b"x" * (CAP + 5), "not framed", key=b"k")
    DeadLetters(writer).put("message-events", 3, 18, None, "no value")
    writer.flush()
    (part,) = log.read_range("message-events-dlq")
    first, other = (records.decode("dead-letter", value) for value in part.values)
    assert part.keys == [b"drill-message-events/3/17", b"drill-message-events/3/18"]
    assert (first["topic"], first["partition"], first["offset"]) == ("drill-message-events", 3, 17)
    assert (first["reason"], first["key"], len(first["value"])) == ("not framed", b"k", CAP)
    assert (other["key"], other["value"]) == (None, b"")


def test_the_last_are_read_each_record_once() -> None:
    """Tracker and feed both tell of one record; what was never in the log is told by one, and each is another."""
    log = MemoryLog(Settings(ledger="drill"))
    writer = log.writer()
    batch = Records(partition=1, values=[b"a", b"b"], keys=[b"k", None], offsets=[4, 9])
    for _ in ("tracker", "feed"):
        DeadLetters(writer).put_record("message-events", batch, 0, "not framed")
        DeadLetters(writer).put_record("message-events", batch, 1, "cut")
    for reason in ("too large", "too large, too"):
        DeadLetters(writer).put("evidence", 1, -1, b"", reason)
    writer.write("message-events-dlq", b"x", b"foreign")
    writer.flush()
    found = [(letter["offset"], letter["reason"], letter["key"]) for letter in latest(log, 100)]
    foreign = (6, "not in the Confluent wire format: no zero byte", None)
    assert found == [
        (4, "not framed", b"k"),
        (9, "cut", None),
        (-1, "too large", None),
        (-1, "too large, too", None),
        foreign,
    ]
    assert [letter["reason"] for letter in latest(log, 2)] == ["too large, too", foreign[1]]


def test_a_few_bad_records_stop_nothing() -> None:
    """However many they are in all, as long as most are good."""
    _, dead = letters()
    for _ in range(100):
        dead.judge(WINDOW, WINDOW // 3)


def test_mostly_bad_records_stop_the_work() -> None:
    """Then it is not the records, and going on would fill the dead letters with a topic."""
    _, dead = letters()
    dead.judge(WINDOW, 0)
    dead.judge(50, 450)
    with pytest.raises(Undecodable, match="stopped"):
        dead.judge(50, 450)


def test_the_first_few_records_are_no_rule() -> None:
    """A log that begins with bad records is not given up before there are enough of them."""
    _, dead = letters()
    dead.judge(0, WINDOW - 1)
    dead.judge(WINDOW, 0)
