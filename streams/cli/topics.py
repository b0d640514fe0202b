"""`custody topics`: what is in the log, topic by topic."""

from pathlib import Path

import click

from streams.cli._screen import flow, wrapped
from streams.cli._stack import data_options, json_option, say_json, settings_of
from streams.core.errors import Unavailable
from streams.settings import Settings


@click.command()
@data_options
@click.option("--ledger", help="Ledger whose topics are named.  [default: main]")
@click.option("--create", "make", is_flag=True, help="Make those that are missing at the brokers.")
@json_option
def command(*, data: Path | None, file: Path | None, ledger: str | None, make: bool, as_json: bool) -> None:
    r"""List the topics of a ledger: what they hold, by which key, who writes and who reads.

    \b
    Examples: custody topics
              custody topics --ledger drill --create
    """
    from streams.kafka import topics  # noqa: PLC0415 - the client of Kafka is slow to import

    settings = settings_of(data, file, ledger)
    made = topics.create(settings) if make else []
    found = rows(settings, made, _there(settings))
    if as_json:
        say_json(found)
        return
    click.echo("\n\n".join(map(entry, found)))
    if make:
        click.echo(f"\n{len(made)} made, {len(topics.all_topics()) - len(made)} were there.")


def _there(settings: Settings) -> set[str] | None:
    """The topics at the brokers; None, and said, where they do not answer: what topics there are is known without.

    Raises:
        Misuse: none is of this ledger.
    """
    from streams.kafka import topics  # noqa: PLC0415

    try:
        return topics.there(settings)
    except Unavailable as away:
        said = f"Whether they are at the brokers is not known: {away}"
        click.echo("\n".join(wrapped(said)), err=True)
        return None


def rows(settings: Settings, made: list[str], there: set[str] | None = None) -> list[dict[str, object]]:
    """The topics of a ledger as plain data; `there`: those at the brokers, None where that is not known."""
    from streams.kafka import topics  # noqa: PLC0415

    found: list[dict[str, object]] = []
    for topic in topics.all_topics().values():
        name = topics.topic_name(topic.name, settings.ledger)
        found.append(
            {
                "topic": name,
                "what": topic.what,
                "key": topic.key,
                "producers": topic.producers,
                "consumers": topic.consumers,
                "schema": topic.schema,
                "partitions": topics.partitions(topic, settings),
                "cleanup": topic.cleanup,
                "retention_days": topic.retention_days,
                "segment_minutes": topic.segment_minutes,
                "made": name in made,
                "there": None if there is None else name in there,
            }
        )
    return found


def entry(row: dict[str, object]) -> str:
    """One topic for a terminal."""
    days = row["retention_days"]
    kept = "for ever" if days is None else f"{days} days"
    minutes = row["segment_minutes"]
    kept += f", the last of each key after {_span(minutes)}" if isinstance(minutes, int) else ""
    count = row["partitions"]
    parts = f"{count} partition{'' if count == 1 else 's'}"
    head = [
        str(row["topic"]),
        f"{parts}, kept {kept}",
        *(["MADE"] if row["made"] else []),
        *(["MISSING"] if row["there"] is False else []),
    ]
    below = (
        f"{row['what']}",
        f"key: {row['key']}   schema: {row['schema'] or 'columnar segments'}",
        f"{row['producers']} -> {row['consumers']}",
    )
    return "\n".join([flow(head), *(line for text in below for line in wrapped(text, "  "))])


def _span(minutes: int) -> str:
    return {1440: "a day", 60: "an hour"}.get(minutes, f"{minutes} min")
