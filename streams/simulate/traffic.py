"""Who writes to whom, when: the submissions of a span, drawn from a seed.

Rules:
- Office hours: most is written between 7 and 18 UTC, little at night, and a fifth of it at weekends. Flash and
  immediate messages know no hours.
- A letter that a fault of messages shall befall is of a shape that it can befall: to one person of another
  organisation, with the report asked for, of a priority whose term ends in the play.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter

from streams.simulate.acts import Via
from streams.simulate.faults import HOUR, MINUTE, Wish
from streams.simulate.network import Network, Organisation
from streams.simulate.office import busy

PRIORITIES = ((None, 78), (0, 6), (4, 3), (2, 6), (-4, 7))
"""MT-PRIORITY, and how many of a hundred letters have it."""

SORTS = {"user": 780, "desk": 80, "alias": 40, "list": 30, "peer": 60, "unknown": 4, "dead": 1}
"""Whom letters are for, in parts."""

STRANGER = "nobody-knows"
"""A local part that no store has."""

DEAD = "nowhere.example"
"""A domain whose mail system never answers."""

INBOUND = 0.06
"""Mail from peers, beside what is submitted, as a share of it."""

ANY_HOUR = frozenset({2, 4})
"""Priorities that know no office hours."""

TWICE = frozenset({"twin-lost", "id-repeated", "id-reused"})
"""Faults that need two submissions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """One letter that somebody gives to a mail system.

    Attributes:
        at: true time.
        host: switch that it is given to; for inbound mail, the hub.
        via: how.
        sender: envelope sender.
        recipients: for whom.
        message_id: with brackets, or "".
        priority: or None.
        size: bytes.
        declined: NOTIFY=NEVER.
        receipt: a receipt is asked for.
        fault: of messages that shall befall it, or "".
    """

    at: int
    host: str
    via: Via
    sender: str
    recipients: tuple[str, ...]
    message_id: str
    priority: int | None
    size: int
    declined: bool = False
    receipt: bool = False
    fault: str = ""


