"""`custody demo`: the main job, from evidence to the operator's screen, on a sample day."""

import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from streams.cli._stack import data_options, detach, settings_of
from streams.core.errors import CustodyError, Misuse, Unavailable
from streams.settings import Settings, running

if TYPE_CHECKING:
    from streams.warehouse.totals import Totals

DAY = Path(__file__).resolve().parents[2] / "tests" / "data" / "day"
PATIENCE = 90
"""Seconds for everything to be derived after the import."""

LOST = "day-0129.lost@origin.test"
SCREENS = (
    ("queue",),
    ("overdue",),
    ("unread",),
    ("cases",),
    ("reliability", "--by", "priority"),
    ("trace", LOST),
    ("replay", "--diff"),
)
"""What an operator looks at, in this order."""


@click.command()
@data_options
@click.option("--keep/--stop", default=True, help="Leave the stack running afterwards.  [default: keep]")
def command(*, data: Path | None, file: Path | None, keep: bool) -> None:
    r"""Start the stack, import a sample day of three switches and a store, and show what an operator sees.

    \b
    Example: custody demo --data .custody
    """
    if not (DAY / "sources.toml").exists():
        raise Misuse("The sample day is in the source repository only.", hint="clone it and run: make demo")
    console = Console(stderr=True, highlight=False)
    settings = settings_of(data, file)
    with console.status("Starting Kafka and ClickHouse (a first start fetches 45 jars)"):
        stack = running(settings.data) or detach(settings, file)
    console.print(f"Stack runs: Kafka {stack.kafka_brokers}, warehouse {stack.clickhouse_url}")
    named = ("--data", str(settings.data), *(("--settings", str(file)) if file else ()))
    _show(("import", str(DAY / "sources.toml")), named)
    with console.status("Clock, tracker, feed and cases at work") as status:
        wait(settings_of(data, file), status.update)
    for screen in SCREENS:
        _show(screen, named)
    click.echo(f"\nThe stack runs on; look around with: custody trace {LOST} --raw, custody sql, custody alerts")
    click.echo("Stop it with: custody down")
    if not keep:
        _run(("down",), named)


def wait(settings: Settings, tell: Any) -> None:
    """Wait until what was told live, what a replay tells and what the warehouse holds are one.

    Raises:
        Unavailable: they are not within the patience.
    """
    deadline = time.monotonic() + PATIENCE
    state = "nothing yet"
    while time.monotonic() < deadline:
        try:
            state = _state(settings)
        except CustodyError as error:
            state = str(error)
        if not state:
            return
        tell(f"Clock, tracker, feed and cases at work: {state}")
        time.sleep(0.5)
    raise Unavailable(f"After {PATIENCE} s: {state}.", hint=f"see {settings.data / 'log'}")


def _state(settings: Settings) -> str:
    """What is still missing; "" where all is there."""
    from streams.kafka.broker import KafkaLog  # noqa: PLC0415
    from streams.kafka.progress import terms_of  # noqa: PLC0415
    from streams.track.replay import Replay, compare, live  # noqa: PLC0415
    from streams.warehouse.totals import totals  # noqa: PLC0415

    log = KafkaLog(settings)
    replay = Replay(terms=terms_of(log)[1])
    for _ in replay.run(log):
        pass
    if replay.clock is None:
        return "the clock has not ticked"
    told = live(log)
    if not compare(told, replay.alerts).identical:
        return f"{len(told):,} of {len(replay.alerts):,} alerts told"
    return _derived(totals(settings), sum(state == "raised" for _, state in told))


def _derived(there: "Totals", raised: int) -> str:
    if there.alerts < raised:
        return f"{there.alerts:,} of {raised:,} alerts in the warehouse"
    if not there.custody or there.alarms < raised:
        return "custody is being derived in SQL"
    return "" if there.in_cases >= raised else f"{there.in_cases:,} of {raised:,} alerts in cases"


def _show(arguments: tuple[str, ...], named: tuple[str, ...]) -> None:
    """Run a command of ours and say how to run it again."""
    click.secho(f"\n$ custody {' '.join(arguments)}", bold=True)
    _run(arguments, named)


def _run(arguments: tuple[str, ...], named: tuple[str, ...]) -> None:
    sys.stdout.flush()
    command_line = [sys.executable, "-m", "streams.cli", *arguments, *named]
    code = subprocess.run(command_line, check=False).returncode  # noqa: S603 - ourselves
    if code not in {0, 1}:
        raise click.exceptions.Exit(code)
