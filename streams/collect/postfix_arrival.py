"""Arrivals: that a queue entry is here, what class of traffic it is, and which of its recipients are known.

Rules:
- An entry with a parent (`orig_queue_id`, `orig_id`), one that a content filter hands back, and one that local(8) made
  by forwarding is never a submission: it is a later leg of what came before.
- The arrival is told for the whole entry at qmgr's first line, and for each recipient as soon as it is known. Its time
  is the one in a long queue id.
- Where an entry's parent is known, custody for a recipient passes from the parent to it once the recipient is known.
"""

from msgspec.structs import replace

from streams.collect.declaration import SubmissionPoint
from streams.collect.postfix_desk import Desk, Party, half_of
from streams.collect.postfix_entry import Entry, Owed
from streams.core.events import Kind, Traffic
from streams.core.identity import leg_of

TRAFFIC = {traffic.value: traffic for traffic in Traffic}

_PROBER = "double-bounce@"
"""What bounces of bounces and address_verify probes are sent as (double_bounce_sender)."""

_ROBOTS = frozenset({"root", "cron", "daemon", "nobody"})
"""Who calls `sendmail` under a bare login name on behalf of nobody."""


def arrive(desk: Desk, entry: Entry) -> None:
    """Tell that an entry is here, and which of its recipients are known."""
    if entry.arrived:
        return
    entry.arrived = True
    desk.name(entry)
    _classify(desk, entry)
    if entry.requeued:
        _inherit(desk, entry)
    _tell(desk, entry, "", asked=None)
    for recipient in tuple(entry.recipients):
        announce(desk, entry, recipient)


def count(desk: Desk, entry: Entry) -> None:
    """The number of recipients became known after the arrival was told: tell it again, as another fact."""
    _tell(desk, entry, "", asked=None, ordinal=1)


def relate(desk: Desk, entry: Entry) -> None:
    """What a notification is about became known after its recipients were told: tell them again, with that."""
    for recipient, owed in entry.recipients.items():
        if owed.announced:
            _tell(desk, entry, recipient, asked=owed.asked)


def announce(desk: Desk, entry: Entry, recipient: str) -> Owed:
    """Tell that a recipient is owed here, once."""
    owed = entry.recipients.get(recipient)
    if owed is None:
        owed = entry.recipients[recipient] = Owed()
    elif owed.announced:
        return owed
    owed.announced = True
    _tell(desk, entry, recipient, asked=owed.asked)
    if entry.parent:
        _continue(desk, entry, recipient)
    return owed


def _inherit(desk: Desk, entry: Entry) -> None:
    """Recipients that a requeued entry still owed pass on."""
    before = desk.spool.entries.get(entry.parent)
    for recipient, owed in (before.recipients if before else {}).items():
        if not owed.gone:
            entry.recipients.setdefault(recipient, Owed(asked=owed.asked))


def _continue(desk: Desk, entry: Entry, recipient: str) -> None:
    """Custody passed to an entry from its parent on this host (another host's log tells its hand-over itself)."""
    before = desk.spool.entries.get(entry.parent)
    if before is None:
        if entry.client and desk.spool.host != desk.here(desk.party(entry.client)):
            return
        before = _unseen(desk, entry)
    elif not before.key:  # neither cleanup nor qmgr has spoken of it
        before = _unseen(desk, entry)
    form = replace(desk.form, next_queue_id=entry.queue_id, next_leg=entry.place + half_of(recipient))
    desk.put(form, Kind.REROUTED, entry.at, before, recipient)
    if before.key != entry.key and not before.key.startswith("/"):  # a filter changed it: tell both partitions
        copy = Entry(queue_id=before.queue_id, at=before.at, where=before.where, key=entry.key, place=before.place)
        desk.put(form, Kind.REROUTED, entry.at, copy, recipient)


def _unseen(desk: Desk, entry: Entry) -> Entry:
    """A parent that this log says nothing of."""
    host, parent = desk.spool.host, entry.parent
    place = leg_of(host, parent, key=entry.key)[:8]
    return Entry(queue_id=parent, at=entry.at, where=f"{host}/{parent}", key=entry.key, place=place)


