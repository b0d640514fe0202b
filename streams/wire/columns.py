"""A batch of framed events to columns, without a Python object for each.

Rules:
- Values are laid end to end, frames and all, behind one Avro object-container header and read as one block (polars):
  the five bytes of the frame are five small numbers of a schema of our own, and mark where each record begins. This is
  fast, but a damaged record usually fails the whole block, and may silently change its neighbour.
- So a block counts only if every decoded message key equals the key of its Kafka record, every frame, hash, kind, class
  of traffic and time is one that can be, and a sentinel behind the last record is read as it was written.
- On any doubt the batch is read in small pieces, and the records of a piece in doubt one by one; what is broken is told
  apart with its reason. One by one takes and refuses what a block does, so it does not matter how records are batched,
  or which columns are wanted: every text is read and checked, since what is not read is not looked at.
- A block has one writer's schema; the columns that an older version has not are null. The reader knows no numeric
  defaults (it refuses the schema), so a field that is added later is nullable.
"""

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import fastavro
import numpy as np
import polars as pl
from msgspec.structs import asdict
from numpy.typing import NDArray

from streams.core.errors import Undecodable
from streams.core.events import Kind, MessageEvent, Traffic
from streams.core.facts import frame_of
from streams.wire import envelope
from streams.wire.envelope import FIRST, HASH_WIDTH, LAST
from streams.wire.longs import zigzag
from streams.wire.records import parsed
from streams.wire.schemas import FRAME, MAGIC, id_of, ids, schema

PIECE = 512
"""Records that are read together where a batch is in doubt."""

_NAME = "message-event"
_SYNC = bytes(range(16))
_FRAME = ("frame0", "frame1", "frame2", "frame3", "frame4")
_TRAFFIC = [traffic.value for traffic in Traffic]
_KEY = "\0end"
_END = MessageEvent(event_id=_SYNC, kind=Kind.TICK, occurred_at=0, observed_at=0, leg=_SYNC, message_key=_KEY)

