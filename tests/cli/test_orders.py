"""Orders: a discharge stands where the message's other events are, or nowhere."""

import json
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from streams.cli import _orders, cases
from streams.cli.app import custody
from streams.core.errors import Misuse
from streams.core.identity import partition_of
from streams.kafka import topics
from streams.settings import Settings
from tests.kafka.brokers import PLACE, Brokers, counts
from tests.kafka.memory import MemoryLog

SETTINGS = Settings(kafka_brokers=PLACE)
KEY = "m@origin.test"


class OneUnit:
    """A warehouse that knows one unit."""

    def units(self, _message: str, recipient: str) -> list[dict[str, Any]]:
        """It is meant."""
        return [{"unit": bytes(16), "message_key": KEY, "host": "origin", "queue_id": "Q1", "recipient": recipient}]

    def clock(self) -> dict[str, Any]:
        """It stands in the past."""
        return {"through": 1_000_000}


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> MemoryLog:
    """The log that is written to, of brokers with a ledger of 4 partitions."""
    log = MemoryLog(SETTINGS)
    monkeypatch.setattr(_orders, "KafkaLog", lambda _settings: log)
    monkeypatch.setattr(topics, "AdminClient", Brokers(counts(SETTINGS)))
    return log


def discharge(settings: Settings) -> str:
    """Order it."""
    operator = _orders.Operator(settings, OneUnit(), author="J. Doe", reason="told")  # type: ignore[arg-type]
    return operator.discharge("m@origin.test", "carol@dest.test")


def written(log: MemoryLog) -> dict[str, set[int]]:
    """Which partitions have records."""
    names = ("message-events", "commands")
    return {name: {place for place, end in log.end_offsets(name).items() if end} for name in names}


def test_a_discharge_stands_beside_the_messages_events(log: MemoryLog) -> None:
    """In the partition of its message, and beside it the order."""
    assert "Discharged: m@origin.test for carol@dest.test" in discharge(SETTINGS)
    assert written(log) == {"message-events": {partition_of(KEY, 4)}, "commands": {0}}


@pytest.mark.usefixtures("log")
def test_a_discharge_that_does_not_count_yet_says_so() -> None:
    """In an imported ledger the clock does not come to it."""
    assert "the ledger's clock, which stands at 1970-01-01 00:00:01Z" in discharge(SETTINGS)


@pytest.mark.usefixtures("log")
def test_what_is_said_of_a_discharge_fits_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its warning is longer than a line; as data it is one sentence."""
    monkeypatch.setattr(cases, "opened", lambda *_: (SETTINGS, OneUnit()))
    words = ["cases", "--discharge", KEY, "carol@dest.test", "--by", "J. Doe", "--reason", "told"]
    told = CliRunner().invoke(custody, words)
    assert told.exit_code == 0
    assert max(map(len, told.output.splitlines())) <= 80
    (_, waiting) = json.loads(CliRunner().invoke(custody, [*words, "--json"]).output)["done"].splitlines()
    assert waiting in " ".join(told.output.split())


def test_a_discharge_by_wrong_settings_is_refused(log: MemoryLog) -> None:
    """With another number of partitions it would stand elsewhere; nothing is written."""
    with pytest.raises(Misuse, match="has 4 partitions, not 8") as refused:
        discharge(msgspec.structs.replace(SETTINGS, partitions=8))
    assert "CUSTODY_PARTITIONS=4" in refused.value.hint
    assert written(log) == {"message-events": set(), "commands": set()}
