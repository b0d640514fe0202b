"""A simulated world in the ledger of a running stack: its events, its ticks, and what the workers made of them.

Rules:
- The world's ticks are written as they are, since the log carries its own clock: no source is declared, so the stack's
  clock writer has nothing to wait for and stays silent.
- The ledger's terms become those of the world before its first event; workers start again with them.
"""

import time
from collections.abc import Callable, Iterable, Sequence

from streams.core.errors import Misuse
from streams.core.events import MessageEvent
from streams.core.terms import Terms
from streams.kafka import progress, topics
from streams.kafka.broker import KafkaLog
from streams.kafka.names import EVENTS, PROGRESS
from streams.kafka.terms import TERMS
from streams.kafka.writer import EventWriter, write_all
from streams.settings import Settings
from streams.simulate.check import Verdict
from streams.simulate.reading import Beat
from streams.simulate.tracking import Told
from streams.track import ticks
from streams.track.replay import live

FLUSH_EVERY = 10
"""Ticks between two waits for acknowledgement: a reader gets them in such portions, and finds what there is at each."""

POLL = 1.0


def prepare(settings: Settings, text: str, terms: Terms) -> None:
    """Make a ledger ready for a world.

    Args:
        settings: of the ledger.
        text: of the terms, TOML.
        terms: the same.

    Raises:
        Misuse: the ledger holds something already.
        Unavailable: the brokers do not answer.
    """
    topics.create(settings)
    if any(KafkaLog(settings).end_offsets(EVENTS).values()):
        raise Misuse(f"The ledger {settings.ledger} is not empty.", hint="simulate into one of its own: --ledger NAME")
    write_all(settings, PROGRESS, [progress.declared(TERMS, live=False, terms=terms.version, text=text)])


def write(settings: Settings, written: Iterable[Sequence[MessageEvent] | Beat], terms: Terms, told: Told) -> int:
    """Write a world's log into a ledger and wait until all of it is acknowledged; returns the number of events.

    Args:
        settings: of the ledger.
        written: events and ticks in their order; see tracking.log.
        terms: that are in force.
        told: told how far the clock is.

    Raises:
        Unavailable: it was not.
    """
    records = KafkaLog(settings).writer()
    writer, count, beats = EventWriter(records), 0, 0
    for one in written:
        if not isinstance(one, Beat):
            count += writer.write(one)
            continue
        beats += 1
        value = ticks.encoded(one.tick(terms), settings.ledger)
        for partition in range(settings.partitions):
            records.write(EVENTS, b"", value, partition)
        if beats % FLUSH_EVERY == 0:
            records.flush()
            told(one.through)
    records.flush()
    return count


def verdict(settings: Settings, judge: Callable[[list[dict[str, object]]], Verdict], patience: float) -> Verdict:
    """What the live alerts say, once it holds, or nothing more was told for as long as patience lasts.

    Args:
        settings: of the ledger.
        judge: of all alert records so far.
        patience: seconds.
    """
    deadline, count = time.monotonic() + patience, 0
    while True:
        found = live(KafkaLog(settings))
        if len(found) != count:
            deadline, count = time.monotonic() + patience, len(found)
        judged = judge([found[key] for key in sorted(found, key=lambda key: key[1], reverse=True)])
        if judged.holds or time.monotonic() > deadline:
            return judged
        time.sleep(POLL)
