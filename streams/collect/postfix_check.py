"""What access rules, header checks and milters do to a message at its arrival: put it on hold, or throw it away.

Rules:
- It may be said before the Message-ID: it waits until the key is known.
- A message that is put on hold is accepted only once all of it was received and nothing rejected it. No line says so:
  the process that hears it goes on to something else. So a hold waits for that, or for whoever takes the message up.
  Until then smtpd and cleanup may say that it was not accepted (postfix_session.py).
- A message put on hold or thrown away at its arrival was accepted, though qmgr says nothing of it.
"""

from streams.collect import postfix_text as texts
from streams.collect.postfix_arrival import arrive
from streams.collect.postfix_attempt import WORDS
from streams.collect.postfix_desk import Desk
from streams.collect.postfix_entry import REMARKS, Entry, Owed, Remark, Talk
from streams.core.events import Kind


def remark(desk: Desk, entry: Entry, said: str) -> None:
    """A header check or a milter holds an entry, or throws it away."""
    _learn(entry, said)
    made = Remark(held=said.startswith(texts.HOLDS), at=desk.at, words=texts.without_content(said)[:WORDS])
    entry.remarks = (*entry.remarks, made)[:REMARKS]
    if entry.key:
        act(desk, entry)


def act(desk: Desk, entry: Entry) -> None:
    """Tell what was done to a message whose key is known now; a hold waits while it may still be rejected."""
    talk = _hearing(desk, entry)
    if talk and is_held(entry):
        talk.data = entry.queue_id
    else:
        take_up(desk, entry)


def take_up(desk: Desk, entry: Entry) -> None:
    """Tell what was done to a message that is in the queue."""
    for made in entry.remarks:
        if entry.originator is None:
            _learn(entry, made.words)
        arrive(desk, entry)
        if made.held:
            entry.held = True
            desk.tell(Kind.HELD, made.at, entry, diagnostic=made.words)
            continue
        for recipient in ("", *owed_of(entry)):
            desk.tell(Kind.DISCARDED, made.at, entry, recipient, diagnostic=made.words)
        for owed in entry.recipients.values():
            owed.gone = True
        entry.failed = True
        desk.leave(entry)
    entry.remarks = ()


def accept(desk: Desk, talk: Talk) -> None:
    """A process goes on to something else than the message on hold that it heard: that was accepted."""
    entry, talk.data = desk.spool.entries.get(talk.data), ""
    if entry:
        take_up(desk, entry)


def is_held(entry: Entry) -> bool:
    """Was everything that waits a hold: what was thrown away is so, whatever comes later."""
    return bool(entry.remarks) and all(made.held for made in entry.remarks)


def owed_of(entry: Entry) -> list[str]:
    """Recipients to whom something is owed still."""
    return [recipient for recipient, owed in entry.recipients.items() if not owed.gone]


def _hearing(desk: Desk, entry: Entry) -> Talk | None:
    """What the process that hears an entry is hearing."""
    return desk.spool.talks.get(entry.pid) if entry.client else None


def _learn(entry: Entry, said: str) -> None:
    """Sender and a recipient, which qmgr will not say of a message it does not get."""
    parties = texts.parties(said)
    if parties:
        entry.originator = parties[0]
        if parties[1]:
            entry.recipients.setdefault(parties[1], Owed())
