"""When each act's evidence is read, and what the log's clock says then.

Rules:
- Collectors read at once, in the order of each log, and every minute each says how far it has read; a gap in a source
  delays, repeats or loses what it holds.
- A source that nobody collects says nothing: a minute later the clock goes on without it, and the tick names it.
- A log has the times that its host's clock shows, in microseconds; a report's Received line has whole seconds.
"""

from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property

from streams.core.clock import Tick
from streams.core.terms import Terms
from streams.simulate.acts import Act, Receipted, Reported
from streams.simulate.world import REPORTS, Fate, Gap, World

SECOND = 1_000_000
MINUTE = 60 * SECOND
DOUBT = 60 * SECOND
"""By which a clock may be wrong (terms: clock_doubt)."""

PATIENCE = MINUTE
"""After which a source that says nothing is silent (as Timekeeper.patience)."""


@dataclass(frozen=True, slots=True)
class Beat:
    """One tick of the log's clock.

    Attributes:
        at: when it is written.
        through: what it says.
        silent: sources that say nothing.
        doubted: sources whose lines have wrong times.
    """

    at: int
    through: int
    silent: tuple[str, ...]
    doubted: tuple[str, ...] = ()

    def tick(self, terms: Terms) -> Tick:
        """What is written, under the terms that are in force."""
        return Tick(through=self.through, silent=self.silent, doubted=self.doubted, terms=terms.version)


@dataclass(frozen=True)
class Reading:
    """How a world's evidence is read."""

    world: World

    @cached_property
    def gaps(self) -> dict[str, list[Gap]]:
        """Of each source."""
        found: dict[str, list[Gap]] = defaultdict(list)
        for gap in self.world.gaps:
            found[gap.source].append(gap)
        return found

    @cached_property
    def beats(self) -> tuple[Beat, ...]:
        """Every tick, from the first minute to the end."""
        found: list[Beat] = []
        through = 0
        for at in range(self.world.since + MINUTE, self.world.until + MINUTE, MINUTE):
            said = {name: self._said(name, at) for name in self._names}
            silent = tuple(sorted(name for name, when in said.items() if at - when > PATIENCE))
            reached = min((when for name, when in said.items() if name not in silent), default=0)
            if reached > through:
                through = reached
                found.append(Beat(at, through, silent, tuple(sorted(self._doubted(at) - set(silent)))))
        return tuple(found)

    def _doubted(self, at: int) -> set[str]:
        """Sources whose last lines had other times than the collector's clock."""
        now = at - SECOND
        hosts = {skew.host for skew in self.world.skews if skew.since <= now < skew.until}
        return {self._logs[host] for host in hosts if abs(self.world.written_at(host, now) - now) > DOUBT}

    @cached_property
    def _names(self) -> tuple[str, ...]:
        return tuple(source.name for source in self.world.declaration.sources)

    def _said(self, source: str, at: int) -> int:
        """The last minute up to now at which a source said how far it has read; it has read up to then."""
        for gap in self.gaps.get(source, ()):
            if gap.fate is Fate.DOWN and gap.holds(at):
                return self._said(source, gap.since // MINUTE * MINUTE) if gap.since % MINUTE else gap.since - MINUTE
        return at

    @cached_property
    def _times(self) -> list[int]:
        return [beat.at for beat in self.beats]

    def clock(self, read_at: int) -> int:
        """The first moment after the clock when a record is read; far in the past before the first tick."""
        before = bisect_left(self._times, read_at + 1)
        return self.beats[before - 1].through + 1 if before else -(10**18)

    @cached_property
    def read(self) -> list[tuple[int, ...]]:
        """When the evidence of each act is read; empty where it is lost, two times where it is read twice."""
        sources, gaps = self.sources, self.gaps
        return [self._read(act.at, gaps[source]) if (source := sources(act)) in gaps else (act.at,)
                for act in self.world.acts]  # fmt: skip

    def sources(self, act: Act) -> str:
        """The source whose evidence an act is."""
        return REPORTS if isinstance(act, Reported | Receipted) else self._logs[act.host]

    @cached_property
    def _logs(self) -> dict[str, str]:
        return {source.host: source.name for source in self.world.declaration.sources}

    def _read(self, at: int, gaps: list[Gap]) -> tuple[int, ...]:
        first, again = at, 0
        for gap in gaps:
            if not gap.holds(at):
                continue
            match gap.fate:
                case Fate.LOST | Fate.CUT:
                    return ()
                case Fate.TWICE:
                    again = max(again, gap.until)
                case Fate.LATE | Fate.DOWN:
                    first = max(first, gap.until)
        return (first, max(first, again)) if again else (first,)

    @cached_property
    def written(self) -> list[int]:
        """The time that the evidence of each act tells; an arrival's stands in its queue id."""
        skewed = {skew.host for skew in self.world.skews}
        return [self._written(act, act.host in skewed) for act in self.world.acts]

    def _written(self, act: Act, skewed: bool) -> int:  # noqa: FBT001 - asked a million times
        at = self.world.written_at(act.host, act.at) if skewed else act.at
        return at // SECOND * SECOND if isinstance(act, Reported | Receipted) else at

    @cached_property
    def known(self) -> list[int | None]:
        """When each act could be known: the earliest of its readings; None where its evidence is lost."""
        clock = self.clock
        return [
            (max(written, clock(read[0])) if read[0] - written or read[0] != act.at else written) if read else None
            for act, written, read in zip(self.world.acts, self.written, self.read, strict=True)
        ]

    def order(self) -> list[tuple[int, int]]:
        """(time of reading, number of the act), by time; each log in its own order."""
        return sorted((at, number) for number, read in enumerate(self.read) for at in read)
