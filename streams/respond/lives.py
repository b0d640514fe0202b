"""Lives of a case: when something of it stood without a gap, and how much in all; the last is what is shown.

Rules:
- An alert stands for a span: from when it was raised until it was cleared. One that was cleared before is a moment.
- A life is a run of spans that overlap or touch. What stands is of the last one, since nothing has ended it.
- Lives are a function of the spans, in whatever order they come. One more costs the same, however many there are; one
  that ended and is taken away costs its run.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable
from dataclasses import dataclass
from operator import attrgetter, itemgetter

Span = tuple[int, int | None]
"""When it was raised, and when it was cleared, microseconds; None while it stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """A run of spans.

    Attributes:
        since: when the first of it was raised, microseconds.
        until: when the last of it was cleared; None while one stands.
        members: how many.
    """

    since: int
    until: int | None
    members: int


_since, _until = attrgetter("since"), attrgetter("until")


class Lives:
    """The lives of some spans."""

    def __init__(self, spans: Iterable[Span] = ()) -> None:
        """Count spans."""
        counted = list(spans)
        self._standing = sorted(since for since, until in counted if until is None)
        self._ended = sorted((since, max(since, until)) for since, until in counted if until is not None)
        self._runs = _runs(self._ended)

    @property
    def standing(self) -> int:
        """How many stand."""
        return len(self._standing)

    def add(self, since: int, until: int | None) -> None:
        """Count one more."""
        if until is None:
            insort(self._standing, since)
            return
        until = max(since, until)
        insort(self._ended, (since, until))
        start, end = bisect_left(self._runs, since, key=_until), bisect_right(self._runs, until, key=_since)
        self._runs[start:end] = [_joined([Life(since=since, until=until, members=1), *self._runs[start:end]])]

    def remove(self, since: int, until: int | None) -> None:
        """Count one of them no more."""
        if until is None:
            del self._standing[bisect_left(self._standing, since)]
            return
        del self._ended[bisect_left(self._ended, (since, max(since, until)))]
        place = bisect_right(self._runs, since, key=_since) - 1
        run = self._runs[place]
        start, end = bisect_left(self._ended, (run.since,)), bisect_right(self._ended, run.until, key=itemgetter(0))
        self._runs[place : place + 1] = _runs(self._ended[start:end])

    def last(self) -> Life | None:
        """The last life: what stands, with all that it goes on from; or the last that ended; None without spans."""
        if not self._standing:
            return self._runs[-1] if self._runs else None
        first = self._standing[0]
        ended = self._runs[bisect_left(self._runs, first, key=_until) :]
        return _joined([Life(since=first, until=None, members=self.standing), *ended])


def _runs(spans: list[tuple[int, int]]) -> list[Life]:
    """The lives of spans that ended, from the first to the last."""
    found: list[Life] = []
    begin = end = members = 0
    for since, until in spans:
        if members and since <= end:
            end, members = max(end, until), members + 1
            continue
        found += [Life(since=begin, until=end, members=members)] if members else []
        begin, end, members = since, until, 1
    return [*found, Life(since=begin, until=end, members=members)] if members else []


def _joined(runs: list[Life]) -> Life:
    """One life; it has an end if all have."""
    ends = [run.until for run in runs if run.until is not None]
    return Life(
        since=min(map(_since, runs)),
        until=max(ends) if len(ends) == len(runs) else None,
        members=sum(run.members for run in runs),
    )
