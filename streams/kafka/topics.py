"""The topics, from the files that describe them: schemas/topics/NAME.yaml.

Rules:
- A ledger other than main has its own topics, named LEDGER-NAME.
- The number of partitions of a ledger is fixed for its life: creating checks what is there, and so does who is about to
  write an event.
- The brokers compact closed segments only, and by themselves close one after 7 days or 1 GiB. Who reads a compacted
  topic reads all of it, so its segments are small, and close soon where a key is written again and again.
- All topics are made, and seen by the brokers, before anything starts: a Faust worker ignores topics that come later.
  Only missing ones are made, so that a user who may make none works with those that are there.
"""

import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Literal

import msgspec
import yaml
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from streams.core.errors import CustodyError, Misuse, NoTopic, Unavailable, no_ledger
from streams.settings import Settings

TIMEOUT = 30.0
"""Seconds for one request to the brokers."""

SEGMENT = 64 << 20
"""Bytes of a compacted topic's segment at most."""

DIRTY = 0.5
"""How much of its closed segments may be older values: what is read is twice what counts, at most."""

_PROGRESS = "-progress"
"""What a ledger's topic is named with that it has from its first record on; main's has no hyphen."""

_UNSEEN = "custody topics --create, as who may; where it is there, this user may not see it: infra/rights.md"
"""What to do about a topic that is missing, and that we may not make."""

_DAY, _MINUTE = 86_400_000, 60_000
_POLL = 0.05


