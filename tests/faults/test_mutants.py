"""The simulation can fail: a part with one mistake in it is caught within some seeds."""

from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Any

import pytest

from tests.faults.mutants import MUTANTS
from tests.faults.seeds import caught

ENOUGH = 200
"""Seeds within which a mistake must show."""

ALL = [(role, broken) for role, kinds in MUTANTS.items() for broken in kinds]


@pytest.fixture(scope="module")
def first(workers: ProcessPoolExecutor) -> dict[str, int | None]:
    """By mistake, the first seed that shows it."""
    seeds = workers.map(partial(caught, range(ENOUGH)), ALL)
    return {broken.__name__: seed for (_, broken), seed in zip(ALL, seeds, strict=True)}


@pytest.mark.timeout(900)
@pytest.mark.parametrize("broken", [broken for _, broken in ALL], ids=lambda broken: broken.__name__)
def test_a_mistake_is_caught(broken: Any, first: dict[str, int | None]) -> None:
    """The check says what is wrong; that the same seeds without the mistake pass, the seeds' own test says."""
    assert first[broken.__name__] is not None, f"{ENOUGH} seeds did not show the mistake"
