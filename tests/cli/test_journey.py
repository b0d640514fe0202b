"""The steps of a message, as `custody trace` tells them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from streams.cli import _journey

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def event(kind: str, second: int, micro: int = 0, **other: Any) -> dict[str, Any]:
    """A row of `Warehouse.trace`'s events."""
    return {
        "kind": kind,
        "occurred_at": NOON.replace(second=second, microsecond=micro),
        "host": "relay",
        "queue_id": "Q1",
        "recipient": "r@x",
        "next_queue_id": None,
        "peer": None,
        "side": None,
        "source": "relay-log",
        "action": None,
        "status": None,
        "diagnostic": None,
        "attributes": [],
        "report_requested": None,
        "file": "logs/relay.log.xz",
        "offset": 7,
        "event": f"{kind}{second}",
        "seq": 0,
        **other,
    }


def steps(*events: dict[str, Any]) -> list[str]:
    """What a trace tells of some events."""
    return [
        f"{when} {what}" for when, _, what, _ in _journey.steps({"events": list(events), "alerts": [], "notices": []})
    ]


def test_a_trace_puts_whole_seconds_behind_their_arrival() -> None:
    """An attempt logged in the second of the arrival did not come before it."""
    assert steps(event("deferred", 1, status="4.4.1"), event("submitted", 1, 500_000)) == [
        "12:00:01.500 Q1 accepted",
        "12:00:01 deferred, 4.4.1",
    ]


def test_a_trace_says_that_a_notification_reached_nobody() -> None:
    """Under the message that it was about, whose originator nobody told."""
    about: dict[str, Any] = {"recipient": "", "next_queue_id": "N1"}
    told = [event("reported", 1, action=action, event=action, **about) for action in ("issued", "undelivered")]
    assert steps(*told) == ["12:00:01 report: issued", "12:00:01 its report was UNDELIVERED: it told nobody"]


def test_a_trace_tells_alike_attempts_together() -> None:
    """Six refusals of one next hop are one line."""
    alike = [event("deferred", number, diagnostic="connect refused") for number in range(1, 7)]
    assert steps(*alike) == ["12:00:01-06 deferred 6x, connect refused"]


def test_a_span_says_its_end_in_full_where_the_minute_differs() -> None:
    """Twenty-four seconds over the full minute are no step back."""
    alike = [event("deferred", 0, occurred_at=NOON + timedelta(seconds=number)) for number in (47, 71)]
    assert steps(*alike) == ["12:00:47-12:01:11 deferred 2x, "]


def test_attempts_of_several_days_are_told_by_day() -> None:
    """Three days of deferrals are no twelve seconds."""
    hours = (0, 5, 24, 30, 60)
    alike = [
        event("deferred", 0, occurred_at=NOON + timedelta(hours=number), event=number, diagnostic="full")
        for number in hours
    ]
    assert steps(*alike) == [
        "12:00:00-17:00:00 deferred 2x, full",
        "11-24 12:00:00-18:00:00 deferred 2x, full",
        "11-26 00:00:00 deferred, full",
    ]


def test_an_alarm_says_the_date_of_what_was_due_on_another_day() -> None:
    """The sources were heard of two days later."""
    alert = {"rule": "stuck", "due": NOON, "raised_at": NOON + timedelta(seconds=1), "cleared_at": None}
    late = alert | {"raised_at": NOON + timedelta(days=2)}
    told = _journey.steps({"events": [], "alerts": [alert, late], "notices": []})
    assert [what for _, _, what, _ in told] == ["ALARM stuck, due 12:00:00", "ALARM stuck, due 11-23 12:00:00"]


def test_only_a_line_of_postfix_says_that_postsuper_deleted() -> None:
    """Other systems tell of deletions, too; their tools are not known."""
    assert steps(event("deleted", 1, attributes=["pid=22005"])) == ["12:00:01 DELETED by postsuper[22005]"]
    assert steps(event("deleted", 1)) == ["12:00:01 DELETED by hand"]


def test_a_trace_tells_a_hand_over_once() -> None:
    """What the next host says of it is enough; without its word the sender's stands."""
    sent = event("transferred", 1, side="sent", next_queue_id="Q2", peer="dest", diagnostic="250 ok")
    got = event("transferred", 1, 800_000, side="received", host="dest", queue_id="Q2", peer="relay")
    assert steps(sent, got) == ["12:00:01.800 Q2 from relay"]
    assert steps(sent) == ["12:00:01 handed to dest, 250 ok"]


def test_a_trace_tells_what_was_put_in_again_and_not_taken_up() -> None:
    """What postsuper requeued stands there; once it is under another id, that step says so."""
    requeued = event("rerouted", 2, recipient="", attributes=["pid=22"])
    assert steps(event("submitted", 1), requeued)[1:] == ["12:00:02 put in again by postsuper[22]"]
    requeued["attributes"] = ["pid=22", "program=MailScanner"]
    assert steps(event("submitted", 1), requeued)[1:] == ["12:00:02 put in again by MailScanner[22]"]
    taken_up = event("rerouted", 3, recipient="", next_queue_id="Q2")
    assert steps(event("submitted", 1), requeued, taken_up)[2:] == ["12:00:03 taken up as Q2"]
    followed = taken_up, event("rerouted", 3, next_queue_id="Q2"), event("submitted", 3, queue_id="Q2")
    assert steps(event("submitted", 1), requeued, *followed)[1:] == ["12:00:03 Q2 accepted"]


def test_a_trace_tells_whom_a_recipient_gave_way_to() -> None:
    """To another, to himself, or to somebody who is not named."""
    gave = [event("redirected", n, attributes=notes) for n, notes in enumerate((["to=s@x"], ["to=R@x"], []), 1)]
    assert steps(*gave) == ["12:00:01 redirected to s@x", "12:00:02 keeps a copy", "12:00:03 redirected"]


def test_a_trace_tells_where_a_notification_about_the_message_is() -> None:
    """Of another message only the latest is told, with whom it is for."""
    notice = event("delivered", 9, host="store", peer="inbox", recipient="bob@origin.test")
    ((*_, what, _),) = _journey.steps({"events": [], "alerts": [], "notices": [notice]})
    assert what == "its report to bob@origin.test: delivered to inbox"


def test_a_trace_tells_who_discharged_it_and_why() -> None:
    """The sentence that was asked for stands whole, below the steps."""
    said = event("discharged", 9, attributes=["by=Doe", "reason=told by telephone"])
    assert steps(said) == ["12:00:09 DISCHARGED by hand, by Doe"]
    assert _journey.discharges([said, said]) == ["Discharged by Doe: told by telephone"]
