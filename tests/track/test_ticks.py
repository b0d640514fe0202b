"""The clock writer's worker: what it recalls, is given, and writes."""

from collections.abc import Iterator
from threading import Thread
from typing import Any

import pytest

from streams.core.clock import Tick
from streams.kafka import progress as words
from streams.kafka.progress import declared, progressed
from streams.settings import Settings
from streams.track.ticks import Ticker
from streams.track.timekeeper import SECOND
from streams.wall import Wall
from streams.wire import envelope, records
from tests.kafka.memory import MemoryLog
from tests.track.test_timekeeper import said


class Stage:
    """A clock writer over a log of two partitions, and the time."""

    def __init__(self) -> None:
        """At second 100, where a live source speaks."""
        self.log, self.now = MemoryLog(Settings(ledger="test", partitions=2)), 100
        self.ticker = self.begin()

    def begin(self) -> Ticker:
        """Another clock writer takes over."""
        self.ticker = Ticker(self.log, Wall(now=lambda: self.now * SECOND, monotonic=lambda: float(self.now)))
        self.ticker.recall()
        return self.ticker

    def say(self, source: str, through: int | None, *, live: bool = True) -> None:
        """A source says how far it is, or is declared."""
        if through is None:
            key, value = declared(source, live=live, terms="", text="", at=self.now * SECOND)
        else:
            key, value = progressed(source, through * SECOND, live=live, at=self.now * SECOND)
        self.put(key, value)

    def withdraw(self, source: str, *, is_given: bool = True) -> None:
        """A source is read no more; the clock writer may not be given that."""
        self.put(*words.withdrawn(source), is_given=is_given)

    def put(self, key: bytes, value: bytes | None, *, is_given: bool = True) -> None:
        """It is in the log, and the clock writer is given it."""
        there = self.log.topics["progress"][0]
        there.append((key, value))
        if is_given:
            self.ticker.hear(value, len(there) - 1)

    def pass_by(self, seconds: int) -> None:
        """So many seconds, in which a live source speaks, and the clock writer looks."""
        if "a" not in self.ticker.keeper.sources:
            self.say("a", None)
        for _ in range(seconds):
            self.say("a", self.now)
            self.ticker.look()
            self.now += 1

    def ticks(self, partition: int = 0) -> list[Tick]:
        """What a partition has."""
        events = [envelope.decode(value) for _, value in filter(None, self.log.topics["message-events"][partition])]
        return [Tick.read(event.occurred_at, event.attributes) for event in events]


def letters_of(stage: Stage) -> list[tuple[bytes | None, bytes | None] | None]:
    """The dead letters."""
    return stage.log.topics["message-events-dlq"][0]


@pytest.mark.parametrize("is_compacted", [False, True])
def test_a_source_that_was_withdrawn_and_declared_again_can_be_silent(*, is_compacted: bool) -> None:
    """After its patience, as any other: that it was withdrawn stands in the log for ever, and is long over."""
    stage = Stage()
    for _ in range(2):
        stage.say("b", None)
        stage.say("b", stage.now)
        stage.pass_by(5)
        stage.withdraw("b")
        stage.pass_by(5)
    stage.say("b", None)
    stage.say("b", stage.now)
    since = stage.now
    if is_compacted:
        stage.log.compact("progress")
    stage.pass_by(200)
    first = next(tick for tick in stage.ticks() if tick.silent)
    assert (first.through, first.silent) == ((since + 61) * SECOND, ("b",))
    assert stage.ticks()[-1] == Tick(through=(since + 199) * SECOND, silent=("b",))


def test_a_source_that_was_withdrawn_is_not_silent_though_nobody_told_us() -> None:
    """Before it is called so we look, and find that it is read no more."""
    stage = Stage()
    stage.say("b", None)
    stage.say("b", stage.now)
    stage.pass_by(5)
    stage.withdraw("b", is_given=False)
    stage.pass_by(200)
    assert stage.ticks()[-1].through == (stage.now - 1) * SECOND
    assert not any(tick.silent for tick in stage.ticks())


def broken_off(stage: Stage) -> list[tuple[bytes | None, bytes | None]]:
    """Two imports; one was broken off, which took it back, and has begun again: the other's word is no time yet."""
    for name in ("one", "other"):
        stage.put(*declared(name, live=False, terms="", text="", at=SECOND), is_given=False)
    stage.put(*progressed("other", 100 * SECOND, at=2 * SECOND), is_given=False)
    stage.put(*words.withdrawn("one"), is_given=False)
    stage.put(*declared("one", live=False, terms="", text="", at=4 * SECOND), is_given=False)
    return [record for record in stage.log.topics["progress"][0] if record is not None]


@pytest.mark.parametrize("times", [1, 2])
def test_what_a_clock_writer_recalled_it_does_not_hear_again(times: int) -> None:
    """It is given all since its last commit, old withdrawals too, maybe twice: none ends what was declared after it."""
    stage = Stage()
    given = broken_off(stage)
    ticker = stage.begin()
    for _ in range(times):
        for offset, (_key, value) in enumerate(given):
            ticker.hear(value, offset)
            ticker.look()
            assert (sorted(ticker.keeper.sources), stage.ticks()) == (["one", "other"], [])
    stage.put(*progressed("one", 50 * SECOND, at=5 * SECOND))
    ticker.look()
    assert stage.ticks() == [Tick(through=50 * SECOND)]


