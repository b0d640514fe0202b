"""How fast a replay derives custody and alarms again, its processes' start included, beside the live tracker."""

import time
from collections.abc import Iterator
from functools import partial

from streams.kafka.broker import KafkaLog
from streams.settings import Settings
from streams.track.shares import replayed
from tests.bench.events import TERMS, in_orders, journeys, written
from tests.bench.figure import Figure, alternate
from tests.bench.size import Size, stack
from tests.bench.tracker import Taken


def replay(size: Size) -> Iterator[Figure]:
    """Events a second, in both orders, in as many processes as there are cores."""
    count = size.of(240_000, 2_000)
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
    start = time.perf_counter()
    again = replayed(KafkaLog(settings), TERMS)
    assert again.events >= events
    return events / (time.perf_counter() - start)
