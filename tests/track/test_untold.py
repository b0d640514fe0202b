"""Where retention took the beginning of the log, who begins anew tells nothing that was not told before."""

from collections.abc import Callable

import pytest

from streams.core.events import MessageEvent
from streams.core.terms import SECOND, Terms
from streams.track.replay import live
from streams.track.segments import ANEW
from streams.track.tracker import Tracker
from tests.core.journeys import TERMS, reported, submitted
from tests.kafka.memory import MemoryLog
from tests.track.lives import (
    NOW,
    differs,
    expired_offsets,
    follow,
    forget,
    ledger,
    standing,
    unknown_snapshots,
    write,
)
from tests.track.logs import tick

OTHERS = Terms.parse(TERMS | {"stuck": {"normal": 9_000}, "linger": 50, "horizon": 200})

BEFORE = [*submitted(0, "A1", key="m"), *submitted(1, "A2", key="late"), tick(5 * SECOND)]
"""What retention takes."""

LEFT = [*reported(10, ("origin", "A1"), key="m"), tick(20 * SECOND), tick(70 * SECOND), tick(100 * SECOND)]
"""A report in time, and one that does not come."""

Causes = Callable[[MemoryLog], None]


@pytest.fixture
def log() -> MemoryLog:
    """A message that was reported and one that was not; what was told of them is told, and their submission is gone."""
    log = ledger(*BEFORE, *LEFT)
    follow(log, NOW)
    assert standing(log) == [("late", "overdue")]
    forget(log, len(BEFORE))
    return log


def test_a_log_that_began_there_would_tell_what_it_cannot_know() -> None:
    """That is what nobody is to be told: a report about a message that nobody submitted."""
    log = ledger(*LEFT)
    follow(log, NOW)
    assert standing(log) == [("m", "uncorroborated-report")]


@pytest.mark.parametrize("batch", [1, 100])
@pytest.mark.parametrize("terms", [NOW, OTHERS])
@pytest.mark.parametrize("cause", [unknown_snapshots, expired_offsets])
def test_what_was_not_told_before_is_not_told(log: MemoryLog, cause: Causes, terms: Terms, batch: int) -> None:
    """Whatever makes a tracker begin anew."""
    told = len(live(log))
    cause(log)
    follow(log, terms, batch)
    assert ("m", "uncorroborated-report") not in standing(log)
    assert len([state for _, state in live(log) if state == "raised"]) == told
    assert not differs(log, terms)


@pytest.mark.parametrize("is_known_at_once", [True, False])
def test_nor_is_it_cleared(log: MemoryLog, *, is_known_at_once: bool) -> None:
    """Neither on the way nor by a later life that has its state from a snapshot; what was told before is cleared."""
    unknown_snapshots(log)
    if not is_known_at_once:
        follow(log, NOW, 1)
        (place,) = log.stored.values()
        assert place.metadata != ANEW
    write(log, *submitted(0, "A1", key="m"), tick(110 * SECOND), tick(120 * SECOND))
    follow(log, NOW, 1)
    assert {alert["rule"] for alert in live(log).values()} == {"overdue"}
    assert not differs(log)


def test_what_stands_untold_holds_its_message_open_until_it_is_over(log: MemoryLog) -> None:
    """As in a replay, which tells it."""
    unknown_snapshots(log)
    follow(log, NOW)
    tracker = Tracker(log, NOW)
    tracker.step(0)
    (part,) = tracker.parts.values()
    assert part.alarms.standing(part.custody).tolist() == [True]
    write(log, *submitted(0, "A1", key="m"), tick(110 * SECOND), tick(120 * SECOND))
    for _ in range(3):
        tracker.step(0)
    assert part.alarms.standing(part.custody).tolist() == [False]
    tracker.close()


def test_what_was_told_before_is_told_again_and_cleared(log: MemoryLog) -> None:
    """It is found though its submission comes only now, and stands as it stood; then its report comes."""
    unknown_snapshots(log)
    write(log, *submitted(1, "A2", key="late"), tick(110 * SECOND), tick(120 * SECOND))
    follow(log, NOW)
    assert standing(log) == [("late", "overdue")]
    write(log, *reported(130, ("origin", "A2"), key="late"), tick(140 * SECOND), tick(150 * SECOND))
    follow(log, NOW)
    assert standing(log) == []


@pytest.mark.parametrize("cause", [None, unknown_snapshots])
def test_what_is_raised_once_all_is_read_is_told(log: MemoryLog, cause: Causes | None) -> None:
    """A log that keeps less than a horizon must not be mute; and it is told again by whoever begins anew."""
    unknown_snapshots(log)
    follow(log, NOW)
    write(log, *submitted(105, "A3", key="new"), tick(110 * SECOND), tick(180 * SECOND))
    follow(log, NOW)
    if cause:
        cause(log)
        follow(log, NOW)
    assert standing(log) == [("late", "overdue"), ("new", "overdue")]


def test_what_is_raised_a_horizon_after_what_is_left_is_told(log: MemoryLog) -> None:
    """On the way, too: all that it needs is there."""
    write(log, *submitted(165, "A3", key="new"), tick(170 * SECOND), tick(280 * SECOND), tick(290 * SECOND))
    unknown_snapshots(log)
    follow(log, NOW)
    assert standing(log) == [("late", "overdue"), ("new", "overdue")]
    assert not differs(log)


@pytest.mark.parametrize("steps", range(1, 6))
@pytest.mark.parametrize("before", [BEFORE, [*submitted(0, "A1", key="m"), tick(5 * SECOND)]])
def test_who_dies_on_the_way_leaves_it_to_the_next(before: list[MessageEvent], steps: int) -> None:
    """Nothing is kept before all is read, whether an alarm stands or none: the next life begins where the log does."""
    log = ledger(*before, *LEFT)
    follow(log, NOW)
    told = standing(log)
    forget(log, len(before))
    unknown_snapshots(log)
    follow(log, NOW, 1, steps=steps)
    follow(log, NOW, 1)
    assert standing(log) == told
    assert not differs(log)


def silences(*after: MessageEvent) -> MemoryLog:
    """A source that is silent since before the log that is left."""
    log = ledger(tick(10 * SECOND), tick(20 * SECOND, "a"), tick(30 * SECOND, "a"), tick(40 * SECOND, "a"))
    follow(log, NOW)
    write(log, *after)
    forget(log, 2)
    unknown_snapshots(log)
    return log


def said(log: MemoryLog) -> list[tuple[int, str]]:
    """When what was raised and cleared, in seconds."""
    return sorted((alert["at"] // SECOND, alert["state"]) for alert in live(log).values())


def test_a_silence_that_goes_on_is_told_once() -> None:
    """From the first tick that is left on; that it began before is taken back, and when it is over both are."""
    log = silences()
    follow(log, NOW)
    assert standing(log) == [("a", "source-silent")]
    write(log, tick(50 * SECOND), tick(60 * SECOND))
    follow(log, NOW)
    assert said(log) == [(10, "raised"), (30, "raised"), (40, "cleared"), (50, "cleared")]


def test_a_silence_that_is_over_is_not_told() -> None:
    """It was told before with when it began."""
    log = silences(tick(50 * SECOND), tick(60 * SECOND))
    follow(log, NOW)
    assert said(log) == [(10, "raised"), (60, "cleared")]
