"""`custody status`: what of the embedded stack runs."""

import sys
import time
from pathlib import Path
from typing import Any

import click

from streams.advice import start_hint
from streams.cli._stack import data_options, json_option, say_json, settings_of
from streams.core.errors import Unavailable
from streams.settings import Stack, is_held, running


@click.command()
@data_options
@json_option
def command(*, data: Path | None, file: Path | None, as_json: bool) -> None:
    r"""Say what of the embedded stack runs, where, and what it uses; ends with 3 where nothing runs.

    \b
    Example: custody status --json
    """
    where = settings_of(data, file).data
    stack = running(where)
    if as_json:
        say_json(_document(where, stack))
    elif stack is None:
        held = is_held(where)
        click.echo(f"The stack in {where} {'is starting or ending' if held else 'does not run'}.")
        click.echo("see its log/stack.log" if held else start_hint(where))
    else:
        _show(where, stack)
    if stack is None:
        sys.exit(Unavailable.exit_code)


def _document(data: Path, stack: Stack | None) -> dict[str, Any]:
    if stack is None:
        return {"data": data, "running": False, "held": is_held(data)}
    return {"data": data, "running": True, "stack": stack, "processes": _processes(stack)}


def _processes(stack: Stack) -> list[dict[str, Any]]:
    """Name, pid, memory (bytes) and age (seconds) of each part; a part that is being started again has no pid."""
    return [_process(name, pid) for name, pid in {"supervisor": stack.pid, **stack.processes}.items()]


def _process(name: str, pid: int) -> dict[str, Any]:
    import psutil  # noqa: PLC0415

    try:
        seen = psutil.Process(pid) if pid else None
        memory = seen.memory_info().rss if seen else 0
        age = time.time() - seen.create_time() if seen else 0.0
    except psutil.NoSuchProcess:
        pid, memory, age = 0, 0, 0.0
    return {"name": name, "pid": pid, "memory": memory, "age": round(age, 1)}


def _show(data: Path, stack: Stack) -> None:
    from rich import box  # noqa: PLC0415
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    from streams.cli.up import describe  # noqa: PLC0415

    click.echo("\n".join(describe(stack, data)))
    table = Table("part", "process", "memory", "age", box=box.SIMPLE)
    for part in _processes(stack):
        memory, age = f"{part['memory'] / 1e6:.0f} MB", f"{part['age']:.0f} s"
        table.add_row(part["name"], *((str(part["pid"]), memory, age) if part["pid"] else ("waiting", "", "")))
    Console().print(table)
