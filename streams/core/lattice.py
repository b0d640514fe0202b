"""State is a join of facts: tables of columns, each column a semilattice.

Rules:
- EARLIEST keeps the least value, LATEST the greatest, UNION the bits of all. Each is commutative, associative and
  idempotent, so order, repetition and the split into batches cannot change a column.
- A group of columns that FIRST declares is joined as one tuple: the least in lexicographic order wins whole ("the first
  submission known, with its due time").
- A group of two tuples is joined as the two least that differ in their last column ("the first two submissions known"):
  of tuples that share it, the least counts.
- NEVER stands for "not seen" in EARLIEST columns, so that comparing needs no masks.
- PLAIN columns are not facts but addresses within this process (rows of other tables); they are set, not joined.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streams.core.index import Index, Keys, Rows, resized

NEVER = np.iinfo(np.int64).max
"""Later than everything: a time that has not come."""

Values = NDArray[Any]


class Join(Enum):
    """How two values of a column become one."""

    EARLIEST = auto()
    LATEST = auto()
    UNION = auto()
    FIRST = auto()
    PLAIN = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a table.

    Attributes:
        name: unique in its table.
        join: how values are joined.
        of: which facts it holds, in words; the documentation is made from it.
        dtype: numpy type.
    """

    name: str
    join: Join
    of: str
    dtype: type[np.integer[Any]] = np.int64

    @property
    def empty(self) -> int:
        """The value of a column that no fact has touched."""
        match self.join:
            case Join.EARLIEST | Join.FIRST:
                return int(np.iinfo(self.dtype).max)
            case Join.LATEST:
                return int(np.iinfo(self.dtype).min)
            case Join.UNION:
                return 0
            case Join.PLAIN:
                return -1


def known(name: str, of: str) -> tuple[Column, Column]:
    """The two columns of a deciding fact: when it happened, and when we could know."""
    return (
        Column(name=f"{name}_at", join=Join.EARLIEST, of=of),
        Column(name=f"{name}_known", join=Join.EARLIEST, of=f"{of}; the clock when its record was read, if later"),
    )


