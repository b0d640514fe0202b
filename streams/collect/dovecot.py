r"""Dovecot logs to events: what was put into the store, opened there, moved, and left it.

Rules:
- `save` in an LMTP session is the delivery; its session id is in the switch's line too, whole, and joins the two. The
  line "saved mail to" says the same again, and counts where mail_log does not log saves. A save over IMAP (Sent,
  Drafts) is nobody's delivery.
- What a filter rejects is refused, and its originator has been told: Sieve says so once the rejection was sent. Not
  where the store says before that it sends none. What the delivery agent rejects (the mailbox is full) is refused, too;
  its notice counts unless what is read with that line says that it sent none.
  A rejection that Sieve does not send at all (to nobody, or a second answer) discards.
- What users share is its owner's (`shared` of the source): whoever reads or deletes there does it to the owner's
  copies.
- A read is the \Seen flag set by the user's client. FETCH is not logged and PEEK shows nothing. What a filter saved as
  seen, or an operator marked, nobody read, nor a copy of it. \Deleted alone is nothing; where one STORE sets both
  flags mail_log says only `delete`, so that and `undelete` are read like any change of flags.
- MOVE is a copy and an expunge of the same message: the copy is still there to be read. So it is in a mailbox that is
  given another name; one that is deleted has its messages expunged first, each with a line of its own.
- An expunge without \Seen that is no move is not-read. Over POP3 it is so only where the session retrieved nothing, and
  a read only where the one message there was retrieved; else nobody can know, and the event is `removed`.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from streams.collect import dovecot_names as names
from streams.collect import dovecot_text as texts
from streams.collect.checkpoint import memory_of
from streams.collect.declaration import Declaration, Source
from streams.collect.dovecot_boxes import Renaming
from streams.collect.dovecot_memory import Copy, Left, Memory, copy_of, put
from streams.collect.dovecot_notices import Notices
from streams.collect.dovecot_text import BoxEvent, Done, Saying
from streams.collect.parser import Counts, Piece, text_of
from streams.collect.syslog import Reader, lost_lines
from streams.collect.wrapping import unwrapped
from streams.core.events import Kind, MessageEvent
from streams.core.identity import copy_leg, fact_id, leg_of, message_key, session_leg

JUNK = frozenset({"junk", "junk e-mail", "junk email", "spam", "quarantine"})
"""Mailboxes that a filter puts mail into: sent, but not where its reader looks. The last part of a name counts."""

PROGRAMS = 100
"""Programs whose ignored lines are counted apart."""

SECOND = 1_000_000
WORDS = 300
"""Characters of a filter's words that are kept."""

_DELIVERS = frozenset({"lmtp", "lda", "deliver"})
_OPENS = frozenset({"imap", "pop3"})
_STORED = frozenset({"saved mail to", "stored mail into mailbox"})
_DISCARDED = frozenset({"discarded", "marked message to be discarded", "not sending reject message"})
_OPERATOR = "doveadm"
_USED = frozenset({"\\Answered", "$Forwarded", "$MDNSent"})
"""Flags that prove a read of what had been marked as seen before."""


