"""Names that mail systems give."""

import random

from hypothesis import given
from hypothesis import strategies as st

from streams.collect.queueid import arrival, is_queue_id
from streams.simulate.queueids import long_id


@given(st.integers(1_000_000_000_000_000, 4_000_000_000_000_000), st.randoms(use_true_random=False))
def test_a_long_queue_id_tells_its_arrival(at: int, chance: random.Random) -> None:
    """The collectors read the arrival out of it."""
    queue_id = long_id(at, chance)
    assert is_queue_id(queue_id)
    assert arrival(queue_id, 0) == at
