"""Rows by hash: open addressing in numpy, so that a batch of keys becomes a batch of row numbers.

Rules:
- A key is one or two unsigned 64-bit halves of a hash that is already uniform; slots are found by its first half mixed
  with the second.
- Rows are dense and never reused; they are numbered in the order in which they are first asked for.
- Looking up is vectorised: each round settles every key that hit its slot, the rest step to the next slot.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint64]
Rows = NDArray[np.int64]

T = TypeVar("T", bound=np.generic)

_EMPTY = np.int32(-1)
_MIX = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(32)
FILL = 0.6
"""Slots are doubled when more than this part is taken: three probes a key on average."""


class Index:
    """Keys to row numbers.

    Attributes:
        keys: uint64, shape (capacity, width); the first `len(self)` rows are in use.
    """

    __slots__ = ("_count", "_slots", "keys", "width")

    def __init__(self, width: int, capacity: int = 1024) -> None:
        """Make an empty index of keys with `width` halves."""
        self.width = width
        self.keys: Keys = np.empty((capacity, width), np.uint64)
        self._slots = np.full(_slots_for(capacity), _EMPTY, np.int32)
        self._count = 0

    def __len__(self) -> int:
        """How many rows there are."""
        return self._count

    def find(self, keys: Keys) -> Rows:
        """Row numbers of keys, shape (n,); -1 where a key is not known."""
        return self._probe(keys, create=False) if len(keys) else np.empty(0, np.int64)

    def rows(self, keys: Keys) -> Rows:
        """Row numbers of keys, shape (n,); unknown keys get new rows."""
        if not len(keys):
            return np.empty(0, np.int64)
        self._reserve(len(keys))
        return self._probe(keys, create=True)

    def restore(self, rows: Rows | slice, keys: Sequence[NDArray[np.uint64]]) -> None:
        """Put keys, by their halves, back under the numbers they had; `rebuild` once all are there, dense."""
        top = rows.stop if isinstance(rows, slice) else int(rows.max(initial=-1)) + 1
        if top > len(self.keys):
            self.keys = grown(self.keys, top)
        for number, half in enumerate(keys):
            self.keys[rows, number] = half
        self._count = max(self._count, top)

    def reserve(self, rows: int) -> None:
        """Make room for so many rows."""
        if rows > len(self.keys):
            self.keys = resized(self.keys, rows)

    def rebuild(self) -> None:
        """Make the keys that were put back findable."""
        self._rebuild(self._count)

    def keep(self, rows: Rows) -> None:
        """Keep some rows only, in their order, under new numbers from 0 on."""
        self.keys, self._count = resized(self.keys[rows], max(1, len(rows))), len(rows)
        self._rebuild(self._count)

    def rekey(self, part: int, numbers: Callable[[Rows], Rows]) -> None:
        """Put `numbers(half)` in the place of one half of every key, where it is a row number."""
        held = self.keys[: self._count]
        held[:, part] = numbers(held[:, part].astype(np.int64))
        self.rebuild()

    def _probe(self, keys: Keys, *, create: bool) -> Rows:
        found = np.full(len(keys), -1, np.int64)
        at = self._home(keys)
        open_ = np.arange(len(keys))
        mask = len(self._slots) - 1
        while len(open_):
            rows = self._slots[at[open_]]
            taken = rows >= 0
            same = taken & self._are(rows, keys, open_)
            found[open_[same]] = rows[same]
            if create:
                self._claim(keys, at, open_[~taken])
                open_ = open_[~same]  # a key that claimed its slot finds itself there in the next round
                at[open_[taken[~same]]] = (at[open_[taken[~same]]] + 1) & mask
            else:
                open_ = open_[taken & ~same]
                at[open_] = (at[open_] + 1) & mask
        return found

    def _are(self, rows: NDArray[np.int32], keys: Keys, which: Rows) -> NDArray[np.bool_]:
        """Whether rows have the keys at `which`."""
        same: NDArray[np.bool_] = self.keys[rows, 0] == keys[which, 0]
        return same & (self.keys[rows, 1] == keys[which, 1]) if self.width > 1 else same

    def _claim(self, keys: Keys, at: Rows, wanting: Rows) -> None:
        """Give each empty slot to one of the keys that want it."""
        if not len(wanting):
            return
        slots = at[wanting]
        self._slots[slots] = np.arange(len(wanting), dtype=np.int32)
        won = self._slots[slots] == np.arange(len(wanting), dtype=np.int32)
        new = np.arange(self._count, self._count + int(won.sum()), dtype=np.int32)
        self._slots[slots[won]] = new
        self.keys[new] = keys[wanting[won]]
        self._count += len(new)

    def _home(self, keys: Keys) -> Rows:
        home = mixed(keys) if self.width > 1 else keys[:, 0].copy()
        home ^= home >> _SHIFT
        return (home & np.uint64(len(self._slots) - 1)).astype(np.int64)

    def _reserve(self, more: int) -> None:
        needed = self._count + more
        if needed > len(self.keys):
            self.keys = grown(self.keys, needed)
        if needed > len(self._slots) * FILL:
            self._rebuild(needed)

    def _rebuild(self, needed: int) -> None:
        self._slots = np.full(_slots_for(needed), _EMPTY, np.int32)
        mask = len(self._slots) - 1
        at = self._home(self.keys[: self._count])
        open_ = np.arange(self._count)
        while len(open_):
            free = open_[self._slots[at[open_]] < 0]
            self._slots[at[free]] = free.astype(np.int32)
            open_ = open_[self._slots[at[open_]] != open_]
            at[open_] = (at[open_] + 1) & mask


def grown(column: NDArray[T], needed: int) -> NDArray[T]:
    """A copy of a column with room for `needed` rows and half as much again."""
    return resized(column, needed + needed // 2)


def resized(column: NDArray[T], rows: int) -> NDArray[T]:
    """A copy of a column with room for exactly `rows` rows; what is new is not set."""
    bigger = np.empty((rows, *column.shape[1:]), column.dtype)
    bigger[: len(column)] = column
    return bigger


def _slots_for(rows: int) -> int:
    return 1 << max(10, int(rows / FILL).bit_length())


def mixed(keys: Keys) -> Keys:
    """One number for both halves of each key, uint64, shape (keys,)."""
    return keys[:, 0] ^ (keys[:, 1] * _MIX)
