"""What a rule finds, as columns."""

from dataclasses import dataclass, replace

import numpy as np

from streams.core.facts import Mask, Times
from streams.core.index import Rows
from streams.core.lattice import NEVER


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Findings of one rule, as columns.

    Attributes:
        rule: name of the rule.
        subject: "leg" or "entry": the table that `rows` number.
        rows: what they are about, shape (n,).
        due: microseconds, shape (n,); NEVER where the rule has no due time.
        decided: microseconds, shape (n,); the first clock at which it is found, not before it is raised.
        raised: microseconds, shape (n,).
        cleared: microseconds, shape (n,); NEVER while it stands.
        proven: shape (n,); was delivery proven otherwise when it was raised.
    """

    rule: str
    subject: str
    rows: Rows
    due: Times
    decided: Times
    raised: Times
    cleared: Times
    proven: Mask

    def some(self, which: Mask) -> "Found":
        """Only some of them."""
        columns = {
            name: getattr(self, name)[which] for name in ("rows", "due", "decided", "raised", "cleared", "proven")
        }
        return replace(self, **columns)


def of_entries(rule: str, rows: Rows, due: Times, raised: Times, cleared: Times) -> Found:
    """Findings about whole entries."""
    return Found(
        rule=rule,
        subject="entry",
        rows=rows,
        due=due,
        decided=raised,
        raised=raised,
        cleared=_until(cleared, raised),
        proven=np.zeros(len(rows), np.bool_),
    )


def of_legs(rule: str, legs: Rows, due: Times, raised: Times, cleared: Times, proven: Mask) -> Found:
    """Findings about legs."""
    return Found(
        rule=rule,
        subject="leg",
        rows=legs.astype(np.int64),
        due=due,
        decided=raised,
        raised=raised,
        cleared=_until(cleared, raised),
        proven=proven,
    )


def standing(rule: str, legs: Rows, raised: Times) -> Found:
    """Findings about legs that nothing clears, and that were not due at a time."""
    never = np.full(len(legs), NEVER, np.int64)
    return of_legs(rule, legs, never, raised, never, np.zeros(len(legs), np.bool_))


def _until(cleared: Times, raised: Times) -> Times:
    """A finding is not cleared before it was raised."""
    return np.maximum(cleared, raised)
