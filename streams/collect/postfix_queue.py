"""What happens to an entry in the queue: lines of cleanup, qmgr, bounce and postsuper.

Rules:
- What qmgr takes up is not on hold: the hold was of an earlier message of its client, which was never sent.
- `status=expired` names no recipient: everyone still owed is refused, with the status of the last attempt.
- What `sendmail` brings in under the Message-ID of an entry that is here comes from a filter, where one is declared:
  that entry is its parent.
- An entry that cleanup or a milter rejects was never accepted.
- qmgr says each time how many recipients the entry had at first. Of one that began before this log some may have been
  served before: how many it has is not known.
- A notification of failure that leaves and reached nobody is told of what it is about: that is of another message. So
  is one that was issued (since Postfix 3.11 that is said when it is begun) and never was in the queue.
- What a rule redirects (REDIRECT) goes to one recipient: qmgr drops all but the first, and says so nowhere.
"""

from streams.collect import postfix_text as texts
from streams.collect.postfix_arrival import announce, arrive, count, relate
from streams.collect.postfix_attempt import WORDS, attempted
from streams.collect.postfix_check import act, is_held, owed_of, remark, take_up
from streams.collect.postfix_desk import Desk
from streams.collect.postfix_door import turn_away
from streams.collect.postfix_entry import Entry, Notice, Owed
from streams.core.events import Kind, Traffic

_NOTICES = {
    "sender non-delivery notification": "failed",
    "sender delivery status notification": "delivered",
    "sender delay notification": "delayed",
}
_OPERATOR = {"placed on hold": Kind.HELD, "released from hold": Kind.RELEASED}
_TURNS = ("reject: ", "milter-reject: ", texts.REDIRECT)
_SAID = ("skipped", "status=deferred")
"""What qmgr says of an entry that stays as it is."""
_UNKNOWN = 0
"""Recipients of an entry that began before this log."""

_UNSAID = "4.4.7"
"""RFC 3463: delivery time expired; where no attempt was logged."""


# cleanup


def cleanup(desk: Desk, queue_id: str, entry: Entry | None, rest: str) -> None:
    """A line of cleanup about an entry."""
    named = rest.startswith("message-id=")
    if not named and rest.startswith("removed ("):  # Postfix 3.12 says what it never queued
        _dropped(desk, entry)
        return
    if entry is None or entry.removed_at is not None or (named and entry.expected is not None):
        entry = desk.begin(queue_id)  # a message made here, under an id that may have been another's
    entry.written = True
    if named:
        if not entry.key:
            desk.name(entry, rest[11:])
            _pair(desk, entry)
        _heard_all(desk, entry)
        if entry.remarks:
            act(desk, entry)
    elif rest.startswith("resent-message-id="):
        entry.resent_id = rest[18:]
    elif rest.startswith("to=<"):
        attempted(desk, queue_id, entry, rest)  # a local message that a check refused
    else:
        _check(desk, entry, rest)


def _pair(desk: Desk, entry: Entry) -> None:
    """An entry that a filter gives back continues the one that it was given, which may be several times."""
    spool, key = desk.spool, entry.key
    if spool.host not in desk.filters:
        return
    before = spool.entries.get(spool.filtered.get(key, ""))
    if before is not None and before.key == key and entry.local and not entry.root:
        entry.parent = before.queue_id
    else:
        spool.filtered[key] = entry.queue_id


def _dropped(desk: Desk, entry: Entry | None) -> None:
    """Cleanup took away what it wrote: a check threw it away, or it was never accepted."""
    if entry and entry.remarks and not is_held(entry):
        desk.name(entry)
        act(desk, entry)
    elif entry and not entry.arrived:
        _lose(desk, entry)
    desk.ignore("cleanup")


def _heard_all(desk: Desk, entry: Entry) -> None:
    """The header is there, so all recipients were named."""
    talk = desk.spool.talks.get(entry.pid)
    if talk and talk.entry == entry.queue_id:
        talk.entry, talk.heard = "", None


def _check(desk: Desk, entry: Entry, rest: str) -> None:
    """What a header check, an access rule or a milter says."""
    header = texts.header(rest)
    if header:
        _prioritise(entry, *header)
    if rest.startswith(texts.ACTS):
        remark(desk, entry, rest)
        return
    if rest.startswith(_TURNS):
        _turned(desk, entry, rest)
    if header is None:
        desk.ignore("cleanup")


def _turned(desk: Desk, entry: Entry, rest: str) -> None:
    """A message was rejected, or somebody else gets it."""
    if rest.startswith(texts.REDIRECT):
        entry.diverted = texts.redirection(rest) or entry.diverted
    elif entry.client:
        desk.spool.entries.pop(entry.queue_id, None)
        turn_away(desk, rest, entry.queue_id)


def _prioritise(entry: Entry, name: str, value: str) -> None:
    level, rank = texts.priority_of(name, value), texts.RANKS.get(name, entry.rank)
    if level is not None and rank <= entry.rank:
        entry.priority, entry.rank = level, rank


