"""How far each consumer group is behind the end of what it reads."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """One group: how many records wait for it, and whether anybody reads them.

    Attributes:
        group: its id.
        records: not yet committed, over all its partitions.
        members: how many read now.
    """

    group: str
    records: int
    members: int


def lags(admin: Any, timeout: float) -> list[Lag]:
    """The lag of every group at the brokers, by name."""
    listed = admin.list_consumer_groups(request_timeout=timeout).result(timeout)
    names = sorted(group.group_id for group in listed.valid)
    if not names:
        return []
    described = admin.describe_consumer_groups(names, request_timeout=timeout)
    return [
        Lag(group=name, records=_behind(admin, name, timeout), members=len(future.result(timeout).members))
        for name, future in described.items()
    ]


def is_tracked(admin: Any, ledger: str, timeout: float) -> bool:
    """Does a tracker read a ledger now."""
    return any(lag.group.endswith(f"tracker-{ledger}") and lag.members for lag in lags(admin, timeout))


def _behind(admin: Any, group: str, timeout: float) -> int:
    """Ends less commits of a group's partitions."""
    from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition  # noqa: PLC0415
    from confluent_kafka.admin import OffsetSpec  # type: ignore[attr-defined]  # noqa: PLC0415

    asked = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)], request_timeout=timeout)
    committed = {(at.topic, at.partition): at.offset for at in asked[group].result(timeout).topic_partitions}
    end = OffsetSpec.latest()  # type: ignore[no-untyped-call]
    latest = {TopicPartition(*place): end for place in committed}
    ends = admin.list_offsets(latest, request_timeout=timeout) if latest else {}
    return sum(
        max(0, future.result(timeout).offset - max(0, committed[place.topic, place.partition]))
        for place, future in ends.items()
    )
