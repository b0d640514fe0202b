r"""Dovecot logs to events: what was put into the store, opened there, moved, and left it.

Rules:
- `save` in an LMTP session is the delivery; its session id is in the switch's line too, whole, and joins the two. The
  line "saved mail to" says the same again. A save over IMAP (Sent, Drafts) is nobody's delivery.
- A read is the \Seen flag set. FETCH is not logged and PEEK shows nothing.
- MOVE is a copy and an expunge of the same message in one session: the copy is still there to be read.
- An expunge without \Seen that is no move is not-read. \Deleted alone is nothing.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from streams.collect import dovecot_text as texts
from streams.collect.declaration import Declaration, Source
from streams.collect.dovecot_text import BoxEvent, Saying
from streams.collect.parser import Counts, Piece, Unread
from streams.collect.syslog import Reader
from streams.core.errors import Misuse
from streams.core.events import Kind, MessageEvent
from streams.core.identity import copy_leg, fact_id, message_key, pair_leg, session_leg

JUNK = frozenset({"junk", "spam"})
"""Mailboxes that a filter puts mail into: sent, but not where its reader looks."""

MOVES = 10_000
"""Copies that are remembered, over all sessions, until their expunge makes them a move."""

EXAMPLES = 20
SECOND = 1_000_000
_DELIVERS = frozenset({"lmtp", "lda"})
_SPEAKS = frozenset({"lmtp", "lda", "imap", "pop3"})


class Copy(msgspec.Struct):
    """A copy made in a session: where to."""

    box: str
    uid: str


class Memory(msgspec.Struct):
    """Everything a Dovecot parser remembers.

    Attributes:
        version: of this format.
        copies: by session, mailbox and Message-ID, copies not yet told to be moves.
        clock: state of the line reader.
        second: the second of the last line, and how many lines it had.
        alike: how often each fact was told within that second.
    """

    version: int = 1
    copies: dict[str, Copy] = {}
    clock: tuple[int | None, int, int] = (None, 0, 0)
    second: tuple[int, int] = (0, 0)
    alike: dict[str, int] = {}


class DovecotParser:
    """Reads the log of one store."""

    def __init__(self, source: Source, declaration: Declaration) -> None:
        """Set up for one source."""
        self.counts = Counts()
        self.source, self.declaration = source, declaration
        self.through = 0
        self._store = source.host or source.name
        self._reader = Reader(source.year, source.timezone)
        self._memory = Memory()
        self._place: dict[str, Any] = {}

    def parse(self, pieces: Sequence[Piece], *, file: str, observed_at: int) -> Iterator[MessageEvent]:
        """The events of these lines, in order."""
        self._reader.reference = observed_at
        self._place = {"file": file, "observed_at": observed_at, "source": self.source.name}
        for piece in pieces:
            self.counts.pieces += 1
            self._place["offset"] = piece.offset
            yield from self._line(piece.raw)

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
        try:
            self._memory = msgspec.msgpack.decode(state, type=Memory)
        except msgspec.DecodeError as error:
            raise Misuse(f"The checkpoint of {self.source.name} is not of this version: {error}") from error
        self._reader.restore(self._memory.clock)

    def _line(self, raw: bytes) -> Iterator[MessageEvent]:
        line = self._reader.read(raw) if raw.strip() else None
        if line is None:
            self._unread("no time that can be read" if raw.strip() else "an empty line")
            return
        self._tick(line.at)
        if line.program and line.program != "dovecot":
            self.counts.ignored[line.program] += 1
            return
        said = texts.saying(line.text)
        if said is None:
            self._unread("not a line of Dovecot")
        else:
            yield from self._understand(line.at, said)

    def _tick(self, at: int) -> None:
        memory = self._memory
        self.through = max(self.through, at)
        second, count = memory.second
        if at // SECOND == second:
            memory.second = (second, count + 1)
        else:
            memory.second, memory.alike = (at // SECOND, 0), {}

    def _understand(self, at: int, said: Saying) -> Iterator[MessageEvent]:
        if said.service not in _SPEAKS or not said.user:
            self.counts.ignored[said.service] += 1
            return
        event = texts.box_event(said.text)
        if event is not None:
            yield from self._boxed(at, said, event)
        elif said.service in _DELIVERS:
            yield from self._delivery(at, said)
        else:
            self.counts.ignored[said.service] += 1

    def _boxed(self, at: int, said: Saying, event: BoxEvent) -> Iterator[MessageEvent]:
        match event.verb:
            case "save" if said.service in _DELIVERS:
                yield self._saved(at, said, event)
            case "flag_change" if event.flags and "\\Seen" in event.flags:
                yield self._of_copy(Kind.READ, at, said, event)
            case "copy":
                self._remember(said, event)
                self.counts.ignored["copy"] += 1
            case "expunge":
                yield from self._expunged(at, said, event)
            case verb:
                self.counts.ignored[verb] += 1

    def _saved(self, at: int, said: Saying, event: BoxEvent) -> MessageEvent:
        copy = copy_leg(self._store, said.user, event.box, event.uid)
        key = message_key(event.msgid, self._store, said.session or f"{event.box}/{event.uid}")
        return self._event(
            Kind.QUARANTINED if event.box.lower() in JUNK else Kind.DELIVERED,
            at,
            key,
            said.user,
            queue_id=said.session or f"{event.box}/{event.uid}",
            leg=session_leg(said.session) if said.session else pair_leg(key, said.user),
            next_leg=copy,
            message_id=event.msgid or None,
            size=event.size,
            attributes=(f"mailbox={event.box}", f"uid={event.uid}"),
        )

    def _of_copy(
        self, kind: Kind, at: int, said: Saying, event: BoxEvent, next_leg: bytes | None = None, **fields: Any
    ) -> MessageEvent:
        place = f"{event.box}/{event.uid}"
        return self._event(
            kind,
            at,
            message_key(event.msgid, self._store, place),
            said.user,
            queue_id=place,
            leg=copy_leg(self._store, said.user, event.box, event.uid),
            next_leg=next_leg,
            attributes=(f"mailbox={event.box}", f"uid={event.uid}"),
            **fields,
        )

    def _remember(self, said: Saying, event: BoxEvent) -> None:
        """A copy may be the first half of a MOVE."""
        copies = self._memory.copies
        copies[_move(said, event.origin, event.msgid)] = Copy(event.box, event.uid)
        while len(copies) > MOVES:
            copies.pop(next(iter(copies)))

    def _expunged(self, at: int, said: Saying, event: BoxEvent) -> Iterator[MessageEvent]:
        made = self._memory.copies.pop(_move(said, event.box, event.msgid), None)
        if made is not None:
            target = copy_leg(self._store, said.user, made.box, made.uid)
            place = f"{made.box}/{made.uid}"
            yield self._of_copy(
                Kind.TRANSFERRED, at, said, event, target, side="moved", next_queue_id=place, peer=self._store
            )
        elif event.flags is not None and "\\Seen" not in event.flags:
            yield self._of_copy(Kind.NOT_READ, at, said, event, action="deleted")
        else:
            self.counts.ignored["expunge"] += 1

    def _delivery(self, at: int, said: Saying) -> Iterator[MessageEvent]:
        """What delivery or Sieve says of a message; where it was saved the mail_log line has said already."""
        told = texts.sieve(said.text)
        if told is None:
            self.counts.ignored[said.service] += 1
            return
        msgid, what = told
        key = message_key(msgid, self._store, said.session or "?")
        leg = session_leg(said.session) if said.session else pair_leg(key, said.user)
        if what.startswith(("discard", "marked message to be discarded")):
            yield self._event(Kind.DISCARDED, at, key, said.user, queue_id=said.session, leg=leg, diagnostic=what[:200])
        elif what.startswith(("rejected", "sent rejection")):
            yield self._event(Kind.REFUSED, at, key, said.user, queue_id=said.session, leg=leg, diagnostic=what[:200])
        else:
            self.counts.ignored[said.service] += 1

    def _event(self, kind: Kind, at: int, key: str, recipient: str, **fields: Any) -> MessageEvent:
        memory = self._memory
        where = f"{self._store}/{fields['queue_id']}"
        alike = f"{kind}|{where}|{recipient}|{at // SECOND}"
        ordinal = memory.alike.get(alike, 0)
        memory.alike[alike] = ordinal + 1
        self.counts.events += 1
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

    def _unread(self, reason: str) -> None:
        self.counts.unread[reason] += 1
        if len(self.counts.examples) < EXAMPLES:
            self.counts.examples.append(Unread(file=self._place["file"], offset=self._place["offset"], reason=reason))


def _move(said: Saying, box: str, msgid: str) -> str:
    return f"{said.session}\0{said.user}\0{box}\0{msgid}"
