"""`custody unread`: copies in watched mailboxes that nobody opened in time, by mailbox."""

from pathlib import Path
from typing import Any

import click

from streams.cli import _next
from streams.cli._calm import conclude
from streams.cli._grouped import Rows, groups, members
from streams.cli._lists import head, limit_option, list_options, opened, say, say_if_short, say_list
from streams.cli._screen import clean, wrapped


@click.command()
@list_options
@limit_option
@click.option("--all", "everything", is_flag=True, help="Show what was read late, too.")
@click.option("--check", is_flag=True, help="Exit 1 if something is unread past its time; 3 if the clock stands still.")
def command(  # noqa: PLR0913 - options
    *,
    data: Path | None,
    file: Path | None,
    ledger: str | None,
    as_json: bool,
    limit: int,
    everything: bool,
    check: bool,
) -> None:
    r"""Say what lies unread past its time in watched mailboxes, and what left the store unread.

    \b
    Example: custody unread --limit 0
    """
    settings, warehouse = opened(data, file, ledger)
    clock = warehouse.clock()
    totals = {**warehouse.counts("unread"), "left_unread": warehouse.counts("not-read")["standing"]}
    rows = warehouse.alerts("unread,not-read", standing=not everything)
    say_if_short(rows)
    if as_json:
        say_list(settings, clock, **totals, unread=rows)
    else:
        shown = lines(head("Unread messages", settings, clock), clock, totals, rows, limit)
        first = next((row for row in rows if row["cleared_at"] is None), None)
        say([*shown, *_next.message(settings, first), *_next.silent(settings, clock)])
    if check:
        conclude(settings, warehouse, clock, lambda: bool(warehouse.counts("unread,not-read")["standing"]))


def lines(title: str, clock: dict[str, Any], totals: dict[str, int], rows: Rows, limit: int) -> list[str]:
    """The screen: groups by mailbox."""
    read = f"; {totals['cleared']:,} were read late" if totals["cleared"] else ""
    read += f"; {totals['withdrawn']:,} taken back" if totals["withdrawn"] else ""
    gone = f"; {totals['left_unread']:,} left the store unread" if totals["left_unread"] else ""
    shown = [title, *wrapped(f"{totals['standing']:,} unread past their time{read}{gone}")]
    for (word, cause), some in groups(sorted(rows, key=_word, reverse=True), lambda row: (_word(row), row["cause"])):
        shown += ["", f"{word:<8} {len(some):<3,} {clean(cause, 60)}"]
        shown += members(some, clock.get("through"), "originator", limit)
    return shown


def _word(row: dict[str, Any]) -> str:
    if row["rule"] == "not-read":
        return "GONE"
    return "UNREAD" if row["cleared_at"] is None else "READ"
