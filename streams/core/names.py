"""What a row is called: the texts that alarms and screens need, kept as bytes beside the columns.

Columns hold hashes only; a name is looked up for the few rows that something is said of.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from streams.core import arrow, picking
from streams.core.errors import Undecodable
from streams.core.identity import half
from streams.core.index import Rows

_BETWEEN, _END = "\x1f", "\0"
_MARKS = r"[\x00\x1f]"
_ROOM = 1 << 32
"""Offsets have 32 bits."""


class Names:
    """Texts in one heap, by offset."""

    __slots__ = ("_heap", "_numbers", "_texts")

    def __init__(self) -> None:
        """Start empty."""
        self._heap = bytearray()
        self._numbers: dict[str, int] = {"": 0}
        self._texts: dict[int, str] = {0: ""}

    def intern(self, texts: Iterable[str]) -> list[int]:
        """Numbers (hashes, the same in every process) that stand for few, often repeated texts; "" is 0."""
        numbers = self._numbers
        return [numbers[text] if text in numbers else self._learn(text) for text in texts]

    def text(self, number: int) -> str:
        """The text of an interned number; "" where it is not known."""
        return self._texts.get(number, "")

    def learned(self) -> list[str]:
        """All interned texts, for a snapshot."""
        return list(self._numbers)

    def _learn(self, text: str) -> int:
        number = int.from_bytes(half("n", text), "little")
        self._numbers[text], self._texts[number] = number, text
        return number

    def tail(self, start: int) -> bytes:
        """The heap from an offset on, for a snapshot."""
        return bytes(self._heap[start:])

    def extend(self, raw: bytes) -> None:
        """Put back a part of a heap, in order."""
        self._heap += raw

    def add(self, *columns: pl.Series) -> Rows:
        """Keep rows of texts, given as columns of one length; returns the offset of each, shape (rows,)."""
        count = len(columns[0])
        if not count:
            return np.zeros(0, np.int64)
        raw = np.frombuffer(picking.joined(columns, _BETWEEN, _END), np.uint8)
        ends = np.flatnonzero(raw == ord(_END))
        betweens = int(np.count_nonzero(raw == ord(_BETWEEN)))
        if len(ends) != count or betweens != count * (len(columns) - 1):
            return self.add(*(column.str.replace_all(_MARKS, "") for column in columns))  # our marks were in them
        offsets: Rows = len(self._heap) + np.concatenate(([0], ends[:-1] + 1))
        self._heap += raw.data
        if len(self._heap) > _ROOM:
            raise OverflowError("more than 4 GiB of names in one partition: give the ledger more partitions")
        return offsets

    def add_shared(self, texts: pl.Series) -> Rows:
        """The same of one column; rows with equal texts share an offset."""
        each = texts.to_arrow().dictionary_encode()
        offsets: Rows = self.add(pl.Series(each.dictionary))[arrow.numbers(each.indices)]
        return offsets

    def keep(self, offsets: NDArray[np.int64]) -> Rows:
        """Keep the texts at some offsets only (sorted, each once); returns their new offsets, shape (rows,)."""
        heap = np.frombuffer(self._heap, np.uint8)
        ends = np.flatnonzero(heap == 0)
        lengths = ends[np.searchsorted(ends, offsets)] + 1 - offsets
        edges = np.zeros(len(heap) + 1, np.int8)
        edges[offsets] += 1
        edges[offsets + lengths] -= 1
        kept = np.cumsum(edges[:-1], dtype=np.int8) > 0
        self._heap = bytearray(heap[kept].tobytes())
        new: Rows = np.cumsum(lengths) - lengths
        return new

    def get(self, offset: int) -> tuple[str, ...]:
        """The tuple of texts at an offset."""
        return tuple(self._heap[offset : self._heap.index(0, offset)].decode("utf-8").split(_BETWEEN))

    def initials(self, offsets: NDArray[np.integer[Any]]) -> NDArray[np.uint8]:
        """The first bytes of the texts at some offsets; 0 of an empty one."""
        return np.frombuffer(self._heap, np.uint8)[offsets] if len(offsets) else np.empty(0, np.uint8)

    def column(self, offsets: Rows) -> pl.Series:
        """The texts at some offsets, where each is one text.

        Raises:
            Undecodable: an offset is beyond what is kept (of a snapshot that lacks a part).
        """
        heap = bytes(self._heap)  # a view of ours would forbid it to grow
        ends = np.flatnonzero(np.frombuffer(heap, np.uint8) == 0) + 1
        edges = np.concatenate([np.zeros(1, np.int64), ends])
        if len(offsets) and offsets.max() >= edges[-1]:
            raise Undecodable("a snapshot that names what it does not hold")
        texts = pa.LargeStringArray.from_buffers(len(ends), pa.py_buffer(edges), pa.py_buffer(heap))
        return pl.Series(texts)[np.searchsorted(edges, offsets)].str.strip_suffix(_END)

    def __len__(self) -> int:
        """Bytes in use."""
        return len(self._heap)
