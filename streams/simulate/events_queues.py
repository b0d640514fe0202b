"""Events of switches: arrivals, attempts, and how entries end. Reference: streams/collect/postfix*.py."""

from typing import Any

from streams.core.events import UNDELIVERED, Kind, Traffic
from streams.core.identity import leg_of, message_key, place_of, session_leg
from streams.simulate.acts import FILTER, Agent, Attempted, Entered, Expired, Left, Notice, Noticed, Order, Ordered, Via
from streams.simulate.scribe import Known, Scribe, half_of

_OURS = frozenset({Via.SASL, Via.SERVICE, Via.NETWORK, Via.LOCAL})
_CONTINUED = frozenset({Via.FORWARD, Via.FILTER, Via.REQUEUE})
_UNSAID = "4.4.7"

# Arrivals


def entered(scribe: Scribe, act: Entered) -> None:
    """An entry came in."""
    entry = scribe.begin(act.queue_id, act.message_id, scribe.at)
    ours = act.via in _OURS
    peer = scribe.party(act.client, act.address) if act.address else None
    entry.traffic = _traffic(scribe, act, ours=ours)
    entry.kind = (
        Kind.SUBMITTED if entry.traffic not in {None, Traffic.TRANSIT} and (ours or not peer) else Kind.TRANSFERRED
    )
    entry.form = {
        "side": None if entry.kind is Kind.SUBMITTED else "received",
        "peer": peer,
        "message_id": act.message_id or None,
        "originator": act.sender,
        "recipients_expected": len(act.recipients),
        "priority": act.priority,
        "size": act.size,
    }
    if act.via is Via.NOTICE:
        entry.form["action"], entry.form["subject_key"] = scribe.notices.get(act.queue_id, (None, None))
    _descend(scribe, entry, act)
    arrive(scribe, entry)
    _inherit(scribe, entry)
    for one in act.recipients:
        if one.heard:
            announce(scribe, entry, one.to, asked=one.asked)


def _descend(scribe: Scribe, entry: Known, act: Entered) -> None:
    """What an entry continues here."""
    if act.via is Via.FORWARD and (made_of := scribe.entries.get(act.parent)) and not made_of.reached:
        entry.about = made_of.about
    if act.via is Via.FILTER:
        entry.parent = act.parent
    elif act.via is Via.REQUEUE:
        entry.root, entry.parent = act.parent, scribe.requeued.pop(act.parent, act.parent)
        _continue(scribe, entry, "")
    if before := scribe.entries.get(entry.parent):
        entry.about, entry.reached = before.about, before.reached and act.via is Via.REQUEUE


def _inherit(scribe: Scribe, entry: Known) -> None:
    """Recipients that were still owed pass on to what was put in again."""
    before = scribe.entries.get(entry.parent) if entry.root else None
    for to in before.owed if before else ():
        announce(scribe, entry, to, asked=before.asked.get(to) if before else None)


def _traffic(scribe: Scribe, act: Entered, *, ours: bool) -> Traffic | None:
    """The class of an entry; None where the recipient's domain decides."""
    if act.via in _CONTINUED:
        return Traffic.TRANSIT
    known = act.via is Via.SMTP and scribe.declaration.is_declared(act.client)
    if not act.sender:
        return Traffic.TRANSIT if known else Traffic.REPORT
    if ours:
        return Traffic.OURS
    return Traffic.TRANSIT if known else None


def arrive(scribe: Scribe, entry: Known) -> None:
    """Tell that an entry is here."""
    entry.arrived = True
    _tell_arrival(scribe, entry, "", asked=None)


def announce(scribe: Scribe, entry: Known, recipient: str, *, asked: bool | None = None) -> None:
    """Tell that a recipient is owed here, once."""
    if recipient not in entry.told:
        entry.told.add(recipient)
        entry.owed.setdefault(recipient, "")
        if asked is not None:
            entry.asked[recipient] = asked
        _tell_arrival(scribe, entry, recipient, asked=asked)
        if entry.parent:
            _continue(scribe, entry, recipient)


def _continue(scribe: Scribe, entry: Known, recipient: str) -> None:
    """Custody for a recipient, or ("") for all of it, passed from an entry's parent to it."""
    before = scribe.entries.get(entry.parent) or _unseen(scribe, entry)
    scribe.tell(Kind.REROUTED, entry.at, before, recipient, next_queue_id=entry.queue_id,
                next_leg=entry.place + half_of(recipient))  # fmt: skip


def _unseen(scribe: Scribe, entry: Known) -> Known:
    """A parent that was forgotten, or never read of."""
    place = place_of(scribe.host, entry.parent, key=entry.key)
    where = f"{scribe.host}/{entry.parent}"
    return Known(queue_id=entry.parent, at=entry.at, where=where, key=entry.key, place=place)


def _tell_arrival(scribe: Scribe, entry: Known, recipient: str, *, asked: bool | None) -> None:
    form = entry.form or {"side": "received", "originator": ""}
    traffic = entry.traffic
    if traffic is None:
        domain = recipient.rpartition("@")[2].lower()
        inside = not recipient or domain in scribe.declaration.local_domains
        traffic = Traffic.INBOUND if inside else Traffic.TRANSIT
    scribe.tell(entry.kind, entry.at, entry, recipient, traffic=traffic, report_requested=asked, **form)


