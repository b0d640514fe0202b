"""`custody replay`: derive custody and alarms again from the log alone."""

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from streams import process
from streams.cli._lists import columns
from streams.cli._moments import micros_of
from streams.cli._screen import as_datetime, clean, flow, moment, since, wrapped
from streams.cli._stack import data_options, json_option, say_json, settings_of

if TYPE_CHECKING:
    from streams.track.replay import Difference, Replay
    from streams.track.standing import Standing

SHOWN = 20
"""Lines of a difference or list that a person is shown."""


@click.command()
@data_options
@click.option("--ledger", help="Ledger to read.  [default: main]")
@click.option("--until", "--at", "until", help="What did we know then: 2026-11-23T23:29:00Z.")
@click.option("--terms", "named", default="", help="Other terms: a shipped profile or a file.")
@click.option("--diff", "difference", is_flag=True, help="Compare with what the live run told; exit 1 if it differs.")
@click.option("--all", "show_all", is_flag=True, help="Show cleared alarms too.")
@json_option
def command(  # noqa: PLR0913 - options
    *,
    data: Path | None,
    file: Path | None,
    ledger: str | None,
    until: str | None,
    named: str,
    difference: bool,
    show_all: bool,
    as_json: bool,
) -> None:
    r"""Derive custody and alarms again from the log, without touching anything that is live.

    \b
    Examples: custody replay --diff
              custody replay --at 2026-11-23T23:29:00Z
              custody replay --terms guaranteed
    """
    process.prepare()
    from streams import profiles  # noqa: PLC0415 - the broker's client is slow to import
    from streams.kafka import topics  # noqa: PLC0415
    from streams.kafka.broker import KafkaLog  # noqa: PLC0415
    from streams.kafka.terms import terms_of  # noqa: PLC0415
    from streams.track.replay import compare, elsewise, live, under  # noqa: PLC0415
    from streams.track.shares import replayed  # noqa: PLC0415

    through = micros_of(until) if until else None
    settings = settings_of(data, file, ledger)
    log = KafkaLog(settings)
    with topics.known(settings):
        replay = replayed(log, profiles.load(named) if named else terms_of(log)[1], through)
    told, others = live(log), set[str]()
    if not named:
        told, others = under(told, replay.terms.version), elsewise(told, replay.terms.version)
    told = replay.reached(replay.known(told))
    found = compare(*map(replay.comparable, (told, replay.alerts))) if difference else None
    if as_json:
        say_json(_as_data(replay, found, others))
    else:
        _say(replay, found, others, show_all=show_all)
    if found is not None and not found.identical:
        raise click.exceptions.Exit(1)


def _say(replay: "Replay", found: "Difference | None", others: set[str], *, show_all: bool) -> None:
    clock = moment(replay.clock)
    click.echo(flow(["Replay", f"{replay.events:,} events", f"clock {clock}", f"terms {replay.terms.profile.name}"]))
    counts = Counter((alert["rule"], alert["state"]) for alert in replay.alerts.values())
    for rule in sorted({rule for rule, _ in counts}):
        raised, cleared = counts[rule, "raised"], counts[rule, "cleared"]
        click.echo(f"  {rule:<22} {raised:>7,} raised {cleared:>7,} cleared {raised - cleared:>7,} standing")
    if replay.begins is not None:
        gone = f"The log begins {moment(replay.begins)}: of what was before nothing is known here."
        since = moment(replay.since)
        click.echo("\n".join(wrapped(gone + (f" Compared is what was raised since {since}." if found else ""))))
    if replay.untold:
        which = ", ".join(map(str, sorted(replay.untold)))
        untold = f"The beginning is gone, and no tick is left to say the time, of partition {which}."
        click.echo("\n".join(wrapped(untold + (" Nothing of it is compared." if found else ""))))
    if found is not None:
        if not found.identical:
            _say_others(replay, others)
        _say_difference(found)
    else:
        click.echo("\n".join(standing(replay.standing, replay.clock)))
        _say_alarms(replay, show_all=show_all)


def _say_others(replay: "Replay", others: set[str]) -> None:
    """Each version of Custody has its own defaults, and they are part of the terms."""
    if others:
        theirs, ours = ", ".join(sorted(others)), replay.terms.version
        text = (f"Alarms that stand live were raised under other terms ({theirs}) than this replay's ({ours}), and "
                "differ for that: start the workers again in this version of Custody, whose defaults are part of the "
                "terms, and compare when they have caught up.")  # fmt: skip
        click.echo("\n".join(wrapped(text)))


