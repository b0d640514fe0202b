"""JSON lines: the envelope's names in, events out, and every mistake with its place and field."""

from importlib.resources import files
from typing import Any

import msgspec
import pytest

from streams.collect.declaration import Declaration, Host, Source
from streams.collect.jsonlines import LONGEST, REFUSED, JsonParser
from streams.collect.parser import Piece
from streams.core.events import Kind, MessageEvent
from streams.core.identity import leg_of, pair_leg
from streams.wire import envelope

AT = 1_795_424_401_250_000
"""2026-11-23T09:00:01.25Z."""

LINE: dict[str, Any] = {"kind": "removed", "occurred_at": AT, "host": "mx", "queue_id": "Q1", "message_id": "<a@b>"}


def _parser(*hosts: Host) -> JsonParser:
    return JsonParser(Source(name="other", kind="jsonl"), Declaration(hosts=hosts))


def _read(parser: JsonParser, *lines: bytes) -> list[MessageEvent]:
    pieces = [Piece(offset=number * 1000, raw=line) for number, line in enumerate(lines)]
    return parser.parse(pieces, file="events.jsonl", observed_at=AT + 1)


def _event(**fields: Any) -> MessageEvent:
    (event,) = _read(_parser(), msgspec.json.encode(LINE | fields))
    return event


def _refusal(raw: bytes) -> str:
    parser = _parser()
    assert _read(parser, b"{}", raw)[:1] == []
    assert parser.counts.unread == {REFUSED: 2}
    assert (parser.counts.pieces, parser.counts.events) == (2, 0)
    said = parser.counts.examples[1]
    assert (said.file, said.offset) == ("events.jsonl", 1000)
    return said.reason.removeprefix(f"{REFUSED}: ")


@pytest.mark.parametrize("text", ["2016-12-31T23:59:60Z", "2017-01-01T05:29:60+05:30", "2016-12-31t23:59:60.000Z"])
def test_a_leap_second_is_the_next(text: str) -> None:
    """The same fact, whichever of the two a system says."""
    assert _event(occurred_at=text) == _event(occurred_at="2017-01-01T00:00:00Z")
    assert _event(occurred_at=text.replace(":60.000", ":60")).occurred_at == 1_483_228_800_000_000


def test_the_example_is_a_chain() -> None:
    """The packaged example is read whole, and its hand-over leads from one switch to the next."""
    example = (files("schemas") / "examples" / "events.jsonl").read_bytes().splitlines()
    parser = _parser()
    events = _read(parser, *example)
    assert not parser.counts.unread
    assert [event.kind for event in events[2:4]] == [Kind.TRANSFERRED, Kind.DELIVERED]
    assert events[1].leg == events[2].leg
    assert events[2].next_leg == events[3].leg
    assert events[8].next_leg == events[9].leg == events[10].leg
    assert events[5].message_key == events[3].message_key
    assert events[11].message_key == events[10].message_key
    assert not parser.counts.notes
    assert parser.through == max(event.occurred_at for event in events)


def test_what_is_left_out_is_computed() -> None:
    """Key, leg and event id follow from the facts; without a queue id the leg is that of message and recipient."""
    event = _event(recipient="c@d")
    assert event.message_key == "a@b"
    assert event.leg == leg_of("mx", "Q1", "c@d", key="a@b")
    assert _event(kind="delivered", recipient="c@d", queue_id="", host="").leg == pair_leg("a@b", "c@d")
    assert _event(message_id=None).message_key == "/mx/Q1"
    assert event.event_id == _event(recipient="c@d", occurred_at="2026-11-23T10:00:01+01:00").event_id
    assert event.event_id != _event(recipient="c@d", status="4.4.1").event_id


def test_a_message_may_be_known_by_its_mts_identifier_alone() -> None:
    """X.400: it names the message, and the stay at each host; a report of it counts for the submission."""
    number = "[/PRMD=LOCAL/ADMD=ICAO/C=XX/;A.1]"
    known: dict[str, Any] = {"message_id": None, "mts_id": number, "queue_id": "", "recipient": "c@d"}
    arrival = _event(kind="submitted", **known)
    assert (arrival.message_key, arrival.queue_id) == (number, number)
    assert arrival.leg == leg_of("mx", number, "c@d", key=number)
    gave = _event(kind="transferred", side="sent", peer="relay", **known)
    assert (gave.leg, gave.next_leg) == (arrival.leg, leg_of("relay", number, "c@d", key=number))
    got = _event(kind="transferred", side="received", peer="mx", **known | {"host": "relay", "recipient": ""})
    assert got.leg == leg_of("relay", number, key=number)
    told = _event(kind="reported", action="delivered", **known | {"host": ""})
    assert told.leg == pair_leg(number, "c@d")


