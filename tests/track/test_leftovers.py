"""New terms take back what only the old ones found; what both find stays."""

import pytest

from streams import profiles
from streams.core.errors import Unavailable
from streams.core.events import Kind, MessageEvent
from streams.core.terms import SECOND, Terms
from streams.kafka import progress
from streams.settings import Settings
from streams.track.replay import Replay, compare, elsewise, live, under
from streams.track.segments import ANEW
from streams.track.tracker import Tracker
from streams.wall import Wall
from streams.wire import envelope, records
from tests.core.journeys import TERMS, event, submitted
from tests.kafka.memory import MemoryLog, put
from tests.track.logs import tick

OLD = Terms.parse(TERMS)
NEW = Terms.parse(TERMS | {"stuck": {"normal": 10_000}})
"""They find the report overdue, too, but not that the message is stuck."""

FOREIGN = b"foreign"

DECLARED = """
name = "test"
unaccounted_after = 20
told_within = 20
report = {normal = 60, urgent = 10}
stuck = {normal = 10000}
unread = {after = 100, mailboxes = ["*@dest.test/INBOX"]}
"""
"""The same as a ledger declares them."""


@pytest.fixture
def log() -> MemoryLog:
    """A message that nobody handed on, and the clock long after it; followed under the old terms."""
    log = MemoryLog(Settings(partitions=1))
    write(log, 500)
    follow(log, OLD)
    assert standing(log) == {("overdue", OLD.version), ("stuck", OLD.version)}
    assert elsewise(live(log), OLD.version) == set()
    return log


def write(log: MemoryLog, through: int) -> None:
    """A submission, and a tick after it."""
    put_events(log, *submitted(0, "A1"), tick(through * SECOND))


def put_events(log: MemoryLog, *events: MessageEvent) -> None:
    """Write events."""
    put(log, "message-events", [(one.message_key.encode(), envelope.encode(one)) for one in events])


def follow(log: MemoryLog, terms: Terms, batch: int = 100, *, steps: int = 5) -> None:
    """A tracker reads what there is, and keeps its state; with fewer steps it dies on the way."""
    tracker = Tracker(log, terms, wall=Wall(monotonic=float), batch=batch)  # so that it never rests
    for _ in range(steps):
        tracker.step(0)
        tracker.keep()
    tracker.close()


def declare(log: MemoryLog, text: str) -> None:
    """The ledger has other terms from now on."""
    log.topics["progress"][0].append(progress.declared("terms", live=False, terms="", text=text))


def standing(log: MemoryLog) -> set[tuple[str, str]]:
    """Rule and terms of what stands."""
    told = live(log)
    return {
        (alert["rule"], alert["terms"])
        for (name, state), alert in told.items()
        if state == "raised" and (name, "cleared") not in told
    }


def test_a_replay_knows_that_live_goes_by_other_terms(log: MemoryLog) -> None:
    """As a version of other defaults does, whose workers nobody has started again: all that stands differs."""
    replay = Replay(terms=NEW)
    replay.run(log)
    assert compare(under(live(log), NEW.version), replay.alerts).extra
    assert elsewise(live(log), NEW.version) == {OLD.version}


@pytest.mark.parametrize("batch", [1, 100])
def test_what_only_the_old_terms_found_is_taken_back(log: MemoryLog, batch: int) -> None:
    """At the clock, as withdrawn; and a replay under the new terms says what was told under them."""
    follow(log, NEW, batch)
    assert standing(log) == {("overdue", NEW.version)}
    assert elsewise(live(log), NEW.version) == set()
    (gone,) = (alert for (_, state), alert in live(log).items() if state == "cleared")
    assert (gone["rule"], gone["at"], gone["attributes"]) == ("stuck", 500 * SECOND, ["withdrawn"])
    replay = Replay(terms=NEW)
    replay.run(log)
    assert not compare(live(log), replay.alerts).identical
    assert compare(under(live(log), NEW.version), replay.alerts).identical


def test_offsets_that_the_broker_forgot_change_nothing(log: MemoryLog) -> None:
    """Those of a group that had no member for long; what stood under the old terms is taken back all the same."""
    log.stored.clear()
    follow(log, NEW)
    assert standing(log) == {("overdue", NEW.version)}


def test_where_retention_took_all_of_a_partition_what_stood_is_taken_back(log: MemoryLog) -> None:
    """Nothing is left that could find it again, and on an import no tick comes; it is taken back when it was told."""
    there = log.topics["message-events"][0]
    there[:] = [None] * len(there)
    follow(log, NEW)
    assert standing(log) == set()
    gone = [alert for (_, state), alert in live(log).items() if state == "cleared"]
    assert {(alert["at"], *alert["attributes"]) for alert in gone} == {(500 * SECOND, "withdrawn")}


def test_where_nothing_is_to_be_taken_back_state_is_kept_at_once() -> None:
    """A new ledger may be a long one; who dies while it reads goes on from there."""
    log = MemoryLog(Settings(partitions=1))
    write(log, 500)
    follow(log, NEW, 1, steps=3)
    (place,) = log.stored.values()
    assert (place.offset or 0) > 0
    assert place.metadata != ANEW


def test_who_dies_while_it_reads_again_leaves_it_to_the_next(log: MemoryLog) -> None:
    """Nothing is kept until the old alarms are settled."""
    follow(log, NEW, 1, steps=2)
    assert ("stuck", OLD.version) in standing(log)
    follow(log, NEW)
    assert standing(log) == {("overdue", NEW.version)}


