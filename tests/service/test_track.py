"""The tracker on the real broker: killed at any moment, it tells what one undisturbed run tells."""

import random
import time
from pathlib import Path

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from streams.collect import importing
from streams.collect.sources import read as declaration
from streams.core.clock import Tick
from streams.core.terms import SECOND
from streams.kafka import topics
from streams.kafka.ports import Records
from streams.kafka.ranges import read_range
from streams.kafka.writer import Writer
from streams.settings import Settings
from streams.track import ticks
from streams.wire import columns
from tests.service import trackers

pytestmark = [pytest.mark.service, pytest.mark.timeout(600)]

DAY = Path("tests/data/day/sources.toml")
KILLS = 10


@pytest.fixture(scope="module")
def day_log(stack: Settings) -> list[Records]:
    """The sample day's events, as the import of its evidence left them in a log."""
    settings = msgspec.structs.replace(stack, ledger="theday")
    job = importing.Import(settings, declaration(DAY), DAY.read_text(encoding="utf-8"))
    for source in job.declaration.sources:
        job.read(source, lambda *_: None)
    job.finish()
    return [batch for batch in read_range(settings, "message-events") if batch.values]


def slices(day_log: list[Records], count: int) -> list[tuple[list[Records], int]]:
    """Records by time, and the end of each slice in microseconds."""
    parts = []
    for batch in day_log:
        read = columns.read(batch.values, batch.keys, ("occurred_at",))
        parts.append((batch, read.frame["occurred_at"].cast(int).to_numpy()))
    first, last = min(int(at.min()) for _, at in parts), max(int(at.max()) for _, at in parts)
    step = (last - first) // count + 1
    cut = []
    for number in range(count):
        start, end = first + number * step, first + (number + 1) * step
        cut.append(([_some(batch, (at >= start) & (at < end)) for batch, at in parts], end))
    return cut


def _some(batch: Records, which: NDArray[np.bool_]) -> Records:
    rows = np.flatnonzero(which).tolist()
    return Records(
        partition=batch.partition,
        values=[batch.values[index] for index in rows],
        keys=[batch.keys[index] for index in rows],
        offsets=rows,
    )


def test_ten_kills_lose_no_alarm(stack: Settings, ledger: str, day_log: list[Records]) -> None:
    """SIGKILL at ten random moments while events and ticks flow: the same alarms, ids and times."""
    chance = random.Random(20261123)  # noqa: S311 - moments, not secrets
    killed, calm = (msgspec.structs.replace(stack, ledger=name) for name in (ledger, f"{ledger}calm"))
    for settings in (killed, calm):
        topics.create(settings)
    cut = slices(day_log, KILLS + 1)
    clock = Writer(killed), Writer(calm)
    for number, (batches, end) in enumerate([*cut, ([], cut[-1][1] + 3 * 86_400 * SECOND)]):
        trackers.write(calm, batches)
        ticks.write(clock[1], Tick(through=end))
        with trackers.running(killed) as process:
            trackers.write(killed, batches)
            time.sleep(chance.uniform(0.8, 2.5))
            ticks.write(clock[0], Tick(through=end))
            if number < KILLS:
                time.sleep(chance.uniform(0, 1.5))
            else:
                trackers.wait_until_committed(killed, process)
    trackers.followed(calm)
    told = trackers.alerts(killed)
    assert told == trackers.alerts(calm)
    assert len(told) > 3
    assert all(len(times) == 1 for times in told.values())
    for batches, _ in cut:
        trackers.write(killed, batches)
    ticks.write(clock[0], Tick(through=cut[-1][1] + 4 * 86_400 * SECOND))
    trackers.followed(killed)
    assert trackers.alerts(killed) == told
