"""When each act's evidence is read, and what the log's clock says then.

Rules:
- Collectors read at once, in the order of each log, and every minute each says how far it has read; a gap in a source
  delays, repeats or loses what it holds.
- A source that nobody collects says nothing: a minute later the clock goes on without it, and the tick names it.
- A log has the times that its host's clock shows, in microseconds; a report's Received line has whole seconds.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from streams.simulate.acts import Act, Fate, Gap, Receipted, Reported, World

SECOND = 1_000_000
MINUTE = 60 * SECOND
PATIENCE = MINUTE
"""After which a source that says nothing is silent (settings: source_patience)."""


@dataclass(frozen=True, slots=True)
class Beat:
    """One tick of the log's clock.

    Attributes:
        at: when it is written.
        through: what it says.
        silent: sources that say nothing.
    """

    at: int
    through: int
    silent: tuple[str, ...]


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
                found.append(Beat(at, through, silent))
        return tuple(found)

    @cached_property
    def _names(self) -> tuple[str, ...]:
        return tuple(source.name for source in self.world.declaration.sources)

    def _said(self, source: str, at: int) -> int:
        """The last minute up to now at which a source said how far it has read; it has read up to then."""
        for gap in self.gaps.get(source, ()):
            if gap.fate is Fate.DOWN and gap.since <= at < gap.until:
                return self._said(source, gap.since // MINUTE * MINUTE) if gap.since % MINUTE else gap.since - MINUTE
        return at

    @cached_property
    def _times(self) -> list[int]:
        return [beat.at for beat in self.beats]

    def clock(self, read_at: int) -> int:
        """What the clock says when a record is read; far in the past before the first tick."""
        before = bisect_left(self._times, read_at + 1)
        return self.beats[before - 1].through if before else -(10**18)

    def read_at(self, act: Act) -> tuple[int, ...]:
        """When the evidence of an act is read; empty where it is lost, two times where it is read twice."""
        source = self.world.source_of(act)
        if source not in self.gaps:
            return (act.at,)
        at, again = act.at, 0
        for gap in self.gaps[source]:
            if not gap.holds(act.at):
                continue
            match gap.fate:
                case Fate.LOST | Fate.CUT:
                    return ()
                case Fate.TWICE:
                    again = max(again, gap.until)
                case Fate.LATE | Fate.DOWN:
                    at = max(at, gap.until)
        return (at, max(at, again)) if again else (at,)

    def written_at(self, act: Act) -> int:
        """The time that an act's evidence tells; an arrival's stands in its queue id."""
        at = self.world.written_at(act.host, act.at)
        return at // SECOND * SECOND if isinstance(act, Reported | Receipted) else at

    def known_at(self, act: Act) -> int | None:
        """When an act could be known: the earliest of its readings; None where its evidence is lost."""
        read = self.read_at(act)
        return max(self.written_at(act), self.clock(read[0])) if read else None

    def order(self) -> Iterator[tuple[int, int]]:
        """(time of reading, number of the act), by time; each log in its own order."""
        return iter(sorted((at, number) for number, act in enumerate(self.world.acts) for at in self.read_at(act)))
