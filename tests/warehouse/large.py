"""A large ledger, made inside the engine: some journeys of messages as the feed would insert them, and many copies.

A copy is the same journeys at a later time and of other messages: message keys and ids, queue ids, hashes of events and
the first halves of legs (which stand for queue entries, sessions and copies) are other ones, one to one, so that what
belongs together still does.
"""

from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np

from streams.core.events import MessageEvent
from streams.core.identity import partition_of
from streams.core.terms import Terms
from streams.settings import Settings
from streams.warehouse.client import connect
from streams.warehouse.derive import derive
from streams.warehouse.migrations import migrate
from streams.warehouse.rows import rows
from streams.wire import envelope
from tests.core.journeys import TERMS, opened, reported, sent, stored, submitted

START = 4_102_444_800
"""2100: evidence that was read long ago is not kept."""

EVERY = 0.5
"""Seconds between messages."""

MANY = 50
"""Each of so many messages is for one busy mailbox."""

LATE, LOST = 97, 499
"""Each of so many has a report that comes late, or none at all."""

BUSY = "ops@dest.test"


def recipient_of(number: int) -> str:
    """Whose a message is."""
    return BUSY if number % MANY == 0 else f"user{number}@dest.test"


def journeys(messages: int) -> Iterator[list[MessageEvent]]:
    """Messages from origin over relay into the store, ten events each; some with a late report, or none, or unread."""
    for number in range(messages):
        at, key, recipient = START + number * EVERY, f"m{number}@origin.test", recipient_of(number)
        first, last, session = ("origin", f"A{number}"), ("relay", f"B{number}"), f"s{number}"
        named: dict[str, Any] = {"key": key, "recipient": recipient}
        yield [
            *submitted(at, first[1], message_id=f"<{key}>", size=4_000 + number % 977, **named),
            *sent(at + 0.5, first, last, **named),
            *stored(at + 1, last, session, **named),
            *([] if number % LOST == 1 else reported(at + (200 if number % LATE == 1 else 2), last, **named)),
            *([] if number % LOST == 2 else opened(at + 3, session, **named)),
        ]


def made(stack: Settings, ledger: str, *, messages: int, copies: int) -> Settings:
    """Settings of a ledger with `messages` times `copies` messages of ten events, derived, with its alerts."""
    settings = msgspec.structs.replace(stack, ledger=ledger)
    migrate(settings)
    client = connect(settings)
    _template(client, messages, settings.partitions)
    for number in range(copies):
        place = {"number": number, "span": round(messages * EVERY), "records": messages * 10 + 1, "start": START}
        client.command(_COPY, parameters=place)
        client.command(_TICKS, parameters=place)
    client.command(_FED)
    derive(client, Terms.parse(TERMS))
    client.command(_ALERTS)
    client.command("DROP TABLE template")
    return settings


def _template(client: Any, messages: int, partitions: int) -> None:
    client.command("CREATE OR REPLACE TABLE template AS event_records ENGINE = MergeTree ORDER BY log_offset")
    parts: dict[int, list[MessageEvent]] = {number: [] for number in range(partitions)}
    for events in journeys(messages):
        parts[partition_of(events[0].message_key, partitions)] += events
    for number, some in parts.items():
        values, keys = [envelope.encode(one) for one in some], [one.message_key.encode() for one in some]
        read = rows(values, keys, number, np.arange(len(some)).tolist(), 0)
        client.insert_arrow("template", read.events)


_COPY = """
INSERT INTO event_records
WITH
    bitShiftLeft(toUInt64({number:UInt32} + 1), 40) AS mark,
    h -> reinterpretAsFixedString(bitXor(reinterpretAsUInt64(substring(h, 1, 8)), mark)) AS half,
    h -> toFixedString(concat(half(h), substring(h, 9, 8)), 16) AS other,
    toString({number:UInt32}) AS name,
    toIntervalSecond({number:UInt32} * {span:UInt32}) AS later
SELECT * REPLACE (
    other(event_id) AS event_id,
    other(leg) AS leg,
    if(next_leg = toFixedString('', 16), next_leg, other(next_leg)) AS next_leg,
    replaceOne(message_key, '@', concat('.', name, '@')) AS message_key,
    replaceOne(message_id, '@', concat('.', name, '@')) AS message_id,
    concat(queue_id, 'c', name) AS queue_id,
    concat(next_queue_id, 'c', name) AS next_queue_id,
    occurred_at + later AS occurred_at,
    observed_at + later AS observed_at,
    greatest(clock, toDateTime64({start:UInt32}, 6, 'UTC')) + later AS clock,
    log_offset + {number:UInt32} * {records:UInt64} AS log_offset,
    18446744073709551614 - log_offset AS version
)
FROM template
"""
"""The clock of a copy is the tick before it: nothing of it is late."""

_TICKS = """
INSERT INTO ticks (log_partition, log_offset, through, silent, behind, terms)
SELECT log_partition, ({number:UInt32} + 1) * {records:UInt64} - 1,
    toDateTime64({start:UInt32} + ({number:UInt32} + 1) * {span:UInt32}, 6, 'UTC'), [], [], 'terms'
FROM (SELECT DISTINCT log_partition FROM template)
"""
"""A tick behind each copy, in every partition."""

_FED = """
INSERT INTO fed (topic, log_partition, turn, after)
SELECT 'message-events', log_partition, 0, max(log_offset) + 1 FROM ticks GROUP BY log_partition
"""

_ALERTS = """
INSERT INTO alert_records
    (alert_id, rule, unit, state, at, due, clock, message_key, host, queue_id, recipient, severity, proven, cause,
    holder_host, holder_queue_id, terms)
SELECT
    toFixedString(substring(SHA256(concat(rule, unit)), 1, 16), 16), rule, unit, state,
    if(state = 'raised', raised_at, assumeNotNull(cleared_at)), due, raised_at, message_key, host, queue_id, recipient,
    if(proven, 'low', 'high'), proven, 'no report', host, queue_id, 'terms'
FROM alarms ARRAY JOIN if(cleared_at IS NULL, ['raised'], ['raised', 'cleared']) AS state
"""
"""What the stream would have told: the two agree, which other tests show."""
