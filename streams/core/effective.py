"""What is known of each unit of custody, with the evidence credited to it that is connected to nothing.

Where a message key has one submission, all its evidence belongs to it: a report that names no queue id, a copy in a
store whose session no switch told. Where it has several, only what is connected counts, or the one that was lost would
hide behind the one that arrived.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streams.core.custody import Custody
from streams.core.index import Rows
from streams.core.lattice import NEVER


@dataclass(frozen=True, slots=True, kw_only=True)
class Effective:
    """What is known of each unit, with the evidence credited to it that is connected to nothing.

    Attributes:
        unit: rows of UNITS that have a submission.
        leg: row of the submitted leg of each unit.
        columns: values for those units, by column name.
        astray: rows of UNITS without a submission whose evidence could be credited to nobody.
    """

    unit: Rows
    leg: Rows
    columns: dict[str, NDArray[np.int64]]
    astray: Rows

    def __getitem__(self, name: str) -> NDArray[np.int64]:
        """Values of a column, one a unit."""
        return self.columns[name]

    @classmethod
    def of(cls, custody: Custody) -> "Effective":
        """Credit orphans and gather the columns of units."""
        units = custody.units
        alive, ours = units["leg"] >= 0, units["submitted_at"] != NEVER
        unit = np.flatnonzero(alive & ours)
        orphans = np.flatnonzero(alive & ~ours)
        owners = _owners(custody, orphans)
        columns = {name: units[name][unit].copy() for name in _CREDITED}
        place = np.full(len(units), -1, np.int64)
        place[unit] = np.arange(len(unit))
        credited = owners >= 0
        for name, column in columns.items():
            np.minimum.at(column, place[owners[credited]], units[name][orphans[credited]])
        keys = np.column_stack([units["due_leg"][unit], units["due_recipient"][unit]])
        leg = custody.legs.index.find(keys) if len(unit) else unit
        for name in ("submitted_at", "submitted_known", "due_at"):
            columns[name] = units[name][unit]
        return cls(unit=unit, leg=leg, columns=columns, astray=orphans[~credited])


_CREDITED = tuple(
    f"{name}_{end}"
    for name in ("delivered", "proved", "failed", "told", "reported", "refused", "discarded", "read")
    for end in ("at", "known")
)


def _owners(custody: Custody, orphans: Rows) -> Rows:
    """The unit that each orphan's evidence belongs to, or -1: its message has one submission, for its recipient."""
    if not len(orphans):
        return orphans
    units, legs, messages = custody.units, custody.legs, custody.messages
    message = legs["message"][units["leg"][orphans]].astype(np.int64)
    single = messages["entry_least"][message] == messages["entry_greatest"][message]
    owner = np.full(len(orphans), -1, np.int64)
    for recipients in (units["recipient_least"], units["recipient_greatest"], units["user"]):
        keys = np.column_stack([messages.index.keys[message, 0], recipients[orphans]])
        pair = custody.pairs.index.find(keys)
        found = np.flatnonzero(single & (pair >= 0) & (owner < 0))
        submitted = custody.pairs["leg"][pair[found]].astype(np.int64)
        owner[found] = custody.units.index.find(legs.index.keys[custody.chains.root(submitted)])
    return owner


def unit_of(custody: Custody, legs: Rows) -> Rows:
    """Rows of UNITS of the chains of some legs; len(units) where a chain has none."""
    if not len(legs):
        return legs
    rows: Rows = custody.units.index.find(custody.legs.index.keys[custody.chains.root(legs)])
    rows[rows < 0] = len(custody.units)
    return rows
