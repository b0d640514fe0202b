"""Custody and alarms by SQL equal the stream's, whatever was fed when, how often and in which order."""

import random
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings

from streams import profiles
from streams.collect.evidence import Evidence
from streams.collect.sources import read
from streams.core import identity
from streams.core.events import Kind, MessageEvent
from streams.core.terms import SECOND, Terms
from streams.settings import Settings
from tests.core.journeys import TERMS, event, journey, reported, sent, stored, submitted
from tests.core.test_laws import a_log, sensible
from tests.warehouse.ledgers import Ledger

DAY = Path(__file__).parents[1] / "data" / "day"
END = 1_795_476_672
"""End of the day's evidence: 2026-11-23T23:31:12Z."""

FIGURES = "SELECT * FROM reliability_by_priority ORDER BY priority"

pytestmark = pytest.mark.service


@pytest.fixture(scope="module")
def day() -> list[MessageEvent]:
    """All events of the sample day, in no order."""
    events = list(Evidence(read(DAY / "sources.toml")).events())
    random.Random(3).shuffle(events)  # noqa: S311 - a test's order
    return events


def assert_agree(ledger: Ledger) -> None:
    """SQL finds what the stream told, row by row, and what it withdrew."""
    told, derived = ledger.told(), ledger.derived()
    assert {key: one for key, one in told.items() if derived.get(key) != one} == {}
    assert derived.keys() == told.keys()


