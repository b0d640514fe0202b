"""A gateway that knows its messages by their MTS-identifiers alone, and what its lines do to stays and reports."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from streams import profiles
from streams.collect.declaration import Declaration, Host, Source
from streams.collect.guess import guessed
from streams.collect.jsonlines import REFUSED, JsonParser
from streams.collect.look import Look, look
from streams.collect.parser import Piece
from streams.core.events import MessageEvent
from streams.core.identity import leg_of, pair_leg

MTS = "[/PRMD=LOCAL/ADMD=ICAO/C=XX/;A.1]"
TO = "/C=XX/O=B/"
AT = "2026-11-23T09:00:0{}Z"

LINE: dict[str, Any] = {"kind": "delivered", "occurred_at": AT.format(2), "host": "mta-b", "recipient": TO}

ENDS = ("delivered", "refused", "non-delivered", "redirected", "discarded", "quarantined", "forwarded")
"""Kinds that end a stay of one recipient."""


def _parser(host: str = "") -> JsonParser:
    declaration = Declaration(hosts=(Host(name="mta-b", aliases=frozenset({"b.test"})),))
    return JsonParser(Source(name="gateway", kind="jsonl", host=host), declaration)


def _event(of: str = "", /, **fields: Any) -> MessageEvent:
    line = {name: value for name, value in (LINE | fields).items() if value is not None}
    (event,) = _parser(of).parse([_piece(line)], file="-", observed_at=1)
    return event


def _refusal(of: str = "", /, **fields: Any) -> str:
    parser = _parser(of)
    line = {name: value for name, value in (LINE | fields).items() if value is not None}
    assert parser.parse([_piece(line)], file="-", observed_at=1) == []
    return parser.counts.examples[0].reason.removeprefix(f"{REFUSED}: ")


def _piece(line: dict[str, Any]) -> Piece:
    return Piece(offset=0, raw=msgspec.json.encode(line))


def _journey(mts: str = MTS, **known: Any) -> list[dict[str, Any]]:
    """A message of ours up to its second switch, and the end of the day after."""
    ours = {"traffic": known.pop("traffic", "ours"), "report_requested": True, "originator": "/C=XX/O=A/"}
    of = {"mts_id": mts, "recipient": TO, **known}
    return [
        {"kind": "submitted", "occurred_at": AT.format(0), "host": "mta-a", **ours, **of},
        {"kind": "transferred", "side": "sent", "occurred_at": AT.format(1), "host": "mta-a", "peer": "mta-b", **of},
        {"kind": "transferred", "side": "received", "occurred_at": AT.format(1), "host": "mta-b", **of},
        {"kind": "submitted", "occurred_at": "2026-11-25T23:00:00Z", "host": "mta-a", "mts_id": "[x;E]",
         "recipient": TO, "traffic": "system"},
    ]  # fmt: skip


def _seen(folder: Path, *lines: dict[str, Any]) -> Look:
    file = folder / "gateway.jsonl"
    file.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
    return look(guessed([file]), profiles.load("guaranteed"))


def _found(folder: Path, *lines: dict[str, Any]) -> set[str]:
    """The rules that find something in these lines under guaranteed terms; all of them are read."""
    seen = _seen(folder, *lines)
    assert not seen.counts["gateway.jsonl"].unread
    return {one["rule"] for one in seen.found}


DELIVERED: dict[str, Any] = LINE | {"mts_id": MTS}
REPORTED: dict[str, Any] = {
    "kind": "reported", "action": "delivered", "occurred_at": AT.format(3), "recipient": TO, "mts_id": MTS,
}  # fmt: skip


@pytest.mark.parametrize("kind", ENDS)
def test_what_ends_a_stay_is_of_the_stay_that_the_mts_identifier_names(kind: str) -> None:
    """At its host; a stay that nothing ends would be found stuck, of every message that arrived."""
    event = _event(kind=kind, mts_id=MTS)
    assert (event.queue_id, event.leg) == (MTS, leg_of("mta-b", MTS, TO, key=MTS))


def test_a_message_of_a_gateway_that_arrives_is_found_nowhere(tmp_path: Path) -> None:
    """Submitted, handed over, delivered and reported under its MTS-identifier alone; without delivery it is stuck."""
    assert _found(tmp_path, *_journey(), DELIVERED, REPORTED) == set()
    assert _found(tmp_path, *_journey(), REPORTED) == {"stuck"}


def test_an_empty_number_is_none() -> None:
    """A gateway that writes null for what it does not know names the next stay by the MTS-identifier all the same."""
    gave = _event(kind="transferred", side="sent", peer="mta-c", mts_id=MTS, next_queue_id="")
    assert gave.next_leg == leg_of("mta-c", MTS, TO, key=MTS)


@pytest.mark.parametrize("kind", ["delivered", "refused", "non-delivered"])
def test_an_end_at_a_host_names_the_stay_there(kind: str) -> None:
    """With a host and nothing else it would leave the stay there for ever; without one it is of the message."""
    assert (
        _refusal(kind=kind, message_id="a@b")
        == f"queue_id: {kind} at a host needs that of the stay there, or an mts_id"
    )
    assert _event(kind=kind, message_id="a@b", host=None).leg == pair_leg("a@b", TO)
    assert _event(kind=kind, mts_id=MTS, host=None).leg == pair_leg(MTS, TO)


@pytest.mark.parametrize("kind", ["redirected", "discarded", "quarantined", "forwarded"])
def test_an_end_that_is_of_a_stay_alone_names_one(kind: str) -> None:
    """Of a message, wherever it is, it would count for nothing."""
    said = f"queue_id: {kind} needs one, or an mts_id, and a host"
    assert _refusal(kind=kind, message_id="a@b") == said
    assert _refusal(kind=kind, mts_id=MTS, host=None) == said


@pytest.mark.parametrize("action", ["issued", "undelivered"])
def test_a_notification_is_of_a_stay(action: str) -> None:
    """A switch issues it of an entry of its queue: of a message, wherever it is, it would count for nothing."""
    about = {"kind": "reported", "action": action, "recipient": None}
    assert _event(**about, mts_id=MTS).leg == leg_of("mta-b", MTS, key=MTS)
    assert _refusal(**about, message_id="a@b") == f"queue_id: reported {action} needs one, or an mts_id, and a host"


@pytest.mark.parametrize("kind", ["delivered", "read", "reported", "discharged"])
def test_a_queue_id_is_of_a_host(kind: str) -> None:
    """Without one it names a stay nowhere, which nothing is joined to."""
    fields = {"kind": kind, "queue_id": "B1", "message_id": "a@b", "action": "failed" if kind == "reported" else None}
    assert _refusal(**fields, host=None) == "host: a queue_id needs one, or the source's"
    assert _event(**fields).leg == leg_of("mta-b", "B1", TO, key="a@b")


def test_what_names_no_host_is_at_the_sources() -> None:
    """`--host`, and `host` of a source, say whose evidence it is where its lines do not; what a line says counts."""
    arrived = _event("mta-b", kind="submitted", queue_id="B1", message_id="a@b", host=None)
    assert (arrived.host, arrived.leg) == ("mta-b", leg_of("mta-b", "B1", TO, key="a@b"))
    assert _event("mta-b", mts_id=MTS, host=None).leg == leg_of("mta-b", MTS, TO, key=MTS)
    assert _event("mta-a", queue_id="B1", host="B.test", message_id="a@b").host == "mta-b"
    assert _event("mta-b", kind="reported", action="failed", mts_id=MTS, host=None).leg == pair_leg(MTS, TO)
    assert _event("mta-b", message_id="a@b", host=None).leg == pair_leg("a@b", TO)


@pytest.mark.parametrize("kind", ["refused", "discarded", "forwarded"])
def test_what_ends_no_entry_names_its_recipient(kind: str) -> None:
    """Of a whole entry it would leave every recipient there; what was written out again may be, as Postfix tells it."""
    about = {"kind": kind, "queue_id": "B1", "message_id": "a@b", "recipient": None}
    assert _refusal(**about) == f"recipient: {kind} needs one"
    if kind == "forwarded":
        assert _refusal(**about, leg="ab" * 16) == f"recipient: {kind} needs one"
    else:
        assert _event(**about, leg="ab" * 16).recipient == ""


REPORT = "[/PRMD=LOCAL/ADMD=ICAO/C=XX/;R.7]"
"""A report's own identifier (X.411 report-identifier)."""


