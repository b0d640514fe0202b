"""What is known of each unit of custody, with the evidence credited to it that is connected to nothing.

Rules:
- While a message key has one submission, all its evidence belongs to it: a report that names no queue id, a copy in a
  store whose session no switch told, an order in a queue that nothing is seen to have handed it to. It is credited by
  the recipient that it names: as they were submitted, else as one to whom a submitted one gave way.
- From the moment at which a second submission is known, only what is connected counts, or the one that was lost would
  hide behind the one that arrived. What was known before keeps its credit: it was not about the second, as far as
  anyone could know, and what it cleared was told.
- So credit is a function of `known` columns, and what it cleared stays cleared.
- What turns out to be of another submission keeps no alarm from being raised, or the one that was lost would hide
  behind a report that was read too early: the alarm is raised when that could be known. A report that came while the
  alarm stood cleared it, and counts for good.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streams.core.credit import Claim, unit_of
from streams.core.custody import Custody
from streams.core.facts import Times
from streams.core.index import Rows
from streams.core.lattice import NEVER
from streams.core.spans import Spans, uncovered


@dataclass(frozen=True, slots=True, kw_only=True)
class Effective:
    """What is known of each unit, with the evidence credited to it that is connected to nothing.

    Attributes:
        unit: rows of UNITS that have a submission.
        columns: values for those units, by column name; `unanswered_known` is when it could be known, where a report
            was due, that none counts, `answered_known` when one was known that does, `shown_known` when a delivery was
            that counted by then.
    """

    unit: Rows
    columns: dict[str, NDArray[np.int64]]
    _custody: Custody
    _place: Rows

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
        columns |= {"unanswered_known": np.maximum(columns["due_at"], columns["submitted_known"])}
        place = np.full(len(units) + 1, -1, np.int64)
        place[unit] = np.arange(len(unit))
        early = np.any([units[name] < submitted for name in _CREDITED], axis=0)
        _credit(custody, np.flatnonzero(alive & early), place, columns)
        return cls(unit=unit, columns=columns, _custody=custody, _place=place)

    def legs(self, some: NDArray[np.bool_] | slice) -> Rows:
        """Rows of the submitted legs of some of these units: looked up for the few that something is said of."""
        unit, units = self.unit[some], self._custody.units
        keys = np.column_stack([units.take("due_leg", unit), units.take("due_recipient", unit)])
        return self._custody.legs.index.find(keys) if len(unit) else unit

    def places(self, legs: Rows) -> Rows:
        """Places of the units that some legs are connected to; -1 where there is none."""
        places: Rows = self._place[unit_of(self._custody, legs)]
        return places

    def by_hand(self, legs: Rows) -> Times:
        """When it could be known that the units that some legs are connected to were discharged; NEVER where not."""
        discharged: Times = np.append(self["discharged_known"], NEVER)[self.places(legs)]
        return discharged

    def owned(self, legs: Rows, at: Times) -> tuple[Rows, Rows, Times]:
        """Whose it is that something could be known of some legs.

        Args:
            legs: rows.
            at: when it could be known.

        Returns:
            Places of units, the number of the leg that each owns or is credited with, and when that could be known.
        """
        if not len(legs):
            return legs, legs, at
        custody = self._custody
        unit = unit_of(custody, legs)
        there = np.flatnonzero(unit < len(custody.units))
        own = self._place[unit[there]]
        claim = Claim.of(custody, unit[there], self._place, self["submitted_known"])
        since = np.maximum(at[there], claim.since)
        mine = own >= 0
        credited = (claim.owner >= 0) & (claim.owner != own) & (since < claim.until)
        return (
            np.concatenate([own[mine], claim.owner[credited]]),
            np.concatenate([there[mine], there[credited]]),
            np.concatenate([at[there[mine]], since[credited]]),
        )


_CREDITED = tuple(f"{name}_known" for name in ("delivered", "proved", "told", "refused", "read", "discharged"))


def _credit(custody: Custody, orphans: Rows, place: Rows, columns: dict[str, NDArray[np.int64]]) -> None:
    """Join what is known of orphans into the units that they belong to."""
    if not len(orphans):
        return
    units, claim = custody.units, Claim.of(custody, orphans, place, columns["submitted_known"])
    own = units["submitted_known"][orphans]
    for name in _CREDITED:
        _join(columns[name], claim.lent(units.take(name, orphans), own))
    answers = claim.lent(units.take("proved_known", orphans), own)
    stand = answers.until == NEVER
    _join(columns["answered_known"], answers.some(stand))
    unanswered, answered = uncovered(answers.some(~stand), columns["unanswered_known"], columns["answered_known"])
    columns |= {"unanswered_known": unanswered, "answered_known": answered}
    shown = claim.lent(units.take("delivered_known", orphans), np.where(own == NEVER, NEVER, claim.until))
    _join(columns["shown_known"], shown.some((shown.until == NEVER) | (shown.until > unanswered[shown.owner])))


def _join(column: Times, spans: Spans) -> None:
    np.minimum.at(column, spans.owner, spans.since)
