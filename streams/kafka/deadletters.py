"""What could not be understood goes to a topic of its own, with its place and reason; the rest goes on."""

import time
from collections import deque

from streams.core.errors import Undecodable
from streams.kafka import registry
from streams.kafka.ports import RecordWriter
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
        self._writer.write("message-events-dlq", place, records.encode("dead-letter", letter))

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
