"""What a log has lost, at its end or by retention, is noticed by who reads on."""

import os
import signal
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from streams.core.errors import Unavailable
from streams.kafka import reader, topics
from streams.kafka.broker import KafkaLog
from streams.kafka.names import EVENTS
from streams.kafka.ports import Committed
from streams.settings import Settings, load, running
from tests.conftest import Started
from tests.kafka.conftest import drain, values

pytestmark = pytest.mark.service


def write(settings: Settings, numbers: Sequence[int]) -> None:
    """One record for each number, in a batch of its own."""
    writer = KafkaLog(settings).writer()
    for number in numbers:
        writer.write(EVENTS, b"k", b"v%d" % number)
        writer.flush()


def cut(data: Path, started: Started, end: int) -> None:
    """Kafka is killed, and its first partition ends at an offset when it comes back."""
    there = running(data)
    assert there is not None
    os.kill(started.process.pid, signal.SIGSTOP)  # or it would start Kafka at once
    os.kill(there.processes["kafka"], signal.SIGKILL)
    (folder,) = data.glob(f"kafka/storage/{EVENTS}-0")
    (segment,) = folder.glob("*.log")
    raw, at = segment.read_bytes(), 0
    while at < len(raw):
        offset, size = struct.unpack(">qi", raw[at : at + 12])
        if offset >= end:
            break
        at += 12 + size
    os.truncate(segment, at)
    for index in [*folder.glob("*.index"), *folder.glob("*.timeindex")]:
        index.unlink()
    os.kill(started.process.pid, signal.SIGCONT)


def test_who_lives_through_the_loss_of_a_tail_reads_what_is_written_there_next(
    tmp_path: Path, start_stack: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends, and its next life begins at the beginning, though the log is longer than ever by then."""
    monkeypatch.setitem(reader.MEMBERSHIP, "session.timeout.ms", 60_000)  # the group was never away
    told: list[dict[int, Committed]] = []

    def assigned(committed: dict[int, Committed]) -> dict[int, int]:
        told.append(committed)
        return {}

    with start_stack(tmp_path) as started:
        settings = load(data=tmp_path)
        topics.create(settings)
        write(settings, range(100))
        first = KafkaLog(settings).reader(EVENTS, "group", member="a")
        drain(first, 100)
        first.commit({0: Committed(offset=100, metadata="manifest-17")})
        cut(tmp_path, started, 60)
        write(settings, range(1000, 1020))
        with pytest.raises(Unavailable, match="lost its tail"):
            drain(first, 1)
        write(settings, range(2000, 2030))
        assert KafkaLog(settings).end_offsets(EVENTS)[0] == 110
        second = KafkaLog(settings).reader(EVENTS, "group", member="a", assigned=assigned)
        found = values(drain(second, 110))
        assert found == [b"v%d" % number for number in [*range(60), *range(1000, 1020), *range(2000, 2030)]]
        assert told[0][0] == Committed(offset=0)
        for one in (first, second):
            one.close()


def test_who_is_slower_than_retention_goes_on_with_what_is_left(
    stack: Settings, ledger: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Whether it was away, or reads on; both are said."""
    settings = msgspec.structs.replace(stack, ledger=ledger)
    topics.create(settings)
    log = KafkaLog(settings)
    write(settings, range(10))
    first = log.reader(EVENTS, ledger)
    drain(first, 10)
    first.commit({0: Committed(offset=3, metadata="manifest-17")})
    first.close()
    topic = topics.topic_name(EVENTS, ledger)
    admin = AdminClient({**settings.kafka_client()})

    def overtaken(_: dict[int, Committed]) -> dict[int, int]:
        """Told what is there, and before it reads that some of it is gone."""
        (gone,) = admin.delete_records([TopicPartition(topic, 0, 6)]).values()
        assert gone.result(30).low_watermark == 6
        return {}

    second = log.reader(EVENTS, ledger, assigned=overtaken)
    with pytest.raises(Unavailable, match="begins at 6 by now, and 3 was to be read"):
        drain(second, 1)
    second.close()
    assert log.spans(EVENTS)[0] == (6, 10)
    third = log.reader(EVENTS, ledger)
    assert values(drain(third, 4)) == [b"v6", b"v7", b"v8", b"v9"]
    assert "begins at 6, and 3 was committed: retention took" in caplog.text
    third.close()
