"""A simulated world: the network, what is submitted, what goes wrong, and everything that came of it."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from streams.simulate.acts import Reported, Stay, Told, Via
from streams.simulate.faults import USUAL, Wish
from streams.simulate.habits import USUAL_HABITS, Habits
from streams.simulate.letters import INBOUND, MAIL, Owing, Ticket
from streams.simulate.network import SERVICE, Network, network
from streams.simulate.play import Play
from streams.simulate.queueids import long_id
from streams.simulate.traffic import Submission, Traffic
from streams.simulate.trouble import trouble
from streams.simulate.world import World

SECOND = 1_000_000
DAY = 86_400 * SECOND
BEGIN = 1_795_392_000 * SECOND
"""2026-11-23, a Monday, 00:00 UTC."""

SETTLES = 13 * 3_600 * SECOND
"""After the last submission the play goes on for so long: the longest term, and the longest trouble."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """A world, and what only the simulation knows of it.

    Attributes:
        world: what happened, and its evidence.
        tickets: every (letter, recipient).
        marks: for each act, the numbers of the tickets that it is about.
        planted: (fault, place, since, until) of every trouble of a place.
        network: who was there.
    """

    world: World
    tickets: tuple[Ticket, ...]
    marks: tuple[tuple[int, ...], ...]
    planted: tuple[tuple[str, str, int, int], ...]
    network: Network


def simulate(
    seed: int,
    messages: int,
    *,
    span: int = DAY,
    since: int = BEGIN,
    wishes: Sequence[Wish] = USUAL,
    habits: Habits = USUAL_HABITS,
) -> Played:
    """Play a world.

    Args:
        seed: the same seed, with the same other arguments, gives the same world.
        messages: how many are submitted, about.
        span: microseconds in which they are.
        since: microseconds UTC of its begin.
        wishes: faults to plant.
        habits: how often what is no fault happens.
    """
    chance = random.Random(f"play {seed}")  # noqa: S311 - a play, no secret
    there = network(seed)
    wrong = trouble(there, wishes, since, since + span, chance)
    play = Play(there, wrong, chance, habits)
    for one in Traffic(there, wishes, chance, habits.asked).submissions(messages, since, since + span):
        play.later(one.at, submit, play, one)
    play.run(since + span + SETTLES)
    return _played(seed, (since, since + span + SETTLES), play)


def _played(seed: int, span: tuple[int, int], play: Play) -> Played:
    order = sorted(range(len(play.acts)), key=lambda number: play.acts[number][0])
    world = World(
        seed=seed,
        since=span[0],
        until=span[1],
        declaration=play.network.declaration(),
        acts=tuple(play.acts[number][1] for number in order),
        gaps=tuple(play.trouble.gaps),
        skews=tuple(play.trouble.skews),
    )
    return Played(
        world=world,
        tickets=tuple(play.tickets),
        marks=tuple(play.acts[number][2] for number in order),
        planted=tuple(play.trouble.planted),
        network=play.network,
    )


def submit(at: int, play: Play, one: Submission) -> None:
    """Somebody gives a letter to a mail system; where it is down, later."""
    up = play.trouble.up_at(one.host, at)
    if up:
        play.later(up + play.chance.randint(SECOND, 60 * SECOND), submit, play, one)
        return
    if one.fault == "report-forged":
        forge(at, play, one)
        return
    if one.fault == "report-early":
        play.trouble.withhold(one.host, at, play.chance)
    inbound = one.via is Via.SMTP
    letter = play.letter(
        INBOUND if inbound else MAIL, one.sender, message_id=one.message_id, size=one.size, priority=one.priority,
        receipt=one.receipt, fault=one.fault,
        hop=play.chance.randint(0, 1 if one.fault == "dropped" else 2) if one.fault else 0,
    )  # fmt: skip
    wanted = not (inbound or one.declined)
    owings = [
        Owing(to=to, ticket=play.ticket(letter, to), original=to, notify=wanted, asked=None if inbound else wanted)
        for to in one.recipients
    ]
    play.enter(at, one.host, letter, owings, one.via, **_client(play, one))


def forge(at: int, play: Play, one: Submission) -> None:
    """Somebody sends a report for a message that was never sent; half of them copy a trace."""
    peer, number = play.network.peers[0], long_id(at, play.chance)
    trace = (Stay(host=one.host, queue_id=number, at=at),) if play.chance.random() < 0.5 else ()  # noqa: PLR2004
    told = Told(final=one.recipients[0], original=one.recipients[0], action="delivered", status="2.0.0")
    letter = play.letter(MAIL, one.sender, message_id=one.message_id, size=one.size, fault=one.fault)
    ticket = play.ticket(letter, one.recipients[0])
    report = Reported(
        at=at, host=one.host, queue_id=long_id(at, play.chance), report_id=f"<{number}@{peer.name}>", by=peer.name,
        by_queue_id=f"{play.chance.getrandbits(40):010X}", by_arrived=at, message_id=one.message_id, sender=one.sender,
        trace=trace, told=(told,),
    )  # fmt: skip
    play.emit(at, report, (ticket,))


def _client(play: Play, one: Submission) -> dict[str, Any]:
    """Who gives it."""
    if one.via is Via.LOCAL:
        return {"login": one.sender.partition("@")[0]}
    if one.via is Via.SMTP:
        peer = next(peer for peer in play.network.peers if one.sender.endswith(peer.domain))
        return {"client": peer.name, "address": peer.address, "service": "smtpd"}
    last = play.chance.randint(1, 254)
    base = play.network.addresses[one.host].rpartition(".")[0].rpartition(".")[0]
    near = {"client": "unknown", "address": f"{base}.9.{last}", "service": "smtpd"}
    if one.via is Via.NETWORK:
        return near
    far = {"client": "unknown", "address": f"203.0.113.{last}"}
    if one.via is Via.SASL:
        return far | {"service": "smtpd", "login": one.sender.partition("@")[0]}
    return far | {"service": f"{SERVICE}/smtpd"}
