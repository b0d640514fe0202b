"""Where retention took the beginning of a partition: from when on what is found there is known whole.

Rules:
- What began before the first tick that is left is not known whole. It is over, or given up, a horizon later.
- Of a partition of which no tick is left nothing is known whole.
"""

from dataclasses import dataclass

import polars as pl

from streams.core.terms import SECOND, Terms


def first_tick(frame: pl.DataFrame) -> int | None:
    """The time of the first tick among some events, microseconds; None where none is.

    Args:
        frame: their columns `kind` and `occurred_at`, in the order of the log.
    """
    ticks = frame["occurred_at"].cast(pl.Int64).filter(frame["kind"].cast(pl.String) == "tick")
    return int(ticks[0]) if len(ticks) else None


def unknown_until(first: int, terms: Terms) -> int:
    """The last moment at which something that was raised may not be known whole, microseconds.

    Args:
        first: the first tick that is left, microseconds.
        terms: whose horizon it is.
    """
    return first + terms.profile.horizon * SECOND


@dataclass(slots=True)
class Beginning:
    """The beginning of one partition.

    Attributes:
        terms: what is owed.
        gone: retention took it.
        tick: the first that is left, microseconds; None where none was read yet.
    """

    terms: Terms
    gone: bool
    tick: int | None = None

    def hear(self, frame: pl.DataFrame) -> None:
        """Some events of the partition, in the order of the log."""
        if self.gone and self.tick is None:
            self.tick = first_tick(frame)

    def knows(self, at: int) -> bool:
        """Is what was raised at a moment, microseconds, known whole."""
        return not self.gone or (self.tick is not None and at > unknown_until(self.tick, self.terms))
