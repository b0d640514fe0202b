"""Stream and SQL, each with rules of its own, agree row by row on custody, legs and alarms at one vector of offsets."""

from typing import Any

import pytest

from streams.core import identity
from streams.core.events import Kind, MessageEvent, Traffic
from streams.core.identity import partition_of
from streams.core.terms import Terms
from streams.settings import Settings
from streams.warehouse.derive import derivation
from tests.core.journeys import TERMS, event, journey, opened, redirected, reported, resent, sent, stored, submitted
from tests.warehouse import known
from tests.warehouse.ledgers import Ledger, assert_agree, differences

A, B = ("origin", "A1"), ("relay", "B1")
BOB = "bob@dest.test"
ON_HOLD = (Kind.HELD, Kind.RELEASED)

pytestmark = pytest.mark.service


def at_origin(kind: Kind, at: float, key: str, **fields: Any) -> MessageEvent:
    """Something happened in the queue of the origin."""
    return event(kind, at, key=key, host="origin", queue_id="A1", **fields)


def fates() -> dict[str, list[MessageEvent]]:
    """Messages, by key, which together have something to say in every column."""
    eve = identity.leg_of("relay", "B1", "eve@else.test", key="diverted")
    away = at_origin(Kind.TRANSFERRED, 1, "diverted", recipient=BOB, side="sent", peer="relay", next_leg=eve)
    failed = ("notification=failed",)
    return {
        "arrived": journey(0, "1", key="arrived"),
        "apart": [
            *submitted(0, "A1", key="apart"),
            *stored(3, B, "apart", key="apart"),
            *reported(4, B, key="apart"),
            *opened(5, "apart", key="apart"),
        ],
        "twice": [*journey(0, "2", key="twice"), *submitted(80, "A9", key="twice"), *reported(90, B, key="twice")],
        "refused": [
            *submitted(0, "A1", key="refused"),
            at_origin(Kind.REFUSED, 3, "refused", recipient=BOB, status="5.1.1"),
            *reported(4, A, "failed", key="refused"),
        ],
        "untried": [
            *submitted(0, "A1", key="untried"),
            at_origin(Kind.REFUSED, 3, "untried"),
            at_origin(Kind.REPORTED, 4, "untried", action="issued", attributes=failed, next_queue_id="N1"),
        ],
        "untold": [
            *submitted(0, "A1", key="untold"),
            at_origin(Kind.REFUSED, 3, "untold"),
            at_origin(Kind.REPORTED, 4, "untold", action="issued", attributes=failed, next_queue_id="N1"),
            at_origin(Kind.REPORTED, 9, "untold", action="undelivered", next_queue_id="N1"),
        ],
        "deleted": [
            *submitted(0, "A1", key="deleted"),
            *(at_origin(kind, 2 + n, "deleted") for n, kind in enumerate((*ON_HOLD, *ON_HOLD, Kind.DELETED))),
        ],
        "unnamed": [
            at_origin(Kind.SUBMITTED, 0, "unnamed", recipients_expected=2, traffic=Traffic.OURS),
            at_origin(Kind.DEFERRED, 1, "unnamed", recipient=BOB, peer="relay"),
            at_origin(Kind.DELETED, 2, "unnamed"),
            at_origin(Kind.DEFERRED, 90, "unnamed", recipient="eve@dest.test", peer="relay"),
        ],
        "again": [
            at_origin(Kind.SUBMITTED, 0, "again", recipients_expected=2, traffic=Traffic.OURS),
            at_origin(
                Kind.REROUTED, 2, "again", next_leg=identity.leg_of("origin", "A7", key="again"), next_queue_id="A7"
            ),
        ],
        "held": [
            at_origin(Kind.SUBMITTED, 0, "held", traffic=Traffic.OURS),
            at_origin(Kind.DELETED, 2, "held"),
        ],
        "spam": [
            at_origin(Kind.TRANSFERRED, 0, "spam", side="received", recipients_expected=1, traffic=Traffic.INBOUND),
            at_origin(Kind.DELETED, 2, "spam"),
        ],
        "diverted": [*submitted(0, "A1", key="diverted"), away],
        "nameless": [
            at_origin(Kind.SUBMITTED, 0, "nameless", recipients_expected=3, size=9, priority=6, traffic=Traffic.OURS),
            at_origin(Kind.HELD, 1, "nameless"),
            at_origin(Kind.DEFERRED, 2, "nameless", recipient=BOB, peer="relay"),
        ],
        "redirected": [
            *submitted(0, "A1", key="redirected"),
            *sent(1, A, B, key="redirected"),
            redirected(2, BOB, "dave@else.test", key="redirected"),
            *stored(3, B, "redirected", "dave@else.test", key="redirected"),
        ],
        "resent": [
            *submitted(0, "A1", key="resent"),
            at_origin(Kind.REFUSED, 3, "resent", recipient=BOB, status="4.4.7"),
            *journey(50, "5", key="resent"),
            resent(50, "A1", "A5", key="resent"),
        ],
        "discarded": [
            *submitted(0, "A1", key="discarded"),
            at_origin(Kind.DISCARDED, 3, "discarded", recipient=BOB),
        ],
    }


