"""A notification of failure tells its originator, unless it is undelivered itself."""

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.core.clock import BEGINNING
from streams.core.custody import Custody
from streams.core.effective import Effective
from streams.core.events import Kind, MessageEvent
from streams.core.facts import facts, frame_of
from streams.core.lattice import NEVER
from streams.core.notices import told
from streams.core.terms import SECOND, Terms
from tests.core.journeys import TERMS, alarms, event, folded, journey, reported, submitted

A = ("origin", "A1")
UNTOLD = {"refused": "untold", "findings": ["refused", "uncorroborated-report"]}
"""Terms by which a refusal is found where nobody was told within twenty seconds."""


def refused(at: float = 3) -> list[MessageEvent]:
    """A message of ours that the system gave up."""
    gone = event(Kind.REFUSED, at, host="origin", queue_id="A1", recipient="bob@dest.test", status="5.1.1")
    return [*submitted(0, "A1"), gone, event(Kind.REMOVED, at, host="origin", queue_id="A1")]


def notice(at: float, action: str = "issued", number: str = "N1", **fields: Any) -> MessageEvent:
    """A switch says of a notification about it that it was issued, or undelivered."""
    about: dict[str, Any] = {"host": "origin", "queue_id": "A1", "attributes": ("notification=failed",)} | fields
    return event(Kind.REPORTED, at, action=action, next_queue_id=number, **about)


def lost(at: float, number: str = "N1", **fields: Any) -> MessageEvent:
    """A notification bounced, expired, or was deleted or discarded."""
    return notice(at, "undelivered", number, **fields)


def found(*events: MessageEvent, at: float = 1000) -> set[Any]:
    """What is found of a message that was refused."""
    found: set[Any] = alarms(folded(refused(), [*events], terms=UNTOLD), at)
    return found


@pytest.mark.parametrize("how", ["always", "untold"])
def test_bulk_that_is_refused_is_no_finding(how: str) -> None:
    """Who sends it mostly takes no mail, so that nobody is ever told; it is stuck at most, as all terms say."""
    terms = UNTOLD | {"refused": how}
    assert {row[0] for row in alarms(folded(refused(), terms=terms), 1000)} == {"refused"}
    assert not alarms(folded(refused(), terms=terms | {"bulk": ["AL@*"]}), 1000)


def test_a_notification_that_stands_tells() -> None:
    """The ordinary case: nobody hears of it."""
    assert found(notice(3)) == set()


@pytest.mark.parametrize(("at", "raised"), [(4, 23), (23, 23), (500, 500)])
def test_a_notification_that_is_undelivered_tells_nobody(at: float, raised: float) -> None:
    """The refusal is found when that could be known, but not before it is due; as long as nobody else tells."""
    assert found(notice(3), lost(at)) == {("refused", "origin/A1", raised, None)}
    assert found(notice(3), lost(at), at=raised - 0.1) == set()


def test_another_notification_that_stands_tells() -> None:
    """What was undelivered is of no account where another was issued meanwhile, and clears where it comes later."""
    assert found(notice(3), notice(5, number="N2"), lost(8)) == set()
    assert found(notice(3), lost(8), notice(20, number="N2")) == set()
    assert found(notice(3), lost(8), notice(50, number="N2")) == {("refused", "origin/A1", 23, 50)}
    assert found(notice(3), notice(5, number="N2"), lost(40), lost(60, "N2")) == {("refused", "origin/A1", 60, None)}
    three = [notice(3), notice(5, number="N2"), notice(6, number="N3"), lost(40), lost(60, "N2")]
    assert found(*three) == set()


def test_many_that_stand_cost_what_one_does() -> None:
    """The refusals of a list may be notified of by the hundred: the first that stands says all that others would."""
    many = [notice(5 + n, number=f"N{n}") for n in range(9)]
    custody = folded(refused(), many, [lost(40, "N3")], terms=UNTOLD)
    spans = told(custody, Effective.of(custody))
    assert sorted(zip(spans.since.tolist(), spans.until.tolist(), strict=True)) == [
        (5 * SECOND, NEVER),
        (8 * SECOND, 40 * SECOND),
    ]


