"""Columns that few rows have: most messages are never refused, held or deleted, so they pay four bytes for all of it.

Rules:
- A row has a place beside once something is said of it, and keeps it.
- Seen from outside, a rare column is like any other: rows without a place have its empty value.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streams.core.index import Rows, grown, resized

Values = NDArray[Any]

_NOWHERE = np.int32(-1)


class Rare:
    """Columns of a table that stand beside it.

    Attributes:
        empties: by name, the value of rows without a place; its type is the column's.
    """

    __slots__ = ("_count", "_data", "_places", "_room", "empties")

    def __init__(self, empties: Mapping[str, np.integer[Any]]) -> None:
        """Start without rows."""
        self.empties = empties
        self._room, self._count = 0, 0
        self._places = np.empty(0, np.int32)  # not there before anything is said of any row
        self._data = {name: np.empty(0, empty.dtype) for name, empty in empties.items()}

    def resize(self, rows: int) -> None:
        """Make room for `rows` rows; `extend` says which are in use."""
        self._room = rows
        if self._count:
            self._places = resized(self._places, rows)

    def extend(self, before: int, after: int) -> None:
        """Rows from `before` up to `after` are new: nothing is said of them."""
        if self._count:
            self._places[before:after] = _NOWHERE

    def whole(self, name: str, rows: int) -> Values:
        """A column of the first `rows` rows."""
        values = np.full(rows, self.empties[name])
        if self._count:
            said = np.flatnonzero(self._places[:rows] >= 0)
            values[said] = self._data[name][self._places[said]]
        return values

    def take(self, name: str, rows: Rows) -> Values:
        """The values of some rows."""
        values = np.full(len(rows), self.empties[name])
        if self._count:
            places = self._places[rows]
            said = places >= 0
            values[said] = self._data[name][places[said]]
        return values

    def said(self, rows: Rows) -> NDArray[np.bool_]:
        """Of which of some rows anything is said."""
        return self._places[rows] >= 0 if self._count else np.zeros(len(rows), np.bool_)

    def places(self, rows: Rows) -> Rows:
        """Where the values of some rows stand; rows without a place get one."""
        if not self._count:
            self._places = np.full(self._room, _NOWHERE)
        new = self._each_once(rows[self._places[rows] < 0])
        if len(new):
            self._reserve(self._count + len(new))
            self._places[new] = np.arange(self._count, self._count + len(new), dtype=np.int32)
            self._count += len(new)
        return self._places[rows].astype(np.int64)

    def _each_once(self, rows: Rows) -> Rows:
        """Rows that may repeat, each once: the one that was last to write its number where its place will be."""
        numbers = np.arange(len(rows), dtype=np.int32)
        self._places[rows] = numbers
        once: Rows = rows[self._places[rows] == numbers]
        return once

    def data(self, name: str) -> Values:
        """The values by place; `places` may replace it."""
        return self._data[name]

    def restore(self, rows: Rows, values: Mapping[str, Values]) -> None:
        """Put values back, by name; a column that is not there is empty in all these rows."""
        if not values:
            return
        said = self.said(rows)
        for name, value in values.items():
            said |= value != self.empties[name]
        places = self.places(rows[said])
        for name, value in values.items():
            self._data[name][places] = value[said]

    def keep(self, rows: Rows) -> None:
        """Keep some rows only, in their order, under new numbers from 0 on."""
        self._room = len(rows)
        if self._count:
            places = self._places[rows]
            said = places >= 0
            self._data = {name: held[places[said]] for name, held in self._data.items()}
            self._count = int(said.sum())
            places[said] = np.arange(self._count, dtype=np.int32)
            self._places = places

    def _reserve(self, needed: int) -> None:
        for name, held in self._data.items():
            if needed > len(held):
                self._data[name] = grown(held, needed)
            self._data[name][self._count : needed] = self.empties[name]
