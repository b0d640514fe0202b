"""A batch of events as columns, ready to be folded.

Rules:
- A batch is a polars frame with the columns of COLUMNS (the envelope's names and types; `kind` as text or categorical
  with underscores, as Avro has it) and, beside it, the time at which each record could be known.
- Numbers are numpy arrays, all of one length; texts stay in the frame and are fetched only for the few rows that need
  them.
- What polars can only answer by a query is asked of Arrow where that is as fast: of ten events a query costs more than
  the work.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from streams.core import arrow, picking
from streams.core.events import Kind, MessageEvent
from streams.core.index import Keys

COLUMNS = (
    "kind",
    "occurred_at",
    "leg",
    "next_leg",
    "message_key",
    "host",
    "queue_id",
    "recipient",
    "next_queue_id",
    "peer",
    "side",
    "originator",
    "recipients_expected",
    "priority",
    "size",
    "traffic",
    "action",
    "status",
    "report_requested",
    "seq",
    "attributes",
)
"""The columns of the envelope that custody is derived from."""

KINDS = {kind.value.replace("-", "_"): number for number, kind in enumerate(Kind)}
"""Number of each kind, by its Avro name."""

UNKNOWN = len(KINDS)

Mask = NDArray[np.bool_]
Times = NDArray[np.int64]


def kind_number(kind: Kind) -> int:
    """The number that stands for a kind in `Facts.kind`."""
    return KINDS[kind.value.replace("-", "_")]


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Some events, in the order of the log.

    Attributes:
        frame: the columns of COLUMNS.
        known: microseconds; when each record could be known: when it happened, but later than the clock when it was
            read: what comes after the tick T was not known at T.
        leg: uint64, shape (n, 2).
        next_leg: uint64, shape (n, 2); zeros where there is none.
    """

    frame: pl.DataFrame
    known: Times
    leg: Keys
    next_leg: Keys
    _wholes: dict[str, pl.Series] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def kind(self) -> NDArray[np.int8]:
        """Numbers of the kinds, shape (n,)."""
        kinds = self.frame["kind"].to_arrow()
        if not pa.types.is_dictionary(kinds.type):
            kinds = kinds.dictionary_encode()
        numbers = np.array([KINDS.get(one, UNKNOWN) for one in kinds.dictionary.to_pylist()], np.int8)
        found: NDArray[np.int8] = numbers[arrow.numbers(kinds.indices)]
        return found

    @cached_property
    def at(self) -> Times:
        """When it happened, microseconds, shape (n,)."""
        return self.frame["occurred_at"].cast(pl.Int64).to_numpy()

    def part(self, start: int, end: int) -> "Facts":
        """The facts from `start` up to `end`."""
        if (start, end) == (0, len(self.known)):
            return self
        some = slice(start, end)
        return Facts(frame=self.frame[some], known=self.known[some], leg=self.leg[some], next_leg=self.next_leg[some])

    def without(self, gone: Mask, beyond: Mask) -> "Facts":
        """Other facts: without those that are `gone`, and without the next legs of those that are `beyond`."""
        next_leg = np.where(beyond[:, None], np.uint64(0), self.next_leg)
        return Facts(
            frame=self.frame.filter(pl.Series(~gone)),
            known=self.known[~gone],
            leg=self.leg[~gone],
            next_leg=next_leg[~gone],
        )

    def of(self, *kinds: Kind) -> Mask:
        """Where the kind is one of these."""
        found: Mask = self.kind == kind_number(kinds[0])
        for kind in kinds[1:]:
            found |= self.kind == kind_number(kind)
        return found

    def text_is(self, column: str, value: str) -> Mask:
        """Where a text column has this value."""
        return picking.equal(self._whole(column), value)

    def noted(self, events: Mask, note: str) -> Mask:
        """Which of some events have an attribute."""
        noted = events.copy()
        rows = np.flatnonzero(events)
        if len(rows):
            noted[rows] = self.frame["attributes"][rows].list.contains(note).fill_null(value=False).to_numpy()
        return noted

    def notes(self, name: str, rows: NDArray[np.int64], default: str = "") -> list[str]:
        """What the attribute `name` says at some rows; the default where there is none."""
        return picking.notes(self.frame["attributes"], rows, name, default)

    def has(self, column: str) -> Mask:
        """Where a column says something."""
        return arrow.valid(self.frame[column].to_arrow())

    def series(self, column: str, rows: NDArray[np.int64]) -> pl.Series:
        """The texts of a column at some rows; None becomes ""."""
        return picking.series(self.frame[column], rows)

    def _whole(self, column: str) -> pl.Series:
        """A column of texts; None becomes "". It is kept, since filling costs more than comparing."""
        if column not in self._wholes:
            self._wholes[column] = picking.filled(self.frame[column].cast(pl.String))
        return self._wholes[column]

    def texts(self, column: str, rows: NDArray[np.int64]) -> list[str]:
        """The same as a list."""
        return picking.texts(self.frame[column], rows)

    def numbers(self, column: str, rows: NDArray[np.int64], default: int) -> NDArray[np.int64]:
        """The integers of a column at some rows."""
        return picking.numbers(self.frame[column], rows, default)


