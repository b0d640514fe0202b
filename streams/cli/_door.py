"""What was turned away at the door, as a person reads it: such mail is no message of anybody's here."""

from typing import TYPE_CHECKING, Any

from streams.cli._lists import columns
from streams.cli._screen import clean, moment, wrapped

if TYPE_CHECKING:
    from streams.warehouse.questions import Rows

SHOWN = 5
"""The latest are enough to see why."""

LONGEST = 200
"""Characters that are shown of what a client was told."""

INDENT = " " * 6
"""Before them."""


def lines(rows: "Rows", many: int) -> list[str]:
    """Rejections, the latest first; of those that were asked for there are `many` at most."""
    if not rows:
        return []
    count = f"{many} times or more" if len(rows) == many else "once" if len(rows) == 1 else f"{len(rows)} times"
    latest = f", the latest {SHOWN}" if len(rows) > SHOWN else ""
    told = [f"Turned away at the door, by a host that never took it: {count}{latest}:"]
    shown = rows[:SHOWN]
    for row, line in zip(shown, columns(map(_cells, shown), "llll", flex=3), strict=True):
        told += [line, *wrapped(clean(row["diagnostic"], LONGEST), INDENT)]
    return told


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    reply = f"{row['code'] or ''} {row['status']}".strip() or row["stage"]
    return moment(row["occurred_at"])[5:], clean(row["host"], 16), reply, f"from {row['originator'] or '<>'}"
