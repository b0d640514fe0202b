"""Custody and alarms by SQL equal the stream's, whatever was fed when, how often and in which order."""

import os
import random
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings

from streams import profiles
from streams.collect.evidence import Evidence
from streams.collect.sources import read
from streams.core.errors import Unavailable
from streams.core.events import MessageEvent
from streams.core.terms import SECOND, Terms
from streams.kafka.names import EVENTS
from streams.settings import Settings
from streams.wall import Wall
from streams.warehouse.derive import derivation, derive
from streams.warehouse.fed import COLUMNS
from tests.core.journeys import (
    TERMS,
    journey,
    reported,
    sent,
    stored,
    submitted,
)
from tests.core.test_laws import a_log, sensible
from tests.warehouse.ledgers import Ledger, assert_agree

DAY = Path(__file__).parents[1] / "data" / "day"
END = 1_795_476_672
"""End of the day's evidence: 2026-11-23T23:31:12Z."""

FIGURES = "SELECT * FROM reliability_by_priority ORDER BY priority"

B = ("relay", "B1")

pytestmark = pytest.mark.service


@pytest.fixture(scope="module")
def day() -> list[MessageEvent]:
    """All events of the sample day, in no order."""
    events = list(Evidence(read(DAY / "sources.toml")).events())
    random.Random(3).shuffle(events)  # noqa: S311 - a test's order
    return events


def test_the_day_in_sql_is_the_day_in_the_core(stack: Settings, day: list[MessageEvent]) -> None:
    """Half of it read late, a source silent meanwhile, four partitions, two derivations: the same alarms; and again."""
    both = Ledger.made(stack, profiles.load(str(DAY / "day-terms.toml")), partitions=4)
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


class Held:
    """A client whose inserts wait until a test does them, in an order of its own."""

    def __init__(self, client: Any) -> None:
        """Nothing waits."""
        self._client = client
        self.rows: list[Callable[[], Any]] = []
        self.fed: list[Callable[[], Any]] = []

    def insert_arrow(self, *args: Any) -> None:
        """Rows of events or ticks."""
        self.rows.append(partial(self._client.insert_arrow, *args))

    def insert(self, *args: Any) -> None:
        """How far it is fed."""
        self.fed.append(partial(self._client.insert, *args))


def test_what_is_stored_before_what_precedes_it_waits(stack: Settings) -> None:
    """Two inserts run beside each other: the rows of the slower one are derived too, and no tick overtakes them."""
    both = Ledger.made(stack, Terms.parse(TERMS))
    client, held = both.client, Held(both.client)
    both.client = held
    both.write(journey(0, "a", key="a"))
    slow = len(held.rows)
    both.write(journey(0, "b", key="b"))
    both.tick(86_400)
    both.client = client
    for insert in held.rows[slow:]:
        insert()
    assert both.derive() == 0
    assert both.ask("SELECT clock FROM derivation WHERE clock != toDateTime64(0, 6, 'UTC')") == []
    for insert in (*held.rows[:slow], *held.fed):
        insert()
    assert both.derive() == 2
    assert_agree(both)


def test_a_log_that_went_back_is_derived_anew(stack: Settings) -> None:
    """It lost its tail, and what is written there next is read."""
    both = Ledger.made(stack, Terms.parse(TERMS))
    both.write(journey(0, "a", key="a"))
    assert both.derive() == 1
    for after in (3, 100):  # and is longer than ever, before anything of it is derived
        both.client.insert("fed", [(EVENTS, 0, 1, after)], COLUMNS)
    assert both.derive() == 1
    assert derivation(both.client).offsets == {0: 100}
    both.client.insert("fed", [(EVENTS, 0, 1, 99)], COLUMNS)  # a feed that lost the partition, and was slow
    assert both.derive() == 0
    assert derivation(both.client).offsets == {0: 100}


