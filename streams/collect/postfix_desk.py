"""The desk at which Postfix's lines are read: the memory of open entries, the line at hand, the events it gives.

Rules:
- An event's identity is what happened, so facts that are alike within one second are told apart by an ordinal.
- A queue id is unique per host only; what is remembered is kept by host.
- An entry whose Message-ID was never logged is keyed by its host and queue id.
"""

from collections import deque
from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any

import msgspec
from msgspec.structs import replace

from streams.collect import postfix_text as texts
from streams.collect.declaration import Declaration, SubmissionPoint
from streams.collect.parser import Counts, Unread
from streams.collect.postfix_entry import Entry, Memory, Spool
from streams.collect.queueid import arrival
from streams.core.events import Kind, MessageEvent
from streams.core.identity import fact_id, leg_of, message_key, recipient_half

SECOND = 1_000_000
EXAMPLES = 20
PROGRAMS = 1_000
"""Programs (and codes of refusals) whose ignored lines are counted apart."""

_LOOPBACK = ("127.", "::1")
_PARTIES = 16_384

half_of = lru_cache(maxsize=65_536)(recipient_half)
"""The second half of a recipient's leg; mailboxes come again and again."""


@lru_cache(maxsize=4096)
def _key_of(message_id: str) -> str:
    """The key of a Message-ID, "" where it is empty; a host with a filter sees each message twice."""
    key = message_key(message_id, "", "-")
    return "" if key == "//-" else key


class Party(msgspec.Struct, frozen=True, gc=False):
    """Another side of a connection.

    Attributes:
        name: declared name of its host; else its address, or its name where it has no address.
        address: as logged, or "".
        called: its own name as logged.
        declared: a declared host.
    """

    name: str
    address: str
    called: str
    declared: bool


Read = Callable[["Desk", str, str], None]
"""Reads a line about an entry: desk, queue id, text."""


class Head(msgspec.Struct, frozen=True):
    """What stands before a line's text.

    Attributes:
        spool: memory of its host.
        service: program before the daemon.
        daemon: last part of the program's name; the whole where it is not Postfix.
        pid: "" where the line says none.
        read: reads its lines about entries; None where they carry nothing.
    """

    spool: Spool
    service: str
    daemon: str
    pid: str
    read: "Read | None"


