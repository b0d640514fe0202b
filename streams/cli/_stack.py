"""What the commands of the embedded stack share: options, how it is started in the background, and its workers."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from streams import files
from streams.cli._screen import escaped
from streams.core.errors import CustodyError, Misuse, Unavailable
from streams.settings import ROLES, Settings, Stack, load, running

AROUND = 120
"""Seconds for what comes before and after the services, beyond their own patience; who ends is told at once."""
POLL = 0.05
LAST_LINES = 3

Command = TypeVar("Command", bound=Callable[..., Any])


def data_options(command: Command) -> Command:
    """`--data` and `--settings`, as every command takes them."""
    data = click.option("--data", type=click.Path(path_type=Path), help="Data directory.  [default: .custody]")
    file = click.option("--settings", "file", type=click.Path(path_type=Path), help="Settings file (TOML).")
    return data(file(command))


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def say_json(value: object) -> None:
    """Print a value as one JSON document; what could move a cursor or hide a line is escaped in it."""
    click.echo(escaped(msgspec.json.format(msgspec.json.encode(value, enc_hook=str)).decode()))


def roles(settings: Settings) -> tuple[str, ...]:
    """The worker roles that the stack runs: the setting's, else all that there are.

    Raises:
        Misuse: it names one that there is not.
    """
    if settings.stack_roles is None:
        return ROLES
    wanted = tuple(role.strip() for role in settings.stack_roles.split(",") if role.strip() not in {"", "none"})
    for role in wanted:
        if role not in ROLES:
            raise Misuse(f"There is no worker role {role}.", hint=f"stack_roles takes: {', '.join(ROLES)}")
    return wanted


def detach(settings: Settings, file: Path | None) -> Stack:
    """Start the stack in the background and return when it answers.

    Raises:
        Misuse: another one runs in the data directory.
        Unavailable: it does not start; the hint is the end of its log.
    """
    log = settings.data / "log" / "stack.log"
    files.make_folder(log.parent)
    log.touch(mode=0o600)
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - ourselves
            _command(settings, file), stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    return _wait(settings.data, process, log)


def _command(settings: Settings, file: Path | None) -> tuple[str, ...]:
    named = ("--settings", str(file)) if file else ()
    return (
        sys.executable,
        "-m",
        "streams.cli",
        "up",
        "--data",
        str(settings.data),
        "--ledger",
        settings.ledger,
        *named,
    )


def _wait(data: Path, process: "subprocess.Popen[bytes]", log: Path) -> Stack:
    from streams.local.part import SLOW, STILL  # noqa: PLC0415 - asyncio is slow to import

    began = told = time.monotonic()
    while time.monotonic() - began < SLOW + AROUND:
        stack = running(data)
        if stack is not None and stack.ready and stack.pid == process.pid:
            return stack
        if process.poll() is not None:
            raise _failure(process.returncode, log)
        if time.monotonic() - told > STILL:
            told = time.monotonic()
            click.echo(f"The stack is still starting, for {told - began:.0f} s now; see {log}", err=True)
        time.sleep(POLL)
    process.terminate()
    raise Unavailable(f"The stack did not start within {SLOW + AROUND:g} s.", hint=f"see {log}")


def _failure(code: int, log: Path) -> CustodyError:
    """Why the stack ended at once: the last lines of its log, which are the reason and the hint."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    said = "\n".join(lines[-LAST_LINES:]).removeprefix("custody: ")
    return (Misuse if code == Misuse.exit_code else Unavailable)(f"The stack did not start.\n{said}", hint=f"see {log}")


def settings_of(data: Path | None, file: Path | None, ledger: str | None = None) -> Settings:
    """The settings of a command's options."""
    return load(data=data, ledger=ledger, file=file)
