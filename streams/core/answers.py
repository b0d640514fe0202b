"""Answers: what became of the report that each unit was promised.

Rules:
- A state is decided at the clock, by what the finding `overdue` decides by: where the terms switch that finding on, a
  report is late while it stands (as `overdue`, `blind` or `clock-doubt`).
- What comes first ends the waiting: a final report, a discharge by hand, or that the message was handed to a party that
  does not report. None of them is waited for after that.
"""

from enum import Enum

import numpy as np
from numpy.typing import NDArray

from streams.core.clock import Clock
from streams.core.custody import Custody
from streams.core.effective import Effective
from streams.core.facts import Times
from streams.core.findings import touched
from streams.core.index import Rows
from streams.core.lattice import NEVER
from streams.core.terms import SECOND


class ReportState(Enum):
    """What became of a report; the value is its name in the warehouse."""

    RECEIVED = "received"
    NOT_ASKED = "not-asked"
    BEYOND_SIGHT = "beyond-sight"
    EXPECTED = "expected"
    BLIND = "blind"
    OVERDUE = "overdue"


def report_states(custody: Custody, clock: Clock) -> tuple[Rows, NDArray[np.object_]]:
    """The state of each unit's report at the clock.

    Returns:
        Rows of the submitted legs that name the units, shape (n,), and the `ReportState` of each, shape (n,).
    """
    known = Effective.of(custody)
    due, now, grace = known["due_at"], clock.through, custody.terms.profile.grace * SECOND
    answered = known["answered_known"] <= now
    relayed, proved = _first(custody, known, "relayed"), _first(custody, known, "proved")
    beyond = answered & (relayed != NEVER) & (relayed <= proved)
    late = np.maximum(np.minimum(due, NEVER - grace) + grace, known["unanswered_known"]) <= now
    states = (
        (answered & ~beyond, ReportState.RECEIVED),
        (due == NEVER, ReportState.NOT_ASKED),
        (beyond, ReportState.BEYOND_SIGHT),
        (~late, ReportState.EXPECTED),
        (touched(clock.silences(), known["due_from"], due), ReportState.BLIND),
    )
    found = np.full(len(due), ReportState.OVERDUE, np.object_)
    for some, state in reversed(states):
        found[some] = state
    return known.legs(slice(None)), found


def _first(custody: Custody, known: Effective, name: str) -> Times:
    """When it happened first to each unit, by what is its own or credited to it."""
    units = custody.units
    at = units.take(f"{name}_at", known.unit)
    alone = (units["leg"] >= 0) & (units["submitted_known"] == NEVER) & (units[f"{name}_known"] != NEVER)
    rows = np.flatnonzero(alone)
    owners, numbers, _ = known.owned(units["leg"][rows], units.take(f"{name}_known", rows))
    np.minimum.at(at, owners, units.take(f"{name}_at", rows)[numbers])
    return at
