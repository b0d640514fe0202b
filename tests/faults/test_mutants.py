"""The simulation can fail: a part with one mistake in it is caught within a few seeds."""

from typing import Any

import pytest

from tests.faults.mutants import MUTANTS
from tests.faults.roles import PARTS
from tests.faults.seeds import run

ENOUGH = 80
"""Seeds within which a mistake must show."""


@pytest.mark.parametrize(("role", "broken", "only"), MUTANTS, ids=[broken.__name__ for _, broken, _ in MUTANTS])
def test_a_mistake_is_caught(role: str, broken: Any, only: frozenset[str], caplog: pytest.LogCaptureFixture) -> None:
    """The check says what is wrong; the same seeds without the mistake pass."""
    caplog.set_level("CRITICAL")
    caught = next((seed for seed in range(ENOUGH) if run(seed, PARTS | {role: broken}, only)), None)
    assert caught is not None, f"{ENOUGH} seeds did not show the mistake"
    assert run(caught, PARTS, only) == []
