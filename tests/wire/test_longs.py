"""Avro's integers: byte for byte what the reference writer gives."""

import io

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.errors import Undecodable
from streams.wire.longs import zigzag
from tests.wire.envelopes import longs


def _reference(number: int) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, "long", number)
    return out.getvalue()


@given(longs)
def test_a_long_is_written_as_avro_says(number: int) -> None:
    """Every number of 64 bits is what fastavro writes."""
    assert zigzag(number) == _reference(number)


@given(st.integers(0, 62), st.sampled_from((-1, 1)), st.integers(-2, 2))
def test_the_ends_of_the_tables(bits: int, sign: int, beside: int) -> None:
    """Where one table ends and the next begins, nothing is lost."""
    number = sign * (1 << bits) + beside
    assert zigzag(number) == _reference(number)


@given(st.integers(min_value=1 << 63) | st.integers(max_value=-(1 << 63) - 1))
def test_more_than_64_bits_are_refused(number: int) -> None:
    """What no long holds is not written as something else."""
    with pytest.raises(Undecodable, match="a number of"):
        zigzag(number)