_Values = Sequence[bytes | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What could be read of some records.

    Attributes:
        frame: the wanted columns, one row a good record.
        positions: index of each row among the records given, shape (rows,).
        bad: index and reason of each record that could not be understood.
    """

    frame: pl.DataFrame
    positions: NDArray[np.int64]
    bad: list[tuple[int, str]]


def read(values: _Values, keys: _Values, columns: Sequence[str]) -> Batch:
    """Columns of some framed events.

    Args:
        values: as in Kafka.
        keys: the records' keys, UTF-8 of the message key; a tick's may be None.
        columns: names of envelope columns.
    """
    frame = _block(values, keys, columns)
    if frame is not None:
        return Batch(frame=frame, positions=np.arange(len(values)), bad=[])
    return _pieces(values, keys, columns)


def _pieces(values: _Values, keys: _Values, columns: Sequence[str]) -> Batch:
    """Read piece by piece, and the pieces in doubt one by one."""
    frames, good, bad = [], [], []
    for start in range(0, len(values), PIECE):
        some, their = values[start : start + PIECE], keys[start : start + PIECE]
        frame, positions = _block(some, their, columns), list(range(len(some)))
        if frame is None:
            frame, positions, reasons = _one_by_one(some, their, columns)
            bad += [(start + index, reason) for index, reason in reasons]
        frames.append(frame)
        good += [start + index for index in positions]
    return Batch(frame=pl.concat(frames, rechunk=True), positions=np.array(good, np.int64), bad=bad)


def _block(values: _Values, keys: _Values, columns: Sequence[str]) -> pl.DataFrame | None:
    """The columns, or None on any doubt; a tombstone is one (a TypeError when values are joined)."""
    number = _number(values)
    if number is None:
        return None
    try:
        frame = _frame(values, number, columns)
    except (TypeError, OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException):
        return None
    return _selected(frame[:-1], columns) if _trusted(frame, keys, number) else None


def _frame(values: _Values, number: int, columns: Sequence[str]) -> pl.DataFrame:
    """What polars makes of values of one version and the sentinel behind them."""
    last = _sentinel(number)
    size = sum(map(len, values)) + len(last)  # type: ignore[arg-type]
    head = _container(number) + zigzag(len(values) + 1) + zigzag(size)
    container = io.BytesIO(b"".join((head, *values, last, _SYNC)))  # type: ignore[arg-type]
    return pl.read_avro(container, columns=_wanted(number, tuple(columns)))


def _number(values: _Values) -> int | None:
    """The version that the first record was written with; ours where there is none, None where it is not ours."""
    if not values:
        return id_of(_NAME)
    head = (values[0] or b"")[:FRAME]
    number = int.from_bytes(head[1:], "big")
    return number if head[:1] == MAGIC and number in ids()[_NAME] else None


def _selected(frame: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """The wanted columns, those that an older version has not as nulls."""
    missing = [pl.lit(None, of_type()[name]).alias(name) for name in columns if name not in frame.columns]
    return (frame.with_columns(missing) if missing else frame)[list(columns)]


def _trusted(frame: pl.DataFrame, keys: _Values, number: int) -> bool:
    """Is every record what its key says, and the sentinel behind them where it should be."""
    told = pl.Series([*keys, _KEY.encode()], dtype=pl.Binary).fill_null(b"")
    return (
        len(frame) == len(told)
        and frame["event_id"][-1] == frame["leg"][-1] == _SYNC
        and bool((frame["message_key"].cast(pl.Binary) == told).all())
        and bool(frame.select(_sensible(number)).item())
    )


@cache
def _sensible(number: int) -> pl.Expr:
    """Is every frame, hash, kind, class of traffic and time of a version one that can be; as in envelope."""
    checks = [(pl.col(name).bin.size() == HASH_WIDTH).all() for name in ("event_id", "leg", "next_leg")]
    checks += [(pl.col(name) == value).all() for name, value in zip(_FRAME, _marks(number), strict=True)]
    return pl.all_horizontal(
        *checks,
        pl.col("occurred_at").cast(pl.Int64).is_between(FIRST, LAST, closed="left").all(),
        (pl.col("kind").cast(pl.String) != "unknown").all(),
        pl.col("traffic").is_in(_TRAFFIC).all(),
    )


def _one_by_one(
    values: _Values, keys: _Values, columns: Sequence[str]
) -> tuple[pl.DataFrame, list[int], list[tuple[int, str]]]:
    """The columns of the good records, their indices, and index and reason of each bad one."""
    good: dict[int, MessageEvent] = {}
    bad = []
    for index, (value, key) in enumerate(zip(values, keys, strict=True)):
        try:
            event = envelope.decode(value)
        except Undecodable as error:
            bad.append((index, str(error)))
            continue
        if event.message_key.encode() == (key or b""):
            good[index] = event
        else:
            bad.append((index, "its message key is not the key of its record"))
    return from_events(list(good.values()), columns), list(good), bad


def from_events(events: Sequence[MessageEvent], columns: Sequence[str]) -> pl.DataFrame:
    """The columns of some events, as reading them gives them."""
    types = of_type()
    return frame_of(events, {name: types[name] for name in columns})


@cache
def of_type() -> dict[str, pl.DataType]:
    """The type of each column."""
    return dict(_frame((), id_of(_NAME), tuple(field["name"] for field in schema(_NAME)["fields"])).schema)


@cache
def _wanted(number: int, columns: tuple[str, ...]) -> list[str]:
    """What is read to get some columns of a version: these, what is checked, and every text."""
    fields = {field["name"]: json.dumps(field["type"]) for field in schema(_NAME, number)["fields"]}
    checked = [name for name, kind in fields.items() if '"string"' in kind or '"enum"' in kind]
    hashes = ("event_id", "leg", "next_leg", "occurred_at")
    return list(dict.fromkeys((*(name for name in columns if name in fields), *checked, *hashes, *_FRAME)))


def _marks(number: int) -> list[int]:
    """What the bytes of a frame are as Avro's numbers; ids are below 128, so that each byte is one."""
    return [byte >> 1 ^ -(byte & 1) for byte in MAGIC + number.to_bytes(4, "big")]


@cache
def _sentinel(number: int) -> bytes:
    """The record behind the last, as a version of our schema has it."""
    out = io.BytesIO()
    out.write(MAGIC + number.to_bytes(4, "big"))
    fastavro.schemaless_writer(out, parsed(_NAME, number), asdict(_END) | {"kind": _END.kind.value})
    return out.getvalue()


@cache
def _container(number: int) -> bytes:
    """The head of an Avro object container of a version of our schema behind a frame."""
    ours = schema(_NAME, number)
    framed = {**ours, "fields": [*({"name": name, "type": "int"} for name in _FRAME), *ours["fields"]]}
    meta = {b"avro.schema": json.dumps(framed).encode(), b"avro.codec": b"null"}
    pairs = b"".join(zigzag(len(text)) + text for pair in meta.items() for text in pair)
    return b"Obj\x01" + zigzag(len(meta)) + pairs + b"\0" + _SYNC
