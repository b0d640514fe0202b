"""An address that is forgotten is nowhere in the warehouse, and every figure stays."""

import time
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from streams.cli.app import custody
from streams.core.clock import Tick
from streams.core.events import Kind, MessageEvent, Traffic
from streams.core.identity import fact_id, leg_of
from streams.kafka import topics
from streams.kafka.broker import KafkaLog
from streams.kafka.writer import EventWriter, Writer
from streams.settings import Settings
from streams.track import ticks
from streams.warehouse.client import ask, connect
from streams.warehouse.feed import Feeds
from streams.warehouse.forget import Near, forget, found, near
from streams.warehouse.store import ClickHouse
from streams.wire import records

pytestmark = pytest.mark.service

WHO = "Carol.Smith@dest.test"
OTHER = "j.carol.smith@dest.test"
NEAR = "o'carol.smith@dest.test"
BESIDE = "-fcarol.smith@dest.test"
AT = 1_795_500_000_000_000
PATIENCE = 120


def event(number: int, kind: Kind, recipient: str, **more: Any) -> MessageEvent:
    """A fact about message `number`; of message 9 the Message-ID itself names the address."""
    key = f"9={WHO}" if number == 9 else f"m{number}@origin.test"
    at = AT + number
    return MessageEvent(
        event_id=fact_id(kind, f"origin/Q{number}", recipient, at),
        kind=kind,
        occurred_at=at,
        observed_at=time.time_ns() // 1000,
        leg=leg_of("origin", f"Q{number}", recipient, key=key),
        message_key=key,
        host="origin",
        queue_id=f"Q{number}",
        recipient=recipient,
        source="origin-log",
        **more,
    )


def events() -> list[MessageEvent]:
    """Everywhere an address can stand."""
    ours: dict[str, Any] = {"traffic": Traffic.OURS, "report_requested": True}
    return [
        event(1, Kind.SUBMITTED, WHO.lower(), originator="bob@origin.test", **ours),
        event(1, Kind.DEFERRED, WHO, diagnostic=f"450 <{WHO}>,<{WHO}>: greylisted", attributes=(f"to={WHO}", "n=1")),
        event(2, Kind.SUBMITTED, OTHER, originator=WHO, original_recipient=WHO, **ours),
        event(3, Kind.SUBMITTED, NEAR, originator="bob@origin.test", **ours),
        event(4, Kind.SUBMITTED, "carol", originator="bob@origin.test", **ours),
        event(5, Kind.SUBMITTED, "Jürgen@d.test", originator="bob@origin.test", **ours),
        event(9, Kind.SUBMITTED, OTHER, originator="bob@origin.test", message_id=f"<9={WHO}>", **ours),
    ]


BESIDES = ("alerts", "evidence", "rejections")
"""Views of what is fed beside events."""


def evidence(event: MessageEvent, raw: bytes) -> bytes:
    """The raw line that proves an event."""
    record = {"event_id": event.event_id, "message_key": event.message_key, "source": "origin-log", "file": "o.log"}
    return records.encode("evidence", {**record, "offset": 0, "raw": raw})


def alert() -> bytes:
    """A finding about the address."""
    record = {
        "alert_id": bytes(16), "rule": "unread", "unit": bytes(16), "state": "raised", "at": AT, "due": AT, "clock": AT,
        "message_key": "m1@origin.test", "host": "store", "queue_id": "INBOX/1", "recipient": WHO,
        "originator": "bob@origin.test", "severity": "high", "proven": True, "cause": f"mailbox of {WHO}",
        "terms": "0" * 12, "partition": 0, "priority": 0, "holder_host": "", "holder_queue_id": "",
    }  # fmt: skip
    return records.encode("alert", record)


def rejection() -> bytes:
    """The address was turned away at the door."""
    record = {
        "rejection_id": bytes(16), "occurred_at": AT, "observed_at": time.time_ns() // 1000, "host": "origin",
        "service": "smtpd", "stage": "RCPT", "client": "x.test", "address": "192.0.2.1", "code": 550, "status": "5.1.1",
        "originator": WHO, "recipient": WHO, "queue_id": "", "diagnostic": f"<{WHO}>: unknown", "source": "origin-log",
        "file": "o.log", "offset": 0,
    }  # fmt: skip
    return records.encode("rejection", record)


