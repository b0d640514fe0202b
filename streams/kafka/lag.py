"""How far each consumer group is behind the end of what it reads."""

from dataclasses import dataclass
from typing import Any

from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import OffsetSpec  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """One group: how many records wait for it, and whether anybody reads them.

    Attributes:
        group: its id.
        records: not yet committed, over all its partitions.
        committed: records that are, over all its partitions: it grows while the group works.
        members: how many read now.
    """

    group: str
    records: int
    committed: int
    members: int


def lags(admin: Any, timeout: float) -> list[Lag]:
    """The lag of every group at the brokers, by name."""
    listed = admin.list_consumer_groups(request_timeout=timeout).result(timeout)
    names = sorted(group.group_id for group in listed.valid)
    if not names:
        return []
    described = admin.describe_consumer_groups(names, request_timeout=timeout)
    return [
        Lag(group=name, records=behind, committed=committed, members=len(future.result(timeout).members))
        for name, future in described.items()
        for committed, behind in [_counts(admin, name, timeout)]
    ]


def is_tracked(admin: Any, ledger: str, timeout: float) -> bool:
    """Does a tracker read a ledger now."""
    return any(lag.group.endswith(f"tracker-{ledger}") and lag.members for lag in lags(admin, timeout))


def _counts(admin: Any, group: str, timeout: float) -> tuple[int, int]:
    """What a group committed, and the ends of its partitions less that."""
    asked = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)], request_timeout=timeout)
    places = asked[group].result(timeout).topic_partitions
    committed = {(at.topic, at.partition): max(0, at.offset) for at in places}
    end = OffsetSpec.latest()  # type: ignore[no-untyped-call]
    latest = {TopicPartition(*place): end for place in committed}
    ends = admin.list_offsets(latest, request_timeout=timeout) if latest else {}
    behind = sum(
        max(0, future.result(timeout).offset - committed[place.topic, place.partition])
        for place, future in ends.items()
    )
    return sum(committed.values()), behind
