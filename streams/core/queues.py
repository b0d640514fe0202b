"""What every queue owes at a moment: a view of the tables."""

from dataclasses import dataclass

import numpy as np

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
    queued = np.flatnonzero(legs["entry"] >= 0)
    entry = legs["entry"][queued].astype(np.int64)
    here = (entries["arrived_at"][entry] != NEVER) & (entries["left_at"][entry] == NEVER)
    rows: Rows = queued[here & (legs["left_at"][queued] == NEVER)]
    return rows


def queues(custody: Custody) -> list[Queue]:
    """Every queue that owes something."""
    rows = owed(custody)
    legs, entries, names = custody.legs, custody.entries, custody.names
    entry = legs["entry"][rows].astype(np.int64)
    hops = np.where(legs["tried"][rows] == NEVER, np.uint64(0), legs["hop"][rows])
    keys, group = np.unique(np.column_stack([entries["host"][entry], hops]), axis=0, return_inverse=True)
    group = group.reshape(-1)
    oldest = np.full(len(keys), NEVER, np.int64)
    np.minimum.at(oldest, group, entries["arrived_at"][entry])
    sums = [
        np.bincount(group, weights=weights, minlength=len(keys)).astype(np.int64)
        for weights in (
            np.ones(len(rows)),
            np.maximum(entries["size"][entry], 0),
            legs["tried"][rows] != NEVER,
            entries["held_at"][entry] > entries["released_at"][entry],
        )
    ]
    return [
        Queue(
            host=names.text(int(host)),
            next_hop=names.text(int(hop)),
            count=int(sums[0][n]),
            oldest=int(oldest[n]),
            volume=int(sums[1][n]),
            deferred=int(sums[2][n]),
            held=int(sums[3][n]),
        )
        for n, (host, hop) in enumerate(keys)
    ]