def _say_difference(found: "Difference") -> None:
    if found.identical:
        click.echo("Live and replay are identical.")
        return
    differ = (f"Live and replay DIFFER: {len(found.missing):,} only live, {len(found.extra):,} only in the replay, "
              f"{len(found.other):,} at other times.")  # fmt: skip
    rows = [("only live", alert) for alert in found.missing[:SHOWN]]
    rows += [("only replay", alert) for alert in found.extra[:SHOWN]]
    for told, again in found.other[:SHOWN]:
        rows += [("live", told), ("replay", again)]
    click.echo("\n".join([*wrapped(differ), *compared(rows)]))
    more = sum(max(0, len(some) - SHOWN) for some in (found.missing, found.extra, found.other))
    if more:
        click.echo(f"  and {more:,} more (--json)")


def _say_alarms(replay: "Replay", *, show_all: bool) -> None:
    cleared = {number for number, state in replay.alerts if state == "cleared"}
    raised = [alert for (number, state), alert in replay.alerts.items() if state == "raised"]
    shown = [alert for alert in raised if show_all or alert["alert_id"] not in cleared]
    first = sorted(shown, key=lambda one: one["at"])[: None if show_all else SHOWN]
    for line in lines(first):
        click.echo(line)
    if not show_all and len(shown) > SHOWN:
        click.echo(f"  and {len(shown) - SHOWN:,} more (--all, --json)")


def standing(held: "Standing", clock: int | None) -> list[str]:
    """Where what has not closed stands at the clock, in microseconds: the reports, then the queues, oldest first."""
    reports = ", ".join(f"{word} {held.reports[word]:,}" for word in sorted(held.reports)) or "none was promised"
    owed = sum(queue.count for queue in held.queues.values())
    said = wrapped(f"Not closed: reports: {reports}; owed in queues: {owed:,}.")
    now = as_datetime(clock)
    cells = [
        (
            queue.host,
            f"to {queue.next_hop or '-'}",
            f"{queue.count:,} owed",
            f"oldest {since(as_datetime(queue.oldest), now)}",
            f"{queue.deferred:,} deferred, {queue.held:,} held",
        )
        for queue in held.oldest_first[:SHOWN]
    ]
    more = len(held.queues) - len(cells)
    return [*said, *columns(cells, "llrll", flex=1), *([f"  and {more:,} more queues (--json)"] if more else [])]


def lines(alerts: list[dict[str, Any]]) -> list[str]:
    """A line an alarm: when, what, about whom, and the message."""
    return columns([_cells(alert, 24, 16) for alert in alerts], "llll", flex=3)


def compared(rows: list[tuple[str, dict[str, Any]]]) -> list[str]:
    """The same of alerts that differ, each with a word before it, and whether it is raised or cleared."""
    cells = [(word, *_cells(alert, 14, 13, clean(alert["state"], 7))) for word, alert in rows]
    return columns(cells, "llllll", flex=5)


def _cells(alert: dict[str, Any], of_who: int, of_rule: int, *state: str) -> tuple[str, ...]:
    who = clean(alert["recipient"] or alert["host"], of_who)
    return moment(alert["at"])[5:], *state, clean(alert["rule"], of_rule), who, alert["message_key"]


def _as_data(replay: "Replay", found: "Difference | None", others: set[str]) -> dict[str, Any]:
    data: dict[str, Any] = {
        "events": replay.events,
        "clock": replay.clock,
        "begins": replay.begins,
        "untold": sorted(replay.untold),
        "terms": replay.terms.version,
        "alerts": [_plain(alert) for alert in replay.alerts.values()],
        "reports": dict(replay.standing.reports),
        "queues": [asdict(queue) for queue in replay.standing.oldest_first],
    }
    if found is not None:
        data["identical"] = found.identical
        data["other_terms"] = sorted(others)
        data["difference"] = {
            "missing": [_plain(alert) for alert in found.missing],
            "extra": [_plain(alert) for alert in found.extra],
            "other": [[_plain(told), _plain(again)] for told, again in found.other],
        }
    return data


def _plain(alert: dict[str, Any]) -> dict[str, Any]:
    return {name: value.hex() if isinstance(value, bytes) else value for name, value in alert.items()}
