"""Events to bytes and back, on one core, beside fastavro."""

from collections.abc import Callable, Iterator
from functools import partial

from msgspec.structs import asdict

from streams.core.facts import COLUMNS
from streams.kafka.ports import Records
from streams.wire import columns as wire
from streams.wire import envelope, records
from tests.bench.events import batches, in_orders, journeys
from tests.bench.figure import Figure, alternate, median, rate
from tests.bench.plain import decoded
from tests.bench.size import Size

_NAME = "message-event"


def encode(size: Size) -> Iterator[Figure]:
    """Framed Avro of events, beside fastavro's writer, which is given dictionaries that are made already."""
    events = [event for one in journeys(size.of(10_000, 500)) for event in one]
    plain = [asdict(event) | {"kind": event.kind.value.replace("-", "_")} for event in events]
    yield beside(
        "encode an event", size, (len(events), lambda: [envelope.encode(event) for event in events]),
        "fastavro, of a dictionary", (len(plain), lambda: [records.encode(_NAME, one) for one in plain]),
    )  # fmt: skip


def columns(size: Size) -> Iterator[Figure]:
    """The columns that the tracker reads of a batch, beside fastavro record by record."""
    for name, framed in in_orders(journeys(size.of(20_000, 1_000))).items():
        ours, theirs = list(batches(framed)), [value for _, value in framed[: len(framed) // 8]]
        yield beside(
            f"columns of a batch, {name}", size, (len(framed), partial(_read, ours)),
            "fastavro, record by record", (len(theirs), partial(_decode, theirs)),
        )  # fmt: skip


def _read(made: list[Records]) -> None:
    for one in made:
        wire.read(one.values, one.keys, COLUMNS)


def _decode(values: list[bytes]) -> None:
    for value in values:
        decoded(value)


Work = tuple[int, Callable[[], object]]
"""How many events, and what is done with them."""


def beside(what: str, size: Size, ours: Work, baseline: str, theirs: Work) -> Figure:
    """Events a second of one core, ours and another way's; both in the processor's time."""
    walls: list[float] = []

    def run(work: Work, told: list[float]) -> float:
        spent, wall = rate(*work)
        told.append(wall)
        return spent

    runs, others = alternate(size.rounds, lambda: run(ours, walls), lambda: run(theirs, []))
    note = f"{median(walls):,.0f} a second of wall time"
    return Figure(what=what, unit="events/s CPU", runs=runs, baseline=baseline, beside=others, note=note)
