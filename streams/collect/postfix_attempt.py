"""Delivery agents' lines: what became of one recipient at one attempt.

Rules:
- A recipient that was rewritten (`orig_to`) is told as the one it was first; custody passes to the new one. Where a
  rule redirects the message, it passes there from every recipient that is known.
- One that was rewritten and is tried himself, too (an alias that keeps a copy), is one of those that he gave way to, in
  whatever order the lines stand.
- What is piped to a declared filter is handed to its own host, which gets it back through `sendmail`.
- `sent` is delivery only where an agent puts the message into a store. With `queued as` it is a hand-over; with
  "discarded" in the peer's words it is neither; a filter that says BOUNCE took it and refused it.
- `sendmail -bv` asks whether an address can be reached, by an entry that looks like a message until the first answer:
  its recipients are told as a probe's, to whom nothing is owed.
"""

from typing import Final

from msgspec.structs import replace

from streams.collect import postfix_text as texts
from streams.collect.postfix_arrival import announce, arrive
from streams.collect.postfix_desk import NONE, Desk, half_of
from streams.collect.postfix_entry import Entry, Owed
from streams.core.events import Kind, MessageEvent, Traffic
from streams.core.identity import session_leg

WORDS: Final = 500
"""Characters of a peer's words that are kept."""

NO_FILTER: Final = (
    "what was handed to the loopback did not come back into this log; if no filter of this Postfix listens there, but "
    "a tunnel or a container, its address with its port is a host's alias"
)
"""What `custody look` says of a source."""

Onward = tuple[str | None, str | None, str | None, bytes | None]
"""Where custody passed to: "sent" where a hand-over is told, "relayed" where no report will see it, what the next party
calls it, the next leg."""

NOWHERE: Final[Onward] = (None, None, None, None)

# A member of an enumeration is looked up by a descriptor, which takes its time.
_DELIVERED: Final = Kind.DELIVERED
_TRANSFERRED: Final = Kind.TRANSFERRED
_DEFERRED: Final = Kind.DEFERRED

_REACHED: Final = (_DELIVERED, _TRANSFERRED)

_FINAL: Final = frozenset({"lmtp", "local", "virtual", "pipe"})
_VERIFIED: Final = frozenset({"deliverable", "undeliverable", "undeliverable-but-not-cached"})
_PROBE: Final = Traffic.PROBE.value
_NOBODY: Final = frozenset({"none", "local", "virtual"})


def attempted(desk: Desk, queue_id: str, entry: Entry | None, rest: str) -> None:
    """A line of smtp, lmtp, local, virtual, pipe, error, retry or discard about an entry."""
    attempt = texts.attempt(rest)
    if attempt is None:
        _other(desk, rest)
        return
    entry = entry or desk.begin(queue_id)
    if not entry.arrived:
        arrive(desk, entry)
    owed = entry.recipients.get(attempt.to)
    if owed is None or attempt.orig_to or not owed.status:
        owed = _met(desk, entry, attempt)
    owed.status = attempt.dsn
    if attempt.status == "sent":
        owed.gone = True
        _sent(desk, entry, attempt)
    else:
        _failed(desk, entry, attempt, owed)


def _other(desk: Desk, rest: str) -> None:
    if rest.startswith("to=<"):
        desk.unread(f"a line of {desk.head.daemon} of an unknown form")
    else:
        desk.ignore(desk.head.daemon)


def _met(desk: Desk, entry: Entry, attempt: texts.Attempt) -> Owed:
    """A recipient that an attempt names; one that was rewritten stands for the one it was."""
    if attempt.status in _VERIFIED:
        entry.traffic = _PROBE
    first, to = attempt.orig_to, attempt.to
    if not first or first.lower() == to.lower():
        owed = announce(desk, entry, to)
    else:
        _turned(desk, entry, first, to)
        owed = entry.recipients[to]
    _tried(desk, entry, to, owed)
    if entry.diverted and to.lower() == entry.diverted.lower():
        for other in [one for one, its in entry.recipients.items() if one != to and not its.gone]:
            _turned(desk, entry, other, to)
    return owed


def _turned(desk: Desk, entry: Entry, first: str, to: str) -> None:
    """A recipient gave way to another; one that was tried himself keeps a copy."""
    owed, name = announce(desk, entry, first), first.lower()
    if entry.turned is None:
        entry.turned = set()
    if name not in entry.turned:
        entry.turned.add(name)
        if entry.tried and name in entry.tried:
            _redirected(desk, entry, first, first)
        if not owed.status:
            owed.gone = True
    _redirected(desk, entry, first, to)


def _tried(desk: Desk, entry: Entry, to: str, owed: Owed) -> None:
    """An attempt names a recipient: if he gave way to others, he keeps a copy."""
    name = to.lower()
    if entry.tried is None:
        entry.tried = set()
    if name not in entry.tried:
        entry.tried.add(name)
        if entry.turned and name in entry.turned:
            owed.gone = False
            _redirected(desk, entry, to, to)


