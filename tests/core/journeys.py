"""Journeys of messages as events, for tests: each function says what happened at one place."""

from typing import Any

from streams.core import identity
from streams.core.clock import BEGINNING, Clock, Tick
from streams.core.custody import Custody
from streams.core.events import Kind, MessageEvent, Traffic
from streams.core.facts import facts, frame_of
from streams.core.findings import findings
from streams.core.lattice import NEVER
from streams.core.terms import SECOND, Terms

TERMS = {
    "name": "test",
    "report": {"normal": 60, "urgent": 10},
    "stuck": {"normal": 30},
    "unread": {"after": 100, "mailboxes": ["*@dest.test/INBOX"]},
    "unaccounted_after": 20,
    "told_within": 20,
}


def event(kind: Kind, at: float, *, key: str = "m", ordinal: int = 0, **fields: Any) -> MessageEvent:
    """An event at a second, with its leg and id computed as collectors do."""
    host, queue_id, recipient = (fields.get(name, "") for name in ("host", "queue_id", "recipient"))
    micro = round(at * SECOND)
    return MessageEvent(
        event_id=identity.fact_id(kind, f"{host}/{queue_id}", recipient, micro, str(fields.get("action")), ordinal),
        kind=kind,
        occurred_at=micro,
        observed_at=micro,
        leg=fields.pop("leg", identity.leg_of(host, queue_id, recipient, key=key)),
        message_key=key,
        **fields,
    )


def submitted(at: float, queue_id: str, recipient: str = "bob@dest.test", **fields: Any) -> list[MessageEvent]:
    """A client gave a message to origin."""
    given: dict[str, Any] = {
        "host": "origin",
        "queue_id": queue_id,
        "originator": "al@origin.test",
        "recipients_expected": 1,
    }
    given |= {"traffic": Traffic.OURS, "report_requested": True} | fields
    return [
        event(Kind.SUBMITTED, at, recipient="", **given),
        event(Kind.SUBMITTED, at, recipient=recipient, **given),
    ]


def sent(
    at: float, place: tuple[str, str], to: tuple[str, str], recipient: str = "bob@dest.test", **fields: Any
) -> list[MessageEvent]:
    """A switch handed a message to the next, which says so too; the first has nothing left."""
    (host, queue_id), (peer, next_queue_id) = place, to
    gave: dict[str, Any] = {
        "peer": peer,
        "next_queue_id": next_queue_id,
        "next_leg": identity.leg_of(peer, next_queue_id, recipient, key=fields.get("key", "m")),
    }
    got: dict[str, Any] = {"host": peer, "queue_id": next_queue_id, "side": "received", "traffic": Traffic.TRANSIT}
    return [
        event(Kind.TRANSFERRED, at, host=host, queue_id=queue_id, recipient=recipient, side="sent", **gave, **fields),
        event(Kind.REMOVED, at, host=host, queue_id=queue_id, **fields),
        event(Kind.TRANSFERRED, at, recipients_expected=1, **got, **fields),
    ]


def stored(
    at: float, place: tuple[str, str], session: str, recipient: str = "bob@dest.test", **fields: Any
) -> list[MessageEvent]:
    """The last switch delivered into a store, which says so too."""
    host, queue_id = place
    leg = identity.session_leg(session)
    copy = identity.copy_leg("store", recipient, "INBOX", session)
    return [
        event(Kind.DELIVERED, at, host=host, queue_id=queue_id, recipient=recipient, next_leg=leg, **fields),
        event(Kind.REMOVED, at, host=host, queue_id=queue_id, **fields),
        event(
            Kind.DELIVERED,
            at,
            host="store",
            queue_id=session,
            recipient=recipient,
            leg=leg,
            next_leg=copy,
            attributes=("mailbox=INBOX",),
            **fields,
        ),
    ]


def filed(at: float, session: str, box: str = "Work", recipient: str = "bob@dest.test", **fields: Any) -> MessageEvent:
    """A filter put another copy elsewhere, in the session that brought it."""
    where: dict[str, Any] = {"host": "store", "queue_id": session, "recipient": recipient}
    return event(
        Kind.DELIVERED,
        at,
        leg=identity.session_leg(session),
        next_leg=identity.copy_leg("store", recipient, box, session),
        attributes=(f"mailbox={box}",),
        **where,
        **{"ordinal": 9} | fields,
    )


