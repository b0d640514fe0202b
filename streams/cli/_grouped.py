"""Findings by what they are because of: an outage is one group, not ten thousand lines."""

from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any

from streams.cli._lists import columns, cut
from streams.cli._screen import clean, hour, moment, priority, since

Rows = list[dict[str, Any]]


def groups(rows: Rows, key: Callable[[dict[str, Any]], Any]) -> Iterator[tuple[Any, Rows]]:
    """Rows of one key together, in the order in which the keys come first."""
    keys: dict[Any, Rows] = {}
    for row in rows:
        keys.setdefault(key(row), []).append(row)
    yield from keys.items()


def present(row: dict[str, Any]) -> tuple[str, str]:
    """What holds up a finding of a report now; and what did when it was raised, if that is another."""
    cause = _present(row) or row["cause"]
    return cause, "" if cause == row["cause"] else row["cause"]


_WORDS = {
    "deleted": "deleted by hand on {}",
    "refused": "given up on {}",
    "discarded": "discarded or quarantined on {}",
    "quarantined": "discarded or quarantined on {}",
    "unknown": "left {}, not seen since",
}
"""By outcome, what is said of the last queue."""


def _present(row: dict[str, Any]) -> str:
    """The same words as those of an alarm's cause; "" where that says it, or nothing holds it up any more."""
    if row["cleared_at"] is not None or row["proof"] == "hand":
        return ""
    if row["proof_at"] is not None:
        return "delivered, but its report was not seen"
    host, holder = row["last_host"], (row["holder_host"], row["holder_queue_id"])
    if row["outcome"] == "in-queue":
        return "" if (host, row["last_queue_id"]) == holder else f"in the queue of {host}"
    return _WORDS.get(row["outcome"], "").format(host) if host else ""


def members(rows: Rows, clock: Any, who: str, limit: int) -> list[str]:
    """One line a finding: how long, how urgent, whose, which message."""
    shown, more = cut(rows, limit)
    cells = [
        (
            since(row["due"] or row["raised_at"], row["cleared_at"] or clock),
            priority(row["priority"]),
            clean(row[who], 26),
            row["message_key"],
        )
        for row in shown
    ]
    return columns(cells, "rlll", flex=3) + more


def since_when(cause: str, rows: Rows, now: Any) -> str:
    """When what holds them up began, where the evidence says so; of deletions also the last."""
    if cause.startswith("deleted"):
        times = _times(rows, "deleted_at", now)
        by = " (postsuper)" if all(row.get("by_postsuper") for row in rows) else ""  # other systems have other tools
        return f"{by}, {' to '.join(times)}" if times else by
    held = _times(rows, "held_at", now) if cause.startswith("on hold") else []
    return f" since {held[0]}" if held else ""


def _times(rows: Rows, name: str, now: Any) -> list[str]:
    """The first of some times, and the last, with its date where that is another; one where they are the same."""
    times = sorted(row[name] for row in rows if row[name] is not None)
    if not times:
        return []
    first, last = times[0], times[-1]
    return [hour(first, now), *([hour(last, first)] if moment(first) != moment(last) else [])]


def days(rows: Rows, name: str) -> str:
    """The days that some times fall on."""
    found = [day for day, _ in groupby(sorted(moment(row[name])[:10] for row in rows))]
    return found[0] if len(found) == 1 else f"{found[0]} to {found[-1]}" if found else "-"