# bounce


def bounce(desk: Desk, queue_id: str, entry: Entry | None, rest: str) -> None:
    """A line of bounce about an entry: a notification was issued."""
    notice, _, number = rest.partition(": ")
    action = _NOTICES.get(notice)
    if number and notice.startswith("postmaster "):
        notification = desk.entry(number)
        notification.system, notification.traffic = True, Traffic.SYSTEM.value
    elif number and action:
        _issued(desk, entry or desk.begin(queue_id), desk.entry(number), action)
    else:
        desk.ignore("bounce")


def unsent(desk: Desk, text: str) -> None:
    """A line of bounce that names no entry, or names it in a warning: a notification that it began was not queued."""
    subject = desk.spool.entries.get(texts.unsent(text))
    report = desk.spool.entries.get(subject.notified) if subject else None
    if report and not report.arrived:
        _lose(desk, report)
    desk.ignore("bounce")


def _lose(desk: Desk, entry: Entry) -> None:
    """What was never in the queue is forgotten; if it was a notification, it reached nobody."""
    if entry.about is not None:
        desk.name(entry)
        entry.failed, entry.removed_at = True, desk.at
        desk.miss(entry)
    del desk.spool.entries[entry.queue_id]


def _issued(desk: Desk, subject: Entry, report: Entry, action: str) -> None:
    desk.name(subject)
    is_news = (report.report, report.subject) != (action, subject.key)
    report.report, report.subject = action, subject.key
    notes = (f"notification={action}", *((f"report={report.key}",) if report.key else ()))
    desk.tell(Kind.REPORTED, desk.at, subject, action="issued", next_queue_id=report.queue_id, attributes=notes)
    if action == "failed":
        subject.notified = report.queue_id
        report.about = Notice(report.queue_id, subject.queue_id, subject.where, subject.key, subject.place)
        desk.miss(report)  # it was queued before bounce says so
    if is_news:
        relate(desk, report)


# qmgr


def qmgr(desk: Desk, queue_id: str, entry: Entry | None, rest: str) -> None:
    """A line of qmgr about an entry."""
    entry = entry or desk.begin(queue_id)
    if rest == "removed":
        if not entry.key:
            desk.name(entry)
        desk.end(entry)
    elif rest.endswith(" (queue active)"):
        if entry.expected is None:
            _activated(desk, entry, rest)
    elif rest.startswith("to=<"):
        attempted(desk, queue_id, entry, rest)  # what waits for a transport that cannot be had
    elif ", status=" in rest:
        _expired(desk, entry, rest.rpartition(", status=")[2])
    elif rest.startswith(_SAID):
        desk.ignore("qmgr")
    else:
        desk.unread("a line of qmgr of an unknown form")


def _activated(desk: Desk, entry: Entry, rest: str) -> None:
    said = texts.activation(rest)
    if said is None:
        desk.unread("a line of qmgr of an unknown form")
        return
    entry.originator, entry.size, number = said
    if entry.diverted:
        entry.expected = 1
    else:
        entry.expected = number if entry.written or entry.client or entry.local else _UNKNOWN
    if entry.remarks and entry.key:
        take_up(desk, entry)
    if entry.held:
        entry.held = False
        desk.tell(Kind.RELEASED, desk.at, entry)
    if entry.arrived:
        count(desk, entry)
    else:
        arrive(desk, entry)


def _expired(desk: Desk, entry: Entry, status: str) -> None:
    arrive(desk, entry)
    action = "forced" if entry.expiring or status.startswith("force") else "expired"
    entry.failed = True
    for recipient in owed_of(entry) or [""]:
        owed = announce(desk, entry, recipient) if recipient else Owed()
        owed.gone = True
        desk.tell(
            Kind.REFUSED,
            desk.at,
            entry,
            recipient,
            status=owed.status or _UNSAID,
            diagnostic=status[:WORDS],
            action=action,
        )


# postsuper


def postsuper(desk: Desk, queue_id: str, entry: Entry | None, rest: str) -> None:
    """A line of postsuper about an entry: an operator acted."""
    entry = entry or desk.begin(queue_id)
    desk.name(entry)
    if entry.remarks:
        take_up(desk, entry)
    notes = (f"pid={desk.head.pid}",)
    if rest in _OPERATOR:
        entry.held = False
        desk.tell(_OPERATOR[rest], desk.at, entry, attributes=notes)
    elif rest == "requeued":
        desk.tell(Kind.REROUTED, desk.at, entry, attributes=notes)
        desk.spool.requeued[entry.root or queue_id] = queue_id
        entry.removed_at = entry.removed_at or desk.at  # known until the entry that continues it leaves
    elif rest == "expired":
        entry.expiring = True
    elif rest == "removed":
        for recipient in ("", *(owed_of(entry) if entry.removed_at is None else ())):
            desk.tell(Kind.DELETED, desk.at, entry, recipient, attributes=notes)
        entry.failed = True
        desk.leave(entry)
    else:
        desk.unread("a line of postsuper of an unknown form")