def test_what_a_clock_writer_is_given_twice_ends_no_source() -> None:
    """Also what it never recalled: it heard it when it was said."""
    stage = Stage()
    given = broken_off(stage)
    for offset, (_key, value) in enumerate(given):
        stage.ticker.hear(value, offset)
    assert sorted(stage.ticker.keeper.sources) == ["one", "other"]
    for offset, (_key, value) in enumerate(given):
        stage.ticker.hear(value, offset)
        assert sorted(stage.ticker.keeper.sources) == ["one", "other"]


def test_a_clock_writer_whose_log_lost_its_tail_hears_what_is_written_there_next() -> None:
    """It is given the log from its beginning, which has another end than the one it knows."""
    stage = Stage()
    given = broken_off(stage)
    ticker = stage.begin()
    ticker.hear(given[-1][1], len(given) - 1)
    del stage.log.topics["progress"][0][2:]
    stage.put(*progressed("one", 50 * SECOND, at=5 * SECOND), is_given=False)
    stage.put(*progressed("other", 60 * SECOND, at=5 * SECOND), is_given=False)
    for offset, (_key, value) in enumerate(filter(None, stage.log.topics["progress"][0])):
        ticker.hear(value, offset)
    ticker.look()
    assert stage.ticks() == [Tick(through=50 * SECOND)]


def test_a_new_clock_writer_names_who_holds_the_clock_that_it_never_moved() -> None:
    """How far it is stands in the log, before all that the import wrote."""
    stage = Stage()
    stage.pass_by(2)
    before = stage.ticks()
    stage.say("old", None, live=False)
    for number in range(2):
        stage.log.topics["message-events"][number] += [(b"k", b"v")] * 2000 + [(b"", b"damaged")]
    stage.begin()
    stage.pass_by(100)
    found = stage.log.topics["message-events"][0][-1]
    assert found is not None
    event = envelope.decode(found[1])
    last = Tick.read(event.occurred_at, event.attributes)
    assert last == Tick(through=before[-1].through + 1, behind=("old",))


def test_a_tick_that_not_every_partition_has_is_written_again() -> None:
    """Its writer died on the way."""
    stage = Stage()
    stage.pass_by(2)
    stage.log.topics["message-events"][1].pop()
    assert stage.ticks(0) != stage.ticks(1)
    stage.begin().look()
    assert stage.ticks(0)[-1] == stage.ticks(1)[-1]


def test_what_is_said_while_it_recalls_is_heard_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    """From another thread: what is looked through does not change meanwhile."""
    stage, known = Stage(), list[list[str]]()
    _, value = declared("b", live=True, terms="", text="", at=0)
    other = Thread(target=stage.ticker.hear, args=[value, 0])

    def everything(_log: MemoryLog, _ends: dict[int, int]) -> Iterator[dict[str, Any]]:
        other.start()
        other.join(0.05)
        known.append(list(stage.ticker.keeper.sources))
        yield said("a", kind="declared")

    monkeypatch.setattr(words, "all_progress", everything)
    stage.ticker.recall()
    other.join(60)
    assert known == [[]]
    assert list(stage.ticker.keeper.sources) == ["a", "b"]


def test_a_wall_clock_that_went_back_is_said_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    """No alarm comes before it is where it was; a second or two is nobody's matter."""
    stage = Stage()
    stage.pass_by(50)
    stage.now -= 3
    stage.pass_by(2)
    assert not caplog.messages
    stage.now = 50
    stage.begin()
    stage.pass_by(59)
    assert caplog.messages == ["this machine's clock went back: no alarm before 1970-01-01T00:02:29+00:00"]


def test_a_source_whose_word_did_not_reach_the_clock_is_not_silent() -> None:
    """What it said is in the log, though the clock writer was not given it: the clock waits for it."""
    stage = Stage()
    for name in ("a", "b"):
        stage.say(name, None)
        stage.say(name, 100)
    for stage.now in range(100, 160):
        stage.say("b", stage.now)
        stage.ticker.look()
    stage.put(*progressed("a", 150 * SECOND, live=True, at=150 * SECOND), is_given=False)
    stage.now = 161
    stage.ticker.look()
    assert stage.ticks()[-1] == Tick(through=150 * SECOND)


@pytest.mark.parametrize("is_given", [True, False])
@pytest.mark.parametrize("damage", ["foreign", "unknown id", "truncated", "long"])
def test_what_cannot_be_read_is_a_dead_letter(damage: str, *, is_given: bool) -> None:
    """With its place and bytes, also where it was said before the clock writer began; the clock goes on."""
    stage = Stage()
    key, value = progressed("b", 90 * SECOND, live=True)
    damaged = {"foreign": b"foreign", "unknown id": b"\0\0\0\7\7" + value[5:], "truncated": value[:-3]}
    bad = damaged.get(damage, value + b"more")
    stage.say("a", None)
    stage.say("a", 99)
    stage.put(key, bad, is_given=is_given)
    if not is_given:
        stage.begin().hear(bad, 2)
    stage.ticker.look()
    (letter,) = (records.decode("dead-letter", value) for _, value in filter(None, letters_of(stage)))
    assert (letter["topic"], letter["partition"], letter["offset"]) == ("test-progress", 0, 2)
    assert (letter["value"], bool(letter["reason"])) == (bad, True)
    assert stage.ticks() == [Tick(through=99 * SECOND)]


def test_a_null_is_no_dead_letter(caplog: pytest.LogCaptureFixture) -> None:
    """In a compacted topic it takes back what its key said: so a damaged record is got rid of."""
    stage = Stage()
    stage.say("a", None)
    stage.say("a", 99)
    stage.put(b"progressed/b", None)
    stage.begin().hear(None, 2)
    stage.ticker.look()
    assert (letters_of(stage), caplog.messages) == ([], [])
    assert stage.ticks() == [Tick(through=99 * SECOND)]
