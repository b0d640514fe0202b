"""The topics, from the files that describe them: schemas/topics/NAME.yaml.

Rules:
- A ledger other than main has its own topics, named LEDGER-NAME.
- The number of partitions of a ledger is fixed for its life: creating checks what is there.
- All topics are made before anything starts: a Faust worker ignores topics that come later.
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import yaml
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from streams.core.errors import Misuse, Unavailable
from streams.settings import Settings

TIMEOUT = 30.0
"""Seconds for one request to the brokers."""

_DAY = 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One topic as its file describes it.

    Attributes:
        name: without the ledger.
        what: it holds.
        key: of its records.
        producers: who writes.
        consumers: who reads.
        schema: name of its values' schema; None for columnar segments.
        partitions: their number, or None where the ledger decides.
        cleanup: delete or compact.
        retention_days: None: for ever.
    """

    name: str
    what: str
    key: str
    producers: str
    consumers: str
    schema: str | None
    partitions: int | None
    cleanup: str
    retention_days: int | None


@cache
def all_topics() -> dict[str, Topic]:
    """Every topic there is, by name."""
    topics = {}
    for file in sorted((files("schemas") / "topics").iterdir(), key=lambda file: file.name):
        name, _, kind = file.name.rpartition(".")
        if kind == "yaml":
            fields = yaml.safe_load(file.read_text(encoding="utf-8"))
            fields["partitions"] = None if fields["partitions"] == "ledger" else fields["partitions"]
            topics[name] = Topic(name=name, **fields)
    return topics


def topic_name(name: str, ledger: str) -> str:
    """The name of a ledger's topic at the brokers."""
    if name not in all_topics():
        raise ValueError(f"no topic {name!r}")
    return name if ledger == "main" else f"{ledger}-{name}"


def create(settings: Settings) -> list[str]:
    """Make the topics of a ledger that are missing; returns their names.

    Raises:
        Misuse: a topic has another number of partitions than the settings say.
        Unavailable: the brokers do not answer, or refuse.
    """
    admin = AdminClient({**settings.kafka_client()})
    there = partition_counts(admin)
    wanted = {topic_name(topic.name, settings.ledger): topic for topic in all_topics().values()}
    for name, topic in wanted.items():
        expected = topic.partitions or settings.partitions
        if there.get(name, expected) != expected:
            raise Misuse(
                f"Topic {name} has {there[name]} partitions, not {expected}: the number is fixed for a ledger's life.",
                hint=f"set CUSTODY_PARTITIONS={there[name]}, or choose another ledger",
            )
    missing = [_new(name, topic, settings) for name, topic in wanted.items() if name not in there]
    try:
        for future in (admin.create_topics(missing, request_timeout=TIMEOUT) if missing else {}).values():
            future.result()
    except KafkaException as error:
        raise Unavailable(f"Kafka did not create the topics: {error.args[0].str()}") from error
    return [new.topic for new in missing]


def partition_counts(admin: AdminClient) -> dict[str, int]:
    """How many partitions each topic at the brokers has.

    Raises:
        Unavailable: the brokers do not answer.
    """
    try:
        return {name: len(topic.partitions) for name, topic in admin.list_topics(timeout=TIMEOUT).topics.items()}
    except KafkaException as error:
        raise Unavailable(f"Kafka does not answer: {error.args[0].str()}") from error


def _new(name: str, topic: Topic, settings: Settings) -> NewTopic:
    retention = -1 if topic.retention_days is None else topic.retention_days * _DAY
    config = {
        "cleanup.policy": topic.cleanup,
        "retention.ms": str(retention),
        "min.insync.replicas": str(settings.min_insync_replicas),
        "message.timestamp.type": "LogAppendTime",  # retention counts from writing, or it would delete an import
    }
    return NewTopic(name, topic.partitions or settings.partitions, settings.replication_factor, config=config)
