"""The play: a discrete-event simulation of the network, from submissions to acts.

Rules:
- One heap of what happens next; one source of chance, asked in the order of events: the same seed plays the same.
- A switch attempts, is put off, tries again with back-off, warns, gives up; it reports what it was asked to report.
- Faults of messages befall a letter at the stay that it says; faults of places befall whoever comes by.
"""

import heapq
import random
from collections.abc import Callable, Iterable
from typing import Any

from streams.simulate import ends, filtering, operators, stores
from streams.simulate.acts import Act, Agent, Attempted, Entered, Entrant, Expired, Order, Stay, Via
from streams.simulate.faults import HOUR, MINUTE
from streams.simulate.habits import Habits
from streams.simulate.letters import MAIL, Entry, Letter, Owing, Round, Ticket
from streams.simulate.network import Network
from streams.simulate.queueids import long_id
from streams.simulate.trouble import Trouble

SECOND = 1_000_000
HOPS = 12
"""hopcount_limit, after which a switch takes a letter for a loop."""

ORDERS = {"held": Order.HELD, "stranded": Order.REQUEUED}
"""What an operator does, and forgets."""

Group = list[Owing]


class Play:
    """One play.

    Attributes:
        network: who is there.
        trouble: what goes wrong with places.
        habits: what happens otherwise, and how often.
        acts: (true time, act, numbers of its tickets) so far.
        tickets: all.
        letters: all.
        uids: of the last copy in each mailbox.
    """

    def __init__(self, network: Network, trouble: Trouble, chance: random.Random, habits: Habits) -> None:
        """Begin with an empty stage."""
        self.network, self.trouble, self.chance, self.habits = network, trouble, chance, habits
        self.acts: list[tuple[int, Act, tuple[int, ...]]] = []
        self.tickets: list[Ticket] = []
        self.letters: list[Letter] = []
        self.uids: dict[tuple[str, str], int] = {}
        self._peers = {peer.name: peer for peer in network.peers}
        self._heap: list[tuple[int, int, Callable[..., None], tuple[Any, ...]]] = []
        self._count = 0

    def later(self, at: int, do: Callable[..., None], *given: Any) -> None:
        """Do something at a time, with the time as first argument."""
        self._count += 1
        heapq.heappush(self._heap, (at, self._count, do, given))

    def run(self, until: int) -> None:
        """Play until a time."""
        heap = self._heap
        while heap and heap[0][0] < until:
            at, _, do, given = heapq.heappop(heap)
            do(at, *given)

    def emit(self, at: int, act: Act, tickets: tuple[int, ...]) -> None:
        """Something happened."""
        self.acts.append((at, act, tickets))

    def touch(self, owings: Iterable[Owing], fault: str) -> None:
        """A fault of places came in the way of some tickets."""
        for owing in owings:
            self.tickets[owing.ticket].touched.add(fault)

    def letter(self, kind: str, sender: str, **fields: Any) -> Letter:
        """A new letter."""
        letter = Letter(number=len(self.letters), kind=kind, sender=sender, **fields)
        self.letters.append(letter)
        return letter

    def ticket(self, letter: Letter, recipient: str) -> int:
        """A new ticket."""
        one = Ticket(number=len(self.tickets), letter=letter.number, kind=letter.kind, recipient=recipient,
                     fault=letter.fault)  # fmt: skip
        self.tickets.append(one)
        return one.number

    # Entries

    def enter(
        self, at: int, host: str, letter: Letter, owings: Group, via: Via, *, trace: tuple[Stay, ...] = (), **how: str
    ) -> Entry:
        """A host accepts a letter; it is attempted a little later."""
        clock = self.trouble.clock(host, at)
        queue_id = how.pop("queue_id", "") or long_id(clock, self.chance)
        entry = Entry(host=host, queue_id=queue_id, arrived=at, letter=letter, owings=owings,
                      trace=(*trace, Stay(host=host, queue_id=queue_id, at=clock)))  # fmt: skip
        if letter.fault == "id-invented" and host in self.network.hubs and not letter.message_id:
            letter.message_id = f"<{queue_id}@{host}.mail.example>"
        heard = how.get("service", "") != "" and host in self.network.at_switch and via is not Via.FILTER
        self.emit(
            at,
            Entered(
                at=at,
                host=host,
                queue_id=queue_id,
                via=via,
                message_id=letter.message_id,
                sender=letter.sender,
                size=letter.size + 200 * len(entry.trace),
                recipients=tuple(Entrant(to=one.to, asked=one.asked if heard else None, heard=heard) for one in owings),
                priority=letter.priority,
                receipt_to=letter.sender if letter.receipt else "",
                **how,
            ),
            tuple(one.ticket for one in owings),
        )
        for one in owings:
            ticket = self.tickets[one.ticket]
            if not ticket.host:
                ticket.host, ticket.queue_id, ticket.at = host, queue_id, at
        self.later(at + self.quick(host, at), self.attempt, entry)
        return entry

    def quick(self, host: str, at: int) -> int:
        """How long a host takes until it attempts."""
        slow = self.trouble.slow_until(host, at)
        if slow:
            return self.chance.randint(MINUTE, max(2 * MINUTE, slow - at))
        return self.chance.randint(4_000, 90_000)

    def attempt(self, at: int, entry: Entry) -> None:
        """A host tries to hand on whatever is still owed."""
        host, owed = entry.host, [one for one in entry.owings if one.open]
        if self.wiped(at, entry):
            return
        up = self.trouble.up_at(host, at)
        if up:
            self.touch(owed, "host-down")
            self.later(up + self.chance.randint(SECOND, MINUTE), self.attempt, entry)
            return
        if self.trouble.slow_until(host, entry.arrived):
            self.touch(owed, "congestion")
        if entry.letter.fault and not entry.letter.spent and self.befall(at, entry):
            return
        if operators.hold(self, at, entry):
            return
        entry.tries += 1
        this = Round(at=at, entry=entry, end=at)
        if filtering.looks_at(self, entry):
            filtering.look(self, this, owed)
        else:
            for hop, group in self._by_hop(entry, owed):
                self.hand(this, hop, group)
        ends.conclude(self, this)

    def wiped(self, at: int, entry: Entry) -> bool:
        """Was an entry on a disk that was lost meanwhile."""
        gone = self.trouble.is_wiped(entry.host, entry.arrived, at)
        if gone:
            self.touch([one for one in entry.owings if one.open], "disk-lost")
        return gone

    def _by_hop(self, entry: Entry, owed: Group) -> list[tuple[str, Group]]:
        groups: dict[str, Group] = {}
        for one in owed:
            groups.setdefault(self.hop(entry, one), []).append(one)
        return list(groups.items())

    def hop(self, entry: Entry, one: Owing) -> str:
        """Whom a recipient's mail is handed to; a loop goes back to where it came from."""
        if entry.letter.fault == "loop" and entry.host in self.network.hubs:
            return entry.trace[-2].host
        if entry.letter.fault == "loop" and len(entry.trace) > 1:
            return self.network.hubs[0]
        return self.network.next_hop(entry.host, one.to)

    # Faults of messages

    def befall(self, at: int, entry: Entry) -> bool:
        """A fault befalls a letter at its stay; does it end there."""
        letter, owed = entry.letter, [one for one in entry.owings if one.open]
        if len(entry.trace) - 1 < letter.hop or (letter.kind == MAIL) == letter.fault.startswith("report-"):
            return False
        tickets = tuple(one.ticket for one in owed)
        match letter.fault:
            case "lost-inside" | "twin-lost:second" | "report-lost":
                pass
            case "deleted" | "report-deleted":
                operators.order(self, at + self.chance.randint(SECOND, 30 * SECOND), entry, Order.DELETED)
            case "held" | "stranded" as fault:
                operators.order(self, at, entry, ORDERS[fault])
            case "dropped":
                self._pretend(at, entry, owed)
            case "report-bounced":
                self._give_up(at, entry, owed)
            case "report-late":
                self.later(at + self.chance.randint(5 * HOUR, 7 * HOUR), self.attempt, entry)
            case _:
                return False
        letter.spent = True
        self.place(letter.about.tickets if letter.about else tickets, entry.host)
        return True

    def _give_up(self, at: int, entry: Entry, owed: Group) -> None:
        """A report reaches nobody: it bounces, an operator deletes it, or has it expire."""
        how, hop = self.chance.choice(("bounced", "deleted", "expired")), self.hop(entry, owed[0])
        tickets = tuple(one.ticket for one in owed)
        if how == "deleted":
            operators.order(self, at + 1_000, entry, Order.DELETED)
            return
        if how == "expired":
            sender = entry.letter.sender
            forced = Expired(at=at + 1_000, host=entry.host, queue_id=entry.queue_id, sender=sender, forced=True)
            self.emit(at + 1_000, forced, tickets)
        for number, one in enumerate(owed if how == "bounced" else ()):
            words = f"host {hop} said: 552 5.2.2 <{one.to}>: mailbox full"
            self.tried(at + 1_000 + number, entry, one, status="bounced", dsn="5.2.2", reply=words, **self.reached(hop))
        ends.leave(self, at + 5_000, entry)

    def place(self, tickets: Iterable[int], host: str) -> None:
        """A fault of messages befell tickets here."""
        for number in tickets:
            self.tickets[number].place = host

    def _pretend(self, at: int, entry: Entry, owed: Group) -> None:
        """A switch says that it handed a letter on."""
        hop = self.hop(entry, owed[0])
        number = long_id(self.trouble.clock(hop, at), self.chance)
        for one in owed:
            self.sent(at + 9_000, entry, one, hop, number)
        ends.leave(self, at + 10_000, entry)

    # Hand-over

    def hand(self, this: Round, hop: str, group: Group) -> None:
        """Hand a letter to the next party, or be put off."""
        this.end = max(this.end, this.at + 20_000)
        peer = self._peers.get(hop)
        if not hop:
            self.put_off(this, group, "", "4.4.3", "Host or domain name not found. Name service error: try again")
        elif peer:
            ends.to_peer(self, this, peer, group)
        elif fault := self._unreachable(this.entry.host, hop, this.at):
            self.touch(group, fault)
            address = self.network.addresses[hop]
            self.put_off(this, group, "", "4.4.1", f"connect to {hop}.mail.example[{address}]:25: Connection timed out")
        elif hop in self.network.switches:
            self._to_switch(this, hop, group)
        else:
            stores.deliver(self, this, hop, group)

    def _unreachable(self, host: str, hop: str, at: int) -> str:
        if self.trouble.is_cut(host, hop, at):
            return "net-cut"
        return "host-down" if self.trouble.up_at(hop, at) else ""

    def put_off(self, this: Round, group: Group, relay: str, dsn: str, words: str) -> None:
        """An attempt failed for now."""
        for one in group:
            self.tried(this.at + 5_000, this.entry, one, status="deferred", dsn=dsn, reply=words, **self.reached(relay))

    def reached(self, relay: str) -> dict[str, str]:
        """Who was reached, as an attempt's line has it."""
        peer = self._peers.get(relay)
        return {"relay": relay, "address": peer.address if peer else self.network.addresses.get(relay, "")}

    def tried(self, at: int, entry: Entry, one: Owing, **how: Any) -> None:
        """One attempt's line."""
        given = {"agent": Agent.SMTP} | how
        self.emit(
            at,
            Attempted(at=at, host=entry.host, queue_id=entry.queue_id, to=one.to, orig_to=one.orig_to,
                      arrived=entry.arrived, **given),
            (one.ticket,),
        )  # fmt: skip

    def sent(self, at: int, entry: Entry, one: Owing, hop: str, number: str) -> None:
        """A hand-over's line; nothing is owed here any more."""
        reply = f"250 2.0.0 Ok: queued as {number}"
        self.tried(at, entry, one, status="sent", dsn="2.0.0", reply=reply, next_id=number, **self.reached(hop))
        one.open = False

    def _to_switch(self, this: Round, hop: str, group: Group) -> None:
        entry = this.entry
        if len(entry.trace) > HOPS:
            self._too_many(this, hop, group)
            return
        copies = [self._copy(entry, one, hop) for one in group]
        when = this.at + self.chance.randint(2_000, 9_000)
        made = self.enter(
            when, hop, entry.letter, copies, Via.SMTP, trace=entry.trace, client=entry.host, service="smtpd",
            address=self.network.addresses[entry.host],
        )  # fmt: skip
        for number, one in enumerate(group):
            self.sent(when + 1_000 + number, entry, one, hop, made.queue_id)

    def _too_many(self, this: Round, hop: str, group: Group) -> None:
        """The next host sees that a letter goes in a circle."""
        address = self.network.addresses[hop]
        words = f"host {hop}.mail.example[{address}] said: 554 5.4.0 Error: too many hops"
        for one in group:
            self.tried(this.at + 5_000, this.entry, one, status="bounced", dsn="5.4.0", reply=words,
                       **self.reached(hop))  # fmt: skip
            one.open = False
            this.tell(one, "failed", "5.4.0", hop, words)

    def _copy(self, entry: Entry, one: Owing, hop: str) -> Owing:
        """A recipient as the next host hears it; an operator's table or a villain's may change it on the way."""
        to = one.to
        if entry.letter.fault in {"misrouted", "diverted"} and not entry.letter.spent and hop in self.network.at_switch:
            entry.letter.spent = True
            others = [user for user in self.network.at_switch[hop].users if user != to]
            to = self.chance.choice(others)
            self.place((one.ticket,), hop)
        return Owing(to=to, ticket=one.ticket, original=one.original, notify=one.notify, asked=one.asked)
