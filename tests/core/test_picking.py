"""What is taken of few and what is asked of polars of many are the same."""

import numpy as np
import polars as pl
import pytest

from streams.core import picking
from streams.core.facts import halves

TEXTS = ["a", None, "", "b", "ü", "a"]
NOTES = [["of=one", "is=x"], [], None, ["is=", "is=y"], ["isnt=z"]]
HASHES = [b"0123456789abcdef", None, b"fedcba9876543210", None]

TIMES = pytest.mark.parametrize("times", [1, picking.FEW], ids=["few", "many"])


@TIMES
def test_texts_at_some_rows(times: int) -> None:
    """None becomes "", whether as a column or as a list, and rows may repeat and go back."""
    values = pl.Series(TEXTS * times, dtype=pl.String)
    rows = np.array([3, 1, 0, 0, len(values) - 2])
    assert picking.texts(values, rows) == picking.series(values, rows).to_list() == ["b", "", "a", "a", "ü"]
    assert picking.listed(values, rows) == ["b", None, "a", "a", "ü"]
    assert picking.filled(values).to_list() == ["a", "", "", "b", "ü", "a"] * times
    assert picking.equal(picking.filled(values), "a").tolist() == [True, False, False, False, False, True] * times


@TIMES
def test_numbers_at_some_rows(times: int) -> None:
    """A default stands where there is none, and none is no zero."""
    values = pl.Series([7, None, 0] * times, dtype=pl.Int32)
    found = picking.numbers(values, np.array([2, 1, 0]), 9)
    assert found.tolist() == [0, 9, 7]
    assert found.dtype == np.int64


@TIMES
def test_notes_at_some_rows(times: int) -> None:
    """The first note of a name counts; one that says nothing is none the less there."""
    values = pl.Series(NOTES * times, dtype=pl.List(pl.String))
    assert picking.notes(values, np.arange(5), "is", "-") == ["x", "-", "-", "", "-"]


@TIMES
def test_texts_of_rows_joined(times: int) -> None:
    """Row by row, in UTF-8."""
    ones, others = (pl.Series(texts * times, dtype=pl.String) for texts in (["a", "ü"], ["", "c"]))
    assert bytes(picking.joined([ones, others], "|", ";")) == "a|;ü|c;".encode() * times


@TIMES
def test_nothing_at_no_rows(times: int) -> None:
    """Of no rows there is nothing."""
    none = np.empty(0, np.int64)
    assert picking.texts(pl.Series(TEXTS * times, dtype=pl.String), none) == []
    assert picking.numbers(pl.Series([1] * times), none, 0).tolist() == []
    assert picking.notes(pl.Series(NOTES * times, dtype=pl.List(pl.String)), none, "is", "") == []


@pytest.mark.parametrize("between", [None, b"", b"short", b"longer than a hash is"])
def test_halves_of_hashes(between: bytes | None) -> None:
    """What is no hash is zeros, and moves no other; of a slice, too."""
    column = pl.Series([*HASHES, between, HASHES[0]], dtype=pl.Binary)
    told = [halves(column).tobytes(), halves(column[2:]).tobytes()]
    whole = b"".join((HASHES[0] or b"", bytes(16), HASHES[2] or b"", bytes(32), HASHES[0] or b""))
    assert told == [whole, whole[32:]]
    assert halves(pl.Series([None, None], dtype=pl.Binary)).tolist() == [[0, 0], [0, 0]]
