"""What to type next, below a list: commands that are safe to paste."""

from typing import Any

from streams.cli import _typed
from streams.cli._screen import wrapped
from streams.core.terms import DISCHARGED
from streams.settings import Settings

Row = dict[str, Any]


def message(settings: Settings, row: Row | None) -> list[str]:
    """How to see what became of the message of a finding."""
    if row is None or not row["message_key"]:
        return []
    return ["", *_typed.command("Next:", settings, "trace", named=[row["message_key"]])]


def case(settings: Settings, number: str, cause: str) -> list[str]:
    """How to see the messages of a case, to say that somebody has, and, where that can settle it, that all arrived."""
    why = ("--by", "NAME", "--reason", "WHY")
    shown = ["", *_typed.command("Its messages:", settings, "trace", named=[number])]
    shown += _typed.command("Seen by you:", settings, "cases", "--acknowledge", number, *why)
    if cause.partition(":")[0] in DISCHARGED:
        shown += _typed.command("All arrived:", settings, "cases", "--discharge", number, *why)
    return shown


def silent(settings: Settings, clock: Row) -> list[str]:
    """What to do about sources that say nothing: what is found without them is not to be relied on."""
    names = sorted(clock.get("silent") or ())
    if not names:
        return []
    which = "their collectors" if len(names) > 1 else "its collector"
    return [
        "",
        *wrapped(f"SILENT: start {which} again (custody collect --follow), or say that nothing more is to come:"),
        *_typed.command(" ", settings, "withdraw", named=names),
    ]
