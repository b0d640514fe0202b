"""Who holds a message last, and how what is found is called."""

from typing import Any

import numpy as np
import pytest

from streams.core.events import Kind, MessageEvent
from streams.core.holders import cause, holders
from streams.core.identity import copy_leg, session_leg
from tests.core.journeys import event, folded, sent, submitted


def test_an_entry_that_was_removed_holds_nothing() -> None:
    """Though it never said what became of the recipient that it was handed."""
    custody = folded(submitted(0, "A"), [event(Kind.REMOVED, 5, host="origin", queue_id="A")])
    (holder,) = holders(custody, np.array([0]))
    assert (holder.queue_id, holder.cause) == ("A", "left origin, not seen since")


def test_a_copy_is_called_by_its_mailbox_and_number() -> None:
    """Whichever names it first: the session that brought it, or whoever opened it."""
    copy = copy_leg("store", "bob@dest.test", "INBOX", "7")
    saved = event(Kind.DELIVERED, 1, host="store", queue_id="s1", recipient="bob@dest.test", leg=session_leg("s1"),
                  next_leg=copy, next_queue_id="INBOX/7", peer="store", attributes=("mailbox=INBOX",))  # fmt: skip
    opened = event(Kind.READ, 2, host="store", queue_id="INBOX/7", recipient="bob@dest.test", leg=copy)
    for batches in (([saved], [opened]), ([opened], [saved]), ([saved, opened],)):
        custody = folded(*batches)
        row = int(custody.legs.index.find(np.frombuffer(copy, np.uint64)[None, :])[0])
        name = custody.names.get(int(custody.legs["name"][row]))
        assert name[:2] == ("store", "INBOX/7")


WHERE: dict[str, Any] = {"host": "origin", "queue_id": "A", "recipient": "bob@dest.test"}
GONE = event(Kind.REMOVED, 9, host="origin", queue_id="A")


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (event(Kind.REFUSED, 5, **WHERE, status="5.1.1"), "given up on origin"),
        (event(Kind.NON_DELIVERED, 5, **WHERE), "given up on origin"),
        (event(Kind.REFUSED, 5, **WHERE | {"recipient": ""}, status="4.4.7", action="expired"), "given up on origin"),
        (event(Kind.DISCARDED, 5, **WHERE), "discarded or quarantined on origin"),
        (event(Kind.QUARANTINED, 5, **WHERE), "discarded or quarantined on origin"),
        (event(Kind.TRANSFERRED, 5, **WHERE, side="sent", peer="far"), "left origin, not seen since"),
    ],
)
def test_how_a_stay_ended_is_what_holds_a_report_up(end: MessageEvent, words: str) -> None:
    """Who reads "not seen since" asks the next party: not of what nobody was given."""
    for batches in ([submitted(0, "A"), [end, GONE]], [[GONE], [end], submitted(0, "A")]):
        (holder,) = holders(folded(*batches), np.array([0]))
        assert (holder.queue_id, holder.cause) == ("A", words)
        assert cause("overdue", holder, "bob@dest.test", proven=False) == words


def test_what_was_served_before_its_entry_was_given_up_was_handed_on() -> None:
    """An expiry is of those who are still owed."""
    served = event(Kind.TRANSFERRED, 5, **WHERE, side="sent", peer="far")
    expired = event(Kind.REFUSED, 7, **WHERE | {"recipient": ""}, status="4.4.7", action="expired")
    (holder,) = holders(folded(submitted(0, "A"), [served, expired, GONE]), np.array([0]))
    assert holder.cause == "left origin, not seen since"


def test_what_another_queue_gave_up_is_not_said_of_the_last() -> None:
    """Of the last stay is said how it ended itself."""
    refused = event(Kind.REFUSED, 2, **WHERE, status="5.1.1")
    went_on = sent(3, ("origin", "A"), ("relay", "B"))
    away = event(Kind.TRANSFERRED, 4, host="relay", queue_id="B", recipient="bob@dest.test", side="sent", peer="far")
    (holder,) = holders(folded(submitted(0, "A"), [refused, *went_on, away]), np.array([0]))
    assert (holder.host, holder.cause) == ("relay", "left relay, not seen since")
