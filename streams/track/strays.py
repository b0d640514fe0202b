"""Records that lie in another partition than their key's: a producer that leaves it to its client does that.

Rules:
- They count where they lie, apart from the rest of their message, which no alarm can know; the warehouse joins them. So
  it must be told, or the two say different things in silence.
- A few keys of a batch are looked at: who partitions in another way does so with most of its records.
"""

from streams.core.identity import partition_of
from streams.kafka.ports import Records

LOOKED = 16
"""Keys of a batch that are looked at."""


def stray(records: Records, partitions: int) -> tuple[int, str] | None:
    """Index of a record that lies in another partition than its key's, and what is wrong; None if none was seen."""
    for index in range(0, len(records.keys), max(1, len(records.keys) // LOOKED)):
        key = records.keys[index]
        home = partition_of(key.decode("utf-8", "surrogateescape"), partitions) if key else records.partition
        if home != records.partition:
            return index, f"it lies in another partition than its key's, {home}: it counts apart from its message"
    return None
