"""How fast a replay derives custody and alarms again, beside the live tracker on the same log."""

import time
from collections.abc import Iterator
from functools import partial

from streams.kafka.broker import KafkaLog
from streams.settings import Settings
from streams.track.replay import Replay
from tests.bench.events import TERMS, in_orders, journeys, written
from tests.bench.figure import Figure, alternate
from tests.bench.size import Size, stack
from tests.bench.tracker import Taken


def replay(size: Size) -> Iterator[Figure]:
    """Events a second, in both orders, in one process."""
    count = size.of(80_000, 2_000)
    with stack() as started:
        for name, framed in in_orders(journeys(count)).items():
            settings = written(started, f"again{name[:4].strip()}", framed, count * 0.001 + 1000)
            runs, beside = alternate(
                size.rounds, partial(_again, settings, len(framed)), Taken(settings, len(framed)).alone
            )
            yield Figure(
                what=f"replay, {name}", unit="events/s", runs=runs, baseline="the live tracker, one process",
                beside=beside,
            )  # fmt: skip


def _again(settings: Settings, events: int) -> float:
    again, start = Replay(terms=TERMS), time.perf_counter()
    again.run(KafkaLog(settings))
    assert again.events >= events
    return events / (time.perf_counter() - start)