def test_what_is_given_is_kept() -> None:
    """Hashes are hexadecimal and stand as they are."""
    given = {"event_id": "ab" * 16, "leg": "CD" * 16, "next_leg": "ef" * 16, "digest": "01" * 32, "message_key": "k"}
    event = _event(**given)
    kept = {name: getattr(event, name) for name in given}
    assert kept == {n: v if n == "message_key" else bytes.fromhex(v) for n, v in given.items()}


def test_the_place_is_the_collectors_to_say() -> None:
    """Whatever a line says of source, file, offset and observation, the event says where the line stands."""
    event = _event(source="forged", file="/etc/passwd", offset=7, observed_at=1)
    assert (event.source, event.file, event.offset, event.observed_at) == ("other", "events.jsonl", 0, AT + 1)


def test_an_event_without_recipient_is_of_the_whole_entry() -> None:
    """No recipient is no mistake: the fact is about the queue entry."""
    assert _event().recipient == ""
    assert _event().leg == leg_of("mx", "Q1", key="a@b")


def test_hosts_are_called_by_their_declared_names() -> None:
    """An alias of a declared host, its own or the peer's, is the same leg."""
    hosts = (Host(name="mx", aliases=frozenset({"mx.example"})), Host(name="relay", aliases=frozenset({"192.0.2.1"})))
    line = LINE | {"host": "MX.example", "peer": "192.0.2.1", "next_queue_id": "Q2", "recipient": "c@d"}
    (event,) = _read(_parser(*hosts), msgspec.json.encode(line))
    assert (event.host, event.peer) == ("mx", "relay")
    assert event.next_leg == leg_of("relay", "Q2", "c@d", key="a@b")


