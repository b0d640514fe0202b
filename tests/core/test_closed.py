"""What has closed is found for as long as it is remembered, at a cost that does not grow with what closed before."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core import closed
from streams.core.closed import Closed, Hashes


def hashes(*values: int) -> Hashes:
    """Some hashes."""
    return np.array(values, np.uint64)


@given(st.lists(st.tuples(st.integers(0, 160), st.lists(st.integers(0, 40), max_size=9)), max_size=30))
def test_what_closed_is_found_until_it_is_forgotten(added: list[tuple[int, list[int]]]) -> None:
    """Whatever closed twice, at once, or in whatever order it is put back; an epoch is forgotten as a whole."""
    one, back = Closed(80), Closed(80)
    for at, values in sorted(added):
        one.add(at, hashes(*values))
    kept = [(at, values) for at, values in added if at // 10 >= max((at for at, _ in added), default=0) // 10 - 8]
    for at, values in kept:
        back.restore(at, hashes(*values))
    known = {value for _, values in kept for value in values}
    for some in (one, back):
        assert some.has(hashes(*range(41))).tolist() == [value in known for value in range(41)]


def test_what_closes_is_not_merged_with_all_that_closed_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand times a hundred: each hash is sorted some ten times, and not a thousand."""
    taken, real = list[int](), closed._distinct

    def counted(some: Hashes) -> Hashes:
        taken.append(len(some))
        return real(some)

    monkeypatch.setattr(closed, "_distinct", counted)
    months = Closed(400)
    for number in range(1000):
        months.add(0, np.arange(100 * number, 100 * number + 100, dtype=np.uint64))
    assert len(months) == 100_000
    assert sum(taken) < 100_000 * 25
