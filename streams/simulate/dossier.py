"""What the evidence says of every ticket and every queue entry, read plainly, act by act.

This is the simulation's own reading. It knows which act belongs to which ticket, because the play knows; it knows when
each could be known, because the plan of gaps and clocks says so. It uses nothing of the core.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from streams.simulate.acts import (
    FILTER,
    Act,
    Agent,
    Attempted,
    Entered,
    Expired,
    Expunged,
    Left,
    Moved,
    Notice,
    Noticed,
    Opened,
    Order,
    Ordered,
    Receipted,
    Reported,
    Stored,
    Via,
)
from streams.simulate.reading import Reading
from streams.simulate.stage import Played
from streams.simulate.world import Fate

NEVER = (1 << 63) - 1
OURS = frozenset({Via.SASL, Via.SERVICE, Via.NETWORK, Via.LOCAL})
FAULT_OF = {Fate.LATE: "log-late", Fate.DOWN: "collector-down", Fate.CUT: "disk-lost", Fate.LOST: "disk-lost"}
FINAL = frozenset({"delivered", "failed", "relayed", "expanded"})

Place = tuple[str, str]
"""Host and queue id."""

Mailed = tuple[str, str, str, int]
"""Store, user, mailbox, uid."""


@dataclass(slots=True)
class Leg:
    """One recipient in one entry, as the evidence tells.

    Attributes:
        ticket: its number.
        named: when it could be known.
        left: when it could be known that nothing is owed to it there.
        handed: (when that could be known, entry that it was handed to).
        tried: (time told, next party) of each attempt.
    """

    ticket: int
    named: int = NEVER
    left: int = NEVER
    handed: tuple[int, Place] | None = None
    tried: list[tuple[int, str]] = field(default_factory=list)


@dataclass(slots=True)
class File:
    """One entry, as the evidence tells.

    Attributes:
        arrival: its act.
        told: is the act in the evidence (else only what came after it is).
        at: arrival by its host's clock.
        known: when that could be known.
        left: when it could be known that it left.
        deleted: when it could be known that it was deleted.
        again: when it could be known that it was put in again.
        resumed: when it could be known that another goes on with it.
        issued: when it could be known that notifications of failure about it were issued, by their queue ids.
        missed: when it could be known that they reached nobody.
        reached: it is told that somebody was given it.
        kept: by something else than what local(8) made of it.
        failed: it is told that somebody was not, and will not be.
        legs: by recipient.
        parent: the entry here that it continues, as the evidence tells.
        owed: recipients that its own log has named, and that it has not said to have left.
    """

    arrival: Entered
    tickets: tuple[int, ...]
    told: bool = False
    at: int = 0
    known: int = NEVER
    left: int = NEVER
    deleted: int = NEVER
    again: int = NEVER
    resumed: int = NEVER
    issued: dict[str, int] = field(default_factory=dict)
    missed: dict[str, int] = field(default_factory=dict)
    reached: bool = False
    kept: bool = False
    failed: bool = False
    legs: dict[str, Leg] = field(default_factory=dict)
    parent: Place | None = None
    owed: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Copy:
    """One copy in a mailbox, as the evidence tells.

    Attributes:
        act: that saved it.
        ticket: its number.
        at: when it was saved, by the store's clock.
        known: when that could be known.
        opened: when it could be known that it was opened.
        gone: when it could be known that it left unread.
    """

    act: Stored
    ticket: int
    at: int
    known: int
    opened: int = NEVER
    gone: int = NEVER


@dataclass(slots=True)
class Case:
    """What the evidence tells of one ticket; times at which each could be known.

    Attributes:
        submitted: (time told, when known) of its submission; None where no evidence tells it.
        asked: was a report asked for, as the evidence tells.
        proved: a final report, or handed beyond sight.
        delivered: put into a store.
        failed: a report of failure.
        refused: given up.
        deleted: entries that were deleted by hand while it was still owed there.
        redirected: a log says that it goes to another recipient.
        reports: (when known, act, number in it) of each report.
        receipts: (when known, act) of each receipt that says it was opened.
        places: entries that it was in, in order of arrival.
    """

    submitted: tuple[int, int] | None = None
    asked: bool | None = None
    proved: int = NEVER
    delivered: int = NEVER
    failed: int = NEVER
    refused: int = NEVER
    deleted: list[Place] = field(default_factory=list)
    redirected: int = NEVER
    reports: list[tuple[int, Reported, int]] = field(default_factory=list)
    receipts: list[tuple[int, Receipted]] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)


@dataclass
class Dossier:
    """The evidence of a world, in files.

    Attributes:
        played: the world.
        reading: how it was read.
        cases: of each ticket.
        files: of each entry.
        copies: by (store, user, mailbox, uid).
        touched: faults that came in the way of the evidence of each ticket.
    """

    played: Played
    reading: Reading
    cases: list[Case] = field(default_factory=list)
    files: dict[Place, File] = field(default_factory=dict)
    copies: dict[Mailed, Copy] = field(default_factory=dict)
    touched: dict[int, set[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Read every act."""
        self.cases = [Case() for _ in self.played.tickets]
        self._skewed = {skew.host for skew in self.played.world.skews}
        self._again: dict[Place, Place] = {}
        self._subjects: dict[Place, Place] = {}
        self._moved: dict[Mailed, tuple[Mailed, int]] = {}
        self._mute = {one.name for one in self.played.world.declaration.hosts if one.reports is False}
        for number, (act, marks) in enumerate(zip(self.played.world.acts, self.played.marks, strict=True)):
            self._number = number
            if isinstance(act, Entered):
                self.files[act.host, act.queue_id] = File(act, marks, at=self._written)
            self._blame(act, marks)
            known = self.reading.known[self._number]
            if known is not None:
                self._read(act, marks, known)

    @property
    def _written(self) -> int:
        """The time that the evidence at hand tells."""
        return self.reading.written[self._number]

    def _read(self, act: Act, marks: tuple[int, ...], known: int) -> None:
        match act:
            case Entered():
                self._entered(act, marks, known)
            case Attempted():
                self._attempted(act, marks[0], known)
            case Left() | Ordered() | Noticed() | Expired():
                self._ended(act, marks, known)
            case Stored():
                self._stored(act, marks[0], known)
            case Opened() | Expunged() | Moved():
                self._kept(act, known)
            case Reported():
                self._reported(act, marks, known)
            case Receipted():
                self._receipted(act, marks[0], known)
            case _:
                pass

    def _blame(self, act: Act, marks: tuple[int, ...]) -> None:
        """What came in the way of the evidence of some tickets."""
        gaps = self.reading.gaps.get(self.reading.sources(act))
        names = {FAULT_OF[gap.fate] for gap in gaps or () if gap.holds(act.at) and gap.fate in FAULT_OF}
        if act.host in self._skewed and self.played.world.written_at(act.host, act.at) != act.at:
            names.add("clock-skew")
        for ticket in marks if names else ():
            self.touched.setdefault(ticket, set()).update(names)

    # Queues

    def _entered(self, act: Entered, marks: tuple[int, ...], known: int) -> None:
        file = self.files[act.host, act.queue_id]
        file.told, file.known = True, min(file.known, known)
        self._continues(file, known)
        for one, ticket in zip(act.recipients, marks, strict=True):
            self.cases[ticket].places.append((act.host, act.queue_id))
            if one.heard:
                self._meet(file, one.to, ticket, known)
                self._submit(file, ticket, known, asked=one.asked)

    def _continues(self, file: File, known: int) -> None:
        """What a filter handed back, or pickup found again, continues an entry; the latter for whom it was owed."""
        host, number = file.arrival.host, file.arrival.parent
        if file.arrival.via is Via.FILTER:
            file.parent = host, number
        elif file.arrival.via is Via.REQUEUE:
            file.parent = self._again.get((host, number), (host, number))
            before = self.files[file.parent]
            before.left, before.again = min(before.left, known), min(before.again, known)
            before.resumed = min(before.resumed, known)
            for to, ticket in before.owed.items():
                self._meet(file, to, ticket, known)

    def _meet(self, file: File, to: str, ticket: int, known: int) -> None:
        """An entry's own log names a recipient; from then on what it continues owes them nothing."""
        self._name(file, to, ticket, known)
        file.owed[to] = ticket
        if file.parent:
            before = self._name(self.files[file.parent], to, ticket, known)
            before.left = min(before.left, known)

    def _name(self, file: File, to: str, ticket: int, known: int) -> Leg:
        leg = file.legs.get(to)
        if leg is None:
            leg = file.legs[to] = Leg(ticket)
        leg.named = min(leg.named, known)
        return leg

    def _submit(self, file: File, ticket: int, known: int, *, asked: bool | None) -> None:
        """A recipient is named where its letter was submitted."""
        case = self.cases[ticket]
        if file.told and file.arrival.via in OURS and file.arrival.sender and case.submitted is None:
            case.submitted, case.asked = (file.at, max(file.at, known)), asked

    def _attempted(self, act: Attempted, ticket: int, known: int) -> None:
        file, case = self.files[act.host, act.queue_id], self.cases[ticket]
        read = known if known > self._written else self.reading.clock(self.reading.read[self._number][0])
        file.known = min(file.known, max(file.at, read))
        first = act.orig_to or act.to
        self._submit(file, ticket, read, asked=None)
        self._meet(file, first, ticket, max(file.at, read))  # its arrival is told with the attempt
        if act.orig_to:
            self._redirected(file, act, ticket, known)
        leg = file.legs[act.to]
        leg.tried.append((self._written, act.relay))
        if act.status == "deferred":
            return
        leg.left = min(leg.left, known)
        file.owed.pop(act.to, None)
        file.reached |= act.status == "sent"
        file.kept |= act.status == "sent" and act.agent is not Agent.LOCAL
        file.failed |= act.status != "sent"
        if act.status != "sent":
            case.refused = min(case.refused, known)
        elif act.session:
            case.delivered = min(case.delivered, known)
        elif act.next_id:
            self._handed(act, leg, ticket, known)

    def _redirected(self, file: File, act: Attempted, ticket: int, known: int) -> None:
        case, old = self.cases[ticket], file.legs[act.orig_to]
        self._name(file, act.to, ticket, known)
        file.owed.pop(act.orig_to)
        file.owed[act.to] = ticket
        old.left = min(old.left, known)
        if act.orig_to == self.played.tickets[ticket].recipient:  # that of another says nothing of this one
            case.redirected = min(case.redirected, known)

    def _handed(self, act: Attempted, leg: Leg, ticket: int, known: int) -> None:
        onward = (act.host if act.relay in {"local", FILTER} else act.relay, act.next_id)
        leg.handed = min(leg.handed or (NEVER, onward), (known, onward))
        if act.relay in self._mute:
            self.cases[ticket].proved = min(self.cases[ticket].proved, known)
        there = self.files.get(onward)
        if there and there.arrival.message_id == self.files[act.host, act.queue_id].arrival.message_id:
            self._name(there, act.to, ticket, known)  # an invented Message-ID is not followed back

    def _ended(self, act: Left | Ordered | Noticed | Expired, marks: tuple[int, ...], known: int) -> None:
        file = self.files[act.host, act.queue_id]
        match act:
            case Left():
                file.left = min(file.left, known)
                self._missed(file, known)
            case Noticed(notice=Notice.FAILED):
                file.issued[act.notice_id] = min(file.issued.get(act.notice_id, NEVER), known)
                self._subjects[act.host, act.notice_id] = act.host, act.queue_id
            case Ordered(order=Order.DELETED):
                file.left, file.deleted = min(file.left, known), min(file.deleted, known)
                file.failed = True
                self._missed(file, known)
                for ticket in marks:
                    self.cases[ticket].deleted.append((act.host, act.queue_id))
            case Ordered(order=Order.REQUEUED):
                file.left, file.again = min(file.left, known), min(file.again, known)
                root = file.arrival.parent if file.arrival.via is Via.REQUEUE else act.queue_id
                self._again[act.host, root] = act.host, act.queue_id
            case Expired():
                file.failed = True
                self._expired(file, marks, known)
            case _:
                pass

    def _missed(self, file: File, known: int) -> None:
        """A notification of failure left, under whatever number it has here by now; it may have reached nobody."""
        failed, reached, place = file.failed, file.reached, (file.arrival.host, file.arrival.queue_id)
        while place not in self._subjects and file.arrival.via in {Via.REQUEUE, Via.FILTER, Via.FORWARD}:
            via, place = file.arrival.via, file.parent or (file.arrival.host, file.arrival.parent)
            file = self.files[place]
            reached |= (via is Via.REQUEUE and file.reached) or (via is Via.FORWARD and file.kept)
        if place in self._subjects and failed and not reached:
            subject = self.files[self._subjects[place]]
            subject.missed[place[1]] = max(known, subject.issued[place[1]])

    def _expired(self, file: File, marks: tuple[int, ...], known: int) -> None:
        for leg in file.legs.values():
            if leg.ticket in marks and leg.left == NEVER:
                leg.left = known
                self.cases[leg.ticket].refused = min(self.cases[leg.ticket].refused, known)

    # Stores and reports

    def _stored(self, act: Stored, ticket: int, known: int) -> None:
        key = (act.host, act.user, act.mailbox, act.uid)
        if key not in self.copies:
            self.copies[key] = Copy(act, ticket, self._written, known)
        case = self.cases[ticket]
        case.delivered = min(case.delivered, known)

    def _kept(self, act: Opened | Expunged | Moved, known: int) -> None:
        """A copy is what it was saved as, wherever it was moved to."""
        place = (act.host, act.user, act.mailbox, act.uid)
        saved, moved = self._moved.get(place, (place, 0))
        copy, known = self.copies.get(saved), max(known, moved)
        match act:
            case Moved():
                self._moved[act.host, act.user, act.to_mailbox, act.to_uid] = saved, known
            case Opened() if copy is not None:
                copy.opened = min(copy.opened, known)
            case Expunged(seen=False) if copy is not None:
                copy.gone = min(copy.gone, known)
            case _:
                pass

    def _reported(self, act: Reported, marks: tuple[int, ...], known: int) -> None:
        for number, (told, ticket) in enumerate(zip(act.told, marks, strict=True)):
            case = self.cases[ticket]
            case.reports.append((known, act, number))
            if told.action in FINAL:
                case.proved = min(case.proved, known)
            if told.action == "failed":
                case.failed = min(case.failed, known)

    def _receipted(self, act: Receipted, ticket: int, known: int) -> None:
        if act.disposition == "displayed":
            self.cases[ticket].receipts.append((known, act))

    def of_copies(self) -> Iterator[Copy]:
        """Every copy that the evidence tells."""
        return iter(self.copies.values())
