"""What every queue owes at a moment: a view of the tables."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from streams.core.custody import Custody
from streams.core.index import Rows
from streams.core.lattice import NEVER


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
    rows: Rows = queued[here & (legs.take("left_at", queued) == NEVER)]
    return rows


def queues(custody: Custody) -> list[Queue]:
    """Every queue that owes something."""
    rows = owed(custody)
    legs, entries, names = custody.legs, custody.entries, custody.names
    entry = legs["entry"][rows].astype(np.int64)
    tried = legs.take("tried", rows) != NEVER
    stays = pl.DataFrame(
        {
            "host": custody.hosts.index.keys[entries["host"][entry], 0],
            "hop": np.where(tried, legs.take("hop", rows), np.uint64(0)),
            "arrived": entries["arrived_at"][entry],
            "size": np.maximum(entries.take("size", entry), 0),
            "deferred": tried,
            "held": entries.take("held_at", entry) > entries.take("released_at", entry),
        }
    )
    groups = (
        stays.group_by("host", "hop")
        .agg(
            count=pl.len(),
            oldest=pl.min("arrived"),
            volume=pl.col("size").cast(pl.Int64).sum(),
            deferred=pl.sum("deferred"),
            held=pl.sum("held"),
        )
        .sort("host", "hop")
    )
    return [
        Queue(host=names.text(host), next_hop=names.text(hop), **sums)
        for host, hop, sums in ((row.pop("host"), row.pop("hop"), row) for row in groups.iter_rows(named=True))
    ]
