"""What every queue owes at a moment: a view of the tables."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from streams.core.custody import Custody
from streams.core.facts import Mask
from streams.core.index import Rows
from streams.core.lattice import NEVER
from streams.core.leaving import left


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """What one host owes through one next hop.

    Attributes:
        host: declared name.
        next_hop: the party of the last attempt; "" before the first, or where nobody was reached.
        count: recipients owed.
        oldest: earliest arrival, microseconds; None where nothing is owed.
        volume: bytes.
        deferred: of these, tried already.
        held: of these, on hold.
    """

    host: str
    next_hop: str
    count: int = 0
    oldest: int | None = None
    volume: int = 0
    deferred: int = 0
    held: int = 0


def owed(custody: Custody) -> Rows:
    """Rows of legs in queues at which something is still owed."""
    legs, entries = custody.legs, custody.entries
    queued = custody.stays()
    entry = legs["entry"][queued].astype(np.int64)
    here = (entries["arrived_at"][entry] != NEVER) & (entries.take("left_at", entry) == NEVER)
    rows: Rows = queued[here & (left(custody, queued, "at") == NEVER)]
    return rows


def unnamed(custody: Custody) -> tuple[Rows, Rows]:
    """Entries that lie in a queue with recipients that no evidence names yet, and how many; one where none was told."""
    entries, queued = custody.entries, custody.stays()
    named = np.bincount(custody.legs["entry"][queued].astype(np.int64), minlength=len(entries))
    missing = np.maximum(-entries["expected"].astype(np.int64), 1) - named
    here = (entries["arrived_at"] != NEVER) & (entries["left_at"] == NEVER)
    rows: Rows = np.flatnonzero(here & (missing > 0))
    return rows, missing[rows]


def queues(custody: Custody) -> list[Queue]:
    """Every queue that owes something."""
    rows = owed(custody)
    legs, names = custody.legs, custody.names
    tried = legs.take("tried", rows) != NEVER
    hops = np.where(tried, legs.take("hop", rows), np.uint64(0))
    whole, missing = unnamed(custody)
    stays = pl.concat(
        [
            _stays(custody, legs["entry"][rows].astype(np.int64), hops, tried, np.ones(len(rows), np.int64)),
            _stays(custody, whole, np.zeros(len(whole), np.uint64), np.zeros(len(whole), np.bool_), missing),
        ]
    )
    groups = (
        stays.group_by("host", "hop")
        .agg(
            count=pl.sum("count"),
            oldest=pl.min("arrived"),
            volume=(pl.col("size") * pl.col("count")).sum(),
            deferred=pl.sum("deferred"),
            held=(pl.col("held") * pl.col("count")).sum(),
        )
        .sort("host", "hop")
    )
    return [
        Queue(host=names.text(host), next_hop=names.text(hop), **sums)
        for host, hop, sums in ((row.pop("host"), row.pop("hop"), row) for row in groups.iter_rows(named=True))
    ]


def _stays(custody: Custody, entry: Rows, hop: NDArray[np.uint64], tried: Mask, count: Rows) -> pl.DataFrame:
    """Recipients at entries, of one next hop each."""
    entries = custody.entries
    return pl.DataFrame(
        {
            "host": custody.hosts.index.keys[entries["host"][entry], 0],
            "hop": hop,
            "count": count,
            "arrived": entries["arrived_at"][entry],
            "size": np.maximum(entries.take("size", entry), 0).astype(np.int64),
            "deferred": tried,
            "held": entries.take("held_at", entry) > entries.take("released_at", entry),
        }
    )