def test_they_agree_at_the_offsets_that_a_derivation_names(stack: Settings) -> None:
    """What is fed later is in the stream, and in the views only once a derivation names offsets after it."""
    both = Ledger.made(stack, Terms.parse(TERMS), partitions=2)
    both.write([one for events in fates().values() for one in events[: len(events) // 2 + 1]])
    both.tick(70)
    both.derive()
    first = derivation(both.client).offsets
    both.write([one for events in fates().values() for one in events[len(events) // 2 + 1 :]])
    both.tick(500)
    assert derivation(both.client).offsets == first
    assert differences(both, both.derived_from()) == {}
    assert differences(both, both.stream).keys() == {"alarms", "custody", "legs", "queues"}
    both.derive()
    assert all(after > first[number] > 0 for number, after in derivation(both.client).offsets.items())
    assert differences(both, both.derived_from()) == {}
    assert_agree(both)
    assert silent_columns(both) == set()


def test_a_chain_is_of_one_partition(stack: Settings) -> None:
    """One session, which switch and store name by Message-IDs of two partitions, is two chains."""
    both = Ledger.made(stack, Terms.parse(TERMS), partitions=2)
    key, other = (next(one for one in ("a", "b", "c", "d") if partition_of(one, 2) == number) for number in range(2))
    by_switch = [*submitted(0, "A1", key=key), *sent(1, A, B, key=key), *stored(3, B, "s", key=key)[:2]]
    both.write([*by_switch, *stored(3, B, "s", key=other)[2:], *opened(5, "s", key=other)])
    both.tick(500)
    both.derive()
    assert_agree(both)
    assert both.ask("SELECT message_key, read_at FROM custody") == [{"message_key": key, "read_at": None}]
    assert both.ask("SELECT message_key FROM copies WHERE read_at IS NOT NULL") == [{"message_key": other}]
    (one,) = both.ask("SELECT hex(leg) AS leg, hex(unit) AS unit FROM legs WHERE host = 'relay'")
    assert one["leg"] == identity.leg_of("relay", "B1", BOB, key=key).hex().upper()
    assert one["unit"] == identity.leg_of("origin", "A1", BOB, key=key).hex().upper()


@pytest.mark.parametrize("is_late", [False, True])
def test_a_resend_is_no_unit_of_its_own(stack: Settings, *, is_late: bool) -> None:
    """Told before its submission is judged, or after: then what was found of it is taken back."""
    both = Ledger.made(stack, Terms.parse(TERMS | {"findings": ["overdue", "identity-reused"]}))
    gave_up = event(Kind.REFUSED, 3, host="origin", queue_id="A1", recipient=BOB, status="4.4.7")
    edge = [resent(50, "A1", "A2")]
    both.write([*submitted(0, "A1"), gave_up, *journey(50, "2"), *([] if is_late else edge)])
    both.tick(70)
    both.derive()
    assert_agree(both)
    both.write(edge)
    both.tick(500)
    both.derive()
    assert_agree(both)
    assert both.ask("SELECT queue_id, outcome, class FROM custody") == [
        {"queue_id": "A1", "outcome": "delivered", "class": "proven_in_time"}
    ]
    said = both.ask("SELECT rule FROM alarms WHERE cleared_at IS NULL")
    assert said == []


def silent_columns(ledger: Ledger) -> set[str]:
    """Columns that the stream compares in vain: it knows nothing to say in any row, or the same in all."""
    found = set()
    for rows in (known.units(ledger.stream.parts.values()), known.legs(ledger.stream.parts.values())):
        for name in {name for row in rows.values() for name in row}:
            values = {row.get(name) for row in rows.values()}
            if values <= {None} or len(values) == 1:
                found.add(name)
    return found