@pytest.mark.parametrize("own", [{"mts_id": REPORT}, {"message_id": "<r7@x>"}, {}])
def test_a_report_is_about_its_subject(own: dict[str, str], tmp_path: Path) -> None:
    """X.411 names a report by an identifier of its own, and its subject by another: that is the message's key."""
    report = {name: value for name, value in REPORTED.items() if name != "mts_id"} | own
    event = _event(**report, host=None, subject_key=MTS)
    assert (event.message_key, event.leg) == (MTS, pair_leg(MTS, TO))
    assert _found(tmp_path, *_journey(), DELIVERED, report | {"subject_key": MTS}) == set()


@pytest.mark.parametrize("kind", ["read", "not-read"])
def test_a_receipt_is_about_its_subject(kind: str) -> None:
    """An X.420 notification is a message, too; a key that is given counts before all."""
    told = _event(kind=kind, host=None, mts_id=REPORT, subject_key=f"<{MTS}>")
    assert (told.message_key, told.leg, told.mts_id) == (MTS, pair_leg(MTS, TO), REPORT)
    assert _event(kind=kind, host=None, mts_id=REPORT, subject_key=MTS, message_key="a@b").message_key == "a@b"


def test_a_report_on_its_own_way_is_a_message_of_its_own() -> None:
    """Its submission, and whatever a queue does with it, are about the report; what it is about is said beside."""
    sent = _event(kind="submitted", mts_id=REPORT, subject_key=MTS, traffic="report")
    assert (sent.message_key, sent.subject_key) == (REPORT, MTS)


