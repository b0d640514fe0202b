"""When evidence is there to be read: what becomes of it by the gaps of its source.

Rules:
- Evidence of a late or uncollected span is there when the span's `until` has come, and what follows it waits in line.
- What is lost, or on a disk that is gone, is never there.
"""

from collections.abc import Iterable

from streams.simulate.world import Fate, Gap

_ALWAYS = 1 << 62
_WAITS = frozenset({Fate.LATE, Fate.DOWN})


class Fates:
    """The gaps of one source."""

    def __init__(self, gaps: Iterable[Gap]) -> None:
        """Take them in."""
        self._gaps = tuple(gaps)
        self._edges = sorted({edge for gap in self._gaps for edge in (gap.since, gap.until)})
        self._span = (_ALWAYS, -_ALWAYS)
        self._held: tuple[Gap, ...] = ()
        self._handed = -_ALWAYS

    def at(self, at: int) -> tuple[Gap, ...]:
        """The gaps that hold at a true time."""
        since, until = self._span
        if not since <= at < until:
            self._span = (
                max((edge for edge in self._edges if edge <= at), default=-_ALWAYS),
                min((edge for edge in self._edges if edge > at), default=_ALWAYS),
            )
            self._held = tuple(gap for gap in self._gaps if gap.holds(at))
        return self._held

    def handed_at(self, at: int) -> int:
        """When evidence of a true time is there; asked in the order of time."""
        waits = (gap.until for gap in self.at(at) if gap.fate in _WAITS)
        self._handed = max(self._handed, at, *waits) if self._held else max(self._handed, at)
        return self._handed


def has(gaps: Iterable[Gap], *fates: Fate) -> Gap | None:
    """The first gap of one of these fates."""
    return next((gap for gap in gaps if gap.fate in fates), None)