def test_derived_by_and_by_is_derived_at_once(stack: Settings, day: list[MessageEvent]) -> None:
    """Deriving what was touched, in pieces, gives the rows that deriving everything gives."""
    pieces = Ledger.made(stack, profiles.load(str(DAY / "day-terms.toml")))
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


def test_new_terms_derive_everything_anew(stack: Settings) -> None:
    """Due times are by the terms in force, also of what was derived before."""
    old = Ledger.made(stack, Terms.parse(TERMS))
    old.write(submitted(0, "A1"))
    old.tick(100)
    assert old.derive() == 1
    assert old.derive() == 0
    assert sorted(one[0] for one in old.derived()) == ["overdue", "stuck"]
    new = Ledger(old.client, Terms.parse(TERMS | {"report": {"normal": 1000}, "findings": ["overdue"]}))
    assert new.derive() == 1
    assert new.derived() == {}


def test_a_wall_clock_that_went_back_loses_nothing(stack: Settings) -> None:
    """What is derived then replaces what was derived before, again and again."""
    both = Ledger.made(stack, Terms.parse(TERMS))
    both.write(submitted(0, "A1"))
    both.tick(100)
    both.derive()
    first = derivation(both.client).version
    for number in range(2, 4):
        both.write(submitted(50 * number, f"A{number}"))
        both.tick(100 * number)
        assert derive(both.client, both.terms, Wall(now=lambda: SECOND)) > 0
        assert_agree(both)
    assert derivation(both.client).version > first


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(events=sensible())
def test_any_journeys_in_sql_are_those_in_the_core(stack: Settings, events: list[MessageEvent]) -> None:
    """Whole journeys of which some evidence is missing, half of it late."""
    both = Ledger.made(stack, Terms.parse(TERMS))
    both.write(events[::2])
    both.tick(60)
    both.derive()
    both.write(events[1::2])
    both.tick(400)
    both.derive()
    assert_agree(both)


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(log=a_log())
def test_any_log_in_sql_is_that_log_in_the_core(stack: Settings, log: list[MessageEvent | int]) -> None:
    """Whole journeys or none, sensible or not, in any order, with ticks anywhere: late evidence counts alike."""
    both = Ledger.made(stack, Terms.parse(TERMS))
    some: list[MessageEvent] = []
    for one in [*each_fact_once(log), 1000 * SECOND]:
        if not isinstance(one, int):
            some.append(one)
            continue
        both.write(some)
        both.tick(one / SECOND)
        some = []
    both.derive()
    assert_agree(both)
    assert both.ask("SELECT count() - uniqExact(message_key, event_id) AS more FROM events") == [{"more": 0}]


def each_fact_once(log: list[MessageEvent | int]) -> list[MessageEvent | int]:
    """A log without what an event says otherwise that has the identity of an earlier one: the warehouse keeps one."""
    seen: dict[Any, MessageEvent | int] = {}
    for number, one in enumerate(log):
        fact = number if isinstance(one, int) else (one.message_key, one.event_id, one.occurred_at)
        seen.setdefault(fact, one)
    return list(seen.values())


def twice_submitted() -> tuple[list[MessageEvent], list[MessageEvent]]:
    """A Message-ID submitted twice and a report of one of them; and what joins the report to its submission."""
    first = [*submitted(0, "A1"), *submitted(1, "A2")]
    return [*first, *reported(3, ("relay", "B1"))], sent(2, ("origin", "A1"), ("relay", "B1"))


class Forgetful:
    """A warehouse that begins anew once chains are known: tables in memory are empty then."""

    def __init__(self, client: Any) -> None:
        """Stand before a real one."""
        self._client = client

    def __getattr__(self, name: str) -> Any:
        """What the real one does."""
        return getattr(self._client, name)

    def command(self, statement: str, **more: Any) -> Any:
        """Act, and forget."""
        done = self._client.command(statement, **more)
        if "_chains ENGINE" in statement:
            question = "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine = 'Memory'"
            for (name,) in self._client.query(question).result_rows:
                self._client.command(f"TRUNCATE TABLE {name}")
        return done


