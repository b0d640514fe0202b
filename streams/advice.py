"""Commands that a person is told to type: safe to paste, and about the same ledger.

Rules:
- A sender chooses Message-IDs, and a declaration names paths: each word is quoted for a shell, or pasting the command
  would run what somebody else wrote.
- What is named stands behind `--` where it looks like an option.
- The ledger and the data directory go with the command, where they are not the default: else another would answer.
"""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

STACK = Path(".custody")
"""Where the embedded stack is by default."""

LEDGER = "main"
"""The ledger that a command asks by default."""

START = "start it with: "
"""Before the command that starts a stack."""


class Place(Protocol):
    """What says which ledger is meant: the settings."""

    @property
    def data(self) -> Path:
        """Folder of the embedded stack."""

    @property
    def ledger(self) -> str:
        """Name of the ledger."""


def start_hint(data: Path) -> str:
    """How the stack of a data directory is started."""
    return f"{START}custody up --detach{data_option(data)}"


def data_option(data: Path) -> str:
    """What a command takes to mean a data directory, with a blank before it; nothing for the default."""
    return "".join(f" {word}" for word in _data(data))


def words(place: Place, *command: str, named: Sequence[str] = ()) -> list[str]:
    """The words of a command about the same ledger, each quoted for a shell.

    Args:
        place: the settings.
        command: its name and options.
        named: what it is about, as it stands in the evidence.
    """
    ledger = ("--ledger", shlex.quote(place.ledger)) if place.ledger != LEDGER else ()
    end = ("--",) if any(name.startswith("-") for name in named) else ()
    return ["custody", *map(shlex.quote, command), *ledger, *_data(place.data), *end, *map(shlex.quote, named)]


def _data(data: Path) -> Sequence[str]:
    return () if data == STACK else ("--data", shlex.quote(str(data)))
