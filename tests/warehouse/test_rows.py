"""Records become rows with the clock that was known, or are told apart."""

from datetime import UTC, datetime

from streams.core.events import Kind, MessageEvent
from streams.core.terms import SECOND
from streams.warehouse.rows import START, rows
from streams.wire import envelope
from tests.core.journeys import event

YEAR_9999 = 253_402_300_799


def tick(at: int, *attributes: str) -> MessageEvent:
    """A tick."""
    return MessageEvent(
        event_id=bytes(16),
        kind=Kind.TICK,
        occurred_at=at * SECOND,
        observed_at=at * SECOND,
        leg=bytes(16),
        message_key="",
        attributes=attributes,
    )


def held(at: int) -> MessageEvent:
    """Some event."""
    return event(Kind.HELD, at, host="relay", queue_id="B1")


def read(events: list[MessageEvent], clock: int = START) -> tuple[list[int], list[tuple[int, str]], int]:
    """The clocks of the event rows, what was bad, and the clock after."""
    values, keys = [envelope.encode(one) for one in events], [one.message_key.encode() for one in events]
    found = rows(values, keys, 3, range(10, 10 + len(events)), clock)
    clocks = [round(one.timestamp()) for one in found.events["clock"].to_pylist()]
    return clocks, found.bad, found.clock


def test_a_row_has_the_latest_tick_before_its_record() -> None:
    """A tick counts for what comes after it; an older one changes nothing."""
    events = [held(1), tick(50), held(2), tick(40), held(3)]
    assert read(events) == ([0, 50, 50], [], 50 * SECOND)
    assert read([held(4)], clock=60 * SECOND) == ([60], [], 60 * SECOND)


def test_a_time_that_the_engine_cannot_hold_is_a_dead_letter() -> None:
    """Year 9999 would be stored wrong; the rest goes on."""
    clocks, bad, clock = read([held(1), held(YEAR_9999), tick(YEAR_9999), held(2)])
    assert clocks == [0, 0]
    assert [index for index, _ in bad] == [1, 2]
    assert clock == START


def test_ticks_have_a_table_of_their_own() -> None:
    """Through, silent, behind, doubted and terms, with their place in the log."""
    events = [tick(7, "silent=a", "silent=b", "behind=c", "doubted=d", "terms=v")]
    found = rows([envelope.encode(events[0])], [b""], 2, [5], START)
    assert len(found.events) == 0
    assert found.ticks.to_pylist() == [
        {
            "log_partition": 2,
            "log_offset": 5,
            "through": datetime.fromtimestamp(7, UTC),
            "silent": ["a", "b"],
            "behind": ["c"],
            "doubted": ["d"],
            "terms": "v",
        }
    ]