# Attempts


def attempted(scribe: Scribe, act: Attempted) -> None:
    """An attempt's line."""
    entry = scribe.entry(act.queue_id, act.arrived)
    if not entry.arrived:
        arrive(scribe, entry)
    _meet(scribe, entry, act)
    peer = scribe.party(act.relay, act.address) if act.relay and act.relay != "local" else None
    fields: dict[str, Any] = {
        "peer": peer,
        "status": act.dsn,
        "diagnostic": act.reply[:500],
        "original_recipient": act.orig_to or None,
    }
    entry.owed[act.to] = act.dsn
    if act.status != "deferred":
        del entry.owed[act.to]
        entry.reached |= act.status == "sent"
        entry.failed |= act.status != "sent"
    match act.status:
        case "sent":
            _sent(scribe, entry, act, fields)
        case "deferred":
            scribe.tell(Kind.DEFERRED, scribe.at, entry, act.to, **fields)
        case _:
            scribe.tell(Kind.REFUSED, scribe.at, entry, act.to, **fields)


def _meet(scribe: Scribe, entry: Known, act: Attempted) -> None:
    if not act.orig_to:
        announce(scribe, entry, act.to)
        return
    announce(scribe, entry, act.orig_to)
    entry.owed.pop(act.orig_to, None)
    if (act.orig_to, act.to) not in entry.redirected:
        entry.redirected.add((act.orig_to, act.to))
        entry.told.add(act.to)
        scribe.tell(Kind.REDIRECTED, scribe.at, entry, act.orig_to, next_leg=entry.place + half_of(act.to),
                  attributes=(f"to={act.to}",))  # fmt: skip


def _sent(scribe: Scribe, entry: Known, act: Attempted, fields: dict[str, Any]) -> None:
    if act.session:
        scribe.tell(Kind.DELIVERED, scribe.at, entry, act.to, next_queue_id=act.session,
                  next_leg=session_leg(act.session), **fields)  # fmt: skip
        return
    peer = scribe.host if act.agent is Agent.LOCAL or act.relay == FILTER else fields["peer"]
    fields["peer"] = peer
    onward = leg_of(peer, act.next_id, key=entry.key)[:8] + half_of(act.to) if act.next_id else None
    other = scribe.entries.get(act.next_id) if peer == scribe.host else None
    if other is not None and other.key == entry.key:
        onward = other.place + half_of(act.to)
    scribe.tell(Kind.TRANSFERRED, scribe.at, entry, act.to, side="sent", next_queue_id=act.next_id or None,
              action="relayed" if peer in scribe.mute else None, next_leg=onward, **fields)  # fmt: skip


# Ends


def left(scribe: Scribe, act: Left) -> None:
    """An entry was removed."""
    entry = scribe.entry(act.queue_id, scribe.at)
    scribe.tell(Kind.REMOVED, scribe.at, entry)
    _miss(scribe, entry)
    scribe.leave(entry)


def _miss(scribe: Scribe, entry: Known) -> None:
    """A notification of failure that leaves and reached nobody told nobody."""
    if entry.about and entry.failed and not entry.reached:
        number, subject = entry.about
        scribe.tell(Kind.REPORTED, scribe.at, subject, action=UNDELIVERED, next_queue_id=number,
                  attributes=("notification=failed", f"report={entry.key}"))  # fmt: skip


def expired(scribe: Scribe, act: Expired) -> None:
    """A switch gave up."""
    entry = scribe.entry(act.queue_id, scribe.at)
    if not entry.arrived:
        arrive(scribe, entry)
    action = "forced" if act.forced else "expired"
    entry.failed = True
    for recipient in list(entry.owed) or [""]:
        if recipient:
            announce(scribe, entry, recipient)
        status = entry.owed.pop(recipient, "") or _UNSAID
        scribe.tell(Kind.REFUSED, scribe.at, entry, recipient, status=status, action=action,
                  diagnostic="expired, returned to sender")  # fmt: skip


def ordered(scribe: Scribe, act: Ordered) -> None:
    """An operator acted."""
    entry = scribe.entry(act.queue_id, scribe.at)
    match act.order:
        case Order.DELETED:
            for recipient in ("", *entry.owed):
                scribe.tell(Kind.DELETED, scribe.at, entry, recipient)
            entry.failed = True
            _miss(scribe, entry)
            scribe.leave(entry)
        case Order.HELD:
            scribe.tell(Kind.HELD, scribe.at, entry)
        case Order.RELEASED:
            scribe.tell(Kind.RELEASED, scribe.at, entry)
        case Order.REQUEUED:
            scribe.tell(Kind.REROUTED, scribe.at, entry)
            scribe.requeued[entry.root or act.queue_id] = act.queue_id
            scribe.leave(entry)


def noticed(scribe: Scribe, act: Noticed) -> None:
    """A notification was issued."""
    entry = scribe.entry(act.queue_id, scribe.at)
    action, report = act.notice.value, message_key(act.notice_message_id)
    scribe.notices[act.notice_id] = (action, entry.key)
    if act.notice is Notice.FAILED:
        scribe.failures[act.notice_id] = entry
    scribe.tell(Kind.REPORTED, scribe.at, entry, action="issued", next_queue_id=act.notice_id,
              attributes=(f"notification={action}", f"report={report}"))  # fmt: skip
