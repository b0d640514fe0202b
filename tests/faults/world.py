"""A world in one thread: a log, a warehouse and processes, whose time passes only as a seed says.

Rules:
- Everything that could differ between two runs is drawn from one seed: who is next, how much time passes, which call
  fails and how. The same seed is the same world.
- A process may die at any call that leaves it, or stand still there for as long as the others take to go on without it.
- When the mail is over the faults end, every process is started again and all go on until nothing is left to do.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Protocol

from streams.core.errors import Unavailable
from streams.core.terms import SECOND
from streams.kafka import progress
from streams.settings import Settings
from streams.wall import Wall
from tests.faults.mail import BEGIN, Line, Mail
from tests.faults.store import MemoryStore, Tables
from tests.faults.weather import SESSION, Weather
from tests.kafka.memory import Faults, MemoryLog

FROZEN = 2
"""Processes that stand still at once."""

PAUSES = (0.05, 0.15, 0.2, 0.45)
"""Seconds between one process's going on and the next."""

ROUNDS = 100
"""Rounds without faults after which something is wrong."""

EFFECTS = frozenset({"write", "flush", "commit", "insert"})
"""Calls after which something may be there that was not, or may be said that was not."""

IDLE = 3
"""Rounds in which nobody has anything to do, after which nobody will: what one wrote last, another reads."""


progress_of = lru_cache(1024)(progress.read)
"""A record of the topic `progress`; a world asks for the same ones round after round."""


class Killed(BaseException):
    """The process is gone."""


def _nothing() -> None:
    """Look at nothing."""


class Role(Protocol):
    """What runs in a process."""

    def step(self) -> bool:
        """Do something; says if there was something to do."""
        ...


@dataclass(slots=True)
class Process:
    """A process that is started again when it dies.

    Attributes:
        name: of it.
        make: starts what runs in it.
        log: as it sees it.
        store: likewise.
        role: what runs; None while it is down.
        is_frozen: it stands still.
        up_at: when it is started again.
    """

    name: str
    make: Callable[["Process"], Role]
    log: MemoryLog
    store: MemoryStore
    role: Role | None = None
    is_frozen: bool = False
    up_at: float = 0.0
    deaths: int = 0


