"""Alarms: each is told once when raised and once when cleared."""

from itertools import pairwise, permutations

import msgspec
import pytest

from streams.core.clock import Tick
from streams.core.events import MessageEvent
from streams.core.identity import alert_id
from streams.core.terms import SECOND
from tests.core.journeys import journey, reported, sent, submitted
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


def naming(through: int, said_of: str) -> MessageEvent:
    """A tick that says this of source a."""
    named = Tick(through=through, **{said_of: ("a",)})  # type: ignore[arg-type]
    return msgspec.structs.replace(tick(through), attributes=named.attributes())


@pytest.mark.parametrize(("said_of", "since"), [("silent", 10), ("behind", 20), ("doubted", 20)])
def test_what_a_tick_says_of_a_source_is_told_with_its_span(said_of: str, since: int) -> None:
    """Raised at the first tick that says it (of a silence: at the one before), cleared at the first that does not."""
    middle = [naming(second * SECOND, said_of) for second in (20, 30)]
    told = said([tick(10 * SECOND), *middle, tick(40 * SECOND), tick(50 * SECOND)])
    assert told == [(f"source-{said_of}", "raised", since), (f"source-{said_of}", "cleared", 40)]


def test_the_identity_of_an_alarm_is_its_rule_and_its_unit() -> None:
    """Nothing else takes part: not the time, not the terms."""
    assert alert_id("overdue", b"u") == alert_id("overdue", b"u")
    assert len({alert_id(rule, unit) for rule in ("overdue", "unread") for unit in (b"u", b"v")}) == 4


@pytest.mark.parametrize("parted", [False, True], ids=["at once", "each alone"])
def test_an_alarm_says_who_sent_the_message_and_how_urgent_it_is(*, parted: bool) -> None:
    """By its arrivals, also where another message has closed and left: a pager goes by it."""
    gone = [*journey(0, "1"), tick(500 * SECOND)]
    later = 5 * 86_400
    events = [
        *gone,
        *submitted(later, "Q2", key="n", originator="eve@origin.test", priority=4),
        *submitted(later, "Q3", key="o"),
        tick((later + 400) * SECOND),
    ]
    part = empty()
    cuts = range(len(events) + 1) if parted else (0, len(gone), len(events))
    alerts = [alert for start, end in pairwise(cuts) for alert in part.take(records(events, start, end)).alerts]
    assert len(part.custody.messages) == 2, "the first has left"
    assert {(alert["message_key"], alert["originator"], alert["priority"]) for alert in alerts} == {
        ("n", "eve@origin.test", 4),
        ("o", "al@origin.test", None),
    }


def test_who_sent_it_is_the_first_submission_s_whatever_is_read_first() -> None:
    """A list, or a relay with a sender of its own (SRS), writes another one over it on the way."""
    first, listed = submitted(0, "Q1", originator="al@x.test"), submitted(9, "Q7", originator="list-bounces@y.test")
    relayed = sent(1, ("origin", "Q1"), ("relay", "B1"), originator="SRS0=al@z.test")
    for batches in permutations((first, listed, relayed)):
        for parts in ([[one for batch in batches for one in batch]], batches):
            part = empty()
            for events in parts:
                part.take(records(list(events), 0, len(events)))
            (row,) = range(len(part.custody.messages))
            assert part.custody.sender(row) == "al@x.test"
