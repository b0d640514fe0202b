"""A scribe writes the events of one source, with the memory that its collector would have.

Rules:
- An entry whose arrival was never read has neither Message-ID nor class.
- What left is remembered for a little: what was made of it refers to it.
- Facts that are alike within one second are told apart by an ordinal, as the collectors do.
"""

from collections import deque
from functools import lru_cache
from typing import Any

import msgspec

from streams.collect.declaration import Declaration, Source
from streams.core.events import Kind, MessageEvent, Traffic
from streams.core.identity import fact_id, leg_of, message_key, recipient_half

SECOND = 1_000_000
LINGER = 180 * SECOND
"""For so long an entry that left is remembered; see streams/collect/postfix.py."""

OUTCOMES = {"postfix": ("action", "status", "next_queue_id"), "dovecot": (), "reports": ("action", "status")}
"""What tells facts of one second apart, by kind of source."""

half_of = lru_cache(maxsize=65_536)(recipient_half)


class Known(msgspec.Struct):
    """What a log has said of an entry.

    Attributes:
        queue_id: there.
        at: arrival.
        where: `host/queue id`.
        key: message key.
        place: first half of its legs.
        form: what its arrival said.
        kind: of its arrival.
        traffic: its class; None where the recipient's domain decides.
        arrived: its arrival was told.
        parent: the entry here that it continues, or "".
        root: the first of a row of entries that were put in again, or "".
        asked: was a positive report asked for, by recipient, where that was said.
        owed: status of the last attempt, by recipient that is still owed.
        told: recipients whose arrival was told.
        redirected: (recipient, new recipient) that were told.
        about: its number as it was issued, and what it is about, where it is a notification of failure.
        reached: somebody was given it.
        failed: somebody was not, and will not be.
    """

    queue_id: str
    at: int
    where: str
    key: str = ""
    place: bytes = b""
    form: dict[str, Any] = {}
    kind: Kind = Kind.TRANSFERRED
    traffic: Traffic | None = Traffic.TRANSIT
    arrived: bool = False
    parent: str = ""
    root: str = ""
    asked: dict[str, bool] = {}
    owed: dict[str, str] = {}
    told: set[str] = set()
    redirected: set[tuple[str, str]] = set()
    about: "tuple[str, Known] | None" = None
    reached: bool = False
    failed: bool = False


class Scribe:
    """Writes the events of one source.

    Attributes:
        host: whose evidence it is.
        declaration: of all hosts.
        mute: hosts that never report.
        entries: by queue id.
        notices: (action, key of the subject) of notifications, by their queue id.
        failures: what notifications of failure are about, by their queue id.
        requeued: the last entry that was put in again, by the first of its row.
        at: time that the evidence at hand tells.
    """

    def __init__(self, source: Source, declaration: Declaration) -> None:
        """Begin with an empty memory."""
        self.host, self.declaration = source.host, declaration
        self.mute = {one.name for one in declaration.hosts if one.reports is False}
        self.entries: dict[str, Known] = {}
        self.notices: dict[str, tuple[str, str]] = {}
        self.failures: dict[str, Known] = {}
        self.requeued: dict[str, str] = {}
        self.at = 0
        self._left: deque[tuple[int, Known]] = deque()
        self._source, self._tells = source.name, OUTCOMES[source.kind]
        self._second, self._seq, self._read_at = 0, 0, 0
        self._told: set[bytes] = set()
        self._events: list[MessageEvent] = []

    def turn(self, at: int, read_at: int) -> None:
        """Go on to the next act.

        Args:
            at: the time that its evidence tells.
            read_at: when it is read.
        """
        if at // SECOND != self._second:
            self._second, self._seq, self._told = at // SECOND, 0, set()
        else:
            self._seq += 1
        self.at, self._read_at = at, read_at
        while self._left and self._left[0][0] < at - LINGER:
            _, entry = self._left.popleft()
            if self.entries.get(entry.queue_id) is entry:
                del self.entries[entry.queue_id]

    def take(self) -> list[MessageEvent]:
        """What was written since the last call."""
        events, self._events = self._events, []
        return events

    def tell(self, kind: Kind, at: int, entry: Known, recipient: str = "", **fields: Any) -> None:
        """One event about an entry, or about one of its recipients."""
        where, leg = entry.where, entry.place + half_of(recipient)
        self.put(kind, at, (where, leg), recipient, message_key=entry.key, queue_id=entry.queue_id, **fields)

    def put(self, kind: Kind, at: int, place: tuple[str, bytes], recipient: str, **fields: Any) -> None:
        """One event about a place: `host/queue id` (or a message key), and the leg."""
        where, leg = place
        outcome = "|".join([str(fields.get(name)) for name in self._tells])
        ordinal, fact = 0, fact_id(kind, where, recipient, at, outcome)
        while fact in self._told:
            ordinal += 1
            fact = fact_id(kind, where, recipient, at, outcome, ordinal)
        self._told.add(fact)
        self._events.append(
            MessageEvent(
                event_id=fact,
                kind=kind,
                occurred_at=at,
                observed_at=self._read_at,
                leg=leg,
                host=fields.pop("host", self.host),
                recipient=recipient,
                source=self._source,
                seq=self._seq,
                **fields,
            )
        )

    def party(self, name: str, address: str) -> str:
        """What another side is called: by its name if that is declared, else by its address."""
        return self.declaration.host_of(name) if self.declaration.is_declared(name) else address or name

    def begin(self, queue_id: str, message_id: str, at: int) -> Known:
        """A new entry."""
        key = message_key(message_id, self.host, queue_id)
        place = leg_of(self.host, queue_id, key=key)[:8]
        entry = Known(queue_id=queue_id, at=at, where=f"{self.host}/{queue_id}", key=key, place=place)
        if subject := self.failures.get(queue_id):
            entry.about = queue_id, subject
        self.entries[queue_id] = entry
        return entry

    def leave(self, entry: Known) -> None:
        """An entry left its queue."""
        self._left.append((self.at, entry))

    def entry(self, queue_id: str, at: int) -> Known:
        """The entry of a line; one whose arrival was never read begins here."""
        entry = self.entries.get(queue_id)
        return self.begin(queue_id, "", at) if entry is None else entry
