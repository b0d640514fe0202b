"""Who reads a partition from its beginning under the same terms: what it does not find any more is taken back."""

from collections.abc import Callable

import pytest

from streams.core.terms import SECOND
from streams.track.replay import live
from streams.track.segments import ANEW
from streams.track.tracker import Tracker
from tests.core.journeys import journey, submitted
from tests.kafka.memory import MemoryLog
from tests.track.lives import (
    EARLIER,
    NOW,
    differs,
    expired_offsets,
    follow,
    forget,
    ledger,
    lost_tail,
    standing,
    unknown_snapshots,
    write,
)
from tests.track.logs import tick


@pytest.fixture
def log() -> MemoryLog:
    """A message that nobody handed on, and the clock long after it; followed by the older version."""
    log = ledger(*submitted(0, "A1", key="m"), tick(20 * SECOND), tick(500 * SECOND), tick(510 * SECOND))
    follow(log, EARLIER)
    assert standing(log) == [("m", "overdue"), ("m", "stuck")]
    return log


@pytest.mark.parametrize("batch", [1, 100])
@pytest.mark.parametrize("cause", [unknown_snapshots, expired_offsets])
def test_what_a_newer_version_does_not_find_is_taken_back(
    log: MemoryLog, cause: Callable[[MemoryLog], None], batch: int
) -> None:
    """At the clock, as withdrawn; and a replay says that live and replay are identical."""
    cause(log)
    follow(log, NOW, batch)
    assert standing(log) == [("m", "overdue")]
    (gone,) = (alert for (_, state), alert in live(log).items() if state == "cleared")
    assert (gone["rule"], gone["at"], gone["attributes"]) == ("stuck", 510 * SECOND, ["withdrawn", "found=no"])
    assert not differs(log)


def test_what_is_found_again_after_it_was_taken_back_stands_and_is_compared(log: MemoryLog) -> None:
    """Who goes back to the older version is told again."""
    unknown_snapshots(log)
    follow(log, NOW)
    unknown_snapshots(log)
    follow(log, EARLIER)
    assert standing(log) == [("m", "overdue"), ("m", "stuck")]
    assert not differs(log, EARLIER)
    assert differs(log)


@pytest.mark.parametrize("steps", range(1, 5))
def test_who_loses_the_partition_on_the_way_leaves_it_to_the_next(log: MemoryLog, steps: int) -> None:
    """Nothing is kept until all is read, so whoever comes finds the same."""
    unknown_snapshots(log)
    first, second = Tracker(log, NOW, "a", batch=1), Tracker(log, NOW, "b", batch=1)
    for _ in range(steps):
        first.step(0)
        first.keep()
        assert {place.metadata == ANEW for place in log.stored.values()} == {("m", "stuck") in standing(log)}
    first.close()
    for _ in range(10):
        second.step(0)
        second.keep()
    second.close()
    assert standing(log) == [("m", "overdue")]
    assert not differs(log)


def test_once_all_that_stood_is_found_state_is_kept_as_it_goes(log: MemoryLog) -> None:
    """Nothing is left to be taken back; the same version that reads again keeps what it has read."""
    write(log, *(tick(through * SECOND) for through in range(520, 600, 10)))
    unknown_snapshots(log)
    follow(log, EARLIER, 1, steps=7)
    (place,) = log.stored.values()
    assert place.metadata != ANEW
    assert (place.offset or 0) < len(log.topics["message-events"][0])
    assert standing(log) == [("m", "overdue"), ("m", "stuck")]


def test_an_alarm_whose_evidence_retention_took_stands() -> None:
    """The log cannot tell of it any more; what was raised a horizon after what is left is taken back."""
    log = ledger(
        *submitted(0, "A1", key="old"), tick(20 * SECOND), tick(70 * SECOND),
        *submitted(300, "A2", key="new"), tick(310 * SECOND), tick(600 * SECOND),
    )  # fmt: skip
    follow(log, EARLIER)
    before = standing(log)
    forget(log, 3)
    unknown_snapshots(log)
    follow(log, NOW)
    assert before == [("new", "overdue"), ("new", "stuck"), ("old", "overdue"), ("old", "stuck")]
    assert standing(log) == [("new", "overdue"), ("old", "overdue"), ("old", "stuck")]
    assert not differs(log)


def test_where_retention_took_all_of_a_partition_what_stands_stands(log: MemoryLog) -> None:
    """The terms are the same, and nothing says that it was wrong."""
    forget(log, len(log.topics["message-events"][0]))
    unknown_snapshots(log)
    follow(log, NOW)
    assert standing(log) == [("m", "overdue"), ("m", "stuck")]


def test_what_only_a_lost_tail_knew_stands() -> None:
    """It did exist, though the log goes on without it; whoever reads the log next keeps its state as it goes."""
    log = ledger(*submitted(0, "A1", key="m"), tick(20 * SECOND), *submitted(30, "A2", key="lost"), tick(100 * SECOND))
    follow(log, NOW)
    before = standing(log)
    there = log.topics["message-events"][0]
    del there[-2:]
    write(log, *journey(100, "3", key="next"), tick(140 * SECOND))
    lost_tail(log)
    follow(log, NOW)
    assert before == standing(log) == [("lost", "overdue"), ("m", "overdue")]


@pytest.mark.parametrize("steps", [0, 1, 2, 3])
def test_what_only_a_lost_tail_knew_stands_though_who_reads_dies(steps: int) -> None:
    """Also where retention took the beginning, so that nothing is kept on the way."""
    old = [tick(5 * SECOND), *submitted(0, "A0", key="old"), tick(20 * SECOND), *submitted(300, "A1", key="m")]
    log = ledger(*old, tick(310 * SECOND), *submitted(320, "A2", key="lost"), tick(400 * SECOND))
    follow(log, NOW)
    before = standing(log)
    assert ("lost", "overdue") in before
    del log.topics["message-events"][0][-2:]
    write(log, *journey(400, "3", key="next"), tick(600 * SECOND), tick(610 * SECOND))
    forget(log, 3)
    lost_tail(log)
    follow(log, NOW, 1, steps=steps)
    follow(log, NOW)
    assert ("lost", "overdue") in standing(log)


def test_a_silence_that_ended_unseen_is_taken_back() -> None:
    """Every tick names all sources that are silent: it needs none of those that are gone."""
    said = [tick(10 * SECOND), tick(20 * SECOND, "a"), tick(30 * SECOND, "a"), tick(40 * SECOND), tick(50 * SECOND)]
    log = ledger(*said[:3])
    follow(log, NOW)
    assert standing(log) == [("a", "source-silent")]
    write(log, *said[3:])
    forget(log, 3)
    unknown_snapshots(log)
    follow(log, NOW)
    assert standing(log) == []
