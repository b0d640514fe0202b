"""`custody topics`: what is in the log, topic by topic, and what of it could not be understood."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from streams.cli._screen import clean, flow, moment, wrapped
from streams.cli._stack import data_options, json_option, say_json, settings_of
from streams.core.errors import Unavailable
from streams.settings import Settings

MOST = 1000
"""Records of the topic of dead letters that are looked at."""

VALUE = 200
"""Characters of a dead letter's key and value that are shown; `--json` has what was kept of them."""


@click.command()
@data_options
@click.option("--ledger", help="Ledger whose topics are named.  [default: main]")
@click.option("--create", "make", is_flag=True, help="Make those that are missing at the brokers.")
@click.option("--dead-letters", "dead", is_flag=True, help="List what could not be understood: where, when and why.")
@json_option
def command(*, data: Path | None, file: Path | None, ledger: str | None, make: bool, dead: bool, as_json: bool) -> None:
    r"""List the topics of a ledger: what they hold, by which key, who writes and who reads.

    \b
    Examples: custody topics
              custody topics --ledger drill --create
              custody topics --dead-letters
    """
    from streams.kafka import topics  # noqa: PLC0415 - the client of Kafka is slow to import

    settings = settings_of(data, file, ledger)
    if dead:
        letters = _letters(settings)
        say_json(letters) if as_json else click.echo(dead_letters(settings, letters))
        return
    made = topics.create(settings) if make else []
    found = rows(settings, made, _there(settings))
    if as_json:
        say_json(found)
        return
    click.echo("\n\n".join(map(entry, found)))
    if make:
        click.echo(f"\n{len(made)} made, {len(topics.all_topics()) - len(made)} were there.")


def _letters(settings: Settings) -> list[dict[str, Any]]:
    """The last dead letters; bytes of keys and values as people and JSON can have them."""
    from streams.kafka.broker import KafkaLog  # noqa: PLC0415
    from streams.kafka.deadletters import latest  # noqa: PLC0415

    found = latest(KafkaLog(settings), MOST)
    return [
        letter | {name: (letter[name] or b"").decode("utf-8", "backslashreplace") for name in ("key", "value")}
        for letter in found
    ]


def dead_letters(settings: Settings, letters: Sequence[dict[str, Any]]) -> str:
    """Dead letters for a terminal, the last one last."""
    head = ["Dead letters", f"ledger {settings.ledger}", f"{len(letters)} that could not be understood"]
    return "\n".join([flow(head), *(line for letter in letters for line in ("", *_told(letter)))])


def _told(letter: dict[str, Any]) -> list[str]:
    never = letter["offset"] < 0
    where = f"{letter['topic']}/{letter['partition']}" + (", never in the log" if never else f" at {letter['offset']}")
    key, value = (clean(letter[name], VALUE) for name in ("key", "value"))
    return [
        *wrapped(f"{moment(letter['at'])}  {where}"),
        *wrapped(clean(letter["reason"]), "  "),
        *(wrapped(f"key: {key}", "  ") if key else []),
        *(wrapped(f"value: {value}", "  ") if value else []),
    ]


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
