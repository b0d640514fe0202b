"""Orders: a discharge stands where the messages' other events are, or nowhere."""

import json
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from streams.cli import _orders, cases
from streams.cli.app import custody
from streams.core.errors import Misuse
from streams.core.events import Kind
from streams.core.identity import partition_of
from streams.kafka import topics
from streams.settings import Settings
from streams.wire import envelope, records
from tests.kafka.brokers import PLACE, Brokers, counts
from tests.kafka.memory import MemoryLog

SETTINGS = Settings(kafka_brokers=PLACE)
KEY = "m@origin.test"


NUMBER = "00010203"
"""The beginning of a case's id."""


def unit(number: int, recipient: str = "carol@dest.test", key: str = KEY) -> dict[str, Any]:
    """A unit of a submission."""
    return {"unit": number.to_bytes(16), "message_key": key, "host": "origin", "queue_id": "Q1", "recipient": recipient}


@dataclass
class Known:
    """A warehouse that knows a message, and one case.

    Attributes:
        found: how far a discharge of the case reaches.
        whom: to whom messages are, by their keys.
        state: of the case.
    """

    found: dict[str, int] = field(default_factory=lambda: {"units": 3, "discharged": 0, "beyond": 0})
    whom: dict[str, list[str]] = field(default_factory=dict)
    state: str = "open"

    def units(self, message: str, recipient: str) -> list[dict[str, Any]]:
        """The unit that is meant."""
        return [unit(1, recipient)] if message == KEY else []

    def recipients(self, message: str) -> list[str]:
        """To whom it is."""
        return self.whom.get(message, [])

    def clock(self) -> dict[str, Any]:
        """It stands in the past."""
        return {"through": 1_000_000}

    def cases(self, **_: bool) -> list[dict[str, Any]]:
        """The case."""
        return [{"case_id": bytes(range(16)), "cause": "deleted: by hand on relay", "state": self.state}]

    def members(self, _cause: str) -> Any:
        """What stands of it."""
        rows = (unit(number, f"r{number}@d", key=f"m{number}") for number in range(self.found["units"]))
        return SimpleNamespace(reach=lambda: self.found, units=lambda: rows)


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> MemoryLog:
    """The log that is written to, of brokers with a ledger of 4 partitions."""
    log = MemoryLog(SETTINGS)
    monkeypatch.setattr(_orders, "KafkaLog", lambda _settings: log)
    monkeypatch.setattr(topics, "AdminClient", Brokers(counts(SETTINGS)))
    return log


def operator(known: Known, settings: Settings = SETTINGS) -> _orders.Operator:
    """J. Doe, who was told."""
    return _orders.Operator(settings, known, author="J. Doe", reason="told")  # type: ignore[arg-type]


def discharge(settings: Settings) -> str:
    """Order it."""
    return operator(Known(), settings).discharge("m@origin.test", "carol@dest.test")


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
    monkeypatch.setattr(cases, "opened", lambda *_: (SETTINGS, Known()))
    words = ["cases", "--discharge", KEY, "--recipient", "carol@dest.test", "--by", "J. Doe", "--reason", "told"]
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


def commands(log: MemoryLog) -> list[dict[str, Any]]:
    """What was ordered."""
    return [records.decode("command", value) for batch in log.read_range("commands") for value in batch.values]


def test_a_case_is_discharged_by_an_event_for_each_unit_and_one_order(log: MemoryLog) -> None:
    """With who and why in each; each in the partition of its message; the order names the whole id."""
    said = operator(Known()).discharge_case(NUMBER)
    assert said.splitlines()[0] == f"Discharged: 3 units of case {NUMBER} (deleted: by hand on relay)"
    events = [
        (batch.partition, envelope.decode(value))
        for batch in log.read_range("message-events")
        for value in batch.values
    ]
    assert {(event.leg, event.message_key, event.recipient) for _, event in events} == {
        (number.to_bytes(16), f"m{number}", f"r{number}@d") for number in range(3)
    }
    assert {event.kind for _, event in events} == {Kind.DISCHARGED}
    assert {event.attributes for _, event in events} == {("by=J. Doe", "reason=told")}
    assert all(partition == partition_of(event.message_key, 4) for partition, event in events)
    (order,) = commands(log)
    assert (order["action"], order["subject"]) == ("discharge", bytes(range(16)).hex())


