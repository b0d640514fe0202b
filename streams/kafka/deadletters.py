"""What could not be understood goes to a topic of its own, with its place and reason; the rest goes on.

Rules:
- Who reads a topic tells its own dead letters, so that one record has as many as it has readers; whoever counts them
  goes by the place. What never got into the log has no place there, and each is one of its own.
"""

import time
from collections import deque
from typing import Any

from streams.core.errors import Undecodable
from streams.kafka import registry
from streams.kafka.names import LETTERS
from streams.kafka.ports import Log, Records, RecordWriter
from streams.kafka.topics import topic_name
from streams.wire import records

CAP = 64 * 1024
"""Bytes of a value that are kept."""

KEY_CAP = 1024
"""Bytes of a key that are kept."""

WINDOW = 1000
"""Records over which the share of bad ones is watched."""


class DeadLetters:
    """Writes dead letters, and stops the work when most records are bad: then it is not the records."""

    def __init__(self, writer: RecordWriter) -> None:
        """Write through the owner's writer, so that its flush covers them."""
        self._writer = writer
        self._recent: deque[tuple[int, int]] = deque()

    def put(
        self, topic: str, partition: int, offset: int, value: bytes | None, reason: str, *, key: bytes | None = None
    ) -> None:
        """Keep one record that could not be understood; offset -1: it never got into the log."""
        raw = registry.outward(self._writer.settings, topic, value) or b""
        letter = {
            "topic": topic_name(topic, self._writer.settings.ledger),
            "partition": partition,
            "offset": offset,
            "reason": reason,
            "at": time.time_ns() // 1000,
            "key": None if key is None else key[:KEY_CAP],
            "value": raw[:CAP],
        }
        place = f"{letter['topic']}/{partition}/{offset}".encode()
        self._writer.write(LETTERS, place, records.encode("dead-letter", letter))

    def put_record(self, topic: str, batch: Records, index: int, reason: str) -> None:
        """The same of a record that was read."""
        at, value, key = batch.offsets[index], batch.values[index], batch.keys[index]
        self.put(topic, batch.partition, at, value, reason, key=key)

    def judge(self, good: int, bad: int) -> None:
        """Count a batch.

        Raises:
            Undecodable: most of the last records could not be understood.
        """
        self._recent.append((good, bad))
        while len(self._recent) > 1 and sum(g + b for g, b in self._recent) - sum(self._recent[0]) >= WINDOW:
            self._recent.popleft()
        all_good, all_bad = (sum(part) for part in zip(*self._recent, strict=True))
        if all_good + all_bad >= WINDOW and all_bad > all_good:
            raise Undecodable(f"{all_bad} of the last {all_good + all_bad} records could not be understood: stopped")


def latest(log: Log, most: int) -> list[dict[str, Any]]:
    """The last dead letters of a ledger, the oldest first, each record once: as it was told last.

    Args:
        log: of the ledger.
        most: how many records of their topic are looked at; it has one partition.

    Returns:
        What their schema says of each.

    Raises:
        Unavailable: the brokers do not answer, or have no such topic.
    """
    starts = {number: max(first, end - most) for number, (first, end) in log.spans(LETTERS).items()}
    found: dict[object, dict[str, Any]] = {}
    for batch in log.read_range(LETTERS, starts):
        for offset, value in zip(batch.offsets, batch.values, strict=True):
            letter = _letter(log, batch.partition, offset, value)
            place = letter["topic"], letter["partition"], letter["offset"]
            name = offset if letter["offset"] < 0 else place
            found.pop(name, None)
            found[name] = letter
    return list(found.values())


def _letter(log: Log, partition: int, offset: int, value: bytes | None) -> dict[str, Any]:
    """What a record of dead letters says; of one that cannot be understood, that."""
    try:
        letter: dict[str, Any] = records.decode("dead-letter", value)
    except Undecodable as error:
        place = {"topic": topic_name(LETTERS, log.settings.ledger), "partition": partition, "offset": offset}
        return {**place, "reason": str(error), "at": 0, "key": None, "value": (value or b"")[:CAP]}
    return letter
