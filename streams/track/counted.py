"""What was told of queues before, by whoever had a partition: who reads it from the beginning knows of none of it.

Rules:
- Of two counts of a queue the one of the later tick counts, wherever it stands in the topic.
"""

import logging
from collections.abc import Collection
from dataclasses import dataclass, field

from streams.core.clock import BEGINNING
from streams.core.errors import Undecodable
from streams.kafka import progress
from streams.kafka.names import QUEUES
from streams.kafka.ports import Log
from streams.wire import records as wire

log = logging.getLogger(__name__)

Name = tuple[str, str]
"""Host and next hop."""


@dataclass(slots=True)
class Counted:
    """What was told of the queues of one partition.

    Attributes:
        through: the latest tick at which they were counted.
        owing: those that owed something when they were counted last.
    """

    through: int = BEGINNING
    owing: set[Name] = field(default_factory=set)


def counted_before(records: Log, partitions: Collection[int]) -> dict[int, Counted]:
    """What was told of the queues of some partitions; what cannot be read is passed over, and said.

    Raises:
        Unavailable: the brokers do not answer.
    """
    found: dict[int, dict[Name, tuple[int, int]]] = {number: {} for number in partitions}
    for batch in records.read_range(QUEUES):
        for offset, value in zip(batch.offsets, batch.values, strict=True):
            try:
                told = progress.plain(wire.decode("queue-state", value))
            except Undecodable as error:
                log.warning("a queue's count was passed over: offset %d: %s", offset, error)
                continue
            if (queues := found.get(told["partition"])) is not None:
                name = told["host"], told["next_hop"]
                if told["at"] >= queues.get(name, (BEGINNING, 0))[0]:
                    queues[name] = told["at"], told["count"]
    return {number: _counted(queues) for number, queues in found.items()}


def _counted(queues: dict[Name, tuple[int, int]]) -> Counted:
    through = max((at for at, _ in queues.values()), default=BEGINNING)
    return Counted(through=through, owing={name for name, (_, count) in queues.items() if count})