@dataclass(slots=True)
class World:
    """One simulated run.

    Attributes:
        draw: every chance.
        mail: what happens in the network.
        folder: of the evidence and the checkpoints.
        weather: what goes wrong.
        log: the broker's.
        tables: the warehouse's.
        now: seconds.
        is_calm: nothing goes wrong any more.
        look: told when something may be there that was not.
    """

    draw: Random
    mail: Mail
    folder: Path
    weather: Weather
    log: MemoryLog = field(default_factory=lambda: MemoryLog(Settings(ledger="faults", partitions=2)))
    tables: Tables = field(default_factory=Tables)
    now: float = float(BEGIN)
    is_calm: bool = False
    look: Callable[[], None] = _nothing
    processes: list[Process] = field(default_factory=list)
    expiries: list[tuple[float, MemoryLog]] = field(default_factory=list)
    _written: Counter[str] = field(default_factory=Counter)
    _is_news: bool = True

    @property
    def end(self) -> float:
        """Seconds: when faults end."""
        return self.mail.end + self.weather.tail

    @property
    def wall(self) -> Wall:
        """The time of this world."""
        return Wall(now=lambda: round(self.now * 1_000_000), monotonic=lambda: self.now, sleep=self.sleep)

    def member(self, process: Process) -> str:
        """Under which name a process joins groups."""
        return f"{process.name}{process.deaths}" if self.weather.is_renamed else process.name

    def add(self, name: str, make: Callable[[Process], Role]) -> None:
        """A process that will be started."""
        self.processes.append(Process(name, make, self.log, MemoryStore(self.tables)))

    def declare(self, records: list[tuple[bytes, bytes]]) -> None:
        """What is said of the sources before the first event."""
        self.log.topics["progress"][0] += records

    # what is done

    def is_claimed(self, source: str) -> bool:
        """Does a source claim that all its mail is in the log."""
        end = round(self.mail.end * 1_000_000)
        said = (progress_of(value) for _, value in filter(None, self.log.topics["progress"][0]))
        return any(one["source"] == source and (one["through"] or 0) >= end for one in said)

    def is_committed(self, group: str, topic: str) -> bool:
        """Has a group stored the end of a topic; Kafka stores nothing for what is empty."""
        ends = self.log.end_offsets(topic)
        stored = {number: self.log.stored.get((group, topic, number)) for number in ends}
        return all(end == 0 or ((place := stored[number]) and place.offset == end) for number, end in ends.items())

    # time

    def sleep(self, seconds: float) -> None:
        """Time passes for who waits; the others go on later."""
        self._pass(min(seconds, 1.0))

    def _pass(self, seconds: float) -> None:
        """Time passes: lines are written, sessions expire, processes come back."""
        self.now += seconds
        for host, lines in self.mail.written.items():
            self._write(host, lines)
        for moment, log in [one for one in self.expiries if one[0] <= self.now]:
            self.expiries.remove((moment, log))
            log.expire()

    def _write(self, host: str, lines: Sequence[Line]) -> None:
        """A host writes what is due."""
        start = end = self._written[host]
        while end < len(lines) and lines[end].at <= self.now * SECOND:
            end += 1
        if end > start:
            with (self.folder / f"{host}.jsonl").open("ab") as file:
                file.writelines(line.text for line in lines[start:end])
        self._written[host] = end

    # processes

    def run(self) -> None:
        """Until the mail is over; then until nothing is left to do."""
        while self.now < self.end:
            self._turn()
        self.is_calm = True
        self._pass(SESSION * 2)
        idle = 0
        for _ in range(ROUNDS):
            busy = [process.name for process in self.processes if self._step(process)]
            idle = 0 if busy else idle + 1
            if idle == IDLE:
                return
            self._pass(0.7)
        raise AssertionError(f"{busy} do not come to rest")

    def _turn(self) -> None:
        """Somebody goes on, or nobody."""
        self._pass(self.draw.choice(PAUSES))
        able = [process for process in self.processes if not process.is_frozen and process.up_at <= self.now]
        if able:
            paces = [self.weather.paces.get(process.name, 1) for process in able]
            self._step(self.draw.choices(able, paces)[0])

    def _step(self, process: Process) -> bool:
        try:
            if process.role is None:
                self._start(process)
                return True
            return process.role.step()
        except (Killed, Unavailable):
            self._end(process)
            return True
        finally:
            self.look()

    def _start(self, process: Process) -> None:
        process.log = self.log.view(Faults(kept=self._kept, at=lambda call, topic: self._at(process, call, topic)))
        process.store = MemoryStore(self.tables, at=lambda call, topic: self._at(process, call, topic))
        process.role = process.make(process)

    def _end(self, process: Process) -> None:
        """It dies; its sessions expire later, and it comes back sooner or later than that."""
        process.log.die()
        process.role, process.deaths = None, process.deaths + 1
        self.expiries.append((self.now + SESSION, process.log))
        process.up_at = self.now if self.is_calm else self.now + self.draw.choice((0.0, 0.5, 2.0, SESSION + 1))

    # faults

    def _kept(self, count: int) -> int:
        return self.draw.randint(0, count)

    def _at(self, process: Process, call: str, topic: str) -> None:
        """A call that leaves a process: it may be the last, or wait, or go wrong.

        What is only handed to a writer changes nothing that others see: whatever does is looked at before.
        """
        if self._is_news and call != "write":
            self.look()
        self._chances(process, call, topic)
        self._is_news = call in EFFECTS

    def _chances(self, process: Process, call: str, topic: str) -> None:
        if self.is_calm:
            process.log.faults.most = 1 << 62
            return
        if call == "read":
            process.log.faults.most = self.draw.choice((3, 12, 1000))
        if not self.weather.only or (call, topic) in self.weather.only:
            self._chance(process, call)

    def _chance(self, process: Process, call: str) -> None:
        kind = self.draw.random()
        if self.draw.random() >= self.weather.danger:
            return
        if kind < self.weather.kills:
            raise Killed
        if kind < self.weather.kills + self.weather.freezes:
            self._freeze(process)
        else:
            self._fail(process, call)

    def _freeze(self, process: Process) -> None:
        """It stands still in the middle of what it does, while the others go on."""
        if sum(one.is_frozen for one in self.processes) >= FROZEN:
            return
        process.is_frozen = True
        until = min(self.now + self.draw.choice((1.0, SESSION / 2, SESSION * 2)), self.end)
        self.expiries.append((self.now + SESSION, process.log))
        while self.now < until:
            self._turn()
        self.expiries = [one for one in self.expiries if one[1] is not process.log]
        process.is_frozen = False

    def _fail(self, process: Process, call: str) -> None:
        faults = process.log.faults
        match call:
            case "flush":
                setattr(faults, self.draw.choice(("refused", "unheard", "torn", "torn")), 1)
            case "commit":
                setattr(faults, self.draw.choice(("unstored", "unheard_commits")), 1)
            case "read":
                setattr(faults, self.draw.choice(("repeated", "late")), self.draw.randint(1, 3))
            case "insert":
                setattr(process.store, self.draw.choice(("refused", "unheard")), self.draw.randint(1, 2))
            case "query" | "prepare" | "derive":
                process.store.refused = 1
            case _:
                self.log.compact(self.draw.choice(("custody-snapshots", "alerts")))
