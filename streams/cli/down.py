"""`custody down`: end the embedded stack."""

from pathlib import Path

import click

from streams.cli._stack import data_options, json_option, say_json, settings_of
from streams.core.errors import Misuse, Unavailable
from streams.settings import is_held

PATIENCE = 60
"""Seconds for an orderly end; workers and Kafka have 20 each."""


@click.command()
@data_options
@json_option
def command(*, data: Path | None, file: Path | None, as_json: bool) -> None:
    r"""End the embedded stack: workers first, then Kafka and the warehouse.

    \b
    Example: custody down
    """
    from streams.local.lock import holder  # noqa: PLC0415

    where = settings_of(data, file).data
    held = holder(where) if is_held(where) else None
    if held is not None:
        _end(held.pid)
    if as_json:
        say_json({"data": where, "stopped": held is not None, "pid": held.pid if held else None})
    elif held:
        click.echo(f"Stopped the stack in {where}.")
    else:
        click.echo(f"No stack runs in {where}.\none in another folder: custody down --data FOLDER")


def _end(pid: int) -> None:
    """Ask the supervisor; if it does not answer, kill it, and the kernel its parts with it."""
    import psutil  # noqa: PLC0415

    try:
        supervisor = psutil.Process(pid)
        supervisor.terminate()
        _, alive = psutil.wait_procs([supervisor], timeout=PATIENCE)
        for process in alive:
            process.kill()
        _, alive = psutil.wait_procs(alive, timeout=PATIENCE)
    except psutil.NoSuchProcess:
        return
    except psutil.AccessDenied as denied:
        raise Misuse(f"Process {pid} is not yours to end.", hint="run as the user who started the stack") from denied
    if alive:
        raise Unavailable(f"Process {pid} does not end.", hint="somebody must look at the machine")
