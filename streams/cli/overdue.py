"""`custody overdue`: reports that are owed and did not come, by what holds them up."""

from pathlib import Path
from typing import Any

import click

from streams.cli import _next
from streams.cli._calm import conclude
from streams.cli._grouped import Rows, groups, members, present, since_when
from streams.cli._lists import head, limit_option, list_options, opened, say, say_if_short, say_list
from streams.cli._screen import clean, wrapped
from streams.core.terms import LATE
from streams.settings import Settings

SET_IN = " " * 13
"""Before what does not fit behind the first words of a group."""

RULES = ",".join(LATE)


@click.command()
@list_options
@limit_option
@click.option("--all", "everything", is_flag=True, help="Show what came late and is cleared, too.")
@click.option("--check", is_flag=True, help="Exit 1 if a report is overdue; 3 if the clock stands still.")
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
    r"""Say which reports are overdue, whether delivery is proven otherwise, and what holds them up.

    \b
    Examples: custody overdue
              custody overdue --all
              custody overdue --check || page the officer
    """
    settings, warehouse = opened(data, file, ledger)
    clock, counts = warehouse.clock(), warehouse.counts(RULES)
    rows = warehouse.alerts(RULES, standing=not everything)
    say_if_short(rows)
    totals = {"owed": warehouse.owed(), **counts}
    if as_json:
        say_list(settings, clock, **totals, overdue=rows)
    else:
        shown = lines(head("Overdue reports", settings, clock), clock, totals, rows, limit)
        say([*shown, *following(settings, rows), *_next.silent(settings, clock)])
    if check:
        conclude(settings, warehouse, clock, lambda: bool(warehouse.counts(RULES)["standing"]))


def lines(title: str, clock: dict[str, Any], totals: dict[str, int], rows: Rows, limit: int) -> list[str]:
    """The screen: groups by cause, the unproven first."""
    late = f"; {totals['cleared']:,} came late and are cleared" if totals["cleared"] else ""
    late += f"; {totals['withdrawn']:,} taken back" if totals["withdrawn"] else ""
    hint = " (--all)" if late and all(row["cleared_at"] is None for row in rows) else ""
    now = clock.get("through")
    shown = [title, *wrapped(f"{totals['standing']:,} open of {totals['owed']:,} owed{late}{hint}")]
    for (word, _, cause, was), some in groups(sorted(rows, key=_rank), _group):
        before = f"; when raised: {clean(was, 60)}" if was else ""
        what = f"{word:<8} {len(some):<3,} {clean(cause, 60)}{since_when(cause, some, now)}{before}"
        shown += ["", *wrapped(what, more=SET_IN)]
        shown += members(some, now, "recipient", limit)
    return shown


def following(settings: Settings, rows: Rows) -> list[str]:
    """What to look at next: the first that stands on the screen, which is not what a person has settled."""
    return _next.message(settings, next((row for row in sorted(rows, key=_rank) if _word(row) not in _SETTLED), None))


_SETTLED = frozenset({"BY HAND", "LATE"})
"""What nobody has to look into any more."""


def _rank(row: dict[str, Any]) -> int:
    return ("BLIND", "DOUBTED", "UNPROVEN", "PROVEN", "BY HAND", "LATE").index(_word(row))


def _word(row: dict[str, Any]) -> str:
    if row["cleared_at"] is not None:
        return "LATE"
    if row["proof_at"] is not None:
        return "BY HAND" if row["proof"] == "hand" else "PROVEN"
    return {"blind": "BLIND", "clock-doubt": "DOUBTED"}.get(row["rule"], "UNPROVEN")


def _group(row: dict[str, Any]) -> tuple[str, str, str, str]:
    return _word(row), row["rule"], *present(row)
