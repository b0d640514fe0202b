"""Where entries begin: lines of smtpd (a client speaks) and pickup (`sendmail` was called).

Rules:
- smtpd opens a queue entry at the first recipient it accepts. So the last recipient that a command filter's line named
  before `client=` is the entry's first; those after it are its further ones, until cleanup has seen the header.
- A recipient that smtpd then refuses is none. A hold for it holds the rest of its message, of which smtpd says so no
  more; what was thrown away with it was another message, since smtpd refuses nobody after that.
- A client that goes away before cleanup has written anything, or in the middle of its message, leaves no entry behind;
  nor does a message that was refused when it was there, or could not be written. Of a session that ends with `data=0/1`
  nothing was accepted; which of several were, its counts do not say.
- A filter before the queue (smtpd_proxy_filter) hands a message back while another process hears its client, which
  gives it no queue id: the entry is that client's, by its name and address (`orig_client`), and begins here. Where no
  process waits so, a filter behind the queue hands back and does not say `orig_queue_id`.
- A long queue id is as old as the line that opens it: where they are far apart, and the line's time is not one that
  comes twice in autumn, the lines' zone or year is wrong.
"""

from operator import attrgetter

from msgspec.structs import replace

from streams.collect import postfix_text as texts
from streams.collect.postfix_check import accept
from streams.collect.postfix_desk import SECOND, Desk
from streams.collect.postfix_door import count
from streams.collect.postfix_entry import REMARKS, Entry, Owed, Remark, Talk

APART = 600 * SECOND
"""Microseconds between the time of a line that opens an entry and the one that its id tells; time zones differ by at
least 15 minutes."""

_FAR = "a time far from its queue id's: is the source's time zone, or year, right?"


def smtpd(desk: Desk, queue_id: str, entry: Entry | None, rest: str) -> None:
    """A line of smtpd about an entry."""
    if rest.startswith("client="):
        _opened(desk, desk.begin(queue_id), rest)
        return
    if entry and texts.is_abandoned(rest):
        _drop(desk, entry)
    elif entry:
        _checked(desk, entry, rest)
    count(desk, rest, queue_id)


def spoken(desk: Desk, text: str) -> None:
    """A line of smtpd that names no entry."""
    talks = desk.spool.talks
    if text.startswith(("connect from ", "disconnect from ")):
        talk = talks.pop(desk.head.pid, None)
        if talk and (talk.data or talk.entry):
            _ended(desk, talk, in_vain=texts.is_in_vain(text))
    elif "replacing command" in text:
        _hear(desk, text)
    elif text.startswith("NOQUEUE: "):
        _without_entry(desk, text[9:])
        count(desk, text[9:])
        return
    elif texts.is_abandoned(text):
        _abandoned(desk, talks.get(desk.head.pid))
    elif unaccepted := texts.unaccepted(text):
        _drop(desk, desk.spool.entries.get(unaccepted))
    desk.ignored["smtpd"] += 1


def warned(desk: Desk, text: str) -> None:
    """A line of cleanup that names no entry, or names it in a warning."""
    entry = desk.spool.entries.get(texts.unaccepted(text))
    if entry and entry.client:  # what came otherwise is bounced, or comes again
        _drop(desk, entry)
    desk.ignore("cleanup")


def picked_up(desk: Desk, queue_id: str, _: Entry | None, rest: str) -> None:
    """A line of pickup about an entry."""
    said = texts.pickup(rest)
    if said is None:
        desk.ignore("pickup")
        return
    entry = desk.begin(queue_id)
    _compare(desk, entry)
    entry.local = True
    entry.login, root = said
    if root:
        # orig_id names the first entry of a row of requeued ones; the parent is the last
        entry.parent = desk.spool.requeued.pop(root, root)
        entry.root, entry.requeued = root, True


def _opened(desk: Desk, entry: Entry, rest: str) -> None:
    _compare(desk, entry)
    client, more, said = rest[7:].partition(", ")
    entry.client, entry.service, entry.pid = client, desk.head.service, desk.head.pid
    if more:
        entry.authenticated = texts.LOGIN in said
        entry.parent = texts.orig_queue_id(said)
        if not entry.parent and texts.ORIGIN in said:
            _unproxied(desk, entry, said)
    talk = desk.spool.talks.get(desk.head.pid)
    if talk is None:
        desk.spool.talks[desk.head.pid] = Talk(at=desk.at, entry=entry.queue_id)
        return
    if talk.data:
        accept(desk, talk)
    if talk.heard:
        to, asked = talk.heard
        entry.recipients[to] = Owed(asked=asked)
    entry.envelope_id, entry.remarks, entry.diverted = talk.envelope_id, talk.remarks, talk.diverted
    desk.spool.talks[desk.head.pid] = Talk(at=desk.at, entry=entry.queue_id)


