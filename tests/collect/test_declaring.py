"""What a ledger is told before the first event."""

import pytest

from streams.collect import declaring
from streams.collect.declaration import Declaration
from streams.core.errors import Misuse
from streams.kafka import progress, topics
from streams.settings import Settings
from tests.kafka.memory import MemoryLog


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> MemoryLog:
    """A ledger that nothing was told."""
    log = MemoryLog(Settings())
    monkeypatch.setattr(declaring, "KafkaLog", lambda _: log)
    monkeypatch.setattr(declaring, "write_all", lambda _, topic, records: write(log, topic, records))
    monkeypatch.setattr(topics, "create", lambda _: None)
    return log


def write(log: MemoryLog, topic: str, records: list[tuple[bytes, bytes]]) -> None:
    """Write and wait for it."""
    writer = log.writer()
    for key, value in records:
        writer.write(topic, key, value)
    writer.flush()


def test_who_names_no_terms_changes_none(log: MemoryLog, caplog: pytest.LogCaptureFixture) -> None:
    """A ledger's terms stay where a declaration is silent; where it names others, that is said."""
    for named, used in (("guaranteed", "guaranteed"), ("", "guaranteed"), ("watch", "watch")):
        caplog.clear()
        declaring.declare(Settings(), Declaration(terms=named))
        assert progress.terms_of(log)[1].profile.name == used
    assert "the ledger main has other terms from now on: watch" in caplog.text


def test_terms_that_are_kept_are_not_replaced_because_they_cannot_be_read(log: MemoryLog) -> None:
    """A collector that brings no terms of its own is refused, and nothing is written."""
    write(log, "progress", [(progress.TERMS, b"foreign")])
    with pytest.raises(Misuse, match="cannot be read"):
        declaring.declare(Settings(), Declaration())
    (records,) = log.topics["progress"]
    assert len(records) == 1
