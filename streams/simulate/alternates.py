"""Alternate recipients: who gets the mail of somebody who is not there.

Rules:
- A desk that is not manned at night has a deputy in its own house: the switch writes the deputy's address in its place.
- A person who is away has an alternate recipient in another organisation: local(8) forwards their mail there, and the
  report that was asked for comes from there, about the alternate, and names the first recipient.
- Mail of people alone: reports and receipts are the house's own.
"""

from typing import TYPE_CHECKING

from streams.simulate.acts import Agent, Via
from streams.simulate.letters import INBOUND, MAIL, Owing, Round
from streams.simulate.network import Organisation
from streams.simulate.office import is_night

if TYPE_CHECKING:
    from streams.simulate.play import Play


def deputise(this: Round, at: int, house: Organisation, one: Owing) -> None:
    """At night a desk's mail is its deputy's."""
    if one.to in house.deputies and is_night(at) and this.entry.letter.kind in {MAIL, INBOUND}:
        one.orig_to, one.to = one.orig_to or one.to, house.deputies[one.to]


def forward(play: "Play", at: int, this: Round, house: Organisation, one: Owing) -> bool:
    """A person who is away has their mail forwarded; were they."""
    entry, to = this.entry, house.alternates.get(one.to)
    if to is None or entry.letter.kind not in {MAIL, INBOUND}:
        return False
    alternate = Owing(to=to, ticket=one.ticket, original=one.original, notify=one.notify, asked=None, orig_to=one.to)
    made = play.enter(at, entry.host, entry.letter, [alternate], Via.FORWARD, trace=entry.trace, parent=entry.queue_id)
    forwarded(play, at + 500, this, one, made.queue_id)
    return True


def forwarded(play: "Play", at: int, this: Round, one: Owing, number: str) -> None:
    """local(8) says what it made of a recipient."""
    play.tried(at, this.entry, one, agent=Agent.LOCAL, relay="local", next_id=number, status="sent", dsn="2.0.0",
               reply=f"forwarded as {number}")  # fmt: skip
    one.open = False
