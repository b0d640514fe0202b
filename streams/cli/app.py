"""The `custody` command: finds its commands by name, so that none costs the start-up of the others."""

import importlib
import os
import pkgutil
import sys
from typing import NoReturn

import click

import streams.cli as commands
from streams.cli._screen import clean
from streams.core.errors import CustodyError, Misuse, Unavailable

_NAMED_WRONGLY = (FileNotFoundError, FileExistsError, IsADirectoryError, NotADirectoryError)
"""What an argument names that is not there, or something else."""

NOT_COMMANDS = frozenset({"app"})


class Commands(click.Group):
    """Commands are modules of this package: `custody look` is streams/cli/look.py with a `command` in it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all command modules."""
        del ctx
        names = (module.name for module in pkgutil.iter_modules(commands.__path__))
        return sorted(name for name in names if name not in NOT_COMMANDS and not name.startswith("_"))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a module, loaded when asked for."""
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = importlib.import_module(f"{commands.__name__}.{cmd_name}").command
        _mark(command)
        return command


def _mark(command: click.Command) -> None:
    """Help is written in raw docstrings, where click's mark for "leave these lines alone" is two characters."""
    if command.help:
        command.help = command.help.replace("\\b\n", "\b\n")
    if isinstance(command, click.Group):
        for one in command.commands.values():
            _mark(one)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="custody")
def custody() -> None:
    """Chain of custody for messages: where is it, who holds it, is anything late, what did we do about it."""


def _unsayable(error: UnicodeEncodeError) -> str:
    if error.encoding == "utf-8":
        return "An argument, or the name of a file, is not UTF-8."
    return f"The terminal's encoding, {error.encoding}, has not all that is to be said: set PYTHONIOENCODING=utf-8."


def _end(error: CustodyError) -> NoReturn:
    said = f"custody: {error}" + (f"\n{error.hint}" if error.hint else "")
    click.echo("\n".join(map(clean, said.split("\n"))), err=True)
    sys.exit(error.exit_code)


def _discard() -> None:
    """Let go of output that cannot be written: the interpreter would try again, and end with a code of its own."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def main() -> None:
    """Run the command; an error of ours, or of a disk, is a sentence and an exit code, never a traceback."""
    try:
        code = custody.main(standalone_mode=False)  # click gives the code of an Exit back, and raises nothing
    except click.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except CustodyError as error:
        _end(error)
    except UnicodeEncodeError as error:
        _end(Misuse(_unsayable(error)))
    except OSError as error:
        kind = Misuse if isinstance(error, _NAMED_WRONGLY) else Unavailable
        where = f"{error.filename}: " if error.filename else ""
        _discard()
        _end(kind(f"{where}{error.strerror or error}."))
    else:
        sys.exit(code if isinstance(code, int) else 0)
