"""What a look need not look at has nothing to say."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from streams.core import identity
from streams.core.clock import Clock, Tick
from streams.core.custody import Custody
from streams.core.events import Kind, MessageEvent
from streams.core.excerpt import Excerpt, linked
from streams.core.findings import findings
from streams.core.terms import SECOND
from streams.track.agenda import Agenda
from streams.track.part import Part
from tests.core.journeys import event, journey, reported, sent, submitted
from tests.track.logs import cuts, empty, logs, records, tick


class _Everything(Agenda):
    """Looks at all messages, always."""

    def excerpt(self, custody: Custody, clock: Clock) -> Excerpt:
        del clock
        return Excerpt.whole(custody)


def _thorough() -> Part:
    part = empty()
    part.alarms.agenda = _Everything()
    return part


@settings(max_examples=200, deadline=None)
@given(logs, st.data())
def test_looking_at_few_tells_what_looking_at_all_tells(events: list[MessageEvent], data: Any) -> None:
    """At every look, in the same words."""
    quick, thorough = empty(), _thorough()
    for start, end in data.draw(cuts(events)):
        batch = records(events, max(0, start - data.draw(st.integers(0, 3))), end)
        assert _said(quick.take(batch).alerts) == _said(thorough.take(batch).alerts)


@settings(max_examples=200, deadline=None)
@given(logs, st.data())
def test_an_excerpt_finds_what_the_whole_finds_of_its_messages(events: list[MessageEvent], data: Any) -> None:
    """Whichever messages are asked for; those that share something come along."""
    part = empty()
    part.take(records(events, 0, len(events)))
    count = len(part.custody.messages)
    asked = np.array(data.draw(st.lists(st.booleans(), min_size=count, max_size=count)), np.bool_)
    some = Excerpt.of(part.custody, asked)
    assert set(some.messages.tolist()) == set(np.flatnonzero(asked | linked(part.custody)).tolist())
    whole = {one for one in _found(Excerpt.whole(part.custody), part.clock) if one[0] in set(some.messages.tolist())}
    assert set(_found(some, part.clock)) == whole


def test_what_is_open_and_quiet_is_not_looked_at() -> None:
    """A look is about what was said since, and about what falls due."""
    part = empty()
    events = [event for n in range(9) for event in journey(n, str(n), key=f"m{n}", report=False)]
    part.take(records([*events, tick(20 * SECOND)], 0, len(events) + 1))
    agenda = part.alarms.agenda
    part.clock.through = 21 * SECOND
    assert len(agenda.excerpt(part.custody, part.clock).messages) == 0
    agenda.hear(np.array([3]))
    assert agenda.excerpt(part.custody, part.clock).messages.tolist() == [3]


def test_messages_that_share_a_chain_are_looked_at_together() -> None:
    """Without a Message-ID each host has a key of its own: a report under one clears what is overdue under another."""
    last = ("relay", "B1")
    gave, _, got = sent(1, ("origin", "A1"), last, key="/origin/A1")
    tried = event(Kind.DEFERRED, 2, host=last[0], queue_id=last[1], recipient="bob@dest.test", key="/relay/B1")
    others = [one for n in range(9) for one in journey(2, str(n + 2), key=f"m{n}", report=False)]
    again = [*submitted(0, "A1", key="/origin/A1"), gave]
    part = empty()
    said = []
    for some in (
        [structs.replace(got, message_key="/relay/B1"), tried, *others, tick(5 * SECOND)],
        [*again, tick(70 * SECOND)],
        [*reported(71, last, key="/relay/B1"), tick(72 * SECOND)],
    ):
        said += part.take(records(some, 0, len(some))).alerts
    unit = identity.leg_of("origin", "A1", "bob@dest.test", key="/origin/A1")
    told = [(one["state"], one["at"] / SECOND) for one in said if one["rule"] == "overdue" and one["unit"] == unit]
    assert told == [("raised", 60), ("cleared", 71)]


@pytest.mark.parametrize("told", [Tick(through=21, silent=("a",)), Tick(through=21, doubted=("a",))])
def test_all_are_looked_at_when_a_source_is_not_to_be_trusted(told: Tick) -> None:
    """What falls due while it is silent or its clock is doubted is called otherwise, whatever message it is of."""
    part = empty()
    events = [*journey(0, "1", report=False), tick(20)]
    part.take(records(events, 0, len(events)))
    part.clock.hear(told)
    assert len(part.alarms.agenda.excerpt(part.custody, part.clock).messages) == 1
    part.clock.hear(replace(told, through=22))
    assert len(part.alarms.agenda.excerpt(part.custody, part.clock).messages) == 0


def _said(alerts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(alerts, key=lambda one: (one["alert_id"], one["state"]))


def _found(some: Excerpt, clock: Clock) -> Iterator[tuple[Any, ...]]:
    """Message, rule, row in the whole, and times of each finding."""
    for found in findings(some.custody, clock):
        table = some.custody.legs if found.subject == "leg" else some.custody.entries
        rows = some.rows(found.subject)[found.rows].tolist()
        messages = some.messages[table["message"][found.rows]].tolist()
        times = (column.tolist() for column in (found.due, found.raised, found.cleared, found.proven))
        yield from zip(messages, [found.rule] * len(rows), rows, *times, strict=True)
