"""The verdict that the evidence allows: every finding that is due, with the time at which it is.

Rules:
- overdue at max(due, submission known), where no final report could be known by then; blind where a source was silent
  between submission and due, clock-doubt where one told wrong times; cleared when the report could be known.
- The others likewise. Nothing here asks the core: it reads the dossier of each ticket, each entry and each copy.
- A finding is named by its rule and by what it is about: host, queue id and recipient; of a copy the store, the place
  in the mailbox, and the user. A report without a message is named by its message key alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property

from streams.core.identity import message_key, partition_of
from streams.core.terms import LEVELS, Profile
from streams.simulate.acts import Reported
from streams.simulate.dossier import NEVER, Case, Copy, Dossier, File, Leg, Place
from streams.simulate.explanation import explanation
from streams.simulate.letters import MAIL, Ticket
from streams.simulate.reads import Receipts

SECOND = 1_000_000

Name = tuple[str, str, str, str]
"""Rule, host, queue id, recipient."""

First = dict[str, tuple[int, int, str]]
"""By Message-ID."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A finding that is due.

    Attributes:
        name: rule and what it is about.
        raised: when it is due to be raised.
        cleared: when it is due to be cleared; NEVER while it stands.
        ticket: whom it is about, or None.
        fault: that brings it about; "" for what happens without any.
        cause: what an explanation must say, a pattern; "" where any will do.
    """

    name: Name
    raised: int
    cleared: int = NEVER
    ticket: int | None = None
    fault: str = ""
    cause: str = ""


GRAVEST = (
    "disk-lost",
    "log-late",
    "collector-down",
    "clock-skew",
    "host-down",
    "net-cut",
    "congestion",
)
"""Faults of places, by whom a finding is laid to first."""


class Truth:
    """Finds what is due by a profile of terms."""

    def __init__(self, dossier: Dossier, profile: Profile, partitions: int) -> None:
        """Set up; `partitions` are the ledger's."""
        self.dossier, self.profile, self.partitions = dossier, profile, partitions
        self.receipts = Receipts(dossier)
        self.played, self.reading = dossier.played, dossier.reading
        self.end = self.reading.beats[-1].through if self.reading.beats else 0

    def due(self) -> dict[Name, Due]:
        """Every finding that is due by the last tick, by its name."""
        found: dict[Name, Due] = {}
        for one in self._all():
            if one.name[0] in self._rules and one.raised <= self.end and one.cleared > one.raised:
                found[one.name] = min(found.get(one.name, one), one, key=lambda due: due.raised)
        return found

    @property
    def _rules(self) -> frozenset[str]:
        rules = frozenset(self.profile.findings)
        return rules | {"blind", "clock-doubt"} if "overdue" in rules else rules

    def _all(self) -> Iterator[Due]:
        first = self._first_submissions()
        for ticket, case in zip(self.played.tickets, self.dossier.cases, strict=True):
            if case.submitted is not None:
                yield from self._of_case(ticket.number, case, first)
            if case.reports:
                yield from self._uncorroborated(ticket.number, case, first)
        for place, file in self.dossier.files.items():
            yield from self._of_entry(place, file)
        for copy in self.dossier.of_copies():
            yield from self._of_copy(copy)
        yield from self._duplicates()
        yield from self._of_sources()

    def _about(self, name: Name, raised: int, ticket: int | None = None, cleared: int = NEVER, fault: str = "") -> Due:
        one = self.played.tickets[ticket] if ticket is not None else None
        blamed = fault or (self._blame(one) if one else "")
        cause = ""
        if one and not self._touched(one):
            cause = explanation(name[0], blamed, one.place, self._gave_up(one, raised))
        return Due(name=name, raised=raised, cleared=cleared, ticket=ticket, fault=blamed, cause=cause)

    def _gave_up(self, ticket: Ticket, at: int) -> str:
        """The host that was known to have given a message up by a time; "" where none was."""
        case = self.dossier.cases[ticket.number]
        return case.places[-1][0] if case.refused <= at < case.delivered and case.places else ""

    def blame(self, name: Name) -> str:
        """The fault that came in the way of what a name is about; "" where none did."""
        file = self.dossier.files.get((name[1], name[2]))
        return next((self._blame(self.played.tickets[ticket]) for ticket in file.tickets), "") if file else ""

    def _touched(self, ticket: Ticket) -> set[str]:
        return ticket.touched | self.dossier.touched.get(ticket.number, set())

    def _blame(self, ticket: Ticket) -> str:
        """The fault that brings a finding about: the message's own, else the gravest that came in its way."""
        touched = self._touched(ticket)
        return ticket.fault.partition(":")[0] or next((name for name in GRAVEST if name in touched), "")

    # Tickets

    def _of_case(self, number: int, case: Case, first: First) -> Iterator[Due]:
        ticket = self.played.tickets[number]
        _, known = case.submitted or (0, 0)
        about = (ticket.host, ticket.queue_id, ticket.recipient)
        file = self.dossier.files[ticket.host, ticket.queue_id]
        yield from self._overdue(about, number, case, file)
        if case.refused != NEVER and self.profile.refused == "untold":
            raised, cleared = self._untold(case, max(case.refused + self.profile.told_within * SECOND, known))
            yield self._about(("refused", *about), raised, number, cleared)
        elif case.refused != NEVER:
            yield self._about(("refused", *about), max(case.refused, known), number)
        deleted = self._deleted(number, case)
        if deleted != NEVER:
            cleared = min(case.delivered, case.proved)
            yield self._about(("deleted", *about), max(deleted, known), number, cleared)
        message = file.arrival.message_id
        if message and first[message][2] != ticket.queue_id:
            yield self._about(("identity-reused", *about), known, number)
        other = self._other(ticket, case)
        if other != NEVER:
            raised = max(other + self.profile.unaccounted_after * SECOND, known)
            yield self._about(("misrouted", *about), raised, number, case.redirected)

    def _untold(self, case: Case, due: int) -> tuple[int, int]:
        """When first, not before it is due, no notification or report tells of a failure; and when one does again."""
        files = [self.dossier.files[place] for place in case.places]
        spans = sorted((at, file.missed.get(one, NEVER)) for file in files for one, at in file.issued.items())
        for issued, missed in [*spans, (case.failed, NEVER)]:
            if issued <= due < missed:
                due = missed
        told = [case.failed, *(issued for issued, missed in spans if issued < missed)]
        return due, min((at for at in told if at > due), default=NEVER)

    def _deleted(self, number: int, case: Case) -> int:
        """When it could be known that what was deleted by hand was for a recipient: their name may come later."""
        files = [self.dossier.files[place] for place in case.deleted]
        named = [(file.deleted, leg.named) for file in files for leg in file.legs.values() if leg.ticket == number]
        return min((max(times) for times in named), default=NEVER)

    def _other(self, ticket: Ticket, case: Case) -> int:
        """When it could be known that a report names another recipient, and that whoever reports had the message."""
        others = [(known, act) for known, act, one in case.reports if act.told[one].final != ticket.recipient]
        return min((max(known, self._had(act, ticket)) for known, act in others), default=NEVER)

    def _had(self, act: Reported, ticket: Ticket) -> int:
        """When it could be known that a host which reports had the message, under the Message-ID of its origin."""
        file = self.dossier.files.get((act.by, act.by_queue_id))
        first = self.dossier.files[ticket.host, ticket.queue_id]
        return file.known if file and file.arrival.message_id == first.arrival.message_id else NEVER

    def _overdue(self, about: tuple[str, str, str], number: int, case: Case, file: File) -> Iterator[Due]:
        told, known = case.submitted or (0, 0)
        wanted = case.asked if case.asked is not None else self.profile.report_when == "unless-declined"
        term = self._term("report", file.arrival.priority) if wanted else None
        if term is None:
            return
        due = told + term
        if due + self.profile.grace * SECOND <= self.end and case.proved > due:
            raised = max(due, known)
            yield self._about((self._why(due, raised, told), *about), raised, number, case.proved)

    def _why(self, due: int, raised: int, told: int) -> str:
        """A report that is late may be unseen, or early by a clock that was wrong."""
        if any(since < due and until >= told for since, until in self._spans):
            return "blind"
        doubted = any(since <= raised and until >= told for _, _, since, until in self._runs("doubted"))
        return "clock-doubt" if doubted else "overdue"

    def _term(self, what: str, priority: int | None) -> int | None:
        """Microseconds of the term for a priority."""
        terms: dict[str, int] = getattr(self.profile, what)
        levels = sorted((LEVELS[name], seconds) for name, seconds in terms.items())
        below = [seconds for level, seconds in levels if level <= (priority or 0)]
        return (below[-1] if below else levels[0][1]) * SECOND if levels else None

    def _first_submissions(self) -> First:
        """Of each Message-ID the first submission that could be known: when, its time, its queue id."""
        first: First = {}
        for ticket, case in zip(self.played.tickets, self.dossier.cases, strict=True):
            if case.submitted is not None:
                told, known = case.submitted
                message = self.dossier.files[ticket.host, ticket.queue_id].arrival.message_id
                one = (known, told, ticket.queue_id)
                first[message] = min(first.get(message, one), one)
        return first

    def _uncorroborated(self, number: int, case: Case, first: First) -> Iterator[Due]:
        """A report came about a message of which no submission was known, for a while in which no source was silent."""
        known, report, _ = min(case.reports, key=lambda one: one[0])
        wait = self.profile.told_within * SECOND
        raised = known + wait
        for since, until in sorted(self._spans):
            if since <= raised and until >= known:
                raised = max(raised, until + wait)
        ticket = self.played.tickets[number]
        file = self.dossier.files.get((ticket.host, ticket.queue_id))
        sent = file.arrival.message_id if file else report.message_id  # an id that a later host made is none
        key = report.message_id.strip("<>") if sent.strip("<>") else ""
        submitted = min(
            case.submitted[1] if case.submitted else NEVER, first[sent][0] if key and sent in first else NEVER
        )
        if key or case.submitted:
            yield self._about(("uncorroborated-report", "", key, ""), raised, number, submitted)

    # Entries

    def _of_entry(self, place: Place, file: File) -> Iterator[Due]:
        if file.known == NEVER:
            return
        stuck = self._term("stuck", file.arrival.priority if file.told else None)
        if stuck is not None and file.left > file.at + stuck <= self.end:
            yield from self._stuck(place, file, file.at + stuck)
        yield from self._short(place, file)
        named = file.told and file.arrival.message_id.strip("<>")  # else the next host may call it as it likes
        for to, leg in file.legs.items():
            if leg.handed is not None and named:
                yield from self._never_arrived(place, to, leg)

    def _short(self, place: Place, file: File) -> Iterator[Due]:
        """It left with fewer recipients named than it had, or to be put in again where nothing takes it up."""
        raised = max(file.left, file.known)
        if file.left == NEVER or not file.told:
            return
        named = sorted(leg.named for leg in file.legs.values())
        expected = len(file.arrival.recipients)
        complete = named[expected - 1] if len(named) >= expected else NEVER
        due = raised + (self.profile.unaccounted_after * SECOND if file.again <= raised else 0)
        spans = sorted(one for one in ((due, complete), self._stranded(file)) if one[0] < one[1])
        if spans:
            (since, until), (again, taken_up) = spans[0], spans[-1]
            cleared = min(max(until, taken_up) if again <= until else until, file.deleted)
            yield self._about(("unaccounted", *place, ""), since, file.tickets[0], cleared)
        tickets = [self.played.tickets[number] for number in file.tickets]
        ours = any(one.kind == MAIL and (one.host, one.queue_id) == place for one in tickets)
        if ours and complete > max(file.deleted, file.known):
            yield self._about(("deleted", *place, ""), max(file.deleted, file.known), file.tickets[0], complete)

    def _stranded(self, file: File) -> tuple[int, int]:
        """From when to when it was put in again and no other entry goes on with it."""
        since = max(file.again, file.known)
        return (since + self.profile.unaccounted_after * SECOND if since != NEVER else NEVER), file.resumed

    def _stuck(self, place: Place, file: File, due: int) -> Iterator[Due]:
        raised = max(due, file.known)
        if min((leg.named for leg in file.legs.values()), default=NEVER) > raised:
            yield self._about(("stuck", *place, ""), raised, file.tickets[0], file.left)
            return
        for to, leg in file.legs.items():
            yield self._about(("stuck", *place, to), max(raised, leg.named), leg.ticket, min(leg.left, file.left))

    def _never_arrived(self, place: Place, to: str, leg: Leg) -> Iterator[Due]:
        known, onward = leg.handed or (0, ("", ""))
        if onward[0] not in self.played.network.switches:
            return
        due = known + self.profile.unaccounted_after * SECOND
        spoke = self._spoke.get((self._partition(place), onward[0]), NEVER)
        target = self.dossier.files.get(onward)
        yield self._about(("unaccounted", *place, to), max(due, spoke), leg.ticket, target.known if target else NEVER)

    def _partition(self, place: Place) -> int:
        """Where the evidence of an entry is read: a partition knows of a host only what it was told there."""
        key = message_key(self.dossier.files[place].arrival.message_id, *place)
        return partition_of(key, self.partitions)

    @cached_property
    def _spoke(self) -> dict[tuple[int, str], int]:
        """When a host was first heard in a partition."""
        first: dict[tuple[int, str], int] = {}
        for place, file in self.dossier.files.items():
            where = (self._partition(place), place[0])
            first[where] = min(first.get(where, NEVER), file.known)
        return first

    # Copies

    def _of_copy(self, copy: Copy) -> Iterator[Due]:
        act = copy.act
        if not any(
            fnmatchcase(f"{act.user}/{act.mailbox}".lower(), one.lower()) for one in self.profile.unread.mailboxes
        ):
            return
        about = (act.host, f"{act.mailbox}/{act.uid}", act.user)
        due = copy.at + self.profile.unread.after * SECOND
        opened = min(copy.opened, self.receipts.opened(copy))
        gone = min(opened, copy.gone)
        if gone > due:
            yield self._about(("unread", *about), max(due, copy.known), copy.ticket, gone)
        if copy.gone < opened:
            yield self._about(("not-read", *about), max(copy.gone, copy.known), copy.ticket)

    def _duplicates(self) -> Iterator[Due]:
        boxes: dict[tuple[str, str], list[Copy]] = {}
        for copy in self.dossier.of_copies():
            if self.dossier.cases[copy.ticket].submitted is not None:
                boxes.setdefault((copy.act.message_id or str(copy.ticket), copy.act.user), []).append(copy)
        for copies in boxes.values():
            if len(copies) > 1:
                yield from self._twice(sorted(copies, key=lambda one: (one.known, one.at)))

    def _twice(self, copies: list[Copy]) -> Iterator[Due]:
        """Copies of one Message-ID in one mailbox, by time; of two tickets, until both are known to be submitted."""
        tickets = {copy.ticket for copy in copies}
        places = {(self.played.tickets[one].host, self.played.tickets[one].queue_id) for one in tickets}
        known = sorted(self._submitted(place) for place in places)
        second = known[1] if len(known) > 1 else NEVER
        for number, copy in enumerate(copies[1:], 1):
            again = any(one.ticket == copy.ticket for one in copies[:number])
            about = ("duplicate", copy.act.host, f"{copy.act.mailbox}/{copy.act.uid}", copy.act.user)
            if again or (len(places) > 1 and len(tickets) == len(places)):
                yield self._about(about, copy.known, copy.ticket, NEVER if again else second)

    def _submitted(self, place: Place) -> int:
        """When the submission at an entry could be known."""
        numbers = self.dossier.files[place].tickets
        return min((case.submitted[1] for one in numbers if (case := self.dossier.cases[one]).submitted), default=NEVER)

    # Sources

    @cached_property
    def _spans(self) -> list[tuple[int, int]]:
        """Spans of which the evidence of some source was not read when the clock went on."""
        return [(since, until) for _, since, _, until in self._runs("silent")]

    def _runs(self, what: str) -> list[tuple[str, int, int, int]]:
        """(source, last tick that it held, first tick that names it, first that does not) of what ticks name."""
        return self._known_runs[what]

    @cached_property
    def _known_runs(self) -> dict[str, list[tuple[str, int, int, int]]]:
        return {what: list(self._all_runs(what)) for what in ("silent", "doubted")}

    def _all_runs(self, what: str) -> Iterator[tuple[str, int, int, int]]:
        standing: dict[str, tuple[int, int]] = {}
        last = 0
        for beat in self.reading.beats:
            named: tuple[str, ...] = getattr(beat, what)
            for source in named:
                standing.setdefault(source, (last or beat.through, beat.through))
            for source in [one for one in standing if one not in named]:
                yield source, *standing.pop(source), beat.through
            last = beat.through
        for source, run in standing.items():
            yield source, *run, NEVER

    def _of_sources(self) -> Iterator[Due]:
        for source, since, _, until in self._runs("silent"):
            name = ("source-silent", source, str(since), "")
            yield self._about(name, since, cleared=until, fault="collector-down")
        for source, _, since, until in self._runs("doubted"):
            name = ("source-doubted", source, str(since), "")
            yield self._about(name, since, cleared=until, fault="clock-skew")