def test_a_reports_own_identifier_names_no_stay() -> None:
    """Of a notification that was issued of a stay the stay is said, by its number or by the message's identifier."""
    about: dict[str, Any] = {"kind": "reported", "action": "issued", "recipient": None, "subject_key": MTS}
    assert "queue_id: reported issued needs one" in _refusal(**about, mts_id=REPORT)
    stay = leg_of("mta-b", MTS, key=MTS)
    assert _event(**about, mts_id=REPORT, queue_id=MTS).leg == _event(**about, mts_id=MTS).leg == stay


def test_one_message_under_two_identifiers_is_said(tmp_path: Path) -> None:
    """With its Message-ID it is known by that alone, and what has its MTS-identifier alone is of another message."""
    lines = [*_journey(message_id="<ipm1@x>"), DELIVERED | {"message_id": "<ipm1@x>"}]
    (note,) = _seen(tmp_path, *lines, REPORTED).counts["gateway.jsonl"].notes
    assert note.startswith(f"The mts_id {MTS} stands in lines with a message_id and in lines without")
    assert _found(tmp_path, *lines, REPORTED) == {"overdue", "uncorroborated-report"}
    for told in ({"message_id": "<ipm1@x>"}, {"mts_id": REPORT, "subject_key": "<ipm1@x>"}):
        assert not _seen(tmp_path, *lines, REPORTED | told).counts["gateway.jsonl"].notes
        assert _found(tmp_path, *lines, REPORTED | told) == set()


LONG = "[/PRMD=EUROCONTROL-NET1/ADMD=ICAO-COMMUNITY-1/C=XX/;MTA-NORTH-2611230900000{}00Z]"
"""An MTS-identifier of 80 characters."""


def test_long_mts_identifiers_are_of_two_messages(tmp_path: Path) -> None:
    """What differs beyond the length of a key is told apart, in reports that name it as their subject, too."""
    lines = []
    for mts in (LONG.format(1), LONG.format(2)):
        lines += [*_journey(mts), DELIVERED | {"mts_id": mts}, REPORTED | {"mts_id": REPORT, "subject_key": mts}]
    assert _found(tmp_path, *lines) == set()
    assert _found(tmp_path, *lines[:-1]) == {"overdue"}
    first = _event(mts_id=LONG.format(1))
    assert first.message_key == _event(message_key=LONG.format(1), mts_id=None, queue_id="B1").message_key
    assert first.message_key != _event(mts_id=LONG.format(2)).message_key
    assert first.queue_id == LONG.format(1)


def test_a_submission_that_says_no_class_is_looked_at_as_ours(tmp_path: Path) -> None:
    """It is owed what one of ours is owed; an arrival at a further switch is none, whatever it says."""
    sent, *_, end = _journey(traffic=None)
    seen = _seen(tmp_path, sent, {**sent, "kind": "transferred", "side": "received", "host": "mta-b"}, end)
    assert (seen.ours, seen.traffic, seen.asked) == (True, {"ours": 1, "system": 1}, {"yes": 1})
    assert not any("can be owed" in said or "none can be overdue" in said for said in seen.unseen())
    assert {one["rule"] for one in seen.found} == {"overdue", "stuck"}
