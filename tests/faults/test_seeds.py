"""Faults of our own machinery: nothing acknowledged is lost, every alarm due is told once, a replay agrees."""

from concurrent.futures import ProcessPoolExecutor

import pytest

from tests.faults.seeds import all_wrong

SLICE = 25
"""Seeds that a process takes at once."""


@pytest.mark.timeout(3600)
def test_no_fault_of_ours_loses_or_invents_anything(seeds: range, workers: ProcessPoolExecutor) -> None:
    """Crashes, lost acknowledgements, repeated and late fetches, rebalances, frozen workers, a warehouse that lies."""
    slices = [range(start, min(start + SLICE, seeds.stop)) for start in range(seeds.start, seeds.stop, SLICE)]
    wrong = {seed: said for found in workers.map(all_wrong, slices) for seed, said in found.items()}
    said = [f"pytest tests/faults --seed {seed}: {'; '.join(found)}" for seed, found in sorted(wrong.items())]
    assert not wrong, "\n".join(said)
