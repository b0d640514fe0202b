"""The steps of a message as a person reads them: what is said twice is told once, what is alike is told together.

Rules:
- A log in whole seconds is put in order by the arrival of its queue entry, which is known to the microsecond.
- What one host says of a hand-over and what the next says of it are one step.
- Attempts that fail alike, one after the other, are one step a day: a time without its date is of the day before it.
- A notification about it is another message: of that only the latest is told.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import PurePath
from typing import Any

from streams.cli._screen import clean, hour, moment
from streams.core.events import UNDELIVERED

Event = dict[str, Any]
Step = tuple[str, str, str, str]
"""When, where, what, and its place in the evidence."""


def steps(known: dict[str, list[Event]]) -> list[Step]:
    """Events and alarms in order."""
    events = _told(known["events"])
    many = len({event["recipient"].lower() for event in events if event["recipient"]}) > 1
    times = _times(known["events"])
    told = []
    ordered = sorted(events, key=lambda event: (times(event), not _is_arrival(event), event["seq"], event["event"]))
    for _, alike in groupby(ordered, key=_same):
        some = list(alike)
        told.append((times(some[0]), _step(some, many=many)))
    told += [_noticed(event) for event in known["notices"]]
    told += [(alert["raised_at"], _alarm(alert)) for alert in known["alerts"]]
    told += [(alert["cleared_at"], _cleared(alert)) for alert in known["alerts"] if alert["cleared_at"] is not None]
    return list(_dated(sorted(told, key=lambda one: one[0])))


def _noticed(event: Event) -> tuple[datetime, Step]:
    """Where a notification about the message is."""
    when, where, what, at = _step([event], many=False)
    return event["occurred_at"], (when, where, f"its report to {clean(event['recipient'] or '-', 24)}: {what}", at)


def _dated(told: list[tuple[datetime, Step]]) -> Iterator[Step]:
    """The date before the time of all that is not of the first day."""
    for at, (when, *rest) in told:
        other = at.date() != told[0][0].date()
        yield (f"{at:%m-%d} {when.partition('.')[0]}" if other else when, *rest)  # type: ignore[misc]


def _times(events: list[Event]) -> Any:
    """When an event counts among the others: not before its queue entry arrived within the same second."""
    arrived: dict[tuple[str, str], datetime] = {}
    for event in events:
        if _is_arrival(event):
            place = (event["host"], event["queue_id"])
            arrived[place] = min(event["occurred_at"], arrived.get(place, event["occurred_at"]))

    def time(event: Event) -> datetime:
        at: datetime = event["occurred_at"]
        if event["kind"] == "reported" and not at.microsecond:
            return at + timedelta(microseconds=999_999)
        start = arrived.get((event["host"], event["queue_id"]), at)
        return start if at < start < at + timedelta(seconds=1) else at

    return time


def _is_arrival(event: Event) -> bool:
    kind, side = event["kind"], event["side"]
    return bool(kind == "submitted" or (kind == "transferred" and side == "received"))


def _told(events: list[Event]) -> list[Event]:
    """Without what another event says, too."""
    single = {(e["kind"], e["side"], e["host"], e["queue_id"]) for e in events if e["recipient"]}
    received = {e["queue_id"] for e in events if _is_arrival(e)}
    return [
        event
        for event in events
        if not _is_said_next(event)
        and (event["recipient"] or (event["kind"], event["side"], event["host"], event["queue_id"]) not in single)
        and not (event["side"] == "sent" and event["next_queue_id"] in received)
    ]


def _is_said_next(event: Event) -> bool:
    """Whether the next step says it, too; of what was put in again nothing says so where nobody took it up."""
    return event["kind"] == "removed" or bool(event["kind"] == "rerouted" and event["recipient"])


def _same(event: Event) -> tuple[Any, ...]:
    """Events that are told together when they follow each other."""
    alone = event["occurred_at"].date() if event["kind"] == "deferred" else event["event"]
    return event["kind"], event["host"], event["queue_id"], event["recipient"], event["diagnostic"] or "", alone


def _step(some: list[Event], *, many: bool) -> Step:
    first, last = some[0], some[-1]
    when = moment(first["occurred_at"], 3)[11:-1]
    begin, end = (moment(event["occurred_at"])[11:-1] for event in (first, last))
    if begin != end:
        when = f"{begin}-{end[6:] if begin[:5] == end[:5] else end}"
    elif not first["occurred_at"].microsecond:
        when = when[:8]
    to = f"{first['recipient'].partition('@')[0]}: " if many and first["recipient"] else ""
    return when, clean(first["host"] or "-", 8), to + _what(first, len(some)), place(first)


def place(event: Event) -> str:
    """Where the evidence stands: the file's name, and the byte or message number in it."""
    if not event["file"]:
        return clean(event["source"], 16)
    return clean(f"{PurePath(event['file']).name.removesuffix('.xz').removesuffix('.gz')}:{event['offset']}", 24)