def _redirected(desk: Desk, entry: Entry, first: str, to: str) -> None:
    """Tell that one recipient gave way to another, once."""
    edge = f"{first}\0{to}"
    if entry.redirected is None:
        entry.redirected = set()
    if edge not in entry.redirected:
        entry.redirected.add(edge)
        entry.recipients.setdefault(to, Owed()).announced = True
        leg = desk.leg(entry, desk.spool.host, entry.queue_id, to)
        desk.tell(Kind.REDIRECTED, desk.at, entry, first, next_leg=leg, attributes=(f"to={to}",))


def _failed(desk: Desk, entry: Entry, attempt: texts.Attempt, owed: Owed) -> None:
    match attempt.status:
        case "deferred" | "SOFTBOUNCE":
            _told(desk, _DEFERRED, entry, attempt, _peer(desk, attempt))
        case "bounced" | "expired":
            owed.gone = True
            _told(desk, Kind.REFUSED, entry, attempt, _peer(desk, attempt))
        case asked if asked in _VERIFIED:
            desk.ignore("verify")
        case other:
            desk.unread(f"unknown status {other[:40]!r}")


def _sent(desk: Desk, entry: Entry, attempt: texts.Attempt) -> None:
    reply = attempt.reply
    if desk.filters and attempt.relay in desk.filters.get(desk.spool.host, ()):
        _passed(desk, entry, attempt, desk.spool.host, "")
    elif number := texts.queued_as(reply):
        party = desk.parties[attempt.relay]
        _passed(desk, entry, attempt, desk.spool.host if party.near else party.name, number)
    elif texts.is_bounced(reply):  # its status is that of having been taken
        _told(desk, Kind.REFUSED, entry, replace(attempt, dsn=""), _peer(desk, attempt))
    elif session := texts.session(reply):
        onward = None, None, session, session_leg(session)
        _told(desk, _DELIVERED, entry, attempt, _peer(desk, attempt), onward)
    elif desk.head.daemon == "discard" or texts.is_discarded(reply):
        _told(desk, Kind.DISCARDED, entry, attempt, _peer(desk, attempt))
    elif number := texts.forwarded_as(reply):
        _forwarded(desk, entry, attempt, number)
    elif desk.head.daemon in _FINAL and not reply.endswith(texts.CUT):
        _told(desk, _DELIVERED, entry, attempt, _peer(desk, attempt))
    else:
        _passed(desk, entry, attempt, _peer(desk, attempt), "")


def _forwarded(desk: Desk, entry: Entry, attempt: texts.Attempt, number: str) -> None:
    """Local(8) made another entry of it; what it makes of a notification is one only if there is no other."""
    if not entry.originator:
        entry.reached |= entry.forwarded not in {"", number}
        entry.forwarded = number
    _passed(desk, entry, attempt, desk.spool.host, number)


def _passed(desk: Desk, entry: Entry, attempt: texts.Attempt, peer: str | None, number: str) -> None:
    """Handed to a party, that may say what it calls the message (else `number` is "")."""
    leg = desk.leg(entry, peer, number, attempt.to) if peer and number else None
    if number and peer == desk.spool.host:
        _doubt(desk, number, attempt.relay)
    action = "relayed" if peer in desk.mute else None  # beyond the sight of reports
    _told(desk, _TRANSFERRED, entry, attempt, peer, ("sent", action, number if leg else None, leg))


def _doubt(desk: Desk, number: str, relay: str) -> None:
    """What a filter hands back is a submission only by mistake: nothing told its service from one for clients.

    What stands on the loopback need be no filter: a filter answers once what it hands back was queued here.
    """
    made = desk.spool.entries.get(number)
    if made and made.submitted and made.traffic == Traffic.OURS:
        desk.unread("a filter's hand-back was taken for a submission: its smtpd needs a syslog_name of its own")
    elif made is None and desk.parties[relay].near:
        desk.note(NO_FILTER)


def _told(
    desk: Desk, kind: Kind, entry: Entry, attempt: texts.Attempt, peer: str | None, onward: Onward = NOWHERE
) -> None:
    side, action, number, leg = onward
    at, status, recipient = desk.at, attempt.dsn or None, attempt.to
    outcome = f"{action or NONE}|{status or NONE}|{number or NONE}"
    desk.events.append(
        MessageEvent(
            desk.fact(kind, at, entry, recipient, outcome), kind, at, desk.observed_at,
            entry.place + half_of(recipient), entry.key, desk.spool.host, entry.queue_id, recipient,
            desk.source, desk.file, desk.offset, desk.seq,
            leg, number, peer, side, action, status, attempt.reply[:WORDS] or None, attempt.orig_to or None,
            (f"delays={attempt.delays}",) if attempt.delays else (),
        )
    )  # fmt: skip
    if not entry.originator and kind is not _DEFERRED:
        _learn(desk, entry, kind, number)


def _learn(desk: Desk, entry: Entry, kind: Kind, number: str | None) -> None:
    """Of what may be a notification: was somebody given it; that may be said after it left, in the same second."""
    entry.reached |= kind in _REACHED and (not number or number != entry.forwarded)
    entry.failed |= kind not in _REACHED
    desk.miss(entry)


def _peer(desk: Desk, attempt: texts.Attempt) -> str | None:
    return None if attempt.relay in _NOBODY else desk.parties[attempt.relay].name
