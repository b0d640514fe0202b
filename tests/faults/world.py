"""A world in one thread: a log, a warehouse and processes, whose time passes only as a seed says.

Rules:
- Everything that could differ between two runs is drawn from one seed: who is next, how much time passes, which call
  fails and how. The same seed is the same world.
- A process may die at any call that leaves it, or stand still there for as long as the others take to go on without it.
- When the mail is over the faults end, every process is started again and all go on until nothing is left to do.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Protocol

from streams.core.errors import Unavailable
from streams.core.terms import SECOND
from streams.kafka.memory import Faults, MemoryLog
from streams.kafka.progress import all_progress
from streams.settings import Settings
from streams.wall import Wall
from tests.faults.mail import BEGIN, Line, Mail
from tests.faults.store import MemoryStore, Tables

SESSION = 6.0
"""Seconds after which a process that was not heard of is put out of its groups."""

FROZEN = 2
"""Processes that stand still at once."""

PAUSES = (0.05, 0.15, 0.2, 0.45)
"""Seconds between one process's going on and the next."""

ROUNDS = 100
"""Rounds without faults after which something is wrong."""

EFFECTS = frozenset({"write", "flush", "commit", "insert"})
"""Calls after which something may be there that was not, or may be said that was not."""

CALLS = ("write", "flush", "commit", "read", "insert", "query", "range")
"""Calls of which some worlds have only one or two go wrong."""

STAFF = (("origin", "relay"), ("clock",), ("one", "two"), ("feed",), ("desk",))
"""Processes of one kind."""

IDLE = 3
"""Rounds in which nobody has anything to do, after which nobody will: what one wrote last, another reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """What goes wrong in a world, and how often: each has its own, so that some have little else than one thing.

    Attributes:
        danger: how likely a call goes wrong.
        only: the calls that go wrong; none named: all.
        victims: the processes that have it; none named: all.
        kills: of what goes wrong, how much is a kill.
        freezes: likewise.
        paces: by process, how often it goes on, compared with others.
        tail: seconds it lasts after the mail is over.
        patience: seconds after which the clock writer calls a source silent; 0: longer than the world lasts.
    """

    danger: float = 0.0
    only: frozenset[str] = frozenset()
    victims: frozenset[str] = frozenset()
    kills: float = 0.125
    freezes: float = 0.04
    paces: Mapping[str, int] = field(default_factory=dict)
    tail: float = 0.0
    patience: int = 0

    def hits(self, process: str, call: str) -> bool:
        """May this call of a process go wrong."""
        return (not self.only or call in self.only) and (not self.victims or process in self.victims)


PATIENCE = 6
"""Seconds of a clock writer that calls sources silent within the world's time."""


def weather(draw: Random) -> Weather:
    """Some weather."""
    kills, freezes = draw.choice(((0.125, 0.04), (0.125, 0.04), (0.6, 0.0), (0.0, 0.4), (0.0, 0.0)))
    only = frozenset(draw.sample(CALLS, draw.choice((0, 0, 1, 2))))
    return Weather(
        danger=draw.choice((0.1, 0.3, 0.6) if only else (0.0, 0.05, 0.15, 0.3)),
        only=only,
        victims=frozenset(draw.choice(((), (), *STAFF))),
        kills=kills,
        freezes=freezes,
        paces={name: draw.choice((1, 2, 4)) for names in STAFF for name in names},
        tail=draw.choice((0, SESSION, 2 * SESSION)),
        patience=draw.choice((0, 0, 0, PATIENCE)),
    )


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
        said = (one for one in all_progress(self.log) if one["source"] == source)
        return any((one["through"] or 0) >= end for one in said)

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
        process.log = self.log.view(Faults(kept=self._kept, at=lambda call: self._at(process, call)))
        process.store = MemoryStore(self.tables, at=lambda call: self._at(process, call))
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

    def _at(self, process: Process, call: str) -> None:
        """A call that leaves a process: it may be the last, or wait, or go wrong."""
        if self._is_news:
            self.look()
        self._chances(process, call)
        self._is_news = call in EFFECTS

    def _chances(self, process: Process, call: str) -> None:
        if self.is_calm:
            process.log.faults.most = 1 << 62
            return
        if call == "read":
            process.log.faults.most = self.draw.choice((3, 12, 1000))
        if self.weather.hits(process.name, call):
            self._chance(process, call)

    def _chance(self, process: Process, call: str) -> None:
        danger, kind = self.weather.danger * (2 if call == "flush" else 1), self.draw.random()
        if self.draw.random() >= danger:
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
