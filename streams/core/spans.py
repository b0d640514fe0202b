"""Spans: from when to when something counts for a unit, until it is known that it does not.

What counts for a while is asked of at a moment, and nothing that becomes known later may change the answer: so the
first moment is sought at which nothing counts, and then when something does again.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from streams.core.facts import Mask, Times
from streams.core.index import Rows


class Spans(NamedTuple):
    """While something counts for units, in any order.

    Attributes:
        owner: places of units.
        since: when that could be known, microseconds.
        until: when it could be known that it does not count; NEVER while it does.
    """

    owner: Rows
    since: Times
    until: Times

    def some(self, which: Mask) -> "Spans":
        """Some of them."""
        return Spans(*(column[which] for column in self))


def uncovered(spans: Spans, since: Times, again: Times) -> tuple[Times, Times]:
    """Each unit's first moment, not before a time, at which no span counts, and when something does again.

    Args:
        spans: of units.
        since: one a unit.
        again: when what is no span counts, one a unit: for good, so it covers nothing.
    """
    begins, again = since.copy(), again.copy()
    for owner, start, end in _in_turn(spans):
        goes_on = (start <= begins[owner]) & (end > begins[owner])
        begins[owner[goes_on]] = end[goes_on]
    later = spans.since > begins[spans.owner]
    np.minimum.at(again, spans.owner[later], spans.since[later])
    return begins, again


def _in_turn(spans: Spans) -> Iterator[Spans]:
    """The first span of each unit, then the second of each that has one, and so on: every span once."""
    order = np.lexsort([spans.since, spans.owner])
    owner = spans.owner[order]
    number = np.arange(len(order)) - np.searchsorted(owner, owner)
    order = order[np.argsort(number, kind="stable")]
    ends = np.cumsum(np.bincount(number))
    for since, until in pairwise([0, *ends.tolist()]):
        yield Spans(*(column[order[since:until]] for column in spans))
