"""The daily figures beside the reliability contract: every row of each view, from a few hand-made messages."""

from datetime import UTC, datetime
from typing import Any

import pytest

from streams.core.events import Kind, MessageEvent, Traffic
from streams.core.terms import SECOND, Terms
from streams.kafka.names import REJECTIONS
from streams.settings import Settings
from streams.warehouse.rows import PLAIN
from tests.core.journeys import TERMS, event, moved, opened, reported, sent, stored, submitted, there
from tests.warehouse.ledgers import READ, Ledger

pytestmark = pytest.mark.service

BOB = "bob@dest.test"
DORA = "dora@else.test"
"""Nobody watches her mailbox."""

QUEUE = ("host", "next_hop", "priority", "log_partition", "at", "count", "oldest", "volume", "deferred", "held")

WATCHED = ["*@dest.test/INBOX", "root/INBOX"]

DAY = 86_400
DAYS = [datetime(1970, 1, 1, tzinfo=UTC).date(), datetime(1970, 1, 2, tzinfo=UTC).date()]


@pytest.fixture(scope="module")
def figures(stack: Settings) -> Ledger:
    """Two days: of what we sent, of what came from outside, and of what lies in mailboxes."""
    made = Ledger.made(stack, Terms.parse(TERMS | {"unread": {"after": 100, "mailboxes": WATCHED}}))
    for some in (ours(), inbound(), mailboxes()):
        made.write(some)
    for _ in range(2):
        made.client.insert("queue_records", queues(), column_names=QUEUE)
        made.client.insert("rejection_records", refusals(), column_names=PLAIN[REJECTIONS][2])
    made.tick(2 * DAY)
    made.derive()
    return made


def refusals() -> list[list[Any]]:
    """Two of one client, of which one is told in whole seconds, too; a greylisted one; one the next day."""

    def one(number: int, moment: float, address: str, recipient: str, code: int, status: str) -> list[Any]:
        told = ["smtpd", "RCPT", "unknown", address, code, status, "x@spam.test", recipient, "", "no", "s", "f", number]
        return [bytes([number]) * 16, at(moment), at(READ / SECOND), "door", *told]

    return [
        one(1, 5.25, "192.0.2.1", "ann@else.test", 550, "5.1.1"),
        one(1, 5, "192.0.2.1", "ann@else.test", 550, "5.1.1"),
        one(2, 5.5, "192.0.2.1", "Ann@else.test", 550, "5.1.1"),
        one(3, 9, "192.0.2.2", "", 450, "4.2.0"),
        one(4, DAY, "192.0.2.2", "ann@else.test", 550, "5.1.1"),
    ]


def ours() -> list[MessageEvent]:
    """Three by the relay, after 2, 4 and 70 seconds; urgent; lost; settled by hand; the next day; two not due."""
    events = []
    for key, start, seconds in (("two", 0, 2), ("four", 10, 4), ("late", 20, 70), ("next", DAY, 3)):
        first, last = ("origin", f"A{key}"), ("relay", f"B{key}")
        events += [*submitted(start, first[1], DORA, key=key), *sent(start + 1, first, last, DORA, key=key)]
        events += stored(start + seconds, last, f"s{key}", DORA, key=key)
        events += reported(start + seconds, last, recipient=DORA, key=key)
    events += [*submitted(0, "Aurgent", key="urgent", priority=4), *reported(1.5, ("origin", "Aurgent"), key="urgent")]
    events += [*submitted(30.75, "Awhole", key="whole", priority=6)]
    events += reported(30, ("origin", "Awhole"), key="whole")  # whole seconds
    events += submitted(2 * DAY - 10, "Anew", key="new")
    events += submitted(2 * DAY - 9, "Aquick", key="quick")
    events += reported(2 * DAY - 8, ("origin", "Aquick"), key="quick")
    events += submitted(0, "Acron", "root", key="cron", originator="cron")  # local mail
    events += submitted(0, "Ahand", key="hand")
    events.append(event(Kind.DISCHARGED, 400, host="origin", queue_id="Ahand", recipient=BOB, key="hand"))
    return [*events, *submitted(0, "Alost", key="lost")]


def inbound() -> list[MessageEvent]:
    """Four that came from outside on the first day, of which one waits and one is refused; one on the next."""
    events = []
    for key, start, seconds, kind in (
        ("in1", 0, 2.5, Kind.DELIVERED),
        ("in2", 5, 1, Kind.DELIVERED),
        ("in3", 6, 0.5, Kind.REFUSED),
        ("in4", 7, 1, Kind.DEFERRED),
        ("in5", DAY, 4, Kind.DELIVERED),
    ):
        here: dict[str, Any] = {"key": key, "host": "door", "queue_id": "D1", "recipient": "eve@else.test"}
        events.append(event(Kind.TRANSFERRED, start, side="received", traffic=Traffic.INBOUND, **here))
        events.append(event(kind, start + seconds, **here))
    return events


