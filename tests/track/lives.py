"""Lives of trackers on one ledger in memory, and what becomes of its log between them, for tests."""

from streams.core.events import MessageEvent
from streams.core.terms import Terms
from streams.kafka.ports import Committed
from streams.settings import Settings
from streams.track.replay import Alerts, Replay, compare, live, under
from streams.track.tracker import Tracker
from streams.wire import envelope
from tests.core.journeys import TERMS
from tests.kafka.memory import MemoryLog, put

NOW = Terms.parse(TERMS | {"stuck": {"normal": 10_000}, "linger": 50, "horizon": 200})
EARLIER = Terms.parse(TERMS | {"linger": 50, "horizon": 200})
EARLIER.version = NOW.version
"""An older version of ours, under the same terms: it found what ours does not find, that a message is stuck."""


def ledger(*events: MessageEvent) -> MemoryLog:
    """A ledger of one partition that holds some events."""
    log = MemoryLog(Settings(partitions=1))
    write(log, *events)
    return log


def write(log: MemoryLog, *events: MessageEvent) -> None:
    """Write events."""
    put(log, "message-events", [(one.message_key.encode(), envelope.encode(one)) for one in events])


def follow(log: MemoryLog, terms: Terms, batch: int = 100, *, steps: int = 30) -> None:
    """A tracker reads what there is, and keeps its state; with fewer steps it dies on the way."""
    tracker = Tracker(log, terms, batch=batch)
    for _ in range(steps):
        tracker.step(0)
        tracker.keep()
    tracker.close()


def unknown_snapshots(log: MemoryLog) -> None:
    """What is kept is of another version."""
    log.topics["custody-snapshots"][0].clear()


def expired_offsets(log: MemoryLog) -> None:
    """Brokers forgot the group."""
    log.stored.clear()


def lost_tail(log: MemoryLog) -> None:
    """The log has lost its tail: who read it commits the beginning, in the name of nothing."""
    (key,) = log.stored
    log.stored[key] = Committed(offset=0)


def standing(log: MemoryLog) -> list[tuple[str, str]]:
    """Message and rule of what stands."""
    told = live(log)
    raised = [alert for (name, state), alert in told.items() if state == "raised" and (name, "cleared") not in told]
    return sorted((alert["message_key"] or alert["host"], alert["rule"]) for alert in raised)


def forget(log: MemoryLog, count: int) -> None:
    """Retention takes the first records."""
    log.topics["message-events"][0][:count] = [None] * count


def differs(log: MemoryLog, terms: Terms = NOW) -> bool:
    """Does a replay say otherwise, as the command compares."""
    replay = Replay(terms=terms)
    replay.run(log)
    told: Alerts = replay.reached(under(live(log), terms.version))
    return not compare(replay.comparable(told), replay.comparable(replay.alerts)).identical