@pytest.fixture
def ledger_of(stack: Settings, ledger: str) -> Settings:
    """A ledger that is fed with all of it, and derived."""
    settings = msgspec.structs.replace(stack, ledger=ledger)
    topics.create(settings)
    facts = events()
    writer = EventWriter(Writer(settings))
    raw = {1: f"to=<{WHO}>", 2: f"sendmail {BESIDE}"}
    writer.write(facts, {facts[at].event_id: evidence(facts[at], text.encode()) for at, text in raw.items()})
    writer.flush()
    control = Writer(settings)
    control.write("alerts", b"a", alert())
    control.write("rejections", b"r", rejection())
    ticks.write(control, Tick(through=AT + 60_000_000))
    control.flush()
    feeds, deadline = Feeds(KafkaLog(settings), ClickHouse(settings)), time.monotonic() + PATIENCE
    client = connect(settings)
    while time.monotonic() < deadline:
        feeds.step()
        if units(client) == 6 and all(ask(client, f"SELECT 1 FROM {view}") for view in BESIDES):  # noqa: S608 - ours
            return settings
    pytest.fail("not fed and derived in time")


def units(client: Any) -> int:
    """How many units there are."""
    return int(ask(client, "SELECT count() AS n FROM custody")[0]["n"])


def test_nothing_of_an_address_is_left(ledger_of: Settings) -> None:
    """In no column of any table, raw evidence included; other people's addresses stay, and so do the figures."""
    client = connect(ledger_of)
    before = forget(client, WHO)
    assert {"event_records", "evidence_records", "alert_records", "rejection_records", "unit_records"} <= set(before)
    assert found(client, WHO) == {}
    assert found(client, OTHER)
    assert found(client, NEAR)
    texts = ask(
        client,
        "SELECT table, name FROM system.columns WHERE database = currentDatabase()"
        " AND (type LIKE '%String' OR type LIKE '%String)%') AND type NOT LIKE '%Fixed%' AND table NOT LIKE 'terms'",
    )
    for row in texts:
        named = f"SELECT count() AS n FROM {row['table']} WHERE match(toString({row['name']}), {{p:String}})"  # noqa: S608
        pattern = r"(?i)(^|[^.a-z'])carol\.smith@dest\.test"
        assert ask(client, named, {"p": pattern})[0]["n"] == 0, row
    left = near(client, WHO)
    assert set(left.rows) >= {"event_records", "unit_records", "evidence_records"}
    assert set(left.words) == {OTHER, NEAR, BESIDE}
    assert units(client) == 5  # the sixth had the address in its Message-ID, which its rows are sorted by
    (row,) = ask(client, "SELECT recipient, diagnostic, attributes FROM events WHERE kind = 'deferred'")
    name = row["recipient"]
    assert name.startswith("forgotten-")
    assert name.endswith("@dest.test")
    assert row["diagnostic"] == f"450 <{name}>,<{name}>: greylisted"
    assert row["attributes"] == [f"to={name}", "n=1"]


def test_whoever_stands_in_evidence_can_be_forgotten(ledger_of: Settings) -> None:
    """A name without a domain, an address beyond ASCII; in no table are they left, and every figure stays."""
    client = connect(ledger_of)
    for name in ("carol", "jürgen@d.test"):
        assert {"event_records", "unit_records", "recipient_keys"} <= set(forget(client, name))
        assert found(client, name) == {}
        assert near(client, name) == Near()
    assert found(client, WHO)
    assert units(client) == 6


def test_the_command_says_first_what_it_would_do(ledger_of: Settings) -> None:
    """Without --yes nothing changes; with it the address is gone; what Kafka keeps is said."""
    where = ["--data", str(ledger_of.data), "--ledger", ledger_of.ledger]
    asked = CliRunner().invoke(custody, ["forget", WHO, *where])
    assert "Nothing is done yet" in asked.output
    assert found(connect(ledger_of), WHO)
    done = CliRunner().invoke(custody, ["forget", WHO, "--yes", *where])
    assert "where it stood by itself it is gone" in done.output
    assert f"  {NEAR}" in done.output
    assert "message-events      400 days" in done.output
    assert "0 tables have it" in CliRunner().invoke(custody, ["forget", WHO, *where]).output