def test_many_units_are_written_as_they_come_and_waited_for_once(
    log: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None is asked for before the one before it is handed over; acknowledged is all of it at the end."""
    calls: list[str] = []
    monkeypatch.setattr(log.faults, "at", lambda call, _topic: calls.append(call))
    known = Known()

    def members(_cause: str) -> Any:
        def units() -> Any:
            for number in range(3):
                calls.append("unit")
                yield unit(number)

        return SimpleNamespace(reach=lambda: known.found, units=units)

    monkeypatch.setattr(known, "members", members)
    operator(known).discharge_case(NUMBER)
    order = [call for call in calls if call in {"unit", "write", "flush"}]
    assert order == [*["unit", "write"] * 3, "write", "flush"]


@pytest.mark.usefixtures("log")
@pytest.mark.parametrize(
    ("count", "said"),
    [(1, "1 alert of it stays until it is cleared"), (2_000, "2,000 alerts of it stay until they are cleared")],
)
def test_what_a_discharge_does_not_reach_is_said(count: int, said: str) -> None:
    """The case stays open for it, and can be acknowledged."""
    told = operator(Known({"units": 2, "discharged": 0, "beyond": count})).discharge_case(NUMBER).splitlines()[1]
    assert told.startswith(f"{said}, and the case stays open for {'it' if count == 1 else 'them'}: acknowledge it")


@pytest.mark.parametrize(
    ("known", "said", "hint"),
    [
        (Known(state="closed"), "Nothing of case 00010203 (deleted: by hand on relay) stands any more.", ""),
        (Known({"units": 0, "discharged": 0, "beyond": 0}), "stands any more.", ""),
        (Known({"units": 0, "discharged": 0, "beyond": 4}), "can be discharged. 4 alerts of it stay",
         "custody cases --acknowledge 00010203 --by 'J. Doe' --reason told"),
        (Known({"units": 0, "discharged": 5, "beyond": 0}), "is discharged, and stands until the ledger's clock",
         "It counts for alarms once the ledger's clock, which stands at 1970-01-01 00:00:01Z"),
        (Known({"units": 0, "discharged": 5, "beyond": 1}), "1 alert of it stays until it is cleared", "It counts"),
    ],
    ids=["closed", "cleared", "beyond reach", "discharged", "both"],
)  # fmt: skip
def test_a_case_of_which_nothing_can_be_discharged_says_why(log: MemoryLog, known: Known, said: str, hint: str) -> None:
    """And nothing is written."""
    with pytest.raises(Misuse) as refused:
        operator(known).discharge_case(NUMBER)
    assert said in str(refused.value)
    assert refused.value.hint.startswith(hint)
    assert written(log) == {"message-events": set(), "commands": set()}


@pytest.mark.parametrize(
    ("whom", "said", "typed"),
    [
        (["carol@dest.test"], "for carol@dest.test: say", "--recipient carol@dest.test"),
        (["a@d", "b@d"], "for a@d, b@d: say", "--recipient ADDRESS"),
        ([f"r{number}@d" for number in range(1_000)], "for 1,000 recipients: say", "--recipient ADDRESS"),
    ],
)
def test_a_message_without_its_recipient_is_told_what_to_type(
    log: MemoryLog, whom: list[str], said: str, typed: str
) -> None:
    """However short its id is; of a few recipients it says whom."""
    with pytest.raises(Misuse) as refused:
        operator(Known(whom={"m@x": whom})).discharge_case("m@x")
    assert str(refused.value).startswith(f"m@x is a message {said} which recipient it reached.")
    assert refused.value.hint == f"custody cases --discharge m@x {typed} --by 'J. Doe' --reason told"
    assert written(log)["message-events"] == set()


@pytest.mark.parametrize(("number", "said"), [("0001", "0001 is too short"), ("ffffff", "0 cases begin with ffffff.")])
def test_a_case_is_named_alike_for_every_order(number: str, said: str) -> None:
    """What is too short, or names none, is refused with the same sentence."""
    for order in (operator(Known()).acknowledge, operator(Known()).discharge_case):
        with pytest.raises(Misuse, match=said):
            order(number)


def test_a_case_is_discharged_at_the_terminal(log: MemoryLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one word, in lines that fit; as data it is one text."""
    found = {"units": 2, "discharged": 0, "beyond": 1}
    monkeypatch.setattr(cases, "opened", lambda *_: (SETTINGS, Known(found)))
    words = ["cases", "--discharge", NUMBER, "--by", "J. Doe", "--reason", "told"]
    told = CliRunner().invoke(custody, words)
    assert told.exit_code == 0
    assert max(map(len, told.output.splitlines())) <= 80
    done = json.loads(CliRunner().invoke(custody, [*words, "--json"]).output)["done"]
    assert done.startswith("Discharged: 2 units of case 00010203")
    assert len(commands(log)) == 2