def opened(at: float, session: str, recipient: str = "bob@dest.test", **fields: Any) -> list[MessageEvent]:
    """The recipient opened the copy that a session brought."""
    copy = identity.copy_leg("store", recipient, "INBOX", session)
    return [event(Kind.READ, at, host="store", queue_id=f"INBOX/{session}", recipient=recipient, leg=copy, **fields)]


def reported(
    at: float, place: tuple[str, str], action: str = "delivered", recipient: str = "bob@dest.test", **fields: Any
) -> list[MessageEvent]:
    """A report about a leg came back."""
    host, queue_id = place
    return [event(Kind.REPORTED, at, host=host, queue_id=queue_id, recipient=recipient, action=action, **fields)]


def claim(at: float, to: str, *, key: str = "m") -> MessageEvent:
    """A report about bob's message names another recipient at the relay."""
    leg = identity.leg_of("relay", "B1", to, key=key)
    where: dict[str, Any] = {"host": "origin", "queue_id": "A1", "recipient": "bob@dest.test", "peer": "relay"}
    return event(Kind.REPORTED, at, key=key, action="delivered", next_leg=leg, **where)


def redirected(at: float, first: str, to: str, *, key: str = "m") -> MessageEvent:
    """The relay says that a recipient gave way to another."""
    leg = identity.leg_of("relay", "B1", to, key=key)
    return event(Kind.REDIRECTED, at, key=key, host="relay", queue_id="B1", recipient=first, next_leg=leg)


def resent(at: float, queue_id: str, to: str, *, key: str = "m") -> MessageEvent:
    """An operator submitted bob's message at origin again."""
    leg = identity.leg_of("origin", to, "bob@dest.test", key=key)
    where: dict[str, Any] = {"host": "origin", "queue_id": queue_id, "recipient": "bob@dest.test"}
    return event(Kind.RESUBMITTED, at, key=key, peer="origin", next_queue_id=to, next_leg=leg, **where)


def moved(at: float, box: str, to: str, session: str = "s1", **fields: Any) -> MessageEvent:
    """Bob's client moved the copy that a session brought."""
    return there(
        Kind.TRANSFERRED,
        at,
        box,
        session,
        side="moved",
        next_leg=identity.copy_leg("store", "bob@dest.test", to, session),
        **fields,
    )


def there(kind: Kind, at: float, box: str, session: str = "s1", **fields: Any) -> MessageEvent:
    """Something happened to it in another mailbox."""
    leg = identity.copy_leg("store", "bob@dest.test", box, session)
    return event(kind, at, host="store", queue_id=f"{box}/{session}", recipient="bob@dest.test", leg=leg, **fields)


def journey(start: float, name: str, *, key: str = "m", report: bool = True, read: bool = True) -> list[MessageEvent]:
    """A message that took one second to arrive, from origin over relay into the store."""
    first, last, session = ("origin", f"A{name}"), ("relay", f"B{name}"), f"s{name}"
    events = [
        *submitted(start, first[1], key=key),
        *sent(start + 0.5, first, last, key=key),
        *stored(start + 1, last, session, key=key),
    ]
    if report:
        events += reported(start + 2, last, key=key)
    if read:
        events += opened(start + 3, session, key=key)
    return events


def folded(*batches: list[MessageEvent], clock: float | None = None, terms: dict[str, Any] | None = None) -> Custody:
    """Custody after some batches, all read at one time of the clock."""
    custody = Custody(terms=Terms.parse(TERMS | (terms or {})))
    for batch in batches:
        custody.fold(facts(frame_of(batch), BEGINNING if clock is None else round(clock * SECOND)))
    return custody


Alarm = tuple[str, str, float, float | None]


def alarms(custody: Custody, at: float, *ticks: Tick) -> set[Alarm]:
    """Findings at a second as (rule, host/queue id, raised, cleared or None), seconds."""
    clock = Clock()
    for tick in ticks:
        clock.hear(tick)
    clock.hear(Tick(through=round(at * SECOND)))
    found = set()
    for one in findings(custody, clock):
        name_of = custody.leg_name if one.subject == "leg" else custody.entry_name
        for row, raised, cleared in zip(one.rows.tolist(), one.raised.tolist(), one.cleared.tolist(), strict=True):
            place = "/".join(name_of(row)[:2])
            until = cleared / SECOND if cleared != NEVER and cleared <= clock.through else None
            found.add((one.rule, place, raised / SECOND, until))
    return found
