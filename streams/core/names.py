"""What a row is called: the texts that alarms and screens need, kept as bytes beside the columns.

Columns hold hashes only; a name is looked up for the few rows that something is said of.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from streams.core.identity import half
from streams.core.index import Rows

_SEPARATOR = "\0"


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

    def add(self, *columns: Sequence[str]) -> Rows:
        """Keep rows of texts, given as columns of one length; returns the offset of each, shape (rows,)."""
        texts = [_clean(pl.Series(column, dtype=pl.String).to_arrow()).cast(pa.large_binary()) for column in columns]
        raw = pc.binary_join_element_wise(*texts, pa.scalar(_SEPARATOR.encode(), pa.large_binary()))
        lengths = np.asarray(pc.binary_length(raw), np.uint32)
        prefix = _prefix(lengths)
        blob = pc.binary_join_element_wise(prefix, raw, pa.scalar(b"", pa.large_binary()))
        ends = np.cumsum(lengths + np.uint32(4), dtype=np.int64)
        offsets = len(self._heap) + ends - lengths - 4
        if len(lengths):
            self._heap += memoryview(blob.buffers()[2])[: ends[-1]]
        return offsets

    def get(self, offset: int) -> tuple[str, ...]:
        """The tuple of texts at an offset."""
        length = int.from_bytes(self._heap[offset : offset + 4], "little")
        return tuple(self._heap[offset + 4 : offset + 4 + length].decode("utf-8").split(_SEPARATOR))

    def __len__(self) -> int:
        """Bytes in use."""
        return len(self._heap)


def _clean(texts: Any) -> Any:
    """Texts without the separator."""
    found = pc.any(pc.match_substring(texts, _SEPARATOR)).as_py()
    return pc.replace_substring(texts, _SEPARATOR, "") if found else texts


def _prefix(lengths: NDArray[np.uint32]) -> Any:
    """Each length as four bytes, least first."""
    fours = pa.py_buffer(np.arange(0, 4 * len(lengths) + 4, 4, dtype=np.int64))
    raw = pa.py_buffer(lengths.astype("<u4"))
    return pa.Array.from_buffers(pa.large_binary(), len(lengths), [None, fours, raw])
