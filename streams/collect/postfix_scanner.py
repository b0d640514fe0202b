"""MailScanner, which takes messages out of the hold queue itself and puts in again what it lets pass.

Rules:
- What it takes was accepted, and put on hold by a check. What it puts in again has another queue id, and continues what
  it took as what an operator puts in again does (`postsuper -r`): under the same Message-ID, for whoever is owed.
- It writes the new file itself: neither pickup nor cleanup says anything of it, and qmgr takes it up.
- What it keeps or throws away stays on hold, since it has no line that is sure to say so.
"""

from streams.collect import postfix_text as texts
from streams.collect.postfix_check import take_up
from streams.collect.postfix_desk import Desk
from streams.collect.postfix_entry import Entry
from streams.core.events import Kind

SCANNER = "MailScanner"
"""The name of its program, which is no daemon of Postfix."""


def about(desk: Desk, _queue_id: str, _entry: Entry | None, _rest: str) -> None:
    """A line that begins with a queue id carries nothing."""
    desk.ignore(SCANNER)


def scanned(desk: Desk, text: str) -> None:
    """Any other line: a message that it lets pass, or nothing."""
    ids = texts.put_in_again(text)
    if ids is None:
        desk.ignore(SCANNER)
        return
    old, new = ids
    known = desk.spool.entries.get(new)
    if known is None or known.parent != old:  # a line that is read again
        _continued(desk, old, new)


def _continued(desk: Desk, old: str, new: str) -> None:
    before = desk.spool.entries.get(old)
    entry = desk.begin(new)
    entry.parent, entry.requeued = old, True
    if before is None:  # it began before this log
        return
    _taken(desk, before)
    desk.name(entry, before.message_id)
    entry.written = True  # all of its recipients are known from its beginning
    entry.envelope_id, entry.resent_id, entry.priority = before.envelope_id, before.resent_id, before.priority


def _taken(desk: Desk, entry: Entry) -> None:
    """It took a message out of the queue."""
    desk.name(entry)
    if entry.remarks:
        take_up(desk, entry)
    entry.held = False
    notes = (f"pid={desk.head.pid}", f"program={SCANNER}")
    desk.tell(Kind.REROUTED, desk.at, entry, attributes=notes)
    entry.removed_at = entry.removed_at or desk.at  # known until the entry that continues it leaves
