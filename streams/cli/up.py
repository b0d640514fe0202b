"""`custody up`: the embedded stack."""

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from streams import files
from streams.cli._screen import wrapped
from streams.cli._stack import data_options, detach, json_option, roles, say_json, settings_of
from streams.local.lock import refuse_held
from streams.settings import Settings, Stack, running

if TYPE_CHECKING:
    from rich.console import RenderableType

    from streams.local.part import Part
    from streams.local.supervisor import State
    from streams.local.watchdog import Watchdog


@click.command()
@data_options
@click.option("--ledger", help="Ledger of the workers.  [default: main]")
@click.option("--detach", "in_background", is_flag=True, help="Return when it answers; it goes on in the background.")
@json_option
def command(*, data: Path | None, file: Path | None, ledger: str | None, in_background: bool, as_json: bool) -> None:
    r"""Start Kafka, the warehouse and the workers on this machine, all on loopback.

    The data folder and the warehouse's password are this user's. Kafka asks nobody who they are: any account of this
    machine can read and write the log.

    \b
    Example: custody up --detach
    """
    from streams.local.kafka import check_folder  # noqa: PLC0415

    settings = settings_of(data, file, ledger)
    refuse_held(settings.data)
    check_folder(settings.data)
    files.make_folder(settings.data)  # where that cannot be, nothing need be fetched
    _fetch(settings)
    os.umask(0o077)  # the parts have it from us: what the broker and the engine write is this user's alone
    if not in_background:
        asyncio.run(_run(settings, file))
        return
    stack = detach(settings, file)
    if as_json:
        say_json(stack)
    else:
        click.echo("\n".join(describe(stack, settings.data)))


def describe(stack: Stack, data: Path) -> list[str]:
    """Where a stack is, in lines for people."""
    workers = [name for name in stack.processes if name not in {"kafka", "clickhouse"}]
    said = (
        f"The stack runs in {data} (process {stack.pid}, version {stack.version}).",
        f"  Kafka      {stack.kafka_brokers}",
        f"  Warehouse  {stack.clickhouse_url}  (user {stack.clickhouse_user})",
        f"  Password   in {stack.clickhouse_password_file}",
        f"  Schemas    {stack.schemas_url}",
        f"  Workers    {', '.join(workers) or 'none'}",
    )
    return [line for text in said for line in wrapped(text, more=" " * 13)]


async def _run(settings: Settings, file: Path | None) -> None:
    from rich.live import Live  # noqa: PLC0415

    from streams.local.supervisor import Plan, Supervisor  # noqa: PLC0415

    watch = _Told(settings.data)
    plan = Plan(
        data=settings.data,
        cache=settings.cache,
        prepare=lambda: _prepare(settings, file),
        workers=_workers(settings, file),
        stalled=_Stalled(settings, file),
    )
    if not sys.stdout.isatty():
        await Supervisor(plan, watch).run()
        return
    with Live(refresh_per_second=4) as live:
        await Supervisor(plan, lambda states: live.update(_table(states, settings.data))).run()


def _fetch(settings: Settings) -> None:
    """Fetch the broker's jars if this is the first start on this machine, and show how it goes."""
    from streams.local import jars  # noqa: PLC0415

    if jars.is_complete(settings.cache):
        return
    label = "Fetching Kafka (44 MB, once)"
    with click.progressbar(length=len(jars.pinned()), label=label, file=sys.stderr) as bar:
        jars.kafka_jars(settings.cache, lambda _done, _all: bar.update(1))


def _table(states: Sequence["State"], data: Path) -> "RenderableType":
    """All parts and how they are, and where the stack is once it is there."""
    from rich import box  # noqa: PLC0415
    from rich.console import Group  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    table = Table("part", "is", "process", "started again", box=box.SIMPLE)
    for state in states:
        table.add_row(state.name, state.condition, str(state.pid or ""), str(state.restarts or ""))
    stack = running(data)
    return Group(table, *(describe(stack, data) if stack else ()), "Ctrl-C ends it.")


def _workers(settings: Settings, file: Path | None) -> "tuple[Part, ...]":
    """One process a role, each with a log of its own."""
    from streams.local.part import Part  # noqa: PLC0415

    own = (sys.executable, "-m", "streams.cli", "worker")
    where = ("--data", str(settings.data), "--ledger", settings.ledger, *(("--settings", str(file)) if file else ()))
    return tuple(
        Part(name=role, command=(*own, "--roles", role, *where), log=settings.data / "log" / f"worker-{role}.log")
        for role in roles(settings)
    )


def _prepare(settings: Settings, file: Path | None) -> None:
    """Make the ledger's topics (a Faust worker ignores those that come after it) and its tables."""
    from streams.kafka import topics  # noqa: PLC0415
    from streams.warehouse import migrations  # noqa: PLC0415
    from streams.warehouse.client import told  # noqa: PLC0415

    running_now = settings_of(settings.data, file, settings.ledger)
    topics.create(running_now)
    told(lambda: migrations.migrate(running_now))


class _Stalled:
    """Which workers do nothing; the brokers are known once the stack runs."""

    def __init__(self, settings: Settings, file: Path | None) -> None:
        self._settings, self._file = settings, file
        self._watchdog: Watchdog | None = None

    def __call__(self) -> set[str]:
        from streams.local.watchdog import Watchdog  # noqa: PLC0415

        self._watchdog = self._watchdog or Watchdog.of(
            settings_of(self._settings.data, self._file, self._settings.ledger)
        )
        return self._watchdog.stalled()


class _Told:
    """Tells the terminal what changed: a line a change."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._known: dict[str, tuple[str, int]] = {}
        self._announced = False

    def __call__(self, states: Sequence["State"]) -> None:
        """One line for every part that changed."""
        for state in states:
            if self._known.get(state.name) != (state.condition, state.pid):
                self._known[state.name] = (state.condition, state.pid)
                click.echo(f"{state.name:<12} {state.condition}" + (f" (process {state.pid})" if state.pid else ""))
        self._announce()

    def _announce(self) -> None:
        stack = None if self._announced else running(self._data)
        if stack is not None and stack.ready:
            self._announced = True
            click.echo("\n".join(describe(stack, self._data)))
