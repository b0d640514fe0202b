"""A tracker whose own state is damaged reads the log from the beginning; damaged events it passes over, and says so."""

import subprocess
import sys

import pytest

from streams.core.errors import Unavailable
from streams.core.events import Kind, MessageEvent
from streams.core.identity import partition_of
from streams.core.terms import SECOND, Terms
from streams.kafka.deadletters import latest
from streams.settings import Settings
from streams.track import segments
from streams.track.tracker import Tracker
from streams.wall import Wall
from streams.wire import envelope, records
from streams.wire.schemas import FRAME
from tests.core.journeys import TERMS, event, submitted
from tests.kafka import memory
from tests.kafka.memory import Faults, MemoryLog
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


def test_state_of_any_size_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Queues for a thousand next hops and sources that fell silent hundreds of times do not fit into one record."""
    monkeypatch.setattr(memory, "LARGEST", 20_000)
    monkeypatch.setattr(segments, "LARGE", 10_000)
    monkeypatch.setattr(segments, "ROWS", 32)
    log = MemoryLog(Settings(partitions=1))
    tracker = _started(log)
    for number in range(1000):
        hop = f"mx-{number * 7919 % 100_000:030}.example.test"
        silent = ("b",) if number % 2 else ()
        _write(log, *submitted(0, f"Q{number}"), _deferred(0, f"Q{number}", hop), tick(number * SECOND, *silent))
        if number % 250 == 249:
            tracker.step(0)
            tracker._rest_until = 0
            tracker.keep()
    clock, lists = tracker.parts[0].clock, tracker._kept[0].lists
    tracker.close()
    back = _started(log)
    assert (back.events, back.parts[0].clock, back._kept[0].lists) == (0, clock, lists)
    assert (len(lists.queues), len(lists.spans)) == (1000, 500)


def _write(log: MemoryLog, *events: MessageEvent) -> None:
    writer = log.writer()
    for one in events:
        writer.write("message-events", one.message_key.encode(), envelope.encode(one))
    writer.flush()


def _deferred(at: int, queue_id: str, hop: str) -> MessageEvent:
    return event(Kind.DEFERRED, at, host="origin", queue_id=queue_id, recipient="bob@dest.test", peer=hop)


def test_a_quiet_night_makes_no_manifest_long() -> None:
    """With every tick the offset goes on, and nothing else: what holds nothing is not named."""
    log = MemoryLog(Settings(partitions=1))
    _write(log, *submitted(0, "Q1"), tick(SECOND))
    tracker, named = _started(log), list[int]()
    for second in range(2, 100):
        _write(log, tick(second * SECOND))
        tracker.step(0)
        tracker.keep()
        named.append(len(tracker._kept[0].generations))
    assert max(named) < 10
    tracker.close()
    assert _started(log).parts[0].clock.through == 99 * SECOND


def test_a_silence_that_was_not_looked_at_is_told_by_the_next_life() -> None:
    """A tracker dies while it works off a backlog: what waited for a look was kept, and was told to nobody."""
    log = MemoryLog(Settings(partitions=1))
    _write(log, *(one for number in range(150) for one in submitted(0, f"Q{number}")), tick(10 * SECOND))
    tracker = Tracker(log, Terms.parse(TERMS), batch=10)
    while tracker.step(0) or tracker.parts[0].offset < 301:
        pass
    more = [one for number in range(150, 170) for one in submitted(20, f"Q{number}")]
    _write(log, tick(60 * SECOND, "b"), *more, tick(70 * SECOND, "b"))
    tracker.step(0)
    tracker.step(0)
    assert (tracker.parts[0].looked, tracker.parts[0].clock.through) == (10 * SECOND, 60 * SECOND)
    tracker.keep()
    tracker.close()
    tracker = _started(log)
    tracker.keep()
    tracker.close()
    assert _silences(log) == [("raised", 10 * SECOND)]
    _started(log)
    assert len(_silences(log)) == 1


def _silences(log: MemoryLog) -> list[tuple[str, int]]:
    told = [records.decode("alert", value) for batch in log.read_range("alerts") for value in batch.values]
    return [(one["state"], int(one["at"].timestamp() * SECOND)) for one in told if one["rule"] == "source-silent"]


def test_what_no_manifest_names_is_removed_by_the_next_life() -> None:
    """Snapshots whose commit failed would stay for ever: nobody else knows their names."""
    log = _kept(7)
    for life in range(3):
        view = log.view(Faults())
        tracker = _started(view)
        _write(log, *submitted(life, f"Q{life}"), tick(8 + life))
        tracker.step(0)
        view.faults.unstored = 1
        with pytest.raises(Unavailable):
            tracker.keep()
        view.die()
        view.expire()
    tracker = _started(log)
    tracker.keep()
    place = next(iter(log.stored.values()))
    live = _live(log)
    manifest = segments.manifest_of(live.pop(segments.manifest_key(0, place.metadata)))
    assert set(live) == {segments.segment_key(0, name, n) for name, count in manifest.generations for n in range(count)}
    tracker.close()
    back = _started(log)
    assert (back.events, len(back.parts[0].custody.entries), back.parts[0].clock.through) == (0, 3, 10)


def _live(log: MemoryLog) -> dict[bytes | None, bytes]:
    (batch,) = log.read_range("custody-snapshots")
    last = dict(zip(batch.keys, batch.values, strict=True))
    return {key: value for key, value in last.items() if value is not None}


WITHOUT_PANDAS = """
import sys
from tests.core.journeys import submitted
from tests.track.test_tracker import _kept, _started
from tests.track.logs import empty, records

