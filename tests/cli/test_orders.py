"""Orders: a discharge stands where the message's other events are, or nowhere."""

import json
from dataclasses import dataclass
from types import SimpleNamespace
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
from streams.wire import envelope, records
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

    def recipients(self, message: str) -> list[str]:
        """Of the message."""
        return ["carol@dest.test"] if message == KEY else []


@dataclass
class OneCase(OneUnit):
    """A warehouse with one case, and how far a discharge of it reaches."""

    state: str = "open"
    units_of_it: int = 0
    discharged: int = 0
    beyond: int = 0

    def cases(self, *, all_of_them: bool) -> list[dict[str, Any]]:
        """The case."""
        assert all_of_them
        return [{"case_id": bytes(range(16)), "cause": "unread: mailbox of carol@dest.test", "state": self.state}]

    def members(self, cause: str) -> Any:
        """What stands of it."""
        assert cause == "unread: mailbox of carol@dest.test"
        reach = {"units": self.units_of_it, "discharged": self.discharged, "beyond": self.beyond}
        some = ({**one, "unit": bytes([n]) * 16} for n in range(self.units_of_it) for one in self.units("", f"r{n}@x"))
        return SimpleNamespace(reach=lambda: reach, units=lambda: some)


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
    words = ["cases", "--discharge", KEY, "--recipient", "carol@dest.test", "--by", "J. Doe", "--reason", "told"]
    told = CliRunner().invoke(custody, words)
    assert told.exit_code == 0
    assert max(map(len, told.output.splitlines())) <= 80
    (_, waiting) = json.loads(CliRunner().invoke(custody, [*words, "--json"]).output)["done"].splitlines()
    assert waiting in " ".join(told.output.split())


def whole(number: str = "000102", **case: Any) -> str:
    """Order that a case is discharged."""
    operator = _orders.Operator(SETTINGS, OneCase(**case), author="J. Doe", reason="told")  # type: ignore[arg-type]
    return operator.discharge_case(number)


def test_a_case_is_discharged_unit_by_unit(log: MemoryLog) -> None:
    """An event for each, and one order that names the case; what stays is said, and why."""
    said = whole(units_of_it=3, beyond=2).splitlines()
    assert said[0] == "Discharged: 3 units of case 00010203 (unread: mailbox of carol@dest.test)"
    assert said[1].startswith("2 alerts of it stay until they are cleared, and the case stays open for them")
    events = [envelope.decode(value) for batch in log.read_range("message-events") for value in batch.values]
    assert [(event.kind, event.recipient) for event in events] == [("discharged", f"r{n}@x") for n in range(3)]
    assert len({event.event_id for event in events}) == 3
    (order,) = [records.decode("command", value) for batch in log.read_range("commands") for value in batch.values]
    assert (order["action"], order["subject"], order["author"]) == ("discharge", bytes(range(16)).hex(), "J. Doe")


@pytest.mark.parametrize(
    ("number", "case", "said", "hint"),
    [
        ("00010", {}, "too short for a case", "6 characters"),
        ("ffffff", {}, "0 cases begin with ffffff", "--all"),
        (KEY, {}, "is a message for carol@dest.test: say which recipient", f"{KEY} --recipient carol@dest.test"),
        ("000102", {"state": "closed", "units_of_it": 1}, "Nothing of case 00010203 .* stands any more", ""),
        ("000102", {}, "stands any more", ""),
        (
            "000102",
            {"beyond": 1},
            "can be discharged. 1 alert of it stays until it is cleared",
            "--acknowledge 00010203",
        ),
        ("000102", {"discharged": 2}, "is discharged, and stands until the ledger's clock", "has passed it"),
    ],
)
def test_what_cannot_be_discharged_is_said(
    log: MemoryLog, number: str, case: dict[str, Any], said: str, hint: str
) -> None:
    """With what to do instead; nothing is written."""
    with pytest.raises(Misuse, match=said) as refused:
        whole(number, **case)
    assert hint in (refused.value.hint or "")
    assert written(log) == {"message-events": set(), "commands": set()}


def test_a_discharge_by_wrong_settings_is_refused(log: MemoryLog) -> None:
    """With another number of partitions it would stand elsewhere; nothing is written."""
    with pytest.raises(Misuse, match="has 4 partitions, not 8") as refused:
        discharge(msgspec.structs.replace(SETTINGS, partitions=8))
    assert "CUSTODY_PARTITIONS=4" in refused.value.hint
    assert written(log) == {"message-events": set(), "commands": set()}
