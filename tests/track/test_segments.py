"""State kept in pieces and put together again is the state, and tells what the undisturbed one tells."""

from copy import deepcopy
from hashlib import blake2b
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.core.events import MessageEvent
from streams.core.lattice import Join, Table
from streams.track import segments
from streams.track.part import Part
from tests.core.test_laws import state
from tests.kafka.memory import LARGEST
from tests.track.logs import apart, cuts, empty, logs, records


class Kept:
    """The snapshots of one partition, as the topic has them."""

    def __init__(self) -> None:
        """Nothing is kept yet."""
        self.raw: list[bytes] = []
        self.heap = self.learned = self.offset = 0
        self.clock = empty().clock

    def keep(self, part: Part, *, anew: bool) -> None:
        """Write what changed, or everything."""
        made = list(segments.whole(part) if anew else segments.changed(part, self.heap, self.learned))
        self.raw = made if anew else self.raw + made
        self.heap, self.learned = len(part.custody.names), len(part.custody.names.learned())
        self.clock = deepcopy(part.clock)
        self.offset = part.offset

    def recovered(self) -> Part:
        """What a new worker makes of it."""
        part = empty()
        segments.apply(part, self.raw)
        part.clock, part.offset = deepcopy(self.clock), self.offset
        part.alarms.recall(part.custody, part.clock)
        return part


@settings(max_examples=200, deadline=None)
@given(logs, st.data())
def test_state_that_was_kept_comes_back(events: list[MessageEvent], data: Any) -> None:
    """Segments of what changed, or of everything, give the state back: custody, names and what was told."""
    part, kept = empty(), Kept()
    for start, end in data.draw(cuts(events)):
        part.take(records(events, start, end))
        kept.keep(part, anew=data.draw(st.integers(0, 3)) == 0)
        back = kept.recovered()
        assert state(back.custody) == state(part.custody)
        assert back.custody.names.tail(0) == part.custody.names.tail(0)
        for name in segments.TABLES:
            mine, its = getattr(part.custody, name), getattr(back.custody, name)
            assert all((mine[column] == its[column]).all() for column in mine.columns)
    for (key, rows, states), its in zip(part.alarms.all_told(), back.alarms.all_told(), strict=True):
        assert (key, rows.tolist(), states.tolist()) == (its[0], its[1].tolist(), its[2].tolist())


@settings(max_examples=500, deadline=None)
@given(logs, st.data())
def test_a_worker_that_dies_anywhere_loses_no_alarm(events: list[MessageEvent], data: Any) -> None:
    """Killed between any two batches and restarted from what was kept, it tells what one undisturbed run tells."""
    once = empty().take(records(events, 0, len(events))).alerts
    part, kept, said, deaths = empty(), Kept(), [], data.draw(st.integers(0, 4))
    while part.offset < len(events):
        end = part.offset + data.draw(st.integers(1, len(events)))
        said += part.take(records(events, part.offset, end)).alerts
        if data.draw(st.booleans()):
            kept.keep(part, anew=data.draw(st.booleans()))
        if deaths and part.offset < len(events) and data.draw(st.booleans()):
            part, deaths = kept.recovered(), deaths - 1
    assert apart(said, once) == set()


@pytest.mark.parametrize("name", segments.TABLES)
def test_rows_stay_under_the_brokers_limit(name: str) -> None:
    """Rows of any table come back from records under 1 MB, however badly they pack."""
    drawn, count = np.random.default_rng(1), 2 * segments.ROWS
    part, back = empty(), empty()
    table: Table = getattr(part.custody, name)
    keys = [drawn.integers(1 << 62, size=count, dtype=np.uint64) for _ in range(table.index.width)]
    values = {
        column: drawn.integers(1 if of.join is Join.PLAIN else np.iinfo(of.dtype).max, size=count, dtype=of.dtype)
        for column, of in table.columns.items()
    }
    part.custody.names.extend(b"one\0")  # rows point to it
    table.restore(np.arange(count), keys, values)
    part.custody.chains.extend(len(part.custody.legs))
    made = list(segments.whole(part))
    assert max(map(len, made)) < LARGEST
    segments.apply(back, made, segments.rows_of(part))
    its: Table = getattr(back.custody, name)
    assert all((its[column] == value).all() for column, value in values.items())


HOPS = [blake2b(number.to_bytes(4, "big"), digest_size=16).hexdigest() for number in range(40_000)]


def test_texts_of_any_number_stay_under_the_brokers_limit() -> None:
    """Next hops are many where mail goes to everybody; they come back, kept at once or bit by bit."""
    part = empty()
    part.custody.names.intern(HOPS)
    for made in (list(segments.changed(part, 0, 0)), list(segments.whole(part))):
        assert max(map(len, made)) < LARGEST
        back = empty()
        segments.apply(back, made)
        assert back.custody.names.learned() == part.custody.names.learned()


def test_lists_of_any_length_stay_under_the_brokers_limit() -> None:
    """Queues, spans and what closed: what came and what went is kept, and nothing else."""
    before = segments.Lists(
        spans={("source-silent", hop, 1, 2) for hop in HOPS},
        queues={("origin", hop) for hop in HOPS},
        closed={(hop, 1, 2) for hop in HOPS},
    )
    now = segments.Lists(spans=before.spans, queues={("origin", "one"), *list(before.queues)[9:]})
    first, then = list(segments.listed(before, segments.Lists())), list(segments.listed(now, before))
    assert max(map(len, first + then)) < LARGEST
    assert segments.apply(empty(), first) == before
    assert segments.apply(empty(), first + then) == now
    assert list(segments.listed(now, now)) == []