tracker = _started(_kept(7))
some = [*submitted(1, "Q1")]
empty().take(records(some, 0, len(some)))
sys.exit("pandas" in sys.modules)
"""


def test_pandas_is_not_needed() -> None:
    """To fold, to keep and to put back; Arrow would import it unasked, half a second and 40 MB of every worker."""
    subprocess.run((sys.executable, "-c", WITHOUT_PANDAS), check=True)  # noqa: S603 - ourselves


def test_what_waited_for_a_partition_that_was_anothers_meanwhile_is_not_folded() -> None:
    """It comes again with what was before it: folded alone, it would be kept as if that had been read.

    Time stands still, so that nothing is kept in between.
    """
    log = MemoryLog(Settings(partitions=1))
    events = [one for number in range(4) for one in submitted(number, f"A{number}", key=f"m{number}")]
    _write(log, *events)
    tracker = Tracker(log, Terms.parse(TERMS), wall=Wall(monotonic=float), batch=2)
    assert [tracker.step(0) for _ in range(2)] == [0, 2]
    other = log.reader("message-events", "custody-tracker-main", member="other")
    other.close()
    assert (tracker.step(0), tracker.parts[0].offset) == (0, 0)
    while tracker.step(0):
        pass
    assert (tracker.parts[0].offset, len(tracker.parts[0].custody.entries)) == (len(events), 4)
    tracker.close()


def test_what_cannot_be_understood_goes_to_the_dead_letters() -> None:
    """Each with its place and reason; what stands around it is followed, and none of it is read again."""
    log = MemoryLog(Settings(partitions=1))
    writer, (first, second) = log.writer(), submitted(1, "Q1")
    whole = envelope.encode(first)
    broken = (b"not avro", b"\0\0\0\x03\xe7" + whole[FRAME:], whole[:-20])
    for value in (whole, *broken, envelope.encode(second)):
        writer.write("message-events", b"m", value)
    writer.write("message-events", b"", envelope.encode(tick(7)))
    writer.flush()
    tracker = _started(log)
    tracker.keep()
    (found,) = log.read_range("message-events-dlq")
    letters = [records.decode("dead-letter", value) for value in found.values]
    assert [(one["topic"], one["partition"], one["offset"], one["reason"]) for one in letters] == [
        ("message-events", 0, 1, "not in the Confluent wire format: no zero byte"),
        ("message-events", 0, 2, "schema id 999 is unknown, not message-event"),
        ("message-events", 0, 3, "cut off in size"),
    ]
    assert [one["value"] for one in letters] == list(broken)
    part = tracker.parts[0]
    assert (tracker.events, part.offset, part.clock.through) == (3, 6, 7)
    assert (len(part.custody.entries), len(part.custody.legs)) == (1, 1)


def test_a_record_in_the_partition_of_another_key_is_told_and_counts_there() -> None:
    """A producer that leaves the partition to its client: stream and warehouse would differ in silence."""
    log = MemoryLog(Settings(partitions=4))
    writer, (first, second) = log.writer(), submitted(1, "Q1")
    home = partition_of(first.message_key, 4)
    writer.write("message-events", first.message_key.encode(), envelope.encode(first), home)
    writer.write("message-events", first.message_key.encode(), envelope.encode(second), (home + 1) % 4)
    writer.write("message-events", b"", envelope.encode(tick(7)), (home + 1) % 4)
    writer.flush()
    tracker = _started(log)
    tracker.keep()
    (letter,) = latest(log, 9)
    assert (letter["partition"], letter["offset"], letter["key"]) == ((home + 1) % 4, 0, first.message_key.encode())
    assert letter["reason"].startswith(f"it lies in another partition than its key's, {home}")
    assert tracker.events == 3
