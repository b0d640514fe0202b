"""The network that is played: organisations with a switch and a store each, hubs between them, and peers outside.

Rules:
- Everything is made from a seed; the same seed gives the same network.
- The house sees the logs of all switches, hubs and stores. Of peers it sees nothing but what they hand over: one sends
  reports, one takes mail and never reports (declared so), one does not know of reports at all.
- Desks (`duty-...`) are the mailboxes whose reads are watched.
"""

import random
from dataclasses import dataclass, field
from functools import cached_property
from ipaddress import ip_network

from streams.collect.declaration import Declaration, Host, Source, SubmissionPoint
from streams.simulate.world import REPORTS

REPORTS_BOX = "Reports"
"""The mailbox that reports come to: the house's own, not one that a person reads."""

SERVICE = "submission"

FILTERING = frozenset({"alpha", "hub-west"})
"""Switches with a content filter."""

AWAY = 2
"""People of a house who are away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Organisation:
    """One provider: a switch that takes submissions and delivers, and its store.

    Attributes:
        name: of the switch.
        domain: of its addresses.
        store: name of its store.
        users: addresses.
        desks: addresses whose mailboxes are watched.
        aliases: address to address.
        lists: address to members.
        deputies: desk that is not manned at night, to another.
        alternates: address of a person who is away, to one in another organisation.
    """

    name: str
    domain: str
    store: str
    users: tuple[str, ...]
    desks: tuple[str, ...]
    aliases: dict[str, str]
    lists: dict[str, tuple[str, ...]]
    deputies: dict[str, str] = field(default_factory=dict)
    alternates: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A mail system of somebody else.

    Attributes:
        name: its host.
        domain: of its addresses.
        address: of its host.
        knows_reports: does it take requests for reports (RFC 3461); else the hub says `relayed`.
        reports: does it send them.
        greets_late: share of first attempts that it puts off (greylisting).
    """

    name: str
    domain: str
    address: str
    knows_reports: bool
    reports: bool
    greets_late: float = 0.0


@dataclass(frozen=True)
class Network:
    """Who is there and who hands on to whom.

    Attributes:
        organisations: by their order.
        hubs: names of the switches between them.
        peers: mail systems outside.
        addresses: of hosts.
    """

    organisations: tuple[Organisation, ...]
    hubs: tuple[str, ...]
    peers: tuple[Peer, ...]
    addresses: dict[str, str] = field(default_factory=dict)

    @cached_property
    def by_domain(self) -> dict[str, Organisation]:
        """The organisation of each domain."""
        return {one.domain: one for one in self.organisations}

    @cached_property
    def peer_of(self) -> dict[str, Peer]:
        """The peer of each domain."""
        return {one.domain: one for one in self.peers}

    @cached_property
    def at_switch(self) -> dict[str, Organisation]:
        """The organisation of each switch."""
        return {one.name: one for one in self.organisations}

    @cached_property
    def switches(self) -> tuple[str, ...]:
        """All hosts with queues."""
        return (*(one.name for one in self.organisations), *self.hubs)

    def next_hop(self, host: str, recipient: str) -> str:
        """Whom a host hands a message to: a store, a hub, a switch or a peer; "" where nobody answers for a domain."""
        domain = recipient.rpartition("@")[2]
        home = self.by_domain.get(domain)
        here = self.at_switch.get(host)
        if here is not None:
            return here.store if home is here else self.hubs[(len(host) + len(domain)) % len(self.hubs)]
        if home:
            return home.name
        peer = self.peer_of.get(domain)
        return peer.name if peer else ""

    def declaration(self) -> Declaration:
        """What the ledger is told before the first event."""
        hosts = [
            Host(name=name, aliases=frozenset({f"{name}.mail.example", address}))
            for name, address in self.addresses.items()
        ]
        mute = [
            Host(name=peer.name, aliases=frozenset({peer.address}), reports=False)
            for peer in self.peers
            if not peer.reports
        ]
        points = [
            SubmissionPoint(
                host=one.name,
                services=frozenset({SERVICE}),
                networks=(ip_network(f"{self.addresses[one.name].rpartition('.')[0].rpartition('.')[0]}.9.0/24"),),
            )
            for one in self.organisations
        ]
        stores = {one.store for one in self.organisations}
        logs = [
            Source(
                name=f"{name}-log",
                kind="dovecot" if name in stores else "postfix",
                host=name,
                paths=(f"{name}.log",),
                live=True,
            )
            for name in self.addresses
        ]
        return Declaration(
            sources=(*logs, Source(name=REPORTS, kind="reports", paths=("reports",), live=True)),
            hosts=(*hosts, *mute),
            submission_points=tuple(points),
            local_domains=frozenset(self.by_domain),
        )


NAMES = ("alpha", "beta", "gamma")
USERS = 40
"""Of each organisation, beside its desks."""

HUBS = ("hub-east", "hub-west")
PEERS = (
    Peer(
        name="mx.ferry.example", domain="ferry.example", address="198.51.100.10", knows_reports=True, reports=True,
        greets_late=0.1,
    ),
    Peer(name="mx.quiet.example", domain="quiet.example", address="198.51.100.20", knows_reports=True, reports=False),
    Peer(name="mx.old.example", domain="old.example", address="198.51.100.30", knows_reports=False, reports=False),
)  # fmt: skip


def network(seed: int) -> Network:
    """The network of a seed."""
    chance = random.Random(f"network {seed}")  # noqa: S311 - a play, no secret
    houses = [_organisation(name, chance) for name in NAMES]
    for house, other in zip(houses, [*houses[1:], *houses[:1]], strict=True):
        house.alternates.update(_alternates(house, other, chance))
    addresses = {}
    for number, house in enumerate(houses, 1):
        addresses[house.name], addresses[house.store] = f"10.{number}.0.1", f"10.{number}.0.2"
    addresses |= {hub: f"10.100.0.{number}" for number, hub in enumerate(HUBS, 1)}
    return Network(organisations=tuple(houses), hubs=HUBS, peers=PEERS, addresses=addresses)


def _organisation(name: str, chance: random.Random) -> Organisation:
    domain = f"{name}.example"
    people = tuple(f"user{number:02}@{domain}" for number in range(USERS))
    desks = tuple(f"duty-{number}@{domain}" for number in range(1, 4))
    return Organisation(
        name=name,
        domain=domain,
        store=f"{name}-store",
        users=people,
        desks=desks,
        aliases={f"{what}@{domain}": chance.choice(people) for what in ("info", "office", "chief")},
        lists={f"{what}@{domain}": tuple(chance.sample(people, chance.randint(2, 6))) for what in ("all", "crew")},
        deputies={desks[-1]: desks[0]},
    )


def _alternates(house: Organisation, other: Organisation, chance: random.Random) -> dict[str, str]:
    """Of each house the last two people are away: a person of another house stands in for one, a desk for the other."""
    return {house.users[-1]: chance.choice(other.users[:-AWAY]), house.users[-AWAY]: chance.choice(other.desks[:-1])}
