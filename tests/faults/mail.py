"""Mail as it is sent in a simulated network, its evidence as JSON lines, and what is true of it.

Rules:
- Every message goes from origin over relay into a store; what differs is whether, and when, its report comes.
- A line is written at the moment it tells of, by the host it happened on.
- What must be told follows from the plan alone: nothing of Custody is asked.
"""

import json
from dataclasses import dataclass, field, replace
from itertools import accumulate
from random import Random
from typing import Any

from streams.core.events import MessageEvent
from streams.core.terms import SECOND, Terms
from tests.core.journeys import reported, sent, stored, submitted

BEGIN = 1_795_500_000
"""Seconds: when the simulated time begins."""

DUE = 6
STUCK = 4

TERMS = Terms.parse(
    {
        "name": "faults",
        "report": {"normal": DUE},
        "stuck": {"normal": STUCK},
        "unread": {"after": 1000, "mailboxes": []},
        "unaccounted_after": 3,
        "told_within": 3,
        "linger": 3,
    }
)

HOSTS = ("origin", "relay")

Alarm = tuple[str, str, str, str, int]
"""Rule, host, queue id, raised or cleared, and when in microseconds."""


def alarm_of(alert: dict[str, Any]) -> Alarm:
    """What an alert tells."""
    return alert["rule"], alert["host"], alert["queue_id"], alert["state"], alert["at"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a host's log.

    Attributes:
        at: when it is written and what it tells of happens, microseconds.
        id: of its event.
        text: of it.
        end: bytes of the log up to its end.
    """

    at: int
    id: bytes
    text: bytes
    end: int = 0


@dataclass(slots=True, kw_only=True)
class Mail:
    """What happens in the network.

    Attributes:
        written: lines of each host's log, in the order of time.
        ids: of all events.
        alarms: what is due, with its message key.
        end: seconds, after everything that happens or is due.
    """

    written: dict[str, list[Line]] = field(default_factory=lambda: {host: [] for host in HOSTS})
    ids: dict[bytes, tuple[str, int]] = field(default_factory=dict)
    alarms: dict[Alarm, str] = field(default_factory=dict)
    end: float = 0.0


def mail(draw: Random, count: int) -> Mail:
    """Some messages, sent within a few seconds."""
    made = Mail(end=BEGIN + 3 * DUE)
    for number in range(count):
        _message(made, draw, number)
    for host, lines in made.written.items():
        lines.sort(key=lambda line: line.at)
        ends = accumulate(len(line.text) for line in lines)
        made.written[host] = [replace(line, end=end) for line, end in zip(lines, ends, strict=True)]
    return made


def _message(made: Mail, draw: Random, number: int) -> None:
    """One message: its stay at origin may be too long, its report too late or never."""
    key, start = f"m{number}@origin.test", BEGIN + 1 + round(draw.uniform(0, 6), 3)
    first, last = ("origin", f"A{number}"), ("relay", f"B{number}")
    stays = draw.choice((0.5, STUCK + 1.25))
    comes = draw.choice((stays + 1, DUE + 2.125, DUE + 2.125, None))
    _say(made, "origin", submitted(start, first[1], key=key))
    gave, gone, got = sent(start + stays, first, last, key=key)
    _say(made, "origin", [gave, gone])
    _say(made, "relay", [got, *stored(start + stays + 0.25, last, f"s{number}", key=key)])
    if comes is not None:
        _say(made, "relay", reported(start + comes, last, key=key))
    if stays > STUCK:
        _due(made, "stuck", first, key, start + STUCK, start + stays)
    if comes is None or comes > DUE:
        _due(made, "overdue", first, key, start + DUE, None if comes is None else start + comes)


def _due(made: Mail, rule: str, place: tuple[str, str], key: str, raised: float, cleared: float | None) -> None:
    made.alarms[rule, *place, "raised", round(raised * SECOND)] = key
    if cleared is not None:
        made.alarms[rule, *place, "cleared", round(cleared * SECOND)] = key


def _say(made: Mail, host: str, events: list[MessageEvent]) -> None:
    """Write the lines of one host about what happened there; the store's are told by relay."""
    for event in events:
        made.written[host].append(Line(at=event.occurred_at, id=event.event_id, text=line(event)))
        made.ids[event.event_id] = (host, event.occurred_at)


def line(event: MessageEvent) -> bytes:
    """An event as a system that writes JSON lines tells it."""
    told: dict[str, Any] = {}
    for name in event.__struct_fields__:
        value = getattr(event, name)
        if value not in (None, "", ()) and name not in ("source", "file", "offset", "observed_at"):
            told[name] = value.hex() if isinstance(value, bytes) else value
    return json.dumps(told).encode() + b"\n"
