"""A tracker that finds its own state damaged reads the log from the beginning."""

import pytest

from streams.core.terms import Terms
from streams.kafka.memory import MemoryLog
from streams.settings import Settings
from streams.track.tracker import Tracker
from streams.wire import envelope
from tests.core.journeys import TERMS
from tests.track.logs import tick


def _started(log: MemoryLog) -> Tracker:
    tracker = Tracker(log, Terms.parse(TERMS))
    tracker.step(0)
    return tracker


def _kept(events: int) -> MemoryLog:
    """A log whose tracker has kept its state."""
    log = MemoryLog(Settings(partitions=1))
    writer = log.writer()
    for through in range(1, events + 1):
        writer.write("message-events", b"", envelope.encode(tick(through)))
    writer.flush()
    tracker = _started(log)
    tracker.keep()
    tracker.close()
    return log


@pytest.mark.parametrize("kind", [b"manifest/", b"segment/"])
def test_a_damaged_snapshot_is_not_put_back(kind: bytes) -> None:
    """With one bit wrong in what was kept, the log is read again, and the clock is where it was."""
    log = _kept(7)
    (snapshots,) = log.topics["custody-snapshots"]
    for number, (key, value) in enumerate(filter(None, snapshots)):
        if key is not None and key.startswith(kind) and value:
            snapshots[number] = key, value[:-1] + bytes((value[-1] ^ 1,))
    tracker = _started(log)
    assert (tracker.events, tracker.parts[0].clock.through) == (7, 7)


def test_a_snapshot_is_put_back() -> None:
    """What was kept is not read again."""
    tracker = _started(_kept(7))
    assert (tracker.events, tracker.parts[0].clock.through) == (0, 7)
