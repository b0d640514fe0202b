"""What rows are called: kept once where a column repeats itself, and found again after rows have left."""

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from streams.core.names import Names

TEXTS = st.lists(st.text(st.characters(exclude_characters="\0\x1f", exclude_categories=["Cs"]), max_size=4), min_size=1)


@given(TEXTS)
def test_equal_texts_of_a_column_are_kept_once(texts: list[str]) -> None:
    """Each is found again, and takes its bytes once."""
    names = Names()
    names.add(pl.Series(["before"]))
    before = len(names)
    offsets = names.add_shared(pl.Series(texts, dtype=pl.String))
    assert [names.get(at) for at in offsets.tolist()] == [(text,) for text in texts]
    assert len(names) - before == sum(len(text.encode()) + 1 for text in set(texts))


@given(TEXTS, st.data())
def test_what_is_kept_is_found_where_it_is_now(texts: list[str], data: st.DataObject) -> None:
    """When rows leave, the others' names move."""
    names = Names()
    offsets = np.unique(names.add_shared(pl.Series(texts, dtype=pl.String)))
    some = np.array(sorted(data.draw(st.sets(st.sampled_from(offsets.tolist())))), np.int64)
    said = [names.get(at) for at in some.tolist()]
    moved = names.keep(some)
    assert [names.get(at) for at in moved.tolist()] == said


def test_marks_of_ours_in_a_shared_text_are_left_out() -> None:
    """Evidence is hostile: it has our own marks in it."""
    names = Names()
    offsets = names.add_shared(pl.Series(["a\0b\x1fc", "d", "a\0b\x1fc"]))
    assert [names.get(at) for at in offsets.tolist()] == [("abc",), ("d",), ("abc",)]