def mailboxes() -> list[MessageEvent]:
    """Bob's: opened in time, too late, where it was moved to; lying there; gone unread; and one not due yet. Root's."""
    events = stored(0, ("dest", "Croot"), "box0", "root", key="box0")
    for key, start in (("box1", 0), ("box2", 0), ("box3", 0), ("box4", 0), ("box5", 0), ("box6", 2 * DAY - 50)):
        events += stored(start, ("dest", f"C{key}"), key, BOB, key=key)
    return [
        *events,
        *opened(100, "box1", key="box1"),
        *opened(100.000001, "box2", key="box2"),
        moved(5, "INBOX", "Later", "box3", key="box3"),
        there(Kind.READ, 20, "Later", "box3", key="box3"),
        there(Kind.NOT_READ, 30, "INBOX", "box5", key="box5"),
    ]


def queues() -> list[tuple[Any, ...]]:
    """What two partitions told: of two queues in a minute, and in the next ones that one of them owes nothing more."""
    return [
        ("origin", "relay", 0, 0, at(241), 3, at(60), 3000, 2, 1),
        ("origin", "", 0, 0, at(241), 5, at(30), 50, 0, 5),
        ("origin", "relay", 0, 1, at(242), 9, at(30), 900, 9, 0),
        ("origin", "relay", 0, 1, at(299.999999), 4, at(30), 500, 1, 0),
        ("origin", "relay", 0, 0, at(300), 0, None, 0, 0, 0),
        ("origin", "relay", 0, 1, at(301), 4, at(30), 500, 1, 0),
        ("origin", "relay", 0, 1, at(360), 0, None, 0, 0, 0),
    ]


def at(seconds: float) -> datetime:
    """A time of the first day."""
    return datetime.fromtimestamp(seconds, UTC)


def rows(ledger: Ledger, view: str) -> list[tuple[Any, ...]]:
    """All rows of a view, in order."""
    found: list[tuple[Any, ...]] = ledger.client.query(f"SELECT * FROM {view} ORDER BY ALL").result_rows  # noqa: S608
    return found


def test_transfer_times_count_from_submission_to_proof(figures: Ledger) -> None:
    """By all that reliability is by: exact quantiles of what was proven, whenever that was; never below 0."""
    bob, dora = ("origin.test", "dest.test"), ("origin.test", "else.test")
    assert rows(figures, "transfer_times") == [
        (DAYS[0], 0, "", *bob, 1, 400.0, 400.0, 400.0),
        (DAYS[0], 0, "relay", *dora, 3, 4.0, 70.0, 70.0),
        (DAYS[0], 4, "", *bob, 1, 1.5, 1.5, 1.5),
        (DAYS[0], 6, "", *bob, 1, 0.0, 0.0, 0.0),
        (DAYS[1], 0, "", *bob, 1, 1.0, 1.0, 1.0),
        (DAYS[1], 0, "relay", *dora, 1, 3.0, 3.0, 3.0),
    ]


def test_transfer_times_have_the_domains_that_reliability_has(figures: Ledger) -> None:
    """One definition, in one set of words."""
    of_times, of_reliability = (
        figures.ask(
            "SELECT name, comment FROM system.columns WHERE database = currentDatabase() AND table = {view:String}"
            " AND name LIKE '%domain' ORDER BY position",
            view=view,
        )
        for view in ("transfer_times", "reliability")
    )
    assert of_times == of_reliability != []


def test_reliability_by_peer_is_that_of_the_first_next_party(figures: Ledger) -> None:
    """What was handed to nobody stands under an empty name."""
    found = figures.ask(
        "SELECT peer, sent, not_yet_due, owed, in_time, late, open, reliability, reports_owed, reports_in_time,"
        " reports_late, reports_missing, reports_not_yet_due, reports_by_hand FROM reliability_by_peer ORDER BY peer"
    )
    assert [tuple(row.values()) for row in found] == [
        ("", 7, 2, 5, 2, 1, 2, 0.4, 7, 3, 0, 2, 1, 1),
        ("relay", 4, 0, 4, 3, 1, 0, 0.75, 4, 3, 1, 0, 0, 0),
    ]


def test_every_report_that_is_owed_is_counted_once(figures: Ledger) -> None:
    """When it came, however soon; as missing once it is due; and apart where a person settled it, who is no report."""
    names = ", ".join(f"reports_{name}" for name in ("in_time", "late", "missing", "not_yet_due", "by_hand", "owed"))
    (total,) = figures.ask(f"SELECT {names} FROM reliability_total")  # noqa: S608 - our names
    assert tuple(total.values()) == (6, 1, 2, 1, 1, 11)


