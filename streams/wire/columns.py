"""A batch of framed events to columns, without a Python object for each.

Rules:
- Bodies are laid end to end behind one Avro object-container header and read as one block (polars). This is fast, but a
  damaged record usually fails the whole block, and may silently change its neighbour.
- So a block counts only if every decoded message key equals the key of its Kafka record and every hash has 16 bytes. On
  any doubt each record is decoded on its own; what is broken is told apart with its reason, and the rest is read again.
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
from streams.wire import envelope
from streams.wire.envelope import zigzag
from streams.wire.schemas import FRAME, header, schema

_SYNC = bytes(range(16))
_CHECKED = ("message_key", "event_id", "leg")


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
    bad = _broken(values, keys)
    broken = {index for index, _ in bad}
    good = [index for index in range(len(values)) if index not in broken]
    frame = _block([values[index] for index in good], [keys[index] for index in good], columns)
    if frame is None:
        raise AssertionError("records that decode one by one do not decode together")
    return Batch(frame=frame, positions=np.array(good, np.int64), bad=bad)


def _block(values: Sequence[bytes | None], keys: Sequence[bytes | None], columns: Sequence[str]) -> pl.DataFrame | None:
    """The columns, or None on any doubt."""
    frame_header = header("message-event")
    if any(value is None or value[:FRAME] != frame_header for value in values):
        return None
    body = b"".join([value[FRAME:] for value in values if value is not None])
    wanted = list(dict.fromkeys((*columns, *_CHECKED)))
    try:
        container = b"".join((_container(), zigzag(len(values)), zigzag(len(body)), body, _SYNC))
        frame = pl.read_avro(io.BytesIO(container), columns=wanted)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
        return None
    return frame.select(columns) if _trusted(frame, values, keys) else None


def _trusted(frame: pl.DataFrame, values: Sequence[bytes | None], keys: Sequence[bytes | None]) -> bool:
    if len(frame) != len(values):
        return False
    told = pl.Series([key or b"" for key in keys], dtype=pl.Binary)
    widths = [(frame[name].bin.size() == 16).all() for name in ("event_id", "leg")]  # noqa: PLR2004 - bytes of a hash
    return bool((frame["message_key"].cast(pl.Binary) == told).all()) and all(widths)


def _broken(values: Sequence[bytes | None], keys: Sequence[bytes | None]) -> list[tuple[int, str]]:
    bad = []
    for index, (value, key) in enumerate(zip(values, keys, strict=True)):
        reason = _reason(value, key)
        if reason:
            bad.append((index, reason))
    return bad


def _reason(value: bytes | None, key: bytes | None) -> str:
    """Why a record cannot be understood; "" where it can."""
    try:
        event = envelope.decode(value)
    except Undecodable as error:
        return str(error)
    if event.message_key.encode("utf-8", "replace") != (key or b""):
        return "its message key is not the key of its record"
    if len(event.event_id) != 16 or len(event.leg) != 16:  # noqa: PLR2004 - bytes of a hash
        return "a hash has not 16 bytes"
    return ""


@cache
def _container() -> bytes:
    """The head of an Avro object container of our schema."""
    meta = {b"avro.schema": json.dumps(schema("message-event")).encode(), b"avro.codec": b"null"}
    pairs = b"".join(zigzag(len(text)) + text for pair in meta.items() for text in pair)
    return b"Obj\x01" + zigzag(len(meta)) + pairs + b"\0" + _SYNC
