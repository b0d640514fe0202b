"""The log's own clock: ticks that say "all declared sources have given their evidence up to `through`".

Rules:
- The clock is the greatest `through` read; it never goes back, so a repeated or older tick changes nothing.
- A tick names the sources that were silent (the clock went on without them), those that are behind (they hold it), and
  those whose own clock is doubted.
- A source's silence is a set of spans between the ticks that name it; it begins at the tick before, when it was last
  heard. Spans are joined, so that two clock writers or a tick read twice are harmless.
"""

from dataclasses import dataclass, field

from streams.core.lattice import NEVER

BEGINNING = -NEVER
"""Before any tick."""

_LISTS = ("silent", "behind", "doubted")
"""What a tick names sources as; a finding is called source-silent, and so on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """One tick.

    Attributes:
        through: microseconds UTC.
        silent: names of sources that said nothing.
        behind: names of sources that hold the clock.
        doubted: names of sources whose lines have wrong times.
        terms: version of the terms that the clock writer knew.
    """

    through: int
    silent: tuple[str, ...] = ()
    behind: tuple[str, ...] = ()
    doubted: tuple[str, ...] = ()
    terms: str = ""

    @classmethod
    def read(cls, through: int, attributes: tuple[str, ...]) -> "Tick":
        """A tick from its event's time and attributes."""
        pairs = [text.partition("=") for text in attributes]
        named = {name: tuple(v for n, _, v in pairs if n == name) for name in (*_LISTS, "terms")}
        lists = {name: named[name] for name in _LISTS}
        return cls(through=through, terms="".join(named["terms"][:1]), **lists)

    def attributes(self) -> tuple[str, ...]:
        """The attributes that say it."""
        lists = tuple(f"{word}={name}" for word in _LISTS for name in getattr(self, word))
        return (*lists, *((f"terms={self.terms}",) if self.terms else ()))


@dataclass(slots=True)
class Clock:
    """What the ticks of one partition have said so far.

    Attributes:
        through: microseconds UTC; BEGINNING before the first tick.
        spans: for (rule, source), the spans in which it held, as [since, until]; until NEVER while it goes on.
    """

    through: int = BEGINNING
    spans: dict[tuple[str, str], list[list[int]]] = field(default_factory=dict)

    def hear(self, tick: Tick) -> None:
        """Go on to a tick; an old one changes nothing."""
        if tick.through <= self.through:
            return
        last_heard = tick.through if self.through == BEGINNING else self.through
        for word in _LISTS:
            since = last_heard if word == "silent" else tick.through
            self._mark(f"source-{word}", getattr(tick, word), since, tick.through)
        self.through = tick.through

    def _mark(self, rule: str, sources: tuple[str, ...], since: int, at: int) -> None:
        for (named, source), spans in self.spans.items():
            if named == rule and source not in sources and spans[-1][1] == NEVER:
                spans[-1][1] = at
        for source in sources:
            spans = self.spans.setdefault((rule, source), [])
            if not spans or spans[-1][1] != NEVER:
                spans.append([since, NEVER])

    def silences(self) -> list[tuple[int, int]]:
        """Every span in which some source was silent, microseconds."""
        return self._of("source-silent")

    def calm(self) -> int:
        """The last tick at which no source was silent; BEGINNING where there is none."""
        since, found = BEGINNING, BEGINNING
        for start, end in sorted(self.silences()):
            found = start if start >= since else found
            since = max(since, end)
        return self.through if self.through >= since else found

    def doubts(self) -> list[tuple[int, int]]:
        """Every span in which the clock of some source was doubted, microseconds."""
        return self._of("source-doubted")

    def _of(self, named: str) -> list[tuple[int, int]]:
        return [(since, until) for (rule, _), spans in self.spans.items() if rule == named for since, until in spans]
