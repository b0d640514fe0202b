"""The log's own clock: ticks that say "all declared sources have given their evidence up to `through`".

Rules:
- The clock is the greatest `through` read; it never goes back, so a repeated or older tick changes nothing.
- A tick names the sources that were silent (the clock went on without them) and those that are behind (they hold it).
- A source's silence is a set of spans between the ticks that name it. Spans are joined, so that two clock writers or a
  tick read twice are harmless.
"""

from dataclasses import dataclass, field

from streams.core.lattice import NEVER

BEGINNING = -NEVER
"""Before any tick."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """One tick.

    Attributes:
        through: microseconds UTC.
        silent: names of sources that said nothing.
        behind: names of sources that hold the clock.
        terms: version of the terms that the clock writer knew.
    """

    through: int
    silent: tuple[str, ...] = ()
    behind: tuple[str, ...] = ()
    terms: str = ""

    @classmethod
    def read(cls, through: int, attributes: tuple[str, ...]) -> "Tick":
        """A tick from its event's time and attributes."""
        pairs = [text.partition("=") for text in attributes]
        named = {name: tuple(v for n, _, v in pairs if n == name) for name in ("silent", "behind", "terms")}
        return cls(through=through, silent=named["silent"], behind=named["behind"], terms="".join(named["terms"][:1]))

    def attributes(self) -> tuple[str, ...]:
        """The attributes that say it."""
        silent = tuple(f"silent={name}" for name in self.silent)
        behind = tuple(f"behind={name}" for name in self.behind)
        return (*silent, *behind, *((f"terms={self.terms}",) if self.terms else ()))


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
        self._mark("source-silent", tick.silent, tick.through)
        self._mark("source-behind", tick.behind, tick.through)
        self.through = tick.through

    def _mark(self, rule: str, sources: tuple[str, ...], at: int) -> None:
        for (named, source), spans in self.spans.items():
            if named == rule and source not in sources and spans[-1][1] == NEVER:
                spans[-1][1] = at
        for source in sources:
            spans = self.spans.setdefault((rule, source), [])
            if not spans or spans[-1][1] != NEVER:
                spans.append([at, NEVER])

    def silences(self) -> list[tuple[int, int]]:
        """Every span in which some source was silent, microseconds; a span reaches back to the tick before it."""
        return [
            (since, until)
            for (rule, _), spans in self.spans.items()
            if rule == "source-silent"
            for since, until in spans
        ]
