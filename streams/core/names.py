"""What a row is called: the texts that alarms and screens need, kept as bytes beside the columns.

Columns hold hashes only; a name is looked up for the few rows that something is said of.
"""

from collections.abc import Iterable

from streams.core.identity import half

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
