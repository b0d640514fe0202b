"""Does what is derived keep up with what is fed.

Rules:
- A derivation is made every few seconds, also where nothing new was fed: one that is old, while there is something to
  derive, goes on for very long, or fails each time. A ledger that nobody feeds has nothing to derive.
"""

from dataclasses import dataclass
from typing import Any

from streams.core.terms import SECOND
from streams.warehouse.derive import derivation
from streams.warehouse.fed import fed


@dataclass(frozen=True, slots=True, kw_only=True)
class Lateness:
    """What is not derived.

    Attributes:
        records: that were fed.
        has_terms: were other terms declared since.
        seconds: since the last derivation; None before the first.
    """

    records: int
    has_terms: bool
    seconds: float | None


def lateness(client: Any, now: float) -> Lateness:
    """How late derivation is at a time in seconds."""
    last, there = derivation(client), fed(client)
    since = last.since(there)
    return Lateness(
        records=sum(max(0, one.after - since.get(number, 0)) for number, one in there.items()),
        has_terms=_declared(client) not in ("", last.terms),
        seconds=now - last.version / SECOND if last.terms else None,
    )


def _declared(client: Any) -> str:
    """Version of the terms that were declared last, as the feed has heard; "" before the first."""
    return str(client.query("SELECT argMax(version, used_at) FROM terms").result_rows[0][0])
