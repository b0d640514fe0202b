"""Batches as columns: fast, and never other than record by record."""

import io
from collections.abc import Iterator
from typing import Any

import fastavro
import msgspec
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.core.errors import Undecodable
from streams.core.events import Kind, MessageEvent
from streams.core.facts import COLUMNS
from streams.wire import bodies, columns, envelope, records, schemas
from streams.wire.schemas import header, ids, schema
from tests.wire.envelopes import events

Record = tuple[bytes | None, bytes | None]
ALL = tuple(field.name for field in msgspec.structs.fields(MessageEvent))


@st.composite
def a_record(draw: st.DrawFn) -> Record:
    """Value and key of a record: good, cut, foreign, of another schema, under another key, or damaged."""
    event = draw(events)
    value, key = envelope.encode(event), event.message_key.encode()
    place = draw(st.integers(5, len(value) - 1))
    damaged: dict[int, Record] = {
        0: (value[: draw(st.integers(0, len(value) - 1))], key),
        1: (draw(st.none() | st.binary(max_size=40)), key),
        2: (b"\0\0\0\0" + bytes((draw(st.integers(2, 99)),)) + value[5:], key),
        3: (value, draw(st.none() | st.binary(max_size=4))),
        4: (header("message-event") + draw(st.binary(max_size=80)), key),
        5: (value[:place] + draw(st.binary(max_size=2)) + value[place + 1 :], key),
    }
    return damaged.get(draw(st.integers(0, 12)), (value, key))


def one_by_one(given_records: list[Record]) -> dict[int, MessageEvent]:
    """The good records, each decoded on its own."""
    good = {}
    for index, (value, key) in enumerate(given_records):
        try:
            event = envelope.decode(value)
        except Undecodable:
            continue
        if event.message_key.encode() == (key or b""):
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
@given(st.lists(a_record(), max_size=10), st.integers(0, 10), st.sampled_from((("seq",), COLUMNS, ("digest",))))
def test_it_does_not_matter_how_records_are_batched_or_what_is_wanted(
    records: list[Record], cut: int, wanted: tuple[str, ...]
) -> None:
    """Any split of a batch, and any columns, take and refuse the same records, so tracker and feed see the same."""
    values, keys = [value for value, _ in records], [key for _, key in records]
    whole, some = columns.read(values, keys, ALL), columns.read(values, keys, wanted)
    parts = [columns.read(values[:cut], keys[:cut], ALL), columns.read(values[cut:], keys[cut:], ALL)]
    found = [*parts[0].positions, *(parts[1].positions + len(values[:cut]))]
    assert whole.positions.tolist() == some.positions.tolist() == found
    assert rows(whole.frame) == [one for part in parts for one in rows(part.frame)]


@settings(max_examples=200, deadline=None)
@given(st.lists(events, max_size=6))
def test_events_in_hand_give_the_columns_that_reading_them_gives(some: list[MessageEvent]) -> None:
    """Without a broker, events become the same columns, of the same types."""
    read = columns.read([envelope.encode(event) for event in some], [event.message_key.encode() for event in some], ALL)
    made = columns.from_events(some, ALL)
    assert made.schema == read.frame.schema
    assert rows(made) == rows(read.frame)


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


def sound(count: int) -> tuple[list[bytes | None], list[bytes | None]]:
    """Values and keys of some narrow events."""
    keys = [f"m{number}@example.org" for number in range(count)]
    some = [
        MessageEvent(
            event_id=bytes(16), kind=Kind.READ, occurred_at=number, observed_at=0, leg=bytes(16), message_key=key
        )
        for number, key in enumerate(keys)
    ]
    return [envelope.encode(event) for event in some], [key.encode() for key in keys]