def _what(event: Event, count: int) -> str:
    kind = str(event["kind"]).replace("_", "-")
    tell = _TELLS.get(kind)
    if kind == "deferred":
        times = f" {count}x" if count > 1 else ""
        return f"deferred{times}, {_words(event)}"
    return tell(event) if tell else kind


def _submitted(event: Event) -> str:
    return f"{event['queue_id']} accepted" + (", report asked" if event["report_requested"] else "")


def _delivered(event: Event) -> str:
    return f"{event['kind']} to {event['peer'] or event['next_queue_id'] or event['recipient']}"


def _deleted(event: Event) -> str:
    """Of a line of Postfix's the process is known; of other systems, that somebody did."""
    return f"DELETED by {_hand(event)}"


def _rerouted(event: Event) -> str:
    onward = event["next_queue_id"]
    return f"taken up as {onward}" if onward else f"put in again by {_hand(event)}"


def _hand(event: Event) -> str:
    by = _note(event, "pid")
    return f"{_note(event, 'program') or 'postsuper'}[{by}]" if by else "hand"


def _redirected(event: Event) -> str:
    to = _note(event, "to")
    if to.lower() == event["recipient"].lower():
        return "keeps a copy"
    return f"redirected to {to}" if to else "redirected"


def _reported(event: Event) -> str:
    if event["action"] == UNDELIVERED:
        return "its report was UNDELIVERED: it told nobody"
    return f"report: {event['action'] or 'unknown'} {event['status'] or ''}".rstrip()


def _refused(event: Event) -> str:
    return f"REFUSED, {_words(event)}"


def _discharged(event: Event) -> str:
    return f"DISCHARGED by hand, by {_note(event, 'by') or 'nobody named'}"


def discharges(events: list[Event]) -> list[str]:
    """Who said that it was delivered by other means, and why, in their own words."""
    said = {(_note(event, "by"), _note(event, "reason")) for event in events if event["kind"] == "discharged"}
    return [f"Discharged by {who or 'nobody named'}: {why or 'no reason given'}" for who, why in sorted(said)]


def _note(event: Event, name: str) -> str:
    """What an attribute says; "" where there is none of that name."""
    return next((value.partition("=")[2] for value in event["attributes"] if value.startswith(f"{name}=")), "")


def _handed(event: Event) -> str:
    if event["side"] == "received":
        how = "after content filter" if event["peer"] == event["host"] else f"from {event['peer'] or 'within'}"
        return f"{event['queue_id']} {how}"
    if event["side"] == "moved":
        return f"moved to {event['next_queue_id'] or 'another mailbox'}"
    return f"handed to {event['peer'] or 'unknown'}, {_words(event)}"


def _words(event: Event) -> str:
    said = event["diagnostic"] or ""
    return " ".join(part for part in (event["status"], said.rpartition("suspended: ")[2] or said) if part)


_TELLS = {
    "submitted": _submitted,
    "transferred": _handed,
    "delivered": _delivered,
    "quarantined": _delivered,
    "forwarded": _delivered,
    "deleted": _deleted,
    "rerouted": _rerouted,
    "redirected": _redirected,
    "reported": _reported,
    "refused": _refused,
    "non-delivered": _refused,
    "discharged": _discharged,
}


def _alarm(alert: Event) -> Step:
    due = "" if alert["due"] is None else f", due {hour(alert['due'], alert['raised_at'])}"
    return moment(alert["raised_at"], 3)[11:-1], "-", f"ALARM {alert['rule']}{due}", ""


def _cleared(alert: Event) -> Step:
    word = "withdrawn" if alert["withdrawn"] else "cleared"
    return moment(alert["cleared_at"], 3)[11:-1], "-", f"{word}: {alert['rule']}", ""
