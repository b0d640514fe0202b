"""What has closed: hashes alone, so that a log that is read again months later revives nothing.

Rules:
- A place (queue entry, session, copy) that has closed takes no more evidence; a Message-ID that has closed is known to
  have been used.
- Hashes are kept by epochs, and forgotten an epoch at a time.
- Those of an epoch are sorted runs, each much longer than the next, so that what a day adds is not merged with all of
  the months before it.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]

EPOCHS = 8
"""How many epochs make up the time that hashes are remembered for."""

LONGER = 4
"""A run is at least so many times as long as the next."""


class Closed:
    """Hashes of closed places and keys.

    Attributes:
        remember: microseconds that a hash is kept for.
    """

    __slots__ = ("_epochs", "_fresh", "remember")

    def __init__(self, remember: int) -> None:
        """Start empty."""
        self.remember = remember
        self._epochs: dict[int, list[Hashes]] = {}
        self._fresh: list[tuple[int, Hashes]] = []

    def __len__(self) -> int:
        """How many hashes there are, those that closed again once more, maybe."""
        return sum(len(run) for runs in self._epochs.values() for run in runs)

    def add(self, at: int, hashes: Hashes) -> None:
        """Remember hashes that closed at a clock, microseconds; forget those that are too old by it."""
        self.restore(at, hashes)
        self._fresh.append((at, hashes))
        least = self._epoch(at - self.remember)
        self._epochs = {epoch: held for epoch, held in self._epochs.items() if epoch >= least}

    def restore(self, at: int, hashes: Hashes) -> None:
        """Put back what a snapshot has."""
        runs = self._epochs.setdefault(self._epoch(at), [])
        runs.append(_distinct(hashes))
        while len(runs) > 1 and len(runs[-2]) < LONGER * len(runs[-1]):
            runs[-2:] = [_distinct(np.concatenate(runs[-2:]))]

    def has(self, hashes: Hashes) -> NDArray[np.bool_]:
        """Which of some hashes have closed, shape (n,)."""
        found = np.zeros(len(hashes), np.bool_)
        for run in (run for runs in self._epochs.values() for run in runs if len(run)):
            at = np.searchsorted(run, hashes)
            found |= run[np.minimum(at, len(run) - 1)] == hashes
        return found

    def take_fresh(self) -> Iterator[tuple[int, Hashes]]:
        """What closed since the last call, each with the clock at which it did."""
        fresh, self._fresh = self._fresh, []
        yield from fresh

    def _epoch(self, at: int) -> int:
        return at // (self.remember // EPOCHS)


def _distinct(hashes: Hashes) -> Hashes:
    """Each hash once, in order; a stable sort takes two runs that follow each other in linear time."""
    found = np.sort(hashes, kind="stable")
    return found[np.concatenate(([True], found[1:] != found[:-1]))] if len(found) else found
