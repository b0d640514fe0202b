"""The log that tests run on: the double in memory always, real brokers as a service."""

import time

import msgspec
import pytest

from streams.kafka import topics
from streams.kafka.broker import KafkaLog
from streams.kafka.ports import Log, RecordReader, Records
from streams.settings import Settings
from tests.kafka.memory import MemoryLog

PATIENCE = 60.0
"""Seconds until what is written must be read."""


@pytest.fixture(params=["memory", pytest.param("kafka", marks=pytest.mark.service)])
def log(request: pytest.FixtureRequest, ledger: str) -> Log:
    """A ledger of its own, its topics made."""
    if request.param == "memory":
        return MemoryLog(Settings(ledger=ledger))
    stack: Settings = request.getfixturevalue("stack")
    settings = msgspec.structs.replace(stack, ledger=ledger)
    topics.create(settings)
    return KafkaLog(settings)


def drain(reader: RecordReader, count: int) -> list[Records]:
    """Read until so many records are there; each partition's in one piece."""
    found: list[Records] = []
    deadline = time.monotonic() + PATIENCE
    while sum(len(part.offsets) for part in found) < count:
        assert time.monotonic() < deadline, f"{found} is less than {count} records"
        found += reader.read(1000, 0.1)
    return found


def values(found: list[Records], partition: int = 0) -> list[bytes | None]:
    """The values of one partition, in order."""
    return [value for part in found if part.partition == partition for value in part.values]
