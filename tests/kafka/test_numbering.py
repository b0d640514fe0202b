"""How a ledger numbers its schemas, as its first records tell."""

import pytest

from streams.core.errors import Misuse
from streams.core.events import Kind, MessageEvent
from streams.kafka import numbering, progress
from streams.kafka.registry import Frames
from streams.settings import Settings
from streams.wire import envelope
from tests.kafka.memory import MemoryLog

_EVENT = envelope.encode(
    MessageEvent(event_id=bytes(16), kind=Kind.READ, occurred_at=1, observed_at=1, leg=bytes(16), message_key="/h/i")
)
_SAID = progress.declared("terms", live=False, terms="1", text="", at=1)[1]


def _ledger(topic: str, *values: bytes) -> MemoryLog:
    log = MemoryLog(Settings(ledger="drill"))
    writer = log.writer()
    for value in values:
        writer.write(topic, b"key", value)
    writer.flush()
    return log


def _renumbered(value: bytes) -> bytes:
    """A record as it is where a registry's number of its schema is 99."""
    return b"\0\0\0\0\x63" + value[5:]


@pytest.mark.parametrize(
    ("topic", "value"), [("progress", _SAID), ("message-events", _EVENT)], ids=("progress", "event")
)
def test_a_ledger_of_other_numbers_is_refused(topic: str, value: bytes) -> None:
    """A first record that is ours under another number stops who would work on it, and says what to set."""
    with pytest.raises(Misuse, match=f"drill has other ids of schemas in {topic}") as refused:
        numbering.check(_ledger(topic, _renumbered(value), value))
    assert "registry_url" in refused.value.hint


@pytest.mark.parametrize(
    ("topic", "value"), [("progress", _SAID), ("message-events", _EVENT)], ids=("progress", "event")
)
def test_a_packaged_number_is_refused_where_a_registry_numbers(topic: str, value: bytes) -> None:
    """A registry's reader sees a packaged number as foreign; the record is known all the same."""
    with pytest.raises(Misuse):
        numbering.check(_ledger(topic, Frames({}, {}).inward(value) or b""))


@pytest.mark.parametrize(
    "first",
    [_SAID, b"", b"foreign", b"\0\0\0\0\x63foreign", _renumbered(_EVENT)],
    ids=("ours", "empty", "foreign", "framed", "another"),
)
def test_a_ledger_of_our_numbers_is_worked_on(first: bytes) -> None:
    """Whatever comes later, and also where a first record is nobody's."""
    numbering.check(_ledger("progress", first, _renumbered(_SAID)))


def test_an_empty_ledger_has_no_numbers_yet() -> None:
    """It takes those that are set."""
    numbering.check(_ledger("progress"))
