"""A warehouse in memory for the feed: it may be away, and it may accept and then say that it failed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from streams.core.errors import Unavailable
from streams.core.moments import micros
from streams.core.terms import Terms
from streams.warehouse.fed import Fed

KEYS = {
    "event_records": ("message_key", "event_id", "occurred_at"),
    "ticks": ("log_partition", "log_offset"),
    "evidence_records": ("message_key", "event_id"),
    "alert_records": ("alert_id", "state"),
    "case_records": ("case_id",),
    "queue_records": ("at", "log_partition", "host", "next_hop", "priority"),
    "rejection_records": ("rejection_id",),
    "terms": ("version",),
    "fed": ("topic", "log_partition"),
}
"""By table, the columns that make two rows the same; see schemas/warehouse/001-records.sql."""

Row = dict[str, Any]


def _nothing(_call: str, _table: str) -> None:
    """Let every call be done."""


@dataclass(slots=True)
class Tables:
    """What a warehouse holds; ReplacingMergeTree with its duplicates gone."""

    rows: dict[str, dict[tuple[Any, ...], Row]] = field(default_factory=lambda: {name: {} for name in KEYS})

    def put(self, table: str, row: Row) -> None:
        """Add a row, or replace the one that is the same."""
        key = key_of(table, row)
        held = self.rows[table].get(key)
        if held is None or _version(table, row) >= _version(table, held):
            self.rows[table][key] = row


def key_of(table: str, row: Row) -> tuple[Any, ...]:
    """What makes a row the same as another."""
    return tuple(row[name] for name in KEYS[table])


def _version(table: str, row: Row) -> int:
    """Which of two rows that are the same wins."""
    match table:
        case "event_records":
            return -int(row["log_offset"])
        case "case_records":
            return int(row["log_offset"])
        case "fed":
            return (int(row["turn"]) << 48) + int(row["after"])
        case _:
            return 0


@dataclass(slots=True)
class MemoryStore:
    """The tables as one process sees them.

    Attributes:
        tables: shared by all.
        refused: calls that do nothing and fail.
        unheard: calls that are done and fail.
        at: told each call and its table before it is done.
    """

    tables: Tables
    refused: int = 0
    unheard: int = 0
    at: Callable[[str, str], None] = _nothing

    def prepare(self) -> None:
        """Make what is missing."""
        self._call("prepare")

    def insert(self, table: str, rows: pa.Table) -> None:
        """Add rows."""
        self._write(table, rows.to_pylist())

    def insert_rows(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Add a few rows."""
        self._write(table, [dict(zip(columns, row, strict=True)) for row in rows])

    def fed(self, topic: str) -> dict[int, Fed]:
        """How far a topic is fed, by partition."""
        self._call("query")
        there = self.tables.rows["fed"].items()
        return {number: Fed(after=row["after"], turn=row["turn"]) for (name, number), row in there if name == topic}

    def clock_before(self, partition: int, offset: int) -> int | None:
        """The latest tick of a partition before an offset, microseconds."""
        self._call("query")
        found = [
            micros(row["through"])
            for (number, place), row in self.tables.rows["ticks"].items()
            if number == partition and place < offset
        ]
        return max(found, default=None)

    def derive(self, terms: Terms) -> int:
        """Nothing is derived here: SQL does that, on the real engine."""
        del terms
        self._call("derive")
        return 0

    def _write(self, table: str, rows: list[Row]) -> None:
        self._call("insert", table)
        for row in rows:
            self.tables.put(table, row)
        if self.unheard:
            self.unheard -= 1
            raise Unavailable("The warehouse refuses: the connection was cut.")

    def _call(self, name: str, table: str = "") -> None:
        self.at(name, table)
        if self.refused:
            self.refused -= 1
            raise Unavailable("The warehouse refuses: too many parts.")
