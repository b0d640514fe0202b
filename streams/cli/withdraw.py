"""`custody withdraw`: a source is read no more."""

from pathlib import Path

import click

from streams.cli._lists import ledger_options
from streams.cli._screen import clean
from streams.cli._stack import json_option, say_json, settings_of


@click.command()
@click.argument("sources", nargs=-1, required=True)
@ledger_options
@json_option
def command(
    *, sources: tuple[str, ...], data: Path | None, file: Path | None, ledger: str | None, as_json: bool
) -> None:
    r"""Tell a ledger that SOURCES are read no more, so that its clock does not wait for them.

    Nor are they silent then. What was read of them stays. A collector that is started again for one of them declares
    it again; one that still runs goes on, and nobody waits for it.

    \b
    Example: custody withdraw old-relay
    """
    from streams.collect import declaring  # noqa: PLC0415 - the client of Kafka is slow to import
    from streams.kafka import topics  # noqa: PLC0415

    settings = settings_of(data, file, ledger)
    topics.there(settings)  # or it is refused
    declaring.withdraw(settings, sources)
    if as_json:
        say_json({"ledger": settings.ledger, "withdrawn": list(sources)})
    else:
        click.echo(f"Withdrawn from {settings.ledger}: {clean(', '.join(sources), 60)}")