class Table:
    """Rows by hash, with joined columns.

    Attributes:
        columns: the declaration, by name.
        index: row numbers of keys.
    """

    __slots__ = ("_data", "_touched", "columns", "groups", "index", "twos")

    def __init__(
        self,
        columns: Sequence[Column],
        width: int,
        groups: Sequence[Sequence[str]] = (),
        twos: Sequence[Sequence[str]] = (),
        capacity: int = 1024,
    ) -> None:
        """Make an empty table whose keys have `width` 64-bit halves.

        `groups` are the FIRST columns joined as one, `twos` those joined as the two least of their kind.
        """
        self.groups, self.twos = groups, twos
        self.columns = {column.name: column for column in columns}
        self.index = Index(width, capacity)
        self._data = {c.name: np.full(capacity, c.empty, c.dtype) for c in columns}
        self._touched = np.zeros(capacity, np.bool_)

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self.index)

    def __getitem__(self, name: str) -> NDArray[Any]:
        """The values of a column, shape (rows,); a view, to be read only."""
        return self._data[name][: len(self)]

    def rows(self, keys: Keys) -> Rows:
        """Row numbers of keys; unknown keys get empty rows."""
        rows = self.index.rows(keys)
        self._reserve()
        return rows

    def set(self, name: str, rows: Rows, values: Values | int) -> None:
        """Set a PLAIN column."""
        self._data[name][rows] = values
        self._touched[rows] = True

    def join(self, name: str, rows: Rows, values: Values | int) -> None:
        """Join values into a column; rows may repeat."""
        data = self._data[name]
        self._touched[rows] = True
        match self.columns[name].join:
            case Join.EARLIEST:
                np.minimum.at(data, rows, values)
            case Join.LATEST:
                np.maximum.at(data, rows, values)
            case Join.UNION:
                np.bitwise_or.at(data, rows, values)
            case Join.FIRST | Join.PLAIN:
                raise TypeError(f"{name} is not joined alone")

    def join_known(self, name: str, rows: Rows, at: Values, seen: Values) -> None:
        """Join both columns of a deciding fact."""
        self.join(f"{name}_at", rows, at)
        self.join(f"{name}_known", rows, seen)

    def join_first(self, names: Sequence[str], rows: Rows, values: Sequence[Values]) -> None:
        """Join a group of columns as one tuple; the least in lexicographic order wins whole."""
        order = np.lexsort([*reversed(values), rows])
        least = order[np.concatenate(([True], np.diff(rows[order]) != 0))] if len(order) else order
        rows = rows[least]
        mine = [self._data[name][rows] for name in names]
        wins = _precedes([value[least] for value in values], mine)
        for name, value in zip(names, values, strict=True):
            self._data[name][rows[wins]] = value[least][wins]
        self._touched[rows] = True

    def join_two(self, names: Sequence[str], rows: Rows, values: Sequence[Values]) -> None:
        """Join tuples into a group of two: the two least that differ in their last column stay, the least first."""
        if not len(rows):
            return
        one, two = names[: len(values)], names[len(values) :]
        held = np.unique(rows)
        both = zip(values, one, two, strict=True)
        every = [np.concatenate([value, self._data[a][held], self._data[b][held]]) for value, a, b in both]
        at, every = _two_least(np.concatenate([rows, held, held]), every)
        first = np.concatenate(([True], np.diff(at) != 0))
        second = np.flatnonzero(~first & np.concatenate(([False], first[:-1])))
        for place, group in ((np.flatnonzero(first), one), (second, two)):
            for name, value in zip(group, every, strict=True):
                self._data[name][at[place]] = value[place]
        self._touched[held] = True

    def merge(self, into: Rows, other: Rows) -> None:
        """Join whole rows `other` into rows `into` (same length; `into` may repeat)."""
        for name, column in self.columns.items():
            if column.join not in {Join.FIRST, Join.PLAIN}:
                self.join(name, into, self._data[name][other])
        for group in self.groups:
            self.join_first(group, into, [self._data[name][other] for name in group])
        for group in self.twos:
            for half in (group[: len(group) // 2], group[len(group) // 2 :]):
                self.join_two(group, into, [self._data[name][other] for name in half])

    def take_touched(self) -> Rows:
        """The rows that changed since the last call."""
        rows = np.flatnonzero(self._touched[: len(self)])
        self._touched[rows] = False
        return rows

    def restore(self, rows: Rows, keys: Keys, values: Mapping[str, Values]) -> None:
        """Put back rows as a snapshot has them, under the numbers they had; rebuild the index once all are there."""
        self.index.restore(rows, keys)
        self._reserve()
        for name, value in values.items():
            self._data[name][rows] = value

    def _reserve(self) -> None:
        """Columns as long as the index has room for."""
        if len(self._touched) < len(self.index.keys):
            held_before = len(self._touched)
            self._touched = resized(self._touched, len(self.index.keys))
            self._touched[held_before:] = False
        for name, column in self.columns.items():
            held = self._data[name]
            if len(held) < len(self.index.keys):
                self._data[name] = resized(held, len(self.index.keys))
                self._data[name][len(held) :] = column.empty


def _two_least(rows: Rows, values: Sequence[Values]) -> tuple[Rows, list[Values]]:
    """Rows in order with their tuples, least first; of those that share a last column, the least."""
    order = np.lexsort([*reversed(values[:-1]), values[-1], rows])
    same = (np.diff(rows[order]) == 0) & (np.diff(values[-1][order]) == 0)
    kept = order[np.concatenate(([True], ~same))]
    order = kept[np.lexsort([*reversed([value[kept] for value in values]), rows[kept]])]
    return rows[order], [value[order] for value in values]


def _precedes(these: Sequence[Values], those: Sequence[Values]) -> NDArray[np.bool_]:
    """Where the tuples of `these` come before the tuples of `those`."""
    less = np.zeros(len(these[0]), np.bool_)
    equal = np.ones(len(these[0]), np.bool_)
    for this, that in zip(these, those, strict=True):
        less |= equal & (this < that)
        equal &= this == that
    return less
