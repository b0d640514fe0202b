"""A command that a screen tells to type next, in lines that fit a terminal and that a shell takes as one."""

import shlex
from collections.abc import Sequence

import click

from streams import advice
from streams.cli._screen import WIDTH, clean, width_of
from streams.core.controls import is_control
from streams.settings import Settings
from streams.warehouse.named import bare

INDENT = "  "
"""Before the lines after the first."""

BREAK = " \\"
"""Behind a line that goes on."""


def command(before: str, settings: Settings, *words: str, named: Sequence[str] = ()) -> list[str]:
    """A command about the same ledger, with a word before it; what it names is a message, or anything of ours.

    Args:
        before: a word that says what the command is for.
        settings: of the ledger.
        words: its name and options.
        named: what it is about.
    """
    whole = advice.words(settings, *words, *_file(), named=[beginning(name) for name in named])
    lines = [before]
    for number, word in enumerate(whole, 1):
        longer = f"{lines[-1]} {clean(word)}"
        room = WIDTH - (len(BREAK) if number < len(whole) else 0)
        if width_of(longer) <= room or number == 1:
            lines[-1] = longer
        else:
            lines[-1] += BREAK
            lines.append(INDENT + clean(word))
    return lines


def beginning(name: str) -> str:
    """As much of a message's id as can be typed and fits a line: the beginning of an id is enough to find it."""
    end = next((at for at, one in enumerate(name) if is_control(one)), len(name))
    while width_of(shlex.quote(_whole(name[:end]))) > WIDTH - len(INDENT):
        end -= 1
    return _whole(name[:end])


def _whole(name: str) -> str:
    """An id as it is read again: within <> where a part of it would be taken for what a log puts around ids."""
    return name if bare(name) == name else f"<{name}>"


def _file() -> tuple[str, ...]:
    """The settings file that the command at work was given; the environment is the shell's own."""
    context = click.get_current_context(silent=True)
    file = context.params.get("file") if context else None
    return ("--settings", str(file)) if file else ()