class Topic(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
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
        segment_minutes: after which a segment closes; of a compacted topic, and only of one.
    """

    name: str
    what: str
    key: str
    producers: str
    consumers: str
    schema: str | None
    partitions: int | None
    cleanup: Literal["delete", "compact"]
    retention_days: int | None
    segment_minutes: Annotated[int, msgspec.Meta(ge=1)] | None = None

    def __post_init__(self) -> None:
        """Refuse a compacted topic of which nobody says when it is, and one that is not and says so."""
        if (self.cleanup == "compact") != (self.segment_minutes is not None):
            raise ValueError("segment_minutes belongs to every compacted topic, and to no other")


CHANGELOG = Topic(
    name="changelog",
    what="What changed in a table of Faust.",
    key="of the table",
    producers="a worker",
    consumers="the same worker, when it starts",
    schema=None,
    partitions=1,
    cleanup="compact",
    retention_days=None,
    segment_minutes=60,
)


@cache
def all_topics() -> dict[str, Topic]:
    """Every topic there is, by name.

    Raises:
        Misuse: a file has a key too many, one too few, or a value that cannot be.
    """
    found = {}
    for file in sorted((files("schemas") / "topics").iterdir(), key=lambda file: file.name):
        name, _, kind = file.name.rpartition(".")
        if kind == "yaml":
            found[name] = read(name, file.read_text(encoding="utf-8"))
    return found


def read(name: str, text: str) -> Topic:
    """A topic as its file's text describes it.

    Raises:
        Misuse: the text has a key too many, one too few, or a value that cannot be.
    """
    try:
        fields: dict[str, Any] = yaml.safe_load(text)
        if fields.get("partitions") == "ledger":
            fields["partitions"] = None
        return msgspec.convert({"name": name, **fields}, Topic)
    except (yaml.YAMLError, msgspec.ValidationError, AttributeError, TypeError) as error:
        raise Misuse(f"The topic file {name}.yaml is wrong: {error}") from error


def topic_name(name: str, ledger: str) -> str:
    """The name of a ledger's topic at the brokers."""
    if name not in all_topics():
        raise ValueError(f"no topic {name!r}")
    return name if ledger == "main" else f"{ledger}-{name}"


def partitions(topic: Topic, settings: Settings) -> int:
    """How many partitions a topic of a ledger has."""
    return settings.partitions if topic.partitions is None else topic.partitions


def create(settings: Settings) -> list[str]:
    """Make the topics of a ledger that are missing, and wait until the brokers see them; returns their names.

    Raises:
        Misuse: a topic has another number of partitions than the settings say.
        Unavailable: the brokers do not answer, or refuse.
    """
    return _make(settings, _of_ledger(settings))


def check(settings: Settings) -> None:
    """Compare the topics of a ledger that are there with the settings; nothing is made.

    Raises:
        Misuse: a topic has another number of partitions than the settings say.
        Unavailable: the brokers do not answer.
    """
    _check(_of_ledger(settings), partition_counts(AdminClient({**settings.kafka_client()})), settings)


def there(settings: Settings) -> set[str]:
    """The topics of a ledger that are at the brokers.

    Raises:
        Misuse: none is: there is no such ledger.
        Unavailable: the brokers do not answer.
    """
    return own(settings, partition_counts(AdminClient({**settings.kafka_client()})))


def own(settings: Settings, names: Collection[str]) -> set[str]:
    """Of some topics at the brokers, those of a ledger.

    Raises:
        Misuse: none is: there is no such ledger.
    """
    found = _of_ledger(settings).keys() & names
    if not found:
        raise no_ledger(settings.ledger, ledgers(names))
    return found


@contextmanager
def known(settings: Settings) -> Iterator[None]:
    """Read of a ledger: where a topic of it is missing, it is said if the whole ledger is.

    Raises:
        Misuse: there is no such ledger.
    """
    try:
        yield
    except NoTopic:
        there(settings)
        raise


def ledgers(names: Iterable[str]) -> list[str]:
    """The ledgers that some topics at the brokers are of."""
    found = {name.removesuffix(_PROGRESS) for name in names if name == _PROGRESS[1:] or name.endswith(_PROGRESS)}
    return sorted("main" if name == _PROGRESS[1:] else name for name in found)


def create_changelog(settings: Settings, name: str) -> list[str]:
    """Make the changelog of a Faust table of one partition, and wait until the brokers see it.

    Faust would make it, too, but does not wait: where its consumer looks too early the table has no partition until the
    worker's end, and refuses every write.

    Raises:
        Misuse: it has more partitions.
        Unavailable: the brokers do not answer, or refuse.
    """
    return _make(settings, {name: CHANGELOG})


def _of_ledger(settings: Settings) -> dict[str, Topic]:
    return {topic_name(topic.name, settings.ledger): topic for topic in all_topics().values()}


def _make(settings: Settings, wanted: dict[str, Topic]) -> list[str]:
    admin = AdminClient({**settings.kafka_client()})
    there = partition_counts(admin)
    _check(wanted, there, settings)
    missing = [_new(name, topic, settings) for name, topic in wanted.items() if name not in there]
    if missing:
        for name, future in admin.create_topics(missing, request_timeout=TIMEOUT).items():
            _done(name, future)
        _check(wanted, _seen(admin, set(wanted)), settings)
    return [new.topic for new in missing]


def answers(settings: Settings, seconds: float) -> bool:
    """Do the brokers answer within so many seconds."""
    try:
        partition_counts(AdminClient({**settings.kafka_client()}), seconds)
    except (CustodyError, KafkaException):  # also where a file of a client that has run for days is gone
        return False
    return True


def partition_counts(admin: AdminClient, timeout: float | None = None) -> dict[str, int]:
    """How many partitions each topic at the brokers has; one that is just being made has none, and is not there yet.

    Raises:
        Unavailable: the brokers do not answer.
    """
    try:
        found = admin.list_topics(timeout=TIMEOUT if timeout is None else timeout).topics
    except KafkaException as error:
        raise Unavailable(f"Kafka does not answer: {error.args[0].str()}") from error
    return {name: len(topic.partitions) for name, topic in found.items() if topic.partitions}


def _check(wanted: dict[str, Topic], there: dict[str, int], settings: Settings) -> None:
    for name, topic in wanted.items():
        expected = partitions(topic, settings)
        if there.get(name, expected) != expected:
            raise Misuse(
                f"Topic {name} has {there[name]} partitions, not {expected}: the number is fixed for a ledger's life.",
                hint=f"set CUSTODY_PARTITIONS={there[name]}, or choose another ledger",
            )


def _new(name: str, topic: Topic, settings: Settings) -> NewTopic:
    retention = -1 if topic.retention_days is None else topic.retention_days * _DAY
    config = {
        **_compaction(topic),
        "cleanup.policy": topic.cleanup,
        "retention.ms": str(retention),
        "min.insync.replicas": str(settings.min_insync_replicas),
        "message.timestamp.type": "LogAppendTime",  # retention counts from writing, or it would delete an import
    }
    return NewTopic(name, partitions(topic, settings), settings.replication_factor, config=config)


def _compaction(topic: Topic) -> dict[str, str]:
    if topic.segment_minutes is None:
        return {}
    return {
        "segment.ms": str(topic.segment_minutes * _MINUTE),
        "delete.retention.ms": str(topic.segment_minutes * _MINUTE),  # tombstones: the broker keeps them for a day
        "segment.bytes": str(SEGMENT),
        "min.cleanable.dirty.ratio": str(DIRTY),
    }


def _done(name: str, future: Any) -> None:
    try:
        future.result()
    except KafkaException as error:
        code = error.args[0].code()
        if code != KafkaError.TOPIC_ALREADY_EXISTS:  # another process was faster: as good
            hint = _UNSEEN if code == KafkaError.TOPIC_AUTHORIZATION_FAILED else ""
            raise Unavailable(f"Kafka did not create the topic {name}: {error.args[0].str()}", hint=hint) from error


def _seen(admin: AdminClient, wanted: set[str]) -> dict[str, int]:
    """The topics at the brokers, once all wanted are among them."""
    deadline = time.monotonic() + TIMEOUT
    while True:
        there = partition_counts(admin)
        unseen = sorted(name for name in wanted if name not in there)
        if not unseen:
            return there
        if time.monotonic() > deadline:
            raise Unavailable(f"Kafka created topics and does not show them: {', '.join(unseen)}")
        time.sleep(_POLL)
