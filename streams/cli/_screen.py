"""Text for terminals: foreign text is made harmless, times and ages are made short.

Widths are in cells: a Chinese character or an emoji takes two (SMTPUTF8 has them in addresses), an accent that stands
alone none.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from streams.core.controls import is_control, without_controls

WIDTH = 80
"""Columns of a terminal."""

GAP = "   "
"""Between the parts of a heading."""

_PART = re.compile(r"[^ ]+| +")
"""A word, or the blanks between two: read in one go, however many there are."""


def clean(text: object, width: int = 0) -> str:
    """A text without control characters (no log can move a cursor or hide a line), cut to a width."""
    shown = without_controls(str(text))
    if not width or width_of(shown) <= width:
        return shown
    return resized(shown, width - 1) + "…"


def width_of(text: str) -> int:
    """How wide a text without control characters is on a terminal."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # noqa: PLC0415 - slow to import, and seldom needed

    return cell_len(text)


def resized(text: str, width: int) -> str:
    """A text made as wide: filled with blanks behind it, or cut."""
    if text.isascii():
        return text[:width].ljust(width)
    from rich.cells import set_cell_size  # noqa: PLC0415 - slow to import, and seldom needed

    return set_cell_size(text, width)


def wrapped(text: object, indent: str = "", more: str = "  ") -> list[str]:
    """A text in lines that fit a terminal; those after the first are set in by `more`, too."""
    start, lines = indent + more, [indent]
    for word in _words(clean(text)):
        for part in _chopped(word, WIDTH - len(start)):
            if width_of(lines[-1] + part) <= WIDTH:
                lines[-1] += part
            else:
                lines.append(start + part.lstrip())
    return [line.rstrip() for line in lines]


def _words(text: str) -> Iterator[str]:
    """Words with the blanks before them; more than a line has are one."""
    blanks = ""
    for part in _PART.findall(text):
        if part[0] != " ":
            yield blanks + part
            blanks = ""
        else:
            blanks = part if len(part) < WIDTH else " "


def _chopped(word: str, width: int) -> list[str]:
    """A word in parts that fit a line."""
    if width_of(word) <= width:
        return [word]
    from rich.cells import chop_cells  # noqa: PLC0415 - slow to import, and seldom needed

    return chop_cells(word, width)


def flow(parts: Sequence[str], indent: str = "  ") -> str:
    """The parts of a heading, as many on a line as fit a terminal; lines after the first are set in."""
    lines = [clean(parts[0], WIDTH)]
    for part in (clean(one, WIDTH - len(indent)) for one in parts[1:]):
        longer = lines[-1] + GAP + part
        lines = [*lines[:-1], longer] if width_of(longer) <= WIDTH else [*lines, indent + part]
    return "\n".join(lines)


def escaped(document: str) -> str:
    """A JSON document with the same meaning and no control characters but its line ends."""
    if document.isascii() and "\x7f" not in document:
        return document
    return "".join(_escape(one) if one != "\n" and is_control(one) else one for one in document)


def _escape(character: str) -> str:
    """RFC 8259 7: beyond the first 65,536, as a surrogate pair."""
    raw = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{raw[at : at + 2].hex()}" for at in range(0, len(raw), 2))


def moment(at: Any, digits: int = 0) -> str:
    """A time as people read it, UTC; "-" where there is none."""
    when = as_datetime(at)
    if when is None:
        return "-"
    text = when.strftime("%Y-%m-%d %H:%M:%S.%f")
    return (text[: len(text) - 6 + digits] if digits else text[:-7]) + "Z"


def hour(at: Any, now: Any) -> str:
    """The time of day; with its date where that is not the day of `now`, or nobody knows what day it is."""
    text, today = moment(at)[:-1], moment(now)
    if text[:10] == today[:10]:
        return text[11:]
    return text[5:] if today == "-" or text[:4] == today[:4] else text


def as_datetime(at: Any) -> datetime | None:
    """A time of the warehouse (datetime, or microseconds) with its zone."""
    if at is None:
        return None
    if isinstance(at, int):
        return datetime.fromtimestamp(at / 1_000_000, UTC)
    moment_: datetime = at
    return moment_.replace(tzinfo=UTC) if moment_.tzinfo is None else moment_.astimezone(UTC)


def age(seconds: float) -> str:
    """A span as people read it: 45s, 2m25s, 3h05m, 2d04h."""
    whole = max(0, int(seconds))
    if whole < 60:  # noqa: PLR2004 - seconds of a minute
        return f"{whole}s"
    if whole < 3600:  # noqa: PLR2004 - seconds of an hour
        return f"{whole // 60}m{whole % 60:02}s"
    if whole < 86400:  # noqa: PLR2004 - seconds of a day
        return f"{whole // 3600}h{whole % 3600 // 60:02}m"
    return f"{whole // 86400}d{whole % 86400 // 3600:02}h"


def since(at: Any, now: Any) -> str:
    """How long ago, as people read it."""
    one, other = as_datetime(at), as_datetime(now)
    return "-" if one is None or other is None else age((other - one).total_seconds())


def priority(level: int | None) -> str:
    """The name of an RFC 6710 priority."""
    names = {6: "override", 4: "urgent", 2: "immediate", 0: "normal", -2: "routine", -4: "non-urgent"}
    return names.get(level or 0, str(level))
