"""`custody down`: end the embedded stack."""

import os
import signal
import time
from pathlib import Path

import click

from streams.cli._stack import POLL, data_options, json_option, say_json, settings_of
from streams.core.errors import Unavailable
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
        _end(where, held.pid)
    if as_json:
        say_json({"data": where, "stopped": held is not None, "pid": held.pid if held else None})
    else:
        click.echo(f"Stopped the stack in {where}." if held else f"No stack runs in {where}.")


def _end(data: Path, pid: int) -> None:
    """Ask the supervisor; if it does not answer, kill it, and the kernel its parts with it."""
    os.kill(pid, signal.SIGTERM)
    if _wait(data, PATIENCE):
        return
    os.kill(pid, signal.SIGKILL)
    if not _wait(data, PATIENCE):
        raise Unavailable(f"Process {pid} does not end.", hint="somebody must look at the machine")


def _wait(data: Path, patience: float) -> bool:
    deadline = time.monotonic() + patience
    while is_held(data):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL)
    return True
