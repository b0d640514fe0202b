"""Arrivals: that a queue entry is here, what class of traffic it is, and which of its recipients are known.

Rules:
- The arrival is told for the whole entry at qmgr's first line, and for each recipient as soon as it is known. Its time
  is the one in a long queue id.
- Where an entry's parent is known, custody for a recipient passes from the parent to it once the recipient is known.
- Who is first named in a requeued entry was owed in the one before it already: it is told there, too, or a message that
  was requeued before its first attempt would be a submission for nobody.
"""

from typing import Final

from streams.collect.postfix_desk import NOTHING, Desk, half_of
from streams.collect.postfix_entry import Entry, Owed
from streams.collect.postfix_traffic import classify, outside
from streams.core.events import Kind, MessageEvent, Traffic

_SUBMITTED: Final = Kind.SUBMITTED
_TRANSFERRED: Final = Kind.TRANSFERRED
_NOBODY: Final = Owed()
"""Whom a whole entry is owed to."""

TRAFFIC: Final = {traffic.value: traffic for traffic in Traffic}


def arrive(desk: Desk, entry: Entry) -> None:
    """Tell that an entry is here, and which of its recipients are known."""
    if entry.arrived:
        return
    entry.arrived = True
    if not entry.key:
        desk.name(entry)
    classify(desk, entry)
    if entry.requeued:
        _inherit(desk, entry)
    if entry.parent:
        _go_on(desk, entry)
    _tell(desk, entry, "", _NOBODY)
    for recipient in tuple(entry.recipients):
        announce(desk, entry, recipient)


def count(desk: Desk, entry: Entry) -> None:
    """The number of recipients became known after the arrival was told: tell it again, as another fact."""
    _tell(desk, entry, "", _NOBODY, 1)


def relate(desk: Desk, entry: Entry) -> None:
    """What a notification is about became known after its recipients were told: tell them again, with that."""
    for recipient, owed in entry.recipients.items():
        if owed.announced:
            _tell(desk, entry, recipient, owed)


def announce(desk: Desk, entry: Entry, recipient: str) -> Owed:
    """Tell that a recipient is owed here, once."""
    owed = entry.recipients.get(recipient)
    if owed is None:
        owed = entry.recipients[recipient] = Owed()
    elif owed.announced:
        return owed
    owed.announced = True
    _tell(desk, entry, recipient, owed)
    if entry.parent:
        _continue(desk, entry, recipient)
    return owed


def _inherit(desk: Desk, entry: Entry) -> None:
    """Recipients that a requeued entry still owed pass on."""
    before = desk.spool.entries.get(entry.parent)
    for recipient, owed in (before.recipients if before else {}).items():
        if not owed.gone:
            entry.recipients.setdefault(recipient, Owed(asked=owed.asked))


def _go_on(desk: Desk, entry: Entry) -> None:
    """What continues a notification on this host is one."""
    before = desk.spool.entries.get(entry.parent)
    is_here = not entry.client or desk.here(desk.parties[entry.client]) == desk.spool.host
    if before is None or before.originator or not is_here:
        return
    entry.about = before.about or entry.about
    if entry.requeued:
        before.reached |= bool(before.forwarded)
        entry.reached, before.forwarded = before.reached, entry.queue_id


def _continue(desk: Desk, entry: Entry, recipient: str) -> None:
    """Custody passed to an entry from its parent, and to that from its own where the recipient was not known of it."""
    before: Entry | None = entry
    while before and before.parent:
        before = _passed(desk, before, recipient)


def _passed(desk: Desk, entry: Entry, recipient: str) -> Entry | None:
    """Custody passed from a parent on this host (another host's log tells its hand-over itself).

    Returns:
        The parent, if the recipient was told there only now.
    """
    before, is_news = desk.spool.entries.get(entry.parent), False
    if before is None:
        if entry.client and desk.spool.host != desk.here(desk.parties[entry.client]):
            return None
        before = desk.unseen(entry)
    elif not before.key:  # neither cleanup nor qmgr has spoken of it
        before = desk.unseen(entry)
    elif entry.requeued and before.arrived:
        is_news = _owe(desk, before, recipient)
    onward = {"next_queue_id": entry.queue_id, "next_leg": entry.place + half_of(recipient)}
    desk.tell(Kind.REROUTED, entry.at, before, recipient, **onward)
    if before.key != entry.key and not before.key.startswith("/"):  # a filter changed it: tell both partitions
        copy = Entry(queue_id=before.queue_id, at=before.at, where=before.where, key=entry.key, place=before.place)
        desk.tell(Kind.REROUTED, entry.at, copy, recipient, **onward)
    return before if is_news else None


def _owe(desk: Desk, before: Entry, recipient: str) -> bool:
    """Tell that a recipient was owed in an entry that was requeued; whether that was not told before."""
    owed = before.recipients.setdefault(recipient, Owed())
    is_news, owed.announced = not owed.announced, True
    if is_news:
        _tell(desk, before, recipient, owed)
    return is_news


def _tell(desk: Desk, entry: Entry, recipient: str, owed: Owed, ordinal: int = 0) -> None:
    kind, side = (_SUBMITTED, None) if entry.submitted else (_TRANSFERRED, "received")
    action = entry.report or None
    desk.events.append(
        MessageEvent(
            desk.fact(kind, entry.at, entry, recipient, f"{action}|None|None" if action else NOTHING, ordinal),
            kind, entry.at, desk.observed_at,
            entry.place + half_of(recipient), entry.key, desk.spool.host, entry.queue_id, recipient,
            desk.source, desk.file, desk.offset, desk.seq,
            None, None, desk.parties[entry.client].name if entry.client else None, side, action, None, None, None,
            (f"resent-message-id={entry.resent_id}",) if entry.resent_id else (),
            entry.message_id, entry.envelope_id, entry.originator or "", entry.expected or None, entry.priority,
            entry.size,
            TRAFFIC[entry.traffic] if entry.traffic else outside(desk, recipient), owed.asked,
            entry.subject if action else None,
        )
    )  # fmt: skip
