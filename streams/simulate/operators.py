"""What operators do with queues on an ordinary day: `postsuper -h`, `-H` and `-r`.

Rules:
- Now and then an entry is put on hold before an attempt; some minutes or hours later it is released, and attempted.
- Of what is put off again and again, a little is put in again: it leaves, and within a minute pickup brings it back
  under another queue id. A host that is down, or lost its queue, does neither.
- What a fault shall befall is left alone, so that what is found of it is the fault's.
"""

from typing import TYPE_CHECKING

from streams.simulate.acts import Order, Ordered, Via
from streams.simulate.faults import HOUR, MINUTE
from streams.simulate.letters import Entry, Owing

if TYPE_CHECKING:
    from streams.simulate.play import Play

SECOND = 1_000_000
TRIED = range(2, 5)
"""Attempts after which somebody may lose patience."""


def hold(play: "Play", at: int, entry: Entry) -> bool:
    """Somebody may put an entry on hold instead of its being attempted; did they."""
    if entry.letter.fault or play.chance.random() >= play.habits.held:
        return False
    order(play, at, entry, Order.HELD)
    play.later(at + play.chance.randint(5 * MINUTE, 3 * HOUR), _release, play, entry)
    return True


def requeue(play: "Play", at: int, entry: Entry, wait: int) -> bool:
    """Somebody may put an entry in again before its next attempt; will they."""
    if entry.letter.fault or entry.tries not in TRIED or play.chance.random() >= play.habits.requeued:
        return False
    play.later(at + play.chance.randint(MINUTE, wait), _take_out, play, entry)
    return True


def order(play: "Play", at: int, entry: Entry, what: Order) -> None:
    """What an operator does with an entry, for all to whom it is still owed."""
    tickets = tuple(one.ticket for one in entry.owings if one.open)
    play.emit(at, Ordered(at=at, host=entry.host, queue_id=entry.queue_id, order=what), tickets)


def _release(at: int, play: "Play", entry: Entry) -> None:
    up = play.trouble.up_at(entry.host, at)
    if up:
        play.later(up + MINUTE, _release, play, entry)
    elif not play.wiped(at, entry):
        order(play, at, entry, Order.RELEASED)
        play.later(at + play.chance.randint(SECOND, MINUTE), play.attempt, entry)


def _take_out(at: int, play: "Play", entry: Entry) -> None:
    up = play.trouble.up_at(entry.host, at)
    if up:
        play.later(up + MINUTE, _take_out, play, entry)
    elif not play.wiped(at, entry):
        order(play, at, entry, Order.REQUEUED)
        play.later(at + play.chance.randint(SECOND, MINUTE), _bring_back, play, entry)


def _bring_back(at: int, play: "Play", entry: Entry) -> None:
    """Pickup finds what was put in again; `orig_id` names the first of a row of such entries."""
    up = play.trouble.up_at(entry.host, at)
    if up:
        play.later(up + play.chance.randint(SECOND, MINUTE), _bring_back, play, entry)
    elif not play.wiped(at, entry):
        owed = [
            Owing(to=one.to, ticket=one.ticket, original=one.original, notify=one.notify, asked=None,
                  orig_to=one.orig_to)
            for one in entry.owings
            if one.open
        ]  # fmt: skip
        root = entry.root or entry.queue_id
        made = play.enter(at, entry.host, entry.letter, owed, Via.REQUEUE, trace=entry.trace, parent=root)
        made.root = root
