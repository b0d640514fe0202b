"""What an operator orders in the sample day's ledger, and in others: it is in the log, and heard."""

import secrets
import threading
import time
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from streams.cli._orders import Operator
from streams.cli._tail import tail
from streams.cli.app import custody
from streams.collect.declaration import Declaration
from streams.collect.declaring import declare
from streams.core.errors import Misuse
from streams.core.events import Kind
from streams.core.identity import leg_of
from streams.kafka import progress, topics
from streams.kafka.broker import KafkaLog
from streams.kafka.ranges import read_range
from streams.kafka.terms import latest_terms
from streams.kafka.writer import Writer, write_all
from streams.settings import Settings
from streams.wire import envelope, records
from tests.kafka.registry import serving
from tests.service.day.conftest import Say
from tests.waiting import until

pytestmark = pytest.mark.service


def of(settings: Settings, ledger: str) -> Settings:
    """Settings of a ledger of its own, with topics."""
    mine = msgspec.structs.replace(settings, ledger=ledger)
    topics.create(mine)
    return mine


def values(settings: Settings, topic: str) -> list[bytes]:
    """What stands in a topic."""
    return [value for batch in read_range(settings, topic) for value in batch.values if value is not None]


class Desked:
    """A warehouse that knows one unit and one case."""

    unit = leg_of("origin", "Q1", "carol@dest.test", key="m@x")

    def units(self, message: str, recipient: str) -> list[dict[str, Any]]:
        """The unit, if it is meant."""
        one = {"unit": self.unit, "message_key": "m@x", "host": "origin", "queue_id": "Q1", "recipient": recipient}
        return [one] if message == "m@x" else [one, one] if message == "twice" else []

    def clock(self) -> dict[str, Any]:
        """It stands in the past."""
        return {"through": 1_000_000}

    def cases(self, **_: bool) -> list[dict[str, Any]]:
        """The case."""
        return [{"case_id": bytes(range(16)), "cause": "overdue: on hold on relay"}]


def test_orders_are_records_with_who_and_why(stack: Settings, ledger: str) -> None:
    """An acknowledgement is a command; a discharge is an event about the unit, too."""
    mine, warehouse = of(stack, ledger), Desked()
    desk = Operator(mine, warehouse, author="J. Doe", reason="by telephone")  # type: ignore[arg-type]
    desk.acknowledge("00010203")
    desk.discharge("m@x", "carol@dest.test")
    first, second_one = (records.decode("command", value) for value in values(mine, "commands"))
    assert (first["action"], first["subject"], first["author"]) == ("acknowledge", bytes(range(16)).hex(), "J. Doe")
    assert (second_one["action"], second_one["subject"]) == ("discharge", "m@x carol@dest.test")
    (event,) = (envelope.decode(value) for value in values(mine, "message-events"))
    assert (event.kind, event.leg, event.message_key) == (Kind.DISCHARGED, warehouse.unit, "m@x")
    assert event.attributes == ("by=J. Doe", "reason=by telephone")


@pytest.mark.parametrize("message", ["unknown", "twice"])
def test_a_discharge_must_mean_one_unit(stack: Settings, message: str) -> None:
    """None, or two submissions of one Message-ID, is misuse."""
    desk = Operator(stack, Desked(), author="J. Doe", reason="x")  # type: ignore[arg-type]
    with pytest.raises(Misuse):
        desk.discharge(message, "carol@dest.test")
    with pytest.raises(Misuse):
        desk.acknowledge("ff" * 8 if message == "unknown" else "0001")


def test_terms_are_declared_in_the_log(stack: Settings, ledger: str) -> None:
    """`terms use` is a record; `terms show` reads it."""
    mine, where = of(stack, ledger), ["--data", str(stack.data), "--ledger", ledger]
    assert CliRunner().invoke(custody, ["terms", "use", "guaranteed", *where]).exit_code == 0
    assert 'name = "guaranteed"' in (latest_terms(KafkaLog(mine)) or "")
    assert 'name = "guaranteed"' in CliRunner().invoke(custody, ["terms", "show", *where]).output


def test_who_has_not_the_ledgers_registry_gives_it_no_orders(
    stack: Settings, ledger: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither acknowledgement, nor discharge, nor terms are written where its workers could not read them."""
    mine = of(stack, ledger)
    declare(mine, Declaration())
    before = values(mine, "progress")
    with serving() as registry:
        desk = Operator(msgspec.structs.replace(mine, registry_url=registry.url), Desked(), author="J. Doe", reason="x")  # type: ignore[arg-type]
        with pytest.raises(Misuse, match="other ids"):
            desk.acknowledge("00010203")
        with pytest.raises(Misuse, match="other ids"):
            desk.discharge("m@x", "carol@dest.test")
        monkeypatch.setenv("CUSTODY_REGISTRY_URL", registry.url)
        arguments = ["terms", "use", "guaranteed", "--data", str(stack.data), "--ledger", ledger]
        assert "other ids" in str(CliRunner().invoke(custody, arguments).exception)
    assert (values(mine, "commands"), values(mine, "message-events")) == ([], [])
    assert values(mine, "progress") == before


def test_alerts_are_followed_from_now_on(stack: Settings, ledger: str) -> None:
    """What was told before is not told again; what comes is told at once."""
    mine, heard = of(stack, ledger), list[bytes]()
    writer = Writer(mine)
    writer.write("alerts", b"old", b"old")
    writer.flush()

    def listen() -> None:
        heard.append(next(iter(tail(mine, "alerts"))))

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()

    def told() -> bool:
        writer.write("alerts", secrets.token_bytes(4), b"new")
        writer.flush()
        return bool(heard)

    until(told, "somebody who listens")
    assert heard == [b"new"]


def test_an_operator_is_heard(changed_day: Settings, say: Say, told: Say) -> None:
    """A case is seen by him; what he discharges is cleared as the clock goes on."""
    (case,) = [row for row in told("cases")["cases"] if row["cause"] == "overdue: on hold on relay"]
    who = '--by "J. Doe" --reason "by telephone"'
    assert say(f"cases --acknowledge {case['case_id'][:8]} {who}").exit_code == 0
    until(lambda: "seen by J. Doe: by telephone" in say("cases --limit 0").output, "a case that is seen")
    assert say(f"cases --discharge day-0134.held-forgotten@origin.test --recipient eve@dest.test {who}").exit_code == 0
    (whole,) = [row for row in told("cases")["cases"] if row["cause"] == "unread: mailbox of frank@dest.test"]
    assert "Discharged: 4 units of case" in say(f"cases --discharge {whole['case_id'][:8]} {who}").output
    names = [one["source"] for one in progress.all_progress(KafkaLog(changed_day)) if one["kind"] == "declared"]
    now = time.time_ns() // 1000
    done = [progress.progressed(name, now + 1) for name in set(names) - {"terms"}]
    write_all(changed_day, "progress", done)
    until(lambda: "on hold" not in say("overdue").output, "an alarm that is cleared")
    trace = "trace day-0134.held-forgotten@origin.test"  # of another topic than the alarm
    until(lambda: "DISCHARGED by hand, by J. Doe" in say(trace).output, "his event")
    assert "Discharged by J. Doe: by telephone" in say(trace).output
    until(lambda: "by hand 1" in say("reliability").output, "a proof by hand that counts")

    def states() -> dict[str, tuple[str, int]]:
        return {row["case_id"]: (row["state"], row["standing"]) for row in told("cases --all")["cases"]}

    until(lambda: states()[whole["case_id"]] == ("closed", 0), "a case that is discharged as a whole is closed")
