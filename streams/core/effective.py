"""What is known of each unit of custody, with the evidence credited to it that is connected to nothing.

Rules:
- While a message key has one submission, all its evidence belongs to it: a report that names no queue id, a copy in a
  store whose session no switch told.
- From the moment at which a second submission is known, only what is connected counts, or the one that was lost would
  hide behind the one that arrived. What was known before keeps its credit: it was not about the second, as far as
  anyone could know, and what it cleared was told.
- So credit is a function of `known` columns, and what it cleared stays cleared.
- What turns out to be of another submission keeps no alarm from being raised: a report counts as an answer only where
  it came after it was due, or the one that was lost would hide behind a report that was read too early.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streams.core.clock import BEGINNING
from streams.core.custody import Custody
from streams.core.facts import Mask, Times
from streams.core.index import Rows
from streams.core.lattice import NEVER


@dataclass(frozen=True, slots=True, kw_only=True)
class Effective:
    """What is known of each unit, with the evidence credited to it that is connected to nothing.

    Attributes:
        unit: rows of UNITS that have a submission.
        columns: values for those units, by column name; `answered_known` is when a report was known that counts where
            one was due, `shown_known` when a delivery was that counted by then.
    """

    unit: Rows
    columns: dict[str, NDArray[np.int64]]
    _custody: Custody

    def __getitem__(self, name: str) -> NDArray[np.int64]:
        """Values of a column, one a unit."""
        return self.columns[name]

    @classmethod
    def of(cls, custody: Custody) -> "Effective":
        """Credit orphans and gather the columns of units."""
        units = custody.units
        alive, submitted = units["leg"] >= 0, units["submitted_known"]
        unit = np.flatnonzero(alive & (submitted != NEVER))
        columns = {name: units.take(name, unit) for name in ("submitted_known", "due_at", "due_from", *_CREDITED)}
        columns |= {"answered_known": columns["proved_known"].copy(), "shown_known": columns["delivered_known"].copy()}
        place = np.full(len(units) + 1, -1, np.int64)
        place[unit] = np.arange(len(unit))
        early = np.any([units[name] < submitted for name in _CREDITED], axis=0)
        _credit(custody, np.flatnonzero(alive & early), place, columns)
        return cls(unit=unit, columns=columns, _custody=custody)

    def legs(self, some: NDArray[np.bool_] | slice) -> Rows:
        """Rows of the submitted legs of some of these units: looked up for the few that something is said of."""
        unit, units = self.unit[some], self._custody.units
        keys = np.column_stack([units.take("due_leg", unit), units.take("due_recipient", unit)])
        return self._custody.legs.index.find(keys) if len(unit) else unit


_CREDITED = tuple(f"{name}_known" for name in ("delivered", "proved", "told", "refused", "read"))

_NAMED = (("recipient", "recipient_known"), ("other", "other_known"), ("user", "user_known"))
"""By whose name evidence that is connected to nothing is credited: the first that was submitted."""


def _credit(custody: Custody, orphans: Rows, place: Rows, columns: dict[str, NDArray[np.int64]]) -> None:
    """Join what is known of orphans into the units that they belong to: whose they could be known to be first."""
    if not len(orphans):
        return
    units, messages = custody.units, custody.messages
    message = custody.legs["message"][units["leg"][orphans]].astype(np.int64)
    until = np.where(messages["before"][message] == 1, BEGINNING, messages.take("second_known", message))
    own = units["submitted_known"][orphans]
    until = np.minimum(until, own)
    owner = np.full(len(orphans), -1, np.int64)
    since = np.full(len(orphans), NEVER, np.int64)
    for name, known in _NAMED:
        unit, at = _submitted(custody, message, units.take(name, orphans))
        at = np.maximum(at, units.take(known, orphans))
        sooner = at < since
        owner[sooner], since[sooner] = place[unit[sooner]], at[sooner]
    due = np.append(np.maximum(columns["due_at"], columns["submitted_known"]), NEVER)[owner]
    times = {name: np.maximum(units.take(name, orphans), since) for name in _CREDITED}
    for name in _CREDITED:
        _join(columns[name], owner, times[name], times[name] < until)
    proved, shown = times["proved_known"], times["delivered_known"]
    _join(columns["answered_known"], owner, proved, (proved < until) & ((own == NEVER) | (proved > due)))
    _join(columns["shown_known"], owner, shown, (shown < until) & ((own == NEVER) | (until > due)))


def _join(column: Times, owner: Rows, at: Times, counts: Mask) -> None:
    some = counts & (owner >= 0)
    np.minimum.at(column, owner[some], at[some])


def _submitted(custody: Custody, message: Rows, recipient: NDArray[np.uint64]) -> tuple[Rows, Times]:
    """Rows of UNITS of the first submission of some messages for a recipient, and when it could be known; or NEVER."""
    pair = custody.pairs.index.find(np.column_stack([message.astype(np.uint64), recipient]))
    found = np.flatnonzero(pair >= 0)
    known = np.full(len(pair), NEVER, np.int64)
    known[found] = custody.pairs["pair_known"][pair[found]]
    legs = custody.legs.index.find(np.column_stack([custody.pairs["pair_entry"][pair[found]], recipient[found]]))
    pair[found] = unit_of(custody, legs)
    return pair, known


def unit_of(custody: Custody, legs: Rows) -> Rows:
    """Rows of UNITS of the chains of some legs; len(units) where a chain has none."""
    if not len(legs):
        return legs
    rows: Rows = custody.units.index.find(custody.legs.index.keys[custody.chains.root(legs)])
    rows[rows < 0] = len(custody.units)
    return rows