def test_one_bad_record_among_many_costs_its_piece() -> None:
    """A large batch with a bad record at each end is read piece by piece, and all the rest is there."""
    values, keys = sound(3 * columns.PIECE)
    values[0], values[-1] = b"foreign", values[-1][:-1] if values[-1] else None
    batch = columns.read(values, keys, ("occurred_at",))
    assert [index for index, _ in batch.bad] == [0, len(values) - 1]
    assert batch.positions.tolist() == list(range(1, len(values) - 1))
    assert batch.frame["occurred_at"].cast(pl.Int64).to_list() == batch.positions.tolist()


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"leg": b"short"}, "16 bytes"),
        ({"next_leg": b"short"}, "16 bytes"),
        ({"event_id": b""}, "16 bytes"),
        ({"occurred_at": 10_413_792_000_000_000}, "outside 1900 to 2299"),
        ({"occurred_at": -2_208_988_800_000_001}, "outside 1900 to 2299"),
    ],
)
def test_what_avro_allows_and_an_event_cannot_have(fields: dict[str, Any], reason: str) -> None:
    """Hashes of another length, and times that the engine cannot hold, are refused, in a batch as alone."""
    values, keys = sound(3)
    hurt = msgspec.structs.replace(envelope.decode(values[1]), **fields)
    values[1] = envelope.encode(hurt)
    ((index, said),) = columns.read(values, keys, ("kind",)).bad
    assert index == 1
    assert reason in said
    with pytest.raises(Undecodable, match=reason):
        envelope.decode(values[1])


def test_a_value_under_another_key_is_refused() -> None:
    """The key puts a record into its partition: it must be its message key."""
    values, keys = sound(2)
    keys[1] = b"another"
    assert columns.read(values, keys, ("kind",)).bad == [(1, "its message key is not the key of its record")]


class Older:
    """A version of the envelope from before it had content types and diagnostics, under a number of its own."""

    number = 99
    missing = ("content_type", "diagnostic")

    @classmethod
    def schema(cls, name: str, number: int | None = None) -> dict[str, Any]:
        """The packaged schema, or the older one."""
        ours = schema(name)
        fields = [field for field in ours["fields"] if field["name"] not in cls.missing]
        return {**ours, "fields": fields} if number == cls.number else ours

    @classmethod
    def ids(cls) -> dict[str, list[int]]:
        """Both versions."""
        return {**ids(), "message-event": [cls.number, *ids()["message-event"]]}

    @classmethod
    def value(cls, event: MessageEvent) -> bytes:
        """An event as it was written then."""
        record = msgspec.structs.asdict(event) | {"kind": event.kind.value.replace("-", "_")}
        out = io.BytesIO()
        fastavro.schemaless_writer(out, fastavro.parse_schema(cls.schema("message-event", cls.number)), record)
        return b"\0" + cls.number.to_bytes(4, "big") + out.getvalue()


@pytest.fixture
def older(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Older]]:
    """A ledger that was begun with an older version."""
    caches = (columns._wanted, columns._container, columns._sentinel, bodies._fields, records.parsed, schemas.name_of)
    for module in (columns, bodies, records, schemas):
        monkeypatch.setattr(module, "schema", Older.schema)
    for module in (columns, schemas):
        monkeypatch.setattr(module, "ids", Older.ids)
    for cached in caches:
        cached.cache_clear()
    yield Older
    for cached in caches:
        cached.cache_clear()


def test_what_an_older_version_wrote_is_read(older: type[Older]) -> None:
    """Alone, side by side with newer records, and one by one; what it has not is null."""
    new, keys = sound(4)
    old: list[bytes | None] = [older.value(envelope.decode(value)) for value in new]
    for values in (old, [*old[:2], *new[2:]], [*new[:2], *old[2:]]):
        batch = columns.read(values, keys, ("occurred_at", "diagnostic", "content_type"))
        assert not batch.bad
        assert batch.frame["occurred_at"].cast(pl.Int64).to_list() == [0, 1, 2, 3]
        assert batch.frame["diagnostic"].to_list() == [None] * 4
    assert envelope.decode(old[3]) == envelope.decode(new[3])
