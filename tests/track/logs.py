"""A log as a partition has it, and what a tracker says of it, for tests."""

from itertools import pairwise
from typing import Any

from hypothesis import strategies as st

from streams.core.clock import Tick
from streams.core.events import Kind, MessageEvent
from streams.core.terms import SECOND, Terms
from streams.kafka.ports import Records
from streams.track.part import Part
from streams.wire import envelope
from tests.core.journeys import TERMS
from tests.core.test_laws import a_log

Told = set[tuple[bytes, str, int]]
"""Alert id, state and time."""


def tick(through: int, *silent: str) -> MessageEvent:
    """A tick as the clock writer puts it into every partition."""
    attributes = Tick(through=through, silent=silent).attributes()
    return MessageEvent(
        event_id=bytes(16), kind=Kind.TICK, occurred_at=through, observed_at=through, leg=bytes(16), message_key="",
        attributes=attributes,
    )  # fmt: skip


def partition(log: list[MessageEvent | int]) -> list[MessageEvent]:
    """The log as events, with a last tick after all that can be due."""
    return [tick(one) if isinstance(one, int) else one for one in [*log, 1000 * SECOND]]


logs = a_log().map(partition)


def records(events: list[MessageEvent], start: int, end: int) -> Records:
    """Some consecutive records of partition 0."""
    some = events[start:end]
    return Records(
        partition=0,
        values=[envelope.encode(event) for event in some],
        keys=[event.message_key.encode() for event in some],
        offsets=list(range(start, start + len(some))),
    )


def empty() -> Part:
    """A partition of which nothing is known."""
    return Part.empty(0, Terms.parse(TERMS))


def told(alerts: list[dict[str, Any]]) -> Told:
    """What was said."""
    return {(one["alert_id"], one["state"], one["at"]) for one in alerts}


def apart(alerts: list[dict[str, Any]], others: list[dict[str, Any]]) -> Told:
    """What only one of two runs said."""
    return told(alerts) ^ told(others)


@st.composite
def cuts(draw: st.DrawFn, events: list[MessageEvent]) -> list[tuple[int, int]]:
    """Batches: where each starts and ends."""
    places = sorted(draw(st.sets(st.integers(1, max(1, len(events) - 1)), max_size=5)))
    edges = [0, *places, len(events)]
    return list(pairwise(edges))
