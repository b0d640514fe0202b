"""`custody sql`: any question to the warehouse, read-only by the engine itself."""

import sys
from pathlib import Path

import click

from streams.cli._lists import list_options, opened
from streams.cli._screen import clean

TABLE = "PrettyCompactMonoBlock"


@click.command()
@click.argument("query")
@click.option(
    "--format", "form", default=TABLE, show_default=True, help="Any of ClickHouse's: CSV, TSV, JSONEachRow ..."
)
@list_options
def command(*, query: str, form: str, data: Path | None, file: Path | None, ledger: str | None, as_json: bool) -> None:
    r"""Ask the warehouse in SQL; the engine refuses whatever would change something.

    Tables and views: custody, legs, copies, events, ticks, evidence, alerts, alarms, cases, reliability_daily,
    reliability_by_priority, reliability_by_peer, reliability_by_domain, transfer_times; all of them: SHOW TABLES.
    Columns: DESCRIBE custody.

    \b
    Examples: custody sql "SELECT outcome, count() FROM custody GROUP BY 1"
              custody sql "SELECT * FROM transfer_times" --format CSV
    """
    _, warehouse = opened(data, file, ledger, is_long=True)
    answer = warehouse.sql(query, "JSON" if as_json else form)
    if form == TABLE and not as_json:
        answer = "\n".join(clean(line) for line in answer.decode("utf-8", "replace").split("\n")).encode()
    elif sys.stdout.isatty():  # what a terminal shows never carries control characters of a log
        answer = b"".join(_harmless(line) for line in answer.splitlines(keepends=True))
    click.echo(answer, nl=False)


def _harmless(line: bytes) -> bytes:
    text = line.decode("utf-8", "replace")
    return "".join(part if part in "\t\n" else clean(part) for part in text).encode()
