"""Rows by hash."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.core.index import Index

halves = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 3)), max_size=300)


@given(st.lists(halves, max_size=4))
def test_same_key_same_row_whatever_the_batches(batches: list[list[tuple[int, int]]]) -> None:
    """A key keeps its row; different keys have different rows; rows are dense."""
    index = Index(2, capacity=1)
    model: dict[tuple[int, int], int] = {}
    for batch in batches:
        keys = np.array(batch, np.uint64).reshape(-1, 2)
        for key, row in zip(batch, index.rows(keys).tolist(), strict=True):
            assert model.setdefault(key, row) == row
    assert sorted(model.values()) == list(range(len(index)))


def test_find_does_not_create() -> None:
    """Looking for an unknown key gives -1 and leaves the index as it was."""
    index = Index(1)
    index.rows(np.array([[7], [9]], np.uint64))
    assert index.find(np.array([[9], [8], [7]], np.uint64)).tolist() == [1, -1, 0]
    assert len(index) == 2


def test_survives_growth() -> None:
    """A hundred thousand keys in odd batches are all found again."""
    index = Index(2, capacity=16)
    keys = np.random.default_rng(1).integers(0, 2**63, (100_000, 2)).astype(np.uint64)
    rows = np.concatenate([index.rows(part) for part in np.array_split(keys, 37)])
    assert (index.find(keys) == rows).all()
    assert len(index) == len(np.unique(rows)) == 100_000
