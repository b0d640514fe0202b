"""`custody demo`: the main job, from evidence to the operator's screen: a sample day, with a simulated one between."""

import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from streams.advice import STACK, data_option
from streams.cli import _typed
from streams.cli._stack import data_options, detach, settings_of
from streams.core.errors import CustodyError, Misuse, Unavailable
from streams.settings import Settings, running

if TYPE_CHECKING:
    from streams.warehouse.totals import Totals

DAY = Path(__file__).resolve().parents[2] / "tests" / "data" / "day"
PATIENCE = 300
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

POLL = 0.5

DRILL = ("--messages", "1500", "--seed", "11")
"""The simulated day."""


@click.command()
@data_options
@click.option("--keep/--stop", default=True, help="Leave the stack running afterwards.  [default: keep]")
def command(*, data: Path | None, file: Path | None, keep: bool) -> None:
    r"""Import a sample day, play a simulated one and check what was found; then show what an operator sees.

    \b
    Example: custody demo --data .custody
    """
    if not (DAY / "sources.toml").exists():
        raise Misuse("The sample day is in the source repository only.", hint="clone it and run: make demo")
    console = Console(stderr=True, highlight=False)
    settings = settings_of(data, file)
    with console.status("Starting Kafka and ClickHouse (a first start fetches jars)"):
        stack = running(settings.data) or detach(settings, file)
    console.print(f"Stack runs: Kafka {stack.kafka_brokers}, warehouse {stack.clickhouse_url}")
    named = ("--data", str(settings.data), *(("--settings", str(file)) if file else ()))
    _show(("import", str(DAY / "sources.toml")), named)
    with console.status("Clock, tracker, feed and cases at work") as status:
        wait(settings_of(data, file), status.update)
    number = sum(1 for _ in settings.data.glob("drill_*")) + 1
    code = _drill(settings_of(data, file, f"drill_{number}"), named)
    click.echo("\nBack to the sample day: what an operator sees of it.")
    for screen in SCREENS:
        _show(screen, named)
    if keep:
        click.echo("\nThe stack runs on; look around, also with custody sql:")
        for words in (("trace", "--raw", LOST), ("alerts",)):
            click.echo("\n".join(_typed.command(" ", settings, *words)))
        click.echo(f"Stop it with: custody down{data_option(settings.data)}")
    else:
        _run(("down",), named)
    raise click.exceptions.Exit(code)


def _drill(settings: Settings, named: tuple[str, ...]) -> int:
    """A simulated day in a ledger of its own: logs and mails through the collectors, live alarms against the truth.

    Returns 1 where they differ.
    """
    from streams.simulate import ledger, promises  # noqa: PLC0415 - the broker's client is slow to import

    click.echo("\nNow a day of a simulated network in which everything goes wrong. Its logs and")
    click.echo("mails are read by the collectors; the table holds what Custody found to the truth")
    click.echo("(late is by the simulated clock, of which a day passes in seconds here).")
    ledger.prepare(settings, promises.text(), promises.terms())  # a tracker takes up the terms that it finds
    with tracked(settings, named):
        folder = settings.data / settings.ledger
        return _show(("simulate", *DRILL, "--out", str(folder), "--ledger", settings.ledger, "--check"), named)


@contextmanager
def tracked(settings: Settings, named: tuple[str, ...]) -> Iterator[None]:
    """A tracker for a ledger, as long as it is needed."""
    command_line = [
        sys.executable,
        "-m",
        "streams.cli",
        "worker",
        "--roles",
        "track",
        "--ledger",
        settings.ledger,
        *named,
    ]
    with (settings.data / "log" / f"{settings.ledger}.log").open("wb") as output:
        process = subprocess.Popen(command_line, stdin=subprocess.DEVNULL, stdout=output, stderr=output)  # noqa: S603 - ourselves
        try:
            _await(settings, process)
            yield
        finally:
            process.terminate()
            process.wait(PATIENCE)


def _await(settings: Settings, process: "subprocess.Popen[bytes]") -> None:
    """Wait until a tracker reads: what it is late with shall be its own delay."""
    from streams.kafka.lag import is_tracked  # noqa: PLC0415

    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        if is_tracked(settings, 10):
            return
        time.sleep(POLL)
    raise Unavailable("The tracker does not start.", hint=f"see {settings.data / 'log'}")


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
        time.sleep(POLL)
    raise Unavailable(f"After {PATIENCE} s: {state}.", hint=f"see {settings.data / 'log'}")


def _state(settings: Settings) -> str:
    """What is still missing; "" where all is there."""
    from streams.kafka.broker import KafkaLog  # noqa: PLC0415
    from streams.kafka.progress import claims  # noqa: PLC0415
    from streams.kafka.terms import terms_of  # noqa: PLC0415
    from streams.respond.cases import brought_by  # noqa: PLC0415
    from streams.track.replay import compare, live  # noqa: PLC0415
    from streams.track.shares import replayed  # noqa: PLC0415
    from streams.warehouse.totals import totals  # noqa: PLC0415

    log = KafkaLog(settings)
    end = min(claims(log).values(), default=0)
    replay = replayed(log, terms_of(log)[1])
    if replay.clock is None or replay.clock < end:
        return "the clock has not come to the end of what was imported"
    told = live(log)
    if not compare(told, replay.alerts).identical:
        return f"{len(told):,} of {len(replay.alerts):,} alerts told"
    members = sum(case.life.members for case in brought_by(told.values()).values() if case.life)
    return _derived(totals(settings), sum(state == "raised" for _, state in told), members)


def _derived(there: "Totals", raised: int, members: int) -> str:
    if there.alerts < raised:
        return f"{there.alerts:,} of {raised:,} alerts in the warehouse"
    if not there.custody or there.alarms < raised:
        return f"custody is being derived in SQL ({there.custody:,} units, {there.alarms:,} of {raised:,} alarms)"
    return "" if there.in_cases >= members else f"{there.in_cases:,} of {members:,} alerts in cases"


def _show(arguments: tuple[str, ...], named: tuple[str, ...]) -> int:
    """Run a command of ours and say how to run it again."""
    where = named if named[1] != str(STACK) else named[2:]  # the default goes without saying
    click.secho(f"\n$ custody {shlex.join((*arguments, *where))}", bold=True)
    return _run(arguments, named)


def _run(arguments: tuple[str, ...], named: tuple[str, ...]) -> int:
    sys.stdout.flush()
    command_line = [sys.executable, "-m", "streams.cli", *arguments, *named]
    code = subprocess.run(command_line, check=False).returncode  # noqa: S603 - ourselves
    if code not in {0, 1}:
        raise click.exceptions.Exit(code)
    return code
