"""The declared end of an import: one to come is refused, and what goes on after a past one is said."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from streams.collect import ending
from streams.core.errors import Misuse

NOON = 1_795_435_200_000_000
SECOND = 1_000_000


def test_a_time_with_its_zone() -> None:
    """It is the same moment in any."""
    east = timezone(timedelta(hours=1))
    assert ending.micros_of(datetime(2026, 11, 23, 12, tzinfo=UTC)) == NOON
    assert ending.micros_of(datetime(2026, 11, 23, 13, tzinfo=east)) == NOON


def test_a_time_without_a_zone_is_refused_with_how_to_write_it() -> None:
    """An hour or more would be missing, or overdue too early, and nobody would know."""
    with pytest.raises(Misuse, match=r"^until: 2026-11-23T12:00:00 says no time zone\.$") as refused:
        ending.micros_of(datetime(2026, 11, 23, 12))  # noqa: DTZ001 - that is what is wrong
    assert "until = 2026-11-23T12:00:00Z for UTC" in refused.value.hint


def test_an_end_to_come_is_refused() -> None:
    """The clock would be there for ever; now and before is an end, and so is none."""
    for until in (None, NOON - 1, NOON):
        ending.refuse_future(until, 0, NOON)
    for seen in (0, NOON + 3600 * SECOND):
        with pytest.raises(Misuse, match=r"until = 2062-11-14T12:00:00Z, is yet to come: it is 2026-11-23"):
            ending.refuse_future(NOON + 36 * 365 * 86_400 * SECOND, seen, NOON)


def test_evidence_that_is_of_a_time_to_come_may_end_there() -> None:
    """It is played, or our own clock is wrong."""
    ending.refuse_future(NOON + 7200 * SECOND, NOON + 3600 * SECOND, NOON)


def test_sources_that_go_on_after_the_end_are_said() -> None:
    """Each by its name; what is of the same second is not later, for most logs have whole seconds."""
    seen = {"a": NOON - SECOND, "b": NOON + SECOND - 1, "c": NOON + 3600 * SECOND, "d": 0}
    (said,) = ending.beyond(NOON, seen)
    assert said == (
        "Source c goes on up to 2026-11-23T13:00:00Z, after the declared end (until = 2026-11-23T12:00:00Z): "
        "nothing is judged that came later."
    )
    assert ending.beyond(None, seen) == []
