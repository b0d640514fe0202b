"""Queue ids tell when their entry arrived."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.collect.queueid import arrival, is_queue_id

LINE = 1_795_477_955_000_000


def test_a_long_id() -> None:
    """A long id carries the arrival in microseconds."""
    at = datetime.fromtimestamp(arrival("4jYLmz1WSXz1TCKS", LINE) / 1_000_000, UTC)
    assert at.isoformat() == "2026-11-23T22:52:35.214892+00:00"


def test_a_short_id() -> None:
    """A short id carries microseconds, which count within the second of its first line."""
    assert arrival("0D4121A05C", LINE) == LINE + 0x0D412
    assert arrival("FFFFF1A05C", LINE) == LINE


def test_a_line_with_microseconds() -> None:
    """Where the line is as exact itself, a short id adds nothing."""
    assert arrival("0D4121A05C", LINE + 5) == LINE + 5


@pytest.mark.parametrize("text", ["4jYLmz1WSXz1TCKS", "3Z8Gsm0Y2Zz1", "0D4121A05C", "ABCDEF"])
def test_forms(text: str) -> None:
    """Long and short ids are known by their form."""
    assert is_queue_id(text)


@pytest.mark.parametrize(
    "text", ["", "NOQUEUE", "warning", "connect to x", "4jYLmz1WSXz", "abcdef", "statistics", "1.2"]
)
def test_other_texts(text: str) -> None:
    """Words before a colon are no queue ids."""
    assert not is_queue_id(text)


@given(st.text())
def test_any_text(text: str) -> None:
    """Foreign text never raises."""
    is_queue_id(text)
    assert arrival(text, LINE) >= 0
