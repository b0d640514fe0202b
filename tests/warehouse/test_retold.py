"""One fact that several sources tell at different fractions of a second is one event, whatever comes first."""

from itertools import permutations

import msgspec
import pytest

from streams.core.events import MessageEvent
from streams.core.terms import Terms
from streams.settings import Settings
from tests.core.journeys import TERMS, sent, submitted
from tests.warehouse.ledgers import Ledger, assert_agree

A, B = ("origin", "A1"), ("relay", "B1")

WHEN = "SELECT DISTINCT toUnixTimestamp64Micro(occurred_at) AS at FROM events WHERE kind = 'submitted'"

pytestmark = pytest.mark.service


def told(fraction: int) -> list[MessageEvent]:
    """The events of a hand-over, all of them told so many microseconds after the second."""
    events = [*submitted(100, "A1"), *sent(101, A, B)]
    return [msgspec.structs.replace(one, occurred_at=one.occurred_at + fraction) for one in events]


@pytest.mark.parametrize("order", [*permutations((0, 250_000, 700_001))])
def test_a_fact_told_at_several_fractions_is_one_event(stack: Settings, order: tuple[int, ...]) -> None:
    """It happened at the earliest; it is so after each derivation, and when all of it is fed again."""
    both = Ledger.made(stack, Terms.parse(TERMS))
    for number, fraction in enumerate(order, start=1):
        both.write(told(fraction))
        both.derive()
        assert both.ask(WHEN) == [{"at": 100_000_000 + min(order[:number])}]
    for fraction in order:
        both.write(told(fraction))
    both.tick(500)
    both.derive()
    assert_one(both)


def test_told_and_derived_at_once(stack: Settings) -> None:
    """As an import does it."""
    both = Ledger.made(stack, Terms.parse(TERMS))
    for fraction in (250_000, 0, 700_001):
        both.write(told(fraction))
    both.tick(500)
    both.derive()
    assert_one(both)


def assert_one(both: Ledger) -> None:
    """Each fact has one row, at its earliest time, and is counted once."""
    assert both.ask(WHEN) == [{"at": 100_000_000}]
    assert both.ask("SELECT count() AS n FROM events") == [{"n": len(told(0))}]
    assert both.ask("SELECT attempts FROM legs WHERE host = 'origin'") == [{"attempts": 1}]
    assert_agree(both)


def test_what_is_marked_survives_merges(stack: Settings) -> None:
    """The engine may keep one row a key at any time: it is the marked one, also when the unmarked was fed again."""
    both = Ledger.made(stack, Terms.parse(TERMS))
    both.write(told(0))
    both.write(told(9))
    both.tick(500)
    both.derive()
    both.write(told(9))
    both.client.command("OPTIMIZE TABLE event_records FINAL")
    count = len(told(0))
    asked = "SELECT retold, count() AS n FROM event_records GROUP BY retold ORDER BY retold"
    assert both.ask(asked) == [{"retold": 0, "n": count}, {"retold": 1, "n": count}]
    assert both.ask("SELECT count() AS n FROM events") == [{"n": count}]


def test_questions_of_events_read_an_index(stack: Settings) -> None:
    """A queue id, and a recipient in small letters, are looked up, not looked for."""
    both = Ledger.made(stack, Terms.parse(TERMS))
    both.write(told(0))
    for asked, index in (
        ("EXPLAIN indexes = 1 SELECT * FROM events WHERE queue_id = 'A1'", "by_queue_id"),
        ("EXPLAIN indexes = 1 SELECT * FROM events WHERE lowerUTF8(recipient) = 'x'", "by_small_recipient"),
    ):
        assert any(index in row["explain"] for row in both.ask(asked)), asked