class Desk:
    """What every reader of a line works on.

    Attributes:
        spool: memory of the line's host.
        at: microseconds UTC of the line.
        head: what stands before its text.
        seq: order of the line within its second.
        file: name of the file.
        offset: byte offset of the line.
        form: an event with what all events of a batch have in common.
        events: what the lines gave.
        removed: time, host and queue id of entries that left.
        told: event ids of this second.
        ignored: lines that carry nothing for custody, by program.
    """

    __slots__ = (
        "_near", "_parties", "at", "counts", "declaration", "events", "file", "form", "head", "ignored", "mute",
        "offset", "points", "removed", "seq", "source", "spool", "spools", "told",
    )  # fmt: skip

    def __init__(self, source: str, declaration: Declaration) -> None:
        """An empty desk."""
        self.source, self.declaration, self.counts = source, declaration, Counts()
        self.ignored = self.counts.ignored
        self.points: dict[str, SubmissionPoint] = {point.host: point for point in declaration.submission_points}
        self.mute = frozenset(host.name for host in declaration.hosts if host.reports is False)
        self._parties: dict[str, Party] = {}
        self._near: dict[tuple[str, str], bool] = {}
        self.spools: dict[str, Spool] = {}
        self.spool = Spool(host="")
        self.removed: deque[tuple[int, str, str]] = deque()
        self.told: set[bytes] = set()
        self.offset = 0
        self.open("", 0)
        self.at, self.seq = 0, 0
        self.head = Head(spool=self.spool, service="", daemon="", pid="", read=None)

    # Memory

    def begin(self, queue_id: str) -> Entry:
        """A new entry; what was known under this id was another one."""
        where = f"{self.spool.host}/{queue_id}"
        entry = Entry(queue_id=queue_id, at=arrival(queue_id, self.at), where=where)
        self.spool.entries[queue_id] = entry
        return entry

    def entry(self, queue_id: str) -> Entry:
        """The entry of a line; one that began before this log is known from here on."""
        entry = self.spool.entries.get(queue_id)
        return self.begin(queue_id) if entry is None else entry

    def name(self, entry: Entry, message_id: str | None = None) -> None:
        """Give an entry its key; the first Message-ID counts."""
        if not entry.key:
            host = self.spool.host
            entry.message_id = message_id
            entry.key = (message_id and _key_of(message_id)) or message_key(None, host, entry.queue_id)
            entry.place = leg_of(host, entry.queue_id, key=entry.key)[:8]

    def leave(self, entry: Entry) -> None:
        """An entry is in the queue no more; it is known for a little longer."""
        if entry.removed_at is None:
            entry.removed_at = self.at
            self.removed.append((self.at, self.spool.host, entry.queue_id))

    def leg(self, entry: Entry, host: str, queue_id: str, recipient: str) -> bytes:
        """The leg of a recipient in another entry of the same message."""
        other = self.spool.entries.get(queue_id) if host == self.spool.host else None
        if other is not None and other.key == entry.key:
            return other.place + half_of(recipient)
        return leg_of(host, queue_id, key=entry.key)[:8] + half_of(recipient)

    def party(self, text: str) -> Party:
        """Who stands behind `name[address]:port`: by its name if that is declared, else by its address."""
        party = self._parties.get(text)
        if party is None:
            called, address = texts.names(text)
            known = self.declaration.is_declared(called)
            name = self.declaration.host_of(called if known or not address else address)
            declared = known or self.declaration.is_declared(address)
            party = Party(name=name, address=address, called=called, declared=declared)
            if len(self._parties) >= _PARTIES:  # foreign clients cannot grow it for ever
                self._parties.clear()
            self._parties[text] = party
        return party

    def is_near(self, point: SubmissionPoint, address: str) -> bool:
        """Is an address in a network whose messages are ours."""
        key = (point.host, address)
        near = self._near.get(key)
        if near is None:
            if len(self._near) >= _PARTIES:
                self._near.clear()
            near = self._near[key] = _is_in(address, point.networks)
        return near

    def here(self, party: Party) -> str:
        """The host of a party; one on the loopback that nobody declared is a filter on the line's host."""
        near = not party.declared and party.address.startswith(_LOOPBACK)
        return self.spool.host if near else party.name

    def restore(self, memory: Memory) -> None:
        """Take up what a checkpoint remembers."""
        self.spools, self.removed, self.told = memory.spools, deque(memory.removed), memory.told
        self.at, self.seq = memory.at, memory.seq

    # Answers

    def open(self, file: str, observed_at: int) -> None:
        """Lines of a file follow."""
        self.file = file
        self.events: list[MessageEvent] = []
        self.form = MessageEvent(
            event_id=b"", kind=Kind.VIEWED, occurred_at=0, observed_at=observed_at, leg=b"", message_key="",
            source=self.source, file=file,
        )  # fmt: skip

    def tell(self, kind: Kind, at: int, entry: Entry, recipient: str = "", **fields: Any) -> None:
        """One event about an entry (whose key is known), or about one of its recipients."""
        self.put(replace(self.form, **fields), kind, at, entry, recipient)

    def put(self, form: MessageEvent, kind: Kind, at: int, entry: Entry, recipient: str = "", ordinal: int = 0) -> None:
        """The same, from a form with all further fields filled in.

        Args:
            form: `self.form` with further fields.
            kind: what happened.
            at: microseconds UTC.
            entry: its key is known.
            recipient: "" for the whole entry.
            ordinal: to begin with, where a fact of another second is alike.
        """
        where, told = entry.where, self.told
        outcome = f"{form.action}|{form.status}|{form.next_queue_id}"
        fact = fact_id(kind, where, recipient, at, outcome, ordinal)
        if fact in told:
            fact = self._next(lambda number: fact_id(kind, where, recipient, at, outcome, number), ordinal)
        told.add(fact)
        self.events.append(
            replace(
                form,
                event_id=fact,
                kind=kind,
                occurred_at=at,
                leg=entry.place + half_of(recipient),
                message_key=entry.key,
                host=self.spool.host,
                queue_id=entry.queue_id,
                recipient=recipient,
                seq=self.seq,
                offset=self.offset,
            )
        )

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
        self.counts.unread[reason] += 1
        if len(self.counts.examples) < EXAMPLES:
            self.counts.examples.append(Unread(file=self.file, offset=self.offset, reason=reason))


def _is_in(address: str, networks: tuple[IPv4Network | IPv6Network, ...]) -> bool:
    try:
        client = ip_address(address)
    except ValueError:
        return False
    return any(client in network for network in networks)