class DovecotParser:
    """Reads the log of one store."""

    def __init__(self, source: Source, declaration: Declaration, *, junk: frozenset[str] = JUNK) -> None:
        """Set up for one source; `junk` are the names (lower case) of mailboxes that a filter puts mail into."""
        self.counts = Counts()
        self.source, self.declaration, self.junk = source, declaration, junk
        self.through = 0
        self.reference: int | None = None
        self._store = source.host or source.name
        self._reader = Reader(source.year, source.timezone)
        self._memory = Memory()
        self._notices = Notices({})
        self._place: dict[str, Any] = {}

    def parse(self, pieces: Sequence[Piece], *, file: str, observed_at: int) -> list[MessageEvent]:
        """The events of these lines, in order."""
        self._reader.reference = observed_at if self.reference is None else self.reference
        if file != self._place.get("file", file):  # a copy may begin in the second in which the log ended
            self._memory.second = (0, 0)
        self._place = {"file": file, "observed_at": observed_at, "source": self.source.name}
        self._notices, events = Notices(self._memory.unsent), list[MessageEvent]()
        for piece in pieces:
            self._place["offset"] = piece.offset
            events += self._line(piece.raw)
        events = self._notices.told(events)
        self.counts.pieces += len(pieces)
        self.counts.events += len(events)
        return events

    def close(self) -> Iterable[MessageEvent]:
        """A log's end tells nothing that its lines did not."""
        return ()

    def state(self) -> bytes:
        """The memory of sessions, for the checkpoint."""
        self._memory.clock = self._reader.state()
        return msgspec.msgpack.encode(self._memory)

    def restore(self, state: bytes) -> None:
        """Take up the memory of a checkpoint.

        Raises:
            Misuse: it is of another version.
        """
        self._memory = memory = memory_of(state, Memory, Memory().version, self.source.name)
        self._reader.restore(memory.clock)

    def _line(self, raw: bytes) -> Iterator[MessageEvent]:
        timed = self._reader.timed(text_of(raw)) if raw.strip() else None
        if timed is None:
            self._unread("no time that can be read" if raw.strip() else "an empty line")
            return
        at, text = timed[0], unwrapped(timed[1], timed[0])
        self._tick(at)
        said = texts.saying(text)
        if said is not None:
            yield from self._understand(at, said)
        elif program := texts.program(text):
            self._other(program, text.partition(": ")[2])
        else:
            self._unread("not a line of Dovecot")

    def _tick(self, at: int) -> None:
        memory = self._memory
        self.through = max(self.through, at)
        second, count = memory.second
        if at // SECOND == second:
            memory.second = (second, count + 1)
        else:
            memory.second, memory.alike = (at // SECOND, 0), {}

    def _understand(self, at: int, said: Saying) -> Iterator[MessageEvent]:
        if not self.source.host and said.host:
            self._store = self.declaration.host_of(said.host)
        if said.user and (event := texts.box_event(said.text)) is not None:
            yield from self._boxed(at, said, event)
        elif said.user and (boxes := texts.renamed(said.text)) is not None:
            yield from self._renamed(at, said, *boxes)
        elif said.user and said.service in _DELIVERS and (told := texts.done(said.text)) is not None:
            yield from self._done(at, said, told)
        elif said.service in _DELIVERS and texts.unsent(said.text):
            self._notices.none_sent(names.delivery(said))
            self._ignore(said.service)
        elif said.service in _DELIVERS and texts.decides(said.text) and names.delivery(said) not in self._memory.saved:
            self._unread("what became of a message that is not named (deliver_log_format)")
        elif said.service == "pop3":
            yield from self._logout(said)
        else:
            self._other(said.service, said.text)

    # What mail_log says of mailboxes

    def _boxed(self, at: int, by: Saying, logged: BoxEvent) -> Iterator[MessageEvent]:
        said, box = self._whose(by, logged.box)
        event = logged._replace(box=box)
        match event.verb:
            case "save" if said.service in _DELIVERS:
                yield self._saved(at, by, logged)
            case "flag_change" | "delete" | "undelete" if said.service in _OPENS:
                yield from self._flagged(at, said, event)
            case "flag_change" | "delete" | "undelete" if said.service == _OPERATOR:
                self._marked(said, event)
            case "copy":
                self._copied(by, logged)
            case "expunge" | "autoexpunge":
                yield from self._expunged(at, said, event)
            case verb:
                self._ignore(verb)

    def _whose(self, said: Saying, box: str) -> tuple[Saying, str]:
        return names.whose(said, box, self.source.shared)

    def _saved(self, at: int, said: Saying, event: BoxEvent) -> MessageEvent:
        place = names.place(*self._whose(said, event.box), event.uid)
        copy = copy_of(names.place(said, "", ""), place)
        self._memory.delivered(names.delivery(said), copy)
        self._memory.lies(place, event.msgid)
        marked = "\\Seen" in (event.flags or ())
        if marked:
            put(self._memory.marked, place, value=True)
        return self._stored(
            at,
            said,
            event.msgid,
            copy,
            size=event.size,
            attributes=(*names.attributes(event.box, event.uid), *(("marked=seen",) if marked else ())),
        )

    def _stored(self, at: int, said: Saying, msgid: str, copy: Copy, **fields: Any) -> MessageEvent:
        """A message was put into a mailbox; in junk it is not where its reader looks."""
        number = said.session or f"{copy.box}/{copy.uid}"
        known = bool(copy.box and copy.uid)
        junk = copy.box.replace("/", ".").rpartition(".")[2].lower() in self.junk
        return self._delivery(
            Kind.QUARANTINED if junk else Kind.DELIVERED,
            at,
            said,
            msgid,
            number,
            next_leg=copy_leg(self._store, copy.user or said.user, copy.box, copy.uid) if known else None,
            next_queue_id=f"{copy.box}/{copy.uid}" if known else None,
            peer=self._store if known else None,
            **fields,
        )

    def _flagged(self, at: int, said: Saying, event: BoxEvent) -> Iterator[MessageEvent]:
        if event.flags is None:
            self._unread("flags are not logged (mail_log_fields)")
            return
        name = names.place(said, event.box, event.uid)
        if "\\Seen" not in event.flags:
            self._memory.unmark(name)
        elif not self._memory.is_marked(name) or event.flags & _USED:
            self._memory.seen_after_all(names.delivery(said), Copy(event.box, event.uid))
            self._memory.lying.pop(name, None)
            yield from self._of_copy(Kind.READ, at, said, event, names.means(said))
            return
        self._ignore(event.verb)

    def _marked(self, said: Saying, event: BoxEvent) -> None:
        """What an operator's tool shows as seen was seen before, which has been told, or is marked."""
        self._ignore(event.verb)
        name = names.place(said, event.box, event.uid)
        if "\\Seen" in (event.flags or ()):
            put(self._memory.marked, name, value=True)
        elif event.flags is not None:
            self._memory.unmark(name)

    def _copied(self, said: Saying, event: BoxEvent) -> None:
        """A copy may be the first half of a MOVE."""
        self._ignore("copy")
        owner, origin = self._whose(said, event.origin)
        place = names.place(*self._whose(said, event.box), event.uid)
        if "\\Seen" in (event.flags or ()):
            self._memory.seen_when_made(names.place(owner, origin, ""), place)
        self._memory.copied(names.message(owner, event, origin), place)

    def _expunged(self, at: int, said: Saying, event: BoxEvent) -> Iterator[MessageEvent]:
        name = names.place(said, event.box, event.uid)
        self._memory.unmark(name)
        self._memory.lying.pop(name, None)
        if (made := self._memory.moved(names.message(said, event, event.box))) is not None:
            yield from self._moved(at, said, event, made)
        elif event.flags is None:
            self._unread("flags are not logged (mail_log_fields)")
        elif self._memory.gone(name) or "\\Seen" in event.flags:
            self._ignore("expunge")
        elif said.service == "pop3" and event.verb == "expunge":
            self._ignore("expunge")  # until the session's summary; what expires does so after it
            self._memory.leaves(names.delivery(said), Left(at, event.box, event.uid, event.msgid))
        else:
            yield from self._of_copy(Kind.NOT_READ, at, said, event, action="deleted")

    def _moved(self, at: int, said: Saying, event: BoxEvent, made: Copy) -> Iterator[MessageEvent]:
        if not made.box or not made.uid:
            self._ignore("expunge")
            return
        there = names.place(said._replace(user=made.user or said.user), made.box, made.uid)
        if "\\Seen" not in (event.flags or ()) or self._memory.is_marked(there):
            self._memory.lies(there, event.msgid)
        yield from self._became(at, said, event, made)

    def _renamed(self, at: int, said: Saying, old: str, new: str) -> Iterator[MessageEvent]:
        """What lies unread in a mailbox, or in one below it, has another name from now on."""
        self._ignore("rename")
        (said, old), (to, new) = self._whose(said, old), self._whose(said, new)
        if to.user != said.user:
            return
        renaming = Renaming.of(said.user, old, new, self._memory.lying)
        for copy, msgid, made in self._memory.renamed(renaming):
            yield from self._became(at, said, BoxEvent("rename", "", copy.box, copy.uid, msgid, None, None), made)

    def _became(self, at: int, said: Saying, event: BoxEvent, made: Copy) -> Iterator[MessageEvent]:
        yield from self._of_copy(
            Kind.TRANSFERRED,
            at,
            said,
            event,
            next_leg=copy_leg(self._store, made.user or said.user, made.box, made.uid),
            side="moved",
            next_queue_id=f"{made.box}/{made.uid}",
            peer=self._store,
        )

    def _logout(self, said: Saying) -> Iterator[MessageEvent]:
        """The summary of a POP3 session decides what became of the messages that left unseen."""
        summary = texts.logout(said.text)
        self._ignore(said.service)
        if summary is None:
            return
        for left in self._memory.left.pop(names.delivery(said), []):
            event = BoxEvent("expunge", "", left.box, left.uid, left.msgid, None, None)
            if summary.retrieved == summary.top == 0:
                yield from self._of_copy(Kind.NOT_READ, left.at, said, event, names.means(said), action="deleted")
            elif summary.retrieved and summary.messages == 1:
                yield from self._of_copy(Kind.READ, left.at, said, event, names.means(said))
            else:
                yield from self._of_copy(Kind.REMOVED, left.at, said, event, names.means(said))

    def _of_copy(
        self, kind: Kind, at: int, said: Saying, event: BoxEvent, more: tuple[str, ...] = (), **fields: Any
    ) -> Iterator[MessageEvent]:
        if not event.box or not event.uid:
            self._unread("mailbox or uid is not logged (mail_log_fields)")
            return
        place = f"{event.box}/{event.uid}"
        yield self._event(
            kind,
            at,
            message_key(event.msgid, self._store, place),
            said.user,
            queue_id=place,
            leg=copy_leg(self._store, said.user, event.box, event.uid),
            attributes=(*names.attributes(event.box, event.uid), *more),
            **fields,
        )

    # What delivery and Sieve say

    def _done(self, at: int, said: Saying, told: Done) -> Iterator[MessageEvent]:
        """What became of a message; where it was saved the mail_log line has said so already."""
        saved = self._memory.saved
        if names.delivery(said) in saved and told.what in _STORED | _DISCARDED:
            self._ignore(said.service)
        elif told.what not in _STORED:
            yield from self._decided(at, said, told)
        elif (copy := saved.pop(names.nameless(said), None)) is not None:  # saved before the session had told its name
            attributes = names.attributes(copy.box, copy.uid)
            yield self._stored(at, said, told.msgid, copy, attributes=attributes)
        else:
            box = texts.mailbox(told.rest)
            yield self._stored(at, said, told.msgid, Copy(box, ""), attributes=(f"mailbox={box}",))

    def _decided(self, at: int, said: Saying, told: Done) -> Iterator[MessageEvent]:
        about = (at, said, told.msgid, said.session or f"{said.pid}.{at}")
        words = f"{told.what} {told.rest}".strip()[:WORDS]
        if told.what in _DISCARDED:
            yield self._delivery(Kind.DISCARDED, *about, diagnostic=words)
        elif told.what == "forwarded to":
            to = told.rest.strip("<>")
            yield self._delivery(Kind.REDIRECTED, *about, diagnostic=words, attributes=(f"to={to}",))
        else:
            yield self._delivery(Kind.REFUSED, *about, diagnostic=words)
            notice = self._delivery(Kind.REPORTED, *about, action="issued", attributes=("notification=failed",))
            tells = self._notices.of_agent if told.what == "rejected" else self._notices.of_filter
            yield from tells(names.delivery(said), notice)

    def _delivery(self, kind: Kind, at: int, said: Saying, msgid: str, number: str, **fields: Any) -> MessageEvent:
        """An event of a delivery: an LMTP session that the switch knows too, or a stay in the store's own hands."""
        key = message_key(msgid, self._store, number)
        known = said.service == "lmtp" and said.session
        leg = session_leg(said.session) if known else leg_of(self._store, number, said.user, key=key)
        return self._event(kind, at, key, said.user, queue_id=number, leg=leg, message_id=msgid or None, **fields)

    def _event(self, kind: Kind, at: int, key: str, recipient: str, **fields: Any) -> MessageEvent:
        memory = self._memory
        where = f"{self._store}/{fields['queue_id']}"
        alike = f"{kind}|{where}|{recipient}|{at // SECOND}"
        ordinal = memory.alike.get(alike, 0)
        memory.alike[alike] = ordinal + 1
        return MessageEvent(
            event_id=fact_id(kind, where, recipient, at, "", ordinal),
            kind=kind,
            occurred_at=at,
            message_key=key,
            host=self._store,
            recipient=recipient,
            seq=memory.second[1],
            **fields,
            **self._place,
        )

    def _other(self, program: str, text: str) -> None:
        """Count a line of a program that is not read; what the syslog daemon lost may have been Dovecot's."""
        if lost_lines(program, text):
            self._unread("the syslog daemon lost lines")
        else:
            self._ignore(program)

    def _ignore(self, program: str) -> None:
        """Count a line that carries nothing; garbage names programs without end."""
        ignored = self.counts.ignored
        ignored[program if program in ignored or len(ignored) < PROGRAMS else "other programs"] += 1

    def _unread(self, reason: str) -> None:
        self.counts.miss(self._place["file"], self._place["offset"], reason)
