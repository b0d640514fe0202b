"""What the lists share: options, the warehouse, the head of a screen, columns, and the same as JSON."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from streams.cli._screen import WIDTH, as_datetime, clean, flow, moment, resized, width_of
from streams.cli._stack import data_options, json_option, say_json, settings_of
from streams.settings import Settings

if TYPE_CHECKING:
    from streams.warehouse.questions import Warehouse

SHOWN = 10
"""Lines of a group, or of a list, that a person is shown unless more are asked for."""

MANY = 2
"""More names than that are counted, since they may be cut."""

LEAST = 8
GAP = "  "

Command = TypeVar("Command", bound=Callable[..., Any])


def ledger_options(command: Command) -> Command:
    """`--data`, `--settings` and `--ledger`."""
    ledger = click.option("--ledger", help="Ledger to ask.  [default: main]")
    return data_options(ledger(command))


def list_options(command: Command) -> Command:
    """The same and `--json`, as every list takes them."""
    return ledger_options(json_option(command))


def limit_option(command: Command) -> Command:
    """`--limit`: how many lines of a group are shown."""
    text = "Lines of a group; 0 is all."
    return click.option("--limit", type=click.IntRange(0), default=SHOWN, show_default=True, help=text)(command)


def say_if_short(rows: Sequence[dict[str, Any]]) -> None:
    """Say that not all alerts of a rule were read, where that is so; to who reads the errors, since lists are data."""
    from streams.warehouse.questions import LIMIT  # noqa: PLC0415 - the warehouse's client is slow to import

    for rule, count in Counter(row["rule"] for row in rows).items():
        if count == LIMIT:
            click.echo(f"Only the first {LIMIT:,} of {rule} are here; custody sql has them all.", err=True)


def cut(rows: Sequence[Any], limit: int) -> tuple[Sequence[Any], list[str]]:
    """The first rows, and a line that says how many there are more; 0 is no limit."""
    if not limit or len(rows) <= limit:
        return rows, []
    return rows[:limit], [f"  and {len(rows) - limit:,} more (--limit 0, --json)"]


def opened(
    data: Path | None, file: Path | None, ledger: str | None, *, is_long: bool = False
) -> "tuple[Settings, Warehouse]":
    """The ledger's settings and its warehouse; `is_long`: what it is asked may take a while.

    Raises:
        Misuse: there is no such ledger.
        Unavailable: the warehouse does not answer.
    """
    from streams.warehouse.client import ASKING, LONG  # noqa: PLC0415 - the warehouse's client is slow to import
    from streams.warehouse.questions import Warehouse  # noqa: PLC0415

    settings = settings_of(data, file, ledger)
    return settings, Warehouse.of(settings, LONG if is_long else ASKING)


def head(title: str, settings: Settings, clock: dict[str, Any]) -> str:
    """How a screen begins: what it is, of which ledger, and what it holds for; what does not fit stands below."""
    if not clock:
        return flow([title, f"ledger {settings.ledger}", "no clock yet: not every source has said how far it is"])
    return flow([title, f"ledger {settings.ledger}", f"at {moment(clock['through'])}", *_heard(clock)])


def _heard(clock: dict[str, Any]) -> list[str]:
    """Whoever cannot be relied on; how many they are, where their names may not fit."""
    words = {"SILENT": clock["silent"], "BEHIND": clock["behind"], "WRONG CLOCK": clock.get("doubted")}
    found = [
        f"{word}{f' {len(names)}' if len(names) > MANY else ''}: {', '.join(names)}"
        for word, names in words.items()
        if names
    ]
    heard = {0: "no source has told of anything", 1: "its source heard"}
    return found or [heard.get(clock["sources"], f"all {clock['sources']} sources heard")]


def columns(rows: Iterable[Sequence[Any]], align: str, indent: str = "  ", flex: int | None = None) -> list[str]:
    """Rows as lines.

    Args:
        rows: of cells.
        align: l or r for each column.
        indent: before each line.
        flex: the column that gives way where a line would be wider than a terminal.
    """
    texts = [[clean(cell) for cell in row] for row in rows]
    widths = [max(width_of(row[number]) for row in texts) for number in range(len(align))] if texts else []
    if flex is not None and widths:
        rest = len(indent) + sum(widths) - widths[flex] + len(GAP) * (len(widths) - 1)
        widths[flex] = min(widths[flex], max(LEAST, WIDTH - rest))
        for row in texts:
            row[flex] = clean(row[flex], widths[flex])
    return [(indent + GAP.join(map(_cell, row, widths, align))).rstrip() for row in texts]


def _cell(text: str, width: int, how: str) -> str:
    return " " * (width - width_of(text)) + text if how == "r" else resized(text, width)


def say(lines: Iterable[str]) -> None:
    """Print lines."""
    click.echo("\n".join(lines))


def plain(value: Any) -> Any:
    """A value of the warehouse as JSON has it: hashes in hexadecimal, times in RFC 3339 and UTC."""
    match value:
        case bytes():
            return value.hex()
        case datetime():
            return str(as_datetime(value).isoformat()).replace("+00:00", "Z")  # type: ignore[union-attr]
        case date():
            return value.isoformat()
        case dict():
            return {str(name): plain(one) for name, one in value.items()}
        case list() | tuple():
            return [plain(one) for one in value]
        case _:
            return value


def say_list(settings: Settings, clock: dict[str, Any], **named: Any) -> None:
    """Print a list as one JSON document, with its ledger and the clock it holds for."""
    say_json({"ledger": settings.ledger, "clock": plain(clock), **plain(named)})
