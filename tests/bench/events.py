"""The events that are measured with, in the real envelope.

- Whole journeys have ten events each (two entries, a store, a report, a read), in two orders: those of a message side
  by side, and in stage order (all submissions first).
- Open units have three (a submission, the next queue, the store's session) and no report: many of them are made by
  putting numbers and hashes of one length into events that were encoded once.
"""

from collections.abc import Iterator, Sequence
from functools import cache

import msgspec

from streams.core.clock import Tick
from streams.core.events import MessageEvent
from streams.core.identity import leg_of, partition_of, session_leg
from streams.core.terms import SECOND, Terms
from streams.kafka import topics
from streams.kafka.ports import Records
from streams.kafka.writer import Writer
from streams.settings import Settings
from streams.track import ticks
from streams.track.tracker import BATCH
from streams.wire import envelope
from tests.core.journeys import TERMS as _TEXT
from tests.core.journeys import journey, reported, sent, stored, submitted

TERMS = Terms.parse(_TEXT)
ORDERS = ("side by side", "stage order")
TO = "bob@dest.test"

Framed = tuple[bytes, bytes]
"""Key and value."""


def journeys(count: int, start: float = 0, name: str = "") -> list[list[MessageEvent]]:
    """Whole journeys, a thousand a second."""
    return [
        journey(start + number * 0.001, f"{name}{number}", key=f"m{name}{number}@origin.test")
        for number in range(count)
    ]


def framed(event: MessageEvent) -> Framed:
    """An event as its record has it."""
    return event.message_key.encode(), envelope.encode(event)


def in_orders(made: Sequence[Sequence[MessageEvent]]) -> dict[str, list[Framed]]:
    """The records of some journeys, side by side and in stage order."""
    some = [[framed(event) for event in one] for one in made]
    side = [one for events in some for one in events]
    return dict(zip(ORDERS, (side, [one for stage in zip(*some, strict=True) for one in stage]), strict=True))


def batches(records: Sequence[Framed], count: int = BATCH) -> Iterator[Records]:
    """Records of partition 0, so many at a time."""
    for start in range(0, len(records), count):
        some = records[start : start + count]
        keys, values = [key for key, _ in some], [value for _, value in some]
        yield Records(partition=0, values=[*values], keys=[*keys], offsets=list(range(start, start + len(some))))


def tick(through: float) -> Framed:
    """A tick, at a second."""
    return ticks.TICK, ticks.encoded(Tick(through=round(through * SECOND)), "bench")


def written(stack: Settings, ledger: str, records: Sequence[Framed], *ended: float) -> Settings:
    """A ledger whose log has these records, and a tick at each of some seconds."""
    settings = msgspec.structs.replace(stack, ledger=ledger)
    topics.create(settings)
    writer = Writer(settings)
    for key, value in records:
        writer.write("message-events", key, value, partition_of(key.decode(), settings.partitions))
    writer.flush()
    for second in ended:
        ticks.write(writer, Tick(through=round(second * SECOND)))
    return settings


# Open units

_NUMBER = "00000000"
_KEY = f"m{_NUMBER}@origin.test"


def opened(number: int, at: float = 0, *, is_late: bool = False) -> list[Framed]:
    """The three records of one open unit; one that is late is due ten seconds after it was submitted."""
    return _filled(_unit(at, is_late=is_late), number)


def proof(number: int, at: float) -> list[Framed]:
    """The report that settles it."""
    return _filled(_report(at), number)


def submission(number: int, at: float, *, is_late: bool = False) -> list[Framed]:
    """Only its submission."""
    return _filled(_unit(at, is_late=is_late)[:1], number)


def _filled(templates: Sequence[bytes], number: int) -> list[Framed]:
    name = f"{number:08d}"
    key, hashes = _KEY.encode().replace(_NUMBER.encode(), name.encode()), _hashes(name)
    found = []
    for template in templates:
        value = template.replace(_NUMBER.encode(), name.encode())
        for mark, one in zip(_marks(), hashes, strict=True):
            value = value.replace(mark, one)
        found.append((key, value))
    return found


def _hashes(name: str) -> tuple[bytes, bytes, bytes]:
    """The legs of a unit: at origin, at relay, in the store."""
    key = _KEY.replace(_NUMBER, name)
    return (
        leg_of("origin", f"A{name}", TO, key=key),
        leg_of("relay", f"B{name}", TO, key=key),
        session_leg(f"s{name}"),
    )


@cache
def _marks() -> tuple[bytes, bytes, bytes]:
    return _hashes(_NUMBER)


@cache
def _unit(at: float, *, is_late: bool) -> list[bytes]:
    _, first = submitted(at, f"A{_NUMBER}", key=_KEY, priority=4 if is_late else 0)
    handed = sent(at, ("origin", f"A{_NUMBER}"), ("relay", f"B{_NUMBER}"), key=_KEY)[0]
    stay = stored(at, ("relay", f"B{_NUMBER}"), f"s{_NUMBER}", key=_KEY)[0]
    return [envelope.encode(one) for one in (first, handed, stay)]


@cache
def _report(at: float) -> list[bytes]:
    return [envelope.encode(one) for one in reported(at, ("relay", f"B{_NUMBER}"), key=_KEY)]
