"""`custody look`: what evidence says, without a broker."""

from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from streams.cli._evidence import as_data, say_all, say_undeclared
from streams.cli._screen import clean, moment, resized, wrapped
from streams.cli._stack import json_option, say_json
from streams.core.errors import Misuse

if TYPE_CHECKING:
    from streams.collect.look import Look

SHOWN = 5
"""Findings of a rule that a person is shown."""


@click.command()
@click.argument("files", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--sources", type=click.Path(path_type=Path), help="A sources.toml; then no FILES are needed.")
@click.option("--terms", "named", default="", help="Terms: watch, guaranteed, or a file.  [default: watch]")
@click.option("--check", is_flag=True, help="Exit 1 if something stands, or is missing, or nothing is read.")
@json_option
def command(*, files: tuple[Path, ...], sources: Path | None, named: str, check: bool, as_json: bool) -> None:
    r"""Read FILES (logs, mails, JSON lines) and say what is in them, what is found, and what cannot be seen.

    \b
    Examples: custody look /var/log/mail.log
              custody look --sources day/sources.toml
    """
    from streams import profiles  # noqa: PLC0415 - columns are slow to import
    from streams.collect.guess import guessed  # noqa: PLC0415
    from streams.collect.look import look  # noqa: PLC0415
    from streams.collect.sources import read_some  # noqa: PLC0415

    if bool(files) == bool(sources):
        raise Misuse("Give FILES, or --sources.", hint="custody look --help")
    declaration = read_some(sources) if sources else guessed(list(files))
    seen = look(declaration, profiles.load(named or declaration.terms))
    if as_json:
        say_json(_as_data(seen))
    else:
        _say(seen)
    if not check:
        return
    if seen.is_blank or any(one["cleared_at"] is None for one in seen.found):
        raise click.exceptions.Exit(1)
    from streams.collect.importing import refuse_incomplete  # noqa: PLC0415 - the broker's client is slow to import

    refuse_incomplete(seen.counts, seen.beyond)


def _say(seen: "Look") -> None:
    say_all(seen.counts)
    click.echo(f"\nEvidence up to {moment(seen.through)}")
    for name, counted in (("Arrivals", seen.traffic), ("Reports", seen.states)):
        said = ", ".join(f"{what} {count:,}" for what, count in counted.most_common()) or "none"
        click.echo("\n".join(wrapped(f"{name:<10}{said}", more=" " * 10)))
    by_rule: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for one in seen.found:
        by_rule[one["rule"]].append(one)
    for rule, found in by_rule.items():
        _say_rule(rule, found)
    if seen.is_blank:
        click.echo("\nNothing could be read: no event came of it, so nothing can be found.")
    elif not by_rule:
        click.echo("\nNothing is found under these terms.")
    for line in seen.beyond:
        click.echo("\n" + "\n".join(wrapped(line)))
    say_undeclared(seen.undeclared)
    for line in seen.unseen():
        click.echo("\n" + "\n".join(wrapped(f"Cannot be seen: {line}")))


def _say_rule(rule: str, found: list[dict[str, Any]]) -> None:
    standing = [one for one in found if one["cleared_at"] is None]
    click.echo(f"\n{rule}  {len(standing):,} standing, {len(found) - len(standing):,} cleared")
    for cause, count in Counter(one["cause"] for one in standing).most_common(3):
        if cause:
            click.echo(f"  {count:>6,}  {clean(cause, 70)}")
    for one in standing[:SHOWN]:
        who = clean(one["recipient"] or one["host"], 26)
        click.echo(f"  {moment(one['raised_at'])[5:]:<15}  {resized(who, 26)} {clean(one['message_key'], 34)}")


def _as_data(seen: "Look") -> dict[str, Any]:
    return {
        "through": seen.through,
        "sources": {name: as_data(counts) for name, counts in seen.counts.items()},
        "kinds": dict(seen.kinds),
        "traffic": dict(seen.traffic),
        "reports_asked": dict(seen.asked),
        "report_states": dict(seen.states),
        "found": seen.found,
        "undeclared": seen.undeclared,
        "beyond": seen.beyond,
        "unseen": seen.unseen(),
    }
