"""Chains of custody: legs joined by what was handed over are one chain.

A disjoint-set forest over rows of legs, vectorised: union is commutative, associative and idempotent, so the order in
which hand-overs become known cannot change who belongs together.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from streams.core.index import Rows, grown


class Chains:
    """Which chain a leg belongs to; a chain is named by its smallest row."""

    __slots__ = ("_count", "_lost", "_parent")

    def __init__(self) -> None:
        """Start without legs."""
        self._parent: NDArray[np.int32] = np.empty(1024, np.int32)
        self._count = 0
        self._lost: list[Rows] = []

    def take_lost(self) -> tuple[Rows, Rows]:
        """Chains that lost their name since the last call, and legs above them: all that a snapshot needs."""
        lost = np.unique(np.concatenate(self._lost)) if self._lost else np.empty(0, np.int64)
        self._lost = []
        return lost, self._parent[lost].astype(np.int64)

    def restore(self, count: int, lost: Rows, above: Rows) -> None:
        """Put back what a snapshot has."""
        self.extend(count)
        self._parent[lost] = above

    def keep(self, legs: Rows, numbers: Callable[[Rows], Rows]) -> None:
        """Keep whole chains only: `legs` in their order; `numbers` says the new rows of old ones."""
        roots = self.root(legs)
        self._parent = numbers(roots).astype(np.int32)
        self._count, self._lost = len(legs), []

    def extend(self, count: int) -> None:
        """Make room for legs up to `count`; each new leg is a chain of its own."""
        if count > len(self._parent):
            self._parent = grown(self._parent, count)
        self._parent[self._count : count] = np.arange(self._count, count, dtype=np.int32)
        self._count = max(self._count, count)

    def root(self, legs: Rows) -> Rows:
        """The chains of legs, shape (n,)."""
        root = self._parent[legs]
        while True:
            above = self._parent[root]
            if (above == root).all():
                break
            root = above
        self._parent[legs] = root
        return root.astype(np.int64)

    def union(self, legs: Rows, others: Rows) -> Rows:
        """Join chains pairwise; returns the chains that lost their name, each once."""
        lost: list[Rows] = []
        while True:
            one, two = self.root(legs), self.root(others)
            apart = one != two
            if not apart.any():
                names = np.unique(np.concatenate(lost)) if lost else np.empty(0, np.int64)
                self._lost.append(names)
                return names
            low, high = np.minimum(one, two)[apart], np.maximum(one, two)[apart]
            np.minimum.at(self._parent, high, low.astype(np.int32))
            lost.append(high)
