"""`custody sql`: any question to the warehouse, read-only by the engine itself."""

import sys
from pathlib import Path
from typing import Any

import click

from streams.cli._lists import list_options, opened
from streams.cli._screen import clean
from streams.core.errors import Misuse
from streams.local.question import READ, format_of

TABLE = "PrettyCompactMonoBlock"


@click.command()
@click.argument("query")
@click.option("--format", "form", help=f"Any of ClickHouse's: CSV, TSV ...  [default: the query's FORMAT, or {TABLE}]")
@list_options
def command(
    *, query: str, form: str | None, data: Path | None, file: Path | None, ledger: str | None, as_json: bool
) -> None:
    r"""Ask the warehouse in SQL; the engine refuses whatever would change something.

    Among its views are custody, legs, events, alarms and reliability_daily. Columns: DESCRIBE custody.

    \b
    Examples: custody sql "SELECT outcome, count() FROM custody GROUP BY 1"
              custody sql "SELECT * FROM transfer_times FORMAT CSV"

    \b
    All views, and what each is:
      SELECT name, comment FROM system.tables
      WHERE database = currentDatabase() AND engine = 'View'
    """
    if not query.strip(" \t\r\n;"):
        raise Misuse("The query is empty.", hint='custody sql "SELECT outcome, count() FROM custody GROUP BY 1"')
    _, warehouse = opened(data, file, ledger, is_long=True)
    chosen = _chosen(_named(warehouse.client, query), "JSON" if as_json else form)
    answer = warehouse.sql(query, chosen)
    if chosen == TABLE:
        answer = "\n".join(clean(line) for line in answer.decode("utf-8", "replace").split("\n")).encode()
    elif sys.stdout.isatty():  # what a terminal shows never carries control characters of a log
        answer = b"".join(_harmless(line) for line in answer.splitlines(keepends=True))
    click.echo(answer, nl=False)


def _named(client: Any, query: str) -> str:
    """The format that the query names, as the warehouse reads it; "" also of what it cannot read, and will refuse."""
    from streams.warehouse.client import ask  # noqa: PLC0415 - the warehouse's client is slow to import

    if "format" not in query.lower():
        return ""
    read = ask(client, f"SELECT {READ}", {"sql": query})[0]
    return format_of(read["text"], "") if read["is_named"] else ""


def _chosen(named: str, form: str | None) -> str:
    """The format of the answer: what the options say, or the query's own ending, but not both."""
    if form and named and named.lower() != form.lower():
        raise Misuse(f"The query ends in FORMAT {named}, and the options say {form}.", hint="leave one of them out")
    return named or form or TABLE


def _harmless(line: bytes) -> bytes:
    text = line.decode("utf-8", "replace")
    return "".join(part if part in "\t\n" else clean(part) for part in text).encode()
