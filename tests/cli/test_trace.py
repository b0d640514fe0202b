"""Where a message stands for its recipients, as `custody trace` says it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from streams.cli import trace
from streams.settings import Settings

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
LATE = NOON + timedelta(seconds=145)


def unit(state: str, **other: Any) -> dict[str, Any]:
    """A row of the view `custody`, whose report is in a state."""
    return {
        "recipient": "carol@dest.test",
        "report_state": state,
        "report": "",
        "report_due": NOON,
        "report_at": None,
        "proof_at": None,
        "proof": "",
        "outcome": "deleted",
        "last_host": "",
        "last_queue_id": "",
        "deleted_at": None,
        **other,
    }


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (unit("received", report_at=NOON), "report in time"),
        (unit("received", report_at=LATE), "report 2m25s late"),
        (unit("received", report_at=LATE, report_due=None), "report received"),
        (unit("received", report_at=LATE, report="discharged"), "no report, settled by hand"),
        (unit("not-asked", report_due=None), "no report asked"),
        (unit("expected"), "report expected"),
        (unit("beyond-sight", report_at=NOON), "beyond sight of reports"),
        (unit("overdue"), "report overdue 2m25s"),
        (unit("blind"), "report overdue 2m25s, blind"),
    ],
)
def test_each_state_of_a_report_is_said(row: dict[str, Any], says: str) -> None:
    """On the recipient's line, behind the proof."""
    assert trace.standing(row, LATE) == [f"To        carol@dest.test   UNPROVEN, deleted, {says}"]


def test_what_is_too_long_for_a_line_takes_two() -> None:
    """A long address cuts off nothing that is said of it."""
    long = unit("blind", recipient="a" * 64 + "@dest.test", proof_at=NOON, proof="switch", outcome="quarantined")
    (said,) = trace.standing(long, LATE)
    assert said.split("\n") == [
        f"To        {'a' * 64}@dest…",
        "          PROVEN by switch, yet quarantined, report overdue 2m25s, blind",
    ]


@pytest.mark.parametrize(
    ("events", "says"),
    [
        ([{"kind": "delivered", "side": "", "recipient": "c@d"}], "its arrival is not in the evidence"),
        ([{"kind": "transferred", "side": "received", "recipient": "c@d"}], "not submitted by us"),
        ([{"kind": "submitted", "traffic": "inbound", "recipient": "c@d"}], "not submitted by us"),
        ([{"kind": "submitted", "traffic": "ours", "recipient": ""}], "submitted, and no recipient is named yet"),
        (
            [{"kind": "submitted", "traffic": "ours", "recipient": "c@d"}],
            "submitted, and where it stands is not derived yet",
        ),
    ],
)
def test_a_message_without_units_says_why(events: list[dict[str, Any]], says: str) -> None:
    """Another's, on hold before anybody was named, or read a moment ago."""
    message = {"message_id": "<a@b>", "message_key": "a@b", "originator": "e@f"}
    assert trace.heading(message, {"units": [], "events": events}, {})[1] == f"From      e@f, {says}"


@pytest.mark.parametrize(("originator", "who"), [("", "<>"), (None, "unknown"), ("e@f", "e@f")])
def test_a_sender_that_no_evidence_names_is_not_the_null_sender(originator: str | None, who: str) -> None:
    """A log that begins in the middle, and a notification."""
    row = {"message_id": "<a@b>", "message_key": "a@b", "originator": originator, "first_at": NOON}
    assert trace.heading(row, {"units": [], "events": []}, {})[1].startswith(f"From      {who}, ")
    assert f" {who} " in trace.choice("c@d", [row], 10)[1]


def submission(queue_id: str, originator: str, recipient: str, **other: Any) -> dict[str, Any]:
    """A unit of a submission."""
    which = {"host": "origin", "queue_id": queue_id, "originator": originator, "recipient": recipient}
    return unit("not-asked", **{"submitted_at": NOON, "priority": 0, "size": 877, **which, **other})


def test_a_message_that_was_submitted_twice_has_a_sender_and_a_size_each_time() -> None:
    """A Message-ID is reused: who sent which, and to whom, is told by the queue id of its submission."""
    units = [
        submission("Q1", "alice@origin.test", "dave@dest.test"),
        submission("Q2", "bob@origin.test", "eve@dest.test", priority=4, size=6771)
    ]  # fmt: skip
    submitted = "   submitted 2026-11-23 12:00:00.000Z at origin"
    stands = "UNPROVEN, deleted, no report asked"
    assert "\n".join(trace.heading({"message_id": "a@b", "message_key": "a@b"}, {"units": units}, {})).split("\n") == [
        "Message   a@b",
        f"From      alice@origin.test{submitted}",
        "          Q1   normal   877 bytes",
        f"To        dave@dest.test   {stands}",
        f"From      bob@origin.test{submitted}",
        "          Q2   urgent   6,771 bytes",
        f"To        eve@dest.test   {stands}",
    ]


def test_one_submission_to_several_is_told_once() -> None:
    """As ever: what it is beside its id, and one sender."""
    units = [submission("Q1", "alice@origin.test", to) for to in ("dave@dest.test", "eve@dest.test")]
    lines = trace.heading({"message_id": "a@b", "message_key": "a@b"}, {"units": units}, {})
    assert lines[0] == "Message   a@b   normal   877 bytes"
    assert [line.split()[0] for line in lines] == ["Message", "From", "To", "To"]


def test_a_deletion_of_another_day_has_its_date() -> None:
    """Without it, it would look like one of today."""
    row = unit("overdue", last_host="mx", last_queue_id="Q1", deleted_at=NOON)
    assert trace.standing(row, LATE)[1] == "Last held mx Q1, deleted by hand 12:00:00"
    assert trace.standing(row, LATE + timedelta(days=1))[1] == "Last held mx Q1, deleted by hand 11-23 12:00:00"


def test_a_list_that_may_be_longer_says_how_to_see_the_older_ones() -> None:
    """With as much as was asked for there may be more."""
    rows = [{"first_at": NOON, "originator": "al@origin.test", "message_key": f"m{number}@x"} for number in range(50)]
    settings = Settings(ledger="r2")
    assert trace.choice("carol@x", rows, 51)[0] == "carol@x is said of 50 messages, the latest first:"
    assert trace.choice("carol@x", rows, 50)[0] == "carol@x is said of 50 messages or more, the latest first:"
    assert trace.older(settings, "carol@x", rows, 51) == []
    told = trace.older(settings, "to=<carol@x>,", rows, 50)
    assert told == ["", "Older ones: custody trace --limit 500 --ledger r2 carol@x"]


def test_who_has_said_nothing_is_named_and_the_report_is_never_cut_off() -> None:
    """Hosts of our evidence only; of many the first dozen."""
    events = [{"host": "mx", "peer": "far", "kind": "submitted"}]
    hosts = [f"switch-{number:02}.of.a.long.domain.test" for number in range(20)]
    lines = trace.unseen(events, ["mx", *hosts])
    assert max(map(len, lines)) <= 80
    assert " ".join(" ".join(lines).split()).endswith("switch-11.of.a.long.domain.test, 8 more hosts, any report")
    assert trace.unseen([*events, {"host": "mx", "peer": "", "kind": "reported"}], ["mx"]) == []