def test_the_day_in_sql_is_the_day_in_the_core(stack: Settings, ledger: str, day: list[MessageEvent]) -> None:
    """Half of it read late, a source silent meanwhile, four partitions, two derivations: the same alarms; and again."""
    both = Ledger.made(stack, ledger, profiles.load(str(DAY / "day-terms.toml")), partitions=4)
    both.write(day[: len(day) // 2])
    both.tick(END - 120, silent=("origin-log",))
    both.derive()
    assert_agree(both)
    both.write(day[len(day) // 2 :])
    both.tick(END)
    both.derive()
    assert_agree(both)
    figures, alarms = both.ask(FIGURES), both.derived()
    both.write(day)
    both.tick(END)
    both.derive()
    assert both.ask(FIGURES) == figures
    assert both.derived() == alarms
    assert {row["sent"] for row in both.ask("SELECT sent FROM reliability_total")} == {234}


def test_derived_by_and_by_is_derived_at_once(stack: Settings, ledger: str, day: list[MessageEvent]) -> None:
    """Deriving what was touched, in pieces, gives the rows that deriving everything gives."""
    pieces = Ledger.made(stack, ledger, profiles.load(str(DAY / "day-terms.toml")))
    for start in range(0, len(day), 4000):
        pieces.write(day[start : start + 4000])
        pieces.derive()
    pieces.tick(END)
    pieces.derive()
    rows = kept(pieces)
    again = Ledger(pieces.client, profiles.load(str(DAY / "day-terms.toml")))
    pieces.client.command("INSERT INTO derivations SELECT * REPLACE ('older' AS terms) FROM derivations")
    assert again.derive() == len({one.message_key for one in day})
    assert kept(pieces) == rows


def kept(ledger: Ledger) -> dict[str, list[dict[str, Any]]]:
    """All derived rows."""
    return {
        table: ledger.ask(f"SELECT * FROM {table} ORDER BY message_key, {key}")  # noqa: S608 - our names
        for table, key in (("entries", "leg"), ("legs", "leg"), ("copies", "leg"), ("custody", "unit"))
    }


def test_new_terms_derive_everything_anew(stack: Settings, ledger: str) -> None:
    """Due times are by the terms in force, also of what was derived before."""
    old = Ledger.made(stack, ledger, Terms.parse(TERMS))
    old.write(submitted(0, "A1"))
    old.tick(100)
    assert old.derive() == 1
    assert old.derive() == 0
    assert sorted(one[0] for one in old.derived()) == ["overdue", "stuck"]
    new = Ledger(old.client, Terms.parse(TERMS | {"report": {"normal": 1000}, "findings": ["overdue"]}))
    assert new.derive() == 1
    assert new.derived() == {}


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(events=sensible())
def test_any_journeys_in_sql_are_those_in_the_core(stack: Settings, events: list[MessageEvent]) -> None:
    """Whole journeys of which some evidence is missing, half of it late."""
    both = Ledger.made(stack, f"h{random.randrange(10**12)}", Terms.parse(TERMS))  # noqa: S311 - a name
    try:
        both.write(events[::2])
        both.tick(60)
        both.derive()
        both.write(events[1::2])
        both.tick(400)
        both.derive()
        assert_agree(both)
    finally:
        both.client.command(f"DROP DATABASE {both.client.database}")


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(log=a_log())
def test_any_log_in_sql_is_that_log_in_the_core(stack: Settings, log: list[MessageEvent | int]) -> None:
    """Whole journeys or none, sensible or not, in any order, with ticks anywhere: late evidence counts alike."""
    both = Ledger.made(stack, f"h{random.randrange(10**12)}", Terms.parse(TERMS))  # noqa: S311 - a name
    try:
        some: list[MessageEvent] = []
        for one in [*log, 1000 * SECOND]:
            if not isinstance(one, int):
                some.append(one)
                continue
            both.write(some)
            both.tick(one / SECOND)
            some = []
        both.derive()
        assert_agree(both)
    finally:
        both.client.command(f"DROP DATABASE {both.client.database}")


def twice_submitted() -> tuple[list[MessageEvent], list[MessageEvent]]:
    """A Message-ID submitted twice and a report of one of them; and what joins the report to its submission."""
    first = [*submitted(0, "A1"), *submitted(1, "A2")]
    return [*first, *reported(3, ("relay", "B1"))], sent(2, ("origin", "A1"), ("relay", "B1"))


def withdrawn(ledger: Ledger) -> list[tuple[str, int]]:
    """What SQL says was withdrawn: rule and second."""
    return [(rule, (alarm[1] or 0) // SECOND) for (rule, _), alarm in ledger.derived().items() if alarm[4]]


def test_a_hand_over_that_comes_late_withdraws_what_it_proves_wrong(stack: Settings, ledger: str) -> None:
    """It stands until the tick after the hand-over, in SQL as in the stream; and is in neither once more for ever."""
    both = Ledger.made(stack, ledger, Terms.parse(TERMS | {"findings": ["overdue"]}))
    parts, between = twice_submitted()
    both.tick(2)
    both.write(parts)
    both.tick(70)
    both.write(between)
    both.derive()
    assert_agree(both)
    assert [alarm[1] for alarm in both.derived().values()] == [None, None]
    both.tick(80)
    assert both.derive() == 0
    assert_agree(both)
    assert withdrawn(both) == [("overdue", 80)]
    both.tick(90)
    both.write(stored(80, ("relay", "B1"), "s1"))
    both.tick(100)
    assert both.derive() == 1
    assert_agree(both)
    assert withdrawn(both) == [("overdue", 80)]
    assert {row["n"] for row in both.ask("SELECT count() AS n FROM custody")} == {2}


def test_new_terms_look_back_by_what_they_say(stack: Settings, ledger: str) -> None:
    """A report that may come later was not overdue before the hand-over: nothing was told, hence nothing withdrawn."""
    old = Ledger.made(stack, ledger, Terms.parse(TERMS | {"findings": ["overdue"]}))
    parts, between = twice_submitted()
    for at, some in ((2, parts), (70, between), (80, [])):
        old.tick(at)
        old.write(some)
    old.derive()
    assert withdrawn(old) == [("overdue", 80)]
    new = Ledger(old.client, Terms.parse(TERMS | {"report": {"normal": 1000}, "findings": ["overdue"]}))
    new.derive()
    assert new.derived() == {}


def test_a_hand_over_takes_nothing_away_before_the_first_tick(stack: Settings, ledger: str) -> None:
    """An import reads in any order, and nobody was told meanwhile."""
    both = Ledger.made(stack, ledger, Terms.parse(TERMS | {"findings": ["overdue"]}))
    for some in twice_submitted():
        both.write(some)
    both.tick(80)
    both.derive()
    assert_agree(both)
    assert withdrawn(both) == []
    assert both.ask("SELECT * FROM reunion_records") == []


A, B, C = ("origin", "A1"), ("relay", "B1"), ("dest", "C1")


def gone(at: float, where: tuple[str, str], kind: Kind = Kind.REMOVED) -> MessageEvent:
    """An entry left its queue as a whole."""
    return event(kind, at, host=where[0], queue_id=where[1])


def to(kind: Kind, at: float, where: tuple[str, str], **fields: Any) -> MessageEvent:
    """Something happened to bob's copy at a place."""
    return event(kind, at, host=where[0], queue_id=where[1], **({"recipient": "bob@dest.test"} | fields))


EACH: dict[str, list[MessageEvent]] = {
    "overdue": journey(0, "1", report=False),
    "unread": journey(0, "1", read=False),
    "not-read": [
        *journey(0, "1", read=False),
        to(Kind.NOT_READ, 50, ("store", "INBOX/s1"), leg=identity.copy_leg("store", "bob@dest.test", "INBOX", "s1")),
    ],
    "stuck": submitted(0, "A1"),
    "refused": [*submitted(0, "A1"), to(Kind.REFUSED, 3, A, status="5.1.1"), *reported(4, A, "failed")],
    "deleted": [*submitted(0, "A1"), gone(5, A, Kind.DELETED)],
    "unaccounted": [*submitted(0, "A1", recipients_expected=2), to(Kind.DELIVERED, 1, A), gone(2, A)],
    "misrouted": [
        *submitted(0, "A1"),
        to(
            Kind.TRANSFERRED, 1, A, side="sent", peer="relay", next_queue_id="B1",
            next_leg=identity.leg_of("relay", "B1", "eve@else.test", key="m"),
        ),
        to(Kind.DELIVERED, 2, B, recipient="eve@else.test"),
    ],
    "duplicate": [*journey(0, "1"), *stored(5, ("relay", "B1"), "s9", ordinal=1)],
    "identity-reused": [*journey(0, "1"), *journey(30, "2")],
    "uncorroborated-report": [to(Kind.REPORTED, 5, ("nowhere", "X1"), action="delivered")],
}  # fmt: skip
"""For each finding, a journey that has it."""


def claim(at: float, to: str, key: str) -> MessageEvent:
    """A report about bob's message names another recipient at the relay."""
    leg = identity.leg_of("relay", "B1", to, key=key)
    where: dict[str, Any] = {"host": "origin", "queue_id": "A1", "recipient": "bob@dest.test", "peer": "relay"}
    return event(Kind.REPORTED, at, key=key, action="delivered", next_leg=leg, **where)


def redirected(at: float, first: str, to: str, key: str) -> MessageEvent:
    """The relay says that a recipient gave way to another."""
    leg = identity.leg_of("relay", "B1", to, key=key)
    return event(Kind.REDIRECTED, at, key=key, host="relay", queue_id="B1", recipient=first, next_leg=leg)


def test_who_was_redirected_says_why_a_report_names_another(stack: Settings, ledger: str) -> None:
    """Of four messages that dave got bob's address gave way; another's did; bob's, too late; the relay is not heard."""
    both = Ledger.made(stack, ledger, Terms.parse(TERMS))
    for number, first in enumerate(("bob@dest.test", "eve@else.test", "", "")):
        key = f"m{number}"
        heard = sent(1, A, B, key=key)[: 2 if number == 3 else 3]
        both.write([*submitted(0, "A1", key=key), *heard, claim(3, "dave@else.test", key)])
        if first:
            both.write([redirected(2, first, "dave@else.test", key)])
    both.tick(10)
    both.write([redirected(2, "bob@dest.test", "dave@else.test", "m2")])
    both.tick(500)
    both.derive()
    assert_agree(both)
    assert [
        key
        for (key,) in both.client.query(
            "SELECT message_key FROM alarms WHERE rule = 'misrouted' ORDER BY message_key"
        ).result_rows
    ] == ["m1"]


def test_whoever_a_report_names_is_no_recipient_of_a_queue(stack: Settings, ledger: str) -> None:
    """What is reported under an address that no queue had is neither stuck, nor counted, nor in a queue."""
    both = Ledger.made(stack, ledger, Terms.parse(TERMS))
    for key, queue_id in (("m", "A1"), ("n", "A2")):
        where: dict[str, Any] = {"key": key, "host": "origin", "queue_id": queue_id}
        both.write(submitted(0, queue_id, key=key, recipients_expected=2))
        both.write([event(Kind.REPORTED, 3, recipient="robert@else.test", action="delivered", **where)])
    both.write([event(Kind.REMOVED, 9, **where)])
    both.tick(500)
    both.derive()
    assert_agree(both)
    named = both.ask("SELECT queue_id, recipient FROM alarms WHERE rule IN ('stuck', 'unaccounted') ORDER BY queue_id")
    assert [(row["queue_id"], row["recipient"]) for row in named] == [("A1", "bob@dest.test"), ("A2", "")]
    assert [row["n"] for row in both.ask("SELECT count() AS n FROM legs WHERE arrived_at IS NOT NULL")] == [2]


def test_a_report_keeps_what_it_cleared_though_it_turns_out_to_be_anothers(stack: Settings, ledger: str) -> None:
    """As long as one submission was known it was that one's; of measures only the other has it."""
    both = Ledger.made(stack, ledger, Terms.parse(TERMS))
    both.write(submitted(0, "A1"))
    both.tick(60)
    both.write(reported(2, ("origin", "A2")))
    both.tick(61)
    both.write(submitted(0, "A2"))
    both.tick(500)
    both.derive()
    assert_agree(both)
    proven = "SELECT queue_id, proof_at IS NOT NULL FROM custody ORDER BY queue_id"
    assert both.client.query(proven).result_rows == [("A1", 0), ("A2", 1)]


def test_a_report_that_turns_out_to_be_anothers_hides_no_loss(stack: Settings, ledger: str) -> None:
    """It was known before the submission that it is about, and before it was due: who is left without one is told."""
    both = Ledger.made(stack, ledger, Terms.parse(TERMS))
    both.write(submitted(0, "A1") + reported(2, ("origin", "A2")))
    both.tick(3)
    both.write(submitted(1, "A2"))
    both.tick(500)
    both.derive()
    assert_agree(both)
    late = both.ask("SELECT queue_id, proven, cleared_at FROM alarms WHERE rule = 'overdue'")
    assert [(row["queue_id"], row["proven"], row["cleared_at"]) for row in late] == [("A1", False, None)]


@pytest.mark.parametrize("rule", ["deleted", "refused", "misrouted"])
def test_a_queue_that_nothing_handed_to_is_the_only_submissions(stack: Settings, ledger: str, rule: str) -> None:
    """The log of the hand-over is lost: what befell that queue befell the message all the same."""
    both = Ledger.made(stack, ledger, Terms.parse(TERMS | {"findings": [rule]}))
    for key, places in (("one", ["A1"]), ("two", ["A1", "A2"])):
        here: dict[str, Any] = {"host": "relay", "queue_id": "B1", "key": key}
        eve = identity.leg_of("dest", "C1", "eve@else.test", key=key)
        away: dict[str, Any] = {"recipient": "bob@dest.test", "side": "sent", "peer": "dest", "next_queue_id": "C1"}
        befell = {
            "deleted": event(Kind.DELETED, 5, **here),
            "refused": event(Kind.REFUSED, 5, **here),
            "misrouted": event(Kind.TRANSFERRED, 5, next_leg=eve, **here, **away),
        }
        for place in places:
            both.write(submitted(0, place, key=key))
        both.write([event(Kind.TRANSFERRED, 2, side="received", recipient="bob@dest.test", **here), befell[rule]])
    both.tick(500)
    both.derive()
    assert_agree(both)
    found = both.ask("SELECT rule, message_key, queue_id FROM alarms")
    assert [tuple(row.values()) for row in found] == [(rule, "one", "A1")]


def test_what_names_a_deputy_alone_is_about_whom_they_stand_for(stack: Settings, ledger: str) -> None:
    """A report and a receipt by the deputy's name; where they were written to themselves, it is about that."""
    both = Ledger.made(stack, ledger, Terms.parse(TERMS | {"findings": ["overdue", "unread"]}))
    dave = "dave@dest.test"
    for key in ("deputy", "both"):
        both.write([*submitted(0, "A1", key=key), *sent(1, A, B, key=key), redirected(2, "bob@dest.test", dave, key)])
        both.write(stored(3, B, f"s{key}", dave, key=key))
        leg = identity.pair_leg(key, dave)
        both.write([event(Kind.REPORTED, 4, key=key, recipient=dave, action="delivered", leg=leg)])
        both.write([event(Kind.READ, 5, key=key, recipient=dave, action="displayed", leg=leg)])
    both.write(submitted(0, "A1", dave, key="both"))
    both.tick(500)
    both.derive()
    assert_agree(both)
    found = both.ask("SELECT rule, message_key, recipient FROM alarms ORDER BY rule")
    assert [tuple(row.values()) for row in found] == [
        ("overdue", "both", "bob@dest.test"),
        ("unread", "both", dave),
    ]


def copy_of(key: str, box: str) -> bytes:
    """Bob's copy of a message in a mailbox."""
    return identity.copy_leg("store", "bob@dest.test", box, f"s{key}")


def moved(at: float, key: str, box: str, there: str) -> MessageEvent:
    """Bob's client moved it."""
    one = to(Kind.TRANSFERRED, at, ("store", box), side="moved", leg=copy_of(key, box), next_leg=copy_of(key, there))
    return msgspec.structs.replace(one, message_key=key)


def there(kind: Kind, at: float, key: str, box: str) -> MessageEvent:
    """Something happened to it there."""
    return msgspec.structs.replace(to(kind, at, ("store", box), leg=copy_of(key, box)), message_key=key)


def test_what_was_moved_unopened_is_still_to_be_read(stack: Settings, ledger: str) -> None:
    """By its time, wherever it lies: opened there late, purged there, or moved on and left there."""
    both = Ledger.made(stack, ledger, Terms.parse(TERMS))
    for key in ("late", "purged", "on"):
        both.write([*journey(0, key, key=key, read=False), moved(5, key, "INBOX", "Later")])
    both.write([there(Kind.READ, 150, "late", "Later"), there(Kind.NOT_READ, 50, "purged", "Later")])
    both.write([moved(160, "on", "Later", "Trash")])
    both.tick(500)
    both.derive()
    assert_agree(both)
    said = both.ask("SELECT rule, message_key, cleared_at IS NULL AS stands FROM alarms ORDER BY message_key")
    assert [(row["rule"], row["message_key"], row["stands"]) for row in said] == [
        ("unread", "late", 0),
        ("unread", "on", 1),
        ("not-read", "purged", 1),
    ]


@pytest.mark.parametrize("rule", sorted(EACH))
def test_each_finding_in_sql_is_the_cores(stack: Settings, ledger: str, rule: str) -> None:
    """Rule, unit, due, raised, cleared and proven."""
    both = Ledger.made(stack, ledger, Terms.parse(TERMS))
    both.write(EACH[rule])
    both.tick(500)
    both.derive()
    assert rule in {name for name, _ in both.told()}
    assert_agree(both)


def test_refusals_that_were_told_are_quiet_where_the_terms_say_so(stack: Settings, ledger: str) -> None:
    """Under `untold` only the refusals that nobody told the originator are found; a notice of delay tells nothing."""
    both = Ledger.made(stack, ledger, Terms.parse(TERMS | {"refused": "untold"}))
    both.write(EACH["refused"])
    both.write(
        [
            *submitted(0, "A7", key="x"),
            event(Kind.REFUSED, 3, key="x", host="origin", queue_id="A7", recipient="bob@dest.test"),
        ]
    )
    for key, notice in (("y", "delayed"), ("z", "failed")):
        both.write(
            [
                *submitted(0, "A8", key=key),
                event(Kind.REFUSED, 3, key=key, host="origin", queue_id="A8", recipient="bob@dest.test"),
                event(
                    Kind.REPORTED, 4, key=key, host="origin", queue_id="A8", action="issued",
                    attributes=(f"notification={notice}",),
                ),
            ]
        )  # fmt: skip
    both.tick(500)
    both.derive()
    assert_agree(both)
    assert sum(name == "refused" for name, _ in both.told()) == 2


def test_terms_by_domain_fix_due_times_as_in_the_core(stack: Settings, ledger: str) -> None:
    """The last rule that matches wins, by shell patterns."""
    rules = [
        {"recipient_domain": "*.test", "report": {"normal": 7}},
        {"originator_domain": "o?igin.t[de]st", "stuck": {}},
    ]
    both = Ledger.made(stack, ledger, Terms.parse(TERMS | {"rules": rules}))
    both.write(submitted(0, "A1"))
    both.tick(500)
    both.derive()
    assert_agree(both)
    assert [(name, alarm[0]) for (name, _), alarm in both.told().items()] == [("overdue", 7 * SECOND)]


def test_terms_by_grade_and_mailbox_fix_due_times_as_in_the_core(stack: Settings, ledger: str) -> None:
    """High grade is owed sooner; a duty desk is read sooner, and a robot never."""
    rules = [{"grade": "high", "report": {"normal": 7}, "stuck": {"normal": 8}}]
    boxes = [{"mailbox": "duty@*/INBOX", "after": 9}, {"mailbox": "robot@*"}]
    unread = {"after": 100, "mailboxes": ["*@dest.test/INBOX"], "rules": boxes}
    both = Ledger.made(stack, ledger, Terms.parse(TERMS | {"rules": rules, "unread": unread}))
    both.write([*submitted(0, "A1", attributes=("grade=High",)), *submitted(0, "A2", key="n")])
    for user in ("duty", "bob", "robot"):
        both.write(stored(1, B, f"s-{user}", f"{user}@dest.test", key=user))
    both.tick(500)
    both.derive()
    assert_agree(both)
    due = sorted((rule, (late or 0) // SECOND) for (rule, _), (_, _, late, _, _) in both.told().items())
    assert due == [("overdue", 7), ("overdue", 60), ("stuck", 8), ("stuck", 30), ("unread", 10), ("unread", 101)]


def test_a_second_copy_of_one_chain_stays_a_duplicate(stack: Settings, ledger: str) -> None:
    """Its first copy was a duplicate of another, by the message alone, until a second submission was known."""
    both = Ledger.made(stack, ledger, Terms.parse(TERMS | {"findings": ["duplicate"]}))
    last = ("relay", "B0")
    for at, some in (
        (80, stored(20, B, "s1")[-1:]),
        (110, stored(16, last, "s0")[-1:]),
        (200, [*submitted(15, "A0"), *sent(15.5, ("origin", "A0"), last), *stored(16, last, "s0")[:1]]),
        (200, [*stored(18, last, "x0", ordinal=1), *submitted(19, "A1")]),
    ):
        both.tick(at)
        both.write(some)
    both.tick(500)
    both.derive()
    assert_agree(both)
    assert sorted(alarm[:2] for alarm in both.told().values()) == [
        (110 * SECOND + 1, 200 * SECOND + 1),
        (200 * SECOND + 1, None),
    ]


def test_evidence_of_two_keys_is_one_chain_by_hand_over(stack: Settings, ledger: str) -> None:
    """A session that the store knows under another Message-ID still proves the delivery."""
    both = Ledger.made(stack, ledger, Terms.parse(TERMS))
    first, second = (journey(0, "1")[:-5], journey(0, "1")[-5:])
    both.write(first)
    both.derive()
    both.write([*second[:1], *(event_of_other_key(one) for one in second[1:])])
    both.tick(500)
    both.derive()
    assert [row["outcome"] for row in both.ask("SELECT outcome FROM custody")] == ["delivered"]


def event_of_other_key(one: MessageEvent) -> MessageEvent:
    """The same fact under a key made by its place."""
    return msgspec.structs.replace(one, message_key=f"/{one.host}/{one.queue_id}")


def test_a_report_that_a_wrong_clock_may_explain(stack: Settings, ledger: str) -> None:
    """`clock-doubt` in SQL where it is in the core."""
    both = Ledger.made(stack, ledger, Terms.parse(TERMS))
    both.write(submitted(0, "A1"))
    both.tick(20, doubted=("origin-log",))
    both.tick(50)
    both.write(submitted(100, "A2", key="n"))
    both.tick(500)
    both.derive()
    assert_agree(both)
    assert sorted(rule for rule, _ in both.told() if rule != "stuck") == ["clock-doubt", "overdue", "source-doubted"]


def test_a_report_that_a_silent_source_may_explain(stack: Settings, ledger: str) -> None:
    """It waits until the source has spoken; a submission that becomes known meanwhile makes it no finding."""
    both = Ledger.made(stack, ledger, Terms.parse(TERMS))
    both.tick(2, silent=("origin",))
    both.write([*reported(5, ("nowhere", "X1")), *reported(6, ("origin", "A1"), key="n")])
    both.tick(90)
    both.write(submitted(0, "A1", key="n"))
    both.tick(200)
    both.derive()
    assert_agree(both)
    waited = [alarm for (rule, _), alarm in both.told().items() if rule == "uncorroborated-report"]
    assert waited == [(110 * SECOND, None, None, False, False)]


def test_a_hand_over_that_never_arrived(stack: Settings, ledger: str) -> None:
    """The relay speaks, and never said that it received this one."""
    both = Ledger.made(stack, ledger, Terms.parse(TERMS))
    both.write(journey(0, "1", key="other"))
    both.write([*submitted(0, "A1"), sent(1, A, ("relay", "B7"))[0], gone(1, A)])
    both.tick(500)
    both.derive()
    assert ("unaccounted", submitted(0, "A1")[1].leg) in both.told()
    assert_agree(both)


@pytest.mark.parametrize("kind", [Kind.DISCARDED, Kind.QUARANTINED])
def test_what_the_store_threw_away_was_not_delivered(stack: Settings, ledger: str, kind: Kind) -> None:
    """The switch and a report say delivered; the store says that it put the message nowhere its reader looks."""
    both = Ledger.made(stack, ledger, Terms.parse(TERMS))
    saved = [one for one in journey(0, "1", read=False) if one.host != "store"]
    leg = identity.session_leg("s1")
    both.write([*saved, event(kind, 1, host="store", queue_id="s1", recipient="bob@dest.test", leg=leg)])
    both.write(journey(0, "2", key="n"))
    both.tick(100)
    both.derive()
    said = both.ask("SELECT message_key, outcome, proof FROM custody ORDER BY message_key")
    assert [(row["outcome"], row["proof"]) for row in said] == [(kind.value, "switch"), ("delivered", "store")]