class Traffic:
    """Draws the submissions of a span."""

    def __init__(self, network: Network, wishes: Sequence[Wish], chance: random.Random, asked: float) -> None:
        """Set up; a share of letters has a receipt `asked` for."""
        self.network, self.chance, self._asked, self._number = network, chance, asked, 0
        self._faults = [wish for wish in wishes if wish.fault.of == "message"]
        houses = network.organisations
        self._tables = [
            dict(pair for house in houses for pair in table(house).items())
            for table in (attrgetter("aliases"), attrgetter("alternates"), attrgetter("deputies"))
        ]

    def submissions(self, messages: int, since: int, until: int) -> list[Submission]:
        """About `messages` submissions in [since, until), by time."""
        moments = sorted(self._moments(messages, since, until))
        stated = sorted((since + wish.at, wish.fault.name) for wish in self._faults if wish.at is not None)
        found: list[Submission] = []
        for at, priority in moments:
            if stated and stated[0][0] <= at:
                found += self._befallen(at, stated.pop(0)[1])
            else:
                fault = self._fault()
                found += self._befallen(at, fault) if fault else self._letter(at, priority)
        return sorted(found, key=lambda one: one.at)

    def _moments(self, messages: int, since: int, until: int) -> Iterator[tuple[int, int | None]]:
        """Moments by the hours of a day, with the priority of what is written then."""
        hours = range(since // HOUR, -(-until // HOUR))
        weights = [busy(hour) for hour in hours]
        for hour in self.chance.choices(hours, weights, k=messages):
            at, priority = max(since, hour * HOUR), self._priority()
            if priority in ANY_HOUR:
                yield since + int(self.chance.random() * (until - since)), priority
            else:
                yield at + int(self.chance.random() * (min(until, (hour + 1) * HOUR) - at)), priority

    def _fault(self) -> str:
        draw = self.chance.random()
        for wish in self._faults:
            draw -= wish.rate
            if draw < 0:
                return wish.fault.name
        return ""

    # Letters

    def _letter(self, at: int, priority: int | None) -> Iterator[Submission]:
        """An ordinary letter, and now and then one from outside."""
        chance, house = self.chance, self._house()
        yield Submission(
            at=at,
            host=house.name,
            via=chance.choices((Via.SERVICE, Via.SASL, Via.NETWORK, Via.LOCAL), (60, 15, 20, 5))[0],
            sender=chance.choice(house.users + house.desks),
            recipients=self._recipients(),
            message_id=self._message_id(house.domain),
            priority=priority,
            size=int(chance.lognormvariate(9, 1.2)) + 400,
            declined=chance.random() < 0.02,  # noqa: PLR2004 - a share
            receipt=chance.random() < self._asked,
        )
        if chance.random() < INBOUND:
            yield self._inbound(at + chance.randint(1, MINUTE))

    def _inbound(self, at: int) -> Submission:
        peer = self.chance.choice([one for one in self.network.peers if one.reports or not one.knows_reports])
        return Submission(
            at=at,
            host=self.chance.choice(self.network.hubs),
            via=Via.SMTP,
            sender=f"someone{self.chance.randint(1, 99)}@{peer.domain}",
            recipients=(self.chance.choice(self._house().users),),
            message_id=self._message_id(peer.domain),
            priority=None,
            size=int(self.chance.lognormvariate(9, 1.2)) + 400,
            receipt=self.chance.random() < self._asked,
        )

    def _befallen(self, at: int, fault: str) -> Iterator[Submission]:
        """A letter that a fault shall befall, and its twin where the fault needs one."""
        chance, house = self.chance, self._house()
        other = self._house(beside=house)
        to = chance.choice(other.desks if fault == "absent" else other.users)
        if fault == "report-bounced":
            to = f"{STRANGER}@{other.domain}"
        first = Submission(
            at=at,
            host=house.name,
            via=Via.SERVICE,
            sender=chance.choice(house.users),
            recipients=(to,),
            message_id="" if fault in {"id-missing", "id-invented"} else self._message_id(house.domain),
            priority=chance.choice((None, 0, 2, 4)),
            size=int(chance.lognormvariate(9, 1.2)) + 400,
            fault=fault,
        )
        yield first
        if fault in TWICE:
            yield self._twin(first, other)

    def _twin(self, first: Submission, other: Organisation) -> Submission:
        """The second submission with a Message-ID; of twins that are lost, it is the one that arrives, or is lost."""
        to = first.recipients
        if first.fault == "id-reused":
            to = (self.chance.choice([user for user in other.users if user not in to]),)
        return Submission(
            at=first.at + self.chance.randint(5 * MINUTE // 10, 10 * MINUTE),
            host=first.host,
            via=first.via,
            sender=first.sender,
            recipients=to,
            message_id=first.message_id,
            priority=first.priority,
            size=first.size,
            fault=f"{first.fault}:second",
        )

    # Parts

    def _house(self, beside: Organisation | None = None) -> Organisation:
        return self.chance.choice([one for one in self.network.organisations if one is not beside])

    def _message_id(self, domain: str) -> str:
        self._number += 1
        return f"<{self._number:06}.{self.chance.getrandbits(32):08x}@{domain}>"

    def _priority(self) -> int | None:
        return self.chance.choices([level for level, _ in PRIORITIES], [share for _, share in PRIORITIES])[0]

    def _recipients(self) -> tuple[str, ...]:
        chance = self.chance
        count = chance.choices((1, 2, 3, 5), (88, 7, 3, 2))[0]
        meant = {self._meant(to): to for to in [self._recipient() for _ in range(count)]}  # a switch drops doubles
        return tuple(meant.values())

    def _meant(self, to: str) -> str:
        """Whose mailbox an address may lead to in the end."""
        for table in self._tables:
            to = table.get(to, to)
        return to

    def _recipient(self) -> str:
        chance, house = self.chance, self._house()
        kind = chance.choices(list(SORTS), list(SORTS.values()))[0]
        to = {
            "user": house.users,
            "desk": house.desks,
            "alias": tuple(house.aliases),
            "list": tuple(house.lists),
            "peer": tuple(f"contact{chance.randint(1, 50)}@{peer.domain}" for peer in self.network.peers),
            "unknown": tuple(f"{STRANGER}-{number}@{house.domain}" for number in range(9)),
            "dead": (f"someone@{DEAD}",),
        }
        return chance.choice(to[kind])
