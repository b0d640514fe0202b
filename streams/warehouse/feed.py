"""The feed: topics into tables, in batches, at least once; the tables make that once.

Rules:
- An offset is committed only after its rows are inserted. A warehouse that refuses or is away is waited for, and said
  so.
- Feeding the same records again replaces rows by themselves.
- What cannot be understood goes to the dead letters.
"""

import logging
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from tenacity import before_sleep_log, retry, retry_if_exception_type, wait_exponential

from streams import profiles
from streams.core.errors import Unavailable, Undecodable
from streams.kafka import progress
from streams.kafka.deadletters import DeadLetters
from streams.kafka.reader import BatchReader, Committed, Records
from streams.kafka.writer import Writer
from streams.settings import Settings
from streams.warehouse.client import AWAY, REFUSED, connect, first_line
from streams.warehouse.migrations import migrate
from streams.warehouse.refresh import refresh
from streams.wire import columns as wire_columns
from streams.wire import records
from streams.wire.schemas import schema

log = logging.getLogger(__name__)

BATCH = 50_000
REFRESH_EVERY = 2.0
"""Seconds between derivations at least; a long derivation makes the next wait as long as it took."""

RETRY = 5.0
"""Seconds after which a derivation that failed is tried again; the facts are fed meanwhile."""

EVENTS = tuple(field["name"] for field in schema("message-event")["fields"])
_HASHES = ("event_id", "leg")

PLAIN = {
    "evidence": ("evidence", "evidence", ("event_id", "message_key", "source", "file", "offset", "raw")),
    "alerts": (
        "alert",
        "alert_records",
        (
            "alert_id", "rule", "unit", "state", "at", "due", "clock", "message_key", "host", "queue_id", "recipient",
            "severity", "proven", "cause", "holder_host", "holder_queue_id", "terms",
        ),
    ),
    "cases": (
        "case",
        "case_records",
        (
            "case_id", "cause", "state", "opened_at", "closed_at", "members", "standing", "severity", "acknowledged_by",
            "note", "sample",
        ),
    ),
    "queue-states": (
        "queue-state",
        "queue_records",
        ("host", "next_hop", "priority", "at", "count", "oldest", "volume", "deferred", "held"),
    ),
}  # fmt: skip
"""Topics of low rate: the schema of their values, their table, and the columns that are kept."""


