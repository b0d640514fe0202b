"""Events of stores: copies saved, opened, moved, gone. Reference: streams/collect/dovecot.py."""

from typing import Any

from streams.core.events import Kind
from streams.core.identity import copy_leg, message_key, session_leg
from streams.simulate.acts import Expunged, Moved, Opened, Stored
from streams.simulate.scribe import Scribe

_JUNK = frozenset({"junk", "spam"})


def stored(scribe: Scribe, act: Stored) -> None:
    """A store saved a copy."""
    if not act.mailbox:
        scribe.put(Kind.DISCARDED, scribe.at, (f"{scribe.host}/{act.session}", session_leg(act.session)), act.user,
                 message_key=message_key(act.message_id, scribe.host, act.session), queue_id=act.session)  # fmt: skip
        return
    number = f"{act.mailbox}/{act.uid}"
    scribe.put(
        Kind.QUARANTINED if act.mailbox.lower() in _JUNK else Kind.DELIVERED,
        scribe.at,
        (f"{scribe.host}/{act.session}", session_leg(act.session)),
        act.user,
        message_key=message_key(act.message_id, scribe.host, act.session),
        message_id=act.message_id or None,
        queue_id=act.session,
        next_leg=copy_leg(scribe.host, act.user, act.mailbox, str(act.uid)),
        next_queue_id=number,
        peer=scribe.host,
        size=act.size,
        attributes=(f"mailbox={act.mailbox}", f"uid={act.uid}"),
    )


def opened(scribe: Scribe, act: Opened) -> None:
    """A copy was opened."""
    _of_copy(scribe, Kind.READ, act)


def expunged(scribe: Scribe, act: Expunged) -> None:
    """A copy left the store; whether it had been seen, its deletion says."""
    if act.seen:
        _of_copy(scribe, Kind.READ, act)
    else:
        _of_copy(scribe, Kind.NOT_READ, act, action="deleted")


def moved(scribe: Scribe, act: Moved) -> None:
    """A copy was moved."""
    to = copy_leg(scribe.host, act.user, act.to_mailbox, str(act.to_uid))
    number = f"{act.to_mailbox}/{act.to_uid}"
    _of_copy(scribe, Kind.TRANSFERRED, act, side="moved", next_queue_id=number, peer=scribe.host, next_leg=to)


def _of_copy(scribe: Scribe, kind: Kind, act: Opened | Expunged | Moved, **fields: Any) -> None:
    number = f"{act.mailbox}/{act.uid}"
    place = (f"{scribe.host}/{number}", copy_leg(scribe.host, act.user, act.mailbox, str(act.uid)))
    scribe.put(
        kind,
        scribe.at,
        place,
        act.user,
        message_key=message_key(act.message_id, scribe.host, number),
        queue_id=number,
        attributes=(f"mailbox={act.mailbox}", f"uid={act.uid}"),
        **fields,
    )
