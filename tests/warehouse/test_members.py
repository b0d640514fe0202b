"""What a discharge of a case reaches is what a discharge clears: the units that are connected to its findings."""

from datetime import UTC, datetime
from typing import Any

import pytest

from streams.core import identity
from streams.core.events import Kind, MessageEvent, Traffic
from streams.core.terms import DISCHARGED, FINDINGS, LATE, SECOND, SETTLED, Terms
from streams.settings import Settings
from streams.warehouse.members import Members
from tests.core.journeys import TERMS, event, sent, stored, submitted
from tests.warehouse.ledgers import Ledger
from tests.warehouse.test_rules import EACH, A, gone

pytestmark = pytest.mark.service

COLUMNS = ("alert_id", "rule", "unit", "state", "at", "cause", "message_key")

FOUND: dict[str, list[MessageEvent]] = {
    **{rule: EACH[rule] for rule in ("stuck", "not-read", "misrouted", "identity-reused")},
    "a later stay": [
        *submitted(0, "A1"), *sent(1, A, ("relay", "B1")), *sent(2, ("relay", "B1"), ("dest", "C1"))[:2],
        *submitted(0, "C9", key="n", host="dest"),
    ],
    "a stay that nothing is seen to have led to": [
        *submitted(0, "A1"), *sent(2, ("relay", "B1"), ("dest", "C1"))[:2], *submitted(0, "C9", key="n", host="dest"),
    ],
    "a queue entry that was deleted before anybody was named": [
        event(Kind.SUBMITTED, 0, host="origin", queue_id="A1", traffic=Traffic.OURS),
        gone(5, A, Kind.DELETED),
        *submitted(0, "A2"), gone(5, ("origin", "A2"), Kind.DELETED),
    ],
    "mail from outside": [
        event(Kind.TRANSFERRED, 0, host="dest", queue_id="C1", recipient="bob@dest.test", side="received",
              traffic=Traffic.INBOUND),
        *stored(1, ("dest", "C1"), "s1"), *stored(2, ("dest", "C1"), "s2", ordinal=1),
    ],
    "several findings of one unit": [
        *submitted(0, "A1"), *sent(1, A, ("relay", "B1")), *stored(2, ("relay", "B1"), "s1"),
        *stored(3, ("relay", "B1"), "s2", ordinal=1), *stored(4, ("relay", "B1"), "s3", ordinal=2),
    ],
}  # fmt: skip
"""Journeys of which something is found; what each rule's discharge clears, tests/warehouse/test_rules.py says."""


def told(both: Ledger) -> dict[str, dict[str, int]]:
    """What the stream told comes to the warehouse; returns how far a discharge of each case reaches."""
    rows: list[list[Any]] = [
        [identity.alert_id(rule, unit), rule, unit, state, datetime.fromtimestamp(at / SECOND, UTC), "x", ""]
        for (rule, unit), (raised, cleared, *_) in both.told().items()
        for state, at in (("raised", raised), ("cleared", cleared))
        if at is not None
    ]
    both.client.insert("alert_records", rows, COLUMNS)
    return {rule: Members(both.client, f"{rule}: x").reach() for rule in {row[1] for row in rows}}


def standing(both: Ledger) -> dict[str, int]:
    """How many findings of each rule stand."""
    rows = both.ask("SELECT rule, count() AS n FROM alarms WHERE cleared_at IS NULL GROUP BY rule")
    return {row["rule"]: row["n"] for row in rows}


def discharged(unit: dict[str, Any]) -> MessageEvent:
    """Somebody telephoned."""
    place = {name: unit[name] for name in ("host", "queue_id", "recipient")}
    return event(Kind.DISCHARGED, 600, key=unit["message_key"], leg=unit["unit"], **place)


@pytest.mark.parametrize("name", sorted(FOUND))
def test_what_a_discharge_reaches_is_cleared_by_it_and_nothing_else_is(stack: Settings, name: str) -> None:
    """Of each case, what is said to be beyond its reach stands afterwards."""
    both = Ledger.made(stack, Terms.parse(TERMS))
    both.write(FOUND[name])
    both.tick(500)
    both.derive()
    reach = told(both)
    assert standing(both)
    some = [one for rule in reach for one in Members(both.client, f"{rule}: x").units()]
    assert len(some) == sum(one["units"] for one in reach.values())
    both.write({one["unit"]: discharged(one) for one in some}.values())
    both.tick(700)
    both.derive()
    assert standing(both) == {rule: one["beyond"] for rule, one in reach.items() if one["beyond"]}


def test_several_findings_of_a_unit_are_one_event(stack: Settings) -> None:
    """Two copies too many, of one recipient; who discharged it has nothing more to do, though the clock stands."""
    both = Ledger.made(stack, Terms.parse(TERMS))
    both.write(FOUND["several findings of one unit"])
    both.tick(50)
    both.derive()
    assert told(both)["duplicate"] == {"units": 1, "discharged": 0, "beyond": 0}
    assert standing(both)["duplicate"] == 2
    both.write(discharged(one) for one in Members(both.client, "duplicate: x").units())
    both.derive()
    assert told(both)["duplicate"] == {"units": 0, "discharged": 1, "beyond": 0}


def test_every_rule_is_known_to_be_within_reach_or_beyond() -> None:
    """A rule that is new must say whether a discharge clears it."""
    beyond = {"stuck", "uncorroborated-report", "source-silent", "source-behind", "source-doubted"}
    assert {*DISCHARGED} == {*FINDINGS, *LATE} - beyond == {*LATE, "deleted", *SETTLED}
