"""`custody worker`: run roles of the pipeline, one process a role."""

import subprocess
import sys
import time
from pathlib import Path

import click

from streams import process
from streams.cli._stack import data_options, settings_of

POLL = 0.2


@click.command()
@data_options
@click.option("--ledger", help="Ledger to work for.  [default: main]")
@click.option("--roles", required=True, help="Comma-separated: clock, track, feed, cases.")
def command(*, data: Path | None, file: Path | None, ledger: str | None, roles: str) -> None:
    r"""Run one or more worker roles; `custody up` runs them all.

    \b
    Example: custody worker --roles clock,track
    """
    names = [role.strip() for role in roles.split(",") if role.strip()]
    settings = settings_of(data, file, ledger)
    if len(names) == 1:
        process.prepare()
        from streams import workers  # noqa: PLC0415 - Faust is slow to import

        sys.exit(workers.run(names[0], settings))
    sys.exit(_together(names, sys.argv[1:]))


def _together(names: list[str], arguments: list[str]) -> int:
    """One process a role; when one ends, all end."""
    rest = _without_roles(arguments)
    own = (sys.executable, "-m", "streams.cli")
    started = [subprocess.Popen([*own, *rest, "--roles", name]) for name in names]  # noqa: S603 - ourselves
    try:
        while all(one.poll() is None for one in started):
            time.sleep(POLL)
    except KeyboardInterrupt:
        pass
    finally:
        for one in started:
            one.terminate()
    return max(abs(one.wait()) for one in started)


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