def test_who_reads_again_is_seen_to_go_on(log: MemoryLog) -> None:
    """What is committed changes before anything is kept: who looks from outside would end it for ever."""
    reached = list[int]()
    tracker = Tracker(log, NEW, batch=1)
    for _ in range(3):
        tracker.step(0)
        tracker.keep()
        (place,) = log.stored.values()
        assert ("stuck", OLD.version) in standing(log)
        reached.append(place.offset or 0)
    tracker.close()
    assert reached == sorted(set(reached))
    follow(log, NEW, 1)
    assert standing(log) == {("overdue", NEW.version)}


def test_who_goes_on_under_the_same_terms_takes_nothing_back(log: MemoryLog) -> None:
    """What it told before it died, it told."""
    follow(log, OLD)
    assert standing(log) == {("overdue", OLD.version), ("stuck", OLD.version)}


def test_what_was_taken_back_stands_again_under_the_old_terms(log: MemoryLog) -> None:
    """Terms that change, and change back: the clearing between them counts no more, and a replay says the same."""
    follow(log, NEW)
    follow(log, OLD)
    assert standing(log) == {("overdue", OLD.version), ("stuck", OLD.version)}
    replay = Replay(terms=OLD)
    replay.run(log)
    assert compare(under(live(log), OLD.version), replay.alerts).identical


@pytest.mark.parametrize("batch", [1, 100])
def test_who_has_old_terms_takes_nothing_back_of_what_new_ones_found(log: MemoryLog, batch: int) -> None:
    """A tracker that was not started again yet, and is given a partition of one that was."""
    follow(log, NEW)
    before = live(log)
    declare(log, DECLARED)
    with pytest.raises(Unavailable, match="other terms"):
        follow(log, OLD, batch)
    assert live(log) == before
    follow(log, NEW, batch)
    assert standing(log) == {("overdue", NEW.version)}


def test_nothing_is_found_under_terms_that_are_over() -> None:
    """From the first tick that is read after the others were declared."""
    log = MemoryLog(Settings(partitions=1))
    tracker = Tracker(log, OLD)
    tracker.step(0)
    declare(log, DECLARED)
    write(log, 500)
    with pytest.raises(Unavailable, match="other terms"):
        tracker.step(0)
    assert not live(log)


def test_terms_of_the_past_end_nobody() -> None:
    """Neither their records nor the ticks that name them: only the terms that were declared last count."""
    log = MemoryLog(Settings(partitions=1))
    for text in (profiles.text_of(), DECLARED):
        declare(log, text)
    write(log, 500)
    follow(log, NEW)
    assert standing(log) == {("overdue", NEW.version)}


def counts(log: MemoryLog) -> list[tuple[str, int, int]]:
    """What each next hop was owed, and at which second, as it was told."""
    values = [value for batch in log.read_range("queue-states") for value in batch.values if value != FOREIGN]
    told = [progress.plain(records.decode("queue-state", value)) for value in values]
    return [(one["next_hop"], one["count"], one["at"] // SECOND) for one in told]


def deferred(at: int, queue_id: str, peer: str) -> MessageEvent:
    """An attempt that came to nothing."""
    return event(Kind.DEFERRED, at, host="origin", queue_id=queue_id, recipient="bob@dest.test", peer=peer)


def deleted(at: int, queue_id: str) -> MessageEvent:
    """An operator's deletion."""
    return event(Kind.DELETED, at, host="origin", queue_id=queue_id, recipient="bob@dest.test")


@pytest.mark.parametrize("batch", [1, 100])
@pytest.mark.parametrize("cause", ["terms", "snapshot", "tail"])
def test_a_queue_that_was_told_owes_nothing_when_its_state_begins_anew(cause: str, batch: int) -> None:
    """Who reads from the beginning never knew it; what it would tell on its way is of older ticks, and never counts."""
    log = MemoryLog(Settings(partitions=1))
    put_events(
        log, *submitted(0, "A1"), tick(2 * SECOND), *submitted(3, "A2"), deferred(5, "A1", "one"), tick(20 * SECOND)
    )
    follow(log, OLD)
    before = [("", 1, 20), ("one", 1, 20)]
    assert counts(log) == before
    log.topics["queue-states"][0].append((b"?", FOREIGN))
    if cause == "tail":
        del log.topics["message-events"][0][3:]
        log.stored.clear()
    if cause == "snapshot":
        log.topics["custody-snapshots"][0].clear()
    put_events(
        log, deleted(30, "A1"), deleted(30, "A2"), tick(60 * SECOND), deferred(70, "A3", "two"), tick(80 * SECOND)
    )
    follow(log, NEW if cause == "terms" else OLD, batch, steps=30)
    told = counts(log)[len(before) :]
    assert {("", 0), ("one", 0)} <= {(hop, count) for hop, count, _ in told}
    assert min(at for _, _, at in told) >= 20


def test_queues_are_told_under_new_terms_though_the_clock_stands() -> None:
    """An import's clock does not go on: of two counts at one tick the one that is told last counts."""
    log = MemoryLog(Settings(partitions=1))
    write(log, 500)
    follow(log, OLD)
    put_events(log, deleted(30, "A1"))
    follow(log, NEW)
    assert counts(log) == [("", 1, 500), ("", 0, 500)]
