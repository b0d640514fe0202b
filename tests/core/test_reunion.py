"""Which hand-overs take away what was found before them."""

import numpy as np

from streams.core.clock import BEGINNING
from streams.core.custody import Custody
from streams.core.events import MessageEvent
from streams.core.facts import facts, frame_of
from streams.core.reunion import reunited
from streams.core.terms import SECOND, Terms
from tests.core.journeys import TERMS, opened, reported, sent, stored, submitted

LAST = ("relay", "B1")


def _clocks(*intervals: list[MessageEvent], before: int = 0) -> list[float]:
    """The ticks told, where one comes after each interval; the first `before` intervals are known already."""
    custody, now, heard = Custody(terms=Terms.parse(TERMS)), BEGINNING, 0
    for number, some in enumerate(intervals[:before]):
        custody.fold(facts(frame_of(some), now))
        now, heard = (number + 1) * SECOND, len(custody.legs)
    events = [(one, number) for number, some in enumerate(intervals) if number >= before for one in some]
    clock = np.array([number * SECOND if number else BEGINNING for _, number in events])
    told = reunited(custody, now, facts(frame_of([one for one, _ in events]), clock), clock, heard)
    return [at / SECOND for at in told.tolist()]


def test_a_message_on_its_way_is_never_apart() -> None:
    """Each queue hears of it from the one before."""
    gave, removed, got = sent(1, ("origin", "A1"), LAST)
    way = ([*submitted(0, "A1")], [gave, removed, got], stored(2, LAST, "s1"), reported(3, LAST))
    assert [_clocks(*way, before=before) for before in range(5)] == [[]] * 5


def test_a_hand_over_that_is_told_after_what_it_connects() -> None:
    """Both ends were known at a tick before it, whether in this batch or in one before."""
    way = (submitted(0, "A1"), reported(3, LAST), sent(1, ("origin", "A1"), LAST))
    assert [_clocks(*way, before=before) for before in range(3)] == [[2]] * 3


def test_what_is_told_within_one_tick_was_not_apart() -> None:
    """Nobody could have found anything in between."""
    assert _clocks([*submitted(0, "A1"), *reported(3, LAST), *sent(1, ("origin", "A1"), LAST)]) == []


def test_a_stay_that_nobody_told_of_connects_two_that_were() -> None:
    """The session is new, and is what the queue before it and the copy behind it share."""
    way = ([*submitted(0, "A1"), *sent(1, ("origin", "A1"), LAST)], opened(3, "s1"), stored(2, LAST, "s1"))
    assert [_clocks(*way, before=before) for before in range(3)] == [[2]] * 3


def test_what_is_one_already_is_not_connected_again() -> None:
    """The same hand-over, told twice."""
    way = (submitted(0, "A1"), sent(1, ("origin", "A1"), LAST), sent(1, ("origin", "A1"), LAST))
    assert _clocks(*way, before=2) == []
