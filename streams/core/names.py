"""What a row is called: the texts that alarms and screens need, kept as bytes beside the columns.

Columns hold hashes only; a name is looked up for the few rows that something is said of.
"""

from collections.abc import Iterable

_SEPARATOR = "\0"


class Names:
    """Texts in one heap, by offset."""

    __slots__ = ("_heap",)

    def __init__(self) -> None:
        """Start empty."""
        self._heap = bytearray()

    def add(self, rows: Iterable[tuple[str, ...]]) -> list[int]:
        """Keep some tuples of texts; returns the offset of each."""
        offsets = []
        heap = self._heap
        for texts in rows:
            offsets.append(len(heap))
            raw = _SEPARATOR.join(text.replace(_SEPARATOR, "") for text in texts).encode("utf-8", "replace")
            heap += len(raw).to_bytes(4, "little")
            heap += raw
        return offsets

    def get(self, offset: int) -> tuple[str, ...]:
        """The tuple of texts at an offset."""
        length = int.from_bytes(self._heap[offset : offset + 4], "little")
        return tuple(self._heap[offset + 4 : offset + 4 + length].decode("utf-8").split(_SEPARATOR))

    def __len__(self) -> int:
        """Bytes in use."""
        return len(self._heap)
