"""The clock writer's mind: from what sources say to the next tick. Pure; the wall clock is an argument.

Rules:
- The tick goes to the least `through` of the declared sources; it never goes back.
- A live source that said nothing for `patience` is silent: the clock goes on without it and the tick names it. Where
  all are silent it goes on by the wall, after another patience: somebody must be told that nothing is seen any more.
- How far a source says it is counts only while it is declared: what comes after its withdrawal holds no clock.
- A source that talks but lags holds the clock, and is named as behind. Where the clock stood still for `lag` a tick of
  one microsecond says who holds it. An import has no timekeeper, hence no silence; beside live sources it is named as
  behind like them, for it may have been killed. Without live sources a clock stands still for nobody.
- When a source spoke is told by our own clock, not by the collector's, which may be wrong; nor is a live source
  believed to be further than our clock.
- A live source whose lines have other times than the collector that reads them as they are written is named as doubted.
- Silence is what we would have heard. Who did not look for a while (it was frozen, or began a moment ago) and who hears
  one source again after hearing none (the broker was away) gives everybody the whole of its patience anew. Before a
  source is called silent, whoever hears for us looks once for what it said and we were not given (`misses`).
- What is looked up so is all that was ever said, and what it amounts to takes the place of what we knew: an old
  withdrawal must not end a source that was declared after it. That a source lives is told only by what is new to us.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from streams import profiles
from streams.core.clock import BEGINNING, Tick
from streams.core.errors import Misuse
from streams.kafka.terms import TERMS

SECOND = 1_000_000

_ALL = ""
"""Names all sources together."""


@dataclass(slots=True)
class Heard:
    """What one source said.

    Attributes:
        live: has a timekeeper.
        through: its evidence up to here is in the log.
        at: our wall clock when we heard it last, microseconds.
        said: its own wall clock then.
        skew: by how much the clock of its lines was wrong, microseconds.
    """

    live: bool = False
    through: int = BEGINNING
    at: int = BEGINNING
    said: int = BEGINNING
    skew: int = 0


@dataclass(slots=True)
class Timekeeper:
    """Decides the ticks of one ledger.

    Attributes:
        patience: microseconds after which a live source is silent.
        doubt: microseconds by which the clock of a source's lines may be wrong, as the terms say.
        lag: microseconds by which a source may hold the clock before it is called behind.
        sources: declared, by name.
        terms: version of the terms that were declared last.
        last: the tick that was written last.
        looked: wall clock when it looked last, microseconds.
        listening: wall clock since when it would have heard whoever spoke.
    """

    patience: int = 60 * SECOND
    doubt: int = 60 * SECOND
    lag: int = 60 * SECOND
    sources: dict[str, Heard] = field(default_factory=dict)
    terms: str = ""
    last: Tick = field(default_factory=lambda: Tick(through=BEGINNING))
    looked: int = BEGINNING
    listening: int = BEGINNING
    _deaf_since: int | None = None
    _went_on: int = BEGINNING
    _missed: set[str] = field(default_factory=set)

    def recall(self, everything: Iterable[dict[str, Any]], now: int) -> None:
        """Take in all that was ever said, in its order; what we heard before does not say that its source lives.

        Args:
            everything: records as `hear` takes them.
            now: wall clock, microseconds.
        """
        anew = Timekeeper(doubt=self.doubt)
        for said in everything:
            anew.hear(said, now)
        for name, heard in anew.sources.items():
            before = self.sources.get(name)
            if before is not None and heard.said <= before.said:
                heard.at = before.at
        self.sources, self.terms, self.doubt = anew.sources, anew.terms, anew.doubt

    def hear(self, said: dict[str, Any], now: int) -> None:
        """Take in a progress record; each once, and in the log's order: a withdrawal ends what was said before it.

        Args:
            said: the record, times in microseconds.
            now: wall clock, microseconds.
        """
        name, kind = said["source"], said["kind"]
        if name == TERMS:
            self.terms, self.doubt = said["terms"], _doubt(said.get("text", ""), self.doubt)
        elif kind == "withdrawn":
            self.sources.pop(name, None)
        elif kind == "declared" or (kind == "progressed" and name in self.sources):
            heard = self.sources.setdefault(name, Heard())
            heard.live = heard.live or said["live"]
            if said.get("skew") is not None and said["at"] >= heard.said:
                heard.skew = said["skew"]
            heard.at = now
            heard.said = max(heard.said, said["at"])
            if said["through"] is not None:
                heard.through = max(heard.through, min(said["through"], now) if said["live"] else said["through"])

    def misses(self, now: int) -> bool:
        """Is a source silent that was not when this was asked last; what it said may still be on its way to us."""
        self._listen(now)
        before, self._missed = self._missed, self._silent(now) | ({_ALL} if self._is_alone(now) else set())
        return not self._missed <= before

    def tick(self, now: int) -> Tick | None:
        """The next tick, or None where the clock does not go on.

        Args:
            now: wall clock, microseconds.
        """
        self._listen(now)
        if not self.has_live():
            self._went_on = now
        silent = self._silent(now)
        speaking = [heard.through for name, heard in self.sources.items() if name not in silent]
        through = min(speaking, default=now // SECOND * SECOND - SECOND if self._is_alone(now) else BEGINNING)
        behind = self._behind(now) - silent
        if through <= self.last.through:
            if not self._is_held(now, behind):
                return None
            through = self.last.through + 1
        self._went_on = now
        doubted = {name for name, heard in self.sources.items() if heard.live and abs(heard.skew) > self.doubt} - silent
        self.last = Tick(
            through=through,
            silent=tuple(sorted(silent)),
            behind=tuple(sorted(behind)),
            doubted=tuple(sorted(doubted)),
            terms=self.terms,
        )
        return self.last

    def has_live(self) -> bool:
        """Is any source declared that is followed."""
        return any(heard.live for heard in self.sources.values())

    def _behind(self, now: int) -> set[str]:
        """Who is not so far as that; where all are imports nobody waits for them."""
        return {name for name, heard in self.sources.items() if now - heard.through > self.lag and self.has_live()}

    def _is_alone(self, now: int) -> bool:
        """Was no source heard although each had the whole of its patience, and we another."""
        return self._deaf_since is not None and now - self._deaf_since > self.patience

    def _is_held(self, now: int, behind: set[str]) -> bool:
        """Did the clock stand still so long that it must be said by whom."""
        since = max(self._went_on, self.listening)
        return self.last.through > BEGINNING and now - since > self.lag and not behind <= set(self.last.behind)

    def _silent(self, now: int) -> set[str]:
        """Live sources that said nothing although we listened."""
        live = {name: max(heard.at, self.listening) for name, heard in self.sources.items() if heard.live}
        return {name for name, at in live.items() if now - at > self.patience}

    def _listen(self, now: int) -> None:
        """Find out whether we would have heard them."""
        if now - self.looked > self.patience // 2:
            self.listening = now
        self.looked = now
        is_deaf = len(self._silent(now)) == sum(heard.live for heard in self.sources.values()) > 0
        if not is_deaf:
            if self._deaf_since is not None:
                self.listening = now
            self._deaf_since = None
        elif self._deaf_since is None:
            self._deaf_since = now


def _doubt(text: str, before: int) -> int:
    """The limit that terms set; what it was where they cannot be read (whoever declared them was told)."""
    try:
        return profiles.parse(text, "terms").profile.clock_doubt * SECOND
    except Misuse:
        return before