def _compare(desk: Desk, entry: Entry) -> None:
    """Hold the time of the line that opens an entry to its id's."""
    if not -APART <= entry.at - desk.at <= APART and not desk.correct(entry.at):
        desk.unread(_FAR)


def _checked(desk: Desk, entry: Entry, rest: str) -> None:
    """What an access rule or a milter says of an entry that smtpd hears."""
    refused = texts.rejected_recipient(rest)
    remark = _remark(desk, rest)
    if refused is not None:
        entry.recipients.pop(refused, None)
        entry.remarks = _after(entry.remarks, rest)
    elif remark:
        entry.remarks = (*entry.remarks, remark)[:REMARKS]
    elif texts.is_rejected_whole(rest):
        _drop(desk, entry)
    else:
        entry.diverted = texts.redirection(rest) or entry.diverted


def _hear(desk: Desk, text: str) -> None:
    talk = desk.spool.talks.get(desk.head.pid)
    if talk is None:
        talk = desk.spool.talks[desk.head.pid] = Talk()
    talk.at = desk.at
    early = texts.early_recipient(text)
    if early is None:
        talk.envelope_id = texts.early_envelope(text) or talk.envelope_id
        return
    talk.heard = early
    entry = desk.spool.entries.get(talk.entry)
    if entry:
        entry.recipients[early[0]] = Owed(asked=early[1])


def _without_entry(desk: Desk, said: str) -> None:
    """A recipient refused, or a message put on hold, thrown away or passed on, before there is a queue id."""
    if said.startswith("client="):
        _proxied(desk, said)
        return
    talk = desk.spool.talks.get(desk.head.pid)
    remark, diverted = _remark(desk, said), texts.redirection(said)
    if remark or diverted:
        if talk is None:
            talk = desk.spool.talks[desk.head.pid] = Talk(at=desk.at)
        talk.diverted = diverted or talk.diverted
        talk.remarks = (*talk.remarks, *((remark,) if remark else ()))[:REMARKS]
    elif talk and (talk.heard or talk.remarks) and (refused := texts.rejected_recipient(said)) is not None:
        if talk.heard and talk.heard[0] == refused:
            talk.heard = None
        talk.remarks = _after(talk.remarks, said)


def _proxied(desk: Desk, said: str) -> None:
    """A process passes a client's message to a filter before the queue."""
    talk = desk.spool.talks.setdefault(desk.head.pid, Talk())
    talk.at, talk.service = desk.at, desk.head.service
    talk.proxied, talk.authenticated = said[7:].partition(", ")[0], texts.LOGIN in said


def _unproxied(desk: Desk, entry: Entry, said: str) -> None:
    """A filter before the queue hands back what a process passes to it: it is as if that had opened the entry."""
    origin = texts.origin(said)
    waiting = [talk for talk in desk.spool.talks.values() if talk.proxied == origin]
    if waiting:
        talk = min(waiting, key=attrgetter("at"))
        entry.client, entry.service, entry.authenticated = origin, talk.service, talk.authenticated
        talk.proxied = ""


def _after(remarks: tuple[Remark, ...], rejection: str) -> tuple[Remark, ...]:
    """Remarks after a recipient was rejected: a hold is of the message still, smtpd says it once; but not of whom."""
    parties = texts.parties(rejection) if remarks else None
    if parties is None:
        return remarks
    return tuple(one for remark in remarks if (one := _without(remark, parties)))


def _without(remark: Remark, parties: tuple[str, str | None]) -> Remark | None:
    """What stays of a remark when its recipient was rejected."""
    if texts.parties(remark.words) != parties:
        return remark
    return replace(remark, words=remark.words.replace(f" to=<{parties[1]}>", "")) if remark.held else None


def _remark(desk: Desk, said: str) -> Remark | None:
    if not said.startswith(texts.ACTS):
        return None
    return Remark(held=said.startswith(texts.HOLDS), at=desk.at, words=said[:500])


def _abandoned(desk: Desk, talk: Talk | None) -> None:
    """A client went away in the middle of its message, which was never accepted."""
    if talk:
        _drop(desk, desk.spool.entries.get(talk.data or talk.entry))


def _drop(desk: Desk, entry: Entry | None) -> None:
    """A message was never accepted; what is in the queue was."""
    if entry and not entry.arrived:
        del desk.spool.entries[entry.queue_id]


def _ended(desk: Desk, talk: Talk, *, in_vain: bool) -> None:
    """A session is over; what was not written by then, or all of it if it was in vain, was not accepted."""
    if in_vain:
        _abandoned(desk, talk)
    if talk.data:
        accept(desk, talk)
    entry = desk.spool.entries.get(talk.entry)
    if entry and not entry.written:
        _drop(desk, entry)
