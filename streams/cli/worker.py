"""`custody worker`: run roles of the pipeline, one process a role.

Rules:
- SIGTERM and Ctrl-C reach this process only, and it ends its roles in order; so does the end of one of them.
- A role never outlives this process: on Linux the kernel kills it when this one dies, however that dies.
"""

import os
import subprocess
import sys
from pathlib import Path

import click

from streams import process
from streams.cli._signals import stop_at_signal
from streams.cli._stack import data_options, settings_of
from streams.core.errors import Misuse
from streams.process import tied_to
from streams.settings import ROLES

POLL = 0.2
PATIENCE = 20.0
"""Seconds between asking the roles to end and killing them."""


@click.command()
@data_options
@click.option("--ledger", help="Ledger to work for.  [default: main]")
@click.option("--roles", required=True, help=f"Comma-separated: {', '.join(ROLES)}.")
def command(*, data: Path | None, file: Path | None, ledger: str | None, roles: str) -> None:
    r"""Run one or more worker roles; `custody up` runs them all.

    \b
    Example: custody worker --roles clock,track
    """
    names = [role.strip() for role in roles.split(",") if role.strip()]
    if not names or not set(names) <= set(ROLES):
        raise Misuse(f"--roles {roles!r}: name one or more of {', '.join(ROLES)}.")
    settings = settings_of(data, file, ledger)
    if len(names) == 1:
        process.prepare()
        from streams import workers  # noqa: PLC0415 - Faust is slow to import

        workers.run(names[0], settings)
    sys.exit(_together(names, sys.argv[1:]))


def _together(names: list[str], arguments: list[str]) -> int:
    """One process a role; when one ends, all end."""
    stop = stop_at_signal()
    own = (sys.executable, "-m", "streams.cli", *_without_roles(arguments))
    started = [_start((*own, "--roles", name)) for name in names]
    while all(one.poll() is None for one in started) and not stop.wait(POLL):
        pass
    for one in started:
        one.terminate()
    return max(_ended(one) for one in started)


def _start(command: tuple[str, ...]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - ourselves
        command,
        start_new_session=True,
        preexec_fn=tied_to(os.getpid()),  # noqa: PLW1509 - it only calls prctl
    )


def _ended(role: subprocess.Popen[bytes]) -> int:
    """The exit code of a role that was asked to end; one that does not is killed."""
    try:
        return abs(role.wait(PATIENCE))
    except subprocess.TimeoutExpired:
        role.kill()
        return abs(role.wait())


def _without_roles(arguments: list[str]) -> list[str]:
    kept = []
    skip = False
    for argument in arguments:
        if skip:
            skip = False
        elif argument == "--roles":
            skip = True
        elif not argument.startswith("--roles="):
            kept.append(argument)
    return kept
