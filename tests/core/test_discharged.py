"""What a person discharges is settled: whatever is found of that unit is cleared by it, or not found."""

import pytest

from streams.core.events import Kind, MessageEvent
from tests.core.journeys import Alarm, alarms, event, folded, journey, sent, submitted, there

A, B = ("origin", "A1"), ("relay", "B1")

GONE = event(Kind.REFUSED, 3, host="origin", queue_id="A1", recipient="bob@dest.test", status="5.1.1")

ANOTHER = [*submitted(0, "A9", key="n"), *sent(1, ("origin", "A9"), ("relay", "B9"), key="n")]
"""The relay speaks."""

FOUND: dict[str, tuple[list[MessageEvent], str]] = {
    "refused": ([*submitted(0, "A1"), GONE], "origin/A1"),
    "unaccounted": ([*submitted(0, "A1"), *sent(1, A, B)[:2], *ANOTHER], "origin/A1"),
    "unread": (journey(0, "1", read=False), "store/s1"),
    "not-read": ([*journey(0, "1", read=False), there(Kind.NOT_READ, 50, "INBOX")], "store/INBOX/s1"),
    "identity-reused": ([*submitted(-5, "A0"), *submitted(0, "A1")], "origin/A1"),
}


def discharged(at: float) -> list[MessageEvent]:
    """Somebody telephoned."""
    return [event(Kind.DISCHARGED, at, host="origin", queue_id="A1", recipient="bob@dest.test")]


def of(rule: str, *batches: list[MessageEvent]) -> set[Alarm]:
    """What a rule finds at the end."""
    return {one for one in alarms(folded(*batches, terms={"refused": "always"}), 1000) if one[0] == rule}


@pytest.mark.parametrize("rule", FOUND)
def test_a_discharge_clears_what_is_found_of_its_unit(rule: str) -> None:
    """Raised as ever, and cleared when the discharge could be known."""
    events, place = FOUND[rule]
    (found,) = (one for one in of(rule, events) if one[1] == place)
    assert found[3] is None
    assert (*found[:3], 500) in of(rule, events, discharged(500))


@pytest.mark.parametrize("rule", ["unread", "unaccounted"])
def test_what_is_settled_before_it_is_due_is_not_found(rule: str) -> None:
    """Nobody has to open what was told by telephone."""
    events, place = FOUND[rule]
    assert place not in {one[1] for one in of(rule, events, discharged(5))}


def test_a_refusal_that_the_originator_was_not_told_of_is_settled_so_too() -> None:
    """Under "untold" as well."""
    events = [*submitted(0, "A1"), GONE]
    found = alarms(folded(events, discharged(500), terms={"refused": "untold"}), 1000)
    assert ("refused", "origin/A1", 23, 500) in found


def test_what_lies_in_a_queue_is_stuck_until_it_leaves() -> None:
    """The recipient knows; the queue still has to be looked after."""
    assert of("stuck", submitted(0, "A1"), discharged(500)) == {("stuck", "origin/A1", 30, None)}
