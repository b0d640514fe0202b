"""Who holds a message last, and how what is found is called."""

import numpy as np

from streams.core.events import Kind
from streams.core.holders import holders
from streams.core.identity import copy_leg, session_leg
from tests.core.journeys import event, folded, submitted


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
