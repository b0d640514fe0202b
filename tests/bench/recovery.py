"""How long it takes until a tracker works: from the start of its process, and after a SIGKILL.

- recovery: the state of so many open units stands in the snapshots topic; from the start of a process to the first new
  event that it takes. Its static name is that of the process before it, so it waits for nobody's session to end.
- kill: two members with static names, events all the time in every partition; from the SIGKILL of one to a commit in
  every partition of what came after it. Once another member takes over, once the killed one is started again at once.
"""

import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from streams.kafka.broker import KafkaLog
from streams.kafka.names import EVENTS
from streams.kafka.ranges import end_offsets
from streams.kafka.writer import Writer
from streams.settings import Settings
from streams.track.tracker import Tracker
from tests.bench.events import TERMS, batches, opened, submission, written
from tests.bench.figure import Figure, alternate
from tests.bench.members import Group, Member
from tests.bench.memory import AT, CHUNK
from tests.bench.size import Size, stack

NAMES = ("0", "1")
"""Static names of members."""


def recovery(size: Size) -> Iterator[Figure]:
    """Seconds from the start of a process, by number of open units."""
    few, *many = (1_000, 4_000) if size.is_quick else (10_000, 100_000, 1_000_000)
    with stack() as started:
        base = _state(started, few)
        for number in many:
            settings = _state(started, number)
            runs, beside = alternate(size.rounds, partial(_recovered, settings), partial(_recovered, base))
            yield Figure(
                what=f"recovery of {number // 1000:,} thousand open units", unit="s", runs=runs,
                baseline=f"{few // 1000} thousand", beside=beside,
            )  # fmt: skip


def _state(stack: Settings, units: int) -> Settings:
    """A ledger whose tracker has kept so many open units."""
    settings = written(stack, f"open{units}", [], AT)
    tracker, ends = Tracker(KafkaLog(settings), TERMS, member=NAMES[0]), end_offsets(settings, EVENTS)
    while {number: part.offset for number, part in tracker.parts.items()} != ends:
        tracker.step()
    for place, part in tracker.parts.items():
        numbers = range(place, units, len(tracker.parts))
        for start in range(0, len(numbers), CHUNK):
            some = [one for number in numbers[start : start + CHUNK] for one in opened(number, AT)]
            for records in batches(some):
                part.take(replace(records, offsets=[]))
        tracker._kept[place].offset = -1
    tracker.keep()
    tracker.close()
    return settings


def _recovered(settings: Settings) -> float:
    _say_more(settings, Writer(settings), 0)  # the one before may have kept the last that was said
    start = time.perf_counter()
    member = Member(settings, NAMES[0], "first")
    member.go()
    member.wait_for("took")
    taken = time.perf_counter() - start
    member.kill()
    return taken


def _say_more(settings: Settings, writer: Writer, number: int) -> None:
    """One new event in every partition."""
    ((key, value),) = submission(number, AT)
    for partition in range(settings.partitions):
        writer.write(EVENTS, key, value, partition)
    writer.flush()


# Killed

PATIENCE = 60
SETTLED = 4.0
"""Seconds until a member that came is one of the group."""


def kill(size: Size) -> Iterator[Figure]:
    """Seconds from a SIGKILL until every partition is worked on again."""
    with stack() as started:
        settings = written(started, "killed", [], AT)
        killed = Killed(settings)
        runs, beside = alternate(size.rounds, partial(killed.work_again, at_once=False), killed.work_again)
        killed.end()
    yield Figure(what="works after SIGKILL, another takes over", unit="s", runs=runs)
    yield Figure(what="works after SIGKILL, started again at once", unit="s", runs=beside)


class Killed:
    """Two members under a steady load, of which one is killed now and then."""

    def __init__(self, settings: Settings) -> None:
        """Begin without members."""
        self._settings, self._writer, self._group = settings, Writer(settings), Group(settings)
        self._members: dict[str, Member] = {}
        self._number = 0

    def work_again(self, *, at_once: bool = True) -> float:
        """Seconds from the SIGKILL of a member to commits in all partitions of what came after it."""
        for name in NAMES:
            if name not in self._members:
                self._members[name] = self._start(name)
        self._steady(SETTLED)
        self._members.pop("0").kill()
        start = time.perf_counter()
        if at_once:
            self._members["0"] = self._start("0")
        ends = end_offsets(self._settings, EVENTS)
        self._until({number: end + 1 for number, end in ends.items()})
        return time.perf_counter() - start

    def end(self) -> None:
        """No member outlives the row."""
        for member in self._members.values():
            member.kill()

    def _start(self, name: str) -> Member:
        member = Member(self._settings, name, "work")
        member.go()
        return member

    def _steady(self, seconds: float) -> None:
        """A load for some seconds, and until everything of it is kept."""
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            self._load()
        self._until(end_offsets(self._settings, EVENTS))

    def _until(self, ends: dict[int, int]) -> None:
        deadline = time.monotonic() + PATIENCE
        while any(offset < ends[number] for number, offset in self._group.committed().items()):
            assert time.monotonic() < deadline, "nobody works"
            self._load()

    def _load(self) -> None:
        self._number += 1
        _say_more(self._settings, self._writer, self._number)
        time.sleep(0.01)
