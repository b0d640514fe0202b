"""Records to rows: what the feed inserts, as columns.

Rules:
- A row's clock is the latest tick before its record in its partition, so that what could be known is kept with the
  fact and needs no search among ticks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from streams.core.clock import BEGINNING, Tick
from streams.core.events import WITHDRAWN
from streams.kafka import names
from streams.wire import columns as wire_columns
from streams.wire.schemas import schema

EVENTS = tuple(field["name"] for field in schema("message-event")["fields"])

_TIME = pl.Datetime("us", "UTC")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """What some records of message-events become.

    Attributes:
        events: for `event_records`.
        ticks: for `ticks`.
        clock: the latest tick after these records, microseconds.
        bad: index and reason of each record that could not be understood.
    """

    events: pa.Table
    ticks: pa.Table
    clock: int
    bad: list[tuple[int, str]]


def rows(
    values: Sequence[bytes | None], keys: Sequence[bytes | None], partition: int, offsets: Sequence[int], clock: int
) -> Rows:
    """Rows of consecutive records of one partition; `clock` is the latest tick before them."""
    read = wire_columns.read(values, keys, EVENTS)
    at = read.frame["occurred_at"].cast(pl.Int64).to_numpy()
    ticks = (read.frame["kind"].cast(pl.String) == "tick").to_numpy()
    running = np.maximum.accumulate(np.concatenate(([clock], np.where(ticks, at, clock))))
    frame = read.frame.with_columns(
        pl.Series("clock", np.maximum(running[:-1], 0)).cast(_TIME),
        pl.lit(partition, pl.UInt16).alias("log_partition"),
        pl.Series("log_offset", np.asarray(offsets, np.uint64)[read.positions]),
    )
    return Rows(
        events=_events(_those(frame, ~ticks)),
        ticks=_ticks(_those(frame, ticks)),
        clock=int(running[-1]),
        bad=read.bad,
    )


def _those(frame: pl.DataFrame, rows: NDArray[np.bool_]) -> pl.DataFrame:
    return frame if rows.all() else frame.filter(pl.Series(rows))


def _events(frame: pl.DataFrame) -> pa.Table:
    """Event columns as the table wants them: hashes without nulls, kinds as texts."""
    return frame.with_columns(
        pl.col("kind").cast(pl.String),
        pl.col("next_leg").fill_null(bytes(16)),
    ).to_arrow()


def _ticks(frame: pl.DataFrame) -> pa.Table:
    times, texts = frame["occurred_at"].cast(pl.Int64).to_list(), frame["attributes"].to_list()
    ticks = [Tick.read(at, tuple(said)) for at, said in zip(times, texts, strict=True)]
    names = pa.list_(pa.string())
    return pa.table(
        {
            "log_partition": frame["log_partition"].to_arrow(),
            "log_offset": frame["log_offset"].to_arrow(),
            "through": frame["occurred_at"].to_arrow(),
            "silent": pa.array([one.silent for one in ticks], names),
            "behind": pa.array([one.behind for one in ticks], names),
            "doubted": pa.array([one.doubted for one in ticks], names),
            "terms": pa.array([one.terms for one in ticks], pa.string()),
        }
    )


PLAIN: dict[str, tuple[str, str, tuple[str, ...]]] = {
    names.EVIDENCE: ("evidence", "evidence_records", ("event_id", "message_key", "source", "file", "offset", "raw")),
    names.ALERTS: (
        "alert",
        "alert_records",
        (
            "alert_id", "rule", "unit", "state", "at", "due", "clock", "message_key", "host", "queue_id", "recipient",
            "severity", "proven", "cause", "holder_host", "holder_queue_id", "terms",
        ),
    ),
    names.CASES: (
        "case",
        "case_records",
        (
            "case_id", "cause", "state", "opened_at", "closed_at", "members", "standing", "severity", "acknowledged_by",
            "note", "sample",
        ),
    ),
    names.QUEUES: (
        "queue-state",
        "queue_records",
        ("host", "next_hop", "priority", "at", "count", "oldest", "volume", "deferred", "held"),
    ),
    names.REJECTIONS: (
        "rejection",
        "rejection_records",
        (
            "rejection_id", "occurred_at", "observed_at", "host", "service", "stage", "client", "address", "code",
            "status", "originator", "recipient", "queue_id", "diagnostic", "source", "file", "offset",
        ),
    ),
}  # fmt: skip
"""Topics of low rate: the schema of their values, their table, and the columns that are kept."""

_BESIDE = {
    names.ALERTS: ("withdrawn", "log_offset"),
    names.CASES: ("log_offset",),
    names.QUEUES: ("log_partition",),
}


def plain_columns(topic: str) -> tuple[str, ...]:
    """The columns that a topic of low rate fills."""
    return (*PLAIN[topic][2], *_BESIDE.get(topic, ()))


def plain_row(topic: str, record: dict[str, Any], offset: int) -> list[Any]:
    """The row of a decoded record."""
    row = [record[name] for name in PLAIN[topic][2]]
    match topic:
        case names.ALERTS:
            return [*row, WITHDRAWN in record["attributes"], offset]
        case names.CASES:
            return [*row, offset]
        case names.QUEUES:
            return [*row, record["partition"]]
        case _:
            return row


START = BEGINNING
"""The clock before any tick."""
