"""`custody cases`: causes with what they hold up; acknowledge or discharge one, or discharge a message of one."""

from pathlib import Path
from typing import Any

import click

from streams.cli import _next
from streams.cli._calm import conclude
from streams.cli._lists import columns, cut, head, limit_option, list_options, opened, say, say_list
from streams.cli._screen import WIDTH, clean, moment, width_of, wrapped
from streams.core.errors import Misuse

NUMBER = 8
"""Characters of a case's id that a person is shown; six name it."""

INDENT = " " * 12
"""Before what stands below a case."""


@click.command()
@list_options
@limit_option
@click.option("--all", "everything", is_flag=True, help="Show closed ones too.")
@click.option(
    "--check", is_flag=True, help="Exit 1 if a case is open that nobody acknowledged; 3 if the clock stands still."
)
@click.option("--acknowledge", metavar="CASE", help="Say that a person has seen it; it stays until all is cleared.")
@click.option(
    "--discharge",
    metavar="WHAT",
    help="Say that all of a case arrived, by other proof; or, with --recipient, a message.",
)
@click.option("--recipient", metavar="ADDRESS", help="Whom the message that is discharged reached.")
@click.option("--by", "author", default="", help="Who says so.")
@click.option("--reason", default="", help="Why, in a sentence that will be kept.")
def command(  # noqa: PLR0913 - options
    *,
    data: Path | None,
    file: Path | None,
    ledger: str | None,
    as_json: bool,
    limit: int,
    everything: bool,
    check: bool,
    acknowledge: str | None,
    discharge: str | None,
    recipient: str | None,
    author: str,
    reason: str,
) -> None:
    r"""List what holds messages up: one case a cause, with how much it holds up.

    \b
    Examples: custody cases
              custody cases --acknowledge 3f2a9c01 --by Doe --reason "in repair"
              custody cases --discharge 3f2a9c01 --by Doe --reason "all were told"
              custody cases --discharge MESSAGE --recipient ADDRESS \
                  --by Doe --reason "told"
    """
    _check(acknowledge, discharge, recipient, author, reason)
    settings, warehouse = opened(data, file, ledger)
    if acknowledge or discharge:
        from streams.cli import _orders  # noqa: PLC0415 - the broker's client is slow to import

        operator = _orders.Operator(settings, warehouse, author=author, reason=reason)
        if acknowledge:
            done = operator.acknowledge(acknowledge)
        elif recipient is None:
            done = operator.discharge_case(discharge or "")
        else:
            done = operator.discharge(discharge or "", recipient)
        if as_json:
            say_list(settings, warehouse.clock(), done=done)
        else:
            say(line for said in done.splitlines() for line in wrapped(said))
        return
    clock, rows = warehouse.clock(), warehouse.cases(all_of_them=everything)
    if as_json:
        say_list(settings, clock, cases=rows)
    else:
        first = next((row for row in rows if row["state"] == "open"), None)
        following = _next.case(settings, _number(first), first["cause"]) if first else []
        say([*lines(head("Cases", settings, clock), rows, limit), *following])
    if check:
        conclude(settings, warehouse, clock, lambda: bool(warehouse.cases(all_of_them=False)))


def _check(acknowledge: str | None, discharge: str | None, recipient: str | None, author: str, reason: str) -> None:
    if acknowledge and discharge:
        raise Misuse("Acknowledge or discharge, one at a time.")
    if recipient is not None and not discharge:
        raise Misuse("--recipient goes with --discharge.", hint="--discharge MESSAGE --recipient ADDRESS")
    if (acknowledge or discharge) and not (author.strip() and reason.strip()):
        raise Misuse("Say who and why.", hint='--by NAME --reason "..."')
    if (author or reason) and not (acknowledge or discharge):
        raise Misuse("--by and --reason go with --acknowledge or --discharge.")


def lines(title: str, rows: list[dict[str, Any]], limit: int) -> list[str]:
    """The screen: a line a case, those that stand first; who has seen it below."""
    if not rows:
        return [title, "No case is open."]
    names = ("case", "state", "since", "now", "of", "cause")
    first, more = cut(rows, limit)
    shown = columns([names, *map(_cells, first)], "lllrrl")
    told = [title, "The most severe first, then the oldest.", "", shown[0]]
    for line, row in zip(shown[1:], first, strict=True):
        told += (
            [line]
            if width_of(line) <= WIDTH
            else [line[: -len(_cells(row)[-1])].rstrip(), *wrapped(row["cause"], INDENT)]
        )
        if row["acknowledged_by"]:
            told += wrapped(f"seen by {row['acknowledged_by']}: {row['note']}", INDENT)
    return told + more


def _number(row: dict[str, Any]) -> str:
    number: str = row["case_id"].hex()[:NUMBER]
    return number


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    return (
        _number(row),
        "seen" if row["state"] == "acknowledged" else clean(row["state"], 12),
        moment(row["opened_at"])[5:],
        f"{row['standing']:,}",
        f"{row['members']:,}",
        clean(row["cause"]),
    )