SCHEMA: dict[str, pl.DataType] = {
    "kind": pl.String(),
    "occurred_at": pl.Int64(),
    "leg": pl.Binary(),
    "next_leg": pl.Binary(),
    "recipients_expected": pl.Int32(),
    "priority": pl.Int32(),
    "size": pl.Int64(),
    "report_requested": pl.Boolean(),
    "seq": pl.Int32(),
    "attributes": pl.List(pl.String()),
}
"""Types of the columns that are not texts."""


def frame_of(events: Sequence[MessageEvent], types: Mapping[str, Any] | None = None) -> pl.DataFrame:
    """The columns of some events, as the wire would give them; those of COLUMNS where no types say which."""
    schema = types or {name: SCHEMA.get(name, pl.String()) for name in COLUMNS}
    return pl.DataFrame({name: [_plain(getattr(event, name)) for event in events] for name in schema}, schema=schema)


def _plain(value: object) -> object:
    match value:
        case Kind():
            return value.value.replace("-", "_")
        case tuple():
            return list(value)
        case _:
            return value


def facts(frame: pl.DataFrame, clock: Times | int) -> Facts:
    """Facts of a frame.

    Args:
        frame: with the columns of COLUMNS.
        clock: microseconds; through of the latest tick before each record, shape (n,) or one for all.
    """
    at = frame["occurred_at"].cast(pl.Int64).to_numpy()
    return Facts(
        frame=frame,
        known=np.maximum(at, np.asarray(clock) + 1),
        leg=halves(frame["leg"]),
        next_leg=halves(frame["next_leg"]),
    )


def halves(hashes: pl.Series) -> Keys:
    """A column of 16-byte hashes as uint64, shape (n, 2); zeros where there is none (or it has another length)."""
    array = hashes.to_arrow()
    if not len(array):
        return np.zeros((0, 2), np.uint64)
    _, ends, raw = array.buffers()
    places = np.frombuffer(ends, np.int64, count=len(array) + 1, offset=8 * array.offset)
    lengths = np.diff(places)
    good = lengths == _WIDTH
    if array.null_count:
        good &= arrow.valid(array)
    if lengths[~good].any():  # what is no hash lies between those that are
        fits = hashes.bin.size() == _WIDTH
        return halves(pl.select(pl.when(fits).then(hashes).otherwise(pl.lit(bytes(_WIDTH)))).to_series())
    found = np.zeros((len(array), 2), np.uint64)
    if good.any():
        found[good] = np.frombuffer(raw, np.uint64, 2 * int(good.sum()), int(places[0])).reshape(-1, 2)
    return found


_WIDTH = 16
