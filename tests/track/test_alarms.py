"""Alarms: each is told once when raised and once when cleared."""

import msgspec

from streams.core.clock import Tick
from streams.core.events import MessageEvent
from streams.core.terms import SECOND
from streams.track.alarms import alert_id
from tests.core.journeys import journey, reported, submitted
from tests.track.logs import empty, records, tick


def said(events: list[MessageEvent]) -> list[tuple[str, str, float]]:
    """What is told when records come one by one: rule, state, second."""
    part = empty()
    return [
        (alert["rule"], alert["state"], alert["at"] / SECOND)
        for place in range(len(events))
        for alert in part.take(records(events, place, place + 1)).alerts
    ]


def test_an_alarm_is_raised_once_and_cleared_once() -> None:
    """Many ticks say nothing new; a late report clears the alarm."""
    late = [tick(second * SECOND) for second in (70, 71, 72)]
    more = [tick(second * SECOND) for second in (90, 91)]
    told = said([*submitted(0, "Q1"), *late, *reported(80, ("origin", "Q1")), *more])
    assert [one for one in told if one[0] == "overdue"] == [("overdue", "raised", 60), ("overdue", "cleared", 80)]


def test_a_journey_that_ends_well_tells_nothing() -> None:
    """Submitted, handed on, stored, reported and read: nothing is found."""
    assert said([*journey(0, "1"), tick(500 * SECOND)]) == []


def test_a_silent_source_is_told_with_its_span() -> None:
    """Raised at the first tick that names it, cleared at the first that does not."""
    told = said([tick(10 * SECOND), tick(20 * SECOND, "a"), tick(30 * SECOND, "a"), tick(40 * SECOND)])
    assert told == [("source-silent", "raised", 10), ("source-silent", "cleared", 40)]


def test_a_source_with_a_wrong_clock_is_told_with_its_span() -> None:
    """Raised at the first tick that doubts it, cleared at the first that does not."""
    doubt = Tick(through=20 * SECOND, doubted=("a",))
    event = msgspec.structs.replace(tick(20 * SECOND), attributes=doubt.attributes())
    told = said([tick(10 * SECOND), event, tick(40 * SECOND)])
    assert told == [("source-doubted", "raised", 20), ("source-doubted", "cleared", 40)]


def test_the_identity_of_an_alarm_is_its_rule_and_its_unit() -> None:
    """Nothing else takes part: not the time, not the terms."""
    assert alert_id("overdue", b"u") == alert_id("overdue", b"u")
    assert len({alert_id(rule, unit) for rule in ("overdue", "unread") for unit in (b"u", b"v")}) == 4
