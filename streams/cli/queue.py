"""`custody queue`: what every queue owes now."""

from pathlib import Path
from typing import Any

import click

from streams.cli._lists import columns, head, list_options, opened, say, say_list
from streams.cli._screen import WIDTH, clean, priority, since, width_of


@click.command()
@list_options
def command(*, data: Path | None, file: Path | None, ledger: str | None, as_json: bool) -> None:
    r"""Say what every queue owes: how many recipients, the oldest, what is deferred or on hold.

    \b
    Example: custody queue --json
    """
    settings, warehouse = opened(data, file, ledger)
    clock, rows = warehouse.clock(), warehouse.queue()
    if as_json:
        say_list(settings, clock, queue=rows)
    else:
        say(lines(head("Queues", settings, clock), clock, rows))


def lines(title: str, clock: dict[str, Any], rows: list[dict[str, Any]]) -> list[str]:
    """The screen: a line a queue, the most urgent first; its name stands above it where it would not fit."""
    if not rows:
        return [title, "Nothing is owed anywhere."]
    names = ("host", "next hop", "priority", "owed", "oldest", "deferred", "held", "bytes", "last status")
    cells = [
        (
            row["host"],
            row["next_hop"] or "-",
            priority(row["priority"]),
            f"{row['count']:,}",
            since(row["oldest"], clock.get("through")),
            f"{row['deferred']:,}",
            f"{row['held']:,}",
            f"{row['volume']:,}",
            clean(row["tried_status"] or "-", 9),
        )
        for row in rows
    ]
    total = sum(row["count"] for row in rows)
    table = columns([names, *cells], "lllrrrrrl")
    shown = table if max(map(width_of, table)) <= WIDTH else _apart([names, *cells])
    return [title, f"{total:,} owed in {len(rows):,} queue{'s' if len(rows) > 1 else ''}", "", *shown]


def _apart(cells: list[tuple[str, ...]]) -> list[str]:
    """Host and next hop on a line of their own, the figures below."""
    named = [clean(f"  {host} to {hop}", WIDTH) for host, hop, *_ in cells]
    figures = columns([cell[2:] for cell in cells], "lrrrrrl", indent="    ", flex=6)
    return [line for pair in zip(named, figures, strict=True) for line in pair]