def test_what_a_warehouse_forgot_in_the_middle_is_derived_later(stack: Settings) -> None:
    """A slice whose tables are gone is not taken for derived."""
    both = Ledger.made(stack, Terms.parse(TERMS))
    both.write(journey(0, "1"))
    both.tick(500)
    with pytest.raises(Unavailable):
        derive(Forgetful(both.client), both.terms)
    assert both.derive() == 1
    assert {row["n"] for row in both.ask("SELECT count() AS n FROM custody")} == {1}
    assert_agree(both)


def test_tables_of_a_derivation_that_died_are_dropped(stack: Settings) -> None:
    """Also what it was making when it was killed; what is younger may be another's, and views are nobody's scratch."""
    both = Ledger.made(stack, Terms.parse(TERMS))
    old, young, view = "_tmp_replace_0123456789abcdef_a", "_tmp_replace_0123456789abcdef_b", "_tmp_replace_0_c"
    for name in (old, young, "work_dead_legs"):
        both.client.command(f"CREATE TABLE {name} (a UInt8) ENGINE = Memory")
    both.client.command(f"CREATE VIEW {view} AS SELECT 1")
    for row in both.ask("SELECT metadata_path AS path FROM system.tables WHERE database = currentDatabase()"):
        if not row["path"].endswith(f"/{young}.sql"):
            os.utime(stack.data / "clickhouse" / row["path"], (0, 0))
    both.write(submitted(0, "A1"))
    both.tick(10)
    both.derive()
    left = both.ask(
        "SELECT name FROM system.tables WHERE database = currentDatabase() AND match(name, '^(work|_tmp)_')"
    )
    assert {row["name"] for row in left} == {young, view}


def withdrawn(ledger: Ledger) -> list[tuple[str, int]]:
    """What SQL says was withdrawn: rule and second."""
    return [(rule, (alarm[1] or 0) // SECOND) for (rule, _), alarm in ledger.derived().items() if alarm[4]]


def test_a_hand_over_that_comes_late_withdraws_what_it_proves_wrong(stack: Settings) -> None:
    """It stands until the tick after the hand-over, in SQL as in the stream; and is in neither once more for ever."""
    both = Ledger.made(stack, Terms.parse(TERMS | {"findings": ["overdue"]}))
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


def test_new_terms_look_back_by_what_they_say(stack: Settings) -> None:
    """A report that may come later was not overdue before the hand-over: nothing was told, hence nothing withdrawn."""
    old = Ledger.made(stack, Terms.parse(TERMS | {"findings": ["overdue"]}))
    parts, between = twice_submitted()
    for at, some in ((2, parts), (70, between), (80, [])):
        old.tick(at)
        old.write(some)
    old.derive()
    assert withdrawn(old) == [("overdue", 80)]
    new = Ledger(old.client, Terms.parse(TERMS | {"report": {"normal": 1000}, "findings": ["overdue"]}))
    new.derive()
    assert new.derived() == {}


def test_a_hand_over_takes_nothing_away_before_the_first_tick(stack: Settings) -> None:
    """An import reads in any order, and nobody was told meanwhile."""
    both = Ledger.made(stack, Terms.parse(TERMS | {"findings": ["overdue"]}))
    for some in twice_submitted():
        both.write(some)
    both.tick(80)
    both.derive()
    assert_agree(both)
    assert withdrawn(both) == []
    assert both.ask("SELECT * FROM reunion_records") == []


def test_a_second_copy_of_one_chain_stays_a_duplicate(stack: Settings) -> None:
    """Its first copy was a duplicate of another, by the message alone, until a second submission was known."""
    both = Ledger.made(stack, Terms.parse(TERMS | {"findings": ["duplicate"]}))
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


def test_evidence_of_two_keys_is_one_chain_by_hand_over(stack: Settings) -> None:
    """A session that the store knows under another Message-ID still proves the delivery."""
    both = Ledger.made(stack, Terms.parse(TERMS))
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
