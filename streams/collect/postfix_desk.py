"""The desk at which Postfix's lines are read: the memory of open entries, the line at hand, the events it gives.

Rules:
- An event's identity is what happened, so facts that are alike within one second are told apart by an ordinal.
- A queue id is unique per host only; what is remembered is kept by host.
- An entry whose Message-ID was never logged is keyed by its host and queue id.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from streams.collect import postfix_text as texts
from streams.collect.declaration import Declaration, SubmissionPoint
from streams.collect.parser import Counts
from streams.collect.postfix_entry import Entry, Memory, Notice, Spool
from streams.collect.queueid import arrival
from streams.core.events import UNDELIVERED, Kind, MessageEvent
from streams.core.identity import NOBODY, fact_id, fact_of, message_key, place_of, recipient_half

SECOND = 1_000_000
PROGRAMS = 1_000
"""Programs (and codes of refusals) whose ignored lines are counted apart."""

_LOOPBACK = ("127.", "::1")
_PARTIES = 16_384
_RECIPIENTS = 65_536
_SECONDS = 1_024

_REMOVED: Final = Kind.REMOVED

NONE: Final = "None"
"""As it stands in an outcome: formatting what is nothing takes long."""

NOTHING: Final = f"{NONE}|{NONE}|{NONE}"
"""Outcome of a fact that has none."""


class _Halves(dict[str, bytes]):
    """The second halves of recipients' legs; mailboxes come again and again."""

    def __missing__(self, recipient: str) -> bytes:
        if len(self) >= _RECIPIENTS:
            self.clear()
        self[recipient] = half = recipient_half(recipient)
        return half


half_of: Final = _Halves().__getitem__
"""The second half of a recipient's leg."""


class _Seconds(dict[int, str]):
    """Seconds as they stand in facts; many facts share one."""

    def __missing__(self, second: int) -> str:
        if len(self) >= _SECONDS:
            self.clear()
        self[second] = text = str(second)
        return text


second_of: Final = _Seconds().__getitem__
"""The text of a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Another side of a connection.

    Attributes:
        name: declared name of its host; else its address, or its name where it has no address.
        address: as logged, or "".
        declared: a declared host.
        near: on the loopback, and nobody declared it: a filter on the line's host.
    """

    name: str
    address: str
    declared: bool
    near: bool


class Parties(dict[str, Party]):
    """Who stands behind `name[address]:port`: by its name if that is declared, else by its address.

    Behind one address there may be several, each at a port (a filter and a tunnel on the loopback): a name with a port
    comes first.
    """

    def __init__(self, declaration: Declaration) -> None:
        """Nobody is known yet."""
        super().__init__()
        self._declaration = declaration

    def __missing__(self, text: str) -> Party:
        """Find out once."""
        called, address = texts.names(text)
        names = (texts.at_port(text), called, address)
        known = next((name for name in names if self._declaration.is_declared(name)), "")
        name = self._declaration.host_of(known or address or called)
        declared = bool(known)
        near = not declared and address.startswith(_LOOPBACK)
        if len(self) >= _PARTIES:  # foreign clients cannot grow it for ever
            self.clear()
        self[text] = party = Party(name=name, address=address, declared=declared, near=near)
        return party


class Standing(NamedTuple):
    """What a client is to its host.

    Attributes:
        ours: what it sends begins here.
        known: a known host, or a filter on this one.
    """

    ours: bool
    known: bool


Read = Callable[["Desk", str, Entry | None, str], None]
"""Reads a line about an entry: desk, queue id, what is known of it, text."""

Speak = Callable[["Desk", str], None]
"""Reads a line that is about no entry: desk, text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What stands before a line's text.

    Attributes:
        spool: memory of its host.
        service: program before the daemon.
        daemon: last part of the program's name; the whole where it is not Postfix.
        pid: "" where the line says none.
        read: reads its lines about entries; None where they carry nothing.
        speak: reads its other lines.
    """

    spool: Spool
    service: str
    daemon: str
    pid: str
    read: "Read | None"
    speak: "Speak"


def _is_no_other(_at: int) -> bool:
    """A line's time means one thing."""
    return False