def test_a_resend_names_both_stays() -> None:
    """The old one and the new one, of one recipient; as hashes, too."""
    line = {"kind": "resubmitted", "recipient": "c@d"}
    event = _event(**line, peer="mx", next_queue_id="Q2")
    assert (event.leg, event.next_leg) == tuple(leg_of("mx", number, "c@d", key="a@b") for number in ("Q1", "Q2"))
    assert _event(**line, next_leg="ef" * 16).next_leg == bytes.fromhex("ef" * 16)


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "unknown field": ({"recipeint": "x"}, "unknown field `recipeint`"),
    "unknown kind": ({"kind": "sent"}, "kind: Invalid enum value 'sent'"),
    "a tick": ({"kind": "tick"}, "kind: a tick is the clock writer's to write"),
    "unknown class": ({"traffic": "mine"}, "traffic: Invalid enum value 'mine'"),
    "unknown side": ({"side": "left"}, "side: Invalid enum value 'left'"),
    "the year 9999": ({"occurred_at": 253_402_300_799_000_000}, "occurred_at: Expected `int` <="),
    "the year 9999 as text": ({"occurred_at": "9999-12-31T23:59:59Z"}, "occurred_at: '9999-12-31T23:59:59Z' is not"),
    "seconds for microseconds": ({"occurred_at": 1_795_424_401}, "occurred_at: Expected `int` >="),
    "a leap second of no day": (
        {"occurred_at": "2016-12-32T23:59:60Z"},
        "occurred_at: '2016-12-32T23:59:60Z' is no RFC 3339 time",
    ),
    "the last leap second": ({"occurred_at": "9999-12-31T23:59:60Z"}, "occurred_at: '9999-12-31T23:59:60Z' is no"),
    "no time": ({"occurred_at": "now"}, "occurred_at: 'now' is no RFC 3339 time"),
    "no offset": ({"occurred_at": "2026-11-23T09:00:00"}, "occurred_at: '2026-11-23T09:00:00' is no RFC 3339 time"),
    "a size that no schema holds": ({"size": 1 << 63}, "size: "),
    "a number that no schema holds": ({"recipients_expected": 1 << 31}, "recipients_expected: "),
    "no priority": ({"priority": 10}, "priority: "),
    "half a hash": ({"leg": "abcd"}, "leg: "),
    "no hash": ({"event_id": "z" * 32}, "event_id: "),
    "nothing to name it by": (
        {"kind": "delivered", "recipient": "c@d", "message_id": None, "queue_id": "", "host": ""},
        "a message key needs",
    ),
    "a stay without a queue id": ({"queue_id": ""}, "queue_id: removed needs one, or an mts_id, and a host"),
    "a stay without a host": ({"host": ""}, "queue_id: removed needs one, or an mts_id, and a host"),
    "an empty key": ({"message_key": ""}, "message_key: "),
    "a report without action": ({"kind": "reported", "recipient": "c@d"}, "action: reported needs one of delivered,"),
    "an action of nobody": ({"action": "banana"}, "action: 'banana' is none of delivered, "),
    "a status of nobody": ({"status": "banana"}, "status: 'banana' is no RFC 3463 status"),
    "half a status": ({"status": "5.1"}, "status: '5.1' is no RFC 3463 status"),
    "a hand-over without side": ({"kind": "transferred", "recipient": "c@d"}, "side: transferred needs sent, "),
    "a resend into nowhere": ({"kind": "resubmitted", "recipient": "c@d"}, "next_queue_id: resubmitted needs the new"),
    "a resend to nobody": (
        {"kind": "resubmitted", "recipient": "c@d", "next_queue_id": "Q2"},
        "next_queue_id: resubmitted needs the new",
    ),
    "a key of nothing": ({"message_key": "<>"}, "message_key: '<>' names no message"),
    "another type": ({"attributes": "a=b"}, "attributes: Expected `array`"),
    "a subject of 1 MB": ({"attributes": ["subject=" + "x" * (1 << 20)]}, f"is longer than {LONGEST}"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_is_said_with_its_field(wrong: str) -> None:
    """A line that is no event is counted with its place, the field and the reason."""
    fields, said = WRONG[wrong]
    assert said in _refusal(msgspec.json.encode(LINE | fields))


OF_ONE: dict[str, dict[str, Any]] = {
    **{kind: {} for kind in ("deferred", "delivered", "read", "not-read", "redirected", "quarantined", "discharged")},
    **{kind: {} for kind in ("non-delivered", "refused", "discarded", "forwarded")},
    "resubmitted": {"peer": "mx", "next_queue_id": "Q2"},
    "reported": {"action": "delivered"},
    "transferred": {"side": "sent"},
}
"""Kinds that are of one recipient, with what else they need."""

OF_AN_ENTRY: dict[str, dict[str, Any]] = {
    **{kind: {} for kind in ("submitted", "removed", "deleted", "rerouted", "held", "released")},
    "reported": {"action": "issued"},
    "transferred": {"side": "received"},
}
"""Kinds that may be of a whole entry."""


@pytest.mark.parametrize("kind", OF_ONE)
def test_what_is_of_one_recipient_names_them(kind: str) -> None:
    """Without its recipient it would count for nothing, and what it should clear would stand."""
    fields = {"kind": kind, **OF_ONE[kind]}
    assert _refusal(msgspec.json.encode(LINE | fields)) == f"recipient: {kind} needs one"
    assert _event(recipient="c@d", **fields).recipient == "c@d"


@pytest.mark.parametrize("kind", OF_AN_ENTRY)
def test_what_is_of_a_whole_entry_names_nobody(kind: str) -> None:
    """Arrivals, ends of entries and issued notifications are read without a recipient."""
    assert _event(kind=kind, **OF_AN_ENTRY[kind]).leg == leg_of("mx", "Q1", key="a@b")


def test_a_notification_that_reached_nobody_is_of_a_whole_entry() -> None:
    """Whoever issued it says so, by its number."""
    said = _event(kind="reported", action="Undelivered", next_queue_id="N1")
    assert (said.action, said.recipient, said.next_queue_id) == ("undelivered", "", "N1")
    other = _event(kind="reported", action="undelivered", next_queue_id="N2")
    assert said.event_id != other.event_id


def test_an_action_counts_in_any_case() -> None:
    """Delivered and delivered are one fact."""
    report = {"kind": "reported", "recipient": "c@d"}
    assert _event(action="Delivered", **report) == _event(action="delivered", **report)
    assert _event(action=" DISPLAYED ", kind="read", recipient="c@d").action == "displayed"


MEANINGLESS = {
    "read": ("deleted", "failed", "expired"),
    "not-read": ("displayed", "failed"),
    "delivered": ("failed", "delivered"),
    "reported": ("displayed", "deleted", "expired"),
    "refused": ("failed", "denied"),
    "non-delivered": ("relayed",),
    "deferred": ("delayed",),
    "transferred": ("failed",),
    "submitted": ("displayed",),
}
"""Actions of which each kind says nothing."""


@pytest.mark.parametrize(("kind", "action"), [(kind, action) for kind, some in MEANINGLESS.items() for action in some])
def test_an_action_that_the_kind_contradicts_is_refused(kind: str, action: str) -> None:
    """A message deleted unread is not read; what says two things would count for one of them."""
    line = LINE | {"kind": kind, "recipient": "c@d", "side": "sent", "action": action}
    assert _refusal(msgspec.json.encode(line)).startswith(f"action: {action!r} says nothing of {kind}, which has ")


MEANT = {
    "read": ("displayed", ""),
    "not-read": ("deleted", "dispatched", "processed", "denied", ""),
    "refused": ("expired", "forced", ""),
    "non-delivered": ("expired", "forced", ""),
    "transferred": ("relayed", ""),
    "submitted": ("failed", "delayed", "delivered", ""),
    "reported": ("delivered", "failed", "delayed", "relayed", "expanded", "dispatched", "processed", "denied"),
}
"""Actions that say something of each kind."""


@pytest.mark.parametrize(("kind", "action"), [(kind, action) for kind, some in MEANT.items() for action in some])
def test_an_action_says_more_of_its_kind(kind: str, action: str) -> None:
    """Which report, which receipt, why a switch gave up, that no report is to come, and what a report reports."""
    assert _event(kind=kind, recipient="c@d", side="sent", action=action).action == (action or None)
    assert _event(kind="transferred", recipient="c@d", side="received", action="failed").action == "failed"


def test_a_receipt_that_takes_its_disposition_back_is_reported() -> None:
    """RFC 8098 3.2.6.3: with the modifier, it neither proves a read nor a deletion."""
    said = {"kind": "reported", "recipient": "c@d", "action": "displayed"}
    assert _event(**said, attributes=["modifier=error"]).action == "displayed"
    assert "says nothing of reported" in _refusal(msgspec.json.encode(LINE | said | {"attributes": ["mode=x"]}))


@pytest.mark.parametrize("status", ["2.0.0", "4.4.1", "5.7.509", "1/12"])
def test_a_status_is_of_mail_or_of_x400(status: str) -> None:
    """RFC 3463, or X.411's reason and diagnostic."""
    assert _event(status=status).status == status


def test_an_empty_text_says_nothing() -> None:
    """An empty action or status is none."""
    assert _event(action="", status="") == _event()


def test_an_address_loses_what_a_log_puts_around_it() -> None:
    """The same recipient with and without brackets is the same stay; an empty sender is the null sender."""
    bare = _event(recipient="c@d", originator="a@b", original_recipient="e@d")
    assert _event(recipient=" <c@d> ", originator="<a@b>", original_recipient="<e@d>") == bare
    assert _event(originator="<>").originator == ""
    assert _event(recipient="<>").recipient == "<>"


def test_a_key_is_made_as_that_of_a_message_id() -> None:
    """Whether a key is given or made, one message has one: else its evidence would be in two partitions."""
    made = _event(message_id="<" + "x" * 90 + "?@b>")
    assert _event(message_key="<" + "x" * 90 + "?@b>").message_key == made.message_key
    assert _event(message_key="<a@b>") == _event()
    assert _event(subject_key="<a@b>").subject_key == "a@b"
    long = "/mx.example/" + "Q" * 90
    assert _event(message_key=long).message_key == long


@pytest.mark.parametrize(
    "raw", [b"", b"\xff\x00", b"[]", b"[" * 100_000, b'{"kind":', b'"\\ud800"', b"null", msgspec.json.encode(LINE)[:-1]]
)
def test_foreign_bytes_are_counted(raw: bytes) -> None:
    """What is no JSON object is counted, and the next line is read."""
    assert _refusal(raw)
    assert len(_read(_parser(), raw, msgspec.json.encode(LINE))) == 1


def test_a_line_without_kind_or_time() -> None:
    """Nothing is an event without what happened and when."""
    for name in ("kind", "occurred_at"):
        rest = {field: value for field, value in LINE.items() if field != name}
        assert f"missing required field `{name}`" in _refusal(msgspec.json.encode(rest))


def test_every_field_goes_through_the_wire() -> None:
    """A line with all fields is an event that its Avro schema holds."""
    texts = ["original_recipient", "peer", "mts_id", "originator", "content_type", "diagnostic"]
    texts += ["next_queue_id", "subject_key", "recipient"]
    fields: dict[str, Any] = dict.fromkeys(texts, "ü\x01") | dict.fromkeys(("next_leg", "subject_event"), "00" * 16)
    numbers = {"priority": -9, "size": (1 << 63) - 1, "recipients_expected": (1 << 31) - 1, "seq": 5}
    fields |= {"action": "failed", "status": "5.1.1", "subject_key": "ü"}
    event = _event(
        kind="reported", **fields, **numbers, digest="aa" * 32, traffic="ours", side="moved", report_requested=False
    )
    assert envelope.decode(envelope.encode(event)) == event


def test_the_same_lines_are_the_same_events() -> None:
    """Nothing is remembered: a parser that takes up a checkpoint goes on with the same events."""
    first, second = _parser(), _parser()
    second.restore(first.state())
    line = msgspec.json.encode(LINE)
    assert _read(first, line, line) == _read(second, line, line)
    assert list(first.close()) == []
