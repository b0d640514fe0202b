"""One partition: whatever the batches are, the same is told."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.core.events import MessageEvent
from streams.core.terms import SECOND
from streams.kafka.ports import Records
from streams.wire import envelope
from tests.core.journeys import journey, reported, submitted
from tests.core.test_laws import state
from tests.track.logs import apart, cuts, empty, logs, records, tick


@settings(max_examples=500, deadline=None)
@given(logs, st.data())
def test_any_split_and_overlap_tells_the_same(events: list[MessageEvent], data: Any) -> None:
    """Batches, and records that come again, change neither alerts nor custody."""
    whole, parts = empty(), empty()
    once = whole.take(records(events, 0, len(events))).alerts
    said = []
    for start, end in data.draw(cuts(events)):
        said += parts.take(records(events, max(0, start - data.draw(st.integers(0, 3))), end)).alerts
    assert apart(said, once) == set()
    assert state(parts.custody) == state(whole.custody)


@settings(max_examples=200, deadline=None)
@given(logs, st.data())
def test_a_look_that_waits_tells_the_same(events: list[MessageEvent], data: Any) -> None:
    """While a backlog is worked off we look where we must; once it is, all is told that was found meanwhile."""
    whole, parts = empty(), empty()
    once = whole.take(records(events, 0, len(events))).alerts
    parts.waited = -1_000_000
    said = [one for cut in data.draw(cuts(events)) for one in parts.take(records(events, *cut), behind=True).alerts]
    assert apart([*said, *parts.look()], once) == set()
    assert state(parts.custody) == state(whole.custody)


LATER = [
    *submitted(0, "A1"),
    tick(60 * SECOND),
    *reported(2, ("origin", "A2")),
    tick(61 * SECOND),
    *submitted(0, "A2"),
    tick(500 * SECOND),
]
"""A report of a submission that becomes known a second after it, when another has waited for one."""


def test_a_report_keeps_what_it_cleared_though_it_turns_out_to_be_anothers() -> None:
    """As long as one submission was known it was that one's; nobody can take back that the alarm was cleared."""
    once = empty().take(records(LATER, 0, len(LATER))).alerts
    part = empty()
    by_one = [alert for at in range(len(LATER)) for alert in part.take(records(LATER, at, at + 1)).alerts]
    assert apart(by_one, once) == set()
    overdue = [(one["queue_id"], one["state"], one["at"]) for one in once if one["rule"] == "overdue"]
    assert sorted(overdue) == [("A1", "cleared", 60 * SECOND + 1), ("A1", "raised", 60 * SECOND)]


def test_a_backlog_is_looked_at_when_it_is_worth_it() -> None:
    """What is overdue is told in the middle of a backlog, once a part of what is open was read again."""
    part = empty()
    events = [*journey(0, "1", report=False), tick(500 * SECOND)]
    assert [
        one["rule"]
        for one in part.take(records(events, 0, len(events)), behind=True).alerts
        if one["state"] == "raised"
    ]


@settings(max_examples=100, deadline=None)
@given(logs)
def test_the_whole_log_again_tells_nothing(events: list[MessageEvent]) -> None:
    """What is read a second time is known."""
    part = empty()
    part.take(records(events, 0, len(events)))
    before = state(part.custody)
    assert part.take(records(events, 0, len(events))).alerts == []
    assert state(part.custody) == before


def test_what_cannot_be_understood_costs_nothing_else() -> None:
    """A record of foreign bytes is told with its place and reason; the journey beside it counts."""
    events = [*journey(0, "1"), tick(500 * SECOND)]
    good = records(events, 0, len(events))
    hurt = Records(
        partition=0,
        values=[b"foreign", *good.values],
        keys=[None, *good.keys],
        offsets=[7, *(offset + 8 for offset in good.offsets)],
    )
    part = empty()
    effect = part.take(hurt)
    assert effect.bad == [(0, "not in the Confluent wire format: no zero byte")]
    assert effect.events == len(events)
    assert part.offset == 8 + len(events)
    assert part.clock.through == 500 * SECOND


def test_a_class_of_traffic_that_nobody_knows_is_a_dead_letter() -> None:
    """An event of a version that is not ours does not stop the tracker."""
    event = journey(0, "1")[0]
    value = envelope.encode(event).replace(b"\x08ours", b"\x08outs")
    effect = empty().take(Records(partition=0, values=[value], keys=[b"m"], offsets=[0]))
    assert effect.events == 0
    assert "outs" in effect.bad[0][1]
