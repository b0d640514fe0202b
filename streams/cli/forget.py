"""`custody forget`: an address leaves the warehouse."""

from pathlib import Path

import click

from streams.cli._lists import columns, ledger_options
from streams.cli._screen import clean
from streams.cli._stack import json_option, say_json, settings_of

NAMING = (
    "message-events", "evidence", "alerts", "cases", "commands", "progress", "queue-states", "custody-snapshots",
    "message-events-dlq",
)  # fmt: skip
"""Topics whose records can name a person."""


@click.command()
@click.argument("address")
@ledger_options
@click.option("--yes", is_flag=True, help="Do it; without it only say what would be done.")
@json_option
def command(
    *, address: str, data: Path | None, file: Path | None, ledger: str | None, yes: bool, as_json: bool
) -> None:
    r"""Put a pseudonym in the place of ADDRESS in every table, and delete the raw evidence that has it.

    Counts and figures stay. The log in Kafka keeps its records until their retention ends: the command says how long.

    \b
    Example: custody forget carol@dest.test --yes
    """
    from streams.warehouse import forget  # noqa: PLC0415 - the warehouse's client is slow to import
    from streams.warehouse.client import connect  # noqa: PLC0415

    settings = settings_of(data, file, ledger)
    client = connect(settings)
    rows = forget.forget(client, address) if yes else forget.found(client, address)
    named = forget.in_terms(client, address)
    if as_json:
        say_json({"ledger": settings.ledger, "done": yes, "rows": rows, "in_terms": named, "kept": kept()})
        return
    word = "had" if yes else "have"
    click.echo(f"{clean(address, 60)}: {len(rows)} tables {word} it" + ("; it is gone." if yes and rows else "."))
    for line in columns([(name, f"{count:,}") for name, count in rows.items()], "lr"):
        click.echo(line)
    if named:
        click.echo("The terms name it: they are yours to change (custody terms use).")
    click.echo("Kafka keeps its records meanwhile:")
    click.echo("\n".join(columns(kept().items(), "ll")))
    click.echo("Tables that are thrown away and fed again before then have it again.")
    if not yes:
        click.echo("Nothing is done yet: --yes")


def kept() -> dict[str, str]:
    """How long each topic that can name a person keeps its records."""
    from streams.kafka.topics import all_topics  # noqa: PLC0415 - the broker's client is slow to import

    days = {name: all_topics()[name].retention_days for name in NAMING}
    return {name: f"{count} days" if count else "the latest of each key, for ever" for name, count in days.items()}
