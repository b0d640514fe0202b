"""What has closed: hashes alone, so that a log that is read again months later revives nothing.

Rules:
- A place (queue entry, session, copy) that has closed takes no more evidence; a Message-ID that has closed is known to
  have been used.
- Hashes are kept by epochs, and forgotten an epoch at a time.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]

EPOCHS = 8
"""How many epochs make up the time that hashes are remembered for."""


class Closed:
    """Hashes of closed places and keys, as sorted arrays.

    Attributes:
        remember: microseconds that a hash is kept for.
    """

    __slots__ = ("_epochs", "_fresh", "remember")

    def __init__(self, remember: int) -> None:
        """Start empty."""
        self.remember = remember
        self._epochs: dict[int, Hashes] = {}
        self._fresh: list[tuple[int, Hashes]] = []

    def __len__(self) -> int:
        """How many hashes there are."""
        return sum(map(len, self._epochs.values()))

    def add(self, at: int, hashes: Hashes) -> None:
        """Remember hashes that closed at a clock, microseconds; forget those that are too old by it."""
        self.restore(at, hashes)
        self._fresh.append((at, hashes))
        least = self._epoch(at - self.remember)
        self._epochs = {epoch: held for epoch, held in self._epochs.items() if epoch >= least}

    def restore(self, at: int, hashes: Hashes) -> None:
        """Put back what a snapshot has."""
        held = self._epochs.get(self._epoch(at), hashes[:0])
        self._epochs[self._epoch(at)] = np.union1d(held, hashes)

    def has(self, hashes: Hashes) -> NDArray[np.bool_]:
        """Which of some hashes have closed, shape (n,)."""
        found = np.zeros(len(hashes), np.bool_)
        for held in self._epochs.values():
            at = np.searchsorted(held, hashes)
            found |= held[np.minimum(at, len(held) - 1)] == hashes if len(held) else found
        return found

    def take_fresh(self) -> Iterator[tuple[int, Hashes]]:
        """What closed since the last call, each with the clock at which it did."""
        fresh, self._fresh = self._fresh, []
        yield from fresh

    def _epoch(self, at: int) -> int:
        return at // (self.remember // EPOCHS)
