"""Batches as columns: fast, and never other than record by record."""

from typing import Any

import msgspec
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.core.errors import Undecodable
from streams.core.events import MessageEvent
from streams.core.facts import COLUMNS
from streams.wire import columns, envelope
from streams.wire.schemas import header
from tests.wire.envelopes import events

Record = tuple[bytes | None, bytes | None]
ALL = tuple(field.name for field in msgspec.structs.fields(MessageEvent))


@st.composite
def a_record(draw: st.DrawFn) -> Record:
    """Value and key of a record: good, cut, foreign, of another schema, or under another key."""
    event = draw(events)
    value, key = envelope.encode(event), event.message_key.encode()
    match draw(st.integers(0, 10)):
        case 0:
            return value[: draw(st.integers(0, len(value) - 1))], key
        case 1:
            return draw(st.none() | st.binary(max_size=40)), key
        case 2:
            return b"\0\0\0\0" + bytes((draw(st.integers(2, 99)),)) + value[5:], key
        case 3:
            return value, draw(st.none() | st.binary(max_size=4))
        case 4:
            return header("message-event") + draw(st.binary(max_size=80)), key
        case _:
            return value, key


def one_by_one(records: list[Record]) -> dict[int, MessageEvent]:
    """The good records, each decoded on its own."""
    good = {}
    for index, (value, key) in enumerate(records):
        try:
            event = envelope.decode(value)
        except Undecodable:
            continue
        if event.message_key.encode() == (key or b"") and len(event.event_id) == len(event.leg) == 16:
            good[index] = event
    return good


def rows(frame: pl.DataFrame) -> list[tuple[object, ...]]:
    """Rows with times as microseconds."""
    return frame.with_columns(
        pl.col("occurred_at").cast(pl.Int64), pl.col("observed_at").cast(pl.Int64), pl.col("kind").cast(pl.String)
    ).rows()


def row(event: MessageEvent) -> tuple[object, ...]:
    """An event as a row of the frame."""
    fields = msgspec.structs.asdict(event) | {
        "kind": event.kind.value.replace("-", "_"),
        "attributes": list(event.attributes),
        "traffic": event.traffic.value if event.traffic else None,
    }
    return tuple(fields[name] for name in ALL)


@settings(max_examples=500, deadline=None)
@given(st.lists(a_record(), max_size=12))
def test_a_batch_is_what_its_records_are_one_by_one(records: list[Record]) -> None:
    """Any mix of good and bad records gives the good ones, and each bad one with its place and a reason."""
    values, keys = [value for value, _ in records], [key for _, key in records]
    batch, good = columns.read(values, keys, ALL), one_by_one(records)
    assert batch.positions.tolist() == list(good)
    assert rows(batch.frame) == [row(event) for event in good.values()]
    assert [index for index, _ in batch.bad] == [index for index in range(len(records)) if index not in good]
    assert all(reason for _, reason in batch.bad)


@settings(max_examples=200, deadline=None)
@given(st.lists(events, min_size=1, max_size=6), st.data())
def test_a_damaged_record_does_not_touch_its_neighbours(sound: list[MessageEvent], data: Any) -> None:
    """Whatever becomes of a damaged record, the others are as they were."""
    values: list[bytes | None] = [envelope.encode(event) for event in sound]
    hurt = data.draw(st.integers(0, len(sound) - 1))
    value = values[hurt] or b""
    place = data.draw(st.integers(0, len(value) - 1))
    values[hurt] = value[:place] + data.draw(st.binary(max_size=2)) + value[place + 1 :]
    batch = columns.read(values, [event.message_key.encode() for event in sound], ALL)
    found = dict(zip(batch.positions.tolist(), rows(batch.frame), strict=True))
    assert all(found[index] == row(event) for index, event in enumerate(sound) if index != hurt)


def test_no_records_are_an_empty_frame() -> None:
    """An empty batch has its columns and no row."""
    batch = columns.read([], [], COLUMNS)
    assert batch.frame.columns == list(COLUMNS)
    assert not len(batch.frame)
    assert not batch.bad
