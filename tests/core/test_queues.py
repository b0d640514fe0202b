"""What queues owe, by what evidence names and by what arrivals say of how many there are."""

from typing import Any

from streams.core.events import Kind, Traffic
from streams.core.queues import Queue, queues
from streams.core.terms import SECOND
from tests.core.journeys import event, folded, sent, submitted

A, B = ("origin", "A1"), ("relay", "B1")


def arrived(at: float, recipients: int | None = 2, **fields: Any) -> list[Any]:
    """An arrival that names nobody."""
    where: dict[str, Any] = {"host": "origin", "queue_id": "A1", "traffic": Traffic.OURS, "size": 1000}
    return [event(Kind.SUBMITTED, at, recipients_expected=recipients, **where | fields)]


def owed(count: int, **fields: Any) -> Queue:
    """What the queue of the first host owes since second 3."""
    since: dict[str, Any] = {"host": "origin", "next_hop": "", "oldest": 3 * SECOND, "volume": count * 1000}
    return Queue(count=count, **since | fields)


def test_recipients_that_nothing_names_yet_are_owed() -> None:
    """As many as the arrival says; one where it does not say."""
    assert queues(folded(arrived(3))) == [owed(2)]
    assert queues(folded(arrived(3, None))) == [owed(1)]


def test_what_lies_on_hold_unnamed_is_held() -> None:
    """Held on arrival: no attempt will name anybody before somebody releases it."""
    held = event(Kind.HELD, 4, host="origin", queue_id="A1")
    freed = event(Kind.RELEASED, 9, host="origin", queue_id="A1")
    assert queues(folded(arrived(3), [held])) == [owed(2, held=2)]
    assert queues(folded(arrived(3), [held, freed])) == [owed(2)]


def test_whom_an_attempt_names_waits_for_the_next_hop_and_the_rest_for_none() -> None:
    """Each recipient is counted once."""
    tried = event(Kind.DEFERRED, 5, host="origin", queue_id="A1", recipient="bob@dest.test", peer="relay")
    assert queues(folded(arrived(3), [tried])) == [owed(1), owed(1, next_hop="relay", deferred=1)]
    gone = sent(6, A, B)[:1]
    assert [one for one in queues(folded(arrived(3), gone)) if one.host == "origin"] == [owed(1)]


def test_what_left_or_names_all_owes_nobody_more() -> None:
    """A removal ends what nothing named, and so does the last recipient's name."""
    assert queues(folded(arrived(3), [event(Kind.REMOVED, 9, host="origin", queue_id="A1")])) == []
    assert queues(folded(submitted(3, "A1", size=1000))) == [owed(1)]