def test_a_report_that_was_seen_tells() -> None:
    """Before, nothing is found; later, it is cleared."""
    assert found(notice(3), lost(8), *reported(20, A, "failed")) == set()
    assert found(notice(3), lost(8), *reported(50, A, "failed")) == {("refused", "origin/A1", 23, 50)}


def test_what_tells_of_no_failure_matters_not() -> None:
    """A notice of delay that was undelivered takes nothing back, nor one that was never issued."""
    delayed = notice(2, number="N0", attributes=("notification=delayed",))
    assert found(delayed, lost(9, "N0"), notice(3)) == set()
    assert found(lost(9, "N0"), notice(3)) == set()


def test_one_that_was_undelivered_before_it_could_be_known_never_told() -> None:
    """A log that is read late tells both at once."""
    custody = folded(refused(), terms=UNTOLD)
    custody.fold(facts(frame_of([notice(3), lost(8)]), 90 * SECOND))
    assert alarms(custody, 200) == {("refused", "origin/A1", 23, None)}


def test_an_undelivered_notification_that_is_read_late_counts_from_when_it_was_known() -> None:
    """What was decided meanwhile stands."""
    custody = folded(refused(), [notice(3)], terms=UNTOLD)
    custody.fold(facts(frame_of([lost(8)]), 90 * SECOND))
    assert alarms(custody, 200) == {("refused", "origin/A1", 90.000001, None)}


def test_order_and_batches_change_nothing() -> None:
    """In whatever order it is read, and however often."""
    some = [notice(3), lost(8), notice(50, number="N2")]
    for events in permutations(some):
        custody = Custody(terms=Terms.parse(TERMS | UNTOLD))
        for one in (*refused(), *events, *events[:2]):
            custody.fold(facts(frame_of([one]), BEGINNING))
        assert alarms(custody, 1000) == {("refused", "origin/A1", 23, 50)}


@st.composite
def notices(draw: st.DrawFn) -> list[tuple[int, int, str, str]]:
    """When each became known, when it was, what was said, of which notification; in the order of the log."""
    times = sorted(draw(st.lists(st.integers(4, 60), max_size=7)))
    actions, numbers = st.sampled_from(("issued", "undelivered")), st.sampled_from(("N1", "N2", "N3"))
    return [(known, draw(st.integers(3, known)), draw(actions), draw(numbers)) for known in times]


@settings(max_examples=100, deadline=None)
@given(notices(), st.randoms())
def test_what_was_found_stands_whatever_comes_later(said: list[tuple[int, int, str, str]], chance: Any) -> None:
    """At each clock: raised and cleared as they were told then, and the same in any order."""
    custody, told = folded(refused(), terms=UNTOLD), set[Any]()
    for known, at, action, number in said:
        custody.fold(facts(frame_of([notice(at, action, number)]), known * SECOND))
        now = alarms(custody, known)
        for rule, place, raised, cleared in told:
            (one,) = [other for other in now if other[:3] == (rule, place, raised)]
            assert cleared in {None, one[3]}
        told = now
    other = Custody(terms=Terms.parse(TERMS | UNTOLD))
    shuffled = chance.sample(said, len(said))
    for known, at, action, number in shuffled:
        other.fold(facts(frame_of([notice(at, action, number)]), known * SECOND))
    other.fold(facts(frame_of(refused()), BEGINNING))
    assert alarms(other, 100) == alarms(custody, 100)


def test_it_is_no_report() -> None:
    """That a notification was undelivered says nothing of a message that was never seen, and of nobody's report."""
    odd = lost(5, queue_id="Z9", recipient="bob@dest.test")
    assert {rule for rule, *_ in alarms(folded(journey(0, "1"), [odd], terms=UNTOLD), 1000)} == set()
    assert alarms(folded([odd], terms=UNTOLD), 1000) == set()
