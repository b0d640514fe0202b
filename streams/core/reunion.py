"""Hand-overs that connect what was known apart: with them the evidence of one part becomes the other's, as of old.

What such a hand-over takes away was found before it could be known, and may have been told. So that what is told does
not depend on when anyone looked, a look must come before it, and one at the tick after it.
"""

import numpy as np

from streams.core.chains import Chains
from streams.core.clock import BEGINNING
from streams.core.custody import Custody
from streams.core.facts import Facts, Mask, Times
from streams.core.holdings import NOBODY_HALF
from streams.core.index import Keys, Rows, mixed


def reunited(custody: Custody, now: int, events: Facts, clock: Times, heard: int) -> Times:
    """The clocks of hand-overs that connect chains of which something was said before that tick; each once, in order.

    Args:
        custody: what is known before these events.
        now: microseconds; the clock before them.
        events: in the order of the log.
        clock: microseconds; the clock of each.
        heard: how many rows of LEGS were there at the latest tick, or more: then too many clocks may be told.
    """
    if not len(clock) or (not heard and clock[-1] == now):
        return clock[:0]  # nothing was said before a tick: an import, or the beginning
    edges = np.flatnonzero((events.leg[:, 1] != NOBODY_HALF) & (events.next_leg[:, 1] != NOBODY_HALF))
    legs, nexts = (_chains(custody, keys[edges]) for keys in (events.leg, events.next_leg))
    apart = (legs != nexts) | (legs < 0)
    edges, chains = edges[apart], np.concatenate([legs[apart], nexts[apart]])
    if not len(edges):
        return clock[:0]
    said = np.where(chains < heard, BEGINNING, now)
    numbers, first = _named(events, edges)
    new = chains < 0
    chains[new], said[new] = len(custody.legs) + numbers[new], clock[first[new]]
    return _told_apart(chains, said, clock[edges])


def _told_apart(chains: Rows, said: Times, clock: Times) -> Times:
    """The clocks at which one of two chains that become one loses its name, though something was said of it before.

    Args:
        chains: of the legs, then of the next legs of some hand-overs.
        said: the clock when something was first said of each.
        clock: of each hand-over, in order.
    """
    order = np.lexsort([chains, said])
    _, firsts, names = np.unique(chains[order], return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(firsts))
    numbers = np.empty(len(chains), np.int64)
    numbers[order] = rank[names]  # a chain that was there before has a lesser number, hence keeps its name
    since = np.empty(len(firsts), np.int64)
    since[numbers] = said
    local = Chains()
    local.extend(len(firsts))
    ones, others = numbers[: len(clock)], numbers[len(clock) :]
    return np.array([at for at in np.unique(clock) if _loses(local, ones, others, clock == at, since < at)], np.int64)


def _loses(chains: Chains, ones: Rows, others: Rows, now: Mask, old: Mask) -> bool:
    """Does one of the old chains lose its name to the hand-overs of now."""
    return bool(old[chains.union(ones[now], others[now])].any())


def _chains(custody: Custody, keys: Keys) -> Rows:
    """The chains of some legs; -1 where a leg is not known."""
    rows = custody.legs.index.find(keys)
    rows[rows >= 0] = custody.chains.root(rows[rows >= 0])
    return rows


def _named(events: Facts, edges: Rows) -> tuple[Rows, Rows]:
    """A number for each leg, then each next leg of some events, and the first of all these events that names it."""
    legs, nexts = _mixed(events.leg), _mixed(events.next_leg)
    names, numbers = np.unique(np.concatenate([legs[edges], nexts[edges]]), return_inverse=True)
    first = np.full(len(names), len(legs), np.int64)
    for column in (legs, nexts):
        place = np.minimum(np.searchsorted(names, column), len(names) - 1)
        here = np.flatnonzero(names[place] == column)
        np.minimum.at(first, place[here], here)
    return numbers, first[numbers]


def _mixed(keys: Keys) -> Rows:
    """One number for both halves of a key: two keys that share it only bring a look that was not needed."""
    return mixed(keys).view(np.int64)
