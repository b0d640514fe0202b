"""Delivery agents' lines: what became of one recipient at one attempt.

Rules:
- A recipient that was rewritten (`orig_to`) is told as the one it was first; custody passes to the new one.
- `sent` is delivery only where an agent puts the message into a store. With `queued as` it is a hand-over; with
  "discarded" in the peer's words it is neither.
"""

from typing import Any

from streams.collect import postfix_text as texts
from streams.collect.postfix_arrival import announce, arrive
from streams.collect.postfix_desk import Desk
from streams.collect.postfix_entry import Entry, Owed
from streams.core.events import Kind
from streams.core.identity import session_leg

WORDS = 500
"""Characters of a peer's words that are kept."""

_FINAL = frozenset({"lmtp", "local", "virtual", "pipe"})
_NOBODY = frozenset({"none", "local", "virtual"})


def attempted(desk: Desk, queue_id: str, rest: str) -> None:
    """A line of smtp, lmtp, local, virtual, pipe, error, retry or discard about an entry."""
    attempt = texts.attempt(rest)
    if attempt is None:
        if rest.startswith("to=<"):
            desk.unread(f"a line of {desk.head.daemon} of an unknown form")
        else:
            desk.ignore(desk.head.daemon)
        return
    entry = desk.entry(queue_id)
    if not entry.arrived:
        arrive(desk, entry)
    _outcome(desk, entry, attempt, _met(desk, entry, attempt))


def _met(desk: Desk, entry: Entry, attempt: texts.Attempt) -> Owed:
    """A recipient that an attempt names; one that was rewritten stands for the one it was."""
    first, to = attempt.orig_to, attempt.to
    if not first or first.lower() == to.lower():
        return announce(desk, entry, to)
    announce(desk, entry, first).gone = True
    edge = f"{first}\0{to}"
    if edge not in entry.redirected:
        entry.redirected += (edge,)
        entry.recipients.setdefault(to, Owed()).announced = True
        leg = desk.leg(entry, desk.spool.host, entry.queue_id, to)
        desk.tell(Kind.REDIRECTED, desk.at, entry, first, next_leg=leg, attributes=(f"to={to}",))
    return entry.recipients[to]


def _outcome(desk: Desk, entry: Entry, attempt: texts.Attempt, owed: Owed) -> None:
    owed.status = attempt.dsn
    match attempt.status:
        case "sent":
            owed.gone = True
            _sent(desk, entry, attempt)
        case "deferred" | "SOFTBOUNCE":
            _told(desk, Kind.DEFERRED, entry, attempt)
        case "bounced" | "expired":
            owed.gone = True
            _told(desk, Kind.REFUSED, entry, attempt)
        case "deliverable" | "undeliverable" | "undeliverable-but-not-cached":
            desk.ignore("verify")
        case other:
            desk.unread(f"unknown status {other[:40]!r}")


def _sent(desk: Desk, entry: Entry, attempt: texts.Attempt) -> None:
    reply = attempt.reply
    if number := texts.queued_as(reply):
        _passed(desk, entry, attempt, desk.here(desk.party(attempt.relay)), number)
    elif session := texts.session(reply):
        fields = {"next_queue_id": session, "next_leg": session_leg(session)}
        _told(desk, Kind.DELIVERED, entry, attempt, fields)
    elif desk.head.daemon == "discard" or texts.is_discarded(reply):
        _told(desk, Kind.DISCARDED, entry, attempt)
    elif number := texts.forwarded_as(reply):
        _passed(desk, entry, attempt, desk.spool.host, number)
    elif desk.head.daemon in _FINAL:
        _told(desk, Kind.DELIVERED, entry, attempt)
    else:
        _passed(desk, entry, attempt, _peer(desk, attempt), "")


def _passed(desk: Desk, entry: Entry, attempt: texts.Attempt, peer: str | None, number: str) -> None:
    """Handed to a party, that may say what it calls the message (else `number` is "")."""
    fields: dict[str, Any] = {"side": "sent", "peer": peer}
    if peer in desk.mute:
        fields["action"] = "relayed"  # beyond the sight of reports
    if peer and number:
        fields["next_queue_id"] = number
        fields["next_leg"] = desk.leg(entry, peer, number, attempt.to)
    _told(desk, Kind.TRANSFERRED, entry, attempt, fields)


def _told(desk: Desk, kind: Kind, entry: Entry, attempt: texts.Attempt, fields: dict[str, Any] | None = None) -> None:
    fields = {} if fields is None else fields
    if "peer" not in fields:
        fields["peer"] = _peer(desk, attempt)
    status, reply = attempt.dsn or None, attempt.reply
    fields["status"], fields["diagnostic"] = status, reply[:WORDS] or None
    if attempt.orig_to:
        fields["original_recipient"] = attempt.orig_to
    if attempt.delays:
        fields["attributes"] = (f"delays={attempt.delays}",)
    outcome = f"{fields.get('action')}|{status}|{fields.get('next_queue_id')}"
    desk.put(kind, desk.at, entry, attempt.to, outcome, fields)


def _peer(desk: Desk, attempt: texts.Attempt) -> str | None:
    return None if attempt.relay in _NOBODY else desk.party(attempt.relay).name