def _tell(desk: Desk, entry: Entry, recipient: str, *, asked: bool | None, ordinal: int = 0) -> None:
    submitted = entry.submitted
    form = replace(
        desk.form,
        side=None if submitted else "received",
        traffic=TRAFFIC[entry.traffic] if entry.traffic else _outside(desk, recipient),
        peer=desk.party(entry.client).name if entry.client else None,
        message_id=entry.message_id,
        originator=entry.originator or "",
        recipients_expected=entry.expected,
        priority=entry.priority,
        size=entry.size,
        report_requested=asked,
        mts_id=entry.envelope_id,
    )
    if entry.report:
        form = replace(form, action=entry.report, subject_key=entry.subject)
    if entry.resent_id:
        form = replace(form, attributes=(f"resent-message-id={entry.resent_id}",))
    desk.put(form, Kind.SUBMITTED if submitted else Kind.TRANSFERRED, entry.at, entry, recipient, ordinal)


# Classes; DESIGN, "What is owed, and to whom"


def _classify(desk: Desk, entry: Entry) -> None:
    """Set the class of an entry, and whether it begins here."""
    point = desk.points.get(desk.spool.host)
    ours = not entry.parent and point is not None and _is_submission(desk, point, entry)
    traffic = _traffic(desk, entry, ours=ours)
    entry.traffic = "" if traffic is None else traffic
    entry.submitted = traffic not in {None, Traffic.TRANSIT} and (ours or not entry.client)


def _traffic(desk: Desk, entry: Entry, *, ours: bool) -> Traffic | None:
    """The class of an entry; None where the recipient's domain decides."""
    sender = entry.originator
    if entry.parent or sender is None:  # None: it began before this log
        return Traffic.TRANSIT
    if entry.system or _is_robot(entry):
        return Traffic.SYSTEM
    if sender.startswith(_PROBER):
        return Traffic.PROBE
    if entry.report or not sender:
        return _report(desk, entry, ours=ours)
    return Traffic.OURS if ours else _foreign(desk, entry)


def _foreign(desk: Desk, entry: Entry) -> Traffic | None:
    """What local(8) forwarded, and what a known host or a filter hands over, is on its way."""
    return Traffic.TRANSIT if not entry.client or _is_known(desk, entry) else None


def _is_known(desk: Desk, entry: Entry) -> bool:
    """Does a known host, or a filter on this one, hand it over."""
    party = desk.party(entry.client)
    return party.declared or _hands_back(desk, entry, party)


def _report(desk: Desk, entry: Entry, *, ours: bool) -> Traffic:
    """A notification made here begins here; one that was forwarded here, or comes from a known host, is on its way."""
    if entry.client:
        return Traffic.TRANSIT if not ours and _is_known(desk, entry) else Traffic.REPORT
    made_here = bool(entry.report) or entry.local or entry.queue_id in (entry.message_id or "")
    return Traffic.REPORT if made_here else Traffic.TRANSIT


def _outside(desk: Desk, recipient: str) -> Traffic:
    """Accepted from outside: for us, or for somebody else."""
    domain = recipient.rpartition("@")[2].lower()
    return Traffic.INBOUND if not recipient or domain in desk.declaration.local_domains else Traffic.TRANSIT


def _is_robot(entry: Entry) -> bool:
    return entry.local and entry.login in _ROBOTS


def _is_submission(desk: Desk, point: SubmissionPoint, entry: Entry) -> bool:
    if not entry.client:
        return entry.local and point.local
    if _is_named(point, entry.service) or (point.authenticated and entry.authenticated):
        return True
    party = desk.party(entry.client)
    return desk.is_near(point, party.address) and not _hands_back(desk, entry, party)


def _is_named(point: SubmissionPoint, service: str) -> bool:
    """Is a program's name before the daemon (`postfix/submission`), or its last part, a declared service."""
    return bool(point.services) and (service in point.services or service.rpartition("/")[2] in point.services)


def _hands_back(desk: Desk, entry: Entry, party: Party) -> bool:
    """A content filter hands back to a service of its own, from an address of its own host."""
    here = {party.name, desk.here(party), desk.declaration.host_of(party.address)}
    return "/" in entry.service and desk.spool.host in here