class Feeds:
    """Feeds every topic of a ledger into its tables, and derives when the clock goes on."""

    def __init__(self, settings: Settings, member: str = "") -> None:
        """Make the tables, and join the groups."""
        self.settings = settings
        self._client = self._connected()
        self._writer = Writer(settings)
        self._letters = DeadLetters(self._writer)
        self._readers = {
            topic: BatchReader(
                settings,
                topic,
                f"custody-feed-{topic}-{settings.ledger}",
                member=member,
                assigned=partial(self._starts, topic),
            )
            for topic in ("message-events", *PLAIN)
        }
        self._dirty, self._next = True, 0.0
        self.rows = 0

    def _starts(self, topic: str, committed: dict[int, Committed]) -> dict[int, int]:
        """From the stored offsets on; from the beginning where the table is empty: it was thrown away."""
        table = "events" if topic == "message-events" else PLAIN[topic][1]
        empty = not self._insist(lambda: self._client.query(f"SELECT 1 FROM {table} LIMIT 1").result_rows)  # noqa: S608
        return dict.fromkeys(committed, 0) if empty else {}

    def run(self, stopped: Callable[[], bool]) -> None:
        """Step until stopped."""
        while not stopped():
            self.step()
        for reader in self._readers.values():
            reader.close()

    def step(self, timeout: float = 0.1) -> int:
        """Take one batch of every topic; returns the number of rows."""
        count = 0
        for topic, reader in self._readers.items():
            for batch in reader.read(BATCH, timeout if topic == "message-events" else 0.02):
                count += self._events(batch) if topic == "message-events" else self._plain(topic, batch)
                self._writer.flush()
                reader.commit(batch.partition, batch.offsets[-1] + 1)
        self.rows += count
        self._derive(idle=count == 0)
        return count

    def _derive(self, *, idle: bool) -> None:
        if not self._dirty or time.monotonic() < self._next or not idle:
            return
        started = time.monotonic()
        try:
            refresh(self._client, terms_of(self.settings, self._client))
        except (*AWAY, *REFUSED) as error:
            log.warning("not derived, to be tried again: %s", first_line(error))
            self._next = time.monotonic() + RETRY
            return
        self._dirty, took = False, time.monotonic() - started
        self._next = time.monotonic() + max(REFRESH_EVERY, took)

    def _events(self, batch: Records) -> int:
        read = wire_columns.read(batch.values, batch.keys, EVENTS)
        self._bad("message-events", batch, read.bad, len(read.frame))
        offsets = np.asarray(batch.offsets, np.uint64)[read.positions]
        frame = read.frame.with_columns(
            pl.Series("log_offset", offsets), pl.lit(batch.partition, pl.UInt16).alias("log_partition")
        )
        ticks = frame["kind"].cast(pl.String) == "tick"
        if ticks.any():
            self._ticks(frame.filter(ticks))
            self._dirty = True
        events = frame.filter(~ticks)
        if len(events):
            self._insert("events", arrow_of(events))
        return len(events)

    def _ticks(self, frame: pl.DataFrame) -> None:
        named = {
            name: [
                [a.partition("=")[2] for a in one if a.startswith(f"{name}=")] for one in frame["attributes"].to_list()
            ]
            for name in ("silent", "behind", "terms")
        }
        self._insert(
            "ticks",
            pa.table(
                {
                    "log_partition": frame["log_partition"].to_arrow(),
                    "log_offset": frame["log_offset"].to_arrow(),
                    "through": frame["occurred_at"].to_arrow(),
                    "silent": pa.array(named["silent"], pa.list_(pa.string())),
                    "behind": pa.array(named["behind"], pa.list_(pa.string())),
                    "terms": pa.array(["".join(one[:1]) for one in named["terms"]]),
                }
            ),
        )

    def _plain(self, topic: str, batch: Records) -> int:
        kind, table, names = PLAIN[topic]
        rows, bad = [], []
        for index, value in enumerate(batch.values):
            try:
                row = records.decode(kind, value)
            except Undecodable as error:
                bad.append((index, str(error)))
                continue
            rows.append([row[name] for name in names] + self._beside(topic, row, batch, index))
        self._bad(topic, batch, bad, len(rows))
        if rows:
            more = {"cases": ("log_offset",), "queue-states": ("log_partition",)}.get(topic, ())
            self._insist(lambda: self._client.insert(table, rows, column_names=[*names, *more]))
        return len(rows)

    def _beside(self, topic: str, row: dict[str, Any], batch: Records, index: int) -> list[Any]:
        if topic == "cases":
            return [batch.offsets[index]]
        return [row["partition"]] if topic == "queue-states" else []

    def _bad(self, topic: str, batch: Records, bad: Sequence[tuple[int, str]], good: int) -> None:
        for index, reason in bad:
            self._letters.put(topic, batch.partition, batch.offsets[index], batch.values[index], reason)
        self._letters.judge(good, len(bad))

    def _insert(self, table: str, rows: pa.Table) -> None:
        self._insist(lambda: self._client.insert_arrow(table, rows))

    @retry(
        retry=retry_if_exception_type(Unavailable),
        wait=wait_exponential(multiplier=0.2, max=10),
        before_sleep=before_sleep_log(log, logging.WARNING),
    )
    def _insist(self, work: Callable[[], Any]) -> Any:
        """Do it; a warehouse that is away or refuses is waited for, with a new connection."""
        try:
            return work()
        except (*AWAY, *REFUSED) as error:
            self._client = self._connected()
            raise Unavailable(f"The warehouse refuses: {first_line(error)}") from error

    @retry(
        retry=retry_if_exception_type(Unavailable),
        wait=wait_exponential(multiplier=0.2, max=10),
        before_sleep=before_sleep_log(log, logging.WARNING),
    )
    def _connected(self) -> Any:
        migrate(self.settings)
        return connect(self.settings)


def arrow_of(frame: pl.DataFrame) -> pa.Table:
    """Event columns as the table wants them: hashes without nulls, kinds as texts."""
    return frame.with_columns(
        pl.col("kind").cast(pl.String),
        pl.col("next_leg").fill_null(bytes(16)),
    ).to_arrow()


def terms_of(settings: Settings, client: Any) -> Any:
    """The terms that the ledger declares last, kept in the warehouse too."""
    text = progress.latest_terms(settings) or profiles.text_of()
    terms = profiles.parse(text, "the ledger's terms")
    client.insert("terms", [[terms.version, terms.profile.name, text]], column_names=["version", "profile", "text"])
    return terms
