"""Whose the evidence is that is connected to no submission: of the unit of which it could be known first to be.

By whose name it is credited, and up to when, is the rule of `effective`, which joins what is credited.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from streams.core import tables
from streams.core.clock import BEGINNING
from streams.core.custody import Custody
from streams.core.facts import Times
from streams.core.index import Rows
from streams.core.lattice import NEVER
from streams.core.spans import Spans

_NAMED = (("recipient", "recipient_known"), ("other", "other_known"), ("user", "user_known"))
"""By whose name evidence that is connected to nothing is credited: the first that was submitted."""

_PAIRED = (("pair_known", "pair_entry"), tables.TURNED)
"""Where whom a name belongs to stands: as they were submitted, or gave way."""


@dataclass(frozen=True, slots=True)
class Claim:
    """To whom chains are credited.

    Attributes:
        owner: place of the unit of each; -1 where it is nobody's.
        since: when that could be known.
        until: what was known before then counts.
    """

    owner: Rows
    since: Times
    until: Times

    @classmethod
    def of(cls, custody: Custody, chains: Rows, place: Rows, submitted: Times) -> "Claim":
        """Find whose some chains could be known to be first.

        Args:
            custody: what is known.
            chains: rows of UNITS.
            place: of each row of UNITS among those that have a submission; -1 where it has none.
            submitted: when the submission of each of these could be known.
        """
        units, messages = custody.units, custody.messages
        message = custody.legs["message"][units["leg"][chains]].astype(np.int64)
        until = np.where(messages["before"][message] == 1, BEGINNING, messages.take("second_known", message))
        owner = np.full(len(chains), -1, np.int64)
        since = np.full(len(chains), NEVER, np.int64)
        for paired, (name, known) in product(_PAIRED, _NAMED):
            unit, at = _unit_of_pair(custody, message, units.take(name, chains), paired)
            theirs = place[unit]
            at = np.maximum(np.maximum(at, units.take(known, chains)), np.append(submitted, NEVER)[theirs])
            sooner = at < since
            owner[sooner], since[sooner] = theirs[sooner], at[sooner]
        return cls(owner, since, np.minimum(until, units["submitted_known"][chains]))

    def lent(self, known: Times, until: Times) -> Spans:
        """While what could be known of each chain counts for whom it is credited to, where it is in time for that.

        Args:
            known: when it could be known.
            until: to when it counts.
        """
        since = np.maximum(known, self.since)
        return Spans(self.owner, since, until).some((self.owner >= 0) & (since < self.until))


def _unit_of_pair(
    custody: Custody, message: Rows, recipient: NDArray[np.uint64], paired: tuple[str, str]
) -> tuple[Rows, Times]:
    """Rows of UNITS of whom some messages were for, and when that could be known; len(units) and NEVER for nobody."""
    since, entry = paired
    pair = custody.pairs.index.find(np.column_stack([message.astype(np.uint64), recipient]))
    unit, known = np.full(len(pair), len(custody.units), np.int64), np.full(len(pair), NEVER, np.int64)
    known[pair >= 0] = custody.pairs.take(since, pair[pair >= 0])
    some = np.flatnonzero(known != NEVER)
    keys = np.column_stack([custody.pairs.take(entry, pair[some]), recipient[some]])
    unit[some] = unit_of(custody, custody.legs.index.find(keys))
    return unit, known


def unit_of(custody: Custody, legs: Rows) -> Rows:
    """Rows of UNITS of the chains of some legs; len(units) where a chain has none."""
    if not len(legs):
        return legs
    rows: Rows = custody.units.index.find(custody.legs.index.keys[custody.chains.root(legs)])
    rows[rows < 0] = len(custody.units)
    return rows
