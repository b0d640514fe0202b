"""The sample day's logs give what an independent reading of them gave (the figures in its README and oracle)."""

import json
import lzma
from collections import Counter
from datetime import datetime

import pytest

from streams.core.events import Kind, MessageEvent, Traffic
from tests.collect.postfix_logs import DATA, OBSERVED, day, of, parser, pieces, read

SECOND = 1_000_000


def _expected() -> dict[str, object]:
    found: dict[str, object] = json.loads(lzma.decompress((DATA / "day" / "expected.json.xz").read_bytes()))
    return found


def _at(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * SECOND)


EXPECTED = _expected()
UNITS: list[dict[str, object]] = EXPECTED["units"]  # type: ignore[assignment]
EVENTS = {host: read(host, day(host)) for host in ("origin", "relay", "dest")}


@pytest.mark.parametrize("host", ["origin", "relay", "dest"])
def test_counts_of_a_switch(host: str) -> None:
    """Lines, queue ids and outcomes equal those of the independent reading."""
    want = EXPECTED["totals"]["switches"][host]  # type: ignore[index]
    events = EVENTS[host]
    sent = [e for e in events if e.side == "sent" or e.kind in {Kind.DELIVERED, Kind.DISCARDED}]
    refused = of(events, Kind.REFUSED)
    got = {
        "queue_ids": len({e.queue_id for e in events}),
        "lines": len(pieces(day(host))),
        "sent": len(sent),
        "deferred": len(of(events, Kind.DEFERRED)),
        "bounced": sum(e.action is None for e in refused),
        "expired": sum(e.action is not None for e in refused),
        "forced": sum(e.action == "forced" for e in refused),
    }
    assert got == want


@pytest.mark.parametrize("host", ["origin", "relay", "dest"])
def test_every_line_is_understood_or_counted(host: str) -> None:
    """Nothing of a real log is left unread, and no two facts share an identity."""
    reader = parser(host)
    events = reader.parse(pieces(day(host)), file="mail.log", observed_at=OBSERVED)
    assert not reader.counts.unread
    assert reader.counts.events == len(events) == len({e.event_id for e in events})


def test_submissions_are_the_units() -> None:
    """Ours at origin, with priority, arrival in microseconds and what was asked, are exactly the oracle's units."""
    ours = {(e.queue_id, e.recipient): e for e in _submissions() if e.recipient}
    assert len(ours) == len(UNITS)
    levels = {None: "normal", 0: "normal", 4: "urgent", -4: "non-urgent"}
    for unit in UNITS:
        event = ours[str(unit["origin_queue_id"]), str(unit["recipient"])]
        assert event.occurred_at == _at(str(unit["submitted_at"]))
        assert event.report_requested is unit["report_requested"]
        assert levels[event.priority] == unit["priority"]
        assert event.originator == unit["originator"]


def test_priorities() -> None:
    """38 urgent and 15 non-urgent messages, by header_checks."""
    counts = Counter(e.priority for e in _submissions() if not e.recipient)
    assert (counts[4], counts[-4]) == (38, 15)


def test_the_declined_report() -> None:
    """A client's NOTIFY=NEVER stays: no report is asked for, and all others ask."""
    declined = [e for e in _submissions() if e.recipient and e.report_requested is False]
    assert [e.message_id for e in declined] == ["<day-0051.report-declined@origin.test>"]
    assert all(e.report_requested is not None for e in _submissions() if e.recipient)


def test_refusals_of_the_oracle() -> None:
    """Each refusal has its status and second, expired ones the status of their last attempt."""
    wanted = [u for u in UNITS if u["refused"]]
    assert len(wanted) == 10
    refused = [e for events in EVENTS.values() for e in of(events, Kind.REFUSED)]
    for unit in wanted:
        want: dict[str, str] = unit["refused"]  # type: ignore[assignment]
        keys = {str(unit["message_id"]).strip("<>")}
        found = [e for e in refused if e.message_key in keys and e.recipient == unit["recipient"]]
        assert [e.status for e in found] == [want["status"]]
        assert abs(found[0].occurred_at - _at(want["at"])) < SECOND


def test_deletions_by_an_operator() -> None:
    """Four messages were deleted on the relay: each entry, and its recipient still owed."""
    deleted = of(EVENTS["relay"], Kind.DELETED)
    assert Counter(bool(e.recipient) for e in deleted) == {False: 4, True: 4}


def test_holds_and_a_release() -> None:
    """Two were put on hold on the relay, one was released."""
    assert len(of(EVENTS["relay"], Kind.HELD)) == 2
    assert len(of(EVENTS["relay"], Kind.RELEASED)) == 1


def test_hand_overs_meet_arrivals() -> None:
    """Every hand-over between the switches leads to a leg that the next switch tells of."""
    legs = {e.leg for events in EVENTS.values() for e in events}
    hops = [e for events in EVENTS.values() for e in events if e.side == "sent" and e.peer in EVENTS]
    lost = {e.next_queue_id for e in hops if e.next_leg not in legs}
    assert len(hops) > 1300
    assert not lost


def test_notifications_are_told_under_their_subject() -> None:
    """Each notification names its subject, and is a report of its own."""
    issued = [e for events in EVENTS.values() for e in of(events, Kind.REPORTED)]
    assert all(e.action == "issued" and not e.recipient and e.next_queue_id for e in issued)
    reports = {
        (e.host, e.queue_id, e.subject_key)
        for events in EVENTS.values()
        for e in of(events, Kind.SUBMITTED)
        if e.traffic is Traffic.REPORT and e.recipient
    }
    assert {(e.host, e.next_queue_id, e.message_key) for e in issued} <= reports


def _submissions() -> list[MessageEvent]:
    return [e for e in EVENTS["origin"] if e.kind is Kind.SUBMITTED and e.traffic is Traffic.OURS]