@pytest.mark.parametrize("view", ["reliability", "reliability_by_domain"])
def test_an_address_without_a_domain_makes_none(figures: Ledger, view: str) -> None:
    """Local users of a host are no domains."""
    found = figures.ask(
        "SELECT originator_domain, recipient_domain, sum(sent) AS sent"  # noqa: S608 - our names
        f" FROM {view} GROUP BY ALL ORDER BY ALL"
    )
    assert [tuple(row.values()) for row in found] == [
        ("", "", 1),
        ("origin.test", "dest.test", 6),
        ("origin.test", "else.test", 4),
    ]


def test_inbound_counts_what_came_from_outside_by_where_it_lies(figures: Ledger) -> None:
    """Handed on, waiting and refused, and how long the longest of twenty stayed at most."""
    assert rows(figures, "inbound_daily") == [(DAYS[0], "door", 4, 3, 1, 1, 2.5), (DAYS[1], "door", 1, 1, 0, 0, 4.0)]


def test_what_is_turned_away_at_the_door_is_counted_by_its_reply(figures: Ledger) -> None:
    """Told by two paths it is one, at the earliest; an address is one however it is spelt; nothing of it is in N."""
    assert sorted(rows(figures, "rejected_daily")) == [
        (DAYS[0], "door", 450, "4.2.0", 1, 1, 1, 0),
        (DAYS[0], "door", 550, "5.1.1", 2, 1, 1, 1),
        (DAYS[1], "door", 550, "5.1.1", 1, 1, 1, 1),
    ]
    (first,) = figures.ask("SELECT occurred_at, recipient FROM rejections WHERE offset = 1")
    assert first["occurred_at"].replace(tzinfo=UTC) == at(5)


def test_reads_count_copies_of_watched_mailboxes_by_what_became_of_them(figures: Ledger) -> None:
    """At its due time it is still in time; a copy that was moved is read where it lies then, and counted once."""
    assert rows(figures, "reads_daily") == [
        (DAYS[0], "", 1, 0, 0, 0, 1, 0),
        (DAYS[0], "dest.test", 5, 0, 2, 1, 1, 1),
        (DAYS[1], "dest.test", 1, 1, 0, 0, 0, 0),
    ]


def test_queue_states_are_the_sums_of_the_partitions(figures: Ledger) -> None:
    """One row a minute, host and next hop: what each partition told last in it; what is fed again counts once."""
    found = figures.ask("SELECT * FROM queue_states ORDER BY at, next_hop")
    assert [
        tuple(one.replace(tzinfo=UTC) if isinstance(one, datetime) else one for one in row.values()) for row in found
    ] == [
        (at(300), "origin", "", 0, 5, at(30), 50, 0, 5),
        (at(300), "origin", "relay", 0, 7, at(30), 3500, 3, 1),
        (at(360), "origin", "relay", 0, 4, at(30), 500, 1, 0),
        (at(420), "origin", "relay", 0, 0, None, 0, 0, 0),
    ]


def test_queue_states_of_a_short_time_need_no_others(figures: Ledger) -> None:
    """A dashboard asks every few seconds, and the table grows by millions of rows a day."""
    plan = figures.ask("EXPLAIN indexes = 1 SELECT * FROM queue_states WHERE at >= '2026-11-23 12:00:00'")
    assert any("Condition: (" in row["explain"] for row in plan), plan


@pytest.mark.parametrize("year", [1969, 2199])
def test_a_day_far_away_is_no_other(stack: Settings, year: int) -> None:
    """Whatever a wrong clock says, as far as times are taken at all, counts on its own day."""
    noon = datetime(year, 11, 27, 12, tzinfo=UTC)
    far = noon.timestamp()
    here: dict[str, Any] = {"key": "in", "host": "door", "queue_id": "D1", "recipient": "eve@else.test"}
    watched = {"bulk": ["news@*"], "unread": {"after": 100, "mailboxes": WATCHED}}
    made = Ledger.made(stack, Terms.parse(TERMS | watched))
    made.write([*submitted(far, "A1"), *reported(far + 5, ("origin", "A1")), *stored(far, ("dest", "C1"), "s1")])
    made.write(submitted(far, "A2", key="news", originator="news@origin.test"))
    made.write([event(Kind.TRANSFERRED, far, side="received", traffic=Traffic.INBOUND, **here)])
    made.tick(far + DAY)
    made.derive()
    for view in ("reliability_daily", "transfer_times", "unexpected_daily", "inbound_daily", "reads_daily"):
        assert made.ask(f"SELECT DISTINCT day FROM {view}") == [{"day": noon.date()}], view  # noqa: S608 - our names
