"""What goes wrong in a simulated world, and how often: no two have the same, and some have little but one thing.

Rules:
- A third of the worlds have everything go wrong now and then; the others only what happens at two or three points, and
  often. A mistake that shows only where one of many calls fails is met by worlds that have little else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

SESSION = 6.0
"""Seconds after which a process that was not heard of is put out of its groups."""

POINTS = (
    ("flush", "message-events"), ("flush", "progress"), ("flush", "alerts"), ("flush", "custody-snapshots"),
    ("flush", "cases"), ("write", "cases"), ("write", "alerts"), ("write", "custody-snapshots"),
    ("commit", "message-events"), ("commit", "alerts"), ("read", "message-events"), ("read", "progress"),
    ("read", "alerts"), ("query", ""), ("range", "custody-snapshots"), ("range", "progress"),
    ("insert", "event_records"), ("insert", "alert_records"),
)  # fmt: skip
"""Calls and their topics: some worlds have nothing go wrong but at two or three of them, and there often."""

NAMES = ("origin", "relay", "clock", "one", "two", "feed", "spare", "desk")


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """What goes wrong in a world, and how often: each has its own, so that some have little else than one thing.

    Attributes:
        danger: how likely a call goes wrong.
        only: the calls that go wrong; none named: all.
        kills: of what goes wrong, how much is a kill.
        freezes: likewise.
        paces: by process, how often it goes on, compared with others.
        tail: seconds it lasts after the mail is over.
        patience: seconds after which the clock writer calls a source silent; 0: longer than the world lasts.
        is_renamed: a process that comes back has another name, and its group has to wait until the old one is put out.
        feeds: how many share the log.
    """

    danger: float = 0.0
    only: frozenset[tuple[str, str]] = frozenset()
    kills: float = 0.125
    freezes: float = 0.04
    paces: Mapping[str, int] = field(default_factory=dict)
    tail: float = 0.0
    patience: int = 0
    is_renamed: bool = False
    feeds: int = 1


PATIENCE = 6
"""Seconds of a clock writer that calls sources silent within the world's time."""


def weather(draw: Random) -> Weather:
    """Some weather."""
    kills, freezes = draw.choice(((0.125, 0.04), (0.9, 0.0), (0.0, 0.5), (0.0, 0.0)))
    only = frozenset(draw.sample(POINTS, draw.choice((0, 2, 3))))
    return Weather(
        danger=draw.choice((0.2, 0.4, 0.6) if only else (0.0, 0.05, 0.15, 0.3)),
        only=only,
        kills=kills,
        freezes=freezes,
        paces={name: draw.choice((1, 2, 4)) for name in NAMES},
        tail=draw.choice((SESSION / 2, SESSION, 2 * SESSION)),
        patience=draw.choice((0, 0, 0, PATIENCE)),
        is_renamed=draw.random() < 0.3,
        feeds=draw.choice((1, 1, 2)),
    )
