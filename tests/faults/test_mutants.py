"""The simulation can fail: a part with one mistake in it is caught within some seeds."""

from concurrent.futures import ProcessPoolExecutor
from typing import Any

import pytest

from tests.faults.mutants import MUTANTS
from tests.faults.seeds import caught

ENOUGH = 300
"""Seeds within which a mistake must show."""

SHOWN = {
    "HurriedCollector": 96, "CarelessTracker": 10, "TimelessTracker": 27, "OmittingTracker": 10, "ClingingTracker": 89,
    "WordlessTracker": 23, "CarelessFeed": 17, "RepeatingFeed": 21, "TimelessFeed": 30, "CarelessDesk": 69,
    "SparingDesk": 279,
}  # fmt: skip
"""A seed that showed a mistake when it was made, where the first that does is far; it is tried before the others."""

ALL = [(role, broken) for role, kinds in MUTANTS.items() for broken in kinds]


@pytest.mark.timeout(1200)
@pytest.mark.parametrize(("role", "broken"), ALL, ids=[broken.__name__ for _, broken in ALL])
def test_a_mistake_is_caught(role: str, broken: Any, workers: ProcessPoolExecutor) -> None:
    """The check says what is wrong; that the same seeds without the mistake pass, the seeds' own test says."""
    first = SHOWN.get(broken.__name__)
    seeds = sorted(range(ENOUGH), key=lambda seed: seed != first)
    seed = workers.submit(caught, seeds, (role, broken)).result()
    assert seed is not None, f"{ENOUGH} seeds did not show the mistake"
