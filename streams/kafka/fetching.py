"""How records are fetched, and what a fetched message is to us."""

import gc
import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from typing import cast

from confluent_kafka import KafkaError, Message

from streams.core.errors import Misuse, NoTopic, Unavailable
from streams.kafka.ports import Records
from streams.kafka.registry import Frames

log = logging.getLogger(__name__)

SAY_EVERY = 30.0
"""Seconds between saying the same again."""

_lately: dict[str, float] = {}

END_OF_PARTITION = KafkaError._PARTITION_EOF  # noqa: SLF001 - the library names its codes so
NOT_THERE = KafkaError._AUTO_OFFSET_RESET  # noqa: SLF001

NOBODY = "custody-none"
"""The group that a client must name which reads without one: brokers are asked for it, and nobody joins it."""

FETCHING = {
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "auto.offset.reset": "earliest",
    "fetch.queue.backoff.ms": 10,
    "fetch.max.bytes": 50_000_000,
    "fetch.message.max.bytes": 8_000_000,
    "queued.max.messages.kbytes": 100_000,
    "check.crcs": True,
}
"""The fetcher sleeps a second after its queue was full by default; 10 ms makes it seven times faster."""

_MISSING = {KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION}  # noqa: SLF001
_FORBIDDEN = {KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED}


@contextmanager
def uncollected() -> Iterator[None]:
    """Without the collector of cycles: a fetch makes many objects at once, none of which is garbage yet.

    It would walk them again and again, which takes a third of the time of a fetch. What is kept of them is bytes, which
    it does not walk; so a fetch is over when the messages are gone.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def failed(messages: Sequence[Message]) -> list[Message]:
    """Those that are no records but errors; few, and looked for once: a fetch is fifty thousand messages."""
    return list(filter(Message.error, messages))


def grouped(messages: Sequence[Message], bad: Sequence[Message], frames: Frames | None = None) -> list[Records]:
    """Messages by partition, in the order of the log; what is no record is looked at and passed over.

    Args:
        messages: as fetched.
        bad: those of them that are no records.
        frames: how ids of schemas come in from a registry; None where packaged ids are written.

    Raises:
        Unavailable: the client is dead, or there is no such topic.
        Misuse: we may not read it.
    """
    for message in bad:
        look(message.error())
    good = [message for message in messages if message.error() is None] if bad else messages
    parts: dict[int, list[Message]] = {}
    for number, run in groupby(good, Message.partition):
        parts.setdefault(number or 0, []).extend(run)
    return [_records(number, part, frames) for number, part in sorted(parts.items())]


def ended(bad: Sequence[Message]) -> set[int]:
    """The partitions whose end was met."""
    return _said(bad, END_OF_PARTITION)


def broken_off(bad: Sequence[Message]) -> set[int]:
    """The partitions that do not hold what was to be read next: retention took it, or the log's tail is lost."""
    return _said(bad, NOT_THERE)


def _said(bad: Sequence[Message], code: int) -> set[int]:
    errors = ((message.partition(), message.error()) for message in bad)
    return {number or 0 for number, error in errors if error is not None and error.code() == code}


def say(error: KafkaError) -> None:
    """What a client has to say that is no message; it tries many times a second: the same is said once in a while."""
    what, _, _ = error.str().partition(" (after ")  # how long it took, and how often, differs each time
    now = time.monotonic()
    if now >= _lately.get(what, -SAY_EVERY) + SAY_EVERY:
        _lately[what] = now
        log.warning("kafka: %s", error.str())


def look(error: KafkaError | None) -> None:
    """What came in place of a message; what passes by itself is only said.

    Raises:
        Unavailable: the client is dead, or there is no such topic.
        Misuse: we may not read it.
    """
    if error is None or error.code() == END_OF_PARTITION:
        return
    if error.code() in _MISSING:
        raise NoTopic(f"Kafka has not the topic: {error.str()}", hint="custody topics --create, with the same --ledger")
    if error.code() in _FORBIDDEN:
        raise Misuse(f"Kafka refuses us: {error.str()}", hint="give this user the right to read topics and groups")
    if is_fatal(error):
        raise Unavailable(f"Kafka put this reader out: {error.str()}")
    say(error)


def is_fatal(error: KafkaError) -> bool:
    """Is the client dead; the callback of errors is told so by the code alone."""
    return error.fatal() or error.code() == KafkaError._FATAL  # noqa: SLF001 - the library names its codes so


def _records(number: int, part: list[Message], frames: Frames | None) -> Records:
    values = list(map(Message.value, part))
    return Records(
        partition=number,
        values=values if frames is None else [frames.inward(value) for value in values],
        keys=list(map(Message.key, part)),
        offsets=cast("list[int]", list(map(Message.offset, part))),  # a record has one
    )