class Desk:
    """What every reader of a line works on.

    Attributes:
        spool: memory of the line's host.
        at: microseconds UTC of the line.
        head: what stands before its text.
        seq: order of the line within its second.
        file: name of the file.
        offset: byte offset of the line.
        observed_at: microseconds UTC, when the lines were read.
        events: what the lines gave.
        removed: time, host and queue id of entries that left.
        parties: who stands behind what lines call them.
        standings: of clients, by host, client, service and login.
        told: event ids of this second.
        correct: told when the line was said, microseconds: if it is the other time that the line's may mean, it is
            taken, from there on.
        ignored: lines that carry nothing for custody, by program.
    """

    __slots__ = (
        "at", "correct", "counts", "declaration", "events", "file", "filters", "head", "ignored", "mute", "observed_at",
        "offset", "parties", "points", "removed", "seq", "source", "spool", "spools", "standings", "told",
    )  # fmt: skip

    def __init__(self, source: str, declaration: Declaration) -> None:
        """An empty desk."""
        self.source, self.declaration, self.counts = source, declaration, Counts()
        self.ignored = self.counts.ignored
        self.points: dict[str, SubmissionPoint] = {point.host: point for point in declaration.submission_points}
        self.mute = frozenset(host.name for host in declaration.hosts if host.reports is False)
        self.filters = {host.name: host.filters for host in declaration.hosts if host.filters}
        self.parties = Parties(declaration)
        self.standings: dict[tuple[str, str, str, bool], Standing] = {}
        self.spools: dict[str, Spool] = {}
        self.spool = Spool(host="")
        self.removed: deque[tuple[int, str, str]] = deque()
        self.told: set[bytes] = set()
        self.correct: Callable[[int], bool] = _is_no_other
        self.offset = 0
        self.open("", 0)
        self.at, self.seq = 0, 0
        self.head = Head(spool=self.spool, service="", daemon="", pid="", read=None, speak=Desk.ignore)

    # Memory

    def begin(self, queue_id: str) -> Entry:
        """A new entry; what was known under this id was another one."""
        where = f"{self.spool.host}/{queue_id}"
        entry = Entry(queue_id, arrival(queue_id, self.at), where)
        self.spool.entries[queue_id] = entry
        return entry

    def entry(self, queue_id: str) -> Entry:
        """The entry that a line names; one that began before this log is known from here on."""
        entry = self.spool.entries.get(queue_id)
        return self.begin(queue_id) if entry is None else entry

    def name(self, entry: Entry, message_id: str | None = None) -> None:
        """Give an entry its key; the first Message-ID counts. From then on it goes on with what was put in again."""
        if not entry.key:
            host = self.spool.host
            entry.message_id = message_id
            entry.key = key = message_key(message_id, host, entry.queue_id)
            entry.place = place_of(host, entry.queue_id, key=key)
            if entry.requeued:
                self._take_up(entry)

    def _take_up(self, entry: Entry) -> None:
        """Tell of what was put in again that this entry goes on with it: qmgr may come to it late, and names nobody."""
        before = self.spool.entries.get(entry.parent)
        if before is None or not before.key or (before.removed_at is None and before.key != entry.key):
            before = self.unseen(entry)  # the number may be another message's by now
        self.tell(Kind.REROUTED, entry.at, before, next_queue_id=entry.queue_id, next_leg=entry.place + NOBODY)

    def unseen(self, entry: Entry) -> Entry:
        """The parent of an entry, where this log says nothing of it."""
        host, parent = self.spool.host, entry.parent
        place = place_of(host, parent, key=entry.key)
        return Entry(queue_id=parent, at=entry.at, where=f"{host}/{parent}", key=entry.key, place=place)

    def leave(self, entry: Entry) -> None:
        """An entry is in the queue no more; it is known for a little longer."""
        if entry.removed_at is None:
            entry.removed_at = self.at
            self.removed.append((self.at, self.spool.host, entry.queue_id))
            self.miss(entry)

    def miss(self, entry: Entry) -> None:
        """Tell of what a notification of failure is about that it was undelivered, if it left and reached nobody."""
        about = entry.about
        if about is None or entry.removed_at is None:
            return
        if entry.forwarded:
            self._hand_on(entry, about)
        elif entry.failed and not entry.reached:
            subject = Entry(about.queue_id, self.at, about.where, about.key, about.place)
            notes = ("notification=failed", f"report={entry.key}")
            self.tell(Kind.REPORTED, self.at, subject, action=UNDELIVERED, next_queue_id=about.number, attributes=notes)

    def _hand_on(self, entry: Entry, about: Notice) -> None:
        """What local(8) made of a notification is one, if that went nowhere else: which is known when it left."""
        made = self.spool.entries.get(entry.forwarded)
        if made is not None and made.about in (None, about):
            made.about = None if entry.reached else about
            self.miss(made)

    def leg(self, entry: Entry, host: str, queue_id: str, recipient: str) -> bytes:
        """The leg of a recipient in another entry of the same message."""
        other = self.spool.entries.get(queue_id) if host == self.spool.host else None
        if other is not None and other.key == entry.key:
            return other.place + half_of(recipient)
        return place_of(host, queue_id, key=entry.key) + half_of(recipient)

    def here(self, party: Party) -> str:
        """The host of a party."""
        return self.spool.host if party.near else party.name

    def restore(self, memory: Memory) -> None:
        """Take up what a checkpoint remembers."""
        self.spools, self.removed, self.told = memory.spools, deque(memory.removed), memory.told
        self.at, self.seq = memory.at, memory.seq
        self.file = memory.file

    # Answers

    def open(self, file: str, observed_at: int) -> None:
        """Lines of a file follow."""
        self.file, self.observed_at = file, observed_at
        self.events: list[MessageEvent] = []

    def tell(self, kind: Kind, at: int, entry: Entry, recipient: str = "", **fields: Any) -> None:
        """One event about an entry (whose key is known), or about one of its recipients; for the rare kinds."""
        outcome = f"{fields.get('action')}|{fields.get('status')}|{fields.get('next_queue_id')}" if fields else NOTHING
        event = MessageEvent(
            self.fact(kind, at, entry, recipient, outcome), kind, at, self.observed_at,
            entry.place + half_of(recipient), entry.key, self.spool.host, entry.queue_id, recipient,
            self.source, self.file, self.offset, self.seq,
        )  # fmt: skip
        self.events.append(replace(event, **fields) if fields else event)

    def end(self, entry: Entry) -> None:
        """Tell that an entry (whose key is known) left its queue."""
        host, at = self.spool.host, self.at
        self.events.append(
            MessageEvent(
                self.fact(_REMOVED, at, entry), _REMOVED, at, self.observed_at,
                entry.place + NOBODY, entry.key, host, entry.queue_id, "",
                self.source, self.file, self.offset, self.seq,
            )
        )  # fmt: skip
        self.leave(entry)

    def fact(
        self, kind: str, at: int, entry: Entry, recipient: str = "", outcome: str = NOTHING, ordinal: int = 0
    ) -> bytes:
        """The identity of a fact; facts that are alike are told apart by an ordinal.

        Args:
            kind: what happened.
            at: microseconds UTC.
            entry: its queue entry.
            recipient: "" for the whole entry.
            outcome: `action|status|next queue id`.
            ordinal: to begin with, where a fact of another second is alike.
        """
        told, first = self.told, str(ordinal) if ordinal else "0"
        fact = fact_of((kind, entry.where, recipient.lower(), second_of(at // SECOND), outcome, first))
        if fact in told:
            fact = self._next(partial(fact_id, kind, entry.where, recipient, at, outcome), ordinal)
        told.add(fact)
        return fact

    def _next(self, fact: Callable[[int], bytes], ordinal: int) -> bytes:
        """The first of facts that are alike that was not told; those told have consecutive ordinals."""
        told, step = self.told, 1
        while fact(ordinal + step) in told:
            step *= 2
        low, high = ordinal + step // 2, ordinal + step
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if fact(middle) in told else (low, middle)
        return fact(high)

    def counted(self, program: str) -> str:
        """The name that lines of a program are counted by; garbage names programs without end."""
        ignored = self.ignored
        return program if program in ignored or len(ignored) < PROGRAMS else "other programs"

    def ignore(self, program: str) -> None:
        """The line carries nothing for custody."""
        self.ignored[self.counted(program)] += 1

    def unread(self, reason: str) -> None:
        """The line should be understood and is not."""
        self.counts.miss(self.file, self.offset, reason)

    def note(self, sentence: str) -> None:
        """Say something of the whole source, once."""
        if sentence not in self.counts.notes:
            self.counts.notes += (sentence,)
