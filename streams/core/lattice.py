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

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streams.core.index import Index, Keys, Rows, resized
from streams.core.rare import Rare

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
        of: which facts it holds, in words.
        dtype: numpy type.
        beside: the group of rare columns that it stands in, beside the table; "" in the table itself.
    """

    name: str
    join: Join
    of: str
    dtype: type[np.integer[Any]] = np.int64
    beside: str = ""

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
                return -1 if np.issubdtype(self.dtype, np.signedinteger) else int(np.iinfo(self.dtype).max)


def known(name: str, of: str, beside: str = "") -> tuple[Column, Column]:
    """The two columns of a deciding fact: when it happened, and when we could know."""
    late = f"{of}; the clock when its record was read, if later"
    return (
        Column(name=f"{name}_at", join=Join.EARLIEST, of=of, beside=beside),
        Column(name=f"{name}_known", join=Join.EARLIEST, of=late, beside=beside),
    )


class Table:
    """Rows by hash, with joined columns.

    Attributes:
        columns: the declaration, by name.
        groups: names of the FIRST columns that are joined as one.
        twos: names of those that are joined as the two least of their kind.
        index: row numbers of keys.
    """

    __slots__ = ("_data", "_rare", "_touched", "columns", "groups", "index", "twos")

    def __init__(
        self,
        columns: Sequence[Column],
        width: int,
        groups: Sequence[Sequence[str]] = (),
        twos: Sequence[Sequence[str]] = (),
        capacity: int = 1024,
    ) -> None:
        """Make an empty table whose keys have `width` 64-bit halves."""
        self.groups, self.twos = groups, twos
        self.columns = {column.name: column for column in columns}
        self.index = Index(width, capacity)
        self._data = {c.name: np.empty(0, c.dtype) for c in columns if not c.beside}
        self._rare = {name: group for group in _beside(columns) for name in group.empties}
        self._touched = np.zeros(0, np.bool_)
        self._reserve(0)

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self.index)

    def __getitem__(self, name: str) -> NDArray[Any]:
        """The values of a column, shape (rows,); to be read only."""
        if name in self._rare:
            return self._rare[name].whole(name, len(self.index))
        return self._data[name][: len(self.index)]

    def take(self, name: str, rows: Rows) -> NDArray[Any]:
        """The values of a column at some rows."""
        return self._rare[name].take(name, rows) if name in self._rare else self._data[name][rows]

    def rows(self, keys: Keys) -> Rows:
        """Row numbers of keys; unknown keys get empty rows."""
        before = len(self)
        rows = self.index.rows(keys)
        if len(self) > before:
            self._reserve(before)
        return rows

    def set(self, name: str, rows: Rows, values: Values | int) -> None:
        """Set a PLAIN column."""
        self._data[name][rows] = values
        self._touched[rows] = True

    def join(self, name: str, rows: Rows, values: Values | int) -> None:
        """Join values into a column; rows may repeat."""
        if not len(rows):
            return
        self._touched[rows] = True
        data, at = self._place(name, rows)
        match self.columns[name].join:
            case Join.EARLIEST:
                np.minimum.at(data, at, values)
            case Join.LATEST:
                np.maximum.at(data, at, values)
            case Join.UNION:
                np.bitwise_or.at(data, at, values)
            case Join.FIRST | Join.PLAIN:
                raise TypeError(f"{name} is not joined alone")

    def join_known(self, name: str, rows: Rows, at: Values, seen: Values) -> None:
        """Join both columns of a deciding fact."""
        self.join(f"{name}_at", rows, at)
        self.join(f"{name}_known", rows, seen)

    def join_first(self, names: Sequence[str], rows: Rows, values: Sequence[Values]) -> None:
        """Join a group of columns as one tuple; the least in lexicographic order wins whole."""
        if not len(rows):
            return
        if (np.diff(rows) <= 0).any():
            order = np.lexsort([*reversed(values), rows])
            least = order[np.concatenate(([True], np.diff(rows[order]) != 0))]
            rows, values = rows[least], [value[least] for value in values]
        wins = _precedes(values, [self.take(name, rows) for name in names])
        for name, value in zip(names, values, strict=True):
            data, at = self._place(name, rows[wins])
            data[at] = value[wins]
        self._touched[rows] = True

    def join_two(self, names: Sequence[str], rows: Rows, values: Sequence[Values]) -> None:
        """Join tuples into a group of two: the two least that differ in their last column stay, the least first."""
        if not len(rows):
            return
        one, two = names[: len(values)], names[len(values) :]
        held = np.unique(rows)
        both = zip(values, one, two, strict=True)
        every = [np.concatenate([value, self.take(a, held), self.take(b, held)]) for value, a, b in both]
        at, every = _two_least(np.concatenate([rows, held, held]), every)
        first = np.concatenate(([True], np.diff(at) != 0))
        second = np.flatnonzero(~first & np.concatenate(([False], first[:-1])))
        second = second[every[0][second] != NEVER]
        for chosen, group in ((np.flatnonzero(first), one), (second, two)):
            for name, value in zip(group, every, strict=True):
                data, places = self._place(name, at[chosen])
                data[places] = value[chosen]
        self._touched[held] = True

    def merge(self, into: Rows, other: Rows) -> None:
        """Join whole rows `other` into rows `into` (same length; `into` may repeat)."""
        for name, column in self.columns.items():
            if column.join not in {Join.FIRST, Join.PLAIN}:
                said = self._said(name, other)
                self.join(name, into[said], self.take(name, other[said]))
        for group in self.groups:
            said = self._said(group[0], other)
            self.join_first(group, into[said], [self.take(name, other[said]) for name in group])
        for group in self.twos:
            for half in (group[: len(group) // 2], group[len(group) // 2 :]):
                said = self._said(half[0], other)
                self.join_two(group, into[said], [self.take(name, other[said]) for name in half])

    def take_touched(self) -> Rows:
        """The rows that changed since the last call."""
        rows = np.flatnonzero(self._touched[: len(self)])
        self._touched[rows] = False
        return rows

    def reserve(self, rows: int) -> None:
        """Make room for so many rows."""
        self.index.reserve(rows)
        self._reserve(len(self))

    def restore(self, rows: Rows, keys: Sequence[Values], values: Mapping[str, Values]) -> None:
        """Put back rows as a snapshot has them, under the numbers they had; rebuild the index once all are there.

        A column that is not there is empty in all these rows.
        """
        before = len(self)
        some = _run(rows)
        self.index.restore(some, keys)
        self._reserve(before)
        for name in values.keys() - self._rare.keys():
            self._data[name][some] = values[name]
        for rare in self._rares():
            rare.restore(rows, {name: value for name, value in values.items() if name in rare.empties})

    def copy(self) -> "Table":
        """A table that says the same, for `keep`: until then both have the same values, and neither may be joined."""
        new = copy(self)
        new.index = copy(self.index)
        beside = {id(rare): copy(rare) for rare in self._rares()}
        new._rare = {name: beside[id(rare)] for name, rare in self._rare.items()}  # noqa: SLF001 - of our own kind
        return new

    def keep(self, rows: Rows) -> None:
        """Keep some rows only, in their order, under new numbers from 0 on; all count as changed."""
        self.index.keep(rows)
        self._data = {name: held[rows] for name, held in self._data.items()}
        self._touched = np.ones(len(rows), np.bool_)
        for rare in self._rares():
            rare.keep(rows)

    def _place(self, name: str, rows: Rows) -> tuple[Values, Rows]:
        """Where the values of some rows are: an array, and positions in it."""
        rare = self._rare.get(name)
        if rare is None:
            return self._data[name], rows
        places = rare.places(rows)
        return rare.data(name), places

    def _said(self, name: str, rows: Rows) -> NDArray[np.bool_]:
        rare = self._rare.get(name)
        return np.ones(len(rows), np.bool_) if rare is None else rare.said(rows)

    def _reserve(self, before: int) -> None:
        """Columns as long as the index has room for; rows from `before` on are empty, those beyond cost no memory."""
        room, after = len(self.index.keys), len(self)
        if len(self._touched) < room:
            self._touched = resized(self._touched, room)
            self._data = {name: resized(held, room) for name, held in self._data.items()}
            for rare in self._rares():
                rare.resize(room)
        if after == before:
            return
        self._touched[before:after] = False
        for name, held in self._data.items():
            held[before:after] = self.columns[name].empty
        for rare in self._rares():
            rare.extend(before, after)

    def _rares(self) -> Iterable[Rare]:
        return {id(rare): rare for rare in self._rare.values()}.values()


def _run(rows: Rows) -> Rows | slice:
    """The same rows, as a slice where one follows the other: that is how a whole table comes back, and much cheaper."""
    return slice(int(rows[0]), int(rows[-1]) + 1) if len(rows) and rows[-1] - rows[0] + 1 == len(rows) else rows


def _beside(columns: Sequence[Column]) -> Iterator[Rare]:
    """The groups of columns that stand beside the table."""
    for group in sorted({column.beside for column in columns if column.beside}):
        yield Rare({column.name: column.dtype(column.empty) for column in columns if column.beside == group})


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
