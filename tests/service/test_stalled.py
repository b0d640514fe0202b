"""A cases worker from which Faust keeps something: of its table, or of what is in the log."""

import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from confluent_kafka import Consumer, TopicPartition

from streams.kafka import topics
from streams.kafka.broker import KafkaLog
from streams.kafka.names import ALERTS
from streams.kafka.topics import topic_name
from streams.kafka.writer import write_all
from streams.settings import Settings
from streams.wire import records
from tests.respond.test_cases import alert
from tests.respond.test_desk import WHOLE
from tests.respond.test_desk import said as told
from tests.service.test_worker import READY, begun, said
from tests.waiting import until

pytestmark = pytest.mark.service

PATIENCE = 60
"""Seconds until it must have ended."""

LOSES = """
import sys
from pathlib import Path
import msgspec
from faust.transport.consumer import Consumer
from streams import caseworker, workers
from streams.settings import load

given = Consumer.getmany

async def some(self, timeout):
    async for place, message in given(self, timeout):
        if not place.topic.endswith("-changelog"):
            yield place, message

Consumer.getmany = some
caseworker._STALLED = 3.0
workers.run("cases", msgspec.structs.replace(load(data=Path(sys.argv[1])), ledger=sys.argv[2]))
"""
"""A worker for which Faust drops what it fetches of the changelog."""


def _raised(settings: Settings, number: int) -> None:
    write_all(settings, ALERTS, [(bytes([number]), records.encode("alert", WHOLE | alert(number)))])


def test_a_worker_whose_table_gets_nothing_starts_again(stack: Settings, ledger: str, tmp_path: Path) -> None:
    """Faust would wait for what it dropped, and no case would be told any more."""
    mine, output = msgspec.structs.replace(stack, ledger=ledger), tmp_path / "output"
    topics.create(mine)
    _raised(mine, 1)
    with begun("cases", stack.data, ledger, output) as worker:
        until(lambda: told(KafkaLog(mine)) == [("open", 1, 1)], "there is a case")
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(PATIENCE) == 0
    losing = (sys.executable, "-c", LOSES, str(stack.data), ledger)
    ended = subprocess.run(losing, capture_output=True, text=True, timeout=PATIENCE, check=True)  # noqa: S603 - ourselves
    assert "nothing comes of the table that is being put back" in ended.stderr + ended.stdout
    assert READY not in ended.stderr + ended.stdout
    with begun("cases", stack.data, ledger, output):
        _raised(mine, 2)
        until(lambda: told(KafkaLog(mine)) == [("open", 2, 2)], "the next has the case, and goes on with it")
    assert "Restoring state" in said(output)


def _passed_over(settings: Settings) -> None:
    """The group takes all alerts for done, as Faust has it do with what it skips."""
    group = {"group.id": f"custody-cases-control-{settings.ledger}", "enable.auto.commit": False}
    consumer = Consumer(settings.kafka_client() | group)
    place = TopicPartition(topic_name(ALERTS, settings.ledger), 0)
    _, place.offset = consumer.get_watermark_offsets(place, timeout=10)
    consumer.commit(offsets=[place], asynchronous=False)
    consumer.close()


def test_the_last_alerts_that_are_not_given_are_heard(stack: Settings, ledger: str, tmp_path: Path) -> None:
    """Nothing comes after them: their cases are told all the same, once, and what comes later is heard as ever."""
    mine, output = msgspec.structs.replace(stack, ledger=ledger), tmp_path / "output"
    topics.create(mine)
    _raised(mine, 1)
    with begun("cases", stack.data, ledger, output) as worker:
        until(lambda: told(KafkaLog(mine)) == [("open", 1, 1)], "there is a case")
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(PATIENCE) == 0
    _raised(mine, 2)
    _raised(mine, 3)
    _passed_over(mine)
    with begun("cases", stack.data, ledger, output):
        until(lambda: told(KafkaLog(mine)) == [("open", 3, 3)], "the others are heard", PATIENCE)
        assert "alerts: offsets 1 to 2 were not given" in said(output)
        _raised(mine, 4)
        until(lambda: told(KafkaLog(mine)) == [("open", 4, 4)], "what comes later is heard", PATIENCE)
    assert said(output).count("were not given") == 1
    with begun("cases", stack.data, ledger, output):
        _raised(mine, 5)
        until(lambda: told(KafkaLog(mine)) == [("open", 5, 5)], "the table has all of it", PATIENCE)
    assert "were not given" not in said(output)
