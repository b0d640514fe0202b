"""A batch of framed events to columns, without a Python object for each.

Rules:
- Values are laid end to end, frames and all, behind one Avro object-container header and read as one block (polars):
  the five bytes of the frame are five small numbers of a schema of our own. This is fast, but a damaged record usually
  fails the whole block, and may silently change its neighbour.
- So a block counts only if every decoded message key equals the key of its Kafka record, every frame, hash, kind, class
  of traffic and time is one that can be, and a sentinel behind the last record is read as it was written.
- On any doubt each record is decoded on its own; what is broken is told apart with its reason, and the rest is written
  anew, as we would have written it, and read as one block.
- The reader knows no numeric defaults (it refuses the schema), so a field that is added later is nullable.
"""

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import polars as pl
from numpy.typing import NDArray

from streams.core.errors import Undecodable
from streams.core.events import Kind, MessageEvent, Traffic
from streams.wire import envelope
from streams.wire.envelope import LAST, zigzag
from streams.wire.schemas import header, schema

_SYNC = bytes(range(16))
_FRAME = ("frame0", "frame1", "frame2", "frame3", "frame4")
_CHECKED = ("message_key", "event_id", "leg", "kind", "traffic", "occurred_at")
_TRAFFIC = [traffic.value for traffic in Traffic]
_SENTINEL = envelope.encode(
    MessageEvent(event_id=_SYNC, kind=Kind.TICK, occurred_at=0, observed_at=0, leg=_SYNC, message_key="\0end")
)


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


def read(values: Sequence[bytes | None], keys: Sequence[bytes | None], columns: Sequence[str]) -> Batch:
    """Columns of some framed events.

    Args:
        values: as in Kafka.
        keys: the records' keys, UTF-8 of the message key; a tick's may be None.
        columns: names of envelope columns.
    """
    frame = _block(values, keys, columns)
    if frame is not None:
        return Batch(frame=frame, positions=np.arange(len(values)), bad=[])
    good, bad = _one_by_one(values, keys)
    frame = _block([envelope.encode(event) for event in good.values()], [keys[index] for index in good], columns)
    if frame is None:
        raise AssertionError("records that decode one by one do not decode together")
    return Batch(frame=frame, positions=np.array(list(good), np.int64), bad=bad)


def _block(values: Sequence[bytes | None], keys: Sequence[bytes | None], columns: Sequence[str]) -> pl.DataFrame | None:
    """The columns, or None on any doubt; a tombstone is one (a TypeError when values are joined)."""
    try:
        body = b"".join((*values, _SENTINEL))  # type: ignore[arg-type]
        container = b"".join((_container(), zigzag(len(values) + 1), zigzag(len(body)), body, _SYNC))
        frame = pl.read_avro(io.BytesIO(container), columns=list(dict.fromkeys((*columns, *_CHECKED, *_FRAME))))
    except (TypeError, OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException):
        return None
    return frame[:-1].select(columns) if _trusted(frame, keys) else None


def _trusted(frame: pl.DataFrame, keys: Sequence[bytes | None]) -> bool:
    if len(frame) != len(keys) + 1:
        return False
    told = pl.Series([*(key or b"" for key in keys), b"\0end"], dtype=pl.Binary)
    widths = [(frame[name].bin.size() == 16).all() for name in ("event_id", "leg")]  # noqa: PLR2004 - bytes of a hash
    return all(widths) and bool((frame["message_key"].cast(pl.Binary) == told).all()) and _sensible(frame)


def _sensible(frame: pl.DataFrame) -> bool:
    """Is every frame ours, and every kind, class of traffic and time one that can be."""
    small = [int.from_bytes(header("message-event")[n : n + 1], "big") for n in range(len(_FRAME))]
    frames = [(frame[name] == (byte >> 1) ^ -(byte & 1)).all() for name, byte in zip(_FRAME, small, strict=True)]
    at = frame["occurred_at"].cast(pl.Int64)
    traffic = frame["traffic"].drop_nulls()
    return (
        all(frames)
        and frame["event_id"][-1] == frame["leg"][-1] == _SYNC
        and bool((at.abs() <= LAST).all())
        and bool((frame["kind"].cast(pl.String) != "unknown").all())
        and bool(traffic.is_in(_TRAFFIC).all())
    )


def _one_by_one(
    values: Sequence[bytes | None], keys: Sequence[bytes | None]
) -> tuple[dict[int, MessageEvent], list[tuple[int, str]]]:
    """The events by index, and index and reason of each record that could not be understood."""
    good, bad = {}, []
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
    return good, bad


@cache
def _container() -> bytes:
    """The head of an Avro object container of our schema behind a frame."""
    ours = schema("message-event")
    framed = {**ours, "fields": [*({"name": name, "type": "int"} for name in _FRAME), *ours["fields"]]}
    meta = {b"avro.schema": json.dumps(framed).encode(), b"avro.codec": b"null"}
    pairs = b"".join(zigzag(len(text)) + text for pair in meta.items() for text in pair)
    return b"Obj\x01" + zigzag(len(meta)) + pairs + b"\0" + _SYNC
