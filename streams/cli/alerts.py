"""`custody alerts`: everything that is found, or what is found from now on."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from streams.cli import _next
from streams.cli._calm import conclude
from streams.cli._grouped import Rows, groups
from streams.cli._lists import (
    columns,
    cut,
    head,
    limit_option,
    list_options,
    opened,
    plain,
    say,
    say_if_short,
    say_list,
)
from streams.cli._screen import clean, escaped, hour, moment, resized
from streams.cli._stack import settings_of
from streams.core.errors import Misuse, Undecodable
from streams.core.terms import FINDINGS, LATE
from streams.kafka.names import ALERTS
from streams.settings import Settings

RULES = tuple(dict.fromkeys((*FINDINGS, *LATE)))


@click.command()
@list_options
@limit_option
@click.option("--rule", default="", help="Only of these rules (names with commas between).")
@click.option("--all", "everything", is_flag=True, help="Show cleared ones, too.")
@click.option("--follow", is_flag=True, help="Say instead what is raised and cleared from now on, until Ctrl-C.")
@click.option("--check", is_flag=True, help="Exit 1 if something stands; 3 if the clock stands still.")
def command(  # noqa: PLR0913 - options
    *,
    data: Path | None,
    file: Path | None,
    ledger: str | None,
    as_json: bool,
    limit: int,
    rule: str,
    everything: bool,
    follow: bool,
    check: bool,
) -> None:
    r"""List what is found, by rule, or follow it.

    \b
    Examples: custody alerts --rule stuck,refused
              custody alerts --follow
    """
    rules = checked(rule)
    if follow:
        _refuse_of_lists()
        _follow(settings_of(data, file, ledger), rules, as_json=as_json)
        return
    settings, warehouse = opened(data, file, ledger)
    clock, rows = warehouse.clock(), warehouse.alerts(rule, standing=not everything)
    say_if_short(rows)
    if as_json:
        say_list(settings, clock, alerts=rows)
    else:
        first = next((row for row in rows if row["cleared_at"] is None and row["message_key"]), None)
        shown = lines(head("Alerts", settings, clock), rows, limit)
        say([*shown, *_next.message(settings, first), *_next.silent(settings, clock)])
    if check:
        conclude(settings, warehouse, clock, lambda: bool(warehouse.alerts(rule, standing=True)))


def checked(rule: str) -> frozenset[str]:
    """The rules of a list of names; all where none is named.

    Raises:
        Misuse: there is no such rule.
    """
    names = frozenset(name for name in rule.split(",") if name)
    for name in sorted(names - set(RULES)):
        raise Misuse(f"There is no rule {name!r}.", hint=f"rules: {', '.join(RULES)}")
    return names or frozenset(RULES)


def _refuse_of_lists() -> None:
    given = click.get_current_context().get_parameter_source
    for name, option in (("everything", "--all"), ("check", "--check"), ("limit", "--limit")):
        if given(name) is ParameterSource.COMMANDLINE:
            raise Misuse(f"{option} is of the list: --follow says what comes from now on.", hint=f"leave {option} out")


def lines(title: str, rows: Rows, limit: int) -> list[str]:
    """The screen: groups by rule, the earliest first."""
    shown = [title] if rows else [title, "Nothing stands."]
    for rule, some in groups(rows, lambda row: row["rule"]):
        standing = sum(row["cleared_at"] is None for row in some)
        gone = f", {len(some) - standing:,} cleared" if standing < len(some) else ""
        first, more = cut(some, limit)
        shown += [
            "",
            f"{clean(rule, 30)}  {standing:,} standing{gone}",
            *columns(map(_cells, first), "llll", flex=2),
            *more,
        ]
    return shown


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    word = "withdrawn" if row["withdrawn"] else "to"
    state = "" if row["cleared_at"] is None else f"{word} {hour(row['cleared_at'], row['raised_at'])}"
    who = clean(row["recipient"] or row["host"], 24)
    return moment(row["raised_at"])[5:], who, row["message_key"], state


def _follow(settings: Settings, rules: frozenset[str], *, as_json: bool) -> None:
    """Print each record of the alerts topic as it comes."""
    import msgspec  # noqa: PLC0415

    for alert in told(settings):
        if alert["rule"] not in rules:
            continue
        if as_json:
            click.echo(escaped(msgspec.json.encode(plain(alert)).decode()))
            continue
        what, rule = clean(alert["recipient"] or alert["host"], 22), clean(alert["rule"], 16)
        when, state = moment(alert["at"])[5:], clean(alert["state"], 7)
        click.echo(f"{when:<15} {state:<7} {rule:<16} {resized(what, 22)} {clean(alert['message_key'], 15)}")


def told(settings: Settings) -> Iterator[dict[str, Any]]:
    """Alert records from now on, for ever."""
    from streams.cli._tail import tail  # noqa: PLC0415 - the broker's client is slow to import
    from streams.kafka import topics  # noqa: PLC0415
    from streams.wire import records  # noqa: PLC0415

    with topics.known(settings):
        for value in tail(settings, ALERTS):
            try:
                yield records.decode("alert", value)
            except Undecodable as error:
                click.echo(f"a record that is no alert: {clean(error, 200)}", err=True)
