"""When legs left their queues: by what was done with them, or since their recipients gave way to others.

Rules:
- Who gives way to others and to himself (an alias that keeps a copy) is still there.
- That may be known later than that he gave way: meanwhile he seems to have left. What was decided then stands.
"""

from typing import Literal

import numpy as np

from streams.core.facts import Mask, Times
from streams.core.holdings import Holdings
from streams.core.index import Rows
from streams.core.lattice import NEVER


def left(custody: Holdings, legs: Rows, when: Literal["at", "known"] = "known") -> Times:
    """When some legs left, or when that could be known; NEVER while something is owed there."""
    table = custody.legs
    gave_way = np.where(_keeps(custody, legs), NEVER, table.take(f"redirected_{when}", legs))
    times: Times = np.minimum(table.take(f"left_{when}", legs), gave_way)
    return times


def away(custody: Holdings, legs: Rows) -> tuple[Times, Times]:
    """From when on legs that are still there seemed to have left, and when the contrary could be known; else NEVER."""
    keeps = _keeps(custody, legs)
    since = np.where(keeps, custody.legs.take("redirected_known", legs), NEVER)
    return since, custody.legs.take("kept_known", legs)


def _keeps(custody: Holdings, legs: Rows) -> Mask:
    keeps: Mask = custody.legs.take("kept_known", legs) != NEVER
    return keeps
